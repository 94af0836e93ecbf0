"""Clusters for the server's tests: shared ones, emptied before each test, for tests without faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_wire import Wire

from pyspike.server import EmbeddedCluster


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
def wire(shared_cluster: EmbeddedCluster) -> Iterator[Wire]:
    shared_cluster.clear()
    with Wire(shared_cluster.nodes[0].port) as connection:
        yield connection


@pytest.fixture
def three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def strong_cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(3, strong_consistency=["test"]) as cluster:
        yield cluster


@pytest.fixture
def strong(strong_cluster: EmbeddedCluster) -> EmbeddedCluster:
    """Three nodes on which the namespace `test` is strong-consistent and `bar` is not; without records."""
    strong_cluster.reset()
    return strong_cluster

"""pytest fixtures for tests of code that uses pyspike; where it is installed, pytest finds them by itself.

    def test_a_visit_is_counted(aerospike_client):
        key = ("test", "users", "ann")
        aerospike_client.add(key, {"visits": 1})
        assert aerospike_client.get(key)["visits"] == 1

aerospike_cluster   an `EmbeddedCluster` of one node in this process, for the whole session; None if the
                    environment variable PYSPIKE_HOSTS names servers to use instead
aerospike_hosts     the hosts of either
aerospike_client    a `Client`, shared by the session; an embedded cluster is emptied before each test

No options, no hooks and no settings, so nothing to clash with. The server is not imported before a fixture is
asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pyspike import collision

if TYPE_CHECKING:
    from pyspike import Client
    from pyspike.server import EmbeddedCluster

__all__ = ["aerospike_client", "aerospike_cluster", "aerospike_hosts"]

HOSTS_VARIABLE = "PYSPIKE_HOSTS"


@pytest.fixture(scope="session")
def aerospike_cluster() -> Iterator[EmbeddedCluster | None]:
    """An embedded cluster of one node, with the namespaces `test` and `bar`; None if PYSPIKE_HOSTS is set.

    To have several nodes or other namespaces, override it in a conftest.py::

        @pytest.fixture(scope="session")
        def aerospike_cluster():
            with EmbeddedCluster(nodes=3, namespaces=["users"]) as cluster:
                yield cluster
    """
    if not collision.is_whole():
        pytest.fail(collision.explanation() or "pyspike is not the Aerospike client", pytrace=False)
    if os.environ.get(HOSTS_VARIABLE):
        yield None
        return
    try:
        from pyspike.server import EmbeddedCluster
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)

    with EmbeddedCluster(nodes=1) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def aerospike_hosts(aerospike_cluster: EmbeddedCluster | None) -> str:
    """What `Client(...)` is given: the embedded cluster's hosts, or those of PYSPIKE_HOSTS."""
    return os.environ[HOSTS_VARIABLE] if aerospike_cluster is None else aerospike_cluster.hosts


@pytest.fixture(scope="session")
def _aerospike_shared_client(aerospike_hosts: str) -> Iterator[Client]:
    from pyspike import Client

    with Client(aerospike_hosts) as client:
        yield client


@pytest.fixture
def aerospike_client(_aerospike_shared_client: Client, aerospike_cluster: EmbeddedCluster | None) -> Client:
    """A client of the cluster, the same one for all tests, as an application would have it.

    The embedded cluster is emptied before each test. Servers named by PYSPIKE_HOSTS never are: on them use
    keys that no other test has.
    """
    if aerospike_cluster is not None:
        aerospike_cluster.clear()
    return _aerospike_shared_client

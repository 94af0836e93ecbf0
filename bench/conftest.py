"""What the benchmarks share: a server in a process of its own (or that of PYSPIKE_HOSTS), and both clients.

    pytest bench                        measure
    pytest bench --benchmark-disable    run each once, to see that it runs

Benchmarks of one group do the same thing; they are named after who does it. Where no package does the same as
pyspike, it stands alone. What whole commands cost is measured more carefully by compare.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import Client
from pyspike.server import EmbeddedCluster


@pytest.fixture(scope="session")
def hosts() -> Iterator[str]:
    real = os.environ.get("PYSPIKE_HOSTS")
    if real:
        yield real
        return
    with EmbeddedCluster(nodes=1, process=True) as cluster:
        yield cluster.hosts


@pytest.fixture(scope="session")
def client(hosts: str) -> Iterator[Client]:
    with Client(hosts) as client:
        yield client


@pytest.fixture(scope="session")
def official(hosts: str) -> Iterator[Any]:
    """The official client from PyPI, on the same server."""
    aerospike = pytest.importorskip("aerospike")
    host, _, port = hosts.split(",")[0].rpartition(":")
    client = aerospike.client({"hosts": [(host, int(port))]}).connect()
    yield client
    client.close()

"""What all tests share: which cluster they run on, a client of it, and keys of their own.

By default that is an embedded cluster of three nodes in a process of its own; with `--hosts` or PYSPIKE_HOSTS
it is a real one. Tests marked `embedded_only` need faults or a layout that only the embedded cluster offers,
and are skipped on a real one. All records are in the namespace `test`, in a set of the run's own.
"""

from __future__ import annotations

import functools
import gc
import itertools
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from support.examples import DEFAULT, examples
from support.ids import with_address
from support.shares import share, tell, work

if TYPE_CHECKING:
    from pyspike import Client, Key
    from pyspike.server import EmbeddedCluster

__all__ = ["share", "work"]

# How long an example takes is up to the machine; what hangs is ended by pytest-timeout.
settings.register_profile(
    "pyspike", deadline=None, max_examples=examples(DEFAULT), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("pyspike")

HERE = Path(__file__).parent
QUICK = {"unit", "server"}  # folders whose tests come first: they say in seconds what is broken at the base
NODES = 3
SETTLED = 10.0  # seconds within which a client must know the nodes that came back
RUN = uuid.uuid4().hex[:8]
_numbers = itertools.count(1)
_module = ""  # whose tests run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hosts",
        default=os.environ.get("PYSPIKE_HOSTS") or None,
        metavar="HOST:PORT,...",
        help="run the integration tests on this cluster instead of an embedded one (default: PYSPIKE_HOSTS)",
    )
    parser.addoption("--tls", action="store_true", help="have all embedded clusters and clients speak TLS")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--tls"):
        from support import tls

        if not tls.wanted():  # a worker of pytest-xdist is told by its parent
            os.environ[tls.VARIABLE] = tls.make_files()
            tls.switch_on()


def pytest_sessionstart() -> None:
    """Hashing a password takes 50 ms on purpose: each that tests use is hashed once."""
    with suppress(ModuleNotFoundError):
        import bcrypt

        bcrypt.hashpw = functools.cache(bcrypt.hashpw)


def pytest_report_header(config: pytest.Config) -> str:
    return f"aerospike: {_real_hosts(config) or f'embedded cluster of {NODES} nodes'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tell(terminalreporter)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _folder(item) not in QUICK)
    if unstable := with_address(item.nodeid for item in items):
        told = "\n".join(unstable)
        raise pytest.UsageError(f"ids with addresses, which differ between processes:\n{told}")
    if config.getoption("--tls"):
        from support.tls import PLAIN_ON_REAL, PLAIN_ONLY

        plain = PLAIN_ONLY if _real_hosts(config) is None else {**PLAIN_ONLY, **PLAIN_ON_REAL}
        for item in items:
            for part, why in plain.items():
                if part in item.nodeid:
                    item.add_marker(pytest.mark.skip(reason=why))
    if _real_hosts(config) is None:
        return
    skip = pytest.mark.skip(reason="needs faults or a layout that only the embedded cluster offers")
    for item in items:
        if item.get_closest_marker("embedded_only"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """What pytest keeps to its end is nothing for the garbage collector to look at, which many tests run."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Neither is what it has kept by the end of a module, nor what the module imported."""
    global _module
    module = nodeid.partition("::")[0]
    if module != _module:
        _module = module
        gc.collect()
        gc.freeze()


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""


def _real_hosts(config: pytest.Config) -> str | None:
    hosts: str | None = config.getoption("--hosts")
    return hosts


@pytest.fixture(scope="session")
def _shared_cluster(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster | None]:
    if _real_hosts(request.config) is not None:
        yield None
        return
    from pyspike.server import EmbeddedCluster

    with EmbeddedCluster(nodes=NODES, process=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def hosts(request: pytest.FixtureRequest, _shared_cluster: EmbeddedCluster | None) -> str:
    """What a client is given to reach the cluster of this run."""
    if _shared_cluster is not None:
        return _shared_cluster.hosts
    real = _real_hosts(request.config)
    assert real is not None
    return real


@pytest.fixture(scope="session")
def _shared_client(hosts: str) -> Iterator[Client]:
    from pyspike import Client

    with Client(hosts) as client:
        yield client


@pytest.fixture
def client(_shared_client: Client) -> Client:
    """The client that all tests share."""
    return _shared_client


@pytest.fixture
def cluster(
    request: pytest.FixtureRequest, _shared_cluster: EmbeddedCluster | None
) -> Iterator[EmbeddedCluster | None]:
    """The embedded cluster of three nodes, whole again after the test; None on a real one.

    A test that uses it is marked `embedded_only`, or asks whether it is None.
    """
    faulty = request.node.get_closest_marker("embedded_only") is not None
    client = request.getfixturevalue("client") if "client" in request.fixturenames else None
    yield _shared_cluster
    if _shared_cluster is None or not faulty:
        return
    _shared_cluster.heal()
    if client is not None:
        _await_all_nodes(client)


def _await_all_nodes(client: Client) -> None:
    deadline = time.monotonic() + SETTLED
    while sum(node.is_active for node in client.nodes()) < NODES:
        assert time.monotonic() < deadline, f"after {SETTLED} s the client knows only {client.nodes()}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def set_name(request: pytest.FixtureRequest, hosts: str) -> Iterator[str]:
    """The set of this run: one for all tests, as a server never forgets a set's name and takes only 4095."""
    name = f"t-{RUN}"
    yield name
    if _real_hosts(request.config) is not None:
        from pyspike import Client

        with Client(hosts) as client:
            client.info(f"truncate:namespace=test;set={name}", client.nodes()[0])


@pytest.fixture
def key(request: pytest.FixtureRequest, set_name: str) -> Key:
    """A key without a record, of this test alone."""
    from pyspike import Key

    return Key("test", set_name, f"{next(_numbers)} {request.node.name}")

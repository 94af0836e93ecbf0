"""pytest fixtures for tests of code that uses pyspike; where it is installed, pytest finds them by itself.

    def test_a_visit_is_counted(aerospike_client):
        key = ("test", "users", "ann")
        aerospike_client.add(key, {"visits": 1})
        assert aerospike_client.get(key)["visits"] == 1

aerospike_client           a `Client` of the cluster, the same for all tests
aerospike_async_client     an `AsyncClient` of it, for tests that are coroutines and for any loop
aerospike_cluster          the `EmbeddedCluster`, in this process, for the whole session: its nodes stop, fail
                           and come back; None if PYSPIKE_HOSTS names servers to use instead
aerospike_cluster_options  what that is made with, for a fixture of your own to say
aerospike_client_policy    the `ClientPolicy` of both clients, likewise
aerospike_clock            its clock, which a test moves forward to see records expire
aerospike_hosts            what another client is given to reach it

Every test begins with nodes that are up, without faults and without records, whatever the test before has
done to them, and with clients that know these nodes.

On servers that PYSPIKE_HOSTS names, only the records are deleted that a test has written through the two
clients (and their views), when it has ended. Nothing else is touched: what other clients write stays, and so
does all that was there, but for records that a test writes to.

No options, no settings, and no hooks before a fixture is asked for, so nothing to clash with. The server is
not imported before that either; it needs the extra `server`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pyspike import other_distribution

if TYPE_CHECKING:
    from pyspike import AsyncClient, Client, ClientPolicy
    from pyspike.server import EmbeddedClock, EmbeddedCluster
    from pyspike.testing.shared import SharedCluster

__all__ = [
    "aerospike_async_client",
    "aerospike_client",
    "aerospike_client_policy",
    "aerospike_clock",
    "aerospike_cluster",
    "aerospike_cluster_options",
    "aerospike_hosts",
]

HOSTS_VARIABLE = "PYSPIKE_HOSTS"


@pytest.fixture(scope="session")
def aerospike_cluster_options() -> dict[str, Any]:
    """What the `EmbeddedCluster` is made with, nothing by default.

    Override it to have several nodes or other namespaces::

        @pytest.fixture(scope="session")
        def aerospike_cluster_options():
            return {"nodes": 3, "namespaces": ["users"]}
    """
    return {}


@pytest.fixture(scope="session")
def aerospike_cluster(
    request: pytest.FixtureRequest, aerospike_cluster_options: dict[str, Any]
) -> Iterator[EmbeddedCluster | None]:
    """An embedded cluster, with one node unless `aerospike_cluster_options` says more.

    It is None with PYSPIKE_HOSTS.

    A fixture of this name that makes a cluster itself does too; that one begins anew for every test from the
    first on that asks for one of the other fixtures.
    """
    if not other_distribution.is_whole():
        pytest.fail(other_distribution.explanation() or "pyspike is not the Aerospike client", pytrace=False)
    if os.environ.get(HOSTS_VARIABLE):
        yield None
        return
    try:
        from pyspike.server import EmbeddedCluster
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    from pyspike.testing.shared import SharedCluster

    with EmbeddedCluster(**aerospike_cluster_options) as cluster:
        shared = SharedCluster.of(request.config, cluster.hosts, cluster)
        yield cluster
        shared.end(request.config)


@pytest.fixture(scope="session")
def aerospike_client_policy() -> ClientPolicy | None:
    """The policy of both clients, such as the user as whom they log in.

    Override it to have another one::

        @pytest.fixture(scope="session")
        def aerospike_client_policy():
            return ClientPolicy(application_id="tests")
    """
    return None


@pytest.fixture(scope="session")
def _aerospike(
    request: pytest.FixtureRequest,
    aerospike_cluster: EmbeddedCluster | None,
    aerospike_client_policy: ClientPolicy | None,
) -> Iterator[SharedCluster]:
    from pyspike.testing.shared import SharedCluster

    hosts = os.environ[HOSTS_VARIABLE] if aerospike_cluster is None else aerospike_cluster.hosts
    shared = SharedCluster.of(request.config, hosts, aerospike_cluster)
    shared.policy = aerospike_client_policy
    yield shared
    shared.end(request.config)


@pytest.fixture(scope="session")
def aerospike_hosts(_aerospike: SharedCluster) -> str:
    """The hosts that `Client(...)` is given: the embedded cluster's, or those of PYSPIKE_HOSTS."""
    return _aerospike.hosts


@pytest.fixture
def aerospike_client(_aerospike: SharedCluster) -> Iterator[Client]:
    """A client of the cluster, the same one for all tests, as an application would have it.

    After a test that has closed it, or done something to the nodes, there is a new one.
    """
    yield _aerospike.client()
    _aerospike.delete_written()


@pytest.fixture
def aerospike_async_client(_aerospike: SharedCluster) -> Iterator[AsyncClient]:
    """A client for asyncio, on the same cluster as `aerospike_client`.

    It needs no plugin, as it opens its connections in whatever loop a test runs: `asyncio.run`, or that of
    pytest-asyncio or anyio.
    """
    yield _aerospike.async_client()
    _aerospike.delete_written()


@pytest.fixture
def aerospike_clock(aerospike_cluster: EmbeddedCluster | None) -> EmbeddedClock:
    """The clock of the embedded cluster: after `aerospike_clock.advance(3600)` an hour has passed.

    A test that asks for it is skipped on real servers, whose time can't be moved.
    """
    if aerospike_cluster is None:
        pytest.skip(f"the time of real servers ({HOSTS_VARIABLE}) can't be moved")
    return aerospike_cluster.clock

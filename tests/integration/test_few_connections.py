"""Connections are few and serve many: nobody is forgotten, and who can't be served is told so in time."""

from __future__ import annotations

import threading

import pytest

from pyspike import Client, Key
from pyspike.errors import NoMoreConnections
from pyspike.server import EmbeddedCluster
from support.clients import BlockingClient, at_most
from support.cluster_tools import closed, in_thread, pools, wait_until, within

pytestmark = pytest.mark.both_kinds

KEY = Key("test", "s", 0)


def test_four_connections_serve_thirty_two_threads(hosts: str, key: Key) -> None:
    with Client(hosts, at_most(4)) as client:
        client.put(key, {"n": 0})

        def work() -> int:
            for _ in range(50):
                client.add(key, {"n": 1}, timeout=30_000)
                assert client.get(key, timeout=30_000)["n"] > 0
            return 100

        calls = [in_thread(work) for _ in range(32)]
        assert sum(call.result(60) for call in calls) == 3200
        assert client.get(key)["n"] == 1600
        most = 4 if Client is BlockingClient else 8  # tasks have as many for reads and for writes
        if Client is BlockingClient:
            assert all(node.pool.opened <= most for node in client.stats().nodes.values())
            assert closed(client) == {}
        else:  # where the machine held some up, tasks in line got others, until they were not needed
            wait_until(
                lambda: all(node.pool.open <= most for node in client.stats().nodes.values()),
                "few connections",
            )
        assert pools(client, "in_flight") == pools(client, "waiting") == 0


def test_a_burst_is_served_whole(hosts: str, key: Key) -> None:
    with Client(hosts, at_most(2)) as client:
        client.put(key, {"n": 0})
        start = threading.Barrier(150)

        def work() -> None:
            start.wait(30)
            client.add(key, {"n": 1}, timeout=30_000)

        calls = [in_thread(work) for _ in range(150)]
        for call in calls:
            call.result(60)
        assert client.get(key)["n"] == 150
        assert pools(client, "refused") == 0


@pytest.mark.one_kind("tasks in line behind a connection that is held up get another one")
def test_a_pool_that_can_not_serve_says_so_in_time() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts, at_most(1)) as client:
        cluster.nodes[0].freeze()
        holder = in_thread(lambda: client.exists(KEY, timeout=20_000))
        wait_until(lambda: pools(client, "in_flight") == 1)
        with (
            within(200),
            pytest.raises(NoMoreConnections, match=r"all 1 connections to .* A1 are in use") as caught,
        ):
            client.get(KEY, timeout=200)
        error = caught.value
        assert isinstance(error, TimeoutError)
        assert error.key == KEY
        assert error.in_doubt is False
        assert not any(attempt.sent for attempt in error.attempts)
        with pytest.raises(NoMoreConnections) as caught:
            client.put(KEY, {"a": 1}, timeout=50)
        assert caught.value.in_doubt is False
        cluster.nodes[0].thaw()
        assert holder.result() is False
        assert client.exists(KEY) is False


def test_stats_tell_how_the_connections_are_used() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts, at_most(2)) as client:
        node = cluster.nodes[0]

        def stats() -> list[int]:
            return [pools(client, name) for name in ("open", "in_flight", "waiting", "opened")]

        assert stats() == [0, 0, 0, 0]
        client.exists(KEY)
        assert stats() == [1, 0, 0, 1]
        node.freeze()
        calls = [in_thread(lambda: client.exists(KEY, timeout=20_000)) for _ in range(5)]
        wait_until(lambda: stats() == [2, 2, 3, 2])
        node.thaw()
        for call in calls:
            call.result()
        assert stats() == [2, 0, 0, 2]
        node.close_after_request()
        client.get(KEY, default=None)
        assert closed(client) == {"connection error": 1}

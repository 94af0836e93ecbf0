"""A cluster between two tests: `reset` begins anew, `wait_until_seen` waits for a client to notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from pyspike import AsyncClient, Client, ClientPolicy, Key
from pyspike.server import EmbeddedCluster

KEYS = [("test", "users", number) for number in range(64)]
KEY = Key("test", "users", "ann")
QUICK = ClientPolicy(tend_interval=250)


@pytest.fixture
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture(params=[False, True], ids=["thread", "process"])
def either(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster]:
    """One in this process, and one in its own."""
    with EmbeddedCluster(nodes=3, process=request.param) as cluster:
        yield cluster


def test_reset_drops_records_and_tells_that_nothing_else_was_changed(either: EmbeddedCluster) -> None:
    with Client(either.hosts) as client:
        client.put(KEY, {"a": 1})
        assert not either.reset()
        assert not client.exists(KEY)


def test_reset_undoes_all_that_was_done_to_nodes_and_partitions(either: EmbeddedCluster) -> None:
    some = [7, *range(0, 4096, 41)]
    hosts, layout = either.hosts, [either.owners("test", partition) for partition in some]
    one, two, three = either.nodes
    one.stop()
    two.kill()
    three.answer_with(8, times=100)
    three.refuse()
    either.lose_partition("test", 7)
    either.move_partitions(seed=1)
    assert either.reset()
    assert not either.reset()
    assert either.hosts == hosts
    assert [either.owners("test", partition) for partition in some] == layout
    assert all(node.running and not node.faults_left for node in either.nodes)
    with Client(either.hosts) as client:
        client.put(KEY, {"a": 1})
        assert len(client.nodes()) == 3


@pytest.mark.parametrize("fault", ["restart", "kill"])
def test_reset_brings_a_node_back_to_its_first_port(either: EmbeddedCluster, fault: str) -> None:
    hosts = either.hosts
    either.nodes[0].restart(port=0)
    if fault == "kill":
        either.nodes[0].kill()
    assert either.hosts != hosts
    assert either.reset()
    assert either.hosts == hosts
    with Client(hosts.split(",")[0]) as client:
        assert len(client.nodes()) == 3


def test_a_cluster_that_was_stopped_starts_where_it_was(either: EmbeddedCluster) -> None:
    hosts = either.hosts
    either.stop()
    assert either.reset()
    assert either.running
    assert either.hosts == hosts


@pytest.mark.parametrize("fault", ["freeze", "mute"])
def test_what_a_silent_node_was_sent_is_not_run_after_a_reset(cluster: EmbeddedCluster, fault: str) -> None:
    with Client(cluster.hosts) as client:
        client.put(KEY, {"a": 1})
        getattr(cluster.owner(KEY), fault)()
        with pytest.raises(TimeoutError):
            client.put(KEY, {"a": 2}, timeout=100)
        assert cluster.reset()
    with Client(cluster.hosts) as client:
        time.sleep(0.1)
        assert not client.exists(KEY)


def test_reset_undoes_what_info_commands_have_set(either: EmbeddedCluster) -> None:
    commands = ["get-config:context=namespace;id=test", "cluster-name", "sets/test"]
    with Client(either.hosts) as client:
        before = [client.info(command) for command in commands]
        client.put(KEY, {"a": 1})
        client.info("set-config:context=namespace;id=test;default-ttl=60")
        client.info("set-config:context=service;cluster-name=other")
        client.info("truncate:namespace=test;set=users", client.nodes()[0])
        assert [client.info(command) for command in commands] != before
        assert not either.reset()
        assert [client.info(command) for command in commands] == before


def test_reset_waits_for_no_node_that_is_being_noticed(cluster: EmbeddedCluster) -> None:
    cluster.nodes[0].kill(detach_after=60)
    cluster.reset()
    with Client(cluster.hosts) as client:
        assert len(client.nodes()) == 3


def requests_by_node(cluster: EmbeddedCluster) -> dict[str, int]:
    """How many data requests have arrived at each node that is up."""
    return {node.name: node.stats.data_requests for node in cluster.nodes}


def test_wait_until_seen_returns_once_the_client_knows_the_layout(cluster: EmbeddedCluster) -> None:
    one = cluster.nodes[0]
    with Client(cluster.hosts, QUICK) as client:
        cluster.wait_until_seen(client)
        for change in (
            lambda: cluster.move_partitions(seed=1),
            one.kill,
            one.start,
            one.restart,
            lambda: one.restart(port=0),
            one.stop,
            cluster.heal,
        ):
            change()
            cluster.wait_until_seen(client)
            expected = requests_by_node(cluster)
            for key in KEYS:
                expected[cluster.owner(key).name] += 1
                client.exists(key)
            assert requests_by_node(cluster) == expected


def test_wait_until_seen_takes_a_silent_node_for_one_that_is_down(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, QUICK) as client:
        cluster.nodes[1].freeze()
        cluster.wait_until_seen(client)
        assert not client.stats().nodes["A2"].is_active or client.stats().nodes["A2"].failed_rounds
        cluster.nodes[1].thaw()
        cluster.wait_until_seen(client)
        assert client.stats().nodes["A2"].is_active


def test_wait_until_seen_says_what_the_client_has_not_seen(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, ClientPolicy(tend_interval=60_000)) as client:
        cluster.move_partitions("test", 1, seed=1)
        with pytest.raises(TimeoutError, match=r"after 0\.1 s the client has not seen that partitions"):
            cluster.wait_until_seen(client, timeout=0.1)
    with pytest.raises(TimeoutError, match="has not seen that node A1 answers"):
        cluster.wait_until_seen(client, timeout=0)
    with pytest.raises(ValueError, match="timeout"):
        cluster.wait_until_seen(client, timeout=-1)


def test_tasks_wait_likewise(cluster: EmbeddedCluster) -> None:
    async def main() -> None:
        async with AsyncClient(cluster.hosts, QUICK) as client:
            cluster.nodes[0].stop()
            cluster.wait_until_seen(client)
            await client.put(KEY, {"a": 1})

    asyncio.run(main())

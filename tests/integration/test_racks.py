"""Which node is asked: by replicas and racks (racks-and-health.md 15.1 and 15.2), as the nodes count it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchRead,
    BatchWrite,
    Client,
    ClientPolicy,
    ClientStats,
    InvalidArgument,
    Key,
    QueryPolicy,
    ReadPolicy,
    Replica,
    Statement,
    WritePolicy,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

NEAR = ReadPolicy(replica=Replica.PREFER_RACK)
NEAR_BATCH = BatchPolicy(replica=Replica.PREFER_RACK)
NEAR_QUERY = QueryPolicy(replica=Replica.PREFER_RACK)
KEYS = [Key("test", "racks", number) for number in range(40)]
OVERLOAD = 18  # a result code after which a read is tried again


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    """Three nodes in racks 1, 2 and 3; every node has every partition."""
    with EmbeddedCluster(nodes=3, replication_factor=3, racks={0: 1, 1: 2, 2: 3}) as cluster:
        yield cluster


@pytest.fixture
def racks(shared: EmbeddedCluster) -> EmbeddedCluster:
    shared.reset()
    return shared


def policy(*rack_ids: int, **options: Any) -> ClientPolicy:
    return ClientPolicy(rack_ids=rack_ids, read=NEAR, batch=NEAR_BATCH, query=NEAR_QUERY, **options)


def asked(cluster: EmbeddedCluster, call: Callable[[], object]) -> list[int]:
    """How many data requests each node gets of a call."""
    before = [node.stats.data_requests for node in cluster.nodes]
    call()
    return [node.stats.data_requests - had for node, had in zip(cluster.nodes, before, strict=True)]


def read_all(client: Client) -> None:
    for key in KEYS:
        client.get(key, default=None)


def write_all(client: Client) -> None:
    for key in KEYS:
        client.put(key, {"n": key.user_key})


def chosen(stats: ClientStats) -> tuple[int, int]:
    return stats.rack.in_rack, stats.rack.out_of_rack


def test_reads_batches_and_queries_stay_in_the_rack_and_writes_go_to_the_master(
    racks: EmbeddedCluster,
) -> None:
    with Client(racks.hosts, policy(3, 2)) as client:
        assert {name: node.rack.ids for name, node in client.stats().nodes.items()} == {
            f"A{number}": {"test": number, "bar": number} for number in (1, 2, 3)
        }
        assert 0 not in asked(racks, lambda: write_all(client))
        assert asked(racks, lambda: read_all(client)) == [0, 0, len(KEYS)]
        assert asked(racks, lambda: client.batch_get(KEYS)) == [0, 0, 1]
        assert asked(racks, lambda: list(client.batch_stream(BatchRead(key) for key in KEYS))) == [0, 0, 1]
        # A scan begins with few partitions.
        assert asked(racks, lambda: list(client.query(Statement("test", "racks")))) == [0, 0, 2]
        assert 0 not in asked(
            racks, lambda: client.batch([BatchWrite(key, [op.put("n", 1)]) for key in KEYS])
        )
        only_reads = [op.get("n")]
        assert asked(racks, lambda: client.operate(KEYS[0], only_reads, policy=NEAR)) == [0, 0, 1]
        assert chosen(client.stats()) == (3 * len(KEYS) + 3, 0)


def test_the_next_rack_is_asked_if_the_first_one_fails_and_any_node_at_last(racks: EmbeddedCluster) -> None:
    with Client(racks.hosts, policy(3, 2)) as client:
        racks.nodes[2].answer_with(OVERLOAD)
        assert asked(racks, lambda: client.get(KEYS[0], default=None)) == [0, 1, 1]
        for node in racks.nodes[
            1:
        ]:  # the last try goes to the first rack again, as the second one was asked last
            node.answer_with(OVERLOAD)
        assert asked(racks, lambda: client.get(KEYS[0], default=None)) == [0, 1, 2]
        racks.nodes[2].stop()
        racks.wait_until_seen(client)
        assert asked(racks, lambda: read_all(client)) == [0, len(KEYS), 0]
        racks.nodes[1].stop()
        racks.wait_until_seen(client)
        before = client.stats().rack.out_of_rack
        assert asked(racks, lambda: read_all(client)) == [len(KEYS), 0, 0]
        assert client.stats().rack.out_of_rack - before == len(KEYS)


def test_racks_are_read_again_when_they_change_each_namespace_by_itself(racks: EmbeddedCluster) -> None:
    with Client(racks.hosts, policy(3, tend_interval=50)) as client:
        racks.set_racks({0: 3, 1: 2, 2: 1}, namespace="test")
        wait_until(
            lambda: client.stats().nodes["A1"].rack.ids == {"test": 3, "bar": 1},
            "the client's knowing the racks",
        )
        assert asked(racks, lambda: read_all(client)) == [len(KEYS), 0, 0]
        assert asked(racks, lambda: client.get(("bar", "racks", 1), default=None)) == [0, 0, 1]


def test_every_other_replica_policy_has_its_nodes(racks: EmbeddedCluster) -> None:
    with Client(racks.hosts) as client:
        key = next(key for key in KEYS if racks.owner(key) is racks.nodes[1])

        def reads(replica: Replica) -> list[int]:
            near = ReadPolicy(replica=replica)
            return asked(racks, lambda: [client.get(key, default=None, policy=near) for _ in range(30)])

        assert reads(Replica.MASTER) == [0, 30, 0]
        assert reads(Replica.SEQUENCE) == [0, 30, 0]
        assert reads(Replica.RANDOM) == [10, 10, 10]
        assert reads(Replica.MASTER_PROLES) == [10, 10, 10]
        racks.owner(key).answer_with(OVERLOAD, times=3)
        assert (
            reads(Replica.SEQUENCE)[1] == 30
        )  # those that went elsewhere the second time were here the first
        for kind in (Replica.SEQUENCE, Replica.RANDOM, Replica.MASTER):
            batch = BatchPolicy(replica=kind)
            got = asked(racks, lambda: client.batch_get([key] * 30, policy=batch))  # noqa: B023
            assert got == ([1, 1, 1] if kind is Replica.RANDOM else [0, 1, 0])


def test_a_policy_that_prefers_racks_is_refused_by_a_client_that_prefers_none(racks: EmbeddedCluster) -> None:
    with Client(racks.hosts) as client:

        def refused(call: Callable[[], object]) -> None:
            with pytest.raises(InvalidArgument, match="the client prefers no rack") as caught:
                call()
            assert "rack_ids" in caught.value.advice

        def all_refused() -> None:
            refused(lambda: client.get(KEYS[0], policy=NEAR))
            refused(lambda: client.batch_get(KEYS, policy=NEAR_BATCH))
            refused(lambda: list(client.batch_stream([BatchRead(KEYS[0])], policy=NEAR_BATCH)))
            refused(lambda: list(client.query(Statement("test", "racks"), policy=NEAR_QUERY)))

        assert asked(racks, all_refused) == [0, 0, 0]
    for options in ({"read": NEAR}, {"batch": NEAR_BATCH}, {"query": NEAR_QUERY}):
        with pytest.raises(InvalidArgument, match=r"^ClientPolicy\.\w+ has Replica\.PREFER_RACK"):
            ClientPolicy(**options)


def test_nodes_that_tell_no_racks_are_asked_in_sequence_which_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        EmbeddedCluster(nodes=3) as cluster,
        caplog.at_level(logging.WARNING, "pyspike"),
        Client(cluster.hosts, policy(1, tend_interval=50)) as client,
    ):
        master = cluster.owner(KEYS[0])
        wanted = [5 * (node is master) for node in cluster.nodes]
        assert asked(cluster, lambda: [client.get(KEYS[0], default=None) for _ in range(5)]) == wanted
        rounds = client.stats().tend.rounds
        assert cluster.move_partitions(seed=1)  # by which the client asks for racks again
        wait_until(lambda: client.stats().tend.rounds > rounds + 2, "some rounds")
        assert chosen(client.stats()) == (0, 5)
        assert caplog.text.count("tells no rack") == 1
        client.put(KEYS[0], {"n": 1}, policy=WritePolicy(max_retries=0))

"""An `operate` whose operations only read is a read: which policy counts, retries, replicas, doubt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyspike import Client, ClientPolicy, Key, ReadPolicy, Replica, WritePolicy, errors, exp
from pyspike import operations as op
from pyspike.operations import lists, maps
from pyspike.server import EmbeddedCluster
from support.cluster_tools import within

pytestmark = pytest.mark.both_kinds

KEY = Key("test", "s", "k")
OVERLOAD = 18  # a result code after which a command is tried again
READS = {
    "a bin": [op.get("n")],
    "all bins": [op.get()],
    "the header": [op.get_header()],
    "a list": [lists.size("l"), op.get("n")],
    "a map": [maps.size("m")],
    "an expression": [op.exp.read("x", exp.int_bin("n") + 1)],
}


@pytest.fixture
def one() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
def three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


def put_one(client: Client) -> None:
    client.put(KEY, {"n": 1, "l": [1], "m": {"a": 1}})


@pytest.mark.parametrize("reads", READS)
def test_an_operate_that_only_reads_is_tried_again_as_a_get_is(one: EmbeddedCluster, reads: str) -> None:
    with Client(one.hosts) as client:
        put_one(client)
        for answer in (OVERLOAD, 9, 11):
            one.nodes[0].answer_with(answer, times=2)
            client.operate(KEY, READS[reads])
            one.nodes[0].answer_with(answer, times=3)
            with pytest.raises(errors.ServerError) as caught:
                client.operate(KEY, READS[reads])
            assert len(caught.value.attempts) == 3


def test_an_operate_that_writes_is_not_tried_again_by_itself(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        put_one(client)
        one.nodes[0].answer_with(OVERLOAD)
        with pytest.raises(errors.DeviceOverload):
            client.operate(KEY, [op.get("n"), op.add("n", 1)])


def test_an_operate_that_only_reads_asks_another_replica_and_is_never_in_doubt(
    three: EmbeddedCluster,
) -> None:
    with Client(three.hosts) as client:
        put_one(client)
        master, replica = three.owners(KEY.namespace, KEY.partition_id)
        master.freeze()
        with within(1000):
            assert client.operate(KEY, [op.get("n")])["n"] == 1
        replica.freeze()
        with pytest.raises(errors.TimeoutError) as caught:
            client.operate(KEY, [op.get("n")], timeout=90)
        assert caught.value.in_doubt is False
        assert {attempt.node for attempt in caught.value.attempts} == {master.name, replica.name}


def test_without_a_policy_the_clients_read_policy_counts_for_an_operate_that_only_reads(
    one: EmbeddedCluster,
) -> None:
    policy = ClientPolicy(
        read=ReadPolicy(total_timeout=150, max_retries=0),
        write=WritePolicy(total_timeout=10_000, max_retries=5, filter_expression=exp.int_bin("n") == 99),
    )
    with Client(one.hosts, policy) as client, Client(one.hosts) as writer:
        put_one(writer)
        assert client.operate(KEY, [op.get("n")])["n"] == 1
        one.nodes[0].answer_with(OVERLOAD)
        with pytest.raises(errors.DeviceOverload):
            client.operate(KEY, [op.get("n")])
        with pytest.raises(errors.FilteredOut):
            client.operate(KEY, [op.get("n"), op.add("n", 1)])
        one.nodes[0].freeze()
        with within(150), pytest.raises(errors.TimeoutError) as caught:
            client.operate(KEY, [op.get("n")])
        assert caught.value.timeout == 150


def test_a_read_policy_may_be_given_to_an_operate_that_only_reads(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        put_one(client)
        master, replica = three.owners(KEY.namespace, KEY.partition_id)
        asked = {node.name: node.stats.data_requests for node in three.nodes}
        for _ in range(4):
            client.operate(KEY, [op.get("n")], policy=ReadPolicy(replica=Replica.MASTER))
        assert master.stats.data_requests == asked[master.name] + 4
        for _ in range(20):
            client.operate(KEY, [op.get("n")], policy=ReadPolicy(replica=Replica.RANDOM))
        assert replica.stats.data_requests > asked[replica.name]
        with pytest.raises(errors.FilteredOut):
            client.operate(KEY, [op.get("n")], policy=ReadPolicy(filter_expression=exp.int_bin("n") == 2))


def test_a_write_policy_given_to_an_operate_that_only_reads_counts_with_what_it_says(
    one: EmbeddedCluster,
) -> None:
    with Client(one.hosts) as client:
        put_one(client)
        one.nodes[0].answer_with(OVERLOAD, times=2)
        client.operate(KEY, [op.get("n")], policy=WritePolicy(send_key=True))  # retried as a read
        one.nodes[0].answer_with(OVERLOAD, times=4)
        client.operate(KEY, [op.get("n")], policy=WritePolicy(max_retries=4))
        one.nodes[0].answer_with(OVERLOAD)
        with pytest.raises(errors.DeviceOverload):
            client.operate(KEY, [op.get("n")], policy=WritePolicy(max_retries=0))
        one.nodes[0].freeze()
        with within(120), pytest.raises(errors.TimeoutError) as caught:
            client.operate(KEY, [op.get("n")], policy=WritePolicy(total_timeout=120))
        assert caught.value.in_doubt is False


def test_a_read_policy_is_refused_for_an_operate_that_writes(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        with pytest.raises(errors.InvalidType) as caught:
            client.operate(KEY, [op.get("n"), op.add("n", 1)], policy=ReadPolicy())
        assert caught.value.message == (
            "policy must be a WritePolicy here, not ReadPolicy: add('n', 1) writes"
        )
        with pytest.raises(errors.InvalidType, match="must be a ReadPolicy or a WritePolicy here, not dict"):
            client.operate(KEY, [op.get("n")], policy={})  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidType, match="must be a WritePolicy here, not dict"):
            client.operate(KEY, [op.add("n", 1)], policy={})  # type: ignore[arg-type]
        assert one.nodes[0].stats.data_requests == 0

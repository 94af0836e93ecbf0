"""A node that fails too often gets no commands for a while (racks-and-health.md 15.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyspike import (
    AerospikeError,
    BatchPolicy,
    BatchRead,
    BatchWrite,
    Client,
    ClientPolicy,
    HealthStats,
    Key,
    MaxErrorRate,
    QueryPolicy,
    ReadPolicy,
    Replica,
    ServerError,
    Statement,
    TimeoutError,
    WritePolicy,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import wait_until

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

OVERLOAD, TIMED_OUT, UNAVAILABLE, BUSY = 18, 9, 11, 14
KEYS = [Key("test", "health", number) for number in range(60)]
FEW = ClientPolicy(max_error_rate=3, tend_interval=60_000)  # one window lasts as long as the test
ONCE = ReadPolicy(max_retries=0)


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: EmbeddedCluster) -> EmbeddedCluster:
    shared.reset()
    return shared


def health(client: Client, node: EmbeddedNode) -> HealthStats:
    return client.stats().nodes[node.name].health


def asked(node: EmbeddedNode, call: Callable[[], object]) -> int:
    before = node.stats.data_requests
    call()
    return node.stats.data_requests - before


def outcomes(call: Callable[[], object], times: int) -> list[str]:
    """What each of several calls comes to: nothing, or the class of its error."""
    return [outcome(call) for _ in range(times)]


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except AerospikeError as error:
        return type(error).__name__
    return ""


def fail(client: Client, node: EmbeddedNode, key: Key, times: int = 4) -> None:
    """Have a node fail until it gets no commands."""
    node.answer_with(OVERLOAD, times)
    assert outcomes(lambda: client.get(key, policy=ONCE), times) == ["DeviceOverload"] * times


def test_errors_of_the_node_count_and_those_of_the_record_do_not(cluster: EmbeddedCluster) -> None:
    node = cluster.owner(KEYS[0])
    with Client(cluster.hosts, FEW.replace(max_error_rate=100)) as client:
        client.put(KEYS[0], {"a": 1})
        for code, counted in (
            (OVERLOAD, 1),
            (TIMED_OUT, 1),
            (UNAVAILABLE, 1),
            (BUSY, 0),
            (2, 0),
            (4, 0),
            (22, 0),
        ):
            before = health(client, node).errors
            node.answer_with(code)
            with pytest.raises(ServerError):
                client.get(KEYS[0], policy=ONCE)
            assert (code, health(client, node).errors - before) == (code, counted)
        for fault in (node.close_after_request, node.garbage, node.stall):
            before = health(client, node).errors
            fault()
            assert outcomes(lambda: client.get(KEYS[0], policy=ONCE, timeout=60), 1) != [""]
            assert (fault.__name__, health(client, node).errors - before) == (fault.__name__, 1)
        node.heal()
        found = health(client, node)
        assert (found.is_open, found.limit, found.total_errors, found.refused) == (False, 100, 6, 0)


def test_a_node_that_fails_too_often_is_asked_no_more(cluster: EmbeddedCluster) -> None:
    node = cluster.owner(KEYS[0])
    with Client(cluster.hosts, FEW) as client:
        client.put(KEYS[0], {"a": 1})
        assert asked(node, lambda: fail(client, node, KEYS[0])) == 4  # one more than it may
        node.heal()
        refused: list[str] = []
        write = WritePolicy(max_retries=2)

        def use() -> None:
            refused.extend(outcomes(lambda: client.put(KEYS[0], {"a": 2}), 5))
            refused.extend(outcomes(lambda: client.put(KEYS[0], {"a": 2}, policy=write), 1))
            refused.extend(outcomes(lambda: client.get(KEYS[0], policy=ONCE), 5))
            refused.extend(
                outcomes(lambda: client.get(KEYS[0], policy=ReadPolicy(replica=Replica.MASTER)), 1)
            )

        assert asked(node, use) == 0
        assert refused == ["MaxErrorRate"] * 12
        found = health(client, node)
        assert (found.is_open, found.errors, found.limit, found.opened) == (True, 4, 3, 1)
        assert found.refused == 5 + 3 + 5 + 3
        with pytest.raises(MaxErrorRate, match=f"node {node.name} gets no commands for now") as caught:
            client.put(KEYS[0], {"a": 3})
        assert caught.value.retryable
        assert not caught.value.in_doubt
        assert "max_error_rate" in caught.value.advice
        assert [attempt.sent for attempt in caught.value.attempts] == [False]
        assert client.get(KEYS[0]).bins == {"a": 1}  # the replica is asked


def test_reads_batches_and_queries_go_to_the_next_replica(cluster: EmbeddedCluster) -> None:
    node = cluster.owner(KEYS[0])
    with Client(cluster.hosts, FEW) as client:
        for key in KEYS:
            client.put(key, {"a": key.user_key})
        fail(client, node, KEYS[0])
        node.heal()

        def use() -> None:
            assert [record["a"] for record in client.batch_get(KEYS)] == list(range(len(KEYS)))
            rows = list(client.batch_stream(BatchRead(key) for key in KEYS))
            assert sorted(row.record["a"] for row in rows) == list(range(len(KEYS)))
            found = client.query(Statement("test", "health"))
            assert sorted(record["a"] for record in found) == list(range(len(KEYS)))

        assert asked(node, use) == 0
        rows = client.batch([BatchWrite(key, [op.put("b", 1)]) for key in KEYS])
        failed = [row for row in rows if not row.ok]
        assert {type(row.error) for row in failed} == {MaxErrorRate}
        assert {cluster.owner(row.key).name for row in failed} == {node.name}
        assert 0 < len(failed) < len(KEYS)
        only = QueryPolicy(replica=Replica.MASTER, max_retries=0)
        with pytest.raises(MaxErrorRate):
            list(client.query(Statement("test", "health"), policy=only))
        batch = BatchPolicy(replica=Replica.MASTER, max_retries=0)
        rows = client.batch([BatchRead(key) for key in KEYS], policy=batch)
        assert {type(row.error) for row in rows if not row.ok} == {MaxErrorRate}


def test_a_replica_that_fails_once_is_asked_again_as_the_node_that_is_refused_takes_no_try(
    cluster: EmbeddedCluster,
) -> None:
    node = cluster.owner(KEYS[0])
    key = next(key for key in KEYS[1:] if cluster.owner(key) is node)
    replica = next(each for each in cluster.owners("test", key.partition_id) if each is not node)
    with Client(cluster.hosts, FEW) as client:
        client.put(key, {"a": 1})
        fail(client, node, key)
        node.heal()
        for read in (lambda: client.get(key)["a"], lambda: client.batch_get([key])[0]["a"]):
            replica.answer_with(OVERLOAD)
            assert asked(replica, lambda: read() == 1) == 2  # noqa: B023
        for retries, tries in ((0, 0), (1, 1)):
            replica.answer_with(OVERLOAD)
            policy = ReadPolicy(max_retries=retries)
            assert asked(replica, lambda: outcomes(lambda: client.get(key, policy=policy), 1)) == tries  # noqa: B023
            replica.heal()


def test_it_is_tried_again_in_each_window_and_the_log_says_when_it_is_refused_and_when_not_any_more(
    cluster: EmbeddedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    node = cluster.owner(KEYS[0])
    policy = ClientPolicy(max_error_rate=8, error_rate_window=2, tend_interval=50)
    with caplog.at_level(logging.WARNING, "pyspike"), Client(cluster.hosts, policy) as client:
        node.answer_with(OVERLOAD, times=1_000_000)

        def fails_with(limit: int) -> bool:
            outcomes(lambda: client.get(KEYS[0], policy=ONCE), 10)
            return health(client, node).limit == limit

        wait_until(lambda: fails_with(1), "the least limit")
        opened = health(client, node).opened
        assert opened >= 3
        wait_until(lambda: fails_with(1) and health(client, node).opened > opened, "the next window")
        node.heal()
        wait_until(lambda: health(client, node).limit == 8, "the first limit")
        wait_until(lambda: "gets commands as before" in caplog.text, "the log")
        told = [record.getMessage() for record in caplog.records if node.name in record.getMessage()]
        assert [f"node {node.name} at" in text for text in told] == [True] * 2
        assert "gets no commands for a while" in told[0]
        assert "gets commands as before" in told[1]
        assert client.get(KEYS[0], default=None) is None


def test_a_limit_of_zero_is_none(cluster: EmbeddedCluster) -> None:
    node = cluster.owner(KEYS[0])
    with Client(cluster.hosts, FEW.replace(max_error_rate=0)) as client:
        assert asked(node, lambda: fail(client, node, KEYS[0], times=150)) == 150
        found = health(client, node)
        assert (found.is_open, found.limit, found.total_errors) == (False, None, 150)


def test_a_node_that_fails_costs_the_others_nothing_while_it_is_refused(cluster: EmbeddedCluster) -> None:
    """Of the commands of many it gets a few more than may fail, and none of the others fails."""
    node = cluster.nodes[1]
    mine = [key for key in KEYS if cluster.owner(key) is node]
    with Client(cluster.hosts, FEW) as client:
        for key in KEYS:
            client.put(key, {"a": 1})
        node.stall(times=1_000_000)
        policy = ReadPolicy(total_timeout=20_000, socket_timeout=60)

        def use(number: int) -> int:
            return sum(client.get(key, policy=policy)["a"] for key in KEYS)

        with ThreadPoolExecutor(4) as pool:
            asked_of_it = asked(node, lambda: list(pool.map(use, range(8))))
        found = health(client, node)
        assert found.is_open
        assert found.refused >= 7 * len(mine) // 2
        assert asked_of_it < len(mine)  # of eight times as many
        node.heal()


@pytest.mark.one_kind("tasks await late answers of reads anyway")
def test_a_connection_in_recovery_counts_only_if_the_answer_does_not_come(cluster: EmbeddedCluster) -> None:
    node = cluster.owner(KEYS[0])
    with Client(cluster.hosts, FEW.replace(tend_interval=50, error_rate_window=10_000)) as client:
        for seconds, delay, told in ((0.2, 10_000, (0, 1, 0)), (None, 100, (1, 1, 1))):
            node.stall(seconds=seconds)
            late = ReadPolicy(max_retries=0, timeout_delay=delay)
            with pytest.raises(TimeoutError):
                client.get(KEYS[0], default=None, policy=late, timeout=50)

            def counted() -> tuple[int, int, int]:
                found = health(client, node)
                return found.errors, found.recovered, found.aborted

            wait_until(lambda: counted() == told, f"{told} instead of {counted()}")  # noqa: B023

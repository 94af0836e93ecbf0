"""`client.metrics()`: what commands came to, by node, namespace and method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from pyspike import (
    BatchWrite,
    Client,
    ClientMetrics,
    ClientPolicy,
    CommandMetrics,
    Key,
    ReadPolicy,
    RecordNotFound,
    ResultCode,
    ServerTimeout,
    Statement,
    TimeoutError,
    WritePolicy,
)
from pyspike import operations as op
from pyspike._wire import Meter
from pyspike.cluster.metering import MOST_GONE
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import wait_until

pytestmark = pytest.mark.both_kinds


def counted(client: Client, method: str, namespace: str = "test", **of: str) -> CommandMetrics:
    return client.metrics().of(method=method, namespace=namespace, **of)


def test_each_method_is_counted_with_its_bytes_and_latency(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        assert client.metrics().total == CommandMetrics()
        client.put(key, {"a": 1})
        client.add(key, {"a": 1})
        client.append(key, {"s": "x"})
        client.prepend(key, {"s": "y"})
        client.touch(key)
        for _ in range(3):
            client.get(key)
        client.exists(key)
        client.operate(key, [op.get("a")])
        client.operate(key, [op.add("a", 1), op.get("a")])
        client.delete(key)
        seen = client.metrics()
        once = ("put", "add", "append", "prepend", "touch", "exists", "delete")
        assert {each.method: each.latency.count for each in seen.commands if each.method != "operate"} == {
            **dict.fromkeys(once, 1),
            "get": 3,
        }
        assert [seen.of(method="operate", kind=kind).latency.count for kind in ("read", "write")] == [1, 1]
        gets = seen.of(method="get")
        assert (gets.kind, gets.count, gets.calls) == ("read", 3, gets.latency)
        assert gets.latency.total_ms > 0
        assert gets.sent_bytes > 3 * 40
        assert gets.received_bytes > 3 * 30
        assert seen.total.count == 12
        assert seen.total.failures == seen.total.retries == 0
        node = next(node for node in seen.nodes.values() if node.total.count)
        assert node.address
        assert node.connecting.count >= 1


def test_a_larger_record_has_more_bytes(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        client.put(key, {"a": b"x" * 100_000})
        client.get(key)
        assert 100_000 < counted(client, "put").sent_bytes < 101_000
        assert 100_000 < counted(client, "get").received_bytes < 101_000


def test_batches_and_queries_are_counted_by_request(hosts: str, set_name: str) -> None:
    keys = [Key("test", set_name, f"metrics-{number}") for number in range(40)]
    with Client(hosts) as client:
        client.batch_put([(key, {"a": "x" * 100}) for key in keys])
        client.batch([BatchWrite(keys[0], [op.add("n", 1)])])
        client.batch_get(keys)
        assert sum(1 for _ in client.query(Statement("test", set_name))) >= 40
        seen = client.metrics()
        asked = client.stats().nodes.values()
        methods = ("batch_put", "batch", "batch_get")
        assert sum(seen.of(method=method).count for method in methods) == sum(
            node.batches.requests for node in asked
        )
        assert {each.kind for each in seen.commands} == {"batch", "query"}
        assert seen.of(method="query").count == sum(node.queries.requests for node in asked)
        assert seen.of(method="query").received_bytes > 40 * 100
        assert seen.of(method="batch_get").received_bytes > 40 * 100
        assert seen.of(method="batch_put").sent_bytes > 40 * 20


def test_that_there_is_no_such_record_is_an_answer_and_other_results_are_errors(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        for _ in range(2):
            with pytest.raises(RecordNotFound):
                client.get(key)
        assert client.get(key, default=None) is None
        gets = counted(client, "get")
        assert (gets.latency.count, gets.not_found, gets.errors) == (3, 2, {})
        client.put(key, {"a": "text"})
        with pytest.raises(Exception, match="type"):
            client.add(key, {"a": 1})
        adds = counted(client, "add")
        assert (adds.latency.count, adds.errors, adds.timeouts) == (0, {"BinTypeError": 1}, 0)
        assert adds.received_bytes > 0
        failed = {(each.method, each.error): each.duration.count for each in client.metrics().failed_calls}
        assert failed == {("get", "RecordNotFound"): 2, ("add", "BinTypeError"): 1}


@pytest.fixture
def three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


PATIENT = ClientPolicy(timeout=10_000, tend_interval=60_000, max_error_rate=0)


@pytest.mark.embedded_only
def test_a_retry_counts_for_the_node_that_it_went_to_and_the_failure_for_the_other(
    three: EmbeddedCluster, key: Key
) -> None:
    with Client(three.hosts, PATIENT) as client:
        client.put(key, {"a": 1})
        owner = three.owner(key)
        owner.answer_with(ResultCode.TIMEOUT)
        client.get(key, policy=ReadPolicy(total_timeout=20_000))
        gets = client.metrics().of(method="get")
        first = client.metrics().of(method="get", node=owner.name)
        assert (gets.count, gets.latency.count, gets.retries) == (2, 1, 1)
        assert (first.count, first.latency.count, first.retries) == (1, 0, 0)
        assert first.errors == gets.errors == {"ServerTimeout": 1}
        assert first.timeouts == gets.timeouts == 1
        assert gets.calls.count == 1
        assert gets.calls.total_ms > gets.latency.total_ms  # the call has the failed attempt too
        assert client.metrics().failed_calls == ()


@pytest.mark.embedded_only
def test_a_call_about_the_cluster_that_another_node_answers_counts_for_both(three: EmbeddedCluster) -> None:
    with Client(three.hosts, PATIENT) as client:
        away = three.nodes[:2]
        for node in away:
            node.refuse()
        for _ in range(8):
            client.list_udfs()
        asked = client.metrics().of(method="list_udfs")
        there = client.metrics().of(method="list_udfs", node=three.nodes[2].name)
        assert (asked.kind, asked.namespace) == ("admin", "")
        assert asked.latency.count == there.latency.count == 8
        assert asked.errors == {"ConnectionError": asked.retries}
        assert 0 < asked.retries == asked.count - 8
        assert there.calls.total_ms > there.latency.total_ms


def test_what_a_task_asks_is_no_failure_when_the_answer_is_that_there_is_nothing(hosts: str) -> None:
    with Client(hosts) as client:
        client.drop_index("test", "no-such-index").wait(30_000)
        waits = client.metrics().of(method="wait")
        assert waits.latency.count == len(client.nodes())
        assert not waits.errors


@pytest.mark.embedded_only
def test_what_the_client_finds_by_itself_is_an_error_by_its_class(three: EmbeddedCluster, key: Key) -> None:
    policy = WritePolicy(total_timeout=20_000, socket_timeout=50, max_retries=0)
    with Client(three.hosts, PATIENT) as client:
        client.put(key, {"a": 1})
        owner = three.owner(key)
        owner.mute()
        with pytest.raises(TimeoutError):
            client.put(key, {"a": 2}, policy=policy)
        owner.unmute()
        owner.answer_with(ResultCode.TIMEOUT)
        with pytest.raises(ServerTimeout):
            client.put(key, {"a": 3}, policy=policy)
        owner.cut(5)
        with pytest.raises(ConnectionError):
            client.put(key, {"a": 3}, policy=policy)
        puts = client.metrics().of(method="put")
        assert puts.errors == {"TimeoutError": 1, "ServerTimeout": 1, "ConnectionError": 1}
        assert (puts.timeouts, puts.latency.count, puts.count) == (2, 1, 4)
        [failed] = [each for each in client.metrics().failed_calls if each.error == "TimeoutError"]
        assert failed.duration.total_ms >= 50


@pytest.mark.embedded_only
@pytest.mark.one_kind("what is counted on is the same")
def test_numbers_do_not_go_down_when_a_node_leaves_and_goes_on_when_it_comes_back(
    three: EmbeddedCluster,
) -> None:
    keys = [Key("test", "metrics", number) for number in range(60)]
    policy = ClientPolicy(timeout=10_000, tend_interval=50, max_error_rate=0)
    with Client(three.hosts, policy) as client:
        for key in keys:
            client.put(key, {"a": 1})
        before = client.metrics()
        node = three.nodes[1]
        node.stop()
        wait_until(lambda: node.name not in client.node_names())
        gone = client.metrics()
        assert gone.total.count >= before.total.count
        assert gone.nodes[node.name].total == before.nodes[node.name].total
        assert gone.nodes[node.name].address == ""
        node.start()
        wait_until(lambda: node.name in client.node_names())
        wait_until(lambda: all(client.get(key, default=True) for key in keys) and asked(client, node, before))


def asked(client: Client, node: EmbeddedNode, before: ClientMetrics) -> bool:
    now = client.metrics().nodes[node.name]
    return bool(now.address) and now.total.count > before.nodes[node.name].total.count


@pytest.mark.one_kind("it is about one meter")
def test_numbers_of_nodes_that_left_long_ago_are_added_up() -> None:
    from pyspike.cluster.metering import Metering

    class Left:
        address = "10.0.0.1:3000"

        def __init__(self, number: int) -> None:
            self.name = f"node-{number:03d}"
            self.meter = Meter()

    metering = Metering()
    left = [Left(number) for number in range(MOST_GONE + 5)]
    metering.adopt(left)  # type: ignore[arg-type]
    metering.forget(left)  # type: ignore[arg-type]
    assert len(metering.seen(left).nodes) == len(left)  # type: ignore[arg-type]
    metering.forget([])
    assert sorted(metering.seen([]).nodes) == [each.name for each in left[5:]]


def test_the_numbers_of_nodes_that_leave_are_in_no_difference_again(
    hosts: str, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspike.cluster.metering import Metering

    nodes: list[Any] = []
    adopt = Metering.adopt

    def adopted(self: Metering, found: Iterable[Any]) -> None:
        found = list(found)
        nodes.extend(found)
        adopt(self, found)

    monkeypatch.setattr(Metering, "adopt", adopted)

    class Left:
        address = "10.0.0.1:3000"

        def __init__(self, name: str) -> None:
            self.name = name
            self.meter = Meter()

        def count_with(self, meter: Meter) -> None:
            self.meter = meter

    with Client(hosts) as client:
        for _ in range(3):
            client.put(key, {"a": 1})
        counted = next(node.meter for node in nodes if node.meter.numbers())
        metering = Metering()
        first = Left("first")
        first.meter.take_over(counted)
        metering.adopt([first])  # type: ignore[list-item]
        before = metering.seen([first])  # type: ignore[list-item]
        metering.adopt([Left(f"{number}") for number in range(MOST_GONE)])  # type: ignore[misc]
        metering.forget([])
        after = metering.seen([])
        assert "first" not in after.nodes
        assert before.total.count == after.total.count == 3
        assert (after - before).total.count == 0
        again = Left("first")
        again.meter.take_over(counted)
        again.meter.take_over(counted)
        metering.adopt([again])  # type: ignore[list-item]
        back = metering.seen([again]) - before  # type: ignore[list-item]
        assert (back.total.count, back.of(node="first").count, back.of(node="").count) == (6, 6, 0)


@pytest.mark.one_kind("a view and a client that shares are made of a blocking one")
def test_a_view_has_the_same_numbers(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        client.with_policies(read=ReadPolicy(total_timeout=5000)).exists(key)
        assert counted(client, "exists").count == 1


@pytest.mark.one_kind("threads")
def test_nothing_is_lost_where_threads_count_at_once(hosts: str, key: Key) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Client(hosts) as client, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: [client.exists(key) for _ in range(40)], range(8)))
        seen = counted(client, "exists")
        assert (seen.count, seen.latency.count, seen.sent_bytes % 320) == (320, 320, 0)


def test_a_name_that_is_another_object_each_time_is_counted_under_one(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        for number in range(20):
            client.exists(Key("".join(["te", "st"]), key.set_name, number))
        assert counted(client, "exists").count == 20
        assert [each.namespace for each in client.metrics().commands if each.node] == ["test"] * len(
            {each.node for each in client.metrics().commands}
        )

"""Batches of threads: what they do to records, and what becomes of their rows whatever happens to nodes."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyspike import (
    BatchDelete,
    BatchDeletePolicy,
    BatchPolicy,
    BatchRead,
    BatchReadPolicy,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    Client,
    ClientPolicy,
    Concurrency,
    Expiration,
    GenerationPolicy,
    Key,
    MultiResult,
    RecordExistsAction,
    Replica,
    ResultCode,
    errors,
    exp,
)
from pyspike import operations as op
from pyspike.operations import lists
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import within

pytestmark = pytest.mark.both_kinds

NUMBER = exp.int_bin("a")


@pytest.fixture
def keys(key: Key, client: Client) -> list[Key]:
    """Ten keys of a test, with records {"a": number, "b": "x"} under the first eight."""
    found = [Key(key.namespace, key.set_name, f"{key.user_key!r}-{number}") for number in range(10)]
    client.batch_delete(found)
    client.batch_put({each: {"a": number, "b": "x"} for number, each in enumerate(found[:8])})
    return found


def parts(key: Key) -> tuple[str, str, int | str | bytes]:
    assert key.user_key is not None
    return key.namespace, key.set_name, key.user_key


# What batches do --------------------------------------------------------------------------------------------


def test_records_are_read_in_the_order_of_their_keys(client: Client, keys: list[Key]) -> None:
    records = client.batch_get(keys)
    assert [record and record["a"] for record in records] == [*range(8), None, None]
    assert [record and record.key for record in records[:8]] == keys[:8]
    assert records[:8] == [client.get(key) for key in keys[:8]]
    assert [record and record.bins for record in client.batch_get(keys[:2], ["b"])] == [{"b": "x"}] * 2
    header = client.batch_get(keys[:1], [])[0]
    assert header is not None
    assert (header.bins, header.generation) == ({}, 1)


def test_keys_may_be_any_iterable_and_repeat(client: Client, keys: list[Key]) -> None:
    found = client.batch_get(map(parts, [keys[3]] * 3 + keys[:1]))
    assert [record and record["a"] for record in found] == [3, 3, 3, 0]
    assert client.batch_get([]) == []
    assert client.batch_exists(iter([])) == []
    assert len(client.batch([])) == 0
    client.batch_put([])
    for wrong in ("abc", 5):
        with pytest.raises(errors.InvalidType, match="keys must be an iterable of keys"):
            client.batch_get(wrong)  # type: ignore[arg-type]
    for one in (keys[0], parts(keys[0])):
        with pytest.raises(errors.InvalidType, match=r"not one: write \[.*'test', .*\]"):
            client.batch_get(one)  # type: ignore[arg-type]


def test_whether_records_are_there_and_were(client: Client, keys: list[Key]) -> None:
    assert client.batch_exists(keys) == [True] * 8 + [False] * 2
    assert client.batch_delete(keys[6:]) == [True, True, False, False]
    assert client.batch_exists(keys) == [True] * 6 + [False] * 4


def test_bins_of_many_records_are_put(client: Client, keys: list[Key]) -> None:
    same = {"a": 70, "c": [1, 2]}
    client.batch_put(((key, same) for key in keys[:5]), ttl=Expiration.NEVER)
    client.batch_put({each: {"d": None, "b": 1.5} for each in map(parts, keys[5:7])})
    records = client.batch_get(keys)
    assert [record and record.bins for record in records[:5]] == [{"a": 70, "b": "x", "c": [1, 2]}] * 5
    assert [record and record["b"] for record in records[5:7]] == [1.5, 1.5]


def test_a_value_that_can_not_be_put_is_refused_with_its_key(client: Client, keys: list[Key]) -> None:
    records: dict[Key, dict[str, object]] = {keys[0]: {"a": 99}, keys[1]: {"a": object()}}
    with pytest.raises(errors.InvalidType, match="object is not an Aerospike type") as caught:
        client.batch_put(records)
    assert caught.value.key == keys[1]
    assert client.batch_get(keys[:1])[0]["a"] == 0, "nothing was sent"  # type: ignore[index]
    for wrong in (5, [keys[0]], "abc"):
        with pytest.raises(errors.InvalidType, match="records must be"):
            client.batch_put(wrong)  # type: ignore[arg-type]


def test_the_same_operations_are_applied_to_many_records(client: Client, keys: list[Key]) -> None:
    results = client.batch_operate(keys, [op.add("a", 10), op.get("a")])
    assert results.ok
    assert [record and record["a"] for record in results.records] == [*range(10, 18), 10, 10]
    assert [record and record.results for record in results.records[:2]] == [[None, 10], [None, 11]]
    reads = client.batch_operate(keys[:2], [op.get("a"), op.get("b"), op.get("a")])
    assert [record and record.bins for record in reads.records] == [
        {"a": MultiResult([10, 10]), "b": "x"}, {"a": MultiResult([11, 11]), "b": "x"}
    ]  # fmt: skip


def test_rows_of_every_kind_stand_side_by_side(client: Client, keys: list[Key]) -> None:
    rows: list[BatchRow] = [
        BatchRead(keys[0]),
        BatchRead(keys[1], ["b"]),
        BatchRead(keys[2], []),
        BatchRead(keys[3], operations=[op.get()]),
        BatchRead(keys[3], operations=[op.exp.read("a", NUMBER), lists.size("c"), op.get("a")]),
        BatchWrite(keys[4], [op.put("c", [1]), op.get("c")], ttl=Expiration.NEVER),
        BatchWrite(keys[5], [op.put("c", 1), op.get()]),
        BatchDelete(keys[6]),
        BatchDelete(keys[9]),
        BatchRead(keys[8]),
        BatchWrite(keys[7], [op.append("a", "x")]),
    ]
    results = client.batch(rows)
    bins = [record and record.bins for record in results.records]
    assert bins[:4] == [{"a": 0, "b": "x"}, {"b": "x"}, {}, {"a": 3, "b": "x"}]
    record = results.records[4]
    assert record is not None
    assert record.results == [3, None, 3]
    assert bins[5:7] == [{"c": [1]}, {"a": 5, "b": "x", "c": 1}]
    assert [row.result_code for row in results[7:]] == [0, 2, 2, 12]
    assert [row.ok for row in results[7:]] == [True, True, True, False]
    assert isinstance(results[10].error, errors.BinTypeError)
    with pytest.raises(errors.BatchError, match="1 of 11 rows failed") as caught:
        results.raise_for_errors()
    assert caught.value.results is results


def test_the_simple_ones_raise_with_all_results(client: Client, keys: list[Key]) -> None:
    policy = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
    with pytest.raises(errors.BatchError, match="8 of 10 rows failed") as caught:
        client.batch_put({key: {"z": 1} for key in keys}, row_policy=policy)
    results = caught.value.results
    assert [row.result_code for row in results] == [ResultCode.KEY_EXISTS_ERROR] * 8 + [ResultCode.OK] * 2
    assert not caught.value.in_doubt
    error = results[0].error
    assert error is not None
    assert error.node in client.node_names()
    assert len(error.attempts) == 1


def test_a_filter_leaves_records_out(client: Client, keys: list[Key]) -> None:
    large = NUMBER >= 6
    found = client.batch_get(keys, filter_expression=large)
    assert [record and record["a"] for record in found] == [None] * 6 + [6, 7, None, None]
    assert client.batch_exists(keys[4:9], filter_expression=large) == [False, False, True, True, False]
    results = client.batch([BatchRead(key) for key in keys[5:7]], filter_expression=large)
    assert [row.result_code for row in results] == [ResultCode.FILTERED_OUT, ResultCode.OK]
    assert isinstance(results[0].error, errors.FilteredOut)
    assert client.batch_delete(keys[5:7], filter_expression=large) == [False, True]
    with pytest.raises(errors.BatchError):
        client.batch_put({keys[0]: {"z": 1}}, filter_expression=large)
    policy = BatchPolicy(filter_expression=large)
    own = BatchReadPolicy(filter_expression=NUMBER < 6)
    results = client.batch([BatchRead(keys[0]), BatchRead(keys[0], policy=own)], policy=policy)
    assert [row.ok for row in results] == [False, True]


def test_rows_expect_a_generation(client: Client, keys: list[Key]) -> None:
    greater = GenerationPolicy.EXPECT_GEN_GREATER
    results = client.batch(
        [
            BatchWrite(keys[0], [op.put("a", 1)], generation=1),
            BatchWrite(keys[1], [op.put("a", 1)], generation=7),
            BatchDelete(keys[2], generation=7),
            BatchDelete(keys[3], policy=BatchDeletePolicy(generation_policy=greater, generation=7)),
        ]
    )
    assert [row.result_code for row in results] == [0, 3, 3, 0]


def test_options_of_the_policy_and_the_view_count(client: Client, keys: list[Key]) -> None:
    view = client.with_policies(batch=BatchPolicy(filter_expression=NUMBER >= 6))
    assert [record is not None for record in view.batch_get(keys[5:8])] == [False, True, True]
    assert view.batch_get(keys[5:6], policy=BatchPolicy())[0] is not None
    options = [
        BatchPolicy(allow_inline=False),
        BatchPolicy(allow_inline_ssd=True),
        BatchPolicy(respond_all_keys=False),
        BatchPolicy(concurrency=Concurrency.SEQUENTIAL),
        *(BatchPolicy(replica=replica) for replica in Replica if replica is not Replica.PREFER_RACK),
    ]
    for policy in options:
        assert [record and record["a"] for record in client.batch_get(keys, policy=policy)][:8] == [*range(8)]
    with pytest.raises(errors.InvalidType, match="policy must be a BatchPolicy here"):
        client.batch_get(keys, policy=BatchReadPolicy())  # type: ignore[arg-type]


def test_a_namespace_that_is_not_there_fails_its_rows_only(client: Client, keys: list[Key]) -> None:
    results = client.batch([BatchRead(keys[0]), BatchRead(("no-such-ns", "s", 1))])
    assert [row.ok for row in results] == [True, False]
    assert isinstance(results[1].error, errors.InvalidNamespace)


def test_a_key_without_a_set(client: Client, keys: list[Key]) -> None:
    key = Key(keys[0].namespace, None, f"batch-{keys[0].user_key!r}")
    client.batch_put({key: {"a": 1}})
    assert client.batch_get([key])[0] == client.get(key)
    assert client.batch_delete([key]) == [True]


def test_a_filter_may_be_larger_than_a_slice_of_rows(client: Client, keys: list[Key]) -> None:
    """A request has rows behind its filter, however large that is."""
    large = exp.or_(NUMBER >= 6, exp.eq(exp.str_bin("a"), "x" * 1_500_000))
    found = client.batch_get(keys, filter_expression=large, timeout=60_000)
    assert [record and record["a"] for record in found] == [None] * 6 + [6, 7, None, None]


def test_a_large_batch_comes_back_whole(client: Client, set_name: str) -> None:
    keys = [Key("test", set_name, f"large-{number}") for number in range(10_000)]
    client.batch_put(((key, {"n": number}) for number, key in enumerate(keys)), timeout=60_000)
    records = client.batch_get(keys, timeout=60_000)
    assert [record and record["n"] for record in records] == list(range(10_000))
    assert client.batch_delete(keys, timeout=60_000) == [True] * 10_000


def test_large_records_come_in_frames_of_their_own(client: Client, keys: list[Key]) -> None:
    large = {key: {"a": bytes([number]) * 300_000} for number, key in enumerate(keys)}
    client.batch_put(large)
    assert [record and record.bins for record in client.batch_get(keys, ["a"])] == list(large.values())


def test_a_client_that_is_closed_begins_no_batch(hosts: str) -> None:
    client = Client(hosts)
    client.close()
    with pytest.raises(errors.ClientClosed):
        client.batch_get([("test", "s", 1)])


# Several nodes, and what may happen to them -----------------------------------------------------------------

KEYS = [Key("test", "nodes", number) for number in range(90)]
READS = [BatchRead(key) for key in KEYS]
ADDS = [BatchWrite(key, [op.add("n", 1), op.get("n")]) for key in KEYS]


@pytest.fixture
def of_three(three: EmbeddedCluster) -> Iterator[Client]:
    with Client(three.hosts, ClientPolicy(tend_interval=100)) as client:
        client.batch_put({key: {"n": 0} for key in KEYS})
        yield client


def numbers(client: Client) -> list[int]:
    return [record["n"] for record in client.batch_get(KEYS) if record is not None]


@pytest.mark.embedded_only
def test_all_nodes_are_asked_at_once_unless_told_otherwise(three: EmbeddedCluster, of_three: Client) -> None:
    for node in three.nodes:
        node.delay(0.15)
    began = time.monotonic()
    assert numbers(of_three) == [0] * 90
    together = time.monotonic() - began
    sequential = BatchPolicy(concurrency=Concurrency.SEQUENTIAL, total_timeout=5000)
    began = time.monotonic()
    of_three.batch_get(KEYS, policy=sequential)
    one_by_one = time.monotonic() - began
    assert 0.15 <= together < 0.3 <= one_by_one


FAULTS: dict[str, Callable[[EmbeddedNode], object]] = {
    "stopped": EmbeddedNode.stop,
    "killed": EmbeddedNode.kill,
    "frozen": EmbeddedNode.freeze,
    "closing instead of answering": lambda node: node.close_after_request(1),
    "dropping a request": lambda node: node.drop_before_execute(1),
    "cutting an answer": lambda node: node.cut(times=1),
    "cutting between frames": lambda node: node.cut(0, after_frames=1),
    "stalling": lambda node: node.stall(),
    "sending garbage": lambda node: node.garbage(),
    "answering with a code": lambda node: node.answer_with(9),
}


@pytest.mark.embedded_only
@pytest.mark.parametrize("fault", FAULTS)
def test_reads_go_to_the_other_replica_whatever_happens_to_a_node(
    three: EmbeddedCluster, of_three: Client, fault: str
) -> None:
    FAULTS[fault](three.nodes[1])
    with within(1000):
        assert numbers(of_three) == [0] * 90
    for _ in range(3):
        assert numbers(of_three) == [0] * 90


@pytest.mark.embedded_only
@pytest.mark.parametrize("fault", FAULTS)
def test_no_write_is_applied_twice_and_doubt_is_told_row_by_row(
    three: EmbeddedCluster, of_three: Client, fault: str
) -> None:
    FAULTS[fault](three.nodes[1])
    results = of_three.batch(ADDS, timeout=600)
    three.nodes[1].heal()
    if not three.nodes[1].running:
        three.nodes[1].start()
    assert len(results) == 90
    time.sleep(0.3)
    applied = dict(zip(KEYS, (record and record["n"] for record in of_three.batch_get(KEYS)), strict=True))
    for row in results:
        if row.ok:
            assert row.record is not None
            assert row.record["n"] == applied[row.key] == 1
        elif not row.in_doubt:
            assert applied[row.key] == 0
        else:
            assert applied[row.key] in (0, 1, None)


@pytest.mark.embedded_only
def test_a_frozen_node_fails_its_writes_at_the_deadline_and_no_others(
    three: EmbeddedCluster, of_three: Client
) -> None:
    three.nodes[1].freeze()
    began = time.monotonic()
    with within(500):
        results = of_three.batch(ADDS, timeout=300)
    assert time.monotonic() - began > 0.25
    failed = results.failed
    assert 10 < len(failed) < 60
    assert {type(row.error) for row in failed} == {errors.TimeoutError}
    assert all(row.in_doubt and row.result_code is None for row in failed)
    assert {row.error.node for row in failed if row.error} == {three.nodes[1].name}
    assert all(row.error.timeout == 300 and len(row.error.attempts) == 1 for row in failed if row.error)


@pytest.mark.embedded_only
def test_rows_that_fail_alone_are_told_alone(three: EmbeddedCluster, of_three: Client) -> None:
    for node in three.nodes:
        node.fail_rows(14, rows=2)
    results = of_three.batch(READS)
    assert [row.result_code for row in results.failed] == [ResultCode.KEY_BUSY] * 6
    assert numbers(of_three) == [0] * 90


@pytest.mark.embedded_only
def test_a_connection_that_the_server_closed_meanwhile_costs_no_attempt(
    three: EmbeddedCluster, of_three: Client
) -> None:
    port = three.nodes[0].port
    three.nodes[0].restart(port)
    results = of_three.batch(ADDS)
    assert results.ok


@pytest.mark.embedded_only
def test_batches_that_share_few_connections_do_not_wait_for_each_other_for_ever(
    three: EmbeddedCluster,
) -> None:
    policy = ClientPolicy(max_conns_per_node=1, tend_interval=100)
    with Client(three.hosts, policy) as client, ThreadPoolExecutor(8) as pool:
        client.batch_put({key: {"n": 0} for key in KEYS})
        with within(15_000):
            answers = list(pool.map(lambda _: client.batch(ADDS, timeout=20_000).ok, range(40)))
        assert all(answers)
        assert numbers(client) == [40] * 90
        assert all(node.pool.open <= 1 and node.pool.in_flight == 0 for node in client.stats().nodes.values())


@pytest.mark.embedded_only
@pytest.mark.one_kind("tasks are cancelled instead, which test_async_batch is about")
def test_a_signal_ends_a_batch_and_leaves_no_connection_in_use(
    three: EmbeddedCluster, of_three: Client
) -> None:
    class Stop(Exception):  # noqa: N818 - no error
        pass

    def stop(*_: object) -> None:
        raise Stop

    for nodes, calls in ((three.nodes, READS), (three.nodes[:1], READS)):
        for node in nodes:
            node.freeze()
        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        began = time.monotonic()
        try:
            with pytest.raises(Stop):
                of_three.batch(calls, timeout=10_000, policy=BatchPolicy(socket_timeout=9000))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert time.monotonic() - began < 2
        for node in nodes:
            node.thaw()
        assert all(node.pool.in_flight == 0 for node in of_three.stats().nodes.values())
        assert numbers(of_three) == [0] * 90


@pytest.mark.embedded_only
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_parent_and_child_go_on_with_batches_after_a_fork(three: EmbeddedCluster, of_three: Client) -> None:
    assert numbers(of_three) == [0] * 90
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if of_three.batch(ADDS).ok and numbers(of_three) == [1] * 90 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert numbers(of_three) == [1] * 90


@pytest.mark.embedded_only
def test_no_row_has_the_answer_of_another_while_nodes_come_and_go(
    three: EmbeddedCluster, of_three: Client
) -> None:
    """Eight threads with batches; acknowledged additions are counted, none is lost."""
    end = threading.Event()
    wrong: list[object] = []
    acknowledged = [0] * 90
    doubtful = [0] * 90
    lock = threading.Lock()

    def work(seed: int) -> None:
        for turn in itertools.count():
            if end.is_set():
                return
            places = [(seed * 7 + turn * 13 + step) % 90 for step in range(30)]
            rows: list[BatchRow] = [ADDS[place] if place % 2 else READS[place] for place in places]
            results = of_three.batch(rows, timeout=800)
            for place, row in zip(places, results, strict=True):
                if row.key != KEYS[place] or (row.record is not None and row.record.key != KEYS[place]):
                    wrong.append(row)
                if place % 2:
                    with lock:
                        acknowledged[place] += row.ok
                        doubtful[place] += row.in_doubt

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for fault in ("cutting an answer", "killed", "sending garbage", "stalling"):
        FAULTS[fault](three.nodes[2])
        time.sleep(0.5)
        three.nodes[2].heal()
        if not three.nodes[2].running:
            three.nodes[2].start()
        time.sleep(0.3)
    end.set()
    for thread in threads:
        thread.join(10)
    time.sleep(0.5)
    assert wrong == []
    counts = [record["n"] for record in of_three.batch_get(KEYS, timeout=5000) if record is not None]
    for place in range(1, 90, 2):
        assert acknowledged[place] <= counts[place] <= acknowledged[place] + doubtful[place]
    assert sum(acknowledged) > 200

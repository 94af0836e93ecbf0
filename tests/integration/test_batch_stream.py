"""Streams of batches: what they do to records whatever happens to nodes, and that they hold up nobody."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pyspike import (
    BatchDelete,
    BatchPolicy,
    BatchRead,
    BatchRecord,
    BatchRow,
    BatchWrite,
    Client,
    ClientPolicy,
    Key,
    ResultCode,
    errors,
    exp,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import pools, wait_until

pytestmark = pytest.mark.both_kinds

PATIENT = 30_000  # ms, for what a slow machine takes long for


@pytest.fixture
def keys(key: Key, client: Client) -> Iterator[list[Key]]:
    """A hundred keys of a test, with records {"a": number} under the first eighty."""
    found = [Key(key.namespace, key.set_name, f"{key.user_key!r}-{number}") for number in range(100)]
    client.batch_put(((each, {"a": number}) for number, each in enumerate(found[:80])), timeout=PATIENT)
    yield found
    client.batch_delete(found, timeout=PATIENT)


def by_key(outcomes: Iterable[BatchRecord]) -> dict[Key, BatchRecord]:
    found = list(outcomes)
    made = {row.key: row for row in found}
    assert len(made) == len(found), "no row has two outcomes"
    return made


# What streams do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 10, 1000])
def test_records_are_read(client: Client, keys: list[Key], in_flight: int) -> None:
    found = by_key(
        client.batch_stream((BatchRead(key) for key in keys), in_flight=in_flight, timeout=PATIENT)
    )
    assert [found[key].record and found[key].record["a"] for key in keys] == [*range(80), *[None] * 20]  # type: ignore[index]
    assert all(row.ok for row in found.values())
    assert pools(client, "in_flight") == 0


def test_rows_of_every_kind_go_through_one_stream(client: Client, keys: list[Key]) -> None:
    rows: list[BatchRow] = []
    for number, key in enumerate(keys):
        kinds = (
            BatchRead(key, ["a"]),
            BatchWrite(key, [op.add("a", 1000), op.get("a")]),
            BatchDelete(key),
            BatchWrite(key, [op.append("a", "x")]),
        )
        rows.append(kinds[number % 4])
    found = by_key(client.batch_stream(iter(rows), in_flight=30, timeout=PATIENT))
    for number, key in enumerate(keys):
        row = found[key]
        there = number < 80
        if number % 4 == 0:
            assert row.record == client.get(key, default=None)
        elif number % 4 == 1:
            assert row.record is not None
            assert row.record["a"] == (number if there else 0) + 1000
        elif number % 4 == 2:
            assert row.result_code == (ResultCode.OK if there else ResultCode.KEY_NOT_FOUND_ERROR)
            assert not client.exists(key)
        else:
            assert row.ok != there, "text is not appended to a number"


def test_a_filter_and_a_policy_count(client: Client, keys: list[Key]) -> None:
    few = exp.int_bin("a") < 5
    found = by_key(
        client.batch_stream((BatchRead(key) for key in keys), filter_expression=few, timeout=PATIENT)
    )
    assert sum(row.record is not None for row in found.values()) == 5
    policy = BatchPolicy(filter_expression=few, total_timeout=PATIENT)
    found = by_key(client.batch_stream((BatchRead(key) for key in keys), policy=policy))
    assert sum(row.record is not None for row in found.values()) == 5
    view = client.with_policies(batch=policy)
    found = by_key(view.batch_stream(BatchRead(key) for key in keys))
    assert sum(row.record is not None for row in found.values()) == 5
    with pytest.raises(errors.InvalidType, match="policy must be a BatchPolicy here"):
        client.batch_stream([], policy=5)  # type: ignore[arg-type]


def test_large_records_come_one_by_one(client: Client, keys: list[Key]) -> None:
    large = {key: {"a": bytes([number]) * 300_000} for number, key in enumerate(keys[:20])}
    client.batch_put(large, timeout=PATIENT)
    found = by_key(client.batch_stream((BatchRead(key) for key in large), timeout=PATIENT))
    assert {key: row.record and row.record.bins for key, row in found.items()} == large


@pytest.mark.one_kind("rows that wait would hold the loop: see test_async_batch_stream")
def test_a_stream_feeds_another(client: Client, keys: list[Key]) -> None:
    """What one reads is what the other writes: no list of it is ever made."""
    read = client.batch_stream((BatchRead(key) for key in keys[:80]), in_flight=20, timeout=PATIENT)
    rows = (BatchWrite(row.key, [op.put("a", row.record["a"] * 2)]) for row in read if row.record is not None)
    written = list(client.batch_stream(rows, in_flight=20, timeout=PATIENT))
    assert len(written) == 80
    assert [record and record["a"] for record in client.batch_get(keys[:80])] == [*range(0, 160, 2)]


def test_a_client_that_is_closed_begins_no_stream_and_ends_those_that_are_under_way(hosts: str) -> None:
    client = Client(hosts)
    stream = client.batch_stream(BatchRead(("test", "s", number)) for number in itertools.count())
    next(stream)
    client.close()
    with pytest.raises(errors.ClientClosed):
        for _ in stream:
            pass
    with pytest.raises(errors.ClientClosed):
        client.batch_stream([])


@pytest.mark.one_kind("that of tasks is in test_async_batch_stream")
def test_memory_does_not_grow_with_the_number_of_rows(client: Client, keys: list[Key]) -> None:
    """It has a bound by what may be in flight; how much of it comes at once is up to the machine."""
    client.put(keys[0], {"a": "x" * 1000})
    count, in_flight = 20_000, 200

    def run() -> int:
        rows = itertools.repeat(BatchRead(keys[0]), count)
        return sum(row.ok for row in client.batch_stream(rows, in_flight=in_flight, timeout=PATIENT))

    run()
    tracemalloc.start()
    try:
        assert run() == count
        assert tracemalloc.get_traced_memory()[1] < in_flight * 3000  # an answer, and the record made of it
    finally:
        tracemalloc.stop()


# Several nodes, and what may happen to them -----------------------------------------------------------------

KEYS = [Key("test", "nodes", number) for number in range(90)]
READS = [BatchRead(key) for key in KEYS]
ADDS = [BatchWrite(key, [op.add("n", 1), op.get("n")]) for key in KEYS]


def make_whole(cluster: EmbeddedCluster) -> None:
    for node in cluster.nodes:
        node.heal()
        if not node.running:
            node.start()


@pytest.fixture
def of_three(three: EmbeddedCluster) -> Iterator[Client]:
    policy = ClientPolicy(tend_interval=100, batch=BatchPolicy(total_timeout=PATIENT))
    with Client(three.hosts, policy) as client:
        wait_until(lambda: sum(node.is_active for node in client.nodes()) == 3)
        client.batch_put({key: {"n": 0} for key in KEYS})
        yield client


def numbers(client: Client) -> dict[Key, int | None]:
    records = client.batch_get(KEYS, timeout=PATIENT)
    return {key: record and record["n"] for key, record in zip(KEYS, records, strict=True)}


@pytest.mark.embedded_only
def test_nodes_are_asked_at_once_so_that_a_batch_takes_the_time_of_the_slowest_of_them(
    three: EmbeddedCluster, of_three: Client
) -> None:
    """When the first of them answers, all have been asked, and have run what they were asked for."""

    def asked() -> list[int]:
        return [node.stats.batch_rows for node in three.nodes]

    for node in three.nodes:
        node.delay(0.3)
    before = asked()
    with of_three.batch_stream(READS) as stream:
        assert next(stream).ok
        counts = [after - count for after, count in zip(asked(), before, strict=True)]
    assert all(counts)
    assert sum(counts) == 90


@pytest.mark.embedded_only
def test_a_slow_node_does_not_hold_up_the_others(three: EmbeddedCluster, of_three: Client) -> None:
    three.nodes[1].freeze()
    stream = of_three.batch_stream(READS)
    found = [next(stream) for _ in range(50)]
    assert all(row.ok for row in found)
    three.nodes[1].thaw()
    assert len(by_key([*found, *stream])) == 90


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
    policy = BatchPolicy(socket_timeout=1000, total_timeout=PATIENT)
    for in_flight in (1000, 20):
        found = by_key(of_three.batch_stream(READS, in_flight=in_flight, policy=policy))
        assert {row.record and row.record["n"] for row in found.values()} == {0}


@pytest.mark.embedded_only
@pytest.mark.parametrize("in_flight", [1000, 20])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_write_is_applied_twice_and_doubt_is_told_row_by_row(
    three: EmbeddedCluster, of_three: Client, fault: str, in_flight: int
) -> None:
    FAULTS[fault](three.nodes[1])
    found = by_key(of_three.batch_stream(ADDS, timeout=600, in_flight=in_flight))
    make_whole(three)
    assert len(found) == 90
    time.sleep(0.3)
    applied = numbers(of_three)
    for row in found.values():
        if row.ok:
            assert row.record is not None
            assert row.record["n"] == applied[row.key] == 1
        elif not row.in_doubt:
            assert applied[row.key] == 0
        else:
            assert applied[row.key] in (0, 1, None)


@pytest.mark.embedded_only
def test_streams_and_batches_that_share_few_connections_do_not_wait_for_each_other_for_ever(
    three: EmbeddedCluster,
) -> None:
    policy = ClientPolicy(max_conns_per_node=1, tend_interval=100)
    with Client(three.hosts, policy) as client, ThreadPoolExecutor(8) as pool:
        client.batch_put({key: {"n": 0} for key in KEYS}, timeout=PATIENT)

        def stream(_: int) -> bool:
            found = by_key(client.batch_stream(ADDS, in_flight=30, timeout=60_000))
            return len(found) == 90 and all(row.ok for row in found.values())

        def batch(_: int) -> bool:
            return client.batch(ADDS, timeout=60_000).ok

        def single(number: int) -> bool:
            return client.get(KEYS[number % 90], timeout=60_000)["n"] >= 0

        calls = [pool.submit((stream, batch, single)[number % 3], number) for number in range(60)]
        assert all(call.result() for call in calls)
        assert set(numbers(client).values()) == {40}
        of_tasks = [channel.batches.open for loop in client.stats().loops for channel in loop.values()]
        assert max(of_tasks or [node.pool.open for node in client.stats().nodes.values()]) == 1
        assert pools(client, "in_flight") == 0


@pytest.mark.embedded_only
@pytest.mark.one_kind("the answers of tasks come in whatever they do: see test_async_batch_stream")
def test_who_pauses_between_two_outcomes_takes_no_connection_from_others(three: EmbeddedCluster) -> None:
    policy = ClientPolicy(max_conns_per_node=1, tend_interval=60_000)
    with Client(three.hosts, policy) as client:
        client.batch_put({key: {"n": 0} for key in KEYS}, timeout=PATIENT)
        three.nodes[1].delay(0.2)
        with client.batch_stream(itertools.cycle(READS), in_flight=60, timeout=PATIENT) as stream:
            next(stream)
            assert pools(client, "in_flight") > 0
            for key in KEYS:  # each node's only connection
                assert client.get(key, timeout=PATIENT)["n"] == 0
            assert pools(client, "in_flight") == 0
            assert all(next(stream).ok for _ in range(200))
        assert pools(client, "in_flight") == 0


@pytest.mark.embedded_only
@pytest.mark.one_kind("the answers of tasks come in whatever they do")
def test_tending_frees_what_a_paused_stream_has(three: EmbeddedCluster, of_three: Client) -> None:
    three.nodes[1].delay(0.1)
    stream = of_three.batch_stream(READS, timeout=PATIENT)
    next(stream)
    wait_until(lambda: pools(of_three, "in_flight") == 0)
    of_three.close(5000)  # which does not wait for the stream
    assert len(list(stream)) == 89


@pytest.mark.embedded_only
@pytest.mark.one_kind("a signal ends the main task, as cancelling does: see test_async_batch_stream")
def test_a_signal_ends_a_stream_and_leaves_no_connection_in_use(
    three: EmbeddedCluster, of_three: Client
) -> None:
    class Stop(Exception):  # noqa: N818 - no error
        pass

    def stop(*_: object) -> None:
        raise Stop

    for nodes in (three.nodes, three.nodes[:1]):
        for node in nodes:
            node.freeze()
        stream = of_three.batch_stream(READS, policy=BatchPolicy(socket_timeout=90_000, total_timeout=90_000))
        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(Stop):
                for _ in stream:
                    pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert list(stream) == []
        assert pools(of_three, "in_flight") == 0
        for node in nodes:
            node.thaw()
        assert set(numbers(of_three).values()) == {0}


@pytest.mark.embedded_only
@pytest.mark.one_kind("the loop of the facade does not run in the child")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_has_streams_of_its_own_and_the_parent_goes_on_with_its(
    three: EmbeddedCluster, of_three: Client
) -> None:
    stream = of_three.batch_stream(ADDS, in_flight=30, timeout=PATIENT)
    found = [next(stream)]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            own = by_key(of_three.batch_stream(READS, timeout=PATIENT))
            stream.close()
            code = 0 if len(own) == 90 and all(row.ok for row in own.values()) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(row.ok for row in by_key([*found, *stream]).values())
    assert set(numbers(of_three).values()) == {1}


@pytest.mark.embedded_only
def test_every_row_of_many_streams_has_its_own_outcome_while_nodes_come_and_go(
    three: EmbeddedCluster, of_three: Client
) -> None:
    """Six threads with streams, two of which share one; acknowledged additions are counted, none is lost."""
    end = threading.Event()
    lock = threading.Lock()
    given = [0] * 90
    outcomes = [0] * 90
    acknowledged = [0] * 90
    doubtful = [0] * 90
    wrong: list[object] = []

    def rows(seed: int) -> Iterator[BatchRow]:
        for turn in itertools.count():
            if end.is_set():
                return
            place = (seed * 7 + turn * 13) % 90
            with lock:
                given[place] += 1
            yield ADDS[place] if place % 2 else READS[place]

    def work(stream: Iterable[BatchRecord]) -> None:
        for row in stream:
            place = KEYS.index(row.key)
            if row.record is not None and row.record.key != row.key:
                wrong.append(row)
            with lock:
                outcomes[place] += 1
                acknowledged[place] += row.ok
                doubtful[place] += row.in_doubt

    streams: list[Any] = [
        of_three.batch_stream(rows(seed), in_flight=10 + 30 * seed, timeout=800) for seed in range(5)
    ]
    threads = [threading.Thread(target=work, args=(stream,)) for stream in (*streams, streams[0])]
    for thread in threads:
        thread.start()
    for fault in ("cutting an answer", "killed", "sending garbage", "stalling"):
        FAULTS[fault](three.nodes[2])
        time.sleep(0.5)
        make_whole(three)
        time.sleep(0.3)
    end.set()
    for thread in threads:
        thread.join(30)
    time.sleep(0.5)
    assert wrong == []
    assert outcomes == given, "each row has one outcome"
    counts = numbers(of_three)
    for place in range(1, 90, 2):
        count = counts[KEYS[place]]
        assert count is not None
        assert acknowledged[place] <= count <= acknowledged[place] + doubtful[place]
    assert sum(acknowledged) > 200
    assert pools(of_three, "in_flight") == 0

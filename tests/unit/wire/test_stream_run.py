"""A stream of rows by a thread: bounded, in nobody's way, and nothing is lost whatever happens."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from pyspike import BatchRead, BatchRow, BatchStream, BatchWrite, Concurrency, Key, Replica, errors
from pyspike import operations as op
from pyspike._wire import BatchRecord, advance_clock
from pyspike.plans.batch import BatchPlan
from support.batch_nodes import BatchNodes, answer
from support.cluster_tools import Outcome, in_thread, wait_until

MINUTES = 300_000.0  # ms


@pytest.fixture
def clusters() -> Iterator[Any]:
    made: list[BatchNodes] = []

    def make(nodes: int = 2, **limits: Any) -> BatchNodes:
        made.append(BatchNodes(nodes, **limits))
        return made[-1]

    yield make
    for cluster in made:
        cluster.close()


def reads(cluster: BatchNodes, name: str, count: int) -> list[BatchRow]:
    return [BatchRead(key) for key in cluster.keys(name, count)]


def writes(cluster: BatchNodes, name: str, count: int) -> list[BatchRow]:
    return [BatchWrite(key, [op.put("a", 1)]) for key in cluster.keys(name, count)]


def keys(rows: Iterable[BatchRow | BatchRecord]) -> set[Key]:
    return {row.key for row in rows}


def following(stream: BatchStream) -> Outcome:
    """The next outcome, in a thread."""
    return in_thread(lambda: next(stream))


def all_of(stream: BatchStream) -> tuple[list[BatchRecord], Exception | None]:
    """All outcomes, and the error with which the stream ends."""
    found = []
    try:
        for row in stream:
            found.append(row)  # noqa: PERF402
    except Exception as error:
        return found, error
    return found, None


class Counted:
    """Rows, and how many of them were read."""

    def __init__(self, rows: Iterable[BatchRow]) -> None:
        self.rows = iter(rows)
        self.count = 0

    def __iter__(self) -> Iterator[BatchRow]:
        for row in self.rows:
            self.count += 1
            yield row


class Serving:
    """A thread that answers all batches while it is entered, each after a pause."""

    def __init__(self, cluster: BatchNodes, pause: float = 0.0) -> None:
        self.cluster, self.pause = cluster, pause
        self.asked: list[int] = []  # how many rows each request had
        self.at_once = 0  # nodes that had a request at the same time, at most
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Serving:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            busy = [
                (name, connection)
                for name, servers in self.cluster.servers.items()
                for connection in range(len(servers))
                if self.cluster.is_asked(name, connection)
            ]
            self.at_once = max(self.at_once, len(busy))
            for name, connection in busy:
                time.sleep(self.pause)
                self.asked.append(len(self.cluster.serve(name, connection)))
            time.sleep(0.0005)


# What it gives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 2, 7, 50, 1000])
def test_each_row_has_one_outcome_and_no_more_are_read_than_may_be_in_flight(
    clusters: Any, in_flight: int
) -> None:
    cluster = clusters(3)
    rows = Counted(BatchRead(("test", "s", number)) for number in range(200))
    found: list[BatchRecord] = []
    with Serving(cluster) as serving:
        for row in cluster.stream(rows, in_flight):
            assert rows.count <= len(found) + in_flight
            found.append(row)
    assert len(found) == len(keys(found)) == 200
    assert all(row.ok and row.record is not None and row.record.key == row.key for row in found)
    assert max(serving.asked) <= -(-in_flight // 6)
    assert cluster.in_flight == [0, 0, 0]
    assert sum(cluster.stats(name)["opened"] for name in cluster.servers) == 3


def test_nothing_is_read_or_sent_before_the_first_outcome_is_asked_for(clusters: Any) -> None:
    cluster = clusters()
    rows = Counted(reads(cluster, "A1", 3))
    stream = cluster.stream(rows)
    assert rows.count == 0
    assert not cluster.servers["A1"]
    stream.close()
    assert list(stream) == []
    assert rows.count == 0


def test_a_stream_of_no_rows_ends_at_once(clusters: Any) -> None:
    stream = clusters().stream([])
    assert list(stream) == list(stream) == []


def test_the_outcomes_of_one_node_do_not_wait_for_those_of_another(clusters: Any) -> None:
    cluster = clusters()
    rows = [*reads(cluster, "A1", 3), *reads(cluster, "A2", 3)]
    stream = cluster.stream(rows)
    call = following(stream)
    waiting = cluster.request("A2").rows
    cluster.serve("A1")
    found = [call.result(), *itertools.islice(stream, 2)]
    assert keys(found) == keys(rows[:3])
    cluster.answer("A2", answer([row.number for row in waiting]))
    assert keys(stream) == keys(rows[3:])


def test_the_outcomes_of_one_frame_do_not_wait_for_the_next(clusters: Any) -> None:
    cluster = clusters(1)
    stream = cluster.stream(reads(cluster, "A1", 4))
    call = following(stream)
    cluster.request("A1")
    cluster.answer("A1", answer([1], last=None))
    assert call.result().ok
    call = following(stream)
    cluster.answer("A1", answer([0], last=None))
    assert call.result().ok
    cluster.answer("A1", answer([2, 3]))
    assert len(list(stream)) == 2


def test_the_next_rows_are_sent_before_the_outcomes_are_handed_over(clusters: Any) -> None:
    cluster = clusters(1)
    stream = cluster.stream(reads(cluster, "A1", 10), in_flight=4)
    call = following(stream)
    assert len(cluster.serve("A1")) == 2
    call.result()
    assert len(cluster.serve("A1")) == 2  # nobody asks for an outcome at the moment
    next(stream)
    with Serving(cluster):
        assert len(list(stream)) == 8


def test_one_node_at_a_time_if_that_is_the_policy(clusters: Any) -> None:
    cluster = clusters(3)
    rows = [BatchRead(("test", "s", number)) for number in range(100)]
    with Serving(cluster, 0.001) as serving:
        found = list(cluster.stream(rows, 20, concurrency=Concurrency.SEQUENTIAL))
    assert len(found) == 100
    assert serving.at_once == 1


def test_rows_that_come_slowly_are_sent_as_they_come(clusters: Any) -> None:
    cluster = clusters(1)

    def slowly() -> Iterator[BatchRow]:
        for number in range(20):
            time.sleep(0.02)
            yield BatchRead(("test", "s", number))

    rows = Counted(slowly())
    with Serving(cluster):
        stream = cluster.stream(rows)
        next(stream)
        assert rows.count < 10
        assert len(list(stream)) == 19


def test_the_rows_of_a_large_group_go_out_in_several_requests(clusters: Any) -> None:
    cluster = clusters(1)
    with Serving(cluster) as serving:
        rows = [BatchRead(("test", "s", 1))] * 12_000
        assert sum(row.ok for row in cluster.stream(rows, 20_000)) == 12_000
    assert max(serving.asked) == 4096


def test_reads_are_spread_over_replicas_if_that_is_the_policy(clusters: Any) -> None:
    cluster = clusters(2)
    rows = reads(cluster, "A1", 40)
    with Serving(cluster):
        assert len(list(cluster.stream(rows, replica=Replica.RANDOM))) == 40
    assert all(cluster.servers.values())


# What fails -------------------------------------------------------------------------------------------------


def test_rows_fail_alone_with_what_the_node_answered(clusters: Any) -> None:
    cluster = clusters(1)
    stream = cluster.stream(writes(cluster, "A1", 3))
    call = following(stream)
    assert cluster.request("A1")
    cluster.answer("A1", answer([1], code=9, last=None) + answer([0, 2]))
    found = [call.result(), *stream]
    failed = [row for row in found if not row.ok]
    assert [type(row.error) for row in failed] == [errors.ServerTimeout]
    assert failed[0].in_doubt, "it was sent, also when the answer's first frame is all there is"
    assert failed[0].error is not None
    assert failed[0].error.node == "A1"


def test_reads_without_an_answer_go_to_the_other_replica_and_writes_are_in_doubt(clusters: Any) -> None:
    cluster = clusters()
    stream = cluster.stream([*reads(cluster, "A1", 2), *writes(cluster, "A1", 2)])
    call = following(stream)
    cluster.request("A1")
    cluster.hang_up("A1")
    found = [call.result()]
    assert all(isinstance(row.error, errors.ConnectionError) and row.in_doubt for row in found)
    with Serving(cluster):
        found += stream
    assert len(found) == 4
    assert sum(row.ok for row in found) == 2
    assert len(cluster.servers["A2"]) == 1
    assert cluster.tended == ["A1"]


def test_a_namespace_that_is_not_there_fails_its_rows_only(clusters: Any) -> None:
    cluster = clusters(1)
    rows = [BatchRead(("nowhere", "s", 1)), *reads(cluster, "A1", 1)]
    with Serving(cluster):
        found = {row.key.namespace: row for row in cluster.stream(rows)}
    assert isinstance(found["nowhere"].error, errors.InvalidNamespace)
    assert found["test"].ok


def test_rows_fail_where_no_node_is_known(clusters: Any) -> None:
    cluster = clusters(1)
    cluster.node("A1").retire()
    assert [type(row.error) for row in cluster.stream(reads(cluster, "A1", 2))] == [errors.ConnectFailed] * 2


class Trouble(Exception):  # noqa: N818 - a user's
    pass


@pytest.mark.parametrize("bad", ["rows raise", "no row"])
def test_an_exception_of_the_rows_comes_when_the_rows_before_it_have_their_outcomes(
    clusters: Any, bad: str
) -> None:
    cluster = clusters()

    def rows() -> Iterator[Any]:
        yield from [*reads(cluster, "A1", 5), *reads(cluster, "A2", 5)]
        if bad == "rows raise":
            raise Trouble
        yield ("test", "s", 1)

    stream = cluster.stream(rows())
    with Serving(cluster):
        found, error = all_of(stream)
    assert isinstance(error, Trouble if bad == "rows raise" else errors.InvalidType)
    assert len(found) == 10
    assert all(row.ok for row in found)
    assert list(stream) == []
    assert cluster.in_flight == [0, 0]


def test_wrong_arguments_are_refused_at_once(clusters: Any) -> None:
    cluster = clusters(1)
    stream = cluster.client.batch_stream
    for wrong in (0, -1, 10**9):
        with pytest.raises(errors.InvalidArgument, match="in_flight must be 1 to"):
            stream([], in_flight=wrong)
    for kind in (True, 1.5, "5", None):
        with pytest.raises(errors.InvalidType, match="in_flight must be int"):
            stream([], in_flight=kind)
    with pytest.raises(errors.InvalidArgument, match="timeout"):
        stream([], timeout=0.5)
    with pytest.raises(errors.InvalidType):
        stream([], filter_expression=5)
    with pytest.raises(errors.InvalidType, match="policy must be a BatchPolicy"):
        stream([], policy=5)
    with pytest.raises(errors.InvalidType, match="rows must be an iterable"):
        cluster.stream(5)
    with pytest.raises(TypeError, match=r"Client.batch_stream makes a BatchStream"):
        BatchStream()
    assert list(BatchStream.__new__(BatchStream)) == []


def test_a_client_that_was_closed_answers_what_was_sent_and_reads_no_more_rows(clusters: Any) -> None:
    cluster = clusters(1)
    rows = Counted(reads(cluster, "A1", 100))
    stream = cluster.stream(rows, in_flight=4)
    call = following(stream)
    cluster.serve("A1")
    call.result()
    numbers = [row.number for row in cluster.request("A1").rows]
    cluster.closed = True
    cluster.node("A1").retire()
    cluster.answer("A1", answer(numbers))
    found, error = all_of(stream)
    assert isinstance(error, errors.ClientClosed)
    assert [row.ok for row in found] == [True] * 3
    assert rows.count == 4
    assert cluster.stats("A1")["open"] == 0
    cluster.routing.refuse()
    with pytest.raises(errors.ClientClosed):
        cluster.stream([])


# While the caller is elsewhere ------------------------------------------------------------------------------


def paused(cluster: BatchNodes, rows: Iterable[BatchRow]) -> BatchStream:
    """A stream of which the first node has answered a row; the second was asked and has not answered."""
    stream = cluster.stream(rows)
    call = following(stream)
    cluster.serve("A1")
    call.result()
    return stream


def test_the_time_between_two_outcomes_does_not_count(clusters: Any) -> None:
    cluster = clusters()
    stream = paused(cluster, [*writes(cluster, "A1", 1), *writes(cluster, "A2", 3)])
    numbers = [row.number for row in cluster.request("A2").rows]
    cluster.answer("A2", answer(numbers[:2], last=None))
    advance_clock(MINUTES)
    assert next(stream).ok
    assert next(stream).ok
    call = following(stream)  # the rest may take as long as it may have taken before
    cluster.answer("A2", answer(numbers[2:]))
    assert call.result().ok
    assert cluster.stats("A2")["closed"] == {}


def test_rows_that_are_to_be_asked_for_again_have_their_time_left(clusters: Any) -> None:
    cluster = clusters()
    stream = paused(cluster, [*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)])
    cluster.request("A2")
    cluster.hang_up("A2")
    cluster.node("A2").pool.relieve()
    assert cluster.stats("A2")["in_flight"] == 0
    advance_clock(MINUTES)
    with Serving(cluster):
        assert [row.ok for row in stream] == [True] * 3


def test_who_needs_a_connection_gets_that_of_a_stream_whose_answer_is_there(clusters: Any) -> None:
    cluster = clusters(max_connections=1)
    rows = [*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)]
    stream = paused(cluster, rows)
    single = in_thread(lambda: cluster.exists("A2"))
    wait_until(lambda: cluster.stats("A2")["waiting"] == 1)
    cluster.serve("A2")  # to the stream, whose thread is not there
    cluster.serve_single("A2")
    assert single.result() is True
    assert cluster.stats("A2")["in_flight"] == 0
    single = in_thread(lambda: cluster.exists("A2"))
    cluster.serve_single("A2")
    assert single.result() is True
    assert keys(stream) == keys(rows[1:])


def test_a_connection_whose_answer_is_not_there_stays_the_streams(clusters: Any) -> None:
    cluster = clusters(max_connections=1)
    stream = paused(cluster, [*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)])
    numbers = [row.number for row in cluster.request("A2").rows]
    cluster.answer("A2", answer(numbers[:1], last=None))
    with pytest.raises(errors.NoMoreConnections):
        cluster.exists("A2", timeout=50)
    cluster.answer("A2", answer(numbers[1:]))
    assert [row.ok for row in stream] == [True] * 3


def test_a_part_of_a_frame_that_came_while_the_caller_was_elsewhere_gives_the_rest_its_time(
    clusters: Any,
) -> None:
    cluster = clusters()
    stream = paused(cluster, [*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)])
    frame = answer([row.number for row in cluster.request("A2").rows])
    cluster.answer("A2", frame[:40])
    advance_clock(MINUTES)
    call = following(stream)
    time.sleep(0.05)  # so that it has read the part
    cluster.answer("A2", frame[40:])
    assert call.result().ok
    assert len(list(stream)) == 2


def test_a_round_of_tending_frees_the_connections_of_who_is_elsewhere(clusters: Any) -> None:
    cluster = clusters()
    stream = paused(cluster, [*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)])
    cluster.node("A2").pool.relieve()
    assert cluster.stats("A2")["in_flight"] == 1
    cluster.serve("A2")
    cluster.node("A2").pool.relieve()
    assert (cluster.stats("A2")["in_flight"], cluster.stats("A2")["idle"]) == (0, 1)
    assert len(list(stream)) == 3


def test_a_node_that_is_silent_while_the_caller_is_elsewhere_keeps_no_connection(clusters: Any) -> None:
    cluster = clusters()
    stream = paused(cluster, [*writes(cluster, "A1", 1), *writes(cluster, "A2", 3)])
    cluster.request("A2")
    advance_clock(MINUTES)
    cluster.node("A2").pool.relieve()
    assert cluster.stats("A2")["closed"] == {"timeout": 1}
    assert cluster.stats("A2")["in_flight"] == 0
    found = list(stream)
    assert [type(row.error) for row in found] == [errors.TimeoutError] * 3
    assert all(row.in_doubt for row in found)


def test_a_stream_within_another_on_one_connection_a_node(clusters: Any) -> None:
    cluster = clusters(max_connections=1)
    rows = [*reads(cluster, "A1", 6), *reads(cluster, "A2", 6)]
    with Serving(cluster):
        found = [
            (outer.key, inner.key)
            for outer in cluster.stream(rows, in_flight=3)
            for inner in cluster.stream(rows, in_flight=5)
        ]
    assert len(set(found)) == len(found) == 144


def test_what_fails_in_another_threads_hands_is_told(clusters: Any) -> None:
    cluster = clusters()

    class Failing(Exception):  # noqa: N818
        pass

    class Plan(BatchPlan):
        def failed(self, *args: object) -> list[Any]:
            raise Failing

    cluster.make_plan = Plan
    stream = cluster.stream([*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)])
    call = following(stream)
    cluster.serve("A1")
    call.result()
    cluster.request("A2")
    cluster.hang_up("A2")
    cluster.node("A2").pool.relieve()
    with pytest.raises(errors.AerospikeError, match="rows are lost") as caught:
        next(stream)
    assert isinstance(caught.value.__cause__, Failing)
    assert list(stream) == []
    assert cluster.stats("A2")["in_flight"] == 0


# Ends before the end ----------------------------------------------------------------------------------------


def expect_closed(cluster: BatchNodes) -> None:
    assert set(cluster.in_flight) == {0}


@pytest.mark.parametrize("how", ["close", "with", "drop", "exception"])
def test_a_stream_that_ends_early_leaves_no_connection_in_use(clusters: Any, how: str) -> None:
    cluster = clusters()
    rows = Counted(itertools.cycle([*reads(cluster, "A1", 5), *reads(cluster, "A2", 5)]))
    stream = cluster.stream(rows, in_flight=8)
    call = following(stream)
    cluster.serve("A1")
    call.result()
    assert cluster.stats("A2")["in_flight"] == 1
    count = rows.count
    if how == "close":
        stream.close()
        stream.close()
        assert list(stream) == []
    elif how == "with":
        with stream as same:
            assert same is stream
        assert list(stream) == []
    elif how == "drop":
        del call, stream
    else:
        del call

        def loop(stream: BatchStream) -> None:
            for _ in stream:
                raise Trouble

        with pytest.raises(Trouble):
            loop(stream)
        del stream
    gc.collect() if how == "exception" else None
    expect_closed(cluster)
    assert cluster.frame("A2")
    assert cluster.servers["A2"][0].recv(1) == b"", "its answer is not awaited any more"
    assert rows.count == count


def test_a_stream_that_is_in_a_circle_is_closed_when_it_is_collected(clusters: Any) -> None:
    cluster = clusters()
    held: list[Any] = []
    rows = iter([*reads(cluster, "A1", 5), *reads(cluster, "A2", 5)])

    class Rows:
        def __init__(self) -> None:
            self.stream: Any = None

        def __iter__(self) -> Rows:
            return self

        def __next__(self) -> BatchRow:
            return next(rows)

    given = Rows()
    given.stream = cluster.stream(given, in_flight=8)
    held.append(given.stream)
    call = following(given.stream)
    cluster.serve("A1")
    call.result()
    del call, given
    held.clear()
    gc.collect()
    expect_closed(cluster)


def test_ctrl_c_in_the_rows_ends_the_stream_at_once(clusters: Any) -> None:
    cluster = clusters()

    def rows() -> Iterator[BatchRow]:
        yield from reads(cluster, "A1", 2)
        time.sleep(0.01)  # so that they are sent
        yield from reads(cluster, "A2", 2)
        raise KeyboardInterrupt

    stream = cluster.stream(rows())
    call = following(stream)
    assert isinstance(call.error(), KeyboardInterrupt)
    assert list(stream) == []
    expect_closed(cluster)


# Several threads --------------------------------------------------------------------------------------------


def test_several_threads_share_a_stream(clusters: Any) -> None:
    cluster = clusters(3)
    stream = cluster.stream((BatchRead(("test", "s", number)) for number in range(2000)), in_flight=100)
    with Serving(cluster):
        calls = [in_thread(lambda: list(stream)) for _ in range(4)]
        found = [row for call in calls for row in call.result()]
    assert len(found) == len(keys(found)) == 2000


def test_a_stream_can_not_be_read_by_its_own_rows(clusters: Any) -> None:
    cluster = clusters(1)
    held: list[BatchStream] = []

    def rows() -> Iterator[BatchRow]:
        yield from reads(cluster, "A1", 1)
        next(held[0])

    held.append(cluster.stream(rows()))
    with Serving(cluster):
        assert next(held[0]).ok
        with pytest.raises(errors.InvalidArgument, match="can't be read while it reads its rows"):
            next(held[0])


def test_its_own_rows_may_close_it(clusters: Any) -> None:
    cluster = clusters(1)
    held: list[BatchStream] = []

    def rows() -> Iterator[BatchRow]:
        yield from reads(cluster, "A1", 1)
        held[0].close()
        yield from reads(cluster, "A1", 1)

    held.append(cluster.stream(rows()))
    assert list(held[0]) == []
    expect_closed(cluster)


def test_close_in_another_thread_ends_who_waits_with_the_next_answer(clusters: Any) -> None:
    cluster = clusters()
    stream = cluster.stream([*reads(cluster, "A1", 3), *reads(cluster, "A2", 3)])
    call = in_thread(lambda: list(stream))
    wait_until(lambda: cluster.is_asked("A1") and cluster.is_asked("A2"))
    stream.close()
    cluster.serve("A1")
    assert len(call.result()) <= 3
    expect_closed(cluster)


# Forks ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("how", ["next", "close", "drop"])
def test_a_child_can_close_a_stream_and_the_parent_goes_on(clusters: Any, how: str) -> None:
    cluster = clusters()
    held = [paused(cluster, [*reads(cluster, "A1", 1), *reads(cluster, "A2", 3)])]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if how == "next":
                with pytest.raises(errors.ConnectionError, match="begun by another process"):
                    next(held[0])
            elif how == "close":
                held[0].close()
                code = 2
                assert list(held[0]) == []
            held.clear()
            gc.collect()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    cluster.serve("A2")
    assert len(list(held[0])) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rows_that_fork_end_the_stream_in_the_child(clusters: Any) -> None:
    cluster = clusters()
    pids: list[int] = []

    def rows() -> Iterator[BatchRow]:
        yield from reads(cluster, "A1", 1)
        time.sleep(0.01)  # so that they are sent
        pids.append(os.fork())
        yield from reads(cluster, "A2", 1)

    stream = cluster.stream(rows())
    try:
        with Serving(cluster):
            found = list(stream)
    except errors.ConnectionError:
        os._exit(7 if pids == [0] else 1)
    except BaseException:
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]) == 7
    assert len(found) == 2

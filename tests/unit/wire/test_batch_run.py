"""How a thread runs a batch: no node holds up the rows of another one, and nothing is lost on the way."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import BatchPolicy, BatchRead, BatchRow, BatchWrite, BatchWritePolicy, Key, errors
from pyspike import operations as op
from pyspike._wire import Command, Connection, NodeRows, advance_clock
from pyspike.plans.batch import BatchPlan
from support.batch_nodes import BatchNodes, answer
from support.cluster_tools import in_thread, wait_until

PATIENT = BatchPolicy(total_timeout=20_000)


@pytest.fixture
def made() -> Iterator[list[BatchNodes]]:
    made: list[BatchNodes] = []
    yield made
    for each in made:
        each.close()


@pytest.fixture
def two(made: list[BatchNodes]) -> BatchNodes:
    """Two nodes with one connection each."""
    made.append(BatchNodes(2, max_connections=1))
    return made[0]


def write(nodes: BatchNodes, name: str, size: int = 1) -> BatchRow:
    return BatchWrite(nodes.key(name), [op.put("a", bytes(size))])


def hold(nodes: BatchNodes, name: str) -> Any:
    """Has the only connection of a node used by a call, until it is answered."""
    call = in_thread(lambda: nodes.run([write(nodes, name)], PATIENT))
    wait_until(lambda: nodes.servers[name], "a connection")
    nodes.request(name)
    return call


# Whoever waits for connections ------------------------------------------------------------------------------


def test_rows_do_not_wait_for_a_connection_to_another_node(two: BatchNodes) -> None:
    held = hold(two, "A1")
    call = in_thread(lambda: two.run([write(two, "A1"), write(two, "A2")], PATIENT))
    wait_until(lambda: two.servers["A2"], "a connection to the other node")
    assert two.serve("A2") == [1]
    assert not call.done
    two.servers["A1"][0].sendall(answer([0]))
    assert held.result()[0].ok
    assert two.serve("A1") == [0]
    assert all(row.ok for row in call.result())


def test_rows_of_a_node_that_gives_no_connection_fail_alone(two: BatchNodes) -> None:
    held = hold(two, "A1")
    call = in_thread(lambda: two.run([write(two, "A1"), write(two, "A2")], timeout=300))
    wait_until(lambda: two.servers["A2"], "a connection to the other node")
    two.serve("A2")
    first, second = call.result()
    assert isinstance(first.error, errors.NoMoreConnections)
    assert not first.in_doubt
    assert second.ok
    two.servers["A1"][0].sendall(answer([0]))
    held.result()


def test_of_two_nodes_without_a_connection_the_one_is_asked_that_has_one_first(two: BatchNodes) -> None:
    held = [hold(two, name) for name in ("A1", "A2")]
    call = in_thread(lambda: two.run([write(two, "A1"), write(two, "A2")], timeout=4000))
    wait_until(lambda: two.stats("A1")["waiting"] + two.stats("A2")["waiting"], "a place in line")
    two.servers["A2"][0].sendall(answer([0]))
    assert held[1].result()[0].ok
    assert two.serve("A2") == [1]
    first, second = call.result()
    assert isinstance(first.error, errors.NoMoreConnections)
    assert second.ok
    two.servers["A1"][0].sendall(answer([0]))
    held[0].result()


def test_one_node_after_the_other_is_asked_if_the_policy_says_so(two: BatchNodes) -> None:
    policy = BatchPolicy(total_timeout=20_000, concurrency=BatchPolicy().concurrency.SEQUENTIAL)
    call = in_thread(lambda: two.run([BatchRead(two.key("A1")), BatchRead(two.key("A2"))], policy))
    wait_until(lambda: two.servers["A1"], "a connection")
    two.request("A1")
    time.sleep(0.05)
    assert not two.servers["A2"]
    two.servers["A1"][0].sendall(answer([0]))
    wait_until(lambda: two.servers["A2"], "a connection")
    two.serve("A2")
    assert all(row.ok for row in call.result())


def test_a_connection_that_comes_free_is_used_while_another_node_is_slow(two: BatchNodes) -> None:
    held = hold(two, "A2")
    call = in_thread(lambda: two.run([write(two, "A1"), write(two, "A2")], PATIENT))
    two.request("A1")
    two.answer("A2", answer([0]))
    assert held.result()[0].ok
    assert two.serve("A2") == [1]
    assert not call.done
    two.answer("A1", answer([0]))
    assert all(row.ok for row in call.result())


# Waiting for sockets ----------------------------------------------------------------------------------------


def test_a_node_that_talks_before_it_has_listened_costs_no_cpu(two: BatchNodes) -> None:
    """What it says is there to be read all the time, while the rest of the request can't be sent."""
    rows = [write(two, "A1", 1 << 20), BatchRead(two.key("A2"))]
    took: list[float] = []

    def run() -> Any:
        began = time.thread_time()
        found = two.run(rows, BatchPolicy(max_retries=0), timeout=1000)
        took.append(time.thread_time() - began)
        return found

    call = in_thread(run)
    wait_until(lambda: two.servers["A1"] and two.servers["A2"], "the connections")
    two.servers["A1"][0].sendall(answer([0], last=None)[:20])
    two.request("A2")
    failed = [row.error for row in call.result()]
    assert [type(error) for error in failed] == [errors.TimeoutError] * 2
    assert "timed out while sending" in failed[0].message
    assert took[0] < 0.1


def test_an_answer_that_is_there_is_read_however_late_the_client_comes_to_it(two: BatchNodes) -> None:
    class Slow(BatchPlan):
        """It takes longer with one answer than the other node has, whose answer comes meanwhile."""

        def answered(self, rows: NodeRows, command: Command, elapsed_ms: float) -> None:
            if rows.node.name == "A1":
                two.answer("A2", answer([1])[30:])
                advance_clock(400_000)
            super().answered(rows, command, elapsed_ms)

    rows = [BatchRead(two.key("A1")), BatchRead(two.key("A2"))]
    two.make_plan = Slow
    call = in_thread(lambda: two.run(rows, BatchPolicy(max_retries=2), timeout=900_000))
    for name in ("A1", "A2"):
        two.request(name)
    two.answer("A2", answer([1])[:30])
    two.answer("A1", answer([0]))
    assert all(row.ok for row in call.result())
    assert len(two.servers["A2"]) == 1, "and is not asked for again"


def test_an_answer_that_came_while_another_node_was_connected_counts_though_the_deadline_is_over(
    two: BatchNodes,
) -> None:
    def slow(name: str) -> Connection:
        if name == "A1":
            return two.open(name)
        two.opener = two.open
        two.serve("A1")
        advance_clock(30_000)
        raise errors.ConnectionError("refused")

    two.opener = slow
    first, second = two.run([write(two, "A1"), write(two, "A2")], PATIENT)
    assert first.ok
    assert isinstance(second.error, errors.ConnectionError)
    assert two.stats("A1")["closed"] == {}


def test_a_node_that_goes_on_talking_after_the_deadline_is_not_listened_to(two: BatchNodes) -> None:
    """However fast its frames come, each of which is there before the client looks for the next."""
    count = 50
    talked: list[int] = []

    class Late(BatchPlan):
        def answered(self, rows: NodeRows, command: Command, elapsed_ms: float) -> None:
            talk()
            super().answered(rows, command, elapsed_ms)

    def talk() -> None:
        talked.append(len(talked))
        if len(talked) == 3:
            advance_clock(30_000)
        two.answer("A1", answer([len(talked)], code=9, last=None))

    two.make_plan = Late
    rows = [write(two, "A1") for _ in range(count)]
    stream = two.stream(rows, timeout=20_000, max_retries=0)
    call = in_thread(lambda: list(stream))
    two.request("A1")
    talk()
    found = call.result()
    assert len(found) == count
    assert {type(row.error) for row in found} == {errors.ServerTimeout, errors.TimeoutError}
    assert len(talked) < 6
    assert two.stats("A1")["closed"] == {"timeout": 1}


def test_the_error_of_a_namespace_that_is_not_there_is_made_once_and_told_to_each_row(
    two: BatchNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    from_code = errors.from_code

    def counted(code: int, *args: Any, **options: Any) -> Any:
        made.append(code)
        return from_code(code, *args, **options)

    monkeypatch.setattr(errors, "from_code", counted)
    rows = [BatchRead(("nowhere", "s", number)) for number in range(100)]
    found = two.run([*rows, BatchRead(("elsewhere", "s", 1))])
    assert made == [20, 20]
    assert [row.error and row.error.key for row in found] == [row.key for row in found]
    assert {type(row.error) for row in found} == {errors.InvalidNamespace}
    assert len({id(row.error) for row in found}) == 101


# What breaks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["batch", "single"])
def test_ctrl_c_while_a_failure_is_noted_leaves_no_connection_in_use(
    two: BatchNodes, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    calls = {"batch": lambda: two.run([write(two, "A1")], PATIENT), "single": lambda: two.exists("A1")}
    call = in_thread(calls[how])
    two.frame("A1")

    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(errors, "Attempt", interrupted)
    two.hang_up("A1")
    assert isinstance(call.error(), KeyboardInterrupt)
    assert (two.stats("A1")["in_flight"], two.stats("A1")["open"]) == (0, 0)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (answer([99]), "an answer for row 99"),
        (answer([], last=4), "31 bytes behind the answer"),
        (answer([0]), "31 bytes behind the answer"),
    ],
    ids=["a broken frame", "an error", "an answer"],
)
def test_bytes_that_follow_are_told_where_they_are_what_is_wrong(
    two: BatchNodes, frame: bytes, told: str
) -> None:
    call = in_thread(lambda: two.run([write(two, "A1")], PATIENT))
    two.request("A1")
    two.answer("A1", frame + b"x" * 31)
    (row,) = call.result()
    if row.error is None:  # the bytes came behind the answer that was read already
        assert frame == answer([0])
    else:
        assert isinstance(row.error, errors.ProtocolError)
        assert told in row.error.message
        assert two.stats("A1")["closed"] == {"protocol error": 1}


# Requests that can't be -------------------------------------------------------------------------------------

LIMIT = 128 << 20


def test_a_row_that_fits_into_no_request_is_refused_before_anything_is_sent(two: BatchNodes) -> None:
    limit = "protocol's limit of 134217728"
    big = BatchWrite(two.key("A2"), [op.put("a", bytes(LIMIT - 100))])
    with pytest.raises(errors.InvalidArgument, match=limit) as caught:
        two.run([write(two, "A1"), big])
    assert caught.value.key == big.key
    half = op.put("a", bytes(LIMIT // 2))
    with pytest.raises(errors.InvalidArgument, match=limit):
        BatchWrite(two.key("A2"), [half, half])
    named = Key("test", "s", bytes(LIMIT - 100))
    policy = BatchWritePolicy(send_key=True)
    with pytest.raises(errors.InvalidArgument, match=limit):
        two.run([write(two, "A1"), BatchWrite(named, [op.put("a", 1)], policy=policy)])
    assert not two.servers["A1"]


def test_a_row_that_fits_into_a_request_of_its_own_has_one(two: BatchNodes) -> None:
    small = [BatchRead(two.key("A1", number)) for number in range(3000)]
    large = BatchWrite(two.key("A1"), [op.put("a", bytes(LIMIT - 5000))])
    call = in_thread(lambda: two.run([*small, large, small[0]], PATIENT, timeout=0))
    wait_until(lambda: two.servers["A1"], "a connection")
    server = two.servers["A1"][0]
    assert two.serve("A1") == list(range(3000))
    head = server.recv(8, socket.MSG_WAITALL)
    size = int.from_bytes(head[2:], "big")
    assert LIMIT - 5000 < size <= LIMIT
    while size:
        size -= len(server.recv(min(size, 1 << 20)))
    server.sendall(answer([3000]))
    assert two.serve("A1") == [3001]
    assert all(row.ok for row in call.result())

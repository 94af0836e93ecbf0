"""The plan of a batch asks the right nodes, again where it may, and leaves no row without an outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Key, errors
from pyspike import operations as op
from pyspike._wire import (
    Batch,
    BatchRow,
    Command,
    Node,
    NodeLimits,
    NodeRows,
    PartitionMap,
    batch_rows,
    outcomes,
    parse_answer,
)
from pyspike.batch import BatchDelete, BatchRead, BatchWrite
from pyspike.plans.batch import BatchPlan, Later
from pyspike.policy import BatchPolicy, Replica
from support.batch_nodes import partition_map
from support.batches import parse_batch
from support.messages import Message

LAST = 0x01


class Cluster:
    """What a plan asks of a cluster."""

    def __init__(self) -> None:
        self.closed = False
        self.tended: list[str | None] = []

    def request_tend(self, node: str | None = None) -> None:
        self.tended.append(node)

    def version_of(self, name: str | None) -> str:
        return ""

    def not_connected(self) -> errors.ConnectFailed:
        return errors.ConnectFailed("no node is there")


NODES = [Node(name, NodeLimits()) for name in ("A1", "A2", "A3")]
MAP = partition_map(NODES)


def key(number: int, namespace: str = "test") -> Key:
    return Key(namespace, "s", number)


def row_of(kind: str, number: int) -> BatchRow:
    if kind == "read":
        return BatchRead(key(number))
    return BatchDelete(key(number)) if kind == "delete" else BatchWrite(key(number), [op.put("a", 1)])


def planned(
    rows: Sequence[BatchRow], policy: BatchPolicy | None = None, cluster: Cluster | None = None
) -> BatchPlan:
    return BatchPlan(cluster or Cluster(), batch_rows(rows, (policy or BatchPolicy()).settings))


def request(rows: NodeRows) -> Command:
    command = rows.next_command()
    assert command is not None
    return command


def frame(numbers: Sequence[int], code: int = 0, last: int | None = 0) -> bytes:
    """Rows with this code, and the last message unless that is None."""
    bodies = [Message(result=code, generation=1, timeout=number).body for number in numbers]
    return b"".join(bodies + ([] if last is None else [Message(info3=LAST, result=last).body]))


def answer(plan: BatchPlan, rows: NodeRows, code: int = 0) -> None:
    command = request(rows)
    rows.count_sent()
    assert (
        parse_answer(command, frame([r.number for r in parse_batch(command.request).rows], code))
        is plan.batch
    )
    plan.answered(rows, command, 1.0)


def fail(plan: BatchPlan, rows: NodeRows, error: errors.AerospikeError, *, sent: bool = True) -> list[Later]:
    command = request(rows)
    if sent:
        rows.count_sent()
    error.node = rows.node.name
    return plan.failed(rows, command, error, 1.0)


def all_later(later: Sequence[Later]) -> list[int]:
    return sorted(number for each in later for number in each.rows)


# Where rows go ----------------------------------------------------------------------------------------------


def test_rows_go_to_the_masters_of_their_partitions() -> None:
    rows = [row_of(kind, number) for number in range(40) for kind in ("read", "write", "delete")]
    plan = planned(rows)
    found = plan.route(MAP)
    assert sorted(number for each in found for number in each.rows) == list(range(120))
    assert len({each.node.name for each in found}) == len(found) == 3
    for each in found:
        assert {NODES[rows[number].key.partition_id % 3] for number in each.rows} == {each.node}


def test_reads_go_by_the_replica_policy_and_writes_to_the_master() -> None:
    rows = [row_of(kind, number) for number in range(200) for kind in ("read", "write")]
    for each in planned(rows, BatchPolicy(replica=Replica.RANDOM)).route(MAP):
        asked = [(number % 2, NODES[rows[number].key.partition_id % 3] is each.node) for number in each.rows]
        assert (0, False) in asked, "a read of a replica"
        assert (1, False) not in asked


def test_a_row_that_no_node_can_be_asked_for_has_an_error_and_the_others_are_asked() -> None:
    cluster = Cluster()
    plan = planned([row_of("read", 1), BatchRead(key(2, "nope")), row_of("write", 3)], cluster=cluster)
    assert sorted(number for rows in plan.route(MAP) for number in rows.rows) == [0, 2]
    assert isinstance(plan.batch.errors[1], errors.InvalidNamespace)
    assert plan.batch.errors[1].key == key(2, "nope")
    empty = planned([row_of("write", 1)], cluster=cluster)
    assert empty.route(PartitionMap()) == []
    assert isinstance(empty.batch.errors[0], errors.ConnectFailed)
    assert not empty.batch.errors[0].in_doubt
    assert cluster.tended == [None]


# What is asked again ----------------------------------------------------------------------------------------


def test_rows_without_an_answer_are_asked_again_at_the_next_replica() -> None:
    cluster = Cluster()
    plan = planned([row_of("read", number) for number in range(30)], cluster=cluster)
    (rows,) = [each for each in plan.route(MAP) if each.node is NODES[0]]
    later = fail(plan, rows, errors.ConnectionError("broke"))
    assert all_later(later) == sorted(rows.rows)
    assert later[0].pause == 0, "at once, as it is another node"
    (again,) = plan.route(MAP, later[0].rows)
    assert again.node is NODES[1]
    assert cluster.tended == ["A1"]
    answer(plan, again)
    assert not plan.batch.errors


def test_rows_that_were_answered_are_not_asked_again() -> None:
    plan = planned([row_of("read", number) for number in range(30)])
    rows = plan.route(MAP)[0]
    command = request(rows)
    rows.count_sent()
    first = rows.rows[:3]
    parse_answer(command, frame(first, last=None))
    with contextlib.suppress(errors.ProtocolError):
        parse_answer(command, b"\0")
    later = plan.failed(rows, command, errors.ProtocolError("no bytes of an answer"), 1.0)
    assert all_later(later) == sorted(set(rows.rows) - set(first))


def test_rows_that_write_are_asked_again_only_if_they_were_not_sent_or_the_policy_says_so() -> None:
    rows = [row_of("read", 1), row_of("write", 1), row_of("delete", 1)]
    plan = planned(rows)
    assert all_later(fail(plan, plan.route(MAP)[0], errors.TimeoutError("late"))) == [0]
    assert sorted(plan.batch.errors) == [1, 2]
    assert all(error.in_doubt for error in plan.batch.errors.values())
    plan = planned(rows)
    assert all_later(fail(plan, plan.route(MAP)[0], errors.ConnectionError("refused"), sent=False)) == [
        0,
        1,
        2,
    ]
    plan = planned(rows, BatchPolicy(max_retries=1))
    assert all_later(fail(plan, plan.route(MAP)[0], errors.TimeoutError("late"))) == [0, 1, 2]


def test_what_can_not_pass_is_not_tried_again() -> None:
    plan = planned([row_of("read", 1), row_of("write", 1)])
    assert fail(plan, plan.route(MAP)[0], errors.RequestInvalid()) == []
    assert [type(error) for error in plan.batch.errors.values()] == [errors.RequestInvalid] * 2


def test_nothing_is_tried_again_when_the_client_was_closed() -> None:
    cluster = Cluster()
    plan = planned([row_of("read", 1), row_of("write", 1)], cluster=cluster)
    (rows,) = plan.route(MAP)
    cluster.closed = True
    assert fail(plan, rows, errors.ConnectionError("broke")) == []
    assert [type(error) for error in plan.batch.errors.values()] == [errors.ClientClosed] * 2
    assert [error.in_doubt for _, error in sorted(plan.batch.errors.items())] == [False, True]


def test_rows_of_later_requests_share_the_fate_of_the_one_that_failed() -> None:
    plan = planned([BatchRead(key(1)) for _ in range(5000)])
    (rows,) = plan.route(MAP)
    later = fail(plan, rows, errors.ConnectionError("broke"))
    assert len(all_later(later)) == 5000
    assert rows.next_command() is None
    assert len(later) == 2, "those that were sent, and those that were not"


def test_rows_that_were_sent_are_in_doubt_although_no_node_is_left_to_be_asked_again() -> None:
    plan = planned([row_of("write", 1), row_of("read", 1)], BatchPolicy(max_retries=1))
    (later,) = fail(plan, plan.route(MAP)[0], errors.ConnectionError("broke"))[:1]
    assert plan.route(PartitionMap(), later.rows) == []
    error = plan.batch.errors[0]
    assert isinstance(error, errors.ConnectFailed)
    assert error.in_doubt


def test_an_error_tells_its_rows_story() -> None:
    plan = planned([row_of("read", 1)], BatchPolicy(max_retries=1))
    rows = plan.route(MAP)
    for node in (NODES[key(1).partition_id % 3], NODES[(key(1).partition_id + 1) % 3]):
        (asked,) = rows
        assert asked.node is node
        command = request(asked)
        asked.count_sent()
        for later in plan.failed(asked, command, errors.TimeoutError("late", node=node.name), 1.0):
            rows = plan.route(MAP, later.rows)
    error = plan.batch.errors[0]
    assert isinstance(error, errors.TimeoutError)
    assert (error.key, error.timeout, error.in_doubt) == (key(1), 1000, False)
    assert error.node == NODES[(key(1).partition_id + 1) % 3].name


# Doubt, case by case (batch.md 7.3, result-codes.md 10.1) ---------------------------------------------------

TIMED_OUT = errors.TimeoutError
ServerError = errors.from_code


@pytest.mark.parametrize(
    ("kind", "error", "sent", "doubt"),
    [
        ("read", lambda: TIMED_OUT("late"), True, False),
        ("write", lambda: TIMED_OUT("late"), True, True),
        ("delete", lambda: TIMED_OUT("late"), True, True),
        ("write", lambda: TIMED_OUT("no time was left"), False, False),
        ("write", lambda: errors.ConnectionError("broke"), True, True),
        ("write", lambda: errors.ProtocolError("garbage"), True, True),
        ("write", lambda: errors.NoMoreConnections("all are in use"), False, False),
        # The last message of the batch: rows without an answer may have been run ...
        ("write", lambda: ServerError(4), True, True),
        ("write", lambda: ServerError(5), True, True),
        ("write", lambda: ServerError(9), True, True),
        ("read", lambda: ServerError(4), True, False),
        # ... but not where the node refuses the whole batch.
        ("write", lambda: ServerError(150), True, False),
        ("write", lambda: ServerError(151), True, False),
        ("write", lambda: ServerError(152), True, False),
        ("write", lambda: ServerError(11), True, False),
        ("write", lambda: ServerError(14), True, False),
        ("write", lambda: ServerError(18), True, False),
    ],
)
def test_rows_without_an_answer_are_in_doubt_if_they_may_have_been_applied(
    kind: str, error: Any, sent: bool, doubt: bool
) -> None:
    plan = planned([row_of(kind, 1)], BatchPolicy(max_retries=0, total_timeout=0))
    assert fail(plan, plan.route(MAP)[0], error(), sent=sent) == []
    assert plan.batch.errors[0].in_doubt is doubt


def test_a_code_that_may_be_another_rows_leaves_rows_in_doubt_where_those_behind_it_get_no_answer() -> None:
    policy = BatchPolicy(max_retries=0, total_timeout=0, respond_all_keys=False)
    for code, doubt in ((11, True), (14, True), (18, True), (150, False)):
        plan = planned([row_of("write", 1)], policy)
        fail(plan, plan.route(MAP)[0], ServerError(code))
        assert plan.batch.errors[0].in_doubt is doubt


def test_a_code_behind_answers_of_other_rows_leaves_the_rest_in_doubt() -> None:
    plan = planned([row_of("write", 1), row_of("write", 1)], BatchPolicy(max_retries=0))
    (rows,) = plan.route(MAP)
    command = request(rows)
    rows.count_sent()
    parse_answer(command, frame([0], last=None))
    plan.failed(rows, command, ServerError(18), 1.0)
    assert plan.batch.errors[1].in_doubt


@pytest.mark.parametrize(
    ("kind", "code", "again", "doubt"),
    [
        ("write", 5, False, False),
        ("write", 2, False, False),
        ("write", 9, False, True),
        ("write", 5, True, True),
        ("delete", 3, True, True),
        ("read", 9, True, False),
    ],
)
def test_rows_answered_with_an_error_are_in_doubt_by_the_code_or_if_they_were_sent_twice(
    kind: str, code: int, again: bool, doubt: bool
) -> None:
    plan = planned([row_of(kind, 1)], BatchPolicy(max_retries=1))
    (rows,) = plan.route(MAP)
    if again:
        (later,) = fail(plan, rows, errors.ConnectionError("broke"))
        (rows,) = plan.route(MAP, later.rows)
    answer(plan, rows, code)
    error = plan.batch.errors[0]
    assert (error.result_code, error.in_doubt, error.node) == (code, doubt, rows.node.name)
    (row,) = outcomes(plan.batch)
    assert (row.result_code, row.error, row.in_doubt) == (code, error, doubt)


def test_a_record_that_is_not_there_is_an_outcome_of_reads_and_deletes() -> None:
    plan = planned([row_of("read", 1), row_of("delete", 1)])
    answer(plan, plan.route(MAP)[0], 2)
    assert [(row.ok, row.record, row.result_code) for row in outcomes(plan.batch)] == [(True, None, 2)] * 2


# Whatever happens -------------------------------------------------------------------------------------------

FATES = st.sampled_from(
    ["answer", "refuse", "part", "late", "broke", "unsent", "garbage", "last 4", "last 9"]
)
FAULTS: dict[str, Any] = {
    "part": lambda: errors.ConnectionError("cut"),
    "late": lambda: errors.TimeoutError("late"),
    "broke": lambda: errors.ConnectionError("broke"),
    "unsent": lambda: errors.ConnectionError("refused"),
    "garbage": lambda: errors.ProtocolError("garbage"),
    "last 4": lambda: errors.from_code(4),
    "last 9": lambda: errors.from_code(9),
}


@given(
    st.lists(st.sampled_from(["read", "write", "delete"]), min_size=1, max_size=20),
    st.lists(FATES, max_size=12),
    st.sampled_from([None, 0, 1, 3]),
    st.data(),
)
def test_whatever_happens_each_row_has_one_outcome_and_no_write_is_sent_twice_unless_told(
    kinds: list[str], fates: list[str], retries: int | None, data: st.DataObject
) -> None:
    rows = [row_of(kind, number) for number, kind in enumerate(kinds)]
    plan = planned(rows, BatchPolicy(max_retries=retries, total_timeout=0))
    batch: Batch = plan.batch
    sent = dict.fromkeys(range(len(rows)), 0)
    answered: set[int] = set()
    queue = plan.route(MAP)
    while queue:
        asked = queue.pop(0)
        fate = fates.pop() if fates else "answer"
        command = request(asked)
        numbers = [row.number for row in parse_batch(command.request).rows]
        assert not answered & set(numbers), "answered rows are not sent again"
        if fate != "unsent":
            asked.count_sent()
            for number in numbers:
                sent[number] += 1
        if fate in ("answer", "refuse"):
            parse_answer(command, frame(numbers, 5 if fate == "refuse" else 0))
            answered |= set(numbers)
            plan.answered(asked, command, 1.0)
            continue
        if fate == "part":
            some = data.draw(st.lists(st.sampled_from(numbers), unique=True))
            parse_answer(command, frame(some, last=None)) if some else None
            answered |= set(some)
        error = FAULTS[fate]()
        error.node = asked.node.name
        for later in plan.failed(asked, command, error, 1.0):
            queue += plan.route(MAP, later.rows)
    for number, row in enumerate(outcomes(batch)):
        writes = kinds[number] != "read"
        assert (batch.code(number) is not None) == (number in answered)
        assert (number in answered) or row.error is not None
        assert sent[number] <= 1 + ((retries or 0) if writes else 2 if retries is None else retries)
        assert row.in_doubt <= (writes and sent[number] > 0 and row.error is not None)
        if row.error is not None and number not in answered and writes and sent[number]:
            assert row.in_doubt

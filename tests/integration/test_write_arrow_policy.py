"""Every field of the policies that `write_arrow` takes changes what is sent, or how, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchWritePolicy,
    ClientPolicy,
    CommitLevel,
    Concurrency,
    ConsistencyLevel,
    ErrorDetails,
    GenerationPolicy,
    InvalidArgument,
    ReadModeSC,
    RecordExistsAction,
    Replica,
    errors,
    exp,
)
from pyspike._wire import Connection, Executor, Pool, advance_clock
from pyspike.arguments import Policies
from pyspike.columnar import writing
from pyspike.plans.batch import BatchPlan
from support.all_of import all_of
from support.batch_nodes import BatchNodes, answer
from support.batches import BatchMessage, parse_batch
from support.cluster_tools import in_thread, wait_until
from support.compressed import is_packed, opened
from support.messages import FILTER, KEY

pa = pytest.importorskip("pyarrow")

POSITIVE = exp.gt(exp.int_bin("v"), exp.val(0))
LONG = {"total_timeout": 60_000, "socket_timeout": 60_000}


class Writing:
    """`write_arrow` to nodes whose connections end in the test.

    Args:
        count: how many nodes there are.
    """

    def __init__(self, count: int = 1) -> None:
        self.nodes = BatchNodes(count)
        self._cluster: Any = SimpleNamespace(routing=self.nodes.routing, dynamic=None)

    def begin(
        self,
        policy: BatchPolicy | None = None,
        row_policy: BatchWritePolicy | None = None,
        text: str = "x",
        **options: Any,
    ) -> Any:
        """Write a row to each node in a thread, whose result is the report."""
        keys = [self.nodes.key(name).user_key for name in self.nodes.servers]
        sending = writing.Sending(0, 2048, None, False, None, None, row_policy, policy)._replace(
            **{name: value for name, value in options.items() if name != "ttl"}
        )
        writer = writing.new_writer(
            self._cluster,
            Executor(),
            Policies.of(ClientPolicy()),
            lambda batch: BatchPlan(self.nodes, batch),
            pa.table({"id": keys, "v": [text] * len(keys)}),
            "test",
            "s",
            writing.Roles("id", None, ["v"], options.get("ttl"), None, None, None),
            sending,
            None,
        )
        return in_thread(lambda: writing.run(writer, None))

    def frame(self, *policies: Any, **options: Any) -> bytes:
        """What the only node is asked."""
        call = self.begin(*policies, **options)
        frame = self.nodes.frame("A1")
        self.nodes.answer("A1", answer([0]))
        assert call.result().ok
        return frame

    def hear_and_hang_up(self) -> None:
        """Read what the only node is asked, and close its connection."""
        self.nodes.request("A1")
        self.nodes.hang_up("A1")


@pytest.fixture
def one() -> Iterator[Writing]:
    wire = Writing()
    yield wire
    wire.nodes.close()


@pytest.fixture
def two() -> Iterator[Writing]:
    wire = Writing(2)
    yield wire
    wire.nodes.close()


def row_with(message: BatchMessage, **changes: Any) -> BatchMessage:
    """The same batch with another row."""
    return replace(message, rows=(replace(message.rows[0], **changes),))


def head_with(message: BatchMessage, **changes: Any) -> BatchMessage:
    """The same batch with another header or fields of the message."""
    return replace(message, message=replace(message.message, **changes))


def with_field(message: BatchMessage, kind: int, value: bytes) -> BatchMessage:
    (row,) = message.rows
    return row_with(message, fields=(*row.fields, (kind, value)))


FILTERED = (FILTER, POSITIVE.to_bytes())
KEY_OF_ROW = (0).to_bytes(8, "big")  # the first key that the node has is the number 0

# What a field changes of the request, which is else as without it.
ON_THE_WIRE: list[tuple[str, dict[str, Any], Any]] = [
    ("total_timeout", {"policy": BatchPolicy(total_timeout=4321)}, lambda m: head_with(m, timeout=4321)),
    ("timeout", {"timeout": 5432}, lambda m: head_with(m, timeout=5432)),
    (
        "filter_expression",
        {"policy": BatchPolicy(filter_expression=POSITIVE)},
        lambda m: head_with(m, fields=(*m.message.fields, FILTERED)),
    ),
    (
        "filter_expression of the call",
        {"filter_expression": POSITIVE},
        lambda m: head_with(m, fields=(*m.message.fields, FILTERED)),
    ),
    (
        "error_details",
        {"policy": BatchPolicy(error_details=ErrorDetails.MESSAGE)},
        lambda m: row_with(head_with(m, info4=0x40), info4=0x40),
    ),
    ("allow_inline", {"policy": BatchPolicy(allow_inline=False)}, lambda m: replace(m, flags=m.flags & ~1)),
    (
        "allow_inline_ssd",
        {"policy": BatchPolicy(allow_inline_ssd=True)},
        lambda m: replace(m, flags=m.flags | 2),
    ),
    (
        "respond_all_keys",
        {"policy": BatchPolicy(respond_all_keys=False)},
        lambda m: replace(m, flags=m.flags & ~4),
    ),
    (
        "record_exists_action",
        {"row_policy": BatchWritePolicy(record_exists_action=RecordExistsAction.REPLACE)},
        lambda m: row_with(m, info3=0x10),
    ),
    (
        "generation_policy and generation",
        {"row_policy": BatchWritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_EQUAL, generation=7)},
        lambda m: row_with(m, info2=m.rows[0].info2 | 0x04, generation=7),
    ),
    (
        "commit_level",
        {"row_policy": BatchWritePolicy(commit_level=CommitLevel.MASTER)},
        lambda m: row_with(m, info3=0x02),
    ),
    ("expiration", {"row_policy": BatchWritePolicy(expiration=77)}, lambda m: row_with(m, ttl=77)),
    (
        "ttl wins over expiration",
        {"row_policy": BatchWritePolicy(expiration=77), "ttl": 88},
        lambda m: row_with(m, ttl=88),
    ),
    (
        "send_key",
        {"row_policy": BatchWritePolicy(send_key=True)},
        lambda m: with_field(m, KEY, b"\x01" + KEY_OF_ROW),
    ),
    (
        "durable_delete",
        {"row_policy": BatchWritePolicy(durable_delete=True)},
        lambda m: row_with(m, info2=m.rows[0].info2 | 0x10),
    ),
    (
        "filter_expression of rows",
        {"row_policy": BatchWritePolicy(filter_expression=POSITIVE)},
        lambda m: with_field(m, *FILTERED),
    ),
]
IDLE: list[tuple[str, dict[str, Any]]] = [
    ("replica", {"policy": BatchPolicy(replica=Replica.MASTER)}),
    ("consistency_level", {"policy": BatchPolicy(consistency_level=ConsistencyLevel.ALL)}),
    ("read_mode_sc", {"policy": BatchPolicy(read_mode_sc=ReadModeSC.LINEARIZE)}),
    ("read_touch_ttl", {"policy": BatchPolicy(read_touch_ttl=50)}),
    ("deserialize", {"policy": BatchPolicy(deserialize=False)}),
    ("on_locking_only", {"row_policy": BatchWritePolicy(on_locking_only=True)}),
]


@all_of("field, options, changed", ON_THE_WIRE, ids=lambda case: case[0])
def test_a_field_changes_the_request_and_nothing_else_of_it(
    one: Writing, field: str, options: dict[str, Any], changed: Any
) -> None:
    plain = parse_batch(one.frame())
    assert parse_batch(one.frame(**options)) == changed(plain) != plain


@all_of("field, options", IDLE, ids=lambda case: case[0])
def test_a_field_that_would_change_nothing_is_refused(
    one: Writing, field: str, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgument, match=field):
        one.begin(**options)
    assert one.nodes.servers["A1"] == []


def test_use_compression_and_compression_threshold_say_which_requests_are_compressed(one: Writing) -> None:
    plain = one.frame(text="x" * 500)
    for policy, compresses in (
        (BatchPolicy(use_compression=True), True),
        (BatchPolicy(use_compression=True, compression_threshold=2000), False),
    ):
        frame = one.frame(policy, text="x" * 500)
        assert is_packed(frame) is compresses
        assert parse_batch(opened(frame)).rows == parse_batch(plain).rows


def test_concurrency_says_whether_nodes_are_asked_at_once(two: Writing) -> None:
    call = two.begin(BatchPolicy(**LONG))
    wait_until(lambda: two.nodes.is_asked("A1") and two.nodes.is_asked("A2"), "both to be asked")
    for name in ("A1", "A2"):
        two.nodes.serve(name)
    assert call.result().written == 2

    call = two.begin(BatchPolicy(concurrency=Concurrency.SEQUENTIAL, **LONG))
    wait_until(lambda: two.nodes.is_asked("A1") or two.nodes.is_asked("A2"), "one of them to be asked")
    first, other = ("A1", "A2") if two.nodes.is_asked("A1") else ("A2", "A1")
    assert not two.nodes.is_asked(other)
    for name in (first, other):
        two.nodes.serve(name)
    assert call.result().written == 2


def test_max_retries_says_how_often_rows_are_sent_again(one: Writing) -> None:
    call = one.begin(BatchPolicy(**LONG))
    one.hear_and_hang_up()
    (failure,) = call.result().failures
    assert isinstance(failure.error, errors.ConnectionError)
    assert failure.error.in_doubt

    call = one.begin(BatchPolicy(max_retries=1, **LONG))
    one.hear_and_hang_up()
    one.nodes.serve("A1")
    assert call.result().written == 1


def test_sleep_between_retries_passes_before_rows_are_sent_again(one: Writing) -> None:
    call = one.begin(BatchPolicy(max_retries=2, sleep_between_retries=100_000, total_timeout=900_000))
    one.hear_and_hang_up()
    one.hear_and_hang_up()  # the first time it was another replica's turn, at once
    wait_until(lambda: one.nodes.stats("A1")["open"] == 0, "the end to be noticed")
    assert not one.nodes.servers["A1"]
    advance_clock(150_000)
    one.nodes.serve("A1")
    assert call.result().written == 1


def test_socket_timeout_ends_a_wait_before_the_deadline(one: Writing) -> None:
    deadline = {"total_timeout": 900_000}
    call = one.begin(BatchPolicy(socket_timeout=900_000, **deadline))
    one.nodes.request("A1")
    advance_clock(50_000)
    one.nodes.answer("A1", answer([0]))
    assert call.result().written == 1

    call = one.begin(BatchPolicy(socket_timeout=40_000, **deadline))
    one.nodes.request("A1")
    advance_clock(50_000)
    (failure,) = call.result().failures
    assert isinstance(failure.error, errors.TimeoutError)
    assert failure.error.in_doubt


@all_of("delay, draining", [(0, 0), (60_000, 1)])
def test_timeout_delay_keeps_a_connection_whose_answer_is_late(delay: int, draining: int) -> None:
    wire = Writing()
    try:
        call = wire.begin(BatchPolicy(total_timeout=100_000, socket_timeout=100_000, timeout_delay=delay))
        wire.nodes.request("A1")
        advance_clock(200_000)
        (failure,) = call.result().failures
        assert isinstance(failure.error, errors.TimeoutError)
        assert wire.nodes.stats("A1")["draining"] == draining
    finally:
        wire.nodes.close()


@all_of("policy, most", [(BatchPolicy(**LONG), 60_000), (BatchPolicy(connect_timeout=1500, **LONG), 1500)])
def test_connect_timeout_limits_how_long_a_connection_is_opened(policy: BatchPolicy, most: int) -> None:
    wire = Writing()
    given: list[float] = []
    (node,) = wire.nodes.nodes

    def opener(timeout: float) -> Connection:
        given.append(timeout)
        return wire.nodes.open("A1")

    node.pool = Pool(node, opener)
    try:
        wire.frame(policy)
    finally:
        wire.nodes.close()
    assert most / 2 < given[0] <= most


def test_no_field_is_forgotten() -> None:
    elsewhere = {
        "use_compression", "compression_threshold", "concurrency", "max_retries", "sleep_between_retries",
        "timeout_delay", "connect_timeout", "socket_timeout",
    }  # fmt: skip
    shown = (
        elsewhere | {word for name, _, _ in ON_THE_WIRE for word in name.split()} | {name for name, _ in IDLE}
    )
    assert {entry.name for kind in (BatchPolicy, BatchWritePolicy) for entry in fields(kind)} <= shown

"""What batches look like on the wire, and how their answers are read, also those of hostile servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Key, Record, errors, exp
from pyspike import operations as op
from pyspike._wire import Batch, BatchRow, Command, batch_rows, parse_answer, rows_of_node
from pyspike.batch import BatchDelete, BatchRead, BatchWrite
from pyspike.operations import lists
from pyspike.policy import (
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchWritePolicy,
    GenerationPolicy,
    ReadTouchTTL,
)
from support.batches import Row, parse_batch
from support.messages import FILTER, KEY, NAMESPACE, SET, Message, Op, parse

LAST = 0x01
USUAL = BatchPolicy()
FILTERS = (b"\x93\x01", b"\x93\x02", None)


def key(number: int, set_name: str | None = "s", namespace: str = "test") -> Key:
    return Key(namespace, set_name, number)


def made(rows: Sequence[BatchRow], policy: BatchPolicy = USUAL, **options: Any) -> tuple[Batch, Command]:
    """A batch, and the one request for all of it."""
    batch = batch_rows(rows, policy.settings, **options)
    command = rows_of_node(batch, range(len(batch))).next_command()
    assert command is not None
    return batch, command


def asked(*rows: BatchRow, policy: BatchPolicy = USUAL) -> tuple[Row, ...]:
    return parse_batch(made(rows, policy)[1].request).rows


def answer(number: int, *ops: Op, code: int = 0, generation: int = 1, void_time: int = 0) -> bytes:
    """A row of an answer."""
    return Message(result=code, generation=generation, ttl=void_time, timeout=number, ops=ops).body


def last(code: int = 0) -> bytes:
    return Message(info3=LAST, result=code).body


def integer(name: bytes, value: int, code: int = 1) -> Op:
    return Op(code, name, 1, value.to_bytes(8, "big"))


READS = [BatchRead(key(number)) for number in range(4)]


# Requests ---------------------------------------------------------------------------------------------------


def test_a_row_has_what_it_was_made_of() -> None:
    expecting = BatchWritePolicy(
        generation_policy=GenerationPolicy.EXPECT_GEN_GREATER, generation=7, expiration=60, send_key=True
    )
    read, some, none, write, delete = asked(
        BatchRead(key(1), policy=BatchReadPolicy(read_touch_ttl=80, filter_expression=b"\x93\x01")),
        BatchRead(key(1), ["a", "b", "a"]),
        BatchRead(key(1), []),
        BatchWrite(key(1), [op.put("a", 1), op.get("b")], policy=expecting),
        BatchDelete(key(1), generation=3, policy=BatchDeletePolicy(durable_delete=True)),
    )
    digest = key(1).digest
    names = ((NAMESPACE, b"test"), (SET, b"s"))
    assert read == Row(0, digest, 0x03, ttl=80, fields=(*names, (FILTER, b"\x93\x01")))
    assert some == Row(1, digest, 0x01, fields=names, ops=(Op(1, b"a"), Op(1, b"b")))
    assert none == Row(2, digest, 0x21, fields=names)
    stored = (KEY, b"\x01" + (1).to_bytes(8, "big"))
    ops = (Op(2, b"a", 1, (1).to_bytes(8, "big")), Op(1, b"b"))
    assert write == Row(3, digest, 0x01, 0x89, 0, None, 7, 60, (*names, stored), ops)
    assert delete == Row(4, digest, 0, 0x97, 0, None, 3, 0, names)


def test_keywords_of_a_row_win_over_its_policy() -> None:
    policy = BatchWritePolicy(expiration=60)
    (row,) = asked(BatchWrite(key(1), [op.put("a", 1)], ttl=5, generation=3, policy=policy))
    assert (row.ttl, row.generation, row.info2 & 0x0C) == (5, 3, 0x04)


def test_what_the_batch_says_counts_for_rows_that_say_nothing() -> None:
    policy = BatchPolicy(read_touch_ttl=50, filter_expression=b"\x93\x01", total_timeout=700)
    rows = [
        BatchRead(key(1)),
        BatchRead(key(2), policy=BatchReadPolicy(read_touch_ttl=ReadTouchTTL.DONT_RESET)),
        BatchRead(key(3), policy=BatchReadPolicy(filter_expression=b"\x93\x02")),
        BatchWrite(key(4), [op.put("a", 1)]),
    ]
    batch = parse_batch(made(rows, policy)[1].request)
    assert batch.message.field(FILTER) == b"\x93\x01"
    assert batch.message.timeout == 700
    assert [row.ttl for row in batch.rows] == [50, 0xFFFF_FFFF, 50, 0]
    assert [dict(row.fields).get(FILTER) for row in batch.rows] == [None, None, b"\x93\x02", None]


def test_keywords_of_the_call_win_over_the_policy() -> None:
    policy = BatchPolicy(filter_expression=b"\x93\x01", total_timeout=700)
    batch = parse_batch(made(READS, policy, timeout=50, filter_expression=b"\x93\x05")[1].request)
    assert (batch.message.field(FILTER), batch.message.timeout) == (b"\x93\x05", 50)


def test_a_key_without_a_set_has_no_set_field() -> None:
    """An empty one crashes a server (batch.md 7.1)."""
    (row,) = asked(BatchRead(key(1, None)))
    assert row.fields == ((NAMESPACE, b"test"),)


def test_a_row_behind_one_with_its_key_is_not_repeated() -> None:
    """A server refuses that (batch.md 7.1)."""
    policy = BatchWritePolicy(send_key=True)
    rows = [BatchWrite(key(7), [op.put("a", 1)], policy=policy) for _ in range(3)]
    request = made(rows)[1].request
    assert request.count(b"\x01" + (7).to_bytes(8, "big")) == 3
    assert [dict(row.fields)[KEY] for row in parse_batch(request).rows] == [
        b"\x01" + (7).to_bytes(8, "big")
    ] * 3


def test_rows_that_only_read_ask_for_all_answers_where_these_would_look_alike() -> None:
    """All their results have the code of a plain read (batch.md 7.2)."""
    alike = [op.get("c"), lists.size("c")]
    unlike = [op.get("c"), lists.size("d"), op.get("c")]
    both = asked(BatchRead(key(1), operations=alike), BatchRead(key(1), operations=unlike))
    assert [row.info2 for row in both] == [0x80, 0]


BINS = st.none() | st.lists(st.sampled_from(["a", "b"]), unique=True)
KEYS = st.builds(key, st.integers(0, 3), st.sampled_from(["s", "t", None]), st.sampled_from(["test", "bar"]))
STEPS = st.lists(st.sampled_from([op.get("a"), op.put("a", 1), op.add("b", 2)]), min_size=1, max_size=3)
OWN = {"filter_expression": st.sampled_from(FILTERS), "send_key": st.booleans()}
ROWS = st.one_of(
    st.builds(
        BatchRead, KEYS, BINS, policy=st.none() | st.builds(BatchReadPolicy, read_touch_ttl=st.just(9))
    ),
    st.builds(
        BatchWrite,
        KEYS,
        STEPS.filter(lambda steps: any(step.is_write for step in steps)),
        ttl=st.none() | st.just(60),
        generation=st.none() | st.just(3),
        policy=st.none() | st.builds(BatchWritePolicy, **OWN),
    ),
    st.builds(BatchDelete, KEYS, policy=st.none() | st.builds(BatchDeletePolicy, **OWN)),
)


@given(st.lists(ROWS, min_size=1, max_size=12))
def test_a_row_asks_the_same_whatever_stands_in_front_of_it(rows: list[BatchRow]) -> None:
    _, command = made(rows)
    together = parse_batch(command.request)
    alone = [parse_batch(made([row])[1].request).rows[0] for row in rows]
    assert [row.number for row in together.rows] == list(range(len(rows)))
    assert [row.asked() for row in together.rows] == [row.asked() for row in alone]
    assert [row.digest for row in together.rows] == [row.key.digest for row in rows]
    assert command.request == together.pack(), "and is repeated where it can be, nowhere else"
    assert command.write is any(not isinstance(row, BatchRead) for row in rows)


@given(st.lists(ROWS, min_size=1, max_size=8), st.data())
def test_a_request_for_some_rows_has_these_with_their_numbers(
    rows: list[BatchRow], data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, unique=True))
    batch = batch_rows(rows, USUAL.settings)
    command = rows_of_node(batch, numbers).next_command()
    assert command is not None
    assert [row.number for row in parse_batch(command.request).rows] == numbers


def test_a_large_batch_is_asked_for_in_slices() -> None:
    batch = batch_rows([BatchRead(key(number)) for number in range(10_000)], USUAL.settings)
    rows = rows_of_node(batch, range(10_000))
    sizes = []
    while (command := rows.next_command()) is not None:
        sizes.append([row.number for row in parse_batch(command.request).rows])
    assert [len(numbers) for numbers in sizes] == [4096, 4096, 1808]
    assert [number for numbers in sizes for number in numbers] == list(range(10_000))
    large = [BatchWrite(key(number), [op.put("a", bytes([number]) * 300_000)]) for number in range(8)]
    rows = rows_of_node(batch_rows(large, USUAL.settings), range(8))
    requests = list(iter(lambda: rows.next_command(), None))
    assert [len(parse_batch(command.request).rows) for command in requests] == [4, 4]


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(errors.InvalidType, match="a row must be a BatchRead"):
        batch_rows([key(1)], USUAL.settings)  # type: ignore[list-item]
    with pytest.raises(errors.InvalidType, match="rows must be an iterable"):
        batch_rows(5, USUAL.settings)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        rows_of_node(batch_rows(READS, USUAL.settings), [4])


# Answers ----------------------------------------------------------------------------------------------------


@given(st.permutations(range(6)), st.lists(st.integers(1, 6), min_size=6, max_size=6), st.booleans())
def test_rows_come_in_any_order_and_in_any_frames(order: list[int], sizes: list[int], apart: bool) -> None:
    batch, command = made([BatchRead(key(number)) for number in range(6)])
    bodies = [answer(number, integer(b"a", number)) for number in order]
    while bodies:
        size = sizes.pop()
        assert repr(parse_answer(command, b"".join(bodies[:size]))) == "MORE"
        bodies = bodies[size:]
    assert parse_answer(command, last()) is batch
    assert [record["a"] for record in batch.records] == list(range(6))


def test_a_row_gives_its_record_or_the_code_why_there_is_none() -> None:
    batch, command = made([*READS, BatchDelete(key(9)), BatchWrite(key(9), [op.put("a", 1)])])
    body = b"".join(
        [
            answer(0, integer(b"a", 5), generation=3, void_time=77),
            answer(1, code=2),
            answer(2, code=27),
            answer(3),
            answer(4, code=2),
            answer(5, code=2),
        ]
    )
    assert parse_answer(command, body + last()) is batch
    assert [batch.code(number) for number in range(6)] == [0, 2, 27, 0, 2, 2]
    found = batch.records[0]
    assert found == Record(READS[0].key, {"a": 5}, 3, 77)
    assert batch.records[1:3] == [None, None]
    assert batch.records[3] == Record(READS[3].key, {}, 1)


def test_results_of_rows_that_only_read_come_with_the_code_of_a_read() -> None:
    steps = [lists.size("c"), op.exp.read("r", exp.int_bin("r")), op.get("a")]
    batch, command = made([BatchRead(key(1), operations=steps)])
    row = answer(0, integer(b"c", 2), integer(b"r", 7), integer(b"a", 1))
    assert parse_answer(command, row + last()) is batch
    assert batch.records[0].results == [2, 7, 1]
    batch, command = made([BatchRead(key(1), operations=steps)])
    proxied = answer(0, integer(b"c", 2, 3), integer(b"r", 7, 7))
    assert parse_answer(command, proxied + last()) is batch
    assert batch.records[0].results == [2, 7, None]


def test_results_of_rows_that_write_come_with_their_own_codes() -> None:
    batch, command = made([BatchWrite(key(1), [op.add("a", 1), op.get("a")])])
    assert parse_answer(command, answer(0, Op(5, b"a"), integer(b"a", 6)) + last()) is batch
    assert batch.records[0].results == [None, 6]
    batch, command = made([BatchWrite(key(1), [op.add("a", 1), op.get("b")])])
    with pytest.raises(errors.ProtocolError, match="an answer to no operation"):
        parse_answer(command, answer(0, integer(b"z", 6)))


HOSTILE = {
    "an index that no row has": (answer(4), "row 4, which was not asked for"),
    "an index far beyond": (answer(0xFFFF_FFFF), "row 4294967295"),
    "an index twice": (answer(1) + answer(1), "was answered already"),
    "a last message before all rows": (answer(0) + last(), "without an answer for 3 rows"),
    "nothing but a last message": (last(), "without an answer for 4 rows"),
    "an empty frame": (b"", "without a message"),
    "half a message": (answer(0)[:-1], "are left"),
    "more operations than there are": (answer(0)[:-1] + b"\x05", "are left"),
    "more fields than there are": (answer(0)[:-3] + b"\x09\x00\x00", "are left"),
    "something behind the last message": (b"".join(map(answer, range(4))) + last() + b"x", "behind the last"),
    "a header of another size": (b"\x17" + answer(0)[1:], "a message header of 23 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_lies_is_no_answer(name: str) -> None:
    body, words = HOSTILE[name]
    batch, command = made(READS)
    with pytest.raises(errors.ProtocolError, match=words):
        parse_answer(command, body)
    answered = [number for number in range(4) if batch.code(number) is not None]
    assert all(batch.records[number] is not None for number in answered)


def test_what_came_before_an_answer_broke_off_stays() -> None:
    batch, command = made(READS)
    body = answer(2, integer(b"a", 2)) + answer(0, integer(b"a", 0)) + answer(3, integer(b"a", 3))[:-1]
    with pytest.raises(errors.ProtocolError):
        parse_answer(command, body)
    assert [batch.code(number) for number in range(4)] == [0, None, 0, None]
    again = rows_of_node(batch, [1, 3]).next_command()
    assert again is not None
    with pytest.raises(errors.ProtocolError, match="answered already"):
        parse_answer(again, answer(0))
    assert parse_answer(again, answer(3) + answer(1) + last()) is batch


def test_a_late_answer_to_an_earlier_request_is_refused() -> None:
    batch, first = made(READS)
    second = rows_of_node(batch, range(4)).next_command()
    assert second is not None
    with pytest.raises(errors.ProtocolError, match="not asked for"):
        parse_answer(first, answer(0))
    assert repr(parse_answer(second, answer(0))) == "MORE"


@pytest.mark.parametrize("code", [4, 20, 150, 151, 152])
def test_a_batch_that_is_refused_raises_its_code(code: int) -> None:
    _, command = made(READS)
    with pytest.raises(errors.ServerError) as caught:
        parse_answer(command, answer(0) + last(code))
    assert caught.value.result_code == code


def test_a_batch_whose_rows_were_all_answered_is_no_failure_whatever_its_code() -> None:
    """Without "respond all" the last message has the code of a row that failed (batch.md 7.3)."""
    batch, command = made([BatchWrite(key(1), [op.put("a", 1)])], BatchPolicy(respond_all_keys=False))
    assert parse_answer(command, answer(0, code=5) + last(5)) is batch
    assert batch.code(0) == 5


def test_the_request_is_that_of_a_batch() -> None:
    message = parse(made(READS)[1].request)
    assert (message.info1, message.info2, message.info3, message.generation, message.ttl) == (8, 0, 0, 0, 0)

"""What a node that lies can do to a batch: fail the rows that it was asked for, and nothing else.

Two nodes with rows of three kinds each. A1 says what a test has it say; A2 answers well. Each record has its
row's number as its bin, so that one that came to another row would be seen.
"""

from __future__ import annotations

import itertools
import struct
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import BatchDelete, BatchPolicy, BatchRead, BatchRecord, BatchRow, BatchWrite, ResultCode, errors
from pyspike import operations as op
from pyspike._wire import batch_rows, parse_answer, rows_of_node
from support.batch_nodes import LAST, BatchNodes
from support.cluster_tools import in_thread, wait_until
from support.compressed import packed
from support.messages import Message, Op

ONCE = BatchPolicy(max_retries=0, total_timeout=20_000)
READ, OF_READ, WRITE, DELETE = range(4)  # A1's rows; A2 has the same after them
COUNT = 4
MIB = 1 << 20


def framed(body: bytes, *, size: int | None = None, kind: int = 3, version: int = 2) -> bytes:
    return struct.pack(">Q", version << 56 | kind << 48 | (len(body) if size is None else size)) + body


def row(number: int, *, code: int = 0, ops: Sequence[Op] | None = None, **header: int) -> bytes:
    """A row whose bin is its number, or the result of the operation that reads that."""
    if ops is None:
        ops = [Op(1, b"a", 1, number.to_bytes(8, "big"))] if number % COUNT < DELETE and not code else []
    return Message(result=code, generation=1, timeout=number, ops=tuple(ops), **header).body


def good(*numbers: int) -> bytes:
    return b"".join(map(row, numbers))


def last(code: int = 0) -> bytes:
    return Message(info3=LAST, result=code).body


def lying(number: int, *, fields: int = 0, ops: int = 0, rest: bytes = b"", size: int = 22) -> bytes:
    """A row that promises what it does not keep."""
    return struct.pack(">BBBBBBIIIHH", size, 0, 0, 0, 0, 0, 1, 0, number, fields, ops) + rest


def raw_op(size: int, name: int = 1, particle: int = 1, value: bytes = bytes(8)) -> bytes:
    return struct.pack(">IBBBB", size, 1, particle, 0, name) + b"a" + value


ALL = framed(good(*range(COUNT))) + framed(last())

# What A1 says, which of its rows are answered by it, and what the error of the others says.
LIES: dict[str, tuple[bytes, set[int], str]] = {
    "no such row": (framed(good(READ, 99)), {READ}, "answer for row 99"),
    "a row far beyond": (framed(good(0xFFFF_FFFF)), set(), "answer for row 4294967295"),
    "a row below zero": (framed(good(READ) + lying(0x8000_0000)), {READ}, "row 2147483648"),
    "another node's row": (framed(good(READ, COUNT)), {READ}, f"answer for row {COUNT}"),
    "a row twice": (framed(good(WRITE, WRITE)), {WRITE}, "answered already"),
    "a row twice, in two frames": (framed(good(WRITE)) + framed(good(WRITE)), {WRITE}, "answered already"),
    "last, and no row": (framed(last()), set(), "without an answer for 4 rows"),
    "last too early": (framed(good(READ, WRITE) + last()), {READ, WRITE}, "without an answer for 2 rows"),
    "rows behind the last": (framed(good(READ) + last() + good(WRITE)), {READ}, "behind the last operation"),
    "no last": (framed(good(READ, WRITE)), {READ, WRITE}, "in the middle of the answer"),
    "half a frame": (framed(good(READ)) + framed(good(WRITE, DELETE))[:-9], {READ}, "in the middle of the"),
    "half a header": (framed(good(READ)) + b"\x02\x03\0", {READ}, "in the middle of the answer"),
    "nothing": (b"", set(), "instead of answering"),
    "a frame without a row": (framed(good(READ)) + framed(b""), {READ}, "without a message"),
    "half a row": (framed(good(READ) + good(WRITE)[:10]), {READ}, "22 bytes are promised where 10 are left"),
    "of another version": (framed(good(READ)) + framed(good(WRITE), version=3), {READ}, "begins with 0303"),
    "of another type": (framed(good(READ)) + framed(good(WRITE), kind=1), {READ}, "begins with 0201"),
    "compressed, of no size": (framed(good(READ)) + framed(bytes(40), kind=4), {READ}, "of 0 bytes"),
    "compressed, two frames in one": (
        packed(framed(good(READ)) + framed(good(WRITE))),
        set(),
        "not one whole message",
    ),
    "compressed, a row twice": (packed(framed(good(WRITE))) * 2, {WRITE}, "answered already"),
    "compressed, half": (packed(framed(good(READ))) + packed(framed(good(WRITE)))[:-9], {READ}, "in the mid"),
    "a size over the limit": (framed(b"", size=129 * MIB), set(), "not an answer of type 3"),
    "the greatest size": (framed(b"", size=2**48 - 1), set(), "not an answer of type 3"),
    "a header of another size": (framed(good(READ) + lying(WRITE, size=23)), {READ}, "header of 23 bytes"),
    "fields that are not there": (framed(lying(READ, fields=0xFFFF)), set(), "promised where 0 are left"),
    "operations that are not there": (framed(lying(READ, ops=0xFFFF)), set(), "promised where 0 are left"),
    "a field of no size": (framed(lying(READ, fields=1, rest=bytes(5))), set(), "a field without a type"),
    "a field of great size": (framed(lying(READ, fields=1, rest=b"\xff" * 9)), set(), "4294967295 bytes"),
    "an operation of no size": (framed(lying(READ, ops=1, rest=raw_op(0))), set(), "operation of 0 bytes"),
    "an operation of great size": (framed(lying(READ, ops=1, rest=raw_op(2**32 - 1))), set(), "4294967295 b"),
    "a name that is longer": (framed(lying(READ, ops=1, rest=raw_op(13, 200))), set(), "of 13 bytes"),
    "a list of many": (
        framed(lying(READ, ops=1, rest=raw_op(10, 1, 20, b"\xdd\xff\xff\xff\xff"))),
        set(),
        "4294967295 elements",
    ),
    "the result of no operation": (framed(row(WRITE, ops=[Op(1, b"z")])), set(), "an answer to no operation"),
    "a result too many": (framed(row(OF_READ, ops=[Op(1, b"a")] * 2)), set(), "an answer to no operation"),
    "more behind the last": (ALL + b"x", set(range(COUNT)), ""),
    "another answer behind": (ALL + ALL, set(range(COUNT)), ""),
}  # fmt: skip
REFUSED = [150, 151, 152]  # the codes by which no row is run
CODES = [1, 4, 9, 11, 20, 99, 255, *REFUSED]


@pytest.fixture
def two() -> Iterator[BatchNodes]:
    nodes = BatchNodes(2)
    yield nodes
    nodes.close()


def rows_of(nodes: BatchNodes, *names: str) -> list[BatchRow]:
    return [
        each
        for name in names
        for key in [nodes.key(name)]
        for each in (
            BatchRead(key),
            BatchRead(key, operations=[op.get("a")]),
            BatchWrite(key, [op.put("a", 1), op.get("a")]),
            BatchDelete(key),
        )
    ]


def judge(nodes: BatchNodes, said: bytes, policy: BatchPolicy = ONCE, ends: bool = True) -> list[BatchRecord]:
    """What comes of a batch in which A1 says this, and closes."""
    opened = len(nodes.servers["A1"])
    used = nodes.stats("A1")["idle"]
    call = in_thread(lambda: nodes.run(rows_of(nodes, "A1", "A2"), policy))
    wait_until(lambda: used or len(nodes.servers["A1"]) > opened, "the connection")
    liar = nodes.servers["A1"][-1]
    nodes.request("A1")
    liar.sendall(said)
    if ends:
        liar.close()
    wait_until(lambda: nodes.servers["A2"], "the other connection")
    nodes.request("A2")
    nodes.servers["A2"][-1].sendall(framed(good(*range(COUNT, 2 * COUNT))) + framed(last()))
    found = list(call.result())
    assert len(found) == 2 * COUNT
    for number, came in enumerate(found):
        check(number, came)
    assert all(came.ok and came.result_code == 0 for came in found[COUNT:])
    assert nodes.stats("A1")["in_flight"] == nodes.stats("A2")["in_flight"] == 0
    return found


def check(number: int, came: BatchRecord) -> None:
    """A row has its own record or an error, which is in doubt if it writes and was not answered."""
    if came.ok:
        assert (came.record is None) == (number % COUNT == DELETE or came.result_code == 2)
        assert came.record is None or came.record["a"] == number
        assert came.record is None or came.record.key is came.key
        return
    assert came.record is None
    assert came.error is not None
    assert came.error.key is came.key
    if came.result_code is None:
        assert came.in_doubt == (number % COUNT in (WRITE, DELETE) and came.error.result_code not in REFUSED)


@pytest.mark.parametrize("name", LIES)
def test_a_lie_fails_the_rows_that_it_leaves_without_an_answer(two: BatchNodes, name: str) -> None:
    said, answered, words = LIES[name]
    found = judge(two, said)
    assert {number for number in range(COUNT) if found[number].ok} == answered
    for came in found[:COUNT]:
        if not came.ok:
            assert isinstance(came.error, (errors.ProtocolError, errors.ConnectionError))
            assert words in came.error.message
            assert came.error.node == "A1"
            assert [attempt.sent for attempt in came.error.attempts] == [True]
    assert two.stats("A1")["open"] == 0, "the connection of a liar is not used again"
    assert two.stats("A2")["idle"] == 1


@pytest.mark.parametrize("name", LIES)
def test_reads_are_asked_of_the_replica_and_writes_are_not_sent_again(two: BatchNodes, name: str) -> None:
    said, answered, _ = LIES[name]
    policy = BatchPolicy(total_timeout=20_000)
    rows = rows_of(two, "A1")
    call = in_thread(lambda: two.run(rows, policy))
    wait_until(lambda: two.servers["A1"], "the connection")
    two.request("A1")
    two.servers["A1"][-1].sendall(said)
    two.servers["A1"][-1].close()
    missing = {READ, OF_READ} - answered
    if missing:
        wait_until(lambda: two.servers["A2"], "the connection to the replica")
        assert {each.number for each in two.request("A2").rows} == missing
        two.servers["A2"][-1].sendall(framed(good(*missing)) + framed(last()))
    found = call.result()
    for number, came in enumerate(found):
        check(number, came)
        assert came.ok == (number in answered | missing)
        assert len(came.error.attempts if came.error else ()) == (not came.ok)


@pytest.mark.parametrize("code", CODES)
def test_a_last_message_with_a_code_fails_what_was_not_answered(two: BatchNodes, code: int) -> None:
    found = judge(two, framed(good(READ, WRITE)) + framed(last(code)), ends=False)
    assert [came.ok for came in found[:COUNT]] == [True, False, True, False]
    for came in found[:COUNT]:
        if came.error is not None:
            assert came.error.result_code == ResultCode.of(code)
            assert came.result_code is None
    assert two.stats("A1")["idle"] == 1, "the answer was read to its end"
    whole = judge(two, framed(good(*range(COUNT))) + framed(last(code)), ends=False)
    assert all(came.ok for came in whole)


@pytest.mark.parametrize("code", [1, 2, 3, 9, 27, 100, 199, 255])
def test_a_row_may_have_any_code(two: BatchNodes, code: int) -> None:
    body = b"".join(row(number, code=code, ops=[Op(1, b"FAILURE", 3, b"x")]) for number in range(COUNT))
    found = judge(two, framed(body) + framed(last()), ends=False)
    assert [came.result_code for came in found[:COUNT]] == [code] * COUNT
    assert [came.ok for came in found[:COUNT]] == [code == 2 and number != WRITE for number in range(COUNT)]
    assert [came.in_doubt for came in found[:COUNT]] == [code == 9 and number >= WRITE for number in range(4)]


def test_what_is_promised_takes_no_memory(two: BatchNodes) -> None:
    tracemalloc.start()
    try:
        judge(two, framed(lying(READ, ops=1, rest=raw_op(10, 1, 20, b"\xdd\x7f\xff\xff\xff"))))
        judge(two, framed(lying(READ, ops=0xFFFF, rest=raw_op(13) * 2)))
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


# Whatever is said -------------------------------------------------------------------------------------------

Said = list[list[int]]
ROWS = [BatchRead(("test", "s", number)) for number in range(6)]


@given(st.lists(st.lists(st.integers(0, 7), max_size=5), max_size=8), st.booleans())
def test_rows_are_taken_as_long_as_they_are_awaited(frames: Said, ends: bool) -> None:
    """Each row once, and all of them before the last message; what came before a lie stays."""
    batch = batch_rows(ROWS, ONCE.settings)
    asked = set(range(5))  # the sixth is another request's
    command = rows_of_node(batch, sorted(asked)).next_command()
    assert command is not None
    answered: set[int] = set()
    lied = False

    def said(body: bytes) -> bool:
        try:
            parse_answer(command, body)
        except errors.ProtocolError:
            return False
        return True

    for numbers in frames:
        for number in numbers:
            lied = lied or number not in asked - answered
            answered |= set() if lied else {number}
        lied = lied or not numbers
        assert said(b"".join(plain(n) for n in numbers)) != lied
        if lied:
            break
    if not lied and ends:
        assert said(last()) == (answered == asked)
    assert {number for number in range(6) if batch.code(number) is not None} == answered
    assert [record and record["a"] for record in batch.records] == [
        number if number in answered else None for number in range(6)
    ]


def plain(number: int) -> bytes:
    return row(number, ops=[Op(1, b"a", 1, number.to_bytes(8, "big"))])


@given(st.permutations(range(COUNT)), st.lists(st.integers(0, len(ALL)), max_size=12), st.integers(0, 3))
def test_an_answer_may_come_in_any_pieces(order: list[int], cuts: list[int], rows_a_frame: int) -> None:
    nodes = BatchNodes(1)
    try:
        bodies = [row(number) for number in order]
        step = rows_a_frame or COUNT
        whole = b"".join(framed(b"".join(bodies[at : at + step])) for at in range(0, COUNT, step))
        whole += framed(last())
        call = in_thread(lambda: nodes.run(rows_of(nodes, "A1"), ONCE))
        wait_until(lambda: nodes.servers["A1"], "the connection")
        nodes.request("A1")
        places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        for begin, end in itertools.pairwise(places):
            nodes.servers["A1"][0].sendall(whole[begin:end])
        for number, came in enumerate(call.result()):
            check(number, came)
            assert came.ok
    finally:
        nodes.close()

"""Operations: made once, immutable, sent as they are; and what `operate` makes of several."""

from __future__ import annotations

import copy
import decimal
import pickle
from typing import Any

import pytest

from pyspike import Key, MultiResult, Record
from pyspike import operations as op
from pyspike._wire import Command, Operation, parse_answer
from pyspike.errors import InvalidArgument, InvalidType, ProtocolError
from pyspike.policy import ConsistencyLevel, WritePolicy
from support.messages import Message, Op, parse
from support.unsent import UNSENT

READ, GET_ALL, NO_BINS, ALL_REPLICAS = 0x01, 0x02, 0x20, 0x40
WRITE, RESPOND_ALL = 0x01, 0x80
KEY = Key("test", "s", 1)
ONE = bytes(7) + b"\1"

EVERY = {
    "get('b')": (op.get("b"), Op(1, b"b"), False),
    "get()": (op.get(), Op(1), False),
    "get_header()": (op.get_header(), Op(1), False),
    "put('b', 1)": (op.put("b", 1), Op(2, b"b", 1, ONE), True),
    "put('b', None)": (op.put("b", None), Op(2, b"b"), True),
    "add('b', 1)": (op.add("b", 1), Op(5, b"b", 1, ONE), True),
    "add('b', 1.5)": (op.add("b", 1.5), Op(5, b"b", 2, b"\x3f\xf8" + bytes(6)), True),
    "append('b', 'x')": (op.append("b", "x"), Op(9, b"b", 3, b"x"), True),
    "append('b', b'x')": (op.append("b", b"x"), Op(9, b"b", 4, b"x"), True),
    "prepend('b', 'x')": (op.prepend("b", "x"), Op(10, b"b", 3, b"x"), True),
    "touch()": (op.touch(), Op(11), True),
    "delete()": (op.delete(), Op(14), True),
}


def operate(*steps: Operation, **keywords: Any) -> Command:
    return UNSENT.operate(KEY, steps, **keywords)


def request(*steps: Operation, **keywords: Any) -> Message:
    return parse(operate(*steps, **keywords).request)


def answer(command: Command, *ops: Op) -> Record:
    record = parse_answer(command, Message(generation=2, ops=ops).body)
    assert isinstance(record, Record)
    return record


# --- one operation ---


@pytest.mark.parametrize("text", EVERY)
def test_an_operation_is_its_bytes_on_the_wire(text: str) -> None:
    operation, expected, write = EVERY[text]
    assert operation.wire == expected.pack()
    assert (operation.code, operation.bin) == (expected.code, expected.name.decode())
    assert operation.is_write is write


@pytest.mark.parametrize("text", EVERY)
def test_the_repr_of_an_operation_makes_it_again(text: str) -> None:
    operation = EVERY[text][0]
    assert repr(operation) == text
    assert eval(f"op.{text}") == operation


@pytest.mark.parametrize("text", EVERY)
def test_an_operation_travels_by_pickle_and_copy(text: str) -> None:
    operation = EVERY[text][0]
    for other in (pickle.loads(pickle.dumps(operation)), copy.copy(operation), copy.deepcopy(operation)):
        assert (other, repr(other), other.bin, other.code) == (operation, text, operation.bin, operation.code)
        assert request(other, op.get("x")) == request(operation, op.get("x")) if text != "get()" else True


def test_equal_operations_are_equal_and_hash_so() -> None:
    assert op.put("b", 1) == op.put("b", 1)
    assert len({op.put("b", 1), op.put("b", 1), op.put("b", 2), op.add("b", 1), op.put("c", 1)}) == 4
    assert op.get() != op.get_header()
    assert op.get("b") != "get('b')"


@pytest.mark.parametrize("name", ["bin", "code", "wire", "is_write", "more"])
def test_an_operation_can_not_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(op.put("b", 1), name, 1)


def test_an_operation_keeps_the_value_it_was_made_with() -> None:
    rows = [1]
    operation = op.put("b", rows)
    rows.append(2)
    assert operation == op.put("b", [1])


def test_an_operation_can_be_used_again() -> None:
    step = op.add("b", 1)
    assert request(step, step).ops == (Op(5, b"b", 1, ONE),) * 2
    assert request(step) == request(step)


NAMED = [op.get, *(lambda name, make=make: make(name, "x") for make in (op.put, op.append, op.prepend))]
NAMED.append(lambda name: op.add(name, 1))


@pytest.mark.parametrize("make", NAMED)
@pytest.mark.parametrize("name", ["b" * 16, "é" * 8])
def test_a_bin_name_has_at_most_15_bytes(make: Any, name: str) -> None:
    with pytest.raises(InvalidArgument, match="takes 16 bytes, the server allows 15"):
        make(name)


@pytest.mark.parametrize("make", NAMED)
def test_a_bin_name_of_15_bytes_fits(make: Any) -> None:
    assert make("é" * 7 + "b").bin == "é" * 7 + "b"


@pytest.mark.parametrize("make", NAMED)
def test_a_bin_must_have_a_name(make: Any) -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        make("")


@pytest.mark.parametrize("make", NAMED[1:])
@pytest.mark.parametrize("name", [b"b", 1, None, ("b",)])
def test_a_bin_name_must_be_text(make: Any, name: Any) -> None:
    with pytest.raises(InvalidType, match="must be a str"):
        make(name)


@pytest.mark.parametrize("make", NAMED)
def test_a_bin_name_must_be_unicode(make: Any) -> None:
    with pytest.raises(InvalidArgument, match="not valid text"):
        make("\ud800")


@pytest.mark.parametrize("value", ["1", None, True, [1], b"1", decimal.Decimal(1)], ids=repr)
def test_only_numbers_are_added(value: Any) -> None:
    name = type(value).__name__
    with pytest.raises(
        InvalidType, match=rf"bins\['b'\]: {name} can't be added: add takes an int or a float"
    ):
        op.add("b", value)


@pytest.mark.parametrize("value", [1, 1.5, None, True, ["x"], {"x": 1}], ids=repr)
@pytest.mark.parametrize("make", [op.append, op.prepend])
def test_only_text_and_bytes_are_appended(make: Any, value: Any) -> None:
    name = type(value).__name__
    with pytest.raises(InvalidType, match=rf"bins\['b'\]: {name} can't be appended: append and prepend take"):
        make("b", value)


# --- several ---


def test_operations_are_sent_in_their_order() -> None:
    steps = [EVERY[text][0] for text in ("put('b', 1)", "add('b', 1)", "get('b')", "touch()")]
    assert [each.code for each in request(*steps).ops] == [2, 5, 1, 11]


@pytest.mark.parametrize(
    ("steps", "info1", "info2"),
    [
        ([op.get("a")], READ, 0),
        ([op.get("a"), op.get("b")], READ, 0),
        ([op.get()], READ | GET_ALL, 0),
        ([op.get(), op.get_header()], READ | GET_ALL, 0),
        ([op.get_header()], READ | NO_BINS, 0),
        ([op.get_header(), op.get("a")], READ, 0),
        ([op.put("a", 1)], 0, WRITE),
        ([op.touch()], 0, WRITE),
        ([op.delete()], 0, WRITE),
        ([op.put("a", 1), op.get("a")], READ, WRITE),
        ([op.put("a", 1), op.get_header()], READ, WRITE),
        ([op.put("a", 1), op.get()], READ | GET_ALL, WRITE),
        ([op.get(), op.put("a", 1)], READ | GET_ALL, WRITE),
    ],
    ids=repr,
)
def test_the_header_says_what_the_operations_do(steps: list[Operation], info1: int, info2: int) -> None:
    message = request(*steps)
    assert (message.info1, message.info2, message.info3) == (info1, info2, 0)
    assert operate(*steps).write is bool(info2)


@pytest.mark.parametrize("others", [[op.get("a")], [op.put("a", 1)], [op.put("a", 1), op.get()]], ids=repr)
def test_a_header_that_comes_anyway_is_not_asked_for(others: list[Operation]) -> None:
    """Its flag would hide the bins, and its empty name would be a bin of its own."""
    assert request(op.get_header(), *others).ops == request(*others).ops
    assert not request(op.get_header(), *others).info1 & NO_BINS


@pytest.mark.parametrize(
    "steps",
    [
        [op.get("a"), op.put("a", 1), op.get("a")],
        [op.get("a"), op.add("a", 1), op.get("b"), op.get("a")],
        [op.get("b"), op.get("a"), op.delete(), op.append("a", "x"), op.get("a")],
    ],
    ids=repr,
)
def test_all_answers_are_asked_for_where_they_could_be_mistaken(steps: list[Operation]) -> None:
    """Without it a read that finds no bin has no answer, and the later one's would pass for it."""
    assert request(*steps).info2 == WRITE | RESPOND_ALL


@pytest.mark.parametrize(
    "steps",
    [
        [op.get("a"), op.get("a")],
        [op.put("a", 1), op.get("a"), op.get("a")],
        [op.get("a"), op.put("b", 1), op.get("a")],
        [op.get("a"), op.put("a", 1)],
        [op.get("a"), op.put("a", 1), op.put("a", 2), op.get("b")],
        [op.get("a"), op.delete(), op.get("a")],
    ],
    ids=repr,
)
def test_all_answers_are_not_asked_for_needlessly(steps: list[Operation]) -> None:
    assert not request(*steps).info2 & RESPOND_ALL


def test_all_answers_are_asked_for_where_the_policy_says_so() -> None:
    policy = WritePolicy(respond_per_each_op=True)
    assert request(op.put("a", 1), policy=policy).info2 == WRITE | RESPOND_ALL
    assert request(op.get("a"), policy=policy).info2 == RESPOND_ALL


def test_reading_all_bins_stands_alone_among_reads() -> None:
    for steps in ([op.get(), op.get("a")], [op.get("a"), op.put("a", 1), op.get()], [op.get(), op.get()]):
        with pytest.raises(InvalidArgument, match="can't be combined with other reads"):
            request(*steps)


def test_reading_all_bins_can_not_answer_each_operation() -> None:
    with pytest.raises(InvalidArgument, match="respond_per_each_op"):
        request(op.get(), op.put("a", 1), policy=WritePolicy(respond_per_each_op=True))


def test_operate_needs_an_operation() -> None:
    with pytest.raises(InvalidArgument, match="at least one operation"):
        request()


@pytest.mark.parametrize(
    "steps", [[("put", "a", 1)], ["a"], "ab", [None], {"a": 1}, [op.get], [op.get("a"), 1]]
)
def test_operate_takes_operations_only(steps: Any) -> None:
    with pytest.raises(InvalidType, match=r"operate takes operations made by pyspike\.operations"):
        UNSENT.operate(KEY, steps)


@pytest.mark.parametrize("steps", [op.get("a"), None, 1])
def test_operations_must_be_a_sequence(steps: Any) -> None:
    with pytest.raises(InvalidType, match="operations must be a sequence"):
        UNSENT.operate(KEY, steps)


def test_operations_may_come_from_a_generator() -> None:
    steps = (op.put(name, 1) for name in "ab")
    made = UNSENT.operate(KEY, steps)
    assert [each.name for each in parse(made.request).ops] == [b"a", b"b"]


def test_a_command_has_at_most_32768_operations() -> None:
    assert len(request(*[op.touch()] * 32768).ops) == 32768
    with pytest.raises(InvalidArgument, match="32769 operations in one command, the server allows 32768"):
        request(*[op.touch()] * 32769)


def test_an_operate_that_only_reads_follows_the_reading_half_of_its_policy() -> None:
    policy = WritePolicy(
        expiration=100, read_touch_ttl=80, consistency_level=ConsistencyLevel.ALL, durable_delete=True
    )
    reading, writing = request(op.get("a"), policy=policy), request(op.put("a", 1), policy=policy)
    assert (reading.info1, reading.info2, reading.ttl) == (READ | ALL_REPLICAS, 0, 80)
    assert (writing.info1, writing.info2, writing.ttl) == (0, WRITE | 0x10, 100)


@pytest.mark.parametrize("keyword", [{"ttl": 5}, {"generation": 5}])
def test_what_only_a_write_can_use_is_refused_for_reads(keyword: dict[str, int]) -> None:
    """An option that is accepted changes something."""
    with pytest.raises(InvalidArgument, match=next(iter(keyword))):
        request(op.get("a"), **keyword)


# --- results ---


def test_results_come_one_an_operation_in_order() -> None:
    command = operate(op.put("a", 1), op.get("a"), op.add("b", 1), op.get("b"), op.touch())
    record = answer(command, Op(1, b"a", 1, ONE), Op(1, b"b", 3, b"x"))
    assert record.results == [None, 1, None, "x", None]
    assert record.bins == {"a": 1, "b": "x"}
    assert (record.key, record.generation) == (KEY, 2)


def test_a_bin_that_is_not_there_has_no_result_and_no_bin() -> None:
    record = answer(operate(op.get("a"), op.get("b"), op.get("c")), Op(1, b"b", 1, ONE))
    assert record.results == [None, 1, None]
    assert record.bins == {"b": 1}


def test_with_all_answers_a_bin_that_appears_has_its_second_value_only() -> None:
    command = operate(op.get("a"), op.put("a", 1), op.get("a"))
    record = answer(command, Op(1, b"a"), Op(2, b"a"), Op(1, b"a", 1, ONE))
    assert record.results == [None, None, 1]
    assert record.bins == {"a": 1}


def test_several_results_of_one_bin_are_a_multi_result() -> None:
    command = operate(op.put("a", 1), op.get("a"), op.get("b"), op.get("a"), op.get("a"))
    value = [Op(1, b"a", 20, b"\x91\x01"), Op(1, b"b", 1, ONE)]
    record = answer(command, *value, value[0], value[0])
    assert record.results == [None, [1], 1, [1], [1]]
    assert record.bins == {"a": [[1], [1], [1]], "b": 1}
    assert type(record.bins["a"]) is MultiResult


def test_a_list_that_is_the_one_result_stays_a_list() -> None:
    record = answer(operate(op.get("a")), Op(1, b"a", 20, b"\x92\x01\x02"))
    assert type(record.bins["a"]) is list


@pytest.mark.parametrize("steps", [[op.get(), op.put("a", 1)], [op.put("a", 1), op.get()]], ids=repr)
def test_reading_all_bins_gives_one_result_a_dict(steps: list[Operation]) -> None:
    record = answer(operate(*steps), Op(1, b"a", 1, ONE), Op(1, b"b", 3, b"x"))
    at = 0 if steps[0].code == 1 else 1
    assert record.results[at] == {"a": 1, "b": "x"} == record.bins
    assert record.results[1 - at] is None


def test_a_record_that_is_gone_after_its_operations_is_a_record_without_bins() -> None:
    record = parse_answer(operate(op.delete()), Message().body)
    assert (record.bins, record.results, record.generation) == ({}, [None], 0)


def test_an_answer_in_another_order_is_an_error() -> None:
    command = operate(op.get("a"), op.get("b"))
    with pytest.raises(ProtocolError, match="an answer to no operation"):
        answer(command, Op(1, b"b", 1, ONE), Op(1, b"a", 1, ONE))


def test_an_answer_too_many_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="an answer to no operation"):
        answer(operate(op.get("a")), Op(1, b"a", 1, ONE), Op(1, b"a", 1, ONE))

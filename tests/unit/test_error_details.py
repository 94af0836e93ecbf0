"""What a server tells of an error besides its code: all of it is read, and nothing that is malformed."""

from __future__ import annotations

import pickle
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import errors
from pyspike._wire import Command, Query, QueryPartitions, Statement, background_request, parse_answer
from pyspike.error_details import ExpressionTrace, Told, told_by
from pyspike.policy import ErrorDetails, QueryPolicy, ReadPolicy, WritePolicy
from support.messages import Message

DETAILS = 45
TRACE = {
    1: 2, 2: 300, 3: "eq", 4: 70000, 5: ["and", "...", "eq"], 6: 'bin_int("a")', 7: 1, 8: 2,
    9: 5, 10: 2, 11: None, 12: [True, 1.5, b"x"], 13: ["1", "-2"], 99: {"more": -1},
}  # fmt: skip
FULL = {1: 9, 2: "the index is out of range", 3: TRACE, 77: "unknown"}


def test_all_that_is_told_is_read() -> None:
    told = told_by(msgpack.packb(FULL))
    assert (told.subcode, told.message) == (9, "the index is out of range")
    assert told.trace == ExpressionTrace(
        phase="eval",
        outcome="fault",
        operation="eq",
        offset=300,
        depth=70000,
        path=("and", "...", "eq"),
        snippet='bin_int("a")',
        operands=("1", "-2"),
        language="ael",
        ael_offset=5,
        ael_span=2,
    )
    assert str(told.trace) == 'eval fault in eq of 1, -2 at bin_int("a") at byte 5 of the text'
    assert told_by(msgpack.packb({3: {}})).trace == ExpressionTrace()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x81",
        b"\x81\x01",
        msgpack.packb([1]),
        msgpack.packb({1: "x", 2: 5, 3: "y"}),
        msgpack.packb({1: True, 2: None}),
        msgpack.packb({1: -5}),
        msgpack.packb({2: "x" * 1020}),
        b"\x81\x02\xa2\xff\xfe",
        b"\x81\x90\x01",
        b"\x81\x01" * 50,
        b"\xdf\xff\xff\xff\xff",
    ],
)
def test_what_is_malformed_tells_nothing(data: bytes) -> None:
    assert told_by(data) == Told()


@given(st.binary(max_size=80) | st.binary(max_size=40).map(lambda tail: b"\x82\x01\x05\x03" + tail))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(told_by(data), Told)


def test_the_error_of_an_answer_has_what_was_told() -> None:
    command: Any = background_request(Statement("test"), WritePolicy().settings, 1, udf=("m", "f", b""))
    answer = Message(result=4, fields=((0, b"test"), (DETAILS, msgpack.packb(FULL)))).body
    with pytest.raises(errors.RequestInvalid) as caught:
        parse_answer(command, answer)
    error = caught.value
    assert (error.subcode, error.message) == (9, "the index is out of range")
    assert error.trace is not None
    text = str(error)
    assert "code 4 PARAMETER_ERROR, subcode 9" in text
    assert "expression: eval fault in eq" in text
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.subcode, copy.trace, copy.message) == (9, error.trace, error.message)
    with pytest.raises(errors.RequestInvalid) as caught:
        parse_answer(command, Message(result=4).body)
    assert (caught.value.subcode, caught.value.trace) == (0, None)
    assert caught.value.message == caught.value.result_code.meaning


def info4(command: Command) -> int:
    return command.request[8 + 4]


@pytest.mark.parametrize("details", ErrorDetails)
def test_a_job_asks_for_as_much_as_its_policy_says(details: ErrorDetails) -> None:
    made = background_request(
        Statement("test"), WritePolicy(error_details=details).settings, 1, udf=("m", "f", b"")
    )
    assert info4(made) == details.value << 5
    for kind in (ReadPolicy, WritePolicy, QueryPolicy):
        assert kind(error_details=details).settings.info4 == details.value << 5
    query = Query(Statement("test"), QueryPolicy(error_details=details).settings, QueryPartitions(0, 1, None))
    assert query.settings.info4 == details.value << 5

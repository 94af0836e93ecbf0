"""Bit operations, against Python integers and against what a real server gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server_values import error_of, packed

from pyspike.server.bits.operate import modify_bits, read_bits
from pyspike.server.protocol.result import ResultCode
from support.examples import examples

RESIZE, INSERT, REMOVE, SET, OR, XOR, AND, NOT, LSHIFT, RSHIFT, ADD, SUBTRACT, SET_INT = range(13)
GET, COUNT, LSCAN, RSCAN, GET_INT = range(50, 55)
CREATE_ONLY, UPDATE_ONLY, NO_FAIL, PARTIAL = 1, 2, 4, 8
SIGNED, SATURATE, WRAP = 1, 2, 4
Y = b"\x0f\xf0\xa5\x00\xff"
RELAXED = settings(max_examples=examples(60))


def changed(data: bytes | None, opcode: int, *args: Any) -> bytes | None:
    return modify_bits(data, opcode, [packed(arg) for arg in args])


@st.composite
def spans(draw: st.DrawFn) -> tuple[bytes, int, int]:
    data = draw(st.binary(min_size=1, max_size=12))
    offset = draw(st.integers(0, 8 * len(data) - 1))
    return data, offset, draw(st.integers(1, 8 * len(data) - offset))


def bits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@RELAXED
@given(spans())
def test_what_is_read_is_what_stands_there(span: tuple[bytes, int, int]) -> None:
    data, offset, size = span
    text = bits(data)[offset : offset + size]
    got = read_bits(data, GET, [offset, size])
    assert isinstance(got, bytes)
    assert bits(got[1:])[:size] == text
    assert read_bits(data, COUNT, [offset, size]) == text.count("1")
    assert read_bits(data, LSCAN, [offset, size, True]) == text.find("1")
    assert read_bits(data, RSCAN, [offset, size, False]) == text.rfind("0")


@RELAXED
@given(spans(), st.integers(0, 100))
def test_what_is_changed_is_that_alone(span: tuple[bytes, int, int], shift: int) -> None:
    data, offset, size = span
    text = bits(data)
    before, part, after = text[:offset], text[offset : offset + size], text[offset + size :]
    inverted = part.translate({48: 49, 49: 48})
    assert bits(changed(data, NOT, offset, size) or b"") == before + inverted + after
    shifted = (part + "0" * shift)[shift : shift + size].rjust(size, "0")
    assert bits(changed(data, LSHIFT, offset, size, shift) or b"") == before + shifted + after


@pytest.mark.parametrize(
    ("data", "args", "after"),
    [
        (Y, (RESIZE, 3, 0, 1), b"\xa5\x00\xff"),
        (None, (RESIZE, 3), b"\x00\x00\x00"),
        (Y, (INSERT, 7, b"z"), Y + b"\x00\x00z"),
        (Y, (REMOVE, 4, 3, PARTIAL), Y[:4]),
        (Y, (SET, 36, 8, b"\x0f", PARTIAL), b"\x0f\xf0\xa5\x00\xf0"),
        (Y, (SET, 48, 8, b"\x11", NO_FAIL), Y),
        (Y, (ADD, 0, 8, 250, 0, SATURATE), b"\xff" + Y[1:]),
        (Y, (ADD, 0, 8, 120, 0, SIGNED | SATURATE), b"\x7f" + Y[1:]),
        (Y, (SUBTRACT, 0, 8, 16, 0, WRAP), b"\xff" + Y[1:]),
        (Y, (SUBTRACT, 0, 4, 8, 0, SIGNED), b"\x8f" + Y[1:]),
        (Y, (SET_INT, 0, 8, 300), b"\x2c" + Y[1:]),
    ],
)
def test_blobs_are_changed_as_on_a_real_server(
    data: bytes | None, args: tuple[Any, ...], after: bytes
) -> None:
    assert changed(data, *args) == after


@pytest.mark.parametrize(
    ("data", "args", "code"),
    [
        (Y, (SET, 40, 8, b"\xff", PARTIAL), ResultCode.OP_NOT_APPLICABLE),
        (Y, (SET, -48, 8, b"\x11", NO_FAIL), ResultCode.PARAMETER),
        (Y, (SET, 0, 16, b"\xff"), ResultCode.PARAMETER),
        (Y, (REMOVE, 5, 1), ResultCode.PARAMETER),
        (Y, (ADD, 0, 8, 250), ResultCode.OP_NOT_APPLICABLE),
        (Y, (ADD, 0, 8, 1, PARTIAL), ResultCode.PARAMETER),
        (Y, (NOT, 0, 8, CREATE_ONLY), ResultCode.PARAMETER),
        (Y, (RESIZE, 8, CREATE_ONLY), ResultCode.BIN_EXISTS),
        (None, (NOT, 0, 8), ResultCode.BIN_NOT_FOUND),
        (Y, (GET, 0, 8), ResultCode.PARAMETER),
    ],
)
def test_what_does_not_fit_is_refused(data: bytes | None, args: tuple[Any, ...], code: ResultCode) -> None:
    assert error_of(changed, data, *args) == code

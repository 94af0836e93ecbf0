"""The bits of a blob inside expressions, by the names of `pyspike.operations.bitwise`.

They share these arguments:

- `source`: a blob; a str names a blob bin.
- `bit_offset`, `bit_size`: the range in bits, of which 0 is the highest of byte 0; `byte_offset`,
  `byte_size`: the range in bytes. A negative offset counts from the end. Expressions too, as are `value`
  and, in bits, `shift`.
- `signed`: whether a number may be negative; `action`: what to do if it does not fit, `BitOverflowAction`.
- `resize_flags`: `BitResizeFlags`; `write_flags`: `BitWriteFlags`.

What modifies gives the blob as it is then. An argument of a type that does not fit raises `InvalidType`. On
the server, what can't be done is unknown.
"""

from __future__ import annotations

from typing import Any

from pyspike._wire import plain_int
from pyspike.cdt.checks import flag_bits, truth
from pyspike.cdt.enums import SIGNED, BitOverflowAction, BitResizeFlags, BitWriteFlags
from pyspike.cdt.opcodes import MODIFY, BitOp, System
from pyspike.cdt.rules import MAX_INT_BITS, bit_changing_flags, bit_creating_flags, overflow
from pyspike.cdt.types import ExpType
from pyspike.errors import InvalidArgument
from pyspike.exp.calls import call, integer, source_of
from pyspike.exp.expression import Expression, Operand, operand
from pyspike.showing import shown

__all__ = [
    "add",
    "and_",
    "b64_encode",
    "count",
    "get",
    "get_int",
    "insert",
    "lscan",
    "lshift",
    "not_",
    "or_",
    "remove",
    "resize",
    "rscan",
    "rshift",
    "set",
    "set_int",
    "subtract",
    "xor",
]

Flags = BitWriteFlags
DEFAULT = BitWriteFlags.DEFAULT
BLOB = (ExpType.BLOB,)
BOOL = (ExpType.BOOL,)


def _modify(opcode: BitOp, source: Operand, *arguments: Any) -> Expression:
    made = source_of(source, f"bitwise.{opcode.function}", ExpType.BLOB)
    return call(System.BITS | MODIFY, ExpType.BLOB, (opcode, *arguments), made)


def _read(opcode: BitOp, source: Operand, kind: ExpType, *arguments: Any) -> Expression:
    return call(
        System.BITS, kind, (opcode, *arguments), source_of(source, f"bitwise.{opcode.function}", ExpType.BLOB)
    )


def _span(name: str, offset: Operand, size: Operand) -> tuple[Expression, Expression]:
    return integer(offset, f"bitwise.{name}", 1), integer(size, f"bitwise.{name}", 2)


def _int_span(name: str, offset: Operand, size: Operand) -> tuple[Expression, Expression]:
    number = plain_int(size)
    if number is not None and not 1 <= number <= MAX_INT_BITS:
        raise InvalidArgument(f"bit_size must be from 1 to {MAX_INT_BITS} for a number, not {shown(number)}")
    return _span(name, offset, size)


def _blob(name: str, value: Operand, place: int) -> Expression:
    return operand(value, f"bitwise.{name}", place, BLOB)


def resize(
    source: Operand,
    byte_size: Operand,
    *,
    resize_flags: BitResizeFlags = BitResizeFlags.DEFAULT,
    write_flags: Flags = DEFAULT,
) -> Expression:
    """With another size; zeros are put at its end, with FROM_FRONT at its start."""
    how = flag_bits(resize_flags, BitResizeFlags, "resize_flags")
    size = integer(byte_size, "bitwise.resize", 1)
    return _modify(BitOp.RESIZE, source, size, bit_creating_flags(write_flags), how)


def insert(
    source: Operand, byte_offset: Operand, value: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With bytes put before the one at `byte_offset`."""
    offset = integer(byte_offset, "bitwise.insert", 1)
    return _modify(BitOp.INSERT, source, offset, _blob("insert", value, 2), bit_creating_flags(write_flags))


def remove(
    source: Operand, byte_offset: Operand, byte_size: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With bytes taken out."""
    return _modify(
        BitOp.REMOVE, source, *_span("remove", byte_offset, byte_size), bit_changing_flags(write_flags)
    )


def set(  # noqa: A001 - the protocol's name
    source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With the first `bit_size` bits of `value` in the range."""
    return _combine(BitOp.SET, source, bit_offset, bit_size, value, write_flags)


def or_(
    source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With the bits of the range set that are set in `value`."""
    return _combine(BitOp.OR, source, bit_offset, bit_size, value, write_flags)


def xor(
    source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With the bits of the range turned around that are set in `value`."""
    return _combine(BitOp.XOR, source, bit_offset, bit_size, value, write_flags)


def and_(
    source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With the bits of the range cleared that are not set in `value`."""
    return _combine(BitOp.AND, source, bit_offset, bit_size, value, write_flags)


def _combine(
    opcode: BitOp,
    source: Operand,
    bit_offset: Operand,
    bit_size: Operand,
    value: Operand,
    write_flags: Flags,
) -> Expression:
    span = _span(opcode.function, bit_offset, bit_size)
    return _modify(opcode, source, *span, _blob(opcode.function, value, 3), bit_changing_flags(write_flags))


def not_(
    source: Operand, bit_offset: Operand, bit_size: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With all bits of the range turned around."""
    return _modify(BitOp.NOT, source, *_span("not_", bit_offset, bit_size), bit_changing_flags(write_flags))


def lshift(
    source: Operand, bit_offset: Operand, bit_size: Operand, shift: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With the bits of the range moved to the left."""
    made = *_span("lshift", bit_offset, bit_size), integer(shift, "bitwise.lshift", 3)
    return _modify(BitOp.LSHIFT, source, *made, bit_changing_flags(write_flags))


def rshift(
    source: Operand, bit_offset: Operand, bit_size: Operand, shift: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With the bits of the range moved to the right."""
    made = *_span("rshift", bit_offset, bit_size), integer(shift, "bitwise.rshift", 3)
    return _modify(BitOp.RSHIFT, source, *made, bit_changing_flags(write_flags))


def add(
    source: Operand,
    bit_offset: Operand,
    bit_size: Operand,
    value: Operand,
    *,
    signed: bool = False,
    action: BitOverflowAction = BitOverflowAction.FAIL,
    write_flags: Flags = DEFAULT,
) -> Expression:
    """With something added to the number that the range, 1 to 64 bits, is."""
    made = *_int_span("add", bit_offset, bit_size), integer(value, "bitwise.add", 3)
    return _modify(BitOp.ADD, source, *made, bit_changing_flags(write_flags), overflow(action, signed))


def subtract(
    source: Operand,
    bit_offset: Operand,
    bit_size: Operand,
    value: Operand,
    *,
    signed: bool = False,
    action: BitOverflowAction = BitOverflowAction.FAIL,
    write_flags: Flags = DEFAULT,
) -> Expression:
    """With something taken off the number that the range, 1 to 64 bits, is."""
    made = *_int_span("subtract", bit_offset, bit_size), integer(value, "bitwise.subtract", 3)
    return _modify(BitOp.SUBTRACT, source, *made, bit_changing_flags(write_flags), overflow(action, signed))


def set_int(
    source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand, *, write_flags: Flags = DEFAULT
) -> Expression:
    """With a number of 1 to 64 bits in the range."""
    made = *_int_span("set_int", bit_offset, bit_size), integer(value, "bitwise.set_int", 3)
    return _modify(BitOp.SET_INT, source, *made, bit_changing_flags(write_flags))


# Reading ----------------------------------------------------------------------------------------------------


def get(source: Operand, bit_offset: Operand, bit_size: Operand) -> Expression:
    """The bits of the range as a blob."""
    return _read(BitOp.GET, source, ExpType.BLOB, *_span("get", bit_offset, bit_size))


def count(source: Operand, bit_offset: Operand, bit_size: Operand) -> Expression:
    """How many bits of the range are set."""
    return _read(BitOp.COUNT, source, ExpType.INT, *_span("count", bit_offset, bit_size))


def lscan(source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand) -> Expression:
    """Where in the range the first bit is that is set (True) or not (False); -1 if there is none."""
    made = operand(value, "bitwise.lscan", 3, BOOL)
    return _read(BitOp.LSCAN, source, ExpType.INT, *_span("lscan", bit_offset, bit_size), made)


def rscan(source: Operand, bit_offset: Operand, bit_size: Operand, value: Operand) -> Expression:
    """Where in the range the last bit is that is set (True) or not (False); -1 if there is none."""
    made = operand(value, "bitwise.rscan", 3, BOOL)
    return _read(BitOp.RSCAN, source, ExpType.INT, *_span("rscan", bit_offset, bit_size), made)


def get_int(source: Operand, bit_offset: Operand, bit_size: Operand, *, signed: bool = False) -> Expression:
    """The number that the range, 1 to 64 bits, is."""
    sign = SIGNED if truth(signed, "signed") else 0
    return _read(BitOp.GET_INT, source, ExpType.INT, *_int_span("get_int", bit_offset, bit_size), sign)


def b64_encode(
    source: Operand,
    byte_offset: Operand = 0,
    byte_size: Operand = None,
    *,
    invert_size: bool = False,
) -> Expression:
    """Bytes as base 64 text (server 8.2); with `invert_size`, `byte_size` counts back from the end."""
    inverted = truth(invert_size, "invert_size")
    if byte_size is not None:
        span = _span("b64_encode", byte_offset, byte_size)
        return _read(BitOp.B64_ENCODE, source, ExpType.STRING, *span, int(inverted))
    if inverted:
        raise InvalidArgument("invert_size has no effect without byte_size")
    if plain_int(byte_offset) == 0:
        return _read(BitOp.B64_ENCODE, source, ExpType.STRING)
    return _read(BitOp.B64_ENCODE, source, ExpType.STRING, integer(byte_offset, "bitwise.b64_encode", 1))

"""Operations on the bits of a blob.

To be had by `from pyspike.operations import bitwise`, or as `operations.bitwise`.

They share these arguments:

- `bin_name`: the bin, 1 to 15 bytes of UTF-8, which holds bytes. Bits in lists and maps can't be reached.
- `bit_offset`, `bit_size`, `byte_offset`, `byte_size`: the range. Bit 0 is the highest of byte 0; a negative
  offset counts from the end.
- `value`: bytes to put in; for `lscan` and `rscan` the bit to look for, True or False; for `add`, `subtract`
  and `set_int` an int.
- `write_flags`: `BitWriteFlags`.

Writing operations give None. An argument of a wrong type raises `InvalidType`, one out of range
`InvalidArgument`. When run, on another type of bin: `BinTypeError`; writing to a missing one: `BinNotFound`
(`resize` and `insert` create it); where the range ends behind the blob: `OpNotApplicable` (`remove`:
`RequestInvalid`); where it starts before it: `RequestInvalid`. A missing bin reads as None.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from pyspike._wire import Operation
from pyspike.cdt.checks import blob, flag_bits, truth, whole
from pyspike.cdt.context import Ctx
from pyspike.cdt.enums import (
    CREATE_ONLY,
    SIGNED,
    UPDATE_ONLY,
    BitOverflowAction,
    BitResizeFlags,
    BitWriteFlags,
)
from pyspike.cdt.opcodes import BitOp, OpCode
from pyspike.cdt.rules import bit_changing_flags, bit_creating_flags, int_size, overflow
from pyspike.errors import InvalidArgument
from pyspike.operations.maker import added, checked, in_bin, members, together

__all__ = [
    "BitOverflowAction",
    "BitResizeFlags",
    "BitWriteFlags",
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


def _encoded_range(byte_offset: int, byte_size: int | None, invert_size: bool) -> tuple[int, ...]:
    """The range of bytes of `b64_encode`."""
    if byte_size is None:
        if truth(invert_size, "invert_size"):
            raise InvalidArgument("invert_size has no effect without byte_size")
        return (whole(byte_offset, "byte_offset"),)
    return (whole(byte_offset, "byte_offset"), whole(byte_size, "byte_size"), *((1,) if invert_size else ()))


_KINDS = (
    together("byte_offset byte_size invert_size", _encoded_range),
    checked("bit_offset", whole, int),
    checked("bit_size", whole, int),
    checked("byte_offset", whole, int),
    checked("byte_size", whole, int),
    checked("shift", whole, int),
    checked("value", blob, bytes),
    checked(
        "write_flags",
        lambda flags, _: bit_changing_flags(flags),
        number=members(BitWriteFlags, ~BitWriteFlags.CREATE_ONLY),
    ),
    checked(
        "resize_flags",
        lambda flags, name: flag_bits(flags, BitResizeFlags, name),
        number=members(BitResizeFlags),
    ),
    together("action", overflow, "action", "signed", numbers=(members(BitOverflowAction), added(SIGNED))),
    checked("signed", lambda signed, name: (SIGNED,) if truth(signed, name) else ()),
)
_SIZE = checked("bit_size", lambda size, _: int_size(size))[1]
_INT = checked("value", whole, int)[1]
_BIT = checked("value", truth, bool)[1]
_CREATING = checked(
    "write_flags",
    lambda flags, _: bit_creating_flags(flags),
    number=members(BitWriteFlags, ~BitWriteFlags.PARTIAL, apart=CREATE_ONLY | UPDATE_ONLY),
)[1]

_read = in_bin(OpCode.BIT_READ, _KINDS)
_modify = in_bin(OpCode.BIT_MODIFY, _KINDS, write=True)


# The blob itself --------------------------------------------------------------------------------------------


@_modify(BitOp.RESIZE, write_flags=_CREATING)
def resize(
    bin_name: str,
    byte_size: int,
    *,
    resize_flags: BitResizeFlags = BitResizeFlags.DEFAULT,
    write_flags: Flags = DEFAULT,
) -> Operation:
    """Give the blob this size; zeros are put at its end. A missing bin is created.

    Args:
        bin_name: the bin.
        byte_size: the new size in bytes.
        resize_flags: at the front instead; only if it grows, or only if it shrinks (RequestInvalid
            otherwise).
        write_flags: `BitWriteFlags`.
    """
    ...


@_modify(BitOp.INSERT, write_flags=_CREATING)
def insert(bin_name: str, byte_offset: int, value: bytes, *, write_flags: Flags = DEFAULT) -> Operation:
    """Put bytes before the one at `byte_offset`; zeros fill a gap. A missing bin is created."""
    ...


@_modify(BitOp.REMOVE)
def remove(bin_name: str, byte_offset: int, byte_size: int, *, write_flags: Flags = DEFAULT) -> Operation:
    """Take bytes out."""
    ...


# Bits -------------------------------------------------------------------------------------------------------


@_modify(BitOp.SET)
def set(  # noqa: A001 - the protocol's name
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Put the first `bit_size` bits of `value` into the range."""
    ...


@_modify(BitOp.OR)
def or_(
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Set the bits of the range that are set in `value`."""
    ...


@_modify(BitOp.XOR)
def xor(
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Turn the bits of the range around that are set in `value`."""
    ...


@_modify(BitOp.AND)
def and_(
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Clear the bits of the range that are not set in `value`."""
    ...


@_modify(BitOp.NOT)
def not_(bin_name: str, bit_offset: int, bit_size: int, *, write_flags: Flags = DEFAULT) -> Operation:
    """Turn all bits of the range around."""
    ...


@_modify(BitOp.LSHIFT)
def lshift(
    bin_name: str, bit_offset: int, bit_size: int, shift: int, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Move the bits of the range to the left by `shift`; zeros follow."""
    ...


@_modify(BitOp.RSHIFT)
def rshift(
    bin_name: str, bit_offset: int, bit_size: int, shift: int, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Move the bits of the range to the right by `shift`; zeros follow."""
    ...


# Numbers in the bits ----------------------------------------------------------------------------------------


@_modify(BitOp.ADD, bit_size=_SIZE, value=_INT)
def add(
    bin_name: str,
    bit_offset: int,
    bit_size: int,
    value: int,
    *,
    signed: bool = False,
    action: BitOverflowAction = BitOverflowAction.FAIL,
    write_flags: Flags = DEFAULT,
) -> Operation:
    """Add to the number that the range is.

    Args:
        bin_name: the bin.
        bit_offset: where the number starts.
        bit_size: its size, 1 to 64 bits.
        value: what to add.
        signed: whether the number may be negative.
        action: what to do if the sum does not fit; FAIL raises OpNotApplicable when run.
        write_flags: `BitWriteFlags`.
    """
    ...


@_modify(BitOp.SUBTRACT, bit_size=_SIZE, value=_INT)
def subtract(
    bin_name: str,
    bit_offset: int,
    bit_size: int,
    value: int,
    *,
    signed: bool = False,
    action: BitOverflowAction = BitOverflowAction.FAIL,
    write_flags: Flags = DEFAULT,
) -> Operation:
    """Subtract from the number that the range is; `value`, `signed` and `action` are as for `add`."""
    ...


@_modify(BitOp.SET_INT, bit_size=_SIZE, value=_INT)
def set_int(
    bin_name: str, bit_offset: int, bit_size: int, value: int, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Put a number of 1 to 64 bits into the range."""
    ...


@_read(BitOp.GET_INT, bit_size=_SIZE)
def get_int(bin_name: str, bit_offset: int, bit_size: int, *, signed: bool = False) -> Operation:
    """The number that the range, 1 to 64 bits, is; with `signed`, it may be negative."""
    ...


# Reading ----------------------------------------------------------------------------------------------------


@_read(BitOp.GET)
def get(bin_name: str, bit_offset: int, bit_size: int) -> Operation:
    """The bits of the range as bytes, from the highest bit on; zeros fill the last byte."""
    ...


@_read(BitOp.COUNT)
def count(bin_name: str, bit_offset: int, bit_size: int) -> Operation:
    """How many bits of the range are set."""
    ...


@_read(BitOp.LSCAN, value=_BIT)
def lscan(bin_name: str, bit_offset: int, bit_size: int, value: bool) -> Operation:
    """Where in the range the first bit is that is set (True) or not (False); -1 if there is none."""
    ...


@_read(BitOp.RSCAN, value=_BIT)
def rscan(bin_name: str, bit_offset: int, bit_size: int, value: bool) -> Operation:
    """Where in the range the last bit is that is set (True) or not (False); -1 if there is none."""
    ...


@_read(BitOp.B64_ENCODE)
def b64_encode(
    bin_name: str,
    byte_offset: int = 0,
    byte_size: int | None = None,
    *,
    invert_size: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Bytes as base 64 text (server 8.2).

    Args:
        bin_name: the bin.
        byte_offset: where to start.
        byte_size: how many bytes; None for all that follow.
        invert_size: whether `byte_size` counts back from the end of the blob.
        ctx: the way to a blob inside a list or map.
    """
    ...

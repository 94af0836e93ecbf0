"""Operations on the bits of a blob.

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

from __future__ import annotations

from pyspike._wire import Operation
from pyspike.errors import InvalidArgument
from pyspike.operations.building import maker
from pyspike.operations.checks import blob, flag_bits, member, truth, whole, write_flag_bits
from pyspike.operations.context import Ctx
from pyspike.operations.enums import SIGNED, BitOverflowAction, BitResizeFlags, BitWriteFlags, OpCode
from pyspike.showing import shown

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

MAX_INT_BITS = 64

Flags = BitWriteFlags
DEFAULT = BitWriteFlags.DEFAULT

_read = maker(OpCode.BIT_READ)
_modify = maker(OpCode.BIT_MODIFY, write=True)


# The blob itself --------------------------------------------------------------------------------------------


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
    how = flag_bits(resize_flags, BitResizeFlags, "resize_flags")
    return _modify(bin_name, None, 0, whole(byte_size, "byte_size"), creating_flags(write_flags), how)


def insert(bin_name: str, byte_offset: int, value: bytes, *, write_flags: Flags = DEFAULT) -> Operation:
    """Put bytes before the one at `byte_offset`; zeros fill a gap. A missing bin is created."""
    flags = creating_flags(write_flags)
    return _modify(bin_name, None, 1, whole(byte_offset, "byte_offset"), blob(value, "value"), flags)


def remove(bin_name: str, byte_offset: int, byte_size: int, *, write_flags: Flags = DEFAULT) -> Operation:
    """Take bytes out."""
    flags = changing_flags(write_flags)
    return _modify(bin_name, None, 2, whole(byte_offset, "byte_offset"), whole(byte_size, "byte_size"), flags)


# Bits -------------------------------------------------------------------------------------------------------


def set(  # noqa: A001 - the protocol's name
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Put the first `bit_size` bits of `value` into the range."""
    return _modify(
        bin_name, None, 3, *span(bit_offset, bit_size), blob(value, "value"), changing_flags(write_flags)
    )


def or_(
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Set the bits of the range that are set in `value`."""
    return _modify(
        bin_name, None, 4, *span(bit_offset, bit_size), blob(value, "value"), changing_flags(write_flags)
    )


def xor(
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Turn the bits of the range around that are set in `value`."""
    return _modify(
        bin_name, None, 5, *span(bit_offset, bit_size), blob(value, "value"), changing_flags(write_flags)
    )


def and_(
    bin_name: str, bit_offset: int, bit_size: int, value: bytes, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Clear the bits of the range that are not set in `value`."""
    return _modify(
        bin_name, None, 6, *span(bit_offset, bit_size), blob(value, "value"), changing_flags(write_flags)
    )


def not_(bin_name: str, bit_offset: int, bit_size: int, *, write_flags: Flags = DEFAULT) -> Operation:
    """Turn all bits of the range around."""
    return _modify(bin_name, None, 7, *span(bit_offset, bit_size), changing_flags(write_flags))


def lshift(
    bin_name: str, bit_offset: int, bit_size: int, shift: int, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Move the bits of the range to the left by `shift`; zeros follow."""
    return _modify(
        bin_name, None, 8, *span(bit_offset, bit_size), whole(shift, "shift"), changing_flags(write_flags)
    )


def rshift(
    bin_name: str, bit_offset: int, bit_size: int, shift: int, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Move the bits of the range to the right by `shift`; zeros follow."""
    return _modify(
        bin_name, None, 9, *span(bit_offset, bit_size), whole(shift, "shift"), changing_flags(write_flags)
    )


# Numbers in the bits ----------------------------------------------------------------------------------------


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
    flags = changing_flags(write_flags)
    how = overflow(action, signed)
    return _modify(bin_name, None, 10, *int_span(bit_offset, bit_size), whole(value, "value"), flags, how)


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
    flags = changing_flags(write_flags)
    how = overflow(action, signed)
    return _modify(bin_name, None, 11, *int_span(bit_offset, bit_size), whole(value, "value"), flags, how)


def set_int(
    bin_name: str, bit_offset: int, bit_size: int, value: int, *, write_flags: Flags = DEFAULT
) -> Operation:
    """Put a number of 1 to 64 bits into the range."""
    flags = changing_flags(write_flags)
    return _modify(bin_name, None, 12, *int_span(bit_offset, bit_size), whole(value, "value"), flags)


def get_int(bin_name: str, bit_offset: int, bit_size: int, *, signed: bool = False) -> Operation:
    """The number that the range, 1 to 64 bits, is; with `signed`, it may be negative."""
    sign = (SIGNED,) if truth(signed, "signed") else ()
    return _read(bin_name, None, 54, *int_span(bit_offset, bit_size), *sign)


# Reading ----------------------------------------------------------------------------------------------------


def get(bin_name: str, bit_offset: int, bit_size: int) -> Operation:
    """The bits of the range as bytes, from the highest bit on; zeros fill the last byte."""
    return _read(bin_name, None, 50, *span(bit_offset, bit_size))


def count(bin_name: str, bit_offset: int, bit_size: int) -> Operation:
    """How many bits of the range are set."""
    return _read(bin_name, None, 51, *span(bit_offset, bit_size))


def lscan(bin_name: str, bit_offset: int, bit_size: int, value: bool) -> Operation:
    """Where in the range the first bit is that is set (True) or not (False); -1 if there is none."""
    return _read(bin_name, None, 52, *span(bit_offset, bit_size), truth(value, "value"))


def rscan(bin_name: str, bit_offset: int, bit_size: int, value: bool) -> Operation:
    """Where in the range the last bit is that is set (True) or not (False); -1 if there is none."""
    return _read(bin_name, None, 53, *span(bit_offset, bit_size), truth(value, "value"))


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
    return _read(bin_name, ctx, 55, *encoded_range(byte_offset, byte_size, invert_size))


# Arguments, also of the expressions of the same names -------------------------------------------------------


def span(bit_offset: int, bit_size: int) -> tuple[int, int]:
    """A range of bits."""
    return whole(bit_offset, "bit_offset"), whole(bit_size, "bit_size")


def int_span(bit_offset: int, bit_size: int) -> tuple[int, int]:
    """A range of bits that is a number."""
    if not 1 <= whole(bit_size, "bit_size") <= MAX_INT_BITS:
        raise InvalidArgument(
            f"bit_size must be from 1 to {MAX_INT_BITS} for a number, not {shown(bit_size)}"
        )
    return whole(bit_offset, "bit_offset"), bit_size


def overflow(action: BitOverflowAction, signed: bool) -> int:
    """What to do with a result that does not fit, and whether it has a sign."""
    return member(action, BitOverflowAction, "action") | (SIGNED if truth(signed, "signed") else 0)


def creating_flags(write_flags: Flags) -> int:
    """The flags of what may create the bin."""
    flags = _flags(write_flags)
    if flags & Flags.PARTIAL:
        raise InvalidArgument("PARTIAL is not for resize and insert: they don't have a range")
    return flags


def changing_flags(write_flags: Flags) -> int:
    """The flags of what works on a bin that is there."""
    flags = _flags(write_flags)
    if flags & Flags.CREATE_ONLY:
        raise InvalidArgument("CREATE_ONLY is only for resize and insert: nothing else creates a bin")
    return flags


def _flags(write_flags: Flags) -> int:
    if write_flags is DEFAULT:
        return 0
    return write_flag_bits(write_flags, BitWriteFlags)


def encoded_range(byte_offset: int, byte_size: int | None, invert_size: bool) -> list[int]:
    """The range of bytes of `b64_encode`."""
    if byte_size is None:
        if truth(invert_size, "invert_size"):
            raise InvalidArgument("invert_size has no effect without byte_size")
        return [whole(byte_offset, "byte_offset")]
    return [whole(byte_offset, "byte_offset"), whole(byte_size, "byte_size"), *([1] if invert_size else [])]

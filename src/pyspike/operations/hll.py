"""Operations on HyperLogLogs: sketches that tell how many different values they have seen, and compare such
sets.

They share these arguments:

- `bin_name`: the bin, 1 to 15 bytes of UTF-8. HyperLogLogs in lists and maps can't be reached.
- `index_bit_count`: 4 to 16; each more halves the error's square and doubles the size. 12 is 4 KiB and some
  1.6 %.
- `min_hash_bit_count`: 4 to 51, or 0 for none; with it, the similarity of small intersections is closer.
  Together with the index bits at most 64.
- `values` of operations that compare: `HyperLogLog`s as they were read from bins.
- `write_flags`: `HLLWriteFlags`.

An argument of a wrong type raises `InvalidType`, one out of range `InvalidArgument`. When run, on another
type of bin: `BinTypeError`. A missing bin reads as None.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspike._wire import Operation
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.operations.building import maker
from pyspike.operations.checks import items, whole, write_flag_bits
from pyspike.operations.enums import HLLWriteFlags, OpCode
from pyspike.showing import shown

__all__ = [
    "HLLWriteFlags",
    "add",
    "describe",
    "fold",
    "get_count",
    "get_intersect_count",
    "get_similarity",
    "get_union",
    "get_union_count",
    "init",
    "may_contain",
    "refresh_count",
    "set_union",
]

NOT_GIVEN = -1
INDEX_BITS = range(4, 17)
MIN_HASH_BITS = range(4, 52)  # or 0
MAX_BITS = 64  # of both together

Flags = HLLWriteFlags
DEFAULT = HLLWriteFlags.DEFAULT

_read = maker(OpCode.HLL_READ)
_modify = maker(OpCode.HLL_MODIFY, write=True)


# Writing ----------------------------------------------------------------------------------------------------


def init(
    bin_name: str,
    index_bit_count: int | None = None,
    min_hash_bit_count: int | None = None,
    *,
    write_flags: Flags = DEFAULT,
) -> Operation:
    """Create an empty HyperLogLog, or empty one that is there. Gives None.

    Args:
        bin_name: the bin.
        index_bit_count: 4 to 16; None keeps those of the bin.
        min_hash_bit_count: 0 or 4 to 51; None keeps those of the bin, or means none.
        write_flags: CREATE_ONLY, UPDATE_ONLY, NO_FAIL.

    Raises (when run):
        OpNotApplicable: the bin is missing and `index_bit_count` too.
    """
    flags = flags_of(write_flags, Flags.CREATE_ONLY | Flags.UPDATE_ONLY | Flags.NO_FAIL)
    return _modify(bin_name, None, 0, *bits(index_bit_count, min_hash_bit_count), flags)


def add(
    bin_name: str,
    values: Iterable[object],
    index_bit_count: int | None = None,
    min_hash_bit_count: int | None = None,
    *,
    write_flags: Flags = DEFAULT,
) -> Operation:
    """Add values. Gives how many of them changed the sketch, a lower bound of how many are new.

    Args:
        bin_name: the bin; a missing one is created if `index_bit_count` is given.
        values: no lists or dicts; at least one.
        index_bit_count: 4 to 16, for a new bin.
        min_hash_bit_count: 0 or 4 to 51, for a new bin.
        write_flags: CREATE_ONLY, NO_FAIL.

    Raises (when run):
        OpNotApplicable: the bin is missing and `index_bit_count` too.
    """
    flags = flags_of(write_flags, Flags.CREATE_ONLY | Flags.NO_FAIL)
    return _modify(bin_name, None, 1, scalars(values), *bits(index_bit_count, min_hash_bit_count), flags)


def set_union(bin_name: str, values: Iterable[bytes], *, write_flags: Flags = DEFAULT) -> Operation:
    """Turn the bin into the union of itself and others; a missing bin is created. Gives None.

    Args:
        bin_name: the bin.
        values: the other `HyperLogLog`s.
        write_flags: all of `HLLWriteFlags`.

    Raises (when run):
        OpNotApplicable: one has fewer index bits than the bin, and `write_flags` lacks ALLOW_FOLD.
    """
    return _modify(bin_name, None, 2, sketches(values), flags_of(write_flags))


def refresh_count(bin_name: str) -> Operation:
    """Bring the count that is kept in the bin up to date, and give it.

    Raises (when run):
        BinNotFound: the bin is missing.
    """
    return _modify(bin_name, None, 3)


def fold(bin_name: str, index_bit_count: int) -> Operation:
    """Reduce the index bits of a HyperLogLog without min-hash bits. Gives None.

    Raises (when run):
        OpNotApplicable: the bin has fewer index bits, or min-hash bits.
        BinNotFound: the bin is missing.
    """
    return _modify(bin_name, None, 4, *bits(index_bit_count, None)[:1])


# Reading ----------------------------------------------------------------------------------------------------


def get_count(bin_name: str) -> Operation:
    """How many different values it has seen, about."""
    return _read(bin_name, None, 50)


def get_union(bin_name: str, values: Iterable[bytes]) -> Operation:
    """The union of the bin and others, a `HyperLogLog`."""
    return _read(bin_name, None, 51, sketches(values))


def get_union_count(bin_name: str, values: Iterable[bytes]) -> Operation:
    """How many different values the bin and others have seen together, about."""
    return _read(bin_name, None, 52, sketches(values))


def get_intersect_count(bin_name: str, values: Iterable[bytes]) -> Operation:
    """How many different values all of them have seen, about.

    Raises (when run):
        RequestInvalid: more than two without equal min-hash bits.
    """
    return _read(bin_name, None, 53, sketches(values))


def get_similarity(bin_name: str, values: Iterable[bytes]) -> Operation:
    """How similar they are, 0.0 to 1.0: the size of the intersection by that of the union.

    Raises (when run):
        RequestInvalid: more than two without equal min-hash bits.
    """
    return _read(bin_name, None, 54, sketches(values))


def describe(bin_name: str) -> Operation:
    """The bin's index bits and min-hash bits, a list of two ints."""
    return _read(bin_name, None, 55)


def may_contain(bin_name: str, values: Iterable[object]) -> Operation:
    """1 if all values may have been seen, 0 if one has certainly not."""
    return _read(bin_name, None, 56, scalars(values))


# Arguments, also of the expressions of the same names -------------------------------------------------------


def bits(index_bit_count: int | None, min_hash_bit_count: int | None) -> tuple[int, int]:
    """The sizes of a HyperLogLog."""
    index, min_hash = NOT_GIVEN, NOT_GIVEN
    if index_bit_count is not None:
        index = whole(index_bit_count, "index_bit_count")
        if index not in INDEX_BITS:
            raise InvalidArgument(f"index_bit_count must be from 4 to 16, not {shown(index)}")
    if min_hash_bit_count is not None:
        min_hash = whole(min_hash_bit_count, "min_hash_bit_count")
        if index_bit_count is None:
            raise InvalidArgument("min_hash_bit_count needs index_bit_count")
        if min_hash and min_hash not in MIN_HASH_BITS:
            raise InvalidArgument(f"min_hash_bit_count must be 0 or from 4 to 51, not {shown(min_hash)}")
        if index + min_hash > MAX_BITS:
            raise InvalidArgument(
                f"index and min-hash bits are {index + min_hash}, the server allows {MAX_BITS}"
            )
    return index, min_hash


def flags_of(write_flags: Flags, allowed: Flags = ~DEFAULT) -> int:
    """The flags that the operation allows."""
    if write_flags is DEFAULT:
        return 0
    flags = write_flag_bits(write_flags, HLLWriteFlags)
    if flags & ~allowed:
        raise InvalidArgument(f"write_flags {shown(write_flags)}: this operation takes {allowed!r}")
    return flags


def scalars(values: Iterable[Any]) -> list[Any]:
    """Values that can be hashed: no lists and dicts."""
    chosen = items(values, "values")
    if not chosen:
        raise InvalidArgument("values is empty")
    for value in chosen:
        if isinstance(value, (list, tuple, dict)):
            raise InvalidType(
                f"values can't hold a {type(value).__name__}: a HyperLogLog takes no lists and maps"
            )
    return chosen


def sketches(values: Iterable[Any]) -> list[bytes]:
    """HyperLogLogs."""
    chosen = items(values, "values")
    if not chosen:
        raise InvalidArgument("values is empty")
    for value in chosen:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise InvalidType(f"values must hold HyperLogLog, not {shown(value)}")
    return chosen

"""Operations on HyperLogLogs: sketches that tell how many different values they have seen, and compare such
sets.

To be had by `from pyspike.operations import hll`, or as `operations.hll`.

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

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Iterable

from pyspike._wire import Argument, Operation
from pyspike.cdt.enums import CREATE_ONLY, UPDATE_ONLY, HLLWriteFlags
from pyspike.cdt.opcodes import HLLOp, OpCode
from pyspike.cdt.rules import hll_flags, hll_sizes, scalars, sketches
from pyspike.operations.maker import checked, in_bin, members, together
from pyspike.values import HyperLogLog

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

Flags = HLLWriteFlags
DEFAULT = HLLWriteFlags.DEFAULT


def _flags(allowed: Flags) -> Argument:
    number = members(HLLWriteFlags, allowed, apart=CREATE_ONLY | UPDATE_ONLY)
    return checked("write_flags", lambda flags, _: hll_flags(flags, allowed), number=number)[1]


_KINDS = (
    checked("values", lambda values, _: sketches(values), HyperLogLog, each=True),
    together("index_bit_count min_hash_bit_count", hll_sizes),
    checked("index_bit_count", lambda count, _: hll_sizes(count, None)[0]),
)
_SCALARS = checked("values", lambda values, _: scalars(values), str, int, float, bytes, each=True)[1]

_read = in_bin(OpCode.HLL_READ, _KINDS)
_modify = in_bin(OpCode.HLL_MODIFY, _KINDS, write=True)


# Writing ----------------------------------------------------------------------------------------------------


@_modify(HLLOp.INIT, write_flags=_flags(Flags.CREATE_ONLY | Flags.UPDATE_ONLY | Flags.NO_FAIL))
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
    ...


@_modify(HLLOp.ADD, values=_SCALARS, write_flags=_flags(Flags.CREATE_ONLY | Flags.NO_FAIL))
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
    ...


@_modify(HLLOp.SET_UNION, write_flags=_flags(~DEFAULT))
def set_union(bin_name: str, values: Iterable[bytes], *, write_flags: Flags = DEFAULT) -> Operation:
    """Turn the bin into the union of itself and others; a missing bin is created. Gives None.

    Args:
        bin_name: the bin.
        values: the other `HyperLogLog`s.
        write_flags: all of `HLLWriteFlags`.

    Raises (when run):
        OpNotApplicable: one has fewer index bits than the bin, and `write_flags` lacks ALLOW_FOLD.
    """
    ...


@_modify(HLLOp.REFRESH_COUNT)
def refresh_count(bin_name: str) -> Operation:
    """Bring the count that is kept in the bin up to date, and give it.

    Raises (when run):
        BinNotFound: the bin is missing.
    """
    ...


@_modify(HLLOp.FOLD)
def fold(bin_name: str, index_bit_count: int) -> Operation:
    """Reduce the index bits of a HyperLogLog without min-hash bits. Gives None.

    Raises (when run):
        OpNotApplicable: the bin has fewer index bits, or min-hash bits.
        BinNotFound: the bin is missing.
    """
    ...


# Reading ----------------------------------------------------------------------------------------------------


@_read(HLLOp.GET_COUNT)
def get_count(bin_name: str) -> Operation:
    """How many different values it has seen, about."""
    ...


@_read(HLLOp.GET_UNION)
def get_union(bin_name: str, values: Iterable[bytes]) -> Operation:
    """The union of the bin and others, a `HyperLogLog`."""
    ...


@_read(HLLOp.GET_UNION_COUNT)
def get_union_count(bin_name: str, values: Iterable[bytes]) -> Operation:
    """How many different values the bin and others have seen together, about."""
    ...


@_read(HLLOp.GET_INTERSECT_COUNT)
def get_intersect_count(bin_name: str, values: Iterable[bytes]) -> Operation:
    """How many different values all of them have seen, about.

    Raises (when run):
        RequestInvalid: more than two without equal min-hash bits.
    """
    ...


@_read(HLLOp.GET_SIMILARITY)
def get_similarity(bin_name: str, values: Iterable[bytes]) -> Operation:
    """How similar they are, 0.0 to 1.0: the size of the intersection by that of the union.

    Raises (when run):
        RequestInvalid: more than two without equal min-hash bits.
    """
    ...


@_read(HLLOp.DESCRIBE)
def describe(bin_name: str) -> Operation:
    """The bin's index bits and min-hash bits, a list of two ints."""
    ...


@_read(HLLOp.MAY_CONTAIN, values=_SCALARS)
def may_contain(bin_name: str, values: Iterable[object]) -> Operation:
    """1 if all values may have been seen, 0 if one has certainly not."""
    ...

"""What the server allows in the arguments of one kind of value, beyond their types.

Each rule is for an operation and for the expression of the same name. Where arguments go together, one
function takes them all and gives what is sent for them: a number, or a tuple of several or none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspike.cdt.checks import flag_bits, index_bit, items, member, text, truth, whole, write_flag_bits
from pyspike.cdt.enums import (
    PATH_NO_FAIL,
    SIGNED,
    BitOverflowAction,
    BitWriteFlags,
    HLLWriteFlags,
    ListSortFlags,
    MapOrder,
    MapReturnType,
    StringRegexFlags,
    StringWriteFlags,
)
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown

# Lists and maps ---------------------------------------------------------------------------------------------

# Return types with which an inverted selection by no keys or no values ends the process of server 8.1.2.
_CRASHES_IF_EMPTY = frozenset(
    (
        MapReturnType.KEY,
        MapReturnType.VALUE,
        MapReturnType.KEY_VALUE,
        MapReturnType.UNORDERED_MAP,
        MapReturnType.ORDERED_MAP,
    )
)


SORT_APART = ListSortFlags.DESCENDING | ListSortFlags.DROP_DUPLICATES  # which exclude each other


def sort_bits(flags: ListSortFlags) -> int:
    """How to sort a list."""
    bits = flag_bits(flags, ListSortFlags, "flags")
    if bits == SORT_APART:
        raise InvalidArgument(
            "flags: DESCENDING and DROP_DUPLICATES exclude each other",
            advice="drop duplicates first, then sort again",
        )
    return bits


def map_order_bits(order: MapOrder, persist_index: bool, ctx: object) -> int:
    """The order of a map, with the bit for an index that the server stores with it."""
    number = member(order, MapOrder, "order")
    index = index_bit(persist_index, ctx, "map")
    if index and number == MapOrder.UNORDERED:
        raise InvalidArgument("an unordered map has no index to persist", advice="give an order")
    return number | index


def ends_servers(is_empty: bool, return_type: int, inverted: bool) -> bool:
    """Whether a selection of map entries by a list ends the process of some servers."""
    return is_empty and bool(inverted) and return_type in _CRASHES_IF_EMPTY


def no_fail_bit(no_fail: bool) -> int:
    """The flag of a path for elements for which an expression can't be evaluated."""
    return PATH_NO_FAIL if truth(no_fail, "no_fail") else 0


# Bits -------------------------------------------------------------------------------------------------------

MAX_INT_BITS = 64


def int_size(bit_size: int) -> int:
    """The size of a range of bits that is a number."""
    size = whole(bit_size, "bit_size")
    if not 1 <= size <= MAX_INT_BITS:
        raise InvalidArgument(f"bit_size must be from 1 to {MAX_INT_BITS} for a number, not {shown(size)}")
    return size


def overflow(action: BitOverflowAction, signed: bool) -> int:
    """What to do with a result that does not fit, and whether it has a sign."""
    return member(action, BitOverflowAction, "action") | (SIGNED if truth(signed, "signed") else 0)


def bit_creating_flags(write_flags: BitWriteFlags) -> int:
    """The write flags of what may create a blob bin."""
    flags = write_flag_bits(write_flags, BitWriteFlags)
    if flags & BitWriteFlags.PARTIAL:
        raise InvalidArgument("PARTIAL is not for resize and insert: they don't have a range")
    return flags


def bit_changing_flags(write_flags: BitWriteFlags) -> int:
    """The write flags of what works on a blob bin that is there."""
    flags = write_flag_bits(write_flags, BitWriteFlags)
    if flags & BitWriteFlags.CREATE_ONLY:
        raise InvalidArgument("CREATE_ONLY is only for resize and insert: nothing else creates a bin")
    return flags


# HyperLogLogs -----------------------------------------------------------------------------------------------

_NOT_GIVEN = -1
_INDEX_BITS = range(4, 17)
_MIN_HASH_BITS = range(4, 52)  # or 0
_MAX_BITS = 64  # of both together


def hll_sizes(index_bit_count: int | None, min_hash_bit_count: int | None) -> tuple[int, int]:
    """The sizes of a HyperLogLog."""
    index, min_hash = _NOT_GIVEN, _NOT_GIVEN
    if index_bit_count is not None:
        index = whole(index_bit_count, "index_bit_count")
        if index not in _INDEX_BITS:
            raise InvalidArgument(f"index_bit_count must be from 4 to 16, not {shown(index)}")
    if min_hash_bit_count is not None:
        min_hash = whole(min_hash_bit_count, "min_hash_bit_count")
        if index_bit_count is None:
            raise InvalidArgument("min_hash_bit_count needs index_bit_count")
        if min_hash and min_hash not in _MIN_HASH_BITS:
            raise InvalidArgument(f"min_hash_bit_count must be 0 or from 4 to 51, not {shown(min_hash)}")
        if index + min_hash > _MAX_BITS:
            raise InvalidArgument(
                f"index and min-hash bits are {index + min_hash}, the server allows {_MAX_BITS}"
            )
    return index, min_hash


def hll_flags(write_flags: HLLWriteFlags, allowed: HLLWriteFlags) -> int:
    """The write flags of an operation that takes some of them."""
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


# Strings ----------------------------------------------------------------------------------------------------


def texts(values: Iterable[Any]) -> list[str]:
    """Several texts."""
    return [text(value, "values") for value in items(values, "values")]


def regex_bits(regex_flags: StringRegexFlags) -> int:
    """How a regular expression matches."""
    return flag_bits(regex_flags, StringRegexFlags, "regex_flags")


def string_creating_flags(write_flags: StringWriteFlags, ctx: object = None) -> int:
    """The write flags of what may create a string bin."""
    flags = write_flag_bits(write_flags, StringWriteFlags)
    if flags & StringWriteFlags.CREATE_ONLY and ctx:
        raise InvalidArgument("CREATE_ONLY is for bins, not for strings inside lists and maps")
    return flags


def string_changing_flags(write_flags: StringWriteFlags) -> int:
    """The write flags of what works on a string that is there."""
    flags = write_flag_bits(write_flags, StringWriteFlags)
    if flags & StringWriteFlags.CREATE_ONLY:
        raise InvalidArgument(
            "CREATE_ONLY is for what can create: insert, overwrite, concat, append, prepend, pad and repeat"
        )
    return flags


def snip_flags(end: object, write_flags: StringWriteFlags) -> tuple[int, ...]:
    """The write flags of `snip`: arguments go by their places, so none may follow an end that is left out."""
    flags = string_changing_flags(write_flags)
    if end is not None:
        return (flags,)
    if flags:
        raise InvalidArgument("snip takes write_flags only together with end", advice="give end")
    return ()

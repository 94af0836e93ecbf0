"""Operations on lists: those that work on positions, and `get_by_...` and `remove_by_...`, which select
elements.

They share these arguments:

- `bin_name`: the bin, 1 to 15 bytes of UTF-8.
- `ctx`: contexts that lead to a list inside the bin, outermost first; without them it is the bin's own list.
- `index` and `rank`: 0 is the first and the smallest, -1 the last and the largest.
- `count`: how many elements from there; None, the default, is all that follow.
- `value`, `values`: what is put in or looked for: whatever a bin can hold.
- `order`: of a list that the operation creates. A list that exists keeps its own.
- `write_flags`: `ListWriteFlags`.
- `return_type`: what to give for the selected elements, see `ListReturnType`.
- `inverted`: whether to select all others instead.

An argument of a wrong type raises `InvalidType`, one out of range `InvalidArgument`. When run, on a bin or
element that is no list: `BinTypeError`; where a context leads nowhere, or a position is behind the end of
the list: `OpNotApplicable`. A missing bin reads as None.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspike._wire import Operation
from pyspike.errors import InvalidArgument
from pyspike.operations.building import maker
from pyspike.operations.checks import (
    flag_bits,
    index_bit,
    items,
    member,
    number,
    selection,
    text,
    truth,
    whole,
)
from pyspike.operations.context import (
    CREATE_ORDERED,
    CREATE_PADDED,
    CREATE_UNORDERED,
    Ctx,
    creating,
)
from pyspike.operations.enums import (
    ListOrder,
    ListReturnType,
    ListSortFlags,
    ListWriteFlags,
    OpCode,
)

__all__ = [
    "ListOrder",
    "ListReturnType",
    "ListSortFlags",
    "ListWriteFlags",
    "append",
    "append_items",
    "clear",
    "create",
    "get",
    "get_by_index",
    "get_by_index_range",
    "get_by_rank",
    "get_by_rank_range",
    "get_by_value",
    "get_by_value_list",
    "get_by_value_range",
    "get_by_value_relative_rank_range",
    "get_range",
    "increment",
    "insert",
    "insert_items",
    "join",
    "pop",
    "pop_range",
    "remove",
    "remove_by_index",
    "remove_by_index_range",
    "remove_by_rank",
    "remove_by_rank_range",
    "remove_by_value",
    "remove_by_value_list",
    "remove_by_value_range",
    "remove_by_value_relative_rank_range",
    "remove_range",
    "set",
    "set_order",
    "size",
    "sort",
    "trim",
]


Return = ListReturnType


_read = maker(OpCode.CDT_READ, respond_all=False)
_modify = maker(OpCode.CDT_MODIFY, write=True, respond_all=False)


def _order(order: ListOrder, persist_index: bool, ctx: Ctx) -> int:
    return member(order, ListOrder, "order") | index_bit(persist_index, ctx, "list")


def _policy(order: ListOrder | None, write_flags: ListWriteFlags | None) -> tuple[int, ...]:
    """What follows the arguments of a write that may create the list; nothing if all is default."""
    if order is None and write_flags is None:
        return ()
    return (
        0 if order is None else member(order, ListOrder, "order"),
        0 if write_flags is None else flag_bits(write_flags, ListWriteFlags, "write_flags"),
    )


def _flags(write_flags: ListWriteFlags | None) -> tuple[int, ...]:
    return () if write_flags is None else (flag_bits(write_flags, ListWriteFlags, "write_flags"),)


def _count(count: int | None) -> tuple[int, ...]:
    return () if count is None else (whole(count, "count"),)


# The list itself --------------------------------------------------------------------------------------------


def create(
    bin_name: str,
    order: ListOrder = ListOrder.UNORDERED,
    *,
    pad: bool = False,
    persist_index: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Create an empty list; one that is there gets this order. Gives None.

    Args:
        bin_name: the bin.
        order: the list's order.
        pad: whether the last context may be an index behind the end; None is put before it. Needs `ctx`,
            not for an ordered list.
        persist_index: whether the server stores an index of the list's elements with it. Not with `ctx`.
        ctx: where to create it; the last leads to the new list.
    """
    ordered = _order(order, persist_index, ctx)
    if not ctx:
        if truth(pad, "pad"):
            raise InvalidArgument("pad has no effect without ctx")
        return _modify(bin_name, None, 0, ordered)
    if ordered:
        if truth(pad, "pad"):
            raise InvalidArgument("an ordered list can't be padded", advice="leave out pad, or order")
        return _modify(bin_name, creating(ctx, CREATE_ORDERED), 0, ordered)
    flag = CREATE_PADDED if truth(pad, "pad") else CREATE_UNORDERED
    return _modify(bin_name, creating(ctx, flag), 0, ordered)


def set_order(bin_name: str, order: ListOrder, *, persist_index: bool = False, ctx: Ctx = None) -> Operation:
    """Give a list another order, sorting it if need be. Gives None.

    Args:
        bin_name: the bin.
        order: the list's new order.
        persist_index: whether the server stores an index of the list's elements with it. Not with `ctx`.
        ctx: the way to a list inside the bin.
    """
    return _modify(bin_name, ctx, 0, _order(order, persist_index, ctx))


def sort(bin_name: str, flags: ListSortFlags = ListSortFlags.DEFAULT, *, ctx: Ctx = None) -> Operation:
    """Sort a list. Gives None.

    Args:
        bin_name: the bin.
        flags: DESCENDING or DROP_DUPLICATES; the server can't do both at once.
        ctx: the way to a list inside the bin.
    """
    return _modify(bin_name, ctx, 13, sort_bits(flags))


def clear(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Remove all elements; the list keeps its order. Gives None."""
    return _modify(bin_name, ctx, 11)


def size(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many elements a list has."""
    return _read(bin_name, ctx, 16)


def join(bin_name: str, separator: str | None = None, *, ctx: Ctx = None) -> Operation:
    """The strings of a list as one (server 8.2).

    Args:
        bin_name: the bin.
        separator: what to put between them.
        ctx: the way to a list inside the bin.
    """
    return _read(bin_name, ctx, 28, *(() if separator is None else (text(separator, "separator"),)))


# Writing elements -------------------------------------------------------------------------------------------


def append(
    bin_name: str,
    value: object,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Put a value at the end, in an ordered list at its place. Gives the list's new size.

    Raises (when run):
        ElementExists: the value is there already, and `write_flags` has ADD_UNIQUE.
    """
    return _modify(bin_name, ctx, 1, value, *_policy(order, write_flags))


def append_items(
    bin_name: str,
    values: Iterable[object],
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Put several values at the end, in an ordered list at their places. Gives the list's new size.

    Raises (when run):
        ElementExists: one is there already, and `write_flags` has ADD_UNIQUE.
    """
    return _modify(bin_name, ctx, 2, items(values, "values"), *_policy(order, write_flags))


def insert(
    bin_name: str,
    index: int,
    value: object,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Put a value before the one at `index`; behind the end, None fills the gap. Gives the list's new size.

    Raises (when run):
        OpNotApplicable: the list is ordered, or `index` is before its start, or behind its end and
            `write_flags` has INSERT_BOUNDED.
        ElementExists: the value is there already, and `write_flags` has ADD_UNIQUE.
    """
    return _modify(bin_name, ctx, 3, whole(index, "index"), value, *_flags(write_flags))


def insert_items(
    bin_name: str,
    index: int,
    values: Iterable[object],
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Put several values before the one at `index`. Gives the list's new size; see `insert` for errors."""
    return _modify(bin_name, ctx, 4, whole(index, "index"), items(values, "values"), *_flags(write_flags))


def set(  # noqa: A001 - the protocol's name
    bin_name: str,
    index: int,
    value: object,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Replace the element at `index`; behind the end, None fills the gap. Gives None; see `insert` for
    errors.
    """
    return _modify(bin_name, ctx, 9, whole(index, "index"), value, *_flags(write_flags))


def increment(
    bin_name: str,
    index: int,
    value: float = 1,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Add to the number at `index`; behind the end it counts as 0. Gives its new value.

    Args:
        bin_name: the bin.
        index: where the number is.
        value: what to add; a float's fraction is lost on an int element.
        order: of a list that is created.
        write_flags: `ListWriteFlags`.
        ctx: the way to a list inside the bin.

    Raises (when run):
        RequestInvalid: the element is no number.
    """
    return _modify(
        bin_name, ctx, 12, whole(index, "index"), number(value, "value"), *_policy(order, write_flags)
    )


# Positions --------------------------------------------------------------------------------------------------


def get(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """The element at `index`."""
    return _read(bin_name, ctx, 17, whole(index, "index"))


def get_range(bin_name: str, index: int, count: int | None = None, *, ctx: Ctx = None) -> Operation:
    """The elements from `index` on, as a list; what is not there is left out."""
    return _read(bin_name, ctx, 18, whole(index, "index"), *_count(count))


def pop(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """Remove the element at `index` and give it."""
    return _modify(bin_name, ctx, 5, whole(index, "index"))


def pop_range(bin_name: str, index: int, count: int | None = None, *, ctx: Ctx = None) -> Operation:
    """Remove the elements from `index` on and give them as a list."""
    return _modify(bin_name, ctx, 6, whole(index, "index"), *_count(count))


def remove(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """Remove the element at `index`. Gives how many were removed: 1."""
    return _modify(bin_name, ctx, 7, whole(index, "index"))


def remove_range(bin_name: str, index: int, count: int | None = None, *, ctx: Ctx = None) -> Operation:
    """Remove the elements from `index` on. Gives how many were removed."""
    return _modify(bin_name, ctx, 8, whole(index, "index"), *_count(count))


def trim(bin_name: str, index: int, count: int, *, ctx: Ctx = None) -> Operation:
    """Remove all but `count` elements from `index` on. Gives how many were removed."""
    return _modify(bin_name, ctx, 10, whole(index, "index"), whole(count, "count"))


# Selecting by position --------------------------------------------------------------------------------------


def get_by_index(
    bin_name: str, index: int, return_type: Return = Return.VALUE, *, ctx: Ctx = None
) -> Operation:
    """Give the element at `index`."""
    return _read(bin_name, ctx, 19, _single(return_type), whole(index, "index"))


def get_by_index_range(
    bin_name: str,
    index: int,
    count: int | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the elements from `index` on."""
    return _read(bin_name, ctx, 24, _several(return_type, inverted), whole(index, "index"), *_count(count))


def get_by_rank(
    bin_name: str, rank: int, return_type: Return = Return.VALUE, *, ctx: Ctx = None
) -> Operation:
    """Give the element of this rank."""
    return _read(bin_name, ctx, 21, _single(return_type), whole(rank, "rank"))


def get_by_rank_range(
    bin_name: str,
    rank: int,
    count: int | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the elements from this rank on."""
    return _read(bin_name, ctx, 26, _several(return_type, inverted), whole(rank, "rank"), *_count(count))


def remove_by_index(
    bin_name: str, index: int, return_type: Return = Return.COUNT, *, ctx: Ctx = None
) -> Operation:
    """Remove the element at `index`."""
    return _modify(bin_name, ctx, 32, _single(return_type), whole(index, "index"))


def remove_by_index_range(
    bin_name: str,
    index: int,
    count: int | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the elements from `index` on."""
    return _modify(bin_name, ctx, 37, _several(return_type, inverted), whole(index, "index"), *_count(count))


def remove_by_rank(
    bin_name: str, rank: int, return_type: Return = Return.COUNT, *, ctx: Ctx = None
) -> Operation:
    """Remove the element of this rank."""
    return _modify(bin_name, ctx, 34, _single(return_type), whole(rank, "rank"))


def remove_by_rank_range(
    bin_name: str,
    rank: int,
    count: int | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the elements from this rank on."""
    return _modify(bin_name, ctx, 39, _several(return_type, inverted), whole(rank, "rank"), *_count(count))


# Selecting by value -----------------------------------------------------------------------------------------


def get_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all elements that equal `value`; in a list to compare with, WILDCARD equals what follows."""
    return _read(bin_name, ctx, 22, _several(return_type, inverted), value)


def get_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all elements that equal one of `values`."""
    return _read(bin_name, ctx, 23, _several(return_type, inverted), items(values, "values"))


def get_by_value_range(
    bin_name: str,
    begin: object = None,
    end: object = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the elements from `begin` to just below `end`; None leaves that side open."""
    return _read(bin_name, ctx, 25, _several(return_type, inverted), begin, *_end(end))


def get_by_value_relative_rank_range(
    bin_name: str,
    value: object,
    rank: int,
    count: int | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the elements from this rank on, counted from `value`: 0 is the smallest not below it."""
    selected = _several(return_type, inverted)
    return _read(bin_name, ctx, 27, selected, value, whole(rank, "rank"), *_count(count))


def remove_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all elements that equal `value`; in a list to compare with, WILDCARD equals what follows."""
    return _modify(bin_name, ctx, 35, _several(return_type, inverted), value)


def remove_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all elements that equal one of `values`."""
    return _modify(bin_name, ctx, 36, _several(return_type, inverted), items(values, "values"))


def remove_by_value_range(
    bin_name: str,
    begin: object = None,
    end: object = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the elements from `begin` to just below `end`; None leaves that side open."""
    return _modify(bin_name, ctx, 38, _several(return_type, inverted), begin, *_end(end))


def remove_by_value_relative_rank_range(
    bin_name: str,
    value: object,
    rank: int,
    count: int | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the elements from this rank on, counted from `value`: 0 is the smallest not below it."""
    selected = _several(return_type, inverted)
    return _modify(bin_name, ctx, 40, selected, value, whole(rank, "rank"), *_count(count))


def sort_bits(flags: ListSortFlags) -> int:
    """How to sort, as a number; also for the expression of the same name."""
    bits = flag_bits(flags, ListSortFlags, "flags")
    if bits == ListSortFlags.DESCENDING | ListSortFlags.DROP_DUPLICATES:
        raise InvalidArgument(
            "flags: DESCENDING and DROP_DUPLICATES exclude each other",
            advice="drop duplicates first, then sort again",
        )
    return bits


def _single(return_type: Return) -> int:
    return return_type if type(return_type) is Return else member(return_type, Return, "return_type")


def _several(return_type: Return, inverted: bool) -> int:
    if inverted is False and type(return_type) is Return:
        return return_type
    return selection(return_type, Return, inverted)


def _end(end: object) -> tuple[object, ...]:
    """The end of an interval; left out, it is open (a nil there would be below everything)."""
    return () if end is None else (end,)

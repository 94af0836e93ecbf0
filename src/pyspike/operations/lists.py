"""Operations on lists: those that work on positions, and `get_by_...` and `remove_by_...`, which select
elements.

To be had by `from pyspike.operations import lists`, or as `operations.lists`.

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

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Iterable

from pyspike._wire import Operation
from pyspike.cdt.checks import flag_bits, index_bit, items, member, number, text, truth, whole
from pyspike.cdt.context import Ctx, creating
from pyspike.cdt.enums import PERSIST_INDEX, ListOrder, ListReturnType, ListSortFlags, ListWriteFlags
from pyspike.cdt.opcodes import ListCreate, ListOp, OpCode
from pyspike.cdt.rules import SORT_APART, sort_bits
from pyspike.errors import InvalidArgument
from pyspike.operations.maker import added, anything, checked, in_bin, members, selecting, together

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


_KINDS = (
    checked("index", whole, int),
    checked("rank", whole, int),
    checked("count", whole, int, optional=True),
    anything("value"),
    checked("values", items, list),
    anything("begin"),
    anything("end", optional=True),
    together(
        "order write_flags",
        _policy,
        numbers=(members(ListOrder, optional=True), members(ListWriteFlags, optional=True)),
    ),
    together(
        "order",
        _order,
        "order",
        "persist_index",
        numbers=(members(ListOrder), added(PERSIST_INDEX)),
        also=("ctx",),
    ),
    checked(
        "write_flags",
        lambda flags, name: flag_bits(flags, ListWriteFlags, name),
        optional=True,
        number=members(ListWriteFlags),
    ),
    checked("flags", lambda flags, _: sort_bits(flags), number=members(ListSortFlags, apart=SORT_APART)),
    checked("separator", text, str, optional=True),
    *selecting(Return),
)
_NUMBER = checked("value", number, int, float)[1]

_read = in_bin(OpCode.CDT_READ, _KINDS, respond_all=False)
_modify = in_bin(OpCode.CDT_MODIFY, _KINDS, write=True, respond_all=False)


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
    padded = truth(pad, "pad")
    if not ctx:
        if padded:
            raise InvalidArgument("pad has no effect without ctx")
        return set_order(bin_name, order, persist_index=persist_index)
    if ordered and padded:
        raise InvalidArgument("an ordered list can't be padded", advice="leave out pad, or order")
    flag = ListCreate.PADDED if padded else ListCreate.ORDERED if ordered else ListCreate.UNORDERED
    return set_order(bin_name, order, ctx=creating(ctx, flag))


@_modify(ListOp.CREATE)
def set_order(bin_name: str, order: ListOrder, *, persist_index: bool = False, ctx: Ctx = None) -> Operation:
    """Give a list another order, sorting it if need be. Gives None.

    Args:
        bin_name: the bin.
        order: the list's new order.
        persist_index: whether the server stores an index of the list's elements with it. Not with `ctx`.
        ctx: the way to a list inside the bin.
    """
    ...


@_modify(ListOp.SORT)
def sort(bin_name: str, flags: ListSortFlags = ListSortFlags.DEFAULT, *, ctx: Ctx = None) -> Operation:
    """Sort a list. Gives None.

    Args:
        bin_name: the bin.
        flags: DESCENDING or DROP_DUPLICATES; the server can't do both at once.
        ctx: the way to a list inside the bin.
    """
    ...


@_modify(ListOp.CLEAR)
def clear(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Remove all elements; the list keeps its order. Gives None."""
    ...


@_read(ListOp.SIZE)
def size(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many elements a list has."""
    ...


@_read(ListOp.JOIN)
def join(bin_name: str, separator: str | None = None, *, ctx: Ctx = None) -> Operation:
    """The strings of a list as one (server 8.2).

    Args:
        bin_name: the bin.
        separator: what to put between them.
        ctx: the way to a list inside the bin.
    """
    ...


# Writing elements -------------------------------------------------------------------------------------------


@_modify(ListOp.APPEND)
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
    ...


@_modify(ListOp.APPEND_ITEMS)
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
    ...


@_modify(ListOp.INSERT)
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
    ...


@_modify(ListOp.INSERT_ITEMS)
def insert_items(
    bin_name: str,
    index: int,
    values: Iterable[object],
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Operation:
    """Put several values before the one at `index`. Gives the list's new size; see `insert` for errors."""
    ...


@_modify(ListOp.SET)
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
    ...


@_modify(ListOp.INCREMENT, value=_NUMBER)
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
    ...


# Positions --------------------------------------------------------------------------------------------------


@_read(ListOp.GET)
def get(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """The element at `index`."""
    ...


@_read(ListOp.GET_RANGE)
def get_range(bin_name: str, index: int, count: int | None = None, *, ctx: Ctx = None) -> Operation:
    """The elements from `index` on, as a list; what is not there is left out."""
    ...


@_modify(ListOp.POP)
def pop(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """Remove the element at `index` and give it."""
    ...


@_modify(ListOp.POP_RANGE)
def pop_range(bin_name: str, index: int, count: int | None = None, *, ctx: Ctx = None) -> Operation:
    """Remove the elements from `index` on and give them as a list."""
    ...


@_modify(ListOp.REMOVE)
def remove(bin_name: str, index: int, *, ctx: Ctx = None) -> Operation:
    """Remove the element at `index`. Gives how many were removed: 1."""
    ...


@_modify(ListOp.REMOVE_RANGE)
def remove_range(bin_name: str, index: int, count: int | None = None, *, ctx: Ctx = None) -> Operation:
    """Remove the elements from `index` on. Gives how many were removed."""
    ...


@_modify(ListOp.TRIM)
def trim(bin_name: str, index: int, count: int, *, ctx: Ctx = None) -> Operation:
    """Remove all but `count` elements from `index` on. Gives how many were removed."""
    ...


# Selecting by position --------------------------------------------------------------------------------------


@_read(ListOp.GET_BY_INDEX)
def get_by_index(
    bin_name: str, index: int, return_type: Return = Return.VALUE, *, ctx: Ctx = None
) -> Operation:
    """Give the element at `index`."""
    ...


@_read(ListOp.GET_BY_INDEX_RANGE)
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
    ...


@_read(ListOp.GET_BY_RANK)
def get_by_rank(
    bin_name: str, rank: int, return_type: Return = Return.VALUE, *, ctx: Ctx = None
) -> Operation:
    """Give the element of this rank."""
    ...


@_read(ListOp.GET_BY_RANK_RANGE)
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
    ...


@_modify(ListOp.REMOVE_BY_INDEX)
def remove_by_index(
    bin_name: str, index: int, return_type: Return = Return.COUNT, *, ctx: Ctx = None
) -> Operation:
    """Remove the element at `index`."""
    ...


@_modify(ListOp.REMOVE_BY_INDEX_RANGE)
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
    ...


@_modify(ListOp.REMOVE_BY_RANK)
def remove_by_rank(
    bin_name: str, rank: int, return_type: Return = Return.COUNT, *, ctx: Ctx = None
) -> Operation:
    """Remove the element of this rank."""
    ...


@_modify(ListOp.REMOVE_BY_RANK_RANGE)
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
    ...


# Selecting by value -----------------------------------------------------------------------------------------


@_read(ListOp.GET_BY_VALUE)
def get_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all elements that equal `value`; in a list to compare with, WILDCARD equals what follows."""
    ...


@_read(ListOp.GET_BY_VALUE_LIST)
def get_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all elements that equal one of `values`."""
    ...


@_read(ListOp.GET_BY_VALUE_RANGE)
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
    ...


@_read(ListOp.GET_BY_VALUE_RELATIVE_RANK_RANGE)
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
    ...


@_modify(ListOp.REMOVE_BY_VALUE)
def remove_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all elements that equal `value`; in a list to compare with, WILDCARD equals what follows."""
    ...


@_modify(ListOp.REMOVE_BY_VALUE_LIST)
def remove_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all elements that equal one of `values`."""
    ...


@_modify(ListOp.REMOVE_BY_VALUE_RANGE)
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
    ...


@_modify(ListOp.REMOVE_BY_VALUE_RELATIVE_RANK_RANGE)
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
    ...

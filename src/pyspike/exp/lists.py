"""Lists inside expressions, by the names of `pyspike.operations.lists`.

They share these arguments:

- `source`: a list; a str names a list bin. With `ctx`, the list or map that its first context looks in.
- `ctx`: contexts that lead to a list inside the source.
- `index`, `rank`, `count`, `value` and so on: expressions too. A `count` of None means all that follow.
- `values`: a list. `order` and `write_flags`: as for the operation of the same name.
- `return_type`: what to give for the selected elements, see `ListReturnType`.
- `value_type`: the type of a single element that is given, an `ExpType` or int, str and so on.
- `inverted`: whether to select all others instead.

What removes and modifies gives the source as it is then. An argument of a type that does not fit raises
`InvalidType`. On the server, what can't be done, as for an index behind the end, is unknown.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from pyspike.cdt.checks import flag_bits, member, text
from pyspike.cdt.context import Ctx
from pyspike.cdt.enums import ListOrder, ListReturnType, ListSortFlags, ListWriteFlags
from pyspike.cdt.opcodes import ListOp
from pyspike.cdt.rules import sort_bits
from pyspike.cdt.types import ExpType, TypeLike
from pyspike.exp.calls import ANY, INTEGER, LIST, NUMBER
from pyspike.exp.declared import Family, plain, takes
from pyspike.exp.expression import Expression, Operand

__all__ = [
    "append",
    "append_items",
    "clear",
    "get_by_index",
    "get_by_index_range",
    "get_by_rank",
    "get_by_rank_range",
    "get_by_value",
    "get_by_value_list",
    "get_by_value_range",
    "get_by_value_relative_rank_range",
    "increment",
    "insert",
    "insert_items",
    "join",
    "remove_by_index",
    "remove_by_index_range",
    "remove_by_rank",
    "remove_by_rank_range",
    "remove_by_value",
    "remove_by_value_list",
    "remove_by_value_range",
    "remove_by_value_relative_rank_range",
    "set",
    "size",
    "sort",
]

Return = ListReturnType


def _policy(order: ListOrder | None, write_flags: ListWriteFlags | None) -> tuple[int, ...]:
    """What follows the arguments of a write that may create the list; nothing if all is default."""
    if order is None and write_flags is None:
        return ()
    return (0 if order is None else member(order, ListOrder, "order"), *(_flags(write_flags) or (0,)))


def _flags(write_flags: ListWriteFlags | None) -> tuple[int, ...]:
    return () if write_flags is None else (flag_bits(write_flags, ListWriteFlags, "write_flags"),)


def _separator(separator: str | None) -> tuple[str, ...]:
    return () if separator is None else (text(separator, "separator"),)


_FAMILY = Family(
    "lists",
    ExpType.LIST,
    ListReturnType,
    (
        takes("index", INTEGER),
        takes("rank", INTEGER),
        takes("count", INTEGER, optional=True),
        takes("value", ANY),
        takes("values", LIST),
        takes("begin", ANY),
        takes("end", ANY, optional=True),
        plain("order write_flags", _policy),
        plain("write_flags", _flags),
        plain("flags", lambda flags: (sort_bits(flags),)),
        plain("separator", _separator),
    ),
)
_NUMBER = takes("value", NUMBER)

_read, _modify = _FAMILY.read, _FAMILY.modify


@_read(ListOp.SIZE, gives=ExpType.INT)
def size(source: Operand, *, ctx: Ctx = None) -> Expression:
    """How many elements a list has."""
    ...


@_read(ListOp.JOIN, gives=ExpType.STRING)
def join(source: Operand, separator: str | None = None, *, ctx: Ctx = None) -> Expression:
    """The strings of a list as one, with `separator` between them (server 8.2)."""
    ...


# Writing elements -------------------------------------------------------------------------------------------


@_modify(ListOp.APPEND)
def append(
    source: Operand,
    value: Operand,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With a value put at the end, in an ordered list at its place."""
    ...


@_modify(ListOp.APPEND_ITEMS)
def append_items(
    source: Operand,
    values: Operand,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With several values put at the end, in an ordered list at their places."""
    ...


@_modify(ListOp.INSERT)
def insert(
    source: Operand,
    index: Operand,
    value: Operand,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With a value put before the one at `index`."""
    ...


@_modify(ListOp.INSERT_ITEMS)
def insert_items(
    source: Operand,
    index: Operand,
    values: Operand,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With several values put before the one at `index`."""
    ...


@_modify(ListOp.INCREMENT, _NUMBER)
def increment(
    source: Operand,
    index: Operand,
    value: Operand = 1,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With something added to the number at `index`."""
    ...


@_modify(ListOp.SET)
def set(  # noqa: A001 - the protocol's name
    source: Operand,
    index: Operand,
    value: Operand,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With another element at `index`."""
    ...


@_modify(ListOp.CLEAR)
def clear(source: Operand, *, ctx: Ctx = None) -> Expression:
    """Without elements."""
    ...


@_modify(ListOp.SORT)
def sort(source: Operand, flags: ListSortFlags = ListSortFlags.DEFAULT, *, ctx: Ctx = None) -> Expression:
    """Sorted; `flags` are DESCENDING or DROP_DUPLICATES, of which the server can't do both at once."""
    ...


# Selecting by position -------------------------------------------------------------------------------------


@_read(ListOp.GET_BY_INDEX)
def get_by_index(
    source: Operand,
    index: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The element at `index`."""
    ...


@_read(ListOp.GET_BY_INDEX_RANGE)
def get_by_index_range(
    source: Operand,
    index: Operand,
    count: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The elements from `index` on."""
    ...


@_read(ListOp.GET_BY_RANK)
def get_by_rank(
    source: Operand,
    rank: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The element of this rank."""
    ...


@_read(ListOp.GET_BY_RANK_RANGE)
def get_by_rank_range(
    source: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The elements from this rank on."""
    ...


@_modify(ListOp.REMOVE_BY_INDEX)
def remove_by_index(
    source: Operand,
    index: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the element at `index`."""
    ...


@_modify(ListOp.REMOVE_BY_INDEX_RANGE)
def remove_by_index_range(
    source: Operand,
    index: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from `index` on."""
    ...


@_modify(ListOp.REMOVE_BY_RANK)
def remove_by_rank(
    source: Operand,
    rank: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the element of this rank."""
    ...


@_modify(ListOp.REMOVE_BY_RANK_RANGE)
def remove_by_rank_range(
    source: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from this rank on."""
    ...


# Selecting by value ----------------------------------------------------------------------------------------


@_read(ListOp.GET_BY_VALUE)
def get_by_value(
    source: Operand,
    value: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All elements that equal `value`."""
    ...


@_read(ListOp.GET_BY_VALUE_LIST)
def get_by_value_list(
    source: Operand,
    values: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All elements that equal one of `values`."""
    ...


@_read(ListOp.GET_BY_VALUE_RANGE)
def get_by_value_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The elements from `begin` to just below `end`; None leaves that side open."""
    ...


@_read(ListOp.GET_BY_VALUE_RELATIVE_RANK_RANGE)
def get_by_value_relative_rank_range(
    source: Operand,
    value: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The elements from this rank on, counted from `value`."""
    ...


@_modify(ListOp.REMOVE_BY_VALUE)
def remove_by_value(
    source: Operand,
    value: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all elements that equal `value`."""
    ...


@_modify(ListOp.REMOVE_BY_VALUE_LIST)
def remove_by_value_list(
    source: Operand,
    values: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all elements that equal one of `values`."""
    ...


@_modify(ListOp.REMOVE_BY_VALUE_RANGE)
def remove_by_value_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from `begin` to just below `end`; None leaves that side open."""
    ...


@_modify(ListOp.REMOVE_BY_VALUE_RELATIVE_RANK_RANGE)
def remove_by_value_relative_rank_range(
    source: Operand,
    value: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from this rank on, counted from `value`."""
    ...

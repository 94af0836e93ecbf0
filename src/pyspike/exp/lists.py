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

from __future__ import annotations

from typing import Any

from pyspike.cdt.checks import flag_bits, member, text
from pyspike.cdt.enums import ListOrder, ListReturnType, ListSortFlags, ListWriteFlags
from pyspike.cdt.opcodes import MODIFY, ListOp, System
from pyspike.cdt.rules import sort_bits
from pyspike.cdt.types import ExpType, TypeLike
from pyspike.exp.calls import (
    ANY,
    LIST,
    NUMBER,
    Ctx,
    call,
    changed,
    end_of,
    integer,
    inverted_bit,
    optional,
    several,
    single,
    source_of,
)
from pyspike.exp.expression import Expression, Operand, operand

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


def _modify(opcode: ListOp, source: Operand, ctx: Ctx, *arguments: Any) -> Expression:
    made = source_of(source, f"lists.{opcode.function}", ExpType.LIST, ctx)
    return call(System.CDT | MODIFY, changed(made, ExpType.LIST, ctx), (opcode, *arguments), made, ctx)


def _read(opcode: ListOp, source: Operand, ctx: Ctx, kind: ExpType, *arguments: Any) -> Expression:
    return call(
        System.CDT,
        kind,
        (opcode, *arguments),
        source_of(source, f"lists.{opcode.function}", ExpType.LIST, ctx),
        ctx,
    )


def _policy(order: ListOrder | None, write_flags: ListWriteFlags | None) -> tuple[int, ...]:
    """What follows the arguments of a write that may create the list; nothing if all is default."""
    if order is None and write_flags is None:
        return ()
    return (0 if order is None else member(order, ListOrder, "order"), *(_flags(write_flags) or (0,)))


def _flags(write_flags: ListWriteFlags | None) -> tuple[int, ...]:
    return () if write_flags is None else (flag_bits(write_flags, ListWriteFlags, "write_flags"),)


def size(source: Operand, *, ctx: Ctx = None) -> Expression:
    """How many elements a list has."""
    return _read(ListOp.SIZE, source, ctx, ExpType.INT)


def join(source: Operand, separator: str | None = None, *, ctx: Ctx = None) -> Expression:
    """The strings of a list as one, with `separator` between them (server 8.2)."""
    parts = () if separator is None else (text(separator, "separator"),)
    return _read(ListOp.JOIN, source, ctx, ExpType.STRING, *parts)


# Writing elements -------------------------------------------------------------------------------------------


def append(
    source: Operand,
    value: Operand,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With a value put at the end, in an ordered list at its place."""
    made = operand(value, "lists.append", 1, ANY)
    return _modify(ListOp.APPEND, source, ctx, made, *_policy(order, write_flags))


def append_items(
    source: Operand,
    values: Operand,
    *,
    order: ListOrder | None = None,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With several values put at the end, in an ordered list at their places."""
    made = operand(values, "lists.append_items", 1, LIST)
    return _modify(ListOp.APPEND_ITEMS, source, ctx, made, *_policy(order, write_flags))


def insert(
    source: Operand,
    index: Operand,
    value: Operand,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With a value put before the one at `index`."""
    made = integer(index, "lists.insert", 1), operand(value, "lists.insert", 2, ANY)
    return _modify(ListOp.INSERT, source, ctx, *made, *_flags(write_flags))


def insert_items(
    source: Operand,
    index: Operand,
    values: Operand,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With several values put before the one at `index`."""
    made = integer(index, "lists.insert_items", 1), operand(values, "lists.insert_items", 2, LIST)
    return _modify(ListOp.INSERT_ITEMS, source, ctx, *made, *_flags(write_flags))


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
    made = integer(index, "lists.increment", 1), operand(value, "lists.increment", 2, NUMBER)
    return _modify(ListOp.INCREMENT, source, ctx, *made, *_policy(order, write_flags))


def set(  # noqa: A001 - the protocol's name
    source: Operand,
    index: Operand,
    value: Operand,
    *,
    write_flags: ListWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With another element at `index`."""
    made = integer(index, "lists.set", 1), operand(value, "lists.set", 2, ANY)
    return _modify(ListOp.SET, source, ctx, *made, *_flags(write_flags))


def clear(source: Operand, *, ctx: Ctx = None) -> Expression:
    """Without elements."""
    return _modify(ListOp.CLEAR, source, ctx)


def sort(source: Operand, flags: ListSortFlags = ListSortFlags.DEFAULT, *, ctx: Ctx = None) -> Expression:
    """Sorted; `flags` are DESCENDING or DROP_DUPLICATES, of which the server can't do both at once."""
    return _modify(ListOp.SORT, source, ctx, sort_bits(flags))


# Selecting by position -------------------------------------------------------------------------------------


def get_by_index(
    source: Operand,
    index: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The element at `index`."""
    returned, kind = single("lists.get_by_index", return_type, ListReturnType, value_type)
    return _read(ListOp.GET_BY_INDEX, source, ctx, kind, returned, integer(index, "lists.get_by_index", 1))


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
    returned, kind = several("lists.get_by_index_range", return_type, ListReturnType, inverted)
    return _read(
        ListOp.GET_BY_INDEX_RANGE,
        source,
        ctx,
        kind,
        returned,
        integer(index, "lists.get_by_index_range", 1),
        *optional(count, "lists.get_by_index_range", 2),
    )


def get_by_rank(
    source: Operand,
    rank: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The element of this rank."""
    returned, kind = single("lists.get_by_rank", return_type, ListReturnType, value_type)
    return _read(ListOp.GET_BY_RANK, source, ctx, kind, returned, integer(rank, "lists.get_by_rank", 1))


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
    returned, kind = several("lists.get_by_rank_range", return_type, ListReturnType, inverted)
    return _read(
        ListOp.GET_BY_RANK_RANGE,
        source,
        ctx,
        kind,
        returned,
        integer(rank, "lists.get_by_rank_range", 1),
        *optional(count, "lists.get_by_rank_range", 2),
    )


def remove_by_index(
    source: Operand,
    index: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the element at `index`."""
    return _modify(ListOp.REMOVE_BY_INDEX, source, ctx, 0, integer(index, "lists.remove_by_index", 1))


def remove_by_index_range(
    source: Operand,
    index: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from `index` on."""
    return _modify(
        ListOp.REMOVE_BY_INDEX_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        integer(index, "lists.remove_by_index_range", 1),
        *optional(count, "lists.remove_by_index_range", 2),
    )


def remove_by_rank(
    source: Operand,
    rank: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the element of this rank."""
    return _modify(ListOp.REMOVE_BY_RANK, source, ctx, 0, integer(rank, "lists.remove_by_rank", 1))


def remove_by_rank_range(
    source: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from this rank on."""
    return _modify(
        ListOp.REMOVE_BY_RANK_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        integer(rank, "lists.remove_by_rank_range", 1),
        *optional(count, "lists.remove_by_rank_range", 2),
    )


# Selecting by value ----------------------------------------------------------------------------------------


def get_by_value(
    source: Operand,
    value: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All elements that equal `value`."""
    returned, kind = several("lists.get_by_value", return_type, ListReturnType, inverted)
    return _read(
        ListOp.GET_BY_VALUE, source, ctx, kind, returned, operand(value, "lists.get_by_value", 1, ANY)
    )


def get_by_value_list(
    source: Operand,
    values: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All elements that equal one of `values`."""
    returned, kind = several("lists.get_by_value_list", return_type, ListReturnType, inverted)
    return _read(
        ListOp.GET_BY_VALUE_LIST,
        source,
        ctx,
        kind,
        returned,
        operand(values, "lists.get_by_value_list", 1, LIST),
    )


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
    returned, kind = several("lists.get_by_value_range", return_type, ListReturnType, inverted)
    return _read(
        ListOp.GET_BY_VALUE_RANGE,
        source,
        ctx,
        kind,
        returned,
        operand(begin, "lists.get_by_value_range", 1, ANY),
        *end_of(end, "lists.get_by_value_range", 2, ANY),
    )


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
    returned, kind = several("lists.get_by_value_relative_rank_range", return_type, ListReturnType, inverted)
    return _read(
        ListOp.GET_BY_VALUE_RELATIVE_RANK_RANGE,
        source,
        ctx,
        kind,
        returned,
        operand(value, "lists.get_by_value_relative_rank_range", 1, ANY),
        integer(rank, "lists.get_by_value_relative_rank_range", 2),
        *optional(count, "lists.get_by_value_relative_rank_range", 3),
    )


def remove_by_value(
    source: Operand,
    value: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all elements that equal `value`."""
    return _modify(
        ListOp.REMOVE_BY_VALUE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(value, "lists.remove_by_value", 1, ANY),
    )


def remove_by_value_list(
    source: Operand,
    values: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all elements that equal one of `values`."""
    return _modify(
        ListOp.REMOVE_BY_VALUE_LIST,
        source,
        ctx,
        inverted_bit(inverted),
        operand(values, "lists.remove_by_value_list", 1, LIST),
    )


def remove_by_value_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the elements from `begin` to just below `end`; None leaves that side open."""
    return _modify(
        ListOp.REMOVE_BY_VALUE_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(begin, "lists.remove_by_value_range", 1, ANY),
        *end_of(end, "lists.remove_by_value_range", 2, ANY),
    )


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
    return _modify(
        ListOp.REMOVE_BY_VALUE_RELATIVE_RANK_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(value, "lists.remove_by_value_relative_rank_range", 1, ANY),
        integer(rank, "lists.remove_by_value_relative_rank_range", 2),
        *optional(count, "lists.remove_by_value_relative_rank_range", 3),
    )

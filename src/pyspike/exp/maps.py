"""Maps inside expressions, by the names of `pyspike.operations.maps`.

They share these arguments:

- `source`: a map; a str names a map bin. With `ctx`, the list or map that its first context looks in.
- `ctx`: contexts that lead to a map inside the source.
- `key`, `index`, `rank`, `count`, `value` and so on: expressions too. A `count` of None means all that
  follow.
- `keys`: a list. `entries`: a map. `order`, `persist_index` and `write_flags`: as for the operation of that
  name.
- `return_type`: what to give for the selected entries, see `MapReturnType`.
- `value_type`: the type of a single value or key that is given, an `ExpType` or int, str and so on.
- `inverted`: whether to select all others instead.

What removes and modifies gives the source as it is then. An argument of a type that does not fit raises
`InvalidType`. On the server, what can't be done, as for an index behind the end, is unknown.
"""

from __future__ import annotations

from typing import Any

from pyspike.cdt.checks import write_flag_bits
from pyspike.cdt.enums import MapOrder, MapReturnType, MapWriteFlags
from pyspike.cdt.opcodes import MODIFY, MapOp, System
from pyspike.cdt.rules import map_order_bits
from pyspike.cdt.types import ExpType, TypeLike
from pyspike.exp.calls import (
    ANY,
    KEY,
    KEY_BOUND,
    LIST,
    NUMBER,
    Ctx,
    call,
    changed,
    end_of,
    integer,
    inverted_bit,
    optional,
    refuse_empty,
    several,
    single,
    source_of,
)
from pyspike.exp.expression import Expression, Operand, operand

__all__ = [
    "clear",
    "decrement",
    "get_by_index",
    "get_by_index_range",
    "get_by_key",
    "get_by_key_list",
    "get_by_key_range",
    "get_by_key_relative_index_range",
    "get_by_rank",
    "get_by_rank_range",
    "get_by_value",
    "get_by_value_list",
    "get_by_value_range",
    "get_by_value_relative_rank_range",
    "increment",
    "put",
    "put_items",
    "remove_by_index",
    "remove_by_index_range",
    "remove_by_key",
    "remove_by_key_list",
    "remove_by_key_range",
    "remove_by_key_relative_index_range",
    "remove_by_rank",
    "remove_by_rank_range",
    "remove_by_value",
    "remove_by_value_list",
    "remove_by_value_range",
    "remove_by_value_relative_rank_range",
    "size",
]


Return = MapReturnType


def _modify(opcode: MapOp, source: Operand, ctx: Ctx, *arguments: Any) -> Expression:
    made = source_of(source, f"maps.{opcode.function}", ExpType.MAP, ctx)
    return call(System.CDT | MODIFY, changed(made, ExpType.MAP, ctx), (opcode, *arguments), made, ctx)


def _read(opcode: MapOp, source: Operand, ctx: Ctx, kind: ExpType, *arguments: Any) -> Expression:
    return call(
        System.CDT,
        kind,
        (opcode, *arguments),
        source_of(source, f"maps.{opcode.function}", ExpType.MAP, ctx),
        ctx,
    )


def _order(order: MapOrder | None, persist_index: bool, ctx: Ctx) -> tuple[int, ...]:
    """The order of a map that the call creates; nothing if all is default."""
    bits = map_order_bits(MapOrder.UNORDERED if order is None else order, persist_index, ctx)
    return () if order is None else (bits,)


def _policy(
    order: MapOrder | None, persist_index: bool, write_flags: MapWriteFlags | None, ctx: Ctx
) -> tuple[int, ...]:
    """What follows the arguments of a write that may create the map; nothing if all is default."""
    ordered = _order(order, persist_index, ctx)
    if not ordered and write_flags is None:
        return ()
    flags = 0 if write_flags is None else write_flag_bits(write_flags, MapWriteFlags)
    return (*(ordered or (0,)), flags)


def size(source: Operand, *, ctx: Ctx = None) -> Expression:
    """How many entries a map has."""
    return _read(MapOp.SIZE, source, ctx, ExpType.INT)


# Writing entries --------------------------------------------------------------------------------------------


def put(
    source: Operand,
    key: Operand,
    value: Operand,
    *,
    order: MapOrder | None = None,
    persist_index: bool = False,
    write_flags: MapWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With a value put under a key."""
    made = operand(key, "maps.put", 1, KEY), operand(value, "maps.put", 2, ANY)
    return _modify(MapOp.PUT, source, ctx, *made, *_policy(order, persist_index, write_flags, ctx))


def put_items(
    source: Operand,
    entries: Operand,
    *,
    order: MapOrder | None = None,
    persist_index: bool = False,
    write_flags: MapWriteFlags | None = None,
    ctx: Ctx = None,
) -> Expression:
    """With several entries put in."""
    made = operand(entries, "maps.put_items", 1, (ExpType.MAP,))
    return _modify(MapOp.PUT_ITEMS, source, ctx, made, *_policy(order, persist_index, write_flags, ctx))


def increment(
    source: Operand,
    key: Operand,
    value: Operand = 1,
    *,
    order: MapOrder | None = None,
    persist_index: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """With something added to the number under a key."""
    made = operand(key, "maps.increment", 1, KEY), operand(value, "maps.increment", 2, NUMBER)
    return _modify(MapOp.INCREMENT, source, ctx, *made, *_order(order, persist_index, ctx))


def decrement(
    source: Operand,
    key: Operand,
    value: Operand = 1,
    *,
    order: MapOrder | None = None,
    persist_index: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """With something taken off the number under a key."""
    made = operand(key, "maps.decrement", 1, KEY), operand(value, "maps.decrement", 2, NUMBER)
    return _modify(MapOp.DECREMENT, source, ctx, *made, *_order(order, persist_index, ctx))


def clear(source: Operand, *, ctx: Ctx = None) -> Expression:
    """Without entries."""
    return _modify(MapOp.CLEAR, source, ctx)


# Selecting by key ------------------------------------------------------------------------------------------


def get_by_key(
    source: Operand,
    key: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The entry with this key."""
    returned, kind = single("maps.get_by_key", return_type, MapReturnType, value_type)
    return _read(MapOp.GET_BY_KEY, source, ctx, kind, returned, operand(key, "maps.get_by_key", 1, KEY))


def get_by_key_list(
    source: Operand,
    keys: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries with one of these keys."""
    returned, kind = several("maps.get_by_key_list", return_type, MapReturnType, inverted)
    made = operand(keys, "maps.get_by_key_list", 1, LIST)
    refuse_empty(made, "maps.get_by_key_list", return_type, inverted)
    return _read(MapOp.GET_BY_KEY_LIST, source, ctx, kind, returned, made)


def get_by_key_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries with keys from `begin` to just below `end`; None leaves that side open."""
    returned, kind = several("maps.get_by_key_range", return_type, MapReturnType, inverted)
    return _read(
        MapOp.GET_BY_KEY_RANGE,
        source,
        ctx,
        kind,
        returned,
        operand(begin, "maps.get_by_key_range", 1, KEY_BOUND),
        *end_of(end, "maps.get_by_key_range", 2, KEY_BOUND),
    )


def get_by_key_relative_index_range(
    source: Operand,
    key: Operand,
    index: Operand,
    count: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries from this index on, counted from `key`."""
    returned, kind = several("maps.get_by_key_relative_index_range", return_type, MapReturnType, inverted)
    return _read(
        MapOp.GET_BY_KEY_RELATIVE_INDEX_RANGE,
        source,
        ctx,
        kind,
        returned,
        operand(key, "maps.get_by_key_relative_index_range", 1, KEY),
        integer(index, "maps.get_by_key_relative_index_range", 2),
        *optional(count, "maps.get_by_key_relative_index_range", 3),
    )


def remove_by_key(
    source: Operand,
    key: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the entry with this key."""
    return _modify(MapOp.REMOVE_BY_KEY, source, ctx, 0, operand(key, "maps.remove_by_key", 1, KEY))


def remove_by_key_list(
    source: Operand,
    keys: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries with one of these keys."""
    made = operand(keys, "maps.remove_by_key_list", 1, LIST)
    return _modify(MapOp.REMOVE_BY_KEY_LIST, source, ctx, inverted_bit(inverted), made)


def remove_by_key_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries with keys from `begin` to just below `end`; None leaves that side open."""
    return _modify(
        MapOp.REMOVE_BY_KEY_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(begin, "maps.remove_by_key_range", 1, KEY_BOUND),
        *end_of(end, "maps.remove_by_key_range", 2, KEY_BOUND),
    )


def remove_by_key_relative_index_range(
    source: Operand,
    key: Operand,
    index: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries from this index on, counted from `key`."""
    return _modify(
        MapOp.REMOVE_BY_KEY_RELATIVE_INDEX_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(key, "maps.remove_by_key_relative_index_range", 1, KEY),
        integer(index, "maps.remove_by_key_relative_index_range", 2),
        *optional(count, "maps.remove_by_key_relative_index_range", 3),
    )


# Selecting by index and rank -------------------------------------------------------------------------------


def get_by_index(
    source: Operand,
    index: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The entry at `index`."""
    returned, kind = single("maps.get_by_index", return_type, MapReturnType, value_type)
    return _read(MapOp.GET_BY_INDEX, source, ctx, kind, returned, integer(index, "maps.get_by_index", 1))


def get_by_index_range(
    source: Operand,
    index: Operand,
    count: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries from `index` on."""
    returned, kind = several("maps.get_by_index_range", return_type, MapReturnType, inverted)
    return _read(
        MapOp.GET_BY_INDEX_RANGE,
        source,
        ctx,
        kind,
        returned,
        integer(index, "maps.get_by_index_range", 1),
        *optional(count, "maps.get_by_index_range", 2),
    )


def get_by_rank(
    source: Operand,
    rank: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The entry of this rank."""
    returned, kind = single("maps.get_by_rank", return_type, MapReturnType, value_type)
    return _read(MapOp.GET_BY_RANK, source, ctx, kind, returned, integer(rank, "maps.get_by_rank", 1))


def get_by_rank_range(
    source: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries from this rank on."""
    returned, kind = several("maps.get_by_rank_range", return_type, MapReturnType, inverted)
    return _read(
        MapOp.GET_BY_RANK_RANGE,
        source,
        ctx,
        kind,
        returned,
        integer(rank, "maps.get_by_rank_range", 1),
        *optional(count, "maps.get_by_rank_range", 2),
    )


def remove_by_index(
    source: Operand,
    index: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the entry at `index`."""
    return _modify(MapOp.REMOVE_BY_INDEX, source, ctx, 0, integer(index, "maps.remove_by_index", 1))


def remove_by_index_range(
    source: Operand,
    index: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries from `index` on."""
    return _modify(
        MapOp.REMOVE_BY_INDEX_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        integer(index, "maps.remove_by_index_range", 1),
        *optional(count, "maps.remove_by_index_range", 2),
    )


def remove_by_rank(
    source: Operand,
    rank: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the entry of this rank."""
    return _modify(MapOp.REMOVE_BY_RANK, source, ctx, 0, integer(rank, "maps.remove_by_rank", 1))


def remove_by_rank_range(
    source: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries from this rank on."""
    return _modify(
        MapOp.REMOVE_BY_RANK_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        integer(rank, "maps.remove_by_rank_range", 1),
        *optional(count, "maps.remove_by_rank_range", 2),
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
    """All entries whose value equals `value`."""
    returned, kind = several("maps.get_by_value", return_type, MapReturnType, inverted)
    return _read(MapOp.GET_BY_VALUE, source, ctx, kind, returned, operand(value, "maps.get_by_value", 1, ANY))


def get_by_value_list(
    source: Operand,
    values: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All entries whose value equals one of `values`."""
    returned, kind = several("maps.get_by_value_list", return_type, MapReturnType, inverted)
    made = operand(values, "maps.get_by_value_list", 1, LIST)
    refuse_empty(made, "maps.get_by_value_list", return_type, inverted)
    return _read(MapOp.GET_BY_VALUE_LIST, source, ctx, kind, returned, made)


def get_by_value_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries with values from `begin` to just below `end`; None leaves that side open."""
    returned, kind = several("maps.get_by_value_range", return_type, MapReturnType, inverted)
    return _read(
        MapOp.GET_BY_VALUE_RANGE,
        source,
        ctx,
        kind,
        returned,
        operand(begin, "maps.get_by_value_range", 1, ANY),
        *end_of(end, "maps.get_by_value_range", 2, ANY),
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
    """The entries from this rank on, counted from `value`."""
    returned, kind = several("maps.get_by_value_relative_rank_range", return_type, MapReturnType, inverted)
    return _read(
        MapOp.GET_BY_VALUE_RELATIVE_RANK_RANGE,
        source,
        ctx,
        kind,
        returned,
        operand(value, "maps.get_by_value_relative_rank_range", 1, ANY),
        integer(rank, "maps.get_by_value_relative_rank_range", 2),
        *optional(count, "maps.get_by_value_relative_rank_range", 3),
    )


def remove_by_value(
    source: Operand,
    value: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all entries whose value equals `value`."""
    return _modify(
        MapOp.REMOVE_BY_VALUE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(value, "maps.remove_by_value", 1, ANY),
    )


def remove_by_value_list(
    source: Operand,
    values: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all entries whose value equals one of `values`."""
    made = operand(values, "maps.remove_by_value_list", 1, LIST)
    return _modify(MapOp.REMOVE_BY_VALUE_LIST, source, ctx, inverted_bit(inverted), made)


def remove_by_value_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries with values from `begin` to just below `end`; None leaves that side open."""
    return _modify(
        MapOp.REMOVE_BY_VALUE_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(begin, "maps.remove_by_value_range", 1, ANY),
        *end_of(end, "maps.remove_by_value_range", 2, ANY),
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
    """Without the entries from this rank on, counted from `value`."""
    return _modify(
        MapOp.REMOVE_BY_VALUE_RELATIVE_RANK_RANGE,
        source,
        ctx,
        inverted_bit(inverted),
        operand(value, "maps.remove_by_value_relative_rank_range", 1, ANY),
        integer(rank, "maps.remove_by_value_relative_rank_range", 2),
        *optional(count, "maps.remove_by_value_relative_rank_range", 3),
    )

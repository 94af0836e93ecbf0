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

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspike.cdt.checks import write_flag_bits
from pyspike.cdt.context import Ctx
from pyspike.cdt.enums import MapOrder, MapReturnType, MapWriteFlags
from pyspike.cdt.opcodes import MapOp
from pyspike.cdt.rules import map_order_bits
from pyspike.cdt.types import ExpType, TypeLike
from pyspike.exp.calls import ANY, INTEGER, KEY, KEY_BOUND, LIST, NUMBER, refuse_empty
from pyspike.exp.declared import Argument, Family, Parts, plain, takes
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


def _survived(name: str) -> Argument:
    """A list to select by, once it is clear that the server survives it."""

    def make(values: Sequence[Any], function: str, place: int) -> Parts:
        made = operand(values[0], function, place, LIST)
        refuse_empty(made, function, *values[1:])
        return (made,)

    return Argument((name,), (name, "return_type", "inverted"), make)


_FAMILY = Family(
    "maps",
    ExpType.MAP,
    MapReturnType,
    (
        takes("index", INTEGER),
        takes("rank", INTEGER),
        takes("count", INTEGER, optional=True),
        takes("key", KEY),
        takes("keys", LIST),
        takes("value", ANY),
        takes("values", LIST),
        takes("entries", (ExpType.MAP,)),
        takes("begin", ANY),
        takes("end", ANY, optional=True),
        plain("order write_flags", _policy, "order", "persist_index", "write_flags", "ctx"),
        plain("order", _order, "order", "persist_index", "ctx"),
    ),
)
_NUMBER = takes("value", NUMBER)
_KEY_BOUNDS = (takes("begin", KEY_BOUND), takes("end", KEY_BOUND, optional=True))

_read, _modify = _FAMILY.read, _FAMILY.modify


@_read(MapOp.SIZE, gives=ExpType.INT)
def size(source: Operand, *, ctx: Ctx = None) -> Expression:
    """How many entries a map has."""
    ...


# Writing entries --------------------------------------------------------------------------------------------


@_modify(MapOp.PUT)
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
    ...


@_modify(MapOp.PUT_ITEMS)
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
    ...


@_modify(MapOp.INCREMENT, _NUMBER)
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
    ...


@_modify(MapOp.DECREMENT, _NUMBER)
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
    ...


@_modify(MapOp.CLEAR)
def clear(source: Operand, *, ctx: Ctx = None) -> Expression:
    """Without entries."""
    ...


# Selecting by key ------------------------------------------------------------------------------------------


@_read(MapOp.GET_BY_KEY)
def get_by_key(
    source: Operand,
    key: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The entry with this key."""
    ...


@_read(MapOp.GET_BY_KEY_LIST, _survived("keys"))
def get_by_key_list(
    source: Operand,
    keys: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """The entries with one of these keys."""
    ...


@_read(MapOp.GET_BY_KEY_RANGE, *_KEY_BOUNDS)
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
    ...


@_read(MapOp.GET_BY_KEY_RELATIVE_INDEX_RANGE)
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
    ...


@_modify(MapOp.REMOVE_BY_KEY)
def remove_by_key(
    source: Operand,
    key: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the entry with this key."""
    ...


@_modify(MapOp.REMOVE_BY_KEY_LIST)
def remove_by_key_list(
    source: Operand,
    keys: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries with one of these keys."""
    ...


@_modify(MapOp.REMOVE_BY_KEY_RANGE, *_KEY_BOUNDS)
def remove_by_key_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries with keys from `begin` to just below `end`; None leaves that side open."""
    ...


@_modify(MapOp.REMOVE_BY_KEY_RELATIVE_INDEX_RANGE)
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
    ...


# Selecting by index and rank -------------------------------------------------------------------------------


@_read(MapOp.GET_BY_INDEX)
def get_by_index(
    source: Operand,
    index: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The entry at `index`."""
    ...


@_read(MapOp.GET_BY_INDEX_RANGE)
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
    ...


@_read(MapOp.GET_BY_RANK)
def get_by_rank(
    source: Operand,
    rank: Operand,
    value_type: TypeLike | None = None,
    *,
    return_type: Return = Return.VALUE,
    ctx: Ctx = None,
) -> Expression:
    """The entry of this rank."""
    ...


@_read(MapOp.GET_BY_RANK_RANGE)
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
    ...


@_modify(MapOp.REMOVE_BY_INDEX)
def remove_by_index(
    source: Operand,
    index: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the entry at `index`."""
    ...


@_modify(MapOp.REMOVE_BY_INDEX_RANGE)
def remove_by_index_range(
    source: Operand,
    index: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries from `index` on."""
    ...


@_modify(MapOp.REMOVE_BY_RANK)
def remove_by_rank(
    source: Operand,
    rank: Operand,
    *,
    ctx: Ctx = None,
) -> Expression:
    """Without the entry of this rank."""
    ...


@_modify(MapOp.REMOVE_BY_RANK_RANGE)
def remove_by_rank_range(
    source: Operand,
    rank: Operand,
    count: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries from this rank on."""
    ...


# Selecting by value ----------------------------------------------------------------------------------------


@_read(MapOp.GET_BY_VALUE)
def get_by_value(
    source: Operand,
    value: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All entries whose value equals `value`."""
    ...


@_read(MapOp.GET_BY_VALUE_LIST, _survived("values"))
def get_by_value_list(
    source: Operand,
    values: Operand,
    *,
    return_type: Return = Return.VALUE,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """All entries whose value equals one of `values`."""
    ...


@_read(MapOp.GET_BY_VALUE_RANGE)
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
    ...


@_read(MapOp.GET_BY_VALUE_RELATIVE_RANK_RANGE)
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
    ...


@_modify(MapOp.REMOVE_BY_VALUE)
def remove_by_value(
    source: Operand,
    value: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all entries whose value equals `value`."""
    ...


@_modify(MapOp.REMOVE_BY_VALUE_LIST)
def remove_by_value_list(
    source: Operand,
    values: Operand,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without all entries whose value equals one of `values`."""
    ...


@_modify(MapOp.REMOVE_BY_VALUE_RANGE)
def remove_by_value_range(
    source: Operand,
    begin: Operand = None,
    end: Operand = None,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Expression:
    """Without the entries with values from `begin` to just below `end`; None leaves that side open."""
    ...


@_modify(MapOp.REMOVE_BY_VALUE_RELATIVE_RANK_RANGE)
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
    ...

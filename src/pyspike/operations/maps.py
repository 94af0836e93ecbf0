"""Operations on maps: those that write entries, and `get_by_...` and `remove_by_...`, which select some.

To be had by `from pyspike.operations import maps`, or as `operations.maps`.

They share these arguments:

- `bin_name`: the bin, 1 to 15 bytes of UTF-8.
- `ctx`: contexts that lead to a map inside the bin, outermost first; without them it is the bin's own map.
- `key`, `keys`: ints, strs or bytes.
- `value`, `entries`: what is put in or looked for: whatever a bin can hold; for `increment` and `decrement`
  an int or a float.
- `index` and `rank`: 0 is the entry with the first key and that with the smallest value, -1 the last and
  largest.
- `count`: how many entries from there; None, the default, is all that follow.
- `order` and `persist_index`: of a map that the operation creates. A map that exists keeps its own. An
  index is stored only with a bin's own map, and only if it is ordered.
- `write_flags`: `MapWriteFlags`.
- `return_type`: what to give for the selected entries, see `MapReturnType`.
- `inverted`: whether to select all others instead.

An argument of a wrong type raises `InvalidType`, one out of range `InvalidArgument`. When run, on a bin or
element that is no map: `BinTypeError`; where a context leads nowhere, or an index or rank is behind the
last: `OpNotApplicable`. A missing bin reads as None.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyspike._wire import Operation
from pyspike.cdt.checks import (
    MapKey,
    items,
    key_bound,
    map_key,
    number,
    whole,
    write_flag_bits,
)
from pyspike.cdt.context import Ctx, creating
from pyspike.cdt.enums import (
    CREATE_ONLY,
    PERSIST_INDEX,
    UPDATE_ONLY,
    MapOrder,
    MapReturnType,
    MapWriteFlags,
)
from pyspike.cdt.opcodes import MapCreate, MapOp, OpCode
from pyspike.cdt.rules import ends_servers, map_order_bits
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.operations.maker import added, anything, checked, in_bin, members, selecting, together
from pyspike.showing import shown

__all__ = [
    "MapOrder",
    "MapReturnType",
    "MapWriteFlags",
    "clear",
    "create",
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
    "set_order",
    "size",
]


Return = MapReturnType
UNORDERED, DEFAULT = MapOrder.UNORDERED, MapWriteFlags.DEFAULT


def _policy(order: MapOrder, persist_index: bool, write_flags: MapWriteFlags, ctx: Ctx) -> tuple[int, ...]:
    """What follows the arguments of a write that may create the map."""
    ordered = map_order_bits(order, persist_index, ctx)
    flags = write_flag_bits(write_flags, MapWriteFlags)
    return (ordered, flags) if flags else (ordered,)


def _entries(entries: Mapping[MapKey, object]) -> dict[MapKey, object]:
    if not isinstance(entries, Mapping):
        raise InvalidType(f"entries must be a dict, not {shown(entries)}")
    return entries if isinstance(entries, dict) else dict(entries)


def _values(values: Iterable[object], return_type: Return, inverted: bool) -> list[object]:
    return _several(items(values, "values"), "values", return_type, inverted)


def _keys(keys: Iterable[MapKey], return_type: Return, inverted: bool) -> list[MapKey]:
    chosen = items(keys, "keys")
    for place, key in enumerate(chosen):
        map_key(key, f"keys[{place}]")
    return _several(chosen, "keys", return_type, inverted)


def _several(chosen: list[Any], name: str, return_type: Return, inverted: bool) -> list[Any]:
    """What to select by, once it is clear that the server survives it."""
    if ends_servers(not chosen, return_type, inverted):
        raise InvalidArgument(
            f"{name} is empty and inverted, which ends the process of some servers",
            advice="use an index range from 0",
        )
    return chosen


_ORDERED = (members(MapOrder), added(PERSIST_INDEX))
_KINDS = (
    checked("index", whole, int),
    checked("rank", whole, int),
    checked("count", whole, int, optional=True),
    checked("key", map_key, str, int, bytes),
    anything("value"),
    checked("entries", lambda entries, _: _entries(entries), dict),
    together("keys", _keys, exact=(str, int, bytes), also=("return_type", "inverted"), each=True),
    together("values", _values, exact=None, also=("return_type", "inverted"), each=True),
    anything("begin"),
    anything("end", optional=True),
    together(
        "order write_flags",
        _policy,
        "order",
        "persist_index",
        "write_flags",
        numbers=(*_ORDERED, members(MapWriteFlags, apart=CREATE_ONLY | UPDATE_ONLY, sparse=True)),
        also=("ctx",),
    ),
    together("order", map_order_bits, "order", "persist_index", numbers=_ORDERED, also=("ctx",)),
    *selecting(Return),
)
_NUMBER = checked("value", number, int, float)[1]
_KEY_BOUNDS = dict(
    (
        checked("begin", key_bound, str, int, bytes),
        checked("end", key_bound, str, int, bytes, optional=True),
    )
)

_read = in_bin(OpCode.CDT_READ, _KINDS)
_modify = in_bin(OpCode.CDT_MODIFY, _KINDS, write=True)


# The map itself ---------------------------------------------------------------------------------------------


def create(
    bin_name: str,
    order: MapOrder = UNORDERED,
    *,
    persist_index: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Create an empty map; one that is there gets this order. Gives None.

    Args:
        bin_name: the bin.
        order: the map's order.
        persist_index: whether the server stores an index of the map's entries with it. Not with `ctx`,
            not for an unordered map.
        ctx: where to create it; the last leads to the new map.
    """
    if not ctx:
        return set_order(bin_name, order, persist_index=persist_index)
    ordered = MapOrder(map_order_bits(order, persist_index, ctx))
    return set_order(bin_name, ordered, ctx=creating(ctx, MapCreate[ordered.name]))


@_modify(MapOp.CREATE)
def set_order(bin_name: str, order: MapOrder, *, persist_index: bool = False, ctx: Ctx = None) -> Operation:
    """Give a map another order; a bin that is missing is created. Gives None.

    Args:
        bin_name: the bin.
        order: the map's new order.
        persist_index: whether the server stores an index of the map's entries with it. Not with `ctx`,
            not for an unordered map.
        ctx: the way to a map inside the bin.
    """
    ...


@_modify(MapOp.CLEAR)
def clear(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Remove all entries; the map keeps its order. Gives None."""
    ...


@_read(MapOp.SIZE)
def size(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many entries a map has."""
    ...


# Writing entries --------------------------------------------------------------------------------------------


@_modify(MapOp.PUT)
def put(
    bin_name: str,
    key: MapKey,
    value: object,
    *,
    order: MapOrder = UNORDERED,
    persist_index: bool = False,
    write_flags: MapWriteFlags = DEFAULT,
    ctx: Ctx = None,
) -> Operation:
    """Put a value under a key. Gives the map's new size.

    Raises (when run):
        ElementExists: the key is there, and `write_flags` has CREATE_ONLY.
        ElementNotFound: the key is not there, and `write_flags` has UPDATE_ONLY.
    """
    ...


@_modify(MapOp.PUT_ITEMS)
def put_items(
    bin_name: str,
    entries: Mapping[MapKey, object],
    *,
    order: MapOrder = UNORDERED,
    persist_index: bool = False,
    write_flags: MapWriteFlags = DEFAULT,
    ctx: Ctx = None,
) -> Operation:
    """Put several entries. Gives the map's new size; see `put` for errors."""
    ...


@_modify(MapOp.INCREMENT, value=_NUMBER)
def increment(
    bin_name: str,
    key: MapKey,
    value: float = 1,
    *,
    order: MapOrder = UNORDERED,
    persist_index: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Add to the number under a key, which is put there if the key is missing. Gives its new value.

    Raises (when run):
        RequestInvalid: the value there is no number.
    """
    ...


@_modify(MapOp.DECREMENT, value=_NUMBER)
def decrement(
    bin_name: str,
    key: MapKey,
    value: float = 1,
    *,
    order: MapOrder = UNORDERED,
    persist_index: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Subtract from the number under a key, 0 if the key is missing. Gives its new value; see `increment`."""
    ...


# Selecting by key ------------------------------------------------------------------------------------------


@_read(MapOp.GET_BY_KEY)
def get_by_key(
    bin_name: str,
    key: MapKey,
    return_type: Return = Return.VALUE,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Give the entry with this key."""
    ...


@_read(MapOp.GET_BY_KEY_LIST)
def get_by_key_list(
    bin_name: str,
    keys: Iterable[MapKey],
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries with one of these keys."""
    ...


@_read(MapOp.GET_BY_KEY_RANGE, **_KEY_BOUNDS)
def get_by_key_range(
    bin_name: str,
    begin: MapKey | None = None,
    end: MapKey | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries with keys from `begin` to just below `end`; None leaves that side open."""
    ...


@_read(MapOp.GET_BY_KEY_RELATIVE_INDEX_RANGE)
def get_by_key_relative_index_range(
    bin_name: str,
    key: MapKey,
    index: int,
    count: int | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries from this index on, counted from `key`: 0 is the first not below it."""
    ...


@_modify(MapOp.REMOVE_BY_KEY)
def remove_by_key(
    bin_name: str,
    key: MapKey,
    return_type: Return = Return.COUNT,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entry with this key."""
    ...


@_modify(MapOp.REMOVE_BY_KEY_LIST)
def remove_by_key_list(
    bin_name: str,
    keys: Iterable[MapKey],
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries with one of these keys."""
    ...


@_modify(MapOp.REMOVE_BY_KEY_RANGE, **_KEY_BOUNDS)
def remove_by_key_range(
    bin_name: str,
    begin: MapKey | None = None,
    end: MapKey | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries with keys from `begin` to just below `end`; None leaves that side open."""
    ...


@_modify(MapOp.REMOVE_BY_KEY_RELATIVE_INDEX_RANGE)
def remove_by_key_relative_index_range(
    bin_name: str,
    key: MapKey,
    index: int,
    count: int | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries from this index on, counted from `key`: 0 is the first not below it."""
    ...


# Selecting by index and rank -------------------------------------------------------------------------------


@_read(MapOp.GET_BY_INDEX)
def get_by_index(
    bin_name: str,
    index: int,
    return_type: Return = Return.VALUE,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Give the entry at `index`."""
    ...


@_read(MapOp.GET_BY_INDEX_RANGE)
def get_by_index_range(
    bin_name: str,
    index: int,
    count: int | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries from `index` on."""
    ...


@_read(MapOp.GET_BY_RANK)
def get_by_rank(
    bin_name: str,
    rank: int,
    return_type: Return = Return.VALUE,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Give the entry of this rank."""
    ...


@_read(MapOp.GET_BY_RANK_RANGE)
def get_by_rank_range(
    bin_name: str,
    rank: int,
    count: int | None = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries from this rank on."""
    ...


@_modify(MapOp.REMOVE_BY_INDEX)
def remove_by_index(
    bin_name: str,
    index: int,
    return_type: Return = Return.COUNT,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entry at `index`."""
    ...


@_modify(MapOp.REMOVE_BY_INDEX_RANGE)
def remove_by_index_range(
    bin_name: str,
    index: int,
    count: int | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries from `index` on."""
    ...


@_modify(MapOp.REMOVE_BY_RANK)
def remove_by_rank(
    bin_name: str,
    rank: int,
    return_type: Return = Return.COUNT,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entry of this rank."""
    ...


@_modify(MapOp.REMOVE_BY_RANK_RANGE)
def remove_by_rank_range(
    bin_name: str,
    rank: int,
    count: int | None = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries from this rank on."""
    ...


# Selecting by value ----------------------------------------------------------------------------------------


@_read(MapOp.GET_BY_VALUE)
def get_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all entries whose value equals `value`; in a list, WILDCARD equals what follows."""
    ...


@_read(MapOp.GET_BY_VALUE_LIST)
def get_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all entries whose value equals one of `values`."""
    ...


@_read(MapOp.GET_BY_VALUE_RANGE)
def get_by_value_range(
    bin_name: str,
    begin: object = None,
    end: object = None,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries with values from `begin` to just below `end`; None leaves that side open."""
    ...


@_read(MapOp.GET_BY_VALUE_RELATIVE_RANK_RANGE)
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
    """Give the entries from this rank on, counted from `value`: 0 is the smallest not below it."""
    ...


@_modify(MapOp.REMOVE_BY_VALUE)
def remove_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all entries whose value equals `value`; in a list to compare with, WILDCARD equals what
    follows.
    """
    ...


@_modify(MapOp.REMOVE_BY_VALUE_LIST)
def remove_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all entries whose value equals one of `values`."""
    ...


@_modify(MapOp.REMOVE_BY_VALUE_RANGE)
def remove_by_value_range(
    bin_name: str,
    begin: object = None,
    end: object = None,
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries with values from `begin` to just below `end`; None leaves that side open."""
    ...


@_modify(MapOp.REMOVE_BY_VALUE_RELATIVE_RANK_RANGE)
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
    """Remove the entries from this rank on, counted from `value`: 0 is the smallest not below it."""
    ...

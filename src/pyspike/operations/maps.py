"""Operations on maps: those that write entries, and `get_by_...` and `remove_by_...`, which select some.

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

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyspike._wire import Operation
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.operations.building import maker
from pyspike.operations.checks import (
    MapKey,
    index_bit,
    items,
    key_bound,
    map_key,
    member,
    number,
    selection,
    whole,
    write_flag_bits,
)
from pyspike.operations.context import (
    CREATE_KEY_ORDERED,
    CREATE_KEY_VALUE_ORDERED,
    CREATE_UNORDERED,
    Ctx,
    creating,
)
from pyspike.operations.enums import MapOrder, MapReturnType, MapWriteFlags, OpCode
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


# Return types with which an inverted selection by no keys or no values ends the process of server 8.1.2.
CRASHES_IF_EMPTY = frozenset(
    (
        MapReturnType.KEY,
        MapReturnType.VALUE,
        MapReturnType.KEY_VALUE,
        MapReturnType.UNORDERED_MAP,
        MapReturnType.ORDERED_MAP,
    )
)

Return = MapReturnType
UNORDERED, DEFAULT = MapOrder.UNORDERED, MapWriteFlags.DEFAULT

_CREATE = {0: CREATE_UNORDERED, 1: CREATE_KEY_ORDERED, 3: CREATE_KEY_VALUE_ORDERED}


_read = maker(OpCode.CDT_READ)
_modify = maker(OpCode.CDT_MODIFY, write=True)


def _order(order: MapOrder, persist_index: bool, ctx: Ctx) -> int:
    if order is UNORDERED and persist_index is False:
        return 0
    return ordered_bits(member(order, MapOrder, "order"), persist_index, ctx)


def ordered_bits(order: int, persist_index: bool, ctx: Ctx) -> int:
    """An order as a number, with the bit for an index; also for the expressions of the same names."""
    index = index_bit(persist_index, ctx, "map")
    if index and order == MapOrder.UNORDERED:
        raise InvalidArgument("an unordered map has no index to persist", advice="give an order")
    return order | index


def _policy(order: MapOrder, persist_index: bool, write_flags: MapWriteFlags, ctx: Ctx) -> tuple[int, ...]:
    """What follows the arguments of a write that may create the map."""
    if order is UNORDERED and persist_index is False and write_flags is DEFAULT:
        return (0,)
    ordered = _order(order, persist_index, ctx)
    flags = write_flag_bits(write_flags, MapWriteFlags)
    return (ordered, flags) if flags else (ordered,)


def _count(count: int | None) -> tuple[int, ...]:
    return () if count is None else (whole(count, "count"),)


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
    ordered = _order(order, persist_index, ctx)
    if not ctx:
        return _modify(bin_name, None, 64, ordered)
    return _modify(bin_name, creating(ctx, _CREATE[ordered]), 64, ordered)


def set_order(bin_name: str, order: MapOrder, *, persist_index: bool = False, ctx: Ctx = None) -> Operation:
    """Give a map another order; a bin that is missing is created. Gives None.

    Args:
        bin_name: the bin.
        order: the map's new order.
        persist_index: whether the server stores an index of the map's entries with it. Not with `ctx`,
            not for an unordered map.
        ctx: the way to a map inside the bin.
    """
    return _modify(bin_name, ctx, 64, _order(order, persist_index, ctx))


def clear(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """Remove all entries; the map keeps its order. Gives None."""
    return _modify(bin_name, ctx, 75)


def size(bin_name: str, *, ctx: Ctx = None) -> Operation:
    """How many entries a map has."""
    return _read(bin_name, ctx, 96)


# Writing entries --------------------------------------------------------------------------------------------


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
    policy = _policy(order, persist_index, write_flags, ctx)
    return _modify(bin_name, ctx, 67, map_key(key), value, *policy)


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
    if not isinstance(entries, dict):
        if not isinstance(entries, Mapping):
            raise InvalidType(f"entries must be a dict, not {shown(entries)}")
        entries = dict(entries)
    return _modify(bin_name, ctx, 68, entries, *_policy(order, persist_index, write_flags, ctx))


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
    ordered = _order(order, persist_index, ctx)
    return _modify(bin_name, ctx, 73, map_key(key), number(value, "value"), ordered)


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
    ordered = _order(order, persist_index, ctx)
    return _modify(bin_name, ctx, 74, map_key(key), number(value, "value"), ordered)


# Selecting by key ------------------------------------------------------------------------------------------


def get_by_key(
    bin_name: str,
    key: MapKey,
    return_type: Return = Return.VALUE,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Give the entry with this key."""
    return _read(bin_name, ctx, 97, _single(return_type), map_key(key))


def get_by_key_list(
    bin_name: str,
    keys: Iterable[MapKey],
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give the entries with one of these keys."""
    selected, chosen = _choice(keys, "keys", return_type, inverted, keys=True)
    return _read(bin_name, ctx, 107, selected, chosen)


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
    return _read(
        bin_name,
        ctx,
        103,
        _several(return_type, inverted),
        key_bound(begin, "begin"),
        *_end(key_bound(end, "end")),
    )


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
    return _read(
        bin_name,
        ctx,
        109,
        _several(return_type, inverted),
        map_key(key),
        whole(index, "index"),
        *_count(count),
    )


def remove_by_key(
    bin_name: str,
    key: MapKey,
    return_type: Return = Return.COUNT,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entry with this key."""
    return _modify(bin_name, ctx, 76, _single(return_type), map_key(key))


def remove_by_key_list(
    bin_name: str,
    keys: Iterable[MapKey],
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entries with one of these keys."""
    selected, chosen = _choice(keys, "keys", return_type, inverted, keys=True)
    return _modify(bin_name, ctx, 81, selected, chosen)


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
    return _modify(
        bin_name,
        ctx,
        84,
        _several(return_type, inverted),
        key_bound(begin, "begin"),
        *_end(key_bound(end, "end")),
    )


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
    return _modify(
        bin_name,
        ctx,
        88,
        _several(return_type, inverted),
        map_key(key),
        whole(index, "index"),
        *_count(count),
    )


# Selecting by index and rank -------------------------------------------------------------------------------


def get_by_index(
    bin_name: str,
    index: int,
    return_type: Return = Return.VALUE,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Give the entry at `index`."""
    return _read(bin_name, ctx, 98, _single(return_type), whole(index, "index"))


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
    return _read(bin_name, ctx, 104, _several(return_type, inverted), whole(index, "index"), *_count(count))


def get_by_rank(
    bin_name: str,
    rank: int,
    return_type: Return = Return.VALUE,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Give the entry of this rank."""
    return _read(bin_name, ctx, 100, _single(return_type), whole(rank, "rank"))


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
    return _read(bin_name, ctx, 106, _several(return_type, inverted), whole(rank, "rank"), *_count(count))


def remove_by_index(
    bin_name: str,
    index: int,
    return_type: Return = Return.COUNT,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entry at `index`."""
    return _modify(bin_name, ctx, 77, _single(return_type), whole(index, "index"))


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
    return _modify(bin_name, ctx, 85, _several(return_type, inverted), whole(index, "index"), *_count(count))


def remove_by_rank(
    bin_name: str,
    rank: int,
    return_type: Return = Return.COUNT,
    *,
    ctx: Ctx = None,
) -> Operation:
    """Remove the entry of this rank."""
    return _modify(bin_name, ctx, 79, _single(return_type), whole(rank, "rank"))


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
    return _modify(bin_name, ctx, 87, _several(return_type, inverted), whole(rank, "rank"), *_count(count))


# Selecting by value ----------------------------------------------------------------------------------------


def get_by_value(
    bin_name: str,
    value: object,
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all entries whose value equals `value`; in a list, WILDCARD equals what follows."""
    return _read(bin_name, ctx, 102, _several(return_type, inverted), value)


def get_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.VALUE,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Give all entries whose value equals one of `values`."""
    selected, chosen = _choice(values, "values", return_type, inverted)
    return _read(bin_name, ctx, 108, selected, chosen)


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
    return _read(bin_name, ctx, 105, _several(return_type, inverted), begin, *_end(end))


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
    return _read(
        bin_name, ctx, 110, _several(return_type, inverted), value, whole(rank, "rank"), *_count(count)
    )


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
    return _modify(bin_name, ctx, 82, _several(return_type, inverted), value)


def remove_by_value_list(
    bin_name: str,
    values: Iterable[object],
    return_type: Return = Return.COUNT,
    *,
    inverted: bool = False,
    ctx: Ctx = None,
) -> Operation:
    """Remove all entries whose value equals one of `values`."""
    selected, chosen = _choice(values, "values", return_type, inverted)
    return _modify(bin_name, ctx, 83, selected, chosen)


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
    return _modify(bin_name, ctx, 86, _several(return_type, inverted), begin, *_end(end))


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
    return _modify(
        bin_name, ctx, 89, _several(return_type, inverted), value, whole(rank, "rank"), *_count(count)
    )


def _single(return_type: Return) -> int:
    return return_type if type(return_type) is Return else member(return_type, Return, "return_type")


def _several(return_type: Return, inverted: bool) -> int:
    if inverted is False and type(return_type) is Return:
        return return_type
    return selection(return_type, Return, inverted)


def _choice(
    values: Iterable[Any], name: str, return_type: Return, inverted: bool, *, keys: bool = False
) -> tuple[int, list[Any]]:
    """Return type and values of a selection by several of them."""
    chosen = items(values, name)
    if keys:
        for place, key in enumerate(chosen):
            if type(key) is not str and type(key) is not int:
                map_key(key, f"{name}[{place}]")
    if not chosen and inverted and return_type in CRASHES_IF_EMPTY:
        raise InvalidArgument(
            f"{name} is empty and inverted, which ends the process of some servers",
            advice="use an index range from 0",
        )
    return _several(return_type, inverted), chosen


def _end(end: Any) -> tuple[Any, ...]:
    """The end of an interval; left out, it is open (a nil there would be below everything)."""
    return () if end is None else (end,)

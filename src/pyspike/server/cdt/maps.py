"""Map operations, by opcode.

Owns: the arguments of each opcode, what they change, write flags, order. Not here: finding the map
(context.py), which elements are meant (selection.py) and what is told about them (results.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import cast

from ..protocol.constants import ContainerFlags
from ..protocol.flags import MapWriteFlags
from ..protocol.opcodes import MapOpcode
from ..protocol.result import RequestError, ResultCode, bad, not_applicable
from ..values.normalising import is_map_key
from ..values.ordering import sort_key
from ..values.packed import PackedMap, Value
from .calls import storable_value
from .numbers import is_number, total, zero_like
from .table import (
    ALL_OF_VALUE,
    BY_INDEX,
    BY_INDEX_RANGE,
    BY_KEY,
    BY_KEY_INTERVAL,
    BY_KEY_RELATIVE,
    BY_KEYS,
    BY_RANK,
    BY_RANK_RANGE,
    BY_VALUE,
    BY_VALUE_INTERVAL,
    BY_VALUE_RELATIVE,
    BY_VALUES,
    Args,
    CdtOp,
    flags_at,
    reading,
    removing,
)

__all__ = ["MAP_OPS", "find_key", "new_map", "put"]


def new_map(flags: Value) -> PackedMap:
    """An empty map with the order that a request asks for."""
    return PackedMap(flags & ContainerFlags.KEY_VALUE_ORDERED if isinstance(flags, int) else 0, [])


def find_key(target: PackedMap, key: Value) -> tuple[int, bool]:
    """The index that a key has or would have, and whether it is in the map."""
    wanted = sort_key(key)
    at = bisect_left(target.pairs, wanted, key=lambda pair: sort_key(pair[0]))
    return at, at < len(target.pairs) and sort_key(target.pairs[at][0]) == wanted


def put(target: PackedMap, key: Value, value: Value) -> None:
    """Set the value of a key."""
    at, there = find_key(target, key)
    target.pairs[at : at + there] = [(key, value)]


UPDATE_WHAT_IS_THERE = MapWriteFlags.NO_CREATE | MapWriteFlags.NO_FAIL | MapWriteFlags.PARTIAL

# --- writing ------------------------------------------------------------------------------------------------


_TYPE_FLAGS = ContainerFlags.KEY_VALUE_ORDERED | ContainerFlags.PERSIST_INDEX


def _set_type(target: PackedMap, args: Args) -> Value:
    flags = args[0]
    if not isinstance(flags, int) or flags & ~_TYPE_FLAGS:
        raise not_applicable("map flags")
    target.flags = flags & ContainerFlags.KEY_VALUE_ORDERED
    return None


def _put_one(key: Value, value: Value) -> list[tuple[Value, Value]]:
    if not is_map_key(key):
        raise bad("a map key of another type than integer, string, blob")
    return [(key, storable_value(value))]


def _put_all(target: PackedMap, pairs: list[tuple[Value, Value]], flags: int) -> Value:
    """Set the values of keys as the flags allow; the flags are checked for all keys before any is set."""
    done = []
    for key, value in pairs:
        _, there = find_key(target, key)
        code = None
        if there and flags & MapWriteFlags.NO_OVERWRITE:
            code = ResultCode.ELEMENT_EXISTS
        elif not there and flags & MapWriteFlags.NO_CREATE:
            code = ResultCode.ELEMENT_NOT_FOUND
        if code is None:
            done.append((key, value))
        elif not flags & MapWriteFlags.NO_FAIL:
            raise RequestError(code, "write flags")
        elif not flags & MapWriteFlags.PARTIAL:
            return len(target.pairs)
    for key, value in done:
        put(target, key, value)
    return len(target.pairs)


def _items(value: PackedMap) -> list[tuple[Value, Value]]:
    return cast(PackedMap, storable_value(value)).pairs


def _put(target: PackedMap, args: Args) -> Value:
    return _put_all(target, _put_one(args[0], args[1]), flags_at(args, 3))


def _put_items(target: PackedMap, args: Args) -> Value:
    flags = flags_at(args, 2)
    if not target.pairs and flags & UPDATE_WHAT_IS_THERE == UPDATE_WHAT_IS_THERE:
        flags = 0  # the real server puts all entries into a map without any
    return _put_all(target, _items(args[0]), flags)


def _add(target: PackedMap, args: Args) -> Value:
    return _put_all(target, _put_one(args[0], args[1]), MapWriteFlags.NO_OVERWRITE)


def _add_items(target: PackedMap, args: Args) -> Value:
    return _put_all(target, _items(args[0]), MapWriteFlags.NO_OVERWRITE)


def _replace(target: PackedMap, args: Args) -> Value:
    return _put_all(target, _put_one(args[0], args[1]), MapWriteFlags.NO_CREATE)


def _replace_items(target: PackedMap, args: Args) -> Value:
    return _put_all(target, _items(args[0]), MapWriteFlags.NO_CREATE)


def _change(sign: int) -> Callable[[PackedMap, Args], Value]:
    def run(target: PackedMap, args: Args) -> Value:
        delta = args[1] if len(args) > 1 and args[1] is not None else 1
        if not is_map_key(args[0]):
            raise bad("a map key of another type than integer, string, blob")
        at, there = find_key(target, args[0])
        before = target.pairs[at][1] if there else zero_like(delta)
        if not is_number(before):
            raise bad("increment of no number")
        result = total(before, delta, sign)
        put(target, args[0], result)
        return result

    return run


def _clear(target: PackedMap, args: Args) -> Value:
    target.pairs.clear()
    return None


def _size(target: PackedMap, args: Args) -> Value:
    return len(target.pairs)


_SEARCHES = (
    (MapOpcode.GET_BY_KEY, MapOpcode.REMOVE_BY_KEY, BY_KEY),
    (MapOpcode.GET_BY_INDEX, MapOpcode.REMOVE_BY_INDEX, BY_INDEX),
    (MapOpcode.GET_BY_VALUE, MapOpcode.REMOVE_BY_VALUE, BY_VALUE),
    (MapOpcode.GET_BY_RANK, MapOpcode.REMOVE_BY_RANK, BY_RANK),
    (MapOpcode.GET_BY_KEY_LIST, MapOpcode.REMOVE_BY_KEY_LIST, BY_KEYS),
    (MapOpcode.GET_ALL_BY_VALUE, MapOpcode.REMOVE_ALL_BY_VALUE, ALL_OF_VALUE),
    (MapOpcode.GET_BY_VALUE_LIST, MapOpcode.REMOVE_BY_VALUE_LIST, BY_VALUES),
    (MapOpcode.GET_BY_KEY_INTERVAL, MapOpcode.REMOVE_BY_KEY_INTERVAL, BY_KEY_INTERVAL),
    (MapOpcode.GET_BY_INDEX_RANGE, MapOpcode.REMOVE_BY_INDEX_RANGE, BY_INDEX_RANGE),
    (MapOpcode.GET_BY_VALUE_INTERVAL, MapOpcode.REMOVE_BY_VALUE_INTERVAL, BY_VALUE_INTERVAL),
    (MapOpcode.GET_BY_RANK_RANGE, MapOpcode.REMOVE_BY_RANK_RANGE, BY_RANK_RANGE),
    (MapOpcode.GET_BY_KEY_REL_INDEX_RANGE, MapOpcode.REMOVE_BY_KEY_REL_INDEX_RANGE, BY_KEY_RELATIVE),
    (MapOpcode.GET_BY_VALUE_REL_RANK_RANGE, MapOpcode.REMOVE_BY_VALUE_REL_RANK_RANGE, BY_VALUE_RELATIVE),
)
"""The opcodes that read and that remove, by what they choose."""

MAP_OPS: dict[int, CdtOp] = {
    MapOpcode.SET_TYPE: CdtOp("i", _set_type, creates=0),
    MapOpcode.ADD: CdtOp("vv|i", _add, creates=2),
    MapOpcode.ADD_ITEMS: CdtOp("m|i", _add_items, creates=1),
    MapOpcode.PUT: CdtOp("vv|ii", _put, creates=2),
    MapOpcode.PUT_ITEMS: CdtOp("m|ii", _put_items, creates=1),
    MapOpcode.REPLACE: CdtOp("vv", _replace, creates=-1),
    MapOpcode.REPLACE_ITEMS: CdtOp("m", _replace_items, creates=-1),
    MapOpcode.INCREMENT: CdtOp("v|ni", _change(1), creates=2),
    MapOpcode.DECREMENT: CdtOp("v|ni", _change(-1), creates=2),
    MapOpcode.CLEAR: CdtOp("*", _clear),
    MapOpcode.SIZE: CdtOp("*", _size, writes=False),
    **{opcode: reading(search) for opcode, _, search in _SEARCHES},
    **{opcode: removing(search) for _, opcode, search in _SEARCHES},
}
"""All map operations."""

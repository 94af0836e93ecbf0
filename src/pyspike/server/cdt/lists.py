"""List operations, by opcode.

Owns: the arguments of each opcode, what they change, write flags, order. Not here: finding the list
(context.py), which elements are meant (selection.py) and what is told about them (results.py).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TypeGuard

from ..protocol.constants import ContainerFlags, ParticleType
from ..protocol.flags import ListSortFlags, ListWriteFlags
from ..protocol.opcodes import ListOpcode
from ..protocol.result import RequestError, ResultCode, bad, not_applicable
from ..values.ordering import ranked, sort_key
from ..values.packed import PackedList, Value
from .calls import storable_value
from .numbers import is_number, total, zero_like
from .selection import Elements, clip
from .table import (
    ALL_OF_VALUE,
    BY_INDEX,
    BY_INDEX_RANGE,
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

__all__ = ["LIST_OPS", "new_list", "sort_list"]


def new_list(flags: Value) -> PackedList:
    """An empty list with the order that a request asks for."""
    return PackedList(flags & ContainerFlags.ORDERED if isinstance(flags, int) else 0, [])


def sort_list(target: PackedList) -> None:
    """Sort a list in place."""
    target.items[:] = [target.items[index] for index in ranked(target.items)]


# --- adding -------------------------------------------------------------------------------------------------


def _set_type(target: PackedList, args: Args) -> Value:
    flags = args[0]
    if not isinstance(flags, int) or flags & ~(ContainerFlags.ORDERED | ContainerFlags.PERSIST_INDEX):
        raise not_applicable("list flags")
    if flags & ContainerFlags.ORDERED and not target.flags:
        sort_list(target)
    target.flags = flags & ContainerFlags.ORDERED
    return None


def _append(target: PackedList, args: Args) -> Value:
    return _add(target, len(target.items), [args[0]], flags_at(args, 2))


def _append_items(target: PackedList, args: Args) -> Value:
    return _add(target, len(target.items), args[0].items, flags_at(args, 2))


def _insert(target: PackedList, args: Args) -> Value:
    return _insert_all(target, args, [args[1]])


def _insert_items(target: PackedList, args: Args) -> Value:
    return _insert_all(target, args, args[1].items)


def _insert_all(target: PackedList, args: Args, items: list[Value]) -> Value:
    if target.flags:
        raise not_applicable("insert in an ordered list")
    if not items:
        return len(target.items)
    index, flags = _place(target, args[0]), flags_at(args, 2)
    if index > len(target.items) and flags & ListWriteFlags.INSERT_BOUNDED:
        return _refused(ResultCode.OP_NOT_APPLICABLE, flags, len(target.items))
    return _add(target, index, items, flags)


def _place(target: PackedList, index: int) -> int:
    """The index at which an element is written; it may be past the end."""
    place = index if index >= 0 else index + len(target.items)
    if place < 0:
        raise not_applicable("an index before the list")
    return place


def _refused(code: ResultCode, flags: int, result: Value) -> Value:
    if flags & ListWriteFlags.NO_FAIL:
        return result
    raise RequestError(code, "write flags")


def _add(target: PackedList, index: int, items: list[Value], flags: int) -> Value:
    """Add items at an index; in an ordered list, at their sorted places."""
    items = [storable_value(item) for item in items]
    if flags & ListWriteFlags.ADD_UNIQUE:
        fresh = _unique(target, items, flags)
        if fresh is None:
            return len(target.items)
        items = fresh
    if target.flags:
        keys = list(map(sort_key, target.items))
        for item in items:
            at = bisect_left(keys, sort_key(item))
            keys.insert(at, sort_key(item))
            target.items.insert(at, item)
    elif items:
        _pad(target, index)
        target.items[index:index] = items
    return len(target.items)


def _unique(target: PackedList, items: list[Value], flags: int) -> list[Value] | None:
    """The items that the list does not hold yet; None if the operation changes nothing."""
    known, fresh = set(map(sort_key, target.items)), dict.fromkeys(map(sort_key, items))
    partial = ListWriteFlags.PARTIAL | ListWriteFlags.NO_FAIL
    if flags & partial == partial:
        unseen = []
        for item in items:
            key = sort_key(item)
            if key not in known:
                known.add(key)
                unseen.append(item)
        return unseen
    if not known.isdisjoint(fresh):
        _refused(ResultCode.ELEMENT_EXISTS, flags, None)
        return None
    if len(fresh) < len(items):
        _refused(ResultCode.OP_NOT_APPLICABLE, flags, None)
        return None
    return items


def _pad(target: PackedList, size: int) -> None:
    target.items += [None] * (size - len(target.items))


def _set(target: PackedList, args: Args) -> Value:
    if target.flags:
        raise not_applicable("set in an ordered list")
    value, flags = storable_value(args[1]), flags_at(args, 2)
    index = _place(target, args[0])
    if index > len(target.items) and flags & ListWriteFlags.INSERT_BOUNDED:
        return _refused(ResultCode.OP_NOT_APPLICABLE, flags, None)
    if flags & ListWriteFlags.ADD_UNIQUE and _has_beside(target, index, value):
        return _refused(ResultCode.ELEMENT_EXISTS, flags, None)
    _pad(target, index)
    target.items[index : index + 1] = [value]
    return None


def _has_beside(target: PackedList, index: int, value: Value) -> bool:
    """Whether a value is in the list, at another index than the one that it would take."""
    wanted = sort_key(value)
    return any(sort_key(item) == wanted for at, item in enumerate(target.items) if at != index)


def _increment(target: PackedList, args: Args) -> Value:
    index, flags = _place(target, args[0]), flags_at(args, 3)
    delta = args[1] if len(args) > 1 and args[1] is not None else 1
    size = len(target.items)
    if index > size and target.flags:
        raise not_applicable("an increment past the end of an ordered list")
    if index > size and flags & ListWriteFlags.INSERT_BOUNDED:
        return _refused(ResultCode.OP_NOT_APPLICABLE, flags, delta)
    before = target.items[index] if index < size else zero_like(delta)
    if not is_number(before):
        raise bad("increment of no number")
    result = total(before, delta, 1)
    if flags & ListWriteFlags.ADD_UNIQUE and _has_beside(target, index, result):
        return _refused(ResultCode.ELEMENT_EXISTS, flags, result)
    _pad(target, index)
    target.items[index : index + 1] = [result]
    if target.flags:
        sort_list(target)
    return result


_BOTH = int(ListSortFlags.DESCENDING | ListSortFlags.DROP_DUPLICATES)


def _sort(target: PackedList, args: Args) -> Value:
    flags = args[0] if args else 0
    if not isinstance(flags, int) or (flags & _BOTH == _BOTH and len(target.items) > 1 and not target.flags):
        raise bad("falling order without duplicates, which the server does not do")
    if flags & ListSortFlags.DESCENDING and not target.flags:
        target.items[:] = [target.items[index] for index in ranked(target.items, falling=True)]
    else:
        sort_list(target)
    if flags & ListSortFlags.DROP_DUPLICATES:
        target.items[:] = [
            item
            for at, item in enumerate(target.items)
            if not at or sort_key(item) != sort_key(target.items[at - 1])
        ]
    return None


# --- removing and reading by index --------------------------------------------------------------------------


def _at(target: PackedList, index: int) -> int:
    return Elements(target).at_index(index).first


def _pop(target: PackedList, args: Args) -> Value:
    return target.items.pop(_at(target, args[0]))


def _range(target: PackedList, args: Args) -> slice:
    count = args[1] if len(args) > 1 else None
    return slice(*clip(args[0], count, len(target.items)))


def _pop_range(target: PackedList, args: Args) -> Value:
    chosen = _range(target, args)
    popped = target.items[chosen]
    del target.items[chosen]
    return PackedList(0, popped)


def _remove(target: PackedList, args: Args) -> Value:
    del target.items[_at(target, args[0])]
    return 1


def _remove_range(target: PackedList, args: Args) -> Value:
    before = len(target.items)
    del target.items[_range(target, args)]
    return before - len(target.items)


def _trim(target: PackedList, args: Args) -> Value:
    before = len(target.items)
    target.items[:] = target.items[_range(target, args)]
    return before - len(target.items)


def _clear(target: PackedList, args: Args) -> Value:
    target.items.clear()
    return None


def _size(target: PackedList, args: Args) -> Value:
    return len(target.items)


def _get(target: PackedList, args: Args) -> Value:
    return target.items[_at(target, args[0])]


def _get_range(target: PackedList, args: Args) -> Value:
    return PackedList(0, target.items[_range(target, args)])


def _join(target: PackedList, args: Args) -> Value:
    parts = [item[1:] if _is_string(item) else None for item in target.items]
    if args and not _is_string(args[0]):
        raise bad("a separator that is no string")
    if None in parts:
        raise bad("join of something else than strings")
    separator = args[0][1:] if args else b""
    return bytes((ParticleType.STRING,)) + separator.join(part for part in parts if part is not None)


def _is_string(value: Value) -> TypeGuard[bytes]:
    return isinstance(value, bytes) and value[:1] == bytes((ParticleType.STRING,))


_SEARCHES = (
    (ListOpcode.GET_BY_INDEX, ListOpcode.REMOVE_BY_INDEX, BY_INDEX),
    (ListOpcode.GET_BY_VALUE, ListOpcode.REMOVE_BY_VALUE, BY_VALUE),
    (ListOpcode.GET_BY_RANK, ListOpcode.REMOVE_BY_RANK, BY_RANK),
    (ListOpcode.GET_ALL_BY_VALUE, ListOpcode.REMOVE_ALL_BY_VALUE, ALL_OF_VALUE),
    (ListOpcode.GET_BY_VALUE_LIST, ListOpcode.REMOVE_BY_VALUE_LIST, BY_VALUES),
    (ListOpcode.GET_BY_INDEX_RANGE, ListOpcode.REMOVE_BY_INDEX_RANGE, BY_INDEX_RANGE),
    (ListOpcode.GET_BY_VALUE_INTERVAL, ListOpcode.REMOVE_BY_VALUE_INTERVAL, BY_VALUE_INTERVAL),
    (ListOpcode.GET_BY_RANK_RANGE, ListOpcode.REMOVE_BY_RANK_RANGE, BY_RANK_RANGE),
    (ListOpcode.GET_BY_VALUE_REL_RANK_RANGE, ListOpcode.REMOVE_BY_VALUE_REL_RANK_RANGE, BY_VALUE_RELATIVE),
)
"""The opcodes that read and that remove, by what they choose."""

LIST_OPS: dict[int, CdtOp] = {
    ListOpcode.SET_TYPE: CdtOp("i", _set_type, creates=0),
    ListOpcode.APPEND: CdtOp("v|ii", _append, creates=1),
    ListOpcode.APPEND_ITEMS: CdtOp("l|ii", _append_items, creates=1),
    ListOpcode.INSERT: CdtOp("iv|i", _insert, creates=-1),
    ListOpcode.INSERT_ITEMS: CdtOp("il|i", _insert_items, creates=-1),
    ListOpcode.POP: CdtOp("i", _pop),
    ListOpcode.POP_RANGE: CdtOp("i|i", _pop_range),
    ListOpcode.REMOVE: CdtOp("i", _remove),
    ListOpcode.REMOVE_RANGE: CdtOp("i|i", _remove_range),
    ListOpcode.SET: CdtOp("iv|i", _set, creates=-1),
    ListOpcode.TRIM: CdtOp("ii", _trim),
    ListOpcode.CLEAR: CdtOp("*", _clear),
    ListOpcode.INCREMENT: CdtOp("i|nii", _increment, creates=2),
    ListOpcode.SORT: CdtOp("|i", _sort),
    ListOpcode.SIZE: CdtOp("*", _size, writes=False),
    ListOpcode.GET: CdtOp("i", _get, writes=False),
    ListOpcode.GET_RANGE: CdtOp("i|i", _get_range, writes=False),
    ListOpcode.JOIN: CdtOp("|v", _join, writes=False),
    **{opcode: reading(search) for opcode, _, search in _SEARCHES},
    **{opcode: removing(search) for _, opcode, search in _SEARCHES},
}
"""All list operations. SORT is not among those that make a list, but fails where there is none."""

"""What an operation tells about the elements that it has found, by return type.

Owns: which return types go with which kind of selection, and the values they give. Not here: finding elements
(selection.py).
"""

from __future__ import annotations

from ..protocol.constants import ContainerFlags
from ..protocol.flags import INVERTED, ReturnType
from ..protocol.result import not_applicable
from ..values.packed import PackedList, PackedMap, Value
from .selection import By, Elements, Selection

__all__ = ["is_range", "result_of", "split_return_type"]

_TYPES = frozenset(map(int, ReturnType))
_MAP_TYPES = frozenset(
    (ReturnType.KEY, ReturnType.KEY_VALUE, ReturnType.UNORDERED_MAP, ReturnType.ORDERED_MAP)
)
_INDEX_RANGES = (ReturnType.INDEX_RANGE, ReturnType.REVERSE_INDEX_RANGE)
_RANK_RANGES = (ReturnType.RANK_RANGE, ReturnType.REVERSE_RANK_RANGE)
_RANKS = (ReturnType.RANK, ReturnType.REVERSE_RANK)
_POSITIONS = (ReturnType.INDEX, ReturnType.REVERSE_INDEX, *_RANKS)
_ELEMENTS = (ReturnType.KEY, ReturnType.VALUE)
_MARKERS: dict[int, int] = {
    ReturnType.KEY_VALUE: int(ContainerFlags.PRESERVE_ORDER),
    ReturnType.UNORDERED_MAP: 0,
    ReturnType.ORDERED_MAP: int(ContainerFlags.KEY_ORDERED),
}


def split_return_type(number: int) -> tuple[ReturnType, bool]:
    """A return type as it was sent, taken apart: the type, and whether the selection is inverted."""
    plain = number & ~INVERTED
    if plain not in _TYPES:
        raise not_applicable(f"return type {number:#x}")
    return ReturnType(plain), bool(number & INVERTED)


def is_range(kind: ReturnType) -> bool:
    """Whether a return type tells a first position and a count."""
    return kind in _INDEX_RANGES or kind in _RANK_RANGES


def result_of(elements: Elements, found: Selection, kind: ReturnType) -> Value:
    """The result of an operation that has found these elements."""
    _check(elements, found, kind)
    if kind == ReturnType.NONE:
        return None
    if kind == ReturnType.COUNT:
        return len(set(found.indexes))
    if kind == ReturnType.EXISTS:
        return _exists(elements, found)
    if is_range(kind):
        return _range(elements, found, kind)
    if kind in _MARKERS:
        return _as_map(elements, found, kind)
    if found.single:
        return _single(elements, found, kind)
    return PackedList(0, _many(elements, found, kind))


def _check(elements: Elements, found: Selection, kind: ReturnType) -> None:
    if kind in _MAP_TYPES and not elements.is_map:
        raise not_applicable("a map's return type for a list")
    if kind in _RANKS and found.by in (By.KEYS,):
        raise not_applicable("ranks of a list of keys")
    by_index, by_rank = found.by in (By.INDEX, By.KEY), found.by in (By.RANK, By.VALUE)
    if elements.sorted_by_index:
        by_index = by_rank = by_index or by_rank
    if not (elements.is_map or found.indexes or found.single) and found.by in (By.INDEX, By.RANK):
        by_index = by_rank = True
    if kind in _INDEX_RANGES and (found.inverted or not by_index):
        raise not_applicable("an index range of something else")
    if kind in _RANK_RANGES and (found.inverted or not by_rank):
        raise not_applicable("a rank range of something else")


def _exists(elements: Elements, found: Selection) -> bool:
    if found.inverted and _tells_of_the_selected(elements, found):
        return len(found.indexes) == elements.size
    return bool(found.indexes)


def _tells_of_the_selected(elements: Elements, found: Selection) -> bool:
    """Whether EXISTS tells that nothing was selected, where the real server does not look at the rest."""
    if elements.is_map:
        if found.by is By.VALUE:
            return bool(elements.size)
        in_the_middle = found.spans is not None and len(found.spans) > 1 and found.by in (By.INDEX, By.RANK)
        of_keys = found.key_interval and not elements.has_key_order
        return of_keys or (in_the_middle and (found.by is By.RANK or not elements.has_key_order))
    if elements.sorted_by_index:
        return False
    return found.by is By.VALUE or (found.by is By.RANK and bool(elements.size))


def _range(elements: Elements, found: Selection, kind: ReturnType) -> Value:
    count = len(found.indexes)
    first = found.first
    is_plain_list = not (elements.is_map or elements.sorted_by_index)
    if found.single and not count and elements.sorted_by_index:
        first = 0
    elif elements.is_map and not elements.size and (found.single or found.by is By.VALUE):
        first = -1
    is_reverse = kind in (ReturnType.REVERSE_INDEX_RANGE, ReturnType.REVERSE_RANK_RANGE)
    is_unordered_interval = found.key_interval and not elements.has_key_order
    if is_reverse and (count or is_unordered_interval or (is_plain_list and found.by is By.VALUE)):
        first = elements.size - first - count
    return PackedList(0, [first, count])


def _as_map(elements: Elements, found: Selection, kind: ReturnType) -> Value:
    indexes = found.indexes
    if found.by in (By.KEYS, By.VALUES) or kind == ReturnType.ORDERED_MAP:
        indexes = sorted(set(indexes))
    return PackedMap(_MARKERS[kind], [(elements.keys[i], elements.values[i]) for i in indexes])


def _single(elements: Elements, found: Selection, kind: ReturnType) -> Value:
    if not found.indexes:
        return None if kind in (ReturnType.KEY, ReturnType.VALUE) else -1
    if kind == ReturnType.RANK and found.by is By.RANK:
        return found.first
    if kind == ReturnType.REVERSE_RANK and found.by is By.RANK:
        return elements.size - 1 - found.first
    return _position(elements, found.indexes[0], kind)


def _position(elements: Elements, index: int, kind: ReturnType) -> Value:
    if kind == ReturnType.VALUE:
        return elements.values[index]
    if kind == ReturnType.KEY:
        return elements.keys[index]
    if kind == ReturnType.INDEX:
        return index
    if kind == ReturnType.REVERSE_INDEX:
        return elements.size - 1 - index
    is_plain_list = not elements.is_map and not elements.sorted_by_index
    rank = (elements.lowest_rank_of if is_plain_list else elements.rank_of)[index]
    return rank if kind == ReturnType.RANK else elements.size - 1 - rank


def _many(elements: Elements, found: Selection, kind: ReturnType) -> list[Value]:
    """The results about several elements.

    Positions of a selected range are in rising order. Reverse positions of what an inverted range leaves are
    in rising order on each side of the range.
    """
    if found.spans is not None and _in_spans(elements, found, kind):
        size = elements.size
        if kind in (ReturnType.INDEX, ReturnType.RANK):
            return [position for first, end in found.spans for position in range(first, end)]
        return [position for first, end in found.spans for position in range(size - end, size - first)]
    is_unordered_interval = found.key_interval and not elements.has_key_order
    is_whole = found.by is By.INDEX and len(found.indexes) == elements.size
    if kind in _RANKS and is_whole and not is_unordered_interval:
        return list(range(elements.size))
    indexes = _ordered(elements, found, kind)
    if kind in _RANKS and found.by is not By.INDEX:
        ranks = [elements.rank_of[index] for index in indexes]
        return [rank if kind == ReturnType.RANK else elements.size - 1 - rank for rank in ranks]
    results = [_position(elements, index, kind) for index in indexes]
    is_rest_of_none = elements.is_map and found.inverted and len(results) == elements.size
    rises = is_rest_of_none and found.by is By.VALUE and kind == ReturnType.REVERSE_INDEX
    return results[::-1] if rises else results


def _in_spans(elements: Elements, found: Selection, kind: ReturnType) -> bool:
    """Whether the spans of a selection are of the kind of positions that is told."""
    if elements.sorted_by_index:
        return kind in _POSITIONS
    if found.by in (By.INDEX, By.KEYS):
        return kind in (ReturnType.INDEX, ReturnType.REVERSE_INDEX)
    return kind in _RANKS


def _ordered(elements: Elements, found: Selection, kind: ReturnType) -> list[int]:
    """The indexes of the elements, in the order in which the results are told."""
    indexes = found.indexes
    if found.by is By.KEYS:
        by_place = kind in (ReturnType.INDEX, ReturnType.REVERSE_INDEX)
        return indexes if by_place and not found.inverted else sorted(set(indexes))
    if found.by is By.VALUES and not elements.sorted_by_index:
        if kind in _ELEMENTS:
            return sorted(set(indexes))
        return indexes if kind in _RANKS else sorted(indexes)
    if found.by is By.RANK and not elements.is_map and not elements.sorted_by_index and not found.inverted:
        return _list_order(elements, found, kind)
    return indexes


def _list_order(elements: Elements, found: Selection, kind: ReturnType) -> list[int]:
    """The order in which a range of ranks of an unordered list is told.

    Indexes rise. Values come from the nearer end, as the real server's partial sort leaves them.
    """
    if kind != ReturnType.VALUE:
        return sorted(found.indexes)
    nearer_to_start = found.first <= elements.size - found.first - len(found.indexes)
    return found.indexes[::-1] if nearer_to_start else found.indexes

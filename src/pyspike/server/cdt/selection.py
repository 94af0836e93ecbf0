"""Which elements of a list or map an operation is about: by index, rank, value, key, and ranges of these.

Owns: finding elements, negative and relative positions, clipping, inversion, and the order of what is found.
Not here: the layouts of arguments (lists.py, maps.py), and what is told about the elements (results.py).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import Any

from ..protocol.constants import ContainerFlags
from ..protocol.result import NotApplicableSubcode, RequestError, ResultCode
from ..values.ordering import WILDCARD, compare, has_wildcard, ranked, sort_key
from ..values.packed import PackedList, PackedMap, Value

__all__ = ["By", "Elements", "Selection"]


class By(Enum):
    """The way in which elements were selected: it decides which results can be told, and in which order."""

    INDEX = "index, index range, key interval, relative index"
    RANK = "rank, rank range, relative rank"
    KEY = "one key"
    KEYS = "list of keys"
    VALUE = "one value, its first or all its places, value interval"
    VALUES = "list of values"


@dataclass(slots=True)
class Selection:
    """The elements that were found, as indexes, in the order in which they are told.

    `single`: one element was asked for, and the answer is not a list. `first`: where a range of indexes or
    ranks starts, even if it is empty. `spans`: the (first, end) of the indexes or ranks that were found, if
    they were asked for as a range, or as the rest beside one. `key_interval`: they were by two keys.
    """

    indexes: list[int]
    by: By
    single: bool = False
    first: int = 0
    inverted: bool = False
    spans: list[tuple[int, int]] | None = None
    key_interval: bool = False


def inverted_range(elements: Elements, selection: Selection) -> Selection:
    """All elements but the selected ones, as a selection whose range the server can tell.

    It can if the rest is one range of a map, or if nothing is left of an unordered list that was searched by
    rank. Else the selection has no range.
    """
    rest = elements.inverse(selection)
    if not elements.is_map:
        can_be_told = not elements.sorted_by_index and rest.by is By.RANK and not rest.indexes
    elif rest.by is By.VALUE:
        can_be_told = not selection.indexes
    else:
        is_one = rest.spans is not None and (len(rest.spans) <= 1 or not selection.indexes)
        can_be_told = is_one and (not rest.key_interval or elements.has_key_order)
    if not can_be_told:
        return rest
    first = rest.spans[0][0] if rest.spans else elements.size if elements.is_map else 0
    return Selection(rest.indexes, rest.by, first=first, spans=rest.spans, key_interval=rest.key_interval)


def clip(start: int, count: int | None, size: int) -> tuple[int, int]:
    """A range from `start` (negative: from the end), clipped to a container, as (first, end).

    Without a count, or with a negative one, the range goes up to the end.
    """
    if start < 0:
        start += size
    end = size if count is None or count < 0 else min(start + count, size)
    first = min(max(start, 0), size)
    return first, max(end, first)


class Elements:
    """The elements of a container by index, and their order by rank, which is computed when it is needed."""

    def __init__(self, container: PackedList | PackedMap) -> None:
        self.is_map = isinstance(container, PackedMap)
        self.flags = container.flags
        self.keys: list[Value] = []
        if isinstance(container, PackedMap):
            self.keys = [key for key, _ in container.pairs]
            self.values = [value for _, value in container.pairs]
        else:
            self.values = container.items
        self.size = len(self.values)

    @property
    def has_key_order(self) -> bool:
        """Whether the container is a map that is sorted by its keys."""
        return self.is_map and bool(self.flags & ContainerFlags.KEY_ORDERED)

    @property
    def sorted_by_index(self) -> bool:
        """Whether the container is an ordered list, in which indexes are ranks."""
        return not self.is_map and bool(self.flags & ContainerFlags.ORDERED)

    @cached_property
    def by_rank(self) -> list[int]:
        """The indexes of the elements, in the order of their ranks."""
        return list(range(self.size)) if self.sorted_by_index else ranked(self.values)

    @cached_property
    def rank_of(self) -> list[int]:
        """The rank of each element, in the order of their indexes."""
        ranks = [0] * self.size
        for rank, index in enumerate(self.by_rank):
            ranks[index] = rank
        return ranks

    @cached_property
    def lowest_rank_of(self) -> list[int]:
        """For each element, in the order of their indexes, the lowest rank of an equal one."""
        ranks = self.rank_of[:]
        for before, index in pairwise(self.by_rank):
            if sort_key(self.values[before]) == sort_key(self.values[index]):
                ranks[index] = ranks[before]
        return ranks

    @cached_property
    def _sorted_values(self) -> list[Any]:
        return [sort_key(self.values[index]) for index in self.by_rank]

    @cached_property
    def _sorted_keys(self) -> list[Any]:
        return [sort_key(key) for key in self.keys]

    # --- one element ---

    def at_index(self, index: int) -> Selection:
        """Select the element at an index."""
        index = _within(index, self.size, NotApplicableSubcode.CDT_INDEX)
        return Selection([index], By.INDEX, single=True, first=index)

    def at_rank(self, rank: int) -> Selection:
        """Select the element of a rank."""
        rank = _within(rank, self.size, NotApplicableSubcode.CDT_RANK)
        return Selection([self.by_rank[rank]], By.RANK, single=True, first=rank)

    def at_key(self, key: Value) -> Selection:
        """Select the element with a key; it may be missing."""
        index = self.find_key(key)
        found = [] if index is None else [index]
        return Selection(found, By.KEY, single=True, first=-1 if index is None else index)

    def find_key(self, key: Value) -> int | None:
        """The index of a key; None if it is missing."""
        if type(key) is bytes or type(key) is int:
            try:
                return self.keys.index(key)
            except ValueError:
                return None
        if key == WILDCARD and self.keys:
            return 0
        wanted = sort_key(key) if not has_wildcard(key) else None
        return self._sorted_keys.index(wanted) if wanted in self._sorted_keys else None

    def first_of_value(self, value: Value) -> Selection:
        """Select the element of the lowest rank that has a value."""
        places = self._places(value)
        first = min((self.rank_of[index] for index in places), default=self._position(value))
        found = [self.by_rank[first]] if places else []
        return Selection(found, By.VALUE, single=True, first=first)

    # --- many elements ---

    def all_of_value(self, value: Value) -> Selection:
        """Select all elements that have a value."""
        places = self._places(value)
        first = min((self.rank_of[index] for index in places), default=self._position(value))
        spans = None if has_wildcard(value) else [(first, first + len(places))]
        return Selection(places, By.VALUE, first=first, spans=spans)

    def of_keys(self, keys: list[Value]) -> Selection:
        """Select the elements with the keys of a list.

        Where a key is in the list more than once, its last place counts in an unordered map.
        """
        found = [index for index in map(self.find_key, keys) if index is not None]
        return Selection(found if self.has_key_order else _last_of_each(found), By.KEYS)

    def of_values(self, values: list[Value]) -> Selection:
        """Select the elements that have one of the values of a list.

        Where a value is in the list more than once, its last place counts in a map, and all its places in a
        map of one element.
        """
        places = [found for found in map(self._places, values) if found]
        indexes = [index for found in places for index in found]
        if self.sorted_by_index:
            return Selection(indexes, By.VALUES, spans=[(found[0], found[-1] + 1) for found in places])
        return Selection(indexes if self.is_map and self.size == 1 else _last_of_each(indexes), By.VALUES)

    def index_range(self, start: int, count: int | None) -> Selection:
        """Select the elements from an index on."""
        first, end = clip(start, count, self.size)
        return Selection(list(range(first, end)), By.INDEX, first=first, spans=[(first, end)])

    def rank_range(self, start: int, count: int | None) -> Selection:
        """Select the elements from a rank on."""
        first, end = clip(start, count, self.size)
        return Selection(self.by_rank[first:end], By.RANK, first=first, spans=[(first, end)])

    def key_interval(self, begin: Value, end: list[Value]) -> Selection:
        """Select the elements with begin <= key < end; `end` holds no key or one."""
        first = self._key_position(begin)
        last = max(first, self._key_position(end[0]) if end else self.size)
        indexes, spans = list(range(first, last)), [(first, last)]
        return Selection(indexes, By.INDEX, first=first, spans=spans, key_interval=True)

    def value_interval(self, begin: Value, end: list[Value]) -> Selection:
        """Select the elements with begin <= value < end, by index; `end` holds no value or one."""
        first = self._position(begin)
        last = max(first, self._position(end[0]) if end else self.size)
        indexes = sorted(self.by_rank[first:last])
        return Selection(indexes, By.VALUE, first=first, spans=[(first, last)])

    def key_relative(self, key: Value, offset: int, count: int | None) -> Selection:
        """Select elements from an index on, counted from where a key is or would be."""
        first, end = _relative(self._key_position(key), offset, count, self.size)
        return Selection(list(range(first, end)), By.INDEX, first=first, spans=[(first, end)])

    def value_relative(self, value: Value, offset: int, count: int | None) -> Selection:
        """Select elements from a rank on, counted from where a value is or would be."""
        first, end = _relative(self._position(value), offset, count, self.size)
        return Selection(self.by_rank[first:end], By.RANK, first=first, spans=[(first, end)])

    def inverse(self, selection: Selection) -> Selection:
        """Select all other elements.

        Those of a map come by rank if they are a range of ranks, as what is left of a range that starts or
        ends with the map is; else they come by index.
        """
        chosen = set(selection.indexes)
        rest = [index for index in range(self.size) if index not in chosen]
        spans = None
        if selection.by is By.VALUES:
            if not self.sorted_by_index:
                spans = _runs(sorted(self.rank_of[index] for index in rest))
        elif selection.by is By.KEYS:
            if not self.has_key_order:
                spans = _runs(rest)
        elif selection.spans is not None:
            first, end = selection.spans[0]
            is_empty = first == end
            if is_empty and not self._splits_at_nothing(selection):
                first = end = 0  # one range is left, wherever the empty one is
            spans = [span for span in ((0, first), (end, self.size)) if span[0] < span[1]]
            if self.is_map and selection.by is By.RANK and spans and (is_empty or len(spans) == 1):
                rest = self.by_rank[spans[0][0] : spans[-1][1]]
        interval = selection.key_interval
        return Selection(rest, selection.by, inverted=True, spans=spans, key_interval=interval)

    def _splits_at_nothing(self, selection: Selection) -> bool:
        """Whether the rest of an empty selection is told as two ranges, one before and one after it."""
        if self.is_map:
            return selection.key_interval and not self.has_key_order
        return not self.sorted_by_index and selection.by is not By.INDEX

    def _position(self, value: Value) -> int:
        """The rank that a value has or would have."""
        if has_wildcard(value):
            return sum(compare(mine, value) < 0 for mine in self.values)
        return bisect_left(self._sorted_values, sort_key(value))

    def _key_position(self, key: Value) -> int:
        """The index that a key has or would have."""
        if has_wildcard(key):
            return sum(compare(mine, key) < 0 for mine in self.keys)
        return bisect_left(self._sorted_keys, sort_key(key))

    def _places(self, value: Value) -> list[int]:
        """The indexes of all elements with a value."""
        if has_wildcard(value):
            return [index for index, mine in enumerate(self.values) if compare(mine, value) == 0]
        kind = type(value)
        if kind is int or kind is bytes:
            return [i for i, mine in enumerate(self.values) if mine == value and type(mine) is kind]
        wanted = sort_key(value)
        return [index for index, mine in enumerate(self.values) if sort_key(mine) == wanted]


def _last_of_each(indexes: list[int]) -> list[int]:
    """Each index once, at the last of its places."""
    return list(dict.fromkeys(reversed(indexes)))[::-1]


def _within(position: int, size: int, subcode: int) -> int:
    if position < 0:
        position += size
    if not 0 <= position < size:
        raise RequestError(ResultCode.OP_NOT_APPLICABLE, "index or rank out of range", subcode)
    return position


def _runs(positions: list[int]) -> list[tuple[int, int]]:
    """The runs of consecutive positions, as (first, end)."""
    runs: list[tuple[int, int]] = []
    for position in positions:
        if runs and runs[-1][1] == position:
            runs[-1] = (runs[-1][0], position + 1)
        else:
            runs.append((position, position + 1))
    return runs


def _relative(position: int, offset: int, count: int | None, size: int) -> tuple[int, int]:
    start = position + offset
    end = size if count is None or count < 0 else min(start + count, size)
    first = min(max(start, 0), size)
    return first, max(end, first)

"""What the server does to a list or map, in plain Python: an order of values, and selections by it.

Nothing of pyspike is in here but names of numbers, so that a test that holds both against each other means
something. Written after the protocol notes (cdt.md 5.3 to 5.5, values.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pyspike import MapReturnType as Give

NOT_APPLICABLE, EXISTS, NOT_FOUND, REQUEST_INVALID = 26, 24, 23, 4


class Refused(Exception):  # noqa: N818 - what it says
    """The server answers with this code, and nothing changes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Ambiguous(Exception):  # noqa: N818 - what it says
    """Equal elements, of which the server may take one or the other."""


def order(value: Any) -> tuple[Any, ...]:
    """Sorts as the server does: by type first."""
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, int):
        return 2, value
    if isinstance(value, str):
        return 3, value.encode()
    if isinstance(value, list):
        return 4, tuple(map(order, value))
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: order(pair[0]))
        return 5, len(pairs), tuple((order(key), order(item)) for key, item in pairs)
    if isinstance(value, bytes):
        return 6, value
    return 7, value


def equal(one: Any, two: Any) -> bool:
    """As the server compares: 1, True and 1.0 are three things."""
    return order(one) == order(two)


def is_one_of(value: Any, values: Iterable[Any]) -> bool:
    return any(equal(value, other) for other in values)


def place(index: int, size: int) -> int:
    """Where a position to read is."""
    if not -size <= index < size:
        raise Refused(NOT_APPLICABLE)
    return index % size


def place_to_write(index: int, size: int) -> int:
    """Where a position to write is, which may be behind the end."""
    if index < -size:
        raise Refused(NOT_APPLICABLE)
    return index if index >= 0 else index + size


def window(start: int, count: int | None, size: int) -> range:
    """The positions of a range: what is outside is left out."""
    first = start + size if start < 0 else start
    last = size if count is None else first + count
    return range(max(first, 0), max(min(last, size), max(first, 0)))


# Selections -------------------------------------------------------------------------------------------------


@dataclass
class View:
    """The elements of a list, or the entries of a map in the order of their keys.

    Args:
        keys: the keys of a map, places of a list.
        values: the values.
    """

    keys: list[Any]
    values: list[Any]

    @property
    def size(self) -> int:
        return len(self.values)

    def by_rank(self) -> list[int]:
        """The places in the order of the values; equal ones in the order in which they stand."""
        return sorted(range(self.size), key=lambda at: order(self.values[at]))

    def needs_distinct(self) -> None:
        if len(set(map(order, self.values))) < self.size:
            raise Ambiguous


Selection = Callable[[View], list[int]]


def by_index(index: int) -> Selection:
    return lambda view: [place(index, view.size)]


def by_rank(rank: int) -> Selection:
    return lambda view: [view.by_rank()[place(rank, view.size)]]


def by_index_range(index: int, count: int | None) -> Selection:
    return lambda view: list(window(index, count, view.size))


def by_rank_range(rank: int, count: int | None) -> Selection:
    return lambda view: [view.by_rank()[at] for at in window(rank, count, view.size)]


def by_values(wanted: list[Any]) -> Selection:
    return lambda view: [at for at, value in enumerate(view.values) if is_one_of(value, wanted)]


def by_value_range(begin: Any, end: Any) -> Selection:
    return lambda view: [at for at, value in enumerate(view.values) if _between(value, begin, end)]


def by_value_relative(value: Any, rank: int, count: int | None) -> Selection:
    return lambda view: [view.by_rank()[at] for at in _beside(view.values, value, rank, count)]


def by_keys(wanted: list[Any]) -> Selection:
    return lambda view: [at for at, key in enumerate(view.keys) if is_one_of(key, wanted)]


def by_key_range(begin: Any, end: Any) -> Selection:
    return lambda view: [at for at, key in enumerate(view.keys) if _between(key, begin, end)]


def by_key_relative(key: Any, index: int, count: int | None) -> Selection:
    return lambda view: list(_beside(view.keys, key, index, count))


def _between(value: Any, begin: Any, end: Any) -> bool:
    return (begin is None or order(begin) <= order(value)) and (end is None or order(value) < order(end))


def _beside(sorted_in: list[Any], value: Any, offset: int, count: int | None) -> range:
    """A range that starts beside the place of a value: not from the end, if it starts before the first."""
    size = len(sorted_in)
    start = sum(order(other) < order(value) for other in sorted_in) + offset
    last = size if count is None else min(start + count, size)
    return range(max(start, 0), max(last, start, 0))


def told(view: View, chosen: list[int], give: int, *, single: bool) -> Any:
    """What an operation gives for the places it selected."""
    if give == Give.NONE:
        return None
    if give == Give.COUNT:
        return len(chosen)
    if give == Give.EXISTS:
        return bool(chosen)
    if give == Give.KEY_VALUE:
        return {view.keys[at]: view.values[at] for at in chosen}
    ranks = {at: rank for rank, at in enumerate(view.by_rank())}
    parts = [
        {
            Give.INDEX: at,
            Give.REVERSE_INDEX: view.size - 1 - at,
            Give.RANK: ranks[at],
            Give.REVERSE_RANK: view.size - 1 - ranks[at],
            Give.KEY: view.keys[at],
            Give.VALUE: view.values[at],
        }[Give(give)]
        for at in chosen
    ]
    if not single:
        return parts
    if parts:
        return parts[0]
    return None if give in (Give.KEY, Give.VALUE) else -1

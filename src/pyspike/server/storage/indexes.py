"""Secondary indexes: which records of a partition have which value, in the order in which queries find them.

Owns: what defines an index, and its entries. Not here: telling it of changes (store.py), which values of a
record are indexed (../queries/keys.py), and when an index may be used (../queries/indexes.py).

An entry is (bval, digest). A bval is a signed integer of eight bytes: the indexed integer itself, or what
stands for a string, a blob or a place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass

from ..protocol.digest import partition_of

__all__ = ["NO_BVALS", "Entry", "Index", "IndexDefinition"]

Entry = tuple[int, bytes]

NO_BVALS: frozenset[int] = frozenset()
_AFTER_ALL = b"\xff" * 21
"""Greater than every digest."""


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """What makes two indexes the same, whatever their names.

    Fields:
        set_name: the set whose records are indexed; None: all sets, and the records in none.
        particle: the particle type of the values that are indexed; 0 for the index of a set.
        collection: which part of a value is indexed, an `IndexCollection`.
        bin: the bin that is indexed; None: an expression is, or a set.
        context: the way into the bin's value, as it was sent; empty: the value itself.
        expression: the expression that is indexed, as it was sent; empty: none.

    """

    set_name: bytes | None
    particle: int
    collection: int
    bin: bytes | None = None
    context: bytes = b""
    expression: bytes = b""


class Index:
    """One index and its entries.

    Args:
        name: its name; an index can be renamed.
        definition: what is indexed.

    Attributes:
        entries: how many there are.
        is_complete: whether all records of the namespace were looked at.
        seen_percent: of how many partitions, as long as they were not.
        load_ms: how many milliseconds that has taken.

    """

    __slots__ = (
        "_bvals",
        "_partitions",
        "definition",
        "entries",
        "is_complete",
        "load_ms",
        "name",
        "seen_percent",
    )

    def __init__(self, name: str, definition: IndexDefinition) -> None:
        self.name = name
        self.definition = definition
        self.entries = 0
        self.is_complete = False
        self.seen_percent = 0
        self.load_ms = 0
        self._partitions: dict[int, list[Entry]] = {}
        self._bvals: dict[bytes, frozenset[int]] = {}

    def update(self, digest: bytes, after: frozenset[int]) -> None:
        """Let these be the bvals of a record, given by its digest, from now on; none if it is gone."""
        before = self._bvals.get(digest, NO_BVALS)
        if before == after:
            return
        entries = self._partitions.setdefault(partition_of(digest), [])
        for bval in before - after:
            del entries[bisect_left(entries, (bval, digest))]
        for bval in after - before:
            insort(entries, (bval, digest))
        self.entries += len(after) - len(before)
        if after:
            self._bvals[digest] = after
        else:
            del self._bvals[digest]

    def drop_partition(self, partition_id: int) -> None:
        """Take note that all records of a partition are gone."""
        for _, digest in self._partitions.pop(partition_id, ()):
            self._bvals.pop(digest, None)
            self.entries -= 1

    def holds(self, bval: int, digest: bytes) -> bool:
        """Whether there is an entry at this moment."""
        return bval in self._bvals.get(digest, NO_BVALS)

    def within(self, partition_id: int, first: int, last: int, after: Entry | None = None) -> list[Entry]:
        """The entries of a partition with bvals from `first` to `last`, ascending.

        Args:
            partition_id: the partition.
            first: the least bval.
            last: the greatest bval.
            after: an entry, which need not exist: only those that come after it are given.

        """
        entries = self._partitions.get(partition_id)
        if entries is None:
            return []
        start = bisect_left(entries, (first, b""))
        if after is not None:
            start = max(start, bisect_right(entries, after))
        return entries[start : bisect_right(entries, (last, _AFTER_ALL))]

    def count(self, first: int, last: int) -> int:
        """How many entries have bvals from `first` to `last`."""
        return sum(
            bisect_right(entries, (last, _AFTER_ALL)) - bisect_left(entries, (first, b""))
            for entries in self._partitions.values()
        )

    def statistics(self, owns: Callable[[int], bool]) -> tuple[int, int, int]:
        """How many entries, different bvals and records there are in some partitions.

        `owns` tells which partitions these are, by their numbers.
        """
        count = 0
        bvals: set[int] = set()
        digests: set[bytes] = set()
        for partition_id, entries in self._partitions.items():
            if owns(partition_id):
                count += len(entries)
                bvals.update(bval for bval, _ in entries)
                digests.update(digest for _, digest in entries)
        return count, len(bvals), len(digests)

"""What users hold of queries: what is asked for, of which partitions, and where a query stands.

`Statement` and `IndexFilter` are compiled (`src/wire/requests/statement.pyx`, `index_filter.pyx`).
"""

from __future__ import annotations

import itertools

from pyspike._types import KeyLike
from pyspike._wire import (
    PARTITIONS,
    IndexFilter,
    Key,
    QueryPartitions,
    Statement,
    partitions_of_cursor,
    plain_bytes,
    plain_int,
)
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.plain_value import PlainValue, value_class
from pyspike.showing import shown

__all__ = ["Cursor", "IndexFilter", "PartitionFilter", "Statement"]


@value_class(frozen=True, slots=True, repr=False, eq=False)
class PartitionFilter(PlainValue):
    """Which of a namespace's 4096 partitions a query asks for; immutable.

    Made by `all`, `by_id`, `by_range` and `by_key`.

    Args:
        begin: the first, 0 to 4095.
        count: how many.
        after: the digest of a record of the only partition; the records behind it are asked for.

    Raises:
        InvalidType: an argument is of the wrong type.
        InvalidArgument: there are no such partitions.
    """

    begin: int = 0
    count: int = PARTITIONS
    after: bytes | None = None

    def __post_init__(self) -> None:
        for name in ("begin", "count"):
            number = plain_int(getattr(self, name))
            if number is None:
                raise InvalidType(f"{name} must be an int, not {shown(getattr(self, name))}")
            object.__setattr__(self, name, number)
        if not (0 <= self.begin < PARTITIONS and 1 <= self.count <= PARTITIONS - self.begin):
            raise InvalidArgument(
                f"there are no {shown(self.count)} partitions from {shown(self.begin)} on: "
                f"they have the numbers 0 to {PARTITIONS - 1}"
            )
        if self.after is not None:
            digest = plain_bytes(self.after)
            if digest is None:
                raise InvalidType(f"after must be a digest, which is bytes, not {shown(self.after)}")
            object.__setattr__(self, "after", digest)
            QueryPartitions(self.begin, self.count, digest)

    @classmethod
    def all(cls) -> PartitionFilter:
        """All partitions."""
        return cls()

    @classmethod
    def by_id(cls, partition_id: int) -> PartitionFilter:
        """One partition."""
        return cls(partition_id, 1)

    @classmethod
    def by_range(cls, begin: int, count: int) -> PartitionFilter:
        """So many partitions, one behind the other."""
        return cls(begin, count)

    @classmethod
    def by_key(cls, key: KeyLike) -> PartitionFilter:
        """The records behind this one in its partition, in the order of queries without `where`.

        There need be no record with this key.
        """
        if not isinstance(key, Key):
            key = Key(*key)
        return cls(key.partition_id, 1, key.digest)

    def split(self, parts: int) -> list[PartitionFilter]:
        """So many filters that ask for the same partitions, each for about as many; for several workers, say.

        Args:
            parts: how many, 1 at least and no more than there are partitions.

        Raises:
            InvalidType: `parts` is no int.
            InvalidArgument: it is out of range.
        """
        number = plain_int(parts)
        if number is None:
            raise InvalidType(f"parts must be an int, not {shown(parts)}")
        if not 1 <= number <= self.count:
            raise InvalidArgument(
                f"{self.count} partitions can be split into 1 to {self.count}, not {shown(number)}"
            )
        if number == 1:
            return [self]
        ends = [self.begin + self.count * part // number for part in range(number + 1)]
        return [PartitionFilter(begin, end - begin) for begin, end in itertools.pairwise(ends)]


ALL_PARTITIONS = PartitionFilter.all()


@value_class(frozen=True, slots=True, repr=False, eq=False)
class Cursor(PlainValue):
    """Where a query stands: which records of which partitions it has given. Immutable, picklable.

    A query of the same statement that is given one goes on with the records that were not given yet; the
    statement's bins and operations may be others. Its bytes can be kept in a file, or sent elsewhere.

    Args:
        data: what `to_bytes` gave.

    Raises:
        InvalidType: these are no bytes.
        InvalidArgument: these are no bytes of a cursor, or of one that this version of pyspike can't read.
    """

    _data: bytes

    def __post_init__(self) -> None:
        data = plain_bytes(self._data)
        if data is None:
            raise InvalidType(f"a cursor is made of bytes, not of {shown(self._data)}")
        partitions_of_cursor(data)
        object.__setattr__(self, "_data", data)

    @classmethod
    def from_bytes(cls, data: bytes) -> Cursor:
        """The cursor whose bytes these are; raises what the class does."""
        return cls(data)

    def to_bytes(self) -> bytes:
        """The cursor as bytes, up to 130,000 of them where all partitions have been begun."""
        return self._data

    @property
    def done(self) -> bool:
        """Whether there is nothing to go on with."""
        return partitions_of_cursor(self._data).done

    def __repr__(self) -> str:
        return f"<Cursor {'done' if self.done else 'not done'}, {len(self._data)} bytes>"

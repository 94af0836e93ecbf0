"""What secondary indexes are of: the types of their values, where in a bin these stand, and which there are.

Creating and dropping indexes is done in `pyspike.cluster.indexes`; what queries look for is in
`pyspike.filters`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from pyspike.plain_value import PlainValue, value_class

if TYPE_CHECKING:
    from pyspike.cdt.context import Context

__all__ = ["CollectionIndexType", "IndexType", "SecondaryIndex"]


class IndexType(enum.Enum):
    """Which values an index holds; others are left out of it. The members' values are the server's words.

    INTEGER is another name for NUMERIC, which servers from 8.2 on know.
    """

    INTEGER = "integer"
    NUMERIC = "numeric"
    STRING = "string"
    BLOB = "blob"
    GEO2DSPHERE = "geo2dsphere"


class CollectionIndexType(enum.Enum):
    """What of a bin an index holds: its value itself, a list's elements, a map's keys, or a map's values."""

    DEFAULT = 0
    LIST = 1
    MAP_KEYS = 2
    MAP_VALUES = 3


@value_class(frozen=True, slots=True, repr=False, eq=False)
class SecondaryIndex(PlainValue):
    """An index that there is, as `list_indexes` tells of it.

    Args:
        namespace: the namespace's name.
        name: its own.
        set_name: the set whose records it holds; None if it is of all records of the namespace.
        bin: the name of the bin; None for an index of an expression or of a set.
        type: which values it holds; None for an index of a set, which holds all its records.
        collection: what of the bin, or of what the expression gives, it holds.
        ctx: the way to what is indexed inside the bin; None if that is the bin itself.
        expression: the bytes of the expression if it is of one, for `exp.Expression.from_bytes`.
        is_built: whether all nodes have built it, so that queries find by it.
    """

    namespace: str
    name: str
    set_name: str | None
    bin: str | None
    type: IndexType | None
    collection: CollectionIndexType
    ctx: tuple[Context, ...] | None
    expression: bytes | None
    is_built: bool

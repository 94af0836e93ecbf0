"""What secondary indexes are of: the types of their values, and where in a bin these stand."""

from __future__ import annotations

import enum

__all__ = ["CollectionIndexType", "IndexType"]


class IndexType(enum.Enum):
    """Which values an index holds; others are left out of it. The members' values are the server's words."""

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

"""Predicates: the tuples that queries find records by, and pyspike's index filters."""

from __future__ import annotations

from typing import Any

from pyspike import CollectionIndexType, IndexFilter, errors, filters
from pyspike.compat.facts.constants import number
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.model.values import GeoJSON
from pyspike.compat.translate.names import bin_name_of

__all__ = ["index_filter_of"]

EQUAL, RANGE = 0, 1
GEO = number("INDEX_GEO2DSPHERE")
KINDS = frozenset(number(f"INDEX_{name}") for name in ("STRING", "NUMERIC", "INTEGER", "GEO2DSPHERE", "BLOB"))
COLLECTIONS = {member.value: member for member in CollectionIndexType}
DEFAULT = CollectionIndexType.DEFAULT


def index_filter_of(predicate: Any, ctx: Any = None, **index: Any) -> IndexFilter:
    """The index filter that a predicate stands for.

    Args:
        predicate: the tuple.
        ctx: the contexts of the index, if it is of something inside the bin.
        index: `index`, the index's name, or `expression`, what it is of.

    Raises:
        ParamError: it is no predicate, or has a value that an index can't hold.
    """
    if not isinstance(predicate, tuple) or not 4 <= len(predicate) <= 6:
        raise param_error("predicate is invalid.")
    operation, kind, name, begin, *more = predicate
    end: Any = more[0] if more else None
    collection = COLLECTIONS.get(more[1] if len(more) > 1 else 0)
    if operation not in (EQUAL, RANGE) or kind not in KINDS or collection is None:
        raise param_error("predicate is invalid.")
    if not isinstance(name, str | bytearray | None):
        raise param_error("predicate is invalid.")
    if isinstance(name, bytearray):
        name = bin_name_of(name)
    where: dict[str, Any] = {"ctx": ctx, **index}
    if index:
        name = None
    try:
        if kind == GEO:
            return _geo(name, begin, collection, where)
        if operation == RANGE:
            return filters.range(name, _plain(begin), _plain(end), collection, **where)
        return filters.equal(name, _plain(begin), collection, **where)
    except errors.InvalidArgument as error:
        raise param_error(error.message) from error


def _plain(value: Any) -> Any:
    """A value as an index holds it: True is 1, and a bytearray is bytes."""
    return int(value) if isinstance(value, bool) else bytes(value) if isinstance(value, bytearray) else value


def _geo(name: str | None, shape: Any, collection: CollectionIndexType, where: dict[str, Any]) -> IndexFilter:
    text = shape.dumps() if isinstance(shape, GeoJSON) else shape
    try:
        return filters.geo_within_region(name, text, collection, **where)
    except errors.InvalidArgument:
        return filters.geo_contains(name, text, collection, **where)

"""The `where` of a statement: finding records by a secondary index.

    Statement("test", "users", where=filters.range("age", 18, 30))

Each function takes the bin that is indexed. Where an index is not of a bin's value itself, the keywords say
of what: `collection` for a list's elements, a map's keys or a map's values; `ctx` for a place inside the bin;
`expression`, with None for the bin, for the values of an expression. Instead of all that, `index` names the
index, again with None for the bin. A query for which there is no such index fails with `IndexNotFound`.

An index can hold ints, strs and bytes (up to 2,047 bytes), and GeoJSON.
"""

from __future__ import annotations

import math

from pyspike._types import SupportsToBytes
from pyspike._wire import IndexFilter, pack_element, plain_number
from pyspike.cdt.checks import compiled, whole
from pyspike.cdt.context import Ctx, flat
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.index import CollectionIndexType
from pyspike.showing import shown
from pyspike.values import GeoJSON

__all__ = [
    "IndexFilter",
    "contains",
    "contains_range",
    "equal",
    "geo_contains",
    "geo_within_radius",
    "geo_within_region",
    "range",
]

DEFAULT = CollectionIndexType.DEFAULT


def equal(
    bin: str | None,
    value: int | str | bytes,
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose bin has this value.

    Args:
        bin: the name of the bin; None with `index` or `expression`.
        value: an int, a str or bytes.
        collection: what of the bin is indexed.
        ctx: the way to what is indexed inside the bin, as in `pyspike.operations`.
        index: the name of the index.
        expression: the expression whose values are indexed.

    Raises:
        InvalidType: an index can't hold such a value.
        InvalidArgument: the value does not fit, or arguments exclude each other.
    """
    _refuse_geo(value)
    return _filter(bin, value, value, collection, ctx, index, expression)


def range(
    bin: str | None,
    begin: int,
    end: int,
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose bin has an int from `begin` to `end`, both included.

    The other arguments, and what is raised, are those of `equal`.
    """
    return _filter(bin, whole(begin, "begin"), whole(end, "end"), collection, ctx, index, expression)


def contains(
    bin: str | None,
    value: int | str | bytes,
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose list or map has this value: as an element, a key or a value, as `collection` says.

    A record is given once, however often it has the value. The other arguments are those of `equal`.

    Raises:
        InvalidType: an index can't hold such a value.
        InvalidArgument: the value does not fit, arguments exclude each other, or neither `collection` nor
            `index` says where to look.
    """
    _refuse_geo(value)
    return _filter(bin, value, value, _inside(collection, index), ctx, index, expression)


def contains_range(
    bin: str | None,
    begin: int,
    end: int,
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose list or map has an int from `begin` to `end`, both included: see `contains`."""
    return _filter(
        bin, whole(begin, "begin"), whole(end, "end"), _inside(collection, index), ctx, index, expression
    )


def geo_within_region(
    bin: str | None,
    region: GeoJSON | str | dict[str, object],
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose bin has a point within a region.

    Args:
        region: a GeoJSON polygon, or an AeroCircle.

    The other arguments, and what is raised, are those of `equal`.
    """
    shape = _geojson(region, "region")
    if _kind(shape) == "Point":
        raise InvalidArgument(f"{shown(shape)} is a point, no region", advice="geo_contains() takes a point")
    return _filter(bin, shape, shape, collection, ctx, index, expression)


def geo_within_radius(
    bin: str | None,
    longitude: float,
    latitude: float,
    radius: float,
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose bin has a point within so many metres of another.

    Args:
        longitude: of the centre, -180 to 180 degrees.
        latitude: of the centre, -90 to 90 degrees.
        radius: metres, more than 0.

    The other arguments, and what is raised, are those of `equal`.
    """
    centre = [_degrees(longitude, 180, "longitude"), _degrees(latitude, 90, "latitude")]
    metres = _real(radius, "radius")
    if not 0 < metres < math.inf:
        raise InvalidArgument(f"radius must be more than 0 metres, not {shown(radius)}")
    # With spaces, as other clients send it.
    circle = GeoJSON(f'{{"type": "AeroCircle", "coordinates": [{centre}, {metres}]}}')
    return _filter(bin, circle, circle, collection, ctx, index, expression)


def geo_contains(
    bin: str | None,
    point: GeoJSON | str | dict[str, object],
    collection: CollectionIndexType = DEFAULT,
    *,
    ctx: Ctx = None,
    index: str | None = None,
    expression: SupportsToBytes | bytes | None = None,
) -> IndexFilter:
    """Records whose bin has a region that contains a point.

    Args:
        point: a GeoJSON point.

    The other arguments, and what is raised, are those of `equal`.
    """
    shape = _geojson(point, "point")
    if _kind(shape) != "Point":
        raise InvalidArgument(f"{shown(shape)} is no point", advice="geo_within_region() takes a region")
    return _filter(bin, shape, shape, collection, ctx, index, expression)


def _filter(
    bin: str | None,
    begin: object,
    end: object,
    collection: CollectionIndexType,
    ctx: Ctx,
    index: str | None,
    expression: SupportsToBytes | bytes | None,
) -> IndexFilter:
    if not isinstance(collection, CollectionIndexType):
        raise InvalidType(f"collection must be a CollectionIndexType, not {shown(collection)}")
    if expression is not None and not isinstance(expression, bytes):
        expression = compiled(expression, "expression")
    return IndexFilter(
        bin,
        begin,
        end,
        collection=collection.value,
        context=None if ctx is None else pack_element(flat(ctx)),
        index=index,
        expression=expression,
    )


def _inside(collection: CollectionIndexType, index: str | None) -> CollectionIndexType:
    """A collection that says where to look, unless a named index does."""
    if collection is DEFAULT and index is None:
        raise InvalidArgument(
            "contains() and contains_range() look into a list or a map: `collection` must say into which",
            advice="give CollectionIndexType.LIST, MAP_KEYS or MAP_VALUES",
        )
    return collection


def _refuse_geo(value: object) -> None:
    if isinstance(value, GeoJSON):
        raise InvalidType(
            f"{shown(value)} is found by its place, not by its text",
            advice="geo_within_region() and geo_contains()",
        )


def _geojson(value: object, name: str) -> GeoJSON:
    if not isinstance(value, (str, dict)):
        raise InvalidType(f"{name} must be GeoJSON, its text or a dict, not {shown(value)}")
    return value if isinstance(value, GeoJSON) else GeoJSON(value)


def _kind(shape: GeoJSON) -> str:
    """The type of a GeoJSON object."""
    try:
        parsed = shape.unwrap()
    except ValueError as error:
        raise InvalidArgument(f"{shown(shape)} is no JSON: {error}") from None
    kind = parsed.get("type") if isinstance(parsed, dict) else None
    if not isinstance(kind, str) or "coordinates" not in parsed:
        raise InvalidArgument(f"{shown(shape)} is no GeoJSON: it has no type and coordinates")
    return kind


def _real(value: object, name: str) -> float:
    number = plain_number(value)
    if number is None:
        raise InvalidType(f"{name} must be a number, not {shown(value)}")
    return float(number)


def _degrees(value: object, most: int, name: str) -> float:
    number = _real(value, name)
    if not -most <= number <= most:
        raise InvalidArgument(f"{name} must be from {-most} to {most} degrees, not {shown(value)}")
    return number

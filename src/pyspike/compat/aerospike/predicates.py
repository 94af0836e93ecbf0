"""Stands for `aerospike.predicates`: what queries find records by. A predicate is a tuple.

The functions take their arguments by place only, and give None for values that an index can't hold, which
`Query.where` refuses then.
"""

from __future__ import annotations

import json
from typing import Any

from pyspike.compat.facts.constants import number
from pyspike.compat.model.exceptions import param_error

__all__ = [
    "between",
    "contains",
    "equals",
    "geo_contains_geojson_point",
    "geo_contains_point",
    "geo_within_geojson_region",
    "geo_within_radius",
    "range",
]

EQUAL, RANGE = 0, 1
STRING, NUMERIC, GEO, BLOB = (
    number(f"INDEX_{name}") for name in ("STRING", "NUMERIC", "GEO2DSPHERE", "BLOB")
)


def _type(value: Any) -> int | None:
    if isinstance(value, int):
        return NUMERIC
    if isinstance(value, str):
        return STRING
    return BLOB if isinstance(value, bytes | bytearray) else None


def equals(bin: Any, val: Any, /) -> tuple[Any, ...] | None:
    """The bin's value equals this one.

    Args:
        bin: the bin's name.
        val: an int, a str or bytes.
    """
    kind = _type(val)
    return None if kind is None else (EQUAL, kind, bin, val)


def between(bin: Any, min: Any, max: Any, /) -> tuple[Any, ...] | None:
    """The bin's value is from the one int to the other, both included.

    Args:
        bin: the bin's name.
        min: the least value.
        max: the greatest value.
    """
    if not isinstance(min, int) or not isinstance(max, int):
        return None
    return RANGE, NUMERIC, bin, min, max


def contains(bin: Any, index_type: Any, val: Any, /) -> tuple[Any, ...] | None:
    """A list or map in the bin has this value.

    Args:
        bin: the bin's name.
        index_type: what of it is indexed, `INDEX_TYPE_...`.
        val: an int, a str or bytes.
    """
    kind = _type(val)
    if kind is None or not isinstance(index_type, int):
        return None
    return EQUAL, kind, bin, val, None, index_type


def range(bin: Any, index_type: Any, min: Any, max: Any, /) -> tuple[Any, ...] | None:
    """A list or map in the bin has an int from the one to the other, both included.

    Args:
        bin: the bin's name.
        index_type: what of it is indexed, `INDEX_TYPE_...`.
        min: the least value.
        max: the greatest value.
    """
    if not all(isinstance(each, int) for each in (index_type, min, max)):
        return None
    return RANGE, NUMERIC, bin, min, max, index_type


def geo_within_geojson_region(bin: Any, shape: Any, index_type: int = 0, /) -> tuple[Any, ...] | None:
    """The bin has a point within a region.

    Args:
        bin: the bin's name.
        shape: the region, as GeoJSON text.
        index_type: what of the bin is indexed, `INDEX_TYPE_...`.
    """
    return (RANGE, GEO, bin, shape, None, index_type) if isinstance(shape, str) else None


def geo_contains_geojson_point(bin: Any, point: Any, index_type: int = 0, /) -> tuple[Any, ...] | None:
    """The bin has a region that contains a point.

    Args:
        bin: the bin's name.
        point: the point, as GeoJSON text.
        index_type: what of the bin is indexed, `INDEX_TYPE_...`.
    """
    return (RANGE, GEO, bin, point, None, index_type) if isinstance(point, str) else None


def geo_within_radius(
    bin: Any,
    long: Any,
    lat: Any,
    radius_meters: Any,
    index_type: int = 0,
    /,
) -> tuple[Any, ...]:
    """The bin has a point within so many metres of another.

    Args:
        bin: the bin's name.
        long: the longitude of the centre.
        lat: its latitude.
        radius_meters: the radius.
        index_type: what of the bin is indexed, `INDEX_TYPE_...`.

    Raises:
        ParamError: one of the three is no number.
    """
    _check_numbers(bin, long, lat, radius_meters)
    shape = json.dumps({"type": "AeroCircle", "coordinates": [[long, lat], radius_meters]})
    return RANGE, GEO, bin, shape, None, index_type


def geo_contains_point(bin: Any, long: Any, lat: Any, index_type: int = 0, /) -> tuple[Any, ...]:
    """The bin has a region that contains a point.

    Args:
        bin: the bin's name.
        long: the longitude of the point.
        lat: its latitude.
        index_type: what of the bin is indexed, `INDEX_TYPE_...`.

    Raises:
        ParamError: one of both is no number.
    """
    _check_numbers(bin, long, lat)
    point = json.dumps({"type": "Point", "coordinates": [long, lat]})
    return RANGE, GEO, bin, point, None, index_type


def _check_numbers(name: Any, *numbers: Any) -> None:
    if not isinstance(name, str | None) or not all(isinstance(each, int | float) for each in numbers):
        raise param_error("Latitude and longitude should be integer or double type, bin of string type")

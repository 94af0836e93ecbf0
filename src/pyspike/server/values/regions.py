"""Whether a geographic region contains a point.

Owns: polygons with geodesic edges and holes, circles. Not here: which texts are valid GeoJSON, and their
stored form (geojson.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import acos, atan2, copysign, cos, pi, radians, sin
from typing import Any

from .geojson import cell_middle, point_cell

__all__ = ["Point", "Region", "point_of", "region_of"]

EARTH_RADIUS = 6371000.0
"""Metres."""

_ON_EDGE = 1e-9

Point = tuple[float, float, float]
"""A place as a unit vector."""


@dataclass(frozen=True, slots=True)
class Circle:
    """All points within a distance of a center, given as an angle."""

    centre: Point
    angle: float

    def contains(self, point: Point) -> bool:
        """Whether a point is in the circle or on its edge."""
        return acos(max(-1.0, min(1.0, _dot(self.centre, point)))) <= self.angle


@dataclass(frozen=True, slots=True)
class Polygon:
    """The points inside an outer ring and outside all holes."""

    rings: list[list[Point]]

    def contains(self, point: Point) -> bool:
        """Whether a point is in the outer ring and in no hole."""
        return _winds(self.rings[0], point) and not any(_winds(hole, point) for hole in self.rings[1:])


@dataclass(frozen=True, slots=True)
class Region:
    """The points in any of several circles and polygons."""

    parts: list[Circle | Polygon]

    def contains(self, point: Point) -> bool:
        """Whether a point is in one of the parts."""
        return any(part.contains(point) for part in self.parts)


def point_of(text: bytes) -> Point | None:
    """The point of a valid GeoJSON text; None if it is a region.

    As for the server, it is in the middle of its smallest cell, which is about a centimetre wide.
    """
    cell = point_cell(text)
    return None if cell is None else cell_middle(cell)


@lru_cache(maxsize=256)
def region_of(text: bytes) -> Region | None:
    """The region of a valid GeoJSON text; None if it is a point."""
    shape = _shape(text)
    coordinates = shape["coordinates"]
    if shape["type"] == "AeroCircle":
        centre, radius = coordinates
        return Region([Circle(_vector(centre), radius / EARTH_RADIUS)])
    if shape["type"] == "Polygon":
        return Region([_polygon(coordinates)])
    if shape["type"] == "MultiPolygon":
        return Region([_polygon(rings) for rings in coordinates])
    return None


def _shape(text: bytes) -> Any:
    shape = json.loads(text)
    return shape["geometry"] if shape["type"] == "Feature" else shape


def _polygon(rings: Any) -> Polygon:
    return Polygon([[_vector(place) for place in ring] for ring in rings])


def _vector(place: Any) -> Point:
    longitude, latitude = radians(place[0]), radians(place[1])
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _dot(one: Point, two: Point) -> float:
    return one[0] * two[0] + one[1] * two[1] + one[2] * two[2]


def _cross(one: Point, two: Point) -> Point:
    return (
        one[1] * two[2] - one[2] * two[1],
        one[2] * two[0] - one[0] * two[2],
        one[0] * two[1] - one[1] * two[0],
    )


def _winds(ring: list[Point], point: Point) -> bool:
    """Whether a ring that is smaller than half the earth goes around a point.

    Seen from the point, the corners of such a ring turn once in all. A point next to an edge is on that side
    on which the rounded vectors are, as for the server.
    """
    if point in ring:
        return True
    total = 0.0
    for start, end in pairwise(ring):
        one, two = _cross(point, start), _cross(point, end)
        turn = atan2(_dot(point, _cross(one, two)), _dot(one, two))
        if abs(turn) > pi - _ON_EDGE:
            side = _exact_side(point, start, end)
            if not side:
                return True
            turn = copysign(turn, side)
        total += turn
    middle = [sum(axis) for axis in zip(*ring, strict=True)]
    same_side = point[0] * middle[0] + point[1] * middle[1] + point[2] * middle[2] > 0
    return abs(total) > pi and same_side


def _exact_side(point: Point, start: Point, end: Point) -> Fraction:
    """On which side of the plane through two other points a point is; 0: in it."""
    (a, b, c), (d, e, f), (g, h, i) = (map(Fraction, each) for each in (point, start, end))
    return a * (e * i - f * h) + b * (f * g - d * i) + c * (d * h - e * g)

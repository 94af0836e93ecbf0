"""GeoJSON particles: which JSON texts are valid, and the form in which they are stored.

Owns: the particle's layout, the shapes that are taken, the S2 cell of a point and where it is. Not here:
coverings of regions (a region is stored with no cells; clients skip the cells), and which points a region has
(regions.py).
"""

from __future__ import annotations

import json
from math import cos, isfinite, radians, sin
from struct import Struct
from typing import Any

from ..protocol.result import RequestError, ResultCode

__all__ = ["cell_middle", "geojson_text", "leaf_cell", "point_cell", "stored_geojson"]

_HEAD = Struct(">BH")
_CELL = Struct(">Q")
_FLAG_REGION = 0x01
_RING_MIN = 4


def stored_geojson(value: bytes) -> bytes:
    """The stored form (flags, number of cells, cells, JSON) of a particle that a client sent.

    Raises:
        RequestError: GEO_INVALID_GEOJSON.

    """
    if len(value) < _HEAD.size:
        raise RequestError(ResultCode.GEO_INVALID_GEOJSON, "too short")
    _, n_cells = _HEAD.unpack_from(value)
    text = value[_HEAD.size + 8 * n_cells :]
    cell = point_cell(text)
    if cell is None:
        return _HEAD.pack(_FLAG_REGION, 0) + text
    return _HEAD.pack(0, 1) + _CELL.pack(cell) + text


def point_cell(text: bytes) -> int | None:
    """The smallest cell of the point that a JSON text is; None if it is a region.

    Raises:
        RequestError: GEO_INVALID_GEOJSON.

    """
    try:
        point = _check_shape(json.loads(text))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise RequestError(ResultCode.GEO_INVALID_GEOJSON, str(error)) from error
    return None if point is None else leaf_cell(*point)


def geojson_text(stored: bytes) -> bytes:
    """The JSON text of a stored particle."""
    _, n_cells = _HEAD.unpack_from(stored)
    return stored[_HEAD.size + _CELL.size * n_cells :]


def _check_shape(shape: Any) -> tuple[float, float] | None:
    """The longitude and latitude of a point, or None for a region; ValueError for anything else."""
    kind = shape["type"]
    if kind == "Feature":
        shape = shape["geometry"]
        kind = shape["type"]
    coordinates = shape["coordinates"]
    if kind == "Point":
        return _check_point(coordinates)
    if kind == "Polygon":
        _check_polygon(coordinates)
    elif kind == "MultiPolygon":
        if not coordinates:
            raise ValueError("no polygons")
        for polygon in coordinates:
            _check_polygon(polygon)
    elif kind == "AeroCircle":
        centre, radius = coordinates
        _check_point(centre)
        if not _is_number(radius) or radius < 0:
            raise ValueError("bad radius")
    else:
        raise ValueError(f"type {kind}")
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _check_point(point: Any) -> tuple[float, float]:
    longitude, latitude = point[0], point[1]
    if not (_is_number(longitude) and _is_number(latitude)):
        raise ValueError("coordinates that are not numbers")
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise ValueError("coordinates out of range")
    return float(longitude), float(latitude)


def _check_polygon(rings: Any) -> None:
    if not isinstance(rings, list) or not rings:
        raise ValueError("no rings")
    for ring in rings:
        points = [_check_point(point) for point in ring]
        if len(points) < _RING_MIN or points[0] != points[-1]:
            raise ValueError("a ring that is not closed")


# --- the S2 cell of a point ---------------------------------------------------------------------------------
# Published scheme: the unit sphere is projected on the six faces of a cube, each face is a quadtree of 30
# levels walked by a Hilbert curve; a cell id is face (3 bits), position (60 bits), and a 1 bit.

_LEVELS = 30
_SWAP, _INVERT = 1, 2
# Position along the curve of the quadrant (i, j), and how the curve turns inside it, by orientation.
_QUADRANT_POSITION = ((0, 1, 3, 2), (0, 3, 1, 2), (2, 3, 1, 0), (2, 1, 3, 0))
_POSITION_TURN = (_SWAP, 0, 0, _INVERT | _SWAP)


def leaf_cell(longitude: float, latitude: float) -> int:
    """The id of the smallest S2 cell that holds a point given in degrees."""
    phi, theta = radians(latitude), radians(longitude)
    face, u, v = _face_uv(cos(theta) * cos(phi), sin(theta) * cos(phi), sin(phi))
    i, j = _cell_index(u), _cell_index(v)
    position, orientation = 0, face & _SWAP
    for level in range(_LEVELS - 1, -1, -1):
        quadrant = ((i >> level & 1) << 1) | (j >> level & 1)
        step = _QUADRANT_POSITION[orientation][quadrant]
        position = position << 2 | step
        orientation ^= _POSITION_TURN[step]
    return face << 61 | position << 1 | 1


def _face_uv(x: float, y: float, z: float) -> tuple[int, float, float]:
    largest = max(abs(x), abs(y), abs(z))
    if abs(x) == largest:
        return (0, y / x, z / x) if x > 0 else (3, z / x, y / x)
    if abs(y) == largest:
        return (1, -x / y, z / y) if y > 0 else (4, z / y, -x / y)
    return (2, -x / z, -y / z) if z > 0 else (5, -y / z, -x / z)


def _cell_index(u: float) -> int:
    s = 0.5 * (1 + 3 * u) ** 0.5 if u >= 0 else 1 - 0.5 * (1 - 3 * u) ** 0.5
    return min(max(int(s * (1 << _LEVELS)), 0), (1 << _LEVELS) - 1)


def cell_middle(cell: int) -> tuple[float, float, float]:
    """The middle of a smallest cell, as a unit vector."""
    face, position = cell >> 61, cell >> 1
    i = j = 0
    orientation = face & _SWAP
    for level in range(_LEVELS - 1, -1, -1):
        step = position >> 2 * level & 3
        quadrant = _QUADRANT_POSITION[orientation].index(step)
        i, j = i << 1 | quadrant >> 1, j << 1 | quadrant & 1
        orientation ^= _POSITION_TURN[step]
    u, v = _cell_place(i), _cell_place(j)
    x, y, z = ((1, u, v), (-u, 1, v), (-u, -v, 1), (-1, -v, -u), (v, -1, -u), (v, u, -1))[face]
    length = (x * x + y * y + z * z) ** 0.5
    return x / length, y / length, z / length


def _cell_place(index: int) -> float:
    s = (index + 0.5) / (1 << _LEVELS)
    return (4 * s * s - 1) / 3 if s >= 0.5 else (1 - 4 * (1 - s) ** 2) / 3

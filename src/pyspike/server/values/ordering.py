"""The server's order of values: of list elements, map keys, ranks (values.md 3.2).

Owns: comparing. Not here: the model of values (packed.py).

Stored values are sorted by `sort_key`, plain tuples that Python compares. Arguments of requests may hold
wildcards, which have no place in an order: they are compared by `compare`.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from ..protocol.constants import SPECIAL_EXTENSION, ParticleType
from .packed import Extension, Float32, PackedError, PackedList, PackedMap, Value

__all__ = ["INFINITY", "WILDCARD", "as_float", "compare", "has_wildcard", "ranked", "sort_key"]

WILDCARD = Extension(SPECIAL_EXTENSION, b"\x00")
INFINITY = Extension(SPECIAL_EXTENSION, b"\x01")

_STRING, _GEOJSON = int(ParticleType.STRING), int(ParticleType.GEOJSON)
_F32 = Struct(">f")

_RANK_NIL, _RANK_BOOL, _RANK_INT, _RANK_STRING, _RANK_LIST, _RANK_MAP, _RANK_BLOB, _RANK_FLOAT = range(8)
_RANK_GEOJSON, _RANK_INFINITY, _RANK_WILDCARD = 8, 9, 10


def _rank(value: Value) -> int:
    kind = type(value)
    if kind is int:
        return _RANK_INT
    if kind is bytes:
        prefix = value[0] if value else _STRING  # type: ignore[index]
        if prefix == _STRING:
            return _RANK_STRING
        return _RANK_GEOJSON if prefix == _GEOJSON else _RANK_BLOB
    if value is None:
        return _RANK_NIL
    if kind is bool:
        return _RANK_BOOL
    if kind is float or kind is Float32:
        return _RANK_FLOAT
    if kind is PackedList:
        return _RANK_LIST
    if kind is PackedMap:
        return _RANK_MAP
    if isinstance(value, Extension):
        return _RANK_WILDCARD if value == WILDCARD else _RANK_INFINITY
    raise PackedError("not a packed value")


def as_float(value: Value) -> float:
    """A float of either size as a Python float."""
    return _F32.unpack(value.raw)[0] if isinstance(value, Float32) else value  # type: ignore[return-value]


def sort_key(value: Value) -> tuple[Any, ...]:
    """The key by which values sort as on the server. The values must hold no wildcards."""
    rank = _rank(value)
    if isinstance(value, PackedList):
        return (rank, tuple([sort_key(item) for item in value.items]))
    if isinstance(value, PackedMap):
        parts = [sort_key(part) for pair in value.pairs for part in pair]
        return (rank, len(value.pairs), tuple(parts))
    if rank in (_RANK_NIL, _RANK_INFINITY):
        return (rank,)
    if rank == _RANK_FLOAT:
        return (rank, as_float(value))
    return (rank, value)


def ranked(values: list[Value], *, falling: bool = False) -> list[int]:
    """The indexes of values in the order of their ranks; equal values stay in their order."""
    if set(map(type, values)) == {int}:
        keys: list[Any] = values
    else:
        keys = list(map(sort_key, values))
    return sorted(range(len(values)), key=keys.__getitem__, reverse=falling)


def has_wildcard(value: Value) -> bool:
    """Whether a value is a wildcard or holds one at any depth."""
    if isinstance(value, PackedList):
        return any(map(has_wildcard, value.items))
    if isinstance(value, PackedMap):
        return any(has_wildcard(part) for pair in value.pairs for part in pair)
    return isinstance(value, Extension) and value == WILDCARD


def compare(left: Value, right: Value) -> int:
    """-1, 0 or 1: how the server orders two values. A wildcard equals any value."""
    rank, other = _rank(left), _rank(right)
    if rank == _RANK_WILDCARD or other == _RANK_WILDCARD:
        return 0
    if rank != other:
        return -1 if rank < other else 1
    if isinstance(left, PackedList) and isinstance(right, PackedList):
        return _compare_lists(left.items, right.items)
    if isinstance(left, PackedMap) and isinstance(right, PackedMap):
        if len(left.pairs) != len(right.pairs):
            return -1 if len(left.pairs) < len(right.pairs) else 1
        flat = [[part for pair in side.pairs for part in pair] for side in (left, right)]
        return _compare_lists(flat[0], flat[1])
    if rank in (_RANK_NIL, _RANK_INFINITY):
        return 0
    if rank == _RANK_FLOAT:
        left, right = as_float(left), as_float(right)
    return (left > right) - (left < right)  # type: ignore[operator]


def _compare_lists(left: list[Value], right: list[Value]) -> int:
    for one, two in zip(left, right, strict=False):
        if _RANK_WILDCARD in (_rank(one), _rank(two)):
            return 0
        order = compare(one, two)
        if order:
            return order
    return (len(left) > len(right)) - (len(left) < len(right))

"""The Python model of values inside lists, maps and expressions.

Owns: the model. Not here: its bytes (decoding.py, encoding.py), the order of values (ordering.py), what may
be stored and in which form (normalising.py), operations on lists and maps.

The model: None, bool, int, float stand for themselves. A string, blob, GeoJSON or HLL is `bytes`: the payload
with the type byte in front, as it is packed. `Float32`, `Extension`, `PackedList` and `PackedMap` are the
rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

__all__ = ["Extension", "Float32", "PackedError", "PackedList", "PackedMap", "Value"]


class PackedError(ValueError):
    """Bytes are not one value of the dialect, or a value can't be stored."""


class Float32(NamedTuple):
    """A float of four bytes, kept as it was sent."""

    raw: bytes


class Extension(NamedTuple):
    """An ext value of msgpack: a wildcard, an infinity, or a marker."""

    kind: int
    data: bytes


@dataclass(slots=True)
class PackedList:
    """A list, and the flags of its marker (0: it has none)."""

    flags: int
    items: list[Value]


@dataclass(slots=True)
class PackedMap:
    """A map as pairs in their order, and the flags of its marker (0: it has none)."""

    flags: int
    pairs: list[tuple[Value, Value]]


Value: TypeAlias = "bool | int | float | bytes | Float32 | Extension | PackedList | PackedMap | None"

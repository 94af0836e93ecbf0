"""Reads the server's msgpack as it stands: for showing operations, contexts and expressions, not for data.

Unlike the wire layer's reader, which makes the values of bins, it keeps what those can't have: strings
without a type in front (names and patterns), the marks of ordered lists and maps, infinity and wildcard.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from pyspike.errors import ProtocolError
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, RawParticle, Special

MAX_DEPTH = 256
MAX_SHOWN = 200  # characters of one value

_STRING, _BLOB, _HLL, _GEOJSON = 3, 4, 18, 23
_MAPS = {1: KeyOrderedDict, 3: KeyValueOrderedDict}


class Name(str):
    """A string without a type in front: a bin's or variable's name, or a pattern."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """An extension in the first place of a list or map: its order."""

    flags: int


def read_tree(data: bytes) -> Any:
    """The one value that `data` is.

    Raises:
        ProtocolError: it is not exactly one value.
    """
    reader = _Reader(bytes(data))
    try:
        value = reader.value(0)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a value in the server's form: {error}") from None
    if reader.at != len(data):
        raise ProtocolError(f"{len(data) - reader.at} bytes behind the value")
    return value


def split_list(data: bytes) -> list[bytes]:
    """The elements of the list that `data` is, each as it is encoded.

    Raises:
        ProtocolError: it is no list.
    """
    if not isinstance(read_tree(data), list):
        raise ProtocolError("not a list")
    reader = _Reader(data)
    tag = reader.unpack(">B")
    count = tag & 0x0F if tag < 0xA0 else reader.unpack(">H" if tag == 0xDC else ">I")
    parts = []
    for _ in range(count):
        start = reader.at
        reader.value(0)
        parts.append(data[start : reader.at])
    return parts


def show(value: Any) -> str:
    """A value as text, shortened in the middle if it is long."""
    text = repr(value)
    if len(text) > MAX_SHOWN:
        half = (MAX_SHOWN - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def unpack(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise IndexError(f"{size} bytes are promised where {len(self.data) - self.at} are left")
        taken = self.data[self.at : self.at + size]
        self.at += size
        return taken

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ProtocolError(f"nested deeper than {MAX_DEPTH} levels")
        tag = self.unpack(">B")
        if tag < 0x80:
            return tag
        if tag >= 0xE0:
            return tag - 0x100
        if tag < 0x90:
            return self.map(tag & 0x0F, depth)
        if tag < 0xA0:
            return self.list(tag & 0x0F, depth)
        if tag < 0xC0:
            return self.string(tag & 0x1F)
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag in _NUMBERS:
            return self.unpack(_NUMBERS[tag])
        if tag in _STRINGS:
            return self.string(self.unpack(_STRINGS[tag]))
        if tag in _EXTENSIONS:
            return self.extension(_EXTENSIONS[tag] or self.unpack(_EXTENSION_SIZES[tag]))
        if tag in (0xDC, 0xDD):
            return self.list(self.unpack(">H" if tag == 0xDC else ">I"), depth)
        if tag in (0xDE, 0xDF):
            return self.map(self.unpack(">H" if tag == 0xDE else ">I"), depth)
        raise ProtocolError(f"byte 0x{tag:02x} where a value should be")

    def string(self, size: int) -> Any:
        content = self.take(size)
        kind, rest = content[:1], content[1:]
        if kind == b"\3":
            try:
                return rest.decode()
            except UnicodeDecodeError:
                return RawParticle(_STRING, rest)
        if kind == b"\4":
            return rest
        if kind == bytes([_GEOJSON]):
            return GeoJSON(rest.decode())
        if kind == bytes([_HLL]):
            return HyperLogLog(rest)
        return Name(content.decode("utf-8", "backslashreplace"))

    def extension(self, size: int) -> Any:
        kind = self.unpack(">B")
        content = self.take(size)
        if kind == 0xFF and content in (b"\0", b"\1"):
            return Special(content[0])
        return Mark(kind)

    def list(self, count: int, depth: int) -> list[Any]:
        values = [self.value(depth + 1) for _ in range(count)]
        return values[1:] if values and isinstance(values[0], Mark) else values

    def map(self, count: int, depth: int) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for place in range(count):
            key = self.value(depth + 1)
            if place == 0 and isinstance(key, Mark):
                made = _MAPS.get(key.flags & 3, dict)()
                self.value(depth + 1)
                continue
            made[repr(key) if isinstance(key, (list, dict)) else key] = self.value(depth + 1)
        return made


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_STRINGS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_EXTENSION_SIZES = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}
_EXTENSIONS = {0xC7: 0, 0xC8: 0, 0xC9: 0, 0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}

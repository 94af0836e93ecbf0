"""Reads the server's msgpack as it stands: for showing operations, contexts and expressions, not for data.

Unlike the wire layer's reader, which makes the values of bins, it keeps what those can't have: strings
without a type in front (names and patterns), the flags of ordered lists and maps, infinity and wildcard.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from pyspike.errors import ProtocolError
from pyspike.values import (
    GeoJSON,
    HyperLogLog,
    KeyOrderedDict,
    KeyValueOrderedDict,
    OrderedList,
    RawParticle,
    Special,
)

MAX_SHOWN = 200  # characters of one value

_STRING, _BLOB, _HLL, _GEOJSON = 3, 4, 18, 23
_MAPS = {1: KeyOrderedDict, 3: KeyValueOrderedDict}


class Name(str):
    """A string without a type in front: a bin's or variable's name, or a pattern."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ContainerFlags:
    """The extension in the place of a list's or map's first element, which holds the order."""

    flags: int


def read_tree(data: bytes) -> Any:
    """The one value that `data` is.

    Raises:
        ProtocolError: it is not exactly one value.
    """
    reader = _Reader(bytes(data))
    try:
        value = reader.value()
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
        reader.value()
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

    def value(self) -> Any:
        """The value here. A loop, as expressions may be nested deeper than calls of Python."""
        waiting: list[tuple[bool, int, list[Any]]] = []  # whether a map, how many elements, those read
        while True:
            tag = self.unpack(">B")
            head = self.head(tag)
            if head is None:
                value = self.scalar(tag)
            else:
                waiting.append((*head, []))
                if head[1]:
                    continue
                value = _closed(*waiting.pop())
            while waiting:
                _, count, values = waiting[-1]
                values.append(value)
                if len(values) < count:
                    break
                value = _closed(*waiting.pop())
            else:
                return value

    def head(self, tag: int) -> tuple[bool, int] | None:
        """Whether a container is a map, and how many elements follow; None for what is no container."""
        if 0x80 <= tag < 0xA0:
            return tag < 0x90, (tag & 0x0F) * (2 if tag < 0x90 else 1)
        if tag in (0xDC, 0xDD):
            return False, self.unpack(">H" if tag == 0xDC else ">I")
        if tag in (0xDE, 0xDF):
            return True, 2 * self.unpack(">H" if tag == 0xDE else ">I")
        return None

    def scalar(self, tag: int) -> Any:
        if tag < 0x80:
            return tag
        if tag >= 0xE0:
            return tag - 0x100
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
        return ContainerFlags(kind)


def _closed(is_map: bool, count: int, values: list[Any]) -> Any:
    """A container, now that all its elements are read."""
    has_flags = bool(values) and isinstance(values[0], ContainerFlags)
    if not is_map:
        if not has_flags:
            return values
        return OrderedList(values[1:]) if values[0].flags & 1 else values[1:]
    made: dict[Any, Any] = _MAPS.get(values[0].flags & 3, dict)() if has_flags else {}
    start = 2 if has_flags else 0
    for key, value in zip(values[start::2], values[start + 1 :: 2], strict=True):
        made[repr(key) if isinstance(key, (list, dict)) else key] = value
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

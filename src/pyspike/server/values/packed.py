"""The msgpack dialect inside list and map particles: the Python model of values, decoding and encoding.

Owns: the model and its two directions. Not here: the order of values (ordering.py), what may be stored and in
which form (normalising.py), operations on lists and maps.

The model: None, bool, int, float stand for themselves. A string, blob, GeoJSON or HLL is `bytes`: the payload
with the type byte in front, as it is packed. `Float32`, `Extension`, `PackedList` and `PackedMap` are the
rest. Nothing here recurses on the depth of a value.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple, TypeAlias, cast

import msgpack  # type: ignore[import-untyped]

__all__ = [
    "Extension",
    "Float32",
    "PackedError",
    "PackedList",
    "PackedMap",
    "Value",
    "decode",
    "decode_at",
    "decode_first",
    "encode",
    "is_list_code",
    "is_map_code",
]

SPECIAL_EXTENSION = 0xFF
"""Kind of the wildcard and the infinity; any other kind in first place is a container's marker."""


_U16 = Struct(">H")
_U32 = Struct(">I")
_F64 = Struct(">d")
_INTS = {
    0xCC: Struct(">B"),
    0xCD: Struct(">H"),
    0xCE: Struct(">I"),
    0xCF: Struct(">Q"),
    0xD0: Struct(">b"),
    0xD1: Struct(">h"),
    0xD2: Struct(">i"),
    0xD3: Struct(">q"),
}
# code: (width of the length, is a container or payload length)
_STRINGS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}


class PackedError(ValueError):
    """Bytes that are not one value of the dialect, or a value that can't be stored."""


class Float32(NamedTuple):
    """A four-byte float, kept as it came."""

    raw: bytes


class Extension(NamedTuple):
    """A msgpack ext element: a wildcard, an infinity, or a marker."""

    kind: int
    data: bytes


@dataclass(slots=True)
class PackedList:
    """A list and the flags of its marker (0: no marker)."""

    flags: int
    items: list[Value]


@dataclass(slots=True)
class PackedMap:
    """A map as pairs in order, and the flags of its marker (0: no marker)."""

    flags: int
    pairs: list[tuple[Value, Value]]


Value: TypeAlias = "bool | int | float | bytes | Float32 | Extension | PackedList | PackedMap | None"


def is_map_code(code: int) -> bool:
    """Whether a value that starts with this byte is a map."""
    return 0x80 <= code <= 0x8F or code in _MAPS


def is_list_code(code: int) -> bool:
    """Whether a value that starts with this byte is a list."""
    return 0x90 <= code <= 0x9F or code in _LISTS


def decode(data: bytes) -> Value:
    """The one value that `data` packs. Containers without special rules are taken as they are, in their
    order.

    Raises:
        PackedError: cut short, unknown code, or bytes left over.

    """
    try:
        quick = cast(Value, msgpack.unpackb(data, **_QUICK))
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        pass  # its own limits, or what it takes for a timestamp: the walk below decides
    else:
        # msgpack makes a float of four bytes one of eight.
        if b"\xca" not in data or encode(quick) == data:
            return quick
    try:
        value, end = decode_at(data, 0)
    except (IndexError, struct.error) as error:
        raise PackedError("cut short") from error
    if end != len(data):
        raise PackedError("bytes left over")
    return value


def decode_first(data: bytes) -> Value:
    """The value that `data` starts with; what follows is ignored.

    Raises:
        PackedError: cut short, or an unknown code.

    """
    try:
        return decode(data)
    except PackedError:
        pass  # there is more behind it, or it is cut short: reading value by value tells
    try:
        return decode_at(data, 0)[0]
    except (IndexError, struct.error) as error:
        raise PackedError("cut short") from error


def _quick_list(items: list[Value]) -> PackedList:
    if items and type(items[0]) is Extension and items[0].kind != SPECIAL_EXTENSION:
        return PackedList(items[0].kind, items[1:])
    return PackedList(0, items)


def _quick_map(pairs: list[tuple[Value, Value]]) -> PackedMap:
    if pairs and type(pairs[0][0]) is Extension and pairs[0][0].kind != SPECIAL_EXTENSION:
        return PackedMap(pairs[0][0].kind, pairs[1:])
    return PackedMap(0, pairs)


_QUICK: dict[str, Any] = {
    "raw": True,
    "strict_map_key": False,
    "list_hook": _quick_list,
    "object_pairs_hook": _quick_map,
    "ext_hook": lambda kind, data: Extension(kind & 0xFF, data),
}


def decode_at(data: bytes, pos: int) -> tuple[Value, int]:
    """The value that starts at `pos`, and the offset after it."""
    # A frame is [is a map, elements still to come, elements]; a map's elements are keys and values in turn.
    stack: list[tuple[bool, int, list[Value]]] = []
    while True:
        code = data[pos]
        kind, number, pos = _head(data, pos, code)
        value: Value
        if kind == "list" or kind == "map":
            count = number if kind == "list" else 2 * number
            if count > len(data) - pos:
                raise PackedError("more elements than bytes")
            stack.append((kind == "map", count, []))
            if count:
                continue
            value = _close(stack.pop())
        elif kind == "str":
            value = _take(data, pos, number)
            pos += number
        elif kind == "ext":
            value = Extension(data[pos], _take(data, pos + 1, number))
            pos += 1 + number
        else:
            value, pos = _scalar(data, pos, code)
        while stack:
            _, count, items = stack[-1]
            items.append(value)
            if len(items) < count:
                break
            value = _close(stack.pop())
        else:
            return value, pos


def _take(data: bytes, pos: int, length: int) -> bytes:
    if pos + length > len(data):
        raise PackedError("cut short")
    return data[pos : pos + length]


def _head(data: bytes, pos: int, code: int) -> tuple[str, int, int]:
    """Kind, length or count, and the offset of what follows the head (of a scalar: its code)."""
    if code <= 0x7F or code >= 0xE0:
        return "scalar", 0, pos + 1
    if code <= 0x8F:
        return "map", code & 0x0F, pos + 1
    if code <= 0x9F:
        return "list", code & 0x0F, pos + 1
    if code <= 0xBF:
        return "str", code & 0x1F, pos + 1
    if 0xD4 <= code <= 0xD8:
        return "ext", 1 << (code - 0xD4), pos + 1
    for kind, table in (("str", _STRINGS), ("list", _LISTS), ("map", _MAPS), ("ext", _EXTENSIONS)):
        width = table.get(code)
        if width is not None:
            raw = _take(data, pos + 1, width)
            return kind, int.from_bytes(raw, "big"), pos + 1 + width
    return "scalar", 0, pos + 1


def _scalar(data: bytes, pos: int, code: int) -> tuple[Value, int]:
    if code <= 0x7F:
        return code, pos
    if code >= 0xE0:
        return code - 0x100, pos
    if code == 0xC0:
        return None, pos
    if code == 0xC2:
        return False, pos
    if code == 0xC3:
        return True, pos
    if code == 0xCB:
        return float(_F64.unpack_from(data, pos)[0]), pos + 8
    if code == 0xCA:
        return Float32(_take(data, pos, 4)), pos + 4
    layout = _INTS.get(code)
    if layout is None:
        raise PackedError(f"unknown code {code:#x}")
    return int(layout.unpack_from(data, pos)[0]), pos + layout.size


def _close(frame: tuple[bool, int, list[Value]]) -> Value:
    is_map, _, items = frame
    if is_map:
        flags = 0
        if items and isinstance(items[0], Extension) and items[0].kind != SPECIAL_EXTENSION:
            flags, items = items[0].kind, items[2:]
        return PackedMap(flags, list(zip(items[::2], items[1::2], strict=True)))
    if items and isinstance(items[0], Extension) and items[0].kind != SPECIAL_EXTENSION:
        return PackedList(items[0].kind, items[1:])
    return PackedList(0, items)


_PLAIN = {int, float, bool, type(None)}
_PLAIN_OR_STRING = _PLAIN | {bytes}
_WORTHWHILE = 8


def _encode_plain(parts: list[Value]) -> bytes | None:
    """Many elements one after the other, packed by msgpack; None if a container is among them."""
    kinds = set(map(type, parts))
    if not kinds <= _PLAIN_OR_STRING:
        return None
    items: list[Any] = parts
    if bytes in kinds:
        items = [p.decode("utf-8", "surrogateescape") if type(p) is bytes else p for p in parts]
    packed: bytes = msgpack.packb(items, unicode_errors="surrogateescape")
    head = 1 if len(parts) < 16 else 3 if len(parts) < 1 << 16 else 5
    return packed[head:]


def encode(value: Value) -> bytes:
    """The bytes of a value in the smallest form, markers in front of flagged containers."""
    out = bytearray()
    waiting: list[Value] = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is int:
            _encode_int(out, item)  # type: ignore[arg-type]
        elif kind is bytes:
            _encode_str(out, item)  # type: ignore[arg-type]
        elif item is None:
            out.append(0xC0)
        elif kind is bool:
            out.append(0xC3 if item else 0xC2)
        elif kind is float:
            out.append(0xCB)
            out += _F64.pack(item)
        elif isinstance(item, PackedList):
            _encode_count(out, len(item.items) + bool(item.flags), 0x90, 0xDC)
            if item.flags:
                out += bytes((0xC7, 0, item.flags))
            plain = _encode_plain(item.items) if len(item.items) >= _WORTHWHILE else None
            if plain is None:
                waiting.extend(reversed(item.items))
            else:
                out += plain
        elif isinstance(item, PackedMap):
            _encode_count(out, len(item.pairs) + bool(item.flags), 0x80, 0xDE)
            if item.flags:
                out += bytes((0xC7, 0, item.flags, 0xC0))
            parts = [part for pair in item.pairs for part in pair]
            plain = _encode_plain(parts) if len(parts) >= _WORTHWHILE else None
            if plain is None:
                waiting.extend(reversed(parts))
            else:
                out += plain
        elif isinstance(item, Float32):
            out.append(0xCA)
            out += item.raw
        elif isinstance(item, Extension):
            _encode_extension(out, item)
        else:
            raise PackedError(f"not a packed value: {kind.__name__}")
    return bytes(out)


def _encode_int(out: bytearray, value: int) -> None:
    if -32 <= value <= 127:
        out.append(value & 0xFF)
        return
    codes = (0xCC, 0xCD, 0xCE, 0xCF) if value >= 0 else (0xD0, 0xD1, 0xD2, 0xD3)
    for code in codes:
        layout = _INTS[code]
        bits = 8 * layout.size - (value < 0)
        if -(1 << bits) <= value < (1 << bits):
            out.append(code)
            out += layout.pack(value)
            return
    raise PackedError("an integer beyond 64 bits")


def _encode_str(out: bytearray, value: bytes) -> None:
    n = len(value)
    if n < 32:
        out.append(0xA0 | n)
    elif n < 1 << 8:
        out += bytes((0xD9, n))
    elif n < 1 << 16:
        out.append(0xDA)
        out += _U16.pack(n)
    else:
        out.append(0xDB)
        out += _U32.pack(n)
    out += value


def _encode_count(out: bytearray, count: int, fix: int, wide: int) -> None:
    if count < 16:
        out.append(fix | count)
    elif count < 1 << 16:
        out.append(wide)
        out += _U16.pack(count)
    else:
        out.append(wide + 1)
        out += _U32.pack(count)


def _encode_extension(out: bytearray, item: Extension) -> None:
    n = len(item.data)
    if n == 1:
        out += bytes((0xD4, item.kind))
    else:
        out += bytes((0xC7, n, item.kind))
    out += item.data

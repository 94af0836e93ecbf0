"""From bytes of the server's msgpack dialect to values of the model (values.md 3.2).

Owns: what is decoded, and what is refused. Not here: the model (packed.py), the other direction
(encoding.py). Nothing here recurses on the depth of a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from struct import Struct
from typing import Any, cast

import msgpack  # type: ignore[import-untyped]

from ..protocol.constants import SPECIAL_EXTENSION
from ..protocol.msgpack_codes import (
    BIN_8,
    BIN_16,
    BIN_32,
    EXT_8,
    EXT_16,
    EXT_32,
    FALSE,
    FIX_COUNT_MAX,
    FIX_EXT_1,
    FIX_EXT_16,
    FIX_INT_END,
    FIX_LENGTH_MAX,
    FIX_LIST,
    FIX_LIST_END,
    FIX_MAP,
    FIX_MAP_END,
    FIX_NEGATIVE,
    FIX_STR_END,
    FLOAT_32,
    FLOAT_64,
    INTEGER_LAYOUTS,
    LIST_16,
    LIST_32,
    MAP_16,
    MAP_32,
    NIL,
    STR_8,
    STR_16,
    STR_32,
    TRUE,
)
from .encoding import encode
from .packed import Extension, Float32, PackedError, PackedList, PackedMap, Value

__all__ = ["decode", "decode_at", "decode_first", "elements_at", "is_list_code", "is_map_code"]

_BYTE = 0xFF
_FLOAT_32 = bytes((FLOAT_32,))
_F64 = Struct(">d")
_STRINGS = {BIN_8: 1, BIN_16: 2, BIN_32: 4, STR_8: 1, STR_16: 2, STR_32: 4}
_LISTS = {LIST_16: 2, LIST_32: 4}
_MAPS = {MAP_16: 2, MAP_32: 4}
_EXTENSIONS = {EXT_8: 1, EXT_16: 2, EXT_32: 4}


def is_map_code(code: int) -> bool:
    """Whether a value that starts with this byte is a map."""
    return FIX_MAP <= code <= FIX_MAP_END or code in _MAPS


def is_list_code(code: int) -> bool:
    """Whether a value that starts with this byte is a list."""
    return FIX_LIST <= code <= FIX_LIST_END or code in _LISTS


def decode(data: bytes) -> Value:
    """The one value that `data` packs. Lists and maps are not checked: their elements keep their order.

    Raises:
        PackedError: cut short, unknown code, or bytes left over.

    """
    try:
        quick = cast(Value, msgpack.unpackb(data, **_QUICK))
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        pass  # it has limits of its own, and reads some ext values as timestamps: decode without it
    else:
        # msgpack decodes a float of four bytes to one of eight, which would be encoded in another form.
        if _FLOAT_32 not in data or encode(quick) == data:
            return quick
    try:
        value, end = decode_at(data, 0)
    except (IndexError, struct.error) as error:
        raise PackedError("cut short") from error
    if end != len(data):
        raise PackedError("bytes left over")
    return value


def decode_first(data: bytes) -> Value:
    """The value at the start of `data`; what follows is ignored.

    Raises:
        PackedError: cut short, or an unknown code.

    """
    try:
        return decode(data)
    except PackedError:
        pass  # something follows the value, or it is cut short: decode without msgpack
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
    "ext_hook": lambda kind, data: Extension(kind & _BYTE, data),
}


def decode_at(data: bytes, pos: int) -> tuple[Value, int]:
    """The value that starts at `pos`, and the offset of the first byte after it."""
    # A frame is (is a map, number of elements, elements so far); a map's are its keys and values in turn.
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


def elements_at(data: bytes, pos: int) -> Iterator[tuple[int, Value]]:
    """The elements of the list that starts at `pos`, each with its own offset."""
    _, count, pos = _head(data, pos, data[pos])
    for _ in range(count):
        value, end = decode_at(data, pos)
        yield pos, value
        pos = end


def _take(data: bytes, pos: int, length: int) -> bytes:
    if pos + length > len(data):
        raise PackedError("cut short")
    return data[pos : pos + length]


def _head(data: bytes, pos: int, code: int) -> tuple[str, int, int]:
    """The kind of a value, its length or count, and the offset of what follows (of a scalar: its code)."""
    if code <= FIX_INT_END or code >= FIX_NEGATIVE:
        return "scalar", 0, pos + 1
    if code <= FIX_MAP_END:
        return "map", code & FIX_COUNT_MAX, pos + 1
    if code <= FIX_LIST_END:
        return "list", code & FIX_COUNT_MAX, pos + 1
    if code <= FIX_STR_END:
        return "str", code & FIX_LENGTH_MAX, pos + 1
    if FIX_EXT_1 <= code <= FIX_EXT_16:
        return "ext", 1 << (code - FIX_EXT_1), pos + 1
    for kind, table in (("str", _STRINGS), ("list", _LISTS), ("map", _MAPS), ("ext", _EXTENSIONS)):
        width = table.get(code)
        if width is not None:
            raw = _take(data, pos + 1, width)
            return kind, int.from_bytes(raw, "big"), pos + 1 + width
    return "scalar", 0, pos + 1


def _scalar(data: bytes, pos: int, code: int) -> tuple[Value, int]:
    if code <= FIX_INT_END:
        return code, pos
    if code >= FIX_NEGATIVE:
        return code - _BYTE - 1, pos
    if code == NIL:
        return None, pos
    if code == FALSE:
        return False, pos
    if code == TRUE:
        return True, pos
    if code == FLOAT_64:
        return float(_F64.unpack_from(data, pos)[0]), pos + 8
    if code == FLOAT_32:
        return Float32(_take(data, pos, 4)), pos + 4
    layout = INTEGER_LAYOUTS.get(code)
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

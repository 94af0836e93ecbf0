"""From values of the model to bytes of the server's msgpack dialect (values.md 3.2).

Owns: the smallest form of each value, and the markers of flagged lists and maps. Not here: the model
(packed.py), the other direction (decoding.py). Nothing here recurses on the depth of a value.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import msgpack  # type: ignore[import-untyped]

from ..protocol.msgpack_codes import (
    EXT_8,
    FALSE,
    FIX_COUNT_MAX,
    FIX_EXT_1,
    FIX_INT_END,
    FIX_LENGTH_MAX,
    FIX_LIST,
    FIX_MAP,
    FIX_NEGATIVE,
    FIX_STR,
    FLOAT_32,
    FLOAT_64,
    INT_8,
    INT_16,
    INT_32,
    INT_64,
    INTEGER_LAYOUTS,
    LIST_16,
    MAP_16,
    NIL,
    STR_8,
    STR_16,
    STR_32,
    TRUE,
    UINT_8,
    UINT_16,
    UINT_32,
    UINT_64,
)
from .packed import Extension, Float32, PackedError, PackedList, PackedMap, Value

__all__ = ["encode"]

_BYTE = 0xFF
_FIX_INT_MIN = FIX_NEGATIVE - _BYTE - 1
_U16 = Struct(">H")
_U32 = Struct(">I")
_F64 = Struct(">d")


_PLAIN = {int, float, bool, type(None)}
_PLAIN_OR_STRING = _PLAIN | {bytes}
_WORTHWHILE = 8


def _encode_plain(parts: list[Value]) -> bytes | None:
    """The bytes of many elements, packed by msgpack; None if a list or map is among them."""
    kinds = set(map(type, parts))
    if not kinds <= _PLAIN_OR_STRING:
        return None
    items: list[Any] = parts
    if bytes in kinds:
        items = [p.decode("utf-8", "surrogateescape") if type(p) is bytes else p for p in parts]
    packed: bytes = msgpack.packb(items, unicode_errors="surrogateescape")
    head = 1 if len(parts) <= FIX_COUNT_MAX else 3 if len(parts) < 1 << 16 else 5
    return packed[head:]


def encode(value: Value) -> bytes:
    """The bytes of a value in the smallest form."""
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
            out.append(NIL)
        elif kind is bool:
            out.append(TRUE if item else FALSE)
        elif kind is float:
            out.append(FLOAT_64)
            out += _F64.pack(item)
        elif isinstance(item, PackedList):
            _encode_count(out, len(item.items) + bool(item.flags), FIX_LIST, LIST_16)
            if item.flags:
                out += bytes((EXT_8, 0, item.flags))
            plain = _encode_plain(item.items) if len(item.items) >= _WORTHWHILE else None
            if plain is None:
                waiting.extend(reversed(item.items))
            else:
                out += plain
        elif isinstance(item, PackedMap):
            _encode_count(out, len(item.pairs) + bool(item.flags), FIX_MAP, MAP_16)
            if item.flags:
                out += bytes((EXT_8, 0, item.flags, NIL))
            parts = [part for pair in item.pairs for part in pair]
            plain = _encode_plain(parts) if len(parts) >= _WORTHWHILE else None
            if plain is None:
                waiting.extend(reversed(parts))
            else:
                out += plain
        elif isinstance(item, Float32):
            out.append(FLOAT_32)
            out += item.raw
        elif isinstance(item, Extension):
            _encode_extension(out, item)
        else:
            raise PackedError(f"not a packed value: {kind.__name__}")
    return bytes(out)


def _encode_int(out: bytearray, value: int) -> None:
    if _FIX_INT_MIN <= value <= FIX_INT_END:
        out.append(value & _BYTE)
        return
    codes = (UINT_8, UINT_16, UINT_32, UINT_64) if value >= 0 else (INT_8, INT_16, INT_32, INT_64)
    for code in codes:
        layout = INTEGER_LAYOUTS[code]
        bits = 8 * layout.size - (value < 0)
        if -(1 << bits) <= value < (1 << bits):
            out.append(code)
            out += layout.pack(value)
            return
    raise PackedError("an integer beyond 64 bits")


def _encode_str(out: bytearray, value: bytes) -> None:
    n = len(value)
    if n <= FIX_LENGTH_MAX:
        out.append(FIX_STR | n)
    elif n < 1 << 8:
        out += bytes((STR_8, n))
    elif n < 1 << 16:
        out.append(STR_16)
        out += _U16.pack(n)
    else:
        out.append(STR_32)
        out += _U32.pack(n)
    out += value


def _encode_count(out: bytearray, count: int, fix: int, wide: int) -> None:
    if count <= FIX_COUNT_MAX:
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
        out += bytes((FIX_EXT_1, item.kind))
    else:
        out += bytes((EXT_8, n, item.kind))
    out += item.data

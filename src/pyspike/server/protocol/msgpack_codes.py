"""The first bytes of msgpack values, as the server packs lists, maps and expressions (values.md 3.2).

Owns: the codes, and the layouts of integers. The codes from `FIX_MAP` to `FIX_MAP_END`, and others that have
an end, hold a small number or length in their low bits. Not here: what is packed (values/packed.py).
"""

from __future__ import annotations

from struct import Struct

__all__ = [
    "BIN_8",
    "BIN_16",
    "BIN_32",
    "EXT_8",
    "EXT_16",
    "EXT_32",
    "FALSE",
    "FIX_COUNT_MAX",
    "FIX_EXT_1",
    "FIX_EXT_16",
    "FIX_INT_END",
    "FIX_LENGTH_MAX",
    "FIX_LIST",
    "FIX_LIST_END",
    "FIX_MAP",
    "FIX_MAP_END",
    "FIX_NEGATIVE",
    "FIX_STR",
    "FIX_STR_END",
    "FLOAT_32",
    "FLOAT_64",
    "INTEGER_LAYOUTS",
    "INT_8",
    "INT_16",
    "INT_32",
    "INT_64",
    "LIST_16",
    "LIST_32",
    "MAP_16",
    "MAP_32",
    "NIL",
    "STR_8",
    "STR_16",
    "STR_32",
    "TRUE",
    "UINT_8",
    "UINT_16",
    "UINT_32",
    "UINT_64",
]

FIX_INT_END = 0x7F
FIX_MAP, FIX_MAP_END = 0x80, 0x8F
FIX_LIST, FIX_LIST_END = 0x90, 0x9F
FIX_STR, FIX_STR_END = 0xA0, 0xBF
NIL = 0xC0
FALSE, TRUE = 0xC2, 0xC3
BIN_8, BIN_16, BIN_32 = 0xC4, 0xC5, 0xC6
EXT_8, EXT_16, EXT_32 = 0xC7, 0xC8, 0xC9
FLOAT_32, FLOAT_64 = 0xCA, 0xCB
UINT_8, UINT_16, UINT_32, UINT_64 = 0xCC, 0xCD, 0xCE, 0xCF
INT_8, INT_16, INT_32, INT_64 = 0xD0, 0xD1, 0xD2, 0xD3
FIX_EXT_1, FIX_EXT_16 = 0xD4, 0xD8
STR_8, STR_16, STR_32 = 0xD9, 0xDA, 0xDB
LIST_16, LIST_32 = 0xDC, 0xDD
MAP_16, MAP_32 = 0xDE, 0xDF
FIX_NEGATIVE = 0xE0

FIX_COUNT_MAX = 0x0F
"""The mask of the count in a code of a list or map, and the largest such count."""
FIX_LENGTH_MAX = 0x1F
"""The mask of the length in a code of a string, and the largest such length."""

INTEGER_LAYOUTS = {
    UINT_8: Struct(">B"),
    UINT_16: Struct(">H"),
    UINT_32: Struct(">I"),
    UINT_64: Struct(">Q"),
    INT_8: Struct(">b"),
    INT_16: Struct(">h"),
    INT_32: Struct(">i"),
    INT_64: Struct(">q"),
}
"""How the integer that follows a code is written."""

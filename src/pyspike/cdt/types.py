"""The types that expressions have on the server, and the flags of regular expressions."""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag
from typing import Any, TypeAlias

from pyspike._wire import numpy_scalar, plain_bytes, plain_int
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown
from pyspike.values import (
    GeoJSON,
    HyperLogLog,
    KeyOrderedDict,
    KeyValueOrderedDict,
    OrderedList,
    RawParticle,
    Special,
)

__all__ = ["BIN_FUNCTIONS", "ExpType", "RegexFlags", "TypeLike", "literal_type", "named", "type_of"]


class ExpType(IntEnum):
    """What an expression gives, with the server's numbers."""

    NIL = 0
    BOOL = 1
    INT = 2
    STRING = 3
    LIST = 4
    MAP = 5
    BLOB = 6
    FLOAT = 7
    GEO = 8
    HLL = 9


class RegexFlags(IntFlag):
    """How `exp.regex_compare` matches: POSIX regcomp's flags, with the numbers of the server's C library.

    EXTENDED: extended syntax; ICASE: without regard to case; NEWLINE: ^ and $ also match at line ends, a
    dot does not match them; NOSUB: nothing that matters here. (Other clients call 4 NOSUB and 8 NEWLINE;
    the server takes them as named here.)
    """

    DEFAULT = 0
    EXTENDED = 1
    ICASE = 2
    NEWLINE = 4
    NOSUB = 8


TypeLike: TypeAlias = "ExpType | type[Any]"
"""The type of a value: an `ExpType`, or `int`, `str`, `list` and so on for one."""

_BY_CLASS: dict[object, ExpType] = {
    type(None): ExpType.NIL,
    bool: ExpType.BOOL,
    int: ExpType.INT,
    str: ExpType.STRING,
    list: ExpType.LIST,
    OrderedList: ExpType.LIST,
    dict: ExpType.MAP,
    KeyOrderedDict: ExpType.MAP,
    KeyValueOrderedDict: ExpType.MAP,
    bytes: ExpType.BLOB,
    float: ExpType.FLOAT,
    GeoJSON: ExpType.GEO,
    HyperLogLog: ExpType.HLL,
}

BIN_FUNCTIONS = {
    ExpType.BOOL: "bool_bin",
    ExpType.INT: "int_bin",
    ExpType.STRING: "string_bin",
    ExpType.LIST: "list_bin",
    ExpType.MAP: "map_bin",
    ExpType.BLOB: "blob_bin",
    ExpType.FLOAT: "float_bin",
    ExpType.GEO: "geo_bin",
    ExpType.HLL: "hll_bin",
}

_ARTICLES = {
    ExpType.NIL: "nil",
    ExpType.BOOL: "a bool",
    ExpType.INT: "an int",
    ExpType.STRING: "a string",
    ExpType.LIST: "a list",
    ExpType.MAP: "a map",
    ExpType.BLOB: "a blob",
    ExpType.FLOAT: "a float",
    ExpType.GEO: "a geo value",
    ExpType.HLL: "a HyperLogLog",
}


def type_of(kind: Any, name: str) -> ExpType:
    """The type that is meant by an `ExpType` or by the Python class that stands for it."""
    if type(kind) is ExpType:
        return kind
    number = None if isinstance(kind, Enum) else plain_int(kind)
    if number is not None:
        try:
            return ExpType(number)
        except ValueError:
            raise InvalidArgument(f"{name} {shown(number)} is no ExpType") from None
    if isinstance(kind, type) and kind in _BY_CLASS:
        return _BY_CLASS[kind]
    raise InvalidType(
        f"{name} must be an ExpType, or int, str, bytes, float, bool, list, dict, not {shown(kind)}"
    )


def named(kind: ExpType | None) -> str:
    """A type in words: 'an int'."""
    return "of a type that is not known" if kind is None else _ARTICLES[kind]


_LITERALS: tuple[tuple[Any, ExpType | None], ...] = (
    (bool, ExpType.BOOL),
    (int, ExpType.INT),
    (float, ExpType.FLOAT),
    (GeoJSON, ExpType.GEO),
    (str, ExpType.STRING),
    (HyperLogLog, ExpType.HLL),
    (bytes, ExpType.BLOB),
    (type(None), ExpType.NIL),
    ((list, tuple), ExpType.LIST),
    (dict, ExpType.MAP),
    ((Special, RawParticle), None),
)


def literal_type(value: Any) -> ExpType | None:
    """The type of the literal for a Python value; None for one that is no value on its own, as INFINITY.

    Raises:
        InvalidType: Aerospike has no such type.
    """
    for classes, kind in _LITERALS:
        if isinstance(value, classes):
            return kind
    if plain_int(value) is not None:
        return ExpType.INT
    scalar = numpy_scalar(value)
    if scalar is not None:
        return ExpType.BOOL if isinstance(scalar, bool) else ExpType.FLOAT
    if plain_bytes(value) is not None:
        return ExpType.BLOB
    raise InvalidType(
        f"{shown(value)} can be no part of an expression: {type(value).__name__} is not an Aerospike type",
        advice="None, bool, int, float, str, bytes, list, dict, GeoJSON and HyperLogLog are",
    )

"""What an expression can read of a record: bins, the stored key, metadata; and literals.

- `name`: a bin's, 1 to 15 bytes of UTF-8.
- `value`, `values`: what the literal is made of.
- `kind`: an `ExpType`, or the Python class that stands for it.
- `modulo`: a plain int above 0.
"""

from __future__ import annotations

from typing import Any

from pyspike._wire import MAX_BIN_NAME, plain_int
from pyspike.cdt.checks import blob, items, whole
from pyspike.cdt.opcodes import ExpOp
from pyspike.cdt.signatures import SIGNATURES
from pyspike.cdt.types import ExpType, TypeLike, type_of
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.exp.expression import Expression, Value, literal, node, packed_name
from pyspike.showing import shown
from pyspike.values import GeoJSON, HyperLogLog, OrderedList, Special

__all__ = [
    "bin_exists",
    "bin_type",
    "blob_bin",
    "blob_val",
    "bool_bin",
    "bool_val",
    "device_size",
    "digest_modulo",
    "float_bin",
    "float_val",
    "geo_bin",
    "geo_val",
    "hll_bin",
    "hll_val",
    "infinity",
    "int_bin",
    "int_val",
    "is_tombstone",
    "key",
    "key_exists",
    "last_update",
    "list_bin",
    "list_val",
    "map_bin",
    "map_val",
    "memory_size",
    "nil",
    "record_size",
    "set_name",
    "since_update",
    "str_bin",
    "string_bin",
    "string_val",
    "ttl",
    "val",
    "void_time",
    "wildcard",
]


# Bins: of another type, or not there, they are unknown ------------------------------------------------------


def bin_of(name: str, kind: ExpType) -> Expression:
    """A bin's value, of this type."""
    return node(ExpOp.BIN, kind, int(kind), packed_name(name, "the bin's name", MAX_BIN_NAME))


def int_bin(name: str) -> Expression:
    """An integer bin's value."""
    return bin_of(name, ExpType.INT)


def float_bin(name: str) -> Expression:
    """A float bin's value."""
    return bin_of(name, ExpType.FLOAT)


def string_bin(name: str) -> Expression:
    """A string bin's value."""
    return bin_of(name, ExpType.STRING)


str_bin = string_bin


def blob_bin(name: str) -> Expression:
    """A blob bin's value."""
    return bin_of(name, ExpType.BLOB)


def bool_bin(name: str) -> Expression:
    """A bool bin's value."""
    return bin_of(name, ExpType.BOOL)


def list_bin(name: str) -> Expression:
    """A list bin's value."""
    return bin_of(name, ExpType.LIST)


def map_bin(name: str) -> Expression:
    """A map bin's value."""
    return bin_of(name, ExpType.MAP)


def geo_bin(name: str) -> Expression:
    """A GeoJSON bin's value."""
    return bin_of(name, ExpType.GEO)


def hll_bin(name: str) -> Expression:
    """A HyperLogLog bin's value."""
    return bin_of(name, ExpType.HLL)


def bin_type(name: str) -> Expression:
    """The number of a bin's type: 0 not there, 1 int, 2 float, 3 string, 4 blob, 17 bool, 18 HyperLogLog,
    19 map, 20 list, 23 GeoJSON.
    """
    return node(ExpOp.BIN_TYPE, ExpType.INT, packed_name(name, "the bin's name", MAX_BIN_NAME))


def bin_exists(name: str) -> Expression:
    """Whether the record has this bin."""
    return node(ExpOp.NE, ExpType.BOOL, bin_type(name), 0)


# The key and metadata ---------------------------------------------------------------------------------------


def key(kind: TypeLike) -> Expression:
    """The record's key, if it was stored with the record (`send_key`) and is of this type: int, str or
    bytes.
    """
    chosen = type_of(kind, "kind")
    if chosen not in (ExpType.INT, ExpType.STRING, ExpType.BLOB):
        raise InvalidType(f"a key can be an int, a string or a blob, not {chosen.name}")
    return node(ExpOp.KEY, chosen, int(chosen))


def _metadata(op: ExpOp, *parts: int) -> Expression:
    return node(op, SIGNATURES[op].gives, *parts)


def key_exists() -> Expression:
    """Whether the record's key was stored with it (`send_key`)."""
    return _metadata(ExpOp.KEY_EXISTS)


def set_name() -> Expression:
    """The name of the record's set, a string."""
    return _metadata(ExpOp.SET_NAME)


def record_size() -> Expression:
    """How many bytes the record takes (server 7.0)."""
    return _metadata(ExpOp.RECORD_SIZE)


def device_size() -> Expression:
    """How many bytes the record takes on a device; `record_size` replaces it as of server 7.0."""
    return _metadata(ExpOp.DEVICE_SIZE)


def memory_size() -> Expression:
    """How many bytes the record takes in memory; `record_size` replaces it as of server 7.0."""
    return _metadata(ExpOp.MEMORY_SIZE)


def last_update() -> Expression:
    """When the record was last written, in nanoseconds since 1970-01-01."""
    return _metadata(ExpOp.LAST_UPDATE)


def since_update() -> Expression:
    """How long ago the record was last written, in milliseconds."""
    return _metadata(ExpOp.SINCE_UPDATE)


def void_time() -> Expression:
    """When the record expires, in nanoseconds since 1970-01-01; -1 for never."""
    return _metadata(ExpOp.VOID_TIME)


def ttl() -> Expression:
    """In how many seconds the record expires; -1 for never."""
    return _metadata(ExpOp.TTL)


def is_tombstone() -> Expression:
    """Whether the record is deleted but leaves a tombstone (Enterprise Edition)."""
    return _metadata(ExpOp.IS_TOMBSTONE)


def digest_modulo(modulo: int) -> Expression:
    """The record's digest modulo a number: samples of the data, as in `digest_modulo(100) == 0`."""
    number = whole(modulo, "modulo")
    if number < 1:
        raise InvalidArgument(f"modulo must be above 0, not {shown(number)}")
    return _metadata(ExpOp.DIGEST_MODULO, number)


# Literals ---------------------------------------------------------------------------------------------------


def val(value: Value) -> Expression:
    """A Python value as an expression; rarely needed, functions and operators do so by themselves.

    Raises:
        InvalidType: Aerospike has no such type.
        InvalidArgument: an int does not fit into 64 bits.
    """
    return literal(value)


def _val(value: Any, kind: ExpType, name: str) -> Expression:
    made = None if isinstance(value, Expression) else literal(value)
    if made is None or made.type is not kind:
        raise InvalidType(f"exp.{name} takes {_CLASSES[kind]}, not {shown(value)}")
    return made


_CLASSES = {
    ExpType.INT: "int",
    ExpType.FLOAT: "float",
    ExpType.BOOL: "bool",
    ExpType.STRING: "str",
    ExpType.MAP: "dict",
}


def int_val(value: int) -> Expression:
    """An int."""
    return _val(value, ExpType.INT, "int_val")


def float_val(value: float) -> Expression:
    """A float; an int becomes one."""
    number = plain_int(value)
    return _val(value if number is None else float(number), ExpType.FLOAT, "float_val")


def bool_val(value: bool) -> Expression:
    """A bool."""
    return _val(value, ExpType.BOOL, "bool_val")


def string_val(value: str) -> Expression:
    """A string."""
    return _val(value, ExpType.STRING, "string_val")


def blob_val(value: bytes) -> Expression:
    """Bytes."""
    return literal(blob(value, "exp.blob_val: value"))


def list_val(values: list[Any] | tuple[Any, ...]) -> Expression:
    """A list; INFINITY and WILDCARD in it are for comparing."""
    return literal(values if isinstance(values, OrderedList) else items(values, "values"))


def map_val(value: dict[Any, Any]) -> Expression:
    """A map. The server compares only maps that are ordered by key: give a `KeyOrderedDict` for that."""
    return _val(value, ExpType.MAP, "map_val")


def geo_val(value: str | dict[str, Any]) -> Expression:
    """A place or area: GeoJSON, or its text or dict."""
    return literal(GeoJSON(value))


def hll_val(value: bytes) -> Expression:
    """A HyperLogLog as it was read from a bin."""
    return literal(HyperLogLog(blob(value, "exp.hll_val: value")))


def nil() -> Expression:
    """Nil; as the result of `operations.exp.write` with ALLOW_DELETE it deletes the bin."""
    return literal(None)


def infinity() -> Expression:
    """What is above all values: the open end of a range. Only as an argument of list and map expressions."""
    return literal(Special.INFINITY)


def wildcard() -> Expression:
    """What equals all values. Only as an argument of list and map expressions."""
    return literal(Special.WILDCARD)

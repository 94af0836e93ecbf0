"""Operations for `Client.operate`: several steps on one record, applied in order, all or nothing.

An operation is encoded once, when it is made; it is immutable and may be used again, from any thread.
Those on scalar bins are here; those on lists, maps, bits, HyperLogLogs, strings and paths, and those that
evaluate expressions, are in modules of these names. `context` has the ways into nested lists and maps.

Servers as of 5.6 have all that names no later version. Newer than that are also `persist_index` and the
return types EXISTS, UNORDERED_MAP and ORDERED_MAP.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pyspike._wire import Operation, unpack_value
from pyspike.operations.enums import OpCode
from pyspike.showing import shown

if TYPE_CHECKING:
    from pyspike.operations import bitwise, context, exp, hll, lists, maps, paths, strings

__all__ = [
    "OpCode",
    "Operation",
    "add",
    "append",
    "bitwise",
    "context",
    "delete",
    "exp",
    "get",
    "get_header",
    "hll",
    "lists",
    "maps",
    "paths",
    "prepend",
    "put",
    "strings",
    "touch",
]

_FAMILIES = frozenset(("bitwise", "context", "exp", "hll", "lists", "maps", "paths", "strings"))


def __getattr__(name: str) -> Any:
    """The modules are imported when they are first asked for: few programs need all of them."""
    if name in _FAMILIES:
        return importlib.import_module(f"pyspike.operations.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# As plain ints: reaching a member of an enum takes longer than all else that making an operation does.
_READ, _WRITE, _INCR = int(OpCode.READ), int(OpCode.WRITE), int(OpCode.INCR)
_APPEND, _PREPEND = int(OpCode.APPEND), int(OpCode.PREPEND)
_TOUCH, _DELETE_ALL = int(OpCode.TOUCH), int(OpCode.DELETE_ALL)
# Looked up once, as it costs as much as a call.
_on_bin, _bare = Operation.on_bin, Operation.bare
SHOWN_SIZE = 1000  # characters of a value in the repr of an operation
_NAMES = {_WRITE: "put", _INCR: "add", _APPEND: "append", _PREPEND: "prepend"}


def _with_value(operation: Operation) -> str:
    """The repr of an operation that gives a bin a value, which it keeps only as bytes."""
    wire = operation.wire
    value = unpack_value(wire[5], wire[8 + wire[7] :])
    return f"{_NAMES[operation.code]}({operation.bin!r}, {shown(value, SHOWN_SIZE)})"


def _of_bin(operation: Operation) -> str:
    """The repr of reading one bin."""
    return f"get({operation.bin!r})"


def get(bin_name: str | None = None) -> Operation:
    """Read a bin, or with no name all bins, which can't be combined with other reads.

    Args:
        bin_name: 1 to 15 bytes of UTF-8; None for all bins.
    """
    if bin_name is None:
        return _bare(_READ, "", "get()", all_bins=True)
    return _bare(_READ, bin_name, _of_bin)


def get_header() -> Operation:
    """Read no bin: only the generation and the expiration, which every answer has."""
    return _bare(_READ, "", "get_header()", header=True)


def put(bin_name: str, value: object) -> Operation:
    """Write a bin; None deletes it.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: whatever `Client.put` takes.

    Raises:
        InvalidType: Aerospike has no such type.
        InvalidArgument: the value or the name does not fit.
    """
    return _on_bin(_WRITE, bin_name, value, _with_value)


def add(bin_name: str, value: float) -> Operation:
    """Add to an integer or float bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: an int for an integer bin (the server wraps around at 64 bits), a float for a float bin.

    Raises:
        InvalidType: `value` is no number.
        BinTypeError: (when run) the bin is of another type.
    """
    return _on_bin(_INCR, bin_name, value, _with_value)


def append(bin_name: str, value: str | bytes) -> Operation:
    """Append to a string or blob bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: a str for a string bin, bytes for a blob bin.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    return _on_bin(_APPEND, bin_name, value, _with_value)


def prepend(bin_name: str, value: str | bytes) -> Operation:
    """Prepend to a string or blob bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: a str for a string bin, bytes for a blob bin.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    return _on_bin(_PREPEND, bin_name, value, _with_value)


def touch() -> Operation:
    """Give the record the time to live of the call, `operate(..., ttl=seconds)`, or of its policy.

    The record must exist. Where other clients have `touch(ttl)`, the time here is the call's: a message has
    room for one, which holds for all its operations.
    """
    return _bare(_TOUCH, "", "touch()", write=True, whole=True)


def delete() -> Operation:
    """Delete the record; operations behind it may write a new one."""
    return _bare(_DELETE_ALL, "", "delete()", write=True, whole=True)

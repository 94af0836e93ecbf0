"""Operations for `Client.operate`: several steps on one record, applied in order, all or nothing.

An operation is encoded once, when it is made; it is immutable and may be used again, from any thread.
Those on scalar bins are here; those on lists, maps, bits, HyperLogLogs, strings and paths, and those that
evaluate expressions, are in modules of these names. `context` has the ways into nested lists and maps.

Servers as of 5.6 have all that names no later version. Newer than that are also `persist_index` and the
return types EXISTS, UNORDERED_MAP and ORDERED_MAP.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from pyspike._wire import Operation
from pyspike.cdt.opcodes import OpCode
from pyspike.operations import bitwise, context, exp, hll, lists, maps, paths, strings
from pyspike.operations.maker import bare, with_value

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


@bare(OpCode.READ, whole=True, all_bins=True)
def get(bin_name: str | None = None) -> Operation:
    """Read a bin, or with no name all bins, which can't be combined with other reads.

    Args:
        bin_name: 1 to 15 bytes of UTF-8; None for all bins.
    """
    ...


@bare(OpCode.READ, whole=True, header=True)
def get_header() -> Operation:
    """Read no bin: only the generation and the expiration, which every answer has."""
    ...


@with_value(OpCode.WRITE)
def put(bin_name: str, value: object) -> Operation:
    """Write a bin; None deletes it.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: whatever `Client.put` takes.

    Raises:
        InvalidType: Aerospike has no such type.
        InvalidArgument: the value or the name does not fit.
    """
    ...


@with_value(OpCode.INCR)
def add(bin_name: str, value: float) -> Operation:
    """Add to an integer or float bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: an int for an integer bin (the server wraps around at 64 bits), a float for a float bin.

    Raises:
        InvalidType: `value` is no number.
        BinTypeError: (when run) the bin is of another type.
    """
    ...


@with_value(OpCode.APPEND)
def append(bin_name: str, value: str | bytes) -> Operation:
    """Append to a string or blob bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: a str for a string bin, bytes for a blob bin.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    ...


@with_value(OpCode.PREPEND)
def prepend(bin_name: str, value: str | bytes) -> Operation:
    """Prepend to a string or blob bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: a str for a string bin, bytes for a blob bin.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    ...


@bare(OpCode.TOUCH, whole=True, write=True)
def touch() -> Operation:
    """Give the record the time to live of the call, `operate(..., ttl=seconds)`, or of its policy.

    The record must exist. Where other clients have `touch(ttl)`, the time here is the call's: a message has
    room for one, which holds for all its operations.
    """
    ...


@bare(OpCode.DELETE_ALL, whole=True, write=True)
def delete() -> Operation:
    """Delete the record; operations behind it may write a new one."""
    ...

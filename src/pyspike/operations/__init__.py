"""Operations for `Client.operate`: several steps on one record, applied in order, all or nothing.

An operation is encoded once, when it is made; it is immutable and may be used again, from any thread.
Those on scalar bins are here.
"""

from __future__ import annotations

from enum import IntEnum

from pyspike._wire import Operation, unpack_value

__all__ = ["Operation", "add", "append", "delete", "get", "get_header", "prepend", "put", "touch"]


class OpCode(IntEnum):
    """The numbers of operations on the wire (Aerospike's names; framing.md 1.4 of the protocol notes)."""

    READ = 1
    WRITE = 2
    INCR = 5
    APPEND = 9
    PREPEND = 10
    TOUCH = 11
    DELETE_ALL = 14


# As plain ints: reaching a member of an enum takes longer than all else that making an operation does.
_READ, _WRITE, _INCR, _APPEND, _PREPEND, _TOUCH, _DELETE_ALL = map(int, OpCode)
_NAMES = {_WRITE: "put", _INCR: "add", _APPEND: "append", _PREPEND: "prepend"}


def _with_value(operation: Operation) -> str:
    """The repr of an operation that gives a bin a value, which it keeps only as bytes."""
    wire = operation.wire
    value = unpack_value(wire[5], wire[8 + wire[7] :])
    return f"{_NAMES[operation.code]}({operation.bin!r}, {value!r})"


def get(bin_name: str | None = None) -> Operation:
    """Read a bin, or with no name all bins, which can't be combined with other reads.

    Args:
        bin_name: 1 to 15 bytes of UTF-8; None for all bins.
    """
    if bin_name is None:
        return Operation.bare(_READ, "", "get()", all_bins=True)
    return Operation.bare(_READ, bin_name, f"get({bin_name!r})")


def get_header() -> Operation:
    """Read no bin: only the generation and the expiration, which every answer has."""
    return Operation.bare(_READ, "", "get_header()", header=True)


def put(bin_name: str, value: object) -> Operation:
    """Write a bin; None deletes it.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: whatever `Client.put` takes.

    Raises:
        InvalidType: Aerospike has no such type.
        InvalidArgument: the value or the name does not fit.
    """
    return Operation.on_bin(_WRITE, bin_name, value, _with_value)


def add(bin_name: str, value: float) -> Operation:
    """Add to an integer or float bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: an int for an integer bin (the server wraps around at 64 bits), a float for a float bin.

    Raises:
        InvalidType: `value` is no number.
        BinTypeError: (when run) the bin is of another type.
    """
    return Operation.on_bin(_INCR, bin_name, value, _with_value)


def append(bin_name: str, value: str | bytes) -> Operation:
    """Append to a string or blob bin, which is created with `value` if the record has none.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    return Operation.on_bin(_APPEND, bin_name, value, _with_value)


def prepend(bin_name: str, value: str | bytes) -> Operation:
    """Prepend to a string or blob bin, which is created with `value` if the record has none.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    return Operation.on_bin(_PREPEND, bin_name, value, _with_value)


def touch() -> Operation:
    """Give the record the time to live of the call or its policy; it must exist."""
    return Operation.bare(_TOUCH, "", "touch()", write=True, whole=True)


def delete() -> Operation:
    """Delete the record; operations behind it may write a new one."""
    return Operation.bare(_DELETE_ALL, "", "delete()", write=True, whole=True)

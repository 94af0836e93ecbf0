"""Operations for `Client.operate`: several steps on one record, applied in order, all or nothing.

An operation is encoded once, when it is made; it is immutable and may be used again, from any thread.
Those on scalar bins are here.
"""

from __future__ import annotations

from enum import IntEnum

from pyspike._wire import Operation

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


def get(bin_name: str | None = None) -> Operation:
    """Read a bin, or with no name all bins, which can't be combined with other reads.

    Args:
        bin_name: 1 to 15 bytes of UTF-8; None for all bins.
    """
    if bin_name is None:
        return Operation.bare(OpCode.READ, "", "get()", write=False, all_bins=True)
    return Operation.bare(OpCode.READ, bin_name, f"get({bin_name!r})", write=False)


def get_header() -> Operation:
    """Read no bin: only the generation and the expiration, which every answer has."""
    return Operation.bare(OpCode.READ, "", "get_header()", write=False, header=True)


def put(bin_name: str, value: object) -> Operation:
    """Write a bin; None deletes it.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: whatever `Client.put` takes.

    Raises:
        InvalidType: Aerospike has no such type.
        InvalidArgument: the value or the name does not fit.
    """
    return Operation.on_bin(OpCode.WRITE, bin_name, value, f"put({bin_name!r}, {value!r})")


def add(bin_name: str, value: float) -> Operation:
    """Add to an integer or float bin, which is created with `value` if the record has none.

    Args:
        bin_name: 1 to 15 bytes of UTF-8.
        value: an int for an integer bin (the server wraps around at 64 bits), a float for a float bin.

    Raises:
        InvalidType: `value` is no number.
        BinTypeError: (when run) the bin is of another type.
    """
    return Operation.on_bin(OpCode.INCR, bin_name, value, f"add({bin_name!r}, {value!r})")


def append(bin_name: str, value: str | bytes) -> Operation:
    """Append to a string or blob bin, which is created with `value` if the record has none.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    return Operation.on_bin(OpCode.APPEND, bin_name, value, f"append({bin_name!r}, {value!r})")


def prepend(bin_name: str, value: str | bytes) -> Operation:
    """Prepend to a string or blob bin, which is created with `value` if the record has none.

    Raises:
        InvalidType: `value` is neither str nor bytes.
        BinTypeError: (when run) the bin is of another type.
    """
    return Operation.on_bin(OpCode.PREPEND, bin_name, value, f"prepend({bin_name!r}, {value!r})")


def touch() -> Operation:
    """Give the record the time to live of the call or its policy; it must exist."""
    return Operation.bare(OpCode.TOUCH, "", "touch()", write=True)


def delete() -> Operation:
    """Delete the record; operations behind it may write a new one."""
    return Operation.bare(OpCode.DELETE_ALL, "", "delete()", write=True)

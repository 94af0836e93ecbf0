"""What string operations and string expressions take."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["NumericType", "RegexFlags", "StringPolicy", "WriteFlags"]


class RegexFlags(IntEnum):
    """How regular expressions match."""

    DEFAULT = 0
    CASE_INSENSITIVE = 1
    MULTILINE = 2
    DOTALL = 4
    UNIX_LINES = 8
    GLOBAL = 16


class WriteFlags(IntEnum):
    """What a write to a string may do."""

    DEFAULT = 0
    CREATE_ONLY = 1
    UPDATE_ONLY = 2
    NO_FAIL = 4


class NumericType(IntEnum):
    """Which numbers are looked for."""

    ANY = 0
    INT = 1
    FLOAT = 2


class StringPolicy:
    """How a string is written.

    Args:
        write_flags: what the write may do.
    """

    def __init__(self, write_flags: int = WriteFlags.DEFAULT) -> None:
        self.write_flags = write_flags

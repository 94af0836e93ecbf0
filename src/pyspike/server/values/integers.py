"""Integers as the server holds them: 64 bits with a sign."""

from __future__ import annotations

__all__ = ["INT_MAX", "INT_MIN", "as_int64"]

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
_SPAN = 1 << 64


def as_int64(number: int) -> int:
    """The integer that the server makes of a number: outside INT_MIN..INT_MAX it wraps."""
    return (number - INT_MIN) % _SPAN + INT_MIN

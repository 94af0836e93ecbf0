"""Increments of numbers inside lists and maps.

Owns: which types can be added to each other, and what happens beyond 64 bits.
"""

from __future__ import annotations

from math import isfinite

from ..values.integers import INT_MAX, INT_MIN, as_int64
from ..values.ordering import as_float
from ..values.packed import Float32, Value

__all__ = ["is_number", "to_int64", "total", "zero_like"]


def is_number(value: Value) -> bool:
    """Whether a value can be incremented."""
    return type(value) is int or isinstance(value, (float, Float32))


def zero_like(number: Value) -> Value:
    """The number that a missing element counts as before `number` is added to it."""
    return 0 if type(number) is int else 0.0


def to_int64(number: float) -> int:
    """A float without its fraction, as an integer of 64 bits.

    What does not fit gives the smallest integer, as the conversion on x86 does.
    """
    if isfinite(number) and INT_MIN <= number <= INT_MAX:
        return as_int64(int(number))
    return INT_MIN


def total(before: Value, delta: Value, sign: int) -> Value:
    """`before` plus or minus `delta`, in the type of `before`; integers wrap at 64 bits."""
    if type(before) is int:
        return as_int64(before + sign * (delta if type(delta) is int else to_int64(as_float(delta))))
    return as_float(before) + sign * (float(delta) if type(delta) is int else as_float(delta))

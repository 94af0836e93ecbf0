"""Checks of the arguments that users give to an embedded cluster.

Owns: the kinds and words of the errors: TypeError for another type, ValueError for a value outside the range.
Not here: what a cluster must be (cluster.py), and anything that clients send.
"""

from __future__ import annotations

import math
from operator import index

__all__ = ["PORT_MAX", "check_bytes", "check_flag", "check_integer", "check_seconds", "check_text"]

PORT_MAX = 65535


def check_flag(name: str, value: object) -> bool:
    """Give a bool as it is; raise TypeError for anything else."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is a bool, not {_shown(value)}")
    return value


def check_integer(name: str, value: object, least: int, most: int | None = None) -> int:
    """Give an integer within `least`..`most` (None: without end).

    Raises:
        TypeError: not an integer; a bool is none.
        ValueError: outside the range.

    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is an integer, not {_shown(value)}")
    number = index(value)
    if number < least or (most is not None and number > most):
        allowed = f"at least {least}" if most is None else f"within {least}..{most}"
        raise ValueError(f"{name} is {allowed}, not {number}")
    return number


def check_seconds(name: str, value: object) -> float:
    """Give a time of 0 seconds or more as a float.

    Raises:
        TypeError: not a number; a bool is none.
        ValueError: negative, infinite, or not a number.

    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number of seconds, not {_shown(value)}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is a number of seconds from 0 on, not {value!r}")
    return float(value)


def check_text(name: str, value: object) -> str:
    """Give a str as it is; raise TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {_shown(value)}")
    return value


def check_bytes(name: str, value: object) -> bytes | None:
    """Give bytes or None as they are; raise TypeError for anything else."""
    if value is None or isinstance(value, (bytes, bytearray, memoryview)):
        return None if value is None else bytes(value)
    raise TypeError(f"{name} is bytes or None, not {_shown(value)}")


def _shown(value: object) -> str:
    shown = repr(value)
    return f"{type(value).__name__} {shown if len(shown) <= 40 else shown[:37] + '...'}"

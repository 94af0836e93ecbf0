"""How long a record lives: frameworks have seconds of any kind, Aerospike whole ones, from 1 to ten years."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import SupportsFloat, TypeAlias

from pyspike._types import Ttl
from pyspike._wire import MAX_TTL
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown
from pyspike.values import Expiration

__all__ = ["Seconds", "is_over", "lifetime", "number_of_seconds"]

Seconds: TypeAlias = float | timedelta | None
"""How long something is kept; None for ever."""


def is_over(seconds: Seconds) -> bool:
    """Whether the time is over before it has begun: it is 0 or less.

    Raises:
        InvalidType, InvalidArgument: it is no number of seconds.
    """
    return seconds is not None and number_of_seconds(seconds) <= 0


def lifetime(seconds: Seconds) -> Ttl:
    """The time to live for a write.

    Args:
        seconds: how long, above 0; None for ever. It is rounded up, so that nothing is gone too early.

    Returns:
        1 to ten years in seconds; more than that is for ever, too, as servers know no longer time.

    Raises:
        InvalidType, InvalidArgument: it is no number of seconds.
    """
    if seconds is None:
        return Expiration.NEVER
    seconds = number_of_seconds(seconds)
    return Expiration.NEVER if seconds > MAX_TTL else max(1, math.ceil(seconds))


def number_of_seconds(seconds: float | timedelta, what: str = "a timeout") -> float:
    """A time as a number.

    Args:
        seconds: the time, of which a framework has not looked whether it is one.
        what: it is, for the error.

    Raises:
        InvalidType: it is neither a number nor a timedelta.
        InvalidArgument: it is the float that is no number.
    """
    if isinstance(seconds, timedelta):
        return seconds.total_seconds()
    if not isinstance(seconds, SupportsFloat):  # as all numbers are, and no text
        raise InvalidType(f"{what} is a number of seconds or a timedelta, not {shown(seconds)}")
    if math.isnan(seconds):
        raise InvalidArgument(f"{what} is a number of seconds, not nan")
    return seconds

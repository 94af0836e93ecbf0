"""When the calls of a benchmark begin: each after the one before, or at a moment of its own.

With a rate the latency of a call counts from the moment when it is due, whenever it is sent: a server that
stalls is not relieved of the calls that come meanwhile. Whoever sleeps until then wakes a little late; that
much, which is the timer's and not the server's, is left out.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable

__all__ = ["LONGEST_SLEEP", "SECOND", "Pace"]

SECOND = 1_000_000_000  # ns
LONGEST_SLEEP = 0.1  # seconds, after which it is looked whether all is to end


class Pace:
    """The turns of threads or tasks that share it; each turn is a call.

    Args:
        rate: how many turns are due in a second; 0 for as many as are taken.
        calls: how many turns there are; None for any number.
        seconds: how long turns are given; None for any time.
        late: nanoseconds by which whoever sleeps may wake late.
        began: when it begins, by `time.perf_counter_ns`.
        stopping: is set to give no more turns.
    """

    def __init__(
        self,
        rate: float,
        calls: int | None,
        seconds: float | None,
        *,
        late: int,
        began: int,
        stopping: threading.Event,
    ) -> None:
        self._interval = SECOND / rate if rate else 0.0
        self._calls = sys.maxsize if calls is None else calls
        self._began = began
        self._end = sys.maxsize if seconds is None else began + int(seconds * SECOND)
        self._late = late
        self._is_stopping = stopping.is_set
        self._number = _counter()

    def turn(self) -> tuple[int, int] | None:
        """The number of the next turn, and when it is due, in the past perhaps; None if there is none."""
        number, now = self._number(), time.perf_counter_ns()
        due = self._began + int(number * self._interval) if self._interval else now
        if number >= self._calls or now >= self._end or due >= self._end or self._is_stopping():
            return None
        return number, due

    def seconds_until(self, due: int) -> float:
        """How long to sleep now, as often as this is above 0, before a turn begins; 0 if all is to end."""
        left = due - time.perf_counter_ns()
        return 0.0 if left <= 0 or self._is_stopping() else min(left / SECOND, LONGEST_SLEEP)

    def awake(self, due: int) -> int:
        """When the turn began from which somebody has just woken up that slept until it was due."""
        return min(time.perf_counter_ns(), due + self._late)


def _counter() -> Callable[[], int]:
    """A function that counts from 0 on, in whichever thread it is called."""
    count = itertools.count().__next__
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        return count
    lock = threading.Lock()

    def locked() -> int:
        with lock:
            return count()

    return locked

"""The thread that tends a cluster, and the clock that tells it when the next round is due.

The thread does not keep its cluster alive: it ends when the clock is stopped, or when nobody else holds on to
the cluster. What is done in a round is in `tend`.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from typing import Protocol

__all__ = ["Clock", "Tended", "start"]


class Tended(Protocol):
    """What has a tend thread."""

    def tend(self) -> float:
        """Do one round of tending; the seconds until the next one. Raises nothing."""
        ...


class Clock:
    """Tells a tend thread when the next round is due.

    `ring` may be called from anywhere: from other threads, finalizers and signal handlers.

    Args:
        least: seconds between two rounds at least, however often it is rung.
    """

    __slots__ = ("_bell", "_rung", "least", "stopped")

    def __init__(self, least: float) -> None:
        self.least = least
        self.stopped = False
        self._rung = False
        # SimpleQueue.put is reentrant, so a finalizer or signal handler may call it at any moment. Event.set
        # is not reentrant.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        """Have the next round begin now, or as soon as `least` allows."""
        if not self._rung:
            self._rung = True
            self._bell.put(None)

    def stop(self) -> None:
        """Have no round begin any more."""
        self.stopped = True
        self._bell.put(None)

    def wait(self, seconds: float) -> None:
        """Wait until the next round is due: so many seconds, or until the clock is rung or stopped."""
        now = time.monotonic()
        end = now + seconds
        least = now + min(self.least, seconds)
        while not self.stopped and now < end:
            try:
                self._bell.get(timeout=end - now)
            except queue.Empty:
                break
            end = least
            now = time.monotonic()
        self._rung = False


def start(tended: Tended, clock: Clock, first: float) -> threading.Thread:
    """Start a thread that tends until the clock is stopped or nobody else holds on to what it tends.

    Args:
        tended: what is tended.
        clock: tells when a round is due.
        first: seconds until the first round.
    """
    reference = weakref.ref(tended, lambda _: clock.stop())
    thread = threading.Thread(target=_run, args=(reference, clock, first), name="pyspike-tend", daemon=True)
    thread.start()
    return thread


def _run(reference: weakref.ref[Tended], clock: Clock, pause: float) -> None:
    while True:
        clock.wait(pause)
        tended = None if clock.stopped else reference()
        if tended is None:
            return
        pause = tended.tend()
        del tended

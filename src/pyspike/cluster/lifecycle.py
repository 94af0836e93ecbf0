"""The life of tend threads: they wait without holding on to their cluster, and end with it, however it ends.

Owns the thread's loop, its clock, what happens at the interpreter's exit, and the warning of a client that is
dropped before it is closed. What happens at a fork is in `pyspike.process.fork`, what is done in a round in
`tend`.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Protocol

from pyspike.process import fork
from pyspike.process.weak_registry import WeakRegistry

__all__ = ["Clock", "DropGuard", "Tended", "start", "watch"]

EXIT_PATIENCE = 0.2  # seconds that the interpreter's exit waits for tend threads, in all


class Tended(Protocol):
    """What has a tend thread."""

    def tend(self) -> float:
        """Go round once; the seconds until the next time. Raises nothing."""

    def halt(self) -> threading.Thread | None:
        """Tell the thread to end, and return it."""

    def after_fork(self) -> None:
        """Start over in a child process, where no other thread is left."""


class Clock:
    """When to go round next. May be rung from anywhere: other threads, finalizers, signal handlers."""

    __slots__ = ("_bell", "_rung", "least", "stopped")

    def __init__(self, least: float) -> None:
        self.least = least  # seconds between two rounds, however often it is rung
        self.stopped = False
        self._rung = False
        # Its put() may interrupt itself, in a finalizer or a signal handler; the set() of an Event may not.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        """Go round now, or as soon as `least` allows."""
        if not self._rung:
            self._rung = True
            self._bell.put(None)

    def stop(self) -> None:
        """Never go round again."""
        self.stopped = True
        self._bell.put(None)

    def wait(self, seconds: float) -> None:
        """Wait this long, or until it rings."""
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
    """A thread that goes round until the clock is stopped or nobody else holds on to what it tends.

    Args:
        tended: what is tended.
        clock: tells it when.
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


class DropGuard:
    """Held by a client and all its views: warns if the last of them is dropped while something is open.

    Args:
        what: the client in words.
        is_open: whether it would have had to be closed.
        armed: whether somebody has the client; a connection attempt that was cancelled leaves it to nobody.
    """

    __slots__ = ("_is_open", "_what", "armed")

    def __init__(self, what: str, is_open: Callable[[], bool], *, armed: bool = True) -> None:
        self.armed = armed
        self._what = what
        self._is_open: Callable[[], bool] | None = is_open

    def __del__(self) -> None:
        self.dropped()

    def dropped(self, _warn: Callable[..., None] = warnings.warn) -> None:
        """Warn if something is open, once, naming the line that dropped the client."""
        # The warning may be kept, and with it this object: it lets go of what is open first.
        is_open, self._is_open = self._is_open, None
        if is_open is not None and self.armed and is_open():
            _warn(f"unclosed {self._what}", ResourceWarning, stacklevel=3, source=self)


# Exit -------------------------------------------------------------------------------------------------------


_live: WeakRegistry[Tended] = WeakRegistry()


def watch(tended: Tended) -> None:
    """Look after it at forks and at the interpreter's exit, as long as it lives."""
    fork.watch(tended)
    _live.add(tended)


def _at_exit() -> None:
    fork.caught_up()
    threads = [tended.halt() for tended in _live.all()]
    deadline = time.monotonic() + EXIT_PATIENCE
    for thread in threads:
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))


atexit.register(_at_exit)

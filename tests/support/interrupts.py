"""Ctrl-C at the moment that is meant: when the main thread is seen to wait for something, and not before."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from support.cluster_tools import wait_until

PROMPT = 2.0  # seconds within which it must have worked; nothing would end by itself in less than 20
LOOKS = 5  # so often in a row the main thread must be found asleep at one place
PAUSE = 0.01  # seconds between two looks


def press() -> None:
    """Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def press_when(reached: Callable[[], bool], pressing: Callable[[], object] = press) -> threading.Thread:
    """Press as soon as that is reached, from a thread of its own, which is returned."""

    def run() -> None:
        wait_until(reached, "the moment to press Ctrl-C")
        pressing()

    thread = threading.Thread(target=run, name="ctrl-c", daemon=True)
    thread.start()
    return thread


@contextmanager
def interrupted(reached: Callable[[], bool] | None = None) -> Iterator[None]:
    """Ctrl-C once what is inside waits for something; it must end with KeyboardInterrupt, and at once.

    Args:
        reached: what has to be true before; nothing but that by default.

    """
    pressed: list[float] = []

    def ready() -> bool:
        return (reached is None or reached()) and still()

    def pressing() -> None:
        pressed.append(time.monotonic())
        press()

    thread = press_when(ready, pressing)
    try:
        yield
    except KeyboardInterrupt:
        took = time.monotonic() - pressed[0]
        assert took < PROMPT, f"the interrupt took {took:.1f} s"
    else:
        raise AssertionError("no KeyboardInterrupt")
    finally:
        thread.join()


def inside(function: str) -> bool:
    """Whether the main thread is in a function of this name."""
    return any(frame.f_code.co_name == function for frame in _frames())


def still() -> bool:
    """Whether the main thread sleeps, and goes on to sleep at one place, as in a call of compiled code."""
    before = _place()
    if before is None:
        return False
    for _ in range(LOOKS):
        time.sleep(PAUSE)
        if _place() != before:
            return False
    return True


def _place() -> tuple[str, int, int] | None:
    """At which instruction the main thread sleeps; None if it does not."""
    frame = next(_frames(), None)
    if frame is None or not _asleep():
        return None
    return frame.f_code.co_filename, frame.f_code.co_firstlineno, frame.f_lasti


def _frames() -> Iterator[FrameType]:
    ident = threading.main_thread().ident
    frame = None if ident is None else sys._current_frames().get(ident)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _asleep() -> bool:
    """What Linux says; elsewhere to stay at one place has to do."""
    try:
        with open(f"/proc/self/task/{threading.main_thread().native_id}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "S"
    except OSError:
        return True

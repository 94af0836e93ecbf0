"""Waiting for things to happen, and judging how long they took on a machine that has other things to do."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyspike import Client

PATIENCE = 15.0  # seconds until something that has to happen is a failure
TOLERANCE = 50.0  # milliseconds that a call may take beyond its deadline
TICK = 0.005
LOOP = "facade"  # the thread in whose loop the commands of tasks run


def wait_until(condition: Callable[[], object], what: str = "it", patience: float = PATIENCE) -> Any:
    """What the condition gives as soon as that is true; fails when patience is over."""
    end = time.monotonic() + patience
    while not (result := condition()):
        assert time.monotonic() < end, f"{what} has not happened in {patience:g} s"
        time.sleep(TICK)
    return result


async def wait_in_loop(condition: Callable[[], object], what: str = "it") -> None:
    """The same while the loop goes on: without a GIL, what is a thread's goes only when that thread runs."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} has not happened in {PATIENCE:g} s"
        await asyncio.sleep(TICK)


class Lag:
    """A thread that measures how late this process is woken, while it is entered."""

    def __init__(self) -> None:
        self.worst_ms = 0.0
        self._late: list[tuple[float, float]] = []  # when it should have been woken, and when it was
        self._due = float("inf")  # when it should be woken next
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Lag:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop to measure; again is harmless."""
        self._stop.set()
        self._thread.join()

    def during(self, began: float, ended: float) -> float:
        """The milliseconds it was late by at the worst, of the times between these moments."""
        return max(
            (
                (woken - due) * 1000
                for due, woken in [*self._late, (self._due, time.monotonic())]
                if due - TICK < ended and woken + TICK > began
            ),
            default=0.0,
        )

    def _run(self) -> None:
        while True:
            self._due = due = time.monotonic() + TICK
            stopped = self._stop.wait(TICK)
            woken = time.monotonic()
            self._late.append((due, woken))
            self.worst_ms = max(self.worst_ms, (woken - due) * 1000)
            if stopped:
                self._due = float("inf")
                return


def _children() -> list[int]:
    """The child processes of all threads of this process."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def loop_threads() -> list[int]:
    """The native number of the thread in whose loop the commands of tasks run, if there is one."""
    return [each.native_id for each in threading.enumerate() if each.name == LOOP and each.native_id]


class Starved:
    """How long threads were ready to run but got no processor, as Linux counts it.

    A thread that is busy gets less of a machine that others use too than one that mostly sleeps, as `Lag`'s.

    Args:
        threads: those of this process, by their native numbers.
        children: whether those of its child processes count too, such as embedded servers.
    """

    def __init__(self, *threads: int, children: bool = False) -> None:
        self._files: list[int] = []
        paths = [f"/proc/self/task/{thread}" for thread in threads]
        with suppress(OSError):  # not on this system
            if children:
                paths += [
                    str(path) for child in _children() for path in Path(f"/proc/{child}/task").iterdir()
                ]
            for path in paths:
                self._files.append(os.open(f"{path}/schedstat", os.O_RDONLY))

    def ms(self) -> float:
        """Milliseconds so far, of all these threads; of one that has ended nothing is told."""
        total = 0
        for file in self._files:
            with suppress(OSError):
                total += int(os.pread(file, 64, 0).split()[1])
        return total / 1e6

    def close(self) -> None:
        """Let go of what it reads from."""
        while self._files:
            os.close(self._files.pop())


@contextmanager
def within(deadline_ms: float) -> Iterator[None]:
    """Fails if what is inside takes longer than its deadline, the tolerance and what the machine took.

    That is its lag, and how long this thread, tasks and embedded servers got no processor.
    """
    starved = Starved(threading.get_native_id(), *loop_threads(), children=True)
    try:
        with Lag() as lag:
            began, kept = time.monotonic(), starved.ms()
            yield
            elapsed, kept = (time.monotonic() - began) * 1000, starved.ms() - kept
    finally:
        starved.close()
    limit = deadline_ms + TOLERANCE + 2 * lag.worst_ms + kept
    assert elapsed <= limit, (
        f"took {elapsed:.0f} ms, {deadline_ms:g} were allowed, lag {lag.worst_ms:.0f} ms, starved {kept:.0f}"
    )


def pools(client: Client, name: str) -> int:
    """A number of the connection pools, summed over the client's nodes."""
    return sum(getattr(node.pool, name) for node in client.stats().nodes.values())


def closed(client: Client) -> dict[str, int]:
    """How many connections were closed, by reason, over the client's nodes."""
    reasons: dict[str, int] = {}
    for node in client.stats().nodes.values():
        for reason, count in node.pool.closed.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return reasons


def in_thread(call: Callable[[], object]) -> Outcome:
    """Run it in a thread of its own; `.result()` waits for it and gives what came of it."""
    return Outcome(call)


class Outcome:
    """What a call in another thread gives."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._value: object = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self, patience: float = PATIENCE) -> Any:
        self._thread.join(patience)
        assert self.done, f"the call has not ended in {patience:g} s"
        if self._error is not None:
            raise self._error
        return self._value

    def error(self, patience: float = PATIENCE) -> BaseException | None:
        self._thread.join(patience)
        assert self.done, f"the call has not ended in {patience:g} s"
        return self._error

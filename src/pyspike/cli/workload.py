"""The demonstration's workers: threads that share one client, and a count of all that happens to them.

A call that fails is tried again here, not by the policies, so that each failure can be counted. An addition
that is in doubt is not sent again: it is counted as such, and left alone.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyspike.errors import AerospikeError, InvalidArgument

__all__ = ["Phase", "Tally", "Worker"]

PATIENCE = 10.0  # seconds until a worker gives a call up
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.05  # seconds


@dataclass(slots=True)
class Tally:
    """What has happened in a phase, to one worker or to all.

    A call that succeeds has one latency, from its first try to its result, with all tries and pauses between;
    and it is about one record, or about those of a batch.
    """

    done: int = 0  # records of calls that succeeded
    latencies: array[float] = field(default_factory=lambda: array("d"))  # ms
    retries: int = 0
    in_doubt: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def succeeded(self, began: float, records: int) -> None:
        """Count a call about so many records, which began at `began` by `time.perf_counter`."""
        self.latencies.append((time.perf_counter() - began) * 1000)
        self.done += records

    def include(self, other: Tally) -> None:
        """Add another one."""
        self.done += other.done
        self.latencies.extend(other.latencies)
        self.retries += other.retries
        self.in_doubt += other.in_doubt
        self.errors.update(other.errors)


class Worker:
    """One thread's share of a phase."""

    def __init__(self, number: int, stopping: threading.Event) -> None:
        self.number = number
        self.tally = Tally()
        self.stopping = stopping

    def call(self, send: Callable[[], Any], *, repeatable: bool, records: int = 1) -> Any:
        """Call until it succeeds.

        Args:
            send: the call.
            repeatable: whether it may be sent again though it may have been applied.
            records: how many the call is about.

        Returns:
            What the call gives, or None if it is in doubt and not repeatable.

        Raises:
            AerospikeError: it went on failing, or can never succeed.
        """
        started = time.perf_counter()
        pause = FIRST_PAUSE
        while True:
            try:
                result = send()
            except AerospikeError as error:  # noqa: PERF203 - that is what the loop is for
                self.tally.errors[type(error).__name__] += 1
                if error.in_doubt and not repeatable:
                    self.tally.in_doubt += 1
                    return None
                if isinstance(error, InvalidArgument) or self.stopping.is_set():
                    raise
                if time.perf_counter() - started > PATIENCE:
                    raise
                self.tally.retries += 1
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self.tally.succeeded(started, records)
                return result


class Phase:
    """Threads that run the same function, each with a worker of its own, until all of them are done.

    Args:
        name: what the phase is called.
        threads: how many.
        run: what each thread does; it looks at `worker.stopping`.
    """

    def __init__(self, name: str, threads: int, run: Callable[[Worker], None]) -> None:
        self.name = name
        self.stopping = threading.Event()
        self.workers = [Worker(number, self.stopping) for number in range(threads)]
        self.failure: BaseException | None = None
        self.seconds = 0.0
        self._run = run

    @property
    def done(self) -> int:
        """How many records the calls that have succeeded so far were about."""
        return sum(worker.tally.done for worker in self.workers)

    def run(self, watch: Callable[[float], object], interval: float = 0.1) -> Tally:
        """Run to the end, calling `watch` with the seconds that have passed, every `interval` seconds.

        Raises:
            AerospikeError: a worker gave up; the first one that did.
        """
        threads = [threading.Thread(target=self._one, args=(worker,)) for worker in self.workers]
        started = time.perf_counter()
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(interval / len(threads))
                watch(time.perf_counter() - started)
        finally:
            self.stopping.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            self.seconds = time.perf_counter() - started
        if self.failure is not None:
            raise self.failure
        tally = Tally()
        for worker in self.workers:
            tally.include(worker.tally)
        return tally

    def _one(self, worker: Worker) -> None:
        try:
            self._run(worker)
        except BaseException as error:
            if self.failure is None:
                self.failure = error
            self.stopping.set()

"""Jobs that run at the same time and may each hang, with one deadline for all.

Each runs in a daemon thread, because Python has no other way to resolve a name or to make a connection with a
time limit that holds.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

__all__ = ["LATE", "ParallelJobs"]

MAX_THREADS = 32
LATE = 0.05  # seconds to wait past a deadline: a job that keeps the deadline itself has the better error

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class ParallelJobs(Generic[K, T]):
    """Runs jobs in threads; a context manager that gives up the jobs that have not ended when it is left.

    Args:
        jobs: the functions to call, each by a key that comes back with its result.
        dispose: called with each result that came after the context was left, or that nobody took.

    Attributes:
        unfinished: the keys of the jobs whose results were not taken.
        threads: the threads of the jobs that were begun, by key.
    """

    def __init__(self, jobs: Mapping[K, Callable[[], T]], dispose: Callable[[T], None]) -> None:
        self.unfinished = set(jobs)
        self.threads: dict[K, threading.Thread] = {}
        self._waiting = deque(jobs.items())  # jobs that no thread has begun
        self._dispose = dispose
        self._results: queue.SimpleQueue[tuple[K, T | Exception]] = queue.SimpleQueue()
        self._left = False
        self._lock = threading.Lock()
        first = [self._waiting.popleft() for _ in range(min(len(jobs), MAX_THREADS))]
        for key, job in first:
            name = f"pyspike-parallel-{key}"
            thread = threading.Thread(target=self._work, args=(key, job), name=name, daemon=True)
            self.threads[key] = thread
            thread.start()

    def __enter__(self) -> ParallelJobs[K, T]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._left = True
        while not self._results.empty():
            result = self._results.get()[1]
            if not isinstance(result, Exception):
                self._dispose(result)

    def take(self, deadline: float) -> tuple[K, T | Exception] | None:
        """The key of a job that has ended, with what it returned or the exception that it raised.

        Args:
            deadline: how long to wait for one, in `time.monotonic()`'s time.

        Returns:
            None if all results were taken, or if no job ended in time.
        """
        if not self.unfinished:
            return None
        try:
            key, result = self._results.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
        self.unfinished.discard(key)
        return key, result

    def _work(self, key: K, job: Callable[[], T]) -> None:
        self._run(key, job)
        while self._waiting and not self._left:
            try:
                key, job = self._waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            self.threads[key] = threading.current_thread()
            self._run(key, job)

    def _run(self, key: K, job: Callable[[], T]) -> None:
        result: T | Exception
        try:
            result = job()
        except Exception as error:
            result = error
        with self._lock:
            late = self._left
            if not late:
                self._results.put((key, result))
        if late and not isinstance(result, Exception):
            self._dispose(result)
        del result  # an error's traceback has this frame

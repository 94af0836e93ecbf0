"""Several things at once that may each hang, within one deadline.

Small daemon threads, for what Python can't do otherwise: resolving names and connecting with a limit that
holds. Results that come too late are disposed of, so nothing that was opened in vain stays open.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

__all__ = ["LATE", "Errands"]

AT_ONCE = 32  # threads of one set of errands
LATE = 0.05  # seconds beyond a deadline, for jobs that keep it themselves and have the better reason

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Errands(Generic[K, T]):
    """Jobs that run at the same time, each in a thread of its own while there are not too many; a context
    manager that forgets who is late.

    Args:
        jobs: what to do, by a key that comes back with the result.
        dispose: what to do with a result that nobody waits for any more.
    """

    def __init__(self, jobs: Mapping[K, Callable[[], T]], dispose: Callable[[T], None]) -> None:
        self.pending = set(jobs)
        self.threads: dict[K, threading.Thread] = {}  # of the jobs that were begun
        self._jobs = deque(jobs.items())  # that are to be begun
        self._dispose = dispose
        self._done: queue.SimpleQueue[tuple[K, T | Exception]] = queue.SimpleQueue()
        self._abandoned = False
        self._lock = threading.Lock()
        first = [self._jobs.popleft() for _ in range(min(len(jobs), AT_ONCE))]
        for key, job in first:
            name = f"pyspike-errand-{key}"
            thread = threading.Thread(target=self._work, args=(key, job), name=name, daemon=True)
            self.threads[key] = thread
            thread.start()

    def __enter__(self) -> Errands[K, T]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._abandoned = True
        while not self._done.empty():
            result = self._done.get()[1]
            if not isinstance(result, Exception):
                self._dispose(result)

    def take(self, deadline: float) -> tuple[K, T | Exception] | None:
        """The next result, or the exception that came instead; None if none came in time."""
        if not self.pending:
            return None
        try:
            key, result = self._done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
        self.pending.discard(key)
        return key, result

    def _work(self, key: K, job: Callable[[], T]) -> None:
        self._run(key, job)
        while self._jobs and not self._abandoned:
            try:
                key, job = self._jobs.popleft()
            except IndexError:  # another one took the last
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
            late = self._abandoned
            if not late:
                self._done.put((key, result))
        if late and not isinstance(result, Exception):
            self._dispose(result)
        del result  # an error's traceback has this frame

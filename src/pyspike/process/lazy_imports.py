"""Imports that are put off until they are needed, so that `import pyspike` is quick.

A fork that Python knows of waits until such an import is over (`pyspike.process.fork`).
"""

from __future__ import annotations

import threading

__all__ = ["importing"]


class _Importing:
    """Held while a part of pyspike is imported by who needs it first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def acquire(self) -> None:
        """Wait until no other thread imports."""
        self._lock.acquire()

    def release(self) -> None:
        """Let other threads import."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def after_fork(self) -> None:
        """In a child process: a lock that is not this thread's was held by one that is not here."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


importing = _Importing()

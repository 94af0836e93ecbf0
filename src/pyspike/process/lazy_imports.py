"""Imports that are put off until they are needed, so that `import pyspike` is quick.

Each stands where it is needed, inside `with importing:`.
"""

from __future__ import annotations

import threading

__all__ = ["importing"]


class _ImportLock:
    """A lock that a thread holds while it imports a part of pyspike that was put off.

    Before Python forks, it takes this lock (`pyspike.process.fork`): in the child no thread would be there
    to finish an import that was under way, and Python's own import lock would stay locked.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def acquire(self) -> None:
        """Take the lock, when no other thread imports any more."""
        self._lock.acquire()

    def release(self) -> None:
        """Let other threads import."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def after_fork(self) -> None:
        """Replace the lock in a child process if a thread held it that is not there."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


importing = _ImportLock()

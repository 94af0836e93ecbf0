"""What is known as long as it lives, and can be read in the child of a fork."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["WeakRegistry"]

T = TypeVar("T")


class WeakRegistry(Generic[T]):
    """What is alive of a kind, oldest first.

    The child of a fork may read it whatever other threads were doing: where there is no GIL, the lock that
    a set or a dictionary has (that of weakref.finalize too) may be lost to the child. A tuple has none.
    """

    def __init__(self) -> None:
        self._references: tuple[weakref.ref[T], ...] = ()
        self._lock = threading.Lock()

    def add(self, one: T, afterwards: Callable[[object], object] | None = None) -> None:
        """Know of it as long as it lives, and call this afterwards."""
        with self._lock:
            alive = [each for each in self._references if each() is not None]
            self._references = (*alive, weakref.ref(one, afterwards))

    def all(self) -> list[T]:
        """Those that are alive."""
        return [one for each in self._references if (one := each()) is not None]

    def after_fork(self) -> list[T]:
        """The same in a child process, where another thread may have been in `add`."""
        self._lock = threading.Lock()
        return self.all()

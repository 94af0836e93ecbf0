"""A list of weak references that can be read in the child of a fork."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["WeakRegistry"]

T = TypeVar("T")


class WeakRegistry(Generic[T]):
    """The objects of one kind that are alive, the oldest first.

    The child of a fork may read it whatever other threads were doing during the fork. A set or a dictionary
    would not do: where there is no GIL each has a lock of its own (as weakref.finalize has), and a lock that
    another thread held during the fork is never released in the child. A tuple has no lock.
    """

    def __init__(self) -> None:
        self._references: tuple[weakref.ref[T], ...] = ()
        self._lock = threading.Lock()

    def add(self, one: T, dropped: Callable[[object], object] | None = None) -> None:
        """List an object as long as it lives.

        Args:
            one: the object.
            dropped: called, with the dead reference, when the object is gone.
        """
        with self._lock:
            alive = [each for each in self._references if each() is not None]
            self._references = (*alive, weakref.ref(one, dropped))

    def all(self) -> list[T]:
        """The objects that are alive."""
        return [one for each in self._references if (one := each()) is not None]

    def after_fork(self) -> list[T]:
        """The objects that are alive, in a child process whose fork may have interrupted an `add`."""
        self._lock = threading.Lock()
        return self.all()

    def __len__(self) -> int:
        """How many references are kept, those to dead objects that the next `add` removes included."""
        return len(self._references)

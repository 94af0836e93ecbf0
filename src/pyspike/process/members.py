"""The objects of pyspike that belong to one process, so that a fork and its exit have to see to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from pyspike._wire import after_fork
from pyspike.process.weak_registry import WeakRegistry

__all__ = ["Member", "members", "register"]


class Member(Protocol):
    """An object that has sockets, threads or locks of its process."""

    def after_fork(self) -> None:
        """Start over in a child process, where no other thread is left. Raises nothing."""
        ...

    def at_exit(self) -> threading.Thread | None:
        """Have the member's thread end, as the interpreter does; the thread, or None. Raises nothing."""
        ...


members: WeakRegistry[Member] = WeakRegistry()


def register(member: Member, dropped: Callable[[object], object] | None = None) -> None:
    """Call the member's methods at a fork and at the exit, as long as it lives.

    Members start over in the order in which they were registered.

    Args:
        member: the object; it is not kept alive.
        dropped: called when it is gone.
    """
    after_fork()  # a member that is new in a child process has nothing to start over
    members.add(member, dropped)

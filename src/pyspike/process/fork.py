"""What happens at a fork, whoever forks: Python (`os.fork`, `multiprocessing`), or C code unseen by it.

1. Inside `fork()` libc's handlers (`src/wire/base/fork.pyx`) let the child go of every socket to a server,
   without a word to the server, and note that there was a fork.
2. At once if Python forked, else before a client does anything in the child, whoever gave `watch` a thing
   has it start over: a cluster gets new locks, empty pools and the duty to tend, whose thread starts with the
   first connection; an `AsyncClient` forgets the loops that do not run in the child. What was under way in
   the thread that forked goes on by the rules for a connection that broke.
3. Before Python forks it waits until no part of pyspike is being imported, as the child would have no thread
   that goes on with the import. Other forks can't wait.

A lock that another thread held during a fork stays locked in the child. So what starts over makes new locks,
and reads only what has none.
"""

from __future__ import annotations

import os
from typing import Protocol

from pyspike import _wire
from pyspike.process.lazy_imports import importing
from pyspike.process.weak_registry import WeakRegistry

__all__ = ["StartsOver", "caught_up", "loops_end", "watch"]

caught_up = _wire.after_fork
"""What every use of a client begins with that is no command: does step 2 if it is due."""


class StartsOver(Protocol):
    """What belongs to one process."""

    def after_fork(self) -> None:
        """Start over in a child process, where no other thread is left. Raises nothing."""


_all: WeakRegistry[StartsOver] = WeakRegistry()
_by_python = False


def loops_end() -> bool:
    """Whether it is after a fork of Python's that things start over: in its child no loop is running."""
    return _by_python


def watch(one: StartsOver) -> None:
    """Have it start over in every child of this process, in the order in which they came, while it lives."""
    caught_up()  # what is new in a child has nothing to forget
    _all.add(one)


def _start_over() -> None:
    importing.after_fork()
    for one in _all.after_fork():
        one.after_fork()


def _after_fork_in_child() -> None:
    global _by_python
    importing.release()
    _by_python = True
    try:
        caught_up()
    finally:
        _by_python = False


_wire.on_fork(_start_over)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire, after_in_parent=importing.release, after_in_child=_after_fork_in_child
    )

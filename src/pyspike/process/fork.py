"""What happens at a fork, whoever forks: Python (`os.fork`, `multiprocessing`), or C code unseen by it.

1. Before Python forks it waits until no part of pyspike is being imported, because the child would have no
   thread to finish the import. Forks by C code can't wait.
2. Inside `fork()` a handler of the C library (`src/wire/base/fork.pyx`) replaces every socket to a server in
   the child, so that the server notices nothing, and sets a flag that says that this process is a child.
3. In the child, at once if Python forked, else before the first use of a client, `_start_over` here replaces
   the import lock and calls `after_fork` of every member (`members`), the oldest first:
   - a cluster gets new locks, empty pools and no thread; its nodes and its partition map stay, and its tend
     thread starts with the first connection (`Cluster.ensure_running`);
   - the loops of an `AsyncClient` forget their executors, but for the one whose loop goes on in the child,
     where commands that were in flight fail as if their connection broke.
   A call that was under way in the thread that forked fails, or is tried again, for the same reason.

A lock that another thread held during a fork stays locked in the child. So what starts over makes new locks,
and reads only what has none.
"""

from __future__ import annotations

import os

from pyspike._wire import after_fork, on_fork
from pyspike.process.lazy_imports import importing
from pyspike.process.members import members

__all__ = ["catch_up", "forked_by_python"]

catch_up = after_fork
"""Take step 3 if it is due. Every use of a client begins with this; compiled commands do it themselves."""

_by_python = False


def forked_by_python() -> bool:
    """Whether members start over because Python forked: then no asyncio loop goes on in the child."""
    return _by_python


def _start_over() -> None:
    importing.after_fork()
    for member in members.after_fork():
        member.after_fork()


def _after_fork_in_child() -> None:
    global _by_python
    importing.release()
    _by_python = True
    try:
        catch_up()
    finally:
        _by_python = False


on_fork(_start_over)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire, after_in_parent=importing.release, after_in_child=_after_fork_in_child
    )

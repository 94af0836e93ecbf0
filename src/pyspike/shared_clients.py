"""The clients that all code of a process shares: each is made when it is first asked for, closed at the end.

For code that is told where a cluster is, and called from anywhere: caches of frameworks, tasks of engines.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from pyspike.client import Client
from pyspike.process import members
from pyspike.process.lazy_imports import importing

if TYPE_CHECKING:
    from pyspike.aio import AsyncClient

__all__ = ["known_client", "shared_async_client", "shared_client"]


class _Shared:
    """The clients by what tells them apart. A fork's child reads tuples only, as they have no lock."""

    def __init__(self) -> None:
        self.after_fork()
        self.clients: tuple[tuple[Hashable, Client], ...] = ()
        self.for_tasks: tuple[tuple[weakref.ref[Client], AsyncClient], ...] = ()
        members.register(self)

    def after_fork(self) -> None:
        """Make the locks; in a child process one may be held by a thread that is not there."""
        self.lock = threading.Lock()  # held while a client connects
        self.tasks_lock = threading.Lock()  # which the loops of tasks need not wait for

    def at_exit(self) -> None:
        """The clients see to their threads themselves."""


_shared = _Shared()


@atexit.register  # after the clients are closed, and while what they are made of is still there
def _let_go() -> None:
    _shared.clients, _shared.for_tasks = (), ()


def shared_client(place: Hashable, make: Callable[[], Client]) -> Client:
    """The client of this process for a place, closed when the process ends; forked children have it too.

    If somebody closes it, the next call makes another one.

    Args:
        place: what tells the client from others, such as a URL.
        make: makes it, where there is none.

    Raises:
        AerospikeError: what `make` raises; the next call tries again.
    """
    found = known_client(place)
    if found is None:
        with _shared.lock:
            found = known_client(place)
            if found is None:
                found = make()
                open_ones = (each for each in _shared.clients if is_open(each[1]))
                _shared.clients = (*open_ones, (place, found))
                atexit.register(found.close)
    return found


def known_client(place: Hashable) -> Client | None:
    """The same, if it is made already, and nobody has closed it."""
    return next((client for known, client in _shared.clients if known == place and is_open(client)), None)


def is_open(client: Client) -> bool:
    """Whether it is not closed yet; it may be out of reach."""
    return not client._cluster.closed


def shared_async_client(client: Client) -> AsyncClient:
    """The client for tasks, of any loop, that uses the cluster of another one; the same at each call.

    It need not be closed: its connections end with the other client, or with their loop.
    """
    with importing:
        from pyspike.aio import AsyncClient

    with _shared.tasks_lock:
        found = next((tasks for known, tasks in _shared.for_tasks if known() is client), None)
        if found is None:
            found = AsyncClient.sharing(client)
            open_ones = (each for each in _shared.for_tasks if (known := each[0]()) and is_open(known))
            _shared.for_tasks = (*open_ones, (weakref.ref(client), found))
        return found

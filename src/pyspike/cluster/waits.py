"""The connections on which a client's threads wait for what servers tell of the cluster.

Whoever closes the client ends these waits, so that closing takes no longer because a server hangs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from pyspike._wire import Connection
from pyspike.errors import ClientClosed

__all__ = ["Waits"]


class Waits:
    """The connections of one client on which answers to tending and to logins are awaited."""

    def __init__(self) -> None:
        self._ended = False
        self.after_fork()

    def after_fork(self) -> None:
        """Start over in a child process, where nobody waits: the connections are the parent's."""
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()

    @contextlib.contextmanager
    def on(self, connection: Connection) -> Iterator[None]:
        """Let `end` end, with a ConnectionError, what waits on the connection meanwhile.

        Raises:
            ClientClosed: the waits were ended before.
        """
        with self._lock:
            if self._ended:
                raise ClientClosed("the client is closed")
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def end(self) -> None:
        """End all waits, and have none begin any more."""
        with self._lock:
            self._ended = True
            for connection in self._connections:
                connection.interrupt()

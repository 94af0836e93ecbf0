"""A port on which connections are accepted until it is closed.

It is in the place of asyncio's servers: when these are closed, they forget the connections that they are
accepting, whose sockets stay open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

__all__ = ["BACKLOG", "Listener"]

BACKLOG = 1024  # connections that wait to be accepted
_PAUSE = 0.5  # seconds until it is tried again to accept when the process has no descriptor left


class Listener:
    """Accepts connections in the running loop."""

    def __init__(self, sock: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        """Begin to accept.

        Args:
            sock: the socket that listens, which is the listener's from now on.
            make: makes the protocol of a connection.

        """
        self._sock = sock
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._accepting: set[asyncio.Task[object]] = set()
        sock.setblocking(False)
        self._go_on()

    def close(self) -> None:
        """Accept no more, and close the socket; connections stay open, but not one that is being accepted."""
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _go_on(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                accepted, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # too many files are open
                self._loop.remove_reader(self._sock)
                self._loop.call_later(_PAUSE, self._go_on)
                return
            accepted.setblocking(False)
            task = self._loop.create_task(self._connect(accepted))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    async def _connect(self, accepted: socket.socket) -> None:
        if self._sock.fileno() < 0:
            accepted.close()
            return
        try:
            transport, _ = await self._loop.connect_accepted_socket(self._make, accepted)
        except OSError:  # the client has gone
            accepted.close()
            return
        if self._sock.fileno() < 0:  # whoever closed the open connections could not know of it
            transport.close()

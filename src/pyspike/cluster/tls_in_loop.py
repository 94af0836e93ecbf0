"""TLS of the connections of an asyncio loop: between the loop's transport and the compiled `Pipeline`.

It is not asyncio's own TLS, of which each kind of loop and each version of Python has another: so closing,
resetting and pausing mean the same with TLS as without. Imported only by programs that use both. Not here:
contexts, and why TLS failed (`tls`).
"""

from __future__ import annotations

import asyncio
import builtins
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar, cast

from pyspike.cluster.addresses import left_ms
from pyspike.cluster.tls import Contexts, ended, explain
from pyspike.hosts import Host

__all__ = ["connect"]

P = TypeVar("P", bound=asyncio.BufferedProtocol)

RECEIVE_SIZE = 32 * 1024


async def connect(
    contexts: Contexts,
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    host: Host,
    deadline: float,
    protocol: Callable[[], P],
) -> P:
    """Give a connected socket to the running loop, and do the handshake on it.

    Args:
        contexts: the client's.
        loop: the running loop.
        sock: the socket.
        host: to which it is connected.
        deadline: in `time.monotonic()`'s time.
        protocol: makes the protocol.

    Returns:
        The protocol, connected to what it takes for its transport.

    Raises:
        TLSError: the server was refused, or refused the client.
        ConnectionError: the server closed the connection.
        builtins.TimeoutError: it took too long.
    """
    pipe = TlsPipe(loop, contexts.context_for(host), host, protocol)
    transport, _ = await loop.create_connection(lambda: pipe, sock=sock)
    expiry = loop.call_later(left_ms(deadline) / 1000, pipe.give_up, builtins.TimeoutError())
    # Not earlier: a write that fails closes the connection, and after that uvloop would take over the socket,
    # whose number may be another's when its object closes it once more.
    pipe.shake_hands()
    try:
        return cast(P, await pipe.shaken)
    except BaseException:
        transport.abort()
        raise
    finally:
        expiry.cancel()


class TlsPipe(asyncio.BufferedProtocol):
    """The protocol of a loop's transport, and the transport of the protocol behind it.

    Args:
        loop: the running loop.
        context: with which the connection is made.
        host: to which it is made.
        protocol: makes the protocol behind it, when the handshake is done.

    Attributes:
        shaken: gives that protocol, or the error with which the handshake failed.
    """

    __slots__ = (
        "_context", "_held", "_incoming", "_inner", "_loop", "_make", "_outgoing", "_tls", "_transport",
        "_view", "shaken",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: ssl.SSLContext,
        host: Host,
        protocol: Callable[[], asyncio.BufferedProtocol],
    ) -> None:
        self._loop = loop
        self._context = context
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host.tls_name)
        self._make = protocol
        self._view = memoryview(bytearray(RECEIVE_SIZE))
        self._inner: asyncio.BufferedProtocol | None = None
        self._transport: asyncio.Transport | None = None
        self._held = False  # whether the protocol wants nothing until `resume_reading`
        self.shaken: asyncio.Future[asyncio.BufferedProtocol] = loop.create_future()

    def give_up(self, error: Exception) -> None:
        """Fail the handshake, if it is not done."""
        if not self.shaken.done():
            self.shaken.set_exception(error)
            self.shaken.exception()  # so that asyncio does not complain if nobody waits

    # What the loop's transport calls ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory for what arrives."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Open what has arrived."""
        self._incoming.write(self._view[:nbytes])
        if self._inner is None:
            self.shake_hands()
        else:
            self._open()

    def pause_writing(self) -> None:
        """Tell that the server reads more slowly than commands come."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Tell that it goes on."""
        if self._inner is not None:
            self._inner.resume_writing()

    def eof_received(self) -> bool | None:
        """Tell that the server has closed its side."""
        if self._inner is not None:
            return self._inner.eof_received()
        self.give_up(ended())
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the connection is gone."""
        self._transport = None
        if self._inner is not None:
            self._inner.connection_lost(exc)
        else:
            self.give_up(ended())

    def shake_hands(self) -> None:
        """Begin the handshake, or go on with it."""
        if self.shaken.done():  # it was given up
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the server why
            failure = explain(error)
            failure.__cause__ = error
            self.give_up(failure)
            return
        self._flush()
        self._inner = self._make()
        self._inner.connection_made(cast(asyncio.Transport, self))
        self.shaken.set_result(self._inner)
        self._open()

    def _open(self) -> None:
        """Give the protocol what can be opened, as long as it takes that."""
        while (inner := self._inner) is not None and self._transport is not None and not self._held:
            room = cast(memoryview, inner.get_buffer(-1))
            size = len(room)
            try:
                given = self._tls.read(size, cast(bytearray, room))
            except ssl.SSLWantReadError:
                return
            except ssl.SSLError as error:
                inner.connection_lost(explain(error))
                return
            if not given:
                inner.eof_received()
                return
            inner.buffer_updated(cast(int, given))
            # A read gives the rest of a record. Where it gave less than there was room for, and nothing else
            # came, all is open.
            if cast(int, given) < size and not self._incoming.pending:
                return

    def _flush(self) -> None:
        if self._outgoing.pending and self._transport is not None:
            self._transport.write(self._outgoing.read())

    # What the protocol behind takes for its transport -------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Seal bytes and send them."""
        if self._transport is not None:
            self._tls.write(data)
            self._flush()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Give the protocol nothing until `resume_reading`."""
        self._held = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on: what has arrived already comes in the loop's next turn."""
        self._held = False
        if self._transport is not None:
            self._transport.resume_reading()
            self._loop.call_soon(self._open)

    def is_closing(self) -> bool:
        """Whether the connection is closed, or is about to be."""
        return self._transport is None or self._transport.is_closing()

    def set_protocol(self, protocol: asyncio.BufferedProtocol) -> None:
        """Put another protocol behind this one; who does that tells it of its connection."""
        self._inner = protocol

    def get_write_buffer_size(self) -> int:
        """How many bytes were not sent yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        if name == "sslcontext":
            return self._context
        return default if self._transport is None else self._transport.get_extra_info(name, default)

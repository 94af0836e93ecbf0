"""The first request on a connection of an asyncio loop, and its answer, before commands have the connection.

What is asked and what the answer means is told by `login`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from pyspike._wire import FRAME_HEADER_SIZE
from pyspike.errors import ConnectionError, ProtocolError, TimeoutError

if TYPE_CHECKING:
    P = TypeVar("P", bound="asyncio.BaseProtocol")
else:
    P = TypeVar("P")

__all__ = ["Greeting"]

MOST = 4096  # bytes of an answer, which has 24


class Greeting(asyncio.BufferedProtocol):
    """Sends one request as soon as it is connected, and hands the connection over when that was answered.

    It is a buffered protocol, as that which follows it must be: uvloop goes on with what it began.

    Args:
        loop: the running loop.
        request: the whole message.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, request: bytes) -> None:
        self._loop = loop
        self._request = request
        self._transport: Any = None
        self._answer: asyncio.Future[bytes] = loop.create_future()
        self._buffer = bytearray(MOST)
        self._have = 0

    async def answer(self, timeout: float) -> bytes:
        """The body of the answer.

        Args:
            timeout: how long to wait for it in milliseconds.

        Raises:
            TimeoutError: it did not come in time.
            ConnectionError: the server closed the connection.
            ProtocolError: it is none.
        """
        expiry = self._loop.call_later(
            timeout / 1000, self._fail, TimeoutError("timed out waiting for the answer")
        )
        try:
            return await self._answer
        finally:
            expiry.cancel()

    def hand_over(self, protocol: P) -> P:
        """Give the connection to the protocol of its commands.

        Raises:
            ConnectionError: the server has closed it meanwhile.
        """
        transport: Any = self._transport
        if transport.is_closing():
            raise ConnectionError("the server closed the connection as soon as it was open")
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return protocol

    def abort(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio's protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = transport
        self._transport.write(self._request)

    def get_buffer(self, sizehint: int) -> memoryview:
        """The memory for the next bytes of the answer."""
        return memoryview(self._buffer)[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        """End the wait when the answer is whole."""
        self._have += nbytes
        if self._have < FRAME_HEADER_SIZE:
            return
        head = self._buffer[:FRAME_HEADER_SIZE]
        size = FRAME_HEADER_SIZE + int.from_bytes(head[2:], "big")
        if head[:2] != self._request[:2] or size > MOST or self._have > size:
            self._fail(ProtocolError(f"not an answer to a login: it begins with {bytes(head).hex()}"))
        elif self._have == size and not self._answer.done():
            self._answer.set_result(bytes(self._buffer[FRAME_HEADER_SIZE:size]))

    def eof_received(self) -> bool:
        """Note that the server has closed its side."""
        self._fail(ConnectionError("the server closed the connection instead of answering"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        self._fail(ConnectionError(f"the connection failed: {exc or 'it was closed'}"))

    def _fail(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
            self._answer.exception()  # so that asyncio does not complain if nobody waits
        elif self._transport is not None:
            self._transport.abort()  # bytes that nobody asked for

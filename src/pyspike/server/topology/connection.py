"""One client connection: frames in, replies out, strictly in order.

Owns: fragments, coalesced requests, back-pressure, late or cut answers of faults. Not here: what a request
means; a whole frame goes to the node's `handle`.

A reply is one `bytes`, or an iterator of frames (long answers), of which more are drawn as the client reads.
Requests that follow wait until it is used up.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias, cast

from ..protocol.framing import PROTO, PROTO_SIZE_MAX, PROTO_VERSION, ProtoType, refusal
from .closing import last_bytes

if TYPE_CHECKING:
    from .node import Node

__all__ = ["Connection", "Reply"]

_LOG = logging.getLogger("pyspike.server")

Reply: TypeAlias = "bytes | Iterator[bytes]"

_PROTO_BYTES = PROTO.size
_SIZE_MASK = (1 << 48) - 1
_TYPES = frozenset(int(kind) for kind in ProtoType)
_DATA = int(ProtoType.AS_MSG)
_BATCH_OF_REPLIES = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A connection of a client to a node."""

    __slots__ = (
        "_buffer",
        "_closing",
        "_held",
        "_late",
        "_late_timer",
        "_node",
        "_paused",
        "_stream",
        "_transport",
        "user_agent",
    )

    def __init__(self, node: Node) -> None:
        self._node = node
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._buffer = bytearray()
        self._paused = False
        self._closing = False
        self._held = False
        self._stream: Iterator[bytes] | None = None
        self._late: deque[tuple[float, bytes, bool]] = deque()
        self._late_timer: asyncio.TimerHandle | None = None
        self.user_agent: str | None = None
        """What the client said it is, once it did."""

    # --- called by the loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast(asyncio.Transport, transport)
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._node.connected(self)
        if self._node.faults.silent:
            self.freeze()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone, for whatever reason."""
        self._closing = True
        if self._late_timer is not None:
            self._late_timer.cancel()
        self._node.disconnected(self)

    def data_received(self, data: bytes) -> None:
        """Any number of bytes of any number of requests."""
        self._buffer += data
        self._pump()

    def pause_writing(self) -> None:
        """The client does not read: read and run nothing more of it."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        self._paused = False
        if not self._node.faults.silent:
            self._resume()

    # --- called by the node ---

    def freeze(self) -> None:
        """Read nothing and answer nothing from now on."""
        self._transport.pause_reading()

    def thaw(self) -> None:
        """Go on where `freeze` stopped."""
        if not self._paused:
            self._resume()
        self._send_late()

    def close(self) -> None:
        """Close after what was answered has left."""
        self._closing = True
        self._transport.close()

    def finish(self) -> None:
        """Answer what has arrived, and close."""
        if not (self._paused or self._closing or self._node.faults.silent):
            self._buffer += last_bytes(self._transport.get_extra_info("socket"))
            self._pump()
        self.close()

    def reset(self) -> None:
        """Close at once; the client sees a reset."""
        self._closing = True
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _resume(self) -> None:
        if not self._closing:
            self._transport.resume_reading()
            self._pump()

    # --- requests ---

    def _pump(self) -> None:
        """Run what has arrived, until it is used up or the client has to read first."""
        node, buffer = self._node, self._buffer
        faults, handle = node.faults, node.handle
        pos, out_size = 0, 0
        out: list[bytes] = []
        while not (self._paused or self._closing or self._held or faults.silent):
            if self._stream is not None:
                if not self._draw():
                    break
                continue
            size = len(buffer)
            if size - pos < _PROTO_BYTES:
                break
            head: int = PROTO.unpack_from(buffer, pos)[0]
            kind, length = head >> 48 & 0xFF, head & _SIZE_MASK
            if not _is_acceptable(head >> 56, kind, length):
                self._flush(out)
                self.close()
                break
            end = pos + _PROTO_BYTES + length
            if size < end:
                break
            body = bytes(buffer[pos + _PROTO_BYTES : end])
            pos = end
            if faults.armed and kind == _DATA:
                self._flush(out)
                out, out_size = [], 0
                self._handle_with_faults(kind, body)
                continue
            answer = handle(self, kind, body)
            if type(answer) is bytes:
                out.append(answer)
                out_size += len(answer)
                if out_size > _BATCH_OF_REPLIES:
                    self._flush(out)
                    out, out_size = [], 0
            else:
                self._flush(out)
                out, out_size = [], 0
                self._stream = cast(Iterator[bytes], answer)
        if pos:
            del buffer[:pos]
        if out:
            self._flush(out)

    def _draw(self) -> bool:
        """Send more of a long answer; False if the rest has to wait for its turn."""
        sent = 0
        for chunk in cast(Iterator[bytes], self._stream):
            self._send(chunk)
            sent += len(chunk)
            if self._paused or self._closing:
                return False
            if sent > _BATCH_OF_REPLIES:
                # Other connections' turn.
                asyncio.get_running_loop().call_soon(self._pump)
                return False
        self._stream = None
        return True

    def _handle_with_faults(self, kind: int, body: bytes) -> None:
        faults, node = self._node.faults, self._node
        if faults.take("drop_times"):
            node.stats.count_data()
            self._send(b"", last=True)
            return
        if faults.take("code_times"):
            if faults.code_executes:
                _exhaust(node.handle(self, kind, body))
            else:
                node.stats.count_data()
            self._send(refusal(body, faults.code))
            return
        answer = _exhaust(node.handle(self, kind, body))
        if node.holds(body):
            self._held = True
            asyncio.get_running_loop().call_later(faults.hold_seconds, self._release, answer)
        elif faults.take("close_times"):
            self._send(b"", last=True)
        elif faults.take("garbage_times"):
            self._send(faults.garbage())
        elif faults.take("cut_times"):
            after = len(answer) // 2 if faults.cut_after is None else faults.cut_after
            self._send(answer[:after], last=True)
        else:
            self._send(answer)

    def _release(self, answer: bytes) -> None:
        """Answer a write that was held, and run what has come since."""
        self._held = False
        if not self._closing:
            self._send(answer)
            self._pump()

    # --- replies ---

    def _flush(self, out: list[bytes]) -> None:
        if out:
            if self._node.faults.slow or self._late:
                for answer in out:
                    self._send(answer)
            else:
                self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _send(self, data: bytes, last: bool = False) -> None:
        """Send one answer, now or late; after the `last` one the connection is closed."""
        faults = self._node.faults
        if last:
            self._closing = True
        if not faults.slow and not self._late:
            if data:
                self._transport.write(data)
            if last:
                self._transport.close()
            return
        due = asyncio.get_running_loop().time() + faults.delay
        step = faults.drip_bytes or max(len(data), 1)
        pieces = [data[at : at + step] for at in range(0, len(data), step)] or [b""]
        for piece in pieces[:-1]:
            self._late.append((due, piece, False))
            due += faults.drip_interval
        self._late.append((due, pieces[-1], last))
        if self._late_timer is None:
            self._send_late()

    def _send_late(self) -> None:
        """Send the next piece if it is due, and come back for the one after it."""
        if self._late_timer is not None:
            self._late_timer.cancel()
            self._late_timer = None
        if self._node.faults.silent or not self._late or self._transport.is_closing():
            return
        loop = asyncio.get_running_loop()
        due, data, last = self._late[0]
        if due <= loop.time():
            self._late.popleft()
            if data:
                self._transport.write(data)
            if last:
                self._transport.close()
                return
            if not self._late:
                return
            due = self._late[0][0]
        self._late_timer = loop.call_at(due, self._send_late)


def _is_acceptable(version: int, kind: int, length: int) -> bool:
    if kind not in _TYPES or length > PROTO_SIZE_MAX:
        return False
    return version == PROTO_VERSION or (version == 0 and kind == ProtoType.SECURITY)


def _exhaust(answer: Reply) -> bytes:
    return answer if isinstance(answer, bytes) else b"".join(answer)

"""One connection of a client: frames in, replies out, strictly in order.

Owns: putting frames together from the bytes that arrive, back-pressure, and the faults that make answers
late, cut or wrong. Not here: what a request means; a whole frame is given to the `Handler`, the node.

Of a `LongReply` more frames are drawn as the client reads. Requests that follow wait until it is used up.
That of a batch is used up also when the client has gone, unless the node was killed; that of a query is
dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol, cast

from ..protocol.compression import inflated
from ..protocol.constants import PROTO_SIZE_MAX, PROTO_VERSION, ProtoType
from ..protocol.framing import PROTO, refusal, reply
from ..protocol.result import RequestError
from ..security.state import Caller
from .closing import last_bytes
from .fault_settings import Counted, Faults, StepFault, TransactionFault
from .replies import Broken, LongReply, Reply, break_off, dropped, exhausted
from .state import NodeStats, Session
from .tls import TlsTransport

__all__ = ["Connection", "Handler"]


_PROTO_BYTES = PROTO.size
_SIZE_MASK = (1 << 48) - 1
_TYPES = frozenset(int(kind) for kind in ProtoType)
_DATA, _COMPRESSED = int(ProtoType.AS_MSG), int(ProtoType.AS_MSG_COMPRESSED)
_WRITE_SIZE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
_GONE = ("", 0)  # the address of a client that closed the connection before it was accepted


class Handler(Protocol):
    """What a connection needs of the node that has accepted it."""

    @property
    def faults(self) -> Faults:
        """The faults that are set now."""

    @property
    def stats(self) -> NodeStats:
        """The counters of the node."""

    @property
    def compression(self) -> bool:
        """Whether compressed requests are read."""

    @property
    def handle(self) -> Callable[[Session, int, bytes], Reply]:
        """Runs one frame, given by its type and its body, and gives the reply."""

    def let_happen(self) -> None:
        """Let happen what a fault has in store for the middle of an answer."""

    def freeze(self) -> None:
        """Read and answer nothing from now on."""

    def step_fault(self, body: bytes) -> StepFault | None:
        """The fault that this data request has as a part of a transaction; None if it has none."""

    def holds(self, body: bytes) -> bool:
        """Whether the answer to this data request is held back by a fault."""

    def connected(self, connection: Connection) -> None:
        """Take note of a new connection."""

    def disconnected(self, connection: Connection) -> None:
        """Take note that a connection is closed."""


class Connection(asyncio.Protocol):
    """A connection of a client to a node.

    Attributes:
        session: what the server remembers of the connection between requests.

    """

    __slots__ = (
        "_after_stream",
        "_buffer",
        "_closing",
        "_handler",
        "_held",
        "_late",
        "_late_timer",
        "_pause_timer",
        "_paused",
        "_stream",
        "_stream_ends",
        "_stream_timer",
        "_transport",
        "session",
    )

    def __init__(self, handler: Handler) -> None:
        self.session = Session()
        self._handler = handler
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._buffer = bytearray()
        self._paused = False
        self._closing = False
        self._held = False
        self._stream: LongReply | None = None
        self._after_stream: Callable[[], None] | None = None
        self._stream_ends = 0.0
        self._stream_timer: asyncio.TimerHandle | None = None
        self._pause_timer: asyncio.TimerHandle | None = None
        self._late: deque[tuple[float, bytes, bool]] = deque()
        self._late_timer: asyncio.TimerHandle | None = None

    # --- called by the loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a client that has connected."""
        self._transport = cast(asyncio.Transport, transport)
        sock = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # macOS refuses it when the client has gone
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = (self._transport.get_extra_info("peername") or _GONE)[:2]
        self.session.client = f"{host}+{port}"
        self.session.caller = Caller(host, partial(self._transport.get_extra_info, "peercert"))
        self._handler.connected(self)
        if self._handler.faults.silent:
            self.freeze()

    def connection_lost(self, error: Exception | None) -> None:
        """Stop all timers: the connection is closed, by whichever side."""
        self._closing = True
        if self._late_timer is not None:
            self._late_timer.cancel()
        self._stop_stream_timers()
        self._handler.disconnected(self)
        self._drop_stream()

    def data_received(self, data: bytes) -> None:
        """Take bytes, of a part of a request or of several."""
        self._buffer += data
        self._run_requests()

    def pause_writing(self) -> None:
        """Stop reading and running requests: the client does not read its answers."""
        self._paused = True
        self._transport.pause_reading()
        stream = self._stream
        if stream is not None and stream.patience is not None and self._stream_timer is None:
            loop = asyncio.get_running_loop()
            ends = loop.time() + stream.patience if stream.is_query else self._stream_ends
            self._stream_timer = loop.call_at(ends, self._abandon)

    def resume_writing(self) -> None:
        """Go on with reading: the client has read its answers."""
        self._paused = False
        if self._stream_timer is not None:
            self._stream_timer.cancel()
            self._stream_timer = None
        if not self._handler.faults.silent:
            self._resume()

    # --- called by the handler ---

    def freeze(self) -> None:
        """Read nothing and answer nothing from now on."""
        self._transport.pause_reading()

    def thaw(self) -> None:
        """End `freeze`: read, run and answer what has been sent meanwhile."""
        if not self._paused:
            self._resume()
        self._send_late()

    def close(self) -> None:
        """Close the connection when the answers so far have been sent."""
        self._closing = True
        self._transport.close()

    def finish(self) -> None:
        """Answer all requests that have arrived, and close the connection. A query is broken off."""
        if not (self._handler.faults.silent or self._closing):
            if not self._paused:
                last = last_bytes(self._transport.get_extra_info("socket"))
                self._buffer += (
                    self._transport.opened(last) if isinstance(self._transport, TlsTransport) else last
                )
                self._run_requests()
            while self._stream is not None and not (self._stream.is_query or self._held):
                rest, self._stream = self._stream, None
                self._send(exhausted(rest))
                self._run_requests()
        self._forget_stream()
        self.close()

    def reset(self) -> None:
        """Close the connection at once, with a TCP reset."""
        self._closing = True
        self._forget_stream()
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _resume(self) -> None:
        if not self._closing:
            self._transport.resume_reading()
            self._run_requests()

    # --- requests ---

    def _run_requests(self) -> None:
        """Run the requests that have arrived, until there is none or the client has to read answers first."""
        handler, session, buffer = self._handler, self.session, self._buffer
        faults, handle = handler.faults, handler.handle
        pos, out_size = 0, 0
        out: list[bytes] = []
        while not (self._paused or self._closing or self._held or faults.silent):
            if self._pause_timer is not None:
                break
            if self._stream is not None:
                if not self._send_stream():
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
            start, pos = pos, end
            if kind == _COMPRESSED and handler.compression:
                try:
                    kind, body = _DATA, inflated(body)
                except RequestError as error:
                    out.append(reply(error.code))
                    continue
            if faults.armed and kind == _DATA:
                self._flush(out)
                out, out_size = [], 0
                if not self._handle_with_faults(kind, body):
                    pos = start
                    break
                continue
            answer = handle(session, kind, body)
            if type(answer) is bytes:
                out.append(answer)
                out_size += len(answer)
                if out_size > _WRITE_SIZE:
                    self._flush(out)
                    out, out_size = [], 0
            else:
                self._flush(out)
                out, out_size = [], 0
                self._begin_stream(cast(LongReply, answer))
        if pos:
            del buffer[:pos]
        if out:
            self._flush(out)

    def _send_stream(self) -> bool:
        """Send more frames of a long answer, and tell whether it is complete.

        Other connections are served, and the client reads, before the rest is sent.
        """
        sent = 0
        for piece in cast(LongReply, self._stream).frames:
            if not isinstance(piece, bytes):
                self._pause_timer = asyncio.get_running_loop().call_later(piece, self._end_pause)
                return False
            if piece:
                self._send(piece)
            sent += len(piece)
            if self._paused or self._closing or self._transport.is_closing():
                return False
            if sent > _WRITE_SIZE or not piece:
                # The loop serves other connections before it comes back.
                asyncio.get_running_loop().call_soon(self._run_requests)
                return False
        self._stream = None
        after, self._after_stream = self._after_stream, None
        if after is not None:
            after()
        return True

    def _end_pause(self) -> None:
        self._pause_timer = None
        self._run_requests()

    def _begin_stream(self, reply: LongReply, after: Callable[[], None] | None = None) -> None:
        """Let a long answer be sent. `after`: what is done when it is complete."""
        self._stream, self._after_stream = reply, after
        self._stream_ends = asyncio.get_running_loop().time() + (reply.patience or 0.0)

    def _abandon(self) -> None:
        """Close the connection of a client that has not read a long reply in time."""
        self._stream_timer = None
        if self._paused and not self._handler.faults.silent:
            self._transport.abort()

    def _stop_stream_timers(self) -> None:
        for timer in (self._stream_timer, self._pause_timer):
            if timer is not None:
                timer.cancel()
        self._stream_timer = self._pause_timer = None

    def _drop_stream(self) -> None:
        """Run what is left of a batch whose answer is not read any more, or end a query."""
        stream, self._stream = self._stream, None
        if stream is not None:
            dropped(stream)

    def _forget_stream(self) -> None:
        """Run nothing of what is left of a long answer."""
        stream, self._stream = self._stream, None
        if stream is not None:
            dropped(stream._replace(is_query=True))

    def _handle_with_faults(self, kind: int, body: bytes) -> bool:
        """Run a request while the node has faults; tell whether it is done with.

        If not, it is one for later.
        """
        handler, faults = self._handler, self._handler.faults
        step = handler.step_fault(body)
        if step is not None:
            return self._handle_step(step, kind, body)
        if faults.take(Counted.DROP):
            self._lose()
        elif faults.take(Counted.CODE):
            self._answer_code(kind, body, faults.code, executes=faults.code_executes)
        else:
            self._handle_and_spoil(kind, body)
        return True

    def _handle_step(self, step: StepFault, kind: int, body: bytes) -> bool:
        """Run a message of a transaction that has a fault; tell whether it is done with."""
        if step.fault is TransactionFault.FREEZE_BEFORE:
            self._handler.freeze()
            return False
        if step.fault is TransactionFault.LOSE_REQUEST:
            self._lose()
        elif step.fault is TransactionFault.ANSWER_CODE:
            self._answer_code(kind, body, step.code, executes=False)
        elif step.fault is TransactionFault.LOSE_ANSWER:
            dropped(self._handler.handle(self.session, kind, body))
            self._send(b"", last=True)
        else:
            # A batch is run as its answer is drawn: it is done before the node freezes.
            answer = exhausted(self._handler.handle(self.session, kind, body))
            self._handler.freeze()
            self._begin_stream(LongReply(iter((answer,)), None))
        return True

    def _lose(self) -> None:
        """Close the connection of a request that is not run."""
        self._handler.stats.count_data()
        self._send(b"", last=True)

    def _answer_code(self, kind: int, body: bytes, code: int, *, executes: bool) -> None:
        if executes:
            dropped(self._handler.handle(self.session, kind, body))
        else:
            self._handler.stats.count_data()
        self._send(refusal(body, code))

    def _handle_and_spoil(self, kind: int, body: bytes) -> None:
        """Run a request, and send what faults leave of its answer."""
        handler, faults = self._handler, self._handler.faults
        answer = handler.handle(self.session, kind, body)
        if handler.holds(body):
            self._hold(LongReply(iter((exhausted(answer),)), None), faults.hold_seconds)
        elif faults.take(Counted.CLOSE):
            dropped(answer)
            self._send(b"", last=True)
        elif faults.take(Counted.GARBAGE):
            garbage = faults.garbage()
            broken = break_off(answer, faults.garbage_frames, 0)
            self._break(Counted.GARBAGE, broken, lambda rest: self._replace(rest, garbage))
        elif faults.take(Counted.CUT):
            broken = break_off(answer, faults.cut_frames, faults.cut_after)
            self._break(Counted.CUT, broken, lambda rest: self._replace(rest, b"", last=True))
        elif faults.take(Counted.STALL):
            seconds = faults.stall_seconds
            broken = break_off(answer, faults.stall_frames, faults.stall_after)
            self._break(Counted.STALL, broken, lambda rest: self._hold(rest, seconds))
        elif faults.take(Counted.EVENT):
            self._break(Counted.EVENT, break_off(answer, faults.event_frames, 0), self._interrupt)
        elif isinstance(answer, LongReply):
            self._begin_stream(answer)
        else:
            self._send(answer)

    def _break(self, fault: Counted, broken: Broken, strike: Callable[[LongReply], None]) -> None:
        """Send an answer as far as the place of a fault, which strikes there.

        One that is told in frames waits for an answer that has as many.
        """

        def at_end() -> None:
            if broken.left or not self._handler.faults.waits_for_frames(fault):
                strike(broken.rest)
            else:
                self._handler.faults.put_back(fault)

        self._begin_stream(broken.head, at_end)

    def _interrupt(self, rest: LongReply) -> None:
        """Let something happen, and send the rest of an answer if that can still be done."""
        self._begin_stream(rest)
        self._handler.let_happen()

    def _replace(self, rest: LongReply, data: bytes, *, last: bool = False) -> None:
        """Send other bytes in place of the rest of an answer. `last`: the connection is closed after them."""
        dropped(rest)
        self._send(data, last)

    def _hold(self, rest: LongReply, seconds: float | None) -> None:
        """Send the rest of an answer only after so many seconds (None: never), and run nothing until then."""
        self._held, self._stream = True, rest
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self._release)

    def _release(self) -> None:
        """Send an answer that was held, and run the requests that have come since."""
        self._held = False
        if not self._closing:
            self._run_requests()

    # --- replies ---

    def _flush(self, out: list[bytes]) -> None:
        if out:
            if self._handler.faults.slow or self._late:
                for answer in out:
                    self._send(answer)
            else:
                self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _send(self, data: bytes, last: bool = False) -> None:
        """Send one answer, or put it among those that leave late.

        Args:
            data: the answer's bytes; none are sent if it is empty.
            last: whether the connection is closed after it.

        """
        faults = self._handler.faults
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
        """Send the first of the late pieces if it is due, and set the timer for the next one."""
        if self._late_timer is not None:
            self._late_timer.cancel()
            self._late_timer = None
        if self._handler.faults.silent or not self._late or self._transport.is_closing():
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

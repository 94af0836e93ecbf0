"""Replies of requests: one `bytes`, or frames that are drawn as the client reads; and breaking them off.

Owns: what a long reply is, and where a fault breaks an answer off. Not here: sending (connection.py), and
what faults there are (fault_settings.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from typing import NamedTuple, TypeAlias, cast

from ..protocol.framing import PROTO

__all__ = ["Broken", "LongReply", "Reply", "break_off", "dropped", "exhausted"]

_SIZE_MASK = (1 << 48) - 1


class LongReply(NamedTuple):
    """A reply of several frames.

    Fields:
        frames: the frames. An empty one lets other connections have their turn; a number in place of a frame
            lets so many seconds pass before the next one is drawn.
        patience: a client that does not read is disconnected: so many seconds after the request of a batch,
            or after it has begun not to read the answer to a query. None: never.
        is_query: whether it is the answer to a query, or to what need not be done for a client that has
            gone; else it is that to a batch, and is drawn to its end.

    """

    frames: Iterator[bytes | float]
    patience: float | None
    is_query: bool = False


Reply: TypeAlias = "bytes | LongReply"


def exhausted(reply: Reply) -> bytes:
    """All bytes of a reply that are there without time passing; what comes later is dropped."""
    if isinstance(reply, bytes):
        return reply
    pieces = []
    for piece in reply.frames:
        if not isinstance(piece, bytes):
            dropped(reply)
            break
        pieces.append(piece)
    return b"".join(pieces)


def dropped(reply: Reply) -> None:
    """Let a reply be that nobody reads: a batch is run all the same, a query ends."""
    if isinstance(reply, bytes):
        return
    if not reply.is_query:
        for piece in reply.frames:
            if not isinstance(piece, bytes):
                asyncio.get_running_loop().call_later(piece, dropped, reply)
                return
    elif isinstance(reply.frames, Generator):
        reply.frames.close()


class Broken(NamedTuple):
    """A reply that a fault breaks off.

    Fields:
        head: what is sent before.
        rest: what would follow.
        left: what is left of the piece in which the place is; nothing before `head` was drawn as far as that,
            or if the reply is too short.

    """

    head: LongReply
    rest: LongReply
    left: list[bytes]


def break_off(reply: Reply, frames: int | None, after: int | None) -> Broken:
    """The part of a reply that is sent before a fault hits it, and the rest.

    Args:
        reply: the whole.
        frames: how many frames are whole; None: not told in frames.
        after: how many bytes follow them; None: half of the answer, or none after whole frames.

    """
    if isinstance(reply, bytes) or (frames is None and after is None):
        whole = exhausted(reply)
        after = len(whole) // 2 if frames is None and after is None else after
        reply = LongReply(iter((whole,)), None if isinstance(reply, bytes) else reply.patience)
    left: list[bytes] = []
    head = _head(reply.frames, frames or 0, after or 0, left)
    return Broken(reply._replace(frames=head), reply._replace(frames=_rest(left, reply.frames)), left)


def _head(
    source: Iterator[bytes | float], frames: int, after: int, left: list[bytes]
) -> Iterator[bytes | float]:
    """The pieces up to the place, and what is left of the last one in `left`."""
    for piece in source:
        if not isinstance(piece, bytes) or not piece:
            yield piece
            continue
        pos = 0
        while frames and pos < len(piece):
            pos += PROTO.size + (cast(int, PROTO.unpack_from(piece, pos)[0]) & _SIZE_MASK)
            frames -= 1
        if not frames:
            taken = min(after, len(piece) - pos)
            pos, after = pos + taken, after - taken
        yield piece[:pos]
        if not frames and not after:
            left.append(piece[pos:])
            return


def _rest(left: list[bytes], source: Iterator[bytes | float]) -> Iterator[bytes | float]:
    try:
        yield from left
        yield from source
    finally:
        if isinstance(source, Generator):
            source.close()

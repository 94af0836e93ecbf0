"""Which answers are compressed: those to requests that ask for it.

Owns: that choice, and compressing the frames of a long answer as they are drawn. Not here: the bytes
(../protocol/compression.py).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ..protocol.compression import compressed
from ..protocol.constants import Info1
from .replies import LongReply, Reply

__all__ = ["as_asked"]

_INFO1_AT = 1


def as_asked(body: bytes, answer: Reply) -> Reply:
    """The answer to a data request, compressed if the request asks for that."""
    if len(body) <= _INFO1_AT or not body[_INFO1_AT] & Info1.COMPRESS_RESPONSE:
        return answer
    if isinstance(answer, bytes):
        return compressed(answer)
    return answer._replace(frames=_frames(answer))


def _frames(answer: LongReply) -> Iterator[bytes | float]:
    try:
        for piece in answer.frames:
            yield compressed(piece) if isinstance(piece, bytes) else piece
    finally:
        if isinstance(answer.frames, Generator):
            answer.frames.close()

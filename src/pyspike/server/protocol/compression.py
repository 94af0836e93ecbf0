"""Compressed frames (framing.md 1.5): a whole frame of data, packed by zlib, behind its size.

Owns: the bytes of compressed requests and answers. Not here: which answers are compressed
(topology/compressing.py).
"""

from __future__ import annotations

import zlib
from struct import Struct

from .constants import MESSAGE_HEADER_SIZE, PROTO_SIZE_MAX, PROTO_VERSION, Info3, ProtoType
from .framing import PROTO, frame
from .result import RequestError, ResultCode

__all__ = ["compressed", "inflated"]

THRESHOLD = 128
"""Bytes of a frame up to which it is not worth it."""

_SIZE = Struct(">Q")
_LEVEL = 1
_SIZE_MASK = (1 << 48) - 1
_DATA = PROTO_VERSION << 8 | ProtoType.AS_MSG
_INFO3_AT = PROTO.size + 3


def inflated(body: bytes) -> bytes:
    """The body of the one frame of data that is in the body of a compressed frame.

    Raises:
        RequestError: PARAMETER: it is no such frame.

    """
    if len(body) < _SIZE.size:
        raise RequestError(ResultCode.PARAMETER, "compressed: no size")
    size: int = _SIZE.unpack_from(body)[0]
    if not PROTO.size + MESSAGE_HEADER_SIZE <= size <= PROTO.size + PROTO_SIZE_MAX:
        raise RequestError(ResultCode.PARAMETER, f"compressed: a size of {size}")
    stream = zlib.decompressobj()
    try:
        inner = stream.decompress(memoryview(body)[_SIZE.size :], size + 1)
    except zlib.error as error:
        raise RequestError(ResultCode.PARAMETER, f"compressed: {error}") from None
    if len(inner) != size or not stream.eof or stream.unused_data:
        raise RequestError(ResultCode.PARAMETER, f"compressed: not {size} bytes, or more behind them")
    head: int = PROTO.unpack_from(inner)[0]
    if head >> 48 != _DATA or head & _SIZE_MASK != size - PROTO.size:
        raise RequestError(ResultCode.PARAMETER, "compressed: not one whole frame of data")
    return inner[PROTO.size :]


def compressed(frames: bytes) -> bytes:
    """Whole frames, each compressed if that makes it smaller; not small ones, nor one that ends an answer."""
    pieces, at = [], 0
    while at < len(frames):
        end = at + PROTO.size + (PROTO.unpack_from(frames, at)[0] & _SIZE_MASK)
        pieces.append(_compressed(frames[at:end]))
        at = end
    return b"".join(pieces)


def _compressed(plain: bytes) -> bytes:
    if len(plain) <= THRESHOLD or plain[_INFO3_AT] & Info3.LAST:
        return plain
    packed = frame(ProtoType.AS_MSG_COMPRESSED, _SIZE.pack(len(plain)) + zlib.compress(plain, _LEVEL))
    return packed if len(packed) < len(plain) else plain

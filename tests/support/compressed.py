"""Compressed frames (framing.md 1.5) made and opened by `zlib` alone: no code of the client's."""

from __future__ import annotations

import zlib

__all__ = ["is_packed", "opened", "packed"]

HEADER = 8


def packed(plain: bytes, *, size: int | None = None, stream: bytes | None = None) -> bytes:
    """A compressed frame. `size` and `stream` stand in the place of the true ones."""
    body = (len(plain) if size is None else size).to_bytes(8, "big") + (
        zlib.compress(plain, 1) if stream is None else stream
    )
    return (2 << 56 | 4 << 48 | len(body)).to_bytes(HEADER, "big") + body


def is_packed(frame: bytes) -> bool:
    """Whether a frame is a compressed one."""
    return frame[:2] == b"\x02\x04"


def opened(frame: bytes) -> bytes:
    """The frame in a compressed one; any other as it is."""
    if not is_packed(frame):
        return frame
    assert int.from_bytes(frame[2:HEADER], "big") == len(frame) - HEADER, "the frame's size is wrong"
    stream = zlib.decompressobj()
    plain = stream.decompress(frame[2 * HEADER :])
    assert stream.eof, "the stream is not whole"
    assert not stream.unused_data, "bytes behind the stream"
    assert int.from_bytes(frame[HEADER : 2 * HEADER], "big") == len(plain), "it says another size"
    return plain

"""The last bytes of a connection that the server closes in order.

Owns: reading what has arrived, and refusing what arrives later. Not here: what is done with the bytes
(connection.py).
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
import sys

__all__ = ["last_bytes"]

_PIECE = 64 * 1024
_SO_ATTACH_FILTER = 26

# A packet filter: segments without data pass, such as the end of a stream; those with data are dropped.
_NO_DATA = (
    (0x30, 0, 0, 12),  # A = byte 12, whose upper half is the size of the TCP header in words
    (0x74, 0, 0, 4),  # A >>= 4
    (0x64, 0, 0, 2),  # A <<= 2
    (0x07, 0, 0, 0),  # X = A
    (0x80, 0, 0, 0),  # A = the size of the segment
    (0x1C, 0, 0, 0),  # A -= X
    (0x15, 0, 1, 0),  # unless A is 0, skip one
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
    (0x06, 0, 0, 0),  # drop
)


def last_bytes(sock: socket.socket) -> bytes:
    """The bytes that have arrived on a connection which is about to be closed.

    On Linux nothing arrives afterwards: the system does not acknowledge it, so that the client can know that
    it was not read. Elsewhere it is lost when the connection is closed, as it is with a process that ends.
    """
    if sys.platform == "linux":
        _refuse_data(sock)
    pieces = []
    with contextlib.suppress(OSError):  # nothing is left, or the client has reset the connection
        while piece := os.read(sock.fileno(), _PIECE):
            pieces.append(piece)
    return b"".join(pieces)


def _refuse_data(sock: socket.socket) -> None:
    code = array.array("B", b"".join(struct.pack("=HBBI", *each) for each in _NO_DATA))
    with contextlib.suppress(OSError):  # a sandbox may not allow it
        sock.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_NO_DATA), code.buffer_info()[0])
        )

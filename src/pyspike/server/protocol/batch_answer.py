"""The answer to a batch: messages of rows in frames of bounded size, and the last message.

Owns: how a row's answer differs from that to a single request, and which rows share a frame. Not here: what
the rows answer, and which of them are answered at all (records/batch.py).
"""

from __future__ import annotations

from random import Random
from struct import Struct

from .constants import MESSAGE_HEADER_SIZE, Info3, OpCode, ProtoType
from .framing import PROTO, frame, reply

__all__ = ["CAPACITY", "Frame", "Frames", "last_message", "row_message"]

CAPACITY = 128 * 1024 - 32
"""How many bytes of rows share a frame; a row that is longer has a frame of its own (batch.md 7.2)."""

_INDEX = Struct(">I")
_INDEX_AT = PROTO.size + 14
_N_FIELDS_AT, _N_OPS_AT = 18, 20
_U16, _OP_SIZE = Struct(">H"), Struct(">I")
_OP_CODE_AT = 4


def row_message(answer: bytes, index: int, *, as_reads: bool = False) -> bytes:
    """The message of a row.

    Args:
        answer: the reply frame that a single request would get.
        index: the row's number, which stands in the place of the timeout.
        as_reads: whether all results are marked as plain reads: those of rows that only read (batch.md 7.2).

    """
    message = b"".join(
        (answer[PROTO.size : _INDEX_AT], _INDEX.pack(index), answer[_INDEX_AT + _INDEX.size :])
    )
    return _marked_as_reads(message) if as_reads else message


def _marked_as_reads(message: bytes) -> bytes:
    marked, pos = bytearray(message), MESSAGE_HEADER_SIZE
    for _ in range(_U16.unpack_from(message, _N_FIELDS_AT)[0]):
        pos += _OP_SIZE.size + _OP_SIZE.unpack_from(message, pos)[0]
    for _ in range(_U16.unpack_from(message, _N_OPS_AT)[0]):
        marked[pos + _OP_CODE_AT] = OpCode.READ
        pos += _OP_SIZE.size + _OP_SIZE.unpack_from(message, pos)[0]
    return bytes(marked)


def last_message(code: int) -> bytes:
    """The frame with the message that ends a batch."""
    return reply(code, info3=Info3.LAST)


class Frame:
    """The rows that share a frame.

    Attributes:
        failure: the result code of the last row that is a failure of the batch; 0 if there is none.

    """

    __slots__ = ("_rows", "failure", "size")

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self.size = 0
        self.failure = 0

    def add(self, row: bytes) -> None:
        """Take one more row."""
        self._rows.append(row)
        self.size += len(row)

    def encode(self, order: Random | None) -> bytes:
        """The bytes of the frame, its rows shuffled if there is an `order`."""
        if order is not None:
            order.shuffle(self._rows)
        return frame(ProtoType.AS_MSG, b"".join(self._rows))


class Frames:
    """Puts rows into frames.

    Attributes:
        open: the frame that takes the next row if it fits; None before the first row.

    """

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open: Frame | None = None

    def add(self, row: bytes) -> Frame | None:
        """Put a row into a frame; give the frame that was open before, if it is full."""
        full = None
        if self.open is None or self.open.size + len(row) > CAPACITY:
            full, self.open = self.open, Frame()
        self.open.add(row)
        return full

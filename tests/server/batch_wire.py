"""Batches by hand: rows of a request, and the rows of an answer, as the server's tests send and read them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from server_wire import Wire, digest_of, field, frame

LAST, BATCH = 0x01, 0x08
READ_ALL, NO_BINS, READ, WRITE, DELETE = 0x03, 0x21, 0x01, 0x01, 0x03
INLINE, RESPOND_ALL, REPORT = 0x01, 0x04, 0x08
USUAL = INLINE | RESPOND_ALL | REPORT
REPEAT, HAS_INFO, HAS_GENERATION, HAS_TTL, HAS_INFO4 = 0x01, 0x02, 0x04, 0x08, 0x10
FRAME = 128 * 1024 - 32


class Told(NamedTuple):
    """A row of an answer. Ops are (op code, particle type, bin name, value)."""

    number: int
    code: int
    generation: int
    void_time: int
    ops: list[tuple[int, int, str, bytes]]
    fields: dict[int, bytes]

    @property
    def bins(self) -> dict[str, tuple[int, bytes]]:
        return {name: (particle, value) for _, particle, name, value in self.ops}


@dataclass(frozen=True)
class Answered:
    """The answer to a batch: the rows of each frame, and the code of the last message."""

    frames: list[list[Told]]
    code: int

    @property
    def rows(self) -> list[Told]:
        return [row for each in self.frames for row in each]

    @property
    def numbers(self) -> list[int]:
        return [row.number for row in self.rows]

    @property
    def codes(self) -> dict[int, int]:
        return {row.number: row.code for row in self.rows}

    def __getitem__(self, number: int) -> Told:
        (row,) = [row for row in self.rows if row.number == number]
        return row


def repeat(number: int, key: object) -> bytes:
    """A row that asks what the row before it asks."""
    return struct.pack(">I", number) + digest_of(key) + bytes((REPEAT,))


def row(
    number: int,
    key: object,
    *ops: bytes,
    info1: int = 0,
    info2: int = 0,
    info3: int = 0,
    info4: int | None = None,
    generation: int | None = None,
    ttl: int | None = 0,
    namespace: str = "test",
    set_name: str = "s",
    more: tuple[bytes, ...] = (),
    flags: int = 0,
    digest: bytes | None = None,
    n_fields: int | None = None,
) -> bytes:
    """A row with everything; what is None is left out, with its flag."""
    flags |= HAS_INFO
    head = bytes((info1, info2, info3))
    if info4 is not None:
        flags |= HAS_INFO4
        head += bytes((info4,))
    if generation is not None:
        flags |= HAS_GENERATION
        head += struct.pack(">H", generation)
    if ttl is not None:
        flags |= HAS_TTL
        head += struct.pack(">I", ttl & 0xFFFFFFFF)
    fields = (field(0, namespace.encode()), field(1, set_name.encode()), *more)
    head += struct.pack(">HH", len(fields) if n_fields is None else n_fields, len(ops))
    start = struct.pack(">I", number) + (digest or digest_of(key)) + bytes((flags,))
    return start + head + b"".join(fields) + b"".join(ops)


def old_row(number: int, key: object, *ops: bytes, info1: int = READ_ALL, set_name: str = "s") -> bytes:
    """A row as clients of servers before 6.0 send it."""
    fields = field(0, b"test") + field(1, set_name.encode())
    head = struct.pack(">I", number) + digest_of(key) + bytes((0, info1)) + struct.pack(">HH", 2, len(ops))
    return head + fields + b"".join(ops)


def batch(
    *rows: bytes,
    flags: int = USUAL,
    count: int | None = None,
    more: tuple[bytes, ...] = (),
    kind: int = 41,
    timeout: int = 5000,
    info3: int = 0,
) -> bytes:
    """The body of a batch."""
    payload = struct.pack(">IB", len(rows) if count is None else count, flags) + b"".join(rows)
    head = struct.pack(">BBBBBBIIIHH", 22, BATCH, 0, info3, 0, 0, 0, 0, timeout, 1 + len(more), 0)
    return head + b"".join(more) + field(kind, payload)


def split(body: bytes) -> list[tuple[int, Told]]:
    """The messages of a frame, each with its third flag byte."""
    pos, messages = 0, []
    while pos < len(body):
        _, _, _, info3, _, code, generation, void_time, number, n_fields, n_ops = struct.unpack_from(
            ">BBBBBBIIIHH", body, pos
        )
        pos += 22
        fields = {}
        for _ in range(n_fields):
            size, kind = struct.unpack_from(">IB", body, pos)
            fields[kind] = body[pos + 5 : pos + 4 + size]
            pos += 4 + size
        ops = []
        for _ in range(n_ops):
            size, op_code, particle, _, length = struct.unpack_from(">IBBBB", body, pos)
            name = body[pos + 8 : pos + 8 + length].decode(errors="backslashreplace")
            ops.append((op_code, particle, name, body[pos + 8 + length : pos + 4 + size]))
            pos += 4 + size
        messages.append((info3, Told(number, code, generation, void_time, ops, fields)))
    assert pos == len(body)
    return messages


def read_answer(wire: Wire) -> Answered:
    """All frames of one batch's answer."""
    frames: list[list[Told]] = []
    while True:
        messages = split(wire.read_frame()[8:])
        if messages[-1][0] & LAST:
            assert len(messages) == 1
            last = messages[0][1]
            assert last == Told(0, last.code, 0, 0, [], last.fields)
            return Answered(frames, last.code)
        assert all(info3 == 0 for info3, _ in messages)
        frames.append([each for _, each in messages])


def run(wire: Wire, *rows: bytes, **header: object) -> Answered:
    """The answer to a batch."""
    wire.sock.sendall(frame(batch(*rows, **header)))  # type: ignore[arg-type]
    return read_answer(wire)

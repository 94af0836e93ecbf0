"""Batches taken apart and put together again, by `struct` alone: no code of the client's (batch.md 7.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from support.messages import DIGEST, KEY, Message, Op, parse

BATCH_FIELD, BATCH_BIT = 41, 0x08
REPEAT, HAS_INFO, HAS_GENERATION, HAS_TTL, HAS_INFO4 = 0x01, 0x02, 0x04, 0x08, 0x10


@dataclass(frozen=True)
class Row:
    """A row of a batch, in full; what is None is left out."""

    number: int
    digest: bytes
    info1: int = 0
    info2: int = 0
    info3: int = 0
    info4: int | None = None
    generation: int | None = None
    ttl: int = 0
    fields: tuple[tuple[int, bytes], ...] = ()
    ops: tuple[Op, ...] = ()

    def body(self) -> bytes:
        """What follows the digest, flags first."""
        flags, head = HAS_INFO | HAS_TTL, bytes((self.info1, self.info2, self.info3))
        if self.info4 is not None:
            flags, head = flags | HAS_INFO4, head + bytes((self.info4,))
        if self.generation is not None:
            flags, head = flags | HAS_GENERATION, head + struct.pack(">H", self.generation)
        head += struct.pack(">IHH", self.ttl, len(self.fields), len(self.ops))
        fields = [struct.pack(">IB", len(data) + 1, kind) + data for kind, data in self.fields]
        return b"".join([bytes((flags,)), head, *fields, *[op.pack() for op in self.ops]])

    def asked(self) -> Row:
        """What it asks, whichever record it is about."""
        return replace(self, number=0, digest=b"")


@dataclass(frozen=True)
class BatchMessage:
    """A batch: the message around it without its batch field, the batch's flags and its rows."""

    message: Message
    flags: int
    rows: tuple[Row, ...]

    def pack(self) -> bytes:
        """The whole frame, in which a row that asks what the one before asks repeats it."""
        payload = struct.pack(">IB", len(self.rows), self.flags)
        last: Row | None = None
        for row in self.rows:
            payload += struct.pack(">I", row.number) + row.digest
            if last is not None and row.asked() == last.asked() and KEY not in dict(row.fields):
                payload += bytes((REPEAT,))
            else:
                payload += row.body()
            last = row
        fields = (*self.message.fields, (BATCH_FIELD, payload))
        return replace(self.message, fields=fields).pack()


def is_batch(frame: bytes) -> bool:
    return bool(parse(frame).info1 & BATCH_BIT)


def parse_batch(frame: bytes) -> BatchMessage:
    """The batch of a whole frame, with repeated rows in full; every byte must belong to it."""
    message = parse(frame)
    *others, (kind, data) = message.fields
    assert kind == BATCH_FIELD
    count, flags = struct.unpack_from(">IB", data)
    at = 5
    rows: list[Row] = []
    for _ in range(count):
        (number,) = struct.unpack_from(">I", data, at)
        digest, row_flags, at = data[at + 4 : at + 24], data[at + 24], at + 25
        if row_flags & REPEAT:
            rows.append(replace(rows[-1], number=number, digest=digest))
            continue
        assert row_flags & HAS_INFO
        info1, info2, info3 = data[at : at + 3]
        at += 3
        info4 = generation = None
        ttl = 0
        if row_flags & HAS_INFO4:
            info4, at = data[at], at + 1
        if row_flags & HAS_GENERATION:
            (generation,), at = struct.unpack_from(">H", data, at), at + 2
        if row_flags & HAS_TTL:
            (ttl,), at = struct.unpack_from(">I", data, at), at + 4
        n_fields, n_ops = struct.unpack_from(">HH", data, at)
        at += 4
        fields, ops = [], []
        for _ in range(n_fields):
            size, field_kind = struct.unpack_from(">IB", data, at)
            fields.append((field_kind, data[at + 5 : at + 4 + size]))
            at += 4 + size
        for _ in range(n_ops):
            size, code, particle, _, length = struct.unpack_from(">IBBBB", data, at)
            value_at = at + 8 + length
            ops.append(Op(code, data[at + 8 : value_at], particle, data[value_at : at + 4 + size]))
            at += 4 + size
        rows.append(
            Row(number, digest, info1, info2, info3, info4, generation, ttl, tuple(fields), tuple(ops))
        )
    assert at == len(data), "bytes behind the last row"
    return BatchMessage(replace(message, fields=tuple(others)), flags, tuple(rows))


def as_batch(frame: bytes, number: int, flags: int) -> BatchMessage:
    """A command on one record as a batch of one row."""
    message = parse(frame)
    writes = bool(message.info2 & 1)
    row = Row(
        number,
        message.field(DIGEST) or b"",
        message.info1,
        message.info2,
        message.info3,
        message.info4 or None,
        message.generation if writes else None,
        message.ttl,
        message.without_field(DIGEST).fields,
        message.ops,
    )
    return BatchMessage(Message(info1=BATCH_BIT, timeout=message.timeout), flags, (row,))

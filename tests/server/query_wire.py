"""Queries by hand: their requests and their answers, as the server's tests send and read them."""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from batch_wire import Told, split
from server_wire import Wire, field, frame

READ, READ_ALL, NO_BINS, SHORT = 0x01, 0x03, 0x20, 0x04
WRITE, DURABLE, RELAX, RESPOND_ALL = 0x01, 0x10, 0x40, 0x80
LAST, PARTITION = 0x01, 0x04
NAMESPACE, SET, QUERY_ID, SOCKET_TIMEOUT, RPS, PIDS, DIGESTS, MOST, BVALS = 0, 1, 7, 9, 10, 11, 12, 13, 15
INDEX_NAME, RANGE, CONTEXT, EXPRESSION, INDEX_TYPE, BIN_LIST, FILTER = 21, 22, 23, 24, 26, 40, 43
INTEGER, STRING, BLOB, GEO = 1, 3, 4, 23
ALL = range(4096)

_ids = itertools.count(time.time_ns())


@dataclass(frozen=True)
class Answered:
    """The answer to a query.

    Attributes:
        frames: the records of each frame.
        code: that of the message which ended it.
        is_whole: whether it had the mark of a last message.
        refused: the partitions that were not given, with their codes.
        lengths: the bytes of each frame, without its header.
    """

    frames: list[list[Told]]
    code: int
    is_whole: bool
    refused: dict[int, int]
    lengths: list[int]

    @property
    def records(self) -> list[Told]:
        return [record for each in self.frames for record in each]

    @property
    def digests(self) -> list[bytes]:
        return [record.fields[4] for record in self.records]

    def values(self, name: str = "n") -> list[int]:
        """The integers of a bin, sorted."""
        return sorted(int.from_bytes(each.bins[name][1], "big", signed=True) for each in self.records)


def partition_of(digest: bytes) -> int:
    return (digest[0] | digest[1] << 8) & 0xFFF


def pids(numbers: Iterable[int]) -> bytes:
    return field(PIDS, b"".join(struct.pack("<H", number) for number in numbers))


def digests(values: Sequence[bytes]) -> bytes:
    return field(DIGESTS, b"".join(values))


def bvals(values: Sequence[int]) -> bytes:
    return field(BVALS, b"".join(struct.pack("<q", value) for value in values))


def between(name: str, first: int, last: int) -> bytes:
    """The field of a range of integers."""
    return _range(name, INTEGER, struct.pack(">q", first), struct.pack(">q", last))


def equal(name: str, value: bytes, particle: int = STRING) -> bytes:
    """The field of a string, a blob or a place."""
    return _range(name, particle, value, value)


def _range(name: str, particle: int, first: bytes, last: bytes, count: int = 1) -> bytes:
    ends = b"".join(struct.pack(">I", len(each)) + each for each in (first, last))
    return field(RANGE, bytes((count, len(name))) + name.encode() + bytes((particle,)) + ends)


def query(
    *more: bytes,
    ops: Sequence[bytes] = (),
    partitions: Iterable[int] | None = ALL,
    namespace: str = "test",
    set_name: str | None = "q",
    info1: int = READ,
    info2: int = 0,
    info3: int = PARTITION,
    info4: int = 0,
    timeout: int = 0,
    ttl: int = 0xFFFFFFFF,
    trid: int | None = None,
) -> bytes:
    """The body of a query; `trid` 0: it has no number, None: one of its own."""
    fields = [field(NAMESPACE, namespace.encode())]
    if set_name is not None:
        fields.append(field(SET, set_name.encode()))
    if trid != 0:
        fields.append(field(QUERY_ID, struct.pack(">Q", next(_ids) if trid is None else trid)))
    fields += more
    if partitions is not None:
        fields.append(pids(partitions))
    head = struct.pack(
        ">BBBBBBIIIHH", 22, info1, info2, info3, info4, 0, 0, ttl, timeout, len(fields), len(ops)
    )
    return head + b"".join(fields) + b"".join(ops)


def read_query(wire: Wire) -> Answered:
    """All frames of one query's answer."""
    frames: list[list[Told]] = []
    lengths: list[int] = []
    refused: dict[int, int] = {}
    while True:
        body = wire.read_frame()[8:]
        lengths.append(len(body))
        records = []
        for info3, told in split(body):
            if info3 & PARTITION:
                refused[told.generation] = told.code
            elif info3 & LAST or (told.code and not told.fields):
                if records:
                    frames.append(records)
                return Answered(frames, told.code, bool(info3 & LAST), refused, lengths)
            else:
                records.append(told)
        frames.append(records)


def ask(wire: Wire, *more: bytes, **header: Any) -> Answered:
    """The answer to a query."""
    wire.sock.sendall(frame(query(*more, **header)))
    return read_query(wire)

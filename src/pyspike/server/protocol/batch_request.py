"""The request of a batch: the flags of the whole, and its rows, each with a digest and a request of its own.

Owns: splitting the batch field into rows. Not here: what the rows do, and in which order (records/batch.py).
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from enum import IntFlag
from struct import Struct
from typing import NamedTuple

from .constants import MESSAGE_HEADER_SIZE, FieldType, Info1, Info3
from .framing import Message, Op, parse_ops
from .result import bad

__all__ = ["Batch", "BatchFlag", "Row", "RowFlag", "batch_timeout", "is_batch", "parse_batch", "rows_of"]

DEFAULT_TIMEOUT = 30.0
"""The seconds of a batch that has no timeout."""

_TIMEOUT_AT = 14
_HEADER = Struct(">BBBBBBIIIHH")
_FIELD = Struct(">IB")
_START = Struct(">IB")
_ROW = Struct(">I20sB")
_U16, _U32, _COUNTS = Struct(">H"), Struct(">I"), Struct(">HH")

_CLEARED = ~int(Info1.COMPRESS_RESPONSE | Info1.XDR | Info1.BATCH)
_SC_BITS = int(Info3.SC_READ_TYPE | Info3.SC_READ_RELAX)
_KEY, _FILTER = int(FieldType.KEY), int(FieldType.FILTER)


class BatchFlag(IntFlag):
    """How the rows of a batch are run, and what an error of one row does to the others (batch.md 7.1)."""

    INLINE = 0x01
    INLINE_SSD = 0x02
    RESPOND_ALL = 0x04
    REPORT_FAILED_ROW = 0x08


class RowFlag(IntFlag):
    """What a row says beside its index and its digest (batch.md 7.1)."""

    REPEAT = 0x01
    HAS_INFO2_INFO3 = 0x02
    HAS_GENERATION = 0x04
    HAS_TTL = 0x08
    HAS_INFO4 = 0x10


# Plain numbers: flag arithmetic on IntFlag members is slow, and this is the path of every row.
_REPEAT, _INFO2_INFO3 = int(RowFlag.REPEAT), int(RowFlag.HAS_INFO2_INFO3)
_GENERATION, _TTL, _INFO4 = int(RowFlag.HAS_GENERATION), int(RowFlag.HAS_TTL), int(RowFlag.HAS_INFO4)


class Batch(NamedTuple):
    """A batch whose rows are not split yet.

    Fields:
        flags: a `BatchFlag`.
        n_rows: how many rows it says it has.
        filter: the filter expression of the rows that have none of their own; None if there is none.
        sc_bits: the read mode of rows that bring no `info3`.
        timeout_ms: as in the header; rows have the same.
        body: the message.
        rows_at: where the first row starts in it.

    """

    flags: int
    n_rows: int
    filter: bytes | None
    sc_bits: int
    timeout_ms: int
    body: bytes
    rows_at: int


class Row(NamedTuple):
    """One row: the number by which its answer is known, the record's digest, and what is asked of the record.

    Rows that repeat what an earlier row asks share that row's message. It has no digest field, unless the
    client sent one.
    """

    number: int
    digest: bytes
    message: Message


def is_batch(body: bytes) -> bool:
    """Whether a message is the request of a batch."""
    return len(body) > 1 and body[1] & Info1.BATCH != 0


def batch_timeout(body: bytes) -> float:
    """How many seconds the client may take to read the answer to a batch (batch.md 7.3)."""
    milliseconds = _U32.unpack_from(body, _TIMEOUT_AT)[0] if len(body) >= MESSAGE_HEADER_SIZE else 0
    return milliseconds / 1000 or DEFAULT_TIMEOUT


def parse_batch(body: bytes) -> Batch:
    """Read the header and the fields of a batch.

    As a server does, it does not care for the field's own length, nor for bytes that follow the rows.

    Raises:
        RequestError: PARAMETER: the message is too short, or has no batch field.

    """
    if len(body) < MESSAGE_HEADER_SIZE:
        raise bad("header cut short")
    _, _, _, info3, _, _, _, _, timeout, n_fields, _ = _HEADER.unpack_from(body)
    pos, rows_at, filter_ = MESSAGE_HEADER_SIZE, None, None
    for _ in range(n_fields):
        if pos + _FIELD.size > len(body):
            raise bad("field header cut short")
        length, kind = _FIELD.unpack_from(body, pos)
        if length == 0:
            raise bad("bad field size")
        if kind in (FieldType.BATCH, FieldType.BATCH_WITH_SET):
            rows_at = pos + _FIELD.size
        elif kind == _FILTER:
            filter_ = body[pos + _FIELD.size : pos + 4 + length]
        pos += 4 + length
    if rows_at is None or rows_at + _START.size > len(body):
        raise bad("no batch field")
    count, flags = _START.unpack_from(body, rows_at)
    return Batch(flags, count, filter_, info3 & _SC_BITS, timeout, body, rows_at + _START.size)


def rows_of(batch: Batch, namespaces: Container[bytes]) -> Iterator[Row]:
    """Give the rows one by one.

    Args:
        batch: the batch.
        namespaces: the names of those that there are.

    Raises:
        RequestError: PARAMETER, when the row's turn comes: it is malformed, missing, of an unknown namespace,
            or repeats what can't be repeated.

    """
    body, pos = batch.body, batch.rows_at
    message: Message | None = None
    for _ in range(batch.n_rows):
        if pos + _ROW.size > len(body):
            raise bad("fewer rows than counted")
        number, digest, flags = _ROW.unpack_from(body, pos)
        pos += _ROW.size
        if not flags & _REPEAT:
            message, pos = _parse_row(batch, flags, pos, namespaces)
        elif message is None or _KEY in message.fields:
            raise bad("a row that can't be repeated")
        yield Row(number, digest, message)


def _parse_row(batch: Batch, flags: int, pos: int, namespaces: Container[bytes]) -> tuple[Message, int]:
    """Read what follows a row's flags; give it, and the offset of the next row."""
    body, size = batch.body, len(batch.body)
    longer = (
        (2 if flags & _INFO2_INFO3 else 0)
        + (1 if flags & _INFO4 else 0)
        + (2 if flags & _GENERATION else 0)
        + (4 if flags & _TTL else 0)
    )
    if pos + 1 + longer + _COUNTS.size + _FIELD.size > size:
        raise bad("row cut short")
    info1 = body[pos] & _CLEARED
    pos += 1
    info2, info3, info4, generation, ttl = 0, batch.sc_bits, 0, 0, 0
    if flags & _INFO2_INFO3:
        info2, info3 = body[pos], body[pos + 1]
        pos += 2
    if flags & _INFO4:
        info4 = body[pos]
        pos += 1
    if flags & _GENERATION:
        generation = _U16.unpack_from(body, pos)[0]
        pos += 2
    if flags & _TTL:
        ttl = _U32.unpack_from(body, pos)[0]
        pos += 4
    n_fields, n_ops = _COUNTS.unpack_from(body, pos)
    fields, pos = _parse_fields(body, pos + _COUNTS.size, max(n_fields, 1), namespaces)
    if batch.filter is not None:
        fields.setdefault(_FILTER, batch.filter)
    ops: list[Op] = []
    if n_ops:
        ops, pos = parse_ops(body, pos, n_ops)
    return Message(info1, info2, info3, info4, generation, ttl, batch.timeout_ms, fields, ops), pos


def _parse_fields(
    body: bytes, pos: int, n_fields: int, namespaces: Container[bytes]
) -> tuple[dict[int, bytes], int]:
    """Read a row's fields, of which the first names the namespace, whatever type it has."""
    fields: dict[int, bytes] = {}
    for number in range(n_fields):
        if pos + _FIELD.size > len(body):
            raise bad("field header cut short")
        length, kind = _FIELD.unpack_from(body, pos)
        end = pos + 4 + length
        if length == 0 or end > len(body):
            raise bad("bad field size")
        value = body[pos + _FIELD.size : end]
        if number == 0 and value not in namespaces:
            raise bad("unknown namespace")
        fields.setdefault(kind, value)
        pos = end
    return fields, pos

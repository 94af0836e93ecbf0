"""The answer to a query: messages of records, notices about partitions, and the last message.

Owns: their bytes. Not here: which records are sent, and which messages share a frame (queries/streams.py).
"""

from __future__ import annotations

from struct import Struct

from .constants import DIGEST_SIZE, MESSAGE_HEADER_SIZE, FieldType, Info3
from .result import ResultCode

__all__ = ["FRAME_SIZE", "RecordMessages", "last_message", "partition_message"]

FRAME_SIZE = 1 << 20
"""A frame is sent when it has as many bytes (query-scan.md 8.4)."""

_HEADER = Struct(">BBBBBBIIIHH")
_FIELD = Struct(">IB")
_I64_LE = Struct("<q")
_DIGEST_HEAD = _FIELD.pack(1 + DIGEST_SIZE, FieldType.DIGEST)
_BVAL_HEAD = _FIELD.pack(1 + _I64_LE.size, FieldType.BVAL_ARRAY)


def _field(kind: FieldType, data: bytes) -> bytes:
    return _FIELD.pack(1 + len(data), kind) + data


class RecordMessages:
    """Makes the messages of the records of one namespace.

    Args:
        namespace: its name.
        info1: the first flag byte of all messages.

    """

    __slots__ = ("_info1", "_namespace", "_sets")

    def __init__(self, namespace: bytes, info1: int) -> None:
        self._info1 = info1
        self._namespace = _field(FieldType.NAMESPACE, namespace) + _DIGEST_HEAD
        self._sets: dict[bytes, bytes] = {b"": b""}

    def encode(
        self,
        digest: bytes,
        set_name: bytes,
        key: bytes | None,
        generation: int,
        void_time: int,
        n_ops: int,
        ops: bytes,
        bval: int | None,
    ) -> bytes:
        """The message of a record.

        Args:
            digest: its digest.
            set_name: the name of its set; empty: it is in none.
            key: the stored key; None: there is none.
            generation: its generation.
            void_time: when it expires; 0 for never.
            n_ops: how many ops `ops` holds.
            ops: encoded ops.
            bval: the indexed value by which it was found; None: it was not found by an index.

        """
        set_field = self._sets.get(set_name)
        if set_field is None:
            set_field = self._sets[set_name] = _field(FieldType.SET, set_name)
        n_fields = 3 if set_name else 2
        more = b""
        if key:
            n_fields += 1
            more = _field(FieldType.KEY, key)
        if bval is not None:
            n_fields += 1
            more += _BVAL_HEAD + _I64_LE.pack(bval)
        head = _HEADER.pack(
            MESSAGE_HEADER_SIZE, self._info1, 0, 0, 0, 0, generation, void_time, 0, n_fields, n_ops
        )
        return b"".join((head, self._namespace, digest, set_field, more, ops))


def partition_message(partition_id: int, code: ResultCode | int) -> bytes:
    """The notice that a partition was not queried, and why: its number stands in the generation's place."""
    return _HEADER.pack(MESSAGE_HEADER_SIZE, 0, 0, Info3.PARTITION_DONE, 0, code, partition_id, 0, 0, 0, 0)


def last_message(code: int) -> bytes:
    """The message that ends an answer."""
    return _HEADER.pack(MESSAGE_HEADER_SIZE, 0, 0, Info3.LAST, 0, code, 0, 0, 0, 0, 0)

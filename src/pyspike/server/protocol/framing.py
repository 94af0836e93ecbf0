"""Messages in and out: the 8-byte proto header, the 22-byte message header, fields and ops.

Owns: splitting a request into fields and ops, and putting replies together. Not here: what a field or an op
means.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from struct import Struct
from typing import NamedTuple

from .result import RequestError, ResultCode

__all__ = [
    "BIN_NAME_MAX",
    "FieldType",
    "Info1",
    "Info2",
    "Info3",
    "Info4",
    "Message",
    "Op",
    "OpCode",
    "ProtoType",
    "encode_op",
    "frame",
    "parse_message",
    "parse_ops",
    "refusal",
    "reply",
]

PROTO_VERSION = 2
PROTO_SIZE_MAX = 128 * 1024 * 1024
HEADER_SIZE = 22
OPS_MAX = 32768
BIN_NAME_MAX = 15

PROTO = Struct(">Q")
_HEADER = Struct(">BBBBBBIIIHH")
_REPLY = Struct(">QBBBBBBIIIHH")
_FIELD = Struct(">IB")
_OP = Struct(">IBBBB")
_REPLY_PROTO = (PROTO_VERSION << 56) | (3 << 48)


class ProtoType(IntEnum):
    """Kinds of frames."""

    INFO = 1
    SECURITY = 2
    AS_MSG = 3
    AS_MSG_COMPRESSED = 4
    INTERNAL_XDR = 5


class Info1(IntFlag):
    """First flag byte of a message: what is read."""

    READ = 0x01
    GET_ALL = 0x02
    SHORT_QUERY = 0x04
    BATCH = 0x08
    XDR = 0x10
    GET_NO_BINS = 0x20
    CONSISTENCY_ALL = 0x40
    COMPRESS_RESPONSE = 0x80


class Info2(IntFlag):
    """Second flag byte of a message: what is written."""

    WRITE = 0x01
    DELETE = 0x02
    GENERATION = 0x04
    GENERATION_GT = 0x08
    DURABLE_DELETE = 0x10
    CREATE_ONLY = 0x20
    RELAX_AP_LONG_QUERY = 0x40
    RESPOND_ALL_OPS = 0x80


class Info3(IntFlag):
    """Third flag byte of a message: exists rules, consistency, end of a stream."""

    LAST = 0x01
    COMMIT_LEVEL_MASTER = 0x02
    PARTITION_DONE = 0x04
    UPDATE_ONLY = 0x08
    CREATE_OR_REPLACE = 0x10
    REPLACE_ONLY = 0x20
    SC_READ_TYPE = 0x40
    SC_READ_RELAX = 0x80


class Info4(IntFlag):
    """Fourth flag byte of a message: transactions."""

    MRT_VERIFY_READ = 0x01
    MRT_ROLL_FORWARD = 0x02
    MRT_ROLL_BACK = 0x04


class FieldType(IntEnum):
    """Types of message fields that the server looks at."""

    NAMESPACE = 0
    SET = 1
    KEY = 2
    RECORD_VERSION = 3
    DIGEST = 4
    MRT_ID = 5
    MRT_DEADLINE = 6
    QUERY_ID = 7
    SOCKET_TIMEOUT = 9
    RECS_PER_SEC = 10
    PID_ARRAY = 11
    DIGEST_ARRAY = 12
    SAMPLE_MAX = 13
    BVAL_ARRAY = 15
    INDEX_NAME = 21
    INDEX_RANGE = 22
    INDEX_CONTEXT = 23
    INDEX_EXPRESSION = 24
    INDEX_TYPE = 26
    UDF_FILENAME = 30
    UDF_FUNCTION = 31
    UDF_ARGLIST = 32
    UDF_OP = 33
    QUERY_BINLIST = 40
    BATCH = 41
    BATCH_WITH_SET = 42
    FILTER = 43
    ERROR_DETAILS = 45


class OpCode(IntEnum):
    """Codes of ops, as in requests and in replies."""

    READ = 1
    WRITE = 2
    CDT_READ = 3
    CDT_MODIFY = 4
    INCR = 5
    EXP_READ = 7
    EXP_MODIFY = 8
    APPEND = 9
    PREPEND = 10
    TOUCH = 11
    BITS_READ = 12
    BITS_MODIFY = 13
    DELETE_ALL = 14
    HLL_READ = 15
    HLL_MODIFY = 16
    STRING_READ = 17
    STRING_MODIFY = 18
    TO_STRING = 19


class Op(NamedTuple):
    """One op of a request."""

    code: int
    particle: int
    name: bytes
    value: bytes


class Message(NamedTuple):
    """One request: its header, fields by type, ops in order."""

    info1: int
    info2: int
    info3: int
    info4: int
    generation: int
    record_ttl: int
    timeout_ms: int
    fields: dict[int, bytes]
    ops: list[Op]


def parse_message(body: bytes, offset: int = 0) -> Message:
    """Split one as_msg which fills `body` from `offset` to its end.

    Raises:
        RequestError: PARAMETER, if counts or sizes do not add up or bytes are left over.

    """
    message, end = parse_message_at(body, offset)
    if end != len(body):
        raise RequestError(ResultCode.PARAMETER, "bytes after the last op")
    return message


def parse_message_at(body: bytes, offset: int) -> tuple[Message, int]:
    """Split the as_msg which starts at `offset`; give it and the offset of the first byte after it."""
    size = len(body)
    pos = offset + HEADER_SIZE
    if pos > size:
        raise RequestError(ResultCode.PARAMETER, "header cut short")
    _, info1, info2, info3, info4, _, generation, ttl, timeout, n_fields, n_ops = _HEADER.unpack_from(
        body, offset
    )
    fields: dict[int, bytes] = {}
    field_at = _FIELD.unpack_from
    for _ in range(n_fields):
        if pos + 5 > size:
            raise RequestError(ResultCode.PARAMETER, "field header cut short")
        length, kind = field_at(body, pos)
        end = pos + 4 + length
        if length == 0 or end > size:
            raise RequestError(ResultCode.PARAMETER, "bad field size")
        fields.setdefault(kind, body[pos + 5 : end])
        pos = end
    if n_ops:
        if n_ops > OPS_MAX:
            raise RequestError(ResultCode.PARAMETER, "too many ops")
        ops, pos = parse_ops(body, pos, n_ops)
    else:
        ops = []
    return Message(info1, info2, info3, info4, generation, ttl, timeout, fields, ops), pos


def parse_ops(body: bytes, pos: int, n_ops: int) -> tuple[list[Op], int]:
    """Split the ops that start at `pos`; give them and the offset of the first byte after them.

    Raises:
        RequestError: PARAMETER: they do not fit into the body.

    """
    size = len(body)
    ops: list[Op] = []
    op_at = _OP.unpack_from
    for _ in range(n_ops):
        if pos + 8 > size:
            raise RequestError(ResultCode.PARAMETER, "op header cut short")
        length, code, particle, _, name_length = op_at(body, pos)
        end = pos + 4 + length
        value = pos + 8 + name_length
        if end > size or value > end:
            raise RequestError(ResultCode.PARAMETER, "bad op size")
        ops.append(Op(code, particle, body[pos + 8 : value], body[value:end]))
        pos = end
    return ops, pos


def encode_op(code: int, particle: int, name: bytes, value: bytes) -> bytes:
    """One op of a reply."""
    n = len(name)
    return _OP.pack(4 + n + len(value), code, particle, 0, n) + name + value


def reply(
    code: int,
    generation: int = 0,
    void_time: int = 0,
    n_ops: int = 0,
    ops: bytes = b"",
    *,
    info3: int = 0,
    details: bytes = b"",
) -> bytes:
    """A whole reply frame with one message.

    Args:
        code: result code.
        generation: of the record, 0 if there is none.
        void_time: seconds since 2010-01-01 at which the record expires, 0 for never.
        n_ops: how many ops `ops` holds.
        ops: encoded ops.
        info3: third flag byte.
        details: the error details' field, if there is one; else the message has no fields.

    """
    return (
        _REPLY.pack(
            _REPLY_PROTO | (HEADER_SIZE + len(details) + len(ops)),
            HEADER_SIZE,
            0,
            0,
            info3,
            0,
            code,
            generation,
            void_time,
            0,
            1 if details else 0,
            n_ops,
        )
        + details
        + ops
    )


def refusal(body: bytes, code: int, details: bytes = b"") -> bytes:
    """The reply frame that ends the command of the message `body`, whatever it is, with a result code.

    A batch ends with the LAST message and not before; all other commands end with a message that has a code.
    """
    is_batch = len(body) > 1 and body[1] & Info1.BATCH
    return reply(code, info3=Info3.LAST if is_batch else 0, details=details)


def frame(proto_type: int, body: bytes) -> bytes:
    """A frame of any type around `body`."""
    return PROTO.pack((PROTO_VERSION << 56) | (proto_type << 48) | len(body)) + body

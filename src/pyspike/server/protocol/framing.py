"""Messages in and out: the 8-byte proto header, the 22-byte message header, fields and ops (framing.md 1.1 to
1.4).

Owns: splitting a request into fields and ops, and building replies. Not here: what a field or an op means.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from .constants import MESSAGE_HEADER_SIZE, OPS_MAX, PROTO_VERSION, Info1, Info3, ProtoType
from .result import RequestError, ResultCode

__all__ = [
    "Message",
    "Op",
    "encode_field",
    "encode_op",
    "frame",
    "parse_message",
    "parse_message_at",
    "parse_ops",
    "refusal",
    "reply",
    "with_field",
]

PROTO = Struct(">Q")
_HEADER = Struct(">BBBBBBIIIHH")
_REPLY = Struct(">QBBBBBBIIIHH")
_FIELD = Struct(">IB")
_OP = Struct(">IBBBB")
_COUNT = Struct(">H")
_N_FIELDS_AT = PROTO.size + 18
_REPLY_PROTO = (PROTO_VERSION << 56) | (ProtoType.AS_MSG << 48)


class Op(NamedTuple):
    """One op of a request."""

    code: int
    particle: int
    name: bytes
    value: bytes


class Message(NamedTuple):
    """One request: the values of its header, its fields by type, its ops in order."""

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
    """Split the message that fills `body` from `offset` to its end.

    Raises:
        RequestError: PARAMETER, if counts or sizes do not add up or bytes are left over.

    """
    message, end = parse_message_at(body, offset)
    if end != len(body):
        raise RequestError(ResultCode.PARAMETER, "bytes after the last op")
    return message


def parse_message_at(body: bytes, offset: int) -> tuple[Message, int]:
    """Split the message that starts at `offset`, and give it with the offset of the first byte after it."""
    size = len(body)
    pos = offset + MESSAGE_HEADER_SIZE
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
    """The bytes of one op of a reply."""
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
    """A reply frame with one message.

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
            _REPLY_PROTO | (MESSAGE_HEADER_SIZE + len(details) + len(ops)),
            MESSAGE_HEADER_SIZE,
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


def encode_field(kind: int, value: bytes) -> bytes:
    """The bytes of one field of a message."""
    return _FIELD.pack(1 + len(value), kind) + value


def with_field(answer: bytes, field: bytes) -> bytes:
    """A reply frame with one message, with one more field in front of its others."""
    at = PROTO.size + MESSAGE_HEADER_SIZE
    n_fields: int = _COUNT.unpack_from(answer, _N_FIELDS_AT)[0]
    head = answer[PROTO.size : _N_FIELDS_AT] + _COUNT.pack(n_fields + 1) + answer[_N_FIELDS_AT + 2 : at]
    return frame(ProtoType.AS_MSG, b"".join((head, field, answer[at:])))


def refusal(body: bytes, code: int, details: bytes = b"") -> bytes:
    """The reply frame that ends the command of the request `body` with a result code.

    A batch ends with the LAST message and not before; all other commands end with a message that has a code.
    """
    is_batch = len(body) > 1 and body[1] & Info1.BATCH
    return reply(code, info3=Info3.LAST if is_batch else 0, details=details)


def frame(proto_type: int, body: bytes) -> bytes:
    """A frame of any type around a body."""
    return PROTO.pack((PROTO_VERSION << 56) | (proto_type << 48) | len(body)) + body

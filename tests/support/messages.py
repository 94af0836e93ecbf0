"""A command message taken apart and put together again, by `struct` alone: no code of the client's."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

PROTO = struct.Struct(">Q")
HEADER = struct.Struct(">BBBBBBIIIHH")

NAMESPACE, SET, KEY, DIGEST, FILTER = 0, 1, 2, 4, 43

# Where things stand in a whole message (framing.md 1.2, plus the 8 bytes in front).
AT_INFO1, AT_INFO2, AT_INFO3, AT_INFO4, AT_RESULT = 9, 10, 11, 12, 13
AT_GENERATION, AT_TTL, AT_TIMEOUT = 14, 18, 22


@dataclass(frozen=True)
class Op:
    """One operation of a message."""

    code: int
    name: bytes = b""
    particle: int = 0
    value: bytes = b""

    def pack(self) -> bytes:
        size = 4 + len(self.name) + len(self.value)
        head = struct.pack(">IBBBB", size, self.code, self.particle, 0, len(self.name))
        return head + self.name + self.value


@dataclass(frozen=True)
class Message:
    """A request or an answer."""

    info1: int = 0
    info2: int = 0
    info3: int = 0
    info4: int = 0
    result: int = 0
    generation: int = 0
    ttl: int = 0
    timeout: int = 0
    fields: tuple[tuple[int, bytes], ...] = ()
    ops: tuple[Op, ...] = field(default=())

    @property
    def body(self) -> bytes:
        parts = [
            HEADER.pack(
                22,
                self.info1,
                self.info2,
                self.info3,
                self.info4,
                self.result,
                self.generation,
                self.ttl,
                self.timeout,
                len(self.fields),
                len(self.ops),
            )
        ]
        parts += [struct.pack(">IB", len(data) + 1, number) + data for number, data in self.fields]
        parts += [op.pack() for op in self.ops]
        return b"".join(parts)

    def pack(self) -> bytes:
        return PROTO.pack(2 << 56 | 3 << 48 | len(self.body)) + self.body

    def field(self, number: int) -> bytes | None:
        """The first field of this number."""
        return next((data for other, data in self.fields if other == number), None)

    def without_field(self, number: int) -> Message:
        return replace(self, fields=tuple(entry for entry in self.fields if entry[0] != number))


def parse(message: bytes) -> Message:
    """The message of a whole frame; every byte must belong to it."""
    (proto,) = PROTO.unpack_from(message)
    assert proto >> 48 == 0x0203, "not a command message"
    assert proto & (1 << 48) - 1 == len(message) - 8, "the frame's size is wrong"
    size, *head, n_fields, n_ops = HEADER.unpack_from(message, 8)
    assert size == 22, "the header's size is wrong"
    at = 8 + HEADER.size
    fields, ops = [], []
    for _ in range(n_fields):
        size, number = struct.unpack_from(">IB", message, at)
        fields.append((number, message[at + 5 : at + 4 + size]))
        at += 4 + size
    for _ in range(n_ops):
        size, code, particle, flags, length = struct.unpack_from(">IBBBB", message, at)
        assert flags == 0, "no flags are defined for clients"
        value_at = at + 8 + length
        ops.append(Op(code, message[at + 8 : value_at], particle, message[value_at : at + 4 + size]))
        at += 4 + size
    assert at == len(message), "bytes behind the last operation"
    return Message(*head, tuple(fields), tuple(ops))  # type: ignore[call-arg]

"""Security messages built by hand, and their answers taken apart. No client code of any kind."""

from __future__ import annotations

import struct
from typing import NamedTuple

import pytest
from server_wire import Wire

SECURITY = 2
USER, PASSWORD, OLD_PASSWORD, CREDENTIAL, CLEAR, TOKEN, TTL = range(7)
ROLES, ROLE, PRIVILEGES, ALLOWLIST, READ_QUOTA, WRITE_QUOTA, READ_INFO, WRITE_INFO, CONNECTIONS = range(
    10, 19
)
AUTHENTICATE, LOGIN = 0, 20
SALT = b"$2a$10$7EqJtq98hPqEX7fNZaFWoO"
ADMIN = SALT + b"1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa"
SECRET = SALT + b"u7NRZ0i7m5NbgPBEsHTCoJzZDEKQRb."
NO_PASSWORD = SALT + b"ePA2sZy..tlOF99W2N0g5KZ3dLaw8WO"


class Block(NamedTuple):
    code: int
    fields: dict[int, bytes]


def hashed(password: str) -> bytes:
    found: bytes = pytest.importorskip("bcrypt").hashpw(password.encode(), SALT)
    return found


def request(command: int, fields: dict[int, bytes]) -> bytes:
    """The body of a request."""
    parts = [struct.pack(">IB", len(value) + 1, kind) + value for kind, value in fields.items()]
    return struct.pack(">BBBB12x", 0, 0, command, len(fields)) + b"".join(parts)


def names(*each: str) -> bytes:
    return bytes((len(each),)) + b"".join(bytes((len(name),)) + name.encode() for name in each)


def blocks(body: bytes) -> list[Block]:
    """The blocks of an answer."""
    found, pos = [], 0
    while pos < len(body):
        scheme, code, command, count, rest = struct.unpack_from(">BBBB12s", body, pos)
        assert (scheme, command, rest) == (0, 0, bytes(12))
        pos += 16
        fields: dict[int, bytes] = {}
        for _ in range(count):
            size, kind = struct.unpack_from(">IB", body, pos)
            assert kind not in fields
            fields[kind] = body[pos + 5 : pos + 4 + size]
            pos += 4 + size
        found.append(Block(code, fields))
    assert pos == len(body)
    return found


def ask(wire: Wire, command: int, fields: dict[int, bytes] | None = None) -> Block:
    """Send a request and give its answer, of one block."""
    wire.send(request(command, fields or {}), SECURITY)
    (block,) = blocks(wire.read_frame()[8:])
    return block


def log_in(wire: Wire, user: str = "admin", credential: bytes = ADMIN) -> bytes:
    """Log in, and give the token."""
    block = ask(wire, LOGIN, {USER: user.encode(), CREDENTIAL: credential})
    assert block.code == 0, block
    return block.fields[TOKEN]


def authenticate(wire: Wire, token: bytes, user: str | None = "admin") -> int:
    fields = {TOKEN: token} if user is None else {USER: user.encode(), TOKEN: token}
    return ask(wire, AUTHENTICATE, fields).code

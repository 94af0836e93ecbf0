"""Security messages in and out: header, fields, and the lists in fields (admin-and-info.md 9.1).

Owns: their bytes. Not here: the numbers (security_codes.py), and what commands do (../security/).
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from .constants import ProtoType
from .framing import frame
from .result import RequestError, ResultCode
from .security_codes import SCHEME, SCOPED_FROM, SECURITY_HEADER_SIZE

__all__ = [
    "SecurityRequest",
    "encode_block",
    "encode_count",
    "encode_counts",
    "encode_names",
    "encode_privileges",
    "parse_count",
    "parse_names",
    "parse_privileges",
    "parse_security",
    "security_reply",
]

_HEADER = Struct(">BBBB12x")
_FIELD = Struct(">IB")
_U32 = Struct(">I")


class SecurityRequest(NamedTuple):
    """A request: its command, and its fields by type."""

    command: int
    fields: dict[int, bytes]


def parse_security(body: bytes) -> SecurityRequest:
    """Split the request that fills `body`.

    Raises:
        RequestError: SCHEME: another scheme. FIELD: counts or sizes do not add up.

    """
    if len(body) < SECURITY_HEADER_SIZE:
        raise _bad("header cut short")
    scheme, _, command, count = _HEADER.unpack_from(body, 0)
    if scheme != SCHEME:
        raise RequestError(ResultCode.SEC_SCHEME, f"scheme {scheme}")
    fields: dict[int, bytes] = {}
    pos, size = SECURITY_HEADER_SIZE, len(body)
    for _ in range(count):
        if pos + _FIELD.size > size:
            raise _bad("field header cut short")
        length, kind = _FIELD.unpack_from(body, pos)
        end = pos + _U32.size + length
        if length == 0 or end > size:
            raise _bad("bad field size")
        fields.setdefault(kind, body[pos + _FIELD.size : end])
        pos = end
    if pos != size:
        raise _bad("bytes after the last field")
    return SecurityRequest(command, fields)


def parse_names(data: bytes) -> list[bytes]:
    """The names in a field with a list of them.

    Raises:
        RequestError: FIELD: the list is not as long as the field.

    """
    reader = _Reader(data)
    names = [reader.short() for _ in range(reader.byte())]
    reader.end()
    return names


def parse_privileges(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The privileges in a field with a list of them: their codes, namespaces and sets.

    Raises:
        RequestError: FIELD: the list is not as long as the field.

    """
    reader = _Reader(data)
    privileges = []
    for _ in range(reader.byte()):
        code = reader.byte()
        scope = (reader.short(), reader.short()) if code >= SCOPED_FROM else (b"", b"")
        privileges.append((code, *scope))
    reader.end()
    return privileges


def parse_count(data: bytes) -> int | None:
    """The number in a field with one; None if it has not the size of a number."""
    return int(_U32.unpack(data)[0]) if len(data) == _U32.size else None


class _Reader:
    """The bytes of a field, taken from the front."""

    __slots__ = ("_data", "_pos")

    def __init__(self, data: bytes) -> None:
        self._data, self._pos = data, 0

    def byte(self) -> int:
        if self._pos >= len(self._data):
            raise _bad("a list is cut short")
        self._pos += 1
        return self._data[self._pos - 1]

    def short(self) -> bytes:
        """Bytes with their number in front."""
        end = self.byte() + self._pos
        if end > len(self._data):
            raise _bad("a list is cut short")
        value, self._pos = self._data[self._pos : end], end
        return value

    def end(self) -> None:
        if self._pos != len(self._data):
            raise _bad("bytes after a list")


def _bad(what: str) -> RequestError:
    return RequestError(ResultCode.SEC_FIELD, what)


def encode_block(code: int, fields: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """A header with a result code, and its fields. A frame has one such block, or several."""
    parts = [_HEADER.pack(SCHEME, code, 0, len(fields))]
    for kind, value in fields:
        parts += (_FIELD.pack(1 + len(value), kind), value)
    return b"".join(parts)


def security_reply(code: int, fields: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """A reply frame with one block."""
    return frame(ProtoType.SECURITY, encode_block(code, fields))


def encode_names(names: Sequence[str]) -> bytes:
    """The value of a field with a list of names."""
    return bytes((len(names),)) + b"".join(_short(name.encode()) for name in names)


def encode_privileges(privileges: Sequence[tuple[int, str, str]]) -> bytes:
    """The value of a field with a list of privileges: their codes, namespaces and sets."""
    return bytes((len(privileges),)) + b"".join(_privilege(*each) for each in privileges)


def _privilege(code: int, namespace: str, set_name: str) -> bytes:
    scope = _short(namespace.encode()) + _short(set_name.encode()) if code >= SCOPED_FROM else b""
    return bytes((code,)) + scope


def _short(value: bytes) -> bytes:
    return bytes((len(value),)) + value


def encode_count(number: int) -> bytes:
    """The value of a field with a number."""
    return _U32.pack(number)


def encode_counts(numbers: Sequence[int]) -> bytes:
    """The value of a field with a list of numbers."""
    return bytes((len(numbers),)) + b"".join(map(encode_count, numbers))

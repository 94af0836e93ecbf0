"""The security protocol: messages by which a client logs in and administrates users, and their answers.

Pure functions (admin-and-info.md 9.1, tls-and-auth.md 14.5). What they read came from a server, or from
something that only looks like one, so each either returns what the protocol promises or raises:
`ProtocolError` for bytes that no server would send, `ServerError` for a code that the server reports. When
which message is sent is decided in `login` and `users`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pyspike._wire import (
    AT_SECURITY_CODE,
    AT_SECURITY_COMMAND,
    AT_SECURITY_FIELD_COUNT,
    FIELD_HEADER_SIZE,
    MAX_TOKEN,
    PROTO_VERSION,
    SECURITY_AUTHENTICATE,
    SECURITY_FIELD_ALLOWLIST,
    SECURITY_FIELD_CLEAR_PASSWORD,
    SECURITY_FIELD_CONNECTIONS,
    SECURITY_FIELD_CREDENTIAL,
    SECURITY_FIELD_PRIVILEGES,
    SECURITY_FIELD_READ_INFO,
    SECURITY_FIELD_READ_QUOTA,
    SECURITY_FIELD_ROLE,
    SECURITY_FIELD_ROLES,
    SECURITY_FIELD_TOKEN,
    SECURITY_FIELD_TOKEN_TTL,
    SECURITY_FIELD_USER,
    SECURITY_FIELD_WRITE_INFO,
    SECURITY_FIELD_WRITE_QUOTA,
    SECURITY_HEADER_SIZE,
    SECURITY_LOGIN,
    TYPE_SECURITY,
)
from pyspike.errors import InvalidArgument, ProtocolError, from_code
from pyspike.result_code import ResultCode
from pyspike.security import Privilege, QuotaUse, Role, User

__all__ = [
    "Grant",
    "allowlist",
    "authenticate",
    "check",
    "encode",
    "is_last",
    "login",
    "names",
    "privileges",
    "read_grant",
    "read_roles",
    "read_users",
    "text",
    "uint32",
]

HEADER = PROTO_VERSION << 56 | TYPE_SECURITY << 48  # of a frame with an empty body
MAX_ENTRIES = 255  # of a list of names or privileges, which has a byte for its count

Field = tuple[int, bytes]  # its type and its data


@dataclass(frozen=True, slots=True)
class Grant:
    """What a server gives to who has logged in.

    Args:
        token: what later connections show; None if the server's security is off, so that none is needed.
        seconds: how long the token is valid; None for ever.
    """

    token: bytes | None = field(repr=False)
    seconds: int | None = None


# Requests ---------------------------------------------------------------------------------------------------


def encode(command: int, fields: Iterable[Field] = ()) -> bytes:
    """The whole message, header included, of a command with its fields."""
    parts = [(len(data) + 1).to_bytes(4, "big") + bytes([kind]) + data for kind, data in fields]
    head = bytearray(SECURITY_HEADER_SIZE)
    head[AT_SECURITY_COMMAND] = command
    head[AT_SECURITY_FIELD_COUNT] = len(parts)
    body = bytes(head) + b"".join(parts)
    return (HEADER | len(body)).to_bytes(8, "big") + body


def login(user: str | None, credential: bytes | None, clear_password: str | None) -> bytes:
    """The request to log in.

    Args:
        user: the user's name; None if the TLS certificate has it.
        credential: the hash of the password; None with a certificate.
        clear_password: the password itself, which only external authentication needs.
    """
    fields: list[Field] = []
    if user is not None:
        fields.append((SECURITY_FIELD_USER, user.encode()))
    if credential is not None:
        fields.append((SECURITY_FIELD_CREDENTIAL, credential))
    if clear_password is not None:
        fields.append((SECURITY_FIELD_CLEAR_PASSWORD, clear_password.encode()))
    return encode(SECURITY_LOGIN, fields)


def authenticate(user: str | None, token: bytes) -> bytes:
    """The first request on a new connection of who has logged in."""
    fields: list[Field] = [] if user is None else [(SECURITY_FIELD_USER, user.encode())]
    return encode(SECURITY_AUTHENTICATE, [*fields, (SECURITY_FIELD_TOKEN, token)])


def text(kind: int, value: str) -> Field:
    """A field with a text."""
    return kind, value.encode()


def uint32(kind: int, value: int) -> Field:
    """A field with a number."""
    return kind, value.to_bytes(4, "big")


def names(roles: Sequence[str]) -> Field:
    """The field with the names of roles.

    Raises:
        InvalidArgument: there are too many.
    """
    encoded = [role.encode() for role in roles]
    return SECURITY_FIELD_ROLES, _count(encoded, "roles") + b"".join(map(_sized, encoded))


def privileges(given: Sequence[Privilege]) -> Field:
    """The field with privileges and their scopes.

    Raises:
        InvalidArgument: there are too many.
    """
    data = bytearray(_count(given, "privileges"))
    for each in given:
        data.append(each.code)
        if each.has_scope:
            data += _sized((each.namespace or "").encode()) + _sized((each.set_name or "").encode())
    return SECURITY_FIELD_PRIVILEGES, bytes(data)


def allowlist(addresses: Sequence[str]) -> list[Field]:
    """The field with the addresses that a role allows; none for any address."""
    return [text(SECURITY_FIELD_ALLOWLIST, ",".join(addresses))] if addresses else []


def _count(entries: Sequence[object], what: str) -> bytes:
    if len(entries) > MAX_ENTRIES:
        raise InvalidArgument(f"{len(entries)} {what}: one command takes {MAX_ENTRIES} at most")
    return bytes([len(entries)])


def _sized(data: bytes) -> bytes:
    return bytes([len(data)]) + data


# Answers ----------------------------------------------------------------------------------------------------


class _Block(NamedTuple):
    """One header with the fields behind it; an answer with users or roles has one for each."""

    code: int
    fields: tuple[Field, ...]


def check(body: bytes) -> None:
    """Read an answer that has a code only.

    Raises:
        ServerError: with the server's code.
        ProtocolError: these are no bytes of an answer.
    """
    _refuse_code(_first(body).code)


def read_grant(body: bytes) -> Grant:
    """Read the answer to `login`.

    Raises:
        ServerError, ProtocolError: as from `check`.
    """
    code, fields = _first(body)
    if code == ResultCode.SECURITY_NOT_ENABLED:
        return Grant(None)
    _refuse_code(code)
    token, seconds = None, None
    for kind, data in fields:
        if kind == SECURITY_FIELD_TOKEN:
            token = data
        elif kind == SECURITY_FIELD_TOKEN_TTL:
            seconds = _number(data)
    if not token or len(token) > MAX_TOKEN:
        raise ProtocolError("the answer to a login has no session token")
    return Grant(token, seconds)


def is_last(body: bytes) -> bool:
    """Whether the answer with users or roles ends with this frame."""
    return any(block.code != ResultCode.OK for block in _blocks(body))


def read_users(bodies: Iterable[bytes]) -> list[User]:
    """Read the answer with users; of one that comes twice the last counts.

    Raises:
        ServerError, ProtocolError: as from `check`.
    """
    found: dict[str, User] = {}
    for block in _rows(bodies):
        user = _user(block)
        found[user.name] = user
    return list(found.values())


def read_roles(bodies: Iterable[bytes]) -> list[Role]:
    """Read the answer with roles.

    Raises:
        ServerError, ProtocolError: as from `check`.
    """
    return [_role(block) for block in _rows(bodies)]


def _user(block: _Block) -> User:
    name, roles, connections = "", (), 0  # type: str, tuple[str, ...], int
    read_info = write_info = None
    for kind, data in block.fields:
        if kind == SECURITY_FIELD_USER:
            name = _text(data)
        elif kind == SECURITY_FIELD_ROLES:
            roles = tuple(_names(data))
        elif kind == SECURITY_FIELD_READ_INFO:
            read_info = _use(data)
        elif kind == SECURITY_FIELD_WRITE_INFO:
            write_info = _use(data)
        elif kind == SECURITY_FIELD_CONNECTIONS:
            connections = _number(data)
    if not name:
        raise ProtocolError("a user without a name in a security answer")
    return User(name, roles, read_info, write_info, connections)


def _role(block: _Block) -> Role:
    name, allowed, addresses = "", (), ()  # type: str, tuple[Privilege, ...], tuple[str, ...]
    read_quota = write_quota = 0
    for kind, data in block.fields:
        if kind == SECURITY_FIELD_ROLE:
            name = _text(data)
        elif kind == SECURITY_FIELD_PRIVILEGES:
            allowed = tuple(_privileges(data))
        elif kind == SECURITY_FIELD_ALLOWLIST:
            addresses = tuple(filter(None, _text(data).split(",")))
        elif kind == SECURITY_FIELD_READ_QUOTA:
            read_quota = _number(data)
        elif kind == SECURITY_FIELD_WRITE_QUOTA:
            write_quota = _number(data)
    if not name:
        raise ProtocolError("a role without a name in a security answer")
    return Role(name, allowed, addresses, read_quota, write_quota)


def _rows(bodies: Iterable[bytes]) -> Iterator[_Block]:
    """The blocks of an answer until the one that ends it."""
    for body in bodies:
        for block in _blocks(body):
            if block.code == ResultCode.QUERY_END:
                return
            _refuse_code(block.code)
            yield block


def _first(body: bytes) -> _Block:
    return next(_blocks(body))


def _blocks(body: bytes) -> Iterator[_Block]:
    """The blocks that a frame consists of, which are one at least."""
    at = 0
    while at == 0 or at < len(body):
        fields_at = at + SECURITY_HEADER_SIZE
        if fields_at > len(body):
            raise ProtocolError(f"a security answer breaks off: {len(body)} bytes")
        code = body[at + AT_SECURITY_CODE]
        fields = []
        count = body[at + AT_SECURITY_FIELD_COUNT]
        at = fields_at
        for _ in range(count):
            size = int.from_bytes(body[at : at + 4], "big")
            end = at + 4 + size
            if at + FIELD_HEADER_SIZE > len(body) or size < 1 or end > len(body):
                raise ProtocolError(f"a field of {size} bytes does not fit into a security answer")
            fields.append((body[at + 4], body[at + FIELD_HEADER_SIZE : end]))
            at = end
        yield _Block(code, tuple(fields))


def _refuse_code(code: int) -> None:
    if code != ResultCode.OK:
        raise from_code(code)


def _number(data: bytes) -> int:
    if len(data) != 4:
        raise ProtocolError(f"a number of {len(data)} bytes in a security answer")
    return int.from_bytes(data, "big")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _use(data: bytes) -> QuotaUse:
    """Four numbers, of which an older server may send fewer and a newer one more."""
    count = data[0] if data else 0
    if len(data) != 1 + 4 * count:
        raise ProtocolError(f"{count} numbers in {len(data)} bytes of a security answer")
    return QuotaUse(*(_number(data[1 + 4 * i : 5 + 4 * i]) for i in range(min(count, 4))))


def _names(data: bytes) -> Iterator[str]:
    take, whole = _taker(data)
    for _ in range(take(1)[0]):
        yield _text(take(take(1)[0]))
    whole()


def _privileges(data: bytes) -> Iterator[Privilege]:
    take, whole = _taker(data)
    for _ in range(take(1)[0]):
        each = Privilege.of(take(1)[0])
        if each.has_scope:
            namespace, set_name = _text(take(take(1)[0])), _text(take(take(1)[0]))
            try:
                each = Privilege.of(each.code, namespace, set_name)
            except InvalidArgument as error:
                raise ProtocolError(f"no privilege of a server: {error.message}") from error
        yield each
    whole()


def _taker(data: bytes) -> tuple[Callable[[int], bytes], Callable[[], None]]:
    """What takes so many bytes, one after the other, and what sees to it that none is left."""
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        if at > len(data):
            raise ProtocolError(f"a list in a security answer breaks off after {len(data)} bytes")
        return data[at - size : at]

    def whole() -> None:
        if at != len(data):
            raise ProtocolError(f"{len(data) - at} bytes behind a list in a security answer")

    return take, whole

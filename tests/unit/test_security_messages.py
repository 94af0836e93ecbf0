"""Security messages against what the sheets promise, and against nonsense."""

from __future__ import annotations

import contextlib
import copy
import pickle
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Privilege, QuotaUse, Role, User
from pyspike.cluster import passwords
from pyspike.cluster import security_messages as messages
from pyspike.errors import (
    ExpiredSession,
    InvalidArgument,
    InvalidType,
    ProtocolError,
    SecurityError,
    ServerError,
)
from support.all_of import all_of

PRIVILEGES = st.sampled_from(
    [
        *(Privilege(name) for name in ("user-admin", "sys-admin", "masking-admin", "code-18", "code-255")),
        *(Privilege("read", "test", each) for each in (None, "s", "ü" * 31)),
        *(Privilege("write-masked", "n" * 31), Privilege("read-write-udf"), Privilege("truncate", "bar")),
    ]
)
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name.isprintable())
UINT32 = st.integers(0, 2**32 - 1)
USE = st.none() | st.builds(QuotaUse, UINT32, UINT32, UINT32, UINT32)
USERS = st.lists(
    st.builds(User, NAMES, st.lists(NAMES, max_size=3).map(tuple), USE, USE, UINT32),
    max_size=4,
    unique_by=lambda user: user.name,
)
ROLES = st.lists(
    st.builds(
        Role, NAMES, st.lists(PRIVILEGES, max_size=3).map(tuple),
        st.lists(st.sampled_from(["10.0.0.0/8", "::1"]), max_size=2).map(tuple), UINT32, UINT32,
    ),
    max_size=4,
)  # fmt: skip


def sized(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def block(code: int, fields: list[tuple[int, bytes]]) -> bytes:
    """One block of an answer, as the sheet has it."""
    data = b"".join(struct.pack(">IB", len(data) + 1, kind) + data for kind, data in fields)
    return bytes([0, code, 0, len(fields)]) + bytes(12) + data


END = block(50, [])


def user_block(user: User) -> bytes:
    fields = [(0, user.name.encode()), (10, sized(b"".join(sized(r.encode()) for r in user.roles)))]
    fields[1] = (10, bytes([len(user.roles)]) + fields[1][1][1:])
    for kind, use in ((16, user.read_info), (17, user.write_info)):
        if use is not None:
            numbers = (use.quota, use.single_record_tps, use.query_rps, use.limitless)
            fields.append((kind, struct.pack(">B4I", 4, *numbers)))
    return block(0, [*fields, (18, struct.pack(">I", user.conns_in_use)), (99, b"of a newer server")])


def role_block(role: Role) -> bytes:
    allowed = bytes([len(role.privileges)])
    for each in role.privileges:
        allowed += bytes([each.code])
        if each.code >= 10:
            allowed += sized((each.namespace or "").encode()) + sized((each.set_name or "").encode())
    fields = [(11, role.name.encode()), (12, allowed), (13, ",".join(role.allowlist).encode())]
    quotas = [(14, struct.pack(">I", role.read_quota)), (15, struct.pack(">I", role.write_quota))]
    return block(0, fields + quotas)


@given(USERS, st.integers(0, 4))
def test_users_are_read_from_any_number_of_frames(users: list[User], split: int) -> None:
    blocks = [*map(user_block, users), END]
    bodies = [b"".join(part) for part in (blocks[:split], blocks[split:]) if part]
    assert messages.read_users(bodies) == users
    assert [messages.is_last(body) for body in bodies] == [*[False] * (len(bodies) - 1), True]


@given(ROLES)
def test_roles_are_read_as_they_are(roles: list[Role]) -> None:
    assert messages.read_roles([b"".join([*map(role_block, roles), END])]) == roles


@given(st.lists(PRIVILEGES, max_size=20))
def test_privileges_are_written_as_they_are_read(privileges: list[Privilege]) -> None:
    body = block(0, [(11, b"r"), messages.privileges(privileges)]) + END
    assert messages.read_roles([body])[0].privileges == tuple(privileges)


def test_an_answer_of_a_role_or_user_that_is_not_there_is_an_error() -> None:
    assert messages.is_last(block(70, []))
    with pytest.raises(SecurityError, match="role"):
        messages.read_roles([block(70, [])])


GRANTS = [
    (block(0, [(5, b"tok"), (6, b"\0\1\x51\x80")]), messages.Grant(b"tok", 86400)),
    (block(0, [(5, b"tok")]), messages.Grant(b"tok", None)),
    (block(0, [(7, b"?"), (5, b"t" * 16383)]), messages.Grant(b"t" * 16383, None)),
    (block(52, []), messages.Grant(None)),
]


@all_of("body, grant", GRANTS)
def test_a_login_gives_a_token(body: bytes, grant: messages.Grant) -> None:
    assert messages.read_grant(body) == grant


@all_of(
    "body", [block(0, []), block(0, [(5, b"")]), block(0, [(5, b"t" * 16384)]), block(0, [(6, bytes(4))])]
)
def test_a_login_without_a_token_is_none(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="no session token"):
        messages.read_grant(body)


def test_a_code_is_its_error() -> None:
    messages.check(block(0, []))
    with pytest.raises(ExpiredSession):
        messages.check(block(66, []))


@given(st.binary(max_size=60), st.sampled_from([b"", block(0, [])[:16], bytes([0, 0, 0, 1]) + bytes(12)]))
def test_nonsense_is_an_error_of_the_protocol(tail: bytes, head: bytes) -> None:
    for read in (messages.read_grant, messages.check, messages.is_last):
        with contextlib.suppress(ProtocolError, ServerError):
            read(head + tail)
    for read_all in (messages.read_users, messages.read_roles):
        with contextlib.suppress(ProtocolError, ServerError):
            read_all([head + tail])


def test_who_has_no_name_is_refused() -> None:
    for read in (messages.read_users, messages.read_roles):
        with pytest.raises(ProtocolError, match="without a name"):
            read([block(0, [(99, b"?")]) + END])


LIES = [
    (10, b""),
    (10, b"\x02\x01a"),
    (10, b"\x01\x01ab"),
    (16, b"\x04" + bytes(15)),
    (18, bytes(3)),
]


@all_of("kind, data", LIES)
def test_a_list_that_does_not_fit_its_field_is_refused(kind: int, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        messages.read_users([block(0, [(0, b"u"), (kind, data)])])


def test_a_server_s_names_that_none_can_have_are_refused() -> None:
    with pytest.raises(ProtocolError, match="no privilege of a server"):
        messages.read_roles([block(0, [(11, b"r"), (12, b"\x01\x0a" + sized(b"n" * 32) + b"\0")])])


# Values -----------------------------------------------------------------------------------------------------


@all_of(
    "arguments, kind, words",
    [
        (("raed",), InvalidArgument, "no privilege 'raed'"),
        (("code-10",), InvalidArgument, "no privilege"),
        (("code-256",), InvalidArgument, "no privilege"),
        (("sys-admin", "test"), InvalidArgument, "whole cluster"),
        (("read", None, "s"), InvalidArgument, "needs a namespace"),
        (("read", ""), InvalidArgument, "is empty"),
        (("read", "n" * 32), InvalidArgument, "32 bytes"),
        (("read", "test", "ü" * 32), InvalidArgument, "64 bytes"),
        (("read", "\ud800"), InvalidArgument, "not valid text"),
        ((10,), InvalidType, "must be a str"),
        (("read", b"test"), InvalidType, "must be a str"),
    ],
)
def test_a_privilege_that_can_not_be_is_refused(arguments: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        Privilege(*arguments)


def test_values_are_what_they_look_like() -> None:
    read = Privilege("read", "test", "s")
    role = Role("r", (read,), ("10.0.0.0/8",), 1, 2)
    user = User("ann", ("r",), QuotaUse(1, 2, 3, 4), None, 5)
    for value in (read, role, user):
        assert eval(repr(value)) == value
        assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value
        assert len({value, copy.copy(value)}) == 1
        with pytest.raises(AttributeError):
            value.name = "other"  # type: ignore[misc]
    assert str(read) == "read.test.s"
    assert (read.code, read.has_scope, Privilege("data-admin").has_scope) == (10, True, False)


# Passwords --------------------------------------------------------------------------------------------------


def test_hashes_are_those_of_the_sheet() -> None:
    assert passwords.hashed("admin") == b"$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa"
    assert passwords.hashed("nopassword") == passwords.NO_PASSWORD


def test_without_bcrypt_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bcrypt", None)
    with pytest.raises(Exception, match="bcrypt, which is not installed") as caught:
        passwords.hashed("secret")
    assert "pyspike-aerospike[auth]" in str(caught.value)
    assert "secret" not in str(caught.value)

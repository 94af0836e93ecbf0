"""No bytes in a security message do harm: each gets an answer, and nobody is let in who should not be."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from security_wire import (
    ADMIN,
    ALLOWLIST,
    AUTHENTICATE,
    CREDENTIAL,
    LOGIN,
    NO_PASSWORD,
    OLD_PASSWORD,
    PASSWORD,
    PRIVILEGES,
    READ_QUOTA,
    ROLE,
    ROLES,
    SECRET,
    SECURITY,
    TOKEN,
    USER,
    ask,
    blocks,
    log_in,
    names,
    request,
)
from server_wire import Wire, as_list, cases, get, wire_bytes

from pyspike.server import EmbeddedCluster, Security
from pyspike.server.protocol.result import RequestError, ResultCode
from pyspike.server.protocol.security_message import (
    encode_block,
    encode_names,
    encode_privileges,
    parse_names,
    parse_privileges,
    parse_security,
)
from pyspike.server.security.answering import answer
from pyspike.server.security.state import Caller, ClusterSecurity, NodeSecurity

HEADER = struct.Struct(">BBBB12x")
REQUESTS = [wire_bytes(each)[8:] for case in cases("security.jsonl") for each in as_list(case["request"])]
CODES = {int(code) for code in ResultCode}


class Node:
    """A node that is nowhere."""

    now = 0.0

    def __init__(self) -> None:
        self.state = NodeSecurity()

    def connections_of(self, user: str) -> int:
        return 0

    def query_rates(self, user: str, *, writes: bool) -> list[int]:
        return []


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with EmbeddedCluster(security=True) as cluster, Wire(cluster.nodes[0].port) as connection:
        yield connection


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Requests: any bytes, recorded ones that were changed, and such as are well formed."""
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return draw(st.binary(max_size=80))
    if kind == 1:
        body = bytearray(draw(st.sampled_from(REQUESTS)))
        for _ in range(draw(st.integers(1, 3))):
            body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
        return bytes(body[: draw(st.integers(0, len(body)))]) if draw(st.booleans()) else bytes(body)
    fields = st.dictionaries(st.integers(0, 20), st.binary(max_size=20), max_size=5)
    return request(draw(st.integers(0, 30)), draw(fields))


@given(st.lists(bodies(), max_size=5), st.booleans())
def test_any_bytes_get_an_answer(sent: list[bytes], is_admin: bool) -> None:
    security, node, caller = ClusterSecurity(Security()), Node(), Caller("127.0.0.1")
    if is_admin:
        caller.user = security.accounts.user("admin")
    for body in sent:
        frames, delay = answer(security, node, caller, body)
        while frames:
            size = int.from_bytes(frames[2:8], "big")
            assert frames[:2] == bytes((2, SECURITY))
            assert {block.code for block in blocks(frames[8 : 8 + size])} <= CODES
            frames = frames[8 + size :]
        assert not delay
    assert is_admin or caller.user is None
    assert "admin" in security.accounts.users
    assert security.accounts.users["admin"].roles[0] == "user-admin"


@given(
    st.lists(st.text(max_size=9), max_size=4),
    st.lists(st.tuples(st.integers(0, 255), st.text(max_size=9), st.text(max_size=9)), max_size=4),
)
def test_lists_are_read_as_they_are_written(texts: list[str], privileges: list[tuple[int, str, str]]) -> None:
    assert [name.decode() for name in parse_names(encode_names(texts))] == texts
    scoped = [(code, *((ns, name) if code >= 10 else ("", ""))) for code, ns, name in privileges]
    found = parse_privileges(encode_privileges(privileges))
    assert [(code, ns.decode(), name.decode()) for code, ns, name in found] == scoped
    for cut in range(len(encode_names(texts))):
        with pytest.raises(RequestError):
            parse_names(encode_names(texts)[:cut])


def test_a_message_that_does_not_add_up_is_refused() -> None:
    good = request(LOGIN, {USER: b"admin"})
    block = encode_block(0, [(USER, b"x")])
    assert parse_security(block) == (0, {USER: b"x"})
    for body, code in (
        (b"", 55),
        (good[:15], 55),
        (good[:-1], 55),
        (good + b"x", 55),
        (good[:16] + b"\0\0\0\0\0", 55),
        (good[:3] + b"\2" + good[4:], 55),
        (b"\1" + good[1:], 53),
    ):
        with pytest.raises(RequestError) as raised:
            parse_security(body)
        assert raised.value.code == code, body


def test_fields_that_are_missing_or_mean_nothing_are_refused(wire: Wire) -> None:
    log_in(wire)
    long, bob = b"u" * 64, {USER: b"bob", PASSWORD: SECRET, ROLES: names()}
    wrong = {}
    for number, (command, fields, code) in enumerate(
        (
            (1, {USER: b"bob"}, 55),
            (1, {USER: b"bob", PASSWORD: SECRET}, 55),
            (1, {**bob, ROLES: b"\2\4read"}, 55),
            (1, {**bob, ROLES: b"\1\4read\0"}, 55),
            (1, {**bob, ROLES: b""}, 55),
            (1, {**bob, USER: b""}, 60),
            (1, {**bob, USER: long}, 60),
            (1, {**bob, USER: b"\xff"}, 60),
            (1, {**bob, USER: b"a\0b"}, 60),
            (1, {**bob, PASSWORD: b"secret"}, 62),
            (1, {**bob, PASSWORD: b"x" * 60}, 62),
            (1, {**bob, ROLES: names("x" * 63)}, 70),
            (2, {}, 55),
            (3, {USER: b"admin"}, 55),
            (3, {USER: b"admin", PASSWORD: b""}, 62),
            (4, {USER: b"admin", PASSWORD: SECRET}, 55),
            (4, {USER: b"admin", PASSWORD: SECRET, OLD_PASSWORD: SECRET}, 62),
            (10, {ROLE: long}, 70),
            (10, {ROLE: b""}, 70),
            (10, {ROLE: b"r", PRIVILEGES: b"\1\x0a\4test"}, 55),
            (10, {ROLE: b"r", PRIVILEGES: b"\1\x0a\x20" + b"n" * 32 + b"\0"}, 72),
            (10, {ROLE: b"r", PRIVILEGES: b"\1\x0a\0\4demo"}, 72),
            (10, {ROLE: b"r", PRIVILEGES: b"\1\x05"}, 72),
            (10, {ROLE: b"r", READ_QUOTA: b"\1"}, 75),
            (10, {ROLE: b"r", ALLOWLIST: b"10.0.0.256"}, 73),
            (10, {ROLE: b"r", ALLOWLIST: b"\xff"}, 73),
            (12, {ROLE: b"read"}, 70),
            (7, {}, 54),
            (255, {}, 54),
            (LOGIN, {USER: b"\xff", CREDENTIAL: ADMIN}, 60),
            (LOGIN, {USER: b"admin", CREDENTIAL: NO_PASSWORD}, 65),
            (AUTHENTICATE, {TOKEN: b"x" * 4096}, 66),
        )
    ):
        found = ask(wire, command, fields).code
        if found != code:
            wrong[number, command, str(fields)] = found
    assert not wrong
    assert wire.ask(get(1)).code == 81  # the connection is still the administrator's


def test_a_frame_that_is_too_long_ends_the_connection(wire: Wire) -> None:
    with Wire(wire.sock.getpeername()[1]) as other:
        other.sock.sendall(b"\2\2\x7f\xff\xff\xff\xff\xff")
        with pytest.raises(EOFError):
            other.read(1)

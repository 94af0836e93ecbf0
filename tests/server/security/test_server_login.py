"""Logins and sessions of the embedded server, on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from security_wire import (
    ADMIN,
    AUTHENTICATE,
    CLEAR,
    CREDENTIAL,
    LOGIN,
    NO_PASSWORD,
    SECRET,
    TOKEN,
    TTL,
    USER,
    ask,
    authenticate,
    hashed,
    log_in,
    request,
)
from server_wire import Wire, get, integer, put

from pyspike.server import EmbeddedCluster, Security
from pyspike.server.security.certificates import common_name

NOT_AUTHENTICATED, EXPIRED, CREDENTIAL_WRONG = 80, 66, 65
USERS = {"ann": ("secret", ["read-write"]), "card": ("", ["read"]), "ops": ("secret", ["sys-admin"])}


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedCluster]:
    external = {"lena": ("clear", ["read"])}
    with EmbeddedCluster(2, security=Security(users=USERS, external=external)) as cluster:
        yield cluster


@pytest.fixture
def cluster(running: EmbeddedCluster) -> EmbeddedCluster:
    running.reset()
    return running


@pytest.fixture
def wire(cluster: EmbeddedCluster) -> Iterator[Wire]:
    with Wire(cluster.nodes[0].port) as connection:
        yield connection


def test_nothing_is_run_before_a_login(wire: Wire) -> None:
    assert wire.ask(put(1, {"a": integer(1)})).code == NOT_AUTHENTICATED
    wire.send(b"\x16\x08" + bytes(20))  # a batch
    assert wire.read_frame()[8 + 3] & 1  # that ends with its last message
    wire.send(b"build\nnode\n", 1)
    assert wire.read_frame()[8:] == b"ERROR:80:not authenticated\n"
    wire.send(b"", 1)
    assert wire.read_frame()[8:] == b"ERROR:80:not authenticated\n"
    for command in (1, 9, 16, 99):
        assert ask(wire, command).code == NOT_AUTHENTICATED
    log_in(wire, "ann", SECRET)
    assert wire.info("build")["build"] == "8.2.0.0"
    assert wire.ask(put(1, {"a": integer(1)})).code == 0
    assert wire.ask(get(1)).bins["a"] == integer(1)


def test_the_answer_to_a_login_has_the_recorded_form(wire: Wire) -> None:
    wire.send(request(LOGIN, {USER: b"admin", CREDENTIAL: ADMIN}), 2)
    answer = wire.read_frame()
    assert answer[:8] == b"\x02\x02" + (62).to_bytes(6, "big")
    assert answer[8:24] == b"\0\0\0\2" + bytes(12)
    assert answer[24:29] == b"\0\0\0\x21\x05"
    assert answer[61:] == b"\0\0\0\5\6" + (86400).to_bytes(4, "big")
    with Wire(wire.sock.getpeername()[1]) as other:
        other.send(request(AUTHENTICATE, {USER: b"admin", TOKEN: answer[29:61]}), 2)
        assert other.read_frame() == b"\x02\x02\0\0\0\0\0\x10" + bytes(16)


def test_who_is_let_in(wire: Wire) -> None:
    def login(user: str | None, **fields: bytes) -> int:
        kinds = {"credential": CREDENTIAL, "clear": CLEAR}
        sent = {} if user is None else {USER: user.encode()}
        return ask(wire, LOGIN, {**sent, **{kinds[name]: value for name, value in fields.items()}}).code

    assert login("ann", credential=SECRET) == 0
    assert login("ann", credential=ADMIN) == CREDENTIAL_WRONG
    assert login("ann") == CREDENTIAL_WRONG
    assert login("bob", credential=SECRET) == 60
    assert login("card", credential=hashed("guess")) == CREDENTIAL_WRONG
    assert login("card", credential=NO_PASSWORD) == CREDENTIAL_WRONG  # it has a certificate only
    assert login(None) == CREDENTIAL_WRONG  # no certificate
    assert login("ann", credential=SECRET, clear=b"another") == 0  # who is stored needs nobody else's word
    assert login("lena", credential=hashed("clear"), clear=b"clear") == 0
    assert login("lena", credential=hashed("wrong"), clear=b"wrong") == 93
    assert login("otto", credential=SECRET, clear=b"secret") == 93
    assert login("lena", credential=hashed("clear")) == 60


def test_another_system_may_be_a_function_or_none() -> None:
    def known(name: str, password: str) -> list[str] | None:
        return ["read-write", "of another system"] if password == name[::-1] else None

    for external, codes in ((known, (0, 93)), (None, (90, 90))):
        with (
            EmbeddedCluster(security=Security(external=external)) as cluster,
            Wire(cluster.nodes[0].port) as w,
        ):
            for password, code in zip((b"oidu", b"udio"), codes, strict=True):
                assert ask(w, LOGIN, {USER: b"udio", CREDENTIAL: SECRET, CLEAR: password}).code == code
            assert w.ask(put(1, {"a": integer(1)})).code == (0 if external else NOT_AUTHENTICATED)
    with pytest.raises(ValueError, match="function for external users"):
        EmbeddedCluster(process=True, security=Security(external=known))


def test_a_token_is_one_users_at_one_node_until_that_is_restarted(cluster: EmbeddedCluster) -> None:
    first, second = cluster.nodes
    with Wire(first.port) as wire:
        token = log_in(wire)
    with Wire(first.port) as one, Wire(second.port) as two:
        assert authenticate(two, token) == EXPIRED
        assert authenticate(one, token[::-1]) == EXPIRED
        assert authenticate(one, token, "ann") == CREDENTIAL_WRONG
        assert ask(one, AUTHENTICATE, {USER: b"admin"}).code == 55
        assert one.ask(get(1)).code == NOT_AUTHENTICATED
        assert authenticate(one, token) == 0
        assert authenticate(one, token, None) == 0
        assert one.ask(get(1)).code == 81
    first.restart()
    with Wire(first.port) as wire:
        assert authenticate(wire, token) == EXPIRED


def test_sessions_expire_by_the_cluster_clock_and_at_once(cluster: EmbeddedCluster) -> None:
    with Wire(cluster.nodes[0].port) as wire, Wire(cluster.nodes[0].port) as new:
        cluster.security.set_session_ttl(100)
        block = ask(wire, LOGIN, {USER: b"ann", CREDENTIAL: SECRET})
        assert int.from_bytes(block.fields[TTL], "big") == 100
        token = block.fields[TOKEN]
        cluster.clock.advance(50)
        assert authenticate(new, token, "ann") == 0
        cluster.clock.advance(50)
        assert authenticate(new, token, "ann") == EXPIRED
        assert new.ask(get(1)).code == wire.ask(get(1)).code == 2  # who has authenticated stays so
        token = log_in(wire, "ann", SECRET)
        cluster.security.expire_sessions(cluster.nodes[1])
        assert authenticate(new, token, "ann") == 0
        cluster.security.expire_sessions()
        assert authenticate(new, token, "ann") == EXPIRED


def test_the_time_of_sessions_is_a_setting(wire: Wire) -> None:
    log_in(wire)
    change = "set-config:context=security;session-ttl="
    assert wire.info(f"{change}300")[f"{change}300"] == "ERROR:81:role violation"
    log_in(wire, "ops", SECRET)
    invalid = "ERROR:4:invalid set-config parameter"
    for value, answer in (("300", "ok"), ("119", invalid), ("864001", invalid)):
        assert wire.info(f"{change}{value}")[f"{change}{value}"] == answer
    get_config = "get-config:context=security"
    assert wire.info(get_config)[get_config] == "enable-quotas=true;session-ttl=300"
    block = ask(wire, LOGIN, {USER: b"ann", CREDENTIAL: SECRET})
    assert int.from_bytes(block.fields[TTL], "big") == 300


def test_logins_and_authentications_can_be_refused_and_late(cluster: EmbeddedCluster) -> None:
    with Wire(cluster.nodes[0].port) as wire:
        cluster.security.refuse_logins(63, times=2)
        codes = [ask(wire, LOGIN, {USER: b"admin", CREDENTIAL: ADMIN}).code for _ in range(3)]
        assert codes == [63, 63, 0]
        token = log_in(wire)
        cluster.security.refuse_authentications(66)
        assert [authenticate(wire, token), authenticate(wire, token)] == [66, 0]
        cluster.security.delay_logins(0.2)
        begun = time.monotonic()
        log_in(wire)
        assert time.monotonic() - begun >= 0.2
        cluster.security.refuse_logins(60, times=9)
        assert cluster.reset()
        log_in(wire)


def test_a_name_is_taken_from_a_certificate() -> None:
    subject = ((("countryName", "DE"),), (("organizationName", "o"),), (("commonName", "card"),))
    assert common_name({"subject": subject, "version": 3}) == "card"
    assert common_name({"subject": subject[:2]}) is None
    assert common_name({}) is None
    assert common_name(None) is None


def test_security_that_is_switched_off_answers_so_and_lets_everybody_in() -> None:
    with EmbeddedCluster(security=Security(enabled=False)) as cluster, Wire(cluster.nodes[0].port) as wire:
        assert ask(wire, LOGIN, {USER: b"admin", CREDENTIAL: ADMIN}).code == 52
        assert authenticate(wire, b"any") == 52
        assert wire.ask(put(1, {"a": integer(1)})).code == 0
        assert wire.info("node")["node"] == "A1"


def test_users_may_be_added_in_either_kind_of_cluster(cluster: EmbeddedCluster) -> None:
    with EmbeddedCluster(process=True, security=Security(users=USERS)) as apart:
        for each in (cluster, apart):
            each.security.add_user("eva", "pw", ["read"])
            with Wire(each.nodes[0].port) as wire:
                log_in(wire, "eva", hashed("pw"))
                log_in(wire, "ann", SECRET)
            with pytest.raises(ValueError, match="SEC_USER_EXISTS: eva"):
                each.security.add_user("eva", "pw")
            with pytest.raises(ValueError, match="no role 'none'"):
                each.security.add_user("otto", "pw", ["none"])


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"users": {"ann": "secret"}}, TypeError, "a password and roles are wanted for 'ann'"),
        ({"users": {"ann": ("secret", "read")}}, TypeError, "roles of 'ann' are a sequence"),
        ({"users": {"ann": (b"secret", [])}}, TypeError, "the password of 'ann' is a str"),
        ({"users": ["ann"]}, TypeError, "users has a password and roles"),
        ({"external": {1: ("", [])}}, TypeError, "the name of each of external is a str"),
        ({"session_ttl": 0}, ValueError, "session_ttl is within 1..864000"),
        ({"quotas": 1}, TypeError, "quotas is a bool"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Security(**settings)


def test_no_password_is_shown() -> None:
    users = {"ann": ("secret", ["read"])}
    assert "secret" not in repr(Security(users=users, external=users))
    with pytest.raises(TypeError, match="not list") as caught:
        Security(users=[*users.items()])  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_what_needs_security_says_so() -> None:
    with EmbeddedCluster() as cluster, Wire(cluster.nodes[0].port) as wire:
        assert ask(wire, LOGIN, {USER: b"admin", CREDENTIAL: ADMIN}).code == 51
        with pytest.raises(RuntimeError, match="security=True"):
            cluster.security.expire_sessions()
    with pytest.raises(TypeError, match="security is a bool or a Security, not str"):
        EmbeddedCluster(security="yes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no role 'none'"):
        EmbeddedCluster(security=Security(users={"ann": ("admin", ["none"])})).start()

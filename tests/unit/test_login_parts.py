"""What a client makes of a server that answers its token with something else than it should."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import ClientPolicy, ResultCode, errors
from pyspike.cluster.addresses import Endpoint, resolve
from pyspike.cluster.connect import Door, LoopConnection
from pyspike.hosts import Host
from support.all_of import all_of
from support.cluster_tools import in_thread

OK = bytes.fromhex("0202000000000010 00000000 00000000 00000000 00000000")
GRANT = bytes.fromhex("000000010000000000000000000000000000000405746f6b")
QUICK = 2000.0  # ms, for what comes at once


class Peer:
    """A server that answers the first request on each connection with the next of its answers."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []  # None: it closes the connection instead
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        (self.endpoint,) = resolve(Host("127.0.0.1", self._listener.getsockname()[1]))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.asked.append(connection.recv(4096))
                answer = self.answers.pop(0)
                if answer is None:
                    connection.close()
                else:
                    connection.sendall(answer)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            each.close()


class Granting:
    """A connection on which a login succeeds."""

    def exchange(self, message: bytes, timeout: float) -> bytes:
        return GRANT


class Refusing:
    """A connection on which the password is refused."""

    def exchange(self, message: bytes, timeout: float) -> bytes:
        return bytes([0, ResultCode.INVALID_CREDENTIAL]) + bytes(14)


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def _door() -> Door:
    return Door(ClientPolicy(user="ann", password="secret"))


@pytest.fixture
def door(_door: Door, peer: Peer) -> Door:
    log_in(_door, peer.endpoint)
    return _door


def log_in(door: Door, endpoint: Endpoint) -> None:
    granting: Any = Granting()
    assert door.login is not None
    door.login.log_in(granting, endpoint)


def by_thread(door: Door, endpoint: Endpoint, timeout: float) -> None:
    door.connect(endpoint, timeout, "A1").close()


def by_task(door: Door, endpoint: Endpoint, timeout: float, run: Callable[[Any], None] = asyncio.run) -> None:
    class Commands(asyncio.BufferedProtocol):
        transport: Any = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

    async def connect() -> None:
        loop = asyncio.get_running_loop()
        sockets: set[socket.socket] = set()
        try:
            commands = await door.connect_in_loop(
                LoopConnection(
                    loop=loop,
                    endpoint=endpoint,
                    timeout=timeout,
                    node="A1",
                    protocol=Commands,
                    connecting=sockets,
                )
            )
            assert commands.transport.get_protocol() is commands
            commands.transport.abort()
        finally:
            assert not sockets
            await asyncio.sleep(0)  # for the transport to be closed
            await asyncio.sleep(0)

    run(connect())


def by_uvloop(door: Door, endpoint: Endpoint, timeout: float) -> None:
    by_task(door, endpoint, timeout, pytest.importorskip("uvloop").run)


KINDS = pytest.mark.parametrize("connect", [by_thread, by_task, by_uvloop])
Connect = Callable[[Door, Endpoint, float], None]


@KINDS
def test_a_token_that_is_accepted_lets_the_connection_in(door: Door, peer: Peer, connect: Connect) -> None:
    peer.answers = [OK, OK[:9] + b"\x34" + OK[10:]]  # the second: security was switched off meanwhile
    connect(door, peer.endpoint, QUICK)
    connect(door, peer.endpoint, QUICK)
    assert [request[-3:] for request in peer.asked] == [b"tok", b"tok"]


@KINDS
def test_what_is_no_answer_is_refused(door: Door, peer: Peer, connect: Connect) -> None:
    for answer, kind in (
        (b"\x02\x03" + OK[2:], errors.ProtocolError),
        (b"\x02\x02\x00\x00\x7f\xff\xff\xff", errors.ProtocolError),
        (OK[:7] + b"\x08" + OK[8:16], errors.ProtocolError),
        (OK[:9] + b"\x52" + OK[10:], errors.NotAllowlisted),
        (None, errors.ConnectionError),
    ):
        peer.answers = [answer]
        with pytest.raises(kind) as caught:
            connect(door, peer.endpoint, QUICK)
        assert caught.value.node == "A1"
    peer.answers = [OK[:10]]
    with pytest.raises(errors.TimeoutError):
        connect(door, peer.endpoint, 60.0)


def test_a_refusal_while_the_password_changes_is_not_the_last_word(
    door: Door, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = door.login
    assert login is not None
    elsewhere = dataclasses.replace(peer.endpoint, sockaddr=("127.0.0.1", 1))
    refusing: Any = Refusing()
    login.password_changes()
    asked = threading.Event()
    monkeypatch.setattr(login, "needed", asked.set)
    waiting = in_thread(lambda: login.wait(elsewhere, None, QUICK))
    assert asked.wait(QUICK / 1000)
    with pytest.raises(errors.InvalidCredential):
        login.log_in(refusing, elsewhere)
    assert login.is_due(elsewhere), "it is tried again"
    assert not waiting.done
    log_in(door, elsewhere)
    assert waiting.result().token == b"tok"


@KINDS
def test_a_token_that_is_refused_is_waited_for(door: Door, peer: Peer, connect: Connect) -> None:
    assert door.login is not None
    needed = threading.Event()
    door.login.needed = needed.set
    for code in (60, 65, 66, 80):
        needed.clear()
        peer.answers = [OK[:9] + bytes([code]) + OK[10:], OK]
        thread = threading.Thread(
            target=lambda: (needed.wait(10), log_in(door, peer.endpoint))  # as the tend thread does
        )
        thread.start()
        connect(door, peer.endpoint, 10 * QUICK)
        thread.join()


@all_of("tending", [False, True])
def test_who_tends_waits_for_no_login(tending: bool) -> None:
    door = Door(ClientPolicy(user="ann", password="secret"))
    assert door.login is not None
    endpoint = resolve(Host("127.0.0.1", 1))[0]
    door.login.tending = threading.get_ident() if tending else None
    began = time.monotonic()
    with pytest.raises(errors.TimeoutError, match="not logged in"):
        door.connect(endpoint, 10_000 if tending else 30, "A1")
    assert time.monotonic() - began < 9

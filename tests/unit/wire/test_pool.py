"""A pool's connections are shared fairly, first come, first served, and none is used that is stale."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import Key, errors
from pyspike._wire import Connection, Node, NodeLimits, Pool, Routing, advance_clock
from pyspike.errors import ConnectFailed, NoMoreConnections
from support.cluster_tools import Outcome, in_thread, wait_until
from support.messages import DIGEST, Message, parse
from support.unsent import tried_once

FOUND = Message().pack()
SHORT = 5.0  # ms: idle for longer than what is not looked at, but for less than what is noticed by tending


def keys(count: int) -> list[Key]:
    return [Key("test", "s", n) for n in range(count)]


class Line:
    """A pool whose connections end here: the test is the server."""

    def __init__(self, **options: Any) -> None:
        self.servers: list[socket.socket] = []
        self.opener = self.open
        self.node = Node("A1", NodeLimits(**options))
        self.pool = self.node.pool = Pool(self.node, lambda timeout: self.opener(timeout))
        every = b"\xff" * 512
        self.routing = Routing()
        self.routing.partitions = self.routing.partitions.updated(self.node, [("test", 0, [every])])
        self.client = tried_once(self)

    def open(self, timeout: float) -> Connection:
        ours, theirs = socket.socketpair()
        ours.settimeout(5)
        self.servers.append(ours)
        return Connection(theirs.detach())

    def ask(self, key: Key, timeout: float = 10_000) -> bool:
        """An `exists` by way of the pool."""
        return self.client.exists(key, timeout=timeout)

    def ask_later(self, key: Key, timeout: float = 10_000) -> Outcome:
        """The same in a thread, which stands in line when this returns."""
        before = self.pool.stats()["waiting"]
        call = in_thread(lambda: self.ask(key, timeout))
        wait_until(lambda: self.pool.stats()["waiting"] == before + 1, "a place in line")
        return call

    def next_request(self, server: int = 0) -> bytes | None:
        """The digest of the request that arrives next."""
        head = self.servers[server].recv(8, socket.MSG_WAITALL)
        size = int.from_bytes(head[2:], "big")
        return parse(head + self.servers[server].recv(size, socket.MSG_WAITALL)).field(DIGEST)

    def answer(self, server: int = 0) -> None:
        self.servers[server].sendall(FOUND)

    def serve(self, key: Key, server: int = 0) -> None:
        """Answer the next request, which must be for this key."""
        assert self.next_request(server) == key.digest
        self.answer(server)


@pytest.fixture
def lines() -> Iterator[type[Line]]:
    made: list[Line] = []

    class Closing(Line):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    yield Closing
    for line in made:
        line.pool.close()
        for server in line.servers:
            server.close()


def test_commands_are_served_in_the_order_in_which_they_came(lines: type[Line]) -> None:
    line = lines(max_connections=1)
    first, *others = keys(6)
    calls = [in_thread(lambda: line.ask(first))]
    wait_until(lambda: line.servers)
    assert line.next_request() == first.digest
    calls += [line.ask_later(key) for key in others]
    for key in others:
        line.answer()
        assert line.next_request() == key.digest
    line.answer()
    assert [call.result() for call in calls] == [True] * 6
    stats = line.pool.stats()
    assert (stats["opened"], stats["waits"], stats["idle"], stats["waiting"]) == (1, 5, 1, 0)
    assert stats["wait_ms"] > 0


def test_four_connections_serve_thirty_two_in_the_order_in_which_they_came(lines: type[Line]) -> None:
    line = lines(max_connections=4)
    first, others = keys(32)[:4], keys(32)[4:]
    calls = [in_thread(lambda key=key: line.ask(key)) for key in first]  # type: ignore[misc]
    wait_until(lambda: len(line.servers) == 4)
    assert {line.next_request(server) for server in range(4)} == {key.digest for key in first}
    calls += [line.ask_later(key) for key in others]
    chance = random.Random(32)
    for key in others:
        free = chance.randrange(4)
        line.answer(free)
        assert line.next_request(free) == key.digest
    for server in range(4):
        line.answer(server)
    assert [call.result() for call in calls] == [True] * 32
    stats = line.pool.stats()
    assert (stats["opened"], stats["waits"], stats["idle"], stats["waiting"]) == (4, 28, 4, 0)


def test_the_connection_used_last_is_used_next(lines: type[Line]) -> None:
    line = lines(max_connections=2)
    calls = [in_thread(lambda key=key: line.ask(key)) for key in keys(2)]
    wait_until(lambda: len(line.servers) == 2)
    line.answer(1)
    wait_until(lambda: line.pool.stats()["idle"] == 1)
    line.answer(0)
    for call in calls:
        assert call.result()
    again = in_thread(lambda: line.ask(keys(1)[0]))
    for _ in range(2):  # its first request, and the new one
        assert line.next_request(0) is not None
    line.answer(0)
    assert again.result()
    assert line.pool.stats()["opened"] == 2


def test_a_failed_open_hands_the_place_to_the_next_in_line(lines: type[Line]) -> None:
    line = lines(max_connections=1)
    go = threading.Event()

    def refuse(timeout: float) -> Connection:
        line.opener = line.open
        go.wait(10)
        raise errors.ConnectionError("refused")

    line.opener = refuse
    first, second, third = keys(3)
    unlucky = in_thread(lambda: line.ask(first))
    wait_until(lambda: line.opener == line.open, "the first open")
    calls = [line.ask_later(second), line.ask_later(third)]
    go.set()
    assert isinstance(unlucky.error(), errors.ConnectionError)
    for key in (second, third):
        wait_until(lambda: line.servers)
        line.serve(key)
    assert [call.result() for call in calls] == [True, True]
    assert line.pool.stats()["failures"] == 1


def test_a_broken_connection_hands_its_place_to_the_next_in_line(lines: type[Line]) -> None:
    line = lines(max_connections=1)
    first, second = keys(2)
    broken = in_thread(lambda: line.ask(first))
    wait_until(lambda: line.servers)
    call = line.ask_later(second)
    line.next_request()
    line.servers[0].close()
    assert isinstance(broken.error(), errors.ConnectionError)
    wait_until(lambda: len(line.servers) == 2, "another connection")
    line.serve(second, 1)
    assert call.result() is True
    stats = line.pool.stats()
    assert (stats["open"], stats["opened"], stats["closed"]) == (1, 2, {"connection error": 1})


def test_who_gives_up_leaves_the_line_to_the_others(lines: type[Line]) -> None:
    line = lines(max_connections=1)
    first, second, third = keys(3)
    calls = [in_thread(lambda: line.ask(first))]
    wait_until(lambda: line.servers)
    line.next_request()
    impatient = line.ask_later(second, timeout=100)
    calls.append(line.ask_later(third))
    assert isinstance(impatient.error(), NoMoreConnections)
    assert line.pool.stats()["waiting"] == 1
    line.answer()
    line.serve(third)
    assert [call.result() for call in calls] == [True, True]
    assert line.pool.stats()["refused"] == 1


def test_closing_wakes_all_who_wait(lines: type[Line]) -> None:
    line = lines(max_connections=1)
    first, *others = keys(4)
    served = in_thread(lambda: line.ask(first))
    wait_until(lambda: line.servers)
    waiting = [line.ask_later(key) for key in others]
    line.node.retire()
    for call in waiting:
        assert isinstance(call.error(), errors.ConnectionError)
    line.answer()  # what is on its way ends well
    assert served.result() is True
    assert line.pool.stats()["open"] == 0
    with pytest.raises(ConnectFailed):
        line.ask(first)


def test_an_idle_connection_that_the_server_closed_is_replaced_without_an_error(lines: type[Line]) -> None:
    line = lines()
    key = keys(1)[0]
    call = in_thread(lambda: line.ask(key))
    wait_until(lambda: line.servers)
    line.answer()
    assert call.result()
    line.servers[0].close()
    advance_clock(SHORT)
    call = in_thread(lambda: line.ask(key))
    wait_until(lambda: len(line.servers) == 2)
    line.answer(1)
    assert call.result() is True
    assert line.pool.stats()["closed"] == {"closed by the server": 1}
    assert line.pool.stats()["failures"] == 0


def test_an_idle_connection_with_bytes_nobody_asked_for_is_not_used(lines: type[Line]) -> None:
    line = lines()
    key = keys(1)[0]
    call = in_thread(lambda: line.ask(key))
    wait_until(lambda: line.servers)
    line.answer()
    assert call.result()
    line.answer()  # to nothing; it must not be taken for the answer to what comes next
    advance_clock(SHORT)
    call = in_thread(lambda: line.ask(key))
    wait_until(lambda: len(line.servers) == 2)
    line.answer(1)
    assert call.result() is True


def used(line: Line, count: int) -> None:
    """Has so many connections used and idle."""
    calls = [in_thread(lambda key=key: line.ask(key)) for key in keys(count)]  # type: ignore[misc]
    wait_until(lambda: len(line.servers) == count)
    for server in range(count):
        line.next_request(server)
    for server in range(count):
        line.answer(server)
    for call in calls:
        assert call.result()


def test_one_dead_connection_has_all_idle_ones_looked_at(lines: type[Line]) -> None:
    """However short they are idle: here a moment after the last was given back."""
    line = lines(max_connections=8)
    used(line, 6)
    for server in line.servers:
        server.close()
    advance_clock(SHORT)
    call = in_thread(lambda: line.ask(keys(1)[0]))
    wait_until(lambda: len(line.servers) == 7, "a new connection")
    line.answer(6)
    assert call.result() is True
    stats = line.pool.stats()
    assert (stats["closed"], stats["open"], stats["failures"]) == ({"closed by the server": 6}, 1, 0)


def test_who_can_not_open_a_connection_waits_for_one_that_is_in_use(lines: type[Line]) -> None:
    line = lines(max_connections=4)
    used(line, 1)

    def refuse(timeout: float) -> Connection:
        raise errors.ConnectionError("refused")

    line.opener = refuse
    first, second, third = keys(3)
    calls = [in_thread(lambda: line.ask(first))]
    line.next_request()
    calls += [line.ask_later(second), line.ask_later(third)]
    line.answer()
    line.serve(second)
    line.serve(third)
    assert [call.result() for call in calls] == [True] * 3
    stats = line.pool.stats()
    assert (stats["opened"], stats["waits"], stats["idle"], stats["waiting"]) == (1, 2, 1, 0)


def test_who_waits_for_a_connection_that_breaks_fails_as_no_other_can_be_opened(lines: type[Line]) -> None:
    line = lines(max_connections=4)
    used(line, 1)

    def refuse(timeout: float) -> Connection:
        raise errors.ConnectionError("refused")

    line.opener = refuse
    first, second, third = keys(3)
    calls = [in_thread(lambda: line.ask(first))]
    line.next_request()
    calls += [line.ask_later(second), line.ask_later(third)]
    line.servers[0].close()
    for call in calls:
        assert isinstance(call.error(), errors.ConnectionError)
    assert line.pool.stats()["waiting"] == 0


def test_the_reason_is_told_when_none_came_free_for_who_could_not_open_one(lines: type[Line]) -> None:
    line = lines(max_connections=4)
    used(line, 1)

    def refuse(timeout: float) -> Connection:
        raise errors.ConnectionError("refused")

    line.opener = refuse
    first, second = keys(2)
    call = in_thread(lambda: line.ask(first))
    line.next_request()
    error = line.ask_later(second, timeout=50).error()
    assert isinstance(error, errors.ConnectionError)
    assert "refused" in str(error)
    line.answer()
    assert call.result() is True

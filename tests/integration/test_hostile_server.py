"""Whatever a server answers, a command ends in time with an error that says so, and the client goes on."""

from __future__ import annotations

import gc
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hostile_scenarios import (
    BINS,
    DEADLINE,
    FRONT,
    INFO,
    INFO_LIES,
    KEY,
    LIES,
    ONCE,
    HostileServer,
    front,
    message,
    no_answer_takes_much_memory,
    op,
    promises_take_no_memory,
)

from pyspike import Client, ClientPolicy, Key, errors
from pyspike._wire import advance_clock
from support.cluster_tools import closed, in_thread, wait_until, within
from support.processes import run_scenario

pytestmark = [
    pytest.mark.both_kinds,
    pytest.mark.embedded_only,
    pytest.mark.skipif(
        sys.platform != "linux", reason=f"{FRONT} is an address of this machine on Linux only"
    ),
]

PEERS = 400
THREADS = 64  # of the client, however many peers there are
FLOODED = 1.5  # seconds
SUSPICION = 1000.0  # ms after which an idle connection is looked at before it is used
READING = 700.0  # ms beyond the deadline to make 4,000,000 Python objects of 4 MB: twice what that takes
SLACK = 250.0  # ms beyond the deadline, as the hostile server has its share of the machine


@pytest.fixture(scope="module")
def _server() -> Iterator[HostileServer]:
    yield from front()


@pytest.fixture
def server(_server: HostileServer) -> Iterator[HostileServer]:
    yield _server
    _server.behave()


@pytest.fixture
def user(server: HostileServer) -> Iterator[Any]:
    with Client(server.address, ClientPolicy(tend_interval=60_000)) as user:
        user.put(KEY, BINS)
        yield user


@pytest.mark.parametrize("name", LIES)
def test_a_hostile_answer_is_a_clear_error_in_time(server: HostileServer, user: Any, name: str) -> None:
    lie = LIES[name]
    server.answer(lie.pieces)
    with within(DEADLINE + SLACK), pytest.raises(lie.error, match=lie.tells) as read:
        user.get(KEY, policy=ONCE, timeout=lie.deadline)
    assert read.value.node == "A1"
    assert read.value.in_doubt is False
    if lie.error is errors.ProtocolError:
        assert closed(user) == {"protocol error": 1}
    server.behave()
    assert user.get(KEY).bins == BINS


# A write reads no bins of its answer, only whether that is one.
@pytest.mark.parametrize("name", [name for name, lie in LIES.items() if lie.tells != "can't be read"])
def test_a_write_that_met_a_hostile_answer_is_in_doubt_and_not_sent_again(
    server: HostileServer, user: Any, name: str
) -> None:
    lie = LIES[name]
    server.answer(lie.pieces)
    with within(DEADLINE + SLACK), pytest.raises(lie.error) as written:
        user.put(KEY, BINS, timeout=lie.deadline)
    assert written.value.in_doubt is True
    assert len(written.value.attempts) == 1


@pytest.mark.parametrize("name", LIES)
def test_tries_on_a_hostile_server_share_the_deadline(server: HostileServer, user: Any, name: str) -> None:
    lie = LIES[name]
    server.answer(lie.pieces)
    with within(DEADLINE + SLACK), pytest.raises(lie.error) as read:
        user.get(KEY, timeout=lie.deadline)
    assert 1 <= len(read.value.attempts) <= 3


@pytest.mark.parametrize(
    "name", ["an answer that never ends", "an answer that never begins", "just over the limit"]
)
def test_many_commands_at_once_all_end_in_time(server: HostileServer, user: Any, name: str) -> None:
    server.answer(LIES[name].pieces)
    with within(DEADLINE + 2 * SLACK):
        calls = [in_thread(lambda: user.get(KEY, timeout=DEADLINE)) for _ in range(16)]
        assert all(isinstance(call.error(), errors.AerospikeError) for call in calls)


def test_an_answer_that_never_ends_holds_up_nobody_who_comes_later(server: HostileServer) -> None:
    with Client(server.address, ClientPolicy(pipelines_per_node=1)) as user:
        user.put(KEY, BINS)
        server.answer_one(LIES["an answer that never ends"].pieces)
        first = in_thread(lambda: user.get(KEY, policy=ONCE, timeout=DEADLINE / 2))
        second = in_thread(lambda: user.get(KEY, policy=ONCE, timeout=DEADLINE))
        assert isinstance(first.error() or second.error(), errors.TimeoutError)
        second.error()
        assert user.get(KEY, timeout=1000).bins == BINS


def test_an_answer_too_many_is_not_taken_for_that_of_the_next_command(
    server: HostileServer, user: Any
) -> None:
    """A blocking connection is only looked at if it was idle for a while, as that is a system call."""
    other = Key("test", "hostile", 2)
    user.put(other, {"a": 2})
    both_sent = threading.Event()

    def twice() -> Iterator[bytes]:
        yield message()
        yield message()  # which arrives while the connection is idle
        both_sent.set()

    server.answer(twice)
    assert user.get(KEY, policy=ONCE).bins == {}
    assert both_sent.wait(5)
    advance_clock(SUSPICION)
    server.behave()
    for _ in range(10):
        assert user.get(other, policy=ONCE).bins == {"a": 2}


def test_a_great_answer_of_small_values_is_read_in_time(server: HostileServer, user: Any) -> None:
    lists = 4_000_000
    body = b"\xdd" + lists.to_bytes(4, "big") + b"\x90" * lists
    answer = message(ops=1, rest=op(20, body))
    server.answer(lambda: [answer])
    began = time.process_time()  # as what is read holds the GIL, the machine's lag could not be told from it
    with suppress(errors.TimeoutError):
        value = user.get(KEY, policy=ONCE, timeout=DEADLINE)["a"]
        assert len(value) == lists
        assert value[0] == value[-1] == []
    took = (time.process_time() - began) * 1000
    plain = cpu_of_making(lists)
    assert took < DEADLINE + READING + 4 * plain, f"{took:.0f} ms, where {plain:.0f} make them in Python"


def cpu_of_making(lists: int) -> float:
    """The CPU milliseconds that so many empty lists cost here and now, without the collection of garbage."""
    gc.disable()
    try:
        began = time.process_time()
        made = [[] for _ in range(lists)]  # type: ignore[var-annotated]
        took = time.process_time() - began
        del made
    finally:
        gc.enable()
    return took * 1000


# Info -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INFO_LIES)
def test_a_node_that_lies_about_itself_is_no_seed(server: HostileServer, name: str) -> None:
    server.answer(INFO_LIES[name], INFO)
    policy = ClientPolicy(timeout=DEADLINE)
    with within(DEADLINE + SLACK), pytest.raises(errors.ConnectFailed, match=server.address):
        Client(server.address, policy)


@pytest.mark.parametrize("name", INFO_LIES)
def test_a_node_that_lies_to_the_tending_is_back_when_it_stops(server: HostileServer, name: str) -> None:
    with Client(server.address, ClientPolicy(tend_interval=20, timeout=DEADLINE)) as client:
        client.put(KEY, BINS)
        server.answer(INFO_LIES[name], INFO)
        wait_until(lambda: client.stats().tend.last_error, "that the tending notices")
        server.behave()
        wait_until(lambda: any(node.is_active for node in client.nodes()), "the node's return")
        assert client.get(KEY, timeout=5000).bins == BINS


def test_a_flood_of_peers_takes_few_threads(server: HostileServer) -> None:
    """Each of them is at an address that does not answer, so that whoever asks it has to wait."""
    with Client(server.address, ClientPolicy(tend_interval=20, timeout=DEADLINE)) as client, deaf() as host:
        client.put(KEY, BINS)
        peers = ",".join(f"[B{number:X},,[{host}]]" for number in range(1, PEERS + 1))
        server.claim(peers_generation="77", peers_clear_std=f"77,3000,[{peers}]")
        rounds, most = client.stats().tend.rounds, 0
        ends = time.monotonic() + FLOODED
        while time.monotonic() < ends:
            most = max(most, sum(each.name.startswith("pyspike") for each in threading.enumerate()))
            assert client.get(KEY, timeout=5000).bins == BINS
            time.sleep(0.001)
        assert client.stats().tend.rounds > rounds
        assert 1 < most <= THREADS, f"{most} threads"


@contextmanager
def deaf() -> Iterator[str]:
    """An address at which connecting gets no answer, as nobody accepts and its backlog is full."""
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind((FRONT, 0))
        listener.listen(0)
        filler.connect(listener.getsockname())
        yield f"{FRONT}:{listener.getsockname()[1]}"


# Memory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [no_answer_takes_much_memory, promises_take_no_memory])
def test_of_memory(scenario: Callable[[str], None]) -> None:
    run_scenario("hostile_scenarios.py", scenario.__name__, "", "hostile")

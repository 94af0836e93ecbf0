"""Who gets which connection, and what of a command that was not sent, or whose connection could not be had.

In the first part the transports end in the test, which is the server; in the second there are real sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import struct
import threading
import time
import timeit
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import AsyncClient, Client, ClientPolicy, Key, ReadPolicy, WritePolicy, errors
from pyspike._wire import WakeupQueue, advance_clock
from pyspike.server import EmbeddedCluster
from support.cluster_tools import in_thread, wait_in_loop
from support.pipes import FOUND, Pipes, in_loop, read, record, turns, write
from support.threads import tend_threads

ONCE = {"max_retries": 0}
LARGE = record(b"x" * 70_000)


def digests(*numbers: int) -> list[bytes]:
    return [Key("test", "s", number).digest for number in numbers]


# What was not sent ------------------------------------------------------------------------------------------


@in_loop
async def test_a_write_that_was_not_written_yet_goes_out_on_another_connection() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(write(0))
    await turns()
    pipes.transports[0].answer(FOUND)
    await first
    future = pipes.start(write(1, **ONCE))
    pipes.transports[0].lose(ConnectionResetError(104, "Connection reset by peer"))
    await turns()
    assert pipes.transports[0].digests() == digests(0)
    assert pipes.transports[1].digests() == digests(1)
    pipes.transports[1].answer(FOUND)
    assert await future is None


@in_loop
async def test_a_write_that_could_not_be_written_is_not_in_doubt() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(write(0))
    await turns()
    pipes.transports[0].answer(FOUND)
    await first
    future = pipes.start(write(1, timeout=200, **ONCE))
    pipes.refused = 1000
    pipes.transports[0].lose(ConnectionResetError(104, "Connection reset by peer"))
    with pytest.raises(errors.ConnectionError) as caught:
        await future
    assert caught.value.in_doubt is False
    assert {attempt.sent for attempt in caught.value.attempts} == {False}
    assert pipes.transports[0].digests() == digests(0)


@in_loop
async def test_what_the_system_did_not_take_from_a_reset_connection_goes_out_on_another() -> None:
    pipes = Pipes(pipelines_per_node=1)
    late = pipes.start(write(0, timeout=60, size=100))
    others = [pipes.start(write(number, size=100)) for number in (1, 2, 3)]
    await turns()
    first = pipes.transports[0]
    first.held_back = 2 * (len(first.writes[0]) // 4) + 50  # the last two, and a part of the second
    with pytest.raises(errors.TimeoutError) as caught:
        await late
    assert caught.value.in_doubt is True
    with pytest.raises(errors.TimeoutError) as caught:
        await others[0]
    assert caught.value.in_doubt is True
    await turns()
    assert pipes.transports[1].digests() == digests(2, 3)
    pipes.transports[1].answer(FOUND * 2)
    assert await asyncio.gather(*others[1:]) == [None, None]


@in_loop
async def test_what_was_held_back_beyond_its_deadline_is_never_sent() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(write(0))
    await turns()
    pipes.transports[0].protocol.pause_writing()
    patient, hasty = pipes.start(write(1)), pipes.start(write(2, timeout=30))
    await pipes.pass_time(30)
    with pytest.raises(errors.AerospikeError) as caught:
        hasty.result()
    assert caught.value.in_doubt is False
    pipes.transports[0].protocol.resume_writing()
    await turns()
    pipes.transports[0].answer(FOUND + FOUND)
    await asyncio.gather(first, patient)
    assert pipes.transports[0].digests() == digests(0, 1)


@in_loop
async def test_the_line_goes_on_where_what_was_before_it_is_overdue_and_unsent() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    first = pipes.start(write(0))
    await turns()
    pipes.transports[0].answer(FOUND)
    await first
    hasty, patient = pipes.start(write(1, timeout=30)), pipes.start(write(2, timeout=60_000))
    advance_clock(30)
    pipes.watched()  # before anything is written, as in a loop that many tasks hold up
    await turns()
    assert isinstance(hasty.exception(), errors.TimeoutError)
    assert pipes.transports[0].digests() == digests(0, 2)
    pipes.transports[0].answer(FOUND)
    await patient


@in_loop
async def test_what_was_cancelled_before_it_left_is_never_sent() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(write(0))
    await turns()
    futures = [pipes.start(write(number)) for number in (1, 2, 3)]
    futures[1].cancel()
    await turns()
    pipes.transports[0].answer(FOUND * 3)
    await asyncio.gather(first, futures[0], futures[2])
    assert pipes.transports[0].digests() == digests(0, 1, 3)


@in_loop
async def test_the_transport_may_say_that_it_is_enough_in_the_middle_of_a_burst() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(write(0))
    await turns()
    transport = pipes.transports[0]
    keep = transport.write

    def write_and_pause(data: bytes) -> None:
        keep(data)
        transport.protocol.pause_writing()

    transport.write = write_and_pause  # type: ignore[method-assign]
    futures = [pipes.start(write(number, size=60_000)) for number in range(1, 21)]
    await turns()
    assert len(transport.writes) == 2
    assert len(transport.writes[1]) < 400_000
    for _ in range(5):
        transport.protocol.resume_writing()
        await turns()
    transport.answer(FOUND * 21)
    await asyncio.gather(first, *futures)
    assert transport.digests() == digests(*range(21))


# What others do ---------------------------------------------------------------------------------------------


@in_loop
async def test_cancelled_commands_without_any_limit_do_not_fill_a_silent_connection_for_ever() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=4)
    endless = [
        pipes.start(write(number, timeout=0, total_timeout=0, socket_timeout=0)) for number in range(4)
    ]
    await turns()
    for future in endless:
        future.cancel()
    future = pipes.start(read(9, timeout=60_000))
    await pipes.pass_time(1000)  # silence, which housekeeping finds
    pipes.keep_house()
    await turns()
    pipes.transports[1].answer(record(b"x"))
    assert (await future)["a"] == "x"


@in_loop
async def test_a_refused_connection_sends_on_who_waits_behind_a_stalled_one() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    pipes.start(read(0, timeout=0, total_timeout=0, socket_timeout=0))
    hasty = pipes.start(read(1, timeout=3000, **ONCE))
    await pipes.pass_time(3000)
    assert isinstance(hasty.exception(), errors.TimeoutError)  # met silence: the connection is stalled
    pipes.refused = 1
    future = pipes.start(read(2, timeout=60_000))
    await turns(8)  # and no time
    pipes.of_node["A2"][0].answer(record(b"x"))
    assert (await future)["a"] == "x"


# Many -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost", "closed", "overdue"])
@in_loop
async def test_a_thousand_failures_do_not_hold_up_the_loop(fault: str) -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=500)
    timeout = 2_000 if fault == "lost" else 30_000  # the next connection is never answered
    futures = [pipes.start(write(number, timeout=timeout)) for number in range(1000)]
    await turns()
    if fault == "lost":
        pipes.refused = 1
        pipes.transports[0].lose()
    elif fault == "closed":
        pipes.close()
    else:
        await pipes.pass_time(30_000)
    most, done = 0, sum(future.done() for future in futures)
    while done < 1000:
        await asyncio.sleep(0)
        now = sum(future.done() for future in futures)
        most, done = max(most, now - done), now
    assert most <= 16
    assert all(isinstance(future.exception(), errors.AerospikeError) for future in futures)


# Large ------------------------------------------------------------------------------------------------------


@in_loop
async def test_large_answers_and_requests_come_on_connections_of_their_own() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(read(0))  # nobody knows yet
    await turns()
    pipes.transports[0].answer(LARGE)
    await first
    large = [pipes.start(read(number)) for number in (1, 2)]
    put = pipes.start(write(3, size=70_000))
    small = pipes.start(write(4))
    await turns()
    assert [transport.digests() for transport in pipes.transports] == [
        digests(0),
        digests(1),  # one at a time
        digests(3),
        digests(4),
    ]
    _, bulk, bulk_writes, writes = pipes.transports
    writes.answer(FOUND)
    assert small.done()
    for number in (1, 2):
        bulk.answer(LARGE)
        await turns()
        assert large[number - 1].done()
    assert bulk.digests() == digests(1, 2)
    bulk_writes.answer(FOUND)
    await put
    assert pipes.stats()["A1"].large.open == 2


@in_loop
async def test_a_set_is_small_again_after_many_small_answers() -> None:
    pipes = Pipes(pipelines_per_node=1)
    first = pipes.start(read(0))
    await turns()
    pipes.transports[0].answer(LARGE)
    await first
    for number in range(16):
        future = pipes.start(read(number))
        await turns()
        pipes.transports[1].answer(record(b"small"))
        await future
    future = pipes.start(read(99))
    await turns()
    assert pipes.transports[0].digests() == digests(0, 99)
    pipes.transports[0].answer(record(b"small"))
    await future


@in_loop
async def test_the_number_in_flight_is_the_connections_own() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=3)
    first = pipes.start(read(0))
    await turns()
    pipes.transports[0].answer(LARGE)
    await first
    for number in range(6):
        pipes.start(read(number))  # large by now
        pipes.start(write(10 + number))
    await turns()
    assert [transport.protocol.depth for transport in pipes.transports] == [3, 1, 3]
    assert [len(transport.digests()) for transport in pipes.transports] == [1, 1, 3]


@in_loop
async def test_an_answer_in_pieces_stays_where_it_is() -> None:
    pipes = Pipes(pipelines_per_node=1)
    futures = [pipes.start(read(number)) for number in (0, 1)]
    await turns()
    transport = pipes.transports[0]
    data = record(b"a") + record(b"x" * 60_000)
    transport.answer(data[:1000])  # the first, and a part of the second
    place = transport.protocol.get_buffer(-1).obj
    for at in range(1000, len(data), 100):
        transport.answer(data[at : at + 100])
        if at + 100 < len(data):
            assert transport.protocol.get_buffer(-1).obj is place
    assert [len(future.result()["a"]) for future in futures] == [1, 60_000]


# The end ----------------------------------------------------------------------------------------------------


@in_loop
async def test_a_command_that_pauses_before_its_next_try_ends_with_the_client() -> None:
    pipes = Pipes(nodes=2)
    pipes.refused = 2
    policy = {"sleep_between_retries": 5000, "total_timeout": 60_000, "max_retries": 9}
    future = pipes.start(read(0, timeout=60_000, **policy))
    while pipes.refused:
        await asyncio.sleep(0)
    await turns(8)
    assert not future.done()
    pipes.close()
    await turns()
    with pytest.raises(errors.ClientClosed) as caught:
        await future
    assert len(caught.value.attempts) == 2
    assert pipes.transports == []


@in_loop
async def test_a_close_that_is_cancelled_closes_the_cluster_all_the_same(hosts: str) -> None:
    before = tend_threads()
    client = await AsyncClient.connect(hosts)
    await client.exists(("test", "s", 1))
    assert len(tend_threads() - before) == 1
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)
    closing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await closing
    await wait_in_loop(lambda: not tend_threads() - before, "the end of the tend thread")
    with pytest.raises(errors.ClientClosed):
        await client.exists(("test", "s", 1))


# Opening, with real sockets ---------------------------------------------------------------------------------


class Gate:
    """Stands in front of a node, and does to new connections as it is told."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.3:{port}"
        self.resets = False
        self.accepts = True
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.3", port), backlog=1)
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.resets:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                    continue
                node = socket.create_connection(self._target)
                self._sockets += [client, node]
                for pair in ((client, node), (node, client)):
                    thread = threading.Thread(target=self._pass, args=pair, daemon=True)
                    thread.start()
                    self._threads.append(thread)

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    with EmbeddedCluster(process=True) as cluster:
        gate = Gate(cluster.nodes[0].port)
        yield gate
        gate.close()


KEY = Key("test", "channels", 1)


@pytest.mark.embedded_only
@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_connections_that_are_reset_as_they_are_opened_leave_the_node_usable(gate: Gate, kind: str) -> None:
    async def run() -> None:
        policy = ClientPolicy(tend_interval=60_000, ip_map={"127.0.0.1": "127.0.0.3"})
        async with AsyncClient(gate.address, policy) as client:
            gate.resets = True
            for _ in range(60):
                with contextlib.suppress(errors.AerospikeError):
                    await client.put(KEY, {"a": 1}, timeout=50)
            gate.resets = False
            await client.put(KEY, {"a": 2}, timeout=5000)
            assert (await client.get(KEY))["a"] == 2

    if kind == "uvloop":
        pytest.importorskip("uvloop").run(run())
    else:
        asyncio.run(run())


@pytest.mark.embedded_only
@in_loop
async def test_a_connection_that_nobody_accepts_ends_within_the_policys_timeout() -> None:
    with EmbeddedCluster(process=True) as cluster:
        policy = ClientPolicy(timeout=700, tend_interval=60_000)
        async with AsyncClient(cluster.hosts, policy) as client:
            node = cluster.nodes[0]
            await asyncio.to_thread(node.stop)
            with socket.socket() as full:  # in its place
                full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                full.bind(("127.0.0.1", node.port))
                full.listen(0)
                address = full.getsockname()
                fillers = []
                for _ in range(3):  # until the backlog is full
                    filler = socket.socket()
                    filler.setblocking(False)
                    filler.connect_ex(address)
                    fillers.append(filler)
                with pytest.raises(errors.TimeoutError, match=r"no connection to node A1 .* within 700 ms"):
                    await client.get(KEY, timeout=5000, policy=ReadPolicy(max_retries=0))
                for filler in fillers:
                    filler.close()


@pytest.mark.embedded_only
@pytest.mark.one_kind("compares the errors of the two")
def test_both_clients_tell_the_same_of_a_timeout() -> None:
    with EmbeddedCluster(process=True) as cluster, Client(cluster.hosts) as client:
        client.put(KEY, {"a": 1})
        tasks = AsyncClient.sharing(client)
        cluster.nodes[0].freeze()

        async def write_once() -> None:
            await tasks.put(KEY, {"a": 2}, timeout=800)

        async def read_twice() -> None:
            await tasks.get(KEY, timeout=800, policy=ReadPolicy(max_retries=1))

        async def by_tasks() -> list[Any]:
            return await asyncio.gather(write_once(), read_twice(), return_exceptions=True)

        calls = [
            in_thread(lambda: client.put(KEY, {"a": 2}, timeout=800, policy=WritePolicy())),
            in_thread(lambda: client.get(KEY, timeout=800, policy=ReadPolicy(max_retries=1))),
        ]
        blocking = [call.error() for call in calls]
        pipelined = asyncio.run(by_tasks())
        for ours, theirs in zip(pipelined, blocking, strict=True):
            assert isinstance(theirs, errors.TimeoutError)
            assert type(ours) is type(theirs)
            told = ["message", "in_doubt", "advice", "timeout", "node", "key", "result_code"]
            assert [getattr(ours, name) for name in told] == [getattr(theirs, name) for name in told]
            assert [a.sent for a in ours.attempts] == [a.sent for a in theirs.attempts]
            assert [a.error for a in ours.attempts] == [a.error for a in theirs.attempts]


# The loop ---------------------------------------------------------------------------------------------------

WORST = 0.005  # seconds of CPU that the client may take of the loop at a time, on a machine that
NOMINAL = 0.001  # needs so many for a loop of 100,000 turns


def slowness() -> float:
    """How many times slower this machine is now; 1 at least."""
    return max(1.0, min(timeit.repeat("for _ in range(100_000): pass", number=1, repeat=7)) / NOMINAL)


class Callbacks:
    """The CPU seconds of the longest callback of any loop that is not made of steps of users' tasks."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._run = asyncio.Handle._run

    def run(self, handle: asyncio.Handle) -> None:
        began = time.thread_time()
        self._run(handle)
        took = time.thread_time() - began
        callback = handle._callback  # type: ignore[attr-defined]
        step = type(callback).__name__ == "TaskStepMethWrapper"
        if not step and not isinstance(getattr(callback, "__self__", None), (asyncio.Task, WakeupQueue)):
            self.worst = max(self.worst, took)


@pytest.mark.embedded_only
def test_the_client_never_holds_up_the_loop_under_load(
    hosts: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """2,000 tasks, values of 3 kB, and failures of all of them at once in the end.

    What a busy machine adds is left out by the best of some rounds; what other tests keep in memory is not
    collected meanwhile.
    """
    gc.collect()
    gc.freeze()
    request.addfinalizer(gc.unfreeze)
    callbacks = Callbacks()
    monkeypatch.setattr(asyncio.Handle, "_run", lambda handle: callbacks.run(handle))

    async def work(client: AsyncClient, number: int) -> None:
        key = Key("test", "channels", number)
        for _ in range(3):
            await client.put(key, {"a": number, "b": ["x" * 100] * 30}, timeout=60_000)
            assert (await client.get(key, timeout=60_000))["a"] == number

    async def run() -> None:
        client = await AsyncClient.connect(hosts)
        await work(client, 0)
        callbacks.worst = 0.0
        await asyncio.gather(*(work(client, number) for number in range(2000)))
        tasks = [asyncio.create_task(work(client, number)) for number in range(2000)]
        await asyncio.sleep(0.01)
        await client.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    rounds = []
    while len(rounds) < 8 and min(rounds, default=1.0) >= WORST:
        asyncio.run(run())
        rounds.append(callbacks.worst / slowness())
    print(f"the longest callbacks took {[f'{took * 1000:.2f} ms' for took in rounds]} of CPU")
    assert min(rounds) < WORST

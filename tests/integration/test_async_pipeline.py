"""Many commands in flight on one connection: what leaves when, whose answer is whose, and what ends in time.

In the first part the transports end in the test, which is the server. In the second there is a node with
faults.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from typing import Any

import pytest

from pyspike import AsyncClient, ClientPolicy, Key, ReadPolicy, WritePolicy, errors
from pyspike._wire import Future
from pyspike.cluster.loop_executor import Pipeline
from pyspike.errors import ClientClosed, NoMoreConnections
from pyspike.server import EmbeddedCluster
from support.cluster_tools import PATIENCE, wait_in_loop
from support.messages import Message
from support.pipes import FOUND, Pipes, Transport, in_loop, read, record, turns, write

ONCE = {"max_retries": 0}


def digests(*numbers: int) -> list[bytes]:
    return [Key("test", "s", number).digest for number in numbers]


def value(future: Future) -> str:
    """What a `get` that is done has given."""
    result: str = future.result()["a"]
    return result


# Down -------------------------------------------------------------------------------------------------------


@in_loop
async def test_commands_of_one_iteration_leave_in_one_write() -> None:
    pipes = Pipes(pipelines_per_node=1)
    for start in (0, 50, 100):  # the first time they wait for the connection
        for number in range(start, start + 50):
            pipes.start(read(number))
        await turns()
        (transport,) = pipes.transports
        assert len(transport.writes) == start // 50 + 1
        transport.answer(record(b"x") * 50)
    assert transport.digests() == digests(*range(150))


@in_loop
async def test_a_burst_on_several_connections_is_one_write_each() -> None:
    pipes = Pipes(pipelines_per_node=3, commands_per_pipeline=40)
    for number in range(120):
        pipes.start(read(number))
    await turns(10)
    assert [len(transport.digests()) for transport in pipes.transports] == [40, 40, 40]
    assert [len(transport.writes) for transport in pipes.transports] == [1, 1, 1]


@in_loop
async def test_the_least_loaded_connection_is_next_when_all_are_busy() -> None:
    pipes = Pipes(pipelines_per_node=2, commands_per_pipeline=100)
    for number in range(80):
        pipes.start(read(number))
        await turns(3)
    first, second = pipes.transports
    assert (len(first.digests()), len(second.digests())) in {(40, 40), (41, 39), (42, 38)}
    second.answer(FOUND * 10)
    for number in range(6):
        pipes.start(read(number))
    await turns()
    assert len(second.digests()) >= 44


@in_loop
async def test_a_second_connection_is_opened_only_when_the_first_is_busy() -> None:
    pipes = Pipes(pipelines_per_node=2)
    for number in range(200):
        future = pipes.start(read(number))
        await turns()
        pipes.transports[0].answer(record(b"x"))
        await future
    assert pipes.numbers.opened == 1


@in_loop
async def test_writing_is_held_back_while_the_server_does_not_read() -> None:
    pipes = Pipes(pipelines_per_node=1)
    futures = [pipes.start(write(0))]
    await turns()
    (transport,) = pipes.transports
    transport.protocol.pause_writing()
    futures += [pipes.start(write(number)) for number in range(1, 4)]
    await turns()
    assert len(transport.writes) == 1
    assert (pipes.numbers.in_flight, pipes.numbers.waiting) == (1, 3)
    transport.protocol.resume_writing()  # before any answer
    await turns()
    assert transport.digests() == digests(0, 1, 2, 3)
    assert len(transport.writes) == 2
    transport.answer(FOUND * 4)
    assert await asyncio.gather(*futures) == [None] * 4


@in_loop
async def test_what_was_submitted_before_a_pause_leaves_after_it() -> None:
    pipes = Pipes(pipelines_per_node=1)
    pipes.start(read(0))
    await turns()
    (transport,) = pipes.transports
    pipes.start(read(1))
    transport.protocol.pause_writing()  # in the same iteration
    await turns()
    assert len(transport.writes) == 1
    transport.protocol.resume_writing()
    assert transport.digests() == digests(0, 1)


@in_loop
async def test_another_connection_is_used_while_one_is_held_back() -> None:
    pipes = Pipes(pipelines_per_node=2, commands_per_pipeline=4)
    for number in range(5):
        pipes.start(read(number))
    await turns(8)
    first, second = pipes.transports
    second.protocol.pause_writing()
    first.answer(FOUND)
    pipes.start(read(9))
    await turns()
    assert first.digests()[-1:] == digests(9)


# Up ---------------------------------------------------------------------------------------------------------


@in_loop
async def test_one_read_resolves_all_the_answers_it_holds() -> None:
    pipes = Pipes()
    futures = [pipes.start(read(number)) for number in range(60)]
    await turns()
    pipes.transports[0].answer(b"".join(record(b"%d" % number) for number in range(60)))
    assert all(future.done() for future in futures)
    assert [value(future) for future in futures] == [str(number) for number in range(60)]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 8, 9, 29, 30, 31, 64, 1000])
@in_loop
async def test_answers_in_pieces_are_put_together(step: int) -> None:
    pipes = Pipes()
    futures = [pipes.start(read(number)) for number in range(20)]
    await turns()
    data = b"".join(record(b"%d" % number * (number * 7)) for number in range(20))
    for at in range(0, len(data), step):
        assert sum(future.done() for future in futures) <= at
        pipes.transports[0].answer(data[at : at + step])
    assert [value(future) for future in futures] == [str(number) * (number * 7) for number in range(20)]


@in_loop
async def test_pieces_of_any_size_are_put_together() -> None:
    chance = random.Random(4)
    pipes = Pipes()
    for _ in range(30):
        pipes.large.clear()  # or all would go on connections of their own from now on
        sizes = [chance.choice((0, 10, 500, 60_000, 70_000, 200_000)) for _ in range(12)]
        futures = [pipes.start(read(number)) for number in range(12)]
        await turns()
        data = b"".join(record(b"%04d" % size * (size // 4)) for size in sizes)
        while data:
            step = chance.choice((1, 20, 1500, 65536, 100_000))
            pipes.transports[0].answer(data[:step])
            data = data[step:]
        for size, future in zip(sizes, futures, strict=True):
            assert value(future) == f"{size:04}" * (size // 4)
    assert pipes.numbers.opened == 1


@in_loop
async def test_a_large_answer_gets_a_buffer_that_grows_as_it_comes_and_is_given_back() -> None:
    pipes = Pipes()
    futures = [pipes.start(read(number)) for number in range(2)]
    await turns()
    transport = pipes.transports[0]
    small = len(transport.protocol.get_buffer(-1))
    data = record(b"x" * 1_000_000)
    transport.answer(data[:100])
    assert len(transport.protocol.get_buffer(-1)) == small - 100  # what is announced takes no memory
    transport.answer(data[100:small])
    assert len(transport.protocol.get_buffer(-1)) == small  # a full buffer is doubled
    transport.answer(data[small:] + record(b"y"))
    assert len(value(futures[0])) == 1_000_000
    assert value(futures[1]) == "y"
    assert len(transport.protocol.get_buffer(-1)) == small


@in_loop
async def test_client_policy_buffer_reclaim_threshold_keeps_buffers_below_it() -> None:
    for threshold in (65_536, 2_000_000):
        pipes = Pipes(buffer_reclaim_threshold=threshold)
        pipes.start(read(0))
        await turns()
        transport = pipes.transports[0]
        data = record(b"x" * 1_000_000)
        transport.answer(data[:100])
        transport.answer(data[100:])
        assert len(transport.protocol.get_buffer(-1)) == (len(data) if threshold > len(data) else 65_536)


@in_loop
async def test_an_error_of_the_server_is_the_error_of_its_command_only() -> None:
    pipes = Pipes()
    futures = [pipes.start(read(number)) for number in range(3)]
    await turns()
    pipes.transports[0].answer(record(b"a") + Message(result=2).pack() + record(b"c"))
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert results[0]["a"] == "a"
    assert isinstance(results[1], errors.RecordNotFound)
    assert results[1].key == Key("test", "s", 1)
    assert results[2]["a"] == "c"


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad",
        FOUND[:3] + b"\xff" * 40,
        bytes(8),
        (2 << 56 | 3 << 48 | 200 << 20).to_bytes(8, "big"),
    ],
    ids=["text", "length", "zeros", "too large"],
)
@in_loop
async def test_garbage_ends_the_connection_and_no_answer_is_made_of_what_follows(garbage: bytes) -> None:
    pipes = Pipes(pipelines_per_node=1)
    reads = [pipes.start(read(number, **ONCE)) for number in range(3)]
    writes = [pipes.start(write(number)) for number in range(3, 6)]
    await turns()
    for transport in pipes.transports:
        transport.answer(record(b"0") + garbage + record(b"1") * 4)
        assert transport.aborted
    await turns()
    assert value(reads[0]) == "0"
    assert writes[0].result() is None
    for future, in_doubt in [(reads[1], False), (reads[2], False), (writes[1], True), (writes[2], True)]:
        error = future.exception()
        assert isinstance(error, errors.ProtocolError)
        assert error.in_doubt is in_doubt
        assert error.node == "A1"
    assert pipes.numbers.closed == {"protocol error": 2}


@in_loop
async def test_a_broken_answer_fails_its_command_and_sends_the_others_elsewhere() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    futures = [pipes.start(read(number)) for number in range(3)]
    await turns()
    first = pipes.of_node["A1"][0]
    broken = Message(ops=()).pack()[:-1] + b"\x05"  # says that it has five operations
    first.answer(record(b"0") + broken + record(b"2"))
    await turns(8)
    assert first.aborted
    assert pipes.of_node["A2"][0].digests() == digests(1, 2)
    pipes.of_node["A2"][0].answer(record(b"1") + record(b"2"))
    assert [value(future) for future in futures] == ["0", "1", "2"]


@in_loop
async def test_bytes_behind_the_last_answer_are_no_answer_to_what_comes_next() -> None:
    pipes = Pipes(pipelines_per_node=1)
    future = pipes.start(read(0, **ONCE))
    await turns()
    pipes.transports[0].answer(record(b"0") + record(b"surplus"))
    assert "behind the answer" in str(future.exception())
    assert pipes.transports[0].aborted
    later = pipes.start(read(1))
    await turns()
    pipes.transports[1].answer(record(b"1"))
    assert value(later) == "1"
    pipes.transports[1].answer(b"\x02")  # while nothing is in flight
    assert pipes.transports[1].aborted


# Loss -------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_lost_connection_sends_reads_elsewhere_and_leaves_writes_in_doubt() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    reads = [pipes.start(read(number)) for number in range(3)]
    writes = [pipes.start(write(number)) for number in range(3, 6)]
    await turns()
    for_reads, for_writes = pipes.of_node["A1"]
    for_reads.answer(record(b"0") + record(b"1")[:10])
    for_reads.lose()
    for_writes.answer(FOUND[:10])
    for_writes.lose()
    await turns()
    for future in writes:
        error = future.exception()
        assert isinstance(error, errors.ConnectionError)
        assert "in the middle of the answer" in str(error)
        assert error.in_doubt is True
        assert [(attempt.node, attempt.sent) for attempt in error.attempts] == [("A1", True)]
    await turns(8)
    assert pipes.of_node["A2"][0].digests() == digests(1, 2)
    pipes.of_node["A2"][0].answer(record(b"1") + record(b"2"))
    assert [value(future) for future in reads] == ["0", "1", "2"]
    assert pipes.cluster.requested


@in_loop
async def test_reads_that_wait_for_a_connection_that_can_not_be_had_go_elsewhere() -> None:
    pipes = Pipes(nodes=2)
    pipes.refused = 2
    futures = [pipes.start(read(number)) for number in range(5)]
    writing = pipes.start(write(9))
    await turns(8)
    pipes.of_node["A2"][0].answer(record(b"x") * 5)
    assert [value(future) for future in futures] == ["x"] * 5
    assert not writing.done()  # it was not sent, and goes to the master only
    await wait_in_loop(lambda: "A1" in pipes.of_node, "another attempt")
    await turns()
    assert pipes.of_node["A1"][0].digests() == digests(9)
    pipes.of_node["A1"][0].answer(FOUND)
    await writing


@in_loop
async def test_a_connection_that_is_closed_as_soon_as_it_is_open_holds_nobody_up() -> None:
    pipes = Pipes(pipelines_per_node=1)
    pipes.slow = True
    future = pipes.start(read(0, **ONCE))
    await turns()
    channel = pipes.opening.pop()
    pipeline = Pipeline(channel)
    transport = Transport(pipes.loop, pipeline)
    pipeline.connection_made(transport)
    transport.lose()
    channel.opened(pipeline)
    assert "as soon as it was open" in str(future.exception())


@in_loop
async def test_commands_that_wait_get_the_connection_after_the_one_that_is_lost() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=2)
    futures = [pipes.start(read(number, **ONCE)) for number in range(4)]
    await turns()
    pipes.transports[0].lose(ConnectionResetError(104, "Connection reset by peer"))
    assert "reset" in str(futures[0].exception())
    await turns()
    assert pipes.transports[1].digests() == digests(2, 3)


# Back-pressure ----------------------------------------------------------------------------------------------


@in_loop
async def test_beyond_what_is_in_flight_commands_wait_in_order() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=3)
    futures = [pipes.start(read(number)) for number in range(10)]
    await turns()
    (transport,) = pipes.transports
    assert transport.digests() == digests(0, 1, 2)
    assert (pipes.numbers.in_flight, pipes.numbers.waiting) == (3, 7)
    late = pipes.start(read(10))  # does not overtake those in line
    transport.answer(record(b"x"))
    await turns()
    assert transport.digests() == digests(0, 1, 2, 3)
    for _ in range(10):
        transport.answer(record(b"x"))
        await turns()
    assert transport.digests() == digests(*range(11))
    assert [value(future) for future in [*futures, late]] == ["x"] * 11


@in_loop
async def test_client_policy_max_waiting_per_node_is_the_length_of_the_line() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=2, max_waiting_per_node=3)
    futures = [pipes.start(read(number, **ONCE)) for number in range(2)]
    await turns()
    futures += [pipes.start(read(number, **ONCE)) for number in range(2, 5)]
    refused = pipes.start(read(5, **ONCE))
    error = refused.exception()  # at once
    assert isinstance(error, NoMoreConnections)
    assert "as many commands as max_waiting_per_node allows (3) wait for node A1" in str(error)
    assert "raise ClientPolicy.max_waiting_per_node" in error.advice
    futures[3].cancel()
    admitted = pipes.start(read(6, **ONCE))  # in the place of the one that left
    assert not admitted.done()
    for _ in range(4):
        pipes.transports[0].answer(record(b"x"))
        await turns()
    assert pipes.transports[0].digests() == digests(0, 1, 2, 4, 6)


@in_loop
async def test_client_policy_max_waiting_per_node_of_zero_still_lets_a_first_connection_be_opened() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=2, max_waiting_per_node=0)
    futures = [pipes.start(read(number, **ONCE)) for number in range(3)]
    assert isinstance(futures[2].exception(), NoMoreConnections)
    await turns()
    pipes.transports[0].answer(record(b"x") * 2)
    assert [value(future) for future in futures[:2]] == ["x", "x"]


@in_loop
async def test_who_waits_too_long_is_told_that_the_connections_are_full() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    first = pipes.start(write(0, timeout=60_000))
    await turns()
    waiting = [pipes.start(write(number, timeout=30)) for number in range(1, 4)]
    await pipes.pass_time(30)
    with pytest.raises(NoMoreConnections) as caught:
        waiting[0].result()
    assert (
        caught.value.message == "timed out before it was sent, in line with 3 writes for node A1 "
        "(connections for them: 1, commands on each: 1)"
    )
    assert caught.value.in_doubt is False
    assert "raise the timeout" in caught.value.advice
    await asyncio.gather(*waiting, return_exceptions=True)
    await turns()
    assert pipes.numbers.waiting == 0
    pipes.transports[0].answer(FOUND)
    await turns()
    assert first.done()
    assert pipes.transports[0].digests() == digests(0)  # the other was never sent


# Time -------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_thousand_deadlines_take_a_few_timers() -> None:
    pipes = Pipes(commands_per_pipeline=1000)
    began = time.monotonic()
    for _ in range(5):
        futures = [pipes.start(read(number, timeout=10_000)) for number in range(1000)]
        await turns()
        for transport in pipes.transports:
            transport.answer(record(b"x") * (len(transport.digests()) - getattr(transport, "answered", 0)))
            transport.answered = len(transport.digests())  # type: ignore[attr-defined]
        assert all(future.done() for future in futures)
    assert pipes.timers <= 3 + 20 * (time.monotonic() - began)  # to see whether a connection is silent


@in_loop
async def test_a_command_that_times_out_fails_alone_and_its_late_answer_is_dropped() -> None:
    pipes = Pipes(pipelines_per_node=1)
    patient = pipes.start(read(0, timeout=60_000, **ONCE))
    hasty = pipes.start(read(1, timeout=3000, **ONCE))
    third = pipes.start(read(2, timeout=60_000, **ONCE))
    await pipes.pass_time(3000)
    with pytest.raises(errors.TimeoutError, match="timed out waiting for the answer") as caught:
        hasty.result()
    error = caught.value
    assert (error.timeout, error.key, error.node) == (3000, Key("test", "s", 1), "A1")
    assert len(error.attempts) == 1
    assert not patient.done()
    pipes.transports[0].answer(record(b"0") + record(b"too late") + record(b"2"))
    assert [value(patient), value(third)] == ["0", "2"]
    assert pipes.numbers.opened == 1
    assert pipes.numbers.closed == {}


@in_loop
async def test_the_oldest_read_times_out_alone_too() -> None:
    pipes = Pipes(pipelines_per_node=1)
    hasty = pipes.start(read(0, timeout=3000, **ONCE))
    patient = pipes.start(read(1, timeout=60_000, **ONCE))
    await pipes.pass_time(3000)
    assert isinstance(hasty.exception(), errors.TimeoutError)
    assert not patient.done()
    pipes.transports[0].answer(record(b"too late") + record(b"1"))
    assert value(patient) == "1"
    assert pipes.numbers.closed == {}


@in_loop
async def test_a_head_overdue_beyond_the_socket_timeout_closes_the_connection() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    head = pipes.start(read(0, timeout=60_000, socket_timeout=3000, total_timeout=60_000, max_retries=0))
    other = pipes.start(read(1, timeout=60_000))
    last = pipes.start(read(2, timeout=60_000, **ONCE))
    await pipes.pass_time(3000)
    with pytest.raises(errors.TimeoutError) as caught:
        head.result()
    assert caught.value.attempts[0].elapsed_ms >= 3000
    await turns(8)
    assert pipes.of_node["A1"][0].aborted
    assert pipes.stats()["A1"].closed == {"timeout": 1}
    assert isinstance(last.exception(), errors.TimeoutError)
    assert pipes.of_node["A2"][0].digests() == digests(1)
    pipes.of_node["A2"][0].answer(record(b"1"))
    assert value(other) == "1"


@in_loop
async def test_progress_keeps_a_slow_connection_alive() -> None:
    pipes = Pipes(pipelines_per_node=1)
    limits = {"socket_timeout": 3000, "total_timeout": 60_000, "timeout": 60_000}
    future = pipes.start(read(0, max_retries=0, **limits))
    await turns()
    data = record(b"slow but steady")
    for at in range(0, len(data), 4):
        pipes.transports[0].answer(data[at : at + 4])
        await pipes.pass_time(1000)
    assert value(future) == "slow but steady"


@in_loop
async def test_a_timeout_in_the_middle_of_the_answer_says_so() -> None:
    pipes = Pipes(pipelines_per_node=1)
    future = pipes.start(read(0, timeout=3000, **ONCE))
    await turns()
    data = record(b"x" * 100)
    pipes.transports[0].answer(data[:20])
    await pipes.pass_time(3000)
    with pytest.raises(errors.TimeoutError, match=f"in the middle of the answer .20 of {len(data)} bytes"):
        future.result()


@in_loop
async def test_a_connection_that_nobody_waits_for_is_closed_after_the_timeout_delay() -> None:
    for delay, late in ((0, True), (60_000, False)):
        pipes = Pipes(pipelines_per_node=1)
        future = pipes.start(read(0, timeout=3000, timeout_delay=delay, **ONCE))
        await pipes.pass_time(3000)
        assert isinstance(future.exception(), errors.TimeoutError)
        transport = pipes.transports[0]
        assert transport.aborted is late
        if not late:
            transport.answer(record(b"late"))
            pipes.start(read(1))
            await turns()
            assert transport.digests() == digests(0, 1)
        pipes.close()


@in_loop
async def test_a_connection_that_takes_too_long_to_open_sends_reads_elsewhere() -> None:
    pipes = Pipes(nodes=2)
    pipes.slow = True
    future = pipes.start(read(0, timeout=9000))  # each of its three tries has 3 s
    await pipes.pass_time(3100)
    assert [channel.node.name for channel in pipes.opening] == ["A1", "A2"]
    pipes.opening.reverse()
    pipes.open()
    await turns()
    pipes.of_node["A2"][0].answer(record(b"x"))
    assert value(future) == "x"
    pipes.open()  # the other, which finds nobody in line
    await turns()
    assert pipes.of_node["A1"][0].writes == []


@in_loop
async def test_nothing_is_given_up_while_there_is_something_to_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pipes = Pipes(pipelines_per_node=1)
        pipes.socket = ours
        future = pipes.start(read(0, timeout=3000, **ONCE))
        theirs.send(b"x")  # an answer that the loop has not come to
        await pipes.pass_time(3050)
        assert not future.done()
        ours.recv(1)
        await pipes.pass_time(1)
        assert isinstance(future.exception(), errors.TimeoutError)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_loop_that_was_held_up_reads_before_it_gives_up(one: EmbeddedCluster, loop: str) -> None:
    async def run() -> None:
        async with AsyncClient(one.hosts) as client:
            await client.put(key_of(1), {"n": 1})
            await client.get(key_of(1))
            for _ in range(3):
                reading = asyncio.ensure_future(client.get(key_of(1), timeout=300))
                await asyncio.sleep(0)
                await asyncio.sleep(0)  # it has left
                time.sleep(0.5)  # the answer is there, and the deadline is past
                assert (await reading)["n"] == 1
            assert client.stats().loops[0]["A1"].closed == {}

    if loop == "uvloop":  # which has been known to look at its timers first
        pytest.importorskip("uvloop", reason="uvloop is not installed").run(run())
    else:
        asyncio.run(run())


# The end ----------------------------------------------------------------------------------------------------


@in_loop
async def test_closing_ends_what_is_in_flight_and_what_waits() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=2)
    futures = [pipes.start(write(number)) for number in range(4)]
    await turns()
    pipes.close()
    await turns()
    raised = [future.exception() for future in futures]
    assert all(isinstance(error, ClientClosed) for error in raised)
    assert [error.in_doubt for error in raised] == [True, True, False, False]  # type: ignore[union-attr]
    assert pipes.transports[0].aborted
    assert isinstance(pipes.start(read(9)).exception(), ClientClosed)


@in_loop
async def test_idle_connections_are_closed() -> None:
    pipes = Pipes(pipelines_per_node=1)
    pipes.start(read(0))
    await turns()
    pipes.transports[0].answer(record(b"x"))
    pipes.keep_house()
    assert not pipes.transports[0].aborted
    pipes.cluster.nodes[0].retire()  # it has left the cluster
    pipes.keep_house()
    assert pipes.transports[0].aborted
    assert pipes.stats() == {}


# With a server ----------------------------------------------------------------------------------------------


def key_of(number: int) -> Key:
    return Key("test", "pipelines", number)


async def fill(client: AsyncClient, count: int) -> None:
    await asyncio.gather(*(client.put(key_of(n), {"n": n}, timeout=30_000) for n in range(count)))


async def check(client: AsyncClient, count: int, **options: Any) -> None:
    options = {"timeout": 30_000, **options}
    records = await asyncio.gather(*(client.get(key_of(n), **options) for n in range(count)))
    assert [record["n"] for record in records] == list(range(count))


@in_loop
async def test_a_thousand_tasks_share_two_connections_for_reads_and_two_for_writes(
    hosts: str, set_name: str
) -> None:
    async with AsyncClient(hosts, ClientPolicy(pipelines_per_node=2, commands_per_pipeline=64)) as client:

        async def work(number: int) -> None:
            key = Key("test", set_name, f"thousand {number}")
            for turn in range(3):
                await client.put(key, {"n": number, "turn": turn}, timeout=30_000)
                assert (await client.get(key, timeout=30_000)).bins == {"n": number, "turn": turn}

        await asyncio.gather(*(work(number) for number in range(1000)))
        for channel in client.stats().loops[0].values():
            # Two for reads and two for writes; beside silent ones, on a slow machine, as many again.
            assert 2 <= channel.open <= channel.opened <= 8
            assert (channel.in_flight, channel.waiting) == (0, 0)


@in_loop
async def test_answers_that_come_byte_by_byte(one: EmbeddedCluster) -> None:
    async with AsyncClient(one.hosts) as client:
        await fill(client, 100)
        one.nodes[0].drip(1, 0.0)
        await check(client, 100)
        one.nodes[0].drip(5, 0.0005)
        await check(client, 100)


@in_loop
async def test_answers_of_all_sizes_in_one_pipeline(hosts: str, set_name: str) -> None:
    sizes = [1, 900_000, 10, 70_000, 3, 65_000, 100, 400_000, 0] * 4
    async with AsyncClient(hosts, ClientPolicy(pipelines_per_node=1)) as client:
        keys = [Key("test", set_name, f"size {number}") for number in range(len(sizes))]
        for key, size in zip(keys, sizes, strict=True):
            await client.put(key, {"n": size, "b": bytes(size)}, timeout=30_000)
        records = await asyncio.gather(*(client.get(key, timeout=30_000) for key in keys))
        assert [(record["n"], len(record["b"])) for record in records] == [(size, size) for size in sizes]
        # Many large writes at once: more than the sockets hold, so that the transport says when to pause.
        await asyncio.gather(
            *(
                client.put(key, {"b": bytes(size)}, timeout=30_000)
                for key, size in zip(keys, sizes, strict=True)
            )
        )
        await asyncio.gather(*(client.delete(key, timeout=30_000) for key in keys))


@in_loop
async def test_a_slow_read_at_the_head_holds_up_only_its_connection(one: EmbeddedCluster) -> None:
    policy = ClientPolicy(pipelines_per_node=1)
    async with AsyncClient(one.hosts, policy) as client:
        await fill(client, 20)
        one.nodes[0].freeze()
        slow = asyncio.ensure_future(client.get(key_of(9), timeout=20_000))
        hasty = [
            asyncio.ensure_future(client.get(key_of(n), policy=ReadPolicy(total_timeout=100, max_retries=0)))
            for n in range(20)
        ]
        raised = await asyncio.gather(*hasty, return_exceptions=True)
        assert all(isinstance(error, errors.TimeoutError) for error in raised)
        assert not slow.done()
        one.nodes[0].thaw()
        assert (await slow)["n"] == 9
        await check(client, 20)
        assert client.stats().loops[0]["A1"].closed == {}


FAULTS = ["cut", "close_after_request", "drop_before_execute", "garbage"]


@pytest.mark.parametrize("fault", FAULTS)
@in_loop
async def test_reads_survive_a_connection_that_breaks_under_a_hundred_of_them(
    three: EmbeddedCluster, fault: str
) -> None:
    async with AsyncClient(three.hosts, ClientPolicy(tend_interval=100)) as client:
        await fill(client, 300)
        for times in (1, 2, 3):
            for node in three.nodes:
                getattr(node, fault)(times=times)
            policy = ReadPolicy(max_retries=10, total_timeout=30_000)
            await check(client, 300, policy=policy, timeout=None)


@pytest.mark.parametrize("fault", FAULTS)
@in_loop
async def test_writes_under_a_breaking_connection_are_done_or_in_doubt(
    one: EmbeddedCluster, fault: str
) -> None:
    async with AsyncClient(one.hosts, ClientPolicy(tend_interval=100)) as client:
        await fill(client, 100)
        getattr(one.nodes[0], fault)()
        done = await asyncio.gather(
            *(client.add(key_of(n), {"n": 1000}) for n in range(100)), return_exceptions=True
        )
        assert any(error is not None for error in done)
        for n, error in enumerate(done):
            found = (await client.get(key_of(n)))["n"]
            if error is None:
                assert found == n + 1000
            else:
                assert isinstance(error, errors.AerospikeError)
                assert error.in_doubt is True
                assert found in (n, n + 1000)


@in_loop
async def test_reads_go_on_while_nodes_freeze_restart_and_go(three: EmbeddedCluster) -> None:
    policy = ReadPolicy(max_retries=6, total_timeout=20_000, socket_timeout=150)
    async with AsyncClient(three.hosts, ClientPolicy(tend_interval=100)) as client:
        await fill(client, 200)
        stop = False
        rounds = 0

        async def load(part: int) -> None:
            nonlocal rounds
            while not stop:
                for n in range(part, 200, 20):
                    assert (await client.get(key_of(n), policy=policy))["n"] == n
                rounds += 1

        async def act(step: Any) -> None:
            await asyncio.to_thread(step)
            goal = rounds + 20
            while rounds < goal:
                await asyncio.sleep(0.005)

        tasks = [asyncio.create_task(load(part)) for part in range(20)]
        first, second, third = three.nodes
        for step in (
            first.freeze,
            first.thaw,
            second.stop,
            second.start,
            lambda: third.kill(detach_after=0.05),
            lambda: third.restart(0),
        ):
            await act(step)
            await settled(client)
        stop = True
        await asyncio.gather(*tasks)


async def settled(client: AsyncClient) -> None:
    """Wait until tending has gone round a few times."""
    end = time.monotonic() + PATIENCE
    goal = client.stats().tend.rounds + 4
    while client.stats().tend.rounds < goal:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@in_loop
async def test_a_node_that_leaves_takes_its_connections_with_it(three: EmbeddedCluster) -> None:
    async with AsyncClient(three.hosts, ClientPolicy(tend_interval=50)) as client:
        await fill(client, 100)
        assert set(client.stats().loops[0]) == {"A1", "A2", "A3"}
        await asyncio.to_thread(three.nodes[1].stop)
        end = time.monotonic() + PATIENCE
        while "A2" in client.stats().loops[0]:
            assert time.monotonic() < end
            await client.get(key_of(1), policy=ReadPolicy(max_retries=5))
            await asyncio.sleep(0.02)
        await check(client, 100)


@in_loop
async def test_a_write_whose_connection_is_refused_is_not_in_doubt(one: EmbeddedCluster) -> None:
    async with AsyncClient(one.hosts) as client:
        await asyncio.to_thread(one.nodes[0].refuse)
        with pytest.raises(errors.ConnectionError, match="refused") as caught:
            await client.put(key_of(1), {"n": 1}, policy=WritePolicy(max_retries=0))
        assert caught.value.in_doubt is False


@in_loop
async def test_client_policy_idle_timeout_closes_pipelines(one: EmbeddedCluster) -> None:
    async with AsyncClient(one.hosts, ClientPolicy(idle_timeout=50)) as client:
        await client.put(key_of(1), {"n": 1})
        end = time.monotonic() + PATIENCE
        while (numbers := client.stats().loops[0].get("A1")) and numbers.open:
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        assert (await client.get(key_of(1)))["n"] == 1

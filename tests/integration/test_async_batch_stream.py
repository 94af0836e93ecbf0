"""What is peculiar to the streams of tasks: rows that tasks make, cancelling, and a loop that goes on.

What streams do is told in test_batch_stream, for both kinds of client. Here the test is the server.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from pyspike import (
    AsyncBatchStream,
    AsyncClient,
    BatchPolicy,
    BatchRead,
    BatchRecord,
    BatchRow,
    BatchWrite,
    ClientPolicy,
    Key,
    errors,
)
from pyspike import operations as op
from support.cluster_tools import wait_in_loop
from support.pipes import Pipes, in_loop, turns
from support.task_batches import LAST, Executor, Turns, asked, client_of, key, rows, serve, values

pytestmark = pytest.mark.one_kind("of tasks only")

LARGE = b"x" * 100_000


def reads(count: int) -> list[BatchRow]:
    return [BatchRead(key(number)) for number in range(count)]


class Counted:
    """Rows, and how many of them were read: as an iterable, or by tasks."""

    def __init__(self, given: Iterable[BatchRow]) -> None:
        self.given = given
        self.count = 0
        self.ended = False

    def __iter__(self) -> Iterator[BatchRow]:
        for row in self.given:
            self.count += 1
            yield row

    async def made(self, pause: Callable[[], Any] | None = None) -> AsyncIterator[BatchRow]:
        try:
            for row in self:
                if pause is not None:
                    await pause()
                yield row
        finally:
            self.ended = True


async def count_of(stream: AsyncBatchStream) -> int:
    """How many rows were done, without a list of them."""
    count = 0
    async for row in stream:
        count += row.ok
    return count


async def all_of(stream: AsyncBatchStream) -> tuple[list[BatchRecord], BaseException | None]:
    """All outcomes, and the error with which the stream ends."""
    found = []
    try:
        async for row in stream:
            found.append(row)  # noqa: PERF401
    except (Exception, asyncio.CancelledError) as error:
        return found, error
    return found, None


def following(stream: AsyncBatchStream) -> asyncio.Task[BatchRecord]:
    return asyncio.ensure_future(anext(stream))


# What it gives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [False, True], ids=["an iterable", "an asynchronous one"])
@pytest.mark.parametrize("in_flight", [1, 7, 1000])
@in_loop
async def test_each_row_has_one_outcome_and_no_more_are_read_than_may_be_in_flight(
    in_flight: int, made: bool
) -> None:
    pipes = Pipes(nodes=2)
    counted = Counted(reads(100))
    found: list[BatchRecord] = []
    given: Any = counted.made() if made else counted
    servers: list[asyncio.Task[None]] = []
    async with client_of(pipes).batch_stream(given, in_flight=in_flight) as stream:
        first = following(stream)
        await wait_in_loop(lambda: pipes.transports)
        servers += [asyncio.ensure_future(serve(transport)) for transport in pipes.transports]
        found.append(await first)
        async for row in stream:
            assert counted.count <= len(found) + in_flight
            found.append(row)
    assert len({row.key for row in found}) == len(found) == 100
    assert values([row.record for row in found]) == ["x"] * 100
    assert max(len(numbers) for numbers in asked(pipes.transports[0])) <= -(-in_flight // 4)
    assert pipes.numbers.batches.in_flight == 0
    assert not pipes.is_busy
    for server in servers:
        server.cancel()


@in_loop
async def test_nothing_is_read_or_sent_before_the_first_outcome_is_asked_for() -> None:
    pipes = Pipes()
    counted = Counted(reads(3))
    stream = client_of(pipes).batch_stream(counted)
    await turns(10)
    assert (counted.count, pipes.transports) == (0, [])
    assert repr(stream) == "<AsyncBatchStream 0 rows under way>"
    await stream.aclose()
    assert [row async for row in stream] == []
    assert (counted.count, repr(stream)) == (0, "<AsyncBatchStream finished>")


@in_loop
async def test_wrong_arguments_are_refused_by_the_call() -> None:
    stream = client_of(Pipes()).batch_stream
    with pytest.raises(errors.InvalidType, match="rows must be an iterable of rows, not int"):
        stream(5)
    with pytest.raises(errors.InvalidArgument, match="in_flight must be 1 to"):
        stream([], in_flight=0)
    with pytest.raises(TypeError, match="makes an AsyncBatchStream"):
        AsyncBatchStream()
    assert [row async for row in AsyncBatchStream.__new__(AsyncBatchStream)] == []
    assert [row async for row in stream([])] == []


@in_loop
async def test_outcomes_come_as_they_are_read_and_requests_go_out_while_the_task_is_elsewhere() -> None:
    pipes = Pipes()
    stream = client_of(pipes).batch_stream(reads(10), in_flight=4)
    first = following(stream)
    await turns(10)
    (transport,) = pipes.transports
    assert asked(transport) == [[0, 1]]
    transport.answer(rows([1]))
    assert (await first).key == key(1)
    transport.answer(rows([0]) + LAST)
    await turns()
    assert asked(transport) == [[0, 1], [0, 1]], "nobody asks for an outcome at the moment"
    server = asyncio.ensure_future(serve(transport, skip=1))
    assert len([row async for row in stream]) == 9
    server.cancel()


@in_loop
async def test_rows_that_come_slowly_are_sent_as_they_come() -> None:
    pipes = Pipes()
    gate = asyncio.Semaphore(0)
    counted = Counted(reads(5))
    stream = client_of(pipes).batch_stream(counted.made(gate.acquire))
    first = following(stream)
    for number in range(2):
        gate.release()
        await turns(10)
        pipes.transports[0].answer(rows(asked(pipes.transports[0])[number]) + LAST)
        assert (await (following(stream) if number else first)).key == key(number)
    for _ in range(3):
        gate.release()
    server = asyncio.ensure_future(serve(pipes.transports[0], skip=2))
    assert len([row async for row in stream]) == 3
    server.cancel()


# What is not wanted yet -------------------------------------------------------------------------------------


async def left_alone(pipes: Pipes, count: int = 30) -> AsyncBatchStream:
    """A stream whose answers are large, and whose task is elsewhere after the first."""
    stream: AsyncBatchStream = client_of(pipes).batch_stream(reads(count), in_flight=2 * count)
    first = following(stream)
    await turns(10)
    for number in range(count):
        pipes.transports[0].answer(rows([number], value=LARGE))
    pipes.transports[0].answer(LAST)
    await first
    await turns(20)
    return stream


@in_loop
async def test_what_nobody_takes_stays_in_the_socket_and_its_time_does_not_count() -> None:
    pipes = Pipes()
    stream = await left_alone(pipes)
    assert pipes.transports[0].unread > 20 * len(LARGE)
    assert pipes.numbers.batches.in_flight == 1
    await pipes.pass_time(600_000)
    found = [row async for row in stream]
    assert [row.ok for row in found] == [True] * 29
    assert pipes.numbers.batches.in_flight == 0
    assert pipes.numbers.batches.closed == {}


@in_loop
async def test_a_node_that_falls_silent_in_what_was_not_wanted_has_its_time_from_then_on() -> None:
    pipes = Pipes()
    stream = await left_alone(pipes)
    pipes.transports[0].keep_silent(10 * len(LARGE))
    await pipes.pass_time(600_000)
    rest = asyncio.ensure_future(all_of(stream))
    await turns(50)
    assert not rest.done()
    await pipes.pass_time(60_000)
    found, error = await rest
    assert error is None
    assert len(found) == 29
    assert {type(row.error) for row in found if not row.ok} == {errors.TimeoutError}
    assert pipes.numbers.batches.closed.keys() == {"timeout"}


@in_loop
async def test_who_needs_the_connection_gets_it() -> None:
    pipes = Pipes(max_conns_per_node=1)
    stream = await left_alone(pipes)
    call = asyncio.ensure_future(client_of(pipes).batch_exists([key(1)]))
    await wait_in_loop(lambda: len(asked(pipes.transports[0])) == 2)
    pipes.transports[0].answer(rows([0]) + LAST)
    assert await call == [True]
    assert len([row async for row in stream]) == 29


@in_loop
async def test_closing_the_client_does_not_wait_for_who_is_elsewhere() -> None:
    pipes = Pipes()
    stream = await left_alone(pipes)
    assert not pipes.is_busy
    pipes.close()
    found, error = await all_of(stream)
    assert error is None, "all rows were read and had their outcomes"
    assert {type(row.error) for row in found if not row.ok} == {errors.ClientClosed}
    assert len(found) == 29


# Cancelling and closing -------------------------------------------------------------------------------------


@in_loop
async def test_a_task_that_is_cancelled_while_it_waits_loses_no_outcome() -> None:
    """Also if the outcome is there, and the task was woken but has not gone on yet."""
    pipes = Pipes()
    stream = client_of(pipes).batch_stream(reads(6))
    tasks = [following(stream) for _ in range(3)]
    await turns(10)
    tasks[1].cancel()
    await turns()
    pipes.transports[0].answer(rows([0]))
    tasks[0].cancel()  # the answer has woken it
    assert (await tasks[2]).key == key(0)
    for task in tasks[:2]:
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(stream), 0.001)
    pipes.transports[0].answer(rows([5, 4, 3, 2, 1]) + LAST)
    assert {row.key for row in [row async for row in stream]} == {key(number) for number in range(1, 6)}


@in_loop
async def test_several_tasks_share_a_stream() -> None:
    pipes = Pipes()
    stream = client_of(pipes).batch_stream(Counted(reads(2000)).made(), in_flight=100)
    tasks = [asyncio.ensure_future(all_of(stream)) for _ in range(4)]
    await wait_in_loop(lambda: pipes.transports)
    server = asyncio.ensure_future(serve(pipes.transports[0]))
    found = [row.key for task in tasks for row in (await task)[0]]
    assert len(set(found)) == len(found) == 2000
    server.cancel()


@pytest.mark.parametrize("how", ["aclose", "async with", "exception", "drop", "cancel"])
@in_loop
async def test_a_stream_that_ends_early_reads_answers_to_their_ends_and_takes_nothing_from_them(
    how: str,
) -> None:
    pipes = Pipes()
    counted = Counted(itertools.cycle(reads(10)))
    given = counted.made()
    stream = client_of(pipes).batch_stream(given, in_flight=8)
    task = following(stream)
    await turns(10)
    transport = pipes.transports[0]
    transport.answer(rows([0])[:50])
    if how == "cancel":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stream.aclose()
    else:
        transport.answer(rows([0])[50:])
        assert (await task).ok
    count = counted.count
    if how == "aclose":
        await stream.aclose()
        await stream.aclose()
    elif how == "async with":
        async with stream as same:
            assert same is stream
    elif how == "exception":
        with pytest.raises(ZeroDivisionError):
            async with stream:
                1 / 0  # noqa: B018
    if how != "drop":
        assert [row async for row in stream] == []
    del task, stream
    await turns(10)
    assert counted.count <= count + 4, "of which the first outcome made room"
    assert pipes.streams == set()
    transport.answer((rows([0])[50:] if how == "cancel" else b"") + rows([1, 2, 3]) + LAST)
    await turns()
    assert asked(transport) == [[0, 1, 2, 3]]
    assert pipes.numbers.batches.in_flight == 0
    assert pipes.numbers.batches.closed == {}
    assert not pipes.is_busy
    await given.aclose()
    assert counted.ended


@in_loop
async def test_closing_does_not_return_before_the_rows_are_read_no_more() -> None:
    pipes = Pipes()
    ends: list[str] = []

    async def made() -> AsyncIterator[BatchRow]:
        yield reads(1)[0]
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0)
            ends.append("rows")

    async with client_of(pipes).batch_stream(made()) as stream:
        task = following(stream)
        await turns(10)
    assert ends == ["rows"]
    with pytest.raises(StopAsyncIteration):
        await task


@in_loop
async def test_its_own_rows_may_close_it() -> None:
    pipes = Pipes()
    held: list[AsyncBatchStream] = []

    async def made() -> AsyncIterator[BatchRow]:
        yield reads(1)[0]
        await held[0].aclose()
        yield reads(1)[0]

    held.append(client_of(pipes).batch_stream(made()))
    assert [row async for row in held[0]] == []
    await turns()
    assert pipes.streams == set()


@in_loop
async def test_a_large_answer_of_a_stream_that_was_left_is_read_to_its_end() -> None:
    pipes = Pipes(max_conns_per_node=1)
    stream = await left_alone(pipes)
    await stream.aclose()
    assert await answered_after(pipes) == [True]
    assert len(pipes.transports) == 1


async def answered_after(pipes: Pipes) -> Any:
    call = asyncio.ensure_future(client_of(pipes).batch_exists([key(1)]))
    await wait_in_loop(lambda: len(asked(pipes.transports[0])) == 2)
    pipes.transports[0].answer(rows([0]) + LAST)
    return await call


@in_loop
async def test_what_a_stream_held_is_let_go() -> None:
    def loop_streams() -> int:
        gc.collect()
        return sum(type(each).__name__ == "LoopStream" for each in gc.get_objects())

    before = loop_streams()
    for left in (False, True):
        pipes = Pipes()
        stream = client_of(pipes).batch_stream(Counted(reads(2)).made() if left else reads(2))
        task = following(stream)
        await turns(10)
        pipes.transports[0].answer(rows([0, 1]) + LAST)
        await task
        if not left:
            assert len([row async for row in stream]) == 1
        del stream, task
        await turns(10)
    assert loop_streams() == before


# What fails -------------------------------------------------------------------------------------------------


class Trouble(Exception):  # noqa: N818 - a user's
    pass


@pytest.mark.parametrize("bad", ["rows raise", "rows of tasks raise", "rows are cancelled", "no row"])
@in_loop
async def test_what_the_rows_raise_comes_when_the_rows_before_have_their_outcomes(bad: str) -> None:
    pipes = Pipes()

    def plain() -> Iterator[Any]:
        yield from reads(5)
        if bad == "rows raise":
            raise Trouble
        yield ("test", "s", 1)

    async def made() -> AsyncIterator[BatchRow]:
        for row in reads(5):
            yield row
        raise Trouble if bad == "rows of tasks raise" else asyncio.CancelledError

    stream = client_of(pipes).batch_stream(made() if "tasks" in bad or "cancelled" in bad else plain())
    task = asyncio.ensure_future(all_of(stream))
    await wait_in_loop(lambda: pipes.transports)
    server = asyncio.ensure_future(serve(pipes.transports[0]))
    found, error = await task
    assert [row.ok for row in found] == [True] * 5
    kinds = {"no row": errors.InvalidType, "rows are cancelled": asyncio.CancelledError}
    assert isinstance(error, kinds.get(bad, Trouble))
    assert await all_of(stream) == ([], None)
    server.cancel()


@in_loop
async def test_rows_without_an_answer_go_to_the_next_replica_and_writes_are_in_doubt() -> None:
    pipes = Pipes(nodes=2)
    written = [BatchWrite(each.key, [op.put("a", 1)]) for each in reads(4)[2:]]
    stream = client_of(pipes).batch_stream([*reads(2), *written])
    task = asyncio.ensure_future(all_of(stream))
    await turns(10)
    pipes.of_node["A1"][0].lose()
    await turns(20)
    pipes.of_node["A2"][0].answer(rows(asked(pipes.of_node["A2"][0])[0]) + LAST)
    found, error = await task
    assert error is None
    assert {row.key for row in found if row.ok} == {key(0), key(1)}
    assert all(row.in_doubt for row in found if not row.ok)


@in_loop
async def test_rows_fail_alone_with_what_the_node_answered_before_the_rest_is_there() -> None:
    pipes = Pipes()
    stream = client_of(pipes).batch_stream(BatchWrite(key(number), [op.put("a", 1)]) for number in range(3))
    task = following(stream)
    await turns(10)
    pipes.transports[0].answer(rows([1], code=9))
    row = await task
    assert isinstance(row.error, errors.ServerTimeout)
    assert row.in_doubt, "it was sent, also when the answer's first frame is all there is"
    pipes.transports[0].answer(rows([0, 2], value=None) + LAST)
    assert [row.ok async for row in stream] == [True, True]


@in_loop
async def test_a_fault_of_this_client_ends_the_stream() -> None:
    pipes = Pipes()

    class Failing(Executor):
        def plan(self, batch: Any) -> Any:
            raise Trouble

    client = client_of(pipes, executor=Failing)
    found, error = await all_of(client.batch_stream(reads(1)))
    assert isinstance(error, Trouble)
    assert found == []


@in_loop
async def test_closing_the_client_ends_a_stream() -> None:
    pipes = Pipes()
    counted = Counted(itertools.cycle(reads(10)))
    for given in (counted, counted.made()):
        stream = client_of(pipes).batch_stream(given, in_flight=8)
        task = asyncio.ensure_future(all_of(stream))
        await turns(10)
        assert pipes.is_busy
        if given is not counted:
            pipes.close()
            found, error = await task
            assert {type(row.error) for row in found} == {errors.ClientClosed}
            assert isinstance(error, errors.ClientClosed)
            assert not pipes.is_busy
        else:
            task.cancel()


def test_a_stream_belongs_to_the_loop_in_which_it_was_begun() -> None:
    held: list[AsyncBatchStream] = []

    async def begin() -> None:
        pipes = Pipes()
        held.append(client_of(pipes).batch_stream(reads(3)))
        task = following(held[0])
        await turns(10)
        task.cancel()

    async def go_on() -> None:
        with pytest.raises(RuntimeError, match="begun in another loop"):
            await anext(held[0])

    asyncio.run(begin())
    asyncio.run(go_on())


# Slices -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [False, True], ids=["an iterable", "an asynchronous one"])
@in_loop
async def test_the_loop_goes_on_while_a_long_stream_is_read_sent_and_answered(made: bool) -> None:
    pipes = Pipes()
    counted = Counted(BatchRead(key(number)) for number in range(20_000))
    given: Any = counted.made() if made else counted
    stream = client_of(pipes).batch_stream(given, in_flight=15_000)
    with Turns() as counter:
        task = asyncio.ensure_future(all_of(stream))
        await wait_in_loop(lambda: pipes.transports)
        server = asyncio.ensure_future(serve(pipes.transports[0]))
        found, _ = await task
        server.cancel()
    assert len(found) == 20_000
    assert counter.count >= 20


# On a cluster -----------------------------------------------------------------------------------------------


@in_loop
async def test_a_stream_feeds_another(hosts: str, set_name: str) -> None:
    """What one reads is what the other writes: no list of it is ever made."""
    names = [Key("test", set_name, f"feeding {number}") for number in range(80)]
    async with AsyncClient(hosts, ClientPolicy(batch=BatchPolicy(total_timeout=30_000))) as client:
        await client.batch_put({name: {"a": number} for number, name in enumerate(names)})
        read = client.batch_stream((BatchRead(name) for name in names), in_flight=20)
        made = (BatchWrite(row.key, [op.put("a", row.record["a"] * 2)]) async for row in read if row.record)
        assert await count_of(client.batch_stream(made, in_flight=20)) == 80
        assert values(await client.batch_get(names)) == [*range(0, 160, 2)]
        await client.batch_delete(names)


@in_loop
async def test_memory_does_not_grow_with_the_number_of_rows(hosts: str, key: Key) -> None:
    """It has a bound by what may be in flight; how much of it comes at once is up to the machine."""
    count, in_flight = 20_000, 200
    async with AsyncClient(hosts, ClientPolicy(batch=BatchPolicy(total_timeout=30_000))) as client:
        await client.put(key, {"a": "x" * 1000})

        for made in (False, True):
            for traced in (False, True):
                counted = Counted(itertools.repeat(BatchRead(key), count))
                given: Any = counted.made() if made else counted
                if traced:
                    tracemalloc.start()
                try:
                    assert await count_of(client.batch_stream(given, in_flight=in_flight)) == count
                    peak = tracemalloc.get_traced_memory()[1]
                finally:
                    tracemalloc.stop()
                assert peak < in_flight * 3000  # an answer, and the record made of it
        await client.delete(key)

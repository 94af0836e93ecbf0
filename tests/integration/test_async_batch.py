"""What is peculiar to the batches of tasks: the loop goes on, cancelling harms nobody, connections are few.

What batches do is told in test_batch, for both kinds of client. In the first part the test is the server.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import struct
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from pyspike import (
    BatchDelete,
    BatchPolicy,
    BatchRead,
    BatchWrite,
    Concurrency,
    Key,
    errors,
)
from pyspike import operations as op
from support.cluster_tools import wait_in_loop
from support.messages import Message, Op
from support.pipes import Pipes, Transport, in_loop, turns
from support.task_batches import LAST, Turns, asked, client_of, key, keys, rows, serve, values

# Requests and answers ---------------------------------------------------------------------------------------


@in_loop
async def test_a_batch_is_sent_when_it_is_awaited_and_has_a_connection_to_itself() -> None:
    pipes = Pipes()
    client = client_of(pipes)
    calls = [client.batch_get(keys(3)), client.batch_exists(keys(2))]
    await turns()
    assert pipes.transports == []
    tasks = [asyncio.ensure_future(call) for call in calls]
    await turns(10)
    first, second = pipes.transports
    assert (asked(first), asked(second)) == ([[0, 1, 2]], [[0, 1]])
    second.answer(rows([1], code=2) + rows([0]) + LAST)
    first.answer(rows([2], value=b"2") + rows([0, 1]) + LAST)
    assert await tasks[1] == [True, False]
    assert values(await tasks[0]) == ["x", "x", "2"]
    stats = pipes.stats()["A1"]
    assert (stats.open, stats.batches.open, stats.batches.in_flight) == (0, 2, 0)


@in_loop
async def test_a_batch_that_is_never_awaited_says_so() -> None:
    client = client_of(Pipes())
    with pytest.warns(RuntimeWarning, match=r"coroutine 'AsyncClient\.batch_get' was never awaited"):
        client.batch_get(keys(3))


@in_loop
async def test_wrong_arguments_are_told_by_the_call_and_those_of_long_batches_when_it_is_awaited() -> None:
    pipes = Pipes()
    client = client_of(pipes)
    with pytest.raises(errors.InvalidType):
        client.batch_get(5)
    with pytest.raises(errors.InvalidType):
        client.batch_put([(key(1), {"a": object()})])
    with pytest.raises(errors.InvalidArgument):
        client.batch_get([], timeout=-1)
    call = client.batch_put(itertools.chain(((key(n), {"a": n}) for n in range(20_000)), [(key(1), 5)]))
    with pytest.raises(errors.InvalidType) as caught:
        await call
    assert caught.value.key == key(1)
    assert pipes.transports == []


@in_loop
async def test_lists_may_change_while_a_batch_takes_them() -> None:
    pipes = Pipes()
    client = client_of(pipes)
    given = [(("test", "s", number), {"a": number}) for number in range(5000)]
    put = asyncio.ensure_future(client.batch_put(given))
    records = dict(given)
    other = asyncio.ensure_future(client.batch_put(records))
    await asyncio.sleep(0)
    given.clear()
    records.clear()
    await wait_in_loop(lambda: len(pipes.transports) == 2 and all(map(asked, pipes.transports)))
    assert [len(asked(transport)[0]) for transport in pipes.transports] == [4096, 4096]
    put.cancel()
    other.cancel()


class Counting:
    """What is made of it is counted when it goes."""

    gone: ClassVar[list[int]] = []

    def __del__(self) -> None:
        self.gone[0] += 1


class Name(Counting, tuple[str, str, int]):
    pass


class Bins(Counting, dict[str, int]):
    pass


GIVEN: dict[str, Callable[[Any], Any]] = {
    "a list": lambda client: client.batch_exists([Name(("test", "s", number)) for number in range(20_000)]),
    "a mapping": lambda client: client.batch_put({key(number): Bins(a=number) for number in range(20_000)}),
}


@pytest.mark.parametrize("given", GIVEN)
@in_loop
async def test_what_was_given_is_let_go_one_by_one_as_it_is_taken(given: str) -> None:
    """To free thousands of objects at once would hold the loop."""
    Counting.gone[:] = [0]
    pipes = Pipes()
    task = asyncio.ensure_future(GIVEN[given](client_of(pipes)))
    counts = [0]
    while counts[-1] < 20_000:
        await asyncio.sleep(0)
        counts.append(Counting.gone[0])
    assert max(after - before for before, after in itertools.pairwise(counts)) < 10_000
    task.cancel()


@in_loop
async def test_large_batches_go_out_one_request_after_the_other() -> None:
    pipes = Pipes()
    task = asyncio.ensure_future(client_of(pipes).batch_exists(keys(10_000)))
    await wait_in_loop(lambda: pipes.transports)
    for count in (1, 2, 3):
        await wait_in_loop(lambda count=count: len(asked(pipes.transports[0])) == count)
        pipes.transports[0].answer(rows(asked(pipes.transports[0])[-1]) + LAST)
    assert await task == [True] * 10_000
    assert [len(numbers) for numbers in asked(pipes.transports[0])] == [4096, 4096, 1808]


@in_loop
async def test_nodes_are_asked_one_after_the_other_if_the_policy_says_so() -> None:
    pipes = Pipes(nodes=2)
    policy = BatchPolicy(concurrency=Concurrency.SEQUENTIAL, total_timeout=60_000, replica=_random())
    task = asyncio.ensure_future(client_of(pipes).batch_exists(keys(100), policy=policy))
    await turns(10)
    for transport in (pipes.transports[0], None):
        if transport is None:
            await turns(10)
            transport = pipes.transports[1]
        else:
            assert len(pipes.transports) == 1
        (numbers,) = asked(transport)
        transport.answer(rows(numbers) + LAST)
    assert await task == [True] * 100


def _random() -> Any:
    from pyspike import Replica

    return Replica.RANDOM


@in_loop
async def test_an_empty_batch_asks_nobody() -> None:
    pipes = Pipes()
    client = client_of(pipes)
    assert await client.batch_get([]) == []
    assert len(await client.batch([])) == 0
    assert await client.batch_put({}) is None
    assert pipes.transports == []


# Slices -----------------------------------------------------------------------------------------------------


@in_loop
async def test_an_answer_in_one_large_frame_is_read_over_many_turns() -> None:
    pipes = Pipes()
    count = 4000
    task = asyncio.ensure_future(client_of(pipes).batch_get(keys(count)))
    await wait_in_loop(lambda: pipes.transports and asked(pipes.transports[0]))
    bins = tuple(Op(1, b"bin%d" % number, 3, b"y" * 20) for number in range(20))
    bodies = [Message(generation=1, timeout=number, ops=bins).body for number in range(count)]
    body = b"".join(bodies)
    with Turns() as counter:
        pipes.transports[0].answer(struct.pack(">Q", 2 << 56 | 3 << 48 | len(body)) + body + LAST)
        records = await task
    assert all(len(record.bins) == 20 for record in records)
    assert pipes.transports[0].holds >= 1
    assert counter.count >= 2
    assert not pipes.numbers.batches.closed


LONG: dict[str, Callable[[Any], Any]] = {
    "reads": lambda client: client.batch_exists([("test", "s", number) for number in range(20_000)]),
    "records": lambda client: client.batch_get(keys(20_000)),
    "writes": lambda client: client.batch_put({key(number): {"a": number} for number in range(50_000)}),
    "results": lambda client: client.batch([BatchRead(key(number)) for number in range(20_000)]),
}


@pytest.mark.parametrize("call", LONG)
@in_loop
async def test_the_loop_goes_on_while_a_long_batch_is_packed_routed_and_answered(call: str) -> None:
    pipes = Pipes()
    task = asyncio.ensure_future(LONG[call](client_of(pipes)))
    with Turns() as counter:
        await wait_in_loop(lambda: pipes.transports)
        server = asyncio.ensure_future(serve(pipes.transports[0]))
        await task
        server.cancel()
    assert counter.count >= 20


@in_loop
async def test_the_loop_goes_on_while_thousands_of_rows_fail() -> None:
    pipes = Pipes()
    client = client_of(pipes, max_retries=0)
    task = asyncio.ensure_future(client.batch(BatchRead(each) for each in keys(20_000)))
    await wait_in_loop(lambda: pipes.transports and asked(pipes.transports[0]))
    with Turns() as counter:
        pipes.transports[0].lose()
        results = await task
    counter.expect_slices()
    assert len(results.failed) == 20_000
    assert all(type(row.error) is errors.ConnectionError for row in results)
    with Turns() as counter:
        assert (
            len((await client.batch(BatchRead(Key("nope", "s", n)) for n in range(20_000))).failed) == 20_000
        )
    counter.expect_slices()


@in_loop
async def test_a_small_batch_does_not_wait_for_a_large_one() -> None:
    pipes = Pipes()
    client = client_of(pipes)
    large = asyncio.ensure_future(client.batch_get([("test", "s", number) for number in range(20_000)]))
    small = asyncio.ensure_future(client.batch_get(keys(3)))
    await wait_in_loop(lambda: pipes.transports)
    transport = pipes.transports[0]
    assert asked(transport) in ([], [[0, 1, 2]])
    await wait_in_loop(lambda: asked(transport))
    transport.answer(rows(range(3)) + LAST)
    assert values(await small) == ["x"] * 3
    assert not large.done()
    large.cancel()


# Cancelling -------------------------------------------------------------------------------------------------


@in_loop
async def test_the_answer_of_a_cancelled_batch_is_read_to_its_end_and_nobodys() -> None:
    pipes = Pipes(max_conns_per_node=1)
    client = client_of(pipes)
    first = asyncio.ensure_future(client.batch_get(keys(5)))
    await turns(10)
    (transport,) = pipes.transports
    transport.answer(rows([0, 1])[:50])
    first.cancel()
    second = asyncio.ensure_future(client.batch_get(keys(2)))
    await turns(10)
    assert first.cancelled()
    assert len(asked(transport)) == 1, "the connection is still busy"
    transport.answer(rows([0, 1])[50:] + rows([4, 3]))
    transport.answer(rows([2]) + LAST)
    await turns()
    assert asked(transport)[1:] == [[0, 1]]
    transport.answer(rows([1, 0], value=b"z") + LAST)
    assert values(await second) == ["z", "z"]
    assert (len(pipes.transports), pipes.numbers.batches.closed) == (1, {})


@in_loop
async def test_garbage_in_the_answer_of_a_cancelled_batch_ends_its_connection() -> None:
    for garbage in (b"\0" * 8, rows([0])[:8] + b"\xff" * (len(rows([0])) - 8)):
        pipes = Pipes(max_conns_per_node=1)
        client = client_of(pipes)
        first = asyncio.ensure_future(client.batch_get(keys(5)))
        await turns(10)
        first.cancel()
        pipes.transports[0].answer(garbage)
        second = asyncio.ensure_future(client.batch_get(keys(2)))
        await turns(10)
        assert pipes.transports[0].aborted
        pipes.transports[1].answer(rows([1, 0], value=b"z") + LAST)
        assert values(await second) == ["z", "z"]


@pytest.mark.parametrize("count", range(40))
@in_loop
async def test_a_batch_may_be_cancelled_after_any_number_of_turns(count: int) -> None:
    pipes = Pipes(nodes=2, max_conns_per_node=1)
    client = client_of(pipes)
    server = asyncio.ensure_future(serve_first(pipes))
    task = asyncio.ensure_future(client.batch([BatchRead(each) for each in keys(5000)]))
    await turns(count)
    task.cancel()
    await asyncio.wait([task])
    assert not pipes.batches
    assert await client.batch_exists(keys(3)) == [True] * 3
    server.cancel()
    assert pipes.numbers.batches.closed == {}
    assert pipes.numbers.batches.in_flight == 0


async def serve_first(pipes: Pipes) -> None:
    await wait_in_loop(lambda: pipes.transports)
    await serve(pipes.transports[0])


@in_loop
async def test_a_batch_cancelled_in_line_is_never_sent() -> None:
    pipes = Pipes(max_conns_per_node=1)
    client = client_of(pipes)
    calls = [asyncio.ensure_future(client.batch_exists(keys(count))) for count in (1, 2, 3)]
    await turns(10)
    calls[1].cancel()
    transport = pipes.transports[0]
    transport.answer(rows([0]) + LAST)
    await turns()
    assert asked(transport) == [[0], [0, 1, 2]]
    transport.answer(rows([0, 1, 2]) + LAST)
    assert await calls[2] == [True] * 3


@in_loop
async def test_a_batch_cancelled_in_a_pause_is_not_tried_again() -> None:
    pipes = Pipes(nodes=2)
    client = client_of(pipes, sleep_between_retries=30)
    task = asyncio.ensure_future(client.batch_exists(keys(2)))
    await turns(10)
    pipes.transports[0].lose()
    await turns(10)
    pipes.transports[1].lose()  # the first pause is none
    await turns(10)
    task.cancel()
    await asyncio.sleep(0.08)
    assert len(pipes.transports) == 2
    assert not pipes.is_busy


@in_loop
async def test_what_a_cancelled_batch_held_is_let_go() -> None:
    pipes = Pipes()
    client = client_of(pipes)
    gone: list[Any] = []

    class Text(str):
        def __del__(self) -> None:
            gone.append(self)

    task = asyncio.ensure_future(client.batch_put([(key(1), {"a": 1})]))
    await turns(10)
    task.cancel()
    del task
    await turns(10)
    gc.collect()
    assert [each for each in gc.get_objects() if type(each).__name__ == "LoopBatch"] == []


# Deadlines, retries and limits ------------------------------------------------------------------------------


@in_loop
async def test_a_batch_is_given_up_at_its_deadline_and_its_connection_reset() -> None:
    pipes = Pipes()
    task = asyncio.ensure_future(
        client_of(pipes).batch([BatchRead(key(0)), BatchWrite(key(1), [op.put("a", 1)])], timeout=500)
    )
    await turns(10)
    pipes.transports[0].answer(rows([0]))
    await pipes.pass_time(500)
    results = await task
    assert [row.ok for row in results] == [True, False]
    error = results[1].error
    assert isinstance(error, errors.TimeoutError)
    assert (error.in_doubt, error.timeout, len(error.attempts)) == (True, 500, 1)
    assert pipes.transports[0].aborted
    assert pipes.numbers.batches.closed == {"timeout": 1}


@in_loop
async def test_rows_without_an_answer_go_to_the_next_replica_and_those_with_one_are_not_sent_again() -> None:
    pipes = Pipes(nodes=2)
    task = asyncio.ensure_future(client_of(pipes).batch_get(keys(4)))
    await turns(10)
    pipes.transports[0].answer(rows([3, 1], value=b"1"))
    pipes.transports[0].lose()
    await turns(10)
    assert asked(pipes.of_node["A2"][0]) == [[0, 2]]
    pipes.of_node["A2"][0].answer(rows([0, 2], value=b"2") + LAST)
    assert values(await task) == ["2", "1", "2", "1"]


@in_loop
async def test_a_batch_may_be_refused_a_place_in_line() -> None:
    pipes = Pipes(max_conns_per_node=1, max_waiting_per_node=1)
    pipes.slow = True
    client = client_of(pipes)
    calls = [asyncio.ensure_future(client.batch([BatchDelete(key(0))])) for _ in range(4)]
    await turns(10)
    refused = [call for call in calls if call.done()]
    assert len(refused) == 2  # the first will have the connection, the second waits
    for call in refused:
        error = call.result()[0].error
        assert isinstance(error, errors.NoMoreConnections)
        assert not error.in_doubt
    pipes.open()
    await serve_all(pipes.transports[0], 2)
    for call in calls:
        await call


async def serve_all(transport: Transport, count: int) -> None:
    for number in range(count):
        await wait_in_loop(lambda number=number: len(asked(transport)) > number)
        transport.answer(rows(asked(transport)[number]) + LAST)


@in_loop
async def test_a_batch_that_is_overdue_in_line_says_what_to_do() -> None:
    pipes = Pipes(max_conns_per_node=1)
    client = client_of(pipes)
    first = asyncio.ensure_future(client.batch_exists(keys(1)))
    second = asyncio.ensure_future(client.batch([BatchDelete(key(0))], timeout=300))
    await pipes.pass_time(300)
    error = (await second)[0].error
    assert isinstance(error, errors.NoMoreConnections)
    assert "max_conns_per_node" in error.advice
    pipes.transports[0].answer(rows([0]) + LAST)
    assert await first == [True]


@in_loop
async def test_connections_that_are_idle_are_closed_and_forgotten() -> None:
    pipes = Pipes(idle_timeout=5000)
    client = client_of(pipes)
    calls = [asyncio.ensure_future(client.batch_exists(keys(1))) for _ in range(5)]
    await turns(20)
    for transport in pipes.transports:
        transport.answer(rows([0]) + LAST)
    await asyncio.gather(*calls)
    await pipes.pass_time(5001)
    pipes.keep_house()
    assert all(transport.aborted for transport in pipes.transports)
    assert pipes.all_channels() == []


# The end ----------------------------------------------------------------------------------------------------


@in_loop
async def test_closing_ends_batches_wherever_they_are() -> None:
    pipes = Pipes(nodes=2, max_conns_per_node=1)
    client = client_of(pipes, sleep_between_retries=20_000)
    pausing = asyncio.ensure_future(client.batch([BatchRead(each) for each in keys(3)]))
    for number in (0, 1):
        await turns(10)
        pipes.transports[number].lose()
    await turns(10)
    asking, waiting = (
        asyncio.ensure_future(client.batch([BatchDelete(each) for each in keys(3)])) for _ in range(2)
    )
    await turns(10)
    taking = asyncio.ensure_future(client.batch(BatchRead(each) for each in keys(20_000)))
    await asyncio.sleep(0)
    assert pipes.is_busy
    pipes.close()
    while pipes.is_draining:
        await asyncio.sleep(0)
    await turns()
    for task in (pausing, asking, waiting):
        assert [type(row.error) for row in task.result()] == [errors.ClientClosed] * 3
    assert [row.in_doubt for row in asking.result()] == [True] * 3
    assert [row.in_doubt for row in waiting.result()] == [False] * 3
    with pytest.raises(errors.ClientClosed):
        taking.result()
    assert not pipes.is_busy

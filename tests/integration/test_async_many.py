"""Many tasks at once: all wait in line within their deadlines, and many that fail do not hold up the loop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from pyspike import AsyncClient, ClientPolicy, Key, errors
from pyspike.errors import NoMoreConnections
from pyspike.server import EmbeddedCluster
from support.pipes import FOUND, Pipes, Transport, in_loop, read, record, turns, write

ONCE = {"max_retries": 0}


def digests(*numbers: int) -> list[bytes]:
    return [Key("test", "s", number).digest for number in numbers]


@in_loop
async def test_twelve_thousand_puts_at_once_are_all_done_within_a_minute(hosts: str, set_name: str) -> None:
    async with AsyncClient(hosts) as client:
        keys = [Key("test", set_name, f"many {number}") for number in range(12_000)]
        await asyncio.gather(*(client.put(key, {"n": n}, timeout=60_000) for n, key in enumerate(keys)))
        records = await asyncio.gather(*(client.get(key, timeout=60_000) for key in keys))
        assert [found["n"] for found in records] == list(range(12_000))
        await asyncio.gather(*(client.delete(key, timeout=60_000) for key in keys))


@in_loop
async def test_what_the_default_deadline_does_not_leave_time_for_says_that_it_was_in_line() -> None:
    one_at_a_time = ClientPolicy(pipelines_per_node=1, commands_per_pipeline=1)
    with EmbeddedCluster(process=True) as cluster:
        async with AsyncClient(cluster.hosts, one_at_a_time) as client:
            key = Key("test", "s", "in line")
            await client.put(key, {"n": -1})  # so that there is a connection
            cluster.nodes[0].delay(0.005)
            tasks = [client.put(key, {"n": number}) for number in range(20_000)]
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    counts = Counter(type(outcome) for outcome in outcomes)
    assert counts.keys() <= {type(None), NoMoreConnections, errors.TimeoutError}
    assert counts[NoMoreConnections] > 10_000
    for outcome in outcomes:
        if isinstance(outcome, NoMoreConnections):
            assert "timed out before it was sent, in line with " in outcome.message
            assert "raise the timeout" in outcome.advice
            assert outcome.in_doubt is False
            assert outcome.timeout == 1000
            assert len(outcome.attempts) == 1


@pytest.mark.parametrize("make", [read, write])
@in_loop
async def test_any_number_waits_and_is_served_in_order(make: object) -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=100)
    promises = [pipes.start(make(number % 50, timeout=60_000)) for number in range(15_000)]  # type: ignore[operator]
    await turns()
    assert pipes.numbers.waiting == 14_900
    answer = record(b"x") if make is read else FOUND
    for _ in range(150):
        pipes.transports[0].answer(answer * 100)
        await turns(2)
    await asyncio.gather(*promises)
    assert pipes.transports[0].digests() == digests(*range(50)) * 300


@in_loop
async def test_a_short_deadline_is_kept_behind_long_ones_in_line() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    answered: Counter[Transport] = Counter()
    patient = [pipes.start(write(number, timeout=60_000)) for number in range(500)]
    await turns()
    began = time.monotonic()
    hasty = [pipes.start(write(number, timeout=50)) for number in range(500, 503)]
    patient += [pipes.start(write(number, timeout=60_000)) for number in range(503, 1000)]
    for promise in hasty:
        with pytest.raises(NoMoreConnections, match="in line with"):
            await promise
    assert time.monotonic() - began < 5
    while not all(promise.done() for promise in patient):
        for transport in pipes.transports:
            if len(transport.writes) > answered[transport]:
                answered[transport] += 1
                transport.answer(FOUND)
        await turns(2)
    sent = [digest for transport in pipes.transports for digest in transport.digests()]
    assert sorted(sent) == sorted(digests(*range(500), *range(503, 1000)))


@in_loop
async def test_what_could_only_be_answered_too_late_is_not_sent() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    slow = pipes.start(write(0))
    await turns()
    await asyncio.sleep(0.4)
    promise = pipes.start(write(1, timeout=350))
    in_time = pipes.start(write(2))
    pipes.transports[0].answer(FOUND)  # answers take 400 ms
    await slow
    await turns()
    with pytest.raises(NoMoreConnections) as caught:
        await promise
    assert caught.value.in_doubt is False
    assert [digest for transport in pipes.transports for digest in transport.digests()] == digests(0, 2)
    in_time.cancel()


@in_loop
async def test_those_who_gave_up_their_place_in_line_take_no_room() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    held = pipes.start(read(0, timeout=0, total_timeout=0, socket_timeout=0, **ONCE))
    await turns()
    patient = [pipes.start(read(number, timeout=60_000, **ONCE)) for number in range(100)]
    for _ in range(50):
        for promise in [pipes.start(read(1, timeout=60_000, **ONCE)) for _ in range(100)]:
            promise.cancel()
        assert pipes.numbers.waiting <= 500
    for promise in (held, *patient):
        assert not promise.done()
        promise.cancel()


@pytest.mark.parametrize("count", [1000, 10_000])
@in_loop
async def test_many_that_time_out_in_line_do_not_hold_up_the_loop(count: int) -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    promises = [pipes.start(write(number, timeout=300)) for number in range(count)]
    await turns()
    most, failed = 0, 0
    while failed < count:
        await asyncio.sleep(0)
        now = sum(promise.done() for promise in promises)
        most, failed = max(most, now - failed), now
    assert most <= 8 * 16  # a slice each of who looks in a turn: the timer, the line, the connections
    assert all(isinstance(promise.exception(), errors.TimeoutError) for promise in promises)


@in_loop
async def test_a_long_line_is_no_dearer_for_each_of_its_commands() -> None:
    """What each costs that waits, and in the end fails, beside a line a tenth as long."""

    async def cost(count: int) -> float:
        pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
        commands = [write(number, timeout=400) for number in range(count)]
        began = time.thread_time()
        promises = [pipes.start(command) for command in commands]
        while not all(promise.done() for promise in promises[-100:]):
            await asyncio.sleep(0.001)
        assert all(promise.exception() for promise in promises)
        pipes.close()
        return (time.thread_time() - began) / count

    await cost(1000)
    short = min([await cost(4000) for _ in range(3)])
    long = min([await cost(40_000) for _ in range(2)])
    print(f"failing in line takes {short * 1e6:.1f} us of CPU, {long * 1e6:.1f} in a long one")
    assert long < 4 * short

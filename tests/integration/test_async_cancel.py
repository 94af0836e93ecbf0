"""A task that is cancelled harms no other: no answer goes astray, no connection is poisoned.

Tasks read, write and count on records of their own and check every value, while they are cancelled, or time
out, at random. All is seeded and bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from pyspike import AsyncClient, ClientPolicy, Key, errors
from pyspike import operations as op
from support.cluster_tools import wait_in_loop
from support.pipes import Pipes, in_loop, read, record, turns
from support.threads import pyspike_threads

TASKS = 60
CALLS = 60  # of each task
SEED = 20261123


@dataclass
class Owned:
    """A record that only one task uses, and what may be in it.

    Writes on one connection are done in the order in which they were sent, but a read, which has another one,
    may be done before a write that was given up. On several, so may a later write.
    """

    key: Key
    name: str
    in_order: bool
    possible: set[int] = field(default_factory=set)

    def settle(self, n: int) -> None:
        """It has had this value."""
        if self.in_order:
            self.possible = {later for later in self.possible if later >= n}

    def check(self, bins: dict[str, Any]) -> None:
        assert bins["name"] == self.name, f"{self.name} got {bins['name']}'s answer"
        assert len(bins["text"]) == bins["n"] % 900, "another version's text"
        assert bins["n"] in self.possible, f"{self.name} has {bins['n']}, not one of {self.possible}"
        self.settle(bins["n"])


class Work:
    """One task's calls, each of which may be given up at any moment."""

    def __init__(self, client: AsyncClient, set_name: str, number: int, *, in_order: bool) -> None:
        self.client = client
        self.chance = random.Random(SEED * 1000 + number)
        self.owned = [
            Owned(Key("test", set_name, f"cancel {number} {n}"), f"{number}/{n}", in_order) for n in range(3)
        ]
        self.given_up = 0
        self.done = 0

    async def begin(self) -> None:
        for owned in self.owned:
            await self.put(owned, 0)

    async def put(self, owned: Owned, n: int) -> None:
        owned.possible.add(n)
        await self.client.put(owned.key, {"name": owned.name, "n": n, "text": "x" * (n % 900)})
        owned.settle(n)

    async def get(self, owned: Owned) -> None:
        owned.check((await self.client.get(owned.key)).bins)

    async def operate(self, owned: Owned) -> None:
        result = await self.client.operate(owned.key, [op.get("name"), op.get("n"), op.get("text")])
        owned.check(dict(result.bins))

    async def exists(self, owned: Owned) -> None:
        assert await self.client.exists(owned.key) is True

    async def missing(self, owned: Owned) -> None:
        key = Key("test", owned.key.set_name, f"no {owned.name}")
        with pytest.raises(errors.RecordNotFound) as caught:
            await self.client.get(key)
        assert caught.value.key == key

    def call(self) -> Awaitable[None]:
        owned = self.chance.choice(self.owned)
        what = self.chance.choice((self.get, self.get, self.operate, self.exists, self.missing, None))
        if what is None:
            return self.put(owned, max(owned.possible) + 1)
        return what(owned)

    async def give_up(self, way: Callable[[Work], Awaitable[None]]) -> None:
        """One call, which may not end."""
        try:
            await way(self)
            self.done += 1
        except (asyncio.CancelledError, asyncio.TimeoutError):
            self.given_up += 1

    async def check(self) -> None:
        for owned in self.owned:
            await self.get(owned)


async def cancelled_soon(work: Work) -> None:
    """Cancelled after a few turns of the loop, or not at all."""
    task = asyncio.ensure_future(work.call())
    for _ in range(work.chance.choice((0, 1, 1, 2, 2, 3, 5, 8, 200))):
        if task.done():
            break
        await asyncio.sleep(0)
    task.cancel()
    await task


async def waited_for(work: Work) -> None:
    """`asyncio.wait_for` with a time in which it may be done, or not."""
    await asyncio.wait_for(work.call(), work.chance.choice((0, 0.0005, 0.002, 0.005, 1)))


async def in_a_timeout(work: Work) -> None:
    """`asyncio.timeout`, which cancels its own task."""
    async with asyncio.timeout(work.chance.choice((0, 0.0005, 0.002, 0.005, 1))):
        await work.call()


async def one_of_a_group(work: Work) -> None:
    """Several at once, given up together."""
    group = asyncio.gather(*(asyncio.ensure_future(work.exists(owned)) for owned in work.owned), work.call())
    await asyncio.sleep(work.chance.choice((0, 0, 0.001)))
    group.cancel()
    await group


WAYS = [cancelled_soon, waited_for, in_a_timeout, one_of_a_group]


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
@pytest.mark.parametrize("pipelines", [1, 2])
@in_loop
async def test_cancelling_at_random_mixes_up_no_answers(
    hosts: str, set_name: str, way: Callable[[Work], Awaitable[None]], pipelines: int
) -> None:
    if way is in_a_timeout and not hasattr(asyncio, "timeout"):
        pytest.skip("asyncio.timeout came with Python 3.11")
    policy = ClientPolicy(pipelines_per_node=pipelines, commands_per_pipeline=16)
    async with AsyncClient(hosts, policy) as shared:
        client = shared.with_policies(
            read=policy.read.replace(total_timeout=30_000), write=policy.write.replace(total_timeout=30_000)
        )
        works = [Work(client, set_name, number, in_order=pipelines == 1) for number in range(TASKS)]
        await asyncio.gather(*(work.begin() for work in works))
        before = client.stats().loops

        async def run(work: Work) -> None:
            for _ in range(CALLS):
                await work.give_up(way)

        await asyncio.gather(*(run(work) for work in works))
        for work in works:
            await work.check()
        given_up = sum(work.given_up for work in works)
        assert given_up > TASKS, "hardly anything was given up"

        def kept_few() -> bool:
            return all(channel.open <= 2 * pipelines for channel in client.stats().loops[0].values())

        # In place of one that met silence, as of a busy server, another was opened; of both one is closed.
        await wait_in_loop(kept_few)
        for channel in client.stats().loops[0].values():
            assert channel.closed.keys() <= {"not needed"}, f"a connection was lost: {channel}, {before}"
            assert channel.waiting == 0


@in_loop
async def test_the_answer_of_a_cancelled_command_is_nobodys() -> None:
    pipes = Pipes(pipelines_per_node=1)
    futures = [pipes.start(read(number)) for number in range(5)]
    await turns()
    futures[0].cancel()
    futures[3].cancel()
    pipes.transports[0].answer(b"".join(record(b"%d" % number) for number in range(5)))
    assert [future.result()["a"] for future in futures if not future.cancelled()] == ["1", "2", "4"]
    assert pipes.numbers.closed == {}


@in_loop
async def test_a_command_cancelled_in_line_is_never_sent() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=1)
    futures = [pipes.start(read(number)) for number in range(4)]
    await turns()
    futures[1].cancel()
    futures[2].cancel()
    pipes.transports[0].answer(record(b"0"))
    await turns()
    assert pipes.transports[0].digests() == [Key("test", "s", number).digest for number in (0, 3)]


@in_loop
async def test_commands_cancelled_before_they_are_sent_make_room_for_those_in_line() -> None:
    pipes = Pipes(pipelines_per_node=1, commands_per_pipeline=2)
    first = pipes.start(read(0))
    await turns()
    pipes.transports[0].answer(record(b"0"))
    assert first.result()["a"] == "0"
    unsent = [pipes.start(read(number)) for number in (1, 2)]
    in_line = pipes.start(read(3))
    for future in unsent:
        future.cancel()
    await turns()
    assert pipes.transports[0].digests() == [Key("test", "s", number).digest for number in (0, 3)]
    pipes.transports[0].answer(record(b"3"))
    assert in_line.result()["a"] == "3"


@in_loop
async def test_a_cancelled_command_is_not_tried_again() -> None:
    pipes = Pipes(nodes=2, pipelines_per_node=1)
    futures = [pipes.start(read(number)) for number in range(2)]
    await turns()
    futures[0].cancel()
    pipes.transports[0].lose()
    await turns(8)
    assert pipes.of_node["A2"][0].digests() == [Key("test", "s", 1).digest]


@in_loop
async def test_a_connection_whose_commands_were_all_cancelled_serves_the_next() -> None:
    pipes = Pipes(pipelines_per_node=1)
    futures = [pipes.start(read(number, timeout=60_000)) for number in range(3)]
    await turns()
    for future in futures:
        future.cancel()
    later = pipes.start(read(9))
    await turns()
    pipes.transports[0].answer(record(b"x") * 3 + record(b"9"))
    assert later.result()["a"] == "9"


@in_loop
async def test_cancelling_while_connecting_leaves_nothing(hosts: str) -> None:
    before = pyspike_threads()
    for turn in range(20):
        task = asyncio.ensure_future(AsyncClient.connect(hosts))
        await asyncio.sleep(0.0005 * turn)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await task).close()
    del task
    gc.collect()  # a client that nobody got goes, and its thread with it
    await wait_in_loop(lambda: pyspike_threads() <= before, "the end of the tend threads")


@in_loop
async def test_cancelling_before_the_first_connection_is_open_keeps_the_others(
    hosts: str, set_name: str
) -> None:
    key = Key("test", set_name, "early")
    for turn in range(8):
        async with AsyncClient(hosts) as client:
            first = asyncio.ensure_future(client.exists(key))
            second = asyncio.ensure_future(client.exists(key))
            for _ in range(turn):
                await asyncio.sleep(0)
            first.cancel()
            assert await second is False

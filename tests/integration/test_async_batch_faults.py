"""Batches of 64 tasks, cancelled at random while nodes come and go: nothing is lost or mixed up, or stays.

Under asyncio and under uvloop. All is seeded and bounded.
"""

from __future__ import annotations

import asyncio
import importlib.util
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pyspike import AsyncClient, BatchRead, BatchRow, BatchWrite, ClientPolicy, Key, errors
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import wait_in_loop
from support.sockets import sockets

TASKS = 64
SEED = 20261129
KEYS = [Key("test", "async batches", number) for number in range(120)]
POLICY = ClientPolicy(tend_interval=100)

FAULTS: dict[str, Callable[[EmbeddedNode], object]] = {
    "cutting answers": lambda node: node.cut(times=4),
    "cutting between frames": lambda node: node.cut(0, after_frames=1, times=4),
    "killed": EmbeddedNode.kill,
    "sending garbage": lambda node: node.garbage(times=4),
    "stalling": lambda node: node.stall(times=4),
    "frozen": EmbeddedNode.freeze,
}


def run(loop: str, work: Coroutine[Any, Any, None]) -> None:
    if loop == "asyncio":
        asyncio.run(work)
        return
    if importlib.util.find_spec("uvloop") is None:
        work.close()
        pytest.skip("uvloop is not installed")
    import uvloop

    uvloop.run(work)


class Counted:
    """Additions to records: how many were acknowledged, and how many may have been done."""

    def __init__(self) -> None:
        self.done = dict.fromkeys(KEYS, 0)
        self.doubtful = dict.fromkeys(KEYS, 0)
        self.given_up = 0
        self.batches = 0

    async def one(self, client: AsyncClient, chance: random.Random) -> None:
        """A batch of additions and reads, which may be given up at any moment."""
        keys = [chance.choice(KEYS) for _ in range(chance.choice((1, 5, 30)))]
        adds = [chance.random() < 0.5 for _ in keys]
        rows: list[BatchRow] = [
            BatchWrite(key, [op.add("n", 1), op.get("n"), op.get("k")]) if add else BatchRead(key, ["n", "k"])
            for key, add in zip(keys, adds, strict=True)
        ]
        call = client.batch(rows, timeout=chance.choice((50, 500, 2000)))
        try:
            results = await self.given_up_maybe(call, chance)
        except (asyncio.CancelledError, asyncio.TimeoutError):
            self.given_up += 1
            for key, add in zip(keys, adds, strict=True):
                self.doubtful[key] += add
            return
        self.batches += 1
        for key, add, row in zip(keys, adds, results, strict=True):
            assert row.key == key
            if row.record is not None:
                assert row.record.key == key
                assert row.record["k"] == key.user_key, "the answer of another row"
            assert row.ok is (row.error is None)
            assert row.ok or isinstance(row.error, errors.AerospikeError)
            if add:
                self.done[key] += row.ok
                self.doubtful[key] += row.in_doubt

    async def given_up_maybe(self, call: Any, chance: random.Random) -> Any:
        way = chance.random()
        if way < 0.5:
            return await call
        if way < 0.75:
            return await asyncio.wait_for(call, chance.choice((0.0, 0.001, 0.005, 0.02)))
        task = asyncio.ensure_future(call)
        for _ in range(chance.choice((0, 1, 2, 3, 5, 8, 13))):
            await asyncio.sleep(0)
        task.cancel()
        return await task


@pytest.mark.embedded_only
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_nothing_is_lost_or_mixed_up_while_nodes_come_and_go(three: EmbeddedCluster, loop: str) -> None:
    counted = Counted()
    rounds = 0

    async def task(client: AsyncClient, number: int, end: asyncio.Event) -> None:
        chance = random.Random(SEED * 1000 + number)
        while not end.is_set():
            await counted.one(client, chance)

    async def work() -> None:
        nonlocal rounds
        async with AsyncClient(three.hosts, POLICY) as client:
            await client.batch_put(((key, {"n": 0, "k": key.user_key}) for key in KEYS), timeout=10_000)
            end = asyncio.Event()
            tasks = [asyncio.create_task(task(client, number, end)) for number in range(TASKS)]
            node = three.nodes[2]
            for fault in FAULTS.values():
                await asyncio.to_thread(fault, node)
                await asyncio.sleep(0.4)
                await asyncio.to_thread(node.heal)
                if not node.running:
                    await asyncio.to_thread(node.start)
                before = counted.batches
                await wait_in_loop(lambda before=before: counted.batches > before + TASKS, "going on")
                rounds += 1
            end.set()
            await asyncio.gather(*tasks)
            await wait_in_loop(lambda: sum(each.is_active for each in client.nodes()) == 3)
            await asyncio.sleep(0.3)  # so that what was given up is done, or never
            records = await client.batch_get(KEYS, timeout=20_000)
            for key, record in zip(KEYS, records, strict=True):
                assert record is not None
                count = record["n"]
                assert counted.done[key] <= count <= counted.done[key] + counted.doubtful[key]

            def settled() -> bool:
                channels = [channel.batches for channel in client.stats().loops[0].values()]
                return all(each.in_flight == each.waiting == 0 for each in channels)

            await wait_in_loop(settled, "the end of what was given up")

    run(loop, work())
    assert rounds == len(FAULTS)
    assert counted.batches > 10 * TASKS
    assert counted.given_up > TASKS


@pytest.mark.embedded_only
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_cancelled_batches_leave_the_connections_of_the_others(three: EmbeddedCluster, loop: str) -> None:
    async def work() -> None:
        async with AsyncClient(three.hosts, ClientPolicy(max_conns_per_node=4)) as client:
            bins = {"text": "x" * 1000}
            await client.batch_put(((key, {**bins, "k": key.user_key}) for key in KEYS), timeout=10_000)
            chance = random.Random(SEED)
            before = len(sockets())
            given_up = 0
            for _ in range(200):
                tasks = [
                    asyncio.ensure_future(client.batch_get(KEYS[number:], timeout=30_000))
                    for number in range(8)
                ]
                for _ in range(chance.choice((1, 3, 10, 20))):
                    await asyncio.sleep(0)
                for task in tasks[1:]:
                    task.cancel()
                    given_up += 1
                records = await tasks[0]
                assert [record and record["k"] for record in records] == [key.user_key for key in KEYS]
            channels = [channel.batches for channel in client.stats().loops[0].values()]
            assert all(channel.closed == {} for channel in channels)
            assert all(channel.open <= 4 for channel in channels)
            assert len(sockets()) <= before + 3 * 4
            assert given_up > 500

    run(loop, work())


@pytest.mark.embedded_only
def test_a_timeout_of_asyncio_ends_a_batch(three: EmbeddedCluster) -> None:
    if not hasattr(asyncio, "timeout"):
        pytest.skip("asyncio.timeout came with Python 3.11")

    async def work() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            await client.batch_put(((key, {"n": 0}) for key in KEYS), timeout=10_000)
            for node in three.nodes:
                await asyncio.to_thread(node.freeze)
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.batch_get(KEYS, timeout=60_000)
            for node in three.nodes:
                await asyncio.to_thread(node.thaw)
            assert len(await client.batch_get(KEYS, timeout=30_000)) == len(KEYS)

    asyncio.run(work())

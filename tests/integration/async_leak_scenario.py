"""What test_async_leaks has done in a process of its own: so many awaits of all kinds, and what they leave.

`python async_leak_scenario.py run <hosts>` tells its figures, and fails unless what is left at the end is
what was there after the first quarter. PYSPIKE_TEST_AWAITS says how many awaits there are.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
from datetime import timedelta
from typing import Any

from pyspike import AerospikeError, AsyncClient, ClientPolicy, Key, ReadPolicy
from pyspike._wire import Future
from support.processes import main, tell
from support.sockets import sockets

AWAITS = int(os.environ.get("PYSPIKE_TEST_AWAITS") or 20_000)
SET = os.environ.get("PYSPIKE_TEST_SET", "leaks")
BATCH = 500
ROUNDS = max(8, AWAITS // BATCH)
ONCE = ReadPolicy(max_retries=0)
SPANS = (timedelta(microseconds=50), timedelta(microseconds=500), 2, 5)
LIMIT = 4 << 20  # bytes


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def alive(*kinds: type) -> int:
    gc.collect()
    return sum(isinstance(each, kinds) for each in gc.get_objects())


class Batch:
    """Rounds of awaits: most end well, some fail, time out or are cancelled."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.chance = random.Random(1)
        self.kinds = {"done": 0, "cancelled": 0, "timed out": 0, "failed": 0}

    async def one(self, number: int) -> None:
        key = Key("test", SET, f"leak {number}")
        what = self.chance.random()
        try:
            if what < 0.4:
                await self.client.get(key)
            elif what < 0.6:
                await self.client.put(key, {"n": number, "s": "x" * 500})
            elif what < 0.7:
                await self.client.get(("test", SET, f"no {number}"))
            elif what < 0.8:
                await self.client.get(key, timeout=self.chance.choice(SPANS), policy=ONCE)
            elif what < 0.9:
                await asyncio.wait_for(self.client.get(key), self.chance.choice((0.0, 0.001, 0.004)))
            else:
                task = asyncio.ensure_future(self.client.get(key))
                await asyncio.sleep(0)
                task.cancel()
                await task
            self.kinds["done"] += 1
        except asyncio.CancelledError:
            self.kinds["cancelled"] += 1
        except AerospikeError as error:
            self.kinds["timed out" if isinstance(error, TimeoutError) else "failed"] += 1
        except asyncio.TimeoutError:
            self.kinds["cancelled"] += 1

    async def rounds(self, count: int) -> None:
        for _ in range(count):
            await asyncio.gather(*(self.one(number) for number in range(BATCH)))

    async def left(self) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {
            "bytes": resident(),
            "blocks": sys.getallocatedblocks(),
            "futures": alive(asyncio.Future, Future),
            "transports": alive(asyncio.BaseTransport, asyncio.BaseProtocol),
            "sockets": len(sockets()),
            "objects": len(gc.get_objects()),
        }


def run(hosts: str) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        # Over TLS a connection carries one command: so that there are as many at first as later.
        policy = ClientPolicy(tend_interval=60_000, max_conns_per_node=16)
        async with AsyncClient(hosts, policy) as client:
            batch = Batch(client)
            for number in range(BATCH):
                await client.put(("test", SET, f"leak {number}"), {"n": number})
            await batch.rounds(ROUNDS // 4)
            before = await batch.left()
            await batch.rounds(ROUNDS - ROUNDS // 4)
            after = await batch.left()
            grown = {name: after[name] - before[name] for name in before}
            for _ in range(4):  # what is in use at one moment is chance, and what has leaked stays
                await batch.rounds(2)
                after = await batch.left()
                grown = {name: min(grown[name], after[name] - before[name]) for name in before}
            timers = len(getattr(loop, "_scheduled", []))
            spare = 4 * len(client.nodes())  # connections that may be open now and were not before
            tell(f"{batch.kinds} awaits, {before} at first, {grown} added, {timers} timers")
        assert min(batch.kinds.values()) > ROUNDS, batch.kinds
        assert grown["bytes"] < LIMIT, grown
        assert grown["blocks"] < 1000 + 100 * max(0, grown["transports"]), grown
        assert grown["objects"] < 300, grown
        assert grown["futures"] <= 2, grown
        assert grown["transports"] <= spare, grown
        assert grown["sockets"] <= spare, grown
        assert timers < 100, timers

    asyncio.run(work())


if __name__ == "__main__":
    main([run])

"""Tasks that count records of their own up and read them back: none may be older than one acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from pyspike import AsyncClient, Key, errors

TASKS = 64


class Owned:
    """A record that one task counts up, and what it must have at least."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.sent = 0
        self.acknowledged = 0


class Count:
    """The tasks, and what they found.

    Args:
        client: with the policies that are to be tried.
        set_name: where the records are.
        seed: makes the choices of the tasks the same every time.

    Attributes:
        numbers: how many puts and gets there were, and how many puts failed.
        older: what was read that is older than what had been acknowledged.
        failed_gets: the errors of gets.
    """

    def __init__(self, client: AsyncClient, set_name: str, seed: int) -> None:
        self.client = client
        self.set_name = set_name
        self.seed = seed
        self.stop = False
        self.numbers: Counter[str] = Counter()
        self.older: list[str] = []
        self.failed_gets: list[errors.AerospikeError] = []

    async def task(self, number: int) -> None:
        chance = random.Random(self.seed * 1000 + number)
        records = [Owned(Key("test", self.set_name, f"{number} {n}")) for n in range(8)]
        while not self.stop:
            await self.round(chance.choice(records))
        for owned in records:  # and what came back later
            if owned.acknowledged:
                await self.check(owned)

    async def round(self, owned: Owned) -> None:
        owned.sent += 1
        try:
            await self.client.put(owned.key, {"n": owned.sent})
            owned.acknowledged = owned.sent
            self.numbers["puts"] += 1
        except errors.AerospikeError:
            self.numbers["failed puts"] += 1
        await self.check(owned)

    async def check(self, owned: Owned) -> None:
        try:
            found = await self.client.get(owned.key, default={"n": 0})
            self.numbers["gets"] += 1
        except errors.AerospikeError as error:
            self.failed_gets.append(error)
            return
        if found["n"] < owned.acknowledged:
            self.older.append(f"{owned.key}: {found['n']} after {owned.acknowledged}")

    async def run(self, *steps: Any) -> None:
        """Count while the steps are done, each a pause or a call."""
        tasks = [asyncio.create_task(self.task(number)) for number in range(TASKS)]
        for step in steps:
            await (asyncio.sleep(step) if isinstance(step, float) else asyncio.to_thread(step))
        self.stop = True
        await asyncio.gather(*tasks)
        assert not self.older, f"{len(self.older)} older values, the first {self.older[0]}; {self.numbers}"
        assert not self.failed_gets, f"{len(self.failed_gets)} gets failed, the first {self.failed_gets[0]}"

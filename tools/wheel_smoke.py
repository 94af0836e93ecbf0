"""Uses what stands beside it: clients for threads and tasks, and an embedded cluster. `wheels` runs it."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

os.environ["MSGPACK_PUREPYTHON"] = "1"

from pyspike import AsyncClient, BatchPolicy, Client, ClientPolicy, ReadPolicy, WritePolicy, _wire
from pyspike import operations as op
from pyspike.server import EmbeddedCluster

# An emulated processor takes its time.
PATIENT = ClientPolicy(
    timeout=60_000,
    read=ReadPolicy(total_timeout=60_000),
    write=WritePolicy(total_timeout=60_000),
    batch=BatchPolicy(total_timeout=60_000),
)


@dataclass
class Settings:
    """Made by setting attributes."""

    a: int
    text: str


@dataclass
class Checked(Settings):
    """Made by calling it."""

    def __post_init__(self) -> None:
        """Look at it."""
        assert self.a == 3


class Pair(NamedTuple):
    """Made of its items."""

    a: int
    text: str


def main() -> None:
    """Write and read by both; tells on what it did."""
    started = time.perf_counter()
    with EmbeddedCluster(nodes=2) as cluster:
        with Client(cluster.hosts, policy=PATIENT) as client:
            key = ("test", "smoke", 1)
            client.put(key, {"a": 1, "text": "ä", "list": [1, 2.5, {"b": b"c"}]})
            assert client.operate(key, [op.add("a", 2), op.get("a")])["a"] == 3
            assert client.get(key)["list"] == [1, 2.5, {"b": b"c"}]
            assert client.get(key, into=Settings) == Settings(3, "ä")
            assert client.get(key, into=Checked).text == "ä"
            assert client.get(key, into=Pair) == (3, "ä")
            client.batch_put([(("test", "smoke", number), {"a": number}) for number in range(200)])
            assert [
                record["a"] for record in client.batch_get([("test", "smoke", n) for n in range(200)])
            ] == [*range(200)]
        asyncio.run(with_tasks(cluster.hosts))
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    words = f"CPython {platform.python_version()}{'' if gil else ' without the GIL'} on {platform.machine()}"
    print(f"{words}, {_wire.__file__.rpartition('/')[2]}: all right in {time.perf_counter() - started:.1f} s")


async def with_tasks(hosts: str) -> None:
    """Many tasks at a time."""
    async with AsyncClient(hosts, policy=PATIENT) as client:
        await asyncio.gather(*(client.put(("test", "smoke", n), {"a": -n}) for n in range(200)))
        records = await asyncio.gather(*(client.get(("test", "smoke", n)) for n in range(200)))
        assert [record["a"] for record in records] == [-n for n in range(200)]


if __name__ == "__main__":
    main()

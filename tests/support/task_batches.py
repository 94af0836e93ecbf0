"""Batches of tasks whose connections end here: the test is the server."""

from __future__ import annotations

import asyncio
import gc
import itertools
import struct
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pyspike import BatchPolicy, ClientPolicy, Key
from pyspike._wire import AsyncCommands, AsyncExecutor
from pyspike.plans.batch import BatchPlan
from support.batches import parse_batch
from support.cluster_tools import wait_in_loop
from support.messages import Message, Op
from support.pipes import Pipes, Transport

LAST = Message(info3=1).pack()
READ, WRITE, BATCH = ClientPolicy().read, ClientPolicy().write, ClientPolicy().batch


class Executor(AsyncExecutor):
    """Has batches run on pipes."""

    def __init__(self, pipes: Pipes) -> None:
        self.pipes = pipes
        self.executors[pipes.loop] = pipes

    def plan(self, batch: Any) -> BatchPlan:
        return BatchPlan(self.pipes.cluster, batch)


def client_of(pipes: Pipes, *, executor: type[Executor] = Executor, **batch: Any) -> Any:
    """A client whose batches end here; the options are those of `BatchPolicy`."""
    policy = BatchPolicy(total_timeout=60_000).replace(**batch)
    return AsyncCommands(executor(pipes), READ.settings, WRITE.settings, policy.settings)


def key(number: int) -> Key:
    return Key("test", "s", number)


def keys(count: int) -> list[Key]:
    return [key(number) for number in range(count)]


class Asked(list[list[int]]):
    """The numbers of the rows of each request on a connection so far."""

    def __init__(self) -> None:
        self.writes = 0  # that were looked at
        self.data = b""


_asked: weakref.WeakKeyDictionary[Transport, Asked] = weakref.WeakKeyDictionary()


def asked(transport: Transport) -> Asked:
    found = _asked.setdefault(transport, Asked())
    data = found.data + b"".join(transport.writes[found.writes :])
    found.writes = len(transport.writes)
    while data:
        size = 8 + int.from_bytes(data[2:8], "big")
        found.append([row.number for row in parse_batch(data[:size]).rows])
        data = data[size:]
    return found


def rows(numbers: Iterable[int], code: int = 0, value: bytes | None = b"x") -> bytes:
    """A frame with answers to these rows."""
    ops = () if code or value is None else (Op(1, b"a", 3, value),)
    body = b"".join(Message(result=code, generation=1, timeout=number, ops=ops).body for number in numbers)
    return struct.pack(">Q", 2 << 56 | 3 << 48 | len(body)) + body


def values(records: Sequence[Any]) -> list[Any]:
    return [record and record["a"] for record in records]


class Turns:
    """Counts the turns of the loop, and how much of the processor's time the longest of them took.

    Without the garbage collector, for which it is the size of the whole program that counts.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.count = 0
        self.total = self.longest = 0.0
        self._entered = False

    def __enter__(self) -> Turns:
        self._entered = True
        gc.disable()
        self._at = time.thread_time()
        self.loop.call_soon(self._turn)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._entered = False
        gc.enable()

    def _turn(self) -> None:
        took = time.thread_time() - self._at
        self.longest = max(self.longest, took)
        self.total += took
        self.count += 1
        if self._entered:
            self._at = time.thread_time()
            self.loop.call_soon(self._turn)

    def expect_slices(self) -> None:
        """Whatever there was to do, and however fast the machine is: it was spread over many turns."""
        assert self.count >= 8
        assert self.longest < self.total / 3


async def serve(transport: Transport, answer: Callable[[list[int]], bytes] = rows, skip: int = 0) -> None:
    """Answer requests, but for the first, of batches until it is cancelled."""
    for count in itertools.count(1 + skip):
        await wait_in_loop(lambda count=count: len(asked(transport)) >= count)
        transport.answer(answer(asked(transport)[count - 1]) + LAST)

"""What test_batch_leaks has measured in a process of its own: `python batch_leak_scenarios.py batches`.

PYSPIKE_LEAK_BATCHES is how many batches there are, about.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

from leak_scenarios import expect_flat

from pyspike import (
    AerospikeError,
    AsyncClient,
    BatchDelete,
    BatchPolicy,
    BatchRead,
    BatchRecord,
    BatchResults,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    ClientPolicy,
    Key,
    RecordExistsAction,
    exp,
)
from pyspike import operations as op
from pyspike.operations import lists
from pyspike.server import EmbeddedCluster
from support.clients import Client
from support.cluster_tools import pools, wait_until
from support.facade import TaskClient, wait_for
from support.processes import main

BATCHES = int(os.environ.get("PYSPIKE_LEAK_BATCHES") or 1000)
TIMEOUT = 20  # ms of a batch whose answer never comes
SELDOM = 5  # so many rounds have one in which batches time out, are interrupted and cancelled
KEYS = [Key("test", "leak", number) for number in range(30)]
BINS = {"n": 1, "s": "text", "l": [1, {"a": [b"x", 1.5]}], "big": "x" * 5000}
PATIENT = BatchPolicy(total_timeout=60_000)
ONCE = BatchPolicy(total_timeout=60_000, max_retries=0)
CREATE = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
UNFINISHED = (2 << 56 | 3 << 48 | 100).to_bytes(8, "big")


class Stop(Exception):  # noqa: N818 - no error
    """What a signal raises in the middle of a batch."""


def stop(*_: object) -> None:
    raise Stop


def breaking() -> Iterator[Key]:
    yield from KEYS
    raise Stop


async def cancel_some(client: AsyncClient) -> None:
    """Batches that are cancelled before they are sent, while they are, and while they await their answers."""
    tasks = []
    for turns in range(6):
        tasks.append(asyncio.ensure_future(client.batch_get(KEYS, timeout=60_000)))
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def leave_streams(client: AsyncClient) -> None:
    """Streams of rows that tasks make, which are cancelled, closed and dropped at any time."""

    async def made() -> AsyncIterator[BatchRow]:
        for key in KEYS:
            yield BatchRead(key)
            await asyncio.sleep(0)

    for turns in range(6):
        stream = client.batch_stream(made(), in_flight=7)
        task = asyncio.ensure_future(anext(stream))
        for _ in range(10 * turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if turns % 2:
            await stream.aclose()


class Round:
    """Some 30 batches a call: those that succeed, and those that fail in each way there is."""

    def __init__(self, cluster: EmbeddedCluster, client: Client) -> None:
        self.cluster, self.client, self.node = cluster, client, cluster.nodes[0]
        self.numbers = count()
        self.batches = 0

    def __call__(self) -> None:
        self.batches = 0
        self.succeed()
        self.rows_fail()
        self.nodes_fail()
        if next(self.numbers) % SELDOM == 0:
            self.end_early()
        self.client.stats()

    def does(self, call: Callable[..., Any], *args: object, **how: object) -> Any:
        self.batches += 1
        return call(*args, **how)

    def fails(self, call: Callable[..., Any], *args: object, **how: object) -> None:
        self.batches += 1
        try:
            results = call(*args, **how)
        except (AerospikeError, Stop) as error:
            str(error)
            return
        assert isinstance(results, BatchResults)
        assert results.failed
        repr(results)

    def stream(self, rows: Iterable[BatchRow], count: int | None = None) -> list[BatchRecord]:
        """So many outcomes of a stream, all by default."""
        with self.client.batch_stream(rows, in_flight=7) as stream:
            return list(islice(stream, count))

    def succeed(self) -> None:
        client, does = self.client, self.does
        assert len(does(self.stream, map(BatchRead, KEYS))) == len(KEYS)
        assert len(does(self.stream, map(BatchRead, KEYS), 5)) == 5
        does(client.batch_put, dict.fromkeys(KEYS, BINS))
        does(client.batch_put, ((key, {"n": key.user_key}) for key in KEYS))
        does(client.batch_get, KEYS)
        does(client.batch_get, iter(KEYS), ["n"])
        does(client.batch_exists, KEYS)
        does(client.batch_operate, KEYS, [op.add("n", 1), op.get("n"), lists.append("l", 5)])
        does(client.batch_operate, KEYS, [op.get("n"), op.exp.read("x", exp.int_bin("n") + 1)])
        rows: list[BatchRow] = [BatchRead(key) for key in KEYS]
        rows += [BatchWrite(key, [op.put("s", "other")]) for key in KEYS]
        assert does(client.batch, [*rows, BatchDelete(KEYS[0])]).ok
        does(client.batch_delete, KEYS[20:])

    def rows_fail(self) -> None:
        client, fails = self.client, self.fails
        fails(client.batch_put, dict.fromkeys(KEYS, BINS), row_policy=CREATE)
        fails(client.batch_operate, KEYS, [op.append("n", "x")])
        fails(client.batch, [BatchDelete(key, generation=999) for key in KEYS])
        fails(client.batch_get, [*KEYS, ("nowhere", "s", 1)])
        fails(client.batch_operate, KEYS, [op.put("n", 2)], filter_expression=exp.int_bin("n") < 0)
        fails(client.batch_get, KEYS, filter_expression=b"\xc1")
        fails(client.batch_get, breaking())
        fails(self.stream, map(BatchRead, breaking()))
        fails(client.batch_put, {KEYS[0]: {"n": object()}})
        fails(client.batch_get, [KEYS[0], "no key"])
        for node in self.cluster.nodes:
            node.fail_rows(14, rows=3)
        fails(client.batch, [BatchRead(key) for key in KEYS])

    def nodes_fail(self) -> None:
        client, breaks, node = self.client, self.breaks, self.node
        put = [BatchWrite(key, [op.put("n", 3)]) for key in KEYS]
        breaks(lambda: node.answer_with(18), client.batch, put, policy=ONCE)
        breaks(node.close_after_request, client.batch, put)
        breaks(lambda: node.cut(after_bytes=100), client.batch_get, KEYS, policy=ONCE)
        breaks(node.garbage, client.batch_get, KEYS, policy=ONCE)
        node.cut(after_frames=1)
        self.does(client.batch_get, KEYS)

    def breaks(self, fault: Callable[[], object], *call: Any, **how: object) -> None:
        """A call that fails by a fault; again if the client takes a node for dead, which was late."""
        for _ in range(20):
            wait_until(lambda: all(node.is_active for node in self.client.nodes()), "the nodes")
            fault()
            try:
                self.fails(*call, **how)
            except AssertionError:
                self.batches -= 1
                self.cluster.heal()
                continue
            return
        raise AssertionError("nothing fails")

    def end_early(self) -> None:
        self.node.garbage(UNFINISHED, times=2)
        put = [BatchWrite(key, [op.put("n", 3)]) for key in KEYS]
        self.fails(self.client.batch, put, timeout=TIMEOUT)
        self.fails(self.client.batch_get, KEYS, policy=ONCE, timeout=TIMEOUT)
        self.cluster.heal()
        for node in self.cluster.nodes:
            node.freeze()
        signal.setitimer(signal.ITIMER_REAL, TIMEOUT / 1000)
        self.fails(self.client.batch_get, KEYS, timeout=60_000, policy=BatchPolicy(socket_timeout=0))
        if isinstance(self.client, TaskClient):
            wait_for(cancel_some(self.client.tasks))
            wait_for(leave_streams(self.client.tasks))
        self.cluster.heal()


def batches(_: str) -> None:
    """All kinds of batches, in rounds."""
    signal.signal(signal.SIGALRM, stop)
    policy = ClientPolicy(tend_interval=20, batch=PATIENT)
    with EmbeddedCluster(2, process=True) as cluster, Client(cluster.hosts, policy) as client:
        work = Round(cluster, client)
        work()
        each = work.batches - 3  # but for those of seldom rounds
        expect_flat(work, first=25, then=max(25, BATCHES // each), each=each, what="batches of 30 rows")
        wait_until(lambda: pools(client, "in_flight") == 0)


if __name__ == "__main__":
    main((batches,))

"""The demonstration's phases: load, read, with batches and with tasks, update while a node dies, verify."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspike import (
    AsyncClient,
    BatchPolicy,
    BatchWritePolicy,
    Client,
    ClientPolicy,
    Key,
    ReadPolicy,
    RecordExistsAction,
    WritePolicy,
)
from pyspike import operations as op
from pyspike.cli.dataset import same, user
from pyspike.cli.report import Report
from pyspike.cli.workload import Phase, Worker

if TYPE_CHECKING:
    from pyspike.server import EmbeddedCluster

__all__ = ["CLIENT", "SET", "Phases"]

SET = "pyspike-demo"
COUNTER, SEEN = "visits", "seen"
DOWN_AT, UP_AT = 0.25, 0.6  # of the time that updates take
BATCH = 50  # users written or read with one call
TASKS = 64  # of asyncio
EACH = 5  # tasks read every fifth user
SETTLED = 5.0  # seconds within which the client should know all nodes again

# Made once and used by all calls of all threads. What fails is tried again by the workers, who count it.
CLIENT = ClientPolicy(
    read=ReadPolicy(max_retries=0),
    write=WritePolicy(max_retries=0, send_key=True),
    batch=BatchPolicy(
        max_retries=0, total_timeout=10_000
    ),  # an embedded server shares the cores with all threads
)
REPLACE = BatchWritePolicy(record_exists_action=RecordExistsAction.REPLACE, send_key=True)


class Phases:
    """The demonstration on one cluster.

    Args:
        client: shared by all threads.
        report: what is told to the user.
        namespace: where the records go.
        records: how many.
        threads: how many work at a time.
        seed: of the data.

    Attributes:
        problems: what was found to be wrong, a line each.
    """

    def __init__(
        self, client: Client, report: Report, *, namespace: str, records: int, threads: int, seed: int
    ) -> None:
        self.problems: list[str] = []
        self._client = client
        self._report = report
        self._namespace = namespace
        self._records = records
        self._threads = threads
        self._seed = seed
        # By thread and record, how many additions were acknowledged, and how many ended in doubt.
        self._acknowledged = [_counters(records) for _ in range(threads)]
        self._in_doubt = [_counters(records) for _ in range(threads)]
        self._found = 0

    def introduce(self, *, embedded: bool) -> None:
        """Tell what is about to happen; raises if the namespace can't be used."""
        self._client.exists(self._key(0))
        kind = "embedded, in a process of its own" if embedded else "a real one"
        nodes = ", ".join(f"{node.name} {node.address}" for node in self._client.nodes())
        self._report.say(f"cluster  {kind}: {nodes}")
        self._report.say(
            f"data     {self._records:,} users with nested profiles, seed {self._seed}, "
            f"set {self._namespace}.{SET}"
        )
        self._report.say(f"client   one, shared by {self._threads} threads")

    def load(self) -> None:
        """Write all users, each whole."""

        def run(worker: Worker) -> None:
            for numbers in self._batches(worker):
                users = [(self._key(number), user(self._seed, number)) for number in numbers]
                put = partial(self._client.batch_put, users, row_policy=REPLACE)
                worker.call(put, repeatable=True, records=len(numbers))

        self._run("load", f"load batch_put, by {BATCH}", run)

    def read(self) -> None:
        """Read all users and compare every value."""

        def run(worker: Worker) -> None:
            for numbers in self._batches(worker):
                get = partial(self._client.batch_get, [self._key(number) for number in numbers])
                records = worker.call(get, repeatable=True, records=len(numbers))
                for number, record in zip(numbers, records, strict=True):
                    self._compare(number, record, user(self._seed, number))

        self._run("read", f"read batch_get, by {BATCH}", run)

    def read_with_tasks(self) -> None:
        """Read some of the users once more, from the tasks of an asyncio loop, and compare every value."""

        def run(worker: Worker) -> None:
            asyncio.run(self._read_with_tasks(worker))

        self._run("tasks", f"asyncio get, {TASKS} tasks", run, threads=1, records=len(self._for_tasks()))

    async def _read_with_tasks(self, worker: Worker) -> None:
        numbers = iter(self._for_tasks())
        async with AsyncClient.sharing(self._client) as shared:
            client = shared.with_policies(read=ReadPolicy())

            async def task() -> None:
                for number in numbers:
                    if worker.stopping.is_set():
                        return
                    began = time.perf_counter()
                    record = await client.get(self._key(number), default=None)
                    worker.tally.succeeded(began, 1)
                    self._compare(number, record, user(self._seed, number))

            await asyncio.gather(*(task() for _ in range(TASKS)))

    def _for_tasks(self) -> range:
        return range(0, self._records, EACH)

    def update(self, seconds: float, cluster: EmbeddedCluster | None) -> None:
        """Add to the counters of random users for `seconds`, while a node of the embedded cluster dies."""
        steps = self._outage(seconds, cluster) if cluster else []

        def run(worker: Worker) -> None:
            choose = random.Random(f"{self._seed} {worker.number}").randrange
            acknowledged, in_doubt = self._acknowledged[worker.number], self._in_doubt[worker.number]
            end = time.perf_counter() + seconds
            while (now := time.perf_counter()) < end and not worker.stopping.is_set():
                number = choose(self._records)
                operations = [op.add(COUNTER, 1), op.put(SEEN, int(now * 1000)), op.get(COUNTER)]
                operate = partial(self._client.operate, self._key(number), operations)
                record = worker.call(operate, repeatable=False)
                (in_doubt if record is None else acknowledged)[number] += 1

        def watch(passed: float) -> None:
            while steps and passed >= steps[0][0]:
                steps.pop(0)[1]()

        self._run("update", "update operate", run, seconds=seconds, watch=watch)
        for _, step in steps:
            step()
        if cluster is not None:
            self._await(len(cluster.nodes))

    def verify(self) -> None:
        """Read all users again, and compare their counters with what was acknowledged."""
        acknowledged, in_doubt = _sum(self._acknowledged), _sum(self._in_doubt)
        found = [0] * self._threads

        def run(worker: Worker) -> None:
            for number in self._share(worker):
                read = partial(self._client.get, self._key(number), default=None)
                record = worker.call(read, repeatable=True)
                expected = user(self._seed, number)
                before = expected.pop(COUNTER)
                if record is None:
                    self.problems.append(f"user {number} is gone")
                    continue
                bins = record.bins
                added = bins.pop(COUNTER, 0) - before
                seen = bins.pop(SEEN, None)
                self._compare(number, bins, expected)
                least, most = acknowledged[number], acknowledged[number] + in_doubt[number]
                found[worker.number] += added
                if added < least or (least and seen is None):
                    self.problems.append(f"user {number}: {least} additions acknowledged, {added} found")
                elif added > most:
                    self.problems.append(f"user {number}: {added} additions found, only {most} sent")

        self._run("verify", "verify get", run)
        self._found = sum(found)

    def verdict(self) -> str:
        """The end of the story, in one line."""
        acknowledged = sum(map(sum, self._acknowledged))
        in_doubt = sum(map(sum, self._in_doubt))
        counts = f"{acknowledged:,} additions acknowledged, {in_doubt:,} in doubt, {self._found:,} found"
        if self.problems:
            return f"FAILED, problems: {len(self.problems):,} ({counts})"
        return f"nothing acknowledged was lost: {counts}; every other value as it was written"

    # --- helpers ---

    def _key(self, number: int) -> Key:
        return Key(self._namespace, SET, number)

    def _batches(self, worker: Worker) -> Iterator[list[int]]:
        """A worker's part of all users, so many at a time."""
        share = self._share(worker)
        while numbers := list(itertools.islice(share, BATCH)):
            yield numbers

    def _share(self, worker: Worker) -> Iterator[int]:
        """A worker's part of all users, as long as no other worker has given up."""
        for number in range(worker.number, self._records, self._threads):
            if worker.stopping.is_set():
                return
            yield number

    def _run(
        self,
        name: str,
        what: str,
        run: Callable[[Worker], None],
        *,
        threads: int | None = None,
        records: int | None = None,
        seconds: float | None = None,
        watch: Callable[[float], None] | None = None,
    ) -> None:
        phase = Phase(name, threads or self._threads, run)
        with self._report.bar(phase, records=records or self._records, seconds=seconds) as bar:

            def look(passed: float) -> None:
                bar.show(passed)
                if watch is not None:
                    watch(passed)

            tally = phase.run(look)
        self._report.add(phase, tally, what)

    def _compare(self, number: int, bins: Mapping[str, Any] | None, expected: dict[str, Any]) -> None:
        if bins is None:
            self.problems.append(f"user {number} is gone")
        else:
            for name in {*bins, *expected}:
                if not same(bins.get(name), expected.get(name)):
                    read, written = bins.get(name), expected.get(name)
                    self.problems.append(f"user {number}, bin {name}: {written!r} was written, {read!r} read")

    def _outage(self, seconds: float, cluster: EmbeddedCluster) -> list[tuple[float, Callable[[], None]]]:
        """What happens to the cluster, and how many seconds after the beginning."""
        victim = cluster.nodes[len(cluster.nodes) // 2]
        down, up = seconds * DOWN_AT, seconds * UP_AT

        def kill() -> None:
            victim.kill()
            self._report.say(f"outage   node {victim.name} was killed {down:.1f} s after updates had begun")

        def revive() -> None:
            victim.start()
            self._report.say(f"outage   node {victim.name} came back {up - down:.1f} s later")

        return [(down, kill), (up, revive)]

    def _await(self, nodes: int) -> None:
        """Wait until the client knows all nodes."""
        started = time.perf_counter()
        while sum(node.is_active for node in self._client.nodes()) < nodes:
            if time.perf_counter() - started > SETTLED:
                self.problems.append(f"after {SETTLED:g} s the client knows only {self._client.node_names()}")
                return
            time.sleep(0.01)


def _counters(records: int) -> array[int]:
    return array("L", bytes(array("L").itemsize * records))


def _sum(counters: list[array[int]]) -> list[int]:
    return [sum(counts) for counts in zip(*counters, strict=True)]

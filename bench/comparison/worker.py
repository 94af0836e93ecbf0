"""One client in a process of its own: runs cases and prints a line of JSON for each.

    python -m comparison.worker CLIENT HOSTS COUNT SECONDS SEED QUERIED CASE...

The CPU that is counted is that of this process: the client with all its threads, nothing of the server.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .cases import BINS, CASES, RECORDS, Case, Group, batches_of, calls_of, found
from .clients import PEERS, Peer
from .samples import FAILED, OK, UNSUPPORTED, Length, Sample, Stopwatch

__all__ = ["main"]

BURN_PERIOD = 0.010  # seconds; the task beside takes its share of each

Call = Callable[[Any], Any]


class Worker:
    """Runs cases on one client, which it opens when the first case needs it."""

    def __init__(self, peer: Peer, count: int, seconds: float, seed: int, queried: int) -> None:
        self.peer = peer
        self.count = count
        self.seconds = seconds
        self.seed = seed
        self.queried = queried
        self.opened = False
        peer.prepare()

    def length(self, records: int = 1) -> Length:
        """A new count of calls about so many records each, to be found or as told."""
        return Length(calls_of(self.count, records), self.seconds)

    def keys(self, case: Case, part: int = 0) -> list[Any]:
        """The keys of the case's records, in an order of this part's own."""
        numbers = list(range(RECORDS))
        random.Random(self.seed + part).shuffle(numbers)
        return [self.peer.key(case.set_name, number) for number in numbers]

    def run(self, case: Case) -> Sample:
        """Measure one case."""
        gc.collect()
        if case.tasks:
            return self._in_loop(case)
        if case.group == Group.LIFE:
            return self._connect()
        if case.group in (Group.COMMAND, Group.BATCH, Group.QUERY, Group.COLUMNS) and not self.opened:
            self._open()
        if case.group == Group.THREADS:
            if not self.opened:
                self._open()
            return self._threads(case)
        if getattr(self.peer, case.call) is None:
            return Sample(UNSUPPORTED, f"no {case.call}")
        if case.group == Group.LOCAL:
            return self._measure(lambda count: _each(self.peer.digest, range(count)))  # type: ignore[arg-type]
        if case.finds:
            return self._query(case)
        return self._batches(case) if case.batch else self._command(case)

    def _open(self) -> None:
        self.peer.open()
        self.opened = True

    def _measure(self, run: Callable[[int], None], records: int = 1) -> Sample:
        """Measure what makes so many calls, each about so many records."""
        length = self.length(records)
        for count in length:
            watch = Stopwatch()
            run(count)
            length.took(watch.wall)
        watch = Stopwatch()
        run(length.count)
        return watch.sample(length.count * records)

    def _command(self, case: Case) -> Sample:
        call: Any = getattr(self.peer, case.call)
        keys = itertools.cycle(self.keys(case))
        if case.bins:
            bins = BINS[case.bins]

            def run(count: int) -> None:
                for key in itertools.islice(keys, count):
                    call(key, bins)
        elif case.new_keys:
            make, set_name = self.peer.key, case.set_name

            def run(count: int) -> None:
                for number in range(count):
                    call(make(set_name, number % RECORDS))
        elif case.read:
            look = type(self.peer).bins

            def run(count: int) -> None:
                for key in itertools.islice(keys, count):
                    look(call(key))
        else:

            def run(count: int) -> None:
                _each(call, itertools.islice(keys, count))

        return self._measure(run)

    def _batches(self, case: Case) -> Sample:
        """Measure a call that takes many keys, or pairs of them and bins."""
        call: Any = getattr(self.peer, case.call)
        batches: list[Any] = batches_of(self.keys(case), case.batch)
        given = itertools.cycle(batches)
        if case.call == "batch_put":
            given = itertools.cycle([[(key, {**BINS[case.bins]}) for key in keys] for keys in batches])
        if case.call == "batch_put_same":
            bins = BINS[case.bins]

            def run(count: int) -> None:
                for keys in itertools.islice(given, count):
                    call(keys, bins)
        elif case.read:
            look = type(self.peer).batch_bins

            def run(count: int) -> None:
                for keys in itertools.islice(given, count):
                    look(call(keys))
        else:

            def run(count: int) -> None:
                _each(call, itertools.islice(given, count))

        return self._measure(run, case.batch)

    def _query(self, case: Case) -> Sample:
        """Measure a call that finds records, as many as it should."""
        call: Any = getattr(self.peer, case.call)
        if call is None:
            return Sample(UNSUPPORTED, f"no {case.call}")
        records, numbers = found(case, self.queried)

        def run(count: int) -> None:
            for _ in range(count):
                _check(call(case.set_name, numbers, case.read), records)

        return self._measure(run, records)

    async def _query_in_loop(self, case: Case) -> Sample:
        call: Any = getattr(self.peer, case.call)
        if call is None:
            return Sample(UNSUPPORTED, f"no {case.call}")
        records, numbers = found(case, self.queried)
        length = self.length(records)
        watch = Stopwatch()
        for count in itertools.chain(length, (None,)):
            watch = Stopwatch()
            for _ in range(length.count if count is None else count):
                _check(await call(case.set_name, numbers, case.read), records)
            if count is not None:
                length.took(watch.wall)
        return watch.sample(length.count * records)

    def _threads(self, case: Case) -> Sample:
        call: Any = getattr(self.peer, case.call)
        keys = [self.keys(case, part) for part in range(case.threads)]
        errors: list[BaseException] = []

        def work(part: int, count: int) -> None:
            try:
                _each(call, itertools.islice(itertools.cycle(keys[part]), count))
            except BaseException as error:
                errors.append(error)

        def run(count: int) -> None:
            shares = [(count + part) // case.threads for part in range(case.threads)]
            threads = [threading.Thread(target=work, args=pair) for pair in enumerate(shares)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if errors:
                raise errors[0]

        return self._measure(run)

    def _connect(self) -> Sample:
        def run(count: int) -> None:
            for _ in range(count):
                self.peer.disconnect(self.peer.connect())

        watch = Stopwatch()
        run(1)
        count = min(self.count or 50, max(1, int(self.seconds / watch.wall)))
        watch = Stopwatch()
        run(count)
        return watch.sample(count)

    # --- asyncio ---

    def _in_loop(self, case: Case) -> Sample:
        if not self.peer.has_asyncio():
            return Sample(UNSUPPORTED, "no asyncio client")
        if not case.uvloop:
            return asyncio.run(self._tasks(case))
        try:
            import uvloop
        except ImportError:
            return Sample(UNSUPPORTED, "uvloop is not installed")
        sample: Sample = uvloop.run(self._tasks(case))
        return sample

    async def _tasks(self, case: Case) -> Sample:
        await self.peer.async_open()
        try:
            return await (self._query_in_loop(case) if case.finds else self._measure_tasks(case))
        finally:
            await self.peer.async_close()

    async def _measure_tasks(self, case: Case) -> Sample:
        keys = [self.keys(case, part) for part in range(min(case.tasks, 8))]
        if case.batch:
            keys = [batches_of(each, case.batch) for each in keys]
        records = case.batch or 1
        latencies: list[float] = []
        one = self._one(case, latencies)

        async def work(part: int, count: int) -> None:
            mine = keys[part % len(keys)]
            first = part % len(mine)
            for key in itertools.islice(itertools.cycle(mine), first, first + count):
                await one(key)

        async def run(count: int) -> int:
            share = max(1, count // case.tasks)
            await asyncio.gather(*[work(part, share) for part in range(case.tasks)])
            return share * case.tasks

        length = self.length(records)
        for count in length:
            watch = Stopwatch()
            done = await run(count)
            length.took(watch.wall * count / done)
        burning = asyncio.ensure_future(_burn(case.burn)) if case.burn else None
        latencies.clear()
        watch = Stopwatch()
        done = await run(length.count)
        sample = watch.sample(done * records, **_percentiles(latencies))
        if burning is not None:
            burning.cancel()
            await asyncio.gather(burning, return_exceptions=True)
        return sample

    def _one(self, case: Case, latencies: list[float]) -> Callable[[Any], Awaitable[Any]]:
        """What a task awaits for each key, or batch of keys."""
        call: Any = getattr(self.peer, case.call)
        if case.group == Group.LATENCY:
            clock = time.perf_counter

            async def timed(key: Any) -> None:
                start = clock()
                await call(key)
                latencies.append(clock() - start)

            return timed
        if case.call == "async_put":
            bins = BINS[case.bins]
            return lambda key: call(key, bins)
        if case.read:
            look = type(self.peer).batch_bins

            async def looked(keys: Any) -> None:
                look(await call(keys))

            return looked
        awaited: Callable[[Any], Awaitable[Any]] = call
        return awaited


def _check(came: int, records: int) -> None:
    if came != records:
        raise RuntimeError(f"{came} records were found, not {records}")


def _each(call: Call, arguments: Any) -> None:
    for argument in arguments:
        call(argument)


async def _burn(share: float) -> None:
    """Keeps the loop from anything else for a share of the time."""
    while True:
        end = time.perf_counter() + BURN_PERIOD * share
        while time.perf_counter() < end:
            pass
        await asyncio.sleep(BURN_PERIOD * (1 - share))


def _percentiles(latencies: list[float]) -> dict[str, float]:
    if len(latencies) < 2:
        return {}
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {"p50_ms": cuts[49] * 1e3, "p99_ms": cuts[98] * 1e3, "max_ms": max(latencies) * 1e3}


def main(arguments: list[str]) -> None:
    """Run the cases; print a line for each as soon as it is known."""
    name, hosts, count, seconds, seed, queried, *cases = arguments
    worker = Worker(PEERS[name](hosts), int(count), float(seconds), int(seed), int(queried))
    failed = False
    for case in cases:
        try:
            sample = worker.run(CASES[case])
        except Exception as error:
            sample = Sample(FAILED, f"{type(error).__name__}: {error}"[:500])
        failed |= sample.status not in (OK, UNSUPPORTED)
        print(json.dumps({"case": case, **sample.to_json()}), flush=True)
    os._exit(failed)  # without the clients' farewells, which may hang


if __name__ == "__main__":
    main(sys.argv[1:])

"""One process's load: threads or tasks that make the calls of a plan, and count what comes of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from pyspike import AsyncClient, Client
from pyspike.cli.bench.calls import Calls, names
from pyspike.cli.bench.counts import Counts, total
from pyspike.cli.bench.histogram import HIGHEST
from pyspike.cli.bench.pace import Pace
from pyspike.cli.bench.plan import Plan
from pyspike.errors import AerospikeError, InvalidArgument, ServerError

__all__ = ["Load"]

THREADS_WAKE_LATE, LOOPS_WAKE_LATE = (
    200_000,
    1_500_000,
)  # ns; epoll, by which loops sleep, counts milliseconds
AFTER_FAILURE = (
    0.005  # seconds of rest after a call that failed, and perhaps took no time, where there is no rate
)


class Load:
    """Threads, or tasks in a thread of their own, from their first call to the end of the last one.

    Args:
        client: what they share.
        plan: what they do.
        began: when it begins, by `time.perf_counter_ns`.
        seconds: how long; None for until all calls are made.

    Attributes:
        failure: why no call could go on; None if nothing was in the way.
    """

    def __init__(self, client: Client, plan: Plan, began: int, seconds: float | None) -> None:
        self.failure: BaseException | None = None
        self._client = client
        self._plan = plan
        self._stopping = threading.Event()
        self._pace = Pace(
            plan.rate,
            plan.most_calls,
            seconds,
            late=LOOPS_WAKE_LATE if plan.by_tasks else THREADS_WAKE_LATE,
            began=began,
            stopping=self._stopping,
        )
        threads = 1 if plan.by_tasks else plan.at_a_time
        self._counts = [{name: Counts() for name in names(plan)} for _ in range(threads)]
        work = self._run_tasks if plan.by_tasks else self._run_thread
        self._threads = [
            threading.Thread(target=self._guarded, args=(work, place)) for place in range(threads)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for so long, or until all has ended: whether it has."""
        until = time.perf_counter() + seconds
        for thread in self._threads:
            thread.join(max(until - time.perf_counter(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Begin no more calls; those that are under way go on to their ends."""
        self._stopping.set()

    def counts(self) -> dict[str, Counts]:
        """What has come of all calls up to now."""
        return total(self._counts)

    def _guarded(self, work: Callable[[int], None], place: int) -> None:
        try:
            work(place)
        except BaseException as error:
            self.failure = self.failure or error
            self._stopping.set()

    def _run_thread(self, place: int) -> None:
        pace, counts = self._pace, self._counts[place]
        calls = Calls(self._client, self._plan, place)
        while (turn := pace.turn()) is not None:
            number, began = turn
            if (seconds := pace.seconds_until(began)) > 0:
                due = began
                while seconds > 0:
                    time.sleep(seconds)
                    seconds = pace.seconds_until(due)
                began = pace.awake(due)
                if self._stopping.is_set():
                    return
            call = calls.choose()
            try:
                result = call.send(number)
            except AerospikeError as error:
                time.sleep(self._failed(error, counts[call.name]))
            else:
                _succeeded(counts[call.name], time.perf_counter_ns() - began, call.missing(result))

    def _run_tasks(self, place: int) -> None:
        runner = _uvloop_run if self._plan.uses_uvloop else asyncio.run
        runner(self._all_tasks())

    async def _all_tasks(self) -> None:
        async with AsyncClient.sharing(self._client) as client:
            calls = Calls(client, self._plan, 0)
            await asyncio.gather(*(self._run_task(calls) for _ in range(self._plan.at_a_time)))

    async def _run_task(self, calls: Calls) -> None:
        pace, counts = self._pace, self._counts[0]
        while (turn := pace.turn()) is not None:
            number, began = turn
            if (seconds := pace.seconds_until(began)) > 0:
                due = began
                while seconds > 0:
                    await asyncio.sleep(seconds)
                    seconds = pace.seconds_until(due)
                began = pace.awake(due)
                if self._stopping.is_set():
                    return
            call = calls.choose()
            try:
                result = await call.send(number)
            except AerospikeError as error:
                await asyncio.sleep(self._failed(error, counts[call.name]))
            else:
                _succeeded(counts[call.name], time.perf_counter_ns() - began, call.missing(result))

    def _failed(self, error: AerospikeError, counts: Counts) -> float:
        """Count an error; how many seconds to rest then."""
        if isinstance(error, InvalidArgument):
            raise error
        counts.errors[type(error).__name__] += 1
        return 0.0 if self._plan.rate or isinstance(error, ServerError) else AFTER_FAILURE


def _succeeded(counts: Counts, nanoseconds: int, missing: int) -> None:
    counts.latencies.add(min(nanoseconds, HIGHEST))
    counts.missing += missing


def _uvloop_run(main: Coroutine[Any, Any, None]) -> None:
    import uvloop

    uvloop.run(main)

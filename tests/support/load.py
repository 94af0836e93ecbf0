"""Threads that read, write and count with one client, and know what each call may give.

Each key is written by one thread, so what may be read is known: the last acknowledged value, or one whose
write is in doubt. Each call is timed, and held against its deadline and what the machine kept from it.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pyspike import AerospikeError, Client, Key, RecordNotFound
from support.cluster_tools import TOLERANCE, Lag, Starved, loop_threads, wait_until

KEYS = 30  # of each thread
COUNTERS = 5  # shared by all
TEND = 500.0  # ms between two looks at the cluster
PHASE = 0.4  # seconds that each part of a scenario takes at least
CALLS = 100  # and how many calls
# Calls a second of all threads at most: faults need time, not a machine that does nothing else.
RATE = float(os.environ.get("PYSPIKE_FAULT_RATE") or 300.0)
STOOD_STILL = 0.25  # of a call's deadline: it may fail on a machine that was late by this much meanwhile


@dataclass(frozen=True)
class Shape:
    """How many threads there are, how many calls a second they make, and the milliseconds these may take."""

    threads: int = 8
    rate: float = RATE
    reads: float = 1500.0  # so that a try that failed, and a machine that is late, leave time for another
    writes: float = 400.0


PATIENT = Shape(reads=5000.0, writes=5000.0)  # where nothing may fail though all is slow
CROWD = Shape(threads=32, rate=max(3 * RATE, 1500.0), writes=1000.0)  # who stands in a line


@dataclass(frozen=True)
class Call:
    """What came of one call."""

    kind: str
    began: float
    ended: float
    starved_ms: float
    deadline_ms: float
    error: AerospikeError | None

    @property
    def over_ms(self) -> float:
        """How far beyond its deadline it ended."""
        return (self.ended - self.began) * 1000 - self.deadline_ms


@dataclass
class Owned:
    """What a thread knows about a key that only it writes."""

    acknowledged: int = 0
    doubtful: set[int] = field(default_factory=set)

    def can_be(self, value: int) -> bool:
        return value == self.acknowledged or value in self.doubtful


class Load:
    """Threads that use a client and check what it gives, while this is entered."""

    def __init__(self, client: Client, seed: int, shape: Shape) -> None:
        self.client = client
        self.shape = shape
        self.calls: list[Call] = []
        self.wrong: list[str] = []
        self.owned = [[Owned() for _ in range(KEYS)] for _ in range(shape.threads)]
        self.added = [0] * COUNTERS
        self.perhaps_added = [0] * COUNTERS
        self.lag = Lag()
        self._checks = Counter[str]()
        self._starved = threading.local()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number, random.Random(seed * 100 + number)), daemon=True)
            for number in range(shape.threads)
        ]

    def __enter__(self) -> Load:
        for number in range(self.shape.threads):
            for n in range(KEYS):
                self.client.put(self.key(number, n), {"thread": number, "key": n, "value": 0})
        for n in range(COUNTERS):
            self.client.put(self.counter(n), {"n": 0})
        self.lag.__enter__()
        for thread in self._threads:
            thread.start()
        self.go_on()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop, and see that no call hangs."""
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        self.lag.end()
        assert not any(thread.is_alive() for thread in self._threads), "a call hangs"

    @staticmethod
    def key(thread: int, n: int) -> Key:
        return Key("test", "faults", f"{thread}/{n}")

    @staticmethod
    def counter(n: int) -> Key:
        return Key("test", "faults", f"counter {n}")

    def go_on(self) -> None:
        """Wait for a good number of calls."""
        end = time.monotonic() + PHASE
        goal = len(self.calls) + CALLS
        wait_until(lambda: len(self.calls) >= goal and time.monotonic() >= end, f"{CALLS} calls")

    # What a thread does ------------------------------------------------------------------------------------

    def _run(self, thread: int, chance: random.Random) -> None:
        starved = self._starved.of = Starved(threading.get_native_id(), *loop_threads(), children=True)
        try:
            while not self._stop.is_set():
                n = chance.randrange(KEYS)
                kind = chance.choice(("get", "get", "put", "add"))
                if kind == "get":
                    self._get(thread, n)
                elif kind == "put":
                    self._put(thread, n)
                else:
                    self._add(chance.randrange(COUNTERS))
                time.sleep(self.shape.threads / self.shape.rate)
        except BaseException as error:
            self.wrong.append(f"thread {thread} ended with {error!r}")
        finally:
            starved.close()

    def _call(
        self, kind: str, deadline: float, call: Callable[[], object]
    ) -> tuple[object, AerospikeError | None]:
        result, failed = None, None
        starved, began = self._starved.of.ms(), time.monotonic()
        try:
            result = call()
        except AerospikeError as error:
            failed = error
        ended, starved = time.monotonic(), self._starved.of.ms() - starved
        self.calls.append(Call(kind, began, ended, starved, deadline, failed))
        return result, failed

    def _get(self, thread: int, n: int) -> None:
        timeout = self.shape.reads
        record, error = self._call(
            "get", timeout, lambda: self.client.get(self.key(thread, n), timeout=timeout)
        )
        if error is None:
            self._check(thread, n, record.bins)  # type: ignore[attr-defined]

    def _check(self, thread: int, n: int, bins: dict[str, int]) -> None:
        self._count("values")
        if (bins.get("thread"), bins.get("key")) != (thread, n):
            self.wrong.append(f"{self.key(thread, n)} has {bins}, which is not its own")
        elif not self.owned[thread][n].can_be(bins["value"]):
            self.wrong.append(f"{self.key(thread, n)} has {bins}, but should have {self.owned[thread][n]}")

    def _put(self, thread: int, n: int) -> None:
        known = self.owned[thread][n]
        timeout, value = self.shape.writes, max({known.acknowledged, *known.doubtful}) + 1
        bins = {"thread": thread, "key": n, "value": value}
        _, error = self._call(
            "put", timeout, lambda: self.client.put(self.key(thread, n), bins, timeout=timeout)
        )
        if error is None:
            known.acknowledged = value
        elif error.in_doubt:
            known.doubtful.add(value)

    def _add(self, n: int) -> None:
        timeout = self.shape.writes
        _, error = self._call(
            "add", timeout, lambda: self.client.add(self.counter(n), {"n": 1}, timeout=timeout)
        )
        with self._lock:
            if error is None:
                self.added[n] += 1
            elif error.in_doubt:
                self.perhaps_added[n] += 1

    def _count(self, kind: str, number: int = 1) -> None:
        with self._lock:
            self._checks[kind] += number

    # What may be said of it --------------------------------------------------------------------------------

    def failures(self, kind: str | None = None, *, since: float = 0.0) -> list[Call]:
        """The calls of this kind that began after a moment and failed, and not by the machine's fault."""
        return [
            call
            for call in list(self.calls)
            if call.error is not None
            and call.began >= since
            and kind in (None, call.kind)
            and self.lag.during(call.began, call.ended) + call.starved_ms < call.deadline_ms * STOOD_STILL
        ]

    def expect_service(self, since: float, *, emptied: bool = False) -> None:
        """No call fails that begins two tend intervals after this moment or later.

        On a machine that is late meanwhile it is after two rounds of tending, which has more to do than the
        thread that measures the lag.

        Args:
            emptied: the nodes came back without their records, so that one may not be there.

        """
        rounds = self._rounds()
        wait_until(lambda: time.monotonic() > since + 2 * TEND / 1000)
        late = self.lag.during(since, time.monotonic())
        back = since + (2 * TEND + 2 * late) / 1000
        wait_until(lambda: time.monotonic() > back)
        if late > TOLERANCE:
            wait_until(lambda: self._rounds() > rounds + 2, "two rounds, and the end of one under way")
            back = time.monotonic()
        self.go_on()
        failed = [
            call
            for call in self.failures(since=back)
            if not (emptied and call.kind == "get" and isinstance(call.error, RecordNotFound))
        ]
        assert not failed, f"{len(failed)} calls failed after {2 * TEND:g} ms, such as {failed[0]}"

    def _rounds(self) -> int:
        rounds: int = self.client.stats().tend.rounds
        return rounds

    def check_all(self, *, kept: bool = True) -> None:
        """Hold everything that was seen and everything that is stored against what was acknowledged.

        Args:
            kept: whether the records are there; nodes keep them in memory, and all were gone.

        """
        assert len(self.calls) > 3 * CALLS
        self._check_times()
        if kept:
            for thread in range(self.shape.threads):
                for n in range(KEYS):
                    self._check(thread, n, self.client.get(self.key(thread, n)).bins)
            for n in range(COUNTERS):
                value = self.client.get(self.counter(n))["n"]
                self._count("counters")
                assert self.added[n] <= value <= self.added[n] + self.perhaps_added[n]
        assert not self.wrong, f"{len(self.wrong)} values wrong or lost, such as {self.wrong[0]}"

    def _check_times(self) -> None:
        """Each call ends within its deadline, the tolerance and what the machine kept from it meanwhile."""
        self._count("times", len(self.calls))
        late = [
            call
            for call in self.calls
            if call.over_ms > TOLERANCE
            and call.over_ms - call.starved_ms > TOLERANCE + 2 * self.lag.during(call.began, call.ended)
        ]
        assert not late, (
            f"{len(late)} calls overran by more than {TOLERANCE:g} ms and the machine's lag of "
            f"{self.lag.during(late[0].began, late[0].ended):.0f} ms, such as {late[0]}"
        )

    @property
    def checks(self) -> int:
        """How many checks were made so far."""
        return sum(self._checks.values())

    def figures(self) -> str:
        """What was done and checked, in a line."""
        kinds = Counter(call.kind for call in self.calls)
        over = max((call.over_ms for call in self.calls), default=0.0)
        return (
            f"{len(self.calls)} operations by {self.shape.threads} threads"
            f" ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}),"
            f" {len(self.failures())} failed;"
            f" {self.checks} checks"
            f" ({', '.join(f'{count} of {kind}' for kind, count in sorted(self._checks.items()))});"
            f" at most {max(over, 0.0):.0f} ms over a deadline, lag {self.lag.worst_ms:.0f} ms"
        )

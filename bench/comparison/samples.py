"""What one run of one case by one client gave: a sample, or why there is none. Also how long a run is."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["FAILED", "NOT_INSTALLED", "OK", "UNSUPPORTED", "Length", "Sample", "Stopwatch"]

OK = "ok"
NOT_INSTALLED = "not installed"
UNSUPPORTED = "unsupported"  # the client can't do that
FAILED = "failed"

WARM = 16  # calls before the first look at the clock


@dataclass(frozen=True, slots=True)
class Sample:
    """How often a call was made, and the seconds that took of the clock and of this process's CPU."""

    status: str = OK
    reason: str = ""
    count: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    more: dict[str, float] = field(default_factory=dict)  # percentiles in ms

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.count / self.wall

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a call."""
        return self.cpu / self.count * 1e6

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


class Stopwatch:
    """Seconds of the clock, and of CPU of the whole process: all its threads, not its children."""

    def __init__(self) -> None:
        self._cpu, self._wall = self._cpu_now(), time.perf_counter()

    @staticmethod
    def _cpu_now() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    @property
    def wall(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._wall

    def sample(self, count: int, **more: float) -> Sample:
        """What was used since it was made, for so many calls."""
        wall = self.wall
        return Sample(count=count, wall=wall, cpu=self._cpu_now() - self._cpu, more=more)


class Length:
    """How many calls a run has: as told, or as many as take `seconds`, found by runs that get longer.

    for count in length:            # to warm up
        run(count); length.took(watch.wall)
    run(length.count)               # to measure
    """

    def __init__(self, count: int, seconds: float) -> None:
        self.count = count
        self._seconds = seconds
        self._warm = min(count, WARM) if count else WARM
        self._over = False

    def __iter__(self) -> Length:
        return self

    def __next__(self) -> int:
        if self._over:
            raise StopIteration
        return self._warm

    def took(self, wall: float) -> None:
        """The run of the last count took so long."""
        if self.count:
            self._over = True
        elif wall >= self._seconds / 5:
            self.count = int(self._warm / wall * self._seconds) + 1
            self._over = True
        else:
            self._warm *= 2

"""What came of the calls of a benchmark, by their names: how long they took, and which errors there were."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyspike.cli.bench.histogram import Histogram

__all__ = ["Counts", "Course", "Period", "Snapshot", "summed", "total"]


@dataclass(slots=True)
class Counts:
    """What came of the calls of one name.

    Args:
        latencies: of those that succeeded.
        missing: how many records they did not find.
        errors: how often calls failed, by the name of the error's class.
    """

    latencies: Histogram = field(default_factory=Histogram)
    missing: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def include(self, other: Counts) -> None:
        """Add another one, whose calls may go on meanwhile."""
        self.latencies.include(other.latencies)
        self.missing += other.missing
        self.errors.update(other.errors.copy())

    def since(self, earlier: Counts) -> Counts:
        """What has come since an earlier state of it."""
        return Counts(
            self.latencies.since(earlier.latencies),
            self.missing - earlier.missing,
            self.errors - earlier.errors,
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that has been counted up to a moment.

    Args:
        seconds: since the counting began.
        cpu: seconds of CPU that the process has used meanwhile, or all processes.
        counts: by the calls' names.
        is_last: whether nothing comes after it.
    """

    seconds: float
    cpu: float
    counts: dict[str, Counts]
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """What has been counted between two moments.

    Args:
        start: the first one, in seconds since the counting began.
        seconds: how long it was.
        cpu: seconds of CPU that were used meanwhile.
        counts: by the calls' names.
    """

    start: float
    seconds: float
    cpu: float
    counts: dict[str, Counts]


class Course:
    """What has been counted, period by period.

    Attributes:
        started: when the counting began, in seconds of Unix time.
        periods: one after the other.
    """

    def __init__(self) -> None:
        self.started = 0.0
        self.periods: list[Period] = []
        self._last: Snapshot | None = None

    @property
    def whole(self) -> Snapshot | None:
        """All of it; None if nothing has been counted."""
        return self._last

    def add(self, snapshot: Snapshot) -> Period:
        """What has come since the snapshot before."""
        before, self._last = self._last, snapshot
        if before is None:
            self.started = time.time() - snapshot.seconds
            period = Period(0.0, snapshot.seconds, snapshot.cpu, snapshot.counts)
        else:
            counts = {name: one.since(before.counts[name]) for name, one in snapshot.counts.items()}
            period = Period(
                before.seconds, snapshot.seconds - before.seconds, snapshot.cpu - before.cpu, counts
            )
        self.periods.append(period)
        return period


def summed(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Those of several processes, as one."""
    snapshots = list(snapshots)
    return Snapshot(
        max(snapshot.seconds for snapshot in snapshots),
        sum(snapshot.cpu for snapshot in snapshots),
        total(snapshot.counts for snapshot in snapshots),
        all(snapshot.is_last for snapshot in snapshots),
    )


def total(parts: Iterable[dict[str, Counts]]) -> dict[str, Counts]:
    """The sums of what several threads, tasks or processes have counted."""
    found: dict[str, Counts] = {}
    for part in parts:
        for name, counts in part.items():
            found.setdefault(name, Counts()).include(counts)
    return found

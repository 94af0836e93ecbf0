"""How often which latency was seen, exact to three significant digits, as HdrHistogram keeps them.

To count one is a few steps of Python, a fraction of what a command costs. The file format is in `hdr_log`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

__all__ = ["DIGITS", "HIGHEST", "NS_IN_A_MS", "SIGNIFICANT_BITS", "Histogram"]

DIGITS = 3  # that are exact
SIGNIFICANT_BITS = 11  # of a number are kept for that
HIGHEST = 3_600_000_000_000  # ns: what took longer than an hour counts as an hour
NS_IN_A_MS = 1_000_000


class Histogram:
    """Numbers of nanoseconds, and how often each was seen.

    Args:
        counts: how often numbers were seen, by the least of those that are not told from each other.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int, counts or {})

    def add(self, nanoseconds: int) -> None:
        """Count one."""
        shift = nanoseconds.bit_length() - SIGNIFICANT_BITS
        self.counts[nanoseconds >> shift << shift if shift > 0 else nanoseconds] += 1

    def include(self, other: Histogram) -> None:
        """Add all that another one has."""
        for value, count in other.counts.copy().items():  # copied at once, as its thread may count meanwhile
            self.counts[value] += count

    def since(self, earlier: Histogram) -> Histogram:
        """What was counted after an earlier state of it."""
        before = earlier.counts
        return Histogram(
            {value: new for value, count in self.counts.items() if (new := count - before.get(value, 0))}
        )

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float | None:
        """Their mean; None if there are none."""
        total = self.total
        if not total:
            return None
        return sum((value + top(value)) / 2 * count for value, count in self.counts.items()) / total

    @property
    def highest(self) -> int | None:
        """The highest one; None if there are none."""
        return top(max(self.counts)) if self.counts else None

    def percentiles(self, percents: Sequence[float]) -> list[int | None]:
        """For each percentage the least number that so many of all do not exceed; None if there are none."""
        total, found, seen = self.total, dict[float, int](), 0
        waiting = sorted(set(percents), reverse=True)
        for value in sorted(self.counts):
            seen += self.counts[value]
            while waiting and seen * 100 >= waiting[-1] * total:
                found[waiting.pop()] = top(value)
        return [found.get(percent) for percent in percents]


def top(value: int) -> int:
    """The greatest number that is not told from this one."""
    shift = max(value.bit_length() - SIGNIFICANT_BITS, 0)
    return value + (1 << shift) - 1

"""What an application's client does, by the numbers that it shows to Prometheus (`telemetry.prometheus`).

Two texts become figures for each namespace and method; those of all nodes, and of all clients in the
text, together.
"""

from __future__ import annotations

import re
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

__all__ = ["CallFigures", "Numbers", "calls_of", "fetch", "parse"]

LINE = re.compile(r"(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+\d+)?")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
DURATION = "db_client_operation_duration_seconds"
COUNTERS = {
    "aerospike_client_errors_total": "failed",
    "aerospike_client_retries_total": "retries",
    "aerospike_client_timeouts_total": "timeouts",
}
NS, METHOD = "db_namespace", "db_operation_name"
PERCENTS = (0.5, 0.99)
LONGEST = 10.0  # seconds for a text

Operation = tuple[str, str]  # namespace and method
Name = TypeVar("Name", str, float)


def _tables() -> Any:
    return defaultdict(lambda: defaultdict(float))


@dataclass(slots=True)
class Numbers:
    """The numbers of one text, by namespace and method.

    Args:
        at: when it was read, in seconds of a clock that only goes forward.
        buckets: how many calls took no longer than so many seconds.
        counters: errors, retries and time-outs.
    """

    at: float
    buckets: dict[Operation, dict[float, float]] = field(default_factory=_tables)
    counters: dict[Operation, dict[str, float]] = field(default_factory=_tables)


@dataclass(frozen=True, slots=True)
class CallFigures:
    """What was called between two looks.

    Args:
        namespace: whose records it was about.
        method: the client's method.
        calls: in a second, those that failed included.
        failed: attempts that failed, in a second.
        retries: attempts that were not the first ones, in a second.
        timeouts: attempts whose time was over, in a second.
        p50: milliseconds within which half of the calls ended, as far as the histogram tells; None if there
            were none, or if it was longer than the histogram goes.
        p99: the same of 99 %.
    """

    namespace: str
    method: str
    calls: float
    failed: float
    retries: float
    timeouts: float
    p50: float | None
    p99: float | None


def fetch(url: str) -> str:
    """The text at an address.

    Raises:
        OSError: it can't be had.
        ValueError: that is no address.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} does not begin with http:// or https://")
    with urllib.request.urlopen(url, timeout=LONGEST) as answer:
        return str(answer.read().decode("utf-8", "replace"))


def parse(text: str, at: float) -> Numbers:
    """The numbers in a text in Prometheus's format; what others have in it is passed over."""
    found = Numbers(at)
    for line in text.splitlines():
        match = LINE.fullmatch(line.strip())
        if match is None or line.startswith("#"):
            continue
        labels = dict(LABEL.findall(match["labels"] or ""))
        operation = labels.get(NS, ""), labels.get(METHOD, "")
        if match["name"] == f"{DURATION}_bucket":
            found.buckets[operation][float(labels["le"])] += float(match["value"])
        elif match["name"] in COUNTERS:
            found.counters[operation][COUNTERS[match["name"]]] += float(match["value"])
    return found


def calls_of(before: Numbers, after: Numbers) -> Sequence[CallFigures]:
    """What two texts tell, by namespace and method; nothing of what has begun anew."""
    seconds = after.at - before.at
    found = []
    for operation in sorted(after.buckets):
        buckets = _difference(before.buckets.get(operation, {}), after.buckets[operation])
        counters = _difference(before.counters.get(operation, {}), after.counters.get(operation, {}))
        if seconds <= 0 or any(value < 0 for value in (*buckets.values(), *counters.values())):
            continue
        total = max(buckets.values(), default=0.0)
        failed, retries, timeouts = (counters.get(what, 0.0) / seconds for what in COUNTERS.values())
        p50, p99 = (_within(buckets, total * share) for share in PERCENTS)
        found.append(CallFigures(*operation, total / seconds, failed, retries, timeouts, p50, p99))
    return found


def _difference(before: Mapping[Name, float], after: Mapping[Name, float]) -> dict[Name, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def _within(buckets: Mapping[float, float], calls: float) -> float | None:
    """The milliseconds of the first bucket with so many calls."""
    if not calls:
        return None
    limit = min(limit for limit, count in buckets.items() if count >= calls)
    return None if limit == float("inf") else limit * 1000

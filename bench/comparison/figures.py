"""Samples to figures: medians over the rounds, and ratios taken round by round before their median is.

A round that failed is left out, and said.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from .cases import Case
from .floor import FLOOR
from .runner import Results
from .samples import OK, Sample

__all__ = ["Figure", "figures"]


@dataclass(frozen=True, slots=True)
class Figure:
    """What one client needs for one case; None where there is no figure."""

    case: str
    client: str
    status: str
    reason: str = ""
    ops_s: float | None = None
    wall_us: float | None = None
    cpu_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    cpu_to: dict[str, float] = field(default_factory=dict)  # other client to this one's CPU over that one's
    ops_to: dict[str, float] = field(default_factory=dict)
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def figures(cases: list[Case], clients: list[str], results: Results) -> list[Figure]:
    """A figure for every case and client, cases first."""
    return [
        _figure(case.name, client, results)
        for case in cases
        for client in [*clients, FLOOR]
        if client != FLOOR or case.floored
    ]


def _figure(case: str, client: str, results: Results) -> Figure:
    samples = results[case, client]
    good = [sample for sample in samples if sample.status == OK]
    bad = [sample for sample in samples if sample.status != OK]
    if not good:
        return Figure(case, client, bad[0].status, bad[0].reason)
    others = {name: theirs for (other, name), theirs in results.items() if other == case and name != client}

    def more(name: str) -> float | None:
        values = [sample.more[name] for sample in good if name in sample.more]
        return statistics.median(values) if values else None

    return Figure(
        case,
        client,
        OK,
        f"{len(bad)} of {len(samples)} rounds failed: {bad[0].reason}" if bad else "",
        ops_s=statistics.median(sample.rate for sample in good),
        wall_us=statistics.median(1e6 / sample.rate for sample in good),
        cpu_us=statistics.median(sample.cpu_us for sample in good),
        cpu_to=_ratios(samples, others, lambda sample: sample.cpu_us),
        ops_to=_ratios(samples, others, lambda sample: sample.rate),
        p50_ms=more("p50_ms"),
        p99_ms=more("p99_ms"),
        max_ms=more("max_ms"),
        rounds=[sample.to_json() for sample in samples],
    )


def _ratios(
    samples: list[Sample], others: dict[str, list[Sample]], of: Callable[[Sample], float]
) -> dict[str, float]:
    ratios = {
        name: [
            of(mine) / of(other)
            for mine, other in zip(samples, theirs, strict=True)
            if mine.status == other.status == OK and of(other)
        ]
        for name, theirs in others.items()
    }
    return {name: statistics.median(values) for name, values in ratios.items() if values}

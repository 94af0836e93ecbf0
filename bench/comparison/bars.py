"""What the figures have to reach: the bars of the issues on speed, and whether a run reached them.

A bar whose case and client were asked for counts as missed if there is no figure for it; a bar that needs a
real server is left out on an embedded one, which sets the pace there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .clients import OFFICIAL, OURS
from .figures import Figure
from .floor import FLOOR

__all__ = ["BARS", "Bar", "Judged", "judge", "lines"]

CPU = "CPU"
OPS = "ops/s"
NATIVE, PY = "aerospike-native", "aerospike-py"


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio of pyspike's figure to another's: of CPU at most so much, of operations a second at least."""

    case: str
    what: str
    other: str
    ratio: float
    real: bool = False  # asked of a run on a real server only

    @property
    def text(self) -> str:
        """As people write it."""
        return (
            f"{self.case}: {self.what} {'<=' if self.what == CPU else '>='} {self.ratio:.2f} of {self.other}"
        )

    def reached(self, figure: float) -> bool:
        """Whether a ratio is good enough."""
        return figure <= self.ratio if self.what == CPU else figure >= self.ratio


@dataclass(frozen=True, slots=True)
class Judged:
    """A bar and the ratio that was measured; None if there is none."""

    bar: Bar
    figure: float | None

    @property
    def ok(self) -> bool:
        """Whether the bar was reached."""
        return self.figure is not None and self.bar.reached(self.figure)


BARS: tuple[Bar, ...] = (
    Bar("get", CPU, OFFICIAL, 0.65),
    Bar("put", CPU, OFFICIAL, 0.65),
    Bar("get-document", CPU, OFFICIAL, 0.60),
    Bar("put-document", CPU, OFFICIAL, 0.60),
    Bar("get", CPU, FLOOR, 1.3),
    Bar("threads-16", OPS, OFFICIAL, 1.3),
    *(Bar("digest", CPU, other, 1.0) for other in (OFFICIAL, NATIVE)),
    *(Bar(f"async-{call}-64", CPU, NATIVE, 0.35) for call in ("get", "put")),
    *(Bar(f"async-{call}-64", CPU, PY, 0.12) for call in ("get", "put")),
    *(Bar(f"async-{call}-64", OPS, NATIVE, 2.5, real=True) for call in ("get", "put")),
    Bar("async-batch-get-16", OPS, NATIVE, 3.0, real=True),
    *(Bar(f"async-{call}-1", OPS, other, 1.0) for call in ("get", "put") for other in (NATIVE, PY)),
    Bar("operate-document", CPU, OFFICIAL, 0.60),
    *(Bar("batch-get", CPU, other, 0.40) for other in (OFFICIAL, NATIVE, PY)),
    *(Bar("batch-get-document", CPU, other, 0.50) for other in (OFFICIAL, NATIVE, PY)),
    *(Bar(case, CPU, other, 0.40) for case in ("scan", "index-query") for other in (OFFICIAL, NATIVE, PY)),
    Bar("scan-arrow", CPU, OFFICIAL, 0.15),
    Bar("scan-frame", CPU, OFFICIAL, 0.08),
    Bar("write-arrow", CPU, OFFICIAL, 0.35),
    Bar("async-scan", OPS, NATIVE, 3.0, real=True),
    *(Bar(f"batch-{call}", CPU, OFFICIAL, 0.50) for call in ("put", "operate", "operate-document")),
)


def judge(figures: Iterable[Figure], clients: Iterable[str], *, real: bool) -> list[Judged]:
    """The bars that these cases and clients are held to, each with its figure."""
    ours = {figure.case: figure for figure in figures if figure.client == OURS}
    others = {*clients, FLOOR}
    return [
        Judged(bar, (ours[bar.case].cpu_to if bar.what == CPU else ours[bar.case].ops_to).get(bar.other))
        for bar in BARS
        if bar.case in ours and bar.other in others and (real or not bar.real)
    ]


def lines(judged: Iterable[Judged]) -> list[str]:
    """A line a bar: the bar, the figure, and whether it was reached."""
    return [
        f"{each.bar.text:<52} {'none' if each.figure is None else f'{each.figure:.2f}':>6}"
        f"  {'ok' if each.ok else 'missed'}"
        for each in judged
    ]

"""A chart of a benchmark: how much was done and how long it took, period by period, and all latencies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspike.cli.bench.counts import Course, Snapshot
from pyspike.cli.bench.histogram import NS_IN_A_MS
from pyspike.cli.bench.plan import Plan

__all__ = ["draw", "formats"]

PERCENTS = (50.0, 99.0, 99.9)
NINES = 5  # up to 99.999 % of calls
STEPS = 20  # points of the curve for each nine


def formats() -> list[str]:
    """The endings of files that can be written.

    Raises:
        ModuleNotFoundError: there is no matplotlib.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    return sorted(FigureCanvasBase.get_supported_filetypes())


def draw(path: Path, plan: Plan, course: Course, whole: Snapshot) -> None:
    """Write the chart to a file, in the format that its ending says.

    Args:
        path: the file.
        plan: what was done.
        course: what was counted, period by period.
        whole: all of it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 10), layout="constrained")
    done, latencies, spread = figure.subplots(3)
    ends = [period.start + period.seconds for period in course.periods]
    for number, name in enumerate(whole.counts):
        counts = [period.counts[name] for period in course.periods]
        each = [
            one.latencies.total / period.seconds for one, period in zip(counts, course.periods, strict=True)
        ]
        done.plot(ends, each, marker=".", label=name)
        for place, percent in enumerate(PERCENTS):
            values = [one.latencies.percentiles([percent])[0] for one in counts]
            label, style = f"{name} p{percent:g}", ("-", "--", ":")[place]
            shown = [_ms(value) for value in values]
            latencies.plot(ends, shown, style, color=f"C{number}", marker=".", label=label)
        _spread(spread, name, whole)
    done.set(title=_title(plan), xlabel="seconds", ylabel="calls a second", ylim=(0, None))
    latencies.set(xlabel="seconds", ylabel="latency, ms", yscale="log")
    spread.set(xlabel="percentage of calls", ylabel="latency, ms", yscale="log", xscale="log")
    nines = [10.0**place for place in range(NINES + 1)]
    spread.set_xticks(nines, [f"{100 - 100 / each:g}" for each in nines], minor=False)
    spread.minorticks_off()
    for axes in (done, latencies, spread):
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.savefig(path)


def _spread(axes: Any, name: str, whole: Snapshot) -> None:
    """Latency by the percentage of calls; each nine takes as much room as the one before."""
    places = [10 ** (step / STEPS) for step in range(NINES * STEPS + 1)]
    percents = [100 - 100 / place for place in places]
    axes.plot(
        places, [_ms(value) for value in whole.counts[name].latencies.percentiles(percents)], label=name
    )


def _title(plan: Plan) -> str:
    kind = "tasks" if plan.by_tasks else "threads"
    rate = f", {plan.rate:,g} calls a second due" if plan.rate else ""
    return f"pyspike bench {plan.workload}: {plan.processes} x {plan.at_a_time} {kind}{rate}"


def _ms(value: float | None) -> float:
    return float("nan") if value is None else value / NS_IN_A_MS

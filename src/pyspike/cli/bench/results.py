"""What a benchmark says in the end: a table for people, and JSON for programs."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from pyspike.cli.bench.calls import names
from pyspike.cli.bench.counts import Counts, Course, Snapshot, total
from pyspike.cli.bench.histogram import NS_IN_A_MS
from pyspike.cli.bench.plan import Plan
from pyspike.version import __version__

__all__ = ["ALL", "found_nothing", "milliseconds", "print_results", "results_to_json"]

ALL = "all"  # the calls of all names


def print_results(console: Console, plan: Plan, whole: Snapshot, percents: Sequence[float]) -> None:
    """Print the table, and what else there is to know.

    Args:
        console: where.
        plan: what was done.
        whole: all that came of it.
        percents: the percentages of calls whose latency is told.
    """
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("call", no_wrap=True)
    shown = [f"p{percent:g} ms" for percent in percents]
    rows = _rows(whole)
    everything = rows[-1][1]
    rare = {"errors": everything.errors.total(), "missing": everything.missing}
    for name in ("done", "per s", *(name for name, count in rare.items() if count), *shown, "max ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in rows:
        done = counts.latencies.total
        rare_here = {"errors": counts.errors.total(), "missing": counts.missing}
        table.add_row(
            name,
            f"{done:,}",
            f"{done / whole.seconds:,.0f}",
            *(f"{count:,}" for what, count in rare_here.items() if rare[what]),
            *map(milliseconds, [*counts.latencies.percentiles(percents), counts.latencies.highest]),
        )
    console.print(table)
    console.print()
    for line in _remarks(plan, whole):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def found_nothing(plan: Plan, whole: Snapshot) -> bool:
    """Whether there were reads, and none of them found a record."""
    reads = {name: records for name, records in names(plan).items() if name.endswith("get")}
    asked = sum(whole.counts[name].latencies.total * records for name, records in reads.items())
    return 0 < asked == sum(whole.counts[name].missing for name in reads)


def _rows(whole: Snapshot) -> list[tuple[str, Counts]]:
    rows = list(whole.counts.items())
    return rows if len(rows) == 1 else [*rows, (ALL, _all(whole))]


def _all(whole: Snapshot) -> Counts:
    return total({ALL: counts} for counts in whole.counts.values())[ALL]


def _remarks(plan: Plan, whole: Snapshot) -> list[str]:
    everything = _all(whole)
    done = everything.latencies.total
    calls = done + everything.errors.total()
    at_a_time = (
        f"{plan.at_a_time} {'task' if plan.by_tasks else 'thread'}{'' if plan.at_a_time == 1 else 's'}"
    )
    processes = (
        f"{plan.processes} processes, each {at_a_time}" if plan.processes > 1 else f"1 process, {at_a_time}"
    )
    used = f"{whole.cpu / whole.seconds:.2f} cores" if whole.seconds else ""
    each = f", {whole.cpu / calls * 1e6:,.1f} us a call" if calls else ""
    lines = [f"client   {processes}; CPU {used}{each}"]
    sizes = {name: records for name, records in names(plan).items() if records > 1}
    for name, records in sizes.items():
        per_second = whole.counts[name].latencies.total * records / whole.seconds
        lines.append(f"records  {name}: {per_second:,.0f} a second, {records:,} a call")
    if plan.rate:
        lines.append(
            f"rate     {plan.rate:,g} calls a second were due, {calls / whole.seconds:,.0f} were made; "
            "latencies count from when a call was due"
        )
    if everything.errors:
        lines.extend(
            f"errors   {name}: {_kinds(counts.errors)}"
            for name, counts in whole.counts.items()
            if counts.errors
        )
    return lines


def _kinds(errors: Counter[str]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in errors.most_common())


def results_to_json(
    plan: Plan, course: Course, whole: Snapshot, percents: Sequence[float], *, interrupted: bool
) -> dict[str, Any]:
    """All that a benchmark tells, as JSON has it; latencies are milliseconds.

    Args:
        plan: what was done.
        course: what was counted, period by period.
        whole: all of it.
        percents: the percentages of calls whose latency is told.
        interrupted: whether it was ended early.
    """
    sizes = names(plan)
    return {
        "pyspike": __version__,
        "python": platform.python_version(),
        "plan": _plan_to_json(plan),
        "started": course.started,
        "seconds": whole.seconds,
        "cpu_seconds": whole.cpu,
        "interrupted": interrupted,
        "calls": {
            name: _counts_to_json(counts, whole.seconds, percents) | {"records_per_call": sizes.get(name)}
            for name, counts in _rows(whole)
        },
        "periods": [
            {
                "start": period.start,
                "seconds": period.seconds,
                "cpu_seconds": period.cpu,
                "calls": {
                    name: _counts_to_json(counts, period.seconds, percents)
                    for name, counts in period.counts.items()
                },
            }
            for period in course.periods
        ],
    }


def _counts_to_json(counts: Counts, seconds: float, percents: Sequence[float]) -> dict[str, Any]:
    latencies = counts.latencies
    told = {
        "mean": latencies.mean,
        **{
            f"p{percent:g}": value
            for percent, value in zip(percents, latencies.percentiles(percents), strict=True)
        },
        "max": latencies.highest,
    }
    done = latencies.total
    return {
        "done": done,
        "per_second": done / seconds if seconds else None,
        "missing": counts.missing,
        "errors": dict(counts.errors.most_common()),
        "latency_ms": {name: None if value is None else value / NS_IN_A_MS for name, value in told.items()},
    }


def _plan_to_json(plan: Plan) -> dict[str, Any]:
    return {
        "workload": str(plan.workload),
        "namespace": plan.namespace,
        "set": plan.set_name,
        "start_key": plan.start_key,
        "keys": plan.keys,
        "object_spec": plan.spec.text,
        "random": plan.is_random,
        "seed": plan.seed,
        "read_batch_size": plan.read_batch,
        "write_batch_size": plan.write_batch,
        "tasks" if plan.by_tasks else "threads": plan.at_a_time,
        "processes": plan.processes,
        "throughput": plan.rate,
        "duration": plan.seconds,
        "calls": plan.most_calls,
        "warm_up": plan.warm_up,
    }


def milliseconds(nanoseconds: float | None) -> str:
    """A latency as people read it."""
    if nanoseconds is None:
        return "-"
    value = nanoseconds / NS_IN_A_MS
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:,.0f}"

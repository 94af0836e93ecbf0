"""What a benchmark shows while it runs: a table that changes on a terminal, elsewhere a line a period."""

from __future__ import annotations

from types import TracebackType

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from pyspike.cli.bench.counts import Period, Snapshot
from pyspike.cli.bench.plan import Plan
from pyspike.cli.bench.results import milliseconds

__all__ = ["Progress"]

PERCENTS = (50.0, 99.0)


class Progress:
    """Shows how a benchmark goes on, between `with` and its end.

    Args:
        console: where.
        plan: what is done.
    """

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
            text = f"warming up for {self._plan.warm_up:g} s" if self._plan.warm_up else "begins"
            self._live.update(text, refresh=True)
        return self

    def show(self, whole: Snapshot, period: Period) -> None:
        """What has come of it up to now, and in the last period."""
        if self._live is not None:
            self._live.update(self._table(whole, period), refresh=True)
        else:
            self._console.print(self._line(whole, period), markup=False, highlight=False, soft_wrap=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _how_far(self, whole: Snapshot) -> str:
        if self._plan.seconds is not None:
            return f"{whole.seconds:.1f} of {self._plan.seconds:g} s"
        done = sum(counts.latencies.total + counts.errors.total() for counts in whole.counts.values())
        return f"{whole.seconds:.1f} s, {done:,} of {self._plan.most_calls or 0:,} calls"

    def _line(self, whole: Snapshot, period: Period) -> str:
        parts = [self._how_far(whole)]
        for name, *numbers in _rows(period):
            parts.append("{}: {}/s, p50 {}, p99 {}, max {} ms, errors {}".format(name, *numbers))
        return " | ".join(parts)

    def _table(self, whole: Snapshot, period: Period) -> Table:
        table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column(self._how_far(whole), no_wrap=True)
        for name in ("per s", "p50 ms", "p99 ms", "max ms", "errors"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in _rows(period):
            table.add_row(*row)
        return table


def _rows(period: Period) -> list[tuple[str, ...]]:
    """For each call its name, how many a second, p50, p99, the longest, errors."""
    return [
        (
            name,
            f"{counts.latencies.total / period.seconds:,.0f}" if period.seconds else "-",
            *map(milliseconds, [*counts.latencies.percentiles(PERCENTS), counts.latencies.highest]),
            f"{counts.errors.total():,}",
        )
        for name, counts in period.counts.items()
    ]

"""The demonstration's words: progress, the table and the verdict, on a terminal and in a log."""

from __future__ import annotations

from array import array
from collections import Counter
from types import TracebackType

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pyspike.cli.workload import Phase, Tally

__all__ = ["Report", "quantile"]


class Report:
    """What is shown while the demonstration runs, and the rows of its table.

    On a terminal a phase has a bar; elsewhere it is one line when it ends.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._rows: list[tuple[str, ...]] = []
        self._errors: Counter[str] = Counter()
        self._in_doubt = 0

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def bar(self, phase: Phase, *, records: int, seconds: float | None) -> Bar:
        """The progress of a phase, which ends after so many records, or after `seconds` if they are given."""
        return Bar(self.console, phase, records, seconds)

    def add(self, phase: Phase, tally: Tally, what: str) -> None:
        """A row of the table."""
        latencies = array("d", sorted(tally.latencies))
        self._errors.update(tally.errors)
        self._in_doubt += tally.in_doubt
        self._rows.append(
            (
                what,
                f"{tally.done:,}",
                f"{tally.done / phase.seconds:,.0f}" if phase.seconds else "-",
                *(_ms(quantile(latencies, share)) for share in (0.5, 0.99, 1.0)),
                f"{tally.errors.total():,}",
                f"{tally.retries:,}",
            )
        )

    def table(self) -> None:
        """Show the table, and which errors there were."""
        table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column("operation", no_wrap=True)
        for name in ("done", "per s", "p50 ms", "p99 ms", "max ms", "errors", "retries"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in self._rows:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)
        self.console.print()
        if self._errors:
            kinds = ", ".join(f"{name} {count:,}" for name, count in self._errors.most_common())
            self.say(f"errors: {kinds}; {self._in_doubt:,} left in doubt whether the update was applied\n")


class Bar:
    """A phase's progress, between `with` and its end."""

    def __init__(self, console: Console, phase: Phase, records: int, seconds: float | None) -> None:
        self._phase = phase
        self._console = console
        self._records = records
        self._seconds = seconds
        self._task = TaskID(0)
        self._progress: Progress | None = None
        if console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description:8}"),
                BarColumn(),
                TextColumn("{task.fields[done]:>8}", justify="right"),
                TextColumn("{task.fields[rate]:>9}", justify="right"),
                TimeElapsedColumn(),
                console=console,
            )

    def __enter__(self) -> Bar:
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task(
                self._phase.name, total=self._seconds or self._records, done="", rate=""
            )
        return self

    def show(self, seconds: float) -> None:
        """Where the phase is after so many seconds."""
        if self._progress is not None:
            done = self._phase.done
            self._progress.update(
                self._task,
                completed=done if self._seconds is None else min(seconds, self._seconds),
                done=f"{done:,}",
                rate=f"{done / seconds:,.0f}/s" if seconds else "",
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.show(self._phase.seconds)
        if self._progress is not None:
            self._progress.stop()
        elif error is None:
            done, seconds = self._phase.done, self._phase.seconds
            text = f"{self._phase.name:8} {done:,} in {seconds:.1f} s"
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def quantile(ascending: array[float], share: float) -> float | None:
    """The smallest value that at least this share of all values does not exceed."""
    if not ascending:
        return None
    return ascending[max(0, -(-int(len(ascending) * share * 10_000) // 10_000) - 1)]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:,.0f}"

"""What export, load and copy share: ranges of partitions in threads, notes of what is done, a bar."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pyspike import PartitionFilter, errors
from pyspike.cli.conditions import parse_condition
from pyspike.cli.failures import NotWritten
from pyspike.cli.output import complain
from pyspike.exp import Expression

__all__ = ["Notes", "Stopped", "Task", "in_ranges", "named", "progress_bar", "ranges_of", "where_expression"]

LOOK_EVERY = 0.2  # seconds between two looks for Ctrl-C


class Stopped(Exception):  # noqa: N818 - it says what happened
    """Another range has failed, or the command was interrupted."""


class Notes:
    """A file that tells what is done, so that a command that was ended goes on; written in one step.

    Args:
        path: of the file; None for none.
        job: what is done, by names for people. A file of another job is refused.
    """

    def __init__(self, path: Path | None, job: dict[str, Any]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._kept: dict[str, Any] = {"job": job}
        if path is None:
            return
        try:
            kept = json.loads(path.read_bytes())
            if not isinstance(kept, dict) or "job" not in kept:
                raise ValueError("it is no file of this command")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise click.BadParameter(f"{path} can't be read: {error}", param_hint=str(path)) from None
        before = kept["job"] if isinstance(kept["job"], dict) else {}
        others = [name for name in {**job, **before} if before.get(name) != job.get(name)]
        if others:
            raise click.BadParameter(
                f"{path} is of another job, with other {', '.join(others)}: {json.dumps(before)}; "
                "delete it to begin anew",
                param_hint=str(path),
            )
        self._kept = kept

    @property
    def kept(self) -> bool:
        """Whether there is a file."""
        return self._path is not None

    def get(self, name: str, default: Any = None) -> Any:
        """What is noted under a name."""
        with self._lock:
            return self._kept.get(name, default)

    def set(self, name: str, value: Any) -> None:
        """Note a value that JSON has a form for."""
        with self._lock:
            self._kept[name] = value
            self._write()

    def add(self, name: str, value: Any) -> None:
        """Note one more value of several."""
        with self._lock:
            self._kept.setdefault(name, []).append(value)
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            beside.write_text(json.dumps(self._kept))
            beside.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise NotWritten(str(self._path), f"what is done can't be noted: {error.strerror}") from None


class Task:
    """What a thread that works on a range is told, and tells.

    Args:
        stop: is set when all are to end.
        advance: is called with how many records more are done.
    """

    def __init__(self, stop: threading.Event, advance: Callable[[int], None]) -> None:
        self._stop = stop
        self._advance = advance

    def did(self, count: int) -> None:
        """Count records that are done.

        Raises:
            Stopped: all are to end.
        """
        self._advance(count)
        if self._stop.is_set():
            raise Stopped


def ranges_of(count: int) -> list[PartitionFilter]:
    """All partitions, in so many ranges."""
    return PartitionFilter.all().split(count)


def in_ranges(
    ranges: Sequence[PartitionFilter],
    threads: int,
    notes: Notes,
    work: Callable[[PartitionFilter, Task], None],
    *,
    what: str,
    silent: bool,
) -> int:
    """Work on the ranges that are not noted as done, some at once; returns how many records were done.

    The first error of one ends all, and is raised. That there are no records at all is told.

    Args:
        ranges: all of them.
        threads: how many at once.
        notes: what is done.
        work: is done on each.
        what: the records are of.
        silent: whether there is no bar.
    """
    done = set(notes.get("done", []))
    waiting = [each for each in ranges if each.begin not in done]
    stop = threading.Event()
    total = 0
    lock = threading.Lock()
    with progress_bar(len(ranges), len(ranges) - len(waiting), silent=silent) as (told, tick):

        def advance(count: int) -> None:
            nonlocal total
            with lock:
                total += count
                told(total)

        def one(partitions: PartitionFilter) -> None:
            if stop.is_set():
                return
            work(partitions, Task(stop, advance))
            notes.add("done", partitions.begin)
            tick()

        with ThreadPoolExecutor(max(1, threads), thread_name_prefix="pyspike-bulk") as pool:
            futures = [pool.submit(one, each) for each in waiting]
            try:
                _wait(futures)
            finally:
                stop.set()
                for future in futures:
                    future.cancel()
        for future in futures:
            if not future.cancelled():
                with contextlib.suppress(Stopped):
                    future.result()
    if not total and not done:
        complain(f"no records in {what}")
    return total


def named(namespace: str, set_name: str | None, where: str | None) -> str:
    """What is read, in words."""
    place = f"set {set_name} of namespace {namespace}" if set_name else f"namespace {namespace}"
    return place if where is None else f"{place} for which {where}"


def _wait(futures: Sequence[Future[None]]) -> None:
    """Wait until all are done or one has failed; Ctrl-C is seen meanwhile."""
    left = set(futures)
    while left:
        done, left = wait(left, LOOK_EVERY, FIRST_EXCEPTION)
        if any(each.exception() for each in done):
            return


@contextlib.contextmanager
def progress_bar(
    total: int | None, done: int, *, silent: bool, of_records: bool = False
) -> Iterator[tuple[Callable[[int], None], Callable[[], None]]]:
    """A bar on stderr: what is given tells the number of records, and that one more part is done.

    Args:
        total: how many parts there are; None if nobody knows.
        done: how many of them are done already.
        silent: whether there is no bar.
        of_records: whether records are the parts.
    """
    console = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]:,} records"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=silent or not console.is_terminal,
    )
    with bar as progress:
        task = progress.add_task("", total=total, completed=done, records=0, rate=0.0)

        def tell(records: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            completed = done + records if of_records else None
            rate = records / elapsed if elapsed else 0.0
            progress.update(task, completed=completed, records=records, rate=rate)

        yield tell, lambda: progress.update(task, advance=1)


def where_expression(where: str | None) -> Expression | None:
    """The filter that `--where` means."""
    if where is None:
        return None
    try:
        return parse_condition(where).expression()
    except (ValueError, errors.AerospikeError) as error:
        raise click.BadParameter(str(error), param_hint="--where") from None

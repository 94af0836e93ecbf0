"""scan and query: records of a set, as lines of JSON.

Owns: what is asked for, the lines, the file that tells where to go on, and the progress bar. Not here: the
words of conditions (conditions.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeElapsedColumn

from pyspike import Client, Cursor, QueryPolicy, Record, Statement, errors
from pyspike.cli.conditions import WHERE_HELP, Condition, parse_condition
from pyspike.cli.failures import NotWritten
from pyspike.cli.options import connect, connecting
from pyspike.cli.output import OutputFailed
from pyspike.cli.records import record_to_json
from pyspike.columnar.json_values import FORMS_HELP

__all__ = ["query", "scan"]

F = TypeVar("F", bound=Callable[..., Any])

_FLUSH_EVERY = 1000
"""After how many records it is noted that they are written."""


def _searching(command: F) -> F:
    """The options of scan and query, but for `--where`."""
    for option in (
        click.option("--bins", metavar="A,B,...", help="Print these bins only."),
        click.option("--max-records", type=click.IntRange(min=1), metavar="N", help="Print no more than N."),
        click.option(
            "--cursor",
            "path",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Go on where FILE tells, if it is there, and note in it where this ends.",
        ),
        click.option(
            "--records-per-second",
            type=click.IntRange(min=1),
            default=None,
            metavar="N",
            help="How many records each node may look at in a second.",
        ),
        click.option(
            "--total-timeout",
            type=click.FloatRange(min=1),
            metavar="MS",
            help="How long all of it may take.  [default: as long as it takes]",
        ),
    ):
        command = option(command)
    return command


@click.command(epilog=WHERE_HELP + "\n" + FORMS_HELP)
@click.argument("namespace")
@click.argument("set_name", metavar="[SET]", required=False)
@click.option("--where", metavar="CONDITION", help="Only records for which this holds; all are looked at.")
@_searching
@connecting
@click.option("--json", "as_json", is_flag=True, help="Print errors as JSON too.")
def scan(
    namespace: str, set_name: str | None, where: str | None, hosts: str, timeout: float, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Print all records of a set, or of a namespace, as lines of JSON, as `get --json` does.

    With --cursor, what was interrupted goes on: no record is left out, and none is printed twice, but for one
    that was being printed just then. Where nothing is left, nothing is printed.
    """
    condition = _condition(where)
    try:
        expression = None if condition is None else condition.expression()
    except (ValueError, errors.AerospikeError) as error:
        raise _bad_condition(error) from None
    statement = Statement(namespace, set_name or None, _names(options["bins"]))
    with connect(hosts, timeout) as client:
        total = _count(client, namespace, set_name) if condition is None and _bar_is_seen() else None
        _print(client, statement, expression, total, **options)


@click.command(epilog=WHERE_HELP + "\n" + FORMS_HELP)
@click.argument("namespace")
@click.argument("set_name", metavar="SET")
@click.option("--where", metavar="CONDITION", required=True, help="What is looked for in an index.")
@_searching
@connecting
@click.option("--json", "as_json", is_flag=True, help="Print errors as JSON too.")
def query(
    namespace: str, set_name: str, where: str, hosts: str, timeout: float, as_json: bool, **options: Any
) -> None:
    """Print the records that an index finds, as lines of JSON, as `get --json` does.

    There must be an index of the bin (`pyspike index create`). SET may be '' for the whole namespace. As for
    --cursor, see `pyspike scan --help`.
    """
    condition = _condition(where)
    assert condition is not None
    try:
        found = condition.index_filter()
    except errors.AerospikeError as error:
        raise _bad_condition(error) from None
    statement = Statement(namespace, set_name or None, _names(options["bins"]), where=found)
    with connect(hosts, timeout) as client:
        _print(client, statement, None, None, **options)


def _condition(where: str | None) -> Condition | None:
    try:
        return None if where is None else parse_condition(where)
    except ValueError as error:
        raise _bad_condition(error) from None


def _bad_condition(error: Exception) -> click.BadParameter:
    return click.BadParameter(str(error), param_hint="--where")


def _names(bins: str | None) -> list[str] | None:
    return None if bins is None else bins.split(",")


# --- printing -----------------------------------------------------------------------------------------------


def _print(
    client: Client,
    statement: Statement,
    expression: Any,
    total: int | None,
    *,
    bins: str | None,
    max_records: int | None,
    path: Path | None,
    records_per_second: int | None,
    total_timeout: float | None,
) -> None:
    policy = QueryPolicy(
        max_records=max_records or 0,
        records_per_second=records_per_second or 0,
        total_timeout=total_timeout or 0,
    )
    cursor = None if path is None else _read_cursor(path)
    if cursor is not None and cursor.done:
        return
    found = client.query(statement, cursor=cursor, filter_expression=expression, policy=policy)
    if max_records is not None:
        total = max_records if total is None else min(total, max_records)
    with found as records, _bar(total) as advance:
        lines = _Lines(lambda: records.cursor)
        try:
            for record in records:
                lines.print(record)
                if lines.count % _FLUSH_EVERY == 0:
                    lines.flush()
                    advance(_FLUSH_EVERY)
            lines.flush()
        except OutputFailed:  # what was not flushed is printed again by who goes on
            raise
        except BaseException:
            lines.finish()
            raise
        finally:
            if path is not None:
                _write_cursor(path, lines.cursor)


class _Lines:
    """The lines that are printed, and where the query stood when they were written."""

    def __init__(self, ask_cursor: Callable[[], Cursor]) -> None:
        self._ask_cursor = ask_cursor
        self._ascii = sys.stdout.encoding.lower().replace("-", "") != "utf8"
        self._unprinted: Record | None = None
        self.cursor = ask_cursor()
        self.count = 0

    def print(self, record: Record) -> None:
        self._unprinted = record
        sys.stdout.write(json.dumps(record_to_json(record), ensure_ascii=self._ascii) + "\n")
        self._unprinted = None
        self.count += 1

    def flush(self) -> None:
        sys.stdout.flush()
        self.cursor = self._ask_cursor()

    def finish(self) -> None:
        """Write what is left after an interruption, which may have come while a record was being printed."""
        if self._unprinted is not None:
            self.print(self._unprinted)
        self.flush()


def _read_cursor(path: Path) -> Cursor | None:
    """Where the file says that the query stands; None if there is none yet."""
    try:
        return Cursor.from_bytes(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, errors.InvalidArgument) as error:
        raise click.BadParameter(f"{path} can't be read: {error}", param_hint="--cursor") from None


def _write_cursor(path: Path, cursor: Cursor) -> None:
    """Write the file anew in one step, so that it is never half a one."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(cursor.to_bytes())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise NotWritten(str(path), f"where to go on can't be noted: {error.strerror}") from None


# --- progress -----------------------------------------------------------------------------------------------


def _bar_is_seen() -> bool:
    """Whether there is a terminal for a bar, which the records do not go to."""
    return sys.stderr.isatty() and not sys.stdout.isatty()


@contextlib.contextmanager
def _bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr; what is given is called with how many records more are printed."""
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not _bar_is_seen(),
    )
    with bar as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.update(task, advance=count)


def _count(client: Client, namespace: str, set_name: str | None) -> int | None:
    """About how many records there are; None if the nodes do not tell."""
    total, copies = 0, 1
    try:
        for node in client.nodes():
            of_namespace = _pairs(client.info(f"namespace/{namespace}", node), ";")
            if set_name:
                copies = max(int(of_namespace["effective_replication_factor"]), 1)
                of_set = _pairs(client.info(f"sets/{namespace}/{set_name}", node).rstrip(";"), ":")
                total += int(of_set.get("objects", 0))
            else:
                total += int(of_namespace["master_objects"])
    except (KeyError, ValueError, errors.AerospikeError):
        return None
    return total // copies


def _pairs(text: str, separator: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(separator) if "=" in part)

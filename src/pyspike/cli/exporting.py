"""export: the records of a set as a file, or as a file for each range of partitions.

Owns: what is asked for, and which file it goes to. Not here: the files themselves (table_files.py), ranges in
threads and the file that tells what is done (bulk.py).
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import click

from pyspike import Client, PartitionFilter, QueryPolicy, Statement, errors
from pyspike.cli.bulk import Notes, Task, in_ranges, named, ranges_of, where_expression
from pyspike.cli.conditions import WHERE_HELP
from pyspike.cli.failures import NotWritten
from pyspike.cli.options import connect, connecting
from pyspike.cli.output import complain, print_json
from pyspike.cli.records import record_to_json
from pyspike.cli.table_files import (
    FORMATS,
    TableFile,
    any_key,
    format_of,
    join,
    refuse_displaced_keys,
    schema_from_text,
    schema_to_text,
    text_only,
    whole_file,
)

__all__ = ["METADATA", "export"]

METADATA = {"key": "@key", "digest": "@digest", "set": "@set", "generation": "@generation", "ttl": "@ttl"}
"""The columns that tell what is known of a record besides its bins: no bin of most is called so."""

EXTRA = "@extra"
POLICY = QueryPolicy(total_timeout=0)  # each range takes as long as it takes
SAMPLE = 10_000  # records of which the types of the columns are guessed


@click.command(epilog=WHERE_HELP)
@click.argument("namespace")
@click.argument("set_name", metavar="[SET]", required=False)
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path), required=True, metavar="FILE",
    help="Where to; with --split a directory.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), help="Of the file, if not as its ending says."
)
@click.option("--bins", metavar="A,B,...", help="These bins only.")
@click.option("--where", metavar="CONDITION", help="Only records for which this holds; all are looked at.")
@click.option("--split", is_flag=True, help="Make a file for each range of partitions.")
@click.option(
    "--cursor", "cursor_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Go on where FILE tells, if it is there, and note in it which ranges are done.",
)  # fmt: skip
@click.option("--ranges", type=click.IntRange(1, 4096), default=32, show_default=True, help="Of partitions.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Ranges at once.")
@connecting
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON, and errors too.")
def export(
    namespace: str,
    set_name: str | None,
    path: Path,
    form: str | None,
    bins: str | None,
    where: str | None,
    split: bool,
    cursor_path: Path | None,
    ranges: int,
    threads: int,
    hosts: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Write the records of a set, or of a namespace, to a file: Parquet, Arrow, CSV or lines of JSON.

    Besides its bins each record has the columns @key, @digest, @set, @generation and @ttl; what fits no
    column is in @extra, as JSON. `pyspike load` takes them back. Lines of JSON, as `pyspike scan` prints
    them, lose nothing; columns do not tell in which order lists and maps are kept. CSV has no types: numbers,
    bools, text and keys come back, but bytes, lists and maps come back as text. Use Parquet or lines of JSON
    for what has to come back exactly. Records that are written meanwhile may be there or not.

    The file has its name when it is whole: one of that name stays until then. Where there are no records it
    is empty, and a line on stderr says so; the exit code is 0.

    With --cursor, what was ended goes on with the ranges that were not done.
    """
    form = format_of(path, form)
    names = None if bins is None else bins.split(",")
    job = {
        "command": "export",
        "hosts": hosts,
        "namespace": namespace,
        "set": set_name,
        "bins": names,
        "where": where,
        "format": form,
        "output": str(path),
        "split": split,
        "ranges": ranges,
    }
    notes = Notes(cursor_path, job)
    statement = Statement(namespace, set_name or None, names)
    expression = where_expression(where)
    what = named(namespace, set_name, where)
    parts = PartFiles(path, form, split or notes.kept, split)
    parts.check(ranges_of(ranges), notes)
    with advised(), connect(hosts, timeout) as client:
        writing: Lines | Tables = (
            Lines() if form == "jsonl" else Tables(client, statement, expression, form, notes)
        )
        with writing.begun(client, statement, expression, parts) as work:
            count = in_ranges(ranges_of(ranges), threads, notes, work, what=what, silent=as_json)
        parts.finish(ranges_of(ranges), notes)
    if as_json:
        print_json({"records": count, "output": str(path)})
    else:
        click.echo(f"{count} records written to {path}", err=True)


@contextlib.contextmanager
def advised() -> Iterator[None]:
    """Give errors about names of columns an advice that is of use here, where nobody chooses them."""
    try:
        yield
    except errors.InvalidArgument as error:
        if "are both called" in error.message:
            error.advice = "export to lines of JSON, where bins have any name, or name the others with --bins"
        raise


class PartFiles:
    """The file that each range is written to.

    Args:
        path: of the file, or of the directory.
        form: of the files.
        apart: whether each range has a file of its own, as it may be the last that is done.
        split: whether these stay so.
    """

    def __init__(self, path: Path, form: str, apart: bool, split: bool) -> None:
        self.path = path
        self.form = form
        self.apart = apart
        self._split = split
        self._directory = path if split else path.with_name(f"{path.name}.parts")
        try:
            (self._directory if apart else path.parent).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NotWritten(str(self._directory), error.strerror or str(error)) from None

    def of(self, partitions: PartitionFilter) -> Path:
        """That of a range."""
        name = f"{partitions.begin:04}-{partitions.begin + partitions.count - 1:04}{FORMATS[self.form][0]}"
        return self._directory / name if self.apart else self.path

    def check(self, ranges: list[PartitionFilter], notes: Notes) -> None:
        """Refuse to go on if a file that is noted as done is not there any more."""
        done = set(notes.get("done", []))
        files = (
            [self.path] if notes.get("whole") else [self.of(each) for each in ranges if each.begin in done]
        )
        lost = [str(file) for file in files if not file.exists()]
        if lost:
            raise click.UsageError(
                f"{lost[0]} is noted as written, and is not there; delete the file of --cursor to begin anew"
            )

    def finish(self, ranges: list[PartitionFilter], notes: Notes) -> None:
        """Make one file of all, now that they are whole, if that is wanted."""
        if not self.apart or self._split:
            return
        parts = [self.of(each) for each in ranges]
        if not notes.get("whole"):
            join(parts, self.path, self.form)
            notes.set("whole", True)
        for part in parts:
            part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # files are in it that are nobody's here
            self._directory.rmdir()


Work = Callable[[PartitionFilter, Task], None]


class Lines:
    """Records as lines of JSON, each as `get --json` prints it."""

    @contextlib.contextmanager
    def begun(
        self, client: Client, statement: Statement, expression: Any, parts: PartFiles
    ) -> Iterator[Work]:
        """What writes the records of a range."""
        with contextlib.ExitStack() as stack:
            whole = None if parts.apart else stack.enter_context(whole_file(parts.path))
            yield self._work(client, statement, expression, parts, whole)

    def _work(
        self, client: Client, statement: Statement, expression: Any, parts: PartFiles, whole: Any
    ) -> Work:
        lock = threading.Lock()

        def copy(partitions: PartitionFilter, task: Task, out: IO[bytes]) -> None:
            lines: list[str] = []

            def flush() -> None:
                with lock:  # so that no line stands inside another one
                    out.write("".join(lines).encode())
                task.did(len(lines))
                lines.clear()

            found = client.query(
                statement, partitions=partitions, filter_expression=expression, policy=POLICY
            )
            with found as records:
                for record in records:
                    lines.append(json.dumps(record_to_json(record), ensure_ascii=False) + "\n")
                    if len(lines) == 1000:
                        flush()
            flush()

        def work(partitions: PartitionFilter, task: Task) -> None:
            if whole is not None:
                copy(partitions, task, whole)
                return
            with whole_file(parts.of(partitions)) as out:
                copy(partitions, task, out)

        return work


class Tables:
    """Records in columns, which are those of the first records of all ranges."""

    def __init__(
        self, client: Client, statement: Statement, expression: Any, form: str, notes: Notes
    ) -> None:
        self._form = form
        kept = notes.get("schema")
        if kept is None:
            sample = client.query_arrow(
                statement, metadata=METADATA, on_mismatch="json", extra=EXTRA, filter_expression=expression,
                policy=QueryPolicy(max_records=SAMPLE, total_timeout=0),
            )  # fmt: skip
            with sample:
                self._schema: Any = any_key(sample.schema, METADATA["key"])
            if notes.kept:
                notes.set("schema", schema_to_text(self._schema))
            if form == "csv" and (lost := text_only(self._schema) - set(METADATA.values()) - {EXTRA}):
                complain(
                    f"CSV has no form for the values of {', '.join(sorted(lost))}: they are text there, and "
                    "come back as text; use Parquet or lines of JSON to keep them"
                )
        else:
            self._schema = schema_from_text(kept)

    @contextlib.contextmanager
    def begun(
        self, client: Client, statement: Statement, expression: Any, parts: PartFiles
    ) -> Iterator[Work]:
        """What writes the records of a range."""
        with contextlib.ExitStack() as stack:
            whole = None
            if not parts.apart:
                whole = stack.enter_context(TableFile(parts.path, self._form, self._schema))
            yield self._work(client, statement, expression, parts, whole)

    def _work(
        self, client: Client, statement: Statement, expression: Any, parts: PartFiles, whole: TableFile | None
    ) -> Work:
        lock = threading.Lock()

        def stream(partitions: PartitionFilter) -> Any:
            return client.query_arrow(
                statement, schema=self._schema, metadata=METADATA, on_mismatch="json", extra=EXTRA,
                partitions=partitions, filter_expression=expression, policy=POLICY,
            )  # fmt: skip

        def work(partitions: PartitionFilter, task: Task) -> None:
            with stream(partitions) as batches:
                if whole is not None:
                    for batch in batches:
                        refuse_displaced_keys(batch, EXTRA, METADATA["key"])
                        with lock:
                            whole.write(batch)
                        task.did(len(batch))
                    return
                with TableFile(parts.of(partitions), self._form, self._schema) as file:
                    for batch in batches:
                        refuse_displaced_keys(batch, EXTRA, METADATA["key"])
                        file.write(batch)
                        task.did(len(batch))

        return work

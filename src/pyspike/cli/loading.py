"""load: rows of files become records.

Owns: what becomes of which column, and where a load that was ended goes on. Not here: the files
(table_files.py), records as lines of JSON (json_lines.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from pyspike import Client, WriteReport
from pyspike.cli.bulk import Notes, progress_bar
from pyspike.cli.csv_keys import digest_keys
from pyspike.cli.exporting import EXTRA, METADATA
from pyspike.cli.failures import ExitCode, NotRead
from pyspike.cli.json_lines import load_lines
from pyspike.cli.load_rows import BATCH_POLICY, Done, Mapping
from pyspike.cli.options import connect, connecting
from pyspike.cli.output import print_json
from pyspike.cli.table_files import (
    FORMATS,
    KEY_KINDS,
    RowsByKey,
    as_table_rows,
    format_of,
    is_json,
    json_keys,
    open_table,
    other_sets,
    reader_of,
    refuse_displaced_keys,
    row_count,
)

__all__ = ["load"]


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--namespace", required=True, metavar="NAME", help="Of the records.")
@click.option("--set", "set_name", metavar="NAME", help="Of the records; else as the file says, or none.")
@click.option("--key", metavar="COLUMN", help="The column with the keys.  [default: @key, @digest]")
@click.option("--digest", metavar="COLUMN", help="A column with digests, for rows without a key.")
@click.option(
    "--columns", metavar="A,B=BIN,...",
    help="These columns only, and what their bins are called.  [default: all that are nothing else]",
)  # fmt: skip
@click.option("--json-columns", metavar="A,B,...", help="Columns of text that is JSON of a value.")
@click.option("--ttl", type=click.IntRange(min=1), metavar="SECONDS", help="How long the records live.")
@click.option("--ttl-column", metavar="COLUMN", help="A column that says so; null is for ever.")
@click.option("--keep-ttl/--no-keep-ttl", default=True, show_default=True, help="As an exported file says.")
@click.option("--send-key/--no-send-key", default=True, show_default=True, help="Keep keys with the records.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), help="Of the files, if not by their endings."
)
@click.option("--dry-run", is_flag=True, help="See only whether all rows can be written.")
@click.option(
    "--errors", "errors_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Add a line of JSON to FILE for each row that failed: its file, its number from 0 on, the error.",
)  # fmt: skip
@click.option(
    "--resume", "notes_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Go on where FILE tells, if it is there, and note in it how far this is.",
)  # fmt: skip
@click.option(
    "--max-failures", type=click.IntRange(min=0), metavar="N", help="End when more rows have failed."
)
@click.option("--in-flight", type=click.IntRange(1, 1_000_000), default=2048, show_default=True, metavar="N")
@connecting
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON, and errors too.")
@click.pass_context
def load(
    context: click.Context,
    /,
    files: tuple[Path, ...],
    hosts: str,
    timeout: float,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the rows of files as records: Parquet, Arrow, CSV or lines of JSON, also those of `export`.

    A value that the cluster can't hold is told by its column and row, and ends the load: the rows before were
    written. Rows that the cluster refuses fail alone: the exit code is 4 then.

    CSV has no types: a column is integers, floats or bools if all its fields are written like such, without
    quotes (007 is not), and else text, also dates. An empty field is no value, and "" an empty text. Use
    Parquet or lines of JSON for exact types.
    """
    mapping = Mapping(
        options["namespace"],
        options["set_name"],
        options["key"],
        options["digest"],
        _columns(options["columns"]),
        frozenset((options["json_columns"] or "").split(",")) - {""},
        options["ttl"],
        options["ttl_column"],
        options["keep_ttl"],
        options["send_key"],
    )
    if mapping.ttl is not None and mapping.ttl_column is not None:
        raise click.UsageError("either --ttl or --ttl-column")
    notes = Notes(options["notes_path"], _job(files, hosts, mapping, options["form"]))
    done = Done(options["errors_path"], options["max_failures"])
    counts = [row_count(path, format_of(path, options["form"])) for path in files]
    total = None if None in counts else sum(count or 0 for count in counts)
    before: dict[str, int] = notes.get("next", {})
    with (
        connect(hosts, timeout) as client,
        progress_bar(total, sum(before.values()), silent=as_json, of_records=True) as (tell, _),
    ):
        for path in files:
            form = format_of(path, options["form"])
            load_file = load_lines if form == "jsonl" else _load_table
            if done.may_go_on:
                load_file(client, path, form, mapping, notes, done, tell, options)
    if as_json:
        told = {
            "written": done.written,
            "skipped": done.skipped,
            "failed": done.failed,
            "dry_run": options["dry_run"],
        }
        print_json(told)
    else:
        verb = "could be written" if options["dry_run"] else "written"
        click.echo(
            f"{done.written} records {verb}, {done.skipped} rows without a value, {done.failed} failed",
            err=True,
        )
    done.tell()
    if done.failed:
        context.exit(ExitCode.REFUSED)


def _job(files: tuple[Path, ...], hosts: str, mapping: Mapping, form: str | None) -> dict[str, Any]:
    """What tells this load from another one, as JSON keeps it; other files of the same names are another."""
    states = [(path, path.stat()) for path in files]
    return {
        "command": "load",
        "files": [[str(path), state.st_size, state.st_mtime_ns] for path, state in states],
        "hosts": hosts,
        **mapping._asdict(),
        "json_columns": sorted(mapping.json_columns),
        "format": form,
    }


def _columns(text: str | None) -> dict[str, str] | None:
    """The names of bins by those of columns."""
    if text is None:
        return None
    return {column: name or column for column, _, name in (each.partition("=") for each in text.split(","))}


def _load_table(
    client: Client, path: Path, form: str, mapping: Mapping, notes: Notes, done: Done,
    tell: Callable[[int], None], options: dict[str, Any],
) -> None:  # fmt: skip
    digests = {METADATA["digest"], mapping.digest or ""}
    text = {*digests, METADATA["set"], EXTRA, *mapping.json_columns}
    key, digest = METADATA["key"], METADATA["digest"]

    def opened() -> Any:
        numbers = {METADATA["ttl"], mapping.ttl_column or ""}
        return as_table_rows(open_table(path, form, text, numbers), digests, set(mapping.json_columns))

    reader = opened()
    roles = _roles(mapping, set(reader.schema.names))
    if form == "csv" and (roles["key"], roles["digest"]) == (key, digest):
        text.add(key)
        keys_of = digest_keys(key, digest, METADATA["set"], mapping.set_name, done.lose_keys)
    elif roles["key"] == key and is_json(reader.schema, key):
        keys_of = json_keys(key)
    else:
        _write(client, path, str(path), reader, None, roles, mapping, notes, done, tell, options)
        return
    # A column has keys of one type: those of each are written as if they were a file.
    found = set(KEY_KINDS)
    for kind in KEY_KINDS:
        if done.may_go_on and kind in found:
            rows = RowsByKey(opened(), key, kind, keys_of)
            name = f"{path} {kind}"
            _write(client, path, name, rows.reader, rows.numbers, roles, mapping, notes, done, tell, options)
            found = rows.kinds


def _write(
    client: Client, path: Path, name: str, reader: Any, numbers: Sequence[int] | None, roles: dict[str, Any],
    mapping: Mapping, notes: Notes, done: Done, tell: Callable[[int], None], options: dict[str, Any],
) -> None:  # fmt: skip
    """Write rows of a file, which have these numbers in it, and note under a name how far it is."""
    rows = CheckedRows(reader, path, mapping, roles.get("key"), done)
    kept = notes.get("next", {}).get(name, 0)
    counted = [0, 0, 0]

    def progress(report: WriteReport) -> None:
        done.count(report.written - counted[0], report.skipped - counted[1])
        failures = report.failures[counted[2] :]
        if numbers is not None:
            failures = tuple(each._replace(row=numbers[each.row]) for each in failures)
        done.fail(path, failures)
        counted[:] = [report.written, report.skipped, len(report.failures)]
        if notes.kept and not options["dry_run"]:
            notes.set("next", {**notes.get("next", {}), name: report.next_row})
        tell(done.rows)

    others = {name for name in roles.values() if isinstance(name, str)} | {*METADATA.values(), EXTRA}
    bins = (
        mapping.bins
        if mapping.bins is not None
        else [name for name in reader.schema.names if name not in others]
    )
    try:
        client.write_arrow(
            rows.reader,
            mapping.namespace,
            mapping.set_name,
            bins=bins,
            start_row=kept,
            in_flight=options["in_flight"],
            max_failures=done.left,
            dry_run=options["dry_run"],
            progress=progress,
            row_policy=mapping.row_policy(),
            policy=BATCH_POLICY,
            **roles,
        )
    except Exception:
        if rows.error is None:
            raise
        raise rows.error from None


class CheckedRows:
    """The rows of a file on their way.

    Args:
        reader: what gives them.
        path: of the file.
        mapping: what becomes of which column.
        key: the column with the keys; None for none.
        done: is told of which sets records are that keep digests.

    Attributes:
        reader: gives the same rows.
        error: what is wrong with them, which `write_arrow` has made an error of its own.
    """

    def __init__(self, reader: Any, path: Path, mapping: Mapping, key: str | None, done: Done) -> None:
        self.error: Exception | None = None
        self._given = reader
        self._path = path
        self._mapping = mapping
        self._key = key
        self._done = done
        self.reader = reader_of(reader.schema, self._batches())

    def _batches(self) -> Iterator[Any]:
        try:
            for batch in self._given:
                refuse_displaced_keys(batch, EXTRA, METADATA["key"])
                if self._key is None and METADATA["key"] in batch.schema.names:
                    keys = batch.column(METADATA["key"])
                    if keys.null_count < len(keys):
                        self._done.lose_keys()
                if self._mapping.set_name is not None and METADATA["set"] in batch.schema.names:
                    self._done.moved |= other_sets(batch, METADATA["set"], self._mapping.set_name, self._key)
                yield batch
        except click.ClickException as error:
            self.error = error
            raise
        except ValueError as error:  # of pyarrow too
            self.error = NotRead(str(self._path), str(error))
            raise
        except OSError as error:
            self.error = NotRead(str(self._path), error.strerror or str(error))
            raise


def _roles(mapping: Mapping, names: set[str]) -> dict[str, Any]:
    """The columns that are no bins, as arguments of `write_arrow`."""
    roles: dict[str, Any] = {"key": mapping.key, "digest": mapping.digest}
    if mapping.key is None and mapping.digest is None:
        if METADATA["key"] in names:
            roles["key"] = METADATA["key"]
        if METADATA["digest"] in names:
            roles["digest"] = METADATA["digest"]
        if roles["key"] is None and roles["digest"] is None:
            raise click.UsageError("which column has the keys? name it with --key COLUMN")
    if mapping.set_name is None and METADATA["set"] in names:
        roles["set_column"] = METADATA["set"]
    if mapping.ttl is not None or mapping.ttl_column is not None:
        roles["ttl"] = mapping.ttl_column if mapping.ttl is None else mapping.ttl
    elif mapping.keep_ttl and METADATA["ttl"] in names:
        roles["ttl"] = METADATA["ttl"]
    if EXTRA in names:
        roles["extra"] = EXTRA
    return roles

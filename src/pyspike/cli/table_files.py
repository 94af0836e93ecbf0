"""Files of rows: Parquet, Arrow IPC and CSV by way of pyarrow, and lines of JSON without it.

Owns: which file is of which format, and writing and reading batches of columns. Not here: what is in them.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import shutil
from array import array
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import click

from pyspike import errors
from pyspike.cli.csv_files import CsvWriter, open_csv
from pyspike.cli.failures import NotRead, NotWritten
from pyspike.columnar.json_values import from_text

__all__ = [
    "FORMATS",
    "KEY_KINDS",
    "RowsByKey",
    "TableFile",
    "any_key",
    "as_table_rows",
    "format_of",
    "is_json",
    "join",
    "json_keys",
    "open_table",
    "other_sets",
    "reader_of",
    "refuse_displaced_keys",
    "row_count",
    "schema_from_text",
    "schema_to_text",
    "text_only",
    "whole_file",
]

FORMATS = {
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather", ".ipc"),
    "csv": (".csv",),
    "jsonl": (".jsonl", ".ndjson", ".json"),
}

JSON = {"ARROW:extension:name": "arrow.json", "ARROW:extension:metadata": ""}

KEY_KINDS = {"string": (str, type(None)), "int64": (int,), "binary": (bytes,)}
"""The types of keys, by those of columns."""

KeysOf = Callable[[Any, int], "list[Any]"]

BATCH_ROWS = 65_536  # that are read from a file at once


def format_of(path: Path, named: str | None) -> str:
    """The format of a file, as it was named or by its ending.

    Raises:
        UsageError: the ending is of no format.
    """
    if named is not None:
        return named
    for name, endings in FORMATS.items():
        if path.suffix.lower() in endings:
            return name
    raise click.UsageError(f"the ending of {path} tells no format; name it with --format {'|'.join(FORMATS)}")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise click.UsageError(
            "this format needs pyarrow: pip install 'pyspike-aerospike[arrow]'; lines of JSON need nothing"
        ) from None


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to. It has its name when it is whole; one of that name stays until then."""
    beside = path.with_name(f"{path.name}.part")
    try:
        try:
            with beside.open("wb") as out:
                yield out
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except errors.AerospikeError:  # some of which are errors of the system too
        raise
    except OSError as error:
        raise NotWritten(str(path), error.strerror or str(error)) from None


class TableFile:
    """A file that batches of columns are written to. It has its name when it is whole.

    Args:
        path: of the file.
        form: parquet, arrow or csv.
        schema: of all batches, anything with `__arrow_c_schema__`.
    """

    def __init__(self, path: Path, form: str, schema: Any) -> None:
        pa = _library("pyarrow")
        self._schema = pa.schema(schema)
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(whole_file(path))
            if form == "parquet":
                self._writer = _library("pyarrow.parquet").ParquetWriter(out, self._schema)
            elif form == "arrow":
                self._writer = pa.ipc.new_file(out, self._schema)
            else:
                self._writer = CsvWriter(out, self._schema)
            stack.callback(self._writer.close)
            self._open = stack.pop_all()

    def write(self, batch: Any) -> None:
        """Write a batch, which has `__arrow_c_array__`."""
        self._writer.write_batch(_library("pyarrow").record_batch(batch))

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)


def open_table(path: Path, form: str, text: Set[str] = frozenset(), numbers: Set[str] = frozenset()) -> Any:
    """The rows of a file, with `__arrow_c_stream__`, batch by batch.

    Args:
        path: of the file.
        form: parquet, arrow or csv.
        text: columns that CSV has text in.
        numbers: columns that are integers where CSV has no value in them.
    """
    pa = _library("pyarrow")
    try:
        if form == "parquet":
            file = _library("pyarrow.parquet").ParquetFile(path)
            return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(BATCH_ROWS))
        if form == "arrow":
            return _open_ipc(pa, path)
        return open_csv(path, text, numbers)
    except (OSError, pa.ArrowException) as error:
        raise NotRead(str(path), str(error)) from None


def _open_ipc(pa: Any, path: Path) -> Any:
    """A file of the random-access format, or of the stream format."""
    source = pa.memory_map(str(path))
    try:
        file = pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)
    batches = (file.get_batch(number) for number in range(file.num_record_batches))
    return pa.RecordBatchReader.from_batches(file.schema, batches)


def as_table_rows(reader: Any, hex_columns: set[str], json_columns: set[str]) -> Any:
    """The same rows, with text of hexadecimal as bytes and text of JSON as values of any type."""
    pa = _library("pyarrow")
    hex_columns = {name for name in hex_columns if name in reader.schema.names}
    lacking = json_columns - set(reader.schema.names)
    if lacking:
        raise click.UsageError(f"there is no column {', '.join(sorted(lacking))} in {reader.schema.names}")
    hex_columns = {name for name in hex_columns if pa.types.is_string(reader.schema.field(name).type)}
    if not hex_columns and not json_columns:
        return reader
    fields = [_other_field(pa, field, hex_columns, json_columns) for field in reader.schema]
    schema = pa.schema(fields)

    def batches() -> Iterator[Any]:
        first = 0
        for batch in reader:
            columns = [
                pa.array(_read(bytes.fromhex, column.to_pylist(), field.name, first), pa.binary())
                if field.name in hex_columns
                else _checked(column.cast(pa.string()), field.name, first)
                if field.name in json_columns
                else column
                for column, field in zip(batch.columns, reader.schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
            first += len(batch)

    return reader_of(schema, batches())


def _read(read: Callable[[str], Any], texts: Sequence[str | None], column: str, first: int) -> list[Any]:
    """What texts of a column mean, of which the first one is in this row.

    Raises:
        UsageError: one can't be read.
    """
    values: list[Any] = []
    try:
        for text in texts:
            values.append(None if text is None else read(text))  # noqa: PERF401 - they tell where it ends
    except ValueError as error:
        row = len(values)
        shown = (texts[row] or "")[:100]
        raise click.UsageError(f"column {column!r}, row {first + row}: {error}: {shown!r}") from None
    return values


def _checked(column: Any, name: str, first: int) -> Any:
    """The same column, if its text is JSON of values."""
    _read(from_text, column.to_pylist(), name, first)
    return column


def reader_of(schema: Any, batches: Iterator[Any]) -> Any:
    """Batches as pyarrow has them, with `__arrow_c_stream__`."""
    return _library("pyarrow").RecordBatchReader.from_batches(schema, batches)


def row_count(path: Path, form: str) -> int | None:
    """How many rows a file has, if it tells that itself, and can be read at all."""
    if not path.is_file() or form not in ("parquet", "arrow"):
        return None
    pa = _library("pyarrow")
    try:
        if form == "parquet":
            with _library("pyarrow.parquet").ParquetFile(path) as file:
                return int(file.metadata.num_rows)
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as batches:
            return int(sum(batches.get_batch(n).num_rows for n in range(batches.num_record_batches)))
    except (OSError, pa.ArrowException):
        return None


def any_key(schema: Any, key: str) -> Any:
    """The same schema, with a column of keys that has those of all types, if none has been seen yet."""
    pa = _library("pyarrow")
    schema = pa.schema(schema)
    place = schema.names.index(key)
    if not pa.types.is_null(schema.field(place).type):
        return schema
    return schema.set(place, pa.field(key, pa.string(), metadata=JSON))


def is_json(schema: Any, name: str) -> bool:
    """Whether a column has JSON of values of any type."""
    field = schema.field(name)
    told = {**(field.metadata or {})}.get(b"ARROW:extension:name")
    return "arrow.json" in (getattr(field.type, "extension_name", None), (told or b"").decode())


def json_keys(key: str) -> KeysOf:
    """What reads the keys of a column that has JSON."""

    def keys_of(batch: Any, first: int) -> list[Any]:
        return _read(from_text, batch.column(batch.schema.names.index(key)).to_pylist(), key, first)

    return keys_of


class RowsByKey:
    """The rows of a file whose keys, which are of any type, are of one.

    Args:
        given: all rows.
        key: the column with the keys.
        kind: of the keys, one of `KEY_KINDS`. Rows without a key are with those of text.
        keys_of: gives the keys of a batch, of which the first one is in a row.

    Attributes:
        reader: gives the rows.
        numbers: of the rows that it has given, in the file.
        kinds: of the keys in all rows so far.
    """

    def __init__(self, given: Any, key: str, kind: str, keys_of: KeysOf) -> None:
        self.numbers = array("q")
        self._keys_of = keys_of
        self.kinds: set[str] = set()
        self._given = given
        self._kinds = KEY_KINDS[kind]
        self._place = given.schema.names.index(key)
        field = _library("pyarrow").field(key, kind)
        self._schema = given.schema.set(self._place, field)
        self.reader = reader_of(self._schema, self._batches())

    def _batches(self) -> Iterator[Any]:
        pa = _library("pyarrow")
        field = self._schema.field(self._place)
        first = 0
        for batch in self._given:
            keys = self._keys_of(batch, first)
            types = set(map(type, keys))
            self.kinds |= {kind for kind, some in KEY_KINDS.items() if not types.isdisjoint(some)}
            rows = [row for row, key in enumerate(keys) if isinstance(key, self._kinds)]
            if rows:
                columns = batch.take(pa.array(rows, pa.int64())).columns
                columns[self._place] = pa.array([keys[row] for row in rows], field.type)
                self.numbers.extend(first + row for row in rows)
                yield pa.RecordBatch.from_arrays(columns, schema=self._schema)
            first += len(batch)


def other_sets(batch: Any, column: str, set_name: str, key: str | None) -> set[str]:
    """The sets, but for this one, of the rows that have no key."""
    compute = _library("pyarrow.compute")
    sets = batch.column(column)
    if key is not None:
        sets = sets.filter(compute.is_null(batch.column(key)))
    return {each or "" for each in compute.unique(sets).to_pylist()} - {set_name}


def refuse_displaced_keys(batch: Any, extra: str, key: str) -> None:
    """Refuse rows whose key is of another type than the column of keys, so that it is with what fits none.

    Raises:
        UsageError: there are some.
    """
    batch = _library("pyarrow").record_batch(batch)
    if extra not in batch.schema.names:
        return
    column = batch.column(batch.schema.names.index(extra))
    column = getattr(column, "storage", column)
    if column.null_count == len(column):
        return
    compute = _library("pyarrow.compute")
    for text in column.filter(compute.match_substring(column, f'"{key}"')).to_pylist():
        told = json.loads(text)
        if isinstance(told, dict) and key in told:
            raise click.UsageError(
                f"the key {json.dumps(told[key])} is of another type than others, so that the column {key} "
                "can't hold it: export to lines of JSON, which keep keys of all types"
            )


def _other_field(pa: Any, field: Any, hex_columns: set[str], json_columns: set[str]) -> Any:
    if field.name in hex_columns:
        return pa.field(field.name, pa.binary())
    if field.name in json_columns:
        return pa.field(field.name, pa.string(), metadata=JSON)
    return field


def join(parts: list[Path], path: Path, form: str) -> None:
    """Make one file of several of the same format."""
    if form in ("jsonl", "csv"):
        with whole_file(path) as out:
            for number, part in enumerate(parts):
                with part.open("rb") as source:
                    if form == "csv" and number:
                        source.readline()  # the names of the columns stand once
                    shutil.copyfileobj(source, out)
    else:
        with TableFile(path, form, open_table(parts[0], form).schema) as file:
            for part in parts:
                for batch in open_table(part, form):
                    file.write(batch)


def text_only(schema: Any) -> set[str]:
    """The columns that CSV has text for, but that are no plain text."""
    types = _library("pyarrow").types
    plain = (types.is_integer, types.is_floating, types.is_boolean, types.is_dictionary, types.is_string)
    return {
        field.name
        for field in _library("pyarrow").schema(schema)
        if field.metadata or not any(is_kind(field.type) for is_kind in plain)
    }


def schema_to_text(schema: Any) -> str:
    """A schema as text, for a file of notes."""
    return base64.b64encode(_library("pyarrow").schema(schema).serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> Any:
    """The schema whose text this is."""
    pa = _library("pyarrow")
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))

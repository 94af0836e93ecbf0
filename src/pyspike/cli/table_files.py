"""Files of rows: Parquet, Arrow IPC and CSV by way of pyarrow, and lines of JSON without it.

Owns: which file is of which format, and writing and reading batches of columns. Not here: what is in them.
"""

from __future__ import annotations

import base64
import importlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from pyspike.columnar.json_values import to_json

__all__ = [
    "FORMATS",
    "TableFile",
    "as_table_rows",
    "format_of",
    "join",
    "open_table",
    "schema_from_text",
    "schema_to_text",
]

FORMATS = {
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather", ".ipc"),
    "csv": (".csv",),
    "jsonl": (".jsonl", ".ndjson", ".json"),
}

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


class TableFile:
    """A file that batches of columns are written to. It has its name when it is whole.

    Args:
        path: of the file.
        form: parquet, arrow or csv.
        schema: of all batches, anything with `__arrow_c_schema__`.
    """

    def __init__(self, path: Path, form: str, schema: Any) -> None:
        self._path = path
        self._beside = path.with_name(f"{path.name}.part")
        pa = _library("pyarrow")
        self._schema = pa.schema(schema)
        self._plain: Callable[[Any], Any] = lambda batch: batch
        if form == "parquet":
            self._writer = _library("pyarrow.parquet").ParquetWriter(self._beside, self._schema)
        elif form == "arrow":
            self._writer = pa.ipc.new_file(str(self._beside), self._schema)
        else:
            self._plain = _as_text(pa, self._schema)
            empty = pa.RecordBatch.from_pylist([], schema=self._schema)
            self._writer = _library("pyarrow.csv").CSVWriter(self._beside, self._plain(empty).schema)

    def write(self, batch: Any) -> None:
        """Write a batch, which has `__arrow_c_array__`."""
        self._writer.write_batch(self._plain(_library("pyarrow").record_batch(batch)))

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        if error is None:
            self._beside.replace(self._path)
        else:
            self._beside.unlink(missing_ok=True)


def _as_text(pa: Any, schema: Any) -> Callable[[Any], Any]:
    """What makes text of columns that CSV has no form for: hexadecimal of bytes, JSON of lists and maps."""
    types = pa.types

    def text_of(kind: Any) -> Callable[[Any], str | None] | None:
        if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
            return lambda value: None if value is None else value.hex()
        if types.is_nested(kind):
            is_map = types.is_map(kind)
            return lambda value: (
                None if value is None else json.dumps(to_json(dict(value) if is_map else value))
            )
        return None

    made = [text_of(field.type) for field in schema]

    def plain(batch: Any) -> Any:
        columns = [
            getattr(column, "storage", column)  # of JSON its text
            if make is None
            else pa.array([make(value) for value in column.to_pylist()], pa.string())
            for column, make in zip(batch.columns, made, strict=True)
        ]
        return pa.record_batch(columns, names=schema.names)

    return plain


def open_table(path: Path, form: str) -> Any:
    """The rows of a file, with `__arrow_c_stream__`, batch by batch."""
    pa = _library("pyarrow")
    try:
        if form == "parquet":
            file = _library("pyarrow.parquet").ParquetFile(path)
            return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(BATCH_ROWS))
        if form == "arrow":
            return _open_ipc(pa, path)
        return _library("pyarrow.csv").open_csv(path)
    except (OSError, pa.ArrowException) as error:
        raise click.FileError(str(path), str(error)) from None


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
        for batch in reader:
            columns = [
                pa.array(
                    [None if text is None else bytes.fromhex(text) for text in column.to_pylist()],
                    pa.binary(),
                )
                if field.name in hex_columns
                else column.cast(pa.string())
                if field.name in json_columns
                else column
                for column, field in zip(batch.columns, reader.schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _other_field(pa: Any, field: Any, hex_columns: set[str], json_columns: set[str]) -> Any:
    if field.name in hex_columns:
        return pa.field(field.name, pa.binary())
    if field.name in json_columns:
        return pa.field(field.name, pa.string(), metadata={"ARROW:extension:name": "arrow.json"})
    return field


def join(parts: list[Path], path: Path, form: str) -> None:
    """Make one file of several of the same format, which are deleted then."""
    if form in ("jsonl", "csv"):
        beside = path.with_name(f"{path.name}.part")
        with beside.open("wb") as out:
            for number, part in enumerate(parts):
                with part.open("rb") as source:
                    if form == "csv" and number:
                        source.readline()  # the names of the columns stand once
                    shutil.copyfileobj(source, out)
        beside.replace(path)
    else:
        with TableFile(path, form, open_table(parts[0], form).schema) as file:
            for part in parts:
                for batch in open_table(part, form):
                    file.write(batch)
    for part in parts:
        part.unlink()


def schema_to_text(schema: Any) -> str:
    """A schema as text, for a file of notes."""
    return base64.b64encode(_library("pyarrow").schema(schema).serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> Any:
    """The schema whose text this is."""
    pa = _library("pyarrow")
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))

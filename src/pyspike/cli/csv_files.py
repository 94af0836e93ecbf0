"""CSV by way of pyarrow: text stands in quotes, and what lacks is an empty field without them.

Owns: how values are written as fields, and of which types columns of fields are. CSV has no types: a column
is text if a field of it stands in quotes, or if not all of its fields are numbers, or bools, as a program
writes them. So that no field is found to be of another type half way, a file is read twice.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Set
from pathlib import Path
from typing import IO, Any, cast

from pyspike.columnar.json_values import to_json

__all__ = ["CsvWriter", "open_csv"]

MARK = "\x01"

# The quote that begins a field, as nothing within a field in quotes looks: there they are doubled, and the
# last one stands before the end of the field. Fields that begin with what is left out here are text anyway.
OPENING = re.compile(rb'(?<![^,\n\r])"(?=[^",\r\n])')

INT = "^(0|-?[1-9][0-9]{0,18})$"
FLOAT = r"^-?((0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)|0|[1-9][0-9]{0,14}|inf)$|^nan$"
YES = ["true", "True", "TRUE"]
NO = ["false", "False", "FALSE"]
BOOL = f"^({'|'.join(YES + NO)})$"


class CsvWriter:
    """Writes batches as lines.

    Args:
        out: where to.
        schema: pyarrow's, of all batches.
    """

    def __init__(self, out: IO[bytes], schema: Any) -> None:
        self._out = out
        self._pa = importlib.import_module("pyarrow")
        self._compute = importlib.import_module("pyarrow.compute")
        self._texts = [self._text_of(field.type) for field in schema]
        names = ['"' + name.replace('"', '""') + '"' for name in schema.names]
        out.write((",".join(names) + "\n").encode())

    def write_batch(self, batch: Any) -> None:
        """Write one more batch."""
        if not batch.num_rows:
            return
        fields = [self._fields(column, text) for column, text in zip(batch.columns, self._texts, strict=True)]
        joined = self._compute.binary_join_element_wise(
            *fields, ",", null_handling="replace", null_replacement=""
        )
        self._out.write(("\n".join(joined.to_pylist()) + "\n").encode())

    def close(self) -> None:
        """Nothing is left to write."""

    def _text_of(self, kind: Any) -> Callable[[Any], str | None] | None:
        """What makes text of what CSV has no form for: hexadecimal of bytes, JSON of lists and maps."""
        types = self._pa.types
        if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
            return lambda value: None if value is None else value.hex()
        if types.is_nested(kind):
            is_map = types.is_map(kind)
            return lambda value: (
                None if value is None else json.dumps(to_json(dict(value) if is_map else value))
            )
        return None

    def _fields(self, column: Any, text: Callable[[Any], str | None] | None) -> Any:
        """The fields of a column, which are null where it is."""
        pa, compute = self._pa, self._compute
        column = getattr(column, "storage", column)  # of JSON its text
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if text is not None:
            column = pa.array([text(value) for value in column.to_pylist()], pa.string())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            doubled = compute.replace_substring(column.cast(pa.string()), '"', '""')
            return compute.binary_join_element_wise('"', doubled, '"', "")
        fields = column.cast(pa.string())
        if pa.types.is_floating(column.type):  # 1.0 is written as 1, which is an integer
            whole = compute.match_substring_regex(fields, "^-?[0-9]+$")
            fields = compute.if_else(whole, compute.binary_join_element_wise(fields, ".0", ""), fields)
        return fields


def open_csv(path: Path, text: Set[str], numbers: Set[str]) -> Any:
    """The rows of a file, with `__arrow_c_stream__`, batch by batch.

    Args:
        path: of the file.
        text: columns that are text, whatever is in them.
        numbers: columns that are integers if they have no value.
    """
    pa, csv = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.csv")
    parse = csv.ParseOptions(newlines_in_values=True)

    def opened(given: Any, types: dict[str, Any]) -> Any:
        options = csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=YES,
            false_values=NO,
        )
        return csv.open_csv(given, parse_options=parse, convert_options=options)

    with contextlib.ExitStack() as stack:
        source: IO[bytes] = stack.enter_context(path.open("rb"))
        last: Any = str(path)
        if not path.is_file():  # a pipe can be read once only
            copy = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115 - until the rows are read
            shutil.copyfileobj(source, copy)
            source, last = copy, pa.PythonFile(copy, mode="r")
            source.seek(0)
        names = opened(pa.PythonFile(_Kept(source), mode="r"), {}).schema.names
        source.seek(0)
        kinds = {name: _Kind(name in text) for name in names}
        every = dict.fromkeys([*names, *(f"{MARK}{name}" for name in names)], pa.string())
        with io.BufferedReader(_Marked(source)) as marked:
            for batch in opened(pa.PythonFile(marked, mode="r"), every):
                for name, column in zip(names, batch.columns, strict=True):
                    kinds[name].look(column)
        source.seek(0)
        return opened(last, {name: kind.type(pa, name in numbers) for name, kind in kinds.items()})


class _Kept(io.RawIOBase):
    """A file that stays open when this is closed."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _Marked(io.RawIOBase):
    """A file whose fields in quotes begin with a mark. It stays open when this is closed."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            piece = self._source.read(1 << 20) + self._source.readline()
            self._ready = memoryview(OPENING.sub(b'"' + MARK.encode(), piece))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


class _Kind:
    """Of which type all fields of a column can be.

    Args:
        text: whether it is text.
    """

    def __init__(self, text: bool) -> None:
        self._may_be = [] if text else ["bool", "int64", "float64"]
        self._empty = not text
        self._compute = importlib.import_module("pyarrow.compute")

    def look(self, column: Any) -> None:
        """Look at some more fields, as text."""
        if column.null_count == len(column):
            return
        self._empty = False
        self._may_be = [name for name in self._may_be if self._can_be(name, column)]

    def _can_be(self, name: str, column: Any) -> bool:
        pattern = {"bool": BOOL, "int64": INT, "float64": FLOAT}[name]
        if not self._compute.all(self._compute.match_substring_regex(column, pattern)).as_py():
            return False
        if name == "int64":
            try:
                column.cast("int64")
            except ValueError:  # it is too large
                return False
        return True

    def type(self, pa: Any, number: bool) -> Any:
        """The type of the column."""
        if self._empty:
            return pa.int64() if number else pa.string()
        return pa.type_for_alias(self._may_be[0] if self._may_be else "string")

"""Columns as arrays of numpy, which go without any Arrow library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspike._wire import ArrowSchema, ColumnBatch
from pyspike.errors import InvalidArgument

__all__ = ["numpy_columns"]

_NUMBERS = {
    "c": "i1",
    "s": "i2",
    "i": "i4",
    "l": "i8",
    "C": "u1",
    "S": "u2",
    "I": "u4",
    "L": "u8",
    "f": "f4",
    "g": "f8",
}
_NARROW = ("tdD", "tts", "ttm")  # days and times of 32 bits, which numpy has 64 for
_UNITS = {"s": "s", "m": "ms", "u": "us", "n": "ns"}


def numpy_columns(numpy: Any, schema: ArrowSchema, batches: Iterable[ColumnBatch]) -> dict[str, Any]:
    """The columns of batches, by their names.

    Args:
        numpy: the library.
        schema: of the batches.
        batches: any number.

    Raises:
        InvalidArgument: a column has values of no fixed size, or lacks some that numpy has nothing for.
    """
    for field in schema.fields:
        if not _is_fixed(field):
            raise InvalidArgument(
                f"the column {field.name!r} has values of no fixed size, which numpy has no arrays for",
                advice="ask for other bins, or use to_pandas(), to_polars() or to_pyarrow()",
            )
    parts: dict[str, list[Any]] = {field.name: [] for field in schema.fields}
    for batch in batches:
        for place, field in enumerate(schema.fields):
            parts[field.name].append(_array(numpy, field, batch, place))
    return {
        field.name: numpy.concatenate(parts[field.name] or [numpy.array([], _dtype(field))])
        for field in schema.fields
    }


def _is_fixed(field: ArrowSchema) -> bool:
    form = field.format
    return field.dictionary is None and (
        form == "b" or form in _NUMBERS or form[:2] in ("w:", "ts", "tD", "td", "tt")
    )


def _dtype(field: ArrowSchema) -> str:
    form = field.format
    if form == "b":
        return "?"
    if form.startswith("w:"):
        return f"V{form[2:]}"
    if form == "tdD":
        return "M8[D]"
    if form.startswith("t"):
        return f"{'M' if form[1] in 'sd' else 'm'}8[{_UNITS[form[2]]}]"
    return _NUMBERS[form]


def _array(numpy: Any, field: ArrowSchema, batch: ColumnBatch, place: int) -> Any:
    rows = batch.num_rows
    missing, bits, values = batch.fixed_column(place)
    dtype = _dtype(field)
    if dtype == "?":
        array = numpy.unpackbits(numpy.frombuffer(values, "u1"), count=rows, bitorder="little").astype("?")
    elif field.format in _NARROW:
        array = numpy.frombuffer(values, "i4").astype(dtype)
    else:
        array = numpy.frombuffer(values, dtype)
    if not missing or bits is None:
        return array
    if dtype[0] not in "fMm":
        raise InvalidArgument(
            f"the column {field.name!r} lacks {missing} of {rows} values, which no array of {dtype} tells",
            advice="use to_pandas(), to_polars() or to_pyarrow()",
        )
    there = numpy.unpackbits(numpy.frombuffer(bits, "u1"), count=rows, bitorder="little").astype("?")
    return numpy.where(there, array, numpy.array("nan" if dtype[0] == "f" else "NaT", dtype))

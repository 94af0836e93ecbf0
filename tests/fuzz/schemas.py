"""Schemas of another library, of any formats: columns are made for them, to read and to write, or refused."""

from __future__ import annotations

import contextlib

from fuzz.choices import Choices
from pyspike import _wire
from pyspike.columnar.json_values import from_text
from pyspike.errors import InvalidArgument, InvalidType

FORMATS = (
    "n", "b", *"csilCSIL", "e", "f", "g", "u", "U", "z", "Z", "vu", "vz", "w:3", "w:", "w:0", "w:-1", "w:x",
    "w:99999999999999999999", "tdD", "tdm", "tds", "td", "t", "tts", "ttm", "ttu", "ttn", "tt", "tss:",
    "tsn:UTC", "ts", "tsx:", "tDs", "tDn", "tD", "tDx", "tiM", "tin", "d:10,2", "d:10,2,256", "d:", "d", "+l",
    "+L", "+s", "+m", "+w:2", "+w:", "+w:-2", "+w:99999999999", "+vl", "+vL", "+r", "+ud:0,1", "+us:", "+",
    "", "?", "ä",
)  # fmt: skip
NAMES = ("a", "b", "key", "value", "entries", "", "ä", "a" * 16)
METADATA = (
    None, {"aerospike:particle": "geojson"}, {"aerospike:particle": "hll"}, {"aerospike:particle": "x"},
    {"aerospike:null": "value"}, {"aerospike:null": "either"}, {"aerospike:null": "x"},
    {"ARROW:extension:name": "arrow.json"},
)  # fmt: skip
METADATA_COLUMNS = {what: what for what in ("digest", "key", "set", "generation", "ttl", "expiration")}
DEEPEST = 5


def schema_of(choose: Choices, depth: int) -> _wire.ArrowSchema:
    """A schema of as many fields as are chosen."""
    form = choose.one_of(FORMATS)
    count = choose.number(4) if depth < DEEPEST and (form.startswith("+") or choose.seldom()) else 0
    fields = [schema_of(choose, depth + 1) for _ in range(count)]
    has_dictionary = depth < DEEPEST and choose.number(8) == 7
    return _wire.ArrowSchema(
        choose.one_of(NAMES), form, nullable=choose.number(3) > 0, fields=fields,
        metadata=choose.one_of(METADATA) if choose.number(2) else None, flags=choose.number(8),
        dictionary=schema_of(choose, depth + 1) if has_dictionary else None,
    )  # fmt: skip


def plan_columns(data: bytes) -> None:
    """Make columns for what these bytes choose, and rows of them, if that goes."""
    choose = Choices(data)
    fields = [schema_of(choose, 0) for _ in range(1 + choose.number(3))]
    schema = _wire.ArrowSchema("", "+s", fields=fields)
    assert repr(schema)
    assert _wire.ArrowSchema.from_arrow(schema) is schema
    told = {what: choose.one_of(NAMES) for what in METADATA_COLUMNS if choose.number(4) == 3}
    with contextlib.suppress(InvalidArgument, InvalidType):
        columns = _wire.Columns(
            schema, None, told, batch_rows=10, batch_bytes=1 << 20, on_mismatch="error", extra=None
        )
        stream = _wire.memory_columns([], columns, _wire.ColumnStream)
        assert stream.next_batch(_wire.ColumnBatch) is None
    roles = {role: choose.one_of(NAMES) for role in ("key", "ttl", "generation", "set") if choose.number(3)}
    _wire.ColumnPlan(schema, "test", "s", dict.fromkeys(schema.names[:1], "b"), roles, None, from_text, None)

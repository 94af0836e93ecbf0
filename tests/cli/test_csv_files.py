"""CSV: what is written is read as the same values."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike.cli.table_files import TableFile, open_table

pa = pytest.importorskip("pyarrow")
pytest.importorskip("click")

TYPES = {"i": pa.int64(), "f": pa.float64(), "t": pa.string(), "b": pa.bool_()}
words = st.text(st.sampled_from('a1",\n\r \x01-.é')) | st.sampled_from(
    ["true", "nan", "NULL", "1", "1.0", "2024-01-01"]
)
rows = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(),
        "t": st.none() | words,
        "b": st.none() | st.booleans(),
    }
)


def read(path: Path) -> Any:
    return pa.table(open_table(path, "csv"))


def read_text(text: str) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "x.csv")
        path.write_text(text, newline="")
        return read(path)


@given(st.lists(rows))
def test_what_is_written_is_read(given: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "x.csv")
        schema = pa.schema([*TYPES.items(), ("last", pa.int64())])
        given = [{**{name: row[name] for name in TYPES}, "last": 0} for row in given]
        with TableFile(path, "csv", schema) as file:
            for row in given:
                file.write(pa.RecordBatch.from_pylist([row], schema=schema))
        back = read(path)
    assert back.schema.names == schema.names
    assert repr(back.to_pylist()) == repr(given)
    for name, kind in TYPES.items():
        if any(row[name] is not None for row in given):
            assert back.schema.field(name).type == kind


@pytest.mark.parametrize(("fields", "kind"), [
    (["1", "-20", "0"], "int64"),
    (["9223372036854775807"], "int64"),
    (["9223372036854775808"], "string"),
    (["007", "8"], "string"),
    (["1.5", "2"], "double"),
    (["1.5", "1234567890123456789"], "string"),
    (["true", "FALSE"], "bool"),
    (["true", "x"], "string"),
    (["2024-01-01"], "string"),
    (['"1"', "2"], "string"),
    (["2", "", '""'], "string"),
    (["", ""], "string"),
    (["NULL", "1"], "string"),
    (["+1"], "string"),
])  # fmt: skip
@pytest.mark.parametrize("before", [0, 300_000])
def test_a_column_has_the_type_of_all_its_fields(fields: list[str], kind: str, before: int) -> None:
    """Also where the field that decides stands far behind the first block that is read."""
    first = fields[0].strip('"') if before else ""
    lines = [f"{first},0\n"] * before if not fields[0].startswith('"') else []
    table = read_text("a,b\n" + "".join(lines) + "".join(f"{field},1\n" for field in fields))
    assert str(table.schema.field("a").type) == kind

"""A map may lack a key, or have None for it; a struct has one null, which is not taken for the other one."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, Literal, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import ArrowSchema, InvalidArgument, SchemaMismatch
from pyspike.columnar.schema import null_for_both, schema_of
from support.all_of import all_of
from support.columns import stream_of
from support.strategies import bounded

pa = pytest.importorskip("pyarrow")

NULL = b"aerospike:null"
VALUE, EITHER = {NULL: b"value"}, {NULL: b"either"}


def table_of(values: Any, declared: Any = None, **options: Any) -> Any:
    """A table whose column `a` has these values."""
    schema = None if declared is None else {"a": declared}
    table = stream_of([{"a": value} for value in values], schema, **options).to_pyarrow()
    table.validate(full=True)
    return table


def null_of(schema: ArrowSchema, *path: str) -> bytes | None:
    """What is said of the null of a field."""
    for name in path:
        schema = schema.field(name)
    return schema.metadata.get(NULL)


# What is guessed --------------------------------------------------------------------------------------------


def test_null_is_none_where_no_map_lacks_the_key() -> None:
    stream = stream_of([{"a": {"x": 1, "y": None, "z": None}}, {"a": {"x": 2, "y": "t", "z": None}}])
    assert [null_of(stream.schema, "a", name) for name in "xyz"] == [None, b"value", b"value"]
    assert pa.schema(stream.schema).field("a").type == pa.struct(
        [("x", pa.int64()), ("y", pa.utf8()), ("z", pa.null())]
    )
    assert stream.to_pyarrow()["a"].to_pylist() == [
        {"x": 1, "y": None, "z": None},
        {"x": 2, "y": "t", "z": None},
    ]


def test_null_is_a_key_that_lacks_where_no_map_has_none() -> None:
    stream = stream_of([{"a": {"x": 1, "y": "t"}}, {"a": {"y": "u"}}, {"a": {}}])
    assert [null_of(stream.schema, "a", name) for name in "xy"] == [None, None]
    assert stream.to_pyarrow()["a"].to_pylist() == [
        {"x": 1, "y": "t"}, {"x": None, "y": "u"}, {"x": None, "y": None},
    ]  # fmt: skip


@all_of(
    "values, later, why",
    [
        ([{"x": 1, "y": "t"}], {"x": None, "y": "t"}, "the key 'x' is None"),
        ([{"x": 1, "y": "t"}], {"x": 1, "y": None}, "the key 'y' is None"),
        ([{"x": 1, "y": "t"}, {"x": None, "y": "u"}], {"y": "t"}, "the key 'x' lacks"),
        ([[{"x": 1, "y": "t"}, None]], [{"x": None, "y": "t"}], "the key 'x' is None"),
        ([{1: {"x": 1, "y": "t"}}, {2: None}], {1: {"x": 1, "y": None}}, "the key 'y' is None"),
        ([{"s": {"x": None, "y": "t", "z": 1}}, {"n": 1}], {"s": {"y": "t", "z": 2}}, "the key 'x' lacks"),
        ([{"s": {"x": 1, "y": "t"}, "n": 1}], {"s": None, "n": 1}, "the key 's' is None"),
    ],
    ids=lambda case: f"{case[0]} {case[1]}",
)
def test_what_comes_later_and_is_the_other_one_does_not_fit(values: list[Any], later: Any, why: str) -> None:
    records = [{"a": value} for value in [*values, later]]
    stream = stream_of(records, batch_rows=len(values))
    before = pa.table(next(stream))["a"].to_pylist()
    with pytest.raises(SchemaMismatch, match=why) as caught:
        next(stream)
    assert caught.value.bin == "a"
    assert table_of([*values, later], on_mismatch="null", batch_rows=len(values))["a"].to_pylist() == [
        *before, None,
    ]  # fmt: skip
    table = table_of([*values, later], on_mismatch="json", extra="rest", batch_rows=len(values))
    assert table["a"].to_pylist() == [*before, None]
    assert table["rest"].null_count == len(values)
    if 1 not in later:
        assert json.loads(table["rest"].to_pylist()[-1]) == {"a": later}


def test_what_is_both_in_the_first_batch_is_an_error_null_or_json_as_asked_for() -> None:
    values = [{"x": 1, "y": "t"}, {"y": "u"}, {"x": None, "y": "v"}]
    stream = stream_of([{"a": value} for value in values])
    assert pa.table(next(stream))["a"].to_pylist() == [{"x": 1, "y": "t"}, {"x": None, "y": "u"}]
    with pytest.raises(SchemaMismatch, match="the key 'x' is None") as caught:
        next(stream)
    assert "dict[str, T]" in (caught.value.advice or "")
    assert table_of(values, on_mismatch="null")["a"].null_count == 1
    table = table_of(values, on_mismatch="json")
    assert table.schema.field("a").type == pa.struct([("x", pa.json_(pa.utf8())), ("y", pa.utf8())])
    assert table["a"].to_pylist() == [{"x": "1", "y": "t"}, {"x": None, "y": "u"}, {"x": "null", "y": "v"}]


def test_maps_and_lists_have_nulls_of_their_own() -> None:
    values = [{"x": 1, "y": None}, {"y": 2}, {}]
    assert [dict(each) for each in table_of(values)["a"].to_pylist()] == values
    assert table_of([[1, None], [None], []])["a"].to_pylist() == [[1, None], [None], []]
    structs = [[{"x": 1, "y": "t"}, None], [], [None]]
    stream = stream_of([{"a": value} for value in structs])
    assert stream.schema.field("a").field("item").metadata == {}
    assert stream.to_pyarrow()["a"].to_pylist() == structs
    texts = [{"k": {"x": 1, "y": "t"}, "l": None}, {"m": None}]
    assert [dict(each) for each in table_of(texts)["a"].to_pylist()] == texts


def test_what_is_said_of_null_counts_all_maps_in_one_place() -> None:
    values = [{"k": {"x": 1, "y": None}, "l": {"x": 2, "y": "t"}}, {"m": {"x": None, "y": "u"}}]
    stream = stream_of([{"a": value} for value in values])
    (entries,) = stream.schema.field("a").fields
    assert [null_of(entries, "value", name) for name in "xy"] == [b"value", b"value"]
    assert [dict(each) for each in stream.to_pyarrow()["a"].to_pylist()] == values


# What is declared -------------------------------------------------------------------------------------------


class Inner(TypedDict, total=False):
    plain: int
    none: int | None
    noted: Annotated[str | None, "a note"]
    chosen: Literal["a", None]
    anything: object | None
    several: list[int | None]


@dataclasses.dataclass
class Outer:
    inner: Inner
    other: int | None = None


def test_a_type_with_none_takes_both_for_null() -> None:
    schema = schema_of(Outer)
    assert null_of(schema, "other") is None, "a bin lacks, or has a value"
    assert {field.name: null_of(field) for field in schema.field("inner").fields} == {
        "plain": None, "none": b"either", "noted": b"either", "chosen": b"either", "anything": None,
        "several": None,
    }  # fmt: skip
    values = [{"none": None, "anything": None}, {}, {"none": 1, "anything": [None], "several": [None, 2]}]
    rows = table_of(values, Inner)["a"].to_pylist()
    assert [row["none"] for row in rows] == [None, None, 1]
    assert [row["anything"] for row in rows] == ["null", None, "[null]"]
    assert rows[2]["several"] == [None, 2]
    with pytest.raises(SchemaMismatch, match="the key 'plain' is None"):
        table_of([{"plain": None}], Inner)


@all_of(
    "kind",
    [pa.int64(), pa.utf8(), pa.list_(pa.int64()), pa.struct([("z", pa.int8())]), pa.bool_(), pa.null()],
    ids=str,
)
def test_metadata_says_what_null_is(kind: Any) -> None:
    plain, value, either = (
        pa.struct([pa.field("x", kind, metadata=metadata)]) for metadata in (None, VALUE, EITHER)
    )
    lacks, none = {}, {"x": None}  # type: ignore[var-annotated]
    assert table_of([lacks], plain)["a"].to_pylist() == [none]
    assert table_of([none], value)["a"].to_pylist() == [none]
    assert table_of([none, lacks], either)["a"].to_pylist() == [none, none]
    for values, declared, why in (
        ([none], plain, "the key 'x' is None, and null"),
        ([lacks], value, "the key 'x' lacks, and null"),
    ):
        with pytest.raises(SchemaMismatch, match=why):
            table_of(values, declared)
    if kind == pa.null():
        return
    required = pa.struct([pa.field("x", kind, nullable=False, metadata=EITHER)])
    for wrong in (lacks, none):
        with pytest.raises(SchemaMismatch, match="not nullable"):
            table_of([wrong], required)


def test_who_can_say_nothing_of_null_has_it_for_both() -> None:
    inner = pa.struct([("x", pa.int64()), ("l", pa.list_(pa.struct([("y", pa.utf8())])))])
    declared = null_for_both(ArrowSchema.from_arrow(pa.schema([("a", inner)])))
    assert pa.schema(declared).field("a").type == inner
    values = [{"x": None, "l": [{"y": None}, {}]}, {"l": None}, {}]
    stream = stream_of([{"a": value} for value in values], declared)
    assert stream.to_pyarrow()["a"].to_pylist() == [
        {"x": None, "l": [{"y": None}] * 2}, {"x": None, "l": None}, {"x": None, "l": None},
    ]  # fmt: skip


def test_other_words_are_refused() -> None:
    kind = pa.struct([pa.field("x", pa.int64(), metadata={NULL: b"nothing"})])
    with pytest.raises(InvalidArgument, match=r"'a\.x'.*aerospike:null can be value or either"):
        table_of([{}], kind)


def test_a_consumer_that_wants_other_types_gets_what_null_is() -> None:
    wanted = pa.schema([("a", pa.struct([("x", pa.int16()), ("y", pa.large_utf8())]))])
    table = pa.table(stream_of([{"a": {"x": 1, "y": None}}, {"a": {"x": 2, "y": "t"}}]), schema=wanted)
    assert table.schema == wanted
    assert table.schema.field("a").type.field("y").metadata == VALUE
    assert table["a"].to_pylist() == [{"x": 1, "y": None}, {"x": 2, "y": "t"}]


# Nothing is lost in silence ---------------------------------------------------------------------------------

fields = {"x": st.integers(0, 9) | st.none(), "y": st.text(max_size=2) | st.none()}
inner = st.fixed_dictionaries({}, optional=fields)
maps = st.fixed_dictionaries(
    {}, optional={**fields, "z": inner | st.none(), "l": st.lists(inner | st.none(), max_size=2)}
)
TYPES = [None, {"x": int, "y": str, "z": {"x": int, "y": str}, "l": [{"x": int, "y": str}]}]


def restored(schema: ArrowSchema, value: Any) -> Any:
    """The value that a column's is, by what its schema says of null."""
    if value is None or not schema.format.startswith("+"):
        return (
            json.loads(value) if b"ARROW:extension:name" in schema.metadata and value is not None else value
        )
    if schema.format == "+l":
        return [restored(schema.fields[0], each) for each in value]
    if schema.format == "+m":
        return {key: restored(schema.fields[0].fields[1], each) for key, each in value}
    return {
        field.name: restored(field, value[field.name])
        for field in schema.fields
        if value[field.name] is not None or null_of(field) == b"value"
    }


@bounded
@given(
    st.lists(maps, max_size=4), st.sampled_from(TYPES), st.sampled_from(["error", "json"]), st.integers(1, 4)
)
def test_records_are_told_as_they_are_or_an_error_is(
    values: list[Any], declared: Any, rule: str, batch_rows: int
) -> None:
    schema = None if declared is None else {"a": declared}
    stream = stream_of(
        [{"a": value} for value in values], schema, on_mismatch=rule, extra="rest", batch_rows=batch_rows
    )
    found: list[Any] = []
    try:
        for batch in stream:
            column = stream.schema.field("a")
            for row in pa.table(batch).to_pylist():
                rest = json.loads(row["rest"] or "{}")
                found.append(restored(column, row["a"]) if row["a"] is not None else rest["a"])
    except SchemaMismatch:
        assert rule == "error"
    assert found == values[: len(found)]
    assert len(found) == len(values) or stream.error is not None

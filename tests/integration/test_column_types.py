"""Types of Arrow that Aerospike has none of its own for: what is stored of them, or how they are refused."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from pyspike import (
    ArrowSchema,
    BatchPolicy,
    Client,
    InvalidArgument,
    Key,
    SchemaMismatch,
    Statement,
)
from support.all_of import all_of
from support.columns import record_of, stream_of, stream_of_bodies

na = pytest.importorskip("nanoarrow")
pa = pytest.importorskip("pyarrow")

PATIENT = BatchPolicy(total_timeout=60_000)
DAY = 86_400
_sets = itertools.count(1)


@pytest.fixture
def set_name(set_name: str) -> str:
    """A set of the test's own."""
    return f"{set_name}-t{next(_sets)}"


def rows(array: Any) -> Any:
    """A table of one column, with keys 0, 1, 2..."""
    return pa.table({"id": pa.array(range(len(array)), pa.int64()), "v": array})


def written(client: Client, set_name: str, array: Any) -> list[Any]:
    """What the bins of records have that were written of a column."""
    client.write_arrow(rows(array), "test", set_name, key="id", policy=PATIENT)
    records = client.batch_get(
        [Key("test", set_name, number) for number in range(len(array))], policy=PATIENT
    )
    return [None if record is None else record.bins["v"] for record in records]


TIMES: list[tuple[Any, list[int | None]]] = [
    (pa.date32(), [0, -1, 20_000, None]),
    (pa.date64(), [0, -DAY * 1000, 20_000 * DAY * 1000, None]),
    (pa.time32("s"), [0, DAY - 1, None]),
    (pa.time32("ms"), [0, DAY * 1000 - 1, None]),
    (pa.time64("us"), [0, DAY * 10**6 - 1, None]),
    (pa.time64("ns"), [0, DAY * 10**9 - 1, None]),
    *[(pa.timestamp(unit), [0, -1, 10**12, None]) for unit in ("s", "ms", "us", "ns")],
    (pa.timestamp("us", "Europe/Rome"), [0, 1, None]),
    *[(pa.duration(unit), [0, -1, 10**12, None]) for unit in ("s", "ms", "us", "ns")],
]


@all_of("kind, numbers", TIMES, ids=lambda case: str(case[0]))
def test_dates_and_times_are_the_integers_that_they_consist_of(
    client: Client, set_name: str, kind: Any, numbers: list[Any]
) -> None:
    set_name = f"{set_name}{kind}"[:60]
    plain = pa.array(numbers, pa.int32() if kind.bit_width == 32 else pa.int64())
    array = (
        plain.view(kind) if kind != pa.date64() else pa.Array.from_buffers(kind, len(plain), plain.buffers())
    )
    assert written(client, set_name, array) == numbers
    stored = len(numbers) - 1
    keys = [Key("test", set_name, number) for number in range(len(numbers))]
    for schema in ({"v": kind}, pa.schema([("v", kind)])):
        table = client.batch_get_arrow(keys, schema=schema).to_pyarrow()
        table.validate(full=True)
        assert table["v"].combine_chunks() == array
    assert client.query_arrow(Statement("test", set_name), schema={"v": kind}).to_pyarrow().num_rows == stored
    lists = written(client, f"{set_name}l", pa.ListArray.from_arrays(pa.array([0, len(array)]), array))
    assert lists == [numbers]


@all_of(
    "kind, number",
    [
        *[(pa.time32(unit), DAY * scale) for unit, scale in (("s", 1), ("ms", 1000))],
        *[(pa.time64(unit), DAY * scale) for unit, scale in (("us", 10**6), ("ns", 10**9))],
        (pa.time64("us"), -1),
        (pa.time32("s"), -1),
        (pa.date32(), 2**31),
        (pa.date64(), 1),
        (pa.date64(), DAY * 1000 - 1),
    ],
    ids=str,
)
def test_integers_that_are_no_such_time_do_not_fit(kind: Any, number: int) -> None:
    for records in ([{"v": number}], [{}, {"v": number}], [{"v": 0}, {"v": number}]):
        with pytest.raises(SchemaMismatch, match=f"{number} is out of its range"):
            stream_of(records, {"v": kind}).to_pyarrow()
    assert stream_of([{"v": number}], {"v": kind}, on_mismatch="null").to_pyarrow()["v"].null_count == 1


HALVES = [0.0, -0.0, 1.0, -1.5, 65504.0, 2.0**-24, -(2.0**-14), 1 / 3, math.inf, -math.inf, math.nan, None]


def test_halves_are_floats(client: Client, set_name: str) -> None:
    numpy = pytest.importorskip("numpy")
    halves = numpy.array([0.0 if each is None else each for each in HALVES], "f2")
    array = pa.array(halves, pa.float16(), mask=numpy.array([each is None for each in HALVES]))
    expected = [None if value is None else float(half) for value, half in zip(HALVES, halves, strict=True)]
    assert repr(written(client, set_name, array)) == repr(expected)
    (values,) = written(client, f"{set_name}l", pa.ListArray.from_arrays(pa.array([0, len(array)]), array))
    assert repr(values) == repr(expected)
    every = numpy.arange(2**16, dtype="u2").view("f2")
    table = rows(pa.ListArray.from_arrays(pa.array([0, len(every)]), pa.array(every)))
    client.write_arrow(table, "test", f"{set_name}e", key="id", policy=PATIENT)
    found = client.get(Key("test", f"{set_name}e", 0))["v"]
    assert numpy.array_equal(numpy.array(found), every.astype("f8"), equal_nan=True)


def test_times_to_live_may_be_durations(client: Client, set_name: str) -> None:
    for place, (unit, scale) in enumerate([("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)]):
        ttl = pa.array([1000 * scale, 1000 * scale - 1, None], pa.duration(unit))
        table = pa.table({"id": [0, 1, 2], "t": ttl, "n": [place] * 3})
        client.write_arrow(table, "test", set_name, key="id", ttl="t", policy=PATIENT)
        found = [client.get(Key("test", set_name, number)).ttl for number in range(3)]
        assert found[2] is None
        assert all(950 < (each or 0) <= 1000 for each in found[:2])
    for kind in (pa.timestamp("s"), pa.date32(), pa.time32("s")):
        table = pa.table(
            {"id": [0], "t": pa.array([1000], pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)}
        )
        for role in ("ttl", "generation"):
            with pytest.raises(InvalidArgument, match=f"'t' can't be of .*: no {role} is that"):
                client.write_arrow(table, "test", set_name, key="id", **{role: "t"})


def test_what_is_told_of_a_record_is_in_its_column_s_unit() -> None:
    body = record_of({"a": 1}, ttl=1000)
    for unit, scale in (("s", 1), ("ms", 1000), ("ns", 10**9)):
        schema = pa.schema([("ttl", pa.duration(unit)), ("expiration", pa.timestamp(unit)), ("a", pa.int8())])
        table = stream_of_bodies([body], schema, metadata=["ttl", "expiration"]).to_pyarrow()
        until = table["expiration"].cast(pa.int64())[0].as_py()
        assert until == (1262304000 + 1000) * scale
        assert table["ttl"].cast(pa.int64())[0].as_py() % scale == 0
    for what, kind in (
        ("expiration", pa.date32()),
        ("expiration", pa.duration("s")),
        ("ttl", pa.timestamp("s")),
    ):
        with pytest.raises(InvalidArgument, match=f"'{what}' can't be of"):
            stream_of_bodies([body], pa.schema([(what, kind)]), metadata=[what])


# What is refused --------------------------------------------------------------------------------------------

REFUSED: list[tuple[Any, str, str]] = [
    (pa.decimal32(5, 2), "decimal32(5, 2)", "float64"),
    (pa.decimal64(5, 2), "decimal64(5, 2)", "float64"),
    (pa.decimal128(10, 2), "decimal128(10, 2)", "float64"),
    (pa.decimal256(50, 3), "decimal256(50, 3)", "float64"),
    (pa.month_day_nano_interval(), "month_day_nano_interval", "duration"),
    (na.interval_months(), "month_interval", "duration"),
    (na.interval_day_time(), "day_time_interval", "duration"),
    (pa.list_view(pa.int64()), "list_view<int64>", "a list"),
    (pa.large_list_view(pa.int64()), "large_list_view<int64>", "a list"),
    (pa.run_end_encoded(pa.int32(), pa.utf8()), "run_end_encoded<int32, utf8>", "its values"),
    (
        pa.dense_union([pa.field("x", pa.int64()), pa.field("y", pa.utf8())]),
        "dense_union<x: int64, y: utf8>",
        "JSON",
    ),
    (pa.sparse_union([pa.field("x", pa.int64())]), "sparse_union<x: int64>", "JSON"),
]


class Table:
    """Rows of a column of which only the type is there."""

    def __init__(self, column: ArrowSchema) -> None:
        self._schema = ArrowSchema("", "+s", fields=[ArrowSchema("id", "l"), column])

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        _, nothing = pa.array([], pa.struct([])).__arrow_c_array__()
        return self._schema.__arrow_c_schema__(), nothing


def named(name: str, kind: Any) -> ArrowSchema:
    schema = ArrowSchema.from_arrow(kind)
    return ArrowSchema(name, schema.format, fields=schema.fields)


@all_of("kind, told, advice", REFUSED, ids=lambda case: case[1])
def test_what_has_no_form_is_told_by_the_name_that_people_have_for_it(
    client: Client, set_name: str, kind: Any, told: str, advice: str
) -> None:
    column = named("v", kind)
    inner = ArrowSchema("v", "+l", fields=[named("item", kind)])
    for name, data in (("v", column), (r"v\[\].item", inner)):
        for call in (
            lambda data=data: client.write_arrow(Table(data), "test", set_name, key="id"),
            lambda data=data: client.query_arrow(Statement("test", set_name), schema={"v": data}),
        ):
            with pytest.raises(InvalidArgument, match=f"the column '{name}' can't be of ") as caught:
                call()
            assert f"can't be of {told}" in str(caught.value)
            assert advice in (caught.value.advice or "")


def test_halves_are_not_read() -> None:
    with pytest.raises(InvalidArgument, match="'v' can't be of float16") as caught:
        stream_of([], {"v": pa.float16()})
    assert "float32" in (caught.value.advice or "")


@all_of(
    "kind, told",
    [
        (pa.timestamp("us"), "timestamp[us]"),
        (pa.timestamp("ns", "Europe/Rome"), "timestamp[ns, Europe/Rome]"),
        (pa.duration("ms"), "duration[ms]"),
        (pa.time32("s"), "time32[s]"),
        (pa.time64("ns"), "time64[ns]"),
        (pa.date32(), "date32"),
        (pa.date64(), "date64"),
        (pa.float16(), "float16"),
        (pa.binary(20), "fixed_size_binary[20]"),
        (pa.large_list(pa.string_view()), "large_list<utf8_view>"),
        (pa.list_(pa.int8(), 3), "fixed_size_list<int8>[3]"),
        (pa.dictionary(pa.int8(), pa.date64()), "dictionary<int8, date64>"),
    ],
    ids=str,
)
def test_types_are_called_as_people_call_them(kind: Any, told: str) -> None:
    assert repr(ArrowSchema.from_arrow(pa.schema([("v", kind)]))) == f"<ArrowSchema v: {told}>"


def test_numpy_has_dates_and_times() -> None:
    pytest.importorskip("numpy")
    kinds = {
        "d": pa.date64(),
        "s": pa.time32("s"),
        "m": pa.time32("ms"),
        "u": pa.time64("us"),
        "n": pa.time64("ns"),
    }
    found = stream_of([{"d": DAY * 1000, **dict.fromkeys("smun", 5)}, {}], kinds).to_numpy()
    assert {name: str(array.dtype) for name, array in found.items()} == {
        "d": "datetime64[ms]", "s": "timedelta64[s]", "m": "timedelta64[ms]", "u": "timedelta64[us]",
        "n": "timedelta64[ns]",
    }  # fmt: skip
    assert [str(array[0]) for array in found.values()] == [
        "1970-01-02T00:00:00.000", "5 seconds", "5 milliseconds", "5 microseconds", "5 nanoseconds",
    ]  # fmt: skip
    assert {str(array[1]) for array in found.values()} == {"NaT"}

"""Columns with the numbers of a dictionary's values: they are written as these values, of whatever type."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pyspike import BatchPolicy, Client, GeoJSON, InvalidArgument, Key, RowRefused, Statement
from support.all_of import all_of

pa = pytest.importorskip("pyarrow")

PATIENT = BatchPolicy(total_timeout=60_000)
LONG = "a text of more than twelve bytes"
_sets = itertools.count(1)


@pytest.fixture
def set_name(set_name: str) -> str:
    """A set of the test's own."""
    return f"{set_name}-d{next(_sets)}"


def written(client: Client, set_name: str, count: int, bin_name: str = "v") -> list[Any]:
    """What the bin of the records with the keys 0, 1, 2... has; None of one without it."""
    records = client.batch_get([Key("test", set_name, number) for number in range(count)], policy=PATIENT)
    return [None if record is None else record.bins.get(bin_name) for record in records]


def rows(array: Any, **field: Any) -> Any:
    """A table of one column, with keys 0, 1, 2..."""
    ids = pa.array(range(len(array)), pa.int64())
    schema = pa.schema([pa.field("id", ids.type), pa.field("v", array.type, **field)])
    return pa.table([ids, array], schema=schema)


def coded(codes: list[int | None], values: list[Any], kind: Any, index: Any = None) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(codes, index or pa.int32()), pa.array(values, kind))


TEXTS = ["a", None, LONG, ""]
BLOBS = [b"\x00\xff", None, LONG.encode(), b""]


@all_of(
    "kind, values",
    [
        *[(kind, TEXTS) for kind in (pa.string(), pa.large_string(), pa.string_view())],
        *[(kind, BLOBS) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())],
        (pa.binary(2), [b"ab", None, b"cd", b"ef"]),
        (pa.int64(), [5, None, -(2**63), 2**63 - 1]),
        (pa.float64(), [0.5, None, -0.0, 1e300]),
        (pa.bool_(), [True, None, False, True]),
        (pa.timestamp("ms"), [5, None, -1, 0]),
        (pa.list_(pa.string_view()), [["a"], None, [LONG, None], []]),
    ],
    ids=lambda case: str(case[0]),
)
def test_values_of_a_dictionary_are_written(
    client: Client, set_name: str, kind: Any, values: list[Any]
) -> None:
    set_name = f"{set_name}{kind}"[:55]
    codes = [2, 0, None, 1, 3, 2]
    expected = [None if code is None else values[code] for code in codes]
    array = coded(codes, values, kind)
    report = client.write_arrow(rows(array), "test", set_name, key="id", policy=PATIENT)
    assert (report.written, report.skipped) == (4, 2)
    assert written(client, set_name, len(codes)) == expected
    sliced = coded([0, *codes], [values[0], *values], kind, pa.uint8()).slice(
        1
    )  # whose buffers begin earlier
    moved = pa.DictionaryArray.from_arrays(sliced.indices, sliced.dictionary.slice(1))
    client.write_arrow(rows(moved), "test", f"{set_name}s", key="id", policy=PATIENT)
    assert written(client, f"{set_name}s", len(codes)) == expected
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 6]), array)
    client.write_arrow(rows(lists), "test", f"{set_name}l", key="id", policy=PATIENT)
    assert written(client, f"{set_name}l", 2) == [expected[:2], expected[2:]]


def test_each_chunk_has_a_dictionary_of_its_own(client: Client, set_name: str) -> None:
    chunks = [
        coded([0, 1], [f"x{LONG}", "b"], pa.string_view()),
        coded([1, 0], ["c", None], pa.string_view()),
    ]
    table = rows(pa.chunked_array(chunks))
    assert client.write_arrow(table, "test", set_name, key="id", policy=PATIENT).written == 3
    assert written(client, set_name, 4) == [f"x{LONG}", "b", None, "c"]


def test_categories_of_polars_are_written(client: Client, set_name: str) -> None:
    polars = pytest.importorskip("polars")
    words = ["red", None, LONG, "red"]
    frame = polars.DataFrame(
        {
            "id": range(4),
            "v": polars.Series(words, dtype=polars.Categorical),
            "e": polars.Series(words, dtype=polars.Enum([LONG, "unused", "red"])),
            "l": polars.Series([words, [], None, ["red"]], dtype=polars.List(polars.Categorical)),
        }
    )
    parts = (frame, frame.slice(1, 2), polars.concat([frame.slice(2), frame.slice(0, 2)], rechunk=False))
    for place, part in enumerate(parts):
        name = f"{set_name}{place}"
        assert client.write_arrow(part, "test", name, key="id", policy=PATIENT).skipped == 0
        there = set(part["id"])
        for bin_name in ("v", "e"):
            assert written(client, name, 4, bin_name) == [
                word if number in there else None for number, word in enumerate(words)
            ]
        assert written(client, name, 4, "l")[1:3] == [[], None]
    assert written(client, f"{set_name}0", 4, "l") == [words, [], None, ["red"]]
    named = frame.filter(polars.col("v").is_not_null()).unique("v")
    client.write_arrow(named, "test", set_name, key="v", bins=["e"], policy=PATIENT)
    assert client.get(Key("test", set_name, LONG)).bins == {"e": LONG}


def test_categories_of_pandas_are_written(client: Client, set_name: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": range(3), "v": pandas.Categorical([7, None, 8])})
    client.write_arrow(frame, "test", set_name, key="id", policy=PATIENT)
    assert written(client, set_name, 3) == [7, None, 8]


def test_keys_and_sets_come_from_dictionaries(client: Client, set_name: str) -> None:
    for place, (values, kind) in enumerate(
        [(["a", LONG], pa.string_view()), ([5, -5], pa.int16()), ([b"ab", b"cd"], pa.binary(2))]
    ):
        names = coded([0, 0], [set_name], pa.string_view())
        table = pa.table({"k": coded([1, 0], values, kind), "s": names, "n": [place, place]})
        client.write_arrow(table, "test", None, key="k", set_column="s", policy=PATIENT)
        for value in values:
            assert client.get(Key("test", set_name, value)).bins == {"n": place}
    table = pa.table({"k": coded([0], [1.5], pa.float64()), "n": [1]})
    with pytest.raises(InvalidArgument, match="no key has"):
        client.write_arrow(table, "test", set_name, key="k")
    table = pa.table({"k": coded([0], [None], pa.string()), "n": [1]})
    with pytest.raises(RowRefused, match="the key is null"):
        client.write_arrow(table, "test", set_name, key="k")


def test_a_tag_of_the_column_is_one_of_its_dictionary(client: Client, set_name: str) -> None:
    place = '{"type": "Point", "coordinates": [1.5, 2.5]}'
    metadata = {"aerospike:particle": "geojson"}
    client.write_arrow(
        rows(coded([0], [place], pa.string_view()), metadata=metadata),
        "test",
        set_name,
        key="id",
        policy=PATIENT,
    )
    (value,) = written(client, set_name, 1)
    assert isinstance(value, GeoJSON)
    schema = pa.schema([pa.field("v", pa.dictionary(pa.int8(), pa.string()), metadata=metadata)])
    table = client.query_arrow(Statement("test", set_name), schema=schema).to_pyarrow()
    assert table["v"].to_pylist() == [place]


def test_keys_of_maps_are_texts_of_dictionaries(client: Client, set_name: str) -> None:
    keys = coded([0, 1], [LONG, "b"], pa.string_view())
    maps = pa.MapArray.from_arrays(pa.array([0, 2], pa.int32()), keys, pa.array([1, 2]))
    client.write_arrow(rows(maps), "test", set_name, key="id", policy=PATIENT)
    assert written(client, set_name, 1) == [{LONG: 1, "b": 2}]


@pytest.mark.parametrize("kind", ["string", "string_view", "binary_view"])
def test_a_dictionary_is_read_into_the_values_that_are_asked_for(
    client: Client, set_name: str, kind: str
) -> None:
    values: list[Any] = ["a", LONG, "a", f"{LONG}!", ""]
    if kind == "binary_view":
        values = [value.encode() for value in values]
    client.batch_put({("test", set_name, number): {"v": value} for number, value in enumerate(values)})
    schema = pa.schema([("v", pa.dictionary(pa.int16(), getattr(pa, kind)()))])
    stream = client.query_arrow(Statement("test", set_name), schema=schema, batch_rows=2)
    batches = [pa.record_batch(batch) for batch in stream]
    for batch in batches:
        batch.validate(full=True)
        assert batch.schema == schema
    assert sorted(value for batch in batches for value in batch["v"].to_pylist()) == sorted(values)
    with pytest.raises(InvalidArgument, match="'v' can't be of dictionary<int16, int64>"):
        client.query_arrow(Statement("test", set_name), schema={"v": pa.dictionary(pa.int16(), pa.int64())})

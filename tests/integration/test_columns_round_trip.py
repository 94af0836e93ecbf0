"""Records that go out in columns, through a file, and in again are the same, or it is told which are not."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyspike import BatchPolicy, BatchWritePolicy, Client, GeoJSON, Key, SchemaMismatch, Statement
from pyspike.server import EmbeddedCluster
from support.all_of import all_of
from support.clients import BlockingClient
from support.examples import examples

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

PATIENT = BatchPolicy(total_timeout=60_000)
KEEP_KEYS = BatchWritePolicy(send_key=True)
_sets = itertools.count(1)

small, word = st.integers(-9, 9), st.text(max_size=3)
doc = st.fixed_dictionaries({"a": small | st.none(), "b": st.lists(word | st.none(), max_size=2)})
KINDS = [
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.floats(allow_nan=False),
    st.integers(-90, 90).map(lambda x: GeoJSON({"type": "Point", "coordinates": [x, 0.5]})),
    st.lists(small | st.none(), max_size=4),
    st.lists(st.lists(word, max_size=2) | st.none(), max_size=4),
    st.dictionaries(st.text(max_size=4), small | st.none(), max_size=4),
    st.dictionaries(small, word | st.none(), max_size=40),
    doc,
    st.fixed_dictionaries({}, optional={"a": small | st.none(), "b": word | st.none(), "c": doc | st.none()}),
    st.fixed_dictionaries(
        {"a": st.none() | doc, "b": st.lists(doc | st.none(), max_size=2)}, optional={"c": word}
    ),
    st.dictionaries(word, doc | st.none(), max_size=3),
]
ANY = st.one_of(*KINDS)


@st.composite
def record_sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Bins of records, in which most bins have values of one type."""
    kinds = draw(st.lists(st.sampled_from([*KINDS, ANY]), min_size=1, max_size=4))
    records = []
    for _ in range(draw(st.integers(1, 6))):
        bins = {f"b{place}": draw(kind) for place, kind in enumerate(kinds) if draw(st.integers(0, 3))}
        records.append(bins or {"b0": draw(kinds[0])})
    return records


@pytest.fixture(scope="module")
def own_client() -> Iterator[Client]:
    """A client of a cluster without anything else in it."""
    with EmbeddedCluster(nodes=2) as cluster, BlockingClient(cluster.hosts) as client:
        yield client


class Sets:
    """A set of records, and another one, which is to have copies of them.

    Args:
        client: of their cluster.
        records: the bins of the first one's records, whose keys are 0, 1, 2...
    """

    def __init__(self, client: Client, records: list[dict[str, Any]]) -> None:
        self._client = client
        self.source, self.copy = f"source{next(_sets)}", f"copy{next(_sets)}"
        self._count = len(records)
        client.batch_put(
            {Key("test", self.source, number): bins for number, bins in enumerate(records)},
            row_policy=KEEP_KEYS, policy=PATIENT,
        )  # fmt: skip

    def write(self, data: Any, **columns: Any) -> Any:
        """Write the copies."""
        bins = [name for name in data.schema.names if name.startswith("b")]
        return self._client.write_arrow(
            data, "test", self.copy, bins=bins, row_policy=KEEP_KEYS, in_flight=3, policy=PATIENT, **columns
        )

    def copies(self) -> dict[Any, dict[str, Any]]:
        """The bins of the copies, by their keys; then all of both sets is deleted."""
        found = {
            record.key.user_key: record.bins for record in self._client.query(Statement("test", self.copy))
        }
        for name in (self.source, self.copy):
            self._client.batch_delete(
                [Key("test", name, number) for number in range(self._count)], policy=PATIENT
            )
        return found


def through_a_file(table: Any, rows_a_batch: int) -> Any:
    """The rows of a table, from a file, in batches."""
    file = pa.BufferOutputStream()
    parquet.write_table(table, file, row_group_size=rows_a_batch)
    read = parquet.ParquetFile(pa.BufferReader(file.getvalue())).iter_batches(rows_a_batch)
    first = next(read, None)
    if first is None:
        return table.to_reader()
    return pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], read))


def types_in(value: Any) -> Any:
    """The types of a value and of all in it: True is no 1, and GeoJSON no text."""
    if isinstance(value, list):
        return [types_in(each) for each in value]
    if isinstance(value, dict):
        return {key: types_in(each) for key, each in value.items()}
    return type(value)


@given(records=record_sets(), rows_a_batch=st.integers(1, 4))
@settings(max_examples=examples(80))
def test_records_that_go_through_a_file_are_the_same(
    own_client: Client, records: list[dict[str, Any]], rows_a_batch: int
) -> None:
    sets = Sets(own_client, records)
    table = own_client.query_arrow(
        Statement("test", sets.source), metadata=["key", "digest", "ttl", "generation"], on_mismatch="json",
        batch_rows=rows_a_batch,
    ).to_pyarrow()  # fmt: skip
    report = sets.write(
        through_a_file(table, rows_a_batch), key="key", digest="digest", ttl="ttl", extra="extra"
    )
    assert (report.written, report.skipped, report.failures) == (len(records), 0, ())
    copies = sets.copies()
    assert copies == dict(enumerate(records))
    assert types_in(copies) == types_in(dict(enumerate(records)))


docs = st.fixed_dictionaries(
    {},
    optional={
        "x": small | st.none(), "y": word | st.none(), "deep": doc | st.none(),
        "many": st.lists(doc | st.none(), max_size=2) | st.none(),
    },
)  # fmt: skip
DOC = {"a": int, "b": [str]}
DECLARED: dict[str, Any] = {
    "inferred": None,
    "structs": {"bd": {"x": int, "y": str, "deep": DOC, "many": [DOC]}},
    "JSON in structs": {"bd": {"x": object, "y": object, "deep": object, "many": object}},
    "JSON": {"bd": object},
    "types of Arrow": pa.schema(
        {
            "bd": pa.struct(
                [
                    pa.field("x", pa.int16(), metadata={"aerospike:null": "value"}),
                    ("y", pa.string_view()),
                    pa.field("deep", pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))])),
                    ("many", pa.large_list(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]))),
                ]
            )
        }
    ),
}


@all_of("declared", DECLARED.values(), ids=str)
@given(values=st.lists(docs, min_size=1, max_size=5), rows_a_batch=st.integers(1, 4))
@settings(max_examples=examples(40))
def test_none_and_a_key_that_lacks_stay_apart_or_are_an_error(
    own_client: Client, declared: Any, values: list[Any], rows_a_batch: int
) -> None:
    records = [{"bd": value} for value in values]
    sets = Sets(own_client, records)
    if declared is not None and not isinstance(declared, pa.Schema):
        declared = {"key": int, **declared}
    elif declared is not None:
        declared = declared.append(pa.field("key", pa.int64()))
    stream = own_client.query_arrow(
        Statement("test", sets.source), schema=declared, metadata=["key"], batch_rows=rows_a_batch
    )
    batches = []
    with contextlib.suppress(SchemaMismatch):
        batches.extend(pa.record_batch(batch) for batch in stream)
    if stream.error is not None:
        assert stream.error.bin == "bd"
        assert "object" not in str(declared), "JSON has room for all"
    if batches:
        table = pa.Table.from_batches(batches)
        sets.write(through_a_file(table, rows_a_batch), key="key")
    written = sum(batch.num_rows for batch in batches)
    copies = sets.copies()
    assert len(copies) == written
    assert (written == len(values)) == (stream.error is None)
    assert copies == {number: records[number] for number in copies}
    assert types_in(copies) == types_in({number: records[number] for number in copies})


@all_of("text", ['{"x": 1, "y": "t"}', '{"x": 1, "y": "t", "z": null}', '{"x": null, "y": "t"}', "{}"])
def test_a_document_is_the_same_in_a_copy(client: Client, set_name: str, text: str) -> None:
    value = json.loads(text)
    set_name = f"{set_name}-r{next(_sets)}"
    client.put(Key("test", set_name, 1), {"d": value, "l": [value, None], "m": {"k": value, "n": None}})
    (batch,) = client.query_arrow(Statement("test", set_name), metadata=["digest"])
    copied = Key("test", f"{set_name}c", 1)
    client.write_arrow(
        pa.table(batch).append_column("key", pa.array([1])), "test", copied.set_name, key="key",
        bins=["d", "l", "m"], policy=PATIENT,
    )  # fmt: skip
    assert client.get(copied).bins == {"d": value, "l": [value, None], "m": {"k": value, "n": None}}

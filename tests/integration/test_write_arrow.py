"""Rows of columns that become records: what is written of which types, what is refused, and what ends it."""

from __future__ import annotations

import contextlib
import decimal
import gc
import itertools
import json
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    AerospikeError,
    BatchPolicy,
    BatchWritePolicy,
    Client,
    ClientClosed,
    FilteredOut,
    GenerationPolicy,
    GeoJSON,
    InvalidArgument,
    InvalidType,
    Key,
    RecordExistsAction,
    RowRefused,
    SchemaMismatch,
    Statement,
    Transaction,
    WritePolicy,
    WriteReport,
    errors,
    exp,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.all_of import all_of
from support.clients import BlockingClient
from support.columns import CArray, in_capsule

pa = pytest.importorskip("pyarrow")
na = pytest.importorskip("nanoarrow")

PATIENT = BatchPolicy(total_timeout=60_000)
_sets = itertools.count(1)


@pytest.fixture
def set_name(set_name: str) -> str:
    """A set of the test's own."""
    return f"{set_name}-w{next(_sets)}"


def written(client: Client, set_name: str, keys: Any) -> list[dict[str, Any] | None]:
    """The bins of the records with these user keys."""
    records = client.batch_get([Key("test", set_name, key) for key in keys], policy=PATIENT)
    return [None if record is None else record.bins for record in records]


def rows(values: Any, kind: Any = None, *, name: str = "v", metadata: Any = None) -> Any:
    """A table of one column, with keys 0, 1, 2..."""
    array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values, kind)
    fields = [pa.field("id", pa.int64()), pa.field(name, array.type, metadata=metadata)]
    return pa.table([pa.array(range(len(array)), pa.int64()), array], schema=pa.schema(fields))


# What is written --------------------------------------------------------------------------------------------

TEXTS = ["", "a", "twelve bytes", "more than twelve bytes", "ä🙂", None]
BLOBS = [b"", b"\x00\xff", bytes(range(40)), None]
NUMBERS: list[tuple[Any, list[Any]]] = [
    *[
        (getattr(pa, f"int{bits}")(), [0, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), None])
        for bits in (8, 16, 32, 64)
    ],
    *[(getattr(pa, f"uint{bits}")(), [0, 1, 2 ** min(bits, 63) - 1, None]) for bits in (8, 16, 32, 64)],
    (pa.float64(), [0.1, -0.0, math.inf, None]),
    (pa.float32(), [0.5, -1.25, None]),
    (pa.bool_(), [True, False, None, *[True] * 20]),
    (pa.string(), TEXTS),
    (pa.large_string(), TEXTS),
    (pa.string_view(), TEXTS),
    (pa.binary(), BLOBS),
    (pa.large_binary(), BLOBS),
    (pa.binary_view(), BLOBS),
    (pa.binary(3), [b"abc", None, b"\x00\x01\x02"]),
    (pa.list_(pa.int16()), [[1, None, -3], [], None]),
    (pa.large_list(pa.string()), [["x"], None, []]),
    (pa.list_(pa.int8(), 2), [[1, 2], None, [3, None]]),
    (pa.list_(pa.list_(pa.float64())), [[[1.5], [], None], None]),
    (pa.map_(pa.int32(), pa.bool_()), [{1: True, 2: None}, {}, None]),
    (pa.map_(pa.binary(), pa.list_(pa.int8())), [{b"k": [1]}, None]),
    (pa.null(), [None, None]),
]


def from_arrow(kind: Any, value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) and pa.types.is_map(kind) else value


@all_of("kind, values", NUMBERS, ids=lambda case: str(case[0]))
def test_values_of_each_type_are_written(client: Client, set_name: str, kind: Any, values: list[Any]) -> None:
    name = f"{set_name}{kind}"[:60]
    table = rows(pa.array([from_arrow(kind, value) for value in values], kind))
    for sliced in (table, table.slice(1)):  # whose buffers begin earlier
        report = client.write_arrow(sliced, "test", name, key="id", policy=PATIENT)
        assert report.ok
        assert report.written == sum(value is not None for value in sliced["v"].to_pylist())
        assert report.written + report.skipped == len(sliced)
    expected = [None if value is None else {"v": value} for value in values]
    got = written(client, name, range(len(values)))
    assert got == expected
    assert [str(each) for each in got] == [str(each) for each in expected]  # True is no 1


def test_structs_dictionaries_and_times_are_written(client: Client, set_name: str) -> None:
    structs = pa.array([{"a": 1, "b": None}, {"a": None, "b": "x"}, None, {"a": None, "b": None}])
    codes = pa.array(["u", None, "v", "u"]).dictionary_encode()
    times = pa.array([1, None, -5, 10**15], pa.timestamp("us", "UTC"))
    days = pa.array([1, None, 3, 4], pa.date32())
    nested = pa.StructArray.from_arrays([structs.slice(1), codes.slice(1)], ["inner", "code"])
    table = pa.table({"id": ["a", "b", "c", "d"], "s": structs, "c": codes, "t": times, "d": days})
    client.write_arrow(table, "test", set_name, key="id", policy=PATIENT)
    assert written(client, set_name, "abcd") == [
        {"s": {"a": 1}, "c": "u", "t": 1, "d": 1},
        {"s": {"b": "x"}},
        {"c": "v", "t": -5, "d": 3},
        {"s": {}, "c": "u", "t": 10**15, "d": 4},
    ]
    client.write_arrow(rows(nested.slice(1)), "test", set_name, key="id", policy=PATIENT)
    assert written(client, set_name, range(2)) == [
        {"v": {"code": "v"}},
        {"v": {"inner": {}, "code": "u"}},
    ]


def test_tags_say_which_text_and_bytes_are_special(client: Client, set_name: str) -> None:
    place = '{"type": "Point", "coordinates": [1.5, 2.5]}'
    table = rows([place], name="p", metadata={"aerospike:particle": "geojson"})
    listed = pa.field(
        "l", pa.list_(pa.field("item", pa.string(), metadata={"aerospike:particle": "geojson"}))
    )
    table = table.append_column(listed, pa.array([[place]], listed.type))
    assert client.write_arrow(table, "test", set_name, key="id", bins=["p", "l"], policy=PATIENT).ok
    (bins,) = written(client, set_name, [0])
    assert bins == {"p": place, "l": [place]}
    assert isinstance(bins["p"], GeoJSON)
    assert isinstance(bins["l"][0], GeoJSON)
    sketch = client.operate(Key("test", set_name, "hll"), [op.hll.init("h", 4), op.get("h")])["h"]
    table = rows([bytes(sketch)], name="h", metadata={"aerospike:particle": "hll"})
    assert client.write_arrow(table, "test", set_name, key="id", policy=PATIENT).ok
    assert written(client, set_name, [0]) == [{"p": place, "l": [place], "h": sketch}]
    wrong = rows(["x"], metadata={"aerospike:particle": "hll"})
    with pytest.raises(InvalidArgument, match="geojson of text"):
        client.write_arrow(wrong, "test", set_name, key="id")


def test_json_columns_have_values_of_any_type(client: Client, set_name: str) -> None:
    values = [1, "x", None, {"a": [1, {"$bytes": "00ff"}]}, {"$map": [[1, "one"]]}, {"$float": "inf"}]
    table = rows([json.dumps(value) for value in values], pa.json_())
    report = client.write_arrow(table, "test", set_name, key="id", policy=PATIENT)
    assert (report.written, report.skipped) == (5, 1)
    assert written(client, set_name, range(6)) == [
        {"v": 1}, {"v": "x"}, None, {"v": {"a": [1, b"\x00\xff"]}}, {"v": {1: "one"}}, {"v": math.inf},
    ]  # fmt: skip
    for wrong in ("{", '{"$nothing": 1}', str(2**70)):
        with pytest.raises(RowRefused, match="column 'v', row 1") as raised:
            client.write_arrow(rows(["1", wrong], pa.json_()), "test", set_name, key="id")
        assert (raised.value.column, raised.value.row) == ("v", 1)


# What is taken ---------------------------------------------------------------------------------------------


@all_of(
    "make",
    [
        lambda table: table,
        lambda table: table.combine_chunks().to_batches()[0],
        lambda table: table.to_reader(1),
        lambda table: na.Array(table.combine_chunks().to_batches()[0]),
        na.ArrayStream,
        lambda table: table.to_struct_array(),
    ],
    ids=str,
)
def test_any_object_with_the_interface_is_taken(
    client: Client, set_name: str, make: Callable[[Any], Any]
) -> None:
    data = make(pa.table({"id": [1, 2, 3], "v": ["a", None, "c"]}))
    report = client.write_arrow(data, "test", set_name, key="id", policy=PATIENT)
    assert (report.written, report.skipped, report.next_row) == (2, 1, 3)
    assert written(client, set_name, [1, 2, 3]) == [{"v": "a"}, None, {"v": "c"}]


def test_frames_are_taken(client: Client, set_name: str) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"id": ["x", "y"], "n": [1, None], "l": [[1.5], []]})
    assert client.write_arrow(frame, "test", set_name, key="id", policy=PATIENT).written == 2
    assert written(client, set_name, "xy") == [{"n": 1, "l": [1.5]}, {"l": []}]
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": ["p", "q"], "n": [1, 2]})
    assert client.write_arrow(frame, "test", set_name, key="id", policy=PATIENT).written == 2
    assert written(client, set_name, "pq") == [{"n": 1}, {"n": 2}]


# Columns that are no bins -----------------------------------------------------------------------------------


def test_keys_are_integers_text_or_bytes(client: Client, set_name: str) -> None:
    for place, (keys, kind) in enumerate(
        [
            ([1, -5], pa.int8()),
            ([1, 2**63 - 1], pa.uint64()),
            (["a", "ä"], pa.string()),
            (["long enough for a view", ""], pa.string_view()),
            ([b"a", b""], pa.binary()),
            ([b"ab", b"cd"], pa.binary(2)),
        ]
    ):
        table = pa.table({"k": pa.array(keys, kind), "n": [place, place]})
        client.write_arrow(table, "test", set_name, key="k", policy=PATIENT)
        assert written(client, set_name, keys) == [{"n": place}] * 2
    codes = pa.table({"k": pa.array(["a", "b"]).dictionary_encode(), "n": [9, 9]})
    client.write_arrow(codes, "test", set_name, key="k", bins={"n": "m", "k": "name"}, policy=PATIENT)
    assert written(client, set_name, "ab") == [{"n": 2, "m": 9, "name": "a"}, {"m": 9, "name": "b"}]


def test_digests_sets_and_times_to_live_come_from_columns(client: Client, set_name: str) -> None:
    digests = [Key("test", set_name, number).digest for number in range(3)]
    table = pa.table(
        {
            "d": pa.array(digests, pa.binary(20)),
            "s": [set_name, None, set_name],
            "t": [1000, None, 0],
            "n": [0, 1, 2],
        }
    )
    client.write_arrow(
        table,
        "test",
        set_name,
        digest="d",
        set_column="s",
        ttl="t",
        row_policy=BatchWritePolicy(),
        policy=PATIENT,
    )
    records = [client.get(Key("test", set_name, number)) for number in range(2)]
    assert [record.bins for record in records] == [{"n": 0}, {"n": 1}]
    assert 900 < (records[0].ttl or 0) <= 1000
    assert records[1].ttl is None
    sets = pa.table({"id": [1, 1], "s": [f"{set_name}a", f"{set_name}b"], "n": [1, 2]})
    client.write_arrow(sets, "test", None, key="id", set_column="s", ttl=500, policy=PATIENT)
    for name, number in (("a", 1), ("b", 2)):
        record = client.get(Key("test", f"{set_name}{name}", 1))
        assert record.bins == {"n": number}
        assert 400 < (record.ttl or 0) <= 500


def test_a_generation_may_be_expected(client: Client, set_name: str) -> None:
    keys = [Key("test", set_name, number) for number in range(2)]
    client.batch_put([(key, {"n": 0}) for key in keys])
    table = pa.table({"id": [0, 1], "g": [1, 7], "n": [1, 1]})
    report = client.write_arrow(table, "test", set_name, key="id", generation="g", policy=PATIENT)
    assert [(each.row, type(each.error)) for each in report.failures] == [(1, errors.GenerationError)]
    assert written(client, set_name, range(2)) == [{"n": 1}, {"n": 0}]
    greater = BatchWritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_GREATER)
    table = pa.table({"id": [0, 1], "g": [1, 7], "n": [2, 2]})
    report = client.write_arrow(
        table, "test", set_name, key="id", generation="g", row_policy=greater, policy=PATIENT
    )
    assert [each.row for each in report.failures] == [0]
    assert written(client, set_name, range(2)) == [{"n": 1}, {"n": 2}]


def test_more_bins_come_from_a_column_of_objects(client: Client, set_name: str) -> None:
    more = ['{"x": 1, "y": null}', None, '{"n": {"$bytes": "aa"}}']
    table = pa.table({"id": [0, 1, 2], "n": [5, 6, None], "more": more})
    client.write_arrow(table, "test", set_name, key="id", extra="more", policy=PATIENT)
    assert written(client, set_name, range(3)) == [{"n": 5, "x": 1}, {"n": 6}, {"n": b"\xaa"}]
    for wrong in ('{"n": 1}', "[1]", '{"": 1}', "x"):
        table = pa.table({"id": [0], "n": [5], "more": [wrong]})
        with pytest.raises(RowRefused, match="column 'more', row 0"):
            client.write_arrow(table, "test", set_name, key="id", extra="more")


# What is refused --------------------------------------------------------------------------------------------

REFUSED: list[tuple[Any, str]] = [
    (rows([1, 2**63], pa.uint64()), "column 'v', row 1: the number does not fit"),
    (rows([[1], [2**64 - 1]], pa.list_(pa.uint64())), "column 'v', row 1: the number does not fit"),
    (
        rows([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())),
        "column 'v', row 0: a key of a map comes twice",
    ),
    (
        rows([[(number % 50, 1) for number in range(51)]], pa.map_(pa.int8(), pa.int8())),
        "column 'v', row 0: a key of a map comes twice",
    ),
    (
        rows(
            pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff"))
        ),
        "column 'v', row 1: the text is not valid UTF-8",
    ),
    (pa.table({"id": [1, None], "n": [1, 2]}), "column 'id', row 1: the key is null"),
    (
        rows(pa.ListArray.from_arrays([0, 2**28], pa.nulls(2**28))),
        "column 'v', row 0: the message would pass",
    ),
]
REFUSED_COLUMNS: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (rows([decimal.Decimal(1)]), {}, InvalidArgument, "column 'v'"),
    (rows([1], name="x" * 16), {}, InvalidArgument, "takes 16 bytes"),
    (rows([[(1.5, 1)]], pa.map_(pa.float64(), pa.int8())), {}, InvalidArgument, "keys of maps"),
    (rows([1]), {"key": "v", "bins": ["nothing"]}, InvalidArgument, "no column 'nothing'"),
    (rows([1]), {"key": "nothing"}, InvalidArgument, "no column 'nothing'"),
    (rows([1]), {"key": None}, InvalidArgument, "keys or one of digests"),
    (rows([1.5]), {"key": "v"}, InvalidArgument, "no key has"),
    (rows([b"x"], pa.binary(1)), {"digest": "v"}, InvalidArgument, "no digest has"),
    (rows(["x"]), {"ttl": "v"}, InvalidArgument, "no ttl has"),
    (rows([1]), {"ttl": 0}, InvalidArgument, "ttl must be"),
    (rows([1]), {"bins": "v"}, InvalidType, "bins must be names"),
    (rows([1]), {"bins": {"v": "a", "id": "a"}}, InvalidArgument, "two columns are for the bin"),
    (rows([1]), {"bins": [5]}, InvalidType, "must be a str"),
    (rows([1]), {"digest": "id"}, InvalidArgument, "named twice"),
    (rows([1]), {"in_flight": 0}, InvalidArgument, "in_flight"),
    (rows([1]), {"in_flight": "x"}, InvalidType, "in_flight"),
    (rows([1]), {"start_row": -1}, InvalidArgument, "start_row"),
    (rows([1]), {"progress": 5}, InvalidType, "progress must be a callable"),
    (rows([1]), {"max_failures": -1}, InvalidArgument, "max_failures"),
    (rows([1]), {"policy": WritePolicy()}, InvalidType, "BatchPolicy"),
    (rows([1]), {"row_policy": WritePolicy()}, InvalidType, "BatchWritePolicy"),
    (rows([1]), {"txn": Transaction()}, InvalidArgument, "transaction"),
    (pa.table([[1], [2], [3]], names=["id", "a", "a"]), {}, InvalidArgument, "two columns have one name"),
    ([1, 2], {}, InvalidType, "__arrow_c_stream__"),
    (pa.array([1]), {}, InvalidArgument, "struct of columns"),
]


@all_of("table, message", REFUSED, ids=lambda case: case[1])
def test_what_no_record_can_hold_is_refused_by_column_and_row(
    client: Client, set_name: str, table: Any, message: str
) -> None:
    with pytest.raises(RowRefused, match=message) as raised:
        client.write_arrow(table, "test", set_name, key="id")
    assert isinstance(raised.value, InvalidArgument)
    assert not any(written(client, set_name, range(2)))  # nor any row before it


@all_of("data, options, kind, message", REFUSED_COLUMNS, ids=lambda case: case[3])
def test_columns_and_arguments_are_checked_before_anything_is_sent(
    client: Client, set_name: str, data: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        client.write_arrow(data, "test", set_name, **{"key": "id", **options})
    assert not any(written(client, set_name, range(2)))


def test_a_refused_row_stops_its_piece_and_what_follows(client: Client, set_name: str) -> None:
    batches = [
        pa.record_batch({"id": [n], "v": pa.array([n if n != 2 else 2**63], pa.uint64())}) for n in range(4)
    ]
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    seen: list[WriteReport] = []
    with pytest.raises(RowRefused, match="row 2"):
        client.write_arrow(reader, "test", set_name, key="id", progress=seen.append, policy=PATIENT)
    assert written(client, set_name, range(4)) == [{"v": 0}, {"v": 1}, None, None]
    assert (seen[-1].written, seen[-1].next_row) == (2, 2)


# How it goes ------------------------------------------------------------------------------------------------


def test_only_failures_are_kept(client: Client, set_name: str) -> None:
    client.put(Key("test", set_name, 3), {"v": "old"})
    create = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY, send_key=True)
    table = rows([str(number) for number in range(10)])
    report = client.write_arrow(table, "test", set_name, key="id", row_policy=create, policy=PATIENT)
    (failure,) = report.failures
    assert (failure.row, failure.key) == (3, Key("test", set_name, 3))
    assert isinstance(failure.error, errors.RecordExists)
    assert failure.error.key == failure.key
    assert (report.written, report.ok, report.next_row) == (9, False, 10)
    assert report.rows_per_second > 0
    assert {record.key.user_key for record in client.query(Statement("test", set_name))} == {
        None,
        *range(10),
    } - {3}
    never = exp.eq(exp.string_bin("v"), exp.val("nothing"))
    report = client.write_arrow(table, "test", set_name, key="id", filter_expression=never, policy=PATIENT)
    assert {type(each.error) for each in report.failures} == {FilteredOut}


def test_it_goes_on_from_a_row_and_ends_after_failures(client: Client, set_name: str) -> None:
    table = rows(list(range(20)))
    report = client.write_arrow(table.to_reader(3), "test", set_name, key="id", start_row=17, policy=PATIENT)
    assert (report.written, report.next_row) == (3, 20)
    assert written(client, set_name, range(15, 20)) == [None, None, {"v": 17}, {"v": 18}, {"v": 19}]
    assert client.write_arrow(table, "test", set_name, key="id", start_row=99).written == 0
    create = BatchWritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY)
    report = client.write_arrow(
        pa.concat_tables([table.slice(17), table]),
        "test",
        set_name,
        key="id",
        row_policy=create,
        max_failures=1,
        in_flight=2,
        policy=PATIENT,
    )
    assert 2 <= len(report.failures) <= 4  # as some may be under way
    assert report.next_row <= 4


def test_a_dry_run_packs_all_and_sends_nothing(client: Client, set_name: str) -> None:
    report = client.write_arrow(rows([1, None, 3]), "test", set_name, key="id", dry_run=True)
    assert (report.written, report.skipped, report.next_row) == (2, 1, 3)
    assert str(report) == "<WriteReport: 2 rows written, 1 skipped, 0 failed; next row 3>"
    with pytest.raises(RowRefused, match="row 1"):
        client.write_arrow(rows([1, 2**63], pa.uint64()), "test", set_name, key="id", dry_run=True)
    assert not any(written(client, set_name, range(3)))


@pytest.mark.one_kind("a loop is told some time after the thread that writes has gone on")
def test_rows_are_read_as_far_as_may_be_under_way(client: Client, set_name: str) -> None:
    read: list[int] = []
    done: list[int] = []

    def batches() -> Iterator[Any]:
        for number in range(12):
            read.append(number)
            yield pa.record_batch({"id": [number], "v": [number]})

    first = pa.schema([("id", pa.int64()), ("v", pa.int64())])
    reader = pa.RecordBatchReader.from_batches(first, batches())
    report = client.write_arrow(
        reader, "test", set_name, key="id", in_flight=2, policy=PATIENT,
        progress=lambda report: done.append(len(read) - report.written),
    )  # fmt: skip
    assert report.written == 12
    # Two under way, one that is packed, one that is asked for, and one that came while this was told.
    assert max(done) <= 5


def test_what_the_data_raises_comes_behind_the_rows_before(client: Client, set_name: str) -> None:
    def batches() -> Iterator[Any]:
        yield pa.record_batch({"id": [0], "v": [0]})
        raise RuntimeError("no more")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64()), ("v", pa.int64())]), batches())
    with pytest.raises(AerospikeError, match="no more"):
        client.write_arrow(reader, "test", set_name, key="id", policy=PATIENT)
    assert written(client, set_name, [0]) == [{"v": 0}]
    source = f"{set_name}s"
    client.batch_put({("test", source, 0): {"v": 1}, ("test", source, 1): {"v": "x"}})
    stream = client.query_arrow(Statement("test", source), metadata=["digest"], batch_rows=10)
    with pytest.raises(AerospikeError) as raised:
        client.write_arrow(stream, "test", set_name, digest="digest", policy=PATIENT)
    assert isinstance(raised.value, SchemaMismatch) or isinstance(raised.value.__cause__, SchemaMismatch)


def test_who_is_told_may_end_it(client: Client, set_name: str) -> None:
    def enough(report: WriteReport) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.write_arrow(rows([1, 2]), "test", set_name, key="id", progress=enough)
    assert client.write_arrow(rows([1, 2]), "test", set_name, key="id", policy=PATIENT).written == 2


@pytest.mark.embedded_only
@pytest.mark.one_kind("rows are sent by a thread of either client")
def test_a_node_that_is_gone_fails_its_rows_alone() -> None:
    with EmbeddedCluster(nodes=2) as cluster, BlockingClient(cluster.hosts) as client:
        node = cluster.nodes[0]
        table = rows(list(range(200)))
        assert client.write_arrow(table, "test", "w", key="id", in_flight=20).written == 200
        node.freeze()
        try:
            policy = BatchPolicy(total_timeout=300, max_retries=0)
            report = client.write_arrow(table, "test", "w", key="id", in_flight=400, policy=policy)
        finally:
            node.thaw()
        assert 0 < report.written < 200
        assert report.written + len(report.failures) == 200
        assert all(isinstance(each.error, errors.AerospikeError) for each in report.failures)
        assert client.write_arrow(table, "test", "w", key="id", policy=PATIENT).written == 200


@pytest.mark.one_kind("a client that is closed by another thread")
def test_a_closed_client_writes_no_more() -> None:
    with EmbeddedCluster(nodes=1) as cluster:
        client = Client(cluster.hosts)
        client.close()
        with pytest.raises(ClientClosed):
            client.write_arrow(rows([1]), "test", "w", key="id")


# Memory of others -------------------------------------------------------------------------------------------


def test_data_is_given_back_whatever_happens(client: Client, set_name: str) -> None:
    gc.collect()
    before = pa.total_allocated_bytes()
    for wrong in (False, True):
        values = pa.array([2**63 if wrong else 1] * 10, pa.uint64())
        table = pa.table({"id": pa.array(range(10)), "v": values})
        del values
        with pytest.raises(RowRefused) if wrong else contextlib.nullcontext():
            client.write_arrow(table.to_reader(3), "test", set_name, key="id", policy=PATIENT)
        with pytest.raises(InvalidArgument):
            client.write_arrow(table, "test", set_name, key="nothing")
        del table
    gc.collect()
    assert pa.total_allocated_bytes() == before


def broken(kind: Any, buffers: list[Any], children: Any = ()) -> Any:
    """A row whose array nobody has looked at."""
    keys = na.c_array_from_buffers(na.int64(), 1, [None, bytes(8)])
    value = na.c_array_from_buffers(kind, 1, buffers, children=children, validation_level="none")
    schema = na.struct({"id": na.int64(), "v": kind})
    return na.c_array_from_buffers(schema, 1, [None], children=[keys, value], validation_level="none")


class Lacking:
    """Rows whose second column lacks the buffer behind that of what is null."""

    def __init__(self, table: Any) -> None:
        self.schema, self.array = table.combine_chunks().to_batches()[0].__arrow_c_array__()
        column = in_capsule(self.array, b"arrow_array", CArray).children[1].contents
        column.buffers[1] = None

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return self.schema, self.array


def test_broken_arrays_are_refused(client: Client, set_name: str) -> None:
    def number() -> Any:
        return na.c_array_from_buffers(na.int8(), 1, [None, b"\x01"])

    for data in (
        broken(na.list_(na.int8()), [None, struct.pack("2i", 0, 9)], [number()]),
        broken(na.list_(na.int8()), [None, struct.pack("2i", 1, 0)], [number()]),
        broken(na.string(), [None, struct.pack("2i", 5, 2), b"abcdef"]),
        broken(na.string(), [None, struct.pack("2i", -1, 2), b"abcdef"]),
    ):
        with pytest.raises(RowRefused, match="the array is broken"):
            client.write_arrow(data, "test", set_name, key="id")
    with pytest.raises(InvalidArgument, match="its elements are too few"):
        client.write_arrow(
            broken(na.fixed_size_list(na.int8(), 3), [None], [number()]), "test", set_name, key="id"
        )
    for place, at, size in ((0, 5, 20), (1, 0, 20), (-1, 0, 20), (0, -1, 20), (0, 0, -5)):
        view = struct.pack("i4sii", size, b"abcd", place, at)
        buffers = [None, pa.py_buffer(view), pa.py_buffer(bytes(24))]
        with pytest.raises(RowRefused, match="the array is broken"):
            client.write_arrow(
                rows(pa.Array.from_buffers(pa.string_view(), 1, buffers)), "test", set_name, key="id"
            )
    for values in ([True], [1], ["x" * 20], pa.array(["x" * 20], pa.string_view()), [[1]]):
        with pytest.raises(InvalidArgument, match="it lacks a buffer"):
            client.write_arrow(Lacking(rows(values)), "test", set_name, key="id")

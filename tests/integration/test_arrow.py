"""Queries and keys in columns, from a cluster: which rows there are, in which batches, and what ends them."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    AsyncClient,
    BatchPolicy,
    Client,
    ClientClosed,
    ClientPolicy,
    Cursor,
    GeoJSON,
    InvalidArgument,
    InvalidType,
    Key,
    PartitionFilter,
    QueryPolicy,
    ResultCode,
    SchemaMismatch,
    Statement,
    Transaction,
    WritePolicy,
    errors,
    exp,
    filters,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.cluster_tools import in_thread, pools, wait_in_loop, wait_until
from support.indexes import index

pa = pytest.importorskip("pyarrow")

COUNT = 300
PATIENT = 60_000  # ms, for what a slow machine takes long for


def bins_of(number: int) -> dict[str, Any]:
    return {
        "n": number,
        "word": f"w{number % 7}",
        "half": number / 2,
        "many": [number % 3, number],
        "doc": {"x": number, "y": "z"},
        **({"rare": True} if number % 10 == 0 else {}),
    }


_sets = itertools.count(1)


@pytest.fixture
def set_name(set_name: str) -> str:
    """A set of the test's own."""
    return f"{set_name}-{next(_sets)}"


@pytest.fixture
def where(client: Client, set_name: str) -> Statement:
    """A statement that finds records which are there."""
    keys = {Key("test", set_name, number): bins_of(number) for number in range(COUNT)}
    policy = BatchPolicy(total_timeout=PATIENT)
    client.batch_put(keys, policy=policy)
    return Statement("test", set_name)


def numbers(table: Any) -> list[int]:
    return sorted(table["n"].to_pylist())


# Queries ----------------------------------------------------------------------------------------------------


def test_a_query_gives_the_records_that_query_gives(client: Client, where: Statement) -> None:
    table = client.query_arrow(where, metadata=["digest", "set", "generation", "ttl"]).to_pyarrow()
    table.validate(full=True)
    assert table.schema.names == [
        *("digest", "set", "generation", "ttl", "doc", "half", "many", "n", "rare", "word"),
    ]
    rows = {row.pop("digest"): row for row in table.to_pylist()}
    records = list(client.query(where))
    assert len(rows) == len(records) == COUNT
    for record in records:
        row = rows[record.key.digest]
        assert row.pop("set") == record.key.set_name
        assert row.pop("generation") == record.generation
        ttl = row.pop("ttl")
        assert (ttl is None) == (record.ttl is None)
        assert {name: value for name, value in row.items() if value is not None} == record.bins


def test_options_of_a_query_count(client: Client, where: Statement, set_name: str) -> None:
    some = Statement("test", set_name, ["n"])
    filtered = client.query_arrow(some, filter_expression=exp.lt(exp.int_bin("n"), exp.val(50)))
    assert numbers(filtered.to_pyarrow()) == list(range(50))
    halves = [client.query_arrow(some, partitions=half) for half in PartitionFilter.all().split(2)]
    assert numbers(pa.concat_tables([half.to_pyarrow() for half in halves])) == list(range(COUNT))
    assert client.query_arrow(some, policy=QueryPolicy(max_records=20)).to_pyarrow().num_rows == 20
    with index(client, set_name, "n"):
        ranged = Statement("test", set_name, ["n"], where=filters.range("n", 10, 19))
        assert numbers(client.query_arrow(ranged).to_pyarrow()) == list(range(10, 20))


def test_compressed_answers_are_columns_too(client: Client, where: Statement) -> None:
    policy = QueryPolicy(use_compression=True)
    stream = client.query_arrow(where, schema={"n": int, "word": str}, batch_rows=7, policy=policy)
    assert numbers(pa.concat_tables([pa.table(batch) for batch in stream])) == list(range(COUNT))


def test_a_declared_schema_reads_its_bins_alone(client: Client, where: Statement, set_name: str) -> None:
    schema = {"n": pa.int32(), "rare": bool}
    stream = client.query_arrow(where, schema=schema)
    assert pa.schema(stream.schema) == pa.schema([("n", pa.int32()), ("rare", pa.bool_())])
    table = stream.to_pyarrow()
    assert (table.num_rows, table.schema.names) == (COUNT, ["n", "rare"])
    assert table["rare"].null_count == COUNT - COUNT // 10
    table = client.query_arrow(where, schema={"n": int}, extra="others").to_pyarrow()
    assert table["others"].null_count == 0
    with pytest.raises(InvalidArgument, match="has no columns for them"):
        client.query_arrow(Statement("test", set_name, ["n", "word"]), schema={"n": int})
    with pytest.raises(SchemaMismatch, match="'n' does not fit") as caught:
        client.query_arrow(where, schema={"n": str}).to_pyarrow()
    assert caught.value.key is not None
    assert client.get(caught.value.key) is not None, "it is the key of a record"


def test_results_of_operations_are_columns(client: Client, where: Statement, set_name: str) -> None:
    steps = [op.get("n"), op.exp.read("twice", exp.int_bin("n") * 2)]
    table = client.query_arrow(Statement("test", set_name, operations=steps)).to_pyarrow()
    assert table.schema.names == ["n", "twice"]
    assert all(row["twice"] == 2 * row["n"] for row in table.to_pylist())
    with pytest.raises(InvalidArgument, match="two operations"):
        client.query_arrow(Statement("test", set_name, operations=[op.get("n"), op.get("n")]))


def test_user_keys_are_there_where_they_are_stored(client: Client, set_name: str) -> None:
    for number in range(3):
        client.put(Key("test", set_name, f"k{number}"), {"n": number}, policy=WritePolicy(send_key=True))
    table = client.query_arrow(Statement("test", set_name), metadata={"key": "id"}).to_pyarrow()
    assert sorted(table.to_pydict()["id"]) == ["k0", "k1", "k2"]


def test_batches_have_as_many_rows_as_were_asked_for(client: Client, where: Statement) -> None:
    stream = client.query_arrow(where, batch_rows=70)
    sizes = [batch.num_rows for batch in stream]
    assert sizes == [70, 70, 70, 70, 20]
    assert stream.error is None
    assert stream.cursor is not None
    assert stream.cursor.done
    assert list(stream) == []
    assert len(list(client.query_arrow(where, schema={"n": int}, batch_bytes=1))) > 100


@pytest.mark.parametrize("schema", [None, {"n": int}])
def test_a_cursor_goes_on_behind_the_batches_that_were_given(
    client: Client, where: Statement, set_name: str, schema: Any
) -> None:
    where = Statement("test", set_name, ["n"])
    stream = client.query_arrow(where, schema=schema, batch_rows=40)
    assert stream.schema is not None
    assert stream.cursor is not None
    assert numbers_from(client, where, stream.cursor) == list(range(COUNT)), "nothing was given yet"
    found: list[int] = []
    for _ in range(3):
        found += pa.table(next(stream))["n"].to_pylist()
        rest = numbers_from(client, where, stream.cursor)
        assert sorted([*found, *rest]) == list(range(COUNT))
    stream.close()
    assert sorted([*found, *numbers_from(client, where, stream.cursor)]) == list(range(COUNT))
    with pytest.raises(InvalidArgument, match="closed"):
        next(stream)


def numbers_from(client: Client, where: Statement, cursor: Cursor) -> list[int]:
    return numbers(client.query_arrow(where, cursor=cursor).to_pyarrow())


@pytest.mark.parametrize("batch_rows", [1000, 7])
def test_a_record_that_does_not_fit_ends_a_query_in_front_of_it(
    client: Client, where: Statement, set_name: str, batch_rows: int
) -> None:
    client.put(Key("test", set_name, 150), {"n": "text"})
    where = Statement("test", set_name, ["n"])
    stream = client.query_arrow(where, batch_rows=batch_rows)
    found: list[Any] = []
    with pytest.raises(SchemaMismatch) as caught:
        found.extend(number for batch in stream for number in pa.table(batch)["n"].to_pylist())
    assert isinstance(stream.error, SchemaMismatch)
    assert caught.value.bin == "n"
    rest = client.query(where, cursor=stream.cursor)
    assert sorted([*map(str, found), *(str(record["n"]) for record in rest)]) == sorted(
        [*(str(number) for number in range(COUNT) if number != 150), "text"]
    )
    assert pools(client, "in_flight") == 0


def test_empty_sets_have_no_rows(client: Client, set_name: str) -> None:
    nothing = Statement("test", f"{set_name}-none", ["a"])
    assert client.query_arrow(nothing).to_pyarrow().schema.names == ["a"]
    assert list(client.query_arrow(nothing)) == []
    assert client.query_arrow(nothing, schema={"a": int}).to_pyarrow().num_rows == 0


def test_errors_of_a_query_are_its_own(client: Client, where: Statement) -> None:
    with pytest.raises(errors.InvalidNamespace):
        client.query_arrow(Statement("nowhere", "s")).to_pyarrow()
    with pytest.raises(errors.InvalidNamespace):
        _ = client.query_arrow(Statement("nowhere", "s")).schema
    for wrong in (
        {"txn": Transaction()},
        {"batch_rows": 0},
        {"batch_rows": "7"},
        {"batch_bytes": None},
        {"metadata": "key"},
        {"metadata": None},
        {"metadata": 5},
        {"metadata": ["nonsense"]},
        {"metadata": ["result_code"]},
        {"metadata": ["set", "set"]},
        {"metadata": {"set": 7}},
        {"metadata": {"set": "extra"}, "extra": "extra"},
        {"on_mismatch": "drop"},
        {"on_mismatch": None},
        {"extra": 7},
        {"schema": 7},
        {"schema": {"a": complex}},
    ):
        with pytest.raises(InvalidArgument):
            client.query_arrow(where, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidType):
        client.query_arrow("statement")  # type: ignore[arg-type]


@pytest.mark.one_kind("other libraries take the stream of threads")
def test_each_library_takes_a_stream(client: Client, where: Statement) -> None:
    def stream() -> Any:
        return client.query_arrow(where, batch_rows=100, metadata=["digest", "expiration"])

    assert sum(pa.table(stream())["n"].to_pylist()) == sum(range(COUNT))
    with pa.RecordBatchReader.from_stream(stream()) as reader:
        assert reader.read_next_batch().num_rows == 100
    asked = 0
    nanoarrow = pytest.importorskip("nanoarrow")
    for batch in nanoarrow.ArrayStream(stream()):
        asked += len(batch)
    assert asked == COUNT
    assert len(next(iter(stream())).to_pyarrow()) == 100
    assert stream().to_pyarrow().num_rows == COUNT


@pytest.mark.one_kind("other libraries take the stream of threads")
@pytest.mark.parametrize("library", ["polars", "pandas", "duckdb"])
def test_libraries_that_are_here_take_a_stream(client: Client, where: Statement, library: str) -> None:
    pytest.importorskip(library)
    stream = client.query_arrow(where, batch_rows=100, metadata=["digest", "expiration"])
    if library == "duckdb":
        import duckdb

        assert duckdb.sql("select sum(n), count(distinct word) from stream").fetchall() == [
            (sum(range(COUNT)), 7)
        ]
        failing = duckdb.from_arrow(client.query_arrow(where, schema={"n": str}))
        with pytest.raises(duckdb.Error, match="does not fit"):
            failing.fetchall()
        return
    frame: Any = getattr(stream, f"to_{library}")()
    assert (int(frame["n"].sum()), len(set(frame["word"]))) == (sum(range(COUNT)), 7)
    assert frame["many"][0][1] == frame["n"][0]
    with pytest.raises(SchemaMismatch):
        getattr(client.query_arrow(where, schema={"n": str}), f"to_{library}")()


# Keys -------------------------------------------------------------------------------------------------------


def test_keys_give_a_row_each_in_their_order(client: Client, where: Statement, set_name: str) -> None:
    order = [7, 299, 1000, 7, 0, 12, 2000]
    keys = [Key("test", set_name, number) for number in order]
    stream = client.batch_get_arrow(
        iter(keys), ["n", "word"], metadata=["key", "digest", "set", "result_code"]
    )
    table = stream.to_pyarrow()
    table.validate(full=True)
    rows = table.to_pylist()
    assert [row["key"] for row in rows] == order
    assert [row["digest"] for row in rows] == [key.digest for key in keys]
    assert [row["n"] for row in rows] == [number if number < COUNT else None for number in order]
    assert [row["result_code"] for row in rows] == [0 if number < COUNT else 2 for number in order]
    assert {row["set"] for row in rows} == {set_name}
    assert stream.cursor is None
    everything = client.batch_get_arrow(keys[:1]).to_pyarrow()
    assert everything.schema.names == ["doc", "half", "many", "n", "word"]
    assert client.batch_get_arrow([]).to_pyarrow().num_rows == 0


def test_keys_are_asked_for_in_batches(client: Client, where: Statement, set_name: str) -> None:
    taken: list[int] = []

    def keys() -> Iterator[Key]:
        for number in range(COUNT):
            taken.append(number)
            yield Key("test", set_name, number)

    stream = client.batch_get_arrow(keys(), schema={"n": pa.int16()}, batch_rows=100)
    assert pa.schema(stream.schema) == pa.schema([("n", pa.int16())])
    assert taken == []
    assert next(stream).num_rows == 100
    assert len(taken) == 100
    assert [batch.num_rows for batch in stream] == [100, 100]
    large = [Key("test", set_name, number % COUNT) for number in range(10_000)]
    assert [batch.num_rows for batch in client.batch_get_arrow(large, ["n"], timeout=PATIENT)] == [
        4096,
        10_000 - 4096,
    ]
    assert [len(batch) for batch in client.batch_get_arrow(large, schema={"n": int}, timeout=PATIENT)] == [
        10_000
    ]
    small = client.batch_get_arrow(keys(), ["n", "many"], batch_bytes=100)
    sizes = [batch.num_rows for batch in small]
    assert (sum(sizes), len(sizes) > 20) == (COUNT, True)


def test_options_of_keys_count(client: Client, where: Statement, set_name: str) -> None:
    keys = [Key("test", set_name, number) for number in range(20)]
    below = exp.lt(exp.int_bin("n"), exp.val(5))
    table = client.batch_get_arrow(keys, ["n"], filter_expression=below).to_pyarrow()
    assert table["n"].to_pylist() == [*range(5), *[None] * 15]
    with pytest.raises(SchemaMismatch) as caught:
        client.batch_get_arrow(keys, schema={"n": str}).to_pyarrow()
    assert caught.value.key == keys[0]
    table = client.batch_get_arrow(keys, ["n"], schema={"n": str}, on_mismatch="json").to_pyarrow()
    assert table["extra"].to_pylist() == [f'{{"n": {number}}}' for number in range(20)]
    table = client.batch_get_arrow(keys, ["n", "word"], schema={"n": int}, extra="rest").to_pyarrow()
    assert table["rest"][3].as_py() == '{"word": "w3"}'
    for wrong in ({"txn": Transaction()}, {"bins": ["x" * 16]}, {"keys": "text"}, {"policy": QueryPolicy()}):
        with pytest.raises(InvalidArgument):
            client.batch_get_arrow(**{"keys": keys} | wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        client.batch_get_arrow([("test", "s")]).to_pyarrow()  # type: ignore[list-item]


def test_values_of_every_type_come_from_a_cluster(client: Client, set_name: str) -> None:
    key = Key("test", set_name, "all")
    bins = {
        "i": -(2**63),
        "f": 0.5,
        "b": False,
        "t": "ä",
        "z": b"\xff",
        "l": [[1], []],
        "m": {"k": [None, "x"]},
        "n": {1: b"z"},
        "s": {"a": 1, "b": {"c": 1.5}},
        "g": GeoJSON('{"type": "Point", "coordinates": [0, 1]}'),
    }
    client.put(key, bins)
    (row,) = client.batch_get_arrow([key]).to_pyarrow().to_pylist()
    assert row == bins | {"m": [("k", [None, "x"])], "n": [(1, b"z")], "s": {"a": 1, "b": [("c", 1.5)]}}


# Endings ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        yield cluster


@pytest.fixture
def three(kept: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """The three nodes of this module's tests, whole again after each."""
    yield kept
    for node in kept.nodes:
        node.heal()
        if not node.running:
            node.start()


@pytest.fixture
def of_three(three: EmbeddedCluster) -> Iterator[Client]:
    """A client of a cluster with 300 records, whose nodes answer queries in many frames."""
    policy = ClientPolicy(tend_interval=50, query=QueryPolicy(total_timeout=PATIENT))
    with Client(three.hosts, policy) as client:
        client.batch_put({Key("test", "faulty", n): {"n": n} for n in range(COUNT)}, timeout=PATIENT)
        for node in three.nodes:
            node.frame_queries(700)
        yield client


ALL = Statement("test", "faulty")
STUBBORN = QueryPolicy(socket_timeout=400, total_timeout=PATIENT, max_retries=100, sleep_between_retries=1)


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_every_record_is_a_row_once_whatever_happens_to_a_node(
    three: EmbeddedCluster, of_three: Client
) -> None:
    for strike in (
        lambda node: node.stop(),
        lambda node: node.close_after_request(1),
        lambda node: node.cut(100, after_frames=2),
        lambda node: node.garbage(after_frames=2),
        lambda node: node.fail_query(ResultCode.TIMEOUT, after_frames=2),
        lambda node: node.fail_partitions(70),
    ):
        strike(three.nodes[1])  # type: ignore[no-untyped-call]
        stream = of_three.query_arrow(ALL, policy=STUBBORN, batch_rows=37)
        found = [number for batch in stream for number in pa.table(batch)["n"].to_pylist()]
        assert sorted(found) == list(range(COUNT))
        assert pools(of_three, "in_flight") == 0
        for node in three.nodes:
            node.heal()
            node.frame_queries(700)
            if not node.running:
                node.start()
        wait_until(lambda: sum(node.is_active for node in of_three.nodes()) == 3)


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_an_error_comes_behind_the_rows_before_it_and_the_cursor_goes_on(
    three: EmbeddedCluster, of_three: Client
) -> None:
    three.nodes[1].fail_query(ResultCode.QUERY_ABORTED, after_frames=1)
    stream = of_three.query_arrow(ALL)
    found: list[int] = []
    with pytest.raises(errors.QueryAborted):
        found.extend(number for batch in stream for number in pa.table(batch)["n"].to_pylist())
    assert isinstance(stream.error, errors.QueryAborted)
    assert pools(of_three, "in_flight") == 0
    assert stream.cursor is not None
    rest = numbers(of_three.query_arrow(ALL, cursor=stream.cursor).to_pyarrow())
    assert sorted([*found, *rest]) == list(range(COUNT))


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_another_thread_closes_a_stream_that_waits(three: EmbeddedCluster, of_three: Client) -> None:
    for node in three.nodes:
        node.freeze()
    for stream in (
        of_three.query_arrow(ALL, timeout=PATIENT),
        of_three.batch_get_arrow([Key("test", "faulty", 1)], timeout=PATIENT),
    ):
        reading = in_thread(lambda each=stream: next(each))  # type: ignore[misc]
        wait_until(lambda: pools(of_three, "in_flight") > 0)
        assert not reading.done
        stream.close()
        assert isinstance(reading.error(), InvalidArgument)
        wait_until(lambda: pools(of_three, "in_flight") == 0, "the end of its requests")
    with pytest.raises(errors.TimeoutError):
        of_three.query_arrow(ALL, timeout=50).to_pyarrow()
    with pytest.raises(errors.BatchError):
        of_three.batch_get_arrow([Key("test", "faulty", 1)], timeout=50).to_pyarrow()
    for node in three.nodes:
        node.thaw()


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_stream_that_is_dropped_leaves_no_connection_in_use(of_three: Client) -> None:
    stream = of_three.query_arrow(ALL, batch_rows=10)
    next(stream)
    assert pools(of_three, "in_flight") > 0
    del stream
    wait_until(lambda: pools(of_three, "in_flight") == 0, "the end of the stream that was dropped")


@pytest.mark.one_kind("other libraries take the stream of threads")
@pytest.mark.embedded_only
@pytest.mark.usefixtures("of_three")  # which has the records
def test_a_library_that_stops_early_ends_the_query(three: EmbeddedCluster) -> None:
    with Client(three.hosts) as client:
        reader = pa.RecordBatchReader.from_stream(client.query_arrow(ALL, batch_rows=10))
        reader.read_next_batch()
        assert pools(client, "in_flight") > 0
        reader.close()
        del reader
        assert pools(client, "in_flight") == 0


@pytest.mark.one_kind("about a task that is cancelled")
@pytest.mark.embedded_only
def test_a_task_that_is_cancelled_ends_its_stream(three: EmbeddedCluster) -> None:
    async def run() -> None:
        async with AsyncClient(three.hosts) as client:
            await client.put(("test", "faulty", 0), {"n": 0})
            for node in three.nodes:
                node.freeze()
            stream = client.query_arrow(ALL, timeout=PATIENT)
            reading = asyncio.create_task(stream.to_pyarrow())
            await wait_in_loop(lambda: busy(client) > 0, "its requests")
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await wait_in_loop(lambda: busy(client) == 0, "the end of its requests")
            assert isinstance(stream.error, InvalidArgument)
            for node in three.nodes:
                node.thaw()
            async with client.query_arrow(ALL, schema={"n": int}, batch_rows=1) as stream:
                async for batch in stream:
                    assert batch.num_rows == 1
                    break
            assert (await stream.read_schema()).names == ["n"]

    def busy(client: AsyncClient) -> int:
        return sum(node.pool.in_flight for node in client.stats().nodes.values())

    asyncio.run(run())


@pytest.mark.both_kinds
def test_a_closed_client_makes_no_streams(hosts: str) -> None:
    client = Client(hosts)
    begun = client.query_arrow(Statement("test", "s"))
    client.close()
    for call in (
        lambda: client.query_arrow(Statement("test", "s")),
        lambda: client.batch_get_arrow([("test", "s", 1)]),
        lambda: begun.to_pyarrow(),
    ):
        with pytest.raises(ClientClosed):
            call()


@pytest.mark.one_kind("threads share one stream")
def test_threads_share_a_stream(client: Client, where: Statement) -> None:
    stream = client.query_arrow(where, schema={"n": int}, batch_rows=10)
    found: list[int] = []

    def read() -> None:
        for batch in stream:
            found.extend(pa.table(batch)["n"].to_pylist())

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(COUNT))

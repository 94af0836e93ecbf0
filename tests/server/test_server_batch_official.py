"""The official client's batches on one node and on three."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike.server import EmbeddedCluster

aerospike = pytest.importorskip("aerospike")
br = pytest.importorskip("aerospike_helpers.batch.records")
exp = pytest.importorskip("aerospike_helpers.expressions")
op = pytest.importorskip("aerospike_helpers.operations.operations")
lists = pytest.importorskip("aerospike_helpers.operations.list_operations")
expressions = pytest.importorskip("aerospike_helpers.operations.expression_operations")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

OK, NOT_FOUND, GENERATION, EXISTS, BIN_TYPE, TOO_BIG, ENTERPRISE, FILTERED = 0, 2, 3, 5, 12, 13, 25, 27
SOME_FAILED = -16
FEW, MANY = 60, 5000


@pytest.fixture(scope="module", params=[1, 3])
def shared(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(request.param) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def official(shared: EmbeddedCluster) -> Iterator[Any]:
    kinds = (
        "read",
        "write",
        "operate",
        "remove",
        "batch",
        "batch_parent_write",
    )  # batches that write have their own
    config = {
        "hosts": [("127.0.0.1", shared.nodes[0].port)],
        "policies": {kind: {"total_timeout": 30_000} for kind in kinds},
    }
    client = aerospike.client(config).connect()
    yield client
    client.close()


@pytest.fixture
def client(shared: EmbeddedCluster, official: Any) -> Any:
    """The client, of a cluster with no records and no faults."""
    shared.clear()
    for node in shared.nodes:
        node.heal()
    return official


def keys(count: int = FEW) -> list[tuple[str, str, int]]:
    return [("test", "demo", number) for number in range(count)]


def filled(client: Any, count: int = FEW) -> list[tuple[str, str, int]]:
    for key in keys(count):
        client.put(key, {"n": key[2], "s": "x" * key[2]})
    return keys(count)


def codes(results: Any) -> list[int]:
    return [record.result for record in results.batch_records]


def bins(results: Any) -> list[Any]:
    return [None if record.record is None else record.record[2] for record in results.batch_records]


# --- all kinds of calls -------------------------------------------------------------------------------------


def test_reading_all_some_and_no_bins(client: Any) -> None:
    filled(client)
    asked = keys(FEW + 3)
    everything = client.batch_read(asked)
    assert codes(everything) == [OK] * FEW + [NOT_FOUND] * 3
    assert bins(everything)[:FEW] == [{"n": n, "s": "x" * n} for n in range(FEW)]
    assert bins(client.batch_read(asked, ["n"]))[:FEW] == [{"n": n} for n in range(FEW)]
    headers = client.batch_read(asked, [])
    assert [record.record[1]["gen"] for record in headers.batch_records[:FEW]] == [1] * FEW
    assert codes(headers) == codes(everything)


def test_operating_on_many(client: Any) -> None:
    asked = filled(client)
    ops = [op.increment("n", 100), op.append("s", "!"), lists.list_append("l", 5), op.read("n")]
    results = client.batch_operate(asked, ops)
    assert codes(results) == [OK] * FEW
    assert [each["n"] for each in bins(results)] == [n + 100 for n in range(FEW)]
    reads = client.batch_operate(
        asked,
        [op.read("s"), lists.list_size("l"), expressions.expression_read("e", exp.IntBin("n").compile())],
    )
    assert bins(reads) == [{"s": "x" * n + "!", "l": 1, "e": n + 100} for n in range(FEW)]


def test_removing_many(client: Any) -> None:
    filled(client)
    results = client.batch_remove(keys(FEW + 2))
    assert codes(results) == [OK] * FEW + [NOT_FOUND] * 2
    assert codes(client.batch_read(keys())) == [NOT_FOUND] * FEW


def test_applying_to_many(client: Any) -> None:
    filled(client)
    results = client.batch_apply(keys(), "no-module", "function", [1])
    assert results.result == SOME_FAILED
    assert codes(results) == [100] * FEW


def test_rows_of_all_kinds_in_one_call(client: Any) -> None:
    filled(client)
    rows = []
    for number in range(0, FEW, 6):
        at = [("test", "demo", number + offset) for offset in range(6)]
        rows += [
            br.Write(at[0], [op.write("n", -1), op.read("s")]),
            br.Read(at[1], [op.read("n")]),
            br.Read(at[2], None, True),
            br.Remove(at[3]),
            br.Read(("test", "demo", f"missing {number}"), [op.read("n")]),
            br.Write(at[4], [op.increment("n", 1)], policy={"gen": aerospike.POLICY_GEN_EQ}, meta={"gen": 1}),
        ]
    results = client.batch_write(br.BatchRecords(rows))
    assert codes(results) == [OK, OK, OK, OK, NOT_FOUND, OK] * (FEW // 6)
    told = bins(results)
    for number in range(0, FEW, 6):
        write, read, whole, removed, missing, counted = told[number : number + 6]
        assert write == {"n": None, "s": "x" * number}
        assert read == {"n": number + 1}
        assert whole == {"n": number + 2, "s": "x" * (number + 2)}
        assert removed in ({}, None)
        assert missing is None
        assert counted == {"n": None}


def test_namespaces_sets_and_keys_of_all_kinds(client: Any) -> None:
    asked = [("test", "a", 1), ("test", "b", "text"), ("bar", "a", bytearray(b"blob")), ("test", None, 2)] * 5
    for number, key in enumerate(asked[:4]):
        client.put(key, {"n": number})
    assert bins(client.batch_read(asked)) == [{"n": number} for number in range(4)] * 5


# --- policies -----------------------------------------------------------------------------------------------


def test_policies_of_rows(client: Any) -> None:
    filled(client)
    missing = ("test", "demo", "new")
    a = aerospike

    def write(of: Any, **policy: Any) -> Any:
        return br.Write(of, [op.write("w", 1)], policy=policy)

    results = client.batch_write(
        br.BatchRecords(
            [
                write(keys()[0], exists=a.POLICY_EXISTS_CREATE),
                write(missing, exists=a.POLICY_EXISTS_UPDATE),
                write(keys()[2], exists=a.POLICY_EXISTS_REPLACE),
                write(missing, exists=a.POLICY_EXISTS_REPLACE),
                write(("test", "demo", "made"), exists=a.POLICY_EXISTS_CREATE_OR_REPLACE),
                br.Write(keys()[5], [op.write("w", 1)], policy={"gen": a.POLICY_GEN_EQ}, meta={"gen": 9}),
                br.Remove(keys()[6], policy={"durable_delete": True}),
                write(keys()[7], durable_delete=True),
                write(keys()[8], key=a.POLICY_KEY_SEND),
                write(keys()[9], ttl=100),
                write(keys()[10], expressions=exp.GT(exp.IntBin("n"), 50).compile()),
                br.Read(
                    keys()[11], None, True, policy={"expressions": exp.LT(exp.IntBin("n"), 50).compile()}
                ),
            ]
        )
    )
    assert codes(results) == [
        EXISTS,
        NOT_FOUND,
        OK,
        NOT_FOUND,
        OK,
        GENERATION,
        ENTERPRISE,
        OK,
        OK,
        OK,
        FILTERED,
        OK,
    ]
    assert client.get(keys()[2])[2] == {"w": 1}
    assert 90 <= client.exists(keys()[9])[1]["ttl"] <= 100


def test_a_filter_of_the_call(client: Any) -> None:
    asked = filled(client)
    policy = {"expressions": exp.GE(exp.IntBin("n"), 40).compile()}
    assert codes(client.batch_read(asked, policy=policy)) == [FILTERED] * 40 + [OK] * 20
    assert codes(client.batch_remove(asked, policy)) == [FILTERED] * 40 + [OK] * 20
    assert codes(client.batch_read(asked)) == [OK] * 40 + [NOT_FOUND] * 20


@pytest.mark.parametrize("name", ["allow_inline", "allow_inline_ssd", "concurrent", "respond_all_keys"])
@pytest.mark.parametrize("value", [True, False])
def test_policies_of_the_call(client: Any, name: str, value: bool) -> None:
    filled(client)
    results = client.batch_read(keys(FEW + 1), policy={name: value})
    assert codes(results) == [OK] * FEW + [NOT_FOUND]
    assert bins(results)[7] == {"n": 7, "s": "x" * 7}


# --- errors row by row --------------------------------------------------------------------------------------


@pytest.mark.parametrize("respond_all", [True, False])
def test_an_error_is_that_of_its_row(client: Any, respond_all: bool) -> None:
    filled(client)
    rows = [br.Write(key, [op.append("n", "x") if key[2] == 33 else op.write("n", 1)]) for key in keys()]
    results = client.batch_write(br.BatchRecords(rows), {"respond_all_keys": respond_all})
    told = codes(results)
    assert told[33] == BIN_TYPE
    if respond_all:
        assert results.result == SOME_FAILED
        assert told == [OK] * 33 + [BIN_TYPE] + [OK] * (FEW - 34)
    else:
        assert results.result == BIN_TYPE


def test_a_record_that_is_too_big(client: Any) -> None:
    rows = [br.Write(key, [op.write("b", "x" * (1 << 21 if key[2] == 3 else 10))]) for key in keys(6)]
    assert codes(client.batch_write(br.BatchRecords(rows))) == [OK, OK, OK, TOO_BIG, OK, OK]


def test_rows_that_fail_with_a_code(shared: EmbeddedCluster, client: Any) -> None:
    filled(client)
    for node in shared.nodes:
        node.fail_rows(18, rows=2)
    told = codes(client.batch_read(keys()))
    assert told.count(18) == 2 * len(shared.nodes)
    assert told.count(OK) == FEW - 2 * len(shared.nodes)


def test_limits_are_told_at_once(client: Any) -> None:
    filled(client)
    for setting, default, limit, code in (
        ("batch-max-requests", 0, 2, 151),
        ("batch-index-threads", 2, 0, 150),
        ("batch-max-buffers-per-queue", 255, 0, 152),
    ):
        for value in (limit, default):
            client.info_all(f"set-config:context=service;{setting}={value}")
            start = time.monotonic()
            results = client.batch_read(keys())
            assert time.monotonic() - start < 2
            assert results.result == (OK if value == default else code), setting


# --- many and large -----------------------------------------------------------------------------------------


def test_many_rows(shared: EmbeddedCluster, client: Any) -> None:
    asked = keys(MANY)
    assert codes(client.batch_operate(asked, [op.write("n", 1), op.write("s", "some text")])) == [OK] * MANY
    assert bins(client.batch_read(asked)) == [{"n": 1, "s": "some text"}] * MANY
    assert (
        bins(client.batch_read(asked, policy={"allow_inline": False})) == [{"n": 1, "s": "some text"}] * MANY
    )
    assert codes(client.batch_remove(asked)) == [OK] * MANY
    assert sum(node.stats.batch_rows for node in shared.nodes) >= 4 * MANY


def test_large_records_between_small_ones(client: Any) -> None:
    asked = filled(client)
    large = [key for key in asked if key[2] % 10 == 5]
    for key in large:
        client.put(key, {"b": bytearray(300_000)})
    told = bins(client.batch_read(asked))
    for key, each in zip(asked, told, strict=True):
        assert each["n"] == key[2]
        assert ("b" in each) == (key in large)
        assert len(each.get("b", b"")) in (0, 300_000)


def test_an_answer_that_is_cut_is_asked_for_again(shared: EmbeddedCluster, client: Any) -> None:
    filled(client)
    for node in shared.nodes:
        node.cut(after_bytes=500)
    results = client.batch_read(keys(), policy={"max_retries": 3, "total_timeout": 5000})
    assert codes(results) == [OK] * FEW
    assert [each["n"] for each in bins(results)] == list(range(FEW))

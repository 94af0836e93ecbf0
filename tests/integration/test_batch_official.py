"""What pyspike writes by batches the official client reads, and the other way round; also one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_official_client import POINT, ROUNDS, VALUES, official, shared_values, theirs, typed

from pyspike import (
    BatchDelete,
    BatchRead,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    Client,
    GenerationPolicy,
    GeoJSON,
    HyperLogLog,
    Key,
    KeyOrderedDict,
    RecordExistsAction,
    ResultCode,
    exp,
)
from pyspike import operations as op
from pyspike.operations import hll, lists, maps

aerospike = pytest.importorskip("aerospike")
br = pytest.importorskip("aerospike_helpers.batch.records")
their_exp = pytest.importorskip("aerospike_helpers.expressions")
their_op = pytest.importorskip("aerospike_helpers.operations.operations")
their_lists = pytest.importorskip("aerospike_helpers.operations.list_operations")
their_maps = pytest.importorskip("aerospike_helpers.operations.map_operations")
__all__ = ["official"]

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.both_kinds,
]

PATIENCE = 60_000  # ms
PATIENT = {"total_timeout": PATIENCE}
SOME_FAILED = -16
MANY = 3000
E = RecordExistsAction


def keys_of(key: Key, count: int) -> list[Key]:
    """Keys of every type, of a test's own."""
    name = str(key.user_key)
    users: list[Any] = [f"{name} {number}" for number in range(count)]
    users[1::3] = [text.encode() for text in users[1::3]]
    users[2::3] = [abs(hash(text)) % 2**62 for text in users[2::3]]
    return [Key(key.namespace, key.set_name, user) for user in users]


def all_theirs(keys: list[Key]) -> list[tuple[str, str, Any]]:
    return [theirs(key) for key in keys]


def they_write(official: Any, records: dict[Key, dict[str, Any]], **policy: Any) -> Any:
    rows = [
        br.Write(theirs(key), [their_op.write(name, value) for name, value in bins.items()])
        for key, bins in records.items()
    ]
    return official.batch_write(br.BatchRecords(rows), {**PATIENT, **policy})


def their_bins(results: Any) -> list[Any]:
    return [None if row.record is None else row.record[2] for row in results.batch_records]


def codes(results: Any) -> list[int]:
    return [row.result for row in results.batch_records]


def our_bins(records: Any) -> list[Any]:
    return [None if record is None else record.bins for record in records]


# Values -----------------------------------------------------------------------------------------------------


def records_of_all_types(key: Key) -> dict[Key, dict[str, Any]]:
    keys = keys_of(key, len(VALUES) + 1)
    records = {each: {"v": value} for each, value in zip(keys, VALUES.values(), strict=False)}
    return {**records, keys[-1]: dict(zip("abcdefghijklmno", VALUES.values(), strict=True))}


def test_what_they_write_by_a_batch_we_read(client: Client, official: Any, key: Key) -> None:
    records = records_of_all_types(key)
    assert set(codes(they_write(official, records))) == {0}
    expected = [typed(bins) for bins in records.values()]
    assert [typed(bins) for bins in our_bins(client.batch_get(records))] == expected
    assert [typed(client.get(each).bins) for each in records] == expected
    assert [typed(bins) for bins in our_bins(client.batch_operate(records, [op.get()]).records)] == expected
    assert client.batch_delete(records) == [True] * len(records)
    assert codes(official.batch_read(all_theirs([*records]), policy=PATIENT)) == [2] * len(records)


def test_what_we_write_by_a_batch_they_read(client: Client, official: Any, key: Key) -> None:
    records = records_of_all_types(key)
    client.batch_put(records)
    expected = [typed(bins) for bins in records.values()]
    read = official.batch_read(all_theirs([*records]), policy=PATIENT)
    assert [typed(bins) for bins in their_bins(read)] == expected
    assert [typed(official.get(theirs(each))[2]) for each in records] == expected
    assert codes(official.batch_remove(all_theirs([*records]), PATIENT)) == [0] * len(records)
    assert client.batch_exists(records) == [False] * len(records)


def test_geojson_ordered_maps_and_sketches_go_both_ways(client: Client, official: Any, key: Key) -> None:
    keys = keys_of(key, 3)
    made = {
        "g": aerospike.GeoJSON(POINT),
        "l": [aerospike.GeoJSON(POINT)],
        "m": aerospike.KeyOrderedDict({"b": 2, "a": 1}),
    }
    they_write(official, dict.fromkeys(keys, made))
    for record in client.batch_get(keys):
        assert record is not None
        assert [type(record[name]) for name in "gm"] == [GeoJSON, KeyOrderedDict]
        assert type(record["l"][0]) is GeoJSON
        assert list(record["m"]) == ["a", "b"]
    ours = {"g": GeoJSON(POINT), "m": KeyOrderedDict({"d": 4, "c": 3})}
    client.batch_put(dict.fromkeys(keys, ours))
    for bins in their_bins(official.batch_read(all_theirs(keys), policy=PATIENT)):
        assert type(bins["g"]) is aerospike.GeoJSON
        assert list(bins["m"].items()) == [("c", 3), ("d", 4)]
    client.batch_operate(keys, [hll.add("h", ["x", "y"], index_bit_count=8)])
    sketches = [record and record["h"] for record in client.batch_get(keys, ["h"])]
    assert {type(sketch) for sketch in sketches} == {HyperLogLog}
    read = official.batch_read(all_theirs(keys), ["h"], PATIENT)
    assert [bytes(bins["h"]) for bins in their_bins(read)] == [bytes(sketch) for sketch in sketches]  # type: ignore[arg-type]


@ROUNDS
@given(values=st.lists(shared_values, min_size=1, max_size=6))
def test_any_values_go_by_way_of_the_official_client(
    client: Client, official: Any, key: Key, values: list[Any]
) -> None:
    keys = keys_of(key, len(values))
    client.batch_put((each, {"v": value}) for each, value in zip(keys, values, strict=True))
    seen = [bins["v"] for bins in their_bins(official.batch_read(all_theirs(keys), policy=PATIENT))]
    assert typed(seen) == typed(values)
    they_write(official, {each: {"w": value} for each, value in zip(keys, seen, strict=True)})
    found = [record and record["w"] for record in client.batch_get(keys, ["w"])]
    assert typed(found) == typed(values)


# Many -------------------------------------------------------------------------------------------------------


def test_many_records_go_both_ways(client: Client, official: Any, key: Key) -> None:
    keys = keys_of(key, MANY)
    client.batch_put(((each, {"n": number}) for number, each in enumerate(keys)), timeout=PATIENCE)
    read = official.batch_read(all_theirs([*keys, key]), policy=PATIENT)
    assert their_bins(read) == [*({"n": number} for number in range(MANY)), None]
    they_write(official, {each: {"s": str(number)} for number, each in enumerate(keys)})
    records = client.batch_get([*keys, key], timeout=PATIENCE)
    assert our_bins(records) == [*({"n": n, "s": str(n)} for n in range(MANY)), None]
    removed = official.batch_remove(all_theirs(keys[::2]), PATIENT)
    assert set(codes(removed)) == {0}
    assert client.batch_exists(keys, timeout=PATIENCE) == [number % 2 == 1 for number in range(MANY)]
    client.batch_delete(keys, timeout=PATIENCE)


# Operations, policies, outcomes -----------------------------------------------------------------------------

BEGIN: dict[str, Any] = {"n": 1, "s": "b", "l": [3, 1], "m": {"a": 1}}
STEPS: dict[str, tuple[list[op.Operation], list[Any]]] = {
    "scalars": (
        [
            op.add("n", 5),
            op.append("s", "c"),
            op.prepend("s", "a"),
            op.put("w", [1]),
            op.get("n"),
            op.get("s"),
        ],
        [
            their_op.increment("n", 5),
            their_op.append("s", "c"),
            their_op.prepend("s", "a"),
            their_op.write("w", [1]),
            their_op.read("n"),
            their_op.read("s"),
        ],
    ),
    "lists and maps": (
        [lists.append("l", 2), lists.size("l"), maps.increment("m", "a", 4), maps.size("m")],
        [
            their_lists.list_append("l", 2),
            their_lists.list_size("l"),
            their_maps.map_increment("m", "a", 4),
            their_maps.map_size("m"),
        ],
    ),
    "reads": (
        [lists.get("l", 0), op.get("n"), maps.size("m")],
        [their_lists.list_get("l", 0), their_op.read("n"), their_maps.map_size("m")],
    ),
    "a failure": ([op.append("n", "x")], [their_op.append("n", "x")]),
}


@pytest.mark.parametrize("name", STEPS)
def test_operations_of_both_give_the_same(client: Client, official: Any, key: Key, name: str) -> None:
    ours, them = STEPS[name]
    keys = keys_of(key, 5)
    client.batch_put(dict.fromkeys(keys[:4], BEGIN))
    results = official.batch_operate(all_theirs(keys), them, PATIENT)
    after = client.batch_get(keys)
    client.batch_delete(keys)
    client.batch_put(dict.fromkeys(keys[:4], BEGIN))
    mine = client.batch_operate(keys, ours)
    assert [row.result_code for row in mine] == codes(results)
    for row, bins in zip(mine, their_bins(results), strict=True):
        if row.record is not None:  # they give the last result of a bin, we give all
            results_of_bins = {
                n: v[-1] if type(v).__name__ == "MultiResult" else v for n, v in row.record.bins.items()
            }
            assert results_of_bins == {name: value for name, value in bins.items() if value is not None}
    assert our_bins(client.batch_get(keys)) == our_bins(after)


def test_policies_of_rows_have_the_same_outcomes(client: Client, official: Any, key: Key) -> None:
    a = aerospike
    filters = exp.int_bin("n") > 50, their_exp.GT(their_exp.IntBin("n"), 50).compile()
    put, their_put = [op.put("w", 1)], [their_op.write("w", 1)]
    them: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"exists": a.POLICY_EXISTS_CREATE}, {}),
        ({"exists": a.POLICY_EXISTS_UPDATE}, {}),
        ({"exists": a.POLICY_EXISTS_REPLACE}, {}),
        ({"exists": a.POLICY_EXISTS_CREATE_OR_REPLACE}, {}),
        ({"gen": a.POLICY_GEN_EQ}, {"gen": 1}),
        ({"gen": a.POLICY_GEN_EQ}, {"gen": 9}),
        ({"gen": a.POLICY_GEN_GT}, {"gen": 2}),
        ({"expressions": filters[1]}, {}),
        ({"key": a.POLICY_KEY_SEND}, {}),
        ({"commit_level": a.POLICY_COMMIT_LEVEL_MASTER}, {}),
    ]
    ours = [
        BatchWritePolicy(record_exists_action=E.CREATE_ONLY),
        BatchWritePolicy(record_exists_action=E.UPDATE_ONLY),
        BatchWritePolicy(record_exists_action=E.REPLACE_ONLY),
        BatchWritePolicy(record_exists_action=E.REPLACE),
        BatchWritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_EQUAL, generation=1),
        BatchWritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_EQUAL, generation=9),
        BatchWritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_GREATER, generation=2),
        BatchWritePolicy(filter_expression=filters[0]),
        BatchWritePolicy(send_key=True),
        BatchWritePolicy(commit_level=BatchWritePolicy().commit_level.MASTER),
    ]
    keys = keys_of(key, 2 * len(ours))
    there = keys[::2]  # each policy is tried on a record, and where there is none
    client.batch_put(dict.fromkeys(there, BEGIN))
    results = official.batch_write(
        br.BatchRecords(
            [
                br.Write(theirs(each), their_put, policy=policy, meta=meta or None)
                for each, (policy, meta) in zip(keys, [one for one in them for _ in "12"], strict=True)
            ]
        ),
        PATIENT,
    )
    after = client.batch_get(keys)
    client.batch_delete(keys)
    client.batch_put(dict.fromkeys(there, BEGIN))
    mine = client.batch(
        BatchWrite(each, put, policy=policy)
        for each, policy in zip(keys, [one for one in ours for _ in "12"], strict=True)
    )
    assert [row.result_code for row in mine] == codes(results)
    assert len({int(code) for code in codes(results)}) == 5
    assert our_bins(client.batch_get(keys)) == our_bins(after)
    assert [record and record.generation for record in client.batch_get(keys)] == [
        record and record.generation for record in after
    ]


def test_mixed_rows_have_the_same_outcomes(client: Client, official: Any, key: Key) -> None:
    keys = keys_of(key, 8)
    client.batch_put(dict.fromkeys(keys[:6], BEGIN))
    results = official.batch_write(
        br.BatchRecords(
            [
                br.Read(theirs(keys[0]), None, True),
                br.Read(theirs(keys[1]), [their_op.read("n")]),
                br.Write(theirs(keys[2]), [their_op.increment("n", 1), their_op.read("n")]),
                br.Remove(theirs(keys[3])),
                br.Remove(theirs(keys[4]), policy={"gen": aerospike.POLICY_GEN_EQ, "generation": 9}),
                br.Read(theirs(keys[6]), None, True),
                br.Remove(theirs(keys[7])),
            ]
        ),
        PATIENT,
    )
    client.batch_put({keys[2]: {"n": 1}, keys[3]: BEGIN})
    rows: list[BatchRow] = [
        BatchRead(keys[0]),
        BatchRead(keys[1], operations=[op.get("n")]),
        BatchWrite(keys[2], [op.add("n", 1), op.get("n")]),
        BatchDelete(keys[3]),
        BatchDelete(keys[4], generation=9),
        BatchRead(keys[6]),
        BatchDelete(keys[7]),
    ]
    mine = client.batch(rows)
    assert [row.result_code for row in mine] == codes(results) == [0, 0, 0, 0, 3, 2, 2]
    assert results.result == SOME_FAILED
    assert [row.ok for row in mine] == [True] * 4 + [False, True, True]
    assert our_bins(mine.records)[:3] == their_bins(results)[:3]
    assert mine[4].result_code is ResultCode.GENERATION_ERROR

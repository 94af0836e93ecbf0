"""The official client and pyspike do the same to documents, and one reads what the other made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    INFINITY,
    WILDCARD,
    BitOverflowAction,
    Client,
    FilteredOut,
    HyperLogLog,
    Key,
    KeyOrderedDict,
    ListOrder,
    ListReturnType,
    ListSortFlags,
    ListWriteFlags,
    MapOrder,
    MapReturnType,
    MapWriteFlags,
    Operation,
    exp,
)
from pyspike.errors import ServerError
from pyspike.hosts import parse_hosts
from pyspike.operations import bitwise, context, hll, lists, maps
from pyspike.operations import exp as exp_op

aerospike = pytest.importorskip("aerospike")
bits_of = pytest.importorskip("aerospike_helpers.operations.bitwise_operations")
hll_of = pytest.importorskip("aerospike_helpers.operations.hll_operations")
list_of = pytest.importorskip("aerospike_helpers.operations.list_operations")
map_of = pytest.importorskip("aerospike_helpers.operations.map_operations")
exp_of = pytest.importorskip("aerospike_helpers.operations.expression_operations")
their_exp = pytest.importorskip("aerospike_helpers.expressions")
their_ctx = pytest.importorskip("aerospike_helpers.cdt_ctx")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

L, M = ListReturnType, MapReturnType
START = {
    "l": [4, 1, 3, 1, 5],
    "t": [["a", 1], ["b", 2], ["a", 3]],
    "m": {"b": 25, "a": 30, "c": 41, 7: 25},
    "d": {"orders": [{"id": 1, "items": ["tea"]}, {"id": 2, "items": ["pen", "cup"]}]},
    "b": b"\x0f\xf0\x80",
    "n": 5,
}
ITEMS = [context.map_key("orders"), context.list_index(-1), context.map_key("items")]
THEIR_ITEMS = [
    their_ctx.cdt_ctx_map_key("orders"),
    their_ctx.cdt_ctx_list_index(-1),
    their_ctx.cdt_ctx_map_key("items"),
]
UNIQUE = {"write_flags": aerospike.LIST_WRITE_ADD_UNIQUE}
UNIQUE_PARTIAL = {
    "write_flags": aerospike.LIST_WRITE_ADD_UNIQUE
    | aerospike.LIST_WRITE_NO_FAIL
    | aerospike.LIST_WRITE_PARTIAL
}
CREATE_ONLY = {"map_write_flags": aerospike.MAP_WRITE_FLAGS_CREATE_ONLY}
KEY_ORDERED = {"map_order": aerospike.MAP_KEY_ORDERED}
VALUE, KEY, COUNT = L.VALUE, M.KEY, L.COUNT

PAIRS: list[tuple[Operation, Any]] = [
    # Lists
    (lists.append("l", "x"), list_of.list_append("l", "x")),
    (lists.append_items("l", [1, [2]]), list_of.list_append_items("l", [1, [2]])),
    (lists.append("l", 1, write_flags=ListWriteFlags.ADD_UNIQUE), list_of.list_append("l", 1, UNIQUE)),
    (
        lists.append_items(
            "l",
            [9, 1],
            write_flags=ListWriteFlags.ADD_UNIQUE | ListWriteFlags.NO_FAIL | ListWriteFlags.PARTIAL,
        ),
        list_of.list_append_items("l", [9, 1], UNIQUE_PARTIAL),
    ),
    (
        lists.append_items("new", [3, 1], order=ListOrder.ORDERED),
        list_of.list_append_items("new", [3, 1], {"list_order": aerospike.LIST_ORDERED}),
    ),
    (lists.insert("l", 7, 0), list_of.list_insert("l", 7, 0)),
    (lists.insert_items("l", -1, [7, 8]), list_of.list_insert_items("l", -1, [7, 8])),
    (lists.set("l", 1, None), list_of.list_set("l", 1, None)),
    (lists.increment("l", 0, 5), list_of.list_increment("l", 0, 5)),
    (lists.pop("l", -1), list_of.list_pop("l", -1)),
    (lists.pop_range("l", 1, 2), list_of.list_pop_range("l", 1, 2)),
    (lists.pop("l", 9), list_of.list_pop("l", 9)),
    (lists.remove_range("l", 0, 2), list_of.list_remove_range("l", 0, 2)),
    (lists.trim("l", 1, 3), list_of.list_trim("l", 1, 3)),
    (
        lists.sort("l", ListSortFlags.DROP_DUPLICATES),
        list_of.list_sort("l", aerospike.LIST_SORT_DROP_DUPLICATES),
    ),
    (lists.set_order("l", ListOrder.ORDERED), list_of.list_set_order("l", aerospike.LIST_ORDERED)),
    (lists.size("l"), list_of.list_size("l")),
    (lists.size("none"), list_of.list_size("none")),
    (lists.size("n"), list_of.list_size("n")),
    (lists.get_range("l", 1, 3), list_of.list_get_range("l", 1, 3)),
    (lists.get_by_rank("l", -1), list_of.list_get_by_rank("l", -1, VALUE)),
    (lists.get_by_rank_range("l", 1, 3), list_of.list_get_by_rank_range("l", 1, VALUE, 3)),
    (
        lists.get_by_index_range("l", 1, 2, inverted=True),
        list_of.list_get_by_index_range("l", 1, VALUE, 2, inverted=True),
    ),
    (lists.get_by_value("l", 1, return_type=L.INDEX), list_of.list_get_by_value("l", 1, L.INDEX)),
    (
        lists.get_by_value("t", ["a", WILDCARD]),
        list_of.list_get_by_value("t", ["a", aerospike.CDTWildcard()], VALUE),
    ),
    (
        lists.get_by_value_range("l", 3, INFINITY),
        list_of.list_get_by_value_range("l", VALUE, 3, aerospike.CDTInfinite()),
    ),
    (
        lists.get_by_value_relative_rank_range("l", 2, -1, 2),
        list_of.list_get_by_value_rank_range_relative("l", 2, -1, VALUE, 2),
    ),
    (
        lists.remove_by_value_list("l", [1, 9], return_type=L.VALUE),
        list_of.list_remove_by_value_list("l", [1, 9], VALUE),
    ),
    (
        lists.remove_by_value("l", 1, inverted=True),
        list_of.list_remove_by_value("l", 1, COUNT, inverted=True),
    ),
    # Maps
    (maps.put("m", "z", [1]), map_of.map_put("m", "z", [1])),
    (maps.put("new", 1, 2, order=MapOrder.KEY_ORDERED), map_of.map_put("new", 1, 2, KEY_ORDERED)),
    (maps.put("m", "a", 1, write_flags=MapWriteFlags.CREATE_ONLY), map_of.map_put("m", "a", 1, CREATE_ONLY)),
    (maps.put_items("m", {"a": 1, "z": 2}), map_of.map_put_items("m", {"a": 1, "z": 2})),
    (maps.increment("m", "a", 2), map_of.map_increment("m", "a", 2)),
    (maps.decrement("m", "a", 2), map_of.map_decrement("m", "a", 2)),
    (maps.set_order("m", MapOrder.KEY_ORDERED), map_of.map_set_policy("m", KEY_ORDERED)),
    (maps.size("m"), map_of.map_size("m")),
    (maps.clear("m"), map_of.map_clear("m")),
    (maps.get_by_key("m", "a"), map_of.map_get_by_key("m", "a", M.VALUE)),
    (maps.get_by_key("m", "none"), map_of.map_get_by_key("m", "none", M.VALUE)),
    (
        maps.get_by_key_range("m", "a", "c", return_type=M.ORDERED_MAP),
        map_of.map_get_by_key_range("m", "a", "c", M.ORDERED_MAP),
    ),
    (
        maps.get_by_key_list("m", ["a", 7], return_type=M.KEY, inverted=True),
        map_of.map_get_by_key_list("m", ["a", 7], KEY, inverted=True),
    ),
    (maps.get_by_index("m", 0, return_type=M.KEY), map_of.map_get_by_index("m", 0, KEY)),
    (maps.get_by_rank_range("m", 0, 2, return_type=KEY), map_of.map_get_by_rank_range("m", 0, 2, KEY)),
    (
        maps.get_by_value("m", 25, return_type=M.UNORDERED_MAP),
        map_of.map_get_by_value("m", 25, M.UNORDERED_MAP),
    ),
    (
        maps.get_by_value_relative_rank_range("m", 26, 0, return_type=KEY),
        map_of.map_get_by_value_rank_range_relative("m", 26, 0, KEY),
    ),
    (
        maps.get_by_key_relative_index_range("m", "b", -1, 2, return_type=KEY),
        map_of.map_get_by_key_index_range_relative("m", "b", -1, KEY, 2),
    ),
    (maps.remove_by_key("m", "a", return_type=M.VALUE), map_of.map_remove_by_key("m", "a", M.VALUE)),
    (maps.remove_by_value_range("m", 0, 30), map_of.map_remove_by_value_range("m", 0, 30, M.COUNT)),
    (maps.remove_by_index("m", 9), map_of.map_remove_by_index("m", 9, M.COUNT)),
    # Any depth
    (lists.append("d", "last", ctx=ITEMS), list_of.list_append("d", "last", ctx=THEIR_ITEMS)),
    (lists.get_by_rank("d", 0, ctx=ITEMS), list_of.list_get_by_rank("d", 0, VALUE, ctx=THEIR_ITEMS)),
    (
        maps.put("d", "n", 1, ctx=[context.map_key_create("x", order=MapOrder.KEY_ORDERED)]),
        map_of.map_put("d", "n", 1, ctx=[their_ctx.cdt_ctx_map_key_create("x", aerospike.MAP_KEY_ORDERED)]),
    ),
    (
        lists.size("d", ctx=[context.map_key("none")]),
        list_of.list_size("d", ctx=[their_ctx.cdt_ctx_map_key("none")]),
    ),
    # Bits and HyperLogLogs
    (bitwise.get("b", 4, 9), bits_of.bit_get("b", 4, 9)),
    (bitwise.set_int("b", 4, 8, 0xAA), bits_of.bit_set_int("b", 4, 8, 0xAA)),
    (
        bitwise.add("b", 0, 8, 250, action=BitOverflowAction.WRAP),
        bits_of.bit_add("b", 0, 8, 250, False, aerospike.BIT_OVERFLOW_WRAP),
    ),
    (bitwise.get_int("b", 8, 8, signed=True), bits_of.bit_get_int("b", 8, 8, True)),
    (bitwise.rscan("b", 0, 16, True), bits_of.bit_rscan("b", 0, 16, True)),
    (bitwise.get("b", 0, 99), bits_of.bit_get("b", 0, 99)),
    (hll.add("h", ["x", 1, 2.5, b"y"], 8, 10), hll_of.hll_add("h", ["x", 1, 2.5, b"y"], 8, 10)),
    # Expressions
    (
        exp_op.read("r", exp.int_bin("n") * 2 + exp.lists.size("l")),
        exp_of.expression_read(
            "r",
            their_exp.Add(
                their_exp.Mul(their_exp.IntBin("n"), 2), their_exp.ListSize(None, their_exp.ListBin("l"))
            ).compile(),
        ),
    ),
    (
        exp_op.write("w", exp.cond(exp.int_bin("n") > 3, "many", "few")),
        exp_of.expression_write(
            "w", their_exp.Cond(their_exp.GT(their_exp.IntBin("n"), 3), "many", "few").compile()
        ),
    ),
]


@pytest.fixture(scope="module")
def official(hosts: str) -> Iterator[Any]:
    seeds = [(host.name, host.port) for host in parse_hosts(hosts)]
    client = aerospike.client({"hosts": seeds, "policies": {"total_timeout": 5000}}).connect()
    yield client
    client.close()


def theirs(key: Key) -> tuple[str, str, Any]:
    """The key as the official client takes it."""
    return key.namespace, key.set_name, key.user_key


def outcome_of_ours(client: Client, key: Key, operation: Operation) -> Any:
    """What the operation gives, or the number of its error."""
    try:
        return client.operate(key, [operation]).results[0]
    except ServerError as error:
        return "error", int(error.result_code)


def outcome_of_theirs(official: Any, key: Key, operation: Any) -> Any:
    """What the operation gives, or the number of its error."""
    try:
        bins = official.operate(theirs(key), [operation])[2]
    except aerospike.exception.AerospikeError as error:
        return "error", error.code
    return bins.get(operation["bin"])


@pytest.mark.parametrize(("mine", "their"), PAIRS, ids=[repr(mine) for mine, _ in PAIRS])
def test_both_clients_get_and_write_the_same(
    client: Client, official: Any, key: Key, mine: Operation, their: Any
) -> None:
    client.put(key, START)
    expected = outcome_of_theirs(official, key, their)
    expected_bins = client.get(key)
    client.delete(key)
    client.put(key, START)
    found = outcome_of_ours(client, key, mine)
    record = client.get(key)
    assert found == expected
    assert record.bins == expected_bins.bins
    assert {name: type(value) for name, value in record.items()} == {
        name: type(value) for name, value in expected_bins.items()
    }
    assert record.generation == expected_bins.generation


def test_the_table_has_refusals_too(client: Client, key: Key) -> None:
    client.put(key, START)
    codes = {outcome[1] for mine, _ in PAIRS if is_error(outcome := outcome_of_ours(client, key, mine))}
    assert {12, 24, 26} <= codes


def is_error(outcome: Any) -> bool:
    return isinstance(outcome, tuple)


def test_the_official_client_reads_the_documents_we_made(client: Client, official: Any, key: Key) -> None:
    client.operate(
        key,
        [
            lists.append_items("l", ["b", 1, [2.5, None]], order=ListOrder.ORDERED),
            maps.put_items("m", {"b": 1, "a": [True]}, order=MapOrder.KEY_ORDERED),
            maps.put("d", "n", 1, ctx=[context.map_key_create("x")]),
            hll.add("h", range(100), 8),
        ],
    )
    bins = official.get(theirs(key))[2]
    assert bins["l"] == [1, "b", [2.5, None]]
    assert type(bins["m"]) is aerospike.KeyOrderedDict
    assert list(bins["m"].items()) == [("a", [True]), ("b", 1)]
    assert bins["d"] == {"x": {"n": 1}}
    assert bytes(bins["h"]) == bytes(client.get(key)["h"])
    count = official.operate(theirs(key), [hll_of.hll_get_count("h")])[2]["h"]
    assert count == client.operate(key, [hll.get_count("h")]).results[0]


def test_we_read_the_documents_the_official_client_made(client: Client, official: Any, key: Key) -> None:
    official.operate(
        theirs(key),
        [
            list_of.list_append_items("l", ["b", 1, [2.5, None]], {"list_order": aerospike.LIST_ORDERED}),
            map_of.map_put_items("m", {"b": 1, "a": [True]}, KEY_ORDERED),
            hll_of.hll_add("h", list(range(100)), 8),
        ],
    )
    record = client.get(key)
    assert record["l"] == [1, "b", [2.5, None]]
    assert type(record["m"]) is KeyOrderedDict
    assert list(record["m"].items()) == [("a", [True]), ("b", 1)]
    assert type(record["h"]) is HyperLogLog


def test_key_value_holds_the_same_entries(client: Client, official: Any, key: Key) -> None:
    client.put(key, {"m": START["m"]})
    mine = client.operate(key, [maps.get_by_value("m", 25, return_type=M.KEY_VALUE)]).results[0]
    their = official.operate(theirs(key), [map_of.map_get_by_value("m", 25, M.KEY_VALUE)])[2]["m"]
    flat = [part for entry in mine.items() for part in entry]
    assert their in (flat, list(mine.items()))
    assert mine == {7: 25, "b": 25}


def test_contexts_and_expressions_go_by_base64(client: Client, official: Any, key: Key) -> None:
    client.put(key, START)
    assert official.get_cdtctx_base64(THEIR_ITEMS) == context.to_base64(ITEMS)
    their = their_exp.And(
        their_exp.GE(their_exp.IntBin("n"), 5),
        their_exp.Eq(their_exp.ListSize(None, their_exp.ListBin("l")), 5),
    ).compile()
    mine = exp.Expression.from_base64(official.get_expression_base64(their))
    assert mine.same_as((exp.int_bin("n") >= 5) & (exp.lists.size("l") == 5))
    assert client.get(key, filter_expression=mine)["n"] == 5


def test_a_filter_holds_for_both_or_neither(client: Client, official: Any, key: Key) -> None:
    client.put(key, {"n": 5})

    def their_policy(least: int) -> dict[str, Any]:
        return {"expressions": their_exp.GE(their_exp.IntBin("n"), least).compile()}

    assert official.get(theirs(key), policy=their_policy(5))[2] == {"n": 5}
    assert client.get(key, filter_expression=exp.int_bin("n") >= 5).bins == {"n": 5}
    with pytest.raises(aerospike.exception.FilteredOut):
        official.get(theirs(key), policy=their_policy(6))
    with pytest.raises(FilteredOut):
        client.get(key, filter_expression=exp.int_bin("n") >= 6)

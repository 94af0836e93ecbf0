"""The official client and pyspike do the same to documents, and one reads what the other made."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    INFINITY,
    WILDCARD,
    BitOverflowAction,
    Client,
    ExpWriteFlags,
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
from pyspike.operations import bitwise, context, hll, lists, maps, paths
from pyspike.operations import exp as exp_op
from pyspike.operations.paths import PathSelect
from support.vectors import case

aerospike = pytest.importorskip("aerospike")
bits_of = pytest.importorskip("aerospike_helpers.operations.bitwise_operations")
hll_of = pytest.importorskip("aerospike_helpers.operations.hll_operations")
list_of = pytest.importorskip("aerospike_helpers.operations.list_operations")
map_of = pytest.importorskip("aerospike_helpers.operations.map_operations")
exp_of = pytest.importorskip("aerospike_helpers.operations.expression_operations")
their_exp = pytest.importorskip("aerospike_helpers.expressions")
steps_of = pytest.importorskip("aerospike_helpers.operations.operations")
aerospike_helpers = pytest.importorskip("aerospike_helpers")
their_ctx = pytest.importorskip("aerospike_helpers.cdt_ctx")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

L, M = ListReturnType, MapReturnType
SKETCH: HyperLogLog = case("records", "get/hll").result[2]["h"]
SKETCH_BYTES = aerospike_helpers.HyperLogLog(bytes(SKETCH))
START = {
    "l": [4, 1, 3, 1, 5],
    "t": [["a", 1], ["b", 2], ["a", 3]],
    "m": {"b": 25, "a": 30, "c": 41, 7: 25},
    "d": {"orders": [{"id": 1, "items": ["tea"]}, {"id": 2, "items": ["pen", "cup"]}]},
    "b": b"\x0f\xf0\x80",
    "n": 5,
    "s": SKETCH,
}
ITEMS = [context.map_key("orders"), context.list_index(-1), context.map_key("items")]
THEIR_ITEMS = [
    their_ctx.cdt_ctx_map_key("orders"),
    their_ctx.cdt_ctx_list_index(-1),
    their_ctx.cdt_ctx_map_key("items"),
]
ORDERS, THEIR_ORDERS = [context.map_key("orders")], [their_ctx.cdt_ctx_map_key("orders")]
LATE_KEYS = exp.loop_key(str) >= "b"
UNIQUE = {"write_flags": aerospike.LIST_WRITE_ADD_UNIQUE}
UNIQUE_PARTIAL = {
    "write_flags": aerospike.LIST_WRITE_ADD_UNIQUE
    | aerospike.LIST_WRITE_NO_FAIL
    | aerospike.LIST_WRITE_PARTIAL
}
CREATE_ONLY = {"map_write_flags": aerospike.MAP_WRITE_FLAGS_CREATE_ONLY}
KEY_ORDERED = {"map_order": aerospike.MAP_KEY_ORDERED}
VALUE, KEY, COUNT = L.VALUE, M.KEY, L.COUNT


def quiet(function: Any, *arguments: Any) -> Any:
    """A helper that always warns of a parameter of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return function(*arguments)


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
    (bitwise.resize("b", 5), bits_of.bit_resize("b", 5)),
    (bitwise.insert("b", 1, b"\xaa\xbb"), quiet(bits_of.bit_insert, "b", 1, None, b"\xaa\xbb")),
    (bitwise.remove("b", 0, 2), bits_of.bit_remove("b", 0, 2)),
    (bitwise.set("b", 3, 9, b"\xa5\x5a"), quiet(bits_of.bit_set, "b", 3, 9, None, b"\xa5\x5a")),
    (bitwise.or_("b", 4, 8, b"\xf1"), quiet(bits_of.bit_or, "b", 4, 8, None, b"\xf1")),
    (bitwise.xor("b", 4, 8, b"\xf1"), quiet(bits_of.bit_xor, "b", 4, 8, None, b"\xf1")),
    (bitwise.and_("b", 4, 8, b"\xf1"), quiet(bits_of.bit_and, "b", 4, 8, None, b"\xf1")),
    (bitwise.not_("b", 1, 20), bits_of.bit_not("b", 1, 20)),
    (bitwise.lshift("b", 2, 16, 3), bits_of.bit_lshift("b", 2, 16, 3)),
    (bitwise.rshift("b", 2, 16, 3), bits_of.bit_rshift("b", 2, 16, 3)),
    (
        bitwise.subtract("b", 0, 8, 20, action=BitOverflowAction.SATURATE),
        bits_of.bit_subtract("b", 0, 8, 20, False, aerospike.BIT_OVERFLOW_SATURATE),
    ),
    (bitwise.add("b", 0, 8, 250), bits_of.bit_add("b", 0, 8, 250, False, aerospike.BIT_OVERFLOW_FAIL)),
    (bitwise.count("b", -16, 16), bits_of.bit_count("b", -16, 16)),
    (bitwise.lscan("b", 0, 24, True), bits_of.bit_lscan("b", 0, 24, True)),
    (hll.add("s", ["x", 1, 2.5, b"y"]), hll_of.hll_add("s", ["x", 1, 2.5, b"y"])),
    (hll.init("s", 10), hll_of.hll_init("s", 10)),
    (hll.init("h"), hll_of.hll_init("h")),
    (hll.describe("s"), hll_of.hll_describe("s")),
    (hll.get_count("s"), hll_of.hll_get_count("s")),
    (hll.get_count("h"), hll_of.hll_get_count("h")),
    (hll.get_count("n"), hll_of.hll_get_count("n")),
    (hll.refresh_count("s"), hll_of.hll_refresh_count("s")),
    (hll.refresh_count("h"), hll_of.hll_refresh_count("h")),
    (hll.fold("s", 5), hll_of.hll_fold("s", 5)),
    (hll.fold("s", 16), hll_of.hll_fold("s", 16)),
    (hll.get_union("s", [SKETCH]), hll_of.hll_get_union("s", [SKETCH_BYTES])),
    (hll.get_union_count("s", [SKETCH]), hll_of.hll_get_union_count("s", [SKETCH_BYTES])),
    (hll.get_intersect_count("s", [SKETCH]), hll_of.hll_get_intersect_count("s", [SKETCH_BYTES])),
    (hll.get_similarity("s", [SKETCH]), hll_of.hll_get_similarity("s", [SKETCH_BYTES])),
    (hll.set_union("h", [SKETCH]), hll_of.hll_set_union("h", [SKETCH_BYTES])),
    # Paths
    (
        paths.select("d", [*ORDERS, context.all_children(), context.map_key("id")], PathSelect.VALUE),
        steps_of.select_by_path(
            "d",
            [*THEIR_ORDERS, their_ctx.cdt_ctx_all_children(), their_ctx.cdt_ctx_map_key("id")],
            aerospike.EXP_PATH_SELECT_VALUE,
        ),
    ),
    (
        paths.select("d", [*ORDERS, context.all_children_with_filter(exp.loop_index() > 0)]),
        steps_of.select_by_path(
            "d",
            [
                *THEIR_ORDERS,
                their_ctx.cdt_ctx_all_children_with_filter(
                    their_exp.GT(their_exp.LoopVarInt(aerospike.EXP_LOOPVAR_INDEX), 0).compile()
                ),
            ],
            aerospike.EXP_PATH_SELECT_MATCHING_TREE,
        ),
    ),
    (
        paths.select("m", [context.all_children_with_filter(LATE_KEYS)], PathSelect.MAP_KEY, no_fail=True),
        steps_of.select_by_path(
            "m",
            [
                their_ctx.cdt_ctx_all_children_with_filter(
                    their_exp.GE(their_exp.LoopVarStr(aerospike.EXP_LOOPVAR_KEY), "b").compile()
                )
            ],
            aerospike.EXP_PATH_SELECT_MAP_KEY | aerospike.EXP_PATH_SELECT_NO_FAIL,
        ),
    ),
    (
        paths.select("m", [context.all_children_with_filter(LATE_KEYS)], PathSelect.MAP_KEY),
        steps_of.select_by_path(
            "m",
            [
                their_ctx.cdt_ctx_all_children_with_filter(
                    their_exp.GE(their_exp.LoopVarStr(aerospike.EXP_LOOPVAR_KEY), "b").compile()
                )
            ],
            aerospike.EXP_PATH_SELECT_MAP_KEY,
        ),
    ),
    (
        paths.modify("m", [context.map_keys_in(["a", "c"])], exp.loop_value(int) * 2),
        steps_of.modify_by_path(
            "m",
            [their_ctx.cdt_ctx_map_keys_in(["a", "c"])],
            their_exp.Mul(their_exp.LoopVarInt(aerospike.EXP_LOOPVAR_VALUE), 2).compile(),
            aerospike.EXP_PATH_MODIFY_DEFAULT,
        ),
    ),
    (
        paths.modify("l", [context.all_children_with_filter(exp.loop_value(int) == 1)], exp.remove_result()),
        steps_of.modify_by_path(
            "l",
            [
                their_ctx.cdt_ctx_all_children_with_filter(
                    their_exp.Eq(their_exp.LoopVarInt(aerospike.EXP_LOOPVAR_VALUE), 1).compile()
                )
            ],
            their_exp.RemoveResult().compile(),
            aerospike.EXP_PATH_MODIFY_DEFAULT,
        ),
    ),
    # Expressions
    (
        exp_op.read("r", exp.let({"x": exp.int_bin("n")}, exp.var("x") % 3 + exp.var("x"))),
        exp_of.expression_read(
            "r",
            their_exp.Let(
                their_exp.Def("x", their_exp.IntBin("n")),
                their_exp.Add(their_exp.Mod(their_exp.Var("x"), 3), their_exp.Var("x")),
            ).compile(),
        ),
    ),
    (
        exp_op.read("r", exp.maps.get_by_rank("m", -1, int)),
        exp_of.expression_read(
            "r",
            their_exp.MapGetByRank(
                None, aerospike.MAP_RETURN_VALUE, their_exp.ResultType.INTEGER, -1, their_exp.MapBin("m")
            ).compile(),
        ),
    ),
    (
        exp_op.read("r", exp.bitwise.count("b", 0, 16)),
        exp_of.expression_read("r", their_exp.BitCount(0, 16, their_exp.BlobBin("b")).compile()),
    ),
    (
        exp_op.read("r", exp.hll.get_count("s")),
        exp_of.expression_read("r", their_exp.HLLGetCount(their_exp.HLLBin("s")).compile()),
    ),
    (
        exp_op.read("r", exp.int_bin("n") / 0),
        exp_of.expression_read("r", their_exp.Div(their_exp.IntBin("n"), 0).compile()),
    ),
    (
        exp_op.write("l", exp.lists.append("l", 9)),
        exp_of.expression_write("l", their_exp.ListAppend(None, None, 9, their_exp.ListBin("l")).compile()),
    ),
    (
        exp_op.write("n", exp.val(1), flags=ExpWriteFlags.CREATE_ONLY),
        exp_of.expression_write("n", their_exp.Val(1).compile(), aerospike.EXP_WRITE_CREATE_ONLY),
    ),
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

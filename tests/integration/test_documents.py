"""Lists, maps, bits and HyperLogLogs inside a record: what `operate` does with them, end to end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pyspike import (
    INFINITY,
    WILDCARD,
    BitOverflowAction,
    Client,
    HyperLogLog,
    InvalidArgument,
    InvalidType,
    Key,
    KeyOrderedDict,
    KeyValueOrderedDict,
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
from pyspike import operations as op
from pyspike.errors import (
    BinNotFound,
    BinTypeError,
    ElementExists,
    ElementNotFound,
    OpNotApplicable,
    RequestInvalid,
)
from pyspike.operations import bitwise, context, hll, lists, maps, paths
from pyspike.operations.paths import PathSelect

NUMBERS = [4, 1, 3, 1, 5]
AGES = {"ann": 30, "bob": 25, "cy": 41, "di": 25}
L, M = ListReturnType, MapReturnType
UNIQUE = ListWriteFlags.ADD_UNIQUE
QUIET, PARTIAL = ListWriteFlags.NO_FAIL, ListWriteFlags.PARTIAL
DOCUMENT = {"orders": [{"id": 1, "items": ["tea"]}, {"id": 2, "items": ["pen", "cup"]}], "total": 12}


def one(client: Client, key: Key, operation: Operation) -> Any:
    """What a single operation gives."""
    return client.operate(key, [operation]).results[0]


def called(values: list[tuple[Operation, Any]]) -> list[Any]:
    """Cases of a table whose first column is an operation, named as it reads."""
    return [pytest.param(*case, id=repr(case[0])) for case in values]


# Lists ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "expected"),
    called(
        [
            (lists.size("l"), 5),
            (lists.get("l", -1), 5),
            (lists.get_range("l", 3), [1, 5]),
            (lists.get_range("l", 1, 2), [1, 3]),
            (lists.get_by_index("l", 2), 3),
            (lists.get_by_index("l", 2, return_type=L.RANK), 2),
            (lists.get_by_index("l", 2, return_type=L.REVERSE_INDEX), 2),
            (lists.get_by_index("l", 0, return_type=L.REVERSE_RANK), 1),
            (lists.get_by_index_range("l", 1, 3, inverted=True), [4, 5]),
            (lists.get_by_rank("l", 0), 1),
            (lists.get_by_rank("l", -1, return_type=L.INDEX), 4),
            (lists.get_by_rank_range("l", -2, return_type=L.COUNT), 2),
            (lists.get_by_value("l", 1, return_type=L.INDEX), [1, 3]),
            (lists.get_by_value("l", 1, return_type=L.COUNT, inverted=True), 3),
            (lists.get_by_value("l", 9), []),
            (lists.get_by_value("l", 9, return_type=L.EXISTS), False),
            (lists.get_by_value_list("l", [5, 4], return_type=L.EXISTS), True),
            (lists.get_by_value_range("l", 3, 5), [4, 3]),
            (lists.get_by_value_range("l", 3, INFINITY, return_type=L.COUNT), 3),
            (lists.get_by_value_range("l", None, 3, return_type=L.COUNT), 2),
            (lists.get_by_value_relative_rank_range("l", 2, 0, 2), [3, 4]),
            (lists.get_by_value_relative_rank_range("l", 2, -1, return_type=L.COUNT), 4),
            (lists.get_by_value("l", 1, return_type=L.NONE), None),
        ]
    ),
)
def test_a_list_gives_what_is_selected(client: Client, key: Key, operation: Operation, expected: Any) -> None:
    client.put(key, {"l": NUMBERS})
    found = one(client, key, operation)
    assert found == expected
    assert type(found) is type(expected)
    assert client.get(key)["l"] == NUMBERS


@pytest.mark.parametrize(
    ("operation", "expected", "left"),
    [
        (lists.append("l", 7), 6, [4, 1, 3, 1, 5, 7]),
        (lists.append_items("l", [7, "x"]), 7, [4, 1, 3, 1, 5, 7, "x"]),
        (lists.insert("l", 1, 7), 6, [4, 7, 1, 3, 1, 5]),
        (lists.insert_items("l", -1, [7, 8]), 7, [4, 1, 3, 1, 7, 8, 5]),
        (lists.insert("l", 6, 7), 7, [4, 1, 3, 1, 5, None, 7]),
        (lists.set("l", 0, {"a": 1}), None, [{"a": 1}, 1, 3, 1, 5]),
        (lists.increment("l", 2, 10), 13, [4, 1, 13, 1, 5]),
        (lists.increment("l", 5), 1, [4, 1, 3, 1, 5, 1]),
        (lists.pop("l", -1), 5, [4, 1, 3, 1]),
        (lists.pop_range("l", 1, 2), [1, 3], [4, 1, 5]),
        (lists.remove("l", 0), 1, [1, 3, 1, 5]),
        (lists.remove_range("l", 2), 3, [4, 1]),
        (lists.trim("l", 1, 2), 3, [1, 3]),
        (lists.clear("l"), None, []),
        (lists.sort("l"), None, [1, 1, 3, 4, 5]),
        (lists.sort("l", ListSortFlags.DESCENDING), None, [5, 4, 3, 1, 1]),
        (lists.sort("l", ListSortFlags.DROP_DUPLICATES), None, [1, 3, 4, 5]),
        (lists.remove_by_index("l", 1, return_type=L.VALUE), 1, [4, 3, 1, 5]),
        (lists.remove_by_index_range("l", 1, 2, inverted=True), 3, [1, 3]),
        (lists.remove_by_rank("l", -1, return_type=L.VALUE), 5, [4, 1, 3, 1]),
        (lists.remove_by_rank_range("l", 0, 2), 2, [4, 3, 5]),
        (lists.remove_by_value("l", 1), 2, [4, 3, 5]),
        (lists.remove_by_value("l", 1, inverted=True), 3, [1, 1]),
        (lists.remove_by_value_list("l", [1, 5], return_type=L.VALUE), [1, 1, 5], [4, 3]),
        (lists.remove_by_value_range("l", 3, 5, return_type=L.INDEX), [0, 2], [1, 1, 5]),
        (lists.remove_by_value_relative_rank_range("l", 4, 0), 2, [1, 3, 1]),
    ],
    ids=lambda value: repr(value) if isinstance(value, Operation) else "",
)
def test_a_list_is_changed_in_place(
    client: Client, key: Key, operation: Operation, expected: Any, left: list[Any]
) -> None:
    client.put(key, {"l": NUMBERS})
    assert one(client, key, operation) == expected
    assert client.get(key)["l"] == left


def test_an_ordered_list_stays_sorted(client: Client, key: Key) -> None:
    results = client.operate(
        key,
        [
            lists.append_items("l", ["b", 2, None, b"x", 1.5, [0], "a"], order=ListOrder.ORDERED),
            lists.append("l", 1),
            op.get("l"),
        ],
    ).results
    assert results == [7, 8, [None, 1, 2, "a", "b", [0], b"x", 1.5]]
    with pytest.raises(OpNotApplicable):
        one(client, key, lists.insert("l", 0, 9))


def test_set_order_sorts_a_list(client: Client, key: Key) -> None:
    client.put(key, {"l": NUMBERS})
    assert one(client, key, lists.set_order("l", ListOrder.ORDERED)) is None
    assert client.get(key)["l"] == sorted(NUMBERS)


def test_list_write_flags_refuse_or_skip(client: Client, key: Key) -> None:
    client.put(key, {"l": [1, 2]})
    with pytest.raises(ElementExists):
        one(client, key, lists.append("l", 2, write_flags=UNIQUE))
    with pytest.raises(ElementExists):
        one(client, key, lists.append_items("l", [3, 2], write_flags=UNIQUE))
    with pytest.raises(OpNotApplicable):
        one(client, key, lists.insert("l", 3, 2, write_flags=ListWriteFlags.INSERT_BOUNDED))
    assert client.get(key)["l"] == [1, 2]
    assert one(client, key, lists.append("l", 2, write_flags=UNIQUE | QUIET)) == 2
    assert one(client, key, lists.append_items("l", [3, 2], write_flags=UNIQUE | QUIET)) == 2
    assert one(client, key, lists.append_items("l", [3, 2, 4], write_flags=UNIQUE | QUIET | PARTIAL)) == 4
    assert client.get(key)["l"] == [1, 2, 3, 4]


def test_a_wildcard_equals_what_follows(client: Client, key: Key) -> None:
    client.put(key, {"l": [["a", 1], ["b", 2, 3], ["a", 4, 5]]})
    assert one(client, key, lists.get_by_value("l", ["a", WILDCARD])) == [["a", 1], ["a", 4, 5]]
    assert one(client, key, lists.remove_by_value("l", ["b", WILDCARD])) == 1


# Maps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "expected"),
    called(
        [
            (maps.size("m"), 4),
            (maps.get_by_key("m", "bob"), 25),
            (maps.get_by_key("m", "cy", return_type=M.RANK), 3),
            (maps.get_by_key("m", "cy", return_type=M.REVERSE_INDEX), 1),
            (maps.get_by_key("m", "zoe"), None),
            (maps.get_by_key("m", "zoe", return_type=M.EXISTS), False),
            (maps.get_by_key("m", "ann", return_type=M.KEY_VALUE), {"ann": 30}),
            (maps.get_by_key_list("m", ["cy", "ann", "zoe"], return_type=M.COUNT), 2),
            (maps.get_by_key_list("m", ["cy", "ann"], return_type=M.KEY, inverted=True), ["bob", "di"]),
            (maps.get_by_key_range("m", "b", "d", return_type=M.KEY), ["bob", "cy"]),
            (maps.get_by_key_range("m", "b", INFINITY, return_type=M.COUNT), 3),
            (maps.get_by_key_range("m", None, "b"), [30]),
            (maps.get_by_key_relative_index_range("m", "bo", 0, 2, return_type=M.KEY), ["bob", "cy"]),
            (maps.get_by_index("m", 0, return_type=M.KEY), "ann"),
            (maps.get_by_index("m", -1), 25),
            (maps.get_by_index_range("m", 1, 2, return_type=M.KEY_VALUE), {"bob": 25, "cy": 41}),
            (maps.get_by_index_range("m", 1, 2, return_type=M.KEY, inverted=True), ["ann", "di"]),
            (maps.get_by_rank("m", -1, return_type=M.KEY), "cy"),
            (maps.get_by_rank_range("m", 0, 2, return_type=M.KEY), ["bob", "di"]),
            (maps.get_by_value("m", 25, return_type=M.KEY), ["bob", "di"]),
            (maps.get_by_value("m", 25, return_type=M.COUNT, inverted=True), 2),
            (maps.get_by_value_list("m", [30, 41], return_type=M.KEY), ["ann", "cy"]),
            (maps.get_by_value_range("m", 26, 41), [30]),
            (maps.get_by_value_range("m", 26, return_type=M.COUNT), 2),
            (maps.get_by_value_relative_rank_range("m", 30, 0, return_type=M.KEY), ["ann", "cy"]),
            (maps.get_by_value_range("m", 30, return_type=M.ORDERED_MAP), KeyOrderedDict(ann=30, cy=41)),
            (maps.get_by_value_range("m", 30, return_type=M.UNORDERED_MAP), {"ann": 30, "cy": 41}),
        ]
    ),
)
def test_a_map_gives_what_is_selected(client: Client, key: Key, operation: Operation, expected: Any) -> None:
    client.put(key, {"m": KeyOrderedDict(AGES)})
    found = one(client, key, operation)
    assert found == expected
    assert type(found) is type(expected)
    assert client.get(key)["m"] == AGES


@pytest.mark.parametrize(
    ("operation", "expected", "left"),
    [
        (maps.put("m", "c", 3), 3, {"a": 1, "b": 2, "c": 3}),
        (maps.put_items("m", {"a": 0, 5: b"x"}), 3, {"a": 0, "b": 2, 5: b"x"}),
        (maps.increment("m", "a", 10), 11, {"a": 11, "b": 2}),
        (maps.increment("m", "n", 2.5), 2.5, {"a": 1, "b": 2, "n": 2.5}),
        (maps.decrement("m", "b"), 1, {"a": 1, "b": 1}),
        (maps.clear("m"), None, {}),
        (maps.remove_by_key("m", "a", return_type=M.VALUE), 1, {"b": 2}),
        (maps.remove_by_key("m", "z"), 0, {"a": 1, "b": 2}),
        (maps.remove_by_key_list("m", ["a", "z"]), 1, {"b": 2}),
        (maps.remove_by_key_list("m", ["a"], inverted=True), 1, {"a": 1}),
        (maps.remove_by_key_range("m", "b"), 1, {"a": 1}),
        (maps.remove_by_key_relative_index_range("m", "a", 1), 1, {"a": 1}),
        (maps.remove_by_index("m", 0, return_type=M.KEY), "a", {"b": 2}),
        (maps.remove_by_index_range("m", 0, 1, inverted=True), 1, {"a": 1}),
        (maps.remove_by_rank("m", -1, return_type=M.KEY_VALUE), {"b": 2}, {"a": 1}),
        (maps.remove_by_rank_range("m", 0), 2, {}),
        (maps.remove_by_value("m", 2), 1, {"a": 1}),
        (maps.remove_by_value_list("m", [1, 2, 3]), 2, {}),
        (maps.remove_by_value_range("m", 2, 9, return_type=M.KEY), ["b"], {"a": 1}),
        (maps.remove_by_value_relative_rank_range("m", 2, -1, 1), 1, {"b": 2}),
    ],
    ids=lambda value: repr(value) if isinstance(value, Operation) else "",
)
def test_a_map_is_changed_in_place(
    client: Client, key: Key, operation: Operation, expected: Any, left: dict[Any, Any]
) -> None:
    client.put(key, {"m": {"a": 1, "b": 2}})
    assert one(client, key, operation) == expected
    assert client.get(key)["m"] == left


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (MapOrder.UNORDERED, dict),
        (MapOrder.KEY_ORDERED, KeyOrderedDict),
        (MapOrder.KEY_VALUE_ORDERED, KeyValueOrderedDict),
    ],
)
def test_a_map_keeps_its_kind(client: Client, key: Key, order: MapOrder, kind: type) -> None:
    client.operate(key, [maps.put_items("m", {"b": 1, "a": 2}, order=order), maps.create("e", order)])
    record = client.get(key)
    assert (type(record["m"]), type(record["e"])) == (kind, kind)
    client.put(key, {"n": record["m"]})
    assert type(client.get(key)["n"]) is kind
    if order:
        assert list(record["m"]) == ["a", "b"]


def test_set_order_of_a_map_changes_its_kind(client: Client, key: Key) -> None:
    client.put(key, {"m": {"b": 1, "a": 2}})
    assert one(client, key, maps.set_order("m", MapOrder.KEY_ORDERED)) is None
    found = client.get(key)["m"]
    assert type(found) is KeyOrderedDict
    assert list(found) == ["a", "b"]


def test_key_value_gives_a_dict_in_the_order_found(client: Client, key: Key) -> None:
    client.put(key, {"m": KeyOrderedDict(AGES)})
    found = one(client, key, maps.get_by_index_range("m", 0, return_type=M.KEY_VALUE))
    assert type(found) is dict
    assert list(found.items()) == sorted(AGES.items())


def test_map_write_flags_refuse_or_skip(client: Client, key: Key) -> None:
    client.put(key, {"m": {"a": 1}})
    new, old = MapWriteFlags.CREATE_ONLY, MapWriteFlags.UPDATE_ONLY
    quiet, partial = MapWriteFlags.NO_FAIL, MapWriteFlags.PARTIAL
    with pytest.raises(ElementExists):
        one(client, key, maps.put("m", "a", 2, write_flags=new))
    with pytest.raises(ElementNotFound):
        one(client, key, maps.put("m", "b", 2, write_flags=old))
    assert one(client, key, maps.put("m", "a", 2, write_flags=new | quiet)) == 1
    assert one(client, key, maps.put_items("m", {"a": 2, "b": 2}, write_flags=new | quiet)) == 1
    assert client.get(key)["m"] == {"a": 1}
    entries = maps.put_items("m", {"a": 2, "b": 2}, write_flags=new | quiet | partial)
    assert one(client, key, entries) == 2
    assert client.get(key)["m"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("persist_index", [False, True])
def test_a_persisted_index_changes_no_result(client: Client, key: Key, persist_index: bool) -> None:
    results = client.operate(
        key,
        [
            lists.create("l", ListOrder.ORDERED, persist_index=persist_index),
            lists.append_items("l", NUMBERS),
            maps.put_items("m", AGES, order=MapOrder.KEY_ORDERED, persist_index=persist_index),
            lists.get_by_rank("l", -1),
            maps.get_by_index("m", 0),
        ],
    ).results
    assert results == [None, 5, 4, 5, 30]
    record = client.get(key)
    assert record["l"] == sorted(NUMBERS)
    assert type(record["m"]) is KeyOrderedDict


# Any depth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ctx", "expected"),
    [
        ([context.map_key("orders"), context.list_index(-1), context.map_key("items")], 2),
        ([context.map_index(0), context.list_rank(0), context.map_index(-1)], 1),
        ([context.map_rank(-1), context.list_value({"id": 1, "items": ["tea"]}), context.map_rank(-1)], 1),
        ([context.map_key("orders"), context.list_index(1), context.map_value(["pen", "cup"])], 2),
    ],
    ids=repr,
)
def test_contexts_lead_into_a_document(
    client: Client, key: Key, ctx: list[context.Context], expected: int
) -> None:
    client.put(key, {"d": DOCUMENT})
    assert one(client, key, lists.size("d", ctx=ctx)) == expected
    assert one(client, key, lists.size("d", ctx=context.from_base64(context.to_base64(ctx)))) == expected
    assert one(client, key, lists.append("d", "last", ctx=ctx)) == expected + 1


def test_contexts_create_what_is_missing(client: Client, key: Key) -> None:
    client.operate(
        key,
        [
            maps.put(
                "d",
                "n",
                1,
                ctx=[
                    context.map_key_create("a", order=MapOrder.KEY_ORDERED),
                    context.map_key_create("b"),
                ],
            ),
            lists.create("d", ctx=[context.map_key("a"), context.map_key("l")]),
            lists.append("d", "x", ctx=[context.map_key("a"), context.map_key("l")]),
            lists.append("l", 1, ctx=[context.list_index_create(2, pad=True)]),
        ],
    )
    assert client.get(key).bins == {
        "d": {"a": {"b": {"n": 1}, "l": ["x"]}},
        "l": [None, None, [1]],
    }


def test_paths_select_and_modify_several_elements(client: Client, key: Key) -> None:
    client.put(key, {"d": DOCUMENT})
    ids = [context.map_key("orders"), context.all_children(), context.map_key("id")]
    assert one(client, key, paths.select("d", ids, PathSelect.VALUE)) == [1, 2]
    assert one(client, key, paths.modify("d", ids, exp.loop_value(int) + 10)) is None
    assert one(client, key, paths.select("d", ids, PathSelect.VALUE)) == [11, 12]
    second = [
        context.map_key("orders"),
        context.all_children_with_filter(exp.maps.get_by_key(exp.loop_value(dict), "id", int) > 11),
    ]
    found = one(client, key, paths.select("d", second, PathSelect.VALUE))
    assert found == [{"id": 12, "items": ["pen", "cup"]}]


# Results ----------------------------------------------------------------------------------------------------


def test_results_stand_in_the_order_of_the_operations(client: Client, key: Key) -> None:
    record = client.operate(
        key,
        [
            lists.append("l", 1),
            maps.put("m", "a", 1),
            lists.append("l", 2),
            op.get("l"),
            maps.clear("m"),
            lists.get_by_value("l", 9),
            maps.size("m"),
            lists.size("none"),
        ],
    )
    assert record.results == [1, 1, 2, [1, 2], None, [], 0, None]


def test_several_results_of_a_bin_are_a_multi_result(client: Client, key: Key) -> None:
    client.put(key, {"l": [[7], 8]})
    record = client.operate(key, [lists.get("l", 0), lists.size("l")])
    assert record["l"] == [[7], 2]
    assert type(record["l"]).__name__ == "MultiResult"


def test_operations_are_used_again(client: Client, key: Key) -> None:
    push, count = lists.append("l", 1), lists.size("l")
    assert [client.operate(key, [push, count]).results for _ in range(3)] == [[1, 1], [2, 2], [3, 3]]


def test_all_or_nothing_is_written(client: Client, key: Key) -> None:
    client.put(key, {"l": [1], "n": 1})
    with pytest.raises(BinTypeError):
        client.operate(key, [lists.append("l", 2), op.put("m", 1), lists.append("n", 1)])
    assert client.get(key).bins == {"l": [1], "n": 1}
    assert client.get(key).generation == 1


# Misuse -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "error"),
    called(
        [
            (lists.size("n"), BinTypeError),
            (lists.append("m", 1), BinTypeError),
            (maps.put("l", "a", 1), BinTypeError),
            (maps.size("n"), BinTypeError),
            (bitwise.count("n", 0, 1), BinTypeError),
            (hll.get_count("l"), BinTypeError),
            (lists.size("m", ctx=[context.map_key("a")]), BinTypeError),
            (lists.size("l", ctx=[context.map_key("a")]), OpNotApplicable),
            (maps.size("m", ctx=[context.list_index(0)]), OpNotApplicable),
            (lists.size("l", ctx=[context.list_index(9)]), OpNotApplicable),
            (maps.size("m", ctx=[context.map_key("zoe")]), OpNotApplicable),
            (lists.get("l", 9), OpNotApplicable),
            (lists.get("l", -9), OpNotApplicable),
            (lists.get_by_rank("l", 9), OpNotApplicable),
            (lists.pop("l", 9), OpNotApplicable),
            (maps.get_by_index("m", 9), OpNotApplicable),
            (lists.increment("t", 0), RequestInvalid),
            (maps.increment("s", "a"), RequestInvalid),
            (bitwise.get("b", 8, 9), OpNotApplicable),
            (bitwise.not_("none", 0, 1), BinNotFound),
        ]
    ),
)
def test_the_server_refuses_misuse_by_name(
    client: Client, key: Key, operation: Operation, error: type[Exception]
) -> None:
    before = {"n": 1, "l": [1], "t": ["x"], "m": {"a": 1}, "s": {"a": "x"}, "b": b"\x00\x00"}
    client.put(key, before)
    with pytest.raises(error):
        client.operate(key, [operation])
    assert client.get(key).bins == before


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: lists.append("l", 1, write_flags=ListWriteFlags(64)), InvalidArgument, "write_flags"),
    (lambda: lists.append("l", 1, write_flags=MapWriteFlags.NO_FAIL), InvalidType, "ListWriteFlags"),
    (lambda: lists.get_by_value("l", 1, return_type=M.KEY), InvalidType, "ListReturnType"),
    (lambda: lists.get_by_value("l", 1, return_type=6), InvalidArgument, "return_type 6"),
    (lambda: lists.get("l", "0"), InvalidType, "index"),
    (lambda: lists.append_items("l", "abc"), InvalidType, "values"),
    (lambda: lists.size("l", ctx=context.list_index(0)), InvalidType, "list of contexts"),
    (lambda: lists.size("l", ctx=[context.all_children()]), InvalidArgument, "all_children"),
    (lambda: maps.put("m", 1.5, 1), InvalidType, "key"),
    (lambda: maps.put("m", "a", 1, order=ListOrder.ORDERED), InvalidType, "MapOrder"),
    (lambda: bitwise.get_int("b", 0, 65), InvalidArgument, "bit_size"),
    (lambda: hll.init("h", 3), InvalidArgument, "index_bit_count"),
    (lambda: hll.add("h", []), InvalidArgument, "values is empty"),
    (lambda: lists.size("a name of 16 byt"), InvalidArgument, "name"),
]


@pytest.mark.parametrize(("make", "error", "says"), REFUSED, ids=[says for _, _, says in REFUSED])
def test_the_client_refuses_what_can_not_be_meant(
    make: Callable[[], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        make()


# Bits and HyperLogLogs --------------------------------------------------------------------------------------


def test_bits_are_read(client: Client, key: Key) -> None:
    client.put(key, {"b": b"\x0f\xf0\x80"})
    assert client.operate(
        key,
        [
            bitwise.get("b", 4, 8),
            bitwise.count("b", 0, 24),
            bitwise.lscan("b", 0, 24, True),
            bitwise.rscan("b", 0, 24, True),
            bitwise.get_int("b", -8, 8),
            bitwise.get_int("b", -8, 8, signed=True),
        ],
    ).results == [b"\xff", 9, 4, 16, 128, -128]


@pytest.mark.parametrize(
    ("operation", "left"),
    called(
        [
            (bitwise.resize("b", 3), b"\x0f\xf0\x00"),
            (bitwise.insert("b", 1, b"x"), b"\x0fx\xf0"),
            (bitwise.remove("b", 0, 1), b"\xf0"),
            (bitwise.set("b", 0, 4, b"\xa0"), b"\xaf\xf0"),
            (bitwise.or_("b", 0, 8, b"\xf0"), b"\xff\xf0"),
            (bitwise.xor("b", 0, 8, b"\xff"), b"\xf0\xf0"),
            (bitwise.and_("b", 0, 8, b"\x01"), b"\x01\xf0"),
            (bitwise.not_("b", 0, 16), b"\xf0\x0f"),
            (bitwise.lshift("b", 0, 16, 4), b"\xff\x00"),
            (bitwise.rshift("b", 0, 16, 4), b"\x00\xff"),
            (bitwise.add("b", 0, 8, 1), b"\x10\xf0"),
            (bitwise.subtract("b", 8, 8, 1), b"\x0f\xef"),
            (bitwise.add("b", 8, 8, 100, action=BitOverflowAction.SATURATE), b"\x0f\xff"),
            (bitwise.add("b", 8, 8, 17, action=BitOverflowAction.WRAP), b"\x0f\x01"),
            (bitwise.set_int("b", 4, 8, 0x12), b"\x01\x20"),
        ]
    ),
)
def test_bits_are_changed_in_place(client: Client, key: Key, operation: Operation, left: bytes) -> None:
    client.put(key, {"b": b"\x0f\xf0"})
    assert one(client, key, operation) is None
    assert client.get(key)["b"] == left


def test_bits_that_overflow_are_refused(client: Client, key: Key) -> None:
    client.put(key, {"b": b"\xff"})
    with pytest.raises(OpNotApplicable):
        one(client, key, bitwise.add("b", 0, 8, 1))
    assert client.get(key)["b"] == b"\xff"


def test_a_hyperloglog_counts_and_compares(client: Client, key: Key) -> None:
    client.operate(key, [hll.add("a", range(1000), 12), hll.add("b", range(500, 1500), 12)])
    record = client.get(key)
    other = record["b"]
    assert type(other) is HyperLogLog
    count, union, common, similarity, bits, may, never = client.operate(
        key,
        [
            hll.get_count("a"),
            hll.get_union_count("a", [other]),
            hll.get_intersect_count("a", [other]),
            hll.get_similarity("a", [other]),
            hll.describe("a"),
            hll.may_contain("a", [1, 999]),
            hll.may_contain("a", ["nothing of the sort", "nor this", "nor that"]),
        ],
    ).results
    assert count == pytest.approx(1000, rel=0.07)
    assert union == pytest.approx(1500, rel=0.07)
    assert common == pytest.approx(500, rel=0.3)
    assert similarity == pytest.approx(1 / 3, rel=0.3)
    assert (bits, may, never) == ([12, 0], 1, 0)


def test_a_hyperloglog_is_folded_and_united(client: Client, key: Key) -> None:
    client.operate(key, [hll.init("a", 10), hll.add("b", ["x", "y"], 8), hll.add("a", ["z"])])
    other = client.get(key)["b"]
    with pytest.raises(OpNotApplicable):
        one(client, key, hll.set_union("a", [other]))
    results = client.operate(
        key, [hll.fold("a", 8), hll.set_union("a", [other]), hll.refresh_count("a"), hll.describe("a")]
    ).results
    assert results == [None, None, 3, [8, 0]]


# One operation, many calls ----------------------------------------------------------------------------------


def test_one_operation_serves_many_threads(client: Client, key: Key) -> None:
    count = maps.increment("m", "n", ctx=[context.map_key_create("in", order=MapOrder.KEY_ORDERED)])
    double = op.exp.read("twice", exp.maps.get_by_key("m", "n", int, ctx=[context.map_key("in")]) * 2)
    before = count.wire, double.wire, repr(count), repr(double)
    threads, each = 8, 40

    def work(number: int) -> list[tuple[int, int]]:
        return [tuple(client.operate(key, [count, double]).results) for _ in range(each)]  # type: ignore[misc]

    with ThreadPoolExecutor(threads) as pool:
        results = [pair for found in pool.map(work, range(threads)) for pair in found]
    assert sorted(results) == [(number, 2 * number) for number in range(1, threads * each + 1)]
    assert (count.wire, double.wire, repr(count), repr(double)) == before

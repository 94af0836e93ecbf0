"""Map operations: positions, orders, flags. What they give was asked of a real server, 8.1.2."""

from __future__ import annotations

from typing import Any

import pytest
from server_values import INFINITY, error_of, get, ordered, put

from pyspike.server.protocol.result import ResultCode
from pyspike.server.values.packed import PackedMap

M = {"a": 7, "b": 9, "c": 3, "d": 3}
INDEX, REVERSE_INDEX, RANK, REVERSE_RANK, COUNT, KEY, VALUE, KEY_VALUE, INDEX_RANGE = range(1, 10)
RANK_RANGE, EXISTS, UNORDERED_MAP, ORDERED_MAP = 11, 13, 16, 17
INVERTED = 0x10000
SET_TYPE, ADD, ADD_ITEMS, PUT, PUT_ITEMS, REPLACE, REPLACE_ITEMS = range(64, 71)
INCREMENT, DECREMENT, CLEAR = 73, 74, 75
REMOVE_BY_KEY, REMOVE_BY_KEYS, REMOVE_BY_RANK_RANGE = 76, 81, 87
BY_KEY, BY_INDEX, BY_VALUE, BY_RANK = range(97, 101)
ALL_BY_VALUE, BY_KEY_INTERVAL, BY_INDEX_RANGE, BY_INTERVAL, BY_RANK_RANGE = range(102, 107)
BY_KEYS, BY_VALUES, BY_RELATIVE_INDEX, BY_RELATIVE_RANK = range(107, 111)
NO_OVERWRITE, NO_CREATE, NO_FAIL, PARTIAL = 1, 2, 4, 8
KEY_ORDERED, KEY_VALUE_ORDERED = 1, 3


@pytest.mark.parametrize(
    ("op", "args", "result"),
    [
        (BY_KEY, (RANK, "b"), 3),
        (BY_KEY, (INDEX_RANGE, "zz"), [-1, 0]),
        (BY_KEY, (VALUE, 1.5), None),
        (BY_KEY, (KEY_VALUE, "zz"), []),
        (BY_RANK, (KEY, 0), "c"),
        (BY_RANK, (RANK_RANGE, 1), [1, 1]),
        (BY_INDEX, (KEY, -1), "d"),
        (BY_RANK_RANGE, (KEY, 0, 3), ["c", "d", "a"]),
        (BY_RANK_RANGE, (INDEX, 0, 3), [2, 3, 0]),
        (BY_RANK_RANGE, (REVERSE_RANK, 1, 2), [1, 2]),
        (BY_RANK_RANGE, (KEY_VALUE, 0, 3), [("c", 3), ("d", 3), ("a", 7)]),
        (BY_RANK_RANGE, (ORDERED_MAP, 0, 3), [("a", 7), ("c", 3), ("d", 3)]),
        (BY_RANK_RANGE, (KEY | INVERTED, 0, 1), ["d", "a", "b"]),
        (BY_RANK_RANGE, (KEY | INVERTED, 1, 2), ["b", "c"]),
        (BY_RANK_RANGE, (RANK | INVERTED, 1, 2), [0, 3]),
        (BY_INDEX_RANGE, (RANK, 0, 3), [2, 3, 0]),
        (BY_INDEX_RANGE, (REVERSE_INDEX, 1, 2), [1, 2]),
        (BY_INTERVAL, (KEY, 3, 8), ["a", "c", "d"]),
        (BY_INTERVAL, (RANK, 3, 8), [0, 1, 2]),
        (BY_INTERVAL, (RANK_RANGE, 3, 9), [0, 3]),
        (BY_VALUES, (KEY, [9, 3]), ["b", "c", "d"]),
        (BY_VALUES, (RANK, [9, 3]), [3, 0, 1]),
        (BY_KEYS, (INDEX, ["c", "a", "c", "zz"]), [0, 2]),
        (BY_KEYS, (COUNT, ["a", "a", "zz"]), 1),
        (BY_KEYS, (EXISTS, ["zz"]), False),
        (BY_KEYS, (KEY | INVERTED, ["a"]), ["b", "c", "d"]),
        (BY_KEY_INTERVAL, (KEY, "b", INFINITY), ["b", "c", "d"]),
        (BY_KEY_INTERVAL, (KEY, None, "c"), ["a", "b"]),
        (BY_KEY_INTERVAL, (INDEX_RANGE, "bb", "bc"), [2, 0]),
        (BY_RELATIVE_INDEX, (KEY, "bb", -1, 2), ["b", "c"]),
        (BY_RELATIVE_RANK, (KEY, 5, -1, 2), ["d", "a"]),
        (BY_RELATIVE_RANK, (INDEX, 5, -2, 3), [2, 3, 0]),
    ],
)
def test_elements_are_found_and_told(op: int, args: tuple[Any, ...], result: Any) -> None:
    assert get(M, op, *args) == result
    order = KEY_ORDERED if (op, args[0]) != (BY_KEYS, INDEX) else 0
    assert get(ordered(M, order), op, *args) == result


def test_some_results_come_in_the_order_of_the_question() -> None:
    assert get(ordered(M, KEY_ORDERED), BY_KEYS, INDEX, ["c", "a", "c"]) == [2, 0, 2]
    assert get(ordered(M, KEY_VALUE_ORDERED), BY_VALUES, RANK, [9, 3]) == [3, 0, 1]


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        (BY_RANK, (RANK, 9), ResultCode.OP_NOT_APPLICABLE),
        (BY_RANK, (INDEX_RANGE, 1), ResultCode.OP_NOT_APPLICABLE),
        (BY_KEYS, (RANK, ["a"]), ResultCode.OP_NOT_APPLICABLE),
        (BY_KEYS, (VALUE, "a"), ResultCode.PARAMETER),
        (BY_KEYS, (VALUE | INVERTED, []), ResultCode.PARAMETER),  # ends a real server
        (BY_VALUES, (KEY | INVERTED, []), ResultCode.PARAMETER),  # ends a real server
        (111, (), ResultCode.PARAMETER),
        (16, (), ResultCode.INCOMPATIBLE_TYPE),
    ],
)
def test_reads_that_make_no_sense_are_refused(op: int, args: tuple[Any, ...], code: ResultCode) -> None:
    assert error_of(get, M, op, *args) == code


@pytest.mark.parametrize(
    ("op", "args", "result", "after"),
    [
        (PUT, ("a", 1, 0, NO_CREATE), 4, {**M, "a": 1}),
        (PUT, ("zz", 1, 0, NO_CREATE | NO_FAIL), 4, M),
        (PUT, ("a", 1, 0, NO_OVERWRITE | NO_FAIL), 4, M),
        (PUT_ITEMS, ({"a": 1, "e": 2}, 0, NO_OVERWRITE | NO_FAIL), 4, M),
        (PUT_ITEMS, ({"a": 1, "e": 2}, 0, NO_OVERWRITE | NO_FAIL | PARTIAL), 5, {**M, "e": 2}),
        (REPLACE_ITEMS, ({},), 4, M),
        (INCREMENT, ("a", 2.5), 9, {**M, "a": 9}),
        (INCREMENT, ("e", 2.5), 2.5, {**M, "e": 2.5}),
        (DECREMENT, ("e",), -1, {**M, "e": -1}),
        (REMOVE_BY_KEY, (KEY_VALUE, "a"), [("a", 7)], {"b": 9, "c": 3, "d": 3}),
        (REMOVE_BY_RANK_RANGE, (KEY | INVERTED, 0, 1), ["d", "a", "b"], {"c": 3}),
        (CLEAR, (), None, {}),
    ],
)
def test_maps_are_changed(op: int, args: tuple[Any, ...], result: Any, after: dict[str, Any]) -> None:
    assert put(M, op, *args) == (result, list(after.items()))


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        (PUT, ("a", 1, 0, NO_OVERWRITE), ResultCode.ELEMENT_EXISTS),
        (PUT, ("zz", 1, 0, NO_CREATE), ResultCode.ELEMENT_NOT_FOUND),
        (PUT_ITEMS, ({"a": 1, "e": 2}, 0, NO_OVERWRITE | PARTIAL), ResultCode.ELEMENT_EXISTS),
        (ADD, ("a", 1), ResultCode.ELEMENT_EXISTS),
        (REPLACE, ("zz", 1), ResultCode.ELEMENT_NOT_FOUND),
        (REPLACE, ("a", 1, 0), ResultCode.PARAMETER),
        (INCREMENT, ("a", 1, 0, 0), ResultCode.PARAMETER),
        (PUT, (None, 1), ResultCode.PARAMETER),
        (PUT, (1.5, 1), ResultCode.PARAMETER),
        (PUT, ("a", PackedMap(KEY_ORDERED, [(2, 1), (1, 1)])), ResultCode.PARAMETER),
        (SET_TYPE, (4,), ResultCode.OP_NOT_APPLICABLE),
    ],
)
def test_writes_that_make_no_sense_are_refused(op: int, args: tuple[Any, ...], code: ResultCode) -> None:
    assert error_of(put, M, op, *args) == code


def test_operations_that_add_make_the_map_and_others_do_nothing() -> None:
    assert put(None, PUT, "a", 1, KEY_ORDERED) == (1, [("a", 1)])
    assert put(None, PUT_ITEMS, {}) == (0, [])
    assert put(None, INCREMENT, "a", 2) == (2, [("a", 2)])
    assert put(None, REMOVE_BY_KEYS, VALUE, ["a"]) == (None, None)
    assert error_of(put, None, REPLACE, "a", 1) == ResultCode.ELEMENT_NOT_FOUND


def test_a_refused_element_makes_no_way_to_it() -> None:
    assert put({}, PUT, "a", 1, 0, NO_CREATE | NO_FAIL, ctx=[0x62, "q"]) == (0, [])
    assert put({}, PUT_ITEMS, {}, ctx=[0x62, "q"]) == (0, [("q", [])])
    assert put({}, SET_TYPE, KEY_ORDERED, ctx=[0x62, "q"]) == (None, [("q", [])])


@pytest.mark.parametrize(
    ("flags", "size", "op", "args", "result"),
    [
        (0, 2, ALL_BY_VALUE, (0,), False),
        (KEY_ORDERED, 2, ALL_BY_VALUE, (0,), False),
        (0, 0, ALL_BY_VALUE, (0,), False),
        (0, 2, BY_INTERVAL, (0, 1), False),
        (KEY_VALUE_ORDERED, 2, BY_INTERVAL, (0, 1), False),
        (0, 2, BY_KEY_INTERVAL, (0, 1), False),
        (0, 0, BY_KEY_INTERVAL, (0, 1), True),
        (KEY_ORDERED, 2, BY_KEY_INTERVAL, (0, 1), True),
        (KEY_ORDERED, 0, BY_KEY_INTERVAL, (0, 1), False),
        (0, 2, BY_RANK_RANGE, (0, 1), True),
        (0, 2, BY_INDEX_RANGE, (0, 1), True),
        (0, 2, BY_KEYS, ([0],), True),
    ],
)
def test_exists_inverted_tells_of_some_whether_nothing_was_selected(
    flags: int, size: int, op: int, args: tuple[Any, ...], result: bool
) -> None:
    entries = ordered({number: number for number in range(size)}, flags)
    assert get(entries, op, EXISTS | INVERTED, *args) is result


def test_all_but_an_empty_list_is_no_danger_as_a_value() -> None:
    entries = {1: [], 2: 3}
    assert get(entries, ALL_BY_VALUE, KEY | INVERTED, []) == [2]
    assert get(entries, BY_INTERVAL, VALUE | INVERTED, []) == [3]
    assert error_of(get, entries, BY_VALUES, KEY | INVERTED, []) == ResultCode.PARAMETER


@pytest.mark.parametrize("flags", [0, KEY_ORDERED])
def test_only_updating_what_is_there_fills_an_empty_map(flags: int) -> None:
    quiet = NO_CREATE | NO_FAIL | PARTIAL
    assert put(ordered({}, flags), PUT_ITEMS, {1: 2}, flags, quiet) == (1, [(1, 2)])
    assert put(ordered({}, flags), PUT, 1, 2, flags, quiet) == (0, [])
    assert put(ordered({0: 1}, flags), PUT_ITEMS, {0: 2, 1: 2}, flags, quiet) == (1, [(0, 2)])
    assert error_of(put, ordered({}, flags), PUT_ITEMS, {1: 2}, flags, NO_CREATE | PARTIAL) == (
        ResultCode.ELEMENT_NOT_FOUND
    )

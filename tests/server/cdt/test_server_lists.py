"""List operations: positions, order, flags, contexts. What they give was asked of a real server, 8.1.2."""

from __future__ import annotations

from typing import Any

import pytest
from server_values import INFINITY, WILDCARD, error_of, get, ordered, put

from pyspike.server.protocol.result import ResultCode

L = [7, 3, 9, 3, 5]
INDEX, REVERSE_INDEX, RANK, REVERSE_RANK, COUNT, KEY, VALUE = range(1, 8)
INDEX_RANGE, REVERSE_INDEX_RANGE, RANK_RANGE, REVERSE_RANK_RANGE, EXISTS = 9, 10, 11, 12, 13
INVERTED = 0x10000
SET_TYPE, APPEND, APPEND_ITEMS, INSERT, INSERT_ITEMS, POP, POP_RANGE, REMOVE, REMOVE_RANGE = range(9)
SET, TRIM, CLEAR, INCREMENT, SORT = range(9, 14)
SIZE, GET, GET_RANGE, BY_INDEX, BY_VALUE, BY_RANK, ALL_BY_VALUE, BY_VALUES = range(16, 24)
BY_INDEX_RANGE, BY_INTERVAL, BY_RANK_RANGE, BY_RELATIVE_RANK = range(24, 28)
UNIQUE, BOUNDED, NO_FAIL, PARTIAL = 1, 2, 4, 8


@pytest.mark.parametrize(
    ("op", "args", "result"),
    [
        (BY_INDEX_RANGE, (VALUE, -2), [3, 5]),
        (BY_INDEX_RANGE, (VALUE, -9, 6), [7, 3]),
        (BY_INDEX_RANGE, (VALUE, 1, -1), [3, 9, 3, 5]),
        (BY_INDEX_RANGE, (INDEX_RANGE, 10, 2), [5, 0]),
        (BY_INDEX_RANGE, (REVERSE_INDEX_RANGE, 1, 2), [2, 2]),
        (BY_INDEX_RANGE, (REVERSE_INDEX, 1, 2), [2, 3]),
        (BY_INDEX_RANGE, (REVERSE_INDEX | INVERTED, 1, 2), [4, 0, 1]),
        (BY_INDEX, (INDEX_RANGE, 1), [1, 1]),
        (BY_INDEX, (RANK, 3), 0),
        (BY_RANK, (VALUE, -1), 9),
        (BY_RANK_RANGE, (INDEX, 1, 3), [0, 3, 4]),
        (BY_RANK_RANGE, (VALUE, 1, 3), [7, 5, 3]),
        (BY_RANK_RANGE, (VALUE, 2, 2), [5, 7]),
        (BY_RANK_RANGE, (RANK, 1, 3), [1, 2, 3]),
        (BY_RANK_RANGE, (REVERSE_RANK_RANGE, 1, 2), [2, 2]),
        (ALL_BY_VALUE, (REVERSE_INDEX, 3), [3, 1]),
        (ALL_BY_VALUE, (REVERSE_RANK, 3), [3, 4]),
        (ALL_BY_VALUE, (VALUE, WILDCARD), [7, 3, 9, 3, 5]),
        (ALL_BY_VALUE, (EXISTS | INVERTED, 3), False),
        (BY_VALUE, (RANK, 3), 0),
        (BY_VALUE, (VALUE, 99), None),
        (BY_VALUE, (INDEX, 99), -1),
        (BY_VALUES, (INDEX, [3, 3, 99]), [1, 3]),
        (BY_VALUES, (RANK, [9, 3]), [4, 0, 1]),
        (BY_INTERVAL, (VALUE, 3, 7), [3, 3, 5]),
        (BY_INTERVAL, (VALUE, 5, INFINITY), [7, 9, 5]),
        (BY_INTERVAL, (VALUE, None, 5), [3, 3]),
        (BY_INTERVAL, (VALUE, 5, None), []),
        (BY_INTERVAL, (RANK_RANGE, 4, 4), [2, 0]),
        (BY_RELATIVE_RANK, (VALUE, 4, 0, 2), [5, 7]),
        (BY_RELATIVE_RANK, (RANK, 4, -1, 2), [1, 2]),
        (BY_RELATIVE_RANK, (COUNT, 4, -9), 5),
        (BY_RELATIVE_RANK, (COUNT, 4, 9, 2), 0),
    ],
)
def test_elements_are_found_and_told(op: int, args: tuple[Any, ...], result: Any) -> None:
    assert get(L, op, *args) == result


@pytest.mark.parametrize(
    ("op", "args", "result"),
    [
        (BY_VALUES, (VALUE, [5, 3]), [5, 3, 3]),
        (BY_VALUES, (REVERSE_INDEX, [9, 3]), [0, 3, 4]),
        (BY_VALUES, (REVERSE_INDEX | INVERTED, [3, 5]), [1, 0]),
        (BY_INTERVAL, (INDEX_RANGE, 3, 6), [0, 3]),
        (BY_INDEX_RANGE, (RANK_RANGE, 1, 2), [1, 2]),
        (BY_RANK_RANGE, (REVERSE_INDEX, 1, 2), [2, 3]),
    ],
)
def test_ranks_of_an_ordered_list_are_its_indexes(op: int, args: tuple[Any, ...], result: Any) -> None:
    assert get(ordered([3, 3, 5, 7, 9]), op, *args) == result


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        (GET, (5,), ResultCode.OP_NOT_APPLICABLE),
        (GET, (1.0,), ResultCode.PARAMETER),
        (GET, (), ResultCode.PARAMETER),
        (GET, (0, 0), ResultCode.PARAMETER),
        (BY_INDEX, (VALUE | INVERTED, 0), ResultCode.OP_NOT_APPLICABLE),
        (BY_INDEX, (KEY, 0), ResultCode.OP_NOT_APPLICABLE),
        (BY_INDEX, (99, 0), ResultCode.OP_NOT_APPLICABLE),
        (BY_VALUES, (RANK_RANGE, [3]), ResultCode.OP_NOT_APPLICABLE),
        (BY_RANK_RANGE, (INDEX_RANGE, 1, 2), ResultCode.OP_NOT_APPLICABLE),
        (BY_INDEX_RANGE, (INDEX_RANGE | INVERTED, 1, 2), ResultCode.OP_NOT_APPLICABLE),
        (96, (), ResultCode.INCOMPATIBLE_TYPE),
        (APPEND, (1,), ResultCode.PARAMETER),
        (60, (), ResultCode.PARAMETER),
    ],
)
def test_reads_that_make_no_sense_are_refused(op: int, args: tuple[Any, ...], code: ResultCode) -> None:
    assert error_of(get, L, op, *args) == code


@pytest.mark.parametrize(
    ("op", "args", "result", "after"),
    [
        (APPEND, (3, 0, UNIQUE | NO_FAIL), 5, L),
        (APPEND_ITEMS, ([3, 11, 11], 0, UNIQUE | NO_FAIL | PARTIAL), 6, [*L, 11]),
        (INSERT, (7, 8), 8, [*L, None, None, 8]),
        (INSERT, (-2, 8), 6, [7, 3, 9, 8, 3, 5]),
        (INSERT, (7, 8, BOUNDED | NO_FAIL), 5, L),
        (INSERT_ITEMS, (7, []), 5, L),
        (SET, (5, 1, BOUNDED), None, [*L, 1]),
        (INCREMENT, (6, 5), 5, [*L, None, 5]),
        (INCREMENT, (0, 2.7), 9, [9, 3, 9, 3, 5]),
        (INCREMENT, (0, None), 8, [8, 3, 9, 3, 5]),
        (INCREMENT, (0, 2, 0, UNIQUE | NO_FAIL), 9, L),
        (SORT, (1,), None, [9, 7, 5, 3, 3]),
        (SORT, (2,), None, [3, 5, 7, 9]),
        (TRIM, (9, 2), 5, []),
        (TRIM, (1, -1), 1, [3, 9, 3, 5]),
        (POP, (-1,), 5, [7, 3, 9, 3]),
        (POP_RANGE, (9,), [], L),
        (REMOVE_RANGE, (-9, 6), 2, [9, 3, 5]),
        (CLEAR, (1,), None, []),
        (SET_TYPE, (1,), None, [3, 3, 5, 7, 9]),
        (36, (VALUE | INVERTED, [3, 9]), [7, 5], [3, 9, 3]),
        (33, (VALUE, 3), 3, [7, 9, 3, 5]),
    ],
)
def test_lists_are_changed(op: int, args: tuple[Any, ...], result: Any, after: Any) -> None:
    assert put(L, op, *args) == (result, after)


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        (APPEND, (3, 0, UNIQUE), ResultCode.ELEMENT_EXISTS),
        (APPEND, (3, 0, UNIQUE | PARTIAL), ResultCode.ELEMENT_EXISTS),
        (APPEND_ITEMS, ([11, 11], 0, UNIQUE), ResultCode.OP_NOT_APPLICABLE),
        (APPEND, (WILDCARD,), ResultCode.PARAMETER),
        (INSERT, (7, 8, BOUNDED), ResultCode.OP_NOT_APPLICABLE),
        (INSERT, (-9, 8), ResultCode.OP_NOT_APPLICABLE),
        (SORT, (3,), ResultCode.PARAMETER),
        (SET_TYPE, (2,), ResultCode.OP_NOT_APPLICABLE),
        (INCREMENT, (0, "x"), ResultCode.PARAMETER),
        (POP, (5,), ResultCode.OP_NOT_APPLICABLE),
        (SIZE, (), ResultCode.PARAMETER),
    ],
)
def test_writes_that_make_no_sense_are_refused(op: int, args: tuple[Any, ...], code: ResultCode) -> None:
    assert error_of(put, L, op, *args) == code


def test_an_ordered_list_stays_in_order() -> None:
    assert put(ordered([3, 5, 9]), APPEND, 4) == (4, [3, 4, 5, 9])
    assert put(ordered([3, 5, 9]), APPEND_ITEMS, [10, "x", None]) == (6, [None, 3, 5, 9, 10, "x"])
    assert put(ordered([3, 5, 9]), INCREMENT, 0, 20) == (23, [5, 9, 23])
    assert error_of(put, ordered([3]), INSERT, 0, 1) == ResultCode.OP_NOT_APPLICABLE
    assert error_of(put, ordered([3]), SET, 0, 1) == ResultCode.OP_NOT_APPLICABLE


def test_operations_that_add_make_the_list_and_others_do_nothing() -> None:
    assert put(None, APPEND, 3, 1) == (1, [3])
    assert put(None, INSERT, 2, 5) == (3, [None, None, 5])
    assert put(None, POP, 0) == (None, None)
    assert put(None, POP) == (None, None)
    assert error_of(put, None, SORT) == ResultCode.INCOMPATIBLE_TYPE
    assert error_of(put, None, SET, 2, 5, BOUNDED) == ResultCode.OP_NOT_APPLICABLE


@pytest.mark.parametrize(
    ("value", "ctx", "after"),
    [
        (None, [0x90, 3], [None, None, None, [6]]),
        (None, [0xD0, 3], [[6]]),
        (None, [0xA2, "a", 0x62, "b"], [("a", [("b", [6])])]),
        (None, [0xA2, "a", 0x90, 1, 0xE2, "z"], [("a", [None, [("z", [6])]])]),
        ([1, 2], [0x50, 2], [1, 2, [6]]),
        ([[1], [2]], [0x10, -1], [[1], [2, 6]]),
        ([[2], [1]], [0x11, 0], [[2], [1, 6]]),
        ([[2], [1]], [0x13, [1]], [[2], [1, 6]]),
        ({"a": [1]}, [0x20, 0], [("a", [1, 6])]),
        ({"a": [1]}, [0x21, -1], [("a", [1, 6])]),
        ({"a": [1]}, [0x23, [1]], [("a", [1, 6])]),
        ({"a": [1]}, [0x62, "b"], [("a", [1]), ("b", [6])]),
    ],
)
def test_a_context_leads_to_a_list_or_makes_it(value: Any, ctx: list[Any], after: Any) -> None:
    assert put(value, APPEND, 6, ctx=ctx)[1] == after


def test_an_element_that_changes_finds_its_new_place() -> None:
    assert put(ordered([[1], [2]]), SET, 0, 9, ctx=[0x10, 0]) == (None, [[2], [9]])


@pytest.mark.parametrize(
    ("value", "ctx", "code"),
    [
        ([[1]], [0x10, 9], ResultCode.OP_NOT_APPLICABLE),
        ([[1]], [0x22, "a"], ResultCode.OP_NOT_APPLICABLE),
        ([[1]], [0x77, 0], ResultCode.OP_NOT_APPLICABLE),
        ([1], [0x10, 0], ResultCode.INCOMPATIBLE_TYPE),
        ([None], [0x50, 0], ResultCode.INCOMPATIBLE_TYPE),
        ([{}], [0x10, 0], ResultCode.INCOMPATIBLE_TYPE),
        ([], [], ResultCode.PARAMETER),
        ([], [0x10], ResultCode.PARAMETER),
        ([], [0x50, 1], ResultCode.OP_NOT_APPLICABLE),
        (None, [0x90, -1], ResultCode.OP_NOT_APPLICABLE),  # ends a real server
        (None, [0x51, 0], ResultCode.OP_NOT_APPLICABLE),
        ({}, [0x62, 1.5], ResultCode.PARAMETER),  # a real server stores a map that no client can read
    ],
)
def test_a_context_that_leads_nowhere_is_refused(value: Any, ctx: list[Any], code: ResultCode) -> None:
    assert error_of(put, value, APPEND, 6, ctx=ctx) == code


def test_nothing_is_made_for_an_operation_that_removes() -> None:
    assert put({}, CLEAR, ctx=[0x62, "q"]) == (None, [])


@pytest.mark.parametrize(
    ("items", "op", "args", "result"),
    [
        ([0, 1], ALL_BY_VALUE, (0,), False),
        ([0, 1], ALL_BY_VALUE, (9,), True),
        ([], ALL_BY_VALUE, (0,), True),
        ([0, 1], BY_INTERVAL, (0, 1), False),
        ([0, 1], BY_RANK_RANGE, (0, 1), False),
        ([0, 1], BY_RANK_RANGE, (9,), True),
        ([], BY_RANK_RANGE, (0,), False),
        ([], BY_RELATIVE_RANK, (0, 0), False),
        ([0, 1], BY_INDEX_RANGE, (0, 1), True),
        ([0, 1], BY_VALUES, ([0],), True),
    ],
)
def test_exists_inverted_tells_of_some_whether_nothing_was_selected(
    items: list[Any], op: int, args: tuple[Any, ...], result: bool
) -> None:
    assert get(items, op, EXISTS | INVERTED, *args) is result


@pytest.mark.parametrize("index", [0, -2])
def test_a_unique_value_may_take_its_own_place(index: int) -> None:
    assert put([1, 2], SET, index, 1, UNIQUE) == (None, [1, 2])
    assert put([1, 2], INCREMENT, index, 0, 0, UNIQUE) == (1, [1, 2])
    assert error_of(put, [1, 2], SET, index, 2, UNIQUE) == ResultCode.ELEMENT_EXISTS
    assert error_of(put, [1, 2], INCREMENT, index, 1, 0, UNIQUE) == ResultCode.ELEMENT_EXISTS
    assert error_of(put, [1, 2, 1], SET, index, 1, UNIQUE) == ResultCode.ELEMENT_EXISTS

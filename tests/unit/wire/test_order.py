"""Ordered lists: read as `OrderedList`, written with their mark and sorted as the server sorts."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import GeoJSON, HyperLogLog, KeyOrderedDict, OrderedList, RawParticle, exp
from pyspike._wire import pack_element, pack_value, unpack_value
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.operations import lists
from support import packed, strategies

LIST = 20
MARK = b"\xc7\0\x01"

# One value after another as a node of Aerospike 8.1.2 has them (asked pair by pair).
IN_ORDER: list[Any] = [
    None,
    False,
    True,
    -(2**63),
    -5,
    -1,
    0,
    5,
    200,
    2**63 - 1,
    "",
    "a",
    "aa",
    "é",
    "\uffff",
    "\U00010000",
    [],
    [1],
    [1, 1],
    [2],
    ["a"],
    {},
    {1: 1},
    {1: 2},
    {2: 0},
    {1: 1, 2: 1},
    {1: 1, 3: 1},
    RawParticle(0, b""),
    b"",
    b"\0",
    b"a",
    b"aa",
    RawParticle(7, b"a"),
    RawParticle(12, b"a"),
    HyperLogLog(b"\0\4\0"),
    -math.inf,
    -1.5,
    0.5,
    math.inf,
    math.nan,
    GeoJSON("[]"),
    GeoJSON("{}"),
]


def test_each_value_has_the_place_that_the_server_gives_it() -> None:
    for at, low in enumerate(IN_ORDER):
        for high in IN_ORDER[at + 1 :]:
            expected = pack_value(OrderedList([low, high]))
            assert expected == (LIST, b"\x93" + MARK + pack_element(low) + pack_element(high))
            assert pack_value(OrderedList([high, low])) == expected, (low, high)


@strategies.bounded
@given(st.permutations(IN_ORDER))
def test_a_list_is_sent_sorted_whatever_its_order(values: list[Any]) -> None:
    assert pack_value(OrderedList(values)) == pack_value(OrderedList(IN_ORDER))


def test_an_ordered_list_comes_back_as_one() -> None:
    for value in (OrderedList(), OrderedList([1, 2, 2]), OrderedList(["a", OrderedList([1])])):
        read = unpack_value(*pack_value(value))
        assert type(read) is OrderedList
        assert read == value
    (inner,) = unpack_value(*pack_value([OrderedList([2, 1])]))
    assert (type(inner), inner) == (OrderedList, [1, 2])
    read = unpack_value(*pack_value({"k": OrderedList([2, 1])}))
    assert (type(read["k"]), read) == (OrderedList, {"k": [1, 2]})
    assert type(unpack_value(LIST, b"\x92\xc7\0\0\1")) is list, "a mark without the flag"


@strategies.bounded
@given(st.lists(strategies.values, max_size=40))
def test_what_was_read_is_written_back_byte_for_byte(values: list[Any]) -> None:
    particle, data = pack_value(OrderedList(values))
    read = unpack_value(particle, data)
    assert type(read) is OrderedList
    assert len(read) == len(values)
    assert pack_value(read) == (particle, data)
    assert packed.encode(packed.decode(data)) == data


@strategies.bounded
@given(st.lists(strategies.integers, max_size=300))
def test_integers_are_sorted_as_python_sorts_them(values: list[int]) -> None:
    assert unpack_value(*pack_value(OrderedList(values))) == sorted(values)


@strategies.bounded
@given(st.lists(strategies.texts | strategies.blobs, max_size=100))
def test_texts_go_before_bytes_and_by_their_bytes(values: list[str | bytes]) -> None:
    expected = [
        *sorted((value for value in values if isinstance(value, str)), key=str.encode),
        *sorted(value for value in values if isinstance(value, bytes)),
    ]
    assert unpack_value(*pack_value(OrderedList(values))) == expected


@strategies.bounded
@given(st.lists(st.floats(), max_size=100))
def test_floats_are_sorted_and_what_is_no_number_goes_behind_them(values: list[float]) -> None:
    read = unpack_value(*pack_value(OrderedList(values)))
    numbers = sorted(value for value in values if value == value)
    assert read[: len(numbers)] == numbers
    assert all(value != value for value in read[len(numbers) :])


@strategies.bounded
@given(st.lists(st.lists(strategies.integers, max_size=4), max_size=50))
def test_lists_are_sorted_by_their_elements(values: list[list[int]]) -> None:
    assert unpack_value(*pack_value(OrderedList(values))) == sorted(values)


@strategies.bounded
@given(st.lists(st.dictionaries(st.integers(0, 3), st.integers(0, 2), max_size=3), max_size=30))
def test_dicts_are_sorted_as_the_server_keeps_them(values: list[dict[int, int]]) -> None:
    """It compares maps as they are sent, and puts them in the order of their keys after that."""
    read = unpack_value(*pack_value(OrderedList(values)))
    ranks = [(len(item), list(item.items())) for item in read]
    assert ranks == sorted(ranks)
    assert all(list(item) == sorted(item) for item in read)


def test_the_dicts_of_an_operation_are_sent_in_key_order() -> None:
    """`get_by_value` would not find {1: 1, 2: 1} by {2: 1, 1: 1} otherwise."""
    assert lists.get_by_value("b", {2: 1, 1: 1}) == lists.get_by_value("b", {1: 1, 2: 1})
    assert lists.get_by_value("b", [{"b": {"z": 1, "a": 2}, "a": 1}]) == lists.get_by_value(
        "b", [{"a": 1, "b": {"a": 2, "z": 1}}]
    )
    keys = {b"x": 1, "a": 1, 7: 1, -1: 1}
    assert lists.get_by_value("b", keys) == lists.get_by_value("b", dict(reversed(keys.items())))


def test_an_ordered_list_in_an_operation_keeps_its_kind() -> None:
    made = lists.append("b", OrderedList([2, 1]))
    assert repr(made).startswith("lists.append('b', OrderedList([1, 2])")
    assert lists.append_items("b", OrderedList([2, 1])) == lists.append_items("b", [2, 1])
    literal = exp.val(OrderedList([2, 1]))
    assert literal.type is exp.ExpType.LIST
    assert repr(literal) == "exp.val(OrderedList([1, 2]))"
    assert exp.list_val(OrderedList([2, 1])).same_as(literal)
    assert exp.lists.get_by_index(exp.list_bin("b"), 0, value_type=OrderedList).type is exp.ExpType.LIST


def test_a_raw_list_is_sorted_among_others() -> None:
    longest = RawParticle(LIST, b"\x91" + b"\xdd\0\0\0\1\1")  # lengths that the server makes shorter
    for first in ([[0]], [], None):
        assert pack_value(OrderedList([longest, first])) == pack_value(OrderedList([first, longest]))


@pytest.mark.parametrize("size", [14, 15, 16, 65534, 65535])
def test_lists_of_all_sizes_are_sorted(size: int) -> None:
    assert unpack_value(*pack_value(OrderedList(range(size, 0, -1)))) == list(range(1, size + 1))


def test_what_is_in_an_ordered_list_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidType, match=r"value\[1\]\['a'\]\[0\]: set is not"):
        pack_value(OrderedList([1, {"a": OrderedList([{1}])}]))
    endless: OrderedList[Any] = OrderedList([1])
    endless.append(endless)
    with pytest.raises(InvalidArgument, match="nested deeper than 256 levels"):
        pack_value(endless)


def test_an_ordered_list_that_changes_while_it_is_packed_is_an_error() -> None:
    class Index:
        def __init__(self, change: Any) -> None:
            self.change = change

        def __index__(self) -> int:
            self.change()
            return 1

    for change in (OrderedList.clear, lambda rows: rows.append(1)):
        rows: OrderedList[Any] = OrderedList([1, 2, 3])
        rows[0] = Index(lambda change=change, rows=rows: change(rows))
        with pytest.raises(InvalidArgument, match="the list changed its size"):
            pack_value(rows)


def test_an_ordered_list_is_a_list() -> None:
    rows = OrderedList([2, 1])
    assert rows == [2, 1]
    assert repr(rows) == "OrderedList([2, 1])"
    for twin in (rows.copy(), copy.copy(rows), copy.deepcopy(rows), pickle.loads(pickle.dumps(rows))):
        assert (type(twin), twin, twin is rows) == (OrderedList, rows, False)
    assert KeyOrderedDict(a=rows)["a"] is rows

"""Random operations on lists and maps give what Python lists and dicts give; two ways to normalise agree."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from server_values import INFINITY, get, ordered, packed, plain, put

from pyspike.server.protocol.result import RequestError
from pyspike.server.values.decoding import decode
from pyspike.server.values.encoding import encode
from pyspike.server.values.normalising import normalise, storable
from pyspike.server.values.ordering import compare, ranked, sort_key
from pyspike.server.values.packed import PackedError, PackedList, PackedMap, Value
from support.examples import examples

INDEX, RANK, COUNT, VALUE, INVERTED = 1, 3, 5, 7, 0x10000
RELAXED = settings(max_examples=examples(40))

numbers = st.integers(-5, 5)
positions = st.integers(-8, 8)
counts = st.integers(0, 8)
small = st.lists(numbers, max_size=7)
pairs = st.dictionaries(numbers, numbers, max_size=7)


def window(items: list[Any], start: int, count: int) -> list[Any]:
    """Python's own slice, of a start that counts from the end and a count."""
    first = start + len(items) if start < 0 else start
    return items[max(first, 0) : max(first + count, 0)]


@RELAXED
@given(small, positions, counts)
def test_ranges_of_lists_are_slices(items: list[int], start: int, count: int) -> None:
    part = window(items, start, count)
    assert get(items, 24, VALUE, start, count) == part
    assert get(items, 18, start, count) == part
    assert put(items, 6, start, count)[0] == part
    assert put(items, 10, start, count) == (len(items) - len(part), part)
    assert get(items, 24, COUNT | INVERTED, start, count) == len(items) - len(part)


@RELAXED
@given(small, positions, counts)
def test_ranges_of_ranks_are_slices_of_the_sorted_list(items: list[int], start: int, count: int) -> None:
    part = window(sorted(items), start, count)
    assert sorted(get(items, 26, VALUE, start, count)) == part
    assert get(ordered(sorted(items)), 26, VALUE, start, count) == part
    result, after = put(items, 39, VALUE | INVERTED, start, count)
    assert sorted(after) == part
    assert sorted(result + after) == sorted(items)


@RELAXED
@given(small, numbers, numbers)
def test_intervals_hold_what_is_between(items: list[int], begin: int, end: int) -> None:
    assert get(items, 25, VALUE, begin, end) == [item for item in items if begin <= item < end]
    assert get(items, 25, VALUE, begin, INFINITY) == [item for item in items if begin <= item]
    assert get(items, 25, COUNT, None, end) == sum(item < end for item in items)


@RELAXED
@given(small, numbers, positions, counts)
def test_relative_ranks_count_from_the_place_of_a_value(
    items: list[int], value: int, offset: int, count: int
) -> None:
    by_rank = sorted(items)
    place = sum(item < value for item in items) + offset
    part = by_rank[max(place, 0) : max(place + count, 0)]
    assert sorted(get(items, 27, VALUE, value, offset, count)) == part
    assert get(ordered(by_rank), 27, VALUE, value, offset, count) == part


writes = st.one_of(
    st.tuples(st.just("append"), numbers),
    st.tuples(st.just("insert"), st.integers(0, 4), numbers),
    st.tuples(st.just("set"), st.integers(0, 4), numbers),
    st.tuples(st.just("pop"), positions),
    st.tuples(st.just("sort")),
    st.tuples(st.just("remove value"), numbers),
)


@RELAXED
@given(small, st.lists(writes, max_size=15))
def test_lists_change_as_python_lists_do(items: list[int], steps: list[tuple[Any, ...]]) -> None:
    model: list[Any] = list(items)
    value = packed(items)
    for name, *args in steps:
        if name == "append":
            model.append(args[0])
            _, after = put(value, 1, *args)
        elif name in ("insert", "set"):
            model += [None] * (args[0] - len(model))
            model[args[0] : args[0] + (name == "set")] = [args[1]]
            _, after = put(value, 3 if name == "insert" else 9, *args)
        elif name == "pop":
            try:
                wanted = model.pop(args[0])
            except IndexError:
                continue
            result, after = put(value, 5, *args)
            assert result == wanted
        elif name == "sort":
            model.sort(key=lambda item: (item is not None, item))
            _, after = put(value, 13)
        else:
            model = [item for item in model if item != args[0]]
            _, after = put(value, 35, COUNT, *args)
        assert after == model
        value = packed(after)


@RELAXED
@given(pairs, numbers, numbers, positions, counts)
def test_maps_are_searched_as_dicts_are(
    mapping: dict[int, int], begin: int, end: int, start: int, count: int
) -> None:
    by_key = sorted(mapping.items())
    by_rank = sorted(by_key, key=lambda pair: (pair[1], pair[0]))
    for order in (0, 1, 3):
        value = ordered(mapping, order)
        assert get(value, 97, VALUE, begin) == mapping.get(begin)
        assert get(value, 103, 8, begin, end) == [pair for pair in by_key if begin <= pair[0] < end]
        assert get(value, 105, 8, begin, end) == [pair for pair in by_key if begin <= pair[1] < end]
        assert get(value, 104, 8, start, count) == window(by_key, start, count)
        assert get(value, 106, 8, start, count) == window(by_rank, start, count)
        keys = [begin, end]
        assert get(value, 107, 8, keys) == [pair for pair in by_key if pair[0] in keys]
        assert get(value, 108, 8, keys) == [pair for pair in by_key if pair[1] in keys]


@RELAXED
@given(pairs, st.lists(st.tuples(st.sampled_from(("put", "add", "remove", "replace")), numbers, numbers)))
def test_maps_change_as_dicts_do(mapping: dict[int, int], steps: list[tuple[str, int, int]]) -> None:
    model, value = dict(mapping), ordered(mapping, 1)
    for name, key, number in steps:
        if name == "remove":
            result, _ = put(value, 76, VALUE, key)
            assert result == model.pop(key, None)
            continue
        is_refused = (name == "add" and key in model) or (name == "replace" and key not in model)
        try:
            put(value, {"put": 67, "add": 65, "replace": 69}[name], key, number)
            assert not is_refused
            model[key] = number
        except RequestError:
            assert is_refused
        assert plain(value) == sorted(model.items())


scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.binary(max_size=4),
)
keys = st.one_of(st.integers(-9, 60000), st.text(max_size=4), st.binary(max_size=3))
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(keys, inner, max_size=10),
    max_leaves=25,
)


@RELAXED
@given(st.lists(values, max_size=8))
def test_the_order_by_keys_is_the_order_by_comparison(items: list[Any]) -> None:
    model = [packed(item) for item in items]
    for one in model:
        for two in model:
            left, right = sort_key(one), sort_key(two)
            assert compare(one, two) == (left > right) - (left < right)
    in_order = [model[index] for index in ranked(model)]
    assert all(compare(one, two) <= 0 for one, two in pairwise(in_order))


def unsorted(value: Value, draw: Any) -> Value:
    """The value with the pairs of its maps in any order."""
    if isinstance(value, PackedList):
        return PackedList(0, [unsorted(item, draw) for item in value.items])
    if isinstance(value, PackedMap):
        mixed = draw(st.permutations(value.pairs))
        return PackedMap(0, [(key, unsorted(item, draw)) for key, item in mixed])
    return value


@RELAXED
@given(st.dictionaries(keys, values, max_size=10), st.data())
def test_the_quick_way_to_normalise_gives_what_the_thorough_one_gives(
    mapping: dict[Any, Any], data: st.DataObject
) -> None:
    wanted = encode(packed(mapping))
    sent = encode(unsorted(packed(mapping), data.draw))
    assert normalise(sent, want_map=True) == encode(storable(decode(sent))) == wanted


@RELAXED
@given(st.binary(max_size=30))
def test_the_quick_way_takes_nothing_that_the_thorough_one_refuses(tail: bytes) -> None:
    for head in (b"\x92", b"\x82", b"\x91\xc4", b"\x81\x01\xca", b"\x82\xa2\x03"):
        want_map = head[0] & 0xF0 == 0x80
        try:
            kept = normalise(head + tail, want_map=want_map)
        except PackedError:
            continue
        assert kept == encode(storable(decode(head + tail)))

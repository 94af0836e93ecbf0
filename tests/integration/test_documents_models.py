"""Random sequences of operations on a list and a map do what they do to a plain Python list and dict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyspike import (
    Client,
    Key,
    KeyOrderedDict,
    KeyValueOrderedDict,
    ListOrder,
    ListReturnType,
    MapOrder,
    MapReturnType,
    Operation,
)
from pyspike import operations as op
from pyspike.errors import OpNotApplicable
from pyspike.operations import context, lists, maps
from support.examples import examples

# What makes an operation, given where, and what it does to the model.
Step = tuple[Callable[..., Operation], Callable[[Any], Any]]
L, M = ListReturnType, MapReturnType

ROUNDS = settings(
    max_examples=examples(50),
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

values = st.integers(-3, 3) | st.sampled_from([2**40, -(2**63), 2**63 - 1])
positions = st.integers(-7, 7)
counts = st.integers(1, 4)  # 0 is an error of the server's
bounds = st.none() | st.integers(-4, 4)


WHERE = {
    "in a bin": ([], lambda value: value),
    "in a document": ([context.map_key("a"), context.list_index(1)], lambda value: {"a": ["x", value, 1]}),
}
everywhere = pytest.mark.parametrize("where", WHERE)


def run_both(client: Client, key: Key, where: str, model: Any, steps: list[Step]) -> None:
    """Each step in a command of its own; a step that the model refuses the server refuses as well."""
    ctx, around = WHERE[where]
    for make, act in steps:
        operation = make(ctx=ctx)
        try:
            expected = act(model)
        except IndexError:
            with pytest.raises(OpNotApplicable):
                client.operate(key, [operation])
            continue
        found = client.operate(key, [operation, op.get("b")]).results
        assert found == [expected, around(model)], operation


# Lists ------------------------------------------------------------------------------------------------------


def place(index: int, size: int) -> int:
    """Where a negative index is; before the start there is nothing."""
    if index < -size:
        raise IndexError(index)
    return index if index >= 0 else index + size


def within(index: int, count: int | None, size: int) -> slice:
    """The part of a sequence that a range is: what is outside is left out."""
    start = index if index >= 0 else index + size
    end = size if count is None else start + count
    return slice(max(start, 0), max(end, 0))


def do(action: Callable[[Any], Any], gives: Callable[[Any], Any] = lambda model: None) -> Any:
    """An act that changes the model by an expression, and gives something of it."""

    def act(model: Any) -> Any:
        action(model)
        return gives(model)

    return act


def insert_into(model: list[Any], index: int, value: Any) -> None:
    start = place(index, len(model))
    model.extend([None] * (start - len(model)))
    model.insert(start, value)


def set_in(model: list[Any], index: int, value: Any) -> None:
    start = place(index, len(model))
    model.extend([None] * (start + 1 - len(model)))
    model[start] = value


def ordering(value: Any) -> tuple[bool, Any]:
    """None is below all numbers."""
    return value is not None, value or 0


def ranked(model: list[Any]) -> list[Any]:
    return sorted(model, key=ordering)


def is_between(value: Any, begin: int | None, end: int | None) -> bool:
    above = begin is None or ordering(value) >= ordering(begin)
    return above and (end is None or ordering(value) < ordering(end))


def take(model: list[Any], chosen: Callable[[Any], bool]) -> int:
    """Remove what is chosen; how many that were."""
    before = len(model)
    model[:] = [value for value in model if not chosen(value)]
    return before - len(model)


def cut(model: list[Any], part: slice) -> list[Any]:
    found = model[part]
    del model[part]
    return found


def taking(
    make: Callable[..., Operation], act: Callable[..., Any], *arguments: Any
) -> st.SearchStrategy[Step]:
    """Steps with random arguments, the same for the operation and for the model."""
    return st.tuples(*arguments).map(
        lambda given: (partial(make, "b", *given), lambda model: act(model, *given))
    )


reading_lists = st.one_of(
    taking(lists.size, len),
    taking(lists.get, lambda m, i: m[i], positions),
    taking(lists.get_range, lambda m, i, n: m[within(i, n, len(m))], positions, counts | st.none()),
    taking(lists.get_by_index, lambda m, i: m[i], positions),
    taking(lists.get_by_rank, lambda m, r: ranked(m)[r], positions),
    taking(partial(lists.get_by_value, return_type=L.COUNT), lambda m, v: m.count(v), values),
    taking(
        partial(lists.get_by_value, return_type=L.INDEX, inverted=True),
        lambda m, v: [index for index, value in enumerate(m) if value != v],
        values,
    ),
    taking(
        partial(lists.get_by_value_range, return_type=L.COUNT),
        lambda m, x, y: sum(is_between(value, x, y) for value in m),
        bounds,
        bounds,
    ),
)
removing_lists = st.one_of(
    taking(lists.pop, lambda m, i: m.pop(i), positions),
    taking(lists.pop_range, lambda m, i, n: cut(m, within(i, n, len(m))), positions, counts),
    taking(lists.remove_range, lambda m, i, n: len(cut(m, within(i, n, len(m)))), positions, counts),
    taking(lists.remove_by_value, lambda m, v: take(m, lambda value: value == v), values),
    taking(
        lists.remove_by_value_list,
        lambda m, v: take(m, lambda value: value in v),
        st.lists(values, max_size=3),
    ),
    taking(
        lists.remove_by_value_range,
        lambda m, x, y: take(m, lambda value: is_between(value, x, y)),
        bounds,
        bounds,
    ),
    taking(lists.clear, list.clear),
)
writing_lists = st.one_of(
    taking(lists.append, lambda m, v: do(lambda m: m.append(v), len)(m), values),
    taking(
        lists.append_items,
        lambda m, v: do(lambda m: m.extend(v), len)(m),
        st.lists(values, min_size=1, max_size=3),
    ),
)
placing = st.one_of(
    taking(lists.insert, lambda m, i, v: do(lambda m: insert_into(m, i, v), len)(m), positions, values),
    taking(lists.set, set_in, positions, values),
    taking(lists.sort, lambda m: m.sort(key=ordering)),
)


@everywhere
@ROUNDS
@given(
    start=st.lists(values, max_size=6),
    steps=st.lists(writing_lists | placing | removing_lists | reading_lists, min_size=1, max_size=15),
)
def test_a_list_is_a_python_list(
    client: Client, key: Key, where: str, start: list[Any], steps: list[Step]
) -> None:
    client.put(key, {"b": WHERE[where][1](start)})
    run_both(client, key, where, list(start), steps)


@ROUNDS
@given(
    start=st.lists(values, max_size=6),
    steps=st.lists(writing_lists | removing_lists | reading_lists, min_size=1, max_size=15),
)
def test_an_ordered_list_is_a_sorted_python_list(
    client: Client, key: Key, start: list[Any], steps: list[Step]
) -> None:
    client.delete(key)
    client.operate(key, [lists.append_items("b", start, order=ListOrder.ORDERED)])

    def sorting(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def both(model: list[Any]) -> Any:
            found = act(model)
            model.sort()
            return found

        return both

    run_both(client, key, "in a bin", sorted(start), [(make, sorting(act)) for make, act in steps])


# Maps -------------------------------------------------------------------------------------------------------

names = st.integers(-3, 3) | st.sampled_from(["a", "b", "ab", ""])


def key_order(name: Any) -> tuple[bool, Any]:
    """Numbers are below texts."""
    return isinstance(name, str), name


def by_key(model: dict[Any, Any]) -> list[Any]:
    return sorted(model, key=key_order)


def by_rank(model: dict[Any, Any]) -> list[Any]:
    """By value; equal ones by key."""
    return sorted(model, key=lambda name: (model[name], key_order(name)))


def drop(model: dict[Any, Any], chosen: list[Any]) -> int:
    found = [name for name in chosen if model.pop(name, None) is not None]
    return len(found)


def count_up(model: dict[Any, Any], name: Any, value: int) -> int:
    model[name] = model.get(name, 0) + value
    return int(model[name])


KINDS = {
    MapOrder.UNORDERED: dict,
    MapOrder.KEY_ORDERED: KeyOrderedDict,
    MapOrder.KEY_VALUE_ORDERED: KeyValueOrderedDict,
}
small = st.integers(-3, 3)
map_steps = st.one_of(
    taking(maps.size, len),
    taking(maps.put, lambda m, k, v: do(lambda m: m.update({k: v}), len)(m), names, small),
    taking(
        maps.put_items,
        lambda m, e: do(lambda m: m.update(e), len)(m),
        st.dictionaries(names, small, min_size=1, max_size=3),
    ),
    taking(maps.increment, count_up, names, small),
    taking(maps.get_by_key, lambda m, k: m.get(k), names),
    taking(
        partial(maps.get_by_key_list, return_type=M.COUNT),
        lambda m, k: len({*k} & {*m}),
        st.lists(names, max_size=3),
    ),
    taking(partial(maps.get_by_index, return_type=M.KEY), lambda m, i: by_key(m)[i], positions),
    taking(
        partial(maps.get_by_index_range, return_type=M.KEY_VALUE),
        lambda m, i, n: {name: m[name] for name in by_key(m)[within(i, n, len(m))]},
        positions,
        counts,
    ),
    taking(partial(maps.get_by_rank, return_type=M.KEY), lambda m, r: by_rank(m)[r], positions),
    taking(partial(maps.get_by_value, return_type=M.COUNT), lambda m, v: [*m.values()].count(v), small),
    taking(
        partial(maps.get_by_value_range, return_type=M.UNORDERED_MAP),
        lambda m, x, y: {name: value for name, value in m.items() if is_between(value, x, y)},
        bounds,
        bounds,
    ),
    taking(maps.remove_by_key, lambda m, k: drop(m, [k]), names),
    taking(
        partial(maps.remove_by_index, return_type=M.VALUE),
        lambda m, i: m.pop(by_key(m)[i]),
        positions,
    ),
    taking(
        partial(maps.remove_by_rank, return_type=M.VALUE),
        lambda m, r: m.pop(by_rank(m)[r]),
        positions,
    ),
    taking(
        maps.remove_by_rank_range,
        lambda m, r, n: drop(m, by_rank(m)[within(r, n, len(m))]),
        positions,
        counts,
    ),
    taking(
        maps.remove_by_value_range,
        lambda m, x, y: drop(m, [name for name in m if is_between(m[name], x, y)]),
        bounds,
        bounds,
    ),
    taking(maps.clear, dict.clear),
)


@everywhere
@pytest.mark.parametrize("order", MapOrder, ids=lambda order: order.name.lower())
@ROUNDS
@given(start=st.dictionaries(names, small, max_size=6), steps=st.lists(map_steps, min_size=1, max_size=15))
def test_a_map_is_a_python_dict(
    client: Client, key: Key, where: str, order: MapOrder, start: dict[Any, Any], steps: list[Step]
) -> None:
    ctx, around = WHERE[where]
    client.put(key, {"b": around(KINDS[order](start))})
    run_both(client, key, where, dict(start), steps)
    everything = maps.get_by_index_range("b", 0, return_type=M.KEY_VALUE, ctx=ctx)
    found = client.operate(key, [everything]).results[0]
    assert list(found) == by_key(found)
    found = client.get(key)["b"] if where == "in a bin" else client.get(key)["b"]["a"][1]
    assert type(found) is KINDS[order]
    if order:
        assert list(found) == by_key(found)

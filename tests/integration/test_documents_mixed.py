"""Random operations on lists and maps of any values, nested in any way, do what a model in plain Python does.

test_documents_models has those on numbers, whose model is a Python list or dict as it is.
"""

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
    ListSortFlags,
    ListWriteFlags,
    MapOrder,
    MapReturnType,
    MapWriteFlags,
    Operation,
)
from pyspike import operations as op
from pyspike.errors import ServerError
from pyspike.operations import context, lists, maps
from support import document_model as model
from support.document_model import Ambiguous, Refused, View, order
from support.examples import examples
from support.vectors import same

L, M, F, W = ListReturnType, MapReturnType, ListWriteFlags, MapWriteFlags
ROUNDS = settings(
    max_examples=examples(50),
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Few different ones, so that many are equal; of those that Python calls equal, the server does not.
POOL: list[Any] = [
    None, False, True, -1, 0, 1, 2**40, -(2**63), "", "a", "ab", "ä", b"", b"a", b"\xff", -1.5, 0.5, 1.0,
    [], [1], [1, 2], ["a", None], [[True]], {}, {"a": 1}, {"b": [1.0]}, {1: "x", b"k": None},
]  # fmt: skip
values = st.sampled_from(POOL)
several = st.lists(values, max_size=3, unique_by=order)
some = st.lists(values, min_size=1, max_size=3, unique_by=order)
names = st.sampled_from([-1, 0, 1, 2**40, "", "a", "ab", b"", b"a"])
positions = st.integers(-7, 7)
counts = st.none() | st.integers(1, 4)  # 0 is an error of the server's
bounds = st.none() | values

# What leads to the container, and what is around it.
WHERE: dict[str, tuple[list[Any], Callable[[Any], Any]]] = {
    "in a bin": ([], lambda value: value),
    "in a map in a list": (
        [context.list_index(-1), context.map_key("a")],
        lambda v: [None, {"a": v, "b": 1}],
    ),
    "in lists": ([context.list_index(1), context.list_index(0)], lambda value: ["x", [value, 2.5], b""]),
    "by rank in a map": (
        [context.map_key(1), context.map_rank(-1)],
        lambda value: {1: {"low": None, "high": value}, "z": 0},
    ),
    "by index in a map": ([context.map_index(0), context.map_key(b"k")], lambda v: {1: {b"k": v}, "z": [1]}),
}

Act = Callable[[Any], Any]
Step = tuple[
    Callable[..., Operation], Act, bool
]  # the operation, what the model does, whether a result's order counts


def told(value: Any, in_order: bool) -> Any:
    return sorted(value, key=order) if isinstance(value, list) and not in_order else value


def run_both(
    client: Client, key: Key, where: str, state: Any, steps: list[Step], shown: Callable[[Any], Any]
) -> None:
    """Each step in a command of its own: results or error codes are the same, and what is there then."""
    ctx, around = WHERE[where]
    for make, act, in_order in steps:
        operation = make(ctx=ctx)
        expected: Any
        try:
            expected = act(state)
        except Ambiguous:
            continue
        except Refused as refused:
            expected = refused.code
            with pytest.raises(ServerError) as caught:
                client.operate(key, [operation])
            assert int(caught.value.result_code) == expected, operation
            assert same_value(client.get(key)["b"], around(shown(state))), operation
            continue
        found, bin_then = client.operate(key, [operation, op.get("b")]).results
        assert same_value(told(found, in_order), told(expected, in_order)), (operation, found, expected)
        assert same_value(bin_then, around(shown(state))), (operation, bin_then, shown(state))


def same_value(one: Any, two: Any) -> bool:
    return order(one) == order(two)


def taking(
    make: Callable[..., Operation], act: Callable[..., Any], *arguments: Any, in_order: bool = True
) -> Any:
    """Steps with random arguments, the same for the operation and for the model."""
    return st.tuples(*arguments).map(
        lambda given: (partial(make, "b", *given), lambda state: act(state, *given), True)
    )


# Lists ------------------------------------------------------------------------------------------------------


class Items:
    """The model of a list."""

    def __init__(self, items: list[Any], ordered: bool) -> None:
        self.items = sorted(items, key=order) if ordered else list(items)
        self.ordered = ordered

    def view(self) -> View:
        return View(list(range(len(self.items))), self.items)

    def window(self, index: int, count: int | None) -> range:
        return model.window(index, count, len(self.items))

    def changed(self) -> None:
        if self.ordered:
            self.items.sort(key=order)


def refused(code: int, flags: int, result: Any) -> Any:
    if flags & F.NO_FAIL:
        return result
    raise Refused(code)


def allowed(state: Items, new: list[Any], flags: int) -> list[Any] | None:
    """Which of several may be added; None for nothing at all."""
    if not flags & F.ADD_UNIQUE:
        return new
    fresh = [value for value in new if not model.is_one_of(value, state.items)]
    if len(fresh) < len(new) and not (flags & F.NO_FAIL and flags & F.PARTIAL):
        return refused(model.EXISTS, flags, None)  # type: ignore[no-any-return]
    return fresh


def add(state: Items, at: int, new: list[Any], flags: int) -> int:
    size = len(state.items)
    kept = allowed(state, new, flags)
    if kept:
        state.items += [None] * (at - size)
        state.items[at:at] = kept
        state.changed()
    return len(state.items)


def append_items(state: Items, new: list[Any], flags: int) -> int:
    return add(state, len(state.items), new, flags)


def insert_items(state: Items, index: int, new: list[Any], flags: int) -> Any:
    if state.ordered:
        raise Refused(model.NOT_APPLICABLE)
    if not new:
        return len(state.items)
    at = model.place_to_write(index, len(state.items))
    if at > len(state.items) and flags & F.INSERT_BOUNDED:
        return refused(model.NOT_APPLICABLE, flags, len(state.items))
    return add(state, at, new, flags)


def set_item(state: Items, index: int, value: Any, flags: int) -> Any:
    if state.ordered:
        raise Refused(model.NOT_APPLICABLE)
    at = model.place_to_write(index, len(state.items))
    if at > len(state.items) and flags & F.INSERT_BOUNDED:
        return refused(model.NOT_APPLICABLE, flags, None)
    others = Items([item for other, item in enumerate(state.items) if other != at], ordered=False)
    if allowed(others, [value], flags):
        state.items += [None] * (at - len(state.items))
        state.items[at : at + 1] = [value]
    return None


def cut(state: Items, chosen: list[int]) -> list[Any]:
    gone = set(chosen)
    found = [state.items[at] for at in chosen]
    state.items[:] = [item for at, item in enumerate(state.items) if at not in gone]
    return found


def sort(state: Items, flags: int) -> None:
    state.items.sort(key=order, reverse=bool(flags & ListSortFlags.DESCENDING) and not state.ordered)
    if flags & ListSortFlags.DROP_DUPLICATES:
        state.items[:] = {order(item): item for item in state.items}.values()


def set_order(state: Items, to: int) -> None:
    state.ordered = bool(to)
    state.changed()


def trim(state: Items, index: int, count: int) -> int:
    kept = state.window(index, count)
    return len(cut(state, [at for at in range(len(state.items)) if at not in kept]))


LIST_SELECTIONS: list[tuple[str, Callable[..., model.Selection], tuple[Any, ...]]] = [
    ("index", model.by_index, (positions,)),
    ("rank", model.by_rank, (positions,)),
    ("index_range", model.by_index_range, (positions, counts)),
    ("rank_range", model.by_rank_range, (positions, counts)),
    ("value", lambda value: model.by_values([value]), (values,)),
    ("value_list", model.by_values, (several,)),
    ("value_range", model.by_value_range, (bounds, bounds)),
    ("value_relative_rank_range", model.by_value_relative, (values, positions, counts)),
]
SINGLE = {"index", "rank", "key"}
RANKS = {L.RANK, L.REVERSE_RANK}


def selecting(
    state: Any, view: View, find: model.Selection, name: str, give: int, inverted: bool, removing: bool
) -> Any:
    """What a selection gives; for a removing one the places too."""
    if inverted and give == L.EXISTS:
        raise Ambiguous  # a real server tells of some of these whether nothing was selected
    if isinstance(state, Items) and not state.ordered:
        moves = removing or give in (L.INDEX, L.REVERSE_INDEX)
        if give in RANKS or ("rank" in name and moves):
            view.needs_distinct()
    chosen = find(view)
    if inverted:
        chosen = [at for at in range(view.size) if at not in chosen]
    result = model.told(view, chosen, give, single=name in SINGLE)
    return (result, chosen) if removing else result


def read_list(state: Items, find: model.Selection, name: str, give: int, inverted: bool) -> Any:
    return selecting(state, state.view(), find, name, give, inverted, False)


def remove_from_list(state: Items, find: model.Selection, name: str, give: int, inverted: bool) -> Any:
    result, chosen = selecting(state, state.view(), find, name, give, inverted, True)
    cut(state, chosen)
    return result


def selections(module: Any, table: list[Any], gives: list[Any], verb: str, act: Callable[..., Any]) -> Any:
    """Steps that read or remove what is selected, with any return type."""
    made = []
    for name, find, arguments in table:
        inverted = st.just(False) if name in SINGLE else st.booleans()
        function = getattr(module, f"{verb}_by_{name}")

        def step(given: Any, name: str = name, find: Any = find, function: Any = function) -> Step:
            arguments, give, inverted = given
            more = {} if name in SINGLE else {"inverted": inverted}
            make = partial(function, "b", *arguments, return_type=give, **more)
            in_order = "rank" not in name and give in (M.KEY, M.VALUE)
            return make, lambda state: act(state, find(*arguments), name, give, inverted), in_order

        # An inverted selection by nothing is refused, as it ends some servers.
        full = st.tuples(*arguments).filter(lambda given: given != ([],))
        made.append(st.tuples(full, st.sampled_from(gives), inverted).map(step))
    return st.one_of(made)


write_flags = st.sampled_from(
    [
        F.DEFAULT,
        F.ADD_UNIQUE,
        F.ADD_UNIQUE | F.NO_FAIL,
        F.ADD_UNIQUE | F.NO_FAIL | F.PARTIAL,
        F.INSERT_BOUNDED,
        F.INSERT_BOUNDED | F.NO_FAIL,
    ]
)


def flagged(function: Callable[..., Operation]) -> Callable[..., Operation]:
    """The function with its flags in the last place."""
    return lambda *given, ctx: function(*given[:-1], write_flags=given[-1], ctx=ctx)


LIST_GIVES = [L.NONE, L.INDEX, L.REVERSE_INDEX, L.RANK, L.REVERSE_RANK, L.COUNT, L.VALUE, L.EXISTS]
list_steps = st.one_of(
    taking(flagged(lists.append), lambda s, v, f: append_items(s, [v], f), values, write_flags),
    taking(flagged(lists.append_items), append_items, some, write_flags),
    taking(
        flagged(lists.insert), lambda s, i, v, f: insert_items(s, i, [v], f), positions, values, write_flags
    ),
    taking(flagged(lists.insert_items), insert_items, positions, some, write_flags),
    taking(flagged(lists.set), set_item, positions, values, write_flags),
    taking(lists.pop, lambda s, i: cut(s, [model.place(i, len(s.items))])[0], positions),
    taking(lists.pop_range, lambda s, i, n: cut(s, [*s.window(i, n)]), positions, counts),
    taking(
        lists.remove_range,
        lambda s, i, n: len(cut(s, [*s.window(i, n)])),
        positions,
        counts,
    ),
    taking(lists.trim, trim, positions, st.integers(1, 4)),
    taking(lists.clear, lambda s: s.items.clear()),
    taking(lists.sort, sort, st.sampled_from(list(ListSortFlags))),
    taking(lists.set_order, set_order, st.sampled_from(ListOrder)),
    taking(lists.size, lambda s: len(s.items)),
    selections(lists, LIST_SELECTIONS, LIST_GIVES, "get", read_list),
    selections(lists, LIST_SELECTIONS, LIST_GIVES, "remove", remove_from_list),
)


@pytest.mark.parametrize("where", WHERE)
@ROUNDS
@given(start=st.lists(values, max_size=6), steps=st.lists(list_steps, min_size=1, max_size=12))
def test_a_list_of_anything_is_the_model(
    client: Client, key: Key, where: str, start: list[Any], steps: list[Step]
) -> None:
    client.put(key, {"b": WHERE[where][1](start)})
    run_both(client, key, where, Items(start, ordered=False), steps, lambda state: state.items)


# Maps -------------------------------------------------------------------------------------------------------


def view_of(state: dict[Any, Any]) -> View:
    keys = sorted(state, key=order)
    return View(keys, [state[key] for key in keys])


def put_items(state: dict[Any, Any], new: dict[Any, Any], flags: int) -> int:
    quiet_updates = W.UPDATE_ONLY | W.NO_FAIL | W.PARTIAL
    if not state and flags & quiet_updates == quiet_updates:
        raise Ambiguous  # several are put into an empty map all the same
    kept = {}
    for name, value in new.items():
        code = 0
        if name in state and flags & W.CREATE_ONLY:
            code = model.EXISTS
        elif name not in state and flags & W.UPDATE_ONLY:
            code = model.NOT_FOUND
        if not code:
            kept[name] = value
        elif not flags & W.NO_FAIL:
            raise Refused(code)
        elif not flags & W.PARTIAL:
            return len(state)
    state |= kept
    return len(state)


def count(state: dict[Any, Any], name: Any, by: int) -> Any:
    before = state.get(name, 0)
    if isinstance(before, bool) or not isinstance(before, (int, float)):
        raise Refused(model.REQUEST_INVALID)
    if isinstance(before, int) and not -(2**62) < before < 2**62:
        raise Ambiguous  # it wraps around
    state[name] = before + by
    return state[name]


def read_map(state: dict[Any, Any], find: model.Selection, name: str, give: int, inverted: bool) -> Any:
    return selecting(state, view_of(state), find, name, give, inverted, False)


def remove_from_map(
    state: dict[Any, Any], find: model.Selection, name: str, give: int, inverted: bool
) -> Any:
    view = view_of(state)
    result, chosen = selecting(state, view, find, name, give, inverted, True)
    for at in chosen:
        del state[view.keys[at]]
    return result


MAP_SELECTIONS = [
    *LIST_SELECTIONS,
    ("key", lambda key: model.by_keys([key]), (names,)),
    ("key_list", model.by_keys, (st.lists(names, max_size=3, unique=True),)),
    ("key_range", model.by_key_range, (st.none() | names, st.none() | names)),
    ("key_relative_index_range", model.by_key_relative, (names, positions, counts)),
]
MAP_GIVES = [M.NONE, M.INDEX, M.REVERSE_INDEX, M.COUNT, M.KEY, M.VALUE, M.KEY_VALUE, M.EXISTS]
KINDS = {
    MapOrder.UNORDERED: dict,
    MapOrder.KEY_ORDERED: KeyOrderedDict,
    MapOrder.KEY_VALUE_ORDERED: KeyValueOrderedDict,
}
map_flags = st.sampled_from(
    [
        W.DEFAULT,
        *(
            one | more
            for one in (W.CREATE_ONLY, W.UPDATE_ONLY)
            for more in (W.DEFAULT, W.NO_FAIL, W.NO_FAIL | W.PARTIAL)
        ),
    ]
)
entries = st.dictionaries(names, values, min_size=1, max_size=3)
map_steps = st.one_of(
    taking(flagged(maps.put), lambda s, k, v, f: put_items(s, {k: v}, f), names, values, map_flags),
    taking(flagged(maps.put_items), put_items, entries, map_flags),
    taking(maps.increment, count, names, st.integers(-3, 3)),
    taking(maps.decrement, lambda s, k, v: count(s, k, -v), names, st.integers(-3, 3)),
    taking(maps.size, len),
    taking(maps.clear, dict.clear),
    taking(maps.set_order, lambda s, o: None, st.sampled_from(MapOrder)),
    selections(maps, MAP_SELECTIONS, MAP_GIVES, "get", read_map),
    selections(maps, MAP_SELECTIONS, MAP_GIVES, "remove", remove_from_map),
)


@pytest.mark.parametrize("where", WHERE)
@ROUNDS
@given(
    kind=st.sampled_from(MapOrder),
    start=st.dictionaries(names, values, max_size=6),
    steps=st.lists(map_steps, min_size=1, max_size=12),
)
def test_a_map_of_anything_is_the_model(
    client: Client, key: Key, where: str, kind: MapOrder, start: dict[Any, Any], steps: list[Step]
) -> None:
    client.put(key, {"b": WHERE[where][1](KINDS[kind](start))})
    run_both(client, key, where, dict(start), steps, lambda state: state)


# Creating the way -------------------------------------------------------------------------------------------

Place = tuple[Any, Callable[[Any], Any], type]  # a context, what it makes around a value, and of which kind


def in_map(name: Any, kind: MapOrder) -> Place:
    return context.map_key_create(name, order=kind), lambda value: KINDS[kind]({name: value}), KINDS[kind]


def in_list(index: int, pad: bool) -> Place:
    return context.list_index_create(index, pad=pad), lambda value: [None] * index + [value], list


ways = st.lists(
    st.builds(in_map, names, st.sampled_from(MapOrder))
    | st.builds(in_list, st.just(0), st.booleans())
    | st.builds(in_list, st.integers(0, 3), st.just(True)),
    min_size=1,
    max_size=5,
)


@ROUNDS
@given(way=ways, value=values)
def test_contexts_create_the_way(client: Client, key: Key, way: list[Place], value: Any) -> None:
    client.delete(key)
    ctx = [entry for entry, _, _ in way]
    expected: Any = [value]
    for _, around, _ in reversed(way):
        expected = around(expected)
    found = client.operate(key, [lists.append("b", value, ctx=ctx), op.get("b")]).results
    assert found[0] == 1
    assert same(found[1], expected)
    assert client.operate(key, [lists.append("b", value, ctx=ctx)]).results == [2]

"""An operation is shown as the call that makes it."""

from __future__ import annotations

import math
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from pyspike import exp, operations
from pyspike._wire import Command, Operation
from pyspike.cdt import enums
from pyspike.operations import bitwise, context, hll, lists, maps, paths, strings
from pyspike.values import GeoJSON, KeyOrderedDict, KeyValueOrderedDict, Special
from support.official_helpers import NotExpressible, evaluate
from support.vectors import Case, cases

NAMES: dict[str, Any] = {
    **{name: getattr(enums, name) for name in enums.__all__},
    **{name: getattr(operations, name) for name in ("get", "put", "add", "append", "prepend", "delete")},
    "lists": lists,
    "maps": maps,
    "bitwise": bitwise,
    "hll": hll,
    "strings": strings,
    "paths": paths,
    "context": context,
    # The operations that evaluate expressions, and the expressions themselves.
    "exp": SimpleNamespace(**{**vars(exp), "read": operations.exp.read, "write": operations.exp.write}),
    "ExpType": exp.ExpType,
    "RegexFlags": exp.RegexFlags,
    "INFINITY": Special.INFINITY,
    "WILDCARD": Special.WILDCARD,
    "GeoJSON": GeoJSON,
    "KeyOrderedDict": KeyOrderedDict,
    "KeyValueOrderedDict": KeyValueOrderedDict,
    "inf": math.inf,
    "nan": math.nan,
}
GROUPS = ("operate-list", "operate-map", "bit", "hll", "operate-expression", "path", "string", "expressions")


def made_by(recorded: Case) -> list[Operation]:
    """pyspike's operations for a recorded call; none where it refuses them."""
    steps: list[Operation] = []
    try:
        client = SimpleNamespace(operate=lambda key, made, *rest: steps.extend(made))
        client.operate_ordered = client.operate
        evaluate(recorded.call, recorded, client=client)
    except (ValueError, TypeError, AttributeError, NotExpressible):
        return []
    return steps


@pytest.mark.parametrize("group", GROUPS)
def test_the_repr_makes_the_same_operation(group: str) -> None:
    for recorded in cases(group):
        for step in made_by(recorded):
            text = repr(step)
            if "…" not in text and "HyperLogLog" not in text:
                assert eval(text, dict(NAMES)) == step, text


def test_reprs_read_like_calls() -> None:
    assert repr(lists.append("l", "a")) == "lists.append('l', 'a')"
    assert (
        repr(lists.get_by_rank_range("l", -3, 2, inverted=True, ctx=[context.map_key("top")]))
        == "lists.get_by_rank_range('l', -3, 2, return_type=ListReturnType.VALUE, inverted=True, "
        "ctx=[context.map_key('top')])"
    )
    assert (
        repr(maps.put("m", 1, 2.5, write_flags=maps.MapWriteFlags.CREATE_ONLY | maps.MapWriteFlags.NO_FAIL))
        == "maps.put('m', 1, 2.5, order=MapOrder.UNORDERED, "
        "write_flags=MapWriteFlags.CREATE_ONLY | MapWriteFlags.NO_FAIL)"
    )
    assert (
        repr(operations.exp.read("sum", exp.int_bin("a") + 1))
        == "exp.read('sum', exp.num_add(exp.int_bin('a'), 1))"
    )
    assert repr(paths.select("d", [context.all_children()])) == (
        "paths.select('d', [context.all_children()], PathSelect.MATCHING_TREE)"
    )


def test_a_long_value_is_shortened() -> None:
    text = repr(lists.append_items("l", list(range(10_000))))
    assert text.startswith("lists.append_items('l', [0, 1, 2")
    assert text.endswith("9998, 9999])")
    assert len(text) < 300


def test_an_operation_travels_between_processes() -> None:
    step = maps.get_by_key("m", "k", ctx=[context.list_index(0)])
    again = pickle.loads(pickle.dumps(step))
    assert again == step
    assert repr(again) == repr(step)


def test_what_was_given_may_change_afterwards() -> None:
    values, place = [1, 2], [3]
    way = [context.list_value(place)]
    step = lists.append_items("l", values, ctx=way)
    values.append(3)
    place.append(4)
    way.clear()
    assert repr(step) == "lists.append_items('l', [1, 2], ctx=[context.list_value([3])])"


def test_commands_are_made_of_it_again_and_again() -> None:
    step = lists.size("l")
    for _ in range(2):
        made = evaluate("client.operate(('test', 'gv', 1), [step])", step=step)
        assert isinstance(made, Command)
        assert step.wire in made.request

"""Contexts: the way to an element inside a bin."""

from __future__ import annotations

import base64
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import exp
from pyspike.cdt.enums import ListOrder, MapOrder
from pyspike.errors import InvalidArgument
from pyspike.operations import context, lists, maps, paths
from pyspike.operations.context import Context

KEYS = st.integers(-(2**63), 2**63 - 1) | st.text(max_size=10) | st.binary(max_size=10)
VALUES = KEYS | st.none() | st.booleans() | st.floats(allow_nan=False) | st.lists(KEYS, max_size=3)
INDEXES = st.integers(-(2**31), 2**31)
ENTRIES = (
    st.builds(context.list_index, INDEXES)
    | st.builds(context.list_index_create, INDEXES, order=st.sampled_from(ListOrder))
    | st.builds(context.list_index_create, INDEXES, pad=st.booleans())
    | st.builds(context.list_rank, INDEXES)
    | st.builds(context.list_value, VALUES)
    | st.builds(context.map_index, INDEXES)
    | st.builds(context.map_rank, INDEXES)
    | st.builds(context.map_key, KEYS)
    | st.builds(context.map_key_create, KEYS, order=st.sampled_from(MapOrder))
    | st.builds(context.map_value, VALUES)
    | st.builds(context.map_keys_in, st.lists(KEYS, max_size=3))
    | st.just(context.all_children())
    | st.just(context.all_children_with_filter(exp.loop_value(int) > 3))
    | st.just(context.and_filter(exp.loop_key(str) == "a"))
)


@given(st.lists(ENTRIES, max_size=5))
def test_base_64_gives_back_what_went_in(ctx: list[Context]) -> None:
    assert context.from_base64(context.to_base64(ctx)) == ctx


@given(ENTRIES)
def test_a_context_is_shown_as_the_call_that_makes_it(entry: Context) -> None:
    names: dict[str, Any] = {name: getattr(context, name) for name in context.__all__}
    names |= {"exp": exp, "ExpType": exp.ExpType, "ListOrder": ListOrder, "MapOrder": MapOrder}
    names |= {"inf": math.inf, "nan": math.nan}  # the repr of such a float is no Python of its own
    assert eval(repr(entry), names) == entry
    assert pickle.loads(pickle.dumps(entry)) == entry


def test_it_is_what_other_clients_make() -> None:
    """Texts that the official client 19.3 gave for the same contexts."""
    official = {
        "kiKiA2E=": [context.map_key("a")],
        "lBD/EQM=": [context.list_index(-1), context.list_rank(3)],
        "kszQAg==": [context.list_index_create(2, order=ListOrder.ORDERED)],
        "ksyQAg==": [context.list_index_create(2, pad=True)],
    }
    for text, ctx in official.items():
        assert context.to_base64(ctx) == text
        assert context.from_base64(text) == ctx


@pytest.mark.parametrize(
    "text", ["", "!", "AA==", "kiKi", base64.b64encode(b"\x91\x10").decode(), "kqEKEA=="]
)
def test_text_that_holds_no_contexts_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="holds no contexts"):
        context.from_base64(text)


def test_a_context_keeps_what_it_was_made_of() -> None:
    value = [1]
    entry = context.list_value(value)
    value.append(2)
    assert entry == context.list_value([1])
    assert len({entry, context.list_value([1])}) == 1


@pytest.mark.parametrize("name", ["type", "packed", "anything"])
def test_a_context_can_not_be_changed(name: str) -> None:
    entry = context.map_key("a")
    with pytest.raises((AttributeError, TypeError)):
        setattr(entry, name, 1)
    with pytest.raises((AttributeError, TypeError)):
        delattr(entry, name)
    assert entry == context.map_key("a")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: context.list_index("1"), "index must be an int, not '1'"),
        (lambda: context.list_index(True), "index must be an int, not True"),
        (lambda: context.map_key(1.5), "key must be an int, str or bytes, as map keys are, not 1.5"),
        (lambda: context.map_key(None), "key must be an int, str or bytes"),
        (lambda: context.list_value({1}), "set is not an Aerospike type"),
        (lambda: context.list_index_create(0, order="ordered"), "order must be a ListOrder"),
        (lambda: context.map_key_create(0, order=2), "order 2 is no MapOrder"),
        (lambda: context.list_index_create(0, order=ListOrder.ORDERED, pad=True), "can't be padded"),
        (lambda: context.map_keys_in("ab"), "keys must be a list, not 'ab'"),
        (lambda: context.all_children_with_filter(True), "expression must be an expression, not True"),
        (
            lambda: lists.size("l", ctx=context.list_index(0)),
            "ctx must be a list of contexts, not one of them",
        ),
        (lambda: lists.size("l", ctx=[0]), "ctx must be a list of contexts made by"),
        (lambda: lists.size("l", ctx="ab"), "ctx must be a list of contexts made by"),
        (
            lambda: lists.size("l", ctx=[context.all_children()]),
            r"all_children\(\) may select several elements",
        ),
        (lambda: paths.select("d", []), "a path needs at least one context"),
        (
            lambda: paths.select("d", [context.list_index(0)] * 65),
            "the path has 65 levels, the server allows 64",
        ),
        (
            lambda: paths.select("d", [context.and_filter(exp.val(True))]),
            "must follow an entry without a filter",
        ),
        (
            lambda: paths.select("d", [context.all_children(), context.and_filter(exp.val(True))]),
            "must follow an entry without a filter",
        ),
        (
            lambda: maps.create("m", ctx=[context.map_key_create("a")]),
            r"map_key_create\('a'\) creates a container as well",
        ),
    ],
)
def test_misuse_is_told(make: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_a_tuple_of_contexts_will_do() -> None:
    assert lists.size("l", ctx=(context.list_index(0),)) == lists.size("l", ctx=[context.list_index(0)])
    assert lists.size("l", ctx=[]) == lists.size("l")


def test_creating_flags_are_those_of_the_notes() -> None:
    """The live examples of cdt.md 5.2."""
    assert context.list_index_create(3, pad=True).type == 0x90
    assert context.list_index_create(3).type == 0x50
    assert context.list_index_create(0, order=ListOrder.ORDERED).type == 0xD0
    assert context.map_key_create("a", order=MapOrder.KEY_ORDERED).type == 0xA2
    assert context.map_key_create("b").type == 0x62

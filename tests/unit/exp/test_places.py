"""An expression that can't stand where it is put is refused, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pyspike import exp
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.exp import Expression
from pyspike.operations import context, paths
from pyspike.operations import exp as exp_op
from pyspike.values import Special

I, L, M = exp.int_bin("i"), exp.list_bin("l"), exp.map_bin("m")  # noqa: E741
VALUE = exp.loop_value(int)
CHILDREN = [context.all_children()]
MARKS = [exp.infinity(), exp.wildcard(), Special.INFINITY, Special.WILDCARD]

FILTERS: dict[str, Callable[[Any], Any]] = {
    "a command's": lambda made: made.as_filter(),
    "a path's": context.all_children_with_filter,
    "a path's second": context.and_filter,
}
VALUES: dict[str, Callable[[Any], Any]] = {
    "read": lambda made: exp_op.read("r", made),
    "write": lambda made: exp_op.write("b", made),
}
IN_PATHS: dict[str, Callable[[Any], Any]] = {
    "filter": lambda made: context.all_children_with_filter(made == 1),
    "second filter": lambda made: context.and_filter(made == 1),
    "operation": lambda made: paths.modify("d", CHILDREN, made),
    "expression": lambda made: exp.paths.modify(M, CHILDREN, made),
}


def each(table: dict[str, Callable[[Any], Any]]) -> Any:
    return pytest.mark.parametrize("put", table.values(), ids=list(table))


@each(FILTERS)
def test_a_filter_must_be_a_bool(put: Callable[[Any], Any]) -> None:
    for made, what in (
        (exp.val(1), "an int"),
        (exp.val(None), "nil"),
        (exp.val("a"), "a string"),
        (exp.let({"x": 1}, exp.var("x")), "an int"),
        (Expression.from_bytes(exp.val(1).to_bytes()), "an int"),
    ):
        with pytest.raises(InvalidType, match=f"must be a bool, but .* is {what}"):
            put(made)
    for made in (*MARKS[:2], exp.remove_result()):
        with pytest.raises(InvalidType, match=r"filter.* can't be|must be a bool"):
            put(made)
    assert put(exp.unknown())
    assert put(exp.val(True))


def test_what_may_be_a_bool_is_for_the_server_to_judge() -> None:
    newer = b"\x91\x70"
    assert Expression.from_bytes(newer).as_filter() == newer


def test_a_path_filter_that_is_never_true_is_refused() -> None:
    for put in (context.all_children_with_filter, context.and_filter):
        with pytest.raises(InvalidArgument, match="always false"):
            put(exp.val(False))
    assert exp.val(False).as_filter() == b"\xc2"


@each(VALUES | {"filter": FILTERS["a command's"]})
def test_there_is_no_element_outside_of_a_path(put: Callable[[Any], Any]) -> None:
    for made in (
        exp.loop_value(bool),
        exp.loop_key(str) == "a",
        exp.let({"x": exp.loop_index()}, exp.var("x") > 1),
        exp.in_list(1, exp.loop_value(list)),
        exp.paths.select(exp.loop_value(list), CHILDREN) == exp.list_bin("l"),
        exp.lists.get_by_value(L, VALUE, return_type=exp.lists.Return.EXISTS),
    ):
        with pytest.raises(InvalidArgument, match="no element of a path to look at: exp"):
            put(made)
    inside = exp.paths.select(L, [context.all_children_with_filter(VALUE > 1)]) == exp.list_val([2])
    assert put(inside)
    assert put(exp.paths.modify(L, CHILDREN, VALUE + 1) == exp.list_val([2]))


@each(VALUES)
def test_nothing_but_a_path_removes(put: Callable[[Any], Any]) -> None:
    gone = exp.remove_result()
    for made in (gone, exp.let({"x": 1}, gone), exp.cond(I == 1, gone, exp.unknown())):
        with pytest.raises(InvalidType, match="can't be exp") as caught:
            put(made)
        assert "paths.modify" in caught.value.advice


@pytest.mark.parametrize(
    "make",
    [
        lambda gone: gone == 1,
        lambda gone: exp.num_add(1, gone),
        lambda gone: exp.cond(gone, 1, 2),
        lambda gone: exp.lists.append(L, gone),
        lambda gone: exp.lists.size(gone),
        lambda gone: exp.define("x", gone),
        lambda gone: exp.in_list(gone, L),
    ],
)
def test_a_removal_is_no_value(make: Callable[[Any], Any]) -> None:
    with pytest.raises(
        InvalidType, match=r"argument \d, exp.remove_result\(\), is for the new value of paths"
    ):
        make(exp.remove_result())


def test_a_cond_removes_or_gives_a_value() -> None:
    """The server answers 4 to both in one."""
    gone, big, small = exp.remove_result(), VALUE > 9, VALUE < 1
    for parts in ((big, gone, 1), (big, 1, gone), (big, exp.unknown(), small, VALUE, gone)):
        with pytest.raises(InvalidType, match="is a value, and another one is the removal"):
            exp.cond(*parts)
    assert paths.modify("d", CHILDREN, exp.cond(big, gone, exp.unknown()), no_fail=True)


@each(IN_PATHS)
@pytest.mark.parametrize(
    "made", [I, exp.bin_type("i"), exp.ttl(), exp.key(int), exp.digest_modulo(3)], ids=repr
)
def test_a_path_does_not_see_the_record(put: Callable[[Any], Any], made: Expression) -> None:
    with pytest.raises(InvalidArgument, match="sees neither bins nor metadata: exp"):
        put(made)
    assert put(VALUE) is not None


@each(IN_PATHS)
def test_a_path_sees_variables_of_its_own_only(put: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"no exp\.let around defines 'x' in") as caught:
        put(VALUE + exp.var("x"))
    assert "inside a path" in caught.value.advice
    assert put(exp.let({"x": VALUE}, exp.var("x") + 1)) is not None


def test_names_inside_a_path_are_its_own() -> None:
    inner = exp.paths.modify(L, CHILDREN, exp.let({"x": VALUE}, exp.var("x") + 1))
    assert exp.let({"x": 1}, exp.lists.append(inner, exp.var("x"))).to_bytes()


# Infinity and wildcard --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", MARKS, ids=repr)
@pytest.mark.parametrize(
    "make",
    [
        lambda mark: mark == I,
        lambda mark: mark > I,
        lambda mark: exp.eq(mark, mark),
        lambda mark: exp.in_list(mark, L),
        lambda mark: exp.cond(I == 1, mark, 1),
        lambda mark: exp.let({"x": mark}, 1),
        lambda mark: exp.let({"x": 1}, mark),
        lambda mark: exp.lists.size(mark),
        lambda mark: exp.lists.get_by_index(L, mark, int),
        lambda mark: exp.lists.append_items(L, mark),
        lambda mark: exp.maps.get_by_key(M, mark, int),
        lambda mark: exp.strings.to_string(mark),
        lambda mark: exp.bitwise.count("b", mark, 1),
    ],
)
def test_infinity_and_wildcard_are_no_values(make: Callable[[Any], Any], mark: Any) -> None:
    with pytest.raises(InvalidType):
        make(mark)


@each(VALUES | {"new value": IN_PATHS["operation"], "inner new value": IN_PATHS["expression"]})
def test_infinity_can_be_read_and_written_nowhere(put: Callable[[Any], Any]) -> None:
    for mark in MARKS[:2]:
        with pytest.raises(InvalidType, match="can't be exp"):
            put(mark)


def test_lists_and_maps_are_searched_for_them() -> None:
    for mark in MARKS:
        for made in (
            exp.lists.get_by_value_range(L, 1, mark),
            exp.lists.get_by_value(L, mark),
            exp.maps.get_by_key_range(M, "a", mark),
            exp.list_bin("l") < [7, Special.INFINITY],
            exp.lists.get_by_value(L, ["a", Special.WILDCARD]),
        ):
            assert made.as_value()


# Unknown ----------------------------------------------------------------------------------------------------


def test_unknown_is_a_bool_except_as_a_value_of_cond() -> None:
    nothing = exp.unknown()
    for make in (
        lambda: nothing + 1,
        lambda: nothing == 1,
        lambda: exp.cond(I == 1, nothing, nothing) + 1,
        lambda: exp.to_int(nothing),
        lambda: exp.lists.size(nothing),
    ):
        with pytest.raises(InvalidType, match="is a bool"):
            make()
    assert (nothing & (I == 1)).as_filter()
    assert exp.not_(nothing).as_filter()
    assert (nothing == True).as_filter()  # noqa: E712

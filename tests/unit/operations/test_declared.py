"""The functions of operations behave as the Python functions that declare them; their bodies are compiled."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
import typing
from collections.abc import Callable
from typing import Any

import pytest

import pyspike.exp
from pyspike import ListOrder, MapReturnType, operations
from pyspike._wire import BoundFunction, DeclaredFunction
from pyspike.operations import bitwise, exp, hll, lists, maps, paths, strings
from support.all_of import all_of

EXPRESSIONS = (pyspike.exp.lists, pyspike.exp.maps)
FUNCTIONS: list[Any] = [
    entry
    for module in (operations, lists, maps, bitwise, hll, strings, exp, paths, *EXPRESSIONS)
    for name in module.__all__
    if isinstance(entry := getattr(module, name), DeclaredFunction)
]


def test_all_but_those_that_create_containers_are_compiled() -> None:
    assert len(FUNCTIONS) == 201
    assert inspect.isfunction(lists.create)
    assert inspect.isfunction(maps.create)


@all_of("function", FUNCTIONS, ids=repr)
def test_it_tells_of_itself_what_its_declaration_does(function: Any) -> None:
    declared = function.declaration
    assert inspect.signature(function) == inspect.signature(declared)
    assert (function.__name__, function.__module__) == (declared.__name__, declared.__module__)
    assert function.__doc__ == declared.__doc__
    assert inspect.isroutine(function)
    assert f"{function.__name__}(" in pydoc.plain(pydoc.render_doc(function))
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.deepcopy(function) is function


def test_type_hints_can_be_read() -> None:
    assert typing.get_type_hints(operations.put)["return"] is operations.Operation
    assert typing.get_type_hints(operations.put)["bin_name"] is str


WRONG: list[tuple[Any, Callable[[Any], Any]]] = [
    (lists.append, lambda function: function()),
    (lists.append, lambda function: function("a")),
    (lists.append, lambda function: function("a", 1, 2)),
    (lists.append, lambda function: function("a", 1, value=2)),
    (lists.append, lambda function: function("a", 1, of=2)),
    (lists.append, lambda function: function("a", order=1)),
    (lists.set_order, lambda function: function("a", ctx=None)),
    (operations.get, lambda function: function("a", "b")),
    (operations.touch, lambda function: function("a")),
    (operations.add, lambda function: function(bin_name="a")),
    (maps.get_by_key, lambda function: function("a", "b", MapReturnType.KEY, None)),
]


@pytest.mark.parametrize(("function", "call"), WRONG)
def test_arguments_that_do_not_fit_are_refused_in_pythons_words(
    function: Any, call: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError) as ours:
        call(function)
    with pytest.raises(TypeError) as pythons:
        call(function.declaration)
    assert str(ours.value) == str(pythons.value)


def test_arguments_may_be_given_by_name() -> None:
    expected = lists.append("a", 1, order=ListOrder.ORDERED)
    assert lists.append(bin_name="a", value=1, order=ListOrder.ORDERED) == expected
    assert lists.append(value=1, order=ListOrder.ORDERED, bin_name="a") == expected
    names = {"".join(("bin_", "name")): "a", "".join(("val", "ue")): 1}  # made here, so not interned
    assert lists.append(**names, order=ListOrder.ORDERED) == expected  # type: ignore[arg-type]
    assert lists.append.__call__("a", 1, order=ListOrder.ORDERED) == expected


def test_it_can_be_a_method() -> None:
    class Bin(str):
        get = operations.get
        push = lists.append

    assert Bin("a").get() == operations.get("a")
    assert Bin("a").push(1) == lists.append("a", 1)


def test_the_body_of_a_bound_function_gets_one_value_a_parameter() -> None:
    def declared(first: int, second: int = 2, *, third: int = 3) -> tuple[int, ...]:
        return ()

    function = BoundFunction(declared, lambda *values: values)
    assert function(1) == (1, 2, 3)
    assert function(1, third=5) == (1, 2, 5)
    assert function(second=4, first=1) == (1, 4, 3)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'first'"):
        function()


@pytest.mark.parametrize("size", [1, 20, 38, 39, 40, 41, 200, 2000, 100_000])
def test_operations_of_any_size_keep_their_bytes(size: int) -> None:
    operation = operations.put("b", "x" * size)
    assert operation.wire[9:] == b"x" * size
    assert len(operation.wire) == 9 + size
    other = pickle.loads(pickle.dumps(operation))
    assert (other, other.wire, hash(other)) == (operation, operation.wire, hash(operation))
    assert operation != operations.put("b", "y" * size)

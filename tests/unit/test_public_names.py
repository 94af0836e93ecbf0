"""What signatures and errors are made of can be imported by whoever writes type hints or `except` clauses."""

from __future__ import annotations

import ast
import builtins
import enum
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar

import pytest

import pyspike
from pyspike import AsyncClient, Client, ClientPolicy, Key, ReadPolicy, WritePolicy, errors, exp, operations
from pyspike.process.lazy_imports import LazyModule
from support.all_of import all_of

# What a user has from the standard library.
# Functions whose values are the user's own: what a bin, a default, a field or a variable may be.
USERS_VALUES = {
    "aggregate",
    "get",
    "execute_udf",
    "query_execute_udf",
    "batch_apply",
    "unwrap",
    "update",
    "field",
    "replace",
    "list_val",
    "map_val",
    "geo_val",
    "let",
}
STANDARD = {
    *("Any", "AsyncIterable", "Awaitable", "Callable", "Iterable", "Mapping", "Sequence"),
    *("TracebackType", "datetime", "ssl", "timedelta"),
}
CLASSES = [Client, AsyncClient, ClientPolicy, ReadPolicy, WritePolicy, Key, exp.Expression, *(
    getattr(errors, name) for name in errors.__all__
)]  # fmt: skip


def modules() -> Iterator[ModuleType]:
    for top in (pyspike, exp, operations):
        yield top
        yield from (each for name in top.__all__ if inspect.ismodule(each := getattr(top, name)))


def public_functions() -> Iterator[Callable[..., Any]]:
    for module in modules():
        yield from (
            each for name in module.__all__ if inspect.isfunction(each := getattr(module, name, None))
        )
    for kind in CLASSES:
        for name in dir(kind):
            found = (
                inspect.unwrap(getattr(kind, name))
                if not name.startswith("_") or name == "__init__"
                else None
            )
            if callable(found) and hasattr(found, "__annotations__") and not isinstance(found, type):
                yield found  # type: ignore[misc]


def names_in(function: Callable[..., Any]) -> Iterator[str]:
    """The names in a function's annotations."""
    for annotation in inspect.get_annotations(function).values():
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name):
                yield node.id
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id != "ssl"
            ):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from (each.id for each in ast.walk(ast.parse(node.value)) if isinstance(each, ast.Name))


def is_public(function: Callable[..., Any], name: str) -> bool:
    if hasattr(builtins, name) or name in STANDARD:
        return True
    meant = getattr(function, "__globals__", {}).get(name)
    if isinstance(meant, TypeVar | LazyModule | ModuleType):  # of what is in one, the name is looked at
        return True
    if isinstance(meant, type) and issubclass(meant, enum.Enum):
        name = meant.__name__  # modules have short names for the enums of their arguments
    return any(name in module.__all__ for module in modules())


def test_every_name_in_a_public_signature_can_be_imported() -> None:
    functions = list(public_functions())
    assert len(functions) > 300
    hidden = {
        f"{name} of {function.__module__}.{function.__qualname__}"
        for function in functions
        for name in names_in(function)
        if not is_public(function, name)
    }
    assert hidden == set()


def test_only_values_of_the_user_are_of_any_type() -> None:
    found = {
        f"{function.__module__}.{function.__qualname__}"
        for function in public_functions()
        if "Any" in names_in(function) and function.__name__ not in USERS_VALUES
    }
    assert found == set()


@pytest.mark.parametrize(
    "name",
    [
        "ArrowRows",
        "ColumnTypes",
        "KeyLike",
        "MetadataColumns",
        "OnMismatch",
        "Ttl",
        "Milliseconds",
        "Filter",
        "HostsLike",
        "Ctx",
        "Context",
        "MapKey",
    ],
)
def test_an_alias_of_signatures_is_in_pyspike(name: str) -> None:
    assert name in pyspike.__all__
    assert getattr(pyspike, name) is not None


@all_of("name", errors.__all__)
def test_every_error_is_in_pyspike(name: str) -> None:
    assert name in pyspike.__all__
    assert getattr(pyspike, name) is getattr(errors, name)


def test_all_names_what_is_there_and_each_once() -> None:
    for module in modules():
        assert [name for name in module.__all__ if not hasattr(module, name)] == []
        assert len(set(module.__all__)) == len(module.__all__), module.__name__
    everything: dict[str, object] = {}
    exec("from pyspike import *", everything)
    assert set(pyspike.__all__) <= everything.keys() | {"__version__"}

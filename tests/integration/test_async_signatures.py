"""The two clients have the same methods, with the same arguments, defaults and types."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import pyspike
from pyspike import AsyncClient, Client

pytestmark = pytest.mark.one_kind("compares the methods of the two")

# What only one of them has: a constructor can't be awaited, and only tasks can share what threads have.
ONLY_ASYNC = {"connect", "sharing", "__aenter__", "__aexit__"}
ONLY_BLOCKING = {"__enter__", "__exit__"}
# What asks nobody, and so is the same function in both.
PLAIN = {
    "batch_stream",
    "from_env",
    "from_url",
    "with_policies",
    "with_transaction",
    "query",
    "query_arrow",
    "batch_get_arrow",
    "nodes",
    "node_names",
    "is_connected",
    "metrics",
    "stats",
    "transaction",
    "is_strong_consistency",
    "__init__",
    "__repr__",
}


def methods(cls: type) -> set[str]:
    """Its public methods, compiled or not, and its special ones in Python."""
    return {
        name
        for base in cls.__mro__[:-1]
        for name, entry in vars(base).items()
        if callable(getattr(cls, name)) and name != "__reduce__"  # which both refuse
        if not name.startswith("_") or (name.startswith("__") and inspect.isfunction(entry))
    }


COMMON = sorted(methods(Client) - ONLY_BLOCKING)


def test_each_method_of_one_is_a_method_of_the_other() -> None:
    assert methods(Client) - ONLY_BLOCKING == methods(AsyncClient) - ONLY_ASYNC
    assert methods(AsyncClient) >= ONLY_ASYNC
    assert methods(Client) >= ONLY_BLOCKING


# What only tasks can make.
BLOCKS: dict[object, str] = {
    "Iterable[BatchRow[U]] | AsyncIterable[BatchRow[U]]": "Iterable[BatchRow[U]]",
    "Callable[[dict[str, Any]], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None]": (
        "Callable[[dict[str, Any]], Mapping[str, Any] | None]"
    ),
    "Callable[[U | None], U | N | Awaitable[U | N]]": "Callable[[U | None], U | N]",
    "Callable[[U | None], U | Awaitable[U]]": "Callable[[U | None], U]",
    "Callable[[U | None], U | Awaitable[U | None] | None]": "Callable[[U | None], U | None]",
    "ArrowRows | AsyncArrowStream": "ArrowRows",
    "Callable[[AsyncTransaction], Awaitable[T]]": "Callable[[BlockingTransaction], T]",
}


def without_kind(text: str) -> str:
    """The text without the kind of client, and without modules, which one of the two may import late."""
    return re.sub(r"\b[a-z_]+\.(?=[A-Z])", "", text.replace("Async", "").replace("Blocking", ""))


def same(signature: inspect.Signature) -> inspect.Signature:
    """The signature without the class's own name in it."""
    text = signature.return_annotation
    if isinstance(text, str):
        signature = signature.replace(return_annotation=without_kind(text))
    taken = [
        each.replace(annotation=without_kind(str(BLOCKS.get(each.annotation, each.annotation))))
        for each in signature.parameters.values()
    ]
    return signature.replace(parameters=taken)


@pytest.mark.parametrize("name", COMMON)
def test_the_signatures_are_the_same(name: str) -> None:
    blocking, awaitable = getattr(Client, name), getattr(AsyncClient, name)
    assert same(inspect.signature(awaitable)) == same(inspect.signature(blocking))


WAITS: dict[tuple[str, str], bool] = {}  # whether a type checker is told that a method is a coroutine


def told(file: str, cls: str) -> dict[str, list[str]]:
    """What a type checker sees of each method: its overloads, or else itself."""
    source = ast.parse((Path(pyspike.__file__).parent / file).read_text(encoding="utf-8"))
    (body,) = (node.body for node in source.body if isinstance(node, ast.ClassDef) and node.name == cls)
    seen: dict[str, list[str]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            overload = any(ast.unparse(mark) == "overload" for mark in node.decorator_list)
            if overload or node.name not in seen:
                text = f"{ast.unparse(node.args)} -> {ast.unparse(node.returns)}"  # type: ignore[arg-type]
                for either, blocking in BLOCKS.items():
                    text = text.replace(str(either), blocking)
                seen.setdefault(node.name, []).append(without_kind(text))
                WAITS[cls, node.name] = isinstance(node, ast.AsyncFunctionDef)
    return seen


BLOCKING = {
    **told("_wire.pyi", "Commands"),
    **told("_wire.pyi", "BatchCommands"),
    **told("administration.py", "Administration"),
    **told("user_administration.py", "UserAdministration"),
    **told("background_jobs.py", "BackgroundJobs"),
    **told("queries.py", "Queries"),
    **told("column_writes.py", "ColumnWrites"),
    **told("transactions.py", "Transactions"),
    **told("updates.py", "Updates"),
    **told("client.py", "Client"),
}
AWAITABLE = {
    **told("_wire.pyi", "AsyncCommands"),
    **told("async_administration.py", "AsyncAdministration"),
    **told("async_user_administration.py", "AsyncUserAdministration"),
    **told("async_background_jobs.py", "AsyncBackgroundJobs"),
    **told("async_queries.py", "AsyncQueries"),
    **told("async_column_writes.py", "AsyncColumnWrites"),
    **told("async_transactions.py", "AsyncTransactions"),
    **told("async_updates.py", "AsyncUpdates"),
    **told("aio.py", "AsyncClient"),
}


@pytest.mark.parametrize("name", COMMON)
def test_type_checkers_see_the_same(name: str) -> None:
    assert BLOCKING[name] == AWAITABLE[name]


@pytest.mark.parametrize("name", COMMON)
def test_type_checkers_see_that_what_waits_for_a_server_is_awaitable_and_nothing_else(name: str) -> None:
    owners = {cls for cls, method in WAITS if method == name}
    assert {cls: WAITS[cls, name] for cls in owners} == {
        cls: cls.startswith("Async") and name not in PLAIN for cls in owners
    }


@pytest.mark.parametrize("name", COMMON)
def test_both_say_what_they_do(name: str) -> None:
    if name.startswith("__"):
        return
    blocking, awaitable = getattr(Client, name).__doc__, getattr(AsyncClient, name).__doc__
    assert blocking
    assert awaitable
    if f"`Client.{name}`" in awaitable:  # the rest is told there
        assert awaitable.split(":")[0].rstrip(".") in " ".join(blocking.split())


def test_connecting_takes_the_constructors_arguments() -> None:
    made = list(inspect.signature(AsyncClient).parameters.values())
    assert list(inspect.signature(AsyncClient.connect).parameters.values()) == made
    assert list(inspect.signature(Client).parameters.values()) == made

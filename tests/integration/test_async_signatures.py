"""The two clients have the same methods, with the same arguments, defaults and types."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import pytest

from pyspike import AsyncClient, Client

# What only one of them has: a constructor can't be awaited, and only tasks can share what threads have.
ONLY_ASYNC = {"connect", "sharing", "__aenter__", "__aexit__"}
ONLY_BLOCKING = {"__enter__", "__exit__"}
# What asks nobody, and so is the same function in both.
PLAIN = {"with_policies", "nodes", "node_names", "is_connected", "stats", "__init__", "__repr__"}


def methods(cls: type) -> dict[str, Any]:
    """Its public methods and its special ones."""
    return {
        name: inspect.getattr_static(cls, name)
        for name in vars(cls)
        if inspect.isfunction(getattr(cls, name)) or inspect.ismethod(getattr(cls, name))
        if not name.startswith("_") or name.startswith("__")
    }


COMMON = sorted(set(methods(Client)) - ONLY_BLOCKING)


def test_each_method_of_one_is_a_method_of_the_other() -> None:
    assert set(methods(Client)) - ONLY_BLOCKING == set(methods(AsyncClient)) - ONLY_ASYNC
    assert set(methods(AsyncClient)) >= ONLY_ASYNC
    assert set(methods(Client)) >= ONLY_BLOCKING


def same(signature: inspect.Signature) -> inspect.Signature:
    """The signature without the class's own name in it."""
    text = signature.return_annotation
    if isinstance(text, str):
        signature = signature.replace(return_annotation=text.replace("AsyncClient", "Client"))
    return signature


@pytest.mark.parametrize("name", COMMON)
def test_the_signatures_are_the_same(name: str) -> None:
    blocking, awaitable = getattr(Client, name), getattr(AsyncClient, name)
    assert same(inspect.signature(awaitable)) == same(inspect.signature(blocking))


@pytest.mark.parametrize("name", COMMON)
def test_what_waits_for_a_server_is_awaitable_and_nothing_else(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(AsyncClient, name)) is (name not in PLAIN)
    assert not inspect.iscoroutinefunction(getattr(Client, name))


@pytest.mark.skipif(not hasattr(typing, "get_overloads"), reason="Python before 3.11 forgets overloads")
@pytest.mark.parametrize("name", COMMON)
def test_the_overloads_are_the_same(name: str) -> None:
    overloads = [
        [inspect.signature(each) for each in typing.get_overloads(getattr(cls, name))]
        for cls in (Client, AsyncClient)
    ]
    assert overloads[0] == overloads[1]


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

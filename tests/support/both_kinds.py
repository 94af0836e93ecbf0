"""Which integration tests are run by threads and by tasks: all that use the fixture `client` or are marked.

`both_kinds` marks a test that makes a `Client` itself or runs a scenario, or a module of such tests.
`one_kind` marks one that is run once, with the reason: by threads, or in such a module by none. A `Client`
that is made in a test without either is an error, so none is forgotten. For tasks that name stands for
another class; so no test may come by its client in another way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable

import pytest

from support.clients import KINDS

BY_ITSELF = re.compile(r"from pyspike(\.client)? import (.*[ ,])?Client\b")  # a script in a string


def kinds(marks: Iterable[pytest.Mark], fixtures: Collection[str]) -> tuple[str, ...]:
    """By which kinds of client a test is run; by none if it makes none.

    Args:
        marks: the test's, its own before those of its module.
        fixtures: the names of all that it uses.
    """
    for mark in marks:
        if mark.name == "both_kinds":
            return tuple(KINDS)
        if mark.name == "one_kind":
            if not mark.args:
                raise pytest.UsageError("the mark one_kind needs the reason for it")
            return ("threads",)
    return tuple(KINDS) if "client" in fixtures else ()


def ways_around(source: str, *, is_test: bool) -> list[int]:
    """The lines of a module that come by a `Client` that is not of the kind its tests are run by.

    Args:
        source: the module's text.
        is_test: whether its own `Client` is replaced; a scenario takes one from support.clients.
    """
    tree = ast.parse(source)
    replaced = tree.body if is_test else []
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node not in replaced and _imports_client(node))
        or (isinstance(node, ast.Attribute) and node.attr == "Client")
        or (isinstance(node, ast.Constant) and BY_ITSELF.search(str(node.value)))
        or (isinstance(node, ast.FunctionDef) and _is_kept(node) and _names_client(node))
    ]


def _imports_client(node: ast.ImportFrom) -> bool:
    return node.module in ("pyspike", "pyspike.client") and "Client" in {each.name for each in node.names}


def _is_kept(node: ast.FunctionDef) -> bool:
    """Whether it is a fixture of several tests, which may be of either kind."""
    calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
    return any(keyword.arg == "scope" for call in calls for keyword in call.keywords)


def _names_client(node: ast.FunctionDef) -> bool:
    inside = [each for statement in node.body for each in ast.walk(statement)]
    return any(isinstance(each, ast.Name) and each.id == "Client" for each in inside)

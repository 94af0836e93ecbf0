"""Which calls look like those of a client, whatever they are called on: by their arguments and results.

Other objects have `get` and `put` too. One call that only a client takes so makes the others on an object of
the same name in that file worth a look.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pyspike.compat.migration.advice import METHODS, OWN_METHODS
from pyspike.compat.migration.following import Module, name_of

__all__ = ["looked_at", "owner_of", "shapes_of"]

# What official methods return that is taken apart: (key, meta, bins), or (key, meta).
PARTS = {"get": 3, "select": 3, "exists": 2}
# Methods that take so many arguments without names as those of other objects do not.
ARGUMENTS = {"put": 2, "append": 3, "prepend": 3, "increment": 3, "apply": 4, "truncate": 3}


def shapes_of(tree: ast.AST) -> Iterator[tuple[ast.Attribute, bool]]:
    """The methods that a source calls by names of a client's, each with whether it looks like one."""
    taken_apart: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            size = len(node.targets[0].elts)
            if isinstance(node.value, ast.Call) and PARTS.get(name_of(node.value.func)) == size:
                taken_apart.add(id(node.value))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            at = node.slice.value
            if isinstance(node.value, ast.Call) and isinstance(at, int) and at > 0:
                taken_apart.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in METHODS and name not in OWN_METHODS:
                by_result = name in PARTS and id(node) in taken_apart
                yield node.func, by_result or _by_arguments(name, node.args)


def _by_arguments(name: str, given: list[ast.expr]) -> bool:
    if any(isinstance(each, ast.Starred) for each in given):
        return False
    of_key = bool(given) and isinstance(given[0], ast.Tuple) and len(given[0].elts) == 3
    return of_key or len(given) >= ARGUMENTS.get(name, 9)


def looked_at(module: Module, shapes: Iterator[tuple[ast.Attribute, bool]]) -> set[int]:
    """Those methods that may be a client's, by the `id` of their nodes."""
    named = [
        (node, owner_of(node), looks) for node, looks in shapes if name_of(node.value) not in module.others
    ]
    worth = {name for _, name, looks in named if looks and name}
    return {id(node) for node, name, _ in named if name in worth}


def owner_of(method: ast.Attribute) -> str:
    """The name of what it is called on, or else its text; empty of what is no client for sure."""
    if isinstance(
        method.value, ast.Dict | ast.List | ast.ListComp | ast.DictComp | ast.Constant | ast.JoinedStr
    ):
        return ""
    return name_of(method.value) or ast.unparse(method.value)

"""What the overloads of a method say that its one signature does not: what it gives with which arguments.

They are read from the sources, and for compiled methods from the stub, as a running program knows nothing of
them.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["given_with", "returns"]

WIRE = "pyspike._wire"


@dataclass(frozen=True)
class Overload:
    """One of a method.

    Args:
        names: the keywords that it has to be given, but that others do without.
        gives: what it returns, as text.
    """

    names: tuple[str, ...]
    gives: str


@cache
def _overloads_in(module: str) -> dict[str, list[Overload]]:
    """Those of all methods of a module, by their qualified names."""
    source = Path(sys.modules[module].__file__ or "")
    if module == WIRE:
        source = source.parent / "_wire.pyi"
    found: dict[str, list[Overload]] = {}
    for owner in ast.parse(source.read_text(encoding="utf-8")).body:
        for node in owner.body if isinstance(owner, ast.ClassDef) else ():
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
                isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list
            ):
                keywords = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                names = tuple(each.arg for each, default in keywords if default is None)
                gives = ast.unparse(node.returns) if node.returns is not None else "None"
                found.setdefault(f"{owner.name}.{node.name}", []).append(Overload(names, gives))
    return found


def overloads_of(method: Any) -> list[Overload]:
    """Those of a method; none if it has none."""
    module = getattr(method, "__module__", None) or WIRE  # compiled methods do not tell theirs
    if module not in sys.modules or not module.startswith("pyspike"):
        return []
    return _overloads_in(module).get(getattr(method, "__qualname__", ""), [])


def returns(method: Any) -> str:
    """What a method returns by one of its overloads or another; empty if it has none."""
    members: list[str] = []
    for overload in overloads_of(method):
        for node in _members(ast.parse(overload.gives, mode="eval").body):
            if (text := ast.unparse(node)) not in members:
                members.append(text)
    return " | ".join(sorted(members, key=lambda text: text == "None"))


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def given_with(method: Any) -> str:
    """A sentence of what it gives with which arguments; empty if that is always the same."""
    overloads = overloads_of(method)
    if len(overloads) < 2:
        return ""
    parts = []
    for overload in overloads:
        names = " and ".join(f"`{name}`" for name in overload.names)
        parts.append(f"with {names} ``{overload.gives}``" if names else f"``{overload.gives}``")
    return f"Gives {', '.join(parts)}."

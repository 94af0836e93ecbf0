"""Finds in a program's sources what it uses of the official client, by their syntax; nothing is run.

Which objects are clients is told by where they come from (`following`), by their names, and by methods that
no other object has. Of calls on other objects those are told that look like a client's, as what may be one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyspike.compat.migration.advice import DIFFERENT, METHODS, MISSING, OF_QUERIES, OWN_METHODS
from pyspike.compat.migration.following import CLIENT, QUERY, Module, follow
from pyspike.compat.migration.names import own_name
from pyspike.compat.migration.shapes import looked_at, owner_of, shapes_of

__all__ = ["Use", "sources", "uses", "uses_of"]

BYTES_KEY = "a record's key is bytes: an error here, see pyspike.compat.legacy(bytes_keys=True)"


@dataclass(frozen=True, slots=True)
class Use:
    """Something of the official client that a program uses.

    Args:
        path: the file.
        line: the line there.
        name: what is used.
        different: what the program may see other than with the official client; empty if nothing.
        instead: what to write with pyspike's own client; empty if there is nothing to say.
        missing: what this version does not have for it; empty if it is there.
        unsure: why this may be something else; empty if it is none.
    """

    path: str
    line: int
    name: str
    different: str = ""
    instead: str = ""
    missing: str = ""
    unsure: str = ""


def sources(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The Python files that these are, or have in them.

    Args:
        paths: files, and directories, which are looked through.
    """
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def uses(path: str | Path, text: str) -> list[Use]:
    """What a program of one file uses of the official client: see `uses_of`."""
    return uses_of({str(path): text})


def uses_of(program: Mapping[str, str | ast.Module]) -> list[Use]:
    """What a program uses of the official client, line by line; nothing if no part of it imports that.

    Args:
        program: its sources by their files, as text or parsed.

    Raises:
        SyntaxError: a text is no Python that this interpreter reads.
    """
    modules = [
        Module(path, ast.parse(source, filename=path) if isinstance(source, str) else source)
        for path, source in program.items()
    ]
    if not any(module.imports for module in modules):
        return []
    follow(modules)
    found: list[Use] = []
    for module in modules:
        finder = _Finder(module)
        finder.visit(module.tree)
        found += sorted(finder.found, key=lambda use: use.line)
    return found


class _Finder(ast.NodeVisitor):
    def __init__(self, module: Module) -> None:
        self.module = module
        self.found: list[Use] = []
        self._perhaps = looked_at(module, shapes_of(module.tree))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Names of the modules, and methods of clients and queries."""
        path = self.module.path_of(node)
        kind = "" if path else self.module.kind_of(node.value)
        if path:
            self._note(node, path, own_name(path))
        elif kind == QUERY and node.attr in OF_QUERIES:
            self._note(node, f"query.{node.attr}", OF_QUERIES[node.attr])
        elif node.attr in OWN_METHODS or (kind == CLIENT and node.attr in METHODS):
            self._note(node, f"client.{node.attr}", METHODS[node.attr])
        elif not kind and id(node) in self._perhaps:
            owner = owner_of(node)
            self._note(node, f"{owner}.{node.attr}", METHODS[node.attr], f"it can't be seen what {owner} is")
        if not path:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Names that were imported from the modules."""
        path = self.module.path_of(node)
        if path.count("."):
            self._note(node, path, own_name(path))

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Keys that are bytes."""
        last = node.elts[2] if len(node.elts) == 3 else None
        names = [isinstance(each, ast.Constant) and isinstance(each.value, str) for each in node.elts[:2]]
        if isinstance(last, ast.Constant) and isinstance(last.value, bytes) and all(names):
            self.found.append(Use(self.module.path, node.lineno, "key", different=BYTES_KEY))
        self.generic_visit(node)

    def _note(self, node: ast.expr, shown: str, instead: str, unsure: str = "") -> None:
        name = shown.rpartition(".")[2]
        different, missing = ("", "") if unsure else (DIFFERENT.get(name, ""), MISSING.get(name, ""))
        self.found.append(Use(self.module.path, node.lineno, shown, different, instead, missing, unsure))

"""Finds in a program's sources what it uses of the official client, by their syntax; nothing is run.

Which objects are clients is told by where they come from (`aerospike.client(...)`), by their names, and by
methods that no other object has.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyspike.compat.migration.advice import DIFFERENT, INSTEAD, MISSING, OWN_METHODS, SHARED_METHODS
from pyspike.compat.migration.names import own_name

__all__ = ["Use", "sources", "uses"]

PACKAGES = ("aerospike", "aerospike_helpers")
OF_CLIENTS = SHARED_METHODS | MISSING.keys()
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
    """

    path: str
    line: int
    name: str
    different: str = ""
    instead: str = ""
    missing: str = ""


def sources(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The Python files that these are, or have in them.

    Args:
        paths: files, and directories, which are looked through.
    """
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def uses(path: str | Path, text: str) -> list[Use]:
    """What a source uses of the official client, line by line; nothing if it does not import it.

    Args:
        path: its file, for the result.
        text: the source.

    Raises:
        SyntaxError: it is no Python that this interpreter reads.
    """
    finder = _Finder(str(path))
    tree = ast.parse(text, filename=str(path))
    finder.look_for_clients(tree)
    finder.visit(tree)
    return sorted(finder.found, key=lambda use: use.line) if finder.imports else []


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str) -> None:
        self.path = path
        self.found: list[Use] = []
        self.modules: dict[str, str] = {}  # names in the program, and what they are
        self.clients: set[str] = set()
        self.imports = False

    def look_for_clients(self, tree: ast.AST) -> None:
        """Note the imports, and the names that are given a client."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.partition(".")[0] in PACKAGES:
                        bound = alias.asname or alias.name.partition(".")[0]
                        self.modules[bound] = alias.name if alias.asname else bound
                        self.imports = True
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
                self.imports = True
                for alias in node.names:
                    self.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and self._makes_client(node.value):
                self.clients.update(filter(None, map(_name, node.targets)))
            elif isinstance(node, ast.AnnAssign) and node.value and self._makes_client(node.value):
                self.clients.add(_name(node.target))

    def _makes_client(self, node: ast.AST) -> bool:
        """Whether it is `aerospike.client(...)`, with or without `.connect()`."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.attr == "connect":
            return self._makes_client(node.func.value)
        return node.func.attr == "client" and self._path(node.func.value) == "aerospike"

    def _path(self, node: ast.AST) -> str:
        """The module or name that an expression stands for; empty if it is none of the packages'."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, "")
        if isinstance(node, ast.Attribute):
            before = self._path(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Names of the modules, and methods of clients."""
        path = self._path(node)
        if path:
            self._note(node, path.rpartition(".")[2], path)
        elif node.attr in OWN_METHODS or (node.attr in OF_CLIENTS and self._is_client(node.value)):
            self._note(node, node.attr, f"client.{node.attr}")
        if not path:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Names that were imported from the modules."""
        path = self.modules.get(node.id, "")
        if path.count("."):
            self._note(node, path.rpartition(".")[2], path)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Keys that are bytes."""
        last = node.elts[2] if len(node.elts) == 3 else None
        names = [isinstance(each, ast.Constant) and isinstance(each.value, str) for each in node.elts[:2]]
        if isinstance(last, ast.Constant) and isinstance(last.value, bytes) and all(names):
            self.found.append(Use(self.path, node.lineno, "key", different=BYTES_KEY))
        self.generic_visit(node)

    def _is_client(self, node: ast.AST) -> bool:
        name = _name(node)
        return name in self.clients or "client" in name.lower() or self._makes_client(node)

    def _note(self, node: ast.expr, name: str, shown: str) -> None:
        self.found.append(
            Use(
                self.path,
                node.lineno,
                shown,
                DIFFERENT.get(name, ""),
                INSTEAD.get(name) or own_name(name),
                MISSING.get(name, ""),
            )
        )


def _name(node: ast.AST) -> str:
    """The name that a variable or attribute ends with."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""

"""The embedded server shares no encoding with the client, so that one wrong idea can't pass both."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pyspike.server

HERE = Path(pyspike.server.__file__).parent
ALLOWED = {"pyspike.server", "pyspike.version", "pyspike.lua"}


def imported(path: Path) -> Iterator[str]:
    """The modules of pyspike that a file imports, wherever in it."""
    package = ["pyspike", "server", *path.relative_to(HERE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            yield ".".join([*above, *([node.module] if node.module else [])])


def test_the_server_imports_nothing_of_the_client() -> None:
    files = sorted(HERE.rglob("*.py"))
    assert len(files) > 40
    foreign = {
        (path.name, module)
        for path in files
        for module in imported(path)
        if module.split(".")[0] == "pyspike"
        and not any(module == name or module.startswith(f"{name}.") for name in ALLOWED)
    }
    assert not foreign

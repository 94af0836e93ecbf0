"""What the layout of the source promises and no linter checks; what imports may do is in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyspike

PACKAGE = Path(pyspike.__file__).parent
ROOT = Path(__file__).parents[2]
OPENS_A_SOCKET = {
    *("socket", "SocketType", "create_connection", "fromfd", "socketpair", "create_server"),  # of `socket`
    *("open_connection", "open_unix_connection", "create_unix_connection"),  # of asyncio and its loops
}


def client_sources() -> Iterator[tuple[str, ast.Module]]:
    """The client's modules, without the embedded server: each by its path in the package, and its code."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("server/"):
            yield name, ast.parse(path.read_text())


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def test_sockets_are_opened_in_one_module_only() -> None:
    found = {
        name
        for name, module in client_sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and called(node) in OPENS_A_SOCKET
    }
    assert found == {"cluster/connect.py"}


def test_imports_run_down_and_never_in_a_circle() -> None:
    """The contracts of `pyproject.toml`, which say of each package what may import what."""
    linter = pytest.importorskip("importlinter.cli")
    command = [sys.executable, "-c", f"from {linter.__name__} import lint_imports_command as run; run()"]
    found = subprocess.run(
        [*command, "--no-cache", "--no-logo", str(ROOT / "pyproject.toml")],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_only_users_import_from_the_root_of_the_package() -> None:
    """A part that did so would import everything, and itself. Submodules, as `_wire`, are no names of it."""
    modules = {path.stem for path in PACKAGE.glob("[!.]*") if path.stem != "__init__"} | {"_wire"}
    found = {
        (name, alias.name)
        for name, module in client_sources()
        if not name.startswith(("cli/", "testing/"))
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "pyspike"
        for alias in node.names
        if alias.name not in modules
    }
    assert found == set()

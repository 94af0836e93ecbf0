"""What the layout of the source promises and no linter checks; what imports may do is in pyproject.toml."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pyspike

PACKAGE = Path(pyspike.__file__).parent
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

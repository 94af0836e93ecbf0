"""What the layout of the source promises and no linter checks; what imports may do is in pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyspike

PACKAGE = Path(pyspike.__file__).parent
ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
# What tests may ask for although its name begins with an underscore.
PRIVATE = {
    "_exit": "of os: how a child process ends",
    "_current_frames": "of sys: where the main thread is",
    "_set_running_loop": "of asyncio: what its own loops and uvloop call; a child process has to end a loop",
    "_run": "of asyncio.Handle: how long a callback takes, whoever it is of",
    "_callback": "of asyncio.Handle: whose callback it is",
    "_scheduled": "of asyncio's loops: how many timers they have",
    "_PyTask": "of asyncio: the task in Python, for which the compiled one is tested too",
    "_log_destroy_pending": "of asyncio.Task: a test destroys a task on purpose",
    "_BaseExpr": "of the official client: the base of its expressions, which has no public name",
    "_GenericBackendTestSuite": "of dogpile.testing: its tests for backends of others",
    "_GenericMutexTestSuite": "of dogpile.testing: its tests for their locks",
    "_GenericSerializerTestSuite": "of dogpile.testing: its tests of what they make of values",
    "_replace": "of named tuples, whose public method it is",
    "_is_gil_enabled": "of sys: whether threads run Python at once",
    "_row": "of the expressions of the drop-in: the row of the table that each is made of",
    "_wire": "the compiled module, whose own names are what its tests are about",
    "_fields_": "of ctypes: what a struct has",
    "_analysis": "of expressions: how deep they are, which nobody else tells",
}
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
    assert found == {
        "cluster/connect.py",
        "cluster/tls_in_loop.py",  # takes over the former's
        "cli/doctor_network.py",  # looks whether a port is open where no client gets in
    }


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
        if not name.startswith(("cli/", "testing/", "compat/"))
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "pyspike"
        for alias in node.names
        if alias.name not in modules
    }
    assert found == set()


def test_places_are_files_of_less_than_250_lines() -> None:
    """So that who looks for how a framework's cache works reads one file, and soon."""
    lengths = {
        name: len((PACKAGE / name).read_text(encoding="utf-8").splitlines())
        for name, _ in client_sources()
        if name.startswith("contrib/")
    }
    assert len(lengths) > 20
    assert {name: lines for name, lines in lengths.items() if lines >= 250} == {}


@pytest.mark.skipif(not (ROOT / "src" / "wire").is_dir(), reason="the sources of the wire layer are not here")
def test_the_wire_layer_imports_only_leaves_of_the_package() -> None:
    """The linter sees no compiled module: what is above the wire layer is handed in to it."""
    parts = [ROOT / "src" / "_wire.pyx", *sorted((ROOT / "src" / "wire").rglob("*.pyx"))]
    assert len(parts) > 40
    found = set()
    for part in parts:
        for line in part.read_text().splitlines():
            match = re.match(r"\s*(?:from (pyspike[\w.]*) import \(?(\w*)|import (pyspike[\w.]*))", line)
            if match:
                found.add(match[3] or (match[1] if match[1] != "pyspike" else f"pyspike.{match[2]}"))
    assert found == {"pyspike.errors", "pyspike.result_code", "pyspike.showing", "pyspike.values"}


def private_names(module: ast.Module) -> Iterator[str]:
    """The names with an underscore in front that a module takes from others."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            names = (
                [] if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls") else [node.attr]
            )
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and called(node) in ("getattr", "setattr", "delattr"):
            names = [each.value for each in node.args[1:2] if isinstance(each, ast.Constant)]
        else:
            continue
        yield from (name for name in names if name.startswith("_") and not name.startswith("__"))


def test_tests_look_at_what_is_public() -> None:
    """A test of what is private says nothing to users, and breaks where nothing is broken."""
    used: dict[str, str] = {}
    for path in TESTS.rglob("*.py"):
        used |= dict.fromkeys(private_names(ast.parse(path.read_text())), path.relative_to(TESTS).as_posix())
    assert {name: path for name, path in used.items() if name not in PRIVATE} == {}
    assert set(PRIVATE) - set(used) == set(), "what is listed is not looked at any more"

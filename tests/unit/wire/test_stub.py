"""The stub `_wire.pyi` is what tools/stubs.py writes, and tells the same as the compiled module.

So an editor shows what is compiled: names, parameters and docstrings.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

import pyspike
from pyspike import AsyncClient, Client, _wire, errors, result_code, values
from support.all_of import all_of

PACKAGE = Path(pyspike.__file__).parent
STUB = ast.parse((PACKAGE / "_wire.pyi").read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CONSTANTS = {ast.unparse(node.target) for node in STUB.body if isinstance(node, ast.AnnAssign)}
TOLD = CLASSES.keys() | FUNCTIONS.keys() | CONSTANTS

LEAVES = (errors, result_code, values)
Method = ast.FunctionDef | ast.AsyncFunctionDef


def tool() -> Any:
    """The module tools/stubs.py."""
    path = Path(__file__).parents[3] / "tools" / "stubs.py"
    spec = importlib.util.spec_from_file_location("stubs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stubs"] = module  # where its dataclasses look for it
    spec.loader.exec_module(module)
    return module


STUBS = tool()


def public_names() -> set[str]:
    """What the module defines itself, without what it imports."""
    return {
        name
        for name, value in vars(_wire).items()
        if not name.startswith("_")
        and getattr(value, "__module__", _wire.__name__) == _wire.__name__
        and not inspect.ismodule(value)
        and not any(getattr(leaf, name, None) is value for leaf in LEAVES)
    }


def members(kind: type) -> dict[str, Any]:
    """What a class has, with what it has from classes that the stub does not tell."""
    bases = [base for base in kind.__mro__[1:] if base.__name__ in STUBS.INTERNAL]
    twin = STUBS.TWINS.get(kind.__name__)
    own = [] if twin is None else [base for base in getattr(_wire, twin).__mro__ if base.__name__ in CLASSES]
    twins = [base for base in kind.__mro__[1:] if base in own]
    found = {
        name: entry
        for each in reversed([kind, *bases, *twins])
        for name, entry in vars(each).items()
        if not name.startswith("_") or name in STUBS.SPECIAL - {"__init__", "__new__"}
    }
    if kind.__hash__ is None:
        del found["__hash__"]
    return found


def told(node: ast.ClassDef) -> dict[str, list[Method]]:
    """Each member: a method with all its overloads, a property with its setter."""
    entries: dict[str, list[Method]] = {}
    for entry in node.body:
        if isinstance(entry, Method):
            entries.setdefault(entry.name, []).append(entry)
    return entries


def parameters(node: Method) -> list[tuple[str, bool]]:
    """Names, and whether they may be left out."""
    positional = [entry.arg for entry in node.args.args]
    required = len(positional) - len(node.args.defaults)
    given = [(name, at >= required) for at, name in enumerate(positional)]
    more = [(entry.arg, False) for entry in (node.args.vararg,) if entry]
    by_name = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return [*given, *more, *((entry.arg, default is not None) for entry, default in by_name)]


def all_parameters(overloads: list[Method]) -> list[tuple[str, bool]]:
    """Those of all overloads; what one of them does without may be left out."""
    each = sorted((dict(parameters(node)) for node in overloads), key=len, reverse=True)
    names = dict.fromkeys(name for taken in each for name in taken)
    return [(name, any(taken.get(name, True) for taken in each)) for name in names]


def compiled_parameters(function: object) -> list[tuple[str, bool]]:
    signature = inspect.signature(function)  # type: ignore[arg-type]
    return [(name, entry.default is not entry.empty) for name, entry in signature.parameters.items()]


def marks(nodes: list[Method]) -> list[list[str]]:
    return [[ast.unparse(mark) for mark in node.decorator_list] for node in nodes]


def words(doc: str | None) -> str:
    """A docstring without what depends on how it is indented."""
    return " ".join((doc or "").split())


# What the tool writes ---------------------------------------------------------------------------------------


def test_the_stub_is_what_the_tool_writes(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ruff", reason="the tool formats by ruff, of the extra lint")
    assert STUBS.main(["--check"]) == 0, capsys.readouterr().out


def test_the_tool_finds_a_difference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ruff", reason="the tool formats by ruff, of the extra lint")
    changed = tmp_path / "_wire.pyi"
    text = (PACKAGE / "_wire.pyi").read_text(encoding="utf-8")
    changed.write_text(text.replace('"""Read a record.', '"""Read.', 1), encoding="utf-8")
    monkeypatch.setattr(STUBS, "STUB", changed)
    assert STUBS.main(["--check"]) == 1
    assert STUBS.main([]) == 0
    assert changed.read_text(encoding="utf-8") == text


# The compiled module ----------------------------------------------------------------------------------------


def test_the_module_has_every_name_of_the_stub() -> None:
    assert {name for name in TOLD if not hasattr(_wire, name)} == set()


def test_the_stub_tells_every_public_name_of_the_module() -> None:
    assert public_names() - STUBS.INTERNAL == TOLD


@all_of("name", sorted(CLASSES))
def test_a_class_has_the_members_of_its_stub(name: str) -> None:
    kind, names = getattr(_wire, name), told(CLASSES[name]).keys() - {"__init__", "__new__"}
    names |= {ast.unparse(node.target) for node in CLASSES[name].body if isinstance(node, ast.AnnAssign)}
    private = {entry for entry in names if entry.startswith("_")} - STUBS.SPECIAL
    assert members(kind).keys() == names - private
    assert all(hasattr(kind, entry) for entry in private)


@all_of("name", sorted(FUNCTIONS))
def test_a_function_takes_the_parameters_of_its_stub(name: str) -> None:
    assert compiled_parameters(getattr(_wire, name)) == parameters(FUNCTIONS[name])


@all_of("name", sorted(CLASSES))
def test_methods_take_the_parameters_of_their_stub(name: str) -> None:
    kind = getattr(_wire, name)
    for entry, nodes in told(CLASSES[name]).items():
        if entry.startswith("__"):
            continue
        if marks(nodes)[0] == ["property"]:
            assert marks(nodes)[1:] in ([], [[f"{entry}.setter"]]), entry
            continue
        assert len(nodes) == 1 or marks(nodes) == [["overload"]] * len(nodes), entry
        assert compiled_parameters(getattr(kind, entry)) == all_parameters(nodes), entry


@all_of("name", sorted(CLASSES))
def test_docstrings_are_the_compiled_ones(name: str) -> None:
    kind = getattr(_wire, name)
    assert words(ast.get_docstring(CLASSES[name])) == words(inspect.getdoc(kind) if kind.__doc__ else "")
    for entry, nodes in told(CLASSES[name]).items():
        for node in nodes if not entry.startswith("__") else []:
            if marks([node]) != [[f"{entry}.setter"]]:
                assert words(ast.get_docstring(node)) == words(getattr(kind, entry).__doc__), entry


@all_of("name", sorted(FUNCTIONS))
def test_a_functions_docstring_is_the_compiled_one(name: str) -> None:
    assert words(ast.get_docstring(FUNCTIONS[name])) == words(getattr(_wire, name).__doc__)


@all_of("name", sorted(CLASSES))
def test_a_class_is_final_where_the_compiled_one_is(name: str) -> None:
    final = "final" in [ast.unparse(mark) for mark in CLASSES[name].decorator_list]
    try:
        type("Sub", (getattr(_wire, name),), {})
    except TypeError as error:
        assert final, error  # noqa: PT017 - whether it fails is the question
    else:
        assert not final


# Editors ----------------------------------------------------------------------------------------------------


def class_in_source(kind: type) -> ast.ClassDef:
    source = ast.parse(Path(inspect.getfile(kind)).read_text(encoding="utf-8"))
    (own,) = (node for node in source.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    return own


def seen_by_editors(client: type) -> dict[str, str]:
    """The docstring of each public method, by the sources that an editor reads: the client's and its stub."""
    compiled = [_wire.Commands, _wire.BatchCommands] if client is Client else [_wire.AsyncCommands]
    assert [each for each in reversed(client.__mro__) if each in compiled] == compiled
    written = [each for each in reversed(client.__mro__) if each.__module__.startswith("pyspike.")]
    docs: dict[str, str] = {}
    for node in (
        *(CLASSES[each.__name__] for each in compiled),
        *(class_in_source(each) for each in written if each.__module__ != _wire.__name__),
    ):
        for name, nodes in told(node).items():
            docs[name] = next((doc for each in nodes if (doc := ast.get_docstring(each))), "")
    return docs


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_editors_show_what_every_public_method_does(client: type) -> None:
    seen = seen_by_editors(client)
    public = {name for name in dir(client) if not name.startswith("_")}
    assert public - seen.keys() == set()
    for name in public:
        assert words(seen[name]) == words(getattr(client, name).__doc__) != "", name

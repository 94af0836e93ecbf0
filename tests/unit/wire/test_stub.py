"""The stub `_wire.pyi` and the compiled module tell the same names."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from pyspike import _wire, errors, result_code, values

STUB = ast.parse((Path(_wire.__file__).parent / "_wire.pyi").read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CONSTANTS = {
    name
    for node in STUB.body
    if isinstance(node, ast.AnnAssign) and not (name := ast.unparse(node.target)).startswith("_")
}
PROTOCOLS = {
    name for name, node in CLASSES.items() if any(ast.unparse(base) == "Protocol" for base in node.bases)
}
COMPILED = CLASSES.keys() - PROTOCOLS
TOLD = COMPILED | FUNCTIONS.keys() | CONSTANTS

LEAVES = (errors, result_code, values)

# Classes that Python code never names: queues of a pool and of a lane, the table inside a partition map, the
# counters of a node, the readers of answers and what they say, what a client has that was never opened, an
# argument as one function has it.
INTERNAL = {
    "FramesReader",
    "NamespaceMap",
    "NodeCounters",
    "OutcomeReader",
    "Part",
    "Reader",
    "RecordReader",
    "ResultsReader",
    "Sign",
    "Unopened",
    "Waiter",
    "WaitingBlock",
    "WaitingQueue",
}

# Special methods that a stub must tell, because type checkers look for them.
SPECIAL = {
    f"__{name}__"
    for name in ("call", "hash", "eq", "getitem", "contains", "iter", "len", "bool", "enter", "exit", "await")
}


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


def members(kind: type) -> set[str]:
    theirs = {name for name in vars(kind) if not name.startswith("_") or name in SPECIAL}
    return theirs - {"__hash__"} if kind.__hash__ is None else theirs


def told(node: ast.ClassDef) -> dict[str, list[ast.FunctionDef]]:
    """Each member: a method with all its overloads, a property with its setter."""
    entries: dict[str, list[ast.FunctionDef]] = {}
    for entry in node.body:
        if ast.unparse(entry) == "..." or isinstance(
            entry, (ast.AnnAssign, ast.Assign)
        ):  # none, or attributes
            continue
        assert isinstance(entry, ast.FunctionDef)
        entries.setdefault(entry.name, []).append(entry)
    return entries


def parameters(node: ast.FunctionDef) -> list[tuple[str, bool]]:
    """Names, and whether they may be left out."""
    positional = [entry.arg for entry in node.args.args]
    required = len(positional) - len(node.args.defaults)
    given = [(name, at >= required) for at, name in enumerate(positional)]
    more = [(entry.arg, False) for entry in (node.args.vararg,) if entry]
    by_name = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return [*given, *more, *((entry.arg, default is not None) for entry, default in by_name)]


def all_parameters(overloads: list[ast.FunctionDef]) -> list[tuple[str, bool]]:
    """Those of all overloads; what one of them does without may be left out."""
    each = sorted((dict(parameters(node)) for node in overloads), key=len, reverse=True)
    names = dict.fromkeys(name for taken in each for name in taken)
    return [(name, any(taken.get(name, True) for taken in each)) for name in names]


def compiled_parameters(function: object) -> list[tuple[str, bool]]:
    signature = inspect.signature(function)  # type: ignore[arg-type]
    return [(name, entry.default is not entry.empty) for name, entry in signature.parameters.items()]


def test_the_module_has_every_name_of_the_stub() -> None:
    assert {name for name in TOLD if not name.startswith("_") and not hasattr(_wire, name)} == set()


def test_the_stub_tells_every_public_name_of_the_module() -> None:
    assert public_names() - INTERNAL == TOLD


@pytest.mark.parametrize("name", sorted(COMPILED))
def test_a_class_has_the_members_of_its_stub(name: str) -> None:
    kind, names = getattr(_wire, name), told(CLASSES[name]).keys() - {"__init__"}
    private = {entry for entry in names if entry.startswith("_")} - SPECIAL
    assert members(kind) == names - private
    assert private <= vars(kind).keys()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_takes_the_parameters_of_its_stub(name: str) -> None:
    assert compiled_parameters(getattr(_wire, name)) == parameters(FUNCTIONS[name])


@pytest.mark.parametrize("name", sorted(COMPILED))
def test_methods_take_the_parameters_of_their_stub(name: str) -> None:
    kind = getattr(_wire, name)
    for entry, nodes in told(CLASSES[name]).items():
        marks = [[ast.unparse(mark) for mark in node.decorator_list] for node in nodes]
        if entry.startswith("__"):
            continue
        if marks[0] == ["property"]:
            assert marks[1:] in ([], [[f"{entry}.setter"]]), entry
            continue
        assert len(nodes) == 1 or marks == [["overload"]] * len(nodes), entry
        assert compiled_parameters(getattr(kind, entry)) == all_parameters(nodes), entry


@pytest.mark.parametrize("name", sorted(COMPILED))
def test_a_class_is_final_where_the_compiled_one_is(name: str) -> None:
    final = "final" in [ast.unparse(mark) for mark in CLASSES[name].decorator_list]
    try:
        type("Sub", (getattr(_wire, name),), {})
    except TypeError as error:
        assert final, error  # noqa: PT017 - whether it fails is the question
    else:
        assert not final

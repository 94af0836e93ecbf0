"""Every opcode stands once in the client: in `pyspike.cdt.opcodes`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyspike
from pyspike import cdt, exp
from pyspike.cdt import opcodes
from pyspike.cdt.opcodes import BitOp, HLLOp, ListOp, MapOp, StringOp, SubOp
from pyspike.operations import bitwise, hll, lists, maps, strings

PACKAGE = Path(pyspike.__file__).parent
SOURCES = sorted(path for folder in ("operations", "exp") for path in (PACKAGE / folder).glob("*.py"))
READERS = [PACKAGE / "cdt" / "describe.py", PACKAGE / "server_features.py"]

FAMILIES = {ListOp: lists, MapOp: maps, BitOp: bitwise, HLLOp: hll, StringOp: strings}

# The numbers from 4 on in the files that make and read operations and expressions: sizes, bits and versions.
ALLOWED = {
    "operations/context.py": {63},  # bits of an int
    "operations/maker.py": {4},  # a particle type
    "exp/analysis.py": {128},  # levels of expressions
    "exp/expression.py": {10_000},  # characters of a repr
    "exp/record.py": {15},  # bytes of a bin's name
    "exp/paths.py": {0x0F},  # the part of a path's flags that is a PathSelect
    "cdt/describe.py": {5, 7, 8, 0x0F, 16, 1000, 2000},  # places in an operation's head, characters of a repr
    "server_features.py": {4, 7, 8},  # versions of servers
    "exp/check.py": {4},  # parts of a call
}


def numbers(path: Path) -> Iterator[int]:
    """The whole numbers from 4 on in a file; smaller ones are places and counts."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 3:
            yield node.value


def first_numbers(path: Path) -> Iterator[int]:
    """The numbers that stand where calls have an opcode: as their first argument."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = ast.unparse(node.func)
            if type(node.args[0].value) is int and name not in ("range",):
                yield node.args[0].value


@pytest.mark.parametrize("path", [*SOURCES, *READERS], ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_bare_opcode_stands_outside_the_table(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    assert set(numbers(path)) <= ALLOWED.get(name, set()), name
    assert not set(first_numbers(path)), name


def test_a_bare_opcode_would_be_found(tmp_path: Path) -> None:
    source = tmp_path / "maps.py"
    source.write_text("def get_by_rank(bin_name):\n    return _read(bin_name, None, 100)\n")
    assert set(numbers(source)) == {100}
    source.write_text("@_read(1)\ndef append(bin_name): ...\n")
    assert set(first_numbers(source)) == {1}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_opcode_has_a_function_of_its_name_with_its_arguments(family: type[SubOp]) -> None:
    for row in family:
        assert row.function in FAMILIES[family].__all__, row


def test_what_is_below_operations_and_expressions_imports_neither() -> None:
    for path in Path(cdt.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert not (module or "").startswith(("pyspike.operations", "pyspike.exp")), path.name


@pytest.mark.parametrize(("folder", "other"), [("exp", "operations"), ("operations", "exp")])
def test_operations_and_expressions_do_not_import_each_other(folder: str, other: str) -> None:
    for path in (PACKAGE / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert not (module or "").startswith(f"pyspike.{other}"), path.name


def test_the_opcodes_of_expressions_have_their_signatures() -> None:
    told = {op.name for op in opcodes.ExpOp}
    assert {"EQ", "CALL", "QUOTE"} <= told
    assert len(told) == len(set(opcodes.ExpOp))
    assert exp.num_add(1, 2).to_bytes()[1] == opcodes.ExpOp.ADD

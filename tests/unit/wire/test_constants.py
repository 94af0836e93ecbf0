"""Every number of the protocol has one name and one home: src/wire/base/constants.pyx."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyspike import _wire
from pyspike.cdt.opcodes import OpCode
from support.all_of import all_of

SOURCE = Path(__file__).parents[3] / "src"
HOME = SOURCE / "wire" / "base" / "constants.pyx"
PARTS = sorted((SOURCE / "wire").rglob("*.pyx"))
MODULES = [  # of the client; the embedded server shares no number with it
    path
    for path in sorted((SOURCE / "pyspike").rglob("*.py"))
    if "server" not in path.relative_to(SOURCE / "pyspike").parts
]
GROUP = re.compile(r"^cpdef enum:.*\n((?: .*\n)+)", re.MULTILINE)
MEMBER = re.compile(r"^ +([A-Z]\w+) = ([\w]+)\b", re.MULTILINE)
NUMBERS = {
    name: int(value, 0)
    for group in GROUP.findall(HOME.read_text(encoding="utf-8"))
    for name, value in MEMBER.findall(group)
}
GROUPS = [set(dict(MEMBER.findall(group))) for group in GROUP.findall(HOME.read_text(encoding="utf-8"))]

# In these parts and modules a number in hexadecimal is a bit of the protocol's, which has a name.
MSGPACK = ("operation_functions.pyx", "declared_function.pyx", "operation.pyx")  # whose tags have no names
WITHOUT_BITS = [
    path for path in PARTS if path.parent.name in ("requests", "readers") and path.name not in MSGPACK
]
WITHOUT_BITS += [path for path in MODULES if path.parent.name == "policy"]
BIT = re.compile(r"\b0x[0-9A-Fa-f]{1,2}\b")


def assigned(module: ast.Module) -> Iterator[str]:
    """The names that a module gives a literal number to, in classes too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            literal = all(isinstance(value, ast.Constant) for value in values)
            for target in targets if literal else []:
                yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def test_the_numbers_can_be_read_from_python() -> None:
    assert len(NUMBERS) > 70
    assert {name: getattr(_wire, name) for name in NUMBERS} == NUMBERS


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: min(group).partition("_")[0])
def test_no_number_has_two_names(group: set[str]) -> None:
    """In its group; flags of lists and maps, and limits, may be equal by chance."""
    if "LIST_ORDERED" in group or "MAX_BIN_NAME" in group or "PARTITIONS" in group:
        return
    counts = Counter(NUMBERS[name] for name in group if not name.endswith("_SIZE"))
    assert [number for number, count in counts.items() if count > 1] == []


@all_of("path", PARTS, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_part_has_a_number_of_its_own(path: Path) -> None:
    if path == HOME:
        return
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^ *(?:cdef [\w ]+ )?([A-Z]\w+) *= *\w", text, re.MULTILINE)
    assert NUMBERS.keys() & set(found) == set()


@all_of("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_module_has_a_number_of_its_own(path: Path) -> None:
    # A private name, or a member of an enumeration, may be the number's without its group.
    names = {name.lstrip("_") for name in assigned(ast.parse(path.read_text(encoding="utf-8")))}
    assert NUMBERS.keys() & names == set()


@pytest.mark.parametrize("path", WITHOUT_BITS, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_bits_are_named(path: Path) -> None:
    code = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    assert BIT.findall(code) == []


def test_no_module_puts_a_frame_together_from_bare_numbers() -> None:
    bare = re.compile(r"\b\d+ << (?:48|56)\b")
    assert [path.name for path in MODULES if bare.search(path.read_text(encoding="utf-8"))] == []


def test_the_codes_of_operations_are_the_same_objects() -> None:
    ours = {name.removeprefix("OP_").replace("BITS_", "BIT_"): number for name, number in NUMBERS.items()}
    assert {code.name: int(code) for code in OpCode} == {code.name: ours[code.name] for code in OpCode}
    text = Path(__import__(OpCode.__module__, fromlist=["_"]).__file__ or "").read_text(encoding="utf-8")
    body = next(
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and node.name == OpCode.__name__
    )
    assert not [
        node for node in ast.walk(body) if isinstance(node, ast.Constant) and isinstance(node.value, int)
    ]

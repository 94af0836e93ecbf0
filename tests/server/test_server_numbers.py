"""The numbers of the protocol stand once in the server, in `server/protocol`; all other code names them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

import pyspike.server
from pyspike.server.protocol import constants, flags, msgpack_codes, opcodes, result, security_codes
from support.all_of import all_of

SERVER = Path(pyspike.server.__file__).parent
HOMES = [constants, flags, msgpack_codes, opcodes, result, security_codes]
FILES = [path for path in sorted(SERVER.rglob("*.py")) if path.parent.name != "protocol"]
ENUMS = {"Enum", "IntEnum", "Flag", "IntFlag"}
NUMBERED = {"opcode", "code", "particle", "info1", "info2", "info3", "info4", "flags", "prefix", "kind"}
"""What variables and attributes are called whose values are numbers of the protocol."""
SMALLEST = 2
"""0 and 1 are compared with for other reasons, such as an empty set of flags."""


def named_numbers() -> set[str]:
    """The names of plain constants that have a home."""
    return {name for home in HOMES for name in home.__all__ if isinstance(getattr(home, name), (int, range))}


def numbers(node: ast.AST) -> Iterator[int]:
    """The integers that an expression consists of, such as 4, -1 and (4, 7)."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield node.value
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        for item in node.elts:
            yield from numbers(item)


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def second_homes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each place that gives a number of the protocol a second home: its line, and what stands there."""
    named = named_numbers()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and ENUMS & {name_of(base) for base in node.bases}:
            values = [each.value for each in node.body if isinstance(each, ast.Assign)]
            if any(list(numbers(value)) for value in values):
                yield node.lineno, f"an enum of numbers: {node.name}"
        elif isinstance(node, ast.Assign) and list(numbers(node.value)):
            again = {name_of(target).lstrip("_") for target in node.targets} & named
            if again:
                yield node.lineno, f"a second {again.pop()}"
        elif isinstance(node, ast.Compare) and {name_of(node.left)} & NUMBERED:
            bare = [number for each in node.comparators for number in numbers(each) if number >= SMALLEST]
            if bare:
                yield node.lineno, f"{name_of(node.left)} compared with {bare}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            bare = [number for side in (node.left, node.right) for number in numbers(side)]
            if bare and {name_of(node.left), name_of(node.right)} & NUMBERED:
                yield node.lineno, f"flags tested with {bare}"
        elif isinstance(node, ast.Dict):
            bare = [number for key in node.keys if key is not None for number in numbers(key)]
            if len(bare) >= SMALLEST:
                yield node.lineno, f"a table by number: {bare}"


def places(text: str) -> list[str]:
    return [what for _, what in second_homes(ast.parse(text))]


@all_of("path", FILES, ids=lambda path: str(path.relative_to(SERVER)))
def test_no_number_of_the_protocol_has_a_second_home(path: Path) -> None:
    found = [f"{path.name}:{line}: {what}" for line, what in second_homes(ast.parse(path.read_text("utf-8")))]
    assert not found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BIN_NAME_MAX = 15", "a second BIN_NAME_MAX"),
        ("_TTL_NEVER = 0xFFFFFFFF", "a second TTL_NEVER"),
        ("class Kind(IntEnum):\n    BLOB = 4", "an enum of numbers: Kind"),
        ("if call.opcode == 13: pass", "opcode compared with [13]"),
        ("if particle in (2, 17): pass", "particle compared with [2, 17]"),
        ("if flags & 0x10: pass", "flags tested with [16]"),
        ("TABLE = {5: pop, 6: pop_range}", "a table by number: [5, 6]"),
    ],
)
def test_a_second_home_is_found(text: str, found: str) -> None:
    assert places(text) == [found]


def test_each_number_of_an_enum_has_one_name() -> None:
    enums = [
        each
        for home in HOMES
        for name in home.__all__
        if isinstance(each := getattr(home, name), type) and issubclass(each, Enum)
    ]
    assert len(enums) > 30
    twice = {enum.__name__: set(enum.__members__) - {each.name for each in enum} for enum in enums}
    assert {name: again for name, again in twice.items() if again} == {
        "ContainerFlags": {"KEY_ORDERED"},  # the same bit, of lists and of maps
    }

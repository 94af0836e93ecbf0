"""Which operations, expressions and info commands need a newer server than the oldest that pyspike talks to.

An older server refuses most of them with a code that says nothing, and takes some for what can't be worked
out. This tells what a command that failed had in it; only then is it imported. Info commands are refused
before they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pyspike.cdt.msgpack_tree import read_tree
from pyspike.cdt.opcodes import (
    BY_PATH,
    MODIFY,
    WITH_CONTEXT,
    BitOp,
    ContextType,
    ExpOp,
    ListOp,
    OpCode,
    System,
)
from pyspike.errors import ProtocolError, UnsupportedFeature

__all__ = [
    "INTEGER_INDEXES",
    "QUERY_PLANS",
    "SET_INDEXES",
    "Feature",
    "in_expression",
    "in_operation",
    "require",
]


class Feature(NamedTuple):
    """Something that only newer servers know.

    Args:
        version: the first version that does.
        name: what it is, in the plural.
    """

    version: tuple[int, ...]
    name: str


STRING_OPERATIONS = Feature((8, 2), "string operations")
STRING_EXPRESSIONS = Feature((8, 2), "string expressions")
LIST_JOINS = Feature((8, 2), "joins of lists")
B64_ENCODINGS = Feature((8, 2), "b64_encode operations")
PATHS = Feature((8, 1, 2), "paths")
LIST_SEARCHES = Feature((8, 1, 2), "exp.in_list, map_keys and map_values")
INTEGER_INDEXES = Feature((8, 2), "indexes of the type INTEGER")
QUERY_PLANS = Feature((8, 2), "explanations of queries")
SET_INDEXES = Feature((8, 1, 2), "indexes of sets")
RECORD_SIZES = Feature((7, 0), "expressions with exp.record_size")


def require(feature: Feature, version: str) -> None:
    """Refuse to use something with a server that does not know it.

    Raises:
        UnsupportedFeature: its version is too old.
    """
    numbers = tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())
    if numbers < feature.version:
        needed = ".".join(map(str, feature.version))
        raise UnsupportedFeature(f"{feature.name} need server {needed} or later, this one is {version}")


_STRING_CODES = frozenset((OpCode.STRING_READ, OpCode.STRING_MODIFY, OpCode.TO_STRING))
_CDT_CODES = frozenset((OpCode.CDT_READ, OpCode.CDT_MODIFY))
_EXPRESSION_CODES = frozenset((OpCode.EXP_READ, OpCode.EXP_MODIFY))
_BY_EXPRESSION: dict[int, Feature] = {
    ExpOp.TO_STRING: STRING_EXPRESSIONS,
    ExpOp.IN_LIST: LIST_SEARCHES,
    ExpOp.MAP_KEYS: LIST_SEARCHES,
    ExpOp.MAP_VALUES: LIST_SEARCHES,
    ExpOp.RECORD_SIZE: RECORD_SIZES,
    ExpOp.LOOP_VARIABLE: PATHS,
    ExpOp.RESULT_REMOVE: PATHS,
}


def in_operation(code: int, value: bytes) -> set[Feature]:
    """What an operation of this code, with this value on the wire, has in it."""
    if code in _STRING_CODES:
        return {STRING_OPERATIONS}
    tree = _tree(value) if code in _CDT_CODES | _EXPRESSION_CODES | {OpCode.BIT_READ} else None
    if not isinstance(tree, list) or not tree:
        return set()
    if code in _EXPRESSION_CODES:
        return set(_walk(tree[0]))
    system = System.BITS if code == OpCode.BIT_READ else System.CDT
    return set(_inside_bin(system, tree, worked_out=False))


def in_expression(data: bytes) -> set[Feature]:
    """What an expression of these bytes has in it; nothing, if there are none."""
    return set(_walk(_tree(data)) if data else ())


def _tree(data: bytes) -> Any:
    """What the bytes are; None where they can't be read, which is for the server to say."""
    try:
        return read_tree(data)
    except (ProtocolError, RecursionError):
        return None


def _walk(tree: Any) -> Iterator[Feature]:
    """What an expression has in it."""
    if not isinstance(tree, list) or not tree or tree[0] == ExpOp.QUOTE:
        return
    op, parts = tree[0], tree[1:]
    if isinstance(op, int) and op in _BY_EXPRESSION:
        yield _BY_EXPRESSION[op]
    if op == ExpOp.CALL and len(parts) == 4 and isinstance(parts[1], int) and isinstance(parts[2], list):
        system, operation = parts[1] & ~MODIFY, parts[2]
        if system == System.STRING:
            yield STRING_EXPRESSIONS
        yield from _inside_bin(system, operation, worked_out=True)
        parts = [parts[3]]
    for part in parts:
        yield from _walk(part)


def _inside_bin(system: int, operation: list[Any], *, worked_out: bool) -> Iterator[Feature]:
    """What an operation `[opcode, arguments...]` on the inside of a bin has in it.

    Its arguments are `worked_out` inside an expression, where they may be expressions; else they are values.
    """
    if operation[:1] == [BY_PATH]:
        yield PATHS
        yield from _contexts(operation[1:2])
        yield from _walk(operation[-1])
        return
    if operation[:1] == [WITH_CONTEXT]:
        yield from _contexts(operation[1:2])
        operation = operation[2] if len(operation) > 2 and isinstance(operation[2], list) else []
    if system == System.CDT and operation[:1] == [ListOp.JOIN]:
        yield LIST_JOINS
    if system == System.BITS and operation[:1] == [BitOp.B64_ENCODE]:
        yield B64_ENCODINGS
    for argument in operation[1:] if worked_out else ():
        yield from _walk(argument)


def _contexts(ways: list[Any]) -> Iterator[Feature]:
    for way in ways:
        if isinstance(way, list):
            for kind, value in zip(way[::2], way[1::2], strict=False):
                if kind in (ContextType.ALL_CHILDREN, ContextType.AND_FILTER):
                    yield from _walk(value)

"""One operation on a list or map as it was sent: its context, opcode and arguments.

Owns: the three layouts of an operation, and checking the types of arguments. Not here: which opcodes exist
(lists.py, maps.py), and what contexts mean (context.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, cast

from ..protocol.opcodes import CdtEnvelope
from ..protocol.result import bad
from ..values.decoding import decode_first
from ..values.integers import as_int64
from ..values.normalising import storable
from ..values.packed import Float32, PackedError, PackedList, PackedMap, Value

__all__ = ["Call", "Entry", "PathCall", "arguments", "parse", "parse_value", "storable_value"]

LEGACY_SIZE = 2

Entry: TypeAlias = "tuple[int, Value]"
"""A context's entry: its type with flags, and its value."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on one container: on the value itself, or on the container to which the context leads."""

    context: list[Entry] | None
    opcode: int
    args: list[Value]


@dataclass(frozen=True, slots=True)
class PathCall:
    """An operation on many places: it selects elements, or changes them.

    `more` holds what follows the flags: the expression of a change.
    """

    context: list[Entry]
    flags: int
    more: list[Value]


def parse(data: bytes) -> Call | PathCall:
    """Take apart the value of an op. Bytes after its list are ignored.

    Raises:
        RequestError: PARAMETER.

    """
    try:
        if data[:1] == b"\x00" and len(data) == LEGACY_SIZE:
            return Call(None, data[1], [])
        value = decode_first(data)
    except PackedError as error:
        raise bad(f"operation: {error}") from error
    return parse_value(value)


def parse_value(value: Value) -> Call | PathCall:
    """Take apart an operation that is an element of a larger value."""
    items = _items(value, "operation")
    if not items or type(items[0]) is not int:
        raise bad("an operation without opcode")
    opcode = items[0]
    if opcode == CdtEnvelope.CONTEXT:
        if len(items) != 3:
            raise bad("a context without operation")
        context = parse_context(items[1])
        inner = _items(items[2], "operation")
        if not inner or type(inner[0]) is not int:
            raise bad("an operation without opcode")
        return Call(context, inner[0], inner[1:])
    if opcode == CdtEnvelope.PATH:
        if len(items) not in (3, 4) or type(items[2]) is not int:
            raise bad("a path without flags")
        return PathCall(parse_context(items[1]), items[2], items[3:])
    return Call(None, opcode, items[1:])


def _items(value: Value, what: str) -> list[Value]:
    if not isinstance(value, PackedList):
        raise bad(f"{what}: no list")
    return value.items


def parse_context(value: Value) -> list[Entry]:
    """The entries of a context, outermost first."""
    parts = _items(value, "context")
    if not parts or len(parts) % 2:
        raise bad("an empty or odd context")
    kinds = parts[::2]
    if any(type(kind) is not int for kind in kinds):
        raise bad("a context's type that is no number")
    return list(zip(cast("list[int]", kinds), parts[1::2], strict=True))


def storable_value(value: Value) -> Value:
    """The form in which a value is stored inside a list or map.

    Raises:
        RequestError: PARAMETER. The real server stores some of these, corrupt, from list operations.

    """
    try:
        return storable(value)
    except (PackedError, RecursionError) as error:
        raise bad(str(error)) from error


def arguments(kinds: str, args: list[Value]) -> list[Value]:
    """Check the types of arguments, and give them; those that may be left out can be missing at the end.

    Args:
        kinds: a letter for each: i integer, v any value, l list, m map, n number or nil; what follows | may
            be left out from the end. "*" means that arguments are not looked at.
        args: as sent.

    """
    if kinds == "*":
        return args
    needed, _, optional = kinds.partition("|")
    if not len(needed) <= len(args) <= len(needed) + len(optional):
        raise bad(f"{len(args)} arguments")
    checked: list[Value] = []
    for kind, arg in zip(needed + optional, args, strict=False):
        if kind == "i":
            if type(arg) is not int:
                raise bad("an argument that is no integer")
            arg = as_int64(arg)
        elif kind == "l":
            if not isinstance(arg, PackedList):
                raise bad("an argument that is no list")
        elif kind == "m":
            if not isinstance(arg, PackedMap):
                raise bad("an argument that is no map")
        elif kind == "n" and not (arg is None or type(arg) is int or isinstance(arg, (float, Float32))):
            raise bad("an argument that is no number")
        checked.append(arg)
    return checked

"""Opcodes of logic and of control: UNKNOWN, AND, OR, NOT, EXCLUSIVE, COND, LET, VAR.

Owns: three-valued logic, and names of variables. Not here: comparisons (comparison.py).
"""

from __future__ import annotations

import re
from typing import Any

from ..protocol.flags import ExpType
from ..protocol.opcodes import ExpOpcode
from ..values.packed import PackedList, Value
from .vocabulary import UNKNOWN, Args, Build, Node, Opcode, Scope, Variables, bad, need

__all__ = ["OPCODES"]


_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*\Z")


def _bools(args: Args, variables: Variables, build: Build, least: int) -> list[Node]:
    if len(args) < least:
        raise bad(f"{len(args)} arguments")
    return [need(build(arg, variables), ExpType.BOOL) for arg in args]


def _unknown(args: Args, variables: Variables, build: Build) -> Node:
    if args:
        raise bad("unknown with arguments")
    return Node(ExpType.BOOL, lambda scope: UNKNOWN)


def _decided_by(decisive: bool, parts: list[Node]) -> Node:
    """A node that is `decisive` if any part is, else unknown if any part is, else the other value."""

    def run(scope: Scope) -> Any:
        result: Any = not decisive
        for part in parts:
            value = part.run(scope)
            if value is decisive:
                return decisive
            if value is UNKNOWN:
                result = UNKNOWN
        return result

    return Node(ExpType.BOOL, run)


def _and(args: Args, variables: Variables, build: Build) -> Node:
    return _decided_by(False, _bools(args, variables, build, 2))


def _or(args: Args, variables: Variables, build: Build) -> Node:
    return _decided_by(True, _bools(args, variables, build, 2))


def _not(args: Args, variables: Variables, build: Build) -> Node:
    parts = _bools(args, variables, build, 1)
    if len(parts) != 1:
        raise bad("not of several")

    def run(scope: Scope) -> Any:
        value = parts[0].run(scope)
        return value if value is UNKNOWN else not value

    return Node(ExpType.BOOL, run)


def _exclusive(args: Args, variables: Variables, build: Build) -> Node:
    parts = _bools(args, variables, build, 2)

    def run(scope: Scope) -> Any:
        true = 0
        for part in parts:
            value = part.run(scope)
            if value is UNKNOWN:
                return UNKNOWN
            true += value
            if true > 1:
                return False
        return true == 1

    return Node(ExpType.BOOL, run)


def _cond(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) < 3 or len(args) % 2 == 0:
        raise bad("cond without default")
    tests = _bools(args[:-1:2], variables, build, 1)
    results = [*args[1:-1:2], args[-1]]
    *actions, default = [build(arg, variables) for arg in results]
    pairs = zip(results, (*actions, default), strict=True)
    types = {action.type for arg, action in pairs if not _is_unknown(arg)}  # an unknown result fits any type
    if len(types) > 1:
        raise bad("cond with results of several types")

    def run(scope: Scope) -> Any:
        for test, action in zip(tests, actions, strict=True):
            value = test.run(scope)
            if value is UNKNOWN:
                return UNKNOWN
            if value:
                return action.run(scope)
        return default.run(scope)

    return Node(types.pop() if types else ExpType.BOOL, run)


def _is_unknown(arg: Value) -> bool:
    return isinstance(arg, PackedList) and arg.items == [ExpOpcode.UNKNOWN]


def _let(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) < 3 or len(args) % 2 == 0:
        raise bad("let without body")
    inner = dict(variables)
    definitions: list[tuple[bytes, Node]] = []
    for name, value in zip(args[:-1:2], args[1:-1:2], strict=True):
        if not isinstance(name, bytes) or not _NAME.match(name) or name in inner:
            raise bad("the name of a variable")
        node = build(value, inner)
        definitions.append((name, node))
        inner[name] = node.type
    body = build(args[-1], inner)

    def run(scope: Scope) -> Any:
        for name, node in definitions:
            scope.variables[name] = node.run(scope)
        return body.run(scope)

    return Node(body.type, run)


def _var(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 1 or not isinstance(args[0], bytes) or args[0] not in variables:
        raise bad("a variable that is not defined")
    name = args[0]
    return Node(variables[name], lambda scope: scope.variables[name])


OPCODES: dict[int, Opcode] = {
    ExpOpcode.UNKNOWN: _unknown,
    ExpOpcode.AND: _and,
    ExpOpcode.OR: _or,
    ExpOpcode.NOT: _not,
    ExpOpcode.EXCLUSIVE: _exclusive,
    ExpOpcode.COND: _cond,
    ExpOpcode.VAR: _var,
    ExpOpcode.LET: _let,
}

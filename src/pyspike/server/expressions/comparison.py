"""Opcodes that compare: EQ to LE, REGEX, GEO, IN_LIST.

Owns: which types can be compared. Not here: the order of values (../values/ordering.py), patterns
(posix_regex.py), regions (../values/regions.py).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from ..protocol.constants import ContainerFlags
from ..protocol.flags import ExpType
from ..protocol.opcodes import ExpOpcode
from ..values.ordering import compare
from ..values.packed import PackedList, PackedMap, Value
from ..values.regions import Region, point_of, region_of
from .posix_regex import compile_regex
from .vocabulary import UNKNOWN, Args, Build, Node, Opcode, Scope, Variables, bad, need, type_of

__all__ = ["OPCODES"]


_PLAIN = (ExpType.BOOL, ExpType.INT, ExpType.STRING, ExpType.FLOAT, ExpType.BLOB)


def _comparison(test: Callable[[Any, Any], bool]) -> Opcode:
    def make(args: Args, variables: Variables, build: Build) -> Node:
        if len(args) != 2:
            raise bad(f"{len(args)} arguments")
        left, right = (build(arg, variables) for arg in args)
        if left.type != right.type or left.type in (ExpType.GEO, ExpType.HLL):
            raise bad("types that do not compare")
        left_run, right_run = left.run, right.run
        is_plain = left.type in _PLAIN

        def run(scope: Scope) -> Any:
            one = left_run(scope)
            if one is UNKNOWN:
                return UNKNOWN
            two = right_run(scope)
            if two is UNKNOWN:
                return UNKNOWN
            if is_plain:
                return test(one, two)
            if _has_unordered_map(one) or _has_unordered_map(two):
                return UNKNOWN
            return test(compare(one, two), 0)

        return Node(ExpType.BOOL, run)

    return make


def _has_unordered_map(value: Value) -> bool:
    if isinstance(value, PackedList):
        return any(map(_has_unordered_map, value.items))
    if isinstance(value, PackedMap):
        return not value.flags & ContainerFlags.KEY_ORDERED or any(
            _has_unordered_map(item) for _, item in value.pairs
        )
    return False


def _regex(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 3 or type(args[0]) is not int or not isinstance(args[1], bytes):
        raise bad("regex")
    try:
        pattern = compile_regex(args[1], args[0])
    except re.error as error:
        raise bad(f"regex: {error}") from error
    text = need(build(args[2], variables), ExpType.STRING)

    def run(scope: Scope) -> Any:
        value = text.run(scope)
        if value is UNKNOWN:
            return UNKNOWN
        # The real server hands the text over as a C string.
        return pattern.search(value[1:].partition(b"\x00")[0]) is not None

    return Node(ExpType.BOOL, run)


def _geo(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 2:
        raise bad(f"{len(args)} arguments")
    left, right = (need(build(arg, variables), ExpType.GEO) for arg in args)

    def run(scope: Scope) -> Any:
        one, two = left.run(scope), right.run(scope)
        if one is UNKNOWN or two is UNKNOWN:
            return UNKNOWN
        return _within(one[1:], two[1:])

    return Node(ExpType.BOOL, run)


def _within(one: bytes, two: bytes) -> bool:
    """Whether one is a point and the other a region that contains it."""
    points = [point_of(text) for text in (one, two)]
    regions: list[Region | None] = [region_of(text) for text in (one, two)]
    if points[0] and regions[1]:
        return regions[1].contains(points[0])
    if points[1] and regions[0]:
        return regions[0].contains(points[1])
    return False


def _in_list(args: Args, variables: Variables, build: Build) -> Node:
    if len(args) != 2:
        raise bad(f"{len(args)} arguments")
    wanted, items = build(args[0], variables), need(build(args[1], variables), ExpType.LIST)

    def run(scope: Scope) -> Any:
        value, container = wanted.run(scope), items.run(scope)
        if value is UNKNOWN or container is UNKNOWN:
            return UNKNOWN
        kind = type_of(value)
        return any(
            compare(item, value) == 0 for item in container.items if type_of(item) in (kind, ExpType.UNKNOWN)
        )

    return Node(ExpType.BOOL, run)


OPCODES: dict[int, Opcode] = {
    ExpOpcode.EQ: _comparison(operator.eq),
    ExpOpcode.NE: _comparison(operator.ne),
    ExpOpcode.GT: _comparison(operator.gt),
    ExpOpcode.GE: _comparison(operator.ge),
    ExpOpcode.LT: _comparison(operator.lt),
    ExpOpcode.LE: _comparison(operator.le),
    ExpOpcode.REGEX: _regex,
    ExpOpcode.GEO: _geo,
    ExpOpcode.IN_LIST: _in_list,
}

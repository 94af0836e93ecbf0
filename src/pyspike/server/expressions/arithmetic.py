"""Opcodes of numbers: arithmetic, rounding, bits of integers, minimum and maximum.

Owns: the types of their arguments, overflow, division by zero, infinities. Not here: comparisons
(comparison.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..cdt.numbers import to_int64
from ..protocol.flags import ExpType
from ..protocol.opcodes import ExpOpcode
from ..values.integers import as_int64
from .vocabulary import UNKNOWN, Args, Build, Node, Opcode, Scope, Variables, bad, need

__all__ = ["OPCODES"]


_BITS = 64
_MASK = (1 << _BITS) - 1


def _typed(type_: int, parts: list[Node], compute: Callable[[list[Any]], Any]) -> Node:
    """A node that computes on the values of its parts, unless one of them is unknown."""

    def run(scope: Scope) -> Any:
        values = []
        for part in parts:
            value = part.run(scope)
            if value is UNKNOWN:
                return UNKNOWN
            values.append(value)
        return compute(values)

    return Node(type_, run)


def _numbers(args: Args, variables: Variables, build: Build) -> list[Node]:
    """The nodes of one number or more, which must be of the same type."""
    parts = [need(build(arg, variables), ExpType.INT, ExpType.FLOAT) for arg in args]
    if len({part.type for part in parts}) != 1:
        raise bad("numbers of two types, or none")
    return parts


def _fold(step: Callable[[Any, Any], Any], alone: Callable[[Any], Any] | None = None) -> Opcode:
    """An opcode that combines its numbers from the left."""

    def make(args: Args, variables: Variables, build: Build) -> Node:
        parts = _numbers(args, variables, build)

        def compute(values: list[Any]) -> Any:
            if len(values) == 1 and alone is not None:
                return alone(values[0])
            result = values[0]
            for value in values[1:]:
                result = step(result, value)
                if result is UNKNOWN:
                    break
            return result

        return _typed(parts[0].type, parts, compute)

    return make


def _wrapped(number: Any) -> Any:
    return as_int64(number) if type(number) is int else number


def _divide(one: Any, two: Any) -> Any:
    if type(one) is int:
        if two == 0:
            return UNKNOWN
        quotient = abs(one) // abs(two)
        return as_int64(quotient if (one < 0) == (two < 0) else -quotient)
    if two == 0:
        if one == 0 or math.isnan(one):
            return math.nan
        return math.copysign(math.inf, one) * math.copysign(1, two)
    return one / two


def _fixed(types: tuple[int, ...], result: int, compute: Callable[..., Any]) -> Opcode:
    """An opcode whose arguments have these types."""

    def make(args: Args, variables: Variables, build: Build) -> Node:
        if len(args) != len(types):
            raise bad(f"{len(args)} arguments")
        parts = [need(build(arg, variables), kind) for arg, kind in zip(args, types, strict=True)]
        return _typed(result, parts, lambda values: compute(*values))

    return make


def _ints(compute: Callable[[int, int], int]) -> Opcode:
    """An opcode that combines one integer or more from the left."""

    def make(args: Args, variables: Variables, build: Build) -> Node:
        parts = [need(build(arg, variables), ExpType.INT) for arg in args]
        if not parts:
            raise bad("no integers")

        def run(values: list[Any]) -> Any:
            result = values[0]
            for value in values[1:]:
                result = compute(result, value)
            return result

        return _typed(ExpType.INT, parts, run)

    return make


def _absolute(args: Args, variables: Variables, build: Build) -> Node:
    parts = _numbers(args, variables, build)
    if len(parts) != 1:
        raise bad("abs of several")
    return _typed(parts[0].type, parts, lambda values: _wrapped(abs(values[0])))


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except ValueError:
        return math.inf if base == 0 else math.nan
    except OverflowError:
        odd = exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf


def _log(number: float, base: float) -> float:
    return float(_divide(_natural_log(number), _natural_log(base)))


def _natural_log(number: float) -> float:
    if number == 0:
        return -math.inf
    return math.log(number) if number > 0 else math.nan


def _mod(one: int, two: int) -> Any:
    return UNKNOWN if two == 0 else int(math.copysign(1, one)) * (abs(one) % abs(two))


def _rounded(how: Callable[[float], int]) -> Callable[[float], float]:
    return lambda number: math.copysign(float(how(number)), number) if math.isfinite(number) else number


def _shift_left(value: int, shift: int) -> int:
    return as_int64(value << shift % _BITS)


def _shift_right(value: int, shift: int) -> int:
    return as_int64((value & _MASK) >> shift % _BITS)


def _shift_right_signed(value: int, shift: int) -> int:
    return value >> shift % _BITS


_OTHER_BIT = str.maketrans("01", "10")


def _scan(value: int, wanted: bool) -> str:
    bits = f"{value & _MASK:064b}"
    return bits if wanted else bits.translate(_OTHER_BIT)


def _first(value: int, wanted: bool) -> int:
    return _scan(value, wanted).find("1")


def _last(value: int, wanted: bool) -> int:
    return _scan(value, wanted).rfind("1")


OPCODES: dict[int, Opcode] = {
    ExpOpcode.ADD: _fold(lambda one, two: _wrapped(one + two)),
    ExpOpcode.SUB: _fold(lambda one, two: _wrapped(one - two), lambda one: _wrapped(-one)),
    ExpOpcode.MUL: _fold(lambda one, two: _wrapped(one * two)),
    ExpOpcode.DIV: _fold(_divide, lambda one: _divide(type(one)(1), one)),
    ExpOpcode.POW: _fixed((ExpType.FLOAT, ExpType.FLOAT), ExpType.FLOAT, _power),
    ExpOpcode.LOG: _fixed((ExpType.FLOAT, ExpType.FLOAT), ExpType.FLOAT, _log),
    ExpOpcode.MOD: _fixed((ExpType.INT, ExpType.INT), ExpType.INT, _mod),
    ExpOpcode.ABS: _absolute,
    ExpOpcode.FLOOR: _fixed((ExpType.FLOAT,), ExpType.FLOAT, _rounded(math.floor)),
    ExpOpcode.CEIL: _fixed((ExpType.FLOAT,), ExpType.FLOAT, _rounded(math.ceil)),
    ExpOpcode.TO_INT: _fixed((ExpType.FLOAT,), ExpType.INT, to_int64),
    ExpOpcode.TO_FLOAT: _fixed((ExpType.INT,), ExpType.FLOAT, float),
    ExpOpcode.INT_AND: _ints(lambda one, two: one & two),
    ExpOpcode.INT_OR: _ints(lambda one, two: one | two),
    ExpOpcode.INT_XOR: _ints(lambda one, two: one ^ two),
    ExpOpcode.INT_NOT: _fixed((ExpType.INT,), ExpType.INT, lambda value: ~value),
    ExpOpcode.LSHIFT: _fixed((ExpType.INT, ExpType.INT), ExpType.INT, _shift_left),
    ExpOpcode.RSHIFT: _fixed((ExpType.INT, ExpType.INT), ExpType.INT, _shift_right),
    ExpOpcode.ARSHIFT: _fixed((ExpType.INT, ExpType.INT), ExpType.INT, _shift_right_signed),
    ExpOpcode.COUNT: _fixed((ExpType.INT,), ExpType.INT, lambda value: bin(value & _MASK).count("1")),
    ExpOpcode.LSCAN: _fixed((ExpType.INT, ExpType.BOOL), ExpType.INT, _first),
    ExpOpcode.RSCAN: _fixed((ExpType.INT, ExpType.BOOL), ExpType.INT, _last),
    ExpOpcode.MIN: _fold(lambda one, two: two if two < one else one),
    ExpOpcode.MAX: _fold(lambda one, two: two if two > one else one),
}

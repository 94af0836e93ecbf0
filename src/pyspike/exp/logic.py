"""Comparing, combining and choosing: the expressions that put others together.

- `left` and `right`: what is compared, of one type.
- `condition`, `conditions`: bools.
- `source`: a map; a str names a map bin.
- `values`: a list; a str names a list bin.
- `value`: of any type.

An argument of a type that does not fit raises `InvalidType`. A str that is compared with another Python value
raises `InvalidArgument`, as both are constants: a bin is `exp.string_bin(name)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspike._wire import plain_text
from pyspike.cdt.checks import flag_bits
from pyspike.cdt.msgpack_tree import read_tree
from pyspike.cdt.opcodes import ExpOp
from pyspike.cdt.signatures import SIGNATURES
from pyspike.cdt.types import ExpType, RegexFlags, TypeLike, type_of
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.exp.analysis import Analysis
from pyspike.exp.check import check_tree, cond_type, in_place
from pyspike.exp.expression import (
    Expression,
    Operand,
    apply,
    apply_all,
    literal,
    make,
    names_bin,
    node,
    operand,
    packed_name,
    refuse_constants,
    value_at,
)
from pyspike.exp.record import list_bin, map_bin
from pyspike.showing import shown

__all__ = [
    "Definition",
    "and_",
    "cond",
    "define",
    "eq",
    "exclusive",
    "ge",
    "geo_compare",
    "gt",
    "in_list",
    "le",
    "let",
    "loop_index",
    "loop_key",
    "loop_value",
    "lt",
    "map_keys",
    "map_values",
    "ne",
    "not_",
    "or_",
    "regex_compare",
    "remove_result",
    "unknown",
    "var",
    "xor",
]

LOOP_KEY, LOOP_VALUE, LOOP_INDEX = 0, 1, 2


# Comparisons ------------------------------------------------------------------------------------------------


def eq(left: Operand, right: Operand) -> Expression:
    """Whether both are equal; also `left == right`. Both must be of one type, maps ordered by key."""
    return _comparison(ExpOp.EQ, left, right)


def ne(left: Operand, right: Operand) -> Expression:
    """Whether both differ; also `left != right`."""
    return _comparison(ExpOp.NE, left, right)


def gt(left: Operand, right: Operand) -> Expression:
    """Whether the left one is greater; also `left > right`."""
    return _comparison(ExpOp.GT, left, right)


def ge(left: Operand, right: Operand) -> Expression:
    """Whether the left one is not less; also `left >= right`."""
    return _comparison(ExpOp.GE, left, right)


def lt(left: Operand, right: Operand) -> Expression:
    """Whether the left one is less; also `left < right`."""
    return _comparison(ExpOp.LT, left, right)


def le(left: Operand, right: Operand) -> Expression:
    """Whether the left one is not greater; also `left <= right`."""
    return _comparison(ExpOp.LE, left, right)


def _comparison(op: ExpOp, left: Operand, right: Operand) -> Expression:
    if type(left) is str or type(right) is str:
        other = literal(right if type(left) is str else left)
        refuse_constants(SIGNATURES[op].name, left, right, kind=other.type)
    return apply(op, left, right)


def regex_compare(pattern: str, value: Operand, *, flags: RegexFlags = RegexFlags.DEFAULT) -> Expression:
    """Whether a regular expression is found in a string.

    Args:
        pattern: POSIX syntax; the server refuses a broken one (RequestInvalid).
        value: a string.
        flags: EXTENDED, ICASE, NEWLINE, NOSUB.
    """
    refuse_constants("regex_compare", value)
    made = operand(value, "regex_compare", 1, (ExpType.STRING,))
    bits = flag_bits(flags, RegexFlags, "flags")
    return node(ExpOp.REGEX, ExpType.BOOL, bits, packed_name(pattern, "the pattern"), made)


def geo_compare(left: Operand, right: Operand) -> Expression:
    """Whether one place lies within the other; one of them is an area."""
    refuse_constants("geo_compare", left, right, kind=ExpType.GEO)
    return apply(ExpOp.GEO, left, right)


def in_list(value: Operand, values: Operand) -> Expression:
    """Whether a value is in a list (server 8.1.2); a str in its place names a list bin."""
    if names_bin(values):
        values = list_bin(values)
    elif names_bin(value) and isinstance(values, (list, tuple)):
        refuse_constants("in_list", value, values, kind=literal(values[0]).type if values else None)
    return apply(ExpOp.IN_LIST, value, values)


def map_keys(source: Operand) -> Expression:
    """The keys of a map as a list (server 8.1.2); a str names a map bin."""
    return apply(ExpOp.MAP_KEYS, map_bin(source) if names_bin(source) else source)


def map_values(source: Operand) -> Expression:
    """The values of a map as a list (server 8.1.2); a str names a map bin."""
    return apply(ExpOp.MAP_VALUES, map_bin(source) if names_bin(source) else source)


# Logic: what can't be worked out is unknown, which is neither true nor false --------------------------------


def and_(*conditions: Operand) -> Expression:
    """Whether all are true; also `a & b`. One alone stands for itself."""
    return apply_all(ExpOp.AND, *conditions)


def or_(*conditions: Operand) -> Expression:
    """Whether any is true; also `a | b`. One alone stands for itself."""
    return apply_all(ExpOp.OR, *conditions)


def xor(*conditions: Operand) -> Expression:
    """Whether exactly one is true; also `a ^ b`. One alone stands for itself."""
    return apply_all(ExpOp.EXCLUSIVE, *conditions)


exclusive = xor


def not_(condition: Operand) -> Expression:
    """Whether it is false; also `~a`."""
    return apply(ExpOp.NOT, condition)


def unknown() -> Expression:
    """What can't be worked out: a value of `cond` that fits any type. Elsewhere it counts as a bool."""
    return node(ExpOp.UNKNOWN, ExpType.BOOL)


def cond(*parts: Operand) -> Expression:
    """The value behind the first condition that is true: `cond(a, value_a, b, value_b, otherwise)`.

    Args:
        parts: bools, each with its value; last the value for otherwise. The values are of one type, or
            `exp.unknown()`; inside a path all of them may be `exp.remove_result()`.

    Raises:
        InvalidArgument: the value for otherwise is missing.
        InvalidType: a condition is no bool, or the values are not of one type.
    """
    made = [literal(part) for part in parts]
    unknown = [part._analysis.op == ExpOp.UNKNOWN for part in made]
    kind = cond_type([part.type for part in made], unknown, lambda place: shown(made[place]), parts)
    values = {*range(1, len(made), 2), len(made) - 1}
    removes = any(made[place]._analysis.removes for place in values)
    for place, part in enumerate(made):
        if not removes or place not in values:
            value_at(part, "cond", place)
        elif not (part._analysis.removes or unknown[place]):
            raise InvalidType(
                f"exp.cond: argument {place + 1}, {shown(part)}, is a value, and another one is the removal "
                "of an element",
                advice="select what is to be removed with the path's filter",
            )
    found = node(ExpOp.COND, None if removes else kind, *made)
    return make(found._packed, found._analysis._replace(removes=removes))


# Variables --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A variable of `let` and its value."""

    name: str
    value: Expression

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Definition):
            return NotImplemented
        return self.name == other.name and self.value.same_as(other.value)

    def __hash__(self) -> int:
        return hash((self.name, self.value))


def define(name: str, value: Operand) -> Definition:
    """A variable for `let`.

    Args:
        name: letters, digits and underscores, no digit first.
        value: what it stands for.
    """
    if not isinstance(name, str):
        raise InvalidType(f"a variable's name must be a str, not {shown(name)}")
    name = plain_text(name)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InvalidArgument(
            f"{shown(name)} can't name a variable", advice="use letters, digits and _, no digit first"
        )
    return Definition(name, value_at(literal(value), "define", 1))


def let(*parts: Definition | Mapping[str, Any] | Operand) -> Expression:
    """An expression in which variables stand for others, each worked out once.

        exp.let({"sum": exp.int_bin("a") + exp.int_bin("b")}, exp.var("sum") * exp.var("sum"))

    Args:
        parts: the variables, `define(name, value)` each or dicts of several, of which later ones may use
            earlier ones; last the expression they are for.

    Raises:
        InvalidArgument: there are no variables, the last part is one, or a name is defined again, here or by
            another `let` inside.
        InvalidType: a variable is used where its type does not fit.
    """
    definitions: list[Definition] = []
    for part in parts[:-1]:
        if isinstance(part, Definition):
            definitions.append(part)
        elif isinstance(part, Mapping):
            definitions += [define(name, value) for name, value in part.items()]
        else:
            raise InvalidType(f"exp.let takes variables before its last part, not {shown(part)}")
    if not definitions or isinstance(parts[-1], Definition):
        raise InvalidArgument("exp.let takes variables, then the expression they are for")
    body = literal(parts[-1])
    if body._analysis.is_mark:
        value_at(body, "let", len(parts) - 1)
    types: dict[str, ExpType | None] = {}
    undefined: set[str] = set()
    flat: list[Any] = []
    for definition in definitions:
        undefined |= definition.value._analysis.undefined - types.keys()
        if definition.name in types:
            raise _defined_twice({definition.name})
        kind = _checked(definition.value, types, f"{shown(definition.name)} of exp.let", definition.name)
        types[definition.name] = kind
        flat += (packed_name(definition.name, "a variable's name"), definition.value)
    undefined |= body._analysis.undefined - types.keys()
    kind = _checked(body, types, "the body of exp.let")
    made = node(ExpOp.LET, kind, *flat, body)
    analysis = made._analysis._replace(
        undefined=frozenset(undefined),
        defined=made._analysis.defined | types.keys(),
        removes=body._analysis.removes,
    )
    return make(made._packed, analysis)


def _checked(
    expression: Expression, types: Mapping[str, ExpType | None], place: str, defining: str = ""
) -> ExpType | None:
    """The type of an expression, now that the variables in it are known.

    Args:
        expression: a variable's value, or the body.
        types: the variables that it sees.
        place: which of these it is, for errors.
        defining: the variable whose value it is.
    """
    analysis = expression._analysis
    again = analysis.defined & {*types, defining}
    if again:
        raise _defined_twice(again)
    if not analysis.undefined:
        return analysis.kind
    try:
        return check_tree(read_tree(expression._packed.data), types)
    except InvalidArgument as error:
        raise in_place(error, place) from None
    except RecursionError:
        raise InvalidArgument("expressions are nested too deep to be checked") from None


def _defined_twice(names: Iterable[str]) -> InvalidArgument:
    return InvalidArgument(
        f"exp.let: {', '.join(sorted(map(repr, names)))} is defined again where it is defined already",
        advice="the server has no variables that hide others: choose another name",
    )


def var(name: str) -> Expression:
    """A variable that a `let` around it defines.

    Args:
        name: as it was defined.
    """
    packed = packed_name(define(name, None).name, "a variable's name")
    return node(
        ExpOp.VAR, None, packed, inside=[Analysis(None, ExpOp.VAR, levels=0, undefined=frozenset((name,)))]
    )


# Inside paths -----------------------------------------------------------------------------------------------


def loop_key(kind: TypeLike) -> Expression:
    """In the filter or new value of a path: the key of the map entry in question (server 8.1.2).

    Args:
        kind: the type of the key; for another one it is unknown.
    """
    return _loop(type_of(kind, "kind"), LOOP_KEY)


def loop_value(kind: TypeLike) -> Expression:
    """In the filter or new value of a path: the element in question (server 8.1.2).

    Args:
        kind: the type of the element; for another one it is unknown.
    """
    return _loop(type_of(kind, "kind"), LOOP_VALUE)


def loop_index() -> Expression:
    """In the filter or new value of a path: the place of the element in question, from 0 (server 8.1.2)."""
    return _loop(ExpType.INT, LOOP_INDEX)


def _loop(kind: ExpType, part: int) -> Expression:
    return node(ExpOp.LOOP_VARIABLE, kind, int(kind), part)


def remove_result() -> Expression:
    """As the new value of `paths.modify`: takes the element out (server 8.1.2)."""
    made = node(ExpOp.RESULT_REMOVE, None)
    return make(made._packed, made._analysis._replace(removes=True))

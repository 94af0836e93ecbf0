"""Looks through whole trees of expressions: the types of decoded ones, and of variables inside `exp.let`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspike.cdt.describe import describe_tree
from pyspike.cdt.msgpack_tree import Name
from pyspike.cdt.opcodes import BY_PATH, MODIFY, WITH_CONTEXT, ExpOp, System
from pyspike.cdt.signatures import SIGNATURES, Signature, misfit, result_of, uniform
from pyspike.cdt.types import ExpType, literal_type
from pyspike.errors import InvalidArgument

__all__ = ["check_tree", "cond_type", "in_place", "type_of_tree"]

COND = Signature("cond", ((ExpType.BOOL,),), None, uniform=True)

_TYPED = {ExpOp.KEY, ExpOp.BIN, ExpOp.CALL, ExpOp.LOOP_VARIABLE}  # the type is their first argument
_SOURCES = {
    System.CDT: (ExpType.LIST, ExpType.MAP),
    System.BITS: (ExpType.BLOB,),
    System.HLL: (ExpType.HLL,),
    System.STRING: (ExpType.STRING,),
}


def type_of_tree(tree: Any) -> ExpType | None:
    """What a decoded expression gives, as far as it can be told; nothing is checked.

    It may be from anywhere, and be anything: what it trips over only means that nothing can be told.
    """
    try:
        return check_tree(tree, {})
    except (InvalidArgument, TypeError, ValueError, LookupError, AttributeError, RecursionError):
        return None


def check_tree(tree: Any, variables: Mapping[str, ExpType | None]) -> ExpType | None:
    """What a decoded expression gives.

    Args:
        tree: the expression.
        variables: the types of the variables that are defined around it.

    Raises:
        InvalidArgument: there are too few or too many arguments somewhere; it says where.
        InvalidType: a type does not fit somewhere.
    """
    if not isinstance(tree, list):
        return None if isinstance(tree, Name) else literal_type(tree)
    if not tree or tree[0] not in set(ExpOp):
        return None
    op, parts = ExpOp(tree[0]), tree[1:]
    if op is ExpOp.QUOTE:
        return ExpType.LIST
    if op is ExpOp.VAR:
        return variables.get(parts[0])
    if op is ExpOp.LET:
        return _let(parts, variables)
    if op is ExpOp.COND:
        return _cond(parts, variables)
    if op is ExpOp.CALL:
        _call(parts, variables)
    if op in _TYPED:
        return ExpType(parts[0])
    if op not in SIGNATURES:
        return ExpType.BOOL if op is ExpOp.UNKNOWN else None
    operands = parts[2:] if op is ExpOp.REGEX else parts if SIGNATURES[op].takes else []
    types = [
        _inside(part, variables, f"argument {place} of exp.{SIGNATURES[op].name}")
        for place, part in enumerate(operands, len(parts) - len(operands) + 1)
    ]
    return result_of(op, types, _shown(operands))


def _inside(
    tree: Any, variables: Mapping[str, ExpType | None], place: str | Callable[[], str]
) -> ExpType | None:
    """What a part gives; an error in it says that it is there."""
    try:
        return check_tree(tree, variables)
    except InvalidArgument as error:
        raise in_place(error, place if isinstance(place, str) else place()) from None


def in_place(error: InvalidArgument, place: str) -> InvalidArgument:
    """The error, which says where it is as well."""
    return type(error)(f"{error.message}; in {place}", advice=error.advice)


def _shown(parts: Sequence[Any]) -> Any:
    return lambda place: describe_tree(parts[place])


def _let(parts: Sequence[Any], variables: Mapping[str, ExpType | None]) -> ExpType | None:
    inner = dict(variables)
    for name, value in zip(parts[:-1:2], parts[1::2], strict=False):
        inner[str(name)] = _inside(value, inner, f"{str(name)!r} of exp.let")
    return _inside(parts[-1], inner, "the body of exp.let")


def _cond(parts: Sequence[Any], variables: Mapping[str, ExpType | None]) -> ExpType | None:
    types = [_inside(part, variables, f"argument {place} of exp.cond") for place, part in enumerate(parts, 1)]
    return cond_type(types, [part == [int(ExpOp.UNKNOWN)] for part in parts], _shown(parts))


def cond_type(
    types: Sequence[ExpType | None],
    unknown: Sequence[bool],
    shown: Callable[[int], str],
    given: Sequence[object] = (),
) -> ExpType | None:
    """What `exp.cond` gives: the type of its values.

    Args:
        types: those of its arguments.
        unknown: which of them are `exp.unknown()`, which fits any type.
        shown: the text of an argument, by its place from 0.
        given: the arguments as the caller gave them.

    Raises:
        InvalidArgument: the value for otherwise is missing.
        InvalidType: a condition is no bool, or the values are not of one type.
    """
    if len(types) < 3 or len(types) % 2 == 0:
        raise InvalidArgument(
            f"exp.cond takes conditions, each with its value, and a last value, not {len(types)} arguments"
        )
    for place in range(0, len(types) - 1, 2):
        if types[place] not in (None, ExpType.BOOL):
            raise misfit(
                "cond", place, shown(place), types[place], (ExpType.BOOL,), given[place] if given else None
            )
    places = [*range(1, len(types), 2), len(types) - 1]
    if all(unknown[place] for place in places):
        return ExpType.BOOL
    values = [kind if place in places and not unknown[place] else None for place, kind in enumerate(types)]
    return uniform(COND, values, shown)


def _call(parts: Sequence[Any], variables: Mapping[str, ExpType | None]) -> None:
    _, system, operation, source = parts
    kind = _inside(source, variables, lambda: f"argument 1 of {_function(parts)}")
    allowed = _SOURCES.get(system & ~MODIFY)
    if allowed and kind is not None and kind not in allowed:
        raise misfit(_function(parts).removeprefix("exp."), 0, describe_tree(source), kind, allowed)
    if operation[0] == BY_PATH:
        return
    if operation[0] == WITH_CONTEXT:
        operation = operation[2]
    for argument in operation[1:]:
        if isinstance(argument, list):
            _inside(argument, variables, lambda: f"an argument of {_function(parts)}")


def _function(parts: Sequence[Any]) -> str:
    """Which function makes a call."""
    return describe_tree([int(ExpOp.CALL), *parts]).split("(")[0]

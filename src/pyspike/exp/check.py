"""Looks through whole trees of expressions: the types of decoded ones, and of variables inside `exp.let`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspike.errors import InvalidArgument
from pyspike.exp.expression import literal
from pyspike.exp.signatures import MODIFY, SIGNATURES, ExpOp, Signature, misfit, result_of, uniform
from pyspike.exp.types import ExpType
from pyspike.operations.enums import BY_PATH, WITH_CONTEXT
from pyspike.operations.tree import Name

__all__ = ["check_tree", "cond_type", "type_of_tree"]

COND = Signature("cond", ((ExpType.BOOL,),), None, uniform=True)

_TYPED = {ExpOp.KEY, ExpOp.BIN, ExpOp.CALL, ExpOp.LOOP_VARIABLE}  # the type is their first argument
_SOURCES = {
    0: (ExpType.LIST, ExpType.MAP),
    1: (ExpType.BLOB,),
    2: (ExpType.HLL,),
    3: (ExpType.STRING,),
}


def type_of_tree(tree: Any) -> ExpType | None:
    """What a decoded expression gives, as far as it can be told; nothing is checked."""
    try:
        return check_tree(tree, {})
    except (InvalidArgument, TypeError, ValueError, IndexError):
        return None


def check_tree(tree: Any, variables: Mapping[str, ExpType | None]) -> ExpType | None:
    """What a decoded expression gives.

    Args:
        tree: the expression.
        variables: the types of the variables that are defined around it.

    Raises:
        InvalidArgument: there are too few or too many arguments somewhere.
        InvalidType: a type does not fit somewhere.
    """
    if not isinstance(tree, list):
        return None if isinstance(tree, Name) else literal(tree).type
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
        return None
    operands = parts[2:] if op is ExpOp.REGEX else parts if SIGNATURES[op].takes else []
    return result_of(op, [check_tree(part, variables) for part in operands], _shown(operands))


def _shown(parts: Sequence[Any]) -> Any:
    from pyspike.exp.describe import describe_tree

    return lambda place: describe_tree(parts[place])


def _let(parts: Sequence[Any], variables: Mapping[str, ExpType | None]) -> ExpType | None:
    inner = dict(variables)
    for name, value in zip(parts[:-1:2], parts[1::2], strict=False):
        inner[str(name)] = check_tree(value, inner)
    return check_tree(parts[-1], inner)


def _cond(parts: Sequence[Any], variables: Mapping[str, ExpType | None]) -> ExpType | None:
    types = [check_tree(part, variables) for part in parts]
    return cond_type(types, _shown(parts))


def cond_type(types: Sequence[ExpType | None], shown: Any) -> ExpType | None:
    """What `exp.cond` gives with arguments of these types: the type of its values."""
    if len(types) < 3 or len(types) % 2 == 0:
        raise InvalidArgument(
            f"exp.cond takes conditions, each with its value, and a last value, not {len(types)} arguments"
        )
    for place in range(0, len(types) - 1, 2):
        if types[place] not in (None, ExpType.BOOL):
            raise misfit("cond", place, shown(place), types[place], (ExpType.BOOL,))
    values = [
        None if place % 2 == 0 and place != len(types) - 1 else kind for place, kind in enumerate(types)
    ]
    return uniform(COND, values, shown)


def _call(parts: Sequence[Any], variables: Mapping[str, ExpType | None]) -> None:
    from pyspike.exp.describe import describe_tree

    _, system, operation, source = parts
    kind = check_tree(source, variables)
    allowed = _SOURCES.get(system & ~MODIFY)
    if allowed and kind is not None and kind not in allowed:
        name = describe_tree([int(ExpOp.CALL), *parts]).split("(")[0].removeprefix("exp.")
        raise misfit(name, 0, describe_tree(source), kind, allowed)
    if operation[0] == BY_PATH:
        return
    if operation[0] == WITH_CONTEXT:
        operation = operation[2]
    for argument in operation[1:]:
        if isinstance(argument, list):
            check_tree(argument, variables)

"""What the client knows of an expression besides its bytes.

Each expression holds an `Analysis`, which `joined` works out of those of its arguments when the expression is
made. So mistakes of type and place are found without reading the bytes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from typing import NamedTuple

from pyspike.cdt.opcodes import LITERAL, ExpOp
from pyspike.cdt.types import ExpType
from pyspike.errors import InvalidArgument

__all__ = ["MAX_LEVELS", "NEEDS", "NO_NAMES", "Analysis", "Needs", "joined"]

MAX_LEVELS = 128  # of expressions inside each other; Python follows so many calls wherever it stands

NO_NAMES: frozenset[str] = frozenset()


class Needs(IntFlag):
    """What the server must have at hand when it evaluates an expression.

    RECORD: a record, because the expression reads a bin, the key or the metadata. A filter of a command has
    one, an expression inside a path does not. LOOP: an element of a list or map, because the expression has
    `loop_key`, `loop_value` or `loop_index`. Only an expression inside a path has one.
    """

    NOTHING = 0
    RECORD = 1
    LOOP = 2


class Analysis(NamedTuple):
    """What the client knows of one expression.

    Args:
        kind: the type of its value; None if only the server can tell.
        op: the opcode of its outermost call; LITERAL for a literal.
        arity: how many arguments that call has.
        levels: how deep expressions are nested in it; 1 for a literal.
        needs: what the server must have at hand to evaluate it: `Needs`, as an int.
        undefined: the names of the variables that it uses outside of an `exp.let` that defines them.
        defined: the names of the variables that an `exp.let` in it defines.
        removes: whether it is `exp.remove_result`, which has no value: `paths.modify` removes the element.
    """

    kind: ExpType | None
    op: int
    arity: int = 0
    levels: int = 1
    needs: int = 0
    undefined: frozenset[str] = NO_NAMES
    defined: frozenset[str] = NO_NAMES
    removes: bool = False

    @property
    def is_mark(self) -> bool:
        """Whether it is INFINITY or WILDCARD, which are only for arguments of list and map calls."""
        return self.op == LITERAL and self.kind is None


def joined(kind: ExpType | None, op: int, arity: int, parts: Iterable[Analysis]) -> Analysis:
    """The analysis of a call, out of those of its arguments.

    Args:
        kind: the type of the call's value; None if only the server can tell.
        op: its opcode.
        arity: how many arguments it has.
        parts: the analyses of the arguments that are expressions.

    Raises:
        InvalidArgument: expressions are nested deeper than MAX_LEVELS.
    """
    levels, needs, undefined, defined = 0, NEEDS.get(op, 0), NO_NAMES, NO_NAMES
    for part in parts:
        if part.levels > levels:
            levels = part.levels
        needs |= part.needs
        if part.undefined or part.defined:
            undefined |= part.undefined
            defined |= part.defined
    if levels >= MAX_LEVELS:
        raise InvalidArgument(
            f"expressions are nested deeper than {MAX_LEVELS} levels",
            advice="give functions like exp.and_, exp.num_add and exp.cond all arguments at once",
        )
    return Analysis(kind, op, arity, levels + 1, needs, undefined, defined)


NEEDS = {
    **dict.fromkeys(range(ExpOp.DIGEST_MODULO, ExpOp.BIN_TYPE + 1), int(Needs.RECORD)),
    int(ExpOp.LOOP_VARIABLE): int(Needs.LOOP),
}

"""What is known of an expression besides its bytes: kept with it, and worked out from that of its parts."""

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
    """What an expression looks at that not every place has."""

    NOTHING = 0
    RECORD = 1  # bins, the key, metadata
    LOOP = 2  # the element that a path is at


class Analysis(NamedTuple):
    """What is known of an expression.

    Args:
        kind: what it gives, None if that is not known.
        op: its number, LITERAL for a literal.
        arity: how many arguments it has.
        levels: how many expressions are inside each other, itself included.
        needs: what it looks at, `Needs` as a number.
        undefined: the variables in it that no let defines.
        defined: those that a let in it does.
        removes: whether it stands for no value but takes an element out of a path.
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
        """Whether it is no value, but infinity or a wildcard, which only lists and maps are searched for."""
        return self.op == LITERAL and self.kind is None


def joined(kind: ExpType | None, op: int, arity: int, parts: Iterable[Analysis]) -> Analysis:
    """What is known of an expression with these parts.

    Raises:
        InvalidArgument: it is nested too deep.
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

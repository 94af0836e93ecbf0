"""The places where a request holds an expression, and which expressions the server evaluates there.

A filter must be a bool. An expression inside a path can't read bins or metadata, because the server gives it
an element of a list or map instead of the record; outside of a path there is no such element, and loop
variables have no value. The server builds an expression inside a path separately, so variables of an
`exp.let` around the path are not defined in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspike.cdt.types import ExpType, named
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.exp.analysis import Analysis, Needs
from pyspike.showing import clipped, shown

__all__ = ["ANYWHERE", "FILTER", "PATH_FILTER", "PATH_VALUE", "VALUE", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """One of the places where a request holds an expression.

    Args:
        name: the place in words, with which error messages begin.
        has: what the server has at hand when it evaluates an expression there.
        is_filter: whether the expression must be a bool.
        marks: whether INFINITY and WILDCARD are allowed.
        removes: whether `exp.remove_result` is allowed.
    """

    name: str
    has: Needs
    is_filter: bool = False
    marks: bool = False
    removes: bool = False

    def check(self, analysis: Analysis, expression: object) -> None:
        """Raise an error if the server would not evaluate an expression in this place.

        Args:
            analysis: the expression's analysis.
            expression: the expression itself, which the error message shows.

        Raises:
            InvalidType: the place needs a bool or a value, and the expression has none.
            InvalidArgument: the expression uses a variable that no `exp.let` in it defines, or needs a record
                or an element that this place does not have.
        """
        if analysis.removes and not self.removes:
            raise InvalidType(
                f"{self.name} can't be {shown(expression)}",
                advice="exp.remove_result is for the new value of paths.modify",
            )
        if analysis.is_mark and not self.marks:
            raise InvalidType(
                f"{self.name} can't be {shown(expression)}",
                advice="it is for arguments of list and map expressions",
            )
        if self.is_filter and (analysis.removes or analysis.kind not in (None, ExpType.BOOL)):
            raise InvalidType(
                f"{self.name} must be a bool, but {shown(expression)} is {named(analysis.kind)}",
                advice="compare it with something",
            )
        self._check_needs(analysis.needs & ~self.has, expression)
        if analysis.undefined:
            names = clipped(", ".join(sorted(map(repr, analysis.undefined))))
            raise InvalidArgument(
                f"no exp.let around defines {names} in {shown(expression)}",
                advice="" if self.has & Needs.RECORD else "inside a path only variables of its own are seen",
            )

    def _check_needs(self, lacking: int, expression: object) -> None:
        if lacking & Needs.LOOP:
            raise InvalidArgument(
                f"{self.name} has no element of a path to look at: {shown(expression)}",
                advice="loop_key, loop_value and loop_index are for filters and new values of paths",
            )
        if lacking & Needs.RECORD:
            raise InvalidArgument(
                f"{self.name} sees neither bins nor metadata: {shown(expression)}",
                advice="use loop_key, loop_value and loop_index; put what is about the record into a filter",
            )


ANYWHERE = Usage("an expression", Needs.RECORD | Needs.LOOP, marks=True, removes=True)
FILTER = Usage("a filter", Needs.RECORD, is_filter=True)
VALUE = Usage("what an operation reads or writes", Needs.RECORD)
PATH_FILTER = Usage("the filter of a path", Needs.LOOP, is_filter=True)
PATH_VALUE = Usage("the new value of a path", Needs.LOOP, removes=True)

"""Where an expression may stand.

The server has no filter that is no bool, and inside a path it sees neither bins nor metadata; outside of one
there is no element that loop variables could stand for. An expression inside a path is built on its own, so
it does not see the variables of an `exp.let` around the path.
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
    """Where an expression stands.

    Args:
        name: in words.
        has: what can be looked at there.
        is_filter: whether it must be a bool.
        marks: whether infinity and wildcard may stand there.
        removes: whether `exp.remove_result` may.
    """

    name: str
    has: Needs
    is_filter: bool = False
    marks: bool = False
    removes: bool = False

    def check(self, analysis: Analysis, expression: object) -> None:
        """Refuse an expression that can't stand there.

        Args:
            analysis: what is known of it.
            expression: it, for the error.

        Raises:
            InvalidType: it gives no bool, or nothing, where that is needed.
            InvalidArgument: it has variables that are not defined there, or needs what is not there.
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

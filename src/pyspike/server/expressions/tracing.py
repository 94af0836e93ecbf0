"""What clients that ask are told of an expression that is wrong, or is not true (server-8.2.md 17.3).

Owns: the map that is told, and where in the bytes a part stands. Not here: finding the part (build.py,
evaluation.py), and how long its texts may be (../protocol/error_details.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..protocol.constants import ErrorOutcome, ErrorPhase, ErrorTraceKey
from ..values.decoding import decode, elements_at
from ..values.packed import PackedList, Value
from .describing import describe_part, name_of
from .vocabulary import UNKNOWN

__all__ = ["build_trace", "evaluation_trace"]


def build_trace(data: bytes, calls: Sequence[PackedList]) -> dict[int, Any]:
    """What is told of an expression that can't be built.

    Args:
        data: the expression.
        calls: the calls around what is refused, outermost first.

    """
    return {
        int(ErrorTraceKey.PHASE): int(ErrorPhase.BUILD),
        **_place(data, calls),
        int(ErrorTraceKey.OUTCOME): int(ErrorOutcome.FAULT),
    }


def evaluation_trace(
    data: bytes, calls: Sequence[PackedList], outcome: object, operands: Sequence[Any]
) -> dict[int, Any]:
    """What is told of an expression that is not true.

    Args:
        data: the expression.
        calls: the call that has decided it, behind those around it.
        outcome: its result; None if it is not known.
        operands: the values that it has compared, if it has.

    """
    told = {
        int(ErrorTraceKey.PHASE): int(ErrorPhase.EVALUATION),
        **_place(data, calls),
        int(ErrorTraceKey.OUTCOME): int(ErrorOutcome.ABSENT if outcome is None else ErrorOutcome.FALSE),
    }
    if operands:
        told[int(ErrorTraceKey.OPERANDS)] = [_shown(each) for each in operands]
    return told


def _place(data: bytes, calls: Sequence[PackedList]) -> dict[int, Any]:
    """Where the last of some calls stands, and what it is."""
    if not calls:
        return {}
    names = [name_of(_opcode(call)) for call in calls]
    return {
        int(ErrorTraceKey.OFFSET): _offset(data, calls[-1]),
        int(ErrorTraceKey.OPERATION): names[-1],
        int(ErrorTraceKey.DEPTH): len(calls) - 1,
        int(ErrorTraceKey.PATH): names,
        int(ErrorTraceKey.SNIPPET): _text(calls[-1]),
    }


def _opcode(call: PackedList) -> int:
    opcode = call.items[0]
    assert isinstance(opcode, int)
    return opcode


def _text(call: PackedList) -> str:
    try:
        return describe_part(call)
    except (ValueError, KeyError, IndexError, AssertionError, TypeError):  # it is none that can be described
        return name_of(_opcode(call))


def _shown(value: Any) -> str:
    if value is UNKNOWN:
        return "unknown"
    if isinstance(value, bytes):
        return repr(value[1:].decode("utf-8", "replace"))
    return describe_part(value)


def _offset(data: bytes, wanted: PackedList) -> int:
    """The offset of the first part that is equal; 0 if none is."""
    places: list[tuple[int, Value]] = [(0, decode(data))]
    for at, value in places:
        if value == wanted:
            return at
        if isinstance(value, PackedList):
            places += elements_at(data, at)
    return 0

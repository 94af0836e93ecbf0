"""Evaluating expressions as filters, which decide whether a request applies to a record.

Owns: which expressions are filters. Not here: what is answered for a record that is filtered out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..protocol.flags import ExpType
from ..protocol.opcodes import ExpOpcode
from ..storage.record import Record
from ..values.decoding import decode
from ..values.packed import PackedList, Value
from ..versions import ServerVersion
from .build import Builder, build
from .tracing import build_trace, evaluation_trace
from .vocabulary import UNKNOWN, Node, Scope, bad

__all__ = ["check_filter", "filter_of", "filter_trace", "passes"]


def passes(data: bytes, record: Record, digest: bytes, now: float, version: ServerVersion) -> bool:
    """Whether a record passes a filter.

    Raises:
        RequestError: PARAMETER if the filter is no expression of type bool.

    """
    return _filter(data, version).run(Scope(record.bins, record, digest, now)) is True


def filter_of(data: bytes, version: ServerVersion) -> Callable[[Record, bytes, float], bool]:
    """What tells of many records, given with their digest and the time, whether they pass a filter.

    Raises:
        RequestError: PARAMETER if the filter is no expression of type bool.

    """
    run = _filter(data, version).run
    return lambda record, digest, now: run(Scope(record.bins, record, digest, now)) is True


def check_filter(data: bytes, version: ServerVersion) -> None:
    """Find out whether a filter is one.

    Raises:
        RequestError: PARAMETER if the filter is no expression of type bool.

    """
    _filter(data, version)


def _filter(data: bytes, version: ServerVersion) -> Node:
    node = build(data, version)
    if node.type != ExpType.BOOL:
        error = bad("a filter that is no bool")
        error.trace = partial(build_trace, data, [])
        raise error
    return node


def filter_trace(
    data: bytes, record: Record, digest: bytes, now: float, version: ServerVersion
) -> dict[int, Any]:
    """What is told of a filter that did not let a record pass: the part of it that was not true.

    Of parts joined by AND it is the first one.
    """

    def result(part: Value) -> Any:
        return Builder(version)(part, {}).run(Scope(record.bins, record, digest, now))

    calls: list[PackedList] = []
    part = decode(data)
    while isinstance(part, PackedList):
        calls.append(part)
        if part.items[0] != ExpOpcode.AND:
            break
        part = next(each for each in part.items[1:] if result(each) is not True)
    outcome = result(calls[-1]) if calls else result(part)
    operands = calls[-1].items[1:] if calls else []
    shown = [result(each) for each in operands] if len(operands) == 2 and _is_comparison(calls[-1]) else []
    return evaluation_trace(data, calls, None if outcome is UNKNOWN else outcome, shown)


def _is_comparison(call: PackedList) -> bool:
    opcode = call.items[0]
    return isinstance(opcode, int) and ExpOpcode.EQ <= opcode <= ExpOpcode.LE

"""Filters: expressions that decide whether a request applies to a record.

Owns: which expressions are filters. Not here: what is answered for a record that is left out.
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.constants import TraceKey, TraceOutcome, TracePhase
from ..protocol.flags import ExpType
from ..protocol.result import RequestError, ResultCode
from ..storage.store import Record
from ..versions import ServerVersion
from .build import build
from .nodes import Node, Scope, bad

__all__ = ["check_filter", "filter_of", "require_pass"]

_FAULT = {TraceKey.PHASE: TracePhase.BUILD, TraceKey.OUTCOME: TraceOutcome.FAULT}


def require_pass(data: bytes, record: Record, digest: bytes, now: float, version: ServerVersion) -> None:
    """Find out whether a record passes a filter.

    Raises:
        RequestError: FILTERED_OUT if it does not. PARAMETER if the filter is no expression of type bool.

    """
    found = _filter(data, version).run(Scope(record.bins, record, digest, now))
    if found is not True:
        outcome = TraceOutcome.FALSE if found is False else TraceOutcome.ABSENT
        trace = {TraceKey.PHASE: TracePhase.EVAL, TraceKey.OUTCOME: outcome}
        raise RequestError(ResultCode.FILTERED_OUT, trace=trace)


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
    try:
        node = build(data, version)
        if node.type != ExpType.BOOL:
            raise bad("a filter that is no bool")
    except RequestError as error:
        error.trace = _FAULT
        raise
    return node

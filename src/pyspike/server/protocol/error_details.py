"""The field of a reply that tells what was wrong, for clients that ask for it (server-8.2.md 17.3).

Owns: what is told at which verbosity, and its size. Not here: the words and subcodes, which stand where a
request is refused.
"""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]

from .constants import (
    ERROR_DETAILS_SHIFT,
    ErrorDetailKey,
    ErrorDetailVerbosity,
    ErrorTraceKey,
    FieldType,
)
from .framing import encode_field
from .result import RequestError

__all__ = ["details_field"]

MESSAGE_MAX = 1009
_SIZE_MAX = 1024
_TEXT_MAX = {ErrorTraceKey.OPERATION: 32, ErrorTraceKey.SNIPPET: 256}
_PATH_MAX, _OPERAND_MAX = 16, 48


def details_field(info4: int, error: RequestError) -> bytes:
    """The field for a message with this fourth flag byte; empty if it asks for nothing or there is nothing to
    tell.
    """
    verbosity = info4 >> ERROR_DETAILS_SHIFT & ErrorDetailVerbosity.TRACE
    told: dict[int, Any] = {}
    if verbosity and error.subcode:
        told[ErrorDetailKey.SUBCODE] = error.subcode
    if verbosity >= ErrorDetailVerbosity.MESSAGE and error.detail:
        told[ErrorDetailKey.MESSAGE] = error.detail.encode()[:MESSAGE_MAX].decode(errors="ignore")
    if verbosity == ErrorDetailVerbosity.TRACE and error.trace is not None:
        told[ErrorDetailKey.TRACE] = _shortened(error.trace())
    if not told:
        return b""
    payload: bytes = msgpack.packb(told)
    while len(payload) > _SIZE_MAX:  # the trace is what is not told in full
        trace = told[ErrorDetailKey.TRACE]
        longest = max(trace, key=lambda key: len(msgpack.packb(trace[key])))
        del trace[longest]
        payload = msgpack.packb(told)
    return encode_field(FieldType.ERROR_DETAILS, payload)


def _shortened(trace: dict[int, Any]) -> dict[int, Any]:
    """What is told of an expression, each part no longer than it may be."""
    told = dict(trace)
    for key, most in _TEXT_MAX.items():
        if key in told:
            told[key] = told[key][:most]
    if len(told.get(ErrorTraceKey.PATH, ())) > _PATH_MAX:
        told[ErrorTraceKey.PATH] = [*told[ErrorTraceKey.PATH][: _PATH_MAX - 1], "..."]
    if ErrorTraceKey.OPERANDS in told:
        told[ErrorTraceKey.OPERANDS] = [each[:_OPERAND_MAX] for each in told[ErrorTraceKey.OPERANDS]]
    return {int(key): value for key, value in told.items()}

"""The field of a reply that tells what was wrong, for clients that ask for it (server-8.2.md 17.3).

Owns: what is told at which verbosity, and its size. Not here: the words and subcodes, which stand where a
request is refused.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import msgpack  # type: ignore[import-untyped]

from .constants import ERROR_DETAILS_SHIFT, ErrorDetailKey, ErrorDetailVerbosity, FieldType
from .result import RequestError

__all__ = ["details_field"]

MESSAGE_MAX = 1009
_FIELD = Struct(">IB")


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
    if verbosity == ErrorDetailVerbosity.TRACE and error.trace:
        told[ErrorDetailKey.TRACE] = {int(key): int(value) for key, value in error.trace.items()}
    if not told:
        return b""
    payload: bytes = msgpack.packb(told)
    return _FIELD.pack(1 + len(payload), FieldType.ERROR_DETAILS) + payload

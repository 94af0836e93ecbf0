"""Filters: expressions that decide whether a request applies to a record.

Owns: which expressions are filters. Not here: what is answered for a record that is filtered out.
"""

from __future__ import annotations

from ..protocol.flags import ExpType
from ..storage.store import Record
from ..versions import ServerVersion
from .build import build
from .nodes import Scope, bad

__all__ = ["passes"]


def passes(data: bytes, record: Record, digest: bytes, now: float, version: ServerVersion) -> bool:
    """Whether a record passes a filter.

    Raises:
        RequestError: PARAMETER if the filter is no expression of type bool.

    """
    node = build(data, version)
    if node.type != ExpType.BOOL:
        raise bad("a filter that is no bool")
    return node.run(Scope(record.bins, record, digest, now)) is True

"""Filters: expressions that decide whether a request applies to a record.

Owns: which expressions are filters. Not here: what is answered for a record that is filtered out.
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.flags import ExpType
from ..storage.store import Record
from ..versions import ServerVersion
from .build import build
from .nodes import Node, Scope, bad

__all__ = ["check_filter", "filter_of", "passes"]


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
        raise bad("a filter that is no bool")
    return node

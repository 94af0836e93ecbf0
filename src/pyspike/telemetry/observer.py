"""What watches the calls of a client: it is told when one begins and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Optional, Protocol, Union

from pyspike._wire import Batch, Call, Command, Query, RowGroups, Trace

__all__ = ["PARTS", "Observer", "Over", "Work", "described", "parts_in_ms"]

PARTS = ("queue", "connect", "network", "decode")  # what the time of an attempt is spent on

Work = Union[Command, Batch, Query, RowGroups, Call]  # noqa: UP007 - a stub has the classes; of a stream, its groups
Over = Callable[[Optional[BaseException]], object]  # noqa: UP045 - an alias is no annotation


class Observer(Protocol):
    """Sees the calls of one client."""

    def begin(self, work: Work, trace: Trace) -> Over:
        """Note that a call begins.

        Args:
            work: what is to be done.
            trace: what becomes of it, from now on.

        Returns:
            What is called when it is over, with the error that it raises, or None.
        """
        ...


def described(work: Work) -> tuple[str, str, str]:
    """The method, the namespace and the set of a call; of a batch those of its first row, if it has one."""
    if isinstance(work, Command):
        key = work.key
        return work.method, work.namespace or "", "" if key is None else key.set_name or ""
    if isinstance(work, Batch):
        first = work.first_key
        method = work.name or "batch"
        return (method, "", "") if first is None else (method, first.namespace, first.set_name or "")
    if isinstance(work, Call):
        return work.method, work.namespace or "", work.set_name or ""
    if isinstance(work, RowGroups):
        return "batch_stream", "", ""  # its rows are not there yet
    return "query", work.statement.namespace, work.statement.set_name or ""


def parts_in_ms(parts: Iterable[float]) -> dict[str, float]:
    """The parts of an attempt by the names that they have as attributes."""
    return {f"{name}_ms": part for name, part in zip(PARTS, parts, strict=True)}

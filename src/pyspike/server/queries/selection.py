"""Which records a query is about, one after the other, and how fast.

Owns: sets, filters, the number of records a second, and when others have their turn. Not here: which records
are candidates (search.py), and what is done with a record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ..expressions.build import opcodes_of
from ..expressions.evaluation import filter_of
from ..protocol.constants import FieldType
from ..protocol.framing import Message
from ..protocol.opcodes import ExpOpcode
from ..storage.record import Record
from ..storage.store import Namespace
from ..topology.jobs import Job
from .search import Found, Search

__all__ = ["Selected", "Selection"]

_SLICE = 100
"""How many candidates are looked at before other connections have their turn."""
_LEAST_PAUSE = 0.01
"""Seconds. Timers are not more exact than that, so shorter pauses are saved up."""
_STORED = frozenset((ExpOpcode.BIN, ExpOpcode.BIN_TYPE, ExpOpcode.KEY))
"""What an expression has to read the record for: all else is in the index."""

Selected = tuple["int | None", bytes, Record]
"""The bval by which a record was found, its digest, and the record."""


class Selection:
    """Chooses records of candidates.

    Args:
        namespace: the namespace.
        message: the request.
        job: what the node tells of the query, where the records that are left out are counted.
        search: what is looked for.

    Raises:
        RequestError: PARAMETER: the filter is malformed.

    """

    __slots__ = ("_is_early", "_job", "_looked_at", "_namespace", "_passes", "_search", "_set_name", "_taken")

    def __init__(self, namespace: Namespace, message: Message, job: Job, search: Search) -> None:
        self._namespace, self._job, self._search = namespace, job, search
        self._set_name = message.fields.get(FieldType.SET, b"")
        data, version = message.fields.get(FieldType.FILTER), namespace.store.version
        self._passes = None if data is None else filter_of(data, version)
        self._is_early = data is not None and not opcodes_of(data, version) & _STORED
        self._looked_at = self._taken = 0

    def records(self, candidates: Sequence[Found]) -> Iterator[Selected | float]:
        """The records that are chosen.

        A number stands where so many seconds are to pass before the next record is asked for; 0 where others
        can have their turn.
        """
        for bval, digest in candidates:
            self._looked_at += 1
            if self._looked_at % _SLICE == 0:
                yield 0.0
            record = self._find(bval, digest)
            if record is None:
                continue
            if self._job.records_per_second:
                self._job.throttled += 1
                wait = self._ahead()
                if wait > _LEAST_PAUSE:
                    yield wait
                    record = self._find(bval, digest)  # it may have changed
                    if record is None:
                        continue
            if self._passes is None or self._is_early or self._is_passed(digest, record):
                yield bval, digest, record

    def _find(self, bval: int | None, digest: bytes) -> Record | None:
        """The record of a candidate, if it is of the set and what is looked for."""
        record = self._namespace.find(digest)
        if record is None or (self._set_name and record.set_name != self._set_name):
            return None
        if not self._search.accepts(bval, digest, record):
            return None
        if self._is_early and not self._is_passed(digest, record):
            self._job.filtered_early += 1
            return None
        return record

    def _is_passed(self, digest: bytes, record: Record) -> bool:
        assert self._passes is not None
        if self._passes(record, digest, self._namespace.store.clock()):
            return True
        self._job.filtered += 1
        return False

    def _ahead(self) -> float:
        """How many seconds too early it would be to take one more record."""
        self._taken += 1
        return self._job.begun + self._taken / self._job.records_per_second - time.monotonic()

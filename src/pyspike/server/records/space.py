"""The records as a request sees and changes them: those of a namespace, or what a transaction makes of them.

Owns: which copy of a record a request reads and writes. Not here: what it does with it (commands.py, udf.py),
and who may lock a record (strong.py).
"""

from __future__ import annotations

from typing import Protocol

from ..protocol.result import BlockedSubcode, RequestError, ResultCode
from ..storage.record import Record
from ..storage.store import Namespace, NamespaceConfig, Store
from ..storage.transactions import Monitor, Provisional

__all__ = ["LockedSpace", "RecordSpace", "TransactionSpace", "blocked", "live_monitor"]


class RecordSpace(Protocol):
    """What a command on one record needs of a namespace."""

    @property
    def config(self) -> NamespaceConfig:
        """Its settings."""

    @property
    def store(self) -> Store:
        """The store of which it is a part."""

    @property
    def is_strong(self) -> bool:
        """Whether it is strong-consistent."""

    @property
    def prolongs(self) -> bool:
        """Whether reads may prolong the life of records."""

    def find(self, digest: bytes) -> Record | None:
        """The record of a digest; None if there is none."""

    def put(self, digest: bytes, record: Record) -> None:
        """Store a record under its digest."""

    def delete(self, digest: bytes) -> None:
        """Drop the record of a digest, which must exist."""

    def bury(self, digest: bytes, tombstone: Record) -> None:
        """Delete the record of a digest, and leave a tombstone."""

    def next_generation(self, digest: bytes, before: int) -> int:
        """The generation of a record after a write; `before` is that before it, 0 if there was no record."""

    def renew_version(self, record: Record) -> None:
        """Give a record of a strong-consistent namespace a version that no record has had."""

    def void_time(self, ttl: int) -> int:
        """When a record with `ttl` seconds to live expires; for 0 seconds it is 0, which is never."""


class _Space:
    """A namespace of which records are read, but not written as they are."""

    __slots__ = ("_namespace", "config", "is_strong", "store")

    prolongs = False

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self.config, self.store, self.is_strong = namespace.config, namespace.store, namespace.is_strong

    def find(self, digest: bytes) -> Record | None:
        return self._namespace.find(digest)

    def next_generation(self, digest: bytes, before: int) -> int:
        return self._namespace.next_generation(digest, before)

    def renew_version(self, record: Record) -> None:
        self._namespace.renew_version(record)

    def void_time(self, ttl: int) -> int:
        return self._namespace.void_time(ttl)


class LockedSpace(_Space):
    """What a request sees that is not of the transaction which has locked the record: the original, as it is.

    Every write is refused.
    """

    __slots__ = ()

    def put(self, digest: bytes, record: Record) -> None:
        """Raise: the record is locked."""
        raise blocked()

    def delete(self, digest: bytes) -> None:
        """Raise: the record is locked."""
        raise blocked()

    def bury(self, digest: bytes, tombstone: Record) -> None:
        """Raise: the record is locked."""
        raise blocked()


class TransactionSpace(_Space):
    """What a transaction sees: what it has written, and the originals of all else.

    Args:
        namespace: the namespace.
        id_: the transaction.

    """

    __slots__ = ("_id",)

    def __init__(self, namespace: Namespace, id_: int) -> None:
        super().__init__(namespace)
        self._id = id_

    def own(self, digest: bytes) -> Provisional | None:
        """What the transaction has made of a record; None if it has not locked it."""
        found = self._namespace.transactions.provisionals.get(digest)
        return found if found is not None and found.id == self._id else None

    def find(self, digest: bytes) -> Record | None:
        """What the transaction has made of a record, or else the original; None if there is none."""
        own = self.own(digest)
        if own is None:
            return self._namespace.find(digest)
        return None if own.is_tombstone else own.record

    def next_generation(self, digest: bytes, before: int) -> int:
        """The generation of a record after a write, which goes on with that of a provisional tombstone."""
        own = self.own(digest)
        return super().next_generation(digest, before if own is None else own.record.generation)

    def put(self, digest: bytes, record: Record) -> None:
        """Write a provisional record."""
        self._lock(digest, Provisional(self._id, record))

    def bury(self, digest: bytes, tombstone: Record) -> None:
        """Write a provisional tombstone."""
        self._lock(digest, Provisional(self._id, tombstone, is_tombstone=True))

    def delete(self, digest: bytes) -> None:
        """Delete a record: also without the policy for it, it leaves a tombstone."""
        before = self.find(digest)
        assert before is not None
        tombstone = Record(before.set_name)
        tombstone.generation = self.next_generation(digest, before.generation)
        self.bury(digest, tombstone)

    def _lock(self, digest: bytes, provisional: Provisional) -> None:
        provisionals = self._namespace.transactions.provisionals
        if digest in provisionals and self.own(digest) is None:
            raise blocked(BlockedSubcode.OTHER_ID)
        live_monitor(self._namespace, self._id).locked.add(digest)
        provisionals[digest] = provisional


def blocked(subcode: BlockedSubcode = BlockedSubcode.LOCKED) -> RequestError:
    """The error of a write to a record that another transaction has locked."""
    return RequestError(ResultCode.MRT_BLOCKED, "another transaction has locked the record", subcode)


def live_monitor(namespace: Namespace, id_: int) -> Monitor:
    """The monitor of a transaction that can still write.

    Raises:
        RequestError: MRT_EXPIRED: there is no monitor, or not any more. MRT_COMMITTED: it is to be rolled
            forward. MRT_ABORTED: the server is rolling it back.

    """
    monitor = namespace.transactions.by_id.get(id_)
    if monitor is None or monitor.is_closed:
        raise RequestError(ResultCode.MRT_EXPIRED, "the transaction is unknown, or has expired")
    if monitor.is_committed:
        raise RequestError(ResultCode.MRT_COMMITTED, "the transaction is committed")
    if monitor.is_aborted:
        raise RequestError(ResultCode.MRT_ABORTED, "the server has aborted the transaction")
    return monitor

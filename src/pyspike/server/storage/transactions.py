"""What the transactions of a namespace have written, and their monitors.

Owns: the provisional records, each of which is the lock on its record, and the monitors. Not here: who may
write (../records/), and how a transaction ends (../records/ending.py).

The records of the store are the originals: what a transaction writes is kept here until it is committed, so
that queries, indexes and all other clients see nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .record import Record

__all__ = ["Monitor", "Provisional", "Transactions"]


@dataclass(frozen=True, slots=True, eq=False)
class Provisional:
    """What a record becomes if a transaction is committed. As long as there is one, the record is locked.

    Fields:
        id: the transaction.
        record: the record.
        is_tombstone: whether the record is deleted.

    """

    id: int
    record: Record
    is_tombstone: bool = False


@dataclass(slots=True, eq=False)
class Monitor:
    """What the server knows of a transaction that has written.

    Fields:
        id: the transaction.
        record: the monitor's own bins.
        ends: when it expires, in Unix time.
        locked: the records that it has locked. The client has told the monitor of these, and of others that
            it has not written.
        is_committed: whether it is marked to be rolled forward.
        is_aborted: whether the server is rolling it back, as it has expired.
        is_closed: whether the client has closed it: it is there only for records that are not unlocked.

    """

    id: int
    record: Record
    ends: float
    locked: set[bytes] = field(default_factory=set)
    is_committed: bool = False
    is_aborted: bool = False
    is_closed: bool = False


@dataclass(slots=True, eq=False)
class Transactions:
    """The transactions of a namespace."""

    provisionals: dict[bytes, Provisional] = field(default_factory=dict)
    """By the digest of the record."""
    monitors: dict[bytes, Monitor] = field(default_factory=dict)
    """By the digest of the monitor."""
    by_id: dict[int, Monitor] = field(default_factory=dict)
    """The same, by the transaction."""

    def add(self, digest: bytes, monitor: Monitor) -> None:
        """Take the monitor of a transaction, under the monitor's digest."""
        self.monitors[digest] = self.by_id[monitor.id] = monitor

    def remove(self, digest: bytes) -> None:
        """Forget a monitor."""
        monitor = self.monitors.pop(digest)
        if self.by_id.get(monitor.id) is monitor:
            del self.by_id[monitor.id]

    def age(self, seconds: int) -> None:
        """Let that time pass for all transactions."""
        for monitor in self.monitors.values():
            monitor.ends -= seconds

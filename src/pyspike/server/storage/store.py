"""The store of a cluster: its namespaces and their records, and its UDF modules.

Owns: records, tombstones, the settings of namespaces, expiry, truncation, and telling the indexes of all
changes. Not here: what commands do, which node owns a partition, and what transactions have written
(transactions.py): the records here are those that everybody sees. All nodes of a cluster share one store,
which stands for synchronous replication.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..arguments import check_flag, check_integer
from ..protocol.constants import (
    CITRUSLEAF_EPOCH,
    GENERATION_MAX,
    GENERATION_MAX_STRONG,
    MRT_TIMEOUT_MAX,
    N_PARTITIONS,
    TTL_MAX,
)
from ..protocol.digest import partition_of
from ..versions import NEWEST, ServerVersion
from .indexes import NO_BVALS, Index, IndexDefinition
from .modules import Modules
from .record import Record
from .transactions import Transactions

__all__ = ["Namespace", "NamespaceConfig", "Store"]

_LUT_BITS = 40
_GENERATION_BITS, _REGIME_BITS = 10, 6


@dataclass(frozen=True, slots=True)
class NamespaceConfig:
    """Settings of a namespace, named as in the server's configuration.

    Args:
        default_ttl: seconds a record lives if the write does not say; 0 is for ever.
        nsup_period: seconds between runs of the expiry thread. Here records expire on access; 0 means that
            writes with a TTL are refused with FORBIDDEN unless `allow_ttl_without_nsup`.
        allow_ttl_without_nsup: take TTLs although `nsup_period` is 0.
        default_read_touch_ttl_pct: percent of life left from which on a read prolongs a record; 0 is never.
        max_record_size: bytes a stored record may take.
        strong_consistency: keep records strong-consistent, which transactions need; a namespace without it
            is available and partition-tolerant (AP).
        strong_consistency_allow_expunge: let strong-consistent records be deleted without the policy
            `durable_delete`; else such a delete is refused with FORBIDDEN.
        mrt_duration: seconds a transaction may take if the client does not say, 1 to 120.
        disable_mrt_writes: refuse writes of transactions that have not written yet.

    """

    default_ttl: int = 0
    nsup_period: int = 10
    allow_ttl_without_nsup: bool = False
    default_read_touch_ttl_pct: int = 0
    max_record_size: int = 1048576
    strong_consistency: bool = False
    strong_consistency_allow_expunge: bool = False
    mrt_duration: int = 10
    disable_mrt_writes: bool = False

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            TypeError: a setting of another type.
            ValueError: a number outside its range.

        """
        check_integer("default_ttl", self.default_ttl, 0, TTL_MAX)
        check_integer("nsup_period", self.nsup_period, 0)
        check_integer("default_read_touch_ttl_pct", self.default_read_touch_ttl_pct, 0, 100)
        check_integer("max_record_size", self.max_record_size, 1)
        check_integer("mrt_duration", self.mrt_duration, 1, MRT_TIMEOUT_MAX)
        if not isinstance(self.allow_ttl_without_nsup, bool):
            raise TypeError(f"allow_ttl_without_nsup is a bool, not {self.allow_ttl_without_nsup!r}")
        check_flag("strong_consistency", self.strong_consistency)
        check_flag("strong_consistency_allow_expunge", self.strong_consistency_allow_expunge)
        check_flag("disable_mrt_writes", self.disable_mrt_writes)


class Namespace:
    """The records of a namespace, by partition and digest, and its indexes."""

    __slots__ = (
        "_last_lut",
        "config",
        "dead",
        "first_config",
        "generation_max",
        "indexes",
        "is_strong",
        "key",
        "name",
        "partitions",
        "regime",
        "sets",
        "store",
        "tombstones",
        "transactions",
        "truncated",
        "unavailable",
    )
    prolongs = True
    """Whether reads may prolong the life of records."""

    def __init__(self, name: str, config: NamespaceConfig, store: Store) -> None:
        self.name = name
        self.key = name.encode()
        """The name as requests have it."""
        self.config = config
        self.first_config = config
        self.store = store
        self.partitions: list[dict[bytes, Record]] = [{} for _ in range(N_PARTITIONS)]
        self.sets: dict[bytes, None] = {}
        """The names of all sets that ever had records or an index, in the order in which they came."""
        self.unavailable: frozenset[int] = frozenset()
        """Partitions without an owner: requests for them get UNAVAILABLE."""
        self.truncated: dict[bytes | None, int] = {}
        """Last truncation in ns since the Unix epoch, by set; None is the whole namespace."""
        self.indexes: dict[Index, Callable[[bytes, Record], frozenset[int]]] = {}
        """The indexes in the order in which they were created, with what tells the bvals of a record."""
        self.is_strong = config.strong_consistency
        """Whether it is strong-consistent, which it is from its beginning to its end."""
        self.generation_max = GENERATION_MAX_STRONG if self.is_strong else GENERATION_MAX
        self.regime = 0
        """How often its partitions were distributed, if it is strong-consistent; 0 if it is not."""
        self.dead: frozenset[int] = frozenset()
        """Those of the unavailable partitions whose nodes are all there, but none is trusted."""
        self.tombstones: dict[bytes, Record] = {}
        """What is left of records that were deleted durably: they have no bins."""
        self.transactions = Transactions()
        """What transactions have written; nothing in a namespace that is not strong-consistent."""
        self._last_lut = 0

    def find(self, digest: bytes) -> Record | None:
        """The record of a digest; None if there is none, or it has expired, in which case it is dropped."""
        records = self.partitions[partition_of(digest)]
        record = records.get(digest)
        if record is not None and record.void_time and self.store.now() > record.void_time:
            if digest not in self.transactions.provisionals:
                self.delete(digest)
            return None
        return record

    def put(self, digest: bytes, record: Record) -> None:
        """Store a record under its digest."""
        if self.is_strong:
            self.renew_version(record)
        if self.tombstones:
            self.tombstones.pop(digest, None)
        self.partitions[partition_of(digest)][digest] = record
        if record.set_name:
            self.sets[record.set_name] = None
        for index, bvals in self.indexes.items():
            index.update(digest, bvals(digest, record))

    def delete(self, digest: bytes) -> None:
        """Drop the record of a digest, which must exist."""
        del self.partitions[partition_of(digest)][digest]
        for index in self.indexes:
            index.update(digest, NO_BVALS)

    def bury(self, digest: bytes, tombstone: Record) -> None:
        """Delete the record of a digest, if there is one, and leave a tombstone."""
        if digest in self.partitions[partition_of(digest)]:
            self.delete(digest)
        self.tombstones[digest] = tombstone

    def next_generation(self, digest: bytes, before: int) -> int:
        """The generation of a record after a write; `before` is that before it, 0 if there was no record.

        A record that is created anew goes on with the generation of its tombstone.
        """
        if not before and self.tombstones and (buried := self.tombstones.get(digest)) is not None:
            before = buried.generation
        # 0 is the generation of no record, so it is left out when the bits wrap.
        return before % self.generation_max + 1

    def renew_version(self, record: Record) -> None:
        """Give a record of a strong-consistent namespace a version that no record has had."""
        lut = int((self.store.clock() - CITRUSLEAF_EPOCH) * 1000)
        # A clock that stands still, or goes back, must not give a version twice.
        self._last_lut = lut = max(lut, self._last_lut + 1)
        regime = self.regime % (1 << _REGIME_BITS)
        record.version = (
            lut % (1 << _LUT_BITS) | (regime << _GENERATION_BITS | record.generation) << _LUT_BITS
        )

    def drop_partition(self, partition_id: int) -> None:
        """Drop all records of a partition."""
        self.partitions[partition_id] = {}
        for index in self.indexes:
            index.drop_partition(partition_id)
        for digest in [digest for digest in self.tombstones if partition_of(digest) == partition_id]:
            del self.tombstones[digest]

    def clear(self) -> None:
        """Drop all records, and all transactions."""
        self.tombstones.clear()
        self.transactions = Transactions()
        for partition_id in [each for each, records in enumerate(self.partitions) if records]:
            self.drop_partition(partition_id)

    def drop_expired(self) -> None:
        """Drop all records that have expired, as the server's expiry thread does from time to time."""
        now, locked = self.store.now(), self.transactions.provisionals
        for partition in filter(None, self.partitions):
            gone = [digest for digest, record in partition.items() if 0 < record.void_time < now]
            for digest in gone:
                if digest not in locked:
                    self.delete(digest)

    def records(self, partition_ids: Iterable[int] = range(N_PARTITIONS)) -> Iterator[tuple[bytes, Record]]:
        """The digest and the record of all records that have not expired."""
        now = self.store.now()
        for partition_id in partition_ids:
            partition = self.partitions[partition_id]
            for digest, record in list(partition.items()) if partition else ():
                if not record.void_time or now <= record.void_time:
                    yield digest, record

    def set_names(self) -> list[bytes]:
        """The names of all sets, in the order in which they came."""
        return list(self.sets)

    def truncate(self, set_name: bytes | None, lut_ns: int) -> None:
        """Drop the records of a set (None: of all) that were last updated before a time.

        `lut_ns` is Unix time in nanoseconds; times are compared in whole milliseconds, so those of the same
        one stay.
        """
        self.truncated[set_name] = lut_ns
        before, locked = lut_ns // 1_000_000, self.transactions.provisionals
        for partition in filter(None, self.partitions):  # not by `delete`: of a million that takes seconds
            gone = [
                digest
                for digest, record in partition.items()
                if (set_name is None or record.set_name == set_name)
                and int(record.last_update * 1000) < before
                and digest not in locked
            ]
            for digest in gone:
                del partition[digest]
            for index in self.indexes:
                for digest in gone:
                    index.update(digest, NO_BVALS)

    def age(self, seconds: int) -> None:
        """Make all records older, as if that time had passed since they were written."""
        for partition in self.partitions:
            for record in partition.values():
                record.last_update -= seconds
                if record.void_time:
                    record.void_time = max(record.void_time - seconds, 1)  # 0 would be never
        self.transactions.age(seconds)

    def void_time(self, ttl: int) -> int:
        """When a record with `ttl` seconds to live expires; for 0 seconds it is 0, which is never."""
        return self.store.now() + ttl if ttl else 0


@dataclass(slots=True)
class Store:
    """The namespaces of a cluster, and the clock by which their records expire.

    Args:
        clock: Unix time in seconds.
        version: the server that it is the memory of.

    """

    clock: Callable[[], float] = time.time
    version: ServerVersion = NEWEST
    namespaces: dict[bytes, Namespace] = field(default_factory=dict)
    modules: Modules = field(default_factory=Modules)
    """The UDF modules."""
    foreign_indexes: dict[str, dict[IndexDefinition, str]] = field(default_factory=dict)
    """The names of the indexes of namespaces that the cluster does not have, by namespace."""
    is_enterprise: bool = False
    """Whether a namespace is strong-consistent, which only the Enterprise Edition has."""

    def add(self, name: str, config: NamespaceConfig) -> Namespace:
        """Add a namespace."""
        namespace = Namespace(name, config, self)
        self.is_enterprise |= namespace.is_strong
        self.namespaces[name.encode()] = namespace
        return namespace

    def now(self) -> int:
        """Whole seconds since 2010-01-01, as void-times are counted."""
        return int(self.clock()) - CITRUSLEAF_EPOCH

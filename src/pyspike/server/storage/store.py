"""The store of a cluster: its namespaces and their records, and its UDF modules.

Owns: records, the settings of namespaces, expiry, truncation, sizes, and telling the indexes of all changes.
Not here: what commands do, and which node owns a partition. All nodes of a cluster share one store, which
stands for synchronous replication.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..arguments import check_integer
from ..protocol.constants import CITRUSLEAF_EPOCH, N_PARTITIONS, TTL_MAX, ParticleType
from ..protocol.digest import partition_of
from ..versions import NEWEST, ServerVersion
from .indexes import NO_BVALS, Index
from .modules import Modules

__all__ = ["Namespace", "NamespaceConfig", "Record", "Store", "stored_size"]

_RECORD_OVERHEAD = 40
_BIN_LENGTH = 4
_BLOCK = 16


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

    """

    default_ttl: int = 0
    nsup_period: int = 10
    allow_ttl_without_nsup: bool = False
    default_read_touch_ttl_pct: int = 0
    max_record_size: int = 1048576

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
        if not isinstance(self.allow_ttl_without_nsup, bool):
            raise TypeError(f"allow_ttl_without_nsup is a bool, not {self.allow_ttl_without_nsup!r}")


class Record:
    """One stored record.

    `bins` has (particle type, stored value) by name, in the order in which the bins were created.
    """

    __slots__ = ("all_ops", "bins", "generation", "key", "last_update", "set_name", "void_time")

    def __init__(self, set_name: bytes) -> None:
        self.set_name = set_name
        self.bins: dict[bytes, tuple[int, bytes]] = {}
        self.generation = 0
        self.void_time = 0
        self.key: bytes | None = None
        self.last_update = 0.0
        """Unix time in seconds."""
        self.all_ops: bytes | None = None
        """The ops of a reply with all bins, once one was asked for."""


class Namespace:
    """The records of a namespace, by partition and digest, and its indexes."""

    __slots__ = (
        "config",
        "first_config",
        "indexes",
        "key",
        "name",
        "partitions",
        "sets",
        "store",
        "truncated",
        "unavailable",
    )

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

    def find(self, digest: bytes) -> Record | None:
        """The record of a digest; None if there is none, or it has expired, in which case it is dropped."""
        records = self.partitions[partition_of(digest)]
        record = records.get(digest)
        if record is not None and record.void_time and self.store.now() > record.void_time:
            self.delete(digest)
            return None
        return record

    def put(self, digest: bytes, record: Record) -> None:
        """Store a record under its digest."""
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

    def drop_partition(self, partition_id: int) -> None:
        """Drop all records of a partition."""
        self.partitions[partition_id] = {}
        for index in self.indexes:
            index.drop_partition(partition_id)

    def drop_expired(self) -> None:
        """Drop all records that have expired, as the server's expiry thread does from time to time."""
        now = self.store.now()
        for partition in self.partitions:
            gone = [digest for digest, record in partition.items() if 0 < record.void_time < now]
            for digest in gone:
                self.delete(digest)

    def records(self, partition_ids: Iterable[int] = range(N_PARTITIONS)) -> Iterator[tuple[bytes, Record]]:
        """The digest and the record of all records that have not expired."""
        now = self.store.now()
        for partition_id in partition_ids:
            for digest, record in list(self.partitions[partition_id].items()):
                if not record.void_time or now <= record.void_time:
                    yield digest, record

    def set_names(self) -> list[bytes]:
        """The names of all sets, in the order in which they came."""
        return list(self.sets)

    def truncate(self, set_name: bytes | None, lut_ns: int) -> None:
        """Drop the records of a set (None: of all) that were last updated before a time.

        `lut_ns` is Unix time in nanoseconds.
        """
        self.truncated[set_name] = lut_ns
        before = lut_ns / 1e9
        for digest, record in list(self.records()):
            if (set_name is None or record.set_name == set_name) and record.last_update < before:
                self.delete(digest)

    def age(self, seconds: int) -> None:
        """Make all records older, as if that time had passed since they were written."""
        for partition in self.partitions:
            for record in partition.values():
                record.last_update -= seconds
                if record.void_time:
                    record.void_time = max(record.void_time - seconds, 1)  # 0 would be never

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

    def add(self, name: str, config: NamespaceConfig) -> Namespace:
        """Add a namespace."""
        namespace = Namespace(name, config, self)
        self.namespaces[name.encode()] = namespace
        return namespace

    def now(self) -> int:
        """Whole seconds since 2010-01-01, as void-times are counted."""
        return int(self.clock()) - CITRUSLEAF_EPOCH


def stored_size(record: Record) -> int:
    """How many bytes a record takes in the server's flat form.

    These are a header, set, key, and each bin, rounded up to whole blocks.
    """
    size = _RECORD_OVERHEAD
    if record.set_name:
        size += 1 + len(record.set_name)
    if record.key:
        size += 1 + len(record.key)
    for name, (particle, value) in record.bins.items():
        size += 2 + len(name)
        if particle == ParticleType.INTEGER:
            size += _integer_size(value)
        elif particle in (ParticleType.FLOAT, ParticleType.BOOL):
            size += len(value)
        else:
            size += _BIN_LENGTH + len(value)
    return -(-size // _BLOCK) * _BLOCK


def _integer_size(value: bytes) -> int:
    """The size of an integer: a byte for its length, and 1, 2, 4 or 8 bytes that hold it without sign."""
    used = len(value.lstrip(b"\x00"))
    return 1 + (8 if used > 4 else 4 if used > 2 else max(used, 1))

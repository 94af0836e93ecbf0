"""The partition map: which node owns which partition in which replica column.

Owns: the distribution, its bitmaps, the number of changes. Not here: which nodes are in the cluster
(membership.py).

Each partition has an order of all node names, from a hash of partition and name. The first members of the
cluster in that order own its columns. So a leaving node's partitions go to the next nodes in their order, a
joining node takes only what is its own, and nothing else moves.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from ..protocol.constants import N_PARTITIONS

__all__ = ["PartitionMap", "assign", "bitmap", "changed", "without_owner"]

NO_RACKS: Mapping[str, int] = {}
Column = tuple["str | None", ...]


@dataclass(frozen=True, slots=True)
class PartitionMap:
    """The owners by replica column (0 has the masters) and partition id; None where there is none."""

    columns: tuple[Column, ...]

    def owners(self, partition_id: int) -> list[str]:
        """The owners of a partition, master first."""
        return [owner for column in self.columns if (owner := column[partition_id]) is not None]

    def without(self, lost: Set[int]) -> PartitionMap:
        """The same map, in which nobody owns some partitions."""
        if not lost:
            return self
        return PartitionMap(
            tuple(
                tuple(None if pid in lost else owner for pid, owner in enumerate(column))
                for column in self.columns
            )
        )


@lru_cache(maxsize=64)
def _weights(name: str) -> list[bytes]:
    seed = name.encode()
    return [blake2b(pid.to_bytes(2, "big") + seed, digest_size=8).digest() for pid in range(N_PARTITIONS)]


def assign(
    names: Sequence[str],
    replication_factor: int,
    turns: Mapping[int, int],
    lost: Set[int],
    racks: Mapping[str, int] = NO_RACKS,
) -> PartitionMap:
    """Distribute the partitions of a namespace.

    Args:
        names: the nodes of the cluster.
        replication_factor: how many columns; never more than there are nodes.
        turns: by how many places a partition's succession is turned (moved partitions).
        lost: partitions that nobody owns.
        racks: the nodes' racks; 0 for those that are left out. The owners of a partition are in different
            racks as far as there are as many.

    """
    turned = tuple(sorted(turns.items()))
    return _assign(tuple(names), replication_factor, turned, frozenset(lost), tuple(sorted(racks.items())))


@lru_cache(maxsize=64)
def _assign(
    names: tuple[str, ...],
    replication_factor: int,
    turned: tuple[tuple[int, int], ...],
    lost: frozenset[int],
    rack_of: tuple[tuple[str, int], ...],
) -> PartitionMap:
    turns, racks = dict(turned), dict(rack_of)
    n_columns = min(replication_factor, len(names))
    columns: list[list[str | None]] = [[None] * N_PARTITIONS for _ in range(n_columns)]
    weights = [(name, _weights(name)) for name in sorted(names)]
    several = n_columns > 1 and len({racks.get(name, 0) for name in names}) > 1
    for pid in range(N_PARTITIONS):
        if pid in lost:
            continue
        order = [name for _, name in sorted([(weight[pid], name) for name, weight in weights])]
        turn = turns.get(pid, 0) % len(order) if order else 0
        order = order[turn:] + order[:turn]
        if several:
            order = _spread(order, racks, n_columns)
        for index, column in enumerate(columns):
            column[pid] = order[index]
    return PartitionMap(tuple(tuple(column) for column in columns))


def _spread(order: list[str], racks: Mapping[str, int], count: int) -> list[str]:
    """The first nodes of an order, each the next that is in a rack of its own, as long as there is one."""
    chosen: list[str] = []
    for _ in range(count):
        used = {racks.get(name, 0) for name in chosen}
        rest = [name for name in order if name not in chosen]
        chosen.append(next((name for name in rest if racks.get(name, 0) not in used), rest[0]))
    return chosen


def changed(before: PartitionMap, after: PartitionMap) -> int:
    """How many partitions have other owners in the second map."""
    if before.columns == after.columns:
        return 0
    depth = max(len(before.columns), len(after.columns))
    return sum(before.owners(pid)[:depth] != after.owners(pid)[:depth] for pid in range(N_PARTITIONS))


def without_owner(owned: PartitionMap, alive: Set[str]) -> frozenset[int]:
    """The partitions none of whose owners is among these nodes."""
    if not owned.columns:
        return frozenset(range(N_PARTITIONS))
    owners = enumerate(zip(*owned.columns, strict=True))
    return frozenset([pid for pid, names in owners if alive.isdisjoint(names)])


def bitmap(column: Column, name: str) -> str:
    """The partitions of a column that a node owns, as `replicas` tells them: a bit each, in base64."""
    bits = bytearray(N_PARTITIONS // 8)
    for pid, owner in enumerate(column):
        if owner == name:
            bits[pid >> 3] |= 0x80 >> (pid & 7)
    return b64encode(bits).decode()

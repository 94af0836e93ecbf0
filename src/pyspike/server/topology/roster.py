"""Which partitions of a strong-consistent namespace the nodes that see each other may serve.

Owns: the rules of the roster, and which nodes have a copy of a partition that can be trusted. Not here: who
owns a partition (partitions.py), and when nodes come and go (membership.py).

The roster names the nodes that are expected. The first of them in a partition's order are its roster replicas
(strong-consistency.md 13.4). A node that was stopped comes back with all that it had, as from its devices; of
one that was killed nobody knows what it had not written yet, so its copies are not trusted until it has got
them from another node, or somebody says that they are good enough (`revive`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..protocol.constants import N_PARTITIONS
from .partitions import PartitionMap

__all__ = ["Roster"]


class Roster:
    """The roster of one namespace, and the copies of its partitions.

    Attributes:
        nodes: the names of the nodes that are expected.
        pending: what `recluster` makes of them.

    """

    __slots__ = ("_holders", "_trusted", "nodes", "pending")

    def __init__(self) -> None:
        self.nodes: tuple[str, ...] = ()
        self.pending: tuple[str, ...] = ()
        self._holders: list[frozenset[str]] = []
        self._trusted: list[frozenset[str]] = []

    def begin(self, nodes: Sequence[str], replicas: PartitionMap) -> None:
        """Expect these nodes, which are all there, and trust what they have.

        Args:
            nodes: their names.
            replicas: the owners of the partitions when all of them are there.

        """
        self.nodes = self.pending = tuple(nodes)
        self._holders = [frozenset(replicas.owners(pid)) for pid in range(N_PARTITIONS)]
        self._trusted = list(self._holders)

    def holds(self, name: str, partition_id: int) -> bool:
        """Whether a node has a copy of a partition, trusted or not."""
        return name in self._holders[partition_id]

    def distrust(self, name: str) -> None:
        """Take note that a node has ended without having written all that it had."""
        self._trusted = [names - {name} if name in names else names for names in self._trusted]

    def revive(self) -> None:
        """Trust all copies of partitions of which no copy is trusted."""
        pairs = zip(self._trusted, self._holders, strict=True)
        self._trusted = [trusted or holders for trusted, holders in pairs]

    def refused(self, alive: Iterable[str], replicas: PartitionMap) -> tuple[frozenset[int], frozenset[int]]:
        """The partitions that these nodes may not serve, and those of them that are dead.

        Args:
            alive: the nodes that see each other.
            replicas: the roster replicas of the partitions, which are their owners if all nodes are there.

        """
        present = frozenset(alive).intersection(self.nodes)
        refused, dead = [], []
        for pid in range(N_PARTITIONS):
            owners = replicas.owners(pid)
            complete = present.issuperset(owners)
            if not self._may_serve(present, owners, complete=complete):
                refused.append(pid)
            elif present.isdisjoint(self._trusted[pid]):
                refused.append(pid)
                if complete and not self._trusted[pid]:
                    dead.append(pid)
        return frozenset(refused), frozenset(dead)

    def _may_serve(self, present: frozenset[str], owners: Sequence[str], *, complete: bool) -> bool:
        """Whether no other part of the cluster may serve a partition at the same time."""
        if not owners:
            return False
        if 2 * len(present) > len(self.nodes):
            return not present.isdisjoint(owners)
        if 2 * len(present) == len(self.nodes) and owners[0] in present:
            return True
        return complete

    def copied(self, owners: PartitionMap, refused: frozenset[int]) -> None:
        """Take note that the owners of all partitions that are served have copies, after a rebalance."""
        for pid in range(N_PARTITIONS):
            if pid not in refused:
                now = frozenset(owners.owners(pid))
                if not now <= self._trusted[pid]:
                    self._holders[pid] |= now
                    self._trusted[pid] |= now

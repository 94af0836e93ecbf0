"""What the client knows of the cluster: a value that each round of tending replaces as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspike._wire import PartitionMap
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.probe import how_to_reach
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy

__all__ = ["Unreachable", "View"]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A node that other nodes name as their peer, and whose advertised addresses can't be reached from here.

    Args:
        hosts: the addresses.
        reason: why none of them can be reached.
        tries: how often in a row that was tried.
        next_try: the number of the round from which on it is tried again.
        is_seed: whether it is a seed host, and its name that host, where nodes are the seeds only.
    """

    hosts: tuple[Host, ...]
    reason: str
    tries: int
    next_try: int
    is_seed: bool = False

    def advice(self, name: str, policy: ClientPolicy) -> str:
        """One line about the node of this name that says what can be done."""
        if self.is_seed:
            return f"seed {name} is not used: {self.reason}"
        return how_to_reach(policy, name, self.hosts, self.reason)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The cluster as it was after a round of tending. It never changes, but its nodes do.

    Args:
        round: how many rounds of tending there were.
        nodes: the nodes, sorted by name; also those that fail and may come back.
        partitions: which node owns which partition.
        generations: by the node's name, the number of the partition map that was last read from it; None if
            that has to be read again.
        unreachable: the nodes that can't be reached, by name.
    """

    round: int = 0
    nodes: tuple[ClusterNode, ...] = ()
    partitions: PartitionMap = field(default_factory=PartitionMap)
    generations: Mapping[str, int | None] = field(default_factory=dict)
    unreachable: Mapping[str, Unreachable] = field(default_factory=dict)

    def node(self, name: str) -> ClusterNode | None:
        """The node of this name; None if there is none."""
        return next((node for node in self.nodes if node.name == name), None)

    def advice(self, policy: ClientPolicy) -> str:
        """What the user can do about the nodes that can't be reached; empty if there are none."""
        return "; ".join(trouble.advice(name, policy) for name, trouble in sorted(self.unreachable.items()))

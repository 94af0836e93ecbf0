"""What security asks of the node that has got a request: the time, its connections, its queries.

Owns: how both are counted by user. Not here: who may do what (security/).
"""

from __future__ import annotations

from .security.state import NodeSecurity
from .topology.state import ClusterState, NodeState

__all__ = ["SecuredNode"]

_BACKGROUND = "background"


class SecuredNode:
    """A node as the `NodeView` of one request."""

    __slots__ = ("_cluster", "_node")

    def __init__(self, cluster: ClusterState, node: NodeState) -> None:
        self._cluster, self._node = cluster, node

    @property
    def now(self) -> float:
        """The time of the cluster's clock."""
        return self._cluster.store.clock()

    @property
    def state(self) -> NodeSecurity:
        """What the node remembers."""
        return self._node.security

    def connections_of(self, user: str) -> int:
        """How many connections of the node are a user's."""
        users = (session.caller.user for session in self._node.sessions)
        return sum(each is not None and each.name == user and not each.is_gone for each in users)

    def query_rates(self, user: str, *, writes: bool) -> list[int]:
        """The limits of the queries that a user runs on the node, in records a second; 0: no limit."""
        return [
            job.records_per_second
            for job in self._node.jobs
            if job.ended is None and job.user == user and job.kind.startswith(_BACKGROUND) == writes
        ]

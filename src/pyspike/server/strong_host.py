"""What strong-consistent namespaces ask of the cluster: who has a partition, and that time passes.

Owns: which node may serve a request, and when expired transactions end. Not here: what a request does
(records/), and the state of partitions (topology/).
"""

from __future__ import annotations

from .protocol.constants import FieldType
from .protocol.digest import partition_of
from .protocol.framing import Message
from .protocol.result import RequestError, ResultCode, UnavailableSubcode
from .records.ending import end_expired
from .records.place import allows_unavailable
from .storage.store import Namespace
from .topology.state import ClusterState, NodeState

__all__ = ["check_holder", "end_transactions"]


def end_transactions(cluster: ClusterState) -> None:
    """Roll what expired transactions have left, in all namespaces.

    That is looked at before each request: so nobody ever sees a lock that should be gone, and a test that
    moves the clock need not wait.
    """
    for namespace in cluster.store.namespaces.values():
        if namespace.transactions.monitors:
            _end(cluster, namespace)


def _end(cluster: ClusterState, namespace: Namespace) -> None:
    def is_reachable(digest: bytes) -> bool:
        return cluster.is_reachable(namespace, digest)

    end_expired(namespace, is_reachable, lambda digest, forward: None)


def check_holder(cluster: ClusterState, node: NodeState, message: Message, digest: bytes) -> None:
    """Raise if a node has no copy of a partition that is unavailable, and that is all that it could tell.

    Raises:
        RequestError: UNAVAILABLE.

    """
    key = message.fields.get(FieldType.NAMESPACE, b"")
    roster = cluster.rosters.get(key)
    if roster is None or not allows_unavailable(message):
        return
    partition_id = partition_of(digest)
    unavailable = cluster.store.namespaces[key].unavailable
    if partition_id in unavailable and not roster.holds(node.name, partition_id):
        raise RequestError(ResultCode.UNAVAILABLE, "no copy here", UnavailableSubcode.REPLICA)

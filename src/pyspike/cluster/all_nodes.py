"""The nodes that a call needs all of, as each has to do its part on the records of which it is the master."""

from __future__ import annotations

from pyspike._wire import PARTITIONS
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.node import ClusterNode
from pyspike.errors import AerospikeError, ConnectionError
from pyspike.showing import shown

__all__ = ["masters", "unreachable"]


def masters(
    cluster: Cluster, namespace: str, consequence: str, *, also_given_up: bool = False
) -> dict[str, ClusterNode]:
    """The nodes of a namespace by name, if they are the masters of all its partitions.

    Args:
        cluster: whose nodes they are.
        namespace: one that the cluster has.
        consequence: why nothing is asked of some of them only, for the error.
        also_given_up: whether nodes count that get no commands for now, as they did not answer; else they
            are as good as missing.

    Raises:
        ConnectionError: a node can't be reached, or a partition has no master. It may pass.
        ConnectFailed, ClientClosed: no node is known, or the client is closed.
    """
    for error in unreachable(cluster).values():
        error.message += f"; {consequence}"
        error.args = (error.message,)
        raise error
    if not any(node.active for node in cluster.nodes):
        raise cluster.not_connected()
    nodes = {node.name: node for node in cluster.nodes if node.active or also_given_up}
    owners = [cluster.routing.partitions.owner(namespace, number) for number in range(PARTITIONS)]
    missing = sum(owner is None or owner.name not in nodes for owner in owners)
    if missing:
        raise ConnectionError(
            f"no node is known for {missing} of {PARTITIONS} partitions of namespace {shown(namespace)}; "
            f"{consequence}",
            advice="the cluster may be changing: try again",
        )
    return nodes


def unreachable(cluster: Cluster) -> dict[str, AerospikeError]:
    """The errors of the nodes that belong to the cluster, but can't be reached from here, by their names."""
    return {
        name: ConnectionError(
            f"node {name} can't be reached: {trouble.reason}",
            node=name,
            advice=trouble.advice(name, cluster.policy),
        )
        for name, trouble in sorted(cluster.view.unreachable.items())
    }

"""Info commands that each node is asked, or one of them by its name."""

from __future__ import annotations

from pyspike.cluster.call import ClusterCall
from pyspike.errors import InvalidNode
from pyspike.showing import shown

__all__ = ["ask_all", "ask_one", "info"]


def info(call: ClusterCall, command: str, node: str | None) -> str | dict[str, str]:
    """A node's answer to an info command, or every node's by its name.

    Raises:
        AerospikeError: as from `ask_one` and `ask_all`.
    """
    return ask_all(call, command) if node is None else ask_one(call, command, node)


def ask_one(call: ClusterCall, command: str, name: str) -> str:
    """A node's answer.

    Raises:
        InvalidNode: there is no such node.
        ConnectFailed: no node is known.
        AerospikeError: asking failed, or the server answered with an error.
    """
    cluster = call.cluster
    cluster.ensure_running()
    if not cluster.nodes:
        call.begin()
        raise cluster.not_connected()
    node = cluster.node(name)
    if node is None:
        names = ", ".join(each.name for each in cluster.nodes)
        raise InvalidNode(
            f"the cluster has no node {shown(name)}; it has {names}",
            advice=cluster.view.advice(cluster.policy),
        )
    return call.info(node, command)


def ask_all(call: ClusterCall, command: str) -> dict[str, str]:
    """Every active node's answer, by its name.

    Raises:
        ConnectFailed: no node is known.
        AerospikeError: asking one failed, or it answered with an error.
    """
    call.begin()
    call.cluster.ensure_running()
    nodes = [each for each in call.cluster.nodes if each.active]
    if not nodes:
        raise call.cluster.not_connected()
    return {each.name: call.info(each, command) for each in nodes}

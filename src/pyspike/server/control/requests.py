"""The requests by which a running cluster is controlled, by name and plain arguments.

Owns: the table of these requests, so that a cluster in this process and one in its own process do the same.
Not here: how a request reaches the cluster (backends.py), and what it does (../topology/).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any

from ..protocol.transaction_steps import TransactionStep
from ..security.state import ClusterSecurity
from ..topology.fault_settings import StepFault, TransactionFault
from ..topology.membership import Membership
from ..topology.node import Node

__all__ = ["run"]


async def run(cluster: Membership, node_name: str | None, request: str, args: dict[str, Any]) -> Any:
    """Do one request in the cluster's loop and give its result, which can be written as JSON.

    Args:
        cluster: the running cluster.
        node_name: the node that the request is about; None if it is about the whole cluster.
        request: the request's name in the tables below.
        args: its arguments by name.

    Raises:
        KeyError: no such node, namespace or request.

    """
    if request not in _QUIET:
        cluster.disturbed = True
    if node_name is None:
        result = _CLUSTER[request](cluster, **args)
    else:
        result = _NODE[request](cluster, cluster.node(node_name), **args)
    return await result if isinstance(result, Awaitable) else result


def _describe(cluster: Membership, node: Node) -> dict[str, Any]:
    state = node.state
    return {
        "name": state.name,
        "host": state.host,
        "port": state.port,
        "clear_port": state.clear_port,
        "running": state.running,
        "silent": node.faults.silent,
        "member": state in cluster.state.members,
        "partition_generation": state.partition_generation,
        "stats": asdict(state.stats),
        "faults_left": node.faults.left,
    }


def _describe_all(cluster: Membership) -> list[dict[str, Any]]:
    return [_describe(cluster, node) for node in cluster.nodes]


def _clear(cluster: Membership) -> None:
    for namespace in cluster.state.store.namespaces.values():
        namespace.clear()


async def _reset(cluster: Membership) -> bool:
    disturbed = cluster.disturbed
    if disturbed:
        await cluster.reset()
    cluster.reset_settings()
    _clear(cluster)
    return disturbed


def _advance(cluster: Membership, seconds: int) -> None:
    for namespace in cluster.state.store.namespaces.values():
        namespace.age(seconds)
    for node in cluster.nodes:
        node.state.security.age(seconds)


def _fail_transactions(cluster: Membership, step: str, fault: str, **counts: int) -> None:
    shared = StepFault(TransactionStep(step), TransactionFault(fault), **counts)
    for node in cluster.nodes:
        node.faults.add_step(shared)


def _shuffle_batches(cluster: Membership, seed: int | None) -> None:
    for node in cluster.nodes:
        node.state.shuffle_batches(seed)


def _security(cluster: Membership) -> ClusterSecurity:
    if cluster.state.security is None:
        raise RuntimeError("the cluster has no security: make it with EmbeddedCluster(security=True)")
    return cluster.state.security


def _add_user(cluster: Membership, name: str, password: str, roles: list[str]) -> None:
    _security(cluster).add_user(name, password, roles)


def _expire_sessions(cluster: Membership, name: str | None) -> None:
    _security(cluster)
    for node in cluster.nodes if name is None else [cluster.node(name)]:
        node.state.security.tokens.forget()


def _set_session_ttl(cluster: Membership, seconds: int) -> None:
    _security(cluster).session_ttl = seconds


def _change_login_faults(cluster: Membership, **changes: Any) -> None:
    security = _security(cluster)
    security.faults = replace(security.faults, **changes)


async def _restart(cluster: Membership, node: Node, port: int | None) -> int:
    cluster.stop_node(node)
    await cluster.start_node(node, port)
    return node.state.port


_CLUSTER: dict[str, Callable[..., Any]] = {
    "describe": _describe_all,
    "lose_partition": Membership.lose_partition,
    "restore_partition": Membership.restore_partition,
    "move_partitions": Membership.move_partitions,
    "owners": Membership.owners,
    "set_racks": Membership.set_racks,
    "fail_transactions": _fail_transactions,
    "heal": Membership.heal,
    "clear": _clear,
    "advance": _advance,
    "reset": _reset,
    "shuffle_batches": _shuffle_batches,
    "add_user": _add_user,
    "expire_sessions": _expire_sessions,
    "set_session_ttl": _set_session_ttl,
    "change_login_faults": _change_login_faults,
}

_QUIET = {"describe", "owners", "clear", "advance", "reset", "shuffle_batches"}
"""The requests that change nothing but records. After all others a client may know nodes, or have
connections, that are no more."""

_NODE: dict[str, Callable[..., Any]] = {
    "describe": _describe,
    "stop": lambda cluster, node: cluster.stop_node(node),
    "kill": lambda cluster, node, detach_after: cluster.kill_node(node, detach_after),
    "start": lambda cluster, node, port: cluster.start_node(node, port),
    "restart": _restart,
    "heal": Membership.heal_node,
    "mute": lambda cluster, node, seconds: node.mute(seconds),
    "unmute": lambda cluster, node: node.unmute(),
    "refuse": lambda cluster, node: node.refuse(),
    "accept": lambda cluster, node: node.listen() if node.state.running else None,
    "change_faults": lambda cluster, node, **changes: node.change_faults(**changes),
}

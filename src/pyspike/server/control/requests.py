"""What can be asked of a running cluster from outside its loop, by name and plain arguments.

Owns: the table of these requests, so that a cluster in this process and one in its own process do the same.
Not here: how a request gets there (backends.py), and what it does (membership.py, node.py, faults.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from ..topology.membership import Membership
from ..topology.node import Node

__all__ = ["run"]


async def run(cluster: Membership, node_name: str | None, request: str, args: dict[str, Any]) -> Any:
    """Do one request and give its result, which is JSON.

    Args:
        cluster: which is asked.
        node_name: the node that is meant, None for the whole cluster.
        request: what is wanted, as in the tables below.
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
    return {
        "name": node.name,
        "host": node.host,
        "port": node.port,
        "running": node.running,
        "silent": node.faults.silent,
        "member": node in cluster.members,
        "partition_generation": node.partition_generation,
        "stats": asdict(node.stats),
        "faults_left": node.faults.left,
    }


def _describe_all(cluster: Membership) -> list[dict[str, Any]]:
    return [_describe(cluster, node) for node in cluster.nodes]


def _clear(cluster: Membership) -> None:
    for namespace in cluster.store.namespaces.values():
        for partition in namespace.partitions:
            partition.clear()


async def _reset(cluster: Membership) -> bool:
    disturbed = cluster.disturbed
    if disturbed:
        await cluster.reset()
    cluster.reset_settings()
    _clear(cluster)
    return disturbed


def _advance(cluster: Membership, seconds: int) -> None:
    for namespace in cluster.store.namespaces.values():
        namespace.age(seconds)


async def _restart(cluster: Membership, node: Node, port: int | None) -> int:
    cluster.stop_node(node)
    await cluster.start_node(node, port)
    return node.port


def _set(node: Node, **faults: Any) -> None:
    for name, value in faults.items():
        setattr(node.faults, name, value)
    node.faults.arm()


def _garbage(cluster: Membership, node: Node, data: str | None, times: int) -> None:
    _set(node, garbage_data=None if data is None else bytes.fromhex(data), garbage_times=times)


_CLUSTER: dict[str, Callable[..., Any]] = {
    "describe": _describe_all,
    "lose_partition": Membership.lose_partition,
    "restore_partition": Membership.restore_partition,
    "move_partitions": Membership.move_partitions,
    "owners": Membership.owners,
    "heal": Membership.heal,
    "clear": _clear,
    "advance": _advance,
    "reset": _reset,
}

_QUIET = {"describe", "owners", "clear", "advance", "reset"}
"""Requests that change nothing but records; after all others clients may have to look at the nodes again."""

_NODE: dict[str, Callable[..., Any]] = {
    "describe": _describe,
    "stop": lambda cluster, node: cluster.stop_node(node),
    "kill": lambda cluster, node, detach_after: cluster.kill_node(node, detach_after),
    "start": lambda cluster, node, port: cluster.start_node(node, port),
    "restart": _restart,
    "heal": Membership.heal_node,
    "mute": lambda cluster, node, seconds: node.mute(seconds),
    "unmute": lambda cluster, node: node.unmute(),
    "freeze": lambda cluster, node: node.freeze(),
    "thaw": lambda cluster, node: node.thaw(),
    "refuse": lambda cluster, node: node.refuse(),
    "accept": lambda cluster, node: node.listen() if node.running else None,
    "delay": lambda cluster, node, seconds: _set(node, delay=seconds),
    "hold_writes": lambda cluster, node, seconds, replica: _set(
        node, hold_seconds=seconds, hold_replica=replica
    ),
    "drip": lambda cluster, node, size, interval: _set(node, drip_bytes=size, drip_interval=interval),
    "cut": lambda cluster, node, after_bytes, times: _set(node, cut_after=after_bytes, cut_times=times),
    "close_after_request": lambda cluster, node, times: _set(node, close_times=times),
    "drop_before_execute": lambda cluster, node, times: _set(node, drop_times=times),
    "garbage": _garbage,
    "answer_with": lambda cluster, node, code, times, execute: _set(
        node, code=code, code_times=times, code_executes=execute
    ),
}

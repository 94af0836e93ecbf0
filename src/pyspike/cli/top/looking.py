"""A look at a cluster: what its nodes say of themselves, asked of all of them at one time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from pyspike import AerospikeError, Client, Node, ServerError
from pyspike.cli.doctor_servers import pairs

__all__ = ["Look", "look"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a node has answered; names and values are the server's.

    Args:
        name: the node's.
        address: where it was asked.
        version: its version.
        at: when, in seconds of a clock that only goes forward.
        statistics: its numbers.
        namespaces: the numbers of each.
        latencies: its histograms of the last seconds, as text, by their names.
        error: why it has not answered; empty if it has.
    """

    name: str
    address: str
    version: str
    at: float
    statistics: Mapping[str, str] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    latencies: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def look(client: Client, executor: Executor) -> list[Look]:
    """What all nodes answer, in the order of their names."""
    nodes = sorted(client.nodes(), key=lambda node: node.name)
    return list(executor.map(lambda node: _asked(client, node), nodes))


def _asked(client: Client, node: Node) -> Look:
    try:
        statistics = pairs(client.info("statistics", node))
        at = time.monotonic()
        names = [name for name in client.info("namespaces", node).split(";") if name]
        namespaces = {name: pairs(client.info(f"namespace/{name}", node)) for name in names}
        latencies = _latencies(client, node)
    except AerospikeError as error:
        return Look(node.name, node.address, node.version, time.monotonic(), error=error.message)
    return Look(node.name, node.address, node.version, at, statistics, namespaces, latencies)


def _latencies(client: Client, node: Node) -> dict[str, str]:
    """The histograms; none where a version does not tell them."""
    try:
        told = client.info("latencies:", node)
    except ServerError:
        return {}
    return {name: rest for name, sign, rest in (one.rpartition(":") for one in told.split(";")) if sign}

"""pyspike's numbers as the official client shows them.

Its histograms have fewer and wider ranges, of which each limit is one of pyspike's too: so what is counted is
the same. As there, what is of several namespaces is under the empty name: batches and, other than there,
the opening of connections, as these are no namespace's; and calls about the cluster are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from pyspike import Client, CommandMetrics, Histogram, NodeMetrics, NodeStats, PoolStats
from pyspike.compat.aerospike_helpers import metrics as official

__all__ = ["cluster_of", "cluster_stats", "latency_of", "node_of"]

NO_NAMESPACE = ""


def latency_of(histogram: Histogram, columns: int, shift: int) -> list[int]:
    """How many durations are in each of the official ranges: up to 1 ms, then to 2**shift ms and so on."""
    limits = [float(1 << (shift * place)) for place in range(columns - 1)]
    sums = [0, *histogram.at_most(limits), histogram.count]
    return [high - low for low, high in pairwise(sums)]


def cluster_of(
    client: Client, app_id: str, cluster_name: str | None, columns: int, shift: int
) -> official.Cluster:
    """The cluster, as listeners get it."""
    metrics, stats = client.metrics(), client.stats()
    made: Any = official.Cluster()
    made.cluster_name = cluster_name
    made.app_id = app_id
    made.invalid_node_count = len(stats.tend.unreachable)
    total = _total(metrics.commands)
    made.command_count = total.count - total.retries
    made.retry_count = total.retries
    made.nodes = [
        node_of(name, node, metrics.nodes.get(name), columns, shift) for name, node in stats.nodes.items()
    ]
    return made  # type: ignore[no-any-return]


def node_of(
    name: str, node: NodeStats, counted: NodeMetrics | None, columns: int, shift: int
) -> official.Node:
    """A node, as listeners get it."""
    made: Any = official.Node()
    made.name = name
    made.address, made.port = _address(node)
    made.conns = _connections(node)
    made.metrics = [] if counted is None else list(_namespaces(counted, columns, shift))
    return made  # type: ignore[no-any-return]


def cluster_stats(client: Client) -> official.ClusterStats:
    """What `get_stats` gives."""
    metrics, stats = client.metrics(), client.stats()
    made: Any = official.ClusterStats()
    made.nodes = [_node_stats(name, node, metrics.nodes.get(name)) for name, node in stats.nodes.items()]
    made.retry_count = _total(metrics.commands).retries
    made.thread_pool_queued_tasks = 0  # there is no pool of threads
    made.recover_queue_size = sum(node.pool.draining for node in stats.nodes.values())
    return made  # type: ignore[no-any-return]


def _node_stats(name: str, node: NodeStats, counted: NodeMetrics | None) -> official.NodeStats:
    made: Any = official.NodeStats()
    made.name = name
    made.address, made.port = _address(node)
    made.conns = _connections(node)
    _count_errors(made, _total(() if counted is None else counted.commands))
    return made  # type: ignore[no-any-return]


def _address(node: NodeStats) -> tuple[str, int]:
    host, _, port = node.address.rpartition(":")
    return host.strip("[]"), int(port)


def _connections(node: NodeStats) -> official.ConnectionStats:
    pool: PoolStats = node.pool
    made: Any = official.ConnectionStats()
    made.in_use, made.in_pool = pool.open - pool.idle, pool.idle
    made.opened, made.closed = pool.opened, sum(pool.closed.values())
    made.recovered, made.aborted = node.health.recovered, node.health.aborted
    return made  # type: ignore[no-any-return]


def _on_records(commands: Iterable[CommandMetrics]) -> Iterable[CommandMetrics]:
    return (command for command in commands if command.kind != "admin")


def _total(commands: Iterable[CommandMetrics]) -> CommandMetrics:
    return sum(_on_records(commands), CommandMetrics())


def _count_errors(made: Any, total: CommandMetrics) -> None:
    """The official client counts time-outs and busy keys apart from other errors."""
    made.timeout_count = total.timeouts
    made.key_busy_count = total.errors.get("KeyBusy", 0)
    made.error_count = total.failures - made.timeout_count - made.key_busy_count


def _namespaces(node: NodeMetrics, columns: int, shift: int) -> Iterable[official.NamespaceMetrics]:
    commands: dict[str, list[CommandMetrics]] = {}
    for command in _on_records(node.commands):
        name = NO_NAMESPACE if command.kind == "batch" else command.namespace or NO_NAMESPACE
        commands.setdefault(name, []).append(command)
    commands.setdefault(NO_NAMESPACE, [])
    for name in sorted(commands, reverse=True):  # the one without a name stands last
        connecting = node.connecting if name == NO_NAMESPACE else Histogram()
        yield _namespace(name, commands[name], connecting, columns, shift)


def _namespace(
    name: str, commands: Sequence[CommandMetrics], connecting: Histogram, columns: int, shift: int
) -> official.NamespaceMetrics:
    made: Any = official.NamespaceMetrics()
    total = sum(commands, CommandMetrics())
    made.ns = name
    made.bytes_in, made.bytes_out = total.received_bytes, total.sent_bytes
    _count_errors(made, total)
    made.conn_latency = latency_of(connecting, columns, shift)
    for kind in ("write", "read", "batch", "query"):
        of_kind = sum((each.latency for each in commands if each.kind == kind), Histogram())
        setattr(made, f"{kind}_latency", latency_of(of_kind, columns, shift))
    return made  # type: ignore[no-any-return]

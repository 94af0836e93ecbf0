"""What metrics are made with, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "Cluster",
    "ClusterStats",
    "ConnectionStats",
    "MetricsListeners",
    "MetricsPolicy",
    "NamespaceMetrics",
    "Node",
    "NodeStats",
]


class ConnectionStats:
    """How many connections of a node are used: `in_use`, `in_pool`, `opened`, `closed`."""


class NamespaceMetrics:
    """What is counted for a namespace of a node."""


class Node:
    """A node, for listeners."""


class Cluster:
    """A cluster, for listeners."""


class NodeStats:
    """A node: `name`, `address`, `port`, `conns`, and what was counted."""


class ClusterStats:
    """A cluster: `nodes`, and what was counted."""


class MetricsListeners:
    """Functions that are called with metrics.

    Args:
        enable_listener: when they are turned on.
        snapshot_listener: at each interval.
        node_close_listener: when a node leaves.
        disable_listener: when they are turned off.
    """

    def __init__(
        self,
        enable_listener: Callable[[], None],
        snapshot_listener: Callable[[Cluster], None],
        node_close_listener: Callable[[Node], None],
        disable_listener: Callable[[Cluster], None],
    ) -> None:
        self.enable_listener = enable_listener
        self.snapshot_listener = snapshot_listener
        self.node_close_listener = node_close_listener
        self.disable_listener = disable_listener


class MetricsPolicy:
    """How metrics are written.

    Args:
        metrics_listeners: called with them; None writes files.
        report_dir: where to.
        report_size_limit: in bytes; 0 for none.
        interval: in seconds.
        latency_columns: how many ranges of latencies there are.
        latency_shift: the power of 2 by which ranges grow.
        labels: names and values that are written with them.
    """

    def __init__(
        self,
        metrics_listeners: MetricsListeners | None = None,
        report_dir: str = ".",
        report_size_limit: int = 0,
        interval: int = 30,
        latency_columns: int = 7,
        latency_shift: int = 1,
        labels: dict[str, str] | None = None,
    ) -> None:
        self.metrics_listeners = metrics_listeners
        self.report_dir = report_dir
        self.report_size_limit = report_size_limit
        self.interval = interval
        self.latency_columns = latency_columns
        self.latency_shift = latency_shift
        self.labels: Any = {} if labels is None else labels

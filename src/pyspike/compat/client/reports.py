"""Reports of metrics at intervals: to files, or to the listeners that a policy has.

pyspike counts in any case. Reports are made in the thread that tends the cluster; with a configuration file
that says `metrics.enable`, it decides whether there are any, and calls that say otherwise have no effect.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Protocol

from pyspike import Client
from pyspike.compat.aerospike_helpers.metrics import Cluster, MetricsListeners, MetricsPolicy, Node
from pyspike.compat.client.metrics_policy import checked, merged
from pyspike.compat.client.metrics_view import cluster_of, node_of
from pyspike.compat.client.report_file import ReportFile
from pyspike.compat.model.exceptions import AerospikeError, raised

__all__ = ["Reports"]

log = logging.getLogger("pyspike.compat")


class _Sink(Protocol):
    """Where reports go."""

    def snapshot(self, cluster: Cluster) -> None: ...

    def node_close(self, node: Node) -> None: ...

    def disable(self, cluster: Cluster) -> None: ...


class Reports:
    """The reports of one client.

    Args:
        client: the client.
        cluster: its cluster.
        policy: what counts for `enable` without one.
        user: the name of the user, if there is one: is that of the application, if it has none.
    """

    def __init__(self, client: Client, cluster: Any, policy: MetricsPolicy | None, user: str | None) -> None:
        self._client = client
        self._cluster = cluster
        self._default = MetricsPolicy() if policy is None else policy
        self._user = user
        self._lock = threading.RLock()  # a listener may turn reports off
        self._policy = self._default
        self._sink: _Sink | None = None
        self._rounds = 0
        cluster.listener = self
        self._follow_file()

    def enable(self, policy: MetricsPolicy | None) -> None:
        """Begin to report, as a policy says; reports that are made already end before."""
        checked(self._default if policy is None else policy)
        if self._told("enable") is False:
            log.warning("metrics are not enabled, as the configuration file says that they are not")
            return
        self._begin(self._default if policy is None else policy)

    def disable(self) -> None:
        """Report no more, after a last report."""
        if self._told("enable") is True:
            log.warning("metrics are not disabled, as the configuration file says that they are enabled")
            return
        self._end()

    def close(self) -> None:
        """End, as the client is closed."""
        self._cluster.listener = None
        try:
            self._end()
        except AerospikeError as error:
            log.warning("%s", error)

    def tended(self) -> None:
        """Make a report, if it is time for one."""
        self._follow_file()
        with self._lock:
            if self._sink is None:
                return
            self._rounds += 1
            if self._rounds % self._policy.interval == 0 or self._rounds == 1:
                self._sink.snapshot(self._seen())

    def node_left(self, node: Any) -> None:
        """Report a node that has left the cluster."""
        with self._lock:
            if self._sink is None:
                return
            counted = self._client.metrics().nodes.get(node.name)
            policy = self._policy
            stats = self._cluster.stats_of(node)
            self._sink.node_close(
                node_of(node.name, stats, counted, policy.latency_columns, policy.latency_shift)
            )

    def _begin(self, policy: MetricsPolicy) -> None:
        with self._lock:
            self._end()
            self._policy = merged(policy, self._cluster.metering.told)
            listeners = self._policy.metrics_listeners
            self._sink = _ToFile(self._policy) if listeners is None else _ToListeners(listeners)
            self._rounds = 0
            self._cluster.listener = self  # in a forked child there was none

    def _end(self) -> None:
        with self._lock:
            sink, self._sink = self._sink, None
            if sink is not None:
                sink.disable(self._seen())

    def _follow_file(self) -> None:
        """Begin or end, if the configuration file says so."""
        told = self._told("enable")
        try:
            if told is True and self._sink is None:
                self._begin(checked(self._default))
            elif told is False and self._sink is not None:
                self._end()
        except AerospikeError as error:
            log.warning("%s", error)

    def _told(self, name: str) -> Any:
        return self._cluster.metering.told.get(name)

    def _seen(self) -> Cluster:
        policy = self._policy
        client = self._cluster.policy
        app_id = client.application_id or self._user or "not-set"
        columns, shift = policy.latency_columns, policy.latency_shift
        return cluster_of(self._client, app_id, client.cluster_name, columns, shift)


class _ToFile:
    def __init__(self, policy: MetricsPolicy) -> None:
        self._file = ReportFile(
            policy.report_dir,
            policy.report_size_limit,
            policy.latency_columns,
            policy.latency_shift,
            policy.labels,
        )

    def snapshot(self, cluster: Cluster) -> None:
        self._file.write(cluster)

    def node_close(self, node: Node) -> None:
        self._file.write_node(node)

    def disable(self, cluster: Cluster) -> None:
        self._file.write(cluster)
        self._file.close()


class _ToListeners:
    def __init__(self, listeners: MetricsListeners) -> None:
        self._listeners = listeners
        _call("enable_listener", listeners.enable_listener)

    def snapshot(self, cluster: Cluster) -> None:
        self._listeners.snapshot_listener(cluster)

    def node_close(self, node: Node) -> None:
        self._listeners.node_close_listener(node)

    def disable(self, cluster: Cluster) -> None:
        _call("disable_listener", self._listeners.disable_listener, cluster)


def _call(name: str, listener: Callable[..., Any], *args: Any) -> None:
    """Call a listener, and raise what it raises as the official client does."""
    try:
        listener(*args)
    except Exception as error:
        try:
            value = f"Exception value: {error}"
        except Exception:
            value = "str() on exception value threw an error"
        kind = type(error).__name__
        raise raised("ClientError", f"Python callback {name} threw a {kind} exception. {value}") from error

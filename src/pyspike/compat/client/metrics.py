"""The client's calls for what is counted: statistics and reports of metrics."""

from __future__ import annotations

from typing import Any

from pyspike.compat.aerospike_helpers.metrics import ClusterStats, MetricsPolicy
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.client.metrics_view import cluster_stats
from pyspike.compat.model.exceptions import param_error

__all__ = ["Metrics"]


class Metrics(Connection):
    """The calls for statistics and metrics."""

    @method
    def get_stats(self) -> ClusterStats:
        """What is counted of the nodes and their connections."""
        return cluster_stats(self._client)

    @method
    def enable_metrics(self, policy: Any = None) -> None:
        """Report what is counted, at intervals, to files or to listeners.

        Args:
            policy: a `MetricsPolicy`; None for that of the configuration.

        Raises:
            ParamError: it is none, or a value of it can't be used.
            ClientError: the file can't be made, or the listener failed.
        """
        if not isinstance(policy, MetricsPolicy | None):
            raise param_error("policy parameter must be an aerospike_helpers.MetricsPolicy type")
        self._reports.enable(policy)

    @method
    def disable_metrics(self) -> None:
        """Report no more.

        Raises:
            ClientError: the listener failed.
        """
        self._reports.disable()

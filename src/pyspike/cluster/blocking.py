"""Runs commands for threads: one attempt after the other, each waiting for its answer.

The attempt itself is compiled; this module holds what happens around a failed one.
"""

from __future__ import annotations

import time
from typing import Any

from pyspike._wire import Command, attempt
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.retry import conclude, next_step
from pyspike.errors import AerospikeError


class BlockingExecutor:
    """Runs commands on a cluster, from any number of threads."""

    __slots__ = ("_cluster",)

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def run(self, command: Command) -> Any:
        """Run the command within its deadline and return what it gives.

        Raises:
            AerospikeError: it failed; the error has the history of its attempts.
        """
        try:
            return attempt(command, self._cluster.partitions)
        except AerospikeError as error:
            failure = error
        while True:
            pause = next_step(self._cluster, command, failure)
            if pause is None:
                raise conclude(command, failure)
            if pause:
                time.sleep(pause / 1000)
            try:
                return attempt(command, self._cluster.partitions)
            except AerospikeError as error:
                failure = error

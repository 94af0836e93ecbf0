"""Runs commands for threads: one attempt after the other, each waiting for its answer.

The attempts are compiled; this module holds what happens after one that failed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyspike._wire import Command, ThreadExecutor
from pyspike.cluster.retry import next_step
from pyspike.errors import AerospikeError
from pyspike.process.weak_registry import WeakRegistry

if TYPE_CHECKING:
    from pyspike.cluster.cluster import Cluster


class BlockingExecutor(ThreadExecutor):
    """Runs commands on a cluster, from any number of threads."""

    __slots__ = ("transactions",)

    def __init__(self, cluster: Cluster, *plans: Any) -> None:
        self.transactions: WeakRegistry[Any] = WeakRegistry()  # those that it has run commands of

    def after(self, command: Command, error: AerospikeError) -> AerospikeError | None:
        """Wait until the next attempt and return None; or return the error the command has failed with."""
        step = next_step(self.cluster, command, error)
        if isinstance(step, AerospikeError):
            return step
        if step:
            time.sleep(step / 1000)
        return None

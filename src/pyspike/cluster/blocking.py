"""Runs commands for threads: one attempt after the other, each waiting for its answer.

The attempt itself is compiled, as is the case in which the first one does it; this module holds what happens
after a failed one.
"""

from __future__ import annotations

import time
from typing import Any

from pyspike._wire import Command, ThreadExecutor, attempt
from pyspike.cluster.retry import next_step
from pyspike.errors import AerospikeError


class BlockingExecutor(ThreadExecutor):
    """Runs commands on a cluster, from any number of threads."""

    __slots__ = ()

    def again(self, command: Command, error: AerospikeError) -> Any:
        """Try again while the rules allow it.

        Raises:
            AerospikeError: the command failed; the error has the history of its attempts.
        """
        while True:
            step = next_step(self.cluster, command, error)
            if isinstance(step, AerospikeError):
                raise step
            if step:
                time.sleep(step / 1000)
            try:
                return attempt(command, self.cluster.routing.partitions)
            except AerospikeError as failure:
                error = failure

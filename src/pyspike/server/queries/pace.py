"""How fast a query goes: when others have their turn, and how many records it looks at in a second."""

from __future__ import annotations

import time

from ..topology.jobs import Job

__all__ = ["Pace"]

_SLICE = 100
"""How many records are looked at before other connections have their turn."""
_LEAST_PAUSE = 0.01
"""Seconds. Timers are not more exact than that, so shorter pauses are saved up."""


class Pace:
    """Counts the records that a query looks at."""

    __slots__ = ("_job", "_looked_at")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._looked_at = 0

    def next(self) -> float | None:
        """Count a record that is to be looked at next.

        Returns:
            For how many seconds others are to have their turn before; None: no turn.

        """
        job = self._job
        self._looked_at += 1
        if job.records_per_second:
            job.throttled += 1
            ahead = job.begun + self._looked_at / job.records_per_second - time.monotonic()
            if ahead > _LEAST_PAUSE:
                return ahead
        return None if self._looked_at % _SLICE else 0.0

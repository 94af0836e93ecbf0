"""How much a user reads or writes on a node, and whether that is within a quota.

Owns: counting single records a second, and the rule for queries. Quotas are of each node for itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..protocol.result import RequestError, ResultCode

__all__ = ["Rate", "Usage", "check_query"]


class Rate:
    """Records in the second of the cluster's clock that is running, and in the one before."""

    __slots__ = ("_before", "_count", "_second")

    def __init__(self) -> None:
        self._second, self._count, self._before = 0, 0, 0

    def _turn(self, now: float) -> None:
        second = int(now)
        if second != self._second:
            self._before = self._count if second == self._second + 1 else 0
            self._second, self._count = second, 0

    def count(self, now: float, quota: int) -> None:
        """Count a record.

        Raises:
            RequestError: QUOTA_EXCEEDED: it would be one too many in this second; a quota of 0 is none.

        """
        self._turn(now)
        if quota and self._count >= quota:
            raise RequestError(ResultCode.SEC_QUOTA_EXCEEDED, f"more than {quota} records a second")
        self._count += 1

    def per_second(self, now: float) -> int:
        """The records of the last second, or those of the one that is running if these are more."""
        self._turn(now)
        return max(self._before, self._count)

    def age(self, seconds: float) -> None:
        """Let a time pass."""
        self._second -= int(seconds)


class Usage:
    """What a user reads and writes on a node."""

    __slots__ = ("reads", "writes")

    def __init__(self) -> None:
        self.reads, self.writes = Rate(), Rate()


def check_query(quota: int, records_per_second: int, running: Sequence[int]) -> None:
    """Find out whether a query that is about to begin fits into a quota.

    Args:
        quota: the user's, in records a second; 0: none.
        records_per_second: what the query limits itself to; 0: to nothing.
        running: the limits of the user's queries that run.

    Raises:
        RequestError: QUOTA_EXCEEDED. A query without a limit never fits.

    """
    if quota and (not records_per_second or records_per_second + sum(running) > quota):
        raise RequestError(ResultCode.SEC_QUOTA_EXCEEDED, f"a query beyond {quota} records a second")

"""What a node counts of transactions, under the names that its info commands tell.

Owns: the names of the counters. Not here: who counts (../strong_host.py), and the commands that tell it
(../info/tables.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

__all__ = ["BLOCKED", "MISMATCH", "TOMBSTONES", "TransactionCounts", "counter_of"]

BLOCKED, MISMATCH = "fail_mrt_blocked", "fail_mrt_version_mismatch"
TOMBSTONES = "mrt_monitor_roll_tombstone_creates"
_KINDS = (
    "mrt_verify_read",
    "mrt_roll_forward",
    "mrt_roll_back",
    "mrt_monitor_roll_forward",
    "mrt_monitor_roll_back",
)
_OUTCOMES = ("success", "error", "timeout")
_NAMES = (*(f"{kind}_{outcome}" for kind in _KINDS for outcome in _OUTCOMES), TOMBSTONES, BLOCKED, MISMATCH)


class TransactionCounts:
    """The counters of a node, by namespace."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[bytes, Counter[str]] = {}

    def count(self, namespace: bytes, name: str) -> None:
        """Count one more under the name of a statistic."""
        self._counts.setdefault(namespace, Counter())[name] += 1

    def statistics_of(self, namespace: bytes) -> Mapping[str, object]:
        """What the info command `namespace/<name>` tells of the transactions of a namespace."""
        counts = self._counts.get(namespace, Counter())
        return {name: counts[name] for name in _NAMES}


def counter_of(kind: str, *, is_timeout: bool, is_error: bool) -> str:
    """The name of the statistic of an end: its kind such as "roll_forward", and what has become of it."""
    return f"mrt_{kind}_{'timeout' if is_timeout else 'error' if is_error else 'success'}"

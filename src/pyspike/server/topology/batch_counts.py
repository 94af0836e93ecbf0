"""What a node counts of batches, under the names that its info commands tell.

Owns: the counters, and the settings of the server by which a batch is refused. Not here: who counts
(../batch_host.py), and the commands that tell it (../info/tables.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["BATCH_SETTINGS", "BatchCounts"]

THREADS, MAX_REQUESTS, MAX_BUFFERS = (
    "batch-index-threads",
    "batch-max-requests",
    "batch-max-buffers-per-queue",
)
BATCH_SETTINGS: Mapping[str, int] = {
    THREADS: 2,
    MAX_BUFFERS: 255,
    MAX_REQUESTS: 0,
    "batch-max-unused-buffers": 256,
}
"""The settings of batches with the values that a server starts with; `set-config` changes them."""

_OUTCOMES = ("success", "error", "not_found", "filtered_out")
_KINDS = {
    "read": _OUTCOMES,
    "write": ("success", "error", "filtered_out"),
    "delete": _OUTCOMES,
    "udf": ("complete", "error", "filtered_out"),
}
_NAMES = tuple(f"{kind}_{outcome}" for kind, outcomes in _KINDS.items() for outcome in outcomes)


@dataclass(slots=True)
class BatchCounts:
    """The counters of a node.

    `initiated`, `completed`, `failed`: batches that have come, that have ended with result 0, and with
        another one.
    `huge_frames`: frames with a row that was longer than a frame.
    `rows`: rows by namespace and by the name of the statistic.
    """

    initiated: int = 0
    completed: int = 0
    failed: int = 0
    huge_frames: int = 0
    rows: dict[bytes, Counter[str]] = field(default_factory=dict)

    def count_row(self, namespace: bytes, name: str) -> None:
        """Count a row under the name of its statistic."""
        self.rows.setdefault(namespace, Counter())[name] += 1

    def statistics(self, threads: int) -> dict[str, object]:
        """What the info command `statistics` tells of batches."""
        return {
            "batch_index_initiate": self.initiated,
            "batch_index_queue": ",".join(["0:0"] * threads),
            "batch_index_complete": self.completed,
            "batch_index_error": self.failed,
            "batch_index_timeout": 0,
            "batch_index_delay": 0,
            "batch_index_huge_buffers": self.huge_frames,
        }

    def statistics_of(self, namespace: bytes) -> dict[str, object]:
        """What the info command `namespace` tells of the rows of batches."""
        counted = self.rows.get(namespace, Counter())
        here = ["tsvc_error", "proxy_complete", *_NAMES]
        names = [f"batch_sub_{name}" for name in here]
        names += [f"from_proxy_batch_sub_{name}" for name in ("tsvc_error", *_NAMES)]
        return {name: counted[name] for name in names}


def row_statistic(kind: str, outcome: str) -> str:
    """The name of the statistic of a row: kinds have their own words for success, and not all outcomes."""
    if kind == "tsvc":
        return "tsvc_error"
    if outcome == "success":
        outcome = _KINDS[kind][0]
    return f"{kind}_{outcome if outcome in _KINDS[kind] else 'error'}"

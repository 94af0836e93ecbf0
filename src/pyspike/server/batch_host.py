"""What a batch needs of the node that it is sent to: its settings, its partitions, its counters, its faults.

Owns: which rows are passed on to another node, and when a batch is refused whatever it holds. Not here: how
batches are run (records/batch.py).
"""

from __future__ import annotations

from random import Random

from .info.config import service_setting
from .protocol.batch_request import Row
from .protocol.constants import FieldType
from .protocol.digest import partition_of
from .protocol.framing import Message
from .protocol.result import ResultCode
from .records.batch import FailingRow
from .security.checks import Guard
from .strong_host import StrongHost
from .topology.batch_counts import MAX_BUFFERS, MAX_REQUESTS, THREADS, row_statistic
from .topology.fault_settings import Counted
from .topology.state import ClusterState, NodeState

__all__ = ["NodeHost"]

_OUTCOMES = {
    0: "success",
    int(ResultCode.NOT_FOUND): "not_found",
    int(ResultCode.FILTERED_OUT): "filtered_out",
}


class NodeHost:
    """A node as the `BatchHost` of one batch."""

    __slots__ = ("_cluster", "_guard", "_node", "_strong")

    def __init__(self, cluster: ClusterState, node: NodeState, guard: Guard | None = None) -> None:
        self._cluster = cluster
        self._guard = guard
        self._node = node
        self._strong = StrongHost(cluster, node)
        node.stats.batches += 1
        node.batch_counts.initiated += 1

    def _setting(self, name: str) -> int:
        return int(service_setting(self._node, name))

    def is_disabled(self) -> bool:
        """Whether no batch is taken at all."""
        return self._setting(THREADS) == 0

    def refuses(self, count: int) -> ResultCode | None:
        """The code by which a batch of so many rows is refused; None if it is not."""
        most = self._setting(MAX_REQUESTS)
        if most and count > most:
            return ResultCode.BATCH_MAX_REQUESTS
        return None if self._setting(MAX_BUFFERS) else ResultCode.BATCH_QUEUES_FULL

    def check_row(self, message: Message, digest: bytes) -> None:
        """Raise if the user may not do what a row asks, or the node can't do it."""
        if self._guard is not None:
            self._guard.check_record(message)
        self._strong.check(message, digest)

    def pause(self, message: Message, digest: bytes) -> float:
        """How many seconds to wait before a row is run, or looked at again; 0: it can be run."""
        return self._strong.pause(message, digest) if self._cluster.rosters else 0.0

    def order(self) -> Random | None:
        """What shuffles the rows of the next batch; None if they are to stay in their order."""
        return self._node.batch_order

    def replicates(self) -> bool:
        """Whether writes wait for other nodes, which answer in any order."""
        return len(self._cluster.members) > 1 and self._cluster.replication_factor > 1

    def owns(self, namespace: bytes, digest: bytes, *, writes: bool) -> bool:
        """Whether the node itself serves a record: as its master, or as a replica that is read."""
        partitions = self._cluster.maps.get(namespace)
        if len(self._cluster.members) == 1 or partitions is None:
            return True
        owners = partitions.owners(partition_of(digest))
        return not owners or self._node.name in (owners[:1] if writes else owners)

    def failing_row(self) -> FailingRow | None:
        """How the next row fails, if it is to fail."""
        faults = self._node.faults
        if not faults.armed or not faults.take(Counted.ROW):
            return None
        return FailingRow(faults.row_code, faults.row_executes)

    def count_batch(self, code: int) -> None:
        """Count a batch that has ended with a result code."""
        if code:
            self._node.batch_counts.failed += 1
        else:
            self._node.batch_counts.completed += 1

    def count_huge_frame(self) -> None:
        """Count a frame with a row that is longer than a frame."""
        self._node.batch_counts.huge_frames += 1

    def count_row(self, row: Row, kind: str, code: int, *, owned: bool) -> None:
        """Count a row, at the node that has served it too if it was passed on."""
        node = self._node
        node.stats.batch_rows += 1
        self._strong.count(row.message, code)
        namespace = row.message.fields.get(FieldType.NAMESPACE, b"")
        statistic = row_statistic(
            "tsvc" if code == ResultCode.UNAVAILABLE else kind, _OUTCOMES.get(code, "error")
        )
        if owned:
            node.batch_counts.count_row(namespace, f"batch_sub_{statistic}")
            return
        node.batch_counts.count_row(namespace, "batch_sub_proxy_complete")
        master = self._cluster.maps[namespace].owners(partition_of(row.digest))[:1]
        for member in self._cluster.members:
            if member.name in master:
                member.batch_counts.count_row(namespace, f"from_proxy_batch_sub_{statistic}")

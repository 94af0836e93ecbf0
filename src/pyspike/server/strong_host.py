"""What strong-consistent namespaces ask of the cluster: who has a partition, and which nodes must answer.

Owns: which nodes a request waits for, when expired transactions end, and what is counted of both. Not here:
what a request does (records/), and the state of partitions (topology/).

All nodes share one store, so nothing is sent between them. But a node that is frozen, or was killed and is
not missed yet, is one that others wait for: the master, for whatever is to be exact; the replicas, for
writes, and for reads that are to be linearized (strong-consistency.md 13.2).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from .protocol.constants import FieldType, Info2, Info3, Info4
from .protocol.digest import partition_of
from .protocol.framing import PROTO, Message, reply
from .protocol.result import RequestError, ResultCode, UnavailableSubcode
from .records.ending import end_expired
from .records.place import allows_unavailable
from .storage.store import Namespace
from .topology.replies import LongReply, Reply
from .topology.state import ClusterState, NodeState
from .topology.transaction_counts import BLOCKED, MISMATCH, TOMBSTONES, counter_of

__all__ = ["StrongHost", "end_transactions"]

_WRITE = int(Info2.WRITE)
_TYPE, _RELAX = int(Info3.SC_READ_TYPE), int(Info3.SC_READ_RELAX)
_F_NAMESPACE, _F_DIGEST = int(FieldType.NAMESPACE), int(FieldType.DIGEST)
_VERIFY, _FORWARD, _BACK = (
    int(Info4.MRT_VERIFY_READ),
    int(Info4.MRT_ROLL_FORWARD),
    int(Info4.MRT_ROLL_BACK),
)
_CODE_AT = PROTO.size + 5
_LOOK_EVERY = 0.01
DEFAULT_TIMEOUT = 1.0
"""The seconds that a request may take which does not say (`transaction-max-ms`)."""


class StrongHost:
    """A node of a cluster with strong-consistent namespaces, and the requests that it gets for these.

    Args:
        cluster: the cluster.
        node: the node that is asked.

    """

    __slots__ = ("_cluster", "_node", "_started")

    def __init__(self, cluster: ClusterState, node: NodeState) -> None:
        self._cluster, self._node = cluster, node
        self._started = time.monotonic()

    def run(self, message: Message, run: Callable[[], bytes]) -> Reply:
        """Run a single request, as soon as the nodes answer that it needs.

        Args:
            message: the request.
            run: runs it, and gives the reply frame.

        """
        digest = message.fields[_F_DIGEST]
        if not any(self._silent(message, digest)):
            return self._counted(message, run())
        return LongReply(self._late(message, digest, run), None)

    def _counted(self, message: Message, answer: bytes) -> bytes:
        self.count(message, answer[_CODE_AT])
        return answer

    def _late(self, message: Message, digest: bytes, run: Callable[[], bytes]) -> Iterator[bytes | float]:
        """The reply to a request for which not all nodes answer that it needs."""
        while self._silent(message, digest)[0]:
            if self._is_over(message):
                yield self._counted(message, reply(ResultCode.TIMEOUT))
                return
            yield _LOOK_EVERY
        answer = run()
        while self._silent(message, digest)[1]:
            if self._is_over(message):
                # The master has done it, and does not know whether the others have.
                answer = reply(ResultCode.TIMEOUT)
                break
            yield _LOOK_EVERY
        yield self._counted(message, answer)

    def pause(self, message: Message, digest: bytes) -> float:
        """How many seconds to wait before a row of a batch is run, or looked at again; 0: it can be run."""
        if self._is_over(message) or not any(self._silent(message, digest)):
            return 0.0
        return _LOOK_EVERY

    def check(self, message: Message, digest: bytes) -> None:
        """Raise if a request can't be run here and now.

        Raises:
            RequestError: UNAVAILABLE: the partition is, and the node has no copy of it. TIMEOUT: other nodes
                are needed, and have not answered in time.

        """
        key = message.fields.get(_F_NAMESPACE, b"")
        roster = self._cluster.rosters.get(key)
        if roster is None:
            return
        partition_id = partition_of(digest)
        if partition_id in self._cluster.store.namespaces[key].unavailable:
            if allows_unavailable(message) and not roster.holds(self._node.name, partition_id):
                raise RequestError(ResultCode.UNAVAILABLE, "no copy here", UnavailableSubcode.REPLICA)
        elif self._is_over(message) and any(self._silent(message, digest)):
            raise RequestError(ResultCode.TIMEOUT, "other nodes do not answer")

    def _is_over(self, message: Message) -> bool:
        return time.monotonic() > self._started + (message.timeout_ms / 1000 or DEFAULT_TIMEOUT)

    def _silent(self, message: Message, digest: bytes) -> tuple[bool, bool]:
        """Whether a node does not answer without which a request is not run, and one that confirms it."""
        key = message.fields.get(_F_NAMESPACE, b"")
        if key not in self._cluster.rosters:
            return False, False
        owners = self._cluster.maps[key].owners(partition_of(digest))
        if not owners:
            return False, False
        if message.info2 & _WRITE:
            return self._any_silent(owners[:1]), self._any_silent(owners[1:])
        mode = message.info3 & (_TYPE | _RELAX)
        if mode & _RELAX and self._node.name in owners:
            return False, False
        asked = owners if mode == _TYPE else owners[:1]
        return self._any_silent(asked), False

    def _any_silent(self, names: Sequence[str]) -> bool:
        return any(name != self._node.name and not self._cluster.answers(name) for name in names)

    def count(self, message: Message, code: int) -> None:
        """Count what has become of a request."""
        key = message.fields.get(_F_NAMESPACE, b"")
        if key not in self._cluster.rosters:
            return
        counts = self._node.transaction_counts
        kind = _kind(message)
        if kind:
            is_timeout = code == ResultCode.TIMEOUT
            counts.count(key, counter_of(kind, is_timeout=is_timeout, is_error=code != ResultCode.OK))
        if code == ResultCode.MRT_BLOCKED:
            counts.count(key, BLOCKED)
        elif code == ResultCode.MRT_VERSION_MISMATCH:
            counts.count(key, MISMATCH)


def _kind(message: Message) -> str:
    """What the statistics call the end of a transaction that a request is a part of; empty: it is none."""
    if not message.info2 & _WRITE:
        return "verify_read" if message.info4 & _VERIFY else ""
    return "roll_forward" if message.info4 & _FORWARD else "roll_back" if message.info4 & _BACK else ""


# --- time ---------------------------------------------------------------------------------------------------


def end_transactions(cluster: ClusterState) -> None:
    """Roll what expired transactions have left, in all namespaces.

    That is looked at before each request: so nobody ever sees a lock that should be gone, and a test that
    moves the clock need not wait.
    """
    for namespace in cluster.store.namespaces.values():
        if namespace.transactions.monitors:
            _end(cluster, namespace)


def _end(cluster: ClusterState, namespace: Namespace) -> None:
    def is_reachable(digest: bytes) -> bool:
        return cluster.is_reachable(namespace, digest)

    def count(digest: bytes, forward: bool) -> None:
        master = cluster.maps[namespace.key].owners(partition_of(digest))[0]
        kind = "monitor_roll_forward" if forward else "monitor_roll_back"
        for member in cluster.members:
            if member.name == master:
                counts = member.transaction_counts
                counts.count(namespace.key, counter_of(kind, is_timeout=False, is_error=False))
                if forward and digest in namespace.tombstones:
                    counts.count(namespace.key, TOMBSTONES)

    end_expired(namespace, is_reachable, count)

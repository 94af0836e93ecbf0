"""Queries of whose records a module of functions makes results, for each partition on its own.

Owns: the frames of their answer, and how it ends when a function fails. Not here: functions; there are none
yet, so that each call fails as that of a missing module does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from ..protocol.constants import OpCode, ParticleType, ProtoType
from ..protocol.framing import PROTO, Message, encode_op, frame, reply
from ..protocol.query_answer import last_message
from ..protocol.query_request import Start
from ..protocol.result import ResultCode
from ..storage.store import Namespace, Record
from ..topology.jobs import ABORTED, OK, Job
from ..topology.state import ClusterState, NodeState
from .search import Search
from .selection import Selection

__all__ = ["Aggregate", "AggregateError", "Aggregation", "aggregate_of"]

Aggregate: TypeAlias = "Callable[[Iterable[tuple[bytes, Record]]], Iterable[tuple[int, bytes]]]"
"""Makes results, each a particle type and its bytes, of the digests and records of a partition. It may raise
`AggregateError`."""

_UNREAD, _FAILED = "abandoned-response-timeout", "abandoned-unknown"
_SUCCESS, _FAILURE = b"SUCCESS", b"FAILURE"


class AggregateError(Exception):
    """A function has failed; the client is told the text."""


def aggregate_of(message: Message) -> Aggregate:
    """What a request calls for."""
    return _call_missing_module


def _call_missing_module(records: Iterable[tuple[bytes, Record]]) -> Iterable[tuple[int, bytes]]:
    raise AggregateError("UDF: Execution Error 1")


class Aggregation:
    """A query of this kind while it is run.

    Args:
        cluster: the cluster of the node.
        node: the node that is asked, which gives the partitions that it is master of.
        namespace: the namespace.
        message: the request.
        job: what the node tells of it.
        search: what it looks for.

    """

    def __init__(
        self,
        cluster: ClusterState,
        node: NodeState,
        namespace: Namespace,
        message: Message,
        job: Job,
        search: Search,
    ) -> None:
        self._cluster, self._node, self._namespace = cluster, node, namespace
        self._job, self._search = job, search
        self._selection = Selection(namespace, message, job, search)
        self._aggregate = aggregate_of(message)

    def frames(self) -> Iterator[bytes | float]:
        """Run the query, and give the frames of its answer, as `Stream.frames` does."""
        jobs, job, outcome, code = self._node.jobs, self._job, _UNREAD, ResultCode.OK
        try:
            try:
                for partition_id in range(len(self._namespace.partitions)):
                    if self._cluster.is_master(self._node, self._namespace, partition_id):
                        yield from self._partition(partition_id)
                    job.progress = 100 * (partition_id + 1) / len(self._namespace.partitions)
                    if job.is_aborted:
                        outcome, code = ABORTED, ResultCode.QUERY_ABORT
                        break
                else:
                    outcome = OK
            except AggregateError as error:
                outcome, code = _FAILED, ResultCode.UNKNOWN
                yield self._sent(_message(_FAILURE, ParticleType.STRING, str(error).encode()))
            yield self._sent(last_message(code))
        finally:
            jobs.end(job, outcome)

    def _sent(self, messages: bytes) -> bytes:
        data = frame(ProtoType.AS_MSG, messages)
        self._job.sent_bytes += len(data)
        return data

    def _partition(self, partition_id: int) -> Iterator[bytes | float]:
        found: list[tuple[bytes, Record]] = []
        for selected in self._selection.records(self._search.candidates(Start(partition_id))):
            if isinstance(selected, float):
                yield selected or b""
            else:
                found.append(selected[1:])
        if found:
            self._job.succeeded += len(found)
            results = [_message(_SUCCESS, kind, value) for kind, value in self._aggregate(found)]
            if results:
                yield self._sent(b"".join(results))


def _message(name: bytes, particle: int, value: bytes) -> bytes:
    """The message of a result."""
    return reply(ResultCode.OK, 0, 0, 1, encode_op(OpCode.READ, particle, name, value))[PROTO.size :]

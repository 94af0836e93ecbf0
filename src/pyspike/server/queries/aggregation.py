"""Queries of whose records a function in Lua makes results, for each partition on its own.

Owns: the frames of their answer, and how it ends when a function fails. Not here: finding and calling
functions (../udf/functions.py), and making one result of all nodes' results, which is the client's part.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..protocol.constants import OpCode, ParticleType, ProtoType
from ..protocol.framing import PROTO, Message, encode_op, frame, reply
from ..protocol.query_answer import FRAME_SIZE, last_message
from ..protocol.query_request import Start
from ..protocol.result import ResultCode
from ..storage.record import Record
from ..storage.store import Namespace
from ..topology.jobs import ABORTED, OK, Job
from ..topology.state import ClusterState, NodeState
from ..udf.functions import Function, FunctionError, function_of
from ..udf.rows import row_of
from .search import Search
from .selection import Selection

__all__ = ["Aggregation"]

_UNREAD, _FAILED = "abandoned-response-timeout", "abandoned-unknown"
_SUCCESS, _FAILURE = b"SUCCESS", b"FAILURE"


class _FailedError(Exception):
    """A function has failed, after it has given the results of these messages, which are not sent yet."""

    def __init__(self, error: FunctionError, messages: list[bytes]) -> None:
        super().__init__(str(error))
        self.messages = messages


class Aggregation:
    """A query of this kind while it is run.

    Args:
        cluster: the cluster of the node.
        node: the node that is asked, which gives the partitions that it is master of.
        namespace: the namespace.
        message: the request.
        job: what the node tells of it.
        search: what it looks for.

    Raises:
        RequestError: PARAMETER: the name of the module or of the function is too long.

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
        self._function = _function(namespace, message)

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
            except _FailedError as failed:
                outcome, code = _FAILED, ResultCode.UNKNOWN
                words = str(failed).encode("utf-8", "surrogateescape")
                failure = _message(_FAILURE, ParticleType.STRING, words)
                yield self._sent(b"".join((*failed.messages, failure)))
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
            yield from self._results(found)

    def _results(self, found: list[tuple[bytes, Record]]) -> Iterator[bytes]:
        """The frames of what the function makes of the records of a partition."""
        function, store = self._function, self._namespace.store
        if isinstance(function, FunctionError):
            raise _FailedError(function, [])
        rows = (row_of(store, digest, record) for digest, record in found)
        messages: list[bytes] = []
        size = 0
        try:
            for kind, value in function.apply(rows):
                messages.append(_message(_SUCCESS, kind, value))
                size += len(messages[-1])
                if size >= FRAME_SIZE:
                    yield self._sent(b"".join(messages))
                    messages, size = [], 0
        except FunctionError as error:  # what there was before is sent all the same
            raise _FailedError(error, messages) from error
        if messages:
            yield self._sent(b"".join(messages))


def _function(namespace: Namespace, message: Message) -> Function | FunctionError:
    """The function that is called, or why it can't be: the client is told when there is a record for it."""
    try:
        return function_of(namespace.store.modules, message, of_stream=True)
    except FunctionError as error:
        return error


def _message(name: bytes, particle: int, value: bytes) -> bytes:
    """The message of a result."""
    return reply(ResultCode.OK, 0, 0, 1, encode_op(OpCode.READ, particle, name, value))[PROTO.size :]

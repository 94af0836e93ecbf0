"""Queries that change records in the background: the answer says that they have begun.

Owns: which records are changed, and how fast. Not here: writing a record (../records/commands.py), and the
commands that tell how far a job is (../info/jobs.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ..protocol.constants import FieldType, Info2, Info3, ProtoType
from ..protocol.framing import PROTO, Message, frame
from ..protocol.query_answer import last_message
from ..protocol.query_request import Start
from ..protocol.result import RequestError, ResultCode
from ..records.operations import FORBIDDEN_WITH_REPLACE
from ..records.running import run_on
from ..storage.record import Record
from ..storage.store import Namespace
from ..topology.jobs import ABORTED, OK, Job
from ..topology.state import ClusterState, NodeState
from .search import Search
from .selection import Selection

__all__ = ["Background"]

_UNFINISHED = "abandoned-unknown"
_KEPT = (
    FieldType.NAMESPACE,
    FieldType.UDF_FILENAME,
    FieldType.UDF_FUNCTION,
    FieldType.UDF_ARGLIST,
)
"""The fields that the write of a record has of the query."""
_REPLACE = Info3.CREATE_OR_REPLACE | Info3.REPLACE_ONLY
_CODE_AT = PROTO.size + 5


class Background:
    """A query in the background.

    Args:
        cluster: the cluster of the node.
        node: the node that is asked, which changes the records of the partitions that it is master of.
        namespace: the namespace.
        message: the request.
        job: what the node tells of it.
        search: what it looks for.

    Raises:
        RequestError: PARAMETER: its filter is malformed.

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
        self._jobs, self._job, self._search = node.jobs, job, search
        self._selection = Selection(namespace, message, job, search)
        self._is_udf = FieldType.UDF_FILENAME in message.fields
        self._fails = bool(message.info3 & _REPLACE) and any(
            op.code in FORBIDDEN_WITH_REPLACE for op in message.ops
        )
        """Whether every write fails: nothing is ever replaced, but such ops are refused all the same."""
        fields = {int(kind): message.fields[kind] for kind in _KEPT if kind in message.fields}
        self._write = message._replace(
            info1=0,
            info2=int(Info2.WRITE) | message.info2 & Info2.DURABLE_DELETE,
            info3=0 if self._is_udf else int(Info3.UPDATE_ONLY),
            info4=0,
            generation=0,
            fields=fields,
        )
        self._steps = self._run()

    def begin(self) -> bytes:
        """Let the loop do the work, and give the answer."""
        asyncio.get_running_loop().call_soon(self._go_on)
        answer = frame(ProtoType.AS_MSG, last_message(ResultCode.OK))
        self._job.sent_bytes = len(answer)
        return answer

    def _go_on(self) -> None:
        """Do a part of the work, and let the loop do the rest later."""
        if self._jobs is not self._node.jobs or not self._node.running:
            return  # the node has stopped, and has forgotten the job
        for seconds in self._steps:
            asyncio.get_running_loop().call_later(seconds, self._go_on)
            return

    def _run(self) -> Iterator[float]:
        """Change the records; give for how many seconds others have their turn."""
        job, outcome = self._job, _UNFINISHED
        try:
            partitions = self._namespace.partitions
            for partition_id in range(len(partitions)):
                if self._cluster.is_master(self._node, self._namespace, partition_id):
                    yield from self._partition(partition_id)
                if job.is_aborted:
                    outcome = ABORTED
                    return
                job.progress = 100 * (partition_id + 1) / len(partitions)
            outcome = OK
        finally:
            self._jobs.end(job, outcome)

    def _partition(self, partition_id: int) -> Iterator[float]:
        for selected in self._selection.records(self._search.candidates(Start(partition_id))):
            if isinstance(selected, float):
                yield selected
            else:
                self._change(*selected[1:])
            if self._job.is_aborted:
                return

    def _change(self, digest: bytes, record: Record) -> None:
        """Change one record, and count what has become of it."""
        if self._fails:
            self._job.failed += 1
            return
        message = self._write._replace(fields={**self._write.fields, FieldType.SET: record.set_name})
        try:
            code = run_on(self._namespace.store, message, digest)[_CODE_AT]
        except RequestError as error:
            code = error.code
        if code == ResultCode.OK:
            self._job.succeeded += 1
        elif code != ResultCode.NOT_FOUND:
            self._job.failed += 1

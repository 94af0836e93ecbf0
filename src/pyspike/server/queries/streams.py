"""Queries that give records to their client: which records are sent, in which messages and frames.

Owns: the order of partitions, limits, notices of partitions that the node does not have, what ends an answer.
Not here: the bytes of requests and messages (../protocol/), the order of records in a partition (search.py),
sending (../topology/connection.py).

A server works on several partitions at once, in threads that have a buffer each; the frames of an answer are
these buffers, sent when they are full or the thread has nothing left to do. Here one generator plays them: a
partition is worked on by a thread that is chosen at random. An answer is drawn as the client reads it, so
that nothing is looked for before there is room for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from random import Random

from ..protocol.constants import Info1, ProtoType
from ..protocol.framing import Message, frame
from ..protocol.query_answer import FRAME_SIZE, RecordMessages, last_message, partition_message
from ..protocol.query_request import Start, max_records
from ..protocol.result import ResultCode
from ..storage.store import Namespace
from ..topology.fault_settings import Counted
from ..topology.jobs import ABORTED, OK, Job
from ..topology.state import ClusterState, NodeState
from .content import content_of
from .search import Found, Search
from .selection import Selection

__all__ = ["Stream"]

_LOG = logging.getLogger("pyspike.server")

_EMPTY_SLICE = 512
"""How many partitions are looked at before other connections have their turn."""
_SHORT_QUERY_MS = 1000
"""How long a short query may take that does not say (query-scan.md 8.6)."""
_UNREAD, _TIMED_OUT, _FAILED = "abandoned-response-timeout", "abandoned-timeout", "abandoned-unknown"


class _EndedError(Exception):
    """An answer ends with a result code before it is complete."""

    def __init__(self, code: int, outcome: str) -> None:
        super().__init__(code)
        self.code = code
        self.outcome = outcome


class _Buffers:
    """The messages that are not sent yet, of each thread.

    Attributes:
        sent: how many frames were sent.

    """

    __slots__ = ("_full", "_messages", "_order", "_sizes", "current", "sent")

    def __init__(self, count: int, full: int, order: Random) -> None:
        self._messages: list[list[bytes]] = [[] for _ in range(count)]
        self._sizes = [0] * count
        self._full = full
        self._order = order
        self.current = 0
        self.sent = 0

    def choose(self) -> None:
        """Let another thread take up the next partition."""
        self.current = self._order.randrange(len(self._messages))

    def add(self, message: bytes) -> bytes:
        """Take a message of the thread that is chosen; give the frame that has become full, if one has."""
        self._messages[self.current].append(message)
        self._sizes[self.current] += len(message)
        return b"" if self._sizes[self.current] < self._full else self._frame(self.current)

    def _frame(self, number: int) -> bytes:
        messages, self._messages[number], self._sizes[number] = self._messages[number], [], 0
        self.sent += 1
        return frame(ProtoType.AS_MSG, b"".join(messages))

    def rest(self) -> Iterator[bytes]:
        """The frames of all messages that are not sent yet."""
        numbers = [number for number, messages in enumerate(self._messages) if messages]
        self._order.shuffle(numbers)
        for number in numbers:
            yield self._frame(number)


class Stream:
    """A query while it is run.

    Args:
        cluster: the cluster of the node.
        node: the node that is asked.
        namespace: the namespace.
        message: the request.
        job: what the node tells of it.
        search: what it looks for.
        starts: the partitions, in the order in which they are taken up.

    Raises:
        RequestError: PARAMETER: its filter or its ops are malformed.

    """

    def __init__(
        self,
        cluster: ClusterState,
        node: NodeState,
        namespace: Namespace,
        message: Message,
        job: Job,
        search: Search,
        starts: Sequence[Start],
    ) -> None:
        self._cluster, self._node, self._namespace, self._job = cluster, node, namespace, job
        self._search, self._starts = search, starts
        self._most = max_records(message)
        self._content = content_of(namespace.store, message)
        self._selection = Selection(namespace, message, job, search)
        self._messages = RecordMessages(namespace.name.encode(), message.info1 & Info1.GET_NO_BINS)
        self._is_short = bool(message.info1 & Info1.SHORT_QUERY)
        limit = (message.timeout_ms or _SHORT_QUERY_MS) if self._is_short else None
        self._ends = None if limit is None else job.begun + limit / 1000
        full = node.faults.query_frame_bytes or FRAME_SIZE
        self._buffers = _Buffers(job.threads, 1 << 62 if self._is_short else full, node.query_order)
        self._is_struck = False
        self._counted = 0

    def frames(self) -> Iterator[bytes | float]:
        """Run the query, and give the frames of its answer.

        An empty piece stands where others can have their turn, a number where so many seconds are to pass.
        """
        jobs, job, outcome = self._node.jobs, self._job, _UNREAD
        try:
            code = 0
            try:
                self._check()
                for piece in self._found():
                    if isinstance(piece, bytes):
                        job.sent_bytes += len(piece)
                    yield piece
                    self._check()
            except _EndedError as ended:
                code, outcome = ended.code, ended.outcome
            except Exception:
                _LOG.exception("node %s: a query failed: %r", self._node.name, job)
                code, outcome = ResultCode.UNKNOWN, _FAILED
            else:
                outcome = OK
            for piece in self._rest(code):
                job.sent_bytes += len(piece)
                yield piece
        finally:
            jobs.end(job, outcome)

    def _rest(self, code: int) -> Iterator[bytes]:
        """The frames of what is not sent yet, and the last message. If a fault ends the answer, only that."""
        if self._is_short:
            self._buffers.add(last_message(code))
            yield from self._buffers.rest()
            return
        if not self._is_struck:
            yield from self._buffers.rest()
        yield frame(ProtoType.AS_MSG, last_message(code))

    def _check(self) -> None:
        """Raise if the answer is to end here."""
        faults = self._node.faults
        if faults.armed and self._buffers.sent >= faults.query_frames and faults.take(Counted.QUERY):
            self._is_struck = True
            raise _EndedError(faults.query_code, _FAILED)
        if self._job.is_aborted:
            raise _EndedError(ResultCode.QUERY_ABORT, ABORTED)
        if self._ends is not None and time.monotonic() > self._ends:
            raise _EndedError(ResultCode.TIMEOUT, _TIMED_OUT)

    def _found(self) -> Iterator[bytes | float]:
        """Look for records, and give the frames with their messages."""
        buffers, job, search, refusal = self._buffers, self._job, self._search, self._refusal
        for number, start in enumerate(self._starts):
            if number % _EMPTY_SLICE == 0:
                job.progress = 100 * number / len(self._starts)
                yield b""
            code = refusal(start.partition_id)
            if code:
                buffers.choose()
                full = buffers.add(partition_message(start.partition_id, code))
                if full:
                    yield full
            elif candidates := search.candidates(start):
                buffers.choose()
                yield from self._partition(candidates)
                if self._most and self._counted >= self._most:
                    break

    def _refusal(self, partition_id: int) -> int:
        """The code with which the node does not give a partition; 0 if it does."""
        faults = self._node.faults
        if faults.armed and faults.take(Counted.PARTITION):
            return faults.partition_code
        return 0 if self._cluster.holds(self._node, self._namespace, partition_id) else ResultCode.UNAVAILABLE

    def _partition(self, candidates: Sequence[Found]) -> Iterator[bytes | float]:
        job = self._job
        for selected in self._selection.records(candidates):
            if isinstance(selected, float):
                yield selected or b""
                continue
            bval, digest, record = selected
            content = self._content(digest, record)
            self._counted += 1
            if content is None:  # without any of the bins that are asked for: it counts, and is not sent
                if self._most and self._counted >= self._most:
                    return
                continue
            job.succeeded += 1
            full = self._buffers.add(
                self._messages.encode(
                    digest,
                    record.set_name,
                    record.key,
                    record.generation,
                    record.void_time,
                    *content,
                    bval,
                )
            )
            if full:
                yield full
            if self._most and self._counted >= self._most:
                return

"""The plan of a batch: which node is asked for which rows, and which rows are asked again.

Rows that were answered, even with an error, are never sent again. Rows without an answer are judged by the
rules for commands on one record (`cluster.retry`), those that write apart from those that read, and are
routed by the map of the moment then. Whoever runs the batch tells the plan how each request went, and keeps
the time.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import NamedTuple

from pyspike._wire import Batch, Command, NodeRows, PartitionMap, failed_rows, route_rows
from pyspike.cluster.retry import ClusterState, advise, in_doubt, note_failure, pause_before_retry
from pyspike.errors import (
    AerospikeError,
    Attempt,
    ClientClosed,
    ConnectFailed,
    ServerError,
    from_code,
)
from pyspike.result_code import ResultCode

__all__ = ["BatchPlan", "Later"]

# The codes by which a node refuses a batch as a whole, before any of its rows is run (batch.md 7.3).
NOT_RUN = frozenset(
    {ResultCode.BATCH_DISABLED, ResultCode.BATCH_MAX_REQUESTS_EXCEEDED, ResultCode.BATCH_QUEUES_FULL}
)


class Later(NamedTuple):
    """Rows that are to be asked for again.

    Args:
        pause: how many milliseconds to wait before.
        rows: their numbers.
    """

    pause: float
    rows: list[int]


class _Limits(NamedTuple):
    max_retries: int
    sleep_between_retries: float


class _Rows:
    """Rows of one kind, as the rules for retries see them."""

    def __init__(self, batch: Batch, numbers: list[int], write: bool, tries: int, sent: int) -> None:
        settings = batch.settings
        retries = settings.write_retries if write else settings.max_retries
        self.settings = _Limits(retries, settings.sleep_between_retries)
        self.write = write
        self.tries = tries
        self.tries_left = max(0, retries + 1 - tries)
        self.sent = sent
        self._batch = batch
        self._numbers = numbers

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the batch's deadline; None without one."""
        return self._batch.remaining

    def next_replica(self) -> None:
        """Let the next request for them go to the next replica."""
        self._batch.next_replica(self._numbers)


class BatchPlan:
    """What becomes of the rows of a batch.

    Args:
        cluster: whose nodes are asked.
        batch: the rows.
    """

    def __init__(self, cluster: ClusterState, batch: Batch) -> None:
        self.batch = batch
        self._cluster = cluster
        self._attempts: dict[int, tuple[Attempt, ...]] = {}  # of rows whose requests failed

    def route(self, partitions: PartitionMap, rows: Iterable[int] | None = None) -> list[NodeRows]:
        """Which nodes are to be asked for which rows now.

        Args:
            partitions: the map of the moment.
            rows: the numbers of rows that `failed` gave; None for all rows.
        """
        found, lost = route_rows(self.batch, partitions, rows)
        for number, error in lost:
            if error is None:
                self._cluster.request_tend()
                error = self._cluster.not_connected()
            self._fail(number, error, None)
        return found

    def answered(self, rows: NodeRows, command: Command, elapsed_ms: float) -> None:
        """Note that all rows of a request were answered.

        Args:
            rows: what the node is asked for.
            command: the request.
            elapsed_ms: how long its answer took, in milliseconds.
        """
        self._refuse(rows, command, elapsed_ms)

    def failed(
        self, rows: NodeRows, command: Command, error: AerospikeError, elapsed_ms: float
    ) -> list[Later]:
        """Decide what becomes of the rows of a request that failed, and of those that were to follow it.

        Args:
            rows: what the node is asked for; nothing more is asked of it by them.
            command: the request.
            error: why it failed.
            elapsed_ms: how long it took, in milliseconds.

        Returns:
            Rows that are to be asked for again. The others have an answer or an error now.
        """
        self._refuse(rows, command, elapsed_ms)
        unanswered = rows.give_up()
        attempts = (command.history or [])[-1:]
        kinds = self.batch.kinds(unanswered)
        final = self._final(error)
        note_failure(self._cluster, error, any(sent for _, _, sent in kinds))
        later = []
        for (write, tries, sent), numbers in kinds.items():
            asked = _Rows(self.batch, numbers, write, tries, sent)
            pause = pause_before_retry(asked, error) if final is None else None
            for number in numbers:
                self._attempts[number] = (*self._attempts.get(number, ()), *attempts)
                if pause is None:
                    self._fail(number, final or error, asked)
            if pause is not None:
                later.append(Later(pause, numbers))
        return later

    def _final(self, error: AerospikeError) -> AerospikeError | None:
        """The error that ends all rows, if there is nobody to ask any more."""
        if isinstance(error, ServerError):
            return None
        if self._cluster.closed:
            return error if isinstance(error, ClientClosed) else ClientClosed("the client is closed")
        if isinstance(error, ConnectFailed):  # there is nobody to ask, and the cluster knows why
            self._cluster.request_tend()
            return self._cluster.not_connected()
        return None

    def _refuse(self, rows: NodeRows, command: Command, elapsed_ms: float) -> None:
        """Make the errors of rows that were answered with one."""
        for number in failed_rows(command):
            code = self.batch.code(number)
            assert code is not None
            words = self.batch.words_of(number)
            error = from_code(code, words, key=self.batch.key(number), node=rows.node.name)
            attempt = Attempt(rows.node.name, error.message, elapsed_ms, True)
            ((write, tries, sent),) = self.batch.kinds([number])
            error.attempts = (*self._attempts.get(number, ()), attempt)
            error.timeout = self.batch.total_timeout or None
            error.in_doubt = in_doubt(_Rows(self.batch, [number], write, tries, sent), error)
            self.batch.errors[number] = error

    def _fail(self, number: int, error: AerospikeError, asked: _Rows | None) -> None:
        """Give a row that has no answer its error, which is a copy of the request's."""
        own = copy.copy(error)
        own.key = self.batch.key(number)
        own.attempts = self._attempts.get(number, ())
        own.timeout = self.batch.total_timeout or None
        own.in_doubt = asked is not None and _in_doubt(asked, error)
        advise(own)
        self.batch.errors[number] = own


def _in_doubt(asked: _Rows, error: AerospikeError) -> bool:
    """Whether rows without an answer may have been applied.

    A node that ends a batch with an error may have run rows whose answers are lost (batch.md 7.3), but for
    the codes by which it refuses the whole of it.
    """
    if isinstance(error, ServerError) and asked.write and asked.sent:
        return asked.sent > 1 or error.result_code not in NOT_RUN
    return in_doubt(asked, error)

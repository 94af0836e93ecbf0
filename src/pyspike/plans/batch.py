"""The plan of a batch: which node is asked for which rows, and which rows are asked again.

Rows that were answered, even with an error, are never sent again. Rows without an answer are judged by the
rules for commands on one record (`cluster.retry`), those that write apart from those that read, and are
routed by the map of the moment then. Whoever runs the batch tells the plan how each request went, and keeps
the time.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import NamedTuple, TypeAlias, TypeVar

from pyspike._wire import (
    BATCH_RESPOND_ALL,
    Batch,
    BatchRecord,
    Command,
    NodeRows,
    PartitionMap,
    Routes,
    failed_rows,
)
from pyspike.batch import BatchResults, rows_failed
from pyspike.cluster.retry import (
    ClusterState,
    add_explanation,
    advise,
    in_doubt,
    note_failure,
    pause_before_retry,
)
from pyspike.errors import (
    AerospikeError,
    Attempt,
    BatchError,
    ClientClosed,
    ConnectFailed,
    ServerError,
    from_code,
)
from pyspike.explain import BatchedRow
from pyspike.result_code import ResultCode

__all__ = ["BatchPlan", "Later"]

# The codes by which a node refuses a batch as a whole, before any of its rows is run (batch.md 7.3).
NOT_RUN = frozenset(
    {ResultCode.BATCH_DISABLED, ResultCode.BATCH_MAX_REQUESTS_EXCEEDED, ResultCode.BATCH_QUEUES_FULL}
)

# The codes by which it refuses a request as it does one for a single record. Where it was not told to go on
# after a row that failed, they may be that row's, and others may be run without an answer (batch.md 7.3).
REFUSED = frozenset({ResultCode.PARTITION_UNAVAILABLE, ResultCode.KEY_BUSY, ResultCode.DEVICE_OVERLOAD})

ROWS_A_STEP = 256  # of those that are only counted

Steps: TypeAlias = Generator[None, None, None]
E = TypeVar("E", bound=AerospikeError)


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

    def __init__(
        self,
        batch: Batch,
        numbers: list[int],
        write: bool,
        tries: int,
        sent: int,
        *,
        unanswered: bool = False,
    ) -> None:
        settings = batch.settings
        retries = settings.write_retries if write else settings.max_retries
        self.settings = _Limits(retries, settings.sleep_between_retries)
        self.write = write
        self.tries = tries
        self.tries_left = max(0, retries + 1 - tries)
        self.sent = sent
        # Whether an error that ends their request is of all rows. Else it may be of one, which was run last.
        self.fail_together = unanswered and bool(settings.batch_flags & BATCH_RESPOND_ALL)
        self._batch = batch
        self._numbers = numbers

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the batch's deadline; None without one."""
        return self._batch.remaining

    def next_replica(self, slow: bool) -> bool:
        """Let the next request for them go to the next replica if it may; returns whether it does."""
        return self._batch.next_replica(self._numbers, slow)


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
        self._in_doubt = False  # whether a row that failed is

    def route(self, partitions: PartitionMap, rows: Iterable[int] | None = None) -> list[NodeRows]:
        """Which nodes are to be asked for which rows now.

        Args:
            partitions: the map of the moment.
            rows: the numbers of rows that `failed` gave; None for all rows.
        """
        routes = Routes(self.batch, partitions, rows)
        routes.find()
        for _ in self.losing(routes):
            pass
        return routes.found

    def answered(self, rows: NodeRows, command: Command, elapsed_ms: float) -> None:
        """Note that rows of a request were answered: all of them in the end, some of them before.

        Args:
            rows: what the node is asked for.
            command: the request.
            elapsed_ms: how long its answer took, in milliseconds.
        """
        for _ in self.answering(rows, command, elapsed_ms) or ():
            pass

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
        later: list[Later] = []
        for _ in self.failing(rows, command, error, elapsed_ms, later):
            pass
        return later

    # The same in steps, none of which takes long, for whoever must do something else between them: a loop.

    def losing(self, routes: Routes) -> Steps:
        """The steps by which the rows get their errors that no node can be asked for."""
        for number, error in routes.lost:
            self._fail(number, error or self._nobody(), self._asked(number))
            yield

    def answering(self, rows: NodeRows, command: Command, elapsed_ms: float) -> Steps | None:
        """The steps of `answered`; None if there are none to take."""
        failed = failed_rows(command)
        return self._refusing(rows, failed, elapsed_ms) if failed else None

    def failing(
        self, rows: NodeRows, command: Command, error: AerospikeError, elapsed_ms: float, later: list[Later]
    ) -> Steps:
        """The steps of `failed`, which add to `later` what is to be asked for again."""
        yield from self._refusing(rows, failed_rows(command), elapsed_ms)
        unanswered = rows.is_unanswered(command)
        kinds: dict[tuple[bool, int, int], list[int]] = {}
        for _ in range(0, len(rows), ROWS_A_STEP):
            for kind, numbers in self.batch.kinds(rows.give_up(ROWS_A_STEP)).items():
                kinds.setdefault(kind, []).extend(numbers)
            yield
        history = command.history
        attempt = history[-1] if history else None
        final = self._final(error)
        note_failure(self._cluster, error, any(sent for _, _, sent in kinds))
        for (write, tries, sent), numbers in kinds.items():
            asked = _Rows(self.batch, numbers, write, tries, sent, unanswered=unanswered)
            pause = pause_before_retry(asked, error) if final is None else None
            for number in numbers:
                if attempt is not None:
                    self._note(number, attempt, sent)
                if pause is None:
                    self._fail(number, final or error, asked)
                yield
            if pause is None:
                rows.count_outcomes(failed=len(numbers))
            else:
                rows.count_outcomes(retried=len(numbers))
                later.append(Later(pause, numbers))

    def ending(self, numbers: Iterable[int], error: AerospikeError) -> Steps:
        """The steps by which rows get an error that were not asked for yet, or were to be asked for again."""
        for number in numbers:
            self._fail(number, error, self._asked(number))
            yield

    # What the call gives in the end.

    def results(self, outcomes: list[BatchRecord]) -> BatchResults:
        """What came of all rows."""
        return BatchResults(outcomes)

    def failure(self, outcomes: list[BatchRecord]) -> BatchError:
        """The error of a call that gives something else, of which rows failed."""
        return rows_failed(BatchResults(outcomes), len(self.batch.errors), in_doubt=self._in_doubt)

    def _nobody(self) -> AerospikeError:
        """The error of rows that no node can be asked for."""
        if self._cluster.closed:
            return ClientClosed("the client is closed")
        self._cluster.request_tend()
        return self._cluster.not_connected()

    def _final(self, error: AerospikeError) -> AerospikeError | None:
        """The error that ends all rows, if there is nobody to ask any more."""
        if isinstance(error, ServerError):
            return None
        if isinstance(error, ClientClosed):
            return error
        if self._cluster.closed:
            return ClientClosed("the client is closed")
        if isinstance(error, ConnectFailed):  # there is nobody to ask, and the cluster knows why
            self._cluster.request_tend()
            return self._cluster.not_connected()
        return None

    def _refusing(self, rows: NodeRows, numbers: list[int], elapsed_ms: float) -> Steps:
        """Make the errors of rows that were answered with one."""
        rows.count_outcomes(failed=len(numbers))
        for number in numbers:
            code = self.batch.code(number)
            assert code is not None
            words = self.batch.words_of(number)
            told = self.batch.told_of(number)
            error = from_code(code, words, told=told, key=self.batch.key(number), node=rows.node.name)
            attempt = Attempt(rows.node.name, error.message, elapsed_ms, True)
            error.attempts = (*self._attempts.get(number, ()), attempt)
            error.timeout = self.batch.total_timeout or None
            error.in_doubt = in_doubt(self._asked(number), error)
            self._in_doubt = self._in_doubt or error.in_doubt
            add_explanation(self._cluster, error, BatchedRow(self.batch, number))
            self.batch.errors[number] = error
            yield

    def _note(self, number: int, attempt: Attempt, sent: int) -> None:
        """Note an attempt of a row that was `sent` so often: its request may have ended before its turn."""
        before = self._attempts.get(number, ())
        if attempt.sent and sent <= sum(each.sent for each in before):
            attempt = Attempt(attempt.node, attempt.error, attempt.elapsed_ms, False)
        self._attempts[number] = (*before, attempt)

    def _asked(self, number: int) -> _Rows:
        """A row by itself."""
        ((write, tries, sent),) = self.batch.kinds([number])
        return _Rows(self.batch, [number], write, tries, sent)

    def _fail(self, number: int, error: AerospikeError, asked: _Rows) -> None:
        """Give a row that has no answer its error, which is a copy of the request's."""
        own = _copied(error)
        own.key = self.batch.key(number)
        own.attempts = self._attempts.get(number, ())
        own.timeout = self.batch.total_timeout or None
        own.in_doubt = _in_doubt(asked, error)
        self._in_doubt = self._in_doubt or own.in_doubt
        if isinstance(own, ServerError) and own.result_code == ResultCode.PARAMETER_ERROR:
            # other codes are another row's
            add_explanation(self._cluster, own, BatchedRow(self.batch, number))
        advise(own)
        self.batch.errors[number] = own


def _copied(error: E) -> E:
    """What `copy.copy` gives, in a fraction of the time: thousands of rows may fail for one reason."""
    kind = type(error)
    own: E = kind.__new__(kind)
    own.args = error.args
    own.__dict__.update(error.__dict__)
    return own


def _in_doubt(asked: _Rows, error: AerospikeError) -> bool:
    """Whether rows without an answer may have been applied.

    A node that ends a batch with an error may have run rows whose answers are lost (batch.md 7.3), but for
    the codes by which it refuses the whole of it.
    """
    if isinstance(error, ServerError) and asked.write and asked.sent:
        code = error.result_code
        not_run = code in NOT_RUN or (asked.fail_together and code in REFUSED)
        return asked.sent > 1 or not not_run
    return in_doubt(asked, error)

"""The plan of a query: which node is asked for which partitions, and which partitions are asked for again.

A record that was given is never given again: a partition is asked for from behind the last one, and of one
node at a time (query-scan.md 8.5). Partitions whose node failed, or does not have them any more, are routed
by the map of the moment to the next replica. Whoever runs the query tells the plan how each request went, and
keeps the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from pyspike._wire import (
    NodeQuery,
    PartitionMap,
    Query,
    QueryPartitions,
    count_failures,
    cursor_of,
    new_query_number,
    put_off,
    route_partitions,
)
from pyspike.cluster.retry import ClusterState, advise, jittered, name_index, note_failure
from pyspike.errors import (
    AerospikeError,
    Attempt,
    ClientClosed,
    ConnectFailed,
    ConnectionError,
    MaxErrorRate,
    PartitionUnavailable,
    ProtocolError,
    ServerError,
    TimeoutError,
)
from pyspike.query import Cursor
from pyspike.result_code import ResultCode

__all__ = ["QueryPlan"]

# The codes after which another node may answer, or the same node a little later (query-scan.md 8.5).
ASKED_AGAIN = frozenset(
    {
        ResultCode.PARTITION_UNAVAILABLE,
        ResultCode.TIMEOUT,
        ResultCode.INDEX_NOT_FOUND,
        ResultCode.INDEX_NOT_READABLE,
    }
)
LEAST_PAUSE, MOST_PAUSE = 20.0, 500.0  # ms, from the second request in a row that brought nothing
KEPT_ATTEMPTS = 20

# A node sends nothing of a scan before one of its threads has filled a megabyte, or all is done. So that
# the first records of many come soon, it is asked for few partitions first.
FIRST_PARTITIONS = 16
WORTH_SPLITTING = 8 * FIRST_PARTITIONS


class QueryPlan:
    """What becomes of the partitions of a query.

    Args:
        cluster: whose nodes are asked.
        query: the query, with how far it is.

    Attributes:
        error: why the query has failed; None if it has not.
    """

    def __init__(self, cluster: ClusterState, query: Query) -> None:
        self.query = query
        self.error: AerospikeError | None = None
        self._cluster = cluster
        self._asked: list[NodeQuery] = []  # whose answers did not come to their end
        self._behind: dict[NodeQuery, NodeQuery] = {}  # what each first request keeps waiting
        self._attempts: deque[Attempt] = deque(maxlen=KEPT_ATTEMPTS)

    @property
    def done(self) -> bool:
        """Whether nothing more is to be asked, and no answer is to come."""
        return not self._asked and (self.wanted == 0 or self.query.partitions.done)

    @property
    def cursor(self) -> Cursor:
        """Where the query stands."""
        return self.cursor_at(self.query.partitions)

    def cursor_at(self, partitions: QueryPartitions) -> Cursor:
        """Where it stood when its partitions were so far."""
        return Cursor(cursor_of(self.query.statement, partitions))

    @property
    def wanted(self) -> int | None:
        """How many records may be asked for besides those that were; None for any number."""
        most = self.query.settings.max_records
        if not most:
            return None
        return most - self.query.given - sum(max(0, asked.share - asked.given) for asked in self._asked)

    def route(self, partitions: PartitionMap) -> list[NodeQuery]:
        """Which nodes are to be asked for which partitions now.

        Args:
            partitions: the map of the moment.

        Returns:
            What each node is to be asked for. That no node is known for a partition may end the query with an
            `error`.
        """
        wanted = self.wanted
        if wanted == 0:
            return []
        try:
            groups = route_partitions(self.query, partitions)
        except ServerError as error:  # the cluster has no such namespace
            self._fail(error)
            return []
        if groups and groups[-1].node is None:
            self._without_node(groups.pop())
        if wanted is not None:
            del groups[wanted:]
        elif self._has_many_records:
            for asked in groups:
                if len(asked) > WORTH_SPLITTING:
                    self._behind[asked] = asked.split(FIRST_PARTITIONS)
        number = new_query_number()
        for place, asked in enumerate(groups):
            share = 0 if wanted is None else (wanted + len(groups) - 1 - place) // len(groups)
            asked.reserve(share, number)
        self._asked += groups
        return groups

    @property
    def _has_many_records(self) -> bool:
        """Whether it is to ask for the first time, for all records of partitions, as fast as they come."""
        query = self.query
        return query.requests == 0 and query.statement.where is None and not query.settings.records_per_second

    def _end(self, asked: NodeQuery) -> None:
        """Note that nothing more comes of a request."""
        self._asked.remove(asked)
        behind = self._behind.pop(asked, None)
        if behind is not None:
            behind.release()

    def ended(self, asked: NodeQuery) -> None:
        """Note that an answer came to its end; partitions that the node does not have are asked for again.

        Args:
            asked: what the node was asked for.
        """
        self._end(asked)
        refused = asked.end()
        if refused:
            error = PartitionUnavailable(f"the node does not have {_numbers(refused)}", node=asked.node.name)
            self._attempts.append(Attempt(error.node, error.message, 0.0, True))
            self._cluster.request_tend()
            self._ask_again(refused, error)

    def failed(
        self,
        asked: NodeQuery,
        error: AerospikeError,
        elapsed_ms: float,
        *,
        sent: bool,
        neglected: bool = False,
    ) -> None:
        """Decide what becomes of the partitions of a request that failed.

        Args:
            asked: what the node was asked for.
            error: why it failed.
            elapsed_ms: how long it took, in milliseconds.
            sent: whether the request may have reached the node.
            neglected: whether the node gave up because nobody read its answer for long: that is no failure.
        """
        self._end(asked)
        partitions = asked.give_up()
        if neglected and not self._cluster.closed and isinstance(error, ConnectionError):
            put_off(self.query, partitions, 0.0)
            return
        self._attempts.append(Attempt(asked.node.name, error.message, elapsed_ms, sent))
        note_failure(self._cluster, error, sent)
        if isinstance(error, ConnectFailed):
            self._cluster.request_tend()
        self._ask_again(partitions, error, brought_records=asked.given > 0)

    def _ask_again(
        self, partitions: Sequence[int], error: AerospikeError, *, brought_records: bool = False
    ) -> None:
        """Have partitions asked for again after a while; or end the query, if that makes no sense."""
        if self._cluster.closed and not isinstance(error, ServerError):
            self._fail(ClientClosed("the client is closed"))
            return
        failures = count_failures(self.query, partitions, brought_records=brought_records)
        pause = self._pause(failures)
        remaining = self.query.remaining
        if (
            not _may_pass(error)
            or failures > self.query.settings.max_retries
            or (remaining is not None and remaining <= pause)
        ):
            self._fail(error)
        else:
            put_off(self.query, partitions, pause)

    def _pause(self, failures: int) -> float:
        """Milliseconds before partitions are asked for again that failed so often in a row."""
        if failures < 2:
            return 0.0
        least = min(LEAST_PAUSE * 2.0 ** (failures - 2), MOST_PAUSE)
        return jittered(max(self.query.settings.sleep_between_retries, least))

    def _without_node(self, lost: NodeQuery) -> None:
        """Have partitions routed again after a while, which no node is known for now."""
        numbers = lost.partitions
        self._cluster.request_tend()
        error = self._cluster.not_connected()
        error.message = f"no node is known that has {_numbers(numbers)}: {error.message}"
        error.args = (error.message,)
        self._ask_again(numbers, error)

    def _fail(self, error: AerospikeError) -> None:
        """End the query."""
        error.attempts = tuple(self._attempts)
        error.timeout = self.query.total_timeout or None
        advise(error)
        name_index(error, self.query.statement)
        self.error = error


def _may_pass(error: AerospikeError) -> bool:
    """Whether it makes sense to ask again after this error."""
    if isinstance(error, ServerError):
        return error.result_code in ASKED_AGAIN
    return isinstance(error, (TimeoutError, ConnectionError, ProtocolError, MaxErrorRate))


def _numbers(partitions: Sequence[int]) -> str:
    """Partitions in words, in a message."""
    if len(partitions) == 1:
        return f"partition {partitions[0]}"
    few = ", ".join(map(str, partitions[:3]))
    return f"{len(partitions)} partitions ({few}{', …' if len(partitions) > 3 else ''})"

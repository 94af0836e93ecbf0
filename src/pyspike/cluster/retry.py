"""What a failed attempt means for its command: whether it is tried again, when and where, or how it ends.

The rules are those of cluster.md 11.5 and result-codes.md, the same for threads and for tasks. Nothing here
does I/O or waits. Times are those of the command; `jittered` reads a clock as a source of chance.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from pyspike._wire import Command, Statement
from pyspike.errors import (
    AerospikeError,
    ClientClosed,
    ConnectFailed,
    ConnectionError,
    InvalidArgument,
    MaxErrorRate,
    NoMoreConnections,
    ProtocolError,
    SchemaMismatch,
    ServerError,
    TimeoutError,
    TLSError,
)
from pyspike.explain import BatchedRow, explain
from pyspike.result_code import ResultCode

log = logging.getLogger("pyspike.cluster")

# The codes that say that the node, rather than the command, is at fault (result-codes.md). What is about the
# record, such as KEY_BUSY, may pass too, but commands that are sent again at once would only make it worse.
TRIED_AGAIN = frozenset({ResultCode.TIMEOUT, ResultCode.PARTITION_UNAVAILABLE, ResultCode.DEVICE_OVERLOAD})
_ABOUT_INDEXES = frozenset({ResultCode.INDEX_NOT_FOUND, ResultCode.INDEX_NOT_READABLE})
LEAST_PAUSE, MOST_PAUSE = 20.0, 500.0  # ms between attempts of a write that can't be sent


class CountsFailures(Protocol):
    """What counts calls."""

    def count_failed(self, command: Command, error: BaseException) -> None:
        """Count a call for one record that fails now."""
        ...


class ClusterState(Protocol):
    """What the rules ask of a cluster."""

    closed: bool

    def request_tend(self, node: str | None = None) -> None:
        """Have a round of tending begin now, as a command failed on this node, or found none."""
        ...

    @property
    def metering(self) -> CountsFailures:
        """Counts the calls that fail."""
        ...

    def version_of(self, name: str | None) -> str:
        """The version of the server of this name; empty if there is none."""
        ...

    def not_connected(self) -> AerospikeError:
        """The error of calls that find no node to ask."""
        ...


class Limits(Protocol):
    """What a policy says about other attempts."""

    @property
    def max_retries(self) -> int:
        """How many more attempts than one there may be."""
        ...

    @property
    def sleep_between_retries(self) -> float:
        """Milliseconds between them."""
        ...


class Attempted(Protocol):
    """What the rules ask of a command, or of rows of a batch, whose attempt failed."""

    @property
    def write(self) -> bool:
        """Whether it may change a record."""
        ...

    @property
    def settings(self) -> Limits:
        """What its policy says."""
        ...

    @property
    def tries(self) -> int:
        """How many attempts there were."""
        ...

    @property
    def tries_left(self) -> int:
        """How many more the policy allows."""
        ...

    @property
    def sent(self) -> int:
        """How many of them may have reached a server."""
        ...

    @property
    def remaining(self) -> float | None:
        """Milliseconds until the deadline; None without one."""
        ...

    def next_replica(self, slow: bool) -> bool:
        """Let the next attempt go to another replica if it may; returns whether it does.

        `slow`: the node was too slow, or gets no commands.
        """
        ...


def next_step(cluster: ClusterState, command: Command, error: AerospikeError) -> float | AerospikeError:
    """Decide what comes of a command whose attempt failed.

    Also has the cluster tended where the failure says that a node may be down.

    Args:
        cluster: the cluster that the command was sent to.
        command: the command.
        error: the error of the attempt.

    Returns:
        How many milliseconds to wait before the next attempt; or, if there is none, the error to raise.
    """
    if cluster.closed and not isinstance(error, ServerError):
        return conclude(cluster.metering, command, closed(command, error))
    if isinstance(error, ConnectFailed):  # there is nobody to ask, and the cluster knows why
        cluster.request_tend()
        return conclude(cluster.metering, command, cluster.not_connected())
    note_failure(cluster, error, command.sent > 0)
    pause = pause_before_retry(command, error)
    if pause is not None:
        return pause
    if isinstance(error, ServerError):
        add_explanation(cluster, error, command)
    return conclude(cluster.metering, command, error)


def add_explanation(cluster: ClusterState, error: ServerError, request: Command | BatchedRow) -> None:
    """Add to an error's message and advice what can be told of the request, if anything can."""
    try:
        explain(error, request, cluster.version_of(error.node))
    except Exception:  # the error is what counts, not the words for it
        log.exception("an error could not be explained: %s", error.message)


def note_failure(cluster: ClusterState, error: AerospikeError, sent: bool) -> None:
    """Have the cluster tended if an attempt, which may have been `sent`, failed as when a node is down."""
    if isinstance(error, ConnectionError) or (isinstance(error, TimeoutError) and sent):
        cluster.request_tend(error.node)


def closed(command: Command, error: AerospikeError) -> ClientClosed:
    """The error of a command whose attempt failed because the client was closed."""
    if isinstance(error, ClientClosed):
        return error
    final = ClientClosed("the client is closed", key=command.key)
    final.__cause__ = error
    return final


def pause_before_retry(command: Attempted, error: AerospikeError) -> float | None:
    """How many milliseconds to wait before the next attempt; None if there is none.

    If the node that was asked may be at fault, the command goes to the next replica then.
    """
    if not may_pass(error):
        return None
    if not command.tries_left and not is_passed_on(command, error):
        return pause_until_sent(command, error)
    # A write goes to the master; a replica would only pass it on to the master. That helps if the client does
    # not know the new master yet, but not if the master is slow, or fails.
    slow = isinstance(error, (TimeoutError, MaxErrorRate))
    moved = not (command.write and slow) and command.next_replica(slow)
    pause = command.settings.sleep_between_retries
    pause = 0.0 if moved and command.tries == 1 else jittered(pause)
    remaining = command.remaining
    return None if remaining is not None and remaining <= pause else pause


def is_passed_on(command: Attempted, error: AerospikeError) -> bool:
    """Whether a read without retries left goes to the next replica all the same, as a node gets no commands.

    A refusal costs nothing, and is not to take the try of a replica that has failed once and may answer now.
    """
    refusals = command.tries - command.sent
    return isinstance(error, MaxErrorRate) and not command.write and 0 < command.sent >= refusals - 1


def pause_until_sent(command: Attempted, error: AerospikeError) -> float | None:
    """How many milliseconds a write without retries left waits before another attempt; None if it fails.

    A write for which no connection could be opened was not sent, so it can't be applied twice. It is tried
    until its deadline, while tending finds out which node owns its partition now.
    """
    in_line = isinstance(error, NoMoreConnections)  # the node can be reached, but all connections are in use
    unreachable = isinstance(error, (ConnectionError, TimeoutError)) and error.node and not in_line
    unsent = command.write and command.sent == 0 and unreachable and not isinstance(error, TLSError)
    if not unsent or command.remaining is None:
        return None
    extra = command.tries - 1 - command.settings.max_retries
    pause = jittered(min(LEAST_PAUSE * 2.0**extra, MOST_PAUSE))
    return None if command.remaining <= pause else pause


def jittered(pause: float) -> float:
    """The pause, up to a quarter longer or shorter, so that many clients do not try again at once."""
    return pause * (0.75 + time.perf_counter_ns() % 1024 / 2048)


def may_pass(error: AerospikeError) -> bool:
    """Whether another attempt may succeed after one that failed with this error."""
    if isinstance(error, ServerError):
        return error.result_code in TRIED_AGAIN
    if isinstance(error, InvalidArgument):
        return False
    return isinstance(error, (TimeoutError, ConnectionError, ProtocolError, MaxErrorRate))


def conclude(metering: CountsFailures, command: Command, error: AerospikeError) -> AerospikeError:
    """Complete the error that a command ends with: key, deadline, attempts, and whether it is in doubt."""
    metering.count_failed(command, error)
    error.key = command.key
    error.attempts = tuple(command.history or ())
    error.timeout = command.total_timeout or None
    error.in_doubt = in_doubt(command, error)
    advise(error)
    return error


def advise(error: AerospikeError) -> None:
    """Say what can be done about a deadline that passed; whether the error is in doubt is known by now."""
    if isinstance(error, TimeoutError) and not error.advice and not isinstance(error, NoMoreConnections):
        error.advice = (
            "read the record to learn whether the write was applied"
            if error.in_doubt
            else "raise the timeout, or see why the node is slow"
        )


def name_index(error: AerospikeError, statement: Statement) -> None:
    """Say for which filter there is no index, or none yet: a server tells its code alone."""
    if error.result_code in _ABOUT_INDEXES and statement.where is not None:
        error.message += f": {statement.where!r} of {statement.namespace!r}, set {statement.set_name!r}"
        error.args = (error.message,)


def in_doubt(command: Attempted, error: AerospikeError) -> bool:
    """Whether a write that failed may have been applied all the same (result-codes.md)."""
    if not command.write or command.sent == 0 or isinstance(error, SchemaMismatch):
        return False  # one that does not fit a class was done, as the server has said
    if command.sent > 1 or not isinstance(error, ServerError):
        return True
    return error.result_code == ResultCode.TIMEOUT

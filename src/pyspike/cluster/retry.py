"""What a failed attempt means for its command: try again, when and where, or give up and with which error.

The rules are those of cluster.md 11.5 and result-codes.md, the same for every executor. No I/O, no clock but
the command's own.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from pyspike._wire import Command
from pyspike.errors import (
    AerospikeError,
    ClientClosed,
    ConnectFailed,
    ConnectionError,
    InvalidArgument,
    NoMoreConnections,
    ProtocolError,
    ServerError,
    TimeoutError,
)
from pyspike.explain import explain
from pyspike.result_code import ResultCode

log = logging.getLogger("pyspike.cluster")

# The codes that speak against the node rather than the command (result-codes.md). What is about the record,
# such as KEY_BUSY, may pass too, but commands that come back at once would only make it worse.
TRIED_AGAIN = frozenset({ResultCode.TIMEOUT, ResultCode.PARTITION_UNAVAILABLE, ResultCode.DEVICE_OVERLOAD})
LEAST_PAUSE, MOST_PAUSE = 20.0, 500.0  # ms between attempts of a write that can't be sent


class Tended(Protocol):
    """What a cluster does for its executors when commands fail."""

    closed: bool

    def request_tend(self, node: str | None = None) -> None:
        """Look at the cluster now: a command had trouble with this node, or found none."""

    def version_of(self, name: str | None) -> str:
        """The version of the server of this name; empty if there is none."""

    def not_connected(self) -> ConnectFailed:
        """What calls fail with that find no node to ask."""


def next_step(cluster: Tended, command: Command, error: AerospikeError) -> float | AerospikeError:
    """Milliseconds to wait before the next attempt, or the error with which the command has failed.

    Tells the cluster what the failure says about it.
    """
    if cluster.closed and not isinstance(error, ServerError):
        return conclude(command, closed(command, error))
    if isinstance(error, ConnectFailed):  # there is nobody to ask, and the cluster knows why
        cluster.request_tend()
        return conclude(command, cluster.not_connected())
    if isinstance(error, ConnectionError) or (isinstance(error, TimeoutError) and command.sent):
        cluster.request_tend(error.node)
    pause = pause_before_retry(command, error)
    if pause is not None:
        return pause
    if isinstance(error, ServerError):
        try:
            explain(error, command, cluster.version_of(error.node))
        except Exception:  # the error is what counts, not the words for it
            log.exception("an error could not be explained: %s", error.message)
    return conclude(command, error)


def closed(command: Command, error: AerospikeError) -> ClientClosed:
    """What a command fails with whose attempt failed because the client was closed."""
    if isinstance(error, ClientClosed):
        return error
    final = ClientClosed("the client is closed", key=command.key)
    final.__cause__ = error
    return final


def pause_before_retry(command: Command, error: AerospikeError) -> float | None:
    """Milliseconds to wait before the next attempt; None if there is none.

    Turns the command to its next replica where the failure speaks against the one that was asked.
    """
    if not may_pass(error):
        return None
    if not command.tries_left:
        return pause_until_sent(command, error)
    # A write goes to the master; a replica would only pass it on. It is worth asking when the master is gone,
    # not when it is slow.
    slow = isinstance(error, TimeoutError)
    moved = not (command.write and slow)
    if moved:
        command.next_replica()
    pause = command.settings.sleep_between_retries
    pause = 0.0 if moved and command.tries == 1 else jittered(pause)
    remaining = command.remaining
    return None if remaining is not None and remaining <= pause else pause


def pause_until_sent(command: Command, error: AerospikeError) -> float | None:
    """Milliseconds to wait before another attempt of a write without retries left; None if there is none.

    A write that no connection could be had for was not sent, so it can't be applied twice: until its deadline
    it waits for tending to find out who owns its partition, with the node down.
    """
    in_line = isinstance(error, NoMoreConnections)  # the node is there, and has no time for it
    unreachable = isinstance(error, (ConnectionError, TimeoutError)) and error.node and not in_line
    unsent = command.write and command.sent == 0 and unreachable
    if not unsent or command.remaining is None:
        return None
    extra = command.tries - 1 - command.settings.max_retries
    pause = jittered(min(LEAST_PAUSE * 2.0**extra, MOST_PAUSE))
    return None if command.remaining <= pause else pause


def jittered(pause: float) -> float:
    """A quarter more or less, so that many clients do not come back at once."""
    return pause * (0.75 + time.perf_counter_ns() % 1024 / 2048)


def may_pass(error: AerospikeError) -> bool:
    """Whether another attempt can end better than the one that failed so."""
    if isinstance(error, ServerError):
        return error.result_code in TRIED_AGAIN
    if isinstance(error, InvalidArgument):
        return False
    return isinstance(error, (TimeoutError, ConnectionError, ProtocolError))


def conclude(command: Command, error: AerospikeError) -> AerospikeError:
    """The error as the caller gets it: with its attempts, and in doubt if the write may have been applied."""
    error.key = command.key
    error.attempts = tuple(command.history or ())
    error.timeout = command.total_timeout or None
    error.in_doubt = in_doubt(command, error)
    if isinstance(error, TimeoutError) and not error.advice and not isinstance(error, NoMoreConnections):
        error.advice = (
            "read the record to learn whether the write was applied"
            if error.in_doubt
            else "raise the timeout, or see why the node is slow"
        )
    return error


def in_doubt(command: Command, error: AerospikeError) -> bool:
    """Whether a write that failed may have been applied all the same (result-codes.md)."""
    if not command.write or command.sent == 0:
        return False
    if command.sent > 1 or not isinstance(error, ServerError):
        return True
    return error.result_code == ResultCode.TIMEOUT

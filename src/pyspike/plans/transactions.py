"""The steps of transactions: how commands take part in one, and how one is committed or aborted.

Each is a generator without I/O, the same for threads and tasks. It yields what is to be done, and whoever
runs it sends back what came of that, or throws the error: a `Command` or `Batch` to run, or a `Wait` until
others have done something. It follows transactions.md 12.2 to 12.6.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from pyspike._wire import (
    Batch,
    Command,
    Key,
    Settings,
    begin_call,
    close_command,
    join_batch,
    join_transaction,
    keys_of_batch,
    mark_command,
    monitor_command,
    monitor_key,
    roll_batch,
    roll_command,
    time_left_of_call,
    verify_batch,
    verify_command,
)
from pyspike.batch import BatchResults
from pyspike.cluster.retry import jittered
from pyspike.errors import (
    AerospikeError,
    BatchError,
    EnterpriseOnly,
    ServerError,
    TimeoutError,
    TransactionAborted,
    TransactionAlreadyAborted,
    TransactionAlreadyCommitted,
    TransactionBlocked,
    TransactionCommitted,
    TransactionExpired,
    TransactionFailed,
    TransactionMonitorExists,
    TransactionVersionMismatch,
    UnsupportedFeature,
    from_code,
)
from pyspike.policy import TxnRollPolicy
from pyspike.result_code import ResultCode
from pyspike.transaction import AbortStatus, CommitStatus, Ledger, TransactionState

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Repeats", "Steps", "Wait", "abort", "commit", "give_up", "take_part"]

NOT_STRONG = "transactions need a namespace with strong consistency: see client.is_strong_consistency"
WHY_NOT_VERIFIED: dict[ResultCode | None, str] = {
    ResultCode.MRT_VERSION_MISMATCH: "was changed by others",
    ResultCode.MRT_BLOCKED: "is being changed by another transaction",
}
AFTER_MARK = {  # what to do after a mark has failed: whether that is in doubt, whether time is over -> advice
    (False, False): "commit it again, or abort it",
    (False, True): "abort it, and run it again",
    (True, False): "commit it again; another process can do that too, with a pickled transaction",
    (True, True): "its time is over, and the servers know it no more: see by its records whether it is",
}
LEAST_PAUSE, MOST_PAUSE = 10.0, 500.0  # ms before a transaction is run again


class Wait(NamedTuple):
    """What is waited for.

    Args:
        until: a future that others end.
        timeout: how many milliseconds to wait at most; None for any time. Nothing is thrown if they are over.
    """

    until: Future[None]
    timeout: float | None


Work: TypeAlias = "Command | Batch | Wait"
T = TypeVar("T")
Steps: TypeAlias = Generator[Work, Any, T]

# Commands ---------------------------------------------------------------------------------------------------


def take_part(ledger: Ledger, work: Command | Batch) -> Steps[Any]:
    """The steps of a command or a batch that is part of a transaction; they return what it gives."""
    return _batch(ledger, work) if isinstance(work, Batch) else _command(ledger, work)


def _command(ledger: Ledger, command: Command) -> Steps[Any]:
    began, key, writes = begin_call(), command.key, command.write
    assert key is not None
    ledger.enter([command.namespace])
    try:
        if writes:
            ledger.check_room([key])
            if not ledger.has_written(key):
                yield from _tell_monitor(ledger, command, began, [key])
        join_transaction(
            command,
            began,
            ledger.id,
            ledger.version_of(key),
            ledger.deadline if writes else None,
            partial(ledger.note_write if writes else ledger.note_read, key),
        )
        try:
            return (yield command)
        except AerospikeError as error:
            if writes and error.in_doubt:
                ledger.note_doubt([key])
            _advise(error)
            raise
        except BaseException:  # cancelled, or interrupted
            if writes:
                ledger.note_doubt([key])
            raise
    finally:
        ledger.leave()


def _batch(ledger: Ledger, batch: Batch) -> Steps[Any]:
    began, keys = begin_call(), keys_of_batch(batch)
    writes = [batch.writes(row) for row in range(len(keys))]
    ledger.enter(dict.fromkeys(key.namespace for key in keys))
    try:
        written = list({key.digest: key for key, does in zip(keys, writes, strict=True) if does}.values())
        if written:
            ledger.check_room(written)
            yield from _tell_monitor(ledger, batch, began, written)

        def note(row: int, code: int, version: bytes | None) -> None:
            (ledger.note_write if writes[row] else ledger.note_read)(keys[row], code, version)

        versions = [ledger.version_of(key) for key in keys]
        join_batch(batch, began, ledger.id, versions, ledger.deadline if written else None, note)
        try:
            return (yield batch)
        except AerospikeError:
            raise
        except BaseException:  # cancelled, or interrupted
            ledger.note_doubt(
                keys[row] for row, does in enumerate(writes) if does and batch.code(row) is None
            )
            raise
        finally:
            for row, error in batch.errors.items():
                if writes[row] and error.in_doubt:
                    ledger.note_doubt([keys[row]])
                _advise(error)
    finally:
        ledger.leave()


def _tell_monitor(ledger: Ledger, work: Command | Batch, began: int, keys: list[Key]) -> Steps[None]:
    """Have the monitor record know that records are to be written; the first who does so creates it.

    The others wait for that: two who create it would refuse each other (transactions.md 12.6).
    """
    while not isinstance(create := ledger.claim_monitor(), bool):
        left = time_left_of_call(work, began)
        if left is not None and left <= 0:
            raise TimeoutError(
                "another command of the transaction was still creating its monitor record",
                key=keys[0],
                advice="raise the timeout, or see why the monitor's node is slow",
            )
        yield Wait(create, left)
    namespace = ledger.namespace
    assert namespace is not None
    request = partial(
        monitor_command,
        *(work, began, monitor_key(namespace, ledger.id), ledger.id, keys, ledger.timeout),
    )
    deadline: int | None = None
    try:
        try:
            deadline = yield request(create)
        except TransactionMonitorExists:
            # An earlier request, whose answer was lost, has created it: nobody else has this id.
            if not create:
                raise
            deadline = yield request(False)
            if deadline is None and not ledger.deadline:
                raise
    except AerospikeError as error:
        error.key = keys[0]
        error.in_doubt = False  # nothing of the user's was sent
        _advise(error)
        raise
    finally:
        ledger.monitor_answered(deadline, created=create)


def _advise(error: AerospikeError) -> None:
    if isinstance(error, (EnterpriseOnly, UnsupportedFeature)):
        error.advice = NOT_STRONG


# The end ----------------------------------------------------------------------------------------------------


def commit(ledger: Ledger, verify: Settings, roll: Settings) -> Steps[CommitStatus]:
    """The steps of a commit (transactions.md 12.5).

    Args:
        ledger: of the transaction.
        verify: of a `TxnVerifyPolicy`.
        roll: of a `TxnRollPolicy`.
    """
    yield from _begin_end(ledger)
    try:
        if ledger.state is TransactionState.COMMITTED:
            return CommitStatus.ALREADY_COMMITTED
        if ledger.state is TransactionState.ABORTED:
            raise TransactionAlreadyAborted(
                "the transaction is aborted, and can't be committed", advice="run it again"
            )
        if ledger.state is TransactionState.OPEN:
            yield from _verify(ledger, verify, roll)
        if ledger.deadline:
            yield from _mark(ledger, roll)
        ledger.state = TransactionState.COMMITTED
        ledger.in_doubt = False
        if not (yield from _roll(ledger, True, roll)):
            return CommitStatus.ROLL_FORWARD_ABANDONED
        return CommitStatus.OK if (yield from _close(ledger, roll)) else CommitStatus.CLOSE_ABANDONED
    finally:
        ledger.end_ended()


def abort(ledger: Ledger, roll: Settings) -> Steps[AbortStatus]:
    """The steps of an abort.

    Args:
        ledger: of the transaction.
        roll: of a `TxnRollPolicy`.
    """
    yield from _begin_end(ledger)
    try:
        if ledger.state is TransactionState.ABORTED:
            return AbortStatus.ALREADY_ABORTED
        if ledger.state is TransactionState.COMMITTED:
            raise TransactionAlreadyCommitted("the transaction is committed, and can't be aborted")
        if ledger.state is TransactionState.COMMIT_FAILED:
            raise TransactionFailed(
                "the transaction may be committed, and can't be aborted",
                in_doubt=True,
                advice="commit it again, which finds out",
            )
        return (yield from _abandon(ledger, roll))
    finally:
        ledger.end_ended()


def give_up(ledger: Ledger, until: float) -> Steps[None]:
    """The steps of an abort that nobody asked for; what is not done in time is left to the servers.

    Args:
        ledger: of the transaction.
        until: the time, of `time.monotonic`, at which it ends at the latest.
    """
    while (other := ledger.begin_end()) is not None:
        if _left(until) <= 0:
            return  # that commit or abort goes on
        yield Wait(other, _left(until))
    try:
        if not ledger.is_open:
            return
        while (running := ledger.still_running()) is not None and _left(until) > 0:
            yield Wait(running, _left(until))
        ledger.state = TransactionState.ABORTED
        if (
            running is None
            and (left := _left(until)) > 0
            and (yield from _roll(ledger, False, _once(left)))
            and (left := _left(until)) > 0
        ):
            yield from _close(ledger, _once(left))
    finally:
        ledger.end_ended()


def _left(until: float) -> float:
    """The milliseconds until a time."""
    return (until - time.monotonic()) * 1000


def _once(ms: float) -> Settings:
    """How a step is sent for which there is so much time."""
    policy = TxnRollPolicy(total_timeout=max(ms, 1), max_retries=1, sleep_between_retries=0)
    return policy.settings


def _begin_end(ledger: Ledger) -> Steps[None]:
    """Let no command begin any more, and wait for those under way and for another end."""
    while (until := ledger.begin_end()) is not None:
        yield Wait(until, None)
    try:
        while (until := ledger.still_running()) is not None:
            yield Wait(until, None)
    except BaseException:  # cancelled
        ledger.end_ended()
        raise


def _verify(ledger: Ledger, verify: Settings, roll: Settings) -> Steps[None]:
    """Ask whether the records that were read are still the same; if not, abort."""
    if ledger.unsure is not None:
        yield from _abandon(ledger, roll)
        raise TransactionFailed(
            "the transaction is aborted: of a record that it had read, a write is in doubt",
            key=ledger.unsure,
            advice="run it again",
        )
    reads = list(ledger.reads.values())
    failure: AerospikeError | None = None
    try:
        if ledger.torn is not None:  # whichever version is asked for, the other one was read too
            failure = from_code(int(ResultCode.MRT_VERSION_MISMATCH), key=ledger.torn)
        elif len(reads) == 1:
            ((key, version),) = reads
            yield verify_command(key, version, verify)
        elif reads:
            failure = _failure_of(
                (yield verify_batch([key for key, _ in reads], [version for _, version in reads], verify))
            )
    except AerospikeError as error:
        failure = error
    if failure is None:
        ledger.state = TransactionState.VERIFIED
        return
    try:
        yield from _abandon(ledger, roll)
        what = WHY_NOT_VERIFIED.get(failure.result_code, "could not be read again")
        raise TransactionFailed(
            f"the transaction is aborted: a record that it had read {what}",
            result_code=failure.result_code,
            key=failure.key,
            node=failure.node,
            advice="run it again",
        ) from failure
    finally:
        failure = None  # the traceback has this frame


def _failure_of(results: BatchResults) -> AerospikeError | None:
    """The error of the first row that has not succeeded."""
    for row in results:
        if row.error is not None:
            return row.error
        if row.result_code != ResultCode.OK:
            return from_code(int(row.result_code or 0), key=row.key)
    return None


def _mark(ledger: Ledger, roll: Settings) -> Steps[None]:
    """Have the monitor record know that the transaction is committed, which is the moment it is."""
    try:
        yield mark_command(_monitor(ledger), roll)
    except TransactionCommitted:  # by an attempt whose answer was lost
        return
    except TransactionAborted as error:
        ledger.state = TransactionState.ABORTED
        ledger.in_doubt = False
        raise TransactionFailed(
            "the servers have aborted the transaction, as its time was over",
            result_code=error.result_code,
            node=error.node,
            advice="run it again, shorter or with a longer timeout",
        ) from error
    except AerospikeError as error:
        ledger.in_doubt = ledger.in_doubt or error.in_doubt
        ledger.state = TransactionState.COMMIT_FAILED if ledger.in_doubt else TransactionState.VERIFIED
        raise TransactionFailed(
            "whether the transaction is committed is not known"
            if ledger.in_doubt
            else "the transaction is not committed",
            result_code=error.result_code,
            node=error.node,
            in_doubt=ledger.in_doubt,
            attempts=error.attempts,
            timeout=error.timeout,
            advice=AFTER_MARK[ledger.in_doubt, isinstance(error, TransactionExpired)],
        ) from error
    except BaseException:  # cancelled, or interrupted
        ledger.in_doubt = True
        ledger.state = TransactionState.COMMIT_FAILED
        raise


def _abandon(ledger: Ledger, roll: Settings) -> Steps[AbortStatus]:
    """Abort, and have the records that were written be as before."""
    ledger.state = TransactionState.ABORTED
    ledger.in_doubt = False
    if not (yield from _roll(ledger, False, roll)):
        return AbortStatus.ROLL_BACK_ABANDONED
    return AbortStatus.OK if (yield from _close(ledger, roll)) else AbortStatus.CLOSE_ABANDONED


def _roll(ledger: Ledger, forward: bool, roll: Settings) -> Steps[bool]:
    """Make what was written the records (`forward`), or drop it; returns whether that is done everywhere."""
    keys = list(ledger.writes.values())
    try:
        if len(keys) == 1:
            yield roll_command(keys[0], forward, ledger.id, roll)
        elif keys:
            results = yield roll_batch(keys, forward, ledger.id, ledger.deadline, roll)
            return _failure_of(results) is None
    except AerospikeError:
        return False
    return True


def _close(ledger: Ledger, roll: Settings) -> Steps[bool]:
    """Have the monitor record removed, if it is not still needed; returns whether it is gone."""
    ledger.forget_records()
    if not ledger.deadline or ledger.write_in_doubt:
        return True
    try:
        yield close_command(_monitor(ledger), roll)
    except AerospikeError:
        return False
    return True


def _monitor(ledger: Ledger) -> Key:
    namespace = ledger.namespace
    assert namespace is not None
    return monitor_key(namespace, ledger.id)


# Running one again ------------------------------------------------------------------------------------------


class Repeats:
    """Whether a transaction that has failed is run again, and after which pause.

    Args:
        retries: how often, at most.
    """

    def __init__(self, retries: int) -> None:
        self._left = retries
        self._pause = LEAST_PAUSE

    def pause_after(self, error: AerospikeError, *, returned: bool = True) -> float | None:
        """How many milliseconds to wait before it is run again, or its commit in doubt asked for again.

        None if neither is done.

        Args:
            error: what it has failed with.
            returned: whether its function had returned. A commit in doubt that the function raises is one
                that it has made itself, maybe of another transaction: that would be done twice.
        """
        if not self._left or not is_conflict(error):
            return None
        if not returned and isinstance(error, TransactionFailed) and error.in_doubt:
            return None
        self._left -= 1
        pause, self._pause = self._pause, min(self._pause * 2, MOST_PAUSE)
        return jittered(pause)


CONFLICTS = (TransactionBlocked, TransactionVersionMismatch, TransactionExpired, TransactionAborted)
CODES_OF_CONFLICTS: frozenset[ResultCode | None] = frozenset(kind.code for kind in CONFLICTS)


def is_conflict(error: AerospikeError) -> bool:
    """Whether the whole transaction may succeed if it is run again, as others were in its way."""
    if isinstance(error, TransactionFailed):
        return error.retryable if error.in_doubt else error.result_code in CODES_OF_CONFLICTS
    if isinstance(error, BatchError):
        failed = [row.error for row in error.results if row.error is not None]
        return bool(failed) and all(is_conflict(each) for each in failed)
    return isinstance(error, CONFLICTS) and isinstance(error, ServerError)

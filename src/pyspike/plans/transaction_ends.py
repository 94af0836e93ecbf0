"""The steps by which transactions are committed and aborted.

They are generators, as those of commands (`plans/transactions.py`), and follow transactions.md 12.5. A
deadline ends them in time; the transaction is what it is by then. Where records could not be told so, by then
or at all, `finish` tries once more, for which nobody waits.
"""

from __future__ import annotations

import logging
from typing import TypeVar

from pyspike._wire import (
    Batch,
    BatchRecord,
    Command,
    Key,
    Settings,
    close_command,
    limit_call,
    mark_command,
    monitor_key,
    roll_batch,
    roll_command,
    verify_batch,
    verify_command,
)
from pyspike.batch import BatchResults
from pyspike.errors import (
    AerospikeError,
    TimeoutError,
    TransactionAborted,
    TransactionAlreadyAborted,
    TransactionAlreadyCommitted,
    TransactionCommitted,
    TransactionExpired,
    TransactionFailed,
    from_code,
)
from pyspike.plans.transactions import Steps, Wait
from pyspike.policy import TxnRollPolicy
from pyspike.result_code import ResultCode
from pyspike.transaction_ledger import (
    NEVER,
    AbortStatus,
    CommitStatus,
    Deadline,
    Ledger,
    TransactionState,
)

__all__ = ["abort", "commit", "finish", "leave"]

log = logging.getLogger("pyspike.transactions")

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
ONCE_AGAIN = TxnRollPolicy(max_retries=1, sleep_between_retries=0).settings  # where nobody waits
SHOWN_KEYS = 5  # in a line of the log

# What the end of a transaction gives: if all is done, if not all records could be told so, and if the servers
# could not be told that all is done.
COMMITTED = (CommitStatus.OK, CommitStatus.ROLL_FORWARD_ABANDONED, CommitStatus.CLOSE_ABANDONED)
ABORTED = (AbortStatus.OK, AbortStatus.ROLL_BACK_ABANDONED, AbortStatus.CLOSE_ABANDONED)

S = TypeVar("S", bound="CommitStatus | AbortStatus")
W = TypeVar("W", Command, Batch)


def commit(
    ledger: Ledger, verify: Settings, roll: Settings, deadline: Deadline = NEVER
) -> Steps[CommitStatus]:
    """The steps of a commit.

    Args:
        ledger: of the transaction.
        verify: of a `TxnVerifyPolicy`.
        roll: of a `TxnRollPolicy`.
        deadline: until when all of it may take.
    """
    idle = yield from _begin_end(ledger, deadline)
    try:
        if ledger.state is TransactionState.COMMITTED:
            return CommitStatus.ALREADY_COMMITTED
        if ledger.state is TransactionState.ABORTED:
            raise TransactionAlreadyAborted(
                "the transaction is aborted, and can't be committed", advice="run it again"
            )
        if not idle:
            raise _too_late(deadline, "commands of it were still under way")
        if ledger.state is TransactionState.OPEN:
            yield from _verify(ledger, verify, roll, deadline)
        if ledger.deadline:
            yield from _mark(ledger, roll, deadline)
        ledger.state = TransactionState.COMMITTED
        ledger.in_doubt = False
        return (yield from _tell(ledger, roll, deadline, COMMITTED))
    finally:
        ledger.end_ended()


def abort(ledger: Ledger, roll: Settings, deadline: Deadline = NEVER) -> Steps[AbortStatus]:
    """The steps of an abort.

    Args:
        ledger: of the transaction.
        roll: of a `TxnRollPolicy`.
        deadline: until when all of it may take.
    """
    idle = yield from _begin_end(ledger, deadline)
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
        if idle:
            return (yield from _abandon(ledger, roll, deadline))
        ledger.note_aborted()
        ledger.untold = True  # what is under way may write, and is undone when it has ended
        ledger.status = AbortStatus.ROLL_BACK_ABANDONED
        return AbortStatus.ROLL_BACK_ABANDONED
    finally:
        ledger.end_ended()


def finish(ledger: Ledger, deadline: Deadline) -> Steps[None]:
    """The steps of an abort that nobody asked for, or of telling the records that could not be told yet.

    What is not done in time is left to the servers.

    Args:
        ledger: of the transaction.
        deadline: the time at which it ends at the latest.
    """
    while (other := ledger.begin_end()) is not None:
        if deadline.is_over:
            return  # that commit or abort goes on
        yield Wait(other, deadline.left)
    try:
        if not ledger.is_open and not ledger.untold:
            return
        while (running := ledger.still_running()) is not None and not deadline.is_over:
            yield Wait(running, deadline.left)
        if ledger.is_open:
            ledger.note_aborted()
        if running is None:
            if ledger.state is TransactionState.COMMITTED:
                yield from _tell(ledger, ONCE_AGAIN, deadline, COMMITTED)
            else:
                yield from _tell(ledger, ONCE_AGAIN, deadline, ABORTED)
    finally:
        leave(ledger)
        ledger.end_ended()


def leave(ledger: Ledger) -> None:
    """Leave it to the servers to tell the records that could not be told yet; the log says which."""
    if ledger.untold and (keys := ledger.unfinished):
        more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
        log.warning(
            "transaction %#018x is %s; records that were not told are locked until its time is over: %s%s",
            ledger.id,
            ledger.state.name.lower(),
            ", ".join(map(repr, keys[:SHOWN_KEYS])),
            more,
        )
    ledger.untold = False


def _begin_end(ledger: Ledger, deadline: Deadline) -> Steps[bool]:
    """Let no command begin any more, and wait for those under way and for another end.

    Returns:
        Whether all commands have ended by the deadline.
    """
    while (until := ledger.begin_end()) is not None:
        if deadline.is_over:
            raise TransactionFailed(
                "another commit or abort of the transaction is still under way",
                in_doubt=True,
                timeout=deadline.span,
                advice="do the same again, which tells what has come of it",
            )
        yield Wait(until, deadline.left)
    try:
        while (running := ledger.still_running()) is not None and not deadline.is_over:
            yield Wait(running, deadline.left)
    except BaseException:  # cancelled
        ledger.end_ended()
        raise
    return running is None


def _too_late(deadline: Deadline, why: str = "its deadline has passed") -> TimeoutError:
    return TimeoutError(
        f"the transaction is not committed: {why}",
        timeout=deadline.span,
        advice="raise the total_timeout of the transaction, or do less in it",
    )


def _limited(work: W, deadline: Deadline) -> W:
    """A request, which takes no longer than until the deadline."""
    left = deadline.left
    if left is not None:
        limit_call(work, left)
    return work


def _verify(ledger: Ledger, verify: Settings, roll: Settings, deadline: Deadline) -> Steps[None]:
    """Ask whether the records that were read are still the same; if not, abort."""
    if ledger.unsure is not None:
        yield from _abandon(ledger, roll, deadline)
        raise TransactionFailed(
            "the transaction is aborted: of a record that it had read, a write is in doubt",
            key=ledger.unsure,
            advice="run it again",
        )
    reads = list(ledger.reads.values())
    failure: AerospikeError | None = None
    if reads and deadline.is_over:
        raise _too_late(deadline)
    try:
        if ledger.torn is not None:  # whichever version is asked for, the other one was read too
            failure = from_code(int(ResultCode.MRT_VERSION_MISMATCH), key=ledger.torn)
        elif len(reads) == 1:
            ((key, version),) = reads
            yield _limited(verify_command(key, version, verify), deadline)
        elif reads:
            asked = verify_batch([key for key, _ in reads], [version for _, version in reads], verify)
            failure = _failure_of((yield _limited(asked, deadline)))
    except AerospikeError as error:
        failure = error
    if failure is None:
        ledger.state = TransactionState.VERIFIED
        return
    try:
        yield from _abandon(ledger, roll, deadline)
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
    return next((error for row in results if (error := _error_of(row)) is not None), None)


def _error_of(row: BatchRecord) -> AerospikeError | None:
    if row.error is None and row.result_code != ResultCode.OK:
        return from_code(int(row.result_code or 0), key=row.key)
    return row.error


def _mark(ledger: Ledger, roll: Settings, deadline: Deadline) -> Steps[None]:
    """Have the monitor record know that the transaction is committed, which is the moment it is."""
    if deadline.is_over and not ledger.in_doubt:
        raise _too_late(deadline)
    try:
        yield _limited(mark_command(_monitor(ledger), roll), deadline)
    except TransactionCommitted:  # by an attempt whose answer was lost
        return
    except TransactionAborted as error:
        ledger.note_aborted()
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


def _abandon(ledger: Ledger, roll: Settings, deadline: Deadline) -> Steps[AbortStatus]:
    """Abort, and have the records that were written be as before."""
    ledger.note_aborted()
    return (yield from _tell(ledger, roll, deadline, ABORTED))


def _tell(ledger: Ledger, roll: Settings, deadline: Deadline, statuses: tuple[S, S, S]) -> Steps[S]:
    """Have the records be as the transaction has left them, or as before, and the monitor record removed.

    Args:
        ledger: of the transaction, which is committed or aborted.
        roll: of a `TxnRollPolicy`.
        deadline: until when it may take.
        statuses: what it gives: `COMMITTED` or `ABORTED`.
    """
    done, not_rolled, not_closed = statuses
    ledger.status, ledger.unfinished = not_rolled, tuple(ledger.writes.values())
    ledger.untold = True  # also if it is cancelled
    ledger.unfinished = yield from _roll(ledger, roll, deadline)
    ledger.untold = bool(ledger.unfinished)
    if ledger.untold:
        return not_rolled
    ledger.status = not_closed
    if (yield from _close(ledger, roll, deadline)):
        ledger.status = done
        return done
    return not_closed


def _roll(ledger: Ledger, roll: Settings, deadline: Deadline) -> Steps[tuple[Key, ...]]:
    """Make what was written the records, or drop it; returns those for which that is not done."""
    keys, forward = tuple(ledger.writes.values()), ledger.state is TransactionState.COMMITTED
    if not keys or deadline.is_over:
        return keys
    try:
        if len(keys) == 1:
            yield _limited(roll_command(keys[0], forward, ledger.id, roll), deadline)
        else:
            rolled = roll_batch(list(keys), forward, ledger.id, ledger.deadline, roll)
            results: BatchResults = yield _limited(rolled, deadline)
            return tuple(row.key for row in results if _error_of(row) is not None)
    except AerospikeError:
        return keys
    return ()


def _close(ledger: Ledger, roll: Settings, deadline: Deadline) -> Steps[bool]:
    """Have the monitor record removed, if it is not still needed; returns whether it is gone."""
    ledger.forget_records()
    if not ledger.deadline or ledger.write_in_doubt:
        return True
    if deadline.is_over:
        return False
    try:
        yield _limited(close_command(_monitor(ledger), roll), deadline)
    except AerospikeError:
        return False
    return True


def _monitor(ledger: Ledger) -> Key:
    namespace = ledger.namespace
    assert namespace is not None
    return monitor_key(namespace, ledger.id)

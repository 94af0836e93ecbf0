"""The calls of `Client` for transactions: beginning one, ending it, and running a function in one.

What a transaction is, is in `transaction`; its steps are in `plans/transactions.py` and
`plans/transaction_ends.py`. Those of `AsyncClient` are in `async_transactions`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pyspike._types import Milliseconds
from pyspike._wire import Batch, Command, Executor, TransactionExecutor, timeout_ms
from pyspike.arguments import ending_settings, times_again
from pyspike.client_part import ClientPart
from pyspike.errors import AerospikeError, InvalidArgument
from pyspike.process.lazy_imports import importing
from pyspike.transaction import (
    BlockingTransaction,
    Transaction,
    attach,
    check_bound,
    ledger_of,
    left_open,
    seconds_of,
    warn_of_open,
)
from pyspike.transaction_ledger import LEAVING, AbortStatus, CommitStatus, Deadline, Ledger

if TYPE_CHECKING:
    from pyspike.plans.transactions import Steps

__all__ = ["REPEATS", "TOTAL", "Transactions", "bound", "deadline_of_all", "deadline_of_end", "refuse_bound"]

REPEATS = 10  # times that a function is run again, by default
TOTAL = 10_000.0  # ms that it all may take, by default
FINISHING = "pyspike-transaction"  # the name of threads that end what nobody waits for
MOST_FINISHING = 16

T = TypeVar("T")


class Transactions(ClientPart):
    """What `Client` has besides its commands on records: transactions."""

    __slots__ = ()

    def _take_part(self, txn: Any, work: Command | Batch) -> Any:
        """Run a command or a batch as part of a transaction."""
        with importing:
            from pyspike.plans.transactions import take_part

        ledger, executor = ledger_of(txn), self._executor
        if isinstance(executor, TransactionExecutor):
            check_bound(executor.txn, txn)
            executor = executor.executor
        attach(txn, executor.transactions, partial(_finish_later, executor))
        return _run(executor, take_part(ledger, work))

    def _abort_open(self) -> None:
        """Abort the transactions that are open, as the client is closed."""
        executor = self._unbound_executor
        left, deadline = left_open(executor.transactions), Deadline.after(LEAVING)
        for txn in left:
            _finish(executor, ledger_of(txn), deadline)
        warn_of_open(left)

    def is_strong_consistency(self, namespace: str) -> bool:
        """Whether a namespace has strong consistency (SC), which transactions need; as the client knows it.

        Raises:
            InvalidType, InvalidArgument: this can't be a namespace's name.
            InvalidNamespace: the cluster has no such namespace.
        """
        with importing:
            from pyspike.cluster.info_names import is_strong

        return is_strong(self._cluster, namespace)

    def transaction(
        self, *, timeout: int | timedelta | None = None, total_timeout: Milliseconds | None = None
    ) -> BlockingTransaction:
        """Begin a transaction: commands that happen all together or not at all.

            with client.transaction() as txn:
                balance = client.get(ann, txn=txn)["balance"]
                client.put(ann, {"balance": balance - 10}, txn=txn)
                client.add(bob, {"balance": 10}, txn=txn)

        Commands take part by the keyword `txn`, or by a view of the client that is bound to the transaction:
        see `with_transaction`. These are all on single records, and batches, but no queries and no batch
        streams. They are of one namespace, which has strong consistency, and write up to 4096 records.
        What is written is seen by the commands of the transaction only, until it is committed; meanwhile
        other writes of these records fail with `TransactionBlocked`. The end of the `with` commits; an
        exception aborts. A commit fails if a record that was read has been changed by others.

        Rows of `batch` and `batch_operate` fail without an exception, and the others would be committed:
        `client.batch(rows, txn=txn).raise_for_errors()` has it all aborted instead.

        Args:
            timeout: as of `Transaction`: in how many seconds, from its first write on, it must be committed.
            total_timeout: how many milliseconds it may take from now on, its commands, its commit and its
                abort included; or a timedelta. 0 and None for no limit but those of the policies.

        Raises:
            InvalidType, InvalidArgument: an argument is no such span of time.
        """
        return self._begin(timeout, deadline_of_all(total_timeout, 0.0))

    def _begin(self, timeout: int | timedelta | None, deadline: Deadline) -> BlockingTransaction:
        refuse_bound(self._executor, "begins no other one")
        txn = BlockingTransaction(self, timeout)
        ledger_of(txn).limit = deadline
        return txn

    def commit(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> CommitStatus:
        """Have all that a transaction has written happen. Waits for its commands that are under way.

        Records that could not be told, in time or at all, are told in the background, for a second at most;
        then the servers do it when the transaction's time is over: see `Transaction.unfinished`.

        One whose commit was in doubt may be committed again, also by another process, which has it by pickle.

        Args:
            txn: the transaction.
            total_timeout: how many milliseconds all of it may take, or a timedelta; 0 for as long as the
                policies let each step. None for what is left to the transaction.

        Returns:
            What was done; the transaction is committed with each of these.

        Raises:
            TransactionFailed: it is not committed, or with `in_doubt` may be or not. Where a record that it
                had read has changed, or a later write of it is in doubt, or the servers have aborted it, it
                is aborted now; else its `state` and the error's advice say what may follow.
            TimeoutError: the time was over before that; it is not committed, and may be committed again or
                aborted.
            TransactionAlreadyAborted: it was aborted before.
            InvalidType, InvalidArgument: this is no transaction, or no span of time.
        """
        with importing:
            from pyspike.plans.transaction_ends import commit

        ledger = ledger_of(txn)
        deadline = deadline_of_end(ledger, total_timeout)
        verify, roll = ending_settings(self._policies, self._cluster.dynamic)
        return self._end(ledger, commit(ledger, verify, roll, deadline))

    def abort(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> AbortStatus:
        """Have nothing happen of what a transaction has written. Waits for its commands that are under way.

        Records that could not be told, in time or at all, are told later, as by `commit`.

        Args:
            txn: the transaction.
            total_timeout: as of `commit`.

        Returns:
            What was done; the transaction is aborted with each of these.

        Raises:
            TransactionAlreadyCommitted: it was committed before.
            TransactionFailed: it may be committed, as an in-doubt commit has failed: commit it again.
            InvalidType, InvalidArgument: this is no transaction, or no span of time.
        """
        with importing:
            from pyspike.plans.transaction_ends import abort

        ledger = ledger_of(txn)
        deadline = deadline_of_end(ledger, total_timeout)
        _, roll = ending_settings(self._policies, self._cluster.dynamic)
        return self._end(ledger, abort(ledger, roll, deadline))

    def _end(self, ledger: Ledger, steps: Steps[T]) -> T:
        """Run the steps of a commit or an abort; records that were not told are told in the background."""
        try:
            return _run(self._unbound_executor, steps)
        finally:
            if ledger.untold:
                _tell_later(self._unbound_executor, ledger)

    def run_in_transaction(
        self,
        function: Callable[[BlockingTransaction], T],
        *,
        retries: int = REPEATS,
        timeout: int | timedelta | None = None,
        total_timeout: Milliseconds | None = None,
    ) -> T:
        """Call a function with a transaction, commit it, and return what the function returns.

            def transfer(txn):
                ...
                client.put(ann, {"balance": balance - 10}, txn=txn)

            client.run_in_transaction(transfer)

        If other transactions or writes are in its way, it is aborted, and the function is called again with
        a new transaction, after pauses that grow. So it should do nothing that can't be done twice. A commit
        in doubt is asked for again; not one that the function itself makes, also of another transaction.

        Args:
            function: is given the transaction, for the `txn` of its commands.
            retries: how often it is called again, at most; 10 times by default.
            timeout: of each transaction, as of `Transaction`.
            total_timeout: how many milliseconds all of it may take, calls of the function included; or a
                timedelta, and 0 for no limit but those of the policies. By default these are ten seconds, or
                the `timeout` if that is longer. No command and no other call begins after that.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            AerospikeError: the last conflict, or what else has failed.
            TimeoutError: (one of these) the time was over before the commit. If it is over in the middle of
                it, that is a `TransactionFailed` which may be `in_doubt`.
            Exception: what the function raises; the transaction is aborted then.
        """
        with importing:
            from pyspike.plans.transaction_repeats import Repeats

        deadline = deadline_of_all(total_timeout, max(TOTAL, seconds_of(timeout) * 1000.0))
        repeats = Repeats(times_again(retries), deadline)
        while True:
            txn, returned = self._begin(timeout, deadline), False
            try:
                with txn:
                    result = function(txn)
                    returned = True
            except AerospikeError as error:
                pause = repeats.pause_after(error, returned=returned)
                if pause is None:
                    raise
            else:
                return result
            time.sleep(pause / 1000)
            while txn.in_doubt:
                try:
                    self.commit(txn)
                    return result
                except AerospikeError as error:
                    pause = repeats.pause_after(error)
                    if pause is None:
                        raise
                time.sleep(pause / 1000)


def bound(executor: Executor, txn: Transaction, take_part: Callable[[Any, Any], Any]) -> Executor:
    """What runs the commands of a view that is bound to a transaction.

    Args:
        executor: of the client.
        txn: the transaction.
        take_part: what the client has its commands take part by.

    Raises:
        InvalidType: this is no transaction.
        InvalidArgument: the client is bound to another one.
    """
    ledger_of(txn)
    if isinstance(executor, TransactionExecutor):
        check_bound(executor.txn, txn)
        return executor
    return TransactionExecutor(executor, txn, take_part)


def refuse_bound(executor: Executor, what: str) -> None:
    """Refuse what a client that is bound to a transaction does not do.

    Args:
        executor: the client's.
        what: in words, behind "the client".

    Raises:
        InvalidArgument: it is bound to one.
    """
    if isinstance(executor, TransactionExecutor):
        raise InvalidArgument(
            f"the client is bound to a transaction, and {what}",
            advice="do it by the client that it is a view of",
        )


def deadline_of_all(total_timeout: Milliseconds | None, default: float) -> Deadline:
    """Until when a transaction that begins now may take; `default` counts for None, and 0 is for ever.

    Raises:
        InvalidType, InvalidArgument: this is no span of time.
    """
    return Deadline.after(default if total_timeout is None else timeout_ms(total_timeout))


def deadline_of_end(ledger: Ledger, total_timeout: Milliseconds | None) -> Deadline:
    """Until when a commit or an abort that begins now may take; None is for what is left to the transaction.

    Raises:
        InvalidType, InvalidArgument: this is no span of time.
    """
    return ledger.limit if total_timeout is None else Deadline.after(timeout_ms(total_timeout))


def _run(executor: Executor, steps: Steps[T]) -> T:
    """Run the steps of a transaction, each of which blocks."""
    try:
        work = next(steps)
        while True:
            try:
                outcome = _done(executor, work)
            except BaseException as error:  # noqa: PERF203 - a step is a request
                work = steps.throw(error)
            else:
                work = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


def _done(executor: Executor, work: Any) -> Any:
    """What comes of a step."""
    if isinstance(work, (Command, Batch)):
        return executor.submit(work)
    with importing:
        from concurrent.futures import TimeoutError as TimeOver  # before Python 3.11 not the builtin one

    with contextlib.suppress(TimeOver):
        work.until.result(None if work.timeout is None else work.timeout / 1000)
    return None


def _finish(executor: Executor, ledger: Ledger, deadline: Deadline) -> None:
    """End a transaction that nobody waits for; what can't be done in time is left to the servers."""
    with importing:
        from pyspike.plans.transaction_ends import finish

    with contextlib.suppress(AerospikeError):
        _run(executor, finish(ledger, deadline))


def _finish_later(executor: Executor, ledger: Ledger) -> None:
    """The same in a thread of its own, as the garbage collector may have called."""
    deadline = Deadline.after(LEAVING)
    threading.Thread(target=_finish, args=(executor, ledger, deadline), name=FINISHING, daemon=True).start()


def _tell_later(executor: Executor, ledger: Ledger) -> None:
    """Tell the records in the background; or leave it to the servers, while many wait there in vain."""
    if sum(thread.name == FINISHING for thread in threading.enumerate()) < MOST_FINISHING:
        _finish_later(executor, ledger)
        return
    with importing:
        from pyspike.plans.transaction_ends import leave

    leave(ledger)

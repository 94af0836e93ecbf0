"""The calls of `Client` for transactions: beginning one, ending it, and running a function in one.

What a transaction is, is in `transaction`; its steps are in `plans/transactions.py`. Those of `AsyncClient`
are in `async_transactions`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pyspike._wire import Batch, Command, Executor
from pyspike.arguments import ending_settings, times_again
from pyspike.client_part import ClientPart
from pyspike.errors import AerospikeError
from pyspike.process.lazy_imports import importing
from pyspike.transaction import (
    AbortStatus,
    BlockingTransaction,
    CommitStatus,
    Ledger,
    Transaction,
    attach,
    ledger_of,
    left_open,
    warn_of_open,
)

if TYPE_CHECKING:
    from pyspike.plans.transactions import Steps

__all__ = ["LEAVING", "REPEATS", "Transactions"]

REPEATS = 10  # times that a function is run again, by default
# Seconds for a transaction that is dropped, or for all those that are open when their client is closed:
# nobody waits for these longer.
LEAVING = 1.0

T = TypeVar("T")


class Transactions(ClientPart):
    """What `Client` has besides its commands on records: transactions."""

    __slots__ = ()

    def _take_part(self, txn: Any, work: Command | Batch) -> Any:
        """Run a command or a batch as part of a transaction."""
        with importing:
            from pyspike.plans.transactions import take_part

        ledger = ledger_of(txn)
        attach(txn, self._executor.transactions, partial(_abort_later, self._executor))
        return _run(self._executor, take_part(ledger, work))

    def _abort_open(self) -> None:
        """Abort the transactions that are open, as the client is closed."""
        left, until = left_open(self._executor.transactions), time.monotonic() + LEAVING
        for txn in left:
            _abort(self._executor, ledger_of(txn), until)
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

    def transaction(self, *, timeout: int | timedelta | None = None) -> BlockingTransaction:
        """Begin a transaction: commands that happen all together or not at all.

            with client.transaction() as txn:
                balance = client.get(ann, txn=txn)["balance"]
                client.put(ann, {"balance": balance - 10}, txn=txn)
                client.add(bob, {"balance": 10}, txn=txn)

        Commands take part by the keyword `txn`: all on single records, and batches, but no queries and no
        batch streams. They are of one namespace, which has strong consistency, and write up to 4096 records.
        What is written is seen by the commands of the transaction only, until it is committed; meanwhile
        other writes of these records fail with `TransactionBlocked`. The end of the `with` commits; an
        exception aborts. A commit fails if a record that was read has been changed by others.

        Rows of `batch` and `batch_operate` fail without an exception, and the others would be committed:
        `client.batch(rows, txn=txn).raise_for_errors()` has it all aborted instead.

        Args:
            timeout: as of `Transaction`: in how many seconds, from its first write on, it must be committed.

        Raises:
            InvalidType, InvalidArgument: the timeout is no such span of time.
        """
        return BlockingTransaction(self, timeout)

    def commit(self, txn: Transaction) -> CommitStatus:
        """Have all that a transaction has written happen. Waits for its commands that are under way.

        One whose commit was in doubt may be committed again, also by another process, which has it by pickle.

        Returns:
            What was done; the transaction is committed with each of these.

        Raises:
            TransactionFailed: it is not committed, or with `in_doubt` may be or not. Where a record that it
                had read has changed, or a later write of it is in doubt, or the servers have aborted it, it
                is aborted now; else its `state` and the error's advice say what may follow.
            TransactionAlreadyAborted: it was aborted before.
            InvalidType: this is no transaction.
        """
        with importing:
            from pyspike.plans.transactions import commit

        verify, roll = ending_settings(self._policies, self._cluster.dynamic)
        return _run(self._executor, commit(ledger_of(txn), verify, roll))

    def abort(self, txn: Transaction) -> AbortStatus:
        """Have nothing happen of what a transaction has written. Waits for its commands that are under way.

        Returns:
            What was done; the transaction is aborted with each of these.

        Raises:
            TransactionAlreadyCommitted: it was committed before.
            TransactionFailed: it may be committed, as an in-doubt commit has failed: commit it again.
            InvalidType: this is no transaction.
        """
        with importing:
            from pyspike.plans.transactions import abort

        _, roll = ending_settings(self._policies, self._cluster.dynamic)
        return _run(self._executor, abort(ledger_of(txn), roll))

    def run_in_transaction(
        self,
        function: Callable[[BlockingTransaction], T],
        *,
        retries: int = REPEATS,
        timeout: int | timedelta | None = None,
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
            retries: how often it is called again, at most.
            timeout: of each transaction, as of `Transaction`.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            AerospikeError: the last conflict, or what else has failed.
            Exception: what the function raises; the transaction is aborted then.
        """
        with importing:
            from pyspike.plans.transactions import Repeats

        repeats = Repeats(times_again(retries))
        while True:
            txn, returned = self.transaction(timeout=timeout), False
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


def _abort(executor: Executor, ledger: Ledger, until: float) -> None:
    """Abort a transaction that nobody holds any more; what can't be done in time is left to the servers."""
    with importing:
        from pyspike.plans.transactions import give_up

    with contextlib.suppress(AerospikeError):
        _run(executor, give_up(ledger, until))


def _abort_later(executor: Executor, ledger: Ledger) -> None:
    """The same in a thread of its own, as the garbage collector may have called."""
    until = time.monotonic() + LEAVING
    threading.Thread(target=_abort, args=(executor, ledger, until), name="pyspike-abort", daemon=True).start()

"""The calls of `AsyncClient` for transactions; what they do is told in `transactions`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from pyspike._types import Milliseconds
from pyspike._wire import Batch, Command, Executor, TransactionExecutor
from pyspike.arguments import ending_settings, times_again
from pyspike.client_part import ClientPart
from pyspike.cluster.info_names import is_strong
from pyspike.errors import AerospikeError
from pyspike.plans.transaction_ends import abort, commit, finish
from pyspike.plans.transaction_repeats import Repeats
from pyspike.plans.transactions import Steps, take_part
from pyspike.transaction import (
    AsyncTransaction,
    Transaction,
    attach,
    check_bound,
    ledger_of,
    left_open,
    seconds_of,
    warn_of_open,
)
from pyspike.transaction_ledger import LEAVING, AbortStatus, CommitStatus, Deadline, Ledger
from pyspike.transactions import REPEATS, TOTAL, deadline_of_all, deadline_of_end, refuse_bound

__all__ = ["AsyncTransactions"]

T = TypeVar("T")


class AsyncTransactions(ClientPart):
    """What `AsyncClient` has besides its commands on records: transactions."""

    __slots__ = ()

    _loops: Any  # the executor of `aio`, which is above

    def _take_part(self, txn: Any, work: Command | Batch) -> Any:
        """The coroutine of a command or a batch that is part of a transaction."""
        ledger = ledger_of(txn)
        if isinstance(self._executor, TransactionExecutor):
            check_bound(self._executor.txn, txn)
        running: Any = self._take_part_of(txn, ledger, work)
        running.__name__, running.__qualname__ = work.name, f"AsyncClient.{work.name}"
        return running

    async def _take_part_of(self, txn: Transaction, ledger: Ledger, work: Command | Batch) -> Any:
        finish_later = partial(_finish_later, self._loops, asyncio.get_running_loop())
        attach(txn, self._loops.transactions, finish_later)
        return await _run(self._unbound_executor, take_part(ledger, work))

    async def _abort_open(self) -> None:
        """Abort the transactions that are open, as the client is closed."""
        left, deadline = left_open(self._loops.transactions), Deadline.after(LEAVING)
        for txn in left:
            await _finish(self._unbound_executor, ledger_of(txn), deadline)
        warn_of_open(left)

    def is_strong_consistency(self, namespace: str) -> bool:
        """Whether a namespace has strong consistency: see `Client.is_strong_consistency`."""
        return is_strong(self._cluster, namespace)

    def transaction(
        self, *, timeout: int | timedelta | None = None, total_timeout: Milliseconds | None = None
    ) -> AsyncTransaction:
        """Begin a transaction: see `Client.transaction`. For `async with`; it is not awaited itself.

        A task that is cancelled in it waits for the abort, but no longer than a second.
        """
        return self._begin(timeout, deadline_of_all(total_timeout, 0.0))

    def _begin(self, timeout: int | timedelta | None, deadline: Deadline) -> AsyncTransaction:
        refuse_bound(self._executor, "begins no other one")
        txn = AsyncTransaction(self, timeout)
        ledger_of(txn).limit = deadline
        return txn

    async def commit(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> CommitStatus:
        """Have all that a transaction has written happen: see `Client.commit`."""
        ledger = ledger_of(txn)
        deadline = deadline_of_end(ledger, total_timeout)
        verify, roll = ending_settings(self._policies, self._cluster.dynamic)
        return await self._end(ledger, commit(ledger, verify, roll, deadline))

    async def abort(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> AbortStatus:
        """Have nothing happen of what a transaction has written: see `Client.abort`."""
        ledger = ledger_of(txn)
        deadline = deadline_of_end(ledger, total_timeout)
        _, roll = ending_settings(self._policies, self._cluster.dynamic)
        return await self._end(ledger, abort(ledger, roll, deadline))

    async def _end(self, ledger: Ledger, steps: Steps[T]) -> T:
        """Run the steps of a commit or an abort; records that were not told are told in the background."""
        try:
            return await _run(self._unbound_executor, steps)
        finally:
            if ledger.untold:
                _finish_later(self._unbound_executor, asyncio.get_running_loop(), ledger)

    async def run_in_transaction(
        self,
        function: Callable[[AsyncTransaction], Awaitable[T]],
        *,
        retries: int = REPEATS,
        timeout: int | timedelta | None = None,
        total_timeout: Milliseconds | None = None,
    ) -> T:
        """Call a function with a transaction, commit it, and return what the function returns:
        see `Client.run_in_transaction`. The function is a coroutine function.

        A task that is cancelled in it waits for the abort, but no longer than a second.
        """
        deadline = deadline_of_all(total_timeout, max(TOTAL, seconds_of(timeout) * 1000.0))
        repeats = Repeats(times_again(retries), deadline)
        while True:
            txn, returned = self._begin(timeout, deadline), False
            try:
                async with txn:
                    result = await function(txn)
                    returned = True
            except AerospikeError as error:
                pause = repeats.pause_after(error, returned=returned)
                if pause is None:
                    raise
            else:
                return result
            await asyncio.sleep(pause / 1000)
            while txn.in_doubt:
                try:
                    await self.commit(txn)
                    return result
                except AerospikeError as error:
                    pause = repeats.pause_after(error)
                    if pause is None:
                        raise
                await asyncio.sleep(pause / 1000)


async def _run(executor: Executor, steps: Steps[T]) -> T:
    """Run the steps of a transaction, each of which is awaited."""
    try:
        work = next(steps)
        while True:
            try:
                outcome = await _done(executor, work)
            except BaseException as error:  # noqa: PERF203 - a step is a request
                work = steps.throw(error)
            else:
                work = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


async def _done(executor: Executor, work: Any) -> Any:
    """What comes of a step."""
    if isinstance(work, (Command, Batch)):
        return await executor.submit(work)
    timeout = None if work.timeout is None else work.timeout / 1000
    await asyncio.wait([asyncio.wrap_future(work.until)], timeout=timeout)
    return None


async def _finish(executor: Executor, ledger: Ledger, deadline: Deadline) -> None:
    """End a transaction that nobody waits for; what can't be done in time is left to the servers."""
    with contextlib.suppress(AerospikeError):
        await _run(executor, finish(ledger, deadline))


def _finish_later(executor: Executor, loop: asyncio.AbstractEventLoop, ledger: Ledger) -> None:
    """The same in a task of the loop that it was used in, whichever thread has dropped it."""

    def begin() -> None:
        task = loop.create_task(_finish(executor, ledger, Deadline.after(LEAVING)))
        _finishing.add(task)
        task.add_done_callback(_finishing.discard)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(begin)


_finishing: set[asyncio.Task[None]] = set()  # a loop keeps no task alive

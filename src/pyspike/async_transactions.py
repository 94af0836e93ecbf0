"""The calls of `AsyncClient` for transactions; what they do is told in `transactions`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from pyspike._wire import Batch, Command, Executor
from pyspike.arguments import ending_settings, times_again
from pyspike.client_part import ClientPart
from pyspike.cluster.info_names import is_strong
from pyspike.errors import AerospikeError
from pyspike.plans.transactions import Repeats, Steps, abort, commit, give_up, take_part
from pyspike.transaction import (
    AbortStatus,
    AsyncTransaction,
    CommitStatus,
    Ledger,
    Transaction,
    attach,
    ledger_of,
    left_open,
    warn_of_open,
)
from pyspike.transactions import LEAVING, REPEATS

__all__ = ["AsyncTransactions"]

T = TypeVar("T")


class AsyncTransactions(ClientPart):
    """What `AsyncClient` has besides its commands on records: transactions."""

    __slots__ = ()

    _loops: Any  # the executor of `aio`, which is above

    def _take_part(self, txn: Any, work: Command | Batch) -> Any:
        """The coroutine of a command or a batch that is part of a transaction."""
        running: Any = self._take_part_of(txn, ledger_of(txn), work)
        running.__name__, running.__qualname__ = work.name, f"AsyncClient.{work.name}"
        return running

    async def _take_part_of(self, txn: Transaction, ledger: Ledger, work: Command | Batch) -> Any:
        abort_later = partial(_abort_later, self._loops, asyncio.get_running_loop())
        attach(txn, self._loops.transactions, abort_later)
        return await _run(self._executor, take_part(ledger, work))

    async def _abort_open(self) -> None:
        """Abort the transactions that are open, as the client is closed."""
        left, until = left_open(self._loops.transactions), time.monotonic() + LEAVING
        for txn in left:
            await _abort(self._executor, ledger_of(txn), until)
        warn_of_open(left)

    def is_strong_consistency(self, namespace: str) -> bool:
        """Whether a namespace has strong consistency: see `Client.is_strong_consistency`."""
        return is_strong(self._cluster, namespace)

    def transaction(self, *, timeout: int | timedelta | None = None) -> AsyncTransaction:
        """Begin a transaction: see `Client.transaction`. For `async with`; it is not awaited itself."""
        return AsyncTransaction(self, timeout)

    async def commit(self, txn: Transaction) -> CommitStatus:
        """Have all that a transaction has written happen: see `Client.commit`."""
        verify, roll = ending_settings(self._policies, self._cluster.dynamic)
        return await _run(self._executor, commit(ledger_of(txn), verify, roll))

    async def abort(self, txn: Transaction) -> AbortStatus:
        """Have nothing happen of what a transaction has written: see `Client.abort`."""
        _, roll = ending_settings(self._policies, self._cluster.dynamic)
        return await _run(self._executor, abort(ledger_of(txn), roll))

    async def run_in_transaction(
        self,
        function: Callable[[AsyncTransaction], Awaitable[T]],
        *,
        retries: int = REPEATS,
        timeout: int | timedelta | None = None,
    ) -> T:
        """Call a function with a transaction, commit it, and return what the function returns:
        see `Client.run_in_transaction`. The function is a coroutine function.
        """
        repeats = Repeats(times_again(retries))
        while True:
            txn, returned = self.transaction(timeout=timeout), False
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


async def _abort(executor: Executor, ledger: Ledger, until: float) -> None:
    """Abort a transaction that nobody holds any more; what can't be done in time is left to the servers."""
    with contextlib.suppress(AerospikeError):
        await _run(executor, give_up(ledger, until))


def _abort_later(executor: Executor, loop: asyncio.AbstractEventLoop, ledger: Ledger) -> None:
    """The same in a task of the loop that it was used in, whichever thread has dropped it."""

    def begin() -> None:
        task = loop.create_task(_abort(executor, ledger, time.monotonic() + LEAVING))
        _aborting.add(task)
        task.add_done_callback(_aborting.discard)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(begin)


_aborting: set[asyncio.Task[None]] = set()  # a loop keeps no task alive

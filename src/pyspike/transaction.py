"""Transactions: what users hold of one.

Not here: what is known of it (`transaction_ledger`), and which requests are sent (`pyspike.plans`).
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol

from pyspike._types import Milliseconds
from pyspike._wire import Key, new_transaction_id, plain_int
from pyspike.errors import (
    AerospikeError,
    BatchError,
    InvalidArgument,
    InvalidType,
    TransactionAlreadyAborted,
)
from pyspike.process.weak_registry import WeakRegistry
from pyspike.showing import shown
from pyspike.transaction_ledger import (
    LEAVING,
    NOTHING_OF_IT,
    OPEN,
    AbortStatus,
    CommitStatus,
    Ledger,
    TransactionState,
)

__all__ = [
    "AbortStatus",
    "AsyncTransaction",
    "BlockingTransaction",
    "CommitStatus",
    "Transaction",
    "TransactionState",
    "attach",
    "check_bound",
    "ledger_of",
    "left_open",
    "warn_of_open",
]

MOST_SECONDS = 120  # of a transaction (transactions.md 12.3)


def seconds_of(timeout: object) -> int:
    """The seconds of a transaction: 0 for the server's default.

    Raises:
        InvalidType, InvalidArgument: this is no span of time, or not one that a server allows.
    """
    if timeout is None:
        return 0
    if isinstance(timeout, timedelta):
        seconds: int | None = -(-timeout // timedelta(seconds=1))
    else:
        seconds = plain_int(timeout)
    if seconds is None:
        raise InvalidType(
            f"a transaction's timeout is a whole number of seconds or a timedelta, not {shown(timeout)}"
        )
    if not 1 <= seconds <= MOST_SECONDS:
        raise InvalidArgument(
            f"a transaction's timeout is 1 to {MOST_SECONDS} seconds, not {shown(timeout)}",
            advice="it is in seconds, unlike other timeouts; None is the server's default",
        )
    return seconds


class Transaction:
    """Commands that happen all together or not at all.

    Mostly it comes from `Client.transaction` or `AsyncClient.transaction`, which end it by themselves. One
    that is made like this is ended by `client.commit(txn)` or `client.abort(txn)`. Several threads and tasks
    may use it at once. It can be pickled, so that another process ends it; then the copy is the one to end. A
    copy that was made before a commit or an abort does not know of it, and may undo it; one whose commit is
    in doubt can be committed by whoever has it.

    One that is dropped while it is open is aborted in the background, and warns with `ResourceWarning`.

    Args:
        timeout: in how many seconds, from its first write on, it must be committed, after which the servers
            abort it; or a timedelta. 1 to 120; None is the server's default, which is 10 as delivered.

    Raises:
        InvalidType, InvalidArgument: this is no such span of time.
    """

    __slots__ = ("__weakref__", "_ledger")

    def __init__(self, *, timeout: int | timedelta | None = None) -> None:
        self._ledger = Ledger(new_transaction_id(), seconds_of(timeout))

    @property
    def id(self) -> int:
        """The number by which the servers know it."""
        return self._ledger.id

    @property
    def namespace(self) -> str | None:
        """The namespace that it is in, which its first command tells; None before."""
        return self._ledger.namespace

    @property
    def state(self) -> TransactionState:
        """How far it is."""
        return self._ledger.state

    @property
    def timeout(self) -> int | None:
        """In how many seconds it must be committed; None for the server's default."""
        return self._ledger.timeout or None

    @property
    def in_doubt(self) -> bool:
        """Whether a commit has failed so that it is not known whether the transaction is committed."""
        return self._ledger.in_doubt

    @property
    def status(self) -> CommitStatus | AbortStatus | None:
        """What its commit or its abort has done; None before, and of one whose commit has failed.

        So it is known also of a commit by `with` or `run_in_transaction`.
        """
        return self._ledger.status

    @property
    def unfinished(self) -> tuple[Key, ...]:
        """The records that could not be told that it is committed, or aborted, as far as is known.

        Others can't write them, and read them as they were before. They are told once more in the background,
        and else by the servers when the transaction's time is over.
        """
        return self._ledger.unfinished

    def _check_not_left(self) -> None:
        """Refuse to end a `with` as if all was well, if what it did was aborted by others."""
        if self._ledger.left_open and self.state is TransactionState.ABORTED:
            raise TransactionAlreadyAborted(
                "the transaction was aborted, as its client was closed before it was committed",
                advice="close the client when its transactions have ended",
            )

    def __reduce__(self) -> tuple[Any, ...]:
        self._ledger.disarm()  # whoever has the copy ends it
        return _restored, (self._ledger.frozen(),)

    def __repr__(self) -> str:
        where = "" if self.namespace is None else f" in {shown(self.namespace)}"
        return f"<{type(self).__name__} {self.id:#018x}{where}, {self.state.name}>"

    def __del__(
        self, _warn: Callable[..., None] = warnings.warn, _ends: Callable[[], bool] = sys.is_finalizing
    ) -> None:
        ledger = getattr(self, "_ledger", None)  # None if the constructor has failed
        finish = None if ledger is None else ledger.disarm()
        if ledger is None or finish is None:
            return
        ends = _ends()
        what = (
            "was open when the interpreter ended: the servers abort it when its time is over"
            if ends
            else "was dropped while open, and is aborted"
        )
        try:
            _warn(f"{self!r} {what}", ResourceWarning, stacklevel=2)
        finally:  # also where the warning is an error
            if not ends:
                finish(ledger)


def _restored(parts: tuple[Any, ...]) -> Transaction:
    txn = Transaction.__new__(Transaction)
    txn._ledger = Ledger.thawed(parts)
    return txn


def ledger_of(txn: object) -> Ledger:
    """What is known of a transaction.

    Raises:
        InvalidType: this is none.
    """
    if not isinstance(txn, Transaction):
        raise InvalidType(
            f"txn must be a Transaction, not {type(txn).__name__}", advice="client.transaction() makes one"
        )
    return txn._ledger


def check_bound(bound: Transaction, txn: Transaction) -> None:
    """Refuse another transaction than the one that a client is bound to.

    Raises:
        InvalidArgument: it is another one.
    """
    if txn._ledger is not bound._ledger:
        raise InvalidArgument(
            "the client is bound to another transaction",
            advice="leave txn out, or call it on a client without one",
        )


def attach(txn: Transaction, known: WeakRegistry[Transaction], finisher: Callable[[Ledger], None]) -> None:
    """Have a transaction aborted if it is dropped while open.

    Args:
        txn: the transaction.
        known: those of the client that it is used with, which it is added to.
        finisher: aborts it.
    """
    ledger = txn._ledger
    if ledger.finisher is None and ledger.state is TransactionState.OPEN:
        ledger.finisher = finisher
        known.add(txn)


def finish_later(ledger: Ledger) -> None:
    """Have a transaction aborted in the background, if nobody has ended it."""
    finish = ledger.disarm()
    if finish is not None:
        finish(ledger)


def left_open(known: WeakRegistry[Transaction]) -> list[Transaction]:
    """The transactions that are open while their client is closed: whoever asks has to abort them."""
    left = [txn for txn in known.all() if txn._ledger.disarm() is not None]
    for txn in left:
        txn._ledger.left_open = True
    return left


def warn_of_open(left: Iterable[Transaction]) -> None:
    """Warn of transactions that were open when their client was closed."""
    for txn in left:
        warnings.warn(
            f"Transaction {txn.id:#018x} was open when its client was closed, and is aborted",
            ResourceWarning,
            stacklevel=4,
        )


class _Ends(Protocol):
    def commit(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> CommitStatus: ...
    def abort(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> AbortStatus: ...


class _AsyncEnds(Protocol):
    async def commit(
        self, txn: Transaction, *, total_timeout: Milliseconds | None = None
    ) -> CommitStatus: ...
    async def abort(self, txn: Transaction, *, total_timeout: Milliseconds | None = None) -> AbortStatus: ...


def _will_abort(ledger: Ledger, error: BaseException) -> None:
    """Note that this has come out of a `with`, so that an abort follows.

    One that is cancelled or interrupted is not to wait long for that.
    """
    if not isinstance(error, Exception):
        ledger.limit = ledger.limit.within(LEAVING)


def _has_aborted(ledger: Ledger, error: BaseException) -> None:
    """Have the error of a batch say that no row is in doubt, if none is as all was aborted."""
    if (
        isinstance(error, BatchError)
        and error.in_doubt
        and ledger.state is TransactionState.ABORTED
        and not any(row.in_doubt for row in error.results)
    ):
        error.in_doubt, error.advice = False, NOTHING_OF_IT


class BlockingTransaction(Transaction):
    """A transaction of a `Client`, for `with`: it is committed at the end, and aborted on an exception.

    Args:
        client: what ends it.
        timeout: as of `Transaction`.
    """

    __slots__ = ("_client",)

    def __init__(self, client: _Ends, timeout: int | timedelta | None = None) -> None:
        super().__init__(timeout=timeout)
        self._client = client

    def commit(self, *, total_timeout: Milliseconds | None = None) -> CommitStatus:
        """Have all that was written happen: see `Client.commit`."""
        return self._client.commit(self, total_timeout=total_timeout)

    def abort(self, *, total_timeout: Milliseconds | None = None) -> AbortStatus:
        """Have nothing happen: see `Client.abort`."""
        return self._client.abort(self, total_timeout=total_timeout)

    def __enter__(self) -> BlockingTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state not in OPEN:  # it was ended inside
            if kind is None:
                self._check_not_left()
            return
        if error is not None:
            with contextlib.suppress(AerospikeError):  # what was raised counts
                self._abandon(error)
            _has_aborted(self._ledger, error)
            return
        try:
            self.commit()
        except BaseException as failure:
            if self.state in OPEN:  # nobody else will
                self._abandon(failure)
            raise

    def _abandon(self, error: BaseException) -> None:
        _will_abort(self._ledger, error)
        try:
            self.abort()
        except BaseException:  # cancelled or interrupted, too
            finish_later(self._ledger)
            raise


class AsyncTransaction(Transaction):
    """A transaction of an `AsyncClient`, for `async with`: it is committed at the end, and aborted on an
    exception.

    Args:
        client: what ends it.
        timeout: as of `Transaction`.
    """

    __slots__ = ("_client",)

    def __init__(self, client: _AsyncEnds, timeout: int | timedelta | None = None) -> None:
        super().__init__(timeout=timeout)
        self._client = client

    async def commit(self, *, total_timeout: Milliseconds | None = None) -> CommitStatus:
        """Have all that was written happen: see `Client.commit`."""
        return await self._client.commit(self, total_timeout=total_timeout)

    async def abort(self, *, total_timeout: Milliseconds | None = None) -> AbortStatus:
        """Have nothing happen: see `Client.abort`."""
        return await self._client.abort(self, total_timeout=total_timeout)

    async def __aenter__(self) -> AsyncTransaction:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state not in OPEN:  # it was ended inside
            if kind is None:
                self._check_not_left()
            return
        if error is not None:
            with contextlib.suppress(AerospikeError):  # what was raised counts
                await self._abandon(error)
            _has_aborted(self._ledger, error)
            return
        try:
            await self.commit()
        except BaseException as failure:
            if self.state in OPEN:  # nobody else will
                await self._abandon(failure)
            raise

    async def _abandon(self, error: BaseException) -> None:
        _will_abort(self._ledger, error)
        try:
            await self.abort()
        except BaseException:  # cancelled or interrupted, too
            finish_later(self._ledger)
            raise

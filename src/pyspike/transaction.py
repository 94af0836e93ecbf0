"""Transactions: what users hold of one, and what is known of it.

A `Transaction` is the user's; its `Ledger` is what its commands and its end share, and outlives it if it is
dropped while open. Not here: which requests are sent (`pyspike.plans.transactions`).
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from pyspike._wire import MOST_WRITES, Key, new_transaction_id, plain_int
from pyspike.errors import (
    AerospikeError,
    InvalidArgument,
    InvalidType,
    TransactionAlreadyAborted,
    TransactionAlreadyCommitted,
    TransactionFailed,
    TransactionTooManyWrites,
)
from pyspike.process.weak_registry import WeakRegistry
from pyspike.result_code import ResultCode
from pyspike.showing import shown

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "AbortStatus",
    "AsyncTransaction",
    "BlockingTransaction",
    "CommitStatus",
    "Ledger",
    "Transaction",
    "TransactionState",
    "attach",
    "ledger_of",
    "left_open",
    "warn_of_open",
]

MOST_SECONDS = 120  # of a transaction (transactions.md 12.3)


class TransactionState(enum.Enum):
    """How far a transaction is.

    OPEN: it takes commands. VERIFIED: a commit found the records unchanged that it has read, and then failed;
    it may be committed or aborted. COMMITTED and ABORTED are its ends. COMMIT_FAILED: whether it is committed
    is not known (`in_doubt`); `commit` finds out, and finishes it.
    """

    OPEN = 0
    VERIFIED = 1
    COMMITTED = 2
    ABORTED = 3
    COMMIT_FAILED = 4


class CommitStatus(enum.Enum):
    """What a commit has done; the transaction is committed in any case.

    ROLL_FORWARD_ABANDONED: not all records could be told so. CLOSE_ABANDONED: the servers could not be told
    that all is done. Both are done by the servers themselves, when the transaction's time is over; until then
    the records concerned are locked.
    """

    OK = 0
    ALREADY_COMMITTED = 1
    ROLL_FORWARD_ABANDONED = 5
    CLOSE_ABANDONED = 6


class AbortStatus(enum.Enum):
    """What an abort has done; the transaction is aborted in any case.

    ROLL_BACK_ABANDONED: not all records could be told so. CLOSE_ABANDONED: the servers could not be told that
    all is done. Both are done by the servers themselves, when the transaction's time is over; until then the
    records concerned are locked.
    """

    OK = 0
    ALREADY_ABORTED = 1
    ROLL_BACK_ABANDONED = 3
    CLOSE_ABANDONED = 4


BEGIN_ANOTHER = "begin another one for further commands"
OPEN = (TransactionState.OPEN, TransactionState.VERIFIED)


class Ledger:
    """What is known of a transaction (transactions.md 12.2). Threads and tasks may use it at once.

    Args:
        number: its id.
        timeout: its seconds, 0 for the server's default.
    """

    __slots__ = (
        "_creating",
        "_ending",
        "_home",
        "_lock",
        "_running",
        "_waiters",
        "deadline",
        "finisher",
        "id",
        "in_doubt",
        "left_open",
        "namespace",
        "process",
        "reads",
        "state",
        "timeout",
        "torn",
        "unsure",
        "write_in_doubt",
        "writes",
    )

    def __init__(self, number: int, timeout: int) -> None:
        self.id = number
        self.timeout = timeout
        self.namespace: str | None = None
        self.state = TransactionState.OPEN
        self.deadline = 0  # as the server tells it; 0: no monitor record is known of
        self.in_doubt = False
        self.write_in_doubt = False
        self.reads: dict[bytes, tuple[Key, bytes]] = {}  # digest -> the key, and the version that was read
        self.writes: dict[bytes, Key] = {}
        # A record that commands at once have read before and after a change of others: no commit is possible.
        self.torn: Key | None = None
        # A record that it had read before a write of it that is in doubt. If that never came, others may have
        # changed the record since; if it did, nobody can verify what was read: no commit is possible either.
        self.unsure: Key | None = None
        # Aborts it if it is dropped: set by the client that it is used with first, in the process that does.
        self.finisher: Callable[[Ledger], None] | None = None
        self.left_open = False  # whether its client was closed before it was ended
        self.process = self._home = os.getpid()
        self._lock = threading.Lock()
        self._running = 0  # commands under way
        self._ending = False  # whether a commit or an abort is
        self._creating = False  # whether the monitor record is being created
        self._waiters: list[Future[None]] = []

    # --- commands ---

    def enter(self, namespaces: Iterable[str]) -> None:
        """Count a command that begins.

        Raises:
            TransactionFailed: it takes no commands any more.
            InvalidArgument: it is in another namespace.
        """
        self._catch_up()
        with self._lock:
            self._check_open()
            for namespace in namespaces:
                if self.namespace is None:
                    self.namespace = namespace
                elif namespace != self.namespace:
                    raise InvalidArgument(
                        f"the transaction is in namespace {shown(self.namespace)}, not {shown(namespace)}",
                        advice="a transaction has one namespace: use another one for another",
                    )
            self._running += 1

    def _check_open(self) -> None:
        if self.state is TransactionState.COMMITTED:
            raise TransactionAlreadyCommitted(
                "the transaction is committed, and takes no more commands", advice=BEGIN_ANOTHER
            )
        if self.state is TransactionState.ABORTED:
            raise TransactionAlreadyAborted(
                "the transaction is aborted, and takes no more commands", advice=BEGIN_ANOTHER
            )
        if self.state is not TransactionState.OPEN:
            raise TransactionFailed(
                "a commit of the transaction has failed, and it takes no more commands",
                in_doubt=self.in_doubt,
                advice="commit it again" if self.in_doubt else "commit it again, or abort it",
            )
        if self._ending:
            raise TransactionFailed(
                "the transaction is being committed or aborted, and takes no more commands",
                advice="await its commands before its end",
            )

    def leave(self) -> None:
        """Count a command that has ended."""
        with self._lock:
            self._running = max(self._running - 1, 0)  # it may have begun before a fork
        self._changed()

    def check_room(self, keys: Iterable[Key]) -> None:
        """Refuse to write more records than a transaction may.

        Raises:
            TransactionTooManyWrites: these would be too many.
        """
        with self._lock:
            count = len(self.writes.keys() | {key.digest for key in keys})
        if count > MOST_WRITES:
            raise TransactionTooManyWrites(
                f"the transaction would write {count} records, and may write {MOST_WRITES}"
            )

    def has_written(self, key: Key) -> bool:
        """Whether the transaction has written the record, or may have."""
        with self._lock:
            return key.digest in self.writes

    def version_of(self, key: Key) -> bytes | None:
        """The version of a record that was read and not written since; None of any other."""
        with self._lock:
            found = None if key.digest in self.writes else self.reads.get(key.digest)
        return None if found is None else found[1]

    def note_read(self, key: Key, code: int, version: bytes | None) -> None:
        """Note what the answer to a read tells."""
        if version is not None and code != ResultCode.MRT_VERSION_MISMATCH:
            with self._lock:
                self._note_version(key, version)

    def note_write(self, key: Key, code: int, version: bytes | None) -> None:
        """Note what the answer to a write tells: a version, if it has not changed the record."""
        with self._lock:
            if version is not None:
                if code != ResultCode.MRT_VERSION_MISMATCH:
                    self._note_version(key, version)
            elif code == ResultCode.OK:
                self.reads.pop(key.digest, None)
                self.writes[key.digest] = key

    def _note_version(self, key: Key, version: bytes) -> None:
        """Note the version that was read. Of two that differ, one at least is not the record's any more.

        The servers refuse the second read if it tells the first one's version; reads at once can't tell.
        """
        if self.reads.setdefault(key.digest, (key, version))[1] != version:
            self.torn = key

    def note_doubt(self, keys: Iterable[Key]) -> None:
        """Note that records may have been written."""
        with self._lock:
            for key in keys:
                self.write_in_doubt = True
                if self.reads.pop(key.digest, None) is not None:
                    self.unsure = key
                self.writes[key.digest] = key

    # --- the monitor record ---

    def claim_monitor(self) -> bool | Future[None]:
        """Whether the monitor record is to be created by whoever asks; or, while another does, what tells of
        the end of that.
        """
        with self._lock:
            if self.deadline:
                return False
            if self._creating:
                return self._waiter()
            self._creating = True
            return True

    def monitor_answered(self, deadline: int | None, *, created: bool) -> None:
        """Note what came of a request to the monitor record, and its deadline, if it has told one."""
        with self._lock:
            if deadline:
                self.deadline = deadline
            if created:
                self._creating = False
        self._changed()

    # --- the end ---

    def begin_end(self) -> Future[None] | None:
        """Let no command begin any more; while another end is under way, give what tells its end."""
        self._catch_up()
        with self._lock:
            if self._ending:
                return self._waiter()
            self._ending = True
            return None

    def still_running(self) -> Future[None] | None:
        """What tells when to ask again, while commands are under way; None when there are none."""
        with self._lock:
            return self._waiter() if self._running else None

    def end_ended(self) -> None:
        """Note that a commit or an abort is over."""
        with self._lock:
            self._ending = False
        self._changed()

    def forget_records(self) -> None:
        """Forget which records it has read and written, now that it has ended."""
        with self._lock:
            self.reads.clear()
            self.writes.clear()

    def _catch_up(self) -> None:
        """Start over in the child of a fork: what other threads were doing with it, they do in the parent."""
        if self._home != os.getpid():
            self._lock = threading.Lock()
            self._running, self._ending, self._creating = 0, False, False
            self._waiters = []
            self._home = os.getpid()

    def disarm(self) -> Callable[[Ledger], None] | None:
        """What aborts it if nobody else ends it, which is forgotten; None if it is not to be."""
        finish, self.finisher = self.finisher, None
        return finish if self.is_open and self.process == os.getpid() else None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to end it."""
        return self.state in OPEN and self.namespace is not None

    def _waiter(self) -> Future[None]:
        from concurrent.futures import Future  # not at import: few programs wait here

        waiter: Future[None] = Future()
        self._waiters.append(waiter)
        return waiter

    def _changed(self) -> None:
        with self._lock:
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.set_running_or_notify_cancel():
                waiter.set_result(None)

    # --- pickling ---

    def frozen(self) -> tuple[Any, ...]:
        """What a pickle has of it."""
        self._catch_up()
        with self._lock:
            return (
                *(self.id, self.timeout, self.namespace, self.state, self.deadline, self.in_doubt),
                *(self.write_in_doubt, dict(self.reads), dict(self.writes), self.torn, self.unsure),
            )

    @classmethod
    def thawed(cls, parts: tuple[Any, ...]) -> Ledger:
        """The same out of what a pickle has."""
        ledger = cls(parts[0], parts[1])
        ledger.namespace, ledger.state, ledger.deadline, ledger.in_doubt = parts[2:6]
        ledger.write_in_doubt, ledger.reads, ledger.writes, ledger.torn, ledger.unsure = parts[6:]
        return ledger


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
    def commit(self, txn: Transaction) -> CommitStatus: ...
    def abort(self, txn: Transaction) -> AbortStatus: ...


class _AsyncEnds(Protocol):
    async def commit(self, txn: Transaction) -> CommitStatus: ...
    async def abort(self, txn: Transaction) -> AbortStatus: ...


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

    def commit(self) -> CommitStatus:
        """Have all that was written happen: see `Client.commit`."""
        return self._client.commit(self)

    def abort(self) -> AbortStatus:
        """Have nothing happen: see `Client.abort`."""
        return self._client.abort(self)

    def __enter__(self) -> BlockingTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state not in OPEN:  # it was ended inside
            if kind is None:
                self._check_not_left()
            return
        if kind is not None:
            with contextlib.suppress(AerospikeError):  # what was raised counts
                self._abandon()
            return
        try:
            self.commit()
        except BaseException:
            if self.state in OPEN:  # nobody else will
                self._abandon()
            raise

    def _abandon(self) -> None:
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

    async def commit(self) -> CommitStatus:
        """Have all that was written happen: see `Client.commit`."""
        return await self._client.commit(self)

    async def abort(self) -> AbortStatus:
        """Have nothing happen: see `Client.abort`."""
        return await self._client.abort(self)

    async def __aenter__(self) -> AsyncTransaction:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state not in OPEN:  # it was ended inside
            if kind is None:
                self._check_not_left()
            return
        if kind is not None:
            with contextlib.suppress(AerospikeError):  # what was raised counts
                await self._abandon()
            return
        try:
            await self.commit()
        except BaseException:
            if self.state in OPEN:  # nobody else will
                await self._abandon()
            raise

    async def _abandon(self) -> None:
        try:
            await self.abort()
        except BaseException:  # cancelled or interrupted, too
            finish_later(self._ledger)
            raise

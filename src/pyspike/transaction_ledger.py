"""What is known of a transaction: how far it is, what it has read and written, and until when it may take.

A `Ledger` is what the commands of a transaction and its end share; it outlives the `Transaction` if that is
dropped while open. Not here: which requests are sent (`pyspike.plans`).
"""

from __future__ import annotations

import enum
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspike._wire import MOST_WRITES, Key, begin_call
from pyspike.errors import (
    AerospikeError,
    InvalidArgument,
    TransactionAlreadyAborted,
    TransactionAlreadyCommitted,
    TransactionFailed,
    TransactionTooManyWrites,
)
from pyspike.result_code import ResultCode
from pyspike.showing import shown

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "LEAVING",
    "NEVER",
    "OPEN",
    "AbortStatus",
    "CommitStatus",
    "Deadline",
    "Ledger",
    "TransactionState",
]

# Milliseconds for what nobody waits for: the end of a transaction that is dropped or cancelled, of those that
# are open when their client is closed, and what a deadline has left undone.
LEAVING = 1000.0


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

    ROLL_FORWARD_ABANDONED: not all records could be told so, see `Transaction.unfinished`. Until the servers
    do it, when the transaction's time is over, others read these as they were before, and can't write them.
    CLOSE_ABANDONED: all records are as they should be, but the servers could not be told so, and find out.
    """

    OK = 0
    ALREADY_COMMITTED = 1
    ROLL_FORWARD_ABANDONED = 5
    CLOSE_ABANDONED = 6


class AbortStatus(enum.Enum):
    """What an abort has done; the transaction is aborted in any case.

    ROLL_BACK_ABANDONED: not all records could be told so, see `Transaction.unfinished`. Until the servers do
    it, when the transaction's time is over, others can't write these. CLOSE_ABANDONED: no record is held any
    more, but the servers could not be told so, and find out.
    """

    OK = 0
    ALREADY_ABORTED = 1
    ROLL_BACK_ABANDONED = 3
    CLOSE_ABANDONED = 4


class Deadline(NamedTuple):
    """Until when a client goes on with a transaction.

    Args:
        span: how many milliseconds that are from its begin on; 0 for ever.
        due: the moment, as `begin_call` tells it.
    """

    span: float
    due: int

    @classmethod
    def after(cls, span: float) -> Deadline:
        """The one that is so many milliseconds away; 0 for none."""
        return cls(span, begin_call() + int(span * 1e6)) if span else NEVER

    @property
    def left(self) -> float | None:
        """The milliseconds until then, less than 0 when it has passed; None if there is none."""
        return (self.due - begin_call()) / 1e6 if self.due else None

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return bool(self.due) and self.due <= begin_call()

    def within(self, span: float) -> Deadline:
        """The earlier one of this and the one that is so many milliseconds away."""
        left = self.left
        return self if left is not None and left <= span else Deadline.after(span)


NEVER = Deadline(0.0, 0)


BEGIN_ANOTHER = "begin another one for further commands"
NOTHING_OF_IT = "the transaction is aborted, and nothing of it is applied: run it again"
OPEN = (TransactionState.OPEN, TransactionState.VERIFIED)


class Ledger:
    """What is known of a transaction (transactions.md 12.2). Threads and tasks may use it at once.

    Args:
        number: its id.
        timeout: its seconds, 0 for the server's default.
    """

    __slots__ = (
        "_creating",
        "_doubted",
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
        "limit",
        "namespace",
        "process",
        "reads",
        "state",
        "status",
        "timeout",
        "torn",
        "unfinished",
        "unsure",
        "untold",
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
        self.limit = NEVER  # until when its commands and its end may take
        self.status: CommitStatus | AbortStatus | None = None  # what its end has done
        self.unfinished: tuple[Key, ...] = ()  # records that could not be told of its end
        self.untold = False  # whether these are to be told in the background
        self.left_open = False  # whether its client was closed before it was ended
        self.process = self._home = os.getpid()
        self._lock = threading.Lock()
        self._running = 0  # commands under way
        self._ending = False  # whether a commit or an abort is
        self._creating = False  # whether the monitor record is being created
        self._waiters: list[Future[None]] = []
        self._doubted: list[weakref.ref[AerospikeError]] = []  # errors of writes in doubt

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

    def note_error(self, error: AerospikeError) -> None:
        """Note the error of a write in doubt, which it is no more once the transaction is aborted."""
        with self._lock:
            if self.state is not TransactionState.ABORTED:
                self._doubted.append(weakref.ref(error))
                return
        _clear_doubt(error)

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

    def note_aborted(self) -> None:
        """Note that nothing of it happens, so that no write of it is in doubt any more."""
        with self._lock:
            self.state = TransactionState.ABORTED
            self.in_doubt = False
            doubted, self._doubted = self._doubted, []
        for reference in doubted:
            error = reference()
            if error is not None:
                _clear_doubt(error)

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


def _clear_doubt(error: AerospikeError) -> None:
    """Have the error of a write say that it is not applied."""
    error.in_doubt = False
    error.advice = NOTHING_OF_IT

"""The steps by which commands take part in a transaction.

They are generators without I/O, the same for threads and tasks. Each yields what is to be done, and whoever
runs it sends back what came of that, or throws the error: a `Command` or `Batch` to run, or a `Wait` until
others have done something. They follow transactions.md 12.2, 12.3 and 12.6. Not here: how a transaction ends
(`plans/transaction_ends.py`).
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from pyspike._wire import (
    Batch,
    Command,
    Key,
    begin_call,
    join_batch,
    join_transaction,
    keys_of_batch,
    limit_call,
    monitor_command,
    monitor_key,
    time_left_of_call,
)
from pyspike.batch import advice_of
from pyspike.errors import (
    AerospikeError,
    BatchError,
    EnterpriseOnly,
    NoMoreConnections,
    ServerError,
    TimeoutError,
    TransactionMonitorExists,
    UnsupportedFeature,
)
from pyspike.transaction_ledger import Ledger

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Steps", "Wait", "take_part"]

NOT_STRONG = "transactions need a namespace with strong consistency: see client.is_strong_consistency"
IN_DOUBT = (
    "abort the transaction, which undoes the write, or read the record in it to see whether it was applied"
)
OUT_OF_TIME = "the deadline is that of the whole transaction: raise its total_timeout, or do less in it"
MONITOR_SLOW = (
    "nothing of the record was written: raise the timeout, or see why the node of the transaction's monitor "
    "record is slow"
)


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
        limited = _limit(ledger, command, key)
        if writes:
            ledger.check_room([key])
            if not ledger.has_written(key):
                yield from _tell_monitor(ledger, command, began, [key], limited=limited)
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
            _explain(ledger, error, limited=limited)
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
        limited = _limit(ledger, batch, None)
        written = list({key.digest: key for key, does in zip(keys, writes, strict=True) if does}.values())
        if written:
            ledger.check_room(written)
            yield from _tell_monitor(ledger, batch, began, written, limited=limited)

        def note(row: int, code: int, version: bytes | None) -> None:
            (ledger.note_write if writes[row] else ledger.note_read)(keys[row], code, version)

        versions = [ledger.version_of(key) for key in keys]
        join_batch(batch, began, ledger.id, versions, ledger.deadline if written else None, note)
        try:
            return (yield from _rows(ledger, batch, keys, writes, limited=limited))
        except BatchError as error:
            error.advice = advice_of(error.results)
            _explain(ledger, error, limited=False)
            raise
    finally:
        ledger.leave()


def _rows(ledger: Ledger, batch: Batch, keys: list[Key], writes: list[bool], *, limited: bool) -> Steps[Any]:
    """The step that runs a batch, and notes which of its writes are in doubt."""
    try:
        return (yield batch)
    except AerospikeError:
        raise
    except BaseException:  # cancelled, or interrupted
        ledger.note_doubt(keys[row] for row, does in enumerate(writes) if does and batch.code(row) is None)
        raise
    finally:
        for row, error in batch.errors.items():
            if writes[row] and error.in_doubt:
                ledger.note_doubt([keys[row]])
            _explain(ledger, error, limited=limited)


def _tell_monitor(
    ledger: Ledger, work: Command | Batch, began: int, keys: list[Key], *, limited: bool
) -> Steps[None]:
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
        error.message += ", at the transaction's monitor record"
        error.args = (error.message,)
        if isinstance(error, TimeoutError) and not isinstance(error, (ServerError, NoMoreConnections)):
            error.advice = MONITOR_SLOW
        _explain(ledger, error, limited=limited)
        raise
    finally:
        ledger.monitor_answered(deadline, created=create)


def _limit(ledger: Ledger, work: Command | Batch, key: Key | None) -> bool:
    """Have a command end by the deadline of the transaction; returns whether that is before its own.

    Raises:
        TimeoutError: it has passed.
    """
    left = ledger.limit.left
    if left is None:
        return False
    if left <= 0:
        raise TimeoutError(
            "the deadline of the transaction has passed",
            key=key,
            timeout=ledger.limit.span,
            advice=OUT_OF_TIME,
        )
    return limit_call(work, left)


def _explain(ledger: Ledger, error: AerospikeError, *, limited: bool) -> None:
    """Have an error say what is different of it in a transaction, whose deadline it may have had."""
    if isinstance(error, (EnterpriseOnly, UnsupportedFeature)):
        error.advice = NOT_STRONG
    if limited and isinstance(error, TimeoutError):
        error.timeout = ledger.limit.span
        error.advice = OUT_OF_TIME
    if error.in_doubt:
        error.advice = IN_DOUBT
        ledger.note_error(error)

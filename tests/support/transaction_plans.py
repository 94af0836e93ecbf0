"""Plays the steps of transactions without a server: the test says what comes of each."""

from __future__ import annotations

from typing import Any

from pyspike import AerospikeError, Key, Transaction, errors
from pyspike._wire import Batch, BatchCommands, Executor
from pyspike.plans.transactions import Wait
from pyspike.policy import BatchPolicy, ReadPolicy, TxnRollPolicy, TxnVerifyPolicy, WritePolicy
from pyspike.transaction import ledger_of
from pyspike.transaction_ledger import Deadline, Ledger

ANN, BOB = Key("test", "s", "ann"), Key("test", "s", "bob")
VERIFY, ROLL = TxnVerifyPolicy().settings, TxnRollPolicy().settings
PAST = Deadline(1, 1)
VERSION, OTHER = bytes(range(7)), bytes(range(1, 8))
UNSENT: Any = BatchCommands(Executor(), ReadPolicy().settings, WritePolicy().settings, BatchPolicy().settings)


def named(work: Any) -> str:
    """Which step a request is: the header's bits tell."""
    if isinstance(work, (Batch, Wait)):
        return type(work).__name__
    info2, info4 = work.request[10], work.request[12]
    if info4:
        return {1: "verify", 2: "forward", 4: "back"}[info4]
    if work.key.set_name == "<ERO~MRT":
        return "close" if info2 & 2 else "mark" if b"fwd" in work.request else "monitor"
    return "write" if work.write else "read"


def play(steps: Any, *outcomes: Any) -> tuple[Any, list[str]]:
    """Run steps on these outcomes, values or errors to throw; return what they give, and their names."""
    left, told = list(outcomes), []
    try:
        work = next(steps)
        while True:
            told.append(named(work))
            outcome = left.pop(0) if left else None
            work = steps.throw(outcome) if isinstance(outcome, BaseException) else steps.send(outcome)
    except StopIteration as end:
        return end.value, told


def begun(*, read: bool = True, written: bool = True) -> Ledger:
    """A transaction that has read one record, and written another."""
    ledger = ledger_of(Transaction())
    ledger.enter(["test"])
    ledger.leave()
    if read:
        ledger.note_read(BOB, 0, VERSION)
    if written:
        ledger.note_write(ANN, 0, None)
        ledger.monitor_answered(77, created=False)
    return ledger


def lost(*, in_doubt: bool = True) -> AerospikeError:
    return errors.TimeoutError("lost", in_doubt=in_doubt)

"""Which step of a transaction a request is: the words that users have for the messages of a transaction.

Owns: telling the steps apart. Not here: what each does (../records/), and what befalls it on the way
(../topology/fault_settings.py).
"""

from __future__ import annotations

from enum import Enum

from .constants import MRT_MONITOR_SET, FieldType, Info2, Info4
from .framing import Message

__all__ = ["TransactionStep", "step_of"]

_WRITE, _DELETE = int(Info2.WRITE), int(Info2.DELETE)
_VERIFY, _FORWARD, _BACK = (
    int(Info4.MRT_VERIFY_READ),
    int(Info4.MRT_ROLL_FORWARD),
    int(Info4.MRT_ROLL_BACK),
)
_MARK = b"fwd"


class TransactionStep(str, Enum):
    """The messages of a transaction, in the order in which a client sends them.

    `MONITOR`: before a record is written first, it is added to the transaction's monitor, by which the server
        ends a transaction whose client is gone; the first of these messages creates the monitor.
    `READ`, `WRITE`: the commands of the program, in the transaction; rows of batches too.
    `VERIFY`: the commit asks whether the records that were read are still the same.
    `MARK`: the transaction is committed with this one: from now on it can only be rolled forward.
    `ROLL_FORWARD`, `ROLL_BACK`: the records that were written become visible, or are as they were before.
    `CLOSE`: the monitor is removed.
    """

    MONITOR = "monitor"
    READ = "read"
    WRITE = "write"
    VERIFY = "verify"
    MARK = "mark"
    ROLL_FORWARD = "roll_forward"
    ROLL_BACK = "roll_back"
    CLOSE = "close"


def step_of(message: Message) -> TransactionStep | None:
    """The step that a request is, or a row of a batch; None: it is part of no transaction."""
    if message.fields.get(FieldType.SET) == MRT_MONITOR_SET:
        if message.info2 & _DELETE:
            return TransactionStep.CLOSE
        marks = any(op.name == _MARK for op in message.ops)
        return TransactionStep.MARK if marks else TransactionStep.MONITOR
    if not message.info2 & _WRITE:
        if message.info4 & _VERIFY:
            return TransactionStep.VERIFY
        return TransactionStep.READ if FieldType.MRT_ID in message.fields else None
    if message.info4 & _FORWARD:
        return TransactionStep.ROLL_FORWARD
    if message.info4 & _BACK:
        return TransactionStep.ROLL_BACK
    return TransactionStep.WRITE if FieldType.MRT_ID in message.fields else None

"""How the requests are sent that end a transaction."""

from __future__ import annotations

from typing import Any

from pyspike._wire import (
    BATCH_INLINE,
    BATCH_REPORT_FAILURE,
    BATCH_RESPOND_ALL,
    MODE_OF_OTHERS,
    OF_BATCH,
    timeout_ms,
)
from pyspike.plain_value import value_class
from pyspike.policy.base import (
    CommandPolicy,
    Milliseconds,
    MillisecondsOrNone,
    ReadModeSC,
    policy_field,
    read_mode_bits,
)
from pyspike.policy.batch import Concurrency
from pyspike.policy.checks import instance, ms_or_none, retries
from pyspike.policy.read import Replica

__all__ = ["TxnRollPolicy", "TxnVerifyPolicy"]

TOTAL_TIMEOUT, SOCKET_TIMEOUT, PAUSE = 10_000, 3000, 1000  # ms
RETRIES = 5


class _EndPolicy(CommandPolicy):
    """What both have in common."""

    __slots__ = ()

    total_timeout: Milliseconds
    socket_timeout: MillisecondsOrNone
    max_retries: int
    sleep_between_retries: Milliseconds
    replica: Replica
    concurrency: Concurrency

    def _compiled(self) -> dict[str, Any]:
        return {
            "of": OF_BATCH,
            "total_timeout": self.total_timeout,
            "socket_timeout": self.socket_timeout,
            "max_retries": self.max_retries,
            "write_retries": self.max_retries,
            "sleep_between_retries": self.sleep_between_retries,
            "replica": self.replica.value,
            "sequential": self.concurrency is Concurrency.SEQUENTIAL,
            "batch_flags": BATCH_INLINE | BATCH_RESPOND_ALL | BATCH_REPORT_FAILURE,
        }


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class TxnVerifyPolicy(_EndPolicy):
    """How a commit asks whether the records that the transaction has read are still the same.

    Args:
        total_timeout: the deadline for all of them, further attempts included; 0 for none.
        socket_timeout: how long one attempt may wait without progress; None is its share of what is left of
            the deadline, 0 all that is left.
        max_retries: how often to ask again for those without an answer.
        sleep_between_retries: how long to wait before another attempt.
        replica: which copy to ask; of what `read_mode_sc` allows.
        read_mode_sc: how strictly to read.
        concurrency: whether the nodes are asked all at once, or one after the other.

    All times are milliseconds, 0 or 1 at least, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range.
    """

    total_timeout: Milliseconds = policy_field(TOTAL_TIMEOUT, timeout_ms)
    socket_timeout: MillisecondsOrNone = policy_field(SOCKET_TIMEOUT, ms_or_none)
    max_retries: int = policy_field(RETRIES, retries)
    sleep_between_retries: Milliseconds = policy_field(PAUSE, timeout_ms)
    replica: Replica = policy_field(Replica.MASTER, instance(Replica))
    read_mode_sc: ReadModeSC = policy_field(ReadModeSC.LINEARIZE, instance(ReadModeSC))
    concurrency: Concurrency = policy_field(Concurrency.PARALLEL, instance(Concurrency))

    def _compiled(self) -> dict[str, Any]:
        return {**_EndPolicy._compiled(self), **read_mode_bits(self.read_mode_sc)}


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class TxnRollPolicy(_EndPolicy):
    """How records are rolled forward after a commit or back after an abort, and how their monitor is told.

    Args:
        total_timeout: the deadline of each of these steps, further attempts included; 0 for none.
        socket_timeout: how long one attempt may wait without progress; None is its share of what is left of
            the deadline, 0 all that is left.
        max_retries: how often to send again what has no answer; none of it does harm if it is done twice.
        sleep_between_retries: how long to wait before another attempt.
        replica: which copy to ask: MASTER always the master, any other the next one too if it is down.
        concurrency: whether the nodes are asked all at once, or one after the other.

    All times are milliseconds, 0 or 1 at least, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range.
    """

    total_timeout: Milliseconds = policy_field(TOTAL_TIMEOUT, timeout_ms)
    socket_timeout: MillisecondsOrNone = policy_field(SOCKET_TIMEOUT, ms_or_none)
    max_retries: int = policy_field(RETRIES, retries)
    sleep_between_retries: Milliseconds = policy_field(PAUSE, timeout_ms)
    replica: Replica = policy_field(Replica.MASTER, instance(Replica))
    concurrency: Concurrency = policy_field(Concurrency.PARALLEL, instance(Concurrency))

    def _compiled(self) -> dict[str, Any]:
        found = {**_EndPolicy._compiled(self), "read_mode": MODE_OF_OTHERS}
        if self.replica is not Replica.MASTER:
            found["replica"] = Replica.SEQUENCE.value
        return found

"""Whether a function is run in another transaction, as others were in the way of the last one.

Not here: who runs it, and waits.
"""

from __future__ import annotations

from pyspike.cluster.retry import jittered
from pyspike.errors import (
    AerospikeError,
    BatchError,
    ServerError,
    TransactionAborted,
    TransactionBlocked,
    TransactionExpired,
    TransactionFailed,
    TransactionVersionMismatch,
)
from pyspike.result_code import ResultCode
from pyspike.transaction_ledger import NEVER, Deadline

__all__ = ["Repeats", "is_conflict"]

LEAST_PAUSE, MOST_PAUSE = 10.0, 500.0  # ms before a transaction is run again


class Repeats:
    """Whether a transaction that has failed is run again, and after which pause.

    Args:
        retries: how often, at most.
        deadline: until when.
    """

    def __init__(self, retries: int, deadline: Deadline = NEVER) -> None:
        self._left = retries
        self._deadline = deadline
        self._pause = LEAST_PAUSE

    def pause_after(self, error: AerospikeError, *, returned: bool = True) -> float | None:
        """How many milliseconds to wait before it is run again, or its commit in doubt asked for again.

        None if neither is done.

        Args:
            error: what it has failed with.
            returned: whether its function had returned. A commit in doubt that the function raises is one
                that it has made itself, maybe of another transaction: that would be done twice.
        """
        if not self._left or not is_conflict(error):
            return None
        if not returned and isinstance(error, TransactionFailed) and error.in_doubt:
            return None
        pause, left = jittered(self._pause), self._deadline.left
        if left is not None and left <= pause:
            return None
        self._left -= 1
        self._pause = min(self._pause * 2, MOST_PAUSE)
        return pause


CONFLICTS = (TransactionBlocked, TransactionVersionMismatch, TransactionExpired, TransactionAborted)
CODES_OF_CONFLICTS: frozenset[ResultCode | None] = frozenset(kind.code for kind in CONFLICTS)


def is_conflict(error: AerospikeError) -> bool:
    """Whether the whole transaction may succeed if it is run again, as others were in its way."""
    if isinstance(error, TransactionFailed):
        return error.retryable if error.in_doubt else error.result_code in CODES_OF_CONFLICTS
    if isinstance(error, BatchError):
        failed = [row.error for row in error.results if row.error is not None]
        return bool(failed) and all(is_conflict(each) for each in failed)
    return isinstance(error, CONFLICTS) and isinstance(error, ServerError)

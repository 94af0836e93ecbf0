"""The official client's transaction: what a program holds of it."""

from __future__ import annotations

from typing import Any

from pyspike import Transaction as PlainTransaction
from pyspike import TransactionState
from pyspike.compat.model.exceptions import param_error
from pyspike.transaction import ledger_of

__all__ = ["Transaction", "plain_transaction"]

MAX_UINT32 = 2**32 - 1


class Transaction:
    """A transaction over several records: commands take part by `{"txn": transaction}` in their policies.

    It is ended by `Client.commit` or `Client.abort`. One that is dropped while open is aborted.

    Args:
        reads_capacity: how many records it is likely to read; changes nothing here.
        writes_capacity: how many it is likely to write; changes nothing here.

    Raises:
        TypeError: one of them is no int.
        ValueError, OverflowError: one of them does not fit into 32 bits, or is negative.
    """

    __slots__ = ("__weakref__", "_plain")

    def __init__(self, reads_capacity: int = 128, writes_capacity: int = 128) -> None:
        _uint32(reads_capacity, "reads_capacity")
        _uint32(writes_capacity, "writes_capacity")
        self._plain = PlainTransaction()

    @property
    def id(self) -> int:
        """The number by which the servers know it."""
        return self._plain.id

    @property
    def in_doubt(self) -> bool:
        """Whether a commit has failed so that it is not known whether the transaction is committed."""
        return self._plain.in_doubt

    @property
    def state(self) -> int:
        """How far it is, `TXN_STATE_...`."""
        state: TransactionState = self._plain.state
        return state.value

    @property
    def timeout(self) -> int:
        """In how many seconds, from its first write on, it must be committed; 0 for the server's default."""
        return self._plain.timeout or 0

    @timeout.setter
    def timeout(self, seconds: int) -> None:
        ledger_of(self._plain).timeout = _uint32(seconds, "timeout")


def _uint32(value: Any, name: str) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{name} must be an integer")
    if value < 0:
        raise OverflowError(f"{name} must not be negative")
    if value > MAX_UINT32:
        raise ValueError(f"{name} must fit into 32 bits")
    return int(value)


def plain_transaction(txn: Any) -> PlainTransaction | None:
    """The transaction of pyspike itself, for the value of `txn` in a policy; None for None.

    Raises:
        ParamError: it is no transaction.
    """
    if txn is None:
        return None
    if not isinstance(txn, Transaction):
        raise param_error("txn is not of type aerospike.Transaction")
    return txn._plain

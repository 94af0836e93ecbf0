"""Transactions: what the official client has of them, and that this one has none yet."""

from __future__ import annotations

from typing import Any, NoReturn

from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.model.exceptions import not_yet

__all__ = ["Transaction", "Transactions"]


class Transaction:
    """A transaction over several records; not yet.

    Args:
        reads_capacity: how many records it is likely to read.
        writes_capacity: how many it is likely to write.

    Raises:
        ClientError: this version has no transactions.
    """

    def __init__(self, reads_capacity: int = 128, writes_capacity: int = 128) -> None:
        not_yet("transactions")


class Transactions(Connection):
    """The calls for transactions."""

    @method
    def commit(self, transaction: Any) -> NoReturn:
        """Commit a transaction; not yet.

        Args:
            transaction: the transaction.
        """
        not_yet("transactions")

    @method
    def abort(self, transaction: Any) -> NoReturn:
        """Abort a transaction; not yet.

        Args:
            transaction: the transaction.
        """
        not_yet("transactions")

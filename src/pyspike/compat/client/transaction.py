"""How transactions end."""

from __future__ import annotations

from typing import Any

from pyspike import errors
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.model.exceptions import from_ending
from pyspike.compat.model.transaction import Transaction

__all__ = ["Transactions"]


class Transactions(Connection):
    """The calls for transactions."""

    @method
    def commit(self, transaction: Any) -> int:
        """Have all that a transaction has written happen.

        Args:
            transaction: the transaction.

        Returns:
            `COMMIT_...`: it is committed with each of them.

        Raises:
            TransactionFailed: it is not committed, or, with `in_doubt`, may be.
            TransactionAlreadyAborted: it was aborted before.
        """
        if not isinstance(transaction, Transaction):
            raise TypeError("commit() argument 1 must be aerospike.Transaction")
        try:
            return self._client.commit(transaction._plain).value
        except errors.TransactionFailed as error:
            raise from_ending(error) from error

    @method
    def abort(self, transaction: Any) -> int:
        """Have nothing happen of what a transaction has written.

        Args:
            transaction: the transaction.

        Returns:
            `ABORT_...`: it is aborted with each of them.

        Raises:
            TransactionAlreadyCommitted: it was committed before.
        """
        if not isinstance(transaction, Transaction):
            raise TypeError("abort() argument 1 must be aerospike.Transaction")
        try:
            return self._client.abort(transaction._plain).value
        except errors.TransactionFailed as error:
            raise from_ending(error) from error

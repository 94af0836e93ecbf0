"""The calls of `AsyncClient` that find records by anything but their keys: see `pyspike.queries`.

What the nodes aggregate is brought to an end in a thread of its own, as Lua blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspike._types import Filter, Milliseconds
from pyspike._wire import AsyncExecutor, AsyncRecordset, DynamicSettings, Statement
from pyspike.arguments import Policies, no_transaction
from pyspike.cluster import Cluster, aggregation
from pyspike.policy import QueryPolicy
from pyspike.process.in_thread import in_thread
from pyspike.query import ALL_PARTITIONS, Cursor, PartitionFilter
from pyspike.query_arguments import new_query, query_settings
from pyspike.transaction import Transaction

__all__ = ["AsyncQueries"]


class AsyncQueries:
    """What `AsyncClient` has besides its commands on records: see `Queries`."""

    __slots__ = ()

    _cluster: Cluster
    _policies: Policies
    _loops: AsyncExecutor
    if TYPE_CHECKING:

        def _follow(self, dynamic: DynamicSettings, policies: Policies) -> None: ...

    def query(
        self,
        statement: Statement,
        *,
        partitions: PartitionFilter = ALL_PARTITIONS,
        cursor: Cursor | None = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: QueryPolicy | None = None,
    ) -> AsyncRecordset:
        """The records that a statement finds, as they come from the nodes: see `Client.query`.

            async with client.query(Statement("test", "users")) as records:
                async for record in records:
                    print(record.key, record["name"])

        It is not awaited itself. Nothing is sent before the first record is asked for.

        Args:
            statement: what is asked for.
            partitions: of which partitions.
            cursor: where another query of the statement stood, which this one goes on with.
            timeout: the deadline of the whole query.
            filter_expression: only records for which it holds are given.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: how it is sent, and how much of it is wanted.

        Returns:
            An asynchronous iterator of the records and an asynchronous context manager.

        Raises:
            InvalidType, InvalidArgument, ClientClosed: as from `Client.query`.
        """
        no_transaction(txn, "query")
        query = new_query(
            self._policies,
            statement,
            partitions,
            cursor,
            timeout,
            filter_expression,
            policy,
            self._cluster.dynamic,
        )
        recordset: AsyncRecordset = self._loops.open_query(query)
        return recordset

    async def aggregate(
        self,
        statement: Statement,
        module: str,
        function: str,
        args: Sequence[Any] = (),
        *,
        timeout: Milliseconds | None = None,
        txn: Transaction | None = None,
        policy: QueryPolicy | None = None,
    ) -> list[Any]:
        """What a stream function makes of all records that a statement finds: see `Client.aggregate`."""
        no_transaction(txn, "aggregate")
        settings = query_settings(self._policies, policy, statement, self._cluster.dynamic)
        work = partial(
            aggregation.aggregate,
            self._cluster,
            statement,
            module,
            function,
            args,
            settings,
            self._policies.admin,
            timeout,
        )
        return await in_thread(work)

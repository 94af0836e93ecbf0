"""The calls of `AsyncClient` that find records by anything but their keys: see `pyspike.queries`.

What the nodes aggregate is brought to an end in a thread of its own, as Lua blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, overload

from pyspike._types import ColumnTypes, Filter, KeyLike, MetadataColumns, Milliseconds, OnMismatch
from pyspike._wire import AsyncExecutor, AsyncRecordset, Record, Statement
from pyspike.arguments import no_transaction
from pyspike.client_part import ClientPart
from pyspike.cluster import aggregation
from pyspike.columnar import reading
from pyspike.columnar import stream as columnar
from pyspike.policy import BatchPolicy, QueryPolicy
from pyspike.process.in_thread import in_thread
from pyspike.query import ALL_PARTITIONS, Cursor, PartitionFilter
from pyspike.query_arguments import new_query, query_settings
from pyspike.transaction import Transaction

__all__ = ["AsyncQueries"]

U = TypeVar("U")


class AsyncQueries(ClientPart):
    """What `AsyncClient` has besides its commands on records: see `Queries`."""

    __slots__ = ()

    _loops: AsyncExecutor

    @overload
    def query(
        self,
        statement: Statement,
        *,
        partitions: PartitionFilter = ...,
        cursor: Cursor | None = ...,
        timeout: Milliseconds | None = ...,
        filter_expression: Filter | None = ...,
        txn: Transaction | None = ...,
        policy: QueryPolicy | None = ...,
    ) -> AsyncRecordset[Record]: ...

    @overload
    def query(
        self,
        statement: Statement,
        *,
        into: type[U],
        partitions: PartitionFilter = ...,
        cursor: Cursor | None = ...,
        timeout: Milliseconds | None = ...,
        filter_expression: Filter | None = ...,
        txn: Transaction | None = ...,
        policy: QueryPolicy | None = ...,
    ) -> AsyncRecordset[U]: ...

    def query(
        self,
        statement: Statement,
        *,
        into: type[U] | None = None,
        partitions: PartitionFilter = ALL_PARTITIONS,
        cursor: Cursor | None = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: QueryPolicy | None = None,
    ) -> AsyncRecordset[Record] | AsyncRecordset[U]:
        """The records that a statement finds, as they come from the nodes: see `Client.query`.

            async with client.query(Statement("test", "users")) as records:
                async for record in records:
                    print(record.key, record["name"])

        It is not awaited itself. Nothing is sent before the first record is asked for.

        Args:
            statement: what is asked for.
            into: a class to make an object of each record of, as in `get`; the statement says which bins
                are read.
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
        query.read_into(self._cluster.types, into)
        recordset: AsyncRecordset[Any] = self._executor.open_query(query)
        return recordset

    def query_arrow(
        self,
        statement: Statement,
        *,
        schema: ColumnTypes | None = None,
        metadata: MetadataColumns = (),
        batch_rows: int = 65_536,
        batch_bytes: int = 16 * 1024 * 1024,
        on_mismatch: OnMismatch = "error",
        extra: str | None = None,
        partitions: PartitionFilter = ALL_PARTITIONS,
        cursor: Cursor | None = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: QueryPolicy | None = None,
    ) -> columnar.AsyncArrowStream:
        """The records that a statement finds, in columns: see `Client.query_arrow`.

            frame = await client.query_arrow(Statement("test", "users")).to_polars()

        It is not awaited itself; batches are received and decoded in a thread.

        Args:
            statement: what is asked for.
            schema: which columns there are, and of which types.
            metadata: what else there is a column for.
            batch_rows: how many rows a batch has at most.
            batch_bytes: after about how many bytes a batch is closed.
            on_mismatch: what becomes of a value that does not fit its column.
            extra: the name of a column for bins that have none.
            partitions: of which partitions.
            cursor: where another query of the statement stood, which this one goes on with.
            timeout: the deadline of the whole query.
            filter_expression: only records for which it holds are given.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: how it is sent, and how much of it is wanted.

        Returns:
            An asynchronous iterator of batches.

        Raises:
            InvalidType, InvalidArgument, ClientClosed: as from `Client.query_arrow`.
        """
        options = reading.Options(schema, metadata, batch_rows, batch_bytes, on_mismatch, extra)
        stream = reading.of_query(
            self._cluster,
            self._executor,
            self._policies,
            self._loops.query_plan,
            statement,
            options,
            partitions=partitions,
            cursor=cursor,
            timeout=timeout,
            filter_expression=filter_expression,
            txn=txn,
            policy=policy,
        )
        return columnar.AsyncArrowStream(stream)

    def batch_get_arrow(
        self,
        keys: Iterable[KeyLike],
        bins: Sequence[str] | None = None,
        *,
        schema: ColumnTypes | None = None,
        metadata: MetadataColumns = (),
        batch_rows: int = 65_536,
        batch_bytes: int = 16 * 1024 * 1024,
        on_mismatch: OnMismatch = "error",
        extra: str | None = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> columnar.AsyncArrowStream:
        """The records of keys, in columns: a row for each key: see `Client.batch_get_arrow`.

        It is not awaited itself; batches are received and decoded in a thread.

        Args:
            keys: any iterable of keys, however long; it is read in that thread.
            bins: the names of the bins to read; None for all, or those of the schema.
            schema: which columns there are, and of which types.
            metadata: what else there is a column for.
            batch_rows: how many rows a batch has at most.
            batch_bytes: after about how many bytes a batch is closed.
            on_mismatch: what becomes of a value that does not fit its column.
            extra: the name of a column for bins that have none.
            timeout: the deadline of each batch.
            filter_expression: a record for which it does not hold is as one that is not there.
            txn: None; a transaction is refused: read by `batch_get` in one.
            policy: how it is sent.

        Returns:
            An asynchronous iterator of batches.

        Raises:
            InvalidType, InvalidArgument, ClientClosed: as from `Client.batch_get_arrow`.
        """
        options = reading.Options(schema, metadata, batch_rows, batch_bytes, on_mismatch, extra)
        stream = reading.of_keys(
            self._cluster,
            self._executor,
            self._policies,
            self._loops.plan,
            keys,
            bins,
            options,
            timeout=timeout,
            filter_expression=filter_expression,
            txn=txn,
            policy=policy,
        )
        return columnar.AsyncArrowStream(stream)

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
        with self._call("aggregate", self._policies.admin.timeout) as call:
            work = aggregation.aggregate, call, statement, module, function, args, settings, timeout
            return await in_thread(*work)

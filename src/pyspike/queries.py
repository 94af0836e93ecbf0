"""The calls of `Client` that find records by anything but their keys.

What they do is in `pyspike.plans.partitions` and compiled (`src/wire/threads/recordset.pyx`), and in
`pyspike.cluster.aggregation`; those of `AsyncClient` are in `pyspike.async_queries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pyspike._types import ColumnTypes, Filter, KeyLike, MetadataColumns, Milliseconds, OnMismatch
from pyspike._wire import Record, Recordset, Statement
from pyspike.arguments import no_transaction
from pyspike.client_part import ClientPart
from pyspike.policy import BatchPolicy, QueryPolicy
from pyspike.process.lazy_imports import LazyModule, importing
from pyspike.query import ALL_PARTITIONS, Cursor, PartitionFilter
from pyspike.query_arguments import new_query, query_settings
from pyspike.transaction import Transaction

if TYPE_CHECKING:
    from pyspike.columnar import stream as columnar
else:
    columnar = LazyModule("pyspike.columnar.stream")

__all__ = ["Queries"]

U = TypeVar("U")


class Queries(ClientPart):
    """What `Client` has besides its commands on records: queries and aggregations."""

    __slots__ = ()

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
    ) -> Recordset[Record]: ...

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
    ) -> Recordset[U]: ...

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
    ) -> Recordset[Record] | Recordset[U]:
        """The records that a statement finds, as they come from the nodes, in no order; each of them once.

            with client.query(Statement("test", "users", where=filters.range("age", 20, 29))) as records:
                for record in records:
                    print(record.key, record["name"])

        A statement without `where` finds all records of its set or namespace. If a node fails, it or another
        one is asked for the rest. A record's key has its digest, and the user key where that is stored.

        Nothing is sent before the first record is asked for. Then records are received as they are read: the
        nodes wait while they are not, and memory does not grow with their number.

        Args:
            statement: what is asked for.
            into: a class to make an object of each record of, as in `get`; the statement says which bins
                are read.
            partitions: of which partitions.
            cursor: where another query of the statement stood, which this one goes on with, in place of
                `partitions`: it gives the records that the other one has not given yet.
            timeout: the deadline of the whole query in milliseconds, 0 for none, else 1 at least; or a
                timedelta. It counts from the first record on that is asked for, and all that is done with the
                records counts too.
            filter_expression: only records for which it holds are given.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: how it is sent, and how much of it is wanted.

        Returns:
            An iterator of the records and a context manager. What goes wrong is raised where the next record
            is asked for: the ServerError with which a node refuses (IndexNotFound if there is no index for
            `where`), or a TimeoutError or ConnectionError if asking again was of no use. A record that does
            not fit the class raises SchemaMismatch in its turn; the next one can be asked for then.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            ClientClosed: the client is closed.
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
        recordset: Recordset[Any] = self._executor.open_query(query)
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
    ) -> columnar.ArrowStream:
        """The records that a statement finds, in columns, for pyarrow, polars, pandas, DuckDB and others.

            frame = client.query_arrow(Statement("test", "users", ["name", "age"])).to_polars()

        They are decoded straight into Arrow's layout, without a Python object for each, in whichever thread
        asks for the next batch; other threads run meanwhile. Memory does not grow with the number of records.

        A bin that a record lacks is null. Integers and floats, and other types, are never mixed in silence. A
        map whose keys are text is a struct if its values are of different types, else a map. In a struct null
        is a key that lacks, and None does not fit; but in a field whose metadata says `aerospike:null` =
        `value` it is None, as it is guessed where no map of the first batch lacks the key, and with `either`,
        or if the type is declared as `T | None`, it is both.

        Args:
            statement: what is asked for.
            schema: which columns there are, and of which types: a mapping of names to Python types, a
                class as `into=` takes it, whose columns are called as its bins, or a schema of pyarrow or any
                library that has `__arrow_c_schema__`.
                Only these bins are asked for. None: the types are those of the records of the first batch.
            metadata: what else there is a column for: "digest", "key", "set", "generation", "ttl" (seconds)
                and "expiration"; or a mapping of these to the names of the columns.
            batch_rows: how many rows a batch has at most.
            batch_bytes: after about how many bytes a batch is closed.
            on_mismatch: what becomes of a value that does not fit its column: "error"; "null"; or "json": a
                column whose values are of several types in the first batch has JSON text, and what does not
                fit later is in the column `extra`.
            extra: the name of a column for bins that have none, as a JSON object; None: they are an error.
            partitions: of which partitions.
            cursor: where another query of the statement stood, which this one goes on with.
            timeout: the deadline of the whole query, from the first batch on, with what is done in between.
            filter_expression: only records for which it holds are given.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: how it is sent, and how much of it is wanted.

        Returns:
            An iterator of batches, which other libraries take as a whole, too. Errors are raised behind the
            rows that came before them: what `query` raises, or SchemaMismatch, which names record and bin.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            ClientClosed: the client is closed.
        """
        with importing:
            from pyspike.columnar import reading
            from pyspike.plans.partitions import QueryPlan

        options = reading.Options(schema, metadata, batch_rows, batch_bytes, on_mismatch, extra)
        return reading.of_query(
            self._cluster,
            self._executor,
            self._policies,
            partial(QueryPlan, self._cluster),
            statement,
            options,
            partitions=partitions,
            cursor=cursor,
            timeout=timeout,
            filter_expression=filter_expression,
            txn=txn,
            policy=policy,
        )

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
    ) -> columnar.ArrowStream:
        """The records of keys, in columns: a row for each key, in their order.

            table = client.batch_get_arrow(keys, ["name", "age"], metadata=["key"]).to_pyarrow()

        A record that is not there is a row without values. The keys of each batch are asked for when it is.

        Args:
            keys: any iterable of keys, however long.
            bins: the names of the bins to read; None for all, or those of the schema.
            schema: which columns there are, and of which types: a mapping of names to Python types, a
                class as `into=` takes it, whose columns are called as its bins, or a schema of pyarrow or any
                library that has `__arrow_c_schema__`.
                Only these bins are asked for. None: the types are those of the records of the first batch.
            metadata: what else there is a column for: "digest", "key", "set", "generation", "ttl" (seconds),
                "expiration" and "result_code" (0 of a record that is there, 2 of one that is not); or a
                mapping of these to the names of the columns.
            batch_rows: how many rows a batch has at most.
            batch_bytes: after about how many bytes a batch is closed.
            on_mismatch: what becomes of a value that does not fit its column: "error"; "null"; or "json": a
                column whose values are of several types in the first batch has JSON text, and what does not
                fit later is in the column `extra`.
            extra: the name of a column for bins that have none, as a JSON object; None: they are an error.
            timeout: the deadline of each batch in milliseconds, or a timedelta.
            filter_expression: a record for which it does not hold is as one that is not there.
            txn: None; a transaction is refused: read by `batch_get` in one.
            policy: how it is sent.

        Returns:
            An iterator of batches; see `query_arrow`. If rows fail, a BatchError is raised in the place of
            those that were asked for together with them.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            ClientClosed: the client is closed.
        """
        with importing:
            from pyspike.columnar import reading
            from pyspike.plans.batch import BatchPlan

        options = reading.Options(schema, metadata, batch_rows, batch_bytes, on_mismatch, extra)
        return reading.of_keys(
            self._cluster,
            self._executor,
            self._policies,
            partial(BatchPlan, self._cluster),
            keys,
            bins,
            options,
            timeout=timeout,
            filter_expression=filter_expression,
            txn=txn,
            policy=policy,
        )

    def aggregate(
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
        """What a stream function makes of all records that a statement finds.

            source = (
                "function total(s, bin) "
                "return s : map(function(r) return r[bin] end) : reduce(function(a, b) return a + b end) end"
            )
            client.register_udf(source, "sums").wait()
            [total] = client.aggregate(Statement("test", "users"), "sums", "total", ["visits"])

        Each node does it with its own records. What they give is brought to an end here, in Lua, by the same
        function: from its first `reduce` on. So the extra `lua` is needed: `pip install
        'pyspike-aerospike[lua]'`. If a node fails, all are asked again.

        Args:
            statement: which records; it says nothing of bins or operations.
            module: the name of the function's module, with or without ".lua"; its source is read from a node.
            function: the function's name.
            args: its arguments, behind the stream.
            timeout: the deadline of what the nodes do, in milliseconds, 0 for none, else 1 at least; or a
                timedelta.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: the deadline, retries, and records per second. Partitions and most other fields have no
                effect on an aggregation.

        Returns:
            What the function gives: one value if it reduces, none if there are no records; else any number.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            UnsupportedFeature: there is no Lua here.
            UdfError: there is no such module or function, or it has failed, on a node or here.
            ServerError, TimeoutError, ConnectionError: a node refused it, or did not answer.
            ClientClosed: the client is closed.
        """
        no_transaction(txn, "aggregate")
        settings = query_settings(self._policies, policy, statement, self._cluster.dynamic)
        with importing:
            from pyspike.cluster import aggregation

        with self._call("aggregate", self._policies.admin.timeout) as call:
            return aggregation.aggregate(call, statement, module, function, args, settings, timeout)

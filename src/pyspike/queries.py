"""The calls of `Client` that find records by anything but their keys.

What they do is in `pyspike.plans.partitions` and compiled (`src/wire/threads/recordset.pyx`), and in
`pyspike.cluster.aggregation`; those of `AsyncClient` are in `pyspike.async_queries`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspike._types import Filter, Milliseconds
from pyspike._wire import DynamicSettings, Executor, Recordset, Statement
from pyspike.arguments import Policies, no_transaction
from pyspike.policy import QueryPolicy
from pyspike.process.lazy_imports import importing
from pyspike.query import ALL_PARTITIONS, Cursor, PartitionFilter
from pyspike.query_arguments import new_query, query_settings
from pyspike.transaction import Transaction

if TYPE_CHECKING:
    from pyspike.cluster import Cluster

__all__ = ["Queries"]


class Queries:
    """What `Client` has besides its commands on records: queries and aggregations."""

    __slots__ = ()

    _cluster: Cluster
    _policies: Policies
    if TYPE_CHECKING:

        @property
        def _executor(self) -> Executor: ...

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
    ) -> Recordset:
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
            `where`), or a TimeoutError or ConnectionError if asking again was of no use.

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
        recordset: Recordset = self._executor.open_query(query)
        return recordset

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

            source = "function total(s, bin) "
                "return s : map(function(r) return r[bin] end) : reduce(function(a, b) return a + b end) end"
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

        return aggregation.aggregate(
            self._cluster, statement, module, function, args, settings, self._policies.admin, timeout
        )

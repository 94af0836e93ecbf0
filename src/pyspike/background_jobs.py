"""The calls of `Client` for jobs that the nodes do in the background, and for what queries they run.

What they do is in `pyspike.cluster`; those of `AsyncClient` are in `pyspike.async_background_jobs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyspike._types import Filter, Milliseconds, Ttl
from pyspike._wire import Operation, Statement, packed_call
from pyspike.arguments import no_transaction
from pyspike.client_part import ClientPart
from pyspike.policy import AdminPolicy, WritePolicy
from pyspike.process.lazy_imports import LazyModule, importing
from pyspike.task import ExecuteTask
from pyspike.transaction import Transaction

if TYPE_CHECKING:
    from pyspike import job
else:
    job = LazyModule("pyspike.job")

__all__ = ["BackgroundJobs"]


class BackgroundJobs(ClientPart):
    """What `Client` has besides its commands on records: jobs of the nodes."""

    __slots__ = ()

    def query_operate(
        self,
        statement: Statement,
        operations: Iterable[Operation],
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        records_per_second: int = 0,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> ExecuteTask:
        """Have the nodes apply operations to all records of a statement, in the background.

            adults = Statement("test", "users", where=filters.range("age", 18, 200))
            client.query_operate(adults, [operations.put("adult", True)]).wait()

        Each record is changed all or nothing; one that is deleted meanwhile is not made again. A node takes
        each record once, as long as no data is moving between the nodes.

        Args:
            statement: which records; without bins and operations of its own.
            operations: made by the functions of `pyspike.operations`; all of them write.
            timeout: until when all nodes must have begun, in milliseconds, 0 for no limit; or a timedelta.
            ttl: how long the records live from then on.
            filter_expression: only records for which it holds are changed.
            records_per_second: how many records each node may look at in a second; 0 for as many as its
                configuration allows.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: of it count the timeouts, the expiration, the filter, `durable_delete`, and how often a
                node that can't be reached is tried again; what would have no effect is refused. Without one
                this counts of the client's.

        Returns:
            What tells how far the nodes are, waits until they are done, and can end it.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used; nothing was sent.
            InvalidNamespace: the cluster has no such namespace.
            ServerError: all nodes refuse it, such as `IndexNotFound`.
            JobError: some nodes did not begin it, or may not have; the others go on. It names them.
            ConnectionError: a node of the cluster can't be reached from here; nothing was begun.
            ClientClosed: the client is closed.
        """
        no_transaction(txn, "query_operate")
        with importing:
            from pyspike.cluster import background

        with self._call("query_operate", self._policies.admin.timeout) as call:
            watch = background.begin(
                call,
                statement,
                policy,
                self._policies.write,
                operations=operations,
                timeout=timeout,
                ttl=ttl,
                filter_expression=filter_expression,
                records_per_second=records_per_second,
            )
        return ExecuteTask(watch)

    def query_execute_udf(
        self,
        statement: Statement,
        module: str,
        function: str,
        args: Iterable[Any] = (),
        *,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        filter_expression: Filter | None = None,
        records_per_second: int = 0,
        txn: Transaction | None = None,
        policy: WritePolicy | None = None,
    ) -> ExecuteTask:
        """Have the nodes call a function on all records of a statement, in the background.

        A node does not tell whether it has such a function: where it has none, all records are `failed`.

        Args:
            statement: which records; without bins and operations of its own.
            module: the name of a registered module, with or without ".lua".
            function: the function's name in it.
            args: the arguments behind the record, values as bins can have.
            timeout: until when all nodes must have begun, in milliseconds, 0 for no limit; or a timedelta.
            ttl: how long the records live from then on that the function writes.
            filter_expression: the function is called only on records for which it holds.
            records_per_second: how many records each node may look at in a second; 0 for as many as its
                configuration allows.
            txn: None; a transaction is refused, as servers run no queries in one.
            policy: as in `query_operate`.

        Returns:
            What tells how far the nodes are, waits until they are done, and can end it.

        Raises:
            InvalidType, InvalidArgument, InvalidNamespace, ServerError, JobError: as from `query_operate`.
            ConnectFailed, ClientClosed: no node is known, or the client is closed.
        """
        no_transaction(txn, "query_execute_udf")
        with importing:
            from pyspike.cluster import background

        with self._call("query_execute_udf", self._policies.admin.timeout) as call:
            watch = background.begin(
                call,
                statement,
                policy,
                self._policies.write,
                udf=packed_call(module, function, args),
                timeout=timeout,
                ttl=ttl,
                filter_expression=filter_expression,
                records_per_second=records_per_second,
            )
        return ExecuteTask(watch)

    def jobs(self, *, policy: AdminPolicy | None = None) -> list[job.Job]:
        """The queries that the nodes run or have run lately, those of other clients too; each node is asked.

        Short queries are not among them. Those that still run come first; several nodes tell of one job, each
        of its own part.

        Args:
            policy: the deadline for each node.

        Raises:
            ServerError, TimeoutError, ConnectionError: a node did not tell.
        """
        with importing:
            from pyspike.cluster import jobs

        with self._admin_call("jobs", policy) as call:
            return jobs.list_jobs(call)

    def abort_job(self, job_id: int, *, policy: AdminPolicy | None = None) -> list[str]:
        """End a query on all nodes, whoever asked for it; what it has changed stays changed.

        Args:
            job_id: its number, as in `ExecuteTask.id` and `Job.id`.
            policy: the deadline for each node.

        Returns:
            The names of the nodes that ran it; none if there is no such job, or it was done.

        Raises:
            InvalidType, InvalidArgument: it is no number of a job.
            JobError: a node did not answer, or with an error; the others have ended it.
            ConnectFailed, ClientClosed: no node is known, or the client is closed.
        """
        with importing:
            from pyspike.cluster import jobs

        with self._admin_call("abort_job", policy) as call:
            return jobs.abort(call, job_id)

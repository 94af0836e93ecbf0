"""The calls of `AsyncClient` for jobs of the nodes: as those of `Client`, but to be awaited.

What blocks is done in a thread of its own: these calls are rare.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from pyspike import job
from pyspike._types import Filter, Milliseconds, Ttl
from pyspike._wire import Operation, Statement, packed_call
from pyspike.arguments import no_transaction
from pyspike.async_task import AsyncExecuteTask
from pyspike.client_part import ClientPart
from pyspike.cluster import background, jobs
from pyspike.policy import AdminPolicy, WritePolicy
from pyspike.process.in_thread import in_thread
from pyspike.transaction import Transaction

__all__ = ["AsyncBackgroundJobs"]


class AsyncBackgroundJobs(ClientPart):
    """What `AsyncClient` has besides its commands on records: see `BackgroundJobs`."""

    __slots__ = ()

    async def query_operate(
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
    ) -> AsyncExecuteTask:
        """Have the nodes apply operations to all records of a statement: see `Client.query_operate`."""
        no_transaction(txn, "query_operate")
        with self._call("query_operate", self._policies.admin.timeout) as call:
            begin = partial(
                background.begin,
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
            return AsyncExecuteTask(await in_thread(begin))

    async def query_execute_udf(
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
    ) -> AsyncExecuteTask:
        """Have the nodes call a function on all records of a statement: see `Client.query_execute_udf`."""
        no_transaction(txn, "query_execute_udf")
        with self._call("query_execute_udf", self._policies.admin.timeout) as call:
            begin = partial(
                background.begin,
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
            return AsyncExecuteTask(await in_thread(begin))

    async def jobs(self, *, policy: AdminPolicy | None = None) -> list[job.Job]:
        """The queries that the nodes run or have run lately: see `Client.jobs`."""
        with self._admin_call("jobs", policy) as call:
            return await in_thread(jobs.list_jobs, call)

    async def abort_job(self, job_id: int, *, policy: AdminPolicy | None = None) -> list[str]:
        """End a query on all nodes: see `Client.abort_job`."""
        with self._admin_call("abort_job", policy) as call:
            return await in_thread(jobs.abort, call, job_id)

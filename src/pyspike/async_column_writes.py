"""The call of `AsyncClient` that writes rows of columns: see `pyspike.column_writes`.

They are packed and sent in a thread, so that the loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyspike._types import ArrowRows, Filter, Milliseconds, Ttl
from pyspike._wire import AsyncExecutor, Batch, ColumnWriter
from pyspike.client_part import ClientPart
from pyspike.columnar import writing
from pyspike.columnar.stream import AsyncArrowStream
from pyspike.columnar.writing import WriteReport
from pyspike.policy import BatchPolicy, BatchWritePolicy
from pyspike.process.in_thread import in_thread
from pyspike.transaction import Transaction

__all__ = ["AsyncColumnWrites"]


class AsyncColumnWrites(ClientPart):
    """What `AsyncClient` has for rows of columns: see `ColumnWrites`."""

    __slots__ = ()

    _loops: AsyncExecutor

    async def write_arrow(
        self,
        data: ArrowRows | AsyncArrowStream,
        namespace: str,
        set_name: str | None,
        *,
        key: str | None = None,
        digest: str | None = None,
        bins: Iterable[str] | Mapping[str, str] | None = None,
        ttl: Ttl | str | None = None,
        generation: str | None = None,
        set_column: str | None = None,
        extra: str | None = None,
        start_row: int = 0,
        in_flight: int = 2048,
        max_failures: int | None = None,
        dry_run: bool = False,
        progress: Callable[[WriteReport], object] | None = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> WriteReport:
        """Write rows of columns, a record for each: see `Client.write_arrow`.

            report = await client.write_arrow(table, "test", "users", key="id")

        They are read, packed and sent in a thread. If the task is cancelled, that ends a little later.

        Args:
            data: any object with `__arrow_c_stream__` or `__arrow_c_array__`, or an `AsyncArrowStream`; it is
                read once.
            namespace: of the records.
            set_name: of the records; None for no set.
            key: the name of the column with their keys.
            digest: that of a column with digests, for rows whose key is null.
            bins: the names of the columns that are bins, or a mapping of them to names of bins.
            ttl: how long the records live from then on, or the name of a column of seconds.
            generation: the name of a column with generations that the records must have.
            set_column: the name of a column with the names of sets.
            extra: the name of a column of JSON objects with more bins.
            start_row: how many rows to pass over.
            in_flight: how many rows may be under way at once.
            max_failures: after how many rows that failed no other is sent.
            dry_run: whether rows are packed only, and none is sent.
            progress: is called in the loop with the `WriteReport` so far, as rows are done.
            timeout: the deadline of each batch.
            filter_expression: the records for which it does not hold are not written, and fail.
            row_policy: of each row; None for what the client's `write` says.
            txn: None; a transaction is refused.
            policy: how batches are sent; fields that are of reads only are refused.

        Returns:
            How many rows were written, and which failed.

        Raises:
            RowRefused, InvalidType, InvalidArgument, AerospikeError, ClientClosed: as from
                `Client.write_arrow`.
        """
        rows: ArrowRows = data.in_threads if isinstance(data, AsyncArrowStream) else data
        columns = writing.Roles(key, digest, bins, ttl, generation, set_column, extra)
        sending = writing.Sending(
            start_row,
            in_flight,
            max_failures,
            dry_run,
            timeout,
            filter_expression,
            row_policy,
            policy,
            progress,
        )
        writer = writing.new_writer(
            self._cluster,
            self._executor,
            self._policies,
            self._plan_of_rows,
            rows,
            namespace,
            set_name,
            columns,
            sending,
            txn,
        )
        told = None if progress is None else _Progress(progress, writer)
        try:
            report = await in_thread(writing.run, writer, None if told is None else told.tell)
        except BaseException:  # also if the task was cancelled
            writer.cancel()
            if told is None or told.error is None:
                raise
            report = None
        if told is not None and told.error is not None:
            raise told.error
        assert report is not None
        return report

    def _plan_of_rows(self, batch: Batch) -> Any:
        """Which node is asked for which rows of a batch of them."""
        return self._loops.plan(batch)


class _Progress:
    """Has the running loop make the caller's calls, from any thread. An error of one ends the writing.

    Args:
        call: the caller's.
        writer: what is ended.
    """

    def __init__(self, call: Callable[[WriteReport], object], writer: ColumnWriter) -> None:
        self._call = call
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self.error: BaseException | None = None

    def tell(self, report: WriteReport) -> None:
        """Have the call made soon."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._tell, report)

    def _tell(self, report: WriteReport) -> None:
        if self.error is not None:
            return
        try:
            self._call(report)
        except Exception as error:
            self.error = error
            self._writer.cancel()

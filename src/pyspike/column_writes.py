"""The call of `Client` that writes rows of columns.

What it does is in `pyspike.columnar.writing` and compiled (`src/wire/threads/column_writer.pyx`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pyspike._types import ArrowRows, Filter, Milliseconds, Ttl
from pyspike._wire import Batch
from pyspike.client_part import ClientPart
from pyspike.policy import BatchPolicy, BatchWritePolicy
from pyspike.process.lazy_imports import LazyModule
from pyspike.transaction import Transaction

if TYPE_CHECKING:
    from pyspike.columnar import writing
else:
    writing = LazyModule("pyspike.columnar.writing")

__all__ = ["ColumnWrites"]


class ColumnWrites(ClientPart):
    """What `Client` has for rows of columns."""

    __slots__ = ()

    def write_arrow(
        self,
        data: ArrowRows,
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
        progress: Callable[[writing.WriteReport], object] | None = None,
        timeout: Milliseconds | None = None,
        filter_expression: Filter | None = None,
        row_policy: BatchWritePolicy | None = None,
        txn: Transaction | None = None,
        policy: BatchPolicy | None = None,
    ) -> writing.WriteReport:
        """Write rows of columns, a record for each, from pyarrow, polars, pandas, DuckDB and others.

            report = client.write_arrow(table, "test", "users", key="id")

        Values go from the columns' memory into batches without a Python object for each. A value that is null
        is not written: its bin stays as it is, or lacks in a new record. A field of a struct that is null is
        left out of its map, or is None there if the field's metadata says so (`aerospike:null` = `value`).
        Text and bytes whose column says so in its metadata (`aerospike:particle`) are GeoJSON and
        HyperLogLog, as `query_arrow` gives them; a column of `arrow.json` has values of any type. Times and
        dates are written as the integers that the column has for them.

        Up to 65,536 rows of a batch of the data are packed before any of them is sent. Of two rows with one
        key, either may be written last.

        Args:
            data: any object with `__arrow_c_stream__` or `__arrow_c_array__`; it is read once.
            namespace: of the records.
            set_name: of the records; None for no set.
            key: the name of the column with their keys: integers, text or bytes.
            digest: that of a column with digests, for rows whose key is null, or if there are no keys.
            bins: the names of the columns that are bins, or a mapping of them to names of bins; None for all
                that are nothing else.
            ttl: how long the records live from then on, as in `put`; or the name of a column of seconds or
                durations, in which null is for ever.
            generation: the name of a column with generations that the records must have, or what the policy
                makes of them.
            set_column: the name of a column with the names of sets; where it is null, `set_name` is meant.
            extra: the name of a column of JSON objects with more bins.
            start_row: how many rows to pass over, as another call has written them.
            in_flight: how many rows may be under way; they are sent in batches of half as many. Make it
                smaller, or the policy's deadlines longer, where nodes are slow.
            max_failures: after how many rows that failed no other is sent; None for any number.
            dry_run: whether rows are packed only, to see that all can be written, and none is sent.
            progress: is called with the `WriteReport` so far as rows are done, and in the end in any case.
            timeout: the deadline of each batch, in milliseconds, 0 for none, or a timedelta.
            filter_expression: the records for which it does not hold are not written, and fail.
            row_policy: of each row; None for what the client's `write` says.
            txn: None; a transaction is refused.
            policy: how batches are sent; fields that are of reads only are refused.

        Returns:
            How many rows were written, and which failed: rows fail alone.

        Raises:
            RowRefused: the server can't hold a value; its column and row are told. The rows sent before it
                were written.
            InvalidType, InvalidArgument: an argument or a column can't be used; nothing was sent.
            AerospikeError: the data gave no more rows. What was sent was written.
            ClientClosed: the client is closed.
        """
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
            data,
            namespace,
            set_name,
            columns,
            sending,
            txn,
        )
        return writing.run(writer, progress)

    def _plan_of_rows(self, batch: Batch) -> Any:
        """Which node is asked for which rows of a batch of them."""
        from pyspike.plans.batch import BatchPlan

        return BatchPlan(self._cluster, batch)

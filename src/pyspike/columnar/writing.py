"""What `write_arrow` of both clients does: arguments become a writer of columns, and what it did a report."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pyspike._types import ArrowRows, Filter, Milliseconds, Ttl
from pyspike._wire import (
    SECTION_BATCH_WRITE,
    ArrowSchema,
    Batch,
    ColumnPlan,
    ColumnWriter,
    Executor,
    Key,
    plain_text,
    taken_columns,
)
from pyspike.arguments import Policies, batch_rules, of_kind
from pyspike.cluster.cluster import Cluster
from pyspike.columnar.json_values import from_text
from pyspike.errors import AerospikeError, InvalidArgument, InvalidType
from pyspike.policy import BatchPolicy, BatchWritePolicy
from pyspike.showing import shown
from pyspike.transaction import Transaction

__all__ = ["Roles", "RowFailure", "Sending", "WriteReport", "new_writer", "run"]


class RowFailure(NamedTuple):
    """A row that was not written, or of which that is not known.

    Args:
        row: its number in the data, from 0 on.
        key: of the record.
        error: why; its `in_doubt` says whether it may have been written all the same.
    """

    row: int
    key: Key
    error: AerospikeError


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class WriteReport:
    """What `write_arrow` has done.

    Args:
        written: how many rows were written; in a dry run, how many would be sent.
        skipped: how many rows have no value but null, of which nothing was written.
        failures: the rows that failed.
        next_row: the number of the first row for which it is not known what came of it: `start_row` of a
            call that goes on from there. It may write some rows again that are behind it.
        elapsed: how long it took so far, in seconds.
    """

    written: int
    skipped: int
    failures: tuple[RowFailure, ...]
    next_row: int
    elapsed: float

    @property
    def ok(self) -> bool:
        """Whether no row failed."""
        return not self.failures

    @property
    def rows_per_second(self) -> float:
        """How many rows were written in a second."""
        return self.written / self.elapsed if self.elapsed else 0.0

    def raise_for_failures(self) -> None:
        """Raise if a row failed.

        Raises:
            AerospikeError: the error of the first row that failed; its message tells how many others did.
        """
        if self.failures:
            first = copy.copy(self.failures[0].error)
            of_all = f"{len(self.failures)} of {self.written + len(self.failures)} rows failed, row "
            first.message = f"{of_all}{self.failures[0].row} with: {first.message}"
            raise first

    def __repr__(self) -> str:
        counts = f"{self.written} rows written, {self.skipped} skipped, {len(self.failures)} failed"
        return f"<WriteReport: {counts}; next row {self.next_row}>"


_OF_READS = ("replica", "consistency_level", "read_mode_sc", "read_touch_ttl", "deserialize")


class Roles(NamedTuple):
    """What a caller says of the columns; see `Client.write_arrow`."""

    key: str | None
    digest: str | None
    bins: Iterable[str] | Mapping[str, str] | None
    ttl: Ttl | str | None
    generation: str | None
    set_column: str | None
    extra: str | None


class Sending(NamedTuple):
    """How rows are sent; see `Client.write_arrow`."""

    start_row: int
    in_flight: int
    max_failures: int | None
    dry_run: bool
    timeout: Milliseconds | None
    filter_expression: Filter | None
    row_policy: BatchWritePolicy | None
    policy: BatchPolicy | None
    progress: Callable[[WriteReport], object] | None = None


def new_writer(
    cluster: Cluster,
    executor: Executor,
    policies: Policies,
    plan_of: Callable[[Batch], Any],
    data: ArrowRows,
    namespace: str,
    set_name: str | None,
    columns: Roles,
    sending: Sending,
    txn: Transaction | None,
) -> ColumnWriter:
    """What writes the rows; see `Client.write_arrow`."""
    if txn is not None:
        raise InvalidArgument(
            "write_arrow takes no part in a transaction: how many records it writes is not known in advance",
            advice="use batch_put, for up to 4096 records",
        )
    if sending.progress is not None and not callable(sending.progress):
        raise InvalidType(f"progress must be a callable or None, not {shown(sending.progress)}")
    row_policy = (
        None if sending.row_policy is None else of_kind(BatchWritePolicy, sending.row_policy, "row_policy")
    )
    rules = batch_rules(policies, sending.policy, cluster.dynamic, SECTION_BATCH_WRITE)
    _refuse_idle(sending.policy, row_policy)
    taken = taken_columns(data)
    roles = _roles(columns)
    plan = ColumnPlan(
        taken.schema,
        namespace,
        set_name,
        _bins(columns, taken.schema, set(roles.values())),
        roles,
        None if isinstance(columns.ttl, str) else columns.ttl,
        from_text,
        rules,
        None if row_policy is None else row_policy.settings,
    )
    writer = ColumnWriter(
        taken,
        plan,
        cluster.routing,
        plan_of,
        rules=rules,
        start_row=sending.start_row,
        in_flight=sending.in_flight,
        timeout=sending.timeout,
        filter_expression=sending.filter_expression,
        most_failures=sending.max_failures,
        dry_run=sending.dry_run,
    )
    writer.be_watched(executor.open_call("write_arrow", namespace, set_name))
    return writer


def _refuse_idle(policy: BatchPolicy | None, row_policy: BatchWritePolicy | None) -> None:
    """Refuse policies of the call with fields that mean nothing to rows that write, in no transaction."""
    plain = BatchPolicy()
    idle = (
        []
        if policy is None
        else [name for name in _OF_READS if getattr(policy, name) != getattr(plain, name)]
    )
    if idle:
        raise InvalidArgument(
            f"write_arrow reads nothing, so its policy's {' and '.join(idle)} would change nothing",
            advice="give a policy without it",
        )
    if row_policy is not None and row_policy.on_locking_only:
        raise InvalidArgument(
            "on_locking_only is for transactions, and write_arrow takes no part in one",
            advice="use batch_put with txn, for up to 4096 records",
        )


def _roles(columns: Roles) -> dict[str, str]:
    """The names of the columns that are no bins, by what they are."""
    named = {
        "key": columns.key,
        "digest": columns.digest,
        "set": columns.set_column,
        "ttl": columns.ttl if isinstance(columns.ttl, str) else None,
        "generation": columns.generation,
        "extra": columns.extra,
    }
    roles: dict[str, str] = {}
    for role, name in named.items():
        if name is None:
            continue
        if not isinstance(name, str):
            raise InvalidType(f"{role} must be the name of a column, not {shown(name)}")
        roles[role] = plain_text(name)
    if len(set(roles.values())) != len(roles):
        raise InvalidArgument(f"a column is named twice: {shown(roles)}")
    return roles


def _bins(columns: Roles, schema: ArrowSchema, others: set[str]) -> dict[str, str]:
    """The names of the bins, by those of their columns."""
    if columns.bins is None:
        names = [name for name in schema.names if name not in others]
        if len(set(names)) != len(names):
            raise InvalidArgument(f"two columns have one name: {shown(names)}")
        return {name: name for name in names}
    if isinstance(columns.bins, str) or not isinstance(columns.bins, Iterable):
        raise InvalidType(
            f"bins must be names of columns, or a mapping of them to names of bins, not {shown(columns.bins)}"
        )
    pairs = (
        columns.bins.items() if isinstance(columns.bins, Mapping) else [(name, name) for name in columns.bins]
    )
    bins: dict[str, str] = {}
    for column, name in pairs:
        if not isinstance(column, str):
            raise InvalidType(f"the name of a column must be a str, not {shown(column)}")
        if column in bins:
            raise InvalidArgument(f"the column {column!r} is named twice")
        bins[plain_text(column)] = name
    return bins


def report_of(writer: ColumnWriter) -> WriteReport:
    """What a writer has done so far."""
    failures = tuple(RowFailure(*each) for each in writer.failures)
    return WriteReport(
        written=writer.sent - writer.under_way - len(failures),
        skipped=writer.skipped,
        failures=failures,
        next_row=writer.next_row,
        elapsed=writer.elapsed_ns / 1e9,
    )


def run(writer: ColumnWriter, progress: Callable[[WriteReport], object] | None) -> WriteReport:
    """Write all rows, and tell how far it is now and then, and in the end, also if that is early."""
    if progress is None:
        writer.run(None)
        return report_of(writer)
    told = progress

    def note() -> None:
        told(report_of(writer))

    try:
        writer.run(note)
    finally:
        note()
    return report_of(writer)

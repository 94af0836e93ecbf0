"""What `query_arrow` and `batch_get_arrow` of both clients do: arguments become a stream of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pyspike._types import ColumnTypes, Filter, KeyLike, MetadataColumns, Milliseconds
from pyspike._wire import (
    SECTION_BATCH_READ,
    Batch,
    Columns,
    Executor,
    Query,
    Statement,
    batch_columns,
    metadata_names,
    plain_int,
    plain_text,
    query_columns,
)
from pyspike.arguments import Policies, batch_rules, no_transaction
from pyspike.cluster.cluster import Cluster
from pyspike.columnar.schema import GuessedSchema, schema_of
from pyspike.columnar.stream import ArrowStream
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.policy import BatchPolicy, QueryPolicy
from pyspike.query import Cursor, PartitionFilter
from pyspike.query_arguments import new_query
from pyspike.showing import shown
from pyspike.transaction import Transaction

__all__ = ["Options", "of_keys", "of_query"]

EXTRA = "extra"


class Options(NamedTuple):
    """What a caller says of the columns; see `Client.query_arrow`."""

    schema: ColumnTypes | None
    metadata: MetadataColumns
    batch_rows: int
    batch_bytes: int
    on_mismatch: str
    extra: str | None


def of_query(
    cluster: Cluster,
    executor: Executor,
    policies: Policies,
    plan_of: Callable[[Query], Any],
    statement: Statement,
    options: Options,
    *,
    partitions: PartitionFilter,
    cursor: Cursor | None,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    txn: Transaction | None,
    policy: QueryPolicy | None,
) -> ArrowStream:
    """The records that a statement finds, in columns: see `Client.query_arrow`."""
    no_transaction(txn, "query_arrow")
    if not isinstance(statement, Statement):
        raise InvalidType(f"what is asked for must be a Statement, not {shown(statement)}")
    columns = _columns(options, statement.bins, is_of_keys=False)
    query = new_query(
        policies,
        _statement_for(statement, columns, options),
        partitions,
        cursor,
        timeout,
        filter_expression,
        policy,
        cluster.dynamic,
    )
    stream = query_columns(cluster.routing, plan_of(query), columns, ArrowStream)
    assert isinstance(stream, ArrowStream)
    stream.be_watched(executor.open_call("query_arrow", statement.namespace, statement.set_name))
    return stream


def of_keys(
    cluster: Cluster,
    executor: Executor,
    policies: Policies,
    plan_of: Callable[[Batch], Any],
    keys: Iterable[KeyLike],
    bins: Sequence[str] | None,
    options: Options,
    *,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    txn: Transaction | None,
    policy: BatchPolicy | None,
) -> ArrowStream:
    """The records of keys, in columns: see `Client.batch_get_arrow`."""
    if txn is not None:
        raise InvalidArgument(
            "batch_get_arrow takes no part in a transaction",
            advice="read by batch_get in a transaction, or leave txn out",
        )
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise InvalidType(f"keys must be an iterable of keys, not {shown(keys)}")
    bins = None if bins is None else Statement("any", None, bins).bins  # checks the names
    columns = _columns(options, bins, is_of_keys=True)
    stream = batch_columns(
        cluster.routing,
        plan_of,
        keys,
        _bins_to_read(columns, bins, options),
        batch_rules(policies, policy, cluster.dynamic, SECTION_BATCH_READ),
        timeout,
        filter_expression,
        columns,
        ArrowStream,
    )
    assert isinstance(stream, ArrowStream)
    stream.be_watched(executor.open_call("batch_get_arrow", None, None))  # its keys are not there yet
    return stream


def _columns(options: Options, bins: Sequence[str] | None, *, is_of_keys: bool) -> Columns:
    """The columns that records become, of which some bins, or all, are asked for."""
    schema, metadata, batch_rows, batch_bytes, on_mismatch, extra = options
    numbers = {"batch_rows": batch_rows, "batch_bytes": batch_bytes}
    for name, number in numbers.items():
        plain = plain_int(number)
        if plain is None:
            raise InvalidType(f"{name} must be an int, not {shown(number)}")
        numbers[name] = plain
    if extra is not None and (not isinstance(extra, str) or not extra):
        raise InvalidType(f"extra must be the name of a column or None, not {shown(extra)}")
    if not isinstance(on_mismatch, str):
        raise InvalidType(f"on_mismatch must be 'error', 'null' or 'json', not {shown(on_mismatch)}")
    if extra is None and on_mismatch == "json":
        extra = EXTRA
    names = _metadata(metadata, is_of_keys)
    if extra in names.values():
        raise InvalidArgument(f"two columns would be called {extra!r}")
    declared = None if schema is None else schema_of(schema)
    if declared is not None and bins is not None:
        lacking = set(bins) - set(declared.names)
        if lacking and extra is None:
            raise InvalidArgument(
                f"the bins {shown(sorted(lacking))} are asked for, but the schema has no columns for them",
                advice="leave the bins out, or add them to the schema, or give extra=",
            )
    return Columns(
        declared,
        bins,
        names,
        batch_rows=numbers["batch_rows"],
        batch_bytes=numbers["batch_bytes"],
        on_mismatch=on_mismatch,
        extra=extra,
    )


def _metadata(metadata: MetadataColumns, is_of_keys: bool) -> dict[str, str]:
    """What each record has a column for besides its bins, with the columns' names."""
    if isinstance(metadata, str):
        raise InvalidType(
            f"metadata must be names, not one: {shown(metadata)}", advice=f"({shown(metadata)},)"
        )
    if not isinstance(metadata, Iterable):
        raise InvalidType(
            f"metadata must be names, or a mapping of them to names of columns, not {shown(metadata)}"
        )
    pairs = metadata.items() if isinstance(metadata, Mapping) else [(each, each) for each in metadata]
    known = [name for name in metadata_names() if is_of_keys or name != "result_code"]
    names: dict[str, str] = {}
    for what, name in pairs:
        if what not in known:
            raise InvalidArgument(f"metadata can be {', '.join(known)}, not {shown(what)}")
        if not isinstance(name, str):
            raise InvalidType(f"the name of a column must be a str, not {shown(name)}")
        if name in names.values() or what in names:
            raise InvalidArgument(f"metadata has {shown(name)} twice")
        names[plain_text(what)] = plain_text(name)
    return names


def _bins_to_read(columns: Columns, bins: Sequence[str] | None, options: Options) -> Sequence[str] | None:
    """The names of the bins to ask for: those of the columns, if these are known and take nothing else."""
    if bins is not None or columns.schema is None or options.extra is not None:
        return bins
    if isinstance(options.schema, GuessedSchema):
        return None
    return columns.bin_names


def _statement_for(statement: Statement, columns: Columns, options: Options) -> Statement:
    """The statement, with the bins that the columns are for."""
    if statement.operations is not None:
        names = [operation.bin for operation in statement.operations]
        if len(set(names)) != len(names):
            raise InvalidArgument(
                "two operations of the statement give a value of one name, which is a column's",
                advice="operations.exp.read() gives its value any name",
            )
        return statement
    bins = _bins_to_read(columns, statement.bins, options)
    if bins is statement.bins:
        return statement
    return Statement(statement.namespace, statement.set_name, bins, where=statement.where)

"""What the methods of both clients take that query."""

from __future__ import annotations

from collections.abc import Sequence

from pyspike._types import Filter, Milliseconds
from pyspike._wire import (
    SECTION_QUERY,
    SECTION_SCAN,
    DynamicSettings,
    Query,
    QueryPartitions,
    Settings,
    Statement,
    filter_bytes,
    partitions_of_cursor,
)
from pyspike.arguments import Policies, of_kind
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.policy import QueryPolicy
from pyspike.process.lazy_imports import importing
from pyspike.query import ALL_PARTITIONS, Cursor, PartitionFilter
from pyspike.showing import shown

__all__ = ["new_query", "query_settings"]

ARRAY_OF_THREE = 0x93  # in MessagePack


def query_settings(
    policies: Policies, policy: QueryPolicy | None, statement: Statement, dynamic: DynamicSettings | None
) -> Settings:
    """The settings of a query; `dynamic` is what a configuration file says, if the client follows one.

    Raises:
        InvalidType: the policy is of another kind.
    """
    chosen = policies.query if policy is None else of_kind(QueryPolicy, policy)
    if dynamic is None:
        return chosen.settings
    return dynamic.of(chosen, SECTION_SCAN if getattr(statement, "where", None) is None else SECTION_QUERY)


def new_query(
    policies: Policies,
    statement: Statement,
    partitions: PartitionFilter,
    cursor: Cursor | None,
    timeout: Milliseconds | None,
    filter_expression: Filter | None,
    policy: QueryPolicy | None,
    dynamic: DynamicSettings | None,
) -> Query:
    """The query that is asked for by these arguments of `Client.query`.

    Raises:
        InvalidType, InvalidArgument: one of them can't be used.
    """
    if not isinstance(statement, Statement):
        raise InvalidType(f"what is asked for must be a Statement, not {shown(statement)}")
    if not isinstance(partitions, PartitionFilter):
        raise InvalidType(f"partitions must be a PartitionFilter, not {shown(partitions)}")
    if cursor is not None and not isinstance(cursor, Cursor):
        raise InvalidType(
            f"cursor must be a Cursor, not {shown(cursor)}", advice="make one of bytes with Cursor.from_bytes"
        )
    if cursor is None:
        states = QueryPartitions(partitions.begin, partitions.count, partitions.after)
    elif partitions == ALL_PARTITIONS:
        states = partitions_of_cursor(cursor.to_bytes(), statement)
    else:
        raise InvalidArgument(
            "partitions and cursor exclude each other",
            advice="a cursor goes on with the partitions of the query it is of",
        )
    settings = query_settings(policies, policy, statement, dynamic)
    if settings.max_records and statement.bins:
        given = settings.filter_expression if filter_expression is None else filter_bytes(filter_expression)
        filter_expression = _with_any_bin(statement.bins, given)
    return Query(statement, settings, states, timeout, filter_expression)


def _with_any_bin(bins: Sequence[str], given: bytes | None) -> bytes:
    """The filter `given`, and that a record has one of these bins.

    A server counts records without any of them as some of the most that are wanted, though it does not send
    them, so that a query would seem to be done before it is (query-scan.md 8.4).
    """
    with importing:
        from pyspike.cdt.opcodes import ExpOp
        from pyspike.exp.logic import or_
        from pyspike.exp.record import bin_exists

    found = bytes(or_(*map(bin_exists, bins)))
    return found if given is None else bytes((ARRAY_OF_THREE, ExpOp.AND)) + given + found

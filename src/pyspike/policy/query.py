"""How records are found: queries."""

from __future__ import annotations

import enum
from typing import Any

from pyspike._types import SupportsToBytes
from pyspike._wire import (
    INFO1_COMPRESS_RESPONSE,
    INFO1_GET_NO_BINS,
    INFO1_SHORT_QUERY,
    INFO2_RELAX_AP_LONG_QUERY,
    OF_QUERY,
    filter_bytes,
    timeout_ms,
)
from pyspike.errors import InvalidArgument
from pyspike.plain_value import value_class
from pyspike.policy.base import (
    INFO4_DETAILS_SHIFT,
    CommandPolicy,
    ErrorDetails,
    Milliseconds,
    MillisecondsOrNone,
    policy_field,
)
from pyspike.policy.checks import (
    MAX_INT32,
    MAX_INT64,
    MAX_UINT32,
    checked_when_compiled,
    instance,
    ms_or_none,
    retries,
    whole,
)
from pyspike.policy.read import Replica

__all__ = ["QueryDuration", "QueryPolicy"]

QUERY_RETRIES = 5


class QueryDuration(enum.Enum):
    """How long a query is expected to take, by which the nodes choose how to run it.

    LONG: in the background of the node, listed among its jobs. SHORT: at once and in one go, which is quicker
    for up to about a hundred records. LONG_RELAX_AP: as LONG, but while data is moving a node may answer for
    partitions that are not complete there yet, in an available (AP) namespace.
    """

    LONG = 0
    SHORT = 1
    LONG_RELAX_AP = 2


_INFO1 = {QueryDuration.SHORT: INFO1_SHORT_QUERY}
_INFO2 = {QueryDuration.LONG_RELAX_AP: INFO2_RELAX_AP_LONG_QUERY}


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class QueryPolicy(CommandPolicy):
    """How a query is sent, and how much of it is wanted.

    Args:
        max_records: how many records to give at most, of all nodes together; 0 for all. The recordset's
            cursor goes on behind them.
        records_per_second: how many records each node may look at in a second; 0 for no limit. Not for a
            SHORT query.
        max_concurrent_nodes: how many nodes are asked at the same time; 0 for all.
        expected_duration: how long it is expected to take.
        include_bin_data: whether records come with their bins; if not, with key, generation and expiration
            only.
        replica: which copy of a partition is asked first; MASTER asks no other one.
        socket_timeout: how long a node may be silent while it is asked for more, and how long it keeps an
            answer that is not read: whoever takes longer over a record is given the rest by another request.
            None is the share of what is left of the deadline, or 30 s without one; 0 for no limit.
        total_timeout: the deadline of the whole query, with all that is done with the records in between; 0
            for none.
        connect_timeout: how long a request may wait for a connection to be opened, if it needs a new one; 0
            for as long as `ClientPolicy.timeout` and the deadline allow, which it never exceeds.
        timeout_delay: how long a connection is kept whose query timed out, to await the rest of the answer,
            after which it is used again; 0 closes it at once, by which the node ends the query.
        max_retries: how often in a row partitions are asked for again that brought no record, as the node
            failed or does not have them any more.
        sleep_between_retries: how long to wait at least before partitions are asked for again more than once.
        filter_expression: only records for which it holds are given; an expression or its bytes.
        error_details: how much a node tells of an error besides its code.
        use_compression: whether nodes are asked to compress the records; only the Enterprise Edition does.
        deserialize: whether lists and maps are read as lists and dicts; if not, each is a `RawParticle` with
            its bytes.

    All times are milliseconds, 0 or 1 at least, or a timedelta. Fields of the Rust client are left out:
    `record_queue_size`, as there is no queue (what is not read stays with the nodes), and `consistency_level`
    and `read_touch_ttl`, which no server heeds in a query.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, or `records_per_second` is given for a SHORT query.
    """

    max_records: int = policy_field(0, whole(0, MAX_INT64))
    records_per_second: int = policy_field(0, whole(0, MAX_UINT32))
    max_concurrent_nodes: int = policy_field(0, whole(0, MAX_INT32))
    expected_duration: QueryDuration = policy_field(QueryDuration.LONG, instance(QueryDuration))
    include_bin_data: bool = policy_field(True, instance(bool))
    replica: Replica = policy_field(Replica.SEQUENCE, instance(Replica))
    socket_timeout: MillisecondsOrNone = policy_field(None, ms_or_none)
    total_timeout: Milliseconds = policy_field(0, timeout_ms)
    connect_timeout: Milliseconds = policy_field(0, timeout_ms)
    timeout_delay: Milliseconds = policy_field(0, timeout_ms)
    max_retries: int = policy_field(QUERY_RETRIES, retries)
    sleep_between_retries: Milliseconds = policy_field(0, timeout_ms)
    filter_expression: SupportsToBytes | bytes | None = policy_field(None, checked_when_compiled)
    error_details: ErrorDetails = policy_field(ErrorDetails.NONE, instance(ErrorDetails))
    use_compression: bool = policy_field(False, instance(bool))
    deserialize: bool = policy_field(True, instance(bool))

    def _complete(self) -> None:
        if self.records_per_second and self.expected_duration is QueryDuration.SHORT:
            raise InvalidArgument(
                f"QueryPolicy.records_per_second is {self.records_per_second}, but a SHORT query has none",
                advice="leave out records_per_second, or expected_duration",
            )
        CommandPolicy._complete(self)

    def _compiled(self) -> dict[str, Any]:
        return {
            "of": OF_QUERY,
            "info1": _INFO1.get(self.expected_duration, 0)
            | (0 if self.include_bin_data else INFO1_GET_NO_BINS)
            | (INFO1_COMPRESS_RESPONSE if self.use_compression else 0),
            "info2": _INFO2.get(self.expected_duration, 0),
            "info4": self.error_details.value << INFO4_DETAILS_SHIFT,
            "max_records": self.max_records,
            "records_per_second": self.records_per_second,
            "max_concurrent_nodes": self.max_concurrent_nodes,
            "replica": self.replica.value,
            "socket_timeout": self.socket_timeout,
            "total_timeout": self.total_timeout,
            "connect_timeout": self.connect_timeout,
            "timeout_delay": self.timeout_delay,
            "max_retries": self.max_retries,
            "sleep_between_retries": self.sleep_between_retries,
            "filter_expression": filter_bytes(self.filter_expression, "QueryPolicy.filter_expression"),
            "raw": not self.deserialize,
        }

"""Queries and scans: what finds records by anything but their keys."""

from __future__ import annotations

import base64
from collections.abc import Generator
from typing import Any, NoReturn, TypeVar

from pyspike import Client, IndexFilter, PartitionFilter, QueryDuration, Record, Statement
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method, methods_of
from pyspike.compat.client.ownership import partitions_of_node
from pyspike.compat.client.records import check_function
from pyspike.compat.client.results import record_of
from pyspike.compat.model.exceptions import AerospikeError, param_error, raised
from pyspike.compat.model.values import GeoJSON
from pyspike.compat.translate.contexts import contexts_of
from pyspike.compat.translate.names import bin_name_of, check_length
from pyspike.compat.translate.operations import translated
from pyspike.compat.translate.partitions import PartitionStatus, filters_of, status_of
from pyspike.compat.translate.policies import PolicyKind, expiration_of
from pyspike.compat.translate.predicates import index_filter_of
from pyspike.compat.translate.values import official_value, sendable

__all__ = ["Queries", "Query", "Scan"]

S = TypeVar("S", bound="_Search")


class _Search:
    """What queries and scans have in common.

    Args:
        connection: the client.
        namespace: the namespace's name.
        set: the set's name; None for the whole namespace.
    """

    _kind: str
    _name: str

    def __init__(self, connection: Connection, namespace: Any, set: Any) -> None:
        if not isinstance(namespace, str):
            raise param_error("Namespace should be a string")
        if not isinstance(set, str | None):
            raise param_error("Set should be string, unicode or None")
        self._connection = connection
        self._namespace = namespace
        self._set = set or None
        self._bins: tuple[str, ...] | None = None
        self._where: IndexFilter | None = None
        self._ops: list[Any] | None = None
        self._udf: tuple[str, str, list[Any]] | None = None
        self._status: PartitionStatus | None = None
        self._pending: Record | None = None  # that a callback has not accepted
        self._accepted: dict[int, bytes] = {}  # the last digest of each partition that it has
        self._pages = False
        self._found = False  # a record, at any time
        self._done = False
        self._node: str | None = None  # the only one that is asked
        self.ttl = 0

    # --- what is asked for ---

    @method
    def select(self: S, *bins: Any) -> S:
        """Have only some bins read.

        Args:
            bins: their names.

        Raises:
            ClientError: bins were chosen already.
        """
        if self._bins is not None:
            raise raised(
                "ClientError", f"{self._name}.select() cannot be called more than once on the same instance."
            )
        names = tuple(map(bin_name_of, bins))
        for name in names:
            check_length(name)
        self._bins = names
        return self

    @method
    def add_ops(self, ops: Any) -> int:
        """Have operations applied to the records in the background.

        Args:
            ops: made by the functions of `aerospike_helpers.operations`.
        """
        if not isinstance(ops, list):
            raise param_error("Ops list must be a list")
        translated(ops, self._connection._validate)
        self._ops = ops
        return 0

    def _call(self, module: Any, function: Any, arguments: Any) -> None:
        if module == function == "":  # no function: the records themselves
            self._udf = None
            return
        check_function(module, function)
        if not isinstance(arguments, list | None):
            raise raised("ClientError", "udf function arguments must be enclosed in a list")
        if not _can_be_sent(arguments):
            raise raised("ClientError", "udf function argument type must be supported by Aerospike")
        self._udf = (module, function, sendable(arguments or []))

    # --- the records ---

    def _results(self, policy: Any, options: Any) -> list[Any]:
        if self._udf is not None:
            values = self._client.aggregate(
                self._statement(with_bins=False), *self._udf, policy=self._policy(policy, options)
            )
            return [official_value(value) for value in values]
        deserialize = self._connection._deserializer()
        return [record_of(record, deserialize=deserialize) for record in self._records(policy, options)]

    def _foreach(self, callback: Any, policy: Any, options: Any) -> None:
        if not callable(callback):
            raise raised("ClientError", "callback must be a function")
        if self._udf is not None:
            for value in self._results(policy, options):
                try:
                    told = callback(value)
                except Exception as error:
                    _fail_of_callback(error)
                if told is False:
                    return
            return
        deserialize = self._connection._deserializer()
        with_partition = self._kinds.value(policy, "partition_filter") is not None
        records = self._records(policy, options)
        for record in records:
            official = record_of(record, deserialize=deserialize)
            try:
                told = callback(record.key.partition_id, official) if with_partition else callback(official)
            except Exception as error:
                _fail_of_callback(error)
            if told is False:
                self._pending = record
                records.close()
                return
            if with_partition:
                self._accepted[record.key.partition_id] = record.key.digest

    def _records(self, policy: Any, options: Any) -> Generator[Record, None, None]:
        """The records; those that are closed before their end may leave one in `_pending`."""
        made = self._policy(policy, options)
        given = self._kinds.value(policy, "partition_filter")
        parts, status = ([PartitionFilter.all()], None) if given is None else filters_of(given)
        if self._node is not None:
            if given is not None or self._pages:
                raise param_error("a scan of one node can't be paginated, and takes no partition_filter")
            parts = partitions_of_node(self._client, self._namespace, self._node)
        tracks = given is not None or self._pages
        if self._found and tracks and status is None:  # what has found nothing yet begins anew
            status = self._status
        statement = self._statement(with_bins=made.include_bin_data)
        return self._read(self._client, statement, made, parts, status, tracks)

    def _read(
        self,
        client: Client,
        statement: Statement,
        policy: Any,
        parts: list[PartitionFilter],
        status: PartitionStatus | None,
        tracks: bool,
    ) -> Generator[Record, None, None]:
        cursor = None if status is None else status.cursor
        waiting = None if status is None else status.pending
        self._pending = None
        self._accepted = {}
        self._done = False
        try:
            if waiting is not None:
                yield waiting
            limit, taken = (policy.max_records if len(parts) > 1 else 0), 0  # of all parts together
            for part in parts:
                goes_on = cursor is not None and len(parts) == 1
                if limit:
                    policy = policy.replace(max_records=limit - taken)
                search = (
                    client.query(statement, cursor=cursor, policy=policy)
                    if goes_on
                    else client.query(statement, partitions=part, policy=policy)
                )
                with search as records:
                    try:
                        for record in records:
                            self._found = True
                            taken += 1
                            yield record
                            if not limit:
                                yield from records
                    finally:
                        if tracks:
                            cursor = records.cursor
                if limit and taken == limit:
                    break
            self._done = cursor is None or cursor.done
        finally:
            if cursor is not None:
                self._status = status_of(cursor, self._pending, self._accepted)

    def _statement(self, *, with_bins: bool = True) -> Statement:
        bins = self._bins or None if with_bins else None
        return Statement(self._namespace, self._set, bins, where=self._where)

    def _policy(self, policy: Any, options: Any) -> Any:
        if options is not None and not isinstance(options, dict):
            raise param_error("query options must be a dictionary")
        more: dict[str, Any] = self._limits(policy)
        nobins = (options or {}).get("nobins", False)
        if not isinstance(nobins, bool):
            raise param_error("nobins value must be a bool")
        if nobins:
            more["include_bin_data"] = False
        if self._kinds.value(policy, "short_query"):
            more["expected_duration"] = QueryDuration.SHORT
        chosen = self._kinds.value(policy, "partition_filter")
        if chosen is not None:  # a dict, which can't be remembered; it is looked at by the caller
            policy = {key: value for key, value in policy.items() if key != "partition_filter"}
        made = self._kinds(policy, **more)
        self._refuse_transaction(policy)
        return made

    def _limits(self, policy: Any) -> dict[str, Any]:
        return {}

    def _refuse_transaction(self, policy: Any) -> None:
        """Refuse a transaction, of which the official client makes nothing here."""
        if self._kinds.transaction(policy) is not None:
            raise param_error("queries and scans take no part in transactions")

    # --- in the background ---

    def _in_background(self, policy: Any) -> int:
        connection = self._connection
        if not isinstance(policy, dict | None):
            raise param_error("policy must be a dict")
        self._refuse_transaction(policy)
        chosen = {key: value for key, value in (policy or {}).items() if key in BACKGROUND_KEYS}
        made = connection._kinds["write"](chosen)
        ttl = expiration_of(self.ttl) if self.ttl else None
        if self._kind == "scan" and ttl is None:
            ttl = expiration_of(self._kinds.value(policy, "ttl", 0))
        background: dict[str, Any] = {"ttl": ttl, "policy": made}
        rate = self._kinds.value(policy, "records_per_second", 0) or getattr(self, "records_per_second", 0)
        if rate:
            background["records_per_second"] = rate
        if self._udf is not None:
            task = self._client.query_execute_udf(self._statement(with_bins=False), *self._udf, **background)
        else:
            steps = translated(self._ops or [], connection._validate)
            task = self._client.query_operate(
                self._statement(with_bins=False), steps.operations, **background
            )
        return task.id

    # --- how far it is ---

    @method
    def paginate(self) -> None:
        """Have each call go on where the one before has ended, with `max_records` of each."""
        self._pages = True

    @method
    def is_done(self) -> bool:
        """Whether all records were given."""
        return self._done

    @method
    def get_partitions_status(self) -> dict[Any, Any]:
        """How far it is with each partition; a `partition_filter` with it goes on there."""
        return {} if self._status is None else self._status

    @property
    def _client(self) -> Client:
        return self._connection._client

    @property
    def _kinds(self) -> PolicyKind[Any]:
        return self._connection._kinds[self._kind]


BACKGROUND_KEYS = frozenset(
    (
        *("total_timeout", "socket_timeout", "timeout_delay", "max_retries", "sleep_between_retries"),
        *("compress", "expressions", "durable_delete", "error_detail_verbosity"),
    )
)


def _can_be_sent(value: Any) -> bool:
    """Whether a function can be called with it."""
    if isinstance(value, list):
        return all(map(_can_be_sent, value))
    if isinstance(value, dict):
        return all(map(_can_be_sent, value.values()))
    return isinstance(value, int | float | str | bytes | bytearray | GeoJSON | None)


def _fail_of_callback(error: Exception) -> NoReturn:
    """Raise what stands for an exception of a callback."""
    if isinstance(error, AerospikeError):
        raise error
    raise raised("ClientError", f"Callback function contains an error: {error!r}") from error


@methods_of
class Query(_Search):
    """A query, made by `Client.query`.

    Attributes:
        max_records: how many records are given at most; 0 for all.
        records_per_second: how many records each node may look at in a second; 0 for no limit.
        ttl: the time to live of records that a background query writes.
    """

    _kind = "query"
    _name = "Query"

    def __init__(self, connection: Connection, namespace: Any, set: Any) -> None:
        super().__init__(connection, namespace, set)
        self.max_records = 0
        self.records_per_second = 0

    def _limits(self, policy: Any) -> dict[str, Any]:
        limits = {"max_records": self.max_records, "records_per_second": self.records_per_second}
        return {name: value for name, value in limits.items() if value}

    @method
    def where(self, predicate: Any, ctx: Any = None) -> Query:
        """Find records by an index.

        Args:
            predicate: made by the functions of `aerospike.predicates`.
            ctx: the contexts of the index, if it is of something inside the bin.

        Raises:
            ClientError: the query has a predicate already.
        """
        return self._found_by(predicate, ctx=contexts_of(ctx) if ctx else None)

    @method
    def where_with_expr(self, expr: Any, predicate: Any) -> Query:
        """Find records by an index of an expression.

        Args:
            expr: the expression that is indexed, compiled, or as `Client.get_expression_base64` gives it.
            predicate: made by the functions of `aerospike.predicates`, with None for the bin.
        """
        if isinstance(expr, str):
            try:
                expr = base64.b64decode(expr, validate=True)
            except ValueError:
                raise param_error("expr is no expression in base 64") from None
        return self._found_by(predicate, expression=expr)

    @method
    def where_with_index_name(self, index_name: Any, predicate: Any) -> Query:
        """Find records by an index of this name.

        Args:
            index_name: the name.
            predicate: made by the functions of `aerospike.predicates`, with None for the bin.
        """
        if not isinstance(index_name, str):
            raise param_error("index_name must be a string")
        return self._found_by(predicate, index=index_name)

    def _found_by(self, predicate: Any, **how: Any) -> Query:
        made = index_filter_of(predicate, **how)
        if self._where is not None:
            raise raised("ClientError", "a query has one predicate only")
        self._where = made
        return self

    @method
    def apply(self, module: Any, function: Any, arguments: Any = None) -> Query:
        """Have a function make something of the records: of all of them, or in the background of each.

        Args:
            module: the module's name.
            function: the function's name.
            arguments: its arguments behind the stream, or the record.
        """
        self._call(module, function, arguments)
        return self

    @method
    def results(self, policy: Any = None, options: Any = None) -> list[Any]:
        """All records, or what the function gives.

        Args:
            policy: a query policy.
            options: `{"nobins": True}` for records without their bins.
        """
        return self._results(policy, options)

    @method
    def foreach(self, callback: Any, policy: Any = None, options: Any = None) -> None:
        """Call a function with each record, until it returns False.

        Args:
            callback: takes the record; with a `partition_filter` its partition first.
            policy: a query policy.
            options: `{"nobins": True}` for records without their bins.
        """
        self._foreach(callback, policy, options)

    @method
    def execute_background(self, policy: Any = None) -> int:
        """Have the nodes apply the operations or the function in the background.

        Args:
            policy: a write policy.

        Returns:
            The number of the job, for `Client.job_info`.
        """
        return self._in_background(policy)


@methods_of
class Scan(_Search):
    """A scan, made by `Client.scan`: a query without an index.

    Attributes:
        ttl: the time to live of records that a background scan writes.
    """

    _kind = "scan"
    _name = "Scan"

    @method
    def apply(self, module: Any, function: Any, arguments: Any = None, policy: Any = None) -> Scan:
        """Have a function called on each record in the background.

        Args:
            module: the module's name.
            function: the function's name.
            arguments: its arguments behind the record.
            policy: not used.
        """
        self._call(module, function, arguments)
        return self

    @method
    def results(self, policy: Any = None, nodename: Any = None) -> list[Any]:
        """All records.

        Args:
            policy: a scan policy.
            nodename: the name of the node whose records are wanted; None for all of them.
        """
        self._choose_node(nodename)
        return self._results(policy, None)

    @method
    def foreach(self, callback: Any, policy: Any = None, options: Any = None, nodename: Any = None) -> None:
        """Call a function with each record, until it returns False.

        Args:
            callback: takes the record; with a `partition_filter` its partition first.
            policy: a scan policy.
            options: `{"nobins": True}` for records without their bins.
            nodename: the name of the node whose records are wanted; None for all of them.
        """
        self._choose_node(nodename)
        self._foreach(callback, policy, options)

    @method
    def execute_background(self, policy: Any = None) -> int:
        """Have the nodes apply the operations or the function in the background.

        Args:
            policy: a write policy.

        Returns:
            The number of the job, for `Client.job_info`.
        """
        return self._in_background(policy)

    def _choose_node(self, name: Any) -> None:
        self._node = None
        if name is None:
            return
        if not isinstance(name, str):
            raise param_error("nodename must be a string")
        if name not in self._client.node_names():
            raise param_error(f"there is no node {name}")
        self._node = name


class Queries(Connection):
    """The calls that make queries and scans, and run functions in the background."""

    @method
    def query(self, *arguments: Any, **named: Any) -> Query:
        """A query, which finds records by an index, or all of a set.

        Args:
            arguments: the namespace, and the set's name, if it is not for the whole namespace.
            named: the same by the names `namespace` and `set`.
        """
        return Query(self, *_place("query", arguments, named))

    @method
    def scan(self, *arguments: Any, **named: Any) -> Scan:
        """A scan, which finds all records of a set or a namespace.

        Args:
            arguments: the namespace, and the set's name, if it is not for the whole namespace.
            named: the same by the names `namespace` and `set`.
        """
        return Scan(self, *_place("scan", arguments, named))

    @method
    def query_apply(
        self,
        ns: Any,
        set: Any,
        predicate: Any,
        module: Any,
        function: Any,
        args: Any = None,
        policy: Any = None,
    ) -> int:
        """Have a function called on the records of a query, in the background.

        Args:
            ns: the namespace.
            set: the set's name.
            predicate: which records.
            module: the module's name.
            function: the function's name.
            args: its arguments behind the record, in a list.
            policy: a write policy.

        Returns:
            The number of the job, for `job_info`.
        """
        if not isinstance(ns, str):
            raise TypeError("query_apply() argument 1 must be str")
        query = Query(self, ns, set)
        query._found_by(predicate)
        query._call(module, function, _arguments(args))
        return query._in_background(policy)

    @method
    def scan_apply(
        self,
        ns: Any,
        set: Any,
        module: Any,
        function: Any,
        args: Any = None,
        policy: Any = None,
        options: Any = None,
    ) -> int:
        """Have a function called on all records of a set or a namespace, in the background.

        Args:
            ns: the namespace.
            set: the set's name; None for all records of the namespace.
            module: the module's name.
            function: the function's name.
            args: its arguments behind the record, in a list.
            policy: a scan policy.
            options: not used.

        Returns:
            The number of the job, for `job_info`.
        """
        if not isinstance(ns, str):
            raise TypeError("scan_apply() argument 1 must be str")
        scan = Scan(self, ns, set)
        if not isinstance(options, dict | None):
            raise param_error("options must be a dictionary")
        if not isinstance((options or {}).get("concurrent", False), bool):
            raise param_error("concurrent must be a boolean")
        scan._call(module, function, [] if args is None else _arguments(args))
        return scan._in_background(policy)


def _place(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
    """The namespace and the set of a query or scan."""
    given = dict(zip(("namespace", "set"), arguments, strict=False)) | named
    if "namespace" not in given:
        raise param_error(f"{name}() expects atleast 1 parameter")
    return given["namespace"], given.get("set")


def _arguments(args: Any) -> list[Any]:
    if not isinstance(args, list):
        raise param_error("Arguments should be a list")
    return args

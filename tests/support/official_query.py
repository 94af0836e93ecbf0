"""Plays the queries of the official client for the source text of a recorded call, with pyspike's own.

The nodes are the recording: each request is kept next to the recorded one of the same node, and answered with
what was recorded. So a call that is played to its end has gone through the whole of a query but the sockets.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from pyspike import Key, Record, _wire, errors, filters
from pyspike._wire import (
    Command,
    Node,
    NodeLimits,
    PartitionMap,
    Query,
    QueryPartitions,
    Statement,
    advance_clock,
    aggregate_request,
    background_request,
    digest,
    pack_element,
    parse_answer,
    partitions_of_cursor,
)
from pyspike.cluster.retry import ClusterState
from pyspike.index import CollectionIndexType
from pyspike.plans.partitions import QueryPlan
from pyspike.policy.query import QueryDuration, QueryPolicy
from pyspike.policy.write import WritePolicy
from pyspike.query import Cursor, PartitionFilter
from support.messages import Message
from support.official import DETAILS, EXISTS, REPLICA, TTL, Names
from support.official_helpers import names
from support.vectors import VECTORS, Case

COLLECTIONS = {
    "INDEX_TYPE_LIST": CollectionIndexType.LIST,
    "INDEX_TYPE_MAPKEYS": CollectionIndexType.MAP_KEYS,
    "INDEX_TYPE_MAPVALUES": CollectionIndexType.MAP_VALUES,
}
DURATIONS = {
    "QUERY_DURATION_LONG": QueryDuration.LONG,
    "QUERY_DURATION_SHORT": QueryDuration.SHORT,
    "QUERY_DURATION_LONG_RELAX_AP": QueryDuration.LONG_RELAX_AP,
}
SINGLE = 4440  # the port of the node that most calls were recorded with
EVERYTHING = b"\xff" * (_wire.PARTITIONS // 8)


@cache
def partition_map(cluster: bool) -> PartitionMap:
    """The nodes of the recording: one, or the three with the map that was read from them. Names are ports."""
    found = PartitionMap()
    if not cluster:
        spaces = [("test", 0, [EVERYTHING]), ("bar", 0, [EVERYTHING])]
        return found.updated(Node(str(SINGLE), NodeLimits()), spaces)
    recorded: Any = json.loads((VECTORS / "partition-map.json").read_text(encoding="utf-8"))
    for node in recorded["nodes"].values():
        answers = []
        for part in node["replicas"].rstrip(";").split(";"):
            name, _, rest = part.partition(":")
            regime, _, *bitmaps = rest.split(",")
            answers.append((name, int(regime), [base64.b64decode(each) for each in bitmaps]))
        found = found.updated(Node(str(node["port"]), NodeLimits()), answers)
    return found


class Unrecorded(Exception):  # noqa: N818 - says that, not that something is wrong
    """pyspike asks for more than was recorded; `args[0]` says of which node."""


class Nodes(ClusterState):
    """The nodes of a recording, as a plan and a query see them.

    Attributes:
        compared: each request of pyspike, with the recorded one.
        unrecorded: the nodes that were asked once more than was recorded, which then have nothing more.
    """

    def __init__(self, recorded: Case) -> None:
        self.closed = False
        self.recorded = recorded
        self.partitions = partition_map(recorded.raw.get("client") == "client3")
        self.left = list(
            recorded.raw.get("exchanges")
            or [
                {"port": SINGLE, "request": place, "responses": list(range(len(recorded.responses)))}
                for place in range(len(recorded.requests))
            ]
        )
        self.compared: list[tuple[bytes, bytes]] = []
        self.unrecorded: list[int] = []

    def request_tend(self, node: str | None = None) -> None:
        """Nothing: the recording does not change."""

    def version_of(self, name: str | None) -> str:
        return "8.1.2.0"

    def not_connected(self) -> errors.ConnectFailed:
        return errors.ConnectFailed("no node is there")

    def ask(self, port: int, request: bytes) -> list[bytes]:
        """The bodies of the frames with which the node answered."""
        exchange = next((each for each in self.left if each.get("port", SINGLE) == port), None)
        if exchange is None:
            self.unrecorded.append(port)
            raise Unrecorded(port)
        self.left.remove(exchange)
        self.compared.append((request, self.recorded.requests[exchange["request"]]))
        return [self.recorded.responses[place][8:] for place in exchange["responses"]]


def run(nodes: Nodes, query: Query) -> Iterator[Record]:
    """The records of a query."""
    plan = QueryPlan(nodes, query)
    while not plan.done:
        for asked in plan.route(nodes.partitions):
            try:
                bodies = nodes.ask(int(asked.node.name), asked.make_command().request)
                for body in bodies:
                    records, sign = asked.reader.records(body)
                    yield from records
                assert sign is query
                plan.ended(asked)
            except Unrecorded:  # noqa: PERF203 - each of them may fail
                return
            except errors.ServerError as error:
                error.node = asked.node.name
                plan.failed(asked, error, 0.0, sent=True)
        if plan.error is not None:
            raise plan.error
        advance_clock(1000)  # over the pauses between requests that failed


def found_in(record: Record, user_key: bool = True) -> tuple[Any, ...]:
    """A record as the official client gives it."""
    key: Key = record.key
    meta = {"ttl": 4294967295, "gen": record.generation}
    return (key.namespace, key.set_name or None, key.user_key, key.digest), meta, record.bins


class QueryCall:
    """What `client.query()` and `client.scan()` give."""

    def __init__(self, nodes: Nodes, namespace: str, set_name: str | None, retries_of_write: str) -> None:
        self.nodes = nodes
        self.namespace, self.set_name = namespace, set_name
        self.bins: list[str] | None = None
        self.filter: Any = None
        self.operations: list[Any] | None = None
        self.udf: tuple[str, str, bytes] | None = None
        self.max_records = self.records_per_second = self.ttl = 0
        self.cursor: Cursor | None = None
        self.paginated = False
        self.defaults = retries_of_write
        self.last: QueryPartitions | None = None

    # --- what is asked for ---

    def select(self, *bins: str) -> None:
        self.bins = list(bins)

    def where(self, predicate: Callable[..., Any], ctx: Any = None) -> None:
        self.filter = predicate(ctx=ctx)

    def where_with_expr(self, expression: Any, predicate: Callable[..., Any]) -> None:
        if isinstance(expression, str):
            expression = base64.b64decode(expression)
        self.filter = predicate(expression=expression)

    def where_with_index_name(self, name: str, predicate: Callable[..., Any]) -> None:
        self.filter = predicate(index=name)

    def add_ops(self, operations: list[Any]) -> None:
        self.operations = operations

    def apply(self, module: str, function: str, arguments: Any = ()) -> None:
        self.udf = module, function, pack_element(list(arguments)) if arguments else b""

    def paginate(self) -> None:
        self.paginated = True

    # --- how ---

    def statement(self) -> Statement:
        projected = self.operations if self.operations and not self.operations[0].is_write else None
        bins = None if projected is not None else self.bins
        return Statement(self.namespace, self.set_name, bins, where=self.filter, operations=projected)

    def policy(self, given: Mapping[str, Any], options: Mapping[str, Any]) -> QueryPolicy:
        duration = given.get("expected_duration", "QUERY_DURATION_LONG")
        if given.get("short_query"):
            duration = "QUERY_DURATION_SHORT"
        return QueryPolicy(
            max_records=given.get("max_records", self.max_records),
            records_per_second=given.get("records_per_second", self.records_per_second),
            total_timeout=given.get("total_timeout", 0),
            socket_timeout=given.get("socket_timeout", 30_000),
            max_retries=given.get("max_retries", 5),
            replica=REPLICA[given.get("replica", "POLICY_REPLICA_SEQUENCE")],
            filter_expression=given.get("expressions"),
            expected_duration=DURATIONS[duration],
            include_bin_data=not options.get("nobins", False),
            error_details=DETAILS[given.get("error_detail_verbosity", 0)],
        )

    def partitions(self, given: Mapping[str, Any], statement: Statement) -> QueryPartitions:
        chosen = given.get("partition_filter") or {"begin": 0, "count": _wire.PARTITIONS}
        cursor = chosen.get("partition_status") or self.cursor
        if cursor is not None:
            return partitions_of_cursor(cursor.to_bytes(), statement)
        after = chosen["digest"]["value"] if "digest" in chosen else None
        wanted = PartitionFilter(chosen["begin"], chosen["count"], after)
        return QueryPartitions(wanted.begin, wanted.count, wanted.after)

    def records(
        self, policy: Mapping[str, Any] | None, options: Mapping[str, Any] | str | None
    ) -> Iterator[Record]:
        policy = policy or {}
        statement = self.statement()
        options = {} if options is None or isinstance(options, str) else options
        query = Query(statement, self.policy(policy, options).settings, self.partitions(policy, statement))
        self.last = query.partitions
        yield from run(self.nodes, query)
        if self.paginated:
            self.cursor = Cursor(_wire.cursor_of(statement, query.partitions))

    def results(self, policy: Any = None, options: Any = None) -> list[Any]:
        if self.udf is not None:
            return self.aggregate()
        return [found_in(record) for record in self.records(policy, options)]

    def foreach(self, callback: Callable[..., Any], policy: Any = None, options: Any = None) -> None:
        for record in self.records(policy, options):
            found = (found_in(record),)
            if callback.__code__.co_argcount == 2:
                found = (record.key.partition_id, *found)
            if callback(*found) is False:
                return

    def get_partitions_status(self) -> Cursor:
        assert self.last is not None
        return Cursor(_wire.cursor_of(self.statement(), self.last))

    def is_done(self) -> bool:
        assert self.cursor is not None
        return self.cursor.done

    # --- without records ---

    def _everywhere(self, command: Command) -> list[Any]:
        """What all nodes gave for a command that is sent to each."""
        given = []
        for node in self.nodes.partitions.nodes:
            for body in self.nodes.ask(int(node.name), command.request):
                answer = parse_answer(command, body)
            if repr(answer) == "MORE":  # the official client did not wait for the end (query-scan.md 8.8)
                answer = parse_answer(command, Message(info3=_wire.INFO3_LAST, result=1).body)
            given.append(answer)
        return given

    def aggregate(self) -> list[Any]:
        assert self.udf is not None
        command = aggregate_request(
            self.statement(), QueryPolicy(socket_timeout=30_000).settings, 1, self.udf
        )
        values: list[Any] = self._everywhere(command)[-1]  # of all nodes, as they share the reader
        return values

    def execute_background(self, policy: Any = None) -> int:
        given = {"total_timeout": 0 if self.defaults == "scan" else 1000} | (policy or {})
        made = WritePolicy(
            total_timeout=given["total_timeout"],
            socket_timeout=30_000,
            durable_delete=given.get("durable_delete", False),
            record_exists_action=EXISTS[given.get("exists", "POLICY_EXISTS_IGNORE")],
            filter_expression=given.get("expressions"),
        )
        command = background_request(
            self.statement(),
            made.settings,
            1,
            operations=self.operations,
            udf=self.udf,
            ttl=TTL.get(self.ttl, self.ttl),
            records_per_second=self.records_per_second,
        )
        assert self._everywhere(command) == [None] * len(self.nodes.partitions.nodes)
        return 0


def predicate(make: Callable[..., Any], *order: str) -> Callable[..., Callable[..., Any]]:
    """A function of `aerospike.predicates`: pyspike's filter as soon as it is known in which index."""

    def predicates(*values: Any) -> Callable[..., Any]:
        given = dict(zip(order, values, strict=False))
        kind = given.pop("collection", None)
        collection = CollectionIndexType.DEFAULT if kind is None else COLLECTIONS[kind]
        return lambda **where: make(collection=collection, **given, **where)

    return predicates


def contains_point(*, longitude: float, latitude: float, **where: Any) -> Any:
    point = f'{{"type": "Point", "coordinates": [{longitude}, {latitude}]}}'
    return filters.geo_contains(point=point, **where)


PREDICATES = SimpleNamespace(
    equals=predicate(filters.equal, "bin", "value"),
    between=predicate(filters.range, "bin", "begin", "end"),
    contains=predicate(filters.contains, "bin", "collection", "value"),
    range=predicate(filters.contains_range, "bin", "collection", "begin", "end"),
    geo_within_geojson_region=predicate(filters.geo_within_region, "bin", "region", "collection"),
    geo_within_radius=predicate(
        filters.geo_within_radius, "bin", "longitude", "latitude", "radius", "collection"
    ),
    geo_contains_point=predicate(contains_point, "bin", "longitude", "latitude", "collection"),
)


class QueryClient:
    """The methods of `aerospike.Client` that a recorded query uses."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    def query(self, namespace: str, set_name: str | None = None) -> QueryCall:
        return QueryCall(self.nodes, namespace, set_name, "query")

    def scan(self, namespace: str, set_name: str | None = None) -> QueryCall:
        return QueryCall(self.nodes, namespace, set_name, "scan")

    def scan_apply(
        self, namespace: str, set_name: str, module: str, function: str, arguments: Any, policy: Any = None,
        options: Any = None,
    ) -> int:  # fmt: skip
        scan = self.scan(namespace, set_name)
        scan.apply(module, function, arguments)
        return scan.execute_background(policy)

    def query_apply(
        self, namespace: str, set_name: str, where: Any, module: str, function: str, arguments: Any,
        policy: Any = None,
    ) -> int:  # fmt: skip
        query = self.query(namespace, set_name)
        query.where(where)
        query.apply(module, function, arguments)
        return query.execute_background(policy)

    def get_key_partition_id(self, namespace: str, set_name: str, user_key: Any) -> int:
        return Key(namespace, set_name, user_key).partition_id

    def get_expression_base64(self, expression: Any) -> str:
        return base64.b64encode(expression.to_bytes()).decode()


class _Aerospike(Names):
    def calc_digest(self, namespace: str, set_name: str | None, key: Any) -> bytes:
        return digest(set_name, key)


def play(recorded: Case) -> tuple[Any, Nodes]:
    """What a recorded call gives when pyspike makes it, and what was sent; raises what pyspike raises."""
    nodes = Nodes(recorded)
    client = QueryClient(nodes)
    known = names() | {"client": client, "client3": client, "aerospike": _Aerospike(), "p": PREDICATES}
    *before, last = recorded.call.replace(".compile()", "").split("; ")
    for source in before:
        exec(source, known)
    return eval(last, known), nodes

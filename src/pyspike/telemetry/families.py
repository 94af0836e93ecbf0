"""Which metrics there are, by OpenTelemetry's names where it has one, and their points at one moment.

Prometheus and OpenTelemetry have the same ones, each in its own spelling. The histograms have one bucket for
each doubling; `Client.metrics()` has four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pyspike.metrics import LATENCY_EDGES, ClientMetrics, Histogram, NodeMetrics
from pyspike.stats import ClientStats

__all__ = ["EDGES_MS", "FAMILIES", "Family", "Point", "Source", "points"]

SYSTEM = "aerospike"
DEFAULT_PORT = 3000

# 62.5 us to 32.768 s.
EDGES_MS: tuple[float, ...] = tuple(edge for edge in LATENCY_EDGES if edge in {2.0**n for n in range(-4, 16)})

Attributes = Mapping[str, "str | int"]


class Source(Protocol):
    """What has the numbers: a `Client` or an `AsyncClient`."""

    def metrics(self) -> ClientMetrics:
        """The numbers of its commands."""
        ...

    def stats(self) -> ClientStats:
        """The numbers of its connections."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Args:
        name: its name, as OpenTelemetry writes it.
        kind: whether it counts what has happened, tells how something is now, or has durations in seconds.
        unit: as UCUM has it; things that are counted are in braces.
        description: what it tells, in one line.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a metric, or a histogram, with what it is of."""

    family: Family
    attributes: Attributes
    value: float | Histogram


DURATION = Family(
    "db.client.operation.duration", "histogram", "s",
    "Duration of calls for one record, and of requests of batches, queries and administration.",
)  # fmt: skip
ERRORS = Family("aerospike.client.errors", "counter", "{attempt}", "Attempts that failed, by their error.")
RETRIES = Family(
    "aerospike.client.retries", "counter", "{attempt}", "Attempts that were not the first of their command."
)
TIMEOUTS = Family("aerospike.client.timeouts", "counter", "{attempt}", "Attempts whose time was over.")
NOT_FOUND = Family(
    "aerospike.client.not_found", "counter", "{attempt}", "Commands that failed as there is no such record."
)
SENT = Family("aerospike.client.sent", "counter", "By", "Bytes of requests.")
RECEIVED = Family("aerospike.client.received", "counter", "By", "Bytes of answers.")
CREATE_TIME = Family(
    "db.client.connection.create_time", "histogram", "s", "The time it took to open a connection."
)
CONNECTIONS = Family(
    "db.client.connection.count", "gauge", "{connection}", "Connections that are open, by their state."
)
PENDING = Family(
    "db.client.connection.pending_requests", "gauge", "{request}", "Commands that wait for a connection."
)
CONNECTION_TIMEOUTS = Family(
    "db.client.connection.timeouts", "counter", "{timeout}",
    "Commands that got no connection, as all were in use.",
)  # fmt: skip
OPENED = Family("aerospike.client.connections.opened", "counter", "{connection}", "Connections opened.")
CLOSED = Family(
    "aerospike.client.connections.closed", "counter", "{connection}", "Connections closed, by reason."
)
NODES = Family("aerospike.client.nodes", "gauge", "{node}", "Nodes of the cluster that take commands.")

FAMILIES: tuple[Family, ...] = (
    DURATION, ERRORS, RETRIES, TIMEOUTS, NOT_FOUND, SENT, RECEIVED, CREATE_TIME, CONNECTIONS, PENDING,
    CONNECTION_TIMEOUTS, OPENED, CLOSED, NODES,
)  # fmt: skip


# All that points may have by themselves.
OWN_ATTRIBUTES = (
    "db.system.name", "db.namespace", "db.operation.name", "error.type", "aerospike.node.name",
    "aerospike.command.kind", "server.address", "server.port", "db.client.connection.pool.name",
    "db.client.connection.state", "reason",
)  # fmt: skip
PREFIX = "exported_"


def exported(
    labels: Mapping[str, str], taken: Iterable[str] = (), spelled: Callable[[str], str] = str
) -> dict[str, str]:
    """The labels of a configuration file under names that nothing else has.

    A name that is a point's own gets `exported_` in front, as Prometheus does it where it has a label itself;
    so does a name that another label has got. Those that are valid as they stand get theirs first.

    Args:
        labels: by the names in the file.
        taken: names that are not to be had, but for `OWN_ATTRIBUTES`.
        spelled: makes a name valid.
    """
    used = {spelled(name) for name in (*OWN_ATTRIBUTES, *taken)}
    found = {}
    for name in sorted(labels, key=lambda name: (spelled(name) != name, name in used, name)):
        free = spelled(name)
        while free in used:
            free = PREFIX + free
        used.add(free)
        found[free] = labels[name]
    return found


def points(
    metrics: ClientMetrics,
    stats: ClientStats,
    common: Attributes,
    taken: Iterable[str] = (),
    spelled: Callable[[str], str] = str,
    *,
    with_gone: bool = False,
) -> Iterator[Point]:
    """The points of all metrics.

    Args:
        metrics: the numbers of commands.
        stats: the numbers of connections.
        common: attributes that each point has too.
        taken: other names that no label of the configuration file may get.
        spelled: makes the name of a label of the configuration file valid.
        with_gone: whether there are points of all nodes together that left long ago: not of numbers since the
            client began, as such a sum grows by what was counted before under a name.
    """
    common = {"db.system.name": SYSTEM, **common, **exported(metrics.labels, (*taken, *common), spelled)}
    for node in metrics.nodes.values():
        if node.name or with_gone:
            yield from _points_of_node(node, {**common, **server(node.name, node.address)})
    for failed in metrics.failed_calls:
        of = {"db.namespace": failed.namespace, "db.operation.name": failed.method}
        yield Point(DURATION, {**common, **of, "error.type": failed.error}, failed.duration)
    yield Point(NODES, common, sum(node.is_active for node in stats.nodes.values()))
    for name, known in stats.nodes.items():
        place = {**common, **server(name, known.address), "db.client.connection.pool.name": known.address}
        pool = known.pool
        yield Point(CONNECTIONS, {**place, "db.client.connection.state": "idle"}, pool.idle)
        yield Point(CONNECTIONS, {**place, "db.client.connection.state": "used"}, pool.open - pool.idle)
        yield Point(PENDING, place, pool.waiting)
        yield Point(CONNECTION_TIMEOUTS, place, pool.refused)
        yield Point(OPENED, place, pool.opened)
        for reason, count in pool.closed.items():
            yield Point(CLOSED, {**place, "reason": reason}, count)


def _points_of_node(node: NodeMetrics, place: Attributes) -> Iterator[Point]:
    if node.connecting.count:
        yield Point(CREATE_TIME, {**place, "db.client.connection.pool.name": node.address}, node.connecting)
    durations: dict[tuple[str, str], Histogram] = {}
    for command in node.commands:
        of = {"db.namespace": command.namespace or "", "db.operation.name": command.method or ""}
        operation = command.namespace or "", command.method or ""
        durations[operation] = durations.get(operation, Histogram()) + command.calls
        kind: Attributes = {**place, **of, "aerospike.command.kind": command.kind or ""}
        for error, count in command.errors.items():
            yield Point(ERRORS, {**kind, "error.type": error}, count)
        yield Point(RETRIES, kind, command.retries)
        yield Point(TIMEOUTS, kind, command.timeouts)
        yield Point(NOT_FOUND, kind, command.not_found)
        yield Point(SENT, kind, command.sent_bytes)
        yield Point(RECEIVED, kind, command.received_bytes)
    for (namespace, method), duration in durations.items():
        yield Point(DURATION, {**place, "db.namespace": namespace, "db.operation.name": method}, duration)


def server(name: str, address: str) -> dict[str, str | int]:
    """The attributes of a node: its name, and its address if it is in the cluster."""
    found: dict[str, str | int] = {"aerospike.node.name": name}
    host, _, port = address.rpartition(":")
    if host:
        found["server.address"] = host.strip("[]")
        found["server.port"] = int(port)
    return found

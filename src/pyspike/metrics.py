"""What `Client.metrics()` gives: the numbers of commands at one moment, as plain values.

They begin with the client, and their sum never goes down: the numbers of a node that has left the cluster
stay, under its name or, where many have left after it, added up under none. So two of them can be subtracted:
`client.metrics() - before` is what happened since. Where they are counted is told in
`src/wire/nodes/meter.pyx`, and `pyspike.cluster.metering` fills them in.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from pyspike._wire import latency_edges

__all__ = [
    "LATENCY_EDGES",
    "ClientMetrics",
    "CommandMetrics",
    "FailedCalls",
    "Histogram",
    "NodeMetrics",
]

# Milliseconds, four to a doubling: 1 and every doubling and halving of it (down to a 16th) are among them.
LATENCY_EDGES: tuple[float, ...] = latency_edges()

NO_COUNTS = (0,) * (len(LATENCY_EDGES) + 1)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations, counted in buckets.

    Args:
        counts: how many durations are in each bucket: above the limit before it in `LATENCY_EDGES`, and up
            to its own; the last bucket has what is above the last limit.
        total_ms: the milliseconds of all together.
    """

    counts: tuple[int, ...] = NO_COUNTS
    total_ms: float = 0.0

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts)

    @property
    def mean_ms(self) -> float:
        """Their mean in milliseconds; 0 if there are none."""
        return self.total_ms / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """The milliseconds that so many percent of the durations do not exceed; 0 if there are none.

        It is an estimate, as if durations were spread evenly in their bucket: off by a quarter at most, above
        62.5 microseconds. What is above the last limit counts as that.

        Args:
            share: percent, 0 to 100.

        Raises:
            ValueError: it is none.
        """
        if not 0 <= share <= 100:
            raise ValueError(f"a share is 0 to 100 percent, not {share!r}")
        wanted = self.count * share / 100
        before = 0
        for place, count in enumerate(self.counts):
            if count and before + count >= wanted:
                if place == len(LATENCY_EDGES):
                    break
                low = LATENCY_EDGES[place - 1] if place else 0.0
                return low + (LATENCY_EDGES[place] - low) * max(0.0, wanted - before) / count
            before += count
        return LATENCY_EDGES[-1] if before or any(self.counts) else 0.0

    def at_most(self, limits_ms: Sequence[float]) -> list[int]:
        """How many durations do not exceed each limit.

        Args:
            limits_ms: members of `LATENCY_EDGES`; between two of them, the smaller one counts.
        """
        sums = [0, *accumulate(self.counts)]
        return [sums[bisect_left(LATENCY_EDGES, limit) + (limit in LATENCY_EDGES)] for limit in limits_ms]

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(tuple(map(int.__add__, self.counts, other.counts)), self.total_ms + other.total_ms)

    def __sub__(self, other: Histogram) -> Histogram:
        return Histogram(
            tuple(map(int.__sub__, self.counts, other.counts)), max(0.0, self.total_ms - other.total_ms)
        )

    def __repr__(self) -> str:
        return f"<Histogram of {self.count}, mean {self.mean_ms:.3f} ms, p99 {self.percentile(99):.3f} ms>"


def _added(one: Mapping[str, int], other: Mapping[str, int], sign: int = 1) -> dict[str, int]:
    names = {**one, **other}
    found = {name: one.get(name, 0) + sign * other.get(name, 0) for name in names}
    return {name: count for name, count in found.items() if count}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandMetrics:
    """Commands of one kind on the records of one namespace that were sent to one node, or a sum of several.

    Calls about the cluster itself are counted too: each of their requests is one command.

    What is counted are attempts: a command that fails on one node and succeeds on another counts for both.
    An attempt on many records, of a batch or a query, is one request to one node.

    Args:
        node: the name of the node; None of a sum over several.
        namespace: the namespace of the records; of a batch's request that of its first row; empty if there is
            none, and None of a sum.
        method: the name of the client's method, such as `"get"`; None of a sum. What transactions do on their
            own is under `"commit"`, `"abort"` and `"transaction"`, what a task asks while it is waited for
            under `"wait"`.
        kind: what the command is to the node: `"read"` (an `operate` that only reads too), `"write"`,
            `"batch"`, `"query"` (a job in the background too) or `"admin"` (about the cluster); None of a
            sum.
        latency: how long attempts took that were answered, also with the result that there is no such record:
            from their beginning, so with the wait for a connection, until the answer was read. That of a
            query's request includes the time in which the program took its records.
        calls: how long the calls took that these attempts ended. A call that needed one attempt took as long
            as that.
        errors: how many attempts failed, by the name of the error's class.
        not_found: how many of the attempts in `latency` failed with `RecordNotFound`. A `get` with a default,
            `exists` and `delete` do not fail, and are not among them.
        timeouts: how many of the attempts in `errors` failed because the time was over, for the client or the
            server.
        retries: how many attempts were not the first one of their command.
        sent_bytes: how many bytes of requests were sent.
        received_bytes: how many bytes of answers were received.
    """

    node: str | None = None
    namespace: str | None = None
    method: str | None = None
    kind: str | None = None
    latency: Histogram = field(default_factory=Histogram)
    calls: Histogram = field(default_factory=Histogram)
    errors: Mapping[str, int] = field(default_factory=dict)
    not_found: int = 0
    timeouts: int = 0
    retries: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0

    @property
    def count(self) -> int:
        """How many attempts there were."""
        return self.latency.count + self.failures

    @property
    def failures(self) -> int:
        """How many of them failed, but for those that only found no record."""
        return sum(self.errors.values())

    def __add__(self, other: CommandMetrics) -> CommandMetrics:
        return self._with(other, 1)

    def __sub__(self, other: CommandMetrics) -> CommandMetrics:
        return self._with(other, -1)

    def _with(self, other: CommandMetrics, sign: int) -> CommandMetrics:
        """What both have in common, and the sum or the difference of their numbers."""

        def both(name: str) -> str | None:
            mine: str | None = getattr(self, name)
            return mine if mine == getattr(other, name) else None

        add = Histogram.__add__ if sign > 0 else Histogram.__sub__
        return CommandMetrics(
            node=both("node"),
            namespace=both("namespace"),
            method=both("method"),
            kind=both("kind"),
            latency=add(self.latency, other.latency),
            calls=add(self.calls, other.calls),
            errors=_added(self.errors, other.errors, sign),
            not_found=self.not_found + sign * other.not_found,
            timeouts=self.timeouts + sign * other.timeouts,
            retries=self.retries + sign * other.retries,
            sent_bytes=self.sent_bytes + sign * other.sent_bytes,
            received_bytes=self.received_bytes + sign * other.received_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMetrics:
    """One node.

    Args:
        name: its name; empty for all those together that left the cluster long ago.
        address: its address as text, such as `10.0.0.1:3000`; empty if it has left the cluster.
        commands: its commands, by namespace, method and kind.
        connecting: how long it took to open each of its connections for commands, with TLS and login.
        began: when its numbers begin, in seconds as `time.time` gives them; a node that comes back after its
            former numbers were added to those under the empty name begins anew.
    """

    name: str
    address: str
    commands: tuple[CommandMetrics, ...]
    connecting: Histogram = field(default_factory=Histogram)
    began: float = 0.0

    @property
    def total(self) -> CommandMetrics:
        """All its commands together."""
        return total(self.commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCalls:
    """Calls for one record that raised the same error.

    Args:
        namespace: the namespace of the record.
        method: the name of the client's method.
        kind: as in `CommandMetrics`.
        error: the name of the error's class.
        duration: how long the calls took.
    """

    namespace: str
    method: str
    kind: str
    error: str
    duration: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetrics:
    """The numbers of one client's commands at one moment, or of the time between two.

    Args:
        since: when they begin to count, in seconds as `time.time` gives them.
        at: when they were taken.
        nodes: the numbers of each node, by its name. Of nodes that have left the cluster too.
        failed_calls: calls for one record that failed in the end, whichever nodes they were sent to.
        labels: what a configuration file has in `dynamic.metrics.labels`, which exporters add to all numbers.
    """

    since: float
    at: float
    nodes: Mapping[str, NodeMetrics]
    failed_calls: tuple[FailedCalls, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> Iterator[CommandMetrics]:
        """The commands of all nodes, by node, namespace, method and kind."""
        return (command for node in self.nodes.values() for command in node.commands)

    @property
    def total(self) -> CommandMetrics:
        """All commands together."""
        return total(self.commands)

    def of(
        self,
        *,
        node: str | None = None,
        namespace: str | None = None,
        method: str | None = None,
        kind: str | None = None,
    ) -> CommandMetrics:
        """The sum of some commands: those of a node, a namespace, a method or a kind, or of several of these.

        `client.metrics().of(method="get").latency.percentile(99)`
        """
        wanted = {"node": node, "namespace": namespace, "method": method, "kind": kind}
        given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        found = total(
            command
            for command in self.commands
            if all(getattr(command, name) == value for name, value in given.items())
        )
        return found if found.count else dataclasses.replace(found, **given)

    def __sub__(self, before: ClientMetrics) -> ClientMetrics:
        """What happened between the two.

        Raises:
            ValueError: `before` is the later one, or of another client.
        """
        if before.since != self.since or before.at > self.at:
            raise ValueError("the numbers that are subtracted must be earlier ones of the same client")
        # What was counted of a node that left long ago is under no name now.
        known: dict[str, list[NodeMetrics]] = {}
        for name, old in before.nodes.items():
            goes_on = name in self.nodes and self.nodes[name].began == old.began
            known.setdefault(name if goes_on else "", []).append(old)
        nodes = {name: _without(node, known.get(name, [])) for name, node in self.nodes.items()}
        calls = {(each.namespace, each.method, each.kind, each.error): each for each in before.failed_calls}
        failed = []
        for each in self.failed_calls:
            earlier = calls.get((each.namespace, each.method, each.kind, each.error))
            if earlier is not None:
                each = dataclasses.replace(each, duration=each.duration - earlier.duration)
            failed.append(each)
        return dataclasses.replace(self, since=before.at, nodes=nodes, failed_calls=tuple(failed))


def _without(node: NodeMetrics, earlier: Sequence[NodeMetrics]) -> NodeMetrics:
    """The numbers of a node without earlier ones, which may be those of several nodes that it is a sum of."""
    known: dict[tuple[str | None, str | None, str | None], CommandMetrics] = {}
    for old in earlier:
        for each in old.commands:
            place = each.namespace, each.method, each.kind
            each = dataclasses.replace(each, node=node.name)
            known[place] = known[place] + each if place in known else each
    commands = tuple(
        each - known.get((each.namespace, each.method, each.kind), each - each) for each in node.commands
    )
    connecting = node.connecting
    for old in earlier:
        connecting -= old.connecting
    return dataclasses.replace(node, commands=commands, connecting=connecting)


def total(commands: Iterable[CommandMetrics]) -> CommandMetrics:
    """The sum of commands; what they do not have in common is None."""
    result: CommandMetrics | None = None
    for command in commands:
        result = command if result is None else result + command
    return CommandMetrics() if result is None else result

"""What `Client.stats()` gives, filled in by `Cluster.stats`, and by `LoopExecutor.stats` for an AsyncClient.

The numbers of a client at one moment, as plain values that know nothing of what they describe: they can be
compared, pickled and kept. Numbers that count something begin with the client, and never go down while a node
stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from pyspike.plain_value import PlainValue

__all__ = [
    "BatchStats",
    "ChannelStats",
    "ClientStats",
    "CompressionStats",
    "ConnectionStats",
    "HealthStats",
    "NodeStats",
    "PoolStats",
    "QueryStats",
    "RackStats",
    "TendStats",
]


class _Stats(PlainValue):
    """Plain values that can't be keys, as dictionaries are in them."""

    __slots__ = ()

    __hash__ = None  # type: ignore[assignment]  # dictionaries are in it


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ConnectionStats(_Stats):
    """Connections of one kind to one node. Those of several kinds or nodes can be added with `+`.

    Args:
        open: how many connections are open.
        idle: how many of them no command uses.
        in_flight: how many commands have a connection: they are being sent, or await their answer. The
            command of a thread has a connection to itself; commands of tasks share one.
        waiting: how many commands wait for a connection.
        opened: how many connections were opened so far.
        closed: how many connections were closed so far, by reason.
    """

    open: int = 0
    idle: int = 0
    in_flight: int = 0
    waiting: int = 0
    opened: int = 0
    closed: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: ConnectionStats) -> ConnectionStats:
        reasons = {**self.closed, **other.closed}
        return ConnectionStats(
            open=self.open + other.open,
            idle=self.idle + other.idle,
            in_flight=self.in_flight + other.in_flight,
            waiting=self.waiting + other.waiting,
            opened=self.opened + other.opened,
            closed={why: self.closed.get(why, 0) + other.closed.get(why, 0) for why in reasons},
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PoolStats(ConnectionStats):
    """A node's connections for the calls of threads.

    In `AsyncClient.stats()` they are those of all loops too: in the fields of `ConnectionStats`, and in those
    that count what failed or was refused, which are never told apart.

    Args:
        draining: how many open connections still await the answer to a command that timed out.
        waits: how many commands had to wait for a connection so far.
        wait_ms: how many milliseconds they waited, all together.
        refused: how many commands failed so far because too many waited already.
        timeouts: how many attempts failed so far because their time was over.
        failures: how many attempts failed so far without an answer of the server, those that timed out or
            could not connect included.

    The other fields are those of `ConnectionStats`.
    """

    draining: int = 0
    waits: int = 0
    wait_ms: float = 0.0
    refused: int = 0
    timeouts: int = 0
    failures: int = 0

    def with_others(self, others: ConnectionStats) -> PoolStats:
        """The same with other connections to the node, which are counted too."""
        together = ConnectionStats.__add__(self, others)
        return replace(self, **{each.name: getattr(together, each.name) for each in fields(together)})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ChannelStats(ConnectionStats):
    """A node's connections in one asyncio loop.

    Args:
        large: the connections for records above 64 KiB, which are not among the others.
        batches: the connections for batches, which are not among the others.
        queries: the connections for queries, which are not among the others.

    The other fields are those of `ConnectionStats`.
    """

    large: ConnectionStats = field(default_factory=ConnectionStats)
    batches: ConnectionStats = field(default_factory=ConnectionStats)
    queries: ConnectionStats = field(default_factory=ConnectionStats)

    @classmethod
    def of(
        cls,
        usual: ConnectionStats,
        large: ConnectionStats,
        batches: ConnectionStats,
        queries: ConnectionStats,
    ) -> ChannelStats:
        """The numbers of usual connections, and of those for large records, for batches and for queries."""
        return cls(
            open=usual.open,
            idle=usual.idle,
            in_flight=usual.in_flight,
            waiting=usual.waiting,
            opened=usual.opened,
            closed=usual.closed,
            large=large,
            batches=batches,
            queries=queries,
        )

    @property
    def total(self) -> ConnectionStats:
        """The connections of all kinds together."""
        return ConnectionStats() + self + self.large + self.batches + self.queries


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class BatchStats(_Stats):
    """What batches have asked of one node so far, those of threads and of tasks.

    Args:
        requests: how many requests there were; a batch is one to each node that it concerns, or several if
            it is very large or is tried again.
        rows: how many rows these requests had; one that is tried again counts anew.
        failed_rows: how many rows ended in an error, as the node answered with it, or did not answer. That
            there is no such record is no error of a row that reads or deletes.
        retried_rows: how many rows the node did not answer that were then to be tried again, there or at
            another node.
    """

    requests: int = 0
    rows: int = 0
    failed_rows: int = 0
    retried_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class QueryStats(_Stats):
    """What queries have asked of one node so far, those of threads and of tasks; counted when a request ends.

    Args:
        requests: how many requests there were; a query is one to each node, and more where it is paged by
            `max_records`, or partitions are asked for again.
        failed_requests: how many of them ended before their answer did: the node failed or refused, or the
            query was closed early.
        records: how many records of their answers the queries have given.
    """

    requests: int = 0
    failed_requests: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class RackStats(_Stats):
    """Which rack a node is in, and how often `Replica.PREFER_RACK` has led to it; several can be added.

    What is counted: tries of commands on one record, rows of batches each time they are asked for, and
    requests of queries.

    Args:
        ids: the node's rack in each namespace; none as long as the client prefers no racks, or it tells none.
        in_rack: how often it was chosen as a node of a preferred rack.
        out_of_rack: how often it was chosen though it is in none of them, as no other one could be asked.
    """

    ids: Mapping[str, int] = field(default_factory=dict)
    in_rack: int = 0
    out_of_rack: int = 0

    def __add__(self, other: RackStats) -> RackStats:
        return RackStats(
            in_rack=self.in_rack + other.in_rack, out_of_rack=self.out_of_rack + other.out_of_rack
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class CompressionStats(_Stats):
    """What `use_compression` has saved on the way to a node and back; several can be added.

    Only what was compressed is counted: a small request, and an answer that the server left as it is, is not.

    Args:
        requests: how many requests were sent compressed so far.
        request_bytes: how many bytes these requests have.
        sent_bytes: how many bytes were sent for them.
        answers: how many answers, or parts of longer ones, came compressed.
        received_bytes: how many bytes were received for these.
        answer_bytes: how many bytes these have.
    """

    requests: int = 0
    request_bytes: int = 0
    sent_bytes: int = 0
    answers: int = 0
    received_bytes: int = 0
    answer_bytes: int = 0

    def __add__(self, other: CompressionStats) -> CompressionStats:
        return CompressionStats(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class HealthStats(_Stats):
    """How often a node has failed, of threads and of tasks: see `ClientPolicy.max_error_rate`.

    Args:
        is_open: whether the node gets no commands for now, because it has failed too often.
        errors: how many errors there were in the window of time that runs.
        limit: how many there may be in it; None if any number may.
        total_errors: how many errors there were so far.
        opened: how many windows had too many.
        refused: how many tries were refused so far, because the node had failed too often.
        recovered: how many answers came late, but within `timeout_delay`, so that their connections were used
            again.
        aborted: how many connections were closed so far because a late answer did not come in that time.
    """

    is_open: bool = False
    errors: int = 0
    limit: int | None = None
    total_errors: int = 0
    opened: int = 0
    refused: int = 0
    recovered: int = 0
    aborted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class NodeStats(_Stats):
    """One node of the cluster.

    Args:
        name: the name it has given itself.
        address: its address as text, such as `10.0.0.1:3000`.
        version: its server version, as text.
        is_active: whether commands are sent to it.
        failed_rounds: in how many rounds of tending, up to the last one, it has not answered.
        last_error: what went wrong in the last of those rounds; None if it answers.
        partition_generation: the number of the partition map that was last read from it, which a server
            counts up when partitions move; None if that has to be read again.
        pool: its connections for the calls of threads; in `AsyncClient.stats()` with those of all loops.
        batches: what batches have asked of it.
        queries: what queries have asked of it.
        rack: which rack it is in, and how often it was chosen by that.
        health: how often it has failed.
        compression: how many bytes compressing has saved.
    """

    name: str
    address: str
    version: str
    is_active: bool
    failed_rounds: int
    last_error: str | None
    partition_generation: int | None
    pool: PoolStats
    batches: BatchStats
    queries: QueryStats
    rack: RackStats = field(default_factory=RackStats)
    health: HealthStats = field(default_factory=HealthStats)
    compression: CompressionStats = field(default_factory=CompressionStats)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TendStats(_Stats):
    """How the client looks after its view of the cluster.

    Args:
        rounds: how many rounds of tending there were so far.
        last_ms: how many milliseconds the last round took.
        last_error: the last thing that went wrong in any round; None if nothing ever did.
        unreachable: the nodes whose addresses can't be reached from here, each with the reason.
    """

    rounds: int
    last_ms: float
    last_error: str | None
    unreachable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ClientStats(_Stats):
    """The numbers of one client at one moment; `dataclasses.asdict` makes dictionaries of them.

    Args:
        nodes: the nodes of the cluster, by name.
        tend: how the client looks after its view of the cluster.
        loops: for each asyncio loop that uses the client, its connections by the node's name; empty for
            `Client.stats()`.
    """

    nodes: Mapping[str, NodeStats]
    tend: TendStats
    loops: tuple[Mapping[str, ChannelStats], ...] = ()

    def with_loops(self, loops: tuple[Mapping[str, ChannelStats], ...]) -> ClientStats:
        """The same, with the connections of loops: by themselves, and added to those of the nodes."""
        nodes = dict(self.nodes)
        for loop in loops:
            for name, channel in loop.items():
                if name in nodes:
                    nodes[name] = replace(nodes[name], pool=nodes[name].pool.with_others(channel.total))
        return replace(self, nodes=nodes, loops=loops)

    @property
    def rack(self) -> RackStats:
        """How often nodes were chosen by racks, all nodes together."""
        return sum((node.rack for node in self.nodes.values()), RackStats())

    @property
    def compression(self) -> CompressionStats:
        """How many bytes compressing has saved, all nodes together."""
        return sum((node.compression for node in self.nodes.values()), CompressionStats())

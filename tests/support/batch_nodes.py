"""Nodes for batches whose connections end here: the test is the server of each."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pyspike import BatchPolicy, BatchStream, Key, ReadPolicy, WritePolicy, errors
from pyspike._wire import (
    Batch,
    BatchCommands,
    BatchRecord,
    BatchRow,
    Connection,
    Node,
    NodeLimits,
    PartitionMap,
    Pool,
    Routing,
    ThreadExecutor,
)
from pyspike.plans.batch import BatchPlan
from support.batches import BatchMessage, parse_batch
from support.cluster_tools import wait_until
from support.messages import DIGEST, Message, Op, parse
from support.unsent import tried_once

LAST = 0x01
PARTITIONS = 4096


def partition_map(nodes: Sequence[Node]) -> PartitionMap:
    """The masters of `test` go round, and the replica of each is the next node."""
    found = PartitionMap()
    for place, node in enumerate(nodes):
        columns = []
        for replica in range(2 if len(nodes) > 1 else 1):
            bits = bytearray(PARTITIONS // 8)
            for partition in range((place - replica) % len(nodes), PARTITIONS, len(nodes)):
                bits[partition >> 3] |= 0x80 >> (partition & 7)
            columns.append(bytes(bits))
        found = found.updated(node, [("test", 0, tuple(columns))])
    return found


def answer(numbers: Iterable[int], code: int = 0, last: int | None = 0, ops: Sequence[Op] = ()) -> bytes:
    """A frame with rows of this code, and with the last message unless that is None."""
    bodies = [Message(result=code, generation=1, timeout=number, ops=tuple(ops)).body for number in numbers]
    body = b"".join(bodies + ([] if last is None else [Message(info3=LAST, result=last).body]))
    return (2 << 56 | 3 << 48 | len(body)).to_bytes(8, "big") + body


class BatchNodes:
    """Some nodes A1, A2 and so on, and what the client has to know of their cluster.

    Attributes:
        servers: the other ends of the connections to each node, in the order in which they were opened.
        opener: opens one to the node of this name; replace it to refuse.
        make_plan: makes the plan of each batch.
        routing: what the cluster's nodes own.
        client: the commands of a client of the cluster.
    """

    def __init__(self, count: int = 2, **options: Any) -> None:
        self.closed = False
        self.servers: dict[str, list[socket.socket]] = {f"A{number + 1}": [] for number in range(count)}
        self.opener: Callable[[str], Connection] = self.open
        self.nodes = [Node(name, NodeLimits(**options)) for name in self.servers]
        for node in self.nodes:
            node.pool = Pool(node, lambda timeout, name=node.name: self.opener(name))
        self.routing = Routing()
        self.routing.partitions = partition_map(self.nodes)
        self.make_plan: Callable[[Any, Batch], BatchPlan] = BatchPlan
        executor = ThreadExecutor(self, lambda cluster, batch: self.make_plan(cluster, batch))
        policies = (ReadPolicy(), WritePolicy(), BatchPolicy())
        self.client = BatchCommands(executor, *(policy.settings for policy in policies))
        self.tended: list[str | None] = []

    def open(self, name: str) -> Connection:
        ours, theirs = socket.socketpair()
        ours.settimeout(10)
        self.servers[name].append(ours)
        return Connection(theirs.detach())

    def close(self) -> None:
        for node in self.nodes:
            node.retire()
        for server in [each for servers in self.servers.values() for each in servers]:
            server.close()

    # --- what a plan asks of a cluster ---

    def request_tend(self, node: str | None = None) -> None:
        self.tended.append(node)

    def version_of(self, name: str | None) -> str:
        return ""

    def not_connected(self) -> errors.ConnectFailed:
        return errors.ConnectFailed("no node is there")

    # --- what a test does ---

    def key(self, name: str, number: int = 0) -> Key:
        """A key of which the node of this name has the master."""
        place = list(self.servers).index(name)
        keys = (Key("test", "s", each) for each in range(number * 1000, 1 << 30))
        return next(key for key in keys if key.partition_id % len(self.nodes) == place)

    def keys(self, name: str, count: int) -> list[Key]:
        """So many keys of that kind."""
        return [self.key(name, number) for number in range(count)]

    def node(self, name: str) -> Node:
        return self.nodes[list(self.servers).index(name)]

    def run(
        self, rows: Iterable[BatchRow], policy: BatchPolicy | None = None, **options: Any
    ) -> list[BatchRecord]:
        """Run a batch of rows in this thread; the options are those of `batch`."""
        return list(self.client.batch(rows, policy=policy, **options))

    def stream(
        self, rows: Iterable[BatchRow], in_flight: int = 1000, timeout: float = 10_000, **policy: Any
    ) -> BatchStream:
        """A stream of rows."""
        return self.client.batch_stream(
            rows, in_flight=in_flight, timeout=timeout, policy=BatchPolicy(**policy)
        )

    def exists(self, name: str, timeout: float = 10_000) -> bool:
        """A command on one record of a node, with one attempt."""
        return tried_once(self).exists(self.key(name), timeout=timeout)

    def frame(self, name: str, connection: int = -1) -> bytes:
        """The next request that arrives at a node."""
        wait_until(lambda: self.servers[name], f"a connection to {name}")
        server = self.servers[name][connection]
        head = server.recv(8, socket.MSG_WAITALL)
        assert len(head) == 8, "the client has closed the connection"
        return head + server.recv(int.from_bytes(head[2:], "big"), socket.MSG_WAITALL)

    def is_asked(self, name: str, connection: int = -1) -> bool:
        """Whether something has arrived at a node that was not read."""
        if not self.servers[name]:
            return False
        server = self.servers[name][connection]
        server.setblocking(False)
        try:
            return bool(server.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            server.settimeout(10)

    def request(self, name: str, connection: int = -1) -> BatchMessage:
        """The next batch that arrives at a node."""
        return parse_batch(self.frame(name, connection))

    def answer(self, name: str, data: bytes) -> None:
        """Have a node send this on the connection that was opened last."""
        self.servers[name][-1].sendall(data)

    def serve_single(self, name: str) -> bytes | None:
        """Answer the next command on one record; its digest."""
        digest = parse(self.frame(name)).field(DIGEST)
        self.answer(name, Message().pack())
        return digest

    def hang_up(self, name: str) -> None:
        """Close a node's connection that was opened last."""
        self.servers[name].pop().close()

    def serve(self, name: str, connection: int = -1, code: int = 0) -> list[int]:
        """Answer the next request of a node; returns the numbers of its rows."""
        numbers = [row.number for row in self.request(name, connection).rows]
        self.servers[name][connection].sendall(answer(numbers, code))
        return numbers

    def stats(self, name: str) -> dict[str, Any]:
        pool = self.node(name).pool
        assert pool is not None
        return pool.stats()

    @property
    def in_flight(self) -> list[int]:
        """How many connections of each node are in use."""
        return [self.stats(name)["in_flight"] for name in self.servers]

"""The public face: an embedded cluster and its nodes, as tests and demos use them.

Owns: arguments, defaults, documentation. Not here: anything that runs; every method is one request to the
backend.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from .backends import Backend, Plan, ProcessBackend, ThreadBackend
from .membership import DETACH_AFTER
from .node import NodeStats
from .storage import NamespaceConfig

__all__ = ["EmbeddedCluster", "EmbeddedNode"]

NAMESPACE_MAX = 31
PORT_MAX = 65535


class EmbeddedNode:
    """One node of an embedded cluster, and the faults it can have.

    Faults last until they are used up, undone, or the node starts again. Those which say "times" hit data
    requests only (not info requests, so tending goes on), the next ones that arrive at this node on any
    connection.
    """

    def __init__(self, name: str, host: str, cluster: EmbeddedCluster) -> None:
        self.name = name
        self.host = host
        self._cluster = weakref.ref(cluster)
        self._port = 0

    def __repr__(self) -> str:
        return f"<EmbeddedNode {self.name} {self.host}:{self._port}>"

    def _call(self, request: str, **args: Any) -> Any:
        cluster = self._cluster()
        if cluster is None:
            raise RuntimeError("the cluster is not running")
        return cluster._call(request, self.name, **args)

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the cluster has started."""
        return self._port

    @property
    def running(self) -> bool:
        """Whether it is up: not stopped, not killed."""
        cluster = self._cluster()
        return cluster is not None and cluster.running and bool(self._call("describe")["running"])

    @property
    def stats(self) -> NodeStats:
        """What it has counted so far: requests, and connections ever accepted and open now."""
        return NodeStats(**self._call("describe")["stats"])

    @property
    def faults_left(self) -> int:
        """How many data requests the faults which say "times" are still to hit; 0 when they are used up."""
        left: int = self._call("describe")["faults_left"]
        return left

    def stop(self) -> None:
        """Shut it down: it leaves the cluster, the replicas take over at once, its connections are closed."""
        self._call("stop")

    def kill(self, detach_after: float = DETACH_AFTER) -> None:
        """End it without a word: connections are reset, and the others advertise it until they notice.

        Args:
            detach_after: seconds until they do; then its partitions are taken over.

        """
        self._call("kill", detach_after=detach_after)

    def start(self) -> None:
        """Start it again after `stop` or `kill`, at the same port; it joins the cluster at once.

        Raises:
            OSError: the port is taken.

        """
        self._call("start", port=None)

    def restart(self, port: int | None = None) -> int:
        """Stop it, if it is up, and start it again.

        Args:
            port: where it comes back; None is the same port, 0 any free one.

        Returns:
            The port it has now.

        Raises:
            OSError: the port is taken.

        """
        self._port = self._call("restart", port=port)
        return self._port

    def freeze(self) -> None:
        """Accept, read and answer nothing until `thaw`; the TCP connections stay up."""
        self._call("freeze")

    def thaw(self) -> None:
        """End `freeze`: what was sent meanwhile is read and answered."""
        self._call("thaw")

    def delay(self, seconds: float) -> None:
        """Send every answer later by `seconds` (0 ends it). Connections do not wait for each other."""
        self._call("delay", seconds=seconds)

    def hold_writes(self, seconds: float, replica: EmbeddedNode | None = None) -> None:
        """Answer writes only after `seconds` (0 ends it), as a master does whose replica has died.

        Such a write is applied at once. The connection that it came on runs nothing else meanwhile; if it is
        closed before, what has come on it and was not run is dropped.

        Args:
            seconds: until what happens in place of the replica's answer: a time-out, or another cluster.
            replica: hold only the writes of partitions that this node has a replica of; None: all.

        """
        self._call("hold_writes", seconds=seconds, replica=None if replica is None else replica.name)

    def drip(self, bytes_per_chunk: int = 1, interval: float = 0.0) -> None:
        """Send every answer in pieces of `bytes_per_chunk` (0 ends it), `interval` seconds apart."""
        self._call("drip", size=bytes_per_chunk, interval=interval)

    def cut(self, after_bytes: int | None = None, times: int = 1) -> None:
        """Send only the first `after_bytes` (None: half) of the next answers, and close."""
        self._call("cut", after_bytes=after_bytes, times=times)

    def close_after_request(self, times: int = 1) -> None:
        """Run the next requests, and close without an answer."""
        self._call("close_after_request", times=times)

    def drop_before_execute(self, times: int = 1) -> None:
        """Close without running the next requests."""
        self._call("drop_before_execute", times=times)

    def garbage(self, data: bytes | None = None, times: int = 1) -> None:
        """Run the next requests and answer `data` (None: random bytes) instead; the connection stays up."""
        self._call("garbage", data=None if data is None else data.hex(), times=times)

    def answer_with(self, code: int, times: int = 1, execute: bool = False) -> None:
        """Answer the next requests with result `code`.

        Args:
            code: result code, 0..255.
            times: how many requests.
            execute: whether they are run all the same.

        """
        self._call("answer_with", code=int(code), times=times, execute=execute)

    def refuse(self) -> None:
        """Close the listening port: connecting is refused, connections that are open live on."""
        self._call("refuse")

    def accept(self) -> None:
        """End `refuse`.

        Raises:
            OSError: the port is taken by now.

        """
        self._call("accept")


class EmbeddedCluster:
    """An Aerospike cluster on this machine, for tests and demos: the real protocol over TCP, records in
    memory.

    All nodes run in one thread, or in one process of their own; any client of any language can connect. A
    record lives as long as a node that owns its partition is up. Also a context manager, which starts and
    stops it::

        with EmbeddedCluster(nodes=3) as cluster:
            client = Client(cluster.hosts)

    Args:
        nodes: how many.
        namespaces: their names, or names with settings.
        replication_factor: how many nodes own each partition; no more than there are.
        host: the address to listen on.
        port: the first node's port, the others follow; 0: free ports.
        cluster_name: what the nodes say it is called.
        process: run it in a process of its own, with the same methods.
        advertise: the host that nodes say they have, instead of `host`; for tests of unreachable addresses.
        alternate_host: the host of their alternate addresses; None: they have none.
        clock: Unix time in seconds, by which records expire; not with `process`.

    Raises:
        ValueError: a number below 1, a port that there can't be, no namespace, a namespace name that is empty
            or over 31 bytes.

    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        namespaces: Sequence[str] | Mapping[str, NamespaceConfig] = ("test", "bar"),
        replication_factor: int = 2,
        host: str = "127.0.0.1",
        port: int = 0,
        cluster_name: str = "embedded",
        process: bool = False,
        advertise: str | None = None,
        alternate_host: str | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if nodes < 1 or replication_factor < 1:
            raise ValueError("nodes and replication_factor are at least 1")
        if not 0 <= port <= PORT_MAX - (nodes - 1):
            raise ValueError(f"{nodes} nodes have no ports from {port} on: the last port is {PORT_MAX}")
        if not isinstance(namespaces, Mapping):
            if isinstance(namespaces, str):
                raise ValueError("namespaces is a sequence of names, not one name")
            namespaces = {name: NamespaceConfig() for name in namespaces}
        if not namespaces or not all(0 < len(name.encode()) <= NAMESPACE_MAX for name in namespaces):
            raise ValueError(f"namespaces are named with 1..{NAMESPACE_MAX} bytes")
        if process and clock is not None:
            raise ValueError("a clock can't be passed to another process")
        names = [f"A{index:X}" for index in range(1, nodes + 1)]
        self._plan = Plan(
            names=names,
            ports=[port + index if port else 0 for index in range(nodes)],
            namespaces=dict(namespaces),
            replication_factor=replication_factor,
            host=host,
            cluster_name=cluster_name,
            advertise=advertise,
            alternate_host=alternate_host,
        )
        self._process = process
        self._clock = clock or time.time
        self._backend: Backend | None = None
        self._finalizer: weakref.finalize[[], EmbeddedCluster] | None = None
        self.nodes = [EmbeddedNode(name, host, self) for name in names]

    def __enter__(self) -> EmbeddedCluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _call(self, request: str, node: str | None = None, **args: Any) -> Any:
        if self._backend is None:
            raise RuntimeError("the cluster is not running")
        return self._backend.call(request, node, **args)

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._backend is not None

    @property
    def hosts(self) -> str:
        """What a client is given: "127.0.0.1:4001,127.0.0.1:4002". Nodes that are down are in it too."""
        return ",".join(
            f"[{node.host}]:{node.port}" if ":" in node.host else f"{node.host}:{node.port}"
            for node in self.nodes
        )

    def start(self) -> EmbeddedCluster:
        """Start all nodes; they listen when this returns. Does nothing if they run already.

        Raises:
            OSError: a port is taken.

        """
        if self._backend is None:
            if self._process:
                self._backend = ProcessBackend(self._plan)
            else:
                self._backend = ThreadBackend.from_plan(self._plan, clock=self._clock)
            self._finalizer = weakref.finalize(self, self._backend.stop)
            for node, facts in zip(self.nodes, self._call("describe"), strict=True):
                node._port = facts["port"]
        return self

    def stop(self) -> None:
        """End all nodes and forget the records. Does nothing if they do not run."""
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer = self._backend = None

    def node(self, name: str) -> EmbeddedNode:
        """The node of that name ("A1", "A2", ...); KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def owners(self, namespace: str, partition_id: int) -> list[EmbeddedNode]:
        """The nodes that own a partition, master first."""
        return [
            self.node(name) for name in self._call("owners", namespace=namespace, partition_id=partition_id)
        ]

    def clear(self) -> None:
        """Drop all records of all namespaces."""
        self._call("clear")

    def lose_partition(self, namespace: str, partition_id: int) -> None:
        """Take a partition from all nodes: the map shows no owner, requests for it get result 11
        (UNAVAILABLE).

        Raises:
            KeyError: no such namespace.
            ValueError: a partition id outside 0..4095.

        """
        self._call("lose_partition", namespace=namespace, partition_id=partition_id)

    def restore_partition(self, namespace: str, partition_id: int) -> None:
        """End `lose_partition`; the records are there again."""
        self._call("restore_partition", namespace=namespace, partition_id=partition_id)

    def move_partitions(
        self, namespace: str | None = None, count: int = 4096, seed: int | None = None
    ) -> int:
        """Give partitions to other nodes, records included, and count up the partition generations.

        Args:
            namespace: of which; None: of each.
            count: how many of each namespace.
            seed: makes the choice the same every time.

        Returns:
            How many have other owners now.

        """
        return int(self._call("move_partitions", namespace=namespace, count=count, seed=seed))

    def heal(self) -> None:
        """Undo all faults of nodes and partitions. Nodes that are down stay down."""
        self._call("heal")

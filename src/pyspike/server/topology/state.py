"""The state of a cluster and of its nodes: what info commands tell, and what decides who serves a request.

Owns: the members, their addresses and generations, the partition maps, the store that all nodes share. Not
here: what changes the state (membership.py, node.py), and the sockets (connection.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from ..protocol.digest import partition_of
from ..security.state import Caller, ClusterSecurity, NodeSecurity
from ..storage.indexes import Index
from ..storage.store import Namespace, Store
from ..versions import ServerVersion
from .batch_counts import BatchCounts
from .fault_settings import Faults
from .jobs import NAMESPACE_SETTINGS, QUERY_SETTINGS, Jobs
from .partitions import PartitionMap, bitmap
from .roster import Roster
from .transaction_counts import TransactionCounts

__all__ = ["ClusterState", "NodeState", "NodeStats", "Session"]


@dataclass(slots=True)
class NodeStats:
    """What a node has counted since it was made.

    `requests`: frames of all kinds that arrived. `data_requests`: those of type 3. `info_requests`: those of
        type 1.
    `batches`, `batch_rows`: those of the data requests that are batches, and the rows of them that were run.
    `connections_accepted`, `connections_open`: clients' connections, ever and now.
    """

    requests: int = 0
    data_requests: int = 0
    info_requests: int = 0
    batches: int = 0
    batch_rows: int = 0
    connections_accepted: int = 0
    connections_open: int = 0

    def count_data(self) -> None:
        """Count a data request that is not run."""
        self.requests += 1
        self.data_requests += 1


@dataclass(slots=True, eq=False)
class Session:
    """What the server remembers of one connection between its requests."""

    user_agent: str | None = None
    """The text by which the client has said what it is; None until it does."""
    client: str = ""
    """The address of the client, as `host+port`."""
    caller: Caller = field(default_factory=Caller)
    """Who the client is, if the cluster has security."""


@dataclass(slots=True, eq=False)
class NodeState:
    """One node: its address, its generations since it was started, and the sessions that are open.

    Args:
        name: the node's name, such as "A1".
        host: the address on which it listens.
        port: the port on which it listens, or listened last.
        tls_name: the name in its certificate; None if it speaks no TLS.
        clear_port: the port on which it listens without TLS, beside `port` with it; None: there is none.

    """

    name: str
    host: str
    port: int
    tls_name: str | None = None
    clear_port: int | None = None
    running: bool = False
    started: float = 0.0
    """When the node was started, by `time.monotonic()`."""
    peers_generation: int = 0
    peers_log: list[tuple[int, str]] = field(default_factory=list)
    """The peers generation and the peer's name of each change since the start."""
    partition_generation: int = 0
    rebalance_generation: int = 0
    racks: dict[str, int] = field(default_factory=dict)
    """Its rack in each namespace; 0 in those that are left out."""
    sessions: set[Session] = field(default_factory=set)
    settings: dict[str, dict[str, bool | int | str]] = field(default_factory=dict)
    """The settings that `set-config` has changed, by context or namespace; only those of batches, and the
    namespaces' own, have an effect."""
    stats: NodeStats = field(default_factory=NodeStats)
    faults: Faults = field(default_factory=Faults)
    batch_counts: BatchCounts = field(default_factory=BatchCounts)
    transaction_counts: TransactionCounts = field(default_factory=TransactionCounts)
    index_builds: dict[Index, tuple[float, float]] = field(default_factory=dict)
    """When the indexes that are being built here were begun and will be built, by `time.monotonic()`."""
    batch_order: Random | None = field(init=False)
    """What shuffles the rows of batches; None leaves them in the order in which they are run."""
    jobs: Jobs = field(default_factory=Jobs)
    security: NodeSecurity = field(default_factory=NodeSecurity)
    query_order: Random = field(init=False)
    """What chooses the threads that work on the partitions of queries."""

    def __post_init__(self) -> None:
        self.shuffle_batches(0)
        self.query_order = Random(f"queries {self.name}")

    def shuffle_batches(self, seed: int | None) -> None:
        """Let a seed decide the order of the rows of all batches from now on; None: leave them in order."""
        self.batch_order = None if seed is None else Random(f"{seed} {self.name}")

    def port_of(self, *, tls: bool) -> int | None:
        """The port with TLS, or the one without; None: there is none."""
        if tls == (self.tls_name is not None):
            return self.port
        return None if tls else self.clear_port

    def begin(self) -> None:
        """Mark the node as running, with the generations of a new process."""
        self.running = True
        self.started = time.monotonic()
        self.peers_generation = self.partition_generation = self.rebalance_generation = 0
        self.peers_log = []
        self.jobs = Jobs()
        self.security = NodeSecurity()
        self.index_builds.clear()

    def query_setting(self, name: str, namespace: Namespace | None = None) -> int:
        """The value of a setting of queries: one of the node, or of a namespace on it."""
        if namespace is None:
            return int(self.settings.get("service", {}).get(name, QUERY_SETTINGS[name]))
        return int(self.settings.get(namespace.name, {}).get(name, NAMESPACE_SETTINGS[name]))

    def peer_changed(self, name: str) -> None:
        """Count that the peer `name` came, went, or changed its address."""
        self.peers_generation += 1
        self.peers_log.append((self.peers_generation, name))

    def uptime(self) -> int:
        """Seconds since the start."""
        return int(time.monotonic() - self.started)


@dataclass(slots=True, eq=False)
class ClusterState:
    """A cluster as its nodes see it.

    Args:
        cluster_name: the name that the nodes tell.
        replication_factor: how many nodes own a partition, if there are as many.
        advertise: the host that nodes say they have, instead of the one on which they listen; None: that one.
        alternate_host: the host of the nodes' alternate addresses; None: they have none.
        store: the records of all nodes.
        security: who may do what; None: it is a server that has no security.
        compression: whether compressed requests are read, and answers compressed if that is asked for.
        has_racks: whether the nodes tell their racks, as Enterprise Edition does.

    """

    cluster_name: str
    replication_factor: int
    advertise: str | None
    alternate_host: str | None
    store: Store
    security: ClusterSecurity | None = None
    compression: bool = False
    has_racks: bool = False
    cluster_key: str = ""
    members: list[NodeState] = field(default_factory=list)
    """The nodes that are in the cluster as the others see it; a killed one stays until it is noticed."""
    maps: dict[bytes, PartitionMap] = field(default_factory=dict)
    """The owners of the partitions, by namespace. Changed by `set_maps` only."""
    rosters: dict[bytes, Roster] = field(default_factory=dict)
    """Of the strong-consistent namespaces, by name."""
    recluster: Callable[[], None] = lambda: None
    """Lets pending rosters take effect, and distributes the partitions anew."""
    _replicas: dict[tuple[str, int], str] = field(default_factory=dict, init=False)

    @property
    def version(self) -> ServerVersion:
        """The server that is played."""
        return self.store.version

    def advertised_host(self, node: NodeState) -> str:
        """The host that clients are told for a node."""
        host = self.advertise or node.host
        return f"[{host}]" if ":" in host else host

    def address(self, node: NodeState, port: int | None = None) -> str:
        """The host:port that clients are told for a node: this port, or that without TLS if it has one."""
        return f"{self.advertised_host(node)}:{port or node.clear_port or node.port}"

    def alternate_address(self, node: NodeState, port: int | None = None) -> str | None:
        """The host:port of a node's alternate service; None if it has none."""
        if self.alternate_host is None:
            return None
        return f"{self.alternate_host}:{port or node.clear_port or node.port}"

    def holds(self, node: NodeState, namespace: Namespace, partition_id: int) -> bool:
        """Whether a node has a partition, as its master or a replica."""
        if partition_id in namespace.unavailable:
            return False
        name = node.name
        for column in self.maps[namespace.key].columns:  # noqa: SIM110 - queries ask for each partition
            if column[partition_id] == name:
                return True
        return False

    def is_master(self, node: NodeState, namespace: Namespace, partition_id: int) -> bool:
        """Whether a node is the master of a partition."""
        columns = self.maps[namespace.key].columns
        return bool(columns) and columns[0][partition_id] == node.name

    def answers(self, name: str) -> bool:
        """Whether a node of the cluster is up and answers others, by its name."""
        return any(
            member.name == name and member.running and not member.faults.silent for member in self.members
        )

    def is_reachable(self, namespace: Namespace, digest: bytes) -> bool:
        """Whether a record can be written now: its partition is served, and the master answers."""
        partition_id = partition_of(digest)
        if partition_id in namespace.unavailable:
            return False
        return self.answers(self.maps[namespace.key].owners(partition_id)[0])

    def set_maps(self, maps: dict[bytes, PartitionMap]) -> None:
        """Let other nodes own the partitions."""
        self.maps = maps
        self._replicas.clear()

    def replicas(self, node: NodeState, max_columns: int) -> str:
        """The value of the info command `replicas` for a node.

        Args:
            node: the node that is asked.
            max_columns: how many replica columns are told at the most; 0 is all.

        """
        text = self._replicas.get((node.name, max_columns))
        if text is None:
            parts = []
            for key, namespace in self.store.namespaces.items():
                columns = self.maps[key].columns
                bitmaps = [bitmap(column, node.name) for column in columns[: max_columns or None]]
                parts.append(f"{namespace.name}:{namespace.regime},{len(bitmaps)}," + ",".join(bitmaps))
            text = self._replicas[(node.name, max_columns)] = ";".join(parts)
        return text

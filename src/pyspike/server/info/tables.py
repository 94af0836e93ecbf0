"""Info commands that answer tables of figures: statistics, namespaces, sets, latencies.

Owns: these `name=value` lists. They have the figures that clients and tools read, with the server's names and
forms, not all that a server has. Not here: settings (config.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from ..protocol.constants import IndexCollection
from ..protocol.digest import partition_of
from ..storage.record import stored_size
from ..storage.store import Namespace
from ..topology.batch_counts import THREADS
from ..topology.state import ClusterState, NodeState
from .call import Call, InfoError
from .config import namespace_settings, service_setting
from .pairs import joined

__all__ = ["COMMANDS"]

UNKNOWN_NAMESPACE = "type=unknown"
UNKNOWN_SETS = "ns_type=unknown"

_HISTOGRAMS = (
    "read",
    "write",
    "udf",
    "batch-sub-read",
    "batch-sub-write",
    "batch-sub-udf",
    "pi-query",
    "si-query",
)
_NO_LATENCY = "msec,0.0," + ",".join(["0.00"] * 17)


def _statistics(cluster: ClusterState, node: NodeState) -> str:
    """The value of `statistics`."""
    stats = node.stats
    objects = sum(_counts(cluster, node, each)[0] for each in cluster.store.namespaces.values())
    principal = max((member.name for member in cluster.members), default=node.name)
    return joined(
        {
            "failed_best_practices": "false",
            "cluster_size": len(cluster.members),
            "cluster_key": cluster.cluster_key,
            "cluster_generation": node.rebalance_generation,
            "cluster_principal": principal,
            "cluster_integrity": "true",
            "cluster_is_member": "true",
            "cluster_clock_skew_ms": 0,
            "uptime": node.uptime(),
            "objects": objects,
            "tombstones": sum(
                sum(_places(cluster, node, each, each.tombstones))
                for each in cluster.store.namespaces.values()
            ),
            "client_connections": stats.connections_open,
            "client_connections_opened": stats.connections_accepted,
            "client_connections_closed": stats.connections_accepted - stats.connections_open,
            "info_complete": stats.info_requests,
            "paxos_principal": principal,
            "migrate_allowed": "true",
            "migrate_partitions_remaining": 0,
            **node.batch_counts.statistics(int(service_setting(node, THREADS))),
        }
    )


def _namespace_of(call: Call) -> str:
    return _namespace(call.cluster, call.node, call.param("namespace", "id") or call.params)


def _namespace(cluster: ClusterState, node: NodeState, name: str) -> str:
    """The value of `namespace/<name>`."""
    found = cluster.store.namespaces.get(name.encode("latin-1"))
    if found is None:
        return UNKNOWN_NAMESPACE
    masters, proles, size = _counts(cluster, node, found)
    buried = _places(cluster, node, found, found.tombstones)
    members = len(cluster.members)
    table: dict[str, object] = {
        "ns_cluster_size": members,
        "effective_replication_factor": min(cluster.replication_factor, members),
        "objects": masters + proles,
        "tombstones": buried[0] + buried[1],
        "master_objects": masters,
        "master_tombstones": buried[0],
        "prole_objects": proles,
        "prole_tombstones": buried[1],
        "non_replica_objects": 0,
        "dead_partitions": len(found.dead),
        "unavailable_partitions": len(found.unavailable - found.dead),
        "clock_skew_stop_writes": "false",
        "stop_writes": "false",
        "hwm_breached": "false",
        "current_time": found.store.now(),
        "evicted_objects": 0,
        "truncate_lut": found.truncated.get(None, 0) // 1_000_000,
        "data_used_bytes": size,
        "migrate_tx_partitions_remaining": 0,
        "migrate_rx_partitions_remaining": 0,
        **node.batch_counts.statistics_of(found.name.encode()),
        **_transactions(cluster, node, found),
    }
    return joined(table) + ";" + joined(namespace_settings(cluster, node, found))


def _transactions(cluster: ClusterState, node: NodeState, found: Namespace) -> dict[str, object]:
    """What a node tells of the transactions of a strong-consistent namespace."""
    if not found.is_strong:
        return {}
    transactions = found.transactions
    monitors = [
        digest for digest in transactions.monitors if cluster.holds(node, found, partition_of(digest))
    ]
    provisionals = sum(cluster.holds(node, found, partition_of(each)) for each in transactions.provisionals)
    return {
        "mrt_provisionals": provisionals,
        "mrt_monitors": len(monitors),
        "mrt_monitors_active": sum(not transactions.monitors[each].is_aborted for each in monitors),
        **node.transaction_counts.statistics_of(found.key),
    }


def _is_here(cluster: ClusterState, node: NodeState, found: Namespace, digest: bytes) -> bool:
    return cluster.holds(node, found, partition_of(digest))


def _sets(cluster: ClusterState, node: NodeState, path: str) -> str:
    """The value of `sets`, `sets/<namespace>`, `sets/<namespace>/<set>`."""
    namespaces = cluster.store.namespaces
    name, _, wanted = path.partition("/")
    if not name:
        return "".join(_sets_of(cluster, node, each) for each in namespaces.values())
    found = namespaces.get(name.encode("latin-1"))
    if found is None:
        return UNKNOWN_SETS
    if not wanted:
        return _sets_of(cluster, node, found)
    name_of_set = wanted.encode("latin-1")
    return _one_set(cluster, node, found, name_of_set) if name_of_set in found.set_names() else ""


def _sets_of(cluster: ClusterState, node: NodeState, found: Namespace) -> str:
    return "".join(
        f"ns={found.name}:set={name.decode('latin-1')}:{_one_set(cluster, node, found, name)}"
        for name in found.set_names()
    )


def _one_set(cluster: ClusterState, node: NodeState, found: Namespace, name: bytes) -> str:
    columns = cluster.maps[found.name.encode()].columns
    objects = size = 0
    for digest, record in found.records():
        pid = partition_of(digest)
        if record.set_name == name and any(column[pid] == node.name for column in columns):
            objects += 1
            size += stored_size(record)
    buried = [digest for digest, tombstone in found.tombstones.items() if tombstone.set_name == name]
    tombstones = sum(_places(cluster, node, found, buried))
    truncate_lut = found.truncated.get(name, 0) // 1_000_000
    indexes = [index.definition.collection for index in found.indexes if index.definition.set_name == name]
    of_set = indexes.count(IndexCollection.SET)
    return (
        f"objects={objects}:tombstones={tombstones}:data_used_bytes={size}:truncate_lut={truncate_lut}:"
        f"sindexes={len(indexes) - of_set}:"
        "index_populating=false:truncating=false:default-read-touch-ttl-pct=0:default-ttl=0:disable-eviction=false:"
        f"enable-index={str(of_set > 0).lower()}:stop-writes-count=0:stop-writes-size=0;"
    )


def _latencies(cluster: ClusterState, histogram: str | None) -> str:
    """The value of `latencies`: all are zero, as nothing is measured."""
    names = ["batch-index"]
    for each in cluster.store.namespaces.values():
        names += [f"{{{each.name}}}-{kind}" for kind in _HISTOGRAMS]
    if histogram is not None:
        if histogram not in names:
            raise InfoError("bad hist name")
        names = [histogram]
    return ";".join(f"{name}:{_NO_LATENCY}" for name in names)


def _places(
    cluster: ClusterState, node: NodeState, found: Namespace, digests: Iterable[bytes]
) -> tuple[int, int]:
    """How many of these records the node is master of, and how many it is a replica of."""
    columns = cluster.maps[found.key].columns
    masters = proles = 0
    for pid in map(partition_of, digests):
        for index, column in enumerate(columns):
            if column[pid] == node.name:
                masters += index == 0
                proles += index > 0
    return masters, proles


def _counts(cluster: ClusterState, node: NodeState, found: Namespace) -> tuple[int, int, int]:
    """How many records the node is master of, how many it is a replica of, and the bytes of both."""
    columns = cluster.maps[found.name.encode()].columns
    masters = proles = size = 0
    for digest, record in found.records():
        pid = partition_of(digest)
        for index, column in enumerate(columns):
            if column[pid] == node.name:
                masters += index == 0
                proles += index > 0
                size += stored_size(record)
    return masters, proles, size


COMMANDS = {
    "statistics": lambda call: _statistics(call.cluster, call.node),
    "namespace": _namespace_of,
    "sets": lambda call: _sets(call.cluster, call.node, call.params),
    "latencies": lambda call: _latencies(call.cluster, call.param("hist")),
}
"""The function that answers each command, by the command's name."""

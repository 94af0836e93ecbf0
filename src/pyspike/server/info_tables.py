"""Info answers that are tables: statistics, namespaces, sets, latencies, configuration.

Owns: the `k=v` lists. They hold what clients and tools look for, with the names and forms of the server, not
every figure a server has. Not here: the protocol around them (info.py).
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from .storage import Namespace, NamespaceConfig, partition_of, stored_size

if TYPE_CHECKING:
    from .node import Node

__all__ = ["get_config", "latencies", "namespace", "set_config", "sets", "statistics"]

INVALID_CONTEXT = "ERROR:4:invalid context"
INVALID_PARAMETER = "ERROR:4:invalid set-config parameter"
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
_BOOLEANS = {"true": True, "false": False}


def statistics(node: Node) -> str:
    """The value of `statistics`."""
    cluster, stats = node.cluster, node.stats
    objects = sum(_counts(node, each)[0] for each in cluster.store.namespaces.values())
    principal = max((member.name for member in cluster.members), default=node.name)
    return _join(
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
            "tombstones": 0,
            "client_connections": stats.connections_open,
            "client_connections_opened": stats.connections_accepted,
            "client_connections_closed": stats.connections_accepted - stats.connections_open,
            "info_complete": stats.info_requests,
            "paxos_principal": principal,
            "migrate_allowed": "true",
            "migrate_partitions_remaining": 0,
        }
    )


def namespace(node: Node, name: str) -> str:
    """The value of `namespace/<name>`."""
    found = node.cluster.store.namespaces.get(name.encode("latin-1"))
    if found is None:
        return UNKNOWN_NAMESPACE
    masters, proles, size = _counts(node, found)
    members = len(node.cluster.members)
    table: dict[str, object] = {
        "ns_cluster_size": members,
        "effective_replication_factor": min(node.cluster.replication_factor, members),
        "objects": masters + proles,
        "tombstones": 0,
        "master_objects": masters,
        "master_tombstones": 0,
        "prole_objects": proles,
        "prole_tombstones": 0,
        "non_replica_objects": 0,
        "dead_partitions": 0,
        "unavailable_partitions": len(found.unavailable),
        "clock_skew_stop_writes": "false",
        "stop_writes": "false",
        "hwm_breached": "false",
        "current_time": found.store.now(),
        "evicted_objects": 0,
        "truncate_lut": found.truncated.get(None, 0) // 1_000_000,
        "data_used_bytes": size,
        "migrate_tx_partitions_remaining": 0,
        "migrate_rx_partitions_remaining": 0,
    }
    return _join(table) + ";" + _join(_namespace_config(node, found))


def sets(node: Node, path: str) -> str:
    """The value of `sets`, `sets/<namespace>`, `sets/<namespace>/<set>`."""
    namespaces = node.cluster.store.namespaces
    name, _, wanted = path.partition("/")
    if not name:
        return "".join(_sets_of(node, each) for each in namespaces.values())
    found = namespaces.get(name.encode("latin-1"))
    if found is None:
        return UNKNOWN_SETS
    return _one_set(node, found, wanted.encode("latin-1")) if wanted else _sets_of(node, found)


def _sets_of(node: Node, found: Namespace) -> str:
    names = dict.fromkeys(record.set_name for _, record in found.records() if record.set_name)
    return "".join(
        f"ns={found.name}:set={name.decode('latin-1')}:{_one_set(node, found, name)}" for name in names
    )


def _one_set(node: Node, found: Namespace, name: bytes) -> str:
    columns = node.cluster.maps[found.name.encode()].columns
    objects = size = 0
    for digest, record in found.records():
        pid = partition_of(digest)
        if record.set_name == name and any(column[pid] == node.name for column in columns):
            objects += 1
            size += stored_size(record)
    truncate_lut = found.truncated.get(name, 0) // 1_000_000
    return (
        f"objects={objects}:tombstones=0:data_used_bytes={size}:truncate_lut={truncate_lut}:sindexes=0:"
        "index_populating=false:truncating=false:default-read-touch-ttl-pct=0:default-ttl=0:disable-eviction=false:"
        "enable-index=false:stop-writes-count=0:stop-writes-size=0;"
    )


def latencies(node: Node, histogram: str | None) -> str:
    """The value of `latencies`: nothing is measured, so all are zero."""
    if histogram is not None:
        return f"{histogram}:{_NO_LATENCY}"
    names = ["batch-index"]
    for each in node.cluster.store.namespaces.values():
        names += [f"{{{each.name}}}-{kind}" for kind in _HISTOGRAMS]
    return ";".join(f"{name}:{_NO_LATENCY}" for name in names)


def get_config(node: Node, context: str | None, name: str | None) -> str:
    """The value of `get-config`."""
    if context == "namespace":
        found = node.cluster.store.namespaces.get((name or "").encode("latin-1"))
        if found is None:
            return "ERROR:4:bad 'namespace'"
        return _join(_namespace_config(node, found))
    if context == "service":
        return _join({"cluster-name": node.cluster.cluster_name, "node-id": node.name, "proto-fd-max": 15000})
    if context == "network":
        return _join({"service.address": node.host, "service.port": node.port})
    if context in (None, "security"):
        return ""
    return INVALID_CONTEXT


def set_config(node: Node, params: str) -> str:
    """The value of `set-config`: settings of namespaces take effect, those of `service` and `network` are
    taken.
    """
    pairs = dict(part.split("=", 1) for part in params.split(";") if "=" in part)
    context = pairs.pop("context", None)
    if context in ("service", "network", "security"):
        return "ok"
    if context != "namespace":
        return INVALID_CONTEXT
    name = pairs.pop("namespace", None) or pairs.pop("id", "")
    found = node.cluster.store.namespaces.get(name.encode("latin-1"))
    if found is None or not pairs:
        return INVALID_PARAMETER
    known = {field.name for field in fields(NamespaceConfig)}
    changes: dict[str, int | bool] = {}
    for key, text in pairs.items():
        attribute = key.replace("-", "_")
        if attribute not in known:
            return INVALID_PARAMETER
        if attribute == "allow_ttl_without_nsup":
            if text not in _BOOLEANS:
                return INVALID_PARAMETER
            changes[attribute] = _BOOLEANS[text]
        elif text.isdigit():
            changes[attribute] = int(text)
        else:
            return INVALID_PARAMETER
    found.config = replace(found.config, **changes)  # type: ignore[arg-type]
    return "ok"


def _namespace_config(node: Node, found: Namespace) -> dict[str, object]:
    table: dict[str, object] = {key.replace("_", "-"): value for key, value in asdict(found.config).items()}
    table["replication-factor"] = node.cluster.replication_factor
    table["strong-consistency"] = False
    table["conflict-resolution-policy"] = "generation"
    table["storage-engine"] = "memory"
    return dict(sorted(table.items()))


def _counts(node: Node, found: Namespace) -> tuple[int, int, int]:
    """Records of which the node is master, those of which it is a replica, and the bytes of both."""
    columns = node.cluster.maps[found.name.encode()].columns
    masters = proles = size = 0
    for digest, record in found.records():
        pid = partition_of(digest)
        for index, column in enumerate(columns):
            if column[pid] == node.name:
                masters += index == 0
                proles += index > 0
                size += stored_size(record)
    return masters, proles, size


def _join(table: dict[str, object]) -> str:
    return ";".join(
        f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in table.items()
    )

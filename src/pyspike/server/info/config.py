"""The info commands `get-config` and `set-config`.

Owns: the settings by context, which of them can be set while a node runs, their types and limits. The
settings of batches take effect, and those of namespaces that are in `NamespaceConfig`; the others are only
kept and told. Not here: statistics (tables.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from ..protocol.constants import MRT_TIMEOUT_MAX, TTL_MAX
from ..protocol.result import ResultCode
from ..security.settings import TTL_RANGE
from ..storage.store import Namespace
from ..topology.batch_counts import BATCH_SETTINGS, THREADS
from ..topology.jobs import (
    MAX_DONE,
    MAX_RPS,
    NAMESPACE_SETTINGS,
    QUERY_SETTINGS,
    QUERY_THREADS,
    THREADS_LIMIT,
)
from ..topology.state import ClusterState, NodeState
from .call import Call, InfoError
from .pairs import joined

__all__ = ["COMMANDS", "namespace_settings", "service_setting"]

SESSION_TTL = "session-ttl"
INVALID = "invalid set-config parameter"
_UINT32 = 1 << 32
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "k": 1 << 10, "g": 1 << 30}
_SIZE_M = 1 << 20
_BOOLEANS = {"true": True, "false": False}

SERVICE: Mapping[str, bool | int | str] = {
    "advertise-ipv6": False,
    **BATCH_SETTINGS,
    "cgroup-mem-tracking": False,
    "enable-benchmarks-fabric": False,
    "enable-health-check": False,
    "enable-hist-info": False,
    "info-max-ms": 10000,
    "info-threads": 16,
    "microsecond-histograms": False,
    "migrate-max-num-incoming": 4,
    "migrate-threads": 1,
    "min-cluster-size": 1,
    "proto-fd-idle-ms": 0,
    "proto-fd-max": 15000,
    **QUERY_SETTINGS,
    "service-threads": 1,
    "sindex-builder-threads": 4,
    "sindex-gc-period": 10,
    "ticker-interval": 10,
    "transaction-max-ms": 1000,
    "transaction-retry-ms": 1002,
}
NETWORK: Mapping[str, bool | int | str] = {
    "heartbeat.interval": 150,
    "heartbeat.timeout": 10,
    "heartbeat.connect-timeout-ms": 500,
    "heartbeat.mtu": 65536,
    "heartbeat.protocol": "v3",
    "fabric.channel-bulk-recv-threads": 4,
    "fabric.channel-ctrl-recv-threads": 4,
    "fabric.channel-meta-recv-threads": 4,
    "fabric.channel-rw-recv-threads": 16,
    "fabric.recv-rearm-threshold": 1024,
}
NAMESPACE: Mapping[str, bool | int | str] = {
    **NAMESPACE_SETTINGS,
    "apply-ttl-reductions": True,
    "conflict-resolution-policy": "generation",
    "disable-write-dup-res": False,
    "disallow-null-setname": False,
    "enable-benchmarks-batch-sub": False,
    "enable-benchmarks-ops-sub": False,
    "enable-benchmarks-read": False,
    "enable-benchmarks-udf": False,
    "enable-benchmarks-udf-sub": False,
    "enable-benchmarks-write": False,
    "enable-hist-proxy": False,
    "evict-hist-buckets": 10000,
    "evict-indexes-memory-pct": 0,
    "evict-tenths-pct": 5,
    "force-long-queries": False,
    "indexes-memory-budget": 0,
    "inline-short-queries": False,
    "migrate-order": 5,
    "migrate-retransmit-ms": 5000,
    "migrate-skip-unreadable": False,
    "migrate-sleep": 1,
    "nsup-hist-period": 3600,
    "nsup-threads": 1,
    "read-consistency-level-override": "off",
    "reject-non-xdr-writes": False,
    "reject-xdr-writes": False,
    "replication-factor": 2,
    "stop-writes-sys-memory-pct": 90,
    "transaction-pending-limit": 20,
    "truncate-threads": 4,
    "write-commit-level-override": "off",
}
SET: Mapping[str, bool | int | str] = {
    "default-read-touch-ttl-pct": 0,
    "default-ttl": 0,
    "disable-eviction": False,
    "enable-index": False,
    "stop-writes-count": 0,
    "stop-writes-size": 0,
}
"""What may be set while a node runs, by context, with the values that a server starts with."""
_STRONG = frozenset(("strong-consistency-allow-expunge", "mrt-duration", "disable-mrt-writes"))
"""The settings that only strong-consistent namespaces have."""
_CHOICES = {
    "conflict-resolution-policy": ("generation", "last-update-time"),
    "read-consistency-level-override": ("all", "off", "one"),
    "write-commit-level-override": ("all", "master", "off"),
    "heartbeat.protocol": ("none", "v3"),
}
_RANGES = {
    THREADS: (0, 256),
    MAX_DONE: (0, 10000),
    MAX_RPS: (1, 1000000),
    QUERY_THREADS: (1, 128),
    THREADS_LIMIT: (1, 1024),
    "default-ttl": (0, TTL_MAX),
    "default-read-touch-ttl-pct": (0, 100),
    "mrt-duration": (1, MRT_TIMEOUT_MAX),
    "max-record-size": (64, 8 << 20),
    "replication-factor": (1, 256),
    SESSION_TTL: (120, TTL_RANGE[1]),
    "heartbeat.interval": (50, 10000),
    "heartbeat.timeout": (3, _UINT32),
}


# --- get ----------------------------------------------------------------------------------------------------


def _get(call: Call) -> str:
    context = call.param("context")
    if context in (None, "service"):
        return joined(_service(call))
    if context == "network":
        return joined(_network(call.node))
    if context == "namespace":
        return joined(namespace_settings(call.cluster, call.node, call.namespace("id")))
    if context == "security":
        return joined(_security(call.cluster))
    if context == "xdr":
        return ""
    raise InfoError("invalid context")


def _service(call: Call) -> dict[str, object]:
    fixed = {"cluster-name": call.cluster.cluster_name, "node-id": call.node.name}
    return dict(sorted({**SERVICE, **fixed, **call.node.settings.get("service", {})}.items()))


def _security(cluster: ClusterState) -> dict[str, object]:
    """The settings of security; none if the server has none."""
    security = cluster.security
    if security is None:
        return {}
    return {"enable-quotas": security.settings.quotas, SESSION_TTL: security.session_ttl}


def service_setting(node: NodeState, name: str) -> bool | int | str:
    """The value of a setting of the context `service`."""
    return node.settings.get("service", {}).get(name, SERVICE[name])


def _network(node: NodeState) -> dict[str, object]:
    address = {"service.port": node.clear_port or node.port, "service.address": node.host}
    return {**address, **NETWORK, **node.settings.get("network", {})}


def namespace_settings(cluster: ClusterState, node: NodeState, found: Namespace) -> dict[str, object]:
    """The settings of a namespace, by the server's names."""
    fixed = {
        "replication-factor": cluster.replication_factor,
        "strong-consistency": found.is_strong,
        "storage-engine": "memory",
    }
    used = _used(found)
    return dict(sorted({**NAMESPACE, **fixed, **node.settings.get(found.name, {}), **used}.items()))


def _used(namespace: Namespace) -> dict[str, bool | int | str]:
    """The settings of a namespace that take effect and can be set, by the server's names."""
    kept = {name.replace("_", "-"): value for name, value in asdict(namespace.config).items()}
    del kept["strong-consistency"]
    return {name: kept[name] for name in kept if namespace.is_strong or name not in _STRONG}


# --- set ----------------------------------------------------------------------------------------------------


def _set(call: Call) -> str:
    context = call.need("context")
    security = call.cluster.security
    if context == "xdr" or (context == "security" and security is None):
        raise InfoError("enterprise only", ResultCode.ENTERPRISE_ONLY)
    if context == "security" and security is not None:
        security.session_ttl = int(_chosen(call, {SESSION_TTL: security.session_ttl})[1])
        return "ok"
    if context == "namespace":
        return _set_namespace(call)
    if context not in ("service", "network"):
        raise InfoError("invalid context")
    if context == "service" and "cluster-name" in call.pairs:
        call.cluster.cluster_name = call.need("cluster-name")
        return "ok"
    name, value = _chosen(call, SERVICE if context == "service" else NETWORK)
    call.node.settings.setdefault(context, {})[name] = value
    return "ok"


def _set_namespace(call: Call) -> str:
    namespace = call.namespace("id")
    if call.param("set") is not None:
        _chosen(call, SET)
        return "ok"
    used = _used(namespace)
    name, value = _chosen(call, {**NAMESPACE, **used})
    if name in used:
        namespace.config = replace(namespace.config, **{name.replace("-", "_"): value})  # type: ignore[arg-type]
    else:
        call.node.settings.setdefault(namespace.name, {})[name] = value
    return "ok"


def _chosen(call: Call, known: Mapping[str, bool | int | str]) -> tuple[str, bool | int | str]:
    """The first known setting among the parameters; the server reads no other."""
    for name, text in call.pairs.items():
        if name in known:
            return name, _value(name, text, known[name])
    raise InfoError(INVALID)


def _value(name: str, text: str, like: bool | int | str) -> bool | int | str:
    """The value that a text stands for, of the type of a setting.

    Raises:
        InfoError: it means nothing, or something outside the setting's range.

    """
    if isinstance(like, bool):
        if text not in _BOOLEANS:
            raise InfoError(INVALID)
        return _BOOLEANS[text]
    if isinstance(like, str):
        if text not in _CHOICES[name]:
            raise InfoError(INVALID)
        return text
    number = _number(text, is_size=name.endswith(("-size", "-budget")))
    least, most = _RANGES.get(name, (0, _UINT32))
    if not least <= number <= most:
        raise InfoError(INVALID)
    return number


def _number(text: str, *, is_size: bool) -> int:
    """A number with a unit: one of time (s, m, h, d), or K, M or G of a size."""
    digits, unit = (text[:-1], text[-1:].lower()) if text[-1:].isalpha() else (text, "")
    if not digits.isdecimal() or (unit and unit not in _UNITS):
        raise InfoError(INVALID)
    factor = _SIZE_M if unit == "m" and is_size else _UNITS.get(unit, 1)
    return int(digits) * factor


COMMANDS = {"get-config": _get, "config-get": _get, "set-config": _set, "config-set": _set}
"""The function that answers each command, by the command's name."""

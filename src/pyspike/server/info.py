"""Info messages: the text protocol, and the commands by which clients connect, tend, and look at a node.

Owns: splitting an info request, the table of commands, the commands about cluster and clients. Not here:
statistics and configuration (info_tables.py).
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from . import info_tables as tables
from .storage import N_PARTITIONS

if TYPE_CHECKING:
    from .connection import Connection
    from .node import Node

__all__ = ["BUILD", "answer"]

_LOG = logging.getLogger("pyspike.server")

BUILD = "8.1.2.0"
EDITION = "Aerospike Community Edition"
RELEASE = (
    f"edition={EDITION};version={BUILD};os=debian12;arch=x86_64;sha=0000000000000000000000000000000000000000"
)
COMPATIBILITY_ID = "15"
FEATURES = (
    "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;float;geo;sindex-exists;peers;"
    "pipelining;pquery;pscans;query-show;relaxed-sc;replicas;replicas-all;replicas-master;replicas-max;"
    "truncate-namespace;udf"
)
DEFAULT_PEER_PORT = 3000
USER_AGENT_MAX = 87

UNRECOGNIZED = "ERROR:4:unrecognized command"
ENTERPRISE_ONLY = "ERROR:25:enterprise only"
NAMESPACE_NOT_FOUND = "ERROR:20:namespace not found on node"
UNSUPPORTED = "ERROR:16:not supported by the embedded server"

_NAME_END = re.compile(r"[/:;]")


class Call(NamedTuple):
    """One info command: what was sent, and by whom."""

    node: Node
    connection: Connection
    params: str

    def param(self, *names: str) -> str | None:
        """The value of the first of these parameters that was sent."""
        pairs = dict(part.split("=", 1) for part in self.params.split(";") if "=" in part)
        return next((pairs[name] for name in names if name in pairs), None)


def answer(node: Node, connection: Connection, body: bytes) -> bytes:
    """The body of the reply to an info request."""
    # What follows the last newline is not a command yet, and never will be.
    lines = body.decode("latin-1").split("\n")[:-1] if body else _DEFAULT_REPORT
    return "".join([f"{line}\t{_value(node, connection, line)}\n" for line in lines]).encode("latin-1")


def _value(node: Node, connection: Connection, line: str) -> str:
    end = _NAME_END.search(line)
    name, params = (line, "") if end is None else (line[: end.start()], line[end.end() :])
    command = _COMMANDS.get(name)
    if command is None:
        if name in _ENTERPRISE or "-tls-" in name:
            return ENTERPRISE_ONLY
        if name in _UNSUPPORTED:
            _LOG.info("info command %s is not supported yet", name)
            return _UNSUPPORTED[name]
        return UNRECOGNIZED
    return command(Call(node, connection, params))


# --- node and cluster ---------------------------------------------------------------------------------------


def _peers(call: Call, *, alternate: bool, alumni: bool = False) -> str:
    node = call.node
    since = call.param("generation")
    changed: set[str] | None = None
    if since is not None and since.isdigit():
        changed = {name for generation, name in node.peers_log if generation > int(since)}
    peers, present = [], set()
    for peer in node.cluster.members:
        present.add(peer.name)
        if peer is node or (changed is not None and peer.name not in changed):
            continue
        address = peer.alternate_address if alternate else peer.address
        if address is not None:
            peers.append(f"[{peer.name},,[{address.removesuffix(f':{DEFAULT_PEER_PORT}')}]]")
    if changed is not None and not alumni:
        peers += [f"[{name},,]" for name in sorted(changed - present)]
    return f"{node.peers_generation},{DEFAULT_PEER_PORT},[{','.join(peers)}]"


def _services(call: Call) -> str:
    return ";".join(peer.address for peer in call.node.cluster.members if peer is not call.node)


def _services_alternate(call: Call) -> str:
    peers = [peer for peer in call.node.cluster.members if peer is not call.node]
    return ";".join(peer.alternate_address for peer in peers if peer.alternate_address is not None)


def _replicas(call: Call) -> str:
    most = call.param("max")
    return call.node.cluster.replicas_text(call.node, int(most) if most and most.isdigit() else 0)


def _replicas_all(call: Call) -> str:
    """The older form: no regime."""
    return call.node.cluster.replicas_text(call.node, 0).replace(":0,", ":")


def _replicas_master(call: Call) -> str:
    """The older form: the masters' bitmap only."""
    return call.node.cluster.replicas_text(call.node, 1).replace(":0,1,", ":").replace(":0,0,", ":")


def _cluster_stable(call: Call) -> str:
    cluster = call.node.cluster
    size = call.param("size")
    if size is not None and size != str(len(cluster.members)):
        return "ERROR:7:cluster not specified size"
    if any(not member.running for member in cluster.members):
        return "ERROR:7:unstable cluster"
    namespace = call.param("namespace")
    if namespace is not None and namespace.encode() not in cluster.store.namespaces:
        return NAMESPACE_NOT_FOUND
    return cluster.cluster_key


# --- clients ------------------------------------------------------------------------------------------------


def _user_agent_set(call: Call) -> str:
    value = call.param("value")
    if value is None:
        return "ERROR:4:missing 'value'"
    if len(value) > USER_AGENT_MAX:
        return "ERROR:4:'value' value too long"
    if call.connection.user_agent is not None:
        return "ERROR:4:already set"
    call.connection.user_agent = value
    return "ok"


def _user_agents(call: Call) -> str:
    agents = [each.user_agent for each in call.node.connections if each.user_agent is not None]
    return "".join(f"user-agent={agent}:count={agents.count(agent)};" for agent in dict.fromkeys(agents))


# --- data ---------------------------------------------------------------------------------------------------


def _truncate(call: Call, *, whole: bool) -> str:
    name, set_name, lut = call.param("namespace"), call.param("set"), call.param("lut")
    if not name:
        return "ERROR:4:missing 'namespace'"
    if not whole and not set_name:
        return "ERROR:4:missing 'set'" if set_name is None else "ERROR:4:missing 'set' value"
    store = call.node.cluster.store
    now = int(store.clock() * 1e9)
    if lut is not None and not lut.isdigit():
        return "ERROR:4:bad 'lut'"
    before = int(lut) if lut is not None else now
    if before > now:
        return "ERROR:4:would truncate in the future"
    namespace = store.namespaces.get(name.encode("latin-1"))
    if namespace is not None:
        namespace.truncate(None if whole else (set_name or "").encode("latin-1"), before)
    return "ok"


def _truncate_undo(call: Call, *, whole: bool) -> str:
    """Forget a truncation. What it dropped is not brought back here: it was in memory."""
    name, set_name = call.param("namespace"), call.param("set")
    namespace = call.node.cluster.store.namespaces.get((name or "").encode("latin-1"))
    if namespace is not None:
        namespace.truncated.pop(None if whole else (set_name or "").encode("latin-1"), None)
    return "ok"


def _sindex_list(call: Call) -> str:
    name = call.param("namespace", "ns")
    if name is not None and name.encode("latin-1") not in call.node.cluster.store.namespaces:
        return f"{NAMESPACE_NOT_FOUND};{NAMESPACE_NOT_FOUND}"
    return ""


def _sindex_stat(call: Call) -> str:
    name = call.param("namespace", "ns")
    if name is not None and name.encode("latin-1") not in call.node.cluster.store.namespaces:
        return NAMESPACE_NOT_FOUND
    return "ERROR:201:no index"


def _query_show(call: Call) -> str:
    return "" if call.param("id", "trid") is None else "ERROR:2:job not found"


def _ok(call: Call) -> str:
    return "ok"


def _empty(call: Call) -> str:
    return ""


def _text(value: str) -> Callable[[Call], str]:
    return lambda call: value


_DEFAULT_REPORT = [
    "features",
    "node",
    "compatibility-id",
    "edition",
    "build_ee_sha",
    "build_sha",
    "build_arch",
    "build_time",
    "build_os",
    "build",
    "version",
    "statistics",
    "services-alumni",
    "services",
    "partition-generation",
]

_ENTERPRISE = frozenset(
    (
        "feature-key",
        "masking",
        "quiesce",
        "quiesce-undo",
        "rack-ids",
        "racks",
        "revive",
        "roster",
        "roster-set",
        "xdr-dc-state",
        "xdr-get-filter",
        "xdr-set-filter",
    )
)
_UNSUPPORTED = {
    "sindex-create": UNSUPPORTED,
    "udf-put": "error=not_supported_by_the_embedded_server",
}

_COMMANDS: dict[str, Callable[[Call], str]] = {
    "node": lambda call: call.node.name,
    "build": _text(BUILD),
    "build_ee_sha": _empty,
    "build_sha": _text("0" * 40),
    "build_arch": _text("x86_64"),
    "build_time": _text(time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(0))),
    "build_os": _text("debian12"),
    "edition": _text(EDITION),
    "release": _text(RELEASE),
    "version": _text(f"{EDITION} build {BUILD}"),
    "compatibility-id": _text(COMPATIBILITY_ID),
    "features": _text(FEATURES),
    "partitions": _text(str(N_PARTITIONS)),
    "cluster-name": lambda call: call.node.cluster.cluster_name,
    "cluster-stable": _cluster_stable,
    "status": _text("ok"),
    "namespaces": lambda call: ";".join(ns.name for ns in call.node.cluster.store.namespaces.values()),
    "partition-generation": lambda call: str(call.node.partition_generation),
    "peers-generation": lambda call: str(call.node.peers_generation),
    "rebalance-generation": lambda call: str(call.node.rebalance_generation),
    "service": lambda call: call.node.address,
    "service-clear-std": lambda call: call.node.address,
    "service-clear-alt": lambda call: call.node.alternate_address or "",
    "services": _services,
    "services-alternate": _services_alternate,
    "services-alumni": _services,
    "peers-clear-std": lambda call: _peers(call, alternate=False),
    "peers-clear-alt": lambda call: _peers(call, alternate=True),
    "alumni-clear-std": lambda call: _peers(call, alternate=False, alumni=True),
    "replicas": _replicas,
    "replicas-all": _replicas_all,
    "replicas-master": _replicas_master,
    "user-agent-set": _user_agent_set,
    "user-agents": _user_agents,
    "truncate": lambda call: _truncate(call, whole=False),
    "truncate-namespace": lambda call: _truncate(call, whole=True),
    "truncate-undo": lambda call: _truncate_undo(call, whole=False),
    "truncate-namespace-undo": lambda call: _truncate_undo(call, whole=True),
    "sindex-list": _sindex_list,
    "sindex-stat": _sindex_stat,
    "sindex-exists": _text("false"),
    "sindex-delete": _ok,
    "udf-list": _empty,
    "udf-get": _text("error=not_found"),
    "udf-remove": _ok,
    "query-show": _query_show,
    "query-abort": _text("ERROR:2:id not active"),
    "query-abort-all": _text("number-of-queries-killed:0"),
    "health-outliers": _empty,
    "health-stats": _empty,
    "log-message": _empty,
    "best-practices": _text("failed_best_practices=none"),
    "statistics": lambda call: tables.statistics(call.node),
    "namespace": lambda call: tables.namespace(call.node, call.param("namespace", "id") or call.params),
    "sets": lambda call: tables.sets(call.node, call.params),
    "latencies": lambda call: tables.latencies(call.node, call.param("hist")),
    "get-config": lambda call: tables.get_config(
        call.node, call.param("context"), call.param("namespace", "id")
    ),
    "set-config": lambda call: tables.set_config(call.node, call.params),
}

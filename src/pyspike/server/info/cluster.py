"""Info commands about the cluster, its nodes, and the clients that are connected.

Owns: peers, services, replicas, stability, user agents. Not here: who is in the cluster
(../topology/membership.py), statistics (tables.py).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from ..protocol.constants import N_PARTITIONS
from ..protocol.result import ResultCode
from ..topology.state import NodeState
from .call import Call, InfoError

__all__ = ["COMMANDS"]

DEFAULT_PEER_PORT = 3000
USER_AGENT_MAX = 87
HEARTBEAT_PORT = 3002
_REGIME, _REGIME_AND_COUNT = re.compile(r":\d+,"), re.compile(r":\d+,\d+,")
NOT_MULTICAST = f"ERROR:{ResultCode.PARAMETER:d}:heartbeat is in multicast mode"
PARTITION_COLUMNS = (
    "namespace:partition:state:n_replicas:replica:succession:n_dupl:working_master:proxy_dst:emigrates:"
    "lead_emigrates:immigrates:records:tombstones:regime:tree_id:version:final_version"
)


def _peers(call: Call, *, alternate: bool, alumni: bool = False, tls: bool = False) -> str:
    node = call.node
    since = call.param("generation")
    changed: set[str] | None = None
    if since is not None and since.isdigit():
        changed = {name for generation, name in node.peers_log if generation > int(since)}
    peers, present = [], set()
    for peer in call.cluster.members:
        present.add(peer.name)
        if peer is node or (changed is not None and peer.name not in changed):
            continue
        port = peer.port_of(tls=tls)
        address = None if port is None else _address(call, peer, port, alternate=alternate)
        if address is not None:
            address = address.removesuffix(f":{DEFAULT_PEER_PORT}")
            peers.append(f"[{peer.name},{(peer.tls_name or '') if tls else ''},[{address}]]")
    if changed is not None and not alumni:
        peers += [f"[{name},,]" for name in sorted(changed - present)]
    return f"{node.peers_generation},{DEFAULT_PEER_PORT},[{','.join(peers)}]"


def _service(call: Call, *, alternate: bool = False, tls: bool = False) -> str:
    port = call.node.port_of(tls=tls)
    return "" if port is None else _address(call, call.node, port, alternate=alternate) or ""


def _address(call: Call, node: NodeState, port: int, *, alternate: bool) -> str | None:
    return call.cluster.alternate_address(node, port) if alternate else call.cluster.address(node, port)


def _with_tls(command: Callable[..., str], **options: bool) -> Callable[[Call], str]:
    """The function of a command that only nodes with TLS have."""

    def answer(call: Call) -> str:
        if call.node.tls_name is None:
            raise InfoError("enterprise only", ResultCode.ENTERPRISE_ONLY)
        return command(call, tls=True, **options)

    return answer


def _services(call: Call) -> str:
    cluster = call.cluster
    return ";".join(cluster.address(peer) for peer in cluster.members if peer is not call.node)


def _services_alternate(call: Call) -> str:
    cluster = call.cluster
    addresses = (cluster.alternate_address(peer) for peer in cluster.members if peer is not call.node)
    return ";".join(address for address in addresses if address is not None)


def _replicas(call: Call) -> str:
    most = call.param("max")
    if most is not None and not most.isdigit():
        raise InfoError("bad max")
    return call.cluster.replicas(call.node, int(most or 0))


def _replicas_all(call: Call) -> str:
    """The older form, without regimes."""
    return _REGIME.sub(":", call.cluster.replicas(call.node, 0))


def _replicas_master(call: Call) -> str:
    """The older form, with the bitmap of the masters only."""
    return _REGIME_AND_COUNT.sub(":", call.cluster.replicas(call.node, 1))


def _partition_info(call: Call) -> str:
    cluster = call.cluster
    rows = [PARTITION_COLUMNS]
    for key, namespace in cluster.store.namespaces.items():
        for pid in range(N_PARTITIONS):
            owners = cluster.maps[key].owners(pid)
            place = owners.index(call.node.name) if call.node.name in owners else len(owners)
            state = "S" if place < len(owners) else "A"
            working = owners[0] if owners else "0"
            records = len(namespace.partitions[pid]) if state == "S" else 0
            rows.append(
                f"{namespace.name}:{pid}:{state}:{len(owners)}:{place}:{place}:0:{working}:{working}:"
                f"0:0:0:{records}:0:{namespace.regime}:0:0:0"
            )
    return ";".join(rows)


def _rack_ids(call: Call) -> str:
    _refuse_without_racks(call)
    return ";".join(f"{name}:{call.node.racks[name]}" for name in _namespaces(call))


def _racks(call: Call) -> str:
    _refuse_without_racks(call)
    chosen = call.param("namespace")
    told = []
    for name in _namespaces(call) if chosen is None else [call.namespace().name]:
        racks: dict[int, list[str]] = {}
        for member in call.cluster.members:
            racks.setdefault(member.racks[name], []).append(member.name)
        pieces = [f":rack_{rack}={','.join(racks[rack])}" for rack in sorted(racks)]
        told.append(f"ns={name}{''.join(pieces)}")
    return ";".join(told)


def _refuse_without_racks(call: Call) -> None:
    if not call.cluster.has_racks:
        raise InfoError("enterprise only", ResultCode.ENTERPRISE_ONLY)


def _namespaces(call: Call) -> list[str]:
    return [namespace.name for namespace in call.cluster.store.namespaces.values()]


def _cluster_stable(call: Call) -> str:
    cluster = call.cluster
    size, ignore = call.param("size"), call.param("ignore-migrations")
    if size is not None and not size.isdigit():
        raise InfoError("bad size")
    if ignore not in (None, "true", "false"):
        raise InfoError("bad ignore migrations")
    if size is not None and int(size) != len(cluster.members):
        raise InfoError("cluster not specified size", ResultCode.CLUSTER_KEY_MISMATCH)
    if any(not member.running for member in cluster.members):
        raise InfoError("unstable cluster", ResultCode.CLUSTER_KEY_MISMATCH)
    if call.param("namespace") is not None:
        call.namespace()
    if any(each.is_strong and each.unavailable for each in cluster.store.namespaces.values()):
        raise InfoError("unstable cluster", ResultCode.CLUSTER_KEY_MISMATCH)
    return cluster.cluster_key


def _user_agent_set(call: Call) -> str:
    value = call.need("value")
    if len(value) > USER_AGENT_MAX:
        raise InfoError("'value' value too long")
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        raise InfoError("'value' invalid base64") from None
    if call.session.user_agent is not None:
        raise InfoError("already set")
    call.session.user_agent = value
    return "ok"


def _user_agents(call: Call) -> str:
    agents = [each.user_agent for each in call.node.sessions if each.user_agent is not None]
    return "".join(f"user-agent={agent}:count={agents.count(agent)};" for agent in dict.fromkeys(agents))


def _tip(call: Call) -> str:
    """Accept the address of a host in the cluster. Nodes here know each other, so nothing is done."""
    call.need("host")
    if not call.need("port").isdigit():
        raise InfoError("'port' must be an integer")
    return "ok"


def _tip_clear(call: Call) -> str:
    hosts = call.need("host-port-list")
    return f"ERROR::0 cleared, {len(hosts.split(','))} not found"


def _endpoints(call: Call) -> str:
    node, cluster = call.node, call.cluster
    port = node.clear_port or node.port
    return (
        f"service.port={port};service.addresses={node.host};service.access-port={port};"
        f"service.access-addresses={cluster.advertised_host(node)};"
        f"service.alternate-access-port={port};"
        f"service.alternate-access-addresses={cluster.alternate_host or 'null'};"
        f"heartbeat.port={HEARTBEAT_PORT};heartbeat.addresses={node.host}"
    )


COMMANDS = {
    "node": lambda call: call.node.name,
    "name": lambda call: call.node.name,
    "cluster-name": lambda call: call.cluster.cluster_name,
    "cluster-stable": _cluster_stable,
    "partition-generation": lambda call: str(call.node.partition_generation),
    "peers-generation": lambda call: str(call.node.peers_generation),
    "rebalance-generation": lambda call: str(call.node.rebalance_generation),
    "partition-info": _partition_info,
    "service": lambda call: call.cluster.address(call.node),
    "service-clear-std": _service,
    "service-clear-alt": lambda call: _service(call, alternate=True),
    "service-tls-std": _with_tls(_service),
    "service-tls-alt": _with_tls(_service, alternate=True),
    "services": _services,
    "services-alternate": _services_alternate,
    "services-alumni": _services,
    "services-alumni-reset": lambda call: "ok",
    "endpoints": _endpoints,
    "peers-clear-std": lambda call: _peers(call, alternate=False),
    "peers-clear-alt": lambda call: _peers(call, alternate=True),
    "peers-tls-std": _with_tls(_peers, alternate=False),
    "peers-tls-alt": _with_tls(_peers, alternate=True),
    "alumni-clear-std": lambda call: _peers(call, alternate=False, alumni=True),
    "rack-ids": _rack_ids,
    "racks": _racks,
    "replicas": _replicas,
    "replicas-all": _replicas_all,
    "replicas-master": _replicas_master,
    "user-agent-set": _user_agent_set,
    "user-agents": _user_agents,
    "mesh": lambda call: f"{call.node.host}:{HEARTBEAT_PORT}",
    "mcast": lambda call: NOT_MULTICAST,
    "tip": _tip,
    "tip-clear": _tip_clear,
}
"""The function that answers each command, by the command's name."""

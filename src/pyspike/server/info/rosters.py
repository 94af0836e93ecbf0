"""Info commands about rosters: which nodes are expected in strong-consistent namespaces.

Owns: reading and setting a roster, and the commands that let it take effect. Not here: what a roster is for
(../topology/roster.py). Community Edition has none of them but `recluster`.
"""

from __future__ import annotations

from ..protocol.result import ResultCode
from ..storage.store import Namespace
from ..topology.roster import Roster
from ..topology.state import NodeState
from .call import Call, InfoError

__all__ = ["COMMANDS"]

NOT_PRINCIPAL = "ignored-by-non-principal"
_NOBODY = "null"


def _roster(call: Call) -> str:
    _refuse_without_rosters(call)
    if call.param("namespace") is not None:
        return _told(call, *_chosen(call))
    namespaces = call.cluster.store.namespaces
    return ";".join(
        f"ns={namespaces[key].name}:{_told(call, namespaces[key], roster)}"
        for key, roster in call.cluster.rosters.items()
    )


def _told(call: Call, namespace: Namespace, roster: Roster) -> str:
    members = {member.name: member for member in call.cluster.members}

    def listed(names: tuple[str, ...]) -> str:
        shown = [_entry(call, members.get(name), name, namespace) for name in sorted(names, reverse=True)]
        return ",".join(shown) or _NOBODY

    return (
        f"roster={listed(roster.nodes)}:pending_roster={listed(roster.pending)}:"
        f"observed_nodes={listed(tuple(members))}"
    )


def _entry(call: Call, member: NodeState | None, name: str, namespace: Namespace) -> str:
    rack = 0 if member is None else member.racks.get(namespace.name, 0)
    return f"{name}@{rack}" if call.cluster.has_racks and rack else name


def _roster_set(call: Call) -> str:
    _refuse_without_rosters(call)
    _, roster = _chosen(call)
    names = tuple(entry.partition("@")[0].upper() for entry in call.need("nodes").split(","))
    if len(set(names)) != len(names) or not all(names):
        raise InfoError("bad nodes")
    roster.pending = names
    return "ok"


def _chosen(call: Call) -> tuple[Namespace, Roster]:
    namespace = call.namespace()
    roster = call.cluster.rosters.get(namespace.key)
    if roster is None:
        raise InfoError("namespace is not strong-consistency enabled", ResultCode.UNSUPPORTED_FEATURE)
    return namespace, roster


def _refuse_without_rosters(call: Call) -> None:
    if not call.cluster.rosters:
        raise InfoError("enterprise only", ResultCode.ENTERPRISE_ONLY)


def _revive(call: Call) -> str:
    """Trust the copies of dead partitions, which `recluster` lets take effect."""
    _refuse_without_rosters(call)
    _chosen(call)[1].revive()
    return "ok"


def _recluster(call: Call) -> str:
    if not call.cluster.rosters:
        return "ok"
    if call.node.name != max(member.name for member in call.cluster.members):
        return NOT_PRINCIPAL
    call.cluster.recluster()
    return "ok"


COMMANDS = {
    "roster": _roster,
    "roster-set": _roster_set,
    "revive": _revive,
    "recluster": _recluster,
}
"""The function that answers each command, by the command's name."""

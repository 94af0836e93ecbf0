"""One info message: commands in, a line each, and their values out.

Owns: splitting a message, the table of commands, the commands about the server's build, and which commands
are refused for what reason. Not here: the commands about its cluster (cluster.py), its rosters (rosters.py),
its data (data.py), its modules (modules.py), its log (logs.py), its settings (config.py) and figures
(tables.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from ..protocol.constants import N_PARTITIONS
from ..protocol.result import RequestError, ResultCode
from ..security.accounts import Rights
from ..security.checks import info_permitted
from ..topology.state import ClusterState, NodeState, Session
from . import cluster, config, data, indexes, jobs, logs, modules, rosters, tables
from .call import Call, InfoError

__all__ = ["answer"]

COMMUNITY_EDITION, ENTERPRISE_EDITION = "Aerospike Community Edition", "Aerospike Enterprise Edition"
SHA = "0" * 40
COMPATIBILITY_ID = "15"
FEATURES = (
    "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;float;geo;sindex-exists;peers;"
    "pipelining;pquery;pscans;query-show;relaxed-sc;replicas;replicas-all;replicas-master;replicas-max;"
    "truncate-namespace;udf"
)

UNRECOGNIZED = f"ERROR:{ResultCode.PARAMETER:d}:unrecognized command"
ENTERPRISE_ONLY = f"ERROR:{ResultCode.ENTERPRISE_ONLY:d}:enterprise only"

ROLE_VIOLATION = f"ERROR:{ResultCode.SEC_ROLE_VIOLATION:d}:role violation"
_REFUSALS = {
    ResultCode.SEC_NOT_AUTHENTICATED: "not authenticated",
    ResultCode.SEC_NOT_ALLOWLISTED: "not whitelisted",
}

_NAME_END = re.compile(r"[/:;]")


def answer(state: ClusterState, node: NodeState, session: Session, body: bytes) -> bytes:
    """The body of the reply to an info request.

    Args:
        state: the cluster of the node.
        node: the node that is asked.
        session: what is known of the connection on which the request came.
        body: the request: commands, a line each; all that a node tells by default if it is empty.

    """
    try:
        rights = _rights(state, session)
    except RequestError as error:
        return f"ERROR:{error.code:d}:{_REFUSALS[error.code]}\n".encode()
    # What follows the last newline is no command: a command ends with one.
    lines = body.decode("latin-1").split("\n")[:-1] if body else _DEFAULT_REPORT
    return "".join([f"{line}\t{_value(state, node, session, rights, line)}\n" for line in lines]).encode(
        "latin-1"
    )


def _rights(state: ClusterState, session: Session) -> Rights | None:
    """What the user may do; None if the cluster has no security."""
    if state.security is None or not state.security.is_on:
        return None
    return state.security.rights_of(session.caller)


def _value(state: ClusterState, node: NodeState, session: Session, rights: Rights | None, line: str) -> str:
    end = _NAME_END.search(line)
    name, params = (line, "") if end is None else (line[: end.start()], line[end.end() :])
    call = Call(state, node, session, params)
    if rights is not None and not info_permitted(rights, name, call.pairs):
        return ROLE_VIOLATION
    command = _COMMANDS.get(name)
    if command is None:
        return ENTERPRISE_ONLY if name in _ENTERPRISE or "-tls-" in name else UNRECOGNIZED
    try:
        return command(call)
    except InfoError as error:
        return str(error)


def _build(call: Call) -> str:
    return call.cluster.version.build


def _edition(call: Call) -> str:
    return ENTERPRISE_EDITION if call.cluster.store.is_enterprise else COMMUNITY_EDITION


def _release(call: Call) -> str:
    return f"edition={_edition(call)};version={_build(call)};os=debian12;arch=x86_64;sha={SHA}"


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
        "xdr-dc-state",
        "xdr-get-filter",
        "xdr-set-filter",
    )
)

_COMMANDS: dict[str, Callable[[Call], str]] = {
    "build": _build,
    "build_ee_sha": _text(""),
    "build_sha": _text(SHA),
    "build_arch": _text("x86_64"),
    "build_time": _text(time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(0))),
    "build_os": _text("debian12"),
    "edition": _edition,
    "release": _release,
    "version": lambda call: f"{_edition(call)} build {_build(call)}",
    "compatibility-id": _text(COMPATIBILITY_ID),
    "features": _text(FEATURES),
    "partitions": _text(str(N_PARTITIONS)),
    "digests": _text("RIPEMD160"),
    "status": _text("ok"),
    "health-outliers": _text(""),
    "health-stats": _text(""),
    "best-practices": _text("failed_best_practices=none"),
    **cluster.COMMANDS,
    **data.COMMANDS,
    **indexes.COMMANDS,
    **jobs.COMMANDS,
    **logs.COMMANDS,
    **modules.COMMANDS,
    **rosters.COMMANDS,
    **config.COMMANDS,
    **tables.COMMANDS,
}

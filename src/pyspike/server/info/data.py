"""Info commands about what is stored, and about jobs: truncation, indexes, queries, histograms.

Owns: the checks of their parameters, in the server's order and words. There are no indexes and jobs yet:
commands about them tell so, and commands that would create one are refused. Not here: dropping records
(../storage/store.py), modules (modules.py).
"""

from __future__ import annotations

import re

from ..protocol.constants import CITRUSLEAF_EPOCH
from ..protocol.result import ResultCode
from .call import NAMESPACE_NOT_FOUND, Call, InfoError

__all__ = ["COMMANDS"]

UNSUPPORTED = f"ERROR:{ResultCode.UNSUPPORTED_FEATURE:d}:not supported by the embedded server"
HISTOGRAMS = ("ttl", "object-size", "object-size-linear")
_UINT64_MAX = (1 << 64) - 1
_NS_PER_S, _NS_PER_MS = 1_000_000_000, 1_000_000
_LEADING_NUMBER = re.compile(r"\s*([+-]?)(\d*)")


# --- truncation ---------------------------------------------------------------------------------------------


def _set_of(call: Call, *, whole: bool) -> bytes | None:
    """The set that a command names; None for the whole namespace."""
    if not whole:
        return call.need("set").encode("latin-1")
    if call.param("set") is not None:
        raise InfoError("unexpected set name")
    return None


def _truncate(call: Call, *, whole: bool) -> str:
    name = call.need("namespace")
    set_name = _set_of(call, whole=whole)
    lut = call.param("lut")
    store = call.cluster.store
    now = int(store.clock() * _NS_PER_S)
    before = now if lut is None else _number(lut)
    if (before - CITRUSLEAF_EPOCH * _NS_PER_S) // _NS_PER_MS <= 0:
        raise InfoError("would truncate to 0")
    if before > now:
        raise InfoError("would truncate in the future")
    namespace = call.find_namespace(name)
    if namespace is not None:
        namespace.truncate(set_name, before)
    return "ok"


def _number(text: str) -> int:
    """The number at the start of a text; 0 if there is none.

    As the server reads it, a negative number is a huge one.
    """
    match = _LEADING_NUMBER.match(text)
    assert match is not None
    number = min(int(match[2] or "0"), _UINT64_MAX)
    return -number % (1 << 64) if match[1] == "-" else number


def _truncate_undo(call: Call, *, whole: bool) -> str:
    """Forget a truncation. The records that it dropped were in memory and do not come back."""
    namespace = call.find_namespace(call.need("namespace"))
    set_name = _set_of(call, whole=whole)
    if namespace is not None:
        namespace.truncated.pop(set_name, None)
    return "ok"


def _eviction_reset(call: Call) -> str:
    call.need("namespace")
    return "ok"


# --- indexes ------------------------------------------------------------------------------------------------


def _index_named(call: Call) -> None:
    """Check the parameters of a command that is about one index."""
    call.need("indexname")
    call.namespace("ns")


def _sindex(call: Call) -> str:
    """Answer the older form: `sindex`, `sindex/<namespace>`, `sindex/<namespace>/<index>`."""
    name, _, index = call.params.partition("/")
    if name and "=" not in name and call.find_namespace(name) is None:
        return "ns_type=unknown"
    return f"ERROR:{ResultCode.SINDEX_NOT_FOUND:d}:no index" if index else ""


def _sindex_list(call: Call) -> str:
    name = call.param("namespace", "ns")
    if name is not None and call.find_namespace(name) is None:
        return f"{NAMESPACE_NOT_FOUND};{NAMESPACE_NOT_FOUND}"
    return ""


def _sindex_stat(call: Call) -> str:
    _index_named(call)
    raise InfoError("no index", ResultCode.SINDEX_NOT_FOUND)


def _sindex_exists(call: Call) -> str:
    _index_named(call)
    return "false"


def _sindex_delete(call: Call) -> str:
    call.need("indexname")
    call.need("namespace", "ns")
    return "ok"


def _sindex_create(call: Call) -> str:
    call.need("indexname")
    call.need("namespace", "ns")
    return UNSUPPORTED


# --- jobs ---------------------------------------------------------------------------------------------------


def _job(call: Call) -> str | None:
    job = call.param("id", "trid")
    if job is not None and not job.isdigit():
        raise InfoError("bad id")
    return job


def _query_show(call: Call) -> str:
    if _job(call) is not None:
        raise InfoError("job not found", ResultCode.NOT_FOUND)
    return ""


def _query_abort(call: Call) -> str:
    if _job(call) is None:
        raise InfoError("missing 'id'")
    raise InfoError("id not active", ResultCode.NOT_FOUND)


# --- others -------------------------------------------------------------------------------------------------


def _histogram(call: Call) -> str:
    """Answer an empty histogram of a namespace or set, as a server does that has not counted yet."""
    namespace = call.namespace()
    kind = call.need("type")
    if kind not in HISTOGRAMS:
        raise InfoError("unknown hist name")
    set_name = call.param("set")
    if set_name is None:
        return ""
    if set_name.encode("latin-1") not in namespace.set_names():
        raise InfoError("unknown set name")
    return "hist-unavailable"


def _physical_devices(call: Call) -> str:
    call.need("path")
    raise InfoError("no device info", ResultCode.NOT_FOUND)


COMMANDS = {
    "namespaces": lambda call: ";".join(ns.name for ns in call.cluster.store.namespaces.values()),
    "truncate": lambda call: _truncate(call, whole=False),
    "truncate-namespace": lambda call: _truncate(call, whole=True),
    "truncate-undo": lambda call: _truncate_undo(call, whole=False),
    "truncate-namespace-undo": lambda call: _truncate_undo(call, whole=True),
    "eviction-reset": _eviction_reset,
    "sindex": _sindex,
    "sindex-list": _sindex_list,
    "sindex-stat": _sindex_stat,
    "sindex-exists": _sindex_exists,
    "sindex-delete": _sindex_delete,
    "sindex-create": _sindex_create,
    "query-show": _query_show,
    "query-abort": _query_abort,
    "query-abort-all": lambda call: "number-of-queries-killed:0",
    "histogram": _histogram,
    "physical-devices": _physical_devices,
}
"""The function that answers each command, by the command's name."""

"""Info commands about what is stored: truncation, histograms.

Owns: the checks of their parameters, in the server's order and words. Not here: indexes (indexes.py), queries
(jobs.py), modules (modules.py), and dropping records (../storage/store.py).
"""

from __future__ import annotations

import re

from ..protocol.constants import CITRUSLEAF_EPOCH
from ..protocol.result import ResultCode
from .call import Call, InfoError

__all__ = ["COMMANDS"]

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
    "histogram": _histogram,
    "physical-devices": _physical_devices,
}
"""The function that answers each command, by the command's name."""

"""Info commands about the log, which is Python's logger "pyspike.server".

Owns: the sink and the contexts that tools list, and the levels they may set. Not here: the code that writes
to it.
"""

from __future__ import annotations

import logging

from .call import Call, InfoError

__all__ = ["COMMANDS"]

_LOG = logging.getLogger("pyspike.server")

SINK = "stderr"
DUMPS = tuple(f"dump-{part}" for part in ("cluster", "fabric", "hb", "hlc", "migrates", "rw", "skew"))
LEVELS = ("CRITICAL", "WARNING", "INFO", "DEBUG", "DETAIL")
CONTEXTS = """
misc alloc arenax hardware msg os secrets socket tls vault vmapx xmem aggr appeal as audit batch
batch-sub bin config clustering deprecation drv-mem drv_pmem drv_ssd exchange exp fabric flat geo hb
health hlc index info info-command key-busy migrate mrt-audit mrt-monitor namespace nsup particle
partition proto proxy proxy-divert query record roster rw rw-client security service service-list
sindex skew smd storage truncate tsvc udf xdr xdr-client masking
""".split()  # noqa: SIM905


def _log(call: Call) -> str:
    """The levels by context of the only sink, `log/0`."""
    sink = call.params
    if sink and not sink.isdigit():
        raise InfoError("bad sink-id")
    if sink and int(sink):
        return "ERROR::bad-id"
    return ";".join(f"{context}:INFO" for context in CONTEXTS)


def _set(call: Call) -> str:
    """Accept a level. It has no effect: what is logged is decided by Python's logger."""
    pairs = call.pairs
    if "id" not in pairs:
        raise InfoError("missing id")
    if not any(name in (*CONTEXTS, "any") and level.upper() in LEVELS for name, level in pairs.items()):
        raise InfoError("bad parameter")
    return "ok"


def _message(call: Call) -> str:
    _LOG.info("log-message: %s", call.need("message"))
    return ""


COMMANDS = {
    "logs": lambda call: f"0:{SINK}",
    "log": _log,
    "log-set": _set,
    "set-log": _set,
    "log-message": _message,
    **dict.fromkeys((*DUMPS, "jem-stats"), lambda call: "ok"),
}
"""The function that answers each command, by the command's name."""

"""What the figures were taken on: processor, system, interpreter, versions."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .clients import PEERS, version
from .server import Server

__all__ = ["describe", "lines"]


def describe(server: Server, awake: bool) -> dict[str, Any]:
    """All of it, as plain data; `awake` is whether idle cores are kept from sleeping."""
    return {
        "taken": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "used": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "awake": awake,
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "clients": {name: version(name) for name in PEERS},
        "uvloop": metadata.version("uvloop") if find_spec("uvloop") else None,
        "server": {
            "kind": "embedded, in a process of its own" if server.embedded else "real",
            "version": server.version,
            "nodes": server.nodes,
        },
    }


def lines(machine: dict[str, Any]) -> list[str]:
    """The same for people."""
    server, clients = machine["server"], machine["clients"]
    nodes = f"{server['nodes']} node{'s' * (server['nodes'] > 1)}"
    cores = f"{machine['used']} of {machine['cores']} cores{', kept awake' * machine['awake']}"
    return [
        f"{machine['processor']}, {cores}, load {machine['load']} before",
        f"{machine['system']}, {machine['python']}, uvloop {machine['uvloop'] or 'not installed'}",
        f"server: {server['kind']}, {nodes}, build {server['version']}; {machine['taken']}",
        ", ".join(f"{name} {text or 'not installed'}" for name, text in clients.items()),
    ]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()

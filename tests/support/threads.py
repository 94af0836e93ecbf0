"""Which threads of this process are pyspike's own."""

from __future__ import annotations

import threading


def pyspike_threads() -> set[threading.Thread]:
    """All that pyspike started: clients to tend and to help with it, embedded clusters to serve."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("pyspike")}


def tend_threads() -> set[threading.Thread]:
    """Those that tend, one a cluster."""
    return {thread for thread in pyspike_threads() if thread.name == "pyspike-tend"}

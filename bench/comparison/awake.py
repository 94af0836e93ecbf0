"""Keeps the cores from sleeping while something is measured, as a machine tuned for latency does.

In a virtual machine an idle core is given back to the host, and a message that wakes it costs sender and
receiver more than a whole command does. A process of the scheduler's idle class on each core prevents that:
it runs only when nothing else wants to, and any other process takes its place at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["awake", "possible"]

_SPIN = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


def possible() -> bool:
    """Whether this system has that class: Linux does."""
    return hasattr(os, "SCHED_IDLE")


@contextmanager
def awake(wanted: bool) -> Iterator[None]:
    """Keep the cores that this process may use awake, if that is wanted."""
    cores = os.sched_getaffinity(0) if wanted else ()
    spinners = [subprocess.Popen([sys.executable, "-c", _SPIN, str(core)]) for core in cores]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
        for spinner in spinners:
            spinner.wait()

"""What `import` costs in a new interpreter whose files are in the cache, and nothing else imported before."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from .clients import PEERS
from .samples import FAILED, Sample

__all__ = ["measure_import"]

CODE = """
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
before, start = getrusage(RUSAGE_SELF), perf_counter()
import {module}
wall, after = perf_counter() - start, getrusage(RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print('{{"wall": %r, "cpu": %r}}' % (wall, cpu), flush=True)
from os import _exit
_exit(0)
"""


def measure_import(name: str, times: int, timeout: float, cache: Path) -> Sample:
    """The medians of several imports, each in an interpreter of its own.

    The first is not counted: it leaves its bytecode in `cache`, where the others find it.
    """
    taken: list[dict[str, float]] = []
    command = [sys.executable, "-c", CODE.format(module=PEERS[name].module)]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(cache)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(times + 1):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env)
        except subprocess.TimeoutExpired:
            return Sample(FAILED, f"not over after {timeout:.0f} s")
        if done.returncode:
            return Sample(FAILED, done.stderr.strip()[-500:])
        taken.append(json.loads(done.stdout))
    wall, cpu = (statistics.median(each[what] for each in taken[1:]) for what in ("wall", "cpu"))
    return Sample(count=1, wall=wall, cpu=cpu)

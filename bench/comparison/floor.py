"""The floor under the figures: the requests that pyspike builds, sent by a loop in C (floor.c)."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from .cases import DOCUMENT, NAMESPACE, RECORDS, SMALL, Case
from .samples import FAILED, UNSUPPORTED, Sample

__all__ = ["FLOOR", "Floor"]

FLOOR = "C floor"
SOURCE = Path(__file__).parent.parent / "floor.c"
COMPILE_TIMEOUT = 60


class Floor:
    """The compiled loop. Without a C compiler, or on several nodes, every sample says so."""

    def __init__(self, folder: Path, hosts: str, nodes: int) -> None:
        self._folder = folder
        self._host, _, self._port = hosts.split(",")[0].rpartition(":")
        self.problem = self._build()
        if nodes > 1:
            self.problem = f"one connection, {nodes} nodes"

    def _build(self) -> str:
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
        compiler = shutil.which(compiler) or shutil.which("cc") or ""
        if not compiler:
            return "no C compiler"
        command = [compiler, "-O2", "-std=gnu11", "-o", str(self._folder / "floor"), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT)
        return done.stderr.strip()[:500] if done.returncode else ""

    def run(self, case: Case, count: int, seconds: float, timeout: float) -> Sample:
        """Measure one case."""
        if not case.floored:
            return Sample(UNSUPPORTED, "no floor")
        if self.problem:
            return Sample(UNSUPPORTED, self.problem)
        file = self._folder / f"{case.name}.requests"
        file.write_bytes(b"".join(len(each).to_bytes(4, "big") + each for each in _requests(case)))
        command = [str(self._folder / "floor"), self._host.strip("[]"), self._port, str(file)]
        try:
            done = subprocess.run(
                [*command, str(count), str(seconds)], capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            return Sample(FAILED, f"not over after {timeout:.0f} s")
        finally:
            file.unlink()
        if done.returncode:
            return Sample(FAILED, done.stderr.strip())
        return Sample(**json.loads(done.stdout))


def _requests(case: Case) -> list[bytes]:
    """The requests of all records of the case, as pyspike's commands build them."""
    from pyspike import Key, ReadPolicy, WritePolicy
    from pyspike import operations as op
    from pyspike._wire import Commands, Executor

    unsent: Any = Commands(Executor(), ReadPolicy().settings, WritePolicy().settings)
    steps = {
        "operate": [op.put("b", "hello world"), op.add("c", 1), op.get("b"), op.get("c")],
        "operate_document": [
            op.add("c", 1), op.get("c"), op.lists.size("tags"), op.maps.get_by_key("attrs", "k3"),
        ],
    }  # fmt: skip

    def command(key: Any) -> Any:
        if case.call == "get":
            return unsent.get(key)
        if case.call == "exists":
            return unsent.exists(key)
        if case.call in steps:
            return unsent.operate(key, steps[case.call])
        bins = {"small": SMALL, "document": DOCUMENT}[case.bins]
        return unsent.put(key, bins)

    return [command(Key(NAMESPACE, case.set_name, number)).request for number in range(RECORDS)]

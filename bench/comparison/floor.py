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

from .cases import BINS, NAMESPACE, RECORDS, Case, batches_of, calls_of
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
        records = case.batch or 1
        command += [str(calls_of(count, records)), str(seconds)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return Sample(FAILED, f"not over after {timeout:.0f} s")
        finally:
            file.unlink()
        if done.returncode:
            return Sample(FAILED, done.stderr.strip())
        said = json.loads(done.stdout)
        return Sample(count=said["count"] * records, wall=said["wall"], cpu=said["cpu"])


def _requests(case: Case) -> list[bytes]:
    """The requests about all records of the case, as pyspike's commands build them."""
    from pyspike import Key

    keys = [Key(NAMESPACE, case.set_name, number) for number in range(RECORDS)]
    if case.batch:
        return [_batch(case, each) for each in batches_of(keys, case.batch)]
    return [_command(case, key) for key in keys]


def _steps(call: str) -> list[Any]:
    from pyspike import operations as op

    if call.endswith("document"):
        return [op.add("c", 1), op.get("c"), op.lists.size("tags"), op.maps.get_by_key("attrs", "k3")]
    return [op.put("b", "hello world"), op.add("c", 1), op.get("b"), op.get("c")]


def _command(case: Case, key: Any) -> bytes:
    from pyspike import ReadPolicy, WritePolicy
    from pyspike._wire import Commands, Executor

    unsent: Any = Commands(Executor(), ReadPolicy().settings, WritePolicy().settings)
    if case.call == "get":
        command = unsent.get(key)
    elif case.call == "exists":
        command = unsent.exists(key)
    elif case.call.startswith("operate"):
        command = unsent.operate(key, _steps(case.call))
    else:
        command = unsent.put(key, BINS[case.bins])
    return bytes(command.request)


def _batch(case: Case, keys: list[Any]) -> bytes:
    from pyspike import BatchPolicy
    from pyspike._wire import batch_of_operations, batch_of_puts, batch_of_reads, rows_of_node

    settings = BatchPolicy().settings
    if case.call == "batch_get":
        batch = batch_of_reads(keys, None, settings)
    elif case.call.startswith("batch_operate"):
        batch = batch_of_operations(keys, _steps(case.call), settings)
    else:
        same = case.call == "batch_put_same"
        bins = BINS[case.bins]
        batch = batch_of_puts([(key, bins if same else {**bins}) for key in keys], settings)
    command = rows_of_node(batch, range(len(keys))).next_command()
    assert command is not None
    return bytes(command.request)

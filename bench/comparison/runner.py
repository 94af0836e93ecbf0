"""Who runs what when. A case is run by each client in turn, A B A B, each time in a new process that
has a limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .cases import QUERIED, SEED, Case
from .clients import installed
from .floor import FLOOR, Floor
from .importing import measure_import
from .samples import FAILED, NOT_INSTALLED, Sample

__all__ = ["Plan", "Results", "run"]

Results = dict[tuple[str, str], list[Sample]]  # (case, client) to a sample a round

SLACK = 20.0  # seconds a process may take beyond what it measures
IMPORTS = 5  # a round


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and for how long."""

    cases: list[Case]
    clients: list[str]
    rounds: int
    count: int  # calls of a run; 0: as many as take `seconds`
    seconds: float
    out: Path  # where what is compiled goes
    together: bool  # one process for all cases of a client: quick, but less clean
    queried: int = QUERIED  # records that are there for queries

    def timeout(self, cases: int) -> float:
        """Seconds after which a process that runs so many cases is ended."""
        return SLACK + cases * (10 * self.seconds + self.count / 50)


def run(plan: Plan, hosts: str, floor: Floor, tell: Callable[[str], None]) -> Results:
    """All samples, with one for every case, client and round: a figure, or why there is none."""
    results: Results = {}
    steps = [plan.cases] if plan.together else [[case] for case in plan.cases]
    for step in steps:
        for number in range(plan.rounds):
            for client in [*plan.clients, FLOOR]:
                names = step[0].name if len(step) == 1 else f"{len(step)} cases"
                tell(f"{names}, round {number + 1} of {plan.rounds}, {client}")
                for case, sample in _samples(plan, step, client, hosts, floor).items():
                    results.setdefault((case, client), []).append(sample)
    return results


def _samples(plan: Plan, cases: list[Case], client: str, hosts: str, floor: Floor) -> dict[str, Sample]:
    if client == FLOOR:
        timeout = plan.timeout(1)
        return {case.name: floor.run(case, plan.count, plan.seconds, timeout) for case in cases}
    if not installed(client):
        return {case.name: Sample(NOT_INSTALLED, NOT_INSTALLED) for case in cases}
    found = {
        case.name: measure_import(client, 1 if plan.together else IMPORTS, SLACK, plan.out / "pycache")
        for case in cases
        if case.name == "import"
    }
    names = [case.name for case in cases if case.name not in found]
    if names:
        found |= _worker(plan, names, client, hosts)
    return found


def _worker(plan: Plan, names: list[str], client: str, hosts: str) -> dict[str, Sample]:
    bench = str(Path(__file__).parent.parent)
    given = [client, hosts, str(plan.count), str(plan.seconds), str(SEED), str(plan.queried), *names]
    path = os.pathsep.join(filter(None, [bench, os.environ.get("PYTHONPATH")]))
    child = subprocess.Popen(
        [sys.executable, "-m", "comparison.worker", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    timeout = plan.timeout(len(names))
    try:
        out, err = child.communicate(timeout=timeout)
        why = f"ended with status {child.returncode}: {err.strip()[-500:]}"
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
        why = f"not over after {timeout:.0f} s"
    found = {name: Sample(FAILED, why) for name in names}
    for line in out.splitlines():
        if line.startswith('{"case"'):
            said = json.loads(line)
            case = said.pop("case")
            found[case] = Sample(**said)
    return found

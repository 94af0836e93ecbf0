"""How many instructions commands take in the client, counted by valgrind: `python bench/instructions.py`.

Counts repeat to a few instructions, where times do not on a machine with other work. A case is run with two
numbers of commands, and what more of them take is divided by how many more they are: so nothing is counted of
connecting. The cluster is an embedded one, in a process of its own. Tracing needs the extra `otel`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from pyspike import AsyncClient, Client, ClientPolicy
from pyspike import operations as op
from pyspike.server import EmbeddedCluster

FEW, MORE = 500, 2500
KEY = ("test", "instructions", "k")
KEYS = [("test", "instructions", number) for number in range(100)]
OPERATIONS = [op.add("a", 1), op.get("a")]

CASES: dict[str, tuple[Callable[[Client], Any], int]] = {  # a call, and how many commands or rows it is
    "get": (lambda client: client.get(KEY), 1),
    "put": (lambda client: client.put(KEY, {"a": 1}), 1),
    "operate": (lambda client: client.operate(KEY, OPERATIONS), 1),
    "row of a batch": (lambda client: client.batch_get(KEYS), len(KEYS)),
}
TASK = "get by a task"
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "slow log": {"slow_command": 60_000},
    "spans": {"tracing": True},
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--cases", default=",".join([*CASES, TASK]), help="which ones, with commas")
    arguments.add_argument("--kinds", default=",".join(KINDS), help="of clients, with commas")
    given = arguments.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not there")
    kinds = given.kinds.split(",")
    print(f"{'instructions of a':<20}" + "".join(f"{kind:>12}" for kind in kinds))
    with EmbeddedCluster() as cluster:
        for case in given.cases.split(","):
            counts = [counted(cluster.hosts, case, kind) for kind in kinds]
            print(f"{case:<20}" + "".join(f"{count:>12,}" for count in counts), flush=True)


def counted(hosts: str, case: str, kind: str) -> int:
    few, more = (total(hosts, case, kind, number) for number in (FEW, MORE))
    return round((more - few) / (MORE - FEW))


def total(hosts: str, case: str, kind: str, number: int) -> int:
    command = [sys.executable, __file__, "--run", hosts, case, kind, str(number)]
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *command], capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(done.stderr)
    return int(found[1])


def run(hosts: str, case: str, kind: str, number: int) -> None:
    """What is counted, in a process of its own."""
    if KINDS[kind].get("tracing"):
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        trace.set_tracer_provider(TracerProvider())
    policy = ClientPolicy(tend_interval=600_000, **KINDS[kind])
    if case == TASK:
        asyncio.run(run_tasks(hosts, policy, number))
        return
    call, commands = CASES[case]
    with Client(hosts, policy) as client:
        client.put(KEY, {"a": 1})
        for _ in range(number // commands):
            call(client)


async def run_tasks(hosts: str, policy: ClientPolicy, number: int) -> None:
    async with AsyncClient(hosts, policy) as client:
        await client.put(KEY, {"a": 1})
        for _ in range(number):
            await client.get(KEY)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        main()

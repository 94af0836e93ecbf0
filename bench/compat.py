"""What calls of the official API cost in CPU: through `pyspike.compat`, and by the official client itself.

    python bench/compat.py [--rounds 5] [--scale 1.0] [--hosts 127.0.0.1:3000] [--core 0] [CASE...]

In each round each of the two runs all cases in a process of its own, one after the other, against the same
server: an embedded one, or that of `--hosts`. It prints the least CPU of a call in microseconds for both, and
the median of the rounds' ratios. It ends with 1 if one is above 1.0.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

CLIENTS = ("compat", "official")
SET = "compat-bench"
RECORDS = 1000
PATIENCE = 20_000  # ms
BINS = {"a": 1, "b": "hello world", "c": 2.5}
POLICY = {"total_timeout": PATIENCE, "max_retries": 1}
BAR = 1.0


class Case(NamedTuple):
    """A kind of call.

    Args:
        calls: how often it is made.
        make: gives the call, by a client and the helper modules; the call is given the number of the record.
    """

    calls: int
    make: Callable[[Any, Any], Callable[[int], object]]


def key(number: int) -> tuple[str, str, int]:
    return "test", SET, number


def batch_write(client: Any, modules: Any) -> Callable[[int], object]:
    records, op = modules("batch.records"), modules("operations.operations")

    def call(number: int) -> object:
        rows = [records.Write(key(each), [op.write("a", each)]) for each in range(100)]
        return client.batch_write(records.BatchRecords(rows))

    return call


def operate(client: Any, modules: Any) -> Callable[[int], object]:
    op, lists, maps = (modules(f"operations.{name}operations") for name in ("", "list_", "map_"))

    def call(number: int) -> object:
        steps = [
            op.increment("a", 1),
            op.read("b"),
            lists.list_get("l", 0),
            maps.map_get_by_key("m", "k", 7),
        ]
        return client.operate(key(number), steps)

    return call


def scan(client: Any, modules: Any) -> Callable[[int], object]:
    def call(number: int) -> object:
        seen = []
        client.query("test", SET).foreach(seen.append)
        return seen

    return call


CASES = {
    "get": Case(10_000, lambda client, _: lambda number: client.get(key(number))),
    "get, with a policy": Case(10_000, lambda client, _: lambda number: client.get(key(number), POLICY)),
    "exists": Case(10_000, lambda client, _: lambda number: client.exists(key(number))),
    "put": Case(10_000, lambda client, _: lambda number: client.put(key(number), BINS)),
    "put, with metadata": Case(
        10_000, lambda client, _: lambda number: client.put(key(number), BINS, {"gen": 1}, POLICY)
    ),
    "increment": Case(10_000, lambda client, _: lambda number: client.increment(key(number), "a", 1)),
    "operate": Case(5000, operate),
    "batch_read of 100": Case(
        300, lambda client, _: lambda number: client.batch_read([key(each) for each in range(100)])
    ),
    "batch_write of 100": Case(200, batch_write),
    "query of 1000": Case(50, lambda client, _: lambda number: client.query("test", SET).results()),
    "query of 1000, each": Case(50, scan),
}


def cpu() -> float:
    """Seconds of CPU that this process has used, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(hosts: str, scale: float, names: list[str], client_name: str) -> dict[str, float]:
    """The CPU of a call of each case in microseconds, in this process."""
    if client_name == "compat":
        from pyspike.compat import install

        install()
    import aerospike

    policies = {kind: {"total_timeout": PATIENCE} for kind in ("read", "write", "operate", "batch")}
    addresses = [(name, int(port)) for name, port in (each.rsplit(":", 1) for each in hosts.split(","))]
    client = aerospike.client({"hosts": addresses, "policies": policies})
    for number in range(RECORDS):
        client.put(key(number), BINS | {"l": [1, 2, 3], "m": {"k": 1}})
    found = {}
    for name in names:
        case = CASES[name]
        call = case.make(client, lambda module: importlib.import_module(f"aerospike_helpers.{module}"))
        calls = max(int(case.calls * scale), 1)
        for number in range(calls // 10 + 1):
            call(number % RECORDS)
        began = cpu()
        for number in range(calls):
            call(number % RECORDS)
        found[name] = (cpu() - began) / calls * 1e6
    client.close()
    return found


@contextlib.contextmanager
def server(hosts: str | None) -> Iterator[str]:
    """The hosts that were told, or those of an embedded cluster."""
    if hosts is not None:
        yield hosts
        return
    from pyspike.server import EmbeddedCluster

    with EmbeddedCluster(process=True) as cluster:
        yield cluster.hosts


def main() -> int:
    """Measure, print a table, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all of them if there are none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of calls")
    parser.add_argument("--hosts", help="a server in the place of the embedded one")
    parser.add_argument("--core", type=int, help="that client and embedded server run on")
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.cases or list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"there is no case {unknown[0]!r}; there are {', '.join(map(repr, CASES))}")
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    if options.client is not None:
        print(json.dumps(measure(options.hosts, options.scale, names, options.client)))
        return 0
    rounds: list[dict[str, dict[str, float]]] = []
    with server(options.hosts) as hosts:
        for number in range(options.rounds):
            order = CLIENTS if number % 2 else CLIENTS[::-1]
            arguments = [sys.executable, __file__, "--hosts", hosts, "--scale", str(options.scale)]
            rounds.append(
                {
                    each: json.loads(
                        subprocess.check_output([*arguments, "--client", each, "--", *names], text=True)
                    )
                    for each in order
                }
            )
    print(f"{'CPU us a call':24}{'compat':>10}{'official':>10}{'ratio':>8}")
    above = False
    for name in names:
        least = [min(each[client][name] for each in rounds) for client in CLIENTS]
        ratio = statistics.median(each["compat"][name] / each["official"][name] for each in rounds)
        above |= ratio > BAR
        print(f"{name:24}{least[0]:10.1f}{least[1]:10.1f}{ratio:8.2f}")
    return int(above)


if __name__ == "__main__":
    sys.exit(main())

"""What `into=` costs: the CPU of calls that give objects of a class, beside those that give records.

    python bench/typed.py [--rounds 9] [--hosts 127.0.0.1:3000]
    valgrind --tool=callgrind python bench/typed.py --only get:into --calls 2000

Each round runs the kinds of a case in turn; it prints the least CPU of a call in microseconds for each, and
the median of the rounds' ratios. It ends with 1 if one is above the bar. `--only` makes the calls of one kind
and measures nothing: two runs with another number of calls tell the instructions of one.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from pyspike import BatchRead, Client, ClientPolicy, Key, ReadPolicy, Statement

BAR = 1.3
KEYS = [Key("test", "typed-bench", number) for number in range(200)]
POLICY = ClientPolicy(read=ReadPolicy(total_timeout=20_000))


@dataclass
class Visitor:
    """A record of three bins."""

    name: str
    age: int
    score: float


class Pair(NamedTuple):
    """The same as a named tuple."""

    name: str
    age: int
    score: float


def one(client: Client, into: Any) -> Callable[[], object]:
    key = KEYS[0]
    return lambda: client.get(key, into=into)


def many(client: Client, into: Any) -> Callable[[], object]:
    return lambda: client.batch_get(KEYS, into=into)


def rows(client: Client, into: Any) -> Callable[[], object]:
    return lambda: client.batch([BatchRead(key, into=into) for key in KEYS])


def query(client: Client, into: Any) -> Callable[[], object]:
    statement = Statement("test", "typed-bench")
    return lambda: list(client.query(statement, into=into))


CASES: dict[str, tuple[int, Callable[[Client, Any], Callable[[], object]]]] = {
    "get": (2000, one),
    "batch_get of 200": (100, many),
    "batch of 200 rows": (60, rows),
    "query of 200": (60, query),
}
KINDS: dict[str, Any] = {"record": None, "into": Visitor, "named tuple": Pair}


def cpu_of(calls: int, call: Callable[[], object]) -> float:
    """The CPU of a call in microseconds."""
    began = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - began) / calls * 1e6


def compare(client: Client, rounds: int) -> bool:
    """Print the figures of all cases; whether the bar holds."""
    held = True
    for case, (calls, make) in CASES.items():
        found: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(rounds):
            for kind, into in KINDS.items():
                found[kind].append(cpu_of(calls, make(client, into)))
        for kind in list(KINDS)[1:]:
            ratio = statistics.median(
                mine / plain for mine, plain in zip(found[kind], found["record"], strict=True)
            )
            held = held and ratio <= BAR
            print(
                f"{case}: record {min(found['record']):.2f} us, {kind} {min(found[kind]):.2f} us: {ratio:.2f}"
            )
    return held


@contextlib.contextmanager
def place(hosts: str | None) -> Iterator[str]:
    if hosts is not None:
        yield hosts
        return
    from pyspike.server import EmbeddedCluster

    with EmbeddedCluster(nodes=1, process=True) as cluster:
        yield cluster.hosts


def main() -> int:
    """Run what was asked for; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", metavar="CASE:KIND")
    parser.add_argument("--calls", type=int, default=1000)
    asked = parser.parse_args()
    with place(asked.hosts) as hosts, Client(hosts, POLICY) as client:
        client.batch_put({key: {"name": f"name {i}", "age": i, "score": i / 2} for i, key in enumerate(KEYS)})
        gc.disable()
        if asked.only is None:
            return int(not compare(client, asked.rounds))
        case, _, kind = asked.only.partition(":")
        cpu_of(asked.calls, CASES[case][1](client, KINDS[kind]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What two looks at a cluster tell: how much its nodes and namespaces do in a second, and how they are.

Pure functions. What a counter counts is in its name, as in `client_read_success` and
`batch_sub_write_timeout`; what a node has passed on to another one counts where it was served.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspike.cli.top.applications import CallFigures
from pyspike.cli.top.looking import Look

__all__ = ["Figures", "NamespaceFigures", "NodeFigures", "Rates", "figures_of"]

RECORDS = re.compile(
    r"(?:client|from_proxy|batch_sub|from_proxy_batch_sub)_(?P<kind>read|write|delete|udf|tsvc)_(?P<outcome>\w+)"
)
QUERIES = re.compile(r"[ps]i_query_\w+_(?P<outcome>complete|error|abort|timeout)")
DONE = {"success", "complete", "not_found", "filtered_out"}
FAILED = {"error", "timeout", "abort"}
KINDS = {"read": "reads", "write": "writes", "delete": "writes", "udf": "writes"}
OPERATIONS = {"read": ("read", "batch-sub-read"), "write": ("write", "batch-sub-write")}
MISSED = 1.0  # percent of calls that take longer than the time by which 99 % are done


@dataclass(frozen=True, slots=True)
class Rates:
    """What was done in a second.

    Args:
        reads: records that were read, or looked for, alone and in batches.
        writes: records that were written, deleted, or given to a function.
        queries: queries that have ended.
        failed: of all of these, those that failed; they are in no other number.
    """

    reads: float
    writes: float
    queries: float
    failed: float


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """A node; what it does not tell is None.

    Args:
        name: the node's.
        address: where it was asked.
        version: its version.
        error: why it has not answered; empty if it has.
        rates: what it has done between the looks; None if there was one look, or a restart.
        connections: those of clients.
        objects: records that it holds, copies included.
        memory_used: of its machine's, in percent.
        cpu_used: by its process, in percent of a core.
        migrating: partitions that are still to be moved.
    """

    name: str
    address: str
    version: str
    error: str = ""
    rates: Rates | None = None
    connections: int | None = None
    objects: int | None = None
    memory_used: int | None = None
    cpu_used: int | None = None
    migrating: int | None = None


@dataclass(frozen=True, slots=True)
class NamespaceFigures:
    """A namespace, of all nodes together; what none tells is None.

    Args:
        name: the namespace's.
        rates: what was done in it.
        objects: its records, without copies.
        data_used: of its storage, in percent, where it is fullest.
        index_used: of the memory for its indexes, in percent, where it is fullest.
        read_p99: the milliseconds within which 99 % of reads were served in the last seconds, rounded up to a
            power of two, where it took longest; None if nothing was read.
        write_p99: the same of writes.
        warnings: what keeps it from being read or written.
    """

    name: str
    rates: Rates | None
    objects: int | None
    data_used: int | None
    index_used: int | None
    read_p99: float | None
    write_p99: float | None
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """All nodes and all namespaces.

    Args:
        seconds: between the two looks; 0 if there was one.
        nodes: by name.
        namespaces: by name.
        calls: those of an application's client; None if none was asked for.
    """

    seconds: float
    nodes: Sequence[NodeFigures]
    namespaces: Sequence[NamespaceFigures]
    calls: Sequence[CallFigures] | None = None


def figures_of(before: Sequence[Look], after: Sequence[Look]) -> Figures:
    """What two looks tell; the first one may be empty.

    Args:
        before: the first one.
        after: the second one.
    """
    earlier = {look.name: look for look in before}
    pairs = [(earlier.get(look.name), look) for look in after]
    times = [look.at - old.at for old, look in pairs if old is not None]
    names = sorted({name for look in after for name in look.namespaces})
    return Figures(
        max(times, default=0.0),
        [_node(old, look) for old, look in pairs],
        [_namespace(name, pairs) for name in names],
    )


def _node(before: Look | None, after: Look) -> NodeFigures:
    if after.error:
        return NodeFigures(after.name, after.address, after.version, after.error)
    told = after.statistics
    free = _number(told, "system_free_mem_pct")
    return NodeFigures(
        after.name,
        after.address,
        after.version,
        rates=_sum(_rates(before, after, name) for name in after.namespaces),
        connections=_number(told, "client_connections"),
        objects=_number(told, "objects"),
        memory_used=None if free is None else 100 - free,
        cpu_used=_number(told, "process_cpu_pct"),
        migrating=_number(told, "migrate_partitions_remaining"),
    )


def _namespace(name: str, looks: Sequence[tuple[Look | None, Look]]) -> NamespaceFigures:
    told = [look.namespaces[name] for _, look in looks if name in look.namespaces]
    return NamespaceFigures(
        name,
        rates=_sum(_rates(before, after, name) for before, after in looks if name in after.namespaces),
        objects=_total(told, "master_objects"),
        data_used=_highest(told, "data_used_pct"),
        index_used=_highest(told, "indexes_memory_used_pct"),
        read_p99=_p99(name, "read", [look for _, look in looks]),
        write_p99=_p99(name, "write", [look for _, look in looks]),
        warnings=[*_warnings(told)],
    )


def _rates(before: Look | None, after: Look, namespace: str) -> Rates | None:
    """What a node did in a namespace; None if that can't be known."""
    if before is None or namespace not in before.namespaces or after.at <= before.at:
        return None
    counted, earlier = _counts(after.namespaces[namespace]), _counts(before.namespaces[namespace])
    if any(earlier[what] > counted[what] for what in earlier):  # it has begun anew
        return None
    seconds = after.at - before.at
    return Rates(
        *((counted[what] - earlier[what]) / seconds for what in ("reads", "writes", "queries", "failed"))
    )


def _counts(told: Mapping[str, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, value in told.items():
        if (match := RECORDS.fullmatch(name)) is not None:
            what = KINDS.get(match["kind"])
        elif (match := QUERIES.fullmatch(name)) is not None:
            what = "queries"
        else:
            continue
        if match["outcome"] in FAILED:
            found["failed"] += int(value)
        elif match["outcome"] in DONE and what is not None:
            found[what] += int(value)
    return found


def _sum(parts: Iterable[Rates | None]) -> Rates | None:
    """Of those that are known."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    return Rates(
        sum(part.reads for part in known),
        sum(part.writes for part in known),
        sum(part.queries for part in known),
        sum(part.failed for part in known),
    )


def _p99(namespace: str, kind: str, looks: Sequence[Look]) -> float | None:
    found = [
        _slowest(look.latencies.get(f"{{{namespace}}}-{operation}", ""))
        for look in looks
        for operation in OPERATIONS[kind]
    ]
    return max((each for each in found if each is not None), default=None)


def _slowest(histogram: str) -> float | None:
    """The milliseconds within which 99 % were done.

    A histogram is the unit, how many were done in a second, and how many percent took longer than 1, 2, 4 ...
    of it, as in `msec,12.5,2.00,0.50`.
    """
    unit, *numbers = histogram.split(",")
    if not numbers or not float(numbers[0]):
        return None
    scale = 1.0 if unit == "msec" else 0.001
    above = [float(number) for number in numbers[1:]]
    return scale * 2.0 ** next(
        (place for place, percent in enumerate(above) if percent <= MISSED), len(above)
    )


def _warnings(told: Sequence[Mapping[str, str]]) -> Iterable[str]:
    if any(one.get("stop_writes") == "true" for one in told):
        yield "stop_writes"
    for name in ("unavailable_partitions", "dead_partitions"):
        if count := _total(told, name):
            yield f"{count:,} {name.replace('_', ' ')}"


def _number(told: Mapping[str, str], name: str) -> int | None:
    return int(told[name]) if name in told else None


def _total(told: Sequence[Mapping[str, str]], name: str) -> int | None:
    numbers = [number for one in told if (number := _number(one, name)) is not None]
    return sum(numbers) if numbers else None


def _highest(told: Sequence[Mapping[str, str]], name: str) -> int | None:
    return max((number for one in told if (number := _number(one, name)) is not None), default=None)

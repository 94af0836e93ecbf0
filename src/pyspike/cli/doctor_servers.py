"""What servers say of themselves, as `doctor` reads it: pure functions from their answers to findings.

Names of statistics and settings are the servers'. One that a version does not tell is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pyspike.cli.findings import Finding, ok, problem, warning

__all__ = ["Server", "counted", "examine_cluster", "examine_namespace", "examine_server", "pairs", "rows"]

EPOCH = 1_262_304_000  # seconds of Unix time at which the servers' own begins, 2010
CLOCKS = 3.0  # seconds that clocks may differ; the servers tell theirs in whole ones
SKEW = 1000  # milliseconds of the servers' own measure
NEAR = 0.8  # the part of a limit from which on it is near
MARGIN = 5  # percent above a limit of what is to be left, within which it is near


@dataclass(frozen=True, slots=True)
class Server:
    """What a node has answered.

    Args:
        name: the node's.
        address: where it was asked.
        build: its version.
        statistics: its numbers.
        settings: of its service.
        namespaces: the numbers and settings of each.
        sets: those of each set, by namespace.
        asked: when its namespaces were asked for, in seconds of Unix time on this machine.
    """

    name: str
    address: str
    build: str
    statistics: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sets: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)
    asked: float = 0.0

    @property
    def clock_ahead(self) -> float | None:
        """How many seconds its clock is ahead of this machine's; None if it does not tell."""
        told = [_number(numbers, "current_time") for numbers in self.namespaces.values()]
        times = [each for each in told if each is not None]
        return times[0] + EPOCH - self.asked if times else None


def counted(number: float, what: str) -> str:
    """So many things, in words: 1 node, 2 nodes."""
    return f"{number:.0f} {what}{'' if number == 1 else 's'}"


def pairs(text: str, separator: str = ";") -> dict[str, str]:
    """The values in `a=1;b=2`, by their names."""
    return {
        name: value for name, mark, value in (each.partition("=") for each in text.split(separator)) if mark
    }


def rows(text: str) -> list[dict[str, str]]:
    """The values of each row in `a=1:b=2;a=3:b=4`."""
    return [pairs(each, ":") for each in text.split(";") if each]


def examine_cluster(servers: list[Server]) -> Iterator[Finding]:
    """Whether the servers are one cluster, of one version, by one clock."""
    names = ", ".join(server.name for server in servers)
    sizes = {int(_number(server.statistics, "cluster_size") or 0) for server in servers} - {0}
    keys = {server.statistics["cluster_key"] for server in servers if "cluster_key" in server.statistics}
    if len(keys) > 1:
        yield problem(
            "cluster",
            f"{names} are not one cluster: {len(keys)} parts",
            "see whether the nodes reach each other",
        )
    elif sizes and sizes != {len(servers)}:
        yield problem(
            "cluster",
            f"the servers count {counted(max(sizes), 'node')}, {len(servers)} can be reached from here",
            "see below which addresses the others advertise",
        )
    else:
        yield ok("cluster", f"{counted(len(servers), 'node')}: {names}")
    builds = {server.build for server in servers}
    if len(builds) > 1:
        yield warning(
            "cluster",
            "versions differ: " + ", ".join(f"{server.name} has {server.build}" for server in servers),
            "finish the upgrade: what only the newer version knows fails on some nodes",
        )
    else:
        yield ok("cluster", f"version {', '.join(builds)}")
    yield from _clocks(servers)


def _clocks(servers: list[Server]) -> Iterator[Finding]:
    ahead = {server.name: each for server in servers if (each := server.clock_ahead) is not None}
    measured = max(
        (_number(server.statistics, "cluster_clock_skew_ms") or 0 for server in servers), default=0
    )
    if measured > SKEW or (ahead and max(ahead.values()) - min(ahead.values()) > CLOCKS):
        apart = max(measured / 1000, max(ahead.values(), default=0) - min(ahead.values(), default=0))
        yield problem(
            "clocks",
            f"those of the nodes differ by {apart:.0f} s",
            "have all nodes set their clocks by NTP: records expire, and last writes win, by these",
        )
        return
    far = {name: each for name, each in ahead.items() if abs(each) > CLOCKS}
    if far:
        name, each = max(far.items(), key=lambda item: abs(item[1]))
        yield warning(
            "clocks",
            f"that of {name} is {abs(each):.0f} s {'ahead of' if each > 0 else 'behind'} this machine's",
            "set both by NTP: times that this machine gives, as to truncate, mean other moments there",
        )
    elif ahead:
        yield ok("clocks", f"the nodes' and this machine's agree to {CLOCKS:.0f} s")


def examine_server(server: Server) -> Iterator[Finding]:
    """How a node is, but for its namespaces."""
    subject = f"node {server.name}"
    found = False
    for each in _server(server, subject):
        found = True
        yield each
    if not found:
        yield ok(subject, f"well, at {server.address}")


def _server(server: Server, subject: str) -> Iterator[Finding]:
    numbers = server.statistics
    if numbers.get("cluster_integrity") == "false":
        yield problem(subject, "sees no whole cluster", "see whether the nodes reach each other (heartbeats)")
    if left := _number(numbers, "migrate_partitions_remaining"):
        yield warning(
            subject,
            f"has {counted(left, 'partition')} still on the way",
            "wait until they have arrived before another node is taken down",
        )
    used, most = _number(numbers, "client_connections"), _number(server.settings, "proto-fd-max")
    if used is not None and most and used >= most * NEAR:
        yield warning(
            subject,
            f"has {used:.0f} connections of clients, of {most:.0f} that it takes (proto-fd-max)",
            "lower max_conns_per_node of the clients, share a client in each process, or raise proto-fd-max",
        )
    if numbers.get("failed_best_practices") == "true":
        yield warning(
            subject,
            "does not follow the best practices for servers",
            "`pyspike info best-practices` has those that it fails",
        )


def examine_namespace(server: Server, name: str) -> Iterator[Finding]:
    """How a namespace is at a node."""
    subject = f"namespace {name} at {server.name}"
    numbers = server.namespaces[name]
    found = False
    for parts in (_writes(numbers, subject), _limits(server, numbers, subject), _records(numbers, subject)):
        for each in parts:
            found = True
            yield each
    for of_set in server.sets.get(name, []):
        for each in _set(of_set, f"set {of_set.get('set', '')} of {subject}"):
            found = True
            yield each
    if not found:
        objects = _number(numbers, "objects")
        yield ok(subject, "well" if objects is None else f"well, with {counted(objects, 'record')}")


def _writes(numbers: Mapping[str, str], subject: str) -> Iterator[Finding]:
    if numbers.get("clock_skew_stop_writes") == "true":
        yield problem(subject, "takes no writes, as clocks differ", "have all nodes set their clocks by NTP")
    if numbers.get("stop_writes") == "true":
        yield problem(
            subject,
            "takes no writes, as it is full",
            "delete records or let them expire sooner, or give it more storage; what its limits are is below",
        )
    elif numbers.get("hwm_breached") == "true":
        yield warning(
            subject,
            "evicts records before they expire, as it is nearly full",
            "give it more storage, or shorter times to live",
        )
    for count, words, advice in (
        ("unavailable_partitions", "unavailable", "bring back the nodes that are missing"),
        (
            "dead_partitions",
            "dead, so that writes may be lost",
            "bring back the nodes that are missing, and revive the namespace once what is lost is known",
        ),
    ):
        if partitions := _number(numbers, count):
            yield problem(subject, f"has {counted(partitions, 'partition')} {words}", advice)


LIMITS = (
    ("data_used_pct", ("storage-engine.stop-writes-used-pct",), "storage"),
    ("device_used_pct", ("storage-engine.max-used-pct",), "storage"),
    ("memory_used_pct", ("stop-writes-pct",), "memory"),
    ("indexes_memory_used_pct", (), "the memory for indexes (indexes-memory-budget)"),
)
"""Percentages, each with the settings that are its limit (100 without one), and what they are of."""

LEFT = (
    ("data_avail_pct", "storage-engine.stop-writes-avail-pct"),
    ("device_available_pct", "storage-engine.min-avail-pct"),
)
"""The same of what is left."""


def _limits(server: Server, numbers: Mapping[str, str], subject: str) -> Iterator[Finding]:
    advice = "give it more, or fewer records: beyond that it takes no writes"
    for name, limits, what in LIMITS:
        used = _number(numbers, name)
        limit = next((each for each in (_number(numbers, setting) for setting in limits) if each), 100.0)
        if used is not None and used >= limit * NEAR:
            yield warning(subject, f"uses {used:.0f} % of {what}, of {limit:.0f} % that it may", advice)
    for name, setting in LEFT:
        left, least = _number(numbers, name), _number(numbers, setting) or 0.0
        if left is not None and left <= least + MARGIN:
            yield warning(
                subject,
                f"has {left:.0f} % of its storage left for writes, of {least:.0f} % that it needs",
                advice,
            )
    free, most = (
        _number(server.statistics, "system_free_mem_pct"),
        _number(numbers, "stop-writes-sys-memory-pct"),
    )
    if free is not None and most and 100 - free >= most - MARGIN:
        yield warning(
            subject,
            f"is near its limit of the machine's memory: {100 - free:.0f} % are used, of {most:.0f} %",
            "free memory on that machine: beyond that it takes no writes",
        )


def _records(numbers: Mapping[str, str], subject: str) -> Iterator[Finding]:
    copies, wanted = _number(numbers, "effective_replication_factor"), _number(numbers, "replication-factor")
    if copies is not None and wanted is not None and copies < wanted:
        yield warning(
            subject,
            f"keeps {copies:.0f} of {wanted:.0f} copies of each record",
            "add nodes: if one is lost now, records may be",
        )
    if _number(numbers, "default-ttl") and _number(numbers, "nsup-period") == 0:
        yield warning(
            subject,
            "has records that expire, and nothing that removes them (nsup-period is 0)",
            "set nsup-period: expired records take their space until then",
        )
    if busy := _number(numbers, "fail_key_busy"):
        yield warning(
            subject,
            f"has refused {counted(busy, 'command')} since its start: too many waited for one hot record",
            "spread what is written over more records, or raise transaction-pending-limit",
        )


def _set(numbers: Mapping[str, str], subject: str) -> Iterator[Finding]:
    for name, setting, what in (
        ("objects", "stop-writes-count", "records"),
        ("data_used_bytes", "stop-writes-size", "bytes"),
    ):
        used, most = _number(numbers, name), _number(numbers, setting)
        if used is not None and most and used >= most * NEAR:
            level = problem if used >= most else warning
            yield level(
                subject, f"has {used:.0f} {what}, of {most:.0f} that it may ({setting})", f"raise {setting}"
            )


def _number(values: Mapping[str, str], name: str) -> float | None:
    """The number of this name; None if there is none."""
    try:
        return float(values[name])
    except (KeyError, ValueError):
        return None

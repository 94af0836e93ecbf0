"""The numbers of a client's commands: which meter counts for which node, and how they are shown.

A node that comes back under its name counts on with the same meter. Those of nodes that are gone are kept by
their names, but for the oldest where there are many: these are added up, so that no sum ever goes down.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pyspike._wire import Command, DurationCounter, Meter, command_kinds
from pyspike.process.lazy_imports import LazyModule

if TYPE_CHECKING:
    from pyspike import metrics
    from pyspike.cluster.node import ClusterNode
else:
    metrics = LazyModule("pyspike.metrics")  # most programs never ask for it

__all__ = ["Metering"]

NOTHING: Mapping[str, Any] = {}
MOST_GONE = 32  # nodes whose numbers are kept apart after they have left


class Metering:
    """The meters of one client. Its methods are called under the cluster's lock, but for `count_failed`.

    Args:
        told: what a configuration file says of metrics.

    Attributes:
        told: the same, as it says now.
    """

    def __init__(self, told: Mapping[str, Any] = NOTHING) -> None:
        self.told = told
        self._since = time.time()
        self._meters: dict[str, Meter] = {}  # by the node's name, those that came last behind
        self._began: dict[str, float] = {}  # when each of them was begun
        self._gone = Meter()
        self._failed: dict[tuple[str, int, str], DurationCounter] = {}

    def adopt(self, nodes: Iterable[ClusterNode]) -> None:
        """Have nodes counted that are in the cluster from now on, before a command is sent to them."""
        for node in nodes:
            meter = self._meters.pop(node.name, None)
            if meter is None:
                meter = node.meter
                self._began[node.name] = time.time()
            elif meter is not node.meter:
                node.count_with(meter)
            self._meters[node.name] = meter

    def forget(self, present: Iterable[ClusterNode]) -> None:
        """Add up the numbers of nodes that are gone for longest, where there are many."""
        names = {node.name for node in present}
        gone = [name for name in self._meters if name not in names]
        for name in gone[: max(0, len(gone) - MOST_GONE)]:
            self._gone.take_over(self._meters.pop(name))
            del self._began[name]

    def count_failed(self, command: Command, error: BaseException) -> None:
        """Count a call for one record that fails now."""
        place = (command.namespace, command.kind_number, type(error).__name__)
        counter = self._failed.get(place) or self._failed.setdefault(place, DurationCounter())
        counter.add(command.elapsed)

    def seen(self, present: Iterable[ClusterNode]) -> metrics.ClientMetrics:
        """The numbers now."""
        addresses = {node.name: node.address for node in present}
        meters = dict(self._meters)
        kinds = command_kinds()
        nodes = {
            name: _node(name, addresses.get(name, ""), self._began[name], meter, kinds)
            for name, meter in meters.items()
        }
        gone = _node("", "", self._since, self._gone, kinds)
        if gone.commands or gone.connecting.count:
            nodes[""] = gone
        failed = tuple(
            metrics.FailedCalls(
                namespace=namespace,
                method=kinds[kind][0],
                kind=kinds[kind][1],
                error=error,
                duration=metrics.Histogram(*counter.seen),
            )
            for (namespace, kind, error), counter in list(self._failed.items())
        )
        return metrics.ClientMetrics(
            since=self._since,
            at=time.time(),
            nodes=nodes,
            failed_calls=failed,
            labels=self.told.get("labels", {}),
        )


def _node(
    name: str, address: str, began: float, meter: Meter, kinds: tuple[tuple[str, str], ...]
) -> metrics.NodeMetrics:
    commands: dict[tuple[str, int], metrics.CommandMetrics] = {}
    for numbers in meter.numbers():
        place = (numbers["namespace"], numbers["kind"])
        found = _command(name, numbers, kinds[numbers["kind"]])
        commands[place] = commands[place] + found if place in commands else found
    return metrics.NodeMetrics(
        name=name,
        address=address,
        commands=tuple(commands[place] for place in sorted(commands)),
        connecting=metrics.Histogram(*meter.connections),
        began=began,
    )


def _command(node: str, numbers: dict[str, Any], kind: tuple[str, str]) -> metrics.CommandMetrics:
    latency = calls = metrics.Histogram(*numbers["latency"])
    if numbers["again"] is not None:
        last_attempts, whole_calls = numbers["again"]
        calls = latency - metrics.Histogram(*last_attempts) + metrics.Histogram(*whole_calls)
    return metrics.CommandMetrics(
        node=node,
        namespace=numbers["namespace"],
        method=kind[0],
        kind=kind[1],
        latency=latency,
        calls=calls,
        errors=numbers["errors"],
        not_found=numbers["not_found"],
        timeouts=numbers["timeouts"],
        retries=numbers["retries"],
        sent_bytes=numbers["sent_bytes"],
        received_bytes=numbers["received_bytes"],
    )

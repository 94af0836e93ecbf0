"""How the figures of a cluster are shown: two tables, or JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pyspike.cli.top.applications import CallFigures
from pyspike.cli.top.figures import Figures, NamespaceFigures, NodeFigures, Rates

__all__ = ["WIDE", "figures_to_json", "shown"]

WIDE = 120  # columns of a terminal from which on all of a table is shown
RATES = ("read/s", "write/s", "query/s", "fail/s")
NODES = ("node", "address", "version", *RATES, "conns", "objects", "mem%", "cpu%", "moving")
NAMESPACES = ("namespace", *RATES, "objects", "data%", "index%", "r p99", "w p99", "")
CALLS = ("call", "namespace", "call/s", "fail/s", "retry/s", "timeout/s", "p50", "p99")
TEXTS = {"call", "node", "address", "version", "namespace", ""}


def shown(figures: Figures, width: int) -> RenderableType:
    """The tables; on a narrow terminal nodes are told by their addresses only."""
    left_out = set() if width >= WIDE else {"node", "version"}
    nodes, namespaces = _table([name for name in NODES if name not in left_out]), _table(NAMESPACES)
    for node in figures.nodes:
        cells = zip(NODES, _node(node), strict=False)
        nodes.add_row(*(cell for name, cell in cells if name not in left_out))
    for namespace in figures.namespaces:
        namespaces.add_row(*_namespace(namespace))
    if figures.calls is None:
        return Group(nodes, Text(), namespaces)
    calls = _table(CALLS)
    for call in figures.calls:
        calls.add_row(*_call(call))
    return Group(nodes, Text(), namespaces, Text(), calls)


def _table(names: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name in TEXTS else "right", no_wrap=name != "")
    return table


def _node(node: NodeFigures) -> list[str]:
    if node.error:
        return [node.name, node.address, node.version, node.error]
    numbers = [node.connections, node.objects, node.memory_used, node.cpu_used, node.migrating]
    return [node.name, node.address, node.version, *_rates(node.rates), *map(_number, numbers)]


def _namespace(namespace: NamespaceFigures) -> list[str]:
    numbers = [namespace.objects, namespace.data_used, namespace.index_used]
    times = [
        "-" if value is None else f"<={value:g} ms" for value in (namespace.read_p99, namespace.write_p99)
    ]
    return [
        namespace.name,
        *_rates(namespace.rates),
        *map(_number, numbers),
        *times,
        ", ".join(namespace.warnings),
    ]


def _call(call: CallFigures) -> list[str]:
    rates = [f"{value:,.0f}" for value in (call.calls, call.failed, call.retries, call.timeouts)]
    times = ["-" if value is None else f"<={value:g} ms" for value in (call.p50, call.p99)]
    return [call.method, call.namespace, *rates, *times]


def _rates(rates: Rates | None) -> list[str]:
    if rates is None:
        return ["-"] * len(RATES)
    return [f"{value:,.0f}" for value in (rates.reads, rates.writes, rates.queries, rates.failed)]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def figures_to_json(figures: Figures) -> dict[str, Any]:
    """The figures as JSON has them."""
    return {"time": time.time(), **asdict(figures)}

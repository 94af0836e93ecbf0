"""Figures as tables for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .cases import CASES, Group
from .clients import OFFICIAL, OURS
from .figures import Figure
from .floor import FLOOR
from .samples import FAILED, OK

__all__ = ["WIDTH", "show"]

WIDTH = 120
NATIVE, PY = "aerospike-native", "aerospike-py"

Column: TypeAlias = "tuple[str, Callable[[Figure], float | None]]"


def _cpu_to(name: str, title: str) -> Column:
    return f"CPU to\n{title}", lambda figure: figure.cpu_to.get(name)


def _ops_to(name: str, title: str) -> Column:
    return f"ops to\n{title}", lambda figure: figure.ops_to.get(name)


OPS: Column = ("ops/s", lambda figure: figure.ops_s)
CPU: Column = ("CPU us", lambda figure: figure.cpu_us)
BLOCKING = [OPS, CPU, _cpu_to(OFFICIAL, "official"), _ops_to(OFFICIAL, "official")]
PEERS = [_cpu_to(OFFICIAL, "official"), _cpu_to(NATIVE, "native"), _cpu_to(PY, "py")]
COLUMNS: dict[str, list[Column]] = {
    Group.COMMAND: [*BLOCKING, _cpu_to(FLOOR, "floor")],
    Group.BATCH: [OPS, CPU, *PEERS, _cpu_to(FLOOR, "floor")],
    Group.QUERY: [OPS, CPU, *PEERS, _ops_to(NATIVE, "native")],
    Group.COLUMNS: BLOCKING,
    Group.THREADS: BLOCKING,
    Group.LOCAL: BLOCKING,
    Group.LIFE: [
        ("ms", lambda figure: figure.wall_us and figure.wall_us / 1e3),
        ("CPU ms", lambda figure: figure.cpu_us and figure.cpu_us / 1e3),
        _cpu_to(OFFICIAL, "official"),
    ],
    Group.TASKS: [OPS, CPU, _cpu_to(NATIVE, "native"), _cpu_to(PY, "py"), _ops_to(NATIVE, "native")],
    Group.LATENCY: [
        OPS,
        CPU,
        ("p50 ms", lambda figure: figure.p50_ms),
        ("p99 ms", lambda figure: figure.p99_ms),
        ("max ms", lambda figure: figure.max_ms),
    ],
}


def show(console: Console, figures: list[Figure], machine: list[str]) -> None:
    """Print a table a group of cases, and under them what they were measured on."""
    for group in dict.fromkeys(CASES[figure.case].group for figure in figures):
        of_group = [each for each in figures if CASES[each.case].group == group]
        absent = _absent(of_group)
        console.print(_table(group, [each for each in of_group if each.client not in absent]))
        for client, reason in absent.items():
            console.print(Text(f"  {client}: {reason}", style="dim"))
        for each in of_group:
            if each.client not in absent and each.reason:
                console.print(Text(f"  {each.client}, {CASES[each.case].title}: {each.reason}", style="red"))
        console.print()
    for line in machine:
        console.print(Text(line))


def _absent(figures: list[Figure]) -> dict[str, str]:
    """The clients that have no figure in all these, always for one reason."""
    reasons: dict[str, set[str]] = {}
    for figure in figures:
        reasons.setdefault(figure.client, set()).add("" if figure.status in (OK, FAILED) else figure.reason)
    return {client: said.pop() for client, said in reasons.items() if len(said) == 1 and "" not in said}


def _table(group: str, figures: list[Figure]) -> Table:
    table = Table(title=group, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("case")
    table.add_column("client", no_wrap=True)
    for title, _ in COLUMNS[group]:
        table.add_column(title, justify="right", no_wrap=True)
    shown = ""
    for figure in figures:
        if figure.case != shown and shown:
            table.add_row()
        title = CASES[figure.case].title if figure.case != shown else ""
        shown = figure.case
        style = "red" if figure.status == FAILED else "bold" if figure.client == OURS else ""
        table.add_row(title, figure.client, *_cells(figure, COLUMNS[group]), style=style)
    return table


def _cells(figure: Figure, columns: list[Column]) -> list[str]:
    if figure.status == OK:
        return [_number(of(figure)) for _, of in columns]
    return [FAILED if figure.status == FAILED else "none"]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"

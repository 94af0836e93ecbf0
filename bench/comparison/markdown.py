"""The main figures as Markdown, to be pasted where people read: pyspike's, and its ratio to each other's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cases import CASES
from .clients import OURS, PEERS
from .figures import Figure
from .floor import FLOOR
from .samples import OK

__all__ = ["markdown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A table: which number of which cases, and how it is written."""

    title: str
    cases: tuple[str, ...]
    own: Callable[[Figure], str]
    ratios: Callable[[Figure], dict[str, float]]


TABLES = (
    Shown(
        "CPU a command, us",
        (
            "get", "put", "get-document-bins", "put-document", "operate", "operate-document",
            "exists-missing", "threads-16", "async-get-1", "async-get-64", "async-put-64",
        ),
        lambda figure: f"{figure.cpu_us:.1f}",
        lambda figure: figure.cpu_to,
    ),
    Shown(
        "CPU a record of a batch, us",
        (
            "batch-get", "batch-get-bins", "batch-get-document-bins", "batch-put", "batch-operate",
            "batch-operate-document",
        ),
        lambda figure: f"{figure.cpu_us:.2f}",
        lambda figure: figure.cpu_to,
    ),
    Shown(
        "CPU a record of a query, us",
        (
            *("scan", "scan-bins", "index-query", "scan-arrow", "scan-frame", "write-arrow"),
            *("async-scan", "async-index-query"),
        ),
        lambda figure: f"{figure.cpu_us:.2f}",
        lambda figure: figure.cpu_to,
    ),
    Shown(
        "operations a second",
        ("get", "put", "threads-16", "async-get-1", "async-get-64", "async-put-64"),
        lambda figure: f"{figure.ops_s:,.0f}",
        lambda figure: figure.ops_to,
    ),
)  # fmt: skip


def markdown(figures: list[Figure], machine: list[str]) -> str:
    """The tables, and under them what they were measured on."""
    others = [name for name in (*PEERS, FLOOR) if name != OURS and any(f.client == name for f in figures)]
    parts = [_table(shown, figures, others) for shown in TABLES]
    return "\n\n".join([*filter(None, parts), "  \n".join(machine)]) + "\n"


def _table(shown: Shown, figures: list[Figure], others: list[str]) -> str:
    ours = {figure.case: figure for figure in figures if figure.client == OURS and figure.status == OK}
    cases = [case for case in shown.cases if case in ours]
    if not cases:
        return ""
    head = [shown.title, OURS, *(f"x {other}" for other in others)]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for case in cases:
        ratios = shown.ratios(ours[case])
        cells = [f"{ratios[other]:.2f}" if other in ratios else "" for other in others]
        rows.append([CASES[case].title, shown.own(ours[case]), *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

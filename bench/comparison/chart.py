"""Figures as pictures: CPU microseconds a command, a bar a client. Needs matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import CASES, Group
from .clients import OFFICIAL, OURS
from .figures import Figure
from .floor import FLOOR
from .samples import OK

__all__ = ["draw"]

COLOURS = {
    OURS: "#0b6e4f",
    OFFICIAL: "#c44536",
    "aerospike-native": "#e0a458",
    "aerospike-py": "#7d8597",
    FLOOR: "#ced4da",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: the name of its files, its title, how figures are written, and which groups panels show."""

    name: str
    title: str
    form: str
    panels: dict[str, list[str]]


PICTURES = (
    Picture(
        "compare",
        "client CPU a command, microseconds (less is better)",
        "%.1f",
        {
            "one thread": [Group.COMMAND],
            "batches, of a record": [Group.BATCH],
            "queries, of a record": [Group.QUERY],
            "get from threads": [Group.THREADS],
            "asyncio, reads": [Group.TASKS],
        },
    ),
    Picture(
        "columns",
        "client CPU a record, microseconds (less is better)",
        "%.2f",
        {"records to columns, and columns to records": [Group.COLUMNS]},
    ),
)
BAR = 0.16
INCHES_A_CASE = 0.62


def draw(figures: list[Figure], machine: list[str], folder: Path) -> list[Path]:
    """Write compare.svg, columns.svg and the same as PNG into the folder, if there are figures for them.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "pyspike"
    paths = []
    for picture in PICTURES:
        panels = {title: _measured(figures, groups) for title, groups in picture.panels.items()}
        panels = {title: measured for title, measured in panels.items() if measured}
        if panels:
            paths += _draw(picture, panels, machine, folder)
    return paths


def _draw(told: Picture, panels: dict[str, list[Figure]], machine: list[str], folder: Path) -> list[Path]:
    from matplotlib import pyplot as plt

    heights = [len({each.case for each in measured}) + 0.8 for measured in panels.values()]
    picture, axes = plt.subplots(
        len(panels),
        squeeze=False,
        figsize=(9, INCHES_A_CASE * sum(heights) + 1.2),
        height_ratios=heights,
        layout="constrained",
    )
    for axis, (title, measured) in zip(axes[:, 0], panels.items(), strict=True):
        _panel(axis, title, measured, told.form)
    picture.suptitle(told.title)
    picture.supxlabel("\n".join(machine), fontsize=6, color="#555555")
    paths = [folder / f"{told.name}.svg", folder / f"{told.name}.png"]
    picture.savefig(paths[0], metadata={"Date": None})
    picture.savefig(paths[1], dpi=150)
    plt.close(picture)
    return paths


def _measured(figures: list[Figure], groups: list[str]) -> list[Figure]:
    """Those of the groups; of asyncio only the reads, the writes look the same."""
    shown = {name for name, case in CASES.items() if case.group in groups and case.call != "async_put"}
    return [each for each in figures if each.status == OK and each.case in shown]


def _panel(axis: Any, title: str, figures: list[Figure], form: str) -> None:
    cases = list(dict.fromkeys(figure.case for figure in figures))
    clients = [name for name in COLOURS if any(figure.client == name for figure in figures)]
    for row, client in enumerate(clients):
        mine = [figure for figure in figures if figure.client == client]
        places = [cases.index(figure.case) + (row - (len(clients) - 1) / 2) * BAR for figure in mine]
        bars = axis.barh(places, [figure.cpu_us for figure in mine], BAR, color=COLOURS[client], label=client)
        axis.bar_label(bars, fmt=form, fontsize=6, padding=2)
    axis.set_yticks(range(len(cases)), [CASES[case].title for case in cases], fontsize=8)
    axis.invert_yaxis()
    axis.margins(x=0.08)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(title, loc="left", fontsize=10)
    axis.legend(fontsize=7, frameon=False)

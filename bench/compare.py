"""Measure pyspike and the other Aerospike clients for Python that are installed, in turn, on one server.

    python bench/compare.py                                    # an embedded server in a process of its own
    python bench/compare.py --hosts 127.0.0.1:3000             # a real one
    python bench/compare.py --cases get put async- --rounds 7
    python bench/compare.py --check                            # are the bars in comparison/bars.py reached?
    python bench/compare.py --awake                            # keeps idle cores from sleeping, see awake.py

Prints tables and writes compare.txt, compare.json, compare.md, and charts: compare.svg, columns.svg and the
same as PNG. CPU is the client's own, of all its threads. Each client runs a case in a new process, A B A B,
and what counts is the ratio within a round: the embedded server is plain Python and sets the pace, so
operations a second say little there.

Needs pyspike-aerospike[bench]; a client that is not installed is shown as such.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from comparison import awake, bars, cases, clients, figures, machine, markdown, report, runner, samples
from comparison.floor import FLOOR, Floor
from comparison.server import serving

__all__ = ["main"]

OUT = Path(__file__).parent / "out"


def arguments(given: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--hosts", metavar="HOST:PORT,...", help="a server that runs (default: an embedded one)")
    add("--cases", nargs="+", metavar="NAME", help="names or beginnings of names (default: all)")
    add("--clients", nargs="+", choices=list(clients.PEERS), default=list(clients.PEERS), metavar="NAME")
    add("--rounds", type=int, default=3, help="how often each client has its turn (default: 3)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=1.0, help="of a measurement (default: 1)")
    length.add_argument("--n", type=int, default=0, help="records of a measurement, instead of --seconds")
    add("--smoke", action="store_true", help="as few calls as show that everything runs; no figures to use")
    add("--awake", action="store_true", help="keep idle cores from sleeping, as where latency counts (Linux)")
    add("--check", action="store_true", help="hold the figures to their bars; 1 if one is missed")
    add("--out", type=Path, default=OUT, metavar="DIR", help="where files go (default: out, beside this one)")
    add("--json", action="store_true", help="print the JSON instead of the tables")
    add("--chart", action=argparse.BooleanOptionalAction, default=True, help="draw the charts")
    add("--list", action="store_true", help="print the names of all cases and end")
    options = parser.parse_args(given)
    if options.rounds < 1 or options.seconds <= 0 or options.n < 0:
        parser.error("--rounds, --seconds and --n are positive numbers")
    if options.check and options.smoke:
        parser.error("--check needs figures, a run with --smoke has none")
    if options.awake and not awake.possible():
        parser.error("--awake needs Linux")
    try:
        options.cases = cases.select(options.cases)
    except ValueError as error:
        parser.error(str(error))
    return options


def main(given: list[str] | None = None) -> int:
    """Measure, print, write; 1 if pyspike or the floor failed, or if a bar was missed."""
    options = arguments(given)
    if options.list:
        print("\n".join(case.name for case in options.cases))
        return 0
    talk = Console(stderr=True)
    rounds, count = (1, 20) if options.smoke else (options.rounds, options.n)
    queried = cases.SMOKE_QUERIED if options.smoke else cases.QUERIED
    if not any(case.finds for case in options.cases):
        queried = 0
    plan = runner.Plan(
        options.cases,
        options.clients,
        rounds,
        count,
        options.seconds,
        options.out.resolve(),
        options.smoke,
        queried,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    with serving(options.hosts, queried=queried) as server, talk.status("") as status:
        described = machine.describe(server, options.awake)
        floor = Floor(plan.out, server.hosts, server.nodes)
        with awake.awake(options.awake):
            results = runner.run(plan, server.hosts, floor, status.update)
    taken = figures.figures(plan.cases, plan.clients, results)
    _write(options, plan, taken, described, talk)
    ours = (clients.OURS, FLOOR)
    failed = any(figure.client in ours and figure.status == samples.FAILED for figure in taken)
    return int((options.check and _missed(options, taken, talk)) or failed)


def _missed(options: argparse.Namespace, taken: list[figures.Figure], talk: Console) -> bool:
    """Say of each bar whether it was reached; whether one was not, or there was none to reach."""
    judged = bars.judge(taken, options.clients, real=options.hosts is not None)
    out = talk if options.json else Console(width=report.WIDTH)
    for line in bars.lines(judged) or ["no bar is about these cases and clients"]:
        out.print(line, markup=False, highlight=False)
    return not judged or not all(each.ok for each in judged)


def _write(
    options: argparse.Namespace,
    plan: runner.Plan,
    taken: list[figures.Figure],
    described: dict[str, Any],
    talk: Console,
) -> None:
    document = json.dumps(
        {
            "machine": described,
            "plan": {
                "rounds": plan.rounds,
                "count": plan.count,
                "seconds": plan.seconds,
                "smoke": options.smoke,
            },
            "clients": [*plan.clients, FLOOR],
            "cases": {case.name: case.title for case in plan.cases},
            "figures": [figure.to_json() for figure in taken],
        },
        indent=1,
    )
    (options.out / "compare.json").write_text(document + "\n", encoding="utf-8")
    lines = machine.lines(described)
    if options.smoke:
        lines.append("a smoke run: these are no figures")
    with (options.out / "compare.txt").open("w", encoding="utf-8") as file:
        report.show(Console(file=file, width=report.WIDTH), taken, lines)
    (options.out / "compare.md").write_text(markdown.markdown(taken, lines), encoding="utf-8")
    if options.json:
        print(document)
    else:
        report.show(Console(width=None if sys.stdout.isatty() else report.WIDTH), taken, lines)
    if options.chart:
        _draw(options.out, taken, lines, talk)


def _draw(folder: Path, taken: list[figures.Figure], lines: list[str], talk: Console) -> None:
    from comparison import chart

    try:
        chart.draw(taken, lines, folder)
    except ImportError as error:
        talk.print(f"no chart: {error}")


if __name__ == "__main__":
    sys.exit(main())

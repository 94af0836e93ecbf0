"""Reads what the parts of `.ci/nightly` have left behind.

    python .ci/report.py skipped REPORT     the skipped tests of a JUnit report; ends with 1 if there are any
    python .ci/report.py table FOLDER       all parts

A part leaves a line in FOLDER/outcomes.txt (name, environment, outcome), its time in FOLDER/parts.txt, and a
JUnit report or lines that say what its tests came to, its environment the versions of what is in it.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

KINDS = {"failure": "failed", "error": "failed", "skipped": "skipped"}
FOR_EMBEDDED = "only the embedded cluster offers"  # why a run on a real one skips what one on that has run
JUDGE = "judge"  # the property of a test that ran those of others
# What judges are worth telling the versions of, by environment; of the suite's what tests measure against.
JUDGES = {
    "engines": "java ray pyspark dask polars pyarrow",
    "judges": "django cachelib limits dogpile-cache celery langgraph langchain-core feast",
    "outside": "aerospike feast langgraph-checkpoint-aerospike langgraph-store-aerospike py-key-value-aio",
    "columns": "pytest hypothesis pyarrow",
    "uwsgi": "pyuwsgi gunicorn",
}


def main(command: str, path: str) -> int:
    """Do what is asked for, and give the exit code."""
    if command == "table":
        print("\n".join(table(Path(path))))
        return 0
    reasons = skipped(Path(path))
    print("\n".join(f"skipped: {reason}" for reason in reasons))
    return 1 if reasons else 0


def cases(report: Path) -> Iterator[tuple[str, ElementTree.Element]]:
    """Each test of a report with its outcome."""
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = [KINDS[child.tag] for child in case if child.tag in KINDS]
        if FOR_EMBEDDED not in reason(case):
            yield (kinds[0] if kinds else "passed"), case


def skipped(report: Path) -> list[str]:
    """Which tests were not run, and why."""
    return [f"{case.get('name')}: {reason(case)}" for outcome, case in cases(report) if outcome == "skipped"]


def reason(case: ElementTree.Element) -> str:
    """Why a test was skipped, if it was."""
    element = case.find("skipped")
    return "" if element is None else element.get("message", "")


def table(folder: Path) -> list[str]:
    """A row a part, and below it what its judges said, and the versions of these."""
    times = dict(re.findall(r"(?m)^(\S+) +(\d+) s,", (folder / "parts.txt").read_text()))
    rows = []
    for line in (folder / "outcomes.txt").read_text().splitlines():
        name, place, outcome = line.split("\t")
        counts, said = results(folder, name)
        rows.append(f"{name:<12}{outcome:<9}{times.get(name, '-'):>6} s  {counts}".rstrip())
        rows += [f"{'':<12}{each}" for each in said]
        if told := versions(folder / f"{place}.versions", JUDGES[place]):
            rows.append(f"{'':<12}with {told}")
    return rows


def results(folder: Path, name: str) -> tuple[str, list[str]]:
    """How many tests of a part had each outcome, and what tests of others said in it."""
    lines = folder / f"{name}.said"
    if lines.exists():
        return "", lines.read_text().splitlines()
    reports = [path for path in (folder / f"{name}.xml", folder / f"{name}-embedded.xml") if path.exists()]
    found = [each for report in reports for each in cases(report)]
    if not found:
        return "no test was run", []
    counts = Counter(outcome for outcome, _ in found)
    said = [
        each.get("value", "")
        for _, case in found
        for each in case.iter("property")
        if each.get("name") == JUDGE
    ]
    return ", ".join(
        f"{counts[kind]} {kind}" for kind in ("passed", "failed", "skipped") if counts[kind]
    ), said


def versions(path: Path, names: str) -> str:
    """The versions of distributions that are installed."""
    if not path.exists():
        return ""
    lines = [line.split("==") for line in path.read_text().splitlines() if "==" in line]
    found = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}
    return ", ".join(f"{name} {found[name]}" for name in names.split() if name in found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

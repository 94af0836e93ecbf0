"""Runs tests of programs that others wrote for the official client with both clients: see README.md.

They run unchanged; what they ask of Docker is an embedded server (stand_ins/).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from run import served

HERE = Path(__file__).resolve().parent
STAND_INS = HERE / "stand_ins"
LIMIT = 900  # seconds
NOT_RUN = "not run"
GOOD = {"passed", "skipped"}


class Program(NamedTuple):
    """The tests of a program.

    Attributes:
        folder: what of its repository is needed, copied with all that is in it.
        keep: what of that is copied; all if it is empty. The program itself is an installed package.
        tests: the arguments of pytest.

    """

    folder: str
    keep: tuple[str, ...]
    tests: tuple[str, ...]


PROGRAMS = {
    "feast": Program(
        "feast/sdk/python",
        ("tests", "pytest.ini"),
        ("tests/unit/online_store/test_aerospike_online_retrieval.py",),
    ),
    "langgraph-checkpoint": Program(
        "aerospike-langgraph/packages/langgraph-checkpoint-aerospike", ("tests", "pytest.ini"), ("tests",)
    ),
    "langgraph-store": Program(
        "aerospike-langgraph/packages/langgraph-store-aerospike", ("tests", "pytest.ini"), ("tests",)
    ),
    "py-key-value": Program(
        "py-key-value", ("tests", "pyproject.toml"), ("tests/stores/aerospike", "-n", "0")
    ),
}


def main() -> int:
    """Run them, print what differs or fails, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", type=Path, help="the folder with the checkouts of their repositories")
    parser.add_argument("programs", nargs="*", help=f"some of {', '.join(PROGRAMS)}; all if there are none")
    options = parser.parse_args()
    good = True
    for name in options.programs or PROGRAMS:
        official = run(options.checkouts, PROGRAMS[name], (sys.executable,))
        compat = run(options.checkouts, PROGRAMS[name], (sys.executable, "-m", "pyspike.compat"))
        for client, found in (("official", official), ("compat", compat)):
            counts = Counter(outcome for outcome, _ in found.values())
            print(f"{name}, {client}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())))
        for test in sorted({*official, *compat}):
            first, second = (found.get(test, ("missing", "")) for found in (official, compat))
            if first[0] != second[0] or first[0] not in GOOD:
                good = False
                print(f"{test}: {first[0]} with the official client, {second[0]} with compat")
                print(first[1], second[1], sep="\n")
    return 0 if good else 1


def run(checkouts: Path, program: Program, start: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The outcome of each test, and the text of its failure."""
    with tempfile.TemporaryDirectory() as directory, served("8.1.2") as hosts:
        work = Path(directory) / "work"
        work.mkdir()
        for name in program.keep:
            source = checkouts / program.folder / name
            if source.is_dir():
                shutil.copytree(source, work / name)
            elif source.exists():
                shutil.copy(source, work)
        host, _, port = hosts.rpartition(":")
        environment = os.environ | {
            "AEROSPIKE_HOST": host,
            "AEROSPIKE_PORT": port,
            "FEAST_USAGE": "False",
            "PATH": f"{STAND_INS / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(STAND_INS),
        }
        report = Path(directory) / "report.xml"
        options = ("-q", "-p", "no:cacheprovider", "-p", "no:pyspike", f"--junitxml={report}")
        done = subprocess.run(
            [*start, "-m", "pytest", *options, *program.tests],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        if not report.exists():
            return {"all": (NOT_RUN, done.stdout[-2000:] + done.stderr[-2000:])}
        return outcomes(report)


def outcomes(report: Path) -> dict[str, tuple[str, str]]:
    """What a JUnit report tells of each test."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        outcome, text = "passed", ""
        for kind in ("skipped", "failure", "error"):
            for element in case.iter(kind):
                outcome, text = kind, f"{element.get('message')}\n{(element.text or '')[-3000:]}"
        found[f"{case.get('classname')}::{case.get('name')}"] = outcome, text
    return found


if __name__ == "__main__":
    sys.exit(main())

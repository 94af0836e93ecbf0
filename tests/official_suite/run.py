"""Runs the official client's suite, and compares each outcome with that on a real server: see README.md."""

from __future__ import annotations

import argparse
import collections
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
PASSED = {"passed", "xpassed"}
RANK = ["passed", "xpassed", "xfailed", "skipped", "failed", "error", "started", "hang"]
ENDED = {
    0,
    1,
    2,
    5,
}  # of pytest: passed, failed, a file that can't be imported, nothing left; all else: it died
TRIES = 40
FILE_LIMIT = 1500  # seconds
CONFIG = """[input-validation]
validate_keys: true

[community-edition]
hosts: {hosts}

[enterprise-edition]
hosts :
user :
password :
"""


def main() -> int:
    """Run it, print what differs, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of the official client")
    parser.add_argument("hosts", help="the server, as host:port")
    parser.add_argument("files", nargs="*", help="such as test_get_put; all of them if there are none")
    parser.add_argument("--client", choices=("compat", "official"), default="compat")
    parser.add_argument(
        "--log", type=Path, help="where the outcomes go, a JSON line each, with the failures' text"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory) / "test"
        prepare(options.checkout, work, options.hosts)
        log = options.log.resolve() if options.log else Path(directory) / "log.jsonl"
        names = options.files or sorted(path.stem for path in (work / "new_tests").glob("test_*.py"))
        for name in names:
            run_file(work, name, log, options.client)
        outcomes = read_outcomes(log)
    return told(outcomes, options.client)


def prepare(checkout: Path, work: Path, hosts: str) -> None:
    """Copy the suite, and say where the server is."""
    shutil.copytree(checkout / "test", work)
    (work / "config.conf").write_text(CONFIG.format(hosts=hosts))
    # The suite is older than the wheel, which has this class under another name.
    paths = work / "new_tests/test_path_expressions.py"
    paths.write_text(paths.read_text().replace("ResultRemove", "RemoveResult"))


def run_file(work: Path, name: str, log: Path, client: str) -> None:
    """Run the tests of a file, behind each that ends the process again."""
    arguments = [
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:pyspike",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            "-p",
            "outcomes",
        ),
        *("--timeout", "30", "--timeout-method", "signal", "-o", "timeout_func_only=true"),
        f"new_tests/{name}.py",
    ]
    path = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"OFFICIAL_LOG": str(log), "OFFICIAL_CLIENT": client, "PYTHONPATH": path}
    for _ in range(TRIES):
        try:
            code = subprocess.run(
                arguments, cwd=work, env=environment, stdout=subprocess.DEVNULL, timeout=FILE_LIMIT
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
        if code in ENDED:
            break
        print(f"{name}: the process ended with {code}", flush=True)
    print(f"{name}: done", flush=True)


def read_outcomes(log: Path) -> dict[str, tuple[str, str]]:
    """The worst outcome of each test, and the text of its failure."""
    found: dict[str, tuple[str, str]] = {}
    with log.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            before = found.get(row["id"], ("started", ""))[0]
            if before == "started" or RANK.index(row["outcome"]) > RANK.index(before):
                found[row["id"]] = row["outcome"], row.get("text", "")
    return found


def told(outcomes: Mapping[str, tuple[str, str]], client: str) -> int:
    """Print how many tests pass that should, and which do otherwise than is listed; 1 if one does."""
    with gzip.open(HERE / "real-8.1.2.txt.gz", "rt", encoding="utf-8") as lines:
        real = dict(line.rstrip("\n").rsplit("\t", 1) for line in lines)
    counted = [name for name in outcomes if real.get(name) in PASSED]
    failed = [name for name in counted if outcomes[name][0] not in PASSED]
    different = dict(read_different(HERE / f"different-{client}.txt"))
    unlisted = [name for name in failed if not any(part in name for part in different)]
    stale = [
        part
        for part in different
        if any(part in name for name in counted) and not any(part in name for name in failed)
    ]
    count = collections.Counter(outcome for outcome, _ in outcomes.values())
    print(", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items())))
    share = 100 * (len(counted) - len(failed)) / max(len(counted), 1)
    print(f"{len(counted) - len(failed)} of {len(counted)} that pass on a real server pass: {share:.1f}%")
    for name in unlisted:
        print(f"not listed: {name}: {reason(outcomes[name][1])}")
    for part in stale:
        print(f"listed, but passes: {part}")
    return 1 if unlisted or stale else 0


def read_different(path: Path) -> Iterator[tuple[str, str]]:
    """Parts of test ids, with the reason why they do not pass."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            part, _, why = line.partition("\t")
            assert why, f"no reason: {line}"
            yield part, why


def reason(text: str) -> str:
    """The line of a failure that says most."""
    lines = [line for line in text.splitlines() if line.startswith("E ")]
    return (lines[0] if lines else text[-200:])[:300]


if __name__ == "__main__":
    sys.exit(main())

"""Runs the official client's suite, and compares each outcome with that on a real server: see README.md."""

from __future__ import annotations

import argparse
import collections
import contextlib
import gzip
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspike import Client, ClientPolicy

HERE = Path(__file__).parent
PASSED = {"passed", "xpassed"}
RUN = {*PASSED, "failed", "error", "hang", "started"}
RANK = ["passed", "xpassed", "xfailed", "skipped", "failed", "error", "started", "hang"]
ENDED = {
    0,
    1,
    2,
    5,
}  # of pytest: passed, failed, a file that can't be imported, nothing left; all else: it died
TRIES = 40
FILE_LIMIT = 1500  # seconds
EMBEDDED = "embedded:"
ADMIN = "admin"  # a user, and its password
ENTERPRISE = ("--security", "--strong-consistency")
# A test of the second creates an index, of a namespace that there isn't, which one of the first has created.
AFTER = {"test_mapvalues_index": "test_mapkeys_index"}
CONFIG = """[input-validation]
validate_keys: true

[community-edition]
hosts: {community}

[enterprise-edition]
hosts: {enterprise}
user: {user}
password: {user}
"""


def main() -> int:
    """Run it, print what differs, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of the official client")
    parser.add_argument(
        "hosts", help="the server, as host:port; or embedded:8.1.2 for one that is started for this"
    )
    parser.add_argument("files", nargs="*", help="such as test_get_put; all of them if there are none")
    parser.add_argument("--client", choices=("compat", "official"), default="compat")
    parser.add_argument(
        "--log", type=Path, help="where the outcomes go, a JSON line each, with the failures' text"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="files at once, each with an embedded server of its own"
    )
    parser.add_argument(
        "--enterprise",
        action="store_true",
        help="on an embedded server with users and strong consistency: an Enterprise Edition",
    )
    options = parser.parse_args()
    embedded = options.hosts.startswith(EMBEDDED)
    if options.jobs > 1 and not embedded:
        parser.error("--jobs needs embedded servers: a file truncates what another one wrote")
    if options.enterprise and not embedded:
        parser.error("--enterprise needs embedded servers")
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as servers:
        log = options.log.resolve() if options.log else Path(directory) / "log.jsonl"
        places: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for job in range(options.jobs):
            work = Path(directory) / str(job)
            hosts = options.hosts
            if embedded:
                version = options.hosts.removeprefix(EMBEDDED)
                hosts = servers.enter_context(served(version, *(ENTERPRISE if options.enterprise else ())))
                if options.enterprise:
                    permit_all(hosts)
                    os.environ["OFFICIAL_ENTERPRISE"] = "1"
            prepare(options.checkout, work, hosts, enterprise=options.enterprise)
            places.put(work)
        names = options.files or sorted(path.stem for path in (work / "new_tests").glob("test_*.py"))

        def run(group: list[str]) -> None:
            place = places.get()
            for name in group:
                run_file(place, name, log, options.client)
            places.put(place)

        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(run, grouped(names)))
        outcomes = read_outcomes(log)
    return told(outcomes, options.client, may_skip=options.enterprise)


def grouped(names: list[str]) -> list[list[str]]:
    """The files, those together that have to be run on one server, one behind the other."""
    behind = {name: AFTER[name] for name in names if AFTER.get(name) in names}
    return [
        [name, *(other for other, first in behind.items() if first == name)]
        for name in names
        if name not in behind
    ]


@contextlib.contextmanager
def served(version: str, *more: str) -> Iterator[str]:
    """The host of an embedded server in a process of its own: the official client may hold the GIL."""
    command = [sys.executable, "-m", "pyspike", "serve", "--port", "0", "--server-version", version, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def permit_all(hosts: str) -> None:
    """Let the user do everything, and records of strong-consistent namespaces be deleted as others are."""
    with Client(hosts, policy=ClientPolicy(user=ADMIN, password=ADMIN)) as client:
        client.grant_roles(ADMIN, ["sys-admin", "data-admin", "read-write-udf"])
        client.info("set-config:context=namespace;id=test;strong-consistency-allow-expunge=true")


def prepare(checkout: Path, work: Path, hosts: str, *, enterprise: bool) -> None:
    """Copy the suite, and say where the server is."""
    shutil.copytree(checkout / "test", work)
    places = {"community": "", "enterprise": hosts} if enterprise else {"community": hosts, "enterprise": ""}
    (work / "config.conf").write_text(CONFIG.format(**places, user=ADMIN if enterprise else ""))
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


def told(outcomes: Mapping[str, tuple[str, str]], client: str, *, may_skip: bool) -> int:
    """Print how many tests pass that should, and which do otherwise than is listed; 1 if one does.

    Args:
        outcomes: of each test, with the text of its failure.
        client: which list of differences counts.
        may_skip: a test may be skipped that is not on the real server, which is another edition.
    """
    with gzip.open(HERE / "real-8.1.2.txt.gz", "rt", encoding="utf-8") as lines:
        real = dict(line.rstrip("\n").rsplit("\t", 1) for line in lines)
    skipped = {name for name, (outcome, _) in outcomes.items() if may_skip and outcome == "skipped"}
    counted = [name for name in outcomes if real.get(name) in PASSED and name not in skipped]
    # What was skipped there, mostly for the server's version or edition, passes where it runs.
    extra = [name for name in outcomes if real.get(name) == "skipped" and outcomes[name][0] in RUN]
    extra_failed = [name for name in extra if outcomes[name][0] not in PASSED]
    failed = [name for name in counted if outcomes[name][0] not in PASSED]
    different = dict(read_different(HERE / f"different-{client}.txt"))
    unlisted = [name for name in [*failed, *extra_failed] if not any(part in name for part in different)]
    stale = [
        part
        for part in different
        if any(part in name for name in [*counted, *extra])
        and not any(part in name for name in [*failed, *extra_failed])
    ]
    count = collections.Counter(outcome for outcome, _ in outcomes.values())
    print(", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items())))
    share = 100 * (len(counted) - len(failed)) / max(len(counted), 1)
    print(f"{len(counted) - len(failed)} of {len(counted)} that pass on a real server pass: {share:.1f}%")
    if extra:
        print(
            f"{len(extra) - len(extra_failed)} of {len(extra)} pass that a real 8.1.2 skips and this one runs"
        )
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

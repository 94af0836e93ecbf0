"""Runs the tests that frameworks have for their own caches and such, with those of pyspike.contrib.

    python tests/contrib/judges.py [django] [cachelib] [limits] ... [--hosts HOST:PORT] [--keep FOLDER]

The tests come with the frameworks' sdists, which pip brings into a temporary folder, of the versions that are
installed. They stay as they are; what is in `judged` has them use another backend. Feast's come with no
package: PYSPIKE_CHECKOUTS names a folder that has a checkout of its repository as `feast`. Without --hosts
there is an embedded cluster. Ends with 1 if a test failed. `test_judges.py` has a test a framework of this.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import agent_judges
from agent_judges import JUDGED, Run

VARIABLE = "PYSPIKE_CHECKOUTS"
CHECKOUTS = {"feast": "feast/sdk/python"}  # whose tests are in no package, and where a repository has them
JUDGE = "judge"  # the property of a test that says what a judge said
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "--override-ini=addopts=",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:anyio",
]


class Verdict(NamedTuple):
    """What a framework's tests say.

    Attributes:
        good: whether all passed.
        says: the framework, its version, and how many tests there were.
        output: the end of what they printed.

    """

    good: bool
    says: str
    output: str


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "judges", nargs="*", metavar="judge", help=f"{', '.join(JUDGES)}; without one all that are here"
    )
    parser.add_argument("--hosts", help="the nodes to use instead of embedded ones")
    parser.add_argument("--keep", type=Path, help="where sdists are brought, and found again")
    asked = parser.parse_args()
    with ExitStack() as stack:
        hosts = asked.hosts
        if hosts is None:
            from pyspike.server import EmbeddedCluster

            hosts = stack.enter_context(EmbeddedCluster(nodes=3, process=True)).hosts
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        verdicts = []
        for name in asked.judges or [each for each in JUDGES if not lacking(each)]:
            verdict = judge(name, hosts, folder)
            verdicts.append(verdict.good)
            if not verdict.good:
                print(verdict.output)
            print(verdict.says, flush=True)
    return 0 if all(verdicts) else 1


def lacking(name: str) -> str | None:
    """Why a framework can't judge here, if it can't."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    if name not in CHECKOUTS:
        return None
    folder = os.environ.get(VARIABLE)
    if not folder:
        return f"{name} has its tests in no package, and {VARIABLE} names no checkouts"
    place = Path(folder) / CHECKOUTS[name]
    return None if place.exists() else f"{name} has its tests in no package, and there is no {place}"


def judge(name: str, hosts: str, folder: Path) -> Verdict:
    """Run the tests of a framework on a cluster; what they need is brought into the folder."""
    if reason := lacking(name):
        raise SystemExit(reason)
    run = JUDGES[name](sources_of(name, folder / name))
    says = f"{name} {importlib.metadata.version(name)}"
    return verdict_of(says, run, JUDGED_URL=f"aerospike://{hosts}/test")


def sources_of(name: str, folder: Path) -> Path:
    """The tests of a framework, and what is beside them: its unpacked sdist, or a part of a checkout."""
    if not folder.exists():
        if name in CHECKOUTS:
            copy_tests(Path(os.environ[VARIABLE]) / CHECKOUTS[name], folder / "tests only")
        else:
            unpack_sdist(name, folder)
    (unpacked,) = (each for each in folder.iterdir() if each.is_dir() and each.name != "needs")
    return unpacked


def copy_tests(checkout: Path, folder: Path) -> None:
    """What is judged is the installed package, so nothing else of a checkout may be found first."""
    shutil.copytree(checkout / "tests", folder / "tests")
    shutil.copy(checkout / "pytest.ini", folder)


def unpack_sdist(name: str, folder: Path) -> None:
    """Bring the sdist of the version that is installed."""
    get = [sys.executable, "-m", "pip", "download", "-qq", "--no-binary", ":all:", "--no-deps"]
    version = importlib.metadata.version(name)
    subprocess.run([*get, "--dest", str(folder), f"{name}=={version}"], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def verdict_of(who: str, run: Run, **variables: str) -> Verdict:
    """Run tests, in an environment that a test run of ours has left no settings of pytest in."""
    path = os.pathsep.join(filter(None, [run.path and str(run.path), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**kept, **variables, **({"PYTHONPATH": path} if path else {})}
    done = subprocess.run(
        run.command,
        cwd=run.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    counts = re.findall(r"(?m)^(?:Ran .*|OK.*|FAILED \(.*|.* in [\d.]+s.*)$", done.stdout)
    return Verdict(not done.returncode, f"{who} says: {'; '.join(counts)}", done.stdout[-20_000:])


def by_django(sdist: Path) -> Run:
    shutil.copy(JUDGED / "django_cache.py", sdist / "tests/cache/test_aerospike.py")
    shutil.copy(JUDGED / "django_sessions.py", sdist / "tests/sessions_tests/test_aerospike.py")
    labels = ["cache.test_aerospike", "sessions_tests.test_aerospike"]
    return Run([sys.executable, "runtests.py", "--parallel", "1", *labels], sdist / "tests")


def by_cachelib(sdist: Path) -> Run:
    shutil.copy(JUDGED / "cachelib_cache.py", sdist / "tests/test_aerospike_cache.py")
    (sdist / "tests/xprocess.py").write_text("class ProcessStarter: pass\n")  # starts servers of others
    return Run([*PYTEST, "-p", "no:asyncio", "tests/test_aerospike_cache.py"], sdist)


def by_limits(sdist: Path) -> Run:
    needs = sdist.parent / "needs"
    if not needs.exists():
        get = [sys.executable, "-m", "pip", "install", "-qq", "--target", str(needs)]
        subprocess.run([*get, "flaky", "pytest-lazy-fixtures", "redis"], check=True)
    shutil.copy(JUDGED / "limits_conftest.py", sdist / "tests/conftest.py")
    files = [
        "test_storage",
        "test_strategy",
        "aio/test_storage",
        "aio/test_strategy",
        "integration/test_concurrency",
    ]
    command = [*PYTEST, "-p", "no:randomly", "-Wdefault", *(f"tests/{each}.py" for each in files)]
    return Run(command, sdist, needs)


JUDGES: dict[str, Callable[[Path], Run]] = {
    "django": by_django,
    "cachelib": by_cachelib,
    "limits": by_limits,
    **agent_judges.JUDGES,
}

if __name__ == "__main__":
    sys.exit(main())

"""Runs the tests that frameworks have for their own caches and such, with those of pyspike.contrib.

    python tests/contrib/judges.py [django] [cachelib] [limits] ... [--hosts HOST:PORT] [--keep FOLDER]

The tests come with the frameworks' sdists, which pip brings into a temporary folder, of the versions that are
installed. They stay as they are; what is in `judged` has them use another backend. Feast's come with no
package: FOLDER has to have a checkout of it as `feast/feast`. Without --hosts there is an embedded cluster.
Ends with 1 if a test failed.
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

import agent_judges

HERE = Path(__file__).parent
JUDGED = HERE / "judged"
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
        for name in asked.judges or [each for each in JUDGES if is_here(each, folder / each)]:
            sdist = sdist_of(name, folder / name)
            os.environ["JUDGED_URL"] = f"aerospike://{hosts}/test"
            good, counts = ran(*JUDGES[name](sdist))
            verdicts.append(good)
            print(f"{name} {importlib.metadata.version(name)} says: {counts}", flush=True)
    return 0 if all(verdicts) else 1


def is_here(name: str, folder: Path) -> bool:
    """Whether a package is installed, and its tests can be had."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return name not in agent_judges.CHECKOUTS or folder.exists()


def sdist_of(name: str, folder: Path) -> Path:
    """The unpacked sdist of the version of a package that is installed."""
    if not folder.exists():
        if name in agent_judges.CHECKOUTS:
            raise SystemExit(
                f"{name}: its tests are in no package: --keep has to have a checkout, {folder / name}"
            )
        get = [sys.executable, "-m", "pip", "download", "-qq", "--no-binary", ":all:", "--no-deps"]
        version = importlib.metadata.version(name)
        subprocess.run([*get, "--dest", str(folder), f"{name}=={version}"], check=True)
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    (unpacked,) = (each for each in folder.iterdir() if each.is_dir() and each.name != "needs")
    return unpacked


def ran(command: list[str], folder: Path, path: Path | None = None) -> tuple[bool, str]:
    """Whether tests passed, and how many of them."""
    if path is not None:
        others = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = f"{path}:{others}" if others else str(path)
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout[-20_000:])
    return not done.returncode, "; ".join(
        re.findall(r"(?m)^(?:Ran .*|OK.*|FAILED \(.*|.* in [\d.]+s.*)$", done.stdout)
    )


def by_django(sdist: Path) -> tuple[list[str], Path]:
    shutil.copy(JUDGED / "django_cache.py", sdist / "tests/cache/test_aerospike.py")
    shutil.copy(JUDGED / "django_sessions.py", sdist / "tests/sessions_tests/test_aerospike.py")
    labels = ["cache.test_aerospike", "sessions_tests.test_aerospike"]
    return [sys.executable, "runtests.py", "--parallel", "1", *labels], sdist / "tests"


def by_cachelib(sdist: Path) -> tuple[list[str], Path]:
    shutil.copy(JUDGED / "cachelib_cache.py", sdist / "tests/test_aerospike_cache.py")
    (sdist / "tests/xprocess.py").write_text("class ProcessStarter: pass\n")  # starts servers of others
    return [*PYTEST, "-p", "no:asyncio", "tests/test_aerospike_cache.py"], sdist


def by_limits(sdist: Path) -> tuple[list[str], Path, Path]:
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
    return command, sdist, needs


JUDGES: dict[str, Callable[[Path], tuple[list[str], Path] | tuple[list[str], Path, Path]]] = {
    "django": by_django,
    "cachelib": by_cachelib,
    "limits": by_limits,
    **agent_judges.JUDGES,
}

if __name__ == "__main__":
    sys.exit(main())

"""Builds wheels for Linux, for other platforms and Pythons than this one, and checks them, without a CI.

    python tools/wheels.py --headers DIR ...          all wheels, into dist/
    python tools/wheels.py --headers DIR ... --only 'cp314*-musllinux*' 'abi3-*' --twice
    python tools/wheels.py --run 'cp311-*_x86_64=python3.11' --run '*_aarch64=qemu-aarch64-static -L root ...'

zig compiles for what this machine is not (`zigcc`). A DIR is one with a Python.h, as `include/python3.14`
of an installation; which Python it is of is read in it. One of 3.14 and later serves the free-threaded
variant too. Of one commit and the same tools come the same bytes, wherever and whenever it is built:
--twice builds all again elsewhere and compares. A wheel gets into dist/ when `wheel_checks` has nothing
against it; --run has an interpreter use those in there whose tags fit the pattern. At last there are the
bill of materials and the checksums of all that is in dist/ (`wheel_sbom`). What has to be installed is in
the extra `wheels`.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import runpy
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import wheel_checks
import wheel_sbom
from commands import run

ROOT = Path(__file__).resolve().parents[1]
FREE_THREADED_FROM = (3, 14)
LIMITED = (3, 12)  # whose limited API is that of the wheel for all later versions (setup.py)


@dataclass(frozen=True)
class Platform:
    """Where a wheel runs.

    Args:
        tag: the platform of its name.
        target: what zig calls it.
        triplet: the end of the names of its modules.
    """

    tag: str
    target: str
    triplet: str

    @property
    def machine(self) -> str:
        """The processor."""
        return self.triplet.partition("-")[0]


PLATFORMS = [
    platform
    for machine in ("x86_64", "aarch64")
    for platform in (
        Platform(f"manylinux_2_17_{machine}", f"{machine}-linux-gnu.2.17", f"{machine}-linux-gnu"),
        Platform(f"musllinux_1_2_{machine}", f"{machine}-linux-musl", f"{machine}-linux-musl"),
    )
]


@dataclass(frozen=True)
class Python:
    """What a wheel is compiled for.

    Args:
        version: as (3, 14).
        headers: the directory with its Python.h.
        is_free_threaded: whether it is the variant without the global lock.
        is_limited: whether it is for all later versions as well, by the limited API.
    """

    version: tuple[int, int]
    headers: Path
    is_free_threaded: bool = False
    is_limited: bool = False

    @property
    def tag(self) -> str:
        """The Python of the wheel's name."""
        return "cp{}{}".format(*self.version)

    @property
    def abi(self) -> str:
        """The binary interface of the wheel's name."""
        return "abi3" if self.is_limited else self.tag + ("t" if self.is_free_threaded else "")

    def suffix(self, platform: Platform) -> str:
        """The end of the name of a compiled module, by which an interpreter finds it."""
        if self.is_limited:
            return ".abi3.so"
        # 3.10 says gnu where there is musl, too.
        triplet = platform.triplet.replace("musl", "gnu") if self.version < (3, 11) else platform.triplet
        return f".cpython-{self.abi[2:]}-{triplet}.so"


def pythons(directories: Iterable[Path]) -> list[Python]:
    """The Pythons whose headers these are, the free-threaded ones too, and that for all later versions.

    Raises:
        SystemExit: there are no headers in one of them.
    """
    found = []
    for headers in directories:
        try:
            text = (headers / "patchlevel.h").read_text()
            config = (headers / "pyconfig.h").read_text()
        except OSError as error:
            sys.exit(f"{headers}: these are no headers of a Python: {error.strerror}")
        major, minor = (
            int(re.findall(rf"PY_{part}_VERSION\s+(\d+)", text)[0]) for part in ("MAJOR", "MINOR")
        )
        if re.search(r"# *include *<", config):
            sys.exit(f"{headers}/pyconfig.h only says where the headers of each platform are: take those")
        found.append(Python((major, minor), headers))
        if (major, minor) >= FREE_THREADED_FROM:
            found.append(Python((major, minor), headers, is_free_threaded=True))
        if (major, minor) == LIMITED:
            found.append(Python((major, minor), headers, is_limited=True))
    return found


def build(tree: Path, python: Python, platform: Platform) -> Path:
    """Build a wheel out of a tree of sources, and in it.

    Args:
        tree: what is compiled once for all of them is kept in it.
        python: what for.
        platform: where it runs.
    """
    compiler = shlex.join(
        [sys.executable, str(tree / "tools" / "zigcc.py"), platform.target, str(python.headers)]
    )
    environment = {
        **os.environ,
        "CC": compiler,
        "LDSHARED": f"{compiler} -shared",
        "CFLAGS": "-DPy_GIL_DISABLED=1" if python.is_free_threaded else "",
        "PYSPIKE_LIMITED_API": "1" if python.is_limited else "",
        "SETUPTOOLS_EXT_SUFFIX": python.suffix(platform),
        "_PYTHON_HOST_PLATFORM": f"linux-{platform.machine}",
        "SOURCE_DATE_EPOCH": str(committed()),
        "PYTHONHASHSEED": "0",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    base = tree / "build" / f"{python.abi}-{platform.tag}"
    made = base / "dist"
    base_options, wheel_options = ["--build-base", str(base)], ["--bdist-dir", str(base / "wheel")]
    steps = ["build", *base_options, "bdist_wheel", "--dist-dir", str(made), *wheel_options]
    run([sys.executable, "setup.py", "-q", *steps], cwd=tree, env=environment)
    (wheel,) = made.glob("*.whl")
    tags = ["--python-tag", python.tag, "--abi-tag", python.abi, "--platform-tag", platform.tag]
    name = run([sys.executable, "-m", "wheel", "tags", "--remove", *tags, str(wheel)], env=environment)
    return made / name.split()[-1]


def committed() -> int:
    """When the commit was made that is built."""
    return int(run(["git", "log", "-1", "--format=%ct"], cwd=ROOT))


def copy_of_the_checkout(directory: Path) -> Path:
    """A copy of what git knows, in which nothing is left of other builds."""
    tree = directory / "tree"
    for name in run(["git", "ls-files", "-z"], cwd=ROOT).split("\0"):
        if name and (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    return tree


def chosen(found: Sequence[Python], patterns: Sequence[str]) -> list[tuple[Python, Platform]]:
    """What is to be built: what fits one of the patterns, in the order of the headers.

    Raises:
        SystemExit: nothing fits one of them, so that a release would lack what was meant.
    """
    pairs = [(python, platform) for python in found for platform in PLATFORMS]
    names = {pair: f"{pair[0].abi}-{pair[1].tag}" for pair in pairs}
    fitting = {pattern: set(fnmatch.filter(names.values(), pattern)) for pattern in patterns}
    if pairs and (idle := [pattern for pattern in patterns if not fitting[pattern]]):
        sys.exit(f"nothing fits {idle[0]!r}; there are {', '.join(names.values())}")
    return [pair for pair in pairs if any(names[pair] in fits for fits in fitting.values())]


def users(wheels: Sequence[Path], given: Sequence[str]) -> list[tuple[Path, str]]:
    """Which wheel is used by which interpreter.

    Args:
        wheels: all that there are.
        given: a pattern of tags, =, and the interpreter's command.

    Raises:
        SystemExit: one of them has no command, or there is no wheel for it.
    """
    found = []
    for each in given:
        pattern, _, command = each.partition("=")
        fitting = [
            wheel for wheel in wheels if fnmatch.fnmatchcase("-".join(wheel.stem.split("-")[3:]), pattern)
        ]
        if not command or not fitting:
            sys.exit(f"{each!r} {'runs no wheel' if command else 'lacks the command'}")
        found += [(wheel, command) for wheel in fitting]
    return found


def main() -> None:
    """Build, check, run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--headers", nargs="+", type=Path, default=[], metavar="DIR")
    parser.add_argument(
        "--only", nargs="+", default=["*"], metavar="PATTERN", help="such as cp314-musllinux*"
    )
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR")
    parser.add_argument("--twice", action="store_true", help="build all again, and compare")
    parser.add_argument("--run", action="append", default=[], metavar="PATTERN=COMMAND")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wanted = chosen(pythons(given.headers), given.only)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        tree = copy_of_the_checkout(Path(one))
        for python, platform in wanted:
            wheel = build(tree, python, platform)
            wheel_checks.check(wheel, tree / "src")
            shutil.copy2(wheel, given.out)  # one that is not as it has to be does not get among the others
            print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, checked", flush=True)
        if given.twice:
            tree = copy_of_the_checkout(Path(other) / "elsewhere")
            for python, platform in wanted:
                again = build(tree, python, platform)
                if again.read_bytes() != (given.out / again.name).read_bytes():
                    sys.exit(f"{again.name} is another one when it is built again")
                print(f"{again.name}: built again, the same bytes", flush=True)
    release = str(runpy.run_path(str(ROOT / "src" / "pyspike" / "version.py"))["__version__"])
    wheels = sorted(given.out.glob(f"pyspike_aerospike-{release}-*.whl"))
    for wheel, command in users(wheels, given.run):
        print(f"{wheel.name}: {wheel_checks.smoke(wheel, command)}", flush=True)
    sdists = sorted(given.out.glob(f"pyspike_aerospike-{release}.tar.gz"))
    wheel_sbom.write(given.out, [*wheels, *sdists], release, committed())


if __name__ == "__main__":
    main()

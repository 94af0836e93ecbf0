"""What a wheel has to be: looked at by the tools of others, by its size, and used by an interpreter."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from commands import run

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 2_500_000  # bytes of a wheel; CONTRIBUTING.md says what they are
PACKAGES = ("pyspike", "pyspark_aerospike")
# What musl has had since long before 1.2: its symbols have no versions by which auditwheel could tell.
OF_MUSL = {
    "__cxa_finalize", "__errno_location", "__stack_chk_fail", "abort", "bcmp", "calloc",
    "clock_gettime", "close", "dup2", "fcntl", "free", "fstat", "getpid", "ioctl", "ldexp", "malloc",
    "memchr", "memcmp", "memcpy", "memmove", "memset", "open", "poll", "pthread_atfork", "pthread_mutex_lock",
    "pthread_mutex_unlock", "pthread_self", "qsort", "read", "realloc", "recv", "send", "sendmsg",
    "setsockopt", "shutdown", "snprintf", "strchr", "strcmp", "strerror", "strlen", "strncmp",
    "strrchr", "strtod", "usleep", "vsnprintf", "write",
}  # fmt: skip


def check(wheel: Path, sources: Path) -> None:
    """Look at a wheel with all that knows how one has to be.

    Args:
        wheel: the wheel.
        sources: the directory with the packages that it was made of.

    Raises:
        SystemExit: it is not as it has to be.
    """
    if wheel.stat().st_size >= LARGEST:
        sys.exit(f"{wheel.name} has {wheel.stat().st_size:,} bytes, that is too much")
    tag = wheel.stem.rpartition("-")[2]
    told = run([sys.executable, "-m", "auditwheel", "show", str(wheel)]).replace("\n", " ")
    if f'following platform tag: "{tag}"' not in told:
        sys.exit(f"{wheel.name}: auditwheel says: {told}")
    # That there are two packages is W009, that the compiled module is in no checkout W102.
    contents = ["--no-config", "--ignore", "W009,W102", "--package-omit", "*.so,__pycache__"]
    contents += [f"--package={sources / name}" for name in PACKAGES] + ["--toplevel", ",".join(PACKAGES)]
    run([sys.executable, "-m", "check_wheel_contents", *contents, str(wheel)])
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheel)])
    if "abi3" in wheel.name:
        run([sys.executable, "-m", "abi3audit", "--strict", str(wheel)])
    if "musl" in tag and (unknown := imported(wheel) - OF_MUSL):
        sys.exit(f"{wheel.name} needs {', '.join(sorted(unknown))}: has musl 1.2.0 had them?")


def imported(wheel: Path) -> set[str]:
    """The symbols that a wheel's module takes from elsewhere than Python."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as directory:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        with open(archive.extract(name, directory), "rb") as file:
            table = ELFFile(file).get_section_by_name(".dynsym")
            assert isinstance(table, SymbolTableSection), "a module imports symbols of Python's"
            found = {
                each.name for each in table.iter_symbols() if each["st_shndx"] == "SHN_UNDEF" and each.name
            }
    return {name for name in found if not name.startswith(("Py", "_Py", "_ITM_", "__gmon"))}


def smoke(wheel: Path, command: str) -> str:
    """Have an interpreter use what is in a wheel; returns what it says."""
    with tempfile.TemporaryDirectory(dir=wheel.parent) as directory:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(directory)
        shutil.copy(ROOT / "tools" / "wheel_smoke.py", directory)
        copy_of_msgpack(Path(directory))
        return run([*shlex.split(command), str(Path(directory) / "wheel_smoke.py")], timeout=300).strip()


def copy_of_msgpack(directory: Path) -> None:
    """What the embedded server needs, without its compiled part, which is of this interpreter."""
    import msgpack

    source = Path(msgpack.__file__).parent
    shutil.copytree(source, directory / "msgpack", ignore=shutil.ignore_patterns("*.so", "__pycache__"))

"""tools/wheels.py: what wheels are called, what is looked at, and the program that uses what is built."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import runpy
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pyspike import _wire

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture(scope="module")
def tool() -> Iterator[Callable[[str], ModuleType]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        yield importlib.import_module


@pytest.fixture(scope="module")
def wheels(tool: Callable[[str], ModuleType]) -> ModuleType:
    return tool("wheels")


def headers(directory: Path, version: tuple[int, int], config: str = "") -> Path:
    directory.mkdir()
    lines = "".join(
        f"#define PY_{part}_VERSION {n}\n" for part, n in zip(("MAJOR", "MINOR"), version, strict=True)
    )
    (directory / "patchlevel.h").write_text(lines)
    (directory / "pyconfig.h").write_text(config)
    return directory


def test_each_python_and_platform_has_a_wheel_of_its_own(wheels: ModuleType, tmp_path: Path) -> None:
    found = wheels.pythons([headers(tmp_path / "a", (3, 10)), headers(tmp_path / "b", (3, 14))])
    assert [python.abi for python in found] == ["cp310", "cp314", "cp314t"]
    assert [python.tag for python in found] == ["cp310", "cp314", "cp314"]
    built = [(python.abi, platform.tag) for python, platform in wheels.chosen(found, ["*"])]
    assert len({*built}) == 3 * 4
    assert {tag for _, tag in built} == {
        "manylinux_2_17_x86_64",
        "manylinux_2_17_aarch64",
        "musllinux_1_2_x86_64",
        "musllinux_1_2_aarch64",
    }
    (_, limited) = wheels.pythons([headers(tmp_path / "c", (3, 12))])
    assert (limited.tag, limited.abi, limited.suffix(wheels.PLATFORMS[0])) == ("cp312", "abi3", ".abi3.so")
    only = wheels.chosen(found, ["cp314t-musllinux*", "cp310-*2_17_aarch64"])
    targets = ["aarch64-linux-gnu.2.17", "x86_64-linux-musl", "aarch64-linux-musl"]
    assert [platform.target for _, platform in only] == targets


def test_every_python_that_the_project_names_gets_wheels_on_a_mac_too() -> None:
    settings = (TOOLS.parent / "pyproject.toml").read_text()
    named = {f"cp3{minor}" for minor in re.findall(r"Python :: 3\.(\d+)", settings)}
    built = re.findall(r"(cp\w+)-\*", settings.partition("[tool.cibuildwheel]")[2].partition("\n[")[0])
    assert len(named) > 4
    assert named <= {*built}
    assert "cp314t" in built


def test_a_module_is_called_as_the_interpreter_looks_for_it(wheels: ModuleType) -> None:
    here = Path(sysconfig.get_paths()["include"])
    is_free = not getattr(sys, "_is_gil_enabled", lambda: True)()
    python = wheels.Python(sys.version_info[:2], here, is_free)
    suffixes = {python.suffix(platform) for platform in wheels.PLATFORMS}
    own = sysconfig.get_config_var("EXT_SUFFIX")
    if re.fullmatch(r"\.cpython-\d+t?-(x86_64|aarch64)-linux-(gnu|musl)\.so", own):
        assert own in suffixes
    (musl,) = (each for each in wheels.PLATFORMS if each.tag == "musllinux_1_2_aarch64")
    assert wheels.Python((3, 10), here).suffix(musl) == ".cpython-310-aarch64-linux-gnu.so"
    assert wheels.Python((3, 14), here, is_free_threaded=True).suffix(musl) == (
        ".cpython-314t-aarch64-linux-musl.so"
    )


def test_what_are_no_headers_is_refused(wheels: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no headers of a Python"):
        wheels.pythons([tmp_path])
    of_debian = headers(tmp_path / "debian", (3, 14), "#  include <x86_64-linux-gnu/python3.14/pyconfig.h>")
    with pytest.raises(SystemExit, match="take those"):
        wheels.pythons([of_debian])


def test_what_fits_no_wheel_is_refused(wheels: ModuleType, tmp_path: Path) -> None:
    found = wheels.pythons([headers(tmp_path / "a", (3, 10))])
    with pytest.raises(SystemExit, match=r"nothing fits 'cp311-\*'; there are cp310-manylinux_2_17_x86_64, "):
        wheels.chosen(found, ["cp310-*", "cp311-*"])
    wheel = Path("pyspike_aerospike-1.0-cp310-cp310-manylinux_2_17_x86_64.whl")
    assert wheels.users([wheel], ["cp310-*_x86_64=python -I=1"]) == [(wheel, "python -I=1")]
    with pytest.raises(SystemExit, match=r"'cp310-musl.*' runs no wheel"):
        wheels.users([wheel], ["*=python", "cp310-musl*=python"])
    with pytest.raises(SystemExit, match="lacks the command"):
        wheels.users([wheel], ["cp310-*"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="modules have another format here")
def test_what_a_module_takes_from_the_system_is_looked_at(
    tool: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    pytest.importorskip("elftools")
    wheel_checks = tool("wheel_checks")
    wheel = tmp_path / "pyspike-0-cp310-cp310-musllinux_1_2_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(str(_wire.__file__), "pyspike/_wire.so")
    found = wheel_checks.imported(wheel)
    assert {"recv", "memcpy"} <= found
    assert not [name for name in found if name.startswith("Py")]
    # glibc has names of its own: open64, __isoc23_strtol, __memcpy_chk; and there are those of debug builds.
    same = {re.sub(r"^__isoc\d+_|64$|^__(?=\w+_chk$)|_chk$", "", name) for name in found}
    same = {"pthread_atfork" if name == "__register_atfork" else name for name in same}
    debugging = {name for name in same if name.startswith(("__assert", "__asan", "__ubsan"))}
    assert same - debugging <= wheel_checks.OF_MUSL, "if musl 1.2.0 has them, OF_MUSL has to have them too"
    with wheel.open("ab") as file:
        file.truncate(wheel_checks.LARGEST + 1)
    with pytest.raises(SystemExit, match="too much"):
        wheel_checks.check(wheel, TOOLS.parent / "src")


def test_the_bill_of_materials_names_what_is_released_and_what_made_it(
    tool: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel_sbom = tool("wheel_sbom")
    monkeypatch.setattr(wheel_sbom, "version", {"Cython": "3.3.1", "ziglang": "0.17.1"}.get)
    monkeypatch.setattr(wheel_sbom, "MADE_BY", ["ziglang"])
    try:
        importlib.import_module("cyclonedx.validation.json")
    except ImportError:  # what the format is then is told by whoever releases
        monkeypatch.setattr(wheel_sbom, "complaint_of_cyclonedx", lambda text: None)
    for name in ("a.whl", "b.tar.gz"):
        (tmp_path / name).write_text(name)
    wheel_sbom.write(tmp_path, [tmp_path / "a.whl", tmp_path / "b.tar.gz"], "1.2.3", 1_700_000_000)
    of_a, of_b = (hashlib.sha256(name.encode()).hexdigest() for name in ("a.whl", "b.tar.gz"))
    assert (tmp_path / "SHA256SUMS").read_text() == f"{of_a}  a.whl\n{of_b}  b.tar.gz\n"
    bill = json.loads((tmp_path / "pyspike-aerospike.cdx.json").read_text())
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/pyspike-aerospike@1.2.3"
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert [made["name"] for made in bill["metadata"]["tools"]["components"]] == ["CPython", "ziglang"]
    cython, *files = bill["components"]
    assert cython["purl"] == "pkg:pypi/cython@3.3.1"
    assert {file["name"]: file["hashes"][0]["content"] for file in files} == {"a.whl": of_a, "b.tar.gz": of_b}


def test_the_program_that_uses_a_wheel_says_what_it_ran_on() -> None:
    ended = subprocess.run(
        [sys.executable, str(TOOLS / "wheel_smoke.py")], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"CPython \S+.* on \w+, _wire\..*\.so: all right in [\d.]+ s\n", ended.stdout)


def test_on_windows_a_build_says_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    setuptools = pytest.importorskip("setuptools")
    pytest.importorskip("Cython")
    told: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: told.update(options))
    monkeypatch.chdir(TOOLS.parent)
    runpy.run_path("setup.py")
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="does not run on Windows"):
        told["cmdclass"]["build_ext"].run(None)

"""The distribution: its name and extras, what the sdist has, and what is said where something is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyspike
from pyspike import other_distribution

ROOT = Path(__file__).parents[1]
PACKAGE = Path(pyspike.__file__).parent
EXTRA = re.compile(r"(pyspike[\w-]*)\[(\w+)\]")
MAIN = "import sys; sys.modules['click'] = None; from pyspike.cli import main; sys.exit(main(['--version']))"
PYTEST = "import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:pyspike', '-p', 'pyspike.testing']))"
FOREIGN = "def isi_distance():\n    return 0.0\n"
MIXED = "another distribution, pyspike 0.9.0, are installed in one directory"


def run(*command: str, path: Path, behind: str = "") -> subprocess.CompletedProcess[str]:
    """What comes of a command of Python that finds packages in `path` and has no others named pyspike.

    Unless they are in the directory `behind`, which comes last.
    """
    code = (
        "import sys, runpy\n"
        f"others = [each for each in sys.path if each != {str(PACKAGE.parent)!r}]\n"
        f"sys.path[:] = [{str(path)!r}, *others, {behind!r}]\n"
        "sys.argv[:] = sys.argv[1:]\n"
        "exec(sys.argv.pop()) if sys.argv[0] == '-c' else runpy.run_module(sys.argv[0], run_name='__main__')"
    )
    program = [sys.executable, "-c", code, *command]
    return subprocess.run(program, capture_output=True, text=True, check=False, cwd=path, timeout=60)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory of packages in which the Aerospike client is installed."""
    package = tmp_path / "pyspike"
    package.mkdir()
    for part in PACKAGE.iterdir():
        if part.name != "__init__.py":
            (package / part.name).symlink_to(part)
    (package / "__init__.py").write_bytes((PACKAGE / "__init__.py").read_bytes())
    # A file is at the place that a link leads to: a copy is where it is.
    (package / "other_distribution.py").unlink()
    (package / "other_distribution.py").write_bytes((PACKAGE / "other_distribution.py").read_bytes())
    (tmp_path / "pyspike_aerospike-0.1.0.dist-info").mkdir()
    return tmp_path


@pytest.fixture(params=["pyspike-0.9.0.dist-info", "pyspike-0.9.0-py3.11.egg-info"])
def mixed(request: pytest.FixtureRequest, site: Path) -> Path:
    """The same, and the distribution `pyspike` was installed before."""
    (site / request.param).mkdir()
    return site


def test_alone_it_is_imported_without_a_word(site: Path) -> None:
    ended = run("-c", "import pyspike; print(pyspike.__file__)", path=site)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert str(site) in ended.stdout


def test_beside_the_other_pyspike_importing_it_warns(mixed: Path) -> None:
    ended = run("-c", "import pyspike; print(pyspike.Client.__name__)", path=mixed)
    assert (ended.returncode, ended.stdout) == (0, "Client\n")
    assert "RuntimeWarning" in ended.stderr
    assert MIXED in ended.stderr
    assert "pip uninstall pyspike pyspike-aerospike" in ended.stderr


@pytest.mark.parametrize("command", [("pyspike", "--version"), ("-c", MAIN)], ids=["module", "script"])
def test_where_the_other_pyspike_has_the_package_the_command_says_so(
    mixed: Path, command: tuple[str, ...]
) -> None:
    (mixed / "pyspike" / "__init__.py").write_text(FOREIGN)
    ended = run(*command, path=mixed)
    assert ended.returncode == 2
    assert MIXED in ended.stderr
    assert "Traceback" not in ended.stderr


def test_where_the_other_pyspike_took_the_package_away_the_command_says_so(site: Path) -> None:
    (site / "pyspike" / "__init__.py").unlink()
    ended = run("pyspike", "--version", path=site)
    assert ended.returncode == 2
    assert "--force-reinstall pyspike-aerospike" in ended.stderr


def test_where_the_other_pyspike_has_the_package_a_fixture_says_so(mixed: Path) -> None:
    (mixed / "pyspike" / "__init__.py").write_text(FOREIGN)
    (mixed / "test_user.py").write_text("def test_client(aerospike_client): pass\n")
    ended = run("-c", PYTEST, path=mixed, behind=str(PACKAGE.parent))  # where pytest may be
    assert ended.returncode == 1
    assert MIXED in " ".join(ended.stdout.split())


def test_what_is_called_alike_is_no_collision(site: Path) -> None:
    for name in ("pyspike_tools-1.0.dist-info", "pyspike.egg-info", "pyspike-notes"):
        (site / name).mkdir()
    assert other_distribution.explanation(str(site / "pyspike")) is None


def test_a_package_in_a_zip_file_is_imported_too(site: Path) -> None:
    assert other_distribution.found_in(str(site / "packages.zip")) is None


def test_without_msgpack_the_server_says_which_extra_brings_it() -> None:
    code = "import sys; sys.modules['msgpack'] = None; import pyspike.cli, pyspike.testing, pyspike.server"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: pyspike.server needs msgpack; "
        "install it with: pip install 'pyspike-aerospike[server]'"
    )


def test_extras_are_named_by_the_distribution() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'name = "pyspike-aerospike"' in text
    tables = text.partition("[project.optional-dependencies]")[2]
    extras = set(re.findall(r"^(\w+) = \[", tables, re.MULTILINE))
    sources = [
        ROOT / "pyproject.toml",
        *ROOT.glob("*.md"),
        *PACKAGE.rglob("*.py"),
        *ROOT.glob("bench/**/*.py"),
    ]
    named = {found for path in sources for found in EXTRA.findall(path.read_text(encoding="utf-8"))}
    assert {name for name, _ in named} == {"pyspike-aerospike"}
    assert {extra for _, extra in named} <= extras


def test_the_sdist_has_what_the_readme_links_to() -> None:
    from setuptools._distutils.filelist import FileList

    files = FileList()
    files.allfiles = [
        str(path.relative_to(ROOT))
        for folder in ("docs", "tests", "bench", ".ci", ".")
        for path in (ROOT.glob("*") if folder == "." else (ROOT / folder).rglob("*"))
        if path.is_file()
    ]
    for line in (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines():
        files.process_template_line(line)
    linked = set(re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert len(linked) >= 3
    assert linked <= set(files.files)


@pytest.mark.parametrize(
    "program",
    [
        "from pyspike import *; Client('127.0.0.1:1', ClientPolicy(fail_if_not_connected=False)).close()",
        "import pyspike.server, logging; logging.getLogger('pyspike.server').warning('a fault')",
    ],
)
def test_what_is_logged_is_not_printed(program: str) -> None:
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == found.stderr == ""

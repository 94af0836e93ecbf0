"""The command as a whole: what it says when it can't do what it was asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyspike.cli import main
from pyspike.version import __version__


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pyspike, version {__version__}\n"


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "Exit codes: 0 done" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from pyspike.cli import main; sys.exit(main([]))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"pyspike: the command line needs {missing}; install it with: pip install 'pyspike-aerospike[cli]'\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["get", "test", "users"],
        ["get", "test", "users", "ann", "--key-type", "int"],
        ["get", "test", "users", "abc", "--key-type", "hex"],
        ["get", "test", "users", "ann", "--hosts", "http://localhost"],
        ["get", "test", "users", "ann", "--timeout", "0"],
        ["demo", "--records", "0"],
        ["serve", "--namespaces", ""],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_cluster_that_is_not_there_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--hosts", "127.0.0.1:1"]) == 3
    error = capsys.readouterr().err
    assert error.startswith("pyspike: ")
    assert "127.0.0.1:1" in error
    assert "advice: " in error

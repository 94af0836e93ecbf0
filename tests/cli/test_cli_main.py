"""The command as a whole: what it says when it can't do what it was asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyspike.cli import main
from pyspike.server import EmbeddedCluster
from pyspike.version import __version__

SHELL_PAGE = Path(__file__).parents[2] / "docs" / "shell.md"
PROGRAM = [sys.executable, "-m", "pyspike"]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pyspike, version {__version__}\n"


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "Exit codes: 0 done" in capsys.readouterr().out


def test_the_page_about_the_command_has_all_subcommands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].partition("\n\n")[0]
    table = "".join(re.findall(r"^\|.*$", SHELL_PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    names = re.findall(r"^  (\w+)", listed, re.MULTILINE)
    assert len(names) > 20
    assert [name for name in names if not re.search(rf"`{name}[` ]", table)] == []


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


@pytest.mark.parametrize("words", [["-1", "--key-type", "int"], ["-x"], ["--", "-1"]])
def test_a_key_that_looks_like_an_option_goes_behind_two_dashes(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    # The last is understood, and finds no server.
    code = main(["get", "--hosts", "127.0.0.1:1", "test", "users", *words])
    hint = "go behind '--': pyspike get [OPTIONS] -- NAMESPACE SET KEY"
    assert (code, hint in capsys.readouterr().err) == ((3, False) if "--" in words else (2, True))


@pytest.mark.parametrize("words", [["get", "test", "users", "ann", "--jsn"], ["-1"], ["serve", "--nodez"]])
def test_what_is_no_argument_gets_no_such_hint(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "go behind" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["info", "--hosts", "127.0.0.1:1"], 3, "ConnectFailed"),
        (["get", "test", "users", "ann", "--hosts", "127.0.0.1:1"], 3, "ConnectFailed"),
        (["get", "test", "users", "ann", "--hosts", "http://localhost"], 2, "InvalidArgument"),
        (["get", "test", "users"], 2, "MissingParameter"),
        (["get", "test", "users", "-1"], 2, "NoSuchOption"),
        (["put", "test", "users", "ann", "{"], 2, "BadParameter"),
        (["delete", "test", "users", "x", "--key-type", "int"], 2, "BadParameter"),
        (["nosuch"], 2, "NoSuchCommand"),
    ],
)
def test_with_json_every_error_is_json(
    arguments: list[str], code: int, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"]) == code
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert (error["type"] if kind != "NoSuchCommand" else kind, err) == (kind, "")
    assert error["message"]


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["info"], ["info", "--json"]])
def test_output_that_can_not_be_written_is_told_in_one_line(
    words: list[str], unbuffered: str, hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    monkeypatch.setenv("PYSPIKE_HOSTS", hosts)
    with FULL.open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (
        5,
        "pyspike: the output can't be written: No space left on device\n",
    )


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_complaints_that_can_not_be_written_leave_the_exit_code(
    unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with FULL.open("w") as full:
        ended = subprocess.run([*PROGRAM, "nosuch"], stderr=full, check=False)
    assert ended.returncode == 2


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [*PROGRAM, "demo", "--records", "50", "--seconds", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("cluster ")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 5


def test_a_closed_stdout_takes_nothing_and_harms_nothing() -> None:
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    for words in (["--version"], ["demo", "--records", "20", "--seconds", "1"]):
        program = [sys.executable, "-c", code, *PROGRAM[1:], *words]
        ended = subprocess.run(program, stderr=subprocess.PIPE, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_every_text_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with EmbeddedCluster() as cluster:
        monkeypatch.setenv("PYSPIKE_HOSTS", cluster.hosts)
        record = ["test", "users", "\N{SNOWMAN}"]
        shown = []
        for words in (["put", *record, '{"a": "\N{SNOWMAN}"}'], ["get", *record], ["get", *record, "--json"]):
            ended = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False)
            assert (ended.returncode, ended.stderr) == (0, "")
            shown.append(ended.stdout)
    assert r'"\u2603"' in shown[1]
    assert json.loads(shown[2])["bins"] == {"a": "\N{SNOWMAN}"}


def test_a_cluster_that_is_not_there_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--hosts", "127.0.0.1:1"]) == 3
    error = capsys.readouterr().err
    assert error.startswith("pyspike: ")
    assert "127.0.0.1:1" in error
    assert "advice: " in error

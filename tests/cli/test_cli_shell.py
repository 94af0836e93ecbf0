"""shell: Python with a client, typed, piped or as one command."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import pytest

from pyspike import Client, Key
from pyspike.cli import main


@pytest.fixture
def words(hosts: str) -> list[str]:
    return ["shell", "--hosts", hosts, "--timeout", "5000"]


def test_a_command_has_a_client_and_the_names_of_pyspike(
    words: list[str], key: Key, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    made = f"_ = client.operate({key!r}, [op.put('a', 1)]); client.get({key!r})['a']"
    assert main([*words, "-c", made]) == 0
    assert capsys.readouterr().out == "1\n"
    assert client.get(key)["a"] == 1
    block = "for number in range(2):\n    print(number)\n\nexp.int_bin('a') is None"
    assert main([*words, "--command", block]) == 0
    assert capsys.readouterr().out == "0\n1\nFalse\n"


def test_errors_are_told_and_end_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "-c", "client.get(('test', 's', 'nobody'))\nprint('later')"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("RecordNotFound: record not found")
    assert "Traceback" not in captured.err
    for wrong, told in (("1 / 0", "ZeroDivisionError"), ("a b", "SyntaxError")):
        assert main([*words, "-c", wrong]) == 1
        assert told in capsys.readouterr().err


WHOLE = [
    ('for i in range(2):\n    print(i)\nprint("x")', "0\n1\nx\n"),
    ("def f():\n    a=1\n\n    return a\nf()", "1\n"),
    ("class A:\n    b = 1\n\n    def c(self):\n        return 2\nA.b\nA().c()\n", "1\n2\n"),
    ("if True:\n    1\nelse:\n    2\n'a'; 'b'", "1\n'a'\n'b'\n"),
    ("from __future__ import annotations\ndef f(a: nobody): ...\nf.__annotations__", "{'a': 'nobody'}\n"),
    ('text = """a\n\n    b\x0cc"""\nlen(text)', "10\n"),
    (
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    print('no')\nfinally:\n    print('done')",
        "no\ndone\n",
    ),
    ("# nothing", ""),
    ("", ""),
]
INCOMPLETE = ["print(1)\nprint((2", "for i in range(2):", '"""a', "print(1)\nif True:\n", "1 +", "@property"]


@pytest.mark.parametrize("piped", [False, True])
def test_code_is_compiled_as_a_whole(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, piped: bool
) -> None:
    def run(text: str) -> tuple[int, str, str]:
        if piped:
            monkeypatch.setattr("sys.stdin", io.StringIO(text))
        code = main(words if piped else [*words, "-c", text])
        return code, *capsys.readouterr()

    for text, printed in WHOLE:
        assert run(text) == (0, printed, "")
    for text in INCOMPLETE:
        code, out, told = run(text)
        assert (code, out) == (1, "")
        assert "SyntaxError" in told or "IndentationError" in told
    code, out, told = run("1\nnobody\n2")
    assert (code, out) == (1, "1\n")
    assert "NameError" in told


def test_lines_may_come_from_a_pipe(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("def twice(a):\n    return 2 * a\n\ntwice(4)\n"))
    assert main(words) == 0
    assert capsys.readouterr().out == "8\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no terminals here")
def test_at_a_terminal_tab_completes_and_lines_are_kept(words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("readline")
    import pty
    import subprocess

    history = tmp_path / "history"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pyspike", *words],
        stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "PYSPIKE_HISTORY": str(history), "TERM": "dumb"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        seen = _until(ours, b">>> ")
        assert b"pyspike " in seen
        os.write(ours, b"ResultCode.KEY_BU\t.value * 2\n")
        assert b"28" in _until(ours, b">>> ")
        os.write(ours, b"\x04")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert "ResultCode.KEY_BUSY.value * 2" in history.read_text()


def _until(terminal: int, end: bytes) -> bytes:
    """What the terminal shows up to some text."""
    seen, late = b"", time.monotonic() + 30
    while not seen.endswith(end):
        assert time.monotonic() < late, seen
        seen += os.read(terminal, 4096)
    return seen

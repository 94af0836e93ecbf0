"""The commands of docs/bench.md run, on fewer keys and for a shorter time, and write the files they name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pyspike.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"
LINES = [
    line
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_the_page_has_commands() -> None:
    assert len(LINES) == 6
    assert all(line.startswith("pyspike bench ") for line in LINES)


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_page_runs(
    line: str, hosts: str, set_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "--chart" in line:
        pytest.importorskip("matplotlib")
    words = [
        *shlex.split(line)[1:],
        "--hosts",
        hosts,
        "--set",
        set_name,
        "--start-key",
        "2000000",
        "--keys",
        "100",
    ]
    for option, less in (("--duration", "0.2"), ("--warm-up", "0.1")):
        if option in words:
            words += [option, less]
    if "--processes" in words:  # which are forked, and not out of this process with its threads
        subprocess.run([sys.executable, "-m", "pyspike", *words], check=True, capture_output=True)
    else:
        assert main(words) == 0
    files = re.findall(r"bench\.\w+", line)
    assert {path.name for path in tmp_path.iterdir()} == {*files}
    assert all((tmp_path / name).stat().st_size for name in files)

"""scan, query, index and truncate: what is in a set, and what finds it, from the shell."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import Client, ClientPolicy, Cursor, GeoJSON, Statement
from pyspike.cli import main, searching

COUNT = 60
RUN = os.urandom(4).hex()
SET = f"cli-{RUN}"
PATIENT = ("--timeout", "20000")
INDEXES = {
    "n": ("n", "numeric", "value"),
    "s": ("s", "string", "value"),
    "y": ("y", "blob", "value"),
    "g": ("g", "geo2dsphere", "value"),
    "r": ("r", "geo2dsphere", "value"),
    "l": ("l", "numeric", "list"),
    "k": ("m", "string", "keys"),
    "v": ("m", "numeric", "values"),
}


def bins(number: int) -> dict[str, Any]:
    area = {"type": "AeroCircle", "coordinates": [[float(number), 0.0], 20_000.0]}
    return {
        "n": number,
        "s": f"s{number % 5}",
        "y": bytes((number % 7,)),
        "g": GeoJSON({"type": "Point", "coordinates": [number / 10, 0.5]}),
        "r": GeoJSON(area),
        "l": [number, -(number % 4)],
        "m": {f"k{number % 3}": number, "all": 1000},
    }


class Shell:
    """Runs the command with the hosts of this run, and keeps what it printed."""

    def __init__(self, hosts: str, captured: pytest.CaptureFixture[str]) -> None:
        self.hosts = hosts
        self._captured = captured
        self.out = self.error = ""

    def __call__(self, command: str, *arguments: str) -> int:
        code = main([*command.split(), *PATIENT, "--hosts", self.hosts, *arguments])
        self.out, self.error = self._captured.readouterr()
        return code

    def lines(self, command: str, *arguments: str) -> list[Any]:
        assert self(command, *arguments) == 0, self.error
        return [json.loads(line) for line in self.out.splitlines()]

    def numbers(self, command: str, *arguments: str) -> list[int]:
        return sorted(record["bins"]["n"] for record in self.lines(command, *arguments))


@pytest.fixture(scope="module")
def filled(hosts: str) -> Iterator[Client]:
    """The client; the set has its records and indexes, which were created by the command."""
    with Client(hosts, ClientPolicy(timeout=20_000)) as client:
        client.batch_put([(("test", SET, number), bins(number)) for number in range(COUNT)])
        for name, (bin_name, kind, part) in INDEXES.items():
            arguments = ["test", SET, f"{name}{RUN}", "--bin", bin_name, "--type", kind, "--of", part]
            assert main(["index", "create", *PATIENT, "--hosts", hosts, *arguments]) == 0
        yield client
        for name in INDEXES:
            client.drop_index("test", f"{name}{RUN}").wait(10_000)
        client.truncate("test", SET)


@pytest.fixture
def shell(filled: Client, hosts: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(hosts, capsys)


# --- records ------------------------------------------------------------------------------------------------


def test_a_scan_prints_all_records_as_get_does(shell: Shell) -> None:
    found = shell.lines("scan", "test", SET)
    assert sorted(record["bins"]["n"] for record in found) == list(range(COUNT))
    seven = next(record for record in found if record["bins"]["n"] == 7)
    assert shell("get", "test", SET, "7", "--key-type", "int", "--json") == 0
    got = json.loads(shell.out)
    assert (seven["bins"], seven["generation"], seven["ttl"]) == (got["bins"], got["generation"], got["ttl"])
    assert seven["key"]["digest"] == got["key"]["digest"]
    some = shell.lines("scan", "test", SET, "--bins", "n,s", "--max-records", "5")
    assert [record["bins"].keys() for record in some] == [{"n", "s"}] * 5
    assert shell.error == ""


CONDITIONS: dict[str, Callable[[int], bool]] = {
    "n = 5": lambda n: n == 5,
    "n between 10 and 19": lambda n: 10 <= n <= 19,
    '"n" between 50 and 9223372036854775807': lambda n: n >= 50,
    's = "s3"': lambda n: n % 5 == 3,
    'y={"$bytes": "03"}': lambda n: n % 7 == 3,
    "list(l) = -3": lambda n: n % 4 == 3,
    "list( l ) between 40 and 9223372036854775807": lambda n: n >= 40,
    'keys(m) = "k2"': lambda n: n % 3 == 2,
    "values(m) between 5 and 8": lambda n: 5 <= n <= 8,
    "values(m) = 12": lambda n: n == 12,
    'g within {"type": "AeroCircle", "coordinates": [[1.0, 0.5], 12000]}': lambda n: 9 <= n <= 11,
    'r contains {"type": "Point", "coordinates": [30.0, 0.1]}': lambda n: n == 30,
}


def test_a_query_and_a_scan_find_what_meets_a_condition(shell: Shell) -> None:
    for text, test in CONDITIONS.items():
        expected = [number for number in range(COUNT) if test(number)]
        assert shell.numbers("query", "test", SET, "--where", text) == expected, text
        assert shell.numbers("scan", "test", SET, "--where", text) == expected, text


MISTAKES = {
    "n": "as in: age between",
    "n > 5": "as in: age between",
    "n = Ann": 'as "Ann" does',
    "n = 2.5": "only integers, texts and bytes",
    "n between 5": "two integers",
    "n between 5 and 4": "5",
    "n = 99999999999999999999": "99999999999999999999",
    "g within 5": "GeoJSON",
    "set(n) = 5": "as in: age between",
}


def test_what_is_no_condition_is_wrong_usage(shell: Shell) -> None:
    for text, words in MISTAKES.items():
        assert shell("query", "test", SET, "--where", text) == 2, text
        assert words in shell.error, (text, shell.error)
    assert shell("scan", "test", SET, "--where", "list(g) within {}") == 2
    assert shell("query", "test", SET) == 2
    assert shell("query", "test", SET, "--where", "x = 1") == 4
    assert "index" in shell.error
    assert shell("query", "test", SET, "--where", "x = 1", "--json") == 4
    assert json.loads(shell.out)["error"]["name"] == "INDEX_NOT_FOUND"
    assert shell("scan", "no_such_namespace") == 4


# --- going on -----------------------------------------------------------------------------------------------


def test_pages_give_every_record_once(shell: Shell, tmp_path: Path) -> None:
    for command in (["scan", "test", SET], ["query", "test", SET, "--where", "n between 5 and 44"]):
        path = tmp_path / f"{command[0]}.cursor"
        pages = []
        while page := shell.numbers(*command, "--max-records", "17", "--cursor", str(path)):
            pages.append(page)
            assert len(pages) < 10
        assert Cursor.from_bytes(path.read_bytes()).done
        wanted = range(COUNT) if command[0] == "scan" else range(5, 45)
        assert sorted(number for page in pages for number in page) == list(wanted)
        assert {len(page) for page in pages[:-1]} == {17}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["query.cursor", "scan.cursor"]


def test_what_is_interrupted_goes_on(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "cursor")
    plain, seen = searching.record_to_json, []

    def interrupted(record: Any) -> Any:
        seen.append(record)
        if len(seen) == 20:
            raise KeyboardInterrupt
        return plain(record)

    monkeypatch.setattr(searching, "record_to_json", interrupted)
    assert shell("scan", "test", SET, "--cursor", path) == 130
    first = [json.loads(line)["bins"]["n"] for line in shell.out.splitlines()]
    monkeypatch.undo()
    assert len(first) == 20
    assert sorted(first + shell.numbers("scan", "test", SET, "--cursor", path)) == list(range(COUNT))


def run(shell: Shell, *arguments: str, **streams: Any) -> int:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "pyspike", *arguments, *PATIENT, "--hosts", shell.hosts]
    return subprocess.run(command, timeout=60, check=False, **streams).returncode


def test_what_could_not_be_written_is_printed_again(shell: Shell, tmp_path: Path) -> None:
    path = str(tmp_path / "cursor")
    with open("/dev/full", "w") as full:
        assert run(shell, "scan", "test", SET, "--cursor", path, stdout=full) == 5
    assert shell.numbers("scan", "test", SET, "--cursor", path) == list(range(COUNT))


def test_a_cursor_that_is_none_is_wrong_usage(shell: Shell, tmp_path: Path, filled: Client) -> None:
    path = tmp_path / "cursor"
    path.write_bytes(b"no cursor")
    assert shell("scan", "test", SET, "--cursor", str(path)) == 2
    assert "can't be read" in shell.error
    assert path.read_bytes() == b"no cursor"
    path.write_bytes(filled.query(Statement("test", "another")).cursor.to_bytes())
    assert shell("scan", "test", SET, "--cursor", str(path)) == 2
    assert shell("scan", "test", SET, "--cursor", str(tmp_path / "no" / "folder")) != 0


def test_a_terminal_has_a_progress_bar(shell: Shell, tmp_path: Path) -> None:
    outer, inner = pty.openpty()
    with (tmp_path / "records").open("w") as records:
        assert run(shell, "scan", "test", SET, stdout=records, stderr=inner) == 0
    os.close(inner)
    shown = os.read(outer, 65536).decode()
    os.close(outer)
    assert f"/{COUNT}" in shown
    assert len((tmp_path / "records").read_text().splitlines()) == COUNT


# --- indexes and truncation ---------------------------------------------------------------------------------


def test_indexes_are_listed_and_dropped(shell: Shell, filled: Client) -> None:
    mine = [line for line in shell.lines("index list", "test", "--json") if line["set"] == SET]
    assert {line["name"]: (line["bin"], line["type"], line["of"]) for line in mine} == {
        f"{name}{RUN}": what for name, what in INDEXES.items()
    }
    assert all(line["built"] and line["namespace"] == "test" for line in mine)
    assert shell("index list") == 0
    assert f"test.{SET}  k{RUN}  string  keys(m)" in shell.out.splitlines()
    name = f"x{RUN}"
    (made,) = shell.lines("index create", "test", SET, name, "--type", "set", "--json")
    assert made == {"namespace": "test", "name": name, "created": True, "built": True}
    assert shell("index list", "test") == 0
    assert f"test.{SET}  {name}  set  all records" in shell.out.splitlines()
    (dropped,) = shell.lines("index drop", "test", name, "--json")
    assert dropped == {"namespace": "test", "name": name, "dropped": True}
    assert shell("index drop", "test", name) == 1
    assert shell.error.startswith(f"pyspike: namespace test has no index {name}")
    assert shell("index create", "test", SET, name, "--type", "numeric") == 2
    assert shell("index create", "test", SET, name, "--type", "set", "--bin", "n") == 2
    assert shell("index create", "test", SET, f"n{RUN}", "--type", "string", "--bin", "s2") == 4


def test_truncate_asks_before_it_does(shell: Shell, filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    other = f"{SET}-t"
    filled.batch_put([(("test", other, number), {"n": number}) for number in range(5)])
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert shell("truncate", "test", other) == 2
    assert "--yes" in shell.error
    for answer, code in (("n\n", 130), ("", 130)):
        terminal = io.StringIO(answer)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)
        assert shell("truncate", "test", other) == code
        assert f"Remove all records of set {other} of namespace test?" in shell.error
    assert shell.numbers("scan", "test", other) == list(range(5))
    assert shell("truncate", "test", other, "--yes", "--before", "2020-01-01T00:00:00Z") == 0
    assert shell.numbers("scan", "test", other) == list(range(5))
    assert shell("truncate", "test", other, "--yes", "--before", "2020-01-01") == 2
    terminal = io.StringIO("y\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert shell("truncate", "test", other) == 0
    assert shell.lines("scan", "test", other) == []
    (told,) = shell.lines("truncate", "test", other, "--yes", "--json")
    assert told == {"namespace": "test", "set": other, "truncated": True}
    assert shell("truncate", "no_such_namespace", "--yes") != 0

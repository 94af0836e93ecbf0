"""export, load and copy that are killed (SIGKILL) go on where their files of notes tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyspike
from pyspike import BatchPolicy, Client, ClientPolicy, Statement

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("click")

COUNT = 60
SET = f"killed-{os.urandom(4).hex()}"
POLICY = BatchPolicy(total_timeout=20_000)

# Runs the command, and kills its process as soon as a function is called for the so-manyth time.
KILLED = """
import importlib, os, signal, sys

path, count, *arguments = sys.argv[1:]
module, _, path = path.partition(":")
*owners, name = path.split(".")
owner = importlib.import_module(f"pyspike.cli.{module}")
for each in owners:
    owner = getattr(owner, each)
call, calls = getattr(owner, name), []


def counted(*given, **named):
    calls.append(1)
    if len(calls) == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return call(*given, **named)


setattr(owner, name, counted)
from pyspike.cli import json_lines, main

json_lines.LINES_AT_ONCE = 10

sys.exit(main(arguments))
"""


def command(hosts: str, *arguments: object) -> list[str]:
    return [*map(str, arguments), "--hosts", hosts, "--timeout", "20000", "--json"]


def environment() -> dict[str, str]:
    source = str(Path(pyspike.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))}


def killed(hosts: str, at: str, count: int, *arguments: object) -> None:
    """Run a command that is killed at its so-manyth call of a function."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, at, str(count), *command(hosts, *arguments)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


@pytest.fixture
def client(hosts: str) -> Iterator[Client]:
    with Client(hosts, ClientPolicy(timeout=20_000)) as client:
        client.batch_put(
            [(("test", SET, n), {"n": n, "s": f"text {n}"}) for n in range(COUNT)], policy=POLICY
        )
        yield client
        for namespace in ("test", "bar"):
            found = [record.key for record in client.query(Statement(namespace, SET))]
            client.batch_delete(found, policy=POLICY)


@pytest.fixture
def shell(hosts: str, client: Client, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command to its end, and gives what it told."""
    from pyspike.cli import main

    def run(*arguments: object) -> Any:
        code = main(command(hosts, *arguments))
        out, error = capsys.readouterr()
        assert code == 0, out + error
        return json.loads(out)

    return run


def bins_in(client: Client, namespace: str) -> list[dict[str, Any]]:
    return sorted(
        (record.bins for record in client.query(Statement(namespace, SET))), key=lambda bins: bins["n"]
    )


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_an_export_that_was_killed_goes_on(
    hosts: str, client: Client, shell: Any, tmp_path: Path, ending: str
) -> None:
    path, notes = tmp_path / f"records.{ending}", tmp_path / "notes"
    arguments = ("export", "test", SET, "-o", path, "--cursor", notes, "--ranges", 5, "--threads", 1)
    killed(hosts, "bulk:Task.did", 3, *arguments)  # in the middle of the third range
    assert len(json.loads(notes.read_text())["done"]) == 2
    assert not path.exists()
    killed(hosts, "exporting:join", 1, *arguments)  # when all ranges are done
    assert len(json.loads(notes.read_text())["done"]) == 5
    assert not path.exists()
    assert shell(*arguments)["records"] == 0
    if ending == "parquet":
        rows = parquet.read_table(path).select(["n", "s"]).to_pylist()
    else:
        rows = [json.loads(line)["bins"] for line in path.read_text().splitlines()]
    assert sorted(rows, key=lambda row: row["n"]) == bins_in(client, "test")
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["notes", path.name])


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_load_that_was_killed_goes_on(
    hosts: str, client: Client, shell: Any, tmp_path: Path, ending: str
) -> None:
    path, notes = tmp_path / f"records.{ending}", tmp_path / "notes"
    shell("export", "test", SET, "-o", path)
    arguments = (*("load", path, "--namespace", "bar", "--set", SET, "--resume", notes, "--in-flight", 10),)
    reached = 0
    while not reached:  # the first rows may be the last to be answered
        killed(hosts, "bulk:Notes.set", 3, *arguments)  # as it notes for the third time how far it is
        (reached,) = json.loads(notes.read_text())["next"].values()
    assert reached < COUNT
    assert reached <= len(bins_in(client, "bar"))
    assert shell(*arguments)["written"] == COUNT - reached
    assert bins_in(client, "bar") == bins_in(client, "test")


def test_a_copy_that_was_killed_goes_on(hosts: str, client: Client, shell: Any, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    arguments = (
        *("copy", "test", SET, "--to", hosts, "--to-namespace", "bar", "--cursor", notes),
        *("--ranges", 5, "--threads", 1),
    )
    killed(hosts, "bulk:Task.did", 3, *arguments)
    done = len(json.loads(notes.read_text())["done"])
    assert 0 < done < 5
    assert len(bins_in(client, "bar")) < COUNT
    assert 0 < shell(*arguments)["copied"] < COUNT
    assert bins_in(client, "bar") == bins_in(client, "test")

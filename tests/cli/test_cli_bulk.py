"""export, load and copy: records to files, back, and to another cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchWritePolicy,
    Client,
    ClientPolicy,
    GeoJSON,
    Key,
    KeyOrderedDict,
    OrderedList,
    Statement,
)
from pyspike.cli import bulk, exporting, main
from pyspike.server import EmbeddedCluster

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

COUNT = 50
ADD = bulk.Notes.add
RUN = os.urandom(4).hex()
SET = f"bulk-{RUN}"
PATIENT = ("--timeout", "20000")
POLICY = BatchPolicy(total_timeout=20_000)


def bins(number: int) -> dict[str, Any]:
    return {
        "n": number,
        "s": f"söme {number % 5}",
        "f": number / 4,
        "y": bytes((number % 7,)),
        "g": GeoJSON({"type": "Point", "coordinates": [number / 10, 0.5]}),
        "l": [number, -(number % 4)],
        "m": {f"k{number % 3}": number, "all": 1000},
        **({"rare": "x" if number % 2 else 1} if number % 10 == 0 or number == 1 else {}),
    }


class Shell:
    """Runs the command with the hosts of this run, and keeps what it printed."""

    def __init__(self, hosts: str, captured: pytest.CaptureFixture[str]) -> None:
        self.hosts = hosts
        self._captured = captured
        self.out = self.error = ""

    def __call__(self, command: str, *arguments: object) -> int:
        code = main([*command.split(), *PATIENT, "--hosts", self.hosts, *map(str, arguments)])
        self.out, self.error = self._captured.readouterr()
        return code

    def done(self, command: str, *arguments: object) -> dict[str, Any]:
        assert self(command, "--json", *arguments) == 0, self.out + self.error
        told: dict[str, Any] = json.loads(self.out)
        return told


@pytest.fixture(scope="module")
def filled(hosts: str) -> Iterator[Client]:
    """The client; the set has its records, some of which have a key that is stored."""
    with Client(hosts, ClientPolicy(timeout=20_000)) as client:
        for send_key in (False, True):
            client.batch_put(
                [(("test", SET, number), bins(number)) for number in range(send_key, COUNT, 2)],
                row_policy=BatchWritePolicy(send_key=send_key),
                ttl=5000 if send_key else None,
                policy=POLICY,
            )
        yield client
        client.batch_delete([("test", SET, number) for number in range(COUNT)], policy=POLICY)


@pytest.fixture
def shell(hosts: str, filled: Client, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(hosts, capsys)


@pytest.fixture
def other(filled: Client) -> Iterator[str]:
    """The same set of another namespace, which is empty before and after: a digest is of one set in each."""
    yield SET
    filled.batch_delete([record.key for record in filled.query(Statement("bar", SET))], policy=POLICY)


def found(client: Client, namespace: str) -> dict[bytes, Any]:
    """The bins of each record by its digest, with its key and whether it lives for ever."""
    return {
        record.key.digest: (record.key.user_key, record.ttl is None, record.bins)
        for record in client.query(Statement(namespace, SET))
    }


@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl"])
def test_what_is_exported_is_loaded_again(
    shell: Shell, filled: Client, other: str, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"records.{ending}"
    assert shell.done("export test", SET, "-o", path) == {"records": COUNT, "output": str(path)}
    assert os.listdir(tmp_path) == [path.name]
    told = shell.done("load", path, "--namespace", "bar", "--set", other)
    assert told == {"written": COUNT, "skipped": 0, "failed": 0, "dry_run": False}
    assert found(filled, "bar") == found(filled, "test")


def test_a_file_for_each_range_and_one_of_all(
    shell: Shell, filled: Client, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, notes = tmp_path / "all.parquet", tmp_path / "notes"
    assert shell.done("export test", SET, "-o", directory, "--split", "--ranges", 4)["records"] == COUNT
    files = sorted(directory.iterdir())
    assert [file.name for file in files] == [
        "0000-1023.parquet", "1024-2047.parquet", "2048-3071.parquet", "3072-4095.parquet",
    ]  # fmt: skip
    assert sum(parquet.read_metadata(file).num_rows for file in files) == COUNT
    assert shell.done("load", *files, "--namespace", "bar", "--set", other)["written"] == COUNT
    assert found(filled, "bar") == found(filled, "test")

    # One that is ended goes on with the ranges that are not done.
    for ending in ("parquet", "jsonl", "csv"):
        path = tmp_path / f"one.{ending}"
        arguments = ("test", SET, "-o", path, "--cursor", notes, "--ranges", 4, "--threads", 1)
        done: list[int] = []

        def note(self: bulk.Notes, name: str, value: Any, done: list[int] = done) -> None:
            if name == "done" and len(done) == 2:
                raise KeyboardInterrupt
            done.append(value)
            ADD(self, name, value)

        with monkeypatch.context() as patched:
            patched.setattr(bulk.Notes, "add", note)
            assert shell("export", *arguments) == 130
        assert not path.exists()
        rest = shell.done("export", *arguments)["records"]
        assert 0 < rest < COUNT
        lines = path.read_text().count("\n") if ending != "parquet" else parquet.read_metadata(path).num_rows
        assert lines - (ending == "csv") == COUNT
        assert not list(tmp_path.glob("*.parts"))
        assert shell("export", *arguments[:-1], 2) == 0  # everything is done
        assert shell("export", "test", "another", *arguments[2:]) == 2
        assert "is of another job" in shell.error
        notes.unlink()


def test_bins_and_conditions_choose_what_is_exported(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "some.parquet"
    told = shell.done("export test", SET, "-o", path, "--bins", "n,s", "--where", "n between 10 and 19")
    assert told["records"] == 10
    table = parquet.read_table(path)
    assert table.schema.names == ["@digest", "@key", "@set", "@generation", "@ttl", "n", "s", "@extra"] or (
        set(table.schema.names) == {*exporting.METADATA.values(), "n", "s", "@extra"}
    )
    assert sorted(table["n"].to_pylist()) == list(range(10, 20))
    csv = tmp_path / "all.csv"
    assert shell.done("export test", SET, "-o", csv)["records"] == COUNT
    assert csv.read_text().splitlines()[0].startswith('"@')


def test_csv_is_loaded_by_its_digests(shell: Shell, filled: Client, other: str, tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    shell.done("export test", SET, "-o", path, "--bins", "n,s,l")
    told = shell.done("load", path, "--namespace", "bar", "--set", other, "--json-columns", "l")
    assert told["written"] == COUNT
    copies = {record.key.digest: record.bins for record in filled.query(Statement("bar", other))}
    assert copies == {
        Key("test", SET, number).digest: {name: bins(number)[name] for name in ("n", "s", "l")}
        for number in range(COUNT)
    }


def test_columns_of_other_files_are_mapped(shell: Shell, filled: Client, other: str, tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b"], "age": [1, None], "life": [1000, None], "x": ["1", "[2]"]})
    files = [tmp_path / f"people.{ending}" for ending in ("parquet", "csv", "jsonl")]
    parquet.write_table(table, files[0])
    files[1].write_text('id,age,life,x\na,1,1000,1\nb,,,"[2]"\n')
    files[2].write_text(
        '{"id": "a", "age": 1, "life": 1000, "x": 1}\n\n{"id": "b", "life": null, "x": [2]}\n'
    )
    for file in files:
        json_columns = () if file.suffix == ".jsonl" else ("--json-columns", "x")
        arguments = ("--key", "id", "--columns", "age=years,x", "--ttl-column", "life", *json_columns)
        told = shell.done("load", file, "--namespace", "bar", "--set", other, *arguments)
        assert told["written"] == 2
        records = [filled.get(Key("bar", other, key)) for key in "ab"]
        assert [record.bins for record in records] == [{"years": 1, "x": 1}, {"x": [2]}], file
        assert [record.ttl is None for record in records] == [False, True]
        filled.batch_delete([Key("bar", other, key) for key in "ab"])


def test_a_dry_run_finds_what_can_not_be_written(
    shell: Shell, filled: Client, other: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "v": [1, None]}), good)
    parquet.write_table(pa.table({"id": [1, 2], "v": pa.array([1, 2**63], pa.uint64())}), bad)
    to = ("--namespace", "bar", "--set", other, "--key", "id")
    assert shell.done("load", good, *to, "--dry-run") == {
        "written": 1, "skipped": 1, "failed": 0, "dry_run": True,
    }  # fmt: skip
    assert shell("load", bad, *to, "--dry-run") == 2
    assert "column 'v', row 1: the number does not fit" in shell.error
    lines = tmp_path / "bad.jsonl"
    for text, message in (("{", "line 2"), ("[]", "an object is wanted"), ('{"x": 1}', "there is no key")):
        lines.write_text(f'{{"id": 1, "v": 1}}\n{text}\n')
        assert shell("load", lines, *to, "--dry-run") == 2
        assert message in shell.error
    assert found(filled, "bar") == {}


def test_rows_that_fail_are_told_and_a_load_goes_on(
    shell: Shell, filled: Client, other: str, tmp_path: Path
) -> None:
    path, failed, notes = tmp_path / "rows.parquet", tmp_path / "failed", tmp_path / "notes"
    lines = tmp_path / "rows.jsonl"
    # A place that no server takes.
    places = ['{"type": "Point", "coordinates": [1, 2]}', '{"type": "Nothing"}']
    field = pa.field("g", pa.string(), metadata={"aerospike:particle": "geojson"})
    parquet.write_table(pa.table([[1, 2], places], schema=pa.schema([("id", pa.int64()), field])), path)
    lines.write_text(
        "".join(f'{{"id": {n + 1}, "g": {{"$geojson": {place}}}}}\n' for n, place in enumerate(places))
    )
    to = ("--namespace", "bar", "--set", other, "--key", "id", "--errors", failed, "--resume", notes)
    for file in (path, lines):
        assert shell("load", file, *to) == 4
        assert "1 records written" in shell.error
        (line,) = failed.read_text().splitlines()
        told = json.loads(line)
        assert (told["file"], told["row"], told["error"]["result_code"]) == (str(file), 1, 160)
        failed.unlink()
        assert shell.done("load", file, *to)["written"] == 0  # all was done
        kept = json.loads(notes.read_text())
        assert kept["next"] == {str(file): 2}
        kept["next"][str(file)] = 1
        notes.write_text(json.dumps(kept))
        assert shell("load", file, *to, "--json") == 4
        assert json.loads(shell.out)["failed"] == 1
        notes.unlink()
        failed.unlink()


@pytest.mark.parametrize(("arguments", "message"), [
    (["export", "test", "s", "-o", "x.unknown"], "tells no format"),
    (["export", "test", "s", "-o", "x.csv", "--where", "nothing"], "--where"),
    (["load", "FILE", "--namespace", "test"], "which column has the keys"),
    (["load", "FILE", "--namespace", "test", "--key", "no"], "no column 'no'"),
    (["load", "FILE", "--namespace", "test", "--key", "id", "--json-columns", "no"], "no column no"),
    (["load", "FILE", "--namespace", "test", "--key", "id", "--ttl", "1", "--ttl-column", "id"], "either"),
    (["load", "nothing.parquet", "--namespace", "test", "--key", "id"], "does not exist"),
])  # fmt: skip
def test_wrong_usage_is_told(shell: Shell, tmp_path: Path, arguments: list[str], message: str) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"id": [1]}), path)
    command, *rest = [str(path) if each == "FILE" else each for each in arguments]
    assert shell(command, *rest) == 2
    assert message in " ".join(shell.error.split())


@pytest.mark.embedded_only
def test_records_are_copied_to_another_cluster(shell: Shell, filled: Client, tmp_path: Path) -> None:
    filled.put(Key("test", SET, 0), {"o": OrderedList([1, 2]), "m": KeyOrderedDict({"b": 1, "a": 2})})
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts) as there:
        to = ("test", SET, "--to", cluster.hosts, "--ranges", 4)
        try:
            assert shell.done("copy", *to) == {"copied": COUNT, "kept": 0, "failed": 0}
            assert found(there, "test") == found(filled, "test")
            record = there.get(Key("test", SET, 0))
            assert isinstance(record["o"], OrderedList)
            assert isinstance(record["m"], KeyOrderedDict)

            assert shell.done("copy", *to, "--existing", "keep") == {"copied": 0, "kept": COUNT, "failed": 0}
            there.put(Key("test", SET, 1), {"n": -1})
            told = shell.done("copy", *to, "--existing", "newer")
            assert told["failed"] == 0
            assert there.get(Key("test", SET, 1))["n"] == -1
            assert shell.done("copy", *to, "--existing", "update", "--bins", "n")["copied"] == COUNT
            assert there.get(Key("test", SET, 1))["n"] == 1

            notes = tmp_path / "notes"
            more = (
                *to,
                "--to-namespace",
                "bar",
                "--to-set",
                "other",
                "--where",
                "n between 1 and 5",
                "--no-keep-ttl",
                "--cursor",
                notes,
            )
            assert shell.done("copy", *more)["copied"] == 5
            assert shell.done("copy", *more)["copied"] == 0  # all ranges are done
            assert {record["n"] for record in there.query(Statement("bar", "other"))} == {1, 2, 3, 4, 5}
            assert there.get(Key("bar", "other", 1)).ttl is None
        finally:
            filled.put(Key("test", SET, 0), {"o": None, **bins(0)})

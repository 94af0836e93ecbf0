"""export, load and copy: records to files, back, and to another cluster."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
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
from pyspike.cli import bulk, exporting, main, table_files
from pyspike.server import EmbeddedCluster

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

COUNT = 50
MANY = int(os.environ.get("PYSPIKE_BULK_RECORDS") or 1000)
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


@pytest.mark.timeout(120 + MANY / 1000)
def test_many_records_go_both_ways(shell: Shell, filled: Client, other: str, tmp_path: Path) -> None:
    table = pa.table(
        {"n": range(MANY), "s": [f"user number {n}" for n in range(MANY)], "x": [n % 90 for n in range(MANY)]}
    )
    files = [tmp_path / f"{name}.parquet" for name in ("given", "there", "back")]
    there = ("--namespace", "bar", "--set", other)
    try:
        parquet.write_table(table, files[0])
        told = shell.done("load", files[0], *there, "--key", "n", "--columns", "n,s,x")
        assert (told["written"], told["failed"]) == (MANY, 0)
        assert shell.done("export bar", other, "-o", files[1])["records"] == MANY
        assert shell.done("load", files[1], *there)["written"] == MANY  # over what is there
        assert shell.done("export bar", other, "-o", files[2])["records"] == MANY
        for file in files[1:]:
            assert parquet.read_table(file).select(["n", "s", "x"]).sort_by("n").cast(table.schema) == table
    finally:
        filled.truncate("bar", other, policy=AdminPolicy(timeout=60_000))


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


def test_an_export_of_nothing_says_so(shell: Shell, tmp_path: Path) -> None:
    for ending in ("parquet", "jsonl"):
        path = tmp_path / f"none.{ending}"
        assert shell.done("export test", "nosuch", "-o", path)["records"] == 0
        assert "no records in set nosuch of namespace test\n" in shell.error
        assert path.exists()
        assert shell.done("export test", SET, "-o", path, "--where", "n = 1000000")["records"] == 0
        assert f"no records in set {SET} of namespace test for which n = 1000000\n" in shell.error
    notes = tmp_path / "notes"
    for _ in range(2):
        assert shell("export test", SET, "-o", tmp_path / "all.parquet", "--cursor", notes) == 0
        assert "no records" not in shell.error


def test_keys_in_csv_are_known_by_their_digests(
    shell: Shell, filled: Client, other: str, tmp_path: Path
) -> None:
    path = tmp_path / "records.csv"
    shell.done("export test", SET, "-o", path)
    assert "CSV has no form for the values of g, l, m, rare, y:" in shell.error
    shell.done("export test", SET, "-o", path, "--bins", "n,s,l")
    told = shell.done("load", path, "--namespace", "bar", "--set", other, "--json-columns", "l")
    assert told["written"] == COUNT
    copies = {record.key.digest: record.bins for record in filled.query(Statement("bar", other))}
    assert copies == {  # those of odd numbers have stored keys, which have other digests in another set
        Key("test", other if number % 2 else SET, number).digest: {
            name: bins(number)[name] for name in ("n", "s", "l")
        }
        for number in range(COUNT)
    }


def test_keys_in_csv_that_are_not_those_of_the_digests_are_not_stored(
    shell: Shell, filled: Client, other: str, tmp_path: Path
) -> None:
    path = tmp_path / "records.csv"
    keys: list[Any] = [1, "1", "007", "0a", b"\x0a", "", -5, "true", 2**63 - 1, '{"$bytes": "00"}', "a,b"]
    digests = [Key("bar", other, key).digest.hex() for key in keys]
    texts = ["1", "1", "007", "0a", "0a", "", "-5", "true", f"{2**63 - 1}", '{"$bytes": "00"}', "a,b"]
    quoted = [text.replace('"', '""') for text in texts]
    rows = [f'"{text}","{digest}",{n}' for n, (text, digest) in enumerate(zip(quoted, digests, strict=True))]
    path.write_text("\n".join(["@key,@digest,v", *rows, f"2,{digests[0][::-1]},99", ""]))
    try:
        told = shell.done("load", path, "--namespace", "bar", "--set", other)
        assert told["written"] == len(keys) + 1
        assert "the keys in the file are not stored" in " ".join(shell.error.split())
        records = {record["v"]: record.key.user_key for record in filled.query(Statement("bar", other))}
        assert records == {**dict(enumerate(keys)), 99: None}
        assert [type(records[n]) for n in range(len(keys))] == [type(key) for key in keys]
    finally:
        filled.truncate("bar", other, policy=AdminPolicy(timeout=60_000))


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
        assert f"1 failed, the first one: {file}, row 1: " in shell.error
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
    (["load", "JSON", "--namespace", "test", "--key", "id", "--json-columns", "s"], "column 's', row 1: Exp"),
    (["load", "LINES", "--namespace", "test", "--key", "id", "--ttl-column", "s"], "column 's': a time"),
    (["load", "nothing.parquet", "--namespace", "test", "--key", "id"], "does not exist"),
])  # fmt: skip
def test_wrong_usage_is_told(shell: Shell, tmp_path: Path, arguments: list[str], message: str) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"id": [1]}), path)
    files = {"FILE": path, "JSON": tmp_path / "json.csv", "LINES": tmp_path / "x.jsonl"}
    files["JSON"].write_text("id,s\n1,1\n2,plain\n")
    files["LINES"].write_text('{"id": 1, "s": "x"}\n')
    command, *rest = [str(files.get(each, each)) for each in arguments]
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
            assert "no records" not in shell.error
            assert {record["n"] for record in there.query(Statement("bar", "other"))} == {1, 2, 3, 4, 5}
            assert there.get(Key("bar", "other", 1)).ttl is None
        finally:
            filled.put(Key("test", SET, 0), {"o": None, **bins(0)})


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "arrow", "csv"])
def test_a_file_stays_until_another_one_is_whole(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path = tmp_path / f"old.{ending}"
    path.write_text("old")
    assert shell("export nowhere", SET, "-o", path) == 4

    def interrupted(self: bulk.Task, count: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bulk.Task, "did", interrupted)
        assert shell("export test", SET, "-o", path) == 130
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_text() == "old"
    assert shell.done("export test", SET, "-o", path)["records"] == COUNT
    assert os.listdir(tmp_path) == [path.name]


def test_files_that_fail_have_exit_codes_of_their_own(shell: Shell, tmp_path: Path) -> None:
    bad = tmp_path / "bad.parquet"
    bad.write_text("no Parquet")
    for ending in ("parquet", "arrow", "csv"):
        path = tmp_path / f"bad.{ending}"
        path.write_bytes(b"" if ending == "csv" else b"no table")
        assert shell("load", path, "--namespace", "bar", "--key", "id") == 2
        assert f"{path.name} can't be read: " in shell.error
    for ending in ("parquet", "jsonl"):
        assert shell("export test", SET, "-o", bad / f"x.{ending}") == 5
        directory = tmp_path / f"directory.{ending}"
        directory.mkdir()
        assert shell("export test", SET, "-o", directory) == 5
        assert f"{directory.name} can't be written: " in shell.error
    assert not list(tmp_path.glob("*.part"))


TEXTS = (
    "2024-01-01",
    "00123",
    "true",
    "1",
    "NULL",
    "NA",
    "nan",
    "",
    'a,\n"b"',
    '"',
    ",",
    "\r\n",
    " 1",
    "1e5",
)


def test_csv_keeps_plain_values(shell: Shell, filled: Client, other: str, tmp_path: Path) -> None:
    floats = (1.0, -0.0, 0.1, 1e300, math.inf, -math.inf, math.nan, 2.0**53)
    rows: list[dict[str, Any]] = [
        {
            "t": text,
            "u": None if number % 2 else text,
            "f": floats[number % len(floats)],
            "i": -(2**63) + number,
            "b": number % 2 == 0,
        }
        for number, text in enumerate(TEXTS)
    ]
    try:
        put = [(("bar", other, number), row) for number, row in enumerate(rows)]
        filled.batch_put(put, policy=POLICY)
        path = tmp_path / "x.csv"
        shell.done("export bar", other, "-o", path)
        filled.batch_delete([key for key, _ in put], policy=POLICY)
        assert shell.done("load", path, "--namespace", "bar", "--set", other)["written"] == len(rows)
        for number, row in enumerate(rows):
            wanted = {name: value for name, value in row.items() if value is not None}
            got = filled.get(Key("bar", other, number)).bins
            assert repr(sorted(got.items())) == repr(sorted(wanted.items()))
    finally:
        filled.truncate("bar", other, policy=AdminPolicy(timeout=60_000))


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl"])
def test_an_empty_set_is_loaded_as_nothing(shell: Shell, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"none.{ending}"
    assert shell.done("export test", f"{SET}-none", "-o", path)["records"] == 0
    assert shell.done("load", path, "--namespace", "bar", "--set", "x")["written"] == 0
    path = tmp_path / f"split.{ending}"
    shell.done("export test", SET, "--where", "n between 3 and 3", "-o", path, "--split", "--ranges", 4)
    files = sorted(path.iterdir())
    assert len(files) == 4
    assert shell.done("load", *files, "--namespace", "bar", "--set", "x", "--dry-run")["written"] == 1


def test_notes_of_another_load_are_refused(shell: Shell, tmp_path: Path) -> None:
    path, notes = tmp_path / "rows.jsonl", tmp_path / "notes"
    path.write_text('{"id": 1, "v": 1, "w": 2}\n')
    to = ("load", path, "--namespace", "bar", "--set", SET, "--key", "id", "--resume", notes)
    try:
        assert shell.done(*to, "--columns", "v")["written"] == 1
        assert shell.done(*to, "--columns", "v")["written"] == 0
        for other in (
            ("--columns", "v,w"),
            ("--columns", "v", "--ttl", 100),
            ("--columns", "v", "--no-send-key"),
        ):
            assert shell(*to, *other) == 2
            assert "is of another job, with other " in " ".join(shell.error.split())
        path.write_text('{"id": 2, "v": 1}\n{"id": 3, "v": 1}\n')
        assert shell(*to, "--columns", "v") == 2
        assert "other files" in " ".join(shell.error.split())
    finally:
        with Client(shell.hosts) as client:
            client.delete(Key("bar", SET, 1))


@pytest.mark.parametrize("split", [False, True])
def test_an_export_whose_file_was_deleted_does_not_go_on(shell: Shell, tmp_path: Path, split: bool) -> None:
    path, notes = tmp_path / "x.parquet", tmp_path / "notes"
    arguments = ("test", SET, "-o", path, "--cursor", notes, "--ranges", 2, *(["--split"] if split else []))
    assert shell.done("export", *arguments)["records"] == COUNT
    assert shell.done("export", *arguments)["records"] == 0
    (next(path.iterdir()) if split else path).unlink()
    assert shell("export", *arguments) == 2
    assert "is noted as written, and is not there" in " ".join(shell.error.split())
    notes.unlink()
    assert shell.done("export", *arguments)["records"] == COUNT


@pytest.fixture
def keys(filled: Client) -> Iterator[str]:
    """A set with keys of all types, which are stored."""
    name = f"{SET}-keys"
    given: tuple[int | str | bytes, ...] = (1, 2, 3, "a", "b", b"c")
    keys = [Key("test", name, key) for key in given]
    filled.batch_put(
        [(key, {"v": 1}) for key in keys], row_policy=BatchWritePolicy(send_key=True), policy=POLICY
    )
    filled.put(Key("test", name, "not stored"), {"v": 1})
    yield name
    filled.batch_delete([*keys, Key("test", name, "not stored")], policy=POLICY)


def test_keys_of_several_types_are_not_lost_in_silence(
    shell: Shell, filled: Client, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lines = tmp_path / "x.parquet", tmp_path / "x.jsonl"
    to = ("--namespace", "bar", "--set", keys)
    for file in (path, tmp_path / "x.arrow", tmp_path / "x.csv", lines):
        shell.done("export test", keys, "-o", file)
        try:
            notes = ("--resume", tmp_path / "notes")
            assert shell.done("load", file, *to, *notes)["written"] == 7
            assert shell.done("load", file, *to, *notes)["written"] == 0
            records = list(filled.query(Statement("bar", keys)))
            assert {record.key.user_key for record in records} == {1, 2, 3, "a", "b", b"c", None}
            assert {record.key.digest for record in records} == {
                record.key.digest for record in filled.query(Statement("test", keys))
            }
            assert all(record.bins == {"v": 1} for record in records)
        finally:
            filled.batch_delete(
                [record.key for record in filled.query(Statement("bar", keys))], policy=POLICY
            )
            notes[1].unlink()
    (tmp_path / "x.arrow").unlink()
    (tmp_path / "x.csv").unlink()

    # A key whose type is not that of those looked at first, of which each must have one.
    filled.delete(Key("test", keys, "not stored"))
    monkeypatch.setattr(exporting, "SAMPLE", 1)
    path.unlink()
    assert shell("export test", keys, "-o", path) == 2
    assert "is of another type than others" in " ".join(shell.error.split())
    assert os.listdir(tmp_path) == [lines.name]
    table = pa.table({"@key": [1, None], "v": [1, 2], "@extra": [None, '{"@key": "a"}']})
    table = table.append_column("@digest", pa.array([b"x" * 20, b"y" * 20]))
    parquet.write_table(table, path)
    assert shell("load", path, *to, "--dry-run") == 2
    assert 'the key "a" is of another type' in " ".join(shell.error.split())


def test_rows_with_keys_of_a_type_have_the_numbers_of_the_file() -> None:
    schema = pa.schema([("@key", pa.string()), ("v", pa.int64())])
    keys = ["1", '"a"', None, "2", '{"$bytes": "00"}', '"b"']
    batch = pa.record_batch([pa.array(keys), pa.array(range(6))], schema=schema)
    wanted: dict[str, dict[int, Any]] = {
        "int64": {0: 1, 3: 2, 6: 1, 9: 2},
        "string": {1: "a", 2: None, 5: "b", 7: "a", 8: None, 11: "b"},
        "binary": {4: b"\0", 10: b"\0"},
    }
    for kind, rows in wanted.items():
        given = pa.RecordBatchReader.from_batches(schema, [batch, batch])
        found = table_files.RowsByKey(given, "@key", kind, table_files.json_keys("@key"))
        table = found.reader.read_all()
        assert dict(zip(found.numbers, table["@key"].to_pylist(), strict=True)) == rows
        assert table["v"].to_pylist() == [row % 6 for row in rows]
        assert found.kinds == set(wanted)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv"])
def test_keys_that_are_stored_of_few_records_are_kept(
    shell: Shell, filled: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """Those that are looked at first have none."""
    name, path = f"{SET}-few", tmp_path / f"x.{ending}"
    keys = [Key("test", name, number) for number in range(8)]
    try:
        filled.batch_put([(key, {"v": 1}) for key in keys], policy=POLICY)
        kept = exporting.Tables.__init__

        def looked(self: exporting.Tables, *given: Any) -> None:
            kept(self, *given)
            filled.batch_put([(keys[0], {"v": 1})], row_policy=BatchWritePolicy(send_key=True), policy=POLICY)

        monkeypatch.setattr(exporting.Tables, "__init__", looked)
        assert shell.done("export test", name, "-o", path)["records"] == len(keys)
        assert shell.done("load", path, "--namespace", "bar", "--set", name)["written"] == len(keys)
        assert "are not stored" not in shell.error
        stored = {record.key.user_key for record in filled.query(Statement("bar", name))}
        assert stored == {None, keys[0].user_key}
    finally:
        filled.batch_delete(keys, policy=POLICY)
        filled.truncate("bar", name)


def test_a_bin_called_as_a_column_is_told_with_what_to_do(
    shell: Shell, filled: Client, tmp_path: Path
) -> None:
    name = f"{SET}-names"
    key = Key("test", name, 1)
    filled.put(key, {"@key": 1, "v": 2})
    try:
        assert shell("export test", name, "-o", tmp_path / "x.parquet") == 2
        assert "lines of JSON" in shell.error
        assert "metadata" not in shell.error
        assert shell.done("export test", name, "-o", tmp_path / "x.parquet", "--bins", "v")["records"] == 1
    finally:
        filled.delete(key)


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_records_that_can_not_be_found_by_key_are_told(
    shell: Shell, filled: Client, tmp_path: Path, ending: str
) -> None:
    path, name = tmp_path / f"x.{ending}", f"{SET}-moved"
    where = ("--where", "n between 0 and 4")
    shell.done("export test", SET, "-o", path, *where)
    assert shell("load", path, "--namespace", "bar", "--set", SET, "--dry-run") == 0
    assert "by key" not in shell.error
    assert shell("load", path, "--namespace", "bar", "--set", name, "--dry-run") == 0
    assert f"records of '{SET}'" in shell.error
    assert "can't be found by key" in shell.error
    try:
        arguments = ("--to", shell.hosts, "--to-namespace", "bar", "--to-set", name)
        assert shell("copy test", SET, *arguments, *where) == 0
        assert "can't be found by key" in shell.error
    finally:
        filled.truncate("bar", name)


def test_the_rows_of_files_are_counted_before(tmp_path: Path) -> None:
    table = pa.table({"id": range(10)})
    files = [tmp_path / f"x.{ending}" for ending in ("parquet", "arrow", "csv", "jsonl")]
    parquet.write_table(table, files[0])
    with pa.ipc.new_file(str(files[1]), table.schema) as file:
        file.write_table(table, 3)
    for path in files[2:]:
        path.write_text("")
    counts = [table_files.row_count(path, table_files.format_of(path, None)) for path in files]
    assert counts == [10, 10, None, None]

"""get, put, delete and info against the cluster of this run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyspike import Client, GeoJSON, Key, KeyOrderedDict, KeyValueOrderedDict, ResultCode
from pyspike.cli import main
from pyspike.columnar.json_values import FORMS
from pyspike.server import EmbeddedCluster
from support.shell import Shell


@pytest.fixture
def shell(hosts: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(hosts, capsys)


@pytest.fixture
def words(key: Key) -> list[str]:
    return [key.namespace, key.set_name, str(key.user_key)]


def test_what_was_put_is_got_and_deleted(shell: Shell, words: list[str]) -> None:
    assert shell("put", *words, '{"name": "Ann", "visits": 3}') == 0
    assert (shell.out, shell.error) == ("", "")
    assert shell("get", *words) == 0
    assert shell.out.splitlines()[1:] == ['  name    "Ann"', "  visits  3"]
    assert shell("delete", *words) == 0
    assert shell("get", *words) == 1
    assert shell.error.startswith("pyspike: record not found")


def test_json_tells_all_of_a_record(shell: Shell, words: list[str], key: Key) -> None:
    written = shell.json("put", *words, '{"name": "Ann"}', "--ttl", "1000")
    assert written == {
        "key": {"namespace": "test", "set": key.set_name, "key": key.user_key, "digest": key.digest.hex()},
        "written": True,
    }
    record = shell.json("get", *words)
    assert record["bins"] == {"name": "Ann"}
    assert record["generation"] == 1
    assert 990 <= record["ttl"] <= 1000
    assert record["expiration"].endswith("+00:00")


def test_every_type_goes_in_and_comes_out(shell: Shell, words: list[str], client: Client, key: Key) -> None:
    bins = {
        "bytes": {"$bytes": "00ff"},
        "map": {"$map": [[1, "one"], ["two", {"$bytes": ""}]]},
        "odd": {"$map": [["$bytes", 1]]},
        "geo": {"$geojson": {"type": "Point", "coordinates": [1.0, 2.0]}},
        "inf": {"$float": "inf"},
        "list": [1, 2.5, True, None, {"a": "ä"}],
        "ordered": {"$ordered": [1, 2, {"$ordered": ["a"]}]},
    }
    shell.json("put", *words, json.dumps(bins))
    assert client.get(key)["map"] == {1: "one", "two": b""}
    assert shell.json("get", *words)["bins"] == bins


def test_bins_can_come_from_stdin(shell: Shell, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 1}'))
    assert shell("put", *words, "-") == 0
    assert shell.json("get", *words)["bins"] == {"a": 1}


def test_some_bins_can_be_got(shell: Shell, words: list[str], client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2, "c": 3})
    assert shell.json("get", *words, "--bins", "a,c")["bins"] == {"a": 1, "c": 3}


def test_several_keys_are_got_in_their_order(shell: Shell, client: Client, set_name: str) -> None:
    client.batch_put([(("test", set_name, name), {"a": number, "b": 0}) for number, name in enumerate("xyz")])
    assert shell("get", "test", set_name, "z", "x", "y", "x", "--bins", "a") == 0
    assert shell.error == ""
    lines = shell.out.splitlines()
    assert [line.split("'")[5] for line in lines[::2]] == ["z", "x", "y", "x"]
    assert lines[1::2] == ["  a  2", "  a  0", "  a  1", "  a  0"]


def test_the_json_of_several_keys_is_a_line_each(shell: Shell, client: Client, set_name: str) -> None:
    client.put(("test", set_name, 1), {"a": 1})
    client.put(("test", set_name, -2), {"a": 2})
    assert shell("get", "--json", "--key-type", "int", "--", "test", set_name, "1", "-2") == 0
    records = [json.loads(line) for line in shell.out.splitlines()]
    assert [(record["key"]["key"], record["bins"]) for record in records] == [(1, {"a": 1}), (-2, {"a": 2})]
    assert records[0] == shell.json("get", "test", set_name, "1", "--key-type", "int")


def test_of_several_keys_those_without_a_record_are_told(shell: Shell, client: Client, set_name: str) -> None:
    client.put(("test", set_name, "there"), {"a": 1})
    assert shell("get", "test", set_name, "gone", "there", "away") == 1
    assert shell.out.splitlines()[1:] == ["  a  1"]
    missing = shell.error.splitlines()
    assert [line.startswith("pyspike: record not found") for line in missing] == [True, True]
    assert ["gone" in line or "away" in line for line in missing] == [True, True]

    assert shell("get", "test", set_name, "gone", "there", "--json") == 1
    told, record = map(json.loads, shell.out.splitlines())
    assert (told["error"]["type"], told["error"]["key"]["key"]) == ("RecordNotFound", "gone")
    assert (record["key"]["key"], record["bins"]) == ("there", {"a": 1})
    assert shell.error == ""


@pytest.mark.embedded_only
def test_an_error_of_one_of_several_keys_loses_none_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts) as client:
        shell = Shell(cluster.hosts, capsys)
        client.batch_put([(("test", "s", name), {"name": name}) for name in "abc"])
        cluster.nodes[0].fail_rows(ResultCode.ALWAYS_FORBIDDEN)
        assert shell("get", "test", "s", "a", "b", "c") == 4
        names = [line.split('"')[1] for line in shell.out.splitlines()[1::2]]
        (failed,) = {*"abc"} - {*names}  # the row that was run first
        assert len(names) == 2
        assert f"'{failed}'" in shell.error
        assert shell.error.startswith("pyspike: ")
        assert len(shell.error.splitlines()) == 1


def test_a_batch_that_nobody_answers_ends_as_a_command_does(shell: Shell) -> None:
    assert main(["get", "--hosts", "127.0.0.1:1", "test", "s", "a", "b"]) == 3


@pytest.mark.parametrize(("text", "kind", "user_key"), [("17", "int", 17), ("00ff", "hex", b"\x00\xff")])
def test_keys_can_be_integers_and_bytes(
    shell: Shell, client: Client, set_name: str, text: str, kind: str, user_key: int | bytes
) -> None:
    shell.json("put", "test", set_name, text, '{"a": 1}', "--key-type", kind)
    assert client.delete(Key("test", set_name, user_key))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting"),
        ("[1]", "object of bins"),
        ('{"a": NaN}', '{"$float": "NaN"}'),
        ('{"a": {"$bytes": "xyz"}}', "non-hexadecimal"),
        ('{"a": {"$nosuch": 1}}', "$nosuch is none of $bytes"),
        ('{"a": {"$key_ordered": [1]}}', "an object or a $map is wanted"),
        ('{"a": {"$ordered": 1}}', "a list is wanted"),
        ('{"a": 9223372036854775808}', "64-bit"),
        ('{"a": 1e400}', "1e400 is beyond a 64-bit float"),
        ('{"a": [-1e400]}', "-1e400 is beyond a 64-bit float"),
        ('{"a": 1, "b": 2, "a": 3}', "the name 'a' stands twice in one object"),
        ('{"a": [{"x": 1, "x": 1}]}', "the name 'x' stands twice in one object"),
    ],
)
def test_what_can_not_be_a_bin_is_refused(shell: Shell, words: list[str], text: str, reason: str) -> None:
    assert shell("put", *words, text) == 2
    assert reason in shell.error


@pytest.mark.parametrize("ttl", ["never", "default", "keep", "100"])
def test_a_ttl_is_seconds_or_a_word(shell: Shell, words: list[str], ttl: str) -> None:
    shell.json("put", *words, '{"a": 1}', "--ttl", ttl)
    assert (shell.json("get", *words)["ttl"] is not None) == (ttl == "100")


@pytest.mark.parametrize("ttl", ["soon", "0", "-1", "1.5", ""])
def test_another_word_is_no_ttl(shell: Shell, words: list[str], ttl: str) -> None:
    assert shell("put", *words, '{"a": 1}', "--ttl", ttl) == 2
    told = " ".join(shell.error.split())
    assert f"{ttl!r} is no number of seconds from 1 on, nor one of never, keep, default" in told
    assert "Expiration" not in told


def test_with_json_a_missing_record_is_json(shell: Shell, words: list[str], key: Key) -> None:
    assert shell("get", *words, "--json") == 1
    error = json.loads(shell.out)["error"]
    assert (error["type"], error["result_code"], error["name"]) == (
        "RecordNotFound",
        2,
        "KEY_NOT_FOUND_ERROR",
    )
    assert error["key"] == {
        "namespace": "test",
        "set": key.set_name,
        "key": key.user_key,
        "digest": key.digest.hex(),
    }
    assert shell.error == ""


def test_with_json_a_refusal_by_the_server_is_json(shell: Shell, words: list[str], client: Client) -> None:
    assert shell("info", "nosuch-command", "--json") == 4
    error = json.loads(shell.out)["error"]
    assert error["node"] in client.node_names()
    assert error["in_doubt"] is False


def test_what_get_prints_as_json_can_be_put(
    shell: Shell, words: list[str], client: Client, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    bins: dict[str, Any] = {
        "bytes": b"\x00\xff",
        "map": {1: "one", "two": b""},
        "odd": {"$bytes": 1},
        "geo": GeoJSON('{"type":"Point","coordinates":[1.0,2.0]}'),
        "inf": float("-inf"),
        "list": [1, 2.5, True, None, {"a": "ä", "b": KeyOrderedDict({"c": KeyOrderedDict({2: 1})})}],
        "ordered": KeyOrderedDict({"a": 1, "b": [2]}),
        "by value": KeyValueOrderedDict({3: KeyOrderedDict(), "b": {}}),
    }
    client.put(key, bins, ttl=1000)
    for way in ("argument", "stdin"):
        shell.json("get", *words)
        told = shell.out
        copy = ["test", key.set_name, f"a copy by {way} of {key.user_key}"]
        monkeypatch.setattr("sys.stdin", io.StringIO(told))
        assert shell("put", *copy, told if way == "argument" else "-") == 0
        record = client.get((copy[0], copy[1], copy[2]))
        assert record.bins == client.get(key).bins
        assert kinds(record.bins) == kinds(client.get(key).bins)
        assert record.ttl is not None
        assert 980 <= record.ttl <= 1000


def kinds(value: Any) -> Any:
    """The types in a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return type(value), [kinds(each) for each in inside]


def test_a_record_that_never_expires_is_put_as_one(shell: Shell, words: list[str]) -> None:
    shell.json("put", *words, '{"a": 1}', "--ttl", "never")
    record = shell.json("get", *words)
    shell.json("put", *words, json.dumps(record), "--ttl", "1000")
    assert 980 <= shell.json("get", *words)["ttl"] <= 1000
    shell.json("put", *words, json.dumps(record))
    assert shell.json("get", *words)["ttl"] is None


def test_bins_that_are_called_like_parts_of_a_record_are_bins(shell: Shell, words: list[str]) -> None:
    for bins in (
        {"key": "k", "generation": 1, "ttl": 2, "expiration": 3, "bins": {"a": 1}},
        {"bins": {"a": 1}, "ttl": None},
    ):
        shell.json("put", *words, json.dumps(bins), "--ttl", "never")
        assert shell.json("get", *words)["bins"].items() >= {k: v for k, v in bins.items() if v}.items()


@pytest.mark.parametrize("command", ["get", "put"])
def test_help_tells_the_forms_of_values(shell: Shell, command: str) -> None:
    assert shell(command, "--help") == 0
    for form in FORMS:
        assert f'{{"{form}": ' in shell.out


def test_stdin_that_can_not_be_read_is_told(shell: Shell, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"a": "\xff"}')
    program = [sys.executable, "-m", "pyspike", "put", *words, "-"]
    with (tmp_path / "latin").open() as stdin:
        ended = subprocess.run(program, stdin=stdin, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "stdin can't be read" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_deleting_what_is_not_there_is_exit_code_1(shell: Shell, words: list[str]) -> None:
    assert shell("delete", *words) == 1
    assert "there is no record" in shell.error


def test_json_tells_whether_something_was_deleted(shell: Shell, words: list[str], key: Key) -> None:
    shell.json("put", *words, '{"a": 1}')
    named = {"namespace": "test", "set": key.set_name, "key": key.user_key, "digest": key.digest.hex()}
    assert shell.json("delete", *words) == {"key": named, "deleted": True}
    assert shell("delete", *words, "--json") == 1
    assert (json.loads(shell.out), shell.error) == ({"key": named, "deleted": False}, "")


def test_a_refusal_by_the_server_is_exit_code_4(shell: Shell) -> None:
    assert shell("get", "no-such-namespace", "users", "ann") == 4
    assert "advice: " in shell.error


def test_info_shows_the_cluster(shell: Shell, client: Client) -> None:
    overview = shell.json("info")
    assert sorted(overview) == sorted(client.node_names())
    assert all("objects" in node["namespaces"]["test"] for node in overview.values())
    assert shell("info") == 0
    assert all(name in shell.out for name in client.node_names())


def test_info_asks_all_nodes_or_one(shell: Shell, client: Client) -> None:
    first, *_ = client.node_names()
    assert sorted(shell.json("info", "build", "namespaces")) == sorted(client.node_names())
    answers = shell.json("info", "build", "namespaces", "--node", first)
    assert list(answers) == [first]
    assert answers[first]["build"] == client.info("build", first)


def test_info_of_a_node_that_is_not_there_names_those_that_are(shell: Shell, client: Client) -> None:
    assert shell("info", "--node", "nosuch") == 4
    assert all(name in shell.error for name in client.node_names())

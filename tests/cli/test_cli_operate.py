"""exists, touch and operate against the cluster of this run, and completion."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from pyspike import Client, Key, MapReturnType, Operation, exp
from pyspike import operations as op
from pyspike.cli import main
from pyspike.cli.operation_calls import parse_operation
from pyspike.operations import context
from support.all_of import all_of
from support.shell import Shell


@pytest.fixture
def shell(hosts: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(hosts, capsys)


@pytest.fixture
def words(key: Key) -> list[str]:
    return [key.namespace, key.set_name, str(key.user_key)]


def test_exists_tells_of_each_key(shell: Shell, words: list[str], client: Client, key: Key) -> None:
    assert shell("exists", *words) == 1
    assert shell.out.endswith("no record\n")
    client.put(key, {"a": 1})
    assert shell("exists", *words) == 0
    assert shell.out == f"{key!r}: a record\n"
    assert shell("exists", *words, "gone", "--json") == 1
    told = [json.loads(line) for line in shell.out.splitlines()]
    assert [each["exists"] for each in told] == [True, False]
    assert told[0]["key"]["digest"] == key.digest.hex()


def test_touch_sets_the_time_to_live(shell: Shell, words: list[str], client: Client, key: Key) -> None:
    assert shell("touch", *words) == 1
    assert shell.error.startswith("pyspike: record not found")
    client.put(key, {"a": 1})
    assert shell("touch", *words, "--ttl", "1000") == 0
    assert (shell.out, shell.error) == ("", "")
    record = client.get(key)
    assert (record.generation, record.bins) == (2, {"a": 1})
    assert 990 <= (record.ttl or 0) <= 1000
    assert shell("touch", *words, "--ttl", "never", "--json") == 0
    assert json.loads(shell.out)["touched"] is True
    assert client.get(key).ttl is None
    assert shell("touch", *words, "--ttl", "soon") == 2


def test_operations_run_in_their_order(shell: Shell, words: list[str], client: Client, key: Key) -> None:
    assert shell("operate", *words, 'put("a", 1)', 'add("a", 2)', "--ttl", "1000", "--send-key") == 0
    assert (shell.out, shell.error) == ("", "")
    assert 990 <= (client.get(key).ttl or 0) <= 1000
    assert shell("operate", *words, 'get("a")', 'lists.append_items("l", ["x", b"y"])') == 0
    assert shell.out.splitlines()[1:] == [
        '  get("a")                              3',
        '  lists.append_items("l", ["x", b"y"])  2',
    ]
    assert shell("operate", *words, "get()") == 0
    assert shell.out.splitlines()[1:] == ['  get()  {"a": 3, "l": ["x", {"$bytes": "79"}]}']
    assert shell("operate", *words, 'add("a", 1)', 'get("a")', 'lists.get("l", 1)', "--json") == 0
    told = json.loads(shell.out)
    assert told["bins"] == {"a": 4, "l": {"$bytes": "79"}}
    assert told["results"] == [None, 4, {"$bytes": "79"}]
    assert shell("operate", *words, 'add("l", 1)') == 4
    assert shell("operate", *words, 'add("l")') == 2
    assert "missing a required argument" in shell.error


CALLS: list[tuple[str, Operation]] = [
    ('add("a", 1)', op.add("a", 1)),
    (' op.add("a", -1.5) ', op.add("a", -1.5)),
    ("get()", op.get()),
    ('put("a", {1: [b"x", True, None], "b": (2.5,)})', op.put("a", {1: [b"x", True, None], "b": [2.5]})),
    (
        'maps.get_by_key("m", "k", return_type=MapReturnType.KEY)',
        op.maps.get_by_key("m", "k", return_type=MapReturnType.KEY),
    ),
    (
        'maps.put("m", "a", 1, ctx=[context.map_key("in")])',
        op.maps.put("m", "a", 1, ctx=[context.map_key("in")]),
    ),
    (
        'op.exp.read("b", exp.num_mul(exp.int_bin("a"), 2))',
        op.exp.read("b", exp.num_mul(exp.int_bin("a"), 2)),
    ),
]


@all_of("call", CALLS, ids=lambda call: str(call[0]))
def test_a_call_is_the_operation_that_python_makes_of_it(call: tuple[str, Operation]) -> None:
    text, operation = call
    assert repr(parse_operation(text)) == repr(operation)


REFUSED = [
    ("", "no call"),
    ("add(", "no call"),
    ("1", "no operation"),
    ("add", "no value; a text stands in quotes"),
    ("add(a, 1)", "there is no a"),
    ('add("a", 1', "no call"),
    ('ad("a", 1)', "there is no ad; did you mean add?"),
    ('lists.apend("a", 1)', "did you mean lists.append?"),
    ('maps.get_by_key("a", 1, return_type=MapReturnType.KEYS)', "no MapReturnType.KEYS"),
    ('add("a", 1, 2, 3)', "too many positional"),
    ('add("a", 1, by=2)', "unexpected keyword"),
    ('add("a", "b")', "add: "),
    ('add(**{"a": 1})', "** can't stand"),
    ("__import__('os').system('true')", "is no name"),
    ("add.__globals__", "there is no add.__globals__"),
    ("op.maker.with_value(1)", "there is no op.maker"),
    ("lists.__builtins__", "there is no lists.__builtins__"),
    ("(lambda: 1)()", "is no name"),
    ("[x for x in (1,)]", "is no value"),
    ('put("a", 9 ** 9 ** 9)', "is no value"),
    ("MapReturnType.KEY", "no operation"),
    ('exp.int_bin("a")', "no operation"),
    ("(" * 1000 + ")" * 1000, "no call"),
]


@all_of("refused", REFUSED, ids=lambda refused: str(refused[0])[:60])
def test_what_is_no_operation_is_refused_and_runs_nothing(refused: tuple[str, str]) -> None:
    text, words = refused
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_operation(text)


def test_a_wrong_operation_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["operate", "test", "s", "k", 'ad("a", 1)', "--hosts", "127.0.0.1:1"]) == 2
    assert "did you mean add?" in capsys.readouterr().err


# --- completion ---


def completions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> Any:
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    monkeypatch.setenv("_PYSPIKE_COMPLETE", "bash_complete")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    return [each.partition(",")[2] for each in capsys.readouterr().out.splitlines()]


def test_subcommands_and_options_are_completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completions(monkeypatch, capsys, "pyspike exi") == ["exists"]
    assert completions(monkeypatch, capsys, "pyspike touch --tt") == ["--ttl"]
    assert completions(monkeypatch, capsys, "pyspike get --key-type h") == ["hex"]


@pytest.mark.parametrize(
    ("shell_name", "words"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete")]
)
def test_each_shell_takes_what_completion_prints(
    shell_name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell_name]) == 0
    script = capsys.readouterr().out
    assert words in script
    assert "_PYSPIKE_COMPLETE" in script
    if shutil.which(shell_name):
        checked = subprocess.run(
            [shell_name, "-n"], input=script, text=True, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
    assert main(["completion", "tcsh"]) == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_after_sourcing(tmp_path: Any) -> None:
    program = tmp_path / "pyspike"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pyspike "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(pyspike completion bash)"; COMP_WORDS=(pyspike tou); COMP_CWORD=1; '
        "_pyspike_completion pyspike; echo ${COMPREPLY[@]}"
    )
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    ended = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, text=True, capture_output=True, check=False
    )
    assert ended.stdout.split() == ["touch"], ended.stderr

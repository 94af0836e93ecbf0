"""`pyspike migrate check` finds what a program uses of the official client, and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pyspike
from pyspike.cli import main
from pyspike.compat.aerospike import Client, Query
from pyspike.compat.migration.advice import INSTEAD, MISSING
from pyspike.compat.migration.names import CONSTANTS, other_names
from pyspike.compat.migration.usage import uses

PROGRAM = """
import aerospike
from aerospike import exception as ex
from aerospike_helpers.operations import list_operations as lists
import aerospike_helpers.expressions as exp

db = aerospike.client({"hosts": [("127.0.0.1", 3000)]}).connect()
key = ("test", "users", b"ann")
try:
    db.put(key, {"a": 1}, policy={"exists": aerospike.POLICY_EXISTS_CREATE})
except ex.RecordExistsError:
    db.operate(key, [lists.list_append("l", 1)])
print({}.get("a"))
expression = exp.Eq(exp.IntBin("a"), 1).compile()
db.commit(aerospike.Transaction())
db.enable_metrics()
"""


def test_what_a_program_uses_is_found_with_what_to_write_instead() -> None:
    found = [(use.line, use.name, use.instead) for use in uses("program.py", PROGRAM)]
    assert (7, "aerospike.client", INSTEAD["client"]) in found
    assert (10, "client.put", INSTEAD["put"]) in found
    assert (10, "aerospike.POLICY_EXISTS_CREATE", "RecordExistsAction") in found
    assert (11, "aerospike.exception.RecordExistsError", "errors.RecordExists") in found
    lists = "aerospike_helpers.operations.list_operations.list_append"
    assert (12, lists, "operations.lists.append(...)") in found
    assert (14, "aerospike_helpers.expressions.IntBin", "exp.int_bin(...)") in found
    assert 13 not in [line for line, _, _ in found]  # the get of a dict


@pytest.fixture
def without_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if one method was missing: none is."""
    monkeypatch.setitem(MISSING, "enable_metrics", "metrics")


@pytest.mark.usefixtures("without_metrics")
def test_what_is_missing_or_differs_is_told() -> None:
    found = uses("program.py", PROGRAM)
    assert {use.name for use in found if use.missing} == {"client.enable_metrics"}
    assert [use.line for use in found if "legacy(bytes_keys=True)" in use.different] == [8]


def test_a_program_without_the_official_client_uses_nothing_of_it() -> None:
    assert uses("program.py", "client.get(1); client.get_nodes()") == []


def test_the_advice_is_of_names_that_there_are() -> None:
    from pyspike.compat import aerospike

    for name in {*INSTEAD, *MISSING} - {"MetricsPolicy"}:
        assert hasattr(Client, name) or hasattr(Query, name) or hasattr(aerospike, name), name
    for told in {*CONSTANTS.values(), *other_names().values()}:
        value: object = pyspike
        for part in told.partition("(")[0].split("."):
            value = getattr(value, part)


@pytest.mark.usefixtures("without_metrics")
def test_the_command_lists_uses_and_fails_if_something_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.py").write_text(PROGRAM)
    (tmp_path / "two.py").write_text("print('no client')")
    assert main(["migrate", "check", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert f"{tmp_path / 'one.py'}:16  client.enable_metrics\n    not there yet: metrics" in told
    assert main(["migrate", "check", "--json", str(tmp_path / "two.py")]) == 0
    assert json.loads(capsys.readouterr().out) == {"uses": [], "unread": {}}
    (tmp_path / "two.py").write_text("def")
    assert main(["migrate", "check", str(tmp_path / "two.py")]) == 1
    assert "can't be read" in capsys.readouterr().err

"""`pyspike migrate check` finds what a program uses of the official client, and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name, walk_packages
from types import ModuleType

import pytest

from pyspike.cli import main
from pyspike.compat import aerospike, aerospike_helpers
from pyspike.compat.aerospike import Client, Query, Scan
from pyspike.compat.migration.advice import METHODS, MISSING, OF_QUERIES
from pyspike.compat.migration.names import CONSTANTS, NAMES, OF_MODULE, helper_names, own_name
from pyspike.compat.migration.usage import uses, uses_of

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
    assert (7, "aerospike.client", OF_MODULE["client"]) in found
    assert (10, "client.put", METHODS["put"]) in found
    assert (10, "aerospike.POLICY_EXISTS_CREATE", "RecordExistsAction") in found
    assert (11, "aerospike.exception.RecordExistsError", "pyspike.RecordExists") in found
    lists = "aerospike_helpers.operations.list_operations.list_append"
    assert (12, lists, "operations.lists.append(...)") in found
    assert (14, "aerospike_helpers.expressions.IntBin", "exp.int_bin(...)") in found
    assert 13 not in [line for line, _, _ in found]  # the get of a dict


OTHERS = """
import logging
import aerospike
from aerospike import predicates as p
from aerospike_helpers.batch import records as br
from aerospike_helpers.expressions import ResultType
from aerospike_helpers.operations import operations as ops

logging.exception("no exception of aerospike's")
[ops.increment("n", 1), ops.append("s", "x"), aerospike.OPERATOR_INCR, ResultType.INTEGER]
br.BatchRecords([br.Write(1, []), br.Read(1, None), br.Remove(1)])
[p.between("a", 1, 2), p.equals("a", 1)]
aerospike.exception.ClientError
"""


def test_names_of_one_family_are_not_taken_for_those_of_another() -> None:
    found = {use.name.rpartition(".")[2]: use.instead for use in uses("others.py", OTHERS)}
    assert found == {
        "increment": "operations.add(...)",
        "append": "operations.append(...)",
        "OPERATOR_INCR": "operations.add(...)",
        "INTEGER": "exp.ExpType",
        "BatchRecords": "client.batch([...]), a list of BatchRecord",
        "Write": "BatchWrite(key, [operations...])",
        "Read": "BatchRead(key, bins)",
        "Remove": "BatchDelete(key)",
        "between": 'filters.range("bin", 1, 5)',
        "equals": 'filters.equal("bin", 1)',
        "ClientError": "pyspike.AerospikeError",
    }


FOLLOWED = """
import aerospike

class Store:
    def __init__(self, db, other=None):
        self._db = db
        self._cache = other or {}

    def read(self, key):
        _, _, bins = self._db.get(key)
        return self._cache.get(key) or bins

def save(where, key, bins):
    where.put(key, bins)

def connected():
    return aerospike.client({"hosts": [("a", 3000)]}).connect()

def with_annotation(it: aerospike.Client):
    it.touch(1)

made = connected()
save(made, 1, {})
save(where=made, key=1, bins={})
store = Store(made)
q = made.query("test", "users")
q.where(1)
for row in q.results():
    row.get(1)
"""


def test_clients_are_followed_through_arguments_attributes_and_functions() -> None:
    found = {(use.line, use.name) for use in uses("followed.py", FOLLOWED) if not use.unsure}
    assert {
        *((10, "client.get"), (14, "client.put"), (20, "client.touch")),
        *((26, "client.query"), (27, "query.where"), (28, "query.results")),
    } <= found
    assert not {line for line, _ in found} & {11, 29}


def test_clients_are_followed_from_one_file_to_another() -> None:
    library = "def save(where, key, bins):\n    where.put(key, bins)\n"
    program = "import aerospike\nfrom library import save\nsave(aerospike.client({}), 1, {})\n"
    found = uses_of({"library.py": library, "program.py": program})
    assert ("library.py", 2, "client.put", "") in [
        (use.path, use.line, use.name, use.unsure) for use in found
    ]
    assert uses_of({"library.py": library}) == []


UNSURE = """
import aerospike
import queue, requests

class Store:
    def __init__(self, registry):
        self._db = registry["main"]

    def read(self, key):
        _, _, bins = self._db.get(key)
        meta = self._db.exists(key)[1]
        self._db.remove(key)
        self._db.put(key, bins)
        return bins

    def plain(self, cache, jobs):
        jobs.put(1)
        requests.put("http://a", {})
        queue.put(1, 2)
        [].append(1)
        key, meta, bins = registry["main"].get(key)
        return cache.get(1), cache.get(1)[2], {}.get(1)[1]
"""


def test_what_can_not_be_followed_is_told_as_that() -> None:
    found = [(use.line, use.name) for use in uses("unsure.py", UNSURE) if use.unsure]
    assert found == [
        (10, "_db.get"),
        (11, "_db.exists"),
        (12, "_db.remove"),
        (13, "_db.put"),
        (21, "registry['main'].get"),
        (22, "cache.get"),
        (22, "cache.get"),
    ]
    assert all(use.instead for use in uses("unsure.py", UNSURE) if use.unsure)


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
    for name in {*METHODS, *MISSING}:
        assert hasattr(Client, name) or hasattr(Query, name), name
    of_instances = {"max_records", "records_per_second", "ttl"}
    for name in OF_QUERIES.keys() - of_instances:
        assert hasattr(Query, name) or hasattr(Scan, name), name
    for name in OF_MODULE:
        assert hasattr(aerospike, name) or name == "MetricsPolicy", name
    for told in {*CONSTANTS.values(), *NAMES.values(), *helper_names().values()}:
        begin = re.match(r"(?:pyspike|exp|operations|filters)\.[\w.]+|[A-Z]\w+", told)
        if begin is not None:  # else a call of a client's, or words
            assert resolve_name(f"pyspike.{begin[0].removeprefix('pyspike.')}") is not None


def public_names(package: ModuleType) -> Iterator[str]:
    """The constants, classes and functions of a package and its modules, each with its path."""
    names = [
        package.__name__,
        *(each.name for each in walk_packages(package.__path__, f"{package.__name__}.")),
    ]
    for module in map(import_module, names):
        path = module.__name__.removeprefix("pyspike.compat.")
        for name in getattr(module, "__all__", dir(module)):
            value = getattr(module, name)
            is_own = getattr(value, "__module__", "").startswith(package.__name__) or module is aerospike
            if not name.startswith("_") and is_own and not path.endswith((".making", ".resources")):
                yield f"{path}.{name}"


SAID_NOTHING_OF = {
    *("index_type_string", "index_datatype_string"),  # words of the server's
    *("helpers", "classes", "checked_flags", "literal", "value_of"),  # make the others
}


@pytest.mark.parametrize("package", [aerospike, aerospike_helpers], ids=lambda package: package.__name__)
def test_there_is_something_to_say_of_every_name(package: ModuleType) -> None:
    silent = {path for path in public_names(package) if not own_name(path)}
    assert {path for path in silent if path.rpartition(".")[2] not in SAID_NOTHING_OF} == set()
    for name in dir(Client):
        assert name.startswith("_") or name in METHODS, name
    for name in {*dir(Query), *dir(Scan)}:
        assert name.startswith("_") or name in OF_QUERIES, name


@pytest.mark.usefixtures("without_metrics")
def test_the_command_lists_uses_and_fails_if_something_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.py").write_text(PROGRAM)
    (tmp_path / "two.py").write_text("print('no client')")
    assert main(["migrate", "check", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert f"{tmp_path / 'one.py'}:16  client.enable_metrics\n    not there yet: metrics" in told
    assert "getattr" in told.splitlines()[-1], "what it does not see"
    (tmp_path / "three.py").write_text(UNSURE)
    assert main(["migrate", "check", str(tmp_path / "three.py")]) == 0
    told = capsys.readouterr().out
    assert "three.py:10  _db.get\n    perhaps: " in told
    assert "7 more that may be: " in told
    (tmp_path / "three.py").unlink()
    assert main(["migrate", "check", "--json", str(tmp_path / "two.py")]) == 0
    assert json.loads(capsys.readouterr().out) == {"uses": [], "unread": {}}
    (tmp_path / "two.py").write_text("def")
    assert main(["migrate", "check", str(tmp_path / "two.py")]) == 1
    assert "can't be read" in capsys.readouterr().err

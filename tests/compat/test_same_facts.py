"""Constants, exceptions and helpers are those of the official package, which is asked for them."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import pickle
import subprocess
import sys
import warnings
from typing import Any

import pytest

aerospike = pytest.importorskip("aerospike")
from pyspike import compat  # noqa: E402
from pyspike.compat import aerospike as ours  # noqa: E402
from support.all_of import all_of  # noqa: E402
from support.drop_in import Side  # noqa: E402

HELPERS = (
    *("operations", "list_operations", "map_operations", "bitwise_operations", "hll_operations"),
    *("expression_operations", "string_operations"),
)


def test_all_constants_have_the_official_values() -> None:
    def constants(module: Any) -> dict[str, Any]:
        return {
            name: value
            for name, value in vars(module).items()
            if isinstance(value, int | str) and not name.startswith("__") and name != "TYPE_CHECKING"
        }

    assert constants(ours) == constants(aerospike)


def test_all_names_of_the_module_are_there() -> None:
    assert not [name for name in dir(aerospike) if not hasattr(ours, name)]
    assert not [name for name in dir(aerospike.predicates) if not hasattr(ours.predicates, name)]


TREE = """
import json
from aerospike import exception

kinds = [kind for kind in vars(exception).values() if isinstance(kind, type)]
print(json.dumps({kind.__name__: ([base.__name__ for base in kind.__mro__], kind.code) for kind in kinds}))
"""


def test_exceptions_have_the_official_tree_and_codes() -> None:
    # In a process of its own: the official client writes the code of an error that it raises to the class.
    told = subprocess.run([sys.executable, "-c", TREE], check=True, capture_output=True, timeout=60).stdout
    expected = json.loads(told)
    found = {
        name: [[base.__name__ for base in kind.__mro__], kind.code]
        for name, kind in vars(ours.exception).items()
        if name in expected
    }
    assert found == expected


@all_of("name", ["AerospikeError", "RecordNotFound", "IndexNotFound", "UDFError"])
def test_exceptions_have_the_official_attributes(name: str) -> None:
    kind, official = getattr(ours.exception, name), getattr(aerospike.exception, name)
    assert not [each for each in dir(official) if not hasattr(kind, each)]


def test_an_exception_keeps_what_it_knows_to_itself() -> None:
    one: Any = ours.exception.RecordNotFound(2, "gone", "file", 7, False)
    other: Any = ours.exception.RecordNotFound(2, "not there", "file", 8, True)
    one.key, other.key = ("test", "a", 1), ("test", "b", 2)
    assert (one.msg, one.line, one.in_doubt, one.key) == ("gone", 7, False, ("test", "a", 1))
    assert (other.msg, other.line, other.in_doubt) == ("not there", 8, True)
    for again in (pickle.loads(pickle.dumps(one)), copy.copy(one)):
        assert type(again) is type(one)
        assert (again.args, again.code, again.key) == (one.args, 2, one.key)


@all_of("module", HELPERS)
def test_operation_helpers_take_and_give_what_the_official_ones_do(module: str) -> None:
    name = f"aerospike_helpers.operations.{module}"
    official, mine = importlib.import_module(name), importlib.import_module(f"pyspike.compat.{name}")
    for each, function in inspect.getmembers(official, inspect.isfunction):
        if function.__module__ == name:
            same_helper(function, getattr(mine, each))


def same_helper(official: Any, mine: Any) -> None:
    def taken(function: Any) -> list[tuple[str, Any]]:
        return [(each.name, each.default) for each in inspect.signature(function).parameters.values()]

    assert taken(mine) == taken(official)
    required = {name: value(name) for name, default in taken(official) if default is inspect.Parameter.empty}
    everything = {name: value(name) for name, _ in taken(official)}
    for arguments in (required, everything):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert mine(**arguments) == without_idle(official(**arguments), mine(**arguments))


def value(name: str) -> Any:
    return {"b": 1, "a": 2} if name == "item_dict" else True if name == "inverted" else name


def without_idle(given: dict[str, Any], mine: dict[str, Any]) -> dict[str, Any]:
    """What is False where it is not given at all by the official helper means the same."""
    return {key: False for key in mine if key == "inverted"} | given


def test_expressions_take_what_the_official_ones_do() -> None:
    official = importlib.import_module("aerospike_helpers.expressions")
    mine = importlib.import_module("pyspike.compat.aerospike_helpers.expressions")
    for name, kind in inspect.getmembers(official, inspect.isclass):
        if hasattr(kind, "compile") and not name.startswith("_"):
            made = getattr(mine, name)
            if hasattr(made, "_row"):
                names = list(inspect.signature(kind).parameters)
                assert list(made._row.names) == names, name


PREDICATES = (
    *("equals('a', 1)", "equals('a', 'x')", "equals('a', b'x')", "equals('a', 1.5)", "equals(None, 1)"),
    *("between('a', 1, 5)", "between('a', 'b', 5)", "contains('a', 1, 'x')", "range('a', 1, 2, 3)"),
    *("geo_within_geojson_region('a', 'x')", "geo_within_radius('a', 1.0, 2.0, 3.0)"),
    *("geo_within_radius('a', 1, 2, 3, 1)", "geo_contains_geojson_point('a', 'x')"),
    *("geo_contains_point('a', 1.0, 2.0)", "geo_within_geojson_region('a', 1)", "contains('a', 'x', 2)"),
)


@all_of("call", PREDICATES)
def test_predicates_are_the_official_tuples(call: str) -> None:
    assert eval(call, vars(ours.predicates).copy()) == eval(call, vars(aerospike.predicates).copy())


@all_of(
    "call",
    [
        "index_integer_create(1, 'd', 'a', 'i')",
        "index_string_create(1, 'd', 'a', 'i')",
        "index_blob_create(1, 'd', 'a', 'i')",
        "index_geo2dsphere_create(1, 'd', 'a', 'i')",
        "index_cdt_create(1, 'd', 'a', 0, 1, 'i', [])",
        "index_single_value_create(1, 'd', 'a', 1, 'i')",
        "put(('test', 'd', 1), {'a': 1}, {'ttl': -9})",
        "increment(('test', 'd', 1), 'a', 1, {'ttl': -9})",
        "operate(('test', 'd', 1), [], {'ttl': 5})",
    ],
)
def test_what_is_deprecated_is_told_of_the_line_that_calls_it(call: str, sides: tuple[Side, Side]) -> None:
    def told(client: Any) -> list[tuple[str, str]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DeprecationWarning)
            with pytest.raises(Exception):  # noqa: B017, PT011 - of each in its way
                eval(f"client.{call}", {"client": client})
        return [(str(each.message), each.filename) for each in caught]

    # The official client tells the line that called the caller.
    official, mine = (told(side.client) for side in sides)
    assert mine == [(message, "<string>") for message, _ in official]


def test_methods_have_the_official_names() -> None:
    for kind in ("Client", "Query", "Scan", "GeoJSON", "KeyOrderedDict", "ConfigProvider"):
        official = getattr(aerospike, kind)
        made = ours.Query(client_stub(), "test", "s") if kind == "Query" else getattr(ours, kind)
        missing = [name for name in dir(official) if not name.startswith("_") and not hasattr(made, name)]
        if kind == "GeoJSON":
            missing.remove("geo_data")  # of each object
        if kind == "Scan":
            missing.remove("ttl")
        assert not missing, kind


def client_stub() -> Any:
    return object()


def test_the_package_has_no_other_names() -> None:
    assert compat.__all__ == ["aerospike", "aerospike_helpers", "install", "legacy", "uninstall"]
    with pytest.raises(AttributeError, match="nothing"):
        compat.nothing  # noqa: B018

"""All that the installed official client can do to documents has a counterpart here, argument by argument.

Its package is looked through, so a newer one that has more fails here until that is there too.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pyspike import operations
from support.official_helpers import BO, CX, EO, EXPRESSIONS, HO, LO, MO, OP, SO, TABLES, classes, helpers

pytest.importorskip("aerospike_helpers")

FAMILIES = {
    "list_operations": LO,
    "map_operations": MO,
    "bitwise_operations": BO,
    "hll_operations": HO,
    "expression_operations": EO,
    "string_operations": SO,
}
NO_EXPRESSIONS = {"LoopVar": "the base class of the typed ones"}
# Classes with a function of their own in the adapter, as their arguments are not pyspike's.
ADAPTED = {"Val", "KeyInt", "KeyStr", "KeyBlob", "CmpRegex", "SelectByPath", "ModifyByPath"}
OF_INDEXES = {"index_type_string", "index_datatype_string"}  # what else is in cdt_ctx


def functions(module: ModuleType) -> dict[str, list[str]]:
    """The public functions that a module defines, and the names of their parameters."""
    return {
        name: list(inspect.signature(entry).parameters)
        for name, entry in vars(module).items()
        if inspect.isfunction(entry) and entry.__module__ == module.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_every_helper_has_a_counterpart_with_its_arguments(name: str) -> None:
    theirs = functions(importlib.import_module(f"aerospike_helpers.operations.{name}"))
    assert theirs == {helper: names for helper, _, names in helpers(name)}
    assert all(callable(getattr(FAMILIES[name], helper)) for helper in theirs)


def test_there_is_no_other_module_of_operations() -> None:
    package = importlib.import_module("aerospike_helpers.operations")
    found = {path.stem for root in package.__path__ for path in Path(root).glob("*.py")}
    assert found == {"__init__", "operations", *FAMILIES}


def test_every_scalar_operation_and_path_has_a_counterpart() -> None:
    theirs = functions(importlib.import_module("aerospike_helpers.operations.operations"))
    assert callable(operations.touch)  # its time to live is that of the call
    assert theirs.pop("touch") == ["ttl"]
    assert set(theirs) == set(vars(OP))


def test_every_context_has_a_counterpart_with_its_arguments() -> None:
    theirs = functions(importlib.import_module("aerospike_helpers.cdt_ctx"))
    assert set(theirs) - OF_INDEXES == set(vars(CX))
    for name in set(theirs) - OF_INDEXES:
        assert len(theirs[name]) == len(inspect.signature(getattr(CX, name)).parameters), name


def official_classes() -> dict[str, Any]:
    """The expressions of the installed package."""
    package = importlib.import_module("aerospike_helpers.expressions")
    base = importlib.import_module("aerospike_helpers.expressions.resources")._BaseExpr
    return {
        name: entry
        for name, entry in vars(package).items()
        if inspect.isclass(entry) and issubclass(entry, base) and not name.startswith("_")
    }


def test_every_expression_has_a_counterpart_with_its_arguments() -> None:
    in_tables = {name: names for table, _ in TABLES for name, _, names in classes(table)}
    found = official_classes()
    assert len(found) >= 220
    assert in_tables.keys() <= found.keys()
    for name, entry in found.items():
        if name in NO_EXPRESSIONS:
            continue
        counterpart = getattr(EXPRESSIONS, name)
        parameters = inspect.signature(entry).parameters
        if name in in_tables:
            assert list(parameters) == in_tables[name]
        elif name not in ADAPTED:
            assert len(inspect.signature(counterpart).parameters) == len(parameters), name

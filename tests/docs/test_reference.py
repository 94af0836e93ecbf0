"""The reference has every public name, and says of each feature which server it needs."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType, UnionType
from typing import get_origin

import pytest

import pyspike
import pyspike.server
import pyspike.testing
from pyspike import errors, exp, operations, server_features
from pyspike.server_features import Feature

SOURCE = Path(pyspike.__file__).parent
API = Path(__file__).parents[2] / "docs" / "api"
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in API.glob("*.md"))
MODULES = re.findall(r"automodule:: ([\w.]+)", TEXT)
ONE_BY_ONE = set(re.findall(r"auto(?:class|data|function):: ([\w.]+)", TEXT))

pytestmark = pytest.mark.one_kind("reads")


def test_every_public_name_is_in_the_reference() -> None:
    names = set(pyspike.__all__) - set(errors.__all__) - {"__version__", "errors"}
    missing = {name for name in names if f"pyspike.{name}" not in ONE_BY_ONE | set(MODULES)}
    with_their_module = {"Context", "Ctx", "MapKey"}
    assert missing <= with_their_module, "pages in docs/api say what they have; add it where a reader looks"
    assert "pyspike.errors" in MODULES


@pytest.mark.parametrize("package", [operations, exp], ids=lambda package: package.__name__)
def test_every_module_of_operations_and_expressions_is_in_the_reference(package: ModuleType) -> None:
    modules = [getattr(package, name) for name in package.__all__]
    names = {each.__name__ for each in modules if isinstance(each, ModuleType)}
    assert names
    assert names <= set(MODULES)


@pytest.mark.parametrize("module", [pyspike.server, pyspike.testing], ids=lambda module: module.__name__)
def test_the_server_and_the_fixtures_are_in_the_reference(module: ModuleType) -> None:
    assert {f"{module.__name__}.{name}" for name in module.__all__} <= ONE_BY_ONE


FOR_USERS = {  # of packages, which have parts that nobody else imports
    "contrib/location.py": {"Location"},
    "telemetry/prometheus.py": {"Collector", "text"},
    "telemetry/otel.py": {"instrument", "with_histograms"},
    "telemetry/families.py": {"Source"},
    "integrations/dask.py": {"read", "write"},
    "integrations/polars.py": {"scan"},
    "integrations/ray.py": {"AerospikeDatasink", "AerospikeDatasource"},
}


def public_names(path: Path) -> set[str]:
    """What a module says that it has, told without importing it: its framework may not be installed."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_what_frameworks_and_engines_find_is_in_the_reference() -> None:
    found = dict(FOR_USERS)
    for path in (SOURCE / "contrib").rglob("*.py"):
        names = {name for name in public_names(path) if "Aerospike" in name}
        if names and (path.parent.name != "langgraph" or path.stem == "__init__"):
            found[path.relative_to(SOURCE).as_posix()] = names
    assert len(found) - len(FOR_USERS) == 8
    for path, names in found.items():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert names <= public_names(SOURCE / path)
        assert {f"pyspike.{module}.{name}" for name in names} <= ONE_BY_ONE


def test_every_alias_of_types_has_a_text() -> None:
    told = set()
    for name in ("_types", "hosts", "udf"):
        body = ast.parse((SOURCE / f"{name}.py").read_text(encoding="utf-8")).body
        for node, below in pairwise(body):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(below, ast.Expr):
                told.add(ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target))
    aliases = {
        name
        for name in pyspike.__all__
        if isinstance(getattr(pyspike, name), UnionType) or get_origin(getattr(pyspike, name)) is not None
    }
    assert len(aliases) > 8
    assert aliases <= told, (
        "below each stands, as a docstring, what it has; docs/ext/docstrings.py shows that"
    )


def test_the_table_of_versions_has_every_feature() -> None:
    rows = (API / "server-versions.md").read_text(encoding="utf-8").splitlines()
    features = [each for each in vars(server_features).values() if isinstance(each, Feature)]
    assert len(features) > 5
    for feature in features:
        version = ".".join(map(str, feature.version))
        row = next(
            (row for row in rows if feature.name in row.replace("`", "") or is_about(row, feature)), ""
        )
        assert f"| {version} |" in row, feature


def is_about(row: str, feature: Feature) -> bool:
    """Whether the row tells of it in other words."""
    words = {"paths": "`operations.paths`", "exp.in_list, map_keys and map_values": "`exp.in_list`"}
    return feature.name in words and words[feature.name] in row

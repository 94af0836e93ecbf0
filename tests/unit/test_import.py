"""What `import pyspike` need not do: import what few programs use, and generate code that can be shared."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from pyspike import Host, ReadPolicy
from pyspike.plain_value import PlainValue, value_class

LATER = {
    *("asyncio", "concurrent.futures", "difflib", "json", "logging", "multiprocessing", "socket", "ssl"),
    *("subprocess", "tempfile", "unittest", "urllib", "importlib.metadata", "zlib"),
    *("msgpack", "numpy", "pyarrow", "opentelemetry", "yaml"),
    *(f"pyspike.{name}" for name in ("aio", "cdt", "cli", "cluster", "codecs", "columnar", "compat")),
    *(f"pyspike.{name}" for name in ("contrib", "exp", "explanation", "filters", "integrations", "job")),
    *(f"pyspike.{name}" for name in ("lua", "metrics", "operations", "plans", "records", "security")),
    *(f"pyspike.{name}" for name in ("server", "stats", "telemetry", "testing", "url")),
}

FOUND = """
import dataclasses, json, sys, pyspike
kinds = {
    kind for name, module in list(sys.modules.items()) if name.partition(".")[0] == "pyspike"
    for kind in vars(module).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)
}
of_strings = {  # no file has their code
    f"{kind.__name__}.{name}": issubclass(kind, pyspike.policy.base.Policy)
    for kind in kinds for name, each in vars(kind).items()
    if getattr(getattr(each, "__code__", None), "co_filename", "") == "<string>"
}
print(json.dumps([list(sys.modules), len(kinds), of_strings]))
"""


@value_class(frozen=True, slots=True, repr=False, eq=False)
class Place(PlainValue):
    """A value."""

    name: str
    floor: int = 0


@value_class(frozen=True, slots=True, repr=False, eq=False)
class Room(Place):
    """A value with one field more."""

    seats: int = 1


@pytest.fixture(scope="module")
def found() -> tuple[set[str], int, dict[str, bool]]:
    """Which modules a process has that imports pyspike; how many dataclasses, and what was generated."""
    program = [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{FOUND}"]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    modules, kinds, generated = json.loads(ended.stdout)
    return set(modules) - {"json"}, kinds, generated


def test_what_few_programs_use_is_not_imported(found: tuple[set[str], int, dict[str, bool]]) -> None:
    assert "pyspike.client" in found[0]
    assert found[0] & LATER == set()


def test_of_the_methods_of_values_only_constructors_are_generated(
    found: tuple[set[str], int, dict[str, bool]],
) -> None:
    _, kinds, generated = found
    assert kinds > 20
    assert {name.partition(".")[2] for name in generated} == {"__init__"}


def test_for_policies_nothing_is_generated(found: tuple[set[str], int, dict[str, bool]]) -> None:
    assert {name for name, is_policy in found[2].items() if is_policy} == set()


def test_a_value_of_a_derived_class_has_all_fields() -> None:
    room = Room("hall", seats=30)
    assert repr(room) == "Room(name='hall', floor=0, seats=30)"
    assert room == Room("hall", 0, 30) != Place("hall")
    assert hash(room) == hash(Room("hall", 0, 30))
    with pytest.raises(TypeError, match="seat"):
        Room("hall", seat=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["name", "port", "tls_name", "extra", "__dict__"])
def test_a_value_can_not_be_changed(name: str) -> None:
    host = Host("a")
    with pytest.raises(FrozenInstanceError):
        setattr(host, name, "b")
    with pytest.raises(FrozenInstanceError):
        delattr(host, name)
    assert host == Host("a")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_value_and_its_copies_are_equal(protocol: int) -> None:
    value: Any = Host("a", 1, "b")
    for twin in (pickle.loads(pickle.dumps(value, protocol)), copy.copy(value), copy.deepcopy(value)):
        assert (type(twin), twin) == (Host, value)
        with pytest.raises(FrozenInstanceError):
            twin.name = "c"


def test_a_policy_shows_its_fields_as_parameters() -> None:
    shown = inspect.signature(ReadPolicy).parameters
    assert list(shown) == [each.name for each in fields(ReadPolicy)]
    assert {each.kind for each in shown.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {name: each.default for name, each in shown.items()} == {
        name: getattr(ReadPolicy(), name) for name in shown
    }
    assert shown["replica"].annotation == "Replica"

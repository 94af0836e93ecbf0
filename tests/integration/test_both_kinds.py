"""All tests that make a client are run by threads and by tasks, but for those that say why not."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from pyspike import Client
from support.both_kinds import kinds, ways_around
from support.clients import KINDS, BlockingClient
from support.processes import run_script

HERE = Path(__file__).parent
PACKAGE = "pyspike"  # so that what is below is no script itself
MODULES = sorted(path for path in HERE.glob("*.py") if path.stem != "conftest")
BOTH, ONE = pytest.mark.both_kinds.mark, pytest.mark.one_kind("a reason").mark
OTHER = pytest.mark.embedded_only.mark
MAKE = "from support.clients import Client; Client('127.0.0.1:1')"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_clients_are_of_the_kind_that_is_asked_for(path: Path) -> None:
    wrong = ways_around(path.read_text(), is_test=path.stem.startswith("test_"))
    assert not wrong, f"{path.stem} makes clients of one kind only in lines {wrong}"


@pytest.mark.parametrize(
    ("source", "is_test", "found"),
    [
        (f"from {PACKAGE} import Client", True, []),
        (f"from {PACKAGE} import Client", False, [1]),
        (f"from {PACKAGE}.client import Client", False, [1]),
        ("from support.clients import Client\nClient('x')", False, []),
        ("from support.clients import BlockingClient\nBlockingClient('x')", False, []),
        (f"from {PACKAGE} import AsyncClient, ClientPolicy", False, []),
        (f"def test():\n    from {PACKAGE} import Client", True, [2]),
        ("import pyspike\npyspike.Client('x')", True, [2]),
        (f"SCRIPT = 'from {PACKAGE} import ClientPolicy, Client'", True, [1]),
        ("SCRIPT = 'from support.clients import Client'", True, []),
        ("@fixture(scope='module')\ndef user():\n    yield Client('x')", True, [2]),
        ("@fixture\ndef user():\n    yield Client('x')", True, []),
    ],
)
def test_a_way_around_is_found(source: str, is_test: bool, found: list[int]) -> None:
    assert ways_around(source, is_test=is_test) == found


@pytest.mark.parametrize(
    ("marks", "fixtures", "expected"),
    [
        ([], ["hosts"], ()),
        ([], ["client", "key"], ("threads", "tasks")),
        ([OTHER], ["hosts"], ()),
        ([OTHER, BOTH], ["hosts"], ("threads", "tasks")),
        ([ONE], ["client"], ("threads",)),
        ([ONE, BOTH], [], ("threads",)),  # that of the test before that of its module
        ([BOTH, ONE], [], ("threads", "tasks")),
    ],
)
def test_marks_and_the_fixture_say_by_which_kinds_a_test_is_run(
    marks: list[pytest.Mark], fixtures: Collection[str], expected: tuple[str, ...]
) -> None:
    assert kinds(marks, fixtures) == expected


def test_one_kind_needs_a_reason() -> None:
    with pytest.raises(pytest.UsageError, match="the reason"):
        kinds([pytest.mark.one_kind.mark], [])


@pytest.mark.both_kinds
def test_the_name_in_a_marked_test_is_that_kind(client_kind: str) -> None:
    assert Client is KINDS[client_kind]
    assert client_kind in run_script("from support.clients import Client, KIND; print(KIND)").stdout


def test_the_fixture_is_of_that_kind(client: Any, client_kind: str) -> None:
    assert isinstance(client, KINDS[client_kind])


@pytest.mark.one_kind("is what it is about")
def test_the_name_in_a_test_of_one_kind_is_that_of_threads() -> None:
    assert Client is BlockingClient


def test_a_client_in_a_test_without_a_mark_is_an_error() -> None:
    with pytest.raises(AssertionError, match="must be marked both_kinds"):
        Client("127.0.0.1:1")
    assert "must be marked both_kinds" in run_script(MAKE).stderr

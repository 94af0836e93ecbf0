"""All tests that make a client are run by threads and by tasks, but for those that say why not."""

from __future__ import annotations

import re
import types
from pathlib import Path

import pytest

from pyspike import Client  # noqa: F401 - see the last test
from support.both_kinds import ONE_KIND, makes_client, ways_around

HERE = Path(__file__).parent
PACKAGE = "pyspike"  # so that what is below is no script itself
MODULES = sorted(path for path in HERE.glob("*.py") if path.stem != "conftest")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_clients_are_of_the_kind_that_is_asked_for(path: Path) -> None:
    wrong = ways_around(path.read_text(), is_test=path.stem.startswith("test_"))
    if path.stem in ONE_KIND:
        assert wrong or path.stem.startswith("test_"), "it is no exception any more"
    else:
        assert not wrong, f"{path.stem} makes clients of one kind only in lines {wrong}"


def test_every_exception_is_there() -> None:
    text = "".join(path.read_text() for path in MODULES)
    tests = set(re.findall(r"^(?:async )?def (test_\w+)", text, re.M))
    assert not ONE_KIND.keys() - tests - {path.stem for path in MODULES}


@pytest.mark.parametrize(
    ("source", "is_test", "found"),
    [
        (f"from {PACKAGE} import Client", True, []),
        (f"from {PACKAGE} import Client", False, [1]),
        (f"from {PACKAGE}.client import Client", False, [1]),
        ("from support.clients import Client\nClient('x')", False, []),
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


SAMPLE = """
import pytest

def test_directly(): Client("x")
def test_in_a_lambda(): return lambda: [Client("x") for _ in "x"]
def test_by_a_helper(): helper()
def test_by_a_class(): Helper()
def test_not(): nothing(AsyncClient, "Client")
def helper(): return user()
def nothing(*args): nothing()
def user(): return Client("x")
class Helper:
    def __init__(self): self.client = Client("x")
@pytest.fixture
def fixture(): yield Client("x")
"""


@pytest.mark.parametrize(
    ("name", "makes"),
    [
        ("test_directly", True),
        ("test_in_a_lambda", True),
        ("test_by_a_helper", True),
        ("test_by_a_class", True),
        ("fixture", True),
        ("test_not", False),
        ("no such name", False),
    ],
)
def test_who_makes_a_client_is_seen(name: str, makes: bool) -> None:
    module = types.ModuleType("sample")
    exec(SAMPLE, vars(module))
    assert makes_client(module, name) is makes


def test_a_client_that_is_not_seen_is_refused() -> None:
    with pytest.raises(pytest.fail.Exception, match="run by threads only"):
        globals()["Client"]("127.0.0.1:1")

"""Every test of this folder that has to do with commands runs twice from one source: by threads and by tasks.

Whoever uses the fixture `client`, makes a `Client` or runs a scenario gets a blocking client the first time
and an `AsyncClient` behind a facade of the same methods the second. `support.both_kinds` tells who does, and
names the few that are of one kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import AsyncClient, Client
from support.both_kinds import ONE_KIND, makes_client
from support.clients import KINDS, VARIABLE
from support.facade import TaskClient, background_loop, end_background_loop


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _has_both(metafunc):
        metafunc.parametrize("client_kind", KINDS, indirect=True)


def _has_both(metafunc: pytest.Metafunc) -> bool:
    if {metafunc.module.__name__, metafunc.function.__name__} & ONE_KIND.keys():
        return False
    uses = [metafunc.function.__name__, *metafunc.fixturenames]
    return "client" in uses or any(makes_client(metafunc.module, name) for name in uses)


@pytest.fixture(autouse=True)
def client_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the test's commands are run: its module's `Client`, and that of scenarios, is of that kind."""
    kind: str = getattr(request, "param", "threads")
    monkeypatch.setenv(VARIABLE, kind)
    if kind == "tasks":
        background_loop()  # so that its thread and its sockets are there before the test
    names = {request.module.__name__, request.function.__name__}
    if hasattr(request.module, "Client") and not names & ONE_KIND.keys():
        makes = KINDS[kind] if hasattr(request, "param") else _unseen
        monkeypatch.setattr(request.module, "Client", makes)
    return kind


def _unseen(*args: object, **options: object) -> None:
    pytest.fail("the test is run by threads only, as support.both_kinds.makes_client does not see its Client")


@pytest.fixture(scope="session", autouse=True)
def _background() -> Iterator[None]:
    yield
    end_background_loop()


@pytest.fixture(scope="session")
def _shared_tasks(_shared_client: Client) -> Iterator[TaskClient]:
    with TaskClient.of(AsyncClient.sharing(_shared_client)) as facade:
        yield facade


@pytest.fixture
def client(client_kind: str, request: pytest.FixtureRequest) -> Any:
    """The client that all tests share, or tasks that share its cluster."""
    return request.getfixturevalue("_shared_tasks" if client_kind == "tasks" else "_shared_client")

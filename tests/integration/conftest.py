"""Every test of this folder that has to do with commands runs twice from one source: by threads and by tasks.

Whoever uses the fixture `client`, or makes a `Client` in one of the modules below, gets a blocking client the
first time and an `AsyncClient` behind a facade of the same methods the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import AsyncClient, Client
from support.facade import TaskClient, end_background_loop

KINDS = ["threads", "tasks"]

# Modules whose tests make clients of their own, of whichever kind.
BOTH = {"test_commands", "test_fault_errors", "test_faults", "test_policy_options"}
MAKERS = {"load", "one_client"}  # fixtures that make a client

# What is about connections that carry one command at a time; test_async_pipeline has what tasks do instead.
THREADS_ONLY = {
    "test_timeout_delay_awaits_a_late_answer_and_uses_the_connection_again",
    "test_timeout_delay_gives_up_on_an_answer_that_never_comes",
    "test_client_policy_max_conns_per_node_is_the_limit",
    "test_client_policy_max_waiting_per_node_refuses_the_next_at_once",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was done to the faulty clusters, and how much of it was checked."""
    told = [dict(report.user_properties) for report in terminalreporter.getreports("")]
    loads = [each for each in told if "operations" in each and "checks" in each]
    if loads:
        operations, checks = (sum(each[name] for each in loads) for name in ("operations", "checks"))
        terminalreporter.write_line(
            f"{len(loads)} scenarios of faults: {operations:,} operations, {checks:,} checks"
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _has_both(metafunc):
        metafunc.parametrize("client_kind", KINDS, indirect=True)


def _has_both(metafunc: pytest.Metafunc) -> bool:
    if metafunc.function.__name__ in THREADS_ONLY:
        return False
    if "client" in metafunc.fixturenames:
        return True
    makes = "Client" in metafunc.function.__code__.co_names or MAKERS & set(metafunc.fixturenames)
    return metafunc.module.__name__ in BOTH and bool(makes)


@pytest.fixture(autouse=True)
def client_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the test's commands are run."""
    name: str = getattr(request, "param", "threads")
    if name == "tasks" and request.module.__name__ in BOTH:
        monkeypatch.setattr(request.module, "Client", TaskClient)
    return name


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

"""Every test of this folder that has to do with commands runs twice from one source: by threads and by tasks.

Whoever uses the fixture `client`, makes a `Client` or runs a scenario gets a blocking client the first time
and an `AsyncClient` behind a facade of the same methods the second. Marks say who does: support.both_kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import AsyncClient, Client
from pyspike.server import EmbeddedCluster
from support.both_kinds import kinds
from support.clients import UNTOLD, VARIABLE, client_of
from support.facade import TaskClient, background_loop, end_background_loop


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    found = kinds(metafunc.definition.iter_markers(), metafunc.fixturenames)
    if len(found) > 1:
        metafunc.parametrize("client_kind", found, indirect=True)


@pytest.fixture(autouse=True)
def client_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the test's commands are run: its module's `Client`, and that of scenarios, is of that kind."""
    told = kinds(request.node.iter_markers(), request.fixturenames) or (UNTOLD,)
    kind: str = getattr(request, "param", told[0])
    monkeypatch.setenv(VARIABLE, kind)
    if kind == "tasks":
        background_loop()  # so that its thread and its sockets are there before the test
    if hasattr(request.module, "Client"):
        monkeypatch.setattr(request.module, "Client", client_of(kind))
    return kind


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


@pytest.fixture(scope="session")
def _one() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(process=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        yield cluster


@pytest.fixture
def one(_one: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """A node in a process of its own, whose sockets are not ours, as new, to which a test may do anything."""
    yield _one
    _one.reset()


@pytest.fixture
def three(_three: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """Three such nodes, which are not those that all tests share."""
    yield _three
    _three.reset()


@pytest.fixture(scope="session")
def _exporter() -> Any:
    """Has the spans that end, of all that this process traces."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):  # a process has one, which can't be replaced
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(_exporter: Any) -> Iterator[Any]:
    """The spans that have ended in a test: an `InMemorySpanExporter`."""
    _exporter.clear()
    yield _exporter
    _exporter.clear()

"""Spans of a client's calls (`ClientPolicy.tracing`), judged by OpenTelemetry's own SDK."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    AsyncClient,
    BatchRead,
    Client,
    ClientPolicy,
    IndexNotFound,
    JobError,
    Key,
    ReadPolicy,
    RecordNotFound,
    ResultCode,
    RowRefused,
    SchemaMismatch,
    Statement,
    UdfError,
    filters,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from support.processes import run_script

pytestmark = pytest.mark.both_kinds

TRACED = ClientPolicy(tracing=True)
RUN = uuid.uuid4().hex[:8]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    [span] = spans.get_finished_spans()
    return span


def test_a_call_is_one_span_with_the_attributes_of_the_conventions(
    hosts: str, key: Key, spans: InMemorySpanExporter
) -> None:
    with Client(hosts, TRACED) as client:
        client.put(key, {"a": 1})
        span = only(spans)
        assert span.name == f"put {key.set_name}"
        assert span.kind is trace.SpanKind.CLIENT
        assert span.status.status_code is trace.StatusCode.UNSET
        found = attributes(span)
        host, _, port = hosts.split(",")[0].rpartition(":")
        node = next(node for node in client.nodes() if node.name == found["aerospike.node.name"])
        assert found == {
            "db.system.name": "aerospike",
            "db.operation.name": "put",
            "db.namespace": "test",
            "db.collection.name": key.set_name,
            "server.address": host,
            "server.port": int(port),
            "aerospike.node.name": node.name,
            "network.peer.address": str(node.host.name),
            "network.peer.port": node.host.port,
        }
        assert not span.events
        assert span.instrumentation_scope is not None
        assert span.instrumentation_scope.name == "pyspike"


def test_the_span_of_a_call_that_fails_says_how(hosts: str, key: Key, spans: InMemorySpanExporter) -> None:
    with Client(hosts, TRACED) as client, pytest.raises(RecordNotFound):
        client.get(key)
    span = only(spans)
    found = attributes(span)
    assert (found["error.type"], found["db.response.status_code"]) == ("RecordNotFound", "2")
    assert span.status.status_code is trace.StatusCode.ERROR


def test_a_span_is_the_child_of_the_current_one(hosts: str, key: Key, spans: InMemorySpanExporter) -> None:
    tracer = trace.get_tracer("test")
    with Client(hosts, TRACED) as client:
        with tracer.start_as_current_span("request"):
            client.exists(key)
            client.exists(key)
        client.exists(key)
    one, two, request, alone = spans.get_finished_spans()
    for child in (one, two):
        assert child.parent is not None
        assert child.parent.span_id == request.context.span_id
        assert child.context.trace_id == request.context.trace_id
    assert alone.parent is None


@pytest.mark.one_kind("it is about tasks")
def test_tasks_that_run_at_once_have_their_spans_under_their_own(
    hosts: str, key: Key, spans: InMemorySpanExporter
) -> None:
    import asyncio

    tracer = trace.get_tracer("test")

    async def request(client: AsyncClient, number: int) -> None:
        with tracer.start_as_current_span(f"request {number}"):
            await client.exists(key)
            await asyncio.gather(client.exists(key), client.exists(key))

    async def main() -> None:
        async with AsyncClient(hosts, TRACED) as client:
            await asyncio.gather(*(request(client, number) for number in range(5)))
            coroutine = client.get(key)
            assert (coroutine.__name__, coroutine.__qualname__) == ("get", "AsyncClient.get")
            coroutine.close()  # it never began, and has no span

    asyncio.run(main())
    found = spans.get_finished_spans()
    requests = {span.context.span_id: span for span in found if span.name.startswith("request")}
    children = [span for span in found if span.parent is not None]
    assert (len(requests), len(children)) == (5, 15)
    for child in children:
        assert child.parent is not None
        assert child.context.trace_id == requests[child.parent.span_id].context.trace_id


@pytest.mark.one_kind("it is about tasks")
def test_the_span_of_a_task_that_is_cancelled_ends(hosts: str, key: Key, spans: InMemorySpanExporter) -> None:
    import asyncio

    async def main() -> None:
        async with AsyncClient(hosts, TRACED) as client:
            task = asyncio.ensure_future(client.get(key, default=None))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()

    asyncio.run(main())
    assert attributes(only(spans))["error.type"] == "CancelledError"


@pytest.mark.one_kind("it is about tasks")
def test_the_span_of_a_call_about_the_cluster_ends_though_its_task_was_cancelled_before(
    hosts: str, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    import threading

    from pyspike.cluster import asking

    may_begin, over = threading.Event(), threading.Event()
    ask = asking.info

    def asked_late(*args: Any) -> Any:
        may_begin.wait(30)
        try:
            return ask(*args)
        finally:
            over.set()

    monkeypatch.setattr(asking, "info", asked_late)

    async def main() -> None:
        async with AsyncClient(hosts, TRACED) as client:
            task = asyncio.ensure_future(client.info("build"))
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            may_begin.set()
            await asyncio.to_thread(over.wait, 30)

    asyncio.run(main())
    assert attributes(only(spans))["db.operation.name"] == "info"


def test_a_batch_is_one_span_however_many_rows_it_has(
    hosts: str, set_name: str, spans: InMemorySpanExporter
) -> None:
    keys = [Key("test", set_name, f"span-{number}") for number in range(30)]
    with Client(hosts, TRACED) as client:
        client.batch_put([(key, {"a": 1}) for key in keys])
        assert attributes(only(spans))["db.operation.batch.size"] == 30
        assert only(spans).name == f"batch_put {set_name}"
        spans.clear()
        client.batch_get(keys[:1])
        assert "db.operation.batch.size" not in attributes(only(spans))
        spans.clear()
        client.batch_get([])
        assert attributes(only(spans))["db.operation.batch.size"] == 0


def test_a_query_is_one_span_until_it_ends(hosts: str, set_name: str, spans: InMemorySpanExporter) -> None:
    of = f"{set_name}-spans"
    with Client(hosts, TRACED) as client:
        client.batch_put([(Key("test", of, number), {"a": number}) for number in range(20)])
        spans.clear()
        records = client.query(Statement("test", of))
        next(iter(records))
        assert not spans.get_finished_spans()
        assert sum(1 for _ in records) == 19
        span = only(spans)
        assert span.name == f"query {of}"
        assert span.status.status_code is trace.StatusCode.UNSET
        assert attributes(span)["db.operation.name"] == "query"
        spans.clear()
        with client.query(Statement("test", of)) as early:
            next(iter(early))
        assert only(spans).name == f"query {of}"
        spans.clear()
        client.query(Statement("test", of)).close()  # it never began
        assert only(spans).name == f"query {of}"


def test_a_stream_of_rows_is_one_span_until_it_ends(
    hosts: str, set_name: str, spans: InMemorySpanExporter
) -> None:
    with Client(hosts, TRACED) as client:
        with client.batch_stream(BatchRead(Key("test", set_name, number)) for number in range(50)) as rows:
            assert sum(1 for _ in rows) == 50
        assert only(spans).name == "batch_stream"
        spans.clear()

        def broken() -> Iterator[BatchRead]:
            yield BatchRead(Key("test", set_name, 1))
            raise KeyError("rows")

        with client.batch_stream(broken()) as rows, pytest.raises(KeyError):
            list(rows)
        assert attributes(only(spans))["error.type"] == "KeyError"


def test_a_stream_of_columns_is_one_span_until_it_ends(
    hosts: str, set_name: str, spans: InMemorySpanExporter
) -> None:
    of = f"{set_name}-spans-columns"
    keys = [Key("test", of, number) for number in range(20)]
    with Client(hosts, TRACED) as client:
        client.batch_put([(key, {"a": number}) for number, key in enumerate(keys)])
        spans.clear()
        stream = client.query_arrow(Statement("test", of), schema={"a": int}, batch_rows=12)
        next(stream)
        assert not spans.get_finished_spans()
        assert sum(batch.num_rows for batch in stream) == 8
        span = only(spans)
        assert span.name == f"query_arrow {of}"
        assert attributes(span)["db.collection.name"] == of
        assert attributes(span)["aerospike.node.name"] in client.node_names()
        assert span.status.status_code is trace.StatusCode.UNSET
        spans.clear()
        with client.query_arrow(Statement("test", of)) as early:
            next(early)
        assert only(spans).name == f"query_arrow {of}"
        spans.clear()
        rows = client.batch_get_arrow(keys, schema={"a": int})
        assert sum(batch.num_rows for batch in rows) == 20
        assert only(spans).name == "batch_get_arrow"
        spans.clear()
        with pytest.raises(SchemaMismatch):
            list(client.query_arrow(Statement("test", of), schema={"a": bytes}))
        assert attributes(only(spans))["error.type"] == "SchemaMismatch"
        spans.clear()
        client.query_arrow(Statement("test", of)).close()  # it never began
        assert only(spans).name == f"query_arrow {of}"


def test_rows_that_are_written_are_one_span(hosts: str, set_name: str, spans: InMemorySpanExporter) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"id": list(range(30)), "v": [1] * 30})
    with Client(hosts, TRACED) as client:
        assert client.write_arrow(table, "test", set_name, key="id", in_flight=10).written == 30
        span = only(spans)
        assert span.name == f"write_arrow {set_name}"
        assert attributes(span)["aerospike.node.name"] in client.node_names()
        spans.clear()
        with pytest.raises(RowRefused):
            client.write_arrow(
                pa.table({"id": [1], "v": pa.array([2**63], pa.uint64())}), "test", set_name, key="id"
            )
        assert attributes(only(spans))["error.type"] == "RowRefused"
        spans.clear()
        with pytest.raises(ValueError, match="no such"):
            client.write_arrow(table, "test", set_name, key="no such")
        assert not spans.get_finished_spans()


def test_a_job_is_one_span_until_all_nodes_have_begun_it(
    hosts: str, set_name: str, spans: InMemorySpanExporter
) -> None:
    of = f"{set_name}-spans-jobs"
    with Client(hosts, TRACED) as client:
        client.put(Key("test", of, 1), {"a": 1})
        spans.clear()
        client.query_operate(Statement("test", of), [op.add("a", 1)]).wait(30_000)
        assert only(spans).name == f"query_operate {of}"
        assert attributes(only(spans))["aerospike.node.name"] in client.node_names()
        assert not only(spans).events
        spans.clear()
        client.query_execute_udf(Statement("test", of), "no_such", "function")
        assert only(spans).name == f"query_execute_udf {of}"
        spans.clear()
        with pytest.raises((IndexNotFound, JobError)):  # a node without such a set looks for no index
            client.query_operate(Statement("test", of, where=filters.equal("a", 1)), [op.add("a", 1)])
        assert attributes(only(spans))["db.response.status_code"] == "201"
        names = {event.attributes["aerospike.node.name"] for event in only(spans).events if event.attributes}
        assert names
        assert names <= set(client.node_names())


def test_an_aggregation_is_one_span_under_the_current_one(
    hosts: str, set_name: str, spans: InMemorySpanExporter
) -> None:
    pytest.importorskip("lupa")
    of = f"{set_name}-spans-sums"
    source = """
    function total(s)
      return s : map(function(r) return r["a"] end) : reduce(function(a, b) return a + b end)
    end
    function wrong(s)
      return s : map(function(r) error("no") end)
    end
    """
    with Client(hosts, TRACED) as client:
        client.batch_put([(Key("test", of, number), {"a": number}) for number in range(10)])
        module = f"sums{RUN}"
        client.register_udf(source, module).wait(30_000)
        spans.clear()
        with trace.get_tracer("test").start_as_current_span("outer") as outer:
            assert client.aggregate(Statement("test", of), module, "total") == [45]
        [span, _] = spans.get_finished_spans()
        assert span.name == f"aggregate {of}"
        assert span.parent is not None
        assert span.parent.span_id == outer.get_span_context().span_id
        assert attributes(span)["aerospike.node.name"] in client.node_names()
        spans.clear()
        with pytest.raises(UdfError):
            client.aggregate(Statement("test", of), module, "wrong")
        failed = {event.attributes["aerospike.node.name"] for event in only(spans).events if event.attributes}
        assert attributes(only(spans))["aerospike.node.name"] in failed <= set(client.node_names())
        spans.clear()
        with pytest.raises(UdfError):
            client.aggregate(Statement("test", of), module, "no_such")
        assert attributes(only(spans))["error.type"] == "UdfError"
        client.remove_udf(module)


@pytest.mark.embedded_only
def test_attempts_that_fail_are_events(key: Key, spans: InMemorySpanExporter) -> None:
    policy = TRACED.replace(timeout=10_000, tend_interval=60_000)
    with EmbeddedCluster(nodes=3) as cluster, Client(cluster.hosts, policy) as client:
        owner = cluster.owner(key)
        client.put(key, {"a": 1})
        spans.clear()
        owner.answer_with(ResultCode.TIMEOUT)
        client.get(key, policy=ReadPolicy(total_timeout=20_000))
        span = only(spans)
        [event] = span.events
        given = dict(event.attributes or {})
        assert (event.name, given["aerospike.node.name"], given["sent"]) == (
            "attempt failed",
            owner.name,
            True,
        )
        assert isinstance(given["elapsed_ms"], float)
        parts = [given[f"{part}_ms"] for part in ("queue", "connect", "network", "decode")]
        assert all(isinstance(part, float) and part >= 0 for part in parts)
        assert sum(parts) == pytest.approx(given["elapsed_ms"], abs=0.001)
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= event.timestamp <= span.end_time
        assert attributes(span)["aerospike.node.name"] != owner.name
        spans.clear()
        owner.answer_with(ResultCode.TIMEOUT, times=2)
        client.batch_operate([key], [op.get("a")])
        assert len(only(spans).events) >= 1


@pytest.mark.one_kind("it makes no calls")
def test_without_the_library_the_policy_is_refused_with_what_to_install(hosts: str) -> None:
    done = run_script(
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from pyspike import ClientPolicy\n"
        "from support.clients import BlockingClient\n"
        f"try: BlockingClient({hosts!r}, ClientPolicy(tracing=True))\n"
        "except ImportError as error: print(error)\n"
    )
    assert (done.stdout, done.stderr) == (
        "ClientPolicy.tracing needs OpenTelemetry: pip install 'pyspike-aerospike[otel]'\n",
        "",
    )

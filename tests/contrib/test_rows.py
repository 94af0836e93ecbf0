"""Rows of batches are done alike by threads and by tasks, be it one, a few or many."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from pyspike import (
    AerospikeError,
    AsyncClient,
    BatchDelete,
    BatchError,
    BatchRead,
    BatchReadPolicy,
    BatchWrite,
    BatchWritePolicy,
    BinTypeError,
    Client,
    InvalidArgument,
    InvalidType,
    Statement,
    exp,
)
from pyspike import operations as op
from pyspike.contrib import rows
from pyspike.contrib.clients import Clients
from pyspike.contrib.rows import batch
from pyspike.contrib.steps import Query, Steps, once
from pyspike.server import EmbeddedCluster

Run = Callable[[Steps[Any]], Any]
COUNTS = pytest.mark.parametrize("count", [1, 3, 9])  # a command, commands or a batch
pytestmark = pytest.mark.one_kind("does each itself by threads and by tasks")


@pytest.fixture(params=["threads", "tasks", "tasks of an AsyncClient", "a URL", "tasks of a URL"])
def clients_and_run(request: pytest.FixtureRequest, hosts: str, set_name: str) -> Any:
    def made(client: Client | AsyncClient | str) -> Clients:
        return Clients(client, namespace="test", set_name=set_name, default_set="unused")

    def by_tasks(steps: Steps[Any]) -> Any:
        async def go() -> Any:
            async with AsyncClient(hosts) as client:
                return await made(client).run_async(steps)

        return asyncio.run(go())

    if "URL" in request.param:
        clients = made(f"aerospike://{hosts}/test")
        yield clients, clients.run if request.param == "a URL" else of_loops(clients)
    else:
        with Client(hosts) as client:
            clients = made(client)
            runs = {"threads": clients.run, "tasks": of_loops(clients)}
            yield clients, runs.get(request.param, by_tasks)


def of_loops(clients: Clients) -> Run:
    return lambda steps: asyncio.run(clients.run_async(steps))


@COUNTS
def test_rows_write_read_and_delete(clients_and_run: tuple[Clients, Run], count: int) -> None:
    clients, run = clients_and_run
    keys = [clients.key(f"{count} {number}") for number in range(count)]
    run(batch([BatchWrite(key, [op.put("a", 1), op.put("b", 2)], ttl=500) for key in keys]))
    found = run(batch([BatchRead(key, ["a"]) for key in [*keys, clients.key("missing")]]))
    assert [record and record.bins for record in found] == [{"a": 1}] * count + [None]
    assert all(record.ttl for record in found[:-1])
    read = run(batch([BatchRead(key, operations=[op.get("b")]) for key in [*keys, clients.key("missing")]]))
    assert [record and record["b"] for record in read] == [2] * count + [None]
    assert run(batch([BatchDelete(key) for key in keys])) == [None] * count
    assert run(batch([BatchRead(key) for key in keys])) == [None] * count


@COUNTS
def test_what_a_filter_leaves_out_gives_none_and_the_others_are_done(
    clients_and_run: tuple[Clients, Run], count: int
) -> None:
    clients, run = clients_and_run
    keys = [clients.key(f"{count} {number}") for number in range(count)]
    run(batch([BatchWrite(key, [op.put("a", number)]) for number, key in enumerate(keys)]))
    policy = BatchWritePolicy(filter_expression=exp.gt(exp.int_bin("a"), 0))
    run(batch([BatchWrite(key, [op.put("b", 1)], policy=policy) for key in keys]))
    found = run(batch([BatchRead(key) for key in keys]))
    assert [record.bins.get("b") for record in found] == [None, *[1] * (count - 1)]


@COUNTS
def test_a_row_that_fails_is_an_error(clients_and_run: tuple[Clients, Run], count: int) -> None:
    clients, run = clients_and_run
    keys = [clients.key(f"{count} {number}") for number in range(count)]
    run(batch([BatchWrite(key, [op.put("a", "text")]) for key in keys[:1]]))
    with pytest.raises(
        BatchError if count > 4 else BinTypeError, match="another type" if count < 4 else "1 of 9"
    ):
        run(batch([BatchWrite(key, [op.add("a", 1)]) for key in keys]))


@COUNTS
@pytest.mark.embedded_only
@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_reads_begin_a_time_to_live_anew_where_that_is_wanted(kind: str, count: int) -> None:
    with EmbeddedCluster(nodes=1) as cluster, Client(cluster.hosts) as client:
        clients = Clients(client, namespace="test", set_name=None, default_set="touched")
        run = clients.run if kind == "threads" else of_loops(clients)
        keys = [clients.key(number) for number in range(count)]
        run(batch([BatchWrite(key, [op.put("a", 1)], ttl=1000) for key in keys]))
        cluster.clock.advance(500)
        run(batch([BatchRead(key) for key in keys]))
        assert [record.ttl <= 500 for record in run(batch([BatchRead(key) for key in keys]))] == [
            True
        ] * count
        policy = BatchReadPolicy(read_touch_ttl=100)
        run(batch([BatchRead(key, policy=policy) for key in keys]))
        assert [record.ttl > 900 for record in run(batch([BatchRead(key) for key in keys]))] == [True] * count


def test_very_many_rows_are_several_batches(
    clients_and_run: tuple[Clients, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST", 6)
    clients, run = clients_and_run
    keys = [clients.key(f"many {number}") for number in range(20)]
    run(batch([BatchWrite(key, [op.put("a", number)]) for number, key in enumerate(keys)]))
    found = run(batch([BatchRead(key) for key in reversed(keys)]))
    assert [record["a"] for record in found] == list(reversed(range(20)))
    run(batch([BatchWrite(keys[13], [op.put("a", "text")])]))
    with pytest.raises(BatchError, match="1 of 6"):
        run(batch([BatchWrite(key, [op.add("a", 1)]) for key in keys]))
    found = run(batch([BatchRead(key) for key in keys]))
    assert [record["a"] for record in found] == [*range(1, 14), "text", *range(15, 19), 18, 19]


def test_a_query_gives_a_list(clients_and_run: tuple[Clients, Run]) -> None:
    clients, run = clients_and_run
    run(batch([BatchWrite(clients.key(f"query {n}"), [op.put("queried", n)]) for n in range(5)]))
    statement = Statement(clients.namespace, clients.set_name, bins=["queried"])
    assert {record["queried"] for record in run(once(Query(statement)))} >= set(range(5))


def test_what_is_no_place_for_records_is_refused(client: Client, hosts: str) -> None:
    for given, namespace, error, words in (
        (7, "test", InvalidType, "a URL, a Client or an AsyncClient"),
        (client, None, InvalidArgument, "no namespace is known"),
        (f"aerospike://{hosts}", None, InvalidArgument, "names no namespace"),
        (client, "n" * 40, InvalidArgument, "namespace"),
    ):
        with pytest.raises(error, match=words):
            Clients(given, namespace=namespace, set_name=None, default_set="a")  # type: ignore[arg-type]


def test_an_async_client_serves_no_threads(hosts: str) -> None:
    clients = Clients(AsyncClient(hosts), namespace="test", set_name=None, default_set="a")
    with pytest.raises(InvalidArgument, match="serves tasks only"):
        clients.run(batch([]))


@COUNTS
def test_an_error_leaves_nothing_behind(clients_and_run: tuple[Clients, Run], count: int) -> None:
    clients, run = clients_and_run
    keys = [clients.key(f"{count} {number}") for number in range(count)]
    run(batch([BatchWrite(key, [op.put("a", "text")]) for key in keys]))

    def reference() -> Steps[weakref.ref[AerospikeError]]:
        try:
            yield from batch([BatchWrite(key, [op.add("a", 1)]) for key in keys])
        except AerospikeError as error:
            return weakref.ref(error)
        raise AssertionError("nothing failed")

    gc.collect()
    gc.disable()
    try:
        assert run(reference())() is None
    finally:
        gc.enable()

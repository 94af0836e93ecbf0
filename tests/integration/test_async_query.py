"""What is peculiar to the queries of tasks: a loop that goes on, back-pressure, cancelling, their loops."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from pyspike import AsyncClient, AsyncRecordset, ClientPolicy, Key, QueryPolicy, Record, Statement, errors
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_in_loop
from support.task_batches import Turns

pytestmark = [pytest.mark.one_kind("of tasks only"), pytest.mark.embedded_only]

COUNT = 4000
SCAN = Statement("test", "tasks")
PATIENT = QueryPolicy(total_timeout=60_000)
POLICY = ClientPolicy(query=PATIENT)


@pytest.fixture(scope="module")
def three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        asyncio.run(fill(cluster.hosts))
        yield cluster


async def fill(hosts: str) -> None:
    async with AsyncClient(hosts) as client:
        records = {Key("test", "tasks", number): {"n": number} for number in range(COUNT)}
        await client.batch_put(records, timeout=60_000)
        for number in range(100):
            await client.put(("test", "large", number), {"n": number, "v": bytes(200_000)}, timeout=60_000)


def in_flight(client: AsyncClient) -> int:
    return sum(channels.queries.in_flight for loop in client.stats().loops for channels in loop.values())


def following(records: AsyncRecordset) -> asyncio.Task[Record]:
    return asyncio.ensure_future(anext(records))


def test_the_loop_goes_on_while_records_are_taken_that_are_there(three: EmbeddedCluster) -> None:
    async def run() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            with Turns() as turns:
                found = [record["n"] async for record in client.query(SCAN)]
            assert sorted(found) == list(range(COUNT))
            turns.expect_slices()

    asyncio.run(run())


def test_what_nobody_takes_stays_in_the_sockets(three: EmbeddedCluster) -> None:
    async def run() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            query = client.query(Statement("test", "large"))
            assert in_flight(client) == 0, "it has not begun"
            tracemalloc.start()
            await anext(query)
            for _ in range(20):
                await asyncio.sleep(0.02)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert held < 10_000_000, "three nodes have sent a frame each, of 20,000,000 bytes in all"
            assert in_flight(client) >= 1
            rest = [record["n"] async for record in query]
            assert len(rest) == 99
            assert in_flight(client) == 0

    asyncio.run(run())


def test_a_task_that_is_cancelled_loses_no_record(three: EmbeddedCluster) -> None:
    async def run() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            for turns in range(8):
                query = client.query(SCAN)
                task = following(query)
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                outcome = (await asyncio.gather(task, return_exceptions=True))[0]
                found = [outcome["n"]] if isinstance(outcome, Record) else []
                found += [record["n"] async for record in query]
                assert sorted(found) == list(range(COUNT))

    asyncio.run(run())


def test_tasks_share_a_query_and_closing_it_ends_them_all(three: EmbeddedCluster) -> None:
    async def run() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            query = client.query(SCAN)

            async def read() -> list[int]:
                return [record["n"] async for record in query]

            parts = await asyncio.gather(*(read() for _ in range(5)))
            assert sorted(number for part in parts for number in part) == list(range(COUNT))
            for node in three.nodes:
                node.freeze()
            query = client.query(SCAN)
            tasks = [following(query) for _ in range(3)]
            await wait_in_loop(lambda: in_flight(client) == 3)
            await query.aclose()
            assert all(
                isinstance(each, StopAsyncIteration)
                for each in await asyncio.gather(*tasks, return_exceptions=True)
            )
            assert in_flight(client) == 0
            for node in three.nodes:
                node.thaw()

    asyncio.run(run())


def test_a_query_that_is_dropped_or_left_is_closed(three: EmbeddedCluster) -> None:
    async def run() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            query = client.query(Statement("test", "large"))
            await anext(query)
            del query
            gc.collect()
            await wait_in_loop(lambda: in_flight(client) == 0)
            query = client.query(Statement("test", "large"))

            async def fail() -> None:
                async with query as records:
                    async for record in records:
                        assert record["n"] / 0

            with pytest.raises(ZeroDivisionError):
                await fail()
            assert in_flight(client) == 0
            assert [record async for record in query] == []
            goes_on = client.query(Statement("test", "large"), cursor=query.cursor)
            assert len([record async for record in goes_on]) == 99
            assert (await client.get(("test", "large", 1)))["n"] == 1

    asyncio.run(run())


def test_a_query_belongs_to_the_loop_in_which_it_begins(three: EmbeddedCluster) -> None:
    async def begin(client: AsyncClient) -> AsyncRecordset:
        query = client.query(Statement("test", "large"))
        await anext(query)
        return query

    async def go_on(query: AsyncRecordset) -> None:
        for _ in range(100):
            await anext(query)

    async def run() -> None:
        async with AsyncClient(three.hosts, POLICY) as client:
            query = await begin(client)
            with pytest.raises(RuntimeError, match="another loop"):
                await asyncio.to_thread(asyncio.run, go_on(query))
            await query.aclose()

    asyncio.run(run())


def test_closing_the_client_ends_queries(three: EmbeddedCluster) -> None:
    async def run() -> None:
        client = await AsyncClient.connect(three.hosts, POLICY)
        query = client.query(Statement("test", "large"))
        await anext(query)
        await client.close()
        with pytest.raises(errors.ClientClosed):
            [record async for record in query]
        with pytest.raises(errors.ClientClosed):
            client.query(SCAN)

    asyncio.run(run())

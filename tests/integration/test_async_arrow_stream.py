"""What a stream of columns for tasks tells without waiting, and what it says to who would wait in a loop."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyspike import AsyncClient, Client, InvalidArgument, InvalidType, Statement

pa = pytest.importorskip("pyarrow")

pytestmark = pytest.mark.one_kind("a stream for threads waits where it is asked")

_sets = itertools.count(1)
TABLE = pa.schema([("n", pa.int64())])


@pytest.fixture
def where(client: Client, set_name: str) -> Statement:
    """A statement that finds three records."""
    set_name = f"{set_name}-a{next(_sets)}"
    client.batch_put({("test", set_name, number): {"n": number} for number in range(3)})
    return Statement("test", set_name)


def with_client(hosts: str, run: Callable[[AsyncClient], Awaitable[None]]) -> None:
    """Run something with a client for tasks."""

    async def main() -> None:
        async with AsyncClient(hosts) as client:
            await run(client)

    asyncio.run(main())


def test_a_schema_that_was_given_is_known_at_once(hosts: str, where: Statement) -> None:
    async def run(client: AsyncClient) -> None:
        for stream in (
            client.query_arrow(where, schema={"n": int}),
            client.batch_get_arrow([("test", where.set_name, 0)], schema={"n": int}),
        ):
            assert pa.schema(stream) == pa.schema(stream.schema) == TABLE
            assert stream.schema is await stream.read_schema()
            await stream.aclose()
            assert pa.schema(stream) == TABLE

    with_client(hosts, run)


def test_a_schema_that_is_guessed_is_known_when_it_came(hosts: str, where: Statement) -> None:
    async def read_schema(stream: Any) -> None:
        assert pa.schema(await stream.read_schema()) == TABLE

    async def read_a_batch(stream: Any) -> None:
        assert (await stream.__anext__()).num_rows == 1

    async def run(client: AsyncClient) -> None:
        for step in (read_schema, read_a_batch):
            stream = client.query_arrow(where, batch_rows=1)
            for ask in (lambda each: each.schema, pa.schema):
                with pytest.raises(InvalidArgument, match="not known yet") as caught:
                    ask(stream)
                assert "await stream.read_schema()" in (caught.value.advice or "")
            await step(stream)
            assert pa.schema(stream) == pa.schema(stream.schema) == TABLE
            await stream.aclose()

    with_client(hosts, run)


def test_a_library_that_would_wait_in_the_loop_is_told_what_to_call(hosts: str, where: Statement) -> None:
    async def run(client: AsyncClient) -> None:
        stream = client.query_arrow(where, schema={"n": int})
        for take in (pa.table, pa.RecordBatchReader.from_stream):
            with pytest.raises(InvalidType, match="would wait in the loop") as caught:
                take(stream)
        assert "to_pyarrow()" in (caught.value.advice or "")
        assert "stream.in_threads" in (caught.value.advice or "")
        assert (await asyncio.to_thread(pa.table, stream.in_threads)).num_rows == 3
        again = client.query_arrow(where, schema={"n": int}, metadata=["digest"])
        report = await client.write_arrow(again, "test", where.set_name, digest="digest")
        assert report.written == 3

    with_client(hosts, run)

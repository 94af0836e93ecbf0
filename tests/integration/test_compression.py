"""Compressed requests and answers: between pyspike, the official client and an embedded Enterprise Edition.

What requests look like is in `tests/unit/wire/test_compressed_requests.py`; answers that lie are among those
of `test_hostile_server.py` and `test_batch_hostile.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    AsyncClient,
    BatchPolicy,
    BatchRead,
    Client,
    ClientPolicy,
    CompressionStats,
    EnterpriseOnly,
    Key,
    QueryPolicy,
    ReadPolicy,
    Statement,
    WritePolicy,
)
from pyspike import operations as op
from pyspike.errors import BatchError
from pyspike.server import EmbeddedCluster
from support.cluster_tools import closed

pytestmark = pytest.mark.both_kinds

PATIENCE = 60_000  # ms
COUNT = 200
THIN = ClientPolicy(
    read=ReadPolicy(use_compression=True, total_timeout=PATIENCE),
    write=WritePolicy(use_compression=True, total_timeout=PATIENCE),
    batch=BatchPolicy(use_compression=True, total_timeout=PATIENCE),
    query=QueryPolicy(use_compression=True),
)


def bins(number: int) -> dict[str, Any]:
    """Small ones, large ones, and some that no compression makes smaller."""
    noise = random.Random(number).randbytes
    return {"n": number, "v": (b"", b"x" * 3000, noise(3000), noise(10) * 20_000)[number % 4]}


def key(number: int) -> Key:
    return Key("test", "thin", number)


@pytest.fixture(scope="module")
def enterprise() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=2, compression=True) as cluster:
        yield cluster


@pytest.mark.embedded_only
def test_all_comes_back_as_it_was(enterprise: EmbeddedCluster) -> None:
    with Client(enterprise.hosts) as plain, Client(enterprise.hosts, THIN) as thin:
        wanted = {key(number): bins(number) for number in range(COUNT)}
        for number in range(0, COUNT, 5):
            thin.put(key(number), bins(number))
        thin.batch_put({key(number): bins(number) for number in range(COUNT) if number % 5})
        assert [record.bins for record in plain.batch_get(wanted)] == [*wanted.values()]
        assert [record.bins for record in thin.batch_get(wanted)] == [*wanted.values()]
        for number in range(4):
            assert thin.get(key(number)).bins == bins(number)
            record = thin.operate(key(number), [op.put("w", "y" * 500), op.get("v"), op.get("w")])
            assert record.results == [None, bins(number)["v"], "y" * 500]
            assert thin.operate(key(number), [op.get("n")])["n"] == number
            plain.put(key(number), {"w": None})
        with thin.batch_stream((BatchRead(key) for key in wanted), in_flight=50) as outcomes:
            assert {row.key: row.record.bins for row in outcomes if row.record} == wanted
        for size in (0, 4000):  # frames as a server has them, and many small ones, of which some are plain
            for node in enterprise.nodes:
                node.frame_queries(size)
            found = {record.key.digest: record.bins for record in thin.query(Statement("test", "thin"))}
            assert found == {key.digest: kept for key, kept in wanted.items()}
        for node in enterprise.nodes:
            node.heal()


@pytest.mark.embedded_only
def test_bytes_are_counted_before_and_after_each_time_they_are_sent(enterprise: EmbeddedCluster) -> None:
    with Client(enterprise.hosts, THIN) as thin:
        assert thin.stats().compression == CompressionStats()
        thin.put(key(0), {"v": b"x" * 10_000})
        sent = thin.stats().compression
        assert (sent.requests, sent.answers, sent.answer_bytes) == (1, 0, 0)
        assert 10_000 < sent.request_bytes < 10_200
        assert 0 < sent.sent_bytes < 300
        thin.get(key(0))  # whose request is too small
        back = thin.stats().compression
        assert (back.requests, back.answers, back.request_bytes) == (1, 1, sent.request_bytes)
        assert 10_000 < back.answer_bytes < 10_200
        assert 0 < back.received_bytes < 300
        keys = {Key("test", "counted", number): {"v": b"x" * (10_000 + number)} for number in range(40)}
        thin.batch_put(keys)
        list(thin.query(Statement("test", "counted")))
        both = thin.stats().compression
        assert both.requests == 1 + 2
        assert 400_000 < both.request_bytes - sent.request_bytes < 420_000
        assert 400_000 < both.answer_bytes - back.answer_bytes < 420_000
        assert both.sent_bytes + both.received_bytes < 40_000
        assert sum(node.compression.requests for node in thin.stats().nodes.values()) == 3
        enterprise.owner(key(0)).answer_with(18, times=1)
        thin.put(key(0), {"v": b"x" * 10_000}, policy=WritePolicy(use_compression=True, max_retries=1))
        assert thin.stats().compression.requests == both.requests + 2
        thin.put(key(0), {"v": b"x" * 10_000}, policy=WritePolicy())
        assert thin.stats().compression.requests == both.requests + 2


@pytest.mark.embedded_only
@pytest.mark.one_kind("is about a loop")
def test_a_large_answer_is_inflated_in_turns_with_the_other_tasks(enterprise: EmbeddedCluster) -> None:
    """A loop that inflates megabytes goes on with others: between two of its turns little comes out."""
    noise = random.Random(1).randbytes(1000)
    large = {"v": b"".join(noise + bytes(3000) for _ in range(250))}

    async def run() -> None:
        async with AsyncClient(enterprise.hosts, THIN) as client:
            keys = [Key("test", "large", number) for number in range(8)]
            for each in keys:
                await client.put(each, large)
            turns = 0

            async def count() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            counting = asyncio.create_task(count())
            records = await asyncio.gather(*map(client.get, keys))
            assert [record.bins for record in records] == [large] * len(keys)
            before = turns
            assert [record.bins for record in await client.batch_get(keys)] == [large] * len(keys)
            counting.cancel()
            frames = (client.stats().compression.answers, client.stats().compression.answer_bytes)
            assert frames >= (9, 16_000_000)
            assert min(before, turns - before) > 20, "128 KiB come out in a turn"

    asyncio.run(run())


@pytest.mark.embedded_only
def test_queries_that_are_read_in_turns_keep_their_frames_apart(enterprise: EmbeddedCluster) -> None:
    with Client(enterprise.hosts, THIN) as thin:
        statement = Statement("test", "turns")
        wanted = {number: "z" * (number * 40) for number in range(60)}
        thin.batch_put({Key("test", "turns", number): {"n": number, "z": z} for number, z in wanted.items()})
        rows = zip(*(thin.query(statement) for _ in range(3)), strict=True)
        turns = [[(record["n"], record["z"]) for record in row] for row in rows]
        together = [dict(pairs) for pairs in zip(*turns, strict=True)]
        assert together == [wanted] * 3


@pytest.mark.embedded_only
@pytest.mark.one_kind("asks the server")
def test_a_node_counts_a_compressed_request_as_what_is_in_it(enterprise: EmbeddedCluster) -> None:
    with Client(enterprise.hosts, THIN) as thin:
        before = sum(node.stats.data_requests for node in enterprise.nodes)
        thin.put(key(0), bins(1))
        assert sum(node.stats.data_requests for node in enterprise.nodes) == before + 1
        for node in enterprise.nodes:
            node.answer_with(18, times=1)  # also a fault finds the request in it
        with pytest.raises(BatchError):
            thin.batch_put({key(number): bins(1) for number in range(50)})
        for node in enterprise.nodes:
            node.heal()


def test_the_community_edition_refuses_and_the_error_says_what_to_do(hosts: str, set_name: str) -> None:
    large = {"v": "x" * 1000}
    keys = [Key("test", set_name, f"community {number}") for number in range(50)]
    with Client(hosts, THIN) as thin:
        thin.put(keys[0], {"v": 1})
        assert thin.get(keys[0])["v"] == 1
        for _ in range(3):
            with pytest.raises(EnterpriseOnly) as caught:
                thin.put(keys[0], large)
            assert "use_compression" in caught.value.advice
            assert not caught.value.in_doubt
            with pytest.raises(BatchError) as failed:
                thin.batch_put(dict.fromkeys(keys, large))
            for row in failed.value.results:
                assert type(row.error) is EnterpriseOnly
                assert "use_compression" in row.error.advice
        assert not closed(thin), "the nodes go on to read"
        thin.put(keys[0], large, policy=WritePolicy())
        assert thin.get(keys[0]).bins == large


@pytest.mark.embedded_only
def test_the_official_client_reads_what_pyspike_writes_and_the_other_way_round(
    enterprise: EmbeddedCluster,
) -> None:
    aerospike = pytest.importorskip("aerospike")
    hosts = [(node.host, node.port) for node in enterprise.nodes]
    theirs = aerospike.client({"hosts": hosts}).connect()
    compress = {"compress": True, "total_timeout": PATIENCE}
    try:
        with Client(enterprise.hosts, THIN) as thin:
            for number in range(8):
                ours, other = ("test", "both", number), ("test", "both", -number)
                thin.put(ours, bins(number))
                assert theirs.get(ours, policy=compress)[2] == bins(number)
                theirs.put(other, bins(number), policy=compress)
                assert thin.get(other).bins == bins(number)
            keys = [("test", "both", number) for number in range(-7, 8)]
            rows = theirs.batch_read(keys, policy=compress).batch_records
            assert [row.record[2] for row in rows] == [record.bins for record in thin.batch_get(keys)]
    finally:
        theirs.close()

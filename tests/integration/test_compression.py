"""Compressed requests and answers: between pyspike, the official client and an embedded Enterprise Edition.

What requests look like is in `tests/unit/wire/test_compressed_requests.py`; answers that lie are among those
of `test_hostile_server.py` and `test_batch_hostile.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchRead,
    Client,
    ClientPolicy,
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

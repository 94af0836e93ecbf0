"""What a test asks a cluster about keys, and how it lets time pass."""

from __future__ import annotations

import time
from typing import Any

import pytest
from server_wire import Wire, cases, get, integer, put

from pyspike import Client, Key, RecordNotFound, exp
from pyspike.server import EmbeddedCluster
from pyspike.server.protocol.digest import key_digest, partition_of


def user_key(case: dict[str, Any]) -> int | str | bytes:
    key = case["key"]
    return bytes.fromhex(key["$bytearray"]) if case["key_type"] == "bytes" else key


def test_recorded_keys_have_the_recorded_digests() -> None:
    for case in cases("digests.jsonl"):
        digest = key_digest(case["set"] or "", user_key(case))
        assert (digest.hex(), partition_of(digest)) == (case["digest"], case["partition_id"]), case["name"]


@pytest.mark.parametrize("size", [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000])
def test_a_digest_does_not_depend_on_where_blocks_end(size: int) -> None:
    assert key_digest("s", "k" * size) == Key("test", "s", "k" * size).digest


def test_the_owner_of_a_key_is_the_node_that_clients_ask() -> None:
    with EmbeddedCluster(3) as cluster, Client(cluster.hosts) as client:
        for number in range(20):
            key = Key("test", "users", f"user {number}")
            owner = cluster.owner(key)
            assert cluster.owner(("test", "users", f"user {number}")) is owner
            before = owner.stats.data_requests
            client.put(key, {"a": 1})
            assert owner.stats.data_requests == before + 1
        assert cluster.owner(("test", None, b"\x00")) in cluster.nodes
        cluster.lose_partition("test", partition_of(key.digest))
        with pytest.raises(ValueError, match="nobody owns partition"):
            cluster.owner(key)


@pytest.mark.parametrize("process", [False, True])
def test_time_passes_for_records_when_the_clock_is_moved(process: bool) -> None:
    with EmbeddedCluster(process=process) as cluster, Client(cluster.hosts) as client:
        short, long, forever = (Key("test", "s", name) for name in ("short", "long", "forever"))
        client.put(short, {"a": 1}, ttl=100)
        client.put(long, {"a": 1}, ttl=1000)
        client.put(forever, {"a": 1})
        cluster.clock.advance(60)
        ttl = client.get(short).ttl
        assert ttl is not None
        assert 30 < ttl <= 40
        hour = client.get(forever, filter_expression=exp.since_update() >= 60_000)
        assert hour.bins == {"a": 1}
        client.put(long, {"b": 1}, ttl=100)
        cluster.clock.advance(50)
        with pytest.raises(RecordNotFound):
            client.get(short)
        assert client.get(long).bins == {"a": 1, "b": 1}
        client.put(short, {"a": 1})
        assert client.get(short).generation == 1
        cluster.clock.advance(10**9)
        assert not client.exists(long)
        assert client.get(forever).ttl is None


def test_a_moved_clock_and_a_truncation_agree() -> None:
    with EmbeddedCluster() as cluster, Wire(cluster.nodes[0].port) as wire:
        wire.ask(put(1, {"a": integer(1)}))
        cluster.clock.advance(3600)
        wire.ask(put(2, {"a": integer(1)}))
        half_an_hour_ago = time.time_ns() - 1800 * 10**9
        wire.info(f"truncate:namespace=test;set=s;lut={half_an_hour_ago}")
        assert [wire.ask(get(key)).code for key in (1, 2)] == [2, 0]


@pytest.mark.parametrize(
    ("seconds", "error"), [(-1, ValueError), (0.5, TypeError), ("60", TypeError), (None, TypeError)]
)
def test_time_passes_in_whole_seconds_forward(seconds: Any, error: type[Exception]) -> None:
    with EmbeddedCluster() as cluster, pytest.raises(error, match="seconds is"):
        cluster.clock.advance(seconds)
    with pytest.raises(RuntimeError, match="not running"):
        cluster.clock.advance(1)

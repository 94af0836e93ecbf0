"""The official client takes the embedded server for a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from server_wire import eventually

from pyspike.server import EmbeddedCluster

aerospike = pytest.importorskip("aerospike")
operations = pytest.importorskip("aerospike_helpers.operations.operations")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=[1, 3])
def cluster(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(request.param) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: EmbeddedCluster) -> Iterator[Any]:
    client = aerospike.client(
        {"hosts": [("127.0.0.1", cluster.nodes[0].port)], "tend_interval": 250}
    ).connect()
    yield client
    client.close()


def test_it_finds_all_nodes(cluster: EmbeddedCluster, client: Any) -> None:
    assert len(client.get_nodes()) == len(cluster.nodes)
    assert client.is_connected()


def test_what_it_writes_it_reads(client: Any) -> None:
    bins = {
        "i": -5,
        "f": 2.5,
        "s": "ü" * 300,
        "y": b"\x00\xff",
        "t": True,
        "l": [1, [2, {"x": None}], "a" * 40],
        "m": {"b": 1, "a": [2.5]},
    }
    for number in range(200):
        client.put(("test", "demo", number), {**bins, "n": number})
    for number in range(200):
        _, meta, got = client.get(("test", "demo", number))
        assert got == {**bins, "n": number}
        assert meta["gen"] == 1
    assert client.select(("test", "demo", 7), ["n", "t"])[2] == {"n": 7, "t": True}
    assert client.exists(("test", "demo", 7))[1] == {"gen": 1, "ttl": 0xFFFFFFFF}
    client.remove(("test", "demo", 7))
    with pytest.raises(aerospike.exception.RecordNotFound):
        client.get(("test", "demo", 7))


def test_operate_works(client: Any) -> None:
    key = ("bar", "demo", "op")
    client.put(key, {"n": 1, "s": "b"})
    ops = [
        operations.increment("n", 4),
        operations.append("s", "c"),
        operations.prepend("s", "a"),
        operations.read("n"),
        operations.read("s"),
    ]
    assert client.operate(key, ops)[2] == {"n": 5, "s": "abc"}
    client.touch(key, 100)
    assert 98 <= client.exists(key)[1]["ttl"] <= 100


def test_it_reads_on_when_a_node_leaves_and_comes_back(three: EmbeddedCluster) -> None:
    client = aerospike.client({"hosts": [("127.0.0.1", three.nodes[0].port)], "tend_interval": 250}).connect()
    keys = [("test", "demo", number) for number in range(100)]
    for key in keys:
        client.put(key, {"a": 1})
    three.nodes[2].stop()
    eventually(lambda: len(client.get_nodes()) == 2, 10)
    assert all(client.get(key)[2] == {"a": 1} for key in keys)
    three.nodes[2].restart(port=0)
    before = three.nodes[2].stats.data_requests
    eventually(lambda: len(client.get_nodes()) == 3, 10)

    def third_is_asked() -> bool:
        for key in keys:
            client.put(key, {"a": 2})
        return three.nodes[2].stats.data_requests > before

    eventually(third_is_asked, 10)
    assert all(client.get(key)[2] == {"a": 2} for key in keys)
    client.close()

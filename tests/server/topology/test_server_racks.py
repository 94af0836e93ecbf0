"""The embedded server's racks, as its info commands tell them and as the official client takes them."""

from __future__ import annotations

from typing import Any

import pytest
from server_wire import Wire, eventually

from pyspike.server import EmbeddedCluster, EmbeddedNode

RACKS = {0: 1, 1: 2, 2: 2}


def told(node: EmbeddedNode, *commands: str) -> list[str]:
    with Wire(node.port) as wire:
        answers = wire.info(*commands)
    return [answers[command] for command in commands]


def racks_of(cluster: EmbeddedCluster, namespace: str = "test") -> list[set[int]]:
    """In which racks the owners of each partition are."""
    index = {node.name: number for number, node in enumerate(cluster.nodes)}
    return [
        {RACKS[index[node.name]] for node in cluster.owners(namespace, pid)} for pid in range(0, 4096, 13)
    ]


def test_nodes_tell_their_racks_and_replicas_are_spread_over_them() -> None:
    with EmbeddedCluster(nodes=3, racks=RACKS) as cluster:
        first, second = cluster.nodes[:2]
        assert told(first, "rack-ids") == ["test:1;bar:1"]
        assert told(second, "rack-ids", "racks:namespace=bar") == [
            "test:2;bar:2",
            "ns=bar:rack_1=A1:rack_2=A2,A3",
        ]
        assert told(first, "racks:")[0].split(";") == [
            f"ns={name}:rack_1=A1:rack_2=A2,A3" for name in ("test", "bar")
        ]
        assert all(racks == {1, 2} for racks in racks_of(cluster))
        cluster.set_racks({0: 5, 1: 5, 2: 6}, namespace="bar")
        assert told(first, "rack-ids") == ["test:1;bar:5"]
        for number in (1, 2):  # as many copies as nodes: the racks don't matter, but clients read them again
            before = told(first, "partition-generation", "rebalance-generation")
            cluster.set_racks({0: number}, namespace="bar")
            now = told(first, "partition-generation", "rebalance-generation")
            assert all(int(new) > int(old) for new, old in zip(now, before, strict=True))
        cluster.nodes[2].stop()
        assert told(first, "racks:namespace=test") == ["ns=test:rack_1=A1:rack_2=A2"]
        assert cluster.reset()
        assert told(first, "rack-ids") == ["test:1;bar:1"]
        assert all(racks == {1, 2} for racks in racks_of(cluster))


def test_a_cluster_without_racks_is_community_edition() -> None:
    with EmbeddedCluster() as cluster:
        assert told(cluster.nodes[0], "rack-ids", "racks:") == ["ERROR:25:enterprise only"] * 2
        with pytest.raises(ValueError, match="this cluster has no racks"):
            cluster.set_racks({0: 1})
    for racks in ({1: 1}, {0: -1}, {0: 1_000_001}):
        with pytest.raises(ValueError, match=r"index|rack"):
            EmbeddedCluster(racks=racks)
    with pytest.raises(TypeError, match="a mapping"):
        EmbeddedCluster(racks=[1])  # type: ignore[arg-type]


def test_the_official_client_reads_in_its_racks() -> None:
    """The counts are those of racks-and-health.md 15.1 and 15.2."""
    aerospike: Any = pytest.importorskip("aerospike")
    with EmbeddedCluster(nodes=3, replication_factor=3, racks={0: 1, 1: 2, 2: 3}, process=True) as cluster:
        config = {"hosts": [("127.0.0.1", cluster.nodes[0].port)], "rack_aware": True, "rack_ids": [3, 2]}
        client = aerospike.client(config).connect()

        def reads() -> list[int]:
            before = [node.stats.data_requests for node in cluster.nodes]
            for number in range(20):
                policy = {"replica": aerospike.POLICY_REPLICA_PREFER_RACK}
                client.exists(("test", "s", number), policy)
            return [node.stats.data_requests - had for node, had in zip(cluster.nodes, before, strict=True)]

        try:
            assert reads() == [0, 0, 20]
            cluster.nodes[2].answer_with(18)
            assert reads() == [0, 1, 20]
            cluster.set_racks({0: 3, 1: 2, 2: 1})
            eventually(lambda: reads() == [20, 0, 0])
        finally:
            client.close()

"""The nodes of a cluster: who owns which partition, and how nodes join and leave."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from server_wire import Wire, cases, digest_of, eventually, get, integer, peers_of, put

from pyspike.server import EmbeddedCluster, EmbeddedNode
from pyspike.server.protocol.digest import partition_of as stored_in
from pyspike.server.topology.partitions import PartitionMap, assign, changed

NAMES = ["A1", "A2", "A3", "A4"]


def partition_of(key: object) -> int:
    digest = digest_of(key)
    return int.from_bytes(digest[:2], "little") & 4095


def columns_of(node: EmbeddedNode, namespace: str = "test") -> list[set[int]]:
    """The partitions a node says it owns, by column."""
    with Wire(node.port) as wire:
        text = wire.info("replicas")["replicas"]
    for part in text.split(";"):
        name, _, rest = part.partition(":")
        if name == namespace:
            regime, count, *maps = rest.split(",")
            assert (regime, int(count)) == ("0", len(maps))
            bitmaps = [base64.b64decode(each) for each in maps]
            return [{pid for pid in range(4096) if bits[pid >> 3] & (0x80 >> (pid & 7))} for bits in bitmaps]
    raise AssertionError(f"no {namespace}")


def tend(node: EmbeddedNode) -> dict[str, str]:
    with Wire(node.port) as wire:
        return wire.info(
            "node", "peers-generation", "partition-generation", "rebalance-generation", "peers-clear-std"
        )


# --- the map ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "factor"), [(1, 1), (1, 2), (2, 2), (3, 1), (3, 2), (4, 3)])
def test_each_partition_is_owned_once_a_column_by_different_nodes(count: int, factor: int) -> None:
    names = NAMES[:count]
    partitions = assign(names, factor, {}, set())
    assert len(partitions.columns) == min(count, factor)
    for pid in range(4096):
        owners = partitions.owners(pid)
        assert len(set(owners)) == len(partitions.columns)
    for column in partitions.columns:
        shares = [column.count(name) for name in names]
        assert sum(shares) == 4096
        assert min(shares) > 4096 / count * 0.85


def test_only_partitions_of_the_changed_node_move() -> None:
    before, after = assign(NAMES, 2, {}, set()), assign(NAMES[:3], 2, {}, set())
    moved = [pid for pid in range(4096) if before.owners(pid) != after.owners(pid)]
    assert all("A4" in before.owners(pid) for pid in moved)
    assert len(moved) == sum("A4" in before.owners(pid) for pid in range(4096)) == changed(before, after)
    for pid in range(4096):
        stayed = [owner for owner in before.owners(pid) if owner != "A4"]
        assert after.owners(pid)[: len(stayed)] == stayed
    assert changed(PartitionMap(()), before) == 4096


def test_nodes_tell_the_map_together(three: EmbeddedCluster) -> None:
    columns = [columns_of(node) for node in three.nodes]
    for index in range(2):
        assert set.union(*(each[index] for each in columns)) == set(range(4096))
        assert sum(len(each[index]) for each in columns) == 4096
    pid = 77
    master, replica = three.owners("test", pid)
    assert pid in columns[three.nodes.index(master)][0]
    assert pid in columns[three.nodes.index(replica)][1]
    with Wire(master.port) as wire:
        assert wire.info("replicas:max=1")["replicas:max=1"].startswith("test:0,1,")


def test_any_node_takes_any_key(three: EmbeddedCluster) -> None:
    with Wire(three.nodes[0].port) as one, Wire(three.nodes[1].port) as two:
        for key in range(30):
            assert one.ask(put(key, {"a": integer(key)})).code == 0
            assert two.ask(get(key)).bins["a"] == integer(key)


def test_recorded_digests_are_in_their_partitions() -> None:
    assert all(
        stored_in(bytes.fromhex(case["digest"])) == case["partition_id"] for case in cases("digests.jsonl")
    )


# --- members ------------------------------------------------------------------------------------------------


def test_a_stopped_node_is_gone_at_once_and_loses_nothing(three: EmbeddedCluster) -> None:
    first, second, third = three.nodes
    before = tend(first)
    with Wire(first.port) as wire, Wire(third.port) as cut_off:
        for key in range(200):
            wire.ask(put(key, {"a": integer(key)}))
        third.stop()
        with pytest.raises((EOFError, ConnectionResetError)):
            cut_off.read(1)
        with pytest.raises(ConnectionRefusedError):
            Wire(third.port)
        assert not third.running
        assert peers_of(first.port) == {"A2"}
        assert all(wire.ask(get(key)).code == 0 for key in range(200))
        command = f"peers-clear-std:generation={before['peers-generation']}"
        assert wire.info(command)[command].endswith(",3000,[[A3,,]]")
    after = tend(first)
    for counter in ("peers-generation", "partition-generation", "rebalance-generation"):
        assert int(after[counter]) > int(before[counter])
    assert set.union(*(columns_of(node)[0] for node in (first, second))) == set(range(4096))


def test_a_killed_node_is_advertised_until_the_others_notice(three: EmbeddedCluster) -> None:
    first, _, third = three.nodes
    with Wire(first.port) as wire, Wire(third.port) as cut_off:
        for key in range(200):
            wire.ask(put(key, {"a": integer(key)}))
        third.kill(detach_after=0.5)
        with pytest.raises((EOFError, ConnectionResetError)):
            cut_off.read(1)
        assert peers_of(first.port) == {"A2", "A3"}
        eventually(lambda: peers_of(first.port) == {"A2"})
        assert all(wire.ask(get(key)).code == 0 for key in range(200))


def test_without_replicas_the_records_of_a_killed_node_are_gone() -> None:
    with EmbeddedCluster(3, replication_factor=1) as cluster, Wire(cluster.nodes[0].port) as wire:
        third = cluster.nodes[2]
        owners = {key: cluster.owners("test", partition_of(key)) for key in range(100)}
        lost = {key for key, owner in owners.items() if owner == [third]}
        assert lost
        for key in range(100):
            wire.ask(put(key, {"a": integer(key)}))
        third.kill(detach_after=0.5)
        codes = {key: wire.ask(get(key)).code for key in range(100)}
        assert {key for key, code in codes.items() if code == 11} == lost
        eventually(lambda: peers_of(cluster.nodes[0].port) == {"A2"})
        codes = {key: wire.ask(get(key)).code for key in range(100)}
        assert {key for key, code in codes.items() if code == 2} == lost


def test_a_node_comes_back_where_it_was(three: EmbeddedCluster) -> None:
    third = three.nodes[2]
    port, owned = third.port, columns_of(third)
    third.kill(detach_after=0.0)
    eventually(lambda: peers_of(three.nodes[0].port) == {"A2"})
    third.start()
    third.start()
    assert third.port == port
    assert third.running
    assert peers_of(three.nodes[0].port) == {"A2", "A3"}
    assert columns_of(third) == owned


def test_a_node_can_come_back_at_another_port(three: EmbeddedCluster) -> None:
    third = three.nodes[2]
    old = third.port
    assert third.restart(port=0) == third.port != old
    assert f"[A3,,[127.0.0.1:{third.port}]]" in tend(three.nodes[0])["peers-clear-std"]
    assert str(third.port) in three.hosts
    with pytest.raises(ConnectionRefusedError):
        Wire(old)
    third.kill(detach_after=60)
    third.restart()
    assert peers_of(three.nodes[0].port) == {"A2", "A3"}


def test_nobody_owns_a_lost_partition(three: EmbeddedCluster) -> None:
    key, pid = 1, partition_of(1)
    before = tend(three.nodes[0])["partition-generation"]
    with Wire(three.nodes[0].port) as wire:
        wire.ask(put(key, {"a": integer(1)}))
        three.lose_partition("test", pid)
        assert wire.ask(get(key)).code == 11
        assert wire.ask(put(key, {"a": integer(1)})).code == 11
        assert not any(pid in column for node in three.nodes for column in columns_of(node))
        assert three.owners("test", pid) == []
        assert tend(three.nodes[0])["partition-generation"] != before
        three.restore_partition("test", pid)
        assert wire.ask(get(key)).code == 0
    with pytest.raises(ValueError, match="no namespace 'nope': there are test, bar"):
        three.lose_partition("nope", 1)
    with pytest.raises(ValueError, match=r"partition_id is within 0\.\.4095, not 4096"):
        three.lose_partition("test", 4096)


def test_partitions_move_with_their_records(three: EmbeddedCluster) -> None:
    before = columns_of(three.nodes[0])
    generation = tend(three.nodes[0])["partition-generation"]
    with Wire(three.nodes[0].port) as wire:
        for key in range(50):
            wire.ask(put(key, {"a": integer(key)}))
        assert three.move_partitions(count=1000, seed=1) == 2000
        assert columns_of(three.nodes[0]) != before
        assert tend(three.nodes[0])["partition-generation"] != generation
        assert all(wire.ask(get(key)).code == 0 for key in range(50))
    three.heal()
    assert columns_of(three.nodes[0]) == before


def test_addresses_can_be_unreachable_or_alternate() -> None:
    with EmbeddedCluster(2, advertise="192.0.2.1", alternate_host="198.51.100.7") as cluster:
        first, second = cluster.nodes
        with Wire(first.port) as wire:
            answers = wire.info(
                "service-clear-std", "service-clear-alt", "peers-clear-std", "peers-clear-alt"
            )
        assert answers["service-clear-std"] == f"192.0.2.1:{first.port}"
        assert answers["service-clear-alt"] == f"198.51.100.7:{first.port}"
        assert answers["peers-clear-std"].endswith(f"[[A2,,[192.0.2.1:{second.port}]]]")
        assert answers["peers-clear-alt"].endswith(f"[[A2,,[198.51.100.7:{second.port}]]]")
        assert cluster.hosts == f"127.0.0.1:{first.port},127.0.0.1:{second.port}"


def test_a_node_can_listen_with_tls_and_without(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    certificate = trustme.CA().issue_cert("db")
    paths = [str(tmp_path / name) for name in ("certificate.pem", "key.pem")]
    certificate.cert_chain_pems[0].write_to_path(paths[0])
    certificate.private_key_pem.write_to_path(paths[1])
    cluster = EmbeddedCluster(2, tls=paths, tls_name="db", clear_ports=True, process=True)
    with cluster:
        first, second = cluster.nodes
        ports = [first.port, first.clear_port, second.port, second.clear_port]
        assert len(set(ports)) == 4
        for again in (first.restart, cluster.stop):
            with Wire(second.clear_port) as wire:
                answers = wire.info(
                    "service-clear-std", "service-tls-std", "peers-clear-std", "peers-tls-std"
                )
            assert answers["service-clear-std"] == f"127.0.0.1:{ports[3]}"
            assert answers["service-tls-std"] == f"127.0.0.1:{ports[2]}"
            assert answers["peers-clear-std"].endswith(f"[[A1,,[127.0.0.1:{ports[1]}]]]")
            assert answers["peers-tls-std"].endswith(f"[[A1,db,[127.0.0.1:{ports[0]}]]]")
            again()
            cluster.start()
            assert ports == [first.port, first.clear_port, second.port, second.clear_port]
        assert cluster.hosts == f"127.0.0.1:db:{ports[0]},127.0.0.1:db:{ports[2]}"


# --- life of the whole --------------------------------------------------------------------------------------

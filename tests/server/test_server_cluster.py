"""The public face of an embedded cluster: its arguments, its life, and where it runs."""

from __future__ import annotations

import gc
import os
import socket
import threading
import weakref

import pytest
from server_wire import Wire, eventually, get, integer, peers_of, put

from pyspike.server import EmbeddedCluster, NamespaceConfig


def free_ports(count: int) -> int:
    """The first of some free ports in a row."""
    for first in range(21000, 29000, 10):
        try:
            for port in range(first, first + count):
                with socket.create_server(("127.0.0.1", port)):
                    pass
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


def test_ports_follow_each_other() -> None:
    first = free_ports(3)
    with EmbeddedCluster(3, port=first) as cluster:
        assert [node.port for node in cluster.nodes] == [first, first + 1, first + 2]
        with pytest.raises(OSError, match="in use"):
            EmbeddedCluster(port=first).start()


def test_stopping_again_does_nothing_and_starting_again_is_anew() -> None:
    cluster = EmbeddedCluster()
    cluster.stop()
    with cluster:
        with Wire(cluster.nodes[0].port) as wire:
            wire.ask(put(1, {"a": integer(1)}))
        assert cluster.start() is cluster
    cluster.stop()
    assert not cluster.running
    with pytest.raises(RuntimeError, match="not running"):
        cluster.heal()
    with cluster, Wire(cluster.nodes[0].port) as wire:
        assert wire.ask(get(1)).code == 2


def test_a_forked_child_leaves_the_cluster_to_its_parent() -> None:
    with EmbeddedCluster() as cluster, Wire(cluster.nodes[0].port) as wire:
        child = os.fork()
        if not child:
            cluster.stop()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert wire.ask(put(1, {"a": integer(1)})).code == 0
        assert cluster.nodes[0].running


def test_a_forgotten_cluster_is_stopped() -> None:
    cluster = EmbeddedCluster().start()
    gone, port = weakref.ref(cluster), cluster.nodes[0].port
    before = threading.active_count()
    del cluster
    gc.collect()
    assert gone() is None
    assert threading.active_count() == before - 1
    with pytest.raises(ConnectionRefusedError):
        Wire(port)


@pytest.mark.parametrize(
    "bad",
    [
        {"nodes": 0},
        {"replication_factor": 0},
        {"namespaces": ()},
        {"namespaces": "test"},
        {"port": -1},
        {"port": 65536},
        {"nodes": 3, "port": 65534},
    ],
)
def test_bad_arguments_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"nodes|replication_factor|namespaces|port"):
        EmbeddedCluster(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [{"nodes": "3"}, {"port": "3000"}, {"host": 1}, {"clock": 5}, {"namespaces": [1]}, {"version": 8.2}],
    ids=str,
)
def test_arguments_of_other_types_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=rf"{next(iter(bad)).removesuffix('s')}s? is|namespace is"):
        EmbeddedCluster(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"default_ttl": -1}, ValueError),
        ({"default_ttl": "60"}, TypeError),
        ({"default_ttl": 315_360_001}, ValueError),
        ({"default_read_touch_ttl_pct": 101}, ValueError),
        ({"nsup_period": 1.5}, TypeError),
        ({"max_record_size": 0}, ValueError),
        ({"allow_ttl_without_nsup": "yes"}, TypeError),
    ],
    ids=str,
)
def test_settings_of_namespaces_are_checked(bad: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{next(iter(bad))} is"):
        NamespaceConfig(**bad)  # type: ignore[arg-type]


def test_a_cluster_in_its_own_process_does_the_same() -> None:
    with EmbeddedCluster(2, process=True, namespaces=("one", "test")) as cluster:
        first, second = cluster.nodes
        with Wire(first.port) as wire:
            assert wire.info("namespaces")["namespaces"] == "one;test"
            wire.ask(put(1, {"a": integer(1)}))
            first.answer_with(9)
            assert wire.ask(get(1)).code == 9
            first.garbage(b"\x00" * 8)
            wire.send(get(1))
            assert wire.read(8) == bytes(8)
            second.kill(detach_after=0.0)
            eventually(lambda: peers_of(first.port) == set())
            assert not second.running
            assert wire.ask(get(1)).code == 0
            assert first.stats.data_requests == 4
        assert second.restart(port=0) == second.port
        assert second.running
        with pytest.raises(ValueError, match="no namespace 'nope': there are one, test"):
            cluster.lose_partition("nope", 1)
        port = first.port
    with pytest.raises(ConnectionRefusedError):
        Wire(port)

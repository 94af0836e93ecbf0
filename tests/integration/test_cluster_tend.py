"""Tending: the client's view of the cluster follows the cluster."""

import threading
import time

import pytest
from cluster_help import active, agrees, info, masters, some_rounds, tended, wait_until

from pyspike.client import Client
from pyspike.cluster import Cluster, info_answers
from pyspike.errors import ClientClosed, InvalidNode
from pyspike.policy import ClientPolicy
from pyspike.server import EmbeddedCluster
from support.cluster_tools import within
from support.threads import tend_threads

pytestmark = pytest.mark.embedded_only


@pytest.fixture
def server():
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


def seed_of(server, index=0):
    return server.hosts.split(",")[index]


def test_one_seed_leads_to_all_nodes_and_partitions(server):
    with tended(seed_of(server)) as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]
        assert agrees(cluster, server)
        assert cluster.is_connected()
        node = cluster.node("A2")
        assert (node.host.port, node.address) == (server.node("A2").port, f"127.0.0.1:{node.host.port}")
        assert node.version.startswith("8.")


def test_a_lone_node(server):
    with EmbeddedCluster(nodes=1, replication_factor=1) as single, tended(single.hosts) as cluster:
        assert active(cluster) == ["A1"]
        assert masters(cluster) == {"A1": 4096}


def test_servers_learn_who_asks(server):
    with tended(seed_of(server), application_id="shop") as cluster:
        agents = info(cluster, "user-agents", "A1")
        assert "user-agent=" in agents


def test_info_of_one_node_or_of_all(server):
    with tended(seed_of(server)) as cluster:
        assert info(cluster, "node", "A3") == "A3"
        assert info(cluster, "node") == {"A1": "A1", "A2": "A2", "A3": "A3"}
        with pytest.raises(InvalidNode, match=r"no node 'B9'; it has A1, A2, A3"):
            info(cluster, "node", "B9")


def test_a_stopped_node_leaves_and_comes_back(server):
    with tended(seed_of(server)) as cluster:
        gone = cluster.node("A2")
        server.node("A2").stop()
        wait_until(lambda: active(cluster) == ["A1", "A3"] and agrees(cluster, server))
        assert not gone.active
        assert gone.pool.closed
        server.node("A2").start()
        wait_until(lambda: active(cluster) == ["A1", "A2", "A3"] and agrees(cluster, server))
        assert cluster.node("A2") is not gone


def test_a_killed_node_is_not_used_though_its_peers_still_name_it(server):
    with tended(seed_of(server)) as cluster:
        server.node("A2").kill(detach_after=30)
        wait_until(lambda: active(cluster) == ["A1", "A3"])
        assert "A2" in [node.name for node in cluster.nodes]
        server.node("A2").start()
        wait_until(lambda: active(cluster) == ["A1", "A2", "A3"] and agrees(cluster, server))


def test_a_suspected_node_is_looked_at_at_once(server):
    with tended(seed_of(server), tend_interval=60_000) as cluster:
        server.node("A2").kill(detach_after=30)
        cluster.request_tend("A2")
        wait_until(lambda: active(cluster) == ["A1", "A3"], patience=2)


def test_a_suspected_node_that_hangs_is_given_up_after_one_look(server):
    with tended(seed_of(server), tend_interval=60_000, timeout=700) as cluster:
        server.node("A2").freeze()
        cluster.request_tend(cluster.node("A2"))
        wait_until(lambda: active(cluster) == ["A1", "A3"])
        assert cluster.node("A2").failures == 1


def test_many_suspicions_are_one_look(server):
    with tended(seed_of(server), tend_interval=60_000) as cluster:
        before = cluster.rounds
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            cluster.request_tend()
        wait_until(lambda: cluster.rounds > before)
        assert cluster.rounds - before <= 6


def test_a_frozen_node_is_set_aside_and_taken_back(server):
    with tended(seed_of(server), timeout=700) as cluster:
        server.node("A3").freeze()
        wait_until(lambda: active(cluster) == ["A1", "A2"])
        some_rounds(cluster, 3)  # the others are tended all the same
        server.node("A3").thaw()
        wait_until(lambda: active(cluster) == ["A1", "A2", "A3"] and agrees(cluster, server))


def test_a_node_at_a_new_address_takes_the_place_of_the_old(server):
    with tended(seed_of(server)) as cluster:
        old = cluster.node("A3").address
        server.node("A3").restart(port=0)
        wait_until(lambda: active(cluster) == ["A1", "A2", "A3"] and cluster.node("A3").address != old)
        wait_until(lambda: agrees(cluster, server))
        assert cluster.node("A3").host.port == server.node("A3").port


def test_a_quick_restart_is_noticed(server):
    with tended(seed_of(server)) as cluster:
        old = cluster.node("A2")
        server.node("A2").restart()
        wait_until(lambda: cluster.node("A2") not in (None, old) and agrees(cluster, server))
        assert not old.active


def test_moved_partitions_are_followed(server):
    with tended(seed_of(server), tend_interval=60_000) as cluster:
        assert server.move_partitions(seed=1)
        assert not agrees(cluster, server)
        cluster.request_tend()
        wait_until(lambda: agrees(cluster, server))


def test_a_lone_node_that_restarts_is_not_given_up():
    with EmbeddedCluster(nodes=1) as server, tended(server.hosts) as cluster:
        node = server.node("A1")
        node.stop()
        wait_until(lambda: not cluster.is_connected())
        assert active(cluster) == ["A1"]  # so that commands say what is wrong with it
        node.start()
        wait_until(cluster.is_connected)
        wait_until(lambda: masters(cluster) == {"A1": 4096})


def test_all_nodes_back_elsewhere_are_found_by_the_seeds_name(server, monkeypatch):
    from pyspike.cluster import probe
    from pyspike.hosts import Host

    resolve = probe.resolve

    def resolve_test(host):  # as DNS would: the name leads to where the first node is now
        return resolve(Host("127.0.0.1", server.nodes[0].port) if host.name == "seed.test" else host)

    monkeypatch.setattr(probe, "resolve", resolve_test)
    with tended("seed.test:3000") as cluster:
        old = {node.name: node.address for node in cluster.nodes}
        for node in server.nodes:
            node.stop()
        wait_until(lambda: not cluster.is_connected())
        for node in server.nodes:
            node.restart(port=0)
        wait_until(lambda: active(cluster) == ["A1", "A2", "A3"] and agrees(cluster, server))
        assert all(node.address != old[node.name] for node in cluster.nodes)


def test_another_node_at_the_same_address_is_another_node():
    with EmbeddedCluster(nodes=3) as three, tended(three.hosts.split(",")[2]) as cluster:
        a3, port = three.node("A3"), three.node("A3").port
        a3.stop()
        with EmbeddedCluster(nodes=1, port=port):
            wait_until(lambda: cluster.node("A3") is None)
        wait_until(lambda: active(cluster) == ["A1", "A2"] and agrees(cluster, three))


def test_a_server_that_comes_back_with_another_name_is_found():
    with EmbeddedCluster(nodes=2, port=0) as two:
        port = two.node("A2").port
        with tended(two.hosts.split(",")[1]) as cluster:
            two.stop()
            with EmbeddedCluster(nodes=1, port=port, cluster_name="other"):  # its node is A1, and it is alone
                wait_until(lambda: active(cluster) == ["A1"] and masters(cluster) == {"A1": 4096})
                assert cluster.node("A1").host.port == port


def test_connections_are_kept_in_advance(server):
    with tended(seed_of(server), min_conns_per_node=3) as cluster:
        assert {stats.pool.open for stats in cluster.stats().nodes.values()} == {3}
        # One more for tending.
        wait_until(lambda: [node.stats.connections_open for node in server.nodes] == [4, 4, 4])


@pytest.mark.both_kinds
def test_idle_connections_are_trimmed(server):
    with tended(seed_of(server), idle_timeout=50) as cluster:
        with Client(server.hosts, policy=ClientPolicy(tend_interval=20, idle_timeout=50)) as client:
            assert client.exists(("test", "s", 1)) is False
            wait_until(lambda: not any(s.pool.open for s in client.stats().nodes.values()))
        assert cluster.stats().tend.last_error is None


def test_stats_tell_how_tending_goes(server):
    with tended(seed_of(server)) as cluster:
        wait_until(lambda: cluster.rounds > 2)
        stats = cluster.stats()
        assert stats.tend.rounds > 2
        assert stats.tend.last_ms > 0
        assert stats.tend.last_error is None
        assert list(stats.nodes) == ["A1", "A2", "A3"]
        server.node("A2").kill(detach_after=30)
        wait_until(lambda: "connection refused" in (cluster.stats().tend.last_error or ""))
        wait_until(lambda: not cluster.stats().nodes["A2"].is_active)
        assert "A2" in cluster.stats().nodes["A2"].name


def test_closing_ends_the_thread_and_every_connection(server):
    before = tend_threads()
    with tended(seed_of(server), min_conns_per_node=2) as cluster:
        assert len(tend_threads() - before) == 1
        with within(1000):
            cluster.close()
        assert not tend_threads() - before
        cluster.close()
        assert cluster.closed
        assert cluster.nodes == ()
        assert not cluster.is_connected()
        with pytest.raises(ClientClosed):
            info(cluster, "node")
        wait_until(lambda: not any(node.stats.connections_open for node in server.nodes))


@pytest.mark.parametrize("frozen", [["A1"], ["A1", "A2", "A3"]], ids=["one", "all and the seed"])
def test_closing_does_not_wait_for_frozen_nodes(server, frozen):
    before = tend_threads()
    with tended(seed_of(server), timeout=60_000) as cluster:
        for name in frozen:
            server.node(name).freeze()
        wait_until(lambda: all(cluster.node(name).failures for name in frozen))
        with within(1000):
            cluster.close()
        assert not tend_threads() - before
    for name in frozen:
        server.node(name).thaw()


def test_threads_may_close_together(server):
    with tended(seed_of(server)) as cluster:
        threads = [threading.Thread(target=cluster.close) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert not any(thread.is_alive() for thread in threads)


def test_an_error_in_a_round_is_logged_and_the_next_one_works(server, monkeypatch, caplog):
    with tended(seed_of(server)) as cluster:
        broken = threading.Event()

        def fail(value):
            broken.set()
            raise RuntimeError("a bug")

        with monkeypatch.context() as patch:
            patch.setattr(info_answers, "parse_generation", fail)
            assert broken.wait(5)
            wait_until(lambda: cluster.stats().tend.last_error == "RuntimeError: a bug")
        server.node("A2").stop()
        wait_until(lambda: active(cluster) == ["A1", "A3"])
    assert "tending the cluster failed" in caplog.text


def test_not_started_clusters_close_too(server):
    Cluster(server.hosts, ClientPolicy()).close()

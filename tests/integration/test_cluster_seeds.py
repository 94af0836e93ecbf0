"""Connecting: which seeds work, what is said about those that don't, and addresses that lead nowhere."""

import socket
import threading
import time

import pytest
from cluster_help import active, agrees, masters, some_rounds, tended, wait_until

from pyspike.cluster import Cluster, addresses, probe
from pyspike.errors import ConnectFailed, InvalidArgument, NotAuthenticated
from pyspike.policy import ClientPolicy
from pyspike.server import EmbeddedCluster

pytestmark = pytest.mark.embedded_only

NOWHERE = "127.0.0.9"  # nobody listens there


@pytest.fixture
def server():
    with EmbeddedCluster(nodes=3, cluster_name="embedded") as cluster:
        yield cluster


@pytest.fixture
def closed_port():
    """A port that refuses connections."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port that takes connections and never answers."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(50)
        yield sock.getsockname()[1]


@pytest.fixture
def hanging_name(monkeypatch):
    """A host name whose resolution takes for ever; the number of times it was asked for."""
    over = threading.Event()
    asked = []
    resolve = addresses.resolve

    def hang(host):
        if host.name == "hang.test":
            asked.append(host)
            over.wait(60)
        return resolve(host)

    monkeypatch.setattr(probe, "resolve", hang)
    yield asked
    over.set()


def seed_of(server, index=0):
    return server.hosts.split(",")[index]


def fails(hosts, **policy):
    """The error of connecting to these hosts, and how long it took, in seconds."""
    started = time.monotonic()
    with pytest.raises((ConnectFailed, NotAuthenticated)) as caught, tended(hosts, **policy):
        pass
    return caught.value, time.monotonic() - started


def test_every_host_is_listed_with_its_reason(closed_port, silent_port):
    error, elapsed = fails(
        f"127.0.0.1:{closed_port},127.0.0.1:{silent_port},no-such-host.invalid:4000", timeout=500
    )
    assert f"127.0.0.1:{closed_port}: " in error.message
    assert "connection refused" in error.message
    assert f"127.0.0.1:{silent_port}: " in error.message
    assert "connected, but timed out waiting for the answer" in error.message
    assert "no-such-host.invalid:4000: " in error.message
    assert len(error.attempts) == 3
    assert not any(attempt.sent for attempt in error.attempts)
    assert elapsed < 1.5


def test_seeds_are_tried_at_the_same_time(server, closed_port, silent_port):
    hosts = f"127.0.0.1:{closed_port},127.0.0.1:{silent_port},{seed_of(server)}"
    started = time.monotonic()
    with tended(hosts, timeout=5000) as cluster:
        assert time.monotonic() - started < 2
        assert active(cluster) == ["A1", "A2", "A3"]


def test_each_address_of_a_name_is_tried(server, closed_port, monkeypatch):
    resolve = addresses.resolve
    found = [
        *resolve(addresses.Host("127.0.0.1", closed_port)),
        *resolve(addresses.Host("127.0.0.1", server.nodes[0].port)),
    ]
    monkeypatch.setattr(probe, "resolve", lambda host: found if host.name == "many.test" else resolve(host))
    with tended("many.test:3000") as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]
    del found[1]
    error, _ = fails("many.test:3000")
    assert f"many.test:3000: no connection to 127.0.0.1:{closed_port}: connection refused" in error.message


def test_a_name_that_does_not_resolve_in_time_holds_up_nobody(server, hanging_name):
    error, elapsed = fails("hang.test:3000", timeout=300)
    assert "hang.test:3000: no answer within 300 ms" in error.message
    assert elapsed < 1
    with tended(f"hang.test:3000,{seed_of(server)}", timeout=2000) as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]


def test_a_name_that_hangs_is_asked_for_once(hanging_name):
    with tended("hang.test:3000", timeout=50, fail_if_not_connected=False) as cluster:
        wait_until(lambda: cluster.rounds > 3)
        assert len(hanging_name) == 1
        assert "still hangs" in cluster.stats().tend.last_error


def test_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with EmbeddedCluster(nodes=2, host="::1") as server, tended(seed_of(server)) as cluster:
        assert active(cluster) == ["A1", "A2"]
        assert cluster.node("A1").address == f"[::1]:{server.node('A1').port}"


def test_a_cluster_of_another_name_is_refused(server):
    error, _ = fails(server.hosts, cluster_name="production")
    assert error.message.count("belongs to the cluster 'embedded', not to 'production'") == 3
    with tended(server.hosts, cluster_name="embedded") as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]


@pytest.mark.parametrize(
    ("command", "value", "words"),
    [
        ("partition-generation", "-1", "not ready"),
        ("build", "4.8.9", "too old"),
        ("node", "", "can't be the name of a node"),
        ("build", "ERROR:80:not authenticated", "not authenticated"),
    ],
)
def test_servers_that_will_not_do_are_refused(server, monkeypatch, command, value, words):
    ask = probe.ask

    def changed(connection, commands, timeout):
        values = ask(connection, commands, timeout)
        return {c: value if c == command else v for c, v in values.items()}

    monkeypatch.setattr(probe, "ask", changed)
    error, _ = fails(seed_of(server))
    assert words in error.message


def test_what_is_no_aerospike_server_is_no_node(silent_port):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()

        def serve():
            peer, _ = sock.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        error, _ = fails(f"127.0.0.1:{sock.getsockname()[1]}")
        thread.join()
    assert "not an answer of type 1" in error.message


def test_not_connected_yet_is_fine_if_the_policy_says_so(caplog):
    with EmbeddedCluster(nodes=1) as server:
        server.node("A1").stop()
        with tended(server.hosts, fail_if_not_connected=False, timeout=200) as cluster:
            assert not cluster.is_connected()
            assert "not connected yet" in caplog.text
            server.node("A1").start()
            wait_until(cluster.is_connected)
            wait_until(lambda: masters(cluster) == {"A1": 4096})


def test_unreachable_peers_are_named_with_what_mends_it(caplog):
    with (
        EmbeddedCluster(nodes=3, advertise=NOWHERE) as server,
        tended(seed_of(server), timeout=700) as cluster,
    ):
        assert active(cluster) == ["A1"]
        assert cluster.is_connected()
        for words in (cluster.view.advice(cluster.policy), caplog.text):
            assert f"node A2 advertises the address {NOWHERE}:{server.node('A2').port}" in words
            assert "use_services_alternate=True" in words
            assert f"ip_map={{'{NOWHERE}': " in words
        assert set(cluster.stats().tend.unreachable) == {"A2", "A3"}
        before = caplog.text.count("advertises")
        some_rounds(cluster, 6)
        assert caplog.text.count("advertises") == before  # said once, not every round


def test_seeds_stand_in_for_unreachable_addresses():
    with EmbeddedCluster(nodes=3, advertise=NOWHERE) as server, tended(server.hosts) as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]
        assert agrees(cluster, server)
        assert cluster.view.advice(cluster.policy) == ""


@pytest.mark.parametrize("target", ["127.0.0.1", "localhost"])
def test_ip_map_leads_to_reachable_addresses(target):
    with (
        EmbeddedCluster(nodes=3, advertise=NOWHERE) as server,
        tended(seed_of(server), ip_map={NOWHERE: target}) as cluster,
    ):
        assert active(cluster) == ["A1", "A2", "A3"]
        assert agrees(cluster, server)


def test_ip_map_may_give_each_port_its_own_target():
    with EmbeddedCluster(nodes=3, advertise=NOWHERE) as server:
        a2, a3 = server.node("A2").port, server.node("A3").port
        ip_map = {f"{NOWHERE}:{a2}": f"127.0.0.1:{a2}", f"{NOWHERE}:{a3}": f"127.0.0.1:{a3}"}
        with tended(seed_of(server), ip_map=ip_map) as cluster:
            assert active(cluster) == ["A1", "A2", "A3"]


def test_an_ip_map_without_addresses_is_refused():
    with pytest.raises(InvalidArgument, match=r"'127\.0\.0\.1:http' in ip_map is no address"):
        Cluster("127.0.0.1", ClientPolicy(ip_map={"10.0.0.1": "127.0.0.1:http"}))


def test_alternate_addresses_are_used_if_asked_for():
    with EmbeddedCluster(nodes=3, advertise=NOWHERE, alternate_host="127.0.0.1") as server:
        with tended(seed_of(server), use_services_alternate=True) as cluster:
            assert active(cluster) == ["A1", "A2", "A3"]
        with tended(seed_of(server)) as cluster:
            assert active(cluster) == ["A1"]


def test_usual_addresses_are_used_where_there_are_no_alternate_ones_which_is_pointed_out(server, caplog):
    with tended(seed_of(server), use_services_alternate=True) as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]
    assert "node A1 publishes no alternate addresses of its peers (A2, A3)" in caplog.text


def test_usual_addresses_are_used_where_alternate_ones_can_not_be_reached(caplog):
    with (
        EmbeddedCluster(nodes=3, alternate_host=NOWHERE) as server,
        tended(seed_of(server), use_services_alternate=True) as cluster,
    ):
        assert active(cluster) == ["A1", "A2", "A3"]
        assert f"node A2 is used by the address 127.0.0.1:{server.node('A2').port}: no conn" in caplog.text
        assert f"no connection to node A2 at {NOWHERE}" in caplog.text


def test_only_seeds_are_nodes_if_asked_for(server):
    seeds = server.hosts.split(",")
    with tended(",".join(seeds[:2]), seed_only_cluster=True) as cluster:
        assert active(cluster) == ["A1", "A2"]
        some_rounds(cluster)
        assert active(cluster) == ["A1", "A2"]
        gone = cluster.node("A2")
        server.node("A2").restart()
        wait_until(lambda: cluster.node("A2") not in (None, gone) and active(cluster) == ["A1", "A2"])
        server.node("A2").stop()
        wait_until(lambda: active(cluster) == ["A1"])
        server.node("A2").start()
        wait_until(lambda: active(cluster) == ["A1", "A2"])
        wait_until(lambda: cluster.routing.partitions.owner("test", 1, 0) is not None)
    alone = f"127.0.0.1:{server.nodes[0].port},localhost:{server.nodes[0].port}"
    with tended(alone, seed_only_cluster=True) as cluster:
        assert active(cluster) == ["A1"]
        assert "it leads to node A1" in str(cluster.stats().tend.unreachable)


def test_a_seed_that_can_not_be_reached_is_tried_again_if_only_seeds_are_nodes(server):
    server.node("A2").stop()
    with tended(server.hosts, seed_only_cluster=True) as cluster:
        assert active(cluster) == ["A1", "A3"]
        assert list(cluster.stats().tend.unreachable) == [f"127.0.0.1:{server.node('A2').port}"]
        server.node("A2").start()
        wait_until(lambda: active(cluster) == ["A1", "A2", "A3"] and agrees(cluster, server))
        assert not cluster.stats().tend.unreachable
    for node in server.nodes:
        node.stop()
    with pytest.raises(ConnectFailed, match=r"no seed host can be used: .*connection refused"):
        Cluster(server.hosts, ClientPolicy(seed_only_cluster=True, timeout=300)).start()


def test_a_load_balancer_is_left_for_the_node_behind_it(server, monkeypatch):
    monkeypatch.setattr(addresses.Endpoint, "is_loopback", False)
    with relay(server.node("A2").port) as port, tended(f"127.0.0.1:{port}") as cluster:
        assert active(cluster) == ["A1", "A2", "A3"]
        assert cluster.node("A2").host.port == server.node("A2").port


def test_a_node_with_an_unreachable_address_is_used_by_the_seeds(monkeypatch, caplog):
    monkeypatch.setattr(addresses.Endpoint, "is_loopback", False)
    with EmbeddedCluster(nodes=1, advertise=NOWHERE) as server, tended(server.hosts, timeout=700) as cluster:
        assert masters(cluster) == {"A1": 4096}
        assert cluster.node("A1").address == server.hosts
    assert f"node A1 advertises the address {NOWHERE}" in caplog.text
    assert "ip_map" in caplog.text


class relay:  # noqa: N801 - reads as a function
    """A port that passes everything on to another one, as a load balancer or a mapped container port does."""

    def __init__(self, target):
        self.target = target

    def __enter__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self.sock.getsockname()[1]

    def __exit__(self, *exc_info):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(5)

    def accept(self):
        while True:
            try:
                one, _ = self.sock.accept()
            except OSError:
                return
            other = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((one, other), (other, one)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return
        finally:
            sink.close()

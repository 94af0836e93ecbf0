"""The small parts of the cluster, each on its own: addresses, jobs at the same time, the seeds' rules."""

import re
import socket
import threading
import time

import pytest

from pyspike import AsyncClient, Client
from pyspike.cluster import addresses
from pyspike.cluster.connect import Door
from pyspike.cluster.info_answers import Peer, Peers
from pyspike.cluster.parallel import ParallelJobs
from pyspike.cluster.probe import Probe
from pyspike.cluster.seeds import of_one_cluster
from pyspike.errors import ConnectionError, InvalidArgument, TimeoutError
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy

# Addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advertised", "ip_map", "reached"),
    [
        (Host("10.0.0.1", 3000), None, Host("10.0.0.1", 3000)),
        (Host("10.0.0.1", 3000), {"10.0.0.2": "127.0.0.1"}, Host("10.0.0.1", 3000)),
        (Host("10.0.0.1", 3000), {"10.0.0.1": "127.0.0.1"}, Host("127.0.0.1", 3000)),
        (Host("10.0.0.1", 3000), {"10.0.0.1": "127.0.0.1:4000"}, Host("127.0.0.1", 4000)),
        (Host("10.0.0.1", 3000), {"10.0.0.1": "a", "10.0.0.1:3000": "b"}, Host("b", 3000)),
        (Host("10.0.0.1", 3001), {"10.0.0.1": "a", "10.0.0.1:3000": "b"}, Host("a", 3001)),
        (Host("fe80::1", 3000), {"fe80::1": "::1"}, Host("::1", 3000)),
        (Host("fe80::1", 3000), {"[fe80::1]:3000": "[::1]:4000"}, Host("::1", 4000)),
        (Host("fe80::1", 3000), {"[fe80::1]": "[::1]"}, Host("::1", 3000)),
        (Host("10.0.0.1", 3000, "tls"), {"10.0.0.1": "a:4000"}, Host("a", 4000, "tls")),
    ],
)
def test_ip_map(advertised, ip_map, reached):
    addresses.check_map(ip_map)
    assert addresses.mapped(advertised, ip_map) == reached


@pytest.mark.parametrize(
    "text",
    [
        *("", ":3000", "a:", "a:b", "a:b:c", "a:tls:3000", "a b", "a,b", "http://a"),
        *("a:0", "a:03000", "a:65536", "a:99999", "a:100000", "a:-1"),
        *("[::1", "[::1]:", "[::1]:x", "[::1]3000", "[10.0.0.1]:3000"),
    ],
)
def test_what_is_no_address_in_an_ip_map_is_refused_by_name(text):
    for ip_map in ({"10.0.0.1": text}, {text: "10.0.0.1"}):
        with pytest.raises(InvalidArgument, match=f"^{re.escape(repr(text))} in ip_map is no address"):
            addresses.check_map(ip_map)


def test_a_name_has_addresses():
    (endpoint, *_) = addresses.resolve(Host("127.0.0.1", 3100))
    assert (endpoint.family, endpoint.host, str(endpoint)) == (
        socket.AF_INET,
        Host("127.0.0.1", 3100),
        "127.0.0.1:3100",
    )
    assert endpoint.is_loopback
    for name in ("no-such-host.invalid", "x" * 70 + ".invalid"):
        with pytest.raises(ConnectionError, match="the name can't be resolved"):
            addresses.resolve(Host(name))


def test_connections_are_quick_and_kept_alive():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (endpoint,) = addresses.resolve(Host("127.0.0.1", listening.getsockname()[1]))
        connection = Door(ClientPolicy()).connect(endpoint, 1000, "A1")
        with socket.socket(fileno=connection.fileno()) as sock:
            assert sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert not sock.get_inheritable()
            sock.detach()
        connection.close()
    with pytest.raises(
        ConnectionError, match=r"no connection to node A1 at 127\.0\.0\.1:\d+: connection refused"
    ) as caught:
        Door(ClientPolicy()).connect(endpoint, 1000, "A1")
    assert caught.value.node == "A1"


def test_a_socket_that_reached_itself_counts_as_refused(monkeypatch):
    class Bound(socket.socket):
        """A socket to whose own address it is about to connect, as the system may choose it."""

        def connect(self, address):
            self.bind(address)
            super().connect(address)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (endpoint,) = addresses.resolve(Host("127.0.0.1", free.getsockname()[1]))
    monkeypatch.setattr(socket, "socket", Bound)
    with pytest.raises(ConnectionError, match="connection refused"):
        Door(ClientPolicy()).connect(endpoint, 1000)


def test_connecting_ends_in_time():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        (endpoint,) = addresses.resolve(Host("127.0.0.1", full.getsockname()[1]))
        held = []
        door = Door(ClientPolicy())

        def fill():
            while len(held) < 10_000:  # until its queue is full
                held.append(door.connect(endpoint, 50))

        try:
            with pytest.raises(TimeoutError, match="within 50 ms"):
                fill()
        finally:
            for connection in held:
                connection.close()


# Several things at once -------------------------------------------------------------------------------------


def test_results_come_as_they_are_ready():
    gate = threading.Event()
    with ParallelJobs(
        {"slow": lambda: gate.wait(10), "quick": lambda: 1, "bad": lambda: 1 / 0}, print
    ) as running:
        deadline = time.monotonic() + 10
        results = dict([running.take(deadline), running.take(deadline)])
        assert results["quick"] == 1
        assert isinstance(results["bad"], ZeroDivisionError)
        assert running.unfinished == {"slow"}
        assert running.take(time.monotonic() + 0.02) is None
        gate.set()
        assert running.take(deadline) == ("slow", True)
        assert running.take(deadline) is None


def test_what_comes_too_late_is_disposed_of():
    gate, disposed = threading.Event(), []
    jobs = {1: lambda: gate.wait(10) and "late", 2: lambda: "unread", 3: lambda: gate.wait(10) and 1 / 0}
    with ParallelJobs(jobs, disposed.append) as running:
        running.threads[2].join(10)
    assert disposed == ["unread"]
    gate.set()
    for thread in running.threads.values():
        thread.join(10)
    assert disposed == ["unread", "late"]


# Seeds ------------------------------------------------------------------------------------------------------


class Line:
    """A connection that only knows whether it was closed."""

    closed = False

    def close(self):
        self.closed = True


def answered(name, *peers):
    endpoint = addresses.Endpoint(Host("10.0.0.1"), socket.AF_INET, ("10.0.0.1", 3000))
    known = Peers(1, tuple(Peer(peer, None, (Host(peer),)) for peer in peers))
    return Probe(name, endpoint, (8, 1), Line(), peers=known)


def test_a_seed_that_knows_peers_comes_before_one_that_knows_none():
    orphan, member = answered("B1"), answered("A1", "A2")
    assert of_one_cluster([orphan, member]) == [member]
    assert orphan.connection.closed
    assert not member.connection.closed


def test_seeds_of_one_cluster_are_kept_each_once():
    one, two, again, other = (
        answered("A1", "A2"),
        answered("A2", "A1"),
        answered("A1", "A2"),
        answered("C1", "C2"),
    )
    assert of_one_cluster([one, two, again, other]) == [one, two]
    assert again.connection.closed
    assert other.connection.closed


@pytest.mark.parametrize("host", ["a:tls-name:4333", "b:3000,[::1]:tls-name:4333"])
def test_a_tls_name_is_refused_and_never_connected_to_in_plain_text(host):
    for make in (Client, AsyncClient):
        with pytest.raises(InvalidArgument, match="TLS name 'tls-name', but there is no TLS"):
            make(host)


def test_a_lone_seed_is_used():
    orphan = answered("A1")
    assert of_one_cluster([orphan]) == [orphan]

"""Connections that were closed while idle cost no command, nor does a node that shuts down in order.

That the server has closed it is found out before a request is sent, or told by the system that has refused
the request's bytes: such a write is not in doubt, and was no attempt.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time

import pytest

from pyspike import AsyncClient, Client, ClientPolicy, Key, WritePolicy
from pyspike._wire import Connection, Node, NodeLimits, Pool, Routing
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import in_thread, wait_until
from support.load import Load, Shape
from support.messages import Message
from support.pipes import in_loop
from support.unsent import tried_once

pytestmark = pytest.mark.both_kinds

DEFAULT = Shape(reads=1000.0, writes=1000.0)  # the timeouts of the default policies
SEED = 20270211
COMMANDS = 10
IDLE = 0.05  # seconds, less than any tend interval
ONCE = WritePolicy(max_retries=0)


def key(number: int) -> Key:
    return Key("test", "stale", number)


@pytest.mark.embedded_only
@pytest.mark.parametrize("kind", ["put", "get"])
def test_connections_that_were_closed_while_idle_cost_no_command(one: EmbeddedCluster, kind: str) -> None:
    policy = ClientPolicy(min_conns_per_node=6, tend_interval=60_000)
    with Client(one.hosts, policy) as client:
        for number in range(COMMANDS):
            client.put(key(number), {"n": number})
        one.nodes[0].restart()
        if kind == "get":  # its records are gone, as they were in memory
            with Client(one.hosts) as other:
                for number in range(COMMANDS):
                    other.put(key(number), {"n": number})
        time.sleep(IDLE)
        for number in range(COMMANDS):
            if kind == "put":
                client.put(key(number), {"n": number}, policy=ONCE)
            else:
                assert client.get(key(number))["n"] == number
        failures = [node.pool.failures for node in client.stats().nodes.values()]
        assert failures == [0]


@pytest.mark.embedded_only
@in_loop
async def test_what_a_loop_did_not_see_yet_costs_no_command_of_tasks(one: EmbeddedCluster) -> None:
    """Its connections are closed while the loop is busy with other things, and it writes before it reads."""
    policy = ClientPolicy(min_conns_per_node=6, tend_interval=60_000)
    async with AsyncClient(one.hosts, policy) as client:
        for _ in range(3):
            for number in range(COMMANDS):
                await client.put(key(number), {"n": number}, policy=ONCE)
            one.nodes[0].restart()  # the loop waits
            await asyncio.gather(
                *(client.put(key(number), {"n": number}, policy=ONCE) for number in range(COMMANDS))
            )
            for number in range(COMMANDS):
                assert (await client.get(key(number)))["n"] == number


class OneAnswerEach:
    """A server that answers one request on each connection, and closes it: both arrive together."""

    def __init__(self) -> None:
        self.answered = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        node = Node("A1", NodeLimits())
        self.pool = node.pool = Pool(node, self._open)
        self.routing = Routing()
        self.routing.partitions = self.routing.partitions.updated(node, [("test", 0, [b"\xff" * 512])])

    def _open(self, timeout: float) -> Connection:
        return Connection(socket.create_connection(self._listening.getsockname(), 5).detach())

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                head = connection.recv(8, socket.MSG_WAITALL)
                if head:
                    connection.recv(int.from_bytes(head[2:], "big"), socket.MSG_WAITALL)
                    self.answered += 1
                    connection.sendall(Message().pack())

    def close(self) -> None:
        self.pool.close()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the other side has received")
def test_a_write_that_meets_the_end_of_its_connection_is_not_in_doubt() -> None:
    """However soon after the last answer: none of these writes may be sent twice, and none fails."""
    server = OneAnswerEach()
    client = tried_once(server)
    for number in range(200):
        client.put(key(number), {"n": number}, timeout=10_000)
    assert server.answered == 200
    stats = server.pool.stats()
    assert (stats["opened"], stats["failures"], stats["closed"]) == (200, 0, {"closed by the server": 199})
    server.close()


def restart(node: EmbeddedNode, load: Load) -> None:
    node.restart()


def stop_and_start(node: EmbeddedNode, load: Load) -> None:
    node.stop()
    load.go_on()
    node.start()


@pytest.mark.embedded_only
@pytest.mark.parametrize("how", [restart, stop_and_start])
def test_a_rolling_restart_under_load_costs_no_command(how: object) -> None:
    with (
        EmbeddedCluster(nodes=3, process=True) as cluster,
        Client(cluster.hosts, ClientPolicy(tend_interval=250)) as client,
        Load(client, SEED, DEFAULT) as load,
    ):
        for node in cluster.nodes:
            assert callable(how)
            how(node, load)
            load.go_on()
            wait_until(lambda: sum(each.is_active for each in client.nodes()) == 3, "the node's return")
            load.go_on()
        load.end()
        assert not load.failures(), load.failures()[0]
        load.check_all()


@pytest.mark.embedded_only
def test_a_write_waits_for_who_takes_over_from_a_node_that_is_down() -> None:
    """It was not sent, so it may be, though writes are not tried again by default."""
    with (
        EmbeddedCluster(nodes=2, process=True) as cluster,
        Client(cluster.hosts, ClientPolicy(tend_interval=250)) as client,
    ):
        for number in range(50):
            client.put(key(number), {"n": number})
        cluster.nodes[1].stop()
        calls = [in_thread(lambda n=number: client.put(key(n), {"n": n})) for number in range(50)]  # type: ignore[misc]
        for call in calls:
            call.result()

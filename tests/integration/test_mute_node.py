"""A node that joins accepts connections and answers nothing for a while: nobody has to wait for it."""

from __future__ import annotations

import pytest

from pyspike import Client, ClientPolicy, Key
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.cluster_tools import wait_until

pytestmark = pytest.mark.both_kinds

KEYS = [Key("test", "s", number) for number in range(40)]
SOON = ClientPolicy(tend_interval=250, timeout=500)
DEADLINE = 4000  # ms; each try has a third of it


@pytest.fixture
def cluster(three: EmbeddedCluster) -> EmbeddedCluster:
    return three


def is_active(client: Client, node: EmbeddedNode) -> bool:
    return any(each.name == node.name and each.is_active for each in client.nodes())


def write_and_read_all(client: Client, value: int) -> None:
    for key in KEYS:
        client.put(key, {"a": value}, timeout=DEADLINE)
    for key in KEYS:
        assert client.get(key, timeout=DEADLINE).bins == {"a": value}


@pytest.mark.parametrize("restarts", [False, True])
def test_commands_go_elsewhere_while_a_node_is_mute(cluster: EmbeddedCluster, restarts: bool) -> None:
    node = cluster.nodes[1]
    with Client(cluster.hosts, policy=SOON) as client:
        write_and_read_all(client, 1)
        node.mute()
        if restarts:
            node.restart()
        for key in KEYS:
            assert client.get(key, timeout=DEADLINE).bins == {"a": 1}
        wait_until(lambda: not is_active(client, node))
        asked = node.stats.data_requests
        write_and_read_all(client, 2)
        node.unmute()
        wait_until(lambda: is_active(client, node))
        assert node.stats.data_requests <= asked + len(KEYS), (
            "what it was sent before it was known to be mute"
        )
        write_and_read_all(client, 3)
        assert any(cluster.owner(key) is node for key in KEYS)
        assert node.stats.data_requests > asked


def test_a_client_starts_while_a_node_is_mute(cluster: EmbeddedCluster) -> None:
    node = cluster.nodes[0]  # the first seed
    node.mute()
    with Client(cluster.hosts, policy=SOON) as client:
        write_and_read_all(client, 1)
        assert not is_active(client, node)
        node.unmute()
        wait_until(lambda: is_active(client, node))
        write_and_read_all(client, 2)


def test_a_node_that_is_mute_for_a_while_after_its_restart_costs_no_read(cluster: EmbeddedCluster) -> None:
    with Client(cluster.hosts, policy=SOON) as client:
        write_and_read_all(client, 1)
        for node in cluster.nodes:
            node.mute(1)
            node.restart()
            for _ in range(3):
                for key in KEYS:
                    assert client.get(key, timeout=DEADLINE).bins == {"a": 1}
            wait_until(lambda node=node: is_active(client, node))  # type: ignore[misc]

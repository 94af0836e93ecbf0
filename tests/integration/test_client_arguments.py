"""What a client is made with, and asked about its cluster: wrong arguments are refused by name."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    AsyncClient,
    Client,
    ClientPolicy,
    ConnectionError,
    InfoPolicy,
    InvalidArgument,
    InvalidType,
    Node,
    ReadPolicy,
    WritePolicy,
)
from pyspike.server import EmbeddedCluster

pytestmark = pytest.mark.both_kinds


@pytest.mark.parametrize("policy", [ReadPolicy(), {"timeout": 5}, 0, ""])
def test_a_client_is_made_with_a_client_policy(policy: Any) -> None:
    with pytest.raises(InvalidType, match=f"policy must be a ClientPolicy here, not {type(policy).__name__}"):
        Client("127.0.0.1:3000", policy)


@pytest.mark.parametrize(
    ("name", "policy", "words"),
    [
        ("read", WritePolicy(), "read must be a ReadPolicy here, not WritePolicy"),
        ("write", ReadPolicy(), "write must be a WritePolicy here, not ReadPolicy"),
        ("info", ReadPolicy(), "info must be an InfoPolicy here, not ReadPolicy"),
        ("admin", InfoPolicy(), "admin must be an AdminPolicy here, not InfoPolicy"),
        ("info", AdminPolicy(), "info must be an InfoPolicy here, not AdminPolicy"),
        ("read", 0, "read must be a ReadPolicy here, not int"),
        ("info", {}, "info must be an InfoPolicy here, not dict"),
    ],
)
def test_a_view_takes_policies_of_their_kinds(client: Any, name: str, policy: Any, words: str) -> None:
    with pytest.raises(InvalidType, match=f"^{words}"):
        client.with_policies(**{name: policy})


@pytest.mark.parametrize(
    ("arguments", "policy", "words"),
    [
        ((5,), None, "an info command must be str, not 5"),
        ((b"build",), None, "an info command must be str, not b'build'"),
        (("build", 7), None, "node must be a Node or its name, not 7"),
        (("build", ["A1"]), None, "node must be a Node or its name"),
        (("build",), ReadPolicy(), "policy must be an InfoPolicy here, not ReadPolicy"),
        (("build",), 0, "policy must be an InfoPolicy here, not int"),
    ],
)
def test_info_takes_a_command_a_node_and_a_policy(
    client: Any, arguments: Any, policy: Any, words: str
) -> None:
    with pytest.raises(InvalidType, match=f"^{words}"):
        client.info(*arguments, policy=policy)


@pytest.mark.parametrize("command", ["", "build\nnode", "\n", "\ud800"])
def test_an_info_command_is_a_line_of_text_and_nothing_else_is_sent(client: Any, command: str) -> None:
    for node in (None, client.node_names()[0]):
        with pytest.raises(InvalidArgument, match="is no info command") as caught:
            client.info(command, node)
        assert caught.value.node is None


@pytest.mark.embedded_only
def test_info_of_all_nodes_fails_with_one_of_them_and_the_others_answer_one_by_one() -> None:
    with (
        EmbeddedCluster(nodes=3) as cluster,
        Client(cluster.hosts, ClientPolicy(tend_interval=60_000)) as client,
    ):
        cluster.node("A2").kill(detach_after=60)
        with pytest.raises(ConnectionError) as caught:
            client.info("node")
        assert caught.value.node == "A2"
        assert [client.info("node", name) for name in ("A1", "A3")] == ["A1", "A3"]


@pytest.mark.parametrize("other", [Client, "127.0.0.1:3000", None])
@pytest.mark.one_kind("is about AsyncClient")
def test_only_a_client_can_be_shared(other: Any) -> None:
    with pytest.raises(InvalidType, match="what is shared must be a Client"):
        AsyncClient.sharing(other)


def test_nodes_are_values_that_tell_who_and_where(client: Any) -> None:
    nodes: tuple[Node, ...] = client.nodes()
    assert [node.name for node in nodes] == client.node_names()
    for node in nodes:
        assert node.is_active
        assert node.address == str(node.host) == client.stats().nodes[node.name].address
        assert node.version == client.info("build", node, policy=InfoPolicy(timeout=2000))
        assert pickle.loads(pickle.dumps(node)) == node
        with pytest.raises(AttributeError):
            node.is_active = False  # type: ignore[misc]
    assert len({*nodes, *client.nodes()}) == len(nodes)

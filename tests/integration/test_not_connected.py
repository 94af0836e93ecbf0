"""A client that has no node to ask: what its calls say, and that they go on once there is one."""

from __future__ import annotations

import pickle
import re
import socket
from collections.abc import Callable, Iterator

import pytest

from pyspike import Client, ClientPolicy, Key, errors
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until, within

pytestmark = pytest.mark.both_kinds

KEY = Key("test", "s", 1)
ANYHOW = ClientPolicy(fail_if_not_connected=False, timeout=300, tend_interval=50)
CALLS: dict[str, Callable[[Client], object]] = {
    "get": lambda client: client.get(KEY),
    "get with a default": lambda client: client.get(KEY, default=None),
    "exists": lambda client: client.exists(KEY),
    "put": lambda client: client.put(KEY, {"a": 1}),
    "delete": lambda client: client.delete(KEY),
    "operate": lambda client: client.operate(KEY, [op.get("a")]),
    "info": lambda client: client.info("build"),
    "info of a node": lambda client: client.info("build", "A1"),
}


@pytest.fixture
def seeds() -> Iterator[tuple[str, str]]:
    """One that refuses connections and one that takes them and never answers."""
    with socket.socket() as closed, socket.socket() as silent:
        for sock in (closed, silent):
            sock.bind(("127.0.0.1", 0))
        silent.listen(50)
        yield tuple(f"127.0.0.1:{sock.getsockname()[1]}" for sock in (closed, silent))  # type: ignore[misc]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_names_each_seed_with_its_reason(seeds: tuple[str, str], call: str) -> None:
    refusing, silent = seeds
    with Client(f"{refusing},{silent}", ANYHOW) as client:
        with within(1000), pytest.raises(ConnectionError) as caught:
            CALLS[call](client)
        error = caught.value
        assert isinstance(error, errors.ConnectFailed)
        assert re.search(f"{refusing}: [^;]*connection refused", error.message)
        assert re.search(f"{silent}: (connected, but timed out|no answer)", error.message)
        assert error.advice
        assert (error.retryable, error.in_doubt) == (True, False)
        assert not any(attempt.sent for attempt in error.attempts)
        if not call.startswith("info"):
            assert error.key == KEY
            assert len(error.attempts) == 1, "there is nobody to try again with"
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_name_that_does_not_resolve_is_named_too() -> None:
    with Client("no-such-host.invalid:4000", ANYHOW) as client:
        for call in (CALLS["get"], CALLS["info"]):
            with pytest.raises(errors.ConnectFailed, match=r"no-such-host\.invalid:4000: "):
                call(client)


def test_the_calls_go_on_once_there_is_a_node() -> None:
    with EmbeddedCluster() as cluster:
        hosts = cluster.hosts
    with Client(hosts, ANYHOW) as client:
        with pytest.raises(errors.ConnectFailed, match=hosts):
            client.put(KEY, {"a": 1})
        with EmbeddedCluster(port=int(hosts.rpartition(":")[2])):
            wait_until(client.is_connected, "the connection")
            client.put(KEY, {"a": 1})
            assert client.info("build", "A1")
            with pytest.raises(errors.InvalidNode, match="no node 'A9'; it has A1"):
                client.info("build", "A9")


def test_a_hot_key_is_told_to_be_retryable_and_not_asked_for_again() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as client:
        client.put(KEY, {"a": 1})
        cluster.nodes[0].answer_with(14)
        with pytest.raises(errors.KeyBusy) as caught:
            client.get(KEY)
        assert caught.value.retryable is True
        assert len(caught.value.attempts) == 1
        assert client.get(KEY)["a"] == 1


@pytest.mark.parametrize("code", [1, 2, 4, 9, 11, 12, 14, 18, 20, 22, 26, 27, 29, 32, 83, 120, 152, 250])
def test_a_read_is_tried_again_after_the_codes_that_the_rules_name(code: int) -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as client:
        client.put(KEY, {"a": 1})
        cluster.nodes[0].answer_with(code, times=9)
        with pytest.raises(errors.ServerError) as caught:
            client.get(KEY)
        assert caught.value.result_code == code
        assert len(caught.value.attempts) == (3 if code in (9, 11, 18) else 1)
        if len(caught.value.attempts) > 1:
            assert caught.value.retryable

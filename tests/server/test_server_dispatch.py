"""What a node answers to a frame, whatever becomes of it."""

from __future__ import annotations

import logging

import pytest
from server_wire import DATA, INFO, Answer, frame, get, parse

from pyspike.server.dispatch import answer
from pyspike.server.storage.store import Namespace, NamespaceConfig, Store
from pyspike.server.topology.state import ClusterState, NodeState, Session


class BrokenNamespaces(dict[bytes, Namespace]):
    """Namespaces with a bug."""

    def get(self, *_: object) -> Namespace:
        raise ZeroDivisionError("bug")


class Asked:
    """A node that is asked without a connection."""

    def __init__(self) -> None:
        store = Store()
        store.add("test", NamespaceConfig())
        self.node = NodeState("A1", "127.0.0.1", 3000)
        self.cluster = ClusterState("embedded", 1, None, None, store)

    def ask(self, body: bytes, kind: int = DATA) -> bytes:
        reply = answer(self.cluster, self.node, Session(), kind, body)
        assert isinstance(reply, bytes)
        return reply


def test_a_bug_is_logged_and_answered(caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked()
    namespaces = asked.cluster.store.namespaces
    asked.cluster.store.namespaces = BrokenNamespaces()
    assert parse(asked.ask(get(1))) == Answer(1, 0, 0, [])
    assert asked.ask(b"truncate-namespace:namespace=test\n", INFO) == frame(b"", INFO)
    asked.cluster.store.namespaces = namespaces
    assert parse(asked.ask(get(1))).code == 2
    records = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [record.name for record in records] == ["pyspike.server"] * 2
    assert all(record.exc_info is not None for record in records)


def test_requests_are_counted_by_kind() -> None:
    asked = Asked()
    for body, kind in ((get(1), DATA), (get(2), DATA), (b"build\n", INFO), (b"", 2)):
        asked.ask(body, kind)
    stats = asked.node.stats
    assert (stats.requests, stats.data_requests, stats.info_requests) == (4, 2, 1)

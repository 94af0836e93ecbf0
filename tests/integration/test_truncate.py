"""Truncation: the records of a set or a namespace are gone, those that are younger are not; XDR filters."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    Client,
    EnterpriseOnly,
    InvalidArgument,
    InvalidNamespace,
    InvalidType,
    Key,
    ServerError,
    errors,
    exp,
)
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until, within


def test_the_records_of_a_set_are_gone(client: Any, set_name: str, key: Key) -> None:
    mine = Key("test", f"{set_name}-t", key.user_key)
    client.put(key, {"a": 1})
    client.put(mine, {"a": 1})
    assert client.truncate("test", f"{set_name}-t") is None
    wait_until(lambda: not client.exists(mine))  # the other nodes have to hear of it
    assert client.exists(key)
    client.delete(key)


def test_what_was_written_just_before_is_gone(client: Any, set_name: str, key: Key) -> None:
    """Servers keep what was written in the millisecond in which they are told."""
    mine = Key("test", f"{set_name}-j", key.user_key)
    for number in range(20):
        client.put(mine, {"a": number})
        client.truncate("test", f"{set_name}-j")
        wait_until(lambda: not client.exists(mine))


def test_only_records_written_before_a_time_are_gone(client: Any, set_name: str, key: Key) -> None:
    mine = Key("test", f"{set_name}-b", key.user_key)
    client.put(mine, {"a": 1})
    hours = timezone(timedelta(hours=-7))  # whichever zone it is told in
    client.truncate("test", f"{set_name}-b", before=datetime.now(hours) - timedelta(hours=1))
    assert client.exists(mine)
    before = datetime.now(timezone.utc)
    client.put(mine, {"a": 2})
    client.truncate("test", f"{set_name}-b", before=before)
    assert client.get(mine)["a"] == 2
    with pytest.raises(ServerError, match="would truncate in the future"):
        client.truncate("test", f"{set_name}-b", before=datetime.now(timezone.utc) + timedelta(days=1))
    assert client.exists(mine)
    client.delete(mine)


@pytest.mark.parametrize(
    ("arguments", "before", "kind", "words"),
    [
        (("test", "s"), datetime(2026, 1, 1), InvalidArgument, "before must have a time zone"),
        (("test", "s"), 5, InvalidType, "before must be a datetime"),
        (
            ("test", "s"),
            datetime(2010, 1, 1, tzinfo=timezone.utc),
            InvalidArgument,
            "later than the start of 2010",
        ),
        (("test", ""), None, InvalidArgument, "the set is empty"),
        (("test", "a;b"), None, InvalidArgument, "can't carry"),
        ((5,), None, InvalidType, "the namespace must be a str"),
        (("nope",), None, InvalidNamespace, "the cluster has no namespace 'nope'"),
    ],
)
def test_what_can_not_be_truncated_is_refused(
    client: Any, arguments: tuple[Any, ...], before: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        client.truncate(*arguments, before=before)


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_namespace_is_truncated_and_the_policy_has_the_deadline() -> None:
    with EmbeddedCluster(namespaces=["test", "bar"]) as cluster, Client(cluster.hosts) as mine:
        for namespace in ("test", "bar"):
            mine.put((namespace, None, 1), {"a": 1})
            mine.put((namespace, "s", 1), {"a": 1})
        mine.truncate("bar")
        assert not mine.exists(("bar", None, 1))
        assert not mine.exists(("bar", "s", 1))
        assert mine.exists(("test", None, 1))
        cluster.nodes[0].freeze()
        policy = AdminPolicy(timeout=100)
        for call in (
            lambda: mine.truncate("test", policy=policy),
            lambda: mine.set_xdr_filter("dc", "test", None, policy=policy),
        ):
            with within(100), pytest.raises(errors.TimeoutError) as caught:
                call()
            assert caught.value.in_doubt


def test_a_community_server_has_no_xdr_filter(client: Any) -> None:
    for expression in (exp.int_bin("a") > 1, (exp.int_bin("a") > 1).to_bytes(), None):
        with pytest.raises(EnterpriseOnly):
            client.set_xdr_filter("dc", "test", expression)
    for arguments, words in (
        (("", "test", None), "the data center is empty"),
        (("dc", "nope", None), "no namespace"),
        (("dc", "test", 5), "expression"),
        (("dc", "test", exp.int_bin("a")), "filter"),
    ):
        with pytest.raises((InvalidArgument, InvalidType, InvalidNamespace), match=words):
            client.set_xdr_filter(*arguments)

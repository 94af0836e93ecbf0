"""What each write makes of a record's time to live, as the docs have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pyspike import AsyncClient, Client, Expiration, Key, WritePolicy
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, NamespaceConfig

pytestmark = pytest.mark.both_kinds

DEFAULT, GIVEN = 7000, 1000
WRITES: dict[str, Callable[..., object]] = {
    "put": lambda client, key, **ttl: client.put(key, {"b": 1}, **ttl),
    "add": lambda client, key, **ttl: client.add(key, {"a": 1}, **ttl),
    "append": lambda client, key, **ttl: client.append(key, {"s": "x"}, **ttl),
    "prepend": lambda client, key, **ttl: client.prepend(key, {"s": "x"}, **ttl),
    "touch": lambda client, key, **ttl: client.touch(key, **ttl),
    "operate": lambda client, key, **ttl: client.operate(key, [op.add("a", 1), op.get("a")], **ttl),
    "operate touch": lambda client, key, **ttl: client.operate(key, [op.touch()], **ttl),
}
READS: dict[str, Callable[[Client, Key], object]] = {
    "get": lambda client, key: client.get(key),
    "exists": lambda client, key: client.exists(key),
    "operate": lambda client, key: client.operate(key, [op.get("a")]),
}


@pytest.fixture
def one() -> Iterator[EmbeddedCluster]:
    namespaces = {"test": NamespaceConfig(), "brief": NamespaceConfig(default_ttl=DEFAULT)}
    with EmbeddedCluster(namespaces=namespaces) as cluster:
        yield cluster


def of_about(seconds: int | None, ttl: int | None) -> bool:
    return ttl is None if seconds is None else ttl is not None and seconds - 60 <= ttl <= seconds


@pytest.mark.parametrize("write", WRITES)
def test_a_plain_write_resets_the_time_to_live_to_the_namespaces_default(
    one: EmbeddedCluster, write: str
) -> None:
    with Client(one.hosts) as client:
        for namespace, default in (("test", None), ("brief", DEFAULT)):
            key = Key(namespace, "s", write)
            client.put(key, {"a": 1, "s": "x"}, ttl=GIVEN)
            assert of_about(GIVEN, client.get(key).ttl)
            WRITES[write](client, key)
            assert of_about(default, client.get(key).ttl)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("ttl", "becomes"),
    [
        (Expiration.NAMESPACE_DEFAULT, None),
        (Expiration.NEVER, None),
        (Expiration.DONT_UPDATE, GIVEN),
        (300, 300),
    ],
)
def test_what_each_expiration_does(
    client: Client, key: Key, write: str, ttl: Expiration | int, becomes: int | None
) -> None:
    for said in ({"ttl": ttl}, {"policy": WritePolicy(expiration=ttl)}):
        client.put(key, {"a": 1, "s": "x"}, ttl=GIVEN)
        WRITES[write](client, key, **said)
        assert of_about(becomes, client.get(key).ttl)


def test_dont_update_gives_a_new_record_the_default(one: EmbeddedCluster) -> None:
    with Client(one.hosts) as client:
        for namespace, default in (("test", None), ("brief", DEFAULT)):
            client.put(Key(namespace, "s", "new"), {"a": 1}, ttl=Expiration.DONT_UPDATE)
            assert of_about(default, client.get(Key(namespace, "s", "new")).ttl)


@pytest.mark.parametrize("read", READS)
def test_a_read_leaves_the_time_to_live(client: Client, key: Key, read: str) -> None:
    client.put(key, {"a": 1}, ttl=GIVEN)
    READS[read](client, key)
    assert of_about(GIVEN, client.get(key).ttl)


@pytest.mark.parametrize(
    ("documented", "words"),
    [
        (Expiration, ["NAMESPACE_DEFAULT", "DONT_UPDATE", "NEVER", "default-ttl", "`put` or `touch`"]),
        (Client, ["resets that to the namespace's"]),
        (Client.put, ["the namespace's default", "Expiration.DONT_UPDATE"]),
        (Client.touch, ["the namespace's default"]),
        (Client.add, ["The time to live is set as by `put`"]),
        (Client.operate, ["sets the time to live as `put` does"]),
        (WritePolicy, ["Every write sets it", "Expiration.DONT_UPDATE"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.one_kind("makes no client")
def test_the_docs_say_so(documented: object, words: list[str]) -> None:
    text = " ".join((documented.__doc__ or "").split())
    assert [each for each in words if each not in text] == []
    assert AsyncClient.put.__doc__ == Client.put.__doc__

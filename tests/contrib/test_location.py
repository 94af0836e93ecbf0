"""Where an integration's records are, and the client that all who name the same cluster share."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
from datetime import timedelta
from typing import Any

import pytest

from pyspike import (
    Client,
    Expiration,
    InvalidArgument,
    InvalidNamespace,
    InvalidType,
    Key,
    RecordNotFound,
    errors,
)
from pyspike.contrib.cached_values import CachedValues
from pyspike.contrib.lifetime import lifetime
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Call, Steps, run, run_async
from pyspike.server import EmbeddedCluster, NamespaceConfig

HOST = "aerospike://127.0.0.1:1"  # where nothing is asked


def test_a_url_tells_cluster_namespace_and_set() -> None:
    for url, arguments in (
        (f"{HOST}/test?set=seen", {}),
        (f"{HOST}/test?timeout=5000&set=seen", {}),
        (f"{HOST}/test", {"set_name": "seen"}),
        (HOST, {"namespace": "test", "set_name": "seen"}),
        (f"{HOST}/test?set=seen", {"namespace": "test", "set_name": "seen"}),
    ):
        place = Location.of(url, default_set="cache", **arguments)
        assert (place.namespace, place.set_name) == ("test", "seen")
        assert "set=" not in place.url
        assert place.key("a") == Key("test", "seen", "a")
        assert place.of_set("other").key("a") == Key("test", "other", "a")
        assert pickle.loads(pickle.dumps(place)) == place
    assert Location.of(f"{HOST}/test", default_set="cache").set_name == "cache"
    assert Location.of(f"{HOST}/test?set=a%2Fb", default_set="cache").set_name == "a/b"


def test_a_location_shows_no_password() -> None:
    assert "s3cret" not in repr(Location.of("aerospike://ann:s3cret@127.0.0.1:1/test", default_set="cache"))


@pytest.mark.parametrize(
    ("url", "arguments", "error", "words"),
    [
        (HOST, {}, InvalidArgument, "names no namespace"),
        (f"{HOST}/test", {"namespace": "bar"}, InvalidArgument, "two different namespaces"),
        (f"{HOST}/test?set=a", {"set_name": "b"}, InvalidArgument, "two different sets"),
        (f"{HOST}/test?set={'s' * 64}", {}, InvalidArgument, "set"),
        (f"{HOST}/test?sett=a", {}, InvalidArgument, "sett"),
        ("redis://127.0.0.1/test", {}, InvalidArgument, "aerospike://"),
        (None, {}, InvalidType, "str"),
    ],
)
def test_what_tells_no_location_is_refused(
    url: Any, arguments: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Location.of(url, default_set="cache", **arguments)


def test_all_who_name_a_cluster_share_a_client(hosts: str) -> None:
    url = f"aerospike://{hosts}/test"
    one, other = (Location.of(url, default_set=each) for each in ("one", "other"))
    assert one.client() is other.client()

    async def for_tasks() -> bool:
        return await one.async_client() is await other.async_client()

    assert asyncio.run(for_tasks())
    with pytest.raises(InvalidNamespace):
        Location.of(f"aerospike://{hosts}/nowhere", default_set="one").client()


def test_a_client_that_somebody_closed_is_made_anew() -> None:
    with EmbeddedCluster(nodes=1) as cluster:
        place = Location.of(f"aerospike://{cluster.hosts}/test", default_set="seen")

        async def ask() -> bool:
            return await (await place.async_client()).exists(place.key("a"))

        first = place.client()
        assert asyncio.run(ask()) is False
        first.close()
        assert place.client() is not first
        assert asyncio.run(ask()) is False
        place.client().close()


def test_a_namespace_that_allows_no_lifetime_is_told() -> None:
    with EmbeddedCluster(nodes=1, namespaces={"test": NamespaceConfig(nsup_period=0)}) as cluster:
        place = Location.of(f"aerospike://{cluster.hosts}/test", default_set="seen")
        values = CachedValues(place)
        run(place.client(), values.set("for ever", 1, None))
        with pytest.raises(errors.ServerError, match=r"nsup-period|allow-ttl-without-nsup"):
            run(place.client(), values.set("for a while", 1, 60))
        assert run(place.client(), values.get("for ever")) == 1
        place.client().close()


def _put(place: Location, name: str) -> None:
    place.client().put(place.key(name), {"there": 1})


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_process_has_a_client_of_its_own(hosts: str, client: Client, set_name: str, method: str) -> None:
    place = Location.of(f"aerospike://{hosts}/test", default_set=set_name)
    _put(place, "here")
    process = multiprocessing.get_context(method).Process(target=_put, args=(place, method))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert client.get(place.key(method)).bins == {"there": 1}


def test_a_lifetime_is_in_whole_seconds_and_never_too_short() -> None:
    given = [1, 0.2, 1.0, 1.001, timedelta(milliseconds=1500), 10 * 365 * 86_400]
    assert [lifetime(each) for each in given] == [1, 1, 1, 2, 2, 315_360_000]
    assert lifetime(None) == lifetime(1e12) == Expiration.NEVER


def _take(key: Key) -> Steps[Any]:
    """Read a record and delete it."""
    try:
        record = yield Call("get", key)
    except RecordNotFound:
        return None
    yield Call("delete", key)
    return record["n"]


@pytest.mark.one_kind("asks both kinds the same")
def test_steps_are_the_same_for_threads_and_tasks(hosts: str, set_name: str) -> None:
    place = Location.of(f"aerospike://{hosts}/test", default_set=set_name)
    client, key = place.client(), place.key("steps")

    async def take() -> Any:
        return await run_async(await place.async_client(), _take(key))

    for read in (lambda: run(client, _take(key)), lambda: asyncio.run(take())):
        client.put(key, {"n": 7})
        assert [read(), read()] == [7, None]

"""The cache of Django, by what its own tests do not ask; those are run by `judges.py`."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from pyspike import Client, InvalidArgument, InvalidType, Key, errors

pytest.importorskip("django")

from django.core.cache.backends.base import CacheKeyWarning
from django.core.exceptions import ImproperlyConfigured

from pyspike.contrib.django import AerospikeCache

pytestmark = pytest.mark.one_kind("asks the methods for threads and for tasks itself")
_numbers = itertools.count()


class JSONSerializer:
    """Makes JSON of values."""

    def dumps(self, value: object) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


@pytest.fixture
def place(hosts: str, set_name: str) -> str:
    """A set of its own for each test."""
    return f"aerospike://{hosts}/test?set={set_name}-dj{next(_numbers)}"


def cache(place: str, **params: Any) -> AerospikeCache:
    return AerospikeCache(place, params)


def ttl(client: Client, made: AerospikeCache, key: str) -> int | None:
    return client.get(Key(made.place.namespace, made.place.set_name, made.make_key(key))).ttl


def test_tasks_have_methods_of_their_own(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = cache(place)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread works for a task")

    async def scenario() -> None:
        await made.aset("first", 1)  # connects
        for name in (
            "add",
            "get",
            "set",
            "touch",
            "delete",
            "has_key",
            "incr",
            "get_many",
            "set_many",
            "clear",
        ):
            monkeypatch.setattr(made, name, refuse)
        assert await made.aget("first") == 1
        assert await made.aadd("first", 2) is False
        assert await made.aadd("second", {"a": [1]}) is True
        assert await made.aget_many(["first", "second", "third"]) == {"first": 1, "second": {"a": [1]}}
        assert await made.aincr("first", 4) == 5
        assert await made.adecr("first") == 4
        with pytest.raises(ValueError, match="not found"):
            await made.aincr("third")
        assert await made.atouch("first", 60) is True
        assert await made.atouch("third") is False
        assert await made.aset_many({"a": 1, "b": "two"}) == []
        assert await made.ahas_key("b") is True
        await made.adelete_many(["a", "b"])
        assert await made.ahas_key("b") is False
        assert await made.aget_or_set("c", lambda: "made") == "made"
        assert await made.aincr_version("c") == 2
        assert await made.aget("c", version=2) == "made"
        assert await made.adelete("second") is True
        await made.aclear()
        assert await made.aget("first") is None

    asyncio.run(scenario())


def test_many_tasks_of_several_loops_share_a_cache(place: str) -> None:
    made = cache(place)
    made.set("n", 0)

    async def count() -> None:
        await asyncio.gather(*(made.aincr("n") for _ in range(50)))

    threads = [threading.Thread(target=asyncio.run, args=(count(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.get("n") == 150


def test_timeouts_are_whole_seconds_and_counting_keeps_them(place: str, client: Client) -> None:
    made = cache(place, TIMEOUT=300)
    for key, timeout, least, most in (
        ("a", 0.2, 1, 1),
        ("b", 99.5, 98, 100),
        ("c", timedelta(minutes=1), 58, 60),
    ):
        made.set(key, 1, timeout)
        assert least <= (ttl(client, made, key) or 0) <= most
    made.set("d", 1)
    assert 290 <= (ttl(client, made, "d") or 0) <= 300
    made.set("e", 1, None)
    assert ttl(client, made, "e") is None
    made.set("f", 1, 50)
    made.incr("f")
    assert 40 <= (ttl(client, made, "f") or 0) <= 50
    made.touch("f", None)
    assert ttl(client, made, "f") is None
    made.set("f", 2, -1)
    assert made.has_key("f") is False
    assert made.set_many({"a": 1, "g": 1}, 0) == []
    assert made.get_many(["a", "g"]) == {}


def test_numbers_count_within_64_bits(place: str) -> None:
    made = cache(place)
    made.set("most", 2**63 - 2)
    assert made.incr("most") == 2**63 - 1
    for call in (lambda: made.incr("most"), lambda: made.incr("most", 2**62)):
        with pytest.raises(OverflowError, match="64 bits"):
            call()
    assert made.get("most") == 2**63 - 1
    made.set("least", -(2**63))
    with pytest.raises(OverflowError):
        made.decr("least")
    for value in (2**63, True, 1.5, "1", None):
        made.set("other", value)
        with pytest.raises(TypeError, match="no integer of 64 bits"):
            made.incr("other")
        assert made.get("other") == value
        assert type(made.get("other")) is type(value)


@pytest.mark.parametrize("delta", [1.5, 1.0, "1", None, True])
def test_what_is_counted_by_is_an_int(place: str, delta: Any) -> None:
    made = cache(place)
    made.set("n", 1)
    for method in (made.incr, made.decr):
        if method == made.incr or isinstance(delta, float):  # Django's own `decr` negates the rest
            with pytest.raises(InvalidType, match="the delta of a count is an int"):
                method("n", delta)
    with pytest.raises(OverflowError, match="the delta of a count has 64 bits at most"):
        made.incr("n", 2**64)
    assert made.get("n") == 1


def test_a_timeout_that_is_none_is_told(place: str) -> None:
    made = cache(place)
    for timeout, error, said in (("10", InvalidType, "'10'"), (float("nan"), InvalidArgument, "nan")):
        for call in (
            lambda timeout: made.set("t", 1, timeout),
            lambda timeout: made.add("t", 1, timeout),
            lambda timeout: made.set_many({"t": 1}, timeout),
            lambda timeout: made.touch("t", timeout),
        ):
            with pytest.raises(error, match=f"a timeout is a number of seconds.*, not {said}"):
                call(timeout)
    assert made.has_key("t") is False
    made.set("t", 1, float("inf"))
    assert made.get("t") == 1


@pytest.mark.parametrize(
    "key", ["x" * 100_000, "with spaces", "ünï\0cödé"], ids=["long", "spaces", "unicode"]
)
def test_keys_may_be_long_and_of_any_characters(place: str, key: str) -> None:
    made = cache(place)
    with pytest.warns(CacheKeyWarning):  # that memcached would refuse it
        made.set(key, 1)
    with pytest.warns(CacheKeyWarning):
        assert made.get(key) == 1


def test_what_is_too_large_is_an_error_or_fits_compressed(place: str, client: Client) -> None:
    made = cache(place)
    with pytest.raises(errors.RecordTooBig):
        made.set("large", "x" * 9_000_000)
    assert made.set_many({"large": "x" * 9_000_000, "small": 1}) == ["large"]
    assert made.get_many(["large", "small"]) == {"small": 1}
    small = cache(place, OPTIONS={"compress_from": 1000})
    small.set("large", "x" * 9_000_000)
    assert small.get("large") == made.get("large") == "x" * 9_000_000
    with pytest.raises(TypeError, match="no integer"):
        small.incr("large")
    for value in ("x" * 1000, 5, "y" * 1000, "z"):
        small.set("other", value)
        assert small.get("other") == value
        assert small.get_many(["other"]) == {"other": value}
        assert len(client.get(Key("test", small.place.set_name, small.make_key("other"))).bins) == 1


@pytest.mark.parametrize(
    "serializer",
    [JSONSerializer, JSONSerializer(), f"{__name__}.JSONSerializer"],
    ids=["class", "object", "name"],
)
def test_another_serializer_makes_the_bytes(place: str, client: Client, serializer: Any) -> None:
    made = cache(place, OPTIONS={"serializer": serializer})
    made.set("a", {"b": [1, None]})
    assert made.get("a") == {"b": [1, None]}
    record = client.get(Key("test", made.place.set_name, made.make_key("a")))
    assert record.bins == {"value": b'{"b": [1, null]}'}


def test_what_is_wrong_in_the_settings_is_told(place: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no option MAX_ENTRIES, but compress_from and serializer"):
        cache(place, OPTIONS={"MAX_ENTRIES": 5})
    with pytest.raises(InvalidArgument, match="compress_from"):
        cache(place, OPTIONS={"compress_from": 0})
    with pytest.raises(InvalidArgument, match="aerospike://"):
        cache("127.0.0.1:3000")
    with pytest.raises(ImproperlyConfigured, match="needs a LOCATION: aerospike://"):
        cache("")

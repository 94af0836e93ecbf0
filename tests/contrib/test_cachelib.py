"""The cache for cachelib, by what cachelib's own tests do not ask, and in Flask-Caching and Flask-Session.

cachelib's own tests are run by `judges.py`.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from pyspike import BatchRecord, Client, InvalidArgument, InvalidType, Key, errors

pytest.importorskip("cachelib")

from cachelib.serializers import BaseSerializer

from pyspike.contrib.cachelib import AerospikeCache

pytestmark = pytest.mark.one_kind("cachelib has threads only")
_numbers = itertools.count()


@pytest.fixture
def url(hosts: str, set_name: str) -> str:
    """A set of its own for each test."""
    return f"aerospike://{hosts}/test?set={set_name}-cl{next(_numbers)}"


class TextSerializer(BaseSerializer):  # type: ignore[misc]
    """Keeps texts only, and as cachelib's own says None of what it can't keep."""

    def dumps(self, value: object) -> bytes | None:
        return value.encode() if isinstance(value, str) else None

    def loads(self, data: bytes) -> str:
        return data.decode()


def ttl(client: Client, cache: AerospikeCache, key: str) -> int | None:
    return client.get(Key(cache.place.namespace, cache.place.set_name, key)).ttl


def test_timeouts_are_whole_seconds_and_0_is_for_ever(url: str, client: Client) -> None:
    cache = AerospikeCache(url, default_timeout=100)
    for key, timeout, most in (("a", None, 100), ("b", 50, 50), ("c", timedelta(seconds=1.2), 2)):
        assert cache.set(key, 1, timeout)
        assert most - 2 <= (ttl(client, cache, key) or 0) <= most
    cache.set("d", 1, 0)
    assert ttl(client, cache, "d") is None
    assert cache.inc("d", 2) == 3
    assert ttl(client, cache, "d") is None
    assert cache.dec("e", 2) == -2
    assert 90 <= (ttl(client, cache, "e") or 0) <= 100
    cache.set("f", "text")
    with pytest.raises(TypeError, match="no integer"):
        cache.inc("f")
    for call in (cache.inc, cache.dec):
        with pytest.raises(InvalidType, match="the delta of a count is an int"):
            call("e", 1.5)


def test_a_prefix_stands_before_each_key(url: str, client: Client) -> None:
    prefixes: list[Any] = ["site:", lambda: "site:"]
    for prefix in prefixes:
        cache = AerospikeCache(url, key_prefix=prefix)
        cache.set_many({"a": 1, "b": 2})
        assert cache.get_dict("a", "b", "c") == {"a": 1, "b": 2, "c": None}
        assert client.exists(Key("test", cache.place.set_name, "site:a"))
        assert AerospikeCache(url).has("a") is False
        assert cache.delete_many("a", "b", "c") == ["a", "b", "c"]


def test_what_no_serializer_can_make_bytes_of_is_told(url: str) -> None:
    cache = AerospikeCache(url)
    with pytest.raises(Exception, match="pickle"):
        cache.set("a", lambda: None)
    cache.serializer = TextSerializer()
    assert cache.set("a", object()) is False
    assert cache.add("a", object()) is False
    assert cache.set_many({"a": object(), "b": "b", "c": 5}) == ["b", "c"]
    assert cache.get_many("a", "b", "c") == [None, "b", 5]


def test_what_is_too_large_is_an_error_or_fits_compressed(url: str) -> None:
    cache = AerospikeCache(url)
    with pytest.raises(errors.RecordTooBig):
        cache.set("a", "x" * 9_000_000)
    assert cache.set_many({"a": "x" * 9_000_000, "b": 1}) == ["b"]
    cache = AerospikeCache(url, compress_from=1000)
    assert cache.set("a", "x" * 9_000_000)
    assert AerospikeCache(url).get("a") == "x" * 9_000_000
    with pytest.raises(InvalidArgument):
        AerospikeCache(url, compress_from=-1)


@pytest.mark.parametrize("ignore", [True, False])
def test_keys_that_can_not_be_deleted_are_left_out_or_an_error(
    url: str, monkeypatch: pytest.MonkeyPatch, ignore: bool
) -> None:
    cache = AerospikeCache(url, ignore_delete_many_errors=ignore)
    late = errors.TimeoutError("late")

    def fail(self: Any, keys: Any, **_: Any) -> None:
        first, *others = keys
        rows = [BatchRecord(first, error=late), *map(BatchRecord, others)]
        raise errors.BatchError("1 of 2 rows failed", results=rows)

    monkeypatch.setattr(Client, "batch_delete", fail)
    if ignore:
        assert cache.delete_many("a", "b") == ["b"]
    else:
        with pytest.raises(RuntimeError, match="1 of 2 keys"):
            cache.delete_many("a", "b")


def app_of(**config: Any) -> Any:
    made = pytest.importorskip("flask").Flask("tests")
    made.config.update(config, SECRET_KEY="k")
    return made


def test_flask_caching_has_views_functions_and_values_in_it(url: str) -> None:
    caching = pytest.importorskip("flask_caching")
    kind = "pyspike.contrib.cachelib.AerospikeCache"
    app = app_of(CACHE_TYPE=kind, CACHE_OPTIONS={"url": url}, CACHE_DEFAULT_TIMEOUT=60)
    cache = caching.Cache(app)
    calls: list[str] = []

    @app.route("/")
    @cache.cached()
    def view() -> str:
        calls.append("view")
        return f"seen {len(calls)}"

    @cache.memoize()
    def square(number: int) -> int:
        calls.append("square")
        return number * number

    with app.test_client() as browser:
        assert [browser.get("/").text for _ in range(3)] == ["seen 1"] * 3
    with app.app_context():
        assert [square(3), square(3), square(4), square(4)] == [9, 9, 16, 16]
        assert calls == ["view", "square", "square"]
        cache.delete_memoized(square, 3)
        assert [square(3), square(4)] == [9, 16]
        assert calls.count("square") == 3
        cache.set("one", {"a": 1})
        assert cache.get("one") == {"a": 1}
        cache.clear()
        assert cache.get("one") is None


def test_flask_caching_gives_a_prefix_by_its_options_only(url: str, client: Client) -> None:
    caching = pytest.importorskip("flask_caching")
    kind = "pyspike.contrib.cachelib.AerospikeCache"
    options = {"url": url, "key_prefix": "shop:"}
    app = app_of(CACHE_TYPE=kind, CACHE_OPTIONS=options, CACHE_KEY_PREFIX="not this one:")
    cache = caching.Cache(app)
    with app.app_context():
        cache.set("a", 1)
    place = AerospikeCache(url).place
    assert client.exists(place.key("shop:a"))
    assert not client.exists(place.key("not this one:a"))


def test_flask_session_has_sessions_in_it(url: str, client: Client) -> None:
    session = pytest.importorskip("flask_session")
    flask = pytest.importorskip("flask")
    cache = AerospikeCache(url)
    app = app_of(
        SESSION_TYPE="cachelib", SESSION_CACHELIB=cache, PERMANENT_SESSION_LIFETIME=timedelta(minutes=5)
    )
    session.Session(app)

    @app.route("/")
    def visits() -> str:
        flask.session["visits"] = flask.session.get("visits", 0) + 1
        return str(flask.session["visits"])

    @app.route("/end")
    def end() -> str:
        flask.session.clear()
        return ""

    def ask(browser: Any, path: str = "/") -> str:
        text: str = browser.get(path).text
        return text

    ann, ben = app.test_client(), app.test_client()
    assert [ask(ann), ask(ann), ask(ben), ask(ann)] == ["1", "2", "1", "3"]
    session_id = ann.get_cookie("session").value
    assert cache.get(f"session:{session_id}")["visits"] == 3
    assert 290 <= (ttl(client, cache, f"session:{session_id}") or 0) <= 300
    ask(ann, "/end")
    assert [ask(ann), ask(ben)] == ["1", "2"]

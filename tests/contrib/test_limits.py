"""Storages of limits, by what its own tests do not ask, and in Flask-Limiter and slowapi.

The tests that limits has for storages are run by `judges.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import Any

import pytest

from pyspike import Client, InvalidArgument, Key
from pyspike.contrib import rate_windows

pytest.importorskip("limits")

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio import strategies as aio
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)

from pyspike.contrib.limits import AerospikeStorage, AsyncAerospikeStorage

pytestmark = pytest.mark.one_kind("asks the storages for threads and for tasks itself")
STRATEGIES = [FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter]
NAMES = [each.__name__ for each in STRATEGIES]
SECOND = 1_000_000
_numbers = itertools.count()


class Clock:
    """The time that windows see, in microseconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rate_windows.time, "time_ns", lambda: made.now * 1000)
    return made


@pytest.fixture
def url(hosts: str, set_name: str) -> str:
    """A set of its own for each test."""
    return f"aerospike://{hosts}/test?set={set_name}-li{next(_numbers)}"


def key_of(storage: Any, item: RateLimitItem, *names: str) -> Key:
    return Key(storage.place.namespace, storage.place.set_name, item.key_for(*names))


def test_a_fixed_window_begins_with_its_first_hit_and_ends_on_time(url: str, clock: Clock) -> None:
    storage = AerospikeStorage(url)
    assert [storage.incr("a", 2, amount) for amount in (1, 1, 5)] == [1, 2, 7]
    began = clock.now
    clock.advance(1.9999)
    assert storage.incr("a", 2) == 8
    assert storage.get_expiry("a") == began / SECOND + 2
    clock.advance(0.0001)
    assert storage.get("a") == 0
    assert storage.get_expiry("a") == clock.now / SECOND
    assert storage.incr("a", 2) == 1


def test_a_moving_window_is_never_over_its_limit(url: str, client: Client, clock: Clock) -> None:
    """Against a list of all hits, on a clock that is moved."""
    storage, hits = AerospikeStorage(url), []  # type: ignore[var-annotated]
    for number in range(200):
        clock.advance((number * 7919 % 13) / 10)
        amount = 1 + number % 3
        inside = [hit for hit in hits if hit >= clock.now - 5 * SECOND]
        assert storage.get_moving_window("a", 7, 5) == (
            min(inside, default=clock.now) / SECOND, len(inside)
        )  # fmt: skip
        assert storage.acquire_entry("a", 7, 5, amount) is (len(inside) + amount <= 7)
        if len(inside) + amount <= 7:
            hits += [clock.now] * amount
    assert len(hits) > 100
    record = client.get(Key(storage.place.namespace, storage.place.set_name, "a"))
    assert len(record["hits"]) <= 7


def test_a_sliding_window_weighs_the_last_one(url: str, clock: Clock) -> None:
    """Against the formula, on a clock that is moved."""
    storage = AerospikeStorage(url)
    counts: dict[int, int] = {}
    done = 0
    for number in range(200):
        clock.advance((number * 7919 % 13) / 10)
        window, gone = divmod(clock.now, 5 * SECOND)
        left = 1 - gone / (5 * SECOND)
        used = int(counts.get(window - 1, 0) * left + counts.get(window, 0))
        amount = 1 + number % 3
        assert storage.acquire_sliding_window_entry("a", 7, 5, amount) is (used + amount <= 7)
        if used + amount <= 7:
            counts[window] = counts.get(window, 0) + amount
            done += amount
        previous, previous_left, current, current_left = storage.get_sliding_window("a", 5)
        assert (previous, current) == (counts.get(window - 1, 0), counts.get(window, 0))
        assert previous_left == pytest.approx(left * 5 if previous else 0)
        assert current_left == pytest.approx(left * 5 + 5)
    assert done > 100


def test_clocks_that_differ_let_nobody_over_the_limit(url: str, clock: Clock) -> None:
    storage = AerospikeStorage(url)
    for late in (0.0, -0.3, 0.2, -0.1, 0.3, -0.4):
        clock.advance(late)
        assert storage.acquire_entry("moving", 6, 60)
        assert storage.acquire_sliding_window_entry("sliding", 6, 60)
        assert storage.incr("fixed", 60) <= 6
    assert not storage.acquire_entry("moving", 6, 60)
    assert not storage.acquire_sliding_window_entry("sliding", 6, 60)
    clock.advance(-60 - clock.now / SECOND % 60)  # another program's clock is a window behind
    assert storage.incr("fixed", 60) == 7
    assert not storage.acquire_sliding_window_entry("sliding", 6, 60)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_threads_and_tasks_count_the_same_hits(url: str, strategy: Any) -> None:
    item, taken = RateLimitItemPerHour(25), []  # type: ignore[var-annotated]
    blocking = strategy(storage_from_string(url))
    tasks = getattr(aio, strategy.__name__)(storage_from_string(f"async+{url}"))

    def in_thread() -> None:
        taken.extend(blocking.hit(item, "a") for _ in range(20))

    async def in_tasks() -> None:
        taken.extend(await asyncio.gather(*(tasks.hit(item, "a") for _ in range(20))))

    threads = [threading.Thread(target=in_thread) for _ in range(2)]
    threads.append(threading.Thread(target=lambda: asyncio.run(in_tasks())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (taken.count(True), taken.count(False)) == (25, 35)
    assert blocking.get_window_stats(item, "a").remaining == 0
    assert asyncio.run(tasks.get_window_stats(item, "a")).remaining == 0


@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_records_go_when_nobody_needs_them(url: str, client: Client, strategy: Any) -> None:
    storage = AerospikeStorage(url)
    item = RateLimitItemPerMinute(5)
    assert strategy(storage).hit(item, "a")
    assert 60 <= (client.get(key_of(storage, item, "a")).ttl or 0) <= 122
    strategy(storage).clear(item, "a")
    assert not client.exists(key_of(storage, item, "a"))


def test_a_moving_window_of_a_high_limit_stays_small(url: str, client: Client, clock: Clock) -> None:
    storage, item = AerospikeStorage(url), RateLimitItemPerSecond(1_000_000, 10)
    limiter = MovingWindowRateLimiter(storage)
    for _ in range(100):
        clock.advance(0.0005)
        assert limiter.hit(item, "a", cost=100)
    record = client.get(key_of(storage, item, "a"))
    assert len(record["hits"]) <= 100 * 0.0005 / (10 / 4096) + 1
    assert limiter.get_window_stats(item, "a").remaining == 990_000
    clock.advance(9.99999)
    assert not limiter.test(item, "a", cost=999_901), "the last hits are forgotten early"
    clock.advance(0.00001 + 10 / 4096)
    assert limiter.hit(item, "a", cost=1_000_000)


def test_reset_tells_how_many_records_there_were(url: str) -> None:
    async def ask() -> None:
        storage = AsyncAerospikeStorage(f"async+{url}")
        assert await storage.check()
        for number in range(3):
            await storage.incr(str(number), 60)
        assert await storage.reset() == 3
        assert await storage.get("1") == 0

    asyncio.run(ask())


def test_what_is_wrong_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgument, match="unknown options: database"):
        storage_from_string(url, database="a")
    with pytest.raises(InvalidArgument, match="namespace"):
        storage_from_string("aerospike://127.0.0.1:1")
    nowhere = "aerospike://127.0.0.1:1/test?timeout=1000"
    storage = storage_from_string(nowhere, wrap_exceptions=True)
    assert storage.check() is False
    with pytest.raises(StorageError):
        storage.get("a")


def test_flask_limiter_refuses_by_it(url: str) -> None:
    flask = pytest.importorskip("flask")
    limiter = pytest.importorskip("flask_limiter")
    app = flask.Flask("tests")
    limits = limiter.Limiter(
        lambda: flask.request.headers["user"], app=app, storage_uri=url, strategy="moving-window"
    )

    @app.route("/")
    @limits.limit("2/hour")
    def view() -> str:
        return "seen"

    with app.test_client() as browser:
        asked = ["ann", "ann", "ben", "ann", "ben", "ben"]
        codes = [browser.get("/", headers={"user": user}).status_code for user in asked]
    assert codes == [200, 200, 200, 429, 200, 429]


def test_slowapi_refuses_by_it(url: str) -> None:
    slowapi = pytest.importorskip("slowapi")
    starlette = pytest.importorskip("starlette.applications")
    responses = pytest.importorskip("starlette.responses")
    limiter = slowapi.Limiter(key_func=lambda: "all", storage_uri=url)

    @limiter.limit("2/hour")
    async def view(request: Any) -> Any:
        return responses.PlainTextResponse("seen")

    app = starlette.Starlette()
    app.state.limiter = limiter
    refused = responses.PlainTextResponse("enough", status_code=429)
    app.add_exception_handler(slowapi.errors.RateLimitExceeded, lambda request, error: refused)
    app.add_route("/", view)

    async def ask() -> int:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "app": app,
            "http_version": "1.1", "scheme": "http", "server": ("a", 80), "client": ("a", 1), "root_path": "",
        }  # fmt: skip
        await app(scope, receive, send)
        status: int = sent[0]["status"]
        return status

    async def all_of_them() -> list[int]:
        return [await ask() for _ in range(3)]

    assert asyncio.run(all_of_them()) == [200, 200, 429]

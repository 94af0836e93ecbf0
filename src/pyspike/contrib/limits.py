"""Storages of limits, and so of Flask-Limiter and slowapi, which find them once this module is imported.

import pyspike.contrib.limits

storage = limits.storage.storage_from_string("aerospike://127.0.0.1:3000/test?set=hits")  # or async+aerospike://
limiter = Limiter(get_remote_address, app=app, storage_uri="aerospike://127.0.0.1:3000/test?set=hits")
"""

from __future__ import annotations

from typing import Any, TypeVar

from limits.aio.storage import base as aio
from limits.storage import base

from pyspike._wire import Statement
from pyspike.contrib.location import Location
from pyspike.contrib.rate_windows import RateWindows
from pyspike.contrib.steps import Call, Steps, run, run_async
from pyspike.errors import AerospikeError, InvalidArgument

__all__ = ["AerospikeStorage", "AsyncAerospikeStorage"]

T = TypeVar("T")


def _windows(uri: str, options: dict[str, Any]) -> RateWindows:
    if options:
        raise InvalidArgument(
            f"unknown options: {', '.join(sorted(options))}", advice="options of the client stand in the URI"
        )
    return RateWindows(Location.of(uri.removeprefix("async+"), default_set="limits"))


class AerospikeStorage(
    base.Storage,  # type: ignore[misc]
    base.MovingWindowSupport,  # type: ignore[misc]
    base.SlidingWindowCounterSupport,  # type: ignore[misc]
    base.TimestampedSlidingWindow,  # type: ignore[misc]
):
    """A storage of limits, with all of its strategies, whose counters are the records of a set.

    Each hit is one atomic operation of the server, whatever the strategy. Windows are exact, although servers
    know whole seconds only. The clocks of the programs that use a storage should agree.

    Args:
        uri: where the records are, as `Location.of` takes it; the set is `limits` unless it says another.
        wrap_exceptions: whether errors become `limits.errors.StorageError`.
        options: there are none.

    Raises:
        InvalidType, InvalidArgument: the URI can't be used, or there are options.
    """

    STORAGE_SCHEME = ["aerospike", "aerospikes"]  # noqa: RUF012 - what limits looks for

    @property
    def base_exceptions(self) -> type[Exception]:
        """What `wrap_exceptions` is for."""
        return AerospikeError

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._windows = _windows(uri, options)
        self.place = self._windows.place

    def _run(self, steps: Steps[T]) -> T:
        return run(self.place.client(), steps)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count hits in a fixed window; how many there are."""
        return self._run(self._windows.hit(key, expiry, amount))

    def get(self, key: str) -> int:
        """How many hits there are in a fixed window."""
        return self._run(self._windows.counted(key))[0]

    def get_expiry(self, key: str) -> float:
        """When a fixed window ends, in seconds since 1970; now without one."""
        return self._run(self._windows.counted(key))[1]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count hits in a moving window, if there is room for them; whether there is."""
        return self._run(self._windows.enter(key, limit, expiry, amount))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the first hit in a moving window was, and how many there are."""
        return self._run(self._windows.entered(key, expiry))

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count hits in a sliding window, if there is room for them; whether there is."""
        return self._run(self._windows.slide(key, limit, expiry, amount))

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Hits of the last window and how many seconds it still counts; the same of this window."""
        return self._run(self._windows.slid(key, expiry))

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget the hits in a sliding window."""
        self.clear(key)

    def clear(self, key: str) -> None:
        """Forget the hits in all windows of a key."""
        self._run(self._windows.clear(key))

    def check(self) -> bool:
        """Whether the cluster answers."""
        try:
            self._run(self._windows.counted("check"))
        except AerospikeError:
            return False
        return True

    def reset(self) -> int:
        """Empty the set; how many records it had."""
        found = sum(1 for _ in self.place.client().query(_headers(self.place)))
        self._run(_emptying(self.place))
        return found


class AsyncAerospikeStorage(
    aio.Storage,  # type: ignore[misc]
    aio.MovingWindowSupport,  # type: ignore[misc]
    aio.SlidingWindowCounterSupport,  # type: ignore[misc]
    base.TimestampedSlidingWindow,  # type: ignore[misc]
):
    """The same for asyncio, on connections of the running loop; arguments and errors are the same."""

    STORAGE_SCHEME = ["async+aerospike", "async+aerospikes"]  # noqa: RUF012 - what limits looks for

    @property
    def base_exceptions(self) -> type[Exception]:
        """What `wrap_exceptions` is for."""
        return AerospikeError

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._windows = _windows(uri, options)
        self.place = self._windows.place

    async def _run(self, steps: Steps[T]) -> T:
        return await run_async(await self.place.async_client(), steps)

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count hits in a fixed window; how many there are."""
        return await self._run(self._windows.hit(key, expiry, amount))

    async def get(self, key: str) -> int:
        """How many hits there are in a fixed window."""
        return (await self._run(self._windows.counted(key)))[0]

    async def get_expiry(self, key: str) -> float:
        """When a fixed window ends, in seconds since 1970; now without one."""
        return (await self._run(self._windows.counted(key)))[1]

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count hits in a moving window, if there is room for them; whether there is."""
        return await self._run(self._windows.enter(key, limit, expiry, amount))

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the first hit in a moving window was, and how many there are."""
        return await self._run(self._windows.entered(key, expiry))

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count hits in a sliding window, if there is room for them; whether there is."""
        return await self._run(self._windows.slide(key, limit, expiry, amount))

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Hits of the last window and how many seconds it still counts; the same of this window."""
        return await self._run(self._windows.slid(key, expiry))

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget the hits in a sliding window."""
        await self.clear(key)

    async def clear(self, key: str) -> None:
        """Forget the hits in all windows of a key."""
        await self._run(self._windows.clear(key))

    async def check(self) -> bool:
        """Whether the cluster answers."""
        try:
            await self._run(self._windows.counted("check"))
        except AerospikeError:
            return False
        return True

    async def reset(self) -> int:
        """Empty the set; how many records it had."""
        client = await self.place.async_client()
        found = 0
        async for _ in client.query(_headers(self.place)):
            found += 1
        await self._run(_emptying(self.place))
        return found


def _headers(place: Location) -> Statement:
    return Statement(place.namespace, place.set_name, [])


def _emptying(place: Location) -> Steps[None]:
    yield Call("truncate", place.namespace, place.set_name)

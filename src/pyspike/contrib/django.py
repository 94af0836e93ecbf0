"""A cache of Django.

CACHES = {
    "default": {
        "BACKEND": "pyspike.contrib.django.AerospikeCache",
        "LOCATION": "aerospike://127.0.0.1:3000/test?set=django",
    }
}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from pyspike.contrib.cached_values import CachedValues
from pyspike.contrib.lifetime import Seconds
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Steps, run, run_async

__all__ = ["AerospikeCache"]

T = TypeVar("T")
OPTIONS = {"serializer", "compress_from"}


class AerospikeCache(BaseCache):  # type: ignore[misc]
    """A cache of Django whose entries are the records of a set.

    All threads, and all caches of the same URL, share one client; the `a...` methods are asyncio's own,
    on connections of the running loop. Timeouts are whole seconds, rounded up; more than ten years are for
    ever. Integers of 64 bits are counted by the server, and expire when they would have. The server removes
    what has expired, so that there is nothing to cull. `clear` empties the set.

    Args:
        location: a URL as `Location.of` takes it; the set is `django` unless it says another.
        params: Django's. OPTIONS may have `serializer`, an object with `dumps` and `loads` that makes bytes
            of values (or a class of such objects, or the dotted name of either; without it they are
            pickled), and `compress_from`, from how many bytes on these are compressed (without it never).

    Raises:
        ImproperlyConfigured: there are other options, or there is no location.
        InvalidType, InvalidArgument: the location is no such URL.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = dict(params.get("OPTIONS", {}))
        if unknown := set(options) - OPTIONS:
            raise ImproperlyConfigured(
                f"AerospikeCache has no option {', '.join(sorted(unknown))}, but "
                f"{' and '.join(sorted(OPTIONS))}; options of the client stand in the LOCATION"
            )
        if not location:  # which is how Django says that there is none
            raise ImproperlyConfigured("AerospikeCache needs a LOCATION: aerospike://host:3000/namespace")
        self.place = Location.of(location, default_set="django")
        serializer: Any = options.pop("serializer", None)
        if isinstance(serializer, str):
            serializer = import_string(serializer)
        if callable(serializer):
            serializer = serializer()
        if serializer is not None:
            options.update(dumps=serializer.dumps, loads=serializer.loads)
        self._values = CachedValues(self.place, **options)

    def _run(self, steps: Steps[T]) -> T:
        return run(self.place.client(), steps)

    async def _arun(self, steps: Steps[T]) -> T:
        return await run_async(await self.place.async_client(), steps)

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> Seconds:
        """The seconds that an entry lives; None for ever, 0 or less not at all."""
        seconds: Seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return seconds

    def _name(self, key: Any, version: Any) -> str:
        name: Any = self.make_and_validate_key(key, version=version)
        return str(name)

    def _getting_many(self, keys: Iterable[Any], version: Any) -> Steps[dict[Any, Any]]:
        names = {self._name(key, version): key for key in keys}
        found = yield from self._values.get_many(names)
        return {names[name]: value for name, value in found.items()}

    def _setting_many(self, data: Mapping[Any, Any], timeout: Any, version: Any) -> Steps[list[Any]]:
        names = {self._name(key, version): key for key in data}
        values = {name: data[key] for name, key in names.items()}
        failed = yield from self._values.set_many(values, self.get_backend_timeout(timeout))
        return [names[name] for name in failed]

    def _deleting_many(self, keys: Iterable[Any], version: Any) -> Steps[None]:
        yield from self._values.delete_many(self._name(key, version) for key in keys)

    def _counting(self, key: Any, delta: int, version: Any) -> Steps[int]:
        total = yield from self._values.increment(self._name(key, version), delta)
        if total is None:
            raise ValueError(f"Key '{key}' not found")
        return total

    # Django's methods ---------------------------------------------------------------------------------------

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """Write an entry where there is none; whether it was written."""
        return self._run(self._values.add(self._name(key, version), value, self.get_backend_timeout(timeout)))

    async def aadd(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """`add` for tasks."""
        return await self._arun(
            self._values.add(self._name(key, version), value, self.get_backend_timeout(timeout))
        )

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        """The value of an entry; the default where there is none."""
        return self._run(self._values.get(self._name(key, version), default))

    async def aget(self, key: Any, default: Any = None, version: Any = None) -> Any:
        """`get` for tasks."""
        return await self._arun(self._values.get(self._name(key, version), default))

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        """Write an entry. Raises RecordTooBig if it is larger than a record may be."""
        self._run(self._values.set(self._name(key, version), value, self.get_backend_timeout(timeout)))

    async def aset(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        """`set` for tasks."""
        await self._arun(self._values.set(self._name(key, version), value, self.get_backend_timeout(timeout)))

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """Have an entry live so long from now on; whether there is one."""
        return self._run(self._values.touch(self._name(key, version), self.get_backend_timeout(timeout)))

    async def atouch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """`touch` for tasks."""
        return await self._arun(
            self._values.touch(self._name(key, version), self.get_backend_timeout(timeout))
        )

    def delete(self, key: Any, version: Any = None) -> bool:
        """Delete an entry; whether there was one."""
        return self._run(self._values.delete(self._name(key, version)))

    async def adelete(self, key: Any, version: Any = None) -> bool:
        """`delete` for tasks."""
        return await self._arun(self._values.delete(self._name(key, version)))

    def has_key(self, key: Any, version: Any = None) -> bool:
        """Whether there is an entry."""
        return self._run(self._values.has(self._name(key, version)))

    async def ahas_key(self, key: Any, version: Any = None) -> bool:
        """`has_key` for tasks."""
        return await self._arun(self._values.has(self._name(key, version)))

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        """Add to a number on the server; the sum. Raises ValueError where there is no entry."""
        return self._run(self._counting(key, delta, version))

    async def aincr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        """`incr` for tasks."""
        return await self._arun(self._counting(key, delta, version))

    def get_many(self, keys: Iterable[Any], version: Any = None) -> dict[Any, Any]:
        """The values that there are, by one batch."""
        return self._run(self._getting_many(keys, version))

    async def aget_many(self, keys: Iterable[Any], version: Any = None) -> dict[Any, Any]:
        """`get_many` for tasks."""
        return await self._arun(self._getting_many(keys, version))

    def set_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> list[Any]:
        """Write entries by one batch; the keys of those that could not be written."""
        return self._run(self._setting_many(data, timeout, version))

    async def aset_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> list[Any]:
        """`set_many` for tasks."""
        return await self._arun(self._setting_many(data, timeout, version))

    def delete_many(self, keys: Iterable[Any], version: Any = None) -> None:
        """Delete entries by one batch."""
        self._run(self._deleting_many(keys, version))

    async def adelete_many(self, keys: Iterable[Any], version: Any = None) -> None:
        """`delete_many` for tasks."""
        await self._arun(self._deleting_many(keys, version))

    def clear(self) -> None:
        """Empty the set: also of what other caches and programs have there."""
        self._run(self._values.clear())

    async def aclear(self) -> None:
        """`clear` for tasks."""
        await self._arun(self._values.clear())

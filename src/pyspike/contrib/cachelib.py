"""A cache for cachelib, and so for Flask-Caching and Flask-Session.

cache = AerospikeCache("aerospike://127.0.0.1:3000/test?set=pages")

app.config.from_mapping(  # Flask-Caching
    CACHE_TYPE="pyspike.contrib.cachelib.AerospikeCache",
    CACHE_OPTIONS={"url": "aerospike://127.0.0.1:3000/test?set=pages"},
)
app.config.from_mapping(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)  # Flask-Session
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from cachelib.base import BaseCache
from cachelib.serializers import BaseSerializer

from pyspike.contrib.cached_values import CachedValues
from pyspike.contrib.lifetime import Seconds
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Steps, run
from pyspike.errors import BatchError

__all__ = ["AerospikeCache", "AerospikeSerializer"]

T = TypeVar("T")


class AerospikeSerializer(BaseSerializer):  # type: ignore[misc]
    """Pickles values. What can't be pickled is an error, where cachelib's own only writes to the log."""

    def dumps(self, value: object, protocol: int = pickle.HIGHEST_PROTOCOL) -> bytes:
        """The pickle of a value."""
        return pickle.dumps(value, protocol)


class NotSerializedError(ValueError):
    """A serializer made nothing of a value."""


class AerospikeCache(BaseCache):  # type: ignore[misc]
    """A cache of cachelib whose entries are the records of a set.

    All threads, and all caches of the same URL, share one client. Timeouts are whole seconds, rounded up;
    0 is for ever. `inc` and `dec` count on the server; a number expires when it would have, a new one after
    the default timeout. `clear` empties the set, whatever the prefix: give each cache a set of its own. The
    attribute `serializer` makes bytes of all values that are no integers of 64 bits.

    Args:
        url: where the records are, as `Location.of` takes it; the set is `cachelib` unless it says another.
        default_timeout: of entries that are written without one: seconds or a timedelta.
        ignore_delete_many_errors: whether `delete_many` leaves out the keys that it could not delete; else it
            raises RuntimeError.
        key_prefix: what is put in front of each key, or a function that tells it. Flask-Caching gives it only
            if it is in CACHE_OPTIONS; its CACHE_KEY_PREFIX does not come here.
        compress_from: from how many bytes on values are compressed; None for never.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """

    serializer: BaseSerializer = AerospikeSerializer()

    def __init__(
        self,
        url: str,
        default_timeout: int | timedelta = 300,
        ignore_delete_many_errors: bool = True,
        key_prefix: str | Callable[[], str] | None = None,
        compress_from: int | None = None,
    ) -> None:
        super().__init__(default_timeout)
        self.ignore_delete_many_errors = ignore_delete_many_errors
        self.key_prefix = key_prefix or ""
        self.place = Location.of(url, default_set="cachelib")
        self._values = CachedValues(
            self.place, dumps=self._dumps, loads=self._loads, compress_from=compress_from
        )

    def _dumps(self, value: object) -> bytes:
        data = self.serializer.dumps(value)
        if data is None:
            raise NotSerializedError
        return data.encode() if isinstance(data, str) else data

    def _loads(self, data: bytes) -> Any:
        return self.serializer.loads(data)

    def _run(self, steps: Steps[T]) -> T:
        return run(self.place.client(), steps)

    def _name(self, key: str) -> str:
        prefix = self.key_prefix() if callable(self.key_prefix) else self.key_prefix
        return f"{prefix}{key}"

    def _seconds(self, timeout: int | timedelta | None) -> Seconds:
        chosen: int | timedelta = self.default_timeout if timeout is None else timeout
        return chosen or None  # 0 is for ever

    def get(self, key: str) -> Any:
        """The value of an entry; None where there is none."""
        return self._run(self._values.get(self._name(key)))

    def get_many(self, *keys: str) -> list[Any]:
        """The values of entries by one batch; None for each that is not there."""
        names = [self._name(key) for key in keys]
        found = self._run(self._values.get_many(names))
        return [found.get(name) for name in names]

    def set(self, key: str, value: object, timeout: int | timedelta | None = None) -> bool:
        """Write an entry. Returns False if the serializer makes nothing of the value.

        Raises:
            RecordTooBig: it is larger than a record of the namespace may be.
        """
        try:
            self._run(self._values.set(self._name(key), value, self._seconds(timeout)))
        except NotSerializedError:
            return False
        return True

    def set_many(self, mapping: dict[str, Any], timeout: int | timedelta | None = None) -> list[Any]:
        """Write entries by one batch; the keys of those that are written."""
        names = {self._name(key): key for key in mapping}
        values = {name: mapping[key] for name, key in names.items()}
        try:
            failed = self._run(self._values.set_many(values, self._seconds(timeout)))
        except NotSerializedError:  # one of them: all others are written
            return [key for key, value in mapping.items() if self.set(key, value, timeout)]
        return [key for name, key in names.items() if name not in failed]

    def add(self, key: str, value: object, timeout: int | timedelta | None = None) -> bool:
        """Write an entry where there is none; whether it is written."""
        try:
            return self._run(self._values.add(self._name(key), value, self._seconds(timeout)))
        except NotSerializedError:
            return False

    def delete(self, key: str) -> bool:
        """Delete an entry; whether there was one."""
        return self._run(self._values.delete(self._name(key)))

    def delete_many(self, *keys: str) -> list[Any]:
        """Delete entries by one batch; the keys of those that are not there any more, or were not."""
        names = [self._name(key) for key in keys]
        try:
            self._run(self._values.delete_many(names))
        except BatchError as error:
            failed = {row.key.user_key for row in error.results if not row.ok}
            if not self.ignore_delete_many_errors:
                raise RuntimeError(f"{len(failed)} of {len(keys)} keys could not be deleted") from error
            return [key for key, name in zip(keys, names, strict=True) if name not in failed]
        return list(keys)

    def has(self, key: str) -> bool:
        """Whether there is an entry; its value is not read."""
        return self._run(self._values.has(self._name(key)))

    def clear(self) -> bool:
        """Empty the set: also of what other caches and programs have there."""
        self._run(self._values.clear())
        return True

    def inc(self, key: str, delta: int = 1) -> int:
        """Add to a number on the server, or begin with `delta`; the sum."""
        return self._run(self._values.increment_or_begin(self._name(key), delta, self._seconds(None)))

    def dec(self, key: str, delta: int = 1) -> int:
        """Subtract from a number on the server, or begin with `-delta`; the difference."""
        return self.inc(key, -delta)

"""Results of Celery's tasks as records.

app = Celery("shop", broker=..., backend="aerospike://127.0.0.1:3000/test?set=results")
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import BackendStoreError

from pyspike.contrib.cached_values import CachedValues
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Steps, run
from pyspike.errors import AerospikeError, InvalidArgument, RecordTooBig

__all__ = ["AerospikeBackend"]

T = TypeVar("T")
_LOGIN = re.compile("(?<=://)(.*):.*@")


class AerospikeBackend(KeyValueStoreBackend):  # type: ignore[misc]
    """A result backend of Celery whose results are the records of a set.

    The processes of a worker's pool each have connections of their own, and all threads of a process share
    one client. Results live for `result_expires`, which the servers see to: the namespace must allow that.
    Chords are counted by the server.

    Args:
        url: where the records are, as `Location.of` takes it; the set is `celery` unless it says another.
            Celery gives what `backend` or `result_backend` says.

    Raises:
        InvalidType, InvalidArgument: the URL can't be used, or there is none.
    """

    supports_autoexpire = True
    supports_native_join = True
    implements_incr = True

    def __init__(self, *args: Any, url: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, url=url, **kwargs)
        if not url:
            raise InvalidArgument(
                "Celery has given no URL to the backend",
                advice='name one: backend="aerospike://host:3000/namespace"',
            )
        self.place = Location.of(url, default_set="celery")
        self._values = CachedValues(self.place, dumps=lambda text: text, loads=bytes)

    def _run(self, steps: Steps[T]) -> T:
        return run(self.place.client(), steps)

    def __reduce__(self, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        return super().__reduce__(args, {**(kwargs or {}), "expires": self.expires, "url": self.url})

    def as_uri(self, include_password: bool = False) -> str:
        """The URL; with asterisks in the place of a password unless that is asked for."""
        url = str(self.url)
        return url if include_password else _LOGIN.sub(r"\1:**@", url)

    def exception_safe_to_retry(self, exc: Exception) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Whether `result_backend_always_retry` asks again: where the same call may work a little later."""
        return isinstance(exc, AerospikeError) and exc.retryable

    def get(self, key: bytes) -> Any:
        """What is under a key; None for nothing."""
        return self._run(self._values.get(key.decode()))

    def mget(self, keys: list[bytes]) -> list[Any]:
        """What is under several keys, by one batch."""
        names = [key.decode() for key in keys]
        found = self._run(self._values.get_many(names))
        return [found.get(name) for name in names]

    def set(self, key: bytes, value: str | bytes) -> None:
        """Write a result, which lives for `result_expires`.

        Raises:
            BackendStoreError: it is larger than a record may be; the task fails with that.
        """
        try:
            self._run(self._values.set(key.decode(), value, self.expires or None))
        except RecordTooBig as error:
            raise BackendStoreError(str(error)) from error

    def delete(self, key: bytes) -> None:
        """Delete what is under a key."""
        self._run(self._values.delete(key.decode()))

    def incr(self, key: bytes) -> int:
        """Count one more on the server; how many it are."""
        return self._run(self._values.increment_or_begin(key.decode(), 1, self.chord_expires or None))

    def expire(self, key: bytes, value: float | None) -> None:
        """Have what is under a key live so many seconds from now on; None or 0 for ever."""
        self._run(self._values.touch(key.decode(), value or None))

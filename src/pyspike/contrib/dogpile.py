"""A backend of dogpile.cache, which finds it by the name `pyspike`.

region = make_region().configure(
    "pyspike",
    expiration_time=3600,
    arguments={"url": "aerospike://127.0.0.1:3000/test?set=pages", "ttl": 7200, "distributed_lock": True},
)
"""

from __future__ import annotations

import contextlib
import time
import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from dogpile.cache.api import NO_VALUE, BytesBackend, CacheMutex

from pyspike import exp
from pyspike.contrib.cached_values import CachedValues
from pyspike.contrib.lifetime import Seconds, lifetime, number_of_seconds
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Steps, run
from pyspike.errors import FilteredOut, InvalidArgument, RecordExists
from pyspike.policy import RecordExistsAction

__all__ = ["AerospikeBackend"]

T = TypeVar("T")
LOCKS = ("distributed_lock", "lock_timeout", "lock_sleep", "lock_blocking_timeout")
ARGUMENTS = ("url", "ttl", "compress_from", *LOCKS)
HOLDER = "holder"  # the bin of a lock


class AerospikeBackend(BytesBackend):  # type: ignore[misc]
    """A backend of dogpile.cache whose values are the records of a set.

    All threads, and all regions of the same URL, share one client.

    Args:
        arguments: `url` tells where the records are, as `Location.of` takes it; the set is `dogpile` unless
            it says another. The others may be left out. `ttl`: how many seconds the server keeps values,
            which should be more than the region's expiration time; else, or with 0, they stay.
            `compress_from`: from how many bytes on values are compressed; else they are not.
            `distributed_lock`: whether of all processes one alone creates a value, by a lock in the cluster;
            else one thread of each does. `lock_timeout`: after how many seconds a lock that was not given
            back is free again, None for never; else 60. `lock_sleep`: how many seconds who waits for a lock
            lets pass between two looks; else 0.1. `lock_blocking_timeout`: how many seconds it waits for
            one; else for as long as it takes.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used, or there is no url.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        if unknown := sorted(set(arguments) - set(ARGUMENTS)):
            # dogpile.cache's own tests want no error
            warnings.warn(f"pyspike's backend has no argument {', '.join(unknown)}", stacklevel=3)
        if "url" not in arguments:
            raise InvalidArgument(
                "pyspike's backend needs the argument url", advice="aerospike://host/namespace"
            )
        self.place = Location.of(arguments["url"], default_set="dogpile")
        self._values = CachedValues(
            self.place, dumps=bytes, loads=bytes, compress_from=arguments.get("compress_from")
        )
        self._ttl = _seconds(arguments, "ttl") or None
        self._locked = bool(arguments.get("distributed_lock", False))
        self._lock_timeout = _seconds(arguments, "lock_timeout", 60)
        pause = _seconds(arguments, "lock_sleep")
        self._lock_sleep = 0.1 if pause is None else pause
        self._lock_patience = _seconds(arguments, "lock_blocking_timeout")

    def _run(self, steps: Steps[T]) -> T:
        return run(self.place.client(), steps)

    def has_lock_timeout(self) -> bool:
        """Whether a lock may be free again before it is given back."""
        return self._locked and self._lock_timeout is not None

    def get_mutex(self, key: str) -> ClusterLock | None:
        """The lock by which one creates the value of a key; None for dogpile's own, of threads."""
        if not self._locked:
            return None
        return ClusterLock(self.place, key, self._lock_timeout, self._lock_sleep, self._lock_patience)

    def get_serialized(self, key: str) -> Any:
        """The bytes of a value, or NO_VALUE."""
        return self._run(self._values.get(key, NO_VALUE))

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """The bytes of several values by one batch; NO_VALUE for each that is not there."""
        names = list(keys)
        found = self._run(self._values.get_many(names))
        return [found.get(name, NO_VALUE) for name in names]

    def set_serialized(self, key: str, value: bytes) -> None:
        """Write a value. Raises RecordTooBig if it is larger than a record may be."""
        self._run(self._values.set(key, value, self._ttl))

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        """Write several values by one batch; raises the error of the first that could not be written."""
        for error in self._run(self._values.set_many(mapping, self._ttl)).values():
            raise error

    def delete(self, key: str) -> None:
        """Delete a value, if there is one."""
        self._run(self._values.delete(key))

    def delete_multi(self, keys: Iterable[str]) -> None:
        """Delete several values by one batch."""
        self._run(self._values.delete_many(keys))


def _seconds(arguments: Mapping[str, Any], name: str, default: float | None = None) -> float | None:
    """An argument that is a time, or None."""
    given: Seconds = arguments.get(name, default)
    if given is None:
        return None
    seconds = number_of_seconds(given, name)
    if seconds < 0:
        raise InvalidArgument(f"{name} is a number of seconds, 0 or more, not {seconds!r}")
    return seconds


class ClusterLock(CacheMutex):  # type: ignore[misc]
    """A lock that one holder in all processes has: a record that only one can create.

    The server removes it when its time is over, if its holder has not. A holder that took longer than that
    gives back nothing of another's.

    Args:
        place: where the records of locks are.
        name: what is locked.
        timeout: after how many seconds the lock is free whatever its holder does; None for never.
        pause: how many seconds lie between two looks of one who waits.
        patience: how many seconds it waits at most; None for no end.
    """

    def __init__(
        self, place: Location, name: str, timeout: float | None, pause: float, patience: float | None
    ) -> None:
        self._client = place.client()
        self._key = place.key(name.encode())  # bytes, as no value's key is
        self._ttl = lifetime(timeout)
        self._pause = pause
        self._patience = patience
        self._create = place.policy().write.replace(record_exists_action=RecordExistsAction.CREATE_ONLY)
        self._holder = ""

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; whether that worked, which it always does if one waits without an end."""
        end = None if self._patience is None else time.monotonic() + self._patience
        while True:
            holder = uuid.uuid4().hex
            try:
                self._client.put(self._key, {HOLDER: holder}, ttl=self._ttl, policy=self._create)
            except RecordExists:
                if not wait or (end is not None and time.monotonic() >= end):
                    return False
                time.sleep(self._pause)
            else:
                self._holder = holder
                return True

    def release(self) -> None:
        """Give the lock back, if it is still this one's."""
        mine = exp.eq(exp.string_bin(HOLDER), self._holder)
        with contextlib.suppress(FilteredOut):  # its time was over, and another has it now
            self._client.delete(self._key, filter_expression=mine)

    def locked(self) -> bool:
        """Whether anyone has the lock."""
        return self._client.exists(self._key)

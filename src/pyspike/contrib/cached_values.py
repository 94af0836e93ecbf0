"""A value a record, as caches have them: how it is written, counted, read and deleted, for threads and tasks.

An int of 64 bits is the server's own, so that it can count; other values are bytes that a serializer makes.
To add a value only where there is none, and to count, is one operation of the server.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from pyspike import exp
from pyspike import operations as op
from pyspike._wire import BatchWrite, Key, Record
from pyspike.batch import BatchResults
from pyspike.contrib.lifetime import Seconds, is_over, lifetime
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Call, Steps
from pyspike.errors import (
    AerospikeError,
    FilteredOut,
    InvalidArgument,
    InvalidType,
    RecordExists,
    RecordNotFound,
)
from pyspike.policy import RecordExistsAction
from pyspike.showing import shown
from pyspike.values import Expiration

__all__ = ["CachedValues", "dumps", "loads"]

VALUE, PRESSED = "value", "zlib"  # bins; a record has one of them
BINS = (VALUE, PRESSED)
LEAST, MOST = -(2**63), 2**63 - 1


def dumps(value: object) -> bytes:
    """What the serializer makes of a value, where there is no other one: a pickle."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


loads: Callable[[bytes], Any] = pickle.loads


@lru_cache(64)
def _room_for(delta: int) -> bytes:
    """That a number can grow by so much without going round; of what is no number it does not hold either."""
    number = exp.int_bin(VALUE)
    return (number <= MOST - delta if delta >= 0 else number >= LEAST - delta).to_bytes()


class CachedValues:
    """The values of a location by their names. Each method gives steps, for `run` or `run_async`.

    Args:
        place: where the records are.
        dumps: makes bytes of a value that is no int of 64 bits.
        loads: makes the value of such bytes.
        compress_from: of how many bytes on they are compressed; None for never.

    Raises:
        InvalidArgument: `compress_from` is no number above 0.
    """

    def __init__(
        self,
        place: Location,
        *,
        dumps: Callable[[Any], Any] = dumps,
        loads: Callable[[bytes], Any] = loads,
        compress_from: int | None = None,
    ) -> None:
        if compress_from is not None and (type(compress_from) is not int or compress_from < 1):
            raise InvalidArgument(f"compress_from is a number of bytes above 0, not {compress_from!r}")
        self.place = place
        self.dumps = dumps
        self.loads = loads
        self.compress_from = compress_from
        write = place.policy().write
        self._create = write.replace(record_exists_action=RecordExistsAction.CREATE_ONLY)
        self._update = write.replace(record_exists_action=RecordExistsAction.UPDATE_ONLY)

    def _bins(self, value: object) -> dict[str, object]:
        if type(value) is not int or not LEAST <= value <= MOST:
            value = self.dumps(value)
            if (
                self.compress_from is not None
                and isinstance(value, bytes)
                and len(value) >= self.compress_from
            ):
                return {PRESSED: zlib.compress(value, 1), VALUE: None}
        return {VALUE: value, PRESSED: None}

    def _value(self, record: Record) -> Any:
        value = record.get(VALUE)
        if value is None and PRESSED in record:
            value = zlib.decompress(record[PRESSED])
        return self.loads(value) if isinstance(value, bytes) else value

    def _keys(self, names: Iterable[str]) -> dict[str, Key]:
        return {name: self.place.key(name) for name in names}

    def get(self, name: str, default: Any = None) -> Steps[Any]:
        """The value; the default where there is none."""
        record = yield Call("get", self.place.key(name), BINS, default=None)
        return default if record is None else self._value(record)

    def get_many(self, names: Iterable[str]) -> Steps[dict[str, Any]]:
        """The values that there are, by their names."""
        keys = self._keys(names)
        records = yield Call("batch_get", keys.values(), BINS)
        return {
            name: self._value(record)
            for name, record in zip(keys, records, strict=True)
            if record is not None
        }

    def has(self, name: str) -> Steps[bool]:
        """Whether there is a value."""
        found: bool = yield Call("exists", self.place.key(name))
        return found

    def set(self, name: str, value: object, seconds: Seconds) -> Steps[None]:
        """Write a value, which lives so long; with a time that is over it is deleted.

        Raises:
            RecordTooBig: it is larger than a record of the namespace may be.
        """
        if is_over(seconds):
            yield from self.delete(name)
        else:
            yield Call("put", self.place.key(name), self._bins(value), ttl=lifetime(seconds))

    def add(self, name: str, value: object, seconds: Seconds) -> Steps[bool]:
        """Write a value if there is none; whether it was written, or would have been if its time is over."""
        if is_over(seconds):
            return not (yield from self.has(name))
        bins = self._bins(value)
        try:
            yield Call("put", self.place.key(name), bins, ttl=lifetime(seconds), policy=self._create)
        except RecordExists:
            return False
        return True

    def set_many(self, values: Mapping[str, object], seconds: Seconds) -> Steps[dict[str, AerospikeError]]:
        """Write several values; the errors of those that were not written, by their names."""
        if is_over(seconds):
            yield from self.delete_many(values)
            return {}
        keys, ttl = self._keys(values), lifetime(seconds)
        rows = [
            BatchWrite(key, [op.put(*each) for each in self._bins(values[name]).items()], ttl=ttl)
            for name, key in keys.items()
        ]
        results: BatchResults = yield Call("batch", rows)
        return {name: row.error for name, row in zip(keys, results, strict=True) if row.error is not None}

    def touch(self, name: str, seconds: Seconds) -> Steps[bool]:
        """Have the value live so long from now on, or delete it if the time is over; whether there is one."""
        if is_over(seconds):
            return (yield from self.delete(name))
        try:
            yield Call("touch", self.place.key(name), ttl=lifetime(seconds))
        except RecordNotFound:
            return False
        return True

    def delete(self, name: str) -> Steps[bool]:
        """Delete the value; whether there was one."""
        found: bool = yield Call("delete", self.place.key(name))
        return found

    def delete_many(self, names: Iterable[str]) -> Steps[dict[str, bool]]:
        """Delete several values; whether there was one, by their names."""
        keys = self._keys(names)
        found = yield Call("batch_delete", keys.values())
        return dict(zip(keys, found, strict=True))

    def increment(self, name: str, delta: int) -> Steps[int | None]:
        """Add to a number, which lives on as long as it would; the sum, or None where there is no value.

        Raises:
            InvalidType: `delta` is no int.
            TypeError: the value is no int of 64 bits.
            OverflowError: the sum would be none, or `delta` is none.
        """
        if not isinstance(delta, int) or isinstance(delta, bool):
            raise InvalidType(f"the delta of a count is an int, not {shown(delta)}")
        if not LEAST <= delta <= MOST:
            raise OverflowError(f"the delta of a count has 64 bits at most, not {delta.bit_length()}")
        try:
            record = yield Call(
                "operate",
                self.place.key(name),
                [op.add(VALUE, delta), op.get(VALUE)],
                ttl=Expiration.DONT_UPDATE,
                filter_expression=_room_for(delta),
                policy=self._update,
            )
        except RecordNotFound:
            return None
        except FilteredOut:
            value = yield from self.get(name)
            if type(value) is int and LEAST <= value <= MOST:
                raise OverflowError(f"{value} and {delta} make a number of more than 64 bits") from None
            raise TypeError(f"what is to be counted is no integer of 64 bits: {shown(value)}") from None
        total: int = record[VALUE]
        return total

    def increment_or_begin(self, name: str, delta: int, seconds: Seconds) -> Steps[int]:
        """Add to a number, or begin with `delta`, which lives so long then; the sum.

        Raises:
            TypeError, OverflowError: as from `increment`.
        """
        while True:  # until the two agree whether there is one
            total = yield from self.increment(name, delta)
            if total is not None:
                return total
            if (yield from self.add(name, delta, seconds)):
                return delta

    def clear(self) -> Steps[None]:
        """Have all records of the set removed at once; a node may take a moment to hear of it."""
        yield Call("truncate", self.place.namespace, self.place.set_name)

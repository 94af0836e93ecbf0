"""Hits in windows of time, a record for each who hits: what of it is counted, and whether another may be.

Each question is one operation of the server, so that no two programs count the same hit. Times are this
machine's, in microseconds since 1970; `now` is the last hit's. The server's, in seconds, only remove records
that nobody needs any more.

A fixed window begins with its first hit and ends on time: bins `count` and `until`.

A moving window reaches from now into the past. The map `hits` has, under the time of a hit, how many there
were before it, and `total` is how many there are; so those in the window are `total` less the least value in
it. Where the limit is high, times are rounded up to parts of the window, lest records grow without end.

A sliding window weighs the hits of the clock's last window by how much of that is still in reach: bins
`window`, the number of the clock's window, `current` and `previous`.
"""

from __future__ import annotations

import time
from functools import lru_cache

from pyspike import exp
from pyspike import operations as op
from pyspike._wire import Operation, Record
from pyspike.cdt.enums import MapOrder, MapReturnType, MapWriteFlags
from pyspike.contrib.lifetime import lifetime
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Call, Steps
from pyspike.errors import FilteredOut, RecordNotFound
from pyspike.exp import Expression

__all__ = ["RateWindows"]

SECOND = 1_000_000  # microseconds
FINEST = 4096  # parts of a moving window that are told apart
NOW, UNTIL, COUNT = "now", "until", "count"
HITS, TOTAL = "hits", "total"
WINDOW, CURRENT, PREVIOUS = "window", "current", "previous"


class RateWindows:
    """The windows of a location, by their names. Each method gives steps, for `run` or `run_async`."""

    def __init__(self, place: Location) -> None:
        self.place = place

    def clear(self, name: str) -> Steps[None]:
        """Forget all hits."""
        yield Call("delete", self.place.key(name))

    def _read(self, name: str, bins: tuple[str, ...]) -> Steps[Record | None]:
        record: Record | None = yield Call("get", self.place.key(name), bins, default=None)
        return record

    # A fixed window ---------------------------------------------------------------------------------------

    def hit(self, name: str, seconds: float, amount: int) -> Steps[int]:
        """Count hits in a window, which the first begins; how many there are."""
        operations = [op.put(NOW, _now()), *_counting(int(seconds * SECOND), amount)]
        record = yield Call("operate", self.place.key(name), operations, ttl=lifetime(seconds + 1))
        count: int = record[COUNT]
        return count

    def counted(self, name: str) -> Steps[tuple[int, float]]:
        """How many hits there are, and when the window ends; without a window 0, and now."""
        record = yield from self._read(name, (COUNT, UNTIL))
        now = _now()
        if record is None or record.get(UNTIL, 0) <= now:
            return 0, now / SECOND
        return record[COUNT], record[UNTIL] / SECOND

    # A moving window --------------------------------------------------------------------------------------

    def enter(self, name: str, limit: int, seconds: float, amount: int) -> Steps[bool]:
        """Count hits if no more than the limit are in the window then; whether they are counted."""
        if amount > limit:
            return False
        now, length = _now(), int(seconds * SECOND)
        part = 1 if limit <= FINEST else max(1, length // FINEST)
        operations = [
            op.put(NOW, -(-now // part) * part),
            op.maps.create(HITS, MapOrder.KEY_ORDERED),
            op.maps.remove_by_key_range(HITS, None, now - length, MapReturnType.NONE),
            *_entering(amount),
        ]
        room = _at(now, _room_to_enter(length, limit - amount))
        return (yield from self._if_room(name, room, operations, seconds + 1))

    def entered(self, name: str, seconds: float) -> Steps[tuple[float, int]]:
        """When the first hit in the window was, and how many there are; now and 0 without any."""
        now, length = _now(), int(seconds * SECOND)
        used = exp.cond(exp.bin_exists(HITS), _inside(now, length), 0)
        first_of_them = op.maps.get_by_key_relative_index_range(HITS, now - length, 0, 1, MapReturnType.KEY)
        try:
            record = yield Call("operate", self.place.key(name), [op.exp.read(COUNT, used), first_of_them])
        except RecordNotFound:
            return now / SECOND, 0
        first = record[HITS]
        return (first[0] / SECOND, record[COUNT]) if first else (now / SECOND, 0)

    # A sliding window -------------------------------------------------------------------------------------

    def slide(self, name: str, limit: int, seconds: float, amount: int) -> Steps[bool]:
        """Count hits if the limit allows for them and for what counts of the last window; whether it does."""
        if amount > limit:
            return False
        now, length = _now(), int(seconds * SECOND)
        room = _at(now, _room_to_slide(length, limit - amount))
        operations = [op.put(NOW, now), *_sliding(length, amount)]
        return (yield from self._if_room(name, room, operations, 2 * seconds + 1))

    def slid(self, name: str, seconds: float) -> Steps[tuple[int, float, int, float]]:
        """Hits of the last window, and the seconds for which they still count; the same of this one."""
        record = yield from self._read(name, (WINDOW, CURRENT, PREVIOUS))
        now, length = _now(), int(seconds * SECOND)
        number, gone = divmod(now, length)
        left = (length - gone) / SECOND
        current = previous = 0
        if record is not None and WINDOW in record:
            if record[WINDOW] >= number:
                current, previous = record[CURRENT], record[PREVIOUS]
            elif record[WINDOW] == number - 1:
                previous = record[CURRENT]
        return previous, left if previous else 0.0, current, left + seconds

    def _if_room(self, name: str, room: bytes, operations: list[Operation], seconds: float) -> Steps[bool]:
        """Make operations if there is room, or no record; whether they are made."""
        key, ttl = self.place.key(name), lifetime(seconds)
        try:
            yield Call("operate", key, operations, ttl=ttl, filter_expression=room)
        except FilteredOut:
            return False
        return True


def _now() -> int:
    return time.time_ns() // 1000


# Expressions take long to make, and all but the time stays: each is made once, with a time to be replaced.

SOME_TIME = 0x7A61_6264_656D_6E6F
_BYTES = SOME_TIME.to_bytes(8, "big")


def _at(now: int, made: bytes) -> bytes:
    """An expression with the time in it, which is larger than 32 bits and so has 64 there."""
    return made.replace(_BYTES, now.to_bytes(8, "big"))


@lru_cache(256)
def _counting(length: int, amount: int) -> tuple[Operation, ...]:
    """What counts in a fixed window, and begins one where none is or its end is past."""
    lasts = exp.and_(exp.bin_exists(UNTIL), exp.int_bin(UNTIL) > exp.int_bin(NOW))
    return (
        op.exp.write(COUNT, exp.cond(lasts, exp.int_bin(COUNT) + amount, amount)),
        op.exp.write(UNTIL, exp.cond(lasts, exp.int_bin(UNTIL), exp.int_bin(NOW) + length)),
        op.get(COUNT),
    )


@lru_cache(256)
def _entering(amount: int) -> tuple[Operation, ...]:
    """What notes the time of hits in a moving window, unless others have the same, and counts them."""
    once = MapWriteFlags.CREATE_ONLY | MapWriteFlags.NO_FAIL
    before = exp.cond(exp.bin_exists(TOTAL), exp.int_bin(TOTAL), 0)
    noted = exp.maps.put(HITS, exp.int_bin(NOW), before, order=MapOrder.KEY_ORDERED, write_flags=once)
    return op.exp.write(HITS, noted), op.add(TOTAL, amount)


@lru_cache(256)
def _room_to_enter(length: int, most: int) -> bytes:
    """That a moving window has this many hits at most, or is none yet."""
    inside = exp.cond(exp.bin_exists(HITS), _inside(SOME_TIME, length), 0)
    return (inside <= most).to_bytes()


def _inside(now: int, length: int) -> Expression:
    """How many hits a moving window has. The least number counts, as programs' clocks differ."""
    reached = exp.maps.get_by_key_range(HITS, exp.int_val(now) - length)
    least = exp.lists.get_by_rank(exp.var("reached"), 0, int)
    empty = exp.eq(exp.lists.size(exp.var("reached")), 0)
    return exp.let({"reached": reached}, exp.cond(empty, 0, exp.int_bin(TOTAL) - least))


@lru_cache(256)
def _room_to_slide(length: int, most: int) -> bytes:
    """That a sliding window has this many hits at most."""
    now = exp.int_val(SOME_TIME)
    number = exp.num_div(now, length)
    gone = exp.to_float(exp.num_mod(now, length)) / float(length)
    weighed = exp.to_float(_previous(number)) * (1.0 - gone) + exp.to_float(_current(number))
    return (exp.num_floor(weighed) <= float(most)).to_bytes()


@lru_cache(256)
def _sliding(length: int, amount: int) -> tuple[Operation, ...]:
    """What counts in a sliding window."""
    number = exp.num_div(exp.int_bin(NOW), length)
    return (
        op.exp.write(PREVIOUS, _previous(number)),
        op.exp.write(CURRENT, _current(number) + amount),
        op.exp.write(WINDOW, exp.cond(_is_in(number), exp.int_bin(WINDOW), number)),
    )


def _is_in(number: Expression) -> Expression:
    """Whether the record is of a window of the clock; if of a later one, another program's clock is ahead."""
    return exp.and_(exp.bin_exists(WINDOW), exp.int_bin(WINDOW) >= number)


def _current(number: Expression) -> Expression:
    return exp.cond(_is_in(number), exp.int_bin(CURRENT), 0)


def _previous(number: Expression) -> Expression:
    last = exp.and_(exp.bin_exists(WINDOW), exp.eq(exp.int_bin(WINDOW), number - 1))
    return exp.cond(_is_in(number), exp.int_bin(PREVIOUS), last, exp.int_bin(CURRENT), 0)

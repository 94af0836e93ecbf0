"""What `update` takes for a change, and how it reads and waits."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import (
    Codec,
    GenerationError,
    Key,
    RawParticle,
    ReadPolicy,
    Record,
    Replica,
    ServerError,
    WritePolicy,
    codecs,
)
from pyspike._wire import new_encoded
from pyspike.codecs import AnyCodec
from pyspike.plans.updates import Update
from support.strategies import bounded, values

KEY = Key("test", "s", 1)


def update(retries: int = 3, timeout: float | None = None) -> Update:
    return Update(ReadPolicy(replica=Replica.RANDOM, total_timeout=77), WritePolicy(), retries, timeout)


bins = values.filter(lambda value: value is not None)
NEAR = st.sampled_from([1, 1.0, True, 0, 0.0, -0.0, "1", b"1", [1], [True], {1: 1}, {1: True}])


@bounded
@given(bins | NEAR, bins | NEAR)
def test_a_value_is_written_if_and_only_if_it_is_another_one(before: object, after: object) -> None:
    for given_back in (after, copy.deepcopy(before)):
        plan = update()
        plan.begin(Record(KEY, {"a": before}, 1, 0))
        plan.end({"a": given_back})
        if repr(before) == repr(given_back):
            assert plan.changes == {}
        else:
            assert repr(plan.changes) == repr({"a": given_back})


class Point:
    """Equal to everything, or to nothing that can be told."""

    def __init__(self, x: int, error: type[Exception] | None = None) -> None:
        self.x = x
        self.error = error

    def __eq__(self, other: object) -> bool:
        if self.error is not None:
            raise self.error
        return True

    def __hash__(self) -> int:
        return 1


KNOWN: list[AnyCodec] = [
    codecs.DATETIME,
    codecs.DATE,
    codecs.DECIMAL,
    codecs.SET,
    codecs.FROZENSET,
    Codec(Point, lambda point: {"x": point.x}, lambda stored: Point(stored["x"])),
]


def changes(before: Any, after: Any, known: Sequence[AnyCodec] = KNOWN) -> dict[str, Any]:
    """What is written of a bin that a codec has decoded, which the function gives back as another value."""
    plan = Update(ReadPolicy(), WritePolicy(), 3, None, None, known)
    plan.begin(Record(KEY, {"a": before}, 1, 0))
    plan.end({"a": after})
    return plan.changes


BERLIN = dt.datetime(2026, 1, 31, 10, tzinfo=ZoneInfo("Europe/Berlin"))
LATE = dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
EQUAL = [
    (Decimal("12.5"), Decimal("12.50")),
    (Decimal("0"), Decimal("-0")),
    (BERLIN, BERLIN.astimezone(dt.timezone.utc)),
    (LATE, LATE.replace(fold=1)),
    ({1, 2}, {1.0, 2.0}),
    ({1}, {True}),
    (frozenset({Decimal("1.0")}), frozenset({Decimal("1.00")})),
    (Point(1), Point(2)),
    (Point(1, ValueError), Point(2, ValueError)),
    (new_encoded("$set", [1]), new_encoded("$set", [1.0])),
    (RawParticle(20, 1), RawParticle(20, True)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("before", "after"), EQUAL, ids=range(len(EQUAL)))
def test_what_is_equal_but_stored_as_another_is_written(before: Any, after: Any) -> None:
    for one, other in ((before, after), (after, before)):
        for wrap in (lambda value: value, lambda value: [{"x": value}]):
            wrapped = wrap(other)
            assert changes(wrap(one), wrapped)["a"] is wrapped
            assert changes(wrap(one), copy.deepcopy(wrap(one))) == {}


def test_what_can_not_be_compared_is_written() -> None:
    number, nothing = Decimal("sNaN"), Point(1)
    assert changes(number, Decimal("sNaN")) == {}
    assert changes(number, Decimal("1")) == {"a": Decimal("1")}
    assert changes(nothing, Point(1), ()).keys() == {"a"}  # of which nothing is known without a codec
    assert changes(nothing, nothing, ()) == {}

    def fail(value: Point) -> Any:
        raise ValueError(value)

    for encode in (fail, lambda value: value):
        endless = Codec(Point, encode, Point)
        assert changes(Point(1), Point(1), [endless]).keys() == {"a"}


decoded = st.recursive(
    st.decimals()
    | st.dates()
    | st.datetimes(timezones=st.just(dt.timezone.utc))
    | st.integers(0, 9)
    | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
) | st.sets(st.decimals(allow_nan=False) | st.integers(0, 9), max_size=3)


def shape(value: Any) -> object:
    """All that is stored of a value; a set has no order."""
    return sorted(map(repr, value)) if isinstance(value, set) else repr(value)


@bounded
@given(decoded, decoded)
def test_decoded_values_are_written_if_and_only_if_they_are_others(before: Any, after: Any) -> None:
    assert changes(before, copy.deepcopy(before)) == {}
    assert bool(changes(before, after)) is (shape(before) != shape(after))


def test_the_read_asks_the_master_and_keeps_the_rest_of_its_policy() -> None:
    assert update().read_options == {
        "timeout": None,
        "policy": ReadPolicy(replica=Replica.MASTER, total_timeout=77),
        "default": None,
    }


def test_pauses_grow_and_differ_and_end() -> None:
    plan = update(retries=12)
    error = GenerationError("", key=KEY)
    pauses = [plan.pause_after(error) or 0.0 for _ in range(12)]
    for number, pause in enumerate(pauses):
        assert 0.5 <= pause / min(2**number, 100) <= 1.5
    assert len({pause / min(2**number, 100) for number, pause in enumerate(pauses)}) > 1
    assert plan.pause_after(error) is None
    assert "the retries were used up" in error.advice


@pytest.mark.parametrize("error", [GenerationError("", in_doubt=True), ServerError("")])
def test_what_is_no_conflict_or_in_doubt_is_not_tried_again(error: ServerError) -> None:
    assert update().pause_after(error) is None


def test_a_deadline_counts_for_all_commands_together() -> None:
    plan = update(timeout=60_000)
    first = plan.read_options["timeout"]
    second = plan.write_options["timeout"]
    assert 0 < second < first <= 60_000

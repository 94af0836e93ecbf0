"""Records as tuples and dicts of plain objects."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import GeoJSON, HyperLogLog, Key, KeyOrderedDict, OrderedList, RawParticle, Record
from pyspike import operations as op
from pyspike._wire import RecordTuples

KEY = Key("test", "s", "k")
NAMES = st.text(max_size=5)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
SPECIAL = st.sampled_from(
    [GeoJSON("{}"), HyperLogLog(b"h"), RawParticle(9, b"x"), OrderedList([1]), KeyOrderedDict({"a": 1}), [[]]]
)


class Converted:
    """What a value was made into."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Converted)
            and self.value == other.value
            and type(self.value) is type(other.value)
        )

    __hash__ = None  # type: ignore[assignment]


TUPLES = RecordTuples(Converted)


def of(bins: dict[str, Any]) -> Record:
    return Record(KEY, bins, 3)


def test_a_record_is_its_key_its_metadata_and_its_bins() -> None:
    record = Record(KEY, {"a": 1}, 3)
    key, meta, bins = TUPLES(record)
    assert key == ("test", "s", "k", bytearray(KEY.digest))
    assert type(key[3]) is bytearray
    assert (meta, list(meta)) == ({"ttl": 2**32 - 1, "gen": 3}, ["ttl", "gen"])
    assert bins == {"a": 1}
    assert TUPLES.header(record) == (key, meta)
    assert TUPLES.key(KEY) == key
    assert RecordTuples(Converted, with_user_key=False)(record) == ((*key[:2], None, key[3]), meta, bins)
    assert TUPLES.all(iter([record, record])) == [(key, meta, bins)] * 2
    assert TUPLES.all([]) == []


def test_the_time_to_live_is_in_seconds_from_now() -> None:
    void_time = int(time.time()) - 1262304000 + 50
    assert TUPLES.header(Record(KEY, {}, 1, void_time))[1]["ttl"] in (49, 50)
    assert TUPLES.header(Record(KEY, {}, 1, 5))[1]["ttl"] == 1, "it has just expired"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key("test", None, 5), ("test", None, 5)),
        (Key("test", "s", b"x"), ("test", "s", bytearray(b"x"))),
        (Key.from_digest("test", "s", bytes(20)), ("test", "s", None)),
        (Key.from_digest("test", "s", bytes(20), RawParticle(2, b"f")), ("test", "s", b"f")),
    ],
    ids=["no set", "bytes", "a digest", "of another client"],
)
def test_keys(key: Key, expected: tuple[Any, ...]) -> None:
    assert TUPLES.key(key) == (*expected, bytearray(key.digest))
    assert type(TUPLES.key(key)[2]) is type(expected[2])


@given(
    st.dictionaries(
        st.text(max_size=5),
        PLAIN
        | SPECIAL
        | st.lists(PLAIN | SPECIAL, max_size=3)
        | st.dictionaries(st.text(max_size=2), PLAIN | SPECIAL),
    )
)
def test_what_is_not_plain_is_converted_and_nothing_else(bins: dict[str, Any]) -> None:
    def plain(value: Any) -> bool:
        return value is None or type(value) in (int, str, float, bool, bytes)

    def expected(value: Any) -> Any:
        items = list(value) if type(value) is list else list(value.values()) if type(value) is dict else None
        return value if plain(value) or (items is not None and all(map(plain, items))) else Converted(value)

    wanted = {name: expected(value) for name, value in bins.items()}
    record = of(dict(bins))
    found = TUPLES(record)[2]
    assert found == wanted
    assert found is record.bins


def test_bytes_of_bins_are_given_to_a_function_of_their_own() -> None:
    assert TUPLES(of({"a": b"x", "l": [b"x"]}))[2] == {"a": b"x", "l": [b"x"]}
    made = RecordTuples(Converted, of_bytes=lambda data: data.decode() + "!")
    assert made(of({"a": b"x", "l": [b"x"], "h": HyperLogLog(b"h")}))[2] == {
        "a": "x!",
        "l": [b"x"],
        "h": Converted(HyperLogLog(b"h")),
    }


def test_errors_come_through() -> None:
    def fails(value: Any) -> None:
        raise LookupError(value)

    for made in (RecordTuples(fails), RecordTuples(Converted, of_bytes=fails)):
        with pytest.raises(LookupError):
            made.all([of({"a": b"x", "g": GeoJSON("{}")})])
    for wrong in (None, KEY, 5):
        with pytest.raises(TypeError):
            TUPLES(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        TUPLES.all([KEY])  # type: ignore[list-item]


def test_results_of_operations_have_the_names_of_their_bins() -> None:
    record = Record(KEY, {}, 3, 0, [1, None, b"x", GeoJSON("{}"), 2])
    steps = [op.get(name) for name in "abcda"]
    head = TUPLES.header(record)
    given = {"a": 2, "c": b"x", "d": Converted(GeoJSON("{}"))}
    assert TUPLES.results(record, steps, with_none=False) == (*head, given)
    assert TUPLES.results(record, tuple(steps), with_none=True) == (*head, {**given, "b": None})
    made = RecordTuples(Converted, of_bytes=len)
    assert made.results(record, steps, with_none=False)[2]["c"] == 1
    for wrong in (Record(KEY, {}), Record(KEY, {}, 1, 0, [1])):
        with pytest.raises(ValueError, match=r"2 operations, [01] results"):
            TUPLES.results(wrong, steps[:2], with_none=False)

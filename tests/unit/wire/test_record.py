"""`Record`: what a read gives."""

from __future__ import annotations

import copy
import datetime
import pickle
import time
from typing import Any

import pytest

from pyspike import Key, Record

KEY = Key("test", "users", "ann")
EPOCH_2010 = 1262304000


def record(**bins: Any) -> Record:
    return Record(KEY, bins, 3, 0)


def expiring(seconds: float) -> Record:
    return Record(KEY, {}, 1, int(time.time() - EPOCH_2010 + seconds))


def test_a_record_is_read_like_a_dict_of_its_bins() -> None:
    read = record(name="Ann", visits=2)
    assert read["name"] == "Ann"
    assert "name" in read
    assert "age" not in read
    assert list(read) == ["name", "visits"]
    assert len(read) == 2
    assert dict(read) == {"name": "Ann", "visits": 2} == read.bins
    assert (list(read.keys()), list(read.values())) == (["name", "visits"], ["Ann", 2])
    assert list(read.items()) == [("name", "Ann"), ("visits", 2)]


def test_a_bin_that_is_not_there_is_a_key_error_or_the_default() -> None:
    with pytest.raises(KeyError, match="age"):
        record()["age"]
    assert record().get("age") is None
    assert record().get("age", 30) == 30
    assert record(age=1).get("age", 30) == 1


def test_a_record_without_bins_is_there_all_the_same() -> None:
    assert record()
    assert len(record()) == 0


def test_a_record_knows_key_and_generation() -> None:
    read = record()
    assert read.key is KEY
    assert read.generation == 3
    assert read.results == []
    assert Record(KEY, {}, results=[None, 1]).results == [None, 1]


def test_a_record_that_never_expires_has_no_ttl() -> None:
    assert (record().ttl, record().expiration) == (None, None)


def test_the_ttl_counts_down_to_one() -> None:
    assert 98 <= (expiring(100).ttl or 0) <= 100
    assert expiring(0).ttl == 1
    assert expiring(-500).ttl == 1


def test_the_expiration_is_a_moment_in_utc() -> None:
    moment = Record(KEY, {}, 1, 86400).expiration
    assert moment == datetime.datetime(2010, 1, 2, tzinfo=datetime.timezone.utc)
    assert moment.tzinfo is datetime.timezone.utc


def test_the_last_void_time_is_a_moment_too() -> None:
    moment = Record(KEY, {}, 1, 2**32 - 1).expiration
    assert moment is not None
    assert moment.year == 2146


def test_records_with_the_same_content_are_equal() -> None:
    assert record(a=[1]) == record(a=[1])
    assert record(a=1) != record(a=2)
    assert record() != {}
    assert Record(KEY, {}, 1, 0) != Record(KEY, {}, 2, 0)
    assert Record(KEY, {}, 1, 0) != Record(KEY, {}, 1, 5)
    assert Record(KEY, {}, 1, 0) != Record(Key("test", "users", "bob"), {}, 1, 0)
    assert Record(KEY, {}, 1, 0, [1]) != Record(KEY, {}, 1, 0)


def test_records_are_hashed_by_key_generation_and_expiration() -> None:
    """Not by their bins, which may hold lists: records that are equal still have the same hash."""
    assert hash(record(a=[1])) == hash(record(a=[1]))
    assert {record(a=[1]), record(a=[1]), record(a=[2])} == {record(a=[1]), record(a=[2])}
    assert len({hash(Record(KEY, {}, generation, void)) for generation in (1, 2) for void in (0, 9)}) == 4


def test_the_repr_of_a_record_tells_all_of_it() -> None:
    assert repr(record(a=1)) == "<Record Key('test', 'users', 'ann') generation 3, never expires: {'a': 1}>"
    assert "expires 2010-01-01T00:00:09Z" in repr(Record(KEY, {}, 1, 9))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_record_travels_by_pickle(protocol: int) -> None:
    read = Record(KEY, {"a": [1, "x"]}, 5, 7, [None, 1])
    other = pickle.loads(pickle.dumps(read, protocol))
    assert other == read
    assert (other.key.user_key, other.results) == ("ann", [None, 1])


def test_a_deep_copy_of_a_record_has_bins_of_its_own() -> None:
    read = record(a=[1])
    other = copy.deepcopy(read)
    other["a"].append(2)
    assert read["a"] == [1]


@pytest.mark.parametrize("name", ["key", "bins", "generation", "ttl", "expiration", "results", "more"])
def test_the_attributes_of_a_record_can_not_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(record(), name, 1)


def test_bins_are_not_written_through_a_record() -> None:
    with pytest.raises(TypeError):
        record()["a"] = 1  # type: ignore[index]

"""A write gives the generation and expiration that the record has now, where that is asked for."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from pyspike import (
    BatchError,
    Client,
    Expiration,
    GenerationError,
    InvalidType,
    Key,
    RecordNotFound,
    Written,
)


def test_each_write_tells_the_generation_that_the_record_has_then(client: Client, key: Key) -> None:
    told = [
        client.put(key, {"a": 1, "b": "x"}, returning=Written),
        client.add(key, {"a": 1}, returning=Written),
        client.append(key, {"b": "y"}, returning=Written),
        client.prepend(key, {"b": "w"}, returning=Written),
        client.touch(key, returning=Written),
    ]
    assert [each.generation for each in told] == [1, 2, 3, 4, 5]
    assert client.get(key).generation == 5
    assert client.put(key, {"a": 2}) is None, "nothing is given that nobody has asked for"


def test_what_is_told_is_what_the_next_write_can_expect(client: Client, key: Key) -> None:
    written = client.put(key, {"a": 1}, returning=Written)
    again = client.put(key, {"a": 2}, generation=written.generation, returning=Written)
    assert again.generation == 2
    with pytest.raises(GenerationError):
        client.put(key, {"a": 3}, generation=written.generation, returning=Written)


def test_the_expiration_is_told_as_a_read_tells_it(client: Client, key: Key) -> None:
    written = client.put(key, {"a": 1}, ttl=1000, returning=Written)
    assert written.expiration == client.get(key).expiration
    assert written.ttl in range(990, 1001)
    kept = client.put(key, {"a": 1}, ttl=Expiration.NEVER, returning=Written)
    assert (kept.ttl, kept.expiration) == (None, None)


def test_a_record_without_bins_has_no_generation(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    assert client.put(key, {"a": None}, returning=Written).generation == 0
    assert not client.exists(key)


def test_a_batch_tells_it_of_each_record(client: Client, key: Key) -> None:
    keys = [Key(key.namespace, key.set_name, f"{key.user_key}-{number}") for number in range(8)]
    client.batch_put((each, {"a": 1}) for each in keys[:4])
    told = client.batch_put(((each, {"a": 2}) for each in keys), ttl=1000, returning=Written)
    assert [each.generation for each in told] == [2] * 4 + [1] * 4
    assert {each.ttl in range(990, 1001) for each in told} == {True}
    assert client.batch_put([(keys[0], {"a": 3})]) is None


def test_what_fails_fails_as_ever(client: Client, key: Key) -> None:
    with pytest.raises(RecordNotFound):
        client.touch(key, returning=Written)
    with pytest.raises(BatchError):
        client.batch_put([(key, {"a": 1})], returning=Written, filter_expression=b"\x93\x01")
    wrong: Any = dict
    for call in (
        lambda: client.put(key, {"a": 1}, returning=wrong),
        lambda: client.batch_put([(key, {"a": 1})], returning=wrong),
    ):
        with pytest.raises(InvalidType, match="returning must be Written"):
            call()
    assert not client.exists(key)


@pytest.mark.one_kind("makes no calls")
def test_it_is_a_value() -> None:
    written = Written(3, 5)
    for twin in (copy.copy(written), pickle.loads(pickle.dumps(written)), Written(3, 5)):
        assert twin == written
        assert hash(twin) == hash(written)
    assert written != Written(3)
    assert repr(written) == "<Written generation 3, expires 2010-01-01T00:00:05Z>"
    assert repr(Written(1)) == "<Written generation 1, never expires>"

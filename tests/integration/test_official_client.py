"""What one client writes the other one reads: pyspike and the official client (`aerospike` from PyPI)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyspike import Client, GeoJSON, Key, KeyOrderedDict, RawParticle, Record, WritePolicy
from pyspike import operations as op
from pyspike.hosts import parse_hosts
from support import strategies
from support.examples import examples

aerospike = pytest.importorskip("aerospike")
operations = pytest.importorskip("aerospike_helpers.operations.operations")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROUNDS = settings(
    max_examples=examples(100),
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
POINT = '{"type": "Point", "coordinates": [1.5, -2.0]}'
NEVER = 0xFFFF_FFFF  # what the official client gives as the ttl of a record that never expires
SCALARS = {
    "int": -5,
    "smallest int": -(2**63),
    "greatest int": 2**63 - 1,
    "float": 2.5,
    "infinity": math.inf,
    "text": "grüße 🌍" * 20,
    "no text": "",
    "bytes": b"\x00\xff" * 50,
    "no bytes": b"",
    "true": True,
    "false": False,
}
VALUES = {
    **SCALARS,
    "list": [*SCALARS.values(), None, [], {}],
    "map": {**SCALARS, "none": None, "nested": {"l": [1, {2: [3]}]}},
    "map of all keys": {-5: 1, 2**40: 2, "x": 3, b"\x00y": 4},
    "deep": [[[[{"a": [{"b": [[]]}]}]]]],
}


@pytest.fixture(scope="module")
def official(hosts: str) -> Iterator[Any]:
    seeds = [(host.name, host.port) for host in parse_hosts(hosts)]
    client = aerospike.client({"hosts": seeds, "policies": {"total_timeout": 5000}}).connect()
    yield client
    client.close()


def theirs(key: Key) -> tuple[str, str, Any]:
    """The key as the official client takes it; it has no `bytes` keys, only `bytearray`."""
    user_key = bytearray(key.user_key) if isinstance(key.user_key, bytes) else key.user_key
    return key.namespace, key.set_name, user_key


def typed(value: Any) -> Any:
    """The value with the types of all that is in it: `True == 1`, but this tells them apart."""
    if isinstance(value, dict):
        return "dict", {(type(k).__name__, k): typed(v) for k, v in value.items()}
    if isinstance(value, list):
        return "list", [typed(item) for item in value]
    if isinstance(value, float):
        return "float", math.copysign(1, value), value
    return type(value).__name__, value


# Values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALUES)
def test_what_the_official_client_writes_we_read(client: Client, official: Any, key: Key, name: str) -> None:
    official.put(theirs(key), {"v": VALUES[name]})
    assert typed(client.get(key)["v"]) == typed(VALUES[name])


@pytest.mark.parametrize("name", VALUES)
def test_what_we_write_the_official_client_reads(client: Client, official: Any, key: Key, name: str) -> None:
    client.put(key, {"v": VALUES[name]})
    assert typed(official.get(theirs(key))[2]["v"]) == typed(VALUES[name])


def test_geojson_goes_both_ways(client: Client, official: Any, key: Key) -> None:
    official.put(theirs(key), {"g": aerospike.GeoJSON(POINT), "l": [aerospike.GeoJSON(POINT)]})
    record = client.get(key)
    for value in (record["g"], record["l"][0]):
        assert type(value) is GeoJSON
        assert value.unwrap() == {"type": "Point", "coordinates": [1.5, -2.0]}
    client.put(key, {"g": GeoJSON(POINT), "l": [GeoJSON(POINT)]})
    bins = official.get(theirs(key))[2]
    for value in (bins["g"], bins["l"][0]):
        assert type(value) is aerospike.GeoJSON
        assert value.unwrap() == {"type": "Point", "coordinates": [1.5, -2.0]}


def test_key_ordered_maps_go_both_ways(client: Client, official: Any, key: Key) -> None:
    official.put(theirs(key), {"m": aerospike.KeyOrderedDict({"b": 2, "a": 1})})
    found = client.get(key)["m"]
    assert type(found) is KeyOrderedDict
    assert list(found.items()) == [("a", 1), ("b", 2)]
    client.put(key, {"m": KeyOrderedDict({"d": 4, "c": 3})})
    assert list(official.get(theirs(key))[2]["m"].items()) == [("c", 3), ("d", 4)]


def test_a_text_with_nul_is_whole_for_us(client: Client, key: Key) -> None:
    client.put(key, {"v": "a\0b", "l": ["\0"], "m": {"\0k": "\0"}})
    assert client.get(key).bins == {"v": "a\0b", "l": ["\0"], "m": {"\0k": "\0"}}


# Keys, generations, times to live ---------------------------------------------------------------------------

# The official client can't have b"" as a key, and ends texts at their first NUL.
USER_KEYS = [0, -1, 2**63 - 1, -(2**63), "", "ключ", "x" * 300, b"\0", b"\x00\xff", b"x" * 300]


@pytest.mark.parametrize("user_key", USER_KEYS, ids=lambda key: repr(key)[:20])
def test_keys_mean_the_same_record(client: Client, official: Any, key: Key, user_key: Any) -> None:
    mine = Key("bar", key.set_name, user_key)
    assert bytes(aerospike.calc_digest(*theirs(mine))) == mine.digest
    official.put(theirs(mine), {"a": 1})
    assert client.get(mine).bins == {"a": 1}
    client.put(mine, {"a": 2})
    assert official.get(theirs(mine))[2] == {"a": 2}
    official.remove(theirs(mine))
    assert not client.exists(mine)


@pytest.mark.parametrize("user_key", USER_KEYS, ids=lambda key: repr(key)[:20])
def test_sent_keys_are_the_same_key(client: Client, official: Any, key: Key, user_key: Any) -> None:
    mine = Key("bar", key.set_name, user_key)
    client.put(mine, {"a": 1}, policy=WritePolicy(send_key=True))
    official.put(theirs(mine), {"a": 2}, policy={"key": aerospike.POLICY_KEY_SEND})  # else code 19
    client.put(mine, {"a": 3}, policy=WritePolicy(send_key=True))
    assert official.get(theirs(mine))[2] == {"a": 3}
    client.delete(mine)


def test_generations_and_ttls_are_the_same(client: Client, official: Any, key: Key) -> None:
    official.put(theirs(key), {"a": 1}, meta={"ttl": 1000})
    record = client.get(key)
    assert record.generation == 1
    assert record.ttl is not None
    assert 990 <= record.ttl <= 1001
    client.put(key, {"a": 2}, ttl=2000, generation=1)
    meta = official.get(theirs(key))[1]
    assert meta["gen"] == 2
    assert 1990 <= meta["ttl"] <= 2001
    client.touch(key, policy=WritePolicy(expiration=1000))
    official.touch(theirs(key), aerospike.TTL_NEVER_EXPIRE)
    assert client.get(key).ttl is None
    assert official.get(theirs(key))[1] == {"gen": 4, "ttl": NEVER}


def test_a_generation_of_one_is_demanded_by_the_other(client: Client, official: Any, key: Key) -> None:
    official.put(theirs(key), {"a": 1})
    equal = {"gen": aerospike.POLICY_GEN_EQ}
    client.put(key, {"a": 2})
    with pytest.raises(aerospike.exception.RecordGenerationError):
        official.put(theirs(key), {"a": 3}, meta={"gen": 1}, policy=equal)
    official.put(theirs(key), {"a": 3}, meta={"gen": 2}, policy=equal)
    assert client.get(key).generation == 3


# Commands ---------------------------------------------------------------------------------------------------


def test_operate_of_both_gives_the_same(client: Client, official: Any, key: Key) -> None:
    start = {"n": 1, "s": "b", "f": 0.5}
    theirs_steps = [
        operations.increment("n", 5),
        operations.append("s", "c"),
        operations.prepend("s", "a"),
        operations.write("w", [1]),
        operations.read("n"),
        operations.read("s"),
    ]
    ours = [
        op.add("n", 5),
        op.append("s", "c"),
        op.prepend("s", "a"),
        op.put("w", [1]),
        op.get("n"),
        op.get("s"),
    ]
    official.put(theirs(key), start)
    bins = official.operate(theirs(key), theirs_steps)[2]
    after = client.get(key)
    client.delete(key)
    client.put(key, start)
    record: Record = client.operate(key, ours)
    assert record.bins == bins
    assert official.get(theirs(key))[2] == after.bins
    assert client.get(key).generation == after.generation


def test_what_one_deletes_is_gone_for_the_other(client: Client, official: Any, key: Key) -> None:
    client.put(key, {"a": 1, "b": 2})
    official.remove_bin(theirs(key), ["a"])
    assert client.get(key).bins == {"b": 2}
    client.delete(key)
    with pytest.raises(aerospike.exception.RecordNotFound):
        official.get(theirs(key))


# Anything ---------------------------------------------------------------------------------------------------

points = st.builds(
    lambda x, y: GeoJSON({"type": "Point", "coordinates": [x, y]}),
    st.floats(-179, 179, allow_subnormal=False),
    st.floats(-89, 89, allow_subnormal=False),
)


def plain(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return strategies.integers | st.floats(allow_nan=False) | texts | strategies.blobs | st.booleans()


def nested(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        maps = st.dictionaries(keys, values, max_size=5)
        return st.lists(values, max_size=18) | maps | maps.map(KeyOrderedDict)

    return containers(st.recursive(scalars | st.none(), containers, max_leaves=15))


texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
keys = strategies.integers | texts | st.binary(min_size=1, max_size=40)
shared_values = plain(texts) | nested(plain(texts), keys)
all_scalars = plain(strategies.texts) | points
all_values = all_scalars | strategies.foreign | nested(all_scalars, strategies.keys)


@ROUNDS
@given(value=all_values)
def test_any_value_comes_back_from_the_server(client: Client, key: Key, value: Any) -> None:
    client.put(key, {"v": value})
    found = client.get(key)["v"]
    assert typed(found) == typed(value)
    if isinstance(value, RawParticle):
        assert found == value


@ROUNDS
@given(value=shared_values)
def test_any_value_goes_by_way_of_the_official_client(
    client: Client, official: Any, key: Key, value: Any
) -> None:
    client.put(key, {"v": value})
    seen = official.get(theirs(key))[2]["v"]
    assert typed(seen) == typed(value)
    official.put(theirs(key), {"w": seen})
    assert typed(client.get(key)["w"]) == typed(value)


@ROUNDS
@given(user_key=keys)
def test_any_key_is_the_same_record_for_both(
    client: Client, official: Any, set_name: str, user_key: Any
) -> None:
    key = Key("bar", set_name, user_key)
    client.put(key, {"k": user_key}, policy=WritePolicy(send_key=True))
    assert official.get(theirs(key))[2] == {"k": user_key}
    assert client.get(key).key.user_key == user_key
    assert client.delete(key)

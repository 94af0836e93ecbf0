"""Functions on many records: `batch_apply` gives for each key what the function returned, or what failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    BatchUDF,
    BatchUDFPolicy,
    BatchWritePolicy,
    FilteredOut,
    InvalidArgument,
    InvalidType,
    Key,
    UdfError,
    exp,
)

pytest.importorskip("lupa", reason="functions run in the server")

MODULE = f"apply{os.urandom(3).hex()}"
LUA = """
function add_to(rec, bin, n)
  if not aerospike:exists(rec) then return "none" end
  rec[bin] = (rec[bin] or 0) + n
  aerospike:update(rec)
  return rec[bin]
end
function make(rec)
  rec.made = 1
  return aerospike:create(rec)
end
function fail(rec) error("no luck") end
"""


@pytest.fixture
def module(client: Any) -> Iterator[str]:
    client.register_udf(LUA, MODULE).wait(10_000)
    yield MODULE
    client.remove_udf(MODULE).wait(10_000)


@pytest.fixture
def keys(client: Any, key: Key) -> Iterator[list[Key]]:
    """Five keys with records that have their numbers in the bin `n`, and one without a record."""
    found = [Key(key.namespace, key.set_name, f"{key.user_key} {number}") for number in range(6)]
    client.batch_put([(each, {"n": number}) for number, each in enumerate(found[:5])])
    yield found
    client.batch_delete(found)


def test_each_key_has_what_the_function_returned(client: Any, module: str, keys: list[Key]) -> None:
    results = client.batch_apply(iter(keys), module, "add_to", iter(["n", 10]))
    assert results.ok
    assert [row.value for row in results] == [10, 11, 12, 13, 14, "none"]
    assert [row.key for row in results] == keys
    assert [record["n"] for record in client.batch_get(keys[:5])] == [10, 11, 12, 13, 14]
    rows = client.batch([BatchUDF(each, f"{module}.lua", "add_to", ["n", 1]) for each in keys])
    assert [row.value for row in rows] == [11, 12, 13, 14, 15, "none"]
    assert client.batch_apply([], module, "add_to").ok


def test_rows_fail_alone(client: Any, module: str, keys: list[Key]) -> None:
    results = client.batch_apply(keys[:2], module, "fail")
    assert not results.ok
    for row in results:
        assert isinstance(row.error, UdfError)
        assert "no luck" in row.error.message
        assert row.error.key == row.key
    assert all(isinstance(row.error, UdfError) for row in client.batch_apply(keys, "nope", "add_to"))


def test_options_of_the_call_and_of_its_rows(client: Any, module: str, keys: list[Key]) -> None:
    few = exp.int_bin("n") < 2
    for given in (
        {"filter_expression": few},
        {"policy": BatchPolicy(filter_expression=few)},
        {"row_policy": BatchUDFPolicy(filter_expression=few)},
    ):
        results = client.batch_apply(keys[:5], module, "add_to", ["x", 1], **given)
        assert [row.ok for row in results] == [True, True, False, False, False]
        assert isinstance(results[4].error, FilteredOut)
    client.batch_apply(keys[:1], module, "add_to", ["n", 0], ttl=5000)
    assert 4900 <= client.get(keys[0]).ttl <= 5000
    client.batch_apply(keys[:1], module, "add_to", ["n", 0], row_policy=BatchUDFPolicy(expiration=9000))
    assert 8900 <= client.get(keys[0]).ttl <= 9000
    client.batch_apply(keys[5:], module, "make", row_policy=BatchUDFPolicy(send_key=True))
    assert client.get(keys[5]).bins == {"made": 1}


def test_what_can_not_be_called_is_refused(client: Any, keys: list[Key]) -> None:
    for arguments, options, kind, words in (
        ((keys, "", "f"), {}, InvalidArgument, "module's name is empty"),
        ((keys, "m", 5), {}, InvalidType, "function's name"),
        ((keys, "m", "f", "args"), {}, InvalidType, "args must be a sequence"),
        ((keys, "m", "f", [1, {"a": object()}]), {}, InvalidType, r"args\[1\]\['a'\]"),
        ((5, "m", "f"), {}, InvalidType, "keys must be an iterable"),
        ((keys, "m", "f"), {"ttl": -5}, InvalidArgument, "ttl"),
        ((keys, "m", "f"), {"timeout": "x"}, InvalidType, "timeout"),
        ((keys, "m", "f"), {"row_policy": BatchWritePolicy()}, InvalidType, "BatchUDFPolicy"),
        ((keys, "m", "f"), {"policy": BatchUDFPolicy()}, InvalidType, "BatchPolicy"),
    ):
        with pytest.raises(kind, match=words):
            client.batch_apply(*arguments, **options)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_official_client_calls_the_same(client: Any, module: str, keys: list[Key], hosts: str) -> None:
    from pyspike.hosts import parse_hosts

    aerospike = pytest.importorskip("aerospike")
    official = aerospike.client({"hosts": [(host.name, host.port) for host in parse_hosts(hosts)]}).connect()
    theirs = official.batch_apply(
        [(k.namespace, k.set_name, k.user_key) for k in keys[:5]], module, "add_to", ["n", 0]
    )
    assert [row.record[2]["SUCCESS"] for row in theirs.batch_records] == [0, 1, 2, 3, 4]
    assert [row.value for row in client.batch_apply(keys[:5], module, "add_to", ["n", 0])] == [0, 1, 2, 3, 4]
    official.close()

"""`update` changes a record, and loses nothing of what others write meanwhile."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pyspike import (
    AsyncClient,
    Client,
    ClientPolicy,
    Expiration,
    GenerationError,
    GenerationPolicy,
    GeoJSON,
    HyperLogLog,
    InvalidArgument,
    InvalidType,
    Key,
    KeyOrderedDict,
    OrderedList,
    ReadPolicy,
    RecordExistsAction,
    RecordNotFound,
    ResultCode,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.all_of import all_of

THREADS, ROUNDS = 8, 15
PATIENT: dict[str, Any] = {"retries": 10_000, "timeout": 60_000}


def visit(bins: dict[str, Any]) -> None:
    bins["visits"] = bins.get("visits", 0) + 1


def test_threads_that_add_one_lose_nothing(client: Client, key: Key) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: client.update(key, visit, **PATIENT), range(THREADS * ROUNDS)))
    assert client.get(key).bins == {"visits": THREADS * ROUNDS}
    assert client.get(key).generation == THREADS * ROUNDS


@pytest.mark.one_kind("counts with tasks of one loop")
def test_tasks_that_add_one_lose_nothing(hosts: str, key: Key) -> None:
    async def main() -> None:
        async def visit_later(bins: dict[str, Any]) -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"visits": bins.get("visits", 0) + 1}

        async with AsyncClient(hosts) as client:
            calls = [
                client.update(key, visit_later if number % 2 else visit, **PATIENT)
                for number in range(THREADS * ROUNDS)
            ]
            found = await asyncio.gather(*calls)
            assert sorted(bins["visits"] for bins in found) == [*range(1, THREADS * ROUNDS + 1)]
            assert (await client.get(key))["visits"] == THREADS * ROUNDS

    asyncio.run(main())


def remove(bins: dict[str, Any]) -> None:
    del bins["b"]


CHANGES = [
    (lambda bins: bins.update(a=2), {"a": 2, "b": [1]}),
    (lambda bins: {"a": 2}, {"a": 2, "b": [1]}),
    (lambda bins: bins | {"c": 3}, {"a": 1, "b": [1], "c": 3}),
    (lambda bins: bins["b"].append(2), {"a": 1, "b": [1, 2]}),
    (lambda bins: {"b": None}, {"a": 1}),
    (remove, {"a": 1}),
    (lambda bins: {"a": 1.0}, {"a": 1.0, "b": [1]}),
    (lambda bins: {"a": True}, {"a": True, "b": [1]}),
    (lambda bins: {"b": [True]}, {"a": 1, "b": [True]}),
    (lambda bins: {"b": OrderedList([1])}, {"a": 1, "b": [1]}),
    (lambda bins: bins.clear(), {}),
    (lambda bins: {"a": None, "b": None}, {}),
]


def test_a_function_changes_its_bins_or_returns_others(client: Client, key: Key) -> None:
    for function, after in CHANGES:
        client.delete(key)
        client.put(key, {"a": 1, "b": [1]})
        found = client.update(key, function)
        assert found == after
        record = client.get(key, default=None)
        assert repr([] if record is None else sorted(record.items())) == repr(sorted(found.items()))
        assert record is None or record.generation == 2


SAME = {
    "int": 1,
    "bool": True,
    "float": -0.0,
    "nan": float("nan"),
    "text": "a",
    "bytes": b"a",
    "list": [1, [2.5, None, {"a": b"b"}]],
    "ordered": OrderedList([1, 2]),
    "map": KeyOrderedDict({"b": 1, "a": [2]}),
    "geo": GeoJSON({"type": "Point", "coordinates": [1.0, 2.0]}),
}


def test_what_does_not_change_is_not_written(client: Client, key: Key) -> None:
    assert client.update(key, lambda bins: None) == client.update(key, dict.clear) == {}
    assert not client.exists(key)
    client.put(key, SAME)
    client.operate(key, [op.hll.add("hll", ["a"], 8)])
    before = client.get(key)
    assert isinstance(before["hll"], HyperLogLog)
    for function in (lambda bins: None, lambda bins: bins, dict, lambda bins: {}):
        assert repr(client.update(key, function)) == repr(before.bins)
    assert client.get(key).generation == before.generation
    client.update(key, lambda bins: bins["map"]["a"].append(3))
    assert client.get(key)["map"] == {"a": [2, 3], "b": 1}


def test_only_what_has_changed_is_sent(client: Client, key: Key) -> None:
    client.put(key, {"a": 1, "b": 1})
    seen: list[dict[str, Any]] = []

    def change(bins: dict[str, Any]) -> dict[str, Any]:
        if not seen:  # another one writes in between
            client.put(key, {"b": 5})
        seen.append(dict(bins))
        return {"a": bins["a"] + 1}

    assert client.update(key, change) == {"a": 2, "b": 5}
    assert seen == [{"a": 1, "b": 1}, {"a": 1, "b": 5}]
    assert client.get(key).bins == {"a": 2, "b": 5}


def test_others_may_create_or_delete_the_record_in_between(client: Client, key: Key) -> None:
    steps = [lambda: client.put(key, {"visits": 5}), lambda: client.delete(key), lambda: None]

    def change(bins: dict[str, Any]) -> None:
        steps.pop(0)()
        visit(bins)

    assert client.update(key, change) == {"visits": 1}
    assert steps == []
    assert client.get(key).bins == {"visits": 1}


def test_retries_are_the_limit(client: Client, key: Key) -> None:
    calls = []

    def change(bins: dict[str, Any]) -> dict[str, Any]:
        calls.append(bins)
        client.add(key, {"other": 1})
        return {"mine": 1}

    client.put(key, {"other": 0})
    for retries in (0, 2):
        calls.clear()
        with pytest.raises(GenerationError, match="until the retries were used up") as caught:
            client.update(key, change, retries=retries)
        assert len(calls) == retries + 1
        assert caught.value.key == key
    with pytest.raises(GenerationError, match="until the time was over"):
        client.update(key, change, retries=10_000, timeout=50)
    assert "mine" not in client.get(key)


def test_a_deletion_heeds_what_others_have_written(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    calls = []

    def clear(bins: dict[str, Any]) -> None:
        calls.append(dict(bins))
        if len(calls) == 1:
            client.put(key, {"b": 1})
        bins.clear()

    assert client.update(key, clear) == {}
    assert calls == [{"a": 1}, {"a": 1, "b": 1}]
    assert not client.exists(key)


def test_update_only_creates_nothing(client: Client, key: Key) -> None:
    policy = WritePolicy(record_exists_action=RecordExistsAction.UPDATE_ONLY)
    with pytest.raises(RecordNotFound):
        client.update(key, visit, policy=policy)
    client.put(key, {"visits": 1})
    assert client.update(key, visit, policy=policy) == {"visits": 2}


def test_the_time_to_live_is_that_of_put(client: Client, key: Key) -> None:
    client.update(key, visit, ttl=1000)
    assert 990 <= (client.get(key).ttl or 0) <= 1000
    client.update(key, visit, ttl=Expiration.DONT_UPDATE)
    assert 990 <= (client.get(key).ttl or 0) <= 1000
    client.update(key, visit, policy=WritePolicy(expiration=Expiration.NEVER))
    assert client.get(key).ttl is None


@all_of(
    "options",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"timeout": 0},
        {"timeout": "1"},
        {"policy": ReadPolicy()},
        {"policy": WritePolicy(record_exists_action=RecordExistsAction.REPLACE)},
        {"policy": WritePolicy(generation_policy=GenerationPolicy.EXPECT_GEN_EQUAL, generation=3)},
    ],
)
def test_options_that_can_not_be_used_are_refused(options: dict[str, Any], client: Client, key: Key) -> None:
    with pytest.raises(InvalidArgument):
        client.update(key, visit, **options)
    assert not client.exists(key)


def test_what_a_function_raises_comes_out_and_nothing_is_written(client: Client, key: Key) -> None:
    def fail(bins: dict[str, Any]) -> None:
        bins["a"] = 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.update(key, fail)
    for wrong in (lambda bins: 5, lambda bins: [("a", 1)], lambda bins: {"a": {1, 2}}, lambda bins: {1: 1}):
        with pytest.raises(InvalidType):
            client.update(key, wrong)
    assert not client.exists(key)


@pytest.mark.one_kind("a coroutine function is for tasks")
def test_a_coroutine_function_is_refused_by_threads(client: Client, key: Key) -> None:
    async def later(bins: dict[str, Any]) -> None: ...

    with pytest.raises(InvalidType, match="must return bins in a dict, or None, not <coroutine"):
        client.update(key, later)  # type: ignore[arg-type]


# --- on embedded clusters ---


@pytest.mark.embedded_only
@pytest.mark.both_kinds
def test_a_hot_key_is_written_later_and_a_write_in_doubt_is_not_repeated() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts, ClientPolicy(timeout=5000)) as client:
        key, node = Key("test", "s", 1), cluster.nodes[0]
        client.put(key, {"visits": 1})
        calls: list[int] = []

        def busy(bins: dict[str, Any]) -> None:
            calls.append(1)
            if len(calls) < 3:
                node.answer_with(ResultCode.KEY_BUSY)
            visit(bins)

        assert client.update(key, busy)["visits"] == 2
        assert len(calls) == 3

        def timed_out(bins: dict[str, Any]) -> None:
            calls.append(1)
            node.answer_with(ResultCode.TIMEOUT)
            visit(bins)

        calls.clear()
        with pytest.raises(errors.AerospikeError) as caught:
            client.update(key, timed_out)
        assert caught.value.in_doubt
        assert len(calls) == 1

        def lost(bins: dict[str, Any]) -> None:
            calls.append(1)
            node.cut()  # the answer, after the write was done
            visit(bins)

        # The same write is sent again, and collides with itself.
        calls.clear()
        before = client.get(key)["visits"]
        with pytest.raises(GenerationError) as again:
            client.update(key, lost, policy=WritePolicy(max_retries=1))
        assert again.value.in_doubt
        assert len(calls) == 1
        assert client.get(key)["visits"] == before + 1


def test_two_that_create_the_record_at_once_both_count(client: Client, key: Key) -> None:
    barrier = threading.Barrier(2, timeout=30)

    def change(bins: dict[str, Any]) -> None:
        if not bins:
            barrier.wait()
        visit(bins)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: client.update(key, change, **PATIENT), range(2)))
    assert sorted(bins["visits"] for bins in results) == [1, 2]

"""The store of LangGraph, by what tests of others (`judges.py`) do not ask."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pyspike import AsyncClient, Client, InvalidArgument, InvalidType, Key
from pyspike.server import EmbeddedCluster

pytest.importorskip("langgraph.store")

from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp

from pyspike.contrib.langgraph import AerospikeStore

pytestmark = pytest.mark.one_kind("asks the methods for threads and for tasks itself")
_numbers = itertools.count()


class ByTasks(AerospikeStore):
    """A store whose batches are done by tasks, and so all that it does."""

    def batch(self, ops: Any) -> Any:
        return asyncio.run(self.abatch(ops))


@pytest.fixture(params=[AerospikeStore, ByTasks])
def store(request: pytest.FixtureRequest, client: Client, set_name: str) -> AerospikeStore:
    made: AerospikeStore = request.param(client, namespace="test", set_name=f"{set_name}-st{next(_numbers)}")
    return made


def test_operations_of_a_batch_are_done_in_order(store: AerospikeStore) -> None:
    results = store.batch(
        [
            GetOp(("a",), "k"),
            PutOp(("a",), "k", {"n": 1}),
            PutOp(("a",), "k", {"n": 2}),
            PutOp(("b",), "k", {"n": 3}),
            GetOp(("a",), "k"),
            SearchOp(("b",)),
            ListNamespacesOp(),
            PutOp(("b",), "k", None),
            GetOp(("b",), "k"),
        ]
    )
    assert results[:4] == [None] * 4
    assert results[4].value == {"n": 2}
    assert [each.value for each in results[5]] == [{"n": 3}]
    assert results[6:] == [[("a",), ("b",)], None, None]


def test_an_item_keeps_when_it_was_created(store: AerospikeStore) -> None:
    store.put(("a",), "k", {"n": 1})
    first = store.get(("a",), "k")
    store.put(("a",), "k", {"n": 2})
    second = store.get(("a",), "k")
    assert first.created_at == first.updated_at == second.created_at < second.updated_at
    assert abs(datetime.now(timezone.utc) - second.updated_at) < timedelta(hours=1)
    store.delete(("a",), "k")
    store.put(("a",), "k", {"n": 3})
    assert store.get(("a",), "k").created_at > second.updated_at


def test_a_search_gives_what_was_changed_last_first_and_pages_of_it(store: AerospikeStore) -> None:
    for number in range(7):
        store.put(("a", str(number)), "k", {"n": number})
    store.put(("a", "2"), "k", {"n": 2})
    order = [2, 6, 5, 4, 3, 1, 0]
    assert [each.value["n"] for each in store.search(("a",))] == order
    assert [each.value["n"] for each in store.search(("a",), limit=2, offset=3)] == order[3:5]
    assert [each.value["n"] for each in store.search((), limit=3)] == order[:3]


def test_a_prefix_ends_where_labels_end(store: AerospikeStore) -> None:
    for namespace in [("user",), ("user", "1"), ("users", "1"), ("user", "12"), ('user","1',)]:
        store.put(namespace, "k", {})
    assert {each.namespace for each in store.search(("user",))} == {("user",), ("user", "1"), ("user", "12")}
    assert {each.namespace for each in store.search(("user", "1"))} == {("user", "1")}
    assert store.list_namespaces(prefix=("user", "*")) == [("user", "1"), ("user", "12")]
    assert store.list_namespaces(suffix=("1",)) == [("user", "1"), ("users", "1")]
    both = (MatchCondition("prefix", ("user",)), MatchCondition("prefix", ("*", "12")))
    assert store.batch([ListNamespacesOp(both)]) == [[("user", "12")]]


def test_filters_compare_fields_as_python_does(store: AerospikeStore) -> None:
    items = {
        "int": {"v": 1, "t": "x"},
        "float": {"v": 1.0, "t": "x"},
        "text": {"v": "1", "t": "x"},
        "none": {"v": None, "t": "x"},
        "map": {"v": {"deep": 1, "more": 2}, "t": "x"},
        "list": {"v": [1, {"deep": 1}], "t": "x"},
        "without": {"t": "y"},
    }
    for key, value in items.items():
        store.put(("a",), key, value)
    for wanted, keys in (
        ({"v": 1}, {"int", "float"}),
        ({"v": "1"}, {"text"}),
        ({"v": None}, {"none", "without"}),
        ({"v": {"deep": 1}}, {"map"}),
        ({"v": [1, {"deep": 1}]}, {"list"}),
        ({"v": {"$gte": 1}}, {"int", "float"}),
        ({"v": {"$lt": "2"}}, {"text"}),
        ({"v": {"$ne": 1}, "t": "x"}, {"text", "none", "map", "list"}),
        ({"v": {"$gt": 0, "$lt": 1}}, set()),
        ({"t": "y"}, {"without"}),
        ({"t": "x", "v": {"$eq": "1"}}, {"text"}),
    ):
        assert {each.key for each in store.search(("a",), filter=wanted)} == keys, wanted
    with pytest.raises(InvalidArgument, match=r"no relation '\$like'"):
        store.search(("a",), filter={"v": {"$like": "x"}})


def test_what_can_not_be_done_is_refused(store: AerospikeStore) -> None:
    with pytest.raises(NotImplementedError, match="search without query"):
        store.search(("a",), query="meaning")
    with pytest.raises(InvalidType, match="none of LangGraph's operations"):
        store.batch(["get"])  # type: ignore[list-item]
    with pytest.raises(InvalidArgument, match="value"):
        store.put(("a",), "k", {"n": 2**70})
    with pytest.raises(InvalidArgument, match="an index holds 2047"):
        store.put(("a" * 1000, "b" * 1048), "k", {})
    with pytest.raises(InvalidArgument, match="prefix or suffix, not 'middle'"):
        store.batch([PutOp(("a",), "k", {}), ListNamespacesOp((MatchCondition("middle", ("a",)),))])  # type: ignore[arg-type]


def test_the_index_is_made_in_advance_by_who_may(client: Client, hosts: str, set_name: str) -> None:
    name = f"{set_name}-st{next(_numbers)}"

    async def scenario() -> None:
        async with AsyncClient(hosts) as tasks:
            store = AerospikeStore(tasks, namespace="test", set_name=name)
            await store.asetup()
            await store.aput(("a", "b"), "k", {"n": 1})
            assert [each.value for each in await store.asearch(("a",))] == [{"n": 1}]

    asyncio.run(scenario())
    AerospikeStore(client, namespace="test", set_name=name).setup()
    record = client.get(Key("test", name, '["a","b","k"]'))
    assert record["prefixes"] == ['["a"]', '["a","b"]']


@pytest.fixture
def ticking() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=1) as cluster:
        yield cluster


@pytest.mark.embedded_only
@pytest.mark.parametrize("kind", [AerospikeStore, ByTasks])
def test_items_live_for_minutes_and_reading_begins_that_anew_unless_it_shall_not(
    ticking: EmbeddedCluster, kind: type[AerospikeStore]
) -> None:
    store = kind(f"aerospike://{ticking.hosts}/test?set=minutes", ttl={"default_ttl": 2})
    for key in ("got", "searched", "only looked at", "left"):
        store.put(("a", key), "k", {})
    store.put(("a", "ever"), "k", {}, ttl=None)
    store.put(("a", "shorter"), "k", {}, ttl=0.001)
    ticking.clock.advance(1)
    for _ in range(2):
        ticking.clock.advance(60)
        store.get(("a", "got"), "k")
        store.search(("a", "searched"))
        store.get(("a", "only looked at"), "k", refresh_ttl=False)
        store.search(("a",), refresh_ttl=False)
    left = {namespace[1] for namespace in store.list_namespaces()}
    assert left == {"got", "searched", "ever"}

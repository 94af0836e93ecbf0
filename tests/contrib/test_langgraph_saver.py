"""The checkpointer of LangGraph, judged by LangGraph's conformance suite, and by what that does not ask."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    AsyncClient,
    Client,
    InvalidArgument,
    Key,
    QueryPolicy,
    RecordTooBig,
    ResultCode,
    Statement,
    filters,
)
from pyspike.server import EmbeddedCluster

pytest.importorskip("langgraph.checkpoint")

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import ERROR

from pyspike.contrib.langgraph import AerospikeSaver, AerospikeStore

pytestmark = pytest.mark.one_kind("asks the methods for threads and for tasks itself")
_numbers = itertools.count()

BOTH = ("get_tuple", "put", "put_writes", "delete_thread", "copy_thread", "prune", "delete_for_runs", "setup")


class ByTasks:
    """A saver whose methods are done by its asynchronous ones."""

    def __init__(self, saver: AerospikeSaver) -> None:
        self.saver = saver

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.saver, f"a{name}")
        return lambda *arguments, **options: asyncio.run(method(*arguments, **options))

    def list(self, *arguments: Any, **options: Any) -> list[Any]:
        async def listed() -> list[Any]:
            return [each async for each in self.saver.alist(*arguments, **options)]

        return asyncio.run(listed())


class ByThreads(AerospikeSaver):
    """A saver whose asynchronous methods are done by the others."""

    async def alist(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        for each in self.list(*arguments, **options):
            yield each


def by_thread(name: str) -> Callable[..., Any]:
    async def method(self: ByThreads, *arguments: Any, **options: Any) -> Any:
        return getattr(self, name)(*arguments, **options)

    return method


for _name in (*BOTH, "get_delta_channel_history"):
    setattr(ByThreads, f"a{_name}", by_thread(_name))


@pytest.fixture
def own_set(set_name: str) -> str:
    """A set that nothing else writes to."""
    return f"{set_name}-lg{next(_numbers)}"


@pytest.fixture(params=["threads", "tasks"])
def saver(request: pytest.FixtureRequest, client: Client, own_set: str) -> Any:
    made = AerospikeSaver(client, namespace="test", set_name=own_set)
    return made if request.param == "threads" else ByTasks(made)


def config(thread: str, ns: str = "", checkpoint: str | None = None) -> dict[str, Any]:
    named = {"thread_id": thread, "checkpoint_ns": ns}
    return {"configurable": named | ({"checkpoint_id": checkpoint} if checkpoint else {})}


def put(
    saver: Any, at: dict[str, Any], metadata: dict[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    """Write a checkpoint whose parent is `at`, and give its configuration."""
    checkpoint = empty_checkpoint() | {"channel_values": values}
    return saver.put(at, checkpoint, metadata or {}, {})  # type: ignore[no-any-return]


def id_of(at: dict[str, Any]) -> str:
    return at["configurable"]["checkpoint_id"]  # type: ignore[no-any-return]


def ids(saver: Any, *arguments: Any, **options: Any) -> list[str]:
    return [id_of(each.config) for each in saver.list(*arguments, **options)]


@pytest.mark.parametrize("kind", [AerospikeSaver, ByThreads])
def test_it_passes_the_conformance_suite(kind: type[AerospikeSaver], client: Client, set_name: str) -> None:
    conformance = pytest.importorskip("langgraph.checkpoint.conformance")

    @conformance.checkpointer_test(name=kind.__name__)
    async def made() -> AsyncIterator[AerospikeSaver]:
        yield kind(client, namespace="test", set_name=f"{set_name}-lg")

    report = asyncio.run(conformance.validate(made))
    assert {name: found.failures for name, found in report.results.items() if not found.passed} == {}
    assert len(report.results) >= 8


def test_names_that_look_alike_when_joined_are_different_threads(saver: Any) -> None:
    names = [("a", "b"), ("a|b", ""), ('a","b', ""), ("a", 'b",""')]
    for thread, ns in names:
        put(saver, config(thread, ns), here=[thread, ns])
    for thread, ns in names:
        assert saver.get_tuple(config(thread, ns)).checkpoint["channel_values"] == {"here": [thread, ns]}
        assert len(ids(saver, config(thread, ns))) == 1


def test_the_newest_is_that_with_the_greatest_id_whatever_is_written_last(saver: Any) -> None:
    at = config("t")
    older, newer = empty_checkpoint(), empty_checkpoint()
    saver.put(at, newer, {}, {})
    saver.put(at, older, {}, {})
    assert saver.get_tuple(at).checkpoint["id"] == newer["id"] > older["id"]


def test_behind_a_deleted_run_the_newest_that_is_left_is_the_newest(saver: Any) -> None:
    first = put(saver, config("t"), {"run_id": "one"})
    second = put(saver, first, {"run_id": "two"})
    put(saver, second, {"run_id": "three"})
    saver.delete_for_runs(["three"])
    assert id_of(saver.get_tuple(config("t")).config) == id_of(second)
    saver.delete_for_runs(["one", "two"])
    assert saver.get_tuple(config("t")) is None
    again = put(saver, config("t"), {"run_id": "four"})
    assert saver.get_tuple(config("t")).config == again


def test_a_newest_that_is_gone_leaves_the_one_before_it(client: Client, own_set: str) -> None:
    saver = AerospikeSaver(client, namespace="test", set_name=own_set)
    first = put(saver, config("t"))
    second = put(saver, first)
    key = Key("test", own_set, f'["checkpoint","t","","{id_of(second)}"]')
    assert client.delete(key)
    assert saver.get_tuple(config("t")).config == first


def test_what_a_task_wrote_first_stays_and_errors_are_replaced(saver: Any) -> None:
    at = put(saver, config("t"))
    for value in ("first", "second"):
        saver.put_writes(at, [("channel", value), (ERROR, value)], "task")
    assert saver.get_tuple(at).pending_writes == [("task", ERROR, "second"), ("task", "channel", "first")]


def test_writes_come_in_the_order_of_paths_tasks_and_numbers(saver: Any) -> None:
    at = put(saver, config("t"))
    saver.put_writes(at, [("c", 3)], "a", "~2")
    saver.put_writes(at, [("c", number) for number in range(12)], "z", "~1")
    saver.put_writes(at, [("c", 1), ("c", 2)], "b", "~1")
    found = [(task, value) for task, _, value in saver.get_tuple(at).pending_writes]
    assert found == [("b", 1), ("b", 2), *[("z", number) for number in range(12)], ("a", 3)]


def test_a_thread_whose_name_no_index_can_hold_is_refused(saver: Any) -> None:
    for write in (put, lambda saver, at: saver.put_writes(at, [("c", 1)], "task")):
        with pytest.raises(InvalidArgument, match="an index holds 2047"):
            write(saver, config("t" * 2048, "", "one"))


def test_a_list_is_read_as_it_is_asked_for(client: Client, set_name: str) -> None:
    saver = AerospikeSaver(client, namespace="test", set_name=f"{set_name}-lg{next(_numbers)}")
    at = config("t")
    written = []
    for number in range(70):
        at = put(saver, at, {"step": number})
        written.insert(0, id_of(at))
    assert ids(saver, config("t")) == written
    assert ids(saver, config("t"), limit=40) == written[:40]
    assert ids(saver, None, filter={"step": 3}) == [written[-4]]
    assert ids(saver, config("t", "", written[5])) == [written[5]]
    listing = saver.list(config("t"))
    next(listing)
    saver.delete_thread("t")
    assert len(list(listing)) < len(written)


def test_pruning_keeps_what_channels_of_deltas_are_made_of(saver: Any) -> None:
    at = config("t")
    steps = []
    for number in range(6):
        values = {"log": [number]} if number in (0, 2) else {}
        counters = {} if values else {"counters_since_delta_snapshot": {"log": (number, number)}}
        at = put(saver, at, {"step": number, **counters}, **values)
        saver.put_writes(at, [("log", number)], "task")
        steps.append(id_of(at))
    before = saver.get_delta_channel_history(config=at, channels=["log"])
    saver.prune(["t", "unknown"])
    assert ids(saver, config("t")) == steps[:1:-1]
    assert saver.get_delta_channel_history(config=at, channels=["log"]) == before
    assert before["log"]["seed"] == [2]
    assert [value for _, _, value in before["log"]["writes"]] == [2, 3, 4]
    saver.prune(["t"], strategy="delete")
    assert ids(saver, config("t")) == []
    with pytest.raises(InvalidArgument, match="'keep_latest' or 'delete', not 'most'"):
        saver.prune(["t"], strategy="most")


def test_a_deleted_thread_leaves_no_record(client: Client, own_set: str) -> None:
    saver = AerospikeSaver(client, namespace="test", set_name=own_set)
    for thread in ("gone", "stays"):
        saver.put_writes(put(saver, config(thread, "inner")), [("c", 1)], "task")
        saver.put_writes(config(thread, "", "never put"), [("c", 1)], "task")
    saver.delete_thread("gone")
    with client.query(Statement("test", own_set, ["thread"])) as found:
        assert [record["thread"] for record in found] == ["stays"] * 4


def test_indexes_are_made_in_advance_by_who_may(saver: Any, client: Client, own_set: str) -> None:
    saver.setup()
    saver.setup()
    for each in ("thread", "run"):
        assert list(client.query(Statement("test", own_set, where=filters.equal(each, "none")))) == []


def test_what_is_too_large_for_a_record_is_refused(saver: Any) -> None:
    with pytest.raises(RecordTooBig, match="larger than the namespace allows"):
        put(saver, config("t"), text="x" * 9_000_000)
    assert saver.get_tuple(config("t")) is None


def test_a_copy_of_a_saver_with_another_serializer_uses_it(client: Client, set_name: str) -> None:
    class Marking(JsonPlusSerializer):
        def dumps_typed(self, value: Any) -> tuple[str, bytes]:
            kind, data = super().dumps_typed(value)
            return f"marked {kind}", data

        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            return super().loads_typed((data[0].removeprefix("marked "), data[1]))

    name = f"{set_name}-lg{next(_numbers)}"
    saver = copy.copy(AerospikeSaver(client, namespace="test", set_name=name))
    saver.serde = Marking()
    at = put(saver, config("t"), a=1)
    assert saver.get_tuple(at).checkpoint["channel_values"] == {"a": 1}
    record = client.get(Key("test", name, f'["checkpoint","t","","{id_of(at)}"]'))
    assert record["checkpoint"][0] == "marked msgpack"


def test_an_async_client_serves_tasks_and_no_threads(hosts: str, set_name: str) -> None:
    async def scenario() -> None:
        async with AsyncClient(hosts) as client:
            saver = AerospikeSaver(client, namespace="test", set_name=f"{set_name}-lg{next(_numbers)}")
            at = await saver.aput(config("t"), empty_checkpoint(), {}, {})
            assert (await saver.aget_tuple(config("t"))).config == at
            with pytest.raises(InvalidArgument, match="serves tasks only"):
                saver.get_tuple(config("t"))

    asyncio.run(scenario())


@pytest.fixture
def ticking() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=1) as cluster:
        yield cluster


@pytest.mark.embedded_only
def test_an_index_that_others_are_making_is_waited_for(ticking: EmbeddedCluster) -> None:
    saver = AerospikeSaver(f"aerospike://{ticking.hosts}/test?set=indexed")
    written = [id_of(put(saver, config("t")))]
    saver.setup()
    ticking.nodes[0].fail_query(ResultCode.INDEX_NOT_READABLE, times=QueryPolicy().max_retries + 1)
    assert ids(saver, config("t")) == written
    store = AerospikeStore(f"aerospike://{ticking.hosts}/test?set=indexed-items")
    store.put(("a",), "k", {"n": 1})
    store.setup()
    ticking.nodes[0].fail_query(ResultCode.INDEX_NOT_READABLE, times=QueryPolicy().max_retries + 1)
    assert [each.value for each in store.search(("a",))] == [{"n": 1}]


@pytest.mark.embedded_only
@pytest.mark.parametrize("refreshed", [True, False])
def test_checkpoints_expire_and_reading_begins_that_anew_if_it_shall(
    ticking: EmbeddedCluster, refreshed: bool
) -> None:
    url = f"aerospike://{ticking.hosts}/test?set=expiring"
    saver = AerospikeSaver(url, ttl=100, refresh_on_read=refreshed)
    by_id, newest = put(saver, config("by id")), put(saver, config("newest"))
    saver.put_writes(by_id, [("c", 1)], "task")
    for _ in range(3):
        ticking.clock.advance(60)
        found = [saver.get_tuple(by_id), saver.get_tuple(config("newest"))]
    assert [each is not None for each in found] == [refreshed] * 2
    if refreshed:
        assert saver.get_tuple(config("by id")).pending_writes == [("task", "c", 1)]
        assert saver.get_tuple(config("newest")).config == newest

"""LangChain's store of bytes and its cache, by what its own tests (`judges.py`) do not ask."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pyspike import AsyncClient, Client, InvalidArgument, InvalidType, Key

pytest.importorskip("langchain_core")

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk

from pyspike.contrib.langchain import AerospikeByteStore, AerospikeCache

pytestmark = pytest.mark.one_kind("asks the methods for threads and for tasks itself")
_numbers = itertools.count()


class ByTasks:
    """Methods of a store or a cache, done by the asynchronous ones."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.made, f"a{name}")
        return lambda *arguments, **options: asyncio.run(method(*arguments, **options))

    def yield_keys(self, *, prefix: str | None = None) -> list[str]:
        async def listed() -> list[str]:
            return [each async for each in self.made.ayield_keys(prefix=prefix)]

        return asyncio.run(listed())


def own_set(set_name: str) -> str:
    """A set that nothing else writes to."""
    return f"{set_name}-lc{next(_numbers)}"


@pytest.fixture(params=["threads", "tasks"])
def made(request: pytest.FixtureRequest, client: Client, set_name: str) -> Callable[..., Any]:
    def make(kind: type, **options: Any) -> Any:
        where = options.pop("where", None) or own_set(set_name)
        new = kind(client, namespace="test", set_name=where, **options)
        return new if request.param == "threads" else ByTasks(new)

    return make


def test_a_prefix_is_taken_as_it_is_written(made: Callable[..., Any]) -> None:
    store = made(AerospikeByteStore)
    keys = ["a.b", "axb", "a\\b", "a+b[", "(a", "^a", "a$", "ünï", "a\0b", "a\0c", "", "x" * 3000]
    store.mset([(key, key.encode()) for key in keys])
    for prefix in [None, *keys, "a", "x", "A"]:
        assert set(store.yield_keys(prefix=prefix)) == {key for key in keys if key.startswith(prefix or "")}
    assert store.mget([*keys, "none"]) == [*(key.encode() for key in keys), None]


def test_of_several_values_for_a_key_the_last_counts(made: Callable[..., Any]) -> None:
    store = made(AerospikeByteStore)
    store.mset([("a", b"1"), ("b", b"2"), ("a", b"3")])
    assert store.mget(["a", "a", "b"]) == [b"3", b"3", b"2"]
    store.mdelete(["a", "a", "none"])
    assert store.mget(["a", "b"]) == [None, b"2"]


@pytest.mark.parametrize("wrong", [("b", "text"), ("b", None), ("b", bytearray()), (1, b"1"), (b"b", b"1")])
def test_what_is_no_key_or_no_bytes_is_refused_before_anything_is_written(
    made: Callable[..., Any], wrong: tuple[Any, Any]
) -> None:
    store = made(AerospikeByteStore)
    with pytest.raises(InvalidType, match="not "):
        store.mset([("a", b"1"), wrong])
    assert list(store.yield_keys()) == []
    for method in (store.mget, store.mdelete):
        with pytest.raises(InvalidType, match="a key of the store is a str, not 1"):
            method([1])


def test_values_and_answers_live_as_long_as_they_shall(
    client: Client, made: Callable[..., Any], set_name: str
) -> None:
    values, answers = own_set(set_name), own_set(set_name)
    store = made(AerospikeByteStore, ttl=100, where=values)
    cache = made(AerospikeCache, ttl=200, where=answers)
    store.mset([("a", b"1")])
    cache.update("p", "m", [Generation(text="x")])
    assert 0 < (client.get(Key("test", values, "a")).ttl or 0) <= 100
    assert 100 < (client.get(Key("test", answers, '["p", "m"]')).ttl or 0) <= 200
    with pytest.raises(InvalidArgument, match="expiration"):
        made(AerospikeCache, ttl=-7)


def test_answers_come_back_as_what_they_were(made: Callable[..., Any]) -> None:
    cache = made(AerospikeCache)
    call = {"name": "f", "args": {"x": [1, None]}, "id": "1"}
    answers = [
        Generation(text="a", generation_info={"why": "stop"}),
        GenerationChunk(text="b"),
        ChatGeneration(message=AIMessage("c", tool_calls=[call], response_metadata={"k": 1.5}, id="7")),
        ChatGenerationChunk(message=AIMessageChunk("d")),
        ChatGeneration(message=HumanMessage([{"type": "text", "text": "e"}])),
    ]
    cache.update("prompt", "model", answers)
    found = cache.lookup("prompt", "model")
    assert found == answers
    assert [type(each) for each in found] == [type(each) for each in answers]
    assert cache.lookup("prompt", "other") is cache.lookup("promptmodel", "") is None
    cache.clear()
    assert cache.lookup("prompt", "model") is None


def test_what_can_not_be_kept_or_read_is_logged_and_not_known(
    client: Client, made: Callable[..., Any], set_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = own_set(set_name)
    cache = made(AerospikeCache, where=answers)
    with caplog.at_level(logging.WARNING):
        cache.update("p", "m", [Generation(text="a", generation_info={"o": object()})])
        assert cache.lookup("p", "m") is None
        assert "can't be kept as JSON" in caplog.text
        client.put(Key("test", answers, '["p", "m"]'), {"answers": ['{"kind": "Path"}']})
        assert cache.lookup("p", "m") is None
        assert "can't be read" in caplog.text
    with pytest.raises(InvalidType, match="is a Generation, not 'text'"):
        cache.update("p", "m", ["text"])


def test_an_async_client_serves_tasks(hosts: str, set_name: str) -> None:
    async def scenario() -> None:
        async with AsyncClient(hosts) as client:
            name = f"{set_name}-lc{next(_numbers)}"
            store = AerospikeByteStore(client, namespace="test", set_name=name)
            await store.amset([(str(number), b"v") for number in range(20)])
            assert [each async for each in store.ayield_keys(prefix="19")] == ["19"]
            with pytest.raises(InvalidArgument, match="serves tasks only"):
                store.mget(["1"])
            with pytest.raises(InvalidArgument, match="serves tasks only"):
                list(store.yield_keys())

    asyncio.run(scenario())

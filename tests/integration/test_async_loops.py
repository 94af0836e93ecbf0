"""Loops come and go, in threads and in forked children, under asyncio and uvloop, without noise or leftovers.

Each scenario of async_scenarios.py runs in a process of its own, in Python's development mode with warnings
as errors; it must print nothing.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from async_scenarios import SCENARIOS

from pyspike import AsyncClient, Client, ClientPolicy, Key, errors
from pyspike.server import EmbeddedCluster
from support.pipes import in_loop
from support.processes import run_scenario


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in SCENARIOS])
@pytest.mark.one_kind("its scenarios are about tasks")
def test_loops(hosts: str, set_name: str, scenario: str, loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    if ("fork" in scenario or "child" in scenario) and not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    monkeypatch.setenv("PYSPIKE_TEST_LOOP", loop)
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    run_scenario("async_scenarios.py", scenario, hosts, set_name)


# The loop goes on -------------------------------------------------------------------------------------------


class Ticker:
    """A task that wants to run every few milliseconds."""

    def __init__(self) -> None:
        self.ticks = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            self.ticks += 1


@asynccontextmanager
async def ticking() -> AsyncIterator[Ticker]:
    ticker = Ticker()
    task = asyncio.create_task(ticker.run())
    try:
        yield ticker
    finally:
        task.cancel()
        await asyncio.wait([task])


@in_loop
async def test_connecting_to_a_node_that_does_not_answer_lets_the_loop_go_on(one: EmbeddedCluster) -> None:
    one.nodes[0].freeze()
    async with ticking() as ticker:
        with pytest.raises(errors.ConnectFailed):
            await AsyncClient.connect(one.hosts, ClientPolicy(timeout=600))
    assert ticker.ticks >= 20


def test_resolving_names_lets_the_loop_go_on(one: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    resolve = socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.5)
        return resolve(*args, **kwargs)

    @in_loop
    async def run() -> None:
        hosts, policy = f"localhost:{one.nodes[0].port}", ClientPolicy(timeout=5000)
        async with ticking() as ticker, AsyncClient(hosts, policy) as client:
            assert ticker.ticks >= 20
            await client.put(("test", "s", 1), {"a": 1})

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    run()


@in_loop
async def test_closing_while_a_call_goes_on_lets_the_loop_go_on(one: EmbeddedCluster) -> None:
    client = await AsyncClient.connect(one.hosts, ClientPolicy(tend_interval=20, timeout=800))
    await client.put(("test", "s", 1), {"a": 1})
    await asyncio.to_thread(one.nodes[0].freeze)
    call = asyncio.ensure_future(client.get(("test", "s", 1), timeout=800))
    await asyncio.sleep(0)
    async with ticking() as ticker:
        await client.close(timeout=30_000)
    assert call.done()
    assert isinstance(call.exception(), errors.TimeoutError)
    assert ticker.ticks >= 10


@in_loop
async def test_info_lets_the_loop_go_on(one: EmbeddedCluster) -> None:
    async with AsyncClient(one.hosts) as client:
        assert await client.info("node", "A1") == "A1"
        await asyncio.to_thread(one.nodes[0].delay, 0.3)
        async with ticking() as ticker:
            await client.info("build")
        assert ticker.ticks >= 10


@in_loop
async def test_under_load_the_loop_goes_on(hosts: str, set_name: str) -> None:
    async with AsyncClient(hosts) as client:
        key = Key("test", set_name, "load")
        await client.put(key, {"a": 1})

        async def load() -> None:
            for _ in range(100):
                await client.get(key, timeout=30_000)

        async with ticking() as ticker:
            await asyncio.gather(*(load() for _ in range(100)))
            assert ticker.ticks >= 5


# Views and closing ------------------------------------------------------------------------------------------


@in_loop
async def test_a_view_uses_the_connections_of_the_client(hosts: str, set_name: str) -> None:
    async with AsyncClient(hosts) as client:
        view = client.with_policies()
        await asyncio.gather(client.exists(("test", set_name, 1)), view.exists(("test", set_name, 1)))
        assert len(client.stats().loops) == 1
        assert view.nodes() == client.nodes()
        await view.close()
        assert client.is_connected() is False


@in_loop
async def test_the_client_can_be_closed_from_many_tasks(hosts: str) -> None:
    client = await AsyncClient.connect(hosts)
    await client.exists(("test", "s", 1))
    await asyncio.gather(*(client.close() for _ in range(10)))
    with pytest.raises(errors.ClientClosed):
        await client.exists(("test", "s", 1))


@in_loop
async def test_entering_again_is_harmless(hosts: str) -> None:
    async with await AsyncClient.connect(hosts) as client:
        rounds = client.stats().tend.rounds
        assert rounds >= 1
        assert client.is_connected()


# The end ----------------------------------------------------------------------------------------------------


@in_loop
async def test_a_client_that_was_closed_can_not_be_entered(hosts: str) -> None:
    never_opened = AsyncClient(hosts)
    opened = await AsyncClient.connect(hosts)
    view = opened.with_policies()
    for client in (never_opened, opened):
        await client.close()
    for client in (never_opened, opened, view):
        with pytest.raises(errors.ClientClosed, match="the client is closed"):
            await client.__aenter__()
        with pytest.raises(errors.ClientClosed):
            await client.get(("test", "s", 1))


@pytest.mark.one_kind("is about tasks that use a Client's cluster")
@in_loop
async def test_a_client_whose_shared_one_was_closed_can_not_be_entered(hosts: str) -> None:
    shared = await asyncio.to_thread(Client, hosts)
    client = AsyncClient.sharing(shared)
    async with client:
        pass
    with pytest.raises(errors.ClientClosed):
        await client.__aenter__()
    other = AsyncClient.sharing(shared)
    await asyncio.to_thread(shared.close)
    for each in (other, AsyncClient.sharing(shared)):
        with pytest.raises(errors.ClientClosed):
            await each.__aenter__()
    with pytest.raises(errors.ClientClosed):
        shared.__enter__()


@in_loop
async def test_closing_while_it_connects_says_that_it_is_closed(one: EmbeddedCluster) -> None:
    await asyncio.to_thread(one.nodes[0].freeze)
    client = AsyncClient(one.hosts, ClientPolicy(timeout=1500))
    entering = asyncio.ensure_future(client.__aenter__())
    await asyncio.sleep(0.3)
    assert not entering.done()
    await client.close()
    with pytest.raises(errors.ClientClosed):
        await entering

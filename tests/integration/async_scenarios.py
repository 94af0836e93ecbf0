"""What test_async_loops has done in processes of their own: `python async_scenarios.py <scenario> <hosts>`.

Loops come and go here, in the ways they do in applications. Nothing is printed unless something is wrong: run
in Python's development mode, with all warnings as errors, anything that is not closed, awaited or retrieved
shows.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

from fork_scenarios import expect_well, in_child

from pyspike import AsyncClient, ClientPolicy, Key, ReadPolicy, WritePolicy, errors
from support.clients import BlockingClient
from support.cluster_tools import wait_until
from support.processes import main
from support.raising import raises
from support.sockets import sockets
from support.threads import tend_threads
from support.unclosed import expects_unclosed

SET = os.environ.get("PYSPIKE_TEST_SET", "loops")
RUN = os.environ.get("PYSPIKE_TEST_RUN", "")
UVLOOP = os.environ.get("PYSPIKE_TEST_LOOP") == "uvloop"
SLOW = 60  # seconds from which the development mode tells of a callback, as the machine may be slow


def key(name: object) -> Key:
    return Key("test", SET, f"{RUN} {name}")


def new_loop() -> asyncio.AbstractEventLoop:
    if UVLOOP:
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    loop.slow_callback_duration = SLOW
    return loop


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run`, on the loop that is tested."""

    async def patient() -> Any:
        asyncio.get_running_loop().slow_callback_duration = SLOW
        return await work

    if UVLOOP:
        import uvloop

        return uvloop.run(patient(), debug=True)
    return asyncio.run(patient(), debug=True)


# Of threads that have to share a core.
LONG_READ, LONG_WRITE = ReadPolicy(total_timeout=10_000), WritePolicy(total_timeout=10_000)


async def use(client: AsyncClient, name: object = "x", count: int = 40) -> None:
    """Commands of several tasks, each of which checks what it reads."""

    async def work(number: int) -> None:
        mine = key(f"{name} {number}")
        await client.put(mine, {"name": f"{name}", "n": number}, timeout=20_000)
        for _ in range(3):
            record = await client.get(mine, timeout=20_000)
            assert record.bins == {"name": f"{name}", "n": number}

    await asyncio.gather(*(work(number) for number in range(count)))


# One loop ---------------------------------------------------------------------------------------------------


def a_client_in_a_loop(hosts: str) -> None:
    async def work() -> None:
        async with AsyncClient(hosts) as client:
            await use(client)

    run(work())
    assert (sockets(), tend_threads()) == ({}, set())


def a_client_that_is_not_closed(hosts: str) -> None:
    async def work() -> None:
        client = await AsyncClient.connect(hosts)
        await use(client)

    with expects_unclosed():
        run(work())
    wait_until(lambda: not sockets() and not tend_threads(), "the end of all")


def a_client_that_is_dropped_while_the_loop_goes_on(hosts: str) -> None:
    async def work() -> None:
        before = len(sockets())
        client: AsyncClient | None = await AsyncClient.connect(hosts)
        assert client is not None
        await use(client)
        assert len(sockets()) > before
        with expects_unclosed():
            client = None
        end = time.monotonic() + 10
        while len(sockets()) > before or tend_threads():
            gc.collect()
            assert time.monotonic() < end, f"{sockets()}, {tend_threads()} tend threads"
            await asyncio.sleep(0.01)

    run(work())


def tasks_that_are_still_under_way_when_the_loop_ends(hosts: str) -> None:
    kept = []

    async def work() -> None:
        client = await AsyncClient.connect(hosts)
        kept.append(client)
        await use(client)
        tasks = [asyncio.ensure_future(use(client, number)) for number in range(20)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        kept.append(tasks)

    run(work())
    run(kept[0].close())


def a_loop_that_ends_before_the_first_connection_is_open(hosts: str) -> None:
    for turns in range(6):

        async def work(turns: int = turns) -> None:
            client = await AsyncClient.connect(hosts)
            task = asyncio.ensure_future(client.get(key("x"), default=None))
            for _ in range(turns):
                await asyncio.sleep(0)
            if turns % 2:
                task.cancel()

        with expects_unclosed():
            run(work())

    def gone() -> bool:
        gc.collect()  # again and again, as a round of tending holds on to its cluster
        return not sockets() and not tend_threads()

    wait_until(gone, "the end of all")


def a_main_task_that_fails(hosts: str) -> None:
    async def work() -> None:
        async with AsyncClient(hosts) as client:
            await use(client)
            await asyncio.gather(use(client), fail())

    async def fail() -> None:
        raise ZeroDivisionError

    with raises(ZeroDivisionError):
        run(work())
    assert (sockets(), tend_threads()) == ({}, set())


def errors_of_tasks_are_their_own(hosts: str) -> None:
    async def work() -> None:
        async with AsyncClient(hosts) as client:
            results = await asyncio.gather(
                *(client.get(key(f"no {n}")) for n in range(50)), return_exceptions=True
            )
            assert [error.key for error in results] == [key(f"no {n}") for n in range(50)]
            tasks = [asyncio.ensure_future(client.get(key("no"))) for _ in range(50)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()  # before, or after, or as the error comes
                await asyncio.wait([task])

    run(work())


def timeouts_and_lost_connections_are_quiet(hosts: str) -> None:
    from pyspike.server import EmbeddedCluster  # here, as it takes longer to import than most scenarios run

    with EmbeddedCluster(process=True) as cluster:
        node = cluster.nodes[0]

        async def work() -> None:
            async with AsyncClient(cluster.hosts, ClientPolicy(tend_interval=50)) as client:
                for fault in (node.freeze, node.close_after_request, node.cut, node.garbage, node.refuse):
                    await use(client)
                    await asyncio.to_thread(fault)
                    calls = [asyncio.ensure_future(client.get(key(n), timeout=60)) for n in range(20)]
                    calls += [
                        asyncio.ensure_future(client.put(key(n), {"a": 1}, timeout=60)) for n in range(20)
                    ]
                    await asyncio.sleep(0.01)
                    calls[0].cancel()
                    await asyncio.gather(*calls, return_exceptions=True)
                    await asyncio.to_thread(node.thaw)
                    if fault == node.refuse:
                        await asyncio.to_thread(node.accept)
                    end = time.monotonic() + 10
                    while True:
                        try:
                            await client.put(key("back"), {"a": 1})
                            break
                        except errors.AerospikeError:
                            assert time.monotonic() < end
                            await asyncio.sleep(0.02)

        run(work())
        gc.collect()


# Several loops ----------------------------------------------------------------------------------------------


def one_run_after_another(hosts: str) -> None:
    client = run(AsyncClient.connect(hosts))
    for number in range(6):
        run(use(client, number))
        assert [
            stats for stats in client.stats().loops if any(channel.open for channel in stats.values())
        ] == []
    assert len(tend_threads()) == 1
    run(client.close())
    assert (sockets(), tend_threads()) == ({}, set())


def loops_that_are_run_by_hand(hosts: str) -> None:
    client = run(AsyncClient.connect(hosts))
    for number in range(3):
        loop = new_loop()
        loop.run_until_complete(use(client, number))
        loop.run_until_complete(use(client, number))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    run(client.close())
    assert sockets() == {}


def a_loop_that_is_closed_without_a_word(hosts: str) -> None:
    # asyncio itself complains of what is open then, and whoever does that is used to it.
    warnings.simplefilter("ignore", ResourceWarning)
    client = run(AsyncClient.connect(hosts))
    for number in range(5):
        loop = new_loop()
        loop.run_until_complete(use(client, number))
        loop.close()
        del loop
    run(use(client))
    gc.collect()
    assert len(client.stats().loops) == 1
    run(client.close())
    gc.collect()
    assert (sockets(), tend_threads()) == ({}, set())


def the_only_command_is_cancelled_while_its_connection_opens(hosts: str) -> None:
    warnings.simplefilter("ignore", ResourceWarning)  # of a loop that is closed without a word

    async def cancel_after(client: AsyncClient, turns: int) -> None:
        call = asyncio.ensure_future(client.get(key("x")))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    async def and_close(client: AsyncClient, turns: int) -> None:
        await cancel_after(client, turns)
        await client.close()

    for turns in range(1, 10):
        for step in (cancel_after, and_close):
            for quietly in (True, False):
                loop = new_loop()
                client = loop.run_until_complete(AsyncClient.connect(hosts))
                loop.run_until_complete(step(client, turns))
                if quietly:
                    loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()
                del loop
                gc.collect()
                run(client.close())
                del client
                gc.collect()
        run(cancel_after(run(AsyncClient.connect(hosts)), turns))
    gc.collect()
    assert sockets() == {}


def loops_in_threads_at_once(hosts: str) -> None:
    client = run(AsyncClient.connect(hosts))
    patient = client.with_policies(read=LONG_READ, write=LONG_WRITE)
    failures: list[BaseException] = []
    together = threading.Barrier(5)

    def work(number: int) -> None:
        async def several() -> None:
            together.wait()
            for turn in range(5):
                await use(patient, f"{number} {turn}")

        try:
            run(several())
            run(use(patient, number))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    assert len(tend_threads()) == 1
    run(client.close())
    assert (sockets(), tend_threads()) == ({}, set())


def closed_from_another_loop(hosts: str) -> None:
    for _ in range(4):
        client = run(AsyncClient.connect(hosts))
        outcomes: list[BaseException] = []
        started = threading.Barrier(3)

        def work(
            client: AsyncClient = client,
            outcomes: list[BaseException] = outcomes,
            started: threading.Barrier = started,
        ) -> None:
            async def load() -> None:
                await use(client)
                await asyncio.to_thread(started.wait)
                while True:
                    await use(client)

            try:
                run(load())
            except BaseException as error:
                outcomes.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        started.wait()
        time.sleep(0.02)
        run(client.close())
        for thread in threads:
            thread.join()
        assert [type(outcome) for outcome in outcomes] == [errors.ClientClosed] * 2, outcomes
        assert (sockets(), tend_threads()) == ({}, set())


def tasks_and_threads_share_a_cluster(hosts: str) -> None:
    with BlockingClient(hosts) as client:
        client.put(key("shared"), {"name": "shared"})

        async def work() -> None:
            async with AsyncClient.sharing(client) as tasks:
                assert await tasks.get(key("shared")) == client.get(key("shared"))
                await use(tasks)
                assert len(tend_threads()) == 1
                assert tasks.nodes() == client.nodes()
            assert tasks.is_connected() is False
            with raises(errors.ClientClosed):
                await tasks.get(key("shared"))

        run(work())
        assert client.get(key("shared"))["name"] == "shared"
        tasks = AsyncClient.sharing(client)
        run(use(tasks))
    with raises(errors.ClientClosed):
        run(tasks.get(key("shared")))
    assert (sockets(), tend_threads()) == ({}, set())


# Fork -------------------------------------------------------------------------------------------------------


def a_child_has_loops_of_its_own(hosts: str) -> None:
    client = run(AsyncClient.connect(hosts))
    run(use(client))
    for number in range(4):
        expect_well(in_child(lambda n=number: run(use(client, f"child {n}"))))  # type: ignore[misc]
        run(use(client))
    run(client.close())
    expect_well(in_child(lambda: expect_closed(client)))


def expect_closed(client: AsyncClient) -> None:
    with raises(errors.ClientClosed):
        run(client.get(key("x")))


def a_fork_inside_the_loop_leaves_the_parents_connections(hosts: str) -> None:
    async def work() -> None:
        async with AsyncClient(hosts) as client:
            await use(client)
            mine = sockets()
            tasks = [asyncio.ensure_future(use(client, number)) for number in range(5)]
            await asyncio.sleep(0)
            pids = [in_child(lambda: child(client, mine)) for _ in range(3)]
            await asyncio.gather(*tasks)
            for _ in range(5):
                await use(client)
            await asyncio.to_thread(expect_well, *pids)
            await use(client)
            for channel in client.stats().loops[0].values():  # forks hold commands up, so tasks got more
                assert channel.closed.keys() <= {"not needed"}, f"the child disturbed the parent: {channel}"

    def child(client: AsyncClient, parents: dict[int, int]) -> None:
        asyncio._set_running_loop(None)  # whoever forks in a loop has to leave it

        async def in_a_loop_of_its_own() -> None:
            await use(client, f"child {os.getpid()}")
            shared = set(sockets().values()) & set(parents.values())
            channels = client.stats().loops
            assert len(channels) == 1
            assert len(shared) <= 2, "more than the parent's loop has to wake itself up"

        run(in_a_loop_of_its_own())

    run(work())


def the_parents_loop_can_not_be_used_in_the_child(hosts: str) -> None:
    async def work() -> None:
        async with AsyncClient(hosts) as client:
            await use(client)
            expect_well(in_child(lambda: child(client)))
            await use(client)

    def child(client: AsyncClient) -> None:
        call = client.get(key("x"))
        with raises(RuntimeError, match="no running event loop"):
            call.send(None)

    run(work())


# Not connected ----------------------------------------------------------------------------------------------


def a_client_that_was_never_connected(hosts: str) -> None:
    async def work() -> None:
        client = AsyncClient(hosts)
        with raises(errors.ClientClosed, match="not connected yet") as caught:
            await client.get(key("x"))
        assert "async with" in caught.value.advice
        await client.close()
        await client.close()
        assert client.is_connected() is False

    run(work())


def nobody_to_connect_to(hosts: str) -> None:
    async def work() -> None:
        for _ in range(3):
            with raises(errors.ConnectFailed, match=r"127\.0\.0\.1:1"):
                await AsyncClient.connect("127.0.0.1:1", ClientPolicy(timeout=300))

    run(work())
    gc.collect()
    wait_until(lambda: not tend_threads(), "the end of the tend thread")


SCENARIOS: list[Callable[[str], None]] = [
    a_client_in_a_loop,
    a_client_that_is_not_closed,
    a_client_that_is_dropped_while_the_loop_goes_on,
    tasks_that_are_still_under_way_when_the_loop_ends,
    a_loop_that_ends_before_the_first_connection_is_open,
    a_main_task_that_fails,
    errors_of_tasks_are_their_own,
    timeouts_and_lost_connections_are_quiet,
    one_run_after_another,
    loops_that_are_run_by_hand,
    a_loop_that_is_closed_without_a_word,
    the_only_command_is_cancelled_while_its_connection_opens,
    loops_in_threads_at_once,
    closed_from_another_loop,
    tasks_and_threads_share_a_cluster,
    a_child_has_loops_of_its_own,
    a_fork_inside_the_loop_leaves_the_parents_connections,
    the_parents_loop_can_not_be_used_in_the_child,
    a_client_that_was_never_connected,
    nobody_to_connect_to,
]

if __name__ == "__main__":
    os.environ.pop("PYTHONDEVMODE", None)  # not for the embedded server
    main(SCENARIOS)
    gc.collect()
    sys.stderr.flush()

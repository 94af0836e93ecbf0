"""What test_unseen_fork has done in processes of their own: `python <this file> <scenario> <hosts>`.

Forks by C code, which Python does not see, so that none of its own hooks runs: `fork()` of libc, as uWSGI
calls it. Nothing is printed unless something is wrong.

Without its hooks Python itself does not survive a fork during which a thread waits for the GIL: the child
waits for that thread, which it does not have, as soon as it lets go of the GIL. So here the other threads
wait for answers, or for a next round of tending that is far away.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from fork_scenarios import count, expect_well, key

from pyspike import AsyncClient, ClientPolicy, Key
from pyspike.server import EmbeddedCluster
from support.clients import Client
from support.cluster_tools import Outcome, in_thread, wait_until
from support.processes import main
from support.sockets import connections, sockets

libc = ctypes.PyDLL(None)  # keeps the GIL, which a child would otherwise wait for for ever

SELDOM = ClientPolicy(tend_interval=60_000)
FORKS = 40
KEYS = 200  # with a record each
GETS = 6  # on each side, after each fork
WRITES = 50
UNDER_WAY = 0.8  # seconds that an answer takes which is to come after a fork
REST = 0.15  # seconds for other threads to come to rest, so that none waits for the GIL
PATIENCE = 30  # seconds that a child may take


def in_child(work: Callable[[], object]) -> int:
    """Fork as C code does; the child does the work and ends with 0, or with 1 if it fails."""
    pid: int = libc.fork()
    if pid:
        return pid
    signal.alarm(PATIENCE)
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def own(number: int) -> Key:
    return key(f"own {number}")


def fill(client: Any) -> None:
    for number in range(KEYS):
        client.put(own(number), {"n": number}, timeout=10_000)


def value_of(client: Any, number: int) -> int:
    found: int = client.get(own(number), timeout=10_000)["n"]
    return found


def get_own(client: Any, first: int) -> None:
    """Each get gives its own key's record."""
    for number in range(first, first + GETS):
        found = value_of(client, number % KEYS)
        assert found == number % KEYS, f"asked for {number % KEYS}, got {found}"


def rounds(client: Any) -> int:
    """How many rounds of tending there have been."""
    number: int = client.stats().tend.rounds
    return number


def await_round(client: Any, after: int) -> None:
    """Wait for the end of the round of tending after so many, so that the next one is some time away."""
    wait_until(lambda: rounds(client) > after, "a round of tending")
    time.sleep(REST / 3)


# Threads ----------------------------------------------------------------------------------------------------


def each_side_gets_its_own_answers(hosts: str) -> None:
    with Client(hosts, SELDOM.replace(min_conns_per_node=4)) as client:
        fill(client)
        for round_ in range(FORKS):
            pids = [in_child(lambda n=n: get_own(client, n)) for n in (round_, round_ + 50)]  # type: ignore[misc]
            get_own(client, round_ + 100)
            expect_well(*pids)


@contextlib.contextmanager
def under_way(
    cluster: EmbeddedCluster, begin: Callable[[], object], count: Callable[[], int]
) -> Iterator[None]:
    """Inside, the answers of the commands that this begins are still to come; slow machines get more time."""
    for node in cluster.nodes:
        node.delay(UNDER_WAY)
    begin()
    wait_until(lambda: count() == GETS, "that all wait for their answers")
    time.sleep(REST)
    yield
    for node in cluster.nodes:
        node.delay(0)


def each_side_gets_its_own_answers_with_commands_under_way(_: str) -> None:
    with EmbeddedCluster(nodes=3, process=True) as cluster, Client(cluster.hosts, SELDOM) as client:
        fill(client)

        def in_use() -> int:
            return sum(node.pool.in_flight for node in client.stats().nodes.values())

        def child(first: int) -> None:
            get_own(client, first)
            client.add(own(first), {"visits": 1}, timeout=10_000)

        for round_ in range(FORKS // 8):
            calls: list[Outcome] = []

            def begin(first: int = round_, calls: list[Outcome] = calls) -> None:
                calls += [in_thread(partial(value_of, client, n)) for n in range(first, first + GETS)]

            with under_way(cluster, begin, in_use):
                pids = [in_child(lambda n=n: child(n)) for n in (round_, round_ + 50)]  # type: ignore[misc]
            get_own(client, round_ + 100)
            assert [call.result() for call in calls] == list(range(round_, round_ + GETS))
            expect_well(*pids)


def the_child_tends_and_follows_a_node_that_moves(_: str) -> None:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        client = Client(cluster.hosts, ClientPolicy(tend_interval=400))
        fill(client)
        rounds = client.stats().tend.rounds
        wait_until(lambda: client.stats().tend.rounds > rounds)  # so that the next one is some time away
        told, tell = os.pipe()

        def child() -> None:
            client.get(own(1))
            port = int(os.read(told, 10))
            wait_until(lambda: port in {node.host.port for node in client.nodes()}, "the node's new address")
            for number in range(WRITES):
                client.put(own(number), {"n": number, "child": 1}, timeout=10_000)
            client.close()

        pid = in_child(child)
        os.write(tell, str(cluster.nodes[1].restart(0)).encode())
        expect_well(pid)
        get_own(client, 0)
        client.close()


def sockets_are_let_go_of_at_once(hosts: str) -> None:
    """Also those that are being connected, and by a child that never uses a client."""
    client = Client(hosts, SELDOM.replace(min_conns_per_node=3))
    fill(client)
    parents = sockets()

    def child() -> None:
        assert sockets() == {}, "the parent's sockets are still open in the child"
        files = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in parents}
        assert set(files.values()) == {"/dev/null"}, files
        assert sum(node.pool.open for node in client.stats().nodes.values()) == 0
        count(client, "child")
        mine = sockets()
        assert mine
        assert not set(mine.values()) & set(parents.values()), "a socket of the parent's"

    expect_well(in_child(lambda: None), in_child(child))
    assert set(parents.items()) <= set(sockets().items()), "a socket of the parent's was closed"
    count(client, "again", 5)
    closed = [node.pool.closed for node in client.stats().nodes.values()]
    assert not any(closed), f"the child disturbed the parent's connections: {closed}"
    client.close()


def a_number_that_became_another_file_stays_that_file(hosts: str) -> None:
    """Only what is the very socket that was owned is taken from the child."""
    numbers = []
    with Client(hosts, SELDOM) as client:
        fill(client)
        numbers = list(sockets())
    files = [open("/dev/zero", "rb") for _ in numbers]  # noqa: SIM115
    assert {file.fileno() for file in files} & set(numbers)

    def child() -> None:
        assert {os.readlink(f"/proc/self/fd/{file.fileno()}") for file in files} == {"/dev/zero"}

    expect_well(in_child(child))
    for file in files:
        file.close()


def every_call_of_a_client_may_be_the_first_in_the_child(hosts: str) -> None:
    with Client(hosts, SELDOM) as client:
        fill(client)
        firsts: list[Callable[[], object]] = [
            lambda: client.stats().nodes,
            client.nodes,
            client.is_connected,
            lambda: client.info("build"),
            lambda: client.put(own(1), {"n": 1}),
            client.close,
            lambda: Client(hosts).close(),
            gc.collect,
        ]

        def child(first: Callable[[], object]) -> None:
            first()
            if first != client.close:
                get_own(client, 0)
                client.close()

        for first in firsts:
            expect_well(in_child(lambda first=first: child(first)))  # type: ignore[misc]
            get_own(client, 10)


def a_child_of_a_child(hosts: str) -> None:
    with Client(hosts, SELDOM) as client:
        fill(client)

        def child() -> None:
            before = rounds(client)
            get_own(client, 0)
            await_round(client, before)  # the first of this process
            pid = in_child(lambda: get_own(client, 20))
            get_own(client, 40)
            expect_well(pid)
            pid = os.fork()
            if pid == 0:
                get_own(client, 60)
                os._exit(0)
            expect_well(pid)

        for _ in range(5):
            pid = in_child(child)
            get_own(client, 80)
            expect_well(pid)


def a_crowd_of_threads_is_first_in_the_child(hosts: str) -> None:
    """One of them has all start over, the others wait for it."""
    with Client(hosts, SELDOM) as client:
        fill(client)

        def child() -> None:
            failures: list[BaseException] = []

            def work(number: int) -> None:
                try:
                    get_own(client, number)
                except BaseException as error:
                    failures.append(error)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert not failures, failures

        for _ in range(5):
            expect_well(in_child(child))


# Tasks ------------------------------------------------------------------------------------------------------


async def task_gets(client: AsyncClient, first: int) -> None:
    """The gets of several tasks at once, each of its own key."""

    async def one(number: int) -> None:
        found = (await client.get(own(number % KEYS), timeout=10_000))["n"]
        assert found == number % KEYS, f"asked for {number % KEYS}, got {found}"

    await asyncio.gather(*(one(number) for number in range(first, first + GETS)))


def tasks_on_each_side_get_their_own_answers(_: str) -> None:
    """The fork is in another thread than the loop, whose commands are under way."""
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        with Client(cluster.hosts, SELDOM) as client:
            fill(client)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()

        def in_loop(work: Coroutine[Any, Any, Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop)

        tasks: AsyncClient = in_loop(AsyncClient.connect(cluster.hosts, SELDOM)).result()

        def in_flight() -> int:
            return sum(lane.in_flight for each in tasks.stats().loops for lane in each.values())

        async def child(first: int) -> None:
            for number in range(first, first + GETS):
                await task_gets(tasks, number)
            await tasks.add(own(first), {"visits": 1}, timeout=10_000)

        in_loop(task_gets(tasks, 0)).result()
        for round_ in range(FORKS // 8):
            calls: list[Any] = []

            def begin(first: int = round_, calls: list[Any] = calls) -> None:
                calls.append(in_loop(task_gets(tasks, first)))

            with under_way(cluster, begin, in_flight):
                pids = [in_child(lambda n=n: asyncio.run(child(n))) for n in (round_, round_ + 50)]  # type: ignore[misc]
            in_loop(task_gets(tasks, round_ + 100)).result()
            calls[0].result()
            expect_well(*pids)
        in_loop(tasks.close()).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def forked_in_its_loop() -> Iterator[int]:
    """Fork inside the running loop, which goes on on both sides; gives 0 in the child."""
    loop = asyncio.get_running_loop()
    pid: int = libc.fork()
    if pid:
        yield pid
        return
    signal.alarm(PATIENCE)
    asyncio._set_running_loop(loop)  # as it stays from Python 3.12 on
    try:
        yield 0
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)


def a_loop_that_goes_on_in_the_child_gets_its_own_answers(hosts: str) -> None:
    """Commands that were under way at the fork end in the child too, not by the parent's connections."""
    with Client(hosts, SELDOM) as client:
        fill(client)

    async def work() -> None:
        async with AsyncClient(hosts, SELDOM) as client:
            await task_gets(client, 0)
            for round_ in range(5):
                parents = connections(hosts)
                under_way = [asyncio.ensure_future(task_gets(client, n)) for n in range(0, 100, 10)]
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                with forked_in_its_loop() as pid:
                    await asyncio.gather(*under_way)
                    await task_gets(client, round_)
                    if not pid:
                        assert not connections(hosts) & parents, "a connection of the parent's"
                        os._exit(0)
                    while not (ended := os.waitpid(pid, os.WNOHANG))[
                        0
                    ]:  # a thread might want the GIL next time
                        await asyncio.sleep(0.005)
                    assert ended[1] == 0, f"child {pid} ended with {ended[1]}"
                await task_gets(client, 100)
            for lane in client.stats().loops[0].values():
                assert lane.closed == {}, f"the child disturbed the parent: {lane}"

    asyncio.run(work())


SCENARIOS: tuple[Callable[[str], None], ...] = (
    each_side_gets_its_own_answers,
    each_side_gets_its_own_answers_with_commands_under_way,
    the_child_tends_and_follows_a_node_that_moves,
    sockets_are_let_go_of_at_once,
    a_number_that_became_another_file_stays_that_file,
    every_call_of_a_client_may_be_the_first_in_the_child,
    a_child_of_a_child,
    a_crowd_of_threads_is_first_in_the_child,
    tasks_on_each_side_get_their_own_answers,
    a_loop_that_goes_on_in_the_child_gets_its_own_answers,
)

if __name__ == "__main__":
    main(SCENARIOS)

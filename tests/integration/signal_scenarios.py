"""What test_signals has done in processes of their own: `python signal_scenarios.py <scenario> <hosts>`.

What the main thread calls, and Ctrl-C interrupts, is run by `asyncio.run` if it is of tasks.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyspike import AsyncClient, ClientPolicy, InfoPolicy, Key, ReadPolicy, Statement, WritePolicy
from pyspike.server import EmbeddedCluster
from support.clients import KIND, Client, at_most
from support.cluster_tools import closed, in_thread, pools, wait_until
from support.facade import run_in_main_thread
from support.interrupts import PROMPT, inside, interrupted
from support.processes import main
from support.sockets import connections

KEY = Key("test", os.environ.get("PYSPIKE_TEST_SET", "signals"), os.environ.get("PYSPIKE_TEST_RUN", "k"))


@contextmanager
def frozen(policy: ClientPolicy | None = None) -> Iterator[tuple[EmbeddedCluster, Client]]:
    with EmbeddedCluster() as cluster, Client(cluster.hosts, policy) as client:
        client.put(KEY, {"a": 1})
        cluster.nodes[0].freeze()
        yield cluster, client


def usable(cluster: EmbeddedCluster, client: Client) -> None:
    cluster.nodes[0].thaw()
    wait_until(client.is_connected)
    client.put(KEY, {"a": 2}, timeout=10_000)
    assert client.get(KEY, timeout=10_000).bins == {"a": 2}
    # The thread of a stream for tasks lets its connections go when it looks whether anybody wants more.
    wait_until(lambda: pools(client, "in_flight") == pools(client, "waiting") == 0)


def broken(client: Client) -> dict[str, int]:
    """How many connections were closed, by reason, but for those that ended in order with their loop."""
    return {reason: count for reason, count in closed(client).items() if reason != "client closed"}


# In the middle of something ---------------------------------------------------------------------------------


def in_a_read_without_a_deadline() -> None:
    with frozen() as (cluster, client):
        with interrupted():
            client.get(KEY, policy=ReadPolicy(total_timeout=0))
        assert broken(client) == ({"interrupted": 1} if KIND == "threads" else {})
        usable(cluster, client)


def in_a_write() -> None:
    with frozen() as (cluster, client):
        with interrupted():
            client.put(KEY, {"a": 3}, timeout=60_000)
        usable(cluster, client)


def in_a_large_write_that_nobody_reads() -> None:
    with frozen() as (cluster, client):
        with interrupted():
            client.put(KEY, {"a": bytes(50_000_000)}, timeout=30_000)
        usable(cluster, client)


def in_a_stream_of_columns() -> None:
    with frozen() as (cluster, client):
        stream = client.query_arrow(Statement(KEY.namespace, KEY.set_name), timeout=60_000)
        with interrupted():
            next(stream)
        cluster.nodes[0].thaw()
        rest = client.query_arrow(Statement(KEY.namespace, KEY.set_name), cursor=stream.cursor)
        assert sum(batch.num_rows for batch in rest) == 1, "what was not handed out comes again"
        cluster.nodes[0].freeze()
        keys = client.batch_get_arrow([KEY], timeout=60_000)
        with interrupted():
            next(keys)
        usable(cluster, client)


def in_a_library_that_reads_a_stream() -> None:
    try:
        import pyarrow
    except ImportError:
        return
    with frozen() as (cluster, client):
        statement = Statement(KEY.namespace, KEY.set_name)
        with interrupted():
            client.query_arrow(statement, schema={"a": int}, timeout=60_000).to_pyarrow()
        if KIND == "threads":
            stream = client.query_arrow(statement, schema={"a": int}, timeout=60_000)
            with interrupted():
                try:
                    pyarrow.table(stream)  # raises an error of its own
                finally:
                    time.sleep(1)
            assert isinstance(stream.error, KeyboardInterrupt)
        usable(cluster, client)


def in_line_for_a_connection() -> None:
    with frozen(at_most(1)) as (cluster, client):
        holder = in_thread(lambda: client.get(KEY, timeout=60_000))
        wait_until(lambda: pools(client, "in_flight") == 1)
        with interrupted():
            client.get(KEY, timeout=60_000)
        assert pools(client, "waiting") == 0
        cluster.nodes[0].thaw()
        assert holder.result().bins == {"a": 1}
        usable(cluster, client)


def between_two_tries() -> None:
    with EmbeddedCluster() as cluster, Client(cluster.hosts) as client:
        cluster.nodes[0].answer_with(9, times=10)
        policy = WritePolicy(max_retries=5, sleep_between_retries=60_000, total_timeout=0)
        with interrupted():
            client.put(KEY, {"a": 1}, policy=policy)
        cluster.heal()
        usable(cluster, client)


def in_info() -> None:
    with frozen() as (cluster, client):
        with interrupted():
            client.info("build", policy=InfoPolicy(timeout=60_000))
        usable(cluster, client)


def in_connect() -> None:
    with EmbeddedCluster() as cluster:
        cluster.nodes[0].freeze()
        with interrupted():
            Client(cluster.hosts, ClientPolicy(timeout=60_000))
        cluster.nodes[0].thaw()
        with Client(cluster.hosts) as client:
            usable(cluster, client)


def in_connect_to_a_host_that_does_not_answer() -> None:
    with socket.socket() as deaf, socket.socket() as filler:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filler.connect(deaf.getsockname())  # its backlog is full now: further connections get no answer
        with interrupted():
            Client([deaf.getsockname()], ClientPolicy(timeout=60_000))


def in_close() -> None:
    with frozen() as (_, client):
        holder = in_thread(lambda: client.get(KEY, timeout=500))
        wait_until(lambda: pools(client, "in_flight") == 1)
        began = time.monotonic()
        client.close()
        assert time.monotonic() - began < PROMPT
        assert holder.error() is not None


def in_close_while_a_call_goes_on() -> None:
    with EmbeddedCluster() as cluster:
        client = Client(cluster.hosts)
        client.put(KEY, {"a": 1})
        cluster.nodes[0].freeze()
        holder = in_thread(lambda: client.get(KEY, timeout=500))
        wait_until(lambda: pools(client, "in_flight") == 1)
        with interrupted(lambda: inside("close") or inside("run_forever")):
            client.close(timeout=60_000)
        client.close()
        assert holder.error() is not None
        cluster.nodes[0].thaw()
        wait_until(lambda: not connections(cluster.hosts), "the end of the connections")


def in_a_thread_pool() -> None:
    with frozen() as (cluster, client), concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = [pool.submit(client.get, KEY, timeout=60_000) for _ in range(4)]
        wait_until(lambda: pools(client, "in_flight") == 4)
        with interrupted():
            for result in results:
                result.result()
        cluster.nodes[0].thaw()
        assert [result.result(10).bins for result in results] == [{"a": 1}] * 4  # they were not disturbed


def again_and_again() -> None:
    with frozen() as (cluster, client):
        for _ in range(3):
            with interrupted():
                client.get(KEY, policy=ReadPolicy(total_timeout=0))
        usable(cluster, client)


def with_a_handler_that_goes_on() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    with frozen() as (cluster, client):

        def press() -> None:
            for _ in range(20):
                os.kill(os.getpid(), signal.SIGUSR1)
                time.sleep(0.01)
            cluster.nodes[0].thaw()

        helper = in_thread(press)
        assert client.get(KEY, timeout=60_000).bins == {"a": 1}
        helper.result()
        assert seen
        assert broken(client) == {}


def in_a_storm_of_signals() -> None:
    value = bytes(range(256)) * 1000
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    with EmbeddedCluster(process=True) as cluster, Client(cluster.hosts) as client:
        client.put(KEY, {"v": value, "n": 0})
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            for n in range(1, 501):
                client.add(KEY, {"n": 1}, timeout=20_000)
                assert client.get(KEY, timeout=20_000).bins == {"v": value, "n": n}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert broken(client) == {}


def deadlines_hold_in_a_storm_of_signals() -> None:
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    with frozen() as (_, client):
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        began = time.monotonic()
        try:
            client.get(KEY, timeout=200)
        except TimeoutError:
            took = time.monotonic() - began
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert 0.199 <= took < PROMPT


def in_many_tasks_at_once() -> None:
    begun: list[bool] = []

    async def work(cluster: EmbeddedCluster) -> None:
        async with AsyncClient(cluster.hosts, ClientPolicy(tend_interval=60_000)) as client:
            await client.put(KEY, {"a": 1})
            cluster.nodes[0].freeze()
            begun.append(True)
            await asyncio.gather(
                *(client.get(KEY, timeout=60_000) for _ in range(50)),
                *(client.put(KEY, {"a": n}, timeout=60_000) for n in range(50)),
                client.info("build", policy=InfoPolicy(timeout=60_000)),
            )

    with EmbeddedCluster() as cluster, interrupted(lambda: bool(begun)):
        asyncio.run(work(cluster))


OF_TASKS: tuple[Callable[[], None], ...] = (in_many_tasks_at_once,)
INTERRUPTED: tuple[Callable[[], None], ...] = (
    in_a_read_without_a_deadline,
    in_a_write,
    in_a_large_write_that_nobody_reads,
    in_a_stream_of_columns,
    in_a_library_that_reads_a_stream,
    in_line_for_a_connection,
    between_two_tries,
    in_info,
    in_connect,
    in_connect_to_a_host_that_does_not_answer,
    in_close,
    in_close_while_a_call_goes_on,
    in_a_thread_pool,
    again_and_again,
    with_a_handler_that_goes_on,
    in_a_storm_of_signals,
    deadlines_hold_in_a_storm_of_signals,
)


def _without_hosts(scenario: Callable[[], None]) -> Callable[[str], None]:
    def run(hosts: str) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        scenario()

    run.__name__ = scenario.__name__
    return run


if __name__ == "__main__":
    run_in_main_thread()
    main(map(_without_hosts, [*INTERRUPTED, *OF_TASKS]))

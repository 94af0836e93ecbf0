"""What test_fork has done in processes of their own: `python fork_scenarios.py <scenario> <hosts>`.

A scenario that does not end, or not well, is killed with all its children by whoever started it. Nothing is
printed unless something is wrong.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import gc
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from pyspike import ClientPolicy, Key, errors
from pyspike.process.weak_registry import WeakRegistry
from support.clients import Client
from support.processes import main
from support.sockets import sockets

THREADS = 6
WORK = 40  # commands of each thread of a child
FORKS = 100  # that do nothing but look
SET = os.environ.get("PYSPIKE_TEST_SET", "fork")
RUN = os.environ.get("PYSPIKE_TEST_RUN", "")


def key(name: str) -> Key:
    return Key("test", SET, f"{RUN} {name}")


def in_child(work: Callable[[], object]) -> int:
    """Fork; the child does the work and ends with 0, or with 1 if it fails."""
    pid = os.fork()
    if pid:
        return pid
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


def expect_well(*pids: int) -> None:
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, f"child {pid} ended with {status}"


def count(client: Client, name: str, times: int = WORK) -> None:
    """Count up, each time reading what is there, from several threads."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(times):
                client.add(key(name), {"n": 1}, timeout=10_000)
                record = client.get(key(name), timeout=10_000)
                assert record["name"] == name, f"{name} got {record}"
        except BaseException as error:
            failures.append(error)

    client.put(key(name), {"name": name, "n": 0}, timeout=10_000)
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    assert client.get(key(name))["n"] == THREADS * times


class Busy:
    """Threads that keep a client busy while the process forks."""

    def __init__(self, client: Client) -> None:
        self.failures: list[BaseException] = []
        self.done = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(client, n)) for n in range(THREADS)]

    def _run(self, client: Client, n: int) -> None:
        name = f"busy {n}"
        try:
            client.put(key(name), {"name": name, "n": 0}, timeout=10_000)
            expected = 0
            while not self._stop.is_set():
                client.add(key(name), {"n": 1}, timeout=10_000)
                expected += 1
                record = client.get(key(name), timeout=10_000)
                assert (record["name"], record["n"]) == (name, expected), f"{name} {expected}: {record}"
                self.done += 1
        except BaseException as error:
            self.failures.append(error)

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


# os.fork ----------------------------------------------------------------------------------------------------


def both_go_on(hosts: str) -> None:
    with Client(hosts) as client, Busy(client) as busy:
        for round_ in range(8):
            before = busy.done
            pids = [in_child(lambda n=n, r=round_: count(client, f"child {r} {n}")) for n in range(2)]  # type: ignore[misc]
            expect_well(*pids)
            while busy.done <= before:
                time.sleep(0.001)
        count(client, "parent")


def the_child_counts_from_zero(hosts: str) -> None:
    with Client(hosts) as client:
        count(client, "counted", 3)
        before = client.metrics()
        assert before.total.count > 0

        def child() -> None:
            assert client.metrics().total.count == 0
            assert client.metrics().since > before.since
            client.exists(key("counted"))
            assert client.metrics().of(method="exists").count == 1

        expect_well(in_child(child))
        assert client.metrics().of(method="exists").count == 0
        assert client.metrics().total == before.total


def sockets_are_not_shared(hosts: str) -> None:
    client = Client(hosts, ClientPolicy(min_conns_per_node=3))
    before = sockets()
    count(client, "warm")
    mine = sockets()
    assert len(mine) > len(before) - 1 > 0

    def child() -> None:
        assert sockets() == {}, "the parent's sockets are still open in the child"
        assert sum(node.pool.open for node in client.stats().nodes.values()) == 0
        count(client, "child")
        own = sockets()
        assert own
        assert not set(own.values()) & set(mine.values()), "a socket of the parent's"

    expect_well(in_child(child))
    assert set(mine.items()) <= set(sockets().items()), "a socket of the parent's was closed"
    opened = sum(node.pool.opened for node in client.stats().nodes.values())
    count(client, "again", 5)
    closed = [node.pool.closed for node in client.stats().nodes.values()]
    assert not any(closed), f"the child disturbed the parent's connections: {closed}"
    assert sum(node.pool.opened for node in client.stats().nodes.values()) >= opened
    client.close()


def the_child_tends(hosts: str) -> None:
    with Client(hosts, ClientPolicy(tend_interval=50)) as client:
        client.put(key("x"), {"name": "x"})

        def child() -> None:
            client.get(key("x"))
            rounds = client.stats().tend.rounds
            while client.stats().tend.rounds < rounds + 3:
                time.sleep(0.01)
            assert [t.name for t in threading.enumerate()].count("pyspike-tend") == 1

        expect_well(in_child(child))


def close_in_the_child_leaves_the_parent(hosts: str) -> None:
    with Client(hosts) as client:
        count(client, "warm")
        expect_well(in_child(client.close), in_child(lambda: client.__exit__(None, None, None)))
        assert client.is_connected()
        count(client, "after", 5)


def a_dropped_client_in_the_child_leaves_the_parent(hosts: str) -> None:
    holder = [Client(hosts)]
    count(holder[0], "warm")

    def child() -> None:
        holder.clear()
        gc.collect()

    expect_well(in_child(child))
    count(holder[0], "after", 5)
    holder.pop().close()


def a_new_client_in_the_child(hosts: str) -> None:
    with Client(hosts) as client, Busy(client):

        def child() -> None:
            with Client(hosts) as own:
                count(own, f"own {os.getpid()}")

        expect_well(*(in_child(child) for _ in range(4)))


def a_closed_client_stays_closed_in_the_child(hosts: str) -> None:
    client = Client(hosts)
    client.close()

    def child() -> None:
        try:
            client.get(key("x"))
        except errors.ClientClosed:
            return
        raise AssertionError("no error")

    expect_well(in_child(child))


def grandchildren(hosts: str) -> None:
    with Client(hosts) as client:
        count(client, "parent", 5)

        def child() -> None:
            count(client, "child", 5)
            expect_well(in_child(lambda: count(client, "grandchild", 5)))
            count(client, "child", 5)

        expect_well(in_child(child))
        count(client, "parent", 5)


def many_forks_under_load(hosts: str) -> None:
    with Client(hosts) as client, Busy(client):

        def child() -> None:
            client.add(key("many"), {"n": 1}, timeout=10_000)

        client.put(key("many"), {"n": 0})
        for _ in range(20):
            expect_well(*(in_child(child) for _ in range(5)))
        assert client.get(key("many"))["n"] == 100


def fork_while_others_wait_for_a_connection(hosts: str) -> None:
    with Client(hosts, ClientPolicy(max_conns_per_node=1)) as client, Busy(client):
        for n in range(5):
            expect_well(in_child(lambda n=n: count(client, f"child {n}", 5)))  # type: ignore[misc]


def fork_while_others_connect(hosts: str) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def connect() -> None:
        try:
            while not stop.is_set():
                with Client(hosts) as client:
                    client.exists(key("x"), timeout=10_000)
        except BaseException as error:
            failures.append(error)

    def child() -> None:
        with Client(hosts) as client:
            count(client, "child", 2)

    threads = [threading.Thread(target=connect) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        expect_well(in_child(child))
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures


class One:
    """What comes and goes."""


def fork_while_others_come_and_go(_: str) -> None:
    """Clients are known by a registry, which other threads may be at work in."""
    registry: WeakRegistry[One] = WeakRegistry()
    kept = [One() for _ in range(3)]
    for one in kept:
        registry.add(one)
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            for one in [One(), One()]:
                registry.add(one)

    def child() -> None:
        assert registry.after_fork()[:3] == kept
        mine = One()
        registry.add(mine)
        assert registry.all()[-1] is mine

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(FORKS):
        expect_well(in_child(child))
    stop.set()
    for thread in threads:
        thread.join()


# multiprocessing and process pools --------------------------------------------------------------------------

_client: Client | None = None


def _own_client(hosts: str) -> Client:
    """The client of this process: the one inherited by a fork, or its own, closed when it ends."""
    global _client
    if _client is None:
        _client = Client(hosts)
        atexit.register(_client.close)
    return _client


def _use(hosts: str, name: str) -> None:
    count(_own_client(hosts), name, 5)


def _processes(method: str, hosts: str) -> None:
    global _client
    context = multiprocessing.get_context(method)
    with Client(hosts) as client, Busy(client):
        _client = client  # inherited by fork only
        processes = [context.Process(target=_use, args=(hosts, f"{method} {n}")) for n in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0, f"{method}: exit code {process.exitcode}"
    _client = None


def multiprocessing_fork(hosts: str) -> None:
    _processes("fork", hosts)


def multiprocessing_spawn(hosts: str) -> None:
    _processes("spawn", hosts)


def multiprocessing_forkserver(hosts: str) -> None:
    _processes("forkserver", hosts)


def _fail(hosts: str, how: str) -> Any:
    client = _own_client(hosts)
    if how == "missing":
        return client.get(key("nothing here"))
    if how == "type":
        return client.put(key("x"), {"a": {1, 2}})
    if how == "connect":
        return Client("127.0.0.1:1")
    return client.put(key("x"), {"a": 1}, generation=99)


def _pool(method: str, hosts: str) -> None:
    expected: dict[str, type[errors.AerospikeError]] = {
        "missing": errors.RecordNotFound,
        "type": errors.InvalidType,
        "connect": errors.ConnectFailed,
        "generation": errors.GenerationError,
    }
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        results = {how: pool.submit(_fail, hosts, how) for how in expected}
        for how, kind in expected.items():
            error = results[how].exception()
            assert type(error) is kind, f"{how}: {error!r}"
            assert isinstance(error, errors.AerospikeError)
            assert error.message
        missing = results["missing"].exception()
        assert isinstance(missing, errors.RecordNotFound)
        assert missing.key == key("nothing here")
        assert missing.node
        assert len(missing.attempts) == 1
        records = list(pool.map(_written, [hosts] * 5, range(5)))
        assert [record["n"] for record in records] == list(range(5))
        assert [record.key for record in records] == [key(f"pool {n}") for n in range(5)]


def _written(hosts: str, n: int) -> Any:
    client = _own_client(hosts)
    client.put(key(f"pool {n}"), {"n": n})
    return client.get(key(f"pool {n}"))


def process_pool_fork(hosts: str) -> None:
    global _client
    with Client(hosts) as client:
        _client = client
        client.exists(key("x"))
        _pool("fork", hosts)
    _client = None


def process_pool_spawn(hosts: str) -> None:
    _pool("spawn", hosts)


def process_pool_forkserver(hosts: str) -> None:
    _pool("forkserver", hosts)


SCENARIOS: tuple[Callable[[str], None], ...] = (
    both_go_on,
    sockets_are_not_shared,
    the_child_counts_from_zero,
    the_child_tends,
    close_in_the_child_leaves_the_parent,
    a_dropped_client_in_the_child_leaves_the_parent,
    a_new_client_in_the_child,
    a_closed_client_stays_closed_in_the_child,
    grandchildren,
    many_forks_under_load,
    fork_while_others_wait_for_a_connection,
    fork_while_others_connect,
    multiprocessing_fork,
    multiprocessing_spawn,
    multiprocessing_forkserver,
    process_pool_fork,
    process_pool_spawn,
    process_pool_forkserver,
)

if __name__ == "__main__":
    main([*SCENARIOS, fork_while_others_come_and_go])

"""Clients come and go without a trace: no thread, socket or memory stays behind, however they are used."""

from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from pyspike import AerospikeError, Client, ClientPolicy, Key, ReadPolicy, WritePolicy, errors
from pyspike import operations as op
from pyspike.errors import ClientClosed
from pyspike.server import EmbeddedCluster
from support.cluster_tools import in_thread, pools, wait_until

TRULY_LINUX = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")


def tend_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("pyspike")}


def sockets() -> int:
    """How many sockets this process has open."""
    names = os.listdir("/proc/self/fd")
    return sum(target.startswith("socket:") for target in map(target_of, names))


def target_of(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # closed by now
        return ""


@pytest.fixture
def one() -> Iterator[EmbeddedCluster]:
    """A node in a process of its own, so that its sockets are not ours."""
    with EmbeddedCluster(process=True) as cluster:
        yield cluster


KEY = Key("test", "lifecycle", 1)


def use(client: Client) -> None:
    client.put(KEY, {"a": 1})
    assert client.get(KEY).bins == {"a": 1}


# Gone -------------------------------------------------------------------------------------------------------


@TRULY_LINUX
def test_a_closed_client_leaves_no_thread_and_no_socket(one: EmbeddedCluster) -> None:
    threads, count = tend_threads(), sockets()
    client = Client(one.hosts, ClientPolicy(min_conns_per_node=3))
    use(client)
    assert sockets() > count
    assert len(tend_threads() - threads) == 1
    client.close()
    assert tend_threads() <= threads
    assert sockets() == count


@TRULY_LINUX
def test_a_dropped_client_goes_with_its_thread_and_sockets(one: EmbeddedCluster) -> None:
    threads, count = tend_threads(), sockets()
    client = Client(one.hosts, ClientPolicy(tend_interval=60_000))
    use(client)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None
    wait_until(lambda: tend_threads() <= threads, "the end of the tend thread")
    wait_until(lambda: sockets() == count, "the end of the sockets")


@TRULY_LINUX
def test_a_dropped_client_that_tends_all_the_time_goes_too(one: EmbeddedCluster) -> None:
    threads, count = tend_threads(), sockets()
    for _ in range(10):
        client = Client(one.hosts, ClientPolicy(tend_interval=1))
        use(client)
        del client
    gc.collect()
    wait_until(lambda: tend_threads() <= threads and sockets() == count, "the end of all")


@TRULY_LINUX
def test_a_client_that_failed_to_connect_leaves_nothing() -> None:
    threads, count = tend_threads(), sockets()
    for _ in range(20):
        with pytest.raises(errors.ConnectFailed):
            Client("127.0.0.1:1,127.0.0.1:2")
    wait_until(lambda: tend_threads() <= threads, "the end of the threads")
    assert sockets() == count


def test_a_view_keeps_the_cluster_and_goes_with_it(one: EmbeddedCluster) -> None:
    threads = tend_threads()
    client = Client(one.hosts)
    view = client.with_policies(read=ReadPolicy(max_retries=0))
    del client
    gc.collect()
    use(view)
    assert len(tend_threads() - threads) == 1
    del view
    gc.collect()
    wait_until(lambda: tend_threads() <= threads, "the end of the tend thread")


def test_a_client_in_a_cycle_goes_with_the_cycle(one: EmbeddedCluster) -> None:
    threads = tend_threads()
    cycle: list[object] = [Client(one.hosts)]
    cycle.append(cycle)
    del cycle
    gc.collect()
    wait_until(lambda: tend_threads() <= threads, "the end of the tend thread")


# Close ------------------------------------------------------------------------------------------------------


def test_closing_again_is_harmless(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    use(client)
    for _ in range(3):
        client.close()
    with client:
        pass
    with pytest.raises(ClientClosed):
        client.get(KEY)


def test_closing_from_many_threads_is_harmless(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    use(client)
    for call in [in_thread(client.close) for _ in range(8)]:
        call.result()
    assert client.is_connected() is False


def test_commands_under_way_finish_when_the_client_is_closed(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.3)
    calls = [in_thread(lambda: client.get(KEY, timeout=10_000)) for _ in range(4)]
    wait_until(lambda: pools(client, "in_use") == 4)
    client.close()
    assert [call.result().bins for call in calls] == [{"a": 1}] * 4
    with pytest.raises(ClientClosed):
        client.get(KEY)


def test_commands_in_line_end_when_the_client_is_closed(one: EmbeddedCluster) -> None:
    client = Client(one.hosts, ClientPolicy(max_conns_per_node=1))
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.5)
    holder = in_thread(lambda: client.get(KEY, timeout=10_000))
    wait_until(lambda: pools(client, "in_use") == 1)
    waiting = [in_thread(lambda: client.get(KEY, timeout=10_000)) for _ in range(3)]
    wait_until(lambda: pools(client, "waiting") == 3)
    client.close()
    for call in waiting:
        assert isinstance(call.error(), ClientClosed)
    assert holder.result().bins == {"a": 1}


def test_closing_under_load_gives_results_or_says_closed(one: EmbeddedCluster) -> None:
    for _ in range(5):
        client = Client(one.hosts)
        client.put(KEY, {"a": 1})

        def work(client: Client = client) -> None:
            while True:
                assert client.get(KEY).bins == {"a": 1}

        calls = [in_thread(work) for _ in range(6)]
        wait_until(lambda client=client: pools(client, "opened") >= 2)  # type: ignore[misc]
        client.close()
        for call in calls:
            assert isinstance(call.error(), ClientClosed)


# Nothing leaks ----------------------------------------------------------------------------------------------


def resident() -> int:
    """The memory of this process that is in use, in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def all_kinds(cluster: EmbeddedCluster, client: Client) -> Callable[[], None]:
    """A round of some 40 commands: those that succeed, and those that fail in each way there is."""
    node = cluster.nodes[0]
    big = {"big": "x" * 40_000, "nested": {"a": [1, {"b": [b"x", 1.5, None, True]}]}}
    steps = [op.add("n", 1), op.get("n"), op.put("l", [1, 2]), op.get("l"), op.get("n")]
    once = ReadPolicy(max_retries=0)
    patient = WritePolicy(timeout_delay=5)
    unfinished = (2 << 56 | 3 << 48 | 100).to_bytes(8, "big")

    def fails(call: Callable[[], object]) -> None:
        with pytest.raises(AerospikeError):
            call()

    def run() -> None:
        for n in range(5):
            client.put(("test", "leak", n), {"n": n, "s": "text", **big})
            client.get(("test", "leak", n))
            client.get(("test", "leak", n), ["n"])
            client.operate(("test", "leak", n), steps)
            client.exists(("test", "leak", n))
        client.touch(("test", "leak", 1))
        client.append(("test", "leak", 1), {"s": "x"})
        client.delete(("test", "leak", 1))
        client.get(("test", "leak", 1), default=None)
        fails(lambda: client.get(("test", "leak", 1)))
        fails(lambda: client.put(("test", "leak", 2), {"n": 1}, generation=99))
        fails(lambda: client.put(("test", "leak", 2), {"n": {1, 2}}))
        fails(lambda: client.put(("test", "leak", 2), {"l": [[[2**64]]]}))
        fails(lambda: client.get(("test", "leak", 1.5)))  # type: ignore[arg-type]
        fails(lambda: client.add(("test", "leak", 2), {"s": 1}))
        fails(lambda: client.get(("nowhere", "leak", 2)))
        fails(lambda: client.put(("test", "leak", 2), {"n": bytes(2**20)}))
        node.answer_with(18)
        fails(lambda: client.get(("test", "leak", 2), policy=once))
        node.close_after_request()
        fails(lambda: client.put(("test", "leak", 2), {"n": 1}))
        node.cut(after_bytes=20)
        fails(lambda: client.get(("test", "leak", 2), policy=once))
        node.garbage()
        fails(lambda: client.get(("test", "leak", 2), policy=once))
        node.garbage(unfinished)
        fails(lambda: client.get(("test", "leak", 2), policy=once, timeout=3))
        node.garbage(unfinished)
        fails(lambda: client.put(("test", "leak", 2), {"n": 1}, timeout=3, policy=patient))
        client.info("build")
        client.stats()

    return run


@TRULY_LINUX
def test_thousands_of_commands_leave_memory_descriptors_and_threads_flat(one: EmbeddedCluster) -> None:
    with Client(one.hosts, ClientPolicy(tend_interval=20)) as client:
        run = all_kinds(one, client)

        def rounds(count: int) -> tuple[int, int, int, int]:
            for _ in range(count):
                run()
            wait_until(lambda: pools(client, "draining") == 0)
            gc.collect()
            return sys.getallocatedblocks(), resident(), sockets(), threading.active_count()

        rounds(30)  # all caches are filled
        before = rounds(10)
        after = rounds(60)
        blocks, memory, count, threads = (new - old for new, old in zip(after, before, strict=True))
        assert blocks < 300, f"{blocks} more blocks of memory"
        assert memory < 3 << 20, f"{memory} more bytes"
        assert count <= 1
        assert threads <= 0


@TRULY_LINUX
def test_many_clients_one_after_the_other_leave_nothing(one: EmbeddedCluster) -> None:
    def rounds(number: int) -> tuple[int, int, int, int]:
        for closing in [True, False] * number:
            client = Client(one.hosts, ClientPolicy(min_conns_per_node=2))
            use(client)
            if closing:
                client.close()
            del client
        gc.collect()
        wait_until(lambda: tend_threads() <= others)
        wait_until(lambda: sockets() <= known)
        gc.collect()
        return sys.getallocatedblocks(), resident(), sockets(), threading.active_count()

    others, known = tend_threads(), sockets()
    rounds(10)
    before = rounds(5)
    after = rounds(30)
    blocks, memory, count, threads = (new - old for new, old in zip(after, before, strict=True))
    assert blocks < 300, f"{blocks} more blocks of memory"
    assert memory < 3 << 20, f"{memory} more bytes"
    assert (count, threads) == (0, 0)

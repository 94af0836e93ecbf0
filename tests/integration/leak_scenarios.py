"""What test_lifecycle has measured in processes of their own: `python leak_scenarios.py <scenario>`.

Each scenario runs its work until all caches are filled, then counts what the process holds, works on, and
counts again. 50,000 commands of `commands` add 24 kB and no block, thread or socket.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable

from pyspike import AerospikeError, Client, ClientPolicy, Key, ReadPolicy, WritePolicy
from pyspike import operations as op
from pyspike.server import EmbeddedCluster
from support.cluster_tools import pools, wait_until
from support.processes import main

BLOCKS = 150  # Python's blocks of memory, whose number varies by some 50
MEMORY = 400 << 10  # bytes: the allocator takes more in steps of up to 132 kB
CONNECTIONS = 3  # which are open at one moment or another


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


def resident() -> int:
    """The memory of this process that is in use, in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def expect_flat(work: Callable[[], None], *, first: int, then: int) -> None:
    """Work a number of times, then another one, which must leave nothing behind."""

    def repeat(count: int) -> tuple[int, int, int, int]:
        for _ in range(count):
            work()
        gc.collect()
        return sys.getallocatedblocks(), resident(), sockets(), threading.active_count()

    before = repeat(first)
    after = repeat(then)
    blocks, memory, count, threads = (new - old for new, old in zip(after, before, strict=True))
    grown = f"{then} rounds added {blocks} blocks, {memory} bytes, {count} sockets, {threads} threads"
    assert blocks <= BLOCKS, grown
    assert memory <= MEMORY, grown
    assert count <= CONNECTIONS, grown
    assert threads <= 1, grown  # that of the embedded cluster's calls


def all_kinds(cluster: EmbeddedCluster, client: Client) -> Callable[[], None]:
    """A round of some 40 commands: those that succeed, and those that fail in each way there is."""
    node = cluster.nodes[0]
    big = {"big": "x" * 40_000, "nested": {"a": [1, {"b": [b"x", 1.5, None, True]}]}}
    steps = [op.add("n", 1), op.get("n"), op.put("l", [1, 2]), op.get("l"), op.get("n")]
    once = ReadPolicy(max_retries=0)
    patient = WritePolicy(timeout_delay=5)
    unfinished = (2 << 56 | 3 << 48 | 100).to_bytes(8, "big")

    def fails(call: Callable[[], object]) -> None:
        try:
            call()
        except AerospikeError:
            return
        raise AssertionError("no error")

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


def commands(_: str) -> None:
    """Some 40 commands a round."""
    policy = ClientPolicy(tend_interval=20)
    with EmbeddedCluster(process=True) as cluster, Client(cluster.hosts, policy) as client:
        expect_flat(all_kinds(cluster, client), first=40, then=80)
        wait_until(lambda: pools(client, "draining") == 0)


def clients(_: str) -> None:
    """Two clients a round: one that is closed, one that is dropped."""
    key = Key("test", "leak", 1)
    with EmbeddedCluster(process=True) as cluster:

        def work() -> None:
            for closing in (True, False):
                client = Client(cluster.hosts, ClientPolicy(min_conns_per_node=2))
                client.put(key, {"a": 1})
                assert client.get(key).bins == {"a": 1}
                if closing:
                    client.close()
                del client
            gc.collect()
            wait_until(lambda: not tend_threads())

        expect_flat(work, first=15, then=30)


def clients_that_can_not_connect(_: str) -> None:
    def work() -> None:
        try:
            Client("127.0.0.1:1,127.0.0.1:2")
        except ConnectionError:
            wait_until(lambda: not tend_threads())
            return
        raise AssertionError("no error")

    expect_flat(work, first=20, then=40)


SCENARIOS: tuple[Callable[[str], None], ...] = (commands, clients, clients_that_can_not_connect)

if __name__ == "__main__":
    main(SCENARIOS)

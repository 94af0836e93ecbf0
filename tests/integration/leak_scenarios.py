"""What test_leaks has measured in processes of their own: `python leak_scenarios.py <scenario>`.

Each scenario runs its work until all caches are filled, then counts what the process holds, works on, counts
again and tells both. PYSPIKE_LEAK_COMMANDS is how many commands there are, about.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from itertools import count

from pyspike import AerospikeError, ClientPolicy, Key, ReadPolicy, WritePolicy, exp
from pyspike import operations as op
from pyspike.operations import context, lists, maps
from pyspike.server import EmbeddedCluster
from pyspike.values import GeoJSON, KeyOrderedDict
from support.clients import Client
from support.cluster_tools import pools, wait_until
from support.facade import TaskClient, turn_loop
from support.processes import main, tell
from support.sockets import connections
from support.threads import pyspike_threads
from support.tls import wanted

COMMANDS = int(os.environ.get("PYSPIKE_LEAK_COMMANDS") or 2500)
BLOCKS = 150  # Python's blocks of memory, whose number varies by some 50
# Blocks of the cancelled timers that a loop of asyncio keeps: up to 100, or those of handshakes too.
TIMERS = 600 if wanted() else 300
MEMORY = 2 << 20  # bytes: Python takes them by the MiB, and may touch an arena or two more at any time
HEAP = 128 << 10  # bytes of the C heap, which has what is no object of Python's
CONNECTIONS = 3  # which are open at one moment or another
TIMEOUT = 20  # ms of a command whose answer never comes
SELDOM = 4  # so many rounds have one in which commands time out


def resident() -> int:
    """The memory of this process that is in use, in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class MallInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc."""

    _before = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks")
    _fields_ = [(name, ctypes.c_size_t) for name in (*_before, "uordblks", "fordblks", "keepcost")]


def heap() -> int:
    """The bytes of the C heap that are in use, of the main thread's arena; 0 where nobody tells."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except AttributeError:  # another C library, or one from before 2021
        return 0
    mallinfo.restype = MallInfo
    told = mallinfo()
    return int(told.uordblks + told.hblkhd)


def descriptors() -> int:
    """How many descriptors this process has open, whatever they are of."""
    return len(os.listdir("/proc/self/fd"))


def expect_flat(work: Callable[[], object], *, first: int, then: int, each: int, what: str) -> None:
    """Work a number of times, then another one, which must leave nothing behind.

    Args:
        work: a round.
        first: rounds until all caches are filled.
        then: rounds that are measured.
        each: how many there are in a round.
        what: of these.

    """

    def repeat(times: int) -> tuple[int, int, int, int, int]:
        for _ in range(times):
            work()
        for _ in range(3):  # for what finalizers let go of
            turn_loop()
            gc.collect()
        return sys.getallocatedblocks(), heap(), resident(), descriptors(), threading.active_count()

    before = repeat(first)
    began = time.monotonic()
    after = repeat(then)
    took = time.monotonic() - began
    blocks, used, memory, opened, threads = (new - old for new, old in zip(after, before, strict=True))
    grown = (
        f"{then * each} {what} in {took:.0f} s added {blocks} blocks, {used >> 10} kB of the C heap,"
        f" {memory >> 10} kB to {before[2] >> 10} kB, {opened} descriptors to {before[3]},"
        f" {threads} threads to {before[4]}"
    )
    tell(grown)
    assert blocks <= BLOCKS + (TIMERS if Client is TaskClient else 0), grown
    assert used <= HEAP, grown
    if memory > MEMORY:  # what the C library keeps for itself comes to rest late; a leak goes on
        memory = repeat(then)[2] - after[2]
        grown += f", then {memory >> 10} kB"
    assert memory <= MEMORY, grown
    assert opened <= CONNECTIONS, grown
    assert threads <= 1, grown  # that of the embedded cluster's calls


# Commands ---------------------------------------------------------------------------------------------------

BIG = {"big": "x" * 40_000, "nested": {"a": [1, {"b": [b"x", 1.5, None, True]}]}}
DOCUMENT = {
    "cart": {"items": [{"name": "tea", "price": 4}], "seen": KeyOrderedDict({"tea": 3, "cup": 8})},
    "place": GeoJSON('{"type": "Point", "coordinates": [1, 2]}'),
    "n": 1,
}
SLOWEST = 30_000  # ms that a command may take on a machine that has other work
ONCE = ReadPolicy(total_timeout=SLOWEST, max_retries=0)
SENDS_KEY = WritePolicy(total_timeout=SLOWEST, send_key=True)
PATIENT = WritePolicy(timeout_delay=5)
TOO_BIG = {"n": bytes(2**20)}  # made once: a Python without GIL keeps some of it at each collection
UNFINISHED = (2 << 56 | 3 << 48 | 100).to_bytes(8, "big")


def key(name: object) -> Key:
    return Key("test", "leak", name)  # type: ignore[arg-type]


class Round:
    """Some 60 commands a call: those that succeed, and those that fail in each way there is."""

    def __init__(self, cluster: EmbeddedCluster, client: Client) -> None:
        self.cluster, self.client, self.node = cluster, client, cluster.nodes[0]
        self.numbers = count()
        self.commands = 0

    def __call__(self) -> None:
        self.commands = 0
        self.scalars()
        self.documents()
        self.filters()
        self.refused()
        self.broken()
        if next(self.numbers) % SELDOM == 0:
            self.timed_out()
        self.client.stats()

    def does(self, call: Callable[..., object], *args: object, **how: object) -> None:
        self.commands += 1
        call(*args, **how)

    def fails(self, call: Callable[..., object], *args: object, **how: object) -> None:
        self.commands += 1
        try:
            call(*args, **how)
        except AerospikeError:
            return
        raise AssertionError("no error")

    def scalars(self) -> None:
        client, does = self.client, self.does
        steps = [op.add("n", 1), op.get("n"), op.put("l", [1, 2]), op.get("l"), op.get("n")]
        for n in range(5):
            does(client.put, key(n), {"n": n, "s": "text", "raw": b"bytes", **BIG})
            does(client.get, key(n))
            does(client.get, key(n), ["n"])
            does(client.operate, key(n), steps)
            does(client.exists, ("test", "leak", n))
        does(client.touch, key(1))
        does(client.append, key(1), {"s": "x", "raw": b"x"})
        does(client.prepend, key(1), {"s": "x", "raw": b"x"})
        does(client.add, key(1), {"n": 1})
        does(client.delete, key(1))
        does(client.get, key(1), default=None)
        does(client.put, key("with its key"), {"n": 1}, policy=SENDS_KEY)
        does(client.info, "build")

    def documents(self) -> None:
        client, does = self.client, self.does
        items, first = [context.map_key("items")], [context.map_key("items"), context.list_index(0)]
        does(client.put, key("doc"), DOCUMENT)
        does(
            client.operate,
            key("doc"),
            [
                lists.append("cart", {"name": "pen", "price": 2}, ctx=items),
                maps.increment("cart", "price", 2, ctx=first),
                maps.get_by_rank_range("cart", -1, ctx=[context.map_key("seen")]),
                lists.size("cart", ctx=items),
                op.get("cart"),
            ],
        )
        does(client.get, key("doc"))
        self.fails(client.operate, key("doc"), [lists.append("n", 1)])
        self.fails(client.operate, key("doc"), [lists.get("cart", 99, ctx=items)])

    def filters(self) -> None:
        client = self.client
        few = (exp.int_bin("n") < 100) & (exp.lists.size("cart", ctx=[context.map_key("items")]) > 0)
        self.does(client.get, key("doc"), filter_expression=few)
        self.does(client.operate, key("doc"), [op.exp.read("more", exp.int_bin("n") + 1)])
        self.fails(client.get, key("doc"), filter_expression=~few)
        self.fails(client.put, key("doc"), {"n": 1}, filter_expression=~few)

    def refused(self) -> None:
        """By the server, or before anything is sent."""
        client, fails = self.client, self.fails
        fails(client.get, key(1))
        fails(client.put, key(2), {"n": 1}, generation=65_000)  # which it has after a million commands only
        fails(client.put, key(2), {"n": {1, 2}})
        fails(client.put, key(2), {"l": [[[2**64]]]})
        fails(client.get, ("test", "leak", 1.5))
        fails(client.add, key(2), {"s": 1})
        fails(client.get, ("nowhere", "leak", 2))
        fails(client.put, key(2), TOO_BIG)
        fails(client.info, "there is no such command")
        fails(client.info, "build", "no such node")

    def broken(self) -> None:
        client, fails, node = self.client, self.fails, self.node
        node.answer_with(18)
        fails(client.get, key(2), policy=ONCE)
        node.close_after_request()
        fails(client.put, key(2), {"n": 1})
        node.cut(after_bytes=20)
        fails(client.get, key(2), policy=ONCE)
        node.garbage()
        fails(client.get, key(2), policy=ONCE)

    def timed_out(self) -> None:
        self.node.garbage(UNFINISHED, times=2)
        self.fails(self.client.get, key(2), policy=ONCE, timeout=TIMEOUT)
        self.fails(self.client.put, key(2), {"n": 1}, timeout=TIMEOUT, policy=PATIENT)
        self.cluster.heal()  # should the machine have been so late that one was not sent


def commands(_: str) -> None:
    """All kinds of commands, in rounds."""
    policy = ClientPolicy(
        tend_interval=20,
        read=ReadPolicy(total_timeout=SLOWEST),
        write=WritePolicy(total_timeout=SLOWEST),
    )
    with EmbeddedCluster(process=True) as cluster, Client(cluster.hosts, policy) as client:
        work = Round(cluster, client)
        work()
        each = work.commands - 2  # but for those that time out
        expect_flat(work, first=40, then=max(40, COMMANDS // each), each=each, what="commands")
        wait_until(lambda: pools(client, "draining") == 0)


# Clients ----------------------------------------------------------------------------------------------------


def left(hosts: str) -> bool:
    turn_loop()
    return bool(pyspike_threads() or connections(hosts))


def clients(_: str) -> None:
    """Two clients a round: one that is closed, one that is dropped."""
    with EmbeddedCluster(process=True) as cluster:

        def work() -> None:
            for closing in (True, False):
                client = Client(cluster.hosts, ClientPolicy(min_conns_per_node=2))
                client.put(key(1), {"a": 1})
                assert client.get(key(1)).bins == {"a": 1}
                if closing:
                    client.close()
                del client
            gc.collect()
            wait_until(lambda: not left(cluster.hosts))

        expect_flat(work, first=10, then=max(20, COMMANDS // 1000), each=2, what="clients")


def clients_that_can_not_connect(_: str) -> None:
    def work() -> None:
        try:
            Client("127.0.0.1:1,127.0.0.1:2")
        except ConnectionError:
            wait_until(lambda: not pyspike_threads())
            return
        raise AssertionError("no error")

    expect_flat(work, first=20, then=40, each=1, what="clients that can not connect")


SCENARIOS: tuple[Callable[[str], None], ...] = (commands, clients, clients_that_can_not_connect)

if __name__ == "__main__":
    main(SCENARIOS)

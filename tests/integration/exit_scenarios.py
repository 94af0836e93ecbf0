"""What test_exit has done in processes of their own: `python exit_scenarios.py <scenario> <hosts>`.

Each ends its process with something of a client's still there, or is interrupted while it ends.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pyspike import AerospikeError, ClientPolicy, Key
from pyspike.server import EmbeddedCluster
from support.clients import Client, at_most
from support.cluster_tools import in_thread, pools, wait_until
from support.facade import run_in_main_thread
from support.interrupts import PROMPT, inside, press_when, still
from support.processes import main

KEY = Key("test", os.environ.get("PYSPIKE_TEST_SET", "exits"), os.environ.get("PYSPIKE_TEST_RUN", "k"))

kept: list[object] = []


def with_a_client_that_is_not_closed(hosts: str) -> None:
    client = Client(hosts)
    client.put(KEY, {"a": 1})
    kept.append(client)


def with_a_client_in_a_cycle(hosts: str) -> None:
    client = Client(hosts)
    cycle: list[object] = [client]
    cycle.append(cycle)


def with_many_clients(hosts: str) -> None:
    kept.extend(Client(hosts, ClientPolicy(tend_interval=20)) for _ in range(10))
    time.sleep(0.1)  # in the middle of some round


def with_daemon_threads_in_commands(hosts: str) -> None:
    client = Client(hosts)
    client.put(KEY, {"a": 1})

    def work() -> None:
        while True:
            client.get(KEY, timeout=10_000)
            client.put(KEY, {"a": 1}, timeout=10_000)

    for _ in range(8):
        threading.Thread(target=work, daemon=True).start()
    wait_until(lambda: pools(client, "in_flight") >= 2)


def with_daemon_threads_that_wait_for_ever(hosts: str) -> None:
    cluster = EmbeddedCluster(process=True).start()
    client = Client(cluster.hosts, at_most(2))
    cluster.nodes[0].freeze()
    kept.extend(in_thread(lambda: client.get(KEY, timeout=0)) for _ in range(4))
    wait_until(lambda: (pools(client, "in_flight"), pools(client, "waiting")) == (2, 2))


def with_threads_that_finish_first(hosts: str) -> None:
    client = Client(hosts)
    client.put(KEY, {"n": 0})

    def work() -> None:
        for _ in range(50):
            client.add(KEY, {"n": 1}, timeout=10_000)

    kept.extend(threading.Thread(target=work) for _ in range(4))
    for thread in kept:
        assert isinstance(thread, threading.Thread)
        thread.start()


def with_use_in_atexit(hosts: str) -> None:
    client = Client(hosts)
    atexit.register(lambda: client.put(KEY, {"a": 1}, timeout=10_000))


def with_a_node_that_is_gone(hosts: str) -> None:
    cluster = EmbeddedCluster(nodes=2).start()
    kept.append(Client(cluster.hosts, ClientPolicy(tend_interval=50)))
    cluster.stop()
    time.sleep(0.2)  # so that tending is at a loss


def with_a_close_in_atexit(hosts: str) -> None:
    client = Client(hosts)
    atexit.register(client.close)
    atexit.register(lambda: client.put(KEY, {"a": 1}, timeout=10_000))


AT_EXIT: tuple[Callable[[str], None], ...] = (
    with_a_client_that_is_not_closed,
    with_a_client_in_a_cycle,
    with_many_clients,
    with_daemon_threads_in_commands,
    with_daemon_threads_that_wait_for_ever,
    with_threads_that_finish_first,
    with_use_in_atexit,
    with_a_close_in_atexit,
    with_a_node_that_is_gone,
)


# Interrupted ------------------------------------------------------------------------------------------------


def interrupted_when(reached: Callable[[], bool]) -> EmbeddedCluster:
    """A frozen node; Ctrl-C when that is reached, after which the process must end promptly, or is killed.

    Python itself remarks on a KeyboardInterrupt that comes too late to be raised; any other remark shows.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    remark = sys.unraisablehook
    sys.unraisablehook = lambda told: None if told.exc_type is KeyboardInterrupt else remark(told)

    def press() -> None:
        signal.setitimer(signal.ITIMER_REAL, PROMPT)  # SIGALRM ends a process
        os.kill(os.getpid(), signal.SIGINT)

    press_when(reached, press)
    cluster = EmbeddedCluster(process=True).start()
    kept.append(cluster)
    return cluster


def while_threads_are_waited_for(_: str) -> None:
    cluster = interrupted_when(lambda: inside("_shutdown") and still())
    client = Client(cluster.hosts)
    cluster.nodes[0].freeze()

    def work() -> None:
        with suppress(AerospikeError):  # the node ends with the process
            client.get(KEY, timeout=60_000)

    threading.Thread(target=work).start()
    wait_until(lambda: pools(client, "in_flight") == 1)


def in_a_command_in_atexit(_: str) -> None:
    cluster = interrupted_when(lambda: inside("last_words") and still())
    client = Client(cluster.hosts)
    cluster.nodes[0].freeze()

    def last_words() -> None:
        client.put(KEY, {"a": 1}, timeout=60_000)

    atexit.register(last_words)


def while_the_tending_is_waited_for(_: str) -> None:
    cluster = interrupted_when(lambda: inside("_at_exit"))
    kept.extend(Client(cluster.hosts, ClientPolicy(timeout=60_000, tend_interval=20)) for _ in range(3))
    cluster.nodes[0].freeze()
    time.sleep(0.1)  # so that tending waits for an answer


INTERRUPTED: tuple[Callable[[str], None], ...] = (
    while_threads_are_waited_for,
    in_a_command_in_atexit,
    while_the_tending_is_waited_for,
)


def by_an_interrupt_that_nobody_catches(hosts: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.excepthook = lambda kind, value, trace: print(f"main thread: {kind.__name__}")
    threading.excepthook = lambda args: print(f"thread: {args.exc_type.__name__}")
    with EmbeddedCluster() as cluster:
        client = Client(cluster.hosts)
        cluster.nodes[0].freeze()
        press_when(still)
        client.get(KEY, timeout=0)


if __name__ == "__main__":
    run_in_main_thread()
    main([*AT_EXIT, *INTERRUPTED, by_an_interrupt_that_nobody_catches])

"""Tend threads and sockets end with their cluster; parent and child of a fork both go on, each on its own."""

import gc
import json
import logging
import multiprocessing
import os
import signal
import threading
import time
import traceback
import weakref

import pytest
from cluster_help import active, info, some_rounds, tended, wait_until

from pyspike import Key
from pyspike.client import Client
from pyspike.cluster import Cluster
from pyspike.cluster.tend_thread import Clock
from pyspike.errors import PartitionUnavailable
from pyspike.policy import ClientPolicy
from pyspike.server import EmbeddedCluster
from support.cluster_tools import within
from support.processes import run_script
from support.sockets import connections
from support.threads import tend_threads

pytestmark = [
    pytest.mark.embedded_only,
    pytest.mark.filterwarnings(
        "ignore:.*fork.*:DeprecationWarning"
    ),  # of multi-threaded processes, since 3.12
]


@pytest.fixture(scope="module")
def server():
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        yield cluster


def open_connections(server):
    return sum(node.stats.connections_open for node in server.nodes)


def in_child(work, patience=20):
    """What `work()` returns in a forked child, by way of JSON; the child is killed if it hangs."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            result = work()
        except BaseException:
            result = {"error": traceback.format_exc()}
        try:
            os.write(writing, json.dumps(result).encode())
        finally:
            os._exit(0)
    os.close(writing)
    timer = threading.Timer(patience, os.kill, (pid, signal.SIGKILL))
    timer.start()
    try:
        with open(reading, "rb") as pipe:
            data = pipe.read()
        os.waitpid(pid, 0)
    finally:
        timer.cancel()
    assert data, "the child hung"
    result = json.loads(data)
    assert not (isinstance(result, dict) and "error" in result), result["error"]
    return result


# Garbage collection -----------------------------------------------------------------------------------------


def test_a_dropped_cluster_ends_its_thread_and_its_connections(server):
    before = tend_threads()
    cluster = Cluster(server.hosts, ClientPolicy(tend_interval=50, min_conns_per_node=2))
    cluster.start()
    wait_until(lambda: open_connections(server) == 9)
    (thread,), reference = tend_threads() - before, weakref.ref(cluster)
    some_rounds(cluster)
    del cluster
    wait_until(lambda: gc.collect() or reference() is None)
    wait_until(lambda: not thread.is_alive())
    wait_until(lambda: open_connections(server) == 0)


def test_a_dropped_cluster_needs_no_garbage_collector(server):
    before = tend_threads()
    cluster = Cluster(server.hosts, ClientPolicy(tend_interval=60_000))
    cluster.start()
    (thread,) = tend_threads() - before
    gc.disable()
    try:
        del cluster
        wait_until(lambda: not thread.is_alive(), patience=2)
    finally:
        gc.enable()


def test_failed_starts_leave_nothing_behind(server):
    before = threading.active_count()
    for _ in range(5):
        with pytest.raises(ConnectionError), tended(server.hosts, cluster_name="other"):
            pass
    wait_until(lambda: threading.active_count() <= before)
    wait_until(lambda: open_connections(server) == 0)


@pytest.mark.parametrize(
    "ending", ["pass", "client.close()", "del client", "raise SystemExit(0)", "os._exit(0)"]
)
@pytest.mark.both_kinds
def test_interpreters_exit_quietly(server, ending):
    script = (
        "import os, logging, sys\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)\n"
        "from pyspike import ClientPolicy\n"
        "from support.clients import Client\n"
        f"client = Client({server.hosts!r}, policy=ClientPolicy(tend_interval=1))\n"
        "assert client.is_connected()\n"
        f"{ending}\n"
    )
    started = time.monotonic()
    done = run_script(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 10


@pytest.mark.both_kinds
def test_nothing_is_written_to_stderr(server):
    script = (
        "from pyspike import ClientPolicy, errors\n"
        "from support.clients import Client\n"
        "try:\n"
        "    Client('127.0.0.1:1,no-such-host.invalid', policy=ClientPolicy(timeout=300))\n"
        "except errors.ConnectFailed:\n"
        "    print('failed')\n"
        "Client('127.0.0.1:1', policy=ClientPolicy(timeout=300, fail_if_not_connected=False))\n"
    )
    done = run_script(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "failed\n", "")


# Partitions without an owner --------------------------------------------------------------------------------


def test_a_lost_partition_is_unavailable_until_it_is_back(client, cluster, key):
    client.put(key, {"a": 1})
    cluster.lose_partition(key.namespace, key.partition_id)
    for call, tries in ((lambda: client.get(key), 3), (lambda: client.put(key, {"a": 2}), 1)):
        with pytest.raises(PartitionUnavailable) as caught:
            call()
        assert caught.value.key == key
        assert len(caught.value.attempts) == tries  # reads are tried again, writes are not
        assert all(attempt.sent and attempt.node in client.node_names() for attempt in caught.value.attempts)
        assert not caught.value.in_doubt
    cluster.restore_partition(key.namespace, key.partition_id)
    assert client.get(key)["a"] == 1
    client.put(key, {"a": 3})
    assert client.get(key)["a"] == 3


def test_a_lost_partition_takes_no_other_along(client, cluster, key, set_name):
    cluster.lose_partition(key.namespace, key.partition_id)
    keys = [Key("test", set_name, number) for number in range(20)]
    for other in [each for each in keys if each.partition_id != key.partition_id]:
        client.put(other, {"a": 1})
        assert client.get(other)["a"] == 1


# Fork -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at descriptors in /proc")
def test_parent_and_child_go_on_with_their_own_sockets(server):
    with tended(server.hosts, min_conns_per_node=2) as cluster:
        wait_until(lambda: len(connections(server.hosts)) == 9)
        mine = connections(server.hosts)

        def child():
            assert connections(server.hosts) == set()
            assert info(cluster, "node", "A2") == "A2"
            wait_until(lambda: len(connections(server.hosts)) == 9)
            wait_until(lambda: all(n.pool.open == 2 for n in cluster.stats().nodes.values()))
            return [*connections(server.hosts), len(tend_threads()), active(cluster)]

        *theirs, tending, names = in_child(child)
        assert tending == 1
        assert names == ["A1", "A2", "A3"]
        assert len(theirs) == 9
        assert not mine & {*theirs}
        some_rounds(cluster)
        assert connections(server.hosts) == mine
        assert cluster.stats().tend.last_error is None


@pytest.mark.both_kinds
def test_commands_work_in_parent_and_child(server):
    with Client(server.hosts, policy=ClientPolicy(tend_interval=50)) as client:
        keys = [("test", "fork", number) for number in range(200)]
        for key in keys:
            client.put(key, {"from": "parent"})

        def child():
            before = [client.get(key)["from"] for key in keys]
            for key in keys[:100]:
                client.put(key, {"from": "child"})
            return before

        assert in_child(child) == ["parent"] * 200
        assert [client.get(key)["from"] for key in keys] == ["child"] * 100 + ["parent"] * 100


@pytest.mark.both_kinds
def test_a_child_of_a_busy_parent_does_not_hang(server):
    """Other threads hold locks at the moment of the fork; ten children all the same."""
    with Client(server.hosts, policy=ClientPolicy(tend_interval=1, max_conns_per_node=2)) as client:
        over = threading.Event()
        failed = []

        def work(number):
            try:
                while not over.is_set():
                    client.put(("test", "busy", number), {"n": number})
                    assert client.get(("test", "busy", number))["n"] == number
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        try:
            for number in range(10):
                assert in_child(lambda: client.get(("test", "busy", 1))["n"]) == 1, number
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert failed == []


def test_a_child_follows_the_cluster_on_its_own():
    with EmbeddedCluster(nodes=3, process=True) as server, tended(server.hosts) as cluster:
        stopped_reading, stopped_writing = os.pipe()

        def child():
            cluster.ensure_running()
            os.read(stopped_reading, 1)
            wait_until(lambda: active(cluster) == ["A1", "A3"])
            return active(cluster)

        stopper = threading.Timer(0.2, lambda: (server.node("A2").stop(), os.write(stopped_writing, b"x")))
        stopper.start()
        assert in_child(child) == ["A1", "A3"]
        stopper.join()
        os.close(stopped_reading)
        os.close(stopped_writing)


def test_closing_in_the_child_leaves_the_parent_alone(server):
    with tended(server.hosts) as cluster:
        assert in_child(lambda: cluster.close() or cluster.closed) is True
        assert not cluster.closed
        some_rounds(cluster)
        assert cluster.stats().tend.last_error is None


def test_a_grandchild_works_too(server):
    with tended(server.hosts) as cluster:
        assert in_child(lambda: in_child(lambda: info(cluster, "node", "A1"))) == "A1"


def _ask(cluster, results):
    results.put(info(cluster, "node"))


def test_multiprocessing_by_fork(server):
    context = multiprocessing.get_context("fork")
    with tended(server.hosts) as cluster:
        results = context.SimpleQueue()
        process = context.Process(target=_ask, args=(cluster, results))
        process.start()
        process.join(20)
        assert process.exitcode == 0
        assert results.get() == {"A1": "A1", "A2": "A2", "A3": "A3"}
        results.close()


# The clock --------------------------------------------------------------------------------------------------


def test_the_clock_rings_early_but_not_too_often():
    clock = Clock(least=0.1)
    started = time.monotonic()
    clock.ring()
    clock.ring()
    clock.wait(60)
    assert 0.1 <= time.monotonic() - started < 5
    with within(1000):
        clock.wait(0.02)


def test_a_stopped_clock_does_not_wait():
    clock = Clock(least=30)
    clock.ring()
    threading.Timer(0.05, clock.stop).start()
    started = time.monotonic()
    clock.wait(60)
    clock.wait(60)
    assert clock.stopped
    assert time.monotonic() - started < 5


def test_logging_goes_to_the_package_logger_only(server, caplog):
    with caplog.at_level(logging.DEBUG), tended(server.hosts):
        pass
    assert {record.name for record in caplog.records if record.name.startswith("pyspike")} == {
        "pyspike.cluster"
    }

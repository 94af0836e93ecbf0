"""A client is small, and stays small after large answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from pyspike import Client, ClientPolicy, Key
from pyspike.server import EmbeddedCluster

TIMEOUT = 90
NODES = 10
CONNECTIONS = 10  # a node
LIMIT = 10_000_000
LARGE = 700_000  # below the server's 1 MB a record

# Uses every connection once: so many threads at once on the keys of one node, which answers slowly.
CHILD = """
import gc, json, os, sys, threading, time
import pyspike

def memory():
    gc.collect()
    numbers = {}
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if rest.strip().endswith("kB"):
                numbers[name] = int(rest.split()[0]) * 1024
    return {"uss": numbers["Private_Clean"] + numbers["Private_Dirty"], "rss": numbers["Rss"]}

hosts, per_node, numbers = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
before = memory()
client = pyspike.Client(hosts, pyspike.ClientPolicy(min_conns_per_node=per_node))
failed = []
def get(number, barrier):
    barrier.wait()
    try:
        client.get(pyspike.Key("test", "memory", number), default=None, timeout=10_000)
    except Exception as error:
        failed.append(repr(error))
for of_node in numbers:
    barrier = threading.Barrier(len(of_node))
    threads = [threading.Thread(target=get, args=(number, barrier)) for number in of_node]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
def pools():
    return [node.pool for node in client.stats().nodes.values()]
patience = time.monotonic() + 20  # until those are there that a pool has at least
while any(pool.idle < per_node for pool in pools()) and time.monotonic() < patience:
    time.sleep(0.01)
after = memory()
print(json.dumps({
    "before": before, "after": after, "failed": failed,
    "nodes": len(pools()),
    "idle": sum(pool.idle for pool in pools()),
    "namespaces": len(client.info("namespaces", client.nodes()[0]).split(";")),
}), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's /proc")
def test_a_client_of_ten_nodes_with_a_hundred_connections_takes_less_than_ten_megabytes() -> None:
    with EmbeddedCluster(nodes=NODES, process=True) as cluster:
        numbers: dict[str, list[int]] = {node.name: [] for node in cluster.nodes}
        owners = {pid: cluster.owners("test", pid)[0].name for pid in range(0, 4096, 7)}
        for number in range(100_000):
            mine = numbers.get(owners.get(Key("test", "memory", number).partition_id, ""))
            if mine is not None and len(mine) < CONNECTIONS:
                mine.append(number)
        assert all(len(mine) == CONNECTIONS for mine in numbers.values())
        for node in cluster.nodes:
            node.delay(0.1)
        import pyspike

        path = os.pathsep.join([str(Path(pyspike.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                CHILD,
                cluster.hosts,
                str(CONNECTIONS),
                json.dumps(list(numbers.values())),
            ],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env={**os.environ, "PYTHONPATH": path},
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == []
    assert (found["nodes"], found["namespaces"]) == (NODES, 2)
    assert found["idle"] >= NODES * CONNECTIONS
    for kind in ("uss", "rss"):
        assert found["after"][kind] - found["before"][kind] < LIMIT, found


@pytest.mark.parametrize(("threshold", "kept"), [(65536, False), (2 * LARGE, True)])
def test_a_large_answers_buffer_is_given_back(hosts: str, set_name: str, threshold: int, kept: bool) -> None:
    key = Key("test", set_name, f"large {threshold}")
    with Client(hosts, ClientPolicy(buffer_reclaim_threshold=threshold)) as client:
        client.put(key, {"blob": b"x"})
        client.get(key)
        client.put(key, {"blob": bytes(LARGE)})
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            assert len(client.get(key)["blob"]) == LARGE
            after, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        client.delete(key)
    assert peak - before > 2 * LARGE, "the answer in the buffer, and the value"
    assert (after - before > LARGE) is kept
    if not kept:
        assert after - before < threshold

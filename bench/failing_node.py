"""What a node that fails every command costs the others, with the circuit breaker and without.

    python bench/failing_node.py [--seconds 2] [--threads 8]

Threads read records of three embedded nodes in turn, one copy of each, while one node answers nothing. A
read of that node's fails after 20 ms, or at once where the client has given the node up for a while. It
prints, for a cluster that is well and for one with that node, how many reads of the other nodes were done in
a second, and how many requests the failing node got.
"""

from __future__ import annotations

import argparse
import contextlib
import threading
import time

from pyspike import AerospikeError, Client, ClientPolicy, Key, ReadPolicy
from pyspike.server import EmbeddedCluster

CASES = [("all well", 100, False), ("breaker", 100, True), ("no breaker", 0, True)]  # name, limit, fails
BRIEF = ReadPolicy(socket_timeout=20, max_retries=0)


def others_per_second(
    client: Client, keys: list[Key], failing: set[Key], threads: int, seconds: float
) -> float:
    """How many reads of keys that are not the failing node's are done in a second."""
    done = [0] * threads
    end = time.monotonic() + seconds

    def use(number: int) -> None:
        while time.monotonic() < end:
            for key in keys:
                with contextlib.suppress(AerospikeError):
                    client.get(key, default=None)
                    done[number] += key not in failing

    workers = [threading.Thread(target=use, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / seconds


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    print(f"{'':24}{'reads of others/s':>20}{'requests to it':>16}")
    with EmbeddedCluster(nodes=3, replication_factor=1, process=True) as cluster:
        node = cluster.nodes[1]
        keys = [Key("test", "bench", number) for number in range(60)]
        failing = {key for key in keys if cluster.owner(key).name == node.name}
        for title, limit, fails in CASES:
            with Client(cluster.hosts, ClientPolicy(max_error_rate=limit, read=BRIEF)) as client:
                client.batch_get(keys)
                if fails:
                    node.stall(times=1_000_000)
                before = node.stats.data_requests
                rate = others_per_second(client, keys, failing, options.threads, options.seconds)
                print(f"{title:24}{rate:20.0f}{node.stats.data_requests - before:16}", flush=True)
                node.heal()


if __name__ == "__main__":
    main()

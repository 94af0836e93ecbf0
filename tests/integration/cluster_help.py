"""What the tests of tending share: clusters with a short tend interval, and waiting for what becomes true."""

import contextlib
import time

from pyspike.cluster import Cluster, asking
from pyspike.cluster.call import ClusterCall
from pyspike.policy import ClientPolicy

PATIENCE = 10.0


def wait_until(condition, patience=PATIENCE):
    """Poll until the condition is true, and return what it gave."""
    deadline = time.monotonic() + patience
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.005)
    return result


@contextlib.contextmanager
def tended(hosts, **policy):
    """A cluster that is started, and closed at the end."""
    cluster = Cluster(hosts, ClientPolicy(**{"tend_interval": 50, **policy}))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def info(cluster, command, node=None):
    """What a node answers, or all of them by their names."""
    with ClusterCall(cluster, None, "info", 1000) as call:
        return asking.info(call, command, node)


def some_rounds(cluster, count=2):
    """Wait until the cluster was looked after a few times more."""
    target = cluster.rounds + count
    wait_until(lambda: cluster.rounds >= target)


def active(cluster):
    """The names of the nodes that commands use."""
    return sorted(node.name for node in cluster.nodes if node.active)


def masters(cluster, namespace="test"):
    """How many partitions each node is master of; None stands for nobody."""
    counts = {}
    for pid in range(4096):
        owner = cluster.routing.partitions.owner(namespace, pid, 0)
        name = None if owner is None else owner.name
        counts[name] = counts.get(name, 0) + 1
    return counts


def agrees(cluster, server, namespace="test"):
    """Whether the map is the servers' own, by open pools only."""
    for pid in range(0, 4096, 7):
        wanted = [node.name for node in server.owners(namespace, pid)]
        owners = [cluster.routing.partitions.owner(namespace, pid, column) for column in range(len(wanted))]
        if [owner and owner.active and owner.name for owner in owners] != wanted:
            return False
    return True

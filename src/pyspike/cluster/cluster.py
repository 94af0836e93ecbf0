"""What commands use: the nodes, the partition map, and the words for what is wrong with them.

Both are immutable and swapped whole, so readers take no lock. All changes come from `tend`, in the tend
thread; the first round runs in the thread that calls `start`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Mapping

from pyspike._wire import Connection, PartitionMap, Routing
from pyspike.cluster import info, lifecycle
from pyspike.cluster.addresses import Endpoint, check_map
from pyspike.cluster.connect import connect
from pyspike.cluster.node import Node
from pyspike.cluster.seeds import Seeds
from pyspike.cluster.tend import Round, Unreachable
from pyspike.errors import AerospikeError, ClientClosed, ConnectFailed, InvalidNode
from pyspike.hosts import HostsLike, parse_hosts
from pyspike.policy import ClientPolicy, InfoPolicy
from pyspike.process import fork
from pyspike.showing import shown
from pyspike.stats import ClientStats, NodeStats, PoolStats, TendStats

__all__ = ["Cluster"]

log = logging.getLogger("pyspike.cluster")

CALLS_PAUSE = 0.002  # seconds between two looks whether calls are under way, before closing
LEAST_PAUSE = 0.1  # seconds between two rounds, however loudly commands complain


class Cluster:
    """A cluster, tended from `start` to `close`, or until nobody holds on to it.

    Args:
        hosts: the seeds, in any form that `parse_hosts` takes.
        policy: how to connect and to tend.

    Attributes:
        hosts: the seeds.
        policy: the policy.
        nodes: all nodes, as a tuple that is swapped whole; retired ones that may come back too.
        routing: who owns which partition, as the map that is current.
        closed: whether `close` was called.
        rounds: how many rounds there have been.
    """

    def __init__(self, hosts: HostsLike, policy: ClientPolicy) -> None:
        check_map(policy.ip_map)
        self.hosts = parse_hosts(hosts)
        self.policy = policy
        self.seeds = Seeds(self.hosts, policy)
        self.nodes: tuple[Node, ...] = ()
        self.routing = Routing()
        self.closed = False
        self.rounds = 0
        self.unreachable: Mapping[str, Unreachable] = {}  # swapped whole
        self._generations: Mapping[str, int | None] = {}  # of the partitions in `routing`, swapped whole
        self._left: tuple[Node, ...] = ()  # nodes that are gone, with calls under way to them
        self._round_ms = 0.0
        self._last_error: str | None = None
        self._renew()
        lifecycle.watch(self)

    def _renew(self) -> None:
        """All that belongs to one process: the lock, the clock, the thread."""
        self._lock = threading.Lock()
        self._clock = lifecycle.Clock(min(LEAST_PAUSE, self.policy.tend_interval / 2000))
        self._thread: threading.Thread | None = None
        self._forked = False

    def start(self) -> None:
        """Connect to the seeds, get to know all nodes and their partitions, and tend them from now on.

        Raises:
            ConnectFailed: no seed can be used, or none of the nodes told its partitions; not if the policy's
                `fail_if_not_connected` is off.
            ClientClosed: it is closed, or was closed meanwhile.
        """
        if self.closed:
            raise _closed()
        try:
            deadline = time.monotonic() + self.policy.timeout / 1000
            self._go_round(deadline)
            while not self.routing.partitions.namespaces:
                if time.monotonic() > deadline:
                    raise self.not_connected()
                self._clock.wait(self._clock.least)
                self._go_round(deadline)
        except AerospikeError as error:
            if self.closed:
                raise _closed() from None
            if self.policy.fail_if_not_connected:
                self.close()
                raise
            log.warning("not connected yet: %s", error.message)
        except BaseException:
            self.close()
            raise
        with self._lock:
            if self.closed:
                raise _closed()
            self._thread = lifecycle.start(self, self._clock, self._pause(uneasy=False))

    def close(self, wait: float = 0.0) -> None:
        """Stop tending and close all connections. Again is harmless.

        Args:
            wait: how many milliseconds to wait before that for the blocking calls that are under way; none
                begins from now on.
        """
        fork.caught_up()
        self.routing.refuse()
        end = time.monotonic() + wait / 1000
        try:
            while time.monotonic() < end and self._has_calls():
                time.sleep(CALLS_PAUSE)
        finally:
            self._close()

    def _has_calls(self) -> bool:
        """Whether a blocking call is under way."""
        return bool(self.routing.retrying) or any(node.pool.busy for node in (*self.nodes, *self._left))

    def _close(self) -> None:
        with self._lock:
            if self.closed:
                return
            self.closed = True
        thread = self.halt()
        if thread is not None:
            # It may be waiting for an answer; should that take longer, it cleans up after itself.
            thread.join((self.policy.timeout + 500) / 1000)
        with self._lock:
            nodes, self.nodes, self.routing.partitions = self.nodes, (), PartitionMap()
        for node in nodes:
            node.retire()
            if thread is None or not thread.is_alive():
                node.hang_up()

    def is_open(self) -> bool:
        """Whether there is something to close: not before `start`, nor in a fork that did not use it."""
        return self.rounds > 0 and not self.closed and not self._forked

    # For commands -------------------------------------------------------------------------------------------

    def is_connected(self) -> bool:
        """Whether a node answered the last time it was asked."""
        fork.caught_up()
        return any(node.active and node.failures == 0 for node in self.nodes)

    def node(self, name: str) -> Node | None:
        """The node of this name."""
        return next((node for node in self.nodes if node.name == name), None)

    def version_of(self, name: str | None) -> str:
        """The version of the server of this name; empty if there is none."""
        node = None if name is None else self.node(name)
        return "" if node is None else node.version

    def info(self, command: str, node: str | Node | None, policy: InfoPolicy) -> str | dict[str, str]:
        """A node's answer to an info command, or every node's by its name.

        Raises:
            InvalidNode: there is no such node.
            ConnectFailed: no node is known.
            AerospikeError: asking failed, or the server answered with an error.
        """
        self.ensure_running()
        if not self.nodes:
            raise self.not_connected()
        if node is not None:
            found = self.node(node) if isinstance(node, str) else node
            if found is None:
                names = ", ".join(each.name for each in self.nodes)
                raise InvalidNode(
                    f"the cluster has no node {shown(node)}; it has {names}", advice=self.advice()
                )
            return _info(found, command, policy)
        nodes = [each for each in self.nodes if each.active]
        if not nodes:
            raise self.not_connected()
        return {each.name: _info(each, command, policy) for each in nodes}

    def not_connected(self) -> ConnectFailed:
        """What calls fail with that find no node to ask: it names each seed with its reason."""
        error = self.seeds.last_failure()
        if error is None:
            why = self._last_error or "they are not ready"
            error = ConnectFailed(f"no node told its partitions: {why}")
        error.advice = self.advice() or error.advice
        return error

    def suspect(self, node: Node | str | None = None) -> None:
        """A command had trouble with a node, or found none: look at the cluster now. Cheap."""
        if isinstance(node, str):
            node = self.node(node)
        if node is not None:
            node.suspected = True
        with contextlib.suppress(ClientClosed):
            self.ensure_running()
        self._clock.ring()

    def ensure_running(self) -> None:
        """Tend again after a fork. Cheap when there is nothing to do.

        Raises:
            ClientClosed: the cluster is closed.
        """
        fork.caught_up()
        if self.closed:
            raise _closed()
        if not self._forked:
            return
        with self._lock:
            if self._forked and not self.closed:
                self._forked = False
                with contextlib.suppress(RuntimeError):  # the interpreter is exiting: no more threads
                    self._thread = lifecycle.start(self, self._clock, 0.0)

    def advice(self) -> str:
        """What the user can do about nodes that can't be reached; empty if there are none."""
        return "; ".join(trouble.advice(self, name) for name, trouble in sorted(self.unreachable.items()))

    def stats(self) -> ClientStats:
        """The numbers of every node with its pool, and of tending."""
        fork.caught_up()
        return ClientStats(
            nodes={node.name: _node_stats(node, self._generations.get(node.name)) for node in self.nodes},
            tend=TendStats(
                rounds=self.rounds,
                last_ms=self._round_ms,
                last_error=self._last_error,
                unreachable={name: trouble.reason for name, trouble in sorted(self.unreachable.items())},
            ),
        )

    def __repr__(self) -> str:
        state = "closed" if self.closed else ", ".join(map(repr, self.nodes)) or "no node"
        return f"<Cluster {','.join(map(str, self.hosts))}: {state}>"

    # For tending --------------------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether a round has to end early."""
        return self._clock.stopped

    def tend(self) -> float:
        """Go round once; the seconds until the next time."""
        uneasy = True
        try:
            uneasy = self._go_round()
        except AerospikeError as error:
            self.note(error.message)
            log.debug("nobody answers: %s", error.message)
        except Exception as error:
            self.note(f"{type(error).__name__}: {error}")
            if not self.stopping:
                log.exception("looking after the cluster failed; it goes on in the next round")
        return self._pause(uneasy=uneasy)

    def _go_round(self, deadline: float | None = None) -> bool:
        started = time.monotonic()
        current = Round(self)
        try:
            current.run(deadline)
        finally:
            self._round_ms = (time.monotonic() - started) * 1000
            self.rounds += 1
        return current.uneasy

    def _pause(self, *, uneasy: bool) -> float:
        interval = self.policy.tend_interval / 1000
        return max(interval / 4, self._clock.least) if uneasy else interval

    def publish(
        self, nodes: tuple[Node, ...], partitions: PartitionMap, unreachable: Mapping[str, Unreachable]
    ) -> bool:
        """Swap the whole view; not if the cluster was closed meanwhile."""
        with self._lock:
            if not self.closed:
                self._left = tuple(
                    node for node in (*self._left, *self.nodes) if node not in nodes and node.pool.busy
                )
                self.unreachable = unreachable
                self.routing.partitions = partitions
                self._generations = {node.name: node.partition_generation for node in nodes}
                self.nodes = nodes
            return not self.closed

    def note(self, error: str) -> None:
        """Keep the last thing that went wrong, for `stats`."""
        self._last_error = error

    def opener(self, endpoint: Endpoint, name: str) -> _Opener:
        """What a node's pool opens its connections with."""
        return _Opener(self, endpoint, name)

    def halt(self) -> threading.Thread | None:
        """Tell the tend thread to end; the thread, unless it is the caller's own."""
        self._clock.stop()
        thread = self._thread
        return None if thread is threading.current_thread() else thread

    def after_fork(self) -> None:
        """In a child process: connections are the parent's, threads gone, and locks may be held by them."""
        self._renew()
        if self.closed:
            return
        self._forked = True
        self.seeds.after_fork()
        for node in self.nodes:
            node.after_fork()


def _closed() -> ClientClosed:
    return ClientClosed("the client is closed")


def _node_stats(node: Node, partition_generation: int | None) -> NodeStats:
    return NodeStats(
        name=node.name,
        address=node.address,
        version=node.version,
        is_active=node.active,
        failed_rounds=node.failures,
        last_error=node.last_error,
        partition_generation=partition_generation,
        pool=PoolStats(**node.pool.stats()),
    )


def _info(node: Node, command: str, policy: InfoPolicy) -> str:
    try:
        return info.value_of(node.info(command, policy.timeout), command)
    except AerospikeError as error:
        error.node = node.name
        raise


class _Opener:
    """Opens a node's connections, without holding on to the cluster."""

    __slots__ = ("_cluster", "_endpoint", "_name", "_timeout")

    def __init__(self, cluster: Cluster, endpoint: Endpoint, name: str) -> None:
        self._cluster = weakref.ref(cluster)
        self._endpoint = endpoint
        self._name = name
        self._timeout = cluster.policy.timeout

    def __call__(self, timeout: float) -> Connection:
        cluster = self._cluster()
        if cluster is not None:
            cluster.ensure_running()
        limit = min(timeout, self._timeout) if timeout > 0 else self._timeout
        return connect(self._endpoint, limit, self._name)

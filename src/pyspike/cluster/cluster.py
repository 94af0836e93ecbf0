"""The cluster as commands use it: the current view, the partition map that they are routed by, and its life.

The view is a value that is replaced as a whole, so readers take no lock. Rounds of tending make a new one:
the first round is run by the thread that calls `start`, the others by the tend thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import TYPE_CHECKING, Protocol

from pyspike._wire import Connection, DynamicSettings, PartitionMap, Routing
from pyspike.arguments import record_types
from pyspike.cluster import tend_thread
from pyspike.cluster.addresses import Endpoint, check_map
from pyspike.cluster.connect import Door
from pyspike.cluster.metering import Metering
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.seeds import Seeds
from pyspike.cluster.tend import Outcome, Round
from pyspike.cluster.view import View
from pyspike.errors import AerospikeError, ClientClosed, ConnectFailed
from pyspike.hosts import HostsLike, parse_hosts
from pyspike.policy import ClientPolicy
from pyspike.policy.config_provider import CONFIG_VARIABLE
from pyspike.process import fork, members
from pyspike.process.lazy_imports import importing
from pyspike.stats import (
    BatchStats,
    ClientStats,
    CompressionStats,
    HealthStats,
    NodeStats,
    PoolStats,
    QueryStats,
    RackStats,
    TendStats,
)

if TYPE_CHECKING:
    from pyspike import metrics
    from pyspike.cluster.config_file import ConfigFile
    from pyspike.policy.dynamic import Config

__all__ = ["Cluster", "TendListener"]

log = logging.getLogger("pyspike.cluster")

CALLS_PAUSE = 0.002  # seconds between two looks whether calls are under way, before closing
LEAST_PAUSE = 0.1  # seconds between two rounds, however often commands ask for one


class TendListener(Protocol):
    """Is told what tending does, in its thread. What it raises is logged, and stops nothing."""

    def tended(self) -> None:
        """A round of tending is over."""
        ...

    def node_left(self, node: ClusterNode) -> None:
        """A node is no more in the cluster, and gets no more commands."""
        ...


class Cluster:
    """A cluster that is tended from `start` to `close`, or until nobody holds on to it.

    Args:
        hosts: the seeds, in any form that `parse_hosts` takes.
        policy: how to connect and to tend.
        for_threads: whether calls of threads use it, so that their connections are opened in advance.

    Attributes:
        hosts: the seeds.
        policy: the policy, with what a configuration file says in the place of what the code says.
        dynamic: what the file says of the policies of commands; None of a client that follows none.
        types: what its clients know of the classes that records are made into.
        door: opens the connections to the nodes.
        view: what is known of the cluster, as the last round of tending has found it.
        routing: the view's partition map, as the compiled executors read it.
        metering: the numbers of commands.
        listener: is told of rounds of tending, if there is one; not in a forked child.
        closed: whether `close` was called.
    """

    def __init__(self, hosts: HostsLike, policy: ClientPolicy, *, for_threads: bool = True) -> None:
        check_map(policy.ip_map)
        self.hosts = parse_hosts(hosts)
        self.metering = Metering()
        self._file = _config_file(policy)
        config = None if self._file is None else self._file.read_first()
        self.dynamic = None if self._file is None else DynamicSettings()
        self._in_code = policy if config is None else policy.replace(**config.static)
        self.policy = policy = self._changed_by(config)
        self.types = record_types(policy.codecs)
        self.door = Door(policy)
        self.seeds = Seeds(self.hosts, self.door, policy)
        self.view = View()
        self.routing = Routing()
        self.routing.prefers_racks = policy.rack_ids is not None
        self.closed = False
        self._for_threads = for_threads
        self._left: tuple[ClusterNode, ...] = ()  # nodes that are gone, with calls under way to them
        self._round_ms = 0.0
        self._last_error: str | None = None
        self._renew()
        if self.door.login is not None:
            self.door.login.needed = _Asked(self)
        members.register(self)

    def _renew(self) -> None:
        """Make what belongs to one process: the lock, the clock, the tend thread."""
        self._lock = threading.Lock()
        self._clock = tend_thread.Clock(min(LEAST_PAUSE, self.policy.tend_interval / 2000))
        self._thread: threading.Thread | None = None
        self._forked = False
        self.listener: TendListener | None = None
        self.metering = Metering(self.metering.told)

    def start(self) -> None:
        """Connect to the seeds, find all nodes and their partitions, and tend them from now on.

        Raises:
            ConnectFailed: no seed can be used, or none of the nodes told its partitions; not if the policy's
                `fail_if_not_connected` is off.
            ClientClosed: it is closed, or was closed meanwhile.
        """
        if self.closed:
            raise _closed()
        try:
            deadline = time.monotonic() + self.door.reach / 1000
            self._do_round(deadline)
            while not self.routing.partitions.namespaces:
                if time.monotonic() > deadline:
                    raise self.not_connected()
                self._clock.wait(self._clock.least)
                self._do_round(deadline)
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
            self._thread = tend_thread.start(self, self._clock, self._pause(tend_soon=False))

    def close(self, wait: float = 0.0) -> None:
        """Stop tending and close all connections. To close a closed cluster is harmless.

        From now on no call begins.

        Args:
            wait: for how many milliseconds the blocking calls that are under way may go on before that.
        """
        fork.catch_up()
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
        thread = self.at_exit()
        if thread is not None:
            # It waits for no answer, but may still be connecting; then it cleans up after itself.
            thread.join((self.policy.timeout + 500) / 1000)
        with self._lock:
            nodes = self.view.nodes
            self._show(dataclasses.replace(self.view, nodes=(), partitions=PartitionMap()))
        for node in nodes:
            node.retire()
            if thread is None or not thread.is_alive():
                node.hang_up()

    def is_open(self) -> bool:
        """Whether there is something to close: not before `start`, nor in a forked child until it is used."""
        return self.rounds > 0 and not self.closed and not self._forked

    # For commands -------------------------------------------------------------------------------------------

    def is_connected(self) -> bool:
        """Whether any node answered when it was asked last."""
        fork.catch_up()
        return any(node.active and node.failures == 0 for node in self.nodes)

    @property
    def nodes(self) -> tuple[ClusterNode, ...]:
        """All nodes; also those that fail and may come back."""
        return self.view.nodes

    @property
    def rounds(self) -> int:
        """How many rounds of tending there were."""
        return self.view.round

    def node(self, name: str) -> ClusterNode | None:
        """The node of this name; None if there is none."""
        return self.view.node(name)

    def version_of(self, name: str | None) -> str:
        """The version of the server of this name; empty if there is none."""
        node = None if name is None else self.node(name)
        return "" if node is None else node.version

    def not_connected(self) -> AerospikeError:
        """The error of calls that find no node to ask; its message has the reason of each seed.

        It is a `ConnectFailed`, or a `SecurityError` if the servers do not accept the user.
        """
        error = self.seeds.last_failure()
        if error is None:
            why = self._last_error or "they are not ready"
            error = ConnectFailed(f"no node told its partitions: {why}")
        error.advice = self.view.advice(self.policy) or error.advice
        return error

    def request_tend(self, node: ClusterNode | str | None = None) -> None:
        """Have a round of tending begin now, because a command found no node, or one that fails.

        This only wakes the tend thread, so it may be called for every command.

        Args:
            node: the node that failed, or its name; it is asked on a new connection.
        """
        if isinstance(node, str):
            node = self.node(node)
        if node is not None:
            node.suspected = True
        with contextlib.suppress(ClientClosed):
            self.ensure_running()
        self._clock.ring()

    def ensure_running(self) -> None:
        """Start the tend thread if this is a forked child that has none yet.

        Raises:
            ClientClosed: the cluster is closed.
        """
        fork.catch_up()
        if self.closed:
            raise _closed()
        if not self._forked:
            return
        with self._lock:
            if self._forked and not self.closed:
                self._forked = False
                with contextlib.suppress(RuntimeError):  # the interpreter is exiting: no more threads
                    self._thread = tend_thread.start(self, self._clock, 0.0)

    def stats(self) -> ClientStats:
        """The numbers of every node with its pool, and of tending."""
        fork.catch_up()
        view = self.view
        return ClientStats(
            nodes={node.name: _node_stats(node, view.generations.get(node.name)) for node in view.nodes},
            tend=TendStats(
                rounds=view.round,
                last_ms=self._round_ms,
                last_error=self._last_error,
                unreachable={name: trouble.reason for name, trouble in sorted(view.unreachable.items())},
            ),
        )

    def stats_of(self, node: ClusterNode) -> NodeStats:
        """The numbers of one node, also of one that has left."""
        return _node_stats(node, self.view.generations.get(node.name))

    def metrics(self) -> metrics.ClientMetrics:
        """The numbers of commands so far."""
        fork.catch_up()
        with self._lock:
            return self.metering.seen(self.nodes)

    def __repr__(self) -> str:
        state = "closed" if self.closed else ", ".join(map(repr, self.nodes)) or "no node"
        return f"<Cluster {','.join(map(str, self.hosts))}: {state}>"

    def _changed_by(self, config: Config | None) -> ClientPolicy:
        """The policy with what a file says; commands follow what it says of theirs from now on."""
        if config is None or self.dynamic is None:
            return self._in_code
        self.dynamic.sections = config.sections
        self.metering.told = config.metrics
        return self._in_code.replace(**config.client)

    def _look_at_file(self) -> None:
        """Take over what the configuration file says, if it has changed."""
        config = None if self._file is None else self._file.changed()
        if config is None:
            return
        # First the racks, which commands may prefer by a section. They may as long as the client lives, since
        # a file that takes the racks out again is not to fail commands whose own policy prefers them.
        rack_ids = config.client.get("rack_ids", self._in_code.rack_ids)
        if rack_ids is not None or self.routing.prefers_racks:
            self._prefer(rack_ids or ())
        self.policy = self._changed_by(config)
        self.door.follow(self.policy)
        self.seeds.follow(self.policy)
        for node in self.nodes:
            node.follow(self.policy)

    def _prefer(self, rack_ids: Sequence[int]) -> None:
        """Have commands that prefer racks prefer these, as far as nodes have told theirs."""
        with self._lock:
            if not self.closed:
                racks = {node: node.racks or {} for node in self.nodes}
                partitions = self.view.partitions.preferring(rack_ids, racks)
                self._show(dataclasses.replace(self.view, partitions=partitions))
        self.routing.prefers_racks = True

    # For tending --------------------------------------------------------------------------------------------

    def tend(self) -> float:
        """Do one round of tending; the seconds until the next one."""
        tend_soon = True
        try:
            self._look_at_file()
            tend_soon = self._do_round()
            self._tell(methodcaller("tended"))
        except AerospikeError as error:
            self._last_error = error.message
            log.debug("no node answers: %s", error.message)
        except Exception as error:
            self._last_error = f"{type(error).__name__}: {error}"
            if not self._clock.stopped:
                log.exception("tending the cluster failed; it goes on with the next round")
        return self._pause(tend_soon=tend_soon)

    def _do_round(self, deadline: float | None = None) -> bool:
        """Do one round of tending and publish its view; whether the next one should come soon."""
        started = time.monotonic()
        if self.door.login is not None:
            self.door.login.tending = threading.get_ident()
        current = Round(
            self.view,
            self.seeds,
            self.door,
            self.policy,
            self._opener,
            lambda: self._clock.stopped,
            prefers_racks=self.routing.prefers_racks,
        )
        try:
            try:
                current.run(deadline)
            finally:
                outcome = current.outcome()
                self._publish(outcome)
            if self._for_threads:
                self._fill_pools()
        finally:
            if self.door.login is not None:
                self.door.login.tending = None
            self._round_ms = (time.monotonic() - started) * 1000
        return outcome.tend_soon

    def _pause(self, *, tend_soon: bool) -> float:
        interval = self.policy.tend_interval / 1000
        return max(interval / 4, self._clock.least) if tend_soon else interval

    def _publish(self, outcome: Outcome) -> None:
        """Have commands use the view of a round, unless the cluster was closed meanwhile; retire nodes."""
        nodes = outcome.view.nodes
        self._last_error = outcome.last_error or self._last_error
        with self._lock:
            published = not self.closed
            if published:
                self._left = tuple(
                    node for node in (*self._left, *self.nodes) if node not in nodes and node.pool.busy
                )
                self.metering.adopt(node for node in nodes if node not in self.nodes)
                self._show(outcome.view)
                self.metering.forget(nodes)
        for node in outcome.retired:
            node.retire()
            if node not in nodes:
                node.hang_up()
                self._tell(methodcaller("node_left", node))
        for node in nodes:
            if not published:
                node.retire()
                node.hang_up()
            node.tidy()
            node.watch_errors()
        if self.door.login is not None:
            self.door.login.keep_only({node.endpoint for node in nodes})

    def _tell(self, what: Callable[[TendListener], None]) -> None:
        listener = self.listener
        if listener is None:
            return
        try:
            what(listener)
        except Exception:
            log.exception("what listens to the tending of the cluster failed")

    def _show(self, view: View) -> None:
        self.routing.partitions = view.partitions
        self.view = view

    def _fill_pools(self) -> None:
        """Open the connections that the policy wants to be there in advance."""
        for node in self.nodes:
            if not node.active or node.failures or self._clock.stopped:
                continue
            try:
                node.fill()
            except AerospikeError as error:
                self._last_error = f"node {node.name} at {node.address}: {error.message}"
                log.info("opening connections to node %s in advance: %s", node.name, error.message)

    def _opener(self, endpoint: Endpoint, name: str) -> _Opener:
        return _Opener(self, endpoint, name)

    def at_exit(self) -> threading.Thread | None:
        """Have the tend thread end, as the interpreter ends or the cluster is closed; the thread.

        None if there is none, or if this is called in that thread.
        """
        self._clock.stop()
        self.door.waits.end()
        thread = self._thread
        return None if thread is threading.current_thread() else thread

    def after_fork(self) -> None:
        """Start over in a child process, in which connections are the parent's and other threads are gone."""
        self._renew()
        if self.closed:
            return
        self._forked = True
        self.seeds.after_fork()
        self.door.after_fork()
        for node in self.nodes:
            node.after_fork()
        self.metering.adopt(self.nodes)


def _config_file(policy: ClientPolicy) -> ConfigFile | None:
    """The file that the client follows; None without one."""
    if policy.config_provider is None and not os.environ.get(CONFIG_VARIABLE):
        return None
    with importing:
        from pyspike.cluster.config_file import config_file

        return config_file(policy)


def _closed() -> ClientClosed:
    return ClientClosed("the client is closed")


def _node_stats(node: ClusterNode, partition_generation: int | None) -> NodeStats:
    return NodeStats(
        name=node.name,
        address=node.address,
        version=node.version,
        is_active=node.active,
        failed_rounds=node.failures,
        last_error=node.last_error,
        partition_generation=partition_generation,
        pool=PoolStats(**node.pool.stats()),
        batches=BatchStats(**node.batch_stats()),
        queries=QueryStats(**node.query_stats()),
        rack=RackStats(ids=dict(node.racks or {}), **node.rack_stats()),
        health=HealthStats(**node.health_stats()),
        compression=CompressionStats(**node.compression_stats()),
    )


class _Opener:
    """Opens the connections of a node's pool, without keeping the cluster alive."""

    __slots__ = ("_cluster", "_door", "_endpoint", "_name", "_patience", "_timeout")

    def __init__(self, cluster: Cluster, endpoint: Endpoint, name: str) -> None:
        self._cluster = weakref.ref(cluster)
        self._door = cluster.door
        self._endpoint = endpoint
        self._name = name
        self._timeout = cluster.policy.timeout
        self._patience = cluster.door.reach

    def __call__(self, timeout: float) -> Connection:
        cluster = self._cluster()
        if cluster is not None:
            cluster.ensure_running()
            self._timeout = cluster.policy.timeout
            self._patience = self._door.reach
        limit = min(timeout, self._timeout) if timeout > 0 else self._timeout
        return self._door.connect(self._endpoint, limit, self._name, patience=timeout or self._patience)


class _Asked:
    """Has a cluster log in, without keeping it alive."""

    __slots__ = ("_cluster",)

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = weakref.ref(cluster)

    def __call__(self) -> None:
        cluster = self._cluster()
        if cluster is not None:
            cluster.request_tend()

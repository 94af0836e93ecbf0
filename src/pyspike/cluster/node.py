"""One server of the cluster, as long as it is the same server at the same address.

There are three classes of nodes: the compiled `Node` has what commands need (`src/wire/nodes/node.pyx`), a
`ClusterNode` adds what tending needs, and a `pyspike.Node` is the value that users get.

A retired node never comes back: its pool is closed for good, and when the server answers again, or at another
address, a new object takes its place. So commands may keep a node without asking whether it still is what it
was. Which nodes are retired is decided in `tend`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspike import nodes
from pyspike._wire import Connection, Node, NodeLimits, Pool
from pyspike.cluster.addresses import Endpoint
from pyspike.cluster.connect import Door
from pyspike.cluster.probe import Probe, ask
from pyspike.errors import AerospikeError
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy

__all__ = ["ClusterNode", "limits"]

log = logging.getLogger("pyspike.cluster")


def limits(policy: ClientPolicy) -> NodeLimits:
    """What a client with this policy may open and have waiting at each node."""
    return NodeLimits(
        min_connections=policy.min_conns_per_node,
        max_connections=policy.max_conns_per_node,
        max_waiting=-1 if policy.max_waiting_per_node is None else policy.max_waiting_per_node,
        idle_timeout=policy.idle_timeout,
        buffer_reclaim_threshold=policy.buffer_reclaim_threshold,
        # Over TLS a server takes one command at a time on a connection (cluster.md 11.6).
        pipelines=policy.max_conns_per_node if policy.commands_over_tls else policy.pipelines_per_node,
        commands_per_pipeline=1 if policy.commands_over_tls else policy.commands_per_pipeline,
        max_errors=policy.max_error_rate,
    )


class ClusterNode(Node):
    """A node of the cluster that is tended; its name, pool, limits and whether it is active are compiled.

    Attributes:
        host: its address, as a host with a numeric name.
        version: the version of its server.
        failures: how many rounds of tending in a row it has not answered.
        last_error: why it did not, in the last of those rounds; None if it answers.
        racks: its rack in each namespace, if the client prefers racks and the node tells.
    """

    __slots__ = (
        "__weakref__",
        "_door",
        "_info",
        "_opener",
        "_policy",
        "_refuses",
        "_window_end",
        "endpoint",
        "failures",
        "host",
        "last_error",
        "partition_generation",
        "peer_count",
        "peers_generation",
        "racks",
        "rebalance_generation",
        "refused",
        "seed",
        "suspected",
        "version",
    )

    def __init__(
        self, probe: Probe, door: Door, policy: ClientPolicy, opener: Callable[[Endpoint, str], Any]
    ) -> None:
        super().__init__(probe.name, limits(policy))
        self.endpoint = probe.endpoint
        self.host: Host = probe.endpoint.host
        self.version = probe.version
        self.seed = probe.seed  # the seed host that led to it, where nodes are the seeds only
        self.failures = 0
        self.last_error: str | None = None
        self.refused = False  # whether it refused the last connection, which leaves no doubt that it is down
        self.suspected = False  # whether a command failed on it since it was asked last
        self.peers_generation: int | None = None  # of what was read; None if that has to be read again
        self.partition_generation: int | None = None
        self.rebalance_generation: int | None = None
        self.racks: Mapping[str, int] | None = None  # before it has told; empty if it tells none
        self.peer_count = 0
        self._refuses = False  # whether the log says that its breaker is open
        self._window_end = time.monotonic() + self._window_of(policy)
        self._door = door
        self._policy = policy
        self._info: Connection | None = probe.connection
        self._opener = opener(self.endpoint, self.name)
        self.pool = Pool(self, self._opener)

    @property
    def address(self) -> str:
        """Its address as text, such as `10.0.0.1:3000`."""
        return str(self.host)

    def seen(self) -> nodes.Node:
        """The value that users get."""
        return nodes.Node(self.name, self.host, self.version, self.active)

    def dial(self, timeout: float) -> Connection:
        """A new connection to the server, for info commands; who asks for it closes it.

        Args:
            timeout: how long connecting may take in milliseconds, if the client's policy allows so much.

        Raises:
            TimeoutError, ConnectionError: there is none.
        """
        limit = min(timeout, self._policy.timeout)
        return self._door.connect(self.endpoint, limit, self.name, patience=timeout)

    # For tending: one thread at a time ----------------------------------------------------------------------

    def follow(self, policy: ClientPolicy) -> None:
        """Be reached, keep unused connections and be given up by another policy from now on."""
        self._policy = policy
        self.limits.change_idle_timeout(policy.idle_timeout)
        self.breaker.change(policy.max_error_rate)

    def ask(self, commands: Sequence[str], timeout: float) -> dict[str, str]:
        """Ask the server info commands on the connection that tending keeps, which is opened if need be.

        Returns:
            The commands and their values, which may be errors in words: see `info_answers.value_of`.

        Raises:
            AerospikeError: there was no answer, so the connection is closed.
        """
        connection = self._info
        if connection is None:
            connection = self._info = self._door.connect_to_tend(self.endpoint, timeout, self.name)
        try:
            with self._door.waits.on(connection):
                return ask(connection, commands, timeout)
        except BaseException:
            self.hang_up()
            raise

    def log_in(self) -> None:
        """Log in anew on the connection that tending keeps, if there is one; a new one is logged in anyway.

        Where logins are apart from all else, it is done over TLS instead.

        Raises:
            AerospikeError: the server does not accept the user, or did not answer; the connection is closed.
        """
        login = self._door.login
        if login is None or self._info is None:
            return
        if self._policy.tls_for_login_only:
            self._door.log_in_apart(login, self.endpoint, self._policy.timeout, self.name)
            return
        try:
            login.log_in(self._info, self.endpoint, self.name)
        except BaseException:
            self.hang_up()
            raise

    def answered(self, probe: Probe) -> None:
        """Keep the connection on which the server answers again; all that it tells has to be read again."""
        self.hang_up()
        self._info = probe.connection
        self.seed = probe.seed
        self.failures = 0
        self.refused = self.suspected = False
        self.last_error = None
        self.peers_generation = self.partition_generation = self.rebalance_generation = None

    def failed(self, error: AerospikeError, *, refused: bool = False) -> None:
        """Count a round of tending in which the server did not answer.

        Args:
            error: why not.
            refused: whether it refused a connection.
        """
        self.hang_up()
        self.failures += 1
        self.refused = refused
        self.last_error = error.message  # not the error, whose traceback leads back here

    def hang_up(self) -> None:
        """Close the connection that tending keeps."""
        connection, self._info = self._info, None
        if connection is not None:
            connection.close()

    def tidy(self) -> None:
        """Read answers that nobody waits for at the moment, and close connections idle for long."""
        self.pool.drain()
        self.pool.relieve()
        self.pool.trim()

    def watch_errors(self) -> None:
        """Begin a new window of errors if it is time to; log when commands are refused, and when no more."""
        if self.breaker.is_open and not self._refuses:
            self._refuses = True
            log.warning(
                "node %s at %s gets no commands for a while: more than %d errors within %g ms",
                self.name, self.address, self.breaker.limit, self._window_of(self._policy) * 1000,
            )  # fmt: skip
        now = time.monotonic()
        if now < self._window_end:
            return
        # Rounds are not to the millisecond: half an interval early is in time.
        self._window_end = now + self._window_of(self._policy) - self._policy.tend_interval / 2000
        if self.breaker.next_window() and self._refuses:
            self._refuses = False
            log.warning("node %s at %s gets commands as before", self.name, self.address)

    @staticmethod
    def _window_of(policy: ClientPolicy) -> float:
        return policy.error_rate_window * policy.tend_interval / 1000

    def fill(self) -> None:
        """Open as many connections as the policy wants to be open in advance, if the node is well.

        Raises:
            AerospikeError: one can't be opened.
        """
        if not self.breaker.is_open:
            self.pool.fill()

    def after_fork(self) -> None:
        """Start over in a child process: connections are the parent's, and the pool may stay locked."""
        self._info = None
        self.forget_connections()
        self.pool = Pool(self, self._opener)
        if not self.active:
            self.pool.close()

    def __repr__(self) -> str:
        return f"<ClusterNode {self.name} {self.address}{'' if self.active else ' inactive'}>"

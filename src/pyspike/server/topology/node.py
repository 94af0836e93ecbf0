"""One node of the cluster: its listening port, its connections, and its faults.

Owns: starting and stopping to listen, the open connections, and which of the node's faults hits a request.
Not here: what a request does (the `dispatch` that the node is given), and which nodes form the cluster and
own which partitions (membership.py).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from ..protocol.batch_request import is_batch, parse_batch, rows_of
from ..protocol.constants import FieldType, Info2
from ..protocol.digest import partition_of
from ..protocol.framing import Message, parse_message
from ..protocol.result import RequestError
from ..protocol.transaction_steps import step_of
from .connection import Connection
from .fault_settings import Faults, StepFault
from .listener import BACKLOG, Listener
from .replies import Reply
from .state import ClusterState, NodeState, NodeStats, Session
from .tls import TlsProtocol

__all__ = ["Dispatch", "Node"]

Dispatch: TypeAlias = Callable[[ClusterState, NodeState, Session, int, bytes], Reply]
"""Runs a frame: takes the cluster, the node, the connection's session, the frame's type and its body."""


class Node:
    """A node. All methods run in the cluster's loop."""

    def __init__(
        self,
        state: NodeState,
        cluster: ClusterState,
        dispatch: Dispatch,
        happen: Callable[[Node, str, Mapping[str, Any]], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Make a node that is down.

        Args:
            state: the node's name, address and counters.
            cluster: the cluster that it is part of.
            dispatch: runs the frames that arrive.
            happen: lets an event happen that befalls this node, given by its name and its arguments.
            tls: with which it speaks TLS on its port; None: it does not.

        """
        self.state: NodeState = state
        self.handle: Callable[[Session, int, bytes], Reply] = partial(dispatch, cluster, state)
        self._cluster: ClusterState = cluster
        self._happen: Callable[[Node, str, Mapping[str, Any]], None] = happen
        self._tls = tls
        self._connections: set[Connection] = set()
        self._connections_frozen = False
        self._mute_for: float | None = None
        self._mute_timer: asyncio.TimerHandle | None = None
        self._listeners: list[Listener] = []

    @property
    def stats(self) -> NodeStats:
        """What the node has counted."""
        return self.state.stats

    @property
    def compression(self) -> bool:
        """Whether compressed requests are read."""
        return self._cluster.compression

    @property
    def faults(self) -> Faults:
        """What is wrong with the node."""
        return self.state.faults

    # --- life ---

    def bind(self, port: int) -> list[socket.socket]:
        """Take a port (0: any free one), and that without TLS if there is to be one, and remember them.

        Raises:
            OSError: a port is taken.

        """
        socks = [self._bound(port)]
        self.state.port = socks[0].getsockname()[1]
        if self.state.clear_port is not None:
            try:
                socks.append(self._bound(self.state.clear_port))
            except OSError:
                socks[0].close()
                raise
            self.state.clear_port = socks[1].getsockname()[1]
        return socks

    def _bound(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.state.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.state.host, port))
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
        return sock

    def listen(self, socks: list[socket.socket] | None = None) -> None:
        """Accept connections on what `bind` gave, or else on the ports that the node had before.

        It does nothing if the node does already.
        """
        if self._listeners:
            return
        made: list[Callable[[], asyncio.Protocol]] = [self._protocol, self._clear_protocol]
        for sock, make in zip(socks or self.bind(self.state.port), made, strict=False):
            self._listeners.append(Listener(sock, make))

    def _protocol(self) -> asyncio.Protocol:
        """The protocol of a connection that was just accepted."""
        return Connection(self) if self._tls is None else TlsProtocol(self._tls, lambda: Connection(self))

    def _clear_protocol(self) -> asyncio.Protocol:
        """The protocol of one on the port without TLS."""
        return Connection(self)

    def refuse(self) -> None:
        """Close the listening ports; connections that are open stay open."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()

    def begin(self) -> None:
        """Mark the node as up: without faults but `mute` and those of the whole cluster, and with the
        generations of a new process.
        """
        self.state.begin()
        self.state.faults = Faults(muted=self.faults.muted, steps=self.faults.steps)
        self._tell_connections()
        self._time_mute()

    def end(self, *, reset: bool) -> None:
        """Mark the node as down, and close its port and its connections, these as `disconnect` does."""
        self.state.running = False
        self.refuse()
        self._time_mute()
        self.disconnect(reset=reset)

    def disconnect(self, *, reset: bool) -> None:
        """Close all connections, with a TCP reset or after the answers to all requests that have arrived."""
        for connection in list(self._connections):
            if reset:
                connection.reset()
            else:
                connection.finish()

    # --- faults ---

    def change_faults(self, **changes: Any) -> None:
        """Set some faults, as `Faults.change` takes them."""
        self.faults.change(**changes)
        self._tell_connections()

    def mute(self, seconds: float | None) -> None:
        """Read and answer nothing for `seconds` from now on, and again from the next start on.

        With None it lasts until `unmute`.
        """
        self._mute_for = seconds
        self.change_faults(muted=True)
        self._time_mute()

    def unmute(self) -> None:
        """End `mute`."""
        self.faults.change(muted=False)
        self._time_mute()
        self._tell_connections()

    def heal(self) -> None:
        """Undo all faults but a closed port."""
        self.state.faults = Faults()
        self.state.index_builds.clear()
        self.unmute()

    def _time_mute(self) -> None:
        """Start the timer that ends `mute`, if the node is up and there is to be one; stop it otherwise."""
        if self._mute_timer is not None:
            self._mute_timer.cancel()
            self._mute_timer = None
        if self.faults.muted and self.state.running and self._mute_for is not None:
            self._mute_timer = asyncio.get_running_loop().call_later(self._mute_for, self.unmute)

    def _tell_connections(self) -> None:
        """Freeze the connections, or let them go on, after the faults have changed."""
        if self.faults.silent != self._connections_frozen:
            self._connections_frozen = self.faults.silent
            for connection in list(self._connections):
                if self._connections_frozen:
                    connection.freeze()
                else:
                    connection.thaw()

    # --- called by connections ---

    def connected(self, connection: Connection) -> None:
        """Count a connection that a client has opened."""
        self._connections.add(connection)
        self.state.sessions.add(connection.session)
        self.stats.connections_accepted += 1
        self.stats.connections_open += 1
        if not self.state.running:
            connection.close()  # it was accepted just before the node was stopped

    def disconnected(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)
        self.state.sessions.discard(connection.session)
        self.stats.connections_open -= 1

    def let_happen(self) -> None:
        """Let happen what was told to happen in the middle of an answer."""
        self._happen(self, self.faults.event, self.faults.event_args)

    def freeze(self) -> None:
        """Read and answer nothing from now on."""
        self.change_faults(frozen=True)

    def step_fault(self, body: bytes) -> StepFault | None:
        """The fault that a data request has as a part of a transaction; None if it has none."""
        if not self.faults.steps:
            return None
        try:
            steps = {step_of(message) for _, message in _requests(body, self._cluster.store.namespaces)}
        except RequestError:
            return None
        return self.faults.take_step({step for step in steps if step is not None})

    def holds(self, body: bytes) -> bool:
        """Whether a data request is a write whose answer is held back by a fault."""
        if self.faults.hold_seconds <= 0:
            return False
        try:
            return any(self._holds(*row) for row in _requests(body, self._cluster.store.namespaces))
        except RequestError:
            return False

    def _holds(self, digest: bytes | None, message: Message) -> bool:
        partitions = self._cluster.maps.get(message.fields.get(FieldType.NAMESPACE, b""))
        if not message.info2 & Info2.WRITE or partitions is None or digest is None:
            return False
        replica = self.faults.hold_replica
        return replica is None or replica in partitions.owners(partition_of(digest))[1:]


def _requests(body: bytes, namespaces: Container[bytes]) -> Iterator[tuple[bytes | None, Message]]:
    """The digest and the message of each record that a data request is about."""
    if is_batch(body):
        for row in rows_of(parse_batch(body), namespaces):
            yield row.digest, row.message
    else:
        message = parse_message(body)
        yield message.fields.get(FieldType.DIGEST), message

"""One node: its listening port, its connections, its generations, and the dispatch of whole frames.

Owns: what belongs to one node of the cluster and outlives a connection. Not here: which nodes form the
cluster and who owns what (membership.py), and what the commands do.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import info
from ..protocol.error_details import details_field
from ..protocol.framing import FieldType, Info2, ProtoType, frame, parse_message, refusal, reply
from ..protocol.result import RequestError, ResultCode
from ..records.commands import execute
from ..storage.store import partition_of
from .connection import Connection, Reply
from .faults import Faults

if TYPE_CHECKING:
    from .membership import Membership

__all__ = ["Node", "NodeStats"]

_LOG = logging.getLogger("pyspike.server")

_DATA = int(ProtoType.AS_MSG)
_BACKLOG = 1024
_INFO4_AT = 4
_SECURITY_REPLY = frame(ProtoType.SECURITY, bytes((0, ResultCode.SEC_NOT_SUPPORTED)) + bytes(14))


@dataclass(slots=True)
class NodeStats:
    """What a node has counted since it was made.

    `requests`: frames of all kinds that arrived. `data_requests`: those of type 3. `info_requests`: those of
        type 1.
    `connections_accepted`, `connections_open`: clients' connections, ever and now.
    """

    requests: int = 0
    data_requests: int = 0
    info_requests: int = 0
    connections_accepted: int = 0
    connections_open: int = 0

    def count_data(self) -> None:
        """Count a data request that is not run."""
        self.requests += 1
        self.data_requests += 1


class Node:
    """A node. All methods run in the cluster's loop."""

    def __init__(self, name: str, host: str, port: int, cluster: Membership) -> None:
        self.name: str = name
        self.host: str = host
        self.port: int = port
        self.cluster: Membership = cluster
        self.faults = Faults()
        self.stats = NodeStats()
        self.running = False
        self.started = 0.0
        self._mute_for: float | None = None
        self._mute_timer: asyncio.TimerHandle | None = None
        self.peers_generation: int = 0
        self.peers_log: list[tuple[int, str]] = []
        """(generation, name) of each change of a peer since the start."""
        self.partition_generation: int = 0
        self.rebalance_generation: int = 0
        self.connections: set[Connection] = set()
        self.settings: dict[str, dict[str, bool | int | str]] = {}
        """What `set-config` has changed that nothing here depends on, by context or namespace."""
        self._store = cluster.store
        self._server: asyncio.AbstractServer | None = None

    # --- address and life ---

    @property
    def address(self) -> str:
        """host:port as clients are told."""
        return f"{self.cluster.advertised_host(self)}:{self.port}"

    @property
    def alternate_address(self) -> str | None:
        """host:port of the alternate service, if there is one."""
        host = self.cluster.alternate_host
        return None if host is None else f"{host}:{self.port}"

    def bind(self, port: int) -> socket.socket:
        """Take a port (0: any free one) and remember it."""
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.host, port))
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        return sock

    async def listen(self, sock: socket.socket | None = None) -> None:
        """Accept connections, on the port of before unless a socket is given."""
        if self._server is None:
            sock = sock or self.bind(self.port)
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: Connection(self), sock=sock, backlog=_BACKLOG)

    def refuse(self) -> None:
        """Close the listening port; connections that are open live on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    # --- faults of the whole node ---

    def freeze(self) -> None:
        """Read and answer nothing until `thaw`."""
        self.faults.frozen = True
        self._hold_or_go_on()

    def thaw(self) -> None:
        """End `freeze`."""
        self.faults.frozen = False
        self._hold_or_go_on()

    def mute(self, seconds: float | None) -> None:
        """Read and answer nothing for `seconds` from now on, and again from the next start on; None: until
        `unmute`.
        """
        self._mute_for = seconds
        self.faults.muted = True
        self._hold_or_go_on()
        self._time_mute()

    def unmute(self) -> None:
        """End `mute`."""
        self.faults.muted = False
        self._time_mute()
        self._hold_or_go_on()

    def _time_mute(self) -> None:
        """Let `mute` end by itself if it is to; the time of a node that is down does not run."""
        if self._mute_timer is not None:
            self._mute_timer.cancel()
            self._mute_timer = None
        if self.faults.muted and self.running and self._mute_for is not None:
            self._mute_timer = asyncio.get_running_loop().call_later(self._mute_for, self.unmute)

    def _hold_or_go_on(self) -> None:
        faults, was_silent = self.faults, self.faults.silent
        faults.silent = faults.frozen or faults.muted
        if faults.silent != was_silent:
            for connection in list(self.connections):
                connection.freeze() if faults.silent else connection.thaw()

    def heal(self) -> None:
        """Undo all faults but a closed port."""
        silent, self.faults = self.faults.silent, Faults()
        self.faults.silent = silent  # until the connections have heard of it
        self.unmute()

    def begin(self) -> None:
        """Be up: without faults, but for `mute`, and with the generations of a new process."""
        self.running = True
        self.started = time.monotonic()
        self.peers_generation = self.partition_generation = self.rebalance_generation = 0
        self.peers_log = []
        self.faults = Faults(muted=self.faults.muted)
        self._hold_or_go_on()
        self._time_mute()

    def end(self, *, reset: bool) -> None:
        """Be down: port and connections close, with a reset or after the answers to all that has arrived."""
        self.running = False
        self.refuse()
        self._time_mute()
        self.disconnect(reset=reset)

    def disconnect(self, *, reset: bool) -> None:
        """Close all connections, with a reset or after the answers under way."""
        for connection in list(self.connections):
            if reset:
                connection.reset()
            else:
                connection.finish()

    # --- called by connections ---

    def connected(self, connection: Connection) -> None:
        """A client has come."""
        self.connections.add(connection)
        self.stats.connections_accepted += 1
        self.stats.connections_open += 1

    def disconnected(self, connection: Connection) -> None:
        """A client has gone."""
        self.connections.discard(connection)
        self.stats.connections_open -= 1

    def handle(self, connection: Connection, kind: int, body: bytes) -> Reply:
        """Run one frame and give its answer."""
        self.stats.requests += 1
        try:
            if kind == _DATA or kind == ProtoType.INTERNAL_XDR:
                self.stats.data_requests += 1
                return execute(self._store, parse_message(body))
            if kind == ProtoType.INFO:
                self.stats.info_requests += 1
                return frame(ProtoType.INFO, info.answer(self, connection, body))
            if kind == ProtoType.SECURITY:
                return _SECURITY_REPLY
            return reply(ResultCode.ENTERPRISE_ONLY)
        except RequestError as error:
            return refusal(body, error.code, self._details(body, error))
        except Exception:
            _LOG.exception("node %s: a request of type %d failed: %s", self.name, kind, body[:256].hex())
            return refusal(body, ResultCode.UNKNOWN) if kind != ProtoType.INFO else frame(ProtoType.INFO, b"")

    def _details(self, body: bytes, error: RequestError) -> bytes:
        if not self._store.version.error_details or len(body) <= _INFO4_AT:
            return b""
        return details_field(body[_INFO4_AT], error)

    def holds(self, body: bytes) -> bool:
        """Whether a data request is a write whose answer `hold_writes` keeps back."""
        if self.faults.hold_seconds <= 0:
            return False
        try:
            message = parse_message(body)
        except RequestError:
            return False
        partitions = self.cluster.maps.get(message.fields.get(FieldType.NAMESPACE, b""))
        digest = message.fields.get(FieldType.DIGEST)
        if not message.info2 & Info2.WRITE or partitions is None or digest is None:
            return False
        replica = self.faults.hold_replica
        return replica is None or replica in partitions.owners(partition_of(digest))[1:]

    # --- called by the membership ---

    def peer_changed(self, name: str) -> None:
        """A peer came, went, or changed its address."""
        self.peers_generation += 1
        self.peers_log.append((self.peers_generation, name))

    def uptime(self) -> int:
        """Seconds since the start."""
        return int(time.monotonic() - self.started)

"""Pipelines whose transports end here: the test is the server, and sees every write."""

from __future__ import annotations

import asyncio
import functools
import math
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from pyspike import ChannelStats, ClientPolicy, Key, ReadPolicy, WritePolicy, errors
from pyspike._wire import Channel, Command, Node, Pool, Routing, advance_clock
from pyspike.cluster.loop_executor import LoopExecutor, Pipeline
from pyspike.cluster.metering import Metering
from pyspike.cluster.node import limits
from support.messages import DIGEST, Message, Op, parse
from support.unsent import UNSENT

FOUND = Message().pack()
EVERY = b"\xff" * 512  # all partitions


def read(number: int, timeout: float = 10_000, **policy: Any) -> Command:
    """A `get` of a key of this number."""
    chosen = ReadPolicy(**policy) if policy else None
    return UNSENT.get(Key("test", "s", number), timeout=timeout or None, policy=chosen)


def write(number: int, timeout: float = 10_000, size: int = 1, **policy: Any) -> Command:
    """A `put` of so many bytes."""
    chosen = WritePolicy(**policy) if policy else None
    return UNSENT.put(Key("test", "s", number), {"a": bytes(size)}, timeout=timeout or None, policy=chosen)


def record(value: bytes) -> bytes:
    """The answer to a `get` of a record with one bin."""
    return Message(ops=(Op(1, b"a", 3, value),)).pack()


class Transport:
    """One connection, seen from the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Pipeline) -> None:
        self.loop = loop
        self.protocol = protocol
        self.writes: list[bytes] = []
        self.aborted = False
        self.socket: socket.socket | None = None
        self.held_back = 0  # bytes of the last writes that were not given to the system
        self.holds = 0  # how often the client has stopped to receive
        self._held = False
        self._unread = b""

    # --- what the protocol uses ---

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self.socket if name == "socket" else default

    def write(self, data: bytes) -> None:
        assert data, "an empty write"
        assert not self.aborted, "a write to a closed connection"
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        return self.held_back

    def pause_reading(self) -> None:
        assert not self._held
        self._held = True
        self.holds += 1

    def resume_reading(self) -> None:
        assert self._held
        self._held = False
        self.loop.call_soon(self._deliver)

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self.loop.call_soon(self.protocol.connection_lost, None)

    # --- what the server does ---

    @property
    def unread(self) -> int:
        """How many bytes of answers the client has not received."""
        return len(self._unread)

    def keep_silent(self, size: int) -> None:
        """Send no more than so many bytes of what the client has not received."""
        self._unread = self._unread[:size]

    def digests(self) -> list[bytes]:
        """The records that were asked for, in order."""
        data = b"".join(self.writes)
        found = []
        while data:
            size = 8 + int.from_bytes(data[2:8], "big")
            found.append(parse(data[:size]).field(DIGEST) or b"")
            data = data[size:]
        return found

    def answer(self, data: bytes) -> None:
        """Give the client something to read, one read's worth after the other as long as it reads."""
        self._unread += data
        self._deliver()

    def _deliver(self) -> None:
        while self._unread and not self._held and not self.aborted:
            room = self.protocol.get_buffer(-1)
            assert len(room), "no room to read into"
            count = min(len(room), len(self._unread))
            room[:count] = self._unread[:count]
            del room
            self._unread = self._unread[count:]
            self.protocol.buffer_updated(count)

    def lose(self, reason: Exception | None = None) -> None:
        """The connection is gone."""
        self.aborted = True
        self.protocol.connection_lost(reason)


def fake_node(name: str, policy: ClientPolicy) -> Node:
    """A node that no connection for threads can be opened to."""
    made = Node(name, limits(policy))
    made.pool = Pool(made, lambda timeout: None)  # type: ignore[arg-type, return-value]
    return made


class FakeCluster:
    """Nodes that own everything, the first as master."""

    closed = False

    def __init__(self, policy: ClientPolicy, nodes: int = 1) -> None:
        self.policy = policy
        self.nodes = [fake_node(f"A{number + 1}", policy) for number in range(nodes)]
        self.requested: list[str | None] = []
        self.routing = Routing()
        self.metering = Metering()
        nothing = bytes(512)
        for place, node in enumerate(self.nodes):
            columns = [EVERY if column == place else nothing for column in range(nodes)]
            self.routing.partitions = self.routing.partitions.updated(node, [("test", 0, columns)])

    def request_tend(self, node: str | None = None) -> None:
        self.requested.append(node)

    def not_connected(self) -> errors.ConnectFailed:
        return errors.ConnectFailed("no node is there")

    def advice(self) -> str:
        return ""

    def version_of(self, node: str | None) -> str:
        return ""


class Pipes(LoopExecutor):
    """An executor in the running loop whose connections are opened at once, by the next iteration.

    Its time passes when a test says so (`pass_time`). The machine's passes too, so what has to be over has as
    long a deadline as what must not be, but for what is passed.

    Attributes:
        cluster: whose nodes they lead to.
        transports: all that were opened, by node.
        refused: how many of the next connections can't be opened.
        socket: what the next transports say is theirs.
        slow: whether they are opened only when `open` is called.
        timers: how often the loop was asked for a timer.
    """

    def __new__(cls, *, nodes: int = 1, **policy: Any) -> Pipes:
        cluster: Any = FakeCluster(ClientPolicy(**policy), nodes)
        pipes = super().__new__(cls, asyncio.get_running_loop(), cluster)
        pipes.cluster = cluster
        return pipes

    def __init__(self, **options: Any) -> None:
        super().__init__(self.loop, self.cluster)
        self.transports: list[Transport] = []
        self.of_node: dict[str, list[Transport]] = {}
        self.refused = 0
        self.socket: socket.socket | None = None
        self.slow = False
        self.opening: list[Channel] = []
        self.timers = 0
        self._passed = 0.0  # ms
        self._rings_at = math.inf  # when the timer goes off, of what is passed

    def _open_soon(self, channel: Channel) -> None:
        self.opening.append(channel)
        if not self.slow:
            self.loop.call_soon(self.open)

    def open(self) -> None:
        """Open the connection that was asked for."""
        channel = self.opening.pop(0)
        if self.refused:
            self.refused -= 1
            channel.not_opened(errors.ConnectionError("refused"))
            return
        pipeline = Pipeline(channel)
        transport = Transport(self.loop, pipeline)
        transport.socket = self.socket
        self.transports.append(transport)
        self.of_node.setdefault(channel.node.name, []).append(transport)
        pipeline.connection_made(transport)
        channel.opened(pipeline)

    def watch_in(self, seconds: float) -> None:
        self.timers += 1
        self._rings_at = self._passed + seconds * 1000
        super().watch_in(seconds)

    async def pass_time(self, ms: float) -> None:
        """Let so many milliseconds pass at once, in which the timer goes off as often as it is due."""
        await turns()  # so that what was started is under way
        end = self._passed + ms
        while self._rings_at <= end:
            advance_clock(self._rings_at - self._passed)
            self._passed, self._rings_at = self._rings_at, math.inf
            self.watched()
            await turns()
        advance_clock(end - self._passed)
        self._passed = end

    @property
    def numbers(self) -> ChannelStats:
        """The numbers of the first node's channel."""
        return next(iter(self.stats().values()))


async def turns(count: int = 4) -> None:
    """Let the loop come round a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is run as the main task of a loop, and does not hang."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 90))

    return run

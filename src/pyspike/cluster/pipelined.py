"""Runs commands for the tasks of one asyncio loop: many in flight on few connections.

The data path is compiled (`Lanes`, `Lane`, `Pipeline`); this module opens connections, keeps the loop's one
timer, and decides about failed attempts. All of it runs in the loop's own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import weakref
from collections.abc import AsyncGenerator

from pyspike._wire import Command, Lane, Lanes, Node, Pipeline, abandon_socket
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.connect import connect_in_loop
from pyspike.cluster.retry import closed, conclude, next_step
from pyspike.errors import AerospikeError, ClientClosed, ConnectionError
from pyspike.stats import ChannelStats, ConnectionStats

log = logging.getLogger("pyspike.cluster")

HOUSEKEEPING = 1.0  # seconds between two looks for idle connections
LONG = 5.0  # seconds
NO_CONNECTIONS = ConnectionStats()


class PipelineProtocol(Pipeline, asyncio.BufferedProtocol):
    """A pipeline as asyncio knows it: it asks for the base class to choose the buffered way of reading."""


class PipelinedExecutor(Lanes):
    """Runs commands on a cluster, in one loop.

    Args:
        loop: the running loop.
        cluster: shared with whoever else uses it.
    """

    __slots__ = (
        "__weakref__",
        "_cluster",
        "_keeper",
        "_opening",
        "_pausing",
        "_sockets",
        "_timer",
        "_watching",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, cluster: Cluster) -> None:
        self._cluster = cluster
        self._opening: set[asyncio.Task[None]] = set()
        self._sockets: set[socket.socket] = set()  # that are being connected
        self._pausing: dict[Command, asyncio.Handle] = {}  # before their next attempt
        self._timer: asyncio.TimerHandle | None = None
        self._keeper: asyncio.TimerHandle | None = None
        self._watching = self._close_with_loop()

    def watch_loop(self) -> None:
        """See to it that connections go when the loop goes.

        Before a loop ends it closes the asynchronous generators that are under way. One is set under way
        here, up to its first `yield`, where it waits for nothing.
        """
        with contextlib.suppress(StopIteration):
            self._watching.__anext__().send(None)

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.close()
            if self._opening:
                await asyncio.wait(self._opening)
            while any(lane.is_ending for lane in self.all_lanes()):
                await asyncio.sleep(0)
            await asyncio.sleep(0)  # lets the loop tell the transports that they are closed

    def failed(self, command: Command, error: AerospikeError) -> None:
        """Decide what comes of a command whose attempt failed."""
        try:
            self._decide(command, error)
        except Exception as fault:  # of ours; nobody else looks after the command
            log.exception("what comes of a failed attempt could not be decided")
            if not command.promise.done():
                command.promise.set_exception(fault)

    def _decide(self, command: Command, error: AerospikeError) -> None:
        if self.closed:
            step: float | AerospikeError = conclude(command, closed(command, error))
        else:
            step = next_step(self._cluster, command, error)
        if isinstance(step, AerospikeError):
            command.promise.set_exception(step)
        elif step:
            self._pausing[command] = self.loop.call_later(step / 1000, self._again, command)
        else:
            self._pausing[command] = self.loop.call_soon(self._again, command)

    def _again(self, command: Command) -> None:
        self._pausing.pop(command, None)
        if command.promise.done():
            return
        if self.closed:
            self.failed(command, ClientClosed("the client is closed"))
        else:
            self.attempt(command)

    # --- connections ---

    def new_lane(self, node: Node, wide: bool, writes: bool) -> Lane:
        """A lane to a node that is used for the first time."""
        if self._keeper is None:
            self._keeper = self.loop.call_later(HOUSEKEEPING, _keep_house, weakref.ref(self))
        return Lane(
            self.loop,
            node,
            self._open_soon,
            self.failed,
            self.attempt,
            wide=wide,
            writes=writes,
            large=self.large,
        )

    def _open_soon(self, lane: Lane) -> None:
        if self.closed:  # since it was planned
            lane.not_opened(ClientClosed("the client is closed"))
            return
        task = self.loop.create_task(self._open(lane))
        # Whoever closes a loop without a word to anybody need not read of a task that is not his.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, lane: Lane) -> None:
        """Open a connection for a lane; the lane is told how it went, whatever happens."""
        pipeline = None
        error: AerospikeError = ConnectionError("the loop ended before the connection was opened")
        try:
            pipeline = await self._connected(lane)
        except AerospikeError as failure:
            error = failure
        except Exception as failure:
            log.exception("opening a connection to node %s failed", lane.node.name)
            error = ConnectionError(f"{type(failure).__name__}: {failure}", node=lane.node.name)
        finally:
            if self.loop.is_closed():
                pass  # this task is destroyed
            elif pipeline is not None:
                lane.opened(pipeline)
            else:
                lane.not_opened(error)
            del error  # its traceback has this frame

    async def _connected(self, lane: Lane) -> Pipeline:
        """A new connection to the lane's node, ready for commands."""
        name = lane.node.name
        timeout = self._cluster.policy.timeout
        self._cluster.ensure_running()
        node = self._cluster.node(name)
        if node is None:
            raise ConnectionError(f"node {name} has left the cluster", node=name)
        return await connect_in_loop(
            self.loop, node.endpoint, timeout, name, lambda: PipelineProtocol(lane), self._sockets
        )

    # --- time ---

    def watch_in(self, seconds: float) -> None:
        """Look for what is overdue, once, after so many seconds or a little earlier.

        Linux may wake a loop that waits for long later by a thousandth, which looking once more makes up for.
        """
        if self._timer is not None:
            self._timer.cancel()
        if seconds > LONG:
            seconds *= 0.95
        self._timer = self.loop.call_later(max(seconds, 0.0), _watch, weakref.ref(self))

    def keep_house(self) -> None:
        """Close what has been idle for long, and forget the lanes to nodes that left."""
        for lane in self.all_lanes():
            if not lane.trim() and (not lane.node.active or lane.wide):
                self.forget(lane)
        self._keeper = self.loop.call_later(HOUSEKEEPING, _keep_house, weakref.ref(self))

    # --- the end ---

    def is_busy(self) -> bool:
        """Whether any command is under way."""
        return bool(self._pausing) or any(lane.is_busy for lane in self.all_lanes())

    def close(self) -> None:
        """Close all connections of this loop; commands in flight fail. In the loop's thread."""
        if self.closed:
            return
        self.stop()
        for timer in (self._timer, self._keeper):
            if timer is not None:
                timer.cancel()
        for command, pause in list(self._pausing.items()):
            pause.cancel()
            self._again(command)
        for lane in self.all_lanes():
            lane.close()
        for task in self._opening:
            task.cancel()
        del self._cluster  # its tend thread must not live until the garbage collector finds this executor,
        # which its own generator holds on to
        self._forget_lanes()

    def _forget_lanes(self) -> None:
        """Let go of lanes as their connections end, and so of the nodes' pools."""
        for lane in self.all_lanes():
            if not lane.is_ending:
                self.forget(lane)
        if self.all_lanes():
            self.loop.call_soon(self._forget_lanes)

    def lose_connections(self) -> None:
        """In a child process where the loop goes on: what is under way ends as if its connection broke."""
        error = ConnectionError("the process was forked, and the connection is its parent's")
        for lane in self.all_lanes():
            lane.close(error, "forked")
        self._forget_lanes()

    def abandon(self) -> None:
        """Forget all connections, and what they carry: the loop does not run, or not in this process."""
        self.stop()
        for lane in self.all_lanes():
            lane.abandon()
        for sock in self._sockets:
            abandon_socket(sock)

    async def aclose(self) -> None:
        """Close all connections and wait until the loop has let go of them."""
        self.close()
        with contextlib.suppress(RuntimeError):  # it is being closed already, by the loop
            await self._watching.aclose()

    def stats(self) -> dict[str, ChannelStats]:
        """The numbers of this loop's connections, by the node's name."""
        usual: dict[str, ConnectionStats] = {}
        large: dict[str, ConnectionStats] = {}
        for lane in self.all_lanes():
            name, kind = lane.node.name, large if lane.wide else usual
            kind[name] = kind.get(name, NO_CONNECTIONS) + ConnectionStats(**lane.stats())
        return {
            name: ChannelStats.of(usual.get(name, NO_CONNECTIONS), large.get(name, NO_CONNECTIONS))
            for name in {**usual, **large}
        }


def _watch(reference: weakref.ref[PipelinedExecutor]) -> None:
    executor = reference()
    if executor is not None and not executor.closed:
        executor.watched()


def _keep_house(reference: weakref.ref[PipelinedExecutor]) -> None:
    executor = reference()
    if executor is not None and not executor.closed:
        executor.keep_house()

"""Runs commands for the tasks of one asyncio loop: many in flight on few connections.

The data path and the deadlines are compiled (`src/wire/tasks`), in classes of the same names as the two
here. This module opens connections, closes those that are idle, and decides about failed attempts. All of it
runs in the loop's own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import weakref
from collections.abc import AsyncGenerator

from pyspike import _wire
from pyspike._wire import FOR_BATCHES, FOR_QUERIES, Channel, Future, Node, abandon_socket
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.connect import LoopConnection
from pyspike.cluster.retry import closed, conclude, next_step
from pyspike.errors import AerospikeError, ClientClosed, ConnectionError
from pyspike.stats import ChannelStats, ConnectionStats

log = logging.getLogger("pyspike.cluster")

HOUSEKEEPING = 1.0  # seconds between two looks for idle connections
NO_CONNECTIONS = ConnectionStats()


class Pipeline(_wire.Pipeline, asyncio.BufferedProtocol):
    """The compiled `Pipeline` with the base class by which asyncio knows that it reads into a buffer."""


class LoopExecutor(_wire.LoopExecutor):
    """Runs commands on a cluster, in one loop.

    Args:
        loop: the running loop.
        cluster: shared with whoever else uses it.
    """

    __slots__ = (
        "_cluster",
        "_keeper",
        "_metering",
        "_opening",
        "_pausing",
        "_sockets",
        "_watching",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, cluster: Cluster) -> None:
        self._cluster = cluster
        self._metering = cluster.metering
        self._opening: set[asyncio.Task[None]] = set()
        self._sockets: set[socket.socket] = set()  # that are being connected
        self._pausing: dict[Future, asyncio.Handle] = {}  # before their next attempt
        self._keeper: asyncio.TimerHandle | None = None
        self._watching = self._close_with_loop()

    def watch_loop(self) -> None:
        """Have the connections closed when the loop ends.

        Before a loop ends it closes the asynchronous generators that are suspended. This starts one, which
        stays suspended at its first `yield` until then.
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
            while self.is_draining:
                await asyncio.sleep(0)
            await asyncio.sleep(0)  # lets the loop tell the transports that they are closed

    def failed(self, future: Future, error: AerospikeError) -> None:
        """Decide what becomes of a command whose attempt failed."""
        try:
            self._decide(future, error)
        except Exception as fault:  # of this client; nothing else looks after the command
            log.exception("what comes of a failed attempt could not be decided")
            if not future.done():
                future.set_exception(fault)

    def _decide(self, future: Future, error: AerospikeError) -> None:
        command = future.command
        if self.closed:
            step: float | AerospikeError = conclude(self._metering, command, closed(command, error))
        else:
            step = next_step(self._cluster, command, error)
        if isinstance(step, AerospikeError):
            future.set_exception(step)
        elif step:
            self._pausing[future] = self.loop.call_later(step / 1000, self._again, future)
        else:
            self._pausing[future] = self.loop.call_soon(self._again, future)

    def _again(self, future: Future) -> None:
        self._pausing.pop(future, None)
        if future.done():
            return
        if self.closed:
            self.failed(future, ClientClosed("the client is closed"))
        else:
            self.attempt(future)

    # --- connections ---

    def new_channel(self, node: Node, kind: int) -> Channel:
        """A channel to a node that is used for the first time."""
        if self._keeper is None:
            self._keeper = self.loop.call_later(HOUSEKEEPING, _keep_house, weakref.ref(self))
        return Channel(
            self.loop,
            node,
            self.failures,
            self.slicer,
            self._open_soon,
            self.failed,
            self.attempt,
            self.look_in,
            kind=kind,
            large=self.large,
        )

    def _open_soon(self, channel: Channel) -> None:
        if self.closed:  # since the connection was asked for
            channel.not_opened(ClientClosed("the client is closed"))
            return
        task = self.loop.create_task(self._open(channel))
        # If the loop is closed meanwhile, asyncio is not to report a task that the user knows nothing of.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, channel: Channel) -> None:
        """Open a connection for a channel, and tell the channel how it went."""
        pipeline = None
        error: AerospikeError = ConnectionError("the loop ended before the connection was opened")
        try:
            pipeline = await self._connected(channel)
        except AerospikeError as failure:
            error = failure
        except Exception as failure:
            log.exception("opening a connection to node %s failed", channel.node.name)
            error = ConnectionError(f"{type(failure).__name__}: {failure}", node=channel.node.name)
        finally:
            if self.loop.is_closed():
                pass  # this task is destroyed
            elif pipeline is not None:
                channel.opened(pipeline)
            else:
                channel.not_opened(error)
            del error  # its traceback has this frame

    async def _connected(self, channel: Channel) -> Pipeline:
        """A new connection to the channel's node, ready for commands."""
        name = channel.node.name
        timeout = self._cluster.policy.timeout
        self._cluster.ensure_running()
        node = self._cluster.node(name)
        if node is None:
            raise ConnectionError(f"node {name} has left the cluster", node=name)
        wanted = LoopConnection(
            loop=self.loop,
            endpoint=node.endpoint,
            timeout=timeout,
            node=name,
            protocol=lambda: Pipeline(channel),
            connecting=self._sockets,
            held_up=channel.held_up,
        )
        return await self._cluster.door.connect_in_loop(wanted)

    # --- idle connections ---

    def keep_house(self) -> None:
        """Close connections that have been idle for long, and forget the channels to nodes that have left."""
        self.watched()  # no timer is set for commands without a deadline
        for channel in self.all_channels():
            if not channel.trim() and (not channel.node.active or channel.bulk):
                self.forget(channel)
        self.warm_up(self._cluster.nodes)  # of new nodes, and where connections broke
        self._keeper = self.loop.call_later(HOUSEKEEPING, _keep_house, weakref.ref(self))

    async def warmed_up(self) -> None:
        """Open the connections that the policy wants to be there in advance, and wait for them.

        Those that can't be opened are tried again with every look for idle connections.
        """
        self.warm_up(self._cluster.nodes)
        while any(channel.connecting for channel in self.all_channels()):
            await asyncio.sleep(0)  # in which the loop begins to open them
            if self._opening:
                await asyncio.wait(self._opening)

    # --- the end ---

    @property
    def is_busy(self) -> bool:
        """Whether any command is under way."""
        return bool(self._pausing) or super().is_busy

    def close(self) -> None:
        """Close all connections of this loop; commands in flight fail. In the loop's thread."""
        if self.closed:
            return
        self._metering = self._cluster.metering  # a process that was forked has its own
        self.stop()
        if self._keeper is not None:
            self._keeper.cancel()
        for future, pause in list(self._pausing.items()):
            pause.cancel()
            self._again(future)
        for rows in (*self.batches, *self.streams):
            rows.close()
        for channel in self.all_channels():
            channel.close()
        for task in self._opening:
            task.cancel()
        # This executor and its own generator hold each other; the tend thread must not live until the garbage
        # collector finds them.
        del self._cluster
        self._forget_channels()

    def _forget_channels(self) -> None:
        """Let go of the channels, and so of the nodes' pools."""
        for channel in self.all_channels():
            self.forget(channel)

    def lose_connections(self) -> None:
        """End all commands as if their connections broke: in a child process in which the loop goes on."""
        error = ConnectionError("the process was forked, and the connection is its parent's")
        for channel in self.all_channels():
            channel.close(error, "forked")
        self._forget_channels()

    def abandon(self) -> None:
        """Forget all connections and their commands: the loop does not run, or not in this process."""
        self.stop()
        for channel in self.all_channels():
            channel.abandon()
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
        batches: dict[str, ConnectionStats] = {}
        queries: dict[str, ConnectionStats] = {}
        for channel in self.all_channels():
            name = channel.node.name
            kind = {FOR_BATCHES: batches, FOR_QUERIES: queries}.get(
                channel.kind, large if channel.bulk else usual
            )
            kind[name] = kind.get(name, NO_CONNECTIONS) + ConnectionStats(**channel.stats())
        return {
            name: ChannelStats.of(
                *(kind.get(name, NO_CONNECTIONS) for kind in (usual, large, batches, queries))
            )
            for name in {**usual, **large, **batches, **queries}
        }


def _keep_house(reference: weakref.ref[LoopExecutor]) -> None:
    executor = reference()
    if executor is not None and not executor.closed:
        executor.keep_house()

"""Calls whose requests no executor runs: about the cluster itself, and what all nodes do by themselves.

Each request goes on a connection of its own. It is counted for `Client.metrics()`, and written down for who
watches the client's calls. Not here: which nodes are asked, and what follows if one fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from pyspike._wire import Connection, Executor, Trace, plain_text
from pyspike.cluster.addresses import left_ms
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.info_answers import value_of
from pyspike.cluster.info_names import known_namespace, namespace_name
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.probe import ask
from pyspike.errors import AerospikeError, Attempt

__all__ = ["ClusterCall", "Conversation", "Request"]

T = TypeVar("T")

Conversation = Callable[[Connection, float], T]
"""Talks on a connection, for some milliseconds at most (0 for ever), and gives what the node has answered."""


class ClusterCall:
    """One call of a client, until the end of its `with`.

    Args:
        cluster: whose nodes are asked.
        executor: of the client's commands, whose watcher is told of it; None if it is not to be watched.
        method: the name of the client's method.
        timeout: how many milliseconds the call's policy gives it, or each node.

    Attributes:
        trace: what is written down of it; None if nobody watches, and before `begin`.
    """

    __slots__ = ("_began", "_executor", "_is_over", "cluster", "method", "namespace", "timeout", "trace")

    def __init__(self, cluster: Cluster, executor: Executor | None, method: str, timeout: float) -> None:
        self.cluster = cluster
        self.method = method
        self.timeout = timeout
        self.namespace = ""
        self.trace: Trace | None = None
        self._executor = executor
        self._began = 0.0
        self._is_over = False

    def begin(self, namespace: str = "", set_name: str | None = None) -> None:
        """Note that nothing is wrong with the arguments, so that it begins. Again does nothing.

        Args:
            namespace: of which namespace it is, if it is of one.
            set_name: of which set, if it is of one.
        """
        if self._began:
            return
        self._began = time.monotonic()
        self.namespace = namespace
        if self._executor is not None:
            self.trace = trace = self._executor.open_call(self.method, namespace, set_name)
            if self._is_over and trace is not None:  # the task was cancelled before this thread came to it
                trace.__exit__(None, None, None)

    def begin_in(self, namespace: str, set_name: str | None = None) -> str:
        """Begin, and give the namespace's name if the cluster has it.

        Raises:
            InvalidType, InvalidArgument, InvalidNamespace: as from `known_namespace`.
        """
        self.begin(namespace_name(namespace), None if set_name is None else plain_text(set_name))
        return known_namespace(self.cluster, namespace)

    def other(self, method: str, *, watched: bool = True) -> ClusterCall:
        """Another call of the same client, with the same time."""
        return ClusterCall(self.cluster, self._executor if watched else None, method, self.timeout)

    def info(self, node: ClusterNode, command: str, timeout: float | None = None) -> str:
        """A node's answer to an info command.

        Args:
            node: the node.
            command: a line of text.
            timeout: how many milliseconds it may take, connecting included; None for those of the call.

        Raises:
            TimeoutError, ConnectionError: there was no answer.
            ServerError: the node answered with an error.
        """

        def talk(connection: Connection, limit: float) -> str:
            return value_of(ask(connection, [command], limit), command)

        return Request(self, node, talk).run(self.timeout if timeout is None else timeout)

    def note_failed(self, node: str | None, error: AerospikeError, began: float, *, sent: bool) -> None:
        """Write down for who watches that an attempt failed, of which `Request` does not tell.

        Args:
            node: whose; None if there was none to ask.
            error: why.
            began: when, in `time.monotonic()`'s time.
            sent: whether the request may have reached the node.
        """
        if self.trace is not None:
            elapsed = (time.monotonic() - began) * 1000
            self.trace.note_failed(node, Attempt(node, error.message, elapsed, sent))

    @property
    def elapsed(self) -> float:
        """Milliseconds since it began; 0 before."""
        return (time.monotonic() - self._began) * 1000 if self._began else 0.0

    def __enter__(self) -> ClusterCall:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        if self.trace is not None:
            self.trace.__exit__(kind, error, trace)


class Request(Generic[T]):
    """What one node is asked, once.

    Args:
        call: of which call.
        node: the node.
        talk: how it is asked. What that raises is the failure of the request.
        again: whether the call has asked this before, of this node or another one.

    Attributes:
        sent: whether the request may have reached the node.
    """

    __slots__ = ("_again", "_call", "_node", "_talk", "sent")

    def __init__(
        self, call: ClusterCall, node: ClusterNode, talk: Conversation[T], *, again: bool = False
    ) -> None:
        self._call = call
        self._node = node
        self._talk = talk
        self._again = again
        self.sent = False

    def run(self, timeout: float) -> T:
        """What the node has answered.

        Args:
            timeout: how many milliseconds it may take, connecting included; infinity for no limit.

        Raises:
            AerospikeError: it did not answer, or with an error, which names the node.
        """
        call, node = self._call, self._node
        endless = timeout == float("inf")
        began = time.monotonic()
        connected: float | None = None
        size = 0, 0
        call.begin()
        try:
            connection = node.dial(call.cluster.policy.timeout if endless else timeout)
            connected = time.monotonic()
            try:
                self.sent = True
                limit = 0.0 if endless else max(left_ms(began + timeout / 1000), 1.0)
                result = self._talk(connection, limit)
            finally:
                size = connection.exchanged
                connection.close()
        except AerospikeError as error:
            error.node = node.name
            self._note(began, connected, size, error)
            raise
        self._note(began, connected, size, None)
        return result

    def _note(
        self, began: float, connected: float | None, size: tuple[int, int], error: AerospikeError | None
    ) -> None:
        """Count it, and write it down for who watches."""
        call, node = self._call, self._node
        now = time.monotonic()
        took = (now - began) * 1000
        sent, received = size
        node.meter.count_request(
            call.method,
            call.namespace,
            took,
            error=error,
            call_ms=call.elapsed if self._again else 0.0,
            sent=sent,
            received=received,
        )
        if call.trace is None:
            return
        connecting = ((now if connected is None else connected) - began) * 1000
        if error is not None:
            attempt = Attempt(node.name, error.message, took, self.sent)
            call.trace.note_failed(node.name, attempt, connecting, took - connecting)
        else:
            call.trace.note_answered(node.name, connecting, took - connecting, sent, received)

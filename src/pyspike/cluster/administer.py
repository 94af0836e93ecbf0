"""Commands that change the cluster itself, such as to create an index: one node is told, and tells others.

Not here: waiting until all nodes have done it (`watch`), and commands that each node is asked
(`Cluster.info`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from pyspike._wire import Connection
from pyspike.cluster import info_answers
from pyspike.cluster.addresses import left_ms
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.probe import ask
from pyspike.cluster.retry import may_pass, note_failure
from pyspike.errors import AerospikeError, Attempt, TimeoutError
from pyspike.policy import AdminPolicy

__all__ = ["administer", "tell_one_node"]

T = TypeVar("T")

Conversation = Callable[[Connection, float], T]
"""Talks on a connection, for some milliseconds at most, and gives what the node has answered."""


def administer(
    cluster: Cluster, command: str | Callable[[str], str], policy: AdminPolicy, *, repeatable: bool
) -> str:
    """Give an info command to a node, and return its answer: see `tell_one_node`.

    Args:
        cluster: the cluster.
        command: the info command; or what makes it for a server's version, given as text.
        policy, repeatable: as for `tell_one_node`.

    Raises:
        AerospikeError: as from `tell_one_node`.
    """

    def conversation(node: ClusterNode) -> Conversation[str]:
        text = command if isinstance(command, str) else command(node.version)

        def talk(connection: Connection, timeout: float) -> str:
            return info_answers.value_of(ask(connection, [text], timeout), text)

        return talk

    return tell_one_node(cluster, conversation, policy, repeatable=repeatable)


def tell_one_node(
    cluster: Cluster,
    conversation: Callable[[ClusterNode], Conversation[T]],
    policy: AdminPolicy,
    *,
    repeatable: bool,
) -> T:
    """Talk to a node, and return what it has answered; a node that can't be reached is followed by another.

    Args:
        cluster: the cluster.
        conversation: makes what is said to a node.
        policy: the deadline, of which each node gets an equal share of what is left.
        repeatable: whether it does no harm to say it twice. If not, no other node is told once one may have
            understood it.

    Raises:
        ServerError: a node refused the command.
        ConnectFailed: no node is known.
        TimeoutError, ConnectionError: no node answered; `in_doubt` says whether one may have done it.
        ClientClosed: the client is closed.
    """
    cluster.ensure_running()
    nodes = [node for node in cluster.nodes if node.active]
    if not nodes:
        raise cluster.not_connected()
    # Nodes that answered when they were tended last come first, and among those any.
    nodes.sort(key=lambda node: (node.failures, random.random()))
    deadline = time.monotonic() + policy.timeout / 1000
    history: list[Attempt] = []
    while True:
        node = nodes[len(history)]
        began = time.monotonic()
        share = max(left_ms(deadline) / (len(nodes) - len(history)), 1.0)
        attempt = _Attempt(node, conversation(node), share)
        try:
            return attempt.run()
        except AerospikeError as error:
            error.node = node.name
            if not may_pass(error):
                raise
            elapsed = (time.monotonic() - began) * 1000
            history.append(Attempt(node.name, error.message, elapsed, attempt.sent))
            note_failure(cluster, error, attempt.sent)
            over = len(history) == len(nodes) or left_ms(deadline) < 1
            if over or (attempt.sent and not repeatable):
                error.attempts = tuple(history)
                error.in_doubt = any(each.sent for each in history)
                error.timeout = policy.timeout
                if isinstance(error, TimeoutError):
                    error.advice = "raise AdminPolicy.timeout, or see why the nodes are slow"
                raise


class _Attempt(Generic[T]):
    """One node is given the command.

    Attributes:
        sent: whether the command may have reached the node.
    """

    def __init__(self, node: ClusterNode, conversation: Conversation[T], timeout: float) -> None:
        self._node = node
        self._conversation = conversation
        self._deadline = time.monotonic() + timeout / 1000
        self.sent = False

    def run(self) -> T:
        """What the node has answered."""
        connection = self._node.dial(left_ms(self._deadline))
        try:
            self.sent = True
            return self._conversation(connection, max(left_ms(self._deadline), 1.0))
        finally:
            connection.close()

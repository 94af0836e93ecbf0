"""Commands that change the cluster itself, such as to create an index: one node is told, and tells others.

Not here: waiting until all nodes have done it (`watch`), and commands that each node is asked (`asking`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pyspike._wire import Connection
from pyspike.cluster import info_answers
from pyspike.cluster.addresses import left_ms
from pyspike.cluster.call import ClusterCall, Conversation, Request
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.probe import ask
from pyspike.cluster.retry import may_pass, note_failure
from pyspike.errors import AerospikeError, Attempt, TimeoutError

__all__ = ["administer", "tell_one_node"]

T = TypeVar("T")


def administer(call: ClusterCall, command: str | Callable[[str], str], *, repeatable: bool) -> str:
    """Give an info command to a node, and return its answer: see `tell_one_node`.

    Args:
        call: of which call.
        command: the info command; or what makes it for a server's version, given as text.
        repeatable: as for `tell_one_node`.

    Raises:
        AerospikeError: as from `tell_one_node`.
    """

    def conversation(node: ClusterNode) -> Conversation[str]:
        text = command if isinstance(command, str) else command(node.version)

        def talk(connection: Connection, timeout: float) -> str:
            return info_answers.value_of(ask(connection, [text], timeout), text)

        return talk

    return tell_one_node(call, conversation, repeatable=repeatable)


def tell_one_node(
    call: ClusterCall, conversation: Callable[[ClusterNode], Conversation[T]], *, repeatable: bool
) -> T:
    """Talk to a node, and return what it has answered; a node that can't be reached is followed by another.

    Args:
        call: of which call; each node gets an equal share of what is left of its time.
        conversation: makes what is said to a node.
        repeatable: whether it does no harm to say it twice. If not, no other node is told once one may have
            understood it.

    Raises:
        ServerError: a node refused the command.
        ConnectFailed: no node is known.
        TimeoutError, ConnectionError: no node answered; `in_doubt` says whether one may have done it.
        ClientClosed: the client is closed.
    """
    cluster = call.cluster
    call.begin()
    cluster.ensure_running()
    nodes = [node for node in cluster.nodes if node.active]
    if not nodes:
        raise cluster.not_connected()
    # Nodes that answered when they were tended last come first, and among those any.
    nodes.sort(key=lambda node: (node.failures, random.random()))
    deadline = time.monotonic() + call.timeout / 1000
    history: list[Attempt] = []
    while True:
        node = nodes[len(history)]
        began = time.monotonic()
        share = max(left_ms(deadline) / (len(nodes) - len(history)), 1.0)
        request = Request(call, node, conversation(node), again=bool(history))
        try:
            return request.run(share)
        except AerospikeError as error:
            if not may_pass(error):
                raise
            elapsed = (time.monotonic() - began) * 1000
            history.append(Attempt(node.name, error.message, elapsed, request.sent))
            note_failure(cluster, error, request.sent)
            over = len(history) == len(nodes) or left_ms(deadline) < 1
            if over or (request.sent and not repeatable):
                error.attempts = tuple(history)
                error.in_doubt = any(each.sent for each in history)
                error.timeout = call.timeout
                if isinstance(error, TimeoutError):
                    error.advice = "raise AdminPolicy.timeout, or see why the nodes are slow"
                raise

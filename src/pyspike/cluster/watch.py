"""Waiting until the nodes have done what a call has told them to, such as to build an index.

A node answers such a call at once, then works on, or passes on what it was told. What each node is asked
then, and what its answer means, is a `Question`; which nodes are asked, and when, is in `Watch`, once for
threads and for asyncio. What users hold is a `pyspike.Task`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType

from pyspike._types import Milliseconds
from pyspike._wire import Connection, timeout_ms
from pyspike.cluster.call import ClusterCall, Request
from pyspike.cluster.info_answers import value_of
from pyspike.cluster.node import ClusterNode
from pyspike.cluster.parallel import LATE, ParallelJobs
from pyspike.cluster.probe import ask
from pyspike.cluster.retry import may_pass
from pyspike.errors import AerospikeError, ServerError, TimeoutError
from pyspike.nodes import NodeStatus

__all__ = ["Question", "Watch"]

FIRST_PAUSE, MOST_PAUSE = 0.005, 1.0  # seconds between two looks
SLOWER = 1.5  # times as long as the pause before
_NEVER = "does not answer: "
_SILENT = ", and does not answer any more: "


class Question(ABC):
    """What a task asks each node, and what the answer means."""

    @property
    @abstractmethod
    def what(self) -> str:
        """What is waited for, such as "index ages of namespace test is being built"."""

    @abstractmethod
    def command(self, version: str) -> str:
        """The info command for a server of this version."""

    @abstractmethod
    def read(self, answer: str) -> NodeStatus:
        """What an answer means.

        Raises:
            AerospikeError: there is no use in waiting; the task fails with it.
        """

    def read_error(self, error: ServerError) -> NodeStatus:
        """What it means that a node answers with an error; the task fails with it if this is not overridden.

        Raises:
            AerospikeError: as from `read`.
        """
        raise error


class Watch:
    """Asks the nodes of a cluster until each has said that it is done.

    A node that was done is not asked again. One that can't be reached, or does not answer, is not done as
    long as it belongs to the cluster.

    Args:
        call: the call that has told them to; each node has as much time to answer as that has had.
        question: what they are asked.
    """

    def __init__(self, call: ClusterCall, question: Question) -> None:
        self.question = question
        self._call = call.other("wait", watched=False)
        self._cluster = call.cluster
        self._seen: dict[str, NodeStatus] = {}

    @property
    def nodes(self) -> Mapping[str, NodeStatus]:
        """How far each node was at the last look."""
        return MappingProxyType(self._seen)

    @property
    def progress(self) -> float:
        """How much was done at the last look, from 0 to 1; 0 before the first."""
        seen = self._seen.values()
        return sum(1.0 if each.done else each.progress for each in seen) / len(seen) if seen else 0.0

    def look(self, timeout: float | None = None) -> bool:
        """Ask each node that was not done; whether all are done now. Blocks.

        Args:
            timeout: how long this may take, in milliseconds; None for as long as the policy says.

        Raises:
            AerospikeError: there is no use in waiting.
        """
        self._cluster.ensure_running()
        nodes = self._cluster.nodes
        if not nodes:
            raise self._cluster.not_connected()
        limit = self._call.timeout if timeout is None else min(timeout, self._call.timeout)
        known = self._seen
        waiting = [node for node in nodes if node.name not in known or not known[node.name].done]
        told = self._ask_all(waiting, limit)
        self._seen = {node.name: told.get(node.name) or known[node.name] for node in nodes}
        for name, trouble in sorted(self._cluster.view.unreachable.items()):  # of which only the others know
            last = known.get(name)
            self._seen[name] = last if last and last.done else self._silent(name, trouble.reason)
        return all(status.done for status in self._seen.values())

    def pauses(self, timeout: Milliseconds | None) -> Iterator[tuple[float | None, float]]:
        """For each look of a wait: how long it may take, in milliseconds, and then the pause, in seconds.

        Args:
            timeout: how long the wait may take; None for ever.

        Raises:
            TimeoutError: that was too short; it says which nodes are not done.
            InvalidType, InvalidArgument: it is no span of time.
        """
        limit = 0.0 if timeout is None else timeout_ms(timeout, least=1)
        end = time.monotonic() + limit / 1000
        pause = FIRST_PAUSE
        while True:
            left = end - time.monotonic()
            if limit and left < 0.001:
                raise self._late(limit)
            if limit:  # so that the last look is shortly before the deadline
                yield left * 1000, min(pause, max(left / 2, FIRST_PAUSE))
            else:
                yield None, pause
            pause = min(pause * SLOWER, MOST_PAUSE)

    def _late(self, timeout: float) -> TimeoutError:
        missing = {name: status for name, status in self._seen.items() if not status.done}
        nodes = ", ".join(f"node {name} {status.text}" for name, status in missing.items())
        return TimeoutError(
            f"{self.question.what}: {nodes}" if nodes else self.question.what,
            node=next(iter(missing), None),
            timeout=timeout,
            advice="the nodes go on; wait again, or longer",
        )

    def _ask_all(self, nodes: list[ClusterNode], timeout: float) -> dict[str, NodeStatus]:
        if len(nodes) < 2:
            return {node.name: self._ask(node, timeout) for node in nodes}
        told: dict[str, NodeStatus] = {}
        deadline = time.monotonic() + timeout / 1000 + LATE
        jobs = {node.name: partial(self._ask, node, timeout) for node in nodes}
        with ParallelJobs(jobs, lambda status: None) as asked:
            while (taken := asked.take(deadline)) is not None:
                name, status = taken
                if isinstance(status, Exception):
                    raise status
                told[name] = status
            for name in asked.unfinished:
                told[name] = self._silent(name, "it takes too long")
        return told

    def _ask(self, node: ClusterNode, timeout: float) -> NodeStatus:
        try:
            command = self.question.command(node.version)
            answers = self._answers(node, command, timeout)
            try:
                return self.question.read(value_of(answers, command))
            except ServerError as error:
                return self.question.read_error(error)
        except AerospikeError as error:
            error.node = node.name
            if may_pass(error):
                return self._silent(node.name, error.message)
            raise

    def _answers(self, node: ClusterNode, command: str, timeout: float) -> dict[str, str]:
        """What it answers, be it in words that it has no such thing; that is no failure of the wait."""

        def talk(connection: Connection, limit: float) -> dict[str, str]:
            return ask(connection, [command], limit)

        return Request(self._call, node, talk).run(timeout)

    def _silent(self, name: str, why: str) -> NodeStatus:
        last = self._seen.get(name)
        if last is None or last.text.startswith(_NEVER):
            return NodeStatus(False, 0.0, _NEVER + why)
        text = last.text.partition(_SILENT)[0]
        return NodeStatus(False, last.progress, f"{text}{_SILENT}{why}")

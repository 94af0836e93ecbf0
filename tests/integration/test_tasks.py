"""Tasks: each node is asked until it is done, soon first, then seldom; a deadline says what is missing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pyspike import (
    AsyncTask,
    ClientClosed,
    ClientPolicy,
    InvalidArgument,
    InvalidType,
    NodeStatus,
    ServerError,
    Task,
    errors,
)
from pyspike.cluster import Cluster
from pyspike.cluster.administer import administer
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.watch import Question, Watch
from pyspike.server import EmbeddedCluster
from support.clients import VARIABLE
from support.facade import WaitingTask

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]


@pytest.fixture
def cluster(three: EmbeddedCluster) -> Iterator[Cluster]:
    tended = Cluster(three.hosts, ClientPolicy(tend_interval=100))
    tended.start()
    yield tended
    tended.close()


class Baking(Question):
    """Each node tells its name, and the test how far that one is."""

    def __init__(self, **done: float) -> None:
        self.done = done
        self.asked: list[str] = []

    @property
    def what(self) -> str:
        return "the bread is baked"

    def command(self, version: str) -> str:
        assert version
        return "node"

    def read(self, answer: str) -> NodeStatus:
        self.asked.append(answer)
        progress = self.done[answer]
        return NodeStatus(progress == 1, progress, f"has baked {progress:.0%}")


class Burning(Baking):
    def command(self, version: str) -> str:
        return "sindex-stat:namespace=test;indexname=none"


class Smoking(Burning):
    def read_error(self, error: ServerError) -> NodeStatus:
        return NodeStatus(True, 1.0, "has no such index")


def call_of(cluster: Cluster, timeout: float = 1000.0) -> ClusterCall:
    return ClusterCall(cluster, None, "create_index", timeout)


def task_of(cluster: Cluster, question: Question, **policy: float) -> Any:
    watch = Watch(call_of(cluster, **policy), question)
    return WaitingTask(AsyncTask(watch)) if os.environ[VARIABLE] == "tasks" else Task(watch)


def test_a_task_is_done_when_every_node_is_and_asks_no_node_again(cluster: Cluster) -> None:
    question = Baking(A1=1, A2=0.5, A3=0)
    task = task_of(cluster, question)
    assert (task.progress, dict(task.nodes)) == (0.0, {})
    assert not question.asked
    assert repr(task) == f"<{type(task_named(task)).__name__} the bread is baked: not looked yet>"

    assert task.done() is False
    assert task.progress == 0.5
    assert task.nodes["A2"] == NodeStatus(False, 0.5, "has baked 50%")
    assert sorted(question.asked) == ["A1", "A2", "A3"]
    assert repr(task).endswith("the bread is baked: done on 1 of 3 nodes>")

    question.done.update(A2=1, A3=1)
    seen: list[float] = []
    assert task.wait(progress=seen.append) is None
    assert seen == [1.0]
    assert sorted(question.asked) == ["A1", "A2", "A2", "A3", "A3"]
    task.wait()
    assert len(question.asked) == 5
    assert task.done() is True


def task_named(task: Any) -> Any:
    return task.task if isinstance(task, WaitingTask) else task


@pytest.mark.one_kind("waits for nothing")
def test_looks_begin_soon_and_grow_seldom(cluster: Cluster) -> None:
    watch = Watch(call_of(cluster), Baking())
    pauses = [
        pause for _, (limit, pause) in zip(range(30), watch.pauses(None), strict=False) if limit is None
    ]
    assert len(pauses) == 30
    assert pauses[0] <= 0.01
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0
    assert sum(pauses[:5]) < 0.1


def test_a_deadline_says_which_nodes_are_missing_and_how_far_they_are(cluster: Cluster) -> None:
    question = Baking(A1=1, A2=0.4, A3=1)
    task = task_of(cluster, question)
    seen: list[float] = []
    began = time.monotonic()
    with pytest.raises(errors.TimeoutError) as caught:
        task.wait(timedelta(milliseconds=200), progress=seen.append)
    assert time.monotonic() - began >= 0.15
    error = caught.value
    assert error.message.startswith("the bread is baked: node A2 ")
    assert "has baked 40%" in error.message  # also if it did not answer at the last look
    assert (error.node, error.timeout) == ("A2", 200)
    assert "wait again" in error.advice
    assert len(seen) > 3
    assert seen == [pytest.approx(0.8)] * len(seen)


def test_a_node_that_does_not_answer_is_waited_for_and_named(
    three: EmbeddedCluster, cluster: Cluster
) -> None:
    task = task_of(cluster, Baking(A1=1, A2=1, A3=1), timeout=100)
    three.nodes[2].freeze()
    assert task.done() is False
    assert task.nodes["A3"].text.startswith("does not answer: ")
    with pytest.raises(errors.TimeoutError, match="node A3 does not answer") as caught:
        task.wait(300)
    assert caught.value.node == "A3"
    three.nodes[2].thaw()
    task.wait(10_000)
    assert task.nodes["A3"].text == "has baked 100%"


def test_a_node_that_leaves_the_cluster_is_waited_for_no_longer(
    three: EmbeddedCluster, cluster: Cluster
) -> None:
    task = task_of(cluster, Baking(A1=1, A2=0, A3=1))
    assert not task.done()
    three.nodes[1].stop()
    task.wait(15_000)
    assert set(task.nodes) == {"A1", "A3"}


def test_a_node_that_answers_with_an_error_ends_the_wait_unless_the_question_knows_better(
    cluster: Cluster,
) -> None:
    task = task_of(cluster, Burning())
    with pytest.raises(errors.IndexNotFound) as caught:
        task.wait(10_000)
    assert caught.value.node in {"A1", "A2", "A3"}
    assert task_of(cluster, Smoking()).done() is True


def test_what_the_progress_hook_raises_ends_the_wait(cluster: Cluster) -> None:
    def hook(progress: float) -> None:
        raise KeyError(progress)

    with pytest.raises(KeyError, match=r"0\.0"):
        task_of(cluster, Baking(A1=0, A2=0, A3=0)).wait(progress=hook)


@pytest.mark.parametrize(
    ("timeout", "kind"), [(0, InvalidArgument), (-1, InvalidArgument), ("1", InvalidType)]
)
def test_a_wait_is_a_span_of_time(cluster: Cluster, timeout: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="timeout"):
        task_of(cluster, Baking(A1=1, A2=1, A3=1)).wait(timeout)


def test_a_task_of_a_closed_client_ends(cluster: Cluster) -> None:
    task = task_of(cluster, Baking(A1=0, A2=0, A3=0))
    cluster.close()
    for call in (task.done, task.wait):
        with pytest.raises(ClientClosed):
            call()


@pytest.mark.one_kind("of asyncio")
def test_a_task_of_asyncio_is_awaited_and_can_be_cancelled(cluster: Cluster) -> None:
    async def main() -> None:
        question = Baking(A1=1, A2=1, A3=0)
        task = AsyncTask(Watch(call_of(cluster), question))
        waiting = asyncio.ensure_future(task.wait())
        while task.progress == 0:
            await asyncio.sleep(0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        question.done["A3"] = 1
        await task
        assert task.progress == 1.0

    asyncio.run(main())


# Commands for one node, which tells the others --------------------------------------------------------------


@pytest.mark.one_kind("takes a cluster")
def test_a_command_goes_to_another_node_if_one_can_not_be_reached(
    three: EmbeddedCluster, cluster: Cluster
) -> None:
    three.nodes[0].refuse()
    three.nodes[1].refuse()
    names = {administer(call_of(cluster), "node", repeatable=False) for _ in range(10)}
    assert names == {"A3"}
    assert administer(call_of(cluster), lambda version: f"node:{version}", repeatable=True)


@pytest.mark.one_kind("takes a cluster")
def test_a_command_that_may_be_given_twice_goes_to_another_node_if_one_does_not_answer(
    three: EmbeddedCluster, cluster: Cluster
) -> None:
    three.nodes[0].freeze()
    three.nodes[1].freeze()
    assert administer(call_of(cluster, 600), "node", repeatable=True) == "A3"
    three.nodes[2].freeze()
    with pytest.raises(errors.TimeoutError) as caught:
        administer(call_of(cluster, 150), "node", repeatable=True)
    error = caught.value
    assert error.in_doubt
    assert {attempt.node for attempt in error.attempts} == {"A1", "A2", "A3"}
    assert error.timeout == 150
    assert "AdminPolicy.timeout" in error.advice


@pytest.mark.one_kind("takes a cluster")
def test_a_command_that_may_not_be_given_twice_is_in_doubt_once_it_was_sent(
    three: EmbeddedCluster, cluster: Cluster
) -> None:
    for node in three.nodes:
        node.freeze()
    with pytest.raises(errors.TimeoutError) as caught:
        administer(call_of(cluster, 150), "node", repeatable=False)
    assert caught.value.in_doubt
    assert [attempt.sent for attempt in caught.value.attempts] == [True]


@pytest.mark.one_kind("takes a cluster")
def test_a_command_that_reached_nobody_is_not_in_doubt(three: EmbeddedCluster, cluster: Cluster) -> None:
    for node in three.nodes:
        node.refuse()
    with pytest.raises(errors.ConnectionError) as caught:
        administer(call_of(cluster), "node", repeatable=False)
    assert not caught.value.in_doubt
    assert not any(attempt.sent for attempt in caught.value.attempts)


@pytest.mark.one_kind("takes a cluster")
def test_a_refused_command_is_not_given_to_another_node(cluster: Cluster) -> None:
    command = "sindex-stat:namespace=test;indexname=none"
    with pytest.raises(errors.IndexNotFound) as caught:
        administer(call_of(cluster), command, repeatable=True)
    assert caught.value.node in {"A1", "A2", "A3"}
    assert not caught.value.attempts
    cluster.close()
    with pytest.raises(ClientClosed):
        administer(call_of(cluster), command, repeatable=True)

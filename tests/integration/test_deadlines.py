"""A call keeps its deadline, whatever it spends its time on, and says whether its write was sent."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pyspike import Client, ClientPolicy, WritePolicy, errors
from pyspike.server import EmbeddedCluster
from support.clients import at_most
from support.cluster_tools import in_thread, wait_until, within

pytestmark = pytest.mark.embedded_only

KEY = ("test", "deadlines", 1)


@pytest.fixture
def one() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=1, process=True) as cluster:
        yield cluster


def test_a_wait_for_a_connection_is_part_of_the_deadline(one: EmbeddedCluster) -> None:
    with Client(one.hosts, at_most(1)) as client:
        client.put(KEY, {"a": 1})
        one.nodes[0].freeze()
        first = in_thread(lambda: client.put(KEY, {"a": 2}, timeout=300))
        wait_until(lambda: client.stats()["nodes"]["A1"]["pool"]["in_use"], "the first call")
        with within(400), pytest.raises(errors.TimeoutError):
            client.put(KEY, {"a": 3}, timeout=400)
        assert isinstance(first.error(), errors.TimeoutError)


def test_an_answer_that_comes_after_the_deadline_is_too_late_for_who_waited_in_line(
    one: EmbeddedCluster,
) -> None:
    with Client(one.hosts, at_most(1)) as client:
        client.put(KEY, {"a": 1})
        one.nodes[0].delay(0.3)
        first = in_thread(lambda: client.put(KEY, {"a": 2}, timeout=5000))
        wait_until(lambda: client.stats()["nodes"]["A1"]["pool"]["in_use"], "the first call")
        began = time.monotonic()
        with within(380), pytest.raises(errors.TimeoutError) as late:
            client.put(KEY, {"a": 3}, timeout=380)
        assert (time.monotonic() - began) * 1000 > 370
        assert late.value.in_doubt
        first.result()


def test_closing_leaves_a_write_that_was_sent_in_doubt(one: EmbeddedCluster, client_kind: str) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].freeze()
    call = in_thread(lambda: client.put(KEY, {"a": 2}, timeout=600))
    wait_until(lambda: client.stats()["nodes"]["A1"]["pool"]["in_use"], "the call")
    client.close()
    error = call.error()
    assert isinstance(error, errors.ClientClosed)
    assert error.in_doubt
    assert [attempt.sent for attempt in error.attempts] == [True]
    # A thread waits for its answer yet.
    cause = errors.TimeoutError if client_kind == "threads" else errors.ConnectionError
    assert isinstance(error.__cause__, cause)


def test_a_write_that_was_refused_is_not_in_doubt_when_the_client_closes(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.3)
    call = in_thread(lambda: client.add(KEY, {"a": 1}, generation=7, timeout=5000))
    wait_until(lambda: client.stats()["nodes"]["A1"]["pool"]["in_use"], "the call")
    client.close()
    error = call.error()
    assert isinstance(error, errors.GenerationError)
    assert not error.in_doubt


def test_a_full_pool_looks_after_late_answers_before_it_makes_anyone_wait(one: EmbeddedCluster) -> None:
    """Also when tending can't, as no round comes in time or every round fails."""
    policy = ClientPolicy(max_conns_per_node=2, tend_interval=60_000)
    with Client(one.hosts, policy) as client:
        client.put(KEY, {"a": 1})
        one.nodes[0].delay(0.2)
        for _ in range(2):
            with pytest.raises(errors.TimeoutError):
                client.put(KEY, {"a": 2}, timeout=50, policy=WritePolicy(timeout_delay=100))
        one.nodes[0].delay(0)
        wait_until(lambda: client.stats()["nodes"]["A1"]["pool"]["draining"] == 2)
        over = time.monotonic() + 0.3
        wait_until(lambda: time.monotonic() > over, "that the answers are there, or too late")
        client.put(KEY, {"a": 3}, timeout=400)
        assert client.get(KEY)["a"] == 3

"""A call keeps its deadline, whatever it spends its time on, and says whether its write was sent."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from pyspike import Client, ClientPolicy, ReadPolicy, WritePolicy, errors
from pyspike.server import EmbeddedCluster
from support.clients import at_most
from support.cluster_tools import Lag, in_thread, wait_until, within

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

KEY = ("test", "deadlines", 1)
LONG = (300.0, 1500.0, 3000.0, 7000.0, 10_000.0, 20_000.0)  # ms
LATE = 20.0


def test_a_wait_for_a_connection_is_part_of_the_deadline(one: EmbeddedCluster) -> None:
    with Client(one.hosts, at_most(1)) as client:
        client.put(KEY, {"a": 1})
        one.nodes[0].freeze()
        first = in_thread(lambda: client.put(KEY, {"a": 2}, timeout=300))
        wait_until(lambda: client.stats().nodes["A1"].pool.in_flight, "the first call")
        with within(400), pytest.raises(errors.TimeoutError):
            client.put(KEY, {"a": 3}, timeout=400)
        assert isinstance(first.error(), errors.TimeoutError)


@pytest.mark.one_kind("tasks in line behind a connection that is held up get another one")
def test_an_answer_that_comes_after_the_deadline_is_too_late_for_who_waited_in_line(
    one: EmbeddedCluster,
) -> None:
    with Client(one.hosts, at_most(1)) as client:
        client.put(KEY, {"a": 1})
        one.nodes[0].delay(0.6)
        first = in_thread(lambda: client.get(KEY, timeout=5000))
        wait_until(lambda: client.stats().nodes["A1"].pool.in_flight, "the first call")
        began = time.monotonic()
        with within(1100), pytest.raises(errors.TimeoutError) as late:
            client.put(KEY, {"a": 3}, timeout=1100)
        assert (time.monotonic() - began) * 1000 > 1090
        assert late.value.in_doubt
        first.result()


def test_no_deadline_ends_late_however_long_it_is(one: EmbeddedCluster) -> None:
    """The kernel rounds a socket's timeout up, by more the longer it is."""

    def late(timeout: float) -> float:
        began = time.monotonic()
        with pytest.raises(errors.TimeoutError):
            client.get(KEY, timeout=timeout, policy=ReadPolicy(max_retries=0))
        return (time.monotonic() - began) * 1000 - timeout

    with Client(one.hosts, ClientPolicy(tend_interval=60_000)) as client:
        client.put(KEY, {"a": 1})
        one.nodes[0].freeze()
        with Lag() as lag:
            calls = {timeout: in_thread(lambda t=timeout: late(t)) for timeout in LONG}  # type: ignore[misc]
            ends = {timeout: call.result(patience=30) for timeout, call in calls.items()}
        assert max(ends.values()) < LATE + 2 * lag.worst_ms, ends
        assert min(ends.values()) > -1.5, ends


def test_closing_leaves_a_write_that_was_sent_in_doubt(one: EmbeddedCluster, client_kind: str) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].freeze()
    call = in_thread(lambda: client.put(KEY, {"a": 2}, timeout=600))
    wait_until(lambda: client.stats().nodes["A1"].pool.in_flight, "the call")
    client.close()
    error = call.error()
    assert isinstance(error, errors.ClientClosed)
    assert error.in_doubt
    assert [attempt.sent for attempt in error.attempts] == [True]
    # A thread waits for its answer yet.
    cause = errors.TimeoutError if client_kind == "threads" else errors.ConnectionError
    assert isinstance(error.__cause__, cause)


def test_close_waits_for_the_calls_that_are_under_way(one: EmbeddedCluster) -> None:
    """Also for one that has no connection yet; none begins meanwhile."""
    client = Client(one.hosts, at_most(2))
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.3)
    calls = [in_thread(lambda: client.get(KEY, timeout=10_000)["a"]) for _ in range(5)]
    wait_until(lambda: client.stats().nodes["A1"].pool.waiting == 3, "the calls")
    closing = in_thread(lambda: client.close(timeout=20_000))
    wait_until(lambda: refused(client), "the refusal of new calls")
    assert not closing.done
    closing.result()
    assert [call.result() for call in calls] == [1] * 5


def refused(client: Client) -> bool:
    try:
        client.get(KEY, timeout=1000)
    except errors.ClientClosed:
        return True
    except errors.TimeoutError:
        return False
    return False


def test_close_waits_for_a_call_that_needs_another_attempt(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].drop_before_execute(2)
    policy = ReadPolicy(max_retries=2, sleep_between_retries=400, total_timeout=10_000)
    call = in_thread(lambda: client.get(KEY, policy=policy)["a"])
    wait_until(lambda: not one.nodes[0].faults_left, "two attempts")
    client.close(timeout=timedelta(seconds=20))
    assert call.done
    assert call.result() == 1


def test_close_waits_no_longer_than_its_timeout(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].freeze()
    call = in_thread(lambda: client.get(KEY, timeout=5000))
    wait_until(lambda: client.stats().nodes["A1"].pool.in_flight, "the call")
    began = time.monotonic()
    client.close(timeout=300)
    assert 0.29 < time.monotonic() - began < 4
    assert isinstance(call.error(), errors.ClientClosed)


@pytest.mark.parametrize("timeout", ["1", -1, True])
def test_close_refuses_what_is_no_timeout_and_stays_open(one: EmbeddedCluster, timeout: object) -> None:
    with Client(one.hosts) as client:
        with pytest.raises((errors.InvalidType, errors.InvalidArgument)):
            client.close(timeout=timeout)  # type: ignore[arg-type]
        client.put(KEY, {"a": 1})


@pytest.mark.one_kind("tasks get no answer then")
def test_a_write_that_was_refused_is_not_in_doubt_when_the_client_closes(one: EmbeddedCluster) -> None:
    client = Client(one.hosts)
    client.put(KEY, {"a": 1})
    one.nodes[0].delay(0.3)
    call = in_thread(lambda: client.add(KEY, {"a": 1}, generation=7, timeout=5000))
    wait_until(lambda: client.stats().nodes["A1"].pool.in_flight, "the call")
    client.close()
    error = call.error()
    assert isinstance(error, errors.GenerationError)
    assert not error.in_doubt


@pytest.mark.one_kind("pipelines await all answers")
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
        wait_until(lambda: client.stats().nodes["A1"].pool.draining == 2)
        over = time.monotonic() + 0.3
        wait_until(lambda: time.monotonic() > over, "that the answers are there, or too late")
        client.put(KEY, {"a": 3}, timeout=400)
        assert client.get(KEY)["a"] == 3

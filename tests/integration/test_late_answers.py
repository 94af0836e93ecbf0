"""`timeout_delay`: a connection whose command timed out is used again if the answer comes in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    BatchPolicy,
    Client,
    ClientPolicy,
    Key,
    QueryPolicy,
    Statement,
    TimeoutError,
    errors,
    filters,
)
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until
from support.indexes import index

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

Call = Callable[..., Any]
KEYS = [Key("test", "late", number) for number in range(50)]
ALL = Statement("test", "late")
LATE = (TimeoutError, errors.BatchError)  # as a batch that gives records fails with the errors of its rows
SLOW = ClientPolicy(tend_interval=50, max_error_rate=0)


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
def one(shared: EmbeddedCluster) -> EmbeddedCluster:
    shared.reset()
    return shared


def connections(client: Client, kind: str) -> tuple[int, int]:
    """How many connections of a kind were ever opened, and are open."""
    stats = client.stats()
    if stats.loops:
        found: Any = getattr(stats.loops[0]["A1"], kind)
    else:
        found = stats.nodes["A1"].pool
    return found.opened, found.open


def recovered(client: Client) -> tuple[int, int]:
    found = client.stats().nodes["A1"].health
    return found.recovered, found.aborted


def late_and_again(client: Client, one: EmbeddedCluster, kind: str, call: Call, policy: Any) -> None:
    """A call of which a part of the answer comes late; then another one takes the same connection."""
    for key in KEYS:
        client.put(key, {"n": key.user_key})
    assert len(list(call())) == len(KEYS)
    opened = connections(client, kind)
    one.nodes[0].stall(after_bytes=300, seconds=0.3)
    with pytest.raises(LATE):
        list(call(policy=policy, timeout=60))
    wait_until(lambda: recovered(client) == (1, 0), "the end of the late answer")
    assert len(list(call())) == len(KEYS)
    assert connections(client, kind) == opened


def test_a_batch_whose_answer_is_late_leaves_its_connection_as_it_was(one: EmbeddedCluster) -> None:
    with Client(one.hosts, SLOW) as client:

        def call(policy: BatchPolicy | None = None, timeout: int | None = None) -> list[Any]:
            records = client.batch_get(KEYS, policy=policy, timeout=timeout)
            assert None not in records
            return records

        late_and_again(client, one, "batches", call, BatchPolicy(timeout_delay=60_000, max_retries=0))


def test_a_query_whose_answer_is_late_leaves_its_connection_as_it_was(one: EmbeddedCluster) -> None:
    one.nodes[0].frame_queries(200)
    with Client(one.hosts, SLOW) as client:

        def call(policy: QueryPolicy | None = None, timeout: int | None = None) -> list[Any]:
            return list(client.query(ALL, policy=policy, timeout=timeout))

        late_and_again(client, one, "queries", call, QueryPolicy(timeout_delay=60_000, max_retries=0))


def test_the_late_answer_to_a_query_that_failed_ends_with_its_error(one: EmbeddedCluster) -> None:
    """An error without the mark of the last message is the end too."""
    with Client(one.hosts, SLOW) as client:
        client.put(KEYS[0], {"n": 1})
        where = Statement("test", "late", where=filters.range("n", 0, 9))
        with index(client, "late", "n"):
            assert len(list(client.query(where))) == 1
        opened = connections(client, "queries")
        one.nodes[0].delay(0.3)
        with pytest.raises(TimeoutError):  # instead of telling that there is no index
            list(client.query(where, policy=QueryPolicy(timeout_delay=60_000, max_retries=0), timeout=60))
        one.nodes[0].delay(0)
        wait_until(lambda: recovered(client) == (1, 0), "the end of the late answer")
        assert len(list(client.query(ALL))) == 1
        assert connections(client, "queries") == opened


def test_a_late_answer_that_does_not_end_closes_its_connection(one: EmbeddedCluster) -> None:
    one.nodes[0].frame_queries(1)
    with Client(one.hosts, SLOW) as client:
        for key in KEYS:
            client.put(key, {"n": key.user_key})
        batch = BatchPolicy(timeout_delay=100, max_retries=0)
        query = QueryPolicy(timeout_delay=100, max_retries=0)
        for call in (
            lambda: client.batch_get(KEYS, policy=batch, timeout=60),
            lambda: list(client.query(ALL, policy=query, timeout=60)),
        ):
            _, aborted = recovered(client)
            one.nodes[0].stall(after_bytes=300)
            with pytest.raises(LATE):
                call()
            wait_until(lambda: recovered(client) == (0, aborted + 1), "the end of the wait")  # noqa: B023
        assert len(list(client.query(ALL))) == len(client.batch_get(KEYS)) == len(KEYS)


def test_without_a_delay_the_connection_is_closed_at_once(one: EmbeddedCluster) -> None:
    with Client(one.hosts, SLOW) as client:
        client.put(KEYS[0], {"n": 1})
        for call in (
            lambda: client.batch_get(KEYS, policy=BatchPolicy(max_retries=0), timeout=60),
            lambda: list(client.query(ALL, policy=QueryPolicy(max_retries=0), timeout=60)),
        ):
            one.nodes[0].stall()
            with pytest.raises(LATE):
                call()
            assert connections(client, "batches")[1] == connections(client, "queries")[1] == 0
        assert recovered(client) == (0, 0)

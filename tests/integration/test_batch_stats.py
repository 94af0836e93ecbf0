"""What `client.stats()` counts of batches: requests and rows, by the node that was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from pyspike import BatchPolicy, BatchStats, Client, ClientPolicy, Key, ResultCode
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, EmbeddedNode

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]


@pytest.fixture
def three() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture
def of_three(three: EmbeddedCluster) -> Iterator[Client]:
    policy = BatchPolicy(total_timeout=20_000, sleep_between_retries=0)
    # Tending takes no node for one that is gone because the machine gives it no time.
    with Client(three.hosts, ClientPolicy(timeout=10_000, tend_interval=60_000, batch=policy)) as client:
        yield client


def keys(count: int) -> list[Key]:
    return [Key("test", "batch-stats", number) for number in range(count)]


def of(cluster: EmbeddedCluster, node: EmbeddedNode, count: int) -> list[Key]:
    """So many keys whose records this node is asked for."""
    return [key for key in keys(200) if cluster.owner(key) is node][:count]


def batches(client: Client) -> dict[str, BatchStats]:
    return {name: node.batches for name, node in client.stats().nodes.items()}


def total(client: Client) -> BatchStats:
    found = [dataclasses.asdict(each) for each in batches(client).values()]
    return BatchStats(**{name: sum(each[name] for each in found) for name in found[0]})


def test_requests_and_rows_are_counted_by_node(three: EmbeddedCluster, of_three: Client) -> None:
    assert all(each == BatchStats() for each in batches(of_three).values())
    of_three.batch_put([(key, {"a": 1}) for key in keys(60)])
    owned = {node.name: len([key for key in keys(60) if three.owner(key) is node]) for node in three.nodes}
    assert batches(of_three) == {name: BatchStats(requests=1, rows=rows) for name, rows in owned.items()}
    of_three.batch_get(of(three, three.nodes[0], 4))
    first = three.nodes[0].name
    assert batches(of_three)[first] == BatchStats(requests=2, rows=owned[first] + 4)


def test_a_request_counts_each_time_and_its_slices_too(of_three: Client) -> None:
    of_three.batch_exists(keys(1) * 5000)  # more than a request may have
    assert total(of_three) == BatchStats(requests=2, rows=5000)
    of_three.batch_exists([])
    of_three.get(keys(1)[0], default=None)
    assert total(of_three) == BatchStats(requests=2, rows=5000)


def test_rows_that_end_in_an_error_are_failed_and_missing_records_are_not(
    three: EmbeddedCluster, of_three: Client
) -> None:
    of_three.batch_get(keys(10))
    of_three.batch_delete(keys(10))
    assert total(of_three).failed_rows == 0
    node = three.nodes[1]
    node.fail_rows(ResultCode.DEVICE_OVERLOAD, rows=2)
    results = of_three.batch_operate(of(three, node, 5), [op.add("a", 1)])
    assert len(results.failed) == 2
    assert batches(of_three)[node.name].failed_rows == total(of_three).failed_rows == 2


def test_rows_without_an_answer_are_retried_where_that_is_allowed_and_failed_where_not(
    three: EmbeddedCluster, of_three: Client
) -> None:
    node = three.nodes[2]
    node.cut(0)
    assert of_three.batch_exists(of(three, node, 7)) == [False] * 7
    assert batches(of_three)[node.name] == BatchStats(requests=1, rows=7, retried_rows=7)
    assert total(of_three).rows == 14  # the replicas were asked then
    assert total(of_three).failed_rows == 0

    node.cut(0)
    results = of_three.batch_operate(of(three, node, 4), [op.add("a", 1)])
    assert len(results.failed) == 4
    assert batches(of_three)[node.name] == BatchStats(requests=2, rows=11, failed_rows=4, retried_rows=7)
    assert total(of_three).failed_rows == 4


def test_rows_that_were_to_follow_a_request_that_failed_are_retried_alone(
    three: EmbeddedCluster, of_three: Client
) -> None:
    node = three.nodes[0]
    (key,) = of(three, node, 1)
    node.cut(0)
    results = of_three.batch_operate([key] * 5000, [op.add("a", 1)])
    failed = len(results.failed)
    assert 0 < failed < 5000  # those of the first request, which may have been applied
    assert batches(of_three)[node.name] == BatchStats(
        requests=2, rows=5000, failed_rows=failed, retried_rows=5000 - failed
    )

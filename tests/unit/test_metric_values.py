"""The values that `client.metrics()` gives: buckets, percentiles, sums and differences."""

from __future__ import annotations

import dataclasses
import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import ClientMetrics, CommandMetrics, FailedCalls, Histogram, NodeMetrics
from pyspike._wire import DurationCounter
from pyspike.metrics import LATENCY_EDGES
from pyspike.stats import ClientStats, TendStats
from pyspike.telemetry.families import RETRIES, points


def histogram(*durations: float) -> Histogram:
    counter = DurationCounter()
    for each in durations:
        counter.add(each)
    return Histogram(*counter.seen)


def test_the_limits_of_buckets_grow_by_a_quarter_at_most_and_every_doubling_of_a_millisecond_is_one() -> None:
    assert list(LATENCY_EDGES) == sorted(LATENCY_EDGES)
    assert {2.0**power for power in range(-4, 16)} <= set(LATENCY_EDGES)
    above = [edge for edge in LATENCY_EDGES if edge >= 0.0625]
    assert all(after / edge <= 1.25 for edge, after in pairwise(above))


@given(st.integers(0, 40_000_000_000))
def test_a_duration_is_in_the_first_bucket_whose_limit_is_not_below_it(ns: int) -> None:
    counts = histogram(ns / 1e6).counts
    place = counts.index(1)
    assert sum(counts) == 1
    if place < len(LATENCY_EDGES):  # a double of milliseconds may be a nanosecond off
        assert ns <= LATENCY_EDGES[place] * 1e6 + 1
    if place:
        assert ns > LATENCY_EDGES[place - 1] * 1e6 - 1


@pytest.mark.parametrize("edge", [0.0625, 1.0, 2.0, 1024.0, 32768.0])
def test_a_limit_itself_belongs_to_its_bucket(edge: float) -> None:
    assert histogram(edge).at_most([edge]) == [1]
    assert histogram(edge + 0.000001).at_most([edge]) == [0]


@given(st.lists(st.floats(0.0626, 20_000), min_size=1), st.floats(0, 100))
def test_a_percentile_is_off_by_a_quarter_at_most(durations: list[float], share: float) -> None:
    ordered = sorted(durations)
    rank = max(0, -(-len(ordered) * share // 100) - 1)
    exact = ordered[int(rank)]
    assert exact * 0.79 <= histogram(*durations).percentile(share) <= exact * 1.26


def test_an_empty_histogram_has_zeros_and_a_share_is_checked() -> None:
    empty = Histogram()
    assert (empty.count, empty.mean_ms, empty.percentile(99)) == (0, 0.0, 0.0)
    with pytest.raises(ValueError, match="0 to 100 percent, not 101"):
        empty.percentile(101)
    assert histogram(60_000).percentile(50) == LATENCY_EDGES[-1]


def test_histograms_add_and_subtract() -> None:
    both = histogram(1, 2) + histogram(3)
    assert (both.count, both.mean_ms) == (3, 2.0)
    assert both - histogram(3) == histogram(1, 2)
    assert repr(both).startswith("<Histogram of 3, mean 2.000 ms")


def get(namespace: str = "test", **numbers: object) -> CommandMetrics:
    return CommandMetrics(node="A", namespace=namespace, method="get", kind="read", **numbers)  # type: ignore[arg-type]


def test_a_sum_keeps_what_its_parts_have_in_common() -> None:
    one = get(latency=histogram(1), errors={"TimeoutError": 1}, retries=1, sent_bytes=10)
    together = one + get("bar", errors={"TimeoutError": 2, "KeyBusy": 1}, timeouts=2, received_bytes=5)
    assert (together.node, together.namespace, together.method, together.kind) == ("A", None, "get", "read")
    assert together.errors == {"TimeoutError": 3, "KeyBusy": 1}
    assert (together.count, together.failures, together.timeouts, together.retries) == (5, 4, 2, 1)
    assert (together - one).errors == {"TimeoutError": 2, "KeyBusy": 1}


def metrics(at: float, *commands: CommandMetrics, failed: int = 0) -> ClientMetrics:
    calls = FailedCalls(
        namespace="test", method="get", kind="read", error="KeyBusy", duration=histogram(*[1] * failed)
    )
    nodes = {"A": NodeMetrics(name="A", address="10.0.0.1:3000", commands=commands)}
    return ClientMetrics(since=1.0, at=at, nodes=nodes, failed_calls=(calls,) if failed else ())


def test_a_difference_of_two_moments_is_what_happened_between_them() -> None:
    before = metrics(2.0, get(latency=histogram(1)), failed=1)
    after = metrics(3.0, get(latency=histogram(1, 5)), get("bar", latency=histogram(7)), failed=3)
    between = after - before
    assert (between.since, between.at) == (2.0, 3.0)
    assert between.of(namespace="test").latency == histogram(5)
    assert between.of(namespace="bar").latency == histogram(7)
    assert between.failed_calls[0].duration.count == 2
    assert between.total.count == 2
    with pytest.raises(ValueError, match="earlier ones"):
        before - after


def of_nodes(at: float, **counts: tuple[float, int]) -> ClientMetrics:
    """The numbers of nodes, of each when they began and how many commands there were; `gone` has no name."""
    nodes = {}
    for key, (began, count) in counts.items():
        name = "" if key == "gone" else key
        numbers = {"latency": histogram(*[1] * count), "retries": count, "errors": {"KeyBusy": count}}
        command = dataclasses.replace(get(**numbers), node=name)
        nodes[name] = NodeMetrics(
            name=name, address="", commands=(command,), connecting=histogram(*[1] * count), began=began
        )
    return ClientMetrics(since=1.0, at=at, nodes=nodes)


def counted(seen: ClientMetrics) -> dict[str, int]:
    assert all(node.total.node == name for name, node in seen.nodes.items())
    assert all(
        node.total.latency.count == node.total.retries == node.total.failures == node.connecting.count
        for node in seen.nodes.values()
    )
    return {name: node.total.retries for name, node in seen.nodes.items()}


def test_a_node_whose_numbers_are_added_up_meanwhile_is_not_counted_again() -> None:
    before = of_nodes(2.0, A=(1.0, 100), B=(1.0, 5))
    after = of_nodes(3.0, B=(1.0, 7), gone=(1.0, 101))
    assert counted(after - before) == {"B": 2, "": 1}
    later = of_nodes(4.0, C=(3.5, 2), gone=(1.0, 109))
    assert counted(later - after) == {"C": 2, "": 1}
    assert counted((later - before) - (after - before)) == {"C": 2, "": 1}


def test_the_sum_of_nodes_that_left_is_no_series_but_part_of_a_difference() -> None:
    stats = ClientStats(nodes={}, tend=TendStats(rounds=0, last_ms=0.0, last_error=None, unreachable={}))

    def shown(seen: ClientMetrics, *, with_gone: bool = False) -> dict[object, object]:
        return {
            each.attributes["aerospike.node.name"]: each.value
            for each in points(seen, stats, {}, with_gone=with_gone)
            if each.family is RETRIES
        }

    before = of_nodes(2.0, A=(1.0, 100), B=(1.0, 5))
    after = of_nodes(3.0, B=(1.0, 7), gone=(1.0, 101))
    assert shown(after) == {"B": 7}
    assert shown(after - before, with_gone=True) == {"B": 2, "": 1}


def test_a_node_that_comes_back_after_its_numbers_were_added_up_begins_anew() -> None:
    before = of_nodes(2.0, A=(1.0, 100), gone=(1.0, 10))
    assert counted(of_nodes(3.0, A=(2.5, 30), gone=(1.0, 110)) - before) == {"A": 30, "": 0}
    assert counted(of_nodes(3.0, A=(2.5, 300), gone=(1.0, 111)) - before) == {"A": 300, "": 1}


def test_what_is_chosen_is_named_in_the_sum_also_where_there_is_nothing() -> None:
    seen = metrics(2.0, get(latency=histogram(1)))
    nothing = seen.of(method="put", kind="write")
    assert (nothing.method, nothing.kind, nothing.count) == ("put", "write", 0)
    assert pickle.loads(pickle.dumps(seen)) == seen

"""Every field of QueryPolicy changes something: each test shows what, the last one that none is forgotten."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import fields

import pytest

from pyspike import (
    Client,
    ClientPolicy,
    ErrorDetails,
    InvalidArgument,
    Key,
    QueryDuration,
    QueryPolicy,
    Record,
    Replica,
    ResultCode,
    Statement,
    errors,
    exp,
)
from pyspike._wire import Query, QueryPartitions
from pyspike.server import EmbeddedCluster
from support.cluster_tools import pools, within
from support.messages import Message, parse
from support.queries import asked_of_one

ELSEWHERE = {"timeout_delay", "connect_timeout", "deserialize"}  # in other files of tests

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

COUNT = 300
PATIENT = 60_000  # ms, for what a slow machine takes long for
SCAN = Statement("test", "policies")
SOCKET_TIMEOUT, RATE = 9, 10


def request(policy: QueryPolicy) -> Message:
    """What one node is asked by a scan with this policy."""
    return parse(asked_of_one(Query(SCAN, policy.settings, QueryPartitions())).make_command().request)


@pytest.fixture(scope="module")
def kept() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, process=True) as cluster:
        yield cluster


@pytest.fixture
def three(kept: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """The three nodes of this module's tests, whole again after each."""
    yield kept
    for node in kept.nodes:
        node.heal()


@pytest.fixture
def client(three: EmbeddedCluster) -> Iterator[Client]:
    with Client(three.hosts) as client:
        client.batch_put({Key("test", "policies", n): {"n": n} for n in range(COUNT)}, timeout=PATIENT)
        yield client


def numbers(found: Iterable[Record]) -> list[int]:
    return sorted(record["n"] for record in found)


def asked(cluster: EmbeddedCluster) -> int:
    """How many requests the nodes were asked."""
    return sum(node.stats.data_requests for node in cluster.nodes)


def jobs(client: Client) -> set[str]:
    """The numbers of the queries that the nodes tell of."""
    told = ";".join(client.info("query-show").values())
    return {each for each in told.replace(";", ":").split(":") if each.startswith("trid=")}


def test_max_records_is_how_many_are_given(client: Client) -> None:
    for most in (1, 2, 100, COUNT):
        query = client.query(SCAN, policy=QueryPolicy(max_records=most))
        assert len(set(numbers(query))) == most
        assert not query.cursor.done
        assert pools(client, "in_flight") == 0
    assert len(numbers(client.query(SCAN, policy=QueryPolicy(max_records=COUNT + 10)))) == COUNT


def test_records_per_second_slows_the_nodes_down(client: Client) -> None:
    assert request(QueryPolicy()).field(RATE) is None
    assert request(QueryPolicy(records_per_second=700)).field(RATE) == (700).to_bytes(4, "big")
    began = time.monotonic()
    slow = numbers(client.query(SCAN, policy=QueryPolicy(records_per_second=150)))
    assert slow == list(range(COUNT))
    assert time.monotonic() - began >= 0.3
    with pytest.raises(InvalidArgument, match="SHORT"):
        QueryPolicy(records_per_second=1, expected_duration=QueryDuration.SHORT)


def test_max_concurrent_nodes_is_how_many_are_asked_at_once(three: EmbeddedCluster, client: Client) -> None:
    for node in three.nodes:
        node.stall(0, seconds=0.3)
    for most in (1, 2):
        before = asked(three)
        query = client.query(SCAN, policy=QueryPolicy(max_concurrent_nodes=most, total_timeout=PATIENT))
        next(query)
        assert asked(three) - before <= most + 1, "the next one is asked when one has answered all"
        assert len(numbers(query)) == COUNT - 1
        for node in three.nodes:
            node.heal()


def test_expected_duration_is_told_to_the_nodes(client: Client) -> None:
    short = QueryPolicy(expected_duration=QueryDuration.SHORT)
    relaxed = QueryPolicy(expected_duration=QueryDuration.LONG_RELAX_AP)
    assert request(short).info1 == request(QueryPolicy()).info1 | 0x04
    assert request(relaxed).info2 == request(QueryPolicy()).info2 | 0x40
    for policy in (short, relaxed, QueryPolicy()):
        before = jobs(client)
        assert numbers(client.query(SCAN, policy=policy)) == list(range(COUNT))
        assert (jobs(client) > before) is (policy is not short), "short queries are not among the jobs"


@pytest.mark.one_kind("makes no client")
def test_use_compression_asks_for_compressed_records() -> None:
    for use in (False, True):
        assert bool(request(QueryPolicy(use_compression=use)).info1 & 0x80) is use


def test_include_bin_data_is_whether_bins_come_too(client: Client) -> None:
    found = list(client.query(SCAN, policy=QueryPolicy(include_bin_data=False)))
    assert len(found) == COUNT
    assert all(record.bins == {} and record.generation > 0 for record in found)


def test_replica_is_who_is_asked_first_and_whether_others_are(three: EmbeddedCluster, client: Client) -> None:
    three.nodes[1].fail_query(ResultCode.INDEX_NOT_READABLE, times=1000)
    policy = QueryPolicy(max_retries=3, total_timeout=PATIENT)
    for replica in (Replica.SEQUENCE, Replica.RANDOM):
        assert numbers(client.query(SCAN, policy=policy.replace(replica=replica))) == list(range(COUNT))
    with pytest.raises(errors.IndexNotReadable) as caught:
        list(client.query(SCAN, policy=policy.replace(replica=Replica.MASTER)))
    assert {attempt.node for attempt in caught.value.attempts} == {"A2"}


def test_socket_timeout_is_how_long_a_node_may_be_silent(three: EmbeddedCluster, client: Client) -> None:
    assert request(QueryPolicy(socket_timeout=700)).field(SOCKET_TIMEOUT) == (700).to_bytes(4, "big")
    assert request(QueryPolicy(socket_timeout=0)).field(SOCKET_TIMEOUT) == bytes(4)
    three.nodes[1].stall(0)
    query = client.query(SCAN, policy=QueryPolicy(socket_timeout=200, total_timeout=PATIENT))
    assert numbers(query) == list(range(COUNT)), "another node was asked"
    three.nodes[1].stall(0)
    with pytest.raises(errors.TimeoutError) as caught:
        list(client.query(SCAN, policy=QueryPolicy(socket_timeout=200, max_retries=0)))
    assert caught.value.node == "A2"


def test_total_timeout_ends_the_query(three: EmbeddedCluster, client: Client) -> None:
    for node in three.nodes:
        node.freeze()
    for timeout in (100, 200):
        began = time.monotonic()
        policy = QueryPolicy(total_timeout=timeout, socket_timeout=0)
        with within(timeout), pytest.raises(errors.TimeoutError) as caught:
            next(client.query(SCAN, policy=policy))
        assert (time.monotonic() - began) * 1000 >= timeout - 1
        assert caught.value.timeout == timeout


def test_max_retries_is_how_often_partitions_are_asked_for_again(
    three: EmbeddedCluster, client: Client
) -> None:
    counts = []
    for retries in (0, 2):
        for node in three.nodes:
            node.fail_query(ResultCode.INDEX_NOT_READABLE, times=1000)
        with pytest.raises(errors.IndexNotReadable) as caught:
            list(client.query(SCAN, policy=QueryPolicy(max_retries=retries)))
        counts.append(len(caught.value.attempts))
    assert counts[0] <= 3 <= counts[1]


def test_sleep_between_retries_is_how_long_it_waits_at_least(three: EmbeddedCluster, client: Client) -> None:
    def took(pause: float) -> float:
        for node in three.nodes:
            node.fail_query(ResultCode.INDEX_NOT_READABLE, times=1000)
        began = time.monotonic()
        with pytest.raises(errors.IndexNotReadable):
            list(client.query(SCAN, policy=QueryPolicy(max_retries=2, sleep_between_retries=pause)))
        return time.monotonic() - began

    assert took(600) >= 0.3, "the second retry waits, and jitter takes half of it at most"
    assert took(0) < took(1500)


def test_filter_expression_says_which_records_are_given(client: Client) -> None:
    few = QueryPolicy(filter_expression=exp.int_bin("n") < 20)
    assert numbers(client.query(SCAN, policy=few)) == list(range(20))
    assert numbers(client.with_policies(query=few).query(SCAN)) == list(range(20))
    with pytest.raises(errors.InvalidType, match="query must be a QueryPolicy"):
        client.with_policies(query=5)  # type: ignore[arg-type]


def test_error_details_has_a_node_tell_more_than_a_code(client: Client) -> None:
    for details, told in ((ErrorDetails.NONE, "malformed"), (ErrorDetails.MESSAGE, "unknown code 0xc1")):
        query = client.query(SCAN, filter_expression=b"\xc1", policy=QueryPolicy(error_details=details))
        with pytest.raises(errors.RequestInvalid, match=told):
            next(query)


def test_the_policy_of_the_client_is_that_of_queries_without_one(
    three: EmbeddedCluster, client: Client
) -> None:
    few = QueryPolicy(max_records=7)
    with Client(three.hosts, ClientPolicy(query=few)) as other:
        assert len(list(other.query(SCAN))) == 7
        assert len(list(other.query(SCAN, policy=QueryPolicy()))) == COUNT
        assert len(list(other.with_policies(query=QueryPolicy()).query(SCAN))) == COUNT


@pytest.mark.one_kind("makes no client")
def test_no_field_is_without_a_test_here() -> None:
    tests = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    names = [entry.name for entry in fields(QueryPolicy) if entry.init and entry.name not in ELSEWHERE]
    assert [name for name in names if not any(test.startswith(f"{name}_") for test in tests)] == []

"""Queries while nodes fail: every record exactly once, or an error and a cursor from which it goes on."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyspike import (
    Client,
    ClientPolicy,
    Key,
    QueryPolicy,
    Record,
    Replica,
    ResultCode,
    Statement,
    errors,
    filters,
)
from pyspike.server import EmbeddedCluster, EmbeddedNode
from support.clients import at_most
from support.cluster_tools import closed, pools, wait_until
from support.indexes import index

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

PATIENT = 60_000  # ms, for what a slow machine takes long for
COUNT = 600
ALL = Statement("test", "faulty")
SOME = Statement("test", "faulty", where=filters.range("n", 0, COUNT - 100))
STUBBORN = QueryPolicy(socket_timeout=400, total_timeout=PATIENT, max_retries=100, sleep_between_retries=1)
ROUNDS = int(os.environ.get("PYSPIKE_QUERY_ROUNDS") or 24)


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
        if not node.running:
            node.start()


@pytest.fixture
def of_three(three: EmbeddedCluster) -> Iterator[Client]:
    """A client of a cluster with 600 records, whose nodes answer queries in many frames."""
    policy = ClientPolicy(tend_interval=50, query=QueryPolicy(total_timeout=PATIENT))
    with Client(three.hosts, policy) as client:
        client.batch_put({Key("test", "faulty", n): {"n": n} for n in range(COUNT)}, timeout=PATIENT)
        for node in three.nodes:
            node.frame_queries(700)
        yield client


def numbers(found: Iterable[Record]) -> list[int]:
    """The values of the bin `n`, sorted: with one twice if a record was given twice."""
    return sorted(record["n"] for record in found)


def heal(cluster: EmbeddedCluster, client: Client) -> None:
    for node in cluster.nodes:
        node.heal()
        node.frame_queries(700)
        if not node.running:
            node.start()
    wait_until(lambda: sum(node.is_active for node in client.nodes()) == 3)


FAULTS: dict[str, Callable[[EmbeddedNode], object]] = {
    "stopped": EmbeddedNode.stop,
    "killed": EmbeddedNode.kill,
    "frozen": EmbeddedNode.freeze,
    "closing instead of answering": lambda node: node.close_after_request(1),
    "dropping a request": lambda node: node.drop_before_execute(1),
    "cutting an answer in a frame": lambda node: node.cut(100, after_frames=2),
    "cutting an answer between frames": lambda node: node.cut(0, after_frames=3),
    "stalling in an answer": lambda node: node.stall(30, after_frames=2),
    "sending garbage": lambda node: node.garbage(after_frames=2),
    "refusing with a code": lambda node: node.fail_query(ResultCode.TIMEOUT, after_frames=2),
    "not having partitions": lambda node: node.fail_partitions(70),
}


@pytest.mark.parametrize("statement", [ALL, SOME], ids=["scan", "index"])
def test_every_record_is_given_once_whatever_happens_to_a_node(
    three: EmbeddedCluster, of_three: Client, statement: Statement
) -> None:
    expected = list(range(COUNT)) if statement is ALL else list(range(COUNT - 99))
    with index(of_three, "faulty", "n"):
        for fault, strike in FAULTS.items():
            strike(three.nodes[1])
            assert numbers(of_three.query(statement, policy=STUBBORN)) == expected, fault
            assert pools(of_three, "in_flight") == 0
            heal(three, of_three)


@pytest.mark.timeout(60 + ROUNDS * 10)
def test_every_record_is_given_once_whenever_something_happens(
    three: EmbeddedCluster, of_three: Client
) -> None:
    """At random moments; some of the queries are broken off and gone on with by their cursor."""
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        fault = chance.choice([*FAULTS, "killed", "frozen", "frozen", "cutting an answer in a frame"])
        moments = sorted(chance.randrange(COUNT) for _ in range(3))
        policy = STUBBORN.replace(
            max_records=chance.choice([0, 0, 50, 250]), max_concurrent_nodes=chance.choice([0, 0, 1, 2])
        )
        query = of_three.query(ALL, policy=policy)
        found: list[int] = []
        while True:
            if len(found) == moments[0]:
                moments[0] = -1  # once: without two of the nodes records are lost
                FAULTS[fault](chance.choice(three.nodes))
            if len(found) == moments[1]:
                heal(three, of_three)
            if len(found) == moments[2]:
                query.close()
            record = next(query, None)
            if record is not None:
                found.append(record["n"])
                continue
            if query.cursor.done:
                break
            query = of_three.query(ALL, cursor=query.cursor, policy=policy)
            moments[2] = -1
        twice = [number for number, count in Counter(found).items() if count > 1]
        assert (len(found), twice) == (COUNT, []), f"seed {seed}: {fault}"
        assert pools(of_three, "in_flight") == 0
        heal(three, of_three)


def test_an_error_ends_a_query_and_its_cursor_goes_on_behind_the_records_before(
    three: EmbeddedCluster, of_three: Client
) -> None:
    three.nodes[1].fail_query(ResultCode.QUERY_ABORTED, after_frames=1)
    query = of_three.query(ALL)
    first: list[int] = []
    with pytest.raises(errors.QueryAborted) as caught:
        first.extend(record["n"] for record in query)
    assert caught.value.node == "A2"
    assert pools(of_three, "in_flight") == 0
    with pytest.raises(StopIteration):
        next(query)
    assert not query.cursor.done
    assert 0 < len(first) < COUNT
    rest = numbers(of_three.query(ALL, cursor=query.cursor))
    assert sorted([*first, *rest]) == list(range(COUNT))


def test_retries_end_with_the_last_error_and_all_attempts(three: EmbeddedCluster, of_three: Client) -> None:
    for node in three.nodes:
        node.fail_query(ResultCode.INDEX_NOT_READABLE, times=1000)
    with pytest.raises(errors.IndexNotReadable) as caught:
        list(of_three.query(ALL, policy=QueryPolicy(max_retries=2)))
    assert 3 <= len(caught.value.attempts) <= 20
    assert {attempt.node for attempt in caught.value.attempts} <= {"A1", "A2", "A3"}
    with pytest.raises(errors.IndexNotReadable) as caught:
        list(of_three.query(ALL, policy=QueryPolicy(max_retries=0)))
    assert len(caught.value.attempts) <= 3


def test_the_deadline_counts_all_that_is_done_with_the_records(
    three: EmbeddedCluster, of_three: Client
) -> None:
    query = of_three.query(ALL, timeout=300)
    next(query)
    time.sleep(0.35)
    with pytest.raises(errors.TimeoutError) as caught:
        list(query)
    assert caught.value.timeout == 300
    assert pools(of_three, "in_flight") == 0
    for node in three.nodes:
        node.freeze()
    with pytest.raises(errors.TimeoutError):
        next(of_three.query(ALL, timeout=100))
    assert pools(of_three, "in_flight") == 0


def test_a_slow_node_does_not_hold_up_the_others(three: EmbeddedCluster, of_three: Client) -> None:
    three.nodes[1].freeze()
    query = of_three.query(ALL)
    found = [next(query)["n"] for _ in range(300)]
    three.nodes[1].thaw()
    assert sorted([*found, *(record["n"] for record in query)]) == list(range(COUNT))


def test_who_takes_long_over_a_record_is_given_the_rest_by_another_request(
    three: EmbeddedCluster, of_three: Client
) -> None:
    big = {Key("test", "large", n): {"n": n, "fill": bytes(200_000)} for n in range(120)}
    for key, bins in big.items():
        of_three.put(key, bins, timeout=PATIENT)
    policy = QueryPolicy(socket_timeout=100, max_retries=0, total_timeout=PATIENT)
    query = of_three.query(Statement("test", "large"), policy=policy)
    found = [next(query)["n"]]
    time.sleep(0.6)
    found += [record["n"] for record in query]
    assert sorted(found) == list(range(120))


# Closing and interrupting -----------------------------------------------------------------------------------


def open_queries(client: Client) -> int:
    """How many of the nodes' queries of the next test are under way, as they tell it."""
    told = client.info("query-show").values()
    return sum(
        "set=closed" in each and "status=active" in each for answer in told for each in answer.split(";")
    )


def test_closing_early_ends_the_query_on_the_nodes_and_closes_its_connections(
    three: EmbeddedCluster, of_three: Client
) -> None:
    big = {Key("test", "closed", n): {"n": n, "fill": bytes(200_000)} for n in range(120)}
    for key, bins in big.items():
        of_three.put(key, bins, timeout=PATIENT)
    statement = Statement("test", "closed")
    with of_three.query(statement) as query:
        for _ in range(10):  # more than the first requests bring, which are for few partitions
            next(query)
        assert open_queries(of_three) >= 1
        assert pools(of_three, "in_flight") >= 1
    assert pools(of_three, "in_flight") == 0
    wait_until(lambda: open_queries(of_three) == 0, "the end of the query on the nodes")
    assert closed(of_three)["closed early"] >= 1
    dropped = of_three.query(statement)
    next(dropped)
    del dropped
    wait_until(lambda: pools(of_three, "in_flight") == 0, "the end of the query that was dropped")
    unbegun = of_three.query(statement)
    unbegun.close()
    assert list(unbegun) == []
    assert of_three.get(Key("test", "closed", 1))["n"] == 1


def test_queries_that_share_few_connections_wait_for_each_other(three: EmbeddedCluster) -> None:
    with Client(three.hosts, at_most(1, tend_interval=100)) as client, ThreadPoolExecutor(4) as pool:
        client.batch_put({Key("test", "faulty", n): {"n": n} for n in range(COUNT)}, timeout=PATIENT)
        calls = [
            pool.submit(lambda: numbers(client.query(ALL, timeout=PATIENT)) == list(range(COUNT)))
            for _ in range(12)
        ]
        assert all(call.result() for call in calls)
        assert pools(client, "in_flight") == 0


@pytest.mark.one_kind("a signal ends a thread's wait")
def test_a_signal_ends_a_query_and_its_cursor_goes_on(three: EmbeddedCluster, of_three: Client) -> None:
    class Stop(Exception):  # noqa: N818 - no error
        pass

    def stop(*_: object) -> None:
        raise Stop

    for nodes in (three.nodes, three.nodes[:1]):
        for node in nodes:
            node.stall(10, after_frames=2)
        query = of_three.query(ALL, policy=QueryPolicy(socket_timeout=90_000, total_timeout=90_000))
        found = []
        before = signal.signal(signal.SIGALRM, stop)
        try:
            with pytest.raises(Stop):  # noqa: PT012 - the signal may come anywhere
                for record in query:
                    found.append(record["n"])
                    signal.setitimer(signal.ITIMER_REAL, 0.2)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert list(query) == []
        assert pools(of_three, "in_flight") == 0
        for node in nodes:
            node.heal()
        assert sorted([*found, *numbers(of_three.query(ALL, cursor=query.cursor))]) == list(range(COUNT))


@pytest.mark.one_kind("a child has no loop")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_has_queries_of_its_own_and_the_parent_goes_on_with_its(
    three: EmbeddedCluster, of_three: Client
) -> None:
    query = of_three.query(ALL)
    found = [next(query)["n"] for _ in range(10)]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            own = numbers(of_three.query(ALL))
            try:
                next(query)
            except errors.ConnectionError:
                rest = numbers(of_three.query(ALL, cursor=query.cursor))
                query.close()
                code = 0 if own == list(range(COUNT)) and len(rest) == COUNT - 10 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sorted([*found, *(record["n"] for record in query)]) == list(range(COUNT))


@pytest.mark.one_kind("makes threads")
def test_threads_share_a_query(three: EmbeddedCluster, of_three: Client) -> None:
    query = of_three.query(ALL)
    found: list[int] = []

    def work() -> None:
        found.extend(record["n"] for record in query)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == list(range(COUNT))
    # One closes it while others wait for records that do not come.
    three.nodes[0].freeze()
    query = of_three.query(ALL)
    threads = [threading.Thread(target=lambda: list(query)) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    query.close()
    three.nodes[0].thaw()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert pools(of_three, "in_flight") == 0


# Which node is asked ----------------------------------------------------------------------------------------


def asked(cluster: EmbeddedCluster) -> list[int]:
    return [node.stats.data_requests for node in cluster.nodes]


def test_replicas_are_asked_by_policy(three: EmbeddedCluster, of_three: Client) -> None:
    three.nodes[1].fail_query(ResultCode.INDEX_NOT_READABLE, times=1000)
    policy = QueryPolicy(max_retries=3, total_timeout=PATIENT)
    assert numbers(of_three.query(ALL, policy=policy)) == list(range(COUNT))
    with pytest.raises(errors.IndexNotReadable) as caught:
        list(of_three.query(ALL, policy=policy.replace(replica=Replica.MASTER)))
    assert {attempt.node for attempt in caught.value.attempts} == {"A2"}

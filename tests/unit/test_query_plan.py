"""The plan of a query asks the right nodes, again where it may, and gives each record exactly once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Cursor, PartitionFilter, Statement, errors, filters
from pyspike._wire import (
    Node,
    NodeLimits,
    NodeQuery,
    PartitionMap,
    Query,
    QueryPartitions,
    advance_clock,
    cursor_of,
    partitions_of_cursor,
)
from pyspike.cluster.retry import ClusterState
from pyspike.plans import partitions as plans
from pyspike.plans.partitions import FIRST_PARTITIONS, WORTH_SPLITTING, QueryPlan
from pyspike.policy import QueryPolicy, Replica
from support.messages import parse
from support.queries import denial_body, digest_in, last_body, partition_map, record_body

QUERY_ID, RATE, PARTITIONS, DIGESTS, MOST, BVALS = 7, 10, 11, 12, 13, 15
SCAN = Statement("test", "s")
INDEXED = Statement("test", "s", where=filters.range("a", -(1 << 63), (1 << 63) - 1))


class Cluster(ClusterState):
    """What a plan asks of a cluster."""

    def __init__(self) -> None:
        self.closed = False
        self.tended: list[str | None] = []

    def request_tend(self, node: str | None = None) -> None:
        self.tended.append(node)

    def version_of(self, name: str | None) -> str:
        return ""

    def not_connected(self) -> errors.ConnectFailed:
        return errors.ConnectFailed("no node is there")


@dataclass(frozen=True)
class Asked:
    """What a request asks a node for."""

    query_id: bytes
    whole: tuple[int, ...]
    after: dict[int, bytes]
    bvals: tuple[int, ...]
    most: int

    @property
    def partitions(self) -> list[int]:
        return sorted([*self.whole, *self.after])


def read_request(request: bytes) -> Asked:
    message = parse(request)
    ids, digests = message.field(PARTITIONS) or b"", message.field(DIGESTS) or b""
    after = [digests[at : at + 20] for at in range(0, len(digests), 20)]
    bvals = message.field(BVALS) or b""
    return Asked(
        message.field(QUERY_ID) or b"",
        tuple(int.from_bytes(ids[at : at + 2], "little") for at in range(0, len(ids), 2)),
        {digest[0] | (digest[1] & 15) << 8: digest for digest in after},
        tuple(int.from_bytes(bvals[at : at + 8], "little", signed=True) for at in range(0, len(bvals), 8)),
        int.from_bytes(message.field(MOST) or b"", "big"),
    )


def planned(
    policy: QueryPolicy | None = None,
    partitions: QueryPartitions | None = None,
    cluster: Cluster | None = None,
    statement: Statement = SCAN,
) -> QueryPlan:
    settings = (policy or QueryPolicy()).settings
    return QueryPlan(cluster or Cluster(), Query(statement, settings, partitions or QueryPartitions(0, 8)))


def two_nodes(count: int = 8) -> PartitionMap:
    """Even partitions have their master on A and their replica on B, odd ones the other way round."""
    even, odd = bytearray(512), bytearray(512)
    for partition_id in range(count):
        (odd if partition_id % 2 else even)[partition_id >> 3] |= 0x80 >> (partition_id & 7)
    found = PartitionMap().updated(Node("A", NodeLimits()), [("test", 0, (bytes(even), bytes(odd)))])
    return found.updated(Node("B", NodeLimits()), [("test", 0, (bytes(odd), bytes(even)))])


def give(asked: NodeQuery, *digests: bytes) -> None:
    records, _ = asked.reader.records(b"".join(record_body(digest) for digest in digests))
    assert [record.key.digest for record in records] == list(digests)


def end(plan: QueryPlan, asked: NodeQuery, *denied: int) -> None:
    body = b"".join([*(denial_body(each) for each in denied), last_body()])
    assert asked.reader.records(body) == ([], plan.query)
    plan.ended(asked)


def fail(plan: QueryPlan, asked: NodeQuery, error: errors.AerospikeError, **more: bool) -> None:
    error.node = asked.node.name
    plan.failed(asked, error, 1.0, sent=True, **more)


# Which node is asked for what -------------------------------------------------------------------------------


def test_each_node_is_asked_for_the_partitions_whose_master_it_is() -> None:
    plan = planned()
    asked = plan.route(two_nodes())
    assert {each.node.name: each.partitions for each in asked} == {"A": [0, 2, 4, 6], "B": [1, 3, 5, 7]}
    requests = [read_request(each.make_command().request) for each in asked]
    assert [each.partitions for each in requests] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert requests[0].query_id == requests[1].query_id != bytes(8)
    assert plan.route(two_nodes()) == [], "as all are asked for"
    for each in asked:
        end(plan, each)
    assert plan.done
    assert plan.error is None


def test_two_queries_have_two_numbers() -> None:
    numbers = {planned().route(two_nodes())[0].query_id for _ in range(50)}
    assert len(numbers) == 50


def test_a_partition_is_asked_for_from_behind_the_last_record() -> None:
    plan = planned(partitions=QueryPartitions(0, 4), statement=INDEXED)
    (asked,) = plan.route(partition_map("A", "B"))
    one, two = digest_in(1, 5), digest_in(3, 9)
    asked.reader.records(record_body(digest_in(1, 4), bval=3) + record_body(one, bval=-4))
    asked.reader.records(record_body(two, bval=1 << 62))
    fail(plan, asked, errors.ConnectionError("cut"))
    (again,) = plan.route(partition_map("A", "B"))
    request = read_request(again.make_command().request)
    assert request.whole == (0, 2)
    assert request.after == {1: one, 3: two}
    assert request.bvals == (-4, 1 << 62)


def test_the_replica_policy_says_whom_to_ask() -> None:
    nodes = partition_map("A", "B")

    def nodes_of(policy: QueryPolicy) -> list[str]:
        plan = planned(policy, QueryPartitions(0, 1))
        names = []
        for _ in range(4):
            (asked,) = plan.route(nodes)
            names.append(asked.node.name)
            fail(plan, asked, errors.ConnectionError("cut"))
            advance_clock(1000)
        return names

    assert nodes_of(QueryPolicy()) == ["A", "B", "A", "B"]
    assert nodes_of(QueryPolicy(replica=Replica.MASTER)) == ["A"] * 4
    some = {"".join(nodes_of(QueryPolicy(replica=Replica.RANDOM))) for _ in range(5)}
    assert some == {"ABAB", "BABA"}, "any node first, and then never the same again"


def test_a_scan_asks_each_node_for_few_partitions_before_the_others() -> None:
    everyone = QueryPartitions()
    plan = planned(partitions=everyone)
    first, second = plan.route(two_nodes(4096))
    assert first.partitions == list(range(0, 2 * FIRST_PARTITIONS, 2))
    assert second.partitions == list(range(1, 2 * FIRST_PARTITIONS, 2))
    assert plan.route(two_nodes(4096)) == [], "the others wait"
    assert everyone.wait_for_next() is None
    end(plan, first)
    assert everyone.wait_for_next() == 0
    (rest,) = plan.route(two_nodes(4096))
    assert (rest.node.name, rest.partitions) == ("A", list(range(2 * FIRST_PARTITIONS, 4096, 2)))
    fail(plan, second, errors.ConnectionError("cut"))
    again = plan.route(two_nodes(4096))
    others = [f"{each.node.name} {len(each)}" for each in again]
    assert others == [f"A {FIRST_PARTITIONS}", f"B {2048 - FIRST_PARTITIONS}"], (
        "one failed and holds up no other"
    )
    for asked in (rest, *again):
        end(plan, asked)
    assert plan.done
    assert everyone.done


def test_what_is_short_or_slow_anyway_is_asked_for_at_once() -> None:
    for policy, statement, count in (
        (None, INDEXED, 4096),
        (None, SCAN, WORTH_SPLITTING),
        (QueryPolicy(max_records=10), SCAN, 4096),
        (QueryPolicy(records_per_second=100), SCAN, 4096),
    ):
        plan = planned(policy, QueryPartitions(0, count), statement=statement)
        (asked,) = plan.route(partition_map("A"))
        assert len(asked) == count


# What is asked for again ------------------------------------------------------------------------------------


def test_partitions_of_a_node_that_failed_go_to_the_next_replica_at_once() -> None:
    cluster = Cluster()
    plan = planned(cluster=cluster)
    first, second = plan.route(two_nodes())
    fail(plan, first, errors.ConnectionError("cut"))
    (again,) = plan.route(two_nodes())
    assert (again.node.name, again.partitions) == ("B", [0, 2, 4, 6])
    assert again.query_id != first.query_id, "a node refuses a number that it knows"
    assert cluster.tended == ["A"]
    end(plan, again)
    end(plan, second)
    assert plan.done


def test_partitions_that_a_node_does_not_have_are_asked_for_elsewhere_when_it_has_ended() -> None:
    cluster = Cluster()
    plan = planned(cluster=cluster)
    first, second = plan.route(two_nodes())
    end(plan, first, 2, 6)
    (again,) = plan.route(two_nodes())
    assert (again.node.name, again.partitions) == ("B", [2, 6])
    assert cluster.tended == [None]
    end(plan, second)
    end(plan, again)
    assert plan.done


@pytest.mark.parametrize("code", [9, 11, 201, 203])
def test_some_codes_of_a_node_may_pass(code: int) -> None:
    plan = planned(QueryPolicy(max_retries=3))
    for _ in range(4):
        asked, *_ = plan.route(partition_map("A", "B"))
        fail(plan, asked, errors.from_code(code))
        advance_clock(1000)
    assert plan.error is not None
    assert plan.error.result_code == code
    assert len(plan.error.attempts) == 4


@pytest.mark.parametrize("code", [4, 15, 16, 20, 22, 1])
def test_other_codes_end_the_query(code: int) -> None:
    plan = planned()
    asked, _ = plan.route(two_nodes())
    fail(plan, asked, errors.from_code(code))
    assert plan.error is not None
    assert (plan.error.result_code, plan.error.node) == (code, "A")


@pytest.mark.parametrize("error", [errors.TimeoutError, errors.ConnectionError, errors.ProtocolError])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_query_fails_if_too_many_requests_in_a_row_bring_nothing(
    error: type[errors.AerospikeError], retries: int
) -> None:
    plan = planned(QueryPolicy(max_retries=retries))
    for number in range(retries + 1):
        assert plan.error is None
        asked, *_ = plan.route(partition_map("A", "B"))
        fail(plan, asked, error(f"number {number}"))
        advance_clock(1000)
    assert plan.error is not None
    assert plan.error.message == f"number {retries}"
    assert [attempt.node for attempt in plan.error.attempts] == [*"ABAB"][: retries + 1]


def test_a_request_that_brought_a_record_begins_the_count_anew() -> None:
    plan = planned(QueryPolicy(max_retries=1), QueryPartitions(0, 2))
    for number in range(20):
        (asked,) = plan.route(partition_map("A", "B"))
        give(asked, digest_in(number % 2, number))
        fail(plan, asked, errors.ConnectionError("cut"))
        advance_clock(1000)
    assert plan.error is None
    (asked,) = plan.route(partition_map("A", "B"))
    fail(plan, asked, errors.ConnectionError("cut"))
    assert plan.error is not None


def test_without_retries_a_failure_is_one_even_if_records_came_before() -> None:
    plan = planned(QueryPolicy(max_retries=0), QueryPartitions(0, 2))
    (asked,) = plan.route(partition_map("A", "B"))
    give(asked, digest_in(0, 1))
    fail(plan, asked, errors.ConnectionError("cut"))
    assert plan.error is not None


def test_the_pause_grows_from_failure_to_failure() -> None:
    plan = planned(QueryPolicy(max_retries=9))
    pauses = []
    for _ in range(8):
        (asked,) = plan.route(partition_map("A", "B"))
        fail(plan, asked, errors.ConnectionError("cut"))
        waited = 0
        while plan.query.partitions.wait_for_next():
            advance_clock(1)
            waited += 1
        pauses.append(waited)
    assert pauses[0] == 0
    assert all(15 * 2**place <= pause <= 27 * 2**place for place, pause in enumerate(pauses[1:5]))
    assert max(pauses) <= 630


def test_the_policy_may_make_the_pause_longer() -> None:
    plan = planned(QueryPolicy(sleep_between_retries=5000))
    for _ in range(2):
        (asked,) = plan.route(partition_map("A", "B"))
        fail(plan, asked, errors.ConnectionError("cut"))
    assert 3_000 < (plan.query.partitions.wait_for_next() or 0) < 6_500
    assert plan.route(partition_map("A", "B")) == []
    advance_clock(6_500)
    assert len(plan.route(partition_map("A", "B"))) == 1


def test_nothing_is_asked_for_again_beyond_the_deadline() -> None:
    plan = planned(QueryPolicy(total_timeout=100, sleep_between_retries=1000))
    for _ in range(2):
        (asked,) = plan.route(partition_map("A", "B"))
        asked.make_command()
        fail(plan, asked, errors.ConnectionError("cut"))
    assert isinstance(plan.error, errors.ConnectionError)
    assert plan.error.timeout == 100


def test_a_node_that_gave_up_an_answer_that_nobody_read_has_not_failed() -> None:
    cluster = Cluster()
    plan = planned(QueryPolicy(max_retries=0), QueryPartitions(0, 2), cluster)
    for _ in range(10):
        (asked,) = plan.route(partition_map("A", "B"))
        assert asked.node.name == "A"
        fail(plan, asked, errors.ConnectionError("closed"), neglected=True)
    assert plan.error is None
    assert cluster.tended == []


def test_when_the_client_was_closed_the_query_fails() -> None:
    cluster = Cluster()
    plan = planned(cluster=cluster)
    asked, _ = plan.route(two_nodes())
    cluster.closed = True
    fail(plan, asked, errors.ConnectionError("cut"), neglected=True)
    assert isinstance(plan.error, errors.ClientClosed)


def test_partitions_that_no_node_is_known_for_are_asked_for_when_there_is_one() -> None:
    cluster = Cluster()
    plan = planned(cluster=cluster, partitions=QueryPartitions(0, 8))
    found = plan.route(two_nodes(4))
    assert sorted(each for asked in found for each in asked.partitions) == [0, 1, 2, 3]
    assert cluster.tended == [None]
    again = plan.route(two_nodes(8))
    assert sorted(each for asked in again for each in asked.partitions) == [4, 5, 6, 7]


def test_a_query_fails_if_no_node_is_found() -> None:
    plan = planned(QueryPolicy(max_retries=2))
    for _ in range(3):
        assert plan.error is None
        assert plan.route(PartitionMap()) == []
        advance_clock(1000)
    assert isinstance(plan.error, errors.ConnectFailed)
    assert "8 partitions (0, 1, 2, …): no node is there" in str(plan.error)


def test_an_unknown_namespace_ends_the_query_without_asking_anyone() -> None:
    plan = planned(statement=Statement("nope"))
    assert plan.route(two_nodes()) == []
    assert isinstance(plan.error, errors.InvalidNamespace)


# How many records -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "shares"), [(10, [5, 5]), (7, [4, 3]), (2, [1, 1]), (1, [1])])
def test_the_nodes_share_what_is_wanted(most: int, shares: Sequence[int]) -> None:
    plan = planned(QueryPolicy(max_records=most))
    asked = plan.route(two_nodes())
    assert [read_request(each.make_command().request).most for each in asked] == shares
    assert plan.wanted == 0


def test_without_a_limit_no_node_is_told_one() -> None:
    (asked,) = planned().route(partition_map("A"))
    assert read_request(asked.make_command().request).most == 0


def test_what_one_node_does_not_have_another_one_is_asked_for() -> None:
    plan = planned(QueryPolicy(max_records=6))
    first, second = plan.route(two_nodes())
    give(first, digest_in(0, 1))
    end(plan, first)
    give(second, digest_in(1, 1), digest_in(3, 1), digest_in(3, 2))
    end(plan, second)
    assert plan.wanted == 2
    (third,) = plan.route(two_nodes())
    request = read_request(third.make_command().request)
    assert (third.node.name, request.most) == ("B", 2)
    assert request.after == {1: digest_in(1, 1), 3: digest_in(3, 2)}
    assert request.whole == (5, 7)
    give(third, digest_in(5, 1))
    end(plan, third)
    assert plan.done
    assert plan.query.partitions.done


def test_a_node_that_brought_its_share_may_have_more() -> None:
    plan = planned(QueryPolicy(max_records=2))
    first, second = plan.route(two_nodes())
    for place, asked in enumerate((first, second)):
        give(asked, digest_in(place, 1))
        end(plan, asked)
    assert plan.done
    assert not plan.query.partitions.done, "the cursor goes on behind them"


def test_the_share_of_a_node_that_failed_is_wanted_of_another() -> None:
    plan = planned(QueryPolicy(max_records=6))
    first, _ = plan.route(two_nodes())
    give(first, digest_in(0, 1))
    fail(plan, first, errors.ConnectionError("cut"))
    (again,) = plan.route(two_nodes())
    assert read_request(again.make_command().request).most == 2


def test_a_node_that_brings_more_than_its_share_makes_no_room_for_others() -> None:
    plan = planned(QueryPolicy(max_records=4))
    first, _ = plan.route(two_nodes())
    give(first, *(digest_in(0, number) for number in range(3)))
    assert plan.wanted == -1 or plan.wanted == 0
    assert plan.route(two_nodes()) == []


# Cursors ----------------------------------------------------------------------------------------------------


def test_a_cursor_knows_what_was_given_and_what_is_done() -> None:
    plan = planned()
    first, second = plan.route(two_nodes())
    give(first, digest_in(0, 1), digest_in(4, 1))
    give(second, digest_in(1, 1))
    end(plan, second)
    data = cursor_of(SCAN, plan.query.partitions)
    again = planned(partitions=partitions_of_cursor(data, SCAN))
    (asked,) = again.route(two_nodes())
    request = read_request(asked.make_command().request)
    assert request.whole == (2, 6)
    assert request.after == {0: digest_in(0, 1), 4: digest_in(4, 1)}
    end(again, asked)
    assert again.done
    assert Cursor(cursor_of(SCAN, again.query.partitions)).done


def test_what_stands_behind_a_key_is_asked_for() -> None:
    chosen = PartitionFilter.by_key(("test", "s", 1))
    plan = planned(partitions=QueryPartitions(chosen.begin, chosen.count, chosen.after))
    (asked,) = plan.route(partition_map("A"))
    request = read_request(asked.make_command().request)
    assert request.whole == ()
    assert request.after == {chosen.begin: chosen.after}


# Whatever happens -------------------------------------------------------------------------------------------


@dataclass
class Simulation:
    """Nodes with records, which fail as they are told to.

    Attributes:
        records: by partition, the digests in the order in which every node gives them.
        owners: by partition, the names of the nodes that have it, the master's first.
    """

    records: dict[int, list[bytes]]
    owners: dict[int, list[str]]
    chance: random.Random
    given: list[bytes] = field(default_factory=list)

    @property
    def map(self) -> PartitionMap:
        found = PartitionMap()
        for name in sorted({name for names in self.owners.values() for name in names}):
            columns = []
            for replica in range(3):
                bits = bytearray(512)
                for partition_id, names in self.owners.items():
                    if names[replica : replica + 1] == [name]:
                        bits[partition_id >> 3] |= 0x80 >> (partition_id & 7)
                columns.append(bytes(bits))
            found = found.updated(Node(name, NodeLimits()), [("test", 0, tuple(columns))])
        return found

    def move(self, partition_id: int) -> None:
        """Have other nodes own a partition, in another order."""
        names = self.owners[partition_id]
        self.chance.shuffle(names)

    def answer(self, asked: NodeQuery, fate: str) -> list[bytes]:
        """What the node sends: frames, the last of which ends the answer if the fate is to answer."""
        request = read_request(asked.make_command().request)
        mine = [each for each in request.partitions if asked.node.name in self.owners[each]]
        denied = [each for each in request.partitions if asked.node.name not in self.owners[each]]
        rest: list[bytes] = []
        lists = []
        for partition_id in mine:
            digests = self.records[partition_id]
            after = request.after.get(partition_id)
            lists.append(list(digests[digests.index(after) + 1 :] if after is not None else digests))
        while any(lists):  # partitions interleave, each in its own order
            rest.append(self.chance.choice([each for each in lists if each]).pop(0))
        if request.most:
            del rest[request.most :]
        if fate != "answer":
            del rest[self.chance.randint(0, len(rest)) :]
        bodies = [denial_body(each) for each in denied] + [record_body(each) for each in rest]
        frames = []
        while bodies:
            size = self.chance.randint(1, len(bodies))
            frames.append(b"".join(bodies[:size]))
            del bodies[:size]
        return [*frames, last_body()] if fate == "answer" else frames


FAULTS = {
    "cut": lambda: errors.ConnectionError("cut"),
    "late": lambda: errors.TimeoutError("late"),
    "garbage": lambda: errors.ProtocolError("garbage"),
    "code 9": lambda: errors.from_code(9),
    "code 11": lambda: errors.from_code(11),
}
FATES = st.sampled_from(["answer", *FAULTS])


def play(simulation: Simulation, query: Query, fates: list[str], data: st.DataObject) -> list[bytes]:
    """Runs a query until it is done, has failed, or the caller has enough; what it gave."""
    plan = QueryPlan(Cluster(), query)
    given: list[bytes] = []
    open_requests: list[tuple[NodeQuery, list[bytes], str]] = []
    for _ in range(2000):
        if plan.done or plan.error is not None:
            break
        for asked in plan.route(simulation.map):
            fate = fates.pop() if fates else "answer"
            open_requests.append((asked, simulation.answer(asked, fate), fate))
        advance_clock(700)
        if not open_requests:
            continue
        place = data.draw(st.integers(0, len(open_requests) - 1))
        asked, frames, fate = open_requests[place]
        if frames:
            records, sign = asked.reader.records(frames.pop(0))
            given += [record.key.digest for record in records]
            if sign is query:
                open_requests.pop(place)
                plan.ended(asked)
        else:
            open_requests.pop(place)
            error = FAULTS[fate]()
            error.node = asked.node.name
            plan.failed(asked, error, 1.0, sent=True)
        if data.draw(st.integers(0, 9)) == 0:
            simulation.move(data.draw(st.sampled_from(sorted(simulation.owners))))
    else:
        pytest.fail("the query does not end")
    return given


@st.composite
def simulations(draw: st.DrawFn) -> Simulation:
    count = draw(st.integers(1, 9))
    chance = random.Random(draw(st.integers(0, 1 << 30)))
    nodes = [*"ABC"][: draw(st.integers(1, 3))]
    records = {}
    for partition_id in range(count):
        numbers = chance.sample(range(1000), draw(st.integers(0, 6)))
        records[partition_id] = [digest_in(partition_id, number) for number in numbers]
    owners = {partition_id: chance.sample(nodes, min(2, len(nodes))) for partition_id in range(count)}
    return Simulation(records, owners, chance)


@given(simulations(), st.lists(FATES, max_size=12), st.integers(0, 12), st.data())
def test_whatever_happens_each_record_is_given_exactly_once(
    simulation: Simulation, fates: list[str], most: int, data: st.DataObject
) -> None:
    """From page to page, by cursors that travel as bytes; nodes fail, and partitions move."""
    count = len(simulation.records)
    expected = Counter(digest for digests in simulation.records.values() for digest in digests)
    policy = QueryPolicy(max_records=most, max_retries=1000)
    partitions = QueryPartitions(0, count)
    given_: list[bytes] = []
    few = patch.multiple(plans, FIRST_PARTITIONS=1, WORTH_SPLITTING=data.draw(st.sampled_from([1, 100])))
    for _ in range(100):
        query = Query(SCAN, policy.settings, partitions)
        with few:
            page = play(simulation, query, fates, data)
        assert not most or len(page) <= most
        given_ += page
        assert query.given == len(page)
        if query.partitions.done:
            break
        assert len(page) == most, "a page is full, or the last"
        partitions = partitions_of_cursor(cursor_of(SCAN, query.partitions), SCAN)
    assert Counter(given_) == expected


@given(simulations(), st.lists(FATES, min_size=1, max_size=30), st.data())
def test_after_an_error_the_cursor_goes_on_with_the_rest(
    simulation: Simulation, fates: list[str], data: st.DataObject
) -> None:
    expected = Counter(digest for digests in simulation.records.values() for digest in digests)
    partitions = QueryPartitions(0, len(simulation.records))
    given_: list[bytes] = []
    for _ in range(100):
        query = Query(SCAN, QueryPolicy(max_retries=0).settings, partitions)
        given_ += play(simulation, query, fates, data)
        if query.partitions.done:
            break
        partitions = partitions_of_cursor(cursor_of(SCAN, query.partitions), SCAN)
    assert Counter(given_) == expected

"""Jobs in the background: what they change, how far they are, who lists and ends them, and faults."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import (
    AdminPolicy,
    Client,
    ClientPolicy,
    CommitLevel,
    Expiration,
    GenerationPolicy,
    IndexNotFound,
    IndexType,
    InfoPolicy,
    InvalidArgument,
    InvalidNamespace,
    InvalidType,
    Job,
    JobError,
    Key,
    QueryAborted,
    ReadPolicy,
    RecordExistsAction,
    RequestInvalid,
    Statement,
    WritePolicy,
    errors,
    exp,
    filters,
)
from pyspike import operations as op
from pyspike.hosts import parse_hosts
from pyspike.server import EmbeddedCluster
from support.cluster_tools import wait_until, within

PATIENCE = 30_000
NOWHERE = "127.0.0.9"  # nobody listens there
RUN = os.urandom(3).hex()
MODULE = f"jobs{RUN}"
LUA = """
function add_to(rec, bin, n, more)
  rec[bin] = (rec[bin] or 0) + n + (more and more.x or 0)
  aerospike:update(rec)
end
"""


@pytest.fixture
def records(
    client: Any, set_name: str, request: pytest.FixtureRequest
) -> Iterator[tuple[Statement, list[Key]]]:
    """Sixty records in a set of their own, with the numbers 0 to 59 in the bin `n`."""
    own = f"{set_name}-jobs"
    keys = [Key("test", own, f"{request.node.name} {number}") for number in range(60)]
    client.batch_put([(key, {"n": number, "old": 1}) for number, key in enumerate(keys)])
    yield Statement("test", own), keys
    client.batch_delete(keys)


def values(client: Any, keys: list[Key], bin_name: str) -> list[Any]:
    return [record.get(bin_name) for record in client.batch_get(keys)]


def test_operations_are_applied_to_all_records_and_each_node_tells_how_far_it_is(
    client: Any, records: tuple[Statement, list[Key]]
) -> None:
    statement, keys = records
    seen: list[float] = []
    task = client.query_operate(statement, iter([op.add("n", 100), op.put("new", "x")]))
    assert 0 < task.id < 2**64
    assert task.wait(PATIENCE, progress=seen.append) is None
    assert seen[-1] == task.progress == 1.0
    assert task.done() is True
    assert f"job {task.id} is done" in repr(task)
    assert values(client, keys, "n") == [100 + number for number in range(60)]
    assert values(client, keys, "new") == ["x"] * 60
    assert set(task.nodes) == set(client.node_names())
    assert (task.succeeded, task.failed) == (60, 0)
    assert sum(job.succeeded for job in task.jobs.values()) == 60

    mine = [job for job in client.jobs() if job.id == task.id]
    assert {job.node for job in mine} == set(task.jobs)
    for job in mine:
        assert (job.namespace, job.set_name, job.kind) == ("test", statement.set_name, "background-ops")
        assert (job.is_active, job.outcome, job.progress) == (False, "ok", 1.0)
        assert (job.index, job.module, job.failed, job.filtered) == (None, None, 0, 0)
        assert ":" in job.client or "+" in job.client
        assert pickle.loads(pickle.dumps(job)) == job
    assert task.abort() == client.abort_job(task.id) == []
    assert client.abort_job(2**64 - 1) == []


def test_only_the_records_of_the_index_and_the_filter_are_changed(
    client: Any, records: tuple[Statement, list[Key]]
) -> None:
    statement, keys = records
    name = f"jobs{RUN}"
    of_index = Statement("test", statement.set_name, where=filters.range("n", 10, 30))
    with pytest.raises(IndexNotFound, match="<IndexFilter bin 'n' from 10 to 30> of 'test', set"):
        client.query_operate(of_index, [op.put("new", 1)])
    client.create_index("test", statement.set_name, name, bin="n", type=IndexType.NUMERIC).wait(PATIENCE)
    even = exp.int_bin("n") % 2 == 0
    task = client.query_operate(of_index, [op.put("new", 1)], filter_expression=even)
    task.wait(PATIENCE)
    changed = [number for number, new in enumerate(values(client, keys, "new")) if new]
    assert changed == [*range(10, 31, 2)]
    assert sum(job.filtered for job in task.jobs.values()) == 10
    assert {job.index for job in task.jobs.values()} == {name}
    odd = WritePolicy(filter_expression=exp.int_bin("n") % 2 == 1)
    client.query_operate(of_index, [op.put("odd", 1)], policy=odd).wait(PATIENCE)
    assert [number for number, new in enumerate(values(client, keys, "odd")) if new] == [*range(11, 30, 2)]
    client.drop_index("test", name).wait(PATIENCE)


def test_records_live_as_long_as_the_call_or_the_policy_says(
    client: Any, records: tuple[Statement, list[Key]]
) -> None:
    statement, keys = records
    year = WritePolicy(expiration=365 * 86400)
    for given, least, most in (
        ({"ttl": 5000}, 4900, 5000),
        ({"policy": year}, 364 * 86400, 365 * 86400),
        ({"policy": year, "ttl": 7000}, 6900, 7000),
        ({"ttl": Expiration.DONT_UPDATE}, 6800, 7000),
    ):
        client.query_operate(statement, [op.add("n", 1)], **given).wait(PATIENCE)
        assert least <= client.get(keys[0]).ttl <= most
    of_view = client.with_policies(
        write=WritePolicy(expiration=9000, record_exists_action=RecordExistsAction.REPLACE)
    )
    of_view.query_operate(statement, [op.add("n", 1)]).wait(PATIENCE)  # which can't replace
    assert 8900 <= client.get(keys[0]).ttl <= 9000
    assert client.get(keys[0])["old"] == 1


def test_a_function_is_called_on_all_records(client: Any, records: tuple[Statement, list[Key]]) -> None:
    pytest.importorskip("lupa", reason="functions run in the server")
    statement, keys = records
    client.register_udf(LUA, MODULE).wait(PATIENCE)
    task = client.query_execute_udf(statement, MODULE, "add_to", ["sum", 7])
    task.wait(PATIENCE)
    few = exp.int_bin("n") < 10
    client.query_execute_udf(
        statement, f"{MODULE}.lua", "add_to", iter(("sum", 1, {"x": 2})), ttl=5000, filter_expression=few
    ).wait(PATIENCE)
    assert values(client, keys, "sum") == [10] * 10 + [7] * 50
    assert client.get(keys[0]).ttl <= 5000
    assert {(job.module, job.function, job.kind) for job in task.jobs.values()} == {
        (MODULE, "add_to", "background-udf")
    }
    assert task.succeeded == 60
    for module, function in ((MODULE, "nope"), ("nope", "nope")):
        task = client.query_execute_udf(statement, module, function)
        task.wait(PATIENCE)
        assert (task.succeeded, task.failed) == (0, 60)
    client.remove_udf(MODULE).wait(PATIENCE)


@pytest.mark.parametrize("by_id", [False, True])
def test_a_job_is_slowed_down_and_ended(
    client: Any, records: tuple[Statement, list[Key]], by_id: bool
) -> None:
    statement, keys = records
    more = [Key("test", statement.set_name, f"more {number}") for number in range(600)]
    client.batch_put([(key, {"n": 0}) for key in more])
    task = client.query_operate(statement, [op.add("n", 1000)], records_per_second=5)
    assert task.done() is False
    mine = [job for job in client.jobs() if job.id == task.id and job.is_active]
    assert {job.records_per_second for job in mine} == {5}
    assert client.jobs()[0].is_active
    ended = client.abort_job(task.id) if by_id else task.abort()
    assert set(ended) <= set(client.node_names())
    assert ended
    with pytest.raises(JobError, match=f"job {task.id} has failed on node .*: it was ended before") as caught:
        task.wait(PATIENCE)
    error = caught.value
    assert error.job_id == task.id
    assert set(error.failures) == set(ended)
    assert all(isinstance(each, QueryAborted) and each.node == name for name, each in error.failures.items())
    assert pickle.loads(pickle.dumps(error)).failures.keys() == error.failures.keys()
    with pytest.raises(JobError):
        task.done()
    assert {job.outcome for job in client.jobs() if job.id == task.id} == {"user-aborted"}
    assert any(value < 1000 for value in values(client, [*keys, *more], "n"))
    client.batch_delete(more)


def test_a_set_that_is_not_there_is_done_at_once(client: Any) -> None:
    task = client.query_operate(Statement("test", f"none-{RUN}"), [op.put("a", 1)])
    assert task.done() is True
    assert task.jobs == {}
    assert {status.text for status in task.nodes.values()} == {"has no such records"}


STATEMENT = Statement("test", "users")
PUT = [op.put("a", 1)]


WRONG: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    (("users", PUT), {}, InvalidType, "told by a Statement"),
    ((STATEMENT, [op.get("a")]), {}, InvalidType, "reads"),
    ((STATEMENT, 5), {}, InvalidType, "operations must be a sequence"),
    ((STATEMENT, [5]), {}, InvalidType, "operation"),
    ((Statement("test", "users", ["a"]), PUT), {}, InvalidArgument, "no records are given"),
    ((Statement("nope"), PUT), {}, InvalidNamespace, "no namespace 'nope'"),
    ((STATEMENT, PUT), {"records_per_second": -1}, InvalidArgument, "records_per_second must be from 0"),
    ((STATEMENT, PUT), {"records_per_second": 2.5}, InvalidType, "records_per_second must be an int"),
    ((STATEMENT, PUT), {"ttl": "x"}, InvalidType, "ttl"),
    ((STATEMENT, PUT), {"timeout": -1}, InvalidArgument, "timeout"),
    ((STATEMENT, PUT), {"filter_expression": 5}, InvalidType, "filter_expression"),
    ((STATEMENT, PUT), {"policy": ReadPolicy()}, InvalidType, "policy must be a WritePolicy here"),
]
IDLE = [
    {"record_exists_action": RecordExistsAction.REPLACE},
    {"generation_policy": GenerationPolicy.EXPECT_GEN_EQUAL},
    {"generation_policy": GenerationPolicy.EXPECT_GEN_EQUAL, "generation": 3},
    {"commit_level": CommitLevel.MASTER},
    {"send_key": True},
    {"respond_per_each_op": True},
]


def test_what_can_not_be_used_is_refused(client: Any) -> None:
    for arguments, options, kind, words in WRONG:
        with pytest.raises(kind, match=words):
            client.query_operate(*arguments, **options)
    for names, kind, words in (
        (("", "f"), InvalidArgument, "module's name is empty"),
        ((5, "f"), InvalidType, "module's name"),
        (("m", None), InvalidType, "function's name"),
        (("m", "f", "args"), InvalidType, "args must be a sequence"),
        (("m", "f", [object()]), InvalidType, r"args\[0\]"),
    ):
        with pytest.raises(kind, match=words):
            client.query_execute_udf(STATEMENT, *names)
    for given in IDLE:
        with pytest.raises(InvalidArgument, match="has no effect on a job"):
            client.query_operate(STATEMENT, PUT, policy=WritePolicy(**given))  # type: ignore[arg-type]
    for number, kind in ((0, InvalidArgument), (2**64, InvalidArgument), ("1", InvalidType)):
        with pytest.raises(kind, match="a job's id"):
            client.abort_job(number)
    for call in (client.jobs, lambda policy: client.abort_job(1, policy=policy)):
        with pytest.raises(InvalidType, match="policy must be an AdminPolicy here"):
            call(policy=InfoPolicy())


def test_what_all_nodes_refuse_is_told_as_it_is(client: Any, records: tuple[Statement, list[Key]]) -> None:
    with pytest.raises(RequestInvalid) as caught:
        client.query_operate(records[0], PUT, records_per_second=2**32 - 1)
    assert caught.value.node in client.node_names()


def test_the_official_client_sees_the_same_job(
    client: Any, records: tuple[Statement, list[Key]], hosts: str
) -> None:
    aerospike = pytest.importorskip("aerospike")
    theirs = pytest.importorskip("aerospike_helpers.operations.operations")
    statement, keys = records
    official = aerospike.client({"hosts": [(host.name, host.port) for host in parse_hosts(hosts)]}).connect()
    task = client.query_operate(statement, [op.add("n", 100)])
    task.wait(PATIENCE)
    assert official.job_info(task.id, aerospike.JOB_QUERY)["status"] == aerospike.JOB_STATUS_COMPLETED
    query = official.query("test", statement.set_name)
    query.add_ops([theirs.increment("n", 100)])
    number = query.execute_background()

    def done() -> list[Job]:
        mine = [job for job in client.jobs() if job.id == number]
        return mine if mine and not any(job.is_active for job in mine) else []

    assert sum(job.succeeded for job in wait_until(done)) == 60
    assert values(client, keys, "n") == [200 + number for number in range(60)]
    official.close()


# Faults -----------------------------------------------------------------------------------------------------


POLICY = ClientPolicy(
    tend_interval=100, admin=AdminPolicy(timeout=1000), write=WritePolicy(total_timeout=1000)
)


def fill(client: Any) -> None:
    client.batch_put([(("test", "users", number), {"n": number}) for number in range(300)], timeout=10_000)


@pytest.mark.both_kinds
@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda node: node.kill(), "it has left the cluster before it was done"),
        (lambda node: node.restart(), "it was started again before it was done|has left the cluster"),
    ],
    ids=["kill", "restart"],
)
def test_a_node_that_is_lost_while_a_task_waits_is_named(
    three: EmbeddedCluster, fault: Callable[[Any], Any], words: str
) -> None:
    with Client(three.hosts, POLICY) as mine:
        fill(mine)
        task = mine.query_operate(STATEMENT, [op.add("n", 1)], records_per_second=100)
        assert not task.done()
        fault(three.nodes[1])
        with pytest.raises(JobError, match=words) as caught:
            task.wait(PATIENCE)
        assert set(caught.value.failures) == {"A2"}
        assert caught.value.node == "A2"
        assert task.nodes["A1"].text.startswith("is done: ")


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_node_that_is_silent_is_named_by_the_deadline(three: EmbeddedCluster) -> None:
    with Client(three.hosts, POLICY) as mine:
        fill(mine)
        task = mine.query_operate(STATEMENT, [op.add("n", 1)], records_per_second=150)
        three.nodes[1].freeze()
        with pytest.raises(errors.TimeoutError, match=r"job \d+ is done: .*node A2 ") as caught:
            task.wait(1200)
        assert caught.value.node in {"A1", "A2", "A3"}
        three.nodes[1].thaw()
        task.wait(PATIENCE)
        assert task.succeeded == 300


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_nodes_that_do_not_begin_are_named_and_the_others_go_on(three: EmbeddedCluster) -> None:
    with Client(three.hosts, POLICY) as mine:
        fill(mine)
        three.nodes[1].answer_with(8)
        with pytest.raises(
            JobError, match=r"job \d+ did not begin on node A2: .*; it goes on on A1, A3"
        ) as caught:
            mine.query_operate(STATEMENT, [op.add("n", 1)])
        error = caught.value
        assert (error.node, int(error.result_code or 0), error.in_doubt) == ("A2", 8, False)
        assert f"abort_job({error.job_id})" in error.advice
        assert {job.node for job in mine.jobs() if job.id == error.job_id} == {"A1", "A3"}

        three.nodes[1].freeze()
        with within(600), pytest.raises(JobError, match="on node A2") as caught:
            mine.query_operate(STATEMENT, [op.add("n", 1)], timeout=600)
        assert caught.value.in_doubt  # it was sent
        assert isinstance(caught.value.failures["A2"], errors.TimeoutError)
        with pytest.raises(JobError, match=r"job 5 was not ended on node A2"):
            mine.abort_job(5)
        three.nodes[1].thaw()


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_node_that_can_not_be_reached_is_tried_again_as_the_policy_says(three: EmbeddedCluster) -> None:
    import threading

    with Client(three.hosts, ClientPolicy(tend_interval=60_000)) as mine:
        fill(mine)
        three.nodes[1].refuse()
        with pytest.raises(JobError, match="on node A2") as caught:
            mine.query_operate(STATEMENT, [op.add("n", 1)])
        assert not caught.value.in_doubt
        later = threading.Timer(0.3, three.nodes[1].accept)
        later.start()
        patient = WritePolicy(max_retries=200, sleep_between_retries=50, total_timeout=PATIENCE)
        task = mine.query_operate(STATEMENT, [op.add("n", 1)], policy=patient)
        later.join()
        task.wait(PATIENCE)
        assert task.succeeded == 300


@pytest.mark.both_kinds
@pytest.mark.embedded_only
def test_a_node_that_can_not_be_reached_from_here_is_not_forgotten() -> None:
    with (
        EmbeddedCluster(nodes=3, advertise=NOWHERE) as cluster,
        Client(cluster.hosts.split(",")[0], ClientPolicy(timeout=300, tend_interval=100)) as mine,
    ):
        with pytest.raises(
            errors.ConnectionError, match=r"node A2 can't be reached: .*nothing was begun"
        ) as caught:
            mine.query_operate(STATEMENT, [op.put("a", 1)])
        assert caught.value.node == "A2"
        assert "ip_map" in caught.value.advice
        with pytest.raises(errors.ConnectionError, match="node A2 can't be reached"):
            mine.jobs()
        with pytest.raises(JobError, match=r"job 5 was not ended on node A2: .*; on node A3: ") as failed:
            mine.abort_job(5)
        assert set(failed.value.failures) == {"A2", "A3"}
        task = mine.create_index("test", None, "i", bin="b", type=IndexType.NUMERIC)
        with pytest.raises(errors.TimeoutError, match=r"node A2 does not answer: .*node A3 does not answer"):
            task.wait(300)
        assert task.nodes["A1"].done

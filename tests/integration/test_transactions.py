"""Transactions on the embedded cluster: what happens of them, what others see, and what comes of failures."""

from __future__ import annotations

import contextlib
import gc
import itertools
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from transaction_scenarios import finish_what_another_began

from pyspike import (
    AbortStatus,
    AerospikeError,
    BatchDelete,
    BatchDeletePolicy,
    BatchError,
    BatchRead,
    BatchUDF,
    BatchWrite,
    Client,
    ClientPolicy,
    CommitStatus,
    Key,
    ReadPolicy,
    Statement,
    Transaction,
    TransactionState,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike.server import EmbeddedCluster, TransactionStep
from support.all_of import all_of
from support.cluster_tools import wait_until
from support.processes import PATIENCE, begin_scenario

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

AP, SC = "plain", "test"
MODULE = b"""
function raise_by(rec, n)
    rec.n = (rec.n or 0) + n
    if aerospike:exists(rec) then aerospike:update(rec) else aerospike:create(rec) end
    return rec.n
end
function look(rec)
    return rec.n
end
"""
DURABLE = WritePolicy(durable_delete=True)
DURABLE_ROW = BatchDeletePolicy(durable_delete=True)
# Roll and verify without the pauses that a cluster of one machine does not need.
QUICK = {
    "txn_verify": TxnVerifyPolicy(sleep_between_retries=0, total_timeout=5000),
    "txn_roll": TxnRollPolicy(sleep_between_retries=0, total_timeout=5000),
}
PATIENT = 20_000  # ms
_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, namespaces=(SC, AP), strong_consistency=[SC]) as cluster:
        yield cluster


@pytest.fixture
def strong(shared: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    yield shared
    shared.heal()


def connected(cluster: EmbeddedCluster, **options: Any) -> Client:
    return Client(cluster.hosts, ClientPolicy(**{**QUICK, **options}))


def keys(count: int, namespace: str = SC) -> list[Key]:
    """So many keys that nobody has used."""
    return [Key(namespace, "txn", next(_numbers)) for _ in range(count)]


# What happens -----------------------------------------------------------------------------------------------


def test_all_is_seen_by_others_at_the_commit_and_not_before(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        here, new = keys(2)
        client.put(here, {"n": 1})
        with client.transaction() as txn:
            client.put(here, {"n": 2}, txn=txn)
            client.put(new, {"n": 3}, txn=txn)
            assert [client.get(each, txn=txn)["n"] for each in (here, new)] == [2, 3]
            assert (client.get(here)["n"], client.exists(new)) == (1, False)
            assert (txn.namespace, txn.state) == (SC, TransactionState.OPEN)
        assert txn.state is TransactionState.COMMITTED
        assert [client.get(each)["n"] for each in (here, new)] == [2, 3]


def test_an_exception_aborts_and_comes_out(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        client.put(key, {"n": 1})
        txn = client.transaction()
        with pytest.raises(ZeroDivisionError), txn:
            client.put(key, {"n": 1 // int(client.delete(key, txn=txn, policy=DURABLE) - 1)})
        assert txn.state is TransactionState.ABORTED
        assert client.get(key)["n"] == 1
        client.put(key, {"n": 3})  # nothing holds it


def test_what_is_ended_inside_is_not_ended_again(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        with client.transaction() as txn:
            client.put(key, {"n": 2}, txn=txn)
            assert txn.commit() is CommitStatus.OK
            assert txn.commit() is CommitStatus.ALREADY_COMMITTED
            with pytest.raises(errors.TransactionAlreadyCommitted):
                txn.abort()
        with client.transaction() as txn:
            client.put(key, {"n": 3}, txn=txn)
            assert txn.abort() is AbortStatus.OK
            assert txn.abort() is AbortStatus.ALREADY_ABORTED
            with pytest.raises(errors.TransactionAlreadyAborted):
                txn.commit()
        assert client.get(key)["n"] == 2


def test_an_empty_transaction_sends_nothing(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        before = [node.stats.data_requests for node in strong.nodes]
        with client.transaction():
            pass
        assert client.transaction().abort() is AbortStatus.OK
        assert [node.stats.data_requests for node in strong.nodes] == before


def _call(client: Client) -> None:
    pytest.importorskip("lupa", reason="the embedded server runs functions by it")
    client.register_udf(MODULE, "txn_test.lua").wait()


SINGLE: list[Callable[[Client, Key, Any], object]] = [
    lambda client, key, txn: client.put(key, {"n": 2}, txn=txn),
    lambda client, key, txn: client.add(key, {"n": 1}, txn=txn),
    lambda client, key, txn: client.touch(key, txn=txn) or client.put(key, {"n": 2}, txn=txn),
    lambda client, key, txn: client.operate(key, [op.add("n", 1), op.get("n")], txn=txn),
    lambda client, key, txn: client.execute_udf(key, "txn_test", "raise_by", [1], txn=txn),
    lambda client, key, txn: client.batch([BatchWrite(key, [op.add("n", 1)]), BatchRead(key)], txn=txn),
    lambda client, key, txn: client.batch_put([(key, {"n": 2})], txn=txn),
    lambda client, key, txn: client.batch_operate([key], [op.add("n", 1)], txn=txn),
    lambda client, key, txn: client.batch_apply([key], "txn_test", "raise_by", [1], txn=txn),
    lambda client, key, txn: client.batch([BatchUDF(key, "txn_test", "raise_by", [1])], txn=txn),
]


def test_every_kind_of_write_takes_part(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        _call(client)
        for ends, write in itertools.product(("commit", "abort"), SINGLE):
            (key,) = keys(1)
            client.put(key, {"n": 1})
            txn = client.transaction()
            write(client, key, txn)
            assert client.get(key)["n"] == 1
            assert client.get(key, txn=txn)["n"] == 2
            with pytest.raises(errors.TransactionBlocked):
                client.put(key, {"n": 9})
            getattr(txn, ends)()
            assert client.get(key)["n"] == (2 if ends == "commit" else 1)
            client.put(key, {"n": 9})


def test_every_kind_of_delete_takes_part(strong: EmbeddedCluster) -> None:
    deletes: list[Callable[[Client, Key, Any], object]] = [
        lambda client, key, txn: client.delete(key, policy=DURABLE, txn=txn),
        lambda client, key, txn: client.batch_delete([key], row_policy=DURABLE_ROW, txn=txn),
        lambda client, key, txn: client.batch([BatchDelete(key, policy=DURABLE_ROW)], txn=txn),
        lambda client, key, txn: client.operate(key, [op.delete()], policy=DURABLE, txn=txn),
    ]
    with connected(strong) as client:
        for ends, delete in itertools.product(("commit", "abort"), deletes):
            (key,) = keys(1)
            client.put(key, {"n": 1})
            txn = client.transaction()
            delete(client, key, txn)
            assert (client.exists(key, txn=txn), client.exists(key)) == (False, True)
            getattr(txn, ends)()
            assert client.exists(key) is (ends == "abort")


def test_every_kind_of_read_is_verified(strong: EmbeddedCluster) -> None:
    reads: list[Callable[[Client, Key, Any], object]] = [
        lambda client, key, txn: client.get(key, txn=txn),
        lambda client, key, txn: client.get(key, ["n"], txn=txn),
        lambda client, key, txn: client.get(key, [], txn=txn),
        lambda client, key, txn: client.exists(key, txn=txn),
        lambda client, key, txn: client.operate(key, [op.get("n")], txn=txn),
        lambda client, key, txn: client.execute_udf(key, "txn_test", "look", txn=txn),
        lambda client, key, txn: client.batch([BatchRead(key)], txn=txn),
        lambda client, key, txn: client.batch_get([key], txn=txn),
        lambda client, key, txn: client.batch_exists([key], txn=txn),
        lambda client, key, txn: client.batch_operate([key], [op.get("n")], txn=txn),
    ]
    with connected(strong) as client:
        _call(client)
        for there, read in itertools.product((True, False), reads):
            key, other = keys(2)
            if there:
                client.put(key, {"n": 1})
            with client.transaction() as txn:  # nobody else changes it
                _read(read, client, key, txn)
                client.put(other, {"n": 1}, txn=txn)
            txn = client.transaction()
            _read(read, client, key, txn)
            client.put(other, {"n": 2}, txn=txn)
            client.put(key, {"n": 5})
            with pytest.raises(errors.TransactionFailed) as caught:
                txn.commit()
            assert (caught.value.result_code, caught.value.in_doubt) == (121, False)
            assert "run it again" in caught.value.advice
            assert txn.state is TransactionState.ABORTED
            assert client.get(other)["n"] == 1
            client.put(other, {"n": 3})


def _read(read: Callable[[Client, Key, Any], object], client: Client, key: Key, txn: Any) -> None:
    with contextlib.suppress(errors.RecordNotFound):  # it is noted that it is not there
        read(client, key, txn)


def test_writes_that_change_nothing_are_verified_as_reads(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        missing, other = keys(2)
        txn = client.transaction()
        with pytest.raises(errors.RecordNotFound):
            client.touch(missing, txn=txn)
        assert not client.delete(missing, txn=txn, policy=DURABLE)
        client.put(other, {"n": 1}, txn=txn)
        client.put(missing, {"n": 1})
        with pytest.raises(errors.TransactionFailed):
            txn.commit()


def test_a_write_after_a_read_that_is_stale_is_refused(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        client.put(key, {"n": 1})
        txn = client.transaction()
        client.get(key, txn=txn)
        client.put(key, {"n": 2})
        with pytest.raises(errors.TransactionVersionMismatch) as caught, txn:
            client.put(key, {"n": 3}, txn=txn)
        assert not caught.value.retryable
        assert client.get(key)["n"] == 2


def test_on_locking_only_refuses_a_second_write(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        once = WritePolicy(on_locking_only=True)
        with client.transaction() as txn:
            client.put(key, {"n": 1}, txn=txn, policy=once)
            with pytest.raises(errors.TransactionAlreadyLocked):
                client.put(key, {"n": 2}, txn=txn, policy=once)
            client.put(key, {"m": 3}, txn=txn)
        assert client.get(key).bins == {"n": 1, "m": 3}


# What is refused --------------------------------------------------------------------------------------------


def test_what_can_not_take_part_is_told(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,), (elsewhere,) = keys(1), keys(1, AP)
        with pytest.raises(errors.InvalidArgument, match="batch_stream"):
            client.batch_stream([], txn=client.transaction())
        everything, unused = Statement(SC), client.transaction()
        for name, call in {
            "query": lambda: client.query(everything, txn=unused),
            "aggregate": lambda: client.aggregate(everything, "m", "f", txn=unused),
            "query_operate": lambda: client.query_operate(everything, [op.put("n", 1)], txn=unused),
            "query_execute_udf": lambda: client.query_execute_udf(everything, "m", "f", txn=unused),
        }.items():
            with pytest.raises(errors.InvalidArgument, match=f"{name} takes no part in a transaction"):
                call()
        with pytest.raises(errors.InvalidType, match="txn must be a Transaction, not int"):
            client.get(key, txn=5)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidType, match="txn must be a Transaction, not str"):
            client.commit("x")  # type: ignore[arg-type]
        with client.transaction() as txn:
            client.put(key, {"n": 1}, txn=txn)
            with pytest.raises(errors.InvalidArgument, match="in namespace 'test', not 'plain'"):
                client.get(elsewhere, txn=txn)
            with pytest.raises(errors.InvalidArgument, match="in namespace 'test', not 'plain'"):
                client.batch_get([key, elsewhere], txn=txn)
        with pytest.raises(errors.TransactionAlreadyCommitted, match="takes no more commands") as told:
            client.get(key, txn=txn)
        assert told.value.advice == "begin another one for further commands"
        txn.abort() if txn.state is TransactionState.OPEN else None
        with client.transaction() as txn:
            txn.abort()
            with pytest.raises(errors.TransactionAlreadyAborted, match="takes no more commands"):
                client.get(key, txn=txn)
        txn = client.transaction()
        with pytest.raises(errors.UnsupportedFeature) as caught:
            client.put(elsewhere, {"n": 1}, txn=txn)
        assert "strong consistency" in caught.value.advice
        txn.abort()


def test_too_many_writes_are_refused_before_they_are_sent(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        rows = [BatchWrite(Key(SC, "many", number), [op.put("n", 1)]) for number in range(4097)]
        before = [node.stats.data_requests for node in strong.nodes]
        txn = client.transaction()
        with pytest.raises(errors.TransactionTooManyWrites, match="4097 records, and may write 4096"):
            client.batch(rows, txn=txn)
        assert [node.stats.data_requests for node in strong.nodes] == before
        txn.abort()


@pytest.mark.one_kind("makes no client")
@all_of(
    "timeout, error",
    [(0, "1 to 120"), (121, "1 to 120"), (-1, "1 to 120"), (1.5, "whole number"), ("5", "whole number")],
)
def test_a_timeout_that_can_not_be_is_refused(timeout: Any, error: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=error):
        Transaction(timeout=timeout)


# Failures at each message -----------------------------------------------------------------------------------

STEPS = ("monitor", "read", "write", "verify", "mark", "roll_forward", "roll_back", "close")


def _transfer(client: Client, ann: Key, bob: Key, ends: str) -> Any:
    """Ten from one to the other."""
    txn = client.transaction(timeout=2)
    with txn:
        n = client.get(ann, txn=txn)["n"]
        client.put(ann, {"n": n - 10}, txn=txn)
        client.add(bob, {"n": 10}, txn=txn)
        client.get(Key(SC, "txn", "nobody"), txn=txn, default=None)
        getattr(txn, ends)()
    return txn


@pytest.mark.parametrize("ends", ["commit", "abort"])
def test_whatever_befalls_a_message_all_or_nothing_happens_in_time(
    strong: EmbeddedCluster, ends: str
) -> None:
    plain = WritePolicy(total_timeout=300)
    with connected(strong, write=plain, **_impatient()) as client:
        for step, fault in itertools.product(STEPS, ("lose_request", "lose_answer", "answer_code")):
            ann, bob = keys(2)
            client.put(ann, {"n": 100})
            client.put(bob, {"n": 100})
            strong.fail_transactions(step, fault, code=14 if fault == "answer_code" else None)
            try:
                _transfer(client, ann, bob, ends)
                done = ends == "commit"
            except AerospikeError as error:
                done = None if error.in_doubt else False
            strong.heal()
            strong.clock.advance(5)  # the servers end what is left
            found = [client.get(each)["n"] for each in (ann, bob)]
            assert sum(found) == 200, (step, fault)
            if done is not None:
                assert found == ([90, 110] if done else [100, 100]), (step, fault)
            for each in (ann, bob):
                client.put(each, {"n": 0})  # no lock is left


def _impatient() -> dict[str, Any]:
    return {
        "txn_verify": TxnVerifyPolicy(socket_timeout=300, max_retries=0),
        "txn_roll": TxnRollPolicy(socket_timeout=300, max_retries=0),
    }


def test_a_commit_in_doubt_is_finished_by_another_client(strong: EmbeddedCluster) -> None:
    for fault, happened in (("lose_answer", True), ("lose_request", False)):
        with connected(strong, **_impatient()) as client, connected(strong) as other:
            (key,) = keys(1)
            txn = client.transaction()
            client.put(key, {"n": 1}, txn=txn)
            strong.fail_transactions("mark", fault)
            with pytest.raises(errors.TransactionFailed) as caught:
                txn.commit()
            assert (caught.value.in_doubt, caught.value.retryable) == (True, True)
            assert (txn.in_doubt, txn.state) == (True, TransactionState.COMMIT_FAILED)
            with pytest.raises(errors.TransactionFailed, match="may be committed"):
                txn.abort()
            with pytest.raises(errors.TransactionFailed, match="takes no more commands"):
                client.get(key, txn=txn)
            copy = pickle.loads(pickle.dumps(txn))
            assert (copy.id, copy.in_doubt, copy.namespace) == (txn.id, True, SC)
            strong.heal()
            assert other.commit(copy) is CommitStatus.OK, happened
            assert (copy.in_doubt, copy.state) == (False, TransactionState.COMMITTED)
            assert client.get(key)["n"] == 1


def test_what_an_abort_could_not_tell_the_servers_is_in_its_status(strong: EmbeddedCluster) -> None:
    no_retries = TxnRollPolicy(max_retries=0, total_timeout=2000)
    for step, status in (
        ("roll_back", AbortStatus.ROLL_BACK_ABANDONED),
        ("close", AbortStatus.CLOSE_ABANDONED),
    ):
        with connected(strong, txn_roll=no_retries) as client:
            (key,) = keys(1)
            client.put(key, {"n": 1})
            txn = client.transaction(timeout=2)
            client.put(key, {"n": 2}, txn=txn)
            strong.fail_transactions(step, "lose_request")
            assert txn.abort() is status
            assert txn.state is TransactionState.ABORTED
            assert txn.abort() is AbortStatus.ALREADY_ABORTED
            strong.clock.advance(5)
            client.put(key, {"m": 3})  # the servers have done the rest
            assert client.get(key).bins == {"n": 1, "m": 3}


@all_of(
    "step, fault",
    [(step, fault) for step in TransactionStep for fault in ("freeze_before", "freeze_after")],
)
def test_nothing_is_half_done_whenever_a_node_freezes(
    step: TransactionStep, fault: str, strong: EmbeddedCluster
) -> None:
    short = {"total_timeout": 150, "max_retries": 0}
    with connected(
        strong,
        read=ReadPolicy(**short),
        write=WritePolicy(**short),
        txn_verify=TxnVerifyPolicy(**short),
        txn_roll=TxnRollPolicy(**short),
    ) as client:
        seen, one, two = keys(3)
        for key in (seen, one, two):
            client.put(key, {"n": 1}, timeout=PATIENT)
        strong.fail_transactions(step, fault)
        txn = client.transaction(timeout=2)
        with contextlib.suppress(AerospikeError), txn:
            client.get(seen, txn=txn)
            client.put(one, {"n": 2}, txn=txn)
            client.put(two, {"n": 2}, txn=txn)
            if step is TransactionStep.ROLL_BACK:
                raise AerospikeError("not this time")
        strong.heal()
        strong.clock.advance(5)
        found = {client.get(key, timeout=PATIENT)["n"] for key in (one, two)}
        assert len(found) == 1, f"{fault} at {step}"
        if txn.state is TransactionState.COMMITTED:
            assert found == {2}
        elif txn.state is TransactionState.ABORTED:
            assert found == {1}
        for key in (seen, one, two):
            client.touch(key, timeout=PATIENT)  # nobody holds it


@pytest.mark.one_kind("another process ends it")
def test_a_commit_in_doubt_is_finished_by_another_process(strong: EmbeddedCluster) -> None:
    policy = {"txn_roll": TxnRollPolicy(total_timeout=1000, max_retries=0)}
    with Client(strong.hosts, ClientPolicy(**policy)) as client:
        (key,) = keys(1)
        txn = client.transaction()
        client.put(key, {"n": 1}, txn=txn)
        strong.fail_transactions("mark", "lose_answer")
        with pytest.raises(errors.TransactionFailed) as caught:
            txn.commit()
        assert caught.value.in_doubt
        other = begin_scenario("transaction_scenarios.py", finish_what_another_began.__name__, strong.hosts)
        told, _ = other.communicate(pickle.dumps(txn), timeout=PATIENCE)
        assert told.decode().split() == [CommitStatus.OK.name, TransactionState.COMMITTED.name]
        client.put(key, {"m": 2})
        assert client.get(key).bins == {"n": 1, "m": 2}


def test_a_transaction_whose_time_is_over_is_aborted_by_the_servers(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        client.put(key, {"n": 1})
        txn = client.transaction(timeout=1)
        client.put(key, {"n": 2}, txn=txn)
        strong.clock.advance(3)
        wait_until(lambda: _writable(client, key), "the end of the lock")
        with pytest.raises(errors.TransactionError):
            client.put(key, {"n": 4}, txn=txn)
        with pytest.raises(errors.TransactionFailed) as caught:
            txn.commit()
        assert not caught.value.in_doubt
        assert client.get(key)["n"] == 3
        if txn.state is not TransactionState.ABORTED:
            txn.abort()


def _writable(client: Client, key: Key) -> bool:
    try:
        client.put(key, {"n": 3})
    except errors.TransactionBlocked:
        return False
    return True


def test_a_monitor_whose_creation_was_lost_is_found_again(strong: EmbeddedCluster) -> None:
    with connected(strong, write=WritePolicy(total_timeout=200)) as client:
        one, two = keys(2)
        with client.transaction() as txn:
            strong.fail_transactions("monitor", "lose_answer")
            with pytest.raises((errors.TimeoutError, errors.ConnectionError)) as caught:
                client.put(one, {"n": 1}, txn=txn)
            assert not caught.value.in_doubt  # the write was not sent
            client.put(two, {"n": 1}, txn=txn)
        assert (client.exists(one), client.get(two)["n"]) == (False, 1)


def test_rows_of_a_batch_fail_alone(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        free, held = keys(2)
        other = client.transaction()
        client.put(held, {"n": 1}, txn=other)
        txn = client.transaction()
        rows = [BatchWrite(each, [op.put("n", 2)]) for each in (free, held)]
        found = client.batch(rows, txn=txn)
        assert [row.ok for row in found] == [True, False]
        assert type(found[1].error) is errors.TransactionBlocked
        with pytest.raises(BatchError):
            client.batch_put([(held, {"n": 3})], txn=txn)
        txn.abort()
        with pytest.raises(BatchError), client.transaction() as txn:
            client.batch(rows, txn=txn).raise_for_errors()
        assert txn.state is TransactionState.ABORTED
        other.commit()
        assert (client.exists(free), client.get(held)["n"]) == (False, 1)


# Many at once -----------------------------------------------------------------------------------------------


def test_many_first_writes_at_once_create_one_monitor(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        for _ in range(3):
            many = keys(8)
            with client.transaction() as txn:
                _side_by_side([lambda key=key: client.put(key, {"n": 1}, txn=txn) for key in many])
            assert all(client.batch_exists(many))


def test_a_commit_waits_for_the_commands_under_way(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        first, slow = keys(2)
        txn = client.transaction()
        client.put(first, {"n": 1}, txn=txn)
        for node in strong.nodes:
            node.delay(0.2)
        before = sum(node.stats.data_requests for node in strong.nodes)
        writing = threading.Thread(target=lambda: client.put(slow, {"n": 1}, txn=txn))
        writing.start()
        wait_until(
            lambda: sum(node.stats.data_requests for node in strong.nodes) > before, "the write is under way"
        )
        assert txn.commit() is CommitStatus.OK
        writing.join()
        for node in strong.nodes:
            node.heal()
        assert [client.get(each)["n"] for each in (first, slow)] == [1, 1]


def _side_by_side(calls: list[Callable[[], object]]) -> None:
    failed: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_write_in_doubt_that_is_tried_again_overwrites_no_other(strong: EmbeddedCluster) -> None:
    with connected(strong, write=WritePolicy(max_retries=0)) as client:
        (key,) = keys(1)
        client.put(key, {"n": 100})
        txn = client.transaction()
        n = client.get(key, txn=txn)["n"]
        strong.fail_transactions("write", "lose_request")
        with pytest.raises(AerospikeError) as lost:
            client.put(key, {"n": n - 10}, txn=txn)
        assert lost.value.in_doubt
        client.put(key, {"n": 50})  # another one, as nothing holds the record
        client.put(key, {"n": n - 10}, txn=txn)
        with pytest.raises(errors.TransactionFailed, match="a write is in doubt"):
            client.commit(txn)
        assert client.get(key)["n"] == 50


# run_in_transaction -----------------------------------------------------------------------------------------


def test_a_function_is_called_again_after_conflicts(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        client.put(key, {"n": 0})
        calls = []

        def raise_it(txn: Any) -> int:
            n: int = client.get(key, txn=txn)["n"]
            calls.append(n)
            if len(calls) < 3:
                client.put(key, {"n": n + 100})  # another one is quicker
            client.put(key, {"n": n + 1}, txn=txn)
            return n + 1

        assert client.run_in_transaction(raise_it) == 201
        assert (calls, client.get(key)["n"]) == ([0, 100, 200], 201)


def test_a_function_is_called_again_so_often_only(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        holder = client.transaction()
        client.put(key, {"n": 1}, txn=holder)
        calls: list[object] = []

        def write(txn: Any) -> None:
            calls.append(txn)
            client.put(key, {"n": 2}, txn=txn)

        with pytest.raises(errors.TransactionBlocked) as caught:
            client.run_in_transaction(write, retries=2)
        assert caught.value.retryable
        assert len(calls) == 3
        holder.abort()
        with pytest.raises(errors.InvalidArgument, match="retries must be 0 or more"):
            client.run_in_transaction(write, retries=-1)
        with pytest.raises(ZeroDivisionError):
            client.run_in_transaction(lambda txn: 1 // 0)
        assert not client.exists(key)


def test_a_commit_in_doubt_is_asked_for_again(strong: EmbeddedCluster) -> None:
    with connected(strong, **_impatient()) as client:
        for fault in ("lose_answer", "lose_request"):
            (key,) = keys(1)
            strong.fail_transactions("mark", fault)

            def write(txn: Any, key: Key = key) -> None:
                client.put(key, {"n": 1}, txn=txn)

            client.run_in_transaction(write)
            assert client.get(key)["n"] == 1


def test_a_commit_in_doubt_of_the_function_itself_comes_out(strong: EmbeddedCluster) -> None:
    with connected(strong, **_impatient()) as client:
        inner, outer = keys(2)
        calls = []

        def write(txn: Any) -> None:
            calls.append(txn)
            client.add(inner, {"n": 1}, txn=txn)

        def write_and_commit(txn: Any) -> None:
            write(txn)
            txn.commit()

        def nest(txn: Any) -> None:
            client.put(outer, {"n": 1}, txn=txn)
            client.run_in_transaction(write, retries=0)

        for function in (write_and_commit, nest):
            calls.clear()
            client.put(inner, {"n": 0})
            strong.fail_transactions("mark", "lose_answer")
            with pytest.raises(errors.TransactionFailed) as failed:
                client.run_in_transaction(function)
            assert failed.value.in_doubt
            assert len(calls) == 1  # what may be committed is not done again
            assert client.commit(calls[0]) is CommitStatus.OK
            assert client.get(inner)["n"] == 1
        assert not client.exists(outer)


def test_a_commit_in_doubt_whose_time_is_over_is_not_asked_for_again(strong: EmbeddedCluster) -> None:
    with connected(strong, **_impatient()) as client:
        (key,) = keys(1)
        txn = client.transaction(timeout=2)
        client.put(key, {"n": 1}, txn=txn)
        strong.fail_transactions("mark", "lose_answer")
        with pytest.raises(errors.TransactionFailed, match="commit it again") as failed:
            client.commit(txn)
        assert failed.value.in_doubt
        assert failed.value.retryable
        strong.clock.advance(5)
        with pytest.raises(errors.TransactionFailed, match="see by its records") as failed:
            client.commit(txn)
        assert failed.value.in_doubt
        assert not failed.value.retryable
        assert client.get(key)["n"] == 1  # it was


# Dropped ones -----------------------------------------------------------------------------------------------


def test_one_that_is_dropped_open_is_aborted_and_says_so(strong: EmbeddedCluster) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        client.put(key, {"n": 1})
        held = [client.transaction()]
        client.put(key, {"n": 2}, txn=held[0])
        with pytest.warns(ResourceWarning, match="was dropped while open, and is aborted"):
            held.clear()
        wait_until(lambda: _writable(client, key), "the end of the lock")


def test_one_that_is_open_when_its_client_is_closed_is_aborted_and_says_so(strong: EmbeddedCluster) -> None:
    (key,) = keys(1)
    with connected(strong) as other:
        client = connected(strong)
        txn = client.transaction()
        client.put(key, {"n": 2}, txn=txn)
        with pytest.warns(ResourceWarning, match="was open when its client was closed, and is aborted"):
            client.close()
        assert txn.state is TransactionState.ABORTED
        other.put(key, {"n": 3})


def test_a_with_whose_client_was_closed_does_not_end_as_if_all_was_well(strong: EmbeddedCluster) -> None:
    (key,) = keys(1)
    with connected(strong) as other:
        client = connected(strong)

        def write_and_close(txn: Any) -> None:
            client.put(key, {"n": 2}, txn=txn)
            with pytest.warns(ResourceWarning, match="was open when its client was closed"):
                client.close()

        with pytest.raises(errors.TransactionAlreadyAborted, match="its client was closed"):
            client.run_in_transaction(write_and_close)
        assert not other.exists(key)


def test_one_that_has_done_nothing_or_was_handed_over_is_dropped_without_a_word(
    strong: EmbeddedCluster, recwarn: pytest.WarningsRecorder
) -> None:
    with connected(strong) as client:
        (key,) = keys(1)
        client.transaction()
        txn = client.transaction()
        client.put(key, {"n": 2}, txn=txn)
        copy = pickle.loads(pickle.dumps(txn))
        del txn
        gc.collect()
        client.put(key, {"n": 3}, txn=copy)
        assert client.commit(copy) is CommitStatus.OK
        assert client.get(key)["n"] == 3
    assert [str(each.message) for each in recwarn if each.category is ResourceWarning] == []

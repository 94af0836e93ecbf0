"""Transactions that end in time, whatever node hangs, and what is known of them then."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from pyspike import (
    AbortStatus,
    AerospikeError,
    AsyncClient,
    BatchWrite,
    Client,
    ClientPolicy,
    CommitStatus,
    Key,
    ReadPolicy,
    TransactionState,
    WritePolicy,
    errors,
)
from pyspike import operations as op
from pyspike._wire import advance_clock
from pyspike.server import EmbeddedCluster
from support.all_of import all_of
from support.cluster_tools import wait_until

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

# Requests of an end have the policies by default: one attempt may take three seconds, and all of them ten.
QUICK = ClientPolicy(read=ReadPolicy(total_timeout=100), write=WritePolicy(total_timeout=100))
SHORT, LONG = 300, 5  # ms that are given, and seconds that nothing may take
PATIENT = 20_000  # ms
STEPS = ("monitor", "read", "write", "verify", "mark", "roll_forward", "close")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(namespaces=("test",), strong_consistency=True) as cluster:
        yield cluster


@pytest.fixture
def strong(shared: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    yield shared
    shared.heal()


def accounts(client: Client) -> tuple[Key, Key]:
    """Two records with 100 each."""
    ann, bob = Key("test", "deadlines", next(_numbers)), Key("test", "deadlines", next(_numbers))
    for key in (ann, bob):
        client.put(key, {"n": 100}, timeout=PATIENT)
    return ann, bob


def move(client: Client, ann: Key, bob: Key) -> Callable[[Any], None]:
    """A function that moves ten from one to the other in a transaction."""

    def moved(txn: Any) -> None:
        n = client.get(ann, txn=txn)["n"]
        client.add(bob, {"n": 10}, txn=txn)
        client.put(ann, {"n": n - 10}, txn=txn)
        client.get(Key("test", "deadlines", "nobody"), txn=txn, default=None)

    return moved


def balances(client: Client, keys: tuple[Key, Key]) -> list[int]:
    return [client.get(key, timeout=PATIENT)["n"] for key in keys]


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONG


# The deadline -----------------------------------------------------------------------------------------------


@all_of("step", STEPS)
def test_a_node_that_freezes_holds_up_no_transaction_for_longer_than_its_deadline(
    step: str, strong: EmbeddedCluster
) -> None:
    with Client(strong.hosts, QUICK) as client:
        keys = accounts(client)
        strong.fail_transactions(step, "freeze_before")
        done: bool | None = True
        with in_time():
            try:
                client.run_in_transaction(move(client, *keys), timeout=2, total_timeout=SHORT)
            except AerospikeError as error:
                done = None if error.in_doubt else False
        assert done is {"mark": None, "roll_forward": True, "close": True}.get(step, False), step
        strong.heal()
        strong.clock.advance(5)
        found = balances(client, keys)
        assert found in ([100, 100], [90, 110])
        if done is not None:
            assert found == ([90, 110] if done else [100, 100])


def test_a_with_has_a_deadline_too_and_so_has_an_end_by_itself(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, QUICK) as client:
        keys = accounts(client)
        strong.fail_transactions("mark", "freeze_before")
        span = timedelta(milliseconds=SHORT)
        txn = client.transaction(total_timeout=span)
        with in_time(), pytest.raises(errors.TransactionFailed) as caught, txn:
            move(client, *keys)(txn)
        assert caught.value.in_doubt
        strong.heal()
        assert client.commit(txn, total_timeout=PATIENT) is CommitStatus.OK
        assert balances(client, keys) == [90, 110]

        for end in ("mark", "roll_back"):
            keys = accounts(client)
            txn = client.transaction()
            move(client, *keys)(txn)
            strong.fail_transactions(end, "freeze_before")
            with in_time():
                if end == "mark":
                    with pytest.raises(errors.TransactionFailed):
                        txn.commit(total_timeout=SHORT)
                else:
                    assert txn.abort(total_timeout=SHORT) is AbortStatus.ROLL_BACK_ABANDONED
            strong.heal()
        with pytest.raises(errors.InvalidArgument):
            client.transaction(total_timeout=-1)
        for wrong in (
            lambda: client.commit(txn, total_timeout=0.5),
            lambda: client.abort(txn, total_timeout=-1),
        ):
            with pytest.raises(errors.InvalidArgument):
                wrong()


def test_an_exception_is_not_held_up_by_the_abort(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, QUICK) as client:
        keys = accounts(client)
        strong.fail_transactions("roll_back", "freeze_before")
        txn = client.transaction(total_timeout=SHORT)
        with in_time(), pytest.raises(LookupError), txn:
            _move_and_raise(client, keys, txn, LookupError)
        assert txn.state is TransactionState.ABORTED
        strong.heal()
        strong.clock.advance(15)
        assert balances(client, keys) == [100, 100]


def _move_and_raise(client: Client, keys: tuple[Key, Key], txn: Any, kind: type[BaseException]) -> None:
    move(client, *keys)(txn)
    raise kind


def test_no_command_and_no_other_call_begins_after_the_deadline(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, QUICK) as client:
        keys = accounts(client)

        def slow(passes: float) -> Callable[[Any], None]:
            def function(txn: Any) -> None:
                advance_clock(passes)
                client.get(keys[0], txn=txn)

            return function

        limits: list[tuple[dict[str, Any], float]] = [
            ({}, 10_000),
            ({"timeout": 60}, 60_000),
            ({"total_timeout": 500}, 500),
        ]
        for options, limit in limits:
            with pytest.raises(errors.TimeoutError, match="the deadline of the transaction") as caught:
                client.run_in_transaction(slow(limit), **options)
            assert caught.value.timeout == limit
            assert "total_timeout" in caught.value.advice
        client.run_in_transaction(slow(1_000_000), total_timeout=0)
        with client.transaction() as txn:
            slow(1_000_000)(txn)

        calls: list[Any] = []
        with client.transaction() as holder:
            client.put(keys[0], {"n": 1}, txn=holder)

            def blocked(txn: Any) -> None:
                calls.append(txn)
                try:
                    client.put(keys[0], {"n": 2}, txn=txn)
                finally:
                    advance_clock(600)

            with pytest.raises(errors.TransactionBlocked):
                client.run_in_transaction(blocked, total_timeout=500)
            assert len(calls) == 1
            holder.abort()

        def late(txn: Any) -> None:
            client.put(keys[1], {"n": 2}, txn=txn)
            advance_clock(600)

        with pytest.raises(errors.TimeoutError, match="not committed"):
            client.run_in_transaction(late, total_timeout=500)
        wait_until(lambda: _is_free(client, keys[1]), "the abort in the background")
        assert client.get(keys[1])["n"] == 100


def _is_free(client: Client, key: Key) -> bool:
    try:
        client.touch(key)
    except errors.TransactionBlocked:
        return False
    return True


@pytest.mark.one_kind("about tasks")
@all_of("step", ["monitor", "write", "roll_back"])
def test_a_task_that_is_cancelled_waits_a_second_for_its_abort_at_most(
    step: str, strong: EmbeddedCluster
) -> None:
    async def scenario() -> TransactionState:
        transactions: list[Any] = []
        async with AsyncClient(strong.hosts) as client:
            keys = [Key("test", "deadlines", next(_numbers)) for _ in range(2)]

            async def write(txn: Any) -> None:
                transactions.append(txn)
                for key in keys:
                    await client.put(key, {"n": 1}, txn=txn, timeout=PATIENT)
                await asyncio.sleep(PATIENT)

            strong.fail_transactions(step, "freeze_before")
            with in_time(), pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.run_in_transaction(write), 0.2)
            strong.heal()
            strong.clock.advance(15)
            for key in keys:
                assert not await client.exists(key, timeout=PATIENT)
                await client.put(key, {"n": 2}, timeout=PATIENT)
        state: TransactionState = transactions[0].state
        return state

    assert asyncio.run(scenario()) is TransactionState.ABORTED


@pytest.mark.one_kind("Ctrl-C is for threads")
def test_who_interrupts_waits_a_second_for_the_abort_at_most(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts) as client:
        keys = accounts(client)
        strong.fail_transactions("roll_back", "freeze_before")
        txn = client.transaction()
        with in_time(), pytest.raises(KeyboardInterrupt), txn:
            _move_and_raise(client, keys, txn, KeyboardInterrupt)
        assert txn.state is TransactionState.ABORTED


# What is known then -----------------------------------------------------------------------------------------


def test_records_that_were_not_told_are_told_in_the_background(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, QUICK) as client:
        for step, left, done, found in (
            ("roll_forward", CommitStatus.ROLL_FORWARD_ABANDONED, CommitStatus.OK, [90, 110]),
            ("roll_back", AbortStatus.ROLL_BACK_ABANDONED, AbortStatus.OK, [100, 100]),
        ):
            keys = accounts(client)
            txn = client.transaction()
            assert (txn.status, txn.unfinished) == (None, ())
            move(client, *keys)(txn)
            strong.fail_transactions(step, "answer_code", code=120)
            end = txn.commit if step == "roll_forward" else txn.abort
            assert end(total_timeout=SHORT) is left
            wait_until(lambda txn=txn, done=done: txn.status is done, "the background")  # type: ignore[misc]
            assert txn.unfinished == ()
            assert balances(client, keys) == found
            assert all(_is_free(client, key) for key in keys)
            strong.heal()


def test_a_commit_whose_records_could_not_be_told_says_so(
    strong: EmbeddedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    transactions: list[Any] = []
    with Client(strong.hosts, QUICK) as client, caplog.at_level(logging.WARNING, "pyspike.transactions"):
        keys = accounts(client)

        def moved(txn: Any) -> str:
            transactions.append(txn)
            move(client, *keys)(txn)
            return "moved"

        strong.fail_transactions("roll_forward", "answer_code", code=120, times=9)
        assert client.run_in_transaction(moved, timeout=5) == "moved"
        (txn,) = transactions
        assert (txn.state, txn.status) == (TransactionState.COMMITTED, CommitStatus.ROLL_FORWARD_ABANDONED)
        assert set(txn.unfinished) == set(keys)
        wait_until(lambda: bool(caplog.records), "the line in the log")
        (line,) = caplog.records
        assert line.name == "pyspike.transactions"
        assert all(repr(key) in line.getMessage() for key in keys)
        assert f"{txn.id:#018x} is committed" in line.getMessage()

        # Others see the records as they were, and can't write them; who reads them in a transaction is told.
        assert balances(client, keys) == [100, 100]
        assert not any(_is_free(client, key) for key in keys)
        with pytest.raises(errors.TransactionFailed) as caught:
            client.run_in_transaction(lambda txn: client.get(keys[0], txn=txn)["n"], retries=1)
        assert caught.value.result_code == 120
        strong.clock.advance(10)  # the servers do it
        assert client.run_in_transaction(lambda txn: client.get(keys[0], txn=txn)["n"]) == 90
        assert balances(client, keys) == [90, 110]


# Writes in doubt --------------------------------------------------------------------------------------------


def test_a_write_of_an_aborted_transaction_is_not_in_doubt(strong: EmbeddedCluster) -> None:
    writes: list[Callable[[Client, Key, Any], object]] = [
        lambda client, key, txn: client.put(key, {"n": 1}, txn=txn),
        lambda client, key, txn: client.batch_put([(key, {"n": 1})], txn=txn),
        lambda client, key, txn: client.batch(
            [BatchWrite(key, [op.put("n", 1)])], txn=txn
        ).raise_for_errors(),
    ]
    with Client(strong.hosts, QUICK) as client:
        for write in writes:
            (key, _) = accounts(client)
            strong.fail_transactions("write", "lose_answer")
            with pytest.raises(AerospikeError) as caught:
                client.run_in_transaction(lambda txn, key=key, write=write: write(client, key, txn))
            assert not caught.value.in_doubt
            assert "in doubt" not in str(caught.value)
            assert "nothing of it is applied" in caught.value.advice
            assert client.get(key)["n"] == 100

            strong.fail_transactions("write", "lose_answer")
            with client.transaction() as txn:
                with pytest.raises(AerospikeError) as caught:
                    write(client, key, txn)
                assert caught.value.in_doubt  # as long as it may still be committed
                assert "abort the transaction" in caught.value.advice
            assert caught.value.in_doubt
            assert client.get(key)["n"] == 1
            strong.clock.advance(15)


def test_a_plain_write_in_a_with_that_aborts_stays_in_doubt(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, QUICK) as client:
        keys = accounts(client)

        def write(txn: Any) -> None:
            client.put(keys[0], {"n": 1}, txn=txn)
            strong.nodes[0].close_after_request()
            client.put(keys[1], {"n": 1})

        with pytest.raises(AerospikeError) as caught:
            client.run_in_transaction(write)
        assert caught.value.in_doubt
        assert balances(client, keys) == [100, 1]


def test_a_write_whose_monitor_record_hangs_says_that_nothing_was_written(strong: EmbeddedCluster) -> None:
    with Client(strong.hosts, QUICK) as client:
        (key, _) = accounts(client)
        strong.fail_transactions("monitor", "freeze_before")
        with pytest.raises(errors.TimeoutError, match="at the transaction's monitor record") as caught:
            client.run_in_transaction(lambda txn: client.put(key, {"n": 1}, txn=txn), total_timeout=SHORT)
        assert not caught.value.in_doubt
        assert "nothing of the record was written" in caught.value.advice
        assert caught.value.key == key

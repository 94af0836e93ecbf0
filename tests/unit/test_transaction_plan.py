"""The steps of transactions, without a server: what each failure at each of them leaves behind."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
from typing import Any

import pytest

from pyspike import AerospikeError, ResultCode, Transaction, TransactionState, errors
from pyspike import operations as op
from pyspike._wire import Command
from pyspike.batch import BatchWrite
from pyspike.errors import from_code
from pyspike.plans.transaction_ends import abort, commit, finish
from pyspike.plans.transaction_repeats import Repeats, is_conflict
from pyspike.plans.transactions import Wait, take_part
from pyspike.transaction import AsyncTransaction, BlockingTransaction, ledger_of
from pyspike.transaction_ledger import AbortStatus, CommitStatus, Deadline, Ledger
from support.all_of import all_of
from support.transaction_plans import (
    ANN,
    BOB,
    OTHER,
    PAST,
    ROLL,
    UNSENT,
    VERIFY,
    VERSION,
    begun,
    lost,
    named,
    play,
)

# Commits ----------------------------------------------------------------------------------------------------


def test_a_commit_verifies_marks_rolls_and_closes() -> None:
    ledger = begun()
    assert play(commit(ledger, VERIFY, ROLL)) == (
        CommitStatus.OK,
        ["verify", "mark", "forward", "close"],
    )
    assert (ledger.state, ledger.reads, ledger.writes) == (TransactionState.COMMITTED, {}, {})
    assert play(commit(ledger, VERIFY, ROLL)) == (CommitStatus.ALREADY_COMMITTED, [])


def test_what_only_reads_is_only_verified() -> None:
    assert play(commit(begun(written=False), VERIFY, ROLL)) == (CommitStatus.OK, ["verify"])


@all_of(
    "error, state, in_doubt, retryable",
    [
        (lost(), TransactionState.COMMIT_FAILED, True, True),
        (lost(in_doubt=False), TransactionState.VERIFIED, False, False),
        (from_code(4), TransactionState.VERIFIED, False, False),
        (from_code(122), TransactionState.VERIFIED, False, False),
        (from_code(125), TransactionState.ABORTED, False, False),
    ],
)
def test_a_mark_that_fails(
    error: AerospikeError, state: TransactionState, in_doubt: bool, retryable: bool
) -> None:
    ledger = begun()
    with pytest.raises(errors.TransactionFailed) as caught:
        play(commit(ledger, VERIFY, ROLL), None, error)
    assert (ledger.state, ledger.in_doubt) == (state, in_doubt)
    assert (caught.value.in_doubt, caught.value.retryable) == (in_doubt, retryable)
    assert caught.value.__cause__ is error
    assert caught.value.advice
    if state is TransactionState.ABORTED:
        return
    assert play(commit(ledger, VERIFY, ROLL)) == (CommitStatus.OK, ["mark", "forward", "close"])


def test_a_mark_that_was_done_before_is_a_success() -> None:
    found, told = play(commit(begun(), VERIFY, ROLL), None, from_code(124))
    assert (found, told) == (CommitStatus.OK, ["verify", "mark", "forward", "close"])


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), asyncio.CancelledError()], ids=["Ctrl-C", "cancelled"])
def test_a_commit_that_is_interrupted_is_in_doubt_from_its_mark_on(stop: BaseException) -> None:
    before, meanwhile = begun(), begun()
    with pytest.raises(type(stop)):
        play(commit(before, VERIFY, ROLL), stop)
    assert (before.state, before.in_doubt) == (TransactionState.OPEN, False)
    assert play(abort(before, ROLL)) == (AbortStatus.OK, ["back", "close"])
    with pytest.raises(type(stop)):
        play(commit(meanwhile, VERIFY, ROLL), None, stop)
    assert (meanwhile.state, meanwhile.in_doubt) == (TransactionState.COMMIT_FAILED, True)


def test_what_follows_the_mark_does_not_undo_the_commit() -> None:
    steps = commit(begun(), VERIFY, ROLL)
    assert play(steps, None, None, lost()) == (
        CommitStatus.ROLL_FORWARD_ABANDONED,
        ["verify", "mark", "forward"],
    )
    steps = commit(begun(), VERIFY, ROLL)
    assert play(steps, None, None, None, lost())[0] is CommitStatus.CLOSE_ABANDONED


@pytest.mark.parametrize("code", [121, 120, 11])
def test_a_verification_that_fails_aborts(code: int) -> None:
    ledger = begun()
    steps, told = commit(ledger, VERIFY, ROLL), []
    told.append(named(next(steps)))
    told.append(named(steps.throw(from_code(code, key=BOB))))
    told.append(named(steps.send(None)))
    with pytest.raises(errors.TransactionFailed) as caught:
        steps.send(True)
    assert told == ["verify", "back", "close"]
    assert (caught.value.result_code, caught.value.in_doubt, caught.value.key) == (code, False, BOB)
    assert ledger.state is TransactionState.ABORTED
    assert is_conflict(caught.value) is (code != 11)


# Commands ---------------------------------------------------------------------------------------------------


def test_a_record_that_was_read_before_and_after_a_change_fails_the_commit() -> None:
    for noted in ([VERSION, OTHER], [OTHER, VERSION]):
        ledger = begun(read=False)
        for version in noted:
            ledger.note_read(BOB, 0, version)
        copy = Ledger.thawed(ledger.frozen())
        for each in (ledger, copy):
            steps = commit(each, VERIFY, ROLL)
            assert named(next(steps)) == "back"  # nobody is asked about the versions
            assert named(steps.send(None)) == "close"
            with pytest.raises(errors.TransactionFailed, match="was changed by others") as failed:
                steps.send(None)
            assert (failed.value.result_code, failed.value.key) == (121, BOB)
            assert each.state is TransactionState.ABORTED


def test_a_record_that_was_read_and_then_written_in_doubt_fails_the_commit() -> None:
    ledger = begun()
    ledger.note_doubt([BOB])
    ledger.note_write(BOB, 0, None)  # again, and successfully: maybe over the write of another one
    for each in (ledger, Ledger.thawed(ledger.frozen())):
        steps = commit(each, VERIFY, ROLL)
        assert named(next(steps)) == "Batch"  # both are rolled back
        with pytest.raises(errors.TransactionFailed, match="a write is in doubt") as failed:
            steps.send(())
        assert failed.value.key == BOB
        assert each.state is TransactionState.ABORTED


def test_the_same_version_twice_is_verified_once() -> None:
    ledger = begun()
    ledger.note_read(BOB, 0, VERSION)
    ledger.note_write(BOB, 3, VERSION)
    assert play(commit(ledger, VERIFY, ROLL))[1] == ["verify", "mark", "forward", "close"]


def test_a_first_write_tells_the_monitor_and_a_second_one_does_not() -> None:
    ledger = ledger_of(Transaction(timeout=30))
    assert play(take_part(ledger, UNSENT.put(ANN, {"a": 1})), 77)[1] == ["monitor", "write"]
    assert ledger.deadline == 77
    ledger.note_write(ANN, 0, None)
    assert play(take_part(ledger, UNSENT.put(ANN, {"a": 1})))[1] == ["write"]
    assert play(take_part(ledger, UNSENT.put(BOB, {"a": 1})), 78)[1] == ["monitor", "write"]
    assert play(take_part(ledger, UNSENT.get(BOB)))[1] == ["read"]
    assert ledger.deadline == 78


def test_a_monitor_that_is_there_already_is_told_again() -> None:
    ledger = ledger_of(Transaction())
    outcomes = from_code(127), 77
    assert play(take_part(ledger, UNSENT.put(ANN, {"a": 1})), *outcomes)[1] == [
        *("monitor", "monitor", "write")
    ]
    other = ledger_of(Transaction())
    with pytest.raises(errors.TransactionMonitorExists):
        play(take_part(other, UNSENT.put(ANN, {"a": 1})), from_code(127), None)


def test_a_monitor_that_fails_ends_the_write_which_is_not_in_doubt() -> None:
    ledger = ledger_of(Transaction())
    with pytest.raises(errors.TimeoutError, match="lost, at the transaction's monitor record") as caught:
        play(take_part(ledger, UNSENT.put(ANN, {"a": 1})), lost())
    assert (caught.value.in_doubt, caught.value.key, ledger.writes) == (False, ANN, {})
    assert "nothing of the record was written" in caught.value.advice


@pytest.mark.parametrize(
    ("error", "doubt"),
    [(lost(), True), (lost(in_doubt=False), False), (asyncio.CancelledError(), True)],
    ids=["lost", "refused", "cancelled"],
)
def test_a_write_in_doubt_is_rolled_and_keeps_the_monitor(error: BaseException, doubt: bool) -> None:
    ledger = begun(written=False)
    with pytest.raises(type(error)):
        play(take_part(ledger, UNSENT.put(BOB, {"a": 1})), 77, error)
    assert (list(ledger.writes), ledger.write_in_doubt) == ([BOB.digest] if doubt else [], doubt)
    assert play(abort(ledger, ROLL))[1] == (["back"] if doubt else ["close"])


def test_those_who_write_first_at_once_wait_for_one_monitor() -> None:
    ledger = ledger_of(Transaction())
    first = take_part(ledger, UNSENT.put(ANN, {"a": 1}))
    second = take_part(ledger, UNSENT.batch([BatchWrite(BOB, [op.put("a", 1)])]))
    assert named(next(first)) == "monitor"
    waits = next(second)
    assert isinstance(waits, Wait)
    assert not waits.until.done()
    assert named(first.send(77)) == "write"
    assert waits.until.done()
    added = second.send(None)
    assert named(added) == "monitor"
    assert b"id" not in added.request[30:].replace(b"keyds", b"")  # it does not create it
    first.close()
    second.close()


def test_an_end_waits_for_commands_and_for_another_end_and_lets_none_begin() -> None:
    ledger = begun(written=False)
    running = take_part(ledger, UNSENT.get(ANN))
    next(running)
    ending, other = commit(ledger, VERIFY, ROLL), abort(ledger, ROLL)
    for steps in (ending, other):
        assert isinstance(next(steps), Wait)
    with pytest.raises(errors.TransactionFailed, match="being committed or aborted"):
        play(take_part(ledger, UNSENT.get(ANN)))
    with pytest.raises(StopIteration):
        running.send("what was read")
    assert named(ending.send(None)) == "verify"
    with pytest.raises(StopIteration) as ended:
        ending.send(None)
    assert ended.value.value is CommitStatus.OK
    with pytest.raises(errors.TransactionAlreadyCommitted):
        other.send(None)


def test_an_end_that_nobody_waits_for_takes_no_longer_than_told() -> None:
    ledger = begun()
    assert play(finish(ledger, Deadline.after(100_000)))[1] == ["back", "close"]
    assert ledger.state is TransactionState.ABORTED

    late = begun()
    assert play(finish(late, PAST))[1] == []  # the servers do it
    assert late.state is TransactionState.ABORTED

    busy = begun()
    busy.enter(["test"])
    waiting = finish(busy, Deadline.after(100_000))
    wait = next(waiting)
    assert isinstance(wait, Wait)
    assert wait.timeout is not None
    assert 0 < wait.timeout <= 100_000
    busy.leave()
    assert named(waiting.send(None)) == "back"

    stuck = begun()
    stuck.enter(["test"])
    assert play(finish(stuck, Deadline.after(1)))[1][:1] in ([], ["Wait"])
    assert stuck.state is TransactionState.ABORTED

    committing = begun()
    committed = commit(committing, VERIFY, ROLL)
    next(committed)
    assert play(finish(committing, PAST))[1] == []
    assert play(committed)[0] is CommitStatus.OK  # that goes on


def test_a_with_whose_abort_is_interrupted_has_it_done_in_the_background(
    recwarn: pytest.WarningsRecorder,
) -> None:
    class Interrupted:
        def commit(self, txn: Transaction, *, total_timeout: Any = None) -> Any:
            raise KeyboardInterrupt

        abort = commit

    class Cancelled:
        async def commit(self, txn: Transaction, *, total_timeout: Any = None) -> Any:
            raise asyncio.CancelledError

        abort = commit

    finished: list[Ledger] = []

    def opened(txn: Any) -> Any:
        ledger = ledger_of(txn)
        ledger.namespace, ledger.finisher = "test", finished.append
        return txn

    def enter(error: Exception | None) -> None:
        with opened(BlockingTransaction(Interrupted())):
            if error is not None:
                raise error

    async def enter_in_task(error: Exception | None) -> None:
        async with opened(AsyncTransaction(Cancelled())):
            if error is not None:
                raise error

    for error in (None, ValueError("a reason to abort")):
        with pytest.raises(KeyboardInterrupt):
            enter(error)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(enter_in_task(error))
    assert len(finished) == 4
    gc.collect()
    assert [str(each.message) for each in recwarn] == []


def test_at_the_interpreters_end_nothing_is_said_to_be_aborted_that_is_not() -> None:
    for ends, words, aborted in ((True, "the servers abort it", 0), (False, "and is aborted", 1)):
        txn, finished = Transaction(), []
        ledger_of(txn).namespace, ledger_of(txn).finisher = "test", finished.append
        with pytest.warns(ResourceWarning, match=words):
            txn.__del__(_ends=lambda ends=ends: ends)
        assert len(finished) == aborted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_child_of_a_fork_does_not_wait_for_the_threads_of_its_parent() -> None:
    ledger = begun()
    ledger.enter(["test"])  # by another thread
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(20)
            code = 0 if play(abort(ledger, ROLL))[1] == ["back", "close"] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert isinstance(next(abort(ledger, ROLL)), Wait)  # the parent does


# Pickles and repetitions ------------------------------------------------------------------------------------


def test_a_pickle_has_all_that_ends_the_transaction() -> None:
    txn = Transaction(timeout=9)
    ledger = ledger_of(txn)
    ledger.enter(["test"])
    ledger.note_read(BOB, 0, VERSION)
    ledger.note_doubt([ANN])
    ledger.monitor_answered(77, created=False)
    copy = pickle.loads(pickle.dumps(txn))
    assert (copy.id, copy.timeout, copy.namespace, copy.state) == (txn.id, 9, "test", TransactionState.OPEN)
    assert ledger_of(copy).frozen() == ledger.frozen()
    assert play(commit(ledger_of(copy), VERIFY, ROLL))[1] == ["verify", "mark", "forward"]


@all_of(
    "error, again",
    [
        *[(from_code(code), code in (120, 121, 122, 125)) for code in range(120, 128)],
        (from_code(14), False),
        (lost(), False),
        (errors.TransactionFailed("in doubt", in_doubt=True), True),
        (errors.TransactionFailed("gone", in_doubt=True, result_code=ResultCode.MRT_EXPIRED), False),
        (errors.TransactionFailed("refused"), False),
        (errors.BatchError("rows failed"), False),
    ],
)
def test_a_transaction_is_run_again_after_conflicts_only(error: AerospikeError, again: bool) -> None:
    assert (Repeats(1).pause_after(error) is not None) is again


def test_a_commit_in_doubt_that_the_function_made_itself_is_not_repeated() -> None:
    in_doubt, changed = errors.TransactionFailed("in doubt", in_doubt=True), from_code(121)
    assert Repeats(1).pause_after(in_doubt, returned=False) is None
    assert Repeats(1).pause_after(changed, returned=False) is not None


def test_pauses_grow_up_to_a_limit_and_end_with_the_retries() -> None:
    repeats, blocked = Repeats(12), from_code(120)
    pauses = [repeats.pause_after(blocked) for _ in range(13)]
    assert pauses[-1] is None
    numbers = [pause for pause in pauses if pause is not None]
    assert len(numbers) == 12
    assert numbers[0] <= 12.5
    assert 375 <= numbers[-1] <= 625
    assert Repeats(0).pause_after(blocked) is None


def test_only_a_commands_kind_of_work_is_run() -> None:
    assert isinstance(UNSENT.put(ANN, {"a": 1}, txn=Transaction()), Command)  # an executor without a cluster

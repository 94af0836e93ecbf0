"""The steps of transactions that end in time, and what is said of writes in doubt, without a server."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import Any

import pytest

from pyspike import AbortStatus, AerospikeError, BatchWrite, CommitStatus, TransactionState, errors
from pyspike import operations as op
from pyspike._wire import advance_clock
from pyspike.errors import from_code
from pyspike.plans.transaction_ends import abort, commit, finish
from pyspike.plans.transaction_repeats import Repeats
from pyspike.plans.transactions import Wait, take_part
from pyspike.transaction_ledger import Deadline, Ledger
from support.all_of import all_of
from support.transaction_plans import (
    ANN,
    BOB,
    PAST,
    ROLL,
    UNSENT,
    VERIFY,
    begun,
    lost,
    named,
    play,
)

# Deadlines --------------------------------------------------------------------------------------------------


def test_each_request_of_an_end_has_what_is_left_of_its_deadline() -> None:
    for steps in (
        commit(begun(), VERIFY, ROLL, Deadline.after(500)),
        abort(begun(), ROLL, Deadline.after(500)),
    ):
        limits, work = [], next(steps)
        with contextlib.suppress(StopIteration):
            while True:
                limits.append(work.total_timeout)
                work = steps.send(None)
        assert len(limits) >= 2
        assert all(0 < limit <= 500 for limit in limits)
    assert next(commit(begun(), VERIFY, ROLL)).total_timeout == 10_000
    assert next(commit(begun(), VERIFY, ROLL, Deadline.after(60_000))).total_timeout == 10_000


def test_nothing_is_committed_after_its_deadline() -> None:
    ledger = begun()
    with pytest.raises(errors.TimeoutError, match="not committed") as caught:
        play(commit(ledger, VERIFY, ROLL, PAST))
    assert (caught.value.in_doubt, ledger.state, ledger.in_doubt) == (False, TransactionState.OPEN, False)
    assert "total_timeout" in caught.value.advice

    deadline = Deadline.after(1000)
    steps = commit(ledger, VERIFY, ROLL, deadline)
    assert named(next(steps)) == "verify"
    advance_clock(1000)
    with pytest.raises(errors.TimeoutError, match="not committed"):
        steps.send(None)  # the mark is not sent
    assert (ledger.state, ledger.in_doubt) == (TransactionState.VERIFIED, False)
    assert play(commit(ledger, VERIFY, ROLL)) == (CommitStatus.OK, ["mark", "forward", "close"])


def test_what_is_committed_by_its_deadline_is_told_to_the_records_later() -> None:
    ledger, deadline = begun(), Deadline.after(1000)
    steps = commit(ledger, VERIFY, ROLL, deadline)
    assert [named(next(steps)), named(steps.send(None))] == ["verify", "mark"]
    advance_clock(1000)
    with pytest.raises(StopIteration) as ended:
        steps.send(None)
    assert ended.value.value is CommitStatus.ROLL_FORWARD_ABANDONED
    assert (ledger.state, ledger.unfinished, ledger.untold) == (TransactionState.COMMITTED, (ANN,), True)
    assert play(finish(ledger, Deadline.after(1000)))[1] == ["forward", "close"]
    assert (ledger.status, ledger.unfinished, ledger.untold) == (CommitStatus.OK, (), False)
    assert play(finish(ledger, Deadline.after(1000)))[1] == []


def test_an_abort_after_its_deadline_is_one_and_is_told_to_the_records_later() -> None:
    ledger = begun()
    assert play(abort(ledger, ROLL, PAST)) == (AbortStatus.ROLL_BACK_ABANDONED, [])
    assert (ledger.state, ledger.status) == (TransactionState.ABORTED, AbortStatus.ROLL_BACK_ABANDONED)
    assert play(finish(ledger, Deadline.after(1000)))[1] == ["back", "close"]
    assert (ledger.status, ledger.unfinished) == (AbortStatus.OK, ())


def test_an_end_waits_for_nothing_longer_than_its_deadline() -> None:
    busy = begun()
    running = take_part(busy, UNSENT.get(BOB))
    next(running)
    ending = commit(busy, VERIFY, ROLL, Deadline.after(1000))
    wait = next(ending)
    assert isinstance(wait, Wait)
    assert wait.timeout is not None
    assert 0 < wait.timeout <= 1000
    advance_clock(1000)
    with pytest.raises(errors.TimeoutError, match="still under way"):
        ending.send(None)
    assert busy.state is TransactionState.OPEN
    assert play(abort(busy, ROLL, PAST)) == (AbortStatus.ROLL_BACK_ABANDONED, [])
    later = finish(busy, Deadline.after(1000))
    assert isinstance(next(later), Wait)  # what is under way may write
    running.close()
    assert named(later.send(None)) == "back"

    committing = begun()
    first = commit(committing, VERIFY, ROLL)
    next(first)
    for other in (commit(committing, VERIFY, ROLL, PAST), abort(committing, ROLL, PAST)):
        with pytest.raises(errors.TransactionFailed, match="another commit or abort") as caught:
            play(other)
        assert caught.value.in_doubt
    assert play(first)[0] is CommitStatus.OK


def test_a_command_ends_by_the_deadline_of_its_transaction() -> None:
    ledger = begun()
    ledger.limit = Deadline.after(500)
    for call in (
        UNSENT.get(BOB),
        UNSENT.put(ANN, {"a": 1}, timeout=0),
        UNSENT.batch([BatchWrite(ANN, [op.put("a", 1)])]),
    ):
        steps = take_part(ledger, call)
        assert 0 < next(steps).total_timeout <= 500
        steps.close()
    short = take_part(ledger, UNSENT.get(BOB, timeout=20))
    assert next(short).total_timeout == 20
    with pytest.raises(errors.TimeoutError) as caught:
        short.throw(errors.TimeoutError("late", timeout=20, advice="raise the timeout"))
    assert (caught.value.timeout, caught.value.advice) == (20, "raise the timeout")
    long = take_part(ledger, UNSENT.get(BOB))
    next(long)
    with pytest.raises(errors.TimeoutError) as caught:
        long.throw(errors.TimeoutError("late", timeout=20, advice="raise the timeout"))
    assert caught.value.timeout == 500
    assert "total_timeout" in caught.value.advice
    ledger.limit = PAST
    for call in (UNSENT.get(BOB), UNSENT.batch([BatchWrite(ANN, [op.put("a", 1)])])):
        with pytest.raises(errors.TimeoutError, match="the deadline of the transaction has passed"):
            play(take_part(ledger, call))
    assert ledger.still_running() is None


def test_a_transaction_is_not_run_again_after_its_deadline() -> None:
    assert Repeats(5, PAST).pause_after(from_code(120)) is None
    assert Repeats(5, Deadline.after(3)).pause_after(from_code(120)) is None  # as the pause is longer
    assert Repeats(5, Deadline.after(10_000)).pause_after(from_code(120)) is not None


# Writes in doubt --------------------------------------------------------------------------------------------


def doubtful(ledger: Ledger, call: Any, error: AerospikeError) -> AerospikeError:
    """The error that a write in the transaction ends with, whose request has failed so."""
    steps = take_part(ledger, call)
    if named(next(steps)) == "monitor":
        steps.send(77)
    with pytest.raises(AerospikeError) as caught:
        steps.throw(error)
    return caught.value


def test_a_write_in_doubt_is_in_doubt_no_more_when_its_transaction_is_aborted() -> None:
    ledger = begun(written=False)
    error = doubtful(ledger, UNSENT.put(ANN, {"a": 1}), lost())
    assert error.in_doubt
    assert "abort the transaction" in error.advice
    play(abort(ledger, ROLL))
    assert not error.in_doubt
    assert "nothing of it is applied" in error.advice


@all_of("code", [121, 125])
def test_so_it_is_if_a_commit_aborts(code: int) -> None:
    ledger = begun()
    error = doubtful(ledger, UNSENT.put(ANN, {"a": 1}), lost())
    outcomes = (from_code(code, key=BOB),) if code == 121 else (None, from_code(code))
    with pytest.raises(errors.TransactionFailed):
        play(commit(ledger, VERIFY, ROLL), *outcomes)
    assert not error.in_doubt


def test_it_stays_in_doubt_if_the_transaction_is_committed() -> None:
    ledger = begun(written=False)
    error = doubtful(ledger, UNSENT.put(ANN, {"a": 1}), lost())
    play(commit(ledger, VERIFY, ROLL))
    assert error.in_doubt


def test_a_write_that_fails_when_its_transaction_is_aborted_is_not_in_doubt() -> None:
    ledger = begun()
    writing = take_part(ledger, UNSENT.put(ANN, {"a": 1}))
    next(writing)
    play(abort(ledger, ROLL, PAST))
    with pytest.raises(errors.TimeoutError) as caught:
        writing.throw(lost())
    assert not caught.value.in_doubt


def test_a_ledger_keeps_no_error_alive() -> None:
    ledger = begun()
    error = doubtful(ledger, UNSENT.put(ANN, {"a": 1}), lost())
    alive = weakref.ref(error)
    del error
    gc.collect()
    assert alive() is None
    play(abort(ledger, ROLL))

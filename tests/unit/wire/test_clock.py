"""The clock of deadlines and idle times, which tests can move."""

from __future__ import annotations

import math

import pytest

from pyspike import errors
from pyspike._wire import advance_clock
from support.pipes import Pipes, in_loop, read


@in_loop
async def test_what_passes_at_once_is_taken_from_a_deadline() -> None:
    command = read(0, timeout=120_000)
    future = Pipes().start(command)
    advance_clock(60_000)
    assert command.remaining is not None
    assert 0 < command.remaining <= 60_000
    assert not future.done()


@in_loop
async def test_a_timer_goes_off_as_often_as_it_is_due_in_the_time_that_passes() -> None:
    pipes = Pipes()
    futures = [pipes.start(read(number, timeout=120_000 + 60_000 * number)) for number in range(3)]
    await pipes.pass_time(119_000)
    assert [future.done() for future in futures] == [False] * 3
    await pipes.pass_time(100_000)
    assert [isinstance(future.exception(), errors.TimeoutError) for future in futures[:2]] == [True] * 2
    assert not futures[2].done()


@pytest.mark.parametrize("ms", [-1.0, -0.001, math.nan, math.inf])
def test_the_clock_never_goes_back_and_never_ends(ms: float) -> None:
    with pytest.raises(ValueError, match="the clock can't be moved"):
        advance_clock(ms)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError):
        advance_clock("1")  # type: ignore[arg-type]

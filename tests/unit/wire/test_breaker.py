"""The circuit breaker of a node does what the facts say (racks-and-health.md 15.3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from pyspike._wire import Breaker


@given(most=some.integers(0, 9), windows=some.lists(some.integers(0, 12), max_size=12))
def test_it_is_the_model(most: int, windows: list[int]) -> None:
    """Each window has some errors; the model says after each whether it is open, and with which limit."""
    breaker = Breaker(most)
    limit, total, opened = most, 0, 0
    for count in windows:
        for errors in range(1, count + 1):
            breaker.count()
            total += 1
            opened += most > 0 and errors == limit + 1
            assert breaker.is_open is (most > 0 and errors > limit)
            assert (breaker.errors, breaker.total, breaker.opened) == (errors, total, opened)
        well = breaker.next_window()
        assert well is not (most > 0 and count > limit)
        assert (breaker.errors, breaker.is_open) == (0, False)
        if most:
            limit = min(most, 2 * limit) if well else max(1, limit // 2)
            assert breaker.limit == limit


def test_a_node_that_goes_on_failing_is_allowed_less_and_less_and_more_again_when_it_is_well() -> None:
    breaker = Breaker(100)
    limits = []
    for fails in [True] * 8 + [False] * 8:
        for _ in range(breaker.limit + 1 if fails else 0):
            breaker.count()
        breaker.next_window()
        limits.append(breaker.limit)
    assert limits == [50, 25, 12, 6, 3, 1, 1, 1, 2, 4, 8, 16, 32, 64, 100, 100]
    assert repr(breaker) == "<Breaker closed, 0 of 100 errors>"

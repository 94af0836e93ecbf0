"""What `update` takes for a change, and how it reads and waits."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import GenerationError, Key, ReadPolicy, Record, Replica, ServerError, WritePolicy
from pyspike.plans.updates import Update
from support.strategies import bounded, values

KEY = Key("test", "s", 1)


def update(retries: int = 3, timeout: float | None = None) -> Update:
    return Update(ReadPolicy(replica=Replica.RANDOM, total_timeout=77), WritePolicy(), retries, timeout)


bins = values.filter(lambda value: value is not None)
NEAR = st.sampled_from([1, 1.0, True, 0, 0.0, -0.0, "1", b"1", [1], [True], {1: 1}, {1: True}])


@bounded
@given(bins | NEAR, bins | NEAR)
def test_a_value_is_written_if_and_only_if_it_is_another_one(before: object, after: object) -> None:
    for given_back in (after, copy.deepcopy(before)):
        plan = update()
        plan.begin(Record(KEY, {"a": before}, 1, 0))
        plan.end({"a": given_back})
        if repr(before) == repr(given_back):
            assert plan.changes == {}
        else:
            assert repr(plan.changes) == repr({"a": given_back})


def test_the_read_asks_the_master_and_keeps_the_rest_of_its_policy() -> None:
    assert update().read_options == {
        "timeout": None,
        "policy": ReadPolicy(replica=Replica.MASTER, total_timeout=77),
        "default": None,
    }


def test_pauses_grow_and_differ_and_end() -> None:
    plan = update(retries=12)
    error = GenerationError("", key=KEY)
    pauses = [plan.pause_after(error) or 0.0 for _ in range(12)]
    for number, pause in enumerate(pauses):
        assert 0.5 <= pause / min(2**number, 100) <= 1.5
    assert len({pause / min(2**number, 100) for number, pause in enumerate(pauses)}) > 1
    assert plan.pause_after(error) is None
    assert "the retries were used up" in error.advice


@pytest.mark.parametrize("error", [GenerationError("", in_doubt=True), ServerError("")])
def test_what_is_no_conflict_or_in_doubt_is_not_tried_again(error: ServerError) -> None:
    assert update().pause_after(error) is None


def test_a_deadline_counts_for_all_commands_together() -> None:
    plan = update(timeout=60_000)
    first = plan.read_options["timeout"]
    second = plan.write_options["timeout"]
    assert 0 < second < first <= 60_000

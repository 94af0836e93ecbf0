"""Random batches do what a model does: dictionaries, to which the rows of each key are applied in some order.

A server works on the rows of one record in any order, so what came of them must be what some order gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyspike import (
    BatchDelete,
    BatchDeletePolicy,
    BatchPolicy,
    BatchRead,
    BatchReadPolicy,
    BatchRecord,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    Client,
    Concurrency,
    Expiration,
    GenerationPolicy,
    Key,
    RecordExistsAction,
    Replica,
    errors,
    exp,
)
from pyspike import operations as op
from support.examples import examples

pytestmark = pytest.mark.both_kinds

PATIENCE = 60_000  # ms
ROUNDS = settings(
    max_examples=examples(150),
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEYS, ROWS_OF_KEY = 5, 4
OK, NOT_FOUND, GENERATION, EXISTS, FILTERED = 0, 2, 3, 5, 27
_numbers = itertools.count()

State = tuple[int, dict[str, Any]] | None  # a record's generation and bins
Came = tuple[int, int | None, dict[str, Any] | None]  # code, generation, bins
E, G = RecordExistsAction, GenerationPolicy


@dataclass(frozen=True)
class Step:
    """What a row does, and under which conditions.

    Args:
        kind: what.
        least: the row's filter holds for records whose `n` is so much at least; None: it has none.
        exists: what a write does with records that are, or are not, there.
        expects: how a write expects a generation.
        generation: which one.
        send_key: whether the key is sent.
        never: whether a write lets the record live for ever.
    """

    kind: str
    least: int | None = None
    exists: RecordExistsAction = E.UPDATE
    expects: GenerationPolicy = G.NONE
    generation: int = 0
    send_key: bool = False
    never: bool = False

    @property
    def writes(self) -> bool:
        return self.kind not in READS


READS: dict[str, dict[str, Any]] = {
    "read": {},
    "some": {"bins": ["n", "none"]},
    "header": {"bins": []},
    "steps": {"operations": [op.get("s"), op.get("n")]},
    "all": {"operations": [op.get()]},
}
WRITES: dict[str, list[op.Operation]] = {
    "put": [op.put("n", 3), op.put("p", 1)],
    "add": [op.add("n", 2), op.get("n")],
    "append": [op.append("s", "x"), op.get("s")],
    "put and get": [op.put("n", 1), op.get()],
    "drop": [op.put("n", 9), op.delete(), op.put("s", "again")],
}


def filtering(least: int | None) -> exp.Expression | None:
    return None if least is None else exp.int_bin("n") >= least


def row_of(step: Step, key: Key) -> BatchRow:
    condition = filtering(step.least)
    if not step.writes:
        policy = None if condition is None else BatchReadPolicy(filter_expression=condition)
        return BatchRead(key, **READS[step.kind], policy=policy)
    common: dict[str, Any] = {"filter_expression": condition, "send_key": step.send_key}
    if step.expects is not G.NONE:
        common |= {"generation_policy": step.expects, "generation": step.generation}
    if step.kind == "delete":
        return BatchDelete(key, policy=BatchDeletePolicy(**common))
    own = BatchWritePolicy(record_exists_action=step.exists, **common)
    return BatchWrite(key, WRITES[step.kind], policy=own, ttl=Expiration.NEVER if step.never else None)


# The model --------------------------------------------------------------------------------------------------


def apply(step: Step, state: State) -> tuple[Came, State]:
    """What comes of a row, and what is there afterwards."""
    if state is None:
        if not step.writes or step.kind == "delete" or step.exists in (E.UPDATE_ONLY, E.REPLACE_ONLY):
            return (NOT_FOUND, None, None), None
    elif step.writes and step.kind != "delete" and step.exists is E.CREATE_ONLY:
        return (EXISTS, None, None), state
    generation, bins = state or (0, {})
    if step.expects is G.EXPECT_GEN_EQUAL and generation != step.generation:
        return (GENERATION, None, None), state
    if step.expects is G.EXPECT_GEN_GREATER and generation >= step.generation:
        return (GENERATION, None, None), state
    if state is not None and step.least is not None and bins.get("n", -1) < step.least:
        return (FILTERED, None, None), state
    if step.kind == "delete":
        return (OK, None, None), None
    if not step.writes:
        return (OK, generation, read(step.kind, bins)), state
    if step.exists in (E.REPLACE, E.REPLACE_ONLY):
        bins = {}
    after, told = written(step.kind, bins)
    return (OK, generation + 1, told), (generation + 1, after)


def read(kind: str, bins: dict[str, Any]) -> dict[str, Any]:
    if kind in ("read", "all"):
        return bins
    wanted = {"some": ("n",), "header": (), "steps": ("s", "n")}[kind]
    return {name: bins[name] for name in wanted if name in bins}


def written(kind: str, bins: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The bins afterwards, and those that are told."""
    if kind == "put":
        return {**bins, "n": 3, "p": 1}, {}
    if kind == "add":
        number = bins.get("n", 0) + 2
        return {**bins, "n": number}, {"n": number}
    if kind == "append":
        text = bins.get("s", "") + "x"
        return {**bins, "s": text}, {"s": text}
    if kind == "put and get":
        after = {**bins, "n": 1}
        return after, after
    return {"s": "again"}, {}


def came_of(row: BatchRecord) -> Came | None:
    """What came of a row; None if it was not answered."""
    if row.result_code is None:
        return None
    record = row.record
    if record is None:
        return int(row.result_code), None, None
    return int(row.result_code), record.generation, record.bins


def ends(steps: list[Step], came: list[Came | None], state: State) -> list[State]:
    """What may be there after rows of which this came, in any order in which they may have been done.

    Rows without an answer may have been done or not.
    """
    found: list[State] = []
    answered = [number for number, each in enumerate(came) if each is not None]
    others = [number for number, each in enumerate(came) if each is None and steps[number].writes]
    for count in range(len(others) + 1):
        for done in itertools.combinations(others, count):
            for order in itertools.permutations([*answered, *done]):
                now = state
                for number in order:
                    told, now = apply(steps[number], now)
                    if came[number] not in (told, None):
                        break
                else:
                    if now not in found:
                        found.append(now)
    return found


# Random batches ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One batch: its rows by the numbers of their keys, and how it is sent."""

    rows: list[tuple[int, Step]]
    policy: BatchPolicy = field(default_factory=BatchPolicy)
    least: int | None = None


LEAST = st.none() | st.none() | st.integers(0, 5)
READING = st.builds(Step, st.sampled_from(sorted(READS)), LEAST)
WRITING = st.builds(
    Step,
    st.sampled_from(sorted(WRITES)),
    LEAST,
    st.sampled_from([E.UPDATE, E.UPDATE, E.UPDATE_ONLY, E.CREATE_ONLY]),
    st.sampled_from([G.NONE, G.NONE, G.EXPECT_GEN_EQUAL, G.EXPECT_GEN_GREATER]),
    st.integers(0, 4),
    st.booleans(),
    st.booleans(),
)
REPLACING = WRITING.map(
    lambda step: replace(step, kind="put", exists=E.REPLACE if step.send_key else E.REPLACE_ONLY)
)
DELETING = WRITING.map(lambda step: replace(step, kind="delete", exists=E.UPDATE, never=False))
STEPS = READING | READING | WRITING | WRITING | REPLACING | DELETING
POLICIES = st.builds(
    BatchPolicy,
    allow_inline=st.booleans(),
    allow_inline_ssd=st.booleans(),
    respond_all_keys=st.sampled_from([True, True, False]),
    concurrency=st.sampled_from(Concurrency),
    replica=st.sampled_from([each for each in Replica if each is not Replica.PREFER_RACK]),
    total_timeout=st.just(PATIENCE),
)
CALLS = st.builds(
    Call, st.lists(st.tuples(st.integers(0, KEYS - 1), STEPS), min_size=1, max_size=14), POLICIES, LEAST
)


@pytest.fixture
def fresh(key: Key) -> Callable[[], list[Key]]:
    """Makes keys of which there is no record."""

    def make() -> list[Key]:
        number = next(_numbers)
        return [Key(key.namespace, key.set_name, f"{key.user_key!r} {number} {each}") for each in range(KEYS)]

    return make


def few(call: Call) -> Iterator[tuple[int, Step]]:
    """The rows, but of each key no more than the orders of which can be tried."""
    counts = [0] * KEYS
    for key, step in call.rows:
        counts[key] += 1
        if counts[key] <= ROWS_OF_KEY:
            yield key, step


@ROUNDS
@given(st.lists(CALLS, min_size=1, max_size=3))
def test_random_batches_do_what_a_model_does(
    client: Client, fresh: Callable[[], list[Key]], calls: list[Call]
) -> None:
    keys = fresh()
    states: list[State] = [None] * KEYS
    for call in calls:
        rows = list(few(call))
        if call.policy.replica is not Replica.MASTER:  # a replica may be read before the master has answered
            rows = [(key, step) for key, step in rows if step.writes or not wrote(rows, key)]
        results = client.batch(
            [row_of(step, keys[key]) for key, step in rows],
            policy=call.policy,
            filter_expression=filtering(call.least),
        )
        assert len(results) == len(rows)
        for row, (key, step) in zip(results, rows, strict=True):
            assert row.key == keys[key]
            check(row, step, respond_all=call.policy.respond_all_keys)
        for number, state in enumerate(states):
            steps = [
                replace(step, least=call.least if step.least is None else step.least)
                for key, step in rows
                if key == number
            ]
            came = [came_of(row) for row, (key, _) in zip(results, rows, strict=True) if key == number]
            possible = ends(steps, came, state)
            assert possible, f"no order of {steps} gives {came} of {state}"
            states[number] = now(client, keys[number])
            assert states[number] in possible, f"{steps} gave {came} of {state}"
    client.batch_delete(keys, timeout=PATIENCE)


def wrote(rows: list[tuple[int, Step]], key: int) -> bool:
    return any(step.writes for other, step in rows if other == key)


def check(row: BatchRecord, step: Step, *, respond_all: bool) -> None:
    """What has to hold for a row, whatever its record is."""
    record, code = row.record, row.result_code
    if code is None:
        assert not respond_all
        assert isinstance(row.error, errors.ServerError)
        assert row.in_doubt == step.writes
        return
    missing = code == NOT_FOUND and (step.kind == "delete" or not step.writes)
    assert row.ok == (code == OK or missing)
    assert row.in_doubt is False
    assert (record is not None) == (code == OK and step.kind != "delete")
    if record is not None:
        assert record.key is row.key
        if step.never or not step.writes:
            assert record.ttl is None or not step.never
    if row.error is not None:
        assert (row.error.result_code, row.error.key) == (code, row.key)


def now(client: Client, key: Key) -> State:
    record = client.get(key, default=None, timeout=PATIENCE)
    return None if record is None else (record.generation, record.bins)


# The simple ones --------------------------------------------------------------------------------------------

PUTS = st.dictionaries(
    st.integers(0, KEYS - 1), st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1)
)
ASKED = st.lists(st.integers(0, KEYS - 1), max_size=8)


@ROUNDS
@given(st.lists(st.tuples(PUTS, ASKED, ASKED, st.none() | st.lists(st.sampled_from("abx"))), max_size=4))
def test_the_simple_ones_do_what_a_dict_does(
    client: Client, fresh: Callable[[], list[Key]], rounds: list[tuple[Any, list[int], list[int], Any]]
) -> None:
    keys = fresh()
    model: dict[int, dict[str, int]] = {}
    policy = BatchPolicy(replica=Replica.MASTER, total_timeout=PATIENCE)
    for puts, asked, deleted, bins in rounds:
        client.batch_put({keys[number]: put for number, put in puts.items()}, policy=policy)
        for number, put in puts.items():
            model.setdefault(number, {}).update(put)
        chosen = [keys[number] for number in asked]
        assert client.batch_exists(chosen, policy=policy) == [number in model for number in asked]
        records = client.batch_get(chosen, bins, policy=policy)
        assert [record and record.bins for record in records] == [
            {name: value for name, value in model[number].items() if bins is None or name in bins}
            if number in model
            else None
            for number in asked
        ]
        gone = client.batch_delete([keys[number] for number in deleted], policy=policy)
        for number in set(deleted):
            there = [was for was, other in zip(gone, deleted, strict=True) if other == number]
            assert sorted(there) == [False] * (len(there) - 1) + [number in model]
            model.pop(number, None)
    client.batch_delete(keys, timeout=PATIENCE)

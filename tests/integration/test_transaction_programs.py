"""Random programs of transactions by several clients, against a model.

It says what they read, what is refused and what is there in the end; nothing is half done and no lock is
left, whatever befalls one of their messages.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyspike import (
    AerospikeError,
    Client,
    ClientPolicy,
    Key,
    TransactionState,
    TxnRollPolicy,
    TxnVerifyPolicy,
    WritePolicy,
    errors,
)
from pyspike.server import EmbeddedCluster

pytestmark = [pytest.mark.both_kinds, pytest.mark.embedded_only]

ACTORS, KEYS = 3, 3
PLAIN = -1  # an actor without transactions
DURABLE = WritePolicy(durable_delete=True)
POLICY = ClientPolicy(
    txn_verify=TxnVerifyPolicy(sleep_between_retries=0, max_retries=0),
    txn_roll=TxnRollPolicy(sleep_between_retries=0, max_retries=0),
)
STEPS = ("monitor", "read", "write", "verify", "mark", "roll_forward", "roll_back", "close")
FAULTS = ("lose_request", "lose_answer", "answer_code")
_sets = itertools.count()

ACTIONS = st.sampled_from(["read", "read", "write", "write", "delete", "commit", "abort", "time"])
ACTS = st.lists(
    st.tuples(st.integers(PLAIN, ACTORS - 1), ACTIONS, st.integers(0, KEYS - 1)), min_size=1, max_size=16
)
CODES = (1, 8, 9, 11, 14, 18, 120, 121, 122)
TROUBLE = st.tuples(
    st.integers(0, 15), st.sampled_from(STEPS), st.sampled_from(FAULTS), st.sampled_from(CODES)
)


@pytest.fixture(scope="module")
def strong() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=3, namespaces=("test",), strong_consistency=True) as cluster:
        yield cluster


@dataclass
class Told:
    """What the model knows of a transaction."""

    txn: Any
    read: dict[int, int] = field(default_factory=dict)  # key -> the version that was read
    written: dict[int, int | None] = field(default_factory=dict)  # key -> the value; None: deleted


class Model:
    """What there must be: committed values and their versions, and what open transactions have done."""

    def __init__(self, cluster: EmbeddedCluster, client: Client) -> None:
        self.cluster, self.client = cluster, client
        number = next(_sets)
        self.keys = [Key("test", f"programs{number}", each) for each in range(KEYS)]
        self.values: dict[int, int | None] = dict.fromkeys(range(KEYS))
        self.versions = dict.fromkeys(range(KEYS), 0)
        self.open: dict[int, Told] = {}
        self.numbers = itertools.count(1)
        self.certain = True  # False once a fault has left what only time ends

    def act(self, actor: int, action: str, place: int) -> None:
        if action == "time":
            self._let_time_pass()
            return
        if actor == PLAIN:
            self._plainly(action, place)
            return
        if actor not in self.open:
            self.open[actor] = Told(self.client.transaction())
        told = self.open[actor]
        if action in ("commit", "abort"):
            self.end(self.open.pop(actor), action)
        elif action == "read":
            self._read(told, place)
        else:
            self._write(told, place, None if action == "delete" else next(self.numbers))

    def _let_time_pass(self) -> None:
        """All that has written is over its time: the servers have aborted it, and its commit says so."""
        self.cluster.clock.advance(30)
        for told in self.open.values():
            if not told.written:
                told.txn.abort()
                continue
            with pytest.raises(errors.TransactionFailed) as caught:
                told.txn.commit()
            assert not caught.value.in_doubt
            if told.txn.state is not TransactionState.ABORTED:
                told.txn.abort()
        self.open.clear()

    def holder(self, place: int) -> Told | None:
        return next((each for each in self.open.values() if place in each.written), None)

    def _plainly(self, action: str, place: int) -> None:
        if action in ("commit", "abort"):
            return
        if action == "read":
            assert self._get(place) == self.values[place]
            return
        value = None if action == "delete" else next(self.numbers)
        if self.holder(place) is not None:
            with pytest.raises(errors.TransactionBlocked):
                self._put(place, value)
            return
        self._put(place, value)
        self._change(place, value)

    def _read(self, told: Told, place: int) -> None:
        if place not in told.written and told.read.get(place, self.versions[place]) != self.versions[place]:
            with pytest.raises(errors.TransactionVersionMismatch):
                self._get(place, txn=told.txn)
            return
        found = self._get(place, txn=told.txn)
        if place in told.written:
            assert found == told.written[place]
            return
        assert found == self.values[place]
        told.read[place] = self.versions[place]

    def _write(self, told: Told, place: int, value: int | None) -> None:
        holder = self.holder(place)
        if holder is not None and holder is not told:
            with pytest.raises(errors.TransactionBlocked):
                self._put(place, value, txn=told.txn)
        elif place not in told.written and told.read.get(place, self.versions[place]) != self.versions[place]:
            with pytest.raises(errors.TransactionVersionMismatch):
                self._put(place, value, txn=told.txn)
        else:
            there = told.written[place] if place in told.written else self.values[place]
            self._put(place, value, txn=told.txn)
            if value is None and there is None:
                if place not in told.written:  # nothing was there to be deleted, which is as good as a read
                    told.read[place] = self.versions[place]
                return
            told.read.pop(place, None)
            told.written[place] = value

    def end(self, told: Told, action: str) -> None:
        found = self.against(told)
        if action == "abort":
            told.txn.abort()
        elif found:
            with pytest.raises(errors.TransactionFailed) as caught:
                told.txn.commit()
            assert caught.value.result_code in found
            assert told.txn.state is TransactionState.ABORTED
        else:
            told.txn.commit()
            self.apply(told)

    def against(self, told: Told) -> set[int]:
        """The codes by which its commit is refused: others have changed what it read, or are about to."""
        found = set()
        for place, version in told.read.items():
            if self.versions[place] != version:
                found.add(121)
            if self.holder(place) not in (None, told):
                found.add(120)
        return found

    def apply(self, told: Told) -> None:
        assert told.txn.state is TransactionState.COMMITTED
        for place, value in told.written.items():
            self._change(place, value)

    def _change(self, place: int, value: int | None) -> None:
        if value is not None or self.values[place] is not None:
            self.versions[place] += 1
        self.values[place] = value

    def _get(self, place: int, **options: Any) -> int | None:
        found = self.client.get(self.keys[place], default=None, **options)
        return None if found is None else found["n"]

    def _put(self, place: int, value: int | None, **options: Any) -> None:
        if value is None:
            self.client.delete(self.keys[place], policy=DURABLE, **options)
        else:
            self.client.put(self.keys[place], {"n": value}, **options)

    def finish(self) -> None:
        """Nobody goes on; in the end, all is there that was committed, and no lock is left."""
        for told in self.open.values():
            told.txn.abort()
        self.open.clear()
        if not self.certain:
            self.cluster.clock.advance(30)
        for place, value in self.values.items():
            assert self._get(place) == value
            self._put(place, 0)


@given(acts=ACTS)
@settings(max_examples=25)
def test_random_programs_do_what_the_model_says(strong: EmbeddedCluster, acts: list[Any]) -> None:
    with Client(strong.hosts, POLICY) as client:
        model = Model(strong, client)
        for act in acts:
            model.act(*act)
        model.finish()


@given(acts=ACTS, trouble=TROUBLE)
@settings(max_examples=25)
def test_random_programs_in_which_a_message_fails_leave_nothing_half_done(
    strong: EmbeddedCluster, acts: list[Any], trouble: tuple[int, str, str, int]
) -> None:
    at, step, fault, code = trouble
    with Client(strong.hosts, POLICY) as client:
        model = Model(strong, client)
        for number, act in enumerate(acts):
            if number != at % len(acts):
                model.act(*act)
                continue
            strong.fail_transactions(step, fault, code=code if fault == "answer_code" else None)
            _in_trouble(model, *act)
            break  # what was left of locks, only time tells
        strong.heal()
        model.certain = False
        model.finish()


def _in_trouble(model: Model, actor: int, action: str, place: int) -> None:
    told = model.open.get(actor)
    if actor == PLAIN or told is None or action not in ("commit", "abort"):
        try:
            model.act(actor, action, place)
        except AerospikeError:
            pass
        except pytest.fail.Exception:  # it had to be refused, and failed in another way
            pass
        return
    del model.open[actor]
    found = model.against(told)
    if action == "abort":
        told.txn.abort()
        return
    try:
        told.txn.commit()
    except errors.TransactionFailed as error:
        if error.in_doubt:
            model.cluster.heal()
            told.txn.commit()
        elif told.txn.state is not TransactionState.ABORTED:
            assert told.txn.abort() is not None
    if told.txn.state is TransactionState.COMMITTED:
        assert not found
        model.apply(told)

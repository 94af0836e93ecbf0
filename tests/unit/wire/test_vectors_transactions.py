"""pyspike's transactions send what the official client was recorded with, byte for byte (vectors `txn`).

The transaction has the recorded id, so that ids and digests of monitor records must be equal too. Only the
rows of a verification or a roll may come in another order, as the official client sends them by hash.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pyspike import AerospikeError, BatchRead, BatchWrite, Transaction, errors
from pyspike import operations as op
from pyspike._wire import (
    FRAME_HEADER_SIZE,
    Batch,
    BatchCommands,
    Command,
    Executor,
    Node,
    NodeLimits,
    outcomes,
    parse_answer,
    rows_of_node,
)
from pyspike.batch import BatchResults
from pyspike.plans.batch import BatchPlan
from pyspike.plans.transaction_ends import abort, commit
from pyspike.plans.transactions import Steps, take_part
from pyspike.policy import BatchPolicy, ReadPolicy, TxnRollPolicy, TxnVerifyPolicy, WritePolicy
from pyspike.transaction import AbortStatus, CommitStatus, ledger_of
from support.all_of import all_of
from support.batches import is_batch, parse_batch
from support.messages import parse
from support.vectors import Case, cases

ID = 5  # the field of a transaction's id
VERIFY, ROLL = TxnVerifyPolicy().settings, TxnRollPolicy().settings
UNSENT: Any = BatchCommands(Executor(), ReadPolicy().settings, WritePolicy().settings, BatchPolicy().settings)
NODE = Node("A1", NodeLimits())
IN_TRANSACTIONS = [case for case in cases("txn") if "txn" in case.call or "(t)" in case.call]


def recorded_id(case: Case) -> int:
    """The id of a case's transaction: a field, of the rows in a batch; 1 where no request has it."""
    for frame in case.requests:
        fields = [parse_batch(frame).rows[0].fields] if is_batch(frame) else [parse(frame).fields]
        for kind, data in fields[0]:
            if kind == ID:
                (number,) = struct.unpack("<Q", data)
                return int(number)
    return 1


class Wire:
    """Runs steps on recorded answers, and keeps the requests."""

    def __init__(self, case: Case) -> None:
        self.requests: list[bytes] = []
        self._answers = list(case.responses)

    def run(self, steps: Steps[Any]) -> Any:
        try:
            work = next(steps)
            while True:
                try:
                    outcome = self._submit(work)
                except AerospikeError as error:  # noqa: PERF203
                    work = steps.throw(error)
                else:
                    work = steps.send(outcome)
        except StopIteration as end:
            return end.value

    def _submit(self, work: Any) -> Any:
        if isinstance(work, Command):
            self.requests.append(work.request)
            try:
                return parse_answer(work, self._answers.pop(0)[FRAME_HEADER_SIZE:])
            except errors.ProtocolError as error:  # made-up answers of functions have no value
                error.in_doubt = True
                raise
        assert isinstance(work, Batch)
        rows = rows_of_node(work, range(len(work)), NODE)
        plan = BatchPlan(SimpleNamespace(closed=False, version_of=lambda name: ""), work)  # type: ignore[arg-type]
        while (command := rows.next_command()) is not None:
            self.requests.append(command.request)
            while parse_answer(command, self._answers.pop(0)[FRAME_HEADER_SIZE:]) is not work:
                pass
            plan.answered(rows, command, 0.0)
        return BatchResults(outcomes(work))


class Official:
    """The calls of the official client that the cases have, as pyspike makes them."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def _do(self, work: Any, policy: Any) -> Any:
        return self._wire.run(take_part(ledger_of(policy["txn"]), work))

    def put(self, key: Any, bins: Any, policy: Any) -> None:
        self._do(UNSENT.put(key, bins), policy)

    def get(self, key: Any, policy: Any) -> Any:
        return self._do(UNSENT.get(key), policy)

    def select(self, key: Any, bins: Any, policy: Any) -> Any:
        return self._do(UNSENT.get(key, bins), policy)

    def exists(self, key: Any, policy: Any) -> Any:
        return self._do(UNSENT.exists(key), policy)

    def remove(self, key: Any, policy: Any) -> Any:
        return self._do(UNSENT.delete(key), policy)

    def touch(self, key: Any, ttl: int, policy: Any) -> Any:
        return self._do(UNSENT.touch(key, ttl=ttl), policy)

    def operate(self, key: Any, operations: Any, policy: Any) -> Any:
        return self._do(UNSENT.operate(key, operations), policy)

    def apply(self, key: Any, module: str, function: str, args: Any, policy: Any) -> Any:
        return self._do(UNSENT.execute_udf(key, module, function, args), policy)

    def batch_read(self, keys: Any, policy: Any) -> Any:
        return self._do(UNSENT.batch([BatchRead(key) for key in keys]), policy)

    def batch_write(self, rows: Any, policy: Any) -> Any:
        return self._do(UNSENT.batch(rows), policy)

    def batch_operate(self, keys: Any, operations: Any, policy_batch: Any) -> Any:
        return self._do(UNSENT.batch([BatchWrite(key, operations) for key in keys]), policy_batch)

    def batch_remove(self, keys: Any, policy: Any) -> Any:
        return self._do(UNSENT.batch_delete(keys), policy)

    def commit(self, txn: Any) -> Any:
        assert self._wire.run(commit(ledger_of(txn), VERIFY, ROLL)) is CommitStatus.OK
        return 0

    def abort(self, txn: Any) -> Any:
        assert self._wire.run(abort(ledger_of(txn), ROLL)) is AbortStatus.OK
        return 0


class OfficialTransaction:
    """An `aerospike.Transaction` with the recorded id."""

    def __new__(cls, number: int) -> Any:
        ledger = ledger_of(txn := _Settable())
        ledger.id = number
        return txn


class _Settable(Transaction):
    @property
    def timeout(self) -> int | None:
        return super().timeout

    @timeout.setter
    def timeout(self, seconds: int) -> None:
        ledger_of(self).timeout = seconds


OPERATIONS = SimpleNamespace(
    increment=lambda name, value: op.add(name, value),
    read=lambda name: op.get(name),
    write=lambda name, value: op.put(name, value),
)
RECORDS = SimpleNamespace(
    BatchRecords=list,
    Write=lambda key, operations: BatchWrite(key, operations),
    Read=lambda key, operations, all_bins: BatchRead(key),
)


def played(case: Case) -> list[bytes]:
    """The requests that pyspike makes of a call."""
    wire = Wire(case)
    names = {
        "client": Official(wire),
        "aerospike": SimpleNamespace(Transaction=lambda: OfficialTransaction(recorded_id(case))),
        "op": OPERATIONS,
        "br": RECORDS,
    }
    try:
        exec(case.call, names)
    except (errors.EnterpriseOnly, errors.ProtocolError):  # what the server has, or made-up answers
        assert case.result != 0
    return wire.requests


def in_one_order(frame: bytes) -> object:
    """A batch whose rows are in the order of their digests, and any other request as it is."""
    if not is_batch(frame):
        return frame
    batch = parse_batch(frame)
    return batch.message, batch.flags, sorted((row.digest, row.asked()) for row in batch.rows)


@all_of("case", [case for case in IN_TRANSACTIONS if "query" not in case.name])
def test_a_transaction_sends_what_the_official_client_sends(case: Case) -> None:
    ours, theirs = played(case), list(case.requests)
    assert list(map(in_one_order, ours)) == list(map(in_one_order, theirs))
    if case.name.startswith("flow/"):
        return
    assert ours == theirs


def test_no_case_is_left_out() -> None:
    left = {case.name for case in cases("txn")} - {case.name for case in IN_TRANSACTIONS}
    assert left == {"on-locking-only"}  # a plain write


def test_a_plain_write_for_the_lock_only_is_what_the_official_client_sends() -> None:
    (case,) = (case for case in cases("txn") if case.name == "on-locking-only")
    command = UNSENT.put(
        ("test", "gv", "on-locking-only"), {"a": 1}, policy=WritePolicy(on_locking_only=True)
    )
    assert [command.request] == list(case.requests)


# What no recording has --------------------------------------------------------------------------------------


def test_a_batch_of_many_keys_tells_the_monitor_of_each() -> None:
    wire = _answering(lambda: None)
    txn = Transaction()
    rows = [BatchWrite(("test", "s", number), [op.put("a", 1)]) for number in range(20)]
    with pytest.raises(LookupError):
        wire.run(take_part(ledger_of(txn), UNSENT.batch(rows)))
    message = parse(wire.requests[0])
    keyds = next(each for each in message.ops if each.name == b"keyds")
    assert keyds.value[:5] == b"\x94\x02\xdc\x00\x14"
    assert len(keyds.value) == 5 + 20 * 22 + 2


def _answering(_: Callable[[], None]) -> Wire:
    """A wire on which nothing is answered."""
    return Wire(SimpleNamespace(responses=()))  # type: ignore[arg-type]

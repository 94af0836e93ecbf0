"""pyspike's batches are those that the official client was recorded with, byte for byte; so are its answers.

Where a request differs, a rule says why that is right and changes the recorded one by exactly that; what is
left must be equal. A rule that changes nothing is stale and fails, as does any other difference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pyspike import EnterpriseOnly, MultiResult, Record
from pyspike._wire import Command, parse_answer, rows_of_node
from pyspike.batch import BatchDelete, BatchRead
from support.all_of import all_of
from support.batches import BatchMessage, Row, as_batch, is_batch, parse_batch
from support.compressed import is_packed, opened
from support.messages import SET, parse
from support.official import OutOfScope
from support.official_batch import Call, call
from support.vectors import Case, RecordedBatch, RecordedRow, cases, same

ALL = cases("batch")
SENT = [entry for entry in ALL if entry.requests]
Change = Callable[[Row], Row]


@dataclass(frozen=True)
class Rule:
    """Cases (by a pattern of their names) whose recorded rows are changed before they are compared."""

    reason: str
    names: str
    change: Change


def without_empty_set(row: Row) -> Row:
    return replace(row, fields=tuple(entry for entry in row.fields if entry != (SET, b"")))


def answer_all(row: Row) -> Row:
    """A row of a batch that writes asks for the answers of all operations."""
    return replace(row, info2=row.info2 | 0x80) if row.info2 & 1 else row


RULES = [
    Rule(
        "a key without a set has no set field: an empty one crashes the server if the record exists",
        "read-many-sets",
        without_empty_set,
    ),
]
ONE_ROW = "a batch of one row is sent as a batch; the official client sends a command on one record"
SLICED = "a request for many rows ends with the one by which it passes a MiB; another one asks for the rest"
REPEATED = "rows that ask the same repeat each other, though they were made apart"


def commands_of(made: Call, recorded: Case) -> list[list[Command]]:
    """The requests for the rows of each recorded request: one but for large ones."""
    found = []
    for frame in recorded.requests:
        rows = rows_of_node(made.batch, [row.number for row in theirs(made, frame).rows])
        commands = []
        while (command := rows.next_command()) is not None:
            commands.append(command)
        found.append(commands)
    return found


def theirs(made: Call, frame: bytes) -> BatchMessage:
    """A recorded request; one on a single record as the batch that it could be."""
    frame = opened(frame)
    if is_batch(frame):
        return parse_batch(frame)
    digest = parse(frame).field(4)
    number = next(place for place, row in enumerate(made.rows) if row.key.digest == digest)
    found = as_batch(frame, number, made.batch.settings.batch_flags)
    return replace(found, rows=tuple(map(answer_all, found.rows)))


def judge_request(made: Call, ours: bytes, frame: bytes, recorded: Case) -> list[str]:
    """Why our request differs; no reason: it does not, or zlib has packed the same bytes in another way."""
    if is_packed(frame):
        assert is_packed(ours)
        ours, frame = opened(ours), opened(frame)
    if ours == frame:
        assert not any(re.fullmatch(rule.names, recorded.name) for rule in RULES), "a rule that is not needed"
        return []
    expected = theirs(made, frame)
    reasons = [] if is_batch(frame) else [ONE_ROW]
    for rule in RULES:
        if re.fullmatch(rule.names, recorded.name):
            changed = replace(expected, rows=tuple(map(rule.change, expected.rows)))
            if changed != expected:
                reasons.append(rule.reason)
            expected = changed
    if len(parse_batch(ours).rows) < len(expected.rows):
        expected = replace(expected, rows=expected.rows[: len(parse_batch(ours).rows)])
        assert len(ours) > 1 << 20
        reasons.append(SLICED)
    if not reasons:
        assert expected.pack() != frame, "there is a reason"
        reasons.append(REPEATED)
    assert parse_batch(ours) == expected
    assert ours == expected.pack()
    return reasons


def judge(recorded: Case) -> tuple[str, list[str]]:
    try:
        made = call(recorded)
    except OutOfScope as scope:
        return str(scope), []
    if not recorded.requests:
        assert len(made.batch) == 0
        return "nothing to send", []
    reasons = [
        reason
        for command, frame in zip(commands_of(made, recorded), recorded.requests, strict=True)
        for reason in judge_request(made, command[0].request, frame, recorded)
    ]
    return ("argued" if reasons else "equal"), reasons


@all_of("recorded", ALL, ids=lambda entry: entry.name)
def test_the_request_is_the_recorded_one_or_differs_for_a_reason(recorded: Case) -> None:
    judge(recorded)


def test_every_recording_was_compared() -> None:
    judged = [judge(recorded) for recorded in ALL]
    assert Counter(kind for kind, _ in judged) == {
        "equal": 101,
        "argued": 53,
        "functions": 27,
        "nothing to send": 2,
    }
    used = {reason for _, reasons in judged for reason in reasons}
    assert used == {rule.reason for rule in RULES} | {ONE_ROW, REPEATED, SLICED}


# Answers ----------------------------------------------------------------------------------------------------


def check_row(made: Call, number: int, recorded: RecordedRow) -> None:
    row, record = made.rows[number], made.batch.records[number]
    assert made.batch.code(number) == recorded.result
    if recorded.result or isinstance(row, BatchDelete):
        assert record is None
        return
    assert isinstance(record, Record)
    assert record.key == row.key
    _, meta, *bins = recorded.record
    assert record.generation == meta["gen"]
    operations = isinstance(row, BatchRead) and row.operations is None
    given = {
        name: value for name, value in (bins[0] if bins else {}).items() if operations or value is not None
    }
    if recorded.record[0][2] == "read-policy/deserialize-false-2":
        given["c"] = [1, 2]  # the official client was told to leave lists as they came
    last = {
        name: value[-1] if isinstance(value, MultiResult) else value for name, value in record.bins.items()
    }
    assert same(last, given)


def answered(recorded: Case) -> str:
    """Reads the recorded answers to the batches of a call, and holds them against the recorded results."""
    try:
        made = call(recorded)
    except OutOfScope as scope:
        return str(scope)
    exchanges = recorded.raw.get("exchanges") or [
        {"request": 0, "responses": list(range(len(recorded.responses)))}
    ]
    commands = commands_of(made, recorded)
    numbers: list[int] = []
    for exchange in exchanges:
        frame = opened(recorded.requests[exchange["request"]])
        if not is_batch(frame):
            continue
        numbers += [row.number for row in parse_batch(frame).rows]
        command, *others = commands[exchange["request"]]
        *first, last = [recorded.responses[place][8:] for place in exchange["responses"]]
        if others:
            return "in slices"
        if recorded.raw["name"] == "read-policy/compress":
            with pytest.raises(EnterpriseOnly):  # by a message that is not the last, of all rows together
                parse_answer(command, last)
            return "refused"
        for body in first:
            assert repr(parse_answer(command, body)) == "MORE"
        assert parse_answer(command, last) is made.batch
    result: Any = recorded.result
    assert isinstance(result, RecordedBatch)
    for number in numbers:
        check_row(made, number, result.records[number])
    return "read" if numbers else "one row"


@all_of("recorded", SENT, ids=lambda entry: entry.name)
def test_the_answer_is_read_as_recorded(recorded: Case) -> None:
    answered(recorded)


def test_every_answer_was_read() -> None:
    assert Counter(map(answered, SENT)) == {
        "read": 124,
        "one row": 28,
        "in slices": 1,
        "functions": 27,
        "refused": 1,
    }

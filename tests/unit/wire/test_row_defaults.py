"""Rows of batches without a policy of their own are as the client's policies of reads and of writes say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyspike import BatchDelete, BatchRead, BatchUDF, BatchWrite, Key, errors, exp
from pyspike import operations as op
from pyspike._wire import Batch, BatchCommands, Executor, keys_of_batch, rows_of_node
from pyspike.policy import (
    BatchDeletePolicy,
    BatchPolicy,
    BatchReadPolicy,
    BatchUDFPolicy,
    BatchWritePolicy,
    CommitLevel,
    ConsistencyLevel,
    GenerationPolicy,
    ReadModeSC,
    ReadPolicy,
    ReadTouchTTL,
    RecordExistsAction,
    WritePolicy,
)
from support.batches import BatchMessage, parse_batch
from support.messages import FILTER

KEYS = [Key("test", "s", number) for number in range(3)]
POSITIVE, NEGATIVE = exp.int_bin("v") > 0, exp.int_bin("v") < 0
EQUAL = GenerationPolicy.EXPECT_GEN_EQUAL


def sent(call: Any, read: Any = None, write: Any = None, batch: Any = None) -> BatchMessage:
    """What a call asks of a client with these policies.

    Args:
        call: is given the commands of such a client, which give a batch back unsent.
    """
    policies = (read or ReadPolicy(), write or WritePolicy(), batch or BatchPolicy())
    made: Batch = call(BatchCommands(Executor(), *(policy.settings for policy in policies)))
    assert keys_of_batch(made) == KEYS
    taken = rows_of_node(made, range(len(KEYS))).next_command()
    assert taken is not None
    return parse_batch(taken.request)


STEPS = [op.put("v", 1)]
# The calls of each kind of rows, each with and without a policy of the rows.
WRITES: dict[str, Any] = {
    "batch_put": lambda client, own=None: client.batch_put({key: {"v": 1} for key in KEYS}, row_policy=own),
    "batch_operate": lambda client, own=None: client.batch_operate(KEYS, STEPS, row_policy=own),
    "batch": lambda client, own=None: client.batch([BatchWrite(key, STEPS, policy=own) for key in KEYS]),
}
DELETES: dict[str, Any] = {
    "batch_delete": lambda client, own=None: client.batch_delete(KEYS, row_policy=own),
    "batch": lambda client, own=None: client.batch([BatchDelete(key, policy=own) for key in KEYS]),
}
CALLS: dict[str, Any] = {
    "batch_apply": lambda client, own=None: client.batch_apply(KEYS, "m", "f", row_policy=own),
    "batch": lambda client, own=None: client.batch([BatchUDF(key, "m", "f", policy=own) for key in KEYS]),
}
READS: dict[str, Any] = {
    "batch_operate": lambda client, own=None: client.batch_operate(KEYS, [op.get("v")], row_policy=own),
    "batch": lambda client, own=None: client.batch([BatchRead(key, ["v"], policy=own) for key in KEYS]),
}
FIELDS: list[tuple[type[Any], dict[str, Any], dict[str, Any]]] = [
    *[
        (kind, calls, fields)
        for kind, calls in (
            (BatchWritePolicy, WRITES),
            (BatchDeletePolicy, DELETES),
            (BatchUDFPolicy, CALLS),
        )
        for fields in (
            {"send_key": True},
            {"durable_delete": True},
            {"commit_level": CommitLevel.MASTER},
            {"expiration": 3600},
            {"on_locking_only": True},
            {"generation_policy": EQUAL, "generation": 7},
            {"generation_policy": GenerationPolicy.EXPECT_GEN_GREATER, "generation": 7},
            *({"record_exists_action": action} for action in RecordExistsAction),
        )
        if set(fields) <= set(kind.__dataclass_fields__)
    ],
    *[
        (BatchReadPolicy, READS, fields)
        for fields in (
            {"read_touch_ttl": 80},
            {"read_touch_ttl": ReadTouchTTL.DONT_RESET},
            *({"read_mode_sc": mode} for mode in ReadModeSC),
        )
    ],
]


@pytest.mark.parametrize(("kind", "calls", "fields"), FIELDS)
def test_rows_without_a_policy_are_as_the_clients_says(
    kind: type[Any], calls: dict[str, Any], fields: dict[str, Any]
) -> None:
    for name, call in calls.items():
        client = (
            {"read": ReadPolicy(**fields)} if kind is BatchReadPolicy else {"write": WritePolicy(**fields)}
        )
        by_default = sent(call, **client)
        assert by_default == sent(lambda c, call=call: call(c, kind(**fields))), name
        idle = all(value == kind.__dataclass_fields__[field].default for field, value in fields.items())
        idle = idle or fields == {"read_mode_sc": ReadModeSC.SESSION}
        assert (by_default == sent(call)) == idle, name


@pytest.mark.parametrize("calls", [WRITES, DELETES, CALLS, READS])
def test_a_policy_of_the_rows_replaces_that_of_the_client(calls: dict[str, Any]) -> None:
    read = ReadPolicy(read_touch_ttl=80, filter_expression=NEGATIVE)
    write = WritePolicy(
        send_key=True,
        durable_delete=True,
        commit_level=CommitLevel.MASTER,
        expiration=3600,
        on_locking_only=True,
        generation_policy=EQUAL,
        generation=7,
        record_exists_action=RecordExistsAction.REPLACE,
        filter_expression=NEGATIVE,
    )
    own = {
        id(WRITES): BatchWritePolicy(),
        id(DELETES): BatchDeletePolicy(),
        id(CALLS): BatchUDFPolicy(),
        id(READS): BatchReadPolicy(read_touch_ttl=ReadTouchTTL.SERVER_DEFAULT),
    }[id(calls)]
    for name, call in calls.items():
        assert sent(lambda c, call=call: call(c, own), read=read, write=write) == sent(call), name


def test_what_only_other_kinds_of_rows_have_is_not_sent_with_a_row() -> None:
    """A delete of one record is without these too; a function may be called whatever the record is."""
    write = WritePolicy(
        record_exists_action=RecordExistsAction.CREATE_ONLY, expiration=3600, on_locking_only=True
    )
    for call in DELETES.values():
        assert sent(call, write=write) == sent(call)
    exists = WritePolicy(
        record_exists_action=RecordExistsAction.UPDATE_ONLY, generation_policy=EQUAL, generation=7
    )
    for call in CALLS.values():
        assert sent(call, write=exists) == sent(call)


# What is told besides ---------------------------------------------------------------------------------------


def test_what_a_call_or_a_row_tells_wins_over_the_policy() -> None:
    greater = WritePolicy(
        generation_policy=GenerationPolicy.EXPECT_GEN_GREATER, generation=7, expiration=3600, send_key=True
    )
    rows = [
        *sent(lambda c: c.batch_put({key: {"v": 1} for key in KEYS}, ttl=60), write=greater).rows,
        *sent(lambda c: c.batch_operate(KEYS, STEPS, ttl=60), write=greater).rows,
        *sent(
            lambda c: c.batch([BatchWrite(key, STEPS, ttl=60, generation=9) for key in KEYS]), write=greater
        ).rows,
    ]
    assert {row.ttl for row in rows} == {60}
    assert [row.generation for row in rows] == [7] * 6 + [9] * 3
    assert {row.info2 & 0x0C for row in rows} == {0x08}, "greater, as the policy says"
    equal = sent(lambda c: c.batch([BatchDelete(key, generation=9) for key in KEYS])).rows
    assert {(row.generation, row.info2 & 0x0C) for row in equal} == {(9, 0x04)}


def test_a_generation_that_no_row_can_have_is_refused() -> None:
    write = WritePolicy(generation_policy=EQUAL, generation=65_536)
    for call in [*WRITES.values(), *DELETES.values()]:
        with pytest.raises(errors.InvalidArgument, match="65536") as told:
            sent(call, write=write)
        assert "a policy of its own" in told.value.advice
        sent(lambda c, call=call: call(c, None))
    sent(lambda c: c.batch([BatchDelete(key, generation=9) for key in KEYS]), write=write)
    for call in CALLS.values():
        sent(call, write=write)


# Filters ----------------------------------------------------------------------------------------------------


def filters(message: BatchMessage) -> tuple[bytes | None, set[bytes | None]]:
    """That of the batch, and those of its rows."""
    return message.message.field(FILTER), {dict(row.fields).get(FILTER) for row in message.rows}


@pytest.mark.parametrize(
    ("calls", "read", "write"),
    [
        ({**WRITES, **DELETES, **CALLS}, None, WritePolicy(filter_expression=POSITIVE)),
        (
            {
                "batch_get": lambda c: c.batch_get(KEYS),
                "batch_exists": lambda c: c.batch_exists(KEYS),
                **READS,
            },
            ReadPolicy(filter_expression=POSITIVE),
            None,
        ),
    ],
)
def test_the_filter_of_the_clients_policy_is_of_the_rows(
    calls: dict[str, Any], read: Any, write: Any
) -> None:
    positive, negative = POSITIVE.to_bytes(), NEGATIVE.to_bytes()
    for name, call in calls.items():
        once = (positive, {None})
        each = (None, {positive})
        assert filters(sent(call, read, write)) == (each if name == "batch" else once), name
        of_batch = BatchPolicy(filter_expression=NEGATIVE)
        assert filters(sent(call, read, write, of_batch)) == (negative, {None}), "a batch's own comes first"


def test_the_filter_of_a_call_wins() -> None:
    positive, negative = POSITIVE.to_bytes(), NEGATIVE.to_bytes()
    write, read = WritePolicy(filter_expression=POSITIVE), ReadPolicy(filter_expression=POSITIVE)
    rows = [BatchWrite(KEYS[0], STEPS), BatchRead(KEYS[1]), BatchDelete(KEYS[2])]
    mixed = sent(lambda c: c.batch(rows, filter_expression=NEGATIVE), read, write)
    assert filters(mixed) == (negative, {None})
    bins = {key: {"v": 1} for key in KEYS}
    put = sent(lambda c: c.batch_put(bins, filter_expression=NEGATIVE), read, write)
    assert filters(put) == (negative, {None})
    own = BatchWritePolicy(filter_expression=POSITIVE)
    put = sent(lambda c: c.batch_put(bins, filter_expression=NEGATIVE, row_policy=own), read)
    assert filters(put) == (negative, {positive})


# What the batch's policy says of reads ----------------------------------------------------------------------

OF_READS: list[dict[str, Any]] = [
    {"consistency_level": ConsistencyLevel.ALL},
    {"read_mode_sc": ReadModeSC.LINEARIZE},
    {"read_touch_ttl": 80},
]


@pytest.mark.parametrize("fields", OF_READS)
def test_rows_that_read_are_as_the_batchs_policy_says_or_else_the_clients(fields: dict[str, Any]) -> None:
    plain = {name: ReadPolicy.__dataclass_fields__[name].default for name in fields}
    for call in (lambda c: c.batch_get(KEYS), *READS.values()):
        changed = sent(call, batch=BatchPolicy(**fields))
        assert changed != sent(call)
        assert sent(call, ReadPolicy(**fields)) == changed
        assert sent(call, ReadPolicy(**fields), batch=BatchPolicy(**plain)) == sent(call)
        assert sent(call, ReadPolicy(**plain), batch=BatchPolicy(**fields)) == changed


def test_rows_that_write_are_not_as_the_policy_of_reads_says() -> None:
    read = ReadPolicy(**{name: value for fields in OF_READS for name, value in fields.items()})
    for calls in (WRITES, DELETES, CALLS):
        for call in calls.values():
            assert sent(call, read) == sent(call)


def test_a_policy_that_is_given_to_a_call_leaves_the_rows_to_those_of_the_client() -> None:
    given = BatchPolicy(total_timeout=4321)
    write = WritePolicy(send_key=True, expiration=3600)
    one = sent(lambda c: c.batch_put({key: {"v": 1} for key in KEYS}, policy=given), write=write)
    other = sent(WRITES["batch_put"], write=write)
    assert one == replace(other, message=replace(other.message, timeout=4321))

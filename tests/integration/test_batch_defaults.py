"""Batches do with their rows what the policies of the client or view say, as single commands do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pyspike import (
    BatchDelete,
    BatchError,
    BatchRead,
    BatchResults,
    BatchWrite,
    BatchWritePolicy,
    Client,
    Expiration,
    Key,
    PartitionFilter,
    ReadPolicy,
    RecordExistsAction,
    Statement,
    WritePolicy,
    exp,
)
from pyspike import operations as op

HOUR = 3600


def written_by_arrow(client: Client, keys: list[Key], **options: Any) -> list[bool]:
    pa = pytest.importorskip("pyarrow")
    rows = pa.table({"key": [key.user_key for key in keys], "a": [1] * len(keys)})
    report = client.write_arrow(rows, keys[0].namespace, keys[0].set_name, key="key", **options)
    failed = {failure.row for failure in report.failures}
    return [number not in failed for number in range(len(keys))]


def done(results: BatchResults) -> list[bool]:
    return [result.ok for result in results]


def streamed(client: Client, rows: list[Any]) -> list[bool]:
    with client.batch_stream(rows) as outcomes:
        found = {outcome.key: outcome.ok for outcome in outcomes}
    return [found[row.key] for row in rows]


def put(client: Client, keys: list[Key], **options: Any) -> list[bool]:
    try:
        client.batch_put({key: {"a": 1} for key in keys}, **options)
    except BatchError as error:
        return done(error.results)
    return [True] * len(keys)


def writes(keys: list[Key], row_policy: BatchWritePolicy | None = None) -> list[BatchWrite]:
    return [BatchWrite(key, [op.put("a", 1)], policy=row_policy) for key in keys]


# Each writes {"a": 1} and tells of each record whether it did.
WRITES: dict[str, Callable[..., list[bool]]] = {
    "batch_put": put,
    "batch_operate": lambda client, keys, **options: done(
        client.batch_operate(keys, [op.put("a", 1)], **options)
    ),
    "batch": lambda client, keys, **options: done(client.batch(writes(keys, **options))),
    "batch_stream": lambda client, keys, **options: streamed(client, writes(keys, **options)),
    "write_arrow": written_by_arrow,
}
DELETES: dict[str, Callable[[Client, list[Key]], Any]] = {
    "batch_delete": lambda client, keys: client.batch_delete(keys),
    "batch": lambda client, keys: [
        result.ok and int(result.result_code or 0) == 0
        for result in client.batch([BatchDelete(key) for key in keys])
    ],
    "batch_stream": lambda client, keys: streamed(client, [BatchDelete(key) for key in keys]),
}


@pytest.fixture
def keys(key: Key, client: Client) -> list[Key]:
    """Four keys of a test, of which the first two have a record {"a": 0, "b": number}."""
    found = [Key(key.namespace, key.set_name, f"{key.user_key}-{number}") for number in range(4)]
    client.batch_delete(found)
    client.batch_put({each: {"a": 0, "b": number} for number, each in enumerate(found[:2])})
    return found


def values(client: Client, keys: list[Key]) -> list[Any]:
    return [record and record["a"] for record in client.batch_get(keys)]


@pytest.mark.parametrize("name", WRITES)
def test_rows_live_and_keep_their_keys_as_the_view_says(client: Client, keys: list[Key], name: str) -> None:
    view = client.with_policies(write=WritePolicy(send_key=True, expiration=HOUR))
    assert WRITES[name](view, keys) == [True] * 4
    for key in keys:
        only = PartitionFilter.by_id(key.partition_id)
        (record,) = [
            each
            for each in client.query(Statement(key.namespace, key.set_name), partitions=only)
            if each.key == key
        ]
        assert record.key.user_key == key.user_key
        assert HOUR - 60 < (record.ttl or 0) <= HOUR


@pytest.mark.parametrize("name", WRITES)
def test_rows_spare_the_records_that_the_view_spares(client: Client, keys: list[Key], name: str) -> None:
    create = client.with_policies(write=WritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY))
    assert WRITES[name](create, keys) == [False, False, True, True]
    assert values(client, keys) == [0, 0, 1, 1]


@pytest.mark.parametrize("name", WRITES)
def test_rows_are_written_that_the_view_does_not_leave_out(
    client: Client, keys: list[Key], name: str
) -> None:
    some = client.with_policies(write=WritePolicy(filter_expression=exp.int_bin("b") > 0))
    assert WRITES[name](some, keys[:2]) == [False, True]
    assert values(client, keys) == [0, 1, None, None]


@pytest.mark.parametrize("name", WRITES)
def test_a_policy_of_the_rows_takes_the_place_of_the_views(
    client: Client, keys: list[Key], name: str
) -> None:
    create = client.with_policies(
        write=WritePolicy(record_exists_action=RecordExistsAction.CREATE_ONLY, expiration=HOUR)
    )
    own = BatchWritePolicy(expiration=Expiration.NEVER)
    assert WRITES[name](create, keys, row_policy=own) == [True] * 4
    assert [record and record.ttl for record in client.batch_get(keys)] == [None] * 4


@pytest.mark.parametrize("name", DELETES)
def test_rows_that_delete_do_as_the_view_says(client: Client, keys: list[Key], name: str) -> None:
    some = client.with_policies(write=WritePolicy(filter_expression=exp.int_bin("b") > 0))
    assert DELETES[name](some, keys[:2]) == [False, True]
    assert values(client, keys) == [0, None, None, None]


def test_rows_that_read_do_as_the_view_says(client: Client, keys: list[Key]) -> None:
    some = client.with_policies(read=ReadPolicy(filter_expression=exp.int_bin("b") > 0))
    assert values(some, keys) == [None, 0, None, None]
    assert some.batch_exists(keys) == [False, True, False, False]
    assert done(some.batch([BatchRead(key) for key in keys])) == [False, True, True, True]
    assert streamed(some, [BatchRead(key) for key in keys]) == [False, True, True, True]
    pytest.importorskip("pyarrow")
    columns = some.batch_get_arrow(keys, ["b"], schema={"b": int}).to_pyarrow()
    assert columns["b"].to_pylist() == [None, 1, None, None]

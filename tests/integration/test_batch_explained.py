"""Errors of rows say as much as those of commands: which bin and operation, and what an old server lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike import (
    BatchDelete,
    BatchPolicy,
    BatchRead,
    BatchReadPolicy,
    BatchRow,
    BatchWrite,
    BatchWritePolicy,
    Client,
    Key,
    errors,
    exp,
)
from pyspike import operations as op
from pyspike.operations import lists, maps, strings
from pyspike.server import EmbeddedCluster
from support.cluster_tools import TOLERANCE

pytestmark = pytest.mark.both_kinds

BINS: dict[str, Any] = {"n": 1, "s": "x", "l": [1], "m": {"a": 1}}
PATIENT = 100 * TOLERANCE
KEYS = [Key("test", "s", number) for number in range(3)]

WRONG: dict[str, list[op.Operation]] = {
    "bin 's', add('s', 1)": [op.add("s", 1)],
    "bin 'n', append('n', 'x')": [op.append("n", "x")],
    "bin 'n', lists.append('n', 5)": [lists.append("n", 5)],
    "bin 'l', maps.size('l')": [maps.size("l")],
    "bin 'l', lists.get('l', 9)": [lists.get("l", 9)],
    "bin 'n'": [lists.append("n", 5), op.get("n")],
    "exp.read('x', exp.num_add(exp.int_bin('missing'), 1))": [op.exp.read("x", exp.int_bin("missing") + 1)],
    "": [op.add("n", 1), lists.append("s", 5)],
}


def row_of(key: Key, operations: list[op.Operation]) -> BatchRow:
    if any(operation.is_write for operation in operations):
        return BatchWrite(key, operations)
    return BatchRead(key, operations=operations)


@pytest.mark.parametrize("words", WRONG)
def test_a_row_names_the_bin_and_the_operation_where_there_is_one_only(
    client: Client, key: Key, words: str
) -> None:
    client.put(key, BINS)
    good = BatchWrite(key, [op.put("other", 1)])
    for results in (
        client.batch([good, row_of(key, WRONG[words]), good]),
        client.batch_operate([key] * 3, WRONG[words]),
    ):
        error = results[1].error
        assert isinstance(error, (errors.BinTypeError, errors.OpNotApplicable))
        meaning = error.result_code.meaning
        assert error.message == (f"{meaning}: {words}" if words else meaning)
        assert error.args == (error.message,)
        assert error.key == key
        assert [attempt.error for attempt in error.attempts] == [meaning]
        with pytest.raises(errors.BatchError) as caught:
            results.raise_for_errors()
        assert error.message in str(caught.value)


def test_what_a_row_shows_of_an_operation_is_bounded(client: Client, key: Key) -> None:
    client.put(key, BINS)
    results = client.batch_operate([key] * 20, [lists.append("n", "x" * 1_000_000)])
    assert all(row.error is not None and len(row.error.message) < 400 for row in results)
    error = results.error()
    assert error is not None
    assert len(str(error)) < 4000


# Servers that are too old -----------------------------------------------------------------------------------

TEXT = exp.strings.contains("s", "x")
NEEDS = "need server 8.2 or later; node A1 runs 8.1.2"


@pytest.fixture
def old() -> Iterator[EmbeddedCluster]:
    """A server that knows no string operations."""
    with EmbeddedCluster(version="8.1.2") as cluster:
        yield cluster


@pytest.fixture
def of_old(old: EmbeddedCluster) -> Iterator[Client]:
    with Client(old.hosts) as client:
        client.batch_put(dict.fromkeys(KEYS, BINS))
        yield client


def advice_of(row: Any) -> str:
    assert isinstance(row.error, errors.RequestInvalid)
    return row.error.advice


def test_rows_say_what_an_old_server_does_not_know_each_for_itself(of_old: Client) -> None:
    plain = exp.int_bin("n") == 1
    rows: list[BatchRow] = [
        BatchWrite(KEYS[0], [strings.upper("s")]),
        BatchRead(KEYS[0], operations=[op.exp.read("x", exp.strings.upper("s"))]),
        BatchRead(KEYS[0], policy=BatchReadPolicy(filter_expression=TEXT)),
        BatchWrite(KEYS[0], [op.put("a", 1)], policy=BatchWritePolicy(filter_expression=TEXT)),
        BatchRead(KEYS[0], policy=BatchReadPolicy(filter_expression=plain)),
        BatchDelete(KEYS[2]),
    ]
    results = of_old.batch(rows, timeout=PATIENT)
    assert [row.ok for row in results] == [False] * 4 + [True] * 2
    build = next(iter(of_old.info("build").values()))
    assert [advice_of(row).replace(build, "8.1.2") for row in results.failed] == [
        f"string operations {NEEDS}",
        *[f"string expressions {NEEDS}"] * 3,
    ]


def test_a_filter_of_the_batch_that_an_old_server_does_not_know_is_said_in_each_row(of_old: Client) -> None:
    build = next(iter(of_old.info("build").values()))
    for options in ({"filter_expression": TEXT}, {"policy": BatchPolicy(filter_expression=TEXT)}):
        results = of_old.batch([BatchRead(key) for key in KEYS], timeout=PATIENT, **options)  # type: ignore[arg-type]
        assert {advice_of(row).replace(build, "8.1.2") for row in results} == {f"string expressions {NEEDS}"}
        assert all(row.result_code is None for row in results), "as the server has refused the whole of it"


def test_a_row_without_an_answer_is_not_said_to_be_the_one_that_failed(
    old: EmbeddedCluster, of_old: Client
) -> None:
    """The batch may end with the code of another row, of which it does not tell which one it is."""
    old.nodes[0].answer_with(12)
    results = of_old.batch_operate(KEYS, [op.add("n", 1)], policy=BatchPolicy(total_timeout=PATIENT))
    assert len(results.failed) == 3
    for row in results:
        assert row.error is not None
        assert "bin 'n'" not in row.error.message
        assert row.in_doubt


def test_a_row_that_can_not_be_explained_fails_all_the_same(
    client: Client, key: Key, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise TypeError("a fault")

    client.put(key, BINS)
    monkeypatch.setattr("pyspike.cluster.retry.explain", fail)
    (row,) = client.batch_operate([key], [op.add("s", 1)])
    assert isinstance(row.error, errors.BinTypeError)
    assert "could not be explained" in caplog.text

"""The rows of batches, and what came of them: values that are checked when they are made."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import pytest

from pyspike import Expiration, Key, ReadPolicy, Record, ResultCode, WritePolicy, errors
from pyspike import operations as op
from pyspike._wire import BatchRow
from pyspike.batch import (
    AsyncBatchStream,
    BatchDelete,
    BatchRead,
    BatchRecord,
    BatchResults,
    BatchStream,
    BatchWrite,
)
from pyspike.policy import BatchDeletePolicy, BatchPolicy, BatchReadPolicy, BatchWritePolicy, GenerationPolicy
from support.unsent import UNSENT

KEY = Key("test", "users", "ann")
ADD = [op.add("n", 1), op.get("n")]
EXPECTING = GenerationPolicy.EXPECT_GEN_EQUAL

ROWS: list[BatchRow] = [
    BatchRead(KEY),
    BatchRead(KEY, []),
    BatchRead(KEY, ["a", "b"]),
    BatchRead(KEY, operations=[op.get("a")]),
    BatchRead(KEY, policy=BatchReadPolicy(read_touch_ttl=50)),
    BatchWrite(KEY, ADD),
    BatchWrite(KEY, ADD, ttl=60),
    BatchWrite(KEY, ADD, ttl=Expiration.NEVER),
    BatchWrite(KEY, ADD, generation=3),
    BatchWrite(KEY, ADD, policy=BatchWritePolicy(send_key=True)),
    BatchDelete(KEY),
    BatchDelete(KEY, generation=3),
    BatchDelete(KEY, policy=BatchDeletePolicy(durable_delete=True)),
]
Make = Callable[[], object]


# Rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_a_row_is_a_value(row: BatchRow) -> None:
    for twin in (pickle.loads(pickle.dumps(row)), copy.copy(row), copy.deepcopy(row)):
        assert twin == row
        assert hash(twin) == hash(row)
        assert repr(twin) == repr(row)
    assert [other for other in ROWS if other == row] == [row]
    for name in ("key", "policy", "other"):
        with pytest.raises(AttributeError):
            setattr(row, name, None)


def test_a_row_shows_what_it_was_made_of() -> None:
    assert repr(BatchRead(KEY, ["a"])) == "BatchRead(Key('test', 'users', 'ann'), bins=('a',))"
    row = BatchWrite(KEY, [op.put("a", 1)], ttl=5, policy=BatchWritePolicy(send_key=True))
    assert repr(row) == (
        "BatchWrite(Key('test', 'users', 'ann'), operations=(put('a', 1),), ttl=5, "
        "policy=BatchWritePolicy(send_key=True))"
    )


def test_rows_of_other_keys_or_classes_differ() -> None:
    assert BatchRead(KEY) != BatchRead(("test", "users", "bob"))
    assert BatchRead(("test", "users", "ann")) == BatchRead(KEY)
    assert BatchDelete(KEY) != BatchRead(KEY)
    assert BatchDelete(KEY) != KEY


def test_the_arguments_of_a_row_may_be_any_iterable() -> None:
    assert BatchRead(KEY, (name for name in "ab")) == BatchRead(KEY, ("a", "b"))
    assert BatchWrite(KEY, (step for step in ADD)) == BatchWrite(KEY, ADD)
    assert BatchWrite(KEY, ADD, ttl=timedelta(minutes=1)).ttl == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: BatchRead("ann"), errors.InvalidType, "a key must be"),  # type: ignore[arg-type]
        (lambda: BatchRead(KEY, "a"), errors.InvalidType, "bins must be a sequence of names"),
        (lambda: BatchRead(KEY, ["x" * 16]), errors.InvalidArgument, "takes 16 bytes"),
        (lambda: BatchRead(KEY, ["a"], operations=[op.get("a")]), errors.InvalidArgument, "either bins or"),
        (lambda: BatchRead(KEY, operations=ADD), errors.InvalidArgument, r"can't write: add\('n', 1\)"),
        (lambda: BatchRead(KEY, operations=[]), errors.InvalidArgument, "at least one operation"),
        (
            lambda: BatchRead(KEY, operations=[op.get(), op.get("a")]),
            errors.InvalidArgument,
            "all bins can't",
        ),
        (lambda: BatchWrite(KEY, [op.get("a")]), errors.InvalidArgument, "a BatchWrite has to write"),
        (lambda: BatchWrite(KEY, []), errors.InvalidArgument, "at least one operation"),
        (lambda: BatchWrite(KEY, 5), errors.InvalidType, "operations must be a sequence"),  # type: ignore[arg-type]
        (lambda: BatchWrite(KEY, ["add"]), errors.InvalidType, "operations made by pyspike.operations"),  # type: ignore[list-item]
        (lambda: BatchWrite(KEY, ADD, ttl=0), errors.InvalidArgument, "ttl must be from 1"),
        (lambda: BatchWrite(KEY, ADD, generation=2**16), errors.InvalidArgument, "0 to 65535 in a batch"),
        (lambda: BatchDelete(KEY, generation="3"), errors.InvalidType, "generation must be an int"),  # type: ignore[arg-type]
        (lambda: BatchRow(KEY), TypeError, "a row is a BatchRead"),
    ],
)
def test_a_row_that_can_not_be_is_refused_when_it_is_made(
    make: Make, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        make()
    assert type(caught.value) is kind


def test_a_policy_of_another_kind_is_refused() -> None:
    """Its timeouts, or whatever a row does not have, would be ignored."""
    makers: dict[type, Callable[[Any], object]] = {
        BatchReadPolicy: lambda policy: BatchRead(KEY, policy=policy),
        BatchWritePolicy: lambda policy: BatchWrite(KEY, ADD, policy=policy),
        BatchDeletePolicy: lambda policy: BatchDelete(KEY, policy=policy),
        ReadPolicy: lambda policy: UNSENT.get(KEY, policy=policy),
        WritePolicy: lambda policy: UNSENT.put(KEY, {"a": 1}, policy=policy),
    }
    for wanted, make in makers.items():
        make(wanted())
        for kind in {*makers, BatchPolicy} - {wanted}:
            with pytest.raises(
                errors.InvalidType, match=f"must be a {wanted.__name__} here, not {kind.__name__}"
            ):
                make(kind())
    for kind in (BatchPolicy, BatchReadPolicy, BatchWritePolicy, BatchDeletePolicy):
        with pytest.raises(errors.InvalidType, match="not Batch"):
            UNSENT.operate(KEY, [op.get("a")], policy=kind())


# Results ----------------------------------------------------------------------------------------------------


def failed(code: int, **context: Any) -> BatchRecord:
    error = errors.from_code(code, key=KEY, node="A1", **context)
    return BatchRecord(KEY, None, ResultCode.of(code), error)


FOUND = BatchRecord(KEY, Record(KEY, {"a": 1}, 2), ResultCode.OK)
MISSING = BatchRecord(KEY, None, ResultCode.KEY_NOT_FOUND_ERROR)
EXISTS = failed(5)
DOUBTFUL = BatchRecord(KEY, None, None, errors.TimeoutError("timed out", key=KEY, in_doubt=True))


def test_what_came_of_a_row() -> None:
    assert (FOUND.ok, FOUND.in_doubt, FOUND.error, FOUND.result_code) == (True, False, None, ResultCode.OK)
    assert FOUND.record is not None
    assert FOUND.record["a"] == 1
    assert (MISSING.ok, MISSING.record) == (True, None)
    assert (EXISTS.ok, EXISTS.in_doubt) == (False, False)
    assert (DOUBTFUL.ok, DOUBTFUL.in_doubt, DOUBTFUL.result_code) == (False, True, None)
    assert isinstance(EXISTS.error, errors.RecordExists)


def test_results_are_a_sequence_in_the_order_of_the_rows() -> None:
    results = BatchResults([FOUND, MISSING, EXISTS])
    assert list(results) == [FOUND, MISSING, EXISTS]
    assert (len(results), results[0], results[-1]) == (3, FOUND, EXISTS)
    assert results[1:] == BatchResults([MISSING, EXISTS])
    assert results.records == [FOUND.record, None, None]
    assert (results.ok, results.failed) == (False, [EXISTS])
    assert BatchResults([]).ok
    assert "1 failed" in repr(results)


def test_results_without_a_failure_raise_nothing() -> None:
    results = BatchResults([FOUND, MISSING])
    assert results.ok
    results.raise_for_errors()


def test_the_error_of_a_batch_has_all_results_and_names_the_first_failures() -> None:
    results = BatchResults([FOUND, EXISTS, MISSING, DOUBTFUL, *[EXISTS] * 5])
    with pytest.raises(errors.BatchError) as caught:
        results.raise_for_errors()
    error = caught.value
    assert error.results is results
    assert error.in_doubt
    text = str(error)
    assert text.startswith("7 of 9 rows failed")
    assert "row 1: RecordExists" in text
    assert "KEY_EXISTS_ERROR" in text
    assert "row 3: TimeoutError: timed out: Key('test', 'users', 'ann'), in doubt" in text
    assert "… and 2 more" in text


def test_the_error_of_a_batch_is_retryable_if_all_its_rows_are() -> None:
    def error(*rows: BatchRecord) -> errors.BatchError:
        found = BatchResults(rows).error()
        assert found is not None
        return found

    assert error(FOUND, DOUBTFUL).retryable
    assert not error(DOUBTFUL, EXISTS).retryable


def test_results_and_their_error_survive_pickling() -> None:
    results = BatchResults([FOUND, MISSING, EXISTS, DOUBTFUL])
    twin = pickle.loads(pickle.dumps(results))
    assert twin == results
    assert str(twin[2].error) == str(EXISTS.error)
    error = pickle.loads(pickle.dumps(results.error()))
    assert error.results == results
    assert str(error) == str(results.error())


@pytest.mark.parametrize(
    "cls", [BatchRow, BatchRead, BatchRecord, BatchResults, BatchStream, AsyncBatchStream]
)
def test_annotations_may_say_of_what_class_the_values_of_rows_are(cls: Any) -> None:
    assert get_args(cls[int]) == (int,)

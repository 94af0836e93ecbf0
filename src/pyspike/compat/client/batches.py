"""The commands on many records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspike import (
    BatchDelete,
    BatchRead,
    BatchRecord,
    BatchRow,
    BatchUDF,
    BatchWrite,
    GenerationPolicy,
    Key,
    Record,
    ResultCode,
    Transaction,
    errors,
)
from pyspike.compat.aerospike_helpers.batch import records
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.client.records import check_function, operated
from pyspike.compat.client.results import NEVER, TUPLES, tuples_of
from pyspike.compat.model.exceptions import CLASSES, AerospikeError, from_pyspike, param_error
from pyspike.compat.translate.keys import key_of
from pyspike.compat.translate.metadata import generation_and_ttl
from pyspike.compat.translate.names import check_length
from pyspike.compat.translate.operations import Translated, plain_operations, translated
from pyspike.compat.translate.policies import expiration_of
from pyspike.compat.translate.values import sendable

__all__ = ["Batches"]

FAILED: int = CLASSES["BatchFailed"].code
INVALID_REQUEST: int = CLASSES["InvalidRequest"].code
NOT_FOUND, FILTERED_OUT = 2, 27
NO_FAILURE = frozenset((0, NOT_FOUND, FILTERED_OUT))
ALL_REFUSED = frozenset((INVALID_REQUEST,))
TUPLE_ONLY = frozenset((tuple,))

_bare_row = records.BatchRecord.__new__


class Batches(Connection):
    """The commands on many records."""

    @method
    def batch_read(self, keys: Any, bins: Any = None, policy: Any = None) -> records.BatchRecords:
        """Read many records.

        Args:
            keys: their keys, in a list.
            bins: the names of the bins; None for all, an empty list for none.
            policy: a batch policy.

        Returns:
            What came of each, in their order.
        """
        _check_keys(keys)
        _check_names(bins)
        made, txn = self._batch_policy("batch", policy)
        if not keys:
            return records.BatchRecords([])
        chosen = [key_of(key) for key in keys]
        if made is not None and made.filter_expression is None:
            try:
                found = self._batches.batch_get(chosen, bins, policy=made, txn=txn)
            except errors.BatchError as error:
                return self._told(error.results, header_only=bins == [])
            return self._found(chosen, found, header_only=bins == [])
        rows = [BatchRead(key, bins) for key in chosen]
        return self._told(self._run(rows, made, txn), header_only=bins == [])

    @method
    def batch_write(self, batch_records: Any, policy_batch: Any = None) -> records.BatchRecords:
        """Read, write, remove and call functions on many records.

        Args:
            batch_records: the rows.
            policy_batch: a batch policy.

        Returns:
            The same object; its rows have what came of them.
        """
        if not isinstance(batch_records, records.BatchRecords):
            raise param_error(
                "batch_records must be an aerospike_helpers.batch.records.BatchRecords instance"
            )
        if not isinstance(batch_records.batch_records, list):
            raise param_error("batch_records.batch_records must be a list")
        rows: list[BatchRow] = []
        how_told: dict[int, Translated] = {}  # no more is kept of the others: to collect garbage takes long
        for row in batch_records.batch_records:
            asked, steps = self._row(row)
            if steps is not None and not steps.is_plain:
                how_told[len(rows)] = steps
            rows.append(asked)
        writes = any(row._has_write for row in batch_records.batch_records)  # type: ignore[attr-defined]
        made, txn = self._batch_policy("batch_parent_write" if writes else "batch", policy_batch)
        if not rows:
            return batch_records
        results = self._run(rows, made, txn)
        for place, (row, asked, result) in enumerate(
            zip(batch_records.batch_records, rows, results, strict=True)
        ):
            record = result.record
            steps = how_told.get(place)
            operations = getattr(asked, "operations", None)
            if record is None or operations is None or result.error is not None:
                self._fill(row, result, steps)
                continue
            row.result = 0
            responds = type(asked) is BatchWrite
            if steps is None:
                row.record = TUPLES.results(record, operations, with_none=responds)
            else:
                row.record = _operated(record, steps, responds)
        batch_records.result = _overall(batch_records.batch_records)
        return batch_records

    @method
    def batch_operate(
        self,
        keys: Any,
        ops: Any,
        policy_batch: Any = None,
        policy_batch_write: Any = None,
        ttl: Any = None,
    ) -> records.BatchRecords:
        """Apply the same operations to many records.

        Args:
            keys: their keys, in a list.
            ops: made by the functions of `aerospike_helpers.operations`.
            policy_batch: a batch policy.
            policy_batch_write: a policy of the kind `batch_write`.
            ttl: the time to live of the records.

        Returns:
            What came of each, in their order.
        """
        _check_keys(keys)
        if not isinstance(ops, list) or not ops:
            raise param_error("ops should be a list of op dictionaries")
        steps = translated(ops, self._validate)
        if len(steps.operations) < len(ops):
            raise param_error("op should be an operation dictionary")
        made, txn = self._batch_policy("batch_parent_write", policy_batch)
        row_policy = self._kinds["batch_write"](policy_batch_write)
        if not keys:
            return records.BatchRecords([])
        given = steps.ttl if ttl is None else expiration_of(ttl)
        writes = any(operation.is_write for operation in steps.operations)
        of_rows = {"ttl": given, "row_policy": row_policy} if writes else {}
        chosen = [key_of(key) for key in keys]
        if made is None:
            return self._told(_refused(chosen))
        results = self._batches.batch_operate(chosen, steps.operations, policy=made, txn=txn, **of_rows)
        return self._told(results, steps, writes=writes)

    @method
    def batch_remove(
        self, keys: Any, policy_batch: Any = None, policy_batch_remove: Any = None
    ) -> records.BatchRecords:
        """Remove many records.

        Args:
            keys: their keys, in a list.
            policy_batch: a batch policy.
            policy_batch_remove: a policy of the kind `batch_remove`.

        Returns:
            What came of each, in their order.
        """
        _check_keys(keys)
        made, txn = self._batch_policy("batch_parent_write", policy_batch)
        row_policy = self._kinds["batch_remove"](policy_batch_remove)
        if not keys:
            return records.BatchRecords([])
        rows = [BatchDelete(key_of(key), policy=row_policy) for key in keys]
        return self._told(self._run(rows, made, txn))

    @method
    def batch_apply(
        self,
        keys: Any,
        module: Any,
        function: Any,
        args: Any,
        policy_batch: Any = None,
        policy_batch_apply: Any = None,
    ) -> records.BatchRecords:
        """Call a function of a registered module on many records.

        Args:
            keys: their keys, in a list.
            module: the module's name.
            function: the function's name.
            args: its arguments behind the record, in a list.
            policy_batch: a batch policy.
            policy_batch_apply: a policy of the kind `batch_apply`.

        Returns:
            What came of each, in their order.
        """
        _check_keys(keys)
        check_function(module, function)
        if not isinstance(args, list):
            raise param_error("args should be a list of arguments to the UDF")
        made, txn = self._batch_policy("batch_parent_write", policy_batch)
        row_policy = self._kinds["batch_apply"](policy_batch_apply)
        if not keys:
            return records.BatchRecords([])
        chosen = [key_of(key) for key in keys]
        if made is None:
            return self._told(_refused(chosen))
        return self._told(
            self._batches.batch_apply(
                chosen, module, function, sendable(args), row_policy=row_policy, policy=made, txn=txn
            )
        )

    def _batch_policy(self, kind: str, policy: Any) -> tuple[Any, Transaction | None]:
        """The policy of a batch, and the transaction that it is part of.

        The policy is None if a server would refuse its filter, which each row is told then.
        """
        try:
            made = self._kinds[kind](policy)
        except AerospikeError as error:
            if error.code != INVALID_REQUEST:
                raise
            made = None
        return made, self._kinds[kind].transaction(policy)

    def _run(self, rows: Sequence[BatchRow], policy: Any, txn: Transaction | None) -> Sequence[BatchRecord]:
        if policy is not None:
            return self._batches.batch(rows, policy=policy, txn=txn)
        return _refused([row.key for row in rows])

    # --- rows ---

    def _row(self, row: Any) -> tuple[BatchRow, Any]:
        """A row for pyspike, and its operations, if their dictionaries say how it is told what they give."""
        if type(row) is records.Write and row.policy is None and row.meta is None and type(row.ops) is list:
            quick = plain_operations(row.ops)
            if quick and self._kinds["batch_write"].of_rows is None:
                return BatchWrite(key_of(row.key), quick), None
        if not isinstance(row, records.BatchRecord) or not hasattr(row, "_type"):
            raise param_error(
                "batch_records.batch_records must be a list of BatchRecords: batch_type unknown"
            )
        key = key_of(row.key)
        if isinstance(row, records.Write):
            return self._write_row(key, row)
        if isinstance(row, records.Remove):
            return BatchDelete(key, policy=self._kinds["batch_remove"](row.policy)), None
        if isinstance(row, records.Apply):
            check_function(row.module, row.function)
            if not isinstance(row.args, list):
                raise param_error("args must be a list of arguments for the UDF")
            policy = self._kinds["batch_apply"](row.policy)
            return BatchUDF(key, row.module, row.function, sendable(row.args), policy=policy), None
        return self._read_row(key, row)

    def _read_row(self, key: Any, row: Any) -> tuple[BatchRow, Any]:
        policy = self._kinds["batch_read"](row.policy) if row.policy else None
        if row.ops is None or row.read_all_bins:
            return BatchRead(key, None if row.read_all_bins else [], policy=policy), None
        steps = self._steps(row.ops)
        return BatchRead(key, operations=steps.operations, policy=policy), steps

    def _write_row(self, key: Any, row: Any) -> tuple[BatchRow, Any]:
        steps = self._steps(row.ops)
        policy = self._kinds["batch_write"](row.policy)
        generation, ttl = None, None
        if row.meta is not None:
            generation, ttl = generation_and_ttl(row.meta, self._validate)
            if policy.generation_policy is GenerationPolicy.NONE:
                generation = None
        ttl = steps.ttl if ttl is None else ttl
        return BatchWrite(key, steps.operations, generation=generation, ttl=ttl, policy=policy), steps

    def _steps(self, ops: Any) -> Translated:
        if not isinstance(ops, list) or not ops:
            raise param_error("ops must be a list of aerospike operation dicts")
        steps = translated(ops, self._validate)
        if len(steps.operations) < len(ops):
            raise param_error("ops must be a list of aerospike operation dicts")
        return steps

    # --- what came of them ---

    def _found(
        self, keys: Sequence[Any], found: Sequence[Record | None], *, header_only: bool
    ) -> records.BatchRecords:
        """The rows of records that were read, none of which has failed."""
        make = TUPLES.header if header_only else tuples_of(self._deserializer())
        rows = []
        for key, record in zip(keys, found, strict=True):
            if record is None:
                rows.append(_row(TUPLES.key(key if isinstance(key, Key) else Key(*key)), None, NOT_FOUND))
            else:
                told = make(record)
                rows.append(_row(told[0], told, 0))
        return records.BatchRecords(rows)

    def _told(
        self,
        results: Sequence[BatchRecord],
        ops: Any = None,
        *,
        header_only: bool = False,
        writes: bool = False,
    ) -> records.BatchRecords:
        rows = []
        for result in results:
            record = result.record
            if record is not None and ops is not None and result.error is None:
                told = _operated(record, ops, writes)
                row = _row(told[0], told, 0)
            else:
                row = _row(TUPLES.key(result.key), None, 0)
                self._fill(row, result, ops, header_only=header_only, writes=writes)
            rows.append(row)
        made = records.BatchRecords(rows)
        made.result = _overall(rows)
        return made

    def _fill(
        self,
        row: records.BatchRecord,
        result: BatchRecord,
        ops: Any,
        *,
        header_only: bool = False,
        writes: bool = False,
    ) -> None:
        failure, code = result.error, result.result_code
        if failure is not None:
            error = from_pyspike(failure)
            row.result, row.message, row.subcode = error.args[0], error.msg, error.subcode
            row.in_doubt = result.in_doubt
        elif code is not None:
            row.result = int(code)
        if row.result == 0:
            row.record = self._record(result, ops, header_only, writes)

    def _record(self, result: BatchRecord, ops: Any, header_only: bool, writes: bool) -> Any:
        record = result.record
        if record is not None and ops is not None:
            return _operated(record, ops, writes)
        if record is None:
            return TUPLES.key(result.key), {"ttl": NEVER, "gen": 0}, {}
        if header_only:
            return TUPLES.header(record)
        return tuples_of(self._deserializer())(record)


def _row(key: tuple[Any, ...], record: Any, result: int) -> records.BatchRecord:
    """A row of an answer: as its constructor makes it, in less time."""
    row = _bare_row(records.BatchRecord)
    row.key = key
    row.record = record
    row.result = result
    row.message = None
    row.subcode = 0
    row.in_doubt = False
    return row


def _operated(record: Record, ops: Translated, writes: bool) -> tuple[Any, Any, dict[str, Any]]:
    """What the operations of a row gave."""
    if ops.is_plain:
        return TUPLES.results(record, ops.operations, with_none=writes)
    pairs = operated(ops, record.results, respond_all=writes)
    return *TUPLES.header(record), dict(pairs)


def _refused(keys: Sequence[Any]) -> list[BatchRecord]:
    """What came of rows whose batch no server would take."""
    return [
        BatchRecord(key if isinstance(key, Key) else Key(*key), result_code=ResultCode.PARAMETER_ERROR)
        for key in keys
    ]


def _overall(rows: Sequence[records.BatchRecord]) -> int:
    results = {row.result for row in rows}
    if results == ALL_REFUSED:
        return INVALID_REQUEST  # the batch as a whole
    return 0 if results <= NO_FAILURE else FAILED


def _check_keys(keys: Any) -> None:
    if not isinstance(keys, list):
        raise param_error("keys should be a list of aerospike key tuples")
    if not {*map(type, keys)} <= TUPLE_ONLY and not all(isinstance(key, tuple) for key in keys):
        raise param_error("key should be an aerospike key tuple")


def _check_names(bins: Any) -> None:
    if bins is None:
        return
    if not isinstance(bins, list):
        raise param_error("Bins argument should be a list.")
    for name in bins:
        if not isinstance(name, str):
            raise param_error("Bin name should be a string or unicode string.")
        check_length(name)

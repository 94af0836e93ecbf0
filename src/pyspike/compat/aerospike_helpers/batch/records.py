"""The rows of batches: what is asked of each record, and what came of it."""

from __future__ import annotations

from typing import Any

__all__ = ["Apply", "BatchRecord", "BatchRecords", "Read", "Remove", "Write"]


class _Types:
    READ = 0
    WRITE = 1
    APPLY = 2
    REMOVE = 3


class BatchRecord:
    """A row, and what came of it.

    Args:
        key: the record's key.

    Attributes:
        record: the record as `(key, meta, bins)`; None if there is none.
        result: the result code, 0 if it was done.
        message: what went wrong, if the server has said so.
        subcode: which of the reasons that the code has.
        in_doubt: whether a write was or may still be applied although it failed.
    """

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key = key
        self.record: Any = None
        self.result = 0
        self.message: str | None = None
        self.subcode = 0
        self.in_doubt = False


class Write(BatchRecord):
    """A row that applies operations, of which one writes at least.

    Args:
        key: the record's key.
        ops: the operations.
        meta: the generation that is expected, and the time to live.
        policy: the row's policy, of the kind `batch_write`.
    """

    def __init__(self, key: tuple[Any, ...], ops: Any, meta: Any = None, policy: Any = None) -> None:
        super().__init__(key)
        self.ops = ops
        self._type = _Types.WRITE
        self._has_write = True
        self.meta = meta
        self.policy = policy


class Read(BatchRecord):
    """A row that reads bins, or applies operations that read.

    Args:
        key: the record's key.
        ops: the operations; None with `read_all_bins`.
        read_all_bins: whether all bins are read.
        meta: not used.
        policy: the row's policy, of the kind `batch_read`.
    """

    def __init__(
        self,
        key: tuple[Any, ...],
        ops: Any,
        read_all_bins: bool = False,
        meta: Any = None,
        policy: Any = None,
    ) -> None:
        super().__init__(key)
        self.ops = ops
        self.read_all_bins = read_all_bins
        self._type = _Types.READ
        self._has_write = False
        self.meta = meta
        self.policy = policy


class Apply(BatchRecord):
    """A row that calls a function on the record.

    Args:
        key: the record's key.
        module: the name of a registered module.
        function: the function's name.
        args: its arguments behind the record.
        policy: the row's policy, of the kind `batch_apply`.
    """

    def __init__(
        self, key: tuple[Any, ...], module: str, function: str, args: Any, policy: Any = None
    ) -> None:
        super().__init__(key)
        self._type = _Types.APPLY
        self._has_write = True
        self.module = module
        self.function = function
        self.args = args
        self.policy = policy


class Remove(BatchRecord):
    """A row that removes the record.

    Args:
        key: the record's key.
        policy: the row's policy, of the kind `batch_remove`.
    """

    def __init__(self, key: tuple[Any, ...], policy: Any = None) -> None:
        super().__init__(key)
        self._type = _Types.REMOVE
        self._has_write = True
        self.policy = policy


class BatchRecords:
    """The rows of a batch.

    Args:
        batch_records: the rows.

    Attributes:
        result: the result code of the whole batch; 0 also where rows have failed.
    """

    def __init__(self, batch_records: list[BatchRecord] | None = None) -> None:
        self.batch_records = [] if batch_records is None else batch_records
        self.result = 0

"""What users hold of batches: rows, what came of each, and of all of them.

Rows, `BatchRecord` and streams are compiled (`src/wire/requests/batch_rows.pyx`,
`src/wire/values/batch_record.pyx`, and `batch_stream.pyx` in `src/wire/threads` and `src/wire/tasks`); this
module has the results of a whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, overload

from pyspike._wire import (
    AsyncBatchStream,
    BatchDelete,
    BatchRead,
    BatchRecord,
    BatchRow,
    BatchStream,
    BatchUDF,
    BatchWrite,
    Record,
)
from pyspike.errors import BatchError
from pyspike.showing import shown

__all__ = [
    "AsyncBatchStream",
    "BatchDelete",
    "BatchRead",
    "BatchRecord",
    "BatchResults",
    "BatchRow",
    "BatchStream",
    "BatchUDF",
    "BatchWrite",
]


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    V = TypeVar("V", covariant=True, default=Any)
else:
    from typing import TypeVar

    V = TypeVar("V", covariant=True)


class BatchResults(Sequence[BatchRecord[V]], Generic[V]):
    """What came of the rows of a batch, in their order: a sequence of `BatchRecord`.

    Type checkers know of what class the values are, by the rows: of those that are read into `User`, it is a
    `BatchResults[User | None]`. The type of rows of several classes says which, such as
    `list[BatchRead[User | Order]]`.

    Args:
        rows: what came of each row.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[BatchRecord[V]]) -> None:
        self._rows = tuple(rows)

    @property
    def ok(self) -> bool:
        """Whether no row failed."""
        return all(row.ok for row in self._rows)

    @property
    def failed(self) -> list[BatchRecord[V]]:
        """The rows that failed."""
        return [row for row in self._rows if not row.ok]

    @property
    def records(self) -> list[Record | None]:
        """The record of each row; None where there is none."""
        return [row.record for row in self._rows]

    def raise_for_errors(self) -> None:
        """Raise if a row failed.

        Raises:
            BatchError: at least one did; it has all results, and names the first that failed.
        """
        error = self.error()
        if error is not None:
            raise error

    def error(self) -> BatchError | None:
        """The error that `raise_for_errors` raises; None if no row failed."""
        failed = self.failed
        return (
            rows_failed(self, len(failed), in_doubt=any(row.in_doubt for row in failed)) if failed else None
        )

    @overload
    def __getitem__(self, index: int) -> BatchRecord[V]: ...

    @overload
    def __getitem__(self, index: slice) -> BatchResults[V]: ...

    def __getitem__(self, index: int | slice) -> BatchRecord[V] | BatchResults[V]:
        return BatchResults(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[BatchRecord[V]]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BatchResults):
            return NotImplemented
        return self._rows == other._rows

    def __hash__(self) -> int:
        return hash(self._rows)

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if not self.ok else ""
        return f"<BatchResults of {len(self)} rows{failed}: {shown(list(self._rows))}>"


def rows_failed(results: BatchResults, failed: int, *, in_doubt: bool) -> BatchError:
    """The error of a batch of which so many rows failed, one of them `in_doubt`."""
    return BatchError(
        f"{failed} of {len(results)} rows failed",
        results=results,
        in_doubt=in_doubt,
        advice=advice_of(results),
    )


def advice_of(results: Sequence[BatchRecord]) -> str:
    """The advice of the first row that failed."""
    return next((row.error.advice for row in results if row.error is not None), "")

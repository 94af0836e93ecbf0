"""Rows of batches, done in the way that costs least: many as batches, a few as commands on single records.

A batch takes a connection of its own to each node for as long as it lasts. A command of a task does not: many
tasks share a connection. So hundreds of tasks that read or write a record or two don't wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pyspike._wire import BatchDelete, BatchRead, BatchRow, BatchWrite, Record
from pyspike.contrib.steps import Call, Steps
from pyspike.errors import FilteredOut, RecordNotFound
from pyspike.policy import ReadPolicy, ReadTouchTTL

if TYPE_CHECKING:
    from pyspike.aio import AsyncClient
    from pyspike.batch import BatchResults
    from pyspike.client import Client

__all__ = ["batch"]

MOST = 1000  # of a batch: some servers refuse one with more than 5,000 for a node (batch-max-requests)
FEW = 4


def batch(rows: Sequence[BatchRead | BatchWrite | BatchDelete]) -> Steps[list[Record | None]]:
    """Read, write and delete records, and give that of each row; None if there is none, or a filter is false.

    Args:
        rows: of their policies count filters, and how reads begin a time to live anew. They are done in any
            order.

    Raises:
        AerospikeError: a row failed; a BatchError if there are many rows. Rows far behind it are not sent.
    """
    records: list[Record | None] = []
    for begin in range(0, len(rows), MOST):
        records += yield _Rows(rows[begin : begin + MOST])
    return records


class _Rows(Call):
    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[BatchRow]) -> None:
        super().__init__("batch", rows)
        self.rows = rows

    def make(self, client: Client) -> list[Record | None]:
        if len(self.rows) > 1:
            return _checked(*_of_batch(client.batch(self.rows)))
        try:
            return [_record(_command(self.rows[0]).make(client))]
        except FilteredOut:
            return [None]

    async def make_async(self, client: AsyncClient) -> list[Record | None]:
        if len(self.rows) > FEW:
            return _checked(*_of_batch(await client.batch(self.rows)))
        commands = (_command(row).make_async(client) for row in self.rows)
        return _checked(*_told(await asyncio.gather(*commands, return_exceptions=True)))


def _of_batch(results: BatchResults) -> tuple[list[Record | None], BaseException | None]:
    records, error = _told([row.error or row.record for row in results])
    return records, results.error() if error is not None and len(results) > FEW else error


def _told(outcomes: Sequence[object]) -> tuple[list[Record | None], BaseException | None]:
    """The records, and the first error that is one."""
    errors = (each for each in outcomes if isinstance(each, BaseException))
    first = next((each for each in errors if not isinstance(each, FilteredOut)), None)
    return [_record(each) for each in outcomes], first


def _checked(records: list[Record | None], error: BaseException | None) -> list[Record | None]:
    """The records, if there is no error; that is raised where no frame keeps it."""
    if error is not None:
        try:
            raise error
        finally:
            del error
    return records


def _command(row: BatchRow) -> Call:
    """The command that does what a row does."""
    if isinstance(row, BatchRead):
        touch = getattr(row.policy, "read_touch_ttl", None)
        policy = None if touch is None else _reading(touch)
        if row.operations is not None:
            return _Lookup("operate", row.key, row.operations, policy=policy)
        return Call("get", row.key, row.bins, default=None, policy=policy)
    if isinstance(row, BatchWrite):
        condition = getattr(row.policy, "filter_expression", None)
        return Call("operate", row.key, row.operations, ttl=row.ttl, filter_expression=condition)
    return Call("delete", row.key)


class _Lookup(Call):
    """Operations that read, which give None where there is no record."""

    __slots__ = ()

    def make(self, client: Client) -> Record | None:
        try:
            return super().make(client)  # type: ignore[no-any-return]
        except RecordNotFound:
            return None

    async def make_async(self, client: AsyncClient) -> Record | None:
        try:
            return await super().make_async(client)  # type: ignore[no-any-return]
        except RecordNotFound:
            return None


@cache
def _reading(touch: int | ReadTouchTTL) -> ReadPolicy:
    return ReadPolicy(read_touch_ttl=touch)


def _record(result: object) -> Record | None:
    return result if isinstance(result, Record) else None

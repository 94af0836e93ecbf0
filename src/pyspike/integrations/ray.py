"""Data sets of Ray, read and written by ranges of Aerospike's partitions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pyarrow
from ray.data import Datasource, ReadTask
from ray.data.block import BlockAccessor, BlockMetadata
from ray.data.datasource import Datasink

from pyspike.hosts import HostsLike
from pyspike.integrations.place import Place, place_of
from pyspike.integrations.selection import ALL_AT_ONCE, Selection, Target
from pyspike.query import ALL_PARTITIONS, PartitionFilter

__all__ = ["AerospikeDatasink", "AerospikeDatasource"]


class AerospikeDatasource(Datasource):  # type: ignore[misc]
    """The records of a selection: `ray.data.read_datasource(AerospikeDatasource(...))`.

    Args:
        place: where the cluster is, or its hosts.
        selection: which records, and in which columns. Without a schema some records are read now.
    """

    def __init__(self, place: Place | HostsLike, selection: Selection) -> None:
        super().__init__()
        self._place = place_of(place)
        self._selection = selection.with_schema(self._place)

    def get_name(self) -> str:
        """What Ray calls it."""
        return "Aerospike"

    def estimate_inmemory_data_size(self) -> int | None:
        """None: nobody knows how large the records are."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
    ) -> list[ReadTask]:
        """A task for each of so many ranges of partitions."""
        schema = pyarrow.schema(self._selection.columns)
        metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        ranges = ALL_PARTITIONS.split(min(max(1, parallelism), ALL_AT_ONCE))
        return [
            ReadTask(
                partial(_read, self._place, self._selection, each),
                metadata,
                schema=schema,
                per_task_row_limit=per_task_row_limit,
            )
            for each in ranges
        ]


def _read(place: Place, selection: Selection, partitions: PartitionFilter) -> Iterable[Any]:
    """The blocks of a range."""
    found = False
    with selection.read(place, partitions) as batches:
        for batch in batches:
            found = True
            yield batch.to_pyarrow()
    if not found:
        yield pyarrow.schema(selection.columns).empty_table()


class AerospikeDatasink(Datasink):  # type: ignore[misc]
    """Where rows become records: `dataset.write_datasink(AerospikeDatasink(...))`.

    Args:
        place: where the cluster is, or its hosts.
        target: where the rows go, and which column has the keys.
    """

    def __init__(self, place: Place | HostsLike, target: Target) -> None:
        super().__init__()
        self._place = place_of(place)
        self._target = target

    def get_name(self) -> str:
        """What Ray calls it."""
        return "Aerospike"

    def write(self, blocks: Iterable[Any], ctx: Any) -> int:
        """Write the rows of blocks; returns how many were written. A block without rows may lack columns.

        Raises:
            RowRefused: the server can't hold a value.
            AerospikeError: a row failed.
        """
        tables = (BlockAccessor.for_block(block).to_arrow() for block in blocks)
        return sum(self._target.write(self._place, table) for table in tables if table.num_rows)

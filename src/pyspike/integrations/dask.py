"""Frames of Dask, whose partitions are ranges of Aerospike's, read and written where they are worked on."""

from __future__ import annotations

from typing import Any

import dask
import dask.dataframe as dd
import pyarrow

from pyspike.hosts import HostsLike
from pyspike.integrations.place import Place, place_of
from pyspike.integrations.selection import Selection, Target
from pyspike.query import ALL_PARTITIONS, PartitionFilter

__all__ = ["read", "write"]


class _Read:
    """Reads a range; Dask tells it which columns are needed."""

    def __init__(self, place: Place, selection: Selection) -> None:
        self._place = place
        self._selection = selection

    def __call__(self, partitions: PartitionFilter, columns: list[str] | None = None) -> Any:
        selection = self._selection.of_columns(columns)
        table = selection.read(self._place, partitions).to_pyarrow()
        return _frame(table if columns is None else table.select(columns))

    def __dask_tokenize__(self) -> Any:
        return repr((self._place, self._selection))


def _frame(table: Any) -> Any:
    """A frame of pandas in which integers stay integers where a value is missing, and text is Arrow's."""
    import pandas

    return table.to_pandas(types_mapper=pandas.ArrowDtype)


def read(place: Place | HostsLike, selection: Selection, *, npartitions: int = 16) -> Any:
    """The records of a selection as a frame of Dask, which is read when it is computed.

        frame = read("10.0.0.7:3000", Selection("test", "users", ["name", "age"]))

    The columns are of Arrow's types. Only the columns that are used are asked for.

    Args:
        place: where the cluster is, or its hosts.
        selection: which records, and in which columns. Without a schema some records are read now.
        npartitions: how many partitions the frame has, up to 4096.

    Raises:
        InvalidArgument: there can't be so many partitions.
        AerospikeError: no node can be reached.
    """
    place = place_of(place)
    selection = selection.with_schema(place)
    meta = _frame(pyarrow.schema(selection.columns).empty_table())
    ranges = ALL_PARTITIONS.split(npartitions)
    return dd.from_map(_Read(place, selection), ranges, meta=meta, label="aerospike", enforce_metadata=False)


def write(frame: Any, place: Place | HostsLike, target: Target, *, compute: bool = True) -> Any:
    """Write the rows of a frame of Dask as records, each partition where it is worked on.

    Args:
        frame: the frame.
        place: where the cluster is, or its hosts.
        target: where the rows go, and which column has the keys. The index is not written.
        compute: whether to write now; else what writes when it is computed.

    Returns:
        How many rows were written.

    Raises:
        RowRefused: the server can't hold a value.
        AerospikeError: a row failed.
    """
    writes = [_write(part, place_of(place), target) for part in frame.to_delayed()]
    total = dask.delayed(sum)(writes)
    return total.compute() if compute else total


@dask.delayed(pure=False)  # type: ignore[untyped-decorator, unused-ignore]
def _write(part: Any, place: Place, target: Target) -> int:
    return target.write(place, pyarrow.Table.from_pandas(part, preserve_index=False))

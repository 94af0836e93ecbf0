"""The batches of a query, and the tables of other libraries that are made of them.

No library is needed for a stream itself. One that is asked for is imported then.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pyspike._wire import ArrowSchema, ColumnBatch, ColumnStream
from pyspike.columnar.numbers import numpy_columns
from pyspike.errors import InvalidArgument, InvalidType, UnsupportedFeature
from pyspike.process.in_thread import in_thread
from pyspike.process.lazy_imports import LazyModule
from pyspike.query import Cursor

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow
else:
    numpy, pandas = LazyModule("numpy"), LazyModule("pandas")
    polars, pyarrow = LazyModule("polars"), LazyModule("pyarrow")

__all__ = ["ArrowBatch", "ArrowStream", "AsyncArrowStream"]

T = TypeVar("T")


_EXTRAS = {  # those of this package that bring what else is needed
    "pandas": "'pyspike-aerospike[pandas]'",
    "polars": "'pyspike-aerospike[polars]'",
    "pyarrow": "'pyspike-aerospike[arrow]'",
}


def _library(name: str) -> Any:
    """A library, which is imported now.

    Raises:
        UnsupportedFeature: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnsupportedFeature(
            f"{name} is not installed, or can't be imported: {error}",
            advice=f"pip install {_EXTRAS.get(name, name)}",
        ) from None


class _Tables:
    """What a stream and a batch have in common: they become tables of other libraries."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def schema(self) -> ArrowSchema: ...

    def to_pyarrow(self) -> pyarrow.Table:
        """All rows as a table of pyarrow.

        Raises:
            UnsupportedFeature: pyarrow is not installed.
        """
        table: pyarrow.Table = self._read(_library("pyarrow").table)
        return table

    def to_polars(self) -> polars.DataFrame:
        """All rows as a frame of polars.

        Raises:
            UnsupportedFeature: polars is not installed.
        """
        frame: polars.DataFrame = self._read(_library("polars").DataFrame)
        return frame

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a frame of pandas, by way of pyarrow.

        Raises:
            UnsupportedFeature: pandas or pyarrow is not installed.
        """
        _library("pandas")
        frame: pandas.DataFrame = self.to_pyarrow().to_pandas()
        return frame

    def to_numpy(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """Each column as an array of numpy, by its name.

        That goes for values of a fixed size: numbers, bools, times and digests. Missing floats are NaN,
        missing times NaT.

        Raises:
            UnsupportedFeature: numpy is not installed.
            InvalidArgument: a column has values of other types, or lacks integers or bools.
        """
        return numpy_columns(_library("numpy"), self.schema, self._batches())

    def _read(self, make: Callable[[Any], T]) -> T:
        return make(self)

    def _batches(self) -> Iterable[ColumnBatch]:
        raise NotImplementedError


class ArrowBatch(ColumnBatch, _Tables):
    """Some rows of an `ArrowStream`, in columns.

    Anything that takes Arrow's PyCapsule interface takes it, such as `pyarrow.record_batch(batch)`; several
    libraries may, and they share its memory. It has a `schema`, `num_rows` and `nbytes`.
    """

    __slots__ = ()

    def _batches(self) -> Iterable[ColumnBatch]:
        return (self,)


class ArrowStream(ColumnStream, _Tables):
    """The records of a query, or of keys, in columns: an iterator of `ArrowBatch`, and a context manager.

    Anything that takes Arrow's PyCapsule interface takes it as a whole, such as `pyarrow.table(stream)`,
    `polars.DataFrame(stream)` or `duckdb.sql("from stream")`. It is read once, in any thread; nothing is sent
    before the first batch is asked for, or a schema that nobody gave. Meanwhile other threads run.

    Attributes:
        schema: of all batches. One that is guessed has the first batch received.
        cursor: where a query stands behind the batches that were given; None of keys. Also after an error or
            `close`.
        error: with which it ended, also where a library has raised an error of its own; None without one.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[ArrowBatch]:
        return self

    def __enter__(self) -> ArrowStream:
        return self

    def __next__(self) -> ArrowBatch:
        batch = self.next_batch(ArrowBatch)
        if batch is None:
            raise StopIteration
        assert isinstance(batch, ArrowBatch)
        return batch

    def _read(self, make: Callable[[Any], T]) -> T:
        self.raises_itself = True
        try:
            return make(self)
        except Exception:
            if self.error is None:
                raise
        raise self.error  # which the library has told in an error of its own

    def _batches(self) -> Iterable[ColumnBatch]:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'failed' if self.error is not None else 'open'}>"


class AsyncArrowStream:
    """The records of a query, or of keys, in columns, for tasks: an asynchronous iterator of `ArrowBatch`.

    It receives and decodes in a thread, so that the loop goes on meanwhile. Nothing is sent before the first
    batch is asked for, or a schema that nobody gave. Also an asynchronous context manager. Libraries take its
    batches, and the whole of it by `to_pyarrow` and so on, or in a thread of theirs as `in_threads`.

    Args:
        stream: what gives the batches.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: ArrowStream) -> None:
        self._stream = stream

    @property
    def in_threads(self) -> ArrowStream:
        """The same stream for a thread, which waits while it receives."""
        return self._stream

    @property
    def schema(self) -> ArrowSchema:
        """The schema of all batches, as far as it is known without waiting.

        That is one that was given, and one that is guessed once it was read, or a batch was.

        Raises:
            InvalidArgument: it is not known yet; `read_schema` receives it.
        """
        schema = self._stream.known_schema
        if schema is None:
            raise InvalidArgument(
                "the schema is not known yet: it is guessed of the first records, which have to be received",
                advice="await stream.read_schema()",
            )
        return schema

    def __arrow_c_schema__(self) -> object:
        """Return the schema in a capsule; raises what `schema` does."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> NoReturn:
        """Refuse to be read by a library, which would wait for nodes where the loop runs.

        Raises:
            InvalidType: always.
        """
        raise InvalidType(
            "a library that reads a stream for tasks would wait in the loop",
            advice="await stream.to_pyarrow() or another of its methods, or have a thread read it: "
            "await asyncio.to_thread(pyarrow.table, stream.in_threads)",
        )

    @property
    def cursor(self) -> Cursor | None:
        """Where a query stands behind the batches that were given: see `ArrowStream`."""
        return self._stream.cursor

    @property
    def error(self) -> BaseException | None:
        """With which it ended; None without one."""
        return self._stream.error

    async def read_schema(self) -> ArrowSchema:
        """The schema of all batches; for one that nobody gave, the first batch is received."""
        schema: ArrowSchema = await self._in_thread(getattr, self._stream, "schema")
        return schema

    def __aiter__(self) -> AsyncArrowStream:
        return self

    async def __anext__(self) -> ArrowBatch:
        batch = await self._in_thread(self._stream.next_batch, ArrowBatch)
        if batch is None:
            raise StopAsyncIteration
        assert isinstance(batch, ArrowBatch)
        return batch

    async def to_pyarrow(self) -> pyarrow.Table:
        """All rows as a table of pyarrow; raises what `ArrowStream.to_pyarrow` does."""
        return await self._in_thread(self._stream.to_pyarrow)

    async def to_polars(self) -> polars.DataFrame:
        """All rows as a frame of polars; raises what `ArrowStream.to_polars` does."""
        return await self._in_thread(self._stream.to_polars)

    async def to_pandas(self) -> pandas.DataFrame:
        """All rows as a frame of pandas; raises what `ArrowStream.to_pandas` does."""
        return await self._in_thread(self._stream.to_pandas)

    async def to_numpy(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """Each column as an array of numpy; raises what `ArrowStream.to_numpy` does."""
        return await self._in_thread(self._stream.to_numpy)

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        done = False
        try:
            result = await in_thread(call, *args)
            done = True
            return result
        finally:
            if not done:  # also if the task was cancelled: the thread ends soon, too
                self._stream.close()

    async def aclose(self) -> None:
        """End it; see `ArrowStream.close`. It waits for nothing."""
        self._stream.close()

    async def __aenter__(self) -> AsyncArrowStream:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncArrowStream {'failed' if self.error is not None else 'open'}>"

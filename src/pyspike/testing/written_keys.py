"""Clients that keep the keys of the records they have written, so that these can be deleted after a test.

They also keep which indexes and modules they have made that were not there before.

Owns: which commands count as having written or made, for both clients. Not here: when what is kept is deleted
(shared.py).
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

from pyspike import (
    AsyncClient,
    BatchError,
    BatchRecord,
    BatchRow,
    BatchUDF,
    BatchWrite,
    Client,
    ClientPolicy,
    Key,
)
from pyspike._wire import Batch, Commands, Executor
from pyspike.cluster import udf_modules
from pyspike.hosts import HostsLike

__all__ = ["BATCH_WRITES", "MAKES", "WRITES", "TrackingAsyncClient", "TrackingClient", "WrittenKeys"]

WRITES = ("add", "append", "execute_udf", "operate", "prepend", "put")
"""The methods that may leave a record that was not there."""

BATCH_WRITES = {"batch": "rows", "batch_apply": "keys", "batch_operate": "keys", "batch_put": "records"}
"""The methods that may leave many, each with the name of its first argument."""

S = TypeVar("S", bound="_Tracked")


MAKES = ("create_index", "create_set_index", "register_udf")
"""The methods that may leave an index or a module that was not there."""

# Builds commands and sends none: whether they write, and to which key, is read off them.
_BUILDER = Commands(Executor(), ClientPolicy().read.settings, ClientPolicy().write.settings)


class WrittenKeys:
    """The keys of the records that were written, each once, in the order of writing.

    Attributes:
        indexes: those that were made, by namespace and name.
        modules: those that were registered, by name.
    """

    def __init__(self) -> None:
        self.indexes: dict[tuple[str, str], None] = {}
        self.modules: dict[str, None] = {}
        self._keys: dict[Key, None] = {}
        self._streams: list[_Tracked] = []
        self._batches: list[Batch] = []  # of rows of columns

    def during(self, method: str, *args: Any, **options: Any) -> _During:
        """A context manager around a command: it keeps the key if the command has written or may have."""
        key = None
        with contextlib.suppress(Exception):  # the client refuses it too
            command: Any = getattr(_BUILDER, method)(*args, **options)
            key = command.key if command.write else None
        return _During(self._keys, key)

    def during_batch(self, method: str, *args: Any, **options: Any) -> _DuringBatch:
        """A context manager around a batch: it keeps the keys of the rows that have written or may have.

        What it gives has the arguments to run the batch with, as some iterables can be read only once.
        """
        return _DuringBatch(self._keys, method, *_lists(method, args, options))

    def stream(self, kind: type[S], rows: Any, send: Callable[[Any], Any]) -> S:
        """The stream that `send` makes of rows; it keeps the keys of those that have written or may have."""
        stream = kind(rows, send)
        self._streams.append(stream)
        return stream

    def note_rows(self, batch: Batch) -> None:
        """Keep the keys of rows of columns, but for those that will have been refused."""
        self._batches.append(batch)

    def take(self) -> list[Key]:
        """Give all keys that were kept so far, and forget them."""
        for batch in self._batches:
            self._keys.update({batch.key(row): None for row in range(len(batch)) if not batch.code(row)})
        self._batches.clear()
        for stream in self._streams:
            self._keys.update(dict.fromkeys(stream.written()))
        keys = list(self._keys)
        self._keys.clear()
        self._streams.clear()
        return keys


class _Making:
    """A context manager around what makes something: it is kept if it was not there before.

    Args:
        kept: what was made.
        there: what there was before.
        made: what is made now.
    """

    def __init__(self, kept: dict[Any, None], there: Iterable[object], made: object) -> None:
        self._kept = kept
        self._made = made
        self._was_there = made in there

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._was_there and (error is None or getattr(error, "in_doubt", True)):
            self._kept[self._made] = None


class _During:
    def __init__(self, keys: dict[Key, None], key: Key | None) -> None:
        self._keys = keys
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A write that was refused has left somebody else's record as it was.
        if self._key is not None and (error is None or getattr(error, "in_doubt", True)):
            self._keys[self._key] = None


class _DuringBatch:
    def __init__(
        self, keys: dict[Key, None], method: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self.args = args
        self.options = options
        self.outcome: Any = None  # what the batch has given
        self._keys = keys
        self._writers: list[Key | None] = []  # for each row its key if it writes
        with contextlib.suppress(Exception):  # the client refuses it too
            self._writers = _writers(method, args, options)

    def __enter__(self) -> _DuringBatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        results = error.results if isinstance(error, BatchError) else self.outcome
        if results is not None:
            self._keep(result.ok or result.in_doubt for result in results)
        elif not isinstance(error, Exception):  # all rows were written, or it was given up, as by Ctrl-C
            self._keep(itertools.repeat(True))

    def _keep(self, written: Iterable[bool]) -> None:
        """Keep the keys of those rows that write for which it is true."""
        self._keys.update({key: None for key, kept in zip(self._writers, written) if key and kept})  # noqa: B905


class _Tracked:
    """A stream that knows which keys its rows may have written.

    Outcomes do not tell which of several rows with one key they are of. So one of the rows that write was
    done if more were done than there are others.

    Args:
        rows: those of the stream.
        send: makes it of them.
    """

    def __init__(self, rows: Any, send: Callable[[Any], Any]) -> None:
        self._writes: Counter[Key] = Counter()  # rows that were read
        self._others: Counter[Key] = Counter()
        self._done: Counter[Key] = Counter()
        self._failed: Counter[Key] = Counter()
        self._stream = send(self._seen_later(rows) if hasattr(type(rows), "__aiter__") else self._seen(rows))

    def _seen(self, rows: Iterable[Any]) -> Iterator[Any]:
        for row in rows:
            self._see(row)
            yield row

    async def _seen_later(self, rows: AsyncIterable[Any]) -> AsyncIterator[Any]:
        async for row in rows:
            self._see(row)
            yield row

    def _see(self, row: Any) -> None:
        if isinstance(row, BatchRow):
            (self._writes if isinstance(row, (BatchUDF, BatchWrite)) else self._others)[row.key] += 1

    def _note(self, outcome: BatchRecord) -> BatchRecord:
        if outcome.in_doubt:
            self._done[outcome.key] += 1 + self._others[outcome.key]
        else:
            (self._done if outcome.ok else self._failed)[outcome.key] += 1
        return outcome

    def written(self) -> list[Key]:
        """The keys of rows that have written or may have, those without an outcome included."""
        return [
            key
            for key, writes in self._writes.items()
            if self._done[key] > self._others[key]
            or self._done[key] + self._failed[key] < writes + self._others[key]
        ]


class TrackedStream(_Tracked):
    """A `BatchStream` that knows which keys its rows may have written."""

    def __iter__(self) -> TrackedStream:
        return self

    def __next__(self) -> BatchRecord:
        return self._note(next(self._stream))

    def close(self) -> None:
        """As `BatchStream.close`."""
        self._stream.close()

    def __enter__(self) -> TrackedStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TrackedAsyncStream(_Tracked):
    """An `AsyncBatchStream` that knows which keys its rows may have written."""

    def __aiter__(self) -> TrackedAsyncStream:
        return self

    async def __anext__(self) -> BatchRecord:
        return self._note(await self._stream.__anext__())

    async def aclose(self) -> None:
        """As `AsyncBatchStream.aclose`."""
        await self._stream.aclose()

    async def __aenter__(self) -> TrackedAsyncStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _lists(
    method: str, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a batch, but with rows and operations in tuples, which can be iterated twice."""
    options = dict(options)
    name = BATCH_WRITES[method]
    if name in options:
        args = (options.pop(name), *args)
    with contextlib.suppress(TypeError):
        args = (tuple(args[0].items() if isinstance(args[0], Mapping) else args[0]), *args[1:])
    return _options(args, options) if method == "batch_operate" else (args, options)


def _writers(method: str, args: tuple[Any, ...], options: dict[str, Any]) -> list[Key | None]:
    if method == "batch":
        return [row.key if isinstance(row, (BatchUDF, BatchWrite)) else None for row in args[0]]
    if method == "batch_put":
        return [_key(key) for key, _ in args[0]]
    if method == "batch_apply":
        return [_key(key) for key in args[0]]
    operations = args[1] if len(args) > 1 else options["operations"]
    writes = any(operation.is_write for operation in operations)
    return [_key(key) if writes else None for key in args[0]]


def _key(given: Any) -> Key:
    return given if isinstance(given, Key) else Key(*given)


def _options(
    args: tuple[Any, ...], options: dict[str, Any], name: str = "operations", place: int = 1
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same arguments, but with the one of this name and place in a tuple, which can be iterated twice."""
    with contextlib.suppress(TypeError):
        if name in options:
            options[name] = tuple(options[name])
        elif len(args) > place:
            args = (*args[:place], tuple(args[place]), *args[place + 1 :])
    return args, options


def _repeatable(
    method: str, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a command, which can be used twice."""
    if method == "operate":
        return _options(args, options)
    given = options.get("args", args[3] if len(args) > 3 else ())
    if method == "execute_udf" and not isinstance(given, (str, bytes, dict)):  # those the client refuses
        return _options(args, options, "args", 3)
    return args, options


def _blocking(method: str) -> Callable[..., Any]:
    send = getattr(Client, method)

    @functools.wraps(send)
    def command(self: TrackingClient, *args: Any, **options: Any) -> Any:
        args, options = _repeatable(method, args, options)
        with self.written.during(method, *args, **options):
            return send(self, *args, **options)

    return command


def _awaitable(method: str) -> Callable[..., Any]:
    send = getattr(AsyncClient, method)

    @functools.wraps(send)
    async def command(self: TrackingAsyncClient, *args: Any, **options: Any) -> Any:
        args, options = _repeatable(method, args, options)
        with self.written.during(method, *args, **options):
            return await send(self, *args, **options)

    return command


def _blocking_batch(method: str) -> Callable[..., Any]:
    send = getattr(Client, method)

    @functools.wraps(send)
    def command(self: TrackingClient, *args: Any, **options: Any) -> Any:
        with self.written.during_batch(method, *args, **options) as batch:
            batch.outcome = send(self, *batch.args, **batch.options)
        return batch.outcome

    return command


def _awaitable_batch(method: str) -> Callable[..., Any]:
    send = getattr(AsyncClient, method)

    @functools.wraps(send)
    async def command(self: TrackingAsyncClient, *args: Any, **options: Any) -> Any:
        with self.written.during_batch(method, *args, **options) as batch:
            batch.outcome = await send(self, *batch.args, **batch.options)
        return batch.outcome

    return command


def _made_index(namespace: str, set_name: str | None, name: str, **options: Any) -> tuple[str, str]:
    """What an index is kept by, of the arguments that it is created with."""
    return namespace, name


class TrackingClient(Client):
    """A `Client` that keeps the keys it has written, also through its views."""

    written: WrittenKeys

    def __init__(self, hosts: HostsLike, written: WrittenKeys, policy: ClientPolicy | None = None) -> None:
        super().__init__(hosts, policy)
        self.written = written

    def batch_stream(self, rows: Iterable[Any], **options: Any) -> Any:
        """As `Client.batch_stream`."""
        send = super().batch_stream
        try:
            rows = iter(rows)
        except TypeError:
            return send(rows, **options)  # which refuses them
        return self.written.stream(TrackedStream, rows, lambda seen: send(seen, **options))

    def _plan_of_rows(self, batch: Batch) -> Any:
        self.written.note_rows(batch)
        return super()._plan_of_rows(batch)

    def with_policies(self, **policies: Any) -> TrackingClient:
        """A view with other default policies, which keeps the keys it writes in the same place."""
        view = super().with_policies(**policies)
        assert isinstance(view, TrackingClient)
        view.written = self.written
        return view

    def with_transaction(self, txn: Any) -> TrackingClient:
        """A view that is bound to a transaction, which keeps the keys it writes in the same place."""
        view = super().with_transaction(txn)
        assert isinstance(view, TrackingClient)
        view.written = self.written
        return view

    def create_index(self, *args: Any, **options: Any) -> Any:
        """As `Client.create_index`."""
        there = [(index.namespace, index.name) for index in self.list_indexes()]
        with _Making(self.written.indexes, there, _made_index(*args, **options)):
            return super().create_index(*args, **options)

    def create_set_index(self, *args: Any, **options: Any) -> Any:
        """As `Client.create_set_index`."""
        there = [(index.namespace, index.name) for index in self.list_indexes()]
        with _Making(self.written.indexes, there, _made_index(*args, **options)):
            return super().create_set_index(*args, **options)

    def register_udf(self, source: Any, name: Any = None, **options: Any) -> Any:
        """As `Client.register_udf`."""
        there = [module.name for module in self.list_udfs()]
        with _Making(self.written.modules, there, udf_modules.name_of(source, name)):
            return super().register_udf(source, name, **options)


class TrackingAsyncClient(AsyncClient):
    """An `AsyncClient` that keeps the keys it has written, also through its views."""

    written: WrittenKeys

    @classmethod
    def of(cls, client: Client, written: WrittenKeys) -> TrackingAsyncClient:
        """Make a client that shares the cluster of a blocking client."""
        new = cls.sharing(client)
        assert isinstance(new, cls)
        new.written = written
        return new

    def batch_stream(self, rows: Any, **options: Any) -> Any:
        """As `AsyncClient.batch_stream`."""
        send = super().batch_stream
        if not hasattr(type(rows), "__aiter__"):
            try:
                rows = iter(rows)
            except TypeError:
                return send(rows, **options)  # which refuses them
        return self.written.stream(TrackedAsyncStream, rows, lambda seen: send(seen, **options))

    def _plan_of_rows(self, batch: Batch) -> Any:
        self.written.note_rows(batch)
        return super()._plan_of_rows(batch)

    def with_policies(self, **policies: Any) -> TrackingAsyncClient:
        """A view with other default policies, which keeps the keys it writes in the same place."""
        view = super().with_policies(**policies)
        assert isinstance(view, TrackingAsyncClient)
        view.written = self.written
        return view

    def with_transaction(self, txn: Any) -> TrackingAsyncClient:
        """A view that is bound to a transaction, which keeps the keys it writes in the same place."""
        view = super().with_transaction(txn)
        assert isinstance(view, TrackingAsyncClient)
        view.written = self.written
        return view

    async def create_index(self, *args: Any, **options: Any) -> Any:
        """As `AsyncClient.create_index`."""
        there = [(index.namespace, index.name) for index in await self.list_indexes()]
        with _Making(self.written.indexes, there, _made_index(*args, **options)):
            return await super().create_index(*args, **options)

    async def create_set_index(self, *args: Any, **options: Any) -> Any:
        """As `AsyncClient.create_set_index`."""
        there = [(index.namespace, index.name) for index in await self.list_indexes()]
        with _Making(self.written.indexes, there, _made_index(*args, **options)):
            return await super().create_set_index(*args, **options)

    async def register_udf(self, source: Any, name: Any = None, **options: Any) -> Any:
        """As `AsyncClient.register_udf`."""
        there = [module.name for module in await self.list_udfs()]
        with _Making(self.written.modules, there, udf_modules.name_of(source, name)):
            return await super().register_udf(source, name, **options)


for _method in WRITES:
    setattr(TrackingClient, _method, _blocking(_method))
    setattr(TrackingAsyncClient, _method, _awaitable(_method))
for _method in BATCH_WRITES:
    setattr(TrackingClient, _method, _blocking_batch(_method))
    setattr(TrackingAsyncClient, _method, _awaitable_batch(_method))

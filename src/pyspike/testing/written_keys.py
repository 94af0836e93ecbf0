"""Clients that keep the keys of the records they have written, so that these can be deleted after a test.

Owns: which commands count as having written, for both clients. Not here: when the records are deleted
(shared.py).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from pyspike import (
    AsyncClient,
    BatchError,
    BatchRecord,
    BatchResults,
    BatchWrite,
    Client,
    ClientPolicy,
    Key,
)
from pyspike._wire import Commands, Executor
from pyspike.hosts import HostsLike

__all__ = ["BATCH_WRITES", "WRITES", "TrackingAsyncClient", "TrackingClient", "WrittenKeys"]

WRITES = ("add", "append", "operate", "prepend", "put")
"""The methods that may leave a record that was not there."""

BATCH_WRITES = ("batch", "batch_operate", "batch_put")
"""The methods that may leave many."""

# Builds commands and sends none: whether they write, and to which key, is read off them.
_BUILDER = Commands(Executor(), ClientPolicy().read.settings, ClientPolicy().write.settings)


class WrittenKeys:
    """The keys of the records that were written, each once, in the order of writing."""

    def __init__(self) -> None:
        self._keys: dict[Key, None] = {}

    def during(self, method: str, *args: Any, **options: Any) -> _During:
        """A context manager around a command: it keeps the key if the command has written or may have."""
        key = None
        with contextlib.suppress(Exception):  # the client refuses it too
            command: Any = getattr(_BUILDER, method)(*args, **options)
            key = command.key if command.write else None
        return _During(self._keys, key)

    def keep(self, results: Iterable[BatchRecord]) -> None:
        """Keep the keys of the rows of a batch that have written or may have."""
        self._keys.update({result.key: None for result in results if result.ok or result.in_doubt})

    def take(self) -> list[Key]:
        """Give all keys that were kept so far, and forget them."""
        keys = list(self._keys)
        self._keys.clear()
        return keys


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


def _options(args: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same arguments, but with operations in a tuple, which can be iterated twice."""
    with contextlib.suppress(TypeError):
        if "operations" in options:
            options["operations"] = tuple(options["operations"])
        elif len(args) > 1:
            args = (args[0], tuple(args[1]), *args[2:])
    return args, options


def _blocking(method: str) -> Callable[..., Any]:
    send = getattr(Client, method)

    @functools.wraps(send)
    def command(self: TrackingClient, *args: Any, **options: Any) -> Any:
        if method == "operate":
            args, options = _options(args, options)
        with self.written.during(method, *args, **options):
            return send(self, *args, **options)

    return command


def _awaitable(method: str) -> Callable[..., Any]:
    send = getattr(AsyncClient, method)

    @functools.wraps(send)
    async def command(self: TrackingAsyncClient, *args: Any, **options: Any) -> Any:
        if method == "operate":
            args, options = _options(args, options)
        with self.written.during(method, *args, **options):
            return await send(self, *args, **options)

    return command


class TrackingClient(Client):
    """A `Client` that keeps the keys it has written, also through its views."""

    written: WrittenKeys

    def __init__(self, hosts: HostsLike, written: WrittenKeys) -> None:
        super().__init__(hosts)
        self.written = written

    def batch(self, rows: Iterable[Any], **options: Any) -> BatchResults:
        """As `Client.batch`."""
        rows = tuple(rows)
        results = super().batch(rows, **options)
        self.written.keep(
            result for row, result in zip(rows, results, strict=True) if isinstance(row, BatchWrite)
        )
        return results

    def batch_operate(self, keys: Iterable[Any], operations: Iterable[Any], **options: Any) -> BatchResults:
        """As `Client.batch_operate`."""
        operations = tuple(operations)
        results = super().batch_operate(keys, operations, **options)
        if any(operation.is_write for operation in operations):
            self.written.keep(results)
        return results

    def batch_put(self, records: Any, **options: Any) -> None:
        """As `Client.batch_put`."""
        records = tuple(records.items() if isinstance(records, Mapping) else records)
        try:
            super().batch_put(records, **options)
        except BatchError as error:
            self.written.keep(error.results)
            raise
        self.written.keep(BatchRecord(key if isinstance(key, Key) else Key(*key)) for key, _ in records)

    def with_policies(self, **policies: Any) -> TrackingClient:
        """A view with other default policies, which keeps the keys it writes in the same place."""
        view = super().with_policies(**policies)
        assert isinstance(view, TrackingClient)
        view.written = self.written
        return view


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

    def with_policies(self, **policies: Any) -> TrackingAsyncClient:
        """A view with other default policies, which keeps the keys it writes in the same place."""
        view = super().with_policies(**policies)
        assert isinstance(view, TrackingAsyncClient)
        view.written = self.written
        return view


for _method in WRITES:
    setattr(TrackingClient, _method, _blocking(_method))
    setattr(TrackingAsyncClient, _method, _awaitable(_method))

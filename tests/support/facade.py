"""An `AsyncClient` that looks like a `Client`, so that one test can be run with both.

Its commands run as tasks of one loop in a thread of its own, which all facades of the process share; the
caller waits. What is awaited gives what it gives, and raises what it raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from pyspike import (
    ArrowBatch,
    ArrowSchema,
    AsyncArrowStream,
    AsyncBatchStream,
    AsyncClient,
    AsyncRecordset,
    AsyncTask,
    AsyncTransaction,
    BatchRecord,
    Client,
    ClientPolicy,
    ClientStats,
    Cursor,
    Record,
)
from pyspike.hosts import HostsLike

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_main_runs = False


def background_loop() -> asyncio.AbstractEventLoop:
    """The loop in the thread of its own."""
    global _loop, _thread
    with _lock:
        if _loop is None:
            started = threading.Event()
            _thread = threading.Thread(target=_run, args=(started,), name="facade", daemon=True)
            _thread.start()
            started.wait()
        assert _loop is not None
        return _loop


def _run(started: threading.Event) -> None:
    async def live() -> None:
        global _loop
        _loop = asyncio.get_running_loop()
        started.set()
        await _loop.create_future()  # until it is cancelled

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(live())


def turn_loop() -> None:
    """Have the loop go round: without a GIL, what is its thread's and others dropped goes only then."""
    if _loop is not None:
        wait_for(asyncio.sleep(0))


def end_background_loop() -> None:
    """Cancel what runs in the loop, end it as `asyncio.run` does, and wait for its thread."""
    global _loop, _thread
    with _lock:
        loop, thread, _loop, _thread = _loop, _thread, None, None
    if loop is not None and thread is not None:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join()


def _after_fork() -> None:
    """In a child process: the loop's thread is not here, and the lock may have been held."""
    global _lock, _loop, _thread
    _lock, _loop, _thread = threading.Lock(), None, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run_in_main_thread() -> None:
    """From now on what the main thread does is done by `asyncio.run`, as Ctrl-C has to do with that."""
    global _main_runs
    _main_runs = True


def wait_for(awaited: Coroutine[Any, Any, Any]) -> Any:
    """Run it in the background loop and give what it gives."""
    if _main_runs and threading.current_thread() is threading.main_thread():
        return asyncio.run(awaited)
    return asyncio.run_coroutine_threadsafe(awaited, background_loop()).result()


class TaskClient:
    """Takes what `Client` takes and does what it does, by the tasks of an `AsyncClient`."""

    def __init__(self, hosts: HostsLike, policy: ClientPolicy | None = None) -> None:
        self.tasks: AsyncClient = wait_for(AsyncClient.connect(hosts, policy))

    @classmethod
    def from_url(cls, url: str, policy: ClientPolicy | None = None, **options: Any) -> TaskClient:
        return cls.of(wait_for(AsyncClient.from_url(url, policy, **options).__aenter__()))

    @classmethod
    def from_env(cls, policy: ClientPolicy | None = None) -> TaskClient:
        return cls.of(wait_for(AsyncClient.from_env(policy).__aenter__()))

    @classmethod
    def of(cls, tasks: AsyncClient) -> TaskClient:
        """A facade of this client."""
        facade = object.__new__(cls)
        facade.tasks = tasks
        return facade

    def with_policies(self, **policies: Any) -> TaskClient:
        return self.of(self.tasks.with_policies(**policies))

    def with_transaction(self, txn: Any) -> TaskClient:
        return self.of(self.tasks.with_transaction(_unwrapped(txn)))

    def stats(self) -> ClientStats:
        """The numbers of the client."""
        return self.tasks.stats()

    def run_in_transaction(self, function: Callable[[Any], Any], **options: Any) -> Any:
        """The function blocks, so it runs in another thread than the loop."""

        async def awaited(txn: AsyncTransaction) -> Any:
            return await asyncio.to_thread(function, WaitingTransaction(txn))

        return wait_for(self.tasks.run_in_transaction(awaited, **options))

    def update(self, key: Any, function: Callable[[Any], Any], **options: Any) -> Any:
        """The same of its function."""

        async def awaited(bins: dict[str, Any]) -> Any:
            return await asyncio.to_thread(function, bins)

        return wait_for(self.tasks.update(key, awaited, **options))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.tasks, name)
        return _waiting(found) if callable(found) else found

    def __enter__(self) -> TaskClient:
        wait_for(self.tasks.__aenter__())
        return self

    def __exit__(self, *exc_info: object) -> None:
        wait_for(self.tasks.close())

    def __repr__(self) -> str:
        return repr(self.tasks)


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(_unwrapped, args))
        kwargs = {name: _unwrapped(value) for name, value in kwargs.items()}
        given = method(*args, **kwargs)
        given = wait_for(given) if asyncio.iscoroutine(given) else given
        if isinstance(given, AsyncBatchStream):
            return WaitingStream(given)
        if isinstance(given, AsyncRecordset):
            return WaitingRecords(given)
        if isinstance(given, AsyncTransaction):
            return WaitingTransaction(given)
        if isinstance(given, AsyncArrowStream):
            return WaitingColumns(given)
        return WaitingTask(given) if isinstance(given, AsyncTask) else given

    return call


def _unwrapped(given: Any) -> Any:
    if isinstance(given, WaitingTransaction):
        return given.txn
    return given.stream if isinstance(given, WaitingColumns) else given


class WaitingTransaction:
    """An `AsyncTransaction` that looks like a `BlockingTransaction`."""

    def __init__(self, txn: AsyncTransaction) -> None:
        self.txn = txn

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.txn, name)
        return _waiting(found) if callable(found) else found

    def __enter__(self) -> WaitingTransaction:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        wait_for(self.txn.__aexit__(*exc_info))

    def __reduce__(self) -> Any:
        return self.txn.__reduce__()

    def __repr__(self) -> str:
        return repr(self.txn)


class WaitingStream:
    """An `AsyncBatchStream` that looks like a `BatchStream`: it begins at once, and the caller waits."""

    def __init__(self, stream: AsyncBatchStream) -> None:
        self.stream = stream
        wait_for(stream.__aenter__())

    def __iter__(self) -> WaitingStream:
        return self

    def __next__(self) -> BatchRecord:
        found: BatchRecord | None = wait_for(self._next())
        if found is None:
            raise StopIteration
        return found

    async def _next(self) -> BatchRecord | None:
        return await anext(self.stream, None)

    def close(self) -> None:
        wait_for(self.stream.aclose())

    def __enter__(self) -> WaitingStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.stream)


class WaitingRecords:
    """An `AsyncRecordset` that looks like a `Recordset`."""

    def __init__(self, records: AsyncRecordset) -> None:
        self.records = records

    def __iter__(self) -> WaitingRecords:
        return self

    def __next__(self) -> Record:
        found: Record | None = wait_for(self._next())
        if found is None:
            raise StopIteration
        return found

    async def _next(self) -> Record | None:
        return await anext(self.records, None)

    @property
    def cursor(self) -> Cursor:
        return self.records.cursor

    def close(self) -> None:
        wait_for(self.records.aclose())

    def __enter__(self) -> WaitingRecords:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.records)


class WaitingColumns:
    """An `AsyncArrowStream` that looks like an `ArrowStream`, but to other libraries."""

    def __init__(self, stream: AsyncArrowStream) -> None:
        self.stream = stream

    def __iter__(self) -> WaitingColumns:
        return self

    def __next__(self) -> ArrowBatch:
        found: ArrowBatch | None = wait_for(self._next())
        if found is None:
            raise StopIteration
        return found

    async def _next(self) -> ArrowBatch | None:
        return await anext(self.stream, None)

    @property
    def schema(self) -> ArrowSchema:
        schema: ArrowSchema = wait_for(self.stream.read_schema())
        return schema

    def close(self) -> None:
        wait_for(self.stream.aclose())

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.stream, name)
        return _waiting(found) if callable(found) else found

    def __enter__(self) -> WaitingColumns:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.stream)


class WaitingTask:
    """An `AsyncTask` that looks like a `Task`."""

    def __init__(self, task: AsyncTask) -> None:
        self.task = task

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.task, name)
        return _waiting(found) if callable(found) else found

    def __repr__(self) -> str:
        return repr(self.task)


# What the type checker takes for a Client.
AnyClient = Client | TaskClient

"""Has the calls of a client watched, as its policy says.

A client whose policy asks for none of that has no such executor, and pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from pyspike._wire import (
    Batch,
    Call,
    Command,
    Executor,
    Query,
    RowGroups,
    TaskExecutor,
    Trace,
    WatchedExecutor,
)
from pyspike.telemetry.observer import Observer, Over, Work

if TYPE_CHECKING:
    from pyspike.cluster import Cluster

__all__ = ["watched"]


def watched(executor: Executor, cluster: Cluster) -> Executor:
    """The executor that has calls watched as the policy of the cluster's client says; else the same one.

    Raises:
        ImportError: a library is missing that the policy needs.
    """
    observers: list[Observer] = []
    if cluster.policy.tracing:
        from pyspike.telemetry.spans import Spans

        observers.append(Spans(cluster))
    if cluster.policy.slow_command is not None:
        from pyspike.telemetry.slow import SlowLog

        observers.append(
            SlowLog(cluster.policy.slow_command, with_digests=cluster.policy.slow_command_digests)
        )
    if not observers:
        return executor
    return WatchedExecutor(executor, _kind_of(executor)(observers))


def _kind_of(executor: Executor) -> type[_Watcher]:
    return _OfTasks if isinstance(executor, TaskExecutor) else _OfThreads


class _Watcher:
    """Runs calls with the observers around them."""

    __slots__ = ("_observers",)

    def __init__(self, observers: list[Observer]) -> None:
        self._observers = observers

    def open(self, work: Query | RowGroups | Call, trace: Trace) -> Over:
        """Note that a query, a stream or a call was opened; what is returned is called when it is over."""
        return _all(self._begin(work, trace))

    def _begin(self, work: Work, trace: Trace) -> list[Over]:
        return [observer.begin(work, trace) for observer in self._observers]


class _OfThreads(_Watcher):
    __slots__ = ()

    def run(self, executor: Executor, work: Command | Batch, trace: Trace) -> Any:
        """Run a call and return what it gives."""
        over = _all(self._begin(work, trace))
        try:
            result = executor.submit(work)
        except BaseException as error:
            over(error)
            raise
        finally:
            del work, trace, executor  # the error's traceback keeps this frame
        over(None)
        return result


class _OfTasks(_Watcher):
    __slots__ = ()

    def run(self, executor: Executor, work: Command | Batch, trace: Trace) -> Coroutine[Any, Any, Any]:
        """The coroutine of a call, which begins when it is awaited."""
        coroutine: Any = self._run(executor, work, trace)
        if work.name is not None:
            coroutine.__name__, coroutine.__qualname__ = work.name, f"AsyncClient.{work.name}"
        return coroutine  # type: ignore[no-any-return]

    async def _run(self, executor: Executor, work: Command | Batch, trace: Trace) -> Any:
        over = _all(self._begin(work, trace))
        try:
            result = await executor.submit(work)
        except BaseException as error:
            trace.resumed()
            over(error)
            raise
        finally:
            del work, executor
        trace.resumed()
        over(None)
        return result


def _all(callbacks: list[Over]) -> Over:
    if len(callbacks) == 1:
        return callbacks[0]

    def over(error: BaseException | None) -> None:
        for callback in callbacks:
            callback(error)

    return over

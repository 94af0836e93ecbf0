"""Tasks: what the nodes of a cluster are still doing after a call has told them to.

`Task` is what calls of `Client` return; those of `AsyncClient` return an `AsyncTask` (`pyspike.async_task`).
Asking the nodes is done in `pyspike.cluster.watch`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyspike._types import Milliseconds
from pyspike.nodes import NodeStatus
from pyspike.process.lazy_imports import LazyModule

if TYPE_CHECKING:
    from pyspike import job
    from pyspike.cluster.background import JobWatch
    from pyspike.cluster.watch import Watch
else:
    job = LazyModule("pyspike.job")

__all__ = ["ExecuteTask", "IndexTask", "ProgressHook", "Task", "shown_watch"]

ProgressHook = Callable[[float], object]


class Task:
    """What the nodes are still doing after a call has told them to.

    The nodes go on whether somebody waits or not; a task that is dropped ends nothing.
    """

    __slots__ = ("_watch",)

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    @property
    def progress(self) -> float:
        """How much was done at the last look, from 0 to 1; 0 before the first. Asks nobody."""
        return self._watch.progress

    @property
    def nodes(self) -> Mapping[str, NodeStatus]:
        """How far each node was at the last look, by its name. Asks nobody."""
        return self._watch.nodes

    def done(self) -> bool:
        """Ask each node whether it is done; whether all are.

        Raises:
            ServerError: a node says that it failed; the error names it.
            ConnectFailed: no node is known.
            ClientClosed: the client is closed.
        """
        return self._watch.look()

    def wait(self, timeout: Milliseconds | None = None, *, progress: ProgressHook | None = None) -> None:
        """Ask each node again and again, first soon and then at longer intervals, until all are done.

        Args:
            timeout: how long to wait, in milliseconds or as a timedelta; None for as long as it takes.
            progress: called with `progress` after each look; what it raises ends the wait.

        Raises:
            TimeoutError: not all nodes were done in time; it says which are not. They go on.
            ServerError, ConnectFailed, ClientClosed: as from `done`.
            InvalidType, InvalidArgument: the timeout is no span of time.
        """
        for limit, pause in self._watch.pauses(timeout):
            is_done = self._watch.look(limit)
            if progress is not None:
                progress(self.progress)
            if is_done:
                return
            time.sleep(pause)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown_watch(self._watch)}>"


class IndexTask(Task):
    """What the nodes do to build, or to drop, an index; `progress` is how much of it they have built.

    Attributes:
        namespace: the index's namespace.
        name: the index's name.
    """

    __slots__ = ("name", "namespace")

    def __init__(self, watch: Watch, namespace: str, name: str) -> None:
        super().__init__(watch)
        self.namespace = namespace
        self.name = name


class ExecuteTask(Task):
    """A job that the nodes do in the background: `query_operate` and `query_execute_udf` begin one.

    `wait` and `done` raise `JobError` when all nodes have ended, but some not at the job's end: as they left
    the cluster or were started again meanwhile, or as somebody aborted it. Records that the job could not
    change are no such failure: they are counted in `failed`.
    """

    __slots__ = ()

    _watch: JobWatch

    def __init__(self, watch: JobWatch) -> None:
        super().__init__(watch)

    @property
    def id(self) -> int:
        """The job's number, by which `jobs` lists it and `abort_job` ends it."""
        return self._watch.number

    @property
    def jobs(self) -> Mapping[str, job.Job]:
        """What each node told of it at the last look, by its name. Asks nobody."""
        return MappingProxyType(self._watch.jobs)

    @property
    def succeeded(self) -> int:
        """How many records were changed, by what the nodes told at the last look. Asks nobody."""
        return sum(job.succeeded for job in self._watch.jobs.values())

    @property
    def failed(self) -> int:
        """How many records could not be changed, by what the nodes told at the last look. Asks nobody."""
        return sum(job.failed for job in self._watch.jobs.values())

    def abort(self) -> list[str]:
        """End the job on all nodes; what it has changed stays changed.

        Returns:
            The names of the nodes that were not done with it yet.

        Raises:
            JobError: a node did not answer, or with an error; the others have ended it.
            ConnectFailed, ClientClosed: no node is known, or the client is closed.
        """
        return self._watch.abort()


def shown_watch(watch: Watch) -> str:
    """What a task's repr tells."""
    seen = watch.nodes
    done = sum(status.done for status in seen.values())
    return f"{watch.question.what}: {f'done on {done} of {len(seen)} nodes' if seen else 'not looked yet'}"

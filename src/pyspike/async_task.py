"""Tasks of `AsyncClient`: as those of `Client` (`pyspike.task`), but to be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pyspike import job
from pyspike._types import Milliseconds
from pyspike.nodes import NodeStatus
from pyspike.process.in_thread import in_thread
from pyspike.task import ProgressHook, shown_watch

if TYPE_CHECKING:
    from pyspike.cluster.background import JobWatch
    from pyspike.cluster.watch import Watch

__all__ = ["AsyncExecuteTask", "AsyncIndexTask", "AsyncTask"]


class AsyncTask:
    """What the nodes are still doing after a call has told them to: see `Task`.

    Awaiting it waits without a deadline: `await (await client.register_udf("module.lua"))`.
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

    async def done(self) -> bool:
        """Ask each node whether it is done: see `Task.done`."""
        return await in_thread(self._watch.look)

    async def wait(
        self, timeout: Milliseconds | None = None, *, progress: ProgressHook | None = None
    ) -> None:
        """Ask each node again and again until all are done: see `Task.wait`."""
        for limit, pause in self._watch.pauses(timeout):
            is_done = await in_thread(self._watch.look, limit)
            if progress is not None:
                progress(self.progress)
            if is_done:
                return
            await asyncio.sleep(pause)

    def __await__(self) -> Generator[Any, None, None]:
        return self.wait().__await__()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown_watch(self._watch)}>"


class AsyncIndexTask(AsyncTask):
    """What the nodes do to build, or to drop, an index: see `IndexTask`."""

    __slots__ = ("name", "namespace")

    def __init__(self, watch: Watch, namespace: str, name: str) -> None:
        super().__init__(watch)
        self.namespace = namespace
        self.name = name


class AsyncExecuteTask(AsyncTask):
    """A job that the nodes do in the background: see `ExecuteTask`."""

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

    async def abort(self) -> list[str]:
        """End the job on all nodes: see `ExecuteTask.abort`."""
        return await in_thread(self._watch.abort)

"""Tasks of `AsyncClient`: as those of `Client` (`pyspike.task`), but to be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from pyspike._types import Milliseconds
from pyspike.nodes import NodeStatus
from pyspike.process.in_thread import in_thread
from pyspike.task import ProgressHook, shown_watch

if TYPE_CHECKING:
    from pyspike.cluster.watch import Watch

__all__ = ["AsyncIndexTask", "AsyncTask"]


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

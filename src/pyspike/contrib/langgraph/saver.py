"""`AerospikeSaver`, the checkpointer: LangGraph's methods, for threads and for tasks."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    SerializerProtocol,
    get_checkpoint_id,
    get_checkpoint_metadata,
)

from pyspike._types import Ttl
from pyspike.aio import AsyncClient
from pyspike.client import Client
from pyspike.contrib.clients import Clients
from pyspike.contrib.langgraph.history import PAGE, History
from pyspike.contrib.langgraph.records import Place, Records, config_of, place_of
from pyspike.contrib.rows import batch
from pyspike.contrib.steps import Steps
from pyspike.errors import InvalidArgument
from pyspike.policy import BatchReadPolicy, Expiration, WritePolicy

if TYPE_CHECKING:
    from langgraph.checkpoint.base import DeltaChannelHistory  # from 4.1 on

__all__ = ["AerospikeSaver"]


class AerospikeSaver(BaseCheckpointSaver[int]):  # type: ignore[misc]
    """A checkpointer of LangGraph in one set of an Aerospike cluster.

        graph = builder.compile(checkpointer=AerospikeSaver("aerospike://127.0.0.1:3000/test"))

    All methods have asynchronous twins that run inside the caller's loop. A checkpoint is one record, and its
    pending writes are another, so each may be as large as a record of the namespace may be. Threads and runs
    are found by two secondary indexes, which are made when they are needed for the first time; `setup` makes
    them in advance, say as a user who may.

    Args:
        client: a `Client`, for both kinds of methods, or an `AsyncClient`, for the asynchronous ones; it is
            not closed. Or a URL: all that name the same cluster share a client in this process.
        namespace: the cluster's namespace; None for that of the URL, `aerospike://host:3000/namespace`.
        set_name: the set, which has nothing else in it; None for that of the URL (`?set=`), or "checkpoints".
        ttl: how long records live after they are written: seconds, a timedelta or an `Expiration`; None for
            what the namespace says.
        refresh_on_read: whether reading a checkpoint by `get_tuple` begins its time to live anew.
        serde: makes bytes of checkpoints; None for LangGraph's own.

    Raises:
        InvalidType, InvalidArgument: an argument is no such thing, or no namespace is known.
    """

    def __init__(
        self,
        client: Client | AsyncClient | str,
        *,
        namespace: str | None = None,
        set_name: str | None = None,
        ttl: Ttl | None = None,
        refresh_on_read: bool = False,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self._clients = Clients(client, namespace=namespace, set_name=set_name, default_set="checkpoints")
        self._reading = BatchReadPolicy(read_touch_ttl=100) if refresh_on_read else None
        self._ttl = WritePolicy(expiration=Expiration.NAMESPACE_DEFAULT if ttl is None else ttl).expiration

    @property
    def _history(self) -> History:
        # LangGraph copies a saver and gives the copy another serde.
        records = Records(self._clients.namespace, self._clients.set_name, self._ttl, self.serde)
        return History(records, self._reading)

    def setup(self) -> None:
        """Make the secondary indexes, and wait until they can be used. Those that are there stay."""
        self._clients.run(self._history.setup())

    async def asetup(self) -> None:
        """Make the secondary indexes: see `setup`."""
        await self._clients.run_async(self._history.setup())

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint with the id of a configuration, or the newest of its thread and checkpoint_ns."""
        return self._clients.run(self._history.get(place_of(config)))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that a configuration names: see `get_tuple`."""
        return await self._clients.run_async(self._history.get(place_of(config)))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, the newest first; read as they are asked for, some at once.

        Args:
            config: of which thread, and of which checkpoint_ns and id if it has them; None for all.
            filter: what their metadata must have.
            before: a configuration with the id than which theirs are smaller.
            limit: how many at most.
        """
        places = self._clients.run(self._listed(config, filter, before))[:limit]
        for begin in range(0, len(places), PAGE):
            yield from self._clients.run(self._history.load(places[begin : begin + PAGE]))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Checkpoints, the newest first: see `list`."""
        places = (await self._clients.run_async(self._listed(config, filter, before)))[:limit]
        for begin in range(0, len(places), PAGE):
            for each in await self._clients.run_async(self._history.load(places[begin : begin + PAGE])):
                yield each

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Write a checkpoint, whose parent is the one that a configuration names.

        Returns:
            The configuration that names the checkpoint.

        Raises:
            RecordTooBig: it is larger than records of the namespace may be.
        """
        return self._clients.run(self._put(config, checkpoint, metadata))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Write a checkpoint: see `put`."""
        return await self._clients.run_async(self._put(config, checkpoint, metadata))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Write what a task has written, all at once. What the same task wrote before stays as it is."""
        self._clients.run(self._history.write(place_of(config), writes, task_id, task_path))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Write what a task has written: see `put_writes`."""
        await self._clients.run_async(self._history.write(place_of(config), writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        self._clients.run(self._history.delete_thread(str(thread_id)))

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self._clients.run_async(self._history.delete_thread(str(thread_id)))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that runs have made, with their writes."""
        self._clients.run(self._history.delete_runs(run_ids))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that runs have made, with their writes."""
        await self._clients.run_async(self._history.delete_runs(run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another one."""
        self._clients.run(self._history.copy(source_thread_id, target_thread_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another one."""
        await self._clients.run_async(self._history.copy(source_thread_id, target_thread_id))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete checkpoints of threads with their writes.

        Args:
            thread_ids: of which threads.
            strategy: "keep_latest" keeps the newest of each checkpoint_ns, and of its ancestors those that
                its channels of deltas are made of; "delete" keeps none.

        Raises:
            InvalidArgument: there is no such strategy.
        """
        self._clients.run(self._pruned(thread_ids, strategy))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete checkpoints of threads with their writes: see `prune`."""
        await self._clients.run_async(self._pruned(thread_ids, strategy))

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """What was written to channels since the nearest ancestor of a checkpoint that has their values."""
        return self._clients.run(self._history.deltas(place_of(config), channels))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """What was written to channels: see `get_delta_channel_history`."""
        return await self._clients.run_async(self._history.deltas(place_of(config), channels))

    def _listed(
        self, config: RunnableConfig | None, filter: dict[str, Any] | None, before: RunnableConfig | None
    ) -> Steps[builtins.list[Place]]:
        end = (get_checkpoint_id(before) if before else None) or ""
        if config is None:
            return self._history.places(before=end, wanted=filter)
        place = place_of(config)
        ns = config["configurable"].get("checkpoint_ns")
        return self._history.places(place.thread, ns, only=place.id, before=end, wanted=filter)

    def _put(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata
    ) -> Steps[RunnableConfig]:
        parent = place_of(config)
        place = parent._replace(id=checkpoint["id"])
        known = get_checkpoint_metadata(config, metadata)
        yield from batch(self._history.records.checkpoint_rows(place, parent.id, checkpoint, known))
        return config_of(place)

    def _pruned(self, threads: Sequence[str], strategy: str) -> Steps[None]:
        if strategy not in ("keep_latest", "delete"):
            raise InvalidArgument(f"the strategy is 'keep_latest' or 'delete', not {strategy!r}")
        delete = self._history.prune if strategy == "keep_latest" else self._history.delete_thread
        for thread in threads:
            yield from delete(thread)

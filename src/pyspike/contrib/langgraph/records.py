"""How checkpoints stand in records. No input or output here: keys, rows of batches, and what records mean.

All records of a saver are in one set. Each has the bins `thread` and `ns` (LangGraph's checkpoint_ns), and is

    a checkpoint    id, parent, run, checkpoint, metadata
    its writes      id, writes: a map of a task and a number to [path, task, number, channel, format, bytes]
    the newest      latest: the greatest id of the checkpoints of a thread and ns

Checkpoints and metadata are lists of the format in which they are serialized, and bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    CheckpointMetadata,
    CheckpointTuple,
    SerializerProtocol,
)

from pyspike import exp, filters
from pyspike import operations as op
from pyspike._types import Ttl
from pyspike._wire import BatchWrite, Key, Record
from pyspike.cdt.enums import MapWriteFlags

__all__ = ["HEADER", "Place", "Records", "config_of", "is_checkpoint", "place_of"]

HEADER = (
    "thread",
    "ns",
    "id",
    "parent",
    "metadata",
)  # the bins of a checkpoint without the checkpoint itself
FIRST = MapWriteFlags.CREATE_ONLY | MapWriteFlags.NO_FAIL  # what a task has written stays as it is


class Place(NamedTuple):
    """Which checkpoint it is: that with an id, or the newest of a thread and ns if it is empty."""

    thread: str
    ns: str
    id: str


def place_of(config: RunnableConfig) -> Place:
    """What a configuration names."""
    named = config["configurable"]
    return Place(str(named["thread_id"]), named.get("checkpoint_ns") or "", named.get("checkpoint_id") or "")


def config_of(place: Place) -> RunnableConfig:
    """The configuration that names a checkpoint."""
    return {
        "configurable": {
            "thread_id": place.thread,
            "checkpoint_ns": place.ns,
            "checkpoint_id": place.id,
        }
    }


def is_checkpoint(*conditions: exp.Expression) -> exp.Expression:
    """What holds for records of checkpoints for which all conditions hold."""
    has_one = exp.bin_exists("checkpoint")
    return exp.and_(has_one, *conditions) if conditions else has_one


class Records(NamedTuple):
    """Makes and reads the records of one set.

    Attributes:
        namespace: the cluster's namespace.
        set_name: the set.
        ttl: how long records live from when they are written.
        serde: makes bytes of checkpoints, metadata and values.
    """

    namespace: str
    set_name: str
    ttl: Ttl | None
    serde: SerializerProtocol

    def key(self, kind: str, *names: str) -> Key:
        """The key of a record: no two lists of names give the same."""
        return Key(self.namespace, self.set_name, json.dumps([kind, *names], separators=(",", ":")))

    def latest_key(self, place: Place) -> Key:
        """The key of the record that says which is the newest."""
        return self.key("latest", place.thread, place.ns)

    def keys(self, place: Place) -> tuple[Key, Key]:
        """The keys of a checkpoint and of its writes."""
        return self.key("checkpoint", *place), self.key("writes", *place)

    def row(self, key: Key, place: Place, *operations: op.Operation) -> BatchWrite:
        """A row that writes a record, by whose thread it can be found.

        Raises:
            InvalidArgument: the name of the thread is too long for that, 2048 bytes or more.
        """
        filters.equal("thread", place.thread)
        bins = [op.put("thread", place.thread), op.put("ns", place.ns)]
        return BatchWrite(key, [*bins, *operations], ttl=self.ttl)

    def checkpoint_rows(
        self, place: Place, parent: str, checkpoint: Any, metadata: CheckpointMetadata
    ) -> list[BatchWrite]:
        """Rows that write a checkpoint, and that it is the newest if it is."""
        run = metadata.get("run_id")
        return [
            self.row(
                self.keys(place)[0],
                place,
                op.put("id", place.id),
                op.put("parent", parent),
                op.put("run", run if isinstance(run, str) else None),
                op.put("metadata", list(self.serde.dumps_typed(metadata))),
                op.put("checkpoint", list(self.serde.dumps_typed(checkpoint))),
            ),
            self.latest_row(place),
        ]

    def latest_row(self, place: Place) -> BatchWrite:
        """A row that writes that a checkpoint is the newest, if it is."""
        known, this = exp.string_bin("latest"), exp.val(place.id)
        is_newer = exp.or_(exp.not_(exp.bin_exists("latest")), exp.lt(known, this))
        newest = op.exp.write("latest", exp.cond(is_newer, this, known))
        return self.row(self.latest_key(place), place, newest)

    def writes_row(self, place: Place, writes: Sequence[tuple[str, Any]], task: str, path: str) -> BatchWrite:
        """A row that adds what a task has written. What is there stays, but for errors and interrupts."""
        puts = []
        for index, (channel, value) in enumerate(writes):
            number = WRITES_IDX_MAP.get(channel, index)
            puts.append(
                op.maps.put(
                    "writes",
                    f"{task}:{number}",
                    [path, task, number, channel, *self.serde.dumps_typed(value)],
                    write_flags=MapWriteFlags.DEFAULT if number < 0 else FIRST,
                )
            )
        return self.row(self.keys(place)[1], place, op.put("id", place.id), *puts)

    def metadata(self, record: Record) -> CheckpointMetadata:
        """The metadata of a checkpoint's record."""
        return self.serde.loads_typed(tuple(record["metadata"]))

    def tuple(self, place: Place, record: Record, writes: Record | None) -> CheckpointTuple:
        """What LangGraph is given: a checkpoint, and its writes in the order in which a step applies them."""
        parent = place._replace(id=record["parent"])
        pending = [] if writes is None else sorted(writes["writes"].values(), key=lambda each: each[:3])
        return CheckpointTuple(
            config_of(place),
            self.serde.loads_typed(tuple(record["checkpoint"])),
            self.metadata(record),
            config_of(parent) if parent.id else None,
            [(task, name, self.serde.loads_typed((kind, data))) for _, task, _, name, kind, data in pending],
        )

    def copy(self, record: Record, thread: str) -> BatchWrite:
        """A row that writes the same record for another thread."""
        if "latest" in record:
            return self.latest_row(Place(thread, record["ns"], record["latest"]))
        place = Place(thread, record["ns"], record["id"])
        checkpoint, writes = self.keys(place)
        puts = [op.put(name, value) for name, value in record.items() if name not in ("thread", "ns")]
        return self.row(checkpoint if "checkpoint" in record else writes, place, *puts)

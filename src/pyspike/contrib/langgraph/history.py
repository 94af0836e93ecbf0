"""What is read and written for each method of the checkpointer, told once for threads and tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from langgraph.checkpoint.base import CheckpointTuple

from pyspike import exp, filters
from pyspike._wire import BatchDelete, BatchRead, Key, Record
from pyspike.contrib.langgraph.records import HEADER, Place, Records, is_checkpoint, place_of
from pyspike.contrib.rows import batch
from pyspike.contrib.steps import Call, Query, Steps, Waiting
from pyspike.errors import FilteredOut, IndexNotFound, IndexNotReadable
from pyspike.filters import IndexFilter
from pyspike.index import IndexType
from pyspike.policy import BatchReadPolicy
from pyspike.query import Statement

if TYPE_CHECKING:
    from langgraph.checkpoint.base import DeltaChannelHistory

__all__ = ["PAGE", "History"]

PAGE = 32  # checkpoints that are read at once
INDEXED = ("thread", "run")


class History(NamedTuple):
    """The checkpoints of all threads.

    Attributes:
        records: makes and reads records.
        reading: how records are read, if that begins their time to live anew.
    """

    records: Records
    reading: BatchReadPolicy | None

    def setup(self) -> Steps[None]:
        """Make the indexes. One that is there stays as it is."""
        namespace, name = self.records.namespace, self.records.set_name
        for each in INDEXED:
            index = f"{name}_{each}"
            yield Waiting("create_index", namespace, name, index, bin=each, type=IndexType.STRING)

    def find(
        self,
        where: IndexFilter | None,
        bins: Sequence[str] | None,
        condition: exp.Expression | None = None,
    ) -> Steps[list[Record]]:
        """All records that an index filter finds and a condition holds for. The index is made if need be."""
        statement = Statement(self.records.namespace, self.records.set_name, bins=bins, where=where)
        try:
            found = yield Query(statement, filter_expression=condition)
        except (IndexNotFound, IndexNotReadable):  # the second while others make it
            yield from self.setup()
            found = yield Query(statement, filter_expression=condition)
        return found  # type: ignore[no-any-return]

    def load(self, places: Sequence[Place], also: Sequence[Key] = ()) -> Steps[list[CheckpointTuple]]:
        """The checkpoints of some places, with their writes; without those that are not there.

        Args:
            places: which.
            also: other records that are read, so that they live as long.
        """
        rows = [BatchRead(key, policy=self.reading) for place in places for key in self.records.keys(place)]
        rows += [BatchRead(key, ["latest"], policy=self.reading) for key in also]
        found = (yield from batch(rows))[: 2 * len(places)]
        pairs = zip(places, found[::2], found[1::2], strict=True)
        return [self.records.tuple(place, record, writes) for place, record, writes in pairs if record]

    def write(self, place: Place, writes: Sequence[tuple[str, Any]], task: str, path: str) -> Steps[None]:
        """Write what a task has written."""
        if writes:
            yield from batch([self.records.writes_row(place, writes, task, path)])

    def get(self, place: Place) -> Steps[CheckpointTuple | None]:
        """The checkpoint of a place."""
        key = self.records.latest_key(place)
        if place.id:
            found = yield from self.load([place], [key] if self.reading else [])
            return found[0] if found else None
        (latest,) = yield from batch([BatchRead(key, policy=self.reading)])
        if latest is None:
            return None
        found = yield from self.load([place._replace(id=latest["latest"])])
        if not found:  # it has expired, or is being deleted
            places = yield from self.places(place.thread, place.ns)
            found = yield from self.load(places[:1])
        return found[0] if found else None

    def places(
        self,
        thread: str | None = None,
        ns: str | None = None,
        *,
        only: str = "",
        before: str = "",
        wanted: Mapping[str, Any] | None = None,
    ) -> Steps[list[Place]]:
        """Which checkpoints there are, the newest first.

        Args:
            thread: of which thread; None for all.
            ns: of which ns; None for all.
            only: the id of the only one; "" for all.
            before: the id than which theirs are smaller; "" for all.
            wanted: what their metadata must have.
        """
        conditions = []
        if ns is not None:
            conditions.append(exp.eq(exp.string_bin("ns"), exp.val(ns)))
        if only:
            conditions.append(exp.eq(exp.string_bin("id"), exp.val(only)))
        if before:
            conditions.append(exp.lt(exp.string_bin("id"), exp.val(before)))
        where = None if thread is None else filters.equal("thread", thread)
        found = yield from self.find(where, HEADER, is_checkpoint(*conditions))
        if wanted:
            known = ((record, self.records.metadata(record)) for record in found)
            found = [record for record, data in known if all(data.get(k) == v for k, v in wanted.items())]
        places = [Place(record["thread"], record["ns"], record["id"]) for record in found]
        return sorted(places, key=lambda each: each.id, reverse=True)

    def delete(self, places: Iterable[Place]) -> Steps[None]:
        """Delete checkpoints with their writes, and have the newest that are left be the newest."""
        gone: dict[Place, set[str]] = defaultdict(set)
        for place in places:
            gone[place._replace(id="")].add(place.id)
        rows = [
            BatchDelete(key)
            for place, ids in gone.items()
            for each in ids
            for key in self.records.keys(place._replace(id=each))
        ]
        yield from batch(rows)
        for place, ids in gone.items():
            key = self.records.latest_key(place)
            latest = yield Call("get", key, default=None)
            if latest is not None and latest["latest"] in ids:
                yield from self.go_back(place, key, latest["latest"])

    def go_back(self, place: Place, key: Key, latest: str) -> Steps[None]:
        """Say which checkpoint is the newest now that one is gone, unless there is a newer one again."""
        left = yield from self.places(place.thread, place.ns)
        same = exp.eq(exp.string_bin("latest"), exp.val(latest))
        try:
            if left:
                yield Call("put", key, {"latest": left[0].id}, filter_expression=same)
            else:
                yield Call("delete", key, filter_expression=same)
        except FilteredOut:
            pass  # another process has named a newer one meanwhile, which is what is to stand there

    def delete_thread(self, thread: str) -> Steps[None]:
        """Delete all records of a thread."""
        found = yield from self.find(filters.equal("thread", thread), [])
        yield from batch([BatchDelete(record.key) for record in found])

    def delete_runs(self, runs: Iterable[str]) -> Steps[None]:
        """Delete the checkpoints that runs have made."""
        places = []
        for run in runs:
            found = yield from self.find(filters.equal("run", run), HEADER)
            places += [Place(record["thread"], record["ns"], record["id"]) for record in found]
        yield from self.delete(places)

    def copy(self, source: str, target: str) -> Steps[None]:
        """Write all records of a thread for another one."""
        keys = [record.key for record in (yield from self.find(filters.equal("thread", source), []))]
        for begin in range(0, len(keys), PAGE):
            found = yield from batch([BatchRead(key) for key in keys[begin : begin + PAGE]])
            yield from batch([self.records.copy(record, target) for record in found if record])

    def prune(self, thread: str) -> Steps[None]:
        """Keep the newest checkpoint of each ns, and those out of which its channels of deltas are made."""
        places = yield from self.places(thread)
        kept: dict[str, set[str]] = {}
        for place in places:
            if place.ns not in kept:
                kept[place.ns] = yield from self.needed(place)
        yield from self.delete(place for place in places if place.id not in kept[place.ns])

    def needed(self, place: Place) -> Steps[set[str]]:
        """The ids of a checkpoint and of its ancestors back to the snapshots of its channels of deltas."""
        found = yield from self.load([place])
        missing = set(found[0].metadata.get("counters_since_delta_snapshot") or ()) if found else set()
        ids = {place.id}
        while found:
            ids.add(place_of(found[0].config).id)
            missing -= set(found[0].checkpoint["channel_values"])
            parent = found[0].parent_config
            if not missing or parent is None:
                break
            found = yield from self.load([place_of(parent)])
        return ids

    def deltas(self, place: Place, channels: Sequence[str]) -> Steps[dict[str, DeltaChannelHistory]]:
        """What tasks have written to channels since the nearest ancestor that has the channel's value."""
        writes: dict[str, list[Any]] = {name: [] for name in channels}
        seeds: dict[str, Any] = {}
        chain = (yield from self.ancestors(place)) if channels else []
        for begin in range(0, len(chain), PAGE):
            for each in (yield from self.load(chain[begin : begin + PAGE])):
                values = each.checkpoint["channel_values"]
                for write in reversed(each.pending_writes or ()):
                    if write[1] in writes and write[1] not in seeds:
                        writes[write[1]].append(write)
                seeds.update((name, values[name]) for name in writes.keys() - seeds.keys() if name in values)
            if seeds.keys() == writes.keys():
                break
        return {
            name: {"writes": found[::-1], **({"seed": seeds[name]} if name in seeds else {})}
            for name, found in writes.items()
        }

    def ancestors(self, place: Place) -> Steps[list[Place]]:
        """The parent of a checkpoint, its parent, and so on."""
        if not place.id:
            key = self.records.latest_key(place)
            latest = yield Call("get", key, default=None)
            place = place._replace(id="" if latest is None else latest["latest"])
        of_ns = is_checkpoint(exp.eq(exp.string_bin("ns"), exp.val(place.ns)))
        found = yield from self.find(filters.equal("thread", place.thread), ("id", "parent"), of_ns)
        parents = {record["id"]: record["parent"] for record in found}
        chain = []
        parent = parents.pop(place.id, "")
        while parent:
            chain.append(place._replace(id=parent))
            parent = parents.pop(parent, "")
        return chain

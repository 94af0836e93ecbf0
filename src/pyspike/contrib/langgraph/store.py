"""`AerospikeStore`, LangGraph's long-term memory: items by namespace and key, each a record.

An item's record has the bins `ns` (the labels of its namespace), `key`, `value` (a map), `created` and
`updated` (microseconds since 1970), and `prefixes`: all beginnings of its namespace, which are indexed.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
)

from pyspike import exp, filters
from pyspike import operations as op
from pyspike._wire import BatchDelete, BatchRead, BatchWrite, Key, Record
from pyspike.aio import AsyncClient
from pyspike.cdt.enums import ExpWriteFlags
from pyspike.client import Client
from pyspike.contrib.clients import Clients
from pyspike.contrib.langgraph.matching import all_fit, filter_of, known_prefix, matches
from pyspike.contrib.lifetime import lifetime
from pyspike.contrib.rows import batch
from pyspike.contrib.steps import Query, Steps, Waiting
from pyspike.errors import IndexNotFound, IndexNotReadable, InvalidType
from pyspike.index import CollectionIndexType, IndexType
from pyspike.policy import BatchReadPolicy
from pyspike.query import Statement
from pyspike.showing import shown

__all__ = ["AerospikeStore"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ONCE = ExpWriteFlags.CREATE_ONLY | ExpWriteFlags.POLICY_NO_FAIL
READING = BatchReadPolicy()
TOUCHING = BatchReadPolicy(read_touch_ttl=100)  # a read begins the time to live anew


class AerospikeStore(BaseStore):  # type: ignore[misc]
    """A store of LangGraph in one set of an Aerospike cluster.

        graph = builder.compile(store=AerospikeStore("aerospike://127.0.0.1:3000/test"))

    All methods have asynchronous twins that run inside the caller's loop. Values are maps of Aerospike: of
    texts, whole numbers of 64 bits, floats, booleans, bytes, None, lists and maps. An item may be as large as
    a record of the namespace may be. Items are found by a secondary index on the beginnings of their
    namespaces, which is made when it is needed for the first time; `setup` makes it in advance.

    The operations of a batch are done in order; those of a kind that follow each other, at once. A search
    gives what was changed last first. There is no search by meaning: a search with `query` is refused.

    Args:
        client: a `Client`, for both kinds of methods, or an `AsyncClient`, for the asynchronous ones; it is
            not closed. Or a URL, `aerospike://host:3000/namespace?set=memories`: all that name the same
            cluster share a client in this process.
        namespace: the cluster's namespace; None for that of the URL.
        set_name: the set, which has nothing else in it; None for that of the URL, or "store".
        ttl: how long items live, in minutes as LangGraph has it, and whether reading begins that anew. A
            time to live is rounded up to a second. Without one items live for ever. Nodes remove what has
            expired by themselves.

    Raises:
        InvalidType, InvalidArgument: an argument is no such thing, or no namespace is known.
    """

    __slots__ = ("_clients", "ttl_config")

    supports_ttl = True

    def __init__(
        self,
        client: Client | AsyncClient | str,
        *,
        namespace: str | None = None,
        set_name: str | None = None,
        ttl: TTLConfig | None = None,
    ) -> None:
        self._clients = Clients(client, namespace=namespace, set_name=set_name, default_set="store")
        self.ttl_config = ttl

    def setup(self) -> None:
        """Make the secondary index, and wait until it can be used. One that is there stays."""
        self._clients.run(self._setup())

    async def asetup(self) -> None:
        """Make the secondary index: see `setup`."""
        await self._clients.run_async(self._setup())

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations in order: a result each.

        Raises:
            InvalidType, InvalidArgument: something can't be asked for, or a value can't be held.
            NotImplementedError: a search has a `query`.
            BatchError, AerospikeError: something failed.
        """
        return self._clients.run(self._all(list(ops)))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations in order: see `batch`."""
        return await self._clients.run_async(self._all(list(ops)))

    def _all(self, ops: Sequence[Op]) -> Steps[list[Result]]:
        results: list[Result] = []
        for kind, group in itertools.groupby(ops, type):
            some: Any = list(group)
            if issubclass(kind, GetOp):
                results += yield from self._get(some)
            elif issubclass(kind, PutOp):
                results += yield from self._put(some)
            elif issubclass(kind, SearchOp):
                for each in some:
                    results.append((yield from self._search(each)))
            elif issubclass(kind, ListNamespacesOp):
                for each in some:
                    results.append((yield from self._list(each)))
            else:
                raise InvalidType(f"it is none of LangGraph's operations: {shown(some[0])}")
        return results

    def _get(self, ops: Sequence[GetOp]) -> Steps[list[Item | None]]:
        found = yield from batch(
            [
                BatchRead(
                    self._key(each.namespace, each.key), policy=TOUCHING if each.refresh_ttl else READING
                )
                for each in ops
            ]
        )
        return [None if record is None else Item(**_fields(record)) for record in found]

    def _put(self, ops: Sequence[PutOp]) -> Steps[list[None]]:
        last = {self._key(each.namespace, each.key): each for each in ops}
        yield from batch([self._row(key, each) for key, each in last.items()])
        return [None] * len(ops)

    def _row(self, key: Key, each: PutOp) -> BatchWrite | BatchDelete:
        if each.value is None:
            return BatchDelete(key)
        _in(each.namespace)  # which refuses one that would never be found
        now = time.time_ns() // 1000
        return BatchWrite(
            key,
            [
                op.put("ns", list(each.namespace)),
                op.put("key", each.key),
                op.put(
                    "prefixes", [_text(each.namespace[:end]) for end in range(1, len(each.namespace) + 1)]
                ),
                op.put("value", dict(each.value)),
                op.exp.write("created", exp.val(now), flags=ONCE),
                op.put("updated", now),
            ],
            ttl=lifetime(None if each.ttl is None else each.ttl * 60),
        )

    def _search(self, each: SearchOp) -> Steps[list[SearchItem]]:
        if each.query:
            raise NotImplementedError("Aerospike has no search by meaning: search without query")
        found = yield from self._find(each.namespace_prefix, None, filter_of("value", each.filter))
        fitting = [record for record in found if all_fit(record["value"], each.filter or {})]
        fitting.sort(key=lambda record: (-record["updated"], record["ns"], record["key"]))
        page = fitting[each.offset :][: each.limit]
        if each.refresh_ttl:
            expiring = [record.key for record in page if record.ttl is not None]
            yield from batch([BatchRead(key, ["updated"], policy=TOUCHING) for key in expiring])
        return [SearchItem(**_fields(record)) for record in page]

    def _list(self, each: ListNamespacesOp) -> Steps[list[tuple[str, ...]]]:
        conditions = each.match_conditions or ()
        found = yield from self._find(known_prefix(conditions), ["ns"], None)
        every = {tuple(record["ns"]) for record in found}
        chosen = sorted({each_ns[: each.max_depth] for each_ns in every if matches(each_ns, conditions)})
        return chosen[each.offset :][: each.limit]

    def _find(
        self, prefix: Sequence[str], bins: list[str] | None, condition: exp.Expression | None
    ) -> Steps[list[Record]]:
        """All records of namespaces with a beginning. The index is made if need be."""
        where = _in(prefix) if prefix else None
        statement = Statement(self._clients.namespace, self._clients.set_name, bins=bins, where=where)
        query = Query(statement, filter_expression=condition)
        try:
            found = yield query
        except (IndexNotFound, IndexNotReadable):  # the second while others make it
            yield from self._setup()
            found = yield query
        return found  # type: ignore[no-any-return]

    def _setup(self) -> Steps[None]:
        yield Waiting(
            "create_index",
            self._clients.namespace,
            self._clients.set_name,
            f"{self._clients.set_name}_prefixes",
            bin="prefixes",
            type=IndexType.STRING,
            collection=CollectionIndexType.LIST,
        )

    def _key(self, namespace: Sequence[str], key: str) -> Key:
        return self._clients.key(_text([*namespace, key]))


def _in(prefix: Sequence[str]) -> filters.IndexFilter:
    """What finds the items of a namespace and of those below it.

    Raises:
        InvalidArgument: all labels together are too long for an index, about 2000 bytes.
    """
    return filters.contains("prefixes", _text(prefix), CollectionIndexType.LIST)


def _text(labels: Sequence[str]) -> str:
    """One text for some: no two lists have the same."""
    return json.dumps(list(labels), ensure_ascii=False, separators=(",", ":"))


def _fields(record: Record) -> dict[str, Any]:
    return {
        "namespace": tuple(record["ns"]),
        "key": record["key"],
        "value": record["value"],
        "created_at": EPOCH + timedelta(microseconds=record["created"]),
        "updated_at": EPOCH + timedelta(microseconds=record["updated"]),
    }

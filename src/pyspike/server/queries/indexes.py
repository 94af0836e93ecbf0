"""Creating, building, dropping and finding secondary indexes.

Owns: when two indexes are the same, how many there may be, how far an index is built on a node, and the
indexes of namespaces that the cluster does not have, which it keeps all the same. Not here: the text of info
commands (../info/indexes.py), entries (../storage/indexes.py), what is indexed (keys.py).

A store is one for all nodes of a cluster, and so is an index. But each node tells when it has built it: at
once, or after a time that a test has set.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..protocol.result import RequestError, ResultCode
from ..storage.indexes import Index, IndexDefinition
from ..storage.store import Namespace, Store
from ..topology.state import ClusterState, NodeState
from .keys import keys_of

__all__ = [
    "MAX_INDEXES",
    "create_foreign_index",
    "create_index",
    "drop_foreign_index",
    "drop_index",
    "find_index",
    "index_of",
    "load_percent",
]

MAX_INDEXES = 256
"""How many indexes a namespace may have."""
_SLICE = 500
"""How many records are looked at before other connections have their turn."""
_ALL = 100


def create_index(cluster: ClusterState, namespace: Namespace, name: str, definition: IndexDefinition) -> None:
    """Create an index, or rename the one that is the same.

    Raises:
        RequestError: SINDEX_FOUND: another index has the name. SINDEX_MAX_COUNT: there are too many.

    """
    _check({index.definition: index.name for index in namespace.indexes}, name, definition)
    same = _same(namespace, definition)
    if same is not None:
        same.name = name
        return
    if definition.set_name is not None:
        namespace.sets[definition.set_name] = None
    index = Index(name, definition)
    namespace.indexes[index] = keys_of(definition, namespace.store)
    now = time.monotonic()
    for node in cluster.members:
        if node.faults.index_seconds:
            node.index_builds[index] = (now, now + node.faults.index_seconds)
    _go_on(_build(namespace, index))


def create_foreign_index(store: Store, namespace: str, name: str, definition: IndexDefinition) -> None:
    """Keep, or rename, an index of a namespace that the cluster does not have; as by `create_index`."""
    known = store.foreign_indexes.setdefault(namespace, {})
    _check(known, name, definition)
    known[definition] = name


def _check(known: Mapping[IndexDefinition, str], name: str, definition: IndexDefinition) -> None:
    """Raise RequestError if there can't be an index beside those that a namespace has."""
    if any(other == name and existing != definition for existing, other in known.items()):
        raise RequestError(ResultCode.SINDEX_FOUND, "'indexname' already exists with different definition")
    if definition not in known and len(known) >= MAX_INDEXES:
        raise RequestError(ResultCode.SINDEX_MAX_COUNT, "already at sindex definition limit")


def drop_foreign_index(store: Store, namespace: str, name: str) -> None:
    """Forget the index of that name, if there is one, of a namespace that the cluster does not have."""
    known = store.foreign_indexes.get(namespace, {})
    for definition in [definition for definition, other in known.items() if other == name]:
        del known[definition]


def drop_index(namespace: Namespace, name: str) -> bool:
    """Drop the index of that name, and tell whether there was one."""
    index = find_index(namespace, name)
    if index is None:
        return False
    del namespace.indexes[index]
    return True


def find_index(namespace: Namespace, name: str) -> Index | None:
    """The index of that name; None if there is none."""
    return next((index for index in namespace.indexes if index.name == name), None)


def index_of(namespace: Namespace, definition: IndexDefinition) -> Index | None:
    """The index for queries of this definition: one of their set, or of the whole namespace."""
    found = _same(namespace, definition)
    if found is None and definition.set_name is not None:
        found = _same(namespace, replace(definition, set_name=None))
    return found


def _same(namespace: Namespace, definition: IndexDefinition) -> Index | None:
    return next((index for index in namespace.indexes if index.definition == definition), None)


def load_percent(node: NodeState, index: Index) -> int:
    """How much of an index is built on a node, in percent. Queries can use it when it is 100."""
    if not index.is_complete:
        return min(_ALL - 1, index.seen_percent)
    begun, ends = node.index_builds.get(index, (0.0, 0.0))
    now = time.monotonic()
    if now < ends:
        return int(_ALL * (now - begun) / (ends - begun))
    node.index_builds.pop(index, None)
    return _ALL


# --- building -----------------------------------------------------------------------------------------------


def _build(namespace: Namespace, index: Index) -> Iterator[None]:
    """Look at all records; what is written meanwhile is looked at as it is written."""
    begun, seen, bvals = time.monotonic(), 0, namespace.indexes[index]
    for partition_id, partition in enumerate(namespace.partitions):
        for digest in list(partition):
            record = namespace.find(digest)
            if record is not None:
                index.update(digest, bvals(digest, record))
            seen += 1
            if seen % _SLICE == 0:
                index.seen_percent = _ALL * partition_id // len(namespace.partitions)
                yield
                if index not in namespace.indexes:
                    return
    index.is_complete = True
    index.load_ms = int((time.monotonic() - begun) * 1000)


def _go_on(build: Iterator[None]) -> None:
    """Build a slice of an index now, and the others between the requests of the cluster's loop."""
    for _ in build:
        asyncio.get_running_loop().call_soon(_go_on, build)
        return

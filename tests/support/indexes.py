"""Secondary indexes for tests of queries: made on all nodes, and there until the `with` ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspike import CollectionIndexType, IndexType

__all__ = ["index"]

PATIENCE = 30_000  # ms, for what a slow machine takes long for
COLLECTIONS = {
    "": CollectionIndexType.DEFAULT,
    "list": CollectionIndexType.LIST,
    "mapkeys": CollectionIndexType.MAP_KEYS,
    "mapvalues": CollectionIndexType.MAP_VALUES,
}


@contextmanager
def index(
    client: Any, set_name: str, bin_name: str, kind: str = "numeric", collection: str = ""
) -> Iterator[str]:
    """An index of a bin of the namespace `test`, complete on all nodes; gives its name.

    Args:
        client: by which it is made; of either kind.
        set_name: the set.
        bin_name: the bin.
        kind: `numeric`, `string`, `blob` or `geo2dsphere`.
        collection: `list`, `mapkeys` or `mapvalues`; empty for the bin's own value.
    """
    name = f"{set_name}-{bin_name}-{kind[:3]}{collection[3:7]}"
    client.create_index(
        "test", set_name, name, bin=bin_name, type=IndexType(kind), collection=COLLECTIONS[collection]
    ).wait(PATIENCE)
    try:
        yield name
    finally:
        client.drop_index("test", name)

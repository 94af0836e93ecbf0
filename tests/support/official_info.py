"""Makes the info commands of the official client for the source text of a recorded call, by pyspike."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from pyspike.cluster.indexes import IndexedValues, creating, creating_of_set, dropping
from pyspike.cluster.truncation import truncating
from pyspike.cluster.xdr import filtering
from pyspike.index import CollectionIndexType, IndexType
from support.official import Names
from support.official_helpers import evaluate
from support.vectors import Case

TYPES = {
    "INDEX_INTEGER": IndexType.NUMERIC,
    "INDEX_NUMERIC": IndexType.NUMERIC,
    "INDEX_STRING": IndexType.STRING,
    "INDEX_BLOB": IndexType.BLOB,
    "INDEX_GEO2DSPHERE": IndexType.GEO2DSPHERE,
}
COLLECTIONS = {
    "INDEX_TYPE_DEFAULT": CollectionIndexType.DEFAULT,
    "INDEX_TYPE_LIST": CollectionIndexType.LIST,
    "INDEX_TYPE_MAPKEYS": CollectionIndexType.MAP_KEYS,
    "INDEX_TYPE_MAPVALUES": CollectionIndexType.MAP_VALUES,
}
# The methods that create an index of a bin, each with the type if it is in the name, and the collection.
METHODS: dict[str, tuple[str | None, CollectionIndexType]] = {
    "index_single_value_create": (None, CollectionIndexType.DEFAULT),
    "index_list_create": (None, CollectionIndexType.LIST),
    "index_map_keys_create": (None, CollectionIndexType.MAP_KEYS),
    "index_map_values_create": (None, CollectionIndexType.MAP_VALUES),
    "index_integer_create": ("INDEX_INTEGER", CollectionIndexType.DEFAULT),
    "index_string_create": ("INDEX_STRING", CollectionIndexType.DEFAULT),
    "index_blob_create": ("INDEX_BLOB", CollectionIndexType.DEFAULT),
    "index_geo2dsphere_create": ("INDEX_GEO2DSPHERE", CollectionIndexType.DEFAULT),
}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class InfoClient:
    """The methods of `aerospike.Client` that a recorded info command uses; each gives the command."""

    def __init__(self, version: str) -> None:
        self.version = version

    def __getattr__(self, name: str) -> Any:
        """A method that creates an index of a bin."""
        kind, collection = METHODS[name]
        if kind is not None:
            return lambda ns, set_name, bin_name, index: self._create(
                ns, set_name, bin_name, kind, index, collection=collection
            )
        return partial(self._create, collection=collection)

    def _create(
        self, ns: str, set_name: str | None, bin_name: str, kind: str, name: str, policy: Any = None, *,
        collection: CollectionIndexType, ctx: Any = None,
    ) -> str:  # fmt: skip
        values = IndexedValues(bin_name, None, TYPES[kind], collection, ctx)
        return creating(ns, set_name, name, values)(self.version)

    def index_cdt_create(
        self, ns: str, set_name: str | None, bin_name: str, collection: str, kind: str, name: str, ctx: Any
    ) -> str:
        return self._create(ns, set_name, bin_name, kind, name, collection=COLLECTIONS[collection], ctx=ctx)

    def index_expr_create(
        self, ns: str, set_name: str | None, collection: str, kind: str, expression: Any, name: str
    ) -> str:
        values = IndexedValues(None, expression, TYPES[kind], COLLECTIONS[collection], None)
        return creating(ns, set_name, name, values)(self.version)

    def index_set_create(self, ns: str, set_name: str, name: str) -> str:
        return creating_of_set(ns, set_name, name)(self.version)

    def index_remove(self, namespace: str, name: str) -> str:
        return dropping(namespace, name)(self.version)

    def truncate(self, namespace: str, set_name: str | None, nanoseconds: int) -> str:
        before = EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds else None
        return truncating(namespace, set_name, before)

    def set_xdr_filter(self, datacenter: str, namespace: str, expression: Any) -> str:
        return filtering(datacenter, namespace, expression)


def info_command(recorded: Case, version: str = "8.1.2.0") -> str:
    """pyspike's command for a recorded call; raises what pyspike raises."""
    client = InfoClient(version)
    made: str = evaluate(recorded.call, recorded, client=client, client3=client, aerospike=Names())
    return made

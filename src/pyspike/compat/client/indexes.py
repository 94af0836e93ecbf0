"""Secondary indexes."""

from __future__ import annotations

from typing import Any

from pyspike import AdminPolicy, CollectionIndexType, IndexType, errors
from pyspike._wire import MAX_NAMESPACE
from pyspike.compat.aerospike_helpers.expressions.resources import Compiled
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.facts.constants import number
from pyspike.compat.model.deprecation import warn_deprecated
from pyspike.compat.model.exceptions import param_error, raised
from pyspike.compat.translate.contexts import contexts_of
from pyspike.compat.translate.names import bin_name_of

__all__ = ["Indexes"]

DEFAULT, LIST, MAP_KEYS, MAP_VALUES = CollectionIndexType
COLLECTIONS = {member.value: member for member in CollectionIndexType}
TYPES = {
    number("INDEX_STRING"): IndexType.STRING,
    number("INDEX_NUMERIC"): IndexType.NUMERIC,
    number("INDEX_INTEGER"): IndexType.NUMERIC,  # the same, as servers from 8.2 on call it
    number("INDEX_GEO2DSPHERE"): IndexType.GEO2DSPHERE,
    number("INDEX_BLOB"): IndexType.BLOB,
}


class Indexes(Connection):
    """The calls for secondary indexes. Each waits until all nodes have done it, and returns 0."""

    @method
    def index_integer_create(self, ns: Any, set: Any, bin: Any, name: Any, policy: Any = None) -> int:
        """Create an index of ints.

        Args:
            ns: the namespace.
            set: the set's name; None for all records of the namespace.
            bin: the bin's name.
            name: the index's name.
            policy: an info policy.
        """
        _deprecated("integer")
        return self._create(ns, set, name, policy, bin=bin, type=IndexType.NUMERIC)

    @method
    def index_string_create(self, ns: Any, set: Any, bin: Any, name: Any, policy: Any = None) -> int:
        """Create an index of strings; the arguments are those of `index_integer_create`."""
        _deprecated("string")
        return self._create(ns, set, name, policy, bin=bin, type=IndexType.STRING)

    @method
    def index_blob_create(self, ns: Any, set: Any, bin: Any, name: Any, policy: Any = None) -> int:
        """Create an index of bytes; the arguments are those of `index_integer_create`."""
        _deprecated("blob")
        return self._create(ns, set, name, policy, bin=bin, type=IndexType.BLOB)

    @method
    def index_geo2dsphere_create(self, ns: Any, set: Any, bin: Any, name: Any, policy: Any = None) -> int:
        """Create an index of GeoJSON; the arguments are those of `index_integer_create`."""
        _deprecated("geo2dsphere")
        return self._create(ns, set, name, policy, bin=bin, type=IndexType.GEO2DSPHERE)

    @method
    def index_single_value_create(
        self,
        ns: Any,
        set: Any,
        bin: Any,
        index_datatype: Any,
        name: Any,
        policy: Any = None,
        ctx: Any = None,
    ) -> int:
        """Create an index of a bin's value.

        Args:
            ns: the namespace.
            set: the set's name; None for all records of the namespace.
            bin: the bin's name.
            index_datatype: which values it holds, `INDEX_...`.
            name: the index's name.
            policy: an info policy.
            ctx: the contexts, if it is of something inside the bin.
        """
        return self._of_bin(ns, set, bin, index_datatype, name, policy, ctx, DEFAULT)

    @method
    def index_list_create(
        self,
        ns: Any,
        set: Any,
        bin: Any,
        index_datatype: Any,
        name: Any,
        policy: Any = None,
        ctx: Any = None,
    ) -> int:
        """Create an index of a list's elements; the arguments are those of `index_single_value_create`."""
        return self._of_bin(ns, set, bin, index_datatype, name, policy, ctx, LIST)

    @method
    def index_map_keys_create(
        self,
        ns: Any,
        set: Any,
        bin: Any,
        index_datatype: Any,
        name: Any,
        policy: Any = None,
        ctx: Any = None,
    ) -> int:
        """Create an index of a map's keys; the arguments are those of `index_single_value_create`."""
        return self._of_bin(ns, set, bin, index_datatype, name, policy, ctx, MAP_KEYS)

    @method
    def index_map_values_create(
        self,
        ns: Any,
        set: Any,
        bin: Any,
        index_datatype: Any,
        name: Any,
        policy: Any = None,
        ctx: Any = None,
    ) -> int:
        """Create an index of a map's values; the arguments are those of `index_single_value_create`."""
        return self._of_bin(ns, set, bin, index_datatype, name, policy, ctx, MAP_VALUES)

    @method
    def index_cdt_create(
        self,
        ns: Any,
        set: Any,
        bin: Any,
        index_type: Any,
        index_datatype: Any,
        name: Any,
        ctx: Any,
        policy: Any = None,
    ) -> int:
        """Create an index of something inside a bin.

        Args:
            ns: the namespace.
            set: the set's name; None for all records of the namespace.
            bin: the bin's name.
            index_type: what of it, `INDEX_TYPE_...`.
            index_datatype: which values it holds, `INDEX_...`.
            name: the index's name.
            ctx: the contexts that lead to it, in a list.
            policy: an info policy.
        """
        warn_deprecated(
            "index_cdt_create() is deprecated. Please use one of the other non-deprecated index_*_create() "
            "methods instead"
        )
        if not isinstance(ctx, list) or not ctx:
            raise param_error("ctx must be a list of contexts, of one at least")
        return self._of_bin(ns, set, bin, index_datatype, name, policy, ctx, _collection(index_type))

    @method
    def index_expr_create(
        self,
        ns: Any,
        set: Any,
        index_type: Any,
        index_datatype: Any,
        expressions: Any,
        name: Any,
        policy: Any = None,
    ) -> int:
        """Create an index of what an expression gives.

        Args:
            ns: the namespace.
            set: the set's name; None for all records of the namespace.
            index_type: what of it, `INDEX_TYPE_...`.
            index_datatype: which values it holds, `INDEX_...`.
            expressions: the compiled expression.
            name: the index's name.
            policy: an info policy.
        """
        collection, kind = _collection(index_type), _type(index_datatype)
        if not isinstance(expressions, Compiled):
            raise param_error("expressions must be a compiled expression")
        return self._create(ns, set, name, policy, expression=expressions, type=kind, collection=collection)

    @method
    def index_set_create(self, ns: Any, set: Any, name: Any, policy: Any = None) -> int:
        """Create an index of a set.

        Args:
            ns: the namespace.
            set: the set's name.
            name: the index's name.
            policy: an info policy.
        """
        made = self._kinds["info"](policy)
        self._client.create_set_index(ns, set, name, policy=_admin(made)).wait(WAIT)
        return 0

    @method
    def index_remove(self, ns: Any, name: Any, policy: Any = None) -> int:
        """Remove an index.

        Args:
            ns: the namespace.
            name: the index's name.
            policy: an info policy.
        """
        _check_text(ns, "Namespace should be a string")
        _check_text(name, "Index name should be string or unicode")
        made = self._kinds["info"](policy)
        self._client.drop_index(ns, name, policy=_admin(made)).wait(WAIT)
        return 0

    def _of_bin(
        self,
        ns: Any,
        set: Any,
        bin: Any,
        datatype: Any,
        name: Any,
        policy: Any,
        ctx: Any,
        collection: CollectionIndexType,
    ) -> int:
        kind = _type(datatype)
        if not isinstance(ctx, list | None):
            raise TypeError("ctx must be a list")
        chosen = contexts_of(ctx) if ctx else None
        return self._create(ns, set, name, policy, bin=bin, type=kind, collection=collection, ctx=chosen)

    def _create(self, ns: Any, set: Any, name: Any, policy: Any, **what: Any) -> int:
        _check_text(ns, "Namespace should be a string")
        if not isinstance(set, str | None):
            raise param_error("Set should be string, unicode or None")
        if "bin" in what:
            what["bin"] = _bin(what["bin"])
        _check_text(name, "Index name should be string or unicode")
        made = self._kinds["info"](policy)
        if len(ns.encode()) > MAX_NAMESPACE:
            raise raised("NamespaceNotFound", f"there is no namespace {ns}")
        try:
            self._client.create_index(ns, set or None, name, policy=_admin(made), **what).wait(WAIT)
        except errors.InvalidArgument as error:
            raise raised("InvalidRequest", error.message) from error
        return 0


WAIT = 60_000  # milliseconds until all nodes must have built an index


def _admin(policy: Any) -> AdminPolicy:
    return AdminPolicy(timeout=policy.timeout)


def _deprecated(kind: str) -> None:
    warn_deprecated(f"index_{kind}_create() is deprecated. Please use index_single_value_create() instead")


def _check_text(value: Any, message: str) -> None:
    if not isinstance(value, str):
        raise param_error(message)


def _bin(name: Any) -> str:
    if not isinstance(name, str | bytearray):
        raise param_error("Bin should be a string")
    return bin_name_of(name)


def _type(datatype: Any) -> IndexType:
    if not isinstance(datatype, int) or datatype not in TYPES:
        raise param_error("index_datatype must be one of aerospike.INDEX_*")
    return TYPES[datatype]


def _collection(index_type: Any) -> CollectionIndexType:
    if not isinstance(index_type, int) or index_type not in COLLECTIONS:
        raise param_error("index_type must be one of aerospike.INDEX_TYPE_*")
    return COLLECTIONS[index_type]

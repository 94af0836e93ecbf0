"""The calls of `Client` that change the cluster itself: its indexes, its modules, what is truncated.

What they do is in `pyspike.cluster`; those of `AsyncClient` are in `pyspike.async_administration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pyspike._types import Filter
from pyspike._wire import EncodedContext
from pyspike.client_part import ClientPart
from pyspike.index import CollectionIndexType, IndexType, SecondaryIndex
from pyspike.policy import AdminPolicy
from pyspike.process.lazy_imports import LazyModule, importing
from pyspike.task import IndexTask, Task
from pyspike.udf import UdfModule, UdfSource

if TYPE_CHECKING:
    from pyspike import explanation
    from pyspike.cdt.context import Context
else:
    Context = EncodedContext  # for `typing.get_type_hints`: its base class, which needs no further import
    explanation = LazyModule("pyspike.explanation")

__all__ = ["Administration"]


class Administration(ClientPart):
    """What `Client` has besides its commands on records: indexes, truncation, modules of functions."""

    __slots__ = ()

    # --- indexes ---

    def create_index(
        self,
        namespace: str,
        set_name: str | None,
        name: str,
        *,
        bin: str | None = None,  # noqa: A002 - as everywhere
        expression: Filter | None = None,
        type: IndexType,  # noqa: A002
        collection: CollectionIndexType = CollectionIndexType.DEFAULT,
        ctx: Sequence[Context] | None = None,
        policy: AdminPolicy | None = None,
    ) -> IndexTask:
        """Create a secondary index, by which queries find records by what is in a bin.

            client.create_index("test", "users", "ages", bin="age", type=IndexType.NUMERIC).wait()

        An index that is there is left as it is; if there is one of the same values with another name, newer
        servers (8.1) give it this name.

        Args:
            namespace: the namespace's name.
            set_name: the set whose records it holds; None for all records of the namespace.
            name: its own name, which no other index of the namespace has; up to 63 bytes.
            bin: the name of the bin; None with `expression`.
            expression: what is indexed in place of a bin: an expression that reads bins, or its bytes
                (servers from 8.1 on).
            type: which values it holds; others are left out of it.
            collection: what of a bin it holds, or of what the expression gives: the value itself, a list's
                elements, a map's keys or a map's values.
            ctx: the way to what is indexed inside the bin, as in `pyspike.operations`.
            policy: the deadline for the first node's answer.

        Returns:
            What waits until every node has built it; queries by it fail with `IndexNotReadable` until then.

        Raises:
            InvalidType, InvalidArgument: an argument is no such thing, or arguments exclude each other.
            InvalidNamespace: the cluster has no such namespace.
            IndexFound: another index has the name.
            ServerError: a node refuses it; the message says why.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import indexes

        values = indexes.IndexedValues(bin, expression, type, collection, ctx)
        with self._admin_call("create_index", policy) as call:
            return IndexTask(*indexes.create(call, namespace, set_name, name, values))

    def create_set_index(
        self, namespace: str, set_name: str, name: str, *, policy: AdminPolicy | None = None
    ) -> IndexTask:
        """Create an index of a set, by which queries of the whole set need not look at the other records.

        Queries use it by themselves. Servers from 8.1.2 on have it.

        Args:
            namespace: the namespace's name.
            set_name: the set's name.
            name: its own name, which no other index of the namespace has; up to 63 bytes.
            policy: the deadline for the first node's answer.

        Returns:
            What waits until every node has built it.

        Raises:
            UnsupportedFeature: the server is too old.
            InvalidType, InvalidArgument, InvalidNamespace, ServerError: as from `create_index`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import indexes

        with self._admin_call("create_set_index", policy) as call:
            return IndexTask(*indexes.create_of_set(call, namespace, set_name, name))

    def drop_index(self, namespace: str, name: str, *, policy: AdminPolicy | None = None) -> IndexTask:
        """Drop an index, if there is one of this name.

        Args:
            namespace: the namespace's name.
            name: the index's name.
            policy: the deadline for the first node's answer.

        Returns:
            What waits until no node has it.

        Raises:
            InvalidType, InvalidArgument: a name can't be one.
            InvalidNamespace: the cluster has no such namespace.
            ServerError, TimeoutError, ConnectionError: no node did it.
        """
        with importing:
            from pyspike.cluster import indexes

        with self._admin_call("drop_index", policy) as call:
            return IndexTask(*indexes.drop(call, namespace, name))

    def list_indexes(
        self, namespace: str | None = None, *, policy: AdminPolicy | None = None
    ) -> list[SecondaryIndex]:
        """The indexes there are, by namespace and name; each node is asked.

        Args:
            namespace: the namespace's name; None for all namespaces.
            policy: the deadline for each node.

        Raises:
            InvalidType, InvalidArgument: the namespace's name can't be one.
            InvalidNamespace: the cluster has no such namespace.
            ServerError, TimeoutError, ConnectionError: a node did not tell its own.
        """
        with importing:
            from pyspike.cluster import indexes

        with self._admin_call("list_indexes", policy) as call:
            return indexes.list_indexes(call, namespace)

    def explain(
        self,
        namespace: str,
        set_name: str | None,
        where: str,
        *,
        index: str | None = None,
        require_index: bool = False,
        require_hint: bool = False,
        policy: AdminPolicy | None = None,
    ) -> explanation.Explanation:
        """Ask by which index a server would find the records of a query, which is text here.

            client.explain("test", "users", "$.age >= 21 and $.country == 'UK'").index

        Nothing is read. The text is of the Aerospike Expression Language (AEL), which servers from 8.2 on
        compile, and look for the best index for.

        Args:
            namespace: the namespace's name.
            set_name: the set's name; None for the whole namespace.
            where: which records.
            index: the name of the index that it had better use: a hint, which the server may leave.
            require_index: whether it is an error if there is no index to find them by.
            require_hint: whether it is an error if it can't be `index`.
            policy: the deadline.

        Raises:
            UnsupportedFeature: a server of the cluster is too old.
            InvalidType, InvalidArgument: an argument is no such thing.
            InvalidNamespace: the cluster has no such namespace.
            IndexNotFound: it can't be found by an index, or by the one that is required.
            RequestInvalid: the server can't understand the text; the message and `trace` say why.
            ServerError, TimeoutError, ConnectionError: no node answered, or with another error.
        """
        with importing:
            from pyspike.cluster import explaining

        hints = index, require_index, require_hint
        with self._admin_call("explain", policy) as call:
            return explaining.explain(call, namespace, set_name, where, *hints)

    # --- what is stored ---

    def truncate(
        self,
        namespace: str,
        set_name: str | None = None,
        *,
        before: datetime | None = None,
        policy: AdminPolicy | None = None,
    ) -> None:
        """Remove all records of a set, or of a whole namespace, at once and for good.

        The records vanish from a node when it has heard of it, which may take a moment; the space that they
        took is given back in the background. What has just been written is gone, too: as servers compare
        whole milliseconds, one passes first.

        Args:
            namespace: the namespace's name.
            set_name: the set's name; None for all records of the namespace, in sets and in none.
            before: only records that were last written before this time, by the servers' clocks, which count
                milliseconds, so that those of the same one stay; a datetime with a time zone. None for now.
            policy: the deadline.

        Raises:
            InvalidType, InvalidArgument: an argument is no such thing, or the datetime has no time zone.
            InvalidNamespace: the cluster has no such namespace.
            ServerError: a node refuses it, as the time is in the future.
            TimeoutError, ConnectionError: no node answered; `in_doubt` says whether one may have done it.
        """
        with importing:
            from pyspike.cluster import truncation

        with self._admin_call("truncate", policy) as call:
            truncation.truncate(call, namespace, set_name, before)

    def set_xdr_filter(
        self,
        datacenter: str,
        namespace: str,
        expression: Filter | None,
        *,
        policy: AdminPolicy | None = None,
    ) -> None:
        """Say which records are shipped to another data center (Enterprise Edition).

        Args:
            datacenter: its name in the servers' configuration.
            namespace: the namespace's name.
            expression: records for which it holds are shipped; an expression or its bytes. None removes the
                filter, so that all are.
            policy: the deadline.

        Raises:
            EnterpriseOnly: the server is of the Community Edition.
            InvalidType, InvalidArgument: an argument is no such thing.
            InvalidNamespace: the cluster has no such namespace.
            ServerError, TimeoutError, ConnectionError: no node did it.
        """
        with importing:
            from pyspike.cluster import xdr

        with self._admin_call("set_xdr_filter", policy) as call:
            xdr.set_filter(call, datacenter, namespace, expression)

    # --- modules of functions ---

    def register_udf(
        self,
        source: UdfSource,
        name: str | None = None,
        *,
        policy: AdminPolicy | None = None,
    ) -> Task:
        """Register a module of Lua functions: a node takes it, and passes it on to the others.

        A module of that name is replaced.

        Args:
            source: the module's text; or the path of its file, as a `Path`, or as a str that ends in ".lua".
            name: its file name on the servers, such as "counters.lua"; None for that of the file.
            policy: the deadline for the first node's answer.

        Returns:
            What waits until every node has it: `client.register_udf("counters.lua").wait()`.

        Raises:
            UdfError: the server can't compile it; the message says where.
            InvalidType, InvalidArgument: it is no source, or has no name that a server takes.
            OSError: the file can't be read.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import udf_modules

        with self._admin_call("register_udf", policy) as call:
            return Task(udf_modules.register(call, source, name))

    def remove_udf(self, name: str, *, policy: AdminPolicy | None = None) -> Task:
        """Remove a module from all nodes, if there is one of this name.

        Args:
            name: its name, with or without ".lua".
            policy: the deadline for the first node's answer.

        Returns:
            What waits until no node has it.

        Raises:
            InvalidType, InvalidArgument: the name can't be one.
            ServerError, TimeoutError, ConnectionError: no node did it.
        """
        with importing:
            from pyspike.cluster import udf_modules

        with self._admin_call("remove_udf", policy) as call:
            return Task(udf_modules.remove(call, name))

    def list_udfs(self, *, policy: AdminPolicy | None = None) -> list[UdfModule]:
        """The modules that are registered, by their names.

        Raises:
            ServerError, TimeoutError, ConnectionError: no node told them.
        """
        with importing:
            from pyspike.cluster import udf_modules

        with self._admin_call("list_udfs", policy) as call:
            return udf_modules.list_modules(call)

    def get_udf(self, name: str, *, policy: AdminPolicy | None = None) -> str:
        """The source of a module. Bytes that are no UTF-8 are kept as surrogates (`surrogateescape`).

        Args:
            name: its name, with or without ".lua".
            policy: the deadline.

        Raises:
            UdfError: there is no such module.
            InvalidType, InvalidArgument: the name can't be one.
            ServerError, TimeoutError, ConnectionError: no node told it.
        """
        with importing:
            from pyspike.cluster import udf_modules

        with self._admin_call("get_udf", policy) as call:
            return udf_modules.read(call, name)

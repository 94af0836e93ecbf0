"""The calls of `AsyncClient` that change the cluster itself: as those of `Client`, but to be awaited.

What blocks is done in a thread of its own: these calls are rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspike import explanation
from pyspike._types import Filter
from pyspike.async_task import AsyncIndexTask, AsyncTask
from pyspike.cdt.context import Context
from pyspike.client_part import ClientPart
from pyspike.cluster import explaining, indexes, truncation, udf_modules, xdr
from pyspike.index import CollectionIndexType, IndexType, SecondaryIndex
from pyspike.policy import AdminPolicy
from pyspike.process.in_thread import in_thread
from pyspike.udf import UdfModule, UdfSource

__all__ = ["AsyncAdministration"]


class AsyncAdministration(ClientPart):
    """What `AsyncClient` has besides its commands on records: see `Administration`."""

    __slots__ = ()

    # --- indexes ---

    async def create_index(
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
    ) -> AsyncIndexTask:
        """Create a secondary index: see `Client.create_index`."""
        values = indexes.IndexedValues(bin, expression, type, collection, ctx)
        with self._admin_call("create_index", policy) as call:
            return AsyncIndexTask(*await in_thread(indexes.create, call, namespace, set_name, name, values))

    async def create_set_index(
        self, namespace: str, set_name: str, name: str, *, policy: AdminPolicy | None = None
    ) -> AsyncIndexTask:
        """Create an index of a set: see `Client.create_set_index`."""
        with self._admin_call("create_set_index", policy) as call:
            return AsyncIndexTask(*await in_thread(indexes.create_of_set, call, namespace, set_name, name))

    async def drop_index(
        self, namespace: str, name: str, *, policy: AdminPolicy | None = None
    ) -> AsyncIndexTask:
        """Drop an index: see `Client.drop_index`."""
        with self._admin_call("drop_index", policy) as call:
            return AsyncIndexTask(*await in_thread(indexes.drop, call, namespace, name))

    async def list_indexes(
        self, namespace: str | None = None, *, policy: AdminPolicy | None = None
    ) -> list[SecondaryIndex]:
        """The indexes there are: see `Client.list_indexes`."""
        with self._admin_call("list_indexes", policy) as call:
            return await in_thread(indexes.list_indexes, call, namespace)

    async def explain(
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
        """Ask by which index a server would find the records of a query: see `Client.explain`."""
        hints = index, require_index, require_hint
        with self._admin_call("explain", policy) as call:
            return await in_thread(explaining.explain, call, namespace, set_name, where, *hints)

    # --- what is stored ---

    async def truncate(
        self,
        namespace: str,
        set_name: str | None = None,
        *,
        before: datetime | None = None,
        policy: AdminPolicy | None = None,
    ) -> None:
        """Remove all records of a set, or of a whole namespace: see `Client.truncate`."""
        with self._admin_call("truncate", policy) as call:
            await in_thread(truncation.truncate, call, namespace, set_name, before)

    async def set_xdr_filter(
        self,
        datacenter: str,
        namespace: str,
        expression: Filter | None,
        *,
        policy: AdminPolicy | None = None,
    ) -> None:
        """Say which records are shipped to another data center: see `Client.set_xdr_filter`."""
        with self._admin_call("set_xdr_filter", policy) as call:
            await in_thread(xdr.set_filter, call, datacenter, namespace, expression)

    # --- modules of functions ---

    async def register_udf(
        self,
        source: UdfSource,
        name: str | None = None,
        *,
        policy: AdminPolicy | None = None,
    ) -> AsyncTask:
        """Register a module of Lua functions: see `Client.register_udf`."""
        with self._admin_call("register_udf", policy) as call:
            return AsyncTask(await in_thread(udf_modules.register, call, source, name))

    async def remove_udf(self, name: str, *, policy: AdminPolicy | None = None) -> AsyncTask:
        """Remove a module from all nodes: see `Client.remove_udf`."""
        with self._admin_call("remove_udf", policy) as call:
            return AsyncTask(await in_thread(udf_modules.remove, call, name))

    async def list_udfs(self, *, policy: AdminPolicy | None = None) -> list[UdfModule]:
        """The modules that are registered: see `Client.list_udfs`."""
        with self._admin_call("list_udfs", policy) as call:
            return await in_thread(udf_modules.list_modules, call)

    async def get_udf(self, name: str, *, policy: AdminPolicy | None = None) -> str:
        """The source of a module: see `Client.get_udf`."""
        with self._admin_call("get_udf", policy) as call:
            return await in_thread(udf_modules.read, call, name)

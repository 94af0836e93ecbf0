"""`AsyncClient.update`; what it does is told in `updates`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, overload

from pyspike._types import KeyLike, Milliseconds, Ttl
from pyspike.client_part import ClientPart
from pyspike.errors import AerospikeError
from pyspike.plans.updates import Update
from pyspike.policy import WritePolicy
from pyspike.updates import REPEATS, N, U

__all__ = ["AsyncUpdates"]


class AsyncUpdates(ClientPart):
    """What `AsyncClient` has besides its commands on records: `update`."""

    __slots__ = ()

    get: Any  # those of the compiled commands, which stand in front of this class
    put: Any
    delete: Any

    @overload
    async def update(
        self,
        key: KeyLike,
        function: Callable[[dict[str, Any]], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None],
        *,
        retries: int = ...,
        timeout: Milliseconds | None = ...,
        ttl: Ttl | None = ...,
        policy: WritePolicy | None = ...,
    ) -> dict[str, Any]: ...

    @overload
    async def update(
        self,
        key: KeyLike,
        function: Callable[[U | None], U | N | Awaitable[U | N]],
        *,
        into: type[U],
        retries: int = ...,
        timeout: Milliseconds | None = ...,
        ttl: Ttl | None = ...,
        policy: WritePolicy | None = ...,
    ) -> U | N: ...

    async def update(
        self,
        key: KeyLike,
        function: Callable[[Any], Any],
        *,
        into: type[Any] | None = None,
        retries: int = REPEATS,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        policy: WritePolicy | None = None,
    ) -> Any:
        """Read a record, have a function change its bins, and write what has changed if nobody else has:
        see `Client.update`. The function may be a coroutine function.
        """
        policies = self._policies
        plan = None if into is None else self._cluster.types.plan(into)
        update = Update(
            policies.read,
            policies.write if policy is None else policy,
            retries,
            timeout,
            plan,
            self._cluster.policy.codecs,
        )
        while True:
            given = update.begin(await self.get(key, **update.read_options))
            returned = function(given)
            update.end(await returned if inspect.isawaitable(returned) else returned)
            try:
                if update.deletes:
                    await self.delete(key, **update.write_options)
                elif update.changes:
                    await self.put(key, update.changes, ttl=ttl, **update.write_options)
            except AerospikeError as error:
                pause = update.pause_after(error)
                if pause is None:
                    raise
            else:
                return update.result
            await asyncio.sleep(pause / 1000)

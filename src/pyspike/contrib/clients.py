"""What an integration reads and writes with: a URL, or a client of somebody; for threads and for tasks."""

from __future__ import annotations

from typing import TypeVar

from pyspike._wire import Key
from pyspike.aio import AsyncClient
from pyspike.client import Client
from pyspike.contrib.location import Location
from pyspike.contrib.steps import Steps, run, run_async
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.shared_clients import shared_async_client
from pyspike.showing import shown

__all__ = ["Clients"]

T = TypeVar("T")


class Clients:
    """A set of records, and a client for each kind of callers.

    Args:
        client: a URL, whose client all share that name the same cluster in this process; or a `Client`, which
            serves threads and tasks; or an `AsyncClient`, which serves tasks.
        namespace: of the records; None for that of the URL, or of the client's.
        set_name: of the records; None for that of the URL, or the default.
        default_set: the set's name where nobody gives one.

    Raises:
        InvalidType: it is none of them, or a name is no text.
        InvalidArgument: no namespace is known, or a name can't be one.
    """

    __slots__ = ("_blocking", "_location", "_tasks", "namespace", "set_name")

    def __init__(
        self,
        client: Client | AsyncClient | str,
        *,
        namespace: str | None,
        set_name: str | None,
        default_set: str,
    ) -> None:
        if not isinstance(client, (str, Client, AsyncClient)):
            raise InvalidType(f"it takes a URL, a Client or an AsyncClient, not {shown(client)}")
        self._blocking = client if isinstance(client, Client) else None
        self._tasks = client if isinstance(client, AsyncClient) else None
        self._location = None
        if isinstance(client, str):
            self._location = Location.of(
                client, default_set=default_set, namespace=namespace, set_name=set_name
            )
            namespace, set_name = self._location.namespace, self._location.set_name
        elif namespace is None:
            namespace = client.namespace
        if namespace is None:
            raise InvalidArgument("no namespace is known", advice="give namespace=, or name it in the URL")
        self.namespace = namespace
        self.set_name = default_set if set_name is None else set_name
        self.key("")  # which refuses names that can't be

    def key(self, name: str | bytes | int) -> Key:
        """The key of a record."""
        return Key(self.namespace, self.set_name, name)

    def client(self) -> Client:
        """The client for threads. With a URL, the first call connects.

        Raises:
            InvalidArgument: an AsyncClient was given.
            AerospikeError: no node can be reached, or the cluster has no such namespace.
        """
        if self._location is not None:
            return self._location.client()
        if self._blocking is None:
            raise InvalidArgument(
                "this was made with an AsyncClient, which serves tasks only",
                advice="await the method of the same name with an a before it, or make it with a Client",
            )
        return self._blocking

    async def async_client(self) -> AsyncClient:
        """The client for tasks, whose connections are inside their loop; it raises what `client` does."""
        if self._tasks is not None:
            return self._tasks
        if self._location is not None:
            return await self._location.async_client()
        return shared_async_client(self.client())

    def run(self, steps: Steps[T]) -> T:
        """Do steps in this thread: see `steps.run`, and `client`."""
        return run(self.client(), steps)

    async def run_async(self, steps: Steps[T]) -> T:
        """Do steps in this task: see `steps.run_async`, and `client`."""
        return await run_async(await self.async_client(), steps)

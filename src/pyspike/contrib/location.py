"""Where the records of an integration are, told by one URL: a cluster, a namespace in it, and a set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspike._wire import Key
from pyspike.client import Client
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.policy import ClientPolicy
from pyspike.process.in_thread import in_thread
from pyspike.shared_clients import known_client, shared_async_client, shared_client
from pyspike.url import parse_url

if TYPE_CHECKING:
    from pyspike.aio import AsyncClient

__all__ = ["Location"]

SET = "set"


@dataclass(frozen=True, slots=True)
class Location:
    """A set of records in a cluster, and the client of this process that all locations of a URL share.

    It can be pickled and compared; what another process gets makes a client of its own.

    Args:
        url: the cluster, as `Client.from_url` takes it, with the namespace. It has no option `set`.
        namespace: of the records.
        set_name: of the records.
    """

    url: str = field(repr=False)  # it may have a password
    namespace: str
    set_name: str

    @classmethod
    def of(
        cls, url: str, *, default_set: str, namespace: str | None = None, set_name: str | None = None
    ) -> Location:
        """The location that a URL tells: `aerospike://host:3000/namespace?set=sessions`. Connects nowhere.

        Args:
            url: as `Client.from_url` takes it; the option `set` of it is the name of the set.
            default_set: the set's name where neither the URL nor `set_name` has one.
            namespace: where the URL has none.
            set_name: where the URL has none.

        Raises:
            InvalidType: an argument is no text.
            InvalidArgument: the URL can't be read, there is no namespace, or two different ones are given, or
                two different sets.
        """
        if not isinstance(url, str):
            raise InvalidType(f"the URL of a cluster must be a str, not {type(url).__name__}")
        url, sets = _without_set(url)
        named = parse_url(url, ClientPolicy()).namespace
        of_set = _one("set", *sets, set_name) or default_set
        return cls(url, cls._known(_one("namespace", named, namespace), of_set), of_set)

    @staticmethod
    def _known(namespace: str | None, set_name: str) -> str:
        if namespace is None:
            raise InvalidArgument(
                "the URL names no namespace",
                advice="write it behind the hosts: aerospike://host:3000/namespace",
            )
        Key(namespace, set_name, 0)  # which refuses names that can't be
        return namespace

    def client(self) -> Client:
        """The client of this process for the cluster, which is made at the first call.

        Raises:
            AerospikeError: no node can be reached, or the cluster has no such namespace.
        """
        return shared_client(self.url, lambda: Client.from_url(self.url))

    async def async_client(self) -> AsyncClient:
        """The same for tasks, in whatever loop they run, which goes on while the client connects."""
        client = known_client(self.url)
        if client is None:
            client = await in_thread(self.client)
        return shared_async_client(client)

    def policy(self) -> ClientPolicy:
        """The client's policy, as the URL tells it."""
        return parse_url(self.url, ClientPolicy()).policy

    def key(self, name: str | bytes | int) -> Key:
        """The key of a record; names of any length are fine, as a digest is what goes to the server."""
        return Key(self.namespace, self.set_name, name)

    def of_set(self, set_name: str) -> Location:
        """Another set of the same namespace."""
        return Location(self.url, self.namespace, set_name)


def _without_set(url: str) -> tuple[str, list[str]]:
    """A URL without the option `set`, and what that says."""
    front, mark, options = url.partition("?")
    parts = options.split("&")
    sets = [unquote(part[len(SET) + 1 :]) for part in parts if part.startswith(f"{SET}=")]
    rest = "&".join(part for part in parts if not part.startswith(f"{SET}="))
    return (front + mark + rest if rest else front) if sets else url, sets


def _one(what: str, *given: str | None) -> str | None:
    """The one that was given, if any."""
    said = {each for each in given if each is not None}
    if len(said) > 1:
        raise InvalidArgument(f"two different {what}s are given: {' and '.join(sorted(said))}")
    return next(iter(said), None)

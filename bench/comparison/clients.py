"""How each client is opened and called.

A call is the client's own bound method wherever its shape allows, so that no Python of ours is measured with
it; policies and the like are bound once, as each client's documentation advises. What a client can't do is
None.

Mind that aerospike-native makes Python objects of a record's bins only when they are looked at: its `get`
alone does less than the others' (case get-document-bins does the whole).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Awaitable, Callable
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

from .cases import NAMESPACE

__all__ = ["OFFICIAL", "OURS", "PEERS", "Peer", "installed", "version"]

OURS = "pyspike"
OFFICIAL = "aerospike"


class Peer:
    """One client package. Every attribute that is a call is None until opened, or if it can't do that."""

    name: ClassVar[str]  # of the distribution
    module: ClassVar[str]

    bins: Callable[[Any], Any] = attrgetter("bins")  # of what `get` gives
    get: Callable[[Any], Any] | None = None
    put: Callable[[Any, Any], Any] | None = None
    operate: Callable[[Any], Any] | None = None
    operate_document: Callable[[Any], Any] | None = None
    exists: Callable[[Any], Any] | None = None
    digest: Callable[[int], Any] | None = None
    async_get: Callable[[Any], Awaitable[Any]] | None = None
    async_put: Callable[[Any, Any], Awaitable[Any]] | None = None

    def __init__(self, hosts: str) -> None:
        self.hosts = hosts
        host, _, port = hosts.split(",")[0].rpartition(":")
        self.first = (host.strip("[]"), int(port))
        self.package: Any = importlib.import_module(self.module)

    @classmethod
    def has_asyncio(cls) -> bool:
        """Whether the installed version has an asyncio client."""
        return False

    def key(self, set_name: str, number: int) -> Any:
        """A key in the shape that the client takes."""
        return (NAMESPACE, set_name, number)

    def connect(self) -> Any:
        """A new client, connected."""
        raise NotImplementedError

    def disconnect(self, client: Any) -> None:
        """Close a client."""
        client.close()

    def open(self) -> None:
        """Connect, and fill in the calls."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Fill in the calls that need no server."""

    async def async_open(self) -> None:
        """Connect inside the running loop, and fill in the calls."""
        raise NotImplementedError

    async def async_close(self) -> None:
        """Close what `async_open` opened."""


class Pyspike(Peer):
    name = module = OURS

    @classmethod
    def has_asyncio(cls) -> bool:
        return hasattr(importlib.import_module(cls.module), "AsyncClient")

    def key(self, set_name: str, number: int) -> Any:
        return self.package.Key(NAMESPACE, set_name, number)

    def connect(self) -> Any:
        return self.package.Client(self.hosts)

    def open(self) -> None:
        client, op = self.connect(), self.package.operations
        self.get, self.put, self.exists = client.get, client.put, client.exists

        def operate(key: Any) -> Any:
            return client.operate(key, [op.put("b", "hello world"), op.add("c", 1), op.get("b"), op.get("c")])

        lists, maps, value = op.lists, op.maps, self.package.MapReturnType.VALUE

        def operate_document(key: Any) -> Any:
            steps = [op.add("c", 1), op.get("c"), lists.size("tags")]
            return client.operate(key, [*steps, maps.get_by_key("attrs", "k3", return_type=value)])

        self.operate, self.operate_document = operate, operate_document

    def prepare(self) -> None:
        self.digest = partial(self.package.digest, "bench-small")

    async def async_open(self) -> None:
        self.client = await self.package.AsyncClient.connect(self.hosts)
        self.async_get, self.async_put = self.client.get, self.client.put

    async def async_close(self) -> None:
        await self.client.close()


class Official(Peer):
    name = module = OFFICIAL
    bins = itemgetter(2)

    def connect(self) -> Any:
        return self.package.client({"hosts": [self.first]}).connect()

    def open(self) -> None:
        op = importlib.import_module("aerospike_helpers.operations.operations")
        client = self.connect()
        self.get, self.put, self.exists = client.get, client.put, client.exists

        def operate(key: Any) -> Any:
            steps = [op.write("b", "hello world"), op.increment("c", 1), op.read("b"), op.read("c")]
            return client.operate(key, steps)

        lists = importlib.import_module("aerospike_helpers.operations.list_operations")
        maps = importlib.import_module("aerospike_helpers.operations.map_operations")
        value = self.package.MAP_RETURN_VALUE

        def operate_document(key: Any) -> Any:
            steps = [op.increment("c", 1), op.read("c"), lists.list_size("tags")]
            return client.operate(key, [*steps, maps.map_get_by_key("attrs", "k3", value)])

        self.operate, self.operate_document = operate, operate_document

    def prepare(self) -> None:
        self.digest = partial(self.package.calc_digest, NAMESPACE, "bench-small")


class Native(Peer):
    name = "aerospike-native"
    module = "aerospike_native"

    @classmethod
    def has_asyncio(cls) -> bool:
        return True

    def key(self, set_name: str, number: int) -> Any:
        return self.package.Key(NAMESPACE, set_name, number)

    def connect(self) -> Any:
        return self.package.new_client_blocking(self.package.ClientPolicy(), self.hosts)

    def disconnect(self, client: Any) -> None:
        client.close_blocking()

    def open(self) -> None:
        client, op = self.connect(), self.package.Operation
        reading, writing = self.package.ReadPolicy(), self.package.WritePolicy()
        self.get = partial(client.get_blocking, policy=reading)
        self.put = partial(client.put_blocking, policy=writing)
        self.exists = partial(client.exists_blocking, policy=reading)

        def operate(key: Any) -> Any:
            steps = [op.put("b", "hello world"), op.add("c", 1), op.get_bin("b"), op.get_bin("c")]
            return client.operate_blocking(key, steps, policy=writing)

        lists, maps = self.package.ListOperation, self.package.MapOperation
        value = self.package.MapReturnType.VALUE

        def operate_document(key: Any) -> Any:
            steps = [op.add("c", 1), op.get_bin("c"), lists.size("tags")]
            steps.append(maps.get_by_key("attrs", "k3", value))
            return client.operate_blocking(key, steps, policy=writing)

        self.operate, self.operate_document = operate, operate_document

    def prepare(self) -> None:
        self.digest = partial(
            self.package.Key, NAMESPACE, "bench-small"
        )  # a key has its digest from the start

    async def async_open(self) -> None:
        self.client = await self.package.new_client(self.package.ClientPolicy(), self.hosts)
        self.async_get = partial(self.client.get, policy=self.package.ReadPolicy())
        self.async_put = partial(self.client.put, policy=self.package.WritePolicy())

    async def async_close(self) -> None:
        await self.client.close()


class AerospikePy(Peer):
    name = "aerospike-py"
    module = "aerospike_py"

    @classmethod
    def has_asyncio(cls) -> bool:
        return True

    def connect(self) -> Any:
        return self.package.client({"hosts": [self.first]}).connect()

    def open(self) -> None:
        client, package = self.connect(), self.package
        self.get, self.put, self.exists = client.get, client.put, client.exists
        write, add, read = package.OPERATOR_WRITE, package.OPERATOR_INCR, package.OPERATOR_READ

        def operate(key: Any) -> Any:
            steps = [
                {"op": write, "bin": "b", "val": "hello world"},
                {"op": add, "bin": "c", "val": 1},
                {"op": read, "bin": "b"},
                {"op": read, "bin": "c"},
            ]
            return client.operate(key, steps)

        lists, maps, value = package.list_operations, package.map_operations, package.MAP_RETURN_VALUE

        def operate_document(key: Any) -> Any:
            steps = [{"op": add, "bin": "c", "val": 1}, {"op": read, "bin": "c"}, lists.list_size("tags")]
            return client.operate(key, [*steps, maps.map_get_by_key("attrs", "k3", value)])

        self.operate, self.operate_document = operate, operate_document

    async def async_open(self) -> None:
        self.client = self.package.AsyncClient({"hosts": [self.first]})
        await self.client.connect()
        self.async_get, self.async_put = self.client.get, self.client.put

    async def async_close(self) -> None:
        await self.client.close()


PEERS: dict[str, type[Peer]] = {peer.name: peer for peer in (Pyspike, Official, Native, AerospikePy)}


def installed(name: str) -> bool:
    """Whether a client can be imported."""
    return importlib.util.find_spec(PEERS[name].module) is not None


def version(name: str) -> str | None:
    """The installed version of a client; None if it has none to tell."""
    if not installed(name):
        return None
    if name == OURS:
        return str(importlib.import_module(OURS).__version__)
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"

"""How each client is opened and called.

A call is the client's own bound method wherever its shape allows, so that no Python of ours is measured with
it; policies and the like are bound once, as each client's documentation advises. What a client can't do is
None.

Mind that aerospike-native makes Python objects of a record's bins only when they are looked at: its `get`
alone does less than the others' (case get-document-bins does the whole). So do its batches and those of
aerospike-py (cases batch-get-bins and batch-get-document-bins).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

from .cases import NAMESPACE, SMALL

__all__ = ["OFFICIAL", "OURS", "PEERS", "Peer", "installed", "version"]

OURS = "pyspike"
OFFICIAL = "aerospike"
PART = 2000  # rows of a batch of a client that leaves their number to its caller
PATIENCE = 30_000  # ms for a batch of a task, as many of them share what is a slow server maybe


def table_of(count: int) -> Any:
    """So many rows of the set that queries look at, as pyarrow has them."""
    columns = {"a": range(count), "b": [SMALL["b"]] * count, "c": [SMALL["c"]] * count}
    return importlib.import_module("pyarrow").table(columns)


def _rows_of(frame: Any) -> int:
    """How many rows a frame has, which must have the columns of the set."""
    if set(frame.columns) != set(SMALL):
        raise RuntimeError(f"the frame has the columns {list(frame.columns)}")
    return len(frame)


class Peer:
    """One client package. Every attribute that is a call is None until opened, or if it can't do that."""

    name: ClassVar[str]  # of the distribution
    module: ClassVar[str]

    bins: Callable[[Any], Any] = attrgetter("bins")  # of what `get` gives
    batch_bins: Callable[[Any], Any]  # of all records that `batch_get` gives
    get: Callable[[Any], Any] | None = None
    put: Callable[[Any, Any], Any] | None = None
    operate: Callable[[Any], Any] | None = None
    operate_document: Callable[[Any], Any] | None = None
    exists: Callable[[Any], Any] | None = None
    batch_get: Callable[[list[Any]], Any] | None = None
    batch_put: Callable[[list[tuple[Any, Any]]], Any] | None = None  # pairs of a key and its bins
    batch_put_same: Callable[[list[Any], Any], Any] | None = None  # keys, and the bins of each
    batch_operate: Callable[[list[Any]], Any] | None = None
    batch_operate_document: Callable[[list[Any]], Any] | None = None
    query: Callable[[str, tuple[int, int] | None, bool], int] | None = None
    # The same, with all records at once: in columns, or as a list; and as a frame of pandas.
    table: Callable[[str, tuple[int, int] | None, bool], int] | None = None
    frame: Callable[[str, tuple[int, int] | None, bool], int] | None = None
    # Writes the records that a query of the set finds once more, out of a table.
    write_table: Callable[[str, tuple[int, int] | None, bool], int] | None = None
    digest: Callable[[int], Any] | None = None
    async_batch_get: Callable[[list[Any]], Awaitable[Any]] | None = None
    async_get: Callable[[Any], Awaitable[Any]] | None = None
    async_put: Callable[[Any, Any], Awaitable[Any]] | None = None
    # Takes a set, which numbers of the bin `a` it finds (None: all), and whether bins are looked at.
    async_query: Callable[[str, tuple[int, int] | None, bool], Awaitable[int]] | None = None

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

    @staticmethod
    def batch_bins(records: Any) -> Any:
        return [record.bins for record in records]

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
        self.batch_get, self.batch_put = client.batch_get, client.batch_put
        lists, maps, value = op.lists, op.maps, self.package.MapReturnType.VALUE

        def steps() -> list[Any]:
            return [op.put("b", "hello world"), op.add("c", 1), op.get("b"), op.get("c")]

        def document_steps() -> list[Any]:
            by_key = maps.get_by_key("attrs", "k3", return_type=value)
            return [op.add("c", 1), op.get("c"), lists.size("tags"), by_key]

        self.operate = lambda key: client.operate(key, steps())
        self.operate_document = lambda key: client.operate(key, document_steps())
        self.batch_put_same = lambda keys, bins: client.batch_put([(key, bins) for key in keys])
        self.batch_operate = lambda keys: client.batch_operate(keys, steps())
        self.batch_operate_document = lambda keys: client.batch_operate(keys, document_steps())

        def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            count = 0
            for record in client.query(self._statement(set_name, numbers)):
                count += 1
                if look:
                    record.bins  # noqa: B018 - that is what is measured
            return count

        def table(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            found = client.query_arrow(self._statement(set_name, numbers)).to_pyarrow()
            return int(found.num_rows)

        def frame(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            found = client.query_arrow(self._statement(set_name, numbers)).to_pandas()
            return _rows_of(found)

        tables: list[Any] = []  # made by the first call, which is not measured

        def write_table(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            if not tables:
                tables.append(table_of(query(set_name, numbers, look)))
            report = client.write_arrow(tables[0], NAMESPACE, set_name, key="a", bins=["a", "b", "c"])
            return int(report.written)

        self.query = query
        if find_spec("pyarrow"):
            self.table, self.write_table = table, write_table
            self.frame = frame if find_spec("pandas") else None

    def _statement(self, set_name: str, numbers: tuple[int, int] | None) -> Any:
        where = None if numbers is None else self.package.filters.range("a", *numbers)
        return self.package.Statement(NAMESPACE, set_name, where=where)

    def prepare(self) -> None:
        self.digest = partial(self.package.digest, "bench-small")

    async def async_open(self) -> None:
        async def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            count = 0
            async for record in self.client.query(self._statement(set_name, numbers)):
                count += 1
                if look:
                    record.bins  # noqa: B018
            return count

        self.async_query = query
        self.client = await self.package.AsyncClient.connect(self.hosts)
        self.async_get, self.async_put = self.client.get, self.client.put
        self.async_batch_get = partial(self.client.batch_get, timeout=PATIENCE)

    async def async_close(self) -> None:
        await self.client.close()


class Official(Peer):
    name = module = OFFICIAL
    bins = itemgetter(2)

    @staticmethod
    def batch_bins(answer: Any) -> Any:
        return [row.record[2] for row in answer.batch_records]

    def connect(self) -> Any:
        return self.package.client({"hosts": [self.first]}).connect()

    def open(self) -> None:
        op = importlib.import_module("aerospike_helpers.operations.operations")
        lists = importlib.import_module("aerospike_helpers.operations.list_operations")
        maps = importlib.import_module("aerospike_helpers.operations.map_operations")
        rows = importlib.import_module("aerospike_helpers.batch.records")
        client, value = self.connect(), self.package.MAP_RETURN_VALUE
        self.get, self.put, self.exists = client.get, client.put, client.exists
        self.batch_get = client.batch_read

        def steps() -> list[Any]:
            return [op.write("b", "hello world"), op.increment("c", 1), op.read("b"), op.read("c")]

        def document_steps() -> list[Any]:
            by_key = maps.map_get_by_key("attrs", "k3", value)
            return [op.increment("c", 1), op.read("c"), lists.list_size("tags"), by_key]

        def writes(bins: Any) -> list[Any]:
            return [op.write(name, value) for name, value in bins.items()]

        def batch_put(records: list[tuple[Any, Any]]) -> Any:
            return client.batch_write(
                rows.BatchRecords([rows.Write(key, writes(bins)) for key, bins in records])
            )

        def batch_put_same(keys: list[Any], bins: Any) -> Any:
            same = writes(bins)
            return client.batch_write(rows.BatchRecords([rows.Write(key, same) for key in keys]))

        self.operate = lambda key: client.operate(key, steps())
        self.operate_document = lambda key: client.operate(key, document_steps())
        self.batch_put, self.batch_put_same = batch_put, batch_put_same
        self.batch_operate = lambda keys: client.batch_operate(keys, steps())
        self.batch_operate_document = lambda keys: client.batch_operate(keys, document_steps())
        between = importlib.import_module("aerospike.predicates").between

        def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            count = 0

            def take(record: Any) -> None:  # bins are made before it is called
                nonlocal count
                count += 1

            asked = client.query(NAMESPACE, set_name)
            if numbers is not None:
                asked.where(between("a", *numbers))
            asked.foreach(take)
            return count

        tables: list[Any] = []

        def write_table(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            if not tables:
                tables.append(table_of(query(set_name, numbers, look)))
            columns = tables[0].to_pydict()
            rows_of_table = [
                rows.Write((NAMESPACE, set_name, a), [op.write("a", a), op.write("b", b), op.write("c", c)])
                for a, b, c in zip(columns["a"], columns["b"], columns["c"], strict=True)
            ]
            for start in range(0, len(rows_of_table), PART):
                client.batch_write(rows.BatchRecords(rows_of_table[start : start + PART]))
            return len(rows_of_table)

        self.write_table = write_table if find_spec("pyarrow") else None

        def table(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            return len(client.query(NAMESPACE, set_name).results())

        def frame(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            pandas = importlib.import_module("pandas")
            rows = client.query(NAMESPACE, set_name).results()
            return _rows_of(pandas.DataFrame([bins for _, _, bins in rows]))

        self.query, self.table = query, table
        self.frame = frame if find_spec("pandas") else None

    def prepare(self) -> None:
        self.digest = partial(self.package.calc_digest, NAMESPACE, "bench-small")


class Native(Peer):
    name = "aerospike-native"
    module = "aerospike_native"

    @staticmethod
    def batch_bins(rows: Any) -> Any:
        return [row.record.bins for row in rows]

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
        batch = self.package.BatchPolicy()
        self.batch_get = partial(client.batch_read_blocking, batch_policy=batch)
        lists, maps = self.package.ListOperation, self.package.MapOperation
        value = self.package.MapReturnType.VALUE

        def steps() -> list[Any]:
            return [op.put("b", "hello world"), op.add("c", 1), op.get_bin("b"), op.get_bin("c")]

        def document_steps() -> list[Any]:
            by_key = maps.get_by_key("attrs", "k3", value)
            return [op.add("c", 1), op.get_bin("c"), lists.size("tags"), by_key]

        def batch_put(records: list[tuple[Any, Any]]) -> Any:
            keys, bins = [key for key, _ in records], [bins for _, bins in records]
            return client.batch_write_blocking(keys, bins, batch_policy=batch)

        def batch_put_same(keys: list[Any], bins: Any) -> Any:
            return client.batch_write_blocking(keys, [bins] * len(keys), batch_policy=batch)

        def operate_on(keys: list[Any], same: list[Any]) -> Any:
            return client.batch_operate_blocking(keys, [same] * len(keys), batch_policy=batch)

        self.operate = lambda key: client.operate_blocking(key, steps(), policy=writing)
        self.operate_document = lambda key: client.operate_blocking(key, document_steps(), policy=writing)
        self.batch_put, self.batch_put_same = batch_put, batch_put_same
        self.batch_operate = lambda keys: operate_on(keys, steps())
        self.batch_operate_document = lambda keys: operate_on(keys, document_steps())
        everything, asking = self.package.PartitionFilter.all(), self.package.QueryPolicy()

        def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            count = 0
            asked = client.query_blocking(self._statement(set_name, numbers), everything, policy=asking)
            for record in asked:
                count += 1
                if look:
                    record.bins  # noqa: B018
            return count

        self.query = query

    def _statement(self, set_name: str, numbers: tuple[int, int] | None) -> Any:
        statement = self.package.Statement(NAMESPACE, set_name)
        if numbers is not None:
            statement.filters = [self.package.Filter.range("a", *numbers)]
        return statement

    def prepare(self) -> None:
        self.digest = partial(
            self.package.Key, NAMESPACE, "bench-small"
        )  # a key has its digest from the start

    async def async_open(self) -> None:
        self.client = await self.package.new_client(self.package.ClientPolicy(), self.hosts)
        self.async_get = partial(self.client.get, policy=self.package.ReadPolicy())
        self.async_put = partial(self.client.put, policy=self.package.WritePolicy())
        patient = self.package.BatchPolicy()
        patient.total_timeout = PATIENCE
        self.async_batch_get = partial(self.client.batch_read, batch_policy=patient)
        everything, asking = self.package.PartitionFilter.all(), self.package.QueryPolicy()

        async def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            count = 0
            asked = await self.client.query(self._statement(set_name, numbers), everything, policy=asking)
            async for record in asked:
                count += 1
                if look:
                    record.bins  # noqa: B018
            return count

        self.async_query = query

    async def async_close(self) -> None:
        await self.client.close()


class AerospikePy(Peer):
    name = "aerospike-py"
    module = "aerospike_py"

    @staticmethod
    def batch_bins(records: Any) -> Any:
        return records.to_dict()

    @classmethod
    def has_asyncio(cls) -> bool:
        return True

    def connect(self) -> Any:
        return self.package.client({"hosts": [self.first]}).connect()

    def open(self) -> None:
        client, package = self.connect(), self.package
        self.get, self.put, self.exists = client.get, client.put, client.exists
        self.batch_get, self.batch_put = client.batch_read, client.batch_write
        write, add, read = package.OPERATOR_WRITE, package.OPERATOR_INCR, package.OPERATOR_READ
        lists, maps, value = package.list_operations, package.map_operations, package.MAP_RETURN_VALUE

        def steps() -> list[Any]:
            return [
                {"op": write, "bin": "b", "val": "hello world"},
                {"op": add, "bin": "c", "val": 1},
                {"op": read, "bin": "b"},
                {"op": read, "bin": "c"},
            ]

        def document_steps() -> list[Any]:
            counted = [{"op": add, "bin": "c", "val": 1}, {"op": read, "bin": "c"}]
            return [*counted, lists.list_size("tags"), maps.map_get_by_key("attrs", "k3", value)]

        self.operate = lambda key: client.operate(key, steps())
        self.operate_document = lambda key: client.operate(key, document_steps())
        self.batch_put_same = lambda keys, bins: client.batch_write([(key, bins) for key in keys])
        self.batch_operate = lambda keys: client.batch_operate(keys, steps())
        self.batch_operate_document = lambda keys: client.batch_operate(keys, document_steps())

        def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            asked = client.query(NAMESPACE, set_name)
            if numbers is not None:
                asked.where(package.predicates.between("a", *numbers))
            return len(asked.results())

        self.query = query

    async def async_open(self) -> None:
        async def query(set_name: str, numbers: tuple[int, int] | None, look: bool) -> int:
            asked = self.client.query(NAMESPACE, set_name)
            if numbers is not None:
                asked.where(self.package.predicates.between("a", *numbers))
            return len(await asked.results())

        self.async_query = query
        self.client = self.package.AsyncClient({"hosts": [self.first]})
        await self.client.connect()
        self.async_get, self.async_put = self.client.get, self.client.put
        self.async_batch_get = partial(self.client.batch_read, policy={"total_timeout": PATIENCE})

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

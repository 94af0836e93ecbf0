"""Feast's online store; Feast's own tests are run by `judges.py`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pyspike import Client, InvalidArgument, Statement
from pyspike.server import EmbeddedCluster

pytest.importorskip("feast")

from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float64, Int64, String

from pyspike.contrib.feast import AerospikeOnlineStore

pytestmark = [
    pytest.mark.one_kind("asks the methods for threads and for tasks itself"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Feast and what it uses
]
_numbers = itertools.count()
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
PATIENT = "&".join(f"{kind}.total_timeout=30000" for kind in ("batch", "read", "write"))
DRIVER = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)


class ByTasks(AerospikeOnlineStore):
    """A store that reads and writes by its asynchronous methods."""

    def online_write_batch(self, *arguments: Any) -> None:
        asyncio.run(self.online_write_batch_async(*arguments))

    def online_read(self, *arguments: Any) -> Any:
        return asyncio.run(self.online_read_async(*arguments))


@pytest.fixture(params=[AerospikeOnlineStore, ByTasks])
def store(request: pytest.FixtureRequest) -> AerospikeOnlineStore:
    return request.param()  # type: ignore[no-any-return]


@pytest.fixture
def make_config(hosts: str, set_name: str) -> Callable[..., RepoConfig]:
    return lambda **options: config_of(hosts, set_name=f"{set_name}-fe{next(_numbers)}", **options)


def config_of(hosts: str, **options: Any) -> RepoConfig:
    kind = "pyspike.contrib.feast.AerospikeOnlineStore"
    return RepoConfig(
        project="rides",
        registry="memory",
        provider="local",
        online_store={"type": kind, "url": f"aerospike://{hosts}/test?{PATIENT}", **options},
        entity_key_serialization_version=3,
    )


def view(name: str = "a view with a long name") -> FeatureView:
    return FeatureView(
        name=name,
        entities=[DRIVER],
        schema=[
            Field(name="trips", dtype=Int64),
            Field(name="rate", dtype=Float64),
            Field(name="a name of more than 15 bytes", dtype=String),
        ],
        source=FileSource(path="none.parquet", timestamp_field="t"),
    )


def key(driver: int) -> EntityKey:
    return EntityKey(join_keys=["driver_id"], entity_values=[Value(int64_val=driver)])


def row(driver: int, at: datetime = NOON, **features: Any) -> Any:
    values = {
        name: Value(int64_val=value) if isinstance(value, int) else Value(double_val=value)
        for name, value in features.items()
    }
    return key(driver), values, at, at


def read(store: Any, config: Any, of: Any, drivers: Sequence[int], names: list[str] | None = None) -> Any:
    return store.online_read(config, of, [key(driver) for driver in drivers], names)


def trips(found: Any) -> list[int | None]:
    return [None if values is None else values["trips"].int64_val for _, values in found]


@pytest.mark.parametrize("count", [1, 3, 40])
def test_features_are_read_in_the_order_of_entities(
    store: AerospikeOnlineStore, make_config: Callable[..., RepoConfig], count: int
) -> None:
    config, written = make_config(), []
    data = [row(number, NOON + timedelta(microseconds=number), trips=number) for number in range(count)]
    store.online_write_batch(config, view(), data, written.append)
    assert written == [count]
    found = read(store, config, view(), [*range(count), 5000, 0])
    assert trips(found) == [*range(count), None, 0]
    assert [at for at, _ in found[:count]] == [at for _, _, at, _ in data]
    assert found[-2] == (None, None)


def test_what_is_asked_for_is_read_and_the_rest_is_empty(
    store: AerospikeOnlineStore, make_config: Callable[..., RepoConfig]
) -> None:
    config = make_config()
    store.online_write_batch(config, view(), [row(1, trips=7)], None)
    store.online_write_batch(config, view(), [row(1, rate=0.5)], None)
    ((_, everything),) = read(store, config, view(), [1])
    assert everything == {
        "trips": Value(int64_val=7),
        "rate": Value(double_val=0.5),
        "a name of more than 15 bytes": Value(),
    }
    ((_, some),) = read(store, config, view(), [1], ["rate", "unknown"])
    assert some == {"rate": Value(double_val=0.5), "unknown": Value()}
    assert read(store, config, view("other"), [1]) == [(None, None)]


def test_later_events_count_whenever_they_are_written(
    store: AerospikeOnlineStore, make_config: Callable[..., RepoConfig]
) -> None:
    earlier, later = NOON - timedelta(hours=1), NOON.replace(tzinfo=None)  # without a zone it is UTC
    for skip, expected in ((False, [3, 3, 6]), (True, [3, 2, 6])):
        config = make_config(skip_dedup=skip)
        found = []
        for data in (
            [row(1, earlier, trips=1), row(1, later, trips=3)],
            [row(1, earlier, trips=2)],
            [row(1, later, trips=5), row(1, later, trips=6)],
        ):
            store.online_write_batch(config, view(), data, None)
            found += trips(read(store, config, view(), [1]))
        assert found == expected
        assert read(store, config, view(), [1])[0][0] == NOON


def test_a_view_that_is_no_more_leaves_the_others(
    store: AerospikeOnlineStore, make_config: Callable[..., RepoConfig], client: Client
) -> None:
    config = make_config()
    for each in ("gone", "stays"):
        store.online_write_batch(config, view(each), [row(number, trips=1) for number in range(20)], None)
    store.update(config, [], [view("stays")], [], [], True)
    store.update(config, [view("gone")], [view("stays")], [], [], True)
    assert trips(read(store, config, view("gone"), range(20))) == [None] * 20
    assert trips(read(store, config, view("stays"), range(20))) == [1] * 20
    with client.query(Statement("test", config.online_store.set_name, ["view"])) as found:
        assert [record["view"] for record in found] == ["stays"] * 20
    store.teardown(config, [view("stays")], [])
    assert trips(read(store, config, view("stays"), [1])) == [None]


def test_a_project_has_a_set_of_its_own(client: Client, hosts: str) -> None:
    store, config = AerospikeOnlineStore(), config_of(hosts)
    store.online_write_batch(config, view(), [row(1, trips=1)], None)
    with client.query(Statement("test", "feast_rides")) as found:
        assert [record["view"] for record in found] == [view().name]
    store.teardown(config, [], [])


def test_it_says_that_it_serves_tasks_and_what_it_can_not_use(hosts: str) -> None:
    store = AerospikeOnlineStore()
    assert store.async_supported.read
    assert store.async_supported.write

    async def scenario() -> None:
        await store.initialize(config_of(hosts))
        await store.close()
        with pytest.raises(InvalidArgument, match="no option"):
            await store.initialize(config_of(hosts, url=f"aerospike://{hosts}/test?colour=red"))

    asyncio.run(scenario())


@pytest.fixture
def ticking() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(nodes=1) as cluster:
        yield cluster


@pytest.mark.embedded_only
@pytest.mark.parametrize(("seconds", "left"), [(50, [None]), (500, [1]), (0, [1])])
def test_features_live_as_long_as_they_shall(
    ticking: EmbeddedCluster, store: AerospikeOnlineStore, seconds: int, left: list[int | None]
) -> None:
    config = config_of(ticking.hosts, ttl_seconds=seconds)
    store.online_write_batch(config, view(), [row(1, trips=1)], None)
    ticking.clock.advance(100)
    assert trips(read(store, config, view(), [1])) == left

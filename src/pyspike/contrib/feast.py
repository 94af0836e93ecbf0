"""Feast's online store in Aerospike, by threads and truly by tasks.

    online_store:
        type: pyspike.contrib.feast.AerospikeOnlineStore
        url: aerospike://127.0.0.1:3000/test

An entity's features of a view are a record: `view` is the view's name, `ts` the time of the event and
`created` (microseconds since 1970), `features` a map of their names to Feast's own bytes of values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Literal

from feast.entity import Entity
from feast.feature_view import FeatureView
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig

from pyspike import exp
from pyspike import operations as op
from pyspike._types import Ttl
from pyspike._wire import BatchRead, BatchWrite, Record
from pyspike.cdt.enums import MapOrder, MapReturnType
from pyspike.contrib.clients import Clients
from pyspike.contrib.rows import batch
from pyspike.contrib.steps import Call, Steps, Waiting, once
from pyspike.policy import BatchWritePolicy, Expiration
from pyspike.query import Statement

__all__ = ["AerospikeOnlineStore", "AerospikeOnlineStoreConfig"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
IS_NEW, TIME = exp.not_(exp.bin_exists("ts")), exp.int_bin("ts")

Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
Progress = Callable[[int], Any] | None
Features = tuple[datetime | None, dict[str, Value] | None]


class AerospikeOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """What a feature store's configuration says of its online store.

    Attributes:
        type: the class of the store.
        url: the cluster and the namespace, with all options of `Client.from_url`; a client is shared by all
            in this process that name the same cluster. Feast reads `${VARIABLES}` in it, say for a password.
        set_name: the set, which has nothing else in it; None for "feast_" and the name of the project.
        ttl_seconds: how long features live after they are written; 0 for ever; None as the namespace says.
        skip_dedup: whether features overwrite later ones; as nodes need not compare, writing costs less.
    """

    type: Literal["pyspike.contrib.feast.AerospikeOnlineStore"] = "pyspike.contrib.feast.AerospikeOnlineStore"
    url: str = "aerospike://127.0.0.1:3000/test"
    set_name: str | None = None
    ttl_seconds: int | None = None
    skip_dedup: bool = False


class AerospikeOnlineStore(OnlineStore):  # type: ignore[misc]
    """Feast's online store in one set of an Aerospike cluster: see `AerospikeOnlineStoreConfig`.

    Of features of the same entity and view those with the latest event count, whenever they are written.
    """

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        """Both are, inside the caller's loop."""
        return SupportedAsyncMethods(read=True, write=True)

    async def initialize(self, config: RepoConfig) -> None:
        """Connect, so that the first request need not; raises an AerospikeError if that fails."""
        await _clients(config).async_client()

    async def close(self) -> None:
        """Do nothing: the client is one of the whole process, and closed when that ends."""

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Progress
    ) -> None:
        """Write features of entities. Others of the same view stay as they are.

        Args:
            config: the feature store's.
            table: the view.
            data: for each entity its key and features, and when the event was and they were created, in UTC.
            progress: called with the number of rows once they are written.

        Raises:
            BatchError, AerospikeError: some were not written; the error tells which.
        """
        _clients(config).run(_write(config, table, data, progress))

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Progress
    ) -> None:
        """Write features of entities: see `online_write_batch`."""
        await _clients(config).run_async(_write(config, table, data, progress))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[Features]:
        """Read features of entities.

        Args:
            config: the feature store's.
            table: the view.
            entity_keys: of which entities.
            requested_features: which; None for all of the view.

        Returns:
            For each entity when the event was, and its features; None and None where there are none.
        """
        return _clients(config).run(_read(config, table, entity_keys, requested_features))

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[Features]:
        """Read features of entities: see `online_read`."""
        return await _clients(config).run_async(_read(config, table, entity_keys, requested_features))

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Have the nodes delete the features of views that are no more, and wait until they have."""
        if tables_to_delete:
            clients = _clients(config)
            clients.run(_delete(clients, [table.name for table in tables_to_delete]))

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Remove all features of the project: truncates its set."""
        clients = _clients(config)
        clients.run(once(Call("truncate", clients.namespace, clients.set_name)))


def _clients(config: RepoConfig) -> Clients:
    return _clients_of(config.online_store.url, config.online_store.set_name, f"feast_{config.project}")


@lru_cache
def _clients_of(url: str, set_name: str | None, default_set: str) -> Clients:
    return Clients(url, namespace=None, set_name=set_name, default_set=default_set)


def _name(config: RepoConfig, table: FeatureView, entity: EntityKey) -> bytes:
    """The user key of a record; names of views have no NUL."""
    version = config.entity_key_serialization_version
    key = serialize_entity_key(entity, entity_key_serialization_version=version)
    return b"%s\0%s" % (table.name.encode(), key)


def _write(config: RepoConfig, table: FeatureView, data: Sequence[Row], progress: Progress) -> Steps[None]:
    clients, store = _clients(config), config.online_store
    newest: dict[bytes, tuple[int, Row]] = {}
    for row in data:
        name, time = _name(config, table, row[0]), _microseconds(row[2])
        if name not in newest or newest[name][0] <= time or store.skip_dedup:
            newest[name] = time, row
    ttl: Ttl | None = Expiration.NEVER if store.ttl_seconds == 0 else store.ttl_seconds
    yield from batch(
        [
            BatchWrite(
                clients.key(name),
                [
                    op.put("view", table.name),
                    op.put("ts", time),
                    op.put("created", None if created is None else _microseconds(created)),
                    op.maps.put_items(
                        "features",
                        {feature: value.SerializeToString() for feature, value in features.items()},
                        order=MapOrder.KEY_ORDERED,
                    ),
                ],
                ttl=ttl,
                policy=None if store.skip_dedup else _if_not_older(time),
            )
            for name, (time, (_, features, _, created)) in newest.items()
        ]
    )
    if progress:
        progress(len(data))


@lru_cache(maxsize=4096)
def _if_not_older(time: int) -> BatchWritePolicy:
    """How features are written that count unless there are later ones."""
    return BatchWritePolicy(filter_expression=exp.or_(IS_NEW, exp.le(TIME, time)))


def _read(
    config: RepoConfig, table: FeatureView, entities: Sequence[EntityKey], requested: Sequence[str] | None
) -> Steps[list[Features]]:
    clients = _clients(config)
    names = [feature.name for feature in table.features] if requested is None else requested
    reading = [
        op.get("ts"),
        op.maps.get_by_key_list("features", list(names), return_type=MapReturnType.KEY_VALUE),
    ]
    found = yield from batch(
        [BatchRead(clients.key(_name(config, table, entity)), operations=reading) for entity in entities]
    )
    return [_features(record, names) for record in found]


def _features(record: Record | None, names: Sequence[str]) -> Features:
    if record is None:
        return None, None
    values = dict(record["features"])
    features = {name: Value.FromString(values[name]) if name in values else Value() for name in names}
    return EPOCH + record["ts"] * MICROSECOND, features


def _delete(clients: Clients, views: Sequence[str]) -> Steps[None]:
    for view in views:
        yield Waiting(
            "query_operate",
            Statement(clients.namespace, clients.set_name),
            [op.delete()],
            filter_expression=exp.eq(exp.string_bin("view"), exp.val(view)),
        )


def _microseconds(time: datetime) -> int:
    return ((time if time.tzinfo else time.replace(tzinfo=timezone.utc)) - EPOCH) // MICROSECOND

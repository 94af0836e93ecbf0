"""Has the tests of langgraph-store-aerospike and langgraph-checkpoint-aerospike use pyspike's classes.

It is the `conftest.py` of their sdists. Their classes take other arguments, and an official client.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest

from pyspike import Client
from pyspike.contrib import langgraph

RUN = os.getpid()  # several runs may share a cluster


class AerospikeStore(langgraph.AerospikeStore):
    """Has the arguments of theirs."""

    __slots__ = ()

    def __init__(self, client: Client, namespace: str, set: str = "store", **ttl: Any) -> None:  # noqa: A002
        super().__init__(client, namespace=namespace, set_name=f"{set}-{RUN}", ttl=ttl.get("ttl_config"))


class AerospikeSaver(langgraph.AerospikeSaver):
    """Has the arguments of theirs; minutes become seconds."""

    def __init__(
        self, client: Client, namespace: str, set_cp: str = "lg_cp", ttl: Any = None, **others: Any
    ) -> None:
        minutes = (ttl or {}).get("default_ttl")
        super().__init__(
            client,
            namespace=namespace,
            set_name=f"{set_cp}-{RUN}",
            ttl=None if minutes is None else minutes * 60,
            refresh_on_read=bool((ttl or {}).get("refresh_on_read")),
        )


def stand_in(name: str, **members: Any) -> None:
    module = sys.modules[name] = ModuleType(name)
    vars(module).update(members)


for _module in ("langgraph.store.aerospike", "langgraph.store.aerospike.store"):
    stand_in(_module, AerospikeStore=AerospikeStore)
for _module in ("langgraph.checkpoint.aerospike", "langgraph.checkpoint.aerospike.saver"):
    stand_in(_module, AerospikeSaver=AerospikeSaver)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    with Client.from_url(os.environ["JUDGED_URL"]) as made:
        yield made


@pytest.fixture(scope="session")
def namespace(client: Client) -> str | None:
    return client.namespace


@pytest.fixture(scope="session")
def aerospike_namespace(namespace: str) -> str:
    return namespace


@pytest.fixture(scope="session")
def aerospike_saver_cls() -> type[AerospikeSaver]:
    return AerospikeSaver


@pytest.fixture
def truncate_sets(client: Client, namespace: str) -> Callable[[Iterable[str]], None]:
    def truncate(sets: Iterable[str]) -> None:
        for each in sets:
            client.truncate(namespace, f"{each}-{RUN}")

    return truncate


@pytest.fixture
def store(client: Client, namespace: str, truncate_sets: Any) -> Iterator[AerospikeStore]:
    yield AerospikeStore(client, namespace, "store_test")
    truncate_sets(["store_test"])


@pytest.fixture
def saver(client: Client, namespace: str, truncate_sets: Any) -> Iterator[AerospikeSaver]:
    yield AerospikeSaver(client, namespace, ttl={"default_ttl": 60, "refresh_on_read": True})
    truncate_sets(["lg_cp"])

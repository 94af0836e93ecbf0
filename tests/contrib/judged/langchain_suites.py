"""pyspike's store of bytes and cache in the suites that langchain-tests has for those of others."""

import itertools
import os

import pytest
from langchain_tests.integration_tests import (
    AsyncCacheTestSuite,
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    SyncCacheTestSuite,
)

from pyspike.contrib.langchain import AerospikeByteStore, AerospikeCache

numbers = itertools.count()


def name() -> str:
    return f"judged{os.getpid()}-{next(numbers)}"


class StoreOfBytes:
    """A store in a set of its own for each test."""

    @pytest.fixture
    def kv_store(self) -> AerospikeByteStore:
        return AerospikeByteStore(os.environ["JUDGED_URL"], set_name=name())

    @pytest.fixture
    def three_values(self) -> tuple[bytes, bytes, bytes]:
        return b"first", b"\0second", b""


class Cache:
    """A cache in a set of its own for each test."""

    @pytest.fixture
    def cache(self) -> AerospikeCache:
        return AerospikeCache(os.environ["JUDGED_URL"], set_name=name())


class TestStoreByThreads(StoreOfBytes, BaseStoreSyncTests[bytes]):
    """Its methods."""


class TestStoreByTasks(StoreOfBytes, BaseStoreAsyncTests[bytes]):
    """Its asynchronous methods."""


class TestCacheByThreads(Cache, SyncCacheTestSuite):
    """Its methods."""


class TestCacheByTasks(Cache, AsyncCacheTestSuite):
    """Its asynchronous methods."""

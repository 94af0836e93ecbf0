"""cachelib's tests of caches, with pyspike's. This stands beside them in its sdist."""

import itertools
import os
from typing import Any

import pytest
from cachelib.serializers import BaseSerializer
from clear import ClearTests
from common import CommonTests
from delete_many_with_prefix import DeleteManyWithPrefixTests
from has import HasTests
from serializer import SerializerTests

from pyspike.contrib.cachelib import AerospikeCache

numbers = itertools.count()


class SillySerializer(BaseSerializer):
    def dumps(self, value: Any) -> bytes:
        return repr(value).encode()

    def loads(self, bvalue: bytes) -> Any:
        return eval(bvalue.decode())


class CustomCache(AerospikeCache):
    serializer = SillySerializer()


class CompressingCache(AerospikeCache):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, compress_from=1, **options)


@pytest.fixture(autouse=True, params=[AerospikeCache, CustomCache, CompressingCache])
def cache_factory(request: Any, key_prefix: Any) -> None:
    def factory(self: Any, *args: Any, **options: Any) -> AerospikeCache:
        options.setdefault("key_prefix", key_prefix)
        url = f"{os.environ['JUDGED_URL']}?set=judged{os.getpid()}-{next(numbers)}"
        made: AerospikeCache = request.param(url, *args, **options)
        return made

    request.cls.cache_factory = factory


class TestAerospikeCache(CommonTests, ClearTests, HasTests, DeleteManyWithPrefixTests, SerializerTests):
    pass

"""The backend of dogpile.cache, judged by the tests that dogpile.cache has for backends of others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from pyspike import Client, InvalidArgument, InvalidType, Key

pytest.importorskip("dogpile.cache")

from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE
from dogpile.testing.fixtures import (
    _GenericBackendTestSuite,
    _GenericMutexTestSuite,
    _GenericSerializerTestSuite,
)

from pyspike.contrib.dogpile import AerospikeBackend

ARGUMENTS: dict[str, Any] = {}  # of the backends in the suites; they are made before any fixture of a class
LOCKED: dict[str, Any] = {}
COMPRESSED: dict[str, Any] = {}

pytestmark = [
    pytest.mark.one_kind("dogpile.cache has threads only"),
    pytest.mark.filterwarnings("ignore:pyspike's backend has no argument arbitrary"),
]


@pytest.fixture(scope="module", autouse=True)
def arguments(hosts: str) -> Iterator[None]:
    url = f"aerospike://{hosts}/test?set=dogpile"
    ARGUMENTS.update(url=url)
    COMPRESSED.update(url=f"{url}-z", compress_from=1, ttl=600)
    LOCKED.update(url=f"{url}-l", distributed_lock=True, lock_sleep=0.01)
    yield
    for each in (ARGUMENTS, LOCKED, COMPRESSED):
        each.clear()


class TestBackend(_GenericBackendTestSuite):
    backend = "pyspike"
    config_args: ClassVar = {"arguments": ARGUMENTS}


class TestCompressedBackend(_GenericBackendTestSuite):
    backend = "pyspike"
    config_args: ClassVar = {"arguments": COMPRESSED}


class TestLockedBackend(_GenericBackendTestSuite):
    backend = "pyspike"
    config_args: ClassVar = {"arguments": LOCKED}


class TestMutex(_GenericMutexTestSuite):
    backend = "pyspike"
    config_args: ClassVar = {"arguments": LOCKED}


class TestSerializer(_GenericSerializerTestSuite, _GenericBackendTestSuite):
    backend = "pyspike"
    config_args: ClassVar = {"arguments": ARGUMENTS}


def backend(hosts: str, set_name: str, **arguments: Any) -> AerospikeBackend:
    return AerospikeBackend({"url": f"aerospike://{hosts}/test?set={set_name}", **arguments})


def test_the_server_keeps_values_for_the_ttl(hosts: str, client: Client, set_name: str) -> None:
    backend(hosts, set_name, ttl=600).set_serialized("kept", b"1")
    backend(hosts, set_name).set_serialized("for ever", b"1")
    assert 595 <= (client.get(Key("test", set_name, "kept")).ttl or 0) <= 600
    assert client.get(Key("test", set_name, "for ever")).ttl is None


def test_a_lock_ends_by_itself_and_is_given_back_by_its_holder_only(
    hosts: str, client: Client, set_name: str
) -> None:
    locked = backend(
        hosts, set_name, distributed_lock=True, lock_timeout=600, lock_sleep=0.01, lock_blocking_timeout=0.05
    )
    one, other = locked.get_mutex("ended"), locked.get_mutex("ended")
    assert one is not None
    assert other is not None
    assert one.acquire()
    assert not other.acquire(), "it was waited for"
    record = Key("test", set_name, b"ended")
    assert 595 <= (client.get(record).ttl or 0) <= 600
    client.delete(record)  # as the server does when the time is over
    assert other.acquire(False)
    one.release()
    assert other.locked()
    other.release()
    assert not other.locked()


def test_a_value_too_large_for_a_record_is_an_error(hosts: str, set_name: str) -> None:
    region = make_region().configure("pyspike", arguments={"url": f"aerospike://{hosts}/test?set={set_name}"})
    with pytest.raises(ValueError, match="larger"):
        region.set("large", "x" * 9_000_000)
    with pytest.raises(ValueError, match="larger"):
        region.set_multi({"large": "x" * 9_000_000, "small": 1})
    assert region.get_multi(["large", "small"]) == [NO_VALUE, 1]


def test_wrong_arguments_are_told(hosts: str, set_name: str) -> None:
    with pytest.raises(InvalidArgument, match="url"):
        AerospikeBackend({})
    with pytest.warns(UserWarning, match="no argument tll"):
        backend(hosts, set_name, tll=5)


@pytest.mark.parametrize("name", ["ttl", "lock_timeout", "lock_sleep", "lock_blocking_timeout"])
def test_times_are_looked_at_when_a_region_is_made(hosts: str, set_name: str, name: str) -> None:
    wrong = ((-1, InvalidArgument, "-1"), ("60", InvalidType, "'60'"), (float("nan"), InvalidArgument, "nan"))
    for time, error, said in wrong:
        arguments = {"url": f"aerospike://{hosts}/test?set={set_name}", "distributed_lock": True, name: time}
        with pytest.raises(error, match=f"{name} is a number of seconds.*, not {said}"):
            make_region().configure("pyspike", arguments=arguments)
    for right in (None, 0, 60, 0.5, timedelta(minutes=1)):
        backend(hosts, set_name, **{name: right})

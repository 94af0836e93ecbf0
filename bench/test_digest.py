"""A key's digest, which every command begins with."""

from __future__ import annotations

from typing import Any

import pytest

from pyspike import Key, digest

KEYS = pytest.mark.parametrize("user_key", [123456789, "user-123456789"], ids=["int", "str"])


@KEYS
@pytest.mark.benchmark(group="digest")
def test_pyspike(benchmark: Any, user_key: int | str) -> None:
    assert len(benchmark(digest, "users", user_key)) == 20


@KEYS
@pytest.mark.benchmark(group="digest")
def test_aerospike(benchmark: Any, user_key: int | str) -> None:
    aerospike = pytest.importorskip("aerospike")
    assert bytes(benchmark(aerospike.calc_digest, "test", "users", user_key)) == digest("users", user_key)


@KEYS
@pytest.mark.benchmark(group="key")
def test_pyspike_key(benchmark: Any, user_key: int | str) -> None:
    assert benchmark(Key, "test", "users", user_key).user_key == user_key

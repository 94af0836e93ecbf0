"""Building requests, up to the bytes that go out. No other package lets this be measured alone."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.cases import DOCUMENT, SMALL
from pyspike import Key, ReadPolicy, WritePolicy
from pyspike import operations as op
from pyspike._wire import Commands, Executor

UNSENT: Any = Commands(Executor(), ReadPolicy().settings, WritePolicy().settings)
KEY = Key("test", "users", "user-123456789")

pytestmark = pytest.mark.benchmark(group="request")


def test_get(benchmark: Any) -> None:
    command = benchmark(UNSENT.get, KEY)
    assert command.request


def test_get_of_a_new_key(benchmark: Any) -> None:
    key = ("test", "users", "user-123456789")
    command = benchmark(UNSENT.get, key)
    assert command.request


@pytest.mark.parametrize("bins", [SMALL, DOCUMENT], ids=["small", "document"])
def test_put(benchmark: Any, bins: dict[str, Any]) -> None:
    command = benchmark(UNSENT.put, KEY, bins)
    assert command.request


def test_operate(benchmark: Any) -> None:
    operations = [op.add("visits", 1), op.get("visits")]
    command = benchmark(UNSENT.operate, KEY, operations)
    assert command.request


def test_making_operations(benchmark: Any) -> None:
    assert benchmark(op.add, "visits", 1).is_write

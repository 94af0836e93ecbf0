"""Building requests, up to the bytes that go out. No other package lets this be measured alone."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.cases import DOCUMENT, SMALL
from pyspike import InfoPolicy, Key, ReadPolicy, WritePolicy, commands
from pyspike import operations as op
from pyspike.operations import OpCode

POLICIES = commands.Policies(ReadPolicy(), WritePolicy(), InfoPolicy())
KEY = Key("test", "users", "user-123456789")

pytestmark = pytest.mark.benchmark(group="request")


def test_get(benchmark: Any) -> None:
    command = benchmark(commands.get, POLICIES, KEY, None, commands.RAISE, None, None, None)
    assert command.request


def test_get_of_a_new_key(benchmark: Any) -> None:
    key = ("test", "users", "user-123456789")
    command = benchmark(commands.get, POLICIES, key, None, commands.RAISE, None, None, None)
    assert command.request


@pytest.mark.parametrize("bins", [SMALL, DOCUMENT], ids=["small", "document"])
def test_put(benchmark: Any, bins: dict[str, Any]) -> None:
    command = benchmark(commands.write, POLICIES, OpCode.WRITE, KEY, bins, None, None, None, None, None)
    assert command.request


def test_operate(benchmark: Any) -> None:
    operations = [op.add("visits", 1), op.get("visits")]
    command = benchmark(commands.operate, POLICIES, KEY, operations, None, None, None, None, None)
    assert command.request


def test_making_operations(benchmark: Any) -> None:
    assert benchmark(op.add, "visits", 1).is_write

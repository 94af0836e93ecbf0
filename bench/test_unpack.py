"""Bytes to values, beside msgpack-python."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from pyspike._wire import pack_value, unpack_value
from test_pack import VALUES


@VALUES
@pytest.mark.benchmark(group="unpack")
def test_pyspike(benchmark: Any, value: Any) -> None:
    particle, data = pack_value(value)
    assert benchmark(unpack_value, particle, data) == value


@VALUES
@pytest.mark.benchmark(group="unpack")
def test_msgpack(benchmark: Any, value: Any) -> None:
    assert benchmark(msgpack.unpackb, msgpack.packb(value), strict_map_key=False) == value

"""Bytes to values, beside msgpack-python."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from codec_values import VALUES
from pyspike._wire import pack_value, unpack_value

EACH = pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name, marks=pytest.mark.benchmark(group=f"unpack a {name}"))
        for name, value in VALUES.items()
    ],
)


@EACH
def test_pyspike(benchmark: Any, value: Any) -> None:
    particle, data = pack_value(value)
    assert benchmark(unpack_value, particle, data) == value


@EACH
def test_msgpack(benchmark: Any, value: Any) -> None:
    assert benchmark(msgpack.unpackb, msgpack.packb(value), strict_map_key=False) == value

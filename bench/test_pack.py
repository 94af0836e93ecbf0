"""Values to bytes, beside msgpack-python, whose format the insides of lists and maps have."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from comparison.cases import DOCUMENT
from pyspike._wire import pack_value

VALUES = pytest.mark.parametrize(
    "value",
    [
        pytest.param(DOCUMENT, id="document"),
        pytest.param(list(range(1000)), id="list of 1000 ints"),
        pytest.param({f"name {i}": f"value {i}" for i in range(200)}, id="map of 200 texts"),
    ],
)


@VALUES
@pytest.mark.benchmark(group="pack")
def test_pyspike(benchmark: Any, value: Any) -> None:
    particle, data = benchmark(pack_value, value)
    assert particle in (19, 20)
    assert data


@VALUES
@pytest.mark.benchmark(group="pack")
def test_msgpack(benchmark: Any, value: Any) -> None:
    assert benchmark(msgpack.packb, value)

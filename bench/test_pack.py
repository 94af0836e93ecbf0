"""Values to bytes, beside msgpack-python, whose format the insides of lists and maps have.

codec.py prints the same as ratios, timed in turn.
"""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from codec_values import VALUES
from pyspike._wire import pack_value

EACH = pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name, marks=pytest.mark.benchmark(group=f"pack a {name}"))
        for name, value in VALUES.items()
    ],
)


@EACH
def test_pyspike(benchmark: Any, value: Any) -> None:
    particle, data = benchmark(pack_value, value)
    assert particle in (19, 20)
    assert data


@EACH
def test_msgpack(benchmark: Any, value: Any) -> None:
    assert benchmark(msgpack.packb, value)

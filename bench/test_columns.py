"""Records to columns, and two ranges of them by one thread or by two: see `columns.py`."""

from __future__ import annotations

from typing import Any

import pytest

import columns


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "RECORDS", 2000)
    monkeypatch.setattr(columns, "TIMES_A_RANGE", 3)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("shape", columns.SHAPES)
@pytest.mark.benchmark(group="2,000 records to columns")
def test_pyspike(benchmark: Any, shape: str) -> None:
    bodies = columns.frames(columns.SHAPES[shape])
    known = columns.stream_of(bodies, None).schema
    assert benchmark(columns.seconds, bodies, known) >= 0


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.benchmark(group="two ranges to columns")
def test_threads(benchmark: Any, threads: int) -> None:
    bodies = columns.frames(columns.SHAPES["int, text, int"])
    known = columns.stream_of(bodies, None).schema
    assert benchmark(columns.in_threads, bodies, known, threads) > 0

"""Whole commands on loopback, beside the official client. The server's time is in these figures, too."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.cases import DOCUMENT, SMALL
from pyspike import Client, Key
from pyspike import operations as op

# The official client sends maps in the order of their names, and the server is quicker with those.
ORDERED = {**DOCUMENT, "attrs": dict(sorted(DOCUMENT["attrs"].items()))}
BINS = pytest.mark.parametrize("bins", [SMALL, ORDERED], ids=["small", "document"])
NAMES = ("test", "bench", "loopback")


@BINS
@pytest.mark.benchmark(group="loopback get")
def test_pyspike_get(benchmark: Any, client: Client, bins: dict[str, Any]) -> None:
    key = Key(*NAMES)
    client.delete(key)
    client.put(key, bins)
    assert benchmark(client.get, key).bins == bins


@BINS
@pytest.mark.benchmark(group="loopback get")
def test_aerospike_get(benchmark: Any, client: Client, official: Any, bins: dict[str, Any]) -> None:
    client.delete(NAMES)
    client.put(NAMES, bins)
    assert benchmark(official.get, NAMES)[2] == bins


@BINS
@pytest.mark.benchmark(group="loopback put")
def test_pyspike_put(benchmark: Any, client: Client, bins: dict[str, Any]) -> None:
    benchmark(client.put, Key(*NAMES), bins)


@BINS
@pytest.mark.benchmark(group="loopback put")
def test_aerospike_put(benchmark: Any, official: Any, bins: dict[str, Any]) -> None:
    benchmark(official.put, NAMES, bins)


@pytest.mark.benchmark(group="loopback operate")
def test_pyspike_operate(benchmark: Any, client: Client) -> None:
    operations = [op.add("visits", 1), op.get("visits")]
    assert benchmark(client.operate, Key(*NAMES), operations)["visits"] >= 1


@pytest.mark.benchmark(group="loopback operate")
def test_aerospike_operate(benchmark: Any, official: Any) -> None:
    pytest.importorskip("aerospike")
    from aerospike_helpers.operations import operations as official_op  # type: ignore[import-untyped]

    operations = [official_op.increment("visits", 1), official_op.read("visits")]
    assert benchmark(official.operate, NAMES, operations)[2]["visits"] >= 1

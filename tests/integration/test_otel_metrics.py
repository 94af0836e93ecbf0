"""A client's numbers for OpenTelemetry, judged by its SDK's own readers and exporters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pyspike import Client, ClientMetrics, Key, RecordNotFound
from pyspike.stats import ClientStats

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)

from pyspike.telemetry import otel

pytestmark = pytest.mark.both_kinds


class Kept(MetricExporter):
    """Keeps what it is given."""

    def __init__(self, preferred: Mapping[type, AggregationTemporality] | None = None) -> None:
        super().__init__(dict(preferred or {}))
        self.exported: list[MetricsData] = []
        self.ended = False

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any
    ) -> MetricExportResult:
        self.exported.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        self.ended = True


def metrics(data: MetricsData | None) -> dict[str, Any]:
    assert data is not None
    return {
        metric.name: metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if scope.scope.name == otel.SCOPE
    }


def total(metric: Any, **attributes: str) -> float:
    return sum(
        point.value
        for point in metric.data.data_points
        if all(point.attributes.get(name.replace("_", ".")) == value for name, value in attributes.items())
    )


def test_counters_and_gauges_are_read_when_they_are_collected(hosts: str, key: Key) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    try:
        with Client(hosts) as client:
            otel.instrument(client, meter_provider=provider, attributes={"role": "cache"})
            client.put(key, {"a": 1})
            found = metrics(reader.get_metrics_data())
            seen = client.metrics()
            assert total(found["aerospike.client.sent"]) == seen.total.sent_bytes > 0
            client.get(key)
            found = metrics(reader.get_metrics_data())
            assert total(found["aerospike.client.sent"]) == client.metrics().total.sent_bytes
            assert total(found["aerospike.client.retries"], db_operation_name="get") == 0
            [nodes] = found["aerospike.client.nodes"].data.data_points
            assert nodes.value == len(client.nodes())
            assert nodes.attributes["role"] == "cache"
            pools = found["db.client.connection.count"].data.data_points
            assert {point.attributes["db.client.connection.state"] for point in pools} == {"idle", "used"}
            assert sum(point.value for point in pools) == sum(
                node.pool.open for node in client.stats().nodes.values()
            )
            assert {metric.unit for metric in found.values()} >= {"By", "{attempt}", "{connection}"}
            assert found["aerospike.client.sent"].data.is_monotonic
            assert not found["db.client.connection.count"].data.is_monotonic
    finally:
        provider.shutdown()


def test_a_label_of_a_file_does_not_take_the_place_of_an_attribute(hosts: str, key: Key) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    try:
        with Client(hosts) as client:

            class Labelled:
                def metrics(self) -> ClientMetrics:
                    labels = {"db.system.name": "other", "db.namespace": "n", "role": "x", "a b": "c"}
                    return replace(client.metrics(), labels=labels)

                def stats(self) -> ClientStats:
                    return client.stats()

            otel.instrument(Labelled(), meter_provider=provider, attributes={"role": "cache"})
            client.put(key, {"a": 1})
            for point in metrics(reader.get_metrics_data())["aerospike.client.sent"].data.data_points:
                told = point.attributes
                assert (told["db.system.name"], told["exported_db.system.name"]) == ("aerospike", "other")
                assert (told["db.namespace"], told["exported_db.namespace"]) == ("test", "n")
                assert (told["role"], told["exported_role"], told["a b"]) == ("cache", "x", "c")
    finally:
        provider.shutdown()


def test_an_exporter_adds_the_histograms_and_passes_all_else_on(hosts: str, key: Key) -> None:
    kept = Kept()
    with Client(hosts) as client:
        reader = PeriodicExportingMetricReader(
            otel.with_histograms(kept, client), export_interval_millis=float("inf")
        )
        provider = MeterProvider([reader])
        otel.instrument(client, meter_provider=provider)
        for _ in range(3):
            client.exists(key)
        with pytest.raises(RecordNotFound):
            client.get(key)
        provider.force_flush()
        found = metrics(kept.exported[-1])
        assert "aerospike.client.sent" in found
        duration = found["db.client.operation.duration"]
        assert duration.unit == "s"
        assert duration.data.aggregation_temporality is AggregationTemporality.CUMULATIVE
        by_name = {
            (point.attributes["db.operation.name"], point.attributes.get("error.type")): point
            for point in duration.data.data_points
        }
        assert set(by_name) == {("exists", None), ("get", None), ("get", "RecordNotFound")}
        exists = by_name["exists", None]
        assert exists.count == sum(exists.bucket_counts) == 3
        assert len(exists.bucket_counts) == len(exists.explicit_bounds) + 1
        assert exists.sum == pytest.approx(client.metrics().of(method="exists").calls.total_ms / 1000)
        assert exists.min <= exists.sum / 3 <= exists.max
        assert exists.attributes["db.system.name"] == "aerospike"
        assert exists.attributes["db.namespace"] == "test"
        assert isinstance(exists.attributes["server.port"], int)
        assert exists.start_time_unix_nano < exists.time_unix_nano
        assert found["db.client.connection.create_time"].data.data_points[0].count >= 1
        provider.shutdown()
    assert kept.ended


def test_histograms_are_of_the_time_since_the_last_export_where_that_is_preferred(
    hosts: str, key: Key
) -> None:
    kept = Kept({SdkHistogram: AggregationTemporality.DELTA})
    with Client(hosts) as client:
        reader = PeriodicExportingMetricReader(
            otel.with_histograms(kept, client), export_interval_millis=float("inf")
        )
        provider = MeterProvider([reader])
        otel.instrument(client, meter_provider=provider)
        counts = []
        for exists in (2, 0, 5):
            for _ in range(exists):
                client.exists(key)
            provider.force_flush()
            found = metrics(kept.exported[-1]).get("db.client.operation.duration")
            points = [] if found is None else found.data.data_points
            counts.append(sum(point.count for point in points))
            assert found is None or found.data.aggregation_temporality is AggregationTemporality.DELTA
        assert counts == [2, 0, 5]
        provider.shutdown()

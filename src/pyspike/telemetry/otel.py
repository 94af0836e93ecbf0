"""A client's numbers for OpenTelemetry, by its conventions for databases; needs the extra `otel`.

    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from pyspike.telemetry import otel

    exporter = otel.with_histograms(OTLPMetricExporter(), client)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)])
    otel.instrument(client, meter_provider=provider)

All are read when they are collected, so commands pay nothing for it. OpenTelemetry has no histogram that can
be read so: the exporter adds them to what it exports. A reader that is pulled, as that for Prometheus is, has
no exporter and so no histograms; for Prometheus there is `pyspike.telemetry.prometheus`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pyspike.metrics import ClientMetrics, Histogram
from pyspike.telemetry.families import EDGES_MS, FAMILIES, Family, Point, Source, points
from pyspike.version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.sdk.metrics.export import (
        HistogramDataPoint,
        Metric,
        MetricExporter,
        MetricsData,
        ResourceMetrics,
    )

__all__ = ["SCOPE", "instrument", "with_histograms"]

SCOPE = "pyspike"
MISSING = "this needs OpenTelemetry: pip install 'pyspike-aerospike[otel]'"


def instrument(
    client: Source, *, meter_provider: MeterProvider | None = None, attributes: dict[str, str] | None = None
) -> None:
    """Have OpenTelemetry read a client's numbers, all but histograms, whenever it collects.

    Args:
        client: a `Client` or an `AsyncClient`, which the provider keeps from then on.
        meter_provider: whose instruments these are; None for the one of the program.
        attributes: are added to all numbers: to tell clients apart where there are several.

    Raises:
        ImportError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry import metrics as api
    except ImportError:
        raise ImportError(MISSING) from None
    meter = api.get_meter(SCOPE, __version__, meter_provider)
    common = dict(attributes or {})
    latest = _Latest(client, common)
    for family in FAMILIES:
        if family.kind == "histogram":
            continue
        make = {
            "counter": meter.create_observable_counter,
            "gauge": meter.create_observable_up_down_counter,
        }[family.kind]
        make(family.name, [_reader(latest, family)], family.unit, family.description)


class _Latest:
    """The points of one collection: each instrument asks for its own, and the client is asked once."""

    def __init__(self, client: Source, common: dict[str, str]) -> None:
        self._client = client
        self._common = common
        self._at = float("-inf")
        self._points: list[Point] = []

    def of(self, family: Family) -> list[Point]:
        # An instrument is read once a collection: the first one asks for all.
        if family is FIRST or time.monotonic() - self._at > 1:
            self._points = list(points(self._client.metrics(), self._client.stats(), self._common))
            self._at = time.monotonic()
        return [point for point in self._points if point.family is family]


FIRST = next(family for family in FAMILIES if family.kind != "histogram")


def _reader(latest: _Latest, family: Family) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation

    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(point.value, point.attributes) for point in latest.of(family)]  # type: ignore[arg-type]

    return read


def with_histograms(
    exporter: MetricExporter, *clients: Source, attributes: dict[str, str] | None = None
) -> MetricExporter:
    """An exporter that adds the histograms of clients to all that it is given, and passes that on.

    They are cumulative, or of the time since the last export if that is what the exporter prefers.

    Args:
        exporter: exports what comes of it.
        clients: a `Client` or `AsyncClient` each, which the exporter keeps.
        attributes: are added to the histograms.

    Raises:
        ImportError: OpenTelemetry's SDK is not installed.
    """
    try:
        from opentelemetry.sdk.metrics import Histogram as SdkHistogram
        from opentelemetry.sdk.metrics import export as sdk
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    except ImportError:
        raise ImportError(MISSING) from None

    preferred: Any = getattr(exporter, "_preferred_temporality", None) or {}
    temporality = preferred.get(SdkHistogram, sdk.AggregationTemporality.CUMULATIVE)
    is_delta = temporality is sdk.AggregationTemporality.DELTA
    before: dict[int, ClientMetrics] = {}
    common = dict(attributes or {})

    def metrics() -> list[Metric]:
        found: dict[Family, list[HistogramDataPoint]] = {}
        for place, client in enumerate(clients):
            seen = now = client.metrics()
            if is_delta and place in before:
                seen = now - before[place]
            before[place] = now
            for point in points(seen, client.stats(), common, with_gone=is_delta):
                if isinstance(point.value, Histogram) and (point.value.count or not is_delta):
                    found.setdefault(point.family, []).append(_data_point(point, point.value, seen, sdk))
        return [
            sdk.Metric(
                name=family.name,
                description=family.description,
                unit=family.unit,
                data=sdk.Histogram(data_points=there, aggregation_temporality=temporality),
            )
            for family, there in found.items()
        ]

    def added(data: MetricsData) -> MetricsData:
        if not data.resource_metrics:
            return data
        first = data.resource_metrics[0]
        scope = sdk.ScopeMetrics(
            scope=InstrumentationScope(SCOPE, __version__), metrics=metrics(), schema_url=""
        )
        with_ours: ResourceMetrics = sdk.ResourceMetrics(
            resource=first.resource, scope_metrics=[*first.scope_metrics, scope], schema_url=first.schema_url
        )
        return sdk.MetricsData(resource_metrics=[with_ours, *data.resource_metrics[1:]])

    class WithHistograms(sdk.MetricExporter):
        def __init__(self) -> None:
            super().__init__(preferred, getattr(exporter, "_preferred_aggregation", None))

        def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **options: Any) -> Any:
            return exporter.export(added(metrics_data), timeout_millis, **options)

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            return exporter.force_flush(timeout_millis)

        def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
            exporter.shutdown(timeout_millis, **options)

    return WithHistograms()


def _data_point(point: Point, histogram: Histogram, seen: ClientMetrics, sdk: Any) -> HistogramDataPoint:
    sums = [0, *histogram.at_most(EDGES_MS), histogram.count]
    counts = [high - low for low, high in pairwise(sums)]
    full = [place for place, count in enumerate(counts) if count]
    limits = [0.0, *EDGES_MS, EDGES_MS[-1]]
    made: HistogramDataPoint = sdk.HistogramDataPoint(
        attributes=dict(point.attributes),
        start_time_unix_nano=int(seen.since * 1e9),
        time_unix_nano=int(seen.at * 1e9),
        count=histogram.count,
        sum=histogram.total_ms / 1000,
        bucket_counts=counts,
        explicit_bounds=[edge / 1000 for edge in EDGES_MS],
        # What is known of them is in which bucket they are.
        min=limits[full[0]] / 1000 if full else 0.0,
        max=limits[full[-1] + 1] / 1000 if full else 0.0,
    )
    return made

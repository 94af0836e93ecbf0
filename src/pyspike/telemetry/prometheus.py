"""A client's numbers for Prometheus: as text, and as a collector for the library `prometheus_client`.

    from prometheus_client import REGISTRY, start_http_server
    from pyspike.telemetry.prometheus import Collector

    REGISTRY.register(Collector(client))
    start_http_server(8000)

They are read when Prometheus asks, so commands pay nothing for it. Of several clients in one process, each is
given a `name`. In the names of a configuration file's labels `_` takes the place of what Prometheus does not
allow; one that then is the name of another label gets `exported_` in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pyspike.metrics import Histogram
from pyspike.telemetry.families import EDGES_MS, FAMILIES, PREFIX, Family, Point, Source, points

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["Collector", "text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER_LABELS = ("client", "le")  # of this module, which are no attributes
UNITS = {"s": "seconds", "By": "bytes"}


def text(client: Source, name: str | None = None) -> str:
    """The numbers of a client in Prometheus's text format (0.0.4), which needs no library.

    Args:
        client: a `Client` or an `AsyncClient`.
        name: is the label `client` of all numbers, if it is given.
    """
    lines = []
    for family, found in _by_family(client, name):
        title = _name(family) + ("_total" if family.kind == "counter" else "")
        lines.append(f"# HELP {title} {family.description}")
        lines.append(f"# TYPE {title} {family.kind}")
        for point in found:
            labels = [
                f'{label_name(key)}="{_escaped(str(value))}"' for key, value in point.attributes.items()
            ]
            if isinstance(point.value, Histogram):
                lines += [
                    f"{title}_bucket{{{','.join([*labels, _le(limit)])}}} {count}"
                    for limit, count in _buckets(point.value)
                ]
                lines.append(f"{title}_sum{{{','.join(labels)}}} {point.value.total_ms / 1000!r}")
                lines.append(f"{title}_count{{{','.join(labels)}}} {point.value.count}")
            else:
                lines.append(f"{title}{{{','.join(labels)}}} {point.value}")
    return "\n".join([*lines, ""])


class Collector:
    """Gives a client's numbers to `prometheus_client`: `REGISTRY.register(Collector(client))`.

    Args:
        client: a `Client` or an `AsyncClient`, which the collector keeps.
        name: is the label `client` of all numbers, if it is given: for several clients in one registry.

    Raises:
        ImportError: `prometheus_client` is not installed.
    """

    def __init__(self, client: Source, name: str | None = None) -> None:
        try:
            from prometheus_client import metrics_core
        except ImportError:
            raise ImportError(
                "a collector needs prometheus_client: pip install 'pyspike-aerospike[prometheus]'"
            ) from None
        self._core: Any = metrics_core
        self._client = client
        self._name = name

    def describe(self) -> list[Metric]:
        """No metrics: registering asks the client for nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The numbers now."""
        for family, found in _by_family(self._client, self._name):
            yield self._metric(family, found)

    def _metric(self, family: Family, found: list[Point]) -> Metric:
        keys = list(dict.fromkeys(key for point in found for key in point.attributes))
        make = {
            "counter": self._core.CounterMetricFamily,
            "gauge": self._core.GaugeMetricFamily,
            "histogram": self._core.HistogramMetricFamily,
        }[family.kind]
        metric: Metric = make(_name(family), family.description, labels=[label_name(key) for key in keys])
        for point in found:
            labels = [str(point.attributes.get(key, "")) for key in keys]
            if isinstance(point.value, Histogram):
                metric.add_metric(labels, _buckets(point.value), sum_value=point.value.total_ms / 1000)  # type: ignore[attr-defined]
            else:
                metric.add_metric(labels, point.value)  # type: ignore[attr-defined]
        return metric


def _by_family(client: Source, name: str | None) -> Iterable[tuple[Family, list[Point]]]:
    found: dict[Family, list[Point]] = {family: [] for family in FAMILIES}
    common = {} if name is None else {"client": name}
    for point in points(client.metrics(), client.stats(), common, OTHER_LABELS, label_name):
        found[point.family].append(point)
    return [(family, there) for family, there in found.items() if there]


def _buckets(histogram: Histogram) -> list[tuple[str, int]]:
    """The limit of each bucket in seconds, and how many durations do not exceed it."""
    counts = zip(EDGES_MS, histogram.at_most(EDGES_MS), strict=True)
    return [*((repr(edge / 1000), count) for edge, count in counts), ("+Inf", histogram.count)]


def _le(limit: str) -> str:
    return f'le="{limit}"'


def _name(family: Family) -> str:
    name = family.name.replace(".", "_")
    return f"{name}_{UNITS[family.unit]}" if family.unit in UNITS else name


def label_name(attribute: str) -> str:
    """The name of an attribute as Prometheus takes it."""
    name = re.sub(r"[^a-zA-Z0-9_]", "_", attribute)
    if name[:1].isdigit() or not name:
        name = f"_{name}"
    # Two of them in front are for Prometheus itself.
    return f"{PREFIX}{name}" if name.startswith("__") else name


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

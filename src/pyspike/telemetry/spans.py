"""OpenTelemetry's spans of a client's calls, by its conventions for databases (`ClientPolicy.tracing`).

A call is one span: also a batch, however many rows and nodes it has, and a query from its beginning until its
last record was taken. Failed attempts are events in it. A span costs more than the command that it is of, so
there are none by default; and none are made as long as the program has no tracer provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspike._wire import Batch, Call, Trace
from pyspike.errors import AerospikeError
from pyspike.telemetry.families import DEFAULT_PORT, SYSTEM, server
from pyspike.telemetry.observer import Over, Work, described, parts_in_ms
from pyspike.version import __version__

if TYPE_CHECKING:
    from pyspike.cluster import Cluster

__all__ = ["Spans"]


class Spans:
    """Makes a span of each call.

    Args:
        cluster: whose calls they are; its first host is the server that spans name, and the node that was
            asked last their peer.

    Raises:
        ImportError: OpenTelemetry is not installed.
    """

    def __init__(self, cluster: Cluster) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise ImportError(
                "ClientPolicy.tracing needs OpenTelemetry: pip install 'pyspike-aerospike[otel]'"
            ) from None
        self._api: Any = trace
        self._tracer = trace.get_tracer("pyspike", __version__)
        self._cluster = cluster
        host = cluster.hosts[0]
        self._server = f"{host.name}:{host.port}"
        self._common: dict[str, str | int] = {"db.system.name": SYSTEM, "server.address": host.name}
        if host.port != DEFAULT_PORT:
            self._common["server.port"] = host.port

    def begin(self, work: Work, trace: Trace) -> Over:
        """Start the span of a call, as a child of the current one."""
        api = self._api
        if type(api.get_tracer_provider()) is api.ProxyTracerProvider:  # no other one was set
            return _nothing
        name, attributes = self._described(work)
        span = self._tracer.start_span(
            name, kind=api.SpanKind.CLIENT, attributes={**self._common, **attributes}
        )

        def over(error: BaseException | None) -> None:
            if span.is_recording():
                self._complete(span, work, trace, error)
            span.end()

        return over

    def _described(self, work: Work) -> tuple[str, dict[str, str | int]]:
        """The name of a span, and what samplers may look at: operation, namespace and set."""
        method, namespace, set_name = described(work)
        attributes: dict[str, str | int] = {"db.operation.name": method}
        if namespace:
            attributes["db.namespace"] = namespace
        if set_name:
            attributes["db.collection.name"] = set_name
        target = set_name or namespace
        if isinstance(work, Call) and work.namespace == "":
            target = self._server
        return f"{method} {target}" if target else method, attributes

    def _complete(self, span: Any, work: Work, trace: Trace, error: BaseException | None) -> None:
        if isinstance(work, Batch) and len(work) != 1:
            span.set_attribute("db.operation.batch.size", len(work))
        if trace.node is not None:
            node = self._cluster.node(trace.node)
            peer = server(trace.node, "" if node is None else node.address)
            span.set_attribute("aerospike.node.name", trace.node)
            if "server.address" in peer:
                span.set_attribute("network.peer.address", peer["server.address"])
                span.set_attribute("network.peer.port", peer["server.port"])
        for at, attempt, parts in trace.events:
            event: dict[str, str | float | bool] = {
                "error": attempt.error, "elapsed_ms": attempt.elapsed_ms, "sent": attempt.sent,
                **parts_in_ms(parts),
            }  # fmt: skip
            if attempt.node is not None:
                event["aerospike.node.name"] = attempt.node
            span.add_event("attempt failed", event, timestamp=at)
        if error is None:
            return
        span.set_attribute("error.type", type(error).__name__)
        if isinstance(error, AerospikeError) and error.result_code is not None:
            span.set_attribute("db.response.status_code", str(int(error.result_code)))
        span.set_status(self._api.StatusCode.ERROR, getattr(error, "message", str(error)))


def _nothing(_: BaseException | None) -> None:
    """Do nothing when a call is over that has no span."""

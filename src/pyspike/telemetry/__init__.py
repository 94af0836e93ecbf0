"""A client's numbers and calls in the forms of other programs: metrics, spans, and a log of slow commands.

    prometheus  the text that Prometheus reads, and a collector for `prometheus_client`
    otel        OpenTelemetry's metrics: instruments that are read when they are collected
    spans       OpenTelemetry's spans (`ClientPolicy.tracing`)
    slow        the log of slow commands (`ClientPolicy.slow_command`)

Nothing is measured here: `Client.metrics()` and `Client.stats()` have the numbers, and a call that is watched
writes down what becomes of it (`src/wire/base/trace.pyx`).
"""

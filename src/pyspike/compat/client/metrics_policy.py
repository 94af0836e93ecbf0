"""What a `MetricsPolicy` may say, and what a configuration file says in its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pyspike.compat.aerospike_helpers.metrics import MetricsListeners, MetricsPolicy
from pyspike.compat.model.exceptions import param_error, raised

__all__ = ["checked", "merged"]

MOST_PATH = 256
LEAST_REPORT = 1_000_000  # bytes
CALLBACKS = ("enable_listener", "snapshot_listener", "node_close_listener", "disable_listener")


def merged(policy: MetricsPolicy, told: Mapping[str, Any]) -> MetricsPolicy:
    """A policy with what a file says in its place."""
    return MetricsPolicy(
        metrics_listeners=policy.metrics_listeners,
        report_dir=policy.report_dir,
        report_size_limit=policy.report_size_limit,
        interval=policy.interval,
        latency_columns=told.get("latency_columns", policy.latency_columns),
        latency_shift=told.get("latency_shift", policy.latency_shift),
        labels=told.get("labels", policy.labels),
    )


def checked(policy: MetricsPolicy) -> MetricsPolicy:
    """The same policy, whose values can be used.

    Raises:
        ParamError: one is of the wrong type, or out of its range.
        ClientError: files would be smaller than they may be.
    """
    listeners = policy.metrics_listeners
    if listeners is not None:
        if not isinstance(listeners, MetricsListeners):
            raise _wrong("metrics_listeners", "aerospike_helpers.metrics.MetricsListeners")
        for name in CALLBACKS:
            if not callable(getattr(listeners, name)):
                raise _wrong(f"metrics_listeners.{name}", "callable")
    if not isinstance(policy.report_dir, str):
        raise _wrong("report_dir", "str")
    if len(os.fsencode(policy.report_dir)) >= MOST_PATH:
        raise param_error(f"MetricsPolicy.report_dir must be less than {MOST_PATH} chars")
    for name, bits in (
        ("report_size_limit", 64), ("interval", 32), ("latency_columns", 8), ("latency_shift", 8)
    ):  # fmt: skip
        value = getattr(policy, name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**bits:
            raise _wrong(name, f"unsigned {bits}-bit integer")
    labels = policy.labels
    if not isinstance(labels, dict) or not all(
        isinstance(name, str) and isinstance(text, str) for name, text in labels.items()
    ):
        raise _wrong("labels", "dict[str, str]")
    for name in ("interval", "latency_columns"):
        if getattr(policy, name) == 0:  # the official client would divide by it, or have nowhere to count
            raise param_error(f"MetricsPolicy.{name} must be more than 0")
    if listeners is None and 0 < policy.report_size_limit < LEAST_REPORT:
        raise raised(
            "ClientError",
            f"MetricsPolicy.report_size_limit must be 0 or at least {LEAST_REPORT}, "
            f"not {policy.report_size_limit}",
        )
    return policy


def _wrong(name: str, wanted: str) -> Exception:
    return param_error(f"MetricsPolicy.{name} must be a {wanted} type")

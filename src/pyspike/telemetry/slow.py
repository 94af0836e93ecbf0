"""The log of slow commands (`ClientPolicy.slow_command`): the logger `pyspike.slow`, a line a call.

A line says which call it was, how long it took, and where the time went; its record has the same as
attributes, for those who keep logs by fields. Keys and values are not in it, but for the digest of the key if
the policy says so.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from pyspike._wire import Batch, Command, Trace
from pyspike.telemetry.observer import PARTS, Over, Work, described, parts_in_ms

__all__ = ["SlowLog"]

log = logging.getLogger("pyspike.slow")

MOST_TOLD = 3  # failed attempts that are in a line; the record has all


class SlowLog:
    """Logs calls that take long.

    Args:
        threshold: how many milliseconds a call has to take.
        with_digests: whether lines have the digests of keys.
    """

    def __init__(self, threshold: float, *, with_digests: bool) -> None:
        self._threshold = threshold
        self._with_digests = with_digests

    def begin(self, work: Work, trace: Trace) -> Over:
        """Look at the clock."""
        began = time.perf_counter_ns()

        def over(error: BaseException | None) -> None:
            elapsed = (time.perf_counter_ns() - began) / 1e6
            if elapsed >= self._threshold:
                self._tell(work, trace, elapsed, error)

        return over

    def _tell(self, work: Work, trace: Trace, elapsed: float, error: BaseException | None) -> None:
        method, namespace, set_name = described(work)
        fields: dict[str, Any] = {
            "method": method,
            "namespace": namespace,
            "set": set_name,
            "node": trace.node,
            "attempts": trace.requests + trace.failures,
            "failed_attempts": trace.failures,
            "elapsed_ms": elapsed,
            "sent_bytes": trace.sent_bytes,
            "received_bytes": trace.received_bytes,
            "error": None if error is None else type(error).__name__,
            "failures": [
                {
                    "node": attempt.node,
                    "error": attempt.error,
                    "elapsed_ms": attempt.elapsed_ms,
                    "sent": attempt.sent,
                    **parts_in_ms(parts),
                }
                for _, attempt, parts in trace.events
            ],
        }
        if isinstance(work, Batch):
            fields["rows"] = len(work)
        if self._with_digests and isinstance(work, Command) and work.key is not None:
            fields["digest"] = work.key.digest.hex()
        for part in (*PARTS, "lag"):
            fields[f"{part}_ms"] = getattr(trace, f"{part}_ns") / 1e6
        log.warning("%s", _line(fields), extra=fields)


def _line(fields: dict[str, Any]) -> str:
    place = "/".join(each for each in (fields["namespace"], fields["set"]) if each)
    words = [f"slow {' '.join(filter(None, (fields['method'], place)))}: {fields['elapsed_ms']:.1f} ms"]
    if "digest" in fields:
        words.append(f"digest {fields['digest']}")
    if "rows" in fields:
        words.append(f"{fields['rows']} rows")
    words.append(f"node {fields['node'] or 'none'}")
    words.append("1 attempt" if fields["attempts"] == 1 else f"{fields['attempts']} attempts")
    words += [*_parts(fields), f"lag {fields['lag_ms']:.1f}"]
    words += [
        f"attempt of {each['elapsed_ms']:.1f} ms failed ({', '.join(_parts(each))}): {each['error']}"
        for each in fields["failures"][:MOST_TOLD]
    ]
    if fields["error"] is not None:
        words.append(f"raised {fields['error']}")
    return ", ".join(words)


def _parts(fields: dict[str, Any]) -> list[str]:
    return [f"{part} {fields[f'{part}_ms']:.1f}" for part in PARTS]

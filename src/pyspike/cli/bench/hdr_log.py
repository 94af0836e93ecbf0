"""The HdrHistogram log format, version 1.3: a line for each period and call, for tools that read and plot it.

A histogram in it is V2-encoded: how often each of its numbers was seen, with runs of zeros as one negative
number, in ZigZag and LEB128, compressed by zlib, in base64.
"""

from __future__ import annotations

import base64
import struct
import time
import zlib
from collections.abc import Iterator

from pyspike.cli.bench.counts import Course
from pyspike.cli.bench.histogram import DIGITS, HIGHEST, NS_IN_A_MS, SIGNIFICANT_BITS, Histogram

__all__ = ["encode", "log"]

COOKIE, COMPRESSED_COOKIE = 0x1C849313, 0x1C849314
HEADER = struct.Struct(">iiiiqqd")  # cookie, length, index offset, digits, lowest, highest, ratio to the unit
COMPRESSED_HEADER = struct.Struct(">ii")
HALF_BITS = (
    SIGNIFICANT_BITS - 1
)  # an octave but the first takes half the steps: the others are those below it


def log(course: Course, what: str) -> Iterator[str]:
    """The lines of a log.

    Args:
        course: what was counted, period by period.
        what: a line about it.
    """
    when = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(course.started))
    yield f"#[{what}]\n"
    yield "#[Histogram log format version 1.3]\n"
    yield f"#[StartTime: {course.started:.3f} (seconds since epoch), {when}]\n"
    yield f"#[BaseTime: {course.started:.3f} (seconds since epoch)]\n"
    yield '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    for period in course.periods:
        for name, counts in period.counts.items():
            highest = (counts.latencies.highest or 0) / NS_IN_A_MS
            times = f"{period.start:.3f},{period.seconds:.3f},{highest:.3f}"
            yield f"Tag={name},{times},{encode(counts.latencies)}\n"


def encode(histogram: Histogram) -> str:
    """A histogram as the log has it."""
    payload = b"".join(map(_leb128, _runs(histogram)))
    header = HEADER.pack(COOKIE, len(payload), 0, DIGITS, 1, HIGHEST, 1.0)
    compressed = zlib.compress(header + payload)
    return base64.b64encode(COMPRESSED_HEADER.pack(COMPRESSED_COOKIE, len(compressed)) + compressed).decode()


def _runs(histogram: Histogram) -> Iterator[int]:
    """The counts by index; n of them in a row that are 0 are -n."""
    next_index = 0
    for value in sorted(histogram.counts):
        index = _index(value)
        if index > next_index:
            yield next_index - index
        yield histogram.counts[value]
        next_index = index + 1


def _index(value: int) -> int:
    shift = max(value.bit_length() - SIGNIFICANT_BITS, 0)
    return (shift << HALF_BITS) + (value >> shift)


def _leb128(number: int) -> bytes:
    zigzag = number << 1 if number >= 0 else -number * 2 - 1
    found = bytearray()
    while zigzag > 0x7F:
        found.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    found.append(zigzag)
    return bytes(found)

"""How long encoding and decoding take beside msgpack-python's C version, whose format lists and maps have.

    python bench/codec.py [--rounds 15]

Both are timed in turn, A B A B, so that what else the machine does meets both; a ratio is that of medians,
with the least and the greatest of a round. The goals: decoding at most 0.8 as a geometric mean, encoding 1.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]

from codec_values import VALUES
from pyspike._wire import pack_value, unpack_value

LEAST = 0.02  # seconds that each timing takes


def calls_for(action: Callable[[], Any]) -> int:
    """How many calls take long enough to be timed."""
    number = 1
    while timed(action, number) < LEAST:
        number *= 2
    return number


def timed(action: Callable[[], Any], number: int) -> float:
    """The CPU seconds that so many calls take."""
    start = time.process_time()
    for _ in range(number):
        action()
    return time.process_time() - start


def compare(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> list[tuple[float, float]]:
    """The microseconds a call of both, in each round."""
    number = calls_for(theirs)
    calls_for(ours)  # warms it up
    return [(timed(ours, number) / number * 1e6, timed(theirs, number) / number * 1e6) for _ in range(rounds)]


def row(name: str, times: Sequence[tuple[float, float]]) -> float:
    """Prints a line of the table; the ratio."""
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = [mine / other for mine, other in times]
    print(f"{name:24}{ours:10.2f}{theirs:10.2f}{ours / theirs:8.2f}   {min(ratios):.2f} to {max(ratios):.2f}")
    return ours / theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    rounds: int = parser.parse_args().rounds
    for what in ("decode", "encode"):
        print(f"{what:24}{'pyspike':>10}{'msgpack':>10}{'ratio':>8}   of a round (times in µs)")
        ratios = []
        for name, value in VALUES.items():
            particle, data = pack_value(value)
            packed = msgpack.packb(value)
            if what == "decode":
                assert unpack_value(particle, data) == msgpack.unpackb(packed, strict_map_key=False) == value
                ours, theirs = (
                    lambda p=particle, d=data: unpack_value(p, d),
                    lambda d=packed: msgpack.unpackb(d, strict_map_key=False),
                )
            else:
                ours, theirs = lambda v=value: pack_value(v), lambda v=value: msgpack.packb(v)
            ratios.append(row(name, compare(ours, theirs, rounds)))
        print(f"{'geometric mean':44}{math.prod(ratios) ** (1 / len(ratios)):8.2f}\n")


if __name__ == "__main__":
    main()

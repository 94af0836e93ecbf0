"""How long a record takes to become a row of columns, from memory: without network, in one thread.

    python bench/columns.py [--rounds 15]

The records are as a node sends them. The goal is 0.4 µs of CPU a record with 3 bins: an int, a text, an int.
"""

from __future__ import annotations

import argparse
import statistics
import struct
import time
from collections.abc import Callable

from pyspike._wire import Columns, memory_columns, pack_value
from pyspike.columnar.schema import schema_of
from pyspike.columnar.stream import ArrowBatch, ArrowStream

RECORDS = 20_000
FRAME = 1 << 20  # bytes, about, of a node's frame


def message(number: int, bins: dict[str, object]) -> bytes:
    """A record, as a node sends it (framing.md 1.2 to 1.4)."""
    fields = [(0, b"test"), (4, number.to_bytes(20, "little")), (1, b"users")]
    parts = [struct.pack(">BBBBBBIIIHH", 22, 0, 0, 0, 0, 0, 1, 0, 0, len(fields), len(bins))]
    parts += [struct.pack(">IB", len(data) + 1, kind) + data for kind, data in fields]
    for name, value in bins.items():
        particle, data = pack_value(value)
        parts.append(struct.pack(">IBBBB", 4 + len(name) + len(data), 1, particle, 0, len(name)))
        parts += [name.encode(), data]
    return b"".join(parts)


def frames(make: Callable[[int], dict[str, object]]) -> list[bytes]:
    """Records in frames."""
    found: list[list[bytes]] = [[]]
    size = 0
    for number in range(RECORDS):
        found[-1].append(message(number, make(number)))
        size += len(found[-1][-1])
        if size > FRAME:
            found.append([])
            size = 0
    return [b"".join(each) for each in found]


SHAPES: dict[str, Callable[[int], dict[str, object]]] = {
    "int, text, int": lambda n: {"id": n, "name": f"user number {n}", "age": n % 90},
    "10 ints": lambda n: {f"bin{place}": n + place for place in range(10)},
    "10 texts": lambda n: {f"bin{place}": f"text {n + place}" for place in range(10)},
    "list of 20 ints": lambda n: {"list": list(range(n % 1000, n % 1000 + 20))},
    "struct of 6": lambda n: {"doc": {"a": n, "b": "text", "c": 1.5, "d": True, "e": [n], "f": "x"}},
    "map of 6": lambda n: {"map": {f"key{place}": n for place in range(6)}},
}


def seconds(bodies: list[bytes], schema: object) -> float:
    """The CPU seconds that all records take."""
    columns = Columns(
        None if schema is None else schema_of(schema),  # type: ignore[arg-type]
        None,
        {},
        batch_rows=65_536,
        batch_bytes=16 << 20,
        on_mismatch="error",
        extra=None,
    )
    stream = memory_columns(bodies, columns, ArrowStream)
    rows = 0
    start = time.process_time()
    while (batch := stream.next_batch(ArrowBatch)) is not None:
        rows += batch.num_rows
    spent = time.process_time() - start
    assert rows == RECORDS
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    rounds: int = parser.parse_args().rounds
    print(f"{'CPU µs a record':24}{'declared':>10}{'guessed':>10}")
    for name, make in SHAPES.items():
        bodies = frames(make)
        columns = Columns(
            None, None, {}, batch_rows=65_536, batch_bytes=16 << 20, on_mismatch="error", extra=None
        )
        known = memory_columns(bodies, columns, ArrowStream).schema
        times = [
            statistics.median(seconds(bodies, schema) for _ in range(rounds)) / RECORDS * 1e6
            for schema in (known, None)
        ]
        print(f"{name:24}{times[0]:10.3f}{times[1]:10.3f}")


if __name__ == "__main__":
    main()

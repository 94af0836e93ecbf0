"""How long a record takes to become a row of columns, from memory, without network.

    python bench/columns.py [--rounds 15]

The records are as a node sends them. The goal is 0.4 µs of CPU a record with 3 bins: an int, a text, an int.
And how long two threads take that read a range of partitions each, beside one thread that reads both: on two
idle cores 0.65 of its time at most. What two threads take that hash bytes tells what the machine has to give.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import struct
import threading
import time
from collections.abc import Callable, Iterable

from pyspike._wire import Columns, memory_columns, pack_value
from pyspike.columnar.schema import schema_of
from pyspike.columnar.stream import ArrowBatch, ArrowStream

RECORDS = 20_000
ROUNDS = 15
TIMES_A_RANGE = 20  # that all records are in a range
HASHED = bytes(20_000_000)
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


def stream_of(bodies: Iterable[bytes], schema: object) -> ArrowStream:
    """A stream of the records in these frames; of a schema that is guessed if it is None."""
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
    assert isinstance(stream, ArrowStream)
    return stream


def read(stream: ArrowStream) -> int:
    """Have all records decoded; how many these are."""
    rows = 0
    while (batch := stream.next_batch(ArrowBatch)) is not None:
        rows += batch.num_rows
    return rows


def seconds(bodies: list[bytes], schema: object) -> float:
    """The CPU seconds that all records take."""
    stream = stream_of(bodies, schema)
    start = time.process_time()
    rows = read(stream)
    spent = time.process_time() - start
    assert rows == RECORDS
    return spent


def in_threads(bodies: list[bytes], schema: object, threads: int) -> float:
    """The seconds that two ranges take, by one thread in turn or by two at once."""
    streams = [stream_of(bodies * TIMES_A_RANGE, schema) for _ in range(2)]
    rows: list[int] = []

    def work(mine: list[ArrowStream]) -> None:
        rows.extend([read(stream) for stream in mine])

    workers = [threading.Thread(target=work, args=(streams[number::threads],)) for number in range(threads)]
    spent = timed(workers)
    assert rows == [TIMES_A_RANGE * RECORDS] * 2
    return spent


def hashing(threads: int) -> float:
    """The seconds that hashing some bytes twice takes, by one thread in turn or by two at once."""
    workers = [
        threading.Thread(target=lambda: [hashlib.sha256(HASHED) for _ in range(2 // threads)])
        for _ in range(threads)
    ]
    return timed(workers)


def timed(workers: list[threading.Thread]) -> float:
    """The seconds that they take together."""
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def two_to_one(measure: Callable[[int], float], rounds: int) -> float:
    """The time of two threads beside that of one: the median of rounds in which both are measured."""
    return statistics.median(measure(2) / measure(1) for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds: int = parser.parse_args().rounds
    made = {name: frames(make) for name, make in SHAPES.items()}
    known = {name: stream_of(bodies, None).schema for name, bodies in made.items()}
    print(f"{'CPU µs a record':24}{'declared':>10}{'guessed':>10}")
    for name, bodies in made.items():
        times = [
            statistics.median(seconds(bodies, schema) for _ in range(rounds)) / RECORDS * 1e6
            for schema in (known[name], None)
        ]
        print(f"{name:24}{times[0]:10.3f}{times[1]:10.3f}")
    print(f"\n{'time of two threads beside one':34}")
    for name, bodies in made.items():
        ratio = two_to_one(lambda threads, b=bodies, k=known[name]: in_threads(b, k, threads), rounds)  # type: ignore[misc]
        print(f"{name:24}{ratio:10.2f}")
    print(f"{'hashing':24}{two_to_one(hashing, rounds):10.2f}")


if __name__ == "__main__":
    main()

"""A mutation fuzzer over every parser of what comes from a server, seeded with the recorded answers.

    python -m fuzz.parsers --inputs 10000000 --seed 1        (with tests/ on the path)

Each target takes bytes and may return or raise what its callers expect; anything else, a crash or a hang is a
find. Run it on a build with AddressSanitizer (CONTRIBUTING.md). tests/unit/test_fuzz.py runs a bounded form.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

from pyspike import _wire, errors
from pyspike import operations as op
from pyspike.cluster import info
from pyspike.policy import ReadPolicy, WritePolicy
from support.vectors import cases

EXPECTED = (errors.ProtocolError, errors.ServerError)
Target = Callable[[bytes], object]

READ = ReadPolicy().settings
WRITE = WritePolicy().settings
KEY = ("test", "s", 1)
INFO_PARSERS: tuple[Callable[[str], object], ...] = (
    info.check, info.parse_node_name, info.parse_generation, info.parse_build, info.parse_services,
    info.parse_peers, info.parse_replicas,
)  # fmt: skip
INTERESTING = [
    0, 1, 3, 4, 7, 16, 17, 18, 19, 20, 22, 23, 27, 31, 32, 100, 127, 128, 144, 160, 192, 196, 199, 202, 203,
    204, 207, 212, 217, 219, 220, 221, 222, 223, 254, 255,
]  # fmt: skip


def answers() -> list[bytes]:
    """The bodies of the recorded answers to single-record commands."""
    found = {
        response[8:]
        for group in ("records", "operate", "cluster")
        for case in cases(group)
        for response in case.responses
        if len(response) < 2000
    }
    return sorted(found)


def info_bodies() -> list[bytes]:
    """The bodies of the recorded answers to info messages."""
    return sorted(
        {response[8:] for case in cases("info") for response in case.responses if len(response) < 4000}
    )


def particles() -> list[bytes]:
    """Values of every kind, each with its type in front."""
    values: list[Any] = [
        1, -1, 2**62, 1.5, "text", "é" * 40, b"bytes" * 60, True, None,
        [1, [2, [3, {"a": [None, True, -1.5]}]]], [str(n) for n in range(40)],
        {"a": 1, 2: {"b": b"x" * 300}, b"k": [70000, -200, 2**40]},
    ]  # fmt: skip
    return [bytes([kind]) + data for kind, data in map(_wire.pack_value, values)]


def commands() -> list[_wire.Command]:
    """A command for each way in which an answer is read."""
    steps = [op.get("a"), op.add("a", 1), op.get("a"), op.put("b", 1), op.get("b")]
    return [
        _wire.read_request(KEY, None, READ),
        _wire.exists_request(KEY, READ),
        _wire.write_request(KEY, 2, {"a": 1}, WRITE),
        _wire.delete_request(KEY, WRITE),
        _wire.operate_request(KEY, steps, WRITE),
        _wire.operate_request(KEY, [op.put("z", 1), op.get()], WRITE),
    ]


def parse_value(data: bytes) -> object:
    """A particle: its type, then its bytes."""
    return _wire.unpack_value(data[0], data[1:]) if data else None


def parse_info(data: bytes) -> None:
    """An info body, with every parser of values on each of its values."""
    for value in info.decode(data).values():
        for parser in INFO_PARSERS:
            with contextlib.suppress(*EXPECTED):
                parser(value)


class Transport:
    """What a pipeline sees of asyncio; it sends nothing."""

    def write(self, data: bytes) -> None:
        """Forget it."""

    def abort(self) -> None:
        """There is nothing to end."""

    def get_extra_info(self, name: str) -> None:
        """Nothing is known."""


class PipelineTarget:
    """A pipeline that gets the bytes in pieces, with some commands in flight."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.loop = asyncio.new_event_loop()
        self.requests = commands()

    def __call__(self, data: bytes) -> None:
        """Feed the bytes as messages of the right size, then as they are."""
        lanes = _Lanes(self.loop)
        pool = _wire.Pool("A1", lambda timeout: _wire.Connection(-1))
        partitions = _wire.PartitionMap().updated(_Node(pool), [("test", 0, (b"\xff" * 512,))])
        lanes.pool_open = pool
        for request in self.requests[:4]:
            lanes.start(_wire.read_request(request.key, None, READ), partitions)
        pipeline = lanes.pipeline
        framed = (2 << 56 | 3 << 48 | len(data)).to_bytes(8, "big") + data
        stream = framed * 2 + data
        at = 0
        while at < len(stream):
            view = pipeline.get_buffer(-1)
            size = min(len(view), self.rng.randint(1, 400), len(stream) - at)
            view[:size] = stream[at : at + size]
            pipeline.buffer_updated(size)
            at += size
            if lanes.broken:
                break
        pipeline.shut()
        self.loop.call_soon(self.loop.stop)  # what was planned meanwhile holds on to all of it
        self.loop.run_forever()

    def close(self) -> None:
        """Let go of the loop."""
        self.loop.close()


class _Node:
    def __init__(self, pool: _wire.Pool) -> None:
        self.pool = pool


class _Lanes(_wire.Lanes):
    """One lane whose only pipeline is open at once; failures end their commands."""

    pool_open: _wire.Pool
    pipeline: _wire.Pipeline
    broken = False

    def new_lane(self, pool: _wire.Pool) -> _wire.Lane:
        return _wire.Lane(self.loop, pool, self._open, self.failed, most=1, depth=64, max_waiting=64)

    def _open(self, lane: _wire.Lane) -> None:
        self.pipeline = _wire.Pipeline(lane)
        self.pipeline.connection_made(Transport())
        lane.opened(self.pipeline)

    def watch_in(self, seconds: float) -> None:
        """No time passes here."""

    def failed(self, command: _wire.Command, error: errors.AerospikeError) -> None:
        self.broken = True
        assert isinstance(error, (*EXPECTED, errors.ConnectionError)), error
        command.waiter.cancel()


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    """A seed with a few bytes changed, cut out, doubled, or joined with another seed."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 9))):
        kind = rng.random()
        at = rng.randrange(len(data)) if data else 0
        if kind < 0.35 and data:
            data[at] = rng.choice(INTERESTING)
        elif kind < 0.6 and data:
            data[at] = rng.randrange(256)
        elif kind < 0.7 and len(data) - at >= 4:
            data[at : at + 4] = rng.choice(
                (0, 1, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(2**16))
            ).to_bytes(4, "big")
        elif kind < 0.8:
            del data[at : at + rng.randint(1, 20)]
        elif kind < 0.9:
            data[at:at] = data[at : at + rng.randint(1, 40)]
        else:
            data[at:] = rng.choice(seeds)[at:]
    return bytes(data)


def run(inputs: int, seed: int, *, report: Callable[[str], None] = lambda text: None) -> dict[str, int]:
    """Feed so many inputs, over all targets; returns how many each got. Raises what nobody expects."""
    rng = random.Random(seed)
    pipeline = PipelineTarget(rng)
    requests = commands()
    bodies, values, texts = answers(), particles(), info_bodies()
    targets: list[tuple[str, list[bytes], Target, int]] = [
        *((f"answer {number}", bodies, lambda data, c=command: _wire.parse_answer(c, data), 2)  # type: ignore[misc]
          for number, command in enumerate(requests)),
        ("value", values, parse_value, 7),
        ("info", texts, parse_info, 1),
        ("pipeline", bodies, pipeline, 1),
    ]  # fmt: skip
    weighted = [target for target in targets for _ in range(target[3])]
    counts = dict.fromkeys((name for name, *_ in targets), 0)
    started = time.monotonic()
    with contextlib.closing(pipeline):
        _feed(rng, inputs, weighted, counts, seed, lambda number: report(
            f"{number} inputs, {time.monotonic() - started:.0f} s"
        ))  # fmt: skip
    return counts


def _feed(
    rng: random.Random,
    inputs: int,
    weighted: list[tuple[str, list[bytes], Target, int]],
    counts: dict[str, int],
    seed: int,
    report: Callable[[int], None],
) -> None:
    for number in range(inputs):
        name, seeds, target, _ = weighted[number % len(weighted)]
        data = mutated(rng, seeds)
        counts[name] += 1
        try:
            target(data)
        except EXPECTED:
            pass  # what a caller is told of bad bytes
        except BaseException as error:
            raise AssertionError(
                f"{name} raises {error!r} for {data.hex()} (seed {seed}, input {number})"
            ) from error
        if number % 500_000 == 499_999:
            report(number + 1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts = run(arguments.inputs, arguments.seed, report=lambda text: print(text, flush=True))
    for name, count in counts.items():
        print(f"{name}: {count}")
    print(f"{sum(counts.values())} inputs, no find")


if __name__ == "__main__":
    main()

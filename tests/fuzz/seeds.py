"""What the inputs are made of: the recorded answers of all vector files, and values of every kind."""

from __future__ import annotations

import random
from typing import Any

from pyspike import RawParticle, Statement, _wire
from pyspike.filters import equal
from support.columns import record_of
from support.compressed import packed
from support.messages import FILTER, parse
from support.queries import cursor_in_the_middle
from support.vectors import cases

COMMANDS = (
    "records", "operate", "cluster", "operate-list", "operate-map", "bit", "hll", "path", "string",
    "operate-expression", "expressions",
)  # fmt: skip
LONGEST = 2000  # bytes: a longer seed is mostly more of the same
LONGEST_INFO = 4000
HEADER = 8


def answers() -> list[bytes]:
    """The bodies of the recorded answers to commands."""
    return sorted(response[HEADER:] for response in _responses())


def _responses() -> set[bytes]:
    """Whole messages."""
    return {
        response
        for group in COMMANDS
        for case in cases(group)
        for response in case.responses
        if HEADER < len(response) < LONGEST
    }


def compressed() -> list[bytes]:
    """Compressed frames, each of a recorded answer."""
    return [packed(response) for response in sorted(_responses())[::20]]


def batches() -> list[bytes]:
    """The bodies of the frames of recorded answers to batches."""
    return sorted(
        {
            response[HEADER:]
            for case in cases("batch")
            for response in case.responses
            if HEADER < len(response) < LONGEST
        }
    )


def queries() -> list[bytes]:
    """The bodies of the frames of recorded answers to queries."""
    return sorted(
        {
            response[HEADER:]
            for case in cases("query")
            for response in case.responses
            if HEADER < len(response) < LONGEST
        }
    )


def records() -> list[bytes]:
    """Records as nodes send them, with values of every kind and with keys."""
    simple = {"a": 1, "b": 0.5, "c": "text", "i": b"\x00", "n": True}
    nested = {"l": [[1, 2], []], "m": {"k": [b"x", None]}, "d": {"x": 1, "y": {"z": "text", "w": None}}}
    keys = (None, b"\x03key", b"\x01" + bytes(8), b"\x04\x00\xff", b"\x02" + bytes(8))
    digest = bytes(20)
    return [
        *(record_of(simple | nested, key=key, digest=digest, ttl=number) for number, key in enumerate(keys)),
        *(record_of({"x": RawParticle(data[0], data[1:])}) for data in particles()),
        record_of(simple) + record_of(nested) + record_of(simple),
        b"".join(
            record_of({"d": each})
            for each in ({"x": 1, "y": "t"}, {"x": None, "y": "u"}, {"y": "v"}, {"x": 1})
        ),
        *queries(),
    ]


def choices(rng: random.Random) -> list[bytes]:
    """Bytes of which `fuzz.arrays` makes columns."""
    return [rng.randbytes(rng.choice((40, 200, 600))) for _ in range(400)]


def cursors() -> list[bytes]:
    """Cursors in the middle of queries."""
    where = equal("a", 1)
    statements = Statement("test"), Statement("test", "s"), Statement("test", "s", where=where)
    return [cursor_in_the_middle(statement).to_bytes() for statement in statements]


def info_bodies() -> list[bytes]:
    """The bodies of the recorded answers to info messages."""
    return sorted(
        {
            response[HEADER:]
            for case in cases("info")
            for response in case.responses
            if len(response) < LONGEST_INFO
        }
    )


def particles() -> list[bytes]:
    """Values of every kind, each with its type in front."""
    values: list[Any] = [
        1, -1, 2**62, 1.5, "text", "é" * 40, b"bytes" * 60, True, None,
        [1, [2, [3, {"a": [None, True, -1.5]}]]], [str(n) for n in range(40)],
        {"a": 1, 2: {"b": b"x" * 300}, b"k": [70000, -200, 2**40]},
    ]  # fmt: skip
    recorded = {bytes([op.particle]) + op.value for response in _responses() for op in parse(response).ops}
    return [bytes([kind]) + data for kind, data in map(_wire.pack_value, values)] + sorted(recorded)


def filters() -> list[bytes]:
    """The filter expressions of the recorded requests."""
    found = {
        value
        for case in cases("expressions")
        for request in case.requests
        for kind, value in parse(request).fields
        if kind == FILTER and len(value) < LONGEST
    }
    return sorted(found)

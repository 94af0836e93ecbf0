"""Selections of elements of lists and maps, with every return type, inverted and not, as a real server tells.

    python tests/server/position_cases.py 127.0.0.1:3000

asks a server and writes `recorded_positions.jsonl` beside this file: the container's flags and values, the
operation, and what the server answered. The keys of a map are "a", "b", ... in the order of its values. Lists
that are not ordered have no equal elements: how a server ranks those is not told by anything. What ends
server 8.1.2 is not asked: all but an empty list of keys or values of a map.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from server_values import packed
from server_wire import Wire, frame, message, op, parse, put

from pyspike.server.values.encoding import encode
from pyspike.server.values.packed import PackedList, PackedMap, Value

RECORDED = Path(__file__).with_name("recorded_positions.jsonl")
COUNT = 2500
INVERTED = 0x10000
RETURN_TYPES = (*range(14), 16, 17)
LIST, MAP, KEYS = 20, 19, "abcdefg"
CDT_READ, CDT_MODIFY, READ = 3, 4, 1
# By opcode of reading: the opcode of removing, and the arguments: index or rank, value, key, values, Keys.
LIST_OPS = {
    19: (32, "i"),
    20: (33, "v"),
    21: (34, "i"),
    22: (35, "v"),
    23: (36, "l"),
    24: (37, "ii"),
    25: (38, "vv"),
    26: (39, "ii"),
    27: (40, "vii"),
}
MAP_OPS = {
    97: (76, "k"),
    98: (77, "i"),
    99: (78, "v"),
    100: (79, "i"),
    102: (82, "v"),
    103: (84, "kk"),
    104: (85, "ii"),
    105: (86, "vv"),
    106: (87, "ii"),
    107: (81, "K"),
    108: (83, "l"),
    109: (88, "kii"),
    110: (89, "vii"),
}


class Case(NamedTuple):
    """A container, and an operation on it."""

    particle: int
    flags: int
    values: list[int]
    opcode: int
    return_type: int
    args: list[Any]

    @property
    def container(self) -> Value:
        items = [packed(value) for value in self.values]
        if self.particle == LIST:
            return PackedList(self.flags, items)
        return PackedMap(self.flags, [(packed(key), item) for key, item in zip(KEYS, items, strict=False)])

    @property
    def removes(self) -> bool:
        return self.opcode not in LIST_OPS and self.opcode not in MAP_OPS

    def requests(self) -> list[bytes]:
        """A put of the container, and the operation; one that removes also reads what is left."""
        value = encode(packed([self.opcode, self.return_type, *self.args]))
        key = ("positions", *self[:2])
        if self.removes:
            asked = message(key, op(CDT_MODIFY, "b", 4, value), op(READ, "b"), info1=1, info2=0x81)
        else:
            asked = message(key, op(CDT_READ, "b", 4, value), info1=1, info2=0x80)
        return [put(key, {"b": (self.particle, encode(self.container))}, info3=0x10), asked]


def answers(wire: Wire, cases: list[Case]) -> Iterator[list[Any]]:
    """What a server says to each: the result code, and type and bytes of each result."""
    for start in range(0, len(cases), 100):
        part = cases[start : start + 100]
        wire.sock.sendall(b"".join(frame(body) for case in part for body in case.requests()))
        for _ in part:
            assert parse(wire.read_frame()).code == 0
            answer = parse(wire.read_frame())
            yield [answer.code, [[particle, value.hex()] for _, particle, _, value in answer.ops]]


def made(seed: int = 1, count: int = COUNT) -> list[Case]:
    """Cases, the same ones for a seed; opcodes and return types come in turn."""
    chance = random.Random(seed)
    kinds = [(LIST, flags, each) for flags in (0, 1) for each in LIST_OPS]
    kinds += [(MAP, flags, each) for flags in (0, 1, 3) for each in MAP_OPS]
    turns = [
        (kind, each) for kind in kinds for each in (*RETURN_TYPES, *(INVERTED | r for r in RETURN_TYPES))
    ]
    chance.shuffle(turns)
    return [_case(chance, *turns[number % len(turns)]) for number in range(count)]


def _case(chance: random.Random, kind: tuple[int, int, int], return_type: int) -> Case:
    particle, flags, opcode = kind
    removing, signature = (LIST_OPS if particle == LIST else MAP_OPS)[opcode]
    size, choice = chance.randrange(6), [10, 20, 30] if chance.random() < 0.5 else [*range(1, 8)]
    values = [chance.choice(choice) for _ in range(size)]
    if particle == LIST:
        values = sorted(values) if flags else list(dict.fromkeys(values))
    keys = KEYS[: size + 1]
    args = [_argument(chance, kind, len(values), choice, keys) for kind in signature]
    if len(args) > 1 and chance.random() < 0.25:
        args.pop()
    if signature in ("vv", "kk") and chance.random() < 0.8:
        args.sort()
    return Case(particle, flags, values, removing if chance.random() < 0.3 else opcode, return_type, args)


def _argument(chance: random.Random, kind: str, size: int, choice: list[int], keys: str) -> Any:
    if kind == "i":
        return chance.randint(-size - 1, size + 1)
    if kind in "vl":
        some = [chance.choice(choice) for _ in range(chance.randint(1, 4))]
    else:
        some = [chance.choice(keys) for _ in range(chance.randint(1, 4))]
    return some if kind in "lK" else some[0]


def recorded() -> Iterator[tuple[Case, list[Any]]]:
    with RECORDED.open(encoding="utf-8") as lines:
        for line in lines:
            *case, answer = json.loads(line)
            yield Case(*case), answer


if __name__ == "__main__":
    with Wire(int(sys.argv[1].rpartition(":")[2])) as connection, RECORDED.open("w", encoding="utf-8") as out:
        asked = made()
        for case, answer in zip(asked, answers(connection, asked), strict=True):
            out.write(json.dumps([*case, answer], separators=(",", ":")) + "\n")

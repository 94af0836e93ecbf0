"""Queries that tell in words what they look for (AEL), and their plans; only the newer server has them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from batch_wire import Told, split
from query_wire import FILTER, INDEX_NAME, INDEX_TYPE, RANGE, Answered, ask, query
from server_values import packed
from server_wire import Wire, eventually, field, frame, integer, op, put

from pyspike.server import EmbeddedCluster
from pyspike.server.values.encoding import encode

WHERE, DETAILS = 44, 45
EXPLAIN, REQUIRE_INDEX, HARD_HINT = 2, 4, 8
PARAMETER, UNSUPPORTED, FILTERED_OUT, NO_INDEX, UNREADABLE = 4, 16, 27, 201, 203
LAST, TRACE = 1, 0x60
COUNT = 60
LIST, MAP, BOOL, FLOAT, STRING, BLOB = 20, 19, 17, 2, 3, 4


def bins(number: int) -> dict[str, tuple[int, bytes]]:
    return {
        "n": integer(number),
        "s": (STRING, f"s{number % 5}".encode()),
        "f": (FLOAT, struct.pack(">d", number / 2)),
        "b": (BOOL, bytes((number % 2,))),
        "l": (LIST, encode(packed([number, number % 7, f"t{number % 3}"]))),
        "m": (MAP, encode(packed({"k": [number, {"x": -number}], f"o{number % 4}": 1}))),
        **({"rare": integer(1)} if number % 10 == 0 else {}),
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as cluster:
        with Wire(cluster.nodes[0].port) as wire:
            for number in range(COUNT):
                wire.ask(put(number, bins(number), set_name="q"))
            wire.ask(put("other", bins(3), set_name="other"))
            for name, what in INDEXES.items():
                command = f"sindex-create:namespace=test;set=q;indexname={name};{what}"
                assert wire.info(command)[command] == "ok"
            for name in INDEXES:
                stat = f"sindex-stat:namespace=test;indexname={name}"
                eventually(lambda stat=stat: "load_pct=100" in wire.info(stat)[stat])  # type: ignore[misc]
        yield cluster


@pytest.fixture
def wire(cluster: EmbeddedCluster) -> Iterator[Wire]:
    with Wire(cluster.nodes[0].port) as connection:
        yield connection


def base64(value: Any) -> str:
    import base64 as codec

    return codec.b64encode(encode(packed(value))).decode()


INDEXES = {
    "n": "bin=n;type=integer",
    "s": "bin=s;type=string",
    "rare": "bin=rare;type=numeric",
    "l": "bin=l;type=numeric;indextype=list",
    "mk": f"bin=m;type=numeric;context={base64([0x22, 'k', 0x10, 0])}",
    "e": "exp=kxSTUQKhbgE=;type=numeric",  # n + 1
    "set": "indextype=set",
}


def where(text: str, flags: int = 0) -> bytes:
    return field(WHERE, bytes((flags,)) + text.encode())


CONDITIONS: dict[str, Callable[[int], object]] = {
    "$.n > 50": lambda n: n > 50,
    "10 >= $.n": lambda n: n <= 10,
    "$.n != 3 and $.s == 's3'": lambda n: n != 3 and n % 5 == 3,
    "$.n < 3 or $.n>=58 /* the last */": lambda n: n < 3 or n >= 58,
    "not ($.n < 30) and not $.b == true": lambda n: n >= 30 and n % 2 == 0,
    "$.n + 1 == 8": lambda n: n == 7,
    "$.n * 2 - 3 > 100 and $.n % 3 == 0": lambda n: n * 2 - 3 > 100 and n % 3 == 0,
    "$.n & 0x3 == 0b10": lambda n: n & 3 == 2,
    "~$.n < -50": lambda n: ~n < -50,
    "$.n << 1 == 20 or $.n ^ 1 == 4": lambda n: n == 10 or n == 5,
    "$.f >= 25.5": lambda n: n / 2 >= 25.5,
    "$.f ** 2.0 < 4.0": lambda n: (n / 2) ** 2 < 4,
    "$.f.asInt() == 12": lambda n: n // 2 == 12,
    "$.n.asFloat() == $.f": lambda n: n == 0,
    "$.n:INT == $.l.[0]": lambda n: True,
    "$.s in ['s1', \"s2\"]": lambda n: n % 5 in (1, 2),
    "5 in $.l": lambda n: n == 5 or n % 7 == 5,
    "'t1' in $.l": lambda n: n % 3 == 1,
    "$.s =~ /^S[12]$/i": lambda n: n % 5 in (1, 2),
    "$.l.[1] == 6": lambda n: n % 7 == 6,
    "$.l.[#0]:INT == $.n": lambda n: min(n, n % 7) == n,
    "$.l.[='t2'].exists()": lambda n: n % 3 == 2,
    "$.l.count() == 3 and $.m:MAP.count() == 2": lambda n: True,
    "$.m.k.[0] >= 55": lambda n: n >= 55,
    "$.m.k.[1].x == -7": lambda n: n == 7,
    "$.m.o3.exists()": lambda n: n % 4 == 3,
    "$.m.{0}.count() == 2": lambda n: True,
    "$.l == [5, 5, 't2']": lambda n: n == 5,
    "$.n": lambda n: False,
    "$.rare.exists()": lambda n: n % 10 == 0,
    "not $.rare.exists()": lambda n: n % 10 != 0,
    "exclusive($.n < 10, $.s == 's0')": lambda n: (n < 10) != (n % 5 == 0),
    "$.setName() == 'q' and $.ttl() == -1": lambda n: True,
    "$.isTombstone()": lambda n: False,
    "$.recordSize() > 0 and $.timeSinceLastUpdate() >= 0": lambda n: True,
    "$.\"n\" == 4 or $.'\\u006e' == 5": lambda n: n in (4, 5),
    "true": lambda n: True,
    "-$.n == -4": lambda n: n == 4,
    "$.n == -9223372036854775808": lambda n: False,
}


def test_words_filter_as_expressions_do(wire: Wire) -> None:
    for text, test in CONDITIONS.items():
        answered = ask(wire, where(text))
        assert answered.code == 0, text
        assert answered.values() == [number for number in range(COUNT) if test(number)], text


MISTAKES = {
    "": (0, None),
    "5": (0, 1),
    "$.n >": (5, 0),
    "$.n > 'x' + 1": (None, None),
    "$.n > $.l": (4, 1),
    "$.s == 5 == 5": (9, 2),
    "$.n > 5 and ü": (12, 2),
    "$.n.frob() == 1": (4, 4),
    "$.n == 9223372036854775808": (7, 19),
    "$.nnnnnnnnnnnnnnnn == 1": (0, 19),
    "n == 1": (0, 1),
    "$.n:NUMBER == 1": (4, 6),
    "$.s =~ 5": (4, 2),
    "$.l.[='x'] == 5": (None, None),
    "(" * 3000: (25, 1),
    "1" + "+1" * 3000 + " == $.n": (101, 1),
    "'": (0, 1),
}


def details(told: Told) -> dict[int, Any]:
    found: dict[int, Any] = msgpack.unpackb(told.fields[DETAILS], strict_map_key=False)
    return found


def refusal(wire: Wire, *more: bytes, **header: Any) -> Told:
    wire.sock.sendall(frame(query(*more, **header)))
    ((_, told),) = split(wire.read_frame()[8:])
    return told


def test_what_is_no_condition_is_refused_with_its_place(wire: Wire) -> None:
    for text, (at, span) in MISTAKES.items():
        told = refusal(wire, where(text), info4=TRACE)
        assert told.code == PARAMETER, text
        found = details(told)
        if text:
            assert found[2].startswith("AEL: "), text
            assert (found[3][1], found[3][8]) == (1, 2), text
        if at is not None and text:
            assert found[3][9] == at, (text, found)
        if span is not None:
            assert found[3][10] == span, (text, found)


def test_any_text_is_taken_or_refused(wire: Wire) -> None:
    chance = random.Random(8)
    texts = list(CONDITIONS)
    letters = sorted({letter for text in texts for letter in text})
    for _ in range(400):
        text = list(chance.choice(texts))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.randrange(3)] = chance.choices(letters, k=chance.randrange(3))
        assert ask(wire, where("".join(text)), partitions=[1]).code in (0, PARAMETER), text


FLAGS = {
    b"": PARAMETER,
    b"\x00": PARAMETER,
    b"\x00  ": PARAMETER,
    b"\x10true": PARAMETER,
    b"\x04true": PARAMETER,
    b"\x08true": PARAMETER,
    b"\x01\x02true": PARAMETER,
    b"\x01" * 9 + b"\x00true": PARAMETER,
    b"\x01" * 3: PARAMETER,
    b"\x00\xff\xfe": PARAMETER,
    b"\x00true": 0,
    b"\x01\x01\x00true": 0,
    b"\x01" * 8 + b"\x00true": 0,
}


def test_the_flags_in_front_of_the_words(wire: Wire) -> None:
    for data, code in FLAGS.items():
        if data:  # a field of no bytes can't be sent
            assert ask(wire, field(WHERE, data), partitions=[1]).code == code, data
    both = (where("true"), field(FILTER, b"\x93\x05\x93\x51\x02\xa1n\x0a"))
    assert ask(wire, *both).code == PARAMETER
    job = {"info1": 0, "info2": 1, "info3": 0, "partitions": None, "ttl": 0}
    assert refusal(wire, where("true"), ops=(op(2, "x", *integer(1)),), **job).code == UNSUPPORTED
    call = (field(33, b"\x01"), field(30, b"m"), field(31, b"f"), field(32, b"\x90"))
    assert refusal(wire, *call, where("true"), partitions=None).code == UNSUPPORTED


# --- plans --------------------------------------------------------------------------------------------------


def explain(
    wire: Wire, text: str, flags: int = 0, hint: str | None = None, set_name: str | None = "q"
) -> Told:
    """The answer to who asks for a plan: one message, which is the last."""
    more = [] if hint is None else [field(INDEX_NAME, hint.encode())]
    asked = query(*more, where(text, EXPLAIN | flags), partitions=None, set_name=set_name, info4=TRACE)
    wire.sock.sendall(frame(asked))
    ((info3, told),) = split(wire.read_frame()[8:])
    assert info3 & LAST
    return told


def plan(told: Told) -> tuple[int, str | None, Any]:
    """The code, the index, and its range: the bin, and the ends or the value."""
    if INDEX_NAME not in told.fields:
        assert not told.fields.keys() - {DETAILS}
        return told.code, None, None
    data = told.fields[RANGE]
    assert data[0] == 1
    name, data = data[2 : 2 + data[1]].decode(), data[2 + data[1] :]
    values = []
    particle, data = data[0], data[1:]
    while data:
        size = int.from_bytes(data[:4], "big")
        value, data = data[4 : 4 + size], data[4 + size :]
        values.append(int.from_bytes(value, "big", signed=True) if particle == 1 else value)
    assert len(values) == (2 if particle == 1 else 1)
    return told.code, told.fields[INDEX_NAME].decode(), (name, *values)


LEAST, MOST = -(2**63), 2**63 - 1
PLANS: dict[str, tuple[int, str | None, Any]] = {
    "$.n == 5": (0, "n", ("n", 5, 5)),
    "5 < $.n and $.n <= 7": (0, "n", ("n", 6, 7)),
    "$.n >= 58": (0, "n", ("n", 58, MOST)),
    "$.n < 2 and $.f > 0.0": (0, "n", ("n", LEAST, 1)),
    "$.s == 's1'": (0, "s", ("s", b"s1")),
    "$.s == 's1' and $.n >= 0": (0, "s", ("s", b"s1")),  # fewer entries than n has
    "$.s == 's1' and $.n == 4": (0, "n", ("n", 4, 4)),
    "$.n >= 0 and $.rare == 1": (0, "rare", ("rare", 1, 1)),
    "$.n + 1 > 40": (0, "e", ("", 41, MOST)),
    "5 in $.l": (0, "l", ("l", 5, 5)),
    "5 in $.l and 6 in $.l": (0, "l", ("l", 6, 6)),
    "$.m.k.[0] == 3": (0, "mk", ("m", 3, 3)),
    "$.n == 5 or $.n == 6": (0, None, None),
    "not $.n == 5": (0, None, None),
    "$.n != 5": (0, None, None),
    "$.f == 2.5": (0, None, None),
    "$.s > 's1'": (0, None, None),
    "true": (0, None, None),
    "$.n > 5 and $.n < 6": (FILTERED_OUT, None, None),
    "$.s == 's1' and $.s == 's2'": (FILTERED_OUT, None, None),
    "$.n > 9223372036854775807": (FILTERED_OUT, None, None),
    "false and $.n == 5": (FILTERED_OUT, None, None),
    "$.n ==": (PARAMETER, None, None),
}


def test_the_plan_is_the_index_with_the_fewest_entries(wire: Wire) -> None:
    for text, expected in PLANS.items():
        assert plan(explain(wire, text)) == expected, text
    assert details(explain(wire, "$.n =="))[3][9] == 6


def test_a_plan_is_run(wire: Wire) -> None:
    for text, test in CONDITIONS.items():
        told = explain(wire, text)
        if INDEX_NAME not in told.fields:
            continue
        bare = b"\x01\x00" + told.fields[RANGE][2 + told.fields[RANGE][1] :]
        more = [field(INDEX_NAME, told.fields[INDEX_NAME]), field(RANGE, bare), where(text)]
        if told.fields[INDEX_TYPE] != b"\x00":
            more.append(field(INDEX_TYPE, told.fields[INDEX_TYPE]))
        answered: Answered = ask(wire, *more)
        assert answered.code == 0, text
        assert answered.values() == [number for number in range(COUNT) if test(number)], text
        assert all(15 in record.fields for record in answered.records), text


def test_hints_and_demands(cluster: EmbeddedCluster, wire: Wire) -> None:
    both = "$.s == 's1' and $.n == 4"
    assert plan(explain(wire, both, hint="s"))[1] == "s"
    assert plan(explain(wire, both, HARD_HINT, "s"))[1] == "s"
    assert plan(explain(wire, both, hint="rare"))[1] == "n"
    assert plan(explain(wire, both, hint="none"))[1] == "n"
    for hint in ("rare", "none"):
        told = explain(wire, both, HARD_HINT, hint)
        assert (told.code, details(told)[2]) == (NO_INDEX, f"the index {hint} can't serve the query")
    assert explain(wire, "$.n != 5", REQUIRE_INDEX).code == NO_INDEX
    assert explain(wire, "$.n == 5", REQUIRE_INDEX).code == 0
    assert explain(wire, both, hint="x" * 64).code == PARAMETER
    assert plan(explain(wire, "$.n == 5", set_name="other"))[1] is None
    assert plan(explain(wire, "$.n == 5", set_name=None))[1] is None
    assert explain(wire, "true", set_name="x" * 64).code == PARAMETER
    command = "sindex-create:namespace=test;indexname=all;bin=n;type=numeric"
    cluster.nodes[0].delay_indexes(1000)
    wire.info(command)
    assert plan(explain(wire, "$.n == 5", set_name="other"))[1] is None  # it is not built yet
    cluster.heal()
    assert plan(explain(wire, "$.n == 5", set_name="other"))[1] == "all"
    wire.info("sindex-delete:namespace=test;indexname=all")


def test_an_older_server_skips_the_words(wire: Wire) -> None:
    with EmbeddedCluster(version="8.1.2") as older, Wire(older.nodes[0].port) as old:
        for number in range(3):
            old.ask(put(number, bins(number), set_name="q"))
        for text in ("$.n == 1", "no AEL"):
            assert ask(old, where(text)).values() == [0, 1, 2]

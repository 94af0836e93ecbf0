"""Expressions: three-valued logic, types, numbers, patterns, places, paths. Asked of a real server, 8.1.2."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from server_values import WILDCARD, ordered, packed, plain
from server_wire import Wire, field, integer, message, op, put

from pyspike.server.expressions.build import LEVELS_MAX, build
from pyspike.server.expressions.posix_regex import compile_regex
from pyspike.server.expressions.vocabulary import UNKNOWN, Scope
from pyspike.server.protocol.result import RequestError, ResultCode
from pyspike.server.storage.record import Record
from pyspike.server.values.bin_values import particle_of
from pyspike.server.values.encoding import encode
from pyspike.server.values.packed import Extension, PackedList

NIL, BOOL, INT, STRING, LIST, MAP, BLOB, FLOAT, GEO, HLL = range(10)
QUOTE = 126
EXTENDED, ICASE, NEWLINE, NOSUB = 1, 2, 4, 8
BINS = {
    "i": 10,
    "f": 2.5,
    "s": "abc",
    "l": [7, 3, 9],
    "m": {"a": 1, "b": 2},
    "t": True,
    "min": -(2**63),
    "nan": math.nan,
}


class Name(bytes):
    """A bin's or variable's name: packed as it is."""


def tree(expression: Any) -> Any:
    if isinstance(expression, Name):
        return bytes(expression)
    if isinstance(expression, (list, tuple)) and not isinstance(expression, Extension):
        return PackedList(0, [tree(part) for part in expression])
    return packed(expression)


def bin_(kind: int, name: str) -> list[Any]:
    return [81, kind, Name(name.encode())]


def run(expression: Any) -> Any:
    bins = {name.encode(): particle_of(packed(value)) for name, value in BINS.items()}
    record = Record(b"set")
    return plain(build(encode(tree(expression))).run(Scope(bins, record, bytes(20), 0.0)))


def is_refused(expression: Any) -> bool:
    try:
        build(encode(tree(expression)))
    except RequestError as error:
        return error.code == ResultCode.PARAMETER
    return False


U = [1, bin_(INT, "zz"), 1]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ([16, U, False], False),
        ([16, True, U], UNKNOWN),
        ([17, U, True], True),
        ([17, U, False], UNKNOWN),
        ([18, U], UNKNOWN),
        ([19, True, True, U], False),
        ([19, True, U], UNKNOWN),
        ([123, U, 1, 2], UNKNOWN),
        ([123, True, 1, U, 3, 2], 1),
        ([123, True, 1, [0]], 1),
        ([125, Name(b"x"), 5, Name(b"y"), [20, [124, Name(b"x")], 1], [124, Name(b"y")]], 6),
        ([1, [0], [0]], UNKNOWN),
        ([1, bin_(STRING, "i"), "a"], UNKNOWN),
        ([1, bin_(LIST, "l"), [QUOTE, [7, WILDCARD]]], True),
        ([1, bin_(MAP, "m"), {"a": 1, "b": 2}], UNKNOWN),
        ([1, ordered({"a": 1}), ordered({"a": 1})], True),
        ([9, 3, bin_(LIST, "l")], True),
        ([9, "x", bin_(LIST, "l")], False),
        ([9, 1, bin_(LIST, "zz")], UNKNOWN),
        ([101, bin_(MAP, "m")], ["a", "b"]),
        ([82, Name(b"l")], 20),
        ([82, Name(b"zz")], 0),
        ([71], False),
        ([69], -1),
    ],
)
def test_what_is_not_known_stays_unknown_unless_it_does_not_matter(expression: Any, result: Any) -> None:
    assert run(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ([23, bin_(INT, "i"), -3], -3),
        ([23, -7, 2], -3),
        ([23, 1, 0], UNKNOWN),
        ([23, 1.0, 0.0], math.inf),
        ([23, 4], 0),
        ([21, bin_(INT, "min")], -(2**63)),
        ([22, 2**62, 4], 0),
        ([26, -7, 3], -1),
        ([24, 0.0, -1.0], math.inf),
        ([25, 2.5, 2.0], 1.3219280948873624),
        ([25, 0.0, 2.0], -math.inf),
        ([28, -2.5], -3.0),
        ([30, -2.9], -2),
        ([30, bin_(FLOAT, "nan")], -(2**63)),
        ([36, 1, 64], 1),
        ([37, -1, 60], 15),
        ([38, -16, 2], -4),
        ([39, -1], 64),
        ([40, 1, True], 63),
        ([40, -1, False], -1),
        ([41, 4, True], 61),
        ([51, 1.0, bin_(FLOAT, "nan")], 1.0),
        ([50, 3, 1, 2], 1),
    ],
)
def test_numbers_are_those_of_the_server(expression: Any, result: Any) -> None:
    assert run(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        [16, True],
        [18, True, True],
        [16, True, 1],
        [123, True, 1],
        [123, True, 1, "a"],
        [1, 1, 1.5],
        [1, 1, [0]],
        [1, bin_(GEO, "g"), bin_(GEO, "g")],
        [20, 1, 1.5],
        [20],
        [24, 1, 2],
        [124, Name(b"x")],
        [125, Name(b"1x"), 5, 1],
        [125, Name(b"x"), 1, [125, Name(b"x"), 2, 3]],
        [64, 0],
        [80, FLOAT],
        [81, 10, Name(b"i")],
        [200, 1],
        [1, [7, 3], [7, 3]],
        [QUOTE, 5],
        [5, 1, WILDCARD],
        Name(b"raw"),
        [127, INT, 0, [16], 5],
        [127, INT, 3, [16], bin_(LIST, "l")],
        [127, LIST, 0, [23, 7, [1, 3]], bin_(LIST, "l")],
        [122, STRING, 2],
        [7, 1, Name(b"("), "x"],
    ],
)
def test_what_makes_no_sense_is_refused(expression: Any) -> None:
    assert is_refused(expression)


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ([127, INT, 0, [16], bin_(LIST, "l")], 3),
        ([127, STRING, 0, [16], bin_(LIST, "l")], UNKNOWN),
        ([127, INT, 0, [17, [20, 0, 1]], bin_(LIST, "l")], 3),
        ([127, INT, 0, [17, 9], bin_(LIST, "l")], UNKNOWN),
        ([127, INT, 0, [17], bin_(LIST, "l")], UNKNOWN),
        ([127, LIST, 0, [1, 5], bin_(LIST, "l")], UNKNOWN),
        ([127, LIST, 0x40, [1, 5], bin_(LIST, "l")], [7, 3, 9, 5]),
        ([127, INT, 0, [16], [127, LIST, 0x40, [1, 5], bin_(LIST, "l")]], 4),
        ([127, LIST, 0, [23, 7, [QUOTE, [3, 9]]], bin_(LIST, "l")], [3, 9]),
        ([127, NIL, 0, [97, 7, "zz"], bin_(MAP, "m")], None),
        ([127, MAP, 0x40, [255, [0x62, "q"], [1, 5]], bin_(MAP, "m")], [("a", 1), ("b", 2), ("q", [5])]),
        ([127, INT, 1, [51, 0, 8], b"\x0f"], 4),
        ([127, LIST, 0, [254, [4, [3, [122, INT, 1], 5]], 1], bin_(LIST, "l")], [7, 9]),
        ([127, LIST, 0x40, [254, [4, True], 4, [20, [122, INT, 1], 1]], bin_(LIST, "l")], [8, 4, 10]),
        ([127, LIST, 0x40, [254, [4, [1, [122, INT, 2], 0]], 4, [100]], bin_(LIST, "l")], [3, 9]),
        ([127, LIST, 0, [254, [4, [1, [122, INT, 1], bin_(INT, "i")]], 0x11], bin_(LIST, "l")], []),
    ],
)
def test_operations_can_be_called(call: Any, result: Any) -> None:
    assert run(call) == result


def test_calls_change_nothing_but_their_copy() -> None:
    appended = [127, LIST, 0x40, [1, 5], [QUOTE, [1]]]
    let = [125, Name(b"x"), bin_(LIST, "l"), [127, INT, 0, [16], [124, Name(b"x")]]]
    assert run(appended) == run(appended) == [1, 5]
    assert run(let) == 3


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "matches"),
    [
        ("^a", 0, "abc", True),
        ("ABC", ICASE, "abc", True),
        ("ab+c", 0, "ab+c", True),
        (r"ab\+c", 0, "abbc", True),
        ("ab{2}c", EXTENDED, "abbc", True),
        (r"ab\{2\}c", 0, "abbc", True),
        ("x|abc", 0, "abc", False),
        (r"x\|abc", 0, "abc", True),
        ("*a", 0, "*a", True),
        ("^*a", 0, "*a", True),
        ("a^b", 0, "a^b", True),
        ("a$b", 0, "a$b", True),
        ("(", 0, "abc", False),
        (")", EXTENDED, ")", True),
        ("^[[:alpha:]]+$", EXTENDED, "abc", True),
        ("a.b", EXTENDED, "a\nb", True),
        ("a.b", EXTENDED | NEWLINE, "a\nb", False),
        ("a[^x]b", EXTENDED | NEWLINE, "a\nb", False),
        ("^b", EXTENDED, "a\nb", False),
        ("^b", EXTENDED | NEWLINE, "a\nb", True),
        ("a$", EXTENDED, "a\n", False),
        (r"\d", EXTENDED, "5", False),
        (r"\w", EXTENDED, "a", True),
        (r"\<abc\>", EXTENDED, "x abc y", True),
        (r"(a)\1", EXTENDED | NOSUB, "aa", True),
        (r"[\.]", EXTENDED, "\\", True),
        ("[]a]", EXTENDED, "]", True),
        ("a**", EXTENDED, "a", True),
        ("^a{,2}$", EXTENDED, "aa", True),
        ("()", EXTENDED, "ab", True),
        ("a||b", EXTENDED, "x", True),
        ("^.$", EXTENDED, "é", False),
        (r"a\nb", EXTENDED, "anb", True),
    ],
)
def test_patterns_are_those_of_posix(pattern: str, flags: int, text: str, matches: bool) -> None:
    assert bool(compile_regex(pattern.encode(), flags).search(text.encode())) == matches


@pytest.mark.parametrize(
    "pattern",
    ["(", "*a", "+a", "a{", "a{1", "[z-a]", "[a", "a\\", "[[:foo:]]", "(?i)A", "a{2,1}"],
)
def test_bad_patterns_are_refused(pattern: str) -> None:
    assert is_refused([7, EXTENDED, Name(pattern.encode()), "x"])


SQUARE = '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}'
HOLE = SQUARE.replace("]]]}", "]],[[0.4,0.4],[0.6,0.4],[0.6,0.6],[0.4,0.6],[0.4,0.4]]]}")
CIRCLE = '{"type":"AeroCircle","coordinates":[[0.5,0.5],1000]}'


def place(longitude: float, latitude: float) -> bytes:
    return f'\x17{{"type":"Point","coordinates":[{longitude},{latitude}]}}'.encode()


@pytest.mark.parametrize(
    ("region", "point", "inside"),
    [
        (SQUARE, (0.5, 0.5), True),
        (SQUARE, (1.5, 0.5), False),
        (SQUARE, (0.0, 0.0), True),
        (SQUARE, (0.5, 1.00001), True),
        (SQUARE, (0.5, 1.0001), False),
        (HOLE, (0.5, 0.5), False),
        (HOLE, (0.2, 0.2), True),
        (CIRCLE, (0.5, 0.508993), True),
        (CIRCLE, (0.5, 0.508994), False),
    ],
)
def test_regions_contain_points(region: str, point: tuple[float, float], inside: bool) -> None:
    both = Name(b"\x17" + region.encode()), Name(place(*point))
    assert run([8, *both]) is inside
    assert run([8, *reversed(both)]) is inside


# What stands where ------------------------------------------------------------------------------------------

EXP_READ, EXP_MODIFY, FILTER = 7, 8, 43
EVAL_NO_FAIL = 16
REMOVAL = [100]


def answer(wire: Wire, code: int, expression: Any, flags: int = 0) -> int:
    """The result code of an operation with this expression, on a record with a bin."""
    wire.ask(put("k", {"n": integer(1)}))
    data = encode(PackedList(0, [tree(expression), flags]))
    flag = {"info1": 1} if code == EXP_READ else {"info2": 1}
    return wire.ask(message("k", op(code, "r", 4, data), **flag)).code


@pytest.mark.parametrize("code", [EXP_READ, EXP_MODIFY])
@pytest.mark.parametrize(
    "expression", [REMOVAL, [123, True, REMOVAL, [0]], [125, Name(b"x"), 1, REMOVAL]], ids=repr
)
def test_a_removal_outside_of_a_path_gives_nothing(wire: Wire, code: int, expression: Any) -> None:
    """Asked of a real server: 26, as for all that is unknown, though the notes have 4."""
    assert answer(wire, code, expression) == ResultCode.OP_NOT_APPLICABLE
    assert answer(wire, code, expression, EVAL_NO_FAIL) == ResultCode.OK


def test_a_removal_is_no_value() -> None:
    assert is_refused([123, True, 1, REMOVAL])
    assert is_refused([20, REMOVAL])


def test_a_filter_is_a_bool(wire: Wire) -> None:
    wire.ask(put("k", {"n": integer(1)}))
    for expression, code in (
        (bin_(INT, "n"), ResultCode.PARAMETER),
        (REMOVAL, ResultCode.PARAMETER),
        ([0], ResultCode.FILTERED_OUT),
        ([1, [0], True], ResultCode.FILTERED_OUT),
        (True, ResultCode.OK),
    ):
        request = message("k", info1=3, more=(field(FILTER, encode(tree(expression))),))
        assert wire.ask(request).code == code, expression


def test_an_explicit_unknown_is_a_bool_but_for_a_cond() -> None:
    assert run([1, [0], True]) is UNKNOWN
    assert run([123, True, [0], 1.5]) is UNKNOWN
    assert run([123, False, [0], 1.5]) == 1.5
    assert is_refused([1, [0], 1])
    assert is_refused([20, [0], 1])
    assert is_refused([20, [123, True, [0], [0]], 1])


def call_of(*parts: Any) -> PackedList:
    return PackedList(0, [tree(part) for part in parts])


# What is put around an int, and how many levels that adds.
NESTING: dict[str, tuple[Callable[[Any], Any], int]] = {
    "sum": (lambda inner: call_of(20, inner, 1), 1),
    "cond": (lambda inner: call_of(123, True, inner, 1), 1),
    "comparison": (lambda inner: call_of(123, call_of(1, inner, 1), 1, 2), 2),
    "argument": (lambda inner: call_of(127, INT, 0, call_of(19, 7, inner), bin_(LIST, "l")), 1),
    "argument by context": (
        lambda inner: call_of(127, INT, 0, call_of(255, [16, 0], call_of(19, 7, inner)), [QUOTE, [[1, 2]]]),
        1,
    ),
    "source": (
        lambda inner: call_of(127, INT, 0, [16], call_of(127, LIST, 64, call_of(1, inner), [QUOTE, []])),
        2,
    ),
}


@pytest.mark.parametrize(("around", "each"), NESTING.values(), ids=list(NESTING))
def test_expressions_are_nested_as_deep_as_the_limit_says(around: Callable[[Any], Any], each: int) -> None:
    expression: Any = tree(bin_(INT, "i"))
    for _ in range((LEVELS_MAX - 1) // each):
        expression = around(expression)
    run(expression)
    for more in (each, 2000):
        for _ in range(more):
            expression = around(expression)
        with pytest.raises(RequestError, match=f"nested deeper than {LEVELS_MAX} levels"):
            build(encode(expression))

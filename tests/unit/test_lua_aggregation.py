"""The client's part of an aggregation, beside what the official client judges (tests/server/udf)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyspike.lua.aggregation import reduce_results
from pyspike.lua.interpreter import LuaError

pytest.importorskip("lupa")

SOURCE = """
local function add(a, b) return a + b end
function sum(s, factor) return s : reduce(add) : map(function(total) return total * factor end) end
function plain(s) return s : map(function(rec) return rec.a end) end
function told(s) return s : reduce(add) : map(function(n) info("made %d", n) return n end) end
"""


def test_results_are_reduced_to_one_and_what_follows_is_done() -> None:
    assert list(reduce_results("m.lua", SOURCE, "sum", [10], [1, 2, 3])) == [60]
    assert list(reduce_results("m", SOURCE.encode(), "sum", (0.5,), iter([3]))) == [1.5]
    assert list(reduce_results("m", SOURCE, "sum", [10], [])) == []


def test_results_pass_one_after_the_other_if_nothing_is_reduced() -> None:
    asked: list[int] = []

    def results() -> Iterator[object]:
        for value in (1, "a", {"x": [b"y", None]}):
            asked.append(len(asked))
            yield value

    given = reduce_results("m", SOURCE, "plain", [], results())
    assert not asked
    assert next(given) == 1
    assert len(asked) == 1
    assert list(given) == ["a", {"x": [b"y", None]}]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ConnectionError("gone")])
def test_what_the_results_raise_is_raised(error: BaseException) -> None:
    def results() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(type(error)) as caught:
        list(reduce_results("m", SOURCE, "sum", [1], results()))
    assert caught.value is error


@pytest.mark.parametrize(
    ("source", "function", "results", "words"),
    [
        (SOURCE, "none", [], "module m has no function none"),
        ("function x( end", "x", [], "error loading module 'm'"),
        ("error('no')", "x", [], "no"),
        (SOURCE, "sum", ["a", 1], "udf/m.lua:2: attempt to add a 'string' with a 'number'"),
        ("function f(s) return 5 end", "f", [], "attempt to index a number value"),
    ],
)
def test_what_fails_says_where(source: str, function: str, results: list[Any], words: str) -> None:
    with pytest.raises(LuaError, match=words):
        list(reduce_results("m", source, function, [1], results))


def test_a_module_requires_others_and_tells_the_log() -> None:
    noted: list[tuple[int, str]] = []
    source = "local other = require('other')\n" + SOURCE.replace("return a + b", "return other.add(a, b)")
    others = {"other": "local m = {} function m.add(a, b) return a + b + 100 end return m"}
    given = reduce_results(
        "m", source, "told", [], [1, 2], required=others.get, log=lambda *note: noted.append(note)
    )
    assert list(given) == [103]
    ((level, words),) = noted
    assert (level, words) == (2, "made 103")
    with pytest.raises(LuaError, match="module 'other' not found"):
        reduce_results("m", source, "sum", [1], [1, 2])

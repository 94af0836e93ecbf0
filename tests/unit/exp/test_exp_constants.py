"""A str is a bin's name where that is said, and a text elsewhere; a text where a bin was meant is refused."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from pyspike import exp
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.operations import context
from pyspike.values import GeoJSON

I, S, B = exp.int_bin("i"), exp.string_bin("s"), exp.bool_bin("b")  # noqa: E741
AREA = GeoJSON({"type": "AeroCircle", "coordinates": [[0, 0], 1000]})


# One condition ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("combine", [exp.and_, exp.or_, exp.xor, exp.exclusive])
def test_one_condition_alone_stands_for_itself(combine: Callable[..., exp.Expression]) -> None:
    assert combine(I == 1).same_as(I == 1)
    assert combine(*[I == 1]).as_filter() == (I == 1).as_filter()
    assert combine(combine(B)).same_as(B)
    assert combine(exp.var("x")).same_as(exp.var("x"))
    assert not combine(B, I == 1).same_as(B)
    for wrong in (I, "b", 1):
        with pytest.raises(InvalidType, match="it must be a bool"):
            combine(wrong)
    with pytest.raises(InvalidArgument, match="takes one or more arguments"):
        combine()


@pytest.mark.parametrize("combine", [exp.int_and, exp.int_or, exp.int_xor])
def test_one_int_alone_stands_for_itself(combine: Callable[..., exp.Expression]) -> None:
    assert combine(I).same_as(I)
    with pytest.raises(InvalidType, match="it must be an int"):
        combine(B)
    with pytest.raises(InvalidArgument, match="takes one or more arguments"):
        combine()


# Constants where a bin was meant ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "bin_"),
    [
        (lambda: exp.eq("s", "Hello"), "exp.string_bin('s')"),
        (lambda: exp.ne("age", 21), "exp.int_bin('age')"),
        (lambda: exp.ge(21, "age"), "exp.int_bin('age')"),
        (lambda: exp.gt("f", 1.5), "exp.float_bin('f')"),
        (lambda: exp.lt("f", 1.5), "exp.float_bin('f')"),
        (lambda: exp.le("ok", True), "exp.bool_bin('ok')"),
        (lambda: exp.eq("l", [1]), "exp.list_bin('l')"),
        (lambda: exp.eq("m", {"a": 1}), "exp.map_bin('m')"),
        (lambda: exp.eq("y", b"x"), "exp.blob_bin('y')"),
        (lambda: exp.in_list("country", ["UK", "FR"]), "exp.string_bin('country')"),
        (lambda: exp.in_list("age", (1, 2)), "exp.int_bin('age')"),
        (lambda: exp.regex_compare("^A", "name"), "exp.string_bin('name')"),
        (lambda: exp.geo_compare("place", AREA), "exp.geo_bin('place')"),
        (lambda: exp.strings.to_string("s"), "exp.string_bin('s')"),
    ],
)
def test_a_constant_where_a_bin_was_meant_is_refused_with_the_words_for_a_bin(
    make: Callable[[], object], bin_: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert "there is no bin, only constants: " in caught.value.message
    assert caught.value.advice.startswith(
        f"for the bin of that name write {bin_}; for the constant write exp.val('"
    )


@pytest.mark.parametrize(
    ("make", "bin_"),
    [
        (lambda: exp.num_add("a", 1), "exp.int_bin('a')"),
        (lambda: exp.max("a", I), "exp.int_bin('a')"),
        (lambda: exp.num_pow("a", 2.0), "exp.float_bin('a')"),
        (lambda: exp.not_("ok"), "exp.bool_bin('ok')"),
        (lambda: exp.and_("ok", B), "exp.bool_bin('ok')"),
        (lambda: exp.or_("ok"), "exp.bool_bin('ok')"),
        (lambda: exp.cond("ok", 1, 2), "exp.bool_bin('ok')"),
        (lambda: exp.int_count("a"), "exp.int_bin('a')"),
        (lambda: exp.geo_compare(exp.geo_bin("g"), "place"), "exp.geo_bin('place')"),
        (lambda: I == "b", "exp.int_bin('b')"),
        (lambda: exp.eq("b", I), "exp.int_bin('b')"),
        (lambda: I + "b", "exp.int_bin('b')"),
        (lambda: I + I + "b", "exp.int_bin('b')"),
        (lambda: exp.lists.get_by_index("l", "i", int), "exp.int_bin('i')"),
        (lambda: exp.strings.substr("s", "i"), "exp.int_bin('i')"),
    ],
)
def test_a_text_where_it_does_not_fit_is_refused_with_the_words_for_a_bin(
    make: Callable[[], object], bin_: str
) -> None:
    with pytest.raises(InvalidType) as caught:
        make()
    assert caught.value.advice == f"for the bin of that name write {bin_}"


def test_the_words_for_a_bin_are_bounded() -> None:
    with pytest.raises(InvalidArgument) as caught:
        exp.eq("x" * 1_000_000, "y")
    assert len(str(caught.value)) < 1000


def test_constants_that_are_meant_are_taken_and_shown_so_that_they_are() -> None:
    for made in (
        exp.eq("a", exp.val("b")),
        exp.in_list(exp.val("a"), ["a"]),
        exp.regex_compare("a", exp.val("abc")),
        exp.strings.to_string(exp.val("a")),
        exp.geo_compare(AREA, AREA),
        exp.eq("a", S),
    ):
        assert eval(repr(made), {"exp": exp, "GeoJSON": GeoJSON}).same_as(made)
    assert exp.eq(1, 1).to_bytes()
    assert exp.eq(exp.val("a"), "a").to_bytes()
    assert exp.in_list(exp.val("a"), ["a"]).to_bytes()
    assert exp.in_list(1, [1, 2]).to_bytes()
    assert exp.regex_compare("a", exp.string_val("abc")).to_bytes()
    assert exp.strings.to_string(exp.val("a")).to_bytes()
    assert exp.strings.to_string(5).to_bytes()


# A bin's name -----------------------------------------------------------------------------------------------


SOURCES: list[tuple[str, str, Callable[[Any], exp.Expression]]] = [
    ("lists", "list", lambda source: exp.lists.size(source)),
    ("lists", "list", lambda source: exp.lists.append(source, "v")),
    ("lists", "list", lambda source: exp.lists.get_by_value(source, "v")),
    ("lists", "list", lambda source: exp.lists.join(source)),
    ("maps", "map", lambda source: exp.maps.size(source)),
    ("maps", "map", lambda source: exp.maps.put(source, "k", "v")),
    ("maps", "map", lambda source: exp.maps.get_by_key(source, "k", str)),
    ("bitwise", "blob", lambda source: exp.bitwise.count(source, 0, 1)),
    ("bitwise", "blob", lambda source: exp.bitwise.set_int(source, 0, 8, 1)),
    ("hll", "HyperLogLog", lambda source: exp.hll.get_count(source)),
    ("hll", "HyperLogLog", lambda source: exp.hll.add(source, ["v"])),
    ("strings", "string", lambda source: exp.strings.upper(source)),
    ("strings", "string", lambda source: exp.strings.contains(source, "v")),
    ("strings", "string", lambda source: exp.strings.concat(source, ["v"])),
]


@pytest.mark.parametrize(("module", "kind", "make"), SOURCES)
def test_a_str_as_source_names_a_bin_and_each_module_says_so_in_the_same_words(
    module: str, kind: str, make: Callable[[Any], exp.Expression]
) -> None:
    of_kind = {"HyperLogLog": exp.hll_bin}.get(kind) or getattr(exp, f"{kind}_bin")
    assert make("b").same_as(make(of_kind("b")))
    doc = importlib.import_module(f"pyspike.exp.{module}").__doc__ or ""
    assert f"- `source`: a {kind}; a str names a {kind} bin." in doc


def test_a_str_names_a_bin_in_other_modules_in_the_same_words() -> None:
    assert exp.map_keys("m").same_as(exp.map_keys(exp.map_bin("m")))
    assert exp.map_values("m").same_as(exp.map_values(exp.map_bin("m")))
    assert exp.in_list(1, "l").same_as(exp.in_list(1, exp.list_bin("l")))
    way = [context.map_key("a")]
    assert exp.paths.select("m", way).same_as(exp.paths.select(exp.map_bin("m"), way))
    way = [context.list_index(0)]
    assert exp.paths.select("l", way).same_as(exp.paths.select(exp.list_bin("l"), way))
    logic, paths = (
        importlib.import_module(f"pyspike.exp.{name}").__doc__ or "" for name in ("logic", "paths")
    )
    for words in ("- `source`: a map; a str names a map bin", "- `values`: a list; a str names a list bin"):
        assert words in logic
    assert "- `source`: a list or map; a str names a list bin or map bin" in paths
    assert "a str names a bin" in (exp.__doc__ or "")


# As bytes ---------------------------------------------------------------------------------------------------


def test_bytes_of_an_expression_are_the_servers_form_of_it() -> None:
    made = (I >= 21) & B
    assert bytes(made) == made.to_bytes()
    with pytest.raises(InvalidArgument, match="defines 'x'"):
        bytes(exp.var("x") == 1)


def test_the_docs_say_what_a_division_of_ints_gives() -> None:
    for doc in (exp.__doc__, exp.Expression.__doc__, exp.num_div.__doc__):
        assert "rounded towards zero" in (doc or "")

"""Mistakes that can be seen without a server are errors where they are made, and say where that is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pyspike import exp
from pyspike.cdt.enums import ListReturnType, MapReturnType, PathSelect, StringWriteFlags
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.exp import ExpType
from pyspike.operations import context
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict

A = exp.bool_bin("a")
I, F, S = exp.int_bin("i"), exp.float_bin("f"), exp.str_bin("s")  # noqa: E741
L, M, Y = exp.list_bin("l"), exp.map_bin("m"), exp.blob_bin("y")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: I == "x", r"exp.eq: argument 2, exp.val\('x'\), is a string, but argument 1, exp.int_bin"),
        (lambda: I == 1.0, "is a float, but argument 1"),
        (lambda: I == True, "is a bool, but argument 1"),  # noqa: E712
        (lambda: F > 2, "is an int, but argument 1"),
        (lambda: exp.geo_bin("g") == exp.geo_bin("g"), "the server does not compare a geo value"),
        (lambda: exp.hll_bin("g") == exp.hll_bin("g"), "the server does not compare a HyperLogLog"),
        (lambda: exp.and_(I, True), r"exp.and_: argument 1, exp.int_bin\('i'\), is an int; it must"),
        (lambda: exp.and_(), "exp.and_ takes one or more arguments"),
        (lambda: exp.and_(I), r"exp.and_: argument 1, exp.int_bin\('i'\), is an int; it must be a bool"),
        (lambda: exp.int_or(A), r"exp.int_or: argument 1, exp.bool_bin\('a'\), is a bool; it must be an int"),
        (lambda: exp.num_add(), "exp.num_add takes at least 1 arguments, not 0"),
        (lambda: exp.num_add(I, 1, F), "argument 3"),
        (lambda: S + "x", "is a string; it must be an int or a float"),
        (lambda: exp.num_pow(I, 2), "it must be a float"),
        (lambda: I // 2, "// of ints"),
        (lambda: F % 2.0, "exp.num_mod: argument 1"),
        (lambda: F << 1, "exp.int_lshift: argument 1"),
        (lambda: exp.to_int(I), "exp.to_int: argument 1"),
        (lambda: exp.not_(1), "exp.not_: argument 1, exp.val\\(1\\), is an int; it must be a bool"),
        (lambda: I & True, "exp.int_and: argument 2"),
        (lambda: exp.var("x") & exp.var("y"), "& on what may be bools or ints"),
        (lambda: ~exp.var("x"), "~ on what may be bools or ints"),
        (lambda: exp.cond(I, 1, 2), "exp.cond: argument 1, exp.int_bin"),
        (lambda: exp.cond(I == 1, 1), "a last value, not 2 arguments"),
        (lambda: exp.cond(I == 1, 1, "x"), "argument 3, exp.val\\('x'\\), is a string, but argument 2"),
        (lambda: exp.regex_compare("a", I), "exp.regex_compare: argument 2"),
        (lambda: exp.regex_compare(b"a", S), "the pattern must be a str"),
        (lambda: exp.regex_compare("a", S, flags=16), "has bits that no RegexFlags has"),
        (lambda: exp.geo_compare(S, exp.geo_bin("g")), "exp.geo_compare: argument 1"),
        (lambda: exp.in_list(1, M), "exp.in_list: argument 2"),
        (lambda: exp.map_keys(L), "exp.map_keys: argument 1"),
        (lambda: exp.int_bin(""), "the bin's name '' takes 0 bytes"),
        (lambda: exp.int_bin("b" * 16), "takes 16 bytes, the server allows 1 to 15"),
        (lambda: exp.int_bin(1), "the bin's name must be a str"),
        (lambda: exp.key(float), "a key can be an int, a string or a blob, not FLOAT"),
        (lambda: exp.key("int"), "kind must be an ExpType"),
        (lambda: exp.digest_modulo(0), "modulo must be above 0"),
        (lambda: exp.val(Decimal(1)), "Decimal is not an Aerospike type"),
        (lambda: exp.val([{1}]), "set is not an Aerospike type"),
        (lambda: exp.val({1.5: 1}), "map key"),
        (lambda: exp.val(2**63), "does not fit into a signed 64-bit integer"),
        (lambda: exp.val([I]), "Expression is not an Aerospike type"),
        (lambda: exp.int_val(True), "exp.int_val takes int"),
        (lambda: exp.string_val(b"x"), "exp.string_val takes str"),
        (lambda: exp.map_val([1]), "exp.map_val takes dict"),
        (lambda: exp.lists.size(M), "exp.lists.size: argument 1, exp.map_bin\\('m'\\), is a map"),
        (lambda: exp.lists.size(L, ctx=[context.map_key("a")]), "is a list; it must be a map"),
        (lambda: exp.lists.size(M, ctx=[context.list_index(0)]), "is a map; it must be a list"),
        (lambda: exp.lists.size(L, ctx=[context.all_children()]), "may select several elements"),
        (lambda: exp.lists.get_by_index(L, 0), "the server must be told the type of the value"),
        (lambda: exp.lists.get_by_index(L, "0", int), "exp.lists.get_by_index: argument 2"),
        (
            lambda: exp.lists.get_by_index(L, 0, str, return_type=ListReturnType.RANK),
            "RANK gives INT, not STRING",
        ),
        (lambda: exp.lists.get_by_value(L, 1, return_type=ListReturnType.NONE), "NONE gives nothing"),
        (lambda: exp.lists.get_by_value(L, 1, return_type=MapReturnType.KEY), "must be a ListReturnType"),
        (lambda: exp.lists.append_items(L, 1), "exp.lists.append_items: argument 2"),
        (lambda: exp.lists.increment(L, 0, "x"), "exp.lists.increment: argument 3"),
        (lambda: exp.maps.put(M, 1.5, 1), "exp.maps.put: argument 2"),
        (lambda: exp.maps.get_by_key(M, "k"), "the server must be told the type of the value"),
        (lambda: exp.maps.get_by_key_range(M, 1.5), "exp.maps.get_by_key_range: argument 2"),
        (lambda: exp.maps.get_by_key_list(M, [], inverted=True), "an empty list, inverted, ends the process"),
        (
            lambda: exp.maps.get_by_value_list(M, [], inverted=True, return_type=MapReturnType.KEY_VALUE),
            "an empty list, inverted, ends the process",
        ),
        (lambda: exp.maps.remove_by_key(M, None), "exp.maps.remove_by_key: argument 2"),
        (lambda: exp.bitwise.get(S, 0, 8), "exp.bitwise.get: argument 1"),
        (lambda: exp.bitwise.get_int(Y, 0, 65), "bit_size must be from 1 to 64"),
        (lambda: exp.bitwise.set(Y, 0, 8, "x"), "exp.bitwise.set: argument 4"),
        (lambda: exp.bitwise.lscan(Y, 0, 8, 1), "exp.bitwise.lscan: argument 4"),
        (lambda: exp.bitwise.b64_encode(Y, invert_size=True), "has no effect without byte_size"),
        (lambda: exp.hll.get_count(Y), "exp.hll.get_count: argument 1"),
        (lambda: exp.hll.add("h", []), "values is empty"),
        (lambda: exp.hll.init("h", 3), "from 4 to 16"),
        (lambda: exp.strings.upper(Y), "exp.strings.upper: argument 1"),
        (lambda: exp.strings.contains(S, 1), "exp.strings.contains: argument 2"),
        (lambda: exp.strings.snip(S, 1, write_flags=StringWriteFlags.NO_FAIL), "only together with end"),
        (lambda: exp.strings.upper(S, write_flags=StringWriteFlags.CREATE_ONLY), "is for what can create"),
        (lambda: exp.paths.select("d", [context.all_children()]), "may name a list or a map"),
        (lambda: exp.paths.select(L, []), "at least one context"),
        (lambda: exp.paths.select(L, [context.map_keys_in(["a"])]), "is a list; it must be a map"),
        (lambda: exp.paths.select(S, [context.all_children()]), "it must be a list or a map"),
        (lambda: exp.loop_value("int"), "kind must be an ExpType"),
    ],
)  # fmt: skip
def test_mistakes_are_found_where_they_are_made(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_numbers_of_two_types_come_with_advice() -> None:
    with pytest.raises(InvalidType) as caught:
        _ = F > 2
    assert "write 2.0 for 2" in caught.value.advice


@pytest.mark.parametrize(
    ("value", "kind", "data"),
    [
        (None, ExpType.NIL, "c0"),
        (True, ExpType.BOOL, "c3"),
        (-1, ExpType.INT, "ff"),
        (1.5, ExpType.FLOAT, "cb3ff8000000000000"),
        ("a", ExpType.STRING, "a20361"),
        (b"a", ExpType.BLOB, "a20461"),
        (bytearray(b"a"), ExpType.BLOB, "a20461"),
        ([1, "a"], ExpType.LIST, "927e9201a20361"),
        ((1,), ExpType.LIST, "927e9101"),
        ({"a": 1}, ExpType.MAP, "81a2036101"),
        (KeyOrderedDict(a=1), ExpType.MAP, "82c70001c0a2036101"),
        (GeoJSON("{}"), ExpType.GEO, "a3177b7d"),
        (HyperLogLog(b"x"), ExpType.HLL, "a21278"),
    ],
)
def test_python_values_are_literals(value: Any, kind: ExpType, data: str) -> None:
    made = exp.val(value)
    assert made.type is kind
    assert made.to_bytes().hex() == data


def test_the_long_names_of_literals() -> None:
    assert exp.int_val(1).same_as(exp.val(1))
    assert exp.float_val(1).same_as(exp.val(1.0))
    assert exp.bool_val(True).same_as(exp.val(True))
    assert exp.string_val("a").same_as(exp.val("a"))
    assert exp.blob_val(b"a").same_as(exp.val(b"a"))
    assert exp.list_val([1]).same_as(exp.val([1]))
    assert exp.map_val({"a": 1}).same_as(exp.val({"a": 1}))
    assert exp.geo_val({"a": 1}).same_as(exp.val(GeoJSON({"a": 1})))
    assert exp.hll_val(b"x").type is ExpType.HLL
    assert exp.nil().to_bytes() == b"\xc0"
    assert exp.infinity().to_bytes() == b"\xd4\xff\x01"
    assert exp.wildcard().to_bytes() == b"\xd4\xff\x00"


# Variables --------------------------------------------------------------------------------------------------


def test_variables_may_be_written_in_several_ways() -> None:
    body = exp.var("x") + exp.var("y")
    by_dict = exp.let({"x": I, "y": 2}, body)
    assert by_dict.same_as(exp.let(exp.define("x", I), exp.define("y", 2), body))
    assert by_dict.same_as(exp.let({"x": I}, exp.define("y", 2), body))
    assert by_dict.type is ExpType.INT


def test_a_mistake_is_told_with_its_place() -> None:
    made = exp.or_(exp.not_(exp.var("x") == 1), exp.cond(A, True, exp.var("x") > 2))
    with pytest.raises(
        InvalidType,
        match=r"exp\.eq: argument 2, 1, is an int, but argument 1, exp\.var\('x'\), is a string; "
        r"in argument 1 of exp\.not_; in argument 1 of exp\.or_; in the body of exp\.let",
    ):
        exp.let({"x": S}, made)
    with pytest.raises(InvalidType, match=r"in argument 3 of exp\.cond; in 'y' of exp\.let"):
        exp.let({"x": I, "y": exp.cond(A, 1.5, exp.var("x") + 1.5)}, exp.var("y"))
    with pytest.raises(InvalidType, match=r"in argument 1 of exp\.lists\.size; in the body of exp\.let"):
        exp.let({"x": I}, exp.lists.size(exp.lists.append(exp.var("x"), 1)))
    with pytest.raises(InvalidType, match=r"in an argument of exp\.lists\.get_by_index; in argument 2 of"):
        exp.let({"x": S}, 1 + exp.lists.get_by_index(L, exp.var("x") + 1, int))


def test_a_variable_has_the_type_of_its_value() -> None:
    with pytest.raises(
        InvalidType, match=r"exp.num_add: argument 2, 1.5, is a float, but argument 1, exp.var\('x'\)"
    ):
        exp.let({"x": I}, exp.var("x") + 1.5)
    with pytest.raises(InvalidType, match=r"exp.lists.size: argument 1, exp.var\('x'\), is an int"):
        exp.let({"x": I}, exp.lists.size(exp.var("x")))
    with pytest.raises(InvalidType, match=r"exp\.eq"):
        exp.let({"x": I, "y": exp.var("x") * 2}, exp.cond(exp.var("y") == "a", 1, 2))
    assert exp.let({"x": L}, exp.lists.size(exp.var("x"))).type is ExpType.INT


@pytest.mark.parametrize(
    "make",
    [
        lambda: exp.let({"x": I}, exp.let({"x": S}, exp.var("x") == "a")),
        lambda: exp.let(exp.define("x", 1), exp.define("x", 2), exp.var("x")),
        lambda: exp.let({"x": 1, "y": exp.let({"x": 2}, exp.var("x"))}, exp.var("y")),
        lambda: exp.let({"x": exp.let({"x": 2}, exp.var("x"))}, exp.var("x")),
        lambda: exp.let({"x": 1}, exp.lists.get_by_index(L, exp.let({"x": 2}, exp.var("x")), int)),
        lambda: exp.let({"x": 1}, exp.cond(exp.let({"y": 1, "x": 2}, exp.var("x")) == 1, 1, 2)),
    ],
)
def test_a_variable_is_defined_once(make: Callable[[], Any]) -> None:
    """No inner one hides an outer one; the server answers 4."""
    with pytest.raises(InvalidArgument, match=r"exp\.let: 'x' is defined again"):
        make()


def test_a_name_may_be_used_again_where_it_is_not_defined() -> None:
    one = exp.let({"x": 1}, exp.var("x") + 1)
    assert (one + exp.let({"x": 2}, exp.var("x"))).type is ExpType.INT
    assert exp.let({"y": one, "x": 2}, exp.var("x") + exp.var("y")).type is ExpType.INT
    assert exp.let({"y": one}, exp.var("y") + one).type is ExpType.INT


def test_a_variable_that_is_not_defined_can_not_be_sent() -> None:
    made = exp.let({"x": exp.var("y")}, exp.var("x") + exp.var("z"))
    with pytest.raises(InvalidArgument, match=r"no exp\.let around defines 'y', 'z' in"):
        made.to_bytes()
    assert exp.let({"y": 1, "z": 2}, made).to_bytes()
    inside = exp.lists.get_by_index(L, exp.var("n"), int)
    with pytest.raises(InvalidArgument, match="'n'"):
        inside.to_bytes()


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "ä", 1])
def test_names_of_variables_are_those_that_the_server_takes(name: Any) -> None:
    with pytest.raises(InvalidArgument):
        exp.define(name, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: exp.let({}, 1),
        lambda: exp.let(exp.define("x", 1)),
        lambda: exp.let(exp.define("x", 1), exp.define("y", 1)),
        lambda: exp.let(1, 2),
        lambda: exp.let({"x": 1}, 2, 3),
        lambda: exp.let(),
    ],
)
def test_let_takes_variables_and_then_a_body(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"exp\.let takes variables"):
        make()


# Types of results -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (exp.lists.get_by_index("l", 0, str), ExpType.STRING),
        (exp.lists.get_by_index("l", 0, return_type=ListReturnType.RANK), ExpType.INT),
        (exp.lists.get_by_index("l", 0, return_type=ListReturnType.EXISTS), ExpType.BOOL),
        (exp.lists.get_by_value("l", 1), ExpType.LIST),
        (exp.lists.get_by_value("l", 1, return_type=ListReturnType.COUNT), ExpType.INT),
        (exp.maps.get_by_key("m", 1, float), ExpType.FLOAT),
        (exp.maps.get_by_key("m", 1, return_type=MapReturnType.KEY_VALUE), ExpType.MAP),
        (exp.maps.get_by_key_range("m"), ExpType.LIST),
        (exp.maps.get_by_key_range("m", return_type=MapReturnType.ORDERED_MAP), ExpType.MAP),
        (exp.lists.append("m", 1, ctx=[context.map_key("a")]), ExpType.MAP),
        (exp.lists.append(exp.var("v"), 1), ExpType.LIST),
        (exp.maps.put(exp.var("v"), 1, 1, ctx=[context.list_index(0)]), ExpType.LIST),
        (exp.bitwise.count("y", 0, 8), ExpType.INT),
        (exp.hll.get_similarity("h", [HyperLogLog(b"x")]), ExpType.FLOAT),
        (exp.strings.split("s"), ExpType.LIST),
        (exp.strings.to_string(I), ExpType.STRING),
        (exp.paths.select(M, [context.all_children()]), ExpType.MAP),
        (exp.paths.select(M, [context.all_children()], PathSelect.VALUE), ExpType.LIST),
        (exp.paths.modify("m", [context.map_key("a"), context.all_children()], 1), ExpType.MAP),
        (exp.cond(I == 1, exp.unknown(), 1.5), ExpType.FLOAT),
        (exp.cond(I == 1, exp.unknown(), exp.unknown()), ExpType.BOOL),
        (exp.unknown(), ExpType.BOOL),
        (exp.cond(I == 1, exp.remove_result(), exp.unknown()), None),
        (exp.var("x"), None),
    ],
)
def test_results_have_the_type_that_the_server_gives_them(made: Any, kind: ExpType | None) -> None:
    assert made.type is kind

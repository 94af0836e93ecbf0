"""Expressions as objects: operators, bytes, what Python must not do with them."""

from __future__ import annotations

import inspect
import math
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import exp
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.exp import Expression, ExpType
from pyspike.exp.analysis import MAX_LEVELS
from pyspike.policy import ReadPolicy
from support.unsent import UNSENT

I, J = exp.int_bin("i"), exp.int_bin("j")  # noqa: E741
F, G = exp.float_bin("f"), exp.float_bin("g")
A, B, C = exp.bool_bin("a"), exp.bool_bin("b"), exp.bool_bin("c")
S = exp.str_bin("s")


@pytest.mark.parametrize(
    ("operators", "functions"),
    [
        (I == 1, exp.eq(I, 1)),
        (I != 1, exp.ne(I, 1)),
        (I < 1, exp.lt(I, 1)),
        (I <= 1, exp.le(I, 1)),
        (I > 1, exp.gt(I, 1)),
        (I >= 1, exp.ge(I, 1)),
        (1 < I, exp.gt(I, 1)),  # noqa: SIM300 - Python turns it around
        ("x" == S, exp.eq(S, "x")),  # noqa: SIM300
        (A & B, exp.and_(A, B)),
        (A | B, exp.or_(A, B)),
        (A ^ B, exp.xor(A, B)),
        (~A, exp.not_(A)),
        (A & True, exp.and_(A, True)),
        (True & A, exp.and_(True, A)),
        (I & 6, exp.int_and(I, 6)),
        (6 & I, exp.int_and(6, I)),
        (I | J, exp.int_or(I, J)),
        (I ^ J, exp.int_xor(I, J)),
        (~I, exp.int_not(I)),
        (I << 2, exp.int_lshift(I, 2)),
        (I >> 2, exp.int_arshift(I, 2)),
        (1 << I, exp.int_lshift(1, I)),
        (I + 1, exp.num_add(I, 1)),
        (1 + I, exp.num_add(1, I)),
        (I - 1, exp.num_sub(I, 1)),
        (1 - I, exp.num_sub(1, I)),
        (I * 2, exp.num_mul(I, 2)),
        (2 * I, exp.num_mul(2, I)),
        (F / 2.0, exp.num_div(F, 2.0)),
        (1.0 / F, exp.num_div(1.0, F)),
        (F // 2.0, exp.num_floor(exp.num_div(F, 2.0))),
        (1.0 // F, exp.num_floor(exp.num_div(1.0, F))),
        (I % 3, exp.num_mod(I, 3)),
        (3 % I, exp.num_mod(3, I)),
        (F**2.0, exp.num_pow(F, 2.0)),
        (2.0**F, exp.num_pow(2.0, F)),
        (-I, exp.num_sub(I)),
        (abs(I), exp.num_abs(I)),
        (math.floor(F), exp.num_floor(F)),
        (math.ceil(F), exp.num_ceil(F)),
        # Chains are one expression, as long as that means the same.
        (A & B & C, exp.and_(A, B, C)),
        (A | B | C, exp.or_(A, B, C)),
        (I + J + 1 + 2, exp.num_add(I, J, 1, 2)),
        (I - J - 1, exp.num_sub(I, J, 1)),
        (I - (J - 1), exp.num_sub(I, exp.num_sub(J, 1))),
        (-I - J, exp.num_sub(exp.num_sub(I), J)),
        (F / G / 2.0, exp.num_div(F, G, 2.0)),
        (F / (G / 2.0), exp.num_div(F, exp.num_div(G, 2.0))),
        (A ^ B ^ C, exp.xor(exp.xor(A, B), C)),
        ((A & B) | C, exp.or_(exp.and_(A, B), C)),
        ((I > 1) & (I < 5), exp.and_(exp.gt(I, 1), exp.lt(I, 5))),
    ],
)
def test_operators_and_functions_are_two_ways_to_write_one_thing(
    operators: Expression, functions: Expression
) -> None:
    assert operators.same_as(functions), (operators, functions)


def test_the_example_of_the_documentation() -> None:
    made = (exp.int_bin("age") >= 21) & (exp.str_bin("country") == "UK")
    assert made.to_bytes().hex() == "9310" + "93049351 02a361676515".replace(" ", "") + (
        "9301935103a7636f756e747279a303554b"
    )
    assert repr(made) == "exp.and_(exp.ge(exp.int_bin('age'), 21), exp.eq(exp.string_bin('country'), 'UK'))"
    assert made.type is ExpType.BOOL


def test_long_chains_keep_their_order() -> None:
    made = A
    for _ in range(40):
        made = made & B
    assert made.same_as(exp.and_(A, *[B] * 40))
    every = exp.or_(*[number == I for number in range(300)])
    assert (every | A).same_as(exp.or_(*[number == I for number in range(300)], A))


@pytest.mark.parametrize(
    "use",
    [
        lambda: bool(A),
        lambda: not A,
        lambda: A and B,
        lambda: A or B,
        lambda: 1 < I < 5,
        lambda: [1 for _ in [0] if A],
        lambda: max(I, J),
        lambda: I in [J],
    ],
)
def test_asking_for_its_truth_is_an_error_that_says_what_to_write(use: Callable[[], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        use()
    assert "write &, | and ~" in str(caught.value)


def test_it_is_no_container() -> None:
    with pytest.raises(TypeError, match=r"exp\.in_list"):
        _ = 1 in exp.list_bin("l")
    with pytest.raises(TypeError):
        list(exp.list_bin("l"))


def test_it_can_be_a_key_and_travel_between_processes() -> None:
    made = exp.let({"x": I + 1}, exp.var("x") > 2)
    assert {made: 1}[made] == 1
    assert hash(made) == hash(exp.let({"x": I + 1}, exp.var("x") > 2))
    again = pickle.loads(pickle.dumps(made))
    assert again.same_as(made)
    assert again.type == made.type
    assert not made.same_as(A)
    assert not made.same_as(made.to_bytes())


def test_it_is_made_by_functions_only() -> None:
    with pytest.raises(TypeError, match="made by the functions"):
        Expression()


def test_what_it_was_made_of_may_change_afterwards() -> None:
    values = [1]
    made = exp.in_list(I, values)
    values.append(2)
    assert repr(made) == "exp.in_list(exp.int_bin('i'), [1])"


@pytest.mark.parametrize("data", ["x", 5, None, [1], exp.val(1)])
def test_what_is_no_bytes_is_of_the_wrong_type(data: Any) -> None:
    with pytest.raises(InvalidType, match="an expression must be bytes"):
        Expression.from_bytes(data)


def test_bytes_like_things_are_bytes() -> None:
    for data in (bytearray(A.to_bytes()), memoryview(A.to_bytes())):
        assert Expression.from_bytes(data).same_as(A)  # type: ignore[arg-type]


def test_it_is_compiled_once() -> None:
    for made in (A & B, exp.let({"x": I}, exp.var("x") + 1), exp.lists.size("l")):
        assert made.to_bytes() is made.to_bytes()
        assert (made & A if made.type is ExpType.BOOL else made).to_bytes()


@pytest.mark.parametrize("name", ["type", "_analysis", "_packed", "anything"])
def test_it_can_not_be_changed(name: str) -> None:
    made = A & B
    before = made.to_bytes(), repr(made), hash(made)
    with pytest.raises(AttributeError):
        setattr(made, name, None)
    with pytest.raises(AttributeError):
        delattr(made, name)
    assert (made.to_bytes(), repr(made), hash(made)) == before


def test_two_definitions_are_equal_if_they_define_the_same() -> None:
    assert exp.define("x", 1) == exp.define("x", 1)
    assert exp.define("x", I + 1) == exp.define("x", I + 1)
    assert exp.define("x", 1) != exp.define("x", 2)
    assert exp.define("x", 1) != exp.define("y", 1)
    assert exp.define("x", 1) != 1
    assert len({exp.define("x", 1), exp.define("x", 1)}) == 1


# Nesting ----------------------------------------------------------------------------------------------------

AROUND: list[Callable[[Expression], Expression]] = [
    lambda inner: inner ^ A,
    exp.not_,
    lambda inner: exp.cond(inner, True, False),
    lambda inner: exp.lists.get_by_value("l", inner, return_type=exp.lists.Return.EXISTS),
]


@pytest.mark.parametrize("around", AROUND, ids=range(len(AROUND)))
def test_what_can_be_built_can_be_shown_sent_and_decoded(around: Callable[[Expression], Expression]) -> None:
    made = A
    for _ in range(MAX_LEVELS - 1):
        made = around(made)
    assert repr(made).startswith("exp.")
    again = Expression.from_base64(made.to_base64())
    assert again.same_as(made)
    assert again.type is ExpType.BOOL
    assert repr(again) == repr(made)
    assert pickle.loads(pickle.dumps(made)).same_as(made)
    with pytest.raises(InvalidArgument, match=f"nested deeper than {MAX_LEVELS} levels") as caught:
        around(made)
    assert "all arguments at once" in caught.value.advice


def test_lets_are_checked_at_any_depth() -> None:
    made = exp.var("x")
    for _ in range(MAX_LEVELS - 2):
        made = exp.num_abs(made)
    assert exp.let({"x": I}, made).type is ExpType.INT
    with pytest.raises(InvalidType, match=r"exp\.num_abs: argument 1"):
        exp.let({"x": S}, made)


def test_chains_of_operators_are_not_nested() -> None:
    made = I
    for number in range(1000):
        made = made + number
    assert made._analysis.levels == 2
    assert Expression.from_bytes(made.to_bytes()).same_as(made)


@pytest.mark.parametrize("levels", [300, 5000, 100_000])
def test_a_repr_never_fails(levels: int) -> None:
    """Bytes of another client may be nested deeper than Python's calls."""
    data = b"\x92\x12" * levels + b"\xc3"
    made = Expression.from_bytes(data)
    text = repr(made)
    assert text == "exp.not_(" * levels + "True" + ")" * levels or ("…" in text and len(text) < 1000)
    assert made.to_bytes() == data


def test_a_repr_deep_in_a_program_is_short_but_there() -> None:
    made = A
    for _ in range(MAX_LEVELS - 1):
        made = exp.not_(made)

    def deeper(frames: int) -> str:
        return deeper(frames - 1) if frames else repr(made)

    left = sys.getrecursionlimit() - len(inspect.stack())
    assert deeper(left - 800) == repr(made)
    assert "…" in deeper(left - 150)
    assert deeper(left - 25) == f"<an expression of {len(made.to_bytes())} bytes>"


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x92\x01", b"\x93\x01\x01\x01\x01", b"\x92\xa1a\x01", b"\x90"]
)
def test_bytes_that_are_no_expression_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument, match="no expression"):
        Expression.from_bytes(data)


@pytest.mark.parametrize("text", ["?", "kg", "=", ""])
def test_text_that_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no expression"):
        Expression.from_base64(text)


def test_expressions_of_newer_servers_can_be_read_and_sent_on() -> None:
    made = Expression.from_bytes(b"\x92\x70\x93\x51\x02\xa1i")
    assert repr(made) == "exp.operation_112(exp.int_bin('i'))"
    assert made.type is None
    assert made.to_bytes() == b"\x92\x70\x93\x51\x02\xa1i"


def test_a_filter_is_sent_as_its_bytes() -> None:
    for made in (
        UNSENT.get(("test", "s", 1), filter_expression=I == 1),
        UNSENT.get(("test", "s", 1), policy=ReadPolicy(filter_expression=I == 1)),
    ):
        assert b"\x2b" + (I == 1).to_bytes() in made.request


def let_one(value: Expression, body: Expression) -> Expression:
    """A let whose variable no other inside it has."""
    name = f"x{max(value._analysis.levels, body._analysis.levels)}"
    return exp.let({name: value}, body + exp.var(name))


NUMBERS = st.deferred(
    lambda: (
        st.integers(-(2**63), 2**63 - 1).map(exp.val)
        | st.sampled_from([I, J, exp.ttl(), exp.lists.size("l")])
        | st.builds(exp.num_add, NUMBERS, NUMBERS)
        | st.builds(exp.num_sub, NUMBERS)
        | st.builds(exp.int_xor, NUMBERS, NUMBERS, NUMBERS)
        | st.builds(exp.min, NUMBERS, NUMBERS)
        | st.builds(exp.cond, CONDITIONS, NUMBERS, NUMBERS)
        | st.builds(let_one, NUMBERS, NUMBERS)
        | st.builds(lambda index: exp.lists.get_by_index("l", index, int), NUMBERS)
    )
)
CONDITIONS = st.deferred(
    lambda: (
        st.booleans().map(exp.val)
        | st.sampled_from([A, exp.bin_exists("x"), exp.regex_compare("a.*", S, flags=exp.RegexFlags.ICASE)])
        | st.builds(exp.eq, NUMBERS, NUMBERS)
        | st.builds(exp.and_, CONDITIONS, CONDITIONS)
        | st.builds(exp.not_, CONDITIONS)
        | st.builds(lambda value: exp.string_bin("s") == value, st.text(max_size=5))
        | st.builds(lambda values: exp.in_list(I, values), st.lists(st.integers(0, 9), max_size=3))
    )
)


@given(NUMBERS | CONDITIONS)
def test_any_expression_is_shown_as_what_makes_it(made: Expression) -> None:
    names = {
        "exp": exp,
        "ExpType": ExpType,
        "RegexFlags": exp.RegexFlags,
        "ListReturnType": exp.lists.Return,
    }
    assert eval(repr(made), names).same_as(made)
    assert Expression.from_bytes(made.to_bytes()).type == made.type
    assert not isinstance(made.type, type(None))


def test_errors_are_pyspikes_own() -> None:
    assert issubclass(InvalidType, InvalidArgument)
    assert issubclass(InvalidType, TypeError)


@pytest.mark.parametrize(
    "data", ["957f011681c70da203626264dd3e0362640d3e03626264", "957f010080a0", "957f0100920101a0"]
)
def test_calls_that_make_no_sense_can_be_decoded_and_shown(data: str) -> None:
    """Found by the fuzzer: whoever made them, they are kept as they are."""
    decoded = Expression.from_bytes(bytes.fromhex(data))
    assert repr(decoded)
    assert decoded.to_bytes() == bytes.fromhex(data)

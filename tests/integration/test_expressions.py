"""Expressions on the server: as the filter of any command, and as what an operation reads or writes."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pyspike import (
    Client,
    ExpReadFlags,
    ExpWriteFlags,
    FilteredOut,
    GeoJSON,
    InvalidArgument,
    InvalidType,
    Key,
    ListReturnType,
    ReadPolicy,
    WritePolicy,
    exp,
)
from pyspike import operations as op
from pyspike.errors import BinExists, BinNotFound, OpNotApplicable, RecordNotFound, ServerError
from pyspike.exp.analysis import MAX_LEVELS
from pyspike.operations import context, paths

ANN = {
    "name": "Ann",
    "age": 30,
    "score": 2.5,
    "blob": b"\x0f\x01",
    "ok": True,
    "tags": ["tea", "maps"],
    "prefs": {"lang": "en", "limits": [1, 9]},
    "home": GeoJSON({"type": "Point", "coordinates": [1.5, 2.0]}),
}
SQUARE = GeoJSON({"type": "Polygon", "coordinates": [[[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]]})
ADULT = exp.int_bin("age") >= 21
CHILD = exp.int_bin("age") < 21

# Each holds for ANN, its opposite doesn't. What can't be worked out holds in neither form.
HOLDS = [
    exp.eq(exp.int_bin("age"), 30),
    exp.and_(exp.ge(exp.int_bin("age"), 21), exp.eq(exp.string_bin("name"), "Ann")),
    (exp.int_bin("age") >= 21) & (exp.str_bin("name") == "Ann"),
    (exp.int_bin("age") < 21) | (exp.float_bin("score") > 2.0),
    exp.bool_bin("ok") ^ (exp.int_bin("age") == 31),
    exp.int_bin("age") * 2 + 1 == 61,
    exp.int_bin("age") % 7 == 2,
    exp.int_bin("age") & 0b110 == 0b110,
    exp.int_bin("age") << 1 == 60,
    -exp.int_bin("age") == -30,
    exp.float_bin("score") ** 2.0 == 6.25,
    math.floor(exp.float_bin("score")) == 2.0,
    exp.to_int(exp.float_bin("score")) == 2,
    exp.max(exp.int_bin("age"), 40) == 40,
    exp.bin_exists("age"),
    ~exp.bin_exists("none"),
    exp.bin_type("tags") == 20,
    exp.set_name() != "other",
    exp.since_update() < 60_000,
    exp.is_tombstone() == False,  # noqa: E712
    exp.regex_compare("^an+$", exp.str_bin("name"), flags=exp.RegexFlags.EXTENDED | exp.RegexFlags.ICASE),
    exp.geo_compare(exp.geo_bin("home"), exp.geo_val(SQUARE)),
    exp.lists.size("tags") == 2,
    exp.lists.get_by_index("tags", 0, str) == "tea",
    exp.lists.get_by_value("tags", "maps", return_type=ListReturnType.EXISTS),
    exp.in_list("tea", exp.list_bin("tags")),
    exp.list_bin("tags") == ["tea", "maps"],
    exp.maps.get_by_key("prefs", "lang", str) == "en",
    exp.maps.size("prefs") == 2,
    exp.lists.get_by_rank("prefs", -1, int, ctx=[context.map_key("limits")]) == 9,
    exp.bitwise.count("blob", 0, 16) == 5,
    exp.let({"n": exp.int_bin("age")}, (exp.var("n") > 20) & (exp.var("n") < 40)),
    exp.cond(exp.int_bin("age") > 60, "old", exp.int_bin("age") > 20, "grown", "young") == "grown",
]


@pytest.fixture
def ann(client: Client, key: Key) -> Key:
    """The key of a record of Ann."""
    client.put(key, ANN)
    return key


# Filters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression", HOLDS, ids=repr)
def test_a_filter_lets_through_what_it_holds_for(client: Client, ann: Key, expression: Any) -> None:
    assert client.get(ann, ["name"], filter_expression=expression).bins == {"name": "Ann"}
    with pytest.raises(FilteredOut):
        client.get(ann, filter_expression=~expression)


@pytest.mark.parametrize(
    "expression",
    [
        exp.int_bin("none") == 1,
        exp.int_bin("name") == 1,
        exp.lists.get_by_index("tags", 9, str) == "x",
        exp.int_bin("age") / 0 == 1,
        exp.unknown(),
    ],
    ids=repr,
)
def test_what_is_unknown_does_not_match(client: Client, ann: Key, expression: Any) -> None:
    for form in (expression, exp.not_(expression)):
        with pytest.raises(FilteredOut):
            client.get(ann, filter_expression=form)


COMMANDS = {
    "get": lambda client, key, **given: client.get(key, **given).bins,
    "get some bins": lambda client, key, **given: client.get(key, ["age"], **given).bins,
    "exists": lambda client, key, **given: client.exists(key, **given),
    "put": lambda client, key, **given: client.put(key, {"age": 50}, **given),
    "add": lambda client, key, **given: client.add(key, {"age": 1}, **given),
    "append": lambda client, key, **given: client.append(key, {"name": "!"}, **given),
    "prepend": lambda client, key, **given: client.prepend(key, {"name": "!"}, **given),
    "touch": lambda client, key, **given: client.touch(key, **given),
    "delete": lambda client, key, **given: client.delete(key, **given),
    "operate, reading": lambda client, key, **given: client.operate(key, [op.get("age")], **given).results,
    "operate, writing": lambda client, key, **given: client.operate(key, [op.add("age", 1)], **given).results,
}
READS = {"get", "get some bins", "exists", "operate, reading"}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("how", ["keyword", "policy", "over the policy's"])
def test_any_command_is_filtered(client: Client, ann: Key, name: str, how: str) -> None:
    command = COMMANDS[name]
    policy = ReadPolicy if name in READS and not name.startswith("operate") else WritePolicy

    def given(expression: Any, other: Any) -> dict[str, Any]:
        if how == "keyword":
            return {"filter_expression": expression}
        if how == "policy":
            return {"policy": policy(filter_expression=expression)}
        return {"policy": policy(filter_expression=other), "filter_expression": expression}

    with pytest.raises(FilteredOut):
        command(client, ann, **given(CHILD, ADULT))
    record = client.get(ann)
    assert (record.bins, record.generation) == (ANN, 1)
    command(client, ann, **given(ADULT, CHILD))
    if name not in READS:
        found = client.get(ann, default=None)
        assert (None if found is None else found.generation) == (None if name == "delete" else 2)


def test_a_view_filters_all_its_commands(client: Client, ann: Key) -> None:
    view = client.with_policies(
        read=ReadPolicy(filter_expression=CHILD), write=WritePolicy(filter_expression=CHILD)
    )
    with pytest.raises(FilteredOut):
        view.get(ann)
    with pytest.raises(FilteredOut):
        view.delete(ann)
    assert client.exists(ann)


def test_a_filter_makes_no_record_and_hides_none(client: Client, key: Key) -> None:
    with pytest.raises(RecordNotFound):
        client.get(key, filter_expression=ADULT)
    assert client.exists(key, filter_expression=CHILD) is False
    assert client.delete(key, filter_expression=CHILD) is False


def test_a_default_is_not_for_what_is_filtered_out(client: Client, ann: Key) -> None:
    with pytest.raises(FilteredOut) as caught:
        client.get(ann, default=None, filter_expression=CHILD)
    assert caught.value.key == ann
    assert caught.value.result_code.name == "FILTERED_OUT"


# Operations -------------------------------------------------------------------------------------------------


def test_an_expression_is_read_under_any_name(client: Client, ann: Key) -> None:
    record = client.operate(
        ann,
        [
            op.exp.read("double", exp.int_bin("age") * 2),
            op.exp.read("tag", exp.lists.get_by_index("tags", -1, str)),
            op.exp.read("list", exp.lists.append("tags", "pens")),
            op.exp.read("map", exp.map_bin("prefs")),
            op.get("age"),
        ],
    )
    assert record.bins == {
        "double": 60,
        "tag": "maps",
        "list": ["tea", "maps", "pens"],
        "map": ANN["prefs"],
        "age": 30,
    }
    assert client.get(ann).bins == ANN


def test_an_expression_is_written_into_a_bin(client: Client, ann: Key) -> None:
    results = client.operate(
        ann,
        [
            op.exp.write("next", exp.int_bin("age") + 1),
            op.exp.write("age", exp.int_bin("next") + 1),
            op.get("age"),
        ],
    ).results
    assert results == [None, None, 32]
    assert client.get(ann)["next"] == 31


def test_an_unknown_result_is_an_error_or_none(client: Client, ann: Key) -> None:
    nowhere = exp.int_bin("none") + 1
    for operation in (op.exp.read("x", nowhere), op.exp.write("x", nowhere)):
        with pytest.raises(OpNotApplicable):
            client.operate(ann, [operation])
    results = client.operate(
        ann,
        [
            op.exp.read("x", nowhere, flags=ExpReadFlags.EVAL_NO_FAIL),
            op.exp.write("x", nowhere, flags=ExpWriteFlags.EVAL_NO_FAIL),
        ],
    ).results
    assert results == [None, None]
    assert client.get(ann).bins == ANN


def test_expression_write_flags_are_kept(client: Client, ann: Key) -> None:
    new, old, drop = ExpWriteFlags.CREATE_ONLY, ExpWriteFlags.UPDATE_ONLY, ExpWriteFlags.ALLOW_DELETE
    with pytest.raises(BinExists):
        client.operate(ann, [op.exp.write("age", exp.val(1), flags=new)])
    with pytest.raises(BinNotFound):
        client.operate(ann, [op.exp.write("none", exp.val(1), flags=old)])
    with pytest.raises(OpNotApplicable):
        client.operate(ann, [op.exp.write("age", exp.nil())])
    client.operate(ann, [op.exp.write("age", exp.val(1), flags=new | ExpWriteFlags.POLICY_NO_FAIL)])
    assert client.get(ann)["age"] == 30
    client.operate(ann, [op.exp.write("age", exp.nil(), flags=drop)])
    assert "age" not in client.get(ann)


# The expression itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression", HOLDS, ids=repr)
def test_an_expression_comes_back_from_base64(client: Client, ann: Key, expression: Any) -> None:
    back = exp.Expression.from_base64(expression.to_base64())
    assert back.same_as(expression)
    assert pickle.loads(pickle.dumps(expression)).same_as(expression)
    assert repr(back) == repr(expression)
    assert client.exists(ann, filter_expression=back)


def test_bytes_are_a_filter_too(client: Client, ann: Key) -> None:
    assert client.exists(ann, filter_expression=ADULT.to_bytes())
    with pytest.raises(FilteredOut):
        client.exists(ann, filter_expression=CHILD.to_bytes())


def test_functions_and_operators_are_one_thing() -> None:
    by_name = exp.or_(exp.and_(exp.ge(exp.int_bin("a"), exp.int_val(1)), exp.bool_bin("b")), exp.key_exists())
    by_sign = (exp.int_bin("a") >= 1) & exp.bool_bin("b") | exp.key_exists()
    assert by_name.same_as(by_sign)
    assert not by_name.same_as(~by_sign)


def test_python_can_not_ask_an_expression() -> None:
    for ask in (
        lambda: "yes" if ADULT else "no",
        lambda: ADULT and CHILD,
        lambda: not ADULT,
        lambda: 1 < exp.int_bin("a") < 5,
    ):
        with pytest.raises(InvalidType, match="on the server") as caught:
            ask()
        assert "&, | and ~ for and, or and not" in str(caught.value)
    with pytest.raises(InvalidType, match="in_list"):
        _ = "tea" in exp.list_bin("tags")


@pytest.mark.parametrize(
    "make",
    [
        lambda: exp.int_bin("a") == "x",
        lambda: exp.int_bin("a") + 1.5,
        lambda: exp.int_bin("a") & exp.bool_bin("b"),
        lambda: exp.and_(exp.int_bin("a"), exp.bool_bin("b")),
        lambda: exp.cond(exp.int_bin("a"), 1, 2),
        lambda: exp.str_bin("a") * 2,
    ],
    ids=range(6),
)
def test_types_that_can_not_fit_are_refused_here(make: Any) -> None:
    with pytest.raises(InvalidType):
        make()


@pytest.mark.parametrize("filter_expression", [True, "age > 21", 5], ids=repr)
def test_what_is_no_expression_is_no_filter(client: Client, ann: Key, filter_expression: Any) -> None:
    with pytest.raises(InvalidType, match="filter_expression"):
        client.get(ann, filter_expression=filter_expression)


def test_a_variable_needs_its_let(client: Client, ann: Key) -> None:
    with pytest.raises(InvalidArgument, match="'n'"):
        client.get(ann, filter_expression=exp.var("n") == 1)


@pytest.mark.parametrize("how", ["keyword", "policy"])
@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (exp.int_bin("age"), InvalidType, r"must be a bool, but exp\.int_bin\('age'\) is an int"),
        (exp.infinity(), InvalidType, r"a filter can't be exp\.infinity\(\)"),
        (exp.loop_value(int) > 1, InvalidArgument, "no element of a path to look at"),
    ],
    ids=repr,
)
def test_what_can_be_no_filter_is_refused_here(
    client: Client, ann: Key, how: str, made: Any, error: type[InvalidArgument], message: str
) -> None:
    ask: Callable[[], Any] = lambda: client.get(ann, filter_expression=made)  # noqa: E731
    if how == "policy":
        ask = lambda: client.get(ann, policy=ReadPolicy(filter_expression=made))  # noqa: E731
    with pytest.raises(error, match=message):
        ask()


# Inside paths -----------------------------------------------------------------------------------------------

CHILDREN = [context.all_children()]


def test_a_path_inside_an_expression_has_its_own_variables(client: Client, key: Key) -> None:
    client.put(key, {"l": [1, 2, 3], "n": 10})
    doubled = exp.let({"x": exp.loop_value(int)}, exp.var("x") + exp.var("x"))
    made = exp.let(
        {"x": exp.int_bin("n")},
        exp.lists.append(exp.paths.modify(exp.list_bin("l"), CHILDREN, doubled), exp.var("x")),
    )
    assert client.operate(key, [op.exp.read("r", made)])["r"] == [2, 4, 6, 10]


def test_a_path_removes_where_a_condition_holds(client: Client, key: Key) -> None:
    client.put(key, {"l": [1, 2, 3]})
    odd = exp.cond(exp.loop_value(int) % 2 == 1, exp.remove_result(), exp.unknown())
    client.operate(key, [paths.modify("l", CHILDREN, odd, no_fail=True)])
    assert client.get(key)["l"] == [2]


@pytest.mark.parametrize("levels", [10, MAX_LEVELS - 1])
def test_expressions_are_nested_as_deep_as_they_can_be_made(client: Client, ann: Key, levels: int) -> None:
    deep = exp.int_bin("age")
    for _ in range(levels):
        deep = exp.num_abs(deep)
    assert client.operate(ann, [op.exp.read("r", deep)])["r"] == 30


# What is written as the server takes it, which the functions of exp refuse to make.
RAW = {
    "a name defined again inside": ("947da17801947da17802927ca178", 4),
    "a name defined twice": ("967da17801a17802927ca178", 4),
    "the removal of nothing": ("9164", 26),
    "a loop variable outside of a path": ("937a0201", 26),
    "a comparison with a wildcard": ("9301" + "01" + "d4ff00", 4),
    "unknown as a number": ("9314" + "9100" + "01", 4),
    "unknown as a bool": ("9301" + "9100" + "c3", 26),
    "a removal or a value": ("947bc3916401", 4),
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_refused_here_the_server_would_not_take_either(client: Client, ann: Key, name: str) -> None:
    data, code = RAW[name]

    class Raw:
        def to_bytes(self) -> bytes:
            return bytes.fromhex(data)

    with pytest.raises(ServerError) as caught:
        client.operate(ann, [op.exp.read("r", Raw())])
    assert int(caught.value.result_code) == code

"""Errors of operations name the bin and the operation; those of servers that are too old say that."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyspike import Client, Key, errors, exp
from pyspike import operations as op
from pyspike.operations import bitwise, context, lists, maps, paths, strings
from pyspike.server import EmbeddedCluster

pytestmark = pytest.mark.both_kinds

OLD: dict[str, Any] = (
    {"version": "8.1.2"} if "version" in inspect.signature(EmbeddedCluster).parameters else {}
)


@pytest.fixture
def old() -> Iterator[EmbeddedCluster]:
    """A server that knows no string operations."""
    with EmbeddedCluster(**OLD) as cluster:
        yield cluster


BINS: dict[str, Any] = {"n": 1, "s": "x", "l": [1], "m": {"a": 1}}


# The bin and the operation ----------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[Client, Key], object], str]] = {
    "add": (lambda client, key: client.add(key, {"s": 1}), "bin 's', add"),
    "append": (lambda client, key: client.append(key, {"n": "x"}), "bin 'n', append"),
    "prepend": (lambda client, key: client.prepend(key, {"n": "x"}), "bin 'n', prepend"),
    "one operation": (
        lambda client, key: client.operate(key, [lists.append("n", 5)]),
        "bin 'n', lists.append('n', 5)",
    ),
    "one that reads": (lambda client, key: client.operate(key, [maps.size("l")]), "bin 'l', maps.size('l')"),
    "an index that is not there": (
        lambda client, key: client.operate(key, [lists.get("l", 9)]),
        "bin 'l', lists.get('l', 9)",
    ),
    "several on one bin": (
        lambda client, key: client.operate(key, [lists.append("n", 5), op.get("n")]),
        "bin 'n'",
    ),
    "an expression": (
        lambda client, key: client.operate(key, [op.exp.read("x", exp.int_bin("missing") + 1)]),
        "exp.read('x', exp.num_add(exp.int_bin('missing'), 1))",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_names_the_bin_and_the_operation_where_there_is_one_only(
    client: Client, key: Key, name: str
) -> None:
    client.put(key, BINS)
    call, words = WRONG[name]
    with pytest.raises((errors.BinTypeError, errors.OpNotApplicable)) as caught:
        call(client, key)
    error = caught.value
    assert error.message == f"{error.result_code.meaning}: {words}"
    assert error.args == (error.message,)
    assert error.key == key
    assert f"{words}: {key!r}" in str(error)


def test_an_error_names_neither_where_there_are_several(client: Client, key: Key) -> None:
    client.put(key, BINS)
    for call in (
        lambda: client.add(key, {"s": 1, "n": 1}),
        lambda: client.operate(key, [op.add("n", 1), lists.append("s", 5)]),
        lambda: client.operate(
            key, [op.exp.read("x", exp.int_bin("none")), op.exp.read("x", exp.int_bin("n"))]
        ),
    ):
        with pytest.raises((errors.BinTypeError, errors.OpNotApplicable)) as caught:
            call()
        assert caught.value.message == caught.value.result_code.meaning


def test_other_codes_about_an_operation_name_it_too(client: Client, key: Key) -> None:
    client.put(key, BINS)
    put_new = maps.put("m", "a", 2, write_flags=maps.MapWriteFlags.CREATE_ONLY)
    with pytest.raises(errors.ElementExists, match=r"bin 'm', maps\.put\('m', 'a', 2, .*CREATE_ONLY\)"):
        client.operate(key, [put_new])


def test_what_an_error_shows_of_an_operation_is_bounded(client: Client, key: Key) -> None:
    client.put(key, BINS)
    with pytest.raises(errors.BinTypeError) as caught:
        client.operate(key, [lists.append("n", "x" * 1_000_000)])
    assert len(caught.value.message) < 400


# Servers that are too old -----------------------------------------------------------------------------------

TEXT_OF_N = exp.strings.to_string(exp.int_bin("n"))
JOINED, B64 = exp.lists.join("l"), exp.bitwise.b64_encode("b")
STRINGS, STRING_EXPRESSIONS = "string operations", "string expressions"
JOINS, B64_ENCODINGS = "joins of lists", "b64_encode operations"


def operate(*operations: op.Operation) -> Callable[[Client, Key], object]:
    return lambda client, key: client.operate(key, operations)


def get_if(condition: exp.Expression) -> Callable[[Client, Key], object]:
    return lambda client, key: client.get(key, filter_expression=condition)


def put_if(condition: exp.Expression) -> Callable[[Client, Key], object]:
    return lambda client, key: client.put(key, {"a": 1}, filter_expression=condition)


NEWER: dict[str, tuple[Callable[[Client, Key], object], int, str]] = {
    "a string operation": (operate(strings.upper("s")), 4, STRINGS),
    "a string operation that reads": (operate(op.get("n"), strings.strlen("s")), 4, STRINGS),
    "to_string": (operate(strings.to_string("n")), 4, STRINGS),
    "a string in a document": (operate(strings.upper("m", ctx=[context.map_key("a")])), 4, STRINGS),
    "a string expression": (operate(op.exp.read("x", exp.strings.upper("s"))), 4, STRING_EXPRESSIONS),
    "one that is written": (operate(op.exp.write("x", exp.strings.upper("s"))), 4, STRING_EXPRESSIONS),
    "a filter of a read": (get_if(exp.strings.contains("s", "x")), 4, STRING_EXPRESSIONS),
    "a filter of a write": (put_if((TEXT_OF_N == "1") & exp.bin_exists("s")), 4, STRING_EXPRESSIONS),
    "a join": (operate(lists.join("l")), 4, JOINS),
    "b64_encode": (operate(bitwise.b64_encode("b")), 4, B64_ENCODINGS),
    "a join in an expression": (operate(op.exp.read("x", JOINED)), 26, JOINS),
    "b64_encode in an expression": (operate(op.exp.read("x", B64)), 26, B64_ENCODINGS),
    "a join in a filter": (get_if(JOINED == "1"), 27, JOINS),
}


@pytest.mark.parametrize("name", NEWER)
def test_what_an_old_server_does_not_know_is_said(old: EmbeddedCluster, name: str) -> None:
    call, code, what = NEWER[name]
    key = Key("test", "s", 1)
    with Client(old.hosts) as client:
        client.put(key, {**BINS, "b": b"x", "l": ["1"]})
        old.nodes[0].answer_with(code)  # so that it does not depend on what the embedded server knows
        with pytest.raises(errors.ServerError) as caught:
            call(client, key)
        error = caught.value
        assert error.result_code == code
        (build,) = client.info("build").values()
        assert error.advice == f"{what} need server 8.2 or later; node A1 runs {build}"
        assert "TTL" not in str(error)


def test_a_server_that_is_new_enough_is_not_said_to_be_too_old(
    old: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyspike.cluster.cluster.Cluster.version_of", lambda cluster, name: "8.2.0.1")
    key = Key("test", "s", 1)
    with Client(old.hosts) as client:
        client.put(key, BINS)
        for call, code, _ in NEWER.values():
            old.nodes[0].answer_with(code)
            with pytest.raises(errors.ServerError) as caught:
                call(client, key)
            assert caught.value.advice == caught.value.result_code.advice


def test_paths_need_a_version_too(old: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyspike.cluster.cluster.Cluster.version_of", lambda cluster, name: "7.1.0.3")
    key = Key("test", "s", 1)
    with Client(old.hosts) as client:
        client.put(key, BINS)
        for operation, what in (
            (paths.select("m", [context.all_children()]), "paths need server 8.1.2 or later"),
            (
                op.exp.read("x", exp.map_keys("m")),
                "exp.in_list, map_keys and map_values need server 8.1.2 or later",
            ),
            (
                paths.select(
                    "m", [context.all_children_with_filter(exp.strings.to_string(exp.loop_value(int)) == "1")]
                ),
                "paths need server 8.1.2 or later, string expressions need server 8.2 or later",
            ),
        ):
            old.nodes[0].answer_with(4)
            with pytest.raises(errors.RequestInvalid) as caught:
                client.operate(key, [operation])
            assert caught.value.advice == f"{what}; node A1 runs 7.1.0.3"


@pytest.mark.parametrize(
    "value", [[[[True]]], [{"a": 1}], [b"x", [1]], [[126], [127, 1, 2, 3]], [[133, "x"]]]
)
def test_values_inside_an_operation_are_no_expressions(old: EmbeddedCluster, value: object) -> None:
    key = Key("test", "s", 1)
    with Client(old.hosts) as client:
        client.put(key, BINS)
        for operation in (lists.append("l", value), lists.set("l", 0, value), maps.put("m", "k", value)):
            old.nodes[0].answer_with(26)
            with pytest.raises(errors.OpNotApplicable) as caught:
                client.operate(key, [operation])
            assert caught.value.advice == caught.value.result_code.advice


def test_an_error_that_can_not_be_explained_is_raised_all_the_same(
    old: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise TypeError("a fault")

    monkeypatch.setattr("pyspike.cluster.retry.explain", fail)
    with Client(old.hosts) as client:
        old.nodes[0].answer_with(26)
        with pytest.raises(errors.OpNotApplicable):
            client.get(Key("test", "s", 1), timeout=5000)
    assert "could not be explained" in caplog.text


def test_a_request_that_is_malformed_for_another_reason_keeps_its_advice(old: EmbeddedCluster) -> None:
    key = Key("test", "s", 1)
    with Client(old.hosts) as client:
        for filter_expression in (None, exp.int_bin("n") == 1, b"\xc1", b"\x93\x01"):
            old.nodes[0].answer_with(4)
            with pytest.raises(errors.RequestInvalid) as caught:
                client.operate(key, [lists.set("l", 0, [9, 1, 2])], filter_expression=filter_expression)
            assert caught.value.advice == caught.value.result_code.advice
            assert "TTL" not in caught.value.advice


@pytest.mark.parametrize("call", ["operation", "expression", "filter"])
def test_the_server_at_hand_says_so_if_it_is_old(client: Client, key: Key, call: str) -> None:
    """On whatever server the tests run: the older ones refuse by themselves."""
    builds = {tuple(map(int, build.split(".")[:2])) for build in client.info("build").values()}
    if max(builds) >= (8, 2):
        pytest.skip("it knows strings")
    client.put(key, BINS)
    calls = {
        "operation": lambda: client.operate(key, [strings.strlen("s")]),
        "expression": lambda: client.operate(key, [op.exp.read("x", exp.strings.strlen("s"))]),
        "filter": lambda: client.get(key, filter_expression=exp.strings.strlen("s") == 1),
    }
    with pytest.raises(errors.RequestInvalid, match=r"need server 8\.2 or later; node \w+ runs 8\.1"):
        calls[call]()

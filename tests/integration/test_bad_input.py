"""What can't be meant, does not fit or passes a limit is refused by its name, and nothing is sent.

What single operations take is in tests/unit/operations/test_misuse.py: they are refused where they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pyspike import ClientPolicy, InfoPolicy, Key, ReadPolicy, WritePolicy
from pyspike import operations as op
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.operations import context, lists, paths
from pyspike.server import EmbeddedCluster
from pyspike.values import KeyOrderedDict, RawParticle
from support.clients import KINDS
from support.ids import shown

Refusal = tuple[type[InvalidArgument], str]
KEY = ("test", "s", "k")
BIN = r"bins\['b'\]"
LIMIT = 128 << 20  # bytes of a message


@pytest.fixture(scope="module")
def node() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(version="8.1.2") as node:  # takes as many levels of nesting as the client sends
        yield node


@pytest.fixture(scope="module", params=[*KINDS.values()], ids=[*KINDS])
def user(request: pytest.FixtureRequest, node: EmbeddedCluster) -> Iterator[Any]:
    with request.param(node.hosts) as user:
        user.exists(KEY)
        yield user


def sent(node: EmbeddedCluster) -> int:
    return node.nodes[0].stats.data_requests


def expect_refused(node: EmbeddedCluster, call: Callable[[], object], error: type, names: str) -> None:
    before = sent(node)
    with pytest.raises(error, match=names) as caught:
        call()
    assert caught.type is error
    assert sent(node) == before, "something was sent"


# Arguments of every command ---------------------------------------------------------------------------------

READS: dict[str, Callable[..., object]] = {
    "get": lambda user, key=KEY, **how: user.get(key, **how),
    "get bins": lambda user, key=KEY, **how: user.get(key, ["b"], **how),
    "exists": lambda user, key=KEY, **how: user.exists(key, **how),
    "operate, reading": lambda user, key=KEY, **how: user.operate(key, [op.get("b")], **how),
}
REMOVES: dict[str, Callable[..., object]] = {
    "delete": lambda user, key=KEY, **how: user.delete(key, **how),
}
WRITES: dict[str, Callable[..., object]] = {
    "put": lambda user, key=KEY, **how: user.put(key, {"b": 1}, **how),
    "add": lambda user, key=KEY, **how: user.add(key, {"b": 1}, **how),
    "append": lambda user, key=KEY, **how: user.append(key, {"b": "x"}, **how),
    "prepend": lambda user, key=KEY, **how: user.prepend(key, {"b": "x"}, **how),
    "touch": lambda user, key=KEY, **how: user.touch(key, **how),
    "operate": lambda user, key=KEY, **how: user.operate(key, [op.put("b", 1)], **how),
}

KEYS: list[tuple[Any, type, str]] = [
    (None, InvalidType, "NoneType"),
    ("k", InvalidType, "a key must be .* not str"),
    (["test", "s", "k"], InvalidType, "a key must be .* not list"),
    (("test", "s"), InvalidType, "a key must be .* not a tuple of 2"),
    (("test", "s", "k", 1), InvalidType, "a key must be .* not a tuple of 4"),
    ((1, "s", "k"), InvalidType, "the namespace must be a str, not int"),
    ((b"test", "s", "k"), InvalidType, "the namespace must be a str, not bytes"),
    ((None, "s", "k"), InvalidType, "the namespace must be a str"),
    (("", "s", "k"), InvalidArgument, "the namespace's name is empty"),
    (("n" * 32, "s", "k"), InvalidArgument, "the namespace 'n+' takes 32 bytes, the server allows 31"),
    (("\N{SNOWMAN}" * 11, "s", "k"), InvalidArgument, "the namespace .* takes 33 bytes"),
    (("\ud800", "s", "k"), InvalidArgument, "the namespace .* is not valid text"),
    (("test", 5, "k"), InvalidType, "the set must be a str, not int"),
    (("test", b"s", "k"), InvalidType, "the set must be a str, not bytes"),
    (("test", "s" * 64, "k"), InvalidArgument, "the set 's+' takes 64 bytes, the server allows 63"),
    (("test", "\ud800", "k"), InvalidArgument, "the set .* is not valid text"),
    (("test", "s", None), InvalidType, "a key must be int, str or bytes, not NoneType"),
    (("test", "s", 1.5), InvalidType, "a key must be int, str or bytes, not float"),
    (("test", "s", True), InvalidType, "a key must be int, str or bytes, not bool"),
    (("test", "s", ["k"]), InvalidType, "a key must be int, str or bytes, not list"),
    (("test", "s", 2**63), InvalidArgument, f"the key {2**63} does not fit"),
    (("test", "s", -(2**63) - 1), InvalidArgument, f"the key -{2**63 + 1} does not fit"),
    (("test", "s", "\ud800"), InvalidArgument, "the key .* is not valid text"),
]
COMMON: list[tuple[str, Any, type, str]] = [
    *(("key", *case) for case in KEYS),
    ("timeout", -1, InvalidArgument, "timeout must be .* not -1"),
    ("timeout", 2**31, InvalidArgument, "timeout must be .* not 2147483648"),
    ("timeout", float("nan"), InvalidArgument, "timeout must be .* not nan"),
    ("timeout", float("inf"), InvalidArgument, "timeout must be .* not inf"),
    ("timeout", timedelta(seconds=-1), InvalidArgument, "timeout must be"),
    ("timeout", "5", InvalidType, "timeout must be .* not '5'"),
    ("timeout", True, InvalidType, "timeout must be .* not True"),
    ("filter_expression", b"", InvalidArgument, "filter_expression must not be empty"),
    ("filter_expression", "x", InvalidType, "filter_expression must be .* not 'x'"),
    ("filter_expression", 5, InvalidType, "filter_expression must be .* not 5"),
    ("policy", 5, InvalidType, "policy must be a (Read|Write)Policy( or a WritePolicy)? here, not int"),
    (
        "policy",
        {"total_timeout": 5},
        InvalidType,
        "policy must be a (Read|Write)Policy( or a WritePolicy)? here, not dict",
    ),
]
OF_WRITES: list[tuple[str, Any, type, str]] = [
    ("generation", -1, InvalidArgument, "generation must be .* not -1"),
    ("generation", 2**32, InvalidArgument, "generation must be .* not 4294967296"),
    ("generation", True, InvalidType, "generation must be an int, not bool"),
    ("generation", 1.0, InvalidType, "generation must be an int, not float"),
    ("generation", "1", InvalidType, "generation must be an int, not str"),
    ("policy", ReadPolicy(), InvalidType, "policy must be a WritePolicy here, not ReadPolicy"),
]
TTL: list[tuple[str, Any, type, str]] = [
    ("ttl", 0, InvalidArgument, "ttl must be .* not 0"),
    ("ttl", -1, InvalidArgument, "ttl must be .* not -1"),
    ("ttl", 315_360_001, InvalidArgument, "ttl must be .* not 315360001"),
    ("ttl", timedelta(days=3651), InvalidArgument, "ttl must be"),
    ("ttl", "5", InvalidType, "ttl must be .* not '5'"),
    ("ttl", True, InvalidType, "ttl must be .* not True"),
    ("ttl", 1.5, InvalidType, "ttl must be .* not 1.5"),
]
OF_READS: list[tuple[str, Any, type, str]] = [
    ("policy", WritePolicy(), InvalidType, "policy must be a ReadPolicy here, not WritePolicy"),
]


def arguments() -> Iterator[Any]:
    for commands, cases in (
        (READS | REMOVES | WRITES, COMMON),
        (REMOVES | WRITES, OF_WRITES),
        (WRITES, TTL),
        ({name: READS[name] for name in ("get", "exists")}, OF_READS),
    ):
        for name, value, error, names in cases:
            yield pytest.param(commands, name, value, error, names, id=f"{name}={value!r:.40}")


@pytest.mark.parametrize(("commands", "name", "value", "error", "names"), list(arguments()))
def test_an_argument_is_refused_by_every_command(
    node: EmbeddedCluster,
    user: Any,
    commands: dict[str, Callable[..., object]],
    name: str,
    value: Any,
    error: type,
    names: str,
) -> None:
    for call in commands.values():
        expect_refused(node, lambda call=call: call(user, **{name: value}), error, names)  # type: ignore[misc]


# Names and values of bins -----------------------------------------------------------------------------------

NAMES: list[tuple[Any, type, str]] = [
    ("", InvalidArgument, "a bin's name is empty"),
    ("b" * 16, InvalidArgument, "the bin name 'b{16}' takes 16 bytes, the server allows 15"),
    ("\xe9" * 8, InvalidArgument, "the bin name '\xe9{8}' takes 16 bytes"),
    ("\ud800", InvalidArgument, "the bin name .* is not valid text"),
    (1, InvalidType, r"a bin's name must be a str, not int \(1\)"),
    (b"b", InvalidType, "a bin's name must be a str, not bytes"),
    (("b",), InvalidType, "a bin's name must be a str, not tuple"),
]


@pytest.mark.parametrize(("name", "error", "names"), NAMES)
def test_a_bins_name_is_refused_wherever_it_stands(
    node: EmbeddedCluster, user: Any, name: Any, error: type, names: str
) -> None:
    for call in (
        lambda: user.get(KEY, [name]),
        lambda: user.get(KEY, ["a", name]),
        lambda: user.put(KEY, {name: 1}),
        lambda: user.put(KEY, {"a": 1, name: 1}),
        lambda: user.add(KEY, {name: 1}),
        lambda: user.append(KEY, {name: "x"}),
        lambda: user.prepend(KEY, {name: "x"}),
        lambda: user.operate(KEY, [op.get(name)]),
        lambda: user.operate(KEY, [op.put(name, 1)]),
        lambda: user.operate(KEY, [lists.append(name, 1)]),
    ):
        expect_refused(node, call, error, names)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


ITSELF: list[Any] = []
ITSELF.append(ITSELF)

VALUES: list[Any] = [
    ({1, 2}, InvalidType, f"{BIN}: set is not an Aerospike type"),
    (1j, InvalidType, f"{BIN}: complex"),
    (Decimal(1), InvalidType, f"{BIN}: Decimal"),
    (datetime(2026, 1, 1), InvalidType, f"{BIN}: datetime"),
    (object(), InvalidType, f"{BIN}: object"),
    ([1, {"x": {2}}], InvalidType, rf"{BIN}\[1\]\['x'\]: set"),
    (2**63, InvalidArgument, f"{BIN}: {2**63} does not fit"),
    (-(2**63) - 1, InvalidArgument, f"{BIN}: -{2**63 + 1} does not fit"),
    ([0, 2**64], InvalidArgument, rf"{BIN}\[1\]: {2**64} does not fit"),
    ("\ud800", InvalidArgument, BIN),
    (["\ud800"], InvalidArgument, rf"{BIN}\[0\]"),
    ({1.5: 1}, InvalidType, f"{BIN}.*float can't be a map key"),
    ({True: 1}, InvalidType, f"{BIN}.*bool can't be a map key"),
    ({None: 1}, InvalidType, f"{BIN}.*NoneType can't be a map key"),
    ({(1,): 1}, InvalidType, f"{BIN}.*tuple can't be a map key"),
    ([KeyOrderedDict({1.5: 1})], InvalidType, rf"{BIN}\[0\].*float can't be a map key"),
    ({"a": 1, RawParticle(3, b"a"): 2}, InvalidArgument, BIN),
    (RawParticle(256, b""), InvalidArgument, BIN),
    (RawParticle(4, "text"), InvalidType, BIN),  # type: ignore[arg-type]
    (nested(257), InvalidArgument, BIN),
    (ITSELF, InvalidArgument, BIN),
    pytest.param(bytes(LIMIT), InvalidArgument, f"limit of {LIMIT} bytes", id="more than a message holds"),
]


@pytest.mark.parametrize(("value", "error", "names"), VALUES, ids=lambda value: shown(value)[:30])
def test_a_value_is_refused_by_bin_and_place(
    node: EmbeddedCluster, user: Any, value: Any, error: type, names: str
) -> None:
    expect_refused(node, lambda: user.put(KEY, {"a": 1, "b": value}), error, names)
    expect_refused(node, lambda: user.operate(KEY, [op.put("b", value)]), error, names)


SHAPES: dict[str, tuple[Callable[[Any], object], type, str]] = {
    "no bins to put": (lambda user: user.put(KEY, {}), InvalidArgument, "at least one bin"),
    "no bins to add": (lambda user: user.add(KEY, {}), InvalidArgument, "at least one bin"),
    "a list of bins": (lambda user: user.put(KEY, [("b", 1)]), InvalidType, "bins must map .* not list"),
    "None for bins": (lambda user: user.append(KEY, None), InvalidType, "bins must map .* not NoneType"),
    "text for names": (lambda user: user.get(KEY, "ab"), InvalidType, r"write \['ab'\]"),
    "bytes for names": (lambda user: user.get(KEY, b"ab"), InvalidType, "bins must be .* not bytes"),
    "a number for names": (lambda user: user.get(KEY, 5), InvalidType, "bins must be .* not int"),
    "text to add": (lambda user: user.add(KEY, {"b": "1"}), InvalidType, f"{BIN}: str"),
    "a bool to add": (lambda user: user.add(KEY, {"b": True}), InvalidType, f"{BIN}: bool"),
    "too much to add": (lambda user: user.add(KEY, {"b": 2**63}), InvalidArgument, f"{BIN}: {2**63}"),
    "an int to append": (lambda user: user.append(KEY, {"b": 1}), InvalidType, f"{BIN}: int"),
    "a list to prepend": (lambda user: user.prepend(KEY, {"b": [1]}), InvalidType, f"{BIN}: list"),
    "no operations": (lambda user: user.operate(KEY, []), InvalidArgument, "at least one operation"),
    "no list": (lambda user: user.operate(KEY, 5), InvalidType, "operations must be .* not int"),
    "an operation": (lambda user: user.operate(KEY, op.get("b")), InvalidType, "operations must be"),
    "no operation": (lambda user: user.operate(KEY, [("get", "b")]), InvalidType, "operations, not tuple"),
    "32,769 operations": (
        lambda user: user.operate(KEY, [op.get("b")] * 32_769),
        InvalidArgument,
        "32769 operations in one command, the server allows 32768",
    ),
    "32,768 bins": (
        lambda user: user.put(KEY, {f"b{n}": 1 for n in range(32_768)}),
        InvalidArgument,
        "32768 bins .*the server allows 32767",
    ),
    "a ttl of reads": (
        lambda user: user.operate(KEY, [op.get("b")], ttl=5),
        InvalidArgument,
        "ttl has no effect",
    ),
    "a generation of reads": (
        lambda user: user.operate(KEY, [op.get("b")], generation=5),
        InvalidArgument,
        "generation has no effect",
    ),
    "all bins and one": (
        lambda user: user.operate(KEY, [op.get(), op.get("b")]),
        InvalidArgument,
        "reading all bins",
    ),
    "a digest of 19 bytes": (
        lambda user: user.get(Key.from_digest("test", "s", bytes(19))),
        InvalidArgument,
        "a digest has 20 bytes, not 19",
    ),
    "a digest as text": (
        lambda user: user.get(Key.from_digest("test", "s", "x" * 20)),  # type: ignore[arg-type]
        InvalidType,
        "a digest must be bytes, not str",
    ),
    "info of no command": (lambda user: user.info(""), InvalidArgument, "no info command"),
    "info of two lines": (lambda user: user.info("build\nnode"), InvalidArgument, r"'build\\nnode'"),
    "a path of 65 levels": (
        lambda user: user.operate(KEY, [paths.select("b", [context.all_children()] * 65)]),
        InvalidArgument,
        "the path has 65 levels, the server allows 64",
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_call_of_the_wrong_shape_is_refused(node: EmbeddedCluster, user: Any, case: str) -> None:
    call, error, names = SHAPES[case]
    expect_refused(node, lambda: call(user), error, names)


# Ints that Python itself can't print ------------------------------------------------------------------------

HUGE = 10**5000  # str() refuses more than 4,300 digits

HUGE_INTS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a value": (lambda user: user.put(KEY, {"b": HUGE}), BIN),
    "a value below zero": (lambda user: user.put(KEY, {"b": -HUGE}), BIN),
    "a nested value": (lambda user: user.put(KEY, {"b": [1, {"x": HUGE}]}), rf"{BIN}\[1\]\['x'\]"),
    "a map key": (lambda user: user.put(KEY, {"b": {HUGE: 1}}), BIN),
    "a key of an ordered map": (lambda user: user.put(KEY, {"b": [KeyOrderedDict({HUGE: 1})]}), BIN),
    "below a map key": (lambda user: user.put(KEY, {"b": {HUGE: {2}}}), BIN),
    "a value of an operation": (lambda user: user.operate(KEY, [op.put("b", HUGE)]), BIN),
    "a user key": (lambda user: user.get(("test", "s", HUGE)), "the key"),
    "a user key, made": (lambda user: user.get(Key("test", "s", HUGE)), "the key"),
    "a number to add": (lambda user: user.add(KEY, {"b": HUGE}), BIN),
    "a number of an operation that adds": (lambda user: user.operate(KEY, [op.add("b", HUGE)]), BIN),
    "a generation": (lambda user: user.put(KEY, {"b": 1}, generation=HUGE), "generation"),
    "a ttl": (lambda user: user.put(KEY, {"b": 1}, ttl=HUGE), "ttl"),
    "a timeout": (lambda user: user.get(KEY, timeout=HUGE), "timeout"),
    "an index": (lambda user: user.operate(KEY, [lists.get("b", HUGE)]), f"{BIN}, argument 1"),
    "a count": (
        lambda user: user.operate(KEY, [lists.get_by_index_range("b", 0, HUGE)]),
        f"{BIN}, argument 3",
    ),
    "an item": (lambda user: user.operate(KEY, [lists.append("b", HUGE)]), f"{BIN}, argument 1"),
    "an index in a context": (
        lambda user: user.operate(KEY, [lists.size("b", ctx=[context.list_index(HUGE)])]),
        "index",
    ),
    "total_timeout": (lambda user: ReadPolicy(total_timeout=HUGE), "total_timeout"),
    "socket_timeout": (lambda user: WritePolicy(socket_timeout=HUGE), "socket_timeout"),
    "max_retries": (lambda user: ReadPolicy(max_retries=HUGE), "max_retries"),
    "read_touch_ttl": (lambda user: ReadPolicy(read_touch_ttl=HUGE), "read_touch_ttl"),
    "generation": (lambda user: WritePolicy(generation=HUGE), "generation"),
    "expiration": (lambda user: WritePolicy(expiration=HUGE), "expiration"),
    "max_conns_per_node": (lambda user: ClientPolicy(max_conns_per_node=HUGE), "max_conns_per_node"),
    "tend_interval": (lambda user: ClientPolicy(tend_interval=HUGE), "tend_interval"),
    "timeout": (lambda user: InfoPolicy(timeout=HUGE), "timeout"),
}


@pytest.mark.parametrize("case", HUGE_INTS)
def test_an_int_too_long_to_print_is_refused_by_name(node: EmbeddedCluster, user: Any, case: str) -> None:
    call, names = HUGE_INTS[case]
    expect_refused(node, lambda: call(user), InvalidArgument, names)


def test_what_is_just_within_the_limits_is_sent(node: EmbeddedCluster, user: Any) -> None:
    before = sent(node)
    most = Key("test", "s" * 63, -(2**63))
    user.put(most, {"b" * 15: nested(256), "i": 2**63 - 1}, ttl=315_360_000, timeout=2**31 - 1)
    assert user.get(most).bins == {"b" * 15: nested(256), "i": 2**63 - 1}
    assert sent(node) == before + 2

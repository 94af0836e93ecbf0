"""What objects stand for: subclasses count by what they hold, NumPy's scalars by value, buffers by bytes."""

from __future__ import annotations

import array
import ctypes
import enum
import mmap
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import (
    ClientPolicy,
    GeoJSON,
    Host,
    HyperLogLog,
    Key,
    KeyOrderedDict,
    ReadPolicy,
    WritePolicy,
    digest,
    exp,
)
from pyspike import operations as op
from pyspike._wire import (
    numpy_scalar,
    pack_element,
    pack_value,
    plain_bytes,
    plain_int,
    plain_number,
    plain_text,
    ttl_header,
)
from pyspike.arguments import Policies, info_arguments
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.hosts import parse_hosts
from pyspike.operations import bitwise, context, hll, lists, maps, strings
from pyspike.policy import timeout_ms
from support import strategies
from support.messages import parse
from support.unsent import UNSENT

np: Any = pytest.importorskip("numpy")

BLOB = 4


class Liar(str):
    """Says of itself what it does not hold."""

    __slots__ = ()

    def __str__(self) -> str:
        return "a lie"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return "a lie"

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        return b"a lie"

    def __len__(self) -> int:
        return 99


class Word(str, enum.Enum):
    ANN = "ann"


class Number(int):
    def __index__(self) -> int:
        return 99

    def __int__(self) -> int:
        return 99

    def __repr__(self) -> str:
        return "99"

    __str__ = __repr__


class Data(bytes):
    def __bytes__(self) -> bytes:
        return b"a lie"

    def __len__(self) -> int:
        return 99


TEXTS: list[Callable[[str], str]] = [Liar, lambda text: enum.Enum("E", {"A": text}, type=str).A, np.str_]  # type: ignore[attr-defined]
texts = pytest.mark.parametrize("kind", TEXTS, ids=["liar", "enum", "numpy"])


def ops_of(command: Any) -> Any:
    return parse(command.request).ops


# --- the text of subclasses of str ---


@texts
def test_a_key_is_of_the_text_that_its_parts_hold(kind: Callable[[str], str]) -> None:
    key = Key(kind("test"), kind("users"), kind("ann"))
    assert key == Key("test", "users", "ann")
    assert (key.namespace, key.set_name, key.user_key) == ("test", "users", "ann")
    assert {type(part) for part in (key.namespace, key.set_name, key.user_key)} == {str}
    assert digest(kind("users"), kind("ann")) == key.digest
    assert Key.from_digest(kind("test"), kind("users"), key.digest, kind("ann")).user_key == "ann"
    sent = parse(UNSENT.get((kind("test"), kind("users"), kind("ann"))).request)
    assert sent.fields == parse(UNSENT.get(("test", "users", "ann")).request).fields


def test_the_example_of_the_issue() -> None:
    policy = WritePolicy(send_key=True)
    sent = parse(UNSENT.put(("test", "users", Word.ANN), {"b": 1}, policy=policy).request)
    assert sent.field(2) == b"\3ann"
    assert sent.field(4) == digest("users", "ann")


@texts
def test_bins_are_named_by_the_text_that_is_held(kind: Callable[[str], str]) -> None:
    key = ("test", "s", 1)
    for ours, plain in [
        (UNSENT.put(key, {kind("name"): 1}), UNSENT.put(key, {"name": 1})),
        (UNSENT.get(key, [kind("name")]), UNSENT.get(key, ["name"])),
        (UNSENT.get(key, [kind("name"), "name"]), UNSENT.get(key, ["name"])),
        (UNSENT.operate(key, [op.get(kind("name"))]), UNSENT.operate(key, [op.get("name")])),
    ]:
        assert ours.request == plain.request
    for make in (
        lambda name: op.put(name, 1),
        lambda name: lists.append(name, 1),
        op.get,
        lambda name: op.exp.read(name, exp.val(1)),
    ):
        ours, plain = make(kind("name")), make("name")
        assert (ours, ours.bin, type(ours.bin), repr(ours)) == (plain, "name", str, repr(plain))


@texts
def test_values_and_map_keys_are_the_text_that_is_held(kind: Callable[[str], str]) -> None:
    held = kind("text")
    for ours, plain in [
        (held, "text"),
        ([held], ["text"]),
        ({held: held}, {"text": "text"}),
        (KeyOrderedDict({held: 1, "a": 2}), KeyOrderedDict({"text": 1, "a": 2})),
        (GeoJSON(held), GeoJSON("text")),
    ]:
        assert pack_value(ours) == pack_value(plain)
    assert str(GeoJSON(held)) == "text"
    assert GeoJSON(kind("[1]")).unwrap() == [1]


@texts
def test_operations_and_expressions_take_the_text_that_is_held(kind: Callable[[str], str]) -> None:
    held = kind("text")
    for make in (
        lambda text: op.append("b", text),
        lambda text: strings.append("b", text),
        lambda text: strings.find("b", text),
        lambda text: lists.join("b", text),
        lambda text: maps.put("b", text, text),
        lambda text: maps.get_by_key_list("b", [text]),
        lambda text: maps.get_by_key_range("b", text, text),
        lambda text: lists.append("b", 1, ctx=[context.map_key(text)]),
        lambda text: hll.add("b", [text]),
    ):
        assert make(held) == make("text")
    for build in (
        lambda text: exp.str_bin("b") == text,
        exp.int_bin,
        exp.bin_exists,
        exp.string_val,
        lambda text: exp.regex_compare(text, exp.str_bin("b")),
        lambda text: exp.let({text: 1}, exp.var(text) == 1),
        lambda text: exp.lists.size(text),
        lambda text: exp.strings.upper(text),
        lambda text: exp.in_list(1, text),
        lambda text: exp.map_keys(text),
        exp.geo_val,
    ):
        assert build(held).to_bytes() == build("text").to_bytes()
    ctx = [context.map_key("a")]
    assert context.from_base64(kind(context.to_base64(ctx))) == ctx
    made = exp.int_bin("a") == 1
    assert exp.Expression.from_base64(kind(made.to_base64())).same_as(made)


@texts
def test_hosts_policies_and_info_commands_are_the_text_that_is_held(kind: Callable[[str], str]) -> None:
    host = Host(kind("a"), 3000, kind("tls"))
    assert str(host) == "a:tls:3000"
    assert {type(host.name), type(host.tls_name)} == {str}
    assert parse_hosts(kind("a:3000,b")) == parse_hosts("a:3000,b")
    assert parse_hosts([(kind("a"), 3000)]) == parse_hosts("a")
    policy = ClientPolicy(
        cluster_name=kind("c"), application_id=kind("app"), ip_map={kind("10.0.0.1"): kind("a")}
    )
    assert [policy.cluster_name, policy.application_id, policy.ip_map] == ["c", "app", {"10.0.0.1": "a"}]
    assert {type(policy.cluster_name), type(policy.application_id)} == {str}
    assert {type(text) for pair in (policy.ip_map or {}).items() for text in pair} == {str}
    command, node, _ = info_arguments(Policies.of(policy), kind("build"), kind("BB9"), None)
    assert (command, type(command), node, type(node)) == ("build", str, "BB9", str)


def test_names_that_differ_in_python_only_are_refused() -> None:
    """Both would go to one bin, and one of the values would be lost."""
    bins = {Liar("a"): 1, Word("ann"): 2, "b": 3}
    UNSENT.put(("test", "s", 1), bins)
    twice = type("Twice", (str,), {"__hash__": lambda self: 7, "__eq__": lambda self, other: False})
    for names in ({twice("a"): 1, "a": 2}, type("Rows", (), {"items": lambda self: [("a", 1), ("a", 2)]})()):
        with pytest.raises(InvalidArgument, match="the bin 'a' comes twice"):
            UNSENT.put(("test", "s", 1), names)
    with pytest.raises(InvalidArgument, match=r"the key .* comes twice"):
        pack_value({twice("a"): 1, "a": 2})


# --- subclasses of int and bytes ---


def test_subclasses_of_int_and_bytes_count_by_what_they_hold() -> None:
    assert Key("test", "s", Number(7)) == Key("test", "s", 7)
    assert Key("test", "s", Data(b"x")) == Key("test", "s", b"x")
    assert Key("test", "s", HyperLogLog(b"x")) == Key("test", "s", b"x")
    assert type(Key("test", "s", Number(7)).user_key) is int
    assert type(Key("test", "s", Data(b"x")).user_key) is bytes
    for ours, plain in [(Number(7), 7), (Data(b"x"), b"x"), (np.bytes_(b"x"), b"x"), (np.int64(7), 7)]:
        assert pack_value(ours) == pack_value(plain)
        assert pack_value([ours, {ours: 1}]) == pack_value([plain, {plain: 1}])
        assert pack_value(KeyOrderedDict({ours: 1})) == pack_value(KeyOrderedDict({plain: 1}))
    assert lists.get("b", Number(7)) == lists.get("b", 7)
    assert ttl_header(Number(7)) == 7
    assert timeout_ms(Number(7)) == 7
    assert UNSENT.get(("test", "s", 1), filter_expression=Data(b"\xc3")).request


# --- numbers wherever an int does ---

INTS = [np.int64, np.uint8, lambda number: np.array(number), Number]


@pytest.mark.parametrize("kind", INTS, ids=["int64", "uint8", "array", "subclass"])
def test_integers_of_other_kinds_count_wherever_an_int_does(kind: Callable[[int], Any]) -> None:
    put: Any = UNSENT.put
    key = ("test", "s", 1)
    assert put(key, {"b": 1}, ttl=kind(9)).request == put(key, {"b": 1}, ttl=9).request
    assert put(key, {"b": 1}, generation=kind(9)).request == put(key, {"b": 1}, generation=9).request
    assert put(key, {"b": 1}, timeout=kind(9)).total_timeout == 9
    assert ReadPolicy(max_retries=kind(3), read_touch_ttl=kind(50)) == ReadPolicy(
        max_retries=3, read_touch_ttl=50
    )
    assert type(ReadPolicy(max_retries=kind(3)).max_retries) is int
    assert WritePolicy(expiration=kind(9), total_timeout=kind(9)) == WritePolicy(
        expiration=9, total_timeout=9
    )
    assert Host("a", kind(30)).port == 30
    assert type(Host("a", kind(30)).port) is int
    assert parse_hosts([("a", kind(30))]) == parse_hosts("a:30")
    assert Key("test", "s", kind(9)) == Key("test", "s", 9)
    assert lists.get_range("b", kind(1), kind(2)) == lists.get_range("b", 1, 2)
    assert lists.append("b", 1, order=kind(1), write_flags=kind(1)) == lists.append(
        "b", 1, order=1, write_flags=1
    )
    assert maps.get_by_key("b", kind(1), return_type=kind(8)) == maps.get_by_key("b", 1, return_type=8)
    assert bitwise.get_int("b", kind(0), kind(8)) == bitwise.get_int("b", 0, 8)
    assert hll.init("b", kind(8)) == hll.init("b", 8)
    assert (exp.int_bin("b") == kind(3)).same_as(exp.int_bin("b") == 3)
    assert exp.int_val(kind(3)).same_as(exp.int_val(3))
    assert exp.float_val(kind(3)).same_as(exp.float_val(3.0))
    assert exp.key(kind(2)).same_as(exp.key(2))
    assert op.add("b", kind(3)) == op.add("b", 3)


@pytest.mark.parametrize("truth", [True, np.True_], ids=["bool", "numpy"])
def test_a_bool_counts_nowhere_as_an_int(truth: Any) -> None:
    put: Any = UNSENT.put
    for make in (
        lambda: put(("test", "s", 1), {"b": 1}, ttl=truth),
        lambda: put(("test", "s", 1), {"b": 1}, generation=truth),
        lambda: put(("test", "s", 1), {"b": 1}, timeout=truth),
        lambda: ReadPolicy(max_retries=truth),
        lambda: ReadPolicy(total_timeout=truth),
        lambda: WritePolicy(expiration=truth),
        lambda: Host("a", truth),
        lambda: Key("test", "s", truth),
        lambda: lists.get("b", truth),
        lambda: lists.append("b", 1, order=truth),
        lambda: lists.append("b", 1, write_flags=truth),
        lambda: lists.increment("b", 0, truth),
        lambda: maps.put("b", truth, 1),
        lambda: pack_value({truth: 1}),
        lambda: op.add("b", truth),
        lambda: exp.int_val(truth),
        lambda: exp.key(truth),
    ):
        with pytest.raises(InvalidType):
            make()


# --- NumPy's scalars ---

MEANT = [
    (np.True_, True),
    (np.False_, False),
    (np.int8(-3), -3),
    (np.uint64(2**63 - 1), 2**63 - 1),
    (np.float64(0.1), 0.1),
    (np.float32(0.1), float(np.float32(0.1))),
    (np.float16(0.1), float(np.float16(0.1))),
    (np.str_("é"), "é"),
    (np.bytes_(b"\0x"), b"\0x"),
    (np.array([1, 2], dtype=np.uint8), b"\1\2"),
    (np.array([-1], dtype=np.int8), b"\xff"),
]
NOT_MEANT = [
    np.datetime64("2026-01-01"),
    np.datetime64("2026-01-01T00:00:00.000000001"),
    np.timedelta64(5, "s"),
    np.longdouble(1),
    np.complex64(1),
    np.void(b"abc"),
    np.array((1, 2.5), dtype=[("a", "i4"), ("b", "f8")])[()],
    np.array([1.5]),
    np.array([True]),
    np.array(["a"]),
    np.array([b"a"]),
    np.array([None]),
    np.array(["2026-01-01"], dtype="M8[D]"),
    np.array([(1,)], dtype=[("a", "i1")]),
    np.array(1.5),
    np.zeros((2, 2), dtype=np.uint8),
    np.zeros(4, dtype=np.uint8)[::2],
    array.array("d", [1.5]),
    array.array("H", [1]),
    array.array("w" if "w" in array.typecodes else "u", "a"),
    memoryview(bytes(8)).cast("d"),
    memoryview(bytes(8)).cast("?"),
    memoryview(bytes(4))[::2],
    (ctypes.c_ubyte * 2)(),
    (ctypes.c_char * 2)(),
    (ctypes.c_int * 2)(),
    ctypes.create_string_buffer(2),
    type("S", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_char)]})(),
]


def kind_of(value: Any) -> str:
    kind = value.format if isinstance(value, memoryview) else getattr(value, "dtype", "")
    return f"{type(value).__name__}-{kind}"


@pytest.mark.parametrize(("value", "plain"), MEANT, ids=kind_of)
def test_what_stands_for_a_python_value_is_taken_as_it(value: Any, plain: Any) -> None:
    assert pack_value(value) == pack_value(plain)
    assert pack_value([{"k": value}]) == pack_value([{"k": plain}])
    assert pack_element(value) == pack_element(plain)
    assert (exp.list_bin("b") != [value]).same_as(exp.list_bin("b") != [plain])
    assert exp.val(value).same_as(exp.val(plain))


@pytest.mark.parametrize("value", NOT_MEANT, ids=kind_of)
def test_what_stands_for_none_is_refused_by_bin_path_and_type(value: Any) -> None:
    name = type(value).__name__
    for bins, place in [
        ({"b": value}, "bins['b']"),
        ({"b": [1, value]}, "bins['b'][1]"),
        ({"b": {"k": (value,)}}, "bins['b']['k'][0]"),
    ]:
        with pytest.raises(InvalidType) as caught:
            UNSENT.put(("test", "s", 1), bins)
        assert caught.value.message.startswith(f"{place}: {name} ")
        assert caught.value.advice
    for make in (
        lambda: Key("test", "s", value),
        lambda: exp.val(value),
        lambda: maps.put("b", value, 1),
        lambda: bitwise.set("b", 0, 8, value),
        lambda: op.append("b", value),
        lambda: exp.blob_val(value),
        lambda: Key.from_digest("test", "s", value),
    ):
        with pytest.raises(InvalidArgument):
            make()


def test_a_float_of_another_kind_is_a_number() -> None:
    assert timeout_ms(np.float32(2.5)) == 2.5
    assert op.add("b", np.float32(2.5)) == op.add("b", 2.5)
    assert lists.increment("b", 0, np.float64(2.5)) == lists.increment("b", 0, 2.5)
    for key in (np.float32(1), np.float64(1)):
        with pytest.raises(InvalidType, match="a bool or float would collide"):
            Key("test", "s", key)
        with pytest.raises(InvalidType, match="can't be a map key"):
            pack_value({key: 1})


def test_scalars_of_no_interest_are_no_values() -> None:
    for value in (np.longdouble(1), np.datetime64("2026-01-01"), 1, True, "a", None, object(), np.array(1.5)):
        assert numpy_scalar(value) is None
    assert plain_int(np.True_) is plain_int(True) is plain_int(1.0) is plain_int("1") is None
    assert plain_number(np.True_) is plain_number(True) is plain_number("1") is plain_number(1j) is None


# --- buffers ---


def buffers(data: bytes) -> list[Any]:
    """All the ways to hold bytes, and all the formats of a memoryview of them."""
    return [bytearray(data), memoryview(data), array.array("B", data), np.frombuffer(data, np.uint8)]


@strategies.bounded
@given(st.binary(min_size=1, max_size=64))
def test_a_buffer_of_bytes_is_its_bytes(data: bytes) -> None:
    for buffer in buffers(data):
        assert pack_value(buffer) == (BLOB, data)
        assert plain_bytes(buffer) == data
        assert Key("test", "s", buffer) == Key("test", "s", data)


@strategies.bounded
@given(st.binary(min_size=1, max_size=8), st.sampled_from("BbcHhIiLlQqNnfd?"))
def test_a_memoryview_is_bytes_in_the_formats_of_bytes_only(data: bytes, form: str) -> None:
    view = memoryview(data * 8).cast(form)
    if form in "Bbc":
        assert pack_value(view) == (BLOB, data * 8)
        assert pack_value([view]) == pack_value([data * 8])
    else:
        with pytest.raises(InvalidType, match=r"value: memoryview of (items|format)"):
            pack_value(view)
        assert plain_bytes(view) is None


@strategies.bounded
@given(st.text(max_size=20))
def test_the_text_of_a_liar_is_what_it_holds(text: str) -> None:
    assert plain_text(Liar(text)) == text
    assert type(plain_text(Liar(text))) is str
    assert pack_value(Liar(text)) == pack_value(text)


def test_a_mapped_file_is_bytes() -> None:
    with mmap.mmap(-1, 4) as mapped:
        assert pack_value(mapped) == (BLOB, bytes(4))


def test_a_buffer_that_is_gone_says_so() -> None:
    view = memoryview(b"x")
    view.release()
    with pytest.raises(InvalidType, match=r"value: memoryview is not an Aerospike type: .*released"):
        pack_value(view)

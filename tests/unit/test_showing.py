"""Messages and reprs are bounded, whatever is in them, and say what is wrong by name."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from pyspike import (
    ClientPolicy,
    GeoJSON,
    Host,
    Key,
    KeyOrderedDict,
    RawParticle,
    ReadPolicy,
    Record,
    WritePolicy,
    digest,
    exp,
)
from pyspike import operations as op
from pyspike._wire import pack_value
from pyspike.arguments import Policies, info_arguments
from pyspike.cluster.info_answers import check
from pyspike.errors import AerospikeError, InvalidArgument, InvalidType, RequestInvalid
from pyspike.hosts import parse_hosts
from pyspike.operations import bitwise, context, hll, lists, maps, strings
from pyspike.operations.context import from_base64
from pyspike.showing import clipped, shown
from support import strategies
from support.unsent import UNSENT

HUGE = "x" * 10**6
LARGE = "x" * 10_000
DIGITS = 10**5000  # more than Python writes
KEY = ("test", "s", 1)
A_LINE = 700  # characters that a message may have


def put(bins: Any, **keywords: Any) -> Any:
    return UNSENT.put(KEY, bins, **keywords)


# --- how values are shown ---


@strategies.bounded
@given(strategies.values)
def test_what_is_short_is_shown_as_its_repr(value: Any) -> None:
    text = repr(value)
    assert len(shown(value)) <= 200
    assert shown(value, 10**6) == text
    assert len(text) > 200 or shown(value) == text


@pytest.mark.parametrize(
    "value",
    [
        HUGE,
        HUGE.encode(),
        bytearray(10**6),
        [HUGE] * 10**5,
        (HUGE,),
        {HUGE: HUGE},
        dict.fromkeys(range(10**6)),
        [[[[HUGE]]]],
        KeyOrderedDict(a=HUGE),
        {1, HUGE},
        DIGITS,
        [DIGITS],
        GeoJSON(HUGE),
        RawParticle(9, HUGE.encode()),
        type("Long", (), {"__repr__": lambda self: HUGE})(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_long_is_cut(value: Any) -> None:
    assert 10 < len(shown(value)) <= 200
    assert 10 < len(shown(value, 50)) <= 50


def test_what_can_not_show_itself_harms_no_message() -> None:
    def fail(self: object) -> str:
        raise ZeroDivisionError

    assert shown(type("Broken", (), {"__repr__": fail})()) == "<Broken>"
    with pytest.raises(InvalidType, match="<Broken>"):
        op.put(type("Broken", (), {"__repr__": fail})(), 1)  # type: ignore[arg-type]


def test_a_list_that_holds_itself_is_shown() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    assert shown(endless).startswith("[1, [1, [1")
    assert len(shown(endless)) <= 200


def test_a_text_is_clipped_with_an_ellipsis() -> None:
    assert (clipped("abc", 3), clipped("abcd", 3)) == ("abc", "ab…")


# --- reprs ---


@pytest.mark.parametrize(
    "thing",
    [
        Key("test", "s", HUGE),
        Key("test", "s", HUGE.encode()),
        Record(Key("test", "s", HUGE), {"a": HUGE, "b": [HUGE]}, 1, 0),
        Record(Key("test", "s", 1), {f"bin{number}": HUGE for number in range(1000)}, 1, 0),
        op.put("a", HUGE),
        op.put("a", [HUGE] * 10),
        lists.append("a", HUGE),
        lists.append("a", 1, ctx=[context.map_key(HUGE)] * 60),
        maps.get_by_key_list("a", [HUGE] * 10),
        context.map_key(HUGE),
        strings.append("a", HUGE),
        exp.str_bin("a") == HUGE,
        exp.and_(*[exp.str_bin("a") == LARGE] * 1000),
        op.exp.read("a", exp.and_(*[exp.str_bin("a") == LARGE] * 1000)),
        GeoJSON(HUGE),
        RawParticle(9, HUGE.encode()),
        ReadPolicy(filter_expression=HUGE.encode()),
        ClientPolicy(ip_map={HUGE: HUGE}, cluster_name=HUGE),
        WritePolicy(filter_expression=exp.and_(*[exp.str_bin("a") == "x" * 1000] * 500)),
        AerospikeError(HUGE, key=Key("test", "s", HUGE), advice=HUGE),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_a_repr_is_bounded(thing: Any) -> None:
    assert len(repr(thing)) < 11_000
    assert len(str(thing)) < 11_000 or isinstance(thing, GeoJSON)


# --- messages ---

LONG: list[Callable[[], Any]] = [
    lambda: Key(HUGE, "s", 1),
    lambda: Key("test", HUGE, 1),
    lambda: Key("test", "s", DIGITS),
    lambda: Key("test", "s", "\ud800" + HUGE),
    lambda: Key("\ud800" + HUGE, "s", 1),
    lambda: digest(HUGE, 1),
    lambda: put({HUGE: 1}),
    lambda: put({"\ud800" + HUGE: 1}),
    lambda: put({"a": {HUGE: {1}}}),
    lambda: put({"a": {(HUGE,): 1}}),
    lambda: put({"a": DIGITS}),
    lambda: put({"a": RawParticle(HUGE, b"")}),  # type: ignore[arg-type]
    lambda: put({"a": RawParticle(DIGITS, b"")}),
    lambda: put({"a": 1}, ttl=HUGE),
    lambda: put({"a": 1}, timeout=HUGE),
    lambda: put({"a": 1}, timeout=DIGITS),
    lambda: put({"a": 1}, generation=DIGITS),
    lambda: put({"a": 1}, filter_expression=HUGE),
    lambda: UNSENT.get(KEY, HUGE),
    lambda: UNSENT.get(KEY, [HUGE]),
    lambda: UNSENT.get(KEY, [[HUGE]]),
    lambda: UNSENT.operate(KEY, HUGE),
    lambda: UNSENT.operate(KEY, [HUGE]),
    lambda: op.get(HUGE),
    lambda: op.add("a", HUGE),  # type: ignore[arg-type]
    lambda: lists.get("a", HUGE),  # type: ignore[arg-type]
    lambda: lists.get("a", DIGITS),
    lambda: lists.append_items("a", HUGE),
    lambda: lists.append("a", 1, order=HUGE),  # type: ignore[arg-type]
    lambda: lists.append("a", 1, order=DIGITS),  # type: ignore[arg-type]
    lambda: lists.append("a", 1, write_flags=DIGITS),  # type: ignore[arg-type]
    lambda: lists.append("a", 1, ctx=HUGE),  # type: ignore[arg-type]
    lambda: maps.put("a", (HUGE,), 1),  # type: ignore[arg-type]
    lambda: maps.put_items("a", HUGE),  # type: ignore[arg-type]
    lambda: bitwise.set("a", 0, 8, HUGE),  # type: ignore[arg-type]
    lambda: bitwise.get_int("a", 0, DIGITS),
    lambda: hll.init("a", DIGITS),
    lambda: hll.get_union("a", [HUGE]),
    lambda: strings.append("a", [HUGE]),  # type: ignore[arg-type]
    lambda: op.exp.read("a", HUGE),  # type: ignore[arg-type]
    lambda: op.exp.read("a", exp.var(HUGE)),
    lambda: from_base64(HUGE),
    lambda: exp.Expression.from_base64(HUGE),
    lambda: exp.int_bin(HUGE),
    lambda: exp.int_val(HUGE),  # type: ignore[arg-type]
    lambda: exp.val({HUGE}),  # type: ignore[arg-type]
    lambda: exp.key(HUGE),  # type: ignore[arg-type]
    lambda: exp.key(DIGITS),  # type: ignore[arg-type]
    lambda: exp.digest_modulo(-DIGITS),
    lambda: exp.define(HUGE + "-", 1),
    lambda: exp.let({HUGE: 1}, exp.var(HUGE) == "a"),
    lambda: exp.num_add(HUGE, 1),
    lambda: exp.int_bin("a") == HUGE,
    lambda: exp.and_(*[exp.str_bin("a") == LARGE] * 1000, 1),
    lambda: UNSENT.get(KEY, filter_expression=exp.string_val(HUGE)),
    lambda: Host(HUGE + " "),
    lambda: Host(HUGE),
    lambda: Host("a", tls_name=HUGE),
    lambda: Host("a", DIGITS),
    lambda: parse_hosts(HUGE + "::"),
    lambda: parse_hosts([[HUGE] * 4]),  # type: ignore[list-item]
    lambda: parse_hosts({HUGE: 1}),  # type: ignore[arg-type]
    lambda: parse_hosts("a:" + "9" * 10**6 + "x"),
    lambda: ReadPolicy(max_retries=HUGE),  # type: ignore[arg-type]
    lambda: ReadPolicy(max_retries=DIGITS),
    lambda: ReadPolicy(replica=HUGE),  # type: ignore[arg-type]
    lambda: ReadPolicy(**{HUGE: 1}),  # type: ignore[arg-type]
    lambda: ClientPolicy(ip_map={HUGE: 1}),  # type: ignore[dict-item]
    lambda: info_arguments(Policies.of(ClientPolicy()), HUGE + "\n", None, None),
    lambda: info_arguments(Policies.of(ClientPolicy()), "build", [HUGE], None),  # type: ignore[arg-type]
    lambda: check(f"ERROR:4:{HUGE}"),
]


@pytest.mark.parametrize("make", LONG, ids=range(len(LONG)))
def test_a_message_is_bounded(make: Callable[[], Any]) -> None:
    with pytest.raises((AerospikeError, TypeError)) as caught:
        make()
    limit = 3000 if isinstance(caught.value, RequestInvalid) else A_LINE  # a server's own words
    assert len(str(caught.value)) < limit
    assert len(repr(caught.value)) < limit


# --- NUL ---


@pytest.mark.parametrize(
    "make",
    [
        lambda name: Key(name, "s", 1),
        lambda name: Key("test", name, 1),
        lambda name: digest(name, 1),
        lambda name: put({name: 1}),
        lambda name: UNSENT.get(KEY, [name]),
        lambda name: UNSENT.add(KEY, {name: 1}),
        op.get,
        lambda name: lists.append(name, 1),
        lambda name: op.exp.read(name, exp.val(1)),
        exp.int_bin,
        exp.bin_exists,
        lambda name: exp.lists.size(name),
        lambda name: exp.regex_compare(name, exp.str_bin("a")),
    ],
)
@pytest.mark.parametrize("name", ["a\0b", "\0", "a\0", "abcdefgh\0", "abcdefg\0", "é\0", "12345678abc\0"])
def test_a_nul_in_a_name_is_refused_by_name(make: Callable[[str], Any], name: str) -> None:
    with pytest.raises(InvalidArgument, match="has a NUL") as caught:
        make(name)
    assert repr(name) in caught.value.message


def test_a_nul_in_a_key_or_value_is_data() -> None:
    assert Key("test", "s", "a\0b").user_key == "a\0b"
    assert pack_value({"a\0": "\0"})
    assert maps.put("b", "a\0", 1)


# --- what is changed meanwhile ---


class Changing:
    """An int that does something when it is looked at."""

    def __init__(self, change: Callable[[], object]) -> None:
        self.change = change

    def __index__(self) -> int:
        self.change()
        return 1


@pytest.mark.parametrize(
    "change", [dict.clear, lambda rows: rows.update(more=1), lambda rows: rows.popitem()]
)
@pytest.mark.parametrize("kind", [dict, KeyOrderedDict])
def test_a_dict_that_changes_is_named_by_bin_and_path(kind: type[dict[str, Any]], change: Any) -> None:
    rows: dict[str, Any] = kind(a=0, b=2, c=3)
    rows["a"] = Changing(lambda: change(rows))
    with pytest.raises(InvalidArgument) as caught:
        put({"prefs": [0, {"x": rows}]})
    assert caught.value.message == "bins['prefs'][1]['x']: the dict changed its size while it was packed"


def test_a_dict_whose_keys_are_swapped_meanwhile_is_an_error_too() -> None:
    rows: dict[Any, Any] = KeyOrderedDict(a=0, b=2)
    rows["a"] = Changing(lambda: (rows.pop("b"), rows.update(c=1)))
    with pytest.raises(InvalidArgument, match="value: the dict changed"):
        pack_value(rows)


@pytest.mark.parametrize("change", [dict.clear, lambda bins: bins.update(more=1)])
def test_bins_that_change_are_an_error(change: Any) -> None:
    bins: dict[str, Any] = {"a": 0, "b": 2}
    bins["a"] = Changing(lambda: change(bins))
    with pytest.raises(InvalidArgument, match="bins changed its size while it was packed"):
        put(bins)


# --- advice that fits ---


def advice_of(make: Callable[[], Any]) -> str:
    with pytest.raises(AerospikeError) as caught:
        make()
    return caught.value.advice


def test_advice_is_about_what_was_done() -> None:
    make: Any = Key
    assert "Key.from_digest" in advice_of(lambda: make("test", "s", None))
    assert "collide" in advice_of(lambda: make("test", "s", True))
    assert "collide" in advice_of(lambda: make("test", "s", 1.5))
    assert "make an int, a str or bytes of it" in advice_of(lambda: make("test", "s", (1, 2)))
    for text in ("a:3000;b:3000", "a;b", "a:3000 b:3000", "a b"):
        assert "commas" in advice_of(lambda text=text: parse_hosts(text))
    assert "8.2" in advice_of(lambda: pack_value(nested(257)))
    for answer in ("ERROR:4:unrecognized command", "FAIL:4:no", "error=unknown"):
        assert "info command" in advice_of(lambda answer=answer: check(answer))
        assert "TTL" not in advice_of(lambda answer=answer: check(answer))


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("span", [0.5, 0.001, 0.999999, 1e-9])
def test_a_span_below_a_millisecond_is_taken_for_a_mistake(span: float) -> None:
    """It reads like seconds; what is meant so is a timedelta."""
    for make in (
        lambda: put({"a": 1}, timeout=span),
        lambda: ReadPolicy(total_timeout=span),
        lambda: ReadPolicy(socket_timeout=span),
        lambda: WritePolicy(sleep_between_retries=span),
        lambda: WritePolicy(timeout_delay=span),
        lambda: ClientPolicy(tend_interval=span),
        lambda: ClientPolicy(timeout=span),
    ):
        assert f"timedelta(seconds={span!r})" in advice_of(make)


class Unit(str, enum.Enum):
    A = "a"


def test_a_place_is_told_by_the_text_that_is_held() -> None:
    with pytest.raises(InvalidType) as caught:
        put({Unit.A: {1}})
    assert caught.value.message == "bins['a']: set is not an Aerospike type"

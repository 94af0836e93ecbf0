"""Codecs: values of types that Aerospike has none for are stored on purpose, and come back as they were."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import pickle
import uuid
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pyspike
from pyspike import (
    BatchRead,
    Client,
    ClientPolicy,
    Codec,
    InvalidArgument,
    InvalidType,
    Key,
    OrderedList,
    SchemaMismatch,
    Statement,
    codecs,
)
from pyspike import operations as op
from support.examples import examples

pytestmark = pytest.mark.both_kinds


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(str, enum.Enum):
    YES = "yes"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Money:
    """A type of the user's own."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    def __hash__(self) -> int:
        return hash(self.cents)


def encode_money(money: Money) -> dict[str, int]:
    return {"cents": money.cents}


def decode_money(stored: Any) -> Money:
    return Money(stored["cents"])


MONEY = Codec(Money, encode_money, decode_money)
PLAIN = [
    codecs.DATETIME,
    codecs.DATE,
    codecs.DECIMAL,
    codecs.UUID,
    codecs.SET,
    codecs.FROZENSET,
    codecs.enum(Color),
    codecs.enum(Level),
    codecs.enum(Word),
    codecs.enum(Right),
    MONEY,
]
TAGGED = [each if issubclass(each.type, (int, str)) else each.tagged() for each in PLAIN]


@pytest.fixture
def plain(hosts: str) -> Iterator[Client]:
    with Client(hosts, ClientPolicy(codecs=PLAIN)) as client:
        yield client


@pytest.fixture
def tagged(hosts: str) -> Iterator[Client]:
    with Client(hosts, ClientPolicy(codecs=TAGGED)) as client:
        yield client


# What is stored ---------------------------------------------------------------------------------------------

NUMBER = uuid.UUID(int=5)
BERLIN = dt.datetime(2026, 1, 31, 10, tzinfo=ZoneInfo("Europe/Berlin"))
STORED = [
    (dt.datetime(2026, 1, 31, 10, 0, 0, 5, dt.timezone.utc), "2026-01-31T10:00:00.000005+00:00"),
    (BERLIN, "2026-01-31T10:00:00+01:00[Europe/Berlin]"),
    (dt.date(2026, 1, 31), "2026-01-31"),
    (Decimal("12.50"), "12.50"),
    (Decimal("sNaN"), "sNaN"),
    (NUMBER, "00000000-0000-0000-0000-000000000005"),
    ({5}, [5]),
    (Color.BLUE, "BLUE"),
    (Right.READ | Right.WRITE, 3),
    (Money(5), {"cents": 5}),
]


@pytest.mark.parametrize(
    ("value", "stored"), STORED, ids=[type(value).__name__ + str(i) for i, (value, _) in enumerate(STORED)]
)
def test_what_is_stored_is_told(
    plain: Client, tagged: Client, client: Client, key: Key, value: Any, stored: Any
) -> None:
    plain.put(key, {"a": value, "b": [value, {"x": value}]})
    assert client.get(key).bins == {"a": stored, "b": [stored, {"x": stored}]}
    tagged.put(key, {"a": value, "b": [value, {"x": value}]})
    mark = f"${type(value).__name__.lower()}"
    assert client.get(key).bins == {"a": {mark: stored}, "b": [{mark: stored}, {"x": {mark: stored}}]}


def test_without_a_codec_they_are_refused_as_ever(client: Client, key: Key) -> None:
    for value in (*(value for value, _ in STORED), [{"x": {1}}]):
        with pytest.raises(InvalidType, match="is not an Aerospike type"):
            client.put(key, {"a": value})


def test_an_operation_with_a_value_that_has_a_codec_is_told_how() -> None:
    with pytest.raises(InvalidType) as caught:
        op.put("a", {1})
    assert caught.value.advice is not None
    assert "an operation, an expression or a filter takes codec.stored(value)" in caught.value.advice


# What comes back --------------------------------------------------------------------------------------------

few = settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
zones = st.one_of(
    st.just(dt.timezone.utc),
    st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]).map(ZoneInfo),
)
atoms = st.one_of(
    st.dates(),
    st.decimals().filter(lambda number: not number.is_snan()),  # which no set takes
    st.uuids(),
    st.sampled_from([*Color, Right.READ, Right.WRITE, Right.READ | Right.WRITE, Right(0)]),
    st.integers(0, 2**63 - 1).map(Money),
    st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=zones),
)
plain_atoms = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.text(max_size=5), st.binary(max_size=5), st.booleans()
)
hashable = st.one_of(atoms, plain_atoms)
sets = st.one_of(
    st.frozensets(hashable, max_size=3),
    st.sets(st.one_of(hashable, st.frozensets(hashable, max_size=2)), max_size=3),
)
values = st.recursive(
    st.one_of(atoms, plain_atoms, sets),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def same(one: Any, other: Any) -> bool:
    """Whether values are equal in all that codecs promise."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, dt.datetime):
        return (one.replace(tzinfo=None), one.utcoffset(), str(one.tzinfo)) == (
            other.replace(tzinfo=None),
            other.utcoffset(),
            str(other.tzinfo),
        )
    if isinstance(one, (set, frozenset)):
        return sorted(map(repr, map(bare, one))) == sorted(map(repr, map(bare, other)))
    return repr(bare(one)) == repr(bare(other))


def bare(value: Any) -> Any:
    if isinstance(value, Money):
        return value.cents
    if isinstance(value, dt.datetime):  # without what `fold` is where it means nothing
        return value.isoformat(), str(value.tzinfo)
    return sorted(map(repr, map(bare, value))) if isinstance(value, frozenset) else value


@few
@given(value=values)
def test_what_is_tagged_comes_back_wherever_it_is(tagged: Client, key: Key, value: Any) -> None:
    tagged.put(key, {"a": value, "b": {"inner": [value]}, "c": 0})
    found = tagged.get(key)
    assert same(found["a"], value)
    assert same(found["b"], {"inner": [value]})


def test_every_way_of_reading_decodes_what_is_tagged(tagged: Client, key: Key) -> None:
    bins = {"a": [Money(5)], "b": {"x": dt.date(2026, 1, 1)}}
    tagged.batch_put({key: bins})
    assert tagged.get(key).bins == bins
    assert tagged.operate(key, [op.get("a"), op.get("b")]).results == list(bins.values())
    assert [row.bins for row in tagged.batch_get([key]) if row] == [bins]
    assert [row.record.bins for row in tagged.batch([BatchRead(key)]) if row.record] == [bins]
    with tagged.batch_stream([BatchRead(key)]) as stream:
        assert [row.record.bins for row in stream if row.record] == [bins]
    with tagged.query(Statement(key.namespace, key.set_name)) as records:
        assert [each.bins for each in records if each.key.digest == key.digest] == [bins]
    tagged.update(key, lambda bins: {"a": [*bins["a"], Money(6)]})
    assert tagged.get(key)["a"] == [Money(5), Money(6)]


def test_update_writes_what_is_equal_but_stored_as_another(tagged: Client, key: Key) -> None:
    bins = {"a": Decimal("12.5"), "b": BERLIN, "c": {1, 2}, "d": Decimal("sNaN")}
    tagged.put(key, bins)
    generation = tagged.get(key).generation
    tagged.update(key, lambda bins: None)
    assert tagged.get(key).generation == generation
    after = {"a": Decimal("12.50"), "b": BERLIN.astimezone(dt.timezone.utc), "c": {1.0, 2.0}}
    tagged.update(key, lambda bins: after)
    assert repr(tagged.get(key).bins) == repr(bins | after)


@dataclasses.dataclass
class Order:
    when: dt.datetime
    day: dt.date
    total: Decimal
    number: uuid.UUID
    color: Color
    rights: Right
    level: Level
    word: Word
    price: Money
    days: list[dt.date]
    tags: set[str]
    numbers: frozenset[uuid.UUID]
    by_name: dict[str, Decimal | None]
    maybe: dt.date | None = None


orders = st.builds(
    Order,
    when=st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=zones),
    day=st.dates(),
    total=st.decimals(allow_nan=False),
    number=st.uuids(),
    color=st.sampled_from(Color),
    rights=st.sampled_from([Right.READ, Right.READ | Right.WRITE]),
    level=st.sampled_from(Level),
    word=st.just(Word.YES),
    price=st.integers(0, 9).map(Money),
    days=st.lists(st.dates(), max_size=3),
    tags=st.sets(st.text(max_size=3), max_size=3),
    numbers=st.frozensets(st.uuids(), max_size=3),
    by_name=st.dictionaries(st.text(max_size=3), st.none() | st.decimals(allow_nan=False), max_size=3),
    maybe=st.none() | st.dates(),
)


@pytest.mark.one_kind("both kinds make objects by the same code")
@few
@given(order=orders)
def test_a_class_decodes_what_its_fields_say(plain: Client, tagged: Client, key: Key, order: Order) -> None:
    for client in (plain, tagged):
        client.delete(key)
        client.put(key, order)
        found = client.get(key, into=Order)
        assert found == order
        assert same(found.when, order.when)
        assert same(found.total, order.total)


# What does not come back is refused -------------------------------------------------------------------------


def test_what_would_not_come_back_is_refused_with_its_place(tagged: Client, key: Key) -> None:
    class Zone(dt.tzinfo):
        def utcoffset(self, when: dt.datetime | None) -> dt.timedelta:
            return dt.timedelta(hours=1)

    refused: list[tuple[Any, str]] = [
        (dt.datetime(2026, 1, 1), r"bins\['a'\]\[0\]: datetime .* a datetime without a time zone"),
        (dt.datetime(2026, 1, 1, tzinfo=Zone()), r"time zone of the type Zone has no name to keep"),
        ({(1, 2)}, r"bins\['a'\]\[0\]: set .* tuples come back as lists"),
        ({"$datetime": "2026"}, r"bins\['a'\]\[0\]: a map with the only key '\$datetime' would be read as"),
    ]
    for value, message in refused:
        with pytest.raises(InvalidArgument, match=message):
            tagged.put(key, {"a": [value]})
    with pytest.raises(InvalidType, match=r"bins\['a'\]: special is not an Aerospike type"):
        tagged.put(key, {"a": type("special", (Decimal,), {})(5)})
    assert not tagged.exists(key)


def test_what_only_looks_marked_stays_as_it_is(tagged: Client, client: Client, key: Key) -> None:
    bins = {"a": {"$date": "no date"}, "b": [{"$date": [1]}], "c": {"$date": "2026-01-01", "more": 1}}
    client.put(key, bins)
    assert tagged.get(key).bins == bins


MARKED = [
    {"$decimal": " 1_0 "},
    {"$decimal": "1e3"},
    {"$date": "2026-W05-6"},
    {"$date": "20260131"},
    {"$uuid": "{00000000-0000-0000-0000-000000000001}"},
    {"$uuid": "00000000000000000000000000000001"},
    {"$datetime": "2026-01-31 10:00Z"},
    {"$datetime": "2026-01-31T10:00:00+01:00[Europe/Berlin"},
    {"$right": -1},
    {"$right": 8},
    {"$set": [1, 1]},
    {"$set": [1, True]},
    {"$set": OrderedList([1, 2])},
    {"$frozenset": ["a", "a"]},
]


def test_what_no_codec_has_made_stays_as_it_is(tagged: Client, client: Client, key: Key) -> None:
    client.put(key, {"a": MARKED, "b": MARKED[0]})
    found = tagged.get(key)
    assert found["a"] == MARKED
    assert [type(each) for each in found["a"]] == [dict] * len(MARKED)
    assert found["b"] == MARKED[0]


READY_MADE = [
    codecs.NAIVE_DATETIME.tagged(),
    codecs.EPOCH_MICROSECONDS.tagged(),
    dataclasses.replace(codecs.DATE, tag="day"),
    codecs.enum(Color, tag="color"),
    codecs.enum(Color, by="value").tagged(),
    codecs.enum(enum.Enum("Odd", {"A": 0.0, "B": b""}), by="value").tagged(),
    *(each for each in TAGGED if each.tag is not None and each.type is not Money),
]
near = st.one_of(
    st.integers(-9, 9),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.text(max_size=5),
    st.binary(max_size=1),
    st.lists(plain_atoms | st.just([1]), max_size=3),
    st.from_regex(r"\A[-+ ]?(\d[\d_]{0,3}(\.\d{0,3})?([eE][-+]?\d{1,3})?|s?nan|inf)\Z"),
    st.from_regex(r"\A\d{4}-?(\d\d-?\d\d|W\d\d-?\d)([ T]\d\d(:\d\d){0,2}(Z|[+-]00:?00(\[UTC\]?)?)?)?\Z"),
    st.dates().map(str),
    st.datetimes(timezones=st.none() | zones).map(dt.datetime.isoformat),
    st.uuids().map(str) | st.uuids().map(lambda number: number.hex),
    st.sampled_from(["RED", "BLUE", "b", 1, b"", 0.0, -0.0, Word.YES]),
)


@pytest.mark.one_kind("makes no client")
@few
@given(stored=near)
def test_what_is_tagged_decodes_only_what_it_would_encode(stored: Any) -> None:
    for codec in READY_MADE:
        try:
            value = codec.decode(stored)
        except Exception:
            continue
        again = codec.encode(value)
        if isinstance(value, (set, frozenset)):
            assert sorted(map(repr, again)) == sorted(map(repr, stored))
        else:
            assert (type(again), repr(again)) == (type(stored), repr(stored))


@pytest.mark.one_kind("makes no client")
def test_the_text_of_a_decimal_does_not_depend_on_the_context() -> None:
    with localcontext() as context:
        context.capitals = 0
        assert codecs.DECIMAL.encode(Decimal("1E+3")) == "1E+3"
        assert codecs.DECIMAL.tagged().decode("1E+3") == 1000


def test_a_class_tells_what_its_codec_does_not_take(plain: Client, client: Client, key: Key) -> None:
    @dataclasses.dataclass
    class Day:
        days: list[dt.date]

    client.put(key, {"days": ["2026-01-01", "someday"]})
    with pytest.raises(SchemaMismatch, match=r"Day\.days\[1\]: date expected, 'someday' found"):
        plain.get(key, into=Day)
    with pytest.raises(InvalidType, match=r"Day\.days\[0\]: date expected, datetime found"):
        plain.put(key, Day([dt.datetime(2026, 1, 1)]))


def test_a_field_has_a_codec_of_its_own(client: Client, key: Key) -> None:
    @dataclasses.dataclass
    class Event:
        at: dt.datetime = pyspike.field(codec=codecs.EPOCH_MICROSECONDS)  # noqa: RUF009
        day: dt.date | None = pyspike.field(codec=codecs.DATE.tagged(), default=None)  # noqa: RUF009

    event = Event(dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), dt.date(2026, 1, 2))
    client.put(key, event)
    assert client.get(key).bins == {"at": 1_767_225_600_000_000, "day": {"$date": "2026-01-02"}}
    assert client.get(key, into=Event) == event
    with pytest.raises(InvalidType, match=r"Event\.at: .* can't be encoded: a number holds no time zone"):
        client.put(key, Event(BERLIN))


def test_naive_datetimes_are_stored_where_that_is_said(hosts: str, key: Key) -> None:
    with Client(hosts, ClientPolicy(codecs=[codecs.NAIVE_DATETIME.tagged()])) as client:
        client.put(key, {"a": dt.datetime(2026, 1, 1, 12)})
        assert client.get(key)["a"] == dt.datetime(2026, 1, 1, 12)
        with pytest.raises(InvalidArgument, match="a datetime with a time zone"):
            client.put(key, {"a": BERLIN})


def test_operations_take_what_a_codec_gives(tagged: Client, key: Key) -> None:
    tagged.operate(key, [op.put("a", MONEY.tagged().stored(Money(5)))])
    assert tagged.get(key)["a"] == Money(5)


def test_what_a_codec_leaves_to_others_is_stored_by_these(tagged: Client, key: Key) -> None:
    prices = {Decimal("1"), Decimal("2.50")}
    with pytest.raises(InvalidType, match="Decimal is not an Aerospike type"):
        tagged.operate(key, [op.put("a", codecs.SET.tagged().stored(prices))])
    inner = codecs.DECIMAL.tagged()
    tagged.operate(key, [op.put("a", {"$set": [inner.stored(price) for price in prices]})])
    assert tagged.get(key)["a"] == prices


def test_codecs_that_encode_each_other_end(hosts: str, key: Key) -> None:
    endless = Codec(Money, lambda money: money, decode_money)
    with (
        Client(hosts, ClientPolicy(codecs=[endless])) as client,
        pytest.raises(InvalidArgument, match="codecs encode what others give"),
    ):
        client.put(key, {"a": Money(1)})


@pytest.mark.one_kind("makes no client")
def test_what_can_be_no_codec_is_refused() -> None:
    wrong: Any = "datetime"
    for make, error, message in [
        (lambda: Codec(int, str, int), InvalidType, "values of int are written as they are"),
        (lambda: Codec(wrong, str, str), InvalidType, "a codec is for a class"),
        (lambda: Codec(Money, wrong, str), InvalidType, "encode of a codec must be callable"),
        (lambda: MONEY.tagged(""), InvalidArgument, "the tag of a codec is empty"),
        (lambda: codecs.enum(wrong), InvalidType, "an enum is needed"),
        (
            lambda: codecs.enum(Level, by="name"),
            InvalidArgument,
            "members of Level are stored by their value",
        ),
        (lambda: codecs.enum(Level).tagged(), InvalidType, "values of Level are written as they are"),
        (lambda: codecs.enum(enum.Enum("Odd", {"A": object()}), by="value"), InvalidType, "no int, str"),
        (
            lambda: ClientPolicy(codecs=[codecs.DATETIME, codecs.NAIVE_DATETIME]),
            InvalidArgument,
            "two codecs for",
        ),
        (
            lambda: ClientPolicy(codecs=[MONEY.tagged("x"), codecs.DATE.tagged("x")]),
            InvalidArgument,
            "one tag",
        ),
        (lambda: ClientPolicy(codecs=[wrong]), InvalidType, "codecs must be codecs"),
        (lambda: ClientPolicy(codecs=wrong), InvalidType, "codecs must be codecs in a list"),
        (lambda: pyspike.field(codec=wrong), InvalidType, "codec must be a Codec"),
    ]:
        with pytest.raises(error, match=message):
            make()


@pytest.mark.one_kind("makes no client")
def test_a_policy_with_ready_made_codecs_can_be_pickled() -> None:
    policy = ClientPolicy(codecs=PLAIN)
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(ClientPolicy(codecs=list(PLAIN)))

"""Records as objects of classes: `into=` reads them, `put` writes them; what does not fit is told exactly."""
# ruff: noqa: RUF009 - `pyspike.field` is for defaults

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import gc
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, Protocol, TypedDict, TypeVar, Union

import pytest

import pyspike
from pyspike import (
    BatchError,
    BatchRead,
    BatchWrite,
    Client,
    GeoJSON,
    InvalidArgument,
    InvalidType,
    Key,
    KeyOrderedDict,
    KeyValueOrderedDict,
    MultiResult,
    OrderedList,
    Record,
    RecordNotFound,
    SchemaMismatch,
    Statement,
    WritePolicy,
)
from pyspike import operations as op
from support.cluster_tools import closed, pools


@dataclass
class Home:
    street: str
    zip: int = 0


@dataclass
class User:
    name: str
    age: int
    score: float = 0.5
    home: Home | None = None
    homes: list[Home] = dataclasses.field(default_factory=list)
    by_name: dict[str, Home] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    age: int


@dataclass(kw_only=True)
class ByKeyword:
    age: int
    name: str


class Point(NamedTuple):
    name: str
    age: int = 7


class Row(TypedDict):
    name: str
    age: int


T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    v: T
    more: list[T] = dataclasses.field(default_factory=list)
    inner: Box[T] | None = None


@dataclass
class IntBox(Box[int]):
    pass


@dataclass
class Labelled(Box[list[T]], Generic[T]):
    label: T | None = None


class Named(Protocol[T]):
    def names(self) -> list[T]: ...


@dataclass
class Sized(Box[T], Named[str], collections.abc.Sized):
    size: T | None = None

    def names(self) -> list[str]:
        return []

    def __len__(self) -> int:
        return 0


@dataclass
class OtherSized(Sized[int], collections.abc.Iterable[str]):
    def __iter__(self) -> Iterator[str]:
        return iter(())


@dataclass
class Endless(Generic[T]):
    v: T
    next: Endless[list[T]] | None = None


@dataclass
class Inner:
    name: str
    generation: Annotated[int, pyspike.field(metadata="generation")] = 0
    key: Annotated[Key | None, pyspike.field(metadata="key")] = None


@dataclass
class Needy:
    generation: Annotated[int, pyspike.field(metadata="generation")]


@dataclass
class Tagged:
    tags: list[str]


@dataclass
class TaggedAtAll:
    tags: list  # type: ignore[type-arg]


@dataclass
class TaggedSomehow:
    tags: Any


@dataclass
class Long:
    a_very_long_name: int


ANN = {"name": "Ann", "age": 30}
OBJECTS = [
    (User("Ann", 30, 1.5, Home("Main St", 12345), [Home("a"), Home("b", 2)], {"x": Home("c")}), User),
    (Frozen("Ann", 30), Frozen),
    (ByKeyword(name="Ann", age=30), ByKeyword),
    (Point("Ann", 30), Point),
    (Row(name="Ann", age=30), Row),
]


@pytest.mark.parametrize(("value", "cls"), OBJECTS, ids=[cls.__name__ for _, cls in OBJECTS])
def test_an_object_that_was_put_comes_back(client: Client, key: Key, value: Any, cls: type[Any]) -> None:
    client.put(key, value)
    assert client.get(key, into=cls) == value
    assert type(client.get(key, into=cls)) is type(value)


def test_the_bins_of_an_object_are_plain_ones(client: Client, key: Key) -> None:
    client.put(key, OBJECTS[0][0])
    assert client.get(key).bins == {
        "name": "Ann",
        "age": 30,
        "score": 1.5,
        "home": {"street": "Main St", "zip": 12345},
        "homes": [{"street": "a", "zip": 0}, {"street": "b", "zip": 2}],
        "by_name": {"x": {"street": "c", "zip": 0}},
    }


def test_what_is_missing_has_the_default(client: Client, key: Key) -> None:
    client.put(key, ANN)
    assert client.get(key, into=User) == User("Ann", 30)
    first, second = client.get(key, into=User), client.get(key, into=User)
    assert first.homes is not second.homes, "each object has a default of its own"
    assert client.get(key, ["name"], into=Point) == Point("Ann", 7)


def test_what_is_missing_without_a_default_is_an_error(client: Client, key: Key) -> None:
    client.put(key, {"name": "Ann"})
    for cls in (User, Frozen, ByKeyword, Row):
        with pytest.raises(SchemaMismatch, match=r"age: int expected, but there is no such bin") as caught:
            client.get(key, into=cls)
        assert caught.value.key == key


def test_an_optional_field_may_be_missing(client: Client, key: Key) -> None:
    @dataclass
    class Nick:
        name: str
        nick: Optional[str]  # noqa: UP045 - the older spelling counts too
        other: Union[int, None] = None  # noqa: UP007

    client.put(key, Nick("Ann", None))
    assert client.get(key).bins == {"name": "Ann"}
    assert client.get(key, into=Nick) == Nick("Ann", None)


def test_none_is_refused_where_the_default_would_come_back(client: Client, key: Key) -> None:
    @dataclass
    class Nick:
        nick: str | None = "none yet"

    with pytest.raises(InvalidType, match=r"Nick\.nick: a bin can't hold None"):
        client.put(key, Nick(None))


MISMATCHES = [
    ({"name": 1}, r"User\.name: str expected, int found"),
    ({"age": "x"}, r"User\.age: int expected, str found"),
    ({"age": True}, r"User\.age: int expected, bool found"),
    ({"score": 2**53 + 1}, r"User\.score: float expected, int found, which a float does not hold"),
    ({"home": {"street": "s", "zip": "x"}}, r"User\.home\.zip: int expected, str found"),
    ({"home": {"zip": 1}}, r"User\.home\.street: str expected, but there is no such entry"),
    ({"home": [1]}, r"User\.home: .*Home.* expected, list found"),
    ({"homes": [{"street": "s"}, {"street": 1}]}, r"User\.homes\[1\]\.street: str expected, int found"),
    ({"by_name": {"k": {"street": None}}}, r"User\.by_name\['k'\]\.street: str expected, None found"),
    ({"by_name": {1: {"street": "s"}}}, r"User\.by_name key 1: str expected, int found"),
]


@pytest.mark.parametrize(("bins", "message"), MISMATCHES, ids=[message for _, message in MISMATCHES])
def test_a_mismatch_names_record_field_and_path(
    client: Client, key: Key, bins: dict[str, Any], message: str
) -> None:
    client.put(key, {**ANN, **bins})
    with pytest.raises(SchemaMismatch, match=message) as caught:
        client.get(key, into=User)
    assert caught.value.key == key
    assert repr(key) in str(caught.value)
    assert not caught.value.in_doubt
    assert caught.value.bin in ("", *bins)


def test_an_int_becomes_a_float_where_nothing_is_lost(client: Client, key: Key) -> None:
    client.put(key, {**ANN, "score": 2})
    found = client.get(key, into=User)
    assert found.score == 2.0
    assert type(found.score) is float


@pytest.mark.embedded_only
def test_a_record_that_does_not_fit_costs_no_connection(client: Client, key: Key) -> None:
    client.put(key, {"name": "Ann"})
    before = pools(client, "opened"), closed(client)
    for _ in range(5):
        with pytest.raises(SchemaMismatch):
            client.get(key, into=User)
        assert client.get(key).bins == {"name": "Ann"}
    assert (pools(client, "opened"), closed(client)) == before


def test_a_missing_record_is_missing_as_ever(client: Client, key: Key) -> None:
    with pytest.raises(RecordNotFound):
        client.get(key, into=User)
    assert client.get(key, into=User, default=None) is None


def test_bins_without_a_field_do_not_count_unless_asked_for(client: Client, key: Key) -> None:
    @dataclass
    class Rest:
        name: str
        rest: dict[str, Any] = pyspike.field(metadata="others", default_factory=dict)

    client.put(key, {"name": "Ann", "a": 1, "b": [2]})
    assert client.get(key, into=Point) == Point("Ann", 7)
    found = client.get(key, into=Rest)
    assert found == Rest("Ann", {"a": 1, "b": [2]})
    found.rest["a"] = 3
    client.put(key, found)
    assert client.get(key).bins == {"name": "Ann", "a": 3, "b": [2]}


def test_names_and_metadata_are_mapped(client: Client, key: Key) -> None:
    @dataclass
    class Named:
        name: Annotated[str, pyspike.field(bin="n")]
        key: Key = pyspike.field(metadata="key", default=None)
        user_key: str | None = pyspike.field(metadata="user_key", default=None)
        set_name: str = pyspike.field(metadata="set", default="")
        digest: bytes = pyspike.field(metadata="digest", default=b"")
        generation: int = pyspike.field(metadata="generation", default=0)
        ttl: int | None = pyspike.field(metadata="ttl", default=None)
        expires: datetime.datetime | None = pyspike.field(metadata="expiration", default=None)
        age: int = pyspike.field(bin="a", default=5)

    client.put(key, Named("Ann", age=6), ttl=1000)
    record = client.get(key)
    assert record.bins == {"n": "Ann", "a": 6}
    found = client.get(key, into=Named)
    assert (found.name, found.age, found.generation) == ("Ann", 6, 1)
    assert found.ttl in range(990, 1001)
    assert (found.key, found.user_key, found.set_name, found.digest) == (
        key,
        key.user_key,
        key.set_name,
        key.digest,
    )
    assert found.expires == record.expiration
    client.put(key, {"n": 1})
    with pytest.raises(SchemaMismatch, match=r"Named\.name \(bin 'n'\): str expected"):
        client.get(key, into=Named)


def test_metadata_that_a_record_lacks_has_the_default(client: Client, key: Key) -> None:
    @dataclass
    class Kept:
        n: int
        name: str = pyspike.field(metadata="user_key", default="nobody")
        ttl: int = pyspike.field(metadata="ttl", default_factory=lambda: 7)
        maybe: str | None = pyspike.field(metadata="user_key", default="nobody")

    @dataclass
    class Needed:
        n: int
        name: str = pyspike.field(metadata="user_key")

    stored = Key(key.namespace, key.set_name, f"{key.user_key} stored")
    mark = str(key.user_key)
    client.put(key, {"n": 1, "mark": mark})
    client.put(stored, {"n": 2, "mark": mark}, policy=WritePolicy(send_key=True))
    mine = pyspike.exp.eq(pyspike.exp.str_bin("mark"), mark)
    everything = Statement(key.namespace, key.set_name)
    with client.query(everything, into=Kept, filter_expression=mine) as found:
        assert sorted((each.n, each.name, each.ttl, each.maybe) for each in found) == [
            (1, "nobody", 7, None),
            (2, stored.user_key, 7, stored.user_key),
        ]
    needed = client.query(everything, into=Needed, filter_expression=mine)
    with needed, pytest.raises(SchemaMismatch, match=r"Needed\.name: str expected, None found"):
        list(needed)
    assert client.get(key, into=Kept).name == key.user_key


def test_what_the_server_keeps_in_order_stays_so_where_its_items_become_objects(
    client: Client, key: Key
) -> None:
    @dataclass
    class Town:
        by_name: dict[str, Home]
        by_street: dict[str, float]
        homes: list[Home]

    ordered: dict[str, Any] = {
        "by_name": KeyOrderedDict({"a": KeyOrderedDict({"street": "Main St", "zip": 1})}),
        "by_street": KeyValueOrderedDict({"a": 1, "b": 2.5}),
        "homes": OrderedList([{"street": "Main St", "zip": 1}]),
    }
    client.put(key, ordered)
    town = client.get(key, into=Town)
    assert town == Town({"a": Home("Main St", 1)}, {"a": 1.0, "b": 2.5}, [Home("Main St", 1)])
    assert [type(each) for each in (town.by_name, town.by_street, town.homes)] == [
        KeyOrderedDict,
        KeyValueOrderedDict,
        OrderedList,
    ]
    client.put(key, town)
    assert {name: type(value) for name, value in client.get(key).items()} == {
        name: type(value) for name, value in ordered.items()
    }


def test_types_of_annotations_are_taken_at_their_word(client: Client, key: Key) -> None:
    class Tree(NamedTuple):
        value: int
        children: list[Tree] = []  # noqa: RUF012

    @dataclass
    class Many:
        one: int | float
        two: Literal["a", 1]
        pair: tuple[int, str]
        more: tuple[int, ...]
        anything: Any
        place: GeoJSON
        ordered: OrderedList
        either: str | list[int] | None = None

    globals()["Tree"] = Tree
    try:
        tree = Tree(1, [Tree(2), Tree(3, [Tree(4)])])
        client.put(key, tree)
        assert client.get(key, into=Tree) == tree
    finally:
        del globals()["Tree"]
    client.delete(key)
    spot = GeoJSON('{"type": "Point", "coordinates": [1, 2]}')
    many = Many(1, "a", (1, "x"), (1, 2, 3), {"a": [None, 1.5]}, spot, OrderedList([1, 2]), [1])
    client.put(key, many)
    found = client.get(key, into=Many)
    assert found == many
    assert (type(found.one), type(found.place), type(found.ordered)) == (int, GeoJSON, OrderedList)
    client.put(key, {"one": 1.5})
    assert type(client.get(key, into=Many).one) is float
    client.put(key, {"two": True})
    with pytest.raises(SchemaMismatch, match=r"two: Literal\['a', 1\] expected, True found"):
        client.get(key, into=Many)
    client.put(key, {"two": 1, "pair": [1]})
    with pytest.raises(SchemaMismatch, match=r"pair: .* expected, 1 items found"):
        client.get(key, into=Many)


def test_what_a_class_refuses_itself_is_a_mismatch(client: Client, key: Key) -> None:
    @dataclass
    class Checked:
        age: int

        def __post_init__(self) -> None:
            if self.age < 0:
                raise ValueError("too young")

    client.put(key, {"name": "Ann", "age": -1, "a": -1})
    with pytest.raises(SchemaMismatch, match="Checked refuses the record: ValueError: too young") as caught:
        client.get(key, into=Checked)
    assert isinstance(caught.value.__cause__, ValueError)
    client.put(key, {"age": 1})
    assert client.get(key, into=Checked) == Checked(1)


def test_classes_that_do_more_than_to_set_fields_are_called(client: Client, key: Key) -> None:
    @dataclass
    class Doubled:
        age: int
        twice: int = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            self.twice = 2 * self.age

    @dataclass
    class Own:
        age: int

        def __init__(self, age: int) -> None:
            self.age = age + 1

    @dataclass
    class Watched:
        age: int

        def __setattr__(self, name: str, value: object) -> None:
            object.__setattr__(self, name, [value])

    class More(Point):
        def __new__(cls, name: str, age: int = 7) -> More:
            return super().__new__(cls, name + "!", age)

    client.put(key, ANN)
    assert client.get(key, into=Doubled).twice == 60
    assert client.get(key, into=Own).age == 31
    assert client.get(key, into=Watched).age == [30]
    assert client.get(key, into=More) == ("Ann!", 30)


def test_fields_that_a_class_takes_no_value_for_are_set_afterwards(client: Client, key: Key) -> None:
    @dataclass(frozen=True, slots=True)
    class Counted:
        age: int
        home: Home | None = None
        count: int = dataclasses.field(init=False, default=5)
        late: str = dataclasses.field(init=False)
        generation: int = pyspike.field(metadata="generation", init=False, default=0)

    @dataclass
    class Doubled:
        age: int
        twice: int = dataclasses.field(init=False)
        nick: str | None = dataclasses.field(init=False, default="none yet")

        def __post_init__(self) -> None:
            self.twice = 2 * self.age

    counted = Counted(1)
    object.__setattr__(counted, "count", 9)
    client.put(key, {"late": "of another one"})
    client.put(key, counted)
    assert client.get(key).bins == {"age": 1, "count": 9}
    found = client.get(key, into=Counted)
    assert (found.count, found.generation, hasattr(found, "late")) == (9, 2, False)
    object.__setattr__(counted, "late", "x")
    client.put(key, counted)
    assert client.get(key, into=Counted).late == "x"
    client.put(key, {"count": "x"})
    with pytest.raises(SchemaMismatch, match=r"Counted\.count: int expected"):
        client.get(key, into=Counted)
    doubled = Doubled(1)
    doubled.twice = 3
    client.put(key, doubled)
    assert client.get(key, into=Doubled) == doubled
    doubled.nick = None
    with pytest.raises(InvalidType, match=r"Doubled\.nick: a bin can't hold None"):
        client.put(key, doubled)


def test_what_a_class_is_called_with_and_does_not_keep_is_refused(client: Client, key: Key) -> None:
    @dataclass
    class Scaled:
        age: int
        scale: dataclasses.InitVar[int]

    @dataclass
    class ScaledByDefault:
        age: int
        scale: dataclasses.InitVar[int] = 2

    for made in (Scaled(1, 2), ScaledByDefault(1)):
        with pytest.raises(InvalidArgument, match=r"Scaled.*\.scale is an InitVar"):
            client.put(key, made)
        with pytest.raises(InvalidArgument, match=r"Scaled.*\.scale is an InitVar"):
            client.get(key, into=type(made))


def test_a_literal_takes_none_as_an_optional_one_does(client: Client, key: Key) -> None:
    @dataclass
    class Chosen:
        one: Literal["a", None]
        two: Literal[None] = None
        three: Optional[Literal["a", None]] = None  # noqa: UP045
        inside: list[Literal[1, None]] = dataclasses.field(default_factory=list)

    for made in (Chosen(None, inside=[1, None]), Chosen("a", three="a")):
        client.put(key, made)
        assert client.get(key, into=Chosen) == made
    client.put(key, {"one": "b"})
    with pytest.raises(SchemaMismatch, match=r"Chosen\.one: Literal\['a'\] expected, 'b' found"):
        client.get(key, into=Chosen)


def test_metadata_of_a_class_inside_another_has_its_default(client: Client, key: Key) -> None:
    @dataclass
    class Outer:
        inner: Inner
        generation: Annotated[int, pyspike.field(metadata="generation")] = 0

    client.put(key, Outer(Inner("Ann", 7), 7))
    assert client.get(key, into=Outer) == Outer(Inner("Ann"), 1)

    @dataclass
    class Around:
        needy: list[Needy]

    assert client.get(key, into=Needy) == Needy(1)
    for use in (lambda: client.put(key, Around([])), lambda: client.get(key, into=Around)):
        with pytest.raises(InvalidArgument, match=r"Needy\.generation is told by a record, but Needy is in"):
            use()


def test_arguments_of_generic_classes_count(client: Client, key: Key) -> None:
    @dataclass
    class Outer:
        b: Box[int]

    made = Outer(Box(1, [2], Box(3)))
    client.put(key, made)
    assert client.get(key, into=Outer) == made
    for wrong, where in [
        ({"b": {"v": "x"}}, r"b\.v: int expected, str found"),
        ({"b": {"v": 1, "more": ["x"]}}, r"b\.more\[0\]: int expected"),
        ({"b": {"v": 1, "inner": {"v": "x"}}}, r"b\.inner\.v: int expected"),
    ]:
        client.put(key, wrong)
        with pytest.raises(SchemaMismatch, match=where):
            client.get(key, into=Outer)
    bad: Any = Box("x")
    with pytest.raises(InvalidType, match=r"Outer\.b\.v: int expected, str found"):
        client.put(key, Outer(bad))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no TypedDict was generic, and no NamedTuple")
def test_arguments_of_generic_typed_dicts_and_named_tuples_count(client: Client, key: Key) -> None:
    class Pair(TypedDict, Generic[T]):
        one: T

    class TextPair(Pair[str]):
        two: int

    class Spot(NamedTuple, Generic[T]):
        one: T

    for inner, made in [
        (Pair[str], {"one": "x"}),
        (TextPair, {"one": "x", "two": 1}),
        (Spot[str], Spot("x")),
    ]:
        around: Any = dataclasses.make_dataclass("Around", [("it", inner)])
        client.put(key, around(made))
        assert client.get(key, into=around) == around(made)
        client.put(key, {"it": {"one": 1, "two": 1}})
        with pytest.raises(SchemaMismatch, match=r"Around\.it\.one: str expected, int found"):
            client.get(key, into=around)


def test_classes_of_a_generic_one_have_its_arguments(client: Client, key: Key) -> None:
    client.put(key, IntBox(1, [2]))
    assert client.get(key, into=IntBox) == IntBox(1, [2])
    client.put(key, {"v": "x", "more": []})
    assert client.get(key, into=Box) == Box("x")
    with pytest.raises(SchemaMismatch, match=r"IntBox\.v: int expected, str found"):
        client.get(key, into=IntBox)

    @dataclass
    class Around:
        it: Labelled[int]

    client.put(key, Around(Labelled([1], label=2)))
    assert client.get(key, into=Around) == Around(Labelled([1], label=2))
    for wrong, where in [
        ({"v": 1}, "v: list"),
        ({"v": ["x"]}, r"v\[0\]"),
        ({"v": [1], "label": "x"}, "label"),
    ]:
        client.put(key, {"it": wrong})
        with pytest.raises(SchemaMismatch, match=rf"it\.{where}"):
            client.get(key, into=Around)
    sized = OtherSized(1, size=2)
    client.delete(key)
    client.put(key, sized)
    assert client.get(key, into=OtherSized) == sized
    for wrong_bin in ("v", "size"):
        client.put(key, {"v": 1, "size": 1, wrong_bin: "x"})
        with pytest.raises(SchemaMismatch, match=rf"OtherSized\.{wrong_bin}: int expected, str found"):
            client.get(key, into=OtherSized)
    parametrised: Any = Box[int]
    with pytest.raises(InvalidType, match=r"(?s)into must be a class, .*class IntBox\(Box\[int\]\)"):
        client.get(key, into=parametrised)
    with pytest.raises(InvalidArgument, match="refers to itself with ever other arguments"):
        client.get(key, into=Endless)


def test_entries_that_a_typed_dict_has_not_are_not_lost(client: Client, key: Key) -> None:
    @dataclass
    class Outer:
        row: Row

    more: Any = {**ANN, "more": 1}
    with pytest.raises(InvalidType, match=r"Outer\.row: Row has no field 'more', which would be lost"):
        client.put(key, Outer(more))


def test_an_object_that_is_refused_tells_its_record(client: Client, key: Key) -> None:
    @dataclass
    class Around:
        it: Long

    bad: Any = 5
    with pytest.raises(InvalidType, match=r"Home\.street: str expected") as caught:
        client.put(key, Home(bad))
    assert caught.value.key == key
    for use in (lambda: client.put(key, Long(1)), lambda: client.get(key, into=Long)):
        with pytest.raises(InvalidArgument, match=r"Long\.a_very_long_name: the bin name .* takes 16 bytes"):
            use()
    client.put(key, Around(Long(1)))
    assert client.get(key, into=Around) == Around(Long(1)), "entries of maps may have long names"


def test_a_value_that_does_not_fit_its_field_is_not_written(client: Client, key: Key) -> None:
    bad: Any = "thirty"
    with pytest.raises(InvalidType, match=r"User\.age: int expected, str found"):
        client.put(key, User("Ann", bad))
    with pytest.raises(InvalidType, match=r"User\.homes\[0\]\.zip: int expected, str found"):
        client.put(key, User("Ann", 1, homes=[Home("s", bad)]))
    special = type("Special", (Home,), {})
    with pytest.raises(InvalidType, match=r"User\.home: Home.* expected, Special found"):
        client.put(key, User("Ann", 1, home=special("s")))
    assert not client.exists(key)


def test_objects_inside_plain_bins_are_refused(client: Client, key: Key) -> None:
    with pytest.raises(InvalidType, match=r"bins\['home'\]: Home is not an Aerospike type"):
        client.put(key, {"home": Home("s")})


def test_what_an_operate_reads_becomes_an_object(client: Client, key: Key) -> None:
    client.put(key, ANN)
    found = client.operate(key, [op.add("age", 1), op.get("name"), op.get("age")], into=Frozen)
    assert found == Frozen("Ann", 31)
    with pytest.raises(SchemaMismatch, match="age: int expected") as caught:
        client.operate(key, [op.add("age", 1), op.get("name")], into=Frozen)
    assert not caught.value.in_doubt
    assert client.get(key)["age"] == 32, "what it writes is done"


def test_a_field_does_not_take_the_results_of_two_operations_for_its_list(client: Client, key: Key) -> None:
    client.put(key, {"tags": ["a"]})
    twice = [op.lists.append("tags", "b"), op.get("tags")]
    for into, shape in ((Tagged, "list[str]"), (TaggedAtAll, "list")):
        with pytest.raises(SchemaMismatch) as caught:
            client.operate(key, twice, into=into)
        told = "MultiResult found: 2 operations gave results for this bin"
        assert caught.value.message == f"{into.__name__}.tags: {shape} expected, {told}"
    found = client.operate(key, twice, into=TaggedSomehow)
    assert found == TaggedSomehow(MultiResult([4, ["a", "b", "b", "b"]]))
    assert type(found.tags) is MultiResult
    assert client.operate(key, [op.get("tags")], into=Tagged) == Tagged(["a", "b", "b", "b"])


def test_many_records_become_objects(client: Client, key: Key) -> None:
    keys = [Key(key.namespace, key.set_name, f"{key.user_key}-{number}") for number in range(20)]
    client.batch_put({each: Frozen(f"n{number}", number) for number, each in enumerate(keys[:-1])})
    found = client.batch_get(keys, into=Frozen)
    assert found == [*(Frozen(f"n{number}", number) for number in range(19)), None]
    client.put(keys[3], {"age": "x"})
    with pytest.raises(BatchError, match="1 of 20 rows failed") as caught:
        client.batch_get(keys, into=Frozen)
    assert "Frozen.age: int expected, str found" in str(caught.value.results[3].error)
    assert caught.value.results[3].error.key == keys[3]
    assert caught.value.results[4].value == Frozen("n4", 4)


def test_rows_and_streams_give_objects(client: Client, key: Key) -> None:
    keys = [Key(key.namespace, key.set_name, f"{key.user_key}-{number}") for number in range(6)]
    client.batch_put((each, ANN) for each in keys[:5])
    client.put(keys[1], {"age": "x"})
    rows = [
        BatchRead(keys[0], into=Frozen),
        BatchRead(keys[1], into=Frozen),
        BatchRead(keys[2], operations=[op.get("name"), op.get("age")], into=Point),
        BatchRead(keys[3]),
        BatchWrite(keys[4], [op.put("age", 1)]),
        BatchRead(keys[5], into=Frozen),
    ]
    results = client.batch(rows)
    assert [row.value for row in results] == [Frozen("Ann", 30), None, Point("Ann", 30), None, None, None]
    assert [row.ok for row in results] == [True, False, True, True, True, True]
    assert isinstance(results[3].record, Record)
    assert results[0].record is None
    with client.batch_stream(iter(rows)) as stream:
        by_key = {row.key: row for row in stream}
    assert by_key[keys[0]].value == Frozen("Ann", 30)
    assert isinstance(by_key[keys[1]].error, SchemaMismatch)
    assert len(by_key) == 6


def test_a_query_gives_objects_and_goes_on_behind_one_that_does_not_fit(client: Client, key: Key) -> None:
    keys = [Key(key.namespace, key.set_name, f"{key.user_key}-{number}") for number in range(12)]
    client.batch_put((each, {"mark": str(key.user_key), "age": i}) for i, each in enumerate(keys))
    client.put(keys[5], {"age": "x"})

    @dataclass(frozen=True)
    class Marked:
        age: int
        key: Key = pyspike.field(metadata="key", default=None)

    statement = Statement(key.namespace, key.set_name, ["mark", "age"])
    mine = pyspike.exp.eq(pyspike.exp.str_bin("mark"), str(key.user_key))
    found: list[Marked] = []
    with client.query(statement, into=Marked, filter_expression=mine) as records:
        with pytest.raises(SchemaMismatch, match=r"Marked\.age: int expected, str found") as caught:
            found.extend(records)
        found.extend(records)
    assert sorted(each.age for each in found) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert caught.value.key is not None
    assert caught.value.key.digest == keys[5].digest
    assert {each.key.digest for each in found} == {each.digest for each in keys} - {keys[5].digest}


def test_update_gives_the_function_an_object(client: Client, key: Key) -> None:
    def older(user: User | None) -> User:
        if user is None:
            return User("Ann", 0)
        user.age += 1
        user.homes.append(Home("s"))
        return user

    def in_place(user: User | None) -> None:
        assert user is not None
        user.home = None

    assert client.update(key, older, into=User) == User("Ann", 0)
    client.put(key, {"other": [1], "home": {"street": "x"}})
    assert client.update(key, older, into=User) == User("Ann", 1, home=Home("x"), homes=[Home("s")])
    assert client.update(key, in_place, into=User) == User("Ann", 1, homes=[Home("s")])
    record = client.get(key)
    assert record.bins == {
        "name": "Ann",
        "age": 1,
        "score": 0.5,
        "homes": [{"street": "s", "zip": 0}],
        "by_name": {},
        "other": [1],
    }
    client.update(key, lambda user: user, into=User)
    client.update(key, lambda user: None, into=User)
    assert client.get(key).generation == record.generation, "nothing has changed, nothing is written"
    wrong: Any = lambda user: {"name": "Bob"}  # noqa: E731
    with pytest.raises(InvalidType, match="User expected, dict found"):
        client.update(key, wrong, into=User)
    client.put(key, {"age": "x"})
    with pytest.raises(SchemaMismatch, match=r"User\.age: int expected"):
        client.update(key, older, into=User)


def test_update_of_nothing_by_nothing_writes_nothing(client: Client, key: Key) -> None:
    assert client.update(key, lambda user: None, into=User) is None
    assert not client.exists(key)


class Ratio(float):
    """Written as a float."""


def test_a_name_of_a_bin_is_not_empty() -> None:
    with pytest.raises(InvalidArgument, match="bin is empty: leave it out for the field's own name"):
        pyspike.field(bin="")


def test_classes_that_no_record_can_be_read_into_are_refused(client: Client, key: Key) -> None:
    @dataclass
    class Twice:
        one: Annotated[int, pyspike.field(bin="a")]
        two: Annotated[int, pyspike.field(bin="a")]

    @dataclass
    class Nothing:
        when: datetime.datetime

    @dataclass
    class Either:
        it: Home | dict[str, int]

    @dataclass
    class Mutable:
        data: bytearray

    @dataclass
    class Own:
        ratio: Ratio

    @dataclass
    class Sorted:
        names: collections.OrderedDict[str, int]

    @dataclass
    class Wrong:
        generation: str = pyspike.field(metadata="generation", default="")

    for cls, error, message in [
        (int, InvalidType, "builtins.int has no fields"),
        (Twice, InvalidArgument, "Twice.two and one are both the bin 'a'"),
        (Nothing, InvalidType, "Nothing.when: Aerospike has no type for datetime"),
        (Mutable, InvalidType, "Mutable.data: bytearray is written as bytes, and would be read as that"),
        (Own, InvalidType, "Own.ratio: Ratio is written as float, and would be read as that"),
        (Sorted, InvalidType, r"OrderedDict\[str, int\] is written as dict, and would be read as that"),
        (Either, InvalidArgument, "can't be told apart"),
        (Wrong, InvalidType, "Wrong.generation: str is not the type of that, which is int"),
    ]:
        with pytest.raises(error, match=message):
            client.get(key, into=cls)
        with pytest.raises(error, match=message):
            client.batch_get([key], into=cls)
        with pytest.raises(error, match=message):
            client.batch([BatchRead(key, into=cls)])
    not_a_class: Any = "User"
    with pytest.raises(InvalidType, match="into must be a class"):
        client.get(key, into=not_a_class)


def test_a_class_that_nobody_has_is_forgotten(client: Client, key: Key) -> None:
    client.put(key, ANN)

    def use() -> weakref.ref[type]:
        @dataclass
        class Local:
            name: str
            home: Home | None = None
            others: list[Local] = dataclasses.field(default_factory=list)

        globals()["Local"] = Local
        assert client.get(key, into=Local).name == "Ann"
        del globals()["Local"]
        return weakref.ref(Local)

    gone = use()
    client.get(key, into=User)  # the last one is kept at hand
    gc.collect()
    assert gone() is None


def test_filters_and_projection_go_with_objects(client: Client, key: Key) -> None:
    client.put(key, {**ANN, "more": "x" * 1000})
    low = pyspike.exp.lt(pyspike.exp.int_bin("age"), 10)
    with pytest.raises(pyspike.FilteredOut):
        client.get(key, into=Frozen, filter_expression=low)
    assert client.batch_get([key], into=Frozen, filter_expression=low) == [None]

"""Records as objects of the classes of libraries: attrs, msgspec and pydantic, as far as they are there."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pyspike
from pyspike import Client, InvalidArgument, InvalidType, Key, SchemaMismatch
from support.examples import examples

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")
pytest.importorskip("pydantic.dataclasses")


@dataclasses.dataclass
class Home:
    street: str
    zip: int = 0


@attrs.define
class Plain:
    _name: str
    age: int = attrs.field(kw_only=True, validator=attrs.validators.ge(0))


class Struct(msgspec.Struct, rename={"name": "n"}):
    name: str
    age: int = 3
    homes: list[Home] = msgspec.field(default_factory=list)


class Model(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(alias="a", ge=0)
    tags: list[str] = pydantic.Field(default_factory=list)
    home: Home | None = None


@pydantic.dataclasses.dataclass
class Checked:
    age: Annotated[int, pydantic.Field(ge=0)]
    name: str


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    a: int = pydantic.Field(alias="b", default=0)
    inner: Open | None = None


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"
    name: str = ""


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"
    name: str = ""


class Same(pydantic.BaseModel):
    name: str = ""


class Also(pydantic.BaseModel):
    name: str = ""


class Owner(pydantic.BaseModel):
    pet: Union[Cat, Dog]  # noqa: UP007
    told: Cat | Dog | None = pydantic.Field(default=None, discriminator="kind")
    pets: list[Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]] = pydantic.Field(
        default_factory=list
    )
    either: Same | Also | int = 0
    at: dt.datetime | None = None
    price: Decimal = Decimal(0)
    page: pydantic.AnyUrl | None = None
    names: set[str] = pydantic.Field(default_factory=set)


T = TypeVar("T")


class ModelBox(pydantic.BaseModel, Generic[T]):
    v: T
    more: list[T] = pydantic.Field(default_factory=list)


class ModelTree(pydantic.BaseModel, Generic[T]):
    inner: ModelTree[T] | None = None


class StructBox(msgspec.Struct, Generic[T]):
    v: T


@attrs.define
class PlainBox(Generic[T]):
    v: T


OBJECTS = [
    (Plain("Ann", age=30), Plain),
    (Struct("Ann", 30, [Home("s")]), Struct),
    (Model(name="Ann", a=30, tags=["x"], home=Home("s", 5)), Model),
    (Checked(30, "Ann"), Checked),
]


@pytest.mark.parametrize(("value", "cls"), OBJECTS, ids=[cls.__name__ for _, cls in OBJECTS])
def test_an_object_that_was_put_comes_back(client: Client, key: Key, value: Any, cls: type[Any]) -> None:
    client.put(key, value)
    found = client.get(key, into=cls)
    assert found == value
    assert type(found) is cls
    assert client.batch_get([key], into=cls) == [value]


def test_names_of_libraries_are_names_of_bins(client: Client, key: Key) -> None:
    client.put(key, Struct("Ann", 1))
    client.put(key, Model(name="Bob", a=2))
    assert client.get(key).bins == {"n": "Ann", "age": 1, "name": "Bob", "a": 2, "tags": [], "homes": []}


def test_defaults_are_those_of_the_class(client: Client, key: Key) -> None:
    client.put(key, {"n": "Ann", "name": "Bob", "_name": "Cid", "a": 1})
    assert client.get(key, into=Struct) == Struct("Ann")
    assert client.get(key, into=Model) == Model(name="Bob", a=1)
    with pytest.raises(SchemaMismatch, match=r"Plain\.age: int expected, but there is no such bin"):
        client.get(key, into=Plain)


def test_what_a_class_forbids_is_an_error(client: Client, key: Key) -> None:
    class Strict(msgspec.Struct, forbid_unknown_fields=True):
        name: str

    class StrictModel(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")
        name: str

    client.put(key, {"name": "Ann", "b": [2]})
    for cls in (Strict, StrictModel):
        with pytest.raises(SchemaMismatch, match=r"no field is for the bin 'b'"):
            client.get(key, into=cls)


def test_what_a_class_checks_itself_is_a_mismatch(client: Client, key: Key) -> None:
    client.put(key, {"name": "Ann", "_name": "Ann", "age": -1, "a": -1})
    for cls in (Plain, Model, Checked):
        with pytest.raises(SchemaMismatch, match="refuses the record") as caught:
            client.get(key, into=cls)
        assert caught.value.__cause__ is not None
    client.put(key, {"a": "1"})
    with pytest.raises(SchemaMismatch, match=r"Model\.age \(bin 'a'\): int expected, str found"):
        client.get(key, into=Model)  # which pydantic would take for a number


def test_annotations_that_only_a_class_knows_are_left_to_it(client: Client, key: Key) -> None:
    class Paged(pydantic.BaseModel):
        page: pydantic.AnyUrl

    client.put(key, {"page": "https://example.com/a"})
    assert str(client.get(key, into=Paged).page) == "https://example.com/a"
    client.put(key, {"page": "nowhere"})
    with pytest.raises(SchemaMismatch, match="Paged refuses the record"):
        client.get(key, into=Paged)


def test_bins_are_named_inside_annotated(client: Client, key: Key) -> None:
    class Marked(msgspec.Struct):
        name: Annotated[str, pyspike.field(bin="n")]
        generation: Annotated[int, pyspike.field(metadata="generation")] = 0

    class MarkedModel(pydantic.BaseModel):
        name: Annotated[str, pyspike.field(bin="n")]
        generation: Annotated[int, pyspike.field(metadata="generation")] = 0

    @attrs.define
    class MarkedPlain:
        name: Annotated[str, pyspike.field(bin="n")]
        generation: Annotated[int, pyspike.field(metadata="generation")] = 0

    for number, cls in enumerate((Marked, MarkedModel, MarkedPlain), 1):
        client.put(key, cls(name="Ann"))
        found = client.get(key, into=cls)
        assert (found.name, found.generation) == ("Ann", number)
    assert client.get(key).bins == {"n": "Ann"}


def test_a_field_for_dataclasses_is_refused_elsewhere(client: Client, key: Key) -> None:
    @attrs.define
    class Wrong:
        name: str = pyspike.field(bin="n")

    with pytest.raises(InvalidArgument, match=r"Wrong\.name has for its default what pyspike\.field gives"):
        client.get(key, into=Wrong)


def test_values_that_do_not_fit_are_not_written(client: Client, key: Key) -> None:
    with pytest.raises(InvalidType, match=r"Struct\.age: int expected, str found"):
        client.put(key, Struct("Ann", "x"))
    assert not client.exists(key)


def test_extras_of_a_model_are_stored_and_come_back(client: Client, key: Key) -> None:
    made = Open(b=1, zz=2, inner=Open(yy=[1], inner=Open()))
    client.put(key, made)
    assert client.get(key).bins["zz"] == 2
    found = client.get(key, into=Open)
    assert found == made
    assert (found.model_extra, found.inner.model_extra) == ({"zz": 2}, {"yy": [1]})
    client.update(key, lambda model: setattr(model, "zz", 3), into=Open)
    assert client.get(key, into=Open).zz == 3

    class ByName(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow", populate_by_name=True)
        a: int = pydantic.Field(alias="b")

    client.put(key, {"b": 1, "a": 2})
    with pytest.raises(SchemaMismatch, match="ByName: 'a' is the name of a field that has another bin"):
        client.get(key, into=ByName)


def test_extras_that_would_be_lost_are_refused(client: Client, key: Key) -> None:
    @pydantic.dataclasses.dataclass(config=pydantic.ConfigDict(extra="allow"))
    class OpenClass:
        a: int

    class Twice(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        others: Annotated[dict[str, Any], pyspike.field(metadata="others")]

    with pytest.raises(InvalidArgument, match=r"OpenClass .* extras would be lost"):
        client.get(key, into=OpenClass)
    with pytest.raises(InvalidArgument, match=r"Twice\.model_extra and others are both for"):
        client.get(key, into=Twice)


def test_fields_that_a_class_takes_no_value_for_are_set_afterwards(client: Client, key: Key) -> None:
    @attrs.frozen
    class Counted:
        age: int
        count: int = attrs.field(init=False, default=5)

    @pydantic.dataclasses.dataclass
    class CheckedCount:
        age: int
        count: int = dataclasses.field(init=False, default=5)

    class ModelCount(pydantic.BaseModel):
        age: int
        count: int = pydantic.Field(init=False, default=5)

    for cls in (Counted, CheckedCount, ModelCount):
        made = cls(age=1)
        object.__setattr__(made, "count", 9)
        client.put(key, made)
        assert client.get(key, into=cls) == made, cls


OWNERS = [
    Owner(pet=Dog(name="Rex"), told=Dog(), pets=[Cat(), Dog()], names={"a", "b"}),
    Owner(pet=Cat(), either=Same(name="x"), price=Decimal("1.50"), page="https://example.com/a"),
]


@pytest.mark.parametrize("made", OWNERS)
def test_what_pydantic_makes_itself_is_written_as_it_reads_it(client: Client, key: Key, made: Owner) -> None:
    client.put(key, made)
    found = client.get(key, into=Owner)
    assert found == made
    assert [type(found.pet), *map(type, found.pets)] == [type(made.pet), *map(type, made.pets)]


def test_what_pydantic_would_make_another_value_of_is_not_written(client: Client, key: Key) -> None:
    with pytest.raises(InvalidType, match=r"Owner\.either: Also.* can't be encoded: Same.* would come back"):
        client.put(key, Owner(pet=Cat(), either=Also(name="x")))
    assert not client.exists(key)


@given(
    at=st.datetimes(timezones=st.none() | st.just(dt.timezone.utc)),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    names=st.sets(st.text()),
)
@settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_pydantic_makes_itself_comes_back(
    client: Client, key: Key, at: dt.datetime, price: Decimal, names: set[str]
) -> None:
    made = Owner(pet=Cat(), at=at, price=price, names=names)
    client.put(key, made)
    assert client.get(key, into=Owner) == made


def test_arguments_of_generic_classes_count(client: Client, key: Key) -> None:
    class ModelAround(pydantic.BaseModel):
        it: ModelBox[int]

    class StructAround(msgspec.Struct):
        it: StructBox[int]

    @attrs.define
    class PlainAround:
        it: PlainBox[int]

    class IntBox(ModelBox[int]):
        pass

    around = (ModelAround, ModelBox[int]), (StructAround, StructBox), (PlainAround, PlainBox)
    for cls, box in around:
        client.put(key, cls(it=box(v=1)))
        assert client.get(key, into=cls) == cls(it=box(v=1))
        client.put(key, {"it": {"v": "1"}})
        with pytest.raises(SchemaMismatch, match=r"Around\.it\.v: int expected, str found"):
            client.get(key, into=cls)
    client.put(key, {"v": 1, "more": ["1"]})
    for own in (ModelBox[int], IntBox):
        with pytest.raises(SchemaMismatch, match=r"more\[0\]: int expected, str found"):
            client.get(key, into=own)
    with pytest.raises(InvalidArgument, match=r"ModelTree\[int\]\.inner refers to the generic class"):
        client.get(key, into=ModelTree[int])

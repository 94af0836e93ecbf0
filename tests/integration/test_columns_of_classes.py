"""Columns of classes that records are read into: they are called as the bins, not as the fields."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypedDict, TypeVar

import pytest

import pyspike
from pyspike import BatchPolicy, Client, InvalidArgument, Key, SchemaMismatch, Statement

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pa = pytest.importorskip("pyarrow")
pydantic = pytest.importorskip("pydantic")

PATIENT = BatchPolicy(total_timeout=60_000)
Meters = NewType("Meters", int)
T = TypeVar("T")
_sets = itertools.count(1)


@dataclasses.dataclass
class Place:
    city: Annotated[str, pyspike.field(bin="c")]
    zip: int | None = None


@dataclasses.dataclass
class OfDataclass:
    name: Annotated[str, pyspike.field(bin="n")]
    size: Meters
    homes: list[Place] = pyspike.field(bin="h", default_factory=list)  # noqa: RUF009


class OfTypedDict(TypedDict):
    name: Annotated[str, pyspike.field(bin="n")]
    size: int
    homes: Annotated[Sequence[Place], pyspike.field(bin="h")]


class OfNamedTuple(NamedTuple):
    name: Annotated[str, pyspike.field(bin="n")]
    size: int
    homes: Annotated[tuple[Place, ...], pyspike.field(bin="h")] = ()


@dataclasses.dataclass
class Box(Generic[T]):
    size: T


@dataclasses.dataclass
class Endless:
    inner: list[Endless]


@dataclasses.dataclass
class Twice:
    one: Annotated[int, pyspike.field(bin="b")]
    b: int


@attrs.define
class OfAttrs:
    name: Annotated[str, pyspike.field(bin="n")]
    size: int
    homes: Annotated[list[Place], pyspike.field(bin="h")] = attrs.field(factory=list)


class OfMsgspec(msgspec.Struct):
    name: str = msgspec.field(name="n")
    size: int = 0
    homes: Annotated[list[Place], pyspike.field(bin="h")] = msgspec.field(default_factory=list)


class OfPydantic(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str = pydantic.Field(alias="n")
    size: Annotated[int, pydantic.Field(ge=0)]
    homes: Annotated[list[Place], pyspike.field(bin="h")] = pydantic.Field(default_factory=list)


CLASSES = [OfDataclass, OfTypedDict, OfNamedTuple, OfAttrs, OfMsgspec, OfPydantic]


@pytest.fixture
def where(client: Client, set_name: str) -> Statement:
    """A statement that finds two records."""
    set_name = f"{set_name}-c{next(_sets)}"
    homes = [{"c": "Rome", "zip": None}, {"c": "Bonn", "zip": 5}]
    client.put(Key("test", set_name, 1), {"n": "Ann", "size": 170, "h": homes, "more": 1})
    client.put(Key("test", set_name, 2), {"n": "Bob"})
    return Statement("test", set_name)


@pytest.mark.parametrize("cls", CLASSES)
def test_columns_are_called_as_the_bins_of_a_class(client: Client, where: Statement, cls: Any) -> None:
    stream = client.query_arrow(where, schema=cls)
    assert pa.schema(stream.schema) == pa.schema(
        [
            ("n", pa.utf8()),
            ("size", pa.int64()),
            ("h", pa.list_(pa.struct([("c", pa.utf8()), ("zip", pa.int64())]))),
        ]
    )
    rows = sorted(stream.to_pyarrow().to_pylist(), key=lambda row: row["n"])
    homes = [{"c": "Rome", "zip": None}, {"c": "Bonn", "zip": 5}]
    assert rows == [{"n": "Ann", "size": 170, "h": homes}, {"n": "Bob", "size": None, "h": None}]
    named = Statement("test", where.set_name, ["n", "size", "h"])
    assert client.query_arrow(named, schema=cls).to_pyarrow().num_rows == 2
    keys = [Key("test", where.set_name, 1)]
    assert client.batch_get_arrow(keys, schema=cls).to_pyarrow().to_pylist() == rows[:1]
    assert client.batch_get_arrow(keys, ["n"], schema=cls).to_pyarrow()["n"].to_pylist() == ["Ann"]
    with pytest.raises(InvalidArgument, match=r"the bins \['name'\] are asked for"):
        client.query_arrow(Statement("test", where.set_name, ["name"]), schema=cls)


def test_what_columns_give_is_what_objects_are_made_of(client: Client, where: Statement) -> None:
    copy = f"{where.set_name}-copy"
    table = client.query_arrow(where, schema=OfDataclass, metadata=["digest"]).to_pyarrow()
    ids = pa.array([1 if row["n"] == "Ann" else 2 for row in table.to_pylist()])
    client.write_arrow(
        table.append_column("id", ids), "test", copy, key="id", bins=["n", "size", "h"], policy=PATIENT
    )
    ann = client.get(Key("test", where.set_name, 1), into=OfDataclass)
    assert client.get(Key("test", copy, 1), into=OfDataclass) == ann


def test_a_class_with_arguments_has_their_types(client: Client, where: Statement) -> None:
    assert client.query_arrow(where, schema=Box[int]).to_pyarrow().schema == pa.schema([("size", pa.int64())])  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatch):
        client.query_arrow(where, schema=Box[str]).to_pyarrow()  # type: ignore[arg-type]


def test_classes_that_can_be_no_columns_are_refused(client: Client, where: Statement) -> None:
    with pytest.raises(InvalidArgument, match=r"'item' has no end: .*Endless.* in itself"):
        client.query_arrow(where, schema=Endless)
    with pytest.raises(InvalidArgument, match=r"'one' and 'b' of .*Twice.* are both the bin 'b'"):
        client.query_arrow(where, schema=Twice)

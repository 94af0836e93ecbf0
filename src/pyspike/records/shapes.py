"""What values an annotation takes, as a compiled `Shape`."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import enum
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pyspike._wire import (
    METADATA_DIGEST,
    METADATA_EXPIRATION,
    METADATA_GENERATION,
    METADATA_KEY,
    METADATA_OTHERS,
    METADATA_SET,
    METADATA_TTL,
    ClassPlan,
    ClassShape,
    CodecShape,
    DictShape,
    FloatShape,
    Key,
    ListShape,
    LiteralShape,
    OwnShape,
    Shape,
    TupleShape,
    TypeShape,
    UnionShape,
)
from pyspike.codecs import PACKED_AS_THEY_ARE, Codec
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.records.classes import is_record_class
from pyspike.records.fields import FieldOptions, options_among
from pyspike.records.generics import argued
from pyspike.values import GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, OrderedList, RawParticle

__all__ = ["DICTS", "LISTS", "Annotations", "bare", "options_of"]

AS_THEY_ARE = {
    int: "int",
    str: "str",
    bytes: "bytes",
    bool: "bool",
    GeoJSON: "GeoJSON",
    HyperLogLog: "HyperLogLog",
    OrderedList: "list",
    KeyOrderedDict: "dict",
    KeyValueOrderedDict: "dict",
    RawParticle: "RawParticle",
}
LISTS = (collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable)
DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
WRAPPERS = {
    getattr(typing, name)
    for name in ("Required", "NotRequired", "ReadOnly", "Final")
    if hasattr(typing, name)
}
METADATA_TYPES: dict[int, tuple[str, type]] = {
    METADATA_KEY: ("Key", Key),
    METADATA_SET: ("str", str),
    METADATA_DIGEST: ("bytes", bytes),
    METADATA_GENERATION: ("int", int),
    METADATA_TTL: ("int", int),
    METADATA_EXPIRATION: ("datetime", datetime.datetime),
}
ANYTHING = frozenset({"anything"})


class Shaped(NamedTuple):
    """A shape, and as what kinds of values it is stored, by which the members of a union are told apart."""

    shape: Shape
    kinds: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Annotations:
    """Makes shapes of the annotations of a class.

    Args:
        codecs: those of the client, by type.
        plan: gives the plan of another class, with its arguments if it has some.
        anything: makes the shape of what is taken as it is.
        own_encoder: of a class that looks at its values itself, so that unknown annotations are its own:
            makes of one what encodes its values. None of other classes.
    """

    codecs: Mapping[type, Codec[Any]]
    plan: Callable[[Any], ClassPlan]
    anything: Callable[[str], Shape]
    own_encoder: Callable[[Any], Callable[[Any], Any]] | None

    def shape_of(self, annotation: Any, options: FieldOptions) -> Shape:
        """The shape of a field.

        Raises:
            InvalidType: there is no way to store such values.
            InvalidArgument: the members of a union can't be told apart.
        """
        if options.metadata == METADATA_OTHERS:
            return DictShape("dict", TypeShape("str", str), self.anything("Any"))
        expected = METADATA_TYPES.get(options.metadata)
        if expected is not None:
            return _of_metadata(annotation, *expected)
        if options.codec is not None:
            members = _members(annotation)
            inner = next((self._items_of(each) for each in members if _is_set(each)), None)
            return _of_codec(options.codec, options.codec.type.__name__, type(None) in members, inner).shape
        return self._shaped(annotation).shape

    def _shaped(self, annotation: Any, nullable: bool = False) -> Shaped:
        given, annotation = annotation, bare(annotation)
        name = _name_of(annotation)
        members = _members(annotation)
        if len(members) > 1 or members == (type(None),):
            return self._union(given, name, members)
        if annotation is Any or annotation is object:
            return Shaped(self.anything("Any"), ANYTHING)
        origin = typing.get_origin(annotation) or annotation
        arguments = typing.get_args(annotation)
        if origin is typing.Literal:
            return Shaped(LiteralShape(name, arguments, nullable=nullable), frozenset({name}))
        if isinstance(origin, type) and origin in self.codecs:
            inner = self._items_of(annotation) if _is_set(annotation) else None
            return _of_codec(self.codecs[origin], name, nullable, inner)
        if annotation in AS_THEY_ARE:
            return Shaped(
                TypeShape(name, annotation, nullable=nullable), frozenset({AS_THEY_ARE[annotation]})
            )
        if annotation is float:
            return Shaped(FloatShape(name, nullable=nullable), frozenset({"float"}))
        if origin is tuple:
            return Shaped(self._tuple(name, arguments, nullable), frozenset({"list"}))
        if origin is list or origin in LISTS or origin is collections.abc.MutableSequence:
            item = self._shaped(arguments[0] if arguments else Any).shape
            return Shaped(
                ListShape(name, item, tuples=origin in LISTS, nullable=nullable), frozenset({"list"})
            )
        if origin in DICTS:
            key, value = arguments or (Any, Any)
            return Shaped(
                DictShape(name, self._key(key), self._shaped(value).shape, nullable=nullable),
                frozenset({"dict"}),
            )
        if is_record_class(origin):
            return Shaped(ClassShape(name, self.plan(annotation), nullable=nullable), frozenset({"dict"}))
        if self.own_encoder is not None:
            return Shaped(OwnShape(name, self.own_encoder(given), nullable=nullable), ANYTHING)
        raise _no_way(annotation, name)

    def _items_of(self, annotation: Any) -> Shape:
        """The shape of what is stored of a set."""
        return ListShape("list", self._shaped(typing.get_args(annotation)[0]).shape)

    def _union(self, given: Any, name: str, members: tuple[Any, ...]) -> Shaped:
        nullable = type(None) in members
        others = [each for each in members if each is not type(None)]
        if not others:
            return Shaped(TypeShape("None", type(None)), frozenset({"None"}))
        if len(others) == 1:
            return self._shaped(others[0], nullable)
        options = [self._shaped(each) for each in others]
        for at, (one, kinds) in enumerate(options):
            for other, theirs in options[:at]:
                if kinds & theirs or "anything" in kinds | theirs:
                    if self.own_encoder is not None:
                        return Shaped(OwnShape(name, self.own_encoder(given), nullable=nullable), ANYTHING)
                    raise InvalidArgument(
                        f"{other.name} and {one.name} can't be told apart in what is stored",
                        advice="a codec that is tagged marks what it stores",
                    )
        # An int is looked for before a float, which takes it too, and what is marked before a map.
        options.sort(
            key=lambda each: (not any(kind.startswith("tag ") for kind in each.kinds), "float" in each.kinds)
        )
        kinds = frozenset().union(*(each.kinds for each in options))
        return Shaped(UnionShape(name, tuple(each.shape for each in options), nullable=nullable), kinds)

    def _tuple(self, name: str, arguments: tuple[Any, ...], nullable: bool) -> Shape:
        if not arguments or (len(arguments) == 2 and arguments[1] is Ellipsis):
            item = self._shaped(arguments[0] if arguments else Any).shape
            return ListShape(name, item, as_tuple=True, nullable=nullable)
        if arguments == ((),):
            arguments = ()
        return TupleShape(name, tuple(self._shaped(each).shape for each in arguments), nullable=nullable)

    def _key(self, annotation: Any) -> Shape:
        shape, kinds = self._shaped(annotation)
        if kinds <= {"str", "int", "bytes"} or isinstance(shape, LiteralShape) or kinds == ANYTHING:
            return Shape(shape.name) if kinds == ANYTHING else shape
        raise InvalidType(f"the keys of a map are str, int or bytes, not {shape.name}")


def options_of(annotation: Any) -> FieldOptions | None:
    """What `pyspike.field` says inside an `Annotated`."""
    while typing.get_origin(annotation) in WRAPPERS:
        (annotation,) = typing.get_args(annotation)
    return options_among(annotation.__metadata__) if hasattr(annotation, "__metadata__") else None


def _is_set(annotation: Any) -> bool:
    """Whether it is a set that tells what is in it."""
    return typing.get_origin(annotation) in (set, frozenset)


def _of_codec(codec: Codec[Any], name: str, nullable: bool, inner: Shape | None) -> Shaped:
    shape = CodecShape(name, codec.type, codec.encode, codec.decode, codec.tag, inner, nullable=nullable)
    return Shaped(shape, ANYTHING if codec.tag is None else frozenset({f"tag {codec.tag}"}))


def _of_metadata(annotation: Any, name: str, kind: type) -> Shape:
    members = [bare(each) for each in _members(bare(annotation))]
    if kind not in members and Any not in members and object not in members:
        raise InvalidType(f"{_name_of(annotation)} is not the type of that, which is {name}")
    nullable = type(None) in members or kind not in members
    return TypeShape(name, kind, nullable=nullable)


def bare(annotation: Any) -> Any:
    """An annotation without what is around it: `Annotated`, `Required`, a `NewType`, a name for a type."""
    while True:
        origin = typing.get_origin(annotation)
        if hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
        elif origin in WRAPPERS:
            (annotation,) = typing.get_args(annotation)
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__") and not isinstance(annotation, type):
            arguments = typing.get_args(annotation)
            value = annotation.__value__
            annotation = argued(value, dict(zip(annotation.__type_params__, arguments, strict=False)))
        elif isinstance(annotation, typing.TypeVar):
            annotation = annotation.__bound__ or Any
        else:
            return annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; of anything else that itself. None among the values of a Literal is one."""
    annotation = bare(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        values = tuple(each for each in typing.get_args(annotation) if each is not None)
        if len(values) < len(typing.get_args(annotation)):
            literal: Any = typing.Literal
            return (literal[values], type(None)) if values else (type(None),)
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return (type(None) if annotation is None else annotation,)
    return tuple(member for each in typing.get_args(annotation) for member in _members(each))


def _name_of(annotation: Any) -> str:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return repr(annotation).replace("typing.", "").replace("collections.abc.", "")


def _no_way(annotation: Any, name: str) -> InvalidType:
    kind = typing.get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        advice = f"give a codec: codecs.enum({name}), to the client or to pyspike.field"
    elif isinstance(kind, type) and issubclass(kind, PACKED_AS_THEY_ARE):
        base = next(each for each in PACKED_AS_THEY_ARE if issubclass(kind, each))
        plain = "bytes" if base in (bytearray, memoryview) else base.__name__
        return InvalidType(
            f"{name} is written as {plain}, and would be read as that", advice=f"let the field be {plain}"
        )
    else:
        advice = "give a codec to the client, by ClientPolicy(codecs=[...]), or to pyspike.field"
    return InvalidType(f"Aerospike has no type for {name}", advice=advice)

"""Schemas of columns, made of what a user says: Python types, or what another library has."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Mapping, MutableSequence
from typing import Any

from pyspike._types import ColumnTypes
from pyspike._wire import ArrowSchema, plain_text
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.records.classes import ClassField, fields_of, is_record_class
from pyspike.records.fields import METADATA, FieldOptions
from pyspike.records.shapes import DICTS, LISTS, bare, options_of
from pyspike.showing import shown
from pyspike.values import GeoJSON, HyperLogLog

__all__ = ["PARTICLE", "GuessedSchema", "field_of", "json_field", "null_for_both", "schema_of"]

PARTICLE = b"aerospike:particle"
"""The name in a field's metadata that says which kind of text (geojson) or bytes (hll) it has."""

NULL = b"aerospike:null"
"""The name in the metadata of a struct's field that says what null is: None (value), or also a key that lacks
(either). Where nothing is said it is a key that lacks."""

MOST_INSIDE = 32  # classes in each other: those with arguments may have no end

_JSON = {b"ARROW:extension:name": b"arrow.json", b"ARROW:extension:metadata": b""}
_PLAIN: dict[Any, tuple[str, dict[bytes, bytes] | None]] = {
    int: ("l", None),
    float: ("g", None),
    bool: ("b", None),
    str: ("u", None),
    bytes: ("z", None),
    GeoJSON: ("u", {PARTICLE: b"geojson"}),
    HyperLogLog: ("z", {PARTICLE: b"hll"}),
    datetime.datetime: ("tsu:UTC", None),
    object: ("u", _JSON),
    Any: ("u", _JSON),
}


class GuessedSchema:
    """A schema that nobody gave, but that is of some records of a set.

    So other records may have other bins: these are asked for, too, and are an error, or in the column for
    what has none. Of a schema that is given, only the bins are asked for.
    """

    __slots__ = ("schema",)

    def __init__(self, schema: ArrowSchema) -> None:
        self.schema = schema

    def __arrow_c_schema__(self) -> object:
        """The schema, as others take it."""
        return self.schema.__arrow_c_schema__()


def json_field(name: str) -> ArrowSchema:
    """A column of values of any type, as JSON text."""
    return ArrowSchema(name, "u", metadata=_JSON)


def null_for_both(schema: ArrowSchema) -> ArrowSchema:
    """The same, but null in all its structs is None as well as a key that lacks, as where nobody can say."""
    fields = [null_for_both(each) for each in schema.fields]
    if schema.format == "+s":
        fields = [_named(each, each.name, {NULL: b"either"}) for each in fields]
    return _named(schema, schema.name, fields=fields)


def schema_of(declared: ColumnTypes) -> ArrowSchema:
    """The schema of a table that is described by names and types.

    Args:
        declared: a mapping of names to types, a class as `into=` takes them, or an object with the method
            `__arrow_c_schema__`, as schemas of pyarrow and nanoarrow are. Types are int, float, bool, str,
            bytes, GeoJSON, HyperLogLog, datetime (microseconds since 1970), `list[T]`, `dict[K, V]`, for
            structs what may be declared here, `object` for JSON text, and objects with `__arrow_c_schema__`.
            `T | None` is T: any value may be missing. In a struct, only such a field has null also for None;
            else null is a key that lacks, and None does not fit. `Literal` is the type of its values. A
            column of a class is called as the bin of its field.

    Raises:
        InvalidType: it is none of these.
        InvalidArgument: it has no columns that could be filled.
    """
    if not isinstance(declared, type) and hasattr(declared, "__arrow_c_schema__"):
        schema = ArrowSchema.from_arrow(declared)
        if schema.format != "+s":
            raise InvalidArgument(f"the schema of a table is a struct of columns, not {shown(schema)}")
        return schema
    fields = _fields_of(declared)
    if fields is None:
        raise InvalidType(
            f"a schema can't be made of {shown(declared)}",
            advice="give a mapping of names to types, a dataclass or another class with fields, or Arrow's",
        )
    columns = [field_of(name, kind, (declared,)) for name, kind in fields.items()]
    return ArrowSchema("", "+s", nullable=False, fields=columns)


def field_of(name: str, declared: Any, inside: tuple[Any, ...] = ()) -> ArrowSchema:
    """A column with this name and type, in those classes; raises what `schema_of` does."""
    if not isinstance(name, str):
        raise InvalidType(f"the name of a column must be a str, not {shown(name)}")
    name = plain_text(name)
    if not isinstance(declared, type) and hasattr(declared, "__arrow_c_schema__"):
        return _named(ArrowSchema.from_arrow(declared), name)
    _refuse_options(name, options_of(declared))
    declared = bare(declared)
    plain = _PLAIN.get(declared) if isinstance(declared, typing.Hashable) else None
    if plain is not None:
        form, metadata = plain
        return ArrowSchema(name, form, metadata=metadata)
    fields = _fields_of(declared)
    if fields is None:
        return _container(name, declared, inside)
    if declared in inside or len(inside) == MOST_INSIDE:
        raise InvalidArgument(
            f"the column {name!r} has no end: {shown(declared)} is in itself",
            advice="object is the type of JSON text, whose depth need not be known",
        )
    inside = (*inside, declared)
    return ArrowSchema(name, "+s", fields=[_member(each, kind, inside) for each, kind in fields.items()])


def _member(name: str, declared: Any, inside: tuple[Any, ...]) -> ArrowSchema:
    """A field of a struct, whose null is None, too, if its type has that."""
    schema = field_of(name, declared, inside)
    if _has_none(bare(declared)) and schema.metadata.get(b"ARROW:extension:name") != b"arrow.json":
        return _named(schema, name, {NULL: b"either"})
    return schema


def _has_none(declared: Any) -> bool:
    """Whether a type is one with None."""
    origins = (typing.Union, types.UnionType, typing.Literal)
    return typing.get_origin(declared) in origins and bool({None, type(None)} & {*typing.get_args(declared)})


def _container(name: str, declared: Any, inside: tuple[Any, ...]) -> ArrowSchema:
    """A column of lists or maps, or of a type that may be None."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if isinstance(declared, list) and len(declared) == 1:
        origin, arguments = list, tuple(declared)
    elif origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        origin, arguments = list, arguments[:1]
    if origin in (typing.Union, types.UnionType):
        inner = [each for each in arguments if each is not type(None)]
        if len(inner) == 1:
            return field_of(name, inner[0], inside)
    elif origin is typing.Literal:
        kinds = {type(each) for each in arguments} - {type(None)}
        if len(kinds) == 1:
            return field_of(name, kinds.pop(), inside)
    elif origin in (list, MutableSequence, *LISTS) and len(arguments) == 1:
        return ArrowSchema(name, "+l", fields=[field_of("item", arguments[0], inside)])
    elif origin in DICTS and len(arguments) == 2:
        key = field_of("key", arguments[0], inside)
        key = ArrowSchema("key", key.format, nullable=False, metadata=key.metadata)
        value = field_of("value", arguments[1], inside)
        return ArrowSchema(
            name, "+m", fields=[ArrowSchema("entries", "+s", nullable=False, fields=[key, value])]
        )
    raise InvalidType(
        f"the column {name!r} can't be of the type {shown(declared)}",
        advice="types are int, float, bool, str, bytes, GeoJSON, HyperLogLog, datetime, list[T], dict[K, V], "
        "a dataclass, another class with fields or a mapping for a struct, object for JSON, or Arrow's own",
    )


def _fields_of(declared: Any) -> dict[str, Any] | None:
    """The names and types of a struct; None if this is none."""
    if isinstance(declared, Mapping):
        return dict(declared)
    if not is_record_class(typing.get_origin(declared) or declared):
        return None
    types_of: dict[str, Any] = {}
    names: dict[str, str] = {}
    for each in _in_their_order(declared):
        options = options_of(each.annotation) or each.options
        _refuse_options(each.name, options, is_of_class=True)
        name = (options and options.bin) or each.stored or each.name
        if name in names:
            raise InvalidArgument(
                f"{names[name]!r} and {each.name!r} of {shown(declared)} are both the bin {name!r}"
            )
        names[name] = each.name
        types_of[name] = bare(each.annotation)
    return types_of


def _in_their_order(declared: Any) -> list[ClassField]:
    """The fields of a class as they stand in it, without what is no field of its own."""
    found = {each.name: each for each in fields_of(declared).fields if not each.spread}
    order = typing.get_type_hints(typing.get_origin(declared) or declared)
    return [found[name] for name in dict.fromkeys([*order, *found]) if name in found]


def _refuse_options(name: str, options: FieldOptions | None, *, is_of_class: bool = False) -> None:
    """Refuse a field that is no bin, or none as it is stored, which is all that columns can be."""
    if options is None:
        return
    kinds = {number: what for what, number in METADATA.items()}
    if options.bin is not None and options.bin != name and not is_of_class:
        raise InvalidArgument(
            f"the column {name!r} can't be of the bin {options.bin!r}, as columns are called as their bins",
            advice=f"call it {options.bin!r}, and rename it in the table",
        )
    what = kinds.get(options.metadata)
    if what is not None:
        raise InvalidArgument(
            f"the column {name!r} would be a bin, and not the record's {what}",
            advice="leave it out of the schema, and ask for it by metadata= or extra=",
        )
    if options.codec is not None:
        raise InvalidArgument(
            f"the column {name!r} has a codec, and columns have values as they are stored",
            advice="give a schema with the type that is stored",
        )


def _named(
    schema: ArrowSchema,
    name: str,
    more: Mapping[bytes, bytes] | None = None,
    fields: list[ArrowSchema] | None = None,
) -> ArrowSchema:
    """The same with another name, and with more metadata, or other fields."""
    return ArrowSchema(
        name,
        schema.format,
        nullable=schema.nullable,
        metadata={**schema.metadata, **(more or {})},
        fields=schema.fields if fields is None else fields,
        dictionary=schema.dictionary,
        flags=schema.flags,
    )

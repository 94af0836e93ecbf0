"""What fields a class has: dataclasses, named tuples, TypedDicts, and classes of attrs, msgspec and pydantic.

None of these libraries is imported: a class of theirs brings it along.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pyspike._wire import (
    BUILD_BY_CALLING,
    BUILD_BY_DICT,
    BUILD_BY_SETTING,
    BUILD_BY_TUPLE,
    FIELD_WITHOUT_DEFAULT,
    METADATA_OTHERS,
)
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.records.fields import FieldOptions, options_in
from pyspike.records.generics import with_arguments
from pyspike.records.own_values import own_encoder
from pyspike.showing import shown

__all__ = ["ClassField", "ClassFields", "fields_of", "is_record_class"]


@dataclasses.dataclass(frozen=True, slots=True)
class ClassField:
    """A field, as its class tells of it.

    Args:
        name: of the attribute.
        annotation: its type.
        parameter: its name where the class is called.
        keyword: whether it must be given by that name.
        required: whether the class has no default for it.
        default: what the class has; FIELD_WITHOUT_DEFAULT if it finds it itself.
        factory: makes the default.
        none_comes_back: whether the field is None where it is not given.
        options: what `pyspike.field` says of it.
        stored: the name under which the library stores it; None if that is the field's own.
        set_after: whether the class takes no value for it, so that it is set when the object is there.
        spread: whether its values, a dict, are given to the class by their own names.
    """

    name: str
    annotation: Any
    parameter: str
    keyword: bool = False
    required: bool = True
    default: Any = FIELD_WITHOUT_DEFAULT
    factory: Callable[[], Any] | None = None
    none_comes_back: bool = False
    options: FieldOptions | None = None
    stored: str | None = None
    set_after: bool = False
    spread: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ClassFields:
    """All that a class has.

    Args:
        fields: its fields, those first that are given without a name.
        building: how an object is made: `BUILD_BY_CALLING` and so on.
        forbids_others: whether what has no field is an error.
        own_encoder: of a class that looks itself at what it is called with, so that it may have annotations
            that nobody else knows: makes of one what encodes its values. None of other classes.
    """

    fields: list[ClassField]
    building: int
    forbids_others: bool = False
    own_encoder: Callable[[Any], Callable[[Any], Any]] | None = None


def is_record_class(cls: Any) -> bool:
    """Whether it is a class with fields."""
    return isinstance(cls, type) and _kind_of(cls) is not None


def fields_of(annotation: Any) -> ClassFields:
    """The fields of a class, or of one with arguments: `Box[int]`.

    Raises:
        InvalidType: it has none that are known here.
        InvalidArgument: it can't be made of its fields, or has what would be lost.
    """
    cls: Any = typing.get_origin(annotation) or annotation
    read = _kind_of(cls)
    if read is None:
        raise InvalidType(
            f"{cls.__module__}.{cls.__qualname__} has no fields to read a record into, or to write",
            advice="a dataclass has, a TypedDict, a NamedTuple, and a class of attrs, msgspec or pydantic",
        )
    _refuse_init_only(cls)
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise InvalidType(f"an annotation of {cls.__name__} can't be read: {error}") from error
    return read(cls, with_arguments(annotation, hints))


def _refuse_init_only(cls: Any) -> None:
    """Refuse a dataclass that is called with what it does not keep: no record tells that."""
    for each in getattr(cls, "__dataclass_fields__", {}).values():
        if getattr(each._field_type, "name", "") == "_FIELD_INITVAR":
            raise InvalidArgument(
                f"{cls.__name__}.{each.name} is an InitVar, which no object keeps, so that no record has it",
                advice="make it a field, or an argument of a class method that makes the object",
            )


def _kind_of(cls: type) -> Callable[[type, dict[str, Any]], ClassFields] | None:
    if hasattr(cls, "__pydantic_fields__") and hasattr(cls, "model_validate"):
        return _of_pydantic
    if hasattr(cls, "__struct_fields__"):
        return _of_msgspec
    if dataclasses.is_dataclass(cls):
        return _of_dataclass
    if hasattr(cls, "__attrs_attrs__"):
        return _of_attrs
    if hasattr(cls, "__required_keys__") and hasattr(cls, "__total__"):
        return _of_typed_dict
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _of_named_tuple
    return None


# --- the standard library's ---


def _of_dataclass(cls: Any, hints: dict[str, Any]) -> ClassFields:
    if dict(getattr(cls, "__pydantic_config__", None) or {}).get("extra") == "allow":
        raise InvalidArgument(
            f'{cls.__name__} is a dataclass of pydantic with extra="allow", whose extras would be lost',
            advice="a BaseModel keeps them apart, and stores them",
        )
    found = []
    for each in dataclasses.fields(cls):
        if not each.init:
            found.append(
                ClassField(
                    each.name,
                    hints[each.name],
                    each.name,
                    keyword=True,
                    required=False,
                    none_comes_back=each.default is None,
                    options=options_in(each.metadata),
                    set_after=True,
                )
            )
            continue
        factory = None if each.default_factory is dataclasses.MISSING else each.default_factory
        has_default = each.default is not dataclasses.MISSING
        found.append(
            ClassField(
                each.name,
                hints[each.name],
                each.name,
                keyword=bool(each.kw_only),
                required=not has_default and factory is None,
                default=each.default if has_default else FIELD_WITHOUT_DEFAULT,
                factory=factory,
                none_comes_back=each.default is None,
                options=options_in(each.metadata),
            )
        )
    found.sort(key=lambda each: each.keyword)
    return ClassFields(found, BUILD_BY_SETTING if _only_sets(cls, found) else BUILD_BY_CALLING)


def _only_sets(cls: Any, fields: list[ClassField]) -> bool:
    """Whether calling the class does nothing but to set these attributes, as `dataclass` has written it."""
    if cls.__new__ is not object.__new__ or type(cls).__call__ is not type.__call__:
        return False
    if hasattr(cls, "__post_init__") or not _is_written(cls.__init__):
        return False
    code = cls.__init__.__code__
    parameters = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    sets = cls.__setattr__ is object.__setattr__ or (
        cls.__dataclass_params__.frozen and _is_written(cls.__setattr__)
    )
    # A field that `__init__` sets without taking it, as it has a default and init=False, would be left out.
    all_taken = all(each.init for each in dataclasses.fields(cls))
    return sets and all_taken and sorted(parameters) == sorted(each.name for each in fields)


def _is_written(function: Any) -> bool:
    """Whether `dataclass` has written a method, and not a person."""
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == "<string>"


def _of_named_tuple(cls: Any, hints: dict[str, Any]) -> ClassFields:
    defaults = cls._field_defaults
    found = [
        ClassField(
            name,
            hints.get(name, Any),
            name,
            required=name not in defaults,
            default=defaults.get(name, FIELD_WITHOUT_DEFAULT),
            none_comes_back=defaults.get(name, 0) is None,
        )
        for name in cls._fields
    ]
    maker = next(each for each in cls.__mro__ if "__new__" in vars(each))
    is_plain = maker.__bases__ == (tuple,) and cls.__init__ is object.__init__
    return ClassFields(found, BUILD_BY_TUPLE if is_plain else BUILD_BY_CALLING)


def _of_typed_dict(cls: Any, hints: dict[str, Any]) -> ClassFields:
    found = []
    for name, annotation in hints.items():
        origin = typing.get_origin(annotation)
        told = getattr(origin, "_name", None) or getattr(origin, "__name__", None)
        required = told == "Required" or (told != "NotRequired" and name in cls.__required_keys__)
        found.append(ClassField(name, annotation, name, keyword=True, required=required))
    return ClassFields(found, BUILD_BY_DICT)


# --- those of others ---


def _of_attrs(cls: Any, hints: dict[str, Any]) -> ClassFields:
    nothing = sys.modules["attr"].NOTHING
    for each in cls.__attrs_attrs__:
        _refuse_marker(cls, each.name, each.default)
    found = [
        ClassField(
            each.name,
            hints.get(each.name, Any if each.type is None else each.type),
            getattr(each, "alias", None) or each.name.lstrip("_"),
            keyword=bool(each.kw_only) or not each.init,
            required=each.default is nothing and each.init,
            none_comes_back=each.default is None,
            options=options_in(each.metadata),
            set_after=not each.init,
        )
        for each in cls.__attrs_attrs__
    ]
    found.sort(key=lambda each: each.keyword)
    return ClassFields(found, BUILD_BY_CALLING)


def _of_msgspec(cls: Any, hints: dict[str, Any]) -> ClassFields:
    found = []
    for each in sys.modules["msgspec"].structs.fields(cls):
        _refuse_marker(cls, each.name, each.default)
        found.append(
            ClassField(
                each.name,
                hints[each.name],
                each.name,
                keyword=True,
                required=each.required,
                none_comes_back=each.default is None,
                stored=each.encode_name,
            )
        )
    return ClassFields(found, BUILD_BY_CALLING, forbids_others=cls.__struct_config__.forbid_unknown_fields)


def _of_pydantic(cls: Any, hints: dict[str, Any]) -> ClassFields:
    config = cls.model_config
    cls.model_rebuild(raise_errors=False)  # if its annotations were not known when it was made
    by_name = bool(config.get("populate_by_name") or config.get("validate_by_name"))
    found = []
    for name, each in cls.__pydantic_fields__.items():
        alias = each.validation_alias or each.alias
        if alias is not None and not isinstance(alias, str) and not by_name:
            raise InvalidArgument(
                f"{cls.__name__}.{name} has an alias that is no text: {shown(alias)}",
                advice="populate_by_name lets the class be called by the names of its fields",
            )
        _refuse_marker(cls, name, each.default)
        if _is_left_open(each.annotation):
            raise InvalidArgument(
                f"{cls.__name__}.{name} refers to the generic class that it is in, without its arguments",
                advice="a class that is not generic may refer to itself",
            )
        found.append(
            ClassField(
                name,
                _annotation_in(each) if cls.__pydantic_complete__ else hints[name],
                name if by_name or alias is None else alias,
                keyword=True,
                required=each.is_required(),
                none_comes_back=each.default is None and each.default_factory is None,
                stored=alias if isinstance(alias, str) else None,
            )
        )
    extra = config.get("extra")
    if extra == "allow":
        others = FieldOptions(metadata=METADATA_OTHERS)
        found.append(
            ClassField("model_extra", Any, "", keyword=True, required=False, options=others, spread=True)
        )
    return ClassFields(
        found, BUILD_BY_CALLING, forbids_others=extra == "forbid", own_encoder=partial(own_encoder, config)
    )


def _is_left_open(annotation: Any) -> bool:
    """Whether pydantic has put a mark in the place of a class that was not there yet."""
    if type(annotation).__name__ == "PydanticRecursiveRef":
        return True
    return any(_is_left_open(each) for each in typing.get_args(annotation))


def _annotation_in(field: Any) -> Any:
    """The annotation of a field of pydantic, in which the type variables of generic classes are replaced."""
    said = list(field.metadata)
    if field.discriminator is not None:
        said.append(sys.modules["pydantic"].Field(discriminator=field.discriminator))
    return Annotated[(field.annotation, *said)] if said else field.annotation


def _refuse_marker(cls: type, name: str, default: object) -> None:
    """Refuse what `pyspike.field` gives where only a dataclass takes it."""
    if isinstance(default, dataclasses.Field):
        raise InvalidArgument(
            f"{cls.__name__}.{name} has for its default what pyspike.field gives: only dataclasses take that",
            advice="write it inside Annotated: `name: Annotated[str, pyspike.field(...)]`",
        )

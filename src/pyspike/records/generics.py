"""Generic classes: the arguments they are given, in the place of their type variables."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from pyspike.errors import InvalidArgument
from pyspike.showing import shown

__all__ = ["argued", "with_arguments"]


def with_arguments(annotation: Any, hints: dict[str, Any]) -> dict[str, Any]:
    """The annotations of a class in which type variables, of its bases too, are replaced by what they are.

    Args:
        annotation: the class, or one with arguments: `Box[int]`.
        hints: the annotations of its fields, as they were written.

    Raises:
        InvalidArgument: there are arguments that no type variable is for.
    """
    lineage: list[tuple[type, dict[Any, Any]]] = []
    _collect(annotation, {}, hints, lineage)
    if not any(arguments for _, arguments in lineage):
        return hints
    found = dict(hints)
    told: set[str] = set()
    for cls, arguments in lineage:
        # A TypedDict repeats the annotations of its bases, whose type variables are not its own.
        repeats = hasattr(cls, "__required_keys__")
        for name in inspect.get_annotations(cls):
            if name in hints and not (repeats and name in told):
                found[name] = argued(hints[name], arguments)
                told.add(name)
    return found


def argued(annotation: Any, arguments: Mapping[Any, Any]) -> Any:
    """An annotation in which type variables are replaced by these."""
    if isinstance(annotation, typing.TypeVar):
        return arguments.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if typing.get_origin(annotation) is None or not any(each in arguments for each in parameters):
        return annotation
    return annotation[tuple(arguments.get(each, each) for each in parameters)]


def _collect(
    annotation: Any,
    outer: Mapping[Any, Any],
    hints: Mapping[str, Any],
    lineage: list[tuple[type, dict[Any, Any]]],
) -> None:
    """Add a class with its arguments to those that it has fields of, behind its bases."""
    cls, given = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if not isinstance(cls, type) or cls is object:
        return
    parameters = getattr(cls, "__parameters__", ()) if given else ()
    arguments: dict[Any, Any] = {}
    if len(parameters) == len(given) and all(isinstance(each, typing.TypeVar) for each in parameters):
        arguments = {each: argued(value, outer) for each, value in zip(parameters, given, strict=True)}
    elif any(name in hints for name in inspect.get_annotations(cls)):  # not Protocol, Mapping and the like
        raise InvalidArgument(f"nothing tells which types the arguments of {shown(annotation)} are for")
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        _collect(base, arguments, hints, lineage)
    lineage.append((cls, arguments))

"""How the functions of `exp.lists` and `exp.maps` come to be: declared in Python, made by their opcodes.

A declaration is a function without a body. A decorator takes its signature and the row of its opcode, which
names the arguments in the order of the wire, and makes the function that users call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import update_wrapper
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from pyspike._wire import BoundFunction
from pyspike.cdt.opcodes import MODIFY, SubOp, System
from pyspike.cdt.signatures import Types
from pyspike.cdt.types import ExpType
from pyspike.exp.calls import call, changed, inverted_bit, several, single, source_of
from pyspike.exp.expression import Expression, operand

__all__ = ["Argument", "Family", "plain", "takes"]

F = TypeVar("F", bound=Callable[..., Expression])
Parts: TypeAlias = "tuple[Expression | int | str, ...]"


class Argument(NamedTuple):
    """What one or several arguments of a call are made of.

    Args:
        names: those of the arguments, as the table of opcodes has them.
        parameters: the parameters that they are made of.
        make: takes their values, the function's name and the first one's place, and gives what is sent.
    """

    names: tuple[str, ...]
    parameters: tuple[str, ...]
    make: Callable[[Sequence[Any], str, int], Parts]


def takes(name: str, allowed: Types, *, optional: bool = False) -> Argument:
    """An argument that is an expression or value of these types; with `optional`, None leaves it out."""

    def make(values: Sequence[Any], function: str, place: int) -> Parts:
        return () if optional and values[0] is None else (operand(values[0], function, place, allowed),)

    return Argument((name,), (name,), make)


def plain(names: str, check: Callable[..., Parts], *parameters: str) -> Argument:
    """Arguments that are plain numbers or texts, which the check makes of the parameters."""
    words = tuple(names.split())
    return Argument(words, parameters or words, lambda values, function, place: check(*values))


class Family:
    """The calls of one kind of value.

    Args:
        name: the module of their functions.
        kind: what they work on.
        return_types: what their selections may give.
        arguments: what they take; the first that fits counts.
    """

    def __init__(
        self, name: str, kind: ExpType, return_types: type[IntEnum], arguments: Sequence[Argument]
    ) -> None:
        self.name = name
        self.kind = kind
        self.return_types = return_types
        self.arguments = arguments

    def read(self, opcode: SubOp, *own: Argument, gives: ExpType | None = None) -> Callable[[F], F]:
        """Declares a call that reads.

        Args:
            opcode: its opcode.
            own: arguments that are something else than in the family's other functions.
            gives: the type of the result; None for a selection, where it follows from the return type.
        """

        def make(name: str, given: Mapping[str, Any], parts: Iterator[Parts]) -> Expression:
            selected, kind = self._returned(name, given) if gives is None else ((), gives)
            ctx = given["ctx"]
            operation = [opcode, *selected, *(part for each in parts for part in each)]
            return call(System.CDT, kind, operation, source_of(given["source"], name, self.kind, ctx), ctx)

        return self._declare(opcode, own, make)

    def modify(self, opcode: SubOp, *own: Argument) -> Callable[[F], F]:
        """Declares a call that modifies a copy of its source, and gives that; arguments are as for `read`."""

        def make(name: str, given: Mapping[str, Any], parts: Iterator[Parts]) -> Expression:
            # What removes gives the rest of the source; its return type only says whether it is inverted.
            removes = opcode.arguments[:1] == ("return_type",)
            selected = (inverted_bit(given.get("inverted", False)),) if removes else ()
            ctx = given["ctx"]
            operation = [opcode, *selected, *(part for each in parts for part in each)]
            source = source_of(given["source"], name, self.kind, ctx)
            return call(System.CDT | MODIFY, changed(source, self.kind, ctx), operation, source, ctx)

        return self._declare(opcode, own, make)

    def _returned(self, name: str, given: Mapping[str, Any]) -> tuple[tuple[int], ExpType]:
        """The return type of a selection, and the type of what it gives."""
        if "inverted" in given:
            number, kind = several(name, given["return_type"], self.return_types, given["inverted"])
        else:
            number, kind = single(name, given["return_type"], self.return_types, given["value_type"])
        return (number,), kind

    def _declare(
        self,
        opcode: SubOp,
        own: Sequence[Argument],
        make: Callable[[str, Mapping[str, Any], Iterator[Parts]], Expression],
    ) -> Callable[[F], F]:
        name = f"{self.name}.{opcode.function}"
        names = opcode.arguments[opcode.arguments[:1] == ("return_type",) :]

        def declare(function: F) -> F:
            def run(*values: Any) -> Expression:
                given = dict(zip(parameters, values, strict=True))
                parts = (
                    argument.make([given[each] for each in argument.parameters], name, place)
                    for argument, place in arguments
                )
                return make(name, given, parts)

            made = BoundFunction(function, run)
            parameters = made.parameters
            arguments = [
                (argument, parameters.index(argument.parameters[0]))
                for argument in _fitting(names, (*own, *self.arguments), parameters)
            ]
            return cast("F", update_wrapper(made, function))

        return declare


def _fitting(
    names: Sequence[str], arguments: Sequence[Argument], parameters: Sequence[str]
) -> Iterator[Argument]:
    """What the named arguments of a function are made of, in their order."""
    while names:
        found = next(
            argument
            for argument in arguments
            if argument.names == tuple(names[: len(argument.names)])
            and {*argument.parameters} <= {*parameters}
        )
        yield found
        names = names[len(found.names) :]

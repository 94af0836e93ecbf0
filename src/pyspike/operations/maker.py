"""How the functions of this package come to be: declared in Python, run by the wire layer.

A declaration is a function without a body. A decorator takes its signature and the row of its opcode, which
names the arguments in the order of the wire, and makes the compiled function that users call. It checks its
arguments and packs them at once: the value of an operation is `[opcode, arguments...]`, on an element inside
the bin `[0xFF, contexts, [opcode, arguments...]]` (cdt.md 5.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum, IntFlag
from functools import update_wrapper
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from pyspike._wire import (
    PARTICLE_BLOB,
    Argument,
    BareFunction,
    DeclaredFunction,
    ListFunction,
    Number,
    Operation,
    ValueFunction,
    register_operations,
    restore_operation,
)
from pyspike.cdt.checks import known_bits, member, selection
from pyspike.cdt.context import single_steps
from pyspike.cdt.enums import INVERTED
from pyspike.cdt.opcodes import OpCode, SubOp
from pyspike.process.lazy_imports import importing

F = TypeVar("F", bound=Callable[..., Operation])

Kinds: TypeAlias = "Sequence[tuple[str, Argument]]"
"""What arguments must be: the names of one or several that go together, as the table of opcodes has them, and
what they are made of. The first that fits counts: the names are next, and the function has its parameters."""


class Declarer(Protocol):
    """Gives the decorator that declares the operation of an opcode.

    Keywords are arguments, by their names in the table of opcodes, that must be something of their own.
    """

    def __call__(self, opcode: SubOp, **kinds: Argument) -> Callable[[F], F]: ...  # noqa: D102


def in_bin(
    code: OpCode,
    kinds: Kinds,
    *,
    write: bool = False,
    respond_all: bool = True,
    particle: int = PARTICLE_BLOB,
) -> Declarer:
    """What declares operations on the inside of a bin.

    Args:
        code: their number.
        kinds: what their arguments must be.
        write: whether they may change the record.
        respond_all: whether they ask for the answers of all operations.
        particle: what to send as the value's particle type.
    """

    def declarer(opcode: SubOp, **own: Argument) -> Callable[[F], F]:
        return listed(
            code,
            (*own.items(), *kinds),
            opcode.arguments,
            opcode=opcode,
            write=write,
            respond_all=respond_all,
            particle=particle,
        )

    return declarer


def listed(
    code: OpCode,
    kinds: Kinds,
    names: Sequence[str],
    *,
    opcode: int | None = None,
    write: bool = False,
    respond_all: bool = True,
    particle: int = PARTICLE_BLOB,
) -> Callable[[F], F]:
    """Declares an operation whose value is a list of these arguments."""

    def declare(function: F) -> F:
        parameters = DeclaredFunction(function).parameters
        made = ListFunction(
            function,
            code,
            list(_arguments(names, kinds, parameters)),
            opcode=opcode,
            particle=particle,
            check_ctx=single_steps,
            write=write,
            respond_all=respond_all,
        )
        return _named(made, function)

    return declare


def bare(
    code: OpCode,
    *,
    whole: bool = False,
    write: bool = False,
    header: bool = False,
    all_bins: bool = False,
    respond_all: bool = False,
) -> Callable[[F], F]:
    """Declares an operation without a value; `whole`: with no name it is on the record as a whole."""

    def declare(function: F) -> F:
        made = BareFunction(
            function,
            code,
            whole=whole,
            write=write,
            header=header,
            all_bins=all_bins,
            respond_all=respond_all,
        )
        return _named(made, function)

    return declare


def with_value(code: OpCode) -> Callable[[F], F]:
    """Declares an operation that gives a bin a value."""

    def declare(function: F) -> F:
        return _named(ValueFunction(function, code), function)

    return declare


def _named(made: DeclaredFunction, function: F) -> F:
    return cast("F", update_wrapper(made, function))


def _arguments(names: Sequence[str], kinds: Kinds, parameters: Sequence[str]) -> Iterator[Argument]:
    """What the named arguments of a function must be, in their order."""
    while names:
        words, argument = next(
            (words.split(), argument)
            for words, argument in kinds
            if words.split() == list(names[: len(words.split())]) and {*argument.parameters} <= {*parameters}
        )
        yield argument
        names = names[len(words) :]


# Kinds of arguments -----------------------------------------------------------------------------------------


def checked(
    name: str,
    check: Callable[[Any, str], object],
    *exact: type,
    optional: bool = False,
    each: bool = False,
    number: Number | None = None,
) -> tuple[str, Argument]:
    """An argument that is one parameter.

    Args:
        name: its name, on the wire and in signatures.
        check: takes its value and its name, and gives what is sent.
        exact: types whose objects need no check.
        optional: whether it is left out where it is None.
        each: that it is a list of one or more such objects.
        number: the members of an enum that need no check.
    """

    def made(value: object) -> object:
        return () if optional and value is None else check(value, name)

    numbers = None if number is None else (number,)
    return name, Argument((name,), made, exact, numbers=numbers, each=each)


def anything(name: str, *, optional: bool = False) -> tuple[str, Argument]:
    """An argument that may be whatever a bin can hold; with `optional`, None leaves it out."""
    return name, Argument((name,), lambda value: () if optional and value is None else value, None)


def together(
    names: str,
    check: Callable[..., object],
    *parameters: str,
    exact: Sequence[type] | None = (),
    numbers: tuple[Number, ...] | None = None,
    also: Sequence[str] = (),
    each: bool = False,
) -> tuple[str, Argument]:
    """Arguments that are made of several parameters.

    Args:
        names: of the arguments on the wire, in their order.
        check: takes the values of the parameters, and gives what is sent: one value, or a tuple.
        parameters: their names, if they are not the arguments'.
        exact: types of the first parameter that need no check if the others have their defaults; None: all.
        numbers: where each parameter is a member of an enum or a bool: those that need no check.
        also: parameters that the check looks at too, which do not change what is sent.
        each: that the first parameter is a list of one or more such objects.
    """
    types = None if exact is None else tuple(exact)
    return names, Argument(
        parameters or tuple(names.split()), check, types, numbers=numbers, each=each, also=tuple(also)
    )


def members(
    kind: type[IntEnum] | type[IntFlag],
    bits: int = -1,
    *,
    apart: int = 0,
    optional: bool = False,
    sparse: bool = False,
) -> Number:
    """The members of an enum that are sent with no check.

    Args:
        kind: the enum.
        bits: all that such a member may have, of those that the enum knows.
        apart: bits of which it may not have all.
        optional: whether None stands for 0.
        sparse: whether 0 is left out.
    """
    return Number(kind, known_bits(kind) & bits, apart=apart, optional=optional, sparse=sparse)


def added(bits: int) -> Number:
    """A bool that adds these bits to the number before it."""
    return Number(bool, bits)


def selecting(kind: type[IntEnum]) -> Iterator[tuple[str, Argument]]:
    """The return type of operations that select elements, and whether those of several are inverted."""
    yield together(
        "return_type",
        lambda given, inverted: selection(given, kind, inverted),
        "return_type",
        "inverted",
        numbers=(members(kind), added(INVERTED)),
    )
    yield checked("return_type", lambda given, name: member(given, kind, name), number=members(kind))


def _describe(operation: Operation) -> str:
    with importing:
        from pyspike.cdt.describe import describe_operation
    return describe_operation(operation)


def restore(name: str, code: int, wire: bytes, flags: int) -> Operation:
    """Return an operation out of what its pickle holds."""
    return restore_operation(name, code, wire, flags)


register_operations(_describe, restore)
